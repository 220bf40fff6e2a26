"""Who reads a folder by its view alone, as strictly as docs/spec/view says. No word of it is taken
from what writes it, but how a head and a row are taken apart.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sig.errors import FormatError
from sig.gpg import certificate as certificates
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Reason, State, Verdict
from sig.model.wheel import metadata
from sig.repo import objects, view
from sig.repo.index import Row
from sig.verbs.scopes import scoped
from sig.verbs.workspace import Workspace


class CannotTell(Exception):
    """The view is not of this state, or damaged: 114, and `sig doctor`."""


class Viewer(Workspace):
    """A workspace that has no index, no sources, no memory and no list of certificates."""

    head: view.Head | None = None
    pending: Mapping[str, str] = {}

    def _file(self, name: str) -> bytes:
        try:
            return (self.home.path / self.pending.get(name, name)).read_bytes()
        except FileNotFoundError:
            raise CannotTell(f"{name} is missing") from None

    def opened(self) -> None:
        """Read the head; CannotTell where it is not of this state (docs/spec/view §4)."""
        raw = self._file("view")
        try:
            self.head = view.read(raw)
        except FormatError as error:
            raise CannotTell(error.message) from error
        assert view.write(self.head) == raw, "a view has one text"
        place = self.home.path / "pending" / "commit"
        try:
            journal = place.read_text("utf-8")
        except FileNotFoundError:
            last = self._file("generation").decode().split()[0]
        else:
            # It counts, and is not in place: a disk that was full.
            first, *lines = journal.splitlines()
            last = first.split(" ")[1]
            self.pending = {
                name: f"pending/{temporary}"
                for temporary, name in (line.split(" ", 1) for line in lines[:-1])
                if temporary != "-" and (place.parent / temporary).exists()
            }
        if last != self.head.commit:
            raise CannotTell("it is not of this commit")
        there = "config" in self.pending or (self.home.path / "config").exists()
        if there != (self.head.config is not None):
            raise CannotTell("config")
        if there and hashlib.sha256(self._file("config")).hexdigest() != self.head.config:
            raise CannotTell("config")
        names = {"own": "repo/repo.json", "kept": "memory/kept"}
        names |= {
            f"remote:{one.name}": f"remotes/{one.name}/repo.json" for one in self.head.remotes
        }
        places = {
            source: self.home.path / self.pending.get(name, name) for source, name in names.items()
        }
        there = {source: each.stat().st_size for source, each in places.items() if each.exists()}
        if there != self.head.sources:
            raise CannotTell("sources")
        if frozenset(self.head.counts) != self.config.trust:
            raise CannotTell("who counts")

    def certificate(self, key: Fingerprint) -> certificates.Certificate | None:
        """As the head names it."""
        assert self.head is not None
        known = dict(self.head.counts)
        if self.head.own is not None:
            known[self.head.own[0]] = self.head.own[1]
        digest = known.get(key)
        if digest is None:
            return None
        raw = self._file(f"keys/{key}.pgp")
        if hashlib.sha256(raw).hexdigest() != digest:
            raise CannotTell(f"keys/{key}.pgp")
        return certificates.stored(raw)

    def rows(self, ids: Collection[str]) -> Mapping[str, list[Row]]:
        """From the view, a block at a time."""
        assert self.head is not None
        try:
            return view.lookup(self.head, ids, self._block)
        except FormatError as error:
            raise CannotTell(error.message) from error

    def _block(self, base: view.Base, block: view.Block) -> bytes:
        try:
            with open(self.home.path / base.name, "rb") as stream:
                return os.pread(stream.fileno(), block.length, block.offset)
        except FileNotFoundError:
            raise CannotTell(f"{base.name} is missing") from None

    def against(self, ids: Collection[Identifier]) -> set[Identifier]:
        """Those of these that somebody who counts may have something against."""
        filed = {f"against {id[7:9]}" for id in ids}
        found = {Identifier(row.text.decode()) for row in self._pointers(filed)}
        return found.intersection(ids) | set(scoped(self, ids))

    def lists_like(self, text: bytes) -> set[Identifier]:
        """The lists with the same METADATA as this one."""
        digests = metadata(text)
        filed = f"list {hashlib.sha256(digests).hexdigest()}"
        return {Identifier(row.text.decode()) for row in self._pointers([filed] if digests else [])}

    def _pointers(self, filed: Collection[str]) -> Iterator[Row]:
        for row in (row for listed in self.rows(filed).values() for row in listed):
            if row.source == "view":  # nobody else's word
                assert (None, False) == (row.first_met, row.malformed)
                if not row.text.startswith(b"sha256:"):
                    raise ValueError("it names no file")
                yield row

    def _source(self, source: str) -> tuple[tuple[str, ...], bool, bool]:
        assert self.head is not None
        if source == "kept":
            return (), False, True
        ends = {f"remote:{one.name}": one.expires for one in self.head.remotes} | {"own": None}
        end = ends[source]
        return (source.removeprefix("remote:"),), end is not None and end < self.now(), False


def viewed(workspace: Workspace, ids: Iterable[str]) -> dict[str, Verdict]:
    """What the view of this workspace's folder says of these. Raises CannotTell."""
    return {str(id): one for id, one in _opened(workspace).verdicts(_all(ids)).items()}


def _opened(workspace: Workspace) -> Viewer:
    viewer = Viewer(workspace.home.path, now=workspace.now, site=workspace._site)
    viewer.opened()
    return viewer


def _all(ids: Iterable[str]) -> list[Identifier]:
    return sorted(map(Identifier, ids))


def speaks_against(workspace: Workspace, ids: Iterable[str]) -> set[str]:
    """At which of these the view says to look. Raises CannotTell."""
    return {str(id) for id in _opened(workspace).against(_all(ids))}


def lists_like(workspace: Workspace, text: bytes) -> set[str]:
    """The lists that may be of the same distributions, by the view. Raises CannotTell."""
    return {str(id) for id in _opened(workspace).lists_like(text)}


def agrees(workspace: Workspace, ids: Iterable[str]) -> bool:
    """Whether the view says of these what the whole folder says, but for strangers; False where it
    cannot tell. Fails where it says something else.
    """
    asked = _all(ids)
    try:
        seen = viewed(workspace, asked)
    except CannotTell:
        return False
    trusted = workspace.config.trust
    for id, whole in workspace.verdicts(asked).items():
        told = seen[id]
        lines = tuple(line for line in whole.statements if line.key in trusted)
        assert lines == told.statements, id
        if not lines:
            assert (Answer.UNKNOWN, Reason.NO_STATEMENT) == told[1:3], id
            assert whole.answer in (Answer.UNKNOWN, Answer.UNVERIFIED), id
        elif any(line.state not in _UNPROVED for line in lines):
            assert whole._replace(statements=lines) == told, id
        else:
            # Nobody who counts spoke: somebody claimed to be one. Strangers give other reasons.
            assert whole.answer is told.answer is Answer.UNVERIFIED, id
    _looks_where_needed(workspace, asked, seen)
    return True


def _looks_where_needed(
    workspace: Workspace, asked: list[Identifier], seen: Mapping[str, Verdict]
) -> None:
    """Nothing bad is passed over; of what is looked at somebody spoke; all lists are found."""
    against = _opened(workspace).against(asked)
    assert {id for id in asked if seen[id].answer is Answer.BAD} <= against
    said = {id for id in asked if any(line.ok is False for line in seen[id].statements)}
    assert said <= against
    assert all(seen[id].statements for id in against)
    lists = {id: objects.read(workspace.home, id) or b"" for id in objects.ids(workspace.home)}
    for text in lists.values():
        alike = {id for id, other in lists.items() if metadata(text) == metadata(other) != b""}
        assert alike == lists_like(workspace, text)


_UNPROVED = (State.UNKNOWN_KEY, State.INVALID, State.WEAK)


def every_id(workspace: Workspace) -> set[Any]:
    """The identifiers of files that anything in the folder is about."""
    from sig.verbs.ledger import all_rows

    return {id for id in all_rows(workspace) if id.startswith("sha256:") and len(id) == 71}
