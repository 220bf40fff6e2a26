"""How a signature stands that its key really made: what the key's own history says of it."""

from __future__ import annotations

from enum import Enum


class Standing(Enum):
    """Sound, or the end of the key that takes the signature (docs/spec/envelope §6)."""

    SOUND = "sound"
    REVOKED_HARD = "key-revoked-hard"
    REVOKED_SOFT = "key-revoked-soft"
    EXPIRED = "key-expired"
