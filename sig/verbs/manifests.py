"""The manifests that statements name: which are wanted, and how they come and go.

N1  Fetched are those that statements of trusted keys name whose signature holds, from the remote
    that serves the statement, once; others could fill a disk. So many at once, for so long.
N2  What comes must have the digest that is its name, and be a manifest in its one form.
N3  That one cannot be had is told and changes no verdict: the statement counts without.
N4  Own manifests lie where they are published, before the statement that names them.
N5  Where a manifest is a closure, the lists of its roots go the same ways: without them nobody can
    tell what it covers.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from queue import Empty, Queue, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, NetworkError
from sig.model import closure, limits, manifest
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier, filed_by_manifest
from sig.repo import layout, objects
from sig.verbs.downloading import Got

if TYPE_CHECKING:
    from sig.model.configuration import Remote
    from sig.repo.index import Row
    from sig.repo.transport import Transport
    from sig.verbs.ledger import Line
    from sig.verbs.workspace import Workspace

AT_ONCE = 8
SECONDS = 300.0
# Of one remote in one fetch; the rest comes with the next.
MOST = 1000
# So many claims of one remote are looked into.
CLAIMS = 10_000
# What is held in memory before it is kept.
HELD = 64 << 20

Named = tuple[Fingerprint, Identifier, bool]
"""Whose statement names which manifest, and whether that is said to be a closure."""


class Came(NamedTuple):
    """One manifest that was asked for, and why it could not be had."""

    remote: str
    id: Identifier
    got: Got
    why: str = ""


# --- which are named -----------------------------------------------------------------------------


def named_file(lines: Iterable[Line]) -> bytes | None:
    """The text of `layout.remote_manifests`; None where no statement names one."""
    found = sorted(
        {
            f"{one.key} {one.manifest}{' closure' if one.closure else ''}\n"
            for one in lines
            if one.manifest is not None
        }
    )
    return "".join(found).encode("ascii") or None


def _named(raw: bytes | None) -> list[Named]:
    """The meaning of that file. What does not read is not wanted; the next fetch writes it anew."""
    found: list[Named] = []
    for line in (raw or b"").decode("ascii", "replace").splitlines():
        try:
            key, id, *more = line.split(" ", 2)
            found.append((Fingerprint(key), Identifier(id), more == ["closure"]))
        except ValueError:
            continue
    return [one for one in found if one[1].names_bytes]


def wanted(workspace: Workspace, remote: str, roots: bool = False) -> list[Identifier]:
    """What the folder lacks of what statements of trusted keys in a remote name (N1).

    With `roots` only the lists of the roots of closures that are here (N5).
    """
    trusted = workspace.config.trust
    raw = workspace.home.read(layout.remote_manifests(remote), limits.REPOSITORY)
    claimed: dict[Identifier, set[Fingerprint]] = {}
    closures = set()
    for key, id, is_closure in _named(raw):
        if key in trusted:
            claimed.setdefault(id, set()).add(key)
            if is_closure:
                closures.add(id)
    missing: dict[Identifier, list[Identifier]] = {}
    for id in sorted(closures if roots else claimed):
        lacking = _lacking(workspace, id, id in closures)
        if lacking and (lacking != [id] or not roots):
            missing[id] = lacking
        if len(missing) == CLAIMS:
            break
    if not missing:
        return []
    rows = workspace.rows([*missing, *map(filed_by_manifest, missing)])
    found: dict[Identifier, None] = {}
    for id, lacking in missing.items():
        if _is_named(workspace, rows, id, claimed[id]):
            found.update(dict.fromkeys(lacking))
    return list(found)


def _lacking(workspace: Workspace, id: Identifier, is_closure: bool) -> list[Identifier]:
    """Of a manifest and, if it is a closure, the lists of its roots: those that are not here.

    What a program needs to be run is read: a damaged one comes again.
    """
    if not is_closure:
        return [] if objects.has(workspace.home, id) else [id]
    raw = objects.read(workspace.home, id)
    if raw is None:
        return [id]
    return [root for root in roots_of(raw) if objects.read(workspace.home, root) is None]


def roots_of(raw: bytes | None) -> list[Identifier]:
    """The lists that a closure names (N5); none where this is something else."""
    # Sorted by path: a closure starts with one of these, and most lists of files do not.
    if raw is None or not raw[64:].startswith((b"  app\n", b"  dist/", b"  editable/")):
        return []
    try:
        return list(closure.read(raw).roots.values())
    except FormatError:
        return []


def _is_named(
    workspace: Workspace, rows: Mapping[str, list[Row]], id: Identifier, keys: set[Fingerprint]
) -> bool:
    """Whether one of these keys really said so: anyone can write that one did."""
    for row in (*rows.get(id, ()), *rows.get(filed_by_manifest(id), ())):
        if any(key.encode() in row.text for key in keys):
            (one,) = workspace.weigh([row])
            said = one.attestation
            if said is not None and said.key in keys and said.statement.manifest == id:
                return True
    return False


# --- fetching ------------------------------------------------------------------------------------


def fetch(
    workspace: Workspace,
    remotes: Sequence[Remote],
    progress: Callable[[str, int, int | None], None] | None = None,
) -> list[Came]:
    """Get what is wanted of these remotes and keep it. Raises StoreError."""
    came = _fetched(workspace, remotes, progress)
    if any(one.got.outcome == "done" for one in came):
        tried = {one.id for one in came}
        more = _fetched(workspace, remotes, progress, roots=True, but=tried)
        came += more
    return came


def _fetched(
    workspace: Workspace,
    remotes: Sequence[Remote],
    progress: Callable[[str, int, int | None], None] | None,
    roots: bool = False,
    but: AbstractSet[Identifier] = frozenset(),
) -> list[Came]:
    asked: list[tuple[Remote, Identifier]] = []
    for remote in remotes:
        ids = workspace.consistent(partial(wanted, workspace, remote.name, roots))
        ids = [id for id in ids if id not in but]
        # Not always the same first: those that are missing there must not keep others away.
        random.shuffle(ids)
        asked += [(remote, id) for id in ids[:MOST]]
    if not asked:
        return []
    came: list[Came] = []
    bodies: dict[Identifier, bytes] = {}
    for one, raw in _got(workspace.transport(), asked, progress):
        came.append(one)
        if raw is not None:
            bodies[one.id] = raw
        if sum(map(len, bodies.values())) > HELD:
            _keep(workspace, bodies)
            bodies = {}
    _keep(workspace, bodies)
    if len(came) < len(asked):
        workspace.note(f"{len(asked) - len(came)} lists of files are left for the next fetch")
    order = {remote.name: number for number, remote in enumerate(remotes)}
    return sorted(came, key=lambda one: (order[one.remote], one.id))


def _got(
    transport: Transport,
    asked: Sequence[tuple[Remote, Identifier]],
    progress: Callable[[str, int, int | None], None] | None,
) -> Iterator[tuple[Came, bytes | None]]:
    """What came of each, as it comes; no more once it has taken `SECONDS`.

    Threads that nobody waits for: a server that drips must keep neither others nor the end waiting.
    """
    left: SimpleQueue[tuple[Remote, Identifier]] = SimpleQueue()
    for one in asked:
        left.put(one)
    answers: Queue[tuple[Came, bytes | None]] = Queue(AT_ONCE)

    def work() -> None:
        while True:
            try:
                remote, id = left.get_nowait()
            except Empty:
                return
            answers.put(_get(transport, remote, progress, id))

    for _ in range(min(AT_ONCE, len(asked))):
        threading.Thread(target=work, daemon=True).start()
    end = time.monotonic() + SECONDS
    for _ in asked:
        try:
            yield answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            return


def _get(
    transport: Transport,
    remote: Remote,
    progress: Callable[[str, int, int | None], None] | None,
    id: Identifier,
) -> tuple[Came, bytes | None]:
    url = remote.url + objects.name(id)
    try:
        watch = None if progress is None else partial(progress, url)
        raw = transport.get(url, limit=limits.MANIFEST, progress=watch).body or b""
        if Identifier.of_bytes(raw) != id:
            raise FormatError("it has another digest than its name")
        manifest.read_canonical(raw)
    except (NetworkError, FormatError) as error:
        return Came(remote.name, id, Got(url, "failed"), error.message), None
    return Came(remote.name, id, Got(url, "done")), raw


def _keep(workspace: Workspace, bodies: Mapping[Identifier, bytes]) -> None:
    if bodies:
        with workspace.writing():
            workspace.commit({objects.name(id): raw for id, raw in bodies.items()})


# --- publishing ----------------------------------------------------------------------------------


def published(workspace: Workspace, ids: Iterable[Identifier]) -> dict[str, bytes]:
    """The files of own manifests below the published folder, as far as the folder has them (N4)."""
    found = {}
    waiting = sorted(set(ids))
    while waiting:
        id = waiting.pop()
        if objects.name(id) in found:
            continue
        raw = objects.read(workspace.home, id)
        if raw is not None:
            found[objects.name(id)] = raw
            waiting += roots_of(raw)
    return found
