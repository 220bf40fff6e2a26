"""The statements of those who count, in two files that a native program reads (docs/spec/view).

Here: the text of the head (``view``), the blocks of the base (``view.…``), and how rows are found
in them. Not here: who counts, when they are written, and what a row means.

A1  An answer is exact or there is none. The head ends with its own digest and names the root block
    of the base by digest; a block of the base names those below it. So a row that damage lost does
    not look like one that was never there.
A2  A base never changes. What changed since it was written stands in the head, the *tail*: all
    rows of a filed key as they are now. A key in the tail is not looked for in the base.
A3  All rows of a filed key are in one block. A filed key is printable ASCII.
A4  Rows of the source ``view`` say where to look, and are of nobody. No other row has this source,
    nor is filed where they are, for an identifier has no space: nobody can add to them or hide one.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sig.errors import FormatError
from sig.repo.index import Row, read_line

VERSION = 2
NAME = "view"
BASE = "view."
HEAD_BYTES = 64 * 1024 * 1024
BLOCK = 16 * 1024  # a block is full at so many bytes

SOURCE = "view"
"""The source of what only says where to look (A4)."""
AGAINST = "against "
LIST = "list "

_FIRST = f"sig view {VERSION}"
_BASE = re.compile(r"view\.[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[0-9a-f]{16}")
_KEY = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_ROW = re.compile(rb"[^\t]+\t[^\t]+\t(?:-?[0-9]{1,18})?\t[01]\t[^\t]*")
_NOTHING: Mapping[str, list[bytes]] = MappingProxyType({})
_NO_SOURCES: Mapping[str, int] = MappingProxyType({})


class Newer(FormatError):
    """A view of a version that this program does not know."""


class Followed(NamedTuple):
    """A remote as the verdict needs it: the pinned key, and the end of its state. Times are seconds
    since 1970.
    """

    name: str
    key: str | None
    sequence: int | None
    expires: int | None


class Block(NamedTuple):
    """A piece of a base."""

    offset: int
    length: int
    digest: str


class Base(NamedTuple):
    """A base: its file, and its one block that no other names. `depth` is 0 where that has rows."""

    name: str
    depth: int
    root: Block


class Head(NamedTuple):
    """What ``view`` says.

    `commit` names the one after which it was written; `config` is the digest of that file, None
    where there is none. `counts` are the keys that it trusts with the digests of their certificates
    (None: it is not known), `own` is the folder's own key where that does not count. `sources` has
    how long the file of each is that is there. `base` is None where it would be empty. `tail` has
    the lines of rows by what they are filed under.
    """

    commit: str
    config: str | None
    counts: Mapping[str, str | None]
    own: tuple[str, str | None] | None
    remotes: tuple[Followed, ...] = ()
    sources: Mapping[str, int] = _NO_SOURCES
    base: Base | None = None
    tail: Mapping[str, list[bytes]] = _NOTHING


# --- where to look (A4) --------------------------------------------------------------------------


def against(id: str) -> str:
    """Under what the identifiers of bytes are filed that begin like this one, if anybody who counts
    said that they are not ok.
    """
    digits = id.removeprefix("sha256:")
    return AGAINST + digits[:2]


def alike(metadata: bytes) -> str:
    """Under what the lists of files are filed that have these digests of METADATA."""
    return LIST + hashlib.sha256(metadata).hexdigest()


def pointer(filed: str, id: str) -> bytes:
    """The line of a row that is filed there and says: look at this."""
    return f"{filed}\t{SOURCE}\t\t0\t{id}".encode("ascii")


# --- writing -------------------------------------------------------------------------------------


def write(head: Head) -> bytes:
    """The text of the head."""
    lines = [_FIRST, f"commit {head.commit}", f"config {head.config or '-'}"]
    lines += [f"counts {key} {head.counts[key] or '-'}" for key in sorted(head.counts)]
    if head.own is not None:
        lines.append(f"own {head.own[0]} {head.own[1] or '-'}")
    for one in head.remotes:
        sequence, expires = _written(one.sequence), _written(one.expires)
        lines.append(f"remote {one.name} {one.key or '-'} {sequence} {expires}")
    lines += [f"source {name} {head.sources[name]}" for name in sorted(head.sources)]
    if head.base is not None:
        name, depth, root = head.base
        lines.append(f"base {name} {depth} {root.offset} {root.length} {root.digest}")
    text = bytearray("\n".join([*lines, ""]).encode("ascii"))
    for filed in sorted(head.tail):
        if not head.tail[filed]:
            text += b"gone " + filed.encode("ascii") + b"\n"
        for line in sorted(head.tail[filed]):
            text += b"row " + line + b"\n"
    text += f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode("ascii")
    return bytes(text)


def blocks(lines: Iterable[bytes]) -> Generator[bytes, None, tuple[int, Block]]:
    """The blocks of a base of these sorted lines; returns its depth and its root. There is a line.

    One after the other: all of them may be large.
    """
    offset = depth = 0
    entries: Iterable[tuple[bytes, bytes]] = ((line[: line.index(b"\t")], line) for line in lines)
    while True:
        level = []
        for first, raw in _packed(entries):
            block = Block(offset, len(raw), hashlib.sha256(raw).hexdigest())
            level.append((first, block))
            offset += len(raw)
            yield raw
        if len(level) == 1:
            return depth, block
        entries = [(first, _entry(first, block)) for first, block in level]
        depth += 1


def _packed(entries: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """Full blocks of lines, each with its first key (A3)."""
    held: list[bytes] = []
    first = last = b""
    size = 0
    for key, line in entries:
        if held and key != last and size >= BLOCK:
            yield first, b"\n".join([*held, b""])
            held, size = [], 0
        if not held:
            first = key
        if key < last:
            raise ValueError("the lines of a base are sorted")
        held.append(line)
        size += len(line) + 1
        last = key
    yield first, b"\n".join([*held, b""])


def _entry(first: bytes, block: Block) -> bytes:
    return first + f"\t{block.offset}\t{block.length}\t{block.digest}".encode("ascii")


def _written(number: int | None) -> str:
    return "-" if number is None else str(number)


# --- reading the head ----------------------------------------------------------------------------


def read(raw: bytes) -> Head:
    """The meaning of ``view``. Raises FormatError for damage, Newer for another version."""
    first, _, _ = raw[:64].partition(b"\n")
    if first.startswith(b"sig view ") and first != _FIRST.encode("ascii"):
        raise Newer("it was written by another version of sig")
    end = raw.rfind(b"sha256 ")
    seal = f"sha256 {hashlib.sha256(raw[:end]).hexdigest()}\n".encode("ascii")
    if raw[end:] != seal or not raw.isascii():
        raise FormatError("it is damaged")
    at = _tail_at(raw[:end])
    lines = _Lines(raw[:at].decode("ascii"))
    if lines.taken() != [*_FIRST.split(" ")]:
        raise FormatError("it is no view")
    (commit,) = lines.fields("commit", _WORD)
    (config,) = lines.fields("config", _SHA256)
    if commit is None:
        raise FormatError("it names no commit")
    counts: dict[str, str | None] = {}
    while lines.next == "counts":
        key, digest = lines.fields("counts", _KEY, _SHA256)
        if key is None or key <= next(reversed(counts), ""):
            raise FormatError("its keys are not in order")
        counts[key] = digest
    own = None
    if lines.next == "own":
        key, digest = lines.fields("own", _KEY, _SHA256)
        if key is None or key in counts:
            raise FormatError("its own key is none")
        own = key, digest
    remotes: list[Followed] = []
    while lines.next == "remote":
        remotes.append(_remote(lines.taken()))
        if len(remotes) > 1 and remotes[-2].name >= remotes[-1].name:
            raise FormatError("its remotes are not in order")
    sources: dict[str, int] = {}
    while lines.next == "source":
        words = lines.taken()
        if len(words) != 3 or words[1] <= next(reversed(sources), ""):
            raise FormatError("its sources are not in order")
        sources[words[1]] = _number(words[2])
    base = _base(lines.taken()) if lines.next == "base" else None
    if lines.next is not None:
        raise FormatError(f"it has an unknown line: {lines.next[:64]!r}")
    return Head(commit, config, counts, own, tuple(remotes), sources, base, _tail(raw[at:end]))


class _Lines:
    """The lines of a head, one after the other."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        if self._lines.pop():
            raise FormatError("its last line is cut")
        self._lines.reverse()

    @property
    def next(self) -> str | None:
        """The first word of the next line."""
        return self._lines[-1].partition(" ")[0] if self._lines else None

    def taken(self) -> list[str]:
        """The words of the next line."""
        if not self._lines:
            raise FormatError("it is cut")
        return self._lines.pop().split(" ")

    def fields(self, word: str, *forms: re.Pattern[str]) -> list[str | None]:
        """Those of the next line, which begins with this word; None for ``-``."""
        first, *fields = self.taken()
        if first != word or len(fields) != len(forms):
            raise FormatError(f"it has no {word}")
        return [_field(field, form) for field, form in zip(fields, forms, strict=True)]


def _field(field: str, form: re.Pattern[str]) -> str | None:
    if field == "-":
        return None
    if not form.fullmatch(field):
        raise FormatError(f"it has a bad field: {field[:64]!r}")
    return field


def _number(field: str) -> int:
    if not _NUMBER.fullmatch(field):
        raise FormatError(f"it has a bad number: {field[:64]!r}")
    return int(field)


def _remote(words: list[str]) -> Followed:
    if len(words) != 5 or not words[1]:
        raise FormatError("it has a bad remote")
    _, name, key, sequence, expires = words
    return Followed(
        name,
        _field(key, _KEY),
        None if sequence == "-" else _number(sequence),
        None if expires == "-" else _number(expires),
    )


def _base(words: list[str]) -> Base:
    if len(words) != 6 or not _BASE.fullmatch(words[1]) or not _SHA256.fullmatch(words[5]):
        raise FormatError("it has a bad base")
    offset, length = _number(words[3]), _number(words[4])
    return Base(words[1], _number(words[2]), Block(offset, length, words[5]))


def _tail_at(raw: bytes) -> int:
    """Where the rows of the tail begin."""
    found = [at + 1 for at in (raw.find(b"\nrow "), raw.find(b"\ngone ")) if at >= 0]
    return min(found, default=len(raw))


def _tail(raw: bytes) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    last = ""
    lines = raw.split(b"\n")
    if lines.pop():
        raise FormatError("its last line is cut")
    for line in lines:
        word, _, rest = line.partition(b" ")
        filed = rest.partition(b"\t")[0].decode("ascii")
        if filed < last or (filed == last and (word != b"row" or not found[filed])):
            raise FormatError("its tail is not in order")
        if word == b"row" and rest.count(b"\t") == 4:
            found.setdefault(filed, []).append(rest)
        elif word == b"gone" and b"\t" not in rest:
            found[filed] = []
        else:
            raise FormatError("its tail has a bad line")
        last = filed
    return found


# --- reading rows --------------------------------------------------------------------------------

Read = Callable[[Base, Block], bytes]
"""Gives the bytes of a block, as far as they are there."""


def lookup(head: Head, ids: Iterable[str], read: Read) -> dict[str, list[Row]]:
    """All rows of each of these, [] where there are none. Raises FormatError (A1)."""
    known: dict[Block, list[bytes]] = {}
    found = {}
    for filed in ids:
        lines = head.tail.get(filed)  # A2
        if lines is None:
            lines = [] if head.base is None else _in_base(head.base, filed.encode(), read, known)
        found[filed] = [_row(line) for line in lines]
    return found


def _row(line: bytes) -> Row:
    if not _ROW.fullmatch(line):
        raise FormatError("a row is none")
    return read_line(line)


def _in_base(base: Base, filed: bytes, read: Read, known: dict[Block, list[bytes]]) -> list[bytes]:
    block = base.root
    for _ in range(base.depth):
        entries = _entries(_block(base, block, read, known))
        at = bisect_right(entries, filed, key=lambda entry: entry[0]) - 1
        if at < 0:
            return []
        block = entries[at][1]
    start = filed + b"\t"
    return [line for line in _block(base, block, read, known) if line.startswith(start)]


def _block(base: Base, block: Block, read: Read, known: dict[Block, list[bytes]]) -> list[bytes]:
    lines = known.get(block)
    if lines is None:
        raw = read(base, block)
        if len(raw) != block.length or hashlib.sha256(raw).hexdigest() != block.digest:
            raise FormatError(f"{base.name} is damaged")
        lines = known[block] = raw.split(b"\n")[:-1]
    return lines


def _entries(lines: Iterable[bytes]) -> list[tuple[bytes, Block]]:
    found = []
    for line in lines:
        try:
            first, offset, length, digest = line.split(b"\t")
            found.append((first, Block(int(offset), int(length), digest.decode("ascii"))))
        except ValueError as error:
            raise FormatError("a block of the base is none") from error
    return found


def rows(head: Head, read: Read, start: str = "") -> Iterator[bytes]:
    """The lines of all rows that are filed under what begins like this, in no order.

    Raises FormatError, also after it gave some.
    """
    for filed, lines in head.tail.items():
        if filed.startswith(start):
            yield from lines
    if head.base is None:
        return
    begin = start.encode("ascii")
    level = [(b"", head.base.root)]
    for _ in range(head.base.depth):
        level = [
            entry
            for _, block in level
            for entry in _reached(_entries(_block(head.base, block, read, {})), begin)
        ]
    for first, block in level:
        for line in _block(head.base, block, read, {}):
            here = line.partition(b"\t")[0]
            if here < first:
                raise FormatError("the base is not in order")
            first = here
            if here.startswith(begin) and here.decode("ascii", "replace") not in head.tail:
                yield line


def _reached(entries: list[tuple[bytes, Block]], begin: bytes) -> Iterator[tuple[bytes, Block]]:
    """The blocks that may have something that begins like this."""
    ends = [first for first, _ in entries[1:]]
    for number, (first, block) in enumerate(entries):
        beyond = number < len(ends) and ends[number] <= begin
        if not beyond and (first <= begin or first.startswith(begin)):
            yield first, block
