"""Two sparse trees compared: which objects of the new one are asked for, and what they change.

Here: no request and no file. Whoever asks takes names from `wanted`, and gives what came to `take`.

K1  What has the same name in both trees at the same place is the same, and is not asked for.
K2  An object is read before those below it are asked for, and the deepest are asked for first: what
    is no tree (docs/spec/tree §3) is noticed early, however much there is of it.
K3  Aliases follow from the envelopes: a tree with one more or less is not theirs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sig.errors import FormatError
from sig.model import branches, limits, tree
from sig.model.tree import Alias, Entry, Get, Kind, Leaf, Put


@dataclass(slots=True)
class _Place:
    """An object of the new tree that is asked for, what was there before, and the node above."""

    prefix: str
    old: str | None
    above: _Above | None


@dataclass(slots=True)
class _Above:
    """A node whose objects are not all there yet: how long its leaves are."""

    digits: dict[str, str]
    waiting: int
    sizes: dict[str, int | None] = field(default_factory=dict)


class Comparison:
    """What changes from the tree `old` (None: there is none), which `get` has, to `new`.

    Once `wanted` has nothing more: `come` and `gone` are entries by position, `objects` those of
    the new tree that were not there in the old one, and `dropped` the names of those that are not
    needed any more.
    """

    def __init__(
        self, kind: Kind, new: str, old: str | None, get: Get, *, leaf: int = limits.LEAF
    ) -> None:
        self._kind = kind
        self._get = get
        self._leaf = leaf
        self._stack: list[tuple[str, _Place]] = []
        self._asked: dict[str, _Place] = {}
        self._before: dict[str, Entry] = {}
        self._after: dict[str, Entry] = {}
        self._left: set[str] = set()
        self.objects: dict[str, bytes] = {}
        if new != old:
            self._stack.append((new, _Place("", old, None)))

    def wanted(self, most: int) -> list[str]:
        """At most so many names to ask for next; none when all that was asked for has come."""
        found: list[str] = []
        while self._stack and len(found) < most:
            name, place = self._stack.pop()
            if name in self._asked or name in self.objects:
                raise FormatError("an object stands in two places")
            self._asked[name] = place
            found.append(name)
        return found

    def take(self, name: str, raw: bytes) -> None:
        """One that was asked for. Raises FormatError."""
        place = self._asked.pop(name)
        found = tree.read(name, raw, place.prefix, self._kind, self._leaf)
        self.objects[name] = raw
        if isinstance(found, Leaf):
            self._after.update((one.position, one) for one in found.entries)
            if place.old is not None:
                self._was_there(place.old, place.prefix)
            self._known(place.above, name, found.size)
            return
        before: Mapping[str, str] = {}
        if place.old is not None:
            old = tree.read(place.old, self._get(place.old), place.prefix, self._kind, self._leaf)
            if isinstance(old, Leaf):
                self._was_there(place.old, place.prefix)
            else:
                before = old.children
                self._left.add(place.old)
        above = _Above({}, 0)
        for digits, child in found.children.items():
            if before.get(digits) == child:
                above.sizes[digits] = None  # of any size: it was looked at when it came
                continue
            above.digits[child] = digits
            above.waiting += 1
            below = _Place(place.prefix + digits, before.get(digits), above)
            self._stack.append((child, below))
        for digits, child in before.items():
            if digits not in found.children:
                self._was_there(child, place.prefix + digits)
        if len(above.digits) < above.waiting:
            raise FormatError("an object stands in two places")
        self._known(place.above, name, None)
        if not above.waiting:
            tree.check_node(above.sizes, self._leaf)

    def _known(self, above: _Above | None, name: str, size: int | None) -> None:
        if above is None:
            return
        above.sizes[above.digits[name]] = size
        above.waiting -= 1
        if not above.waiting:
            tree.check_node(above.sizes, self._leaf)

    def _was_there(self, name: str, prefix: str) -> None:
        """All below an object of the old tree, which is not in the new one at its place."""
        self._left.add(name)
        found = tree.read(name, self._get(name), prefix, self._kind, self._leaf)
        if isinstance(found, Leaf):
            self._before.update((one.position, one) for one in found.entries)
            return
        for digits, child in found.children.items():
            self._was_there(child, prefix + digits)

    @property
    def dropped(self) -> set[str]:
        """The names of objects that only the old tree has; a leaf may have moved."""
        return self._left - self.objects.keys()

    @property
    def come(self) -> dict[str, Entry]:
        """Entries that only the new tree has."""
        return {at: one for at, one in self._after.items() if at not in self._before}

    @property
    def gone(self) -> dict[str, Entry]:
        """Entries that only the old tree has."""
        return {at: one for at, one in self._before.items() if at not in self._after}


# --- changes by id -------------------------------------------------------------------------------


def texts(
    root: str | None, get: Get, ids: Iterable[str], *, leaf: int = limits.LEAF
) -> dict[str, set[bytes]]:
    """The envelopes about each of these ids in a tree of statements; no object is read twice."""
    found: dict[str, set[bytes]] = {id: set() for id in ids}
    if root is not None and found:
        places = sorted(tree.place(id) for id in found)
        for one in _filed(root, "", get, places, leaf):
            if one.name in found and not isinstance(one.said, Alias):
                found[one.name].add(one.text)
    return found


def _filed(name: str, prefix: str, get: Get, places: Sequence[str], leaf: int) -> Iterator[Entry]:
    """The entries in every leaf that may have one at a position that begins like these."""
    found = tree.read(name, get(name), prefix, Kind.STATEMENTS, leaf)
    if isinstance(found, Leaf):
        yield from found.entries
        return
    for digits, child in found.children.items():
        below = prefix + digits
        start = bisect_left(places, below[:64])
        # "g" follows every digit.
        end = bisect_left(places, below[:64] + "g", start)
        if start < end:
            yield from _filed(child, below, get, places[start:end], leaf)


def changed(
    old: str | None,
    get: Get,
    put: Put,
    now: Mapping[str, Iterable[bytes]],
    *,
    leaf: int = limits.LEAF,
) -> tuple[str, set[str], dict[str, bytes]]:
    """The tree of statements once these envelopes are all about their ids, others as they were.

    Gives the name of its topmost object, the positions that are gone, and the entries that came.
    Raises FormatError.
    """
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    for id, there in texts(old, get, now, leaf=leaf).items():
        before |= tree.envelopes(id, there)
        after |= tree.envelopes(id, now[id])
    gone = before.keys() - after.keys()
    come = {at: text for at, text in after.items() if at not in before}
    if old is None:
        return branches.build(come, put, leaf=leaf), gone, come
    made = branches.update(old, get, put, Kind.STATEMENTS, gone=gone, come=come, leaf=leaf)
    return made, gone, come


def check(
    comparison: Comparison, new: str, old: str | None, get: Get, *, leaf: int = limits.LEAF
) -> None:
    """K3, and that the objects are the tree of their entries. Raises FormatError."""
    come, gone = comparison.come, comparison.gone
    both = [one.said for one in (*come.values(), *gone.values())]
    ids = {one.id for one in both if isinstance(one, Alias)}
    ids |= {one.name for one in (*come.values(), *gone.values()) if not isinstance(one.said, Alias)}
    now = texts(old, get, ids, leaf=leaf)
    for one in gone.values():
        if not isinstance(one.said, Alias):
            now[one.name].discard(one.text)
    for one in come.values():
        if not isinstance(one.said, Alias):
            now[one.name].add(one.text)
    if new == old:
        return
    made, went, came = changed(old, get, lambda *_: None, now, leaf=leaf)
    if went != gone.keys() or came.keys() != come.keys():
        raise FormatError("the aliases in a tree are not those of its statements")
    if made != new:
        raise FormatError("the objects are not the tree of their entries")
