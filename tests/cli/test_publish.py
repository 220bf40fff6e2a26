"""`sig publish`: the target is read first, what is one's own is merged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.world import Person, Ran, World, contents, trusted_state


def words_of(ran: Ran) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    return ran.status, ran.stdout, ran.stderr


@pytest.fixture
def www(world: World) -> Path:
    """A folder that a web server reads."""
    return world.path / "www"


def test_two_folders_of_one_key_that_publish_in_turns_never_look_like_a_fork(
    world: World, www: Path, alice: Person
) -> None:
    """A follower who fetches after every publish takes everything, and nothing is lost."""
    alice.attests("start\n")
    alice.sig("publish", www)
    laptop = world.newcomer("alice", key_of="alice")
    assert 0 == laptop.sig("setup", laptop.fingerprint, "--from", www).status
    follower = world.person("bob")
    url = world.serve(www).url
    follower.sig("remote", "add", "alice", url, "--key", alice.fingerprint, "--trust")
    assert 0 == follower.sig("fetch").status

    said = ["start\n"]
    took = []
    for number, machine in enumerate((laptop, alice, laptop, laptop, alice)):
        said.append(f"{number}\n")
        machine.attests(said[-1])
        ran = machine.sig("publish", www)
        assert 0 == ran.status, ran
        took += [line for line in ran.lines if line.startswith("Took over")]
        fetched = follower.sig("fetch", "--json")
        assert ("new", None) == tuple(
            fetched.json["remotes"][0][field] for field in ("result", "reason")
        ), fetched

    names = []
    for number, content in enumerate(said):
        names.append(follower.write(f"said{number}", content))
    assert 0 == follower.sig("verify", *names).status
    assert ["Took over 1 statement.", "Took over 1 statement.", "Took over 2 statements."] == took


def test_a_restored_backup_takes_over_and_goes_on_above(
    world: World, www: Path, alice: Person
) -> None:
    """The folder of last week, and what was published since."""
    alice.attests("before\n")
    backup = world.path / "backup"
    shutil.copytree(alice.folder, backup)
    alice.attests("since one\n")
    alice.attests("since two\n")
    alice.sig("publish", www)
    shutil.rmtree(alice.folder)
    shutil.copytree(backup, alice.folder)

    alice.attests("after\n")
    ran = alice.sig("publish", www)

    assert (
        0,
        f"Took over 2 statements.\nPublished 4 statements (1 new) to {www}/, sequence 5.\n",
        "",
    ) == words_of(ran)
    alice.write("since", "since one\n")
    assert 0 == alice.sig("verify", "since").status


def test_the_repository_of_another_key_is_refused(www: Path, alice: Person, bob: Person) -> None:
    """Exit 1, and not a byte of it changes."""
    bob.attests("theirs\n")
    bob.sig("publish", www)
    alice.attests("mine\n")
    there, here = contents(www), trusted_state(alice.folder)

    ran = alice.sig("publish", www)

    assert (1, "") == words_of(ran)[:2]
    assert (
        f"error: the repository there is signed by {bob.fingerprint}, not by {alice.fingerprint}\n"
        == ran.stderr
    )
    assert (there, here) == (contents(www), trusted_state(alice.folder))
    json = alice.sig("publish", www, "--json")
    assert (1, "refused") == (json.status, json.json["error"]["code"])


def test_what_is_no_repository_is_left_alone(www: Path, alice: Person) -> None:
    """A file of that name that is something else is never overwritten."""
    www.mkdir()
    (www / "repo.json").write_text("my shopping list\n")

    ran = alice.sig("publish", www)

    assert (1, "") == words_of(ran)[:2]
    assert {"repo.json": b"my shopping list\n"} == contents(www)


def test_publish_is_public_and_speaks_json(www: Path, alice: Person) -> None:
    """`"target", "sequence", "statements", "new"`; files that a web server may read."""
    alice.attests("one\n")

    document = alice.sig("publish", www, "--json").json

    assert {"target": f"{www}/", "sequence": 2, "statements": 1, "new": 1, "took_over": 0} == {
        name: value for name, value in document.items() if name != "version"
    }
    files = set(contents(www))
    objects = {name for name in files if name.startswith("objects/")}
    assert {"repo.json", "key.asc", "signet.json", "roots/2.json"} == files - objects
    assert 4 == len(objects)  # of statements and of keys, the certificate, and a delta
    assert {0o644} == {(www / name).stat().st_mode & 0o777 for name in files}
    for name in ("repo.json", "key.asc"):
        assert (alice.folder / "repo" / name).read_bytes() == (www / name).read_bytes()


def test_repo_may_be_copied_to_a_host_at_any_time(world: World, alice: Person) -> None:
    """Every signed write is a publish: cp, fetch, cp, fetch."""
    bob = world.person("bob")
    host = world.path / "host"
    server = world.serve(host)
    alice.attests("one\n")
    shutil.copytree(alice.folder / "repo", host)
    bob.sig("remote", "add", "alice", server.url, "--key", alice.fingerprint, "--trust")
    assert 0 == bob.sig("fetch").status
    alice.attests("two\n", name="two")
    alice.sig("withdraw", "two")
    shutil.copytree(alice.folder / "repo", host, dirs_exist_ok=True)

    assert 0 == bob.sig("fetch").status
    assert 0 == bob.sig("verify", bob.write("one", "one\n")).status
    assert 1 == bob.sig("verify", bob.write("two", "two\n")).status


def test_the_target_can_be_configured(world: World, www: Path, alice: Person) -> None:
    """publish.target and publish.url; a target stays absolute."""
    alice.attests("one\n")
    assert 0 == alice.sig("config", "publish.target", "../../www").status
    url = world.serve(www).url
    assert 0 == alice.sig("config", "publish.url", url.rstrip("/")).status

    nothing = alice.sig("publish", "--check")
    assert (1, f"{url} has nothing, this folder 1.\n", "") == words_of(nothing)
    assert 0 == alice.sig("publish").status
    check = alice.sig("publish", "--check", "--json")
    assert (0, {"target": url, "sequence": 2, "public": 2, "same": True}) == (
        check.status,
        {name: value for name, value in check.json.items() if name != "version"},
    )
    assert (
        "{\n"
        '  "policy": {\n'
        '    "not-ok": 0,\n'
        '    "ok": 1\n'
        "  },\n"
        f'  "publish.target": "{www}",\n'
        f'  "publish.url": "{url}"\n'
        "}\n"
    ) == alice.sig("config").stdout
    assert (0, f'"{www}"\n', "") == words_of(alice.sig("config", "publish.target"))
    assert (0, "", "") == words_of(alice.sig("config", "--unset", "publish.target"))
    assert (0, "null\n", "") == words_of(alice.sig("config", "publish.target"))
    assert 2 == alice.sig("publish").status
    config = alice.sig("config", "policy", '{"ok": 2, "not-ok": 0}', "--json").json["config"]
    assert {"ok": 2, "not-ok": 0} == config["policy"]
    assert {"policy", "publish.url"} == set(config)


@pytest.mark.parametrize("value", ['{"ok": 0}', '{"ok": true}', '{"colour": 1}', "[]", "1", "yes"])
def test_a_policy_that_cannot_be_followed_is_never_written(alice: Person, value: str) -> None:
    """Exit 2, and the folder is what it was."""
    before = trusted_state(alice.folder)

    assert (2, "") == words_of(alice.sig("config", "policy", value))[:2]
    assert before == trusted_state(alice.folder)


def test_a_target_that_cannot_be_written(world: World, alice: Person) -> None:
    """Exit 4, and the next publish does what this one could not."""
    alice.attests("one\n")
    (world.path / "file").write_text("")

    ran = alice.sig("publish", world.path / "file" / "www")

    assert (4, "") == words_of(ran)[:2]
    assert ran.stderr.startswith("error: ")
    assert 0 == alice.sig("publish", world.path / "www").status
