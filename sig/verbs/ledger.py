"""Files and their index: how a change of files becomes rows, and how rows come without an index.

1  Statements are first met when the file that brings them is committed, by this clock.
2  More than 10 000 statements of one source about one id are cut; words of keys that count never.
3  The index is told after the files are safe. If it cannot follow, verdicts come from the files.
4  Then the view is told (`viewing`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import SignatureError, StoreError
from sig.model import limits, wire
from sig.model.attestation import Malformed
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.stream import Entry
from sig.repo import layout, memory
from sig.repo.index import Index, IndexStale, Row
from sig.verbs.workspace import attest

if TYPE_CHECKING:
    from sig.repo.mirror import Read
    from sig.verbs.workspace import Workspace


CROWD = 64
MET_MOST = 500_000
# What says nothing is only explained: of a source that is full of it, this much.
MALFORMED_MOST = 10_000


class Line(NamedTuple):
    """A row before its source and its first-met time are known. `met` is None if malformed.

    `manifest` is what the statement names, in one line of it, and `closure` whether that is said
    to be all that a program may load.
    """

    id: str
    text: bytes
    met: str | None
    key: str
    manifest: Identifier | None = None
    closure: bool = False


def lines(entries: Iterable[Entry]) -> list[Line]:
    """What the index keeps of statements as they were read."""
    found = []
    malformed = 0
    for id, text, one in entries:
        if not isinstance(one, Malformed):
            name = memory.met_key(one)
            said = one.statement
            app = any(word.startswith("app:") for word in said.criteria)
            found.append(Line(id, text, name, one.key, said.manifest, app))
            also = wire.also_filed(one.key, said)
            found += [Line(other, text, name, one.key) for other in also]
        elif id and malformed < MALFORMED_MOST:  # without an identifier nobody can ask for it
            malformed += 1
            text = json.dumps({"key": one.key, "why": one.why}).encode("ascii")
            found.append(Line(id, text, None, one.key or ""))
    return found


def _bounded(
    workspace: Workspace, found: list[Line], also: Collection[Fingerprint] = ()
) -> list[Line]:
    """Rule 2: a flood must not fill the index, nor hide a word that counts. `also` counts too."""
    trusted = workspace.config.trust.union(also)
    room: dict[str, int] = {}
    kept = []
    for line in _crowds_thinned(workspace, found):
        left = room.get(line.id, limits.STATEMENTS_PER_IDENTIFIER)
        if left > 0 or (line.key in trusted and line.met is not None):
            room[line.id] = left - 1
            kept.append(line)
    return kept


def _crowds_thinned(workspace: Workspace, found: list[Line]) -> list[Line]:
    """Where many lines claim to be of one key, each word of it once, and CROWD more.

    Anyone can claim a key, and write the unhashed part of its signatures in as many ways as there
    are bytes; each would be verified again at every verdict.
    """
    claims = Counter((line.id, line.key) for line in found if line.met is not None)
    crowds = {claim for claim, number in claims.items() if number > CROWD}
    if not crowds:
        return found
    kept: list[Line] = []
    proved: dict[tuple[str, bytes, int], Line] = {}
    room: dict[tuple[str, str], int] = {}
    for line in found:
        claim = (line.id, line.key)
        if line.met is None or claim not in crowds:
            kept.append(line)
            continue
        read = wire.read_attestation(line.text)
        certificate = workspace.certificate(read.key)
        if certificate is None:
            kept.append(line)  # any of them may be the word
            continue
        try:
            same = attest(read, certificate).same
        except SignatureError:
            room[claim] = room.get(claim, CROWD) - 1
            if room[claim] >= 0:
                kept.append(line)
            continue
        # The shortest, then the least, is the one (docs/spec/envelope §8).
        before = proved.get(same, line)
        proved[same] = min(before, line, key=lambda one: (len(one.text), one.text))
    return [*kept, *proved.values()]


def met_file(source: str) -> str:
    """Where the first-met times of a source lie."""
    if source.startswith("remote:"):
        return f"remotes/{source.removeprefix('remote:')}/met"
    return memory.MET


def source_lines(source: str, raw: bytes, files: Read) -> list[Line]:
    """The lines of a source's file. Raises StoreError: the file is ours, so this is damage.

    `files` gives other files of the same state of the folder.
    """
    if source == layout.KEPT:
        return lines(
            Entry(one.statement.id, wire.envelope(one.key, one.signed, one.sig, one.tst), one)
            for one in memory.read_kept(raw)
        )
    if source == layout.OWN:
        return layout.read(raw, source, lines)[1]
    from sig.repo import mirror  # no verdict from the index needs it

    return mirror.read(raw, source.removeprefix("remote:"), files, lines)


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
    found = _bounded(workspace, source_lines(source, raw, workspace.home.read), also)
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
    """Commit `changes` and bring the index and the view up to them (rules 1, 3 and 4)."""
    from sig.verbs import viewing

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
    after = home.after(changes)
    for source, name in touched.items():
        raw = changes[name]
        if raw is None:
            continue
        read = read_already[source] if source in read_already else source_lines(source, raw, after)
        found[source] = read
        file = met_file(source)
        if file not in met:
            # A remote that gets another name brings its file with it.
            before = changes[file] if file in changes else home.read(file, memory.MET_BYTES)
            met[file] = memory.read_met(before)
        for line in read:
            if line.met is not None:
                met[file].setdefault(line.met, now)
        if source.startswith("remote:") and len(met[file]) > MET_MOST + 2 * len(read):
            # What was met again later is late at worst; a remote must not fill the disk.
            here = {line.met for line in read}
            met[file] = {name: at for name, at in met[file].items() if name in here}
    for file, times in met.items():
        written[file] = memory.write_met(times)
    counted = workspace.config.trust
    last = home.last_commit()
    home.commit(written)
    workspace.forget()
    stamps = workspace.stamps()
    news = viewing.News(workspace.config.trust)
    rows: dict[str, list[Row]] = {}
    try:
        # Certificates that came with this change are needed, so it is not done before.
        for source, read in found.items():
            if source in stamps:
                rows[source] = _rows(source, _bounded(workspace, read), met[met_file(source)])
        index.replace(
            {source: (stamps[source], listed) for source, listed in rows.items()},
            gone=[source for source, name in touched.items() if changes[name] is None],
            watch=news.watch,
        )
        if index.stamps() != stamps:
            raise IndexStale("of another state")
        if not workspace.config.trust <= counted and any(
            rows >= limits.STATEMENTS_PER_IDENTIFIER for rows in index.counts(stamps).values()
        ):
            raise IndexStale("rule 2 may have cut words of a key that counts now")
    except (IndexStale, StoreError):
        news.known = False
        try:
            rebuild(workspace, index, rows)
        except StoreError as error:  # rule 3: the change itself is safe
            workspace.note(f"the index could not follow: {error.message}")
            workspace.note("hint: sig doctor --fix")
    viewing.follow(workspace, last, written, news)


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
