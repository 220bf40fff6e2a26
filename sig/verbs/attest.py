"""Sign statements about files: all of them or none.

1  What is signed is about the bytes that were looked at: a file that changed since is refused.
2  Every signature is verified before anything is written, and all is written in one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sig.errors import Changed, FormatError, Refused, UsageError
from sig.model import limits, strict, wire
from sig.model.attestation import UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.verbs import own
from sig.verbs.signer import Signer
from sig.verbs.verify import STDIN, identify

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be signed about one file. `id` is of the bytes that were looked at."""

    file: str
    id: Identifier
    ok: bool
    reviewed: bool
    comment: str = ""
    name: str | None = None

    @property
    def data(self) -> dict[str, Any]:
        """The data that is signed."""
        found: dict[str, Any] = {"id": str(self.id), "ok": self.ok, "reviewed": self.reviewed}
        if self.comment:
            found["comment"] = self.comment
        if self.name is not None:
            found["name"] = self.name
        return found


@dataclass(frozen=True, slots=True)
class Attested:
    """What was signed: the file as it was named (or an identifier), the data, and the own key."""

    file: str
    data: dict[str, Any]
    key: Fingerprint


def attest(
    workspace: Workspace,
    claims: Sequence[Claim],
    passphrase: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Attested]:
    """Sign these claims with the own key and add them to the own repository.

    `progress` is called with the number of those that are signed, and of all.

    Raises Refused for an ok without a review, Changed for a file that differs from what was
    looked at, NoKey, GpgError, StoreError; then nothing is written.
    """
    for claim in claims:
        if claim.ok and not claim.reviewed:
            raise Refused("Please review the file")
    signed = sign_statements(
        workspace,
        [claim.data for claim in claims],
        passphrase,
        lambda: _unchanged(claims),
        progress,
    )
    return [
        Attested(claim.file, claim.data, one.key) for claim, one in zip(claims, signed, strict=True)
    ]


def sign_statements(
    workspace: Workspace,
    wanted: Sequence[dict[str, Any]],
    passphrase: str | None,
    check: Callable[[], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[UnverifiedAttestation]:
    """Sign the data of these statements and commit them, all or none (rule 2)."""
    documents = [strict.canonical(data) for data in wanted]
    try:
        statements = [wire.statement(strict.read(raw)) for raw in documents]
    except FormatError as error:
        raise UsageError(f"this cannot be signed: {error.message}") from error
    if any(len(raw) > limits.STATEMENT for raw in documents):
        raise UsageError("this cannot be signed: the statement is larger than 1 MiB")
    with workspace.writing():
        signer = Signer(workspace, passphrase)
        current = own.repository(workspace)
        known = () if current is None else current.attestations
        own.wait_until_later(workspace, signer, known, {one.id for one in statements})
        if check is not None:
            check()
        signatures = signer.sign_all(documents, progress)
        new = [
            UnverifiedAttestation(statement, signer.key, raw, sig)
            for statement, raw, sig in zip(statements, documents, signatures, strict=True)
        ]
        if check is not None:
            check()
        workspace.commit(own.added(workspace, signer, new))
    return new


def _unchanged(claims: Sequence[Claim]) -> None:
    for claim in claims:
        # What came through a pipe is gone, and an identifier has no file.
        if claim.file == STDIN or claim.file == claim.id:
            continue
        if identify(claim.file) != claim.id:
            raise Changed(f"{claim.file} changed while you looked at it; nothing is signed")
