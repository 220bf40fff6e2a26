"""Two trees compared: no more is asked for than differs, and what is no tree is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from sig.errors import FormatError
from sig.model import branches, compare, tree
from sig.model.compare import Comparison
from sig.model.tree import Kind
from tests.model.test_tree import SETS, SMALL, entries, identifier, planted, says


def compared(
    new: str, objects: dict[str, bytes], old: str | None, known: dict[str, bytes]
) -> tuple[Comparison, list[str]]:
    """A whole comparison, and what was asked for."""
    comparison = Comparison(Kind.STATEMENTS, new, old, known.__getitem__, leaf=SMALL)
    asked: list[str] = []
    while names := comparison.wanted(7):
        asked += names
        for name in names:
            comparison.take(name, objects[name])
    return comparison, asked


@settings(max_examples=150, deadline=None)
@given(SETS, SETS, SETS)
def test_what_differs_is_found_and_nothing_else_asked_for(
    both: list[bytes], gone: list[bytes], come: list[bytes]
) -> None:
    """Of any two trees; from nothing it is all of the new one."""
    before, after = entries([*both, *gone]), entries([*both, *come])
    old, known = planted(before, SMALL)
    new, objects = planted(after, SMALL)

    found, asked = compared(new, objects, old, known)

    assert sorted(asked) == sorted(found.objects)
    # But for a leaf that stands deeper now.
    assert all(not tree.is_node(known[name]) for name in asked if name in known)
    assert objects.keys() - known.keys() <= set(asked) <= objects.keys()
    assert after.keys() - before.keys() == found.come.keys()
    assert before.keys() - after.keys() == found.gone.keys()
    assert known.keys() - objects.keys() == found.dropped
    compare.check(found, new, old, known.__getitem__, leaf=SMALL)
    all_of_it, asked = compared(new, objects, None, {})
    assert sorted(objects) == sorted(asked)
    assert after.keys() == all_of_it.come.keys()
    compare.check(all_of_it, new, None, known.__getitem__, leaf=SMALL)


@settings(max_examples=60, deadline=None)
@given(SETS, SETS)
def test_a_change_by_ids_is_the_new_tree(before: list[bytes], come: list[bytes]) -> None:
    """As a delta tells it: all about each id that changed."""
    old, known = planted(entries(before), SMALL)
    new, objects = planted(entries([*before, *come]), SMALL)
    ids = [identifier(number) for number in range(41)]
    there = compare.texts(old, known.__getitem__, ids, leaf=SMALL)
    here = compare.texts(new, objects.__getitem__, ids, leaf=SMALL)
    now = {id: texts for id, texts in here.items() if texts != there[id]}
    put: dict[str, bytes] = {}

    made, gone, came = compare.changed(old, known.__getitem__, put.__setitem__, now, leaf=SMALL)

    assert (new, set()) == (made, gone)
    assert entries([*before, *come]).keys() - entries(before).keys() == came.keys()
    assert objects.keys() - known.keys() <= put.keys() | known.keys()


def test_aliases_are_those_of_the_statements() -> None:
    """One that nobody claims, and one that is left out."""
    said = says(1, aliases=["x:00"])
    sound = entries([said])
    (alias,) = sound.keys() - {tree.position(identifier(1), said)}
    more = entries([says(1, aliases=["x:00", "x:01"])])
    forged = {at: text for at, text in more.items() if b"x:01" in text and b"data" not in text}
    lacking = {at: text for at, text in sound.items() if at != alias}
    old, known = planted(entries([says(2)]), SMALL)
    for made in (sound | forged, lacking):
        made = made | entries([says(2)])
        for start, has in ((old, known), (None, {})):
            new, objects = planted(made, SMALL)
            found, _ = compared(new, objects, start, dict(has))
            with pytest.raises(FormatError, match="the aliases in a tree"):
                compare.check(found, new, start, dict(has).__getitem__, leaf=SMALL)
    # An alias stays as long as somebody claims it.
    two = entries([said, says(1, "again", aliases=["x:00"])])
    old, known = planted(two, SMALL)
    for left, wrong in (
        (sound, lacking),
        (entries([says(3)]), entries([says(3)]) | {alias: two[alias]}),
    ):
        new, objects = planted(left, SMALL)
        found, _ = compared(new, objects, old, known)
        compare.check(found, new, old, known.__getitem__, leaf=SMALL)
        new, objects = planted(wrong, SMALL)
        found, _ = compared(new, objects, old, known)
        with pytest.raises(FormatError, match="the aliases in a tree"):
            compare.check(found, new, old, known.__getitem__, leaf=SMALL)


def test_many_tiny_objects_are_noticed_after_some() -> None:
    """Signed or not: below every node there is more than a leaf holds."""
    leaves = {}
    for number in range(2000):
        made = entries([says(number)])
        leaves[next(iter(made))] = tree.leaf_text(made.values())
    objects: dict[str, bytes] = {tree.object_name(raw): raw for raw in leaves.values()}

    def node(prefix: str) -> str:
        children = {}
        for at, raw in leaves.items():
            if at.startswith(prefix):
                digits = at[len(prefix) : len(prefix) + 2]
                children[digits] = node(prefix + digits) if not prefix else tree.object_name(raw)
        raw = tree.node_text(children)
        objects[tree.object_name(raw)] = raw
        return tree.object_name(raw)

    top = node("")
    comparison = Comparison(Kind.STATEMENTS, top, None, objects.__getitem__)
    asked = 0
    with pytest.raises(FormatError, match="one leaf holds all"):
        while names := comparison.wanted(8):
            asked += len(names)
            for name in names:
                comparison.take(name, objects[name])
    assert asked < 50


def test_an_object_stands_in_one_place() -> None:
    """A node that names one object twice would be asked for without end."""
    name = "0" * 64
    for children in ({"00": name, "01": name}, {"0": name, "1": name}):
        raw = tree.node_text(children)
        top = tree.object_name(raw)
        comparison = Comparison(Kind.STATEMENTS, top, None, {}.__getitem__)
        assert [top] == comparison.wanted(9)
        with pytest.raises(FormatError, match="in two places"):
            comparison.take(top, raw)


def test_equal_trees_ask_for_nothing() -> None:
    """Not even for the topmost object."""
    top, _ = planted(entries([says(1)]))
    comparison = Comparison(Kind.STATEMENTS, top, top, {}.__getitem__)

    assert ([], {}, {}) == (comparison.wanted(9), comparison.come, comparison.gone)
    compare.check(comparison, top, top, {}.__getitem__)
    assert branches.build({}, lambda *_: None) == tree.object_name(tree.leaf_text([]))
