"""`sig-verify` and `sig verify`, side by side: the same words, the same exit status.

Where others spoke than those who count, and in folders and archives, they differ, and `sig-verify`
names `sig verify`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sig.repo import view
from tests.cli.conftest import FILES, _first, again, told
from tests.native.conftest import ROOT, built
from tests.repo import kill
from tests.soak import SOAK, paired, some
from tests.verbs.parties import DAY, FILE, NOW, Party, Reader, Web, file_id, retired
from tests.verbs.test_view_vectors import FILES as VECTORS
from tests.verbs.test_view_vectors import Scenario
from tests.world import Person, World, command, snapshot, zygote

# What the fixtures of the command line need to be found here.
__all__ = ["_first", "again", "told"]

Ran = tuple[int, bytes, bytes]


class Both:
    """Runs both programs with the same words."""

    def __init__(self, program: Path, environment: Mapping[str, str], place: Path) -> None:
        self.program = program
        self.environment = dict(environment)
        self.place = place

    def run(self, words: list[str | bytes], input: bytes, **more: str) -> Ran:
        done = subprocess.run(
            words,
            input=input,
            capture_output=True,
            env=self.environment | more,
            cwd=self.place,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    def native(self, *words: str | bytes, input: bytes = b"", **more: str) -> Ran:
        """What sig-verify does."""
        status, stdout, stderr = self.run([str(self.program), *words], input, **more)
        assert b"panicked" not in stderr
        return status, stdout, stderr

    def sig(self, *words: str | bytes, input: bytes = b"", **more: str) -> Ran:
        """What `sig verify` does."""
        if more or not all(isinstance(word, str) for word in words):
            return self.run([*command(), "verify", *words], input, **more)
        plain = ["verify", *map(str, words)]
        return zygote().run(plain, input, self.environment, self.place)

    def same(self, *words: str | bytes, input: bytes = b"", unknown: str = "", **more: str) -> int:
        """Both do the same; where files are `unknown` the one hint more. Gives the exit status."""
        status, stdout, stderr = self.sig(*words, input=input, **more)
        quiet = "-q" in words or "--quiet" in words
        hint = f"hint: sig verify {unknown}\n".encode() if unknown and not quiet else b""
        assert (status, stdout, stderr + hint) == self.native(*words, input=input, **more)
        return status

    def in_all_ways(self, *words: str, unknown: str = "") -> int:
        """With each option that changes what is said."""
        found = {
            self.same(*words, *options, unknown=unknown)
            for options in ((), ("--json",), ("-v",), ("-q",), ("--json", "-q"), ("--no-color",))
        }
        (status,) = found
        return status


@pytest.fixture(scope="session")
def program() -> Path:
    """The real program, built once."""
    return built("sig-verify")


@pytest.fixture
def both(program: Path, tmp_path: Path) -> Both:
    """In a place of its own, with a HOME and no folder."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return Both(program, environment, home)


def as_person(program: Path, person: Person) -> Both:
    return Both(program, person.environment, person.place)


# --- the story that all tests of the command line tell -------------------------------------------


def test_a_story_of_people_is_told_in_the_same_words(told: Any, program: Path) -> None:
    """Real keys, real fetches: ok, ok by another, bad, and a script."""
    alice = as_person(program, told.alice)
    assert [0, 0, 3, 0] == [
        alice.in_all_ways(name) for name in ("good", "theirs", "bad", "script.sh")
    ]
    assert 3 == alice.in_all_ways("good", "theirs", "bad")
    assert 1 == alice.in_all_ways("unknown", unknown="unknown")
    assert 1 == alice.in_all_ways("good", "unknown", "./unknown", unknown="unknown …")


def test_where_only_others_spoke_the_file_is_unknown(told: Any, program: Path) -> None:
    """The one allowed difference: it names `sig verify`, and the exit status is the same."""
    alice = as_person(program, told.alice)
    status, stdout, stderr = alice.native("untrusted")
    assert 1 == status == alice.sig("untrusted")[0]
    assert b"file %s/untrusted is unknown!\n" % bytes(alice.place) in stdout
    assert told.carol.fingerprint[-8:].encode() not in stdout
    assert b"hint: sig verify untrusted\n" == stderr
    assert b"" == alice.native("untrusted", "-q")[2]


def test_it_changes_as_the_folder_does(again: Any, program: Path) -> None:
    """A mark, trust that is given and taken, a key that does not count: at once."""
    alice, both = again.alice, as_person(program, again.alice)
    assert 0 == both.same("good")
    alice.attests("good\n", "--not-ok", "--reviewed", "-m", "no", name="good")
    assert 3 == both.in_all_ways("good")
    alice.sig("trust", "add", again.carol.fingerprint)
    assert 0 == both.in_all_ways("untrusted")
    alice.sig("trust", "remove", again.carol.fingerprint)
    assert 1 == both.native("untrusted")[0]
    alice.sig("config", "policy", '{"ok": 2}')
    assert 1 == both.in_all_ways("theirs")
    alice.sig("config", "policy", '{"ok": 1, "moon": 1}')
    assert 1 == both.same("theirs")


def test_it_writes_nothing(told: Any, program: Path) -> None:
    """Not a file, not a time."""
    before = snapshot(told.alice.folder)
    as_person(program, told.alice).native(*FILES, "--json")
    assert before == snapshot(told.alice.folder)


# --- folders of every kind -----------------------------------------------------------------------


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_a_vector_is_answered_in_the_same_words(path: Path, both: Both, tmp_path: Path) -> None:
    """Each question of each folder; `sig` reads all of it, and this the view."""
    vector = Scenario(path)
    if "site" in vector.head:
        return  # that policy lies where only the owner of the machine writes
    folder = tmp_path / "folder"
    vector.put(folder)
    for one in vector.asked:
        words = ("--dir", str(folder), one["id"])
        if one["verdict"] == "error":
            assert_cannot_tell(both, vector, *words)
        elif strangers := spoken_by_others(both, vector, *words):
            whole, found = both.sig(*words, "--json"), both.native(*words, "--json")
            assert whole[0] == found[0]
            if "whole" not in one:
                # The same but for their lines.
                (result,) = json.loads(whole[1])["results"]
                said = result["statements"]
                result["statements"] = [line for line in said if line not in strangers]
                assert [result] == json.loads(found[1])["results"]
        else:
            ask = both.in_all_ways if SOAK or one is vector.asked[0] else both.same
            ask(*words, unknown=one["id"] if one["verdict"] == "unknown" else "")


def spoken_by_others(both: Both, vector: Scenario, *words: str) -> list[Any]:
    """The lines of those who do not count."""
    trusted = view.read(vector.files["view"]).counts
    (result,) = json.loads(both.sig(*words, "--json")[1])["results"]
    return [line for line in result["statements"] if line["key"] not in trusted]


def assert_cannot_tell(both: Both, vector: Scenario, *words: str) -> None:
    """4, no answer, and a command that helps."""
    status, stdout, stderr = both.native(*words)
    assert (4, b"") == (status, stdout)
    assert re.fullmatch(rb"error: .*\nhint: .*\n", stderr), stderr
    ran = both.native(*words, "--json")
    assert 4 == ran[0]
    assert b'"verdict": "error"' in ran[1] and b'"reason": "store"' in ran[1]


def bob_is_trusted(desk: Reader, bob: Party, web: Web) -> None:
    bob.says(comment="read it twice")
    bob.says(file_id("bad"), ok=False, comment="deletes\nyour \x1b[31mhome\u202e")
    bob.says(file_id("odd"), ok=False, reviewed="no", comment=7)
    bob.says(file_id("part"), reviewed=False, scope=["a"])
    bob.says(file_id("old"), at=NOW - 3 * DAY)
    bob.says(file_id("old"), at=NOW - 2 * DAY, comment="again")
    bob.says(file_id("expired"), expires="2025-07-01T00:00:00Z")
    bob.says(file_id("needs"), needs=["moon", "sun"])
    bob.says(file_id("tool"), reviewed=False, method="tool:lint")
    web.offer(bob)
    desk.follow(bob, counts=True)
    desk.fetch("bob")


def two_signers(desk: Reader, bob: Party, web: Web) -> None:
    bob_is_trusted(desk, bob, web)
    carol = Party("carol", kind="rsa")
    carol.says()
    carol.says(file_id("bad"))
    carol.says(file_id("part"), ok=False)
    web.offer(carol)
    desk.follow(carol, counts=True)
    desk.fetch("carol")


def many_signers(desk: Reader, bob: Party, web: Web) -> None:
    """More than are shown of those that do not count."""
    bob_is_trusted(desk, bob, web)
    for number in range(8):
        one = Party(f"p{number}", kind="p256" if number % 2 else "eddsa")
        one.says(reviewed=False)
        web.offer(one)
        desk.follow(one, counts=True)
        desk.fetch(one.name)


def key_that_ended(desk: Reader, bob: Party, web: Web) -> None:
    bob_is_trusted(desk, bob, web)
    web.offer(bob, key_asc=retired(bob, NOW - 10 * DAY))
    desk.fetch("bob")


def key_that_was_stolen(desk: Reader, bob: Party, web: Web) -> None:
    from tests.verbs.parties import armored

    bob_is_trusted(desk, bob, web)
    stolen = bob.key.public + bob.key.revoke(NOW - DAY, 2) + bob.key.named(bob.uid)
    web.offer(bob, key_asc=armored(stolen))
    desk.fetch("bob")


def odd_names(desk: Reader, bob: Party, web: Web) -> None:
    bob.uid = "Bøb \u202eevil\u2028\x07 \U0001f600 \u0378 <bob@example.org>".encode()
    bob.certificate = bob.key.public + bob.key.named(bob.uid)
    bob_is_trusted(desk, bob, web)


def no_name(desk: Reader, bob: Party, web: Web) -> None:
    bob.uid = b"\xff\xfe <bob@example.org>"
    bob.certificate = bob.key.public + bob.key.named(bob.uid)
    bob_is_trusted(desk, bob, web)


def forged(desk: Reader, bob: Party, web: Web) -> None:
    """Words that only claim to be Bob's, offered by another."""
    bob_is_trusted(desk, bob, web)
    mallory = Party("mallory")
    said = [mallory.statement(file_id(name), ok) for name, ok in (("x", True), ("y", False))]
    mallory.offered = [one | {"key": bob.fingerprint} for one in said]
    changed = bob.statement(file_id("z"))
    changed["data"]["comment"] = "changed"
    mallory.offered.append(changed)
    web.offer(mallory)
    desk.follow(mallory)
    desk.fetch("mallory")


def remembered(desk: Reader, bob: Party, web: Web) -> None:
    bob_is_trusted(desk, bob, web)
    bob.offered.clear()
    web.offer(bob)
    desk.fetch("bob")


def out_of_date(desk: Reader, bob: Party, web: Web) -> None:
    bob_is_trusted(desk, bob, web)
    web.offer(bob, bob.repository(expires="2025-07-01T00:00:00Z"))
    desk.fetch("bob")


STORIES: list[Callable[[Reader, Party, Web], None]] = [
    bob_is_trusted,
    two_signers,
    many_signers,
    key_that_ended,
    key_that_was_stolen,
    odd_names,
    no_name,
    forged,
    remembered,
    out_of_date,
]
ASKED = ["bad", "odd", "part", "old", "expired", "needs", "tool", "x", "y", "z"]


@pytest.mark.parametrize(
    ("story", "owned"),
    paired(STORIES, ["own key", "no key"]),
    ids=lambda given: getattr(given, "__name__", given),
)
def test_a_story_is_told_in_the_same_words(
    story: Callable[[Reader, Party, Web], None], owned: str, both: Both, tmp_path: Path
) -> None:
    """Files of it alone and all at once, in every way; from a signed folder and another."""
    web, bob = Web(), Party("bob")
    desk = Reader(tmp_path / "desk", web, Party("alice") if owned == "own key" else None)
    story(desk, bob, web)
    both.environment["SIG_DIR"] = str(desk.path)
    # Only what somebody who counts spoke of, or claimed to have.
    asked = [
        id for id in (FILE, *map(file_id, ASKED)) if desk.answer(id) not in ("unknown", "error")
    ]
    assert asked
    for id in some(asked, 3):
        both.same(id)
        both.same(id, "-v")
    both.in_all_ways(*asked)
    both.same(*asked, LANG="C", LC_ALL="C")
    both.same(*asked, "-v", LC_ALL="en_US.US-ASCII", PYTHONIOENCODING="ascii")


# --- what is asked about -------------------------------------------------------------------------


@pytest.fixture
def desk(both: Both, tmp_path: Path) -> Reader:
    """A folder where Bob counts; his words are about FILE and others."""
    web, bob = Web(), Party("bob")
    desk = Reader(tmp_path / "desk", web, Party("alice"))
    bob_is_trusted(desk, bob, web)
    both.environment["SIG_DIR"] = str(desk.path)
    return desk


def test_files_are_named_in_every_way(desk: Reader, both: Both) -> None:
    """A path, links, standard input, an identifier, a list; a file that cannot be read."""
    (both.place / "file").write_bytes(b"a file")
    (both.place / "link").symlink_to("file")
    (both.place / "sub").mkdir()
    (both.place / "other").write_bytes(b"bad")
    assert 0 == both.in_all_ways("file", "./file", "sub/../file", "link", str(both.place / "file"))
    assert 0 == both.same("-", input=b"a file")
    assert 0 == both.same(input=b"a file")
    assert 0 == both.same("--", "file")
    assert 0 == both.same("--files0-from", "-", input=b"file\0link")
    (both.place / "list").write_bytes(b"file\0other\0")
    assert 3 == both.same("--files0-from=list")
    assert 4 == both.in_all_ways("missing")
    assert 4 == both.in_all_ways("file", "missing", "file/x", "")
    assert 3 == both.in_all_ways("missing", "other")
    assert 0 == both.same("file", "--dir", str(desk.path), SIG_DIR="/nonexistent")
    assert 0 == both.same("--dir=" + str(desk.path), "--offline", "file", SIG_DIR="")


def test_names_of_files_cannot_hurt_a_terminal(desk: Reader, both: Both) -> None:
    """Bytes that are no text, controls, what turns the direction of reading."""
    for name in (b"\xff\xfe", b"a\nb", "é\u202e中".encode(), b"a b'c", b"sha256-", b"\x1b[31m"):
        (both.place / os.fsdecode(name)).write_bytes(b"a file")
        assert 0 == both.same(name)
        assert 0 == both.same(name, "--json")
    assert 4 == both.same(b"missing \xff\n")


@pytest.mark.parametrize(
    "words",
    [
        ["--what"],
        ["-vq", "file"],
        ["--dir"],
        ["sha256:abc"],
        ["sha256:" + "A" * 64],
        ["--files0-from", "-", "file"],
    ],
)
def test_words_that_are_wrong_are_usage(both: Both, words: list[str]) -> None:
    """2, as for any program, also as JSON; nothing is read."""
    assert 2 == both.sig(*words)[0] == both.native(*words)[0]
    status, stdout, stderr = both.native("--json", *words)
    assert (2, b"") == (status, stderr)
    assert b'"code": "usage"' in stdout


def test_an_identifier_that_is_a_file_too_is_neither(desk: Reader, both: Both) -> None:
    """An attacker may name a file."""
    (both.place / FILE).write_bytes(b"")
    assert 2 == both.sig(FILE)[0] == both.native(FILE)[0]


def test_help_and_version(both: Both) -> None:
    """0, on standard output."""
    for word, said in (("--help", b"Usage: sig-verify"), ("-h", b"Usage"), ("--version", b"sig-v")):
        status, stdout, stderr = both.native(word)
        assert (0, b"") == (status, stderr)
        assert stdout.startswith(said)
    assert both.native("--version", "--json")[1].startswith(b'{\n "version": 1,')


def test_its_page_shows_its_help(both: Both) -> None:
    """As it prints it."""
    page = (ROOT / "docs/reference/sig-verify.md").read_text()
    shown = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0]
    assert shown == both.native("--help")[1].decode()


def test_who_stopped_reading_is_no_panic(desk: Reader, both: Both) -> None:
    """A closed pipe, closed streams."""
    (both.place / "file").write_bytes(b"a file")
    line = f"exec '{both.program}' file | true; exit ${{PIPESTATUS[0]}}"
    assert both.run(["bash", "-c", line], b"")[0] in (0, 4)
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        ran = both.run(["sh", "-c", f"exec '{both.program}' file {closed}"], b"")
        assert ran[0] in (0, 4)
        assert b"panicked" not in ran[2]


def test_a_terminal_has_colours_unless_it_does_not_want_them(desk: Reader, both: Both) -> None:
    """As `sig verify` colours them."""
    (both.place / "file").write_bytes(b"a file")
    (both.place / "other").write_bytes(b"bad")

    def on_a_terminal(words: list[str], **more: str) -> bytes:
        leader, follower = pty.openpty()
        done = subprocess.Popen(
            words,
            stdout=follower,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=both.environment | {"TERM": "xterm"} | more,
            cwd=both.place,
        )
        os.close(follower)
        found = b""
        try:
            while part := os.read(leader, 65536):
                found += part
        except OSError:  # the other end is closed
            pass
        done.wait(60)
        os.close(leader)
        return found

    for more in ({}, {"NO_COLOR": "1"}, {"NO_COLOR": ""}, {"TERM": "dumb"}):
        words = ["file", "other"]
        expected = on_a_terminal([*command(), "verify", *words], **more)
        assert expected == on_a_terminal([str(both.program), *words], **more)
    assert b"\x1b[32m" in on_a_terminal([str(both.program), "file"])


# --- folders and archives ------------------------------------------------------------------------


def test_a_folder_is_looked_at_by_sig(desk: Reader, both: Both) -> None:
    """It names the command that does it."""
    (both.place / "tree").mkdir()
    status, stdout, stderr = both.native("tree")
    assert (4, b"") == (status, stdout)
    assert stderr.endswith(b"hint: sig verify tree\n")


def test_an_archive_that_is_ok_is_looked_at_by_sig(desk: Reader, both: Both) -> None:
    """One of its files may be marked bad. What is not an archive is answered."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("x", "bad")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as packed:
        packed.addfile(tarfile.TarInfo("x"), io.BytesIO(b""))
    script, app = b"#!/bin/sh\n", b"#!/usr/bin/python\n" + raw.getvalue()
    from sig.verbs import attest

    for name, data in {"z": raw.getvalue(), "t": tar.getvalue(), "s": script, "a": app}.items():
        (both.place / name).write_bytes(data)
        id = "sha256:" + hashlib.sha256(data).hexdigest()
        attest.sign_statements(desk.workspace, [{"id": id, "ok": True, "reviewed": True}], None)
    assert 3 == both.sig("z")[0]
    assert 0 == both.same("s")
    for name in "zta":
        status, stdout, stderr = both.native(name)
        assert (4, b"") == (status, stdout)
        assert stderr.endswith(f"hint: sig verify {name}\n".encode())
    (both.place / "u").write_bytes(tar.getvalue() + b"x")
    assert 1 == both.same("u", unknown="u")


# --- the folder ----------------------------------------------------------------------------------


def test_without_a_folder_everything_is_unknown(both: Both) -> None:
    """And a note says so."""
    (both.place / "file").write_bytes(b"a file")
    assert 1 == both.same("file", unknown="file")
    assert 1 == both.same("file", "--dir", "here//./x/", unknown="file")
    assert 1 == both.same("file", "-q")
    (both.place / ".signet").mkdir(mode=0o700)
    assert 1 == both.same("file", unknown="file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_a_file_of_another_user_is_refused(desk: Reader, both: Both) -> None:
    """As sig does; `config` and the folder itself."""
    os.chown(desk.path / "config", 65534, 65534)
    assert 4 == both.in_all_ways(FILE)
    os.chown(desk.path / "config", 0, 0)
    os.chown(desk.path, 65534, 65534)
    assert 4 == both.in_all_ways(FILE)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: (path / "config").chmod(0o666),
        lambda path: path.chmod(0o777),
        lambda path: (path / "keys").chmod(0o770),
        lambda path: shutil.move(path / "config", path / "c") and (path / "config").symlink_to("c"),
        lambda path: (path / "version").write_text("2\n"),
        lambda path: (path / "version").write_text("x\n"),
    ],
    ids=["config 666", "folder 777", "keys 770", "a link", "newer", "damaged"],
)
def test_what_sig_refuses_is_refused_in_its_words(
    desk: Reader, both: Both, change: Callable[[Path], object]
) -> None:
    """Modes, links, versions."""
    change(desk.path)
    assert 4 == both.in_all_ways(FILE)


def test_the_folder_may_be_reached_by_a_link(desk: Reader, both: Both) -> None:
    """And a link to nothing is not knowing nothing."""
    (both.place / "link").symlink_to(desk.path)
    assert 0 == both.same("--dir", "link", FILE)
    (both.place / "dangling").symlink_to("nowhere")
    assert 4 == both.in_all_ways("--dir", "dangling", FILE)


def test_a_copy_of_the_folder_answers(desk: Reader, both: Both, tmp_path: Path) -> None:
    """Also one that nobody can write."""
    copy = tmp_path / "copy"
    shutil.copytree(desk.path, copy, copy_function=shutil.copyfile)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert (0, b"") == both.native("--dir", str(copy), FILE)[::2]


def test_a_killed_writer_is_noticed_and_doctor_mends_it(desk: Reader, both: Both) -> None:
    """4 and the command that helps; after it, the answer."""
    from sig.verbs import attest, viewing

    def dies() -> None:
        viewing.follow = lambda *given: kill.die()  # type: ignore[assignment]
        said = {"id": FILE, "ok": False, "reviewed": True}
        attest.sign_statements(desk.workspace, [said], None)

    assert -9 == kill.in_child(dies)
    assert 3 == both.sig(FILE)[0]
    began = time.monotonic()
    status, stdout, stderr = both.native(FILE)
    assert (4, b"") == (status, stdout)
    assert stderr.endswith(
        b"the view is of another state than the folder\nhint: sig doctor --fix\n"
    )
    assert time.monotonic() - began < 5  # nobody writes: it does not wait
    from sig.verbs import doctor

    doctor.repair(desk.workspace)
    assert 3 == both.in_all_ways(FILE)


def test_a_writer_is_waited_for(desk: Reader, both: Both) -> None:
    """Between a commit and its view; not for ever."""
    from sig.verbs import attest, viewing

    real, said = viewing.follow, {"id": FILE, "ok": False, "reviewed": True}

    def slow() -> None:
        def follow(*given: Any) -> None:
            (both.place / "committed").touch()
            time.sleep(1)
            real(*given)

        viewing.follow = follow  # type: ignore[assignment]
        attest.sign_statements(desk.workspace, [said], None)

    child = kill.start(slow)
    while not (both.place / "committed").exists():
        time.sleep(0.01)
    assert 3 == both.native(FILE)[0]
    assert 0 == os.waitpid(child, 0)[1]


def test_who_asks_while_others_write_gets_an_answer(desk: Reader, both: Both) -> None:
    """The old one or the new one, never another, and never none."""
    from sig.verbs import attest

    rounds = 40 if SOAK else 6

    def writes() -> None:
        for number in range(rounds):
            said = [
                {"id": file_id(f"{who} {number}"), "ok": True, "reviewed": True}
                for who in ("one", "other")
            ]
            desk.clock.at += 5
            attest.sign_statements(desk.workspace, said, None)

    child = kill.start(writes)
    pairs = [[file_id(f"{who} {number}") for who in ("one", "other")] for number in range(rounds)]
    over = 0
    while not over:
        over, status = os.waitpid(child, os.WNOHANG)
        for pair in pairs:
            said, stdout, stderr = both.native(*pair, "--json", "-q")
            answers = re.findall(rb'"verdict": "(\w+)"', stdout)
            assert answers in ([b"ok"] * 2, [b"unknown"] * 2), (said, stdout, stderr)
    assert 0 == status
    assert {0} == {both.native(*pair)[0] for pair in pairs}


def test_many_at_once_agree(desk: Reader, both: Both) -> None:
    """Readers do not keep each other out."""
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(both.native(FILE)[0])) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [0] * 20 == found


def test_it_is_quick_beside_a_large_base(desk: Reader, both: Both) -> None:
    """A few blocks are read of it, and not the whole."""
    from sig.verbs import attest

    said = [
        {"id": file_id(f"many {n}"), "ok": True, "reviewed": True, "comment": "x" * 4000}
        for n in range(600)
    ]
    desk.clock.at += 5
    attest.sign_statements(desk.workspace, said, None)
    head = view.read((desk.path / "view").read_bytes())
    assert head.base is not None and head.base.root.offset > 2_000_000
    assert 0 == both.same(file_id("many 7"), file_id("many 599"))


assert sys.platform != "win32" and World
