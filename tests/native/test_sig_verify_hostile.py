"""`sig-verify` where somebody wants another answer of it than `sig verify` gives.

It may say less than `sig verify`, and that nobody can tell; never ok where that does not say so,
nor something milder than bad.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sig.repo.archive import is_archive
from sig.verbs import attest, config, trust, viewing
from sig.verbs.verify import identify
from tests.native.mutants import mutant
from tests.native.test_sig_verify import Both, both, desk, program
from tests.soak import SOAK, some
from tests.verbs.parties import FILE, Party, Reader, Web, file_id
from tests.world import command

# Fixtures that are used by name.
__all__ = ["both", "desk", "program"]

ROUNDS = 3000 if SOAK else 300


# --- parts of two states of a folder -------------------------------------------------------------


def warned(desk: Reader, web: Web, bob: Party) -> None:
    """Bob, who said that it is ok, says that it is not."""
    bob.says(ok=False)
    web.offer(bob)
    desk.fetch("bob")


def marked(desk: Reader, web: Web, bob: Party) -> None:
    """The owner says that it is not."""
    said = {"id": FILE, "ok": False, "reviewed": True}
    attest.sign_statements(desk.workspace, [said], None)


def distrusted(desk: Reader, web: Web, bob: Party) -> None:
    """Bob does not count any more."""
    trust.remove(desk.workspace, bob.fingerprint)


def demanding(desk: Reader, web: Web, bob: Party) -> None:
    """Two are asked for."""
    config.change(desk.workspace, "policy", {"ok": 2})


CHANGES: list[Callable[[Reader, Web, Party], None]] = [warned, marked, distrusted, demanding]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_parts_of_two_states_give_no_other_answer(
    change: Callable[[Reader, Web, Party], None], both: Both, tmp_path: Path
) -> None:
    """A backup that was put back in part, a copy that was interrupted: the answer of `sig verify`,
    or none.
    """
    web, bob = Web(), Party("bob")
    desk = Reader(tmp_path / "desk", web, Party("alice"))
    bob.says()
    web.offer(bob)
    desk.follow(bob, counts=True)
    desk.fetch("bob")
    attest.sign_statements(
        desk.workspace, [{"id": file_id("other"), "ok": True, "reviewed": True}], None
    )
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(desk.path, old)
    change(desk, web, bob)
    shutil.copytree(desk.path, new)
    assert 0 == both.same("--dir", str(old), FILE)
    assert both.sig("--dir", str(new), FILE)[0] == both.native("--dir", str(new), FILE)[0] != 0
    names = {path.name for folder in (old, new) for path in folder.iterdir()} - {"lock"}
    tops = {name for name in names if not (old / name).is_dir() and not (new / name).is_dir()}
    views = {name for name in names if name.startswith("view")}
    parts = [{name} for name in sorted(names)]
    parts += [tops, names - tops, views, views | {"generation"}, names - views]
    parts += [names - {name} for name in sorted(names)]
    parts += [views | {"generation", "config"}, views | {"generation", "config", "memory"}]
    for number, part in some(enumerate(parts), 2, CHANGES.index(change)):
        for before, after in ((old, new), (new, old)):
            place = tmp_path / f"{number}-{after.name}"
            shutil.copytree(after, place)
            for name in part:
                there = place / name
                if there.is_dir():
                    shutil.rmtree(there)
                else:
                    there.unlink(missing_ok=True)
                if (before / name).is_dir():
                    shutil.copytree(before / name, there)
                elif (before / name).exists():
                    shutil.copy2(before / name, there)
            whole, found = (run("--dir", str(place), FILE)[0] for run in (both.sig, both.native))
            assert found in (whole, 4), (sorted(part), after.name, whole, found)


# --- what is named -------------------------------------------------------------------------------


def test_a_hint_can_be_typed(both: Both) -> None:
    """What begins like an option is named as a file."""
    (both.place / "--dir=x y").write_bytes(b"")
    told = both.native("--", "--dir=x y")[2].splitlines()[-1]
    assert b"hint: sig verify './--dir=x y'" == told
    assert b"hint: sig verify -" == both.native("-")[2].splitlines()[-1]


def test_a_name_like_an_identifier_is_no_file(desk: Reader, both: Both) -> None:
    """Also where it is no text: `sig verify` refuses it in the same words."""
    name = b"sha256:\xff"
    for there in (False, True):
        if there:
            (both.place / os.fsdecode(name)).write_bytes(b"a file")
        whole, found = both.sig(name), both.native(name)
        assert 2 == whole[0] == found[0]
        assert whole[2].splitlines()[1:] == found[2].splitlines()[1:]
        assert 2 == both.native("--files0-from", "-", input=name)[0]
    assert 0 == both.same(b"./" + name)


def test_standard_input_is_read_once(desk: Reader, both: Both) -> None:
    """However often it is named, and by whatever name; a list of names is read from it first."""
    (both.place / "list").write_bytes(b"-\0-")
    for words in (["-", "-"], ["--files0-from", "list"]):
        whole, found = (run(*words, "--json", input=b"a file") for run in (both.sig, both.native))
        assert whole[:2] == found[:2] and 1 == found[0]
    assert 0 == both.same("/dev/stdin", input=b"a file")
    assert 0 == both.same("/dev/fd/0", input=b"a file")
    whole, found = (
        run("--files0-from", "-", "--json", input=b"-\0" + FILE.encode())
        for run in (both.sig, both.native)
    )
    assert whole[:2] == found[:2]


def test_what_came_first_is_not_the_whole(desk: Reader, both: Both) -> None:
    """Of a pipe that does not wait: whoever sends the rest later would get an ok for the first."""
    for words, first in ((["-"], b"a file"), (["--files0-from", "-"], FILE.encode())):
        told = []
        for either in ([*command(), "verify"], [str(both.program)]):
            reading, writing = os.pipe()
            os.set_blocking(reading, False)
            os.write(writing, first)
            running = subprocess.Popen(
                [*either, *words],
                stdin=reading,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=both.environment,
            )
            told.append((running.communicate(timeout=60), running.returncode))
            os.close(writing)
            os.close(reading)
        assert [4, 4] == [status for _, status in told]
        assert all(b"" == said[0] for said, _ in told)


def test_what_is_no_file_is_read_or_named(desk: Reader, both: Both) -> None:
    """A FIFO is read as it comes; a device; a link that leads round; a name that is too long."""
    os.mkfifo(both.place / "fifo")
    for run in (both.sig, both.native):
        writer = threading.Thread(target=(both.place / "fifo").write_bytes, args=(b"a file",))
        writer.start()
        assert 0 == run("fifo")[0]
        writer.join()
    assert 1 == both.same("/dev/null", unknown="/dev/null")
    (both.place / "round").symlink_to("round")
    assert 4 == both.same("round")
    assert 4 == both.same("x" * 300)
    (both.place / "file").write_bytes(b"a file")
    assert 4 == both.same("file/")


@pytest.mark.parametrize("home", ["", "/", ".", "//", "home///", None])
def test_the_folder_is_the_one_that_sig_asks(home: str | None, both: Both) -> None:
    """Whatever HOME says: not that of another user."""
    del both.environment["HOME"]
    more = {} if home is None else {"HOME": home}
    (both.place / "file").write_bytes(b"a file")
    whole, found = both.sig("file", SIG_DIR="", **more), both.native("file", SIG_DIR="", **more)
    assert whole[:2] == found[:2]
    assert found[2].startswith(whole[2])


def test_a_place_that_is_gone_is_not_the_root(desk: Reader, both: Both) -> None:
    """A relative name, or a relative folder, where the folder that we are in was removed."""
    place = str(both.place / "file")
    (both.place / "file").write_bytes(b"a file")
    line = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    for words, status in (
        ([place], 0),
        (["-"], 0),
        (["file"], 4),
        (["--dir", "rel", place], 4),
        (["--dir", "rel", "-"], 4),
    ):
        for either in ([*command(), "verify"], [str(both.program)]):
            ran = both.run(["sh", "-c", line, "sh", *either, *words], b"a file")
            assert status == ran[0], (either, words, ran)
            if status:
                assert b"" == ran[1]


# --- the folder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["view", "generation", "config", "lock", "memory/config"])
def test_a_fifo_in_the_folder_is_not_waited_for(name: str, desk: Reader, both: Both) -> None:
    """Nor believed."""
    there = desk.path / name
    there.unlink(missing_ok=True)
    os.mkfifo(there)
    if name == "lock":
        (desk.path / "generation").write_text("0" * 16)  # so that it is looked at
    assert 4 == both.native(FILE)[0]


@pytest.mark.parametrize("name", ["view", "generation", "config", "keys", "repo", "remotes"])
def test_a_link_in_the_folder_is_refused(name: str, desk: Reader, both: Both) -> None:
    """To a file of the same bytes."""
    shutil.move(desk.path / name, desk.path.parent / "moved")
    (desk.path / name).symlink_to(desk.path.parent / "moved")
    assert 4 == both.native(FILE)[0]


@pytest.mark.parametrize(
    "line",
    [
        "base view.{name} 0 0 99999999999999999 {digest}",
        "base view.{name} 31 0 9999999999999999 {digest}",
        "base view.{name} 32 9999999999999999 9999999999999999 {digest}",
        "base view.{name} 4294967296 0 1 {digest}",
        "base view.{name} 0 18446744073709551615 1 {digest}",
        "base view.0123456789abcdef 0 0 1 {digest}",
        "source own 18446744073709551616",
        "remote bob - 1 99999999999999999",
    ],
)
def test_huge_numbers_are_no_answer(line: str, desk: Reader, both: Both) -> None:
    """In a head with a digest that fits: no panic, no memory taken, no word."""
    workspace = desk.workspace
    with workspace.writing():
        viewing.make_anew(workspace)
    place = desk.path / "view"
    lines = place.read_text().splitlines()[:-1]
    word, base = line.split()[0], next(each for each in lines if each.startswith("base "))
    _, name, _, _, _, digest = base.split()
    wanted = line.format(name=name.removeprefix("view."), digest=digest)
    at = next(number for number, each in enumerate(lines) if each.split()[0] == word)
    lines[at] = wanted
    text = "".join(f"{each}\n" for each in lines)
    place.write_text(f"{text}sha256 {hashlib.sha256(text.encode()).hexdigest()}\n")
    status, stdout, stderr = both.native(FILE)
    assert (4, b"") == (status, stdout), stderr


def test_changed_files_of_a_folder_give_no_other_answer(
    desk: Reader, both: Both, tmp_path: Path
) -> None:
    """What a reader of the view reads, nearly as it was. A head whose digest was made to fit may
    say anything, but ends nothing.
    """
    dice = random.Random(3)
    marked_bad = file_id("bad")
    names = ["view", "generation", "config", "memory/config", "version", "pending/commit"]
    names += [path.relative_to(desk.path).as_posix() for path in desk.path.glob("view.*")]
    names += [path.relative_to(desk.path).as_posix() for path in desk.path.glob("keys/*")]
    commit = (desk.path / "generation").read_bytes().split()[0]
    journal = b"1 %s\n%s.0 config\n- remotes/x/state\nend\n" % (commit, commit)
    before = {name: (desk.path / name).read_bytes() for name in names if name != "pending/commit"}
    before["pending/commit"] = journal
    told = 0
    for number in range(ROUNDS):
        name = names[number % len(names)]
        raw = mutant(dice, [before[name]])
        sealed = name == "view" and dice.random() < 0.5 and b"sha256 " in raw
        if sealed:
            raw = raw[: raw.rindex(b"sha256 ")]
            raw += f"sha256 {hashlib.sha256(raw).hexdigest()}\n".encode()
        there = desk.path / name
        there.parent.mkdir(mode=0o700, exist_ok=True)
        there.write_bytes(raw)
        there.chmod(0o600)
        status, stdout, _ = both.native(FILE, marked_bad, "--json")
        found = [one["verdict"] for one in json.loads(stdout)["results"]]
        same = (3, ["ok", "bad"]) == (status, found)
        assert same or {"error"} == set(found) or sealed, (name, raw, found)
        told += same
        if name in before and name != "pending/commit":
            there.write_bytes(before[name])
        else:
            there.unlink()
    assert told > ROUNDS / 40


# --- archives ------------------------------------------------------------------------------------


def archives() -> Iterator[bytes]:
    """Of all kinds that are listed, and of some that are not."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr("x", "bad")
    yield raw.getvalue()
    yield b"#!/usr/bin/python\n" + raw.getvalue()
    yield b"#!/bin/sh\n" + b"\n" * 600
    yield b"PK\5\6" + bytes(18)
    yield b"PK\7\x08" + raw.getvalue()
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode=mode, format=form) as tar:
                info = tarfile.TarInfo("x")
                info.size = 3
                tar.addfile(info, io.BytesIO(b"bad"))
            yield out.getvalue()
    yield b"\x1f\x8b\x08" + bytes(20)
    yield b"plain"


def tar_headers(dice: random.Random) -> Iterator[bytes]:
    """Headers of a tar with checksums in every spelling."""
    block = bytearray(512)
    block[:1], block[257:262] = b"x", b"ustar"
    for _ in range(ROUNDS // 3):
        total = sum(block[:148]) + sum(block[156:]) + 8 * 32 + dice.choice((0, 0, 0, 1))
        digits = dice.choice((f"{total:o}", f"{total:06o}", f"{total:08o}", f"+{total:o}", "", "8"))
        before, after = dice.choice(("", " ", "\0", "  ")), dice.choice(("", " ", "\0", "\0 ", "x"))
        text = f"{before}{digits}{after}".encode()[:8]
        block[148:156] = text.ljust(8, dice.choice((b"\0", b" ")))
        yield bytes(block) + bytes(dice.choice((0, 512)))
        yield bytes(block[: dice.choice((262, 511))])


def test_what_sig_takes_for_an_archive_is_one_here(desk: Reader, both: Both) -> None:
    """Each file is ok by itself, and nearly an archive; it is ok where no archive is seen in it."""
    dice = random.Random(9)
    seeds = list(archives())
    texts = [*seeds, *tar_headers(dice), *(mutant(dice, seeds) for _ in range(ROUNDS))]
    texts = sorted({text for text in texts if text})
    said = []
    for number, text in enumerate(texts):
        (both.place / f"f{number}").write_bytes(text)
        id = "sha256:" + hashlib.sha256(text).hexdigest()
        said.append({"id": id, "ok": True, "reviewed": True})
    desk.clock.at += 5
    attest.sign_statements(desk.workspace, said, None)
    names = [f"f{number}" for number in range(len(texts))]
    found = json.loads(both.native(*names, "--json")[1])["results"]
    whole = json.loads(both.sig(*names, "--json")[1])["results"]
    assert len(names) == len(found) == len(whole)
    listed = 0
    for name, text, one, other in zip(names, texts, found, whole, strict=True):
        if one["verdict"] == "error":
            listed += is_archive(both.place / name)
            continue
        assert "ok" == one["verdict"] == other["verdict"], (name, text[:600], one, other)
        packed: set[str] = set()
        identify(str(both.place / name), None, None, packed)
        assert not packed or not is_archive(both.place / name), (name, text[:600])
    assert listed > 30
    # And no more is left to sig than what is an archive, or packed.
    plain = [text for text, one in zip(texts, found, strict=True) if one["verdict"] == "error"]
    magics = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"PK", b"#!")
    for text in plain:
        assert text.startswith(magics) or text[257:262] == b"ustar"
