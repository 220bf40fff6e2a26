"""kill -9 at every step, a full disk at every step, and two processes at once (attacks: local)."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sig.errors import StoreError
from sig.verbs import attest, remote, trust
from tests.repo import kill
from tests.soak import SOAK
from tests.verbs.parties import FILE, Party, Reader, Web, file_id
from tests.verbs.viewed import agrees
from tests.world import contents

ROUNDS = 200 if SOAK else 6
# Which steps: all of them in a soak, else every eighth.
EVERY = 1 if SOAK else 8

# What does not belong to a state: the lock, what a killed writer left, what follows from the files.
PASSING = ("lock", "generation", "pending", "index.sqlite", "view")


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob's folder, who follows and trusts Carol; she said ok, and now she warns."""
    desk = Reader(tmp_path / "desk", web, bob)
    carol.says()
    web.offer(carol)
    desk.follow(carol, counts=True)
    assert ("new", None) == desk.came("carol")
    says(desk, "first")
    carol.says(ok=False, at=desk.clock.at - 5)
    carol.says(file_id("more"))
    web.offer(carol)
    return desk


def says(desk: Reader, *names: str) -> None:
    """Attest some files."""
    data = [{"id": file_id(name), "ok": True, "reviewed": True} for name in names]
    attest.sign_statements(desk.workspace, data, None)


def whole(folder: Path) -> dict[str, bytes]:
    """What a folder holds, an unfinished commit put in place."""
    from sig.repo.home import Home

    home = Home(folder)
    return {name: home.read(name) or b"" for name in home.tree("") if not name.startswith(PASSING)}


def answers(desk: Reader) -> list[str]:
    """The verdicts that every command here can change."""
    return [desk.answer(id) for id in (FILE, file_id("more"), file_id("first"), file_id("new"))]


COMMANDS: dict[str, Callable[[Reader], object]] = {
    "attest": lambda desk: says(desk, "new"),
    "fetch": lambda desk: desk.fetch("carol"),
    "trust remove": lambda desk: trust.remove(desk.workspace, next(iter(desk.lines()))),
    "remote remove": lambda desk: remote.remove(desk.workspace, "carol"),
    "remote rename": lambda desk: remote.rename(desk.workspace, "carol", "caroline"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_killed_at_each_step_there_is_the_old_state_or_the_new(
    desk: Reader, tmp_path: Path, command: Callable[[Reader], object]
) -> None:
    """Files and verdicts, and the next command finishes or forgets what was begun."""
    place, saved = desk.path, tmp_path / "saved"
    shutil.copytree(place, saved)
    old = whole(place), answers(desk)
    command(desk)
    verdicts = answers(desk)
    done = {name for name in whole(place)}
    seen = set()
    for number in itertools.count(1, EVERY):
        shutil.rmtree(place)
        shutil.copytree(saved, place)

        def run(number: int = number) -> None:
            with kill.at_step(number, kill.die):
                command(desk)

        status = kill.in_child(run)
        now = whole(place)
        # Signatures differ from run to run: names tell the states apart, and the old bytes.
        is_old = now == old[0]
        assert is_old or set(now) == done, number
        said = answers(desk)
        assert said == (old[1] if is_old else verdicts), number
        seen.add(is_old)
        agrees(desk.workspace, IDS)  # the view says the same, or nothing
        # The next writer tidies up, and index and view follow.
        says(desk, f"after {number}")
        assert "ok" == desk.answer(file_id(f"after {number}"))
        assert agrees(desk.workspace, IDS), number
        assert said == answers(desk) == [desk.without_index(id).answer.value for id in IDS]
        if status == 0:
            break
    assert {True, False} == seen


IDS = (FILE, file_id("more"), file_id("first"), file_id("new"))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_at_each_step_leaves_the_old_state_or_the_new(
    desk: Reader, tmp_path: Path, command: Callable[[Reader], object]
) -> None:
    """An error that says so, no traceback; and what was there is there."""
    place, saved = desk.path, tmp_path / "saved"
    shutil.copytree(place, saved)
    old = whole(place), answers(desk)
    command(desk)
    done, verdicts = set(whole(place)), answers(desk)
    for number in itertools.count(1 + EVERY // 2, EVERY):
        shutil.rmtree(place)
        shutil.copytree(saved, place)

        def full() -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        failed = False
        with kill.at_step(number, full) as steps:
            try:
                command(desk)
            except StoreError as error:
                failed = True
                assert "no space" in error.message
        now = whole(place)
        is_old = now == old[0]
        assert is_old or set(now) == done, number
        assert answers(desk) == (old[1] if is_old else verdicts), number
        assert failed or not is_old, number
        agrees(desk.workspace, IDS)
        if len(steps) < number:
            break


def at_once(*functions: Callable[[], object]) -> None:
    """Run each in a process of its own, all at the same time."""
    started = [kill.start(function) for function in functions]
    for child in started:
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_two_who_attest_at_once_lose_nothing(desk: Reader) -> None:
    """Every statement of both is in the repository, and no sequence is used twice."""
    for number in range(ROUNDS):
        at_once(
            lambda number=number: says(desk, f"{number} a"),
            lambda number=number: says(desk, f"{number} b"),
        )
    names = [f"{number} {who}" for number in range(ROUNDS) for who in "ab"]
    assert ["ok"] * len(names) == [desk.answer(file_id(name)) for name in names]
    assert contents(desk.path)["memory/history"].count(b"\n") == 2 * ROUNDS + 1


def test_who_verifies_during_a_fetch_sees_the_old_state_or_the_new(
    desk: Reader, web: Web, carol: Party
) -> None:
    """Both files of a state change together: never a verdict that neither has."""
    desk.fetch("carol")
    for number in range(ROUNDS):
        one, other = file_id(f"{number} one"), file_id(f"{number} other")
        carol.offered = [carol.statement(one), carol.statement(other)]
        web.offer(carol)

        def looks(one: str = one, other: str = other) -> None:
            from sig.verbs.verify import verify

            for _ in range(10):
                said = [
                    result.verdict.answer.value for result in verify(desk.workspace, [one, other])
                ]
                assert said in (["unknown"] * 2, ["ok"] * 2), said

        at_once(lambda: desk.fetch("carol"), looks)
        assert ["ok", "ok"] == [desk.answer(one), desk.answer(other)]
        assert "bad" == desk.answer()


def test_attest_and_fetch_at_once_lose_nothing(desk: Reader, web: Web, carol: Party) -> None:
    """Neither the own statement nor what was fetched, nor a remembered warning."""
    for number in range(ROUNDS):
        carol.says(file_id(f"hers {number}"), ok=number % 2 == 0)
        web.offer(carol)
        at_once(
            lambda number=number: says(desk, f"mine {number}"),
            lambda: desk.fetch("carol"),
        )
    for number in range(ROUNDS):
        assert "ok" == desk.answer(file_id(f"mine {number}"))
        assert ("ok", "bad")[number % 2] == desk.answer(file_id(f"hers {number}"))
    assert "bad" == desk.answer()


def test_trust_and_attest_at_once_lose_nothing(
    desk: Reader, tmp_path: Path, web: Web, carol: Party
) -> None:
    """The configuration and the repository are changed by two, and both changes stand."""
    key = carol.fingerprint
    for number in range(ROUNDS):
        change = trust.remove if number % 2 == 0 else trust.add
        at_once(
            lambda number=number: says(desk, f"mine {number}"),
            lambda change=change: change(desk.workspace, key),
        )
        assert (key in desk.workspace.config.trust) is (number % 2 == 1)
        assert "ok" == desk.answer(file_id(f"mine {number}"))


def test_two_fetches_at_once_lose_nothing(desk: Reader, web: Web, carol: Party) -> None:
    """Of one remote and of two: nothing is taken back by who was slower."""
    dave = Party("dave")
    dave.says(file_id("his"))
    web.offer(dave)
    desk.follow(dave, counts=True)
    for number in range(ROUNDS):
        carol.says(file_id(f"hers {number}"))
        dave.says(file_id(f"his {number}"))
        web.offer(carol)
        web.offer(dave)
        at_once(desk.fetch_all, lambda: desk.fetch("dave"), lambda: desk.fetch("carol"))
        for name in (f"hers {number}", f"his {number}"):
            assert "ok" == desk.answer(file_id(name))
    assert "bad" == desk.answer()


def test_who_is_killed_while_others_wait_blocks_nobody(desk: Reader) -> None:
    """The lock of a dead process is free."""

    def dies() -> None:
        with desk.workspace.writing():
            kill.die()

    assert -9 == kill.in_child(dies)
    says(desk, "next")
    assert "ok" == desk.answer(file_id("next"))
