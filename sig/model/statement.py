"""What is claimed: one person's words about exact bytes (docs/spec/statement).

A statement does not say who made it; `attestation` adds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sig.model.identifier import Identifier

KNOWN_FIELDS = frozenset(
    {
        "id",
        "ok",
        "reviewed",
        "comment",
        "name",
        "size",
        "aliases",
        "manifest",
        "base",
        "scope",
        "method",
        "criteria",
        "evidence",
        "expires",
        "exclude",
        "withdrawn",
        "needs",
    }
)


class Statement(NamedTuple):
    """The meaning of the signed `data`, which is kept whole beside it.

    `odd` names the rule that the data breaks. Such a statement is only made where it is
    negative and its id is sound: a warning stands whatever else is odd in it.
    """

    id: Identifier
    ok: bool
    reviewed: bool
    data: Mapping[str, Any]
    comment: str = ""
    method: str = "human"
    base: str | None = None
    scope: tuple[str, ...] | None = None
    criteria: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    manifest: Identifier | None = None
    exclude: tuple[str, ...] = ()
    expires: int | None = None
    withdrawn: bool = False
    odd: str | None = None

    @property
    def negative(self) -> bool:
        """A warning: not ok, and not merely taken back."""
        return not self.ok and not self.withdrawn

    @property
    def positive(self) -> bool:
        """Says ok."""
        return self.ok

    @property
    def topic(self) -> tuple[str, str | None]:
        """A newer word ends an older one of equal id and topic (docs/spec/statement §4)."""
        return (self.method, self.base)

    @property
    def unknown_needs(self) -> tuple[str, ...]:
        """Fields without which this is misread, and which this program does not know."""
        return tuple(name for name in self.needs if name not in KNOWN_FIELDS)
