"""Which algorithms count, and whether the mathematics of a signature hold.

The primitives are those of `cryptography`; what is ours is which bytes they are given (RFC 9580
§5.2.4). `sig.gpg.verify` comes here only where pysequoia says no or cannot say: certificates are
read at any time, while that library judges at "now" and by its own policy. `cryptography` is
imported at the first need, because it costs as much as everything else that a verification does.

Nothing here knows of time, bindings or flags.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from sig.gpg.packets import (
    DSA,
    ECDSA,
    ED448,
    ED25519,
    EDDSA,
    RSA,
    RSA_SIGN,
    KeyPacket,
    SignaturePacket,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    Check = Callable[[SignaturePacket, bytes], None]

# docs/spec/envelope §3. The names are for people: "SHA-1 does not count".
_STRONG_HASHES = {8: "sha256", 9: "sha384", 10: "sha512"}
# Computed all the same: a revocation is one whatever it was made with, and a weak self-signature
# may be the newest.
_WEAK_HASHES = {1: "md5", 2: "sha1", 11: "sha224", 12: "sha3_256", 14: "sha3_512"}
_HASH_NAMES = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160", 11: "SHA-224", 12: "SHA3-256", 14: "SHA3-512"}
_STRONG_KEYS = frozenset((RSA, RSA_SIGN, ECDSA, EDDSA, ED25519, ED448))
_KEY_NAMES = {16: "ElGamal", DSA: "DSA", 20: "ElGamal"}

_ED25519_OID = bytes.fromhex("2b06010401da470f01")
_STRONG_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "SECP256R1",
    bytes.fromhex("2b81040022"): "SECP384R1",
    bytes.fromhex("2b81040023"): "SECP521R1",
}
# Verified so that an old certificate can be shown; their signatures never count.
_WEAK_CURVES = {
    bytes.fromhex("2b8104000a"): "SECP256K1",
    bytes.fromhex("2b2403030208010107"): "BrainpoolP256R1",
    bytes.fromhex("2b240303020801010b"): "BrainpoolP384R1",
    bytes.fromhex("2b240303020801010d"): "BrainpoolP512R1",
}
_RSA_BITS = 2048
# A modulus or exponent without bound is minutes of work for whoever verifies.
_RSA_MOST_BITS = 16_384
_RSA_EXPONENT_BITS = 64


def weak_signature(claim: SignaturePacket) -> str:
    """Why the algorithms that a signature names do not count, "" if they do."""
    if claim.hash_algorithm not in _STRONG_HASHES:
        return _HASH_NAMES.get(claim.hash_algorithm, f"hash algorithm {claim.hash_algorithm}")
    if claim.key_algorithm not in _STRONG_KEYS:
        return _KEY_NAMES.get(claim.key_algorithm, f"key algorithm {claim.key_algorithm}")
    return ""


def weak_key(key: KeyPacket) -> str:
    """Why the signatures of a key do not count, "" if they do."""
    if key.algorithm in (RSA, RSA_SIGN):
        modulus, exponent = key.values
        bits = int.from_bytes(modulus, "big").bit_length()
        if not _RSA_BITS <= bits <= _RSA_MOST_BITS:
            return f"RSA with {bits} bits"
        return "" if len(exponent) * 8 <= _RSA_EXPONENT_BITS else "RSA with a giant exponent"
    if key.algorithm == ECDSA:
        curve = key.values[0]
        return "" if curve in _STRONG_CURVES else _WEAK_CURVES.get(curve, "an unknown curve")
    if key.algorithm == EDDSA:
        return "" if key.values[0] == _ED25519_OID else "an unknown curve"
    if key.algorithm in _STRONG_KEYS:
        return ""
    return _KEY_NAMES.get(key.algorithm, f"key algorithm {key.algorithm}")


def fingerprint(key: KeyPacket) -> bytes:
    """20 bytes of a version 4 key, 32 of a version 6 one."""
    if key.version == 4:
        return hashlib.sha1(key.framed, usedforsecurity=False).digest()
    return hashlib.sha256(key.framed).digest()


def digest(claim: SignaturePacket, *parts: bytes) -> bytes | None:
    """What a signature signs of `parts`, None for a hash that we do not compute."""
    name = _STRONG_HASHES.get(claim.hash_algorithm) or _WEAK_HASHES.get(claim.hash_algorithm)
    if name is None:
        return None
    state = hashlib.new(name, claim.salt, usedforsecurity=False)
    for part in parts:
        state.update(part)
    state.update(claim.trailer)
    return state.digest()


def holds(key: KeyPacket, claim: SignaturePacket, *parts: bytes) -> bool:
    """Whether `key` made the signature over `parts`, weak algorithms included.

    Says nothing about whether it may, or when.
    """
    if claim.key_algorithm != key.algorithm or claim.version != key.version:
        return False
    check = _check(key)
    hashed = None if check is None else digest(claim, *parts)
    if check is None or hashed is None:
        return False
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        check(claim, hashed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


@lru_cache(maxsize=128)
def _check(key: KeyPacket) -> Check | None:
    """What raises unless the key signed a digest; None for a key that cannot be used."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        if key.algorithm in (RSA, RSA_SIGN):
            return _rsa(key)
        if key.algorithm == DSA:
            return _dsa(key)
        if key.algorithm == ECDSA:
            return _ecdsa(key)
        if key.algorithm in (EDDSA, ED25519):
            return _ed25519(key)
        if key.algorithm == ED448:
            return _ed448(key)
    except (ValueError, UnsupportedAlgorithm):
        pass
    return None


def _prehashed(claim: SignaturePacket) -> Prehashed:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    known: dict[int, type[hashes.HashAlgorithm]] = {
        1: hashes.MD5,
        2: hashes.SHA1,
        8: hashes.SHA256,
        9: hashes.SHA384,
        10: hashes.SHA512,
        11: hashes.SHA224,
        12: hashes.SHA3_256,
        14: hashes.SHA3_512,
    }
    return Prehashed(known[claim.hash_algorithm]())


def _rsa(key: KeyPacket) -> Check | None:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    modulus, exponent = (int.from_bytes(value, "big") for value in key.values)
    if modulus.bit_length() > _RSA_MOST_BITS or exponent.bit_length() > _RSA_EXPONENT_BITS:
        return None
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    size = (modulus.bit_length() + 7) // 8

    def check(claim: SignaturePacket, hashed: bytes) -> None:
        (value,) = claim.values
        public.verify(value.rjust(size, b"\0"), hashed, padding.PKCS1v15(), _prehashed(claim))

    return check


def _dsa(key: KeyPacket) -> Check | None:
    from cryptography.hazmat.primitives.asymmetric import dsa

    if len(key.values[0]) > 1024:
        return None
    p, q, g, y = (int.from_bytes(value, "big") for value in key.values)
    public = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()

    def check(claim: SignaturePacket, hashed: bytes) -> None:
        public.verify(_der(claim), hashed, _prehashed(claim))

    return check


def _ecdsa(key: KeyPacket) -> Check | None:
    from cryptography.hazmat.primitives.asymmetric import ec

    curve, point = key.values
    name = _STRONG_CURVES.get(curve) or _WEAK_CURVES.get(curve)
    if name is None:
        return None
    public = ec.EllipticCurvePublicKey.from_encoded_point(getattr(ec, name)(), point)

    def check(claim: SignaturePacket, hashed: bytes) -> None:
        public.verify(_der(claim), hashed, ec.ECDSA(_prehashed(claim)))

    return check


def _der(claim: SignaturePacket) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    r, s = (int.from_bytes(value, "big") for value in claim.values)
    return encode_dss_signature(r, s)


def _ed25519(key: KeyPacket) -> Check | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    point = key.values[-1]
    if key.algorithm == EDDSA:
        # A native point, after the octet that says so (RFC 9580 §11.2.1).
        if key.values[0] != _ED25519_OID or len(point) != 33 or point[0] != 0x40:
            return None
        point = point[1:]
    public = Ed25519PublicKey.from_public_bytes(point)

    def check(claim: SignaturePacket, hashed: bytes) -> None:
        public.verify(b"".join(value.rjust(len(point), b"\0") for value in claim.values), hashed)

    return check


def _ed448(key: KeyPacket) -> Check | None:
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey

    public = Ed448PublicKey.from_public_bytes(key.values[0])

    def check(claim: SignaturePacket, hashed: bytes) -> None:
        public.verify(claim.values[0], hashed)

    return check
