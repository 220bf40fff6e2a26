"""``sig loader build --baked``: what a publisher makes, and what becomes of it elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sig.model import baked, loader
from sig.model.loader import Signers
from tests.cli import apps
from tests.loader.loaded import Loaded, loaded, refused
from tests.native.conftest import program_of_checkout
from tests.world import Person, Ran, Seeds, World, snapshot

FILES = {"hello.py": "import words\nprint(words.SAID)\n", "words.py": "SAID = 'one'\n"}


@pytest.fixture(scope="session")
def _signed(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    yield loaded(apps.make(world.person("alice"), FILES, "hello.py").signed())
    world.close()


@pytest.fixture
def hello(_signed: Loaded, world: World) -> Loaded:
    """Alice's program, signed, without a loader."""
    return loaded(apps.App.again(_signed, world))


def bake(app: Loaded, *words: str, signers: tuple[Person, ...] = ()) -> Ran:
    """``sig loader build --baked --signer KEY …``."""
    who = [word for one in signers or (app.person,) for word in ("--signer", one.fingerprint)]
    return app.build("--baked", *who, *words)


def update(app: Loaded) -> Ran:
    """``sig loader update hello``."""
    return app.person.sig("loader", "update", "hello", cwd=app.place)


def given_away(app: Loaded) -> Loaded:
    """What a user gets: the folder of the program alone, elsewhere."""
    user = app.person.world.newcomer("carol")
    place = user.place / "got"
    shutil.copytree(app.place, place, symlinks=True)
    return replace(app, person=user, place=place)


def second(app: Loaded, person: Person) -> Loaded:
    """The same program, as this signer has it."""
    return replace(app, person=person)


def fetches(person: Person, other: Person) -> None:
    """What the other said is here."""
    other.attests("anything")
    server = person.world.serve(other.folder / "repo")
    added = person.sig("remote", "add", "other", server.url, "--key", other.fingerprint)
    assert (0, 0) == (added.status, person.sig("fetch").status), added


def release(app: Loaded, said: str) -> None:
    """A new one."""
    (app.place / "words.py").write_text(f"SAID = {said!r}\n")
    app.signed()


def test_a_publisher_gives_away_a_program(hello: Loaded) -> None:
    """It runs without sig and without a folder; nothing was signed for that, and again nothing is
    written.
    """
    before = snapshot(hello.person.folder)
    ran = bake(hello)
    assert (0, "") == (ran.status, ran.stderr), ran
    size = f"{hello.loader.stat().st_size / 1e6:.1f} MB"
    assert [
        f"loader hello {size} enforce, 1 of 1 signer, release 1 or later",
        "beside hello.sig 1 statement",
        "next      ./hello",
    ] == ran.lines[-3:]
    assert before == snapshot(hello.person.folder)
    assert 0o644 == (hello.place / "hello.sig").stat().st_mode & 0o777
    again = bake(hello)
    assert ["loader hello is up to date", "beside hello.sig is up to date"] == again.lines[-3:-1]

    there = given_away(hello)
    assert not there.person.folder.exists()
    assert Ran(0, "one\n", "") == there.run()
    (there.place / "words.py").write_text("SAID = 'evil'\n")
    ran = there.run()
    assert (111, "") == (ran.status, ran.stdout)
    assert "SECURITY VIOLATION" in ran.stderr


def test_a_new_release_needs_no_new_loader(hello: Loaded) -> None:
    """But its file; and with that the older one does not come back."""
    assert 0 == bake(hello).status
    older, program = given_away(hello), hello.loader.read_bytes()
    release(hello, "two")
    refused(hello.run(), 111, "nobody has attested it", "sig loader update")
    ran = update(hello)
    assert (0, ["beside hello.sig 1 statement"]) == (ran.status, ran.lines), ran
    assert ["beside hello.sig is up to date"] == update(hello).lines
    assert program == hello.loader.read_bytes()
    assert Ran(0, "two\n", "") == given_away(hello).run()

    for name in ("hello.lock", "words.py"):
        shutil.copy(older.place / name, hello.place)
    refused(hello.run(), 111, "nobody has attested it")
    # With all that is of it, it is genuine, and this loader is of then.
    shutil.copy(older.place / "hello.sig", hello.place)
    assert Ran(0, "one\n", "") == hello.run()


def test_a_loader_of_a_release_runs_none_that_is_older(hello: Loaded) -> None:
    """Genuine, signed, and whole."""
    assert 0 == bake(hello).status
    older = given_away(hello)
    release(hello, "two")
    assert 0 == bake(hello, "--release", "2").status
    assert Ran(0, "two\n", "") == hello.run()
    for name in ("hello.lock", "words.py", "hello.sig"):
        shutil.copy(older.place / name, hello.place)
    refused(hello.run(), 111, "it is release 1, and release 2 is known")


def test_another_program_of_the_publisher_does_not_stand_in(hello: Loaded) -> None:
    """By a swap of all that belongs to it."""
    assert 0 == bake(hello).status
    hello.person.write("o/hello.py", "print('other')\n")
    other = replace(hello, place=hello.person.place / "o")
    words = ("--app", "other")
    assert 0 == other.lock(*words).status
    lock = other.place / "other.lock"
    assert 0 == hello.person.sig("attest", lock, input=apps.YES, cwd=other.place).status
    assert 0 == bake(other, *words).status
    assert Ran(0, "other\n", "") == other.run()
    there = given_away(hello)
    shutil.copy(other.place / "hello.py", there.place)
    shutil.copy(lock, there.place / "hello.lock")
    refused(there.run(), 111, "nobody has attested it")
    shutil.copy(other.place / "other.sig", there.place / "hello.sig")
    refused(there.run(), 114, "it is about the program other, and this is hello")
    found = baked.read((there.place / "hello.sig").read_bytes())
    forged = baked.write("hello", found.certificates, found.statements, list(found.lists.values()))
    (there.place / "hello.sig").write_bytes(forged)
    refused(there.run(), 111, "it is a list of what a program may load")


def test_two_of_two_signers(hello: Loaded, world: World) -> None:
    """It is made once both said ok, and ends with the word of one."""
    bob, alice = world.person("bob"), hello.person
    fetches(alice, bob)
    assert 0 == alice.sig("trust", "add", bob.fingerprint).status
    ran = bake(hello, signers=(alice, bob))
    assert (1, False) == (ran.status, hello.loader.exists()), ran
    assert "error: hello.lock is not verified: 1 of 2 needed signers say ok" in ran.stderr
    second(hello, bob).signed()
    assert 0 == alice.sig("fetch").status
    assert 0 == bake(hello, signers=(bob, alice)).status
    there = given_away(hello)
    assert Ran(0, "one\n", "") == there.run()

    assert 0 == bob.sig("withdraw", hello.list).status
    assert 0 == alice.sig("fetch").status
    ran = update(hello)
    assert 1 == ran.status, ran
    assert Ran(0, "one\n", "") == there.run()  # nobody told it


def test_who_is_trusted_here_does_not_count_there(hello: Loaded, world: World) -> None:
    """Only the signers that are named do; their keys may be known and not trusted."""
    bob = world.person("bob")
    fetches(hello.person, bob)
    ran = bake(hello, signers=(bob,))
    assert (1, False) == (ran.status, hello.loader.exists()), ran
    second(hello, bob).signed()
    assert 0 == hello.person.sig("fetch").status
    assert 0 == bake(hello, signers=(bob,)).status
    assert Ran(0, "one\n", "") == given_away(hello).run()


def test_what_a_signer_has_against_it_goes_with_it(hello: Loaded, world: World) -> None:
    """Nothing is made of what is marked bad; a warning that was taken back goes with its end."""
    alice, bob = hello.person, world.person("bob")
    fetches(alice, bob)
    words = ("--threshold", "1")
    assert 0 == bake(hello, *words, signers=(alice, bob)).status
    bob.attests(FILES["words.py"], "--not-ok", "--reviewed")
    assert 0 == alice.sig("fetch").status
    for ran in (update(hello), bake(hello, *words, signers=(alice, bob))):
        assert ran.status in (1, 3) and "marked bad" in ran.stdout + ran.stderr, ran
    assert 0 == bob.sig("withdraw", bob.place / "attested.txt").status
    assert 0 == alice.sig("fetch").status
    assert 0 == update(hello).status
    found = baked.read((hello.place / "hello.sig").read_bytes())
    assert 2 == len(found.statements)  # the ok, and what ended the warning
    assert Ran(0, "one\n", "") == given_away(hello).run()


def test_what_became_of_a_key_is_told(hello: Loaded) -> None:
    """The loader has the certificate of then, and the file what is new of it."""
    alice = hello.person
    assert 0 == bake(hello).status
    alice.gpg("--quick-set-expire", alice.fingerprint, "2y")
    path = alice.write("key.asc", alice.gpg("--armor", "--export", alice.fingerprint))
    assert 0 == alice.sig("key", "import", path).status
    assert 0 == update(hello).status
    found = baked.read((hello.place / "hello.sig").read_bytes())
    assert [alice.fingerprint] == list(found.certificates)
    assert Ran(0, "one\n", "") == given_away(hello).run()


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (["--baked"], 2, "a baked loader needs a signer"),
        (["--signer", "KEY"], 2, "signer is for a baked loader"),
        (["--threshold", "1"], 2, "threshold is for a baked loader"),
        (["--release", "1"], 2, "release is for a baked loader"),
        (
            ["--baked", "--signer", "KEY", "--threshold", "2"],
            2,
            "a threshold of 2, and signers are 1",
        ),
        (
            ["--baked", "--signer", "KEY", "--signer", "KEY", "--threshold", "2"],
            2,
            "a threshold of 2",
        ),
        (["--baked", "--signer", "KEY", "--threshold", "0"], 2, "0 is not in the range"),
        (["--baked", "--signer", "12345678"], 1, "Key not found: 12345678"),
        (
            ["--baked", "--signer", "KEY", "--release", "2"],
            1,
            "it is release 1, and release 2 is known",
        ),
    ],
)
def test_what_cannot_be_baked_is_refused(
    hello: Loaded, words: list[str], status: int, why: str
) -> None:
    """And nothing is written."""
    before = snapshot(hello.place)
    given = [hello.person.fingerprint if word == "KEY" else word for word in words]
    ran = hello.build(*given)
    assert status == ran.status and why in ran.stderr, ran
    assert before == snapshot(hello.place)


def test_nothing_else_is_replaced(hello: Loaded) -> None:
    """A signature of somebody's by that name, a folder, a link."""
    path = hello.place / "hello.sig"
    path.write_bytes(b"\x89\x02")
    for _ in range(2):
        ran = bake(hello)
        assert (1, False) == (ran.status, hello.loader.exists()), ran
        assert "hello.sig is there, and is not" in ran.stderr
        path.unlink()
        path.symlink_to("words.py")
    path.unlink()
    path.mkdir()
    assert 1 == bake(hello).status


def test_what_lies_beside_a_loader_is_no_file_of_its_program(hello: Loaded) -> None:
    """Or each update would be a new release."""
    before = hello.list.read_bytes()
    assert 0 == bake(hello).status
    assert 0 == hello.lock().status
    assert before == hello.list.read_bytes()


def test_a_loader_of_a_folder_has_nothing_beside_it(hello: Loaded) -> None:
    """It says so."""
    hello.built()
    ran = update(hello)
    assert 1 == ran.status, ran
    assert f"hello goes by the folder {hello.person.folder}: nothing lies beside it" in ran.stderr
    assert 0 == bake(hello).status  # the one takes the place of the other
    assert 0 == update(hello).status


def test_inspect_shows_who_counts(hello: Loaded) -> None:
    """And what lies beside it."""
    alice = hello.person
    assert 0 == bake(hello).status

    def lines() -> dict[str, str]:
        ran = alice.sig("loader", "inspect", hello.loader)
        assert 0 == ran.status, ran
        return dict(line.split(maxsplit=1) for line in ran.lines)

    found = lines()
    assert {
        "app": "hello, release 1 or later",
        "signer": alice.fingerprint,
        "threshold": "1 of 1",
        "beside": f"{hello.place}/hello.sig, 1 statement",
    }.items() <= found.items()
    assert {"folder", "key", "home"}.isdisjoint(found)
    told = alice.sig("loader", "inspect", "--json", hello.loader).json["loader"]["policy"]
    assert ("baked", 1, [alice.fingerprint]) == (
        told["mode"], told["threshold"], list(told["signers"]),
    )  # fmt: skip
    (hello.place / "hello.sig").write_bytes(b"x")
    assert f"{hello.place}/hello.sig: it is cut" == lines()["beside"]
    (hello.place / "hello.sig").unlink()
    assert f"{hello.place}/hello.sig: missing" == lines()["beside"]


def test_a_pack_counts(hello: Loaded) -> None:
    """What its signers say of it stands in their word on the list."""
    alice = hello.person
    ran = hello.lock("--pack")
    assert 0 == ran.status and (hello.place / "hello.pack").exists(), ran
    assert 0 == hello.attest().status
    assert 0 == bake(hello).status
    there = given_away(hello)
    assert Ran(0, "one\n", "") == there.run(env={"SIG_LOADER_LOG": "error"})
    (there.place / "hello.pack").write_bytes(b"x")
    assert Ran(0, "one\n", "") == there.run()
    assert alice.fingerprint in there.run(env={"SIG_LOADER_LOG": "info"}).stderr


def test_a_project_says_it_in_its_own_file(hello: Loaded) -> None:
    """For all of its scripts; they share what lies beside them."""
    alice = hello.person
    text = f"""\
[project]
name = "tool"
scripts = {{one = "app:one", two = "app:two"}}

[tool.sig.loader]
baked = true
signer = ["{alice.fingerprint}"]
threshold = 1
"""
    alice.write("tool/app.py", "def one(): print(1)\ndef two(): print(2)\n")
    lock = alice.write("tool/pyproject.toml", text).parent / "tool.lock"
    tool = replace(hello, place=lock.parent, target=".")
    assert 0 == tool.lock().status
    assert 0 == alice.sig("attest", lock, input=apps.YES, cwd=lock.parent).status
    ran = tool.build()
    assert 0 == ran.status, ran
    assert "beside tool.sig 1 statement" in ran.lines
    for number, name in enumerate(("one", "two"), 1):
        policy = loader.read((lock.parent / name).read_bytes()).policy  # type: ignore[union-attr]
        assert isinstance(policy.by, Signers)
        done = subprocess.run(
            [lock.parent / name], capture_output=True, text=True, env={}, timeout=60
        )
        assert (0, f"{number}\n") == (done.returncode, done.stdout), done
    for changed, why in [
        ("baked = 1", "tool.sig.loader.baked is neither true nor false"),
        ("baked = true\nrelease = 0", "tool.sig.loader.release is no number from 1 on"),
        ("baked = false", "signer is for a baked loader"),
    ]:
        (lock.parent / "pyproject.toml").write_text(text.replace("baked = true", changed))
        ran = tool.build()
        assert ran.status in (1, 2) and why in ran.stderr, ran


def test_without_an_own_key_it_is_baked_too(hello: Loaded, world: World) -> None:
    """Where programs are built nobody has to sign."""
    server = world.serve(hello.person.folder / "repo")
    builder = world.newcomer("builder")
    added = builder.sig("remote", "add", "alice", server.url, "--key", hello.person.fingerprint)
    assert 0 == added.status, added
    assert 0 == builder.sig("fetch").status
    place = builder.place / "app"
    shutil.copytree(hello.place, place, symlinks=True)
    app = replace(hello, person=builder, place=place)
    ran = bake(app, signers=(hello.person,))
    assert (1, True) == (ran.status, "the list of app is not in the folder" in ran.stderr), ran
    assert 0 == app.lock().status
    ran = bake(app, signers=(hello.person,))
    assert 0 == ran.status, ran
    assert Ran(0, "one\n", "") == app.run()
    assert os.getuid() == app.loader.stat().st_uid


def test_a_strict_one_is_answered_for_once_it_is_there(hello: Loaded) -> None:
    """How is told when it is made."""
    ran = bake(hello, "--policy", "strict")
    assert 0 == ran.status, ran
    assert "next      sig attest hello && sig loader update hello" == ran.lines[-1]
    there = given_away(hello)
    refused(there.run(), 111, "hello is not verified: nobody has attested it", "update")
    assert 0 == hello.person.sig("attest", hello.loader, input=apps.YES, cwd=hello.place).status
    assert 0 == update(hello).status
    assert Ran(0, "one\n", "") == given_away(hello).run()
    assert "next      ./hello" == bake(hello, "--policy", "strict").lines[-1]


def test_what_lies_there_is_not_waited_for(hello: Loaded) -> None:
    """A pipe in place of the file."""
    assert 0 == bake(hello).status
    path = hello.place / "hello.sig"
    path.unlink()
    os.mkfifo(path)
    for ran in (update(hello), bake(hello)):
        assert (1, True) == (ran.status, "is not a regular file" in ran.stderr), ran
    ran = hello.person.sig("loader", "inspect", hello.loader)
    assert 0 == ran.status, ran
    assert f"beside    {path}: no regular file" in ran.lines
