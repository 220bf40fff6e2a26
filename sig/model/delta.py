"""A delta: what changed in a repository over some publishes, as one file (docs/spec/tree §5).

D1  One gzip member of lines of canonical JSON, and no byte behind it; as long as the root says.
D2  A line names a key with its certificate, or an id with all statements about it: what is there
    at the end, nothing if it is gone. Keys come first; keys and ids are in order, each once.
D3  The envelopes of a line are about its id, by their text, each once. Aliases are not in it.
"""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from sig.errors import FormatError
from sig.model import limits, strict, tree, wire
from sig.model.fingerprint import Fingerprint
from sig.model.tree import Entry, Kind

_GZIP = 31  # for zlib: the frame of gzip, without a name and without a time
_CHUNK = 256 * 1024


class Statements(NamedTuple):
    """All envelopes about one id, as they are now."""

    id: str
    entries: tuple[Entry, ...]


class Certificate(NamedTuple):
    """The certificate of a key as it is now; empty if it is gone."""

    key: Fingerprint
    certificate: bytes


def write(
    statements: Mapping[str, Collection[bytes]], certificates: Mapping[Fingerprint, bytes]
) -> tuple[bytes, int]:
    """The file, and how long it is unpacked. The texts are envelopes in canonical form.

    Raises FormatError for what is above a limit: then there is no such delta.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    pieces: list[bytes] = []
    packed = unpacked = 0
    for line in _lines(statements, certificates):
        if len(line) > limits.VALUE:
            raise FormatError(f"a line of a delta is larger than {limits.VALUE >> 20} MiB")
        pieces.append(packer.compress(line))
        packed += len(pieces[-1])
        unpacked += len(line)
        if packed > limits.DELTA or unpacked > limits.DELTA_UNPACKED:
            break
    pieces.append(packer.flush())
    if packed + len(pieces[-1]) > limits.DELTA or unpacked > limits.DELTA_UNPACKED:
        raise FormatError(f"a delta is larger than {limits.DELTA >> 20} MiB")
    return b"".join(pieces), unpacked


def _lines(
    statements: Mapping[str, Collection[bytes]], certificates: Mapping[Fingerprint, bytes]
) -> Iterator[bytes]:
    for key in sorted(certificates):
        text = binascii.b2a_base64(certificates[key], newline=False).decode("ascii")
        yield strict.canonical({"certificate": text, "key": key}) + b"\n"
    for id in sorted(statements):
        yield _text(id, sorted(set(statements[id]))) + b"\n"


def _text(id: str, texts: Collection[bytes]) -> bytes:
    """A line of statements, without its end."""
    written = strict.encode(id).encode("ascii"), b", ".join(texts)
    return b'{"id": %s, "statements": [%s]}' % written


def read(raw: bytes, unpacked: int) -> Iterator[Certificate | Statements]:
    """What stands in a file that unpacks to so many bytes; one line of it is in memory at a time.

    Raises FormatError, also at the end: then none of it was there.
    """
    if len(raw) > limits.DELTA:
        raise FormatError(f"a delta is larger than {limits.DELTA >> 20} MiB")
    last = ("", "")
    for line in _unpacked(raw, unpacked):
        said = strict.read(line)
        if type(said) is not dict:
            raise FormatError("a line of a delta is not an object")
        found = _certificate(said) if "key" in said else _statements(said)
        if isinstance(found, Certificate):
            place, text = ("certificate", str(found.key)), strict.canonical(said)
        else:
            place, text = ("id", found.id), _text(found.id, [one.text for one in found.entries])
        if text != line:
            raise FormatError("a line of a delta is not in canonical form")
        if place <= last:
            raise FormatError("lines of a delta are not in order")
        last = place
        yield found


def _certificate(said: Mapping[str, Any]) -> Certificate:
    strict.check_names(said, ("certificate", "key"))
    try:
        key = Fingerprint(said["key"])
    except ValueError as error:
        raise FormatError("the key is not a full fingerprint in upper-case hex") from error
    return Certificate(key, wire.packed(said["certificate"], limits.CERTIFICATE, "the certificate"))


def _statements(said: Mapping[str, Any]) -> Statements:
    strict.check_names(said, ("id", "statements"))
    if type(said["id"]) is not str or type(said["statements"]) is not list:
        raise FormatError("a line of a delta is not an id and its statements")
    found: list[Entry] = []
    for value in said["statements"]:
        if type(value) is dict and "data" not in value:
            raise FormatError("a delta names an alias")
        entry = tree.read_entry(value, Kind.STATEMENTS)
        if entry.name != said["id"]:
            raise FormatError("a statement in a delta is about another id")
        if found and entry.text <= found[-1].text:
            raise FormatError("statements in a delta are not in order")
        found.append(entry)
    return Statements(said["id"], tuple(found))


def _unpacked(raw: bytes, wanted: int) -> Iterator[bytes]:
    """D1: the lines, without their ends."""
    unpacker = zlib.decompressobj(_GZIP)
    left = memoryview(raw)
    line = b""
    done = 0
    while not unpacker.eof:
        try:
            chunk = unpacker.decompress(left[:_CHUNK], _CHUNK)
        except zlib.error as error:
            raise FormatError("a delta cannot be unpacked") from error
        taken = min(len(left), _CHUNK) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)
        left = left[taken:]
        if not chunk and not taken and not unpacker.eof:
            raise FormatError("a delta is cut off")
        done += len(chunk)
        if done > wanted:
            raise FormatError("a delta unpacks to more than its root says")
        *whole, line = (line + chunk).split(b"\n")
        if len(line) > limits.VALUE or any(len(one) >= limits.VALUE for one in whole):
            raise FormatError(f"a line of a delta is larger than {limits.VALUE >> 20} MiB")
        yield from whole
    if left:
        raise FormatError("a delta has bytes behind its end")
    if line:
        raise FormatError("a delta is cut off")
    if done != wanted:
        raise FormatError("a delta unpacks to less than its root says")
