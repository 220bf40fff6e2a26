"""The view follows the folder: what is in it, when it is written, and how a reader can tell.

That it says what the folder says is looked at after every change of every story in this room
(`parties.Desk.commit`); here is what those stories do not ask.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from sig.model.identifier import Identifier
from sig.model.verdict import Answer
from sig.model.wheel import metadata
from sig.repo import disk, objects, view
from sig.repo.home import Home
from sig.repo.index import row_line
from sig.verbs import attest, doctor, ledger, remote, trust, viewing
from tests.repo import kill
from tests.soak import SOAK
from tests.verbs import parties
from tests.verbs.parties import DAY, FILE, Party, Reader, Web, file_id
from tests.verbs.viewed import (
    CannotTell,
    agrees,
    every_id,
    lists_like,
    speaks_against,
    viewed,
)

# Which steps: all of them in a soak, else every third.
EVERY = 1 if SOAK else 3


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob's folder; he trusts Carol, follows her and Dave, and all three spoke."""
    desk = Reader(tmp_path / "desk", web, bob)
    dave = Party("dave")
    for one in (carol, dave):
        one.says(file_id(one.name))
        one.says(file_id("both"))
        web.offer(one)
        desk.follow(one, counts=one is carol)
    desk.fetch_all()
    says(desk, "own")
    return desk


def says(desk: Reader, *names: str, ok: bool = True) -> None:
    """Attest some files, each time a while later."""
    desk.clock.at += 5
    data = [{"id": file_id(name), "ok": ok, "reviewed": True} for name in names]
    attest.sign_statements(desk.workspace, data, None)


def seen(desk: Reader, *names: str) -> list[str]:
    """The answers by the view."""
    found = viewed(desk.workspace, map(file_id, names))
    return [found[file_id(name)].answer.value for name in names]


def head(desk: Reader) -> view.Head:
    return view.read((desk.path / "view").read_bytes())


def bases(desk: Reader) -> list[str]:
    return sorted(path.name for path in desk.path.glob("view.*"))


def cannot_tell(desk: Reader) -> bool:
    try:
        viewed(desk.workspace, [FILE])
    except CannotTell:
        return True
    return False


# --- what is in it -------------------------------------------------------------------------------


def test_only_those_who_count_are_in_it(desk: Reader) -> None:
    """A stranger's word is not there at all; where only strangers spoke the file is unknown."""
    text = b"".join((desk.path / name).read_bytes() for name in ["view", *bases(desk)])
    trusted = desk.workspace.config.trust
    dave = next(key for key in desk.lines(file_id("dave")) if key not in trusted)
    assert dave.encode() in (desk.path / "remotes/dave/repo.json").read_bytes()
    statements = text.replace(f"remote dave {dave}".encode(), b"")
    assert dave.encode() not in statements
    assert all(key.encode() in statements for key in trusted)
    assert ["ok", "ok", "ok", "unknown", "unknown"] == seen(
        desk, "own", "carol", "both", "dave", "nobody"
    )
    assert "unverified" == desk.answer(file_id("dave"))


def test_who_claims_a_key_that_counts_proves_nothing(desk: Reader, web: Web) -> None:
    """Forged words of Carol are in it, for they claim to be hers, and are refused as ever."""
    mallory = Party("mallory")
    carol = next(iter(desk.workspace.config.trust - {desk.workspace.config.key}))
    mallory.offered = [mallory.statement(file_id("forged")) | {"key": carol}]
    web.offer(mallory)
    desk.follow(mallory)
    assert ("new", None) == desk.came("mallory")
    assert ["unverified"] == seen(desk, "forged")
    assert agrees(desk.workspace, [file_id("forged")])


def test_what_nobody_can_ask_for_is_left_out(desk: Reader) -> None:
    """A statement may be filed under anything; it does not keep the view from being written."""
    line = b'\xc3\xa9\town\t\t1\t{"key": "K", "why": ""}'
    assert not viewing._belongs(line, {"K"})
    assert viewing._belongs(line.replace(b"\xc3\xa9", b"e"), {"K"})
    assert not viewing._belongs(line.replace(b"\xc3\xa9", b"e"), {"L"})


def test_remembered_words_are_in_it(desk: Reader, web: Web, carol: Party) -> None:
    """A warning that nobody serves any more; of a remote that was removed, what it warned of."""
    carol.says(file_id("warned"), ok=False)
    web.offer(carol)
    desk.fetch("carol")
    carol.offered.clear()
    web.offer(carol)
    desk.fetch("carol")
    assert ["bad", "unverified"] == seen(desk, "warned", "carol")
    remote.remove(desk.workspace, "carol")
    assert ["bad", "unverified"] == seen(desk, "warned", "carol")


def test_what_is_out_of_date_is_so_by_the_view(desk: Reader, web: Web) -> None:
    """Each remote's end is in it, and the clock is the reader's."""
    erin = Party("erin")
    erin.says(file_id("erin"))
    web.offer(erin, erin.repository(expires="2025-07-01T00:00:00Z"))
    desk.follow(erin, counts=True)
    desk.fetch("erin")
    assert ["ok"] == seen(desk, "erin")
    desk.clock.at += 60 * DAY
    assert ["unverified"] == seen(desk, "erin")
    assert agrees(desk.workspace, [file_id("erin")])


def test_the_policy_of_the_machine_is_read_by_the_reader(desk: Reader, tmp_path: Path) -> None:
    """It changes without a commit."""
    desk.site = tmp_path / "site.json"
    assert ["ok"] == seen(desk, "own")
    desk.site.write_text('{"ok": 2}')
    assert ["unverified", "unverified"] == [*seen(desk, "own"), desk.answer(file_id("own"))]


# --- where to look -------------------------------------------------------------------------------


def against(desk: Reader, *names: str) -> set[str]:
    """At which of these files the view says to look."""
    ids = {file_id(name): name for name in names}
    return {ids[id] for id in speaks_against(desk.workspace, ids)}


def carol_says(desk: Reader, web: Web, carol: Party, *names: str, **more: Any) -> None:
    """All that Carol says now, and no more."""
    carol.offered = [carol.statement(file_id(name), **more) for name in names]
    web.offer(carol)
    desk.fetch("carol")


def test_what_somebody_has_something_against_is_found(desk: Reader, web: Web, carol: Party) -> None:
    """By whoever said it, as long as one says it; an ok is not looked at, nor a stranger's word."""
    assert set() == against(desk, "own", "carol", "both")
    dan = Party("dan")
    dan.says(file_id("strange"), ok=False)
    web.offer(dan)
    desk.follow(dan)
    desk.fetch("dan")
    says(desk, "own", "mine", ok=False)
    carol_says(desk, web, carol, "both", "mine", "hers", ok=False)
    asked = ("own", "carol", "both", "mine", "hers", "strange", "nobody")
    assert {"own", "both", "mine", "hers"} == against(desk, *asked)
    viewing_anew(desk)
    assert {"own", "both", "mine", "hers"} == against(desk, *asked)
    says(desk, "own")
    assert {"both", "mine", "hers"} == against(desk, *asked)


def test_what_nobody_has_against_it_any_more_goes(desk: Reader, web: Web, carol: Party) -> None:
    """In the tail over a base that has it, with the last of who said it."""
    carol_says(desk, web, carol, "both", ok=False)
    says(desk, "mine", ok=False)
    viewing_anew(desk)
    assert {"both", "mine"} == against(desk, "both", "mine")
    before = bases(desk)
    carol_says(desk, web, carol, "both", at=desk.clock.at)
    assert before == bases(desk)
    assert [] == head(desk).tail[view.against(file_id("both"))]
    assert {"mine"} == against(desk, "both", "mine")


def test_an_ok_leaves_alone_what_says_where_to_look(desk: Reader) -> None:
    """It costs nothing."""
    viewing_anew(desk)
    says(desk, "one more")
    assert {file_id("one more")} == head(desk).tail.keys()
    says(desk, "one more", ok=False)
    assert {file_id("one more"), view.against(file_id("one more"))} == head(desk).tail.keys()


def test_nobody_can_file_where_the_view_says_where_to_look(desk: Reader, web: Web) -> None:
    """A repository may file under any identifier and claim any key; and none has a space in it."""
    says(desk, "mine", ok=False)
    place = view.against(file_id("mine"))
    mallory = Party("mallory")
    for filed in (place, view.alike(b"x")):
        offered = [mallory.statement(file_id("mine")) | {"key": desk.workspace.config.key}]
        web.offer(mallory, mallory.repository(filed={filed: offered}))
        if filed == place:
            desk.follow(mallory)
        assert ("failed", "format") == desk.came("mallory")
    assert {"mine"} == against(desk, "mine")


def a_list(name: str, *more: str) -> bytes:
    """Of a distribution, with some files."""
    files = {f"{name}-1.dist-info/METADATA": file_id(name)[7:]}
    files |= {f"{name}/{each}": file_id(each)[7:] for each in more}
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items())).encode()


def put(desk: Reader, *texts: bytes, published: bool = False) -> None:
    """Lists of files come."""
    workspace = desk.workspace
    place = objects.own if published else objects.name
    with workspace.writing():
        workspace.commit({place(Identifier.of_bytes(text)): text for text in texts})


def like(desk: Reader, text: bytes) -> set[bytes]:
    """The lists in the folder that the view finds to be like this one."""
    home = desk.workspace.home
    found = lists_like(desk.workspace, text)
    return {objects.read(home, Identifier(id)) or b"" for id in found}


def test_lists_of_a_distribution_are_found(desk: Reader) -> None:
    """All with the same METADATA, wherever they lie, and no others; before and in a new base."""
    one, other, more = a_list("one", "a"), a_list("other", "a"), a_list("one", "a", "b")
    plain = f"{'0' * 64}  README\n".encode()
    both = b"".join(sorted([*one.splitlines(True), *other.splitlines(True)]))
    viewing_anew(desk)
    base = bases(desk)
    put(desk, one, plain)
    put(desk, other, both, published=True)
    put(desk, more)
    assert base == bases(desk)
    for _ in range(2):
        assert {one, more} == like(desk, one) == like(desk, more)
        assert {other} == like(desk, other)
        assert {both} == like(desk, both)
        assert set() == like(desk, plain) == like(desk, b"") == like(desk, a_list("new"))
        viewing_anew(desk)
    assert [] == problems(desk)


def test_a_list_that_goes_is_not_named(desk: Reader) -> None:
    """In the tail over a base that names it; one that lies elsewhere too stays."""
    one, more = a_list("one", "a"), a_list("one", "a", "b")
    put(desk, one, more)
    put(desk, more, published=True)
    viewing_anew(desk)
    base = bases(desk)
    workspace = desk.workspace
    with workspace.writing():
        workspace.commit({objects.name(Identifier.of_bytes(text)): None for text in (one, more)})
    assert base == bases(desk)
    assert {more} == like(desk, one)
    with workspace.writing():
        workspace.commit({objects.own(Identifier.of_bytes(more)): None})
    assert set() == like(desk, one)
    tail = head(desk).tail
    assert {view.alike(metadata(one)): []} == {name: tail[name] for name in tail if "list" in name}
    assert [] == problems(desk)


def test_lists_are_not_read_again(desk: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for one statement more nor for a base that is written because the tail is full."""
    texts = [a_list(f"l{number}", "a") for number in range(5)]
    put(desk, *texts)
    read: list[str] = []
    real = objects.read

    def reads(home: Home, id: Identifier) -> bytes | None:
        read.append(id)
        return real(home, id)

    monkeypatch.setattr(parties, "agrees", lambda *_: True)
    monkeypatch.setattr(viewing, "TAIL", 3000)
    monkeypatch.setattr(objects, "read", reads)
    known = set()
    for number in range(12):
        says(desk, f"file {number}", ok=number % 2 == 0)
        known |= set(bases(desk))
    assert len(known) > 2
    assert [] == read
    put(desk, a_list("new"))
    assert [Identifier.of_bytes(a_list("new"))] == read
    monkeypatch.undo()
    assert all({text} == like(desk, text) for text in [*texts, a_list("new")])
    assert agrees(desk.workspace, every_id(desk.workspace))


@pytest.mark.parametrize("seed", range(40 if SOAK else 3))
def test_whatever_comes_and_goes_it_is_as_if_it_were_made_anew(
    seed: int, desk: Reader, web: Web, carol: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words of several signers, remotes, lists: in the tail, over the base, in a new base."""
    dice = random.Random(seed)
    monkeypatch.setattr(viewing, "TAIL", 2500)
    monkeypatch.setattr(viewing, "CHANGED_MOST", 12)
    names = [f"file {number}" for number in range(8)]
    texts = [a_list(name, more) for name in ("one", "two") for more in "abc"]

    def lists() -> None:
        place = dice.choice((objects.own, objects.name))
        some = dice.sample(texts, dice.randrange(1, 5))
        changes = {
            place(Identifier.of_bytes(text)): text if dice.random() < 0.6 else None for text in some
        }
        workspace = desk.workspace
        with workspace.writing():
            workspace.commit(changes)

    def carols() -> None:
        desk.clock.at += 5
        said = [(name, dice.random() < 0.5) for name in dice.sample(names, dice.randrange(5))]
        carol.offered = [carol.statement(file_id(name), ok, desk.clock.at) for name, ok in said]
        web.offer(carol)
        desk.fetch("carol")

    def own() -> None:
        says(desk, *dice.sample(names, dice.randrange(1, 4)), ok=dice.random() < 0.5)

    for _ in range(25):
        dice.choice((lists, carols, own))()
        lines = (row_line(row) for rows in ledger.all_rows(desk.workspace).values() for row in rows)
        assert viewing.check(desk.workspace, lines) is None


def test_a_damaged_base_is_not_built_upon(desk: Reader) -> None:
    """What says where to look is read of it: where that cannot be, it is made anew."""
    says(desk, "mine", ok=False)
    put(desk, a_list("one"))
    for change in (
        lambda: says(desk, "other", ok=False),
        lambda: put(desk, a_list("one", "a")),
    ):
        viewing_anew(desk)
        base = desk.path / bases(desk)[0]
        base.write_bytes(b"x" * base.stat().st_size)
        change()
        assert not base.exists()
        assert [] == problems(desk)
        assert {"mine"} == against(desk, "mine")


# --- when it is written --------------------------------------------------------------------------


def test_one_more_statement_leaves_the_base(desk: Reader) -> None:
    """It goes into the tail."""
    viewing_anew(desk)
    before = bases(desk)
    says(desk, "one more")
    assert before == bases(desk)
    assert {file_id("one more")} == head(desk).tail.keys()
    says(desk, "one more", ok=False)
    assert before == bases(desk)
    assert ["bad", "ok"] == seen(desk, "one more", "own")


def viewing_anew(desk: Reader) -> None:
    """All of it in the base."""
    workspace = desk.workspace
    with workspace.writing():
        viewing.make_anew(workspace)


def test_a_stranger_costs_nothing(desk: Reader, web: Web) -> None:
    """Neither the base nor the tail grows by what does not count."""
    viewing_anew(desk)
    dave = Party("dan")
    for number in range(50):
        dave.says(file_id(f"{number}"))
    web.offer(dave)
    desk.follow(dave)
    size = (desk.path / "view").stat().st_size
    before = bases(desk)
    desk.fetch("dan")
    assert before == bases(desk)
    assert abs((desk.path / "view").stat().st_size - size) < 100


def test_a_full_tail_goes_into_a_new_base(desk: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the old base is removed; the answers are the same all the way."""
    monkeypatch.setattr(viewing, "TAIL", 1500)
    known = set(bases(desk))
    for number in range(12):
        says(desk, f"file {number}")
        known |= set(bases(desk))
        assert len(bases(desk)) < 2
        assert sum(map(len, head(desk).tail.values())) < 9
        assert ["ok"] * (number + 1) == seen(desk, *(f"file {one}" for one in range(number + 1)))
    assert len(known) > 2


def test_many_changes_at_once_go_into_the_base(
    desk: Reader, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not looked up one by one."""
    monkeypatch.setattr(viewing, "CHANGED_MOST", 3)
    says(desk, "a", "b", "c")
    assert 3 <= len(head(desk).tail)
    says(desk, "d", "e", "f", "g")
    assert {} == head(desk).tail
    assert ["ok"] * 7 == seen(desk, *"abcdefg")


def test_who_counts_changes_all_of_it(desk: Reader) -> None:
    """Also with what was fetched long ago."""
    dave = next(iter(desk.lines(file_id("dave"))))
    assert ["unknown"] == seen(desk, "dave")
    trust.add(desk.workspace, dave)
    assert ["ok"] == seen(desk, "dave")
    trust.remove(desk.workspace, dave)
    assert ["unknown"] == seen(desk, "dave")
    own = desk.workspace.config.key
    assert own is not None
    trust.remove(desk.workspace, own)
    assert ["unknown", "ok"] == seen(desk, "own", "carol")
    assert head(desk).own is not None


def test_an_index_that_is_lost_costs_a_new_base_and_no_word(desk: Reader) -> None:
    """What changed is not known then."""
    (desk.path / "index.sqlite").unlink()
    says(desk, "after")
    assert ["ok", "ok", "ok"] == seen(desk, "own", "carol", "after")
    assert {} == head(desk).tail
    workspace = desk.workspace
    with workspace.writing():
        (desk.path / "index.sqlite").unlink()
        viewing.make_anew(workspace)
    assert agrees(desk.workspace, every_id(desk.workspace))


@pytest.mark.parametrize("damage", [None, b"", b"garbage", b"sig view 1\n", b"sig view 9\n"])
def test_a_view_that_is_lost_or_damaged_is_made_anew(desk: Reader, damage: bytes | None) -> None:
    """By the next command that writes."""
    place = desk.path / "view"
    place.unlink()
    if damage is not None:
        place.write_bytes(damage)
    assert cannot_tell(desk)
    says(desk, "after")
    assert ["ok", "ok", "ok"] == seen(desk, "own", "carol", "after")


def test_a_view_of_an_earlier_commit_is_not_built_upon(desk: Reader) -> None:
    """As a writer leaves it who is killed after his commit: his change would never get in."""
    before = (desk.path / "view").read_bytes()
    says(desk, "between")
    (desk.path / "view").write_bytes(before)
    assert cannot_tell(desk)
    says(desk, "after")
    assert ["ok", "ok", "ok"] == seen(desk, "own", "between", "after")


def test_a_folder_without_a_key_has_one_too(tmp_path: Path, web: Web, carol: Party) -> None:
    """Its configuration is not signed; the first command makes it."""
    desk = Reader(tmp_path / "desk", web)
    carol.says()
    web.offer(carol)
    desk.follow(carol, counts=True)
    assert Answer.UNKNOWN is viewed(desk.workspace, [FILE])[FILE].answer
    desk.fetch("carol")
    assert Answer.OK is viewed(desk.workspace, [FILE])[FILE].answer


def test_it_is_written_last_and_only_if_something_changed(desk: Reader) -> None:
    """Nothing that a reader could take for a newer state stands there before."""
    workspace = desk.workspace
    with workspace.writing(), kill.at_step(None, lambda: None) as steps:
        workspace.commit({"objects/aa/bb": b"1", "objects/aa/cc": b"2"})
    names = [step.rpartition("/")[2] for step in steps if step.startswith("replace")]
    assert "view" == names[-1]
    with workspace.writing(), kill.at_step(None, lambda: None) as steps:
        workspace.commit({"objects/aa/dd": None})
    assert not [step for step in steps if step.startswith("replace")]


# --- how a reader can tell -----------------------------------------------------------------------


def test_killed_at_each_step_the_view_is_right_or_says_nothing(
    desk: Reader, tmp_path: Path
) -> None:
    """Where a base is written anew, and where the tail grows; and the next command mends it."""
    saved = tmp_path / "saved"
    shutil.copytree(desk.path, saved)
    told = set()
    real = viewing.follow
    for command in (lambda: says(desk, "new"), lambda: remote.remove(desk.workspace, "carol")):
        # Only the steps of the view: those of a commit are killed in test_crash.
        number = 1 - EVERY
        done = False
        while not done:
            number += EVERY
            shutil.rmtree(desk.path)
            shutil.copytree(saved, desk.path)

            def run(command: Any = command, number: int = number) -> None:
                def follow(*given: Any) -> None:
                    with kill.at_step(number, kill.die):
                        real(*given)

                viewing.follow = follow  # type: ignore[assignment]
                command()

            done = kill.in_child(run) == 0
            told.add(agrees(desk.workspace, every_id(desk.workspace)))
            says(desk, f"after {number}")
            assert agrees(desk.workspace, every_id(desk.workspace))
            assert len(bases(desk)) <= 2
    assert {True, False} == told


def test_a_commit_of_one_file_that_was_cut_short_is_noticed(desk: Reader) -> None:
    """Nothing changed, and nobody can tell: no answer, until a command writes."""
    workspace = desk.workspace

    def run() -> None:
        with workspace.writing(), kill.at_step(None, die_at_the_last):
            workspace.home.commit({"objects/aa/bb": b"1"})

    def die_at_the_last() -> None:
        if (desk.path / "generation").read_bytes() != before:
            kill.die()

    before = (desk.path / "generation").read_bytes()
    assert -9 == kill.in_child(run)
    assert cannot_tell(desk)
    says(desk, "after")
    assert ["ok"] == seen(desk, "after")


def test_a_configuration_from_elsewhere_is_noticed(desk: Reader) -> None:
    """Another machine of the same owner may write it; what the view knows is older."""
    old = (desk.path / "config").read_bytes()
    trust.remove(desk.workspace, desk.workspace.config.key or "")
    (desk.path / "config").write_bytes(old)
    assert cannot_tell(desk)


def test_a_certificate_that_was_changed_by_hand_is_noticed(desk: Reader, carol: Party) -> None:
    """As all that the head names by digest."""
    place = desk.path / "keys" / f"{carol.fingerprint}.pgp"
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(CannotTell):
        viewed(desk.workspace, [file_id("carol")])
    assert ["ok"] == seen(desk, "own")


def test_a_copy_of_the_folder_answers(desk: Reader, tmp_path: Path) -> None:
    """Without its times and file numbers, which the index goes by."""
    shutil.copytree(desk.path, tmp_path / "copy", copy_function=shutil.copyfile)
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (1, 1))
    copy = Reader(tmp_path / "copy", desk.web)
    copy.owner = desk.owner
    assert ["ok", "ok"] == seen(copy, "own", "carol")


def test_a_base_that_cannot_be_written_leaves_the_change(
    desk: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is done, and says that the view is behind."""

    def put(home: Home, *_: Any) -> None:
        disk.failed(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), str(home.path))

    monkeypatch.setattr(Home, "put", put)
    workspace = desk.workspace
    attest.sign_statements(workspace, [{"id": FILE, "ok": True, "reviewed": True}], None)
    assert any("the view could not follow: no space left" in note for note in workspace.notes)
    assert "hint: sig doctor --fix" in workspace.notes
    assert "ok" == desk.answer()
    assert cannot_tell(desk)
    monkeypatch.undo()
    doctor.repair(desk.workspace)
    assert ["ok"] == seen(desk, "own")


# --- sig doctor ----------------------------------------------------------------------------------


def problems(desk: Reader) -> list[str]:
    workspace = desk.workspace
    return [one.message for one in doctor._derived(workspace) if one.level == "problem"]


def test_the_doctor_sees_what_is_wrong_with_it(desk: Reader) -> None:
    """Missing, of another state, damaged, of another version, and other rows than the files."""
    viewing_anew(desk)
    says(desk, "more")
    place = desk.path / "view"
    text, base = place.read_bytes(), desk.path / bases(desk)[0]
    old = base.read_bytes()
    assert [] == problems(desk)
    place.unlink()
    assert ["there is no view"] == problems(desk)
    place.write_bytes(b"sig view 3\n")
    assert ["the view was written by another version of sig"] == problems(desk)
    place.write_bytes(text[:-1])
    assert ["the view cannot be used: it is damaged"] == problems(desk)
    place.write_bytes(text)
    base.write_bytes(old[:-1])
    assert [f"the view cannot be used: {base.name} is damaged"] == problems(desk)
    base.unlink()
    assert [f"the view cannot be used: {base.name} is missing"] == problems(desk)
    base.write_bytes(old)
    place.write_bytes(view.write(view.read(text)._replace(tail={})))
    assert ["the view does not match the files"] == problems(desk)
    place.write_bytes(view.write(view.read(text)._replace(commit="0" * 16)))
    assert ["the view is of another state than the folder"] == problems(desk)
    doctor.repair(desk.workspace)
    assert [] == problems(desk)
    assert ["ok", "ok"] == seen(desk, "own", "carol")


def test_looking_at_it_writes_nothing(desk: Reader) -> None:
    """`sig doctor` without --fix."""
    before = sorted((path, path.stat().st_mtime_ns) for path in desk.path.rglob("*"))
    list(doctor._derived(desk.workspace))
    assert before == sorted((path, path.stat().st_mtime_ns) for path in desk.path.rglob("*"))


# --- two at once ---------------------------------------------------------------------------------


def test_who_reads_while_others_write_sees_a_state_or_none(desk: Reader, web: Web) -> None:
    """Both words of one commit, or neither; never one that there was not."""
    rounds = 30 if SOAK else 4

    def writes() -> None:
        for number in range(rounds):
            says(desk, f"one {number}", f"other {number}")

    child = kill.start(writes)
    told = 0
    end = time.monotonic() + 60
    while time.monotonic() < end:
        over, status = os.waitpid(child, os.WNOHANG)
        for number in range(rounds):
            try:
                pair = seen(desk, f"one {number}", f"other {number}")
            except CannotTell:
                continue
            told += 1
            assert pair in (["unknown"] * 2, ["ok"] * 2)
        if over:
            break
    assert over and status == 0
    assert told
    names = [f"{who} {number}" for who in ("one", "other") for number in range(rounds)]
    assert ["ok"] * 2 * rounds == seen(desk, *names)


def test_rows_without_an_index_are_those_of_the_view(desk: Reader) -> None:
    """The truth is in the files, and the view is made of it."""
    found = ledger.all_rows(desk.workspace)
    assert found
    (desk.path / "index.sqlite").unlink()
    lines = [row_line(row) for rows in found.values() for row in rows]
    assert viewing.check(desk.workspace, lines) is None
    assert viewing.check(desk.workspace, lines[1:]) is not None
