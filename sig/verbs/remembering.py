"""What must not be forgotten: warnings and withdrawals of keys that matter (docs/spec/memory §2).

1  A warning or withdrawal that counts when it is met is kept apart from its source: no revocation,
   expiry or disappearance makes it silent. Only its signer ends it, or the user who ends the trust.
2  A word that disappears from all sources, and that nothing newer ended, is kept too: it no longer
   counts, but what it had ended stays ended.
3  Kept are words of trusted keys and of keys that a remote is pinned to; others could fill a disk.
4  What newer words of the same signer ended is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sig.model.attestation import Attestation
from sig.model.identifier import Identifier
from sig.model.standing import Standing
from sig.repo import layout, limits, memory
from sig.trust.decide import ended

if TYPE_CHECKING:
    from sig.model.fingerprint import Fingerprint
    from sig.verbs.workspace import Workspace


def worth_keeping(one: Attestation) -> bool:
    """Rule 1: a warning or withdrawal whose signature counts."""
    said = one.statement
    if said.ok or not (said.negative or said.withdrawn):
        return False
    return one.standing is Standing.SOUND or (
        said.negative and one.standing is Standing.REVOKED_HARD
    )


def keys_that_matter(workspace: Workspace) -> set[Fingerprint]:
    """Rule 3."""
    from sig.repo import remotes

    found = set(workspace.config.trust)
    if workspace.config.key is not None:
        found.add(workspace.config.key)
    for remote in workspace.config.remotes:
        state = remotes.read(workspace.home.read(layout.remote_state(remote.name)), remote.url)
        found |= {key for key in (remote.key, state.key) if key is not None}
    return found


def kept_file(
    workspace: Workspace,
    met: Iterable[Attestation],
    gone: Iterable[Attestation] = (),
    matter: set[Fingerprint] | None = None,
) -> dict[str, bytes | None]:
    """The file of remembered words after these were `met` and those are `gone`, if it changes."""
    from sig.verbs.own import as_weighed, unverified, verified

    matters = keys_that_matter(workspace) if matter is None else matter
    raw = workspace.home.read(memory.KEPT, limits.REPOSITORY)
    remembered = memory.read_kept(raw)
    before = verified(workspace, remembered)
    # A certificate that is missing for a while must not make a warning forgotten.
    proved = {(one.key, one.signed, one.sig) for one in before}
    unproved = [
        one
        for one in remembered
        if one.key in matters and (one.key, one.signed, one.sig) not in proved
    ]
    arrived = [one for one in met if one.key in matters]
    news = [one for one in arrived if worth_keeping(one)]
    news += [one for one in gone if one.key in matters]
    wanted = {one.same: one for one in [*before, *news] if one.key in matters}
    ids = {one.statement.id for one in wanted.values()}
    touched = {one.statement.id for one in arrived} & ids
    about: dict[Identifier, list[Attestation]] = {}
    for one in [*wanted.values(), *arrived]:
        if one.statement.id in touched:
            about.setdefault(one.statement.id, []).append(one)
    for id, words in about.items():
        over = ended(id, map(as_weighed, words), workspace.policy, workspace.now())
        wanted = {same: one for same, one in wanted.items() if same not in over}
    if not wanted and raw is None:
        return {}
    text = memory.write_kept([*map(unverified, wanted.values()), *unproved])
    return {} if text == raw else {memory.KEPT: text}
