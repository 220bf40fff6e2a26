"""Every rule of the decision, with its positive twin."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from sig.model.identifier import Identifier
from sig.model.standing import Standing
from sig.model.verdict import Answer, State, Verdict
from sig.trust.decide import Weighed, decide, ended
from sig.trust.policy import Policy
from tests.trust.sayings import (
    ALICE,
    BASE,
    BOB,
    CAROL,
    DAY,
    FILE,
    FRIENDS,
    MALLORY,
    NOW,
    OTHER,
    brief,
    line,
    malformed,
    refused,
    says,
    states,
    verdict,
    withdraws,
)

HARD, SOFT, EXPIRED = Standing.REVOKED_HARD, Standing.REVOKED_SOFT, Standing.EXPIRED
SHA512 = Identifier("sha512:" + "5" * 128)


# --- R1 about -------------------------------------------------------------------------------------


def test_a_statement_counts_for_its_own_id() -> None:
    """R1, the positive twin of all that follow."""
    assert "ok enough" == brief(verdict(says(ALICE)))


def test_a_statement_filed_under_another_id_is_not_believed_there() -> None:
    """R1: the hole of the 2016 program. It is shown, and nothing more."""
    found = verdict(says(ALICE, id=OTHER, filed=FILE))
    assert "unverified not-counted" == brief(found)
    assert [("A", "invalid", False)] == states(found)
    assert "it is about another file than it is filed under" == found.statements[0].why


def test_a_warning_filed_under_another_id_warns_of_nothing_there() -> None:
    """R1: neither way."""
    assert "ok enough" == brief(verdict(says(ALICE), says(BOB, False, id=OTHER, filed=FILE)))


def test_a_statement_counts_wherever_it_was_filed() -> None:
    """R1: the signed data say what it is about."""
    assert "ok enough" == brief(verdict(says(ALICE, filed=OTHER)))


def test_a_statement_about_something_else_is_nothing() -> None:
    """R1: not even a line."""
    found = verdict(says(ALICE, id=OTHER))
    assert "unknown no-statement" == brief(found)
    assert () == found.statements


def test_who_asks_by_an_alias_gets_the_statement() -> None:
    """R1."""
    assert "ok enough" == brief(verdict(says(ALICE, aliases=[SHA512]), id=SHA512))


def test_a_second_sha256_makes_no_other_file_ok() -> None:
    """R1: an attacker's digest hidden among the aliases of a good file."""
    found = verdict(says(ALICE, id=OTHER, aliases=[FILE]))
    assert "unverified not-counted" == brief(found)
    assert [("A", "out-of-scope", False)] == states(found)


def test_a_warning_about_an_alias_warns() -> None:
    """R1: the twin; a warning always stands."""
    assert "bad marked-bad" == brief(verdict(says(ALICE, False, id=OTHER, aliases=[FILE])))


def test_asked_by_alias_a_withdrawal_without_the_alias_withdraws() -> None:
    """R1: all that the signer said about the aliased id is read."""
    aliased, plain = says(ALICE, aliases=[SHA512]), withdraws(ALICE)
    found = verdict(aliased, plain, id=SHA512)
    assert "unverified not-counted" == brief(found)
    assert [("A", "withdrawn", False), ("A", "superseded", False)] == states(found)


def test_asked_by_alias_a_warning_without_the_alias_warns() -> None:
    """R1: the worse decides."""
    found = verdict(says(ALICE, aliases=[SHA512]), says(ALICE, False, at=NOW - 9), id=SHA512)
    assert "bad marked-bad" == brief(found)


def test_an_alias_that_the_newest_word_no_longer_names_is_not_ok() -> None:
    """R1: the alias was a mistake, and the signer said so."""
    found = verdict(says(ALICE, aliases=[SHA512]), says(ALICE, at=NOW - 9), id=SHA512)
    assert "unverified not-counted" == brief(found)


def test_a_stranger_cannot_lend_an_alias_to_the_word_of_a_friend() -> None:
    """R1: else anyone could make his own file ok by it."""
    found = verdict(says(ALICE), says(MALLORY, aliases=[SHA512]), id=SHA512)
    assert "unverified untrusted" == brief(found)


def test_two_files_under_one_alias_do_not_add_up() -> None:
    """R8: of two ids with one alias each needs its own signers."""
    one, two = says(ALICE, aliases=[SHA512]), says(BOB, id=OTHER, aliases=[SHA512])
    assert "unverified below-policy" == brief(verdict(one, two, id=SHA512, policy=Policy(ok=2)))
    twin = says(BOB, aliases=[SHA512])
    assert "ok enough" == brief(verdict(one, twin, id=SHA512, policy=Policy(ok=2)))


def test_the_worse_of_two_files_under_one_alias_decides() -> None:
    """R1 and R8: a warning about either."""
    one, two = says(ALICE, aliases=[SHA512]), says(BOB, False, id=OTHER, aliases=[SHA512])
    assert "bad marked-bad" == brief(verdict(one, two, id=SHA512))


# --- R2 once --------------------------------------------------------------------------------------


def test_copies_are_one_statement_with_all_sources() -> None:
    """R2: also where the unhashed part of the signature was changed."""
    found = verdict(
        says(ALICE, sources=("b",), first_met=NOW - 5),
        says(ALICE, sources=("a",), first_met=NOW - 9, sig=b"repacked"),
        policy=Policy(ok=2),
    )
    assert "unverified below-policy" == brief(found)
    (only,) = found.statements
    assert ("a", "b") == only.sources


def test_a_fresh_copy_makes_a_stale_one_fresh() -> None:
    """R2: stale only if all are."""
    assert "ok enough" == brief(verdict(says(ALICE, stale=True), says(ALICE, sources=("b",))))
    assert "unverified not-counted" == brief(
        verdict(says(ALICE, stale=True), says(ALICE, sources=("b",), stale=True))
    )


def test_memory_does_not_make_a_stale_statement_fresh() -> None:
    """R2: what only memory has says nothing of its sources."""
    found = verdict(says(ALICE, stale=True), says(ALICE, sources=(), kept=True))
    assert [("A", "stale", False)] == states(found)


def test_a_copy_by_a_stolen_subkey_takes_nothing_away() -> None:
    """R2: the same words in the same second, signed again by a fallen subkey, in either order."""
    for standing in (HARD, SOFT, EXPIRED):
        again = says(ALICE, sig=b"x", standing=standing)
        assert "ok enough" == brief(verdict(says(ALICE), again))
        assert "ok enough" == brief(verdict(again, says(ALICE)))
        warning = says(ALICE, False, sig=b"x", standing=standing)
        assert "bad marked-bad" == brief(verdict(says(ALICE, False), warning))
        assert "bad marked-bad" == brief(verdict(warning, says(ALICE, False)))


def test_the_earliest_meeting_decides_what_is_late() -> None:
    """R2 and R3."""
    copies = [
        says(ALICE, key_end=NOW - 9, first_met=met, sources=(str(met),)) for met in (NOW, NOW - 9)
    ]
    assert State.OK == line(*copies).state
    assert State.LATE == line(copies[0]).state


def test_a_broken_copy_of_a_statement_is_not_another() -> None:
    """R2: junk around the words of someone else makes no line."""
    good = says(ALICE, comment="")
    assert [("A", "ok", True)] == states(verdict(good, refused(ALICE)))


def test_remembered_is_remembered_in_every_copy() -> None:
    """R2: a copy at a remote does not make the client forget."""
    copies = [
        says(ALICE, False, standing=SOFT, kept=kept, sources=("a",)) for kept in (True, False)
    ]
    assert "bad marked-bad" == brief(verdict(*copies, says(BOB)))
    assert "bad marked-bad" == brief(verdict(*reversed(copies), says(BOB)))


# --- R3 state -------------------------------------------------------------------------------------

OF_EVERYTHING: dict[str, Any] = {
    "standing": HARD,
    "at": NOW + DAY,
    "key_end": NOW - 2 * DAY,
    "first_met": NOW,
    "stale": True,
    "expires": "2020-01-01T00:00:00Z",
    "reviewed": False,
    "needs": ["x"],
}


def test_the_first_state_that_holds_is_named() -> None:
    """R3: with everything wrong at once, and then one thing after another repaired."""
    wrong = dict(OF_EVERYTHING)
    newer = says(MALLORY, at=NOW + 2 * DAY)
    ender = says(MALLORY, False, at=NOW - 5)
    found = []
    for repair, value in [
        ("standing", EXPIRED),
        ("standing", Standing.SOUND),
        ("at", NOW - DAY),
        ("first_met", None),
        ("stale", False),
    ]:
        found.append(_state_of(verdict(says(MALLORY, **wrong), newer, ender), wrong))
        wrong[repair] = value
    found.append(_state_of(verdict(says(MALLORY, **wrong), newer, ender), wrong))
    found.append(line(says(MALLORY, **wrong)).state)
    wrong["expires"] = None
    found.append(line(says(MALLORY, **wrong)).state)
    found.append(line(says(ALICE, **wrong)).state)
    wrong["reviewed"] = True
    found.append(line(says(ALICE, **wrong)).state)
    wrong["needs"] = None
    found.append(line(says(ALICE, **wrong)).state)
    assert [
        State.KEY_REVOKED,
        State.KEY_EXPIRED,
        State.FUTURE,
        State.LATE,
        State.STALE,
        State.SUPERSEDED,
        State.EXPIRED,
        State.UNTRUSTED,
        State.UNREVIEWED,
        State.OUT_OF_SCOPE,
        State.OK,
    ] == found


def _state_of(found: Verdict, wrong: dict[str, Any]) -> State:
    (state,) = {each.state for each in found.statements if each.signed_at == wrong["at"]}
    return state


@pytest.mark.parametrize("state", [State.UNKNOWN_KEY, State.INVALID, State.WEAK])
def test_what_was_refused_is_shown_and_never_counted(state: State) -> None:
    """R3: the mathematics come first."""
    found = verdict(refused(ALICE, state))
    assert "unverified not-counted" == brief(found)
    (only,) = found.statements
    assert (state, False, "not by this key", None) == (
        only.state,
        only.counted,
        only.why,
        only.signed_at,
    )


def test_what_cannot_be_read_is_shown() -> None:
    """R3: named, beside its neighbours that stand."""
    found = verdict(malformed(ALICE), says(BOB))
    assert "ok enough" == brief(found)
    assert [("B", "ok", True), ("A", "invalid", False)] == states(found)
    assert (None, None, "") == (
        found.statements[1].ok,
        found.statements[1].reviewed,
        found.statements[1].comment,
    )


def test_ten_minutes_ahead_is_not_the_future() -> None:
    """R3: clocks differ."""
    assert State.OK == line(says(ALICE, at=NOW + 600)).state
    assert State.FUTURE == line(says(ALICE, at=NOW + 601)).state


def test_late_is_strictly_after_the_end_of_the_key() -> None:
    """R3: and an ended key whose statement was met in time is not late."""
    assert State.OK == line(says(ALICE, key_end=NOW - 9, first_met=NOW - 9)).state
    assert State.LATE == line(says(ALICE, key_end=NOW - 9, first_met=NOW - 8)).state
    assert State.OK == line(says(ALICE, key_end=NOW - 9, first_met=None)).state


def test_an_ok_expires_at_its_instant() -> None:
    """R3: by its own word or that of its signature."""
    assert State.EXPIRED == line(says(ALICE, signature_expires=NOW)).state
    assert State.OK == line(says(ALICE, signature_expires=NOW + 1)).state
    assert State.EXPIRED == line(says(ALICE, expires="2027-01-15T08:00:00Z")).state
    assert State.OK == line(says(ALICE, expires="2027-01-15T08:00:01Z")).state


def test_what_only_memory_has_of_an_ok_is_stale() -> None:
    """R3: also where the policy counts what is stale."""
    gone = says(ALICE, sources=(), kept=True)
    assert (State.STALE, "no source has it any more") == (line(gone).state, line(gone).why)
    assert "unverified not-counted" == brief(verdict(gone, policy=Policy(stale=True)))


@pytest.mark.parametrize(
    "fields",
    [{"reviewed": False}, {"base": BASE}, {"scope": ["a"]}, {"method": "tool:lint"}],
)
def test_what_no_human_read_whole_is_unreviewed(fields: dict[str, Any]) -> None:
    """R3: a part is not the whole, a tool is not a human."""
    found = verdict(says(ALICE, **fields))
    assert "unverified unreviewed" == brief(found)
    assert [("A", "unreviewed", False)] == states(found)


def test_an_unknown_need_is_out_of_scope() -> None:
    """R3: positive ignored; the twin names a field that is known."""
    found = line(says(ALICE, needs=["platform"], platform="windows"))
    assert State.OUT_OF_SCOPE == found.state
    assert "it needs platform, which this program does not know" == found.why
    assert State.OK == line(says(ALICE, needs=["manifest"])).state


def test_a_missing_criterion_is_out_of_scope() -> None:
    """R3: all words that the policy asks for."""
    policy = Policy(criteria=frozenset({"reproduced", "publisher"}))
    assert State.OUT_OF_SCOPE == line(says(ALICE, criteria=["reproduced"]), policy=policy).state
    assert (
        State.OK
        == line(says(ALICE, criteria=["publisher", "reproduced", "x"]), policy=policy).state
    )


def test_a_closure_is_no_review_of_a_file() -> None:
    """R3: it counts only for running what it lists."""
    found = verdict(says(ALICE, criteria=["app:hello", "release:1"]))
    assert [("A", "out-of-scope", False)] == states(found)
    assert "unverified not-counted" == brief(found)


def test_a_python_is_no_folder_and_a_folder_no_python() -> None:
    """R3: an ok counts for running programs with an interpreter if it says so, and then for nothing
    else. A warning counts for both."""
    for criteria, purpose, counts in (
        (["python-build"], "python-build", True),
        (["python-build"], "", False),
        (["python-build"], "app:python-build", False),
        ([], "python-build", False),
        (["app:python-build"], "python-build", False),
        ([], "", True),
    ):
        said = [says(ALICE, criteria=criteria)]
        found = decide(FILE, said, FRIENDS, Policy(), NOW, purpose=purpose)
        assert ("ok enough" if counts else "unverified not-counted") == brief(found)
        said.append(says(BOB, False))
        assert Answer.BAD is decide(FILE, said, FRIENDS, Policy(), NOW, purpose=purpose).answer


def test_why_names_what_stands_in_the_way() -> None:
    """R3: not a state that the policy bears anyway."""
    late = says(MALLORY, key_end=NOW - 9, first_met=NOW)
    assert (State.LATE, "the key is not trusted") == (line(late).state, line(late).why)


def test_why_names_the_first_of_several() -> None:
    """R3."""
    expired = line(says(ALICE, expires="2020-01-01T00:00:00Z", reviewed=False))
    assert (State.EXPIRED, "it has expired") == (expired.state, expired.why)


def test_a_partial_review_is_none_whoever_made_the_value() -> None:
    """R3: `wire` makes no such statement; the decision does not rest on that."""
    whole = says(ALICE)
    for part in ({"base": BASE}, {"scope": ("a",)}, {"method": "model:m"}):
        assert whole.attestation is not None
        said = whole.attestation.statement._replace(**part)
        partial = whole._replace(attestation=whole.attestation._replace(statement=said))
        assert State.UNREVIEWED == line(partial).state


def test_what_counts_plainly_needs_no_why() -> None:
    """R3."""
    assert ("", "") == (line(says(ALICE)).why, line(says(ALICE, False)).why)


# --- R4 the word of a signer ----------------------------------------------------------------------


def test_a_newer_ok_ends_an_older() -> None:
    """R4c."""
    found = verdict(says(ALICE, comment="old"), says(ALICE, at=NOW - 9, comment="new"))
    assert [("A", "ok", True), ("A", "superseded", False)] == states(found)


def test_another_topic_ends_nothing() -> None:
    """R4: a tool's word and a part's word stand beside the human's."""
    others: list[dict[str, Any]] = [{"method": "tool:lint"}, {"base": BASE}, {"method": "model:m"}]
    for fields in others:
        assert "ok enough" == brief(verdict(says(ALICE), says(ALICE, at=NOW - 9, **fields)))


def test_the_signer_can_warn_after_an_ok() -> None:
    """R4c."""
    found = verdict(says(ALICE), says(ALICE, False, at=NOW - 9))
    assert "bad marked-bad" == brief(found)
    assert [("A", "not-ok", True), ("A", "superseded", False)] == states(found)


def test_a_reviewed_ok_ends_an_older_warning() -> None:
    """R4b."""
    found = verdict(says(ALICE, False), says(ALICE, at=NOW - 9))
    assert "ok enough" == brief(found)
    assert [("A", "ok", True), ("A", "superseded", False)] == states(found)


def test_an_older_ok_does_not_end_a_newer_warning() -> None:
    """R4a."""
    assert "bad marked-bad" == brief(verdict(says(ALICE, False, at=NOW - 9), says(ALICE)))


@pytest.mark.parametrize(
    "more",
    [
        {"reviewed": False},
        {"base": BASE},
        {"scope": ["a"]},
        {"method": "tool:lint"},
        {"needs": ["platform"]},
        {"standing": HARD},
        {"standing": SOFT},
        {"standing": EXPIRED},
        {"at": NOW + 601},
        {"standing": HARD, "kept": True},
        {"standing": SOFT, "kept": True},
    ],
)
def test_only_a_sound_reviewed_ok_ends_a_warning(more: dict[str, Any]) -> None:
    """R4b: everything less leaves the warning."""
    newer = says(ALICE, **({"at": NOW - 9} | more))
    assert "bad marked-bad" == brief(verdict(says(ALICE, False), newer, says(BOB)))


@pytest.mark.parametrize(
    "more",
    [
        {"expires": "2020-01-01T00:00:00Z"},
        {"signature_expires": NOW - 1},
        {"stale": True},
        {"sources": ()},
        {"criteria": ["app:x"]},
    ],
)
def test_what_was_ended_stays_so_when_the_newer_one_does_not_count(more: dict[str, Any]) -> None:
    """R4d: for a warning and for an ok."""
    newer = says(ALICE, at=NOW - 9, **more)
    assert "ok enough" == brief(verdict(says(ALICE, False), newer, says(BOB)))
    assert "unverified not-counted" == brief(verdict(says(ALICE), newer))


def test_a_late_ok_ends_a_warning_only_where_late_counts() -> None:
    """R4b: the thief of an ended key signs in its past; who refuses late must not hear him."""
    warning, late = says(ALICE, False), says(ALICE, at=NOW - 9, key_end=NOW - 8, first_met=NOW)
    assert "ok enough" == brief(verdict(warning, late))
    assert "bad marked-bad" == brief(verdict(warning, late, says(BOB), policy=Policy(late=False)))
    kept = late._replace(kept=True)
    assert "ok enough" == brief(verdict(warning, kept, says(BOB), policy=Policy(late=False)))


def test_a_late_withdrawal_ends_a_warning_only_where_late_counts_or_it_counted_once() -> None:
    """R4b: kept is what was met before the end of the key was known."""
    ended = {"key_end": NOW - 8, "first_met": NOW}
    strict = Policy(late=False)
    for kept, policy, expected in [
        (False, Policy(), "ok enough"),
        (False, strict, "bad marked-bad"),
        (True, strict, "ok enough"),
    ]:
        late = withdraws(ALICE, kept=kept, **ended)
        assert expected == brief(verdict(says(ALICE, False), late, says(BOB), policy=policy))


def test_a_withdrawal_ends_everything_older_whatever_its_topic() -> None:
    """R4b and R4c."""
    found = verdict(
        says(ALICE),
        says(ALICE, False, method="tool:lint"),
        says(ALICE, False, base=BASE),
        withdraws(ALICE),
    )
    assert "unverified not-counted" == brief(found)
    assert [("A", "withdrawn", False)] + 3 * [("A", "superseded", False)] == states(found)
    assert "taken back by its signer" == found.statements[1].why


def test_a_withdrawal_leaves_what_is_newer() -> None:
    """R4a."""
    assert "ok enough" == brief(verdict(withdraws(ALICE), says(ALICE, at=NOW - 9)))
    assert "bad marked-bad" == brief(verdict(withdraws(ALICE), says(ALICE, False, at=NOW - 9)))


def test_a_withdrawal_that_counted_ends_warnings_after_its_key_ended() -> None:
    """R4b: but not after its key was stolen, and not if it never counted."""
    for standing, kept, expected in [
        (SOFT, True, "ok enough"),
        (EXPIRED, True, "ok enough"),
        (HARD, True, "bad marked-bad"),
        (SOFT, False, "bad marked-bad"),
        (HARD, False, "bad marked-bad"),
    ]:
        back = withdraws(ALICE, standing=standing, kept=kept)
        assert expected == brief(verdict(says(ALICE, False), back, says(BOB))), (standing, kept)


def test_a_withdrawal_that_we_may_misread_ends_no_warning() -> None:
    """R4b."""
    back = withdraws(ALICE, needs=["platform"])
    assert "bad marked-bad" == brief(verdict(says(ALICE, False), back))
    assert "unverified not-counted" == brief(verdict(says(ALICE), back))


def test_a_withdrawal_whose_sources_are_gone_still_withdraws() -> None:
    """R4d."""
    back = withdraws(ALICE, sources=(), kept=True)
    assert "unverified not-counted" == brief(verdict(says(ALICE), says(ALICE, False), back))


@pytest.mark.parametrize("kind", [says, withdraws])
@pytest.mark.parametrize(
    ("standing", "kept", "expected"),
    [
        (Standing.SOUND, False, "unverified not-counted"),
        (HARD, False, "unverified not-counted"),
        (SOFT, True, "unverified not-counted"),
        (EXPIRED, True, "unverified not-counted"),
        (SOFT, False, "ok enough"),
        (EXPIRED, False, "ok enough"),
    ],
)
def test_no_older_ok_is_revived_by_what_happens_to_a_newer_word(
    kind: Callable[..., Weighed], standing: Standing, kept: bool, expected: str
) -> None:
    """R4c: what a fallen key signed after its end never counted, and ends nothing."""
    newer = kind(ALICE, at=NOW - 9, standing=standing, kept=kept, stale=True)
    assert expected == brief(verdict(says(ALICE), newer))


@pytest.mark.parametrize("kind", [says, withdraws])
def test_what_is_in_the_future_ends_nothing_unless_it_warns(
    kind: Callable[..., Weighed],
) -> None:
    """R4c: an ok with a clock a year ahead must not silence its signer for a year."""
    for standing in (Standing.SOUND, HARD):
        ahead = kind(ALICE, at=NOW + 365 * DAY, standing=standing)
        assert "ok enough" == brief(verdict(says(ALICE), ahead))
    found = verdict(says(ALICE), says(ALICE, False, at=NOW + 365 * DAY))
    assert "bad marked-bad" == brief(found)
    assert [("A", "future", True), ("A", "superseded", False)] == states(found)


def test_in_one_second_a_warning_is_newest_then_a_withdrawal() -> None:
    """R4a."""
    at = NOW - 9
    assert "bad marked-bad" == brief(verdict(says(ALICE, at=at), says(ALICE, False, at=at)))
    back = withdraws(ALICE, at=at)
    assert "bad marked-bad" == brief(verdict(back, says(ALICE, False, at=at)))
    assert "unverified not-counted" == brief(verdict(back, says(ALICE, at=at)))


def test_two_oks_of_one_second_do_not_end_each_other() -> None:
    """R4a: neither is newer."""
    found = verdict(says(ALICE, comment="a"), says(ALICE, comment="b"))
    assert [("A", "ok", True), ("A", "ok", True)] == states(found)


def test_the_word_of_one_signer_ends_nothing_of_another() -> None:
    """R4."""
    assert "bad marked-bad" == brief(
        verdict(says(ALICE, False), withdraws(BOB), withdraws(MALLORY))
    )
    assert "ok enough" == brief(verdict(says(ALICE), withdraws(MALLORY), says(MALLORY, False)))


def test_the_word_is_formed_for_strangers_too() -> None:
    """R4: for those who look."""
    found = verdict(says(MALLORY), says(MALLORY, at=NOW - 9, comment="new"))
    assert [("D", "untrusted", False), ("D", "superseded", False)] == states(found)


def test_ten_thousand_statements_of_one_key_are_read_in_one_pass() -> None:
    """R4: flooding one id costs no square."""
    many = [says(MALLORY, at=NOW - DAY + at, comment=str(at)) for at in range(10_000)]
    start = time.process_time()
    verdict(*many)
    assert time.process_time() - start < 2


# --- R5 ok ----------------------------------------------------------------------------------------


def test_a_stranger_says_nothing() -> None:
    """R5."""
    found = verdict(says(MALLORY))
    assert "unverified untrusted" == brief(found)
    assert "no trusted signer has attested it" == found.message
    assert [("D", "untrusted", False)] == states(found)
    assert "the key is not trusted" == found.statements[0].why


@pytest.mark.parametrize("standing", [HARD, SOFT, EXPIRED])
def test_an_ok_falls_with_its_key(standing: Standing) -> None:
    """R5: kept or not."""
    for kept in (False, True):
        found = verdict(says(ALICE, standing=standing, kept=kept))
        assert "unverified not-counted" == brief(found)
        assert f"why: {standing.value}" == found.statements[0].why


def test_a_late_ok_counts_if_the_policy_says_so() -> None:
    """R5: it is shown as late either way."""
    late = says(ALICE, key_end=NOW - 9, first_met=NOW)
    assert [("A", "late", True)] == states(verdict(late))
    assert [("A", "late", False)] == states(verdict(late, policy=Policy(late=False)))


def test_a_stale_ok_counts_if_the_policy_says_so() -> None:
    """R5."""
    stale = says(ALICE, stale=True)
    assert [("A", "stale", False)] == states(verdict(stale))
    assert [("A", "stale", True)] == states(verdict(stale, policy=Policy(stale=True)))


@pytest.mark.parametrize(
    "more",
    [
        {"reviewed": False},
        {"needs": ["x"]},
        {"criteria": ["app:x"]},
        {"expires": "2020-01-01T00:00:00Z"},
        {"sources": ()},
    ],
)
def test_a_state_that_the_policy_bears_hides_no_other(more: dict[str, Any]) -> None:
    """R5: counting follows from all conditions, not from the name of the first."""
    bearing = Policy(stale=True)
    firsts: list[dict[str, Any]] = [{"key_end": NOW - 9, "first_met": NOW}, {"stale": True}]
    for first in firsts:
        assert Answer.OK == verdict(says(ALICE, **first), policy=bearing).answer
        assert Answer.UNVERIFIED == verdict(says(ALICE, **first, **more), policy=bearing).answer
        assert Answer.UNVERIFIED == verdict(says(MALLORY, **first), policy=bearing).answer
    newer = says(ALICE, at=NOW - 9, reviewed=False)
    assert Answer.UNVERIFIED == verdict(says(ALICE, stale=True), newer, policy=bearing).answer


# --- R6 warnings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reviewed": False},
        {"standing": HARD},
        {"standing": HARD, "at": NOW + DAY},
        {"at": NOW + 365 * DAY},
        {"key_end": NOW - 9, "first_met": NOW},
        {"stale": True},
        {"sources": (), "kept": True},
        {"standing": SOFT, "kept": True},
        {"standing": EXPIRED, "kept": True},
        {"expires": "2020-01-01T00:00:00Z"},
        {"signature_expires": NOW - 1},
        {"needs": ["x"]},
        {"criteria": ["app:x"]},
        {"base": BASE},
        {"method": "tool:lint"},
        {"reviewed": "no"},
        {"comment": 7, "aliases": 8, "expires": 9},
    ],
)
def test_a_warning_counts(more: dict[str, Any]) -> None:
    """R6: nothing but its signer's newer word or the user ends it, however odd it is."""
    strict = Policy(late=False, criteria=frozenset({"reproduced"}))
    found = verdict(says(ALICE, False, **more), says(BOB, criteria=["reproduced"]), policy=strict)
    assert "bad marked-bad" == brief(found)
    assert found.statements[0].counted


@pytest.mark.parametrize("standing", [SOFT, EXPIRED])
def test_a_warning_signed_after_the_end_of_its_key_never_counted(standing: Standing) -> None:
    """R6: unless it is remembered from before that was known."""
    found = verdict(says(ALICE, False, standing=standing), says(BOB))
    assert "ok enough" == brief(found)
    assert f"why: {standing.value}" == found.statements[1].why


def test_a_stranger_cannot_warn() -> None:
    """R6."""
    found = verdict(says(ALICE), says(MALLORY, False))
    assert "ok enough" == brief(found)
    assert [("A", "ok", True), ("D", "untrusted", False)] == states(found)


def test_the_user_ends_the_warning_of_a_stolen_key() -> None:
    """R6: by ending the trust in it."""
    warning = says(ALICE, False, standing=HARD)
    assert "bad marked-bad" == brief(verdict(warning, says(BOB)))
    assert "ok enough" == brief(verdict(warning, says(BOB), trusted=FRIENDS - {ALICE}))


# --- R7 one voice ---------------------------------------------------------------------------------


def test_one_certificate_is_one_voice() -> None:
    """R7: two topics, two subkeys, two copies."""
    two = [says(ALICE, comment="a"), says(ALICE, comment="b")]
    assert "unverified below-policy" == brief(verdict(*two, policy=Policy(ok=2)))
    assert "ok enough" == brief(verdict(says(ALICE), says(BOB), policy=Policy(ok=2)))


def test_two_warnings_of_one_signer_are_one() -> None:
    """R7."""
    two = [says(ALICE, False), says(ALICE, False, method="tool:lint"), says(BOB)]
    assert "ok enough" == brief(verdict(*two, policy=Policy(not_ok=1)))
    assert "bad marked-bad" == brief(verdict(*two, says(CAROL, False), policy=Policy(not_ok=1)))


def test_who_warns_does_not_say_ok() -> None:
    """R7: in whatever topic."""
    found = verdict(says(ALICE), says(ALICE, False, method="tool:lint"), policy=Policy(not_ok=1))
    assert "unverified below-policy" == brief(found)
    assert [("A", "not-ok", True), ("A", "ok", False)] == states(found)
    assert "the same signer marks it bad" == found.statements[1].why


# --- R8 the answer --------------------------------------------------------------------------------


def test_nothing_is_unknown() -> None:
    """R8."""
    found = verdict()
    assert ("unknown no-statement", "nobody has attested it") == (brief(found), found.message)


def test_one_warning_is_too_much() -> None:
    """R8: however many say ok."""
    found = verdict(says(ALICE), says(BOB), says(CAROL, False))
    assert ("bad marked-bad", "marked bad by 1 trusted signer") == (brief(found), found.message)


def test_the_policy_can_bear_warnings() -> None:
    """R8: and says so by its number."""
    two = [says(ALICE, False), says(BOB, False), says(CAROL)]
    assert "bad marked-bad" == brief(verdict(*two, policy=Policy(not_ok=1)))
    assert "marked bad by 2 trusted signers" == verdict(*two, policy=Policy(not_ok=1)).message
    assert "ok enough" == brief(verdict(*two, policy=Policy(not_ok=2)))


def test_too_few_is_below_the_policy() -> None:
    """R8."""
    found = verdict(says(ALICE), says(BOB), policy=Policy(ok=3))
    assert "unverified below-policy" == brief(found)
    assert "2 of 3 needed signers say ok" == found.message
    found = verdict(says(ALICE, False), policy=Policy(not_ok=1))
    assert "unverified below-policy" == brief(found)


def test_enough_says_how_many() -> None:
    """R8."""
    assert "1 trusted signer says ok" == verdict(says(ALICE)).message
    assert "2 trusted signers say ok" == verdict(says(ALICE), says(BOB)).message


def test_the_reason_is_that_of_the_nearest_word() -> None:
    """R8: below-policy before unreviewed before not-counted before untrusted."""
    untrusted, unreviewed = says(MALLORY), says(ALICE, reviewed=False)
    expired = says(BOB, signature_expires=1)
    assert "unverified untrusted" == brief(verdict(untrusted, refused(ALICE)))
    assert "unverified not-counted" == brief(verdict(untrusted, expired))
    assert "unverified unreviewed" == brief(verdict(untrusted, expired, unreviewed))
    assert "unverified below-policy" == brief(
        verdict(untrusted, expired, unreviewed, says(CAROL), policy=Policy(ok=2))
    )
    assert "unverified not-counted" == brief(verdict(refused(MALLORY)))


# --- lines ----------------------------------------------------------------------------------------


def test_lines_come_in_the_order_of_their_weight() -> None:
    """Counted warnings, counted oks, the rest of trusted keys, the rest."""
    found = verdict(
        malformed(MALLORY),
        says(MALLORY),
        says(CAROL, reviewed=False),
        says(ALICE),
        says(BOB, False),
        policy=Policy(not_ok=1),
    )
    assert [
        ("B", "not-ok", True),
        ("A", "ok", True),
        ("C", "unreviewed", False),
        ("D", "untrusted", False),
        ("D", "invalid", False),
    ] == states(found)
    assert (BOB, ALICE) == found.counted_keys


def test_each_key_has_one_newest_line() -> None:
    """What decided, else what is in force, else the newest; a forged claim never."""
    found = verdict(
        says(ALICE, comment="old"),
        says(ALICE, at=NOW - 9, comment="new"),
        says(ALICE, at=NOW - 5, method="tool:lint", comment="newer, a tool"),
        refused(ALICE, comment="forged"),
        refused(BOB, comment="claimed"),
        refused(BOB, comment="claimed again"),
        says(MALLORY, False, comment="old"),
        says(MALLORY, at=NOW - 9, comment="new"),
    )
    newest = [(each.key[0], each.comment) for each in found.statements if each.newest]
    assert [("A", "new"), ("D", "new"), ("B", "claimed")] == newest


def test_what_is_in_force_is_the_newest_line() -> None:
    """Not what lies ahead, and not what a stolen key ended."""
    ahead = says(MALLORY, at=NOW + DAY, comment="ahead")
    found = verdict(ahead, says(MALLORY, comment="in force"))
    assert ["in force"] == [each.comment for each in found.statements if each.newest]
    stolen = says(ALICE, at=NOW - 9, standing=HARD, comment="stolen")
    found = verdict(says(ALICE, comment="ended"), stolen)
    assert ["stolen"] == [each.comment for each in found.statements if each.newest]


def test_what_was_ended_is_named() -> None:
    """R4, for those who publish or remember: by key, signed bytes and time."""
    old, new, other = says(ALICE), says(ALICE, at=NOW - 9), says(BOB)
    assert old.attestation is not None
    assert {old.attestation.same} == ended(FILE, [old, new, other], Policy(), NOW)


def test_a_warning_that_decided_is_the_newest_line_of_its_signer() -> None:
    """Else a summary could show an ok of one who made it bad."""
    found = verdict(says(ALICE, False, method="tool:lint"), says(ALICE, at=NOW - 9))
    assert [State.NOT_OK] == [each.state for each in found.statements if each.newest]


def test_any_iterable_will_do() -> None:
    """A generator is read once."""
    assert Answer.OK == decide(FILE, (w for w in [says(ALICE)]), FRIENDS, Policy(), NOW).answer


def test_one_statement_is_decided_in_microseconds() -> None:
    """It is on the path of every start: 60 µs, with room for a slow machine."""
    one = [says(ALICE)]
    best = min(_elapsed(one) for _ in range(20))
    assert best < 60e-6 * 5


def _elapsed(weighed: list[Weighed]) -> float:
    start = time.perf_counter()
    for _ in range(20):
        decide(FILE, weighed, FRIENDS, Policy(), NOW)
    return (time.perf_counter() - start) / 20
