"""What must not be forgotten: warnings and withdrawals of keys that matter (docs/spec/memory §2).

1  A warning or withdrawal that counts when it is met is kept apart from its source: no revocation,
   expiry or disappearance makes it silent. Only its signer ends it, or the user who ends the trust.
2  A word that disappears from all sources, and that nothing newer ended, is kept too: it no longer
   counts, but what it had ended stays ended.
3  Kept are words of trusted keys and of keys that a remote is pinned to; others could fill a disk.
4  What newer words of the same signer ended is dropped.
5  A key that does not count has 4 MiB, what is remembered already first: it could fill a disk too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sig.model import limits
from sig.model.attestation import Attestation
from sig.model.identifier import Identifier
from sig.model.standing import Standing
from sig.repo import layout, memory
from sig.trust.decide import CLOCK_SKEW, Weighed, ended
from sig.verbs.workspace import read_row

if TYPE_CHECKING:
    from sig.model.fingerprint import Fingerprint
    from sig.verbs.workspace import Workspace


ROOM_OF_OTHERS = 4 * 1024 * 1024


def worth_keeping(one: Attestation, now: int) -> bool:
    """Rule 1: a warning or withdrawal whose signature counts, by now for a withdrawal."""
    said = one.statement
    if said.ok or not (said.negative or said.withdrawn):
        return False
    if said.withdrawn and one.signed_at > now + CLOCK_SKEW:
        # It never counted; remembered, it would end a warning although its key had ended before.
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


def words_of(workspace: Workspace, key: Fingerprint) -> list[Attestation]:
    """Every word of a key in the folder that its certificate, if it is known, proves."""
    from sig.verbs.ledger import all_rows

    found = []
    for rows in all_rows(workspace, {key}).values():
        about = [row for row in rows if key.encode() in row.text]
        found += [one.attestation for one in workspace.weigh(about) if one.attestation is not None]
    return [one for one in found if one.key == key]


def left_behind(
    workspace: Workspace, source: str, words: Iterable[Attestation]
) -> list[Attestation]:
    """Of the words of a source that goes, those that ended a word which stays (rule 2)."""
    mine = list(words)
    rows = workspace.rows({one.statement.id for one in mine})
    staying = {
        (one.key, row.id)
        for listed in rows.values()
        for row in listed
        if row.source not in (source, layout.KEPT)
        for one in [read_row(row)]
    }
    return [one for one in mine if (one.key, one.statement.id) in staying]


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
    now = workspace.now()
    news = [one for one in arrived if worth_keeping(one, now)]
    news += [one for one in gone if one.key in matters]
    wanted = {one.same: one for one in [*before, *news] if one.key in matters}
    ids = {one.statement.id for one in wanted.values()}
    touched = {one.statement.id for one in arrived} & ids
    about: dict[Identifier, list[Weighed]] = {}
    for one, met_at in [
        *((one, None) for one in wanted.values()),
        *((one, now) for one in arrived),
    ]:
        if one.statement.id in touched:
            # Met now: where late words do not count, they must not end what is remembered.
            weighed = as_weighed(one)._replace(first_met=met_at)
            about.setdefault(one.statement.id, []).append(weighed)
    for id, words in about.items():
        over = ended(id, words, workspace.policy, now)
        wanted = {same: one for same, one in wanted.items() if same not in over}
    if not wanted and raw is None:
        return {}
    affordable = _affordable(workspace, wanted.values())
    text = memory.write_kept([*map(unverified, affordable), *unproved])
    return {} if text == raw else {memory.KEPT: text}


def _affordable(workspace: Workspace, wanted: Iterable[Attestation]) -> list[Attestation]:
    """Rule 5."""
    counts = {workspace.config.key, *workspace.config.trust}
    room: dict[Fingerprint, int] = {}
    found = []
    for one in wanted:
        if one.key not in counts:
            left = room.get(one.key, ROOM_OF_OTHERS) - len(one.signed) - len(one.sig)
            if left < 0:
                continue
            room[one.key] = left
        found.append(one)
    return found
