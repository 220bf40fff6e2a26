"""The sparse tree: one set of entries has one tree, and nothing else is read as one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import branches, limits, strict, tree, wire
from sig.model.fingerprint import Fingerprint
from sig.model.tree import Alias, Entry, Holder, Kind, Leaf, Node
from tests import vectors

KEY = Fingerprint("0123456789ABCDEF" * 2 + "01234567")
FILES = vectors.files("tree")
SMALL = 700
"""A leaf of some four entries: small trees are as deep as large ones."""


def identifier(number: int) -> str:
    """The id of one of many files."""
    return f"sha256:{number:064x}"


def says(number: int, comment: str = "", **more: object) -> bytes:
    """An envelope about a file, in canonical form."""
    data = {"id": identifier(number), "ok": True, "reviewed": True, "comment": comment, **more}
    return wire.envelope(KEY, strict.canonical(data), b"x")


def planted(entries: Mapping[str, bytes], leaf: int = limits.LEAF) -> tuple[str, dict[str, bytes]]:
    """The root and all objects of a tree, each put after what it names."""
    found: dict[str, bytes] = {}

    def put(name: str, raw: bytes) -> None:
        if tree.is_node(raw):
            assert set(strict.read(raw)["node"].values()) <= found.keys()
        found[name] = raw

    return branches.build(entries, put, leaf=leaf), found


def reachable(root: str, objects: Mapping[str, bytes]) -> set[str]:
    """The names of all objects of a tree."""
    raw = objects[root]
    below = strict.read(raw)["node"].values() if tree.is_node(raw) else ()
    return {root}.union(*(reachable(one, objects) for one in below))


def texts(entries: Collection[Entry]) -> dict[str, bytes]:
    """Entries as those who make trees take them."""
    return {one.position: one.text for one in entries}


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/tree: made and read by byte, or refused with its words."""
    vector = vectors.read(path)
    kind = Kind(vector.head["kind"])
    objects = {hashlib.sha256(raw).hexdigest(): raw for raw in vector.data["object"]}
    if vector.head["expect"] == "refused":
        ((name, raw),) = objects.items()
        with pytest.raises(FormatError) as caught:
            tree.read(name, raw, vector.head["prefix"], kind)
        assert caught.value.message.startswith(vector.why)
        return
    root = vector.head["root"]
    if vector.head["expect"] == "refused-tree":
        with pytest.raises(FormatError) as caught:
            list(tree.walk(root, objects.__getitem__, kind))
        assert vector.why == caught.value.message
        return
    found = list(tree.walk(root, objects.__getitem__, kind))
    assert sorted(texts(found).items()) == [(one.position, one.text) for one in found]
    assert int(vector.head["entries"]) == len(found)
    assert (root, objects) == planted(made_of(vector, found))


def made_of(vector: vectors.Vector, found: Collection[Entry]) -> dict[str, bytes]:
    """The entries that the lines of a vector make, and those of its objects where it has none."""
    made: dict[str, bytes] = {}
    for text in vector.data.get("given", []):
        value = strict.read(text)
        if "cert" in value:
            made |= tree.holder(value["key"], value["cert"])
        else:
            made |= tree.envelopes(value["data"]["id"], [text])
    if made:
        given = {*vector.data["given"], *vector.data.get("follows", [])}
        assert given == set(made.values())
    return made or texts(found)


# --- one set has one tree ------------------------------------------------------------------------

# Few ids, so that several statements stand under one; sizes below, at and above a leaf.
STATEMENTS = st.builds(
    says,
    st.integers(0, 40),
    st.one_of(st.just(""), st.text("ab", max_size=3), st.sampled_from(["x" * 300, "y" * 900])),
)
SETS = st.lists(STATEMENTS, max_size=60)


def entries(statements: Collection[bytes]) -> dict[str, bytes]:
    """What stands in the tree of these envelopes."""
    found: dict[str, bytes] = {}
    for text in statements:
        found |= tree.envelopes(strict.read(text)["data"]["id"], [text])
    return found


@settings(max_examples=60, deadline=None)
@given(SETS, st.randoms(use_true_random=False), st.integers(1, 3))
def test_neither_order_nor_repetition_makes_another_tree(
    statements: list[bytes], chance: object, times: int
) -> None:
    """One set of envelopes has one tree, byte for byte."""
    shuffled = statements * times
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert planted(entries(statements), SMALL) == planted(entries(shuffled), SMALL)


@settings(max_examples=100, deadline=None)
@given(SETS, SETS, SETS)
def test_a_changed_tree_is_that_of_what_is_there_then(
    before: list[bytes], gone: list[bytes], come: list[bytes]
) -> None:
    """Whatever it was before; and no more is handed over than stands in it."""
    old = entries([*before, *gone])
    new = {at: text for at, text in old.items() if at not in entries(gone)} | entries(come)
    root, objects = planted(old, SMALL)
    wanted, whole = planted(new, SMALL)
    put: dict[str, bytes] = {}

    made = branches.update(
        root,
        objects.__getitem__,
        put.__setitem__,
        Kind.STATEMENTS,
        gone=entries(gone),
        come=entries(come),
        leaf=SMALL,
    )

    assert wanted == made
    assert whole.keys() - objects.keys() <= put.keys() <= whole.keys()
    assert reachable(made, objects | put) == whole.keys()


@settings(max_examples=60, deadline=None)
@given(SETS)
def test_what_is_read_of_a_tree_is_what_it_was_made_of(statements: list[bytes]) -> None:
    """By position, and by name; every rule about objects holds for what is made."""
    made = entries(statements)
    root, objects = planted(made, SMALL)
    found = list(tree.walk(root, objects.__getitem__, Kind.STATEMENTS, leaf=SMALL))

    assert sorted(made.items()) == [(one.position, one.text) for one in found]
    for number in range(41):
        id = identifier(number)
        by_name = tree.walk(root, objects.__getitem__, Kind.STATEMENTS, name=id, leaf=SMALL)
        assert [one for one in found if one.position.startswith(tree.place(id))] == list(by_name)


def test_what_is_filed_under_a_name_is_found_by_the_objects_on_the_way() -> None:
    """Of 20 000 statements: two objects, and what has no statement costs no more."""
    root, objects = planted(entries([says(number) for number in range(20_000)]))
    for number, count in ((7, 1), (20_000, 0)):
        asked: list[str] = []

        def get(name: str, asked: list[str] = asked) -> bytes:
            asked.append(name)
            return objects[name]

        found = tree.walk(root, get, Kind.STATEMENTS, name=identifier(number))
        assert [identifier(number)] * count == [one.name for one in found]
        assert 2 == len(asked)


@settings(max_examples=60, deadline=None)
@given(SETS, st.data())
def test_no_object_of_a_tree_can_be_another(statements: list[bytes], data: st.DataObject) -> None:
    """A server that answers with another object of the same tree, or changes one, is found out."""
    root, objects = planted(entries(statements), SMALL)
    name = data.draw(st.sampled_from(sorted(objects)))
    other = data.draw(st.sampled_from(sorted(objects)))
    raw = bytearray(objects[other])
    if other == name:
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    served = {**objects, name: bytes(raw)}

    with pytest.raises(FormatError):
        list(tree.walk(root, served.__getitem__, Kind.STATEMENTS, leaf=SMALL))
    with pytest.raises(FormatError):
        tree.read(name, bytes(raw), "", Kind.STATEMENTS, leaf=SMALL)


# --- what changing costs -------------------------------------------------------------------------


def test_one_new_statement_writes_the_objects_on_its_way() -> None:
    """In a tree of 20 000: a leaf, and the nodes above it; and no more are read."""
    old = entries([says(number) for number in range(20_000)])
    root, objects = planted(old)
    read: list[str] = []
    put: dict[str, bytes] = {}

    def get(name: str) -> bytes:
        read.append(name)
        return objects[name]

    come = entries([says(20_000)])
    made = branches.update(root, get, put.__setitem__, Kind.STATEMENTS, come=come)

    assert planted(old | come)[0] == made
    assert len(read) == len(put) == 2
    assert sum(map(len, put.values())) < 100 * limits.KIB

    read.clear()
    again = branches.update(
        made, lambda name: put.get(name) or get(name), lambda *_: None, Kind.STATEMENTS, gone=come
    )
    assert root == again
    assert len(read) <= 2 + limits.LEAF // 12_000  # what might have been joined with it


def test_what_is_there_already_changes_nothing() -> None:
    """To add it again, or to take away what is not there."""
    old = entries([says(number) for number in range(30)])
    root, objects = planted(old, SMALL)
    absent = entries([says(99)])

    def update(**change: object) -> str:
        return branches.update(
            root, objects.__getitem__, lambda *_: None, Kind.STATEMENTS, leaf=SMALL, **change
        )  # type: ignore[arg-type]

    assert root == update(come=old)
    assert root == update(gone=absent)
    assert root == update(gone=old, come=old)
    assert planted({})[0] == update(gone=old)


def test_an_object_that_is_damaged_is_not_built_upon() -> None:
    """Not where it changes, nor where it might be joined."""
    old = entries([says(number) for number in range(60)])
    root, objects = planted(old, SMALL)
    leaves = [name for name, raw in objects.items() if not tree.is_node(raw)]
    first = min(old)
    for name in {root, *leaves}:
        touched: list[str] = []

        def get(wanted: str, touched: list[str] = touched, damaged: str = name) -> bytes:
            touched.append(wanted)
            return objects[wanted] + b"\n" * (wanted == damaged)

        try:
            branches.update(root, get, lambda *_: None, Kind.STATEMENTS, gone=[first], leaf=SMALL)
        except FormatError:
            assert name == touched[-1]
        else:
            assert name not in touched


# --- entries and objects -------------------------------------------------------------------------


def test_an_entry_says_what_it_is() -> None:
    """An envelope with its statement, an alias, and a key with its certificate."""
    id = identifier(7)
    made = tree.envelopes(id, [says(7, aliases=["x:00"])])
    root, objects = planted(made)
    found = {type(one.said): one for one in tree.walk(root, objects.__getitem__, Kind.STATEMENTS)}
    alias = found[Alias]
    envelope = next(one for kind, one in found.items() if kind is not Alias)

    assert (Alias("x:00", id), "x:00") == (alias.said, alias.name)
    assert (id, id) == (envelope.name, getattr(envelope.said, "statement").id)  # noqa: B009
    root, objects = planted(tree.holder(KEY, "0" * 64))
    ((holder,),) = [list(tree.walk(root, objects.__getitem__, Kind.KEYS))]
    assert Holder(KEY, "0" * 64) == holder.said


def test_an_object_has_a_largest_size() -> None:
    """Above it no byte is looked at, whatever its name."""
    raw = tree.leaf_text([b" " * limits.OBJECT])
    with pytest.raises(FormatError, match="larger than 2 MiB"):
        tree.read(tree.object_name(raw), raw, "", Kind.STATEMENTS)


def test_the_largest_statement_has_room_in_an_object() -> None:
    """With the largest signature and time stamp, beside what a leaf adds."""
    signed = strict.canonical({"id": identifier(0), "ok": True, "reviewed": True, "x": ""})
    signed = signed.replace(b'"x": "', b'"x": "' + b"x" * (limits.STATEMENT - len(signed)))
    stamp = "A" * (limits.TIMESTAMP // 3 * 4)
    text = wire.envelope(KEY, signed, b"x" * limits.SIGNATURE, stamp)
    root, objects = planted(tree.envelopes(identifier(0), [text]))

    assert limits.STATEMENT < len(objects[root]) <= limits.OBJECT
    ((entry,),) = [list(tree.walk(root, objects.__getitem__, Kind.STATEMENTS))]
    assert text == entry.text


def test_a_leaf_is_told_from_a_node() -> None:
    """By their first bytes, as they are written."""
    leaf, node = tree.leaf_text([]), tree.node_text({"0": "0" * 64, "1": "1" * 64})

    assert [False, True] == [tree.is_node(leaf), tree.is_node(node)]
    assert Leaf((), len(leaf)) == tree.read(tree.object_name(leaf), leaf, "", Kind.KEYS)
    assert Node({"0": "0" * 64, "1": "1" * 64}) == tree.read(
        tree.object_name(node), node, "ab", Kind.KEYS
    )
