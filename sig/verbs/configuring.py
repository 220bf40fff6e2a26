"""A change of the configuration: one more in sequence, signed where there is an own key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sig.model import wire
from sig.model.configuration import Configuration
from sig.repo import layout

if TYPE_CHECKING:
    from sig.verbs.signer import Signer
    from sig.verbs.workspace import Workspace


def configuration_file(wanted: Configuration, signer: Signer | None) -> dict[str, bytes | None]:
    """The file of this configuration, with the next sequence (docs/spec/folder §2)."""
    sequence = (wanted.sequence or 0) + 1
    signed = wire.configuration_data(wanted._replace(sequence=sequence))
    if signer is None:
        return {layout.CONFIG: wire.unsigned(signed)}
    return {layout.CONFIG: wire.envelope(signer.key, signed, signer.sign(signed))}


def change(
    workspace: Workspace,
    edit: Callable[[Configuration], Configuration],
    *,
    passphrase: str | None = None,
    files: Callable[[], dict[str, bytes | None]] | None = None,
) -> Configuration:
    """Change the configuration, and these files with it, in one commit.

    In a folder without an own key the configuration is not signed, and a note says so.
    """
    from sig.verbs.setup import DEFAULT_POLICY
    from sig.verbs.signer import Signer

    with workspace.writing():
        before = workspace.config
        if workspace.home.read(layout.CONFIG) is None:
            before = before._replace(policy=DEFAULT_POLICY)
        wanted = edit(before)
        more = {} if files is None else files()
        if wanted == before and workspace.home.read(layout.CONFIG) is not None:
            if more:
                workspace.commit(more)
            return before
        signer = None
        if wanted.key is None:
            workspace.note("this folder has no own key, so its configuration is not signed")
        else:
            signer = Signer(workspace, passphrase)
            more |= signer.changes()
        workspace.commit({**configuration_file(wanted, signer), **more})
        return workspace.config
