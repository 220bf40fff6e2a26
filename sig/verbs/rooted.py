"""What a remote with a sparse tree offers that is new: by deltas, or by comparing trees.

Writes nothing. The root was checked before: its owner signed it.

F1  Deltas first, where some lead from the state that is here to the new one. They are believed only
    if what they make is the root's tree, byte for byte; whatever else comes of them, trees are
    compared.
F2  An object is asked for by its name, and is that before it is read; none larger than its limit.
F3  What is here is not asked for. What is damaged here is not gone on from.
F4  Several objects at once; all that comes together is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from sig.errors import FormatError, NetworkError
from sig.model import compare, delta, limits, root, tree
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.compare import Comparison
from sig.model.delta import Statements
from sig.model.identifier import Identifier
from sig.model.root import Delta, UnverifiedRoot
from sig.model.stream import Entry
from sig.model.tree import Get, Kind
from sig.repo import objects
from sig.verbs.downloading import Got

AT_ONCE = 8
# What a line of a delta costs in memory besides what it says.
LINE = 256

Ask = Callable[[str, int], bytes]
"""What is at this path of the remote, at most so many bytes. Raises NetworkError."""


@dataclass(slots=True)
class Came:
    """What is new: `objects` to be kept, `dropped` those that nothing names any more."""

    top: UnverifiedRoot
    get: Get
    objects: dict[str, bytes] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    come: set[str] = field(default_factory=set)

    def _of_both(self, name: str) -> bytes:
        return self.objects[name] if name in self.objects else self.get(name)

    def entries(self) -> Iterator[tuple[Entry, bool]]:
        """All statements of the new tree, and of each whether it is new. Raises FormatError."""
        count = 0
        for at, text, name, said in tree.walk(self.top.tree, self._of_both, Kind.STATEMENTS):
            if isinstance(said, UnverifiedAttestation | Malformed):
                count += 1
                yield Entry(name, text, said), at in self.come
        if count != self.top.count:
            raise FormatError("a tree has another number of statements than its root says")


class Following:
    """Asks one remote for what its root names."""

    def __init__(self, url: str, ask: Ask, most: int) -> None:
        self._url = url
        self._ask = ask
        self._left = most
        self._asked = 0
        self._outcome = "failed"

    @property
    def requests(self) -> tuple[Got, ...]:
        """All objects together: there may be thousands, and their names say nothing to people."""
        if not self._asked:
            return ()
        return (Got(f"{self._url}objects/ ({self._asked})", self._outcome),)

    def follow(self, new: UnverifiedRoot, old: UnverifiedRoot | None, get: Get) -> Came:
        """What leads from the root that is here to the new one; `get` gives objects that are here.

        Raises FormatError, NetworkError, and what `get` raises (F3).
        """
        came = Came(new, get)
        if old is None or old.tree != new.tree:
            before = None if old is None else old.tree
            if not self._by_deltas(came, old):
                comparison = self._compare(Kind.STATEMENTS, new.tree, before, get)
                compare.check(comparison, new.tree, before, get)
                came.objects |= comparison.objects
                came.dropped |= comparison.dropped
                came.come |= comparison.come.keys()
        keys = self._compare(Kind.KEYS, new.keys, None if old is None else old.keys, get)
        came.objects |= keys.objects
        came.dropped |= keys.dropped
        came.dropped -= came.objects.keys()
        self._outcome = "done"
        return came

    # --- deltas ----------------------------------------------------------------------------------

    def _by_deltas(self, came: Came, old: UnverifiedRoot | None) -> bool:
        """F1."""
        top, most = came.top, self._left
        before, start = None, 0
        if old is not None:
            before, start = old.tree, old.sequence
            # More than the objects could be that hold what is new: a run that began far before.
            most = min(most, limits.LEAF * (2 + abs(top.count - old.count)))
        chain = root.chain(top.deltas, start, top.sequence)
        if chain is None or sum(one.size for one in chain) > most:
            return False
        now: dict[str, list[bytes]] = {}
        made: dict[str, bytes] = {}
        left = self._left
        try:
            for one in chain:
                for found in delta.read(self._delta(one), one.unpacked):
                    left -= LINE
                    if isinstance(found, Statements):
                        now[found.id] = [each.text for each in found.entries]
                        left -= sum(map(len, now[found.id]))
                    if left < 0:
                        return False
            name, _, come = compare.changed(before, came.get, made.__setitem__, now)
        except (FormatError, NetworkError):
            return False
        if name != top.tree:
            return False
        came.objects |= made
        came.come |= come.keys()
        if before is not None:
            came.dropped |= _names(before, came.get) - _names(name, came._of_both)
        return True

    def _delta(self, one: Delta) -> bytes:
        self._asked += 1
        raw = self._ask(objects.name(one.id), one.size)
        if len(raw) != one.size or Identifier.of_bytes(raw) != one.id:
            raise FormatError("a delta has other bytes than its root says")
        return raw

    # --- trees -----------------------------------------------------------------------------------

    def _compare(self, kind: Kind, new: str, old: str | None, get: Get) -> Comparison:
        """All of a comparison (F2, F4)."""
        comparison = Comparison(kind, new, old, get)
        asked: dict[Future[bytes], str] = {}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            try:
                while True:
                    for name in comparison.wanted(2 * AT_ONCE - len(asked)):
                        asked[threads.submit(self._object, name)] = name
                        self._asked += 1
                    if not asked:
                        return comparison
                    for one in wait(asked, return_when=FIRST_COMPLETED).done:
                        raw = one.result()
                        self._take(len(raw))
                        comparison.take(asked.pop(one), raw)
            finally:
                threads.shutdown(cancel_futures=True)

    def _object(self, name: str) -> bytes:
        return self._ask(objects.name(objects.identifier(name)), limits.OBJECT)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise NetworkError("its objects are larger than what is taken", reason="too-large")


def _names(top: str, get: Get) -> set[str]:
    """The names of all objects of a tree that was read before."""
    found = {top}
    raw = get(top)
    if tree.is_node(raw):
        for child in _children(raw):
            found |= _names(child, get)
    return found


def _children(raw: bytes) -> Iterable[str]:
    from sig.model import strict

    names: dict[str, str] = strict.read(raw)["node"]
    return names.values()
