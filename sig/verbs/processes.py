"""Work for other processes: one a processor, each asked through a pipe.

Not `multiprocessing`: its processes run the main module again, and a library cannot know whether
the script that imports it may be run twice. What is asked and answered is pickled; both ends are
this program.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")

_WORKER = "import sys; sys.path[:] = sys.argv[1:]; from sig.verbs.processes import serve; serve()"


def processors() -> int:
    """How many processes can run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Processes:
    """Processes that are started when there is work for them, and end with the ``with``."""

    def __init__(self) -> None:
        self._free: list[subprocess.Popen[bytes]] = []
        self._all: list[subprocess.Popen[bytes]] = []
        self._room = threading.Semaphore(processors())
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = True
        for worker in self._all:
            if error[0] is not None:
                worker.kill()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    with suppress(OSError):  # what was on its way to one that died
                        pipe.close()
            worker.wait()

    def run(self, function: Callable[..., _T], *arguments: Any) -> _T:
        """What the function gives or raises, from another process; waits until one is free.

        To be called by several threads. A process that cannot be started or that dies is no
        answer: then the function runs here.
        """
        asked = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        with self._room:
            try:
                worker = self._worker()
                done, answer = _ask(worker, asked)
            except (OSError, ValueError, EOFError, pickle.UnpicklingError):
                if self._ended:
                    raise
                return function(*arguments)
            with self._lock:
                self._free.append(worker)
        if not done:
            raise answer
        found: _T = answer
        return found

    def _worker(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._free:
                return self._free.pop()
        environment = dict(os.environ)
        # It makes every refusal of pysequoia several times slower.
        environment.pop("RUST_BACKTRACE", None)
        worker = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-c", _WORKER, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        with self._lock:
            self._all.append(worker)
        return worker


def _ask(worker: subprocess.Popen[bytes], asked: bytes) -> tuple[bool, Any]:
    if worker.stdin is None or worker.stdout is None:
        raise EOFError
    worker.stdin.write(asked)
    worker.stdin.flush()
    done, answer = pickle.load(worker.stdout)  # noqa: S301  its other end is `serve`
    return done, answer


def serve() -> None:
    """What such a process does: answer until nobody asks any more."""
    import gc
    import signal

    gc.set_threshold(100_000)  # values hold no circles
    # An interrupt of the terminal goes to everybody; the asking process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as answers, os.fdopen(os.dup(0), "rb") as asked:
        os.dup2(2, 1)  # whatever prints must not come between the answers
        while True:
            try:
                function, arguments = pickle.load(asked)  # noqa: S301  `Processes.run` wrote it
            except EOFError:
                return
            try:
                answer = True, function(*arguments)
            except Exception as error:
                answer = False, error
            del arguments
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            del answer
            answers.flush()
