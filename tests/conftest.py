"""What every room may use: a `World` on real parts (tests/world.py)."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.soak import SOAK, hurry
from tests.world import Person, Seeds, World


def pytest_configure() -> None:
    """Who is started in the background, or by nohup, ignores signals, and so would all that tests
    start and interrupt. Nor is there a reason to wait for the disk."""
    hurry()
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked ``soak`` runs there, and where it was asked for by name."""
    if SOAK or any("::" in word for word in config.args):
        return
    left_out = [one for one in items if one.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [one for one in items if one not in left_out]


@pytest.fixture(scope="session")
def seeds() -> Iterator[Seeds]:
    """Keys and folders that are made once."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    found = Seeds()
    yield found
    found.close()


@pytest.fixture
def world(seeds: Seeds) -> Iterator[World]:
    """One story."""
    found = World(seeds)
    yield found
    found.close()


@pytest.fixture
def alice(world: World) -> Person:
    """Alice, whose folder belongs to her key."""
    return world.person("alice")


@pytest.fixture
def bob(world: World) -> Person:
    """Bob, whose folder belongs to his key."""
    return world.person("bob")


@pytest.fixture
def deadline() -> Iterator[None]:
    """What waits for ever is ended."""
    import signal

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
