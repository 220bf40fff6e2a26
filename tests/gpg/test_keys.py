"""Certificates that come from anywhere: what is kept of them, shown of them, found again."""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pysequoia
import pytest

from sig.errors import FormatError, KeyNotFound, StoreError
from sig.gpg import certificate as certificates
from sig.gpg import minimise, packets
from sig.gpg.keys import Keys, file_name
from sig.model.fingerprint import Fingerprint
from tests.soak import SOAK


def armored(*pieces: bytes) -> bytes:
    kind = pysequoia.ArmorKind.PublicKey
    return b"".join(pysequoia.armor(piece, kind).encode() for piece in pieces)


def read(*pieces: bytes) -> certificates.Certificate:
    (found,) = certificates.read(b"".join(pieces))
    return found


@pytest.fixture(scope="module")
def alice(smith: Any) -> Any:
    return smith.Key()


@pytest.fixture(scope="module")
def thief(smith: Any) -> Any:
    return smith.Key()


# ---- reading ------------------------------------------------------------------------------------


def test_text_and_binary_say_the_same(smith: Any, alice: Any) -> None:
    """One block, several blocks, several in one block, words around them, CRLF, no checksum."""
    bob = smith.Key()
    one, two = alice.public + alice.named(), bob.public + bob.named(smith.BOB)
    names = [alice.fingerprint, bob.fingerprint]
    text = armored(one + two)
    unchecked = b"\n".join(
        line for line in text.split(b"\n") if not (line[:1] == b"=" and len(line) == 5)
    )
    for data in (
        one + two,
        armored(one + two),
        armored(one, two),
        b"hello\n" + armored(one) + b"\nand\n" + armored(two) + b"bye",
        text.replace(b"\n", b"\r\n"),
        unchecked,
    ):
        assert names == [found.fingerprint for found in certificates.read(data)]
    assert [names[1]] == [
        found.fingerprint for found in certificates.read(one + two, Fingerprint(names[1]))
    ]


def test_the_same_certificate_twice_is_one(smith: Any, alice: Any) -> None:
    """Copies in one file are merged."""
    both = read(alice.public + alice.named(), alice.public + alice.named(smith.BOB))
    assert {smith.ALICE.decode(), smith.BOB.decode()} == set(both.user_ids)


def test_what_is_not_there_is_said(smith: Any, alice: Any, thief: Any) -> None:
    """Another key than the one wanted is not taken in its place."""
    other = thief.public + thief.named()
    with pytest.raises(KeyNotFound):
        certificates.read(other, Fingerprint(alice.fingerprint))
    assert [thief.fingerprint] == [c.fingerprint for c in certificates.read(other)]
    for nothing in (b"", b"hello", b"\x99", armored(b"")):
        with pytest.raises(FormatError):
            certificates.read(nothing)


def test_secret_keys_are_refused_whole(smith: Any, alice: Any) -> None:
    """Also beside a certificate that was asked for, and in text form."""
    secret = pysequoia.Tsk.generate(user_id="alice <alice@example.org>")
    public = alice.public + alice.named()
    for data in (
        bytes(secret),
        public + bytes(secret),
        str(secret).encode(),
        armored(public) + str(secret).encode(),
        armored(bytes(secret)),
    ):
        for wanted in (None, Fingerprint(alice.fingerprint)):
            with pytest.raises(FormatError, match="secret"):
                certificates.read(data, wanted)
    assert alice.fingerprint == read(armored(public)).fingerprint


def test_unreadable_keys_do_not_hide_their_neighbours(smith: Any, alice: Any) -> None:
    """Version 3 and 5 keys, and keys that nobody signed, are passed over; alone they are named."""
    odd = smith.packet(6, b"\3" + smith.Key().body[1:])
    bare = smith.Key().public + smith.packet(13, smith.BOB)
    assert alice.fingerprint == read(odd, bare, alice.public + alice.named()).fingerprint
    with pytest.raises(FormatError, match="version 3"):
        read(odd)
    with pytest.raises(FormatError, match="signed by its own key"):
        read(bare)
    again = alice.public + smith.packet(13, smith.BOB)
    wanted = Fingerprint(alice.fingerprint)
    for file in (odd + again + alice.public + alice.named(), alice.public + alice.named() + again):
        (found,) = certificates.read(file, wanted)
        assert found == read(alice.public + alice.named())
    with pytest.raises(FormatError, match="signed by its own key"):
        certificates.read(odd + again, wanted)


# ---- what is kept -------------------------------------------------------------------------------


def test_only_what_its_own_key_signed_is_kept(smith: Any, alice: Any, thief: Any) -> None:
    """Strangers' certifications, forgeries, forged revocations, photos, bare names: gone."""
    sub = smith.Key()
    clean = read(alice.public + alice.named() + alice.binds(sub, smith.BORN))
    forged = {"named": False, "unhashed": smith.sub(16, alice.id)}
    named = alice.over_name(smith.ALICE)
    junk = [
        thief.sign(alice.framed, smith.SUMMER, kind=0x20, **forged),
        alice.public,
        alice.named(),
        thief.sign(named, smith.SUMMER, kind=0x10),
        thief.sign(named, smith.SUMMER, kind=0x13, **forged),
        thief.sign(named, smith.SUMMER, kind=0x30, **forged),
        smith.packet(13, b"mallory <alice@example.org>"),
        smith.packet(13, smith.BOB) + thief.sign(alice.over_name(smith.BOB), 1, **forged),
        smith.packet(17, b"\x01\x01jpeg") + thief.sign(named, smith.SUMMER, kind=0x13),
        alice.binds(sub, smith.BORN),
        thief.sign(alice.framed + sub.framed, smith.SUMMER, kind=0x28, **forged),
        thief.public[:0] + smith.packet(14, thief.body),
    ]
    flooded = read(alice.public, junk[0], *junk[2:])
    assert (smith.ALICE.decode(),) == flooded.user_ids
    assert None is flooded.revoked
    assert clean.raw == flooded.raw


def test_the_unhashed_part_is_cut_to_issuer_and_agreement(smith: Any, alice: Any) -> None:
    """One signature met with different junk is one; its back-signature stays."""
    sub = smith.Key()
    named = alice.named(bare=True)
    variants = [
        alice.named(bare=True, unhashed=smith.sub(16, alice.id) + smith.sub(100, bytes((n,))))
        for n in range(9)
    ]
    binding = alice.binds(sub, smith.BORN)
    plain = read(alice.public + smith.packet(13, smith.ALICE) + named + binding)
    met = read(alice.public + smith.packet(13, smith.ALICE), *variants, binding)
    assert plain.raw == met.raw
    (user,) = met.users
    assert 1 == len(user.signatures)
    (life,) = met.subkeys
    assert life.agreed(life.bonds[0]) is not None


def test_a_giant_agreement_is_left_out(smith: Any, alice: Any) -> None:
    """A back-signature that fits only just does not break writing it again."""
    sub = smith.Key()
    parts = alice.framed + sub.framed
    for size in (100, 16_000, 16_400, 65_300):
        back = sub.sign(
            parts,
            smith.BORN,
            kind=0x19,
            hashed=smith.sub(100, b"x" * size),
            unhashed=b"",
            body=True,
        )
        claim = alice.sign(
            parts,
            smith.BORN,
            kind=0x18,
            hashed=smith.sub(27, b"\2"),
            unhashed=smith.sub(32, back),
            header="five",
        )
        met = read(alice.public, alice.named(), sub.as_subkey, claim)
        if met.subkeys:
            (life,) = met.subkeys
            assert (size < 16_300) is (life.agreed(life.bonds[0]) is not None)
        else:
            assert size == 65_300


def test_a_forged_agreement_does_not_displace_the_genuine_one(smith: Any, alice: Any) -> None:
    """The unhashed part of a binding can be filled by anyone: what verifies is found."""
    sub, other = smith.Key(), smith.Key()
    good = packets.signature(alice.binds(sub, smith.BORN, bare=True, header="five")[6:])
    wrong = alice.binds(sub, smith.BORN, back=other)
    genuine = smith.sub(32, good.embedded[0])
    mixed = good.body(smith.sub(32, b"junk") + smith.sub(16, alice.id) + genuine, good.prefix)
    met = read(alice.public + alice.named() + wrong + smith.packet(2, mixed, "five"))
    (life,) = met.subkeys
    assert life.agreed(life.bonds[0]) is not None


def test_the_result_is_stable(scenario: Any) -> None:
    """Reading what was kept keeps the same bytes, in text form too, and it can be stored."""
    if not scenario.copies:
        return
    kept = scenario.certificate()
    assert kept.raw == read(kept.raw).raw == read(kept.armored()).raw
    assert kept == certificates.stored(kept.raw)
    assert kept == certificates.merge(kept, kept)


def test_a_flood_of_forgeries_is_dropped_in_bounded_time(
    smith: Any, alice: Any, thief: Any
) -> None:
    """5 000 forged certifications with fitting check bytes, 1.2 MB; too many are refused."""
    named = alice.over_name(smith.ALICE)
    forged = [
        thief.sign(
            named,
            smith.BORN + n,
            kind=0x13,
            named=False,
            unhashed=smith.sub(16, alice.id) + smith.sub(100, b"x" * 150),
        )
        for n in range(5000)
    ]
    data = alice.public + alice.named() + b"".join(forged)
    assert len(data) > 1_200_000
    start = time.perf_counter()
    met = read(data)
    assert time.perf_counter() - start < 5
    assert read(alice.public + alice.named()).raw == met.raw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(minimise, "MAX_TRIALS", 2500)
        with pytest.raises(FormatError, match="too many"):
            read(data)


def test_names_and_subkeys_are_counted(smith: Any, alice: Any) -> None:
    """10 000 names that nobody signed are gone; of 80 signed ones the newest 64 stay."""
    bare = b"".join(smith.packet(13, b"name %d" % n) for n in range(10_000))
    assert read(alice.public + alice.named()).raw == read(alice.public + alice.named() + bare).raw
    signed = [alice.named(b"name %d" % n, smith.BORN + n) for n in range(80)]
    met = read(alice.public, *signed)
    assert [f"name {n}" for n in range(79, 15, -1)] == list(met.user_ids)
    subkeys = [alice.binds(smith.Key(), smith.BORN + n) for n in range(66)]
    met = read(alice.public, alice.named(), *subkeys)
    assert 64 == len(met.subkeys)


def test_too_much_is_refused(smith: Any, alice: Any) -> None:
    """A file above 8 MiB, a certificate above 1 MiB of its own signatures, also by a merge."""
    with pytest.raises(FormatError, match="8 MiB"):
        certificates.read(b"\x99" * (certificates.MAX_INPUT + 1))
    big = smith.sub(100, b"x" * 60_000)
    halves, every = [], []
    for first in (0, 10):
        claims = [
            alice.named(bare=True, made=smith.BORN + first + n, hashed=big, header="five")
            for n in range(10)
        ]
        every += claims
        halves.append(read(alice.public + smith.packet(13, smith.ALICE), *claims))
    with pytest.raises(FormatError, match="1 MiB"):
        certificates.merge(*halves)
    with pytest.raises(FormatError, match="1 MiB"):
        read(alice.public + smith.packet(13, smith.ALICE), *every)


def test_giant_numbers_are_not_computed_with(smith: Any, alice: Any) -> None:
    """A modulus or exponent without bound costs nothing and verifies nothing."""
    size = 65_528
    number = size.to_bytes(2, "big") + b"\xff" * (size // 8)
    small = smith.mpi(0xC0FFEE << 2040 | 1)
    for material in (number + smith.mpi(65537), small + smith.mpi((1 << 2000) | 1)):
        body = b"\4" + smith.four(smith.BORN) + b"\1" + material
        key = smith.packet(6, body, "five")
        claim = bytes((4, 0x1F, 1, 10)) + b"\0\6" + smith.sub(2, smith.four(smith.BORN))
        claim += b"\0\0\0\0" + small
        start = time.perf_counter()
        with pytest.raises(FormatError):
            read(key + smith.packet(2, claim))
        assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("seed", range(200 if SOAK else 4))
def test_a_mutated_copy_adds_nothing(smith: Any, seed: int) -> None:
    """Whatever is done to a copy, what is kept of it under that name was in the genuine one."""
    dice = random.Random(seed)
    key, sub = smith.Key(), smith.Key("p256")
    whole = key.public + key.direct(smith.BORN) + key.named(expires=60) + key.named(smith.BOB)
    whole += key.binds(sub, smith.BORN) + key.revokes(sub, smith.SUMMER, 3)
    genuine = read(whole)
    kept = _content(genuine)
    survived = 0
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            where = dice.randrange(len(data))
            what = dice.randrange(4)
            if what < 2:
                data[where] ^= 1 << dice.randrange(8)
            elif what == 2:
                del data[where : where + dice.randrange(40)]
            else:
                other = dice.randrange(len(data))
                data[where:where] = data[other : other + dice.randrange(400)]
        try:
            met = certificates.read(bytes(data))
        except FormatError:
            continue
        for one in met:
            if one.fingerprint == genuine.fingerprint:
                assert _content(one) <= kept
                assert genuine == certificates.merge(genuine, one)
                survived += 1
    assert survived


def _content(one: certificates.Certificate) -> set[tuple[bytes, bytes]]:
    (block,) = packets.blocks(one.raw)
    found = {(b"", claim.hashed) for claim in block.signatures}
    found |= {(user.user_id or b"", c.hashed) for user in block.users for c in user.signatures}
    return found | {(s.key.body, c.hashed) for s in block.subkeys if s.key for c in s.signatures}


# ---- merging ------------------------------------------------------------------------------------


def test_merging_keeps_every_self_signature(smith: Any, alice: Any) -> None:
    """Renewals, names, subkeys, revocations: in any order, any number of times."""
    sub = smith.Key()
    copies = [
        read(alice.public + alice.named(expires=60)),
        read(alice.public + alice.named(made=smith.SUMMER, expires=smith.YEAR)),
        read(alice.public + alice.named(smith.BOB) + alice.binds(sub, smith.BORN)),
        read(alice.public + alice.named() + alice.revoke(smith.LATER, 1)),
    ]
    dice = random.Random(7)
    results = set()
    for _ in range(12):
        order = copies * 2
        dice.shuffle(order)
        merged = order[0]
        for one in order[1:]:
            merged = certificates.merge(merged, one)
        results.add(merged.raw)
    assert 1 == len(results)
    assert {smith.ALICE.decode(), smith.BOB.decode()} == set(merged.user_ids)
    assert (False, smith.LATER) == (merged.revoked.hard, merged.revoked.at)
    assert [1] == [len(life.bonds) for life in merged.subkeys]


def test_two_certificates_do_not_merge(smith: Any, alice: Any, thief: Any) -> None:
    """A copy is a copy of the same primary key."""
    with pytest.raises(FormatError):
        certificates.merge(read(alice.public + alice.named()), read(thief.public + thief.named()))


def test_a_second_signature_of_the_same_hashed_part_changes_nothing(smith: Any) -> None:
    """ECDSA lets anyone turn (r, s) into (r, n - s): the order met does not show."""
    key = smith.Key("p256")
    one = packets.signature(key.named(bare=True)[2:])
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = (int.from_bytes(value, "big") for value in one.values)
    unhashed = smith.sub(16, key.id)
    other = one.body(unhashed, one.prefix)[: -sum(2 + len(v) for v in one.values)]
    other += smith.mpi(r) + smith.mpi(n - s)
    first = read(key.public + smith.packet(13, smith.ALICE) + smith.packet(2, one.raw))
    second = read(key.public + smith.packet(13, smith.ALICE) + smith.packet(2, other))
    assert first.raw != second.raw
    assert certificates.merge(first, second).raw == certificates.merge(second, first).raw
    both = read(
        key.public
        + smith.packet(13, smith.ALICE)
        + smith.packet(2, other)
        + smith.packet(2, one.raw)
    )
    assert certificates.merge(first, second).raw == both.raw


# ---- what is shown ------------------------------------------------------------------------------


def test_the_primary_name_comes_first(smith: Any, alice: Any) -> None:
    """Flagged before newest before the rest; revoked ones hidden; odd octets shown as such."""
    primary = alice.named(b"one", smith.BORN, hashed=smith.sub(25, b"\1"))
    newer, newest = alice.named(b"two", smith.SPRING), alice.named(b"three", smith.SUMMER)
    assert ("one", "three", "two") == read(alice.public, newer, primary, newest).user_ids
    gone = alice.sign(alice.over_name(b"three"), smith.LATER, kind=0x30)
    met = read(alice.public, primary, newer, newest, gone)
    assert ("one", "two") == met.user_ids
    assert ("one", alice.fingerprint[-8:]) == (met.uid, met.short)
    odd = read(alice.public, alice.named(b"caf\xe9 \xe2\x82\xac"))
    assert ("caf\\xe9 \u20ac",) == odd.user_ids
    direct = read(alice.public, alice.direct(smith.BORN))
    assert ((), "") == (direct.user_ids, direct.uid)


def test_the_life_of_a_key_is_told(smith: Any, alice: Any) -> None:
    """Creation, expiry by the newest self-signature, and the revocation that counts most."""
    whole = (
        alice.public
        + alice.named(expires=60)
        + alice.named(made=smith.SPRING, bare=True, expires=90)
    )
    met = read(whole)
    assert (smith.BORN, smith.BORN + 90, None) == (met.created, met.expires_at, met.revoked)
    soft = alice.revoke(smith.SPRING, 3)
    met = read(alice.public, soft, alice.named())
    assert (False, smith.SPRING, "retired") == met.revoked
    met = read(alice.public, soft, alice.revoke(smith.LATER, 2), alice.named())
    assert (True, smith.LATER, "compromised") == met.revoked


def test_gpg_takes_what_we_export(scenarios: Any, smith: Any) -> None:
    """The text form imports into gpg and comes out with the same names and subkeys."""
    with smith.gnupg() as gpg:
        for name in ("subkey-renewed-merged", "gpg-rsa2048", "renewed-merged-ed25519"):
            met = scenarios[name].certificate()
            gpg(smith.LATER, "--import", data=met.armored())
            again = read(gpg.export(met.fingerprint))
            assert met.user_ids == again.user_ids
            assert [s.name for s in met.subkeys] == [s.name for s in again.subkeys]
            assert met == certificates.merge(met, again)


def test_sequoia_takes_what_we_export(scenario: Any) -> None:
    """Every certificate that is kept parses there under the same name."""
    met = scenario.certificate()
    if met is not None:
        assert met.fingerprint == pysequoia.Cert.from_bytes(met.armored()).fingerprint.upper()


# ---- the folder ---------------------------------------------------------------------------------


def _store(folder: Path, *certificates_: certificates.Certificate) -> Keys:
    for one in certificates_:
        (folder / file_name(one.fingerprint)).write_bytes(one.raw)
    return Keys(folder)


def test_a_folder_gives_back_what_was_written(tmp_path: Path, smith: Any, alice: Any) -> None:
    """By fingerprint; nothing for one that is not there, or no folder."""
    met = read(alice.public + alice.named())
    keys = _store(tmp_path, met)
    assert met == keys.get(met.fingerprint)
    assert keys.get(met.fingerprint) is keys.get(met.fingerprint)
    assert [met] == list(keys)
    assert keys.get(Fingerprint("0" * 40)) is None
    assert [] == list(Keys(tmp_path / "none"))


def test_names_of_files_are_never_paths(tmp_path: Path) -> None:
    """Anything but a full fingerprint is refused before a path is made of it."""
    for name in ("../x", "", "A" * 39, "a" * 40, "A" * 40 + "\n", "CON", "A" * 20 + "/" * 20):
        with pytest.raises(ValueError, match="fingerprint"):
            file_name(name)
        with pytest.raises(ValueError, match="fingerprint"):
            Keys(tmp_path).get(name)


def test_strange_files_are_not_ours(tmp_path: Path, alice: Any) -> None:
    """Temporary files, short names, lower case and folders are passed over."""
    met = read(alice.public + alice.named())
    keys = _store(tmp_path, met)
    for name in ("x.pgp", met.fingerprint.lower() + ".pgp", met.fingerprint + ".pgp.tmp", "notes"):
        (tmp_path / name).write_bytes(b"junk")
    assert [met.fingerprint] == keys.fingerprints()


def test_a_damaged_file_is_said_to_be(tmp_path: Path, smith: Any, alice: Any, thief: Any) -> None:
    """Cut, empty, two certificates, too large, secret, or another key's: an error of the folder."""
    met, other = read(alice.public + alice.named()), read(thief.public + thief.named())
    for content in (
        b"",
        met.raw[:-1],
        met.raw[:60],
        met.raw + other.raw,
        other.raw,
        b"\xcd\0" * 600_000,
        smith.packet(5, b"\4"),
    ):
        (tmp_path / file_name(met.fingerprint)).write_bytes(content)
        with pytest.raises(StoreError):
            Keys(tmp_path).get(met.fingerprint)
    (tmp_path / file_name(met.fingerprint)).unlink()
    (tmp_path / file_name(met.fingerprint)).mkdir()
    with pytest.raises(StoreError):
        Keys(tmp_path).get(met.fingerprint)


def test_keys_are_found_by_their_last_digits(tmp_path: Path, smith: Any, alice: Any) -> None:
    """Eight or more, in any usual spelling; shorter ones and names find nothing."""
    bob = smith.Key()
    keys = _store(
        tmp_path, read(alice.public + alice.named()), read(bob.public + bob.named(smith.BOB))
    )
    name = alice.fingerprint
    spaced = " ".join(name[n : n + 4] for n in range(0, 40, 4))
    for text in (name, name.lower(), "0x" + name, spaced, name[-8:], "0x" + name[-16:].lower()):
        assert (name,) == keys.find(text)
    for text in (name[-7:], name[:16], "", "alice", "0x", "F" * 8 + name[-4:], "../" + name):
        assert () == keys.find(text)


def test_several_keys_with_the_same_last_digits_are_all_named(tmp_path: Path) -> None:
    """A short id that two keys share chooses neither."""
    twins = [Fingerprint(letter * 32 + "12345678") for letter in "AB"]
    for one in twins:
        (tmp_path / file_name(one)).touch()
    keys = Keys(tmp_path)
    assert tuple(twins) == keys.find("12345678")
    assert (twins[0],) == keys.find(twins[0])


def test_merging_with_the_folder_says_what_changed(tmp_path: Path, smith: Any, alice: Any) -> None:
    """A new key and a new self-signature change something, an old copy does not."""
    old = read(alice.public + alice.named())
    new = read(alice.public + alice.named(made=smith.SUMMER))
    assert (old, True) == Keys(tmp_path).merged(old)
    keys = _store(tmp_path, old)
    assert (old, False) == keys.merged(old)
    both, changed = keys.merged(new)
    assert changed and both == certificates.merge(old, new)
    again = _store(tmp_path, both)
    assert (both, False) == again.merged(old)
    assert (both, False) == again.merged(new)


def test_nothing_is_started_or_written(tmp_path: Path, alice: Any, monkeypatch: Any) -> None:
    """Reading keys runs no program and changes no file."""
    met = read(alice.public + alice.named())
    keys = _store(tmp_path, met)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    def refuse(*words: object, **more: object) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "Popen", refuse)
    keys.merged(read(alice.public + alice.named(b"other")))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
