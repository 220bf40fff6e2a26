"""Make the folder for an own key, or give a folder that has none its key.

1  The own key is trusted from the start; nothing else is trusted that the user did not see.
2  A folder that has another own key is left alone.
3  A second machine takes over what the own key signed elsewhere, and only that. Where nothing is,
   no folder is made: who names a place means that something is there.
4  A configuration that is not the newest that was signed here is signed anew only for a user who
   saw whom it trusts (docs/spec/folder §2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sig.errors import Changed, Conflict, KeyAmbiguous, KeyNotFound, Refused, StoreError
from sig.gpg.certificate import Certificate
from sig.model.configuration import Configuration
from sig.model.fingerprint import Fingerprint
from sig.repo import layout
from sig.verbs.configuring import configuration_file, owner
from sig.verbs.keys import digits_of
from sig.verbs.remembering import kept_with
from sig.verbs.signer import Signer

if TYPE_CHECKING:
    from sig.gpg.agent import SecretKey
    from sig.verbs.workspace import Workspace

DEFAULT_POLICY = {"ok": 1, "not-ok": 0}


@dataclass(frozen=True, slots=True)
class Made:
    """A folder with an own key.

    `found` counts the statements of the key at the place that was named, `took_over` those of them
    that the folder had not.
    """

    certificate: Certificate
    new_folder: bool
    found: int = 0
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


def doubt(workspace: Workspace) -> str | None:
    """Why the configuration is not the newest that was signed here; None where it is.

    Where there is a doubt this workspace takes the configuration all the same from now on: the
    caller shows it to the user and asks (rule 4). Raises StoreError for one that does not read.
    """
    try:
        workspace.consistent(lambda: workspace.config)
        return None
    except StoreError as error:
        workspace.takes_any_config = True
        workspace.consistent(lambda: workspace.config)
        return error.message


def setup(
    workspace: Workspace,
    key: Fingerprint,
    *,
    passphrase: str | None = None,
    source: str | None = None,
    seen: Configuration | None = None,
) -> Made:
    """Make `key` the own key of the folder, and sign its configuration (rules 1 to 4).

    `source` is a URL or a folder where this key published before, `seen` what the user agreed to
    sign. Raises Conflict where the folder has another own key, Changed for another configuration
    than the one that was seen, Refused where nothing is at `source` or another key's, NetworkError,
    GpgError, StoreError; then nothing is changed.
    """
    found = None
    if source is not None:
        from sig.verbs.published import read_own

        found = read_own(workspace, source, key)
        if found is None:
            raise Refused(
                f"there is no repository at {source}, nothing is taken over",
                hint=f"sig setup {key}",
            )
    with workspace.writing():
        before = workspace.config
        belongs = owner(workspace, before)
        if belongs not in (None, key):
            raise Conflict(
                f"{workspace.home.path}/ belongs to {belongs}", hint="sig --dir PATH setup"
            )
        if seen is not None and seen != before:
            raise Changed("config was changed meanwhile, nothing is signed")
        is_new = workspace.home.read(layout.CONFIG) is None
        wanted = (before if not is_new else Configuration(policy=DEFAULT_POLICY))._replace(
            key=key,
            trust=before.trust | {key},
        )
        signer = Signer(workspace, passphrase, key)
        changes = signer.changes()
        if wanted != before or workspace.takes_any_config:
            changes |= configuration_file(workspace, wanted, signer)
        took_over = 0
        if found is not None:
            from sig.verbs.published import taken_over

            more, took_over = taken_over(workspace, signer, found)
            changes |= more
        # What others serve of the own key was met before it counted.
        changes |= kept_with(workspace, [signer.certificate], changes, trusted=True)
        workspace.commit(changes)
    there = () if found is None else found.repository.attestations
    listed = sum(one.key == key for one in there)
    return Made(signer.certificate, is_new, listed, took_over)
