"""The folder on disk (``~/.signet``), as its readers and its one writer have it.

Here: reading through an unfinished commit, one state for several reads, the lock, and the
folder's version. Not here: what the files mean, and, in rooms of their own, how files lie on the
`disk` (H1, H2, H8) and how they change together, the `journal` (H5, H6, H7).

H3  A reader writes nothing and takes no lock.
H4  One process writes at a time.
H9  The folder of a newer version is neither read nor touched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sig.errors import StoreError
from sig.repo import disk
from sig.repo.journal import GENERATION, PENDING, VERSION, Journal, Unfinished

LIMIT = 64 * 1024 * 1024  # a whole file in memory, unless the caller says otherwise
WAIT = 10.0  # seconds for the lock

_LOCK = "lock"
_VERSION = "version"
_OWN = frozenset({PENDING, GENERATION, _LOCK})
_RETRIES = 100

_T = TypeVar("_T")


class Home:
    """The folder at `path`, which need not exist.

    Reading needs nothing. To write: ``with home.writing(): … home.commit({name: bytes})``.
    Names are relative and have ``/`` between their parts on every system. Raises StoreError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = disk.Folder(os.path.abspath(path))
        self._journal = Journal(self._folder)
        self._writing = False
        self._read_version: tuple[int, ...] = ()  # the file that was of this version
        # While `consistent` runs, which looks again at the end: not asked for at every file.
        self._known: Unfinished | None = None

    @property
    def exists(self) -> bool:
        """Whether the folder is there. Raises StoreError if that cannot be told, and for H2."""
        return self._folder.reaches(_VERSION)

    # --- reading -------------------------------------------------------------------------------

    def read(self, name: str, limit: int = LIMIT) -> bytes | None:
        """The bytes of one file, None if it is missing.

        Raises StoreError for what H2 refuses, what is larger than `limit`, and what cannot be read.
        """
        disk.check_name(name)
        temporary = self._unfinished().changes.get(name, "")
        if temporary is None:
            return None
        if temporary:
            data = self._folder.read(temporary, limit)
            if data is not None:
                return data
            # A writer has put it in place since.
        return self._folder.read(name, limit)

    def after(self, changes: Mapping[str, bytes | None]) -> Callable[[str, int], bytes | None]:
        """`read`, as it will be once these changes are committed."""

        def read(name: str, limit: int = LIMIT) -> bytes | None:
            return changes[name] if name in changes else self.read(name, limit)

        return read

    def part(self, name: str, offset: int, length: int) -> bytes | None:
        """So many bytes of a file that was `put`, or less where it ends before; None if it is
        missing. Raises StoreError for what H2 refuses, and what cannot be read.
        """
        disk.check_name(name)
        return self._folder.part(name, offset, length)

    def stat(self, name: str) -> str | None:
        """A stamp that changes whenever the file does, None if it is missing.

        Taken without opening the file; the same before and after a commit is put in place.
        """
        disk.check_name(name)
        temporary = self._unfinished().changes.get(name, "")
        if temporary is None:
            return None
        if temporary:
            stamp = self._folder.stamp(temporary)
            if stamp is not None:
                return stamp
        return self._folder.stamp(name)

    def length(self, name: str) -> int | None:
        """How many bytes a file has, None if it is missing."""
        stamp = self.stat(name)
        return None if stamp is None else int(stamp.partition("-")[0])

    def names(self, directory: str) -> list[str]:
        """What is directly in a sub-folder (or ``""``), sorted; [] if there is no such folder.

        A folder with no file in it does not count, nor do the lock and temporary files.
        """
        start = len(directory) + 1 if directory else 0
        return sorted({name[start:].partition("/")[0] for name in self.tree(directory)})

    def tree(self, directory: str) -> list[str]:
        """The full names of all files below a sub-folder (or ``""``), sorted."""
        if directory:
            disk.check_name(directory)
        changes = self._unfinished().changes
        prefix = f"{directory}/" if directory else ""
        files = self._folder.files(directory, _OWN)
        found = {name for name in files if changes.get(name, "") is not None}
        found.update(
            name
            for name, temporary in changes.items()
            if temporary is not None and name.startswith(prefix)
        )
        return sorted(found - _OWN)

    def generation(self) -> str:
        """Changes at every commit and at no other time; ``""`` before the first (H7)."""
        return self._unfinished().generation or self._journal.generation()

    def last_commit(self) -> str:
        """Names the last commit; ``""`` before the first. The same in a copy of the folder."""
        return self._unfinished().generation or self._journal.last()

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
        raise StoreError(f"another sig keeps writing to {self._folder.root}")

    def _with_known(self, function: Callable[[], _T]) -> _T:
        self._known = self._unfinished()
        self._folder.seen = set()
        try:
            return function()
        finally:
            self._known = self._folder.seen = None

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
        self._writing, self._journal.committed = True, False
        try:
            self._readable()
            try:
                self._journal.tidy()
            except OSError as error:
                disk.failed(error, self._folder.root)
            yield
        finally:
            self._writing = False
            if made and not self._journal.committed:
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
            disk.check_name(name)
            if name.partition("/")[0] in {*_OWN, _VERSION}:
                raise AssertionError(f"{name} is the folder's own")
            above = name
            while above := above.rpartition("/")[0]:
                if above in changes:
                    raise AssertionError(f"{above} cannot be a file and a folder")
        try:
            self._readable()
            self._journal.tidy()
            wanted = {
                name: data
                for name, data in changes.items()
                if data is not None or self._folder.stamp(name) is not None
            }
            if not wanted:
                return
            if self._folder.stamp(_VERSION) is None:
                wanted[_VERSION] = b"%d\n" % VERSION
            self._journal.commit(wanted)
        except OSError as error:
            disk.failed(error, self._folder.root)

    def put(self, name: str, parts: Iterable[bytes]) -> None:
        """Puts a file in place that follows from the others: whole, durable, and no commit.

        Only within `writing()`, and after the commit that it follows from.
        """
        if not self._writing:
            raise AssertionError("put() outside of writing()")
        disk.check_name(name)
        temporary = self._folder.place(f"{PENDING}/put")
        try:
            self._folder.stamp(name)  # what H2 refuses is not replaced either
            disk.make_folders(os.path.dirname(temporary))
            try:
                disk.write(temporary, parts)
                disk.replace(temporary, self._folder.place(name))
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            disk.flush_folder(self._folder.root)
        except OSError as error:
            disk.failed(error, self._folder.root)

    def drop(self, prefix: str, but: str | None = None) -> None:
        """Removes files that were `put` directly in the folder and begin like this, but one."""
        if not self._writing:
            raise AssertionError("drop() outside of writing()")
        with suppress(OSError):
            for name in os.listdir(self._folder.root):
                if name.startswith(prefix) and name != but:
                    os.unlink(self._folder.place(name))

    def removal(self, directory: str) -> dict[str, bytes | None]:
        """The changes that remove a sub-folder; to be committed, alone or with others."""
        return dict.fromkeys(self.tree(directory))

    def move(self, old: str, new: str) -> dict[str, bytes | None]:
        """The changes that rename a sub-folder; to be committed, alone or with others."""
        disk.check_name(new)
        changes = self.removal(old)
        for name in list(changes):
            changes[new + name[len(old) :]] = self.read(name, sys.maxsize)
        return changes

    # --- what is there ---------------------------------------------------------------------------

    def _readable(self) -> None:
        """H9."""
        status = self._folder.status(_VERSION)
        if status is None:
            return  # of 2016, or no folder
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)
        if seen == self._read_version:
            return
        if self._folder.reaches(_VERSION):
            data = self._folder.read(_VERSION, 64)
            if data is not None and data != b"%d\n" % VERSION:
                digits = data.strip()
                if digits.isdigit() and int(digits) > VERSION:
                    disk.newer(self._folder.root)
                disk.damaged(self._folder.place(_VERSION))
            self._read_version = seen

    def _unfinished(self) -> Unfinished:
        if self._known is not None:
            return self._known
        self._readable()
        return self._journal.unfinished()

    # --- the lock --------------------------------------------------------------------------------

    def _acquire(self, timeout: float) -> tuple[Callable[[], None], list[str]]:
        from filelock import FileLock, Timeout  # 12 ms that no reader needs

        root = self._folder.root
        made: list[str] = []
        for attempt in range(_RETRIES):
            try:
                made += disk.make_folders(root)
                self._folder.reaches(_LOCK)
                lock = FileLock(os.path.join(root, _LOCK), timeout=timeout, mode=0o600)
                lock.acquire()
                # Another process may have removed the folder it made, and the lock made it again,
                # with the umask's mode.
                if os.listdir(root) == [_LOCK]:
                    os.chmod(root, 0o700)
                return lock.release, made
            except Timeout as error:
                raise StoreError(
                    f"another sig is writing to {root}", hint="try again when it is done"
                ) from error
            except FileNotFoundError as error:
                # The process that made the folder had nothing to write, and removed it.
                if attempt == _RETRIES - 1:
                    disk.failed(error, root)
            except OSError as error:
                disk.failed(error, root)
        raise AssertionError

    def _unmake(self, made: list[str]) -> None:
        with suppress(OSError):
            os.rmdir(self._folder.place(PENDING))
        # Only if nothing else is in there: the folder must not stay without its lock.
        with suppress(OSError):
            if os.listdir(self._folder.root) == [_LOCK]:
                os.unlink(self._folder.place(_LOCK))
                for folder in reversed(made):
                    os.rmdir(folder)
