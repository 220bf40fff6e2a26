"""A fingerprint names one OpenPGP certificate by its primary key. Short ids name nothing."""

from __future__ import annotations


class Fingerprint(str):
    """Upper-case hex of a primary key: 40 digits (version 4) or 64 (version 6).

    Raises ValueError for anything else: version 3 and 5 keys cannot be named (docs/spec/envelope
    §2).
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Fingerprint:
        # A reader of what others wrote may hold anything.
        if not isinstance(text, str) or len(text) not in (40, 64) or text.strip("0123456789ABCDEF"):
            raise ValueError("not a full fingerprint in upper-case hex")
        return super().__new__(cls, text)

    @property
    def short(self) -> str:
        """The last eight digits, for people. Never enough to choose a key."""
        return self[-8:]
