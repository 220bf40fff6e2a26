"""Certificates composed of whatever keys can be made to sign about each other."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from typing import Any

from sig.gpg import packets
from tests.gpg.conftest import _smith
from tests.native.agreement import Question
from tests.soak import SOAK

SMITH: Any = _smith()

DAY = 86_400
TIMES = (SMITH.BORN - DAY, SMITH.BORN, SMITH.BORN + 1, SMITH.SPRING, SMITH.SUMMER)
TIMES += (SMITH.NEXT, SMITH.LATER, SMITH.at("2040-01-01"))
EXPIRIES = (None, None, None, 0, 1, DAY * 80, SMITH.YEAR, 5 * SMITH.YEAR, (1 << 32) - 1)


class Composer:
    """Certificates and signatures by the dice."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.smith: Any = SMITH
        kinds = [("eddsa", 4)] * 12 + [("ed25519", 4)] * 3 + [("ed25519", 6)] * 5
        kinds += [("p256", 4)] * 3 + [("p384", 6), ("p521", 4), ("ed448", 6), ("ed448", 4)]
        kinds += [("rsa", 4), ("rsa", 4), ("dsa", 4), ("secp256k1", 4), ("brainpoolp256", 4)]
        self.keys = [self.smith.Key(kind, version=version) for kind, version in kinds]
        for kind, bits in (("rsa", 1024), ("dsa", 1024)):
            self.keys.append(self.smith.Key(kind, bits=bits))

    def key(self, version: int | None = None) -> Any:
        """One of the keys, born anew."""
        fit = [key for key in self.keys if version in (None, key.version)]
        chosen = copy.copy(self.dice.choice(fit))
        chosen.created = self.dice.choice((SMITH.BORN,) * 5 + TIMES[:4])
        return chosen

    def digest(self, key: Any) -> int:
        odd = (1, 2, 2, 2, 11, 12, 14) if key.version == 4 else (12, 14)
        choice = odd if self.dice.random() < 0.12 else (8, 9, 10, 10)
        return self.dice.choice(choice)

    def fields(self) -> bytes:
        """Fields of a hashed part that change what a signature means, or seem to."""
        sub, dice = self.smith.sub, self.dice
        some = b""
        while dice.random() < 0.2:
            some += dice.choice(
                (
                    lambda: sub(3, self.smith.four(dice.choice((0, 1, DAY, SMITH.YEAR)))),
                    lambda: sub(2, self.smith.four(dice.choice(TIMES))),
                    lambda: sub(9, self.smith.four(dice.choice((0, 1, DAY * 90)))),
                    lambda: sub(25, dice.choice((b"", b"\0", b"\1", b"\2"))),
                    lambda: sub(27, dice.choice((b"", b"\0", b"\2", b"\3\1"))),
                    lambda: sub(29, dice.choice((b"", b"\0", b"\1x", b"\3"))),
                    lambda: sub(dice.choice((20, 26, 5, 31, 99, 100)), b"123456789", True),
                    lambda: sub(dice.choice((20, 26, 5, 31, 99, 100)), b"123456789"),
                    lambda: sub(7, b"\0", dice.random() < 0.5),
                    lambda: self.smith.notation(b"a@example.org", b"b", dice.random() < 0.3),
                    lambda: sub(32, b"\4\x19junk"),
                    lambda: sub(33, b"\4" + bytes(20)),
                    lambda: sub(16, bytes(8)),
                )
            )()
        return some

    def flags(self) -> int | None:
        return self.dice.choice((None, 0, 1, 2, 3, 3, 3, 3, 3, 0x0C))

    def own(self, primary: Any) -> bytes:
        """A signature about the primary key, or about a name."""
        dice = self.dice
        made, digest, flags = dice.choice(TIMES), self.digest(primary), self.flags()
        expires, what = dice.choice(EXPIRIES), dice.randrange(13)
        more: dict[str, Any] = {"digest": digest}
        if what < 6:
            name = dice.choice((SMITH.ALICE, SMITH.BOB, b"caf\xe9", b""))
            kind = dice.choice((0x10, 0x11, 0x12, 0x13, 0x13, 0x13))
            extra = {"hashed": self.fields(), "kind": kind}
            return bytes(primary.named(name, made, flags=flags, expires=expires, **extra, **more))
        if what < 9:
            area = b"" if flags is None else self.smith.sub(27, bytes((flags,)))
            area += b"" if expires is None else self.smith.sub(9, self.smith.four(expires))
            more["hashed"] = area + self.fields()
            return bytes(primary.sign(primary.framed, made, kind=0x1F, **more))
        if what < 11:
            area = self.reason() + self.fields()
            return bytes(primary.sign(primary.framed, made, kind=0x20, hashed=area, **more))
        if what == 11:
            name = dice.choice((SMITH.ALICE, SMITH.BOB))
            gone = primary.sign(primary.over_name(name), made, kind=0x30, **more)
            return bytes(self.smith.packet(13, name) + gone)
        thief = self.key(primary.version)
        parts, kind = dice.choice(
            ((primary.framed, 0x20), (primary.framed, 0x1F), (primary.over_name(b""), 0x13))
        )
        hashed = dice.choice((primary.issuer, b""))
        return bytes(thief.sign(parts, made, kind=kind, hashed=hashed, named=False))

    def reason(self) -> bytes:
        reason = self.dice.choice((None, 0, 1, 1, 2, 3, 3, 4, 32, 100))
        return b"" if reason is None else bytes(self.smith.sub(29, bytes((reason,)) + b"so"))

    def about(self, primary: Any, subkey: Any, stranger: Any) -> bytes:
        """A signature about a subkey, with the subkey."""
        dice, sub = self.dice, self.smith.sub
        made, parts = dice.choice(TIMES), primary.framed + subkey.framed
        signer = stranger if dice.random() < 0.1 else primary
        if dice.random() < 0.2:
            hashed = self.reason() + self.fields()
            digest = self.digest(signer)
            gone = signer.sign(parts, made, kind=0x28, hashed=hashed, digest=digest)
            return bytes(subkey.as_subkey + gone)
        flags, expires = self.flags(), dice.choice(EXPIRIES)
        area = b"" if flags is None else sub(27, bytes((flags,)))
        area += b"" if expires is None else sub(9, self.smith.four(expires))
        area += self.fields()
        unhashed = sub(16, signer.id) if dice.random() < 0.7 else b""
        for _ in range(dice.choice((0, 1, 1, 1, 1, 2, 5))):
            maker = dice.choice((subkey, subkey, subkey, stranger, primary))
            over = parts if dice.random() < 0.9 else primary.framed
            kind = 0x19 if dice.random() < 0.9 else 0x18
            digest = 2 if dice.random() < 0.2 and maker.version == 4 else self.digest(maker)
            extra = {"digest": digest, "hashed": self.fields(), "body": True}
            back = maker.sign(over, dice.choice(TIMES), kind=kind, **extra)
            if dice.random() < 0.2:
                area += sub(32, back)
            else:
                unhashed += sub(32, back)
        more = {"digest": self.digest(signer), "hashed": area, "unhashed": unhashed}
        return bytes(subkey.as_subkey + signer.sign(parts, made, kind=0x18, **more))

    def repacked(self, piece: bytes) -> bytes:
        """The same signatures, with what anyone may change of them changed."""
        made, at, dice = b"", 0, self.dice
        while at < len(piece):
            tag, start, end = packets.frame(piece, at)
            body, at = piece[start:end], end
            if tag == packets.SIGNATURE:
                claim = packets.signature(body)
                fields = [self.smith.sub(32, one) for one in claim.embedded]
                fields += [packets.issuer(bytes(20)), packets.issuer(bytes(32))]
                fields += [self.smith.sub(16, one) for one in claim.issuers]
                some = [one for one in fields if dice.random() < 0.6]
                dice.shuffle(some)
                prefix = claim.prefix if dice.random() < 0.7 else b"\0\0"
                body = claim.body(b"".join(some), prefix)
            made += packets.packet(tag, body)
        return made

    def question(self) -> Question:
        """A certificate in one to three copies, and a signature that may be one of its keys'."""
        dice = self.dice
        primary = self.key()
        version = primary.version if dice.random() < 0.95 else None
        subkeys = [self.key(version) for _ in range(dice.choice((0, 1, 1, 2)))]
        stranger = self.key(primary.version)
        said = [self.own(primary) for _ in range(dice.choice((1, 1, 2, 3, 5)))]
        for subkey in subkeys:
            said += [self.about(primary, subkey, stranger) for _ in range(dice.choice((1, 1, 3)))]
        if dice.random() < 0.1:
            junk = ((10, b"PGP"), (12, b"\0"), (17, b"\1\2"), (61, b""), (13, b"junk"))
            said += [bytes(self.smith.packet(*dice.choice(junk)))]
        copies = []
        for _ in range(dice.choice((1, 1, 2, 3))):
            some = [one for one in said if dice.random() < 0.8]
            dice.shuffle(some)
            some = [self.repacked(one) if dice.random() < 0.3 else one for one in some]
            copies.append(primary.public + b"".join(some))
        maker = dice.choice((primary, primary, *subkeys, *subkeys, stranger))
        sig = maker.sign(
            SMITH.SIGNED if dice.random() < 0.95 else b"other",
            dice.choice(TIMES[1:]),
            kind=0 if dice.random() < 0.97 else 1,
            digest=self.digest(maker),
            hashed=self.fields() if dice.random() < 0.3 else b"",
            named=dice.random() < 0.9,
        )
        return Question("merged", primary.fingerprint, SMITH.SIGNED, sig, tuple(copies))


def many_names() -> Iterator[Question]:
    """Signatures that name several keys of a certificate, of which one made it."""
    key, subkeys = SMITH.Key(), [SMITH.Key() for _ in range(6)]
    whole = key.public + key.named() + b"".join(key.binds(one, SMITH.BORN) for one in subkeys)
    for count, maker in itertools.product(range(8), (key, subkeys[0], subkeys[-1])):
        named = b"".join(SMITH.sub(16, one.id) for one in [key, *subkeys][:count])
        for area in ({"hashed": named}, {"unhashed": named}):
            sig = maker.sign(SMITH.SIGNED, SMITH.SPRING, named=False, **area)
            yield Question("merged", key.fingerprint, SMITH.SIGNED, sig, (whole,))


def many_backs() -> Iterator[Question]:
    """Bindings to which the subkey agreed more than once, or somebody else did: with weak digests
    and strong ones, in fields that readers would read differently, and in giant ones. Where a
    binding has no key flags a library takes those of a direct-key signature."""
    for kind, version, digests in (("eddsa", 4, (1, 2, 8, 10, 12)), ("ed25519", 6, (8, 12))):
        key, subkey, thief = (SMITH.Key(kind, version=version) for _ in range(3))
        parts = key.framed + subkey.framed
        made = subkey.sign(SMITH.SIGNED, SMITH.SPRING)

        def back(maker: Any, parts: bytes = parts, **more: Any) -> bytes:
            return bytes(maker.sign(parts, SMITH.BORN, kind=0x19, body=True, **more))

        twice = SMITH.sub(2, SMITH.four(SMITH.BORN + 1))
        giant = SMITH.notation(b"a@example.org", bytes(1 << 14), False)
        agreed = [back(subkey, digest=digest) for digest in digests] + [back(thief)]
        odd = [back(subkey, hashed=twice), back(subkey, hashed=giant)]
        named, direct = key.named(), key.direct(SMITH.BORN + 1)
        owns = [named, direct, named + direct, direct + named]
        owns.append(key.direct(SMITH.BORN + 1, flags=None) + named)
        flags = (b"\2", b"\0", None)
        one, two = (itertools.permutations(agreed + odd, count) for count in (1, 2))
        asked: list[Any] = [itertools.product([(), *one], flags, owns)]
        pairs = itertools.product(two, flags)
        asked.append(
            ((*pair, own) for pair in pairs for own in owns)
            if SOAK
            else ((*pair, own) for pair, own in zip(pairs, itertools.cycle(owns), strict=False))
        )
        asked.append(itertools.product(itertools.permutations(agreed, 3), (b"\2",), owns[:1]))
        for backs, flag, own in itertools.chain(*asked):
            area = b"" if flag is None else SMITH.sub(27, flag)
            fields, loose = b"".join(SMITH.sub(32, one) for one in backs), SMITH.sub(16, key.id)
            for hashed, unhashed in ((area + fields, loose), (area, loose + fields)):
                more = {"hashed": hashed, "unhashed": unhashed, "body": True}
                binding = packets.packet(2, key.sign(parts, SMITH.BORN, kind=0x18, **more))
                whole = key.public + own + subkey.as_subkey + binding
                for way in ("merged", "stored"):
                    yield Question(way, key.fingerprint, SMITH.SIGNED, made, (whole,))


def neighbours() -> Iterator[Question]:
    """A certificate in one file with others, whole ones and such as nobody signed."""
    key, young = SMITH.Key(), SMITH.Key("ed25519", version=6)
    others = [SMITH.Key(kind) for kind in ("eddsa", "p256", "rsa", "secp256k1", "brainpoolp256")]
    others += [SMITH.Key("dsa", bits=1024), SMITH.Key("rsa", bits=1024), key, young]
    for one in (key, young):
        wholes = [one.public + one.named(), one.public + one.direct(SMITH.BORN)]
        wholes.append(one.public + one.revoke(SMITH.SUMMER, 2) + one.named())
        wholes.append(
            one.public + one.named() + one.binds(SMITH.Key(version=one.version), SMITH.BORN)
        )
        sig = one.sign(SMITH.SIGNED, SMITH.SPRING)
        beside = [b"", SMITH.packet(6, b"\3" + key.body[1:]), SMITH.packet(6, b"")]
        for other in others:
            beside += [other.public, other.public + SMITH.packet(13, SMITH.BOB)]
            beside += [other.public + other.named(SMITH.BOB), other.public + one.named(SMITH.BOB)]
            beside += [other.public + other.as_subkey + one.named(SMITH.BOB, bare=True)]
        for whole, other in itertools.product(wholes, beside):
            for copies in ((whole + other,), (other + whole,), (whole + other, other + whole)):
                yield Question("merged", one.fingerprint, SMITH.SIGNED, sig, copies)
            yield Question("merged", one.fingerprint, SMITH.SIGNED, sig, (whole, other))
            yield Question("stored", one.fingerprint, SMITH.SIGNED, sig, (whole + other,))
            for file in (whole + other, other + whole, other):
                yield Question("read", one.fingerprint, SMITH.SIGNED, sig, (file,))


def every_field() -> Iterator[Question]:
    """Each kind of field, critical and not, in each kind of signature, hashed and not."""
    key, subkey = SMITH.Key(), SMITH.Key()
    plain = key.public + key.named()
    bound = plain + key.binds(subkey, SMITH.BORN)

    def ask(sig: bytes, *copies: bytes) -> Question:
        return Question("merged", key.fingerprint, SMITH.SIGNED, sig, copies)

    good, by_subkey = (one.sign(SMITH.SIGNED, SMITH.SPRING) for one in (key, subkey))
    for kind in range(128):
        # Those that nobody has defined are all alike.
        contents = (b"", b"\1", b"\0\0\0\2") if kind < 42 or SOAK else (b"\1",)
        for content, critical in itertools.product(contents, (False, True)):
            field = SMITH.sub(kind, content, critical)
            yield ask(key.sign(SMITH.SIGNED, SMITH.SPRING, hashed=field), plain)
            yield ask(key.sign(SMITH.SIGNED, SMITH.SPRING, unhashed=field), plain)
            yield ask(good, plain + key.named(made=SMITH.BORN + 1, hashed=field, bare=True))
            yield ask(good, plain + key.sign(key.framed, SMITH.BORN + 1, kind=0x1F, hashed=field))
            yield ask(good, plain + key.sign(key.framed, SMITH.SUMMER, kind=0x20, hashed=field))
            parts = key.framed + subkey.framed
            back = subkey.sign(parts, SMITH.BORN, kind=0x19, hashed=field, body=True)
            for inner, outer in ((back, b""), (None, field)):
                area = b"" if inner is None else SMITH.sub(27, b"\2") + SMITH.sub(32, inner)
                binding = key.sign(parts, SMITH.BORN + 1, kind=0x18, hashed=area + outer)
                yield ask(by_subkey, bound + binding)
                yield ask(by_subkey, plain + subkey.as_subkey + binding)
