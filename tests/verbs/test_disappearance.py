"""What is served no more: reported, and nothing comes back to life by it (docs/spec/memory §2)."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

from sig.repo import memory
from sig.verbs import config, keys, remembering, remote, trust
from tests.soak import paired
from tests.verbs.parties import DAY, FILE, NOW, Party, Reader, Web, armored, file_id, retired


@pytest.fixture
def warned(reader: Reader, web: Web, bob: Party) -> Reader:
    """Bob, trusted, warns of FILE."""
    bob.says(ok=False, comment="it deletes your home")
    web.offer(bob)
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "bad" == reader.answer()
    return reader


def test_a_removed_warning_is_reported_and_keeps_counting(
    warned: Reader, web: Web, bob: Party
) -> None:
    """Through everything that happens to its source and its key."""
    web.offer(bob, bob.repository([]))
    found = warned.fetch("bob")
    assert (f"a warning by {bob.fingerprint} about {FILE}",) == found.gone
    assert ("bad", "bad") == (warned.answer(), warned.without_index().answer.value)
    assert () == warned.lines()[bob.fingerprint].sources
    web.offer(bob, bob.repository([]))
    assert () == warned.fetch("bob").gone
    web.offer(bob, None, retired(bob, NOW - 3 * DAY))
    warned.came("bob")
    assert "bad" == warned.answer()
    remote.remove(warned.workspace, "bob")
    assert "bad" == warned.answer()
    warned.clock.at += 3650 * DAY
    assert "bad" == warned.answer()
    trust.remove(warned.workspace, bob.fingerprint)
    assert "bad" != warned.answer()


@pytest.mark.parametrize("ends", ["a newer ok", "a withdrawal"])
def test_its_signer_ends_a_warning_that_was_removed(
    warned: Reader, web: Web, bob: Party, ends: str
) -> None:
    """The positive twin."""
    web.offer(bob, bob.repository([]))
    warned.came("bob")
    newer = bob.statement(at=NOW - 5) if ends == "a newer ok" else bob.withdrawal(at=NOW - 5)
    web.offer(bob, bob.repository([newer]))
    warned.came("bob")
    assert ("ok" if ends == "a newer ok" else "unverified") == warned.answer()
    assert warned.verdict().answer == warned.without_index().answer


@pytest.mark.parametrize(
    "newer",
    [{"reviewed": False}, {"criteria": ["app:other"]}, {"needs": ["what-nobody-knows"]}],
    ids=["not reviewed", "another criterion", "needs more"],
)
def test_an_ok_that_does_not_end_a_warning_leaves_it(
    warned: Reader, web: Web, bob: Party, newer: dict[str, Any]
) -> None:
    """Whether the warning is still served or not."""
    said = bob.statement(at=NOW - 5, **newer)
    ends = newer == {"criteria": ["app:other"]}
    for listed in ([*bob.offered, said], [said]):
        web.offer(bob, bob.repository(listed))
        warned.came("bob")
        assert ("unverified" if ends else "bad") == warned.answer()


def test_a_removed_ok_stops_counting(follower: Reader, web: Web, bob: Party) -> None:
    """And is reported."""
    web.offer(bob, bob.repository([]))
    assert (f"a statement by {bob.fingerprint} about {FILE}",) == follower.fetch("bob").gone
    assert ("unverified", "unverified") == (
        follower.answer(),
        follower.without_index().answer.value,
    )


def test_what_its_signer_ended_is_not_reported(follower: Reader, web: Web, bob: Party) -> None:
    """An ok that a newer word replaced did not disappear."""
    web.offer(bob, bob.repository([bob.statement(at=NOW - 5, comment="again")]))
    assert () == follower.fetch("bob").gone
    web.offer(bob, bob.repository([bob.withdrawal(at=NOW - 3)]))
    assert () == follower.fetch("bob").gone
    assert "unverified" == follower.answer()


def test_a_new_signature_of_the_same_words_is_not_reported(
    follower: Reader, web: Web, bob: Party
) -> None:
    """Bob signed all of it again."""
    web.offer(bob, bob.repository([bob.statement(at=NOW - 5)]))
    assert () == follower.fetch("bob").gone
    assert "ok" == follower.answer()


def test_a_withdrawal_that_disappears_stays_in_force(
    follower: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The older ok, served by someone else, does not come back."""
    web.offer(carol, carol.repository(bob.offered))
    follower.follow(carol)
    follower.came("carol")
    web.offer(bob, bob.repository([bob.withdrawal(at=NOW - 5)]))
    follower.came("bob")
    assert "unverified" == follower.answer()
    web.offer(bob, bob.repository([]))
    follower.came("bob")
    assert "unverified" == follower.answer()
    remote.remove(follower.workspace, "bob")
    assert "unverified" == follower.without_index().answer.value
    web.offer(carol, carol.repository(bob.offered))
    follower.came("carol")
    assert "unverified" == follower.answer()


# What Carol serves ended Bob's older ok, which Bob still serves. However Carol's goes, it stays so.


def drop(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    web.offer(carol, carol.repository([]))
    reader.came("carol")


def spoil(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    web.offer(carol, carol.repository([newer | {"sig": "wg=="}]))
    reader.came("carol")


def exchange(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    web.offer(carol, carol.repository([older]))
    reader.came("carol")


def misfile(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    web.offer(carol, carol.repository(filed={file_id("another"): [newer]}))
    reader.came("carol")


def remove(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    remote.remove(reader.workspace, "carol")


def pin(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    remote.add(reader.workspace, "carol", carol.url, key=Party("dave").fingerprint)


def expire(reader: Reader, web: Web, carol: Party, newer: dict[str, Any], older: Any) -> None:
    web.offer(carol, carol.repository([newer], expires="2025-06-16T00:00:00Z"))
    reader.came("carol")
    reader.clock.at += 30 * DAY


@pytest.mark.parametrize("happens", [drop, spoil, exchange, misfile, remove, pin, expire])
@pytest.mark.parametrize("what", ["not reviewed", "withdrawn", "expires", "warning"])
def test_an_older_ok_is_never_revived(
    reader: Reader, web: Web, bob: Party, carol: Party, happens: Any, what: str
) -> None:
    """By what a remote does to a newer word of the same signer, or what the user does to it."""
    bob.says(at=NOW - 3 * DAY)
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    assert "ok" == reader.answer()
    at = NOW - 2 * DAY
    words = {"comment": "again"}
    newer = {
        "not reviewed": bob.statement(at=at, reviewed=False, **words),
        "withdrawn": bob.withdrawal(at=at),
        "expires": bob.statement(at=at, expires="2025-06-15T00:00:00Z", **words),
        "warning": bob.statement(ok=False, at=at, **words),
    }[what]
    data = newer["data"]
    older = bob.envelope(data, NOW - 4 * DAY)
    web.offer(carol, carol.repository([newer]))
    reader.follow(carol)
    reader.came("carol")
    said = reader.answer()
    assert ("bad" if what == "warning" else "unverified") == said
    happens(reader, web, carol, newer, older)
    assert said == reader.answer()
    # Nor by what is fetched next, or without an index.
    web.offer(bob, bob.repository([*bob.offered, bob.statement(file_id("more"))]))
    reader.came("bob")
    assert (said, said) == (reader.answer(), reader.without_index().answer.value)


def test_a_warning_met_before_its_signer_was_trusted_is_kept(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Trust that came with a remote counts like `trust add`: what was met is remembered."""
    web.offer(bob, bob.repository([bob.statement(file_id("x"))]))
    reader.follow(bob)
    reader.came("bob")
    remote.remove(reader.workspace, "bob")
    web.offer(carol, carol.repository([bob.statement(ok=False)]))
    reader.follow(carol)
    reader.came("carol")
    assert "unverified" == reader.answer()
    reader.follow(bob, counts=True)
    assert "bad" == reader.answer()
    remote.remove(reader.workspace, "carol")
    assert "bad" == reader.answer()


def test_a_removed_remote_is_not_kept_whole(follower: Reader, web: Web, bob: Party) -> None:
    """Only what ended a word that stays is remembered; a thousand oks are not."""
    for number in range(50):
        bob.says(file_id(str(number)))
    web.offer(bob)
    follower.came("bob")
    remote.remove(follower.workspace, "bob")
    assert not (follower.path / memory.KEPT).exists()
    assert "unknown" == follower.answer()


def test_a_lost_certificate_makes_no_warning_forgotten(
    warned: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Where it is missing while another remote warns, and is there again afterwards."""
    web.offer(bob, bob.repository([]))
    warned.came("bob")
    place = warned.path / f"keys/{bob.fingerprint}.pgp"
    raw = place.read_bytes()
    place.unlink()
    carol.says(file_id("hers"), ok=False)
    web.offer(carol)
    warned.follow(carol, counts=True)
    warned.came("carol")
    place.write_bytes(raw)
    place.chmod(0o600)
    assert ("bad", "bad") == (warned.answer(), warned.answer(file_id("hers")))


def test_a_pinned_key_that_does_not_count_cannot_fill_the_disk(
    reader: Reader, web: Web, bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New warnings in every state: what is remembered of it stays bounded, and what was, stays."""
    monkeypatch.setattr(remembering, "ROOM_OF_OTHERS", 10_000)
    reader.follow(bob)
    for number in range(5):
        bob.offered = [
            bob.statement(file_id(f"{number} {n}"), ok=False, comment="x" * 100) for n in range(30)
        ]
        web.offer(bob)
        assert ("new", None) == reader.came("bob")
        assert (reader.path / memory.KEPT).stat().st_size < 20_000
    reader.trust(bob)
    assert "bad" == reader.answer(file_id("4 29"))
    # Which of the first ones found room depends on their signatures.
    kept = [one for n in range(30) if reader.answer(one := file_id(f"0 {n}")) == "bad"]
    assert kept
    web.offer(bob, bob.repository([]))
    reader.came("bob")
    assert ["bad", "bad"] == [reader.answer(kept[0]), reader.answer(file_id("4 29"))]


def test_thousands_of_words_about_one_file_that_go_are_no_hang(
    reader: Reader, web: Web, bob: Party
) -> None:
    """What a newer word ended is found in one pass, not one for each."""
    import time

    bob.offered = [
        bob.statement(at=NOW - 2 * DAY + n, method=f"tool:{n}", reviewed=False) for n in range(2000)
    ]
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    bob.offered = bob.offered[1000:]
    web.offer(bob)
    start = time.monotonic()
    assert 1000 == len(reader.fetch("bob").gone)
    assert time.monotonic() - start < 5


def test_a_new_name_for_a_remote_forgets_nothing(warned: Reader, web: Web, bob: Party) -> None:
    """Neither when its statements were first met nor its pin."""
    warned.clock.at += 100 * DAY
    met = (warned.path / "remotes/bob/met").read_bytes()
    remote.rename(warned.workspace, "bob", "robert")
    assert met == (warned.path / "remotes/robert/met").read_bytes()
    assert not (warned.path / "remotes/bob").exists()
    assert ("robert",) == warned.lines()[bob.fingerprint].sources
    carol = Party("carol")
    web.pages |= {bob.url + "repo.json": carol.repository(), bob.url + "key.asc": carol.key_asc}
    assert ("refused", "key-changed") == warned.came("robert")


# --- what was ended stays ended, also when the newer word falls with its key ---------------------

NEWER: dict[str, dict[str, Any]] = {
    "not reviewed": {"reviewed": False},
    "expiring": {"expires": "2025-07-15T00:00:00Z"},
    "other words": {"comment": "again"},
    "the same words": {},
}


@pytest.mark.parametrize(
    ("newer", "happens", "older_is_served"),
    # Each that happens with each time, and each newer word somewhere.
    [
        (newer, *rest)
        for newer, rest in paired(
            NEWER,
            product(
                ["nothing", "it is dropped", "its remote is removed"],
                ["always", "in between", "afterwards"],
            ),
        )
    ],
)
def test_an_ok_that_was_ended_is_not_revived_by_the_end_of_the_key(
    reader: Reader,
    web: Web,
    bob: Party,
    carol: Party,
    newer: str,
    happens: str,
    older_is_served: str,
) -> None:
    """Bob's key is retired with a date after his older ok and before the newer one, which falls.

    Whether the newer one is served, and when Carol serves the older one.
    """
    older = bob.says(at=NOW - 5 * DAY)
    web.offer(bob, bob.repository(at=NOW - 5 * DAY))
    web.offer(carol, carol.repository([older] if older_is_served == "always" else []))
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    assert "ok" == reader.answer()
    word = bob.statement(at=NOW - 3 * DAY, **NEWER[newer])
    web.offer(bob, bob.repository([word], at=NOW - 3 * DAY))
    assert ("new", None) == reader.came("bob")
    if older_is_served == "in between":
        for listed in ([older], []):
            web.offer(carol, carol.repository(listed))
            assert ("new", None) == reader.came("carol")
    assert ("unverified" if newer == "not reviewed" else "ok") == reader.answer()
    if happens == "it is dropped":
        web.offer(bob, bob.repository([], at=NOW - 3 * DAY))
        assert ("new", None) == reader.came("bob")
    if happens == "its remote is removed":
        remote.remove(reader.workspace, "bob")
    keys.import_keys(reader.workspace, retired(bob, NOW - 4 * DAY))
    assert "unverified" == reader.answer()
    if older_is_served != "always":
        web.offer(carol, carol.repository([older]))
        assert ("new", None) == reader.came("carol")
    assert ("unverified", "unverified") == (reader.answer(), reader.without_index().answer.value)


def test_an_ok_that_was_not_ended_outlives_the_end_of_the_key(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The twin: what was said before a key was retired stands, also about what was said anew."""
    renewed = file_id("renewed")
    bob.says(at=NOW - 5 * DAY)
    for at in (NOW - 6 * DAY, NOW - 5 * DAY):
        bob.offered = [bob.offered[0], bob.statement(renewed, at=at, comment=str(at))]
        web.offer(bob, bob.repository(at=at))
        reader.follow(bob, counts=True) if at == NOW - 6 * DAY else None
        assert ("new", None) == reader.came("bob")
    bob.says(file_id("late"), at=NOW - 3 * DAY)
    web.offer(bob, bob.repository(at=NOW - 3 * DAY))
    assert ("new", None) == reader.came("bob")
    keys.import_keys(reader.workspace, retired(bob, NOW - 4 * DAY))
    ids = (FILE, renewed, file_id("late"))
    assert ["ok", "ok", "unverified"] == [reader.answer(id) for id in ids]
    # Of all that, one word is remembered: the one that ended another.
    assert 1 == (reader.path / memory.KEPT).read_bytes().count(b'"data"')


def test_a_word_that_is_ended_in_its_turn_leaves_its_place_to_the_newer_one(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Memory holds one word a file, however often it is said anew, and no ended ok counts."""
    words = [
        bob.statement(at=NOW - (30 - n) * DAY, expires=f"2025-08-{n + 1:02}T00:00:00Z")
        for n in range(20)
    ]
    reader.follow(bob, counts=True)
    for word in words:
        web.offer(bob, bob.repository([word], at=NOW - 9 * DAY))
        assert ("new", None) == reader.came("bob")
    assert 1 == (reader.path / memory.KEPT).read_bytes().count(b'"data"')
    keys.import_keys(reader.workspace, retired(bob, NOW - 12 * DAY))
    web.offer(carol, carol.repository(words))
    reader.follow(carol)
    assert ("new", None) == reader.came("carol")
    assert "unverified" == reader.answer()


def test_a_warning_leaves_memory_to_the_ok_that_ended_it(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """It had ended an older ok in its time: that does not come back when the newer one falls."""
    older = bob.says(at=NOW - 6 * DAY)
    warning = bob.statement(ok=False, at=NOW - 5 * DAY)
    newer = bob.statement(at=NOW - 3 * DAY, comment="mended")
    reader.follow(bob, counts=True)
    for word, said in ((older, "ok"), (warning, "bad"), (newer, "ok")):
        web.offer(bob, bob.repository([word], at=NOW - 3 * DAY))
        assert ("new", None) == reader.came("bob")
        assert said == reader.answer()
    keys.import_keys(reader.workspace, retired(bob, NOW - 4 * DAY))
    web.offer(carol, carol.repository([older]))
    reader.follow(carol)
    reader.came("carol")
    assert "unverified" == reader.answer()


def test_two_remotes_of_one_fetch_end_each_others_words(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The older ok comes with the newer word, from another remote, in the first fetch there is."""
    older, newer = bob.statement(at=NOW - 5 * DAY), bob.statement(at=NOW - 3 * DAY, reviewed=False)
    web.offer(bob, bob.repository([newer], at=NOW - 3 * DAY))
    web.offer(carol, carol.repository([older]))
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    # Bob's certificate came in the same fetch as what Carol serves of him.
    assert "unverified" == reader.answer()
    remote.remove(reader.workspace, "bob")
    keys.import_keys(reader.workspace, retired(bob, NOW - 4 * DAY))
    assert ("unverified", "unverified") == (reader.answer(), reader.without_index().answer.value)


def test_what_ended_an_own_word_is_remembered_too(tmp_path: Any, web: Web, bob: Party) -> None:
    """Bob says it anew in his own folder, and another serves what he said before."""
    from sig.verbs import attest

    desk = Reader(tmp_path / "desk", web, bob)
    data = {"id": FILE, "ok": True, "reviewed": True}
    attest.sign_statements(desk.workspace, [data], None)
    older = json.loads((desk.path / "repo/repo.json").read_bytes())["data"]["attestations"][FILE]
    carol = Party("carol")
    web.offer(carol, carol.repository(older))
    desk.follow(carol)
    desk.clock.at += DAY
    attest.sign_statements(desk.workspace, [data | {"reviewed": False}], None)
    assert "unverified" == desk.answer()
    keys.import_keys(desk.workspace, retired(bob, desk.clock.at - 5))
    desk.came("carol")
    assert "unverified" == desk.answer()


def test_what_a_pinned_key_says_anew_does_not_crowd_out_its_warnings(
    reader: Reader, web: Web, bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room of a key that does not count is for warnings first."""
    monkeypatch.setattr(remembering, "ROOM_OF_OTHERS", 4_000)
    reader.follow(bob)
    for comment in ("first", "again"):
        listed = [bob.statement(file_id(str(n)), comment=comment, at=NOW - DAY) for n in range(30)]
        web.offer(bob, bob.repository(listed))
        assert ("new", None) == reader.came("bob")
    warning = bob.statement(ok=False)
    web.offer(bob, bob.repository([*listed, warning]))
    reader.came("bob")
    web.offer(bob, bob.repository(listed))
    reader.came("bob")
    reader.trust(bob)
    assert "bad" == reader.answer()


# --- only what counts when it is met is remembered -----------------------------------------------


@pytest.mark.parametrize("kind", ["withdrawal", "ok"])
def test_what_a_retired_key_signs_ends_no_warning_by_disappearing(
    reader: Reader, web: Web, bob: Party, carol: Party, kind: str
) -> None:
    """Signed after the end of the key it never counted: gone, it is not what once did."""
    bob.says(ok=False, at=NOW - 5 * DAY)
    bob.says(file_id("other"), at=NOW - 5 * DAY)
    web.offer(bob, bob.repository(at=NOW - 5 * DAY), retired(bob, NOW - 4 * DAY))
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    late = [
        bob.withdrawal(id, NOW - 3 * DAY) if kind == "withdrawal" else bob.statement(id)
        for id in (FILE, file_id("other"))
    ]
    web.offer(carol, carol.repository(late))
    reader.follow(carol)
    for listed in (late, []):
        web.offer(carol, carol.repository(listed))
        reader.came("carol")
        assert ["bad", "ok"] == [reader.answer(), reader.answer(file_id("other"))]
    remote.remove(reader.workspace, "carol")
    assert ["bad", "ok"] == [reader.answer(), reader.answer(file_id("other"))]


def test_a_withdrawal_of_the_future_ends_nothing_by_disappearing(
    warned: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Its key ends before its time comes: it never counted."""
    web.offer(carol, carol.repository([bob.withdrawal(at=NOW + 100 * DAY)]))
    warned.follow(carol)
    for listed in ([bob.withdrawal(at=NOW + 100 * DAY)], []):
        web.offer(carol, carol.repository(listed))
        warned.came("carol")
    keys.import_keys(warned.workspace, retired(bob, NOW - 5))
    assert "bad" == warned.answer()
    warned.clock.at += 200 * DAY
    assert "bad" == warned.answer()


@pytest.mark.parametrize("late", ["refuse", "count"])
def test_a_late_withdrawal_counts_as_the_policy_said_when_it_was_met(
    reader: Reader, web: Web, bob: Party, carol: Party, late: str
) -> None:
    """The thief of a key that has expired signs in its past, and takes a warning back by it."""
    end = NOW - 4 * DAY
    short = bob.key.public + bob.key.named(bob.uid, expires=end - bob.key.created)
    bob.says(ok=False, at=NOW - 6 * DAY)
    web.offer(bob, bob.repository(at=NOW - 5 * DAY), armored(short))
    reader.follow(bob, counts=True)
    reader.clock.at = end - 5
    assert ("new", None) == reader.came("bob")
    reader.clock.at = NOW
    config.change(reader.workspace, "policy", {"late": late})
    said = "bad" if late == "refuse" else "unverified"
    reader.follow(carol)
    for listed in ([bob.withdrawal(at=NOW - 5 * DAY)], []):
        web.offer(carol, carol.repository(listed))
        reader.came("carol")
        assert (said, said) == (reader.answer(), reader.without_index().answer.value)


# --- certificates that arrive --------------------------------------------------------------------


def by_trust(reader: Reader, web: Web, bob: Party) -> None:
    """The certificate is only in the user's GnuPG."""
    from tests.verbs.parties import Agent, Desk

    class Ring(Agent):
        def public_keys(self, text: str) -> tuple[Any, ...]:
            return (bob.fingerprint,)

    class Other(Desk):
        @property
        def agent(self) -> Any:
            return Ring(bob, self.now)

    desk = Other(reader.path, now=reader.clock, transport=lambda: web, site=reader.site)
    trust.add(desk, bob.fingerprint)


def by_import(reader: Reader, web: Web, bob: Party) -> None:
    keys.import_keys(reader.workspace, bob.key_asc)


def by_fetch(reader: Reader, web: Web, bob: Party) -> None:
    web.offer(bob, bob.repository([]))
    assert ("new", None) == reader.came("bob")


def by_a_fetch_that_is_refused(reader: Reader, web: Web, bob: Party) -> None:
    """The key was retired after it warned, and before it signed what is served."""
    web.offer(bob, bob.repository([], at=NOW - 5), retired(bob, NOW - 9))
    assert ("refused", "signature") == reader.came("bob")


def by_setup(reader: Reader, web: Web, bob: Party) -> None:
    """Bob makes the folder his own."""
    from sig.verbs import setup

    reader.owner = bob
    setup.setup(reader.workspace, bob.fingerprint)


def by_a_fetch_of_both(reader: Reader, web: Web, bob: Party) -> None:
    """The warning is served anew in the same fetch."""
    web.offer(bob, bob.repository([]))
    carol = web.pages["https://carol.example.org/repo.json"]
    assert callable(carol)
    reader.fetch_all()


DOORS = [by_trust, by_import, by_fetch, by_a_fetch_that_is_refused, by_setup, by_a_fetch_of_both]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("then", ["it stays", "it is dropped", "its remote is removed"])
def test_a_warning_that_waited_for_its_certificate_is_remembered(
    reader: Reader, web: Web, bob: Party, carol: Party, door: Any, then: str
) -> None:
    """By whichever door the certificate of a key that counts comes; a key that ends silences none.

    Bob is trusted and his server was never reached; Carol serves his warning.
    """
    warning = bob.statement(ok=False, at=NOW - DAY)
    web.offer(carol)
    web.pages[carol.url + "repo.json"] = lambda: carol.repository([warning])
    reader.follow(carol)
    assert ("new", None) == reader.came("carol")
    reader.follow(bob, counts=True)
    assert "unverified" == reader.answer()
    door(reader, web, bob)
    assert "bad" == reader.answer()
    keys.import_keys(reader.workspace, retired(bob, NOW - 2 * DAY))
    if then == "it is dropped":
        web.offer(carol, carol.repository([]))
        assert ("new", None) == reader.came("carol")
    elif then == "its remote is removed" and door is not by_setup:  # nothing can be signed any more
        remote.remove(reader.workspace, "carol")
    assert ("bad", "bad") == (reader.answer(), reader.without_index().answer.value)


def test_a_certificate_that_arrives_with_its_end_proves_nothing_after_it(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The twin: a warning from after the end of its key never counted."""
    web.offer(carol, carol.repository([bob.statement(ok=False, at=NOW - DAY)]))
    reader.follow(carol)
    reader.came("carol")
    reader.follow(bob, counts=True)
    keys.import_keys(reader.workspace, retired(bob, NOW - 2 * DAY))
    assert "unverified" == reader.answer()


def test_the_certificate_of_a_stranger_makes_nothing_remembered(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Anyone's certificate can be imported; only keys that matter have a place in memory."""
    web.offer(carol, carol.repository([bob.statement(ok=False)]))
    reader.follow(carol)
    reader.came("carol")
    keys.import_keys(reader.workspace, bob.key_asc)
    assert not (reader.path / memory.KEPT).exists()


def test_an_import_works_beside_a_remote_that_is_damaged(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """A revocation must get through."""
    web.offer(carol, carol.repository([bob.statement(ok=False)]))
    reader.follow(carol)
    reader.came("carol")
    reader.follow(bob, counts=True)
    place = reader.path / "remotes/carol/repo.json"
    place.write_bytes(place.read_bytes()[:-9])
    keys.import_keys(reader.workspace, bob.key_asc)
    assert (reader.path / f"keys/{bob.fingerprint}.pgp").exists()
