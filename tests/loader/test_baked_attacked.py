"""A baked loader and whoever has the file beside it, a folder of who starts it, or a stolen key."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sig.model import limits, loader
from sig.model.identifier import Identifier
from tests.cli.apps import App
from tests.imports.child import Python
from tests.imports.test_packs import packed
from tests.loader.loaded import refused
from tests.loader.shipped import DAY, EVIL, Shipped, at_home, reduced, sub
from tests.world import Forger, Person, Ran, smith

# --- whoever has the file ------------------------------------------------------------------------


def test_a_file_of_another_release_answers_for_no_other(shipped: Shipped) -> None:
    """Older or newer than what lies there, and than the loader."""
    alice = shipped.signers[0]
    shipped.ok(alice, 1)
    older = shipped.put().read_bytes()
    (shipped.place / "words.py").write_text(EVIL)
    shipped.statements.clear()
    other = "sha256:" + "5" * 64
    shipped.ok(alice, 2, id=other)
    refused(shipped.run(), 111, "nobody has attested it")
    shipped.file.write_bytes(older)
    ran = shipped.app.run()
    assert (111, "") == (ran.status, ran.stdout), ran
    assert "words.py" in ran.stderr
    shipped.goes_by(1, release=2)
    refused(shipped.app.run(), 111, "it is release 1, and release 2 is known")


@pytest.mark.parametrize("size", [limits.BAKED + 1, 1 << 40])
def test_a_huge_file_is_not_read(shipped: Shipped, size: int) -> None:
    """Not even where it goes on and on."""
    shipped.ok(shipped.signers[0])
    path = shipped.put()
    os.truncate(path, size)
    refused(shipped.app.run(), 114, f"{path}: larger than 67108864 bytes")
    path.unlink()
    path.symlink_to("/dev/zero")
    refused(shipped.app.run(), 114, f"{path}: not a regular file")


def test_a_file_of_nothing_but_zeros_or_depth_is_none(shipped: Shipped) -> None:
    """Of the largest size that is read."""
    path = shipped.put()
    for raw in (bytes(limits.BAKED), b"[" * (1 << 20) + b"\n" + b"0" * 80):
        path.write_bytes(raw)
        refused(shipped.app.run(), 114, str(path))


def test_a_file_may_be_a_link_to_it(shipped: Shipped) -> None:
    """What is in it decides."""
    shipped.ok(shipped.signers[0])
    shipped.put().rename(shipped.place / "other")
    shipped.file.symlink_to("other")
    assert 0 == shipped.app.run().status
    (shipped.place / "other").unlink()
    refused(shipped.app.run(), 114, "it is missing")


@pytest.mark.parametrize("how", ["renamed", "rewritten"])
def test_a_file_that_changes_meanwhile_is_one_of_both(shipped: Shipped, how: str) -> None:
    """Or none: read once, and never half of each."""
    alice, bob = shipped.signers
    shipped.ok(alice)
    good = shipped.put().read_bytes()
    shipped.says(bob, shipped.closure, False)
    bad = shipped.put().read_bytes()
    ended, seen = threading.Event(), set()

    def swap() -> None:
        other = shipped.file.with_name("new")
        while not ended.is_set():
            for raw in (good, bad):
                if how == "renamed":
                    other.write_bytes(raw)
                    other.replace(shipped.file)
                else:
                    shipped.file.write_bytes(raw)

    writer = threading.Thread(target=swap)
    writer.start()
    try:
        for _ in range(40):
            ran = shipped.app.run("a")
            seen.add(ran.status)
            assert ("1 a\n" if ran.status == 0 else "") == ran.stdout, ran
    finally:
        ended.set()
        writer.join()
    assert seen <= ({0, 113} if how == "renamed" else {0, 113, 114}), seen


def test_a_file_that_may_not_be_read_is_not_like_none(shipped: Shipped) -> None:
    """Whoever starts it."""
    shipped.ok(shipped.signers[0])
    shipped.put().chmod(0)
    shipped.for_anybody()
    words: list[str | Path] = [shipped.app.loader]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid", "65534", "--clear-groups", *words]

    def run() -> Ran:
        done = subprocess.run(words, capture_output=True, text=True, cwd="/", env={}, timeout=60)
        return Ran(done.returncode, done.stdout, done.stderr)

    refused(run(), 114, f"{shipped.file}: permission denied")
    shipped.file.chmod(0o644)
    assert Ran(0, "1\n", "") == run()


# --- keys ----------------------------------------------------------------------------------------


def test_two_subkeys_of_one_key_are_one_signer(shipped: Shipped) -> None:
    """And one of them is as good as the key; under its own name it is nobody."""
    alice, bob = shipped.signers
    born = alice.key.created
    subkeys = [smith().Key("eddsa", born) for _ in range(2)]
    whole = alice.certificate + b"".join(alice.key.binds(one, born) for one in subkeys)
    known = {alice.fingerprint: reduced(whole), bob.fingerprint: reduced(bob.certificate)}
    shipped.knows(known, 2)
    for number, one in enumerate(subkeys):
        shipped.ok(alice, by=one, comment=f"{number}")
    refused(shipped.run(), 111, "1 of 2 needed signers say ok")
    shipped.statements[1]["key"] = str(subkeys[1].fingerprint)
    refused(shipped.run(), 111, "1 of 2 needed signers say ok")
    shipped.knows(known, 1)
    shipped.runs()
    # A loader that counts one of them besides its key is none.
    as_own = {alice.fingerprint: reduced(whole), str(subkeys[0].fingerprint): reduced(whole)}
    shipped.knows(as_own, 2)
    refused(shipped.run(), 114, f"the certificate of {subkeys[0].fingerprint}")


@pytest.mark.parametrize("bound", ["by itself", "without its consent", "for encryption"])
def test_a_subkey_in_the_file_that_the_key_did_not_bind_is_nobody(
    shipped: Shipped, bound: str
) -> None:
    """A stranger's, slipped into what the file says of a signer's key."""
    alice, mallory = shipped.signers[0], smith().Key("eddsa", shipped.signers[0].key.created)
    born = alice.key.created
    if bound == "by itself":
        stolen = mallory.as_subkey + mallory.sign(
            alice.key.framed + mallory.framed, born, kind=0x18, hashed=sub(27, b"\x02")
        )
    elif bound == "without its consent":
        stolen = alice.key.binds(mallory, born, agreed=False)
    else:
        stolen = alice.key.binds(mallory, born, flags=12)
    shipped.news[alice.fingerprint] = alice.certificate + stolen
    shipped.ok(alice, by=mallory)
    refused(shipped.run(), 111, "hello.lock is not verified")


def test_a_key_that_had_ended_when_the_loader_was_made_does_not_count(shipped: Shipped) -> None:
    """What it signed before does; and again what it signs once the file knows it renewed."""
    (alice, _), now = shipped.signers, int(time.time())
    born = alice.key.created
    ended = alice.key.public + alice.key.named(alice.uid, born, expires=20 * DAY)
    shipped.knows({alice.fingerprint: reduced(ended)})
    shipped.ok(alice, at=now - 60)
    refused(shipped.run(), 111, "expired")
    renewed = alice.key.public + alice.key.named(alice.uid, now - 5 * DAY, expires=900 * DAY)
    shipped.news[alice.fingerprint] = reduced(renewed)
    shipped.runs()
    shipped.news.clear()
    shipped.statements.clear()
    shipped.ok(alice, at=now - 15 * DAY)
    shipped.runs()


def test_a_certificate_of_another_key_beside_it_changes_nothing(shipped: Shipped) -> None:
    """A revocation by somebody else, put into the certificate of a signer."""
    (alice, _), now = shipped.signers, int(time.time())
    other = Forger(created=alice.key.created)
    forged = alice.key.public + other.key.revoke(now - DAY, 2) + alice.key.named(alice.uid)
    shipped.news[alice.fingerprint] = forged
    shipped.ok(alice)
    shipped.runs()


def test_the_clock_of_words_decides_nothing_of_their_order(shipped: Shipped) -> None:
    """A warning from the future, or of long ago, is one; an ok from the future ends none."""
    (alice, bob), now = shipped.signers, int(time.time())
    shipped.ok(alice)
    shipped.says(bob, shipped.closure, False, at=now - 25 * DAY)
    refused(shipped.run(), 113, "marked bad")
    shipped.ok(bob, at=now + 1200)
    refused(shipped.run(), 113, "marked bad")
    shipped.withdraws(bob, shipped.closure, at=now + 1200)
    refused(shipped.run(), 113, "marked bad")


# --- the lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["hello.lock", "words.py"])
def test_another_program_under_its_name_is_refused(shipped: Shipped, what: str) -> None:
    """A lock that lists more, and a list that is not the one that the lock names."""
    shipped.ok(shipped.signers[0])
    (shipped.place / "words.py").write_text(EVIL)
    path = shipped.place / "words.py"
    digits = str(Identifier.of_bytes(path.read_bytes())).removeprefix("sha256:")
    before = shipped.id("hello.py").removeprefix("sha256:")
    files = f"{before}  hello.py\n{digits}  words.py\n".encode()
    named = str(Identifier.of_bytes(files)).removeprefix("sha256:")
    shipped.lists.append(files)
    if what == "hello.lock":
        (shipped.place / what).write_text(f"{named}  app\n")
        refused(shipped.run(), 111, "nobody has attested it")
    else:
        ran = shipped.run()
        assert (111, "") == (ran.status, ran.stdout), ran


# --- a folder of who starts it -------------------------------------------------------------------


def trusts(carol: Person, who: Forger, certificate: bytes = b"") -> None:
    """Carol counts them, as she knows their key."""
    path = carol.write("key.pgp", certificate or who.certificate)
    for words in (("key", "import", path), ("trust", "add", who.fingerprint)):
        ran = carol.sig(*words)
        assert 0 == ran.status, ran


def publishes(carol: Person, who: Forger, said: dict[str, Any]) -> None:
    """Carol fetches what they say."""
    place = who.publishes(carol.place / "theirs", [said])
    server = carol.world.serve(place)
    ran = carol.sig("remote", "add", "them", server.url, "--key", who.fingerprint)
    assert 0 == ran.status, ran
    assert 0 == carol.sig("fetch").status


@pytest.mark.parametrize("name", ["hello.lock", "hello.py", "words.py"])
def test_who_is_trusted_in_the_folder_says_no_and_nobody_else(
    shipped: Shipped, carol: Person, name: str
) -> None:
    """The same mark, of the same key, before and after."""
    dave = Forger(b"Dave <dave@example.org>")
    publishes(carol, dave, dave.says((shipped.place / name).read_bytes(), False))
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home)
    trusts(carol, dave)
    ran = at_home(shipped, carol.home)
    assert (113, "") == (ran.status, ran.stdout), ran
    assert f"marked bad by 1 trusted signer, by {carol.folder}" in ran.stderr
    assert 0 == carol.sig("trust", "remove", dave.fingerprint).status
    assert 0 == at_home(shipped, carol.home).status


def test_a_folder_does_not_replace_the_file(shipped: Shipped, carol: Person) -> None:
    """Carol and her folder say ok, and the file is missing."""
    shipped.put().unlink()
    own = App(carol, shipped.place, shipped.app.python, "hello.py", "hello").signed()
    assert Ran(0, "1\n", "") == own.run()
    shipped.file.symlink_to("nothing")
    refused(at_home(shipped, carol.home, write=False), 114, "it is missing")
    shipped.file.unlink()
    assert 0 == at_home(shipped, carol.home).status


def test_a_folder_lowers_nothing(shipped: Shipped, carol: Person) -> None:
    """It trusts the one who signed and is no signer, has a looser policy, knows no warning."""
    alice, bob = shipped.signers
    shipped.goes_by(2)
    refused(at_home(shipped, carol.home), 111, "1 of 2 needed signers say ok")
    mallory = Forger()
    for one in (alice, mallory):
        trusts(carol, one)
    shipped.ok(mallory)
    refused(at_home(shipped, carol.home), 111, "1 of 2 needed signers say ok")
    shipped.ok(bob)
    assert 0 == at_home(shipped, carol.home).status
    shipped.says(bob, shipped.id("words.py"), False)
    assert 0 == carol.sig("config", "policy", '{"not-ok": 9}').status
    ran = at_home(shipped, carol.home)
    assert (113, "") == (ran.status, ran.stdout), ran


def test_an_end_that_a_folder_knows_is_no_renewal(shipped: Shipped, carol: Person) -> None:
    """A key that ended for the loader counts no more for knowing elsewhere that it was renewed."""
    (alice, _), now = shipped.signers, int(time.time())
    ended = alice.key.public + alice.key.named(alice.uid, alice.key.created, expires=DAY)
    renewed = alice.key.public + alice.key.named(alice.uid, now - 5 * DAY, expires=900 * DAY)
    shipped.knows({alice.fingerprint: reduced(ended)})
    refused(at_home(shipped, carol.home), 111, "expired")
    trusts(carol, alice, renewed)
    refused(at_home(shipped, carol.home), 111, "expired")


REVOKED: dict[str, tuple[int, int, int]] = {
    "stolen": (2, 60, 111),
    "stolen, of now, long after the word": (2, 0, 111),
    "retired before the word": (3, 5 * DAY, 111),
    "retired after the word": (3, 60, 0),
}


@pytest.mark.parametrize("how", REVOKED)
def test_a_key_that_the_folder_knows_revoked_does_not_count(
    shipped: Shipped, carol: Person, how: str
) -> None:
    """If the folder trusts it: who has the stolen key and the file leaves the news out of that."""
    (alice, bob), now = shipped.signers, int(time.time())
    reason, ago, status = REVOKED[how]
    shipped.statements.clear()
    shipped.ok(alice, at=now - 2 * DAY)
    trusts(carol, alice)
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home)
    revoked = alice.key.revoke(now - ago, reason)
    whole = alice.key.public + revoked + alice.key.named(alice.uid)
    assert 0 == carol.sig("key", "import", carol.write("new.pgp", whole)).status
    ran = at_home(shipped, carol.home)
    assert status == ran.status, ran
    if status:
        refused(ran, status, f", by {carol.folder}")
        assert "revoked" in ran.stderr, ran
        assert status == at_home(shipped, carol.home, env={"HOME": "/", "SIG_DIR": "/"}).status
    # The word of another is enough, and a warning of a key that was stolen still is one.
    shipped.ok(bob)
    assert 0 == at_home(shipped, carol.home).status
    shipped.says(alice, shipped.closure, False, at=now - DAY)
    refused(at_home(shipped, carol.home), 113, "marked bad")


def test_a_strict_loader_asks_what_became_of_keys_about_itself_too(
    shipped: Shipped, carol: Person
) -> None:
    """The program is of another signer, whose key is none the worse."""
    bob, now = shipped.signers[1], int(time.time())
    today = time.strftime("%Y-%m-%d", time.gmtime(now))
    shipped.goes_by(1, policy=loader.STRICT)
    shipped.says(bob, shipped.id("hello"))
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home)
    trusts(carol, bob)
    whole = bob.key.public + bob.key.revoke(now, 2) + bob.key.named(bob.uid)
    assert 0 == carol.sig("key", "import", carol.write("new.pgp", whole)).status
    why = f"the key was revoked on {today} (compromised), by {carol.folder}"
    refused(at_home(shipped, carol.home), 111, why)


def test_a_pack_of_a_key_that_the_folder_knows_revoked_is_not_used(
    shipped: Shipped, carol: Person
) -> None:
    """Another signer says ok of the list, and of no pack."""
    (alice, bob), now = shipped.signers, int(time.time())
    digits = shipped.id("words.py").removeprefix("sha256:")
    pack = packed(Python(str(shipped.app.python), (3, 0), (), ""), {digits: "SAID = 'packed'\n"})
    (shipped.place / "hello.pack").write_bytes(pack.raw)
    id = Identifier.of_bytes(pack.raw)
    criteria = sorted(["app:hello", "release:1", f"pack:{pack.tag}={id}"])
    shipped.statements.clear()
    shipped.ok(bob)
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home)
    shipped.says(alice, shipped.closure, criteria=criteria, at=now - DAY)
    trusts(carol, alice)
    assert Ran(0, "packed\n", "") == at_home(shipped, carol.home)
    whole = alice.key.public + alice.key.revoke(now, 2) + alice.key.named(alice.uid)
    assert 0 == carol.sig("key", "import", carol.write("new.pgp", whole)).status
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home)


def damaged_key(folder: Path) -> None:
    (path,) = (folder / "keys").glob("*.pgp")
    path.write_bytes(path.read_bytes()[:-9])


def swapped_list(folder: Path) -> None:
    for path in (folder / "repo/objects").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes() + b"x")


def from_nobody(folder: Path) -> None:
    (folder / "view").write_bytes((folder / "view").read_bytes()[:-1])


@pytest.mark.parametrize("damage", [damaged_key, swapped_list, from_nobody])
def test_a_damaged_folder_never_says_less(
    shipped: Shipped, carol: Person, damage: Callable[[Path], None]
) -> None:
    """With a mark in it, it refuses with that or because it cannot tell."""
    marked = carol.write("app.list", shipped.lists[0])
    ran = carol.sig("attest", "--not-ok", "--reviewed", "-m", "evil", marked)
    assert 0 == ran.status, ran
    damage(carol.folder)
    ran = at_home(shipped, carol.home)
    assert (ran.status in (113, 114), "") == (True, ran.stdout), ran
    assert "panicked" not in ran.stderr


def test_a_folder_that_changes_meanwhile_says_no_all_the_time(
    shipped: Shipped, carol: Person
) -> None:
    """While its owner writes something else there."""
    marked = carol.write("marked.txt", (shipped.place / "words.py").read_bytes())
    assert 0 == carol.sig("attest", "--not-ok", "--reviewed", "-m", "evil", marked).status
    ended = threading.Event()

    def writes() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            carol.attests(f"{number}", name=f"{number}.txt")

    writer = threading.Thread(target=writes)
    writer.start()
    try:
        for _ in range(10):
            ran = at_home(shipped, carol.home)
            assert (113, "") == (ran.status, ran.stdout), ran
    finally:
        ended.set()
        writer.join()


def test_a_folder_that_lies_elsewhere_counts(shipped: Shipped, carol: Person) -> None:
    """Its owner made a link to it."""
    marked = carol.write("marked.txt", (shipped.place / "hello.py").read_bytes())
    assert 0 == carol.sig("attest", "--not-ok", "--reviewed", "-m", "evil", marked).status
    carol.folder.rename(carol.home / "elsewhere")
    carol.folder.symlink_to("elsewhere")
    refused(at_home(shipped, carol.home), 113, f"marked bad by 1 trusted signer, by {carol.folder}")


def test_a_home_that_cannot_be_looked_into_refuses(shipped: Shipped, carol: Person) -> None:
    """Nobody can tell whether there is a folder."""
    shipped.for_anybody()
    carol.home.chmod(0o700)
    ran = at_home(shipped, carol.home, user=65534)
    refused(ran, 114, str(carol.folder))
    carol.home.chmod(0o755)
    refused(at_home(shipped, carol.home, user=65534), 114, str(carol.folder))
    carol.folder.rename(carol.place / "gone")
    assert Ran(0, "1\n", "") == at_home(shipped, carol.home, user=65534)


# --- the machine ---------------------------------------------------------------------------------


def test_the_policy_of_the_machine_holds(shipped: Shipped, carol: Person) -> None:
    """It asks for more signers than the loader; less it cannot; and one that does not read ends."""
    shutil.rmtree(carol.folder)
    two = '{"ok": 2}'
    refused(at_home(shipped, carol.home, site=two), 111, "1 of 2 needed signers say ok")
    shipped.ok(shipped.signers[1])
    assert 0 == at_home(shipped, carol.home, site=two).status
    assert 0 == at_home(shipped, carol.home, site='{"ok": 1}').status
    refused(at_home(shipped, carol.home, site='{"criteria": ["audited"]}'), 111)
    refused(at_home(shipped, carol.home, site='{"ok": 0}'), 114)
    shipped.goes_by(2)
    shipped.statements.pop()
    refused(at_home(shipped, carol.home, site='{"ok": 1, "not-ok": 5}'), 111, "1 of 2 needed")
