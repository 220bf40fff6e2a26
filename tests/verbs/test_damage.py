"""Every file of a folder, damaged in many ways: each verb says so or works, and none falls over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sig.errors import SigError
from sig.model.identifier import Identifier
from sig.verbs import (
    attest,
    config,
    doctor,
    fetch,
    keys,
    published,
    remote,
    setup,
    status,
    trust,
    withdraw,
)
from tests.soak import some
from tests.verbs.parties import FILE, Desk, Party, Reader, Web, file_id

GARBAGE: list[bytes] = [
    b"",
    b"\0",
    b"x",
    b"{}",
    b"[]",
    b"null",
    b'{"data": {}}',
    b'{"data": {"trust": {}, "version": "0.0.1"}}',
    b'{"sequence": "x", "digest": 1}',
    b'{"kept": [1]}',
    b'{"kept": {}}',
    b"1 2 3\n",
    b"a\nb\n",
    b"\xff\xfe" * 50,
    b"[" * 100_000,
    b'{"url": 1, "key": 1, "validators": []}',
]
OTHER = file_id("other")


def verbs(web: Web, target: Path) -> dict[str, Callable[[Desk], object]]:
    """Every verb, once."""
    data = {"id": file_id("new"), "ok": True, "reviewed": True}
    return {
        "status": status.standing,
        "keys": keys.listed,
        "trusted": trust.trusted,
        "remotes": remote.listed,
        "config": config.read,
        "doctor": doctor.examine,
        "fetch": fetch.fetch,
        "attest": lambda desk: attest.sign_statements(desk, [data], None),
        "withdraw": lambda desk: withdraw.withdraw(desk, OTHER, Identifier(OTHER)),
        "configure": lambda desk: config.change(desk, "publish.url", "https://x.example.org/"),
        "publish": lambda desk: published.publish(desk, str(target)),
        "setup": lambda desk: setup.setup(desk, desk.owner.fingerprint) if desk.owner else None,
        "remove": lambda desk: remote.remove(desk, "carol"),
        "repair": doctor.repair,
        "examined": doctor.examine,
    }


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party, carol: Party) -> Reader:
    """Bob's folder with all kinds of files in it."""
    desk = Reader(tmp_path / "desk", web, bob)
    carol.says()
    carol.says(file_id("bad"), ok=False)
    web.offer(carol)
    desk.follow(carol, counts=True)
    desk.fetch_all()
    data = {"id": OTHER, "ok": True, "reviewed": True}
    attest.sign_statements(desk.workspace, [data], None)
    published.publish(desk.workspace, str(tmp_path / "www"))
    return desk


def test_a_damaged_file_makes_no_verb_fall_over(
    desk: Reader, web: Web, tmp_path: Path, carol: Party
) -> None:
    """Each verb gives an answer or an error of this program; no ok comes of it."""
    names = sorted(
        str(path.relative_to(desk.path)) for path in desk.path.rglob("*") if path.is_file()
    )
    assert {"config", "memory/kept", "memory/history", "remotes/carol/state"} <= set(names)
    saved = tmp_path / "saved"
    shutil.copytree(desk.path, saved)
    web.offer(carol)
    for at, name in enumerate(names):
        for number, raw in some(enumerate(GARBAGE), 2, at):
            # Not every pair of verb and damage: each file sees all verbs, each damage too.
            shutil.rmtree(desk.path)
            shutil.copytree(saved, desk.path)
            (desk.path / name).write_bytes(raw)
            said = {desk.answer(id) for id in (file_id("nobody said"),)}
            assert said <= {"unknown", "error"}, (name, raw[:20])
            every = list(verbs(web, tmp_path / f"www{at}-{number}").items())
            for title, verb in every[(at + number) % 5 :: 5]:
                desk.clock.at += 1
                try:
                    verb(desk.workspace)
                except SigError as error:
                    assert error.message, (name, raw[:20], title)
            assert desk.answer(FILE) in ("ok", "error", "unverified", "unknown"), (name, raw[:20])


def test_doctor_mends_what_is_damaged_and_throws_nothing_away(desk: Reader, tmp_path: Path) -> None:
    """What is put aside has its bytes; afterwards the folder answers."""
    for name in ("remotes/carol/repo.json", "remotes/carol/state", "memory/kept", "memory/history"):
        raw = b"damaged " + name.encode()
        (desk.path / name).write_bytes(raw)
        assert any(one.level == "problem" for one in doctor.examine(desk.workspace)), name
        doctor.repair(desk.workspace)
        assert raw == (desk.path / f"{name}.damaged").read_bytes()
        desk.fetch_all()
        assert ["ok", "bad"] == [desk.answer(), desk.answer(file_id("bad"))], name
