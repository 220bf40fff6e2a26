"""What a folder must not forget, in files that no index replaces (docs/spec/memory).

memory/FPR/state   highest sequence and digest met under a key, also after `remote remove`
memory/FPR/repo.json   the signed document, repository or root, once no remote holds it
memory/config      the newest configuration that was signed here: its key, sequence and digest
memory/kept        verified negative statements and withdrawals of keys that mattered, which
                   count until their signer ends them; words that disappeared or ended others
memory/met         when each statement was first met, by this clock
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sig.errors import FormatError, StoreError
from sig.model import strict, wire
from sig.model.attestation import UnverifiedAttestation
from sig.model.fingerprint import Fingerprint

CONFIGURATION = "memory/config"
KEPT = "memory/kept"
MET = "memory/met"
MET_BYTES = 256 * 1024 * 1024


def state_file(key: Fingerprint) -> str:
    """The file of what is remembered of a key's publishes."""
    return f"memory/{key}/state"


def document_file(key: Fingerprint) -> str:
    """The file of the last signed document of a key that no remote holds any more."""
    return f"memory/{key}/repo.json"


class Publishes(NamedTuple):
    """The highest state that was met under one key: its sequence and its digest.

    `rooted` says that a root was met: that is the digest then, and no state is without one.
    """

    sequence: int
    digest: str
    rooted: bool = False


def read_publishes(raw: bytes | None) -> Publishes | None:
    """The file's meaning. Raises StoreError: forgetting silently would allow a rollback."""
    if raw is None:
        return None
    try:
        value = strict.read(raw)
        rooted = value.get("rooted", False) is not False
        return Publishes(int(value["sequence"]), str(value["digest"]), rooted)
    except (FormatError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError("memory of a remote's state is damaged", hint="sig doctor") from error


def write_publishes(publishes: Publishes) -> bytes:
    """The text of the file."""
    value: dict[str, object] = {"sequence": publishes.sequence, "digest": publishes.digest}
    return _json(value | ({"rooted": True} if publishes.rooted else {}))


class Written(NamedTuple):
    """The newest configuration that was signed in a folder: by whom, its sequence and digest."""

    key: Fingerprint
    sequence: int
    digest: str


def read_written(raw: bytes) -> Written:
    """The file's meaning. Raises StoreError."""
    try:
        value = strict.read(raw)
        key, sequence, digest = value["key"], value["sequence"], value["digest"]
        if type(digest) is not str:
            raise FormatError("the digest is not a text")
        return Written(Fingerprint(key), wire.sequence(sequence), digest)
    except (FormatError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{CONFIGURATION} is damaged") from error


def write_written(written: Written) -> bytes:
    """The text of the file."""
    return _json(written._asdict())


def read_kept(raw: bytes | None) -> list[UnverifiedAttestation]:
    """The remembered statements, not verified. Raises StoreError."""
    if raw is None:
        return []
    try:
        value = strict.read(raw)
        return [wire.attestation(item) for item in value["kept"]]
    except (FormatError, KeyError, TypeError) as error:
        raise StoreError("the remembered statements are damaged", hint="sig doctor") from error


def write_kept(statements: Iterable[UnverifiedAttestation]) -> bytes:
    """The text of the file; one set of statements has one text."""
    texts = sorted({wire.envelope(one.key, one.signed, one.sig, one.tst) for one in statements})
    return b'{"kept": [%s], "version": 1}' % b", ".join(texts)


def met_key(statement: UnverifiedAttestation) -> str:
    """Names a claim by who made it and what it says: a new signature is no new claim."""
    return hashlib.sha256(statement.key.encode() + b"\0" + statement.signed).hexdigest()[:32]


def read_met(raw: bytes | None) -> dict[str, int]:
    """First-met times in seconds since 1970, by `met_key`. Raises StoreError."""
    found: dict[str, int] = {}
    try:
        for line in (raw or b"").decode("ascii").splitlines():
            name, at = line.split(" ")
            found[name] = int(at)
    except ValueError as error:
        raise StoreError("the first-met times are damaged", hint="sig doctor") from error
    return found


def write_met(met: Mapping[str, int]) -> bytes:
    """The text of the file."""
    return "".join([f"{name} {met[name]}\n" for name in sorted(met)]).encode("ascii")


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode("ascii") + b"\n"
