"""A folder on the disk as a manifest: how a tree is walked, and how its files are hashed.

Here: the way from a folder to digests, what may not lie in a tree, and what is noticed when a tree
changes meanwhile. Not here: which paths a manifest may hold and what a glob leaves out
(`sig.model.manifest`), archives, and whether anybody is believed.

F1  No link is followed below the folder: each name is opened through the descriptor of the folder
    that it was listed in. The folder itself may be reached by one: the user named it.
F2  There are regular files and folders and nothing else. A hard link is a regular file.
F3  A file is opened once; what was looked at is what is hashed. One that changes meanwhile is
    refused, and never read beyond the size that it had.
F4  A folder is the same from before it is listed until its last file is hashed.
F5  What is excluded is not opened, whatever it is.
F6  Names are UTF-8.
F7  Entries, depth, length of a path and bytes are bounded; so are open descriptors.

Threads, not processes: hashing and reading release the interpreter's lock, and one process costs
as much as a thousand files to start.

F3 and F4 notice what changes a size, a time or a name. Who may write to the files may hide a change
from both, but not from the digests: those are of the bytes that were read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from sig.errors import Changed, FormatError, Refused
from sig.model import limits
from sig.model.manifest import DEFAULT_EXCLUDES, Manifest, excluded, told
from sig.repo.disk import NOT_LINKS, failed

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[int, int], None]
_Entry = tuple[str, str, int]  # the name as the system has it, the path in the tree, S_IFMT
_NOTHING: tuple[set[str], set[str]] = (set(), set())

# Who lists stays so far ahead of who hashes: in files, and in folders that are open for it.
_FILES_AHEAD = 2048
_FOLDERS_AHEAD = 48
_BLOCK = 128 * 1024
_EVERY = 0.2  # seconds between two calls of `progress`
_MOST_THREADS = 8  # more would wait for the interpreter's lock

_DESCRIPTORS = (
    os.open in os.supports_dir_fd
    and os.stat in os.supports_dir_fd
    and os.scandir in os.supports_fd
    and hasattr(os, "O_NOFOLLOW")
    and hasattr(os, "O_DIRECTORY")
)
_FOLDER = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# What opening says of a name that is no longer what it was listed as.
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EMLINK, errno.ENXIO)


def tree(
    folder: Path | str,
    exclude: Sequence[str] = DEFAULT_EXCLUDES,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> Manifest:
    """The manifest of all files below a folder that no glob in `exclude` names.

    As `digests`; raises FormatError also for paths that no manifest can hold, and where there is no
    file at all.
    """
    return Manifest.of(digests(folder, exclude, progress=progress, threads=threads).items())


def digests(
    folder: Path | str,
    exclude: Sequence[str] = DEFAULT_EXCLUDES,
    *,
    links: list[str] | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
) -> dict[str, str]:
    """Path and sha256, in hex, of every file below a folder that no glob in `exclude` names.

    Folders are not in it, so an empty one leaves no trace. `links` gets the paths of symbolic
    links, which are refused without it. `progress` is called with the bytes and the files so far,
    some times a second and once at the end, always by the calling thread.

    Raises Refused for what may not lie in a tree (F2, F7), FormatError for names that are not UTF-8
    (F6), Changed for what changed meanwhile (F3, F4), StoreError for what cannot be read.
    """

    def choose(here: _Folder, entries: Iterable[_Entry]) -> tuple[list[str], list[str]]:
        files: list[str] = []
        folders: list[str] = []
        for name, path, kind in entries:
            if exclude and excluded(path + "/" if kind == stat.S_IFDIR else path, exclude):  # F5
                continue
            if not path.isascii() or len(path) > limits.PATH:
                _check_path(path, here.place(name))
            if kind == stat.S_IFREG:
                files.append(name)
            elif kind == stat.S_IFDIR:
                folders.append(name)
            elif kind == stat.S_IFLNK and links is not None:
                links.append(path)
            else:
                _refuse_kind(here.place(name), kind)
        return files, folders

    return dict(_Reading(folder, choose, progress, threads, watched=True).run())


def files(
    folder: Path | str,
    paths: Iterable[str],
    *,
    progress: Progress | None = None,
    threads: int | None = None,
) -> dict[str, str | None]:
    """The sha256, in hex, of these files below a folder; None where there is none of that name.

    For the paths of a manifest. A name counts as it is listed, letter by letter, on every file
    system. What else lies in the folder is not looked at. Raises as `digests` does; FormatError
    for a path that could leave the folder.
    """
    found: dict[str, str | None] = {}
    wanted: dict[str, tuple[set[str], set[str]]] = {}
    for path in paths:
        parts = path.split("/")
        if "\0" in path or any(part in ("", ".", "..") for part in parts):
            raise FormatError(f"{path!r} is not a path below a folder")
        found[path] = None
        above = ""
        for part in parts[:-1]:
            wanted.setdefault(above, (set(), set()))[1].add(part)
            above += part + "/"
        wanted.setdefault(above, (set(), set()))[0].add(parts[-1])

    def choose(here: _Folder, entries: Iterable[_Entry]) -> tuple[list[str], list[str]]:
        names, above = wanted.get(here.path, _NOTHING)
        files: list[str] = []
        folders: list[str] = []
        for name, path, kind in entries:
            last = path[len(here.path) :]
            if kind == stat.S_IFDIR:
                if last in above:
                    folders.append(name)
            elif last in names or (last in above and kind == stat.S_IFLNK):
                if kind != stat.S_IFREG:
                    _refuse_kind(here.place(name), kind)
                files.append(name)
        return files, folders

    found.update(_Reading(folder, choose, progress, threads, watched=False).run())
    return found


# --- folders -------------------------------------------------------------------------------------


class _Folder:
    """An open folder. `pending` is what still needs it: its files, and its folders unopened."""

    __slots__ = ("before", "depth", "descriptor", "path", "pending", "root")

    path: str  # below the root, with a / at its end; "" is the root
    depth: int

    def __init__(self, root: str, above: _Folder | None, name: str) -> None:
        self.root = root
        self.path = "" if above is None else f"{above.path}{_text(name)}/"
        self.depth = 0 if above is None else above.depth + 1
        self.pending = 1
        self.descriptor = -1
        try:
            self._open(above, name)
        except OSError as error:
            if above is None:
                self.fail(error, root)
            above.explain(name, error, stat.S_IFDIR)

    def _open(self, above: _Folder | None, name: str) -> None:
        if above is None:  # F1: the one that the user named
            self.descriptor = os.open(self.root, _FOLDER & ~getattr(os, "O_NOFOLLOW", 0))
        else:
            self.descriptor = os.open(name, _FOLDER, dir_fd=above.descriptor)
        self.before = os.fstat(self.descriptor)

    def place(self, name: str = "") -> str:
        """What a message calls it."""
        return _printable(os.path.join(self.root, self.path, _text(name)).removesuffix("/"))

    def scan(self) -> int | str:
        return self.descriptor

    def status(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def file(self, name: str) -> int:
        """A descriptor of a file in it."""
        return os.open(name, NOT_LINKS, dir_fd=self.descriptor)

    def now(self) -> os.stat_result:
        return os.fstat(self.descriptor)

    def close(self) -> None:
        if self.descriptor >= 0:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)

    def entries(self, reading: _Reading) -> Generator[_Entry, None, None]:
        path = self.path
        try:
            with os.scandir(self.scan()) as entries:
                for entry in entries:
                    reading.count += 1
                    if reading.count > limits.TREE_ENTRIES:  # F7
                        raise Refused(
                            f"more than {limits.TREE_ENTRIES} files and folders in"
                            f" {_printable(self.root)}"
                        )
                    if entry.is_symlink():
                        kind = stat.S_IFLNK
                    elif entry.is_file(follow_symlinks=False):
                        kind = stat.S_IFREG
                    elif entry.is_dir(follow_symlinks=False):
                        kind = stat.S_IFDIR
                    else:
                        kind = stat.S_IFMT(self.status(entry.name).st_mode)
                    yield entry.name, path + _text(entry.name), kind
        except FileNotFoundError:
            raise Changed(f"{self.place()} changed while it was read") from None
        except OSError as error:
            self.fail(error, self.place())

    def explain(self, name: str, error: OSError, wanted: int) -> NoReturn:
        """Why this name cannot be opened as what it was listed as."""
        place = self.place(name)
        try:
            kind = _kind(self.status(name))
        except OSError:
            kind = 0
        if kind not in (0, wanted):
            _refuse_kind(place, kind)
        if error.errno in _GONE:  # it was listed as what can be opened
            raise Changed(f"{place} changed while it was read") from error
        self.fail(error, place)

    def fail(self, error: OSError, place: str) -> NoReturn:
        error.filename = None  # relative to a descriptor: says nothing
        failed(error, place)


class _Named(_Folder):
    """A folder where there are no descriptors of folders (Windows): by its path, which is looked at
    before and after."""

    __slots__ = ("at",)

    at: str

    def _open(self, above: _Folder | None, name: str) -> None:
        if isinstance(above, _Named):
            self.at = os.path.join(above.at, name)
            self.before = os.lstat(self.at)
        else:
            self.at = os.path.realpath(self.root)
            self.before = os.stat(self.at)
        if _kind(self.before) != stat.S_IFDIR:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))

    def scan(self) -> int | str:
        return self.at

    def status(self, name: str) -> os.stat_result:
        return os.lstat(os.path.join(self.at, name))

    def file(self, name: str) -> int:
        place = os.path.join(self.at, name)
        before = os.lstat(place)
        if _kind(before) == stat.S_IFREG:
            descriptor = os.open(place, NOT_LINKS)
            if os.path.samestat(before, os.fstat(descriptor)):
                return descriptor
            os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))  # `explain` looks what it is now

    def now(self) -> os.stat_result:
        return os.lstat(self.at)


def _kind(status: os.stat_result) -> int:
    """S_IFMT of what is there; a junction of Windows is a link too."""
    if getattr(status, "st_reparse_tag", 0) & 0x20000000:  # it stands for another name
        return stat.S_IFLNK
    return stat.S_IFMT(status.st_mode)


# --- reading -------------------------------------------------------------------------------------


class _Tally:
    """What one thread did."""

    __slots__ = ("buffer", "bytes", "found", "view")

    def __init__(self) -> None:
        self.buffer = bytearray(_BLOCK)
        self.view = memoryview(self.buffer)
        self.bytes = 0
        self.found: list[tuple[str, str]] = []


class _Reading:
    """One walk: the calling thread lists, and hashes when it is far enough ahead; the others hash.

    `choose` lists a folder: the names of files to be hashed, and of folders to be listed.
    `watched` folders must not change (F4).
    """

    def __init__(
        self,
        root: Path | str,
        choose: Callable[[_Folder, Iterable[_Entry]], tuple[list[str], list[str]]],
        progress: Progress | None,
        threads: int | None,
        *,
        watched: bool,
    ) -> None:
        self.count = 0
        self._root = os.fspath(root)
        self._choose = choose
        self._progress = progress
        self._threads = _processors() if threads is None else threads
        self._watched = watched
        self._make = _Folder if _DESCRIPTORS else _Named
        self._open: set[_Folder] = set()
        self._jobs: SimpleQueue[tuple[_Folder, str] | None] = SimpleQueue()
        self._tallies: list[_Tally] = []
        self._others: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []
        self._size = 0  # of large files
        self._told = time.monotonic()

    def run(self) -> list[tuple[str, str]]:
        """Path and sha256 of every file that was chosen, in any order."""
        own = self._tally()
        try:
            self._walk(own)
            self._end(tell=True)
        except BaseException as error:
            self._failures.append(error)
            if not isinstance(error, Exception):  # Ctrl-C
                raise
        finally:
            self._end(tell=False)
            for each in self._open:
                each.close()
        if self._failures:  # the others are of threads that were stopped by the first
            raise self._failures[0]
        if self._progress is not None:
            self._progress(*self._done())
        return [each for tally in self._tallies for each in tally.found]

    def _walk(self, own: _Tally) -> None:
        waiting: list[tuple[_Folder | None, str]] = [(None, "")]
        jobs = self._jobs
        while not self._failures:
            self._tell()
            few = len(self._open) < _FOLDERS_AHEAD and jobs.qsize() < _FILES_AHEAD
            if waiting and (few or jobs.empty()):
                self._list(waiting)
                continue
            if not self._others and jobs.qsize() > 1:
                self._start()
            try:
                job = jobs.get_nowait()
            except Empty:  # another thread was faster
                if waiting:
                    continue
                return
            if job is not None:
                self._hash(*job, own)

    def _list(self, waiting: list[tuple[_Folder | None, str]]) -> None:
        above, name = waiting.pop()
        folder = self._make(self._root, above, name)
        with self._lock:
            self._open.add(folder)
        if above is not None:
            self._release(above)
        with closing(folder.entries(self)) as entries:  # refused or not
            files, folders = self._choose(folder, entries)
        if folders and folder.depth >= limits.TREE_DEPTH:  # F7
            place = folder.place(folders[0])
            raise Refused(f"{told(place)}: deeper than {limits.TREE_DEPTH} folders")
        folder.pending += len(files) + len(folders)
        waiting += [(folder, each) for each in folders]
        for each in files:
            self._jobs.put((folder, each))
        self._release(folder)

    def _release(self, folder: _Folder) -> None:
        with self._lock:
            folder.pending -= 1
            if folder.pending:
                return
            self._open.discard(folder)
        try:
            before, now = folder.before, folder.now()
        except OSError as error:
            raise Changed(f"{folder.place()} changed while it was read") from error
        finally:
            folder.close()
        if not os.path.samestat(before, now) or (self._watched and _changed(before, now)):  # F4
            raise Changed(f"{folder.place()} changed while it was read")

    def _hash(self, folder: _Folder, name: str, tally: _Tally) -> None:
        try:
            descriptor = folder.file(name)
        except OSError as error:
            folder.explain(name, error, stat.S_IFREG)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):  # F2
                _refuse_kind(folder.place(name), stat.S_IFMT(before.st_mode))
            size = before.st_size
            read = _read(descriptor, tally.buffer)
            if read == size < _BLOCK:
                digest = hashlib.sha256(tally.view[:read]).hexdigest()
                tally.bytes += read
            else:
                digest = self._rest(descriptor, read, size, tally)
            if _changed(before, os.fstat(descriptor)) or not digest:  # F3
                raise Changed(f"{folder.place(name)} changed while it was read")
        except OSError as error:
            folder.fail(error, folder.place(name))
        finally:
            os.close(descriptor)
        tally.found.append((folder.path + _text(name), digest))
        self._release(folder)

    def _rest(self, descriptor: int, read: int, size: int, tally: _Tally) -> str:
        """The digest of a file whose first block was read; "" if its length is not `size`."""
        with self._lock:
            self._size += size
            whole = self._size
        if whole > limits.TREE_BYTES:  # F7: holes cost nothing to make
            raise Refused(f"more than {limits.TREE_BYTES >> 30} GiB in {_printable(self._root)}")
        digest = hashlib.sha256()
        view = tally.view
        left = size
        while 0 < read <= left and not self._failures:
            digest.update(view[:read])
            tally.bytes += read
            left -= read
            if tally is self._tallies[0]:
                self._tell()
            read = _read(descriptor, tally.buffer)
        return "" if read or left else digest.hexdigest()

    # --- threads ---

    def _tally(self) -> _Tally:
        made = _Tally()
        self._tallies.append(made)
        return made

    def _start(self) -> None:
        for _ in range(min(self._threads, _MOST_THREADS) - 1):
            thread = threading.Thread(target=self._work, args=(self._tally(),), name="sig-tree")
            try:
                thread.start()
            except RuntimeError:  # no room for another; the caller does the work
                return
            self._others.append(thread)

    def _work(self, tally: _Tally) -> None:
        while not self._failures and (job := self._jobs.get()) is not None:
            try:
                self._hash(*job, tally)
            except BaseException as error:
                self._failures.append(error)

    def _end(self, *, tell: bool) -> None:
        for _ in self._others:
            self._jobs.put(None)
        for each in self._others:
            while each.is_alive():
                each.join(_EVERY)
                if tell:
                    self._tell()

    def _done(self) -> tuple[int, int]:
        return sum(each.bytes for each in self._tallies), sum(
            len(each.found) for each in self._tallies
        )

    def _tell(self) -> None:
        if self._progress is not None and time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self._progress(*self._done())


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    # The time of a change cannot be put back as that of the bytes can; on Windows there is none.
    return (
        before.st_mtime_ns != after.st_mtime_ns
        or before.st_ctime_ns != after.st_ctime_ns
        or before.st_size != after.st_size
    )


def _read(descriptor: int, buffer: bytearray) -> int:
    if sys.platform != "win32":
        return os.readv(descriptor, [buffer])
    found = os.read(descriptor, len(buffer))
    buffer[: len(found)] = found
    return len(found)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- names and kinds -----------------------------------------------------------------------------


def _text(name: str) -> str:
    """A name as UTF-8 has it, whatever the system's encoding; what is not UTF-8 are surrogates."""
    if sys.getfilesystemencoding() == "utf-8":
        return name
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    """The same with ``\\xff`` for bytes that are not UTF-8."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # Windows: half a character
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _check_path(path: str, place: str) -> None:
    try:
        length = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        raise FormatError(f"the name of {place} is not UTF-8") from None  # F6
    if length > limits.PATH:  # F7
        raise FormatError(f"{told(place)}: a path longer than {limits.PATH} bytes")


def _refuse_kind(place: str, kind: int) -> NoReturn:
    if kind in (stat.S_IFREG, stat.S_IFDIR):  # fine, but not what was listed
        raise Changed(f"{place} changed while it was read")
    what = _KINDS.get(kind, "no regular file")
    raise Refused(f"{place} is {what}; a tree holds regular files and folders only")
