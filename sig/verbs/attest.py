"""Sign statements about files: all of them or none.

1  What is signed is about the bytes that were looked at: a file that changed since is refused.
2  Every signature is verified before anything is written, and all is written in one commit.
3  A warning about an archive reaches the folder that it was unpacked to: the list of its files that
    the own ok named is named again, for the ok goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sig.errors import Changed, FormatError, Refused, UsageError
from sig.model import limits, strict, wire
from sig.model.attestation import UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.repo import objects
from sig.verbs import own
from sig.verbs.signer import Signer
from sig.verbs.verify import STDIN, identify

if TYPE_CHECKING:
    from sig.verbs.trees import Listed
    from sig.verbs.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be signed about one file, folder or archive, of what was looked at.

    `id` is that of the bytes, of a folder that of its manifest. `manifest` lists what is in a
    folder or archive, but for what `exclude` names; `aliases` are other digests of the bytes.
    `scope` are files of it that a warning is about besides the whole. Of a closure, `manifest` is
    its own text, `criteria` are its terms, and `lists` those of its roots. `check` says whether it
    is still what was looked at, where that is neither a file nor a folder.
    """

    file: str
    id: Identifier
    ok: bool
    reviewed: bool
    comment: str = ""
    name: str | None = None
    manifest: Manifest | None = None
    exclude: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    lists: tuple[Manifest, ...] = ()
    check: Callable[[], bool] | None = None

    @classmethod
    def of(cls, file: str, listed: Listed, ok: bool = False, reviewed: bool = False) -> Claim:
        """About a folder or an archive, and all that was listed of it."""
        id, manifest, exclude, aliases = listed
        return cls(file, id, ok, reviewed, manifest=manifest, exclude=exclude, aliases=aliases)

    @property
    def is_folder(self) -> bool:
        """Whether it is about a folder: its id is then its manifest's."""
        return self.manifest is not None and self.manifest.id == self.id and not self.lists

    @property
    def data(self) -> dict[str, Any]:
        """The data that is signed."""
        found: dict[str, Any] = {"id": str(self.id), "ok": self.ok, "reviewed": self.reviewed}
        if self.comment:
            found["comment"] = self.comment
        if self.name is not None:
            found["name"] = self.name
        if self.manifest is not None:
            found["manifest"] = str(self.manifest.id)
        if self.exclude:
            found["exclude"] = sorted(self.exclude)
        if self.aliases:
            found["aliases"] = list(self.aliases)
        if self.criteria:
            found["criteria"] = sorted(self.criteria)
        if self.scope:
            found["scope"] = sorted(set(self.scope))
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

    Raises Refused for an ok without a review and a scope that is not in the manifest, Changed for a
    file that differs from what was looked at, NoKey, GpgError, StoreError; then nothing is written.
    """
    for claim in claims:
        if claim.ok and not claim.reviewed:
            raise Refused("Please review the file")
        for path in claim.scope:
            if claim.manifest is None or path not in claim.manifest.files:
                raise Refused(f"{path} is not in {claim.file}; nothing is signed")
    signed = sign_statements(
        workspace,
        [_linked(workspace, claim) for claim in claims],
        passphrase,
        lambda: _unchanged(claims),
        progress,
        {
            objects.own(one.id): one.text
            for claim in claims
            for one in (claim.manifest, *claim.lists)
            if one is not None
        },
    )
    return [
        Attested(claim.file, dict(one.statement.data), one.key)
        for claim, one in zip(claims, signed, strict=True)
    ]


def _linked(workspace: Workspace, claim: Claim) -> dict[str, Any]:
    """The data of a claim; of a warning about an archive also the list that was named (rule 3)."""
    data = claim.data
    if claim.ok or claim.manifest is not None:
        return data
    current = workspace.consistent(lambda: own.repository(workspace))
    for one in () if current is None else current.attestations:
        said = one.statement
        if one.key == workspace.config.key and said.id == claim.id and said.manifest is not None:
            data["manifest"] = str(said.manifest)
    return data


def sign_statements(
    workspace: Workspace,
    wanted: Sequence[dict[str, Any]],
    passphrase: str | None,
    check: Callable[[], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> list[UnverifiedAttestation]:
    """Sign the data of these statements and commit them with `files`, all or none (rule 2)."""
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
        workspace.commit({**(files or {}), **own.added(workspace, signer, new)})
    return new


def _unchanged(claims: Sequence[Claim]) -> None:
    for claim in claims:
        # What came through a pipe is gone, and an identifier has no file.
        if claim.file == STDIN or claim.file == claim.id:
            continue
        if claim.check is not None:
            same = claim.check()
        elif claim.is_folder:
            from sig.verbs.trees import listed

            same = listed(claim.file, claim.exclude).id == claim.id
        else:
            same = identify(claim.file) == claim.id
        if not same:
            raise Changed(f"{claim.file} changed while you looked at it; nothing is signed")
