"""A wheel, zip or tar as a manifest: what is in it, member by member (docs/spec/manifest §7).

Here: one opening of one file, which kind of archive it is, archives in archives, and the digests.
Not here: how a zip (`zip`) or a tar (`tar`) is read, and what a path may be (`sig.model.manifest`).
Nothing is written to where an archive says, so nothing has to be undone.

A1  The kind is told by the content, never by the name. What is two kinds at once is refused.
A2  Members and digests are of the same bytes (U1). A file that changes meanwhile is refused.
A3  A folder that is listed is not in the manifest, but no file may stand in its place.
A4  With `deep`, an archive in the archive is listed by itself, and its members below ``NAME!/``. In
    such an archive no name of a folder ends in ``!``.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO, FileIO
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import Changed, FormatError, Refused
from sig.model import limits
from sig.model.manifest import Manifest, check_paths, told
from sig.repo import tar, zip
from sig.repo.disk import OPEN, failed
from sig.repo.unpacking import (
    TAIL,
    USUAL,
    Bounds,
    Budget,
    Seekable,
    Stream,
    blocks,
    decompressed,
    read_at,
)

if TYPE_CHECKING:
    from tempfile import SpooledTemporaryFile

_HEAD = tar.SIZE
_LINE = 67  # bytes of a line of a manifest besides the path
_IN_MEMORY = 8 * 1024 * 1024  # of an archive in an archive, before it goes to a temporary file

_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "a zstd",
    b"\x5d\0\0": "an lzma",
    b"\x04\x22\x4d\x18": "an lz4",
    b"\x1f\x9d": "a compress",
    b"7z\xbc\xaf\x27\x1c": "a 7z",
    b"Rar!": "a rar",
    b"!<arch>\n": "an ar",
    b"070701": "a cpio",
    b"MSCF": "a cabinet",
}


class Listed(NamedTuple):
    """An archive: the manifest of its members, and of the file itself digests in hex and length."""

    manifest: Manifest
    sha256: str
    sha512: str
    size: int


def members(
    archive: str | os.PathLike[str] | int,
    *,
    deep: bool = False,
    progress: Callable[[int], None] | None = None,
    bounds: Bounds = USUAL,
) -> Listed:
    """What is in a wheel, zip or tar, also one packed with gzip, bzip2 or xz.

    A descriptor is read from its start, and stays open. `progress` is called with the number of
    bytes so far. `deep` lists archives in it too (A4), and needs room for a temporary file.

    Raises FormatError, which names the member and not the archive, for what the specification
    refuses; Refused for what is not a regular file, Changed for one that changes meanwhile,
    StoreError for one that cannot be read.
    """
    place = f"descriptor {archive}" if isinstance(archive, int) else os.fspath(archive)
    try:
        if isinstance(archive, int):
            return _members(archive, place, deep, progress, bounds)
        descriptor = os.open(archive, OPEN)
        try:
            return _members(descriptor, place, deep, progress, bounds)
        finally:
            os.close(descriptor)
    except OSError as error:
        failed(error, place)


class Held(NamedTuple):
    """An archive as bytes in memory: what `members` tells of it, and every file in it."""

    listed: Listed
    files: Mapping[str, bytes]


# What is held in memory at once.
HELD = USUAL._replace(unpacked=1 << 30)


def held(data: bytes, *, bounds: Bounds = HELD) -> Held:
    """All that is in an archive, from one reading and with all checks of `members` (A1 to A3).

    Raises FormatError, which names the member and not the archive.
    """
    files: dict[str, bytes] = {}
    listing = _Listing(len(data), False, bounds, files)
    listing.add(BytesIO(data), len(data), "", 1)
    sha256, sha512 = hashlib.sha256(data).hexdigest(), hashlib.sha512(data).hexdigest()
    return Held(Listed(listing.manifest(), sha256, sha512, len(data)), files)


def _members(
    descriptor: int,
    place: str,
    deep: bool,
    progress: Callable[[int], None] | None,
    bounds: Bounds,
) -> Listed:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        raise Refused(f"{place} is not a regular file")
    sha256, sha512 = hashlib.sha256(), hashlib.sha512()
    done = 0

    def seen(block: memoryview) -> None:
        nonlocal done
        sha256.update(block)
        sha512.update(block)
        done += len(block)
        if progress is not None:
            progress(done)

    listing = _Listing(before.st_size, deep, bounds)
    with FileIO(descriptor, closefd=False) as file:
        try:
            listing.add(file, before.st_size, "", 1, seen)
            manifest = listing.manifest()
        except (FormatError, Changed) as error:
            # Half of the old and half of the new look damaged.
            if isinstance(error, Changed) or _changed(before, os.fstat(descriptor)):
                raise Changed(f"{place} changed while it was read") from error
            raise
    if done != before.st_size or _changed(before, os.fstat(descriptor)):  # A2
        raise Changed(f"{place} changed while it was read")
    return Listed(manifest, sha256.hexdigest(), sha512.hexdigest(), done)


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


class _Listing:
    """What was found so far, in the archive and in those that are in it."""

    def __init__(
        self, size: int, deep: bool, bounds: Bounds, keep: dict[str, bytes] | None = None
    ) -> None:
        self._deep = deep
        self._keep = keep
        self._bounds = bounds
        self._budget = Budget(size, bounds)
        self._files: dict[str, str] = {}
        self._room = limits.MANIFEST
        self._folders: set[str] = set()

    def manifest(self) -> Manifest:
        """Of all files. Raises FormatError if they cannot lie beside each other (A3)."""
        if self._folders:
            check_paths(self._files, self._folders)
        return Manifest(self._files)

    def add(
        self,
        file: Seekable,
        size: int,
        prefix: str,
        depth: int,
        seen: Callable[[memoryview], object] = lambda block: None,
    ) -> None:
        """All members of one archive of `size` bytes, each below `prefix`."""
        head = read_at(file, 0, min(size, _HEAD))
        kind = _kind(head)
        ends = _Ends(size, seen)
        stream = Stream(blocks(file, size, ends.seen))
        if kind == "zip":
            found = zip.members(stream, zip.ending(file, size, self._budget))
        elif kind == "tar":
            found = tar.members(stream, self._budget)
        else:
            found = _packed(stream, kind, self._budget)
        for path, folder, content in found:
            if self._deep and ("!/" in path or (folder and path.endswith("!"))):
                raise FormatError(f"{told(path)}: the name of a folder ends in !")  # A4
            whole = prefix + path
            if whole in self._files or whole in self._folders:
                raise FormatError(f"{told(path)}: is in it twice")
            # Not when all are there: eighty thousand long names come in some megabytes of gzip.
            self._room -= len(whole.encode("utf-8", "surrogatepass")) + _LINE
            if self._room < 0:
                raise FormatError(
                    f"the list of its files is larger than {limits.MANIFEST >> 20} MiB"
                )
            try:
                if folder:
                    for _ in content:
                        raise FormatError("a folder with content")
                    self._folders.add(whole)
                elif self._deep:
                    self._file_and_more(whole, content, depth)
                elif self._keep is not None:
                    self._keep[whole] = b"".join(bytes(chunk) for chunk in content)
                    self._files[whole] = hashlib.sha256(self._keep[whole]).hexdigest()
                else:
                    self._files[whole] = _digest(content)
            except FormatError as error:
                raise FormatError(f"{told(path)}: {error.message}") from None
        ends.check(head, kind)

    def _file_and_more(self, path: str, content: Iterator[memoryview], depth: int) -> None:
        """A4: the digest of a member, and its members if it is an archive."""
        with _Spool(self._bounds.nested_size) as spool:
            self._files[path] = _digest(spool.watched(content))
            archive = spool.archive()
            if archive is None:
                return
            if depth >= self._bounds.nested:
                raise FormatError(f"more than {self._bounds.nested} archives within each other")
            self.add(archive, spool.size, path + "!/", depth + 1)


def _digest(content: Iterable[memoryview]) -> str:
    digest = hashlib.sha256()
    for chunk in content:
        digest.update(chunk)
    return digest.hexdigest()


# --- kinds ---------------------------------------------------------------------------------------


def _kind(head: bytes) -> str:
    """A1."""
    if head.startswith((b"PK\3\4", b"PK\5\6", b"#!")):
        if tar.starts_one(head):
            raise FormatError("is a zip and a tar at once")
        return "zip"
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            return name
    if tar.starts_one(head):
        return "tar"
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise FormatError(f"is {name} file; only zip and tar are read, with gzip, bzip2 or xz")
    raise FormatError("is neither a zip nor a tar")


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether a file looks like one that is to be listed member by member.

    Only a look: `members` says whether it is one. A script is none, though a zipapp starts like
    one, nor is something else that is packed. Raises OSError where it cannot be read.
    """
    descriptor = os.open(path, OPEN)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return False
        with FileIO(descriptor, closefd=False) as file:
            return _looks_like_one(file, status.st_size)
    finally:
        os.close(descriptor)


def _looks_like_one(file: Seekable, size: int) -> bool:
    head = read_at(file, 0, min(size, _HEAD))
    if head.startswith(b"#!"):
        return zip.ends_like_one(read_at(file, max(0, size - TAIL), min(size, TAIL)))
    for magic, kind in _COMPRESSED.items():
        if head.startswith(magic):
            packed = Stream(blocks(file, size, lambda block: None))
            try:
                return tar.starts_one(Stream(decompressed(packed, kind)).peek(_HEAD))
            except FormatError:
                return False
    return head.startswith((b"PK\3\4", b"PK\5\6")) or tar.starts_one(head)


def _packed(
    stream: Stream, kind: str, budget: Budget
) -> Iterator[tuple[str, bool, Iterator[memoryview]]]:
    inside = Stream(decompressed(stream, kind))
    if not tar.starts_one(inside.peek(_HEAD)):
        raise FormatError(f"is a {kind} file, and there is no tar in it")
    return tar.members(inside, budget)


class _Ends:
    """The first and the last bytes of an archive, as they were read with all others (A1)."""

    def __init__(self, size: int, seen: Callable[[memoryview], object]) -> None:
        self._seen = seen
        self._tail_at = max(0, size - TAIL)
        self._at = 0
        self._head = b""
        self._tail = b""

    def seen(self, block: memoryview) -> None:
        if not self._at:
            self._head = block[:_HEAD].tobytes()
        if self._at + len(block) > self._tail_at:
            self._tail += block[max(0, self._tail_at - self._at) :]
        self._at += len(block)
        self._seen(block)

    def check(self, head: bytes, kind: str) -> None:
        """Raises Changed if it did not start with `head`, FormatError if it ends like a zip too."""
        if not self._head.startswith(head[: len(self._head)]):
            raise Changed("changed while it was read")
        if kind != "zip" and zip.ends_like_one(self._tail):
            raise FormatError(f"is a {kind} and a zip at once")


# --- archives in archives ------------------------------------------------------------------------


class _Spool:
    """A member that may be an archive, as a file; nothing is kept of others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = 0
        self.file: SpooledTemporaryFile[bytes] | None = None

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()

    def watched(self, content: Iterable[memoryview]) -> Iterator[memoryview]:
        """The same, while it is looked at and perhaps kept."""
        head: bytearray | None = bytearray()
        for chunk in content:
            if head is None:
                self._keep(chunk)
            else:
                head += chunk
                if len(head) >= _HEAD:
                    self._begin(head)
                    head = None
            yield chunk
        if head:
            self._begin(head)

    def _begin(self, head: bytearray) -> None:
        magics = (b"PK\3\4", b"#!", *_COMPRESSED)
        if head.startswith(magics) or tar.starts_one(bytes(head[:_HEAD])):
            import tempfile

            self.file = tempfile.SpooledTemporaryFile(_IN_MEMORY)
            self._keep(head)

    def _keep(self, chunk: memoryview | bytearray) -> None:
        if self.file is None:
            return
        self.size += len(chunk)
        if self.size > self._most:
            raise FormatError(f"an archive larger than {self._most} bytes")
        try:
            self.file.write(chunk)
        except OSError as error:
            import tempfile

            failed(error, tempfile.gettempdir())

    def archive(self) -> Seekable | None:
        """The file, if it is an archive."""
        if self.file is None or not _looks_like_one(self.file, self.size):
            return None
        return self.file
