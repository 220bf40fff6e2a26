"""Deltas: what is written is read as the same, and nothing else is read."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import delta, limits, strict, wire
from sig.model.attestation import Malformed
from sig.model.delta import Certificate, Statements
from sig.model.fingerprint import Fingerprint

KEY, OTHER = Fingerprint("A" * 40), Fingerprint("B" * 64)
ID, NEXT = ("sha256:" + digit * 64 for digit in "12")


def says(id: str, comment: str = "", **more: object) -> bytes:
    """An envelope about an id, in canonical form."""
    data = {"id": id, "ok": True, "reviewed": True, "comment": comment, **more}
    return wire.envelope(KEY, strict.canonical(data), b"x")


def understood(raw: bytes, unpacked: int) -> tuple[dict[str, list[bytes]], dict[str, bytes]]:
    """What a delta says, as it is given to who writes one."""
    statements: dict[str, list[bytes]] = {}
    certificates: dict[str, bytes] = {}
    for found in delta.read(raw, unpacked):
        if isinstance(found, Statements):
            statements[found.id] = [one.text for one in found.entries]
        else:
            certificates[found.key] = found.certificate
    return statements, certificates


@given(
    st.dictionaries(
        st.sampled_from([f"sha256:{n:064x}" for n in range(9)]),
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)),
    ),
    st.dictionaries(st.sampled_from([KEY, OTHER]), st.binary(max_size=50)),
)
def test_what_is_written_is_read(
    comments: dict[str, list[str]], certificates: dict[Fingerprint, bytes]
) -> None:
    """In whatever order it was given; what is gone is empty."""
    said = {id: [says(id, one) for one in listed] for id, listed in comments.items()}
    raw, unpacked = delta.write(said, certificates)
    wanted = {id: sorted(set(texts)) for id, texts in said.items()}

    assert (wanted, certificates) == understood(raw, unpacked)
    turned = {id: said[id][::-1] * 2 for id in reversed(said)}
    assert (raw, unpacked) == delta.write(turned, dict(reversed(certificates.items())))
    lines = gzip.decompress(raw)
    assert unpacked == len(lines)
    for line in lines.splitlines():
        assert json.dumps(json.loads(line), sort_keys=True).encode() == line


def test_a_statement_that_breaks_a_rule_by_itself_is_in_it() -> None:
    """It stands in the tree, so it has to."""
    raw, unpacked = delta.write({ID: [says(ID, ok=1), says(ID)]}, {})
    ((found,),) = [list(delta.read(raw, unpacked))]

    assert isinstance(found, Statements)
    assert 1 == sum(isinstance(one.said, Malformed) for one in found.entries)
    assert [ID, ID] == [one.name for one in found.entries]


def line(**value: object) -> bytes:
    """One line."""
    return json.dumps(value, sort_keys=True).encode() + b"\n"


def read_lines(raw: bytes, less: int = 0) -> list[Certificate | Statements]:
    """What stands in a delta of these unpacked bytes."""
    return list(delta.read(gzip.compress(raw), len(raw) - less))


PEM = line(certificate=base64.b64encode(b"x").decode(), key=KEY)
SAID = b'{"id": "%s", "statements": [%s]}\n' % (ID.encode(), says(ID))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"[]\n", "a line of a delta is not an object"),
        (b"\n", "not JSON"),
        (SAID + b"\n", "not JSON"),
        (SAID[:-1], "a delta is cut off"),
        (SAID + PEM, "lines of a delta are not in order"),
        (SAID + SAID, "lines of a delta are not in order"),
        (PEM + PEM, "lines of a delta are not in order"),
        (line(id=NEXT, statements=[]) + SAID, "lines of a delta are not in order"),
        (SAID.replace(b'": ', b'":'), "a line of a delta is not in canonical form"),
        (PEM.replace(b'": ', b'":'), "a line of a delta is not in canonical form"),
        (line(id=ID), "no statements"),
        (line(id=ID, statements=[], x=1), "unknown field x"),
        (line(certificate="", key=KEY, x=1), "unknown field x"),
        (line(id=ID, statements={}), "a line of a delta is not an id and its statements"),
        (line(id=1, statements=[]), "a line of a delta is not an id and its statements"),
        (line(id=ID, statements=[{"alias": "x:00", "id": ID}]), "a delta names an alias"),
        (line(id=ID, statements=[None]), "an entry is not an object"),
        (line(id=ID, statements=[json.loads(says(NEXT))]), "a statement in a delta is about"),
        (line(id=ID, statements=[json.loads(says(ID))] * 2), "statements in a delta are not"),
        (line(certificate="x", key=KEY), "the certificate is not canonical base64"),
        (line(certificate="", key=KEY[1:]), "the key is not a full fingerprint"),
        (line(certificate="", key=None), "the key is not a full fingerprint"),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused(raw: bytes, why: str) -> None:
    """And the whole delta with it."""
    with pytest.raises(FormatError) as caught:
        read_lines(raw)
    assert caught.value.message.startswith(why)


def test_what_is_sound_is_read() -> None:
    """The twin of the test above."""
    (certificate, said) = read_lines(PEM + SAID)

    assert (Certificate(KEY, b"x"), ID) == (certificate, getattr(said, "id"))  # noqa: B009
    assert [] == list(delta.read(gzip.compress(b""), 0))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda raw: raw[:-1], "a delta is cut off"),
        (lambda raw: raw[: len(raw) // 2], "a delta is cut off"),
        (lambda raw: raw + b"x", "a delta has bytes behind its end"),
        (lambda raw: raw + gzip.compress(b""), "a delta has bytes behind its end"),
        (lambda raw: raw[:-8] + bytes(8), "a delta cannot be unpacked"),
        (lambda raw: b"", "a delta is cut off"),
        (lambda raw: b"<html>", "a delta cannot be unpacked"),
        (lambda raw: raw[2:], "a delta cannot be unpacked"),
    ],
)
def test_a_file_that_is_not_one_member_is_refused(
    change: Callable[[bytes], bytes], why: str
) -> None:
    """Cut, with something behind it, damaged, or something else."""
    with pytest.raises(FormatError) as caught:
        list(delta.read(change(gzip.compress(SAID)), len(SAID)))
    assert why == caught.value.message


def test_no_more_is_unpacked_than_the_root_says() -> None:
    """Nor is less taken."""
    for less, why in ((1, "more"), (-1, "less")):
        with pytest.raises(FormatError, match=f"a delta unpacks to {why} than its root says"):
            read_lines(SAID, less)


def test_a_bomb_is_not_unpacked() -> None:
    """A line ends before it fills the memory, and so does all of it."""
    bomb = gzip.compress(b" " * (limits.VALUE + 1000))
    with pytest.raises(FormatError, match="a line of a delta is larger than 8 MiB"):
        list(delta.read(bomb, limits.DELTA_UNPACKED))
    with pytest.raises(FormatError, match="more than its root says"):
        list(delta.read(bomb, 1000))


def test_what_is_above_a_limit_is_not_written() -> None:
    """Then there is no such delta, and trees are compared."""
    with pytest.raises(FormatError, match="a line of a delta is larger than 8 MiB"):
        delta.write({ID: [says(ID, "x" * 60_000 + f"{n}") for n in range(150)]}, {})
    with pytest.raises(FormatError, match="larger than 64 MiB"):
        list(delta.read(b"x" * (limits.DELTA + 1), 0))
