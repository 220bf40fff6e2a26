"""How a sparse tree is made, and changed: one set of entries has one tree (docs/spec/tree §2, §3).

Here: from entries to objects. Reading them is `tree`'s; the numbers of rules are those there.

G1  What is under a prefix is decided by the entries under it and nothing else: not by their order,
    nor by what was there before.
G2  A change writes the objects on the way to what changed, and reads besides only what it may have
    to join: two small leaves are one leaf.
G3  An object is handed over after those that it names.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from sig.errors import FormatError
from sig.model import limits, tree
from sig.model.tree import Get, Kind, Leaf, Node, Put

_HEX = "0123456789abcdef"


class _Made(NamedTuple):
    """An object, and how long it is if it is a leaf: -1 where it was not looked at."""

    name: str
    leaf: int | None


def build(entries: Mapping[str, bytes], put: Put, *, leaf: int = limits.LEAF) -> str:
    """The name of the root object of the tree of these entries (texts by position)."""
    writer = _Writer(put, leaf)
    made = writer.whole("", _Entries(entries))
    return writer.empty() if made is None else made.name


def update(
    root: str,
    get: Get,
    put: Put,
    kind: Kind,
    *,
    gone: Collection[str] = (),
    come: Mapping[str, bytes] | None = None,
    leaf: int = limits.LEAF,
) -> str:
    """The name of the root object once entries at these positions are `gone` and these have `come`.

    The same as that of `build` for all that is there then. `gone` that is not there is no error;
    what is in both has come. Raises FormatError if an object on the way cannot be read.
    """
    writer = _Changing(put, leaf, get, kind)
    wanted = {} if come is None else come
    made = writer.changed(root, "", _Entries(wanted), sorted(set(gone) - wanted.keys()))
    name = writer.empty() if made is None else made.name
    writer.hand_over(name)
    return name


class _Entries:
    """Entries by position, a part of which is looked at without a copy."""

    def __init__(self, entries: Mapping[str, bytes]) -> None:
        self._texts = entries
        self.positions = sorted(entries)
        lengths = (len(entries[at]) for at in self.positions)
        self._before = list(accumulate(lengths, initial=0))
        self._span = (0, len(self.positions))

    def under(self, prefix: str) -> _Entries:
        """Those under a prefix that is longer than what all of these have in common."""
        part = object.__new__(_Entries)
        part._texts, part.positions, part._before = self._texts, self.positions, self._before
        part._span = _span(self.positions, prefix, *self._span)
        return part

    def __len__(self) -> int:
        return self._span[1] - self._span[0]

    def size(self) -> int:
        """How long the leaf of all of them is."""
        low, high = self._span
        return tree.leaf_size(self._before[high] - self._before[low], len(self))

    def items(self) -> Iterator[tuple[str, bytes]]:
        low, high = self._span
        return ((at, self._texts[at]) for at in self.positions[low:high])


def _span(positions: Sequence[str], prefix: str, low: int, high: int) -> tuple[int, int]:
    start = bisect_left(positions, prefix, low, high)
    # "g" follows every digit.
    return start, bisect_left(positions, prefix + "g", start, high)


class _Writer:
    """Makes objects of entries."""

    def __init__(self, put: Put, leaf: int) -> None:
        self._put = put
        self._most = leaf

    def empty(self) -> str:
        """The one leaf that may be empty: the whole tree."""
        return self._write(tree.leaf_text(()))

    def whole(self, prefix: str, entries: _Entries) -> _Made | None:
        """All under a prefix with an even number of digits; None where there is nothing (E3)."""
        if self._is_leaf(entries):
            return self._leaf(entries)
        children: dict[str, _Made] = {}
        for digit in _HEX:
            children |= self.digit(prefix, digit, entries.under(prefix + digit))
        return self._node(children) if children else None

    def digit(self, prefix: str, digit: str, entries: _Entries) -> dict[str, _Made]:
        """What a node names of the entries under one more digit (E4)."""
        if self._is_leaf(entries):
            return {digit: self._leaf(entries)}
        found = {}
        if len(entries):
            for second in _HEX:
                digits = digit + second
                made = self.whole(prefix + digits, entries.under(prefix + digits))
                if made is not None:
                    found[digits] = made
        return found

    def _is_leaf(self, entries: _Entries) -> bool:
        return len(entries) == 1 or (len(entries) > 1 and entries.size() <= self._most)

    def _leaf(self, entries: _Entries) -> _Made:
        text = tree.leaf_text(text for _, text in entries.items())
        return _Made(self._write(text), len(text))

    def _node(self, children: Mapping[str, _Made]) -> _Made:
        text = tree.node_text({digits: made.name for digits, made in children.items()})
        return _Made(self._write(text), None)

    def _write(self, text: bytes) -> str:
        name = tree.object_name(text)
        self._put(name, text)
        return name


class _Changing(_Writer):
    """Makes objects of others and of what changes."""

    def __init__(self, put: Put, leaf: int, get: Get, kind: Kind) -> None:
        super().__init__(put, leaf)
        self._get = get
        self._kind = kind
        # Not put before the end: what was made may be joined with what stands beside it.
        self._made: dict[str, bytes] = {}
        self._names: dict[str, list[str]] = {}

    def _write(self, text: bytes) -> str:
        name = tree.object_name(text)
        self._made[name] = text
        return name

    def _node(self, children: Mapping[str, _Made]) -> _Made:
        made = super()._node(children)
        self._names[made.name] = [child.name for _, child in sorted(children.items())]
        return made

    def hand_over(self, name: str) -> None:
        """What was made and stands in the tree with this root (G3)."""
        if name in self._made:
            for child in self._names.get(name, ()):
                self.hand_over(child)
            self._put(name, self._made.pop(name))

    def changed(self, old: str, prefix: str, come: _Entries, gone: Sequence[str]) -> _Made | None:
        """What is under a prefix, where `old` was; None where there is nothing any more."""
        found = self._read(old, prefix)
        if isinstance(found, Leaf):
            return self.whole(prefix, self._merged(found, come, gone))
        children = {digits: _Made(name, -1) for digits, name in found.children.items()}
        for digit in _HEX:
            more = come.under(prefix + digit)
            less = _part(gone, prefix + digit)
            if not len(more) and not less:
                continue
            before = {name: children.pop(name) for name in list(children) if name[0] == digit}
            children |= self._digit(prefix, digit, before, more, less)
        # Under a digit that is named with the next there is more than a leaf holds.
        small = all(len(digits) == 1 for digits in children)
        if gone and children and small and self._joins(prefix, children):
            return self.whole(prefix, self._joined(prefix, children))
        return self._node(children) if children else None

    def _digit(
        self,
        prefix: str,
        digit: str,
        before: dict[str, _Made],
        come: _Entries,
        gone: Sequence[str],
    ) -> dict[str, _Made]:
        """What a node names under one digit, where it named `before`."""
        if digit in before:
            found = self._read_leaf(before[digit].name, prefix + digit)
            return self.digit(prefix, digit, self._merged(found, come, gone))
        if not before:
            return self.digit(prefix, digit, come)
        for second in _HEX:
            below = prefix + digit + second
            more, less = come.under(below), _part(gone, below)
            if not len(more) and not less:
                continue
            old = before.pop(digit + second, None)
            if old is None:
                made = self.whole(below, more)
            else:
                made = self.changed(old.name, below, more, less)
            if made is not None:
                before[digit + second] = made
        if gone and before and self._joins(prefix, before):
            return self.digit(prefix, digit, self._joined(prefix, before))
        return before

    def _joins(self, prefix: str, children: Mapping[str, _Made]) -> bool:
        """Whether one leaf holds all of these now, looking at no more than it takes (G2)."""
        sizes: list[int] = []
        for _, made in sorted(children.items()):
            size = made.leaf
            if size is not None and size < 0:
                raw = self._raw(made.name)
                size = None if tree.is_node(raw) else len(raw)
            if size is None:
                return False
            sizes.append(size)
            if len(sizes) > 1 and tree.joined_size(sizes) > self._most:
                return False
        return True

    def _joined(self, prefix: str, children: Mapping[str, _Made]) -> _Entries:
        found: dict[str, bytes] = {}
        for digits, made in children.items():
            leaf = self._read_leaf(made.name, prefix + digits)
            found |= {entry.position: entry.text for entry in leaf.entries}
        return _Entries(found)

    def _merged(self, leaf: Leaf, come: _Entries, gone: Sequence[str]) -> _Entries:
        found = {entry.position: entry.text for entry in leaf.entries}
        for at in gone:
            found.pop(at, None)
        return _Entries(found | dict(come.items()))

    def _read_leaf(self, name: str, prefix: str) -> Leaf:
        found = self._read(name, prefix)
        if not isinstance(found, Leaf):
            raise FormatError("a node stands where a leaf is due")
        return found

    def _read(self, name: str, prefix: str) -> Leaf | Node:
        return tree.read(name, self._raw(name), prefix, self._kind, self._most)

    def _raw(self, name: str) -> bytes:
        if name in self._made:
            return self._made[name]
        raw = self._get(name)
        if tree.object_name(raw) != name:  # also where no more than its length is asked for
            raise FormatError("an object has other bytes than its name says")
        return raw


def _part(positions: Sequence[str], prefix: str) -> Sequence[str]:
    """Those of sorted positions that are under a prefix."""
    low, high = _span(positions, prefix, 0, len(positions))
    return positions[low:high]
