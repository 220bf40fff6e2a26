"""Certificates that are known, and the one that a few digits name.

A short key id chooses nothing by itself: it is taken only where exactly one known key ends in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.errors import FormatError, KeyAmbiguous, KeyNotFound, UsageError
from sig.gpg import certificate as certificates
from sig.gpg.certificate import Certificate
from sig.gpg.keys import file_name
from sig.model.fingerprint import Fingerprint

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate and what the folder says of it. `state` is one word, the first that holds of
    revoked, expired, own, trusted, known."""

    certificate: Certificate
    own: bool
    trusted: bool
    state: str


def digits_of(text: str) -> str:
    """The hex digits of a KEY as people write it. Raises UsageError for a name or too few."""
    digits = "".join(text.split()).upper().removeprefix("0X")
    if len(digits) < SHORTEST or digits.strip("0123456789ABCDEF") or len(digits) > 64:
        raise UsageError(
            f"{text!r} is not a key: give its fingerprint or the last 8 or more digits of it"
        )
    return digits


def known(workspace: Workspace, certificate: Certificate) -> Known:
    """What the folder says of a certificate, now."""
    config = workspace.config
    own = certificate.fingerprint == config.key
    trusted = certificate.fingerprint in config.trust
    ends = certificate.expires_at
    if certificate.revoked is not None:
        state = "revoked"
    elif ends is not None and ends <= workspace.now():
        state = "expired"
    else:
        state = "own" if own else "trusted" if trusted else "known"
    return Known(certificate, own, trusted, state)


def listed(workspace: Workspace) -> list[Known]:
    """Every known certificate: the own first, then the trusted, then the others."""

    def read() -> list[Known]:
        found = [known(workspace, one) for one in workspace.known_keys().values()]
        return sorted(
            found, key=lambda one: (not one.own, not one.trusted, one.certificate.fingerprint)
        )

    return workspace.consistent(read)


def find(workspace: Workspace, text: str, *, also_gnupg: bool = False) -> tuple[Certificate, bool]:
    """The one certificate that `text` names, and whether only the user's GnuPG had it.

    Raises KeyNotFound, KeyAmbiguous (nothing may be done with any of several), UsageError.
    """
    digits = digits_of(text)
    here = {key: one for key, one in workspace.known_keys().items() if key.endswith(digits)}
    there: set[Fingerprint] = set()
    if also_gnupg:
        from sig.errors import GpgError

        try:
            there = set(workspace.agent.public_keys(digits)) - here.keys()
        except GpgError:
            there = set()  # without gpg the folder's own keys are all there is
    if not here and not there:
        raise KeyNotFound(f"Key not found: {text}", hint="sig fetch")
    found = dict(here)
    for key in there:
        (found[key],) = certificates.read(workspace.agent.export(key), wanted=key)
    if len(found) > 1:
        raise KeyAmbiguous(
            f"{len(found)} keys end in {digits}, nothing changed",
            tuple((key, found[key].uid) for key in sorted(found)),
        )
    (only,) = found.values()
    if only.fingerprint != digits:
        workspace.note(f"{text} is {only.fingerprint}")
    return only, only.fingerprint in there


def merged_file(
    workspace: Workspace, met: Certificate
) -> tuple[dict[str, bytes | None], Certificate, bool]:
    """The file of a certificate merged with the known copy; the result; whether it was unknown.

    Raises FormatError where the merged copy is too large: the known one stays.
    """
    before = workspace.certificate(met.fingerprint)
    result = met if before is None else certificates.merge(before, met)
    name = f"keys/{file_name(met.fingerprint)}"
    if workspace.home.read(name) == result.raw:
        return {}, result, False
    return {name: result.raw}, result, before is None


def import_keys(workspace: Workspace, raw: bytes) -> list[Known]:
    """Take certificates into the folder; that trusts none of them. Raises FormatError."""
    met = certificates.read(raw)
    if not met:
        raise FormatError("there is no certificate in it")
    from sig.verbs.remembering import kept_with

    with workspace.writing():
        changes: dict[str, bytes | None] = {}
        newest = []
        for one in met:
            more, result, _ = merged_file(workspace, one)
            changes |= more
            newest += [result] if more else []
        workspace.commit(changes | kept_with(workspace, newest))
        return [known(workspace, one) for one in met]
