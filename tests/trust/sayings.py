"""Statements as the decision meets them, made without keys: everything proved is an argument."""

from __future__ import annotations

from typing import Any

from sig.model import strict, wire
from sig.model.attestation import Attestation, Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.standing import Standing
from sig.model.verdict import Judged, State, Verdict
from sig.trust.decide import Weighed, decide
from sig.trust.policy import Policy

NOW = 1_800_000_000
DAY = 86_400
FILE = Identifier("sha256:" + "f" * 64)
OTHER = Identifier("sha256:" + "0" * 64)
BASE = "sha256:" + "b" * 64

ALICE = Fingerprint("A" * 40)
BOB = Fingerprint("B" * 40)
CAROL = Fingerprint("C" * 64)
MALLORY = Fingerprint("D" * 40)
FRIENDS = frozenset({ALICE, BOB, CAROL})


def says(
    who: Fingerprint,
    ok: bool = True,
    *,
    at: int = NOW - DAY,
    standing: Standing = Standing.SOUND,
    key_end: int | None = None,
    signature_expires: int | None = None,
    sources: tuple[str, ...] = ("remote",),
    first_met: int | None = None,
    stale: bool = False,
    kept: bool = False,
    filed: str | None = None,
    sig: bytes = b"signature",
    **fields: Any,
) -> Weighed:
    """A verified statement. `fields` join or replace those of the data; None leaves one out."""
    partial = bool({"base", "scope", "withdrawn"} & fields.keys())
    human = fields.get("method", "human") == "human"
    data = {"id": FILE, "ok": ok, "reviewed": human and not partial} | fields
    signed = strict.canonical({name: value for name, value in data.items() if value is not None})
    statement = wire.statement(strict.read(signed))
    why = "" if standing is Standing.SOUND else f"why: {standing.value}"
    return Weighed(
        id=filed or statement.id,
        key=who,
        uid=f"signer {who[0]}",
        attestation=Attestation(
            statement, who, signed, sig, at, signature_expires, standing, why, key_end
        ),
        refused=None,
        why="",
        unverified=UnverifiedAttestation(statement, who, signed, sig),
        sources=sources,
        first_met=first_met,
        stale=stale,
        kept=kept,
    )


def withdraws(who: Fingerprint, *, at: int = NOW - DAY // 2, **more: Any) -> Weighed:
    """A withdrawal of everything older about the file."""
    return says(who, False, at=at, withdrawn=True, **more)


def refused(
    who: Fingerprint,
    state: State = State.INVALID,
    *,
    comment: str = "",
    why: str = "not by this key",
) -> Weighed:
    """A statement whose signature proved nothing."""
    data = {"id": FILE, "ok": True, "reviewed": True, "comment": comment}
    found = UnverifiedAttestation(wire.statement(data), who, strict.canonical(data), b"junk")
    return Weighed(FILE, who, "claimed", None, state, why, found, ("remote",), None, False, False)


def malformed(who: str = "", why: str = "no id") -> Weighed:
    """A statement that could not be read."""
    found = Malformed(FILE, who or None, why)
    return Weighed(FILE, who, "", None, State.INVALID, why, found, ("remote",), None, False, False)


def verdict(
    *weighed: Weighed,
    trusted: frozenset[Fingerprint] = FRIENDS,
    policy: Policy = Policy(),  # noqa: B008 - frozen
    now: int = NOW,
    id: Identifier = FILE,
) -> Verdict:
    """What is decided about the file."""
    return decide(id, weighed, trusted, policy, now)


def brief(found: Verdict) -> str:
    """Answer and reason in a word."""
    return f"{found.answer.value} {found.reason.value}"


def line(*weighed: Weighed, **more: Any) -> Judged:
    """The one line of a verdict over one statement."""
    (only,) = verdict(*weighed, **more).statements
    return only


def states(found: Verdict) -> list[tuple[str, str, bool]]:
    """Signer's letter, state, counted: line by line."""
    return [(each.key[:1], each.state.value, each.counted) for each in found.statements]
