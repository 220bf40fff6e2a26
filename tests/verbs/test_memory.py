"""Rollback, fork, rewrite, freeze and the way back (docs/spec/memory §1, §4)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sig.verbs import remote
from tests.verbs.parties import (
    DAY,
    FILE,
    NOW,
    Party,
    Reader,
    Web,
    armored,
    fetched_since,
    file_id,
    merged,
    nothing_changes,
)

LAST = 2**53 - 1


@pytest.fixture
def states(bob: Party) -> list[bytes]:
    """Bob's states 1 to 5: in each one more file is ok, in the fifth FILE is bad."""
    found = []
    for number in range(1, 5):
        bob.says(file_id(str(number)))
        found.append(bob.repository())
    bob.says(ok=False, comment="it deletes your home")
    return [*found, bob.repository()]


@pytest.fixture
def met(reader: Reader, web: Web, bob: Party, states: list[bytes]) -> Reader:
    """A reader who trusts Bob and met state 5."""
    web.offer(bob, states[-1])
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "bad" == reader.answer()
    return reader


def test_an_older_state_is_behind_for_a_day_and_then_a_rollback(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """A cache lags; who lags longer is hiding something. State 5 counts all the time."""
    web.offer(bob, states[3])
    said = met.verdict()
    before = met.state
    assert ("unchanged", "behind") == met.came("bob")
    # That it lags is noted; nothing else is.
    assert ["remotes/bob/state"] == fetched_since(before, met.state)
    assert said == met.verdict()
    met.clock.at += DAY
    assert ("unchanged", "behind") == met.came("bob")
    met.clock.at += 1
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")
    assert "bad" == met.answer()
    web.offer(bob, states[4])
    assert ("unchanged", None) == met.came("bob")
    # Caught up: a new day begins.
    web.offer(bob, states[3])
    assert ("unchanged", "behind") == met.came("bob")


def test_an_older_state_that_is_not_in_the_past_is_a_rollback_at_once(
    met: Reader, web: Web, bob: Party
) -> None:
    """State 5 names state 4, and this is another one."""
    web.offer(bob, bob.repository([], sequence=4))
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")


def test_an_older_state_that_nobody_named_is_behind(met: Reader, web: Web, bob: Party) -> None:
    """Where the path cannot be had nobody is accused, and nothing is taken."""
    web.offer(bob, bob.repository(sequence=40))
    assert ("new", None) == met.came("bob")
    web.offer(bob, bob.repository([bob.statement()], sequence=17, previous={}))
    said = met.verdict()
    assert ("unchanged", "behind") == met.came("bob")
    assert said == met.verdict()
    met.clock.at += DAY + 1
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")


def test_a_state_without_a_sequence_after_one_with_is_a_rollback(
    met: Reader, web: Web, bob: Party
) -> None:
    """An old genuine repo.json of 2016 in place of what is published now."""
    web.offer(bob, bob.repository([bob.statement()], sequence=0))
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")


def test_states_without_a_sequence_follow_each_other(reader: Reader, web: Web, bob: Party) -> None:
    """The positive twin: what the program of 2016 writes is followed as it ever was."""
    reader.follow(bob, counts=True)
    for name in ("1", "2", "1"):
        web.offer(bob, bob.repository([bob.statement(file_id(name))], sequence=0))
        assert ("new", None) == reader.came("bob")
        assert "ok" == reader.answer(file_id(name))
    web.offer(bob)
    assert ("new", None) == reader.came("bob")


def test_a_second_state_of_one_sequence_is_a_fork(met: Reader, web: Web, bob: Party) -> None:
    """Other bytes for one reader than for another, of which only one can be the state."""
    web.offer(bob, bob.repository([], sequence=5))
    with nothing_changes(met):
        assert ("refused", "fork") == met.came("bob")
        met.clock.at += 30 * DAY
        assert ("refused", "fork") == met.came("bob")


def test_other_spacing_is_the_same_state(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """The positive twin of a fork: a digest is of what is signed, never of the file."""
    web.offer(bob, json.dumps(json.loads(states[4]), indent=1).encode())
    assert ("unchanged", None) == met.came("bob")
    assert "bad" == met.answer()


def test_a_later_state_with_another_past_is_a_rewrite(met: Reader, web: Web, bob: Party) -> None:
    """It names another state 5 than was met."""
    web.offer(bob, bob.repository([], sequence=6, previous={5: "0" * 64}))
    with nothing_changes(met):
        assert ("refused", "fork") == met.came("bob")


def test_a_later_state_is_taken_however_much_later(met: Reader, web: Web, bob: Party) -> None:
    """The positive twin: one, two and five hundred publishes later."""
    for sequence in (6, 8, 508):
        web.offer(bob, bob.repository(sequence=sequence))
        assert ("new", None) == met.came("bob")
        assert "bad" == met.answer()


def test_fast_forward_and_the_way_back(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """A thief of Bob's key signs the last sequence there is; Bob goes on, his readers accept."""
    web.offer(bob, bob.repository([], sequence=LAST))
    assert ("new", None) == met.came("bob")
    assert "bad" == met.answer()
    bob.says(file_id("later"))
    back = bob.repository(sequence=6)
    web.offer(bob, back)
    assert ("unchanged", "behind") == met.came("bob")
    met.clock.at += DAY + 1
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")
    found = met.fetch("bob", accept=True)
    assert ("new", 6) == (found.result, found.sequence)
    assert "ok" == met.answer(file_id("later"))
    web.offer(bob, bob.repository(sequence=7))
    assert ("new", None) == met.came("bob")


@pytest.mark.parametrize("sequence", [LAST + 1, 2**63, 2**64 + 5])
def test_a_sequence_beyond_all_is_a_failure(
    met: Reader, web: Web, bob: Party, sequence: int
) -> None:
    """No integer that a reader in another language would read as another one."""
    web.offer(bob, bob.repository([], sequence=sequence))
    with nothing_changes(met):
        assert ("failed", "format") == met.came("bob")


def test_accept_needs_the_owners_signature(met: Reader, web: Web, bob: Party, carol: Party) -> None:
    """It forgives what the state is, never who signed it."""
    fork = bob.repository([], sequence=5)
    web.offer(bob, fork[:-20] + fork[-20:].replace(b'"', b'A"', 1))
    with nothing_changes(met):
        assert met.came("bob", accept=True)[0] in ("failed", "refused")
    web.offer(bob, fork)
    assert ("new", None) == met.came("bob", accept=True)
    # What was met stays remembered, whatever is accepted.
    assert "bad" == met.answer()


def test_the_memory_of_a_key_outlives_its_remote(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """`remote remove` and the same again, under another name: nothing is forgotten."""
    remote.remove(met.workspace, "bob")
    assert "bad" == met.answer()
    for name in ("bob", "other"):
        met.follow(bob, name=name, pin=name == "other")
        web.offer(bob, states[3])
        assert ("unchanged", "behind") == met.came(name)
        assert "unknown" == met.answer(file_id("4"))
        web.offer(bob, bob.repository([], sequence=4, previous={}))
        with nothing_changes(met):
            assert ("refused", "rollback") == met.came(name)
        web.offer(bob, bob.repository([], sequence=5, previous={}))
        with nothing_changes(met):
            assert ("refused", "fork") == met.came(name)
        web.offer(bob, states[4])
        assert ("unchanged", None) == met.came(name)
        assert "ok" == met.answer(file_id("4"))
        remote.remove(met.workspace, name)


def test_a_mirror_that_lags_does_not_take_away(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """Two remotes of one key: the newer state counts, the older is behind."""
    mirror = Party("mirror")
    mirror.key, mirror.certificate = bob.key, bob.certificate
    web.offer(mirror, states[2])
    met.follow(mirror)
    assert ("unchanged", "behind") == met.came("mirror")
    assert "bad" == met.answer()
    assert "ok" == met.answer(file_id("4"))
    web.offer(mirror, states[4])
    assert ("unchanged", None) == met.came("mirror")
    assert ("bob", "mirror") == met.lines(file_id("4"))[bob.fingerprint].sources


def test_a_mirror_that_lies_does_not_block_one_that_does_not(
    met: Reader, web: Web, bob: Party
) -> None:
    """What a mirror forks is refused there, and the other goes on."""
    mirror = Party("mirror")
    mirror.key, mirror.certificate = bob.key, bob.certificate
    met.follow(mirror)
    bob.says(file_id("new"))
    web.offer(bob, bob.repository(sequence=6))
    web.offer(mirror, bob.repository([], sequence=5, previous={}))
    found = {one.name: (one.result, one.reason) for one in met.fetch_all()}
    assert ("new", None) == found["bob"]
    assert "refused" == found["mirror"][0] or ("unchanged", "behind") == found["mirror"]
    assert "ok" == met.answer(file_id("new"))
    assert "bad" == met.answer()


def test_the_past_is_compared_with_the_state_that_was_met_last(
    reader: Reader, web: Web, bob: Party
) -> None:
    """Also where another mirror brought it: this one's own document knows less."""
    mirror = Party("mirror")
    mirror.key, mirror.certificate = bob.key, bob.certificate
    first = bob.repository()
    reader.follow(bob)
    reader.follow(mirror)
    web.offer(bob, first)
    web.offer(mirror, first)
    reader.fetch_all()
    bob.repository()
    web.offer(mirror, bob.repository())
    assert ("new", None) == reader.came("mirror")
    web.offer(bob, bob.repository([bob.statement()], sequence=2))
    with nothing_changes(reader):
        assert ("refused", "rollback") == reader.came("bob")


def test_what_is_frozen_past_its_expiry_is_stale(reader: Reader, web: Web, bob: Party) -> None:
    """An ok from a state past its `expires` does not count, a warning does."""
    bob.says()
    bob.says(file_id("bad"), ok=False)
    web.offer(bob, bob.repository(expires="2025-06-20T00:00:00Z"))
    reader.follow(bob, counts=True)
    reader.came("bob")
    end = 1_750_377_600
    reader.clock.at = end
    assert ("ok", "bad") == (reader.answer(), reader.answer(file_id("bad")))
    reader.clock.at = end + 1
    assert ("unverified", "bad") == (reader.answer(), reader.answer(file_id("bad")))
    assert "stale" == reader.lines()[bob.fingerprint].state.value
    # The same state again is not news: it stays stale.
    assert ("unchanged", None) == reader.came("bob")
    assert "unverified" == reader.answer()
    web.offer(bob, bob.repository(at=end))
    reader.came("bob")
    assert "ok" == reader.answer()


def test_one_source_that_is_not_stale_is_enough(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """A statement is stale where all its sources are."""
    said = bob.says()
    web.offer(bob, bob.repository(expires="2025-06-16T00:00:00Z"))
    web.offer(carol, carol.repository([said]))
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    reader.clock.at += 30 * DAY
    assert "ok" == reader.answer()
    remote.remove(reader.workspace, "carol")
    assert "unverified" == reader.answer()


def test_an_ok_that_expires_does_not_revive_an_older_one(
    reader: Reader, web: Web, bob: Party
) -> None:
    """Nor does a warning ever expire."""
    bob.says(at=NOW - 3 * DAY)
    bob.says(at=NOW - 2 * DAY, expires="2025-06-20T00:00:00Z")
    bob.says(file_id("bad"), ok=False, expires="2025-06-20T00:00:00Z")
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    assert ("ok", "bad") == (reader.answer(), reader.answer(file_id("bad")))
    reader.clock.at += 30 * DAY
    assert ("unverified", "bad") == (reader.answer(), reader.answer(file_id("bad")))


def test_damaged_memory_is_not_forgotten_silently(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """A file that does not read would allow a rollback."""
    place = met.path / f"memory/{bob.fingerprint}/state"
    place.write_bytes(b"{}")
    web.offer(bob, states[3])
    with nothing_changes(met):
        assert ("failed", "format") == met.came("bob")


def test_offline_asks_nobody(met: Reader, tmp_path: Path) -> None:
    """Where the transport is one that refuses, nothing is touched."""
    from sig.errors import NetworkError
    from sig.verbs.fetch import fetch

    def refuse() -> Web:
        raise NetworkError("not asked: --offline")

    desk = met.workspace
    desk.transport = refuse
    with nothing_changes(met), pytest.raises(NetworkError):
        fetch(desk)
    met.web.asked.clear()
    met.answer(FILE)
    assert [] == met.web.asked


def test_accept_of_a_state_without_a_sequence_is_accepted_for_good(
    met: Reader, web: Web, bob: Party, states: list[bytes]
) -> None:
    """Bob went back to the program of 2016, and his reader agreed: the next fetch is like any.

    What was met of his warnings stays, and with his next sequence the comparing begins again.
    """
    old = bob.repository([bob.statement(file_id("old"))], sequence=0)
    web.offer(bob, old)
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")
    assert ("new", None) == met.came("bob", accept=True)
    assert ("unchanged", None) == met.came("bob")
    assert ["ok", "unverified", "bad"] == [
        met.answer(file_id("old")),
        met.answer(file_id("4")),
        met.answer(),
    ]
    web.offer(bob, bob.repository([bob.statement(file_id("newer"))], sequence=0))
    assert ("new", None) == met.came("bob")
    assert "ok" == met.answer(file_id("newer"))
    web.offer(bob, bob.repository([bob.statement()], sequence=6, previous={}))
    assert ("new", None) == met.came("bob")
    web.offer(bob, bob.repository([bob.statement(file_id("old"))], sequence=0))
    with nothing_changes(met):
        assert ("refused", "rollback") == met.came("bob")


@pytest.mark.parametrize("sequence", [2, 5, 9])
def test_accept_makes_the_state_that_was_taken_the_remembered_one(
    met: Reader, web: Web, bob: Party, sequence: int
) -> None:
    """Lower, forked or rewritten: it is compared with from then on, also after the remote."""
    other = bob.repository([], sequence=sequence, previous={5: "0" * 64} if sequence > 5 else {})
    web.offer(bob, other)
    met.came("bob")
    assert ("new", None) == met.came("bob", accept=True)
    assert ("unchanged", None) == met.came("bob")
    remote.remove(met.workspace, "bob")
    met.follow(bob)
    assert ("unchanged", None) == met.came("bob")
    fork = bob.repository([bob.statement()], sequence=sequence, previous={})
    web.offer(bob, fork)
    with nothing_changes(met):
        assert ("refused", "fork") == met.came("bob")
    web.offer(bob, bob.repository([], sequence=sequence + 1, previous={}))
    assert ("new", None) == met.came("bob")


@pytest.mark.parametrize("sequence", [3, 0])
def test_a_new_certificate_beside_an_older_state_takes_memory_not_back(
    reader: Reader, web: Web, bob: Party, states: list[bytes], sequence: int
) -> None:
    """A mirror brought state 5; Bob's own server still has an older one and a renewed key.asc."""
    mirror = Party("mirror")
    mirror.key, mirror.certificate = bob.key, bob.certificate
    older = states[2] if sequence else bob.repository([bob.statement()], sequence=0)
    web.offer(bob, older)
    web.offer(mirror, states[4])
    reader.follow(bob, counts=True)
    reader.follow(mirror)
    assert ("new", None) == reader.came("bob")
    assert ("new", None) == reader.came("mirror")
    renewed = merged(bob.certificate, bob.key.public + bob.key.named(bob.uid, NOW - 5))
    web.pages[bob.url + "key.asc"] = armored(renewed)
    assert ("unchanged", None) == reader.came("bob")
    web.offer(mirror, bob.repository([], sequence=4, previous={}))
    with nothing_changes(reader):
        assert ("refused", "rollback") == reader.came("mirror")
