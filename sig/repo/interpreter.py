"""The files of an interpreter that is not the operating system's, as one list
(docs/spec/closure §7).

Here: which files belong to a build, and their digests. Not here: which Python is meant
(`sig.repo.python`), who vouches for one, how it is started.

B1  Paths are relative to the build's own prefix. Nothing that an installer of packages put there
    belongs to it, nor bytecode, nor what is there to test it or to compile against it.
B2  Its program is the file that is finally run. It lies below the prefix: a copy of it in an
    environment is another file, at a place of this machine.
B3  What its program and its extension modules need is looked for where ld.so would: in the folders
    that they name, then in the system's. What lies below the prefix belongs to the build; what is
    the system's is the system's. What the program needs lies nowhere else.
B4  A link in its standard library stands for the file below the prefix that it leads to. One that
    leads elsewhere, or to a folder, does not belong to it.
B5  Its version stands in a header of C, which belongs to it; else only the name of its folder
    counts, not what an environment has noted.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from sig.errors import Changed, Refused
from sig.model import limits
from sig.model.manifest import Manifest, told
from sig.repo import elf
from sig.repo.elf import Elf
from sig.repo.python import PATCHLEVEL, Python, contents, is_system, opened
from sig.repo.tree import digests

LEFT_OUT = (
    "__pycache__",
    "dist-packages/",
    "site-packages/",
    "test/",
    "tests/",
    "idle_test/",
    "/config-*/",
)
"""What lies in a standard library and does not belong to it (B1)."""

_SYSTEM = ("/lib/{}-linux-gnu", "/usr/lib/{}-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
_MACHINES = {62: "x86_64", 183: "aarch64"}


def manifest_of(python: Python, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """The manifest of a build. `progress` is called with bytes and files of the standard library.

    Raises Refused, which says why it is none (B2, B3); FormatError, Changed and StoreError as
    `sig.repo.tree.digests` does.
    """
    base = _base(python)
    first = program(python)  # of another file the rest would say nothing
    found: dict[str, str] = {}
    linked: list[str] = []
    for folder in library(python):
        links: list[str] = []
        below = digests(base + folder, LEFT_OUT, links=links, progress=progress)
        found.update({f"{folder}/{path}": digest for path, digest in below.items()})
        linked += [f"{folder}/{path}" for path in links if _within(base, f"{folder}/{path}")]
    modules = [path for path in (*found, *linked) if path.endswith(".so")]
    single = [first, *linked, *_libraries(python, modules)]
    if os.path.isfile(base + header(python)):
        single.append(header(python))
    for path in single:
        digest = _digest(base + path)
        if digest is None:
            raise Refused(f"{told(base + path)} is missing")
        found[path] = digest
    return Manifest(found)


def _within(base: str, path: str) -> bool:
    """B4."""
    place = os.path.realpath(base + path)
    return place.startswith(os.path.realpath(base) + "/") and os.path.isfile(place)


def program(python: Python) -> str:
    """The path of its program (B2). Raises Refused."""
    base = _base(python)
    if not python.executable.startswith(base):
        raise Refused(
            f"{told(python.executable)} does not lie below {told(python.base_prefix)}, where its"
            " standard library is",
            hint="name the Python that the environment was made with, or make one with links",
        )
    return python.executable.removeprefix(base)


def library(python: Python) -> list[str]:
    """The paths of the folders of its standard library, none within another. Raises Refused."""
    base = _base(python)
    found: list[str] = []
    for folder in python.stdlib:
        if os.path.isdir(folder):  # not a zip: what is in it has no digests of its own
            path = folder.removeprefix(base)
            if os.path.isabs(path):
                raise Refused(f"{told(folder)} does not lie below {told(python.base_prefix)}")
            if not any(path == one or path.startswith(one + "/") for one in found):
                found.append(path)
    return found


def search(python: Python) -> tuple[str, ...]:
    """The paths of the folders in which its modules lie, best first."""
    base = _base(python)
    folders = (folder for folder in python.stdlib if os.path.isdir(folder))
    return tuple(folder.removeprefix(base) for folder in folders)


def name(python: Python) -> str:
    """What it calls itself: ``python3.12``, the folder of its standard library."""
    return os.path.basename(library(python)[0])


def header(python: Python) -> str:
    """The path of the file with its version (B5)."""
    return f"include/{name(python)}/patchlevel.h"


def version(python: Python, files: Mapping[str, str]) -> str:
    """Its version as the files of its manifest say (B5); the third number may be missing."""
    short = name(python).removeprefix("python").removesuffix("t")
    path = header(python)
    raw = contents(_base(python) + path, limits.ENVIRONMENT_SETTINGS) or b""
    said = PATCHLEVEL.search(raw)
    if said is None or hashlib.sha256(raw).hexdigest() != files.get(path):
        return short
    text = said[1].decode("ascii")
    return text if text.startswith(short + ".") else short


# --- libraries -----------------------------------------------------------------------------------


def _libraries(python: Python, modules: Sequence[str]) -> list[str]:
    """The paths of what its program and these modules need of the build (B3)."""
    base = _base(python)
    first = program(python)
    waiting = [(first, True), *((path, False) for path in sorted(modules))]
    seen = {path for path, _ in waiting}
    found = []
    for path, strict in waiting:  # grows meanwhile
        try:
            said = _headers(base + path)
        except ValueError as error:
            if strict:
                raise Refused(f"{told(base + path)}: {error}") from error
            continue  # whoever loads it will say so
        for name in said.needed:
            place = _place(name, said, base, base + path, strict)
            if place is not None and place.startswith(base):
                if place.removeprefix(base) not in seen:
                    seen.add(place.removeprefix(base))
                    found.append(place.removeprefix(base))
                    waiting.append((found[-1], strict))
            elif strict and (place is None or is_system(place)):
                raise Refused(
                    f"{told(base + path)} needs {told(name)}, which is neither below"
                    f" {told(python.base_prefix)} nor the system's"
                )
    return found


def _headers(place: str) -> Elf:
    with opened(place) as descriptor:
        size = 0 if descriptor is None else os.fstat(descriptor).st_size
        if descriptor is None or not size:
            raise ValueError("it is missing or empty")
        with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapped:
            return elf.read(lambda offset, length: mapped[offset : offset + length], size)


def _place(name: str, said: Elf, base: str, path: str, strict: bool) -> str | None:
    """Where the library of this name lies, its folder without links; None if it is nowhere."""
    for folder in folders(name, said, base, path, strict):
        place = os.path.join(folder, name.rpartition("/")[2])
        if os.path.isfile(place):
            return place
    return None


def folders(name: str, said: Elf, base: str, path: str, strict: bool = True) -> Iterator[str]:
    """Where ld.so would look for a library that the file at `path` needs, without links (B3).

    The program's (`strict`) are looked for in the build before the system's: a Python in /usr/local
    finds its libpython through /etc/ld.so.conf, where that comes first.
    """
    above, slash, _ = name.rpartition("/")
    found = list(_expanded([above] if slash else said.paths, os.path.dirname(path)))
    if not slash:
        machine = _MACHINES.get(said.machine, "x86_64")
        own = [base + "lib", base + "lib64"]
        system = [folder.format(machine) for folder in _SYSTEM]
        found += [*own, *system] if strict else [*system, *own]
    return map(os.path.realpath, found)


def _expanded(paths: Sequence[str], origin: str) -> Iterator[str]:
    for path in paths:
        folder = path.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        if folder.startswith("/") and "$" not in folder[len(origin) :]:
            yield folder


def _digest(place: str) -> str | None:
    with opened(place) as descriptor:
        if descriptor is None:
            return None
        before = os.fstat(descriptor)
        with os.fdopen(os.dup(descriptor), "rb", buffering=0) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.fstat(descriptor)
        if (before.st_mtime_ns, before.st_ctime_ns, before.st_size) != (
            after.st_mtime_ns, after.st_ctime_ns, after.st_size
        ):  # fmt: skip
            raise Changed(f"{told(place)} changed while it was read")
        return found


def _base(python: Python) -> str:
    return python.base_prefix.rstrip("/") + "/"
