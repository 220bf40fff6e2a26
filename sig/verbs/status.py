"""Where things stand in a folder. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.repo import layout, remotes
from sig.repo.index import IndexStale
from sig.verbs import keys, own
from sig.verbs.keys import Known

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """The numbers of a bare `sig`. `fetched` is the oldest of the last fetches, since 1970.

    `index` is ``ok``, ``not made yet`` or ``out of date``; `next` is the one next command.
    """

    exists: bool
    own: Known | None = None
    trusted: int = 0
    remotes: int = 0
    fetched: int | None = None
    attested: int = 0
    unpublished: int = 0
    index: str = "ok"
    next: str = "sig setup"


def standing(workspace: Workspace) -> Standing:
    """Where things stand, from one state of the folder. Raises StoreError."""
    return workspace.consistent(lambda: _standing(workspace))


def _standing(workspace: Workspace) -> Standing:
    home = workspace.home
    if not home.exists:
        return Standing(False)
    config = workspace.config
    own_key = None
    if config.key is not None:
        certificate = workspace.certificate(config.key)
        own_key = None if certificate is None else keys.known(workspace, certificate)
    states = [
        remotes.read(home.read(layout.remote_state(one.name)), one.url) for one in config.remotes
    ]
    times = [state.fetched for state in states]
    fetched = min((time for time in times if time is not None), default=None)
    current = own.repository(workspace)
    said = current.attestations if current else ()
    attested = {one.statement.id for one in said if not one.statement.withdrawn}
    unpublished = _unpublished(workspace)
    index = _index(workspace)
    return Standing(
        exists=True,
        own=own_key,
        trusted=len(config.trust),
        remotes=len(config.remotes),
        fetched=fetched,
        attested=len(attested),
        unpublished=unpublished,
        index=index,
        next=_next(workspace, index, None in times, unpublished, bool(attested)),
    )


def _index(workspace: Workspace) -> str:
    if not workspace.stamps():
        return "ok"
    try:
        workspace.index.lookup([], workspace.stamps())
    except IndexStale:
        made = workspace.home.stat(layout.INDEX) is not None
        return "out of date" if made else "not made yet"
    return "ok"


def _unpublished(workspace: Workspace) -> int:
    """Files with a statement that the last `publish` did not bring out.

    Without a publish it is all; the published sequence tells when nothing came since.
    """
    current = own.repository(workspace)
    if current is None:
        return 0
    raw = workspace.home.read(layout.PUBLISHED)
    if raw is None:
        return len({one.statement.id for one in current.attestations})
    published = raw.decode("ascii", "replace").splitlines()
    if published and published[0].endswith(current.state):
        return 0
    known = set(published[1:])
    return len({one.statement.id for one in current.attestations if own.name(one) not in known})


def _next(
    workspace: Workspace, index: str, never_fetched: bool, unpublished: int, attested: bool
) -> str:
    config = workspace.config
    if config.key is None and not config.remotes:
        return "sig setup"
    if never_fetched:
        return "sig fetch"
    if index != "ok" and not workspace.is_old:
        return "sig doctor --fix"
    if config.key is not None and unpublished:
        return "sig publish"
    if config.key is not None and not attested:
        return "sig attest FILE"
    return "sig fetch" if config.remotes else "sig remote add NAME URL"
