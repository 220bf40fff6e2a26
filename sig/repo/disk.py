"""Files as they lie on the disk, below one folder.

Here: names, bytes and stamps, which files are refused, how a file gets on the disk, and the
words for what a disk does not do. Not here: which of the files count (`journal`), and who may
write them (`home`).

H1  A name cannot leave the folder.
H2  What is read is a regular file of the user's own (or root's) that nobody else may write, below
    folders of the same kind. A link is refused; only the folder itself may be reached by one.
H8  Files are 0600 and folders 0700, whatever the umask says.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NoReturn

from sig.errors import StoreError

_RETRIES = 100

# On some systems these do not exist; neither does there what they are against.
OPEN = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO in place of a file must not hang the reader
    | getattr(os, "O_NOCTTY", 0)  # nor a terminal become ours
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_BINARY", 0)
)
"""How a file of anybody is opened to be read."""
NOT_LINKS = OPEN | getattr(os, "O_NOFOLLOW", 0)
"""The same, where a link is none."""
_WRITE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def opener(name: str, flags: int) -> int:
    """`OPEN`, for the `open` of Python."""
    return os.open(name, OPEN)


class Folder:
    """The files below `root`, which need not exist. Raises StoreError for H2."""

    def __init__(self, root: str) -> None:
        self.root = root
        # While it is a set: the folders that were looked at, and are not again.
        self.seen: set[str] | None = None

    def place(self, name: str) -> str:
        return os.path.join(self.root, *name.split("/"))

    def reaches(self, name: str) -> bool:
        """Whether the folder of `name` is there; StoreError if it or one above is refused (H2)."""
        seen = self.seen
        try:
            # Followed, so that the folder may be a link; its target is what is looked at.
            if seen is None or self.root not in seen:
                _refuse(os.stat(self.root), self.root, folder=True)
            place = self.root
            for part in name.split("/")[:-1]:
                place = os.path.join(place, part)
                if seen is None or place not in seen:
                    _refuse(os.lstat(place), place, folder=True)
                    if seen is not None:
                        seen.add(place)
            if seen is not None:
                seen.add(self.root)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(self.root) and not os.path.exists(self.root):
                # Perhaps a disk that is not there: that is not the same as knowing nothing.
                hint = f"ls -ld {_quote(self.root)}"
                raise StoreError(f"{self.root} is a link to nothing", hint=hint) from None
            return False
        except OSError as error:
            failed(error, self.root)
        return True

    def read(self, name: str, limit: int) -> bytes | None:
        """None if it is missing; StoreError if it is larger than `limit`, or cannot be read."""
        place = self.place(name)

        def whole(descriptor: int, size: int) -> bytes:
            if size > limit:
                _too_large(place, limit)
            raw = _bytes(descriptor, limit + 1)
            if len(raw) > limit:
                _too_large(place, limit)
            return raw

        return self._opened(name, whole)

    def part(self, name: str, offset: int, length: int) -> bytes | None:
        """So many bytes from there on, or less where it ends before; None if it is missing."""

        def some(descriptor: int, size: int) -> bytes:
            os.lseek(descriptor, min(offset, size), os.SEEK_SET)
            return _bytes(descriptor, length)

        return self._opened(name, some)

    def _opened(self, name: str, read: Callable[[int, int], bytes]) -> bytes | None:
        """What is read of a file by its descriptor and size (H2), None if it is missing."""
        if not self.reaches(name):
            return None
        place = self.place(name)
        try:
            descriptor = os.open(place, NOT_LINKS)
            try:
                status = os.fstat(descriptor)
                _refuse(status, place, folder=False)
                return read(descriptor, status.st_size)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            return None
        except OSError as error:
            failed(error, place)

    def status(self, name: str) -> os.stat_result | None:
        """None if it is missing; whoever may not know whether it is gets StoreError."""
        place = self.place(name)
        try:
            return os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            failed(error, place)

    def stamp(self, name: str) -> str | None:
        """What changes whenever the file does, None if it is missing."""
        if not self.reaches(name) or (status := self.status(name)) is None:
            return None
        _refuse(status, self.place(name), folder=False)
        return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"

    def files(self, directory: str, skip: Collection[str] = ()) -> Iterator[str]:
        """The names of all files below a sub-folder (or ``""``), but of those below `skip`."""
        prefix = f"{directory}/" if directory else ""
        if not self.reaches(f"{prefix}x"):
            return
        place = self.place(directory) if directory else self.root
        try:
            with os.scandir(place) as entries:
                listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except FileNotFoundError:
            return
        except OSError as error:
            failed(error, place)
        for name, is_folder in listed:
            if not is_folder:
                yield prefix + name
            elif prefix + name not in skip:
                yield from self.files(prefix + name, skip)


def _bytes(descriptor: int, most: int) -> bytes:
    """What follows in a file, up to so many bytes."""
    chunks: list[bytes] = []
    while most and (chunk := os.read(descriptor, min(most, 1 << 20))):
        chunks.append(chunk)
        most -= len(chunk)
    return b"".join(chunks)


# --- what is refused -----------------------------------------------------------------------------


def is_name(name: str) -> bool:
    return (
        not any(part in ("", ".", "..") for part in name.split("/"))
        and name.isprintable()
        and "\\" not in name
        and ":" not in name  # on Windows a drive, or a stream behind a file
    )


def check_name(name: str) -> None:
    # H1: this program makes all names, so one that leaves the folder is an error in it.
    if not is_name(name):
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


def damaged(place: str) -> NoReturn:
    raise StoreError(f"{place} is damaged", hint="sig doctor")


def newer(root: str) -> NoReturn:
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


def failed(error: OSError, place: str) -> NoReturn:
    words = _WORDS.get(error.errno or 0)
    name = error.filename if isinstance(error.filename, str) else place
    if words is None:
        words = (os.strerror(error.errno).lower() if error.errno else "error") + " at {}"
    hint = f"ls -ld {_quote(name)}" if error.errno == errno.ELOOP else None
    raise StoreError(words.format(name), hint=hint) from error


# --- what is written -----------------------------------------------------------------------------


def write(place: str, parts: Iterable[bytes]) -> None:
    """A new file of these parts, flushed, 0600 (H8)."""
    descriptor = os.open(place, _WRITE, 0o600)
    try:
        if sys.platform != "win32":
            os.fchmod(descriptor, 0o600)
        for part in parts:
            left = memoryview(part)
            while left:
                left = left[os.write(descriptor, left) :]
        # The kernel's clock ticks in milliseconds: two commits within one would have one stamp.
        now = time.time_ns()
        os.utime(place, ns=(now, now))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(source: str, target: str) -> None:
    for _ in range(_RETRIES if sys.platform == "win32" else 0):
        try:
            os.replace(source, target)
            return
        except PermissionError:  # Windows: somebody reads it at this moment
            time.sleep(0.01)
    os.replace(source, target)


def make_folders(place: str) -> list[str]:
    """Makes a folder and those above it, 0700 (H8); which ones were made."""
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
        flush_folder(os.path.dirname(folder))
    return made


def flush_folder(place: str) -> None:
    if sys.platform == "win32":
        return  # folders cannot be flushed there, and need not be
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
