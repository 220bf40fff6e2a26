"""A baked loader: its signers decide, by the file beside it; a folder can only say no."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from sig.model import loader
from sig.model.identifier import Identifier
from tests.cli.apps import App
from tests.loader.loaded import NO_FILES, loaded, make_no_file, refused
from tests.loader.shipped import DAY, EVIL, Shipped, at_home, reduced
from tests.world import Forger, Person, Ran, snapshot

# --- who counts ----------------------------------------------------------------------------------


def test_it_runs_where_there_is_no_folder(shipped: Shipped) -> None:
    """And writes nothing."""
    shipped.ok(shipped.signers[0])
    shipped.put()
    before = snapshot(shipped.place)
    shipped.runs()
    assert before == snapshot(shipped.place)


def test_as_many_as_the_threshold_have_to_say_ok(shipped: Shipped) -> None:
    """One of two is not enough, and neither is one twice."""
    alice, bob = shipped.signers
    shipped.goes_by(2)
    shipped.ok(alice)
    refused(shipped.run(), 111, "1 of 2 needed signers say ok")
    shipped.ok(alice, comment="again")
    refused(shipped.run(), 111, "1 of 2 needed signers say ok")
    shipped.ok(bob)
    shipped.runs()


def test_nobody_counts_but_its_signers(shipped: Shipped) -> None:
    """Whatever else the file has: their word, their certificate, under their name or another's."""
    mallory, (alice, _) = Forger(), shipped.signers
    (shipped.place / "words.py").write_text(EVIL)
    shipped.news[mallory.fingerprint] = reduced(mallory.certificate)
    shipped.ok(mallory)
    refused(shipped.run(), 111, "nobody has attested it")
    shipped.statements[0]["key"] = alice.fingerprint
    refused(shipped.run(), 111, "hello.lock is not verified")
    shipped.news[alice.fingerprint] = reduced(mallory.certificate)
    refused(shipped.run(), 114, f"the certificate of {alice.fingerprint}")


def test_a_strangers_warning_is_nothing(shipped: Shipped) -> None:
    """The file may hold it."""
    mallory = Forger()
    for id in (shipped.closure, shipped.root, shipped.id("words.py")):
        shipped.says(mallory, id, False)
    shipped.ok(shipped.signers[0])
    shipped.runs()


def test_a_program_that_nobody_signed_does_not_run(shipped: Shipped) -> None:
    """Nor one of which only the roots, or the files, are ok."""
    alice = shipped.signers[0]
    refused(shipped.run(), 111, "nobody has attested it")
    for id in (shipped.root, shipped.id("hello.py"), shipped.id("words.py")):
        shipped.says(alice, id)
    refused(shipped.run(), 111, "nobody has attested it")
    shipped.says(alice, shipped.closure)
    refused(shipped.run(), 111, "it does not say which program the list is of")


def test_an_ok_of_another_program_does_not_count(shipped: Shipped) -> None:
    """Genuine, and of the very same list."""
    shipped.ok(shipped.signers[0], app="other")
    refused(shipped.run(), 111, "it is a list of what a program may load")


def test_an_older_release_does_not_count(shipped: Shipped) -> None:
    """Older than the loader's, or than what the file knows; a newer one does."""
    alice, bob = shipped.signers
    shipped.goes_by(1, release=3)
    shipped.ok(alice, 2)
    refused(shipped.run(), 111, "it is release 2, and release 3 is known")
    shipped.ok(bob, 3)
    shipped.runs()
    other = "sha256:" + "5" * 64
    shipped.ok(bob, 4, id=other)
    refused(shipped.run(), 111, "and release 4 is known")


@pytest.mark.parametrize("words", [{"reviewed": False}, {"criteria": []}])
def test_an_ok_that_says_too_little_does_not_count(shipped: Shipped, words: dict[str, Any]) -> None:
    """Nobody looked, or it does not say at what."""
    said = {"criteria": ["app:hello", "release:1"]} | words
    shipped.says(shipped.signers[0], shipped.closure, **said)
    refused(shipped.run(), 111, "hello.lock is not verified")


# --- what ends a word ----------------------------------------------------------------------------


def test_what_was_taken_back_does_not_count(shipped: Shipped) -> None:
    """A withdrawal in the file, by the same signer alone."""
    (alice, bob), now = shipped.signers, int(time.time())
    shipped.ok(alice, at=now - 60)
    shipped.withdraws(bob, shipped.closure)
    shipped.runs()
    shipped.withdraws(alice, shipped.closure)
    refused(shipped.run(), 111, "hello.lock is not verified")
    shipped.ok(alice, at=now + 60)
    shipped.runs()


def test_what_a_newer_word_replaced_does_not_count(shipped: Shipped) -> None:
    """The newest is that it was not reviewed."""
    (alice, _), now = shipped.signers, int(time.time())
    shipped.ok(alice, at=now - 60)
    shipped.ok(alice, reviewed=False)
    refused(shipped.run(), 111, "hello.lock is not verified")


def test_what_has_expired_does_not_count(shipped: Shipped) -> None:
    """The statement, its signature, or the key when it signed."""
    (alice, bob), now = shipped.signers, int(time.time())
    shipped.ok(alice, expires="2020-01-01T00:00:00Z")
    refused(shipped.run(), 111, "it has expired")
    shipped.statements.clear()
    shipped.ok(alice, at=now - 60, expires_in=30)
    refused(shipped.run(), 111, "it has expired")
    shipped.statements.clear()
    shipped.ok(alice, at=now - 60, expires_in=3600, expires="2999-01-01T00:00:00Z")
    shipped.runs()
    shipped.statements.clear()
    ended = bob.key.public + bob.key.named(b"Bob <bob@example.org>", bob.key.created, expires=DAY)
    shipped.news[bob.fingerprint] = reduced(ended)
    shipped.ok(bob)
    refused(shipped.run(), 111, "expired")


def test_what_is_signed_in_the_future_does_not_count(shipped: Shipped) -> None:
    """A clock may be ten minutes wrong."""
    now = int(time.time())
    shipped.ok(shipped.signers[0], at=now + 1200)
    refused(shipped.run(), 111, "signed in the future")
    shipped.statements.clear()
    shipped.ok(shipped.signers[0], at=now + 500)
    shipped.runs()


def test_a_key_that_was_revoked_since_does_not_count(shipped: Shipped) -> None:
    """As the file knows: for good, or from a moment on. The loader's copy takes nothing back."""
    (alice, bob), now = shipped.signers, int(time.time())
    shipped.ok(alice, at=now - 2 * DAY)
    shipped.runs()
    for reason, made, status in ((3, now - DAY, 0), (3, now - 3 * DAY, 111), (2, now, 111)):
        revoked = alice.key.revoke(made, reason)
        shipped.news[alice.fingerprint] = reduced(
            alice.key.public + revoked + alice.key.named(alice.uid)
        )
        ran = shipped.run()
        assert status == ran.status, (reason, made, ran)
    shipped.goes_by(1)
    shipped.ok(bob)
    shipped.runs()
    del shipped.statements[1]
    # The other way round: what the loader knows cannot be unsaid by the file.
    shipped.knows({alice.fingerprint: shipped.news.pop(alice.fingerprint)})
    refused(shipped.run(), 111, "revoked")
    shipped.news[alice.fingerprint] = reduced(alice.certificate)
    refused(shipped.run(), 111, "revoked")


# --- warnings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["closure", "root", "archive", "script", "file", "scope"])
def test_a_warning_of_a_signer_stops_it(shipped: Shipped, what: str) -> None:
    """About the list, a root, an archive of it, a file, or a path of one; whoever says ok."""
    alice, bob = shipped.signers
    shipped.ok(alice)
    shipped.runs()
    archive = "sha256:" + "6" * 64
    if what == "archive":
        shipped.says(bob, archive, manifest=shipped.root)
        shipped.runs()
    words: dict[str, Any] = {}
    ids = {"closure": shipped.closure, "root": shipped.root, "archive": archive}
    ids |= {"script": shipped.id("hello.py"), "file": shipped.id("words.py")}
    if what == "scope":
        other = f"{shipped.id('words.py').removeprefix('sha256:')}  else/where.py\n".encode()
        ids["scope"] = str(Identifier.of_bytes(other))
        words = {"manifest": ids["scope"], "scope": ["else/where.py"], "reviewed": False}
    shipped.says(bob, ids[what], False, **words)
    if what == "scope":
        ran = shipped.run()
        assert (114, True) == (ran.status, "of a warning is missing" in ran.stderr), ran
        shipped.lists.append(other)
    ran = shipped.run()
    assert (113, "") == (ran.status, ran.stdout), ran
    assert "marked bad by 1 trusted signer" in ran.stderr
    if what in ("closure", "root", "archive", "script"):
        refused(ran, 113)


def test_a_warning_that_was_taken_back_stops_nothing(shipped: Shipped) -> None:
    """By who warned."""
    (alice, bob), now = shipped.signers, int(time.time())
    shipped.ok(alice)
    shipped.says(bob, shipped.root, False, at=now - 60)
    refused(shipped.run(), 113)
    shipped.withdraws(alice, shipped.root)
    refused(shipped.run(), 113)
    shipped.withdraws(bob, shipped.root)
    shipped.runs()


# --- the file ------------------------------------------------------------------------------------


def test_without_the_file_nobody_can_tell(shipped: Shipped) -> None:
    """It says what is missing, and waits for nothing that is no file."""
    shipped.ok(shipped.signers[0])
    path = shipped.put()
    path.unlink()
    refused(shipped.app.run(), 114, f"{path}: it is missing, and says who answers")
    for kind in NO_FILES:
        make_no_file(path, kind)
        refused(shipped.app.run(), 114, str(path))
        path.rmdir() if kind == "folder" else path.unlink()


def test_a_damaged_file_is_none(shipped: Shipped) -> None:
    """Each byte of it, and wherever it is cut."""
    shipped.ok(shipped.signers[0])
    raw = shipped.put().read_bytes()
    places = sorted({*range(0, len(raw), 97), *range(len(raw) - 200, len(raw), 7)})
    for at in places:
        changed = bytearray(raw)
        changed[at] ^= 1
        for damaged in (bytes(changed), raw[:at]):
            shipped.file.write_bytes(damaged)
            refused(shipped.app.run(), 114, str(shipped.file))
    shipped.file.write_bytes(raw + b"\n")
    refused(shipped.app.run(), 114, "its lists are not as long as it says")
    shipped.file.write_bytes(raw)
    assert 0 == shipped.app.run().status


def test_a_file_of_another_program_is_none(shipped: Shipped) -> None:
    """Swapped with a genuine one."""
    shipped.ok(shipped.signers[0])
    shipped.put("other")
    refused(shipped.app.run(), 114, "it is about the program other, and this is hello")


def test_a_file_without_a_list_is_not_enough(shipped: Shipped) -> None:
    """It cannot be told what may be loaded."""
    shipped.ok(shipped.signers[0])
    lists, shipped.lists = shipped.lists, []
    refused(shipped.run(), 114, "the list of app is not in")
    shipped.lists = [lists[0] + b"x"]
    refused(shipped.run(), 114, "the list of app is not in")


def test_what_was_changed_is_refused(shipped: Shipped) -> None:
    """The script, a module, and the list of both."""
    shipped.ok(shipped.signers[0])
    for name in ("hello.py", "words.py", "hello.lock"):
        path = shipped.place / name
        before = path.read_bytes()
        path.write_bytes(
            before.replace(b"SAID", b"SIAD") if name != "hello.lock" else before + before
        )
        ran = shipped.run()
        assert ran.status in (111, 114) and "" == ran.stdout, ran
        path.write_bytes(before)
    (shipped.place / "hello.py").write_text(EVIL)
    ran = refused(shipped.run(), 111, "sig loader update")
    assert ran.stderr.startswith("SECURITY VIOLATION: 'hello.py' has been tampered with!\n")


def test_a_loader_finds_its_file_beside_itself(shipped: Shipped, tmp_path: Path) -> None:
    """By whatever name it is called, wherever its folder lies, whatever the environment says."""
    shipped.ok(shipped.signers[0])
    shipped.put()
    place = shipped.app.person.place / "moved"
    shipped.place.rename(place)
    (place / "hello").rename(place / "greet")
    link = tmp_path / "hello"
    link.symlink_to(place / "greet")
    (tmp_path / "hello.sig").write_text("evil")
    env = {"HOME": str(tmp_path), "SIG_DIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run([link, "a"], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert (0, "1 a\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
def test_a_loader_with_a_damaged_certificate_is_none(shipped: Shipped, damage: str) -> None:
    """Nobody can tell who would count."""
    alice, bob = shipped.signers
    whole = reduced(alice.certificate)
    raw = {"empty": b"x", "cut": whole[:40], "other": reduced(bob.certificate)}[damage]
    shipped.knows({alice.fingerprint: raw})
    shipped.ok(bob)
    refused(shipped.run(), 114, f"the certificate of {alice.fingerprint}")


def test_a_strict_one_asks_its_signers_about_itself(shipped: Shipped) -> None:
    """By the same file."""
    alice, bob = shipped.signers
    shipped.goes_by(1, policy=loader.STRICT)
    shipped.ok(alice)
    refused(shipped.run(), 111, "hello is not verified")
    shipped.says(bob, shipped.id("hello"))
    shipped.runs()
    shipped.says(alice, shipped.id("hello"), False)
    refused(shipped.run(), 113, "hello is marked bad")


# --- a folder of who starts it -------------------------------------------------------------------


def test_a_folder_that_says_nothing_changes_nothing(shipped: Shipped, carol: Person) -> None:
    """Nor one that is not there; neither is written to."""
    before = snapshot(carol.folder)
    assert Ran(0, "1 a\n", "") == at_home(shipped, carol.home, "a")
    assert before == snapshot(carol.folder)
    shutil.rmtree(carol.folder)
    assert Ran(0, "1 a\n", "") == at_home(shipped, carol.home, "a")
    carol.folder.mkdir(mode=0o700)
    assert Ran(0, "1 a\n", "") == at_home(shipped, carol.home, "a")


@pytest.mark.parametrize("what", ["hello.lock", "app", "hello.py", "words.py"])
def test_a_mark_in_the_folder_stops_it(shipped: Shipped, carol: Person, what: str) -> None:
    """About the list, a root, or a file, although the folder knows nothing else of it."""
    if what == "app":
        marked = carol.write("app.list", shipped.lists[0])
        assert shipped.root == str(Identifier.of_bytes(marked.read_bytes()))
    else:
        # Of a lock all lists have to be at hand; of a file none.
        marked = carol.write("marked.txt", (shipped.place / what).read_bytes())
    ran = carol.sig("attest", "--not-ok", "--reviewed", "-m", "evil", marked)
    assert 0 == ran.status, ran
    ran = at_home(shipped, carol.home)
    assert (113, "") == (ran.status, ran.stdout), ran
    assert f"marked bad by 1 trusted signer, by {carol.folder}" in ran.stderr
    # Neither variable moves that, and taking it back does.
    other = {"HOME": "/", "SIG_DIR": "/nowhere"}
    assert 113 == at_home(shipped, carol.home, env=other).status
    assert 0 == carol.sig("withdraw", marked).status
    assert 0 == at_home(shipped, carol.home).status


def test_a_folder_never_says_yes(shipped: Shipped, carol: Person) -> None:
    """Its owner signed all of it, and no signer of the loader did."""
    shipped.statements.clear()
    own = loaded(App(carol, shipped.place, shipped.app.python, "hello.py", "hello")).signed()
    assert Ran(0, "1\n", "") == App.run(own)
    refused(at_home(shipped, carol.home), 111, "nobody has attested it")
    shipped.ok(shipped.signers[0])
    assert 0 == at_home(shipped, carol.home).status
    (shipped.place / "words.py").write_text(EVIL)
    own.signed()
    refused(at_home(shipped, carol.home), 111, "nobody has attested it")


@pytest.mark.parametrize("how", ["view", "config", "newer", "others", "link", "file", "gone"])
def test_a_folder_that_cannot_be_asked_refuses(shipped: Shipped, carol: Person, how: str) -> None:
    """What it would have said is not known."""
    if how == "view":
        (carol.folder / "view").unlink()
    elif how == "config":
        (carol.folder / "config").write_text("{}")
    elif how == "newer":
        (carol.folder / "version").write_text("9\n")
    elif how == "others":
        (carol.folder / "config").chmod(0o666)
    elif how == "file":
        shutil.rmtree(carol.folder)
        carol.folder.write_text("")
    else:
        carol.folder.rename(carol.home / "other")
        carol.folder.symlink_to("nothing" if how == "gone" else ".signet")
    refused(at_home(shipped, carol.home), 114)


def test_an_account_that_is_not_listed_has_no_folder(shipped: Shipped, carol: Person) -> None:
    """It runs: the security model says so."""
    carol.attests(shipped.app.list.read_bytes(), "--not-ok", "--reviewed", name="marked.txt")
    assert 113 == at_home(shipped, carol.home).status
    assert 0 == at_home(shipped, Path("relative")).status
