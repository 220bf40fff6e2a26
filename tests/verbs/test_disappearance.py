"""What is served no more: reported, and nothing comes back to life by it (docs/spec/memory §2)."""

from __future__ import annotations

from typing import Any

import pytest

from sig.repo import memory
from sig.verbs import remembering, remote, trust
from tests.verbs.parties import DAY, FILE, NOW, Party, Reader, Web, armored, file_id


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
    retired = bob.key.public + bob.key.revoke(NOW - 3 * DAY, 3) + bob.key.named(bob.uid)
    web.offer(bob, None, armored(retired))
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
    assert ["bad", "bad"] == [reader.answer(file_id("0 0")), reader.answer(file_id("4 29"))]
    web.offer(bob, bob.repository([]))
    reader.came("bob")
    assert ["bad", "bad"] == [reader.answer(file_id("0 0")), reader.answer(file_id("4 29"))]


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
