"""The folder on disk (``~/.signet``): several files change together, or none does.

Here: names and bytes, the lock, the journal, and which files are refused. Not here: what the
files mean.

H1  A name cannot leave the folder.
H2  What is read is a regular file of the user's own (or root's) that nobody else may write, below
    folders of the same kind. A link is refused; only the folder itself may be reached by one.
H3  A reader writes nothing and takes no lock.
H4  One process writes at a time.
H5  The rename of ``pending/commit`` is the commit. Before it nothing has changed. After it all
    has: readers look into `pending` first, and the next writer puts the files in place.
H6  Bytes and names are on disk before what makes them count is renamed.
H7  The generation changes with every commit, at the moment of the commit.
H8  Files are 0600 and folders 0700, whatever the umask says.
H9  The folder of a newer version is neither read nor touched.

A commit of one file is one rename and needs no journal. `pending` holds all temporary files, so
that ``repo/`` may be copied to a host at any time.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, NoReturn, TypeVar

from sig.errors import StoreError

VERSION = 1
LIMIT = 64 * 1024 * 1024  # a whole file in memory, unless the caller says otherwise
WAIT = 10.0  # seconds for the lock

_PENDING = "pending"
_COMMIT = "pending/commit"
_GENERATION = "generation"
_LOCK = "lock"
_VERSION = "version"
_OWN = frozenset({_PENDING, _GENERATION, _LOCK})
_RETRIES = 100

# On Windows these do not exist; neither do FIFOs and the kind of link they are against.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO in place of a file must not hang the reader
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_WRITE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_T = TypeVar("_T")


class _Unfinished(NamedTuple):
    """A commit that counts but is not in place: its generation, and where each file's bytes are."""

    generation: str = ""
    changes: Mapping[str, str | None] = MappingProxyType({})


_NOTHING = _Unfinished()


class Home:
    """The folder at `path`, which need not exist.

    Reading needs nothing. To write: ``with home.writing(): … home.commit({name: bytes})``.
    Names are relative and have ``/`` between their parts on every system. Raises StoreError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = os.path.abspath(path)
        self._writing = False
        self._committed = False
        self._read_version: tuple[int, ...] = ()  # the file that was of this version
        # While `consistent` runs, which looks again at the end: not asked for at every file.
        self._known: _Unfinished | None = None
        self._known_folders: set[str] = set()

    @property
    def exists(self) -> bool:
        """Whether the folder is there. Raises StoreError if that cannot be told, and for H2."""
        return self._folder(_VERSION)

    # --- reading -------------------------------------------------------------------------------

    def read(self, name: str, limit: int = LIMIT) -> bytes | None:
        """The bytes of one file, None if it is missing.

        Raises StoreError for what H2 refuses, what is larger than `limit`, and what cannot be read.
        """
        _check_name(name)
        temporary = self._unfinished().changes.get(name, "")
        if temporary is None:
            return None
        if temporary:
            data = self._bytes(f"{_PENDING}/{temporary}", limit)
            if data is not None:
                return data
            # A writer has put it in place since.
        return self._bytes(name, limit)

    def stat(self, name: str) -> str | None:
        """A stamp that changes whenever the file does, None if it is missing.

        Taken without opening the file; the same before and after a commit is put in place.
        """
        _check_name(name)
        temporary = self._unfinished().changes.get(name, "")
        if temporary is None:
            return None
        if temporary:
            stamp = self._stamp(f"{_PENDING}/{temporary}")
            if stamp is not None:
                return stamp
        return self._stamp(name)

    def names(self, directory: str) -> list[str]:
        """What is directly in a sub-folder (or ``""``), sorted; [] if there is no such folder.

        A folder with no file in it does not count, nor do the lock and temporary files.
        """
        start = len(directory) + 1 if directory else 0
        return sorted({name[start:].partition("/")[0] for name in self.tree(directory)})

    def tree(self, directory: str) -> list[str]:
        """The full names of all files below a sub-folder (or ``""``), sorted."""
        if directory:
            _check_name(directory)
        changes = self._unfinished().changes
        prefix = f"{directory}/" if directory else ""
        found = {name for name in self._files(directory) if changes.get(name, "") is not None}
        found.update(
            name
            for name, temporary in changes.items()
            if temporary is not None and name.startswith(prefix)
        )
        return sorted(found - _OWN)

    def generation(self) -> str:
        """Changes at every commit and at no other time; ``""`` before the first (H7)."""
        unfinished = self._unfinished()
        if unfinished.generation:
            return unfinished.generation
        data = self._bytes(_GENERATION, 4096)
        token, _, name = (data or b"").decode("utf-8", "replace").strip().partition(" ")
        # A commit of one file writes `generation` first. It happens when that file is replaced,
        # so the file's stamp is part of the answer: no two steps, and nothing if it never happens.
        return f"{token} {self._stamp(name)}" if name else token

    def consistent(self, function: Callable[[], _T]) -> _T:
        """What `function` returns, run again until no commit came between its reads.

        Nor does what it raises count while commits come between.
        """
        if self._writing or self._known is not None:
            return function()
        for _ in range(_RETRIES):
            before = self.generation()
            try:
                result = self._with_known(function)
            except Exception:
                if self.generation() == before:
                    raise
                continue
            if self.generation() == before:
                return result
        raise StoreError(f"another sig keeps writing to {self._root}")

    def _with_known(self, function: Callable[[], _T]) -> _T:
        self._known = self._unfinished()
        try:
            return function()
        finally:
            self._known = None
            self._known_folders.clear()

    # --- writing -------------------------------------------------------------------------------

    @contextmanager
    def writing(self, timeout: float = WAIT) -> Iterator[None]:
        """Excludes other writers, makes the folder, finishes what a killed writer committed.

        A folder that was made here and got no commit is removed again. Raises StoreError if
        another process does not let go within `timeout` seconds.
        """
        if self._writing:
            raise AssertionError("writing() within writing()")
        self._readable()  # H9: before the lock, which would be a file in a folder not ours to touch
        release, made = self._acquire(timeout)
        self._writing, self._committed = True, False
        try:
            self._readable()
            try:
                self._tidy()
            except OSError as error:
                _failed(error, self._root)
            yield
        finally:
            self._writing = False
            if made and not self._committed:
                self._unmake(made)
            release()

    def commit(self, changes: Mapping[str, bytes | None]) -> None:
        """Writes all these files, and removes those with None, or changes nothing (H5).

        Durable when it returns. Raises StoreError, and then nothing has changed, unless it was
        the disk that failed while it flushed what had been renamed.
        """
        if not self._writing:
            raise AssertionError("commit() outside of writing()")
        for name in changes:
            _check_name(name)
            if name.partition("/")[0] in {*_OWN, _VERSION}:
                raise AssertionError(f"{name} is the folder's own")
            above = name
            while above := above.rpartition("/")[0]:
                if above in changes:
                    raise AssertionError(f"{above} cannot be a file and a folder")
        try:
            self._tidy()
            wanted = {
                name: data
                for name, data in changes.items()
                if data is not None or self._stamp(name) is not None
            }
            if not wanted:
                return
            if self._stamp(_VERSION) is None:
                wanted[_VERSION] = b"%d\n" % VERSION
            self._commit(wanted)
            self._committed = True
        except OSError as error:
            _failed(error, self._root)

    def removal(self, directory: str) -> dict[str, bytes | None]:
        """The changes that remove a sub-folder; to be committed, alone or with others."""
        return dict.fromkeys(self.tree(directory))

    def move(self, old: str, new: str) -> dict[str, bytes | None]:
        """The changes that rename a sub-folder; to be committed, alone or with others."""
        _check_name(new)
        changes = self.removal(old)
        for name in list(changes):
            changes[new + name[len(old) :]] = self.read(name, sys.maxsize)
        return changes

    # --- one file, as it lies there --------------------------------------------------------------

    def _place(self, name: str) -> str:
        return os.path.join(self._root, *name.split("/"))

    def _folder(self, name: str) -> bool:
        """Whether the folder of `name` is there; StoreError if it or one above is refused (H2)."""
        known = self._known_folders
        try:
            # Followed, so that the folder may be a link; its target is what is looked at.
            if self._root not in known:
                _refuse(os.stat(self._root), self._root, folder=True)
            place = self._root
            for part in name.split("/")[:-1]:
                place = os.path.join(place, part)
                if place not in known:
                    _refuse(os.lstat(place), place, folder=True)
                    if self._known is not None:
                        known.add(place)
            if self._known is not None:
                known.add(self._root)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(self._root) and not os.path.exists(self._root):
                # Perhaps a disk that is not there: that is not the same as knowing nothing.
                hint = f"ls -ld {_quote(self._root)}"
                raise StoreError(f"{self._root} is a link to nothing", hint=hint) from None
            return False
        except OSError as error:
            _failed(error, self._root)
        return True

    def _bytes(self, name: str, limit: int) -> bytes | None:
        if not self._folder(name):
            return None
        place = self._place(name)
        try:
            descriptor = os.open(place, _READ)
            try:
                status = os.fstat(descriptor)
                _refuse(status, place, folder=False)
                if status.st_size > limit:
                    _too_large(place, limit)
                chunks: list[bytes] = []
                left = limit + 1
                while left and (chunk := os.read(descriptor, min(left, 1 << 20))):
                    chunks.append(chunk)
                    left -= len(chunk)
                if not left:
                    _too_large(place, limit)
                return b"".join(chunks)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            _failed(error, place)

    def _status(self, name: str) -> os.stat_result | None:
        """None if it is missing; whoever may not know whether it is gets StoreError."""
        place = self._place(name)
        try:
            return os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            _failed(error, place)

    def _stamp(self, name: str) -> str | None:
        if not self._folder(name) or (status := self._status(name)) is None:
            return None
        _refuse(status, self._place(name), folder=False)
        return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"

    def _files(self, directory: str) -> Iterator[str]:
        prefix = f"{directory}/" if directory else ""
        if not self._folder(f"{prefix}x"):
            return
        place = self._place(directory) if directory else self._root
        try:
            with os.scandir(place) as entries:
                listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except FileNotFoundError:
            return
        except OSError as error:
            _failed(error, place)
        for name, is_folder in listed:
            if not is_folder:
                yield prefix + name
            elif directory or name not in _OWN:
                yield from self._files(prefix + name)

    # --- the version and the journal -------------------------------------------------------------

    def _readable(self) -> None:
        """H9."""
        status = self._status(_VERSION)
        if status is None:
            return  # of 2016, or no folder
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)
        if seen == self._read_version:
            return
        if self._folder(_VERSION):
            data = self._bytes(_VERSION, 64)
            if data is not None and data != b"%d\n" % VERSION:
                digits = data.strip()
                if digits.isdigit() and int(digits) > VERSION:
                    _newer(self._root)
                _damaged(self._place(_VERSION))
            self._read_version = seen

    def _unfinished(self) -> _Unfinished:
        if self._known is not None:
            return self._known
        self._readable()
        place = self._place(_COMMIT)
        if self._status(_COMMIT) is None or (data := self._bytes(_COMMIT, LIMIT)) is None:
            return _NOTHING
        head, *lines = data.decode("utf-8", "replace").split("\n")
        version, _, generation = head.partition(" ")
        if _is_word(version) and version.isdigit() and int(version[:99]) > VERSION:
            _newer(self._root)
        if version != str(VERSION) or not _is_word(generation) or lines[-2:] != ["end", ""]:
            _damaged(place)
        changes: dict[str, str | None] = {}
        for line in lines[:-2]:
            temporary, _, name = line.partition(" ")
            if not _is_name(name):
                _damaged(place)
            start, _, number = temporary.rpartition(".")
            if temporary != "-" and (start != generation or not _is_word(number)):
                _damaged(place)
            changes[name] = None if temporary == "-" else temporary
        return _Unfinished(generation, changes)

    def _tidy(self) -> None:
        """Finishes the commit of a killed writer, and removes what it did not commit."""
        unfinished = self._unfinished()
        if unfinished.generation:
            self._put_in_place(unfinished)
        if self._folder(f"{_PENDING}/x"):
            pending = self._place(_PENDING)
            for name in os.listdir(pending):
                with suppress(OSError):
                    os.unlink(os.path.join(pending, name))

    def _commit(self, wanted: dict[str, bytes | None]) -> None:
        generation = os.urandom(8).hex()
        pending = self._place(_PENDING)
        temporaries: list[str] = []
        made: list[str] = []

        def write(number: str, data: bytes) -> str:
            temporaries.append(os.path.join(pending, f"{generation}.{number}"))
            _write(temporaries[-1], data)
            return temporaries[-1]

        try:
            # Whatever can fail comes before the commit; after it nothing is left but renames.
            for name, data in wanted.items():
                self._stamp(name)  # what H2 refuses is not replaced either
                if data is not None:
                    made += _make_folders(os.path.dirname(self._place(name)))
            made += _make_folders(pending)
            if len(wanted) == 1:
                [(name, data)] = wanted.items()
                place = self._place(name)
                if data is not None:
                    source = write("0", data)
                # H7: see generation(). Not flushed: no reader lives through a loss of power.
                note = f"{generation} {name}\n".encode()
                _replace(write("generation", note), self._place(_GENERATION))
                if data is not None:
                    _replace(source, place)
                else:
                    os.unlink(place)
                _flush_folder(os.path.dirname(place))
                if data is None:
                    self._prune(name)
                return
            lines = [f"{VERSION} {generation}"]
            wanted[_GENERATION] = generation.encode()
            for number, (name, data) in enumerate(wanted.items()):
                if data is None:
                    lines.append(f"- {name}")
                else:
                    write(str(number), data)
                    lines.append(f"{generation}.{number} {name}")
            manifest = write("commit", "\n".join([*lines, "end", ""]).encode())
            _flush_folder(pending)  # H6: the temporary files' names, before the one that counts
            _replace(manifest, self._place(_COMMIT))  # H5
        except BaseException:
            for temporary in temporaries:
                with suppress(OSError):
                    os.unlink(temporary)
            for folder in reversed(made):
                with suppress(OSError):
                    os.rmdir(folder)
            raise
        self._committed = True
        _flush_folder(pending)
        # H5: it stands, and readers see it. What fails from here on is the next writer's to do.
        with suppress(OSError, StoreError):
            self._put_in_place(self._unfinished())

    def _put_in_place(self, unfinished: _Unfinished) -> None:
        """Repeatable at every step, by whoever comes next."""
        touched: set[str] = set()
        # Removals first: on a disk that folds case they may be the old spelling of what follows.
        for name, temporary in unfinished.changes.items():
            if temporary is None:
                place = self._place(name)
                with suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(place)
                    touched.add(os.path.dirname(place))
                touched |= self._prune(name)
        for name, temporary in unfinished.changes.items():
            if temporary is not None:
                place = self._place(name)
                # Else a missing folder would look like a file that is in place already.
                _make_folders(os.path.dirname(place))
                with suppress(FileNotFoundError):
                    _replace(self._place(f"{_PENDING}/{temporary}"), place)
                touched.add(os.path.dirname(place))
        for folder in touched:
            if os.path.isdir(folder):
                _flush_folder(folder)
        os.unlink(self._place(_COMMIT))
        # Were the journal to come back after a loss of power, it would undo a later commit.
        _flush_folder(self._place(_PENDING))

    def _prune(self, name: str) -> set[str]:
        """Removes the folders above a removed file that are empty now; those changed by that."""
        touched: set[str] = set()
        folder = os.path.dirname(self._place(name))
        while folder != self._root:
            try:
                os.rmdir(folder)
            except OSError:
                break  # something is in it
            touched.discard(folder)
            folder = os.path.dirname(folder)
            touched.add(folder)
        return touched

    # --- the lock --------------------------------------------------------------------------------

    def _acquire(self, timeout: float) -> tuple[Callable[[], None], list[str]]:
        from filelock import FileLock, Timeout  # 12 ms that no reader needs

        made: list[str] = []
        for attempt in range(_RETRIES):
            try:
                made += _make_folders(self._root)
                self._folder(_LOCK)
                lock = FileLock(os.path.join(self._root, _LOCK), timeout=timeout, mode=0o600)
                lock.acquire()
                # Another process may have removed the folder it made, and the lock made it again,
                # with the umask's mode.
                if os.listdir(self._root) == [_LOCK]:
                    os.chmod(self._root, 0o700)
                return lock.release, made
            except Timeout as error:
                raise StoreError(
                    f"another sig is writing to {self._root}", hint="try again when it is done"
                ) from error
            except FileNotFoundError as error:
                # The process that made the folder had nothing to write, and removed it.
                if attempt == _RETRIES - 1:
                    _failed(error, self._root)
            except OSError as error:
                _failed(error, self._root)
        raise AssertionError

    def _unmake(self, made: list[str]) -> None:
        with suppress(OSError):
            os.rmdir(self._place(_PENDING))
        # Only if nothing else is in there: the folder must not stay without its lock.
        with suppress(OSError):
            if os.listdir(self._root) == [_LOCK]:
                os.unlink(self._place(_LOCK))
                for folder in reversed(made):
                    os.rmdir(folder)


# --- what is refused -----------------------------------------------------------------------------


def _is_name(name: str) -> bool:
    return (
        not any(part in ("", ".", "..") for part in name.split("/"))
        and name.isprintable()
        and "\\" not in name
        and ":" not in name  # on Windows a drive, or a stream behind a file
    )


def _is_word(text: str) -> bool:
    # It becomes a part of a file's name: nothing that leads elsewhere.
    return text.isascii() and text.isalnum()


def _check_name(name: str) -> None:
    # H1: this program makes all names, so one that leaves the folder is an error in it.
    if not _is_name(name):
        raise AssertionError(f"{name!r} is not a name within the folder")


def _refuse(status: os.stat_result, place: str, *, folder: bool) -> None:
    """H2."""
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        raise StoreError(f"{place} is a symbolic link", hint=f"ls -l {_quote(place)}")
    if not (stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode)):
        kind = "folder" if folder else "regular file"
        raise StoreError(f"{place} is not a {kind}", hint=f"ls -ld {_quote(place)}")
    if sys.platform != "win32":
        if status.st_uid not in (os.geteuid(), 0):
            raise StoreError(f"{place} belongs to another user", hint=f"ls -ld {_quote(place)}")
        if mode & 0o022:
            hint = f"chmod go-w {_quote(place)}"
            raise StoreError(f"{place} can be written by others", hint=hint)


def _quote(place: str) -> str:
    import shlex

    return shlex.quote(place)


def _too_large(place: str, limit: int) -> NoReturn:
    raise StoreError(f"{place} is larger than {limit} bytes", hint="sig doctor")


def _damaged(place: str) -> NoReturn:
    raise StoreError(f"{place} is damaged", hint="sig doctor")


def _newer(root: str) -> NoReturn:
    raise StoreError(f"{root} was written by a newer sig", hint="update sig, or use another --dir")


_WORDS = {
    errno.ENOSPC: "no space left on the disk of {}",
    errno.EDQUOT: "no space left for you on the disk of {}",
    errno.EROFS: "{} is on a read-only disk",
    errno.EACCES: "no permission for {}",
    errno.EPERM: "no permission for {}",
    errno.ELOOP: "{} is a symbolic link",
    errno.EIO: "the disk failed at {}",
}


def _failed(error: OSError, place: str) -> NoReturn:
    words = _WORDS.get(error.errno or 0)
    name = error.filename if isinstance(error.filename, str) else place
    if words is None:
        words = (os.strerror(error.errno).lower() if error.errno else "error") + " at {}"
    hint = f"ls -ld {_quote(name)}" if error.errno == errno.ELOOP else None
    raise StoreError(words.format(name), hint=hint) from error


# --- the disk ------------------------------------------------------------------------------------


def _write(place: str, data: bytes) -> None:
    """A new file, on disk (H6), 0600 (H8)."""
    descriptor = os.open(place, _WRITE, 0o600)
    try:
        if sys.platform != "win32":
            os.fchmod(descriptor, 0o600)
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        # The kernel's clock ticks in milliseconds: two commits within one would have one stamp.
        now = time.time_ns()
        os.utime(place, ns=(now, now))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(source: str, target: str) -> None:
    for _ in range(_RETRIES if sys.platform == "win32" else 0):
        try:
            os.replace(source, target)
            return
        except PermissionError:  # Windows: somebody reads it at this moment
            time.sleep(0.01)
    os.replace(source, target)


def _make_folders(place: str) -> list[str]:
    """Makes a folder and those above it; which ones were made."""
    made: list[str] = []
    missing: list[str] = []
    while not os.path.isdir(place):
        missing.append(place)
        place = os.path.dirname(place)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:  # another process was faster
            continue
        made.append(folder)
        os.chmod(folder, 0o700)
        _flush_folder(os.path.dirname(folder))
    return made


def _flush_folder(place: str) -> None:
    if sys.platform == "win32":
        return  # folders cannot be flushed there, and need not be
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
