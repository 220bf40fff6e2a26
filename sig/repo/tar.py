"""The members of a tar, of which all readers read the same (docs/spec/manifest §9).

A tar is headers and contents, one behind the other, in four dialects that grew beside each other:
v7, ustar, GNU and pax. Readers differ in which of two names, sizes or kinds they believe; what says
two things is refused.

X1  A header has the checksum that it says, numbers are digits, texts end where their zeros start.
X2  A member is a file or a folder: no link, no device, no hole, no volume, no list of a folder.
X3  A name has one source: the header (with its prefix, in ustar), or one pax `path`, or one long
    name of GNU.
X4  The size is the one of the header, whatever pax says.
X5  The end are two blocks of zeros, and nothing but zeros behind them.
X6  A name is UTF-8. One ``./`` before it is taken away: that is how tar lists ``.``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sig.errors import FormatError
from sig.model import limits
from sig.model.manifest import check_paths, told
from sig.repo.unpacking import Budget, Stream

SIZE = 512
_ZEROS = bytes(SIZE)

# Spaces, octal digits, and what ends them.
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")
_INT64 = 2**63 - 1
_OWNER, _TIME = (0, 2**32 - 1), (-_INT64, _INT64)
# Where the other numbers are, and what they may be where they are binary: rights, owner, group,
# time, device.
_NUMBERS: dict[tuple[int, int], tuple[int, int] | None] = {
    (100, 108): None,
    (108, 116): _OWNER,
    (116, 124): _OWNER,
    (136, 148): _TIME,
    (329, 337): None,
    (337, 345): None,
}

_DIALECTS = {b"ustar\00000": "ustar", b"ustar  \0": "gnu", bytes(8): "v7"}

_REFUSED = {
    "K": "a link with a long target",
    "1": "a hard link",
    "2": "a symbolic link",
    "3": "a device",
    "4": "a device",
    "6": "a FIFO",
    "7": "a contiguous file",
    "D": "a list of a folder",
    "M": "a part of another volume",
    "N": "an old long name",
    "S": "a file with holes",
    "V": "the name of a volume",
    "X": "an old extended header",
}

# What pax can say of what a member is, or how long: only `path` and `size` are read. Times, owners,
# rights, and what is unknown everywhere, are not looked at.
_MEANING = re.compile(
    r"path|linkpath|size|charset|GNU\..*|SUN\..*|LIBARCHIVE\.symlink.*"
    r"|SCHILY\.(?:dir|file|offset|real|tar|vol).*"
)
_FORMS = {
    **dict.fromkeys(("uid", "gid"), re.compile(rb"[0-9]{1,10}")),
    **dict.fromkeys(("atime", "ctime", "mtime"), re.compile(rb"-?[0-9]{1,12}(?:\.[0-9]*)?")),
}
_ANY = re.compile(rb".*", re.DOTALL)
_UTF8 = b"ISO-IR 10646 2000 UTF-8"
_LENGTH = re.compile(rb"([1-9][0-9]{0,5}) ")
_DECIMAL = re.compile(rb"0|[1-9][0-9]{0,18}")


def starts_one(block: bytes) -> bool:
    """Whether these 512 bytes are the header of a member."""
    return len(block) == SIZE and block != _ZEROS and _has_checksum(block)


def _has_checksum(block: bytes) -> bool:
    said = _OCTAL.fullmatch(block[148:156])
    if said is None or not said[1]:
        return False
    return int(said[1], 8) == sum(block) - sum(block[148:156]) + 8 * 0x20


def members(stream: Stream, budget: Budget) -> Iterator[tuple[str, bool, Iterator[memoryview]]]:
    """Path, whether it is a folder, and content of each, as they come (X1 to X6).

    Content must be taken before the next member. Raises FormatError.
    """
    pending: _Extended | None = None
    globally = False
    while (block := stream.read(SIZE)) != _ZEROS:
        header = _header(block, stream.position - SIZE)
        budget.bytes(SIZE)
        if header.kind in "gxL":
            if pending is not None:
                raise FormatError(f"{header.shown}: one extended header behind another")
            if header.size > limits.TAR_HEADER:
                raise FormatError(f"{header.shown}: an extended header of {header.size} bytes")
            budget.bytes(header.size)
            raw = stream.read(header.size)
            stream.read(-header.size % SIZE)
            try:
                pending = _extended(header, raw)
                globally = pending is None
            except FormatError as error:
                raise FormatError(f"{header.shown}: {error.message}") from None
            continue
        budget.members()
        path, folder = _named(header, pending)
        pending, globally = None, False
        budget.bytes(header.size)
        if path:
            yield path, folder, stream.chunks(header.size)
        stream.read(-header.size % SIZE)
    if pending is not None or globally:
        raise FormatError("ends behind an extended header")
    if stream.read(SIZE) != _ZEROS:  # X5
        raise FormatError("has a block of zeros before its end")
    for chunk in stream.rest():
        budget.bytes(len(chunk))
        if chunk.tobytes().count(0) != len(chunk):
            raise FormatError("has bytes after its end")


# --- headers -------------------------------------------------------------------------------------


class _Header(NamedTuple):
    kind: str
    dialect: str  # "v7", "ustar" or "gnu"
    name: bytes
    size: int

    @property
    def shown(self) -> str:
        return told(self.name.decode("utf-8", "backslashreplace"))


class _Extended(NamedTuple):
    """What a header before a member's own says: of pax (`x`), or of GNU (`L`)."""

    dialect: str
    name: bytes | None = None
    size: int | None = None


def _header(block: bytes, at: int) -> _Header:
    """X1."""
    if not starts_one(block):
        raise FormatError(f"has a damaged header at byte {at}")
    kind = chr(block[156])
    if kind in _REFUSED:  # also where its form is one of old
        shown = block[:100].rstrip(b"\0").decode("utf-8", "backslashreplace")
        raise FormatError(f"{shown}: {_REFUSED[kind]}")
    dialect = _DIALECTS.get(block[257:265])
    texts = [block[:100], block[157:257]]
    if dialect == "ustar":
        texts += [block[345:500], block[265:297], block[297:329]]
        rest = block[500:]
    elif dialect == "gnu":
        texts += [block[265:297], block[297:329]]
        rest = block[345:]  # where old and incremental archives have more numbers
    else:
        rest = block[257:329] + block[345:]
    if dialect is None or any(rest) or any(b"\0" in text.rstrip(b"\0") for text in texts):
        raise FormatError(f"has a header of an unknown form at byte {at}")
    for (start, end), binary in _NUMBERS.items():
        if _OCTAL.fullmatch(block, start, end) is None and not (
            binary and _binary(block[start:end], *binary)
        ):
            raise FormatError(f"has a header with a damaged number at byte {at}")
    name = block[:100].rstrip(b"\0")
    if dialect == "ustar" and block[345]:
        name = block[345:500].rstrip(b"\0") + b"/" + name
    return _Header(kind, dialect, name, _size(block[124:136], at))


def _binary(field: bytes, least: int, most: int) -> bool:
    """Whether it is a number as GNU writes what is too large for digits, or below zero."""
    number = int.from_bytes(field[1:], "big", signed=True)
    return field[0] == (0xFF if number < 0 else 0x80) and least <= number <= most


def _size(field: bytes, at: int) -> int:
    said = _OCTAL.fullmatch(field)
    if said is not None and said[1]:
        return int(said[1], 8)
    if not _binary(field, 0, _INT64):
        raise FormatError(f"has a header with a damaged number at byte {at}")
    return int.from_bytes(field[1:], "big")


def _named(header: _Header, extended: _Extended | None) -> tuple[str, bool]:
    """The path of a member and whether it is a folder (X2, X3, X4, X6); "" for the folder ``.``."""
    raw = header.name
    if extended is not None and extended.name is not None:
        raw = extended.name
    shown = told(raw.decode("utf-8", "backslashreplace"))
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(f"{shown}: a name that is not UTF-8") from None
    folder = header.kind == "5"
    if header.kind == "\0" and header.dialect == "v7" and name.endswith("/"):
        folder = True  # so before there was a letter for it
    elif header.kind not in "0\0005":
        raise FormatError(f"{shown}: a member of the unknown kind {header.kind!a}")
    elif not folder and (
        name.endswith("/") or (header.kind == "\0" and header.name.endswith(b"/"))
    ):
        # So some tell a folder; of the old letter by the short name, whatever longer one there is.
        raise FormatError(f"{shown}: a file by its letter, and a folder by its name")
    if extended is not None and extended.dialect != header.dialect:
        raise FormatError(f"{shown}: an extended header of another dialect")
    if extended is not None and extended.size not in (None, header.size):
        raise FormatError(f"{shown}: has another size in its extended header")
    if folder:
        if header.size:
            raise FormatError(f"{shown}: a folder with content")
        name = name.removesuffix("/")
        if name == ".":
            return "", True
    path = name.removeprefix("./")
    # A folder is known by what could be in it.
    check_paths((f"{path}/x" if folder else path,))
    return path, folder


# --- extended headers ----------------------------------------------------------------------------


def _extended(header: _Header, raw: bytes) -> _Extended | None:
    """What stands before a member; None for what is said of all of them, and means nothing here."""
    if header.dialect != ("gnu" if header.kind == "L" else "ustar"):
        raise FormatError("an extended header of another dialect")
    if header.kind == "L":
        name = raw.removesuffix(b"\0")
        if b"\0" in name or not name:
            raise FormatError("a long name that is damaged")
        return _Extended("gnu", name)
    said = dict(_records(raw))
    charset = said.pop("hdrcharset", _UTF8)
    name_ = said.pop("path", None) if header.kind == "x" else None
    size = said.pop("size", None) if header.kind == "x" else None
    if "linkpath" in said:
        raise FormatError("a link with a long target")
    for keyword, value in said.items():
        if not _FORMS.get(keyword, _ANY).fullmatch(value):
            raise FormatError("an extended header that is damaged")
        if _MEANING.fullmatch(keyword):
            raise FormatError(f"pax says {told(keyword)}, which is not read")
    if charset != _UTF8 or name_ == b"" or (size is not None and not _DECIMAL.fullmatch(size)):
        raise FormatError("an extended header that is damaged")
    if header.kind == "g":
        return None
    return _Extended("ustar", name_, None if size is None else int(size))


def _records(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Keyword and value of each record of pax, ``LENGTH KEYWORD=VALUE`` and a line feed."""
    seen = set()
    at = 0
    while at < len(raw):
        length = _LENGTH.match(raw, at)
        end = at + int(length[1]) if length else 0
        if length is None or end > len(raw) or raw[end - 1] != 0x0A:
            raise FormatError("an extended header that is damaged")
        keyword, equals, value = raw[length.end() : end - 1].partition(b"=")
        name = keyword.decode("utf-8", "backslashreplace")
        if not keyword or not equals or name in seen or (b"\0" in value and _MEANING.match(name)):
            raise FormatError("an extended header that is damaged")
        seen.add(name)
        yield name, value
        at = end
