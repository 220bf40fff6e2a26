"""The members of a zip, of which all readers read the same (docs/spec/manifest §8).

A zip says everything twice, before each member and in the directory at its end, and readers differ
in what they believe. What differs is refused, so that it does not matter.

Z1  The end is the last of the file, and there is one. All numbers in it fit each other.
Z2  Members lie one behind the other, without overlap and without a byte between them, from the
    start of the file, or from the end of one ``#!`` line, up to the directory.
Z3  The local header says what the directory says: name, flags, method, checksum, sizes. So does
    what stands behind a member whose sizes were not known before it.
Z4  Stored or deflated, not encrypted, not spread over disks.
Z5  A name is UTF-8 and says so, or ASCII, and no second name is beside it.
Z6  A member is a file, or a folder, which has a ``/`` at the end of its name and no content.
Z7  Content is of the size and has the checksum that is said of it.
Z8  The directory is the one that was read before (U1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from sig.errors import Changed, FormatError
from sig.model import limits
from sig.model.manifest import check_paths, told
from sig.repo.unpacking import TAIL, Budget, Seekable, Stream, inflated, read_at

_END = Struct("<4s4H2LH")
_END64_LOCATOR = Struct("<4sLQL")
_END64 = Struct("<4sQ2H2L4Q")
_DIRECTORY = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_MANY = 0xFFFF
_LARGE = 0xFFFFFFFF

_NEWEST = 46  # of the format, 4.6: what says more some leave out, and unpack the rest
_ENCRYPTED, _DESCRIPTOR, _PATCH, _STRONG, _UTF8, _MASKED = (
    1,
    1 << 3,
    1 << 5,
    1 << 6,
    1 << 11,
    1 << 13,
)
_FLAGS = _DESCRIPTOR | _UTF8 | 0b110  # two bits tell how hard the writer tried

_STORED, _DEFLATED = 0, 8
_METHODS = {
    1: "shrink", 6: "implode", 9: "deflate64", 10: "implode", 12: "bzip2", 14: "lzma", 18: "terse",
    19: "lz77", 20: "zstd", 93: "zstd", 94: "mp3", 95: "xz", 96: "jpeg", 97: "wavpack", 98: "ppmd",
    99: "encryption",
}  # fmt: skip

_KINDS = {
    0o120000: "a symbolic link",
    0o010000: "a FIFO",
    0o140000: "a socket",
    0o020000: "a device",
    0o060000: "a device",
}
_FOLDER, _FILE = 0o040000, 0o100000
_DOS_FOLDER = 0x10

_ZIP64, _UNICODE_NAME, _AES, _ENCRYPTION = 0x0001, 0x7075, 0x9901, 0x0017


class Member(NamedTuple):
    """What the directory says of a file or folder."""

    path: str
    folder: bool
    raw: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    offset: int


class Ending(NamedTuple):
    """What is read first: the directory and all behind it, and where it starts."""

    start: int
    raw: bytes
    members: list[Member]


def ends_like_one(tail: bytes) -> bool:
    """Whether a file that ends in these bytes is a zip for some reader, whatever it starts with."""
    return any(True for _ in _ends(tail))


def _ends(tail: bytes) -> Iterator[int]:
    at = tail.find(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            comment = tail[at + 20] | tail[at + 21] << 8
            if at + _END.size + comment == len(tail):
                yield at
        at = tail.find(b"PK\5\6", at + 1)


# --- the directory -------------------------------------------------------------------------------


def ending(file: Seekable, size: int, budget: Budget) -> Ending:
    """The directory of a zip of `size` bytes (Z1 to Z6). Raises FormatError."""
    tail = read_at(file, max(0, size - TAIL), min(size, TAIL))
    at = _one_end(tail)
    count, length, start, records = _numbers(tail, at, size)
    if length > limits.DIRECTORY:
        raise FormatError(f"its directory is larger than {limits.DIRECTORY >> 20} MiB")
    if start + length != records:
        # Readers that count from somewhere else would find another directory.
        raise FormatError("its directory is not where its end says")
    budget.members(count)
    raw = read_at(file, start, size - start)
    if not (tail.endswith(raw) or raw.endswith(tail)):
        raise Changed("changed while it was read")
    members = list(_directory(raw[:length], count))
    files = [member.path for member in members if not member.folder]
    folders = [member.path for member in members if member.folder]
    for paths in (files, folders):
        if len(set(paths)) != len(paths):
            _refuse_twice(paths)
    check_paths(files, folders)
    budget.bytes(sum(member.size for member in members))
    return Ending(start, raw, members)


def _refuse_twice(paths: Iterable[str]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise FormatError(f"{told(path)}: is in it twice")
        seen.add(path)


def _one_end(tail: bytes) -> int:
    """Where the end starts (Z1): one that fits, and nothing behind it that looks like one."""
    found = list(_ends(tail))
    if not found:
        raise FormatError("has no end of a zip, or bytes after it")
    if tail.rfind(b"PK\5\6") != found[0]:
        raise FormatError("has a second end of a zip in its comment")
    return found[0]


def _numbers(tail: bytes, at: int, size: int) -> tuple[int, int, int, int]:
    """How many members, how long the directory, where it starts, and where it ends (Z1)."""
    _, disk, first, here, count, length, start, _ = _END.unpack_from(tail, at)
    end = size - len(tail) + at
    if tail[max(0, at - _END64_LOCATOR.size) : at].startswith(b"PK\6\7"):
        _, other, where, disks = _END64_LOCATOR.unpack_from(tail, at - _END64_LOCATOR.size)
        end -= _END64_LOCATOR.size + _END64.size
        at -= _END64_LOCATOR.size + _END64.size
        if other or disks > 1 or where != end:  # so `at` is not negative
            raise FormatError("its end and its zip64 end do not fit")
        record = _END64.unpack_from(tail, at)
        if record[:2] != (b"PK\6\6", _END64.size - 12) or record[4:6] != (0, 0):
            raise FormatError("its end and its zip64 end do not fit")
        for small, large, most in zip(
            (here, count, length, start), record[6:], (_MANY, _MANY, _LARGE, _LARGE), strict=True
        ):
            if small not in (large, most):
                raise FormatError("its end and its zip64 end do not fit")
        here, count, length, start = record[6:]
    if disk not in (0, _MANY) or first not in (0, _MANY) or here != count:
        raise FormatError("is spread over several disks")
    return count, length, start, end


def _directory(raw: bytes, count: int) -> Iterator[Member]:
    at = 0
    for _ in range(count):
        if raw[at : at + 4] != b"PK\1\2" or at + _DIRECTORY.size > len(raw):
            raise FormatError("its directory has fewer members than its end says")
        (
            _, _, version, flags, method, _, _, checksum, packed, size,
            name, extra, comment, disk, _, attributes, offset,
        ) = _DIRECTORY.unpack_from(raw, at)  # fmt: skip
        at += _DIRECTORY.size
        whole = at + name + extra + comment
        if whole > len(raw):
            raise FormatError("its directory has fewer members than its end says")
        yield _member(
            raw[at : at + name], raw[at + name : at + name + extra],
            version, flags, method, checksum, packed, size, disk, attributes, offset,
        )  # fmt: skip
        at = whole
    if at != len(raw):
        raise FormatError("its directory has more members than its end says")


def _member(
    raw: bytes, extra: bytes, version: int, flags: int, method: int, checksum: int, packed: int,
    size: int, disk: int, attributes: int, offset: int,
) -> Member:  # fmt: skip
    name = _name(raw, flags)
    path = name.removesuffix("/")
    folder = path != name
    try:
        _check_flags(version, flags, method)
        if extra or _LARGE in (size, packed, offset) or disk:
            fields = _fields(extra, raw)
            large = fields.get(_ZIP64, b"")
            numbers = []
            for number, most, digits in (
                (size, _LARGE, 8), (packed, _LARGE, 8), (offset, _LARGE, 8), (disk, _MANY, 4),
            ):  # fmt: skip
                if number == most:
                    if len(large) < digits:
                        raise FormatError("its zip64 numbers are missing")
                    number, large = int.from_bytes(large[:digits], "little"), large[digits:]
                numbers.append(number)
            if large:
                raise FormatError("has zip64 numbers that stand for nothing")
            size, packed, offset, disk = numbers
        if disk:
            raise FormatError("lies on another disk")
        kind = attributes >> 16 & 0o170000
        if kind in _KINDS:  # whatever system the directory says that it is from
            raise FormatError(_KINDS[kind])
        if kind not in (0, _FOLDER if folder else _FILE) or (
            attributes & _DOS_FOLDER and not folder
        ):
            raise FormatError("is a file by its name and none by its mode, or the other way")
        if folder and (size or checksum or packed > 2):
            raise FormatError("a folder with content")
        if method == _STORED and packed != size:
            raise FormatError("is stored, and not as long as it is said to be")
    except FormatError as error:
        raise FormatError(f"{told(name)}: {error.message}") from None
    return Member(path, folder, raw, flags, method, checksum, packed, size, offset)


def _name(raw: bytes, flags: int) -> str:
    """Z5."""
    try:
        return raw.decode("utf-8" if flags & _UTF8 else "ascii")
    except UnicodeDecodeError:
        shown = told(raw.decode("utf-8", "backslashreplace"))
        # Some take such a name for UTF-8, some for the letters of the first PC.
        raise FormatError(f"{shown}: a name that is not marked as UTF-8, or is none") from None


def _check_flags(version: int, flags: int, method: int) -> None:
    """Z4."""
    if version > _NEWEST:
        raise FormatError("asks for a newer program")
    if flags & (_ENCRYPTED | _STRONG | _MASKED):
        raise FormatError("is encrypted")
    if flags & ~_FLAGS:
        raise FormatError("has flags that are not known")
    if method not in (_STORED, _DEFLATED):
        what = _METHODS.get(method, str(method))
        raise FormatError(f"is packed by {what}; only stored and deflated are read")


def _fields(extra: bytes, name: bytes) -> dict[int, bytes]:
    """The extra fields of a header. A second name in them must be the first (Z5)."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(extra):
        kind, length = int.from_bytes(extra[at : at + 2], "little"), extra[at + 2 : at + 4]
        at += 4
        content = extra[at : at + int.from_bytes(length, "little")]
        at += int.from_bytes(length, "little")
        if at > len(extra):
            raise FormatError("has extra fields that are cut off")
        if kind in found:
            raise FormatError("has an extra field twice")
        found[kind] = content
    if _UNICODE_NAME in found and found[_UNICODE_NAME][5:] != name:
        raise FormatError("has a second name")
    if found.keys() & {_AES, _ENCRYPTION}:
        raise FormatError("is encrypted")
    return found


# --- members -------------------------------------------------------------------------------------


def members(stream: Stream, found: Ending) -> Iterator[tuple[str, bool, Iterator[memoryview]]]:
    """Path, whether it is a folder, and content of each, as they lie in the file (Z2, Z3, Z7, Z8).

    The stream is at the start of the file. Content must be taken before the next member.
    """
    ordered = sorted(found.members, key=lambda member: member.offset)
    starts = [*(member.offset for member in ordered), found.start]
    _before(stream, starts[0])
    for member, end in zip(ordered, starts[1:], strict=True):
        try:
            behind = _local(stream, member, end)
            yield member.path, member.folder, _content(stream, member)
            if behind:
                _check_descriptor(member, stream.read(behind))
        except FormatError as error:
            raise FormatError(f"{told(member.path)}: {error.message}") from None
    at = 0
    for chunk in stream.rest():
        if found.raw[at : at + len(chunk)] != chunk:  # Z8
            raise Changed("changed while it was read")
        at += len(chunk)


def _before(stream: Stream, count: int) -> None:
    """Z2: a script may start with the name of its interpreter, nothing else comes first."""
    if not count:
        return
    line = stream.read(count) if count <= limits.SHEBANG else b""
    if not line.startswith(b"#!") or line.find(b"\n") != count - 1:
        raise FormatError("has bytes before its first member")


def _local(stream: Stream, member: Member, end: int) -> int:
    """Z2, Z3. How many bytes stand behind the member, up to `end`, where the next one starts."""
    head = stream.read(_LOCAL.size)
    mark, version, flags, method, _, _, checksum, packed, size, name, extra = _LOCAL.unpack(head)
    if mark != b"PK\3\4":
        raise FormatError("does not start where the directory says")
    if stream.read(name) != member.raw:
        raise FormatError("has another name in its own header")
    if (flags, method) != (member.flags, member.method):
        raise FormatError("has other flags or another method in its own header")
    _check_flags(version, flags, method)
    fields = _fields(stream.read(extra), member.raw) if extra else {}
    # What was not known before the content may be 0, and then stands behind it.
    unknown = (0,) if flags & _DESCRIPTOR else ()
    packed_is, size_is = (member.packed, *unknown), (member.size, *unknown)
    large = fields.get(_ZIP64, b"")
    numbers = int.from_bytes(large[:8], "little"), int.from_bytes(large[8:], "little")
    if _ZIP64 in fields:
        if len(large) != 16 or numbers[0] not in size_is or numbers[1] not in packed_is:
            raise FormatError("has other sizes in its own header")
        packed_is, size_is = (*packed_is, _LARGE), (*size_is, _LARGE)
    if packed not in packed_is or size not in size_is:
        raise FormatError("has other sizes in its own header")
    if checksum not in (member.checksum, *unknown):
        raise FormatError("has another checksum in its own header")
    if member.method == _STORED:
        # Who reads from the start would search the content for its end.
        if _ZIP64 in fields and packed == _LARGE:
            packed = numbers[1]
        if packed != member.packed:
            raise FormatError("is stored, and its own header does not say how long it is")
    behind = end - stream.position - member.packed
    if behind < 0:
        raise FormatError("lies over what follows it")
    if behind not in ((12, 16, 20, 24) if flags & _DESCRIPTOR else (0,)):
        raise FormatError("has bytes behind it that belong to no member")
    return behind


def _check_descriptor(member: Member, raw: bytes) -> None:
    """Z3: with or without a mark, with numbers of 4 or 8 bytes; its length tells."""
    marked = len(raw) in (16, 24)
    digits = 8 if len(raw) > 16 else 4
    expected = (b"PK\7\10" if marked else b"") + member.checksum.to_bytes(4, "little")
    if max(member.packed, member.size) >> 8 * digits == 0:
        expected += member.packed.to_bytes(digits, "little")
        expected += member.size.to_bytes(digits, "little")
    if raw != expected:
        raise FormatError("has other numbers behind it than in the directory")


def _content(stream: Stream, member: Member) -> Iterator[memoryview]:
    """Z7."""
    from zlib import crc32

    if member.method == _STORED:
        found = stream.chunks(member.packed)
    else:
        found = inflated(stream, member.packed, member.size)
    checksum = 0
    for chunk in found:
        checksum = crc32(chunk, checksum)
        yield chunk
    if checksum != member.checksum:
        raise FormatError("does not have the checksum that is said of it")
