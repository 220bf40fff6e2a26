"""What a server answers instead of a repository: refused or failed, and nothing changes."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from sig.errors import NetworkError
from sig.model import limits
from sig.verbs import fetch, remote
from tests.verbs.parties import (
    DAY,
    FILE,
    NOW,
    Party,
    Reader,
    Web,
    armored,
    canonical,
    file_id,
    nothing_changes,
)
from tests.world import smith

PORTAL = b"<html><head><title>Welcome</title></head><body>Please log in</body></html>"
DEEP = b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

GARBAGE: dict[str, bytes] = {
    "empty": b"",
    "portal": PORTAL,
    "zeros": bytes(4096),
    "random": bytes(range(256)) * 16,
    "truncated": b'{"data": {"attestations": {',
    "null": b"null",
    "number": b"1",
    "list": b"[]",
    "object": b"{}",
    "byte-order-mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "two documents": b"{}{}",
    "deep": DEEP,
    "deep numbers": b"[" * 30 + b"1" * 100_000 + b"]" * 30,
    "NaN": b'{"data": NaN, "key": "", "sig": ""}',
    "git-lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("page", ["repo.json", "key.asc"])
def test_whatever_is_no_repository_is_a_failure(
    follower: Reader, web: Web, bob: Party, page: str, body: bytes
) -> None:
    """A captive portal, an empty 200, a file of another kind, in place of either file."""
    web.pages[bob.url + page] = body
    with nothing_changes(follower):
        assert ("failed", "format") == follower.came("bob")
    web.offer(bob)
    assert ("new", None) == follower.came("bob")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error", "403 Forbidden"])
@pytest.mark.parametrize("page", ["repo.json", "key.asc"])
def test_a_status_is_a_failure(
    follower: Reader, web: Web, bob: Party, page: str, status: str
) -> None:
    """Neither file may be missing, and nothing is forgotten where one is."""
    bob.says(file_id("more"))
    web.offer(bob)
    web.pages[bob.url + page] = NetworkError(status, reason="http")
    with nothing_changes(follower):
        assert ("failed", "http") == follower.came("bob")
    assert "unknown" == follower.answer(file_id("more"))


def test_what_is_too_large_is_a_failure(follower: Reader, web: Web, bob: Party) -> None:
    """The limits of both files are asked of the transport."""
    web.pages[bob.url + "key.asc"] = b"x" * (limits.KEY_FILE + 1)
    with nothing_changes(follower):
        assert ("failed", "too-large") == follower.came("bob")


@pytest.mark.parametrize("part", [b"[],", b"{},", b"1,", b'"",'])
def test_a_document_of_millions_of_parts_is_not_parsed(
    follower: Reader, web: Web, bob: Party, part: bytes
) -> None:
    """Reading "[[],[]…" of 256 MiB would take 14 GB of memory."""
    body = b'{"data": {"attestations": {"a:b": [' + part * 1_500_000 + b"1]}}}"
    web.pages[bob.url + "repo.json"] = body
    with nothing_changes(follower):
        assert ("failed", "too-large") == follower.came("bob")


def unsigned(change: Callable[[dict[str, Any]], object]) -> Callable[[Party], bytes]:
    """Bob's next state, changed after he signed it."""

    def make(bob: Party) -> bytes:
        value = json.loads(bob.repository())
        change(value)
        return canonical(value)

    return make


def other_kind(data: dict[str, Any]) -> Callable[[Party], bytes]:
    """Another document that Bob signed."""
    return lambda bob: canonical(bob.envelope(data, NOW))


CONFIG = {"trust": {}, "policy": {}, "remotes": {}, "version": "0.0.1"}
FORMAT: dict[str, Callable[[Party], bytes]] = {
    "a statement": other_kind({"id": FILE, "ok": True, "reviewed": True}),
    "a configuration": other_kind(CONFIG),
    "a root": other_kind({"type": "root", "version": "1", "sequence": 9}),
    "a statement and a repository": other_kind({"id": FILE, "attestations": {}}),
    "another version": lambda bob: bob.repository([], version="0.0.2"),
    "sequence 0": lambda bob: bob.repository([], sequence=-1),
    "sequence true": other_kind({"attestations": {}, "version": "0.0.1", "sequence": True}),
    "sequence 2^53": other_kind({"attestations": {}, "version": "0.0.1", "sequence": 2**53}),
    "previous names itself": lambda bob: bob.repository([], sequence=2, previous={2: "0" * 64}),
    "previous is no digest": lambda bob: bob.repository([], sequence=2, previous={1: "00"}),
    "expires is no instant": lambda bob: bob.repository([], expires="tomorrow"),
    "attestations is a list": other_kind({"attestations": [], "version": "0.0.1"}),
    "one field more": unsigned(lambda value: value.update(more=1)),
    "no signature": unsigned(lambda value: value.pop("sig")),
    "lower-case key": unsigned(lambda value: value.update(key=value["key"].lower())),
    "a deep bomb in one statement": lambda bob: bob.repository(
        filed={FILE: [{"data": eval("[" * 60 + "]" * 60), "key": "", "sig": ""}]}  # noqa: S307
    ),
}


@pytest.mark.parametrize("make", FORMAT.values(), ids=FORMAT)
def test_a_document_of_another_form_is_a_failure(
    follower: Reader, web: Web, bob: Party, make: Callable[[Party], bytes]
) -> None:
    """Also where its owner signed it."""
    web.pages[bob.url + "repo.json"] = make(bob)
    with nothing_changes(follower):
        assert ("failed", "format") == follower.came("bob")


def resigned(**how: Any) -> Callable[[Party], bytes]:
    """Bob's next state with another signature by his own key."""

    def make(bob: Party) -> bytes:
        value = json.loads(bob.repository())
        made = how.pop("at", NOW)
        sig = bob.key.sign(canonical(value["data"]), made, **how)
        return canonical(value | {"sig": base64.b64encode(sig).decode()})

    return make


SIGNATURE: dict[str, Callable[[Party], bytes]] = {
    "a flipped bit of data": unsigned(lambda value: value["data"].update(version2="")),
    "a statement left out": unsigned(lambda value: value["data"].update(attestations={})),
    "text mode": resigned(kind=0x01),
    "SHA-1": resigned(digest=2),
    "in the future": resigned(at=NOW + DAY),
    "before its key": resigned(at=1_000_000_000),
}


@pytest.mark.parametrize("make", SIGNATURE.values(), ids=SIGNATURE)
def test_what_its_owner_did_not_sign_is_refused(
    follower: Reader, web: Web, bob: Party, make: Callable[[Party], bytes]
) -> None:
    """One word more, one statement less, another kind of signature."""
    web.pages[bob.url + "repo.json"] = make(bob)
    with nothing_changes(follower):
        assert ("refused", "signature") == follower.came("bob")


def test_a_clock_that_is_ten_minutes_wrong_is_borne(follower: Reader, web: Web, bob: Party) -> None:
    """The positive twin of a state that is signed in the future."""
    web.offer(bob, bob.repository(at=NOW + 599))
    assert ("new", None) == follower.came("bob")


@pytest.mark.parametrize("pinned", [True, False])
def test_another_key_is_refused(
    reader: Reader, web: Web, bob: Party, carol: Party, pinned: bool
) -> None:
    """Whoever takes over a server has another key, be it pinned by the user or on first use."""
    bob.says()
    web.offer(bob)
    reader.follow(bob, pin=pinned)
    reader.came("bob")
    reader.trust(bob)
    carol.says(ok=False)
    taken = carol.repository(sequence=7)
    web.pages |= {bob.url + "repo.json": taken, bob.url + "key.asc": carol.key_asc}
    with nothing_changes(reader):
        assert ("refused", "key-changed") == reader.came("bob")
        assert ("refused", "key-changed") == reader.came("bob", accept=True)
    assert not (reader.path / f"keys/{carol.fingerprint}.pgp").exists()


def test_another_key_is_taken_once_the_user_names_it(
    follower: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """The positive twin: the same name and URL with ``--key``."""
    carol.says(file_id("hers"))
    web.pages |= {bob.url + "repo.json": carol.repository(), bob.url + "key.asc": carol.key_asc}
    remote.add(follower.workspace, "bob", bob.url, key=carol.fingerprint)
    assert ("new", None) == follower.came("bob")
    assert "unverified" == follower.answer(file_id("hers"))
    # What Bob said is no longer served by anyone.
    assert "unknown" == follower.answer()
    web.offer(bob)
    with nothing_changes(follower):
        assert ("refused", "key-changed") == follower.came("bob")


def test_a_first_fetch_with_another_key_than_named_takes_nothing(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """``remote add --key``: no trust on first use."""
    web.pages |= {bob.url + "repo.json": carol.repository(), bob.url + "key.asc": carol.key_asc}
    reader.follow(bob, pin=True)
    with nothing_changes(reader):
        assert ("refused", "key-changed") == reader.came("bob")


def test_the_first_of_two_who_ask_for_the_first_time_pins(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """A second fetch at the same time, that someone on the way answers, does not pin anew."""
    bob.says()
    honest = bob.repository()
    web.offer(bob, honest)
    reader.follow(bob)
    state: list[tuple[str, str | None]] = []

    def in_between() -> bytes:
        web.pages[bob.url + "repo.json"] = honest
        web.pages[bob.url + "key.asc"], mine = bob.key_asc, web.pages[bob.url + "key.asc"]
        state.append(reader.came("bob"))
        web.pages[bob.url + "key.asc"] = mine
        return carol.repository()

    web.pages |= {bob.url + "repo.json": in_between, bob.url + "key.asc": carol.key_asc}
    assert ("refused", "key-changed") == reader.came("bob")
    assert [("new", None)] == state
    web.offer(bob, honest)
    assert ("unchanged", None) == reader.came("bob")


def test_two_versions_do_not_mix(follower: Reader, web: Web, bob: Party) -> None:
    """Bob renewed his expired key: his new state with the old key.asc, and the old with the new."""
    spring = NOW - 300 * DAY
    born = bob.key.created
    short = bob.key.public + bob.key.named(bob.uid, expires=spring - born)
    renewed = short + bob.key.named(bob.uid, NOW - 2 * DAY, bare=True)
    dave = Party("dave")
    dave.key, dave.fingerprint = bob.key, bob.fingerprint
    dave.says(file_id("old"), at=spring - DAY)
    old = dave.repository(sequence=1, at=spring - DAY)
    new = dave.repository(sequence=2, at=NOW - DAY)
    # A folder of its own: the first one knows a certificate without an end.
    fresh = Reader(follower.path.parent / "fresh", web)
    fresh.follow(dave, pin=True)
    web.offer(dave, old, armored(short))
    assert ("new", None) == fresh.came("dave")
    web.offer(dave, new, armored(short))
    with nothing_changes(fresh):
        assert ("refused", "signature") == fresh.came("dave")
    web.offer(dave, old, armored(renewed))
    assert ("unchanged", None) == fresh.came("dave")
    web.offer(dave, new, armored(renewed))
    assert ("new", None) == fresh.came("dave")


def test_a_redirect_to_another_host_serves_bytes_and_nothing_else(
    follower: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """Where bytes came from is nobody's word: the pinned key signs them or not."""
    bob.says(file_id("more"))
    state = bob.repository()
    web.pages[bob.url + "repo.json"] = lambda: state
    assert ("new", None) == follower.came("bob")
    web.pages[bob.url + "repo.json"] = lambda: carol.repository()
    with nothing_changes(follower):
        assert ("refused", "key-changed") == follower.came("bob")


def test_one_failing_remote_never_stops_the_others(web: Web, reader: Reader) -> None:
    """Each is named with what came of it, in the order asked."""
    people = [Party(name) for name in ("ann", "ben", "cam", "dan", "eve", "fay")]
    for one in people:
        one.says(file_id(one.name))
        web.offer(one)
        reader.follow(one, counts=True)
    ann, ben, cam, dan, eve, _ = people
    web.pages[ann.url + "repo.json"] = PORTAL
    web.pages[ben.url + "repo.json"] = NetworkError("timed out")
    web.pages[cam.url + "repo.json"] = Party("mallory").repository()
    web.pages[dan.url + "key.asc"] = b""
    web.offer(eve, eve.repository(filed={"": [{}], FILE: "x", file_id("eve"): eve.offered}))
    found = {one.name: (one.result, one.reason) for one in reader.fetch_all()}
    assert {
        "ann": ("failed", "format"),
        "ben": ("failed", "network"),
        "cam": ("refused", "key-changed"),
        "dan": ("failed", "format"),
        "eve": ("new", None),
        "fay": ("new", None),
    } == found
    assert list(found) == [one.name for one in people]
    assert ["unknown"] * 4 + ["ok"] * 2 == [reader.answer(file_id(one.name)) for one in people]


def test_a_slow_remote_does_not_keep_from_the_folder_what_others_gave(
    reader: Reader, web: Web, bob: Party, carol: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may drip for days: what the others gave counts meanwhile."""
    monkeypatch.setattr(fetch, "PATIENCE", 0.05)
    go = threading.Event()
    bob.says()
    carol.says(file_id("hers"))
    slow = bob.repository()

    def drip() -> bytes:
        assert go.wait(20)
        return slow

    web.offer(carol)
    web.offer(bob, slow)
    web.pages[bob.url + "repo.json"] = drip
    reader.follow(bob, counts=True)
    reader.follow(carol, counts=True)
    reported = []

    def report(one: fetch.Fetched) -> None:
        reported.append(one.name)
        if one.name == "carol":
            assert "ok" == reader.answer(file_id("hers"))
            go.set()

    found = fetch.fetch(reader.workspace, report=report)
    assert ["carol", "bob"] == reported
    assert ["bob", "carol"] == [one.name for one in found]
    assert "ok" == reader.answer()


def test_damage_to_one_remote_is_not_the_others_fault(
    reader: Reader, web: Web, bob: Party, carol: Party
) -> None:
    """A file of the folder that does not read stops neither fetch nor what it commits."""
    for one in (bob, carol):
        one.says(file_id(one.name))
        web.offer(one)
        reader.follow(one, counts=True)
    reader.fetch_all()
    (reader.path / "remotes/bob/repo.json").write_bytes(b"x")
    carol.says(file_id("more"))
    web.offer(carol)
    assert ("new", None) == reader.came("carol")
    assert "error" == reader.answer()
    assert ("failed", "format") == (bob.says(file_id("2")), web.offer(bob), reader.came("bob"))[2]


def test_nothing_is_asked_for_twice_where_nothing_changed(
    follower: Reader, web: Web, bob: Party
) -> None:
    """Two requests, no body; and what is refused leaves the validators as they were."""
    web.bodies.clear()
    assert ("unchanged", None) == follower.came("bob")
    web.pages[bob.url + "repo.json"], good = PORTAL, web.pages[bob.url + "repo.json"]
    assert ("failed", "format") == follower.came("bob")
    web.pages[bob.url + "repo.json"] = good
    web.bodies.clear()
    assert ("unchanged", None) == follower.came("bob")
    assert [] == web.bodies


def test_a_key_that_was_never_alive_is_not_pinned(reader: Reader, web: Web, bob: Party) -> None:
    """On first use too the owner's signature must stand."""
    web.offer(
        bob, None, armored(bob.key.public + bob.key.revoke(NOW - DAY, 2) + bob.key.named(bob.uid))
    )
    reader.follow(bob)
    assert ("refused", "signature") == reader.came("bob")
    carol = Party("carol")
    web.pages |= {bob.url + "repo.json": carol.repository(), bob.url + "key.asc": carol.key_asc}
    assert ("new", None) == reader.came("bob")


def test_the_smith_is_the_one_of_the_vectors() -> None:
    """Keys here are made apart from the code under test."""
    assert smith().__file__.endswith("make_openpgp.py")
