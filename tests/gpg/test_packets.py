"""Framing and fields: what is one signature, and what is no certificate."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError, SignatureError
from sig.gpg import packets


def test_a_signature_is_read_field_by_field(smith: Any) -> None:
    """Every field that a decision uses comes from the hashed part."""
    key = smith.Key()
    area = smith.sub(3, smith.four(60)) + smith.sub(9, smith.four(90)) + smith.sub(27, b"\3")
    area += smith.sub(25, b"\1") + smith.sub(29, b"\2no")
    sig = key.sign(b"", smith.SPRING, kind=0x1F, digest=8, hashed=area)
    found = packets.read_signature(sig)
    assert (4, 0x1F, 22, 8) == (
        found.version,
        found.type,
        found.key_algorithm,
        found.hash_algorithm,
    )
    assert (smith.SPRING, 60, 90, 3) == (
        found.made_at,
        found.period,
        found.key_period,
        found.flags,
    )
    assert (True, 2) == (found.primary_user_id, found.reason)
    assert (key.raw_fingerprint,) == found.issuers


def test_fields_of_the_unhashed_part_are_nobodys_word(smith: Any) -> None:
    """Expiry, flags and reason outside the hashed part are not read."""
    area = smith.sub(3, smith.four(60)) + smith.sub(9, smith.four(90)) + smith.sub(27, b"\3")
    sig = smith.Key().sign(b"", smith.SPRING, unhashed=area + smith.sub(29, b"\2"))
    found = packets.read_signature(sig)
    assert (0, None, None, None) == (
        found.period,
        found.key_period,
        found.flags,
        found.reason,
    )


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "p256"])
def test_a_body_can_be_written_again(smith: Any, kind: str, version: int) -> None:
    """With its own unhashed part and check bytes a canonical body comes out as it went in."""
    key = smith.Key(kind, version=version)
    body = key.sign(b"data", smith.SPRING, body=True)
    found = packets.signature(body)
    unhashed = smith.sub(16, key.id) if version == 4 else b""
    assert body == found.body(unhashed, found.prefix)


def test_lengths_of_every_form_are_read(smith: Any) -> None:
    """One, two and five octets, new and old, of packets and of fields."""
    for size in (0, 1, 190, 191, 192, 8383, 8384, 70_000):
        framed = packets.packet(13, b"x" * size)
        assert (13, len(framed) - size, len(framed)) == packets.frame(framed, 0)
    for width, code in ((1, 0), (2, 1), (4, 2)):
        framed = bytes((0x80 | 13 << 2 | code,)) + (9).to_bytes(width, "big") + b"x" * 9
        assert (13, 1 + width, len(framed)) == packets.frame(framed, 0)
    key = smith.Key()
    for size in (1, 189, 190, 191, 192, 8000, 9000):
        sig = key.sign(b"", smith.SPRING, hashed=smith.sub(100, b"x" * size), body=True)
        assert smith.SPRING == packets.signature(sig).made_at


def test_a_signature_above_64_kib_is_refused(smith: Any) -> None:
    """The limit is on the whole packet, and below it large fields are read."""
    key = smith.Key()
    for size, fits in ((60_000, True), (65_300, False)):
        body = key.sign(b"", smith.SPRING, unhashed=smith.sub(100, b"x" * size), body=True)
        sig = smith.packet(2, body, "five")
        if fits:
            assert smith.SPRING == packets.read_signature(sig).made_at
        else:
            with pytest.raises(SignatureError):
                packets.read_signature(sig + b"\0" * 300)


def test_the_densest_signature_is_read_in_a_blink() -> None:
    """64 KiB of one-byte fields cost milliseconds."""
    area = b"\x01\x64" * 32_000
    body = bytes((4, 0, 27, 10)) + b"\0\0" + len(area).to_bytes(2, "big") + area
    body += b"\0\0" + b"\0" * 64
    start = time.perf_counter()
    with pytest.raises(SignatureError, match="no creation time"):
        packets.read_signature(b"\xc2\xff" + len(body).to_bytes(4, "big") + body)
    assert time.perf_counter() - start < 0.5


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but the promised errors leaves the readers."""
    for one in (data, b"\xc2" + data, b"\x04\x00\x16\x0a" + data, b"\xc6" + data, b"\x06" + data):
        try:
            packets.read_signature(one)
        except SignatureError as error:
            assert error.state == "invalid"
        for reader in (packets.signature, packets.key, packets.blocks):
            try:
                reader(one)
            except FormatError:
                continue


@settings(deadline=None, derandomize=True)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 10_000))
def test_damaged_lengths_are_read_or_refused(smith: Any, junk: bytes, where: int) -> None:
    """Bytes written over any place of a certificate never raise anything else."""
    whole = bytearray(_sample(smith))
    where %= len(whole)
    whole[where : where + len(junk)] = junk
    try:
        packets.blocks(bytes(whole))
    except FormatError:
        pass


_SAMPLES: list[bytes] = []


def _sample(smith: Any) -> bytes:
    if not _SAMPLES:
        key, subkey = smith.Key("p256"), smith.Key("rsa")
        _SAMPLES.append(
            key.public + key.direct(smith.BORN) + key.named() + key.binds(subkey, smith.BORN)
        )
    return _SAMPLES[0]


@pytest.mark.parametrize("tag", [5, 7])
def test_secret_keys_are_refused_by_their_tag(smith: Any, tag: int) -> None:
    """Wherever they stand, whatever is in them, in either header."""
    whole = _sample(smith)
    for secret in (smith.packet(tag, b"\4"), smith.packet(tag, b"", "old")):
        for data in (secret, secret + whole, whole + secret, whole + secret + whole):
            with pytest.raises(FormatError, match="secret"):
                packets.blocks(data)
    assert len(packets.blocks(whole + whole)) == 2


def test_keys_of_other_versions_have_no_name(smith: Any) -> None:
    """Versions 2, 3 and 5 make a block with a fault, and their neighbours stand."""
    whole = _sample(smith)
    for version in (2, 3, 5):
        body = bytes((version,)) + smith.Key().body[1:]
        first, second = packets.blocks(smith.packet(6, body) + whole)
        assert (f"a key of version {version}", "") == (first.fault, second.fault)


def test_what_is_not_a_certificate_is_refused(smith: Any) -> None:
    """Messages, signatures alone, unknown critical packets, and more packets than bounded."""
    whole = _sample(smith)
    for data in (
        smith.packet(13, b"alice"),
        smith.Key().sign(b"", smith.SPRING),
        whole + smith.packet(11, b"b\0\0\0\0\0text"),
        whole + smith.packet(39, b""),
        whole + b"\xcd\0" * (packets.MAX_PACKETS + 1),
    ):
        with pytest.raises(FormatError):
            packets.blocks(data)
    # Marker, trust, padding, private: without meaning here.
    for tag in (10, 12, 21, 40, 60):
        (block,) = packets.blocks(whole + smith.packet(tag, b"PGP"))
        assert (1, 1) == (len(block.users), len(block.subkeys))


def test_attributes_and_odd_names_are_left_out_with_their_signatures(smith: Any) -> None:
    """A photo or a giant name takes what stands behind it along, and nothing else."""
    key = smith.Key()
    claim = key.named(bare=True)
    giant = smith.packet(13, b"x" * (packets.MAX_USER_ID + 1), "five")
    photo = smith.packet(17, b"\x01\x01jpeg")
    (block,) = packets.blocks(key.public + giant + claim + photo + claim * 3 + key.named())
    assert [smith.ALICE] == [user.user_id for user in block.users]
    assert [1] == [len(user.signatures) for user in block.users]
    assert [] == block.signatures
