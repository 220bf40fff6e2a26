"""Numbers at the edges of the mathematics: what a library may take and another one not."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.gpg.conftest import _smith
from tests.native.agreement import Question

SMITH: Any = _smith()

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
ED448_ORDER = 2**446 - 0x8335DC163BB124B65129C96FDE933D8D723A70AADC873D6D54A7BB0D
ORDERS = {
    "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "p384": int("F" * 48 + "C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    "p521": int(
        "1" + "F" * 65 + "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409", 16
    ),
}
# The heads of a DigestInfo (RFC 8017 §9.2, note 1).
INFOS = {
    1: "3020300c06082a864886f70d020505000410",
    2: "3021300906052b0e03021a05000414",
    8: "3031300d060960864801650304020105000420",
    9: "3041300d060960864801650304020205000430",
    10: "3051300d060960864801650304020305000440",
    11: "302d300d06096086480165030402040500041c",
    12: "3031300d060960864801650304020805000420",
    14: "3051300d060960864801650304020a05000440",
}


class OddNumbers(SMITH.Key):  # type: ignore[misc]
    """A key whose public point and signatures are then changed."""

    point: Any = None
    change: Any = None

    @property
    def body(self) -> bytes:
        body = bytes(super().body)
        if self.point is None:
            return body
        # Of ECDSA: version, time, algorithm, curve, and the point as a number.
        end = 7 + body[6]
        return body[:end] + bits(self.point(body[end + 2 :]))

    def numbers(self, digest: bytes, algorithm: int) -> bytes:
        made = bytes(super().numbers(digest, algorithm))
        return made if self.change is None else bytes(self.change(made))


def bits(value: bytes) -> bytes:
    """A number of these bytes, leading zeros included."""
    return (len(value) * 8).to_bytes(2, "big") + value


class OddRsa(SMITH.Key):  # type: ignore[misc]
    """An RSA key of primes and an exponent that no program would choose."""

    def __init__(self, primes: list[int], exponent: int) -> None:
        self.kind, self.created, self.version = "rsa", SMITH.BORN, 4
        self.exponent, self.modulus, self.primes = exponent, math.prod(primes), primes
        self.change: Any = None

    @property
    def body(self) -> bytes:
        head = b"\4" + SMITH.four(self.created) + b"\1"
        return bytes(head + SMITH.mpi(self.modulus) + SMITH.mpi(self.exponent))

    def numbers(self, digest: bytes, algorithm: int) -> bytes:
        size = (self.modulus.bit_length() + 7) // 8
        told = bytes.fromhex(INFOS[algorithm]) + digest
        padded = b"\0\1" + b"\xff" * (size - 3 - len(told)) + b"\0" + told
        number, value = int.from_bytes(padded, "big"), 0
        for prime in self.primes:
            root = pow(number % prime, pow(self.exponent, -1, prime - 1) or 1, prime)
            others = self.modulus // prime
            value += root * others * pow(others, -1, prime)
        value %= self.modulus
        assert pow(value, self.exponent, self.modulus) == number
        return bytes(SMITH.mpi(value if self.change is None else self.change(value)))


EXPONENTS = (3, 5, 17, 65537, 2**32 + 15, 2**33 - 9, 2**33 + 17, 2**40 + 15, 2**64 - 59)
EXPONENTS += (2**64 + 13, 2**80 + 13)


def primes_of(count: int) -> list[int]:
    """So many different primes of 512 bits, the two highest bits of each set, for any exponent."""
    found: list[int] = []
    while len(found) < count:
        numbers = rsa.generate_private_key(65537, 1024).private_numbers()  # noqa: S505 (for its primes)
        for prime in (numbers.p, numbers.q):
            if all(math.gcd(prime - 1, exponent) == 1 for exponent in EXPONENTS):
                found.append(prime)
    return found[:count]


def pair(made: bytes) -> tuple[int, int]:
    """The two numbers of an ECDSA signature."""
    size = (int.from_bytes(made[:2], "big") + 7) // 8 + 2
    return int.from_bytes(made[2:size], "big"), int.from_bytes(made[size + 2 :], "big")


def edge_keys() -> Iterator[tuple[str, Any]]:
    """Keys that sign oddly, with a name that says how."""
    for kind, order in ORDERS.items():
        ways: dict[str, Any] = {
            "as it is": lambda r, s, n: (r, s),
            "the other s": lambda r, s, n: (r, n - s),
            "s above the order": lambda r, s, n: (r, s + n),
            "r above the order": lambda r, s, n: (r + n, s),
            "r is 0": lambda r, s, n: (0, s),
            "s is 0": lambda r, s, n: (r, 0),
            "s is the order": lambda r, s, n: (r, n),
            "both are 1": lambda r, s, n: (1, 1),
        }
        for way, changed in ways.items():
            key = OddNumbers(kind)
            key.change = lambda made, n=order, f=changed: b"".join(
                map(SMITH.mpi, f(*pair(made), n))
            )
            yield f"{kind}: {way}", key
        half: dict[str, Any] = {
            "compressed": lambda p: bytes((2 + (p[-1] & 1),)) + p[1 : 1 + len(p) // 2],
            "compressed, the other sign": lambda p: (
                bytes((3 - (p[-1] & 1),)) + p[1 : 1 + len(p) // 2]
            ),
            "compact": lambda p: b"\5" + p[1 : 1 + len(p) // 2],
            "hybrid": lambda p: bytes((6 + (p[-1] & 1),)) + p[1:],
            "not on the curve": lambda p: p[:-1] + bytes((p[-1] ^ 1,)),
            "at infinity": lambda p: b"\0",
            "nothing": lambda p: b"",
            "a byte too long": lambda p: p + b"\0",
            "a zero before": lambda p: b"\0" + p,
        }
        for way, point in half.items():
            key = OddNumbers(kind)
            key.point = point
            yield f"{kind}: point {way}", key

    def little(made: bytes, more: int) -> bytes:
        r, s = made[: len(made) // 2], made[len(made) // 2 :]
        return r + (int.from_bytes(s, "little") + more).to_bytes(len(s), "little")

    native: list[tuple[str, str, Any]] = [
        ("ed25519", "s above the order", lambda made: little(made, ED25519_ORDER)),
        ("ed25519", "s with its high bit", lambda made: made[:-1] + bytes((made[-1] | 0x80,))),
        ("ed448", "s above the order", lambda made: little(made, ED448_ORDER)),
        ("ed448", "s with a last byte", lambda made: made[:-1] + b"\1"),
        ("ed448", "r with a bit below its sign", lambda made: changed_at(made, 56, 1)),
        ("ed448", "r with its sign turned", lambda made: changed_at(made, 56, 0x80)),
        ("ed25519", "r is 0", lambda made: bytes(32) + made[32:]),
        ("ed448", "r is 0", lambda made: bytes(57) + made[57:]),
    ]
    for kind, way, change in native:
        for version in (4, 6):
            key = OddNumbers(kind, version=version)
            key.change = change
            yield f"{kind} v{version}: {way}", key
    legacy = OddNumbers("eddsa")
    legacy.change = lambda made: (
        SMITH.mpi(pair(made)[0]) + bits(little(pair(made)[1].to_bytes(32, "big"), 0))
    )
    yield "eddsa: zeros before a number", legacy
    yield "eddsa in version 6", OddNumbers("eddsa", version=6)
    primes = primes_of(34)
    for exponent in EXPONENTS:
        yield f"rsa: exponent {exponent}", OddRsa(primes[:4], exponent)
    for count in (2, 3, 5, 8, 9, 16, 32):
        yield f"rsa: {count} primes", OddRsa(primes[:count], 65537)
    yield "rsa: an even modulus", OddRsa([2, *primes[:4]], 65537)
    yield "rsa: an exponent of 1", OddRsa(primes[:4], 1)
    yield "rsa: above the most bits", OddRsa(primes[:33], 65537)
    for size in (4, 9):
        for way, change in (
            ("s above the modulus", lambda s, n: s + n),
            ("the other s", lambda s, n: n - s),
            ("s is 0", lambda s, n: 0),
            ("s is 1", lambda s, n: 1),
        ):
            odd = OddRsa(primes[:size], 65537)
            odd.change = lambda s, n=odd.modulus, f=change: f(s, n)
            yield f"rsa of {size} primes: {way}", odd


def changed_at(made: bytes, where: int, turn: int) -> bytes:
    one = bytearray(made)
    one[where] ^= turn
    return bytes(one)


def edge_questions(odd: Any) -> Iterator[Question]:
    """The odd key as a signer, as one that signs its own certificate, and as a subkey."""
    straight, by_subkey = odd.change, SMITH.Key("ed25519", version=odd.version)
    sig = odd.sign(SMITH.SIGNED, SMITH.SPRING)
    odd.change = None
    plain = odd.public + odd.named()
    yield Question("merged", odd.fingerprint, SMITH.SIGNED, sig, (plain,))
    yield Question("stored", odd.fingerprint, SMITH.SIGNED, sig, (plain,))
    good = odd.sign(SMITH.SIGNED, SMITH.SPRING)
    odd.change = straight
    # Only RSA names the digest in what is signed.
    every = isinstance(odd, OddRsa) and len(odd.primes) in (4, 9) and straight is None
    for digest in (1, 2, 8, 9, 10, 11, 12, 14) if every else (10,):
        whole = odd.public + odd.named(digest=digest)
        yield Question("merged", odd.fingerprint, SMITH.SIGNED, good, (whole,))
        yield Question("stored", odd.fingerprint, SMITH.SIGNED, good, (whole,))
    whole = odd.public + odd.named(digest=8) + odd.revoke(SMITH.SUMMER, 2, digest=12)
    yield Question("merged", odd.fingerprint, SMITH.SIGNED, good, (whole,))
    # The same secret under the other version.
    other = copy.copy(odd)
    other.version = 10 - odd.version
    forged = other.sign(SMITH.SIGNED, SMITH.SPRING, named=False, hashed=odd.issuer)
    yield Question("merged", odd.fingerprint, SMITH.SIGNED, forged, (plain,))
    whole = by_subkey.public + by_subkey.named() + by_subkey.binds(odd, SMITH.BORN)
    yield Question("merged", by_subkey.fingerprint, SMITH.SIGNED, good, (whole,))
    yield Question("stored", by_subkey.fingerprint, SMITH.SIGNED, good, (whole,))
