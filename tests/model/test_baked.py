"""What lies beside a baked loader: what is read of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import baked, limits
from sig.model.baked import Baked
from sig.model.fingerprint import Fingerprint
from tests import vectors

KEY = Fingerprint("0123456789ABCDEF" * 2 + "01234567")
FILES = vectors.files("baked")


def says(comment: str) -> bytes:
    """An envelope, in its one form."""
    data = {"comment": comment, "id": "sha256:" + "a" * 64, "ok": True, "reviewed": True}
    return json.dumps({"data": data, "key": KEY, "sig": "eA=="}, sort_keys=True).encode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/baked, with the words of a refusal."""
    vector = vectors.read(path)
    raw = vector.one("file")
    if vector.head["expect"] == "refused":
        with pytest.raises(FormatError) as caught:
            baked.read(raw)
        assert caught.value.message.startswith(vector.why)
        return
    found = baked.read(raw)
    assert vector.head["app"] == found.app
    said = {name: vector.one(name) for name in vector.data if name != "file"}
    assert said == {
        **{f"certificate {key}": one for key, one in found.certificates.items()},
        **{f"statement {number}": one for number, one in enumerate(found.statements, 1)},
        **{f"list {number}": one for number, one in enumerate(found.lists.values(), 1)},
    }
    lists = list(found.lists.values())
    assert raw == baked.write(found.app, found.certificates, found.statements, lists)


@given(
    st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9), max_size=5),
    st.sets(st.binary(max_size=99), max_size=5),
    st.dictionaries(st.just(KEY), st.binary(min_size=1, max_size=9)),
)
def test_what_is_written_is_read_as_the_same(
    comments: set[str], lists: set[bytes], certificates: dict[Fingerprint, bytes]
) -> None:
    """In whatever order it was given, and twice."""
    said = [says(one) for one in comments]
    raw = baked.write("a", certificates, said, list(lists))
    found = baked.read(raw)
    assert ("a", certificates, tuple(sorted(said))) == found[:3]
    assert sorted(lists) == sorted(found.lists.values())
    assert raw == baked.write("a", certificates, said[::-1] * 2, [*lists, *lists])
    assert baked.is_baked(raw)


@given(st.integers(0, 2000), st.integers(1, 255))
def test_no_byte_can_be_another(place: int, change: int) -> None:
    """What is damaged is not read."""
    raw = bytearray(baked.write("hello", {KEY: b"x"}, [says("a")], [b"a\n", b"b\n"]))
    raw[place % len(raw)] ^= change
    with pytest.raises(FormatError):
        baked.read(bytes(raw))


@pytest.mark.parametrize(
    ("app", "statements"), [("", []), ("a/b", []), ("a", [b"{}"]), ("a", [b"x"])]
)
def test_what_could_not_be_read_again_is_not_written(app: str, statements: list[bytes]) -> None:
    """It is refused before it is a file."""
    with pytest.raises(FormatError):
        baked.write(app, {}, statements, [])


def test_it_is_bounded() -> None:
    """To the byte."""
    room = limits.BAKED - len(baked.write("a", {}, [], [])) - len('["", 67108800]') - 64
    raw = baked.write("a", {}, [], [b"x" * room])
    assert limits.BAKED == len(raw)
    assert baked.read(raw) == Baked("a", {}, (), baked.read(raw).lists)
    large = {KEY: b"x" * limits.CERTIFICATE}
    assert large == baked.read(baked.write("a", large, [], [])).certificates
    with pytest.raises(FormatError, match="certificates is not"):
        baked.write("a", {KEY: b"x" * (limits.CERTIFICATE + 1)}, [], [])
    with pytest.raises(FormatError, match="larger than 64 MiB"):
        baked.write("a", {}, [], [b"x" * (room + 1)])
