"""The own repository: what is added to it, what it leaves out, and the next signed state.

1  Every signed write is a publish: the sequence grows by one (docs/spec/repository §3).
2  It leaves out what its owner ended or withdrew; a withdrawal itself stays.
3  Nothing is signed about an id that is not later than the own last word about it.
4  Own warnings and withdrawals are remembered like those of others.
5  Once a sparse tree was published, every signed write is one of the tree, too (`planting`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sig.errors import Conflict, SignatureError
from sig.gpg.certificate import Certificate
from sig.model import instant, limits, strict, wire
from sig.model.attestation import Attestation, UnverifiedAttestation
from sig.model.identifier import Identifier
from sig.model.repository import UnverifiedRepository
from sig.repo import layout, memory
from sig.trust.decide import Weighed, ended
from sig.verbs.workspace import Workspace, attest

if TYPE_CHECKING:
    from sig.verbs.signer import Signer

# A clock that was set back by more than this is not waited for.
PATIENCE_SECONDS = 3


def repository(workspace: Workspace) -> UnverifiedRepository | None:
    """The own repository as the folder has it; None before the first statement."""
    raw = workspace.home.read(layout.REPOSITORY, limits.REPOSITORY)
    return layout.repository(raw, layout.REPOSITORY)


def verified(
    workspace: Workspace,
    statements: Iterable[UnverifiedAttestation],
    signer: Signer | None = None,
) -> list[Attestation]:
    """Those whose signature their key really made.

    The certificate of `signer` may be newer than the folder's: it can have another signing subkey.
    """
    found = []
    for one in statements:
        if signer is not None and one.key == signer.key:
            certificate: Certificate | None = signer.certificate
        else:
            certificate = workspace.certificate(one.key)
        try:
            found.append(attest(one, certificate))
        except SignatureError:
            continue
    return found


def wait_until_later(
    workspace: Workspace,
    signer: Signer,
    statements: Iterable[UnverifiedAttestation],
    ids: set[Identifier],
) -> None:
    """Rule 3: two words in one second have no order. Raises Conflict for a clock set back."""
    about = [one for one in statements if one.statement.id in ids]
    last = max((one.signed_at for one in verified(workspace, about, signer)), default=None)
    if last is None:
        return
    if last > workspace.now() + PATIENCE_SECONDS:
        raise Conflict(
            f"your last word about this is dated {instant.write(last)}, after this clock",
            hint="date",
        )
    while workspace.now() <= last:
        time.sleep(0.05)


def name(one: UnverifiedAttestation) -> str:
    """Names an own statement by what it says; a new signature is no new statement."""
    return memory.met_key(one)


def unverified(one: Attestation) -> UnverifiedAttestation:
    """The envelope of a verified statement, to be written."""
    return UnverifiedAttestation(one.statement, one.key, one.signed, one.sig, one.tst)


def as_weighed(one: Attestation) -> Weighed:
    """A verified own statement, for the rules of `sig.trust`."""
    return Weighed(
        id=one.statement.id,
        key=one.key,
        uid="",
        attestation=one,
        refused=None,
        why="",
        unverified=unverified(one),
        sources=(layout.OWN,),
        first_met=None,
        stale=False,
        kept=False,
    )


def without_ended(
    workspace: Workspace,
    signer: Signer,
    statements: Sequence[UnverifiedAttestation],
    ids: set[Identifier],
) -> list[UnverifiedAttestation]:
    """Rule 2, for the identifiers that this change touches. One statement is kept once."""
    gone: set[tuple[str, bytes, int]] = set()
    times: dict[tuple[str, bytes, bytes], tuple[str, bytes, int]] = {}
    for id in ids:
        listed = [one for one in statements if one.statement.id == id]
        about = verified(workspace, listed, signer)
        gone |= ended(id, map(as_weighed, about), workspace.policy, workspace.now())
        times |= {(one.key, one.signed, one.sig): one.same for one in about}
    found: dict[tuple[str, bytes, bytes], UnverifiedAttestation] = {}
    for one in statements:
        name = (one.key, one.signed, one.sig)
        if times.get(name) not in gone:
            found[name] = one
    return list(found.values())


def next_repository(
    workspace: Workspace,
    signer: Signer,
    statements: Sequence[UnverifiedAttestation],
    *,
    above: int,
    states: dict[int, str],
    planted: bool = False,
    anew: bool = False,
) -> dict[str, bytes | None]:
    """The files of the next signed state, one above `above`; `states` are the earlier digests.

    With a sparse tree where the folder has one, or with `planted` from now on (rule 5); `anew`
    rests on no object of it.
    """
    from sig.model import stream

    sequence = above + 1
    root: str | None = None
    files: dict[str, bytes | None] = {}
    if planted or workspace.home.stat(layout.ROOT) is not None:
        from sig.verbs import planting

        root, files = planting.next_root(
            workspace, signer, statements, sequence=sequence, states=states, anew=anew
        )
    past = layout.past(sequence, states)
    signed = stream.data(statements, sequence=sequence, previous=past, root=root)
    sig = signer.sign(signed)
    states = states | {sequence: root or strict.digest(signed)}
    # The certificate goes first: who copies the folder between the two gets what verifies.
    return {
        **signer.changes(),
        **files,
        layout.REPOSITORY: wire.envelope(signer.key, signed, sig),
        layout.HISTORY: layout.written_history(states),
    }


def states_of(workspace: Workspace, current: UnverifiedRepository | None) -> dict[int, str]:
    """The digests of all own states that this folder knows."""
    known = layout.history(workspace.home.read(layout.HISTORY))
    if current is not None and current.sequence is not None:
        known = dict(current.previous) | known | {current.sequence: current.state}
    return known


def added(
    workspace: Workspace,
    signer: Signer,
    new: Sequence[UnverifiedAttestation],
) -> dict[str, bytes | None]:
    """The files of the own repository with these statements added (rules 1, 2 and 4)."""
    from sig.verbs.remembering import kept_file

    current = repository(workspace)
    ids = {one.statement.id for one in new}
    known = () if current is None else current.attestations
    statements = without_ended(workspace, signer, [*known, *new], ids)
    # Also above what was signed here and lost since: a number is never used twice.
    states = states_of(workspace, current)
    above = max(states, default=0)
    return {
        **next_repository(workspace, signer, statements, above=above, states=states),
        **kept_file(workspace, verified(workspace, new, signer)),
    }
