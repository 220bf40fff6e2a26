"""The own sparse tree: what every signed write makes of it, once one was published.

O1  Objects, root and repo.json are of one commit; repo.json names the root, and the root the past.
O2  Only what changed is written. What is damaged or missing is no reason to stop: then all of the
    tree is made anew, and is the same.
O3  The root names the step of its own publish and runs (docs/spec/tree §5): no hole from 0 on.
    A delta that would be above a limit is left out; followers compare trees then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sig.errors import FormatError, StoreError
from sig.model import branches, delta, limits, root, strict, tree, wire
from sig.model.attestation import UnverifiedAttestation
from sig.model.delta import Statements
from sig.model.fingerprint import Fingerprint
from sig.model.root import Delta, UnverifiedRoot
from sig.model.tree import Kind
from sig.repo import layout, objects

if TYPE_CHECKING:
    from pathlib import Path

    from sig.repo.home import Home
    from sig.verbs.signer import Signer
    from sig.verbs.workspace import Workspace

# So many bytes more are not worth another entry in the root.
SLACK = 16 * limits.KIB

Texts = Mapping[str, frozenset[bytes]]
"""The envelopes of a repository in canonical form, by id."""


class Damaged(StoreError):
    """An object of the own tree is missing, or has other bytes. All of it can be made anew."""


def texts_of(statements: Iterable[UnverifiedAttestation]) -> Texts:
    """The envelopes of these statements by their ids."""
    found: dict[str, set[bytes]] = {}
    for one in statements:
        text = wire.envelope(one.key, one.signed, one.sig, one.tst)
        found.setdefault(one.statement.id, set()).add(text)
    return {id: frozenset(texts) for id, texts in found.items()}


def current(home: Home) -> UnverifiedRoot | None:
    """The own root; None before the first tree, or where it does not read: one is made anew."""
    raw = home.read(layout.ROOT, limits.ROOT)
    if raw is None:
        return None
    try:
        return root.read(raw)
    except FormatError:
        return None


def get(home: Home, name: str) -> bytes:
    """An object of the own tree. Raises FormatError where it is missing or damaged."""
    raw = objects.read(home, objects.identifier(name))
    if raw is None:
        raise FormatError(f"the object {name} is missing or damaged")
    return raw


def published(workspace: Workspace, place: Path | None) -> Iterator[tuple[str, bytes]]:
    """The objects of the own tree below the published folder, each after what it names.

    `place` is a folder that had all objects of an earlier state: what is there is not given, nor is
    what it names. Raises Damaged.
    """
    top = current(workspace.home)
    if top is None:
        return
    kinds: list[tuple[str, Kind | None]] = [(top.tree, Kind.STATEMENTS), (top.keys, Kind.KEYS)]
    kinds += [(one.name, None) for one in top.deltas]
    for name, kind in kinds:
        yield from _below(workspace.home, place, name, kind)


def _below(
    home: Home, place: Path | None, name: str, kind: Kind | None
) -> Iterator[tuple[str, bytes]]:
    path = objects.name(objects.identifier(name))
    if place is not None and (place / path).is_file():
        return
    try:
        raw = get(home, name)
    except FormatError as error:
        raise Damaged(error.message, hint="sig doctor") from error
    if kind is not None and tree.is_node(raw):
        for child in strict.read(raw)["node"].values():
            yield from _below(home, place, child, kind)
    elif kind is Kind.KEYS:
        for entry in strict.read(raw)["leaf"]:
            yield from _below(home, place, entry["cert"], None)
    yield path, raw


def next_root(
    workspace: Workspace,
    signer: Signer,
    statements: Sequence[UnverifiedAttestation],
    *,
    sequence: int,
    states: Mapping[int, str],
    anew: bool = False,
) -> tuple[str, dict[str, bytes | None]]:
    """The digest of the next root, and its files; with `anew` all of them. Raises StoreError."""
    from sig.verbs.own import repository

    old, before = current(workspace.home), repository(workspace)
    if anew or old is None or before is None or before.root != old.digest:
        old, before = None, None  # of two states: nothing follows from them
    known = {} if before is None else texts_of(before.attestations)
    return _Planting(workspace, signer, texts_of(statements), old, known, sequence).files(states)


class _Planting:
    """The next tree."""

    def __init__(
        self,
        workspace: Workspace,
        signer: Signer,
        now: Texts,
        old: UnverifiedRoot | None,
        before: Texts,
        sequence: int,
    ) -> None:
        self._home = workspace.home
        self._signer = signer
        self._now = now
        self._old = old
        self._before = before
        self._sequence = sequence
        ids = now.keys() | before.keys()
        self._changed = sorted(id for id in ids if now.get(id) != before.get(id))
        self._made: dict[str, bytes] = {}
        self._written: dict[str, bytes] = {}  # deltas, some of which are joined and not named

    def files(self, states: Mapping[int, str]) -> tuple[str, dict[str, bytes | None]]:
        topmost = self._tree()
        certificate = self._put(self._signer.certificate.raw)
        keys = branches.build(tree.holder(self._signer.key, certificate), self._put_named)
        renewed = self._old is None or keys != self._old.keys
        signed = root.data(
            sequence=self._sequence,
            previous=layout.past(self._sequence, states),
            count=sum(map(len, self._now.values())),
            tree=topmost,
            keys=keys,
            deltas=self._deltas([self._signer.key] if renewed else []),
        )
        raw = wire.envelope(self._signer.key, signed, self._signer.sign(signed))
        found: dict[str, bytes | None] = {}
        for name, made in self._made.items():
            place = objects.own(objects.identifier(name))
            if self._old is None or self._home.length(place) != len(made):
                found[place] = made
        return strict.digest(signed), found | {layout.ROOT: raw}

    def _put(self, raw: bytes) -> str:
        name = tree.object_name(raw)
        self._made[name] = raw
        return name

    def _put_named(self, name: str, raw: bytes) -> None:
        self._made[name] = raw

    # --- the tree --------------------------------------------------------------------------------

    def _tree(self) -> str:
        if self._old is not None:
            try:
                return branches.update(
                    self._old.tree,
                    lambda name: get(self._home, name),
                    self._put_named,
                    Kind.STATEMENTS,
                    gone=_entries(self._before, self._changed),
                    come=_entries(self._now, self._changed),
                )
            except FormatError:  # O2
                self._made.clear()
        return branches.build(_entries(self._now, self._now), self._put_named)

    # --- deltas ----------------------------------------------------------------------------------

    def _deltas(self, keys: Sequence[Fingerprint]) -> list[Delta]:
        """O3."""
        here = list(self._old.deltas) if self._old is not None else []
        here = [one for one in here if self._home.length(objects.own(one.id)) == one.size]
        start = self._old.sequence if self._old is not None else 0
        if self._sequence == start:
            raise AssertionError("a sequence is used once")
        here += self._delta(start, self._changed, keys)
        wanted = set(root.runs(self._sequence))
        for first, last in sorted(wanted, key=lambda run: run[0] - run[1], reverse=True):
            if last == self._sequence and (first, last) not in {one[:2] for one in here}:
                pieces = root.chain([one for one in here if one.start >= first], first, last)
                if pieces is not None and pieces[0].start == first:
                    here += self._joined(first, pieces)
        step = [one for one in here if one[:2] == (start, self._sequence)]
        named = [one for one in here if one[:2] in wanted]
        through = root.chain([*named, *step], 0, self._sequence)
        if through is None:  # a run that is not there yet, for it began before the tree
            through = root.chain(here, 0, self._sequence) or ()
        found = {*named, *step, *through}
        for one in here:
            # The first run may hold a million statements; who is near must not need it.
            best = root.chain(here, one.start, self._sequence)
            kept = root.chain(list(found), one.start, self._sequence)
            if one not in found and best is not None and _heavy(kept, best):
                found |= set(best)
        for one in found:
            if one.name in self._written:
                self._made[one.name] = self._written[one.name]
        return list(found)

    def _joined(self, first: int, pieces: Sequence[Delta]) -> list[Delta]:
        """The run from `first` on, of deltas that lead from there up to now."""
        ids: set[str] = set()
        keys: set[Fingerprint] = set()
        try:
            for piece in pieces:
                for found in self._lines(piece):
                    if isinstance(found, Statements):
                        ids.add(found.id)
                    else:
                        keys.add(found.key)
        except FormatError:
            return []
        return self._delta(first, sorted(ids), sorted(keys))

    def _lines(self, piece: Delta) -> Iterator[delta.Certificate | Statements]:
        raw = self._written.get(piece.name) or get(self._home, piece.name)
        return delta.read(raw, piece.unpacked)

    def _delta(self, first: int, ids: Sequence[str], keys: Sequence[Fingerprint]) -> list[Delta]:
        """What is said now about these, as the delta from `first` on; none above a limit."""
        mine = self._signer.certificate
        try:
            raw, unpacked = delta.write(
                {id: self._now.get(id, frozenset()) for id in ids},
                {key: mine.raw if key == mine.fingerprint else b"" for key in keys},
            )
        except FormatError:
            return []
        name = tree.object_name(raw)
        self._written[name] = raw
        return [Delta(first, self._sequence, objects.identifier(name), len(raw), unpacked)]


def _heavy(kept: Sequence[Delta] | None, best: Sequence[Delta]) -> bool:
    """Whether the deltas that are kept cost a follower much more than those that there are."""
    if kept is None:
        return True
    size = sum(one.size for one in best)
    return sum(one.size for one in kept) > 2 * size + SLACK


def _entries(texts: Texts, ids: Iterable[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for id in ids:
        found |= tree.envelopes(id, texts.get(id, ()))
    return found
