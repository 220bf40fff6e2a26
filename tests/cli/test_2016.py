"""The program of 2016: its folder is read and converted, and it can read what we publish."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import VECTORS, Person, World, contents, stop_agent

# What that program answered, from vectors/README.md; "marked bad" ended with 1 then.
ANSWERS = [
    ("hello.txt", 0, "is ok."),
    ("empty.bin", 0, "is ok."),
    ("hello.py", 0, "is ok."),
    ("bad.sh", 3, "is marked bad!"),
    ("unknown.txt", 1, "is unknown!"),
]


@pytest.fixture
def old(world: World) -> Person:
    """Alice of 2016, with her secret key."""
    return world.ancestor()


def answers(person: Person) -> list[tuple[str, int, str]]:
    """What `verify` says now of the five files."""
    found = []
    for name, _, _ in ANSWERS:
        ran = person.sig("verify", name)
        path = f"file {person.place}/{name} "
        found.append((name, ran.status, ran.lines[-1].removeprefix(path)))
    return found


def test_its_folder_answers_at_once_and_reading_changes_nothing(world: World) -> None:
    """No setup, no conversion: the same answers as then, by the same people."""
    old = world.ancestor(secret=False)
    before = contents(old.folder)

    assert ANSWERS == answers(old)

    bob = json.loads((VECTORS / "ancestor/bob-published/repo.json").read_bytes())["key"]
    assert f"ok [{bob[-8:]}] " in old.sig("verify", "hello.py").stdout
    assert {old.fingerprint, bob} == {
        line.split("]")[0].removeprefix("[") for line in old.sig("-v", "trust", "list").lines
    }
    assert ['"bob"'] == [line.split()[0] for line in old.sig("remote", "list").lines]
    assert f"folder    {old.folder}/ [{old.short}] " in old.sig().stdout
    assert 0 == old.sig("show", "bad.sh").status
    assert before == contents(old.folder)


def test_the_first_write_converts_it_and_keeps_its_files(old: Person) -> None:
    """After an attestation all answers stand, and what that program left is there as it was."""
    before = contents(old.folder)
    old.write("new.txt", "new\n")

    assert 0 == old.sig("attest", "new.txt", "--ok", "--reviewed", "-m", "").status

    after = contents(old.folder)
    assert b"1\n" == after["version"]
    assert before["keyring.gpg"] == after["keyring.gpg"]
    assert before["remotes/bob/repo.json"] == after["remotes/bob/repo.json"]
    assert ANSWERS == answers(old)
    assert 0 == old.sig("verify", "new.txt").status
    shutil.rmtree(old.gnupg)
    assert ANSWERS == answers(old)


def test_without_gpg_it_says_what_is_missing(world: World) -> None:
    """The keyring of then is read by gpg only: without it a note, no traceback, and never an ok
    that was none."""
    old = world.ancestor(secret=False)
    empty = world.path / "empty"
    empty.mkdir()

    ran = old.sig("verify", "hello.txt", "hello.py", "bad.sh", env={"PATH": str(empty)})

    assert ran.status in (1, 3, 4)
    assert "note: the keys of this older folder cannot be read: gpg is not installed\n" in (
        ran.stderr
    )
    # Her own certificate lies beside her repository in the clear.
    assert f"file {old.place}/hello.txt is ok." in ran.lines
    assert f"file {old.place}/hello.py is ok." not in ran.lines


def test_a_converted_folder_needs_no_gpg_to_read(old: Person, world: World) -> None:
    """Whom it knows is in files of its own from then on."""
    empty = world.path / "empty"
    empty.mkdir()
    assert 0 == old.sig("trust", "add", old.fingerprint).status
    old.write("new.txt", "new\n")
    assert 0 == old.sig("attest", "new.txt", "--ok", "--reviewed", "-m", "").status

    ran = old.sig("verify", "hello.txt", "hello.py", env={"PATH": str(empty)})

    assert (0, "2 files: 2 ok, 0 marked bad, 0 not verified, 0 unknown, 0 unreadable\n") == (
        ran.status,
        ran.stderr,
    )


def test_what_bob_published_then_can_be_fetched(world: World, alice: Person) -> None:
    """A repository without a sequence, from the program of 2016."""
    url = world.serve(VECTORS / "ancestor/bob-published").url
    key = json.loads((VECTORS / "ancestor/bob-published/repo.json").read_bytes())["key"]

    ran = alice.sig("remote", "add", "bob", url, "-f", "--key", key, "--trust")

    assert 0 == ran.status, ran
    files = VECTORS / "ancestor/files"
    assert 0 == alice.sig("verify", files / "hello.py").status
    assert 3 == alice.sig("verify", files / "bad.sh").status


# --- what it reads of ours -----------------------------------------------------------------------


@pytest.fixture
def keyring() -> Iterator[Path]:
    """A GNUPGHOME with nothing in it, as that program made one."""
    home = Path(tempfile.mkdtemp(prefix="sig-", dir="/tmp"))
    yield home
    stop_agent(home)
    shutil.rmtree(home, ignore_errors=True)


def gpg(home: Path, *words: str | Path, input: bytes = b"") -> str:
    """Run gpg as that program did; it did not look at the exit status."""
    command = ["gpg", "--homedir", home, "--batch", "--no-tty", "--status-fd", "1", *words]
    return subprocess.run(command, input=input, capture_output=True).stdout.decode()


def assert_reads(home: Path, envelope: dict[str, object]) -> None:
    """That program's check: the signature over json.dumps(data, sort_keys=True) is valid and by
    `key`; nothing but data, key and sig is looked at."""
    assert {"data", "key", "sig"} == set(envelope)
    signed = home / "signed"
    signed.write_text(json.dumps(envelope["data"], sort_keys=True))
    sig = home / "signed.sig"
    sig.write_bytes(base64.b64decode(str(envelope["sig"])))
    told = gpg(home, "--verify", sig, signed)
    valid = [line.split() for line in told.splitlines() if line.startswith("[GNUPG:] VALIDSIG ")]
    # Its VALIDSIG field is that of the key that signed: the primary, which is why we sign with it.
    assert [envelope["key"]] == [line[2] for line in valid], told


def test_it_verifies_all_that_we_publish(world: World, alice: Person, keyring: Path) -> None:
    """repo.json, every statement and the config, whatever is in them; filed as it expects."""
    alice.attests(
        "one\n", "--ok", "--reviewed", "-m", 'ümläut \u2028 \U0001f600 \x7f "quoted" \\ /'
    )
    alice.attests("two\n", "--not-ok", "--not-reviewed", "-m", "bad", "--name", "two.txt")
    alice.attests("three\n", name="three")
    alice.sig("withdraw", "three")
    alice.sig("remote", "add", "example", "http://example.org/")
    alice.sig("config", "publish.target", world.path / "www")
    assert 0 == alice.sig("publish").status
    gpg(keyring, "--import", world.path / "www/key.asc")

    repository = json.loads((world.path / "www/repo.json").read_bytes())

    assert_reads(keyring, repository)
    assert alice.fingerprint == repository["key"]
    assert "0.0.1" == repository["data"]["version"]
    filed = repository["data"]["attestations"]
    assert 3 == len(filed)
    for id, envelopes in filed.items():
        for envelope in envelopes:
            assert_reads(keyring, envelope)
            assert id == envelope["data"]["id"]
            assert {bool} == {type(envelope["data"][name]) for name in ("ok", "reviewed")}
    assert_reads(keyring, alice.read("config"))


def test_it_would_not_take_what_we_withdrew_or_did_not_review_for_ok(
    world: World, alice: Person
) -> None:
    """That program knows `ok` and `reviewed` only: neither is true where it must not count."""
    alice.attests("f\n", name="f")
    alice.sig("withdraw", "f")

    ((envelope,),) = alice.read("repo/repo.json")["data"]["attestations"].values()

    assert (False, False) == (envelope["data"]["ok"], envelope["data"]["reviewed"])


def test_its_own_key_goes_on_signing(old: Person, keyring: Path) -> None:
    """A key of 2016 signs in the converted folder, and that program verifies it still."""
    old.write("new.txt", "new\n")
    assert 0 == old.sig("attest", "new.txt", "--ok", "--reviewed", "-m", "").status
    gpg(keyring, "--import", old.folder / "repo/key.asc")

    repository = old.read("repo/repo.json")

    assert_reads(keyring, repository)
    for envelopes in repository["data"]["attestations"].values():
        for envelope in envelopes:
            assert_reads(keyring, envelope)
    assert 1 == repository["data"]["sequence"]
    assert_reads(keyring, old.read("config"))
