"""Which earlier publishes a publish names."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sig.model.repository import previous_sequences


def test_the_first_publish_names_none() -> None:
    """There is nothing before it."""
    assert [] == previous_sequences(1)
    assert [1] == previous_sequences(2)


def test_steps_are_those_of_the_specification() -> None:
    """docs/spec/repository §2: d·4^k steps back, d from 1 to 3."""
    assert [99, 98, 97, 96, 92, 88, 84, 68, 52, 36] == previous_sequences(100)


@settings(deadline=None)
@given(st.integers(1, 10**6))
def test_they_are_earlier_distinct_and_few(sequence: int) -> None:
    """Newest first, and three a power of four."""
    found = previous_sequences(sequence)
    assert sorted(set(found), reverse=True) == found
    assert all(1 <= each < sequence for each in found)
    assert len(found) <= 3 * (sequence.bit_length() // 2 + 1)


@settings(deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_any_later_state_reaches_any_earlier_in_few_hops(one: int, two: int) -> None:
    """A follower who was away for long needs no long chain."""
    earlier, at = sorted((one, two))
    hops = 0
    while at > earlier:
        at = min(each for each in previous_sequences(at) if each >= earlier)
        hops += 1
    assert at == earlier
    assert hops <= 10 + 2
