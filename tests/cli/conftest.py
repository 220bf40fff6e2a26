"""A story that is only read, told once for all tests that ask about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cli import apps
from tests.cli.apps import App
from tests.world import Person, Seeds, Server, World, id_of


@dataclass(frozen=True, slots=True)
class Told:
    """Alice follows Bob, trusted, and Carol, who is not. `server` is Bob's, `carols` Carol's.

    In Alice's place: good (hers), theirs (Bob's), bad (Bob warns), untrusted (Carol's), unknown,
    and script.sh (Bob's).
    """

    world: World
    alice: Person
    bob: Person
    carol: Person
    server: Server
    carols: Server

    def id(self, name: str) -> str:
        """The identifier of a file in Alice's place."""
        return id_of((self.alice.place / name).read_bytes())


SCRIPT = '#!/bin/sh\nprintf "%s\\n" "$@"\nexit 7\n'
FILES = {
    "good": "good\n",
    "theirs": "theirs\n",
    "bad": "bad\n",
    "untrusted": "untrusted\n",
    "unknown": "unknown\n",
    "script.sh": SCRIPT,
}


def tell(world: World) -> Told:
    """Tell the story in a world."""
    alice, bob, carol = (world.person(name) for name in ("alice", "bob", "carol"))
    for name, content in FILES.items():
        for person in (alice, bob, carol):
            person.write(name, content)
    bob.sig("attest", "--ok", "--reviewed", "-m", "read it", "theirs", "script.sh")
    bob.sig("attest", "--not-ok", "--reviewed", "-m", "deletes your home", "bad")
    carol.sig("attest", "--ok", "--reviewed", "-m", "", "untrusted")
    alice.sig("attest", "--ok", "--reviewed", "-m", "", "good")
    server, carols = world.serve(bob.folder / "repo"), world.serve(carol.folder / "repo")
    alice.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint, "--trust")
    alice.sig("remote", "add", "carol", carols.url)
    fetched = alice.sig("fetch")
    assert fetched.status == 0, fetched
    return Told(world, alice, bob, carol, server, carols)


@pytest.fixture(scope="session")
def _first(seeds: Seeds) -> Iterator[Told]:
    world = World(seeds)
    yield tell(world)
    world.close()


@pytest.fixture
def told(_first: Told) -> Told:
    """The story, for tests that change nothing in it."""
    return _first


@pytest.fixture
def again(_first: Told, world: World) -> Iterator[Told]:
    """A copy of the story that may be changed; its servers offer the copies meanwhile."""
    copies = []
    for person in (_first.alice, _first.bob, _first.carol):
        copy = world.person(person.name, folder=False)
        shutil.copytree(person.folder, copy.folder)
        shutil.copytree(person.place, copy.place, dirs_exist_ok=True)
        copies.append(copy)
    alice, bob, carol = copies
    found = Told(world, alice, bob, carol, _first.server, _first.carols)
    for server, person in ((found.server, bob), (found.carols, carol)):
        server.folder = person.folder / "repo"
        server.requests.clear()
    yield found
    for server, person in ((_first.server, _first.bob), (_first.carols, _first.carol)):
        server.answers.clear()
        server.folder = person.folder / "repo"


@pytest.fixture(scope="session")
def _probed(seeds: Seeds) -> Iterator[App]:
    world = World(seeds)
    alice = world.person("alice")
    yield apps.make(alice, apps.PROBE_FILES, "probe.py", "requests==2.32.3").signed()
    world.close()


@pytest.fixture
def probe(_probed: App, world: World) -> App:
    """A signed app that runs what it is told, with requests: a copy that may be changed."""
    return _probed.again(world)


@pytest.fixture
def untouched(_probed: App) -> App:
    """The same, for tests that change nothing of it."""
    return _probed
