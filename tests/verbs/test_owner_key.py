"""What comes with key.asc: extra keys, secrets, crowds of names, revocations and ends."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from sig.errors import FormatError, Refused
from sig.verbs import keys, remote, trust
from tests.verbs.parties import (
    DAY,
    FILE,
    NOW,
    Party,
    Reader,
    Web,
    armored,
    canonical,
    fetched_since,
    file_id,
    merged,
    nothing_changes,
)
from tests.world import smith


def revoked(party: Party, reason: int, at: int = NOW - 5) -> bytes:
    """The certificate with a revocation: 1 superseded, 2 compromised, 3 retired."""
    return party.key.public + party.key.revoke(at, reason) + party.key.named(party.uid)


@pytest.fixture
def warned(follower: Reader, web: Web, bob: Party) -> Reader:
    """Bob's ok about FILE and his warning about another file were met."""
    bob.says(file_id("bad"), ok=False)
    web.offer(bob)
    assert ("new", None) == follower.came("bob")
    assert ("ok", "bad") == (follower.answer(), follower.answer(file_id("bad")))
    return follower


def test_a_hard_revocation_gets_through(warned: Reader, web: Web, bob: Party) -> None:
    """The repository is refused, for a thief may have signed it; oks fall, warnings stand."""
    before = warned.state
    web.offer(bob, None, armored(revoked(bob, 2)))
    assert ("refused", "signature") == warned.came("bob")
    assert [f"keys/{bob.fingerprint}.pgp"] == fetched_since(before, warned.state)
    assert ("unverified", "bad") == (warned.answer(), warned.answer(file_id("bad")))
    assert "key-revoked" == warned.lines()[bob.fingerprint].state.value
    # An older copy does not undo it.
    web.offer(bob, None, bob.key_asc)
    assert ("refused", "signature") == warned.came("bob")
    assert "unverified" == warned.answer()
    # Only the user ends the warning.
    trust.remove(warned.workspace, bob.fingerprint)
    assert "unverified" == warned.answer(file_id("bad"))


def test_a_revocation_gets_through_without_a_new_state(
    warned: Reader, web: Web, bob: Party
) -> None:
    """key.asc changed and repo.json did not."""
    web.pages[bob.url + "key.asc"] = armored(revoked(bob, 2))
    assert ("refused", "signature") == warned.came("bob")
    assert ("unverified", "bad") == (warned.answer(), warned.answer(file_id("bad")))


def test_a_revocation_gets_through_beside_a_fork(warned: Reader, web: Web, bob: Party) -> None:
    """What is refused for its place in the sequence brings the owner's revocation all the same."""
    before = warned.state
    soft = armored(revoked(bob, 3, NOW - DAY + 5))
    web.offer(bob, bob.repository([], sequence=bob.sequence, at=NOW - DAY), soft)
    assert ("refused", "fork") == warned.came("bob")
    assert [f"keys/{bob.fingerprint}.pgp"] == fetched_since(before, warned.state)


def test_nothing_else_gets_through_beside_a_fork(warned: Reader, web: Web, bob: Party) -> None:
    """The twin: a renewed certificate waits until the state is taken."""
    renewed = armored(bob.certificate + bob.key.named(bob.uid, NOW - 5, bare=True))
    web.offer(bob, bob.repository([], sequence=bob.sequence), renewed)
    with nothing_changes(warned):
        assert ("refused", "fork") == warned.came("bob")


def test_a_retired_key_keeps_what_it_said_before(warned: Reader, web: Web, bob: Party) -> None:
    """Superseded or retired: only what is signed after it falls."""
    web.offer(bob, None, armored(revoked(bob, 3)))
    assert ("new", None) == warned.came("bob")
    assert ("ok", "bad") == (warned.answer(), warned.answer(file_id("bad")))
    bob.says(file_id("late"), at=NOW)
    web.offer(bob, bob.repository(at=NOW), armored(revoked(bob, 3)))
    with nothing_changes(warned):
        assert ("refused", "signature") == warned.came("bob")


def test_an_end_that_is_moved_before_a_word_takes_that_word(
    warned: Reader, web: Web, bob: Party
) -> None:
    """Bob's key ended before he signed, by the self-signature of then; the warning was met."""
    born = bob.key.created
    short = bob.key.public + bob.key.named(bob.uid, NOW - 2 * DAY, expires=NOW - DAY - 5 - born)
    web.pages[bob.url + "key.asc"] = armored(short)
    assert ("refused", "signature") == warned.came("bob")
    assert ("unverified", "bad") == (warned.answer(), warned.answer(file_id("bad")))


def test_a_mirror_with_an_older_certificate_does_not_undo_a_revocation(
    warned: Reader, web: Web, bob: Party
) -> None:
    """Both are asked in one fetch, and each copy was merged with what was known before it."""
    mirror = Party("mirror")
    mirror.key, mirror.certificate = bob.key, bob.certificate
    state = web.pages[bob.url + "repo.json"]
    assert isinstance(state, bytes)
    web.offer(mirror, state)
    for order in (("bob", "mirror"), ("zed", "mirror")):
        warned.follow(mirror)
        web.pages[bob.url + "key.asc"] = armored(revoked(bob, 2))
        warned.fetch_all()
        assert ("unverified", "bad") == (warned.answer(), warned.answer(file_id("bad"))), order
        remote.remove(warned.workspace, "mirror")


@pytest.mark.parametrize("where", ["before", "after"])
def test_other_keys_in_key_asc_are_not_taken(
    reader: Reader, web: Web, bob: Party, carol: Party, where: str
) -> None:
    """Of several certificates the owner's is taken, and no other is even known afterwards."""
    parts = [carol.certificate, bob.certificate]
    text = b"".join(parts if where == "before" else reversed(parts))
    bob.says()
    web.offer(bob, None, armored(text))
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "ok" == reader.answer()
    assert [f"{bob.fingerprint}.pgp"] == [one.name for one in (reader.path / "keys").iterdir()]


def test_a_secret_key_in_key_asc_is_refused(follower: Reader, web: Web, bob: Party) -> None:
    """By its packets and by its heading."""
    secret = smith().packet(5, bob.key.body + b"\0" + b"\0" * 34)
    tail = bob.certificate[len(bob.key.public) :]
    private = bob.key_asc.replace(b"PUBLIC", b"PRIVATE")
    for text in (armored(secret + tail), armored(bob.certificate + secret + tail), private):
        web.pages[bob.url + "key.asc"] = text
        with nothing_changes(follower):
            assert ("failed", "format") == follower.came("bob")
    with nothing_changes(follower), pytest.raises(FormatError):
        keys.import_keys(follower.workspace, private)


def test_ten_thousand_user_ids_are_cut(reader: Reader, web: Web, bob: Party) -> None:
    """A crowd of names neither fills the folder nor hides the key."""
    names = b"".join(
        smith().packet(13, b"name %d <n%d@example.org>" % (number, number))
        for number in range(10_000)
    )
    some = b"".join(bob.key.named(b"n%d" % n, NOW - DAY + n) for n in range(200))
    bob.says()
    web.offer(bob, None, armored(bob.certificate + names + some))
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "ok" == reader.answer()
    assert (reader.path / f"keys/{bob.fingerprint}.pgp").stat().st_size < 1 << 16


def test_another_certificate_than_the_pinned_one_is_refused(
    follower: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """key.asc of somebody else beside a repo.json that is Bob's own."""
    web.offer(bob, None, carol.key_asc)
    with nothing_changes(follower):
        assert ("refused", "key-changed") == follower.came("bob")


def test_a_remotes_own_key_grants_nothing(reader: Reader, web: Web, bob: Party) -> None:
    """Followed, pinned, fetched, and yet its ok is a stranger's, and its warning too."""
    bob.says()
    bob.says(file_id("bad"), ok=False)
    web.offer(bob)
    reader.follow(bob, pin=True)
    assert ("new", None) == reader.came("bob")
    for id in (FILE, file_id("bad")):
        verdict = reader.verdict(id)
        assert ("unverified", "untrusted") == (verdict.answer.value, verdict.reason.value)
    reader.trust(bob)
    assert ("ok", "bad") == (reader.answer(), reader.answer(file_id("bad")))


def test_a_revoked_key_is_not_trusted_anew(warned: Reader, web: Web, bob: Party) -> None:
    """`trust add` of a compromised key is refused."""
    web.offer(bob, None, armored(revoked(bob, 2)))
    warned.came("bob")
    trust.remove(warned.workspace, bob.fingerprint)
    with nothing_changes(warned), pytest.raises(Refused):
        warned.trust(bob)


def test_a_flooded_key_asc_is_read_in_bounded_time(follower: Reader, web: Web, bob: Party) -> None:
    """1.2 MB of forged certifications by strangers are dropped; the key stays what it was."""
    thief = smith().Key()
    forged = thief.sign(bob.key.over_name(bob.uid), NOW, kind=0x13)
    flood = b"".join([bob.certificate, *[forged] * (1_200_000 // len(forged))])
    bob.says(file_id("more"))
    web.offer(bob, None, armored(flood))
    assert ("new", None) == follower.came("bob")
    assert "ok" == follower.answer(file_id("more"))
    assert (follower.path / f"keys/{bob.fingerprint}.pgp").stat().st_size < 4096


def unable(party: Party, at: int) -> bytes:
    """The key may not sign at that time, and again five seconds later."""
    able = party.key.named(party.uid, at + 5)
    return party.key.public + party.key.named(party.uid, at, flags=1) + able


def weak(party: Party, at: int) -> bytes:
    """What binds the key at that time is signed over SHA-1."""
    able = party.key.named(party.uid, at + 5)
    return party.key.public + party.key.named(party.uid, at, digest=2) + able


@pytest.mark.parametrize("how", [unable, weak])
@pytest.mark.parametrize("reason", [None, 2, 3])
def test_no_certificate_of_today_silences_what_was_met(
    reader: Reader, web: Web, bob: Party, carol: Party, how: Any, reason: int | None
) -> None:
    """The thief of Bob's key tells, with a date before the words, that it could not sign then.

    Also beside a revocation, which gets through in any case. No warning falls by it, no older ok
    comes back, and no warning is taken back by a word that the thief made.
    """
    at = NOW - 5 * DAY
    older, again = bob.statement(at=at - 9), bob.statement(at=at + 1, reviewed=False)
    bad, taken_back = file_id("bad"), file_id("taken back")
    listed = [bob.statement(bad, ok=False, at=at + 1)]
    listed += [bob.statement(taken_back, ok=False, at=at - 9), bob.withdrawal(taken_back, at + 1)]
    web.offer(carol, carol.repository([older]))
    raw = web.offer(bob, bob.repository([*listed, again], at=NOW - 4 * DAY))
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    said = [reader.answer(id) for id in (FILE, bad, taken_back)]
    assert ["unverified", "bad", "unverified"] == said
    revocation = b"" if reason is None else bob.key.revoke(NOW - DAY, reason)
    new = merged(bob.certificate, bob.key.public + revocation + how(bob, at)[len(bob.key.public) :])
    web.offer(bob, raw, armored(new))
    assert reader.came("bob")[0] in ("unchanged", "refused")
    for _ in range(2):
        assert said[:2] == [reader.answer(FILE), reader.answer(bad)]
        (reader.path / "index.sqlite").unlink(missing_ok=True)
    (line,) = [one for one in reader.verdict(bad).statements if one.counted]
    assert "key-revoked" == line.state.value and line.why


def test_no_crowd_of_new_subkeys_silences_what_one_of_them_said(
    reader: Reader, web: Web, bob: Party
) -> None:
    """Of subkeys the newest 64 are kept: whoever has the key can make as many."""
    subkey = smith().Key()
    bound = bob.key.binds(subkey, bob.key.created, back=subkey)
    bob.certificate += bound
    data = {"id": FILE, "ok": False, "reviewed": True}
    sig = base64.b64encode(subkey.sign(canonical(data), NOW - DAY)).decode()
    bob.offered = [{"data": data, "key": bob.fingerprint, "sig": sig}]
    raw = web.offer(bob)
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "bad" == reader.answer()
    crowd = b"".join(
        bob.key.binds(one, NOW - 5, back=one) for one in (smith().Key() for _ in range(64))
    )
    web.offer(bob, raw, armored(bob.certificate + crowd))
    assert ("unchanged", None) == reader.came("bob")
    assert ("bad", "bad") == (reader.answer(), reader.without_index().answer.value)


def test_what_is_only_in_the_index_is_not_memory(reader: Reader, web: Web, bob: Party) -> None:
    """A row that says it is remembered, and is not in the file, proves nothing without a key."""
    from sig.model import wire
    from sig.repo import memory
    from sig.verbs.remembering import believed

    bob.says(ok=False)
    web.offer(bob)
    reader.follow(bob, counts=True)
    reader.came("bob")
    (one,) = memory.read_kept((reader.path / memory.KEPT).read_bytes())
    assert believed(reader.workspace, one, "") is not None
    other = wire.read_attestation(canonical(bob.statement(ok=False, at=NOW - 7)))
    assert believed(reader.workspace, other, "") is None
