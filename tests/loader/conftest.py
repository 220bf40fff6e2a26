"""What the tests of `sig run` take, with loaders in place of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli import apps
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds, World


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
