"""`sig remote` and `sig fetch`: names, URLs, what is taken and what is refused."""

from __future__ import annotations

import json
import re
import signal
import socket

import pytest

from tests.cli.conftest import Told
from tests.world import Forger, Person, Ran, World, trusted_state

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def words_of(ran: Ran) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    return ran.status, ran.stdout, ran.stderr


# --- names and URLs ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "A.b_c-d", "0", "x" * 64, "com", "console", "a..b"])
def test_a_name_that_can_be_a_folder_anywhere(told: Told, name: str) -> None:
    """`[A-Za-z0-9][A-Za-z0-9._-]{0,63}`."""
    from sig.model.configuration import remote_name

    assert name == remote_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", ".a", "_a", "-", "a/b", "../x", "a b", "a\\b", "ä", "x" * 65, "a\n"),
        *("CON", "con", "nul.txt", "LPT1", "com0.x", "Aux"),
    ],
)
def test_a_name_that_means_something_else_is_refused(told: Told, name: str) -> None:
    """No path, no Windows device, nothing that sorts as something else; exit 2, nothing written."""
    before = trusted_state(told.alice.folder)

    ran = told.alice.sig("remote", "add", "--", name, "http://example.org/")

    assert (2, "") == words_of(ran)[:2]
    assert ran.stderr.startswith("error: ")
    assert before == trusted_state(told.alice.folder)


def test_the_case_of_a_name_does_not_matter(again: Told) -> None:
    """`BOB` is bob: shown as it was added, never twice."""
    alice = again.alice

    assert 1 == alice.sig("remote", "add", "BOB", "http://example.org/").status
    assert 0 == alice.sig("fetch", "BoB").status
    assert 1 == alice.sig("remote", "rename", "carol", "Bob").status
    assert 0 == alice.sig("remote", "remove", "BOB").status
    assert [f'"carol" {again.carols.url}'] == alice.sig("remote", "list").lines


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://example.org", "http://example.org/"),
        ("https://example.org/a", "https://example.org/a/"),
        ("HTTPS://Example.ORG/A/", "https://example.org/A/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x/"),
    ],
)
def test_a_missing_last_slash_is_added(world: World, url: str, kept: str) -> None:
    """http and https, and the folder is meant."""
    person = world.newcomer("person")

    assert 0 == person.sig("remote", "add", "name", url).status
    assert [f'"name" {kept}'] == person.sig("remote", "list").lines


@pytest.mark.parametrize(
    "url",
    [
        *("example.org", "ftp://example.org/", "file:///tmp/", "/tmp", "ssh://example.org/", ""),
        *("http://user@example.org/", "https://user:word@example.org/", "http:///x", "http://"),
        *("http://example.org/?a", "http://example.org/#a", "http://example.org/../x"),
        *("http://example.org/a b", "http://example.org/\nx", "http://example.org:0/"),
    ],
)
def test_a_url_of_another_kind_is_refused(told: Told, url: str) -> None:
    """No password, no other scheme, nothing that is not a folder; exit 2."""
    before = trusted_state(told.alice.folder)

    assert (2, "") == words_of(told.alice.sig("remote", "add", "x", url))[:2]
    assert before == trusted_state(told.alice.folder)


# --- add, remove, rename, list -------------------------------------------------------------------


def test_the_same_name_again_is_refused(told: Told) -> None:
    """`remote-exists`: with another URL, and with the same but no other key."""
    for url in (told.server.url, "http://example.org/"):
        ran = told.alice.sig("remote", "add", "bob", url)
        assert (1, "", f"error: there is a remote 'bob' at {told.server.url}\n") == words_of(ran)


def test_another_key_pins_anew(again: Told) -> None:
    """The same NAME and URL with another --key; what the old key said is dropped."""
    alice = again.alice
    again.server.folder = again.carol.folder / "repo"
    refused = alice.sig("fetch", "bob", "--json")
    assert (1, "refused", "key-changed") == (
        refused.status,
        refused.json["remotes"][0]["result"],
        refused.json["remotes"][0]["reason"],
    )
    assert 0 == alice.sig("verify", "theirs").status

    added = alice.sig("remote", "add", "bob", again.server.url, "--key", again.carol.fingerprint)

    assert (0, "", "") == words_of(added)
    assert 1 == alice.sig("verify", "theirs").status
    assert 0 == alice.sig("fetch", "bob").status
    assert again.carol.fingerprint not in {
        line.split("]")[0].removeprefix("[") for line in alice.sig("-v", "trust", "list").lines
    }


def test_add_fetches_at_once_and_can_trust(world: World, alice: Person, bob: Person) -> None:
    """`-f --key FPR --trust`: one command from nothing to an answer."""
    bob.attests("theirs\n")
    url = world.serve(bob.folder / "repo").url
    alice.write("f", "theirs\n")

    ran = alice.sig("remote", "add", "bob", url, "-f", "--key", bob.fingerprint, "--trust")

    assert 0 == ran.status
    assert [
        f"GET {url}repo.json... done.",
        f"GET {url}key.asc... done.",
        f"Imported {bob.signer}.",
    ] == ran.lines
    assert 0 == alice.sig("verify", "f").status


def test_trust_needs_a_key(told: Told) -> None:
    """Nobody is trusted because a server says so: `--trust` without `--key` is a usage error."""
    ran = told.alice.sig("remote", "add", "x", "http://example.org/", "--trust")

    assert (2, "", "error: --trust needs --key FINGERPRINT\n") == words_of(ran)


def test_the_key_that_was_named_must_have_signed(world: World, alice: Person, bob: Person) -> None:
    """Another key than --key is refused on the first fetch already: 1."""
    bob.attests("theirs\n")
    url = world.serve(bob.folder / "repo").url

    ran = alice.sig("remote", "add", "bob", url, "-f", "--key", "A" * 40, "--json")

    assert (1, "refused", "key-changed") == (
        ran.status,
        ran.json["remotes"][0]["result"],
        ran.json["remotes"][0]["reason"],
    )
    assert [alice.fingerprint] == [line.split()[0] for line in alice.sig("key", "list").lines]


def test_rename_and_remove(again: Told) -> None:
    """Silent when done; the statements move with the name and go with the remote."""
    alice = again.alice

    assert (0, "", "") == words_of(alice.sig("remote", "rename", "bob", "robert"))
    assert ["robert"] == (
        alice.sig("verify", "theirs", "--json").results[0]["statements"][0]["sources"]
    )
    assert [200, 304, 304] == [200, *fetched(again, "robert")]
    assert (0, "", "") == words_of(alice.sig("remote", "remove", "robert"))
    assert 1 == alice.sig("verify", "theirs").status
    ran = alice.sig("remote", "remove", "robert")
    assert (1, "", "error: there is no remote 'robert'\nhint: sig remote list\n") == words_of(ran)


def fetched(told: Told, name: str) -> list[int]:
    """Fetch one remote and give what the server answered."""
    told.server.requests.clear()
    assert 0 == told.alice.sig("fetch", name).status
    return told.server.statuses


def test_remotes_speak_json(told: Told) -> None:
    """`"remotes": [{"name", "url", "key", "sequence", "fetched_at", "result", "reason"}]`."""
    document = told.alice.sig("remote", "list", "--json").json

    assert {"version", "remotes"} == set(document)
    bob, carol = document["remotes"]
    assert re.fullmatch(INSTANT, bob.pop("fetched_at"))
    assert {
        "name": "bob",
        "url": told.server.url,
        "key": told.bob.fingerprint,
        "sequence": 2,
        "result": "unchanged",
        "reason": None,
    } == bob
    assert ("carol", told.carol.fingerprint) == (carol["name"], carol["key"])


# --- fetch ---------------------------------------------------------------------------------------


def test_fetch_speaks_json(again: Told) -> None:
    """`new`, `unchanged`; the fields of a remote."""
    again.bob.attests("more\n")

    ran = again.alice.sig("fetch", "--json")

    assert (0, "") == (ran.status, ran.stderr)
    bob, carol = ran.json["remotes"]
    assert ("bob", "new", None, 3) == (bob["name"], bob["result"], bob["reason"], bob["sequence"])
    assert ("carol", "unchanged", None) == (carol["name"], carol["result"], carol["reason"])
    assert {"name", "url", "key", "sequence", "fetched_at", "result", "reason"} <= set(bob)


def test_only_the_named_remotes_are_asked(again: Told) -> None:
    """`sig fetch NAME…`; an unknown name asks nobody."""
    again.alice.sig("fetch", "carol")
    assert ([], 2) == (again.server.statuses, len(again.carols.statuses))

    ran = again.alice.sig("fetch", "carol", "nobody")

    assert 1 == ran.status
    assert 2 == len(again.carols.statuses)


@pytest.mark.parametrize(
    ("answer", "status", "result", "reason"),
    [
        (404, 4, "failed", "http"),
        (500, 4, "failed", "http"),
        ((200, b""), 4, "failed", "format"),
        ((200, b"<html>Please sign in</html>"), 4, "failed", "format"),
        ((200, b'{"data": 1}'), 4, "failed", "format"),
        ("refused", 4, "failed", "network"),
        ("forged", 1, "refused", "signature"),
        ("other key", 1, "refused", "key-changed"),
        ("fork", 1, "refused", "fork"),
        ("no sequence", 1, "refused", "rollback"),
    ],
)
def test_what_fails_or_is_refused_changes_nothing(
    again: Told, answer: object, status: int, result: str, reason: str
) -> None:
    """Exit 4 where it could not be had, 1 where it was refused; result and reason; verdicts rest on
    what they rested on, and the other remotes are fetched."""
    alice, server = again.alice, again.server
    genuine = (again.bob.folder / "repo/repo.json").read_bytes()
    if answer == "refused":
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        config = alice.sig("remote", "remove", "bob").status
        assert 0 == config
        alice.sig("remote", "add", "bob", f"http://127.0.0.1:{port}/")
    elif answer == "forged":
        server.answers["/repo.json"] = (200, genuine.replace(b"read it", b"READ IT"))
    elif answer == "other key":
        server.folder = Forger().publishes(again.world.path / "other", [])
    elif answer == "fork":
        twin = again.world.newcomer("bob", key_of="bob")
        assert 0 == twin.sig("setup", twin.fingerprint).status
        twin.attests("one\n")
        twin.attests("two\n")
        server.folder = twin.folder / "repo"
    elif answer == "no sequence":
        data = json.loads(genuine)["data"]
        old = {"attestations": data["attestations"], "version": "0.0.1"}
        server.answers["/repo.json"] = (200, signed_by(again.bob, old))
    else:
        server.answers["/repo.json"] = answer
    before = trusted_state(alice.folder)
    again.carol.attests("news\n")

    ran = alice.sig("fetch", "--json")

    assert status == ran.status
    remotes = {one["name"]: one for one in ran.json["remotes"]}
    assert (result, reason) == (remotes["bob"]["result"], remotes["bob"]["reason"])
    assert "new" == remotes["carol"]["result"]
    after = trusted_state(alice.folder)
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert {"remotes/carol/repo.json", "remotes/carol/state", "remotes/carol/met"} >= {
        name for name in changed if not name.startswith("memory/" + again.carol.fingerprint)
    }
    if answer != "refused":
        assert 0 == alice.sig("verify", "theirs").status
        assert 3 == alice.sig("verify", "bad").status


def signed_by(person: Person, data: object) -> bytes:
    """An envelope with a real signature of a person."""
    import base64

    text = person.write("data", json.dumps(data, sort_keys=True))
    person.gpg("--yes", "--output", person.place / "data.sig", "--detach-sign", text)
    sig = base64.b64encode((person.place / "data.sig").read_bytes()).decode()
    return json.dumps({"data": data, "key": person.fingerprint, "sig": sig}).encode()


def test_a_refusal_weighs_more_than_a_failure(again: Told) -> None:
    """One refused, one failed: 1, and both are named; the first does not hide the second."""
    again.server.folder = Forger().publishes(again.world.path / "other", [])
    again.carols.answers["/repo.json"] = 500

    ran = again.alice.sig("fetch")

    assert 1 == ran.status
    assert "2 remotes: 0 new, 0 unchanged, 1 failed, 1 refused" == ran.stderr.splitlines()[-1]
    assert {"error: bob: it is signed by", "error: carol: 500 Internal"} == {
        " ".join(line.split()[:6] if " bob" in line else line.split()[:4])
        for line in ran.stderr.splitlines()
        if line.startswith("error: ")
    }


def test_a_refusal_is_told_in_words(again: Told) -> None:
    """`error: NAME: why; what was fetched on DAY still counts`, and the total."""
    again.server.folder = Forger().publishes(again.world.path / "other", [])

    ran = again.alice.sig("fetch", "bob")

    assert 1 == ran.status
    error, hint, total = ran.stderr.splitlines()
    assert re.fullmatch(
        rf"error: bob: it is signed by [0-9A-F]{{40}}, and was pinned to {again.bob.fingerprint}:"
        r" ask its owner; what was fetched on \d{4}-\d\d-\d\d still counts",
        error,
    )
    assert hint.startswith("hint: ")
    assert "1 remote: 0 new, 0 unchanged, 0 failed, 1 refused" == total


def test_an_older_state_is_behind_and_ignored(again: Told) -> None:
    """A cache does that: `unchanged`, reason `behind`, exit 0, and nothing is lost."""
    old = (again.bob.folder / "repo/repo.json").read_bytes()
    again.bob.attests("news\n")
    assert 0 == again.alice.sig("fetch").status
    again.server.answers["/repo.json"] = (200, old)
    again.alice.write("news", "news\n")

    ran = again.alice.sig("fetch", "--json")

    assert 0 == ran.status
    bob = ran.json["remotes"][0]
    assert ("unchanged", "behind", 3) == (bob["result"], bob["reason"], bob["sequence"])
    assert 0 == again.alice.sig("verify", "news").status
    assert "which is older than what was met" in again.alice.sig("fetch").stderr


def test_what_a_remote_serves_can_be_accepted(again: Told) -> None:
    """`remote accept`: the way on after a fork that its owner explains."""
    twin = again.world.newcomer("bob", key_of="bob")
    assert 0 == twin.sig("setup", twin.fingerprint).status
    twin.attests("one\n")
    twin.attests("two\n")
    again.server.folder = twin.folder / "repo"
    again.alice.write("two", "two\n")
    assert 1 == again.alice.sig("fetch", "bob").status

    assert 0 == again.alice.sig("remote", "accept", "bob").status

    assert 0 == again.alice.sig("verify", "two").status
    assert 0 == again.alice.sig("fetch", "bob").status
    assert 3 == again.alice.sig("verify", "bad").status


def test_nothing_to_fetch(world: World) -> None:
    """No remote: 0, and what to do next."""
    ran = world.newcomer("person").sig("fetch")

    assert (0, "") == (ran.status, ran.stdout)
    assert (
        "0 remotes: 0 new, 0 unchanged, 0 failed, 0 refused\nhint: sig remote add NAME URL\n"
        == (ran.stderr)
    )


def test_fetched_keys_count_for_nothing(told: Told) -> None:
    """A remote's own key grants nothing, and its statements about others' words neither."""
    assert (
        "known"
        == {line.split()[0]: line.split()[1] for line in told.alice.sig("key", "list").lines}[
            told.carol.fingerprint
        ]
    )
    assert 1 == told.alice.sig("verify", "untrusted").status


def test_a_word_filed_under_another_file_counts_for_none(again: Told) -> None:
    """The hole of 2016: a genuine attestation under the digest of another file."""
    mallory = Forger()
    (genuine,) = again.bob.read("repo/repo.json")["data"]["attestations"][again.id("theirs")]
    stolen = {"data": genuine["data"] | {"id": again.id("unknown")}}
    folder = mallory.publishes(again.world.path / "m", [stolen])
    text = json.loads((folder / "repo.json").read_bytes())["data"]
    text["attestations"] = {again.id("unknown"): [genuine]}
    (folder / "repo.json").write_text(json.dumps(mallory.envelope(text), sort_keys=True))
    again.carols.folder = folder
    again.alice.sig("remote", "remove", "carol")
    assert 0 == again.alice.sig("remote", "add", "m", again.carols.url, "-f").status

    (result,) = again.alice.sig("verify", "unknown", "--json").results

    assert "ok" != result["verdict"]
    assert [] == [one for one in result["statements"] if one["counted"]]
    assert 1 == again.alice.sig("verify", "unknown").status
    assert 0 == again.alice.sig("verify", "theirs").status


def test_an_interrupted_fetch_ends_at_once(again: Told) -> None:
    """Ctrl-C while a server keeps us waiting: 130, no traceback, nothing changed."""
    before = trusted_state(again.alice.folder)
    again.server.hold()
    process = again.alice.start("fetch")
    try:
        assert again.server.held.wait(20)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=5)
    finally:
        again.server.resume()
        process.kill()
        process.wait()

    assert 130 == process.returncode
    assert b"Traceback" not in stderr
    assert before == trusted_state(again.alice.folder)
