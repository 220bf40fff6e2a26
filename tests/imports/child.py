"""Programs in folders, plans of them, and real interpreters that run both."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import glob
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sig.imports import packing
from sig.imports.plan import Plan, Root
from tests.soak import SOAK

PYTHONS = "SIG_TEST_PYTHONS"
"""Where else interpreters are: globs of files, a colon between two."""


class Python(NamedTuple):
    """An interpreter as sig would describe it."""

    path: str
    version: tuple[int, int]
    stdlib: tuple[str, ...]
    tag: str

    def __str__(self) -> str:
        return f"{self.version[0]}.{self.version[1]} {self.path}"


def _look(path: str) -> Python | None:
    ask = (
        "import os, sys, sysconfig; print(os.path.realpath(sys.executable));"
        "print(*sys.version_info[:2]); print(sysconfig.get_path('stdlib'));"
        "print(sysconfig.get_config_var('DESTSHARED')); print(sys.implementation.cache_tag)"
    )
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        told = subprocess.run([path, "-I", "-S", "-c", ask], capture_output=True, check=True)
        real, version, stdlib, dynload, tag = told.stdout.decode().splitlines()
        major, minor = map(int, version.split())
        return Python(real, (major, minor), (stdlib, dynload), tag)
    return None


def own() -> Python:
    """This machine's own."""
    return next(iter(_found().values()))


def pythons() -> list[Python]:
    """The oldest from 3.9 on and the newest; in a soak each version, with this machine's own."""
    found = _found()
    if SOAK or len(found) < 2:
        return list(found.values())
    return [found[min(found)], found[max(found)]]


@functools.cache
def _found() -> dict[tuple[int, int], Python]:
    wanted = [f"python3.{minor}" for minor in range(9, 15)]
    paths = ["/usr/bin/python3", *filter(None, map(shutil.which, wanted))]
    for pattern in os.environ.get(PYTHONS, "~/.pyenv/versions/*/bin/python").split(":"):
        paths += sorted(glob.glob(os.path.expanduser(pattern)))
    found: dict[tuple[int, int], Python] = {}
    for path in paths:
        python = _look(path) if os.path.exists(path) else None
        if python is not None and python.version >= (3, 9):
            found.setdefault(python.version, python)
    assert found, "no interpreter to test with"
    return found


def line(path: str, data: bytes) -> bytes:
    return f"{hashlib.sha256(data).hexdigest()}  {path}\n".encode()


def write(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def manifest(files: Mapping[str, bytes | str]) -> bytes:
    return b"".join(
        line(path, data if isinstance(data, bytes) else data.encode())
        for path, data in sorted(files.items())
    )


def root(name: str, base: Path, files: Mapping[str, bytes | str], **more: Any) -> Root:
    """A root whose files lie where they should; the disk may be changed afterwards."""
    write(base, files)
    return Root(name, str(base), manifest(files), **more)


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nowhere"}


class Program:
    """A script with what it may load, and how plain Python and sig run it."""

    def __init__(self, python: Python, folder: Path) -> None:
        self.python = python
        self.folder = folder
        self.app = folder / "app"
        self.site = folder / "venv" / "lib" / "site-packages"
        self.roots: list[Root] = []
        self.app.mkdir(parents=True)
        self.site.mkdir(parents=True)

    def files(self, files: Mapping[str, bytes | str], **more: Any) -> Program:
        """The app, covered."""
        self.roots.insert(0, root("app", self.app, files, **more))
        return self

    def dist(self, name: str, files: Mapping[str, bytes | str]) -> Program:
        """An installed distribution `NAME-VERSION`, covered."""
        info = name.replace("-", "-", 1) + ".dist-info"
        plain, _, version = name.partition("-")
        files = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {plain}\nVersion: {version}\n",
            **files,
        }
        prefix = str(self.folder / "venv")
        self.roots.append(root(f"dist/{name}", self.site, files, prefix=prefix))
        return self

    def plan(self, **changes: Any) -> Plan:
        given: dict[str, Any] = {
            "app": "main",
            "entry": ("file", "main.py"),
            "roots": self.roots,
            "argv0": "main.py",
            "file": str(self.app / "main.py"),
            "stdlib": self.python.stdlib,
            "executable": "/nowhere/sig-child",
        }
        return Plan(**(given | changes))

    def run(self, *arguments: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Ended:
        """As sig runs it: from a sealed file."""
        data = packing.pack(self.plan(**(changes or {})))
        descriptor = sealed(data)
        try:
            words = packing.command(self.python.path, descriptor, "main.py", arguments)
            return self._run(words, pass_fds=[descriptor], **more)
        finally:
            os.close(descriptor)

    def plain(self, *arguments: str, **more: Any) -> Ended:
        """As plain Python runs it: what the danger is, or how it should look."""
        environment = {"PYTHONPATH": str(self.site), "PYTHONDONTWRITEBYTECODE": "1"}
        more["env"] = ENVIRONMENT | environment | more.pop("env", {})
        return self._run((self.python.path, "-s", "main.py", *arguments), **more)

    def _run(self, words: Sequence[str], **more: Any) -> Ended:
        more = {"env": ENVIRONMENT, "cwd": self.app, "timeout": 60, "input": b""} | more
        if "stdin" in more:
            del more["input"]
        ended = subprocess.run(words, capture_output=True, **more)
        return Ended(ended.returncode, text(ended.stdout), text(ended.stderr))


def text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def sealed(data: bytes) -> int:
    """A descriptor that nobody can write to, not one of the standard ones."""
    first = os.memfd_create("test", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    descriptor = fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, 50)
    os.close(first)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, 1033, 0x0001 | 0x0002 | 0x0004 | 0x0008)
    assert sys.platform == "linux"
    return descriptor
