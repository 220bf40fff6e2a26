"""Who signed these bytes, and how that signature stands against the life of its key.

The steps, in this order; every refusal names the first that fails (docs/spec/envelope §3, §6):

1. Shape: one signature packet as `sig.gpg.packets` reads it             → ``invalid``
2. Type: over a binary document                                          → ``invalid``
3. Algorithms that the signature names                                   → ``weak``
4. Look-up: the certificate is known and holds the key that is named     → ``unknown-key``
   and that key and its primary are strong                               → ``weak``
5. Mathematics. They come before everything that depends on a time, so
   that a forgery is never called expired                                → ``invalid``
6. Not made before the key or its primary existed                        → ``invalid``
7. Binding: a proven self-signature governs that time, and a subkey's
   binding                                                               → ``invalid``
   whose algorithms count                                                → ``weak``
8. Flags: able to sign, and a subkey agreed to its binding               → ``invalid``
9. Revocations, hard before soft, then expiry                            → `Standing`

pysequoia is asked first, with a certificate of the governing self-signature and binding only, and
its yes settles 5, 7 and the mathematics of 8. Its no settles nothing: it judges at "now", while
statements are older than the renewed copy of a certificate, or ahead. Then 5, 7 and 8 are decided
by the mathematics of `cryptography` over the same bytes.

There is no clock here: whether a time lies ahead or a signature's own expiry has passed is decided
where a clock is.
"""

from __future__ import annotations

from typing import NamedTuple

import pysequoia

from sig.errors import SignatureError
from sig.gpg import mathematics, packets
from sig.gpg.certificate import Bond, Certificate, KeyLife, Revoked, day
from sig.gpg.packets import SignaturePacket
from sig.model import limits
from sig.model.fingerprint import Fingerprint
from sig.model.standing import Standing

_SIGN = 0x02
# One, or several whose short ids are equal.
_MOST_NAMED = 4


class Signature(NamedTuple):
    """A signature that was made by a key of `signer` over the bytes it was checked with.

    Times are epoch seconds. Whether it counts is not said here: its `standing` may be bad, its
    time may lie ahead, its own expiry may have passed, its signer may be a stranger.
    """

    signer: Fingerprint
    signing_key: Fingerprint
    made_at: int
    expires_at: int | None
    standing: Standing
    why: str
    """For people, where the standing is not sound."""
    key_end: int | None
    """The earliest end of the signing key as known now: expiry or revocation, also the primary's.
    A statement first met after it may have been signed by a thief, in the past."""


def check(
    signed: bytes, sig: bytes, key: Fingerprint, certificate: Certificate | None
) -> Signature:
    """The signature `sig` over `signed` by the certificate `key`, and by no other.

    Raises SignatureError with the state ``unknown-key``, ``invalid`` or ``weak``.
    """
    claim = packets.read_signature(sig)  # 1
    if claim.type != packets.BINARY:  # 2
        raise SignatureError("not a signature over a binary document")
    weak = mathematics.weak_signature(claim)  # 3
    if weak:
        raise SignatureError(f"{weak} does not count", state="weak")
    if certificate is None or certificate.fingerprint != key:  # 4
        raise SignatureError("the key is not known", state="unknown-key")
    if not claim.issuers:
        raise SignatureError("the signature names no key")
    primary = certificate.primary
    candidates = certificate.named(claim.issuers)
    if not candidates:
        raise SignatureError("made by a key that the certificate lacks", state="unknown-key")
    if len(candidates) > _MOST_NAMED:
        # Each would be tried, and a certificate may have dozens.
        raise SignatureError("the signature names too many keys")
    _strong(primary.weakness)
    at = claim.made_at
    for life in candidates:
        _strong(life.weakness)
        bonds = _library_accepts(certificate, life, claim, signed)
        if bonds or mathematics.holds(life.key, claim, signed):  # 5
            break
    else:
        raise SignatureError("the signature is not over these bytes by this key")
    if at < life.key.created or at < primary.key.created:  # 6
        raise SignatureError("signed before the key existed")
    own, bond = bonds or _bonds(primary, life, at)  # 7
    _strong(own.weakness, " in a self-signature")
    _strong(bond.weakness, " in a binding")
    _able(life, bond)  # 8
    standing, why = _standing(at, primary, own, life, bond)  # 9
    ends = [end for end in (primary.end, life.end) if end is not None]
    return Signature(
        signer=certificate.fingerprint,
        signing_key=life.name,
        made_at=at,
        expires_at=at + claim.period if claim.period else None,
        standing=standing,
        why=why,
        key_end=min(ends, default=None),
    )


def _strong(weakness: str, where: str = "") -> None:
    if weakness:
        raise SignatureError(f"{weakness}{where} does not count", state="weak")


def _library_accepts(
    certificate: Certificate, life: KeyLife, claim: SignaturePacket, signed: bytes
) -> tuple[Bond, Bond] | None:
    """The self-signature and the binding that govern if pysequoia accepts the signature by this
    key, which proves them; None where it does not.
    """
    own = certificate.primary.guess(claim.made_at)
    bond = own if life.primary is None else life.guess(claim.made_at)
    if own is None or bond is None:
        return None
    back = None
    if life.primary:
        back = _library_asks(bond)
        if back is None:
            return None
    # The unhashed part is nobody's word: junk in it makes the library refuse good signatures.
    framed = packets.packet(packets.SIGNATURE, claim.body(packets.issuer(life.fingerprint)))
    try:
        trial = certificate.trial(own, bond)
        said = pysequoia.verify(
            bytes=signed,
            store=lambda ids: [trial],
            signature=pysequoia.Sig.from_bytes(framed),
        ).valid_sigs
    except Exception:  # its only way to say no
        return None
    if len(said) != 1 or said[0].certificate.upper() != certificate.fingerprint:
        return None
    if said[0].signing_key.upper() != life.name:
        return None
    own.proven = bond.proven = True
    if back is not None:
        bond.back = back
    return own, bond


def _library_asks(bond: Bond) -> SignaturePacket | None:
    """The one agreement to a binding without which pysequoia accepts nothing by the subkey; None
    where it asks for none, for another, or for any of several.

    It has the key flags of a binding without any from the direct-key signature, and asks for an
    agreement only where they stand in the binding itself: a key that was bound without its
    owner's doing would sign. And it takes an agreement that is not read here: a second one, one
    that readers would read differently, a giant.
    """
    claim = bond.claim
    if not (claim.flags or 0) & _SIGN or len(claim.embedded) != 1:
        return None
    # A giant is left out of `embedded`, and would be longer than this.
    if len(claim.raw) > limits.BACK_SIGNATURE or len(bond.backs) != 1:
        return None
    (back,) = bond.backs
    return None if mathematics.weak_signature(back) else back


def _bonds(primary: KeyLife, life: KeyLife, at: int) -> tuple[Bond, Bond]:
    own = primary.governing(at)
    bond = own if life is primary else life.governing(at)
    if own is None or bond is None:
        raise SignatureError("the key is not bound by its certificate")
    return own, bond


def _able(life: KeyLife, bond: Bond) -> None:
    flags = bond.claim.flags
    if flags is None and life.key.version == 4:
        flags = _SIGN  # keys of the nineties say nothing; every reader lets them sign
    if not (flags or 0) & _SIGN:
        raise SignatureError("the key may not sign")
    if life.primary is not None:
        back = life.agreed(bond)
        if back is None:
            raise SignatureError("the subkey never agreed to its binding")
        _strong(mathematics.weak_signature(back), " in a binding")


def _standing(
    at: int, primary: KeyLife, own: Bond, life: KeyLife, bond: Bond
) -> tuple[Standing, str]:
    if primary.revoked or life.revoked:
        named = [(primary, "the key"), (life, "the subkey")][: 1 if life is primary else 2]
        for hard in (True, False):
            for one, word in named:
                for revoked in one.revoked:
                    if revoked.hard is hard and (hard or at >= revoked.at):
                        found = Standing.REVOKED_HARD if hard else Standing.REVOKED_SOFT
                        return found, _revoked(word, revoked)
    for end, word in ((own.end, "the key"), (bond.end, "the subkey")):
        if end is not None and at >= end:
            return Standing.EXPIRED, f"{word} expired on {day(end)}, before it signed"
    return Standing.SOUND, ""


def _revoked(word: str, revoked: Revoked) -> str:
    return f"{word} was revoked on {day(revoked.at)} ({revoked.why})"
