"""`repo.json` as a stream: its owner's signature first, then statement by statement.

A file is up to 256 MiB, and anyone may serve it. Parsed whole it would take thirteen times as much.

T1  As it should be written, the signed bytes stand in the file as they are: they are verified
    before a word of them is read (`Document.signed`).
T2  Each piece that is read is written again, and must be what stands there. So what was verified
    and what was read are the same, and no name stands twice.
T3  A file that is laid out in another way is first written anew, in order, through what the
    caller gives to put the pieces into: a file, where it is large (`readings`).
T4  A repository is of version 0.0.1; what else it says of itself is known at its end (`Head`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from io import BytesIO
from typing import IO, Any, NamedTuple, TypeVar

from sig.errors import FormatError
from sig.model import instant, limits, strict, wire
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.repository import UnverifiedRepository
from sig.model.strict import Scanner

_T = TypeVar("_T")

# How many objects and lists may still be within each other at each level (W5).
_IN_FILE = limits.DEPTH - 2
_IN_DATA = _IN_FILE - 1
_IN_LIST = _IN_DATA - 2
_NOT_CANONICAL = "its signed bytes are not written in the one form that is signed"
_GROWS = "larger than 256 MiB as it should be written"


class Entry(NamedTuple):
    """One statement of a repository: what it is filed under, its canonical text, and itself."""

    id: str
    text: bytes
    found: UnverifiedAttestation | Malformed


class Head(NamedTuple):
    """What a repository says of itself. `sequence` is None in what the program of 2016 wrote."""

    sequence: int | None
    previous: Mapping[int, str]
    expires: int | None
    root: str | None


class Document:
    """A `repo.json` with its signed bytes at hand (T1). Nothing of it is proved."""

    def __init__(self, raw: bytes, end: int, key: Fingerprint, sig: bytes) -> None:
        self._raw = raw
        self._end = end
        self.key = key
        self.sig = sig
        self._at = 0
        self._head: Head | None = None

    @property
    def signed(self) -> bytes:
        """The bytes that `sig` must cover: a copy, not to be kept."""
        return self._raw[len(_START) : self._end]

    @property
    def digest(self) -> str:
        """The sha256 of the signed bytes, 64 hex digits: it names the state."""
        return strict.digest(self.signed)

    @property
    def state(self) -> str:
        """Names the publish, once all entries were read: `UnverifiedRepository.state`."""
        return self.head.root or self.digest

    @property
    def head(self) -> Head:
        """What it says of itself; once all entries were read."""
        if self._head is None:
            raise AssertionError("the head is known at the end")
        return self._head

    def entries(self) -> Iterator[Entry]:
        """Its statements. Raises FormatError, also at the end: then none of them was there."""
        self._head = None
        self._at = len(_START)
        scanner = Scanner(self._raw, self._at, self._end)
        fields: dict[str, Any] = {}
        between = b"{"
        for name in scanner.members(ordered=True):
            self._same(b"%s%s: " % (between, _encoded(name)))
            between = b", "
            if name == "attestations" and scanner.peek() == "{":
                fields[name] = {}
                yield from self._filed(scanner)
            else:
                fields[name] = scanner.value(_IN_DATA)
                self._same(_encoded(fields[name]))
        self._same(b"}" if fields else b"{}")
        scanner.end()
        if self._at != self._end:
            raise FormatError(_NOT_CANONICAL)
        self._head = _head(fields)

    def _filed(self, scanner: Scanner) -> Iterator[Entry]:
        between = b"{"
        for id in scanner.members(ordered=True, most=_identifiers(self._end)):
            self._same(b"%s%s: " % (between, _encoded(id)))
            between = b", "
            if scanner.peek() != "[":
                self._same(_encoded(scanner.value(_IN_DATA - 1)))
                yield Entry(id, b"", Malformed(id, None, "not a list of statements"))
                continue
            start = b"["
            for _ in scanner.elements():
                value = scanner.envelope(_IN_LIST)
                found = wire.filed_attestation(id, value, depth_checked=True)
                if isinstance(found, Malformed):
                    text = _encoded(value)
                else:
                    text = wire.envelope(found.key, found.signed, found.sig, found.tst)
                self._same(start + text)
                start = b", "
                yield Entry(id, text, found)
            self._same(b"]" if start == b", " else b"[]")
        self._same(b"}" if between == b", " else b"{}")

    def _same(self, piece: bytes) -> None:
        """T2."""
        if not self._raw.startswith(piece, self._at):
            raise FormatError(_NOT_CANONICAL)
        self._at += len(piece)


_START = b'{"data": '
_TAIL = b', "key": "'


def _members(scanner: Scanner, what: str) -> Iterator[str]:
    if scanner.peek() != "{":
        raise FormatError(f"{what} is not an object")
    return scanner.members()


def _identifiers(size: int) -> int:
    """How many identifiers a file of so many bytes may name: a statement has twice as many."""
    return 100_000 + size // 200


def _encoded(value: Any) -> bytes:
    return strict.encode(value).encode("ascii")


def _sliced(raw: bytes) -> Document | None:
    """The file as it lies there, if it looks as it should be written."""
    at = raw.rfind(_TAIL)
    if not raw.startswith(_START) or at < len(_START):
        return None
    if len(raw) - at > 2 * limits.SIGNATURE:
        return None
    try:
        outer = strict.read(b"{" + raw[at + 2 :])
        _, key, sig, _ = wire.parts({"data": {}, **outer}, timestamps=False)
    except FormatError:
        return None
    if wire.envelope(key, b"", sig)[len(_START) :] != raw[at:]:
        return None
    return Document(raw, at, key, sig)


def _rewritten(raw: bytes, spool: IO[bytes]) -> bytes:
    """The same document as it should be written (T3). Raises FormatError."""
    scanner = Scanner(raw)
    outer: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    filed: dict[str, tuple[int, int]] = {}
    for name in _members(scanner, "an envelope"):
        if name != "data":
            outer[name] = scanner.value(_IN_FILE)
            continue
        outer["data"] = {}
        for field in _members(scanner, "the data of an envelope"):
            if field == "attestations" and scanner.peek() == "{":
                fields[field] = {}
                for id in scanner.members(most=_identifiers(len(raw))):
                    start = spool.tell()
                    for piece in _pieces(scanner):
                        spool.write(piece)
                        if spool.tell() > limits.REPOSITORY:
                            raise FormatError(_GROWS)
                    filed[id] = (start, spool.tell() - start)
            else:
                fields[field] = scanner.value(_IN_DATA)
    scanner.end()
    _, key, sig, _ = wire.parts(outer, timestamps=False)
    _head(fields)
    written = BytesIO()
    written.write(_START)
    between = b"{"
    for field in sorted(fields):
        written.write(b"%s%s: " % (between, _encoded(field)))
        between = b", "
        if field != "attestations":
            written.write(_encoded(fields[field]))
            continue
        start_of_one = b"{"
        for id in sorted(filed):
            at, size = filed[id]
            spool.seek(at)
            written.write(b"%s%s: %s" % (start_of_one, _encoded(id), spool.read(size)))
            start_of_one = b", "
            if written.tell() > limits.REPOSITORY:
                raise FormatError(_GROWS)
        written.write(b"}" if filed else b"{}")
    written.write(wire.envelope(key, b"}", sig)[len(_START) :])
    return written.getvalue()


def _pieces(scanner: Scanner) -> Iterator[bytes]:
    """What is filed under one identifier, written as it should be."""
    if scanner.peek() != "[":
        yield _encoded(scanner.value(_IN_DATA - 1))
        return
    between = b"["
    for _ in scanner.elements():
        yield between + _encoded(scanner.envelope(_IN_LIST))
        between = b", "
    yield b"]" if between == b", " else b"[]"


def _head(fields: Mapping[str, Any]) -> Head:
    """T4. Raises FormatError."""
    wire.only(fields, "attestations")
    wire.version(fields, "a repository")
    if type(fields["attestations"]) is not dict:
        raise FormatError("attestations is not an object")
    sequence = wire.sequence(fields["sequence"]) if "sequence" in fields else None
    return Head(
        sequence=sequence,
        previous=wire.previous(fields["previous"], sequence) if "previous" in fields else {},
        expires=wire.expiry(fields["expires"]) if "expires" in fields else None,
        root=wire.digest(fields["root"], "root") if "root" in fields else None,
    )


def readings(raw: bytes, spool: Callable[[], IO[bytes]] = BytesIO) -> Iterator[Document]:
    """The file as it lies there, and if more is asked for, as it should be written (T3).

    What an owner signed is the second where it differs. Raises FormatError when neither reads.
    """
    as_it_is = _sliced(raw)
    if as_it_is is not None:
        yield as_it_is
    with spool() as pieces:
        written = _rewritten(raw, pieces)
    if as_it_is is None or written != raw:
        document = _sliced(written)
        if document is None:
            raise AssertionError("what was written anew does not read")
        yield document


def read(
    raw: bytes,
    make: Callable[[Iterator[Entry]], _T],
    spool: Callable[[], IO[bytes]] = BytesIO,
) -> tuple[Document, _T]:
    """What `make` makes of all entries of a file, its owner's signature not verified.

    It is called again where the file has to be written anew first. Raises FormatError.
    """
    return _first(raw, lambda document: (document, make(document.entries())), spool)


def _first(
    raw: bytes, take: Callable[[Document], _T], spool: Callable[[], IO[bytes]] = BytesIO
) -> _T:
    """What `take` gives for the first reading that reads to its end. Raises FormatError."""
    for document in readings(raw, spool):
        # Written anew it reads, or says itself what is wrong.
        with suppress(FormatError):
            return take(document)
    raise FormatError(_NOT_CANONICAL)


def skim(entries: Iterable[Entry]) -> None:
    """Makes nothing of them: for `read` of what a repository says of itself."""
    for _ in entries:
        pass


def whole(raw: bytes) -> UnverifiedRepository:
    """All of a `repo.json` in memory, its owner's signature not verified. Raises FormatError."""
    return _first(raw, whole_of)


def whole_of(document: Document) -> UnverifiedRepository:
    """All of a reading in memory. Raises FormatError."""
    found = [entry.found for entry in document.entries()]
    signed = document.signed
    return UnverifiedRepository(
        key=document.key,
        signed=signed,
        sig=document.sig,
        digest=strict.digest(signed),
        attestations=tuple(one for one in found if not isinstance(one, Malformed)),
        malformed=tuple(one for one in found if isinstance(one, Malformed)),
        **document.head._asdict(),
    )


def data(
    attestations: Iterable[UnverifiedAttestation],
    *,
    sequence: int,
    previous: Mapping[int, str],
    expires: int | None = None,
    root: str | None = None,
) -> bytes:
    """The signed bytes of a repository (docs/spec/repository §2).

    With a `root` that names the past; `previous` is left out.
    """
    filed: dict[str, list[bytes]] = {}
    for one in attestations:
        filed.setdefault(one.statement.id, []).append(
            wire.envelope(one.key, one.signed, one.sig, one.tst)
        )
    listed = b", ".join(
        b"%s: [%s]" % (_encoded(id), b", ".join(sorted(filed[id]))) for id in sorted(filed)
    )
    # Text "expires" < "previous" < "root" < "sequence": the order of code points.
    optional = b"" if expires is None else b'"expires": "%s", ' % instant.write(expires).encode()
    if root is not None:
        optional += b'"root": "%s"' % root.encode()
    else:
        optional += b'"previous": ' + _encoded({str(at): one for at, one in previous.items()})
    return b'{"attestations": {%s}, %s, "sequence": %d, "version": "%s"}' % (
        listed,
        optional,
        sequence,
        wire.VERSION.encode(),
    )
