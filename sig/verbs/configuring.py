"""A change of the configuration: one more in sequence, signed where there is an own key.

1  What was signed last is remembered apart from `config`, and committed with it.
2  An older configuration is not followed, nor another one of the same sequence, nor an unsigned
   one or none where one was signed: it may trust a key that was removed since, or ask for less.
3  The way on is `sig setup`, which shows whom it trusts, asks, and signs it anew above all others.
4  Where nothing is remembered (unsigned, of 2016, copied without memory) nothing is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sig.errors import StoreError
from sig.model import strict, wire
from sig.model.configuration import Configuration
from sig.repo import layout, memory

if TYPE_CHECKING:
    from sig.model.fingerprint import Fingerprint
    from sig.verbs.signer import Signer
    from sig.verbs.workspace import Workspace


def remembered(workspace: Workspace) -> bytes | None:
    """What is remembered of the newest configuration, for `check_newest`; None if nothing is.

    To be read before `config`: a commit that comes between is then no older configuration.
    """
    if workspace.takes_any_config:
        return None  # rule 3
    return workspace.home.read(memory.CONFIGURATION)


def check_newest(raw: bytes | None, found: Configuration, signed: bytes | None) -> None:
    """Rule 2, for what `config` says; `signed` is None where there is none. Raises StoreError.

    `raw` is what was `remembered`.
    """
    if raw is None:
        return  # rule 4
    try:
        known = memory.read_written(raw)
    except StoreError as error:
        key = "" if found.key is None else f" {found.key}"
        told = f"{error.message}: nobody can tell whether config is the newest"
        raise StoreError(told, hint=f"sig setup{key}") from error
    if signed is None:
        told = f"config is missing, and {known.key} had signed it"
    elif found.key is None:
        told = f"config is not signed, and {known.key} had signed it"
    elif found.key != known.key:
        told = f"config is signed by {found.key}, and {known.key} had signed it"
    elif found.sequence is None or found.sequence < known.sequence:
        had = "no sequence" if found.sequence is None else f"sequence {found.sequence}"
        told = f"config is an older one: it has {had}, and {known.sequence} was signed here"
    elif found.sequence == known.sequence and strict.digest(signed) != known.digest:
        told = f"config is another one of sequence {known.sequence} than was signed here"
    else:
        return
    raise StoreError(told, hint=f"sig setup {known.key}")


def owner(workspace: Workspace, found: Configuration) -> Fingerprint | None:
    """Whose folder it is: who signed its configuration last, or the one that is `found`."""
    known = _last(workspace)
    return found.key if known is None else known.key


def configuration_file(
    workspace: Workspace, wanted: Configuration, signer: Signer | None
) -> dict[str, bytes | None]:
    """The file of this configuration, with the next sequence (docs/spec/folder §2, rule 1)."""
    known = _last(workspace)
    sequence = max(wanted.sequence or 0, known.sequence if known is not None else 0) + 1
    signed = wire.configuration_data(wanted._replace(sequence=sequence))
    if signer is None:
        return {layout.CONFIG: wire.unsigned(signed)}
    written = memory.Written(signer.key, sequence, strict.digest(signed))
    return {
        layout.CONFIG: wire.envelope(signer.key, signed, signer.sign(signed)),
        memory.CONFIGURATION: memory.write_written(written),
    }


def _last(workspace: Workspace) -> memory.Written | None:
    raw = workspace.home.read(memory.CONFIGURATION)
    try:
        return None if raw is None else memory.read_written(raw)
    except StoreError:
        return None  # who came here was asked (rule 3)


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
        workspace.commit({**configuration_file(workspace, wanted, signer), **more})
        return workspace.config
