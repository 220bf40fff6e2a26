"""Random worlds: what must hold whoever said what, in whichever order it came."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sig.model.verdict import Answer, Verdict
from sig.verbs import remote, trust
from tests.soak import SOAK
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, file_id

PEOPLE = [Party(name) for name in ("ann", "ben", "cam", "dan")]
FILES = [file_id(f"file {number}") for number in range(3)]
MORE: list[dict[str, Any]] = [
    {},
    {"comment": "again"},
    {"reviewed": False},
    {"expires": "2025-06-14T00:00:00Z"},
    {"expires": "2026-06-14T00:00:00Z"},
    {"reviewed": False, "method": "tool:scan"},
    {"needs": ["unknown"]},
    {"criteria": ["safe-to-run"]},
]

# Who said what about which file, how many days ago, and which remotes serve it.
word = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["ok", "ok", "bad", "withdrawn"]),
    st.integers(0, 2),
    st.integers(1, 6),
    st.integers(0, len(MORE) - 1),
    st.sets(st.integers(0, 3), min_size=1),
)
worlds = st.lists(word, max_size=12)
some = settings(
    max_examples=400 if SOAK else 15,
    deadline=None,
    derandomize=not SOAK,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def served(words: list[tuple[Any, ...]]) -> dict[str, list[dict[str, Any]]]:
    """What each remote lists."""
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in PEOPLE}
    for who, kind, file, days, more, where in words:
        at = NOW - days * DAY
        if kind == "withdrawn":
            said = PEOPLE[who].withdrawal(FILES[file], at)
        else:
            said = PEOPLE[who].statement(FILES[file], kind == "ok", at, **MORE[more])
        for place in where:
            found[PEOPLE[place].name].append(said)
    return found


@pytest.fixture(scope="module")
def ground() -> Iterator[Path]:
    """A folder that follows all four, and trusts the first two; everyone's key was met."""
    top = Path(tempfile.mkdtemp(prefix="sig-"))
    web = Web()
    reader = Reader(top / "ground", web)
    for one in PEOPLE:
        one.sequence = 0
        web.offer(one, one.repository([]))
        reader.follow(one, counts=one in PEOPLE[:2])
    reader.fetch_all()
    yield reader.path
    shutil.rmtree(top)


class World:
    """A copy of the ground, and its own web."""

    def __init__(self, ground: Path) -> None:
        self.top = Path(tempfile.mkdtemp(prefix="sig-"))
        shutil.copytree(ground, self.top / "folder")
        self.web = Web()
        self.reader = Reader(self.top / "folder", self.web)
        self.sequence = 1

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.top)

    def offers(self, listed: dict[str, list[dict[str, Any]]]) -> None:
        """Everyone's next state."""
        self.sequence += 1
        for one in PEOPLE:
            raw = one.repository(listed[one.name], sequence=self.sequence, previous={})
            self.web.offer(one, raw)

    def verdicts(self) -> list[Verdict]:
        """What is believed of all files."""
        return [self.reader.verdict(id) for id in FILES]

    def without_index(self) -> list[Verdict]:
        """The same from the files."""
        (self.reader.path / "index.sqlite").unlink()
        return self.verdicts()


def said(verdicts: list[Verdict]) -> list[tuple[Any, ...]]:
    """What must be equal where worlds were reached in another order."""
    return [(one.answer, one.reason, set(one.counted_keys)) for one in verdicts]


@some
@given(worlds)
def test_with_and_without_the_index_the_same(ground: Path, words: list[Any]) -> None:
    """To the last line."""
    with World(ground) as world:
        world.offers(served(words))
        world.reader.fetch_all()
        assert world.verdicts() == world.without_index()


@some
@given(worlds, st.permutations(range(4)))
def test_the_order_of_fetches_does_not_matter(
    ground: Path, words: list[Any], order: list[int]
) -> None:
    """One by one in any order, or all at once; lists in any order."""
    listed = served(words)
    with World(ground) as world, World(ground) as other:
        world.offers(listed)
        world.reader.fetch_all()
        chance = random.Random(len(words))
        for one in listed.values():
            chance.shuffle(one)
        other.offers(listed)
        for number in order:
            other.reader.came(PEOPLE[number].name)
        assert said(world.verdicts()) == said(other.verdicts())


@some
@given(worlds, st.sets(st.integers(0, 11)))
def test_what_disappears_turns_nothing_to_ok_and_no_warning_away(
    ground: Path, words: list[Any], gone: set[int]
) -> None:
    """Any part of any list is served no more: no ok where there was none, no bad that ends."""
    with World(ground) as world:
        world.offers(served(words))
        world.reader.fetch_all()
        before = world.verdicts()
        world.offers(served([one for at, one in enumerate(words) if at not in gone]))
        world.reader.fetch_all()
        after = world.verdicts()
        for was, now in zip(before, after, strict=True):
            assert now.answer is not Answer.OK or was.answer is Answer.OK
            assert was.answer is not Answer.BAD or now.answer is Answer.BAD
        assert after == world.without_index()


@some
@given(worlds, st.sets(st.integers(0, 3)))
def test_remotes_that_are_removed_turn_nothing_to_ok_and_no_warning_away(
    ground: Path, words: list[Any], gone: set[int]
) -> None:
    """Whom one does not follow any more."""
    with World(ground) as world:
        world.offers(served(words))
        world.reader.fetch_all()
        before = world.verdicts()
        for number in sorted(gone):
            remote.remove(world.reader.workspace, PEOPLE[number].name)
            for was, now in zip(before, world.verdicts(), strict=True):
                assert now.answer is not Answer.OK or was.answer is Answer.OK
                assert was.answer is not Answer.BAD or now.answer is Answer.BAD


@some
@given(worlds)
def test_strangers_never_matter(ground: Path, words: list[Any]) -> None:
    """With and without all that the two say who are not trusted."""
    with World(ground) as world, World(ground) as other:
        world.offers(served(words))
        world.reader.fetch_all()
        other.offers(served([one for one in words if one[0] < 2]))
        other.reader.fetch_all()
        for one, two in zip(world.verdicts(), other.verdicts(), strict=True):
            assert set(one.counted_keys) == set(two.counted_keys)
            assert (one.answer in (Answer.OK, Answer.BAD)) is (
                two.answer in (Answer.OK, Answer.BAD)
            )


@some
@given(worlds, st.integers(0, 1))
def test_without_a_trusted_signer_nothing_becomes_ok(
    ground: Path, words: list[Any], number: int
) -> None:
    """Unless it was that signer who marked it bad."""
    with World(ground) as world:
        world.offers(served(words))
        world.reader.fetch_all()
        before = world.verdicts()
        trust.remove(world.reader.workspace, PEOPLE[number].fingerprint)
        for was, now in zip(before, world.verdicts(), strict=True):
            if was.answer is not Answer.BAD:
                assert now.answer is not Answer.OK or was.answer is Answer.OK


@some
@given(worlds, worlds)
# A warning comes back that its signer had ended, and another says ok.
@example([(0, "ok", 2, 1, 0, {0})], [(0, "bad", 2, 2, 0, {0}), (1, "ok", 2, 1, 0, {0})])
def test_two_states_after_each_other_are_the_later_one_and_what_is_remembered(
    ground: Path, first: list[Any], second: list[Any]
) -> None:
    """Who met both believes an ok only if who met the second one does, or would but for a warning
    that its signer has ended in the first."""
    with World(ground) as world, World(ground) as newcomer:
        world.offers(served(first))
        world.reader.fetch_all()
        world.offers(served(second))
        world.reader.fetch_all()
        newcomer.offers(served(second))
        newcomer.reader.fetch_all()
        for one, two in zip(world.verdicts(), newcomer.verdicts(), strict=True):
            ended = two.answer is Answer.BAD and _ended(first, second, one)
            assert one.answer is not Answer.OK or two.answer is Answer.OK or ended
            assert two.answer is not Answer.BAD or one.answer is Answer.BAD or ended


def _ended(first: list[Any], second: list[Any], one: Verdict) -> bool:
    """Whether a word that was met before could have ended a warning of the same signer."""
    return any(
        kind == "bad" and FILES[file] == one.id and (who, file) == (signer, about) and later <= days
        for who, kind, file, days, *_ in (*first, *second)
        for signer, what, about, later, *_ in first
        if what in ("ok", "withdrawn")
    )
