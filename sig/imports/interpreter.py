"""Starting a Python that is not the system's, from verified copies of all that runs before the
finder (docs/spec/closure §7).

Here: sig's side. Not here: who answers for it (`sig.verbs.interpreter`), what the new process does
with what it is given (`early`, `bootstrap`).

J1  The program is executed from a sealed copy, and so is every library of the build that it needs:
    ld.so is given them first, and takes them for what is needed by their SONAMEs.
J2  The copies name no folder to search and need nothing by a path. So what is left to ld.so comes
    from its own folders, which are root's.
J3  CPython is told that it lies in /proc/self/fd, where nobody can put a file beside it, and that
    its standard library lies there, too: it finds nothing but the zip that it is given. In that are
    the modules that it needs before the first line of ours; what lacks there is not found at all.
J4  Extension modules that the finder itself needs are sealed copies as well.
J5  All of these are opened once, hashed, compared with the list of the build, and looked up among
    what is marked bad.
"""

from __future__ import annotations

import errno
import hashlib
import locale
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sig.errors import Refused, StoreError
from sig.imports import packing
from sig.imports.plan import Plan
from sig.model.manifest import told
from sig.repo import elf, interpreter
from sig.repo.elf import Elf
from sig.repo.python import Python, contents, is_system, opened
from sig.repo.sealed import sealed

if TYPE_CHECKING:
    from sig.imports.packs import Pack

_SMALL = 8 << 20
_HEAD, _BLOCK = 1 << 13, 1 << 18
# Those that there are of these, as not every build has them built in.
_MODULES = ("_ctypes", "_sha2", "_sha256", "fcntl")
_SOURCES = (
    "_collections_abc", "_sitebuiltins", "abc", "codecs", "encodings/__init__",
    "encodings/aliases", "encodings/ascii", "encodings/latin_1", "encodings/utf_8", "genericpath",
    "io", "os", "posixpath", "site", "stat",
)  # fmt: skip
_CODESETS = ("UTF-8", "ANSI_X3.4-1968", "US-ASCII", "ISO-8859-1")


Early = tuple[str, str, str]


class Different(Refused):
    """A file of the build is not what its list says; `bad` if it is marked bad."""

    def __init__(self, message: str, *, bad: bool = False) -> None:
        super().__init__(message)
        self.bad = bad


class Prepared(NamedTuple):
    """What a run starts from: open descriptors of sealed copies."""

    program: int
    interpreter: str  # its ld.so, "" if it needs none
    preload: tuple[str, ...]  # paths of copies
    early: tuple[Early, ...]  # as in a plan
    sources: Mapping[str, bytes]  # path in the standard library -> bytes


def prepare(python: Python, files: Mapping[str, str], bad: Mapping[str, str]) -> Prepared:
    """The copies of one run (J1 to J5); `files` are those of the build, `bad` as in a plan.

    Raises Different, Refused and StoreError.
    """
    build = _Build(python, files, bad)
    first = interpreter.program(python)
    data, said = build.elf(first)
    if said.interpreter and (why := is_system(said.interpreter)):
        raise Refused(f"the linker of {told(python.executable)} is not the system's: {why}")
    program = sealed(data, os.path.basename(first), execute=True)
    build.add(first, said)
    linker = said.interpreter
    (library, *_) = interpreter.search(python)
    early = []
    for module in build.modules():
        data, said = build.elf(module)
        build.add(module, said)
        name = os.path.basename(module).partition(".")[0]
        copy = _inherited(sealed(data, name))
        early.append((name, build.base + module, copy))
    early += [("", build.base + path, copy) for path, copy in build.copies.items()]
    wanted = [f"{name}.py" for name in _SOURCES]
    if locale.nl_langinfo(locale.CODESET) not in _CODESETS:
        folder = f"{library}/"
        wanted += [
            path.removeprefix(folder)
            for path in files
            if path.startswith(folder + "encodings/") and path.endswith(".py")
        ]
    sources = {
        path: build.read(f"{library}/{path}") for path in wanted if f"{library}/{path}" in files
    }
    return Prepared(program, linker, tuple(build.copies.values()), tuple(early), sources)


class _Build:
    """The files of a build, each as its list says or not at all (J5)."""

    def __init__(self, python: Python, files: Mapping[str, str], bad: Mapping[str, str]) -> None:
        self.base = python.base_prefix.rstrip("/") + "/"
        self.copies: dict[str, str] = {}  # libraries: path -> path of the copy, in ld.so's order
        self._python = python
        self._files = files
        self._bad = bad

    def read(self, path: str) -> bytes:
        """A small file."""
        place = self.base + path
        raw = contents(place, _SMALL)
        if raw is None:
            raise Different(f"{told(place)} is missing")
        self._check(place, hashlib.sha256(raw).hexdigest(), path)
        return raw

    def elf(self, path: str) -> tuple[bytearray, Elf]:
        """A program or library: what is mapped of it, fit for that (J2), and what it says."""
        place = self.base + path
        with opened(place) as descriptor:
            if descriptor is None:
                raise Different(f"{told(place)} is missing")
            head = os.pread(descriptor, _HEAD, 0)
            size = os.fstat(descriptor).st_size
            try:
                length = elf.mapped(lambda offset, length: head[offset : offset + length], size)
            except ValueError:
                length = size
            # All of it is read once and hashed; kept is what the headers want, whatever they say.
            data = bytearray(length)
            digest = hashlib.sha256()
            with os.fdopen(os.dup(descriptor), "rb", buffering=0) as stream:
                view = memoryview(data)
                while view and (read := stream.readinto(view)):
                    view = view[read:]
                view.release()
                digest.update(data)
                buffer = bytearray(_BLOCK)
                while read := stream.readinto(buffer):
                    digest.update(memoryview(buffer)[:read])
        self._check(place, digest.hexdigest(), path)

        def at(offset: int, length: int) -> bytes:
            return bytes(memoryview(data)[offset : offset + length])

        try:
            said = elf.read(at, len(data))
            elf.without_search(data, said)
        except ValueError as error:
            raise Refused(f"{told(place)}: {error}") from error
        return data, said

    def _check(self, place: str, digest: str, path: str) -> None:
        if digest in self._bad:
            raise Different(f"{told(place)} is marked bad: {self._bad[digest]}", bad=True)
        if digest != self._files.get(path):
            raise Different(f"{told(place)} is not the file that was attested")

    def add(self, path: str, said: Elf) -> None:
        """Seals what a file needs of the build, and what that needs (J1)."""
        waiting = [(path, said)]
        for above, needs in waiting:  # grows meanwhile
            for name in needs.needed:
                found = self._covered(name, above, needs)
                if found is not None and found not in self.copies:
                    data, own = self.elf(found)
                    last = name.rpartition("/")[2]
                    if own.soname != last:
                        raise Refused(f"{told(self.base + found)} does not call itself {last}")
                    copy = _inherited(sealed(data, last))
                    self.copies[found] = copy
                    waiting.append((found, own))

    def _covered(self, name: str, above: str, needs: Elf) -> str | None:
        for folder in interpreter.folders(name, needs, self.base, self.base + above):
            place = os.path.join(folder, name.rpartition("/")[2])
            if place.startswith(self.base) and place.removeprefix(self.base) in self._files:
                return place.removeprefix(self.base)
        return None

    def modules(self) -> list[str]:
        """J4."""
        found = []
        for folder in interpreter.search(self._python):
            for path in self._files:
                if path.endswith(".so") and path.startswith(folder + "/"):
                    if path[len(folder) + 1 :].partition(".")[0] in _MODULES:
                        found.append(path)
        return found


# --- starting it ---------------------------------------------------------------------------------


def start(
    python: Python,
    prepared: Prepared,
    plan: Plan,
    arguments: Sequence[str],
    allowed: Mapping[str, str],
    pack: Pack | None = None,
) -> NoReturn:
    """Become the program (J1, J3). Never returns. Raises StoreError where it cannot be started."""
    descriptor = sealed(packing.pack(plan, pack, prepared.sources), "sig")
    os.set_inheritable(descriptor, True)
    words = packing.command_elsewhere(interpreter.name(python), descriptor, arguments)
    environment = {**allowed, **packing.environment_elsewhere(descriptor)}
    if prepared.preload:
        environment["LD_PRELOAD"] = ":".join(prepared.preload)
    try:
        os.execve(prepared.program, words, environment)  # noqa: S606 - what a run is
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM) or not prepared.interpreter:
            raise StoreError(f"{python.executable}: {error.strerror}") from error
    # vm.memfd_noexec: a copy may be mapped, but not executed.
    os.set_inheritable(prepared.program, True)
    linker, copy = prepared.interpreter, f"/proc/self/fd/{prepared.program}"
    words = (linker, "--argv0", words[0], copy, *words[1:])
    try:
        os.execve(linker, words, environment)  # noqa: S606 - the same
    except OSError as error:
        raise StoreError(f"{prepared.interpreter}: {error.strerror}") from error


def _inherited(descriptor: int) -> str:
    """A path of the copy that no other file had or will have: ld.so and CPython take what has the
    same path for the same file, and a number of a descriptor comes again.
    """
    os.set_inheritable(descriptor, True)
    inode = bin(os.fstat(descriptor).st_ino)[2:]
    return f"/proc/self/{inode.replace('0', '/').replace('1', './')}fd/{descriptor}"
