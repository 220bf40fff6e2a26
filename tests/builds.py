"""Builds of Python that are not the system's, to be changed: copies that run from any place.

    program = build(alice.place / "build", wheels.other())

Without tests and installed packages, which take longest to copy and which nobody needs here.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

TIMEOUT = 120
_LEFT_OUT = ("__pycache__", "config-*", "idlelib", "site-packages", "test", "turtledemo")


def build(folder: Path, python: str) -> Path:
    """A copy of the build of this interpreter in `folder`: its program."""
    program = Path(python).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", _first(program), folder], check=True, timeout=TIMEOUT)
    return folder / "bin" / program.name


@functools.cache
def _first(program: Path) -> Path:
    """The copy that copies are made of."""
    prefix = program.parent.parent
    room = Path(tempfile.mkdtemp(prefix="sig-build-"))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    found = room / "build"
    for name in ("bin", "lib"):
        (found / name).mkdir(parents=True)
    shutil.copy(program, found / "bin" / program.name)
    library = f"lib/{program.name}"
    left_out = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(prefix / library, found / library, ignore=left_out, symlinks=True)
    (found / library / "site-packages").mkdir()
    for path in (prefix / "lib").glob("libpython*"):
        shutil.copy(path, found / "lib" / path.name, follow_symlinks=False)
    header = f"include/{program.name}/patchlevel.h"
    if (prefix / header).exists():
        (found / header).parent.mkdir(parents=True)
        shutil.copy(prefix / header, found / header)
    # What is built for one place (pyenv) names its libpython by that: make it one for any place.
    here = f"{prefix}/lib".encode() + b"\0"
    movable = {found / "bin" / program.name: b"$ORIGIN/../lib"}
    movable |= {path: b"$ORIGIN/../.." for path in found.glob("lib/*/lib-dynload/*.so")}
    for path in (found / "lib").glob("libpython*.so.*"):
        movable[path] = b"$ORIGIN"
    for path, there in movable.items():
        path.write_bytes(path.read_bytes().replace(here, there.ljust(len(here), b"\0")))
    return found


def library(program: Path) -> Path:
    """The folder of its standard library."""
    return program.parent.parent / "lib" / program.name


@contextlib.contextmanager
def changed(path: Path, data: bytes | str) -> Iterator[Path]:
    """Another content for a file, or a new file, as long as it lasts; its time stays."""
    before = path.read_bytes() if path.exists() else None
    status = path.stat() if path.exists() else None
    made = [one for one in path.parents if not one.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    if before is not None:
        path.unlink()  # what runs from it goes on
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    if status is not None:
        path.chmod(status.st_mode)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    try:
        yield path
    finally:
        path.unlink()
        if before is not None and status is not None:
            path.write_bytes(before)
            path.chmod(status.st_mode)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        for one in made:
            shutil.rmtree(one, ignore_errors=True)
