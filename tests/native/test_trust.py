"""The decision: the native core judges as `sig.trust` does, line by line and word by word.

Both get heaps of statements in which everything can be wrong at once, and histories in which
statements arrive, keys end and sources fall away; those of tests/trust, and wilder ones.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sig.model import wire
from sig.model.attestation import Malformed
from sig.model.closure import Closure
from sig.model.configuration import Configuration
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier, filed_by_manifest, filed_by_scope
from sig.model.standing import Standing
from sig.model.verdict import Judged, State, Verdict
from sig.trust import policy as policies
from sig.trust.decide import PYTHON, Weighed, decide
from sig.trust.policy import Policy
from sig.verbs import covering
from tests.native.test_model import asked
from tests.soak import SOAK
from tests.trust import test_decide_properties as properties
from tests.trust.sayings import (
    ALICE,
    BASE,
    BOB,
    CAROL,
    FILE,
    FRIENDS,
    MALLORY,
    NOW,
    OTHER,
    malformed,
    says,
)

ROUNDS = 40_000 if SOAK else 3_000
SHA512 = Identifier("sha512:" + "c" * 128)
SIGNERS = (ALICE, BOB, CAROL, MALLORY)
EXAMPLES = settings(
    max_examples=20_000 if SOAK else 150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Judge:
    """Decides in both languages, and compares."""

    def __init__(self, answers: Callable[[str], str]) -> None:
        self._answers = answers
        self.asked = 0

    def __call__(
        self,
        *weighed: Weighed,
        trusted: frozenset[Fingerprint] = FRIENDS,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        now: int = NOW,
        id: Identifier = FILE,
        unfit: Iterable[str] = (),
        purpose: str = "",
    ) -> Verdict:
        refuse = frozenset(unfit)
        why = {
            one.attestation.same: f"not {one.attestation.statement.comment}"
            for one in weighed
            if one.attestation is not None and one.attestation.statement.comment in refuse
        }
        found = decide(id, weighed, trusted, policy, now, why, purpose)
        request = {
            "id": id,
            "now": now,
            "policy": json.dumps(policies.write(policy)),
            "trusted": sorted(trusted),
            "purpose": purpose,
            "unfit": sorted(refuse),
            "weighed": [as_json(one) for one in weighed],
        }
        answer = asked(self._answers, "decide", **request)
        assert said(found) == answer, request
        self.asked += 1
        return found


def as_json(one: Weighed) -> dict[str, Any]:
    """A statement as the native core is given it."""

    def packed(raw: bytes) -> str:
        return base64.b64encode(raw).decode()

    made: dict[str, Any] = {
        "id": one.id,
        "key": one.key,
        "uid": one.uid,
        "refused": None if one.refused is None else one.refused.value,
        "why": one.why,
        "sources": list(one.sources),
        "first_met": one.first_met,
        "stale": one.stale,
        "kept": one.kept,
    }
    found = one.attestation
    if found is not None:
        return made | {
            "found": "proved",
            "signed": packed(found.signed),
            "sig": packed(found.sig),
            "signed_at": found.signed_at,
            "signature_expires": found.signature_expires,
            "standing": found.standing.value,
            "standing_why": found.why,
            "key_end": found.key_end,
        }
    if isinstance(one.unverified, Malformed):
        return made | {"found": "malformed"}
    signed, sig = packed(one.unverified.signed), packed(one.unverified.sig)
    return made | {"found": "refused", "signed": signed, "sig": sig}


def said(found: Verdict) -> dict[str, Any]:
    """A verdict with all of its lines."""
    lines = [line_of(line) for line in found.statements]
    answer = [found.answer.value, found.reason.value, found.message]
    return {"id": found.id, "answer": answer, "statements": lines}


def line_of(line: Judged) -> list[Any]:
    """One line of a verdict."""
    return [
        line.key,
        line.uid,
        line.state.value,
        line.counted,
        line.newest,
        line.ok,
        line.reviewed,
        line.comment,
        line.signed_at,
        list(line.sources),
        line.why,
        line.manifest,
    ]


@pytest.fixture(scope="module")
def judge(answers: Any) -> Judge:
    return Judge(answers)


def a_policy(dice: random.Random) -> Policy:
    return Policy(
        ok=dice.randrange(1, 4),
        not_ok=dice.choice((0, 0, 1, 2)),
        criteria=frozenset(dice.sample(["reproduced", "a"], dice.choice((0, 0, 1, 2)))),
        late=dice.random() < 0.5,
        stale=dice.random() < 0.5,
    )


def some_keys(dice: random.Random) -> frozenset[Fingerprint]:
    return frozenset(dice.sample(SIGNERS, dice.randrange(5)))


def a_standing(dice: random.Random) -> Standing:
    return dice.choice([Standing.SOUND, Standing.SOUND, Standing.SOUND, *Standing])


def a_time(dice: random.Random) -> int:
    return NOW + dice.choice((-7200, -3600, -3599, -1, 0, 1, 599, 600, 601, 3600))


def perhaps(dice: random.Random) -> int | None:
    return a_time(dice) if dice.random() < 0.4 else None


# --- heaps ---------------------------------------------------------------------------------------


@EXAMPLES
@given(properties.HEAPS, properties.TRUST, properties.POLICIES)
def test_heaps_of_statements_are_judged_the_same(
    judge: Judge, heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy
) -> None:
    """Those of tests/trust."""
    judge(*heap, trusted=trusted, policy=policy)


FIELDS: dict[str, list[Any]] = {
    "id": [FILE, FILE, FILE, OTHER, BASE, "openpgp4fpr:AB"],
    "reviewed": [False],
    "comment": ["a", "b", "c"],
    "method": ["human", "tool:lint", "model:x"],
    "base": [BASE, OTHER],
    "scope": [[], ["a"], ["a", "b"]],
    "criteria": [[], ["reproduced"], ["app:x"], ["app:y"], [PYTHON], ["a", "reproduced"]],
    "aliases": [[], [FILE], [OTHER, SHA512], ["blake3:00"], [SHA512]],
    "needs": [[], ["base"], ["platform"], ["platform", "id", "arch"]],
    "manifest": [FILE, OTHER, BASE],
    "expires": ["2027-01-15T07:59:59Z", "2027-01-15T08:00:00Z", "2030-01-01T00:00:00Z"],
}  # fmt: skip
PLACES = [
    *(FILE, OTHER, SHA512, filed_by_manifest(FILE), filed_by_manifest(OTHER), "x"),
    *map(filed_by_scope, SIGNERS),
]


def wild(dice: random.Random) -> Weighed:
    """A statement with any fields, filed anywhere; or one that is not proved."""
    if dice.random() < 0.2:
        return unproved(dice)
    names = dice.sample(sorted(FIELDS), dice.randrange(5))
    fields = {name: dice.choice(FIELDS[name]) for name in names}
    kind = dice.choice(["ok", "ok", "warning", "warning", "withdrawal"])
    if kind == "withdrawal":
        fields |= {"withdrawn": True, "reviewed": False}
    if {"base", "scope"} & fields.keys() or fields.get("method", "human") != "human":
        fields["reviewed"] = False
    one = says(
        dice.choice(SIGNERS),
        kind == "ok",
        at=a_time(dice),
        standing=a_standing(dice),
        key_end=perhaps(dice),
        signature_expires=perhaps(dice),
        sources=dice.choice([("a",), ("b", "a"), ("own",), ()]),
        first_met=perhaps(dice),
        stale=dice.random() < 0.3,
        kept=dice.random() < 0.4,
        filed=dice.choice([None, None, None, *PLACES]),
        **fields,
    )
    return one._replace(uid=dice.choice(["signer", "Alice <alice@example.org>", "ünï\u202e", ""]))


def unproved(dice: random.Random) -> Weighed:
    """One whose signature proves nothing, or that cannot be read."""
    who, why = (
        dice.choice((ALICE, MALLORY)),
        dice.choice(["not by this key", "SHA-1 does not count"]),
    )
    if dice.random() < 0.3:
        one = malformed(dice.choice(["", who, "junk"]), why)
    else:
        ok, fields = dice.random() < 0.5, {"comment": dice.choice(["", "x"])}
        if dice.random() < 0.3:
            fields["later"] = "x"
        state = dice.choice(list(State)[:3])
        one = says(who, ok, **fields)._replace(attestation=None, refused=state, why=why)
    return one._replace(uid=dice.choice(["claimed", ""]), sources=dice.choice([("a",), ("b",)]))


def another(dice: random.Random, one: Weighed) -> Weighed:
    """A copy of a statement that differs in what was proved of it, or in who has it."""
    proved = one.attestation
    if proved is not None:
        proved = proved._replace(
            standing=dice.choice([proved.standing, a_standing(dice)]),
            sig=dice.choice([b"a", b"b", b"aa", proved.sig]),
            signature_expires=dice.choice([proved.signature_expires, perhaps(dice)]),
            key_end=dice.choice([proved.key_end, perhaps(dice)]),
            why=dice.choice(["", "x", "y"]),
        )
    return one._replace(
        attestation=proved,
        uid=dice.choice([one.uid, "another", ""]),
        sources=dice.choice([one.sources, ("a",), ("b", "a"), ()]),
        first_met=dice.choice([one.first_met, perhaps(dice)]),
        stale=dice.random() < 0.3,
        kept=dice.random() < 0.4,
    )


def with_copies(dice: random.Random, heap: list[Weighed]) -> list[Weighed]:
    more = [another(dice, dice.choice(heap)) for _ in range(dice.choice((0, 0, 1, 3))) if heap]
    return dice.sample([*heap, *more], len(heap) + len(more))


def test_wild_heaps_are_judged_the_same(judge: Judge) -> None:
    """Any fields, filed anywhere, asked for anything: lines, words and order are the same."""
    dice = random.Random("heaps")
    answers: dict[tuple[str, str], int] = {}
    for _ in range(ROUNDS):
        found = judge(
            *with_copies(dice, [wild(dice) for _ in range(dice.randrange(9))]),
            trusted=some_keys(dice),
            policy=a_policy(dice),
            id=dice.choice([FILE, FILE, FILE, OTHER, SHA512]),
            purpose=dice.choice(["", "", "app:x", PYTHON]),
            unfit=dice.sample(["a", "b", ""], dice.choice((0, 0, 1))),
            now=a_time(dice),
        )
        kind = (found.answer.value, found.reason.value)
        answers[kind] = answers.get(kind, 0) + 1
    assert len(answers) == 7, answers


def voice(dice: random.Random) -> Weighed:
    """An ok that counts for one thing or another."""
    more = dice.choice([{}, {"manifest": FILE}, {"aliases": [SHA512]}, {"aliases": [FILE]}])
    return says(
        dice.choice(SIGNERS),
        dice.random() < 0.9,
        at=NOW - dice.choice((1, 2, 3)),
        comment=dice.choice("ab"),
        id=dice.choice([FILE, OTHER, BASE]),
        filed=dice.choice([None, None, filed_by_manifest(FILE), SHA512]),
        **more,
    )


def test_voices_are_counted_the_same(judge: Judge) -> None:
    """Signers of one thing do not make up for those that another lacks."""
    dice = random.Random("voices")
    enough = 0
    for _ in range(ROUNDS):
        found = judge(
            *(voice(dice) for _ in range(dice.randrange(1, 8))),
            policy=Policy(ok=dice.randrange(1, 4), not_ok=dice.choice((0, 1))),
            id=dice.choice([FILE, SHA512]),
        )
        enough += found.reason.value == "enough"
    assert ROUNDS / 10 < enough < ROUNDS


def own_words(dice: random.Random) -> list[Weighed]:
    """What one signer said of one file in few moments: ended, met late, remembered, ahead."""
    found: list[Weighed] = []
    for number in range(dice.randrange(1, 6)):
        kind = dice.choice(["ok", "warning", "withdrawal"])
        fields: dict[str, Any] = dice.choice(
            [{}, {}, {}, {"needs": ["platform"]}, {"method": "tool:lint"}]
        )
        if kind == "withdrawal":
            fields = {"withdrawn": True, "needs": fields.get("needs")}
        one = says(
            ALICE,
            kind == "ok",
            at=NOW + dice.choice([-3600, -3600, -1800, 601]),
            comment=str(number),
            key_end=dice.choice([None, NOW]),
            first_met=dice.choice([None, NOW, NOW + 1]),
            kept=dice.random() < 0.5,
            standing=a_standing(dice),
            **fields,
        )
        found.append(one)
    return found


def test_the_word_of_a_signer_is_the_same(judge: Judge) -> None:
    """What ends what, and by which of several proofs a statement stands."""
    dice = random.Random("words")
    for _ in range(2 * ROUNDS):
        heap = with_copies(dice, own_words(dice))
        judge(*heap, policy=a_policy(dice), trusted=frozenset(dice.choice([[ALICE], [BOB]])))


# --- histories -----------------------------------------------------------------------------------


@EXAMPLES
@given(properties.EVENTS, properties.POLICIES)
def test_histories_are_judged_the_same(
    judge: Judge, events: list[tuple[str, Any]], policy: Policy
) -> None:
    """After every event, with what a client remembers by then."""
    world = properties.World()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(properties, "verdict", judge)
        before = judge.asked
        world.look(policy)
        for event in events:
            properties.happen(world, event)
            world.look(policy)
        assert judge.asked == before + 1 + len(events)


def test_many_statements_of_one_key_are_no_square(judge: Judge) -> None:
    """Ten thousand of one signer, in a few of each second."""
    heap = [
        says(ALICE, number % 3 != 0, at=NOW - number // 3, comment=str(number))
        for number in range(10_000)
    ]
    found = judge(*heap)
    assert len(heap) == len(found.statements)


# --- closures ------------------------------------------------------------------------------------

LISTS = [Closure({"app": Identifier("sha256:" + digit * 64)}) for digit in "123"]
PACK = ("cpython-3.11.2", Identifier(BASE))


class Folder:
    """A folder as `sig.verbs.covering` asks it, with these statements in it."""

    def __init__(
        self, weighed: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy
    ) -> None:
        self.config = Configuration(trust=trusted)
        self.policy = policy
        self._filed: dict[str, list[Weighed]] = {}
        for one in weighed:
            found = one.attestation
            assert found is not None
            for place in [found.statement.id, *wire.also_filed(found.key, found.statement)]:
                self._filed.setdefault(place, []).append(one)

    def now(self) -> int:
        return NOW

    def rows(self, places: Iterable[str]) -> dict[str, list[Weighed]]:
        return {place: self._filed[place] for place in places if place in self._filed}

    def weigh(self, rows: Iterable[Weighed]) -> list[Weighed]:
        return list(rows)


WORDS = [
    *("app:x", "app:y", "release:1", "release:2", "release:x", "python:>=3.11", "python:<3.11"),
    *(f"pack:{PACK[0]}={PACK[1]}", f"pack:{PACK[0]}={OTHER}", "reproduced"),
]


def about_a_list(dice: random.Random) -> Weighed:
    """A statement about one of a few lists, most of them of a program."""
    criteria = ["app:x", f"release:{dice.randrange(1, 4)}"] if dice.random() < 0.8 else []
    if dice.random() < 0.4:
        criteria += dice.sample(WORDS, dice.randrange(1, 3))
    return says(
        dice.choice(SIGNERS),
        dice.random() < 0.8,
        at=NOW - dice.choice((1, 1, 2)),
        standing=a_standing(dice),
        comment=dice.choice("abc"),
        id=dice.choice(LISTS).id,
        criteria=criteria,
    )


def test_who_answers_for_a_program_is_the_same(answers: Any) -> None:
    """Which releases are known, and what is believed of each list for a run."""
    dice = random.Random("closures")
    runs = 0
    for _ in range(ROUNDS):
        heap = [about_a_list(dice) for _ in range(dice.randrange(8))]
        trusted, policy = some_keys(dice), a_policy(dice)._replace(ok=dice.choice((1, 1, 2)))
        folder: Any = Folder(heap, trusted, policy)
        known = covering.releases(folder, "x")
        mine = {
            one.attestation.statement.id
            for one in heap
            if one.attestation is not None
            and one.attestation.key in trusted
            and "app:x" in one.attestation.statement.criteria
        }
        closures = sorted((each for each in LISTS if each.id in mine), key=lambda each: each.id)
        python, pack = dice.choice(("3.11.2", "3.10.1", "3.11")), dice.choice((None, None, PACK))
        verdicts = [
            covering.closure_verdict(folder, each, known, python, pack) for each in closures
        ]
        answer = asked(
            answers,
            "run",
            app="x",
            now=NOW,
            policy=json.dumps(policies.write(policy)),
            trusted=sorted(trusted),
            python=python,
            pack=list(pack or ()),
            closures=[
                {
                    "id": each.id,
                    "weighed": [as_json(one) for one in folder.rows([each.id])[each.id]],
                }
                for each in closures
            ],
        )
        assert [said(each) for each in verdicts] == answer["verdicts"]
        releases = [[one.number, one.closure, *map(line_of, one.judged)] for one in known.all]
        assert releases == answer["known"]
        runs += sum(each.answer.value == "ok" for each in verdicts)
    assert runs > ROUNDS / 20
