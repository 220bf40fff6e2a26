"""What a remote lists beside its owner's words: statements of others, floods, what is malformed."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sig.errors import UsageError
from sig.gpg import certificate as certificates
from sig.model import limits
from sig.verbs import keys, ledger, remote
from tests.soak import SOAK
from tests.verbs.parties import (
    DAY,
    FILE,
    NOW,
    Party,
    Reader,
    Web,
    canonical,
    file_id,
    nothing_changes,
)
from tests.world import smith

OTHER = file_id("what alice never saw")


@pytest.fixture
def between(reader: Reader, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob is trusted and said ok about FILE; Carol is followed and not trusted."""
    bob.says()
    web.offer(bob)
    web.offer(carol)
    reader.follow(bob, counts=True)
    reader.follow(carol)
    reader.fetch_all()
    return reader


def test_a_genuine_statement_counts_whoever_serves_it(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The signature says who said it, and not the server: both ways."""
    web.offer(carol, carol.repository([bob.statement(OTHER), bob.statement(ok=False, at=NOW - 5)]))
    assert ("new", None) == between.came("carol")
    assert ("ok", "bad") == (between.answer(OTHER), between.answer())
    assert ("carol",) == between.lines(OTHER)[bob.fingerprint].sources


@pytest.mark.parametrize("said", [True, False])
def test_a_genuine_statement_filed_under_another_id_says_nothing_there(
    between: Reader, web: Web, bob: Party, carol: Party, said: bool
) -> None:
    """The program of 2016 believed these."""
    genuine = bob.statement(ok=said)
    web.offer(carol, carol.repository(filed={OTHER: [genuine]}))
    found = between.fetch("carol")
    assert ("new", 1) == (found.result, found.refused_statements)
    verdict = between.verdict(OTHER)
    assert ("unverified", "not-counted") == (verdict.answer.value, verdict.reason.value)
    assert ["invalid"] == [one.state.value for one in verdict.statements]
    assert verdict == between.without_index(OTHER)
    assert "ok" == between.answer()


CHANGES: dict[str, Any] = {
    "another id": {"id": OTHER},
    "the opposite": {"ok": False},
    "a comment": {"comment": "really"},
    "one field more": {"x": 1},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_words_that_were_changed_are_nobodys(
    between: Reader, web: Web, bob: Party, carol: Party, change: dict[str, Any]
) -> None:
    """Bob's key and signature under other words."""
    genuine = bob.statement(FILE)
    forged = genuine | {"data": genuine["data"] | change}
    web.offer(carol, carol.repository([forged]))
    found = between.fetch("carol")
    assert 1 == found.refused_statements
    assert ("ok", "unknown" if forged["data"]["id"] == FILE else "unverified") == (
        between.answer(),
        between.answer(OTHER),
    )


def test_another_key_in_the_key_field_is_nobodys(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Carol signs and writes Bob's fingerprint beside it; or the other way round."""
    forged = carol.statement(OTHER) | {"key": bob.fingerprint}
    swapped = bob.statement(OTHER) | {"key": carol.fingerprint}
    web.offer(carol, carol.repository([forged, swapped]))
    assert ("new", None) == between.came("carol")
    assert "unverified" == between.answer(OTHER)
    assert ["unknown-key"] * 2 == [one.state.value for one in between.verdict(OTHER).statements]


def test_strangers_change_nothing(between: Reader, web: Web, carol: Party) -> None:
    """Ten who warn and ten who praise, none of them trusted."""
    crowd = [Party(f"p{n}") for n in range(20)]
    said = [one.statement(ok=n % 2 == 0) for n, one in enumerate(crowd)]
    before = between.verdict()
    web.offer(carol, carol.repository(said))
    assert ("new", None) == between.came("carol")
    after = between.verdict()
    assert (before.answer, before.reason, before.counted_keys) == (
        after.answer,
        after.reason,
        after.counted_keys,
    )
    assert 21 == len(after.statements)


MALFORMED: list[Any] = [
    None,
    1,
    "x",
    [],
    {},
    {"data": {}},
    {"data": {"id": FILE, "ok": True, "reviewed": True}, "key": 1, "sig": 1},
    {"data": {"id": FILE, "ok": 1, "reviewed": True}, "key": "0" * 40, "sig": "wg=="},
    {"data": {"id": FILE, "ok": True, "reviewed": True}, "key": "0" * 40, "sig": "wg"},
    {"data": {"id": FILE, "ok": True, "reviewed": True}, "key": "../" * 13 + "x", "sig": "wg=="},
    {"data": {"id": FILE.upper(), "ok": True, "reviewed": True}, "key": "0" * 40, "sig": "wg=="},
    {"data": {"id": FILE, "trust": {}, "ok": True}, "key": "0" * 40, "sig": "wg=="},
    {"data": {"id": FILE, "ok": True, "reviewed": True}, "key": "0" * 64, "sig": "", "tst": "x"},
    {
        "data": {"id": FILE, "ok": True, "reviewed": True, "comment": "c" * 70_000},
        "key": "",
        "sig": "",
    },
    {"data": {"id": FILE, "ok": True, "reviewed": True}, "key": "0" * 40, "sig": "A" * 100_000},
]


@pytest.mark.parametrize(
    "id", [FILE, "", "x", "sha1:00", "sha256:zz", "a:b", "\\", "remote:bob", "~" * 300]
)
def test_malformed_neighbours_stand_aside(between: Reader, web: Web, carol: Party, id: str) -> None:
    """Each is skipped and named; what is sound beside them counts."""
    between.trust(carol)
    sound = carol.statement(OTHER)
    web.offer(carol, carol.repository(filed={id: MALFORMED, OTHER: [*MALFORMED, sound], "q": 7}))
    assert ("new", None) == between.came("carol")
    assert "ok" == between.answer(OTHER) == between.without_index(OTHER).answer.value
    assert "ok" == between.answer()


@pytest.mark.parametrize(
    "change",
    [
        lambda sig: sig + b"\0",
        lambda sig: sig + sig,
        lambda sig: sig[:-1],
        lambda sig: smith().packet(10, b"PGP") + sig,
        lambda sig: bytes([sig[0] ^ 1]) + sig[1:],
        lambda sig: sig[:-1] + bytes([sig[-1] ^ 1]),
    ],
    ids=["a byte more", "twice", "a byte less", "a marker", "another packet", "a flipped bit"],
)
def test_one_packet_and_no_further_byte(
    between: Reader, web: Web, bob: Party, carol: Party, change: Any
) -> None:
    """A signature in another wrapping proves nothing, and hides no copy that does."""
    good = bob.statement(OTHER)
    raw = change(base64.b64decode(good["sig"]))
    bad = good | {"sig": base64.b64encode(raw).decode()}
    web.offer(carol, carol.repository([bad]))
    assert 1 == between.fetch("carol").refused_statements
    assert "unverified" == between.answer(OTHER)
    web.offer(carol, carol.repository([bad, good]))
    between.came("carol")
    assert "ok" == between.answer(OTHER)


def junk(number: int, id: str = FILE) -> list[dict[str, Any]]:
    """Statements of as many throw-away keys, which nobody has ever met."""
    return [
        {
            "data": {"id": id, "ok": n % 2 == 0, "reviewed": True},
            "key": f"{n:040X}",
            "sig": "wg==",
        }
        for n in range(number)
    ]


def test_a_flood_of_keys_is_cut_and_hides_no_word_that_counts(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """10 000 statements about one file from one remote, and Bob's warning behind them."""
    warning = bob.statement(ok=False, at=NOW - 5)
    flood = junk(10_050)
    web.offer(carol, carol.repository([*flood, warning]))
    assert ("new", None) == between.came("carol")
    assert "bad" == between.answer()
    rows = between.workspace.rows([FILE])[FILE]
    # By the whole key: Bob's too may begin as those of the flood do.
    said = Counter(json.loads(row.text)["key"] for row in rows)
    assert {one["key"] for one in flood[:10_000]} == said.keys() - {bob.fingerprint}
    assert limits.STATEMENTS_PER_IDENTIFIER == said.total() - said[bob.fingerprint]
    assert said[bob.fingerprint] <= 3
    assert "bad" == between.without_index().answer.value


def test_who_is_trusted_later_was_not_cut_for_good(
    reader: Reader, web: Web, bob: Party, carol: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of a key are there from the moment it counts, with and without an index."""
    monkeypatch.setattr(limits, "STATEMENTS_PER_IDENTIFIER", 100)
    web.offer(carol, carol.repository([*junk(150), bob.statement(ok=False)]))
    reader.follow(carol)
    reader.came("carol")
    keys.import_keys(reader.workspace, bob.certificate)
    assert bob.fingerprint not in reader.lines()
    reader.trust(bob)
    assert "bad" == reader.answer()
    web.offer(carol, carol.repository([]))
    reader.came("carol")
    assert "bad" == reader.answer()


def test_a_key_that_comes_to_count_with_a_remote_was_not_cut_for_good(
    reader: Reader, web: Web, bob: Party, carol: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same by ``remote add --key --trust``."""
    monkeypatch.setattr(limits, "STATEMENTS_PER_IDENTIFIER", 100)
    web.offer(carol, carol.repository([*junk(150), bob.statement(ok=False)]))
    reader.follow(carol)
    reader.came("carol")
    keys.import_keys(reader.workspace, bob.certificate)
    reader.follow(bob, counts=True)
    assert "bad" == reader.answer()


def repacked(bob: Party, number: int, *, broken: bool = False) -> list[dict[str, Any]]:
    """One signature of Bob's with as many unhashed parts, which anyone can write."""
    data = {"id": OTHER, "ok": True, "reviewed": True}
    body = bob.key.sign(canonical(data), NOW - DAY, body=True)
    start = 6 + int.from_bytes(body[4:6], "big")
    size = int.from_bytes(body[start : start + 2], "big")
    found = []
    for n in range(number):
        more = smith().sub(100, n.to_bytes(4, "big"))
        loose = (size + len(more)).to_bytes(2, "big") + body[start + 2 : start + 2 + size] + more
        made = bytearray(smith().packet(2, body[:start] + loose + body[start + 2 + size :]))
        made[-5] ^= broken
        sig = base64.b64encode(made).decode()
        found.append({"data": data, "key": bob.fingerprint, "sig": sig})
    return found


def test_copies_of_one_word_are_one_and_claims_of_a_key_are_cut(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Carol lists Bob's ok in many wrappings, and what only claims to be his: no verdict slows."""
    genuine = bob.statement(OTHER, ok=False, at=NOW - 5)
    web.offer(carol, carol.repository([*repacked(bob, 300), genuine]))
    assert ("new", None) == between.came("carol")
    assert "bad" == between.answer(OTHER)
    assert 2 == sum(row.source == "remote:carol" for row in between.workspace.rows([OTHER])[OTHER])
    broken = repacked(bob, 300, broken=True)
    web.offer(carol, carol.repository([*broken, *repacked(bob, 1), genuine]))
    between.came("carol")
    assert "bad" == between.answer(OTHER) == between.without_index(OTHER).answer.value
    rows = between.workspace.rows([OTHER])[OTHER]
    assert len(rows) <= ledger.CROWD + 3


def test_a_signature_that_names_dozens_of_keys_is_not_tried_with_each(
    between: Reader, web: Web, carol: Party
) -> None:
    """Carol's certificate has sixty subkeys: her statements must not take sixty times as long."""
    subkeys = [smith().Key(created=carol.key.created) for _ in range(60)]
    bound = b"".join(carol.key.binds(one, carol.key.created) for one in subkeys)
    data = {"id": OTHER, "ok": True, "reviewed": True}
    issuers = b"".join(smith().sub(16, one.id) for one in subkeys)
    many = subkeys[-1].sign(canonical(data), NOW - DAY, named=False, unhashed=issuers)
    one = subkeys[-1].sign(canonical(data | {"comment": "one"}), NOW - 5)
    both = [
        {"data": data, "key": carol.fingerprint, "sig": base64.b64encode(many).decode()},
        {
            "data": data | {"comment": "one"},
            "key": carol.fingerprint,
            "sig": base64.b64encode(one).decode(),
        },
    ]
    web.offer(carol, carol.repository(both), _armored(carol.certificate + bound))
    found = between.fetch("carol")
    assert ("new", 1) == (found.result, found.refused_statements)
    states = [line.state.value for line in between.verdict(OTHER).statements]
    assert ["untrusted", "invalid"] == states


def test_claims_of_a_key_that_is_not_known_yet_are_not_cut(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Any of them may be the word, once the certificate is there."""
    genuine = bob.statement(OTHER, ok=False, at=NOW - 5)
    reader.follow(bob, counts=True)
    reader.follow(carol)
    web.offer(carol, carol.repository([*repacked(bob, 100, broken=True), genuine]))
    assert ("new", None) == reader.came("carol")
    web.offer(bob)
    assert ("new", None) == reader.came("bob")
    assert "bad" == reader.answer(OTHER) == reader.without_index(OTHER).answer.value


def test_what_a_remote_makes_one_remember_is_bounded(
    between: Reader, web: Web, carol: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other throw-away statements in every state: the times of those that went go too."""
    monkeypatch.setattr(ledger, "MET_MOST", 100)
    for turn in range(6):
        web.offer(carol, carol.repository(junk(50, file_id(str(turn)))))
        assert ("new", None) == between.came("carol")
        lines = (between.path / "remotes/carol/met").read_text().splitlines()
        assert len(lines) <= 200
    assert len((between.path / "remotes/bob/met").read_text().splitlines()) == 1


def test_many_tiny_statements_are_taken_in_bounded_time(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """10^5 of them (10^6 in a soak) by keys that nobody knows, one genuine among them."""
    number = 300_000 if SOAK else 30_000
    filed: dict[str, list[Any]] = {}
    for n, one in enumerate(junk(number)):
        one["data"]["id"] = file_id(str(n % (number // 3)))
        filed.setdefault(one["data"]["id"], []).append(one)
    filed[OTHER] = [bob.statement(OTHER)]
    web.offer(carol, carol.repository(filed=filed))
    start = time.monotonic()
    assert ("new", None) == between.came("carol")
    assert time.monotonic() - start < number / 2000
    assert "ok" == between.answer(OTHER)


def test_one_giant_statement_is_skipped(between: Reader, web: Web, carol: Party) -> None:
    """More than 1 MiB of signed bytes; and just less of them are taken."""
    between.trust(carol)
    giant = carol.statement(OTHER, x="x" * (1 << 20))
    large = carol.statement(file_id("large"), x="x" * 1_000_000)
    web.offer(carol, carol.repository([giant, large]))
    found = between.fetch("carol")
    assert ("new", 1) == (found.result, found.refused_statements)
    assert ("unverified", "ok") == (between.answer(OTHER), between.answer(file_id("large")))


def test_one_certificate_is_one_voice(between: Reader, web: Web, bob: Party, carol: Party) -> None:
    """However many subkeys and copies: two are asked for, and Bob alone is not two."""
    from sig.verbs import config

    sub = smith().Key(created=bob.key.created)
    both = bob.certificate + bob.key.binds(sub, bob.key.created)
    keys.import_keys(between.workspace, both)
    by_subkey = bob.statement(OTHER)
    signed = canonical(by_subkey["data"] | {"comment": "by the subkey"})
    by_subkey = {
        "data": json.loads(signed),
        "key": bob.fingerprint,
        "sig": base64.b64encode(sub.sign(signed, NOW - 5)).decode(),
    }
    web.offer(carol, carol.repository([bob.statement(OTHER, method="human"), by_subkey]))
    assert 0 == between.fetch("carol").refused_statements
    assert "ok" == between.answer(OTHER)
    config.change(between.workspace, "policy", {"ok": 2})
    assert "unverified" == between.answer(OTHER)
    between.trust(carol)
    web.offer(carol, carol.repository([carol.statement(OTHER), by_subkey]))
    between.came("carol")
    assert "ok" == between.answer(OTHER)


NAMES = [
    "../x",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "CON",
    "nul.txt",
    "x.",
    " x",
    "x ",
    "-x",
    "x\n",
    "\0",
]
NAMES += ["é", "x" * 65, "own", "Kept", "C:x", "x:y", ".x", "~", "$HOME", "com1", "a\u202eb"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_a_path(between: Reader, bob: Party, name: str) -> None:
    """For a new remote and for a new name of one."""
    with nothing_changes(between):
        with pytest.raises(UsageError):
            remote.add(between.workspace, name, "https://else.example.org/")
        with pytest.raises(UsageError):
            remote.rename(between.workspace, "bob", name)


def test_a_configuration_with_such_a_name_is_damage(between: Reader, tmp_path: Path) -> None:
    """It does not come from this program; nothing is read or written outside the folder."""
    place = between.path / "config"
    value = json.loads(place.read_bytes())
    value["data"]["remotes"] = {"../../x": {"url": "https://else.example.org/"}}
    place.write_text(json.dumps(value))
    verdict = between.verdict()
    assert ("error", "store") == (verdict.answer.value, verdict.reason.value)
    assert ["reader"] == [one.name for one in tmp_path.iterdir()]


def test_a_remote_cannot_place_a_certificate(
    between: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Carol's key.asc with a longer life for Bob's key: hers is taken, his is not touched."""
    place = between.path / f"keys/{bob.fingerprint}.pgp"
    before = place.read_bytes()
    longer = bob.key.public + bob.key.named(bob.uid, NOW - DAY, expires=1)
    web.offer(carol, None, b"".join([carol.key_asc, _armored(longer)]))
    assert ("new", None) == between.came("carol")
    assert before == place.read_bytes()
    assert certificates.stored(before).expires_at is None


def _armored(raw: bytes) -> bytes:
    from tests.verbs.parties import armored

    return armored(raw)


def test_the_index_holds_what_the_files_hold(between: Reader, web: Web, carol: Party) -> None:
    """After all of it: every row of the files, and no other."""
    web.offer(carol, carol.repository(filed={FILE: MALFORMED, "": [{}], OTHER: junk(200, OTHER)}))
    between.came("carol")
    desk = between.workspace
    from_files = ledger.all_rows(desk)
    assert from_files.keys() == {FILE, OTHER}
    found = desk.index.lookup(list(from_files), desk.stamps())
    for id, rows in from_files.items():
        assert {repr(row) for row in rows} == {repr(row) for row in found[id]}
