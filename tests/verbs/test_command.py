"""The same attacks once more through the real command, real keys and real servers."""

from __future__ import annotations

import json
import time

import pytest

from tests.repo.evil_server import EvilServer, answer, endless, gzip_bomb, head, redirect
from tests.world import Person, World, trusted_state


@pytest.fixture
def bob(world: World) -> Person:
    """Bob with a real key, in place of the party of the other tests here."""
    return world.person("bob")


@pytest.fixture
def followed(alice: Person, bob: Person, world: World) -> Person:
    """Alice, who trusts Bob and fetched his ok and his warning."""
    bob.attests("good\n")
    bob.attests("bad\n", "--not-ok", "--reviewed", name="bad.txt")
    server = world.serve(bob.folder / "repo")
    ran = alice.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint, "--trust", "-f")
    assert 0 == ran.status, ran
    alice.write("good", "good\n")
    alice.write("bad", "bad\n")
    assert 0 == alice.sig("verify", "good").status
    assert 3 == alice.sig("verify", "bad").status
    return alice


def came(person: Person, *words: str) -> tuple[int, dict[str, tuple[str, str | None]]]:
    """The exit status of a fetch, and what came of each remote."""
    ran = person.sig("--json", "fetch", *words)
    return ran.status, {one["name"]: (one["result"], one["reason"]) for one in ran.json["remotes"]}


def unchanged(person: Person, before: dict[str, bytes]) -> None:
    """Nothing that verdicts rest on is different, and neither are they."""
    assert before == trusted_state(person.folder)
    assert (0, 3) == (person.sig("verify", "good").status, person.sig("verify", "bad").status)


def test_what_a_server_answers_instead(followed: Person, world: World) -> None:
    """Statuses, a captive portal, an empty page: exit 4, and the reason in words and JSON."""
    (server,) = world._servers
    before = trusted_state(followed.folder)
    for given, reason in (
        (404, "http"),
        (500, "http"),
        ((200, b""), "format"),
        ((200, b"<html>Welcome</html>"), "format"),
    ):
        for page in ("/repo.json", "/key.asc"):
            server.answers = {page: given}
            assert (4, {"bob": ("failed", reason)}) == came(followed)
            ran = followed.sig("fetch")
            assert ran.stderr.startswith("error: bob: ")
            assert "still counts" in ran.stderr
            unchanged(followed, before)
    server.answers = {}
    assert (0, {"bob": ("unchanged", None)}) == came(followed)


def test_an_older_state_a_fork_and_the_way_on(followed: Person, bob: Person, world: World) -> None:
    """Behind is no failure; a fork is refused with exit 1 until it is accepted."""
    (server,) = world._servers
    older = (bob.folder / "repo/repo.json").read_bytes()
    first = json.loads(older)["data"]["sequence"]
    bob.attests("more\n", name="more.txt")
    assert (0, {"bob": ("new", None)}) == came(followed)
    server.answers = {"/repo.json": (200, older)}
    assert (0, {"bob": ("unchanged", "behind")}) == came(followed)
    twin = world.person("bob")
    for number in range(first + 1):
        twin.attests(f"{number}\n")
    server.answers = {"/repo.json": (200, (twin.folder / "repo/repo.json").read_bytes())}
    before = trusted_state(followed.folder)
    assert (1, {"bob": ("refused", "fork")}) == came(followed)
    ran = followed.sig("fetch")
    assert "hint: sig remote accept bob" in ran.stderr
    unchanged(followed, before)
    assert 0 == followed.sig("remote", "accept", "bob").status
    # The warning is no longer served, and counts.
    assert 3 == followed.sig("verify", "bad").status
    assert 1 == followed.sig("verify", "good").status


def test_another_key_is_refused_until_it_is_named(followed: Person, world: World) -> None:
    """Exit 1 and key-changed; the way on names the remote."""
    carol = world.person("carol")
    carol.attests("hers\n")
    (server, *_) = world._servers
    server.folder = carol.folder / "repo"
    before = trusted_state(followed.folder)
    assert (1, {"bob": ("refused", "key-changed")}) == came(followed)
    unchanged(followed, before)
    ran = followed.sig("remote", "add", "bob", server.url, "--key", carol.fingerprint, "-f")
    assert 0 == ran.status, ran
    # Bob's ok has no source any more; his warning is remembered.
    assert (1, 3) == (followed.sig("verify", "good").status, followed.sig("verify", "bad").status)


def test_hostile_servers_stop_nobody(followed: Person, bob: Person, world: World) -> None:
    """Endless, bombs, loops, other schemes, lies about length: each named, and Bob's is taken."""
    bob.attests("more\n", name="more.txt")
    followed.write("more", "more\n")
    with EvilServer() as evil:
        behaviours = {
            "loop": redirect("/loop/repo.json"),
            "file": redirect("file:///etc/passwd"),
            "ftp": redirect("ftp://127.0.0.1/"),
            "bomb": answer(gzip_bomb(300 << 20), "Content-Encoding: gzip"),
            "lies": lambda visit: visit.send(head("Content-Length: 1000000") + b"{"),
            "huge": lambda visit: visit.send(head(f"Content-Length: {1 << 40}") + b"{"),
            "header": endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
            "parts": answer(b'{"data": {"attestations": {"a:b": [' + b"[]," * 2_000_000),
        }
        for name, behaviour in behaviours.items():
            evil.routes[f"/{name}/repo.json"] = behaviour
            evil.routes[f"/{name}/key.asc"] = answer(b"")
            ran = followed.sig("remote", "add", name, f"{evil.url}{name}/")
            assert 0 == ran.status
        start = time.monotonic()
        status, found = came(followed)
        assert time.monotonic() - start < 45
    assert 4 == status
    assert ("new", None) == found.pop("bob")
    assert {"failed"} == {result for result, _ in found.values()}
    assert {"http", "too-large", "format", "network"} >= {reason for _, reason in found.values()}
    assert "too-large" == found["bomb"][1] == found["huge"][1] == found["parts"][1]
    assert 0 == followed.sig("verify", "more").status


def test_offline_opens_no_socket(followed: Person, world: World) -> None:
    """Nor does a verdict, with any server listening."""
    (server,) = world._servers
    before = len(server.requests)
    assert 4 == followed.sig("--offline", "fetch").status
    assert 0 == followed.sig("verify", "good").status
    assert 0 == followed.sig("show", "good").status
    followed.sig()
    assert before == len(server.requests)


def test_names_of_remotes_are_no_paths(followed: Person) -> None:
    """Exit 2, and nothing is written."""
    before = trusted_state(followed.folder)
    for name in ("../x", "CON", "a/b", ".", "own", "é"):
        ran = followed.sig("remote", "add", name, "http://127.0.0.1:1/")
        assert 2 == ran.status, name
    unchanged(followed, before)
