"""Download and check what remotes offer: check first, then commit.

1  Remotes are asked in parallel (`downloading`); one that fails never stops the others.
2  What is taken is committed in batches: what was refused is as it was.
3  What is refused changes nothing, but for a certificate's own revocations.
4  What disappears is reported; warnings and withdrawals are remembered before that.
5  A state that is behind the remembered one is ignored; it replaces nothing.
6  Lists of files that statements of trusted keys name come last (`manifests`): without one a
   statement counts all the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sig.errors import RemoteUnknown, SigError, StoreError
from sig.gpg import certificate as certificates
from sig.gpg.keys import file_name
from sig.model import limits
from sig.model.attestation import Malformed
from sig.model.configuration import Remote
from sig.model.fingerprint import Fingerprint
from sig.repo import layout, memory, mirror, remotes
from sig.repo.remotes import Following
from sig.verbs import manifests
from sig.verbs.checking import Checked, Refusal, follows
from sig.verbs.downloading import Answer, Download, Downloads, Got, Progress

if TYPE_CHECKING:
    from sig.model.identifier import Identifier
    from sig.trust.decide import Weighed
    from sig.verbs.workspace import Workspace

# So many seconds a remote lets those wait that come after it.
PATIENCE = 5.0
# What is held in memory before it is committed; less than `downloading.AHEAD`.
BATCH = 16 << 20


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
    manifests: tuple[manifests.Came, ...] = ()


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
    progress: Progress | None = None,
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
    with Downloads(workspace, wanted, progress, accept) as downloads:
        asked = deque(map(downloads.ask, wanted))
        while asked:
            batch: list[Answer] = []
            size = 0
            while asked and size <= BATCH:
                if not wait([asked[0]], PATIENCE).done:
                    # Rule 1: a server that drips must not keep from the folder what others gave.
                    if batch:
                        break
                    wait(asked, return_when=FIRST_COMPLETED)
                    asked = deque(sorted(asked, key=lambda one: not one.done()))
                # Out of the queue: what was taken must not stay in memory.
                batch.append(asked.popleft().result())
                size += batch[-1][0].size
            _take(workspace, batch, found, report, accept)
            downloads.taken(size)
    found = _with_manifests(workspace, wanted, found, progress)
    place = {remote.name: number for number, remote in enumerate(wanted)}
    return sorted(found, key=lambda one: place[one.name])


def _with_manifests(
    workspace: Workspace,
    wanted: Sequence[Remote],
    found: list[Fetched],
    progress: Progress | None,
) -> list[Fetched]:
    """Rule 6: what came of the lists of files that statements of trusted keys name."""
    answered = {one.name for one in found if one.result in ("new", "unchanged")}
    came = manifests.fetch(workspace, [one for one in wanted if one.name in answered], progress)
    if not came:
        return found
    return [
        replace(one, manifests=tuple(each for each in came if each.remote == one.name))
        for one in found
    ]


def _take(
    workspace: Workspace,
    batch: Sequence[Answer],
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
        return self._workspace.home.after(self._changes)(name, limit)

    def commit(self) -> None:
        from sig.verbs.remembering import kept_after_fetch

        if self._changes:
            self._changes |= kept_after_fetch(
                self._workspace, self._changes, self._lines, self._words, self._gone, self._pinned
            )
            self._workspace.commit(self._changes, self._lines)

    def remote(self, download: Download, checked: Checked | Refusal | None) -> Fetched:
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

    def _accept(self, download: Download, checked: Checked) -> Fetched:
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
        name = layout.remote_repository(remote.name)
        if download.came is not None and self._read(name) != download.base:
            # What is not asked for was there then, and may be gone.
            raise Refusal("failed", "network", "it was changed meanwhile", hint="sig fetch NAME")
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
        if how != "behind" and download.rooted and download.repository and not download.came:
            # It was older than what was met then, so nothing else of it was asked for.
            raise Refusal("failed", "network", "it was changed meanwhile", hint="sig fetch NAME")
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
        if download.repository is not None and self._read(name) != download.repository:
            gone = self._disappeared(remote, checked)
            self._changes[name] = download.repository
            if download.came is not None:
                for one, raw in download.came.objects.items():
                    self._changes[mirror.object_file(remote.name, one)] = raw
                for one in download.came.dropped:
                    self._changes[mirror.object_file(remote.name, one)] = None
            self._lines[f"remote:{remote.name}"] = checked.lines
            named = layout.remote_manifests(remote.name)
            text = manifests.named_file(checked.lines)
            if text is not None or self._workspace.home.stat(named) is not None:
                self._changes[named] = text
            self._words += checked.words
        self._pinned.add(checked.key)
        if checked.sequence is None and self._accepts:
            # What was met before is the user's to forget; else the next fetch would be refused.
            self._changes[memory.state_file(checked.key)] = None
            self._changes[memory.document_file(checked.key)] = None
        elif checked.sequence is not None:
            publishes = memory.Publishes(checked.sequence, checked.digest, checked.rooted)
            # Not where only the certificate is new: another mirror may be ahead of this document.
            if how == "new" or remembered in (None, publishes):
                if publishes != remembered:
                    text = memory.write_publishes(publishes)
                    self._changes[memory.state_file(checked.key)] = text
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
            raw = self._read(name)
            if raw is None:
                continue
            try:
                offered = mirror.offered(raw, name)
            except StoreError:
                continue  # damage to one remote is not another's fault
            # A mirror that lags has an older document of this key, with an older past.
            if offered.key == key and offered.state == remembered.digest:
                return dict(offered.previous)
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

    def _follow(self, download: Download, following: Following) -> None:
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
        raw = self._read(name)
        if raw is None:
            return ()
        # The same words under another signature: it may prove nothing, or be older.
        here = {line.text for line in checked.lines}
        missing = mirror.read(
            raw,
            remote.name,
            self._read,
            lambda entries: [
                found
                for _, text, found in entries
                if text not in here and not isinstance(found, Malformed)
            ],
        )
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
        download: Download,
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
