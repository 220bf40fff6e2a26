"""Warnings about single files of a tree: which reach the bytes that were asked about.

C1  A warning with `scope` marks the files that it names, besides the whole: the bytes that the
    manifest has at those paths, wherever they lie. Without `scope` it marks the whole alone, else
    one bad package would mark the empty file.
C2  Only those of trusted keys are looked at; they are filed by key, so strangers cost nothing.
C3  With each comes all that its signer said about that tree: what ended it ends it here too.
C4  Which bytes are meant stands in the manifest. Where the folder has none of that name, a note
    says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sig.model.attestation import Malformed
from sig.model.identifier import Identifier, filed_by_scope
from sig.repo import objects

if TYPE_CHECKING:
    from sig.model.statement import Statement
    from sig.repo.index import Row
    from sig.verbs.workspace import Workspace


def scoped(workspace: Workspace, ids: Collection[Identifier]) -> Mapping[Identifier, list[Row]]:
    """What is to be weighed about these bytes besides what is filed under them."""
    from sig.verbs.workspace import read_row

    filed = workspace.rows([filed_by_scope(key) for key in sorted(workspace.config.trust)])
    if not filed:
        return {}
    asked = frozenset(ids)
    found: dict[Identifier, list[Row]] = {}
    for row in (row for listed in filed.values() for row in listed):
        one = read_row(row)
        if isinstance(one, Malformed) or one.key not in workspace.config.trust:
            continue
        meant = _meant(workspace, one.statement)
        if meant is None:
            if workspace.weigh([row])[0].attestation is not None:  # anyone can claim a key
                workspace.note(
                    f"a warning about files of {one.statement.manifest} counts for the whole "
                    "alone: their list is not here (sig fetch)"
                )
            continue
        for id in meant & asked:
            found.setdefault(id, []).append(row)
            same = workspace.rows([one.statement.id]).get(one.statement.id, ())
            found[id] += [other for other in same if one.key.encode() in other.text]
    return found


def _meant(workspace: Workspace, said: Statement) -> set[Identifier] | None:
    """The bytes at the paths that a warning names (C1); None where the list is not here (C4)."""
    if said.manifest is None or not said.scope:
        return set()
    text = objects.read(workspace.home, said.manifest)
    if text is None:
        return None
    found = set()
    for path in said.scope:
        end = f"  {path}\n".encode()
        at = text.find(end) if not text.startswith(end, 64) else 64
        while at >= 64:
            # The path of a line, not the end of another's: 64 digits and nothing stand before it.
            if at == 64 or text[at - 65 : at - 64] == b"\n":
                found.add(Identifier(f"sha256:{text[at - 64 : at].decode('ascii')}"))
                break
            at = text.find(end, at + 1)
    return found
