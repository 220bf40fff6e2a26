"""Instants: one spelling on paper, whole seconds in the program."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.model import instant

LAST = 253402300799  # 9999-12-31T23:59:59Z


def test_the_epoch_is_zero() -> None:
    """And the year 2038 passes."""
    assert (0, "1970-01-01T00:00:00Z") == (instant.parse("1970-01-01T00:00:00Z"), instant.write(0))
    assert 2**31 == instant.parse("2038-01-19T03:14:08Z")
    assert "2106-02-07" == instant.day(2**32)


@settings(deadline=None)
@given(st.integers(0, LAST))
def test_an_instant_reads_back(seconds: int) -> None:
    """Every second from 1970 on."""
    assert seconds == instant.parse(instant.write(seconds))
    assert instant.write(seconds).startswith(instant.day(seconds) + "T")


def test_an_instant_of_antiquity_reads_back() -> None:
    """What can be parsed can be written."""
    assert "0999-12-31T23:59:59Z" == instant.write(instant.parse("0999-12-31T23:59:59Z"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T23:59:59",
        "2026-01-31T23:59:59z",
        "2026-01-31t23:59:59Z",
        "2026-01-31 23:59:59Z",
        "2026-01-31T23:59:59+00:00",
        "2026-01-31T23:59:59.0Z",
        "2026-01-31T23:59Z",
        "2026-1-31T23:59:59Z",
        "12026-01-31T23:59:59Z",
        "2026-01-31T23:59:59Z\n",
        " 2026-01-31T23:59:59Z",
        "٢٠٢٦-01-31T23:59:59Z",
        "2026-02-29T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T23:60:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
    ],
)
def test_there_is_one_spelling(text: str) -> None:
    """And only days and seconds that exist."""
    with pytest.raises(ValueError):
        instant.parse(text)


def test_a_leap_day_exists() -> None:
    """The twin."""
    assert "2028-02-29T00:00:00Z" == instant.write(instant.parse("2028-02-29T00:00:00Z"))
