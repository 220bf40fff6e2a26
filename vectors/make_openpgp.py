"""Makes vectors/openpgp/*.txt: one signature, the certificates met, and what holds about it.

    python vectors/make_openpgp.py            writes all of them anew, with fresh keys
    python vectors/make_openpgp.py NAME...    … those alone

Ordinary keys and signatures come from the programs that people use (gpg, sequoia). What those
refuse to make (two creation times, a subkey that never agreed, SHA-1 beside v6 …) is put together
by the `Key` below: framing by hand, primitives from `cryptography`. Nothing of `sig` is imported,
so that a mistake there cannot hide here. What a vector expects is written by hand beside it.

The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pysequoia
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = Path(__file__).parent / "openpgp"
SIGNED = b'{"comment": "read it twice", "id": "sha256:00", "ok": true, "reviewed": true}'
ALICE = b"alice <alice@example.org>"
BOB = b"bob <bob@example.org>"


def at(text: str) -> int:
    """Epoch seconds of a day or of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


YEAR = 365 * 86400
BORN = at("2020-01-01")
SPRING = at("2020-04-01")
SUMMER = at("2020-07-01")
NEXT = at("2021-02-01")
LATER = at("2022-03-01")

# ---- framing ------------------------------------------------------------------------------------


def mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes(
        (number.bit_length() + 7) // 8, "big"
    )


def packet(tag: int, body: bytes, header: str = "new") -> bytes:
    """A packet; `header` is new, old, five (octets), partial or indeterminate."""
    size = len(body)
    if header == "old":
        return bytes((0x80 | tag << 2 | 1,)) + size.to_bytes(2, "big") + body
    if header == "indeterminate":
        return bytes((0x80 | tag << 2 | 3,)) + body
    if header == "five":
        return bytes((0xC0 | tag, 255)) + size.to_bytes(4, "big") + body
    if header == "partial":
        return bytes((0xC0 | tag, 0xE0 | 6)) + body[:64] + bytes((size - 64,)) + body[64:]
    if size < 192:
        return bytes((0xC0 | tag, size)) + body
    size -= 192
    return bytes((0xC0 | tag, 192 + (size >> 8), size & 0xFF)) + body


def sub(kind: int, content: bytes, critical: bool = False) -> bytes:
    """A subpacket, its length in one octet or five."""
    size = len(content) + 1
    head = bytes((size,)) if size < 192 else b"\xff" + size.to_bytes(4, "big")
    return head + bytes((kind | (0x80 if critical else 0),)) + content


def four(number: int) -> bytes:
    return number.to_bytes(4, "big")


def notation(name: bytes, value: bytes, critical: bool) -> bytes:
    content = four(0x80000000) + len(name).to_bytes(2, "big") + len(value).to_bytes(2, "big")
    return sub(20, content + name + value, critical)


# ---- keys that do as they are told ---------------------------------------------------------------

HASHES: dict[int, Any] = {
    1: hashes.MD5(),
    2: hashes.SHA1(),
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
    12: hashes.SHA3_256(),
    14: hashes.SHA3_512(),
}
NAMES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
NAMES |= {12: "sha3_256", 14: "sha3_512"}
SALTS = {8: 16, 9: 24, 10: 32, 12: 16, 14: 32}
CURVES: dict[str, tuple[ec.EllipticCurve, str]] = {
    "p256": (ec.SECP256R1(), "2a8648ce3d030107"),
    "p384": (ec.SECP384R1(), "2b81040022"),
    "p521": (ec.SECP521R1(), "2b81040023"),
    "secp256k1": (ec.SECP256K1(), "2b8104000a"),
    "brainpoolp256": (ec.BrainpoolP256R1(), "2b2403030208010107"),
}
ED25519_OID = bytes.fromhex("2b06010401da470f01")


@dataclass(eq=False)
class Key:
    """A key that signs what it is told, however wrong. `kind`: eddsa, ed25519, ed448, rsa, dsa
    or a curve."""

    kind: str = "eddsa"
    created: int = BORN
    version: int = 4
    bits: int = 2048
    secret: Any = field(init=False)

    def __post_init__(self) -> None:
        if self.kind in ("eddsa", "ed25519"):
            self.secret = ed25519.Ed25519PrivateKey.generate()
        elif self.kind == "ed448":
            self.secret = ed448.Ed448PrivateKey.generate()
        elif self.kind == "rsa":
            self.secret = rsa.generate_private_key(65537, self.bits)
        elif self.kind == "dsa":
            self.secret = dsa.generate_private_key(self.bits)
        else:
            self.secret = ec.generate_private_key(CURVES[self.kind][0])

    @property
    def algorithm(self) -> int:
        known = {"eddsa": 22, "ed25519": 27, "ed448": 28, "rsa": 1, "dsa": 17}
        return known.get(self.kind, 19)

    @property
    def body(self) -> bytes:
        public = self.secret.public_key()
        if self.kind in ("eddsa", "ed25519", "ed448"):
            material = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
            if self.kind == "eddsa":
                oid = bytes((len(ED25519_OID),)) + ED25519_OID
                material = oid + mpi(int.from_bytes(b"\x40" + material, "big"))
        elif self.kind == "rsa":
            numbers = public.public_numbers()
            material = mpi(numbers.n) + mpi(numbers.e)
        elif self.kind == "dsa":
            numbers = public.public_numbers()
            group = numbers.parameter_numbers
            material = b"".join(map(mpi, (group.p, group.q, group.g, numbers.y)))
        else:
            oid = bytes.fromhex(CURVES[self.kind][1])
            point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            material = bytes((len(oid),)) + oid + mpi(int.from_bytes(point, "big"))
        head = bytes((self.version,)) + four(self.created) + bytes((self.algorithm,))
        return head + (four(len(material)) if self.version == 6 else b"") + material

    @property
    def framed(self) -> bytes:
        if self.version == 4:
            return b"\x99" + len(self.body).to_bytes(2, "big") + self.body
        return b"\x9b" + four(len(self.body)) + self.body

    @property
    def raw_fingerprint(self) -> bytes:
        if self.version == 4:
            return hashlib.sha1(self.framed).digest()
        return hashlib.sha256(self.framed).digest()

    @property
    def fingerprint(self) -> str:
        return self.raw_fingerprint.hex().upper()

    @property
    def id(self) -> bytes:
        raw = self.raw_fingerprint
        return raw[-8:] if self.version == 4 else raw[:8]

    @property
    def issuer(self) -> bytes:
        return sub(33, bytes((self.version,)) + self.raw_fingerprint)

    def numbers(self, digest: bytes, algorithm: int) -> bytes:
        if self.kind in ("eddsa", "ed25519", "ed448"):
            made = self.secret.sign(digest)
            if self.kind != "eddsa":
                return bytes(made)
            return mpi(int.from_bytes(made[:32], "big")) + mpi(int.from_bytes(made[32:], "big"))
        hashed = Prehashed(HASHES[algorithm])
        if self.kind == "rsa":
            return mpi(int.from_bytes(self.secret.sign(digest, padding.PKCS1v15(), hashed), "big"))
        if self.kind == "dsa":
            made = self.secret.sign(digest, hashed)
        else:
            made = self.secret.sign(digest, ec.ECDSA(hashed))
        return b"".join(map(mpi, decode_dss_signature(made)))

    def sign(
        self,
        parts: bytes,
        made: int | None,
        *,
        kind: int = 0x00,
        digest: int = 10,
        hashed: bytes = b"",
        unhashed: bytes | None = None,
        named: bool = True,
        body: bool = False,
        header: str = "new",
        salt: int | None = None,
    ) -> bytes:
        """A signature packet of any type over any parts, `body` without its header."""
        area = b"" if made is None else sub(2, four(made))
        area += (self.issuer if named else b"") + hashed
        if unhashed is None:
            unhashed = sub(16, self.id) if self.version == 4 else b""
        head = bytes((self.version, kind, self.algorithm, digest))
        salted = b""
        if self.version == 4:
            head += len(area).to_bytes(2, "big") + area
            loose = len(unhashed).to_bytes(2, "big") + unhashed
        else:
            head += four(len(area)) + area
            loose = four(len(unhashed)) + unhashed
            salted = os.urandom(SALTS[digest] if salt is None else salt)
        trailer = bytes((self.version, 0xFF)) + four(len(head))
        sum_ = hashlib.new(NAMES[digest], salted + parts + head + trailer).digest()
        if self.version == 6:
            loose, salted = loose, bytes((len(salted),)) + salted
        made_body = head + loose + sum_[:2] + salted + self.numbers(sum_, digest)
        return made_body if body else packet(2, made_body, header)

    # What certificates are made of.

    @property
    def public(self) -> bytes:
        return packet(6, self.body)

    @property
    def as_subkey(self) -> bytes:
        return packet(14, self.body)

    def over_name(self, name: bytes) -> bytes:
        return self.framed + b"\xb4" + four(len(name)) + name

    def named(
        self,
        name: bytes = ALICE,
        made: int | None = None,
        *,
        flags: int | None = 3,
        expires: int | None = None,
        hashed: bytes = b"",
        bare: bool = False,
        **more: Any,
    ) -> bytes:
        """A user id with a self-signature, `bare` the signature alone."""
        area = b"" if flags is None else sub(27, bytes((flags,)))
        area += b"" if expires is None else sub(9, four(expires))
        more.setdefault("kind", 0x13)
        made = self.created if made is None else made
        claim = self.sign(self.over_name(name), made, hashed=area + hashed, **more)
        return claim if bare else packet(13, name) + claim

    def direct(
        self, made: int, *, flags: int | None = 3, expires: int | None = None, **more: Any
    ) -> bytes:
        area = b"" if flags is None else sub(27, bytes((flags,)))
        area += b"" if expires is None else sub(9, four(expires))
        return self.sign(self.framed, made, kind=0x1F, hashed=area, **more)

    def revoke(self, made: int, reason: int | None, **more: Any) -> bytes:
        area = b"" if reason is None else sub(29, bytes((reason,)) + b"because")
        return self.sign(self.framed, made, kind=0x20, hashed=area, **more)

    def binds(
        self,
        subkey: Key,
        made: int,
        *,
        flags: int | None = 2,
        expires: int | None = None,
        back: Key | None = None,
        back_digest: int = 10,
        agreed: bool = True,
        where: str = "unhashed",
        bare: bool = False,
        **more: Any,
    ) -> bytes:
        """A subkey with its binding; the back-signature by `back` (the subkey itself)."""
        area = b"" if flags is None else sub(27, bytes((flags,)))
        area += b"" if expires is None else sub(9, four(expires))
        parts = self.framed + subkey.framed
        unhashed = sub(16, self.id) if self.version == 4 else b""
        if agreed:
            own = (back or subkey).sign(parts, made, kind=0x19, digest=back_digest, body=True)
            if where == "hashed":
                area += sub(32, own)
            else:
                unhashed += sub(32, own)
        claim = self.sign(parts, made, kind=0x18, hashed=area, unhashed=unhashed, **more)
        return claim if bare else subkey.as_subkey + claim

    def revokes(self, subkey: Key, made: int, reason: int | None) -> bytes:
        area = b"" if reason is None else sub(29, bytes((reason,)) + b"because")
        return self.sign(self.framed + subkey.framed, made, kind=0x28, hashed=area)


# ---- vectors ------------------------------------------------------------------------------------


def iso(moment: int | None) -> str:
    if moment is None:
        return "none"
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


@dataclass
class Vector:
    """One scenario. `made` and the lines after it only where it verifies."""

    name: str
    comment: str
    expect: str
    key: str
    sig: bytes
    certificates: tuple[bytes, ...]
    signed: bytes = SIGNED
    made: int | None = None
    signing_key: str | None = None
    expires: int | None = None
    end: int | None = None

    def text(self) -> str:
        lines = [f"comment: {self.comment}", f"expect: {self.expect}", f"key: {self.key}"]
        if self.expect not in ("invalid", "weak", "unknown-key"):
            assert self.made is not None, self.name
            lines += [
                f"made-at: {iso(self.made)}",
                f"signing-key: {self.signing_key or self.key}",
                f"expires-at: {iso(self.expires)}",
                f"key-end: {iso(self.end)}",
            ]
        lines += ["", "signed: " + encoded(self.signed), "sig: " + encoded(self.sig)]
        lines += ["certificate: " + encoded(one) for one in self.certificates]
        return "\n".join(lines) + "\n"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


# ---- gpg ----------------------------------------------------------------------------------------


@dataclass
class Gpg:
    """A throw-away GnuPG whose clock stands where each call says."""

    home: str

    def __call__(self, moment: int, *words: str, data: bytes = b"") -> bytes:
        stamp = time.strftime("%Y%m%dT%H%M%S!", time.gmtime(moment))
        command = ["gpg", "--homedir", self.home, "--no-options", "--batch", "--yes", "--quiet"]
        command += ["--pinentry-mode", "loopback", "--passphrase", ""]
        command += ["--faked-system-time", stamp, "--allow-weak-digest-algos"]
        done = subprocess.run(command + list(words), input=data, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"gpg {' '.join(words)}: {done.stderr.decode()}")
        return done.stdout

    def new(
        self, moment: int, algorithm: str = "ed25519", usage: str = "sign", expire: str = "0"
    ) -> str:
        """A key for alice; its fingerprint."""
        before = set(self.known())
        name = ALICE.decode()
        self(moment, "--quick-generate-key", name, algorithm, usage, expire)
        (fingerprint,) = set(self.known()) - before
        return fingerprint

    def known(self) -> list[str]:
        listed = self(LATER, "--with-colons", "--list-keys").decode().splitlines()
        found, primary = [], False
        for line in listed:
            if line.startswith("pub:"):
                primary = True
            elif line.startswith("fpr:") and primary:
                found.append(line.split(":")[9])
                primary = False
        return found

    def subkeys(self, fingerprint: str) -> list[str]:
        listed = self(LATER, "--with-colons", "--list-keys", fingerprint).decode().splitlines()
        return [line.split(":")[9] for line in listed if line.startswith("fpr:")][1:]

    def sign(
        self, moment: int, fingerprint: str, *words: str, digest: str = "SHA512", mode: str = "-b"
    ) -> bytes:
        more = ["--digest-algo", digest, "-u", fingerprint + "!", *words, mode]
        return self(moment, *more, data=SIGNED)

    def export(self, fingerprint: str) -> bytes:
        return self(LATER, "--export", fingerprint)

    def revocation(self, moment: int, fingerprint: str, reason: int) -> bytes:
        """The certificate with a revocation for this reason, the home staying as it was."""
        answers = f"y\n{reason}\n\ny\n".encode()
        words = ["gpg", "--homedir", self.home, "--no-options", "--yes", "--no-tty", "--quiet"]
        words += ["--pinentry-mode", "loopback", "--passphrase", "", "--command-fd", "0"]
        stamp = time.strftime("%Y%m%dT%H%M%S!", time.gmtime(moment))
        words += ["--faked-system-time", stamp, "--gen-revoke", fingerprint]
        armored = subprocess.run(words, input=answers, capture_output=True, check=True).stdout
        inner = self(moment, "--dearmor", data=armored)
        raw = self.export(fingerprint)
        primary = (
            raw[: 2 + raw[1]] if raw[0] & 3 == 0 else raw[: 3 + int.from_bytes(raw[1:3], "big")]
        )
        return primary + inner


@contextmanager
def gnupg() -> Iterator[Gpg]:
    """A GnuPG home of its own, under a path short enough for its sockets."""
    home = tempfile.mkdtemp(prefix="og", dir="/tmp")
    try:
        yield Gpg(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


# ---- the scenarios: what ordinary programs make ---------------------------------------------------


def from_gpg() -> Iterator[Vector]:
    with gnupg() as gpg:
        for algorithm in ("ed25519", "rsa2048", "nistp256", "nistp384", "nistp521"):
            key = gpg.new(BORN, algorithm)
            whole = gpg.export(key)
            sig = gpg.sign(SPRING, key)
            yield Vector(
                f"gpg-{algorithm}", f"gpg, {algorithm}", "sound", key, sig, (whole,), made=SPRING
            )
        yield Vector(
            "wrong-data", "other bytes were signed", "invalid", key, sig, (whole,), SIGNED + b" "
        )
        yield Vector("unknown", "no certificate is known", "unknown-key", key, sig, ())
        other = gpg.new(SUMMER)
        yield Vector(
            "not-in-certificate",
            "made by a key that the certificate named does not hold",
            "unknown-key",
            key,
            gpg.sign(SUMMER, other),
            (whole,),
        )
        yield Vector(
            "before-key-gpg",
            "signed before the key existed",
            "invalid",
            other,
            gpg.sign(SPRING, other, "--ignore-time-conflict"),
            (gpg.export(other),),
        )
        for digest in ("SHA256", "SHA384"):
            yield Vector(
                f"hash-{digest.lower()}",
                f"gpg, {digest}",
                "sound",
                other,
                gpg.sign(LATER, other, digest=digest),
                (gpg.export(other),),
                made=LATER,
            )
        rsa_key = gpg.new(BORN, "rsa2048")
        whole = gpg.export(rsa_key)
        for digest in ("SHA1", "SHA224", "RIPEMD160"):
            yield Vector(
                f"hash-{digest.lower()}",
                f"gpg, {digest}",
                "weak",
                rsa_key,
                gpg.sign(SPRING, rsa_key, digest=digest),
                (whole,),
            )
        for algorithm in ("dsa2048", "rsa1024", "brainpoolP256r1", "secp256k1"):
            key = gpg.new(BORN, algorithm)
            yield Vector(
                f"key-{algorithm.lower()}",
                f"gpg, {algorithm}",
                "weak",
                key,
                gpg.sign(SPRING, key, digest="SHA256"),
                (gpg.export(key),),
            )

        yield from shapes(gpg, rsa_key, whole)
        for algorithm in ("rsa2048", "ed25519"):
            yield from renewed(gpg, algorithm)
        yield from revoked(gpg)
        yield from with_subkeys(gpg)


def shapes(gpg: Gpg, key: str, whole: bytes) -> Iterator[Vector]:
    """One signature in many wrappings; all but two are refused."""
    good = gpg.sign(SPRING, key)
    second = gpg.sign(SUMMER, key)
    start = 2 + (good[0] & 3)
    body = good[start:]
    for header in ("new", "five", "old"):
        yield Vector(
            f"header-{header}",
            f"re-framed with a header of {header} length",
            "sound",
            key,
            packet(2, body, header),
            (whole,),
            made=SPRING,
        )
    refused = {
        "header-partial": ("a partial length", packet(2, body, "partial")),
        "header-indeterminate": ("no length", packet(2, body, "indeterminate")),
        "two-good-bad": ("two packets, the first good", good + second[:-1] + b"\0"),
        "two-bad-good": ("two packets, the second good", second[:-1] + b"\0" + good),
        "two-good": ("the same packet twice", good + good),
        "trailing": ("a byte after the packet", good + b"\0"),
        "marker-before": ("a marker packet before it", packet(10, b"PGP") + good),
        "cut": ("its last byte is missing", good[:-1]),
        "empty": ("no byte at all", b""),
        "armor": ("in text form", gpg.sign(SPRING, key, "--armor")),
        "text-mode": ("over a text document", gpg.sign(SPRING, key, "--textmode")),
        "inline": ("a signed message in place of a signature", gpg.sign(SPRING, key, mode="-s")),
        "cleartext": ("a cleartext message", gpg.sign(SPRING, key, mode="--clearsign")),
        "number-longer": (
            "the number says to be longer",
            good[: len(good) - 258] + b"\x08\x09" + good[-256:],
        ),
    }
    for name, (comment, sig) in refused.items():
        yield Vector(f"shape-{name}", comment, "invalid", key, sig, (whole,))
    sig = gpg.sign(SPRING, key, "--default-sig-expire", "30d")
    yield Vector(
        "signature-expires",
        "the signature has an expiry of its own: whether it has passed is for a clock to say",
        "sound",
        key,
        sig,
        (whole,),
        made=SPRING,
        expires=SPRING + 30 * 86400,
    )


def renewed(gpg: Gpg, algorithm: str) -> Iterator[Vector]:
    """A key of a year, prolonged after it had ended: gpg drops the older self-signature."""
    key = gpg.new(BORN, algorithm, expire="1y")
    old = gpg.export(key)
    early = gpg.sign(SPRING, key)
    end = BORN + YEAR
    yield Vector(
        f"alive-then-{algorithm}",
        "expired since, alive when it signed",
        "sound",
        key,
        early,
        (old,),
        made=SPRING,
        end=end,
    )
    gpg(NEXT, "--quick-set-expire", key, "2y")
    new = gpg.export(key)
    late = gpg.sign(at("2021-06-01"), key)
    end = NEXT + 2 * YEAR
    for name, certificates in (("alone", (new,)), ("merged", (old, new)), ("reverse", (new, old))):
        yield Vector(
            f"renewed-{name}-{algorithm}",
            f"signed before the key was renewed; copies met: {name}",
            "sound",
            key,
            early,
            certificates,
            made=SPRING,
            end=end,
        )
        yield Vector(
            f"renewed-{name}-later-{algorithm}",
            f"signed after the key was renewed; copies met: {name}",
            "sound",
            key,
            late,
            certificates,
            made=at("2021-06-01"),
            end=end,
        )
    yield Vector(
        f"expired-then-{algorithm}",
        "signed with the renewed key, of which only the older copy was met",
        "key-expired",
        key,
        late,
        (old,),
        made=at("2021-06-01"),
        end=BORN + YEAR,
    )


def revoked(gpg: Gpg) -> Iterator[Vector]:
    key = gpg.new(BORN)
    whole = gpg.export(key)
    early, late = gpg.sign(SPRING, key), gpg.sign(NEXT, key)
    for reason, word in ((0, "no reason given"), (1, "compromised")):
        for name, sig, made in (("before", early, SPRING), ("after", late, NEXT)):
            yield Vector(
                f"revoked-hard-{reason}-{name}",
                f"revoked ({word}), signed {name} that",
                "key-revoked-hard",
                key,
                sig,
                (whole, gpg.revocation(SUMMER, key, reason)),
                made=made,
                end=SUMMER,
            )
    # gpg's menu: 1 compromised, 2 superseded, 3 retired.
    for reason, word in ((2, "superseded"), (3, "retired")):
        copies = (whole, gpg.revocation(SUMMER, key, reason))
        for name, sig, made, expect in (
            ("before", early, SPRING, "sound"),
            ("at", gpg.sign(SUMMER, key), SUMMER, "key-revoked-soft"),
            ("after", late, NEXT, "key-revoked-soft"),
        ):
            yield Vector(
                f"revoked-soft-{reason}-{name}",
                f"revoked ({word}), signed {name} that",
                expect,
                key,
                sig,
                copies,
                made=made,
                end=SUMMER,
            )


def with_subkeys(gpg: Gpg) -> Iterator[Vector]:
    """A certificate as gpg's users have it: certify, sign, encrypt."""
    key = gpg.new(BORN, "ed25519", "cert")
    gpg(BORN, "--quick-add-key", key, "ed25519", "sign", "1y")
    gpg(BORN, "--quick-add-key", key, "cv25519", "encr", "0")
    signing, _ = gpg.subkeys(key)
    old = gpg.export(key)
    early = gpg.sign(SPRING, signing)
    end = BORN + YEAR
    yield Vector(
        "subkey",
        "made by a signing subkey, an encryption subkey beside it",
        "sound",
        key,
        early,
        (old,),
        made=SPRING,
        signing_key=signing,
        end=end,
    )
    yield Vector(
        "subkey-named",
        "the same, filed under the subkey instead of the primary key",
        "unknown-key",
        signing,
        early,
        (old,),
    )
    gpg(NEXT, "--quick-set-expire", key, "3y", signing)
    new = gpg.export(key)
    late = gpg.sign(NEXT, signing)
    for name, certificates in (("alone", (new,)), ("merged", (old, new))):
        yield Vector(
            f"subkey-renewed-{name}",
            f"signed before the subkey was renewed; copies met: {name}",
            "sound",
            key,
            early,
            certificates,
            made=SPRING,
            signing_key=signing,
            end=NEXT + 3 * YEAR,
        )
    yield Vector(
        "subkey-expired",
        "signed by the renewed subkey, of which only the older copy was met",
        "key-expired",
        key,
        late,
        (old,),
        made=NEXT,
        signing_key=signing,
        end=end,
    )


def from_sequoia() -> Iterator[Vector]:
    suites = pysequoia.CipherSuite
    for profile, version in ((pysequoia.Profile.RFC4880, 4), (pysequoia.Profile.RFC9580, 6)):
        for name, suite in (
            ("cv25519", suites.Cv25519),
            ("cv448", suites.Cv448),
            ("p256", suites.P256),
            ("p384", suites.P384),
            ("p521", suites.P521),
            ("rsa2048", suites.RSA2k),
        ):
            secret = pysequoia.Tsk.generate(
                user_id=ALICE.decode(), profile=profile, cipher_suite=suite
            )
            whole = secret.extract_certificate()
            sig = pysequoia.sign(
                secret.signer(), SIGNED, mode=pysequoia.SignatureMode.DETACHED, armor=False
            )
            made = pysequoia.Sig.from_bytes(sig)
            assert made.created is not None and made.issuer_fingerprint is not None
            yield Vector(
                f"sequoia-v{version}-{name}",
                f"sequoia, version {version}, {name}, by a subkey",
                "sound",
                whole.fingerprint.upper(),
                sig,
                (bytes(whole),),
                made=int(made.created.timestamp()),
                signing_key=made.issuer_fingerprint.upper(),
            )


# ---- the scenarios: what ordinary programs refuse to make -----------------------------------------


def forged_shapes() -> Iterator[Vector]:
    """Fields of the signature that readers take differently, or that ask to be understood."""
    key = Key()
    whole = key.public + key.named()

    def one(
        name: str, comment: str, expect: str, sig: bytes, end: int | None = None, **more: Any
    ) -> Vector:
        more.setdefault("made", SPRING)
        return Vector(name, comment, expect, key.fingerprint, sig, (whole,), end=end, **more)

    yield one("plain", "nothing special", "sound", key.sign(SIGNED, SPRING))
    twice = key.sign(SIGNED, SPRING, hashed=sub(2, four(LATER)))
    yield one("two-times", "two creation times", "invalid", twice)
    twice = key.sign(SIGNED, SPRING, hashed=sub(3, four(60)) + sub(3, four(YEAR)))
    yield one("two-expiries", "two expiries", "invalid", twice)
    yield one("no-time", "no creation time", "invalid", key.sign(SIGNED, None))
    loose = key.sign(SIGNED, None, unhashed=sub(2, four(SPRING)) + sub(16, key.id))
    yield one("unhashed-time", "a creation time in the unhashed part", "invalid", loose)
    both = key.sign(SIGNED, SPRING, unhashed=sub(2, four(LATER)) + sub(16, key.id))
    yield one("unhashed-time-too", "a second one in the unhashed part is nobody's", "sound", both)
    for critical, expect in ((True, "invalid"), (False, "sound")):
        word = "critical" if critical else "harmless"
        sig = key.sign(SIGNED, SPRING, hashed=notation(b"x@example.org", b"1", critical))
        yield one(f"notation-{word}", f"an unknown {word} notation", expect, sig)
        sig = key.sign(SIGNED, SPRING, hashed=sub(100, b"x", critical))
        yield one(f"field-{word}", f"an unknown {word} subpacket", expect, sig)
    sig = key.sign(SIGNED, SPRING, unhashed=sub(16, key.id) + sub(100, b"x", True))
    yield one("field-unhashed", "an unknown critical one in the unhashed part", "sound", sig)
    sig = key.sign(SIGNED, SPRING, unhashed=sub(16, key.id) + sub(100, b"x" * 300))
    yield one("junk", "junk in the unhashed part", "sound", sig)
    sig = key.sign(SIGNED, SPRING, unhashed=sub(16, key.id) + sub(32, b"\4\0\0\0junk"))
    yield one("junk-embedded", "a broken embedded signature in the unhashed part", "sound", sig)
    sig = key.sign(SIGNED, SPRING, unhashed=sub(16, b"\0" * 8))
    yield one("junk-issuer", "the unhashed issuer names another key", "sound", sig)
    sig = key.sign(SIGNED, SPRING, unhashed=b"\x05\x10ab")
    yield one("junk-cut", "an unhashed field that does not fit", "invalid", sig)
    sig = key.sign(SIGNED, SPRING, named=False)
    yield one("issuer-unhashed", "the issuer in the unhashed part alone", "sound", sig)
    sig = key.sign(SIGNED, SPRING, named=False, unhashed=b"")
    yield one("issuer-none", "names no key", "invalid", sig)
    sig = bytearray(key.sign(SIGNED, SPRING))
    sig[-70] ^= 1  # the second of the two check bytes, before 2 * (2 + 32) of numbers
    checked = bytes(sig)
    yield one("check-bytes", "the two bytes of the digest, which nobody signs", "sound", checked)
    sig = key.sign(SIGNED, SPRING, digest=1)
    yield one("hash-md5", "MD5", "weak", sig)
    sig = key.sign(SIGNED, SPRING, digest=12)
    yield one("hash-sha3", "SHA3-256: not in the list", "weak", sig)
    for kind in (0x01, 0x02, 0x10, 0x13, 0x18, 0x1F, 0x20, 0x40, 0x50):
        sig = key.sign(SIGNED, SPRING, kind=kind)
        yield one(f"type-{kind:02x}", f"a signature of type {kind:#04x}", "invalid", sig)
    body = bytearray(key.sign(SIGNED, SPRING, body=True))
    for version in (2, 3, 5, 6):
        body[0] = version
        sig = packet(2, bytes(body))
        yield one(f"version-{version}", f"said to be of version {version}", "invalid", sig)
    v6 = Key("ed25519", version=6)
    sig = v6.sign(SIGNED, SPRING, salt=31)
    made = (v6.public + v6.direct(BORN) + v6.named(),)
    yield Vector("v6-salt", "a salt of the wrong length", "invalid", v6.fingerprint, sig, made)
    sig = v6.sign(SIGNED, SPRING)
    yield Vector("v6", "version 6", "sound", v6.fingerprint, sig, made, made=SPRING)
    mute = Key("ed25519", version=6)
    for name, flags, expect in (("none", None, "invalid"), ("sign", 3, "sound")):
        yield Vector(
            f"v6-flags-{name}",
            f"version 6, key flags: {name}",
            expect,
            mute.fingerprint,
            mute.sign(SIGNED, SPRING),
            (mute.public + mute.direct(BORN, flags=flags) + mute.named(flags=None),),
            made=SPRING,
        )
    ahead = at("2100-01-01")
    sig = key.sign(SIGNED, ahead)
    yield one("future", "far ahead: for a clock to say", "sound", sig, made=ahead)
    sig = key.sign(SIGNED, BORN - 1)
    yield one("before-key", "a second before the key existed", "invalid", sig)
    sig = key.sign(SIGNED, BORN)
    yield one("with-key", "in the second in which the key was made", "sound", sig, made=BORN)


def forged_keys() -> Iterator[Vector]:
    """What a certificate says about its keys, and what others would like it to say."""
    key, sub_, thief = Key(), Key(), Key()
    sig = key.sign(SIGNED, SPRING)

    def one(
        name: str,
        comment: str,
        expect: str,
        *certificates: bytes,
        sig: bytes = sig,
        made: int = SPRING,
        end: int | None = None,
        by: Key | None = None,
    ) -> Vector:
        named = key.fingerprint
        signing = (by or key).fingerprint
        return Vector(
            name, comment, expect, named, sig, certificates, made=made, signing_key=signing, end=end
        )

    plain = key.public + key.named()
    yield one("no-flags", "no key flags, as in 2000", "sound", key.public + key.named(flags=None))
    yield one(
        "cert-only", "the flags allow certifying alone", "invalid", key.public + key.named(flags=1)
    )
    yield one(
        "direct", "a direct-key signature, no user id", "sound", key.public + key.direct(BORN)
    )
    yield one(
        "self-sha1",
        "the self-signature uses SHA-1",
        "weak",
        key.public + key.named(digest=2),
    )
    yield one(
        "self-sha1-renewed",
        "it uses SHA-1, a newer one does not: the one of that time governs",
        "weak",
        key.public + key.named(digest=2),
        key.public + key.named(made=SUMMER),
    )
    yield one(
        "self-sha1-first",
        "an older one uses SHA-1: the newer one, not younger than the signature, governs",
        "sound",
        key.public + key.named(digest=2),
        key.public + key.named(made=BORN + 60),
    )
    forged = thief.sign(
        key.over_name(ALICE),
        BORN + 60,
        kind=0x13,
        hashed=sub(27, b"\3") + sub(9, four(60)) + key.issuer,
        named=False,
        unhashed=sub(16, key.id),
    )
    yield one("forged-self", "a forged self-signature ends the key", "sound", plain + forged)
    forged = thief.sign(
        key.over_name(ALICE),
        SUMMER,
        kind=0x13,
        hashed=sub(27, b"\3") + sub(9, four(90 * YEAR)) + key.issuer,
        named=False,
        unhashed=sub(16, key.id),
    )
    short = key.public + key.named(expires=YEAR)
    late = key.sign(SIGNED, LATER)
    yield one(
        "forged-renewal",
        "a forged self-signature prolongs the key",
        "key-expired",
        short + forged,
        sig=late,
        made=LATER,
        end=BORN + YEAR,
    )
    forged = thief.sign(
        key.framed,
        SUMMER,
        kind=0x20,
        hashed=sub(29, b"\2") + key.issuer,
        named=False,
        unhashed=sub(16, key.id),
    )
    yield one(
        "forged-revocation",
        "a forged revocation",
        "sound",
        key.public + forged + plain[len(key.public) :],
    )
    yield one(
        "third-party-revocation",
        "someone else's revocation",
        "sound",
        key.public + thief.sign(key.framed, SUMMER, kind=0x20, hashed=sub(29, b"\2")) + key.named(),
    )
    junk = sub(16, key.id) + sub(100, b"j" * 2000)
    yield one(
        "junk-in-self",
        "the self-signature met a second time, with junk in its unhashed part",
        "sound",
        key.public + key.named() + key.named(bare=True, unhashed=junk),
        plain,
    )
    flood = b"".join(
        thief.sign(
            key.over_name(ALICE), BORN + 1 + n, kind=0x13, unhashed=sub(16, key.id), named=False
        )
        for n in range(40)
    )
    strangers = b"".join(Key().sign(key.over_name(ALICE), BORN + n, kind=0x10) for n in range(20))
    yield one("flooded", "forged and strangers' certifications", "sound", plain + strangers + flood)
    yield one(
        "revived",
        "retired, then a new self-signature, then it signs",
        "key-revoked-soft",
        key.public + key.revoke(SUMMER, 3) + key.named() + key.named(made=NEXT, bare=True),
        sig=late,
        made=LATER,
        end=SUMMER,
    )
    yield one(
        "revived-before",
        "the same, signed before it retired",
        "sound",
        key.public + key.revoke(SUMMER, 3) + key.named() + key.named(made=NEXT, bare=True),
        end=SUMMER,
    )
    yield one(
        "revoked-no-reason",
        "a revocation without a reason is hard",
        "key-revoked-hard",
        key.public + key.revoke(SUMMER, None) + key.named(),
        end=SUMMER,
    )
    yield one(
        "revoked-sha1",
        "a revocation with SHA-1 is one: it takes trust away",
        "key-revoked-hard",
        key.public + key.revoke(SUMMER, 2, digest=2) + key.named(),
        end=SUMMER,
    )
    for algorithm, word in ((12, "256"), (14, "512")):
        yield one(
            f"revoked-sha3-{word}",
            f"a revocation with SHA3-{word} is one: it takes trust away",
            "key-revoked-hard",
            key.public + key.revoke(SUMMER, 2, digest=algorithm) + key.named(),
            end=SUMMER,
        )
    yield one(
        "self-sha3-renewed",
        "the newest self-signature not younger than the signature uses SHA3-256",
        "weak",
        key.public + key.named() + key.named(made=BORN + 1, digest=12, bare=True),
    )
    yield one(
        "revoked-soft-then-hard",
        "superseded, and compromised a year later",
        "key-revoked-hard",
        key.public + key.revoke(SUMMER, 1) + key.revoke(LATER, 2) + key.named(),
        end=SUMMER,
    )
    yield one(
        "revoked-user-id",
        "the only user id is revoked: a name, not the key",
        "sound",
        plain + key.sign(key.over_name(ALICE), SUMMER, kind=0x30, hashed=sub(29, b"\x20")),
    )
    yield one(
        "unbound",
        "no self-signature is its own",
        "invalid",
        key.public + key.revoke(LATER, 1),
    )
    two = key.public + key.named(expires=YEAR) + key.named(BOB, SUMMER, expires=3 * YEAR)
    yield one(
        "two-user-ids",
        "the newest self-signature governs, also of another user id",
        "sound",
        two,
        sig=late,
        made=LATER,
        end=BORN + 3 * YEAR,
    )
    two = key.public + key.direct(SUMMER, expires=YEAR) + key.named()
    yield one(
        "direct-expires",
        "the newest is a direct-key signature",
        "key-expired",
        two,
        sig=late,
        made=LATER,
        end=BORN + YEAR,
    )
    two = key.public + key.named(expires=YEAR) + key.named(BOB, SUMMER, flags=None)
    yield one(
        "bare-user-id",
        "a user id added without flags or expiry does not make the key last",
        "key-expired",
        two,
        sig=late,
        made=LATER,
        end=BORN + YEAR,
    )
    edge = key.sign(SIGNED, BORN + YEAR - 1)
    yield one(
        "last-second",
        "signed in the last second",
        "sound",
        short,
        sig=edge,
        made=BORN + YEAR - 1,
        end=BORN + YEAR,
    )
    edge = key.sign(SIGNED, BORN + YEAR)
    yield one(
        "end-second",
        "signed in the second of the end",
        "key-expired",
        short,
        sig=edge,
        made=BORN + YEAR,
        end=BORN + YEAR,
    )

    # Subkeys.
    by_sub = sub_.sign(SIGNED, SPRING)
    yield one(
        "subkey-no-flags",
        "a subkey without key flags that agreed",
        "sound",
        plain + key.binds(sub_, BORN, flags=None),
        sig=by_sub,
        by=sub_,
    )
    yield one(
        "self-expired",
        "the self-signature has an expiry of its own, which ended the key",
        "key-expired",
        key.public + key.named(hashed=sub(3, four(60))),
        end=BORN + 60,
    )
    yield one(
        "self-two-expiries",
        "a renewal with two key expiries binds nothing: readers take one or the other",
        "key-expired",
        key.public
        + key.named(expires=YEAR)
        + key.named(bare=True, made=SPRING, expires=YEAR, hashed=sub(9, four(9 * YEAR))),
        sig=late,
        made=LATER,
        end=BORN + YEAR,
    )
    yield one(
        "revocation-two-reasons",
        "a revocation with two reasons is hard: readers take one or the other",
        "key-revoked-hard",
        key.public
        + key.sign(key.framed, SUMMER, kind=0x20, hashed=sub(29, b"\1") + sub(29, b"\2"))
        + key.named(),
        end=SUMMER,
    )
    bound = plain + key.binds(sub_, BORN)
    stolen = thief.sign(
        key.framed + sub_.framed,
        BORN,
        kind=0x18,
        hashed=sub(27, b"\2") + key.issuer,
        named=False,
        unhashed=sub(16, key.id),
    )
    yield one(
        "subkey-hashed-back",
        "the back-signature in the hashed part",
        "sound",
        plain + key.binds(sub_, BORN, where="hashed"),
        sig=by_sub,
        by=sub_,
    )
    yield one(
        "subkey-no-back",
        "a subkey that never agreed",
        "invalid",
        plain + key.binds(sub_, BORN, agreed=False),
        sig=by_sub,
    )
    yield one(
        "subkey-wrong-back",
        "someone else agreed for the subkey",
        "invalid",
        plain + key.binds(sub_, BORN, back=thief),
        sig=by_sub,
    )
    direct = key.public + key.direct(BORN)
    yield one(
        "subkey-claimed",
        "a stranger's key bound without key flags, which only the direct-key signature has; the "
        "primary key agreed for it",
        "invalid",
        direct + key.binds(thief, BORN, flags=None, back=key, where="hashed"),
        sig=thief.sign(SIGNED, SPRING),
    )
    yield one(
        "subkey-no-flags-direct",
        "a subkey that agreed, without key flags, which only the direct-key signature has",
        "sound",
        direct + key.binds(sub_, BORN, flags=None),
        sig=by_sub,
        by=sub_,
    )
    parts = key.framed + sub_.framed
    odd = sub_.sign(parts, BORN, kind=0x19, hashed=sub(2, four(BORN + 60)), body=True)
    wrong = thief.sign(parts, BORN, kind=0x19, body=True)
    area = sub(27, b"\2") + sub(32, odd)
    yield one(
        "subkey-odd-back",
        "it agreed in a signature with two creation times: readers take one or the other",
        "invalid",
        plain + sub_.as_subkey + key.sign(parts, BORN, kind=0x18, hashed=area),
        sig=by_sub,
    )
    area += sub(32, wrong)
    yield one(
        "subkey-odd-back-and-wrong",
        "the same, and someone else agreed for it",
        "invalid",
        plain + sub_.as_subkey + key.sign(parts, BORN, kind=0x18, hashed=area),
        sig=by_sub,
    )
    yield one(
        "subkey-sha1-back",
        "the back-signature uses SHA-1",
        "weak",
        plain + key.binds(sub_, BORN, back_digest=2),
        sig=by_sub,
    )
    yield one(
        "subkey-sha1",
        "the binding uses SHA-1",
        "weak",
        plain + key.binds(sub_, BORN, digest=2),
        sig=by_sub,
    )
    yield one(
        "subkey-encryption",
        "an encryption subkey signs",
        "invalid",
        plain + key.binds(sub_, BORN, flags=12),
        sig=by_sub,
    )
    yield one(
        "subkey-stolen",
        "a stranger's subkey with a forged binding",
        "unknown-key",
        plain + sub_.as_subkey + stolen,
        sig=by_sub,
    )
    gone = bound + key.revokes(sub_, SUMMER, 2)
    yield one(
        "subkey-revoked",
        "the subkey was compromised",
        "key-revoked-hard",
        gone,
        sig=by_sub,
        by=sub_,
        end=SUMMER,
    )
    yield one("subkey-revoked-primary", "the same; the primary key signed", "sound", gone)
    gone = bound + key.revokes(sub_, SUMMER, 3)
    yield one(
        "subkey-retired-before",
        "the subkey retired later",
        "sound",
        gone,
        sig=by_sub,
        by=sub_,
        end=SUMMER,
    )
    late_sub = sub_.sign(SIGNED, LATER)
    yield one(
        "subkey-retired-after",
        "the subkey had retired",
        "key-revoked-soft",
        gone,
        sig=late_sub,
        by=sub_,
        made=LATER,
        end=SUMMER,
    )
    gone += key.binds(sub_, NEXT, bare=True)
    yield one(
        "subkey-revived",
        "retired, bound again, then it signs",
        "key-revoked-soft",
        gone,
        sig=late_sub,
        by=sub_,
        made=LATER,
        end=SUMMER,
    )
    gone = key.public + key.revoke(SUMMER, 2) + key.named() + key.binds(sub_, BORN)
    yield one(
        "subkey-primary-revoked",
        "the primary key was compromised",
        "key-revoked-hard",
        gone,
        sig=by_sub,
        by=sub_,
        end=SUMMER,
    )
    ended = key.public + key.named(expires=YEAR) + key.binds(sub_, BORN)
    yield one(
        "subkey-primary-expired",
        "the primary key had expired",
        "key-expired",
        ended,
        sig=late_sub,
        by=sub_,
        made=LATER,
        end=BORN + YEAR,
    )
    young = Key(created=SUMMER)
    yield one(
        "subkey-before",
        "signed before the subkey existed",
        "invalid",
        plain + key.binds(young, SUMMER),
        sig=young.sign(SIGNED, SPRING),
    )
    old = Key(created=BORN - YEAR)
    yield one(
        "subkey-before-primary",
        "signed before the primary key existed",
        "invalid",
        plain + key.binds(old, BORN),
        sig=old.sign(SIGNED, BORN - 60),
    )
    yield one(
        "subkey-bound-later",
        "bound after it signed: the oldest binding holds for the time before",
        "sound",
        plain + key.binds(old, SUMMER),
        sig=old.sign(SIGNED, SPRING),
        by=old,
    )
    weak = Key("rsa", bits=1024)
    yield one(
        "subkey-weak",
        "a subkey of 1024 bits",
        "weak",
        plain + key.binds(weak, BORN),
        sig=weak.sign(SIGNED, SPRING),
    )

    # What else stands in the file with the certificate.
    curve = Key("secp256k1")
    yield one(
        "beside-certificate",
        "another certificate in the same file",
        "sound",
        plain + thief.public + thief.named(BOB),
    )
    yield one(
        "beside-dsa",
        "behind the certificate stands a DSA key that signed nothing",
        "key-revoked-hard",
        key.public + key.revoke(SUMMER, 2) + key.named() + Key("dsa").public,
        end=SUMMER,
    )
    yield one(
        "beside-secp256k1",
        "behind the certificate a weak key, with a name that the key itself signed",
        "sound",
        plain + curve.public + key.named(BOB),
    )
    yield one(
        "beside-itself",
        "behind the certificate its key once more, with a name that nobody signed",
        "key-revoked-hard",
        key.public + key.revoke(SUMMER, 2) + key.named() + key.public + packet(13, BOB),
        end=SUMMER,
    )
    frail = Key("rsa", bits=1024)
    whole = frail.public + frail.named() + frail.binds(sub_, BORN)
    yield Vector(
        "primary-weak",
        "a strong subkey of a primary key of 1024 bits",
        "weak",
        frail.fingerprint,
        by_sub,
        (whole,),
    )


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = [*from_gpg(), *from_sequoia(), *forged_shapes(), *forged_keys()]
    names = [one.name for one in made]
    assert len(set(names)) == len(names), sorted(one for one in names if names.count(one) > 1)
    wanted = sys.argv[1:] or names
    assert set(wanted) <= set(names), sorted(set(wanted) - set(names))
    for old in FOLDER.glob("*.txt"):
        if old.stem in wanted or old.stem not in names:
            old.unlink()
    for one in (one for one in made if one.name in wanted):
        (FOLDER / f"{one.name}.txt").write_text(one.text(), encoding="utf-8")
    print(f"{len(wanted)} vectors in {FOLDER}", file=sys.stderr)


if __name__ == "__main__":
    main()
