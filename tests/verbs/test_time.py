"""Clocks that are wrong, on purpose or not (docs/spec/envelope §6, memory §3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sig.errors import Conflict
from sig.verbs import attest, config
from tests.verbs.parties import (
    DAY,
    FILE,
    NOW,
    Party,
    Reader,
    Web,
    armored,
    file_id,
    nothing_changes,
)

YEAR = 365 * DAY


def test_an_ok_from_a_year_ahead_waits_and_a_warning_does_not(
    reader: Reader, web: Web, bob: Party
) -> None:
    """Ten minutes are borne."""
    bob.says(at=NOW + YEAR)
    bob.says(file_id("bad"), ok=False, at=NOW + YEAR)
    bob.says(file_id("now"), at=NOW + 600)
    web.offer(bob)
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "future" == reader.lines()[bob.fingerprint].state.value
    said = ("unverified", "bad", "ok")
    ids = (FILE, file_id("bad"), file_id("now"))
    assert said == tuple(reader.answer(id) for id in ids)
    reader.clock.at = NOW + YEAR
    assert ("ok", "bad", "ok") == tuple(reader.answer(id) for id in ids)


@pytest.mark.parametrize("word", ["ok", "withdrawal"])
def test_a_word_from_the_future_ends_no_warning_before_its_time(
    reader: Reader, web: Web, bob: Party, word: str
) -> None:
    """A thief cannot take a warning back by a date that nobody's clock has reached."""
    bob.says(ok=False)
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    later = bob.statement(at=NOW + YEAR) if word == "ok" else bob.withdrawal(at=NOW + YEAR)
    web.offer(bob, bob.repository([later]))
    assert ("new", None) == reader.came("bob")
    assert ("bad", "bad") == (reader.answer(), reader.without_index().answer.value)


def test_what_is_met_after_the_end_of_its_key_is_late(reader: Reader, web: Web, bob: Party) -> None:
    """The thief of an old key signs in its past; a policy may refuse that, warnings never."""
    end = NOW - 10 * DAY
    short = bob.key.public + bob.key.named(bob.uid, expires=end - bob.key.created)
    bob.says(at=end - DAY)
    bob.says(file_id("bad"), ok=False, at=end - DAY)
    web.offer(bob, bob.repository(at=end - DAY), armored(short))
    reader.follow(bob, counts=True)
    reader.clock.at = end - 5
    assert ("new", None) == reader.came("bob")
    bob.says(file_id("late"), at=end - DAY)
    bob.says(file_id("late bad"), ok=False, at=end - DAY)
    web.offer(bob, bob.repository(at=end - DAY), armored(short))
    reader.clock.at = NOW
    assert ("new", None) == reader.came("bob")
    ids = (FILE, file_id("bad"), file_id("late"), file_id("late bad"))
    assert ["ok", "bad", "ok", "bad"] == [reader.answer(id) for id in ids]
    assert "late" == reader.lines(file_id("late"))[bob.fingerprint].state.value
    config.change(reader.workspace, "policy", {"late": "refuse"})
    said = ["ok", "bad", "unverified", "bad"]
    assert said == [reader.answer(id) for id in ids]
    assert said == [reader.without_index(id).answer.value for id in ids]


def test_signing_the_same_words_anew_does_not_make_them_new(
    reader: Reader, web: Web, bob: Party
) -> None:
    """When words were first met belongs to who said what, wherever they are met again."""
    bob.says()
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    (met,) = (reader.path / "remotes/bob/met").read_text().splitlines()
    reader.clock.at += 50 * DAY
    web.offer(bob, bob.repository([bob.statement(at=NOW - 5)]))
    reader.came("bob")
    assert [met] == (reader.path / "remotes/bob/met").read_text().splitlines()


def test_a_clock_that_was_set_back_signs_nothing_older_than_the_last_word(
    tmp_path: Path, web: Web, bob: Party
) -> None:
    """Two words in the wrong order would make the older one the newest."""
    desk = Reader(tmp_path / "desk", web, bob)
    data = {"id": FILE, "ok": True, "reviewed": True}
    attest.sign_statements(desk.workspace, [data], None)
    desk.clock.at -= DAY
    with nothing_changes(desk), pytest.raises(Conflict):
        attest.sign_statements(desk.workspace, [data | {"ok": False}], None)
    # About another file it does not matter.
    attest.sign_statements(desk.workspace, [data | {"id": file_id("other")}], None)
    desk.clock.at += DAY + 1
    attest.sign_statements(desk.workspace, [data | {"ok": False}], None)
    assert "bad" == desk.answer()


def test_a_reader_whose_clock_is_behind_refuses_the_future_and_recovers(
    follower: Reader, web: Web, bob: Party
) -> None:
    """What its owner signed after this clock is refused until the clock is right."""
    bob.says(file_id("more"))
    web.offer(bob)
    follower.clock.at -= 10 * DAY
    before = follower.state
    assert ("refused", "signature") == follower.came("bob")
    assert before == follower.state
    follower.clock.at += 10 * DAY
    assert ("new", None) == follower.came("bob")
    assert "ok" == follower.answer(file_id("more"))


def test_the_verdict_of_a_moment_in_the_past_can_be_had_again(
    reader: Reader, web: Web, bob: Party
) -> None:
    """The same folder asked with the clock of then gives the words of then."""
    bob.says(expires="2025-07-01T00:00:00Z")
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    then = reader.verdict()
    reader.clock.at += YEAR
    assert "unverified" == reader.answer()
    reader.clock.at -= YEAR
    assert then == reader.verdict()
