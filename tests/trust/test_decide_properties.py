"""What no statement, key, source, order or clock can do to a verdict.

The first part makes heaps of statements in which everything can be wrong at once. The second
plays histories: statements arrive, keys end, sources fall away, the client remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sig.model.attestation import Attestation
from sig.model.fingerprint import Fingerprint
from sig.model.standing import Standing
from sig.model.verdict import Answer, Reason, State, Verdict
from sig.trust.decide import CLOCK_SKEW, Weighed
from sig.trust.policy import Policy, tightened
from tests.trust.sayings import (
    ALICE,
    BASE,
    BOB,
    CAROL,
    FILE,
    MALLORY,
    NOW,
    OTHER,
    malformed,
    refused,
    says,
    verdict,
)

HOUR = 3600
SIGNERS = (ALICE, BOB, CAROL, MALLORY)
WORD = {Answer.OK: 2, Answer.UNVERIFIED: 1, Answer.UNKNOWN: 1, Answer.BAD: 0}
STATUS = {Answer.OK: 0, Answer.UNVERIFIED: 1, Answer.UNKNOWN: 1, Answer.BAD: 3}

Line = tuple[str, int | None, str]

KINDS: list[tuple[bool, dict[str, Any]]] = [
    (True, {}),
    (True, {"reviewed": False}),
    (True, {"base": BASE}),
    (True, {"scope": ["a"]}),
    (True, {"method": "tool:lint"}),
    (True, {"needs": ["platform"]}),
    (True, {"criteria": ["reproduced"]}),
    (True, {"criteria": ["app:x", "reproduced"]}),
    (True, {"expires": "2027-01-15T07:00:00Z"}),  # before NOW
    (False, {}),
    (False, {"reviewed": False}),
    (False, {"expires": "2027-01-15T07:00:00Z"}),
    (False, {"base": BASE}),
    (False, {"method": "tool:lint"}),
    (False, {"needs": ["platform"]}),
    (False, {"comment": 7}),
    (False, {"withdrawn": True}),
    (False, {"withdrawn": True, "needs": ["platform"]}),
    (True, {"id": OTHER}),
    (True, {"id": OTHER, "aliases": [FILE]}),
    (False, {"id": OTHER, "aliases": [FILE]}),
]
ALL = tuple(range(len(KINDS)))
WARNINGS = tuple(at for at in ALL if not KINDS[at][0] and "withdrawn" not in KINDS[at][1])
ABOUT = tuple(at for at in ALL if "id" not in KINDS[at][1])
TIMES = st.sampled_from([NOW + at * HOUR for at in (-5, -4, -3, -2, -1, 0, 1, 24)])


@st.composite
def statements(draw: st.DrawFn, kinds: tuple[int, ...] = ALL) -> Weighed:
    """A verified statement about the file, in any condition."""
    kind = draw(st.sampled_from(kinds))
    ok, fields = KINDS[kind]
    # The comment tells lines of one key and second apart.
    fields = {"comment": f"kind {kind}"} | fields
    return says(
        draw(st.sampled_from(SIGNERS)),
        ok,
        at=draw(TIMES),
        standing=draw(st.sampled_from([Standing.SOUND, Standing.SOUND, Standing.SOUND, *Standing])),
        key_end=draw(st.none() | TIMES),
        signature_expires=draw(st.none() | st.none() | TIMES),
        sources=draw(st.sampled_from([("a",), ("a", "b"), ("own",), ()])),
        first_met=draw(st.none() | TIMES),
        stale=draw(st.booleans()),
        kept=draw(st.booleans()),
        filed=draw(st.sampled_from([None, FILE])),
        **fields,
    )


HEAPS = st.lists(
    statements()
    | st.builds(refused, st.sampled_from(SIGNERS), st.sampled_from(list(State)[:3]))
    | st.builds(malformed, st.sampled_from(["", ALICE])),
    max_size=8,
)
TRUST = st.frozensets(st.sampled_from(SIGNERS))
POLICIES = st.builds(
    Policy,
    ok=st.integers(1, 3),
    not_ok=st.integers(0, 2),
    criteria=st.sampled_from([frozenset(), frozenset({"reproduced"})]),
    late=st.booleans(),
    stale=st.booleans(),
)


def essence(found: Verdict) -> tuple[object, ...]:
    """What an untrusted statement must not touch."""
    counted = [(line.key, line.state, line.why) for line in found.statements if line.counted]
    made = (found.answer, found.message) if found.answer in (Answer.OK, Answer.BAD) else None
    return (STATUS[found.answer], made, sorted(counted, key=str))


@settings(max_examples=200, deadline=None)
@given(HEAPS, TRUST, POLICIES)
def test_an_untrusted_statement_changes_no_answer(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy
) -> None:
    """Nor the exit status, nor the message of ok and bad, nor who counted."""
    friends = [one for one in heap if one.key in trusted and one.attestation is not None]
    everything = verdict(*heap, trusted=trusted, policy=policy)
    alone = verdict(*friends, trusted=trusted, policy=policy)
    assert essence(alone) == essence(everything)
    assert (everything.answer is Answer.UNKNOWN) == (everything.statements == ())


@settings(max_examples=200, deadline=None)
@given(HEAPS, statements(WARNINGS), TRUST, POLICIES)
def test_one_more_warning_never_improves(
    heap: list[Weighed], one: Weighed, trusted: frozenset[Fingerprint], policy: Policy
) -> None:
    """Whoever signed it, and in whatever condition it is."""
    before = verdict(*heap, trusted=trusted, policy=policy)
    after = verdict(*heap, one, trusted=trusted, policy=policy)
    assert WORD[after.answer] <= WORD[before.answer]


@settings(max_examples=200, deadline=None)
@given(HEAPS, TRUST, POLICIES, st.sampled_from(SIGNERS))
def test_removing_who_says_ok_never_improves(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy, who: Fingerprint
) -> None:
    """His statements or the trust in him: no verdict is better for it."""
    before = verdict(*heap, trusted=trusted, policy=policy)
    warns = {line.key for line in before.statements if line.counted and not line.ok}
    assume(who not in warns)
    without = [one for one in heap if one.key != who]
    for after in (
        verdict(*heap, trusted=trusted - {who}, policy=policy),
        verdict(*without, trusted=trusted, policy=policy),
    ):
        assert WORD[after.answer] <= WORD[before.answer]


@settings(max_examples=150, deadline=None)
@given(HEAPS, TRUST, POLICIES, st.data())
def test_order_and_duplication_never_matter(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy, data: st.DataObject
) -> None:
    """The whole verdict is the same, line by line."""
    again = heap + data.draw(st.lists(st.sampled_from(heap), max_size=4) if heap else st.just([]))
    again = data.draw(st.permutations(again))
    assert verdict(*heap, trusted=trusted, policy=policy) == verdict(
        *again, trusted=trusted, policy=policy
    )


@settings(max_examples=100, deadline=None)
@given(HEAPS, TRUST, POLICIES)
def test_a_statement_of_two_sources_is_two_of_one(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy
) -> None:
    """How the copies were put together before does not matter."""
    apart = [
        one._replace(sources=(name,), first_met=one.first_met if name == one.sources[0] else None)
        for one in heap
        for name in one.sources
    ] + [one for one in heap if not one.sources]
    assert verdict(*heap, trusted=trusted, policy=policy) == verdict(
        *apart, trusted=trusted, policy=policy
    )


@settings(max_examples=150, deadline=None)
@given(HEAPS, TRUST, POLICIES, POLICIES)
def test_a_tighter_policy_never_improves(
    heap: list[Weighed], trusted: frozenset[Fingerprint], site: Policy, user: Policy
) -> None:
    """Thresholds are monotone, and so is every other field."""
    both = verdict(*heap, trusted=trusted, policy=tightened(site, user))
    for policy in (site, user):
        assert WORD[both.answer] <= WORD[verdict(*heap, trusted=trusted, policy=policy).answer]


@settings(max_examples=150, deadline=None)
@given(HEAPS, TRUST, POLICIES, st.integers(-6, 25))
def test_what_was_signed_later_does_not_change_the_past(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy, hours: int
) -> None:
    """The verdict of a moment can be had again; only a warning counts before its time."""
    then = NOW + hours * HOUR
    known = [
        one
        for one in heap
        if one.attestation is None
        or one.attestation.signed_at <= then + CLOCK_SKEW
        or one.attestation.statement.negative
    ]
    one = verdict(*known, trusted=trusted, policy=policy, now=then)
    two = verdict(*heap, trusted=trusted, policy=policy, now=then)
    assert essence(one) == essence(two)


@settings(max_examples=200, deadline=None)
@given(HEAPS, TRUST, POLICIES)
def test_lines_say_what_was_counted(
    heap: list[Weighed], trusted: frozenset[Fingerprint], policy: Policy
) -> None:
    """A reader of the lines alone comes to the same answer."""
    found = verdict(*heap, trusted=trusted, policy=policy)
    counted = [line for line in found.statements if line.counted]
    oks = {line.key for line in counted if line.ok}
    warners = {line.key for line in counted if line.ok is False}
    assert not oks & warners
    assert oks | warners <= trusted
    assert (len(warners) > policy.not_ok) == (found.answer is Answer.BAD)
    if found.answer is not Answer.BAD:
        assert (len(oks) >= policy.ok) == (found.answer is Answer.OK)
    assert (found.reason is Reason.BELOW_POLICY) == (
        found.answer is Answer.UNVERIFIED and bool(counted)
    )
    for line in found.statements:
        assert line.counted or line.why
        assert line.state is not State.NOT_OK or line.counted
        if line.counted and line.ok:
            assert line.reviewed
            assert line.state in {State.OK, State.LATE, State.STALE}
    assert len({line.key for line in found.statements}) == sum(
        line.newest for line in found.statements
    )
    # Counted warnings, counted oks, trusted, the rest.
    ranks = [
        (0 if line.ok is False else 1) if line.counted else 2 if line.key in trusted else 3
        for line in found.statements
        if line.signed_at is not None
    ]
    assert ranks == sorted(ranks)


# --- histories -----------------------------------------------------------------------------------


@dataclass
class World:
    """What happened so far, and the memory of a client that looked after every event."""

    now: int = NOW
    heap: dict[int, Weighed] = field(default_factory=dict)
    ends: dict[Fingerprint, tuple[Standing, int]] = field(default_factory=dict)
    # Statements that were once sound and not in the future while the client had them.
    counted_once: set[int] = field(default_factory=set)
    trusted: frozenset[Fingerprint] = frozenset({ALICE, BOB, CAROL})

    def standing(self, who: Fingerprint, at: int) -> tuple[Standing, int | None]:
        """How a signature of that time stands now."""
        kind, end = self.ends.get(who, (Standing.SOUND, 0))
        if kind is Standing.SOUND:
            return kind, None
        return (kind if kind is Standing.REVOKED_HARD or at >= end else Standing.SOUND), end

    def look(self, policy: Policy) -> Verdict:
        """The verdict now, and what a client remembers after it."""
        current = []
        for place, one in self.heap.items():
            found = one.attestation
            assert found is not None
            standing, end = self.standing(found.key, found.signed_at)
            changed = found._replace(standing=standing, key_end=end, why=standing.value)
            self.heap[place] = one._replace(attestation=changed)
            current.append(self.heap[place])
        found_now = verdict(
            *(one for one in current if one.sources or one.kept),
            trusted=self.trusted,
            policy=policy,
            now=self.now,
        )
        for place, one in self.heap.items():
            found = self.of(place)
            in_hand = bool(one.sources) or one.kept
            if in_hand and found.standing is Standing.SOUND:
                if found.signed_at <= self.now + CLOCK_SKEW:
                    self.counted_once.add(place)
                # Every warning; what is in the future counts only if it warns.
                if found.signed_at <= self.now + CLOCK_SKEW or found.statement.negative:
                    self.heap[place] = one._replace(kept=True)
            if in_hand and found.standing is Standing.REVOKED_HARD and found.statement.negative:
                self.heap[place] = one._replace(kept=True)
        return found_now

    def of(self, place: int) -> Attestation:
        """The attestation of that statement as it stands."""
        found = self.heap[place].attestation
        assert found is not None
        return found


def newer(one: Attestation, two: Attestation) -> bool:
    """Whether `one` is the newer word; of one second a warning, then a withdrawal."""

    def rank(found: Attestation) -> int:
        return 2 if found.statement.negative else 1 if found.statement.withdrawn else 0

    return (one.signed_at, rank(one)) > (two.signed_at, rank(two))


def must_warn(world: World) -> set[Fingerprint]:
    """Signers whose warning was met while it stood, and who did not end it by a word that did.

    Said another way than in the decision: by what was ever known instead of what is known now.
    """
    found = set()
    for place, one in world.heap.items():
        warning = world.of(place)
        if not one.kept or not warning.statement.negative:
            continue
        for other in world.heap:
            word = world.of(other)
            said = word.statement
            if word.key != warning.key or not newer(word, warning):
                continue
            if said.negative and said.topic == warning.statement.topic:
                break  # that one is looked at by itself
            full = said.ok and said.reviewed and said.topic == warning.statement.topic
            if (full or said.withdrawn) and not said.unknown_needs and other in world.counted_once:
                break
        else:
            found.add(warning.key)
    return found & world.trusted


@st.composite
def arrivals(draw: st.DrawFn) -> Weighed:
    """A statement as it is met. Few signers, times and kinds, so that they meet each other."""
    kind = draw(st.sampled_from(ABOUT))
    ok, fields = KINDS[kind]
    return says(
        draw(st.sampled_from([ALICE, ALICE, ALICE, BOB, MALLORY])),
        ok,
        at=NOW + draw(st.sampled_from([-3, -2, -1, 24])) * HOUR,
        sources=("a",),
        **({"comment": f"kind {kind}"} | fields),
    )


ENDS = st.tuples(
    st.sampled_from([ALICE, ALICE, BOB]),
    st.sampled_from(list(Standing)),
    st.sampled_from([NOW + at * HOUR for at in (-4, -2, -1, 20)]),
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("arrives"), arrivals()),
        st.tuples(st.just("arrives"), arrivals()),
        st.tuples(st.just("ends"), ENDS),
        st.tuples(st.sampled_from(["gone", "stale"]), st.integers(0, 4)),
        st.tuples(st.just("passes"), st.integers(1, 30)),
    ),
    min_size=2,
    max_size=10,
)


def happen(world: World, event: tuple[str, Any]) -> None:
    """One thing that can happen without the user or a signer's newer word."""
    kind, what = event
    if kind == "arrives":
        standing, _ = world.standing(what.key, what.attestation.signed_at)
        sound = what.attestation._replace(standing=standing)
        world.heap[len(world.heap)] = what._replace(
            attestation=sound,
            first_met=world.now,
            kept=False,
        )
    elif kind == "ends":
        who, standing, end = what
        before = world.ends.get(who, (Standing.SOUND, 0))[0]
        # A revocation is for ever; an expiry can be renewed.
        if before in (Standing.SOUND, Standing.EXPIRED) or standing is Standing.REVOKED_HARD:
            world.ends[who] = (standing, end)
    elif kind == "passes":
        world.now += what * HOUR
    elif what in world.heap:
        one = world.heap[what]
        world.heap[what] = one._replace(sources=()) if kind == "gone" else one._replace(stale=True)


@settings(max_examples=300, deadline=None)
@given(EVENTS, POLICIES)
def test_nothing_but_a_newer_word_of_its_signer_ends_a_warning(
    events: list[tuple[str, Any]], policy: Policy
) -> None:
    """No revocation, expiry, disappearance, delay or order of arrival turns bad into ok."""
    world = World()
    world.look(policy)
    for event in events:
        happen(world, event)
        found = world.look(policy)
        warners = must_warn(world)
        counted = {line.key for line in found.statements if line.counted and not line.ok}
        assert warners <= counted
        if len(warners) > policy.not_ok:
            assert found.answer is Answer.BAD


@settings(max_examples=300, deadline=None)
@given(EVENTS, POLICIES)
def test_bad_becomes_ok_by_a_word_only(events: list[tuple[str, Any]], policy: Policy) -> None:
    """The same in one step: only an arrival, or the time of what was signed ahead, does it."""
    world = World()
    before = world.look(policy)
    for event in events:
        happen(world, event)
        after = world.look(policy)
        if before.answer is Answer.BAD and event[0] in ("gone", "stale"):
            assert after.answer is Answer.BAD
        if before.answer is Answer.BAD and event[0] == "ends" and event[1][1] is not Standing.SOUND:
            assert after.answer is Answer.BAD
        before = after


@settings(max_examples=300, deadline=None)
@given(EVENTS, POLICIES)
def test_no_older_ok_is_revived(events: list[tuple[str, Any]], policy: Policy) -> None:
    """What once was ended by a word that counted counts never again, whatever becomes of that."""
    world = World()
    world.look(policy)
    ended: set[Line] = set()
    for event in events:
        happen(world, event)
        found = world.look(policy)
        for line in found.statements:
            if line.counted and line.ok:
                assert (line.key, line.signed_at, line.comment) not in ended
        ended |= ended_oks(world)


def ended_oks(world: World) -> set[Line]:
    """Oks that a word ended which then was sound: by key, time and comment."""
    found: set[Line] = set()
    for place in world.heap:
        one = world.of(place)
        if not one.statement.ok:
            continue
        for other in world.counted_once:
            word = world.of(other)
            same = word.statement.topic == one.statement.topic or word.statement.withdrawn
            if word.key == one.key and newer(word, one) and same:
                found.add((one.key, one.signed_at, one.statement.comment))
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(arrivals(), max_size=5), POLICIES, st.data())
def test_the_order_of_arrival_does_not_matter(
    arriving: list[Weighed], policy: Policy, data: st.DataObject
) -> None:
    """Where no key ends, memory makes no difference at all."""
    found = []
    for order in (arriving, data.draw(st.permutations(arriving))):
        world = World()
        for one in order:
            happen(world, ("arrives", one))
            world.look(policy)
        found.append(world.look(policy))
    assert found[0] == found[1]
