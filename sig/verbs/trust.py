"""Which signers count. Trust is the owner's alone: nothing that is fetched adds to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.errors import Refused
from sig.gpg.certificate import Certificate
from sig.model.configuration import Configuration
from sig.model.fingerprint import Fingerprint
from sig.verbs import keys
from sig.verbs.configuring import change
from sig.verbs.keys import Known
from sig.verbs.manifests import wanted

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Changed:
    """A key whose trust was set, and whether that changed anything.

    `known` is None where only the fingerprint is left of it. `lists` of files that this signer's
    statements name are not here: they are fetched of those who count.
    """

    key: Fingerprint
    known: Known | None
    changed: bool
    lists: int = 0


def add(workspace: Workspace, text: str, passphrase: str | None = None) -> Changed:
    """Let a signer count from now on, also for what was fetched before.

    The key may be one that only the user's GnuPG has. Raises KeyNotFound, KeyAmbiguous.
    """
    certificate, _ = keys.find(workspace, text, also_gnupg=True)
    if certificate.revoked is not None and certificate.revoked.hard:
        raise Refused(f"{certificate.fingerprint} is revoked: {certificate.revoked.why}")
    key = certificate.fingerprint

    def edit(before: Configuration) -> Configuration:
        return before._replace(trust=before.trust | {key})

    before = key in workspace.config.trust
    change(workspace, edit, passphrase=passphrase, files=lambda: _files(workspace, certificate))
    lists = workspace.consistent(
        lambda: sum(len(wanted(workspace, remote.name)) for remote in workspace.config.remotes)
    )
    return Changed(key, keys.known(workspace, certificate), not before, lists)


def _files(workspace: Workspace, certificate: Certificate) -> dict[str, bytes | None]:
    """The certificate, and the warnings of this signer that must not be forgotten from now on."""
    from sig.verbs.remembering import kept_with

    files, newest, _ = keys.merged_file(workspace, certificate)
    return files | kept_with(workspace, [newest], trusted=True)


def remove(workspace: Workspace, text: str, passphrase: str | None = None) -> Changed:
    """Let a signer no longer count, also where the key itself is not known any more."""
    digits = keys.digits_of(text)
    trusted = [key for key in workspace.config.trust if key.endswith(digits)]
    if len(trusted) == 1 and len(digits) in (40, 64):
        key: Fingerprint = trusted[0]
        certificate = workspace.certificate(key)
    else:
        certificate, _ = keys.find(workspace, text)
        key = certificate.fingerprint
    before = key in workspace.config.trust

    def edit(config: Configuration) -> Configuration:
        return config._replace(trust=config.trust - {key})

    change(workspace, edit, passphrase=passphrase)
    known = None if certificate is None else keys.known(workspace, certificate)
    return Changed(key, known, before)


def trusted(workspace: Workspace) -> tuple[list[Known], list[Fingerprint]]:
    """The signers that count, the own key first; and those whose certificate is not known."""

    def read() -> tuple[list[Known], list[Fingerprint]]:
        found, missing = [], []
        for key in sorted(workspace.config.trust):
            one = workspace.certificate(key)
            if one is None:
                missing.append(key)
            else:
                found.append(keys.known(workspace, one))
        return sorted(found, key=lambda one: not one.own), missing

    return workspace.consistent(read)
