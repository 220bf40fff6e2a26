"""Extension modules and shared libraries: what ld.so is given, so that it need not search.

Here: which files a library needs, the sealed copies that are mapped in their place, and `ctypes`.
Not here: which module a file is (`finder`), and whether its bytes are the right ones (`opening`).

N1  What is mapped is a sealed copy of bytes that were verified, never a file that was covered by
    its name. Compared, or hashed, is what the copy holds after it was sealed: until then others
    could write to it.
N2  ld.so searches for nothing. All that a library needs is mapped with it, in one breath and in
    ld.so's own order, under names that leave nothing to be found; then its RUNPATH, LD_LIBRARY_PATH
    and a folder `glibc-hwcaps` decide nothing.
N3  A needed name is what is mapped under it already; else the covered file in a folder of the
    library's RUNPATH (or the RPATH of it and of those that brought it); else a system file. What is
    none of these is refused, and so is what is needed by a path.
N4  A system file lies, all links followed, below /usr or /lib* and not /usr/local; it and every
    folder above it belong to root and nobody else may write to them. It is named by that path. It
    is looked for where ldconfig looks: in the folders of /etc/ld.so.conf, then in ld.so's own. What
    it needs in turn is left to ld.so: nothing of ours is searched for that.
N5  ld.so knows what is mapped by its SONAME: one that differs from the needed name is refused.
N6  A file is mapped once in a process. Its copy has a name that no other had: ld.so and CPython
    take what has the same name for the same file. So the number of the copy's inode is spelled into
    the path; a mapped file keeps its inode, and a number of a descriptor that comes again does not
    matter. Descriptors are closed after the load.
N7  What cannot be understood as an ELF file of this machine is refused; every count is bounded.
N8  `_ctypes` is loaded only where something must be mapped before CPython loads a module itself:
    not for a module that needs nothing but what is mapped and what is of the system, and that has
    no folder of its own to search. What is of the system is named with it, by N2.

What native code opens by itself is not seen here: dlopen of C, cffi, NSS and iconv. Nor can it tell
from the name of its own file where it lies: that is the name of the copy.
"""

from __future__ import annotations

import _imp
import errno
import os
import sys
from _thread import RLock, get_ident

TYPE_CHECKING = False  # `typing` costs as much as the rest of a start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, NoReturn

UNREADABLE = 114

_FILES = 512  # that one library brings (N7); those with most bring sixty
_NEEDED = 512
_HEADERS = 128
_ENTRIES = 4096
_NAME = 255
_PATHS = 1 << 16
_BLOCK = 1 << 18
# Descriptors are given out lowest first: what another thread opens does not get so high a number.
_HIGH = 960

_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_NOEXEC_SEAL = 1, 2, 8
_F_DUPFD_CLOEXEC, _F_ADD_SEALS, _SEALS = 1030, 1033, 1 | 2 | 4 | 8  # seal, shrink, grow, write
_TRIES, _WAIT = 100, 0.02  # seconds


_own: set[tuple[int, str]] = set()  # what we open, by thread: the hook lets it pass


class Native:
    """Loads the covered libraries of one closure.

    `read(path)` gives the verified bytes of the covered file at an absolute path, None where none
    is covered; it does not return for one that differs. `refuse(code, message)` does not return.

    `copy(path, make)` saves a third of the time. It calls `make` with a descriptor of the covered
    file and its size, verifies the bytes of the file whose descriptor `make` returns, from its
    beginning to its end, and returns that; None where none is covered.
    """

    def __init__(
        self,
        read: Callable[[str], bytes | None],
        refuse: Callable[[int, str], NoReturn],
        copy: Callable[[str, Callable[[int, int], int]], int | None] | None = None,
    ) -> None:
        self._read = read
        self._refuse = refuse
        self._copy = copy
        self._lock = RLock()
        self._copies: dict[str, str] = {}  # path -> the name under which its copy is mapped
        self._modules: dict[str, str] = {}  # path -> the name by which CPython loaded it
        self._under_way: dict[str, _Load] = {}  # by path
        self._names: set[str] = set()  # SONAMEs that are mapped, by whomever
        self._found: dict[str, str] = {}  # name -> system file
        self._real: Any = None  # dlopen of `_ctypes`
        self._watched = False
        self._machine = 0
        self._folders: list[str] = []
        if hasattr(os, "register_at_fork"):  # a thread that held it is not in the child
            os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._lock = RLock()
        self._under_way = {}  # the threads that would close them are not in the child

    def mapped(self, path: str, copy: str) -> None:
        """Says that the file at `path` is mapped already, from the copy of this name (N6)."""
        self._copies[path] = copy

    # --- modules ---------------------------------------------------------------------------------

    def create(self, spec: ModuleSpec, path: str) -> ModuleType:
        """The module of the extension module at `path`, not executed yet.

        Covered, or a system file, which is loaded from where it lies. Raises ImportError as CPython
        does: where a symbol is missing, or the module says so.
        """
        self._imports(path, fcntl_only=True)
        group = load = None
        with self._lock:
            load = self._under_way.get(path)
            if load is None and path not in self._copies:
                group = _Group(self)
                try:
                    covered = group.add(path, None) is not None
                    if covered and group.light():
                        load = self._under_way[path] = _Load(group)
                except BaseException:
                    group.close()
                    raise
                if not covered:
                    group.close()
                    if _system(path) is None:
                        self._refuse(UNREADABLE, f"{path} is not covered")
                    return self._created(spec, path, path)
            if load is not None:
                load.users += 1
        if load is not None:
            return self._created_by(load, spec, path)
        try:
            name = self._load(path, sys.getdlopenflags(), group)
        except OSError as error:
            raise ImportError(str(error), name=spec.name, path=path) from None
        return self._created(spec, path, self._modules.get(path, name or path))

    def _created_by(self, load: _Load, spec: ModuleSpec, path: str) -> ModuleType:
        """As `create`, where CPython's own dlopen is enough (N8)."""
        group, name = load.group, load.name
        mapped = False
        try:
            module = self._created(spec, path, name)
            mapped = True
        except BaseException as error:
            if isinstance(error, ImportError):
                text = str(error)
                self._mappable(path, name, text)
                error.msg = group.told(text)
                error.args = (error.msg,)
            # It is there if it was the module itself that refused.
            mapped = self._there(name)
            raise
        finally:
            with self._lock:
                load.users -= 1
                if mapped:
                    for spelled, real in group.names():
                        self._copies[real] = spelled
                    self._modules[path] = name
                    self._names |= group.sonames
                if not load.users:
                    self._under_way.pop(path, None)  # a module may have made a child: `_forked`
                    try:
                        group.check()
                    finally:
                        group.close()
        return module

    def _there(self, name: str) -> bool:
        try:
            self.guard()
        except ImportError:  # nobody can ask ld.so, the program neither
            return False
        return self._mapped(name)

    def _created(self, spec: ModuleSpec, path: str, name: str) -> ModuleType:
        # CPython, too, knows a module by this name (N6). The module may keep the spec, or copy from
        # it, so it gets the real one; where it lies is put right before anything of it runs.
        origin, spec.origin = spec.origin, name
        try:
            module = _imp.create_dynamic(spec)
        except ImportError as error:
            if error.path == name:
                error.path = path
                error.msg = str(error).replace(name, path)
                error.args = (error.msg,)
            raise
        finally:
            spec.origin = origin
        if getattr(module, "__file__", None) == name:
            module.__file__ = path
        return module

    def execute(self, module: ModuleType) -> None:
        """Runs what `create` made, once."""
        _imp.exec_dynamic(module)

    # --- ctypes ----------------------------------------------------------------------------------

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """To be called by an audit hook with every event.

        Puts `dlopen` in place before the program meets `ctypes`, and checks what comes past it.
        """
        if event == "ctypes.dlopen":
            self.check_dlopen(args[0])
        elif (
            event == "import"
            and args[0] in ("ctypes", "_ctypes")
            and args[1] is None
            and not self._watched
        ):
            self._watched = True  # the import below comes here again
            try:
                self.guard()
            except ImportError:
                pass  # the program meets it itself

    def guard(self) -> None:
        """Puts `dlopen` in the place of that of `_ctypes`: `ctypes` takes it from there."""
        if self._real is None:
            import _ctypes

            self._real = self._below()
            _ctypes.dlopen = self.dlopen
            if "ctypes" in sys.modules:  # it came first, and has the other one
                known: Any = sys.modules["ctypes"]
                known._dlopen = self.dlopen

    def _below(self) -> Any:
        """The `dlopen` of `_ctypes`, whoever else stands before it. Raises ImportError."""
        import _ctypes

        found: Any = _ctypes.dlopen
        while isinstance(getattr(found, "__self__", None), Native):
            found = found.__self__._real
        return found

    def dlopen(self, name: Any, mode: int = os.RTLD_NOW) -> int:
        """As `_ctypes.dlopen`: a handle of a covered library, or of a system file.

        What is neither does not exist: OSError.
        """
        self.guard()
        text = "" if name is None else os.fsdecode(name)
        if text == "":  # the program itself
            return self._open(name, mode)
        if "/" not in text:
            if self._mapped(text):
                return self._open(text, mode)
            found: str | None = self._default(text)
        else:
            path = os.path.abspath(text)
            found = self._load(path, mode) or _system(path)
        if found is None:
            raise OSError(f"{text}: not covered, and no library of the system")
        return self._open(found, mode)

    def check_dlopen(self, name: Any) -> None:
        """Raises OSError unless it is a system file or one of our copies that `name` would open."""
        text = "" if name is None else os.fsdecode(name)
        if text == "" or (get_ident(), text) in _own:
            return
        self.guard()
        if "/" in text:
            if _system(text) == text:  # another way to it is only for `dlopen`
                return
        elif self._mapped(text):
            return
        else:
            found = self._default(text)
            if found is not None:  # mapped now, ld.so does not search for it (N2)
                self._open(found, os.RTLD_NOW)
                return
        raise OSError(f"{text}: not covered, and no library of the system")

    def _open(self, name: Any, mode: int) -> int:
        key = (get_ident(), name or "")
        _own.add(key)
        try:
            handle: int = self._real(name, mode)
        finally:
            _own.discard(key)
        return handle

    def _mapped(self, name: str) -> bool:
        """Whether ld.so knows a mapped file by this name. It is kept, for it to remain so."""
        if name not in self._names:
            try:  # NOLOAD: files may be looked at, nothing is mapped
                self._open(name, os.RTLD_LAZY | os.RTLD_NOLOAD)
            except OSError:
                return False
            self._names.add(name)
        return True

    # --- loading ---------------------------------------------------------------------------------

    def _load(self, path: str, mode: int, group: _Group | None = None) -> str | None:
        """The name under which the covered file at `path` is mapped now, with all that it needs.

        None if it is not covered. `group` has it already, and is closed. Raises OSError as dlopen
        does.
        """
        group = group or _Group(self)
        try:
            if path in self._copies:
                return self._copies[path]
            self._imports(path)
            with self._lock:
                if path not in self._copies and not self._map(group, path, mode):
                    return None
                return self._copies[path]
        finally:
            group.close()

    def _imports(self, path: str, fcntl_only: bool = False) -> None:
        """What is needed, before the lock: another thread may be in an import of ours."""
        try:
            import fcntl  # noqa: F401 - used with the lock

            if not fcntl_only:
                self.guard()
        except ImportError as error:
            self._refuse(UNREADABLE, f"{path} cannot be loaded by this Python: {error}")
        self._this_machine()

    def _map(self, group: _Group, path: str, mode: int) -> bool:
        if not group.spelled and group.add(path, None) is None:
            return False
        group.complete()
        name = group.handle()
        try:
            self._open(name, mode)
        except OSError as error:
            text = str(error)
            self._mappable(path, name, text)
            raise OSError(group.told(text)) from None
        finally:
            group.check()
        for spelled, real in group.names():
            self._copies[real] = spelled
        self._names |= group.sonames
        return True

    def _mappable(self, path: str, name: str, error: str) -> None:
        if "failed to map segment" in error or f"{name}: cannot open" in error:
            self._refuse(UNREADABLE, f"{path} cannot be mapped from memory: {error}")

    def known(self, name: str) -> bool:
        """Whether something is mapped under this name, as far as can be told without `_ctypes`."""
        return name in self._names or (self._real is not None and self._mapped(name))

    def _this_machine(self) -> int:
        if not self._machine:
            try:
                with open("/proc/self/exe", "rb", 0) as file:
                    elf = _Elf(file.fileno(), (2, 3))
                    # What it needs was mapped under these names before its first line, and stays.
                    self._names.update(elf.needed)
                    self._machine = elf.machine
            except ValueError as error:
                self._refuse(UNREADABLE, f"/proc/self/exe cannot be understood: {error}")
            except OSError as error:
                self._refuse(UNREADABLE, f"/proc/self/exe cannot be read: {error.strerror}")
        return self._machine

    def _default(self, name: str) -> str | None:
        """The system file of this name, where ldconfig looks (N4)."""
        if name not in self._found:
            if not self._folders:
                self._folders = list(_folders(self._this_machine()))
            for folder in self._folders:
                found = self._suits(os.path.join(folder, name), name)
                if found is not None:
                    self._found[name] = found
                    break
            else:
                return None
        return self._found[name]

    def _suits(self, path: str, name: str) -> str | None:
        """The system file at `path`, if ld.so will know it as `name` (N5)."""
        found = _system(path)
        if found is None:
            return None
        descriptor = os.open(found, os.O_RDONLY | os.O_CLOEXEC)
        try:
            elf = _Elf(descriptor)
        except ValueError:
            return None  # of another machine, or a linker's script
        finally:
            os.close(descriptor)
        if elf.machine != self._this_machine():
            return None
        if elf.soname != name:
            self._refuse(UNREADABLE, f"{found} calls itself {elf.soname or 'nothing'}, not {name}")
        return found


class _Group:
    """What is mapped in one breath: a library first, then what it brings, in ld.so's order."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self.spelled: list[str] = []  # copies and system files, as ld.so will see them
        self.sonames: set[str] = set()
        self._parts: list[_Part] = []
        self._umbrella = ""
        self._descriptors: list[tuple[int, int]] = []  # and their inodes

    def add(self, path: str, above: _Part | None) -> _Elf | None:
        """Adds a covered file; None if none is covered at that path."""
        native = self._native
        descriptor = self._copied(path, os.path.basename(path))
        if descriptor is None:
            return None
        try:
            elf = _Elf(descriptor)
        except ValueError as error:
            native._refuse(UNREADABLE, f"{path} is no library that can be loaded: {error}")
        if elf.machine != native._this_machine():
            native._refuse(UNREADABLE, f"{path} is a library of another machine")
        if elf.filters:
            native._refuse(UNREADABLE, f"{path} is a filter of another library")
        if len(self.spelled) >= _FILES:
            native._refuse(UNREADABLE, f"{self._parts[0].path} needs more than {_FILES} libraries")
        name = self.spell(descriptor)
        self.spelled.append(name)
        self._parts.append(_Part(path, name, elf, above))
        return elf

    def light(self) -> bool:
        """Whether the library needs nothing but what is mapped and what is of the system (N8).

        Then that is added.
        """
        native = self._native
        (part,) = self._parts
        found: dict[str, str] = {}
        for name in part.elf.needed:
            if not native.known(name):
                # ld.so itself is known by its name alone: by its path it would be mapped again.
                if "/" in name or name.startswith("ld") or any(True for _ in part.folders()):
                    return False
                path = native._default(name)
                if path is None:
                    return False
                found[name] = path
        self.spelled += found.values()
        self.sonames.update(found)
        return True

    def handle(self) -> str:
        """What ld.so is given: the copy, or what stands for it and all that is mapped with it."""
        if len(self.spelled) == 1:
            return self.spelled[0]
        needs = _umbrella(self._native._this_machine(), self.spelled)
        self._umbrella = self.spell(self.sealed(needs, "needed"))
        return self._umbrella

    def told(self, text: str) -> str:
        """What ld.so says, with the names of the files."""
        for spelled, real in [*self.names(), (self._umbrella, self._parts[0].path)]:
            text = text.replace(spelled, real) if spelled else text
        return text

    def complete(self) -> None:
        """Adds all that is needed, breadth first."""
        native = self._native
        for part in self._parts:  # grows meanwhile
            for name in part.elf.needed:
                if name in self.sonames or native._mapped(name):
                    continue
                if not self._covered(name, part):
                    found = native._default(name)
                    if found is None:
                        native._refuse(
                            UNREADABLE,
                            f"{part.path} needs {name}, which is neither covered nor of the system",
                        )
                    self.spelled.append(found)
                self.sonames.add(name)

    def _covered(self, name: str, part: _Part) -> bool:
        """Adds what the library's own folders have of this name (N3)."""
        native = self._native
        if "/" in name or not name:
            native._refuse(UNREADABLE, f"{part.path} needs {name or 'a library'} by its path")
        for folder in part.folders():
            path = os.path.normpath(os.path.join(folder, name))
            elf = self.add(path, part)
            if elf is not None:
                if elf.soname != name:
                    native._refuse(
                        UNREADABLE, f"{path} calls itself {elf.soname or 'nothing'}, not {name}"
                    )
                return True
            if folder.startswith(("/usr/", "/lib")):
                found = native._suits(path, name)
                if found is not None:
                    self.spelled.append(found)
                    return True
        return False

    def names(self) -> list[tuple[str, str]]:
        """Copies, and the files that they are of."""
        return [(part.spelled, part.path) for part in self._parts]

    def _copied(self, path: str, name: str) -> int | None:
        if self._native._copy is None:
            data = self._native._read(path)
            return None if data is None else self.sealed(data, name)

        def make(source: int, size: int) -> int:
            descriptor = self._memory(name)
            try:
                _pour(descriptor, source, size)
            except OSError as error:
                self._native._refuse(UNREADABLE, f"{path} cannot be copied: {_why(error)}")
            return descriptor

        return self._native._copy(path, make)

    def sealed(self, data: bytes, name: str) -> int:
        """A sealed copy of these bytes, until the group is closed."""
        descriptor = self._memory(name)
        try:
            same = _fill(descriptor, data)
        except OSError as error:
            self._native._refuse(UNREADABLE, f"no sealed memory for {name}: {_why(error)}")
        if not same:  # N1
            self._native._refuse(UNREADABLE, f"the copy of {name} was changed by another process")
        return descriptor

    def _memory(self, name: str) -> int:
        try:
            descriptor = _memory(name)
        except (OSError, AttributeError) as error:
            self._native._refuse(UNREADABLE, f"no sealed memory for {name}: {_why(error)}")
        self._descriptors.append((descriptor, os.fstat(descriptor).st_ino))
        return descriptor

    def spell(self, descriptor: int) -> str:
        """The path of a copy (N6): 0 and 1 become / and ./ , so no two numbers give one path."""
        number = bin(os.fstat(descriptor).st_ino)[2:].replace("0", "/").replace("1", "./")
        return f"/proc/self/{number}fd/{descriptor}"

    def check(self) -> None:
        """What was mapped was ours: another thread may have closed our numbers and opened files."""
        for descriptor, inode in self._descriptors:
            try:
                same = os.fstat(descriptor).st_ino == inode
            except OSError:
                same = False
            if not same:
                self._descriptors.clear()
                self._native._refuse(
                    UNREADABLE, "descriptors were closed by another thread during a load"
                )

    def close(self) -> None:
        while self._descriptors:
            os.close(self._descriptors.pop()[0])


class _Load:
    """A group that CPython maps itself (N8), and how many threads are at it."""

    __slots__ = ("group", "name", "users")

    def __init__(self, group: _Group) -> None:
        self.group = group
        self.name = group.handle()
        self.users = 0


class _Part:
    """A covered file of a group. `above` brought it."""

    __slots__ = ("above", "elf", "path", "spelled")

    def __init__(self, path: str, spelled: str, elf: _Elf, above: _Part | None) -> None:
        self.path = path
        self.spelled = spelled
        self.elf = elf
        self.above = above

    def folders(self) -> Iterator[str]:
        """Where ld.so would search before the system's folders; what is relative is nowhere."""
        if self.elf.runpath is not None:
            yield from _expanded(self.elf.runpath, self.path)
            return
        part: _Part | None = self
        while part is not None:
            if part.elf.runpath is None and part.elf.rpath is not None:
                yield from _expanded(part.elf.rpath, part.path)
            part = part.above


def _expanded(paths: str, path: str) -> Iterator[str]:
    origin = os.path.dirname(path)
    for each in paths.split(":"):
        folder = each.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        if folder.startswith("/") and "$" not in folder[len(origin) :]:
            yield folder


# --- sealed memory -------------------------------------------------------------------------------


def _memory(name: str) -> int:
    """An empty file in memory that can be sealed."""
    flags = _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    name = os.fsdecode(os.fsencode(name)[:200])
    try:  # what vm.memfd_noexec=2 demands; it can be mapped for execution all the same
        descriptor = os.memfd_create(name, flags | _MFD_NOEXEC_SEAL)
    except OSError as error:
        if error.errno != errno.EINVAL:  # Linux before 6.3
            raise
        descriptor = os.memfd_create(name, flags)
    import fcntl

    try:
        high = fcntl.fcntl(
            descriptor, _F_DUPFD_CLOEXEC, min(_HIGH, max(3, os.sysconf("SC_OPEN_MAX") - 64))
        )
    except OSError:
        return descriptor
    os.close(descriptor)
    return high


def _seal(descriptor: int) -> None:
    import fcntl
    from time import sleep

    # Busy: the kernel itself holds a page of it for a moment (memfd_wait_for_pins). It is rare.
    for left in reversed(range(_TRIES)):
        try:
            fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEALS)
            return
        except OSError as error:
            if error.errno != errno.EBUSY or not left:
                raise
        sleep(_WAIT)


def _pour(descriptor: int, source: int, size: int) -> None:
    """Copies what a file holds, and seals. Of one that grew meanwhile a byte more is copied."""
    left = size + 1
    buffer = bytearray(min(left, _BLOCK))
    view = memoryview(buffer)
    while left > 0:
        length = os.readv(source, [view[:left]])
        if not length:
            break
        left -= length
        done = 0
        while done < length:
            done += os.write(descriptor, view[done:length])
    _seal(descriptor)


def _fill(descriptor: int, data: bytes) -> bool:
    """Writes and seals. False if something else is in it."""
    view = memoryview(data)
    done = 0
    while done < len(data):
        done += os.write(descriptor, view[done:])
    _seal(descriptor)
    if os.fstat(descriptor).st_size != len(data):
        return False
    buffer = bytearray(min(len(data), _BLOCK))
    done = 0
    while done < len(data):
        length = os.preadv(descriptor, [buffer], done)
        if not length or not buffer.startswith(view[done : done + length]):
            return False
        done += length
    return True


def _why(error: Exception) -> str:
    if isinstance(error, AttributeError):
        return "this Python has no memfd_create"
    text = os.strerror(error.errno or 0) if isinstance(error, OSError) else str(error)
    try:
        with open("/proc/sys/vm/memfd_noexec", "rb", 0) as file:
            return f"{text} (vm.memfd_noexec={file.read(2).decode('ascii', 'replace').strip()})"
    except OSError:
        return text


# --- the system ----------------------------------------------------------------------------------

_roots: dict[str, bool] = {}  # folders: whether only root may change what lies in them


def _system(path: str) -> str | None:
    """Where the system file at `path` finally lies; None if it is no system file (N4)."""
    real = os.path.realpath(path)
    if not real.startswith(("/usr/", "/lib")) or real.startswith("/usr/local/"):
        return None
    try:
        status = os.lstat(real)
        if status.st_mode & 0o170000 != 0o100000 or status.st_uid != 0 or status.st_mode & 0o022:
            return None
        return real if _root(os.path.dirname(real)) else None
    except OSError:
        return None


def _root(folder: str) -> bool:
    found = _roots.get(folder)
    if found is None:
        status = os.lstat(folder)
        found = (
            status.st_mode & 0o170000 == 0o040000
            and status.st_uid == 0
            and not status.st_mode & 0o022
            and (folder == "/" or _root(os.path.dirname(folder)))
        )
        _roots[folder] = found
    return found


def _folders(machine: int) -> Iterator[str]:
    """Where ldconfig looks, and then ld.so."""
    yield from _listed("/etc/ld.so.conf", 0)
    triplet = {62: "x86_64-linux-gnu", 183: "aarch64-linux-gnu"}.get(machine)
    if triplet is not None:
        yield from (f"/lib/{triplet}", f"/usr/lib/{triplet}")
    yield from ("/lib64", "/usr/lib64", "/lib", "/usr/lib")


def _listed(path: str, depth: int) -> Iterator[str]:
    try:
        with open(path, "rb", 0) as file:
            text = os.fsdecode(file.read(1 << 20))
    except OSError:
        return
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) > 1 and words[0] == "include" and depth < 8:
            for pattern in words[1:]:
                pattern = os.path.join(os.path.dirname(path), pattern)
                folder, name = os.path.split(pattern)
                if name[:1] != "*":  # the only pattern that is met
                    yield from _listed(pattern, depth + 1)
                elif os.path.isdir(folder):
                    for each in sorted(os.listdir(folder)):
                        if each.endswith(name[1:]) and each[0] != ".":
                            yield from _listed(os.path.join(folder, each), depth + 1)
        elif words and words[0].startswith("/"):
            yield words[0]


# --- ELF -----------------------------------------------------------------------------------------


class _Elf:
    """What ld.so reads of a library before it maps it. Raises ValueError (N7)."""

    __slots__ = ("filters", "machine", "needed", "rpath", "runpath", "soname")

    soname: str | None
    rpath: str | None
    runpath: str | None

    def __init__(self, descriptor: int, kinds: tuple[int, ...] = (3,)) -> None:
        size = os.fstat(descriptor).st_size
        head = os.pread(descriptor, 64, 0)
        if len(head) < 64 or head[:7] != b"\x7fELF\2\1\1":
            raise ValueError("not an ELF file of 64 bits, little end first")
        if _number(head, 16, 2) not in kinds:
            raise ValueError("not a shared object")
        self.machine = _number(head, 18, 2)
        offset, entry, count = _number(head, 32, 8), _number(head, 54, 2), _number(head, 56, 2)
        if entry != 56 or not 0 < count <= _HEADERS:
            raise ValueError("its program headers are not those of an ELF file")
        if offset + entry * count > size:
            raise ValueError("its program headers lie outside of the file")
        headers = os.pread(descriptor, entry * count, offset)
        loads: list[tuple[int, int, int]] = []  # address, end of what is of the file, offset
        end = 0
        dynamic = None
        for i in range(0, len(headers), entry):
            kind = _number(headers, i, 4)
            offset, address = _number(headers, i + 8, 8), _number(headers, i + 16, 8)
            length, memory = _number(headers, i + 32, 8), _number(headers, i + 40, 8)
            if kind == 1:
                if offset + length > size or memory < length or address < end:
                    raise ValueError("its segments overlap or lie outside of the file")
                end = address + memory
                loads.append((address, address + length, offset))
            elif kind == 2:
                if dynamic is not None:
                    raise ValueError("it has two dynamic sections")
                dynamic = address, length, offset
        if dynamic is None:
            raise ValueError("it has no dynamic section")
        self._entries(descriptor, loads, *dynamic)

    def _entries(
        self,
        descriptor: int,
        loads: list[tuple[int, int, int]],
        address: int,
        length: int,
        offset: int,
    ) -> None:
        # ld.so reads it from where it is mapped.
        if length > _ENTRIES * 16 or _place(loads, address, length)[0] != offset:
            raise ValueError("its dynamic section is not where it is said to be")
        section = os.pread(descriptor, length, offset)
        needed: list[int] = []
        single: dict[int, int] = {}
        self.filters = False
        for i in range(0, len(section) - 15, 16):
            tag, value = _number(section, i, 8), _number(section, i + 8, 8)
            if tag == 0:
                break
            if tag == 1:
                needed.append(value)
            elif tag in (5, 14, 15, 29):  # STRTAB, SONAME, RPATH, RUNPATH
                if single.setdefault(tag, value) != value:
                    raise ValueError("its dynamic section says two things")
            elif tag in (0x7FFFFFFD, 0x7FFFFFFF):  # AUXILIARY, FILTER: more names to search for
                self.filters = True
        else:
            raise ValueError("its dynamic section has no end")
        if len(needed) > _NEEDED:
            raise ValueError(f"it needs more than {_NEEDED} libraries")

        def text(index: int, most: int) -> str:
            start, rest = _place(loads, single.get(5, 0) + index, 1)
            found, zero, _ = os.pread(descriptor, min(rest, most + 1), start).partition(b"\0")
            if not zero:
                raise ValueError("it has a name without an end")
            return os.fsdecode(found)

        self.needed = [text(value, _NAME) for value in needed]
        self.soname = text(single[14], _NAME) if 14 in single else None
        self.rpath = text(single[15], _PATHS) if 15 in single else None
        self.runpath = text(single[29], _PATHS) if 29 in single else None


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _place(loads: list[tuple[int, int, int]], address: int, length: int) -> tuple[int, int]:
    """The offset in the file of what is mapped at an address, and how much follows of it."""
    for start, end, offset in loads:
        if start <= address and address + length <= end:
            return offset + address - start, end - address
    raise ValueError("it names what is not in the file")


def _umbrella(machine: int, names: list[str]) -> bytes:
    """A library that needs these, in this order, and is nothing else.

    ld.so maps what it needs before it looks at what those need in turn: by then all of it has been
    mapped, cycles too, and each symbol is looked up in the order that it would have been.
    """
    strings = b"\0"
    entries: list[tuple[int, int]] = []
    for name in names:
        entries.append((1, len(strings)))
        strings += os.fsencode(name) + b"\0"
    start = 64 + 3 * 56
    length = 16 * (len(entries) + 5)
    symbols = start + length
    table = symbols + 24
    size = table + len(strings)
    entries += [(5, table), (6, symbols), (10, len(strings)), (11, 24), (0, 0)]

    def pack(*numbers: tuple[int, int]) -> bytes:
        return b"".join([number.to_bytes(width, "little") for number, width in numbers])

    def segment(kind: int, offset: int, length: int, align: int) -> bytes:
        place = [(number, 8) for number in (offset, offset, offset, length, length, align)]
        return pack((kind, 4), (6, 4), *place)  # readable, writable

    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + pack(
        (3, 2), (machine, 2), (1, 4), (0, 8), (64, 8), (0, 8), (0, 4),
        (64, 2), (56, 2), (3, 2), (64, 2), (0, 2), (0, 2),
    )  # fmt: skip
    return b"".join(
        (
            head,
            segment(1, 0, size, 0x10000),
            segment(2, start, length, 8),
            segment(0x6474E551, 0, 0, 16),  # without it the stack would become executable
            *(pack((tag, 8), (value, 8)) for tag, value in entries),
            bytes(24),
            strings,
        )
    )
