"""What is kept of a certificate that was met: what its own keys signed, and nothing else.

Certificates are flooded: anyone can add user ids, forged signatures and junk to a copy, libraries
carry all of it through a merge, and gpg's own cleaning drops the older self-signatures that old
statements need. So (docs/spec/envelope §7):

1. Kept are the primary key, at most 64 user ids and 64 subkeys, each with those of its own
   self-signatures, bindings and revocations that verify.
2. Of signatures with the same hashed part one is kept: the unhashed part and the check bytes can
   be changed by anyone, and some algorithms let anyone make a second signature of the first.
3. Its unhashed part is cut to the issuer and a back-signature that verifies.
4. The result is in one order and one encoding: equal content has equal bytes, and a merge gives
   the same whichever copy came first.
5. At most `MAX_TRIALS` signatures are tried, of those that claim to be its own and whose check
   bytes fit; then the copy is refused.
6. Signatures that readers would read differently are dropped, unless they revoke.
"""

from __future__ import annotations

from collections.abc import Iterable

from sig.errors import FormatError
from sig.gpg import mathematics, packets
from sig.gpg.packets import Block, KeyPacket, SignaturePacket
from sig.model import limits

MAX_TRIALS = 8192

_ON_KEY = frozenset((packets.DIRECT, packets.KEY_REVOCATION))
_ON_USER_ID = packets.CERTIFICATIONS | {packets.USER_ID_REVOCATION}
_ON_SUBKEY = frozenset((packets.SUBKEY_BINDING, packets.SUBKEY_REVOCATION))
_REVOCATIONS = frozenset(
    (packets.KEY_REVOCATION, packets.SUBKEY_REVOCATION, packets.USER_ID_REVOCATION)
)

# The signatures kept for one component, by their hashed parts: rule 2 is the shape.
Kept = dict[bytes, SignaturePacket]


def minimised(block: Block) -> bytes:
    """The canonical bytes of what verifies in a certificate.

    Raises FormatError if nothing does, after too many trials, and above 1 MiB.
    """
    if block.key is None:
        raise FormatError(block.fault)
    key = block.key
    trials = _Trials(key)
    on_key = trials.kept(block.signatures, _ON_KEY, (key.framed,), None)
    users: dict[bytes, Kept] = {}
    for text, claims in _gathered((user.user_id or b"", user) for user in block.users):
        parts: tuple[bytes, ...] = (key.framed, b"\xb4" + len(text).to_bytes(4, "big"), text)
        users[text] = trials.kept(claims, _ON_USER_ID, parts, None)
    subkeys: dict[bytes, Kept] = {}
    by_body = {one.key.body: one.key for one in block.subkeys if one.key is not None}
    for body, claims in _gathered((one.key.body, one) for one in block.subkeys if one.key):
        subkey = by_body[body]
        if subkey.version == key.version:
            parts = (key.framed, subkey.framed)
            subkeys[body] = trials.kept(claims, _ON_SUBKEY, parts, subkey)
    return _written(key, on_key, users, subkeys)


def union(one: Block, other: Block) -> bytes:
    """The canonical bytes of two minimised copies of a certificate. Verifies nothing.

    Raises FormatError above 1 MiB.
    """
    if one.key is None or other.key is None:
        raise FormatError("not a certificate")
    on_key: Kept = {}
    users: dict[bytes, Kept] = {}
    subkeys: dict[bytes, Kept] = {}
    for block in (one, other):
        _add(on_key, block.signatures)
        for user in block.users:
            _add(users.setdefault(user.user_id or b"", {}), user.signatures)
        for subkey in block.subkeys:
            if subkey.key is not None:
                _add(subkeys.setdefault(subkey.key.body, {}), subkey.signatures)
    return _written(one.key, on_key, users, subkeys)


def _add(kept: Kept, claims: Iterable[SignaturePacket]) -> None:
    for claim in claims:
        known = kept.get(claim.hashed)
        if known is None or _worth(claim) < _worth(known):
            kept[claim.hashed] = claim


def _worth(claim: SignaturePacket) -> tuple[bool, bytes]:
    """Which of two with the same hashed part is kept, whatever the order they came in."""
    return not claim.embedded, claim.raw


def _gathered(
    components: Iterable[tuple[bytes, packets.Component]],
) -> Iterable[tuple[bytes, list[SignaturePacket]]]:
    """A component that stands twice is one, with the signatures of both."""
    found: dict[bytes, list[SignaturePacket]] = {}
    for name, component in components:
        found.setdefault(name, []).extend(component.signatures)
    return found.items()


class _Trials:
    """Verifies what claims to be signed by one primary key, and counts; rule 5."""

    def __init__(self, key: KeyPacket) -> None:
        self._key = key
        self._fingerprint = mathematics.fingerprint(key)
        self._left = MAX_TRIALS

    def kept(
        self,
        claims: Iterable[SignaturePacket],
        types: frozenset[int],
        parts: tuple[bytes, ...],
        subkey: KeyPacket | None,
    ) -> Kept:
        """The own signatures of these types that verify, one for each hashed part; 2, 3."""
        groups: dict[bytes, list[SignaturePacket]] = {}
        for claim in claims:
            if claim.type not in types or (claim.odd and claim.type not in _REVOCATIONS):  # 6
                continue
            if any(packets.names(one, self._fingerprint) for one in claim.issuers):
                groups.setdefault(claim.hashed, []).append(claim)
        kept: Kept = {}
        for hashed, group in groups.items():
            found = self._least(self._key, group, parts)
            if found is None:
                continue
            unhashed = packets.issuer(self._fingerprint)
            if subkey is not None and found.type == packets.SUBKEY_BINDING:
                if not found.embedded_is_hashed:
                    unhashed += self._agreement(group, subkey, parts)
            kept[hashed] = _canonical(found, unhashed, parts)
        return kept

    def _least(
        self, key: KeyPacket, group: Iterable[SignaturePacket], parts: tuple[bytes, ...]
    ) -> SignaturePacket | None:
        """The least of these with one hashed part that holds, so that any order gives it."""
        distinct = {(claim.values, claim.salt): claim for claim in group}
        for numbers in sorted(distinct):
            claim = distinct[numbers]
            hashed = mathematics.digest(claim, *parts)
            if hashed is None or not _prefix_fits(group, claim, hashed):
                continue
            if self._left == 0:
                raise FormatError("a certificate with too many signatures that may be its own")
            self._left -= 1
            if mathematics.holds(key, claim, *parts):
                return claim
        return None

    def _agreement(
        self, group: Iterable[SignaturePacket], subkey: KeyPacket, parts: tuple[bytes, ...]
    ) -> bytes:
        """The subpacket of a back-signature that verifies, b"" if none does."""
        backs: dict[bytes, list[SignaturePacket]] = {}
        for claim in group:
            for back in packets.back_signatures(claim):
                backs.setdefault(back.hashed, []).append(back)
        found = []
        for copies in backs.values():
            least = self._least(subkey, copies, parts)
            if least is not None:
                unhashed = packets.issuer(mathematics.fingerprint(subkey))
                found.append(_canonical(least, unhashed, parts))
        if not found:
            return b""
        best = min(found, key=lambda one: (bool(mathematics.weak_signature(one)), one.raw))
        return packets.subpacket(32, best.raw)


def _prefix_fits(group: Iterable[SignaturePacket], claim: SignaturePacket, hashed: bytes) -> bool:
    """Whether some copy of this signature has the check bytes of its digest.

    Every genuine one has: gpg refuses others. It spares the mathematics for lazy forgeries.
    """
    return any(
        one.prefix == hashed[:2] for one in group if one is claim or one.values == claim.values
    )


def _canonical(
    claim: SignaturePacket, unhashed: bytes, parts: tuple[bytes, ...]
) -> SignaturePacket:
    hashed = mathematics.digest(claim, *parts) or b""
    return packets.signature(claim.body(unhashed, hashed[:2]))


def _written(
    key: KeyPacket, on_key: Kept, users: dict[bytes, Kept], subkeys: dict[bytes, Kept]
) -> bytes:
    """One order for equal content; 1, 4."""
    users = _newest(users, limits.USER_IDS)
    subkeys = _newest(subkeys, limits.SUBKEYS)
    if not (on_key or users or subkeys):
        raise FormatError("nothing in this certificate is signed by its own key")
    pieces = [packets.packet(packets.PUBLIC_KEY, key.body)]
    _append(pieces, on_key)
    for text, kept in sorted(users.items(), key=_oldest):
        pieces.append(packets.packet(packets.USER_ID, text))
        _append(pieces, kept)
    for body, kept in sorted(subkeys.items()):  # a body begins with its creation time
        pieces.append(packets.packet(packets.PUBLIC_SUBKEY, body))
        _append(pieces, kept)
    raw = b"".join(pieces)
    if len(raw) > limits.CERTIFICATE:
        raise FormatError("a certificate of more than 1 MiB")
    return raw


def _append(pieces: list[bytes], kept: Kept) -> None:
    for claim in sorted(kept.values(), key=lambda one: (one.made_at, one.hashed)):
        pieces.append(packets.packet(packets.SIGNATURE, claim.raw))


def _newest(components: dict[bytes, Kept], most: int) -> dict[bytes, Kept]:
    """At most so many components, those that were signed last."""
    kept = {name: one for name, one in components.items() if one}
    if len(kept) <= most:
        return kept

    def last(name: bytes) -> tuple[int, bytes]:
        return -max(claim.made_at for claim in kept[name].values()), name

    return {name: kept[name] for name in sorted(kept, key=last)[:most]}


def _oldest(item: tuple[bytes, Kept]) -> tuple[int, bytes]:
    return min(claim.made_at for claim in item[1].values()), item[0]
