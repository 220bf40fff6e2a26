"""What tests leave out unless all of it is asked for: `make soak`, which sets SIG_SOAK=1.

1. It is repetition: more rounds, more steps, the same claim of more combinations, or through
   another front end. No attack and no claim is left out.
2. Which it is depends neither on chance nor on time.
3. It is not collected, and no skipped test: parameters that `some` and `paired` leave out, and what
   is marked ``soak`` (tests/conftest.py).
4. Nothing waits for the disk (`hurry`): only who pulls the plug would see the difference. That it
   is asked for, and when, tests see (tests/repo/kill.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from typing import Any, TypeVar

SOAK = bool(os.environ.get("SIG_SOAK"))

One = TypeVar("One")


def hurry() -> None:
    """In this process `os.fsync` returns at once; in a soak it does what it does."""
    if not SOAK:
        os.fsync = lambda descriptor: None


def some(values: Iterable[One], every: int, first: int = 0) -> list[One]:
    """One of each so many, from the `first` on; in a soak all."""
    found = list(values)
    return found if SOAK else found[first % every :: every]


def paired(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Tuples in which each value of each axis occurs; in a soak each value with each."""
    values = [list(axis) for axis in axes]
    if SOAK:
        return list(product(*values))
    longest = max(map(len, values))
    return [tuple(axis[number % len(axis)] for axis in values) for number in range(longest)]
