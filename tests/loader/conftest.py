"""What the tests of `sig run` take, with loaders in place of it.

Those run again here, each third of them; all of them in `make soak`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import apps
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds, World

SOAK = bool(os.environ.get("SIG_SOAK"))
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
    left_out = {one for number, one in enumerate(again) if number % 3 and one not in mine}
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
