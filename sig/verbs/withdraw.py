"""Take back an own statement: everything older about the id ends, for everyone who fetches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sig.errors import NotFound
from sig.model.identifier import Identifier
from sig.verbs import own
from sig.verbs.attest import Attested, sign_statements

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


def withdraw(
    workspace: Workspace, file: str, id: Identifier, passphrase: str | None = None
) -> Attested:
    """Sign that the own statements about `id` no longer hold. Raises NotFound without one."""

    def check() -> None:
        read = own.repository(workspace)
        mine = [] if read is None else [one for one in read.attestations if one.statement.id == id]
        if not any(not one.statement.withdrawn for one in mine):
            raise NotFound(f"there is no statement of yours about {id}")

    data = {"id": str(id), "ok": False, "reviewed": False, "withdrawn": True}
    (one,) = sign_statements(workspace, [data], passphrase, check)
    return Attested(file, data, one.key)
