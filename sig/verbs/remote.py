"""Other people's repositories: names for URLs. That a remote is followed makes nobody count."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.errors import Conflict, RemoteExists, RemoteUnknown, UsageError
from sig.gpg.certificate import Certificate
from sig.model import limits
from sig.model.attestation import Attestation, UnverifiedAttestation
from sig.model.configuration import Configuration, Remote, remote_name
from sig.model.fingerprint import Fingerprint
from sig.repo import layout, memory, remotes
from sig.repo.transport import check_url
from sig.verbs import keys, own
from sig.verbs.configuring import change
from sig.verbs.remembering import kept_file, keys_that_matter, left_behind, words_of

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

# Sources of statements that are not remotes are shown by these words.
_TAKEN = frozenset({"own", "kept"})


@dataclass(frozen=True, slots=True)
class Followed:
    """A remote as `remote list` shows it. `fetched` is in seconds since 1970, None if never."""

    name: str
    url: str
    key: Fingerprint | None
    sequence: int | None
    fetched: int | None
    behind: bool


def add(
    workspace: Workspace,
    name: str,
    url: str,
    *,
    key: str | None = None,
    trust: bool = False,
    passphrase: str | None = None,
) -> Remote:
    """Follow the repository at `url` under `name`; with `key` only if that key signed it.

    The same name and URL with another key pins the remote anew. `trust` lets that key count as
    well: it needs a full fingerprint, for a key that nobody here has seen. Raises RemoteExists,
    UsageError.
    """
    _check_name(name)
    url = check_url(url)
    pinned = None if key is None else _pin(workspace, key)
    if trust and pinned is None:
        raise UsageError("--trust needs --key FINGERPRINT")
    made = Remote(name, url, pinned)

    def edit(before: Configuration) -> Configuration:
        known = before.remote(name)
        listed = before.remotes
        if known is None:
            listed = (*listed, made)
        elif known.url == url and pinned is not None:
            listed = tuple(one._replace(key=pinned) if one is known else one for one in listed)
        else:
            raise RemoteExists(f"there is a remote {known.name!r} at {known.url}")
        trusted = before.trust | {pinned} if trust and pinned is not None else before.trust
        return before._replace(remotes=listed, trust=trusted)

    def files() -> dict[str, bytes | None]:
        known = workspace.config.remote(name)
        if pinned is None:
            return {}
        certificate = workspace.certificate(pinned) if trust else None
        met = [] if certificate is None else words_of(workspace, {pinned: certificate})
        counts = {pinned} if trust else set()
        if known is not None:
            # Re-pinned: what the other key signed is no longer this remote's word.
            state = remotes.read(workspace.home.read(layout.remote_state(known.name)), url)
            if state.key not in (None, pinned):
                return _dropped(workspace, known, met, {pinned}, counts)
        return kept_file(workspace, met, (), {pinned}, trusted=counts)

    change(workspace, edit, passphrase=passphrase, files=files)
    return made


def _check_name(name: str) -> None:
    try:
        remote_name(name)
    except ValueError as error:
        raise UsageError(f"{name!r} cannot name a remote: {error}") from error
    if name.lower() in _TAKEN:
        raise UsageError(f"{name!r} cannot name a remote: the word has another meaning")


def _pin(workspace: Workspace, text: str) -> Fingerprint:
    digits = keys.digits_of(text)
    if len(digits) in (40, 64):
        return Fingerprint(digits)
    certificate: Certificate
    certificate, _ = keys.find(workspace, text)
    return certificate.fingerprint


def _dropped(
    workspace: Workspace,
    remote: Remote,
    met: Iterable[Attestation] = (),
    matter: Collection[Fingerprint] = (),
    trusted: Collection[Fingerprint] = (),
) -> dict[str, bytes | None]:
    """The files of a remote go, but for what must not be forgotten (docs/spec/memory §1, §2).

    `met` are words to be remembered besides; `matter` and `trusted` are as for `kept_file`.
    """
    home = workspace.home
    name = layout.remote_repository(remote.name)
    raw = home.read(name, limits.REPOSITORY)
    changes = home.removal(f"remotes/{remote.name}")
    gone: list[Attestation] = []
    if raw is not None:
        from sig.repo import mirror

        offered = mirror.offered(raw, name)
        if offered.sequence is not None:
            changes[memory.document_file(offered.key)] = raw
        matters = keys_that_matter(workspace).union(matter)
        words = mirror.read(
            raw,
            remote.name,
            home.read,
            lambda entries: [
                entry.found
                for entry in entries
                if isinstance(entry.found, UnverifiedAttestation) and entry.found.key in matters
            ],
        )
        said = own.verified(workspace, words)
        gone = left_behind(workspace, f"remote:{remote.name}", said)
    return changes | kept_file(workspace, met, gone, matter, trusted=trusted)


def find(workspace: Workspace, name: str) -> Remote:
    """The remote of that name. Raises RemoteUnknown."""
    found = workspace.config.remote(name)
    if found is None:
        raise RemoteUnknown(f"there is no remote {name!r}", hint="sig remote list")
    return found


def remove(workspace: Workspace, name: str, passphrase: str | None = None) -> Remote:
    """Follow a remote no longer. Its statements stop counting; its warnings are remembered."""
    remote = workspace.consistent(lambda: find(workspace, name))

    def edit(before: Configuration) -> Configuration:
        find(workspace, name)
        return before._replace(
            remotes=tuple(one for one in before.remotes if one.name != remote.name)
        )

    change(workspace, edit, passphrase=passphrase, files=lambda: _dropped(workspace, remote))
    return remote


def rename(workspace: Workspace, old: str, new: str, passphrase: str | None = None) -> Remote:
    """Give a remote another name. Raises RemoteExists, RemoteUnknown, UsageError."""
    _check_name(new)
    remote = workspace.consistent(lambda: find(workspace, old))
    taken = workspace.config.remote(new)
    if taken is not None and taken.name != remote.name:
        raise RemoteExists(f"there is a remote {taken.name!r} at {taken.url}")
    if new.lower() == remote.name.lower() and new != remote.name:
        # On a file system that ignores case the two would be one folder.
        raise Conflict(f"{new!r} and {remote.name!r} are the same name")

    def edit(before: Configuration) -> Configuration:
        return before._replace(
            remotes=tuple(
                one._replace(name=new) if one.name == remote.name else one for one in before.remotes
            ),
        )

    change(
        workspace,
        edit,
        passphrase=passphrase,
        files=lambda: (
            workspace.home.move(f"remotes/{remote.name}", f"remotes/{new}")
            if new != remote.name
            else {}
        ),
    )
    return remote._replace(name=new)


def listed(workspace: Workspace) -> list[Followed]:
    """The remotes in the order of their names, and how they are followed."""

    def read() -> list[Followed]:
        found = []
        for remote in sorted(workspace.config.remotes, key=lambda one: one.name.lower()):
            state = remotes.read(workspace.home.read(layout.remote_state(remote.name)), remote.url)
            found.append(
                Followed(
                    remote.name,
                    remote.url,
                    remote.key or state.key,
                    state.sequence,
                    state.fetched,
                    state.behind_since is not None,
                )
            )
        return found

    return workspace.consistent(read)
