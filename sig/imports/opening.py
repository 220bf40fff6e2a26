"""One opening of a covered file: its bytes are hashed, compared, and are what is used.

Here: the disk, and what happens where it is not as the plan says. Not here: which file a name
stands for (`covered`), what is done with the bytes (`finder`, `metadata`, `resources`).

O1  A file is opened once; what was hashed is what is used. Never the path again.
O2  Content decides: links are followed. But only regular files are read, and none is waited for.
O3  Covered but missing or different: 111. Its digest is marked bad: 113. It cannot be read: 114.
O4  Before the first module of a root runs, its files that are no code are hashed, up to 4 MB each:
    libraries open them behind our back. Larger ones are hashed when they are opened. Each package
    of the standard library is by itself, as if it were a root.
O5  A refusal is `refuse(code, message)`, which does not return: it ends the process, or raises.
O6  Nothing is imported while a lock is held, ours or that of `native`: who imports the same at that
    moment may be on the way to us, and both would wait for ever.

A swap after O4 is noticed only by who reads through this room: `get_data`, resources, metadata.
"""

from __future__ import annotations

import errno
import sys
from _thread import RLock, get_ident
from time import perf_counter_ns

from .covered import EXTENSIONS, Covered
from .paths import abspath, basename, fsdecode, realpath, system
from .plan import PYTHON, Root

if sys.hexversion >= 0x30C0000:
    from _sha2 import sha256  # type: ignore[import-not-found, unused-ignore]  # typeshed lacks it
else:
    from _sha256 import sha256  # type: ignore[import-not-found, unused-ignore]  # typeshed lacks it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn, TypeVar

    Module = TypeVar("Module")

    Refuse = Callable[[int, str], NoReturn]
    Told = Callable[[str, str, str, str, int], None]  # name, path, digest, root, microseconds

DIFFERENT, BAD, UNREADABLE = 111, 113, 114
LARGE = 4 << 20

_CODE = (*EXTENSIONS, ".py")
_BLOCK = 1 << 20
_COPIED = 1 << 18  # stays in the cache of a processor between two uses
# OpenSSL hashes several times faster, and takes milliseconds to be loaded: not for a small script,
# unless that has loaded it itself.
_MUCH = 1 << 20
_FLAGS = (
    system.O_RDONLY
    | getattr(system, "O_NONBLOCK", 0)  # a FIFO must not hang the reader (O2)
    | getattr(system, "O_NOCTTY", 0)
    | getattr(system, "O_CLOEXEC", 0)
    | getattr(system, "O_NOINHERIT", 0)
    | getattr(system, "O_BINARY", 0)
)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENAMETOOLONG)
_REGULAR, _KIND = 0o100000, 0o170000

# As they are now: a program may put its own in their place (gevent does).
_open, _read, _close, _fstat = system.open, system.read, system.close, system.fstat


class Opening:
    """The files of a plan, each as it has to be or not at all.

    `told` is called for every module with its name, path, digest, root and the microseconds that
    opening and hashing took.
    """

    def __init__(self, covered: Covered, refuse: Refuse, told: Told | None = None) -> None:
        self.covered = covered
        self.refuse = refuse
        self._told = told
        self._bad = covered.plan.bad
        self._lock = RLock()
        self.settled: set[str] = set()  # names of roots (O4)
        self.tampered = ""  # the path that has other bytes, as it is shown
        self._large: dict[str, str] = {}  # path -> digest
        self._names: set[str] = set()  # their last parts
        self._seen: dict[str, tuple[int, ...]] = {}  # path -> what was hashed last
        self._within: set[int] = set()  # threads that are in our own hook
        self._hashed = 0
        self._asked = False
        self._sha256 = sha256
        self._watchers: list[Callable[[str, tuple[Any, ...]], None]] = []
        if hasattr(system, "register_at_fork"):  # a thread that held it is not in the child
            system.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._lock = RLock()
        self._within = set()

    # --- what others ask for ---------------------------------------------------------------------

    def module(self, path: str, name: str) -> bytes:
        """The bytes of a covered file that is a module, when it may run (O4)."""
        return self.verified(path, name)[0]

    def verified(self, path: str, name: str) -> tuple[bytes, str]:
        """As `module`, with the digest that they have."""
        began = perf_counter_ns()
        found = self.covered.file(path)
        if found is None:  # a finder named it: it is covered
            raise ImportError(f"{shown(path)} is not covered", name=name, path=path)
        path, (digest, root) = found
        data = self._bytes(path, digest, root.name)
        if self._told is not None:
            self._told(name, path, digest, root.name, (perf_counter_ns() - began) // 1000)
        self.settle(root, path)
        return data, digest

    def extension(self, path: str, name: str, create: Callable[[], Module]) -> Module:
        """An extension module, made when it may run (O4); who makes it reads the file."""
        found = self.covered.file(path)
        if found is None:
            raise ImportError(f"{shown(path)} is not covered", name=name, path=path)
        path, (digest, root) = found
        self.settle(root, path)
        self._quicken(_size(path))
        began = perf_counter_ns()
        module = create()
        if self._told is not None:
            self._told(name, path, digest, root.name, (perf_counter_ns() - began) // 1000)
        return module

    def read(self, path: str) -> bytes | None:
        """The bytes of a covered file; None for a path at which nothing is covered."""
        found = self.find(path)
        if found is None:
            return None
        path, (digest, root) = found
        return self._bytes(path, digest, root.name)

    def find(self, path: str) -> tuple[str, tuple[str, Root]] | None:
        """Where the covered file lies that any path leads to, and what covers it."""
        found = self.covered.file(abspath(path))
        return found or self.covered.file(realpath(path))  # of `link/..` as it was given

    def expect(self, size: int) -> None:
        """Says that about so many bytes will be hashed."""
        self._hashed += size

    def check(self, path: str) -> None:
        """As `read`, for who opens the file by its path afterwards."""
        found = self.find(path)
        if found is not None:
            path, (digest, root) = found
            self._check(path, digest, root.name)

    def copy(self, path: str, make: Callable[[int, int], int]) -> int | None:
        """A descriptor of a copy of a covered file; None where nothing is covered.

        `make` makes it of a descriptor and a size, so that nobody can change it any more: the copy
        is what is hashed.
        """
        found = self.find(path)
        if found is None:
            return None
        path, (digest, root) = found
        source, size = self._opening(path, root.name)
        try:
            made = make(source, size)
            hasher = self._new(b"", size)
            buffer = bytearray(min(size + 1, _COPIED))
            done = 0
            while length := system.preadv(made, [buffer], done):
                hasher.update(memoryview(buffer)[:length])
                done += length
        except OSError as error:
            self._unreadable(path, error)
        finally:
            _close(source)
        self._compare(hasher.hexdigest(), digest, path, root.name)
        return made

    def on_disk(self, path: str) -> bool:
        """Whether a covered file can be opened by its path; that of an archive cannot."""
        return True

    def settle(self, root: Root, path: str = "") -> None:
        """Hashes what is no code of a root, once (O4); `path` is a file of it that is needed."""
        if root.name == PYTHON:
            self._package(root, path)
        elif root.name not in self.settled:
            self._once(root.name, root, self._data_of(root))

    def _data_of(self, root: Root) -> Iterator[tuple[str, str]]:
        for place in self.covered.places:
            if place.base != root.base:
                continue
            for below, (digest, _) in place.of(root).items():
                if not below.endswith(_CODE):
                    yield place.path(below), digest
            for path, (digest, owner) in place.data.items():
                if owner is root:
                    yield path, digest

    def _package(self, root: Root, path: str) -> None:
        """O4, for the package of the standard library in which a file lies."""
        below = path[len(root.base.rstrip("/")) + 1 :]
        for folder in root.search:
            name, slash, _ = below[len(folder) + 1 :].partition("/")
            package = f"{folder}/{name}"
            if slash and below.startswith(package) and package not in self.settled:
                self._once(package, root, self._data_below(package))

    def _data_below(self, package: str) -> Iterator[tuple[str, str]]:
        place = self.covered.library
        for one in () if place is None else place.below(package):
            if place is not None and not one.endswith(_CODE):
                yield place.path(one), place.files[one][0]

    def _once(self, name: str, root: Root, files: Iterator[tuple[str, str]]) -> None:
        """Hashes these files of a root, once for a name; who comes meanwhile waits."""
        left: list[tuple[str, str]] = []
        while True:
            with self._lock:
                if name in self.settled:
                    return
                while left:
                    self._data(*left.pop(), root.name)
                for path, digest in files:
                    if not self._data(path, digest, root.name, later=True):
                        left.append((path, digest))  # when the lock was free (O6)
                        break
                else:
                    self.settled.add(name)
                    return
            self._quicken(_MUCH)

    # --- hooks -----------------------------------------------------------------------------------

    def watch(self, watcher: Callable[[str, tuple[Any, ...]], None]) -> None:
        """Calls this with every event that Python tells about. It never ends."""
        self._watchers.append(watcher)
        if len(self._watchers) == 1:
            sys.addaudithook(self._event)

    def _event(self, event: str, args: tuple[Any, ...]) -> None:
        for watcher in self._watchers:
            watcher(event, args)

    def _opened(self, event: str, args: tuple[Any, ...]) -> None:
        """A large file is hashed when it is opened to be read (O4)."""
        if event != "open":
            return
        try:
            path = fsdecode(args[0])
        except TypeError:  # a descriptor
            return
        if basename(path) not in self._names or get_ident() in self._within:
            return
        if isinstance(args[2], int) and args[2] & 3 == system.O_WRONLY:
            return
        self._within.add(get_ident())
        try:
            found = self.find(path)
            if found is not None and found[0] in self._large:
                self._check(found[0], found[1][0], found[1][1].name)
        finally:
            self._within.discard(get_ident())

    # --- one file --------------------------------------------------------------------------------

    def _data(self, path: str, digest: str, root: str, *, later: bool = False) -> bool:
        """O4. With `later` it is left, and that is False, where the faster hash would pay."""
        descriptor, size = self._opening(path, root)
        if size <= LARGE:
            if later and self._is_much(size):
                _close(descriptor)
                return False
            data = self._all(descriptor, path, size)
            self._compare(self._digest(data), digest, path, root)
            return True
        _close(descriptor)
        self._large[path] = digest
        self._names.add(basename(path))
        if self._opened not in self._watchers:
            self.watch(self._opened)
        return True

    def _bytes(self, path: str, digest: str, root: str) -> bytes:
        descriptor, size = self._opening(path, root)
        self._quicken(size)
        data = self._all(descriptor, path, size)
        self._compare(self._digest(data), digest, path, root)
        return data

    def _check(self, path: str, digest: str, root: str) -> None:
        """Hashes a file of any size; once for each state that the kernel can tell from others."""
        descriptor, size = self._opening(path, root)
        try:
            state = _state(descriptor)
            if self._seen.get(path) == state:
                return
            self._quicken(size)
            hasher = self._new(b"", size)
            while block := _read(descriptor, _BLOCK):
                hasher.update(block)
            self._compare(hasher.hexdigest(), digest, path, root)
            if _state(descriptor) == state:
                self._seen[path] = state
        except OSError as error:
            self._unreadable(path, error)
        finally:
            _close(descriptor)

    def _opening(self, path: str, root: str) -> tuple[int, int]:
        """A descriptor of a regular file, and its size."""
        try:
            descriptor = _open(path, _FLAGS)
        except OSError as error:
            if error.errno in _GONE:
                self.refuse(DIFFERENT, f"{shown(path)} is missing, and {root} has it")
            self._unreadable(path, error)
        try:
            status = _fstat(descriptor)
        except OSError as error:
            _close(descriptor)
            self._unreadable(path, error)
        if status.st_mode & _KIND != _REGULAR:
            _close(descriptor)
            self.refuse(DIFFERENT, f"{shown(path)} is not a regular file")
        return descriptor, status.st_size

    def _all(self, descriptor: int, path: str, size: int) -> bytes:
        """To the end, and the descriptor closed. One that grows meanwhile is another one: no more
        is read than a byte beyond its size."""
        blocks = []
        left = size + 1
        try:
            while left > 0 and (block := _read(descriptor, left)):
                blocks.append(block)
                left -= len(block)
                if left == 1:  # a regular file gives less than it was asked for at its end
                    break
            return blocks[0] if len(blocks) == 1 else b"".join(blocks)
        except OSError as error:
            self._unreadable(path, error)
        except MemoryError:
            self.refuse(UNREADABLE, f"{shown(path)} cannot be read: not enough memory")
        finally:
            _close(descriptor)

    def _digest(self, data: bytes) -> str:
        digest: str = self._new(data, len(data)).hexdigest()
        return digest

    def _new(self, data: bytes, size: int) -> Any:
        self._hashed += size
        return self._sha256(data)

    def _is_much(self, size: int) -> bool:
        return not self._asked and (self._hashed + size > _MUCH or "_hashlib" in sys.modules)

    def _quicken(self, size: int) -> None:
        """Takes the faster hash where that pays, for so many bytes to come (O6)."""
        if self._is_much(size):
            self._asked = True
            self._sha256 = self._faster()

    def _faster(self) -> Any:
        for place, folder in self.covered.search:
            if place is None or place is self.covered.library:
                break
            if place.module(folder, "_hashlib") is not None:  # the program's own
                return sha256
        try:
            from _hashlib import openssl_sha256

            openssl_sha256(b"")
        except (ImportError, ValueError):  # OpenSSL may be there and refuse
            return sha256
        return openssl_sha256

    def _compare(self, found: str, digest: str, path: str, root: str) -> None:
        if found in self._bad:
            why = self._bad[found]
            self.refuse(BAD, f"{shown(path)} is marked bad{why and ': '}{shown(why)}")
        if found != digest:
            self.tampered = shown(path)
            self.refuse(DIFFERENT, f"{shown(path)} is not the file that {root} has")

    def _unreadable(self, path: str, error: OSError) -> NoReturn:
        self.refuse(UNREADABLE, f"{shown(path)} cannot be read: {error.strerror}")


def _size(path: str) -> int:
    """About how large it is; who opens it will say what is wrong with it."""
    try:
        return int(system.stat(path).st_size)
    except OSError:
        return 0


def _state(descriptor: int) -> tuple[int, ...]:
    status = _fstat(descriptor)
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


def shown(text: str) -> str:
    """For a terminal: what could move its cursor or turn its direction is spelled out."""
    if text.isprintable():
        return text
    return "".join(
        one
        if one.isprintable()
        else f"\\u{ord(one):04x}"
        if one < "\U00010000"
        else repr(one)[1:-1]
        for one in text
    )
