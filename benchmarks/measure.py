"""Seconds and memory of whole processes, side by side.

A machine is never quiet, so commands that are compared take turns, and the median of each counts.
"""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, its environment, and the exit status that it must have."""

    words: Sequence[str]
    environment: Mapping[str, str] | None = None
    status: int = 0
    cwd: Path | None = None
    descriptors: tuple[int, ...] = ()


def once(command: Command) -> float:
    """Seconds that a command takes. Raises RuntimeError if it does not end as it must."""
    began = time.perf_counter()
    done = subprocess.run(
        command.words,
        env=None if command.environment is None else dict(command.environment),
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    took = time.perf_counter() - began
    if done.returncode != command.status:
        told = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        words = " ".join(command.words)[:200]
        raise RuntimeError(f"{words}: exit status {done.returncode}\n{told}")
    return took


def in_turns(
    commands: Mapping[str, Command], runs: int, take: Callable[[Command], float] = once
) -> dict[str, list[float]]:
    """What `take` says of every run of each command, `once` or `busy`; one of each, then again."""
    for command in commands.values():
        take(command)  # the first run fills caches
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            found[name].append(take(command))
    return found


def busy(command: Command) -> float:
    """Seconds of all processors that a command takes, with what it starts and waits for.

    Less is lost in the noise of a machine than of the seconds that pass.
    """
    process = _started(command, subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != command.status:
        words = " ".join(command.words)[:200]
        raise RuntimeError(f"{words}: exit status {process.returncode}")
    return used.ru_utime + used.ru_stime


def _started(command: Command, stderr: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.words,
        env=None if command.environment is None else dict(command.environment),
        cwd=command.cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        pass_fds=command.descriptors,
    )


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(each) for name, each in times.items()}


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds, seconds of all processors together (`busy`), and the most memory in bytes that a
    process and all below it had at one moment.

    Pages that several of them share are divided among those (PSS); `resident` counts them anew in
    each process (RSS). Both are 0 where the system does not tell.
    """

    seconds: float
    busy: float
    proportional: int
    resident: int


def with_memory(command: Command, interval: float = 0.02) -> Used:
    """Run a command and watch its whole tree of processes."""
    most = [0, 0]
    over = threading.Event()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    process = _started(command, subprocess.PIPE)

    def watch() -> None:
        while not over.wait(interval):
            proportional = resident = 0
            for member in _tree(process.pid):
                pss, rss = _memory(member)
                proportional += pss
                resident += rss
            most[0] = max(most[0], proportional)
            most[1] = max(most[1], resident)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, stderr = process.communicate()
    took = time.perf_counter() - began
    over.set()
    watcher.join()
    if process.returncode != command.status:
        raise RuntimeError(f"exit status {process.returncode}\n{stderr.decode()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Used(took, busy, *most)


def _tree(pid: int) -> list[int]:
    found = [pid]
    for member in found:
        with contextlib.suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{member}/task"):
                children = Path(f"/proc/{member}/task/{task}/children").read_text()
                found += [int(word) for word in children.split()]
    return found


def _memory(pid: int) -> tuple[int, int]:
    found = {"Pss": 0, "Rss": 0}
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0]) * 1024
    return found["Pss"], found["Rss"]


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
