"""Files and their index: how a change of files becomes rows, and how rows come without an index.

1  Statements are first met when the file that brings them is committed, by this clock.
2  More than 10 000 statements of one source about one id are cut; those of keys that count never.
3  The index is told after the files are safe. If it cannot follow, verdicts come from the files.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import StoreError
from sig.model import wire
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.repo import layout, limits, memory
from sig.repo.index import Index, IndexStale, Row

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


class Line(NamedTuple):
    """A row before its source and its first-met time are known. `met` is None if malformed."""

    id: str
    text: bytes
    met: str | None
    key: str


def lines(
    statements: Iterable[UnverifiedAttestation], skipped: Iterable[Malformed] = ()
) -> list[Line]:
    """What the index keeps of statements as they were read."""
    found = [
        Line(one.statement.id, wire.envelope(one.key, one.signed, one.sig, one.tst), name, one.key)
        for one in statements
        if (name := memory.met_key(one))
    ]
    for bad in skipped:
        if not bad.id:
            continue  # nobody can ask for it
        text = json.dumps({"key": bad.key, "why": bad.why}).encode("ascii")
        found.append(Line(bad.id, text, None, bad.key or ""))
    return found


def _bounded(found: list[Line], trusted: Collection[Fingerprint]) -> list[Line]:
    """Rule 2: a flood of throw-away keys must not fill the index, nor hide a word that counts."""
    room: dict[str, int] = {}
    kept = []
    for line in found:
        left = room.get(line.id, limits.STATEMENTS_PER_IDENTIFIER)
        if left > 0 or line.key in trusted:
            room[line.id] = left - 1
            kept.append(line)
    return kept


def met_file(source: str) -> str:
    """Where the first-met times of a source lie."""
    if source.startswith("remote:"):
        return f"remotes/{source.removeprefix('remote:')}/met"
    return memory.MET


def source_lines(source: str, raw: bytes) -> list[Line]:
    """The lines of a source's file. Raises StoreError: the file is ours, so this is damage."""
    if source == layout.KEPT:
        return lines(memory.read_kept(raw))
    read = layout.repository(raw, source.removeprefix("remote:"))
    return [] if read is None else lines(read.attestations, read.malformed)


def _rows(source: str, found: Iterable[Line], met: Mapping[str, int]) -> list[Row]:
    return [
        Row(
            id=line.id,
            text=line.text,
            source=source,
            first_met=None if line.met is None else met.get(line.met),
            malformed=line.met is None,
        )
        for line in found
    ]


def source_rows(
    workspace: Workspace, source: str, name: str, also: Collection[Fingerprint] = ()
) -> list[Row]:
    """All rows of a source, from its file. Those of `also` are not cut either."""
    raw = workspace.home.read(name, limits.REPOSITORY)
    if raw is None:
        return []
    found = _bounded(source_lines(source, raw), workspace.config.trust.union(also))
    return _rows(
        source, found, memory.read_met(workspace.home.read(met_file(source), memory.MET_BYTES))
    )


def rows_of_files(
    workspace: Workspace, ids: Collection[str] | None, also: Collection[Fingerprint] = ()
) -> dict[str, list[Row]]:
    """The rows of these identifiers (None: of all) without an index: slow, and never wrong."""
    found: dict[str, list[Row]] = {}
    for source, name in workspace.source_files().items():
        for row in source_rows(workspace, source, name, also):
            if ids is None or row.id in ids:
                found.setdefault(row.id, []).append(row)
    return found


def all_rows(workspace: Workspace, also: Collection[Fingerprint] = ()) -> dict[str, list[Row]]:
    """Every statement in the folder, from the files, which are the truth."""
    return rows_of_files(workspace, None, also)


def follow(
    workspace: Workspace,
    index: Index,
    changes: Mapping[str, bytes | None],
    read_already: Mapping[str, list[Line]],
) -> None:
    """Commit `changes` and bring the index up to them (rules 1 and 3)."""
    home = workspace.home
    now = workspace.now()
    files = {name: source for source, name in workspace.source_files().items()}
    for name in changes:
        # A remote that this very change adds to the configuration.
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "remotes" and parts[2] == "repo.json":
            files.setdefault(name, f"remote:{parts[1]}")
    touched = {files[name]: name for name in changes if name in files}
    written = dict(changes)
    found: dict[str, list[Line]] = {}
    met: dict[str, dict[str, int]] = {}
    for source, name in touched.items():
        raw = changes[name]
        if raw is None:
            continue
        read = read_already[source] if source in read_already else source_lines(source, raw)
        found[source] = _bounded(read, workspace.config.trust)
        file = met_file(source)
        if file not in met:
            # A remote that gets another name brings its file with it.
            before = changes[file] if file in changes else home.read(file, memory.MET_BYTES)
            met[file] = memory.read_met(before)
        for line in read:
            if line.met is not None:
                met[file].setdefault(line.met, now)
    for file, times in met.items():
        written[file] = memory.write_met(times)
    counted = workspace.config.trust
    home.commit(written)
    workspace.forget()
    stamps = workspace.stamps()
    rows = {
        source: _rows(source, read, met[met_file(source)])
        for source, read in found.items()
        if source in stamps
    }
    try:
        index.replace(
            {source: (stamps[source], listed) for source, listed in rows.items()},
            gone=[source for source, name in touched.items() if changes[name] is None],
        )
        if index.stamps() != stamps:
            raise IndexStale("of another state")
        if not workspace.config.trust <= counted and any(
            rows >= limits.STATEMENTS_PER_IDENTIFIER for rows in index.counts(stamps).values()
        ):
            raise IndexStale("rule 2 may have cut words of a key that counts now")
    except IndexStale:
        try:
            rebuild(workspace, index, rows)
        except StoreError as error:  # rule 3: the change itself is safe
            workspace.note(f"the index could not follow: {error.message}")
            workspace.note("hint: sig doctor --fix")


def rebuild(
    workspace: Workspace, index: Index, read_already: Mapping[str, list[Row]] | None = None
) -> None:
    """Make the index anew from the files, but for sources whose rows were just read from them."""
    known = read_already or {}
    stamps = workspace.stamps()
    names = workspace.source_files()
    index.rebuild(
        {
            source: (
                stamps[source],
                known[source] if source in known else source_rows(workspace, source, names[source]),
            )
            for source in stamps
        }
    )


def converted(workspace: Workspace) -> dict[str, bytes | None]:
    """What a folder of 2016 needs besides its own files, which are kept as they are.

    Raises GpgError where its keyring cannot be read: half a conversion would lose keys.
    """
    from sig.gpg.keys import file_name
    from sig.repo import remotes
    from sig.verbs.remembering import kept_file

    workspace.old_keybox()
    changes: dict[str, bytes | None] = {
        f"keys/{file_name(key)}": one.raw for key, one in workspace.old_certificates.items()
    }
    for remote in workspace.config.remotes:
        # Whose repository it was is known; the next fetch must not take another's.
        name = layout.remote_repository(remote.name)
        read = layout.repository(workspace.home.read(name, limits.REPOSITORY), name)
        if read is not None:
            state = remotes.Following(url=remote.url, key=read.key, sequence=read.sequence)
            changes[layout.remote_state(remote.name)] = remotes.write(state)
    rows = [row for listed in all_rows(workspace).values() for row in listed]
    found = [one.attestation for one in workspace.weigh(rows) if one.attestation is not None]
    return changes | kept_file(workspace, found)
