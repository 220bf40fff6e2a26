"""Download and check what remotes offer: check first, then commit.

1  Remotes are asked in parallel; one that fails never stops the others.
2  Two conditional requests a remote: repo.json, then key.asc.
3  What is refused changes nothing, but for a certificate's own revocations.
4  What disappears is reported; warnings and withdrawals are remembered before that.
5  A state that is behind the remembered one is ignored; it replaces nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sig.errors import NetworkError, RemoteUnknown, SigError, StoreError, UsageError
from sig.gpg import certificate as certificates
from sig.gpg.keys import file_name
from sig.model import limits
from sig.model.configuration import Remote
from sig.model.fingerprint import Fingerprint
from sig.repo import layout, memory, remotes
from sig.repo.remotes import Following
from sig.repo.transport import Transport, Validators, check_url
from sig.verbs.checking import Checked, Refusal, check, follows
from sig.verbs.processes import Processes, processors

if TYPE_CHECKING:
    from sig.model.identifier import Identifier
    from sig.trust.decide import Weighed
    from sig.verbs.workspace import Workspace

AT_ONCE = 16
# So many seconds a remote lets those wait that come after it.
PATIENCE = 5.0
# Below this many bytes a second process costs more than it saves.
POOL_FROM = 1 << 20
# What is held in memory before it is committed.
BATCH = 16 << 20
AHEAD = 32 << 20


@dataclass(frozen=True, slots=True)
class Got:
    """One request: `outcome` is ``done``, ``unchanged`` or ``failed``."""

    url: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a remote, in the words of ``fetch --json``.

    `imported` is the owner's certificate where it was not known before, as (fingerprint, user
    id). `gone` describes statements that disappeared.
    """

    name: str
    url: str
    key: Fingerprint | None
    sequence: int | None
    fetched_at: int | None
    result: str
    reason: str | None = None
    message: str = ""
    hint: str | None = None
    requests: tuple[Got, ...] = ()
    imported: tuple[Fingerprint, str] | None = None
    refused_statements: int = 0
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Download:
    remote: Remote
    following: Following
    requests: tuple[Got, ...]
    repository: bytes | None = None
    certificate: bytes | None = None
    validators: dict[str, Validators] | None = None
    failure: NetworkError | None = None

    @property
    def size(self) -> int:
        """Bytes that it holds in memory."""
        return len(self.repository or b"") + len(self.certificate or b"")


def chosen(workspace: Workspace, names: Sequence[str]) -> list[Remote]:
    """The remotes of these names, all where none is named. Raises RemoteUnknown."""
    config = workspace.config
    if not names:
        return list(config.remotes)
    found = []
    for name in names:
        remote = config.remote(name)
        if remote is None:
            raise RemoteUnknown(f"there is no remote {name!r}", hint="sig remote list")
        if remote not in found:
            found.append(remote)
    return found


def fetch(
    workspace: Workspace,
    names: Sequence[str] = (),
    report: Callable[[Fetched], None] = lambda fetched: None,
    progress: Callable[[str, int, int | None], None] | None = None,
    *,
    accept: bool = False,
) -> list[Fetched]:
    """Ask these remotes (all where none is named) and take what their owners signed.

    `report` is called once a remote, after what came of it was committed: in order, but for those
    that let the others wait. With `accept`
    the state that is served replaces the remembered one although it does not follow on it; its
    owner's signature is needed all the same. Raises RemoteUnknown, StoreError, NetworkError with
    --offline.
    """
    wanted = workspace.consistent(lambda: chosen(workspace, names))
    found: list[Fetched] = []
    if not wanted:
        return found
    transport = workspace.transport()
    room = _Room(AHEAD)

    def ask(remote: Remote) -> tuple[_Download, Checked | Refusal | None]:
        room.wait()
        download = _download(workspace, transport, remote, progress)
        checked = _checked(workspace, download, processes, len(wanted))
        room.take(download.size)
        return download, checked

    with Processes() as processes, _Threads(min(AT_ONCE, len(wanted))) as threads, room:
        asked = deque(threads.submit(ask, remote) for remote in wanted)
        while asked:
            batch: list[tuple[_Download, Checked | Refusal | None]] = []
            size = 0
            while asked and size <= BATCH:
                if not wait([asked[0]], PATIENCE).done:
                    # Rule 1: a server that drips must not keep from the folder what others gave.
                    asked.rotate(-1)
                    if batch:
                        break
                    continue
                # Out of the queue: what was taken must not stay in memory.
                batch.append(asked.popleft().result())
                size += batch[-1][0].size
            _take(workspace, batch, found, report, accept)
            room.give_back(size)
    place = {remote.name: number for number, remote in enumerate(wanted)}
    return sorted(found, key=lambda one: place[one.name])


class _Room:
    """Bounds the bytes that were downloaded and checked and wait to be committed.

    Who starts earlier is committed earlier, so whoever waits here is not waited for: `most` is
    more than a batch.
    """

    def __init__(self, most: int) -> None:
        self._most: float = most
        self._held = 0
        self._changed = threading.Condition()

    def __enter__(self) -> _Room:
        return self

    def __exit__(self, *error: object) -> None:
        # Nobody will give back any more.
        with self._changed:
            self._most = float("inf")
            self._changed.notify_all()

    def wait(self) -> None:
        """Until there is room for one more."""
        with self._changed:
            self._changed.wait_for(lambda: self._held <= self._most)

    def take(self, size: int) -> None:
        with self._changed:
            self._held += size

    def give_back(self, size: int) -> None:
        with self._changed:
            self._held -= size
            self._changed.notify_all()


def _download(
    workspace: Workspace,
    transport: Transport,
    remote: Remote,
    progress: Callable[[str, int, int | None], None] | None,
) -> _Download:
    """Rule 2. Gives what failed as part of the answer (rule 1)."""
    home = workspace.home
    following = remotes.read(home.read(layout.remote_state(remote.name)), remote.url)
    requests: list[Got] = []
    bodies: dict[str, bytes | None] = {}
    validators: dict[str, Validators] = {}
    # Without the document there is nothing that an answer "not modified" could be about.
    known = dict(following.validators)
    if home.stat(layout.remote_repository(remote.name)) is None:
        known = {}
    for name, limit in (
        (remotes.REPOSITORY, limits.REPOSITORY),
        (remotes.CERTIFICATE, limits.KEY_FILE),
    ):
        url = remote.url + name
        try:
            check_url(remote.url)
            answer = transport.get(
                url,
                limit=limit,
                validators=known.get(name),
                progress=None if progress is None else partial(progress, url),
            )
        except UsageError as error:
            failure = NetworkError(error.message, reason="network")
            return _Download(remote, following, (Got(url, "failed"),), failure=failure)
        except NetworkError as error:
            requests.append(Got(url, "failed"))
            return _Download(remote, following, tuple(requests), failure=error)
        requests.append(Got(url, "unchanged" if answer.body is None else "done"))
        bodies[name] = answer.body
        validators[name] = answer.validators if answer.body is not None else known[name]
    return _Download(
        remote,
        following,
        tuple(requests),
        bodies[remotes.REPOSITORY],
        bodies[remotes.CERTIFICATE],
        validators,
    )


class _Threads(ThreadPoolExecutor):
    """Threads that are not waited for once something went wrong: Ctrl-C ends a slow fetch."""

    def __exit__(self, kind: object, *error: object) -> None:
        self.shutdown(wait=kind is None, cancel_futures=True)


def _checked(
    workspace: Workspace, download: _Download, processes: Processes, remotes_asked: int
) -> Checked | Refusal | None:
    """The check of what was downloaded, in another process where it is much."""
    raw = download.repository
    if download.failure is not None:
        return None
    if raw is None:
        if download.certificate is None:
            return None
        # The document is the same; its owner's certificate was renewed or revoked.
        raw = workspace.home.read(layout.remote_repository(download.remote.name), limits.REPOSITORY)
        if raw is None:
            return None
    pinned = download.remote.key or download.following.key
    arguments = (raw, download.certificate, pinned, workspace.home.path, workspace.now())
    try:
        if len(raw) * remotes_asked > POOL_FROM and remotes_asked > 1 and processors() > 1:
            return processes.run(check, *arguments)
        return check(*arguments)
    except Refusal as refusal:
        return refusal


def _take(
    workspace: Workspace,
    batch: Sequence[tuple[_Download, Checked | Refusal | None]],
    found: list[Fetched],
    report: Callable[[Fetched], None],
    accept: bool,
) -> None:
    """Commit what was checked, in one commit for the batch."""
    with workspace.writing():
        taking = _Taking(workspace, accept)
        results = [taking.remote(download, checked) for download, checked in batch]
        taking.commit()
    for result in results:
        found.append(result)
        report(result)


class _Taking:
    """The change of the folder that a batch of remotes makes."""

    def __init__(self, workspace: Workspace, accept: bool) -> None:
        self._workspace = workspace
        self._accepts = accept
        self._changes: dict[str, bytes | None] = {}
        self._lines: dict[str, list[Any]] = {}
        self._words: list[Any] = []
        self._gone: list[Any] = []
        self._pinned: set[Fingerprint] = set()

    def _read(self, name: str, limit: int = limits.REPOSITORY) -> bytes | None:
        if name in self._changes:
            return self._changes[name]
        return self._workspace.home.read(name, limit)

    def commit(self) -> None:
        from sig.verbs.remembering import kept_file, keys_that_matter

        if self._words or self._gone:
            matter = keys_that_matter(self._workspace) | self._pinned
            self._changes |= kept_file(self._workspace, self._words, self._gone, matter)
        if self._changes:
            self._workspace.commit(self._changes, self._lines)

    def remote(self, download: _Download, checked: Checked | Refusal | None) -> Fetched:
        """What comes of one remote."""
        remote, following = download.remote, download.following
        if self._workspace.config.remote(remote.name) != remote:
            return self._outcome(download, "failed", "network", "it was changed meanwhile")
        if download.failure is not None:
            failure = download.failure
            return self._outcome(download, "failed", failure.reason, failure.message, failure.hint)
        if checked is None:
            name = layout.remote_state(remote.name)
            if remotes.read(self._read(name), remote.url) != following:
                # Another fetch came between, and knows more than "not modified".
                return self._outcome(download, "unchanged", None)
            self._follow(download, following._replace(fetched=self._workspace.now()))
            return self._outcome(download, "unchanged", None, fetched=self._workspace.now())
        try:
            if isinstance(checked, Refusal):
                raise checked
            return self._accept(download, checked)
        except Refusal as refusal:
            certificate = refusal.certificate
            if isinstance(checked, Checked) and checked.certificate.revoked is not None:
                certificate = checked.certificate  # rule 3
            if certificate is not None:
                self._certificate(certificate.fingerprint, certificate.raw)
            return self._outcome(
                download, refusal.result, refusal.reason, refusal.message, refusal.hint
            )
        except SigError as error:
            return self._outcome(download, "failed", "format", error.message, error.hint)

    def _accept(self, download: _Download, checked: Checked) -> Fetched:
        remote, following = download.remote, download.following
        now = self._workspace.now()
        # Another process may have pinned a key since this one asked, both for the first time.
        pinned = remotes.read(self._read(layout.remote_state(remote.name)), remote.url).key
        if pinned not in (None, checked.key):
            raise Refusal(
                "refused",
                "key-changed",
                f"it is signed by {checked.key}, and was pinned to {pinned}: ask its owner",
                hint="sig remote add NAME URL --key FINGERPRINT",
            )
        remembered = memory.read_publishes(self._read(memory.state_file(checked.key)))
        how = "unchanged"
        if self._accepts:
            how = "new"
        elif download.repository is not None:
            how = follows(
                checked,
                remembered,
                self._earlier(remote, checked, remembered),
                following.behind_since,
                now,
            )
        imported = self._certificate(checked.key, checked.certificate.raw)
        if how == "behind":
            since = following.behind_since or now
            # Its validators belong to the older state: what is kept here must be asked for again.
            self._follow(
                download,
                following._replace(key=checked.key, behind_since=since, validators={}),
            )
            return self._outcome(
                download, "unchanged", "behind", f"it still serves state {checked.sequence}"
            )
        gone: tuple[str, ...] = ()
        name = layout.remote_repository(remote.name)
        if download.repository is not None and self._read(name) != download.repository:
            gone = self._disappeared(remote, checked)
            self._changes[name] = download.repository
            self._lines[f"remote:{remote.name}"] = checked.lines
            self._words += checked.words
        self._pinned.add(checked.key)
        if checked.sequence is not None:
            publishes = memory.Publishes(checked.sequence, checked.digest)
            if publishes != remembered:
                self._changes[memory.state_file(checked.key)] = memory.write_publishes(publishes)
            if self._read(memory.document_file(checked.key)) is not None:
                self._changes[memory.document_file(checked.key)] = None
        self._follow(
            download,
            Following(
                url=remote.url,
                key=checked.key,
                fetched=now,
                expires=checked.expires,
                sequence=checked.sequence,
                validators=download.validators or {},
            ),
        )
        first = following.fetched is None
        return self._outcome(
            download,
            "new" if how == "new" and (first or download.repository is not None) else "unchanged",
            None,
            fetched=now,
            key=checked.key,
            sequence=checked.sequence,
            imported=(checked.key, checked.certificate.uid) if imported else None,
            refused_statements=checked.refused,
            gone=gone,
        )

    def _earlier(
        self, remote: Remote, checked: Checked, remembered: memory.Publishes | None
    ) -> dict[int, str]:
        """What the remembered document of this key names as its past, if C4 asks for it."""
        key = checked.key
        # Reading every other remote for every remote would cost the square of them.
        if remembered is None or checked.sequence is None:
            return {}
        if checked.sequence >= remembered.sequence:
            return {}
        for name in (
            layout.remote_repository(remote.name),
            memory.document_file(key),
            *(
                layout.remote_repository(other.name)
                for other in self._workspace.config.remotes
                if other != remote
            ),
        ):
            try:
                read = layout.repository(self._read(name), name)
            except StoreError:
                continue  # damage to one remote is not another's fault
            # A mirror that lags has an older document of this key, with an older past.
            if read is not None and read.key == key and read.digest == remembered.digest:
                return dict(read.previous)
        return {}

    def _certificate(self, key: Fingerprint, raw: bytes) -> bool:
        """Keep the owner's certificate; whether it was unknown."""
        name = f"keys/{file_name(key)}"
        before = self._read(name)
        if before is not None and before != raw:
            # Another remote or process may have brought a revocation since this one was checked.
            raw = certificates.merge(certificates.stored(before), certificates.stored(raw)).raw
        if before != raw:
            self._changes[name] = raw
        return before is None

    def _follow(self, download: _Download, following: Following) -> None:
        text = remotes.write(following)
        name = layout.remote_state(download.remote.name)
        if self._read(name) != text:
            self._changes[name] = text

    def _disappeared(self, remote: Remote, checked: Checked) -> tuple[str, ...]:
        """Rule 4: what was here, is no more, and was not ended by its signer."""
        from sig.model import wire
        from sig.trust.decide import ended
        from sig.verbs.own import as_weighed, verified

        name = layout.remote_repository(remote.name)
        old = layout.repository(self._read(name), name)
        if old is None:
            return ()
        # The same words under another signature: it may prove nothing, or be older.
        here = {line.text for line in checked.lines}
        missing = [
            one
            for one in old.attestations
            if wire.envelope(one.key, one.signed, one.sig, one.tst) not in here
        ]
        if not missing:
            return ()
        ids = {one.statement.id for one in missing}
        left = [
            wire.read_attestation(line.text)
            for line in checked.lines
            if line.met is not None and line.id in ids
        ]
        workspace = self._workspace
        still = verified(workspace, left)
        served = {one.same for one in still}
        gone = [one for one in verified(workspace, missing) if one.same not in served]
        about: dict[Identifier, list[Weighed]] = {one.statement.id: [] for one in gone}
        for one in (*gone, *still):
            if one.statement.id in about:
                about[one.statement.id].append(as_weighed(one))
        over = {
            same
            for id, words in about.items()
            for same in ended(id, words, workspace.policy, workspace.now())
        }
        found = [one for one in gone if one.same not in over]
        self._gone += found
        return tuple(
            f"{'a warning' if one.statement.negative else 'a statement'} by {one.key}"
            f" about {one.statement.id}"
            for one in found
        )

    def _outcome(
        self,
        download: _Download,
        result: str,
        reason: str | None,
        message: str = "",
        hint: str | None = None,
        *,
        fetched: int | None = None,
        key: Fingerprint | None = None,
        sequence: int | None = None,
        **more: Any,
    ) -> Fetched:
        remote, following = download.remote, download.following
        if hint is not None:
            hint = hint.replace("NAME", remote.name).replace("URL", remote.url)
        return Fetched(
            name=remote.name,
            url=remote.url,
            key=key or remote.key or following.key,
            sequence=sequence if sequence is not None else following.sequence,
            fetched_at=fetched if fetched is not None else following.fetched,
            result=result,
            reason=reason,
            message=message,
            hint=hint,
            requests=download.requests,
            **more,
        )
