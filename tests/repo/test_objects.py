"""Files that are named by their digest: lists of files among what trees are made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from sig.model import tree
from sig.model.identifier import Identifier
from sig.repo import objects
from sig.repo.home import Home

LIST = b"0" * 64 + b"  a.py\n"
OF_A_TREE = {
    "leaf": tree.leaf_text(()),
    "node": tree.node_text({"0": "1" * 64}),
    "delta": b"\x1f\x8b\x08",
    "certificate": b"\xc6\x33",
}


def home_with(path: Path, *raw: bytes) -> Home:
    path.mkdir(mode=0o700)
    home = Home(path)
    with home.writing():
        home.commit({objects.own(Identifier.of_bytes(one)): one for one in raw})
    return home


@pytest.mark.parametrize("kind", OF_A_TREE)
def test_what_a_tree_is_made_of_is_no_list(tmp_path: Path, kind: str) -> None:
    """And a list is one, beside it."""
    home = home_with(tmp_path / "one", OF_A_TREE[kind])
    assert not objects.has_lists(home) and [] == list(objects.lists(home))
    home = home_with(tmp_path / "two", OF_A_TREE[kind], LIST)
    assert objects.has_lists(home)
    assert [(Identifier.of_bytes(LIST), LIST)] == list(objects.lists(home))


@pytest.mark.parametrize("damaged", [b"", b"{" + LIST[1:], b"1" + LIST[1:]])
def test_of_a_list_that_is_damaged_the_other_copy_counts(tmp_path: Path, damaged: bytes) -> None:
    """Whatever it begins with now; without another it is none."""
    home = home_with(tmp_path / "home", LIST)
    id = Identifier.of_bytes(LIST)
    (home.path / objects.own(id)).write_bytes(damaged)
    assert [] == list(objects.lists(home))
    with home.writing():
        home.commit({objects.name(id): LIST})
    assert objects.has_lists(home) and [(id, LIST)] == list(objects.lists(home))
