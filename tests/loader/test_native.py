"""tests/cli/test_run_native.py, each through a loader: `./nump`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli import apps
from tests.cli.test_run_native import *  # noqa: F403 - all of its tests
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds, World


@pytest.fixture(scope="module")
def _first(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    made = apps.make(world.person("alice"), {"probe.py": apps.PROBE}, "probe.py", "numpy")
    yield loaded(made.signed()).built()
    world.close()


@pytest.fixture
def numpy(_first: Loaded, world: World) -> Loaded:
    """An app with numpy: a copy that may be changed."""
    return _first.again(world)
