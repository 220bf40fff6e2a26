"""vectors/verdicts: real signatures, verified, weighed and decided (vectors/README.md)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sig.errors import SignatureError
from sig.gpg import certificate, verify
from sig.gpg.certificate import Certificate
from sig.model import instant, strict, wire
from sig.model.attestation import Attestation, Malformed
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Judged, Reason, State, Verdict
from sig.trust import policy as policies
from sig.trust.decide import Weighed, decide

FOLDER = Path(__file__).parents[2] / "vectors" / "verdicts"
FILES = sorted(FOLDER.glob("*.txt"))


@dataclass
class Vector:
    """One file, read."""

    head: dict[str, str]
    lines: list[dict[str, Any]]
    certificates: dict[Fingerprint, Certificate]

    def weighed(self) -> list[Weighed]:
        """Every statement, verified as it would be."""
        return [self._weighed(line) for line in self.lines]

    def decided(self, weighed: list[Weighed]) -> Verdict:
        """The verdict of the scenario's moment."""
        return decide(
            Identifier(self.head["id"]),
            weighed,
            frozenset(map(Fingerprint, self.head["trusted"].split())),
            policies.read(json.loads(self.head["policy"])),
            instant.parse(self.head["now"]),
        )

    def _weighed(self, line: dict[str, Any]) -> Weighed:
        envelope = strict.read(json.dumps(line["envelope"]).encode())
        filed = line.get("filed", envelope["data"]["id"])
        unverified = wire.filed_attestation(filed, envelope)
        attested, refused, why = None, None, ""
        if isinstance(unverified, Malformed):
            refused, why = State.INVALID, unverified.why
        else:
            known = self.certificates.get(unverified.key)
            try:
                made = verify.check(unverified.signed, unverified.sig, unverified.key, known)
                attested = Attestation(
                    unverified.statement,
                    unverified.key,
                    unverified.signed,
                    unverified.sig,
                    made.made_at,
                    made.expires_at,
                    made.standing,
                    made.why,
                    made.key_end,
                )
            except SignatureError as error:
                refused, why = State(error.state), error.message
        met = line["first-met"]
        return Weighed(
            id=filed,
            key=unverified.key or "",
            uid="",
            attestation=attested,
            refused=refused,
            why=why,
            unverified=unverified,
            sources=tuple(line["sources"]),
            first_met=None if met is None else instant.parse(met),
            stale=line["stale"],
            kept=line["kept"],
        )


def read(path: Path) -> Vector:
    """The scenario in a file."""
    head, _, body = path.read_text("utf-8").partition("\n\n")
    known: dict[Fingerprint, Certificate] = {}
    lines = []
    for line in body.splitlines():
        if line.startswith("certificate: "):
            (met,) = certificate.read(base64.b64decode(line.removeprefix("certificate: ")))
            before = known.get(met.fingerprint)
            known[met.fingerprint] = met if before is None else certificate.merge(before, met)
        else:
            lines.append(json.loads(line))
    fields = dict(each.partition(":")[::2] for each in head.splitlines())
    return Vector({name: value.strip() for name, value in fields.items()}, lines, known)


def expected(vector: Vector, weighed: list[Weighed]) -> list[tuple[Any, ...]]:
    """Key, state, counted, newest of each line that is shown; copies of one statement are one."""
    found = {}
    for place, (line, one) in enumerate(zip(vector.lines, weighed, strict=True)):
        if line["state"] != "none":
            same = one.attestation.same if one.attestation else place
            found[same] = (one.key, line["state"], line["counted"], line["newest"])
    return sorted(found.values())


def shown(line: Judged) -> tuple[Any, ...]:
    """What a vector says of a line."""
    return (line.key, line.state.value, line.counted, line.newest)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vector_is_decided_as_it_says(path: Path) -> None:
    """Answer, reason, and of every statement its state and whether it counted; in any order."""
    vector = read(path)
    weighed = vector.weighed()
    found = vector.decided(weighed)
    assert vector.head["expect"] == f"{found.answer.value} {found.reason.value}"
    assert expected(vector, weighed) == sorted(map(shown, found.statements))
    assert all(line.why for line in found.statements if not line.counted)
    assert found == vector.decided(weighed[::-1] + weighed)


def test_vectors_cover_every_answer_reason_and_state() -> None:
    """All that a decision can say; the rest is said by a verb that could not read."""
    vectors = [read(path) for path in FILES]
    assert {
        f"{answer.value} {reason.value}"
        for answer, reason in [
            (Answer.OK, Reason.ENOUGH),
            (Answer.BAD, Reason.MARKED_BAD),
            (Answer.UNVERIFIED, Reason.UNTRUSTED),
            (Answer.UNVERIFIED, Reason.UNREVIEWED),
            (Answer.UNVERIFIED, Reason.BELOW_POLICY),
            (Answer.UNVERIFIED, Reason.NOT_COUNTED),
            (Answer.UNKNOWN, Reason.NO_STATEMENT),
        ]
    } == {vector.head["expect"] for vector in vectors}
    states = {line["state"] for vector in vectors for line in vector.lines}
    assert {state.value for state in State} | {"none"} == states
    assert len(FILES) > 100
