"""How a signature whose mathematics hold stands against the life of its key.

Only the word lives here, so that the decision can read it without knowing OpenPGP; `sig.gpg.verify`
finds it (docs/spec/envelope §6).
"""

from __future__ import annotations

from enum import Enum


class Standing(Enum):
    """What the key was when it signed, as its certificate tells it today."""

    SOUND = "sound"
    REVOKED_HARD = "key-revoked-hard"
    REVOKED_SOFT = "key-revoked-soft"
    EXPIRED = "key-expired"
