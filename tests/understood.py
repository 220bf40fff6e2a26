"""What is understood of a document, in the JSON of vectors/README.md."""

from __future__ import annotations

from typing import Any

from sig.model import instant, strict, wire
from sig.model.attestation import UnverifiedAttestation

Understood = tuple[bytes, dict[str, Any] | None]
"""Canonical bytes, and what is understood."""


def document(raw: bytes) -> Understood:
    """Of any value."""
    return strict.encode(strict.read(raw)).encode("ascii"), None


def statement(raw: bytes) -> Understood:
    """Of a statement in its envelope."""
    found = wire.read_attestation(raw)
    assert found == wire.read_attestation(
        wire.envelope(found.key, found.signed, found.sig, found.tst)
    )
    return found.signed, said(found)


def said(found: UnverifiedAttestation) -> dict[str, Any]:
    """What a statement says."""
    said = found.statement
    always = {
        "id": said.id,
        "key": found.key,
        "ok": said.ok,
        "reviewed": said.reviewed,
        "negative": said.negative,
    }
    others = {
        "comment": said.comment or None,
        "method": None if said.method == "human" else said.method,
        "base": said.base,
        "scope": None if said.scope is None else list(said.scope),
        "criteria": list(said.criteria) or None,
        "aliases": list(said.aliases) or None,
        "needs": list(said.needs) or None,
        "unknown-needs": list(said.unknown_needs) or None,
        "manifest": said.manifest,
        "exclude": list(said.exclude) or None,
        "expires": None if said.expires is None else instant.write(said.expires),
        "withdrawn": said.withdrawn or None,
        "odd": said.odd,
        "also-filed": wire.also_filed(found.key, said) or None,
        "tst": found.tst,
    }
    return always | {name: value for name, value in others.items() if value is not None}


def configuration(raw: bytes) -> Understood:
    """Of a configuration."""
    found, signed, sig = wire.configuration(raw)
    assert (sig is None) is (found.key is None)
    return signed, {
        "key": found.key,
        "sequence": found.sequence,
        "trust": sorted(found.trust),
        "policy": found.policy,
        "remotes": {remote.name: [remote.url, remote.key] for remote in found.remotes},
    }
