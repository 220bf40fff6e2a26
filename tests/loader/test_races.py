"""Launches against somebody who swaps files meanwhile: the signed bytes run, or nothing.

`make soak` launches 10 000 times; here it is a few.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli import apps
from tests.loader.loaded import loaded
from tests.native.conftest import program_of_checkout
from tests.soak import SOAK
from tests.world import World

LAUNCHES = 1_000 if SOAK else 12  # in each of ten, or of six
SWAPPED = ["race.py", "part.py", "race.lock", "race.pack", "view"]
WAYS = [(name, whole) for whole in (True, False) for name in SWAPPED if SOAK or whole]


@contextmanager
def swapped(path: Path, other: bytes, whole: bool) -> Iterator[None]:
    """The file is now its own and now another, by renaming or byte after byte, until the end."""
    own, over = path.read_bytes(), threading.Event()
    spare = path.with_name(f".{path.name}.spare")

    def swap() -> None:
        turn = 0
        while not over.is_set():
            turn += 1
            content = other if turn % 2 else own
            if whole:
                spare.write_bytes(content)
                spare.replace(path)
            else:
                with path.open("r+b") as stream:
                    stream.write(content)
                    stream.truncate()
            over.wait(0.0005 * (turn % 7))

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        spare.unlink(missing_ok=True)
        path.write_bytes(own)


@pytest.mark.parametrize(("name", "whole"), [*WAYS, *([] if SOAK else [("race.py", False)])])
def test_who_swaps_files_gets_nothing_run(world: World, name: str, whole: bool) -> None:
    """No launch runs what nobody signed, or signed no more; and each ends as it should."""
    program_of_checkout()
    alice = world.person("alice")
    files = {"race.py": "import part\nprint(part.SAID)\n", "part.py": 'SAID = "signed"\n'}
    app = loaded(apps.make(alice, files, "race.py"))
    if name == "view":  # the state before a warning must not come back with the new one
        app.signed().built()
        before = (alice.folder / "view").read_bytes()
        alice.sig("attest", "--not-ok", "--reviewed", "-m", "", str(app.list))
        path, other, allowed = alice.folder / "view", before, {113, 114}
    else:
        app.signed()
        packed = alice.sig("lock", "--pack", "race.py", cwd=app.place)
        assert (0, 0) == (packed.status, app.attest().status)
        app.built()
        path, allowed = app.place / name, {0, 111, 114}
        evil = (app.evil + files.get(name, "")).encode()
        other = {"race.lock": b"0" * 64 + b"  app\n", "race.pack": b"PK"}.get(name, evil)
    ended = set()
    with swapped(path, other, whole):
        for _ in range(LAUNCHES):
            ran = app.run()
            assert not app.was_evil(), ran
            assert ran.status in allowed, ran
            assert ran.stdout == ("" if ran.status else "signed\n"), ran
            ended.add(ran.status)
    assert ended
    assert (113 if name == "view" else 0) == app.run().status
