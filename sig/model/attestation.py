"""A statement and who signed it: the border between what was read and what was proved.

`UnverifiedAttestation` is what any remote can write. `Attestation` is made by `sig.gpg` alone,
after the mathematics and the binding of the key held. Whether the signer counts is neither's
matter.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sig.model.fingerprint import Fingerprint
from sig.model.standing import Standing
from sig.model.statement import Statement


class UnverifiedAttestation(NamedTuple):
    """A well-formed envelope around a statement. Nothing in it is proved.

    `signed` are the bytes that the signature must cover, `sig` is one OpenPGP signature packet,
    `tst` a time stamp token in base64, as it was read.
    """

    statement: Statement
    key: Fingerprint
    signed: bytes
    sig: bytes
    tst: str | None = None

    @property
    def digest(self) -> str:
        """Names this envelope, signature included (64 hex digits)."""
        return hashlib.sha256(
            b"%s\0%s\0%s" % (self.key.encode(), self.signed, self.sig)
        ).hexdigest()


class Attestation(NamedTuple):
    """A statement whose signature was made by a key of `key`'s certificate.

    `signed_at` and `signature_expires` are seconds since 1970; `key_end` is when the key ends or
    ended, as far as its certificate says now. That a signature is in the future or has expired is
    decided with a clock, in `sig.trust`.
    """

    statement: Statement
    key: Fingerprint
    signed: bytes
    sig: bytes
    signed_at: int
    signature_expires: int | None
    standing: Standing
    why: str
    key_end: int | None
    tst: str | None = None

    @property
    def same(self) -> tuple[str, bytes, int]:
        """Envelopes that are equal in this are one statement (docs/spec/envelope §8)."""
        return (self.key, self.signed, self.signed_at)


class Malformed(NamedTuple):
    """A statement that was skipped, and why. Shown, never counted.

    `id` and `key` are what it was filed under and claims, where that much could be read.
    """

    id: str
    key: str | None
    why: str
