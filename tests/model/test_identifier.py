"""An identifier names exact bytes, a fingerprint one certificate."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier, everything

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_identifier_of_nothing_is_that_of_sha256sum() -> None:
    """The number that everybody knows."""
    assert EMPTY == Identifier.of_bytes(b"") == Identifier.of_stream(io.BytesIO())


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_a_stream_and_its_bytes_have_one_identifier(data: bytes) -> None:
    """Bytes are bytes."""
    assert Identifier.of_bytes(data) == Identifier.of_stream(io.BytesIO(data))


def test_a_file_is_read_from_where_it_stands(tmp_path: Path) -> None:
    """What is left in it."""
    (tmp_path / "file").write_bytes(b"before after")
    with (tmp_path / "file").open("rb") as stream:
        stream.seek(7)
        assert Identifier.of_bytes(b"after") == Identifier.of_stream(stream)


def test_a_buffer_is_read_from_where_it_stands() -> None:
    """What is left in it, as of a file."""
    stream = io.BytesIO(b"before after")
    stream.seek(7)
    assert Identifier.of_bytes(b"after") == Identifier.of_stream(stream)


def test_a_stream_that_does_not_wait_is_not_at_its_end() -> None:
    """Else what came first would be taken for the whole, by whoever sends the rest later."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as sender:
        os.set_blocking(reading, False)
        for read in (Identifier.of_stream, lambda it: everything(it, 1 << 20)):
            sender.write(b"first")
            with pytest.raises(BlockingIOError, match="Resource temporarily unavailable"):
                read(stream)
        sender.write(b"all of it")
        sender.close()
        assert b"all of i" == everything(stream, 8)


@pytest.mark.parametrize("text", [EMPTY.upper(), EMPTY[:-1], EMPTY + "0", EMPTY + "\n", "sha1:00"])
def test_what_is_almost_an_identifier_is_none(text: str) -> None:
    """Two spellings would be two names for one file."""
    with pytest.raises(ValueError):
        Identifier(text)


@pytest.mark.parametrize("length", [40, 64])
def test_a_full_fingerprint_is_one(length: int) -> None:
    """Version 4 and version 6."""
    text = ("0123456789ABCDEF" * 4)[:length]
    assert text == Fingerprint(text)
    assert text[-8:] == Fingerprint(text).short


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 8,
        "A" * 16,
        "A" * 32,
        "A" * 39,
        "A" * 41,
        "A" * 63,
        "a" * 40,
        "G" * 40,
        "A" * 40 + "\n",
    ],
)
def test_nothing_shorter_names_a_key(text: str) -> None:
    """Short ids can be made to collide; version 3 and 5 cannot be named."""
    with pytest.raises(ValueError):
        Fingerprint(text)
