"""What the tests of `sig run` take, with loaders in place of it.

Those run again here, each sixth of them; all of them in `make soak`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig.model.identifier import Identifier
from tests.cli import apps
from tests.loader.loaded import Loaded, loaded
from tests.loader.shipped import DAY, FILES, Shipped
from tests.native.conftest import program_of_checkout
from tests.soak import SOAK, some
from tests.world import Forger, Person, Seeds, World

AGAIN = (
    "test_attacked",
    "test_processes",
    "test_native",
    "test_environment",
    "test_django",
    "test_first_files",
    "test_other_python",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of what runs again a share, unless one was asked for by name."""
    if SOAK or config.option.keyword or any("::" in word for word in config.args):
        return
    here = str(Path(__file__).parent)
    again = [one for one in items if str(one.path.parent) == here and one.path.stem in AGAIN]
    mine = {one for one in again if one.function.__module__ == one.module.__name__}
    left_out = {*again} - {*some(again, 6)} - mine
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [one for one in items if one not in left_out]


@pytest.fixture(scope="session")
def _probed(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    made = apps.make(alice, apps.PROBE_FILES, "probe.py", "requests==2.32.3")
    yield loaded(made.signed()).built()
    world.close()


@pytest.fixture
def probe(_probed: Loaded, world: World) -> Loaded:
    """A signed app that runs what it is told, with requests: a copy that may be changed."""
    return _probed.again(world)


@pytest.fixture
def untouched(_probed: Loaded) -> Loaded:
    """The same, for tests that change nothing of it."""
    return _probed


@pytest.fixture(scope="session")
def _shipped(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    yield loaded(apps.make(alice, FILES, "hello.py").signed()).built()
    world.close()


@pytest.fixture
def shipped(_shipped: Loaded, world: World) -> Shipped:
    """A copy of Alice's program in the hands of a stranger, of two signers, without her folder."""
    user = world.newcomer("carol")
    place = user.place / "app"
    shutil.copytree(_shipped.place, place, symlinks=True)
    app = Loaded(user, place, _shipped.python, "hello.py", "hello")
    found = Shipped(app, [Forger(created=int(time.time()) - 30 * DAY) for _ in range(2)])
    lists = _shipped.person.folder / "repo/objects"
    found.lists = [path.read_bytes() for path in sorted(lists.rglob("*")) if path.is_file()]
    found.lists = [raw for raw in found.lists if Identifier.of_bytes(raw) != found.closure]
    found.goes_by(1)
    return found


@pytest.fixture
def carol(world: World, shipped: Shipped) -> Person:
    """Who starts it, with a folder; only root can say here where homes are."""
    probe = ["unshare", "--mount", "sh", "-c", "mount --bind /etc/passwd /etc/passwd"]
    if os.geteuid() or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("homes cannot be moved here")
    shipped.ok(shipped.signers[0])
    found = world.person("bob")
    assert found.folder == found.home / ".signet"
    return found
