"""A certificate that was met: one primary key, who says to own it, and the life of its keys.

Its bytes come from anywhere, so that what is *kept* of them is only what its own key signed
(`sig.gpg.minimise`), and what is *believed* is proven again from these bytes when it is first
asked for, also after reading them from one's own folder:

1. A self-signature or revocation counts if it verifies under the certificate's own keys.
   pysequoia is asked first, about a certificate of the key and that one signature; where it says
   no (weak hash, signed in the future, a subkey's) the mathematics decide.
2. The self-signature that governs a moment is the newest one not younger than it, over direct-key
   signatures and all user ids; before all of them, the oldest (docs/spec/envelope §6, §7).
   In one second the one that ends the key earlier governs.
3. A self-signature with neither key flags nor an expiry speaks of the user id alone and governs
   only where no other does: libraries add user ids like that, and it must not revive a key.
4. A signature that readers would read differently binds nothing; a revocation like that revokes.
5. Revocations are hard unless they say superseded or retired. A user id's revocation hides the
   name, nothing else.

Nothing here decides about a document: that is `sig.gpg.verify`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import pysequoia

from sig.errors import FormatError, KeyNotFound
from sig.gpg import mathematics, packets
from sig.gpg.packets import Block, KeyPacket, SignaturePacket
from sig.model import limits
from sig.model.fingerprint import Fingerprint

MAX_INPUT = 8 * 1024 * 1024
# A certificate may have thousands of self-signatures, each governing a second.
_MAX_TRIALS = 64

_REASONS = {
    0: "no reason given",
    1: "superseded",
    2: "compromised",
    3: "retired",
}
_SOFT = (1, 3)
_NEVER = 1 << 40


class Revoked(NamedTuple):
    """That a key was revoked: for good (`hard`), or from `at` on (epoch seconds)."""

    hard: bool
    at: int
    why: str


class Bond:
    """One signature of the primary key that says how long a key lives and what it may do.

    `parts` is what it signs, `framed` the packets that show it to a library. `end` is when the key
    ends by it (epoch seconds, None for never): its expiry, or the signature's own.
    """

    __slots__ = ("claim", "parts", "framed", "end", "weakness", "proven", "back", "_backs")

    def __init__(
        self, claim: SignaturePacket, parts: tuple[bytes, ...], framed: bytes, end: int | None
    ) -> None:
        self.claim = claim
        self.parts = parts
        self.framed = framed
        self.end = end
        self.weakness = mathematics.weak_signature(claim)
        self.proven: bool | None = None
        self.back: SignaturePacket | None = None
        """The subkey's agreement, once proven."""
        self._backs: tuple[SignaturePacket, ...] | None = None

    @property
    def backs(self) -> tuple[SignaturePacket, ...]:
        """The agreements that it carries, unproven, the strong ones first; read once."""
        if self._backs is None:
            found = packets.back_signatures(self.claim)
            self._backs = tuple(sorted(found, key=mathematics.weak_signature))
        return self._backs


class KeyLife:
    """The primary key or a subkey of a certificate, with what its certificate says about it.

    `primary` is None on the primary key itself; `weakness` is why what it signs does not count.
    """

    __slots__ = (
        "key",
        "name",
        "fingerprint",
        "weakness",
        "primary",
        "bonds",
        "revocations",
        "_known",
        "_end",
    )

    def __init__(self, key: KeyPacket, primary: KeyLife | None) -> None:
        self.key = key
        self.weakness = mathematics.weak_key(key)
        self.fingerprint = mathematics.fingerprint(key)
        self.name = Fingerprint(self.fingerprint.hex().upper())
        self.primary = primary
        self.bonds: list[Bond] = []
        self.revocations: list[SignaturePacket] = []
        self._known: list[Revoked] | None = None
        self._end: tuple[int | None] | None = None

    def guess(self, at: int) -> Bond | None:
        """The bond that governs the moment `at` if it is proven, None where all are younger; 2."""
        for bond in self.bonds:
            if bond.claim.made_at <= at:
                return bond
        return None

    def guesses(self, at: int) -> Iterator[Bond]:
        """The bonds in the order in which they govern the moment `at` if they are proven; 2."""
        later = []
        for bond in self.bonds:
            if bond.claim.made_at <= at:
                yield bond
            else:
                later.append(bond)
        # One second's bonds stay in their order, the strictest first.
        later.sort(key=_made_at)
        yield from later

    def governing(self, at: int) -> Bond | None:
        """The proven bond that governs the moment `at`, None if nothing proven binds the key."""
        for bond in self.guesses(at):
            if self.proves(bond):
                return bond
        return None

    def proves(self, bond: Bond) -> bool:
        """Whether a bond of this key was made by its certificate; asked once; 1."""
        if bond.proven is None:
            if self.primary is None:
                bond.proven = _library_binds(self.key, bond) or mathematics.holds(
                    self.key, bond.claim, *bond.parts
                )
            else:
                bond.proven = mathematics.holds(self.primary.key, bond.claim, *bond.parts)
        return bond.proven

    def agreed(self, bond: Bond) -> SignaturePacket | None:
        """The signature by which a subkey agrees to its binding, None if it never did.

        Without it anyone could bind a stranger's signing key, and claim what it signed.
        """
        if bond.back is None:
            for back in bond.backs:
                if mathematics.holds(self.key, back, *bond.parts):
                    bond.back = back
                    break
        return bond.back

    @property
    def revoked(self) -> list[Revoked]:
        """Its proven revocations, hard ones first, then by time; 1, 4, 5."""
        if self._known is None:
            owner = self.primary or self
            parts = (self.key.framed,) if self.primary is None else _parts(owner.key, self.key)
            found = []
            for claim in self.revocations:
                if (
                    self.primary is None and _library_revokes(self.key, claim)
                ) or mathematics.holds(owner.key, claim, *parts):
                    reason = claim.reason or 0
                    hard = reason not in _SOFT or bool(claim.odd)
                    why = _REASONS.get(reason, f"reason {reason}")
                    found.append(Revoked(hard, claim.made_at, why))
            found.sort(key=lambda one: (not one.hard, one.at, one.why))
            self._known = found
        return self._known

    @property
    def end(self) -> int | None:
        """The earliest end of this key as it is known now, epoch seconds; None if it has none."""
        if self._end is None:
            bond = self.governing(_NEVER)
            ends = [one.at for one in self.revoked]
            if bond is not None and bond.end is not None:
                ends.append(bond.end)
            self._end = (min(ends, default=None),)
        return self._end[0]


class Certificate:
    """One OpenPGP certificate, reduced to what its own key signed.

    `raw` is the canonical form: equal content has equal bytes, and the file holds exactly these.
    Two are equal where these are. Made by `read`, `merge` and `stored` only, and never changed.
    """

    __slots__ = ("fingerprint", "raw", "primary", "subkeys", "users", "_trials", "_uid")

    def __init__(
        self,
        raw: bytes,
        primary: KeyLife,
        subkeys: tuple[KeyLife, ...],
        users: tuple[packets.Component, ...],
    ) -> None:
        self.fingerprint = primary.name
        self.raw = raw
        self.primary = primary
        self.subkeys = subkeys
        self.users = users
        self._trials: dict[tuple[Bond, Bond], pysequoia.Cert] = {}
        self._uid: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Certificate({self.fingerprint})"

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        # To another process it goes as its bytes: what was proven of it is proven again there.
        return stored, (self.raw,)

    @property
    def short(self) -> str:
        """The last eight digits, for people. Never enough to choose a key."""
        return self.fingerprint[-8:]

    @property
    def created(self) -> int:
        return self.primary.key.created

    @property
    def user_ids(self) -> tuple[str, ...]:
        """The names that were not revoked, the primary one first; octets that are not UTF-8 as
        ``\\xNN``. Text of strangers: may hold control characters."""
        shown = []
        for user in self.users:
            newest, flagged, gone = -1, False, -1
            for claim in user.signatures:
                if claim.type == packets.USER_ID_REVOCATION:
                    gone = max(gone, claim.made_at)
                elif claim.made_at >= newest:
                    newest, flagged = claim.made_at, claim.primary_user_id
            if newest > gone:
                shown.append((not flagged, -newest, user.user_id or b""))
        return tuple(name.decode("utf-8", "backslashreplace") for _, _, name in sorted(shown))

    @property
    def uid(self) -> str:
        """The primary user id, "" if there is none."""
        if self._uid is None:
            self._uid = next(iter(self.user_ids), "")
        return self._uid

    @property
    def expires_at(self) -> int | None:
        """The end of the primary key by its newest self-signature, epoch seconds."""
        bond = self.primary.governing(_NEVER)
        return None if bond is None else bond.end

    @property
    def revoked(self) -> Revoked | None:
        """The revocation of the primary key that counts most: a hard one, else the earliest."""
        return next(iter(self.primary.revoked), None)

    def armored(self) -> bytes:
        """The text form that ``key.asc`` has, for any OpenPGP program."""
        return pysequoia.armor(self.raw, pysequoia.ArmorKind.PublicKey).encode("ascii")

    def named(self, issuers: Iterable[bytes]) -> list[KeyLife]:
        """The keys that a signature names: by fingerprint, or by key id."""
        wanted = tuple(issuers)
        found = []
        for life in (self.primary, *self.subkeys):
            for one in wanted:
                if packets.names(one, life.fingerprint):
                    found.append(life)
                    break
        return found

    def trial(self, own: Bond, bond: Bond) -> pysequoia.Cert:
        """The certificate that a library verifies with: these two bonds and no revocation.

        What it then accepts proves both bonds, and nothing else in the certificate is looked at.
        Raises what pysequoia raises.
        """
        known = self._trials.get((own, bond))
        if known is None:
            if len(self._trials) >= _MAX_TRIALS:
                self._trials.clear()
            framed = packets.packet(packets.PUBLIC_KEY, self.primary.key.body) + own.framed
            if bond is not own:
                framed += bond.framed
            known = self._trials[own, bond] = pysequoia.Cert.from_bytes(framed)
        return known


def stored(raw: bytes) -> Certificate:
    """The certificate that was kept in `raw`, which `Certificate.raw` once was.

    Raises FormatError for anything that is not one certificate.
    """
    if len(raw) > limits.CERTIFICATE:
        raise FormatError("a certificate of more than 1 MiB")
    found = packets.blocks(raw)
    if len(found) != 1:
        raise FormatError("not one certificate")
    return _certificate(found[0], raw)


def read(data: bytes, wanted: Fingerprint | None = None) -> list[Certificate]:
    """The certificates in a text or binary file, in its order, each reduced to what holds.

    One that cannot be read, or is above 1 MiB after the reduction, is left out where others can.
    With `wanted` only the copies of that one are looked at. Raises FormatError for secret keys,
    for a file above 8 MiB, and where no certificate can be read; KeyNotFound if the one wanted is
    not in it.
    """
    from sig.gpg import minimise

    if len(data) > MAX_INPUT:
        raise FormatError("more than 8 MiB of certificates")
    met: dict[Fingerprint, Certificate] = {}
    fault: FormatError | None = None
    for binary in _unarmored(data):
        for block in packets.blocks(binary):
            if wanted is not None and _name(block) != wanted:
                continue
            try:
                new = stored(minimise.minimised(block))
                name = new.fingerprint
                met[name] = merge(met[name], new) if name in met else new
            except FormatError as error:
                fault = fault or error
    if met:
        return list(met.values())
    if fault is not None:
        raise fault
    if wanted is not None:
        raise KeyNotFound(f"no certificate of {wanted} in it")
    raise FormatError("no OpenPGP certificate in it")


def _name(block: Block) -> Fingerprint | None:
    """The fingerprint of its primary key, None if that cannot be read."""
    if block.key is None:
        return None
    return Fingerprint(mathematics.fingerprint(block.key).hex().upper())


def merge(known: Certificate, met: Certificate) -> Certificate:
    """Both copies of one certificate in one; the order does not matter.

    Raises FormatError if the result is above 1 MiB: the known one stays.
    """
    from sig.gpg import minimise

    if known.raw == met.raw:
        return known
    if known.fingerprint != met.fingerprint:
        raise FormatError("two certificates cannot be merged")
    raw = minimise.union(packets.blocks(known.raw)[0], packets.blocks(met.raw)[0])
    return known if raw == known.raw else stored(raw)


def _certificate(block: Block, raw: bytes) -> Certificate:
    if block.key is None:
        raise FormatError(block.fault)
    key = block.key
    primary = KeyLife(key, None)
    said: list[tuple[bytes, tuple[bytes, ...], SignaturePacket]] = []
    said += [(b"", (key.framed,), claim) for claim in block.signatures]
    for user in block.users:
        text = user.user_id or b""
        framed = packets.packet(packets.USER_ID, text)
        user_parts = (key.framed, b"\xb4" + len(text).to_bytes(4, "big"), text)
        said += [(framed, user_parts, claim) for claim in user.signatures]
    for framed, parts, claim in said:
        if claim.type == packets.KEY_REVOCATION:
            primary.revocations.append(claim)
        elif claim.type == packets.DIRECT or claim.type in packets.CERTIFICATIONS:
            _bind(primary, framed, parts, claim)
    speaking = [b for b in primary.bonds if _speaks(b.claim)]
    primary.bonds = speaking or primary.bonds  # 3
    primary.bonds.sort(key=_newest_first)
    subkeys = []
    for component in block.subkeys:
        if component.key is None or component.key.version != key.version:
            continue
        life = KeyLife(component.key, primary)
        framed = packets.packet(packets.PUBLIC_SUBKEY, component.key.body)
        for claim in component.signatures:
            if claim.type == packets.SUBKEY_REVOCATION:
                life.revocations.append(claim)
            elif claim.type == packets.SUBKEY_BINDING:
                _bind(life, framed, _parts(key, component.key), claim)
        life.bonds.sort(key=_newest_first)
        subkeys.append(life)
    return Certificate(raw, primary, tuple(subkeys), tuple(block.users))


def _bind(life: KeyLife, framed: bytes, parts: tuple[bytes, ...], claim: SignaturePacket) -> None:
    if claim.odd:  # 4
        return
    ends = []
    if claim.key_period:
        ends.append(life.key.created + claim.key_period)
    if claim.period:
        ends.append(claim.made_at + claim.period)
    framed += packets.packet(packets.SIGNATURE, claim.raw)
    life.bonds.append(Bond(claim, parts, framed, min(ends, default=None)))


def _speaks(claim: SignaturePacket) -> bool:
    return claim.flags is not None or claim.key_period is not None


def _newest_first(bond: Bond) -> tuple[int, int, bytes]:
    end = _NEVER if bond.end is None else bond.end
    return -bond.claim.made_at, end, bond.claim.hashed


def _made_at(bond: Bond) -> int:
    return bond.claim.made_at


def _parts(primary: KeyPacket, subkey: KeyPacket) -> tuple[bytes, ...]:
    return primary.framed, subkey.framed


def _library_binds(key: KeyPacket, bond: Bond) -> bool:
    """Whether pysequoia takes this self-signature and reads the same end of the key in it."""
    if bond.claim.period:
        return False
    try:
        framed = packets.packet(packets.PUBLIC_KEY, key.body) + bond.framed
        end = pysequoia.Cert.from_bytes(framed).expiration
        return (None if end is None else int(end.timestamp())) == bond.end
    except Exception:  # its only way to say no
        return False


def _library_revokes(key: KeyPacket, claim: SignaturePacket) -> bool:
    # A key is revoked for that library also by what names another key, which it cannot verify.
    own = mathematics.fingerprint(key)
    if not all(packets.names(one, own) for one in claim.issuers):
        return False
    try:
        framed = packets.packet(packets.PUBLIC_KEY, key.body)
        body = claim.body(packets.issuer(own), claim.prefix)
        framed += packets.packet(packets.SIGNATURE, body)
        return pysequoia.Cert.from_bytes(framed).is_revoked
    except Exception:  # its only way to say no
        return False


def day(at: int) -> str:
    """An instant as people name it."""
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _unarmored(data: bytes) -> Iterator[bytes]:
    """The binary content of each certificate block in a text, or `data` if it is binary.

    Checksums are ignored (RFC 9580 §6.1): everything in it is verified. Raises FormatError.
    """
    import binascii

    if data[:1] >= b"\x80":
        yield data
        return
    inside: list[bytes] | None = None
    in_header = False
    for line in data.splitlines():
        line = line.strip()
        if line.startswith(b"-----BEGIN PGP "):
            if b"PRIVATE KEY" in line:
                raise FormatError("secret key material: only public keys are taken")
            inside = [] if line == b"-----BEGIN PGP PUBLIC KEY BLOCK-----" else None
            in_header = True
        elif inside is None:
            continue
        elif line.startswith(b"-----END PGP "):
            try:
                binary = binascii.a2b_base64(b"".join(inside), strict_mode=True)
            except binascii.Error as error:
                raise FormatError("a certificate in damaged armor") from error
            inside = None
            yield binary
        elif in_header:
            # Some writers leave out the empty line; then there are no headers.
            if not line:
                in_header = False
            elif b":" not in line:
                in_header = False
                inside.append(line)
        elif not (line.startswith(b"=") and len(line) == 5):
            inside.append(line)
