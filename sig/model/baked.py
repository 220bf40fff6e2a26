"""The file beside a baked loader: what its signers said of the program (docs/spec/loader §6).

Here: the bytes of the file. Not here: what is put into it (`sig.verbs.baking`), and what is
believed by it, which is native.

M1  One line of canonical JSON, a line with its digest, and the lists of files behind them. Every
    field is there and of its form, and there is no other.
M2  Each list has the digest that it is named by; statements and lists are sorted, each once: so
    equal content has equal bytes.
M3  Nothing in the file is believed. What is damaged is not read at all, so that a word that damage
    took away is not like one that was never said.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sig.errors import FormatError
from sig.model import closure, limits, strict, wire
from sig.model.fingerprint import Fingerprint

VERSION = 1
SUFFIX = ".sig"

_FIELDS = ("app", "certificates", "lists", "statements", "version")
_SEAL = 72
_BEGINS = b'{"app": "'
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Baked(NamedTuple):
    """What stands in the file, nothing of it proved: certificates by their keys, envelopes as their
    canonical texts, and lists of files by their digests.
    """

    app: str
    certificates: Mapping[Fingerprint, bytes]
    statements: tuple[bytes, ...]
    lists: Mapping[str, bytes]


def is_baked(raw: bytes) -> bool:
    """Whether a file that begins with these bytes, or is them, lies beside a loader: perhaps one
    that is damaged.
    """
    return raw.startswith(_BEGINS)


def read(raw: bytes) -> Baked:
    """What these bytes of a whole file say (M1 to M3). Raises FormatError."""
    if len(raw) > limits.BAKED:
        raise FormatError(f"larger than {limits.BAKED >> 20} MiB")
    line, newline, rest = raw.partition(b"\n")
    if not newline or len(rest) < _SEAL:
        raise FormatError("it is cut")
    if rest[:_SEAL] != _seal(line + newline):
        raise FormatError("it is damaged")
    said = strict.document(line, VERSION)
    strict.check_names(said, _FIELDS)
    if type(said["app"]) is not str or closure.APP_NAME.fullmatch(said["app"]) is None:
        raise FormatError("app is not the name of an app")
    found = certificates(said["certificates"])
    if found is None:
        raise FormatError("certificates is not certificates by their fingerprints")
    lengths = _lengths(said["lists"])
    if lengths is None:
        raise FormatError("lists is not a sorted list of digests and lengths")
    statements = _statements(said["statements"])
    return Baked(said["app"], found, statements, _listed(lengths, rest[_SEAL:]))


def _seal(line: bytes) -> bytes:
    return b"sha256 %s\n" % hashlib.sha256(line).hexdigest().encode()


def certificates(value: Any) -> dict[Fingerprint, bytes] | None:
    """Certificates as they are stored, by fingerprint; None for what has another form, which alone
    is looked at.
    """
    if type(value) is not dict:
        return None
    found = {}
    try:
        for key, text in value.items():
            raw = wire.packed(text, limits.CERTIFICATE, "the certificate")
            if not raw:
                return None
            found[Fingerprint(key)] = raw
    except (FormatError, ValueError):
        return None
    return found


def packed(found: Mapping[Fingerprint, bytes]) -> dict[str, str]:
    """The same as `certificates` reads it."""
    return {
        key: binascii.b2a_base64(raw, newline=False).decode("ascii") for key, raw in found.items()
    }


def _lengths(value: Any) -> dict[str, int] | None:
    if type(value) is not list:
        return None
    found: dict[str, int] = {}
    for pair in value:
        if type(pair) is not list or [type(one) for one in pair] != [str, int]:
            return None
        digits, size = pair
        if _DIGEST.fullmatch(digits) is None or not 0 <= size <= limits.BAKED:
            return None
        if found and digits <= next(reversed(found)):
            return None
        found[digits] = size
    return found


def _statements(value: Any) -> tuple[bytes, ...]:
    if type(value) is not list:
        raise FormatError("statements is not a list")
    found: list[bytes] = []
    for number, one in enumerate(value, 1):
        try:
            wire.attestation(one)
        except FormatError as error:
            raise FormatError(f"statement {number}: {error.message}") from error
        text = strict.canonical(one)
        if found and text <= found[-1]:
            raise FormatError("its statements are not in order")
        found.append(text)
    return tuple(found)


def _listed(lengths: Mapping[str, int], rest: bytes) -> dict[str, bytes]:
    if sum(lengths.values()) != len(rest):
        raise FormatError("its lists are not as long as it says")
    found, place = {}, 0
    for digits, size in lengths.items():
        found[digits] = rest[place : place + size]
        place += size
        if hashlib.sha256(found[digits]).hexdigest() != digits:
            raise FormatError(f"the list {digits} has other bytes")
    return found


def write(
    app: str,
    certificates: Mapping[Fingerprint, bytes],
    statements: Collection[bytes],
    lists: Collection[bytes],
) -> bytes:
    """The bytes of the whole file. Raises FormatError for what could not be read again."""
    named = {hashlib.sha256(text).hexdigest(): text for text in lists}
    texts = sorted(set(statements))
    said = {
        "version": VERSION,
        "app": app,
        "certificates": packed(certificates),
        "statements": [strict.read(text) for text in texts],
        "lists": [[digits, len(named[digits])] for digits in sorted(named)],
    }
    line = strict.canonical(said) + b"\n"
    raw = b"".join([line, _seal(line), *(named[digits] for digits in sorted(named))])
    if read(raw) != Baked(app, dict(certificates), tuple(texts), dict(sorted(named.items()))):
        raise FormatError("what signers said cannot be written")
    return raw
