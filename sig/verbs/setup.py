"""Make the folder for an own key, or give a folder that has none its key.

1  The own key is trusted from the start; nothing else is trusted that the user did not see.
2  A folder that has another own key is left alone.
3  A second machine takes over what the own key signed elsewhere, and only that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.errors import Conflict, KeyAmbiguous, KeyNotFound
from sig.gpg.certificate import Certificate
from sig.model.configuration import Configuration
from sig.model.fingerprint import Fingerprint
from sig.repo import layout
from sig.verbs.configuring import configuration_file
from sig.verbs.keys import digits_of
from sig.verbs.signer import Signer

if TYPE_CHECKING:
    from sig.gpg.agent import SecretKey
    from sig.verbs.workspace import Workspace

DEFAULT_POLICY = {"ok": 1, "not-ok": 0}


@dataclass(frozen=True, slots=True)
class Made:
    """A folder with an own key. `took_over` counts statements that came from elsewhere."""

    certificate: Certificate
    new_folder: bool
    took_over: int = 0


def candidates(workspace: Workspace) -> tuple[SecretKey, ...]:
    """The user's secret keys that can sign."""
    return tuple(key for key in workspace.agent.secret_keys() if key.usable)


def find_secret_key(workspace: Workspace, text: str) -> SecretKey:
    """The one secret key that `text` names. Raises KeyNotFound, KeyAmbiguous, UsageError."""
    digits = digits_of(text)
    found = [key for key in workspace.agent.secret_keys() if key.fingerprint.endswith(digits)]
    if not found:
        raise KeyNotFound(f"Key not found: {text}", hint="gpg --list-secret-keys")
    if len(found) > 1:
        raise KeyAmbiguous(
            f"{len(found)} keys end in {digits}, nothing changed",
            tuple((key.fingerprint, key.uid) for key in found),
        )
    return found[0]


def setup(
    workspace: Workspace,
    key: Fingerprint,
    *,
    passphrase: str | None = None,
    source: str | None = None,
) -> Made:
    """Make `key` the own key of the folder, and sign its configuration (rules 1 to 3).

    `source` is a URL or a folder where this key published before. Raises Conflict where the
    folder has another own key, NetworkError, GpgError, StoreError; then nothing is changed.
    """
    found = None
    if source is not None:
        from sig.verbs.published import read_own

        found = read_own(workspace, source, key)
    with workspace.writing():
        before = workspace.config
        if before.key is not None and before.key != key:
            raise Conflict(
                f"{workspace.home.path}/ belongs to {before.key}", hint="sig --dir PATH setup"
            )
        is_new = workspace.home.read(layout.CONFIG) is None
        wanted = (before if not is_new else Configuration(policy=DEFAULT_POLICY))._replace(
            key=key,
            trust=before.trust | {key},
        )
        signer = Signer(workspace, passphrase, key)
        changes = {**configuration_file(wanted, signer), **signer.changes()}
        took_over = 0
        if found is not None:
            from sig.verbs.published import taken_over

            more, took_over = taken_over(workspace, signer, found)
            changes |= more
        workspace.commit(changes)
    return Made(signer.certificate, is_new, took_over)
