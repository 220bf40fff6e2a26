"""The view follows the folder: which rows are in it, and when it is written (docs/spec/view).

1  In it are the statements of keys that `config` trusts, all that claim to be one, and of nobody
   else: a stranger costs it nothing, and tells a reader nothing. Besides it says where to look: at
   which files somebody who counts said that they are not ok, and which lists name a distribution.
2  It is written after every commit, when the index is. What changed goes into its tail, unless who
   counts changed too, the tail is full, or the view before was not of the state before. Only in the
   last case is a list of files read that the commit did not write.
3  Where it cannot be written the change stands, and a note says so. The view of before names an
   earlier commit then: who reads it can tell.
4  What lies in small files anyway is not copied into it, but named by digest: the configuration and
   the certificates. The policy of the machine is not the folder's, and a reader looks at it itself.
   How long the large ones are says whether some were put back from a backup.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from sig.errors import FormatError, StoreError
from sig.gpg.keys import file_name
from sig.model import wire
from sig.model.wheel import metadata
from sig.repo import layout, objects, remotes, view
from sig.repo.index import IndexStale, row_line
from sig.repo.journal import GENERATION
from sig.repo.view import Followed, Head

if TYPE_CHECKING:
    from sig.model.fingerprint import Fingerprint
    from sig.model.identifier import Identifier
    from sig.verbs.workspace import Workspace

# A tail that is rewritten with every statement costs little up to so many bytes; beside a large
# base, which costs more to be written anew, it may have more.
TAIL = 32 * 1024
TAIL_MOST = 256 * 1024
TAIL_SHARE = 256  # this part of the base
# Identifiers that are looked up for the tail: where more changed, all is written anew.
CHANGED_MOST = 512

_FILED = re.compile(rb"[ -~]+\t")
# Canonical text: in a string each quote has a backslash before it. Where it stands deeper within
# the statement the file is looked at in vain.
_NOT_OK = b'"ok": false'
_BYTES = re.compile(r"sha256:[0-9a-f]{64}")


class News:
    """Under what the rows of those who count changed, as far as that is `known`; and of which of
    these identifiers one came or went that says that it is not ok.
    """

    def __init__(self, counts: Collection[Fingerprint]) -> None:
        self._counts = counts
        self.ids: set[str] = set()
        self.not_ok: set[str] = set()
        self.known = True

    def watch(self, line: bytes) -> None:
        """A row that came or went, as the index has it."""
        if _belongs(line, self._counts):
            filed = _filed(line)
            self.ids.add(filed)
            if _NOT_OK in line and _BYTES.fullmatch(filed):
                self.not_ok.add(filed)


def _belongs(line: bytes, counts: Collection[str]) -> bool:
    """Rule 1. What is filed under other characters can be asked for by nobody."""
    return _FILED.match(line) is not None and (wire.claimed_key(_pointed(line)) in counts)


def follow(workspace: Workspace, before: str, written: Collection[str], news: News) -> None:
    """Bring the view up to a commit (rules 2 and 3).

    `before` is the commit before it, `written` are the files that it changed, and `news` is what
    that did to the rows.
    """
    try:
        _follow(workspace, before, written, news)
    except StoreError as error:
        workspace.note(f"the view could not follow: {error.message}")
        workspace.note("hint: sig doctor --fix")


def _follow(workspace: Workspace, before: str, written: Collection[str], news: News) -> None:
    try:
        old = _head(workspace)
    except FormatError:
        old = None
    if old is None or old.commit != before:
        make_anew(workspace)
        return
    try:
        if not _grown(workspace, old, written, news):
            make_anew(workspace, _all_lists_since(workspace, old, written))
    except FormatError:  # the base is damaged
        make_anew(workspace)


def _grown(workspace: Workspace, old: Head, written: Collection[str], news: News) -> bool:
    """Put what changed into the tail; False where that has no room for it, or it is not known.

    Raises FormatError, StoreError.
    """
    if not news.known or len(news.ids) > CHANGED_MOST:
        return False
    head = _made(workspace, old, written)
    if head.counts.keys() != old.counts.keys():
        return False
    changed = _rows(workspace, head, news.ids)
    changed |= _against_since(workspace, old, {id: changed[id] for id in news.not_ok})
    tail = {**old.tail, **changed, **_lists_since(workspace, old, written)}
    room = TAIL
    if old.base is not None:
        root = old.base.root
        room = min(max(TAIL, (root.offset + root.length) // TAIL_SHARE), TAIL_MOST)
    if sum(len(line) for lines in tail.values() for line in lines) > room:
        return False
    head = head._replace(base=old.base, tail=tail)
    if head != old:
        workspace.home.put(view.NAME, [view.write(head)])
    return True


def make_anew(workspace: Workspace, lists: Iterable[bytes] | None = None) -> None:
    """Write the view from the index, or from the files where there is none. Raises StoreError.

    `lists` are the rows of lists of files; without them all objects are read. Where nothing was
    ever committed there is no view.
    """
    home = workspace.home
    if not home.last_commit():
        if home.stat("version") is None:
            return
        home.put(GENERATION, [os.urandom(8).hex().encode("ascii")])  # it was lost
    head = _made(workspace)
    lines = _lines(workspace, head.counts)
    lines += [*_against(lines), *(_lists(workspace) if lists is None else lists)]
    lines.sort()
    if lines:
        name = view.BASE + os.urandom(8).hex()
        made: list[tuple[int, view.Block]] = []

        def blocks() -> Iterator[bytes]:
            made.append((yield from view.blocks(lines)))

        home.put(name, blocks())
        head = head._replace(base=view.Base(name, *made[0]))
    home.put(view.NAME, [view.write(head)])
    home.drop(view.BASE, None if head.base is None else head.base.name)


def _head(workspace: Workspace) -> Head | None:
    """The head that is there. Raises FormatError, StoreError."""
    raw = workspace.home.read(view.NAME, view.HEAD_BYTES)
    return None if raw is None else view.read(raw)


def _made(workspace: Workspace, old: Head | None = None, written: Collection[str] = ()) -> Head:
    """The head for what the folder holds now, but for the rows.

    What `old` says of files that were not `written` since is taken from there.
    """
    home, config = workspace.home, workspace.config

    def certificate(key: Fingerprint) -> str | None:
        name = f"keys/{file_name(key)}"
        if old is not None and key in old.counts and name not in written:
            return old.counts[key]
        return _digest(workspace, name)

    known = {} if old is None else {one.name: one for one in old.remotes}
    followed = []
    for name, url in sorted((remote.name, remote.url) for remote in config.remotes):
        state = layout.remote_state(name)
        if name not in known or state in written:
            found = remotes.read(home.read(state), url)
            known[name] = Followed(name, found.key, found.sequence, found.expires)
        followed.append(known[name])
    own = None
    if config.key is not None and config.key not in config.trust:
        own = config.key, certificate(config.key)
    sources = {}
    for source, name in workspace.source_files().items():
        length = None if old is None else old.sources.get(source)
        if length is None or name in written:
            length = home.length(name)
        if length is not None:
            sources[source] = length
    return Head(
        commit=home.last_commit(),
        config=_digest(workspace, layout.CONFIG),
        counts={key: certificate(key) for key in sorted(config.trust)},
        own=own,
        remotes=tuple(followed),
        sources=sources,
    )


def _digest(workspace: Workspace, name: str) -> str | None:
    raw = workspace.home.read(name)
    return None if raw is None else hashlib.sha256(raw).hexdigest()


def _rows(workspace: Workspace, head: Head, ids: Iterable[str]) -> dict[str, list[bytes]]:
    """What is filed under these now, of those who count."""
    asked = sorted(ids)
    rows = workspace.rows(asked)
    found = {}
    for filed in asked:
        lines = map(row_line, rows.get(filed, ()))
        found[filed] = [line for line in lines if _belongs(line, head.counts)]
    return found


def _lines(workspace: Workspace, counts: Collection[str]) -> list[bytes]:
    """Those of all rows of who counts; of a stranger's there may be many more than fit in here."""
    try:
        lines = workspace.index.lines(workspace.stamps())
        return [line for line in lines if _belongs(line, counts)]
    except IndexStale:
        from sig.verbs.ledger import all_rows

        rows = (row for listed in all_rows(workspace).values() for row in listed)
        return [line for line in map(row_line, rows) if _belongs(line, counts)]


# --- where to look -------------------------------------------------------------------------------


def _against(lines: Iterable[bytes]) -> set[bytes]:
    """The rows that say of which of these files somebody says that they are not ok."""
    found = {_filed(line) for line in lines if _NOT_OK in line}
    return {view.pointer(view.against(id), id) for id in found if _BYTES.fullmatch(id)}


def _against_since(
    workspace: Workspace, old: Head, changed: Mapping[str, list[bytes]]
) -> dict[str, list[bytes]]:
    """The same of the identifiers with these first digits, where the rows of some are these now."""
    filed = {view.against(id) for id in changed}
    rows = view.lookup(old, sorted(filed), reader(workspace))
    before = {each: set(map(row_line, listed)) for each, listed in rows.items()}
    after = {each: set(lines) for each, lines in before.items()}
    for id, lines in changed.items():
        at = after[view.against(id)]
        at.discard(view.pointer(view.against(id), id))
        at |= _against(lines)
    return {each: sorted(after[each]) for each in filed if after[each] != before[each]}


def _lists(workspace: Workspace, ids: Iterable[Identifier] | None = None) -> set[bytes]:
    """The rows of these lists of files, of all in the folder without any, that name METADATA."""
    found = set()
    for id, raw in objects.lists(workspace.home, ids):
        digests = metadata(raw)
        if digests:
            found.add(view.pointer(view.alike(digests), id))
    return found


def _lists_since(
    workspace: Workspace, old: Head, written: Collection[str]
) -> dict[str, list[bytes]]:
    """What is filed by METADATA now, as far as this commit changed it."""
    ids = objects.named(written)
    if not ids:
        return {}
    came = _lists(workspace, ids)
    gone = {id.encode() for id in ids if not objects.has(workspace.home, id)}
    read = reader(workspace)
    before: dict[str, set[bytes]] = {}
    if gone:  # nobody knows any more under what
        held: Iterable[bytes] = view.rows(old, read, view.LIST)
    else:
        rows = view.lookup(old, sorted(map(_filed, came)), read)
        held = (row_line(row) for listed in rows.values() for row in listed)
    for line in held:
        before.setdefault(_filed(line), set()).add(line)
    after = {
        each: {line for line in lines if _pointed(line) not in gone}
        for each, lines in before.items()
    }
    for line in came:
        after.setdefault(_filed(line), set()).add(line)
    return {
        each: sorted(lines) for each, lines in after.items() if lines != before.get(each, set())
    }


def _all_lists_since(workspace: Workspace, old: Head, written: Collection[str]) -> set[bytes]:
    """The rows of all lists, those that the commit did not write as they were before it."""
    ids = objects.named(written)
    known = {id.encode() for id in ids}
    kept = view.rows(old, reader(workspace), view.LIST)
    return {line for line in kept if _pointed(line) not in known} | _lists(workspace, ids)


def _filed(line: bytes) -> str:
    return line[: line.index(b"\t")].decode("ascii")


def _pointed(line: bytes) -> bytes:
    return line[line.rindex(b"\t") + 1 :]


# --- is it right? --------------------------------------------------------------------------------


def check(workspace: Workspace, lines: Iterable[bytes]) -> str | None:
    """What is wrong with the view, after reading all of it; None if nothing is.

    `lines` are those of all rows of the folder. Raises StoreError.
    """
    try:
        head = _head(workspace)
        if head is None:
            return "there is no view"
        if head._replace(base=None, tail={}) != _made(workspace):
            return "the view is of another state than the folder"
        expected = {line for line in lines if _belongs(line, head.counts)}
        expected |= _against(expected) | _lists(workspace)
        if sorted(view.rows(head, reader(workspace))) != sorted(expected):
            return "the view does not match the files"
    except view.Newer:
        return "the view was written by another version of sig"
    except FormatError as error:
        return f"the view cannot be used: {error.message}"
    return None


def reader(workspace: Workspace) -> view.Read:
    """What reads blocks of the base. Raises StoreError; FormatError where there is no such file."""

    def read(base: view.Base, block: view.Block) -> bytes:
        raw = workspace.home.part(base.name, block.offset, block.length)
        if raw is None:
            raise FormatError(f"{base.name} is missing")
        return raw

    return read
