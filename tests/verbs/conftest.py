"""A web, some people, and a folder that follows them, all in process (tests/verbs/parties.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verbs.forest import FILES, made
from tests.verbs.parties import Party, Reader, Web


@pytest.fixture
def web() -> Web:
    """Nothing is on it yet."""
    return Web()


@pytest.fixture
def bob() -> Party:
    """Bob, who publishes."""
    return Party("bob")


@pytest.fixture
def carol() -> Party:
    """Carol, who publishes too."""
    return Party("carol")


@pytest.fixture
def reader(tmp_path: Path, web: Web) -> Reader:
    """A folder without an own key."""
    return Reader(tmp_path / "reader", web)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of `forest`."""
    return made(tmp_path / "tree", FILES)


@pytest.fixture
def follower(reader: Reader, web: Web, bob: Party) -> Reader:
    """The reader, who follows and trusts Bob, and fetched his ok about a file."""
    bob.says()
    web.offer(bob)
    reader.follow(bob, counts=True)
    assert ("new", None) == reader.came("bob")
    assert "ok" == reader.answer()
    return reader
