"""The framing and the fields of OpenPGP signatures and certificates. No primitive, no I/O.

What is read here is what was *claimed*: nothing in it is verified. `sig.gpg.mathematics` checks
signatures, `sig.gpg.certificate` keeps what holds, `sig.gpg.verify` decides.

The libraries accept more shapes than they admit to (two packets, trailing bytes, armor, version 3)
and hide where a field came from, so that shape is decided here (docs/spec/envelope §3):

1. A packet has an old or a new header and a definite length; it ends where its length says.
2. A signature is one packet, and no byte follows it.
3. It is of version 4 or 6, of at most 64 KiB.
4. Its hashed part holds exactly one creation time, and each field that readers would choose
   differently from (periods, flags, reason) at most once.
5. No critical subpacket or notation that we do not know.
6. Its numbers fill the rest of the body exactly.
7. Key material is public: secret keys are refused by their tag, wherever they stand.
8. Every length is bounded before memory is taken for it.

The nouns are named tuples: making a class of them costs a tenth of a dataclass, and every
``sig verify`` waits for it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sig.errors import FormatError, SignatureError
from sig.model import limits

MAX_PACKETS = 65_536
MAX_KEY_BODY = 16 * 1024
MAX_USER_ID = 4096

SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, PUBLIC_SUBKEY = 2, 5, 6, 7, 14
USER_ID, USER_ATTRIBUTE = 13, 17
# Marker, trust, padding: meaningless between the packets of a certificate. So is every tag from 40
# on that is not known (RFC 9580 §4.3).
_IGNORED = frozenset((10, 12, 21))

# The types of signature that this program reads (RFC 9580 §5.2.1).
BINARY = 0x00
CERTIFICATIONS = frozenset((0x10, 0x11, 0x12, 0x13))
DIRECT, SUBKEY_BINDING, BACK_SIGNATURE = 0x1F, 0x18, 0x19
KEY_REVOCATION, SUBKEY_REVOCATION, USER_ID_REVOCATION = 0x20, 0x28, 0x30

RSA, RSA_SIGN, DSA, ECDSA, EDDSA, ED25519, ED448 = 1, 3, 17, 19, 22, 27, 28
_NUMBERS = {RSA: 1, RSA_SIGN: 1, DSA: 2, ECDSA: 2, EDDSA: 2}
_NATIVE = {ED25519: 64, ED448: 114}
_SALT = {8: 16, 9: 24, 10: 32, 11: 16, 12: 16, 14: 32}

# Known and obeyed, or without meaning for a signature over a document.
_KNOWN_IN_DOCUMENTS = frozenset((2, 3, 4, 7, 9, 11, 16, 21, 22, 23, 24, 25, 26, 27, 28, 30, 33, 34))
# In a self-signature also: trust, regular expression, revoker, reason, target, embedded.
_KNOWN = _KNOWN_IN_DOCUMENTS | {5, 6, 12, 29, 31, 32, 39}


class SignaturePacket(NamedTuple):
    """One signature as it describes itself.

    Periods are in seconds, 0 for none; `key_period` and `flags` are None where the signature says
    nothing. `issuers` are key ids (8 bytes) and fingerprints, from the hashed part if it names any,
    else from the unhashed one. `odd` says why rules 4 and 5 refuse it, "" if they do not.
    """

    version: int
    type: int
    key_algorithm: int
    hash_algorithm: int
    made_at: int
    period: int
    key_period: int | None
    flags: int | None
    primary_user_id: bool
    reason: int | None
    issuers: tuple[bytes, ...]
    embedded: tuple[bytes, ...]
    embedded_is_hashed: bool
    odd: str
    hashed: bytes
    """Version to the end of the hashed part: what the digest covers of it."""
    salt: bytes
    values: tuple[bytes, ...]
    """The numbers of the signature without leading zeros; () for an algorithm we do not know."""
    prefix: bytes
    """The first two bytes of the digest, as claimed; anyone can change them."""
    raw: bytes
    """The whole body as it was read."""

    @property
    def trailer(self) -> bytes:
        """What closes the digest (RFC 9580 §5.2.4)."""
        return self.hashed + bytes((self.version, 0xFF)) + len(self.hashed).to_bytes(4, "big")

    def body(self, unhashed: bytes, prefix: bytes = b"\0\0") -> bytes:
        """The body again, with another unhashed part and its numbers in canonical form."""
        if self.version == 4:
            size, salt = len(unhashed).to_bytes(2, "big"), b""
        else:
            size, salt = len(unhashed).to_bytes(4, "big"), bytes((len(self.salt),)) + self.salt
        if self.key_algorithm in _NATIVE:
            numbers = self.values[0]
        else:
            numbers = b"".join(map(mpi, self.values))
        return b"".join((self.hashed, size, unhashed, prefix, salt, numbers))


class KeyPacket(NamedTuple):
    """A public key or subkey as it describes itself. `values` depends on the algorithm:
    (n, e) of RSA; p, q, g, y of DSA; (curve, point) of ECDSA and EdDSA; (point,) of the native
    ones; () of an algorithm that does not sign or is not known."""

    version: int
    created: int
    algorithm: int
    values: tuple[bytes, ...]
    body: bytes

    @property
    def framed(self) -> bytes:
        """The bytes that fingerprints and signatures over keys digest (RFC 9580 §5.2.4)."""
        if self.version == 4:
            return b"\x99" + len(self.body).to_bytes(2, "big") + self.body
        return b"\x9b" + len(self.body).to_bytes(4, "big") + self.body


def mpi(value: bytes) -> bytes:
    """A number in canonical form: its length in bits, then its bytes without leading zeros."""
    value = value.lstrip(b"\0")
    bits = len(value) * 8 - (8 - value[0].bit_length()) if value else 0
    return bits.to_bytes(2, "big") + value


def packet(tag: int, body: bytes) -> bytes:
    """A packet with the shortest new-format header."""
    size = len(body)
    if size < 192:
        return bytes((0xC0 | tag, size)) + body
    if size < 8384:
        size -= 192
        return bytes((0xC0 | tag, 192 + (size >> 8), size & 0xFF)) + body
    return bytes((0xC0 | tag, 0xFF)) + size.to_bytes(4, "big") + body


def subpacket(kind: int, content: bytes) -> bytes:
    """A subpacket that is not critical, its length in one byte or five."""
    size = len(content) + 1
    if size < 192:
        return bytes((size, kind)) + content
    return b"\xff" + size.to_bytes(4, "big") + bytes((kind,)) + content


def issuer(fingerprint: bytes) -> bytes:
    """The subpacket that names the signing key, as old readers expect it in the unhashed part."""
    if len(fingerprint) == 20:
        return b"\x09\x10" + fingerprint[12:]
    return b"\x22\x21\x06" + fingerprint


def names(issuer: bytes, fingerprint: bytes) -> bool:
    """Whether an issuer field (8, 20 or 32 bytes) is this key's."""
    if len(issuer) == 8:
        return issuer == (fingerprint[12:] if len(fingerprint) == 20 else fingerprint[:8])
    return issuer == fingerprint


def frame(data: bytes, at: int) -> tuple[int, int, int]:
    """(tag, start of the body, its end) of the packet at `at`. Raises FormatError (rule 1)."""
    size = len(data)
    head = data[at]
    if not head & 0x80:
        raise FormatError("not an OpenPGP packet")
    if head & 0x40:
        tag = head & 0x3F
        first = data[at + 1] if at + 1 < size else 0
        if first < 192:
            start, length = at + 2, first
        elif first < 224:
            start = at + 3
            length = ((first - 192) << 8) + (data[at + 2] if start <= size else 0) + 192
        elif first == 255:
            start, length = at + 6, int.from_bytes(data[at + 2 : at + 6], "big")
        else:
            raise FormatError("a packet in parts, without a definite length")
    else:
        tag = (head >> 2) & 0x0F
        kind = head & 3
        if kind == 3:
            raise FormatError("a packet without a definite length")
        start = at + 1 + (1 << kind)
        length = int.from_bytes(data[at + 1 : start], "big")
    if start > size or length > size - start:
        raise FormatError("a packet that is cut short")
    return tag, start, start + length


def read_signature(data: bytes) -> SignaturePacket:
    """The one signature packet that `data` is, byte for byte; rules 1 to 6.

    Not checked: whether its type, algorithms and time are acceptable, and whether it holds.
    Raises SignatureError (state ``invalid``).
    """
    if not data:
        raise SignatureError("an empty signature")
    if len(data) > limits.SIGNATURE:  # 8
        raise SignatureError("a signature of more than 64 KiB")
    try:
        tag, start, end = frame(data, 0)
        if tag != SIGNATURE:
            raise FormatError("not a signature packet")
        if end != len(data):  # 2
            raise FormatError("bytes after the signature packet")
        found = signature(data[start:end])
    except FormatError as error:
        raise SignatureError(error.message) from error
    if found.odd:
        raise SignatureError(found.odd)
    return found


def signature(body: bytes) -> SignaturePacket:
    """The signature in a packet's body; rules 3 to 6, what 4 and 5 find being told in `odd`.

    Raises FormatError.
    """
    size = len(body)
    version = body[0] if body else 0
    if version == 4:
        width, start = 2, 6
    elif version == 6:
        width, start = 4, 8
    else:
        raise FormatError(f"a signature of version {version}")  # 3
    if size < start or size > limits.SIGNATURE:
        raise FormatError("a signature that is cut short or too long")
    end = start + int.from_bytes(body[4:start], "big")
    after = end + width
    tail = after + int.from_bytes(body[end:after], "big")
    if tail + 2 > size:
        raise FormatError("a signature that is cut short")

    kind, key_algorithm, hash_algorithm = body[1], body[2], body[3]
    known = _KNOWN_IN_DOCUMENTS if kind == BINARY else _KNOWN
    made_at = period = 0
    key_period = flags = reason = None
    primary = embedded_is_hashed = False
    odd = ""
    seen: set[int] = set()
    issuers: list[bytes] = []
    embedded: list[bytes] = []
    for field, content in _subpackets(body, start, end):
        name = field & 0x7F
        if name in (2, 3, 9, 25, 27, 29):  # 4
            if name in seen:
                odd = odd or _TWICE[name]
                continue
            seen.add(name)
            if name == 2:
                if len(content) != 4:
                    raise FormatError("a creation time that is not four bytes")
                made_at = int.from_bytes(content, "big")
            elif name == 3:
                if len(content) != 4:
                    raise FormatError("an expiry that is not four bytes")
                period = int.from_bytes(content, "big")
            elif name == 9:
                if len(content) != 4:
                    raise FormatError("a key expiry that is not four bytes")
                key_period = int.from_bytes(content, "big")
            elif name == 25:
                primary = content[:1] not in (b"", b"\0")
            elif name == 27:
                flags = content[0] if content else 0
            else:
                reason = content[0] if content else 0
        elif name == 16:
            issuers.append(content)
        elif name == 33:
            issuers.append(content[1:])
        elif name == 32 and len(content) <= limits.BACK_SIGNATURE:
            embedded.append(content)
            embedded_is_hashed = True
        if field & 0x80 and name not in known:  # 5
            what = "notation" if name == 20 else "field"
            odd = odd or f"a critical {what} that is not known here"
    if 2 not in seen:
        odd = odd or "no creation time in the hashed part"  # 4
    named = bool(issuers)
    for field, content in _subpackets(body, after, tail):
        name = field & 0x7F
        if name == 32:
            if len(content) <= limits.BACK_SIGNATURE:
                embedded.append(content)
        elif named:
            continue
        elif name == 16:
            issuers.append(content)
        elif name == 33:
            issuers.append(content[1:])

    at = tail + 2
    salt = b""
    if version == 6:
        length = body[at] if at < size else 0
        salt = body[at + 1 : at + 1 + length]
        if length != _SALT.get(hash_algorithm, length) or len(salt) != length:
            raise FormatError("a salt of the wrong length")
        at += 1 + length
    return SignaturePacket(
        version,
        kind,
        key_algorithm,
        hash_algorithm,
        made_at,
        period,
        key_period,
        flags,
        primary,
        reason,
        tuple(issuers),
        tuple(embedded[: limits.BACK_SIGNATURES]),
        embedded_is_hashed,
        odd,
        body[:end],
        salt,
        _values(key_algorithm, body, at),
        body[tail : tail + 2],
        body,
    )


_TWICE = {
    2: "two creation times",
    3: "two expiries",
    9: "two key expiries",
    25: "two primary user id flags",
    27: "two sets of key flags",
    29: "two reasons",
}


def _subpackets(body: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Each subpacket between `at` and `end`: its kind with the critical bit, and its content."""
    while at < end:
        size = body[at]
        at += 1
        if size >= 192:
            if size < 255:
                size = ((size - 192) << 8) + body[at] + 192
                at += 1
            else:
                size = int.from_bytes(body[at : at + 4], "big")
                at += 4
        # Reading a length may have run over `end`, never over the body: what follows holds bytes.
        if size == 0 or size > end - at:
            raise FormatError("a field of the signature that does not fit")
        yield body[at], body[at + 1 : at + size]
        at += size


def back_signatures(binding: SignaturePacket) -> list[SignaturePacket]:
    """The back-signatures that a binding carries and that obey rules 3 to 6."""
    found = []
    for body in binding.embedded:
        try:
            claim = signature(body)
        except FormatError:
            continue
        if claim.type == BACK_SIGNATURE and not claim.odd:
            found.append(claim)
    return found


def _values(algorithm: int, body: bytes, at: int) -> tuple[bytes, ...]:
    """The numbers from `at` to the end of the body; rule 6."""
    size = len(body)
    if algorithm in _NATIVE:
        if size - at != _NATIVE[algorithm]:
            raise FormatError("a signature of the wrong size")
        return (body[at:],)
    if algorithm not in _NUMBERS:
        return ()
    found = []
    for _ in range(_NUMBERS[algorithm]):
        number, at = _number(body, at)
        found.append(number)
    if at != size:
        raise FormatError("bytes after the numbers of the signature")
    return tuple(found)


def _number(body: bytes, at: int) -> tuple[bytes, int]:
    """The number at `at`, without leading zeros, and where it ends."""
    start = at + 2
    end = start + (int.from_bytes(body[at:start], "big") + 7) // 8
    if end > len(body) or start > len(body):
        raise FormatError("a number that is cut short")
    return body[start:end].lstrip(b"\0"), end


def key(body: bytes) -> KeyPacket:
    """The public key in a packet's body. Raises FormatError, also for versions 3 and 5."""
    version = body[0] if body else 0
    if version not in (4, 6):
        raise FormatError(f"a key of version {version}")
    if len(body) > MAX_KEY_BODY:  # 8
        raise FormatError("a key of more than 16 KiB")
    at = 6 if version == 4 else 10
    if len(body) < at:
        raise FormatError("a key that is cut short")
    if version == 6 and int.from_bytes(body[6:10], "big") != len(body) - at:
        raise FormatError("a key whose length is not what it says")
    algorithm = body[5]
    values: list[bytes] = []
    if algorithm in (RSA, RSA_SIGN, DSA):
        for _ in range(4 if algorithm == DSA else 2):
            number, at = _number(body, at)
            values.append(number)
    elif algorithm in (ECDSA, EDDSA):
        size = body[at] if at < len(body) else 0
        curve = body[at + 1 : at + 1 + size]
        if len(curve) != size or not size:
            raise FormatError("a key that is cut short")
        point, at = _number(body, at + 1 + size)
        values = [curve, point]
    elif algorithm in (ED25519, ED448):
        values, at = [body[at:]], len(body)
        if len(values[0]) != (32 if algorithm == ED25519 else 57):
            raise FormatError("a key of the wrong size")
    else:
        at = len(body)
    if at != len(body):
        raise FormatError("bytes after the numbers of the key")
    return KeyPacket(version, int.from_bytes(body[1:5], "big"), algorithm, tuple(values), body)


class Component(NamedTuple):
    """A user id or a subkey with the signatures that stand behind it, unverified."""

    user_id: bytes | None
    key: KeyPacket | None
    signatures: list[SignaturePacket]


class Block(NamedTuple):
    """One certificate as it lies in the bytes, unverified. `fault` says why it cannot be one."""

    key: KeyPacket | None
    fault: str
    signatures: list[SignaturePacket]
    users: list[Component]
    subkeys: list[Component]


def blocks(data: bytes) -> list[Block]:
    """The certificates in binary packets, in their order.

    User attributes, odd user ids and subkeys that cannot be read are left out with the signatures
    behind them, and so are signatures that cannot be read. A key that cannot be read makes a
    `fault` of its block. Raises FormatError for secret keys (rule 7), for bytes that are not the
    packets of certificates, and for more than `MAX_PACKETS`.
    """
    found: list[Block] = []
    behind: list[SignaturePacket] = []
    at, count, size = 0, 0, len(data)
    while at < size:
        tag, start, at = frame(data, at)
        count += 1
        if count > MAX_PACKETS:  # 8
            raise FormatError("more packets than a certificate may have")
        if tag in (SECRET_KEY, SECRET_SUBKEY):  # 7
            raise FormatError("secret key material: only public keys are taken")
        if tag in _IGNORED or tag >= 40:
            continue
        if tag == PUBLIC_KEY:
            try:
                block = Block(key(data[start:at]), "", [], [], [])
            except FormatError as error:
                block = Block(None, error.message, [], [], [])
            found.append(block)
            behind = block.signatures
            continue
        if not found:
            raise FormatError("not an OpenPGP certificate")
        block = found[-1]
        if tag == SIGNATURE:
            try:
                claim = signature(data[start:at])
            except (FormatError, IndexError):
                continue
            # These two speak of the primary key, wherever they were put.
            if claim.type in (DIRECT, KEY_REVOCATION):
                block.signatures.append(claim)
            else:
                behind.append(claim)
        elif tag == USER_ID:
            behind = []
            if at - start <= MAX_USER_ID:
                block.users.append(Component(data[start:at], None, behind))
        elif tag == PUBLIC_SUBKEY:
            behind = []
            try:
                block.subkeys.append(Component(None, key(data[start:at]), behind))
            except FormatError:
                continue
        elif tag == USER_ATTRIBUTE:
            behind = []
        else:
            raise FormatError("not an OpenPGP certificate")
    return found
