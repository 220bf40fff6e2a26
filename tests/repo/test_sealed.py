"""Sealed copies in memory."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Any

import pytest

from sig.errors import StoreError
from sig.repo import sealed
from sig.repo.sealed import sealed as copy


@pytest.fixture
def seals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the kernel says that it is busy, before it seals."""
    left: list[int] = []
    real = fcntl.fcntl

    def asked(descriptor: int, command: int, *given: Any) -> Any:
        if command == 1033 and left and left[0]:
            left[0] -= 1
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        return real(descriptor, command, *given)

    monkeypatch.setattr(fcntl, "fcntl", asked)
    monkeypatch.setattr(sealed, "_WAIT", 0)
    return left


def test_nobody_can_change_a_copy() -> None:
    """Neither its bytes nor its length (S1)."""
    descriptor = copy(b"abc", "name")
    try:
        assert b"abc" == os.read(descriptor, 9)
        for way in (
            lambda: os.pwrite(descriptor, b"x", 0),
            lambda: os.ftruncate(descriptor, 0),
            lambda: os.ftruncate(descriptor, 9),
            lambda: fcntl.fcntl(descriptor, 1033, 0),
        ):
            with pytest.raises(PermissionError):
                way()
        assert not os.get_inheritable(descriptor)
        assert descriptor > 2
    finally:
        os.close(descriptor)


def test_a_kernel_that_is_busy_for_a_moment_is_waited_for(seals: list[int]) -> None:
    """It holds pages of its own now and then; a run must not fail of that."""
    seals.append(3)

    descriptor = copy(b"abc", "name")

    os.close(descriptor)
    assert [0] == seals


def test_a_copy_that_cannot_be_sealed_is_none(seals: list[int]) -> None:
    """However long it was waited."""
    seals.append(1 << 20)

    with pytest.raises(StoreError, match="a sealed copy cannot be made: Device or resource busy"):
        copy(b"abc", "name")
