"""A process that has `sig` imported and becomes one command after the other, by fork.

Each command is a process of its own, with its own words, environment, folder and streams; what is
saved is the start of the interpreter, most of the time of a short command. `tests/world.py` talks
to it; what depends on how Python starts is run from the start there.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import sys
import traceback


def _become(asked: dict[str, object], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(str(asked["cwd"]))
    sys.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), "utf-8", "surrogateescape")
    sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8", "surrogateescape")
    sys.stderr = io.TextIOWrapper(
        open(2, "wb", closefd=False),
        "utf-8",
        "backslashreplace",
        line_buffering=True,
    )
    sys.argv = ["sig", *asked["words"]]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    status: object = 1
    try:
        from sig.cli import main

        main()
        status = 0
    except SystemExit as stop:
        status = stop.code
    except BaseException:
        traceback.print_exc()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = 120
    os._exit(status if isinstance(status, int) else 1 if status else 0)


def serve(line: socket.socket) -> None:
    """Answer requests until the other side has gone."""
    while True:
        data, streams, _, _ = socket.recv_fds(line, 4, 3)
        if not data:
            return
        size = int.from_bytes(data, "big")
        body = b""
        while len(body) < size:
            body += line.recv(size - len(body))
        asked = json.loads(body)
        child = os.fork()
        if child == 0:
            line.close()
            _become(asked, streams)
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def main() -> None:
    """Import what commands import, and serve the socket whose descriptor is given."""
    import sig

    if not os.environ.get("SIG_SOAK"):  # as `hurry` of tests/soak.py, which is not to be found here
        os.fsync = lambda descriptor: None
    for module in pkgutil.walk_packages(sig.__path__, "sig."):
        if module.name != "sig.__main__":
            importlib.import_module(module.name)
    for name in ("gnupg", "requests", "sqlite3", "platformdirs", "filelock"):
        importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # else every child copies the memory that its collector looks at
    with socket.socket(fileno=int(sys.argv[1])) as line:
        serve(line)


if __name__ == "__main__":
    main()
