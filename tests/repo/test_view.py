"""The view's two files: an answer is exact or there is none, whatever happens to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.repo import view
from sig.repo.index import Row, read_line, row_line
from sig.repo.view import Base, Block, Followed, Head

KEY = "A" * 40
OTHER = "B" * 64
COMMIT = "0123456789abcdef"
DIGEST = "f" * 64


def identifier(number: int) -> str:
    return "sha256:" + sha256(b"%d" % number).hexdigest()


def rows(numbers: Iterable[int], size: int = 700, source: str = "own") -> list[Row]:
    return [Row(identifier(one), b"%0*d" % (size, one), source, 1700000000) for one in numbers]


def made(held: Iterable[Row], tail: Mapping[str, Iterable[Row]] = {}) -> tuple[Head, bytes]:
    """A head, and the base that it names."""
    parts: list[bytes] = []
    base = None
    lines = sorted(map(row_line, held))
    if lines:

        def written() -> Iterable[bytes]:
            nonlocal base
            depth, root = yield from view.blocks(lines)
            base = Base("view.00000000000000ab", depth, root)

        parts = list(written())
    told = {filed: list(map(row_line, listed)) for filed, listed in tail.items()}
    head = Head(
        COMMIT,
        DIGEST,
        {KEY: DIGEST, OTHER: None},
        ("C" * 40, DIGEST),
        (Followed("bob", KEY, 7, 1800000000), Followed("carol", None, None, None)),
        {"own": 0, "remote:bob": 123456789},
        base,
        told,
    )
    return view.read(view.write(head)), b"".join(parts)


def reading(raw: bytes, asked: list[Block] | None = None) -> view.Read:
    def read(base: Base, block: Block) -> bytes:
        if asked is not None:
            asked.append(block)
        return raw[block.offset : block.offset + block.length]

    return read


def answer(head: Head, raw: bytes, ids: Iterable[str]) -> dict[str, set[Row]]:
    found = view.lookup(head, ids, reading(raw))
    assert all(len(each) == len(set(each)) for each in found.values())
    return {filed: set(each) for filed, each in found.items()}


def truth(held: Iterable[Row], ids: Iterable[str]) -> dict[str, set[Row]]:
    listed = list(held)
    return {filed: {each for each in listed if each.id == filed} for filed in ids}


# --- what is put in is found ---------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2, 30, 2000, 20_000])
def test_what_was_put_in_is_found_and_nothing_else(number: int) -> None:
    """Of no depth, of one, and of two; and few blocks are read for one answer."""
    held = rows(range(number))
    head, raw = made(held)
    ids = [identifier(one) for one in (0, number // 2, number - 1, number, number + 1)]
    assert truth(held, ids) == answer(head, raw, ids)
    assert head.base is not None
    assert {1: 0, 2: 0, 30: 1, 2000: 1, 20_000: 2}[number] == head.base.depth
    asked: list[Block] = []
    view.lookup(head, [ids[1]], reading(raw, asked))
    assert len(asked) == head.base.depth + 1
    assert sum(block.length for block in asked) < 3 * (view.BLOCK + 2000)
    assert sorted(map(row_line, held)) == sorted(view.rows(head, reading(raw)))


def test_an_empty_base_is_none() -> None:
    """A view of nobody's words."""
    head, raw = made([])
    assert head.base is None
    assert {identifier(1): set()} == answer(head, raw, [identifier(1)])
    assert [] == list(view.rows(head, reading(raw)))


def test_what_is_in_the_tail_is_not_looked_for_in_the_base() -> None:
    """More rows, fewer, none any more; what is not in the tail is as it was (A2)."""
    held = rows(range(100))
    gone, less, more, new = (identifier(one) for one in (3, 4, 5, 1000))
    tail = {
        gone: [],
        less: rows([4], source="kept"),
        more: [*rows([5]), *rows([5], source="remote:bob")],
        new: rows([1000]),
    }
    head, raw = made(held, tail)
    now = [row for row in held if row.id not in tail] + [
        row for each in tail.values() for row in each
    ]
    ids = [gone, less, more, new, identifier(6)]
    assert truth(now, ids) == answer(head, raw, ids)
    assert sorted(map(row_line, now)) == sorted(view.rows(head, reading(raw)))


def test_all_rows_of_an_identifier_are_in_one_block() -> None:
    """However many there are (A3)."""
    crowd = [Row(identifier(7), b"%0*d" % (600, one), "own", None) for one in range(200)]
    held = [*rows(range(50)), *crowd]
    head, raw = made(held)
    assert truth(held, [identifier(7)]) == answer(head, raw, [identifier(7)])


def test_an_identifier_that_begins_like_another_is_another() -> None:
    """What is filed may be any printable text."""
    odd = ["a", "a ", "ab", "sha256:", "scope A", "scope AA", "~" * 3000, "a!"]
    held = [Row(one, b"{}", "own", None, True) for one in odd]
    head, raw = made(held)
    for one in odd:
        assert truth(held, [one]) == answer(head, raw, [one])
    assert [set()] * 4 == list(answer(head, raw, ["", "A", "scope", "b"]).values())


@pytest.mark.parametrize("number", [1, 40, 3000, 20_000])
def test_rows_that_begin_alike_are_found_without_the_others(number: int) -> None:
    """In the tail, in the base, or over it; of a large base few blocks are read."""
    pointers = [
        read_line(view.pointer(f"list {one:064x}", identifier(one))) for one in range(number)
    ]
    held = [*rows(range(number)), *pointers, *rows(range(number), source="kept")]
    new = read_line(view.pointer(f"list {'f' * 64}", identifier(5)))
    head, raw = made(held, {pointers[0].id: [], new.id: [new], identifier(1): []})
    middle = f"list {number // 2:064x}"
    for start, expected in {
        "list ": [*pointers[1:], new],
        "list 00": pointers[1:],
        "list f": [new],
        "list": [*pointers[1:], new],
        middle: [each for each in pointers[1:] if each.id == middle],
        "sha256:00": [each for each in held if each.id.startswith("sha256:00")],
        "listen": [],
        "a": [],
        "z": [],
    }.items():
        asked: list[Block] = []
        found = list(view.rows(head, reading(raw, asked), start))
        assert sorted(map(row_line, expected)) == sorted(found), start
        size = sum(len(row_line(each)) + 1 for each in expected)
        # Of each depth one more at both ends, and what names the blocks.
        assert sum(block.length for block in asked) < 1.2 * size + 8 * (view.BLOCK + 2000)


def test_a_head_is_read_as_it_was_written() -> None:
    """All of its fields, also those that are missing."""
    head, _ = made(rows(range(10)), {identifier(1): [], identifier(2): rows([2])})
    assert view.read(view.write(head)) == head
    assert ("C" * 40, DIGEST) == head.own
    assert {KEY: DIGEST, OTHER: None} == head.counts
    least = Head(COMMIT, None, {}, None)
    assert view.read(view.write(least)) == least


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(st.integers(0, 300), st.integers(1, 3), max_size=200),
    st.dictionaries(st.integers(0, 320), st.integers(0, 2), max_size=20),
    st.sampled_from([10, 900, 20_000]),
)
def test_any_rows_in_any_tail(held: dict[int, int], changed: dict[int, int], size: int) -> None:
    """The same as a dictionary would answer."""

    def some(number: int, count: int) -> list[Row]:
        return [row for at in range(count) for row in rows([number], size + at)]

    before = {identifier(one): some(one, count) for one, count in held.items()}
    tail = {identifier(one): some(one, count) for one, count in changed.items()}
    head, raw = made([row for each in before.values() for row in each], tail)
    now = [row for each in (before | tail).values() for row in each]
    ids = [identifier(one) for one in range(0, 330, 7)] + list(tail)
    assert truth(now, ids) == answer(head, raw, ids)


# --- damage --------------------------------------------------------------------------------------


def is_refused(function: Callable[[], object]) -> bool:
    try:
        function()
    except FormatError:
        return True
    return False


def test_a_head_with_any_byte_changed_is_refused() -> None:
    """Or cut, or with something behind it: it ends with its digest (A1)."""
    head, _ = made(rows(range(10)), {identifier(1): [], identifier(2): rows([2], 20)})
    text = view.write(head)
    for at in range(len(text)):
        assert is_refused(lambda at=at: view.read(text[:at])), at
        for bit in (1, 32):
            changed = bytearray(text)
            changed[at] ^= bit
            assert is_refused(lambda changed=changed: view.read(bytes(changed))), at
    assert is_refused(lambda: view.read(text + b"\n"))
    assert is_refused(lambda: view.read(text + text))
    assert is_refused(lambda: view.read(b""))


def test_a_damaged_base_gives_the_answer_or_none() -> None:
    """Never less rows than there are: any byte, any cut, another base (A1)."""
    chance = random.Random(1)
    held = rows(range(400))
    head, raw = made(held)
    ids = [identifier(one) for one in (0, 17, 200, 399, 400)]
    expected = truth(held, ids)
    refused = 0
    for _ in range(400):
        changed = bytearray(raw)
        at = chance.randrange(len(raw))
        changed[at] ^= 1 << chance.randrange(8)
        given = bytes(changed) if chance.random() < 0.7 else raw[:at]
        for filed in ids:
            try:
                assert answer(head, given, [filed]) == {filed: expected[filed]}
            except FormatError:
                refused += 1
    assert refused > 50
    _, other = made(rows(range(1, 401)))
    assert is_refused(lambda: answer(head, other, ids))
    assert is_refused(lambda: list(view.rows(head, reading(raw[:-1]))))


def sealed(text: str) -> bytes:
    """A head with a digest that fits."""
    return (text + f"sha256 {sha256(text.encode()).hexdigest()}\n").encode()


HEAD = f"sig view 2\ncommit {COMMIT}\nconfig -\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sig view 2\n",
        "sig view 2\ncommit -\nconfig -\n",
        f"sig view 2\ncommit {COMMIT}0\nconfig -\n",
        "sig view 2\ncommit ../../../../etc\nconfig -\n",
        f"sig view 2\nconfig -\ncommit {COMMIT}\n",
        HEAD.replace("\n", "\r\n"),
        HEAD + "\n",
        HEAD + "more\n",
        HEAD + f"counts {KEY[1:]} -\n",
        HEAD + f"counts {KEY.lower()} -\n",
        HEAD + f"counts {KEY} {DIGEST[1:]}\n",
        HEAD + f"counts {OTHER} -\ncounts {KEY} -\n",
        HEAD + f"counts {KEY} -\ncounts {KEY} -\n",
        HEAD + f"counts {KEY} -\nown {KEY} -\n",
        HEAD + "own - -\n",
        HEAD + f"own {KEY} -\ncounts {OTHER} -\n",
        HEAD + f"own {KEY} -\nown {KEY} -\n",
        HEAD + "remote bob\n",
        HEAD + f"remote bob {KEY} 01 -\n",
        HEAD + f"remote bob {KEY} 1 -1\n",
        HEAD + f"remote bob {KEY} 1 99999999999999999\n",
        HEAD + "source own\n",
        HEAD + "source own 1 2\n",
        HEAD + "source own -\n",
        HEAD + "source own -1\n",
        HEAD + "source own 1\nsource own 1\n",
        HEAD + "source own 1\nsource kept 1\n",
        HEAD + f"source own 1\nremote bob {KEY} 1 -\n",
        HEAD + f"base view.00 0 0 1 {DIGEST}\n",
        HEAD + f"base ../view.00000000000000ab 0 0 1 {DIGEST}\n",
        HEAD + f"base view.00000000000000ab 0 0 1 {DIGEST[1:]}\n",
        HEAD + f"base view.00000000000000ab - 0 1 {DIGEST}\n",
        HEAD + f"base view.00000000000000ab 0 0 1 {DIGEST}\n" * 2,
        HEAD + "row a\n",
        HEAD + "row a\town\t\t0\t{}\t\n",
        HEAD + "row b\town\t\t0\t{}\nrow a\town\t\t0\t{}\n",
        HEAD + "gone a\nrow a\town\t\t0\t{}\n",
        HEAD + "row a\town\t\t0\t{}\ngone a\n",
        HEAD + "gone a\ngone a\n",
        HEAD + "gone a\nconfig -\n",
        HEAD + "gone a\tb\n",
        HEAD + "gone a",
        HEAD + "gone a\nrow b\town\t\t0\t{}",
        HEAD[:-1],
        HEAD + f"remote bob {KEY} 1 -\nremote al {KEY} 1 -\n",
        HEAD + f"remote bob {KEY} 1 -\nremote bob {KEY} 1 -\n",
        HEAD + f"remote b\u00f6b {KEY} 1 -\n",
    ],
)
def test_a_head_that_says_something_else_is_refused(text: str) -> None:
    """Its digest fits, so a program wrote it; what cannot be followed is not guessed."""
    assert is_refused(lambda: view.read(sealed(text)))
    assert not is_refused(lambda: view.read(sealed(HEAD)))
    assert not is_refused(lambda: view.read(sealed(HEAD + "gone a\nrow b\town\t\t0\t{}\n")))


def test_a_view_of_another_version_is_told_from_damage() -> None:
    """The hint is another one: a newer program wrote it."""
    with pytest.raises(view.Newer):
        view.read(sealed("sig view 3\nanything else\n"))
    with pytest.raises(view.Newer):
        view.read(b"sig view 17\n")
    with pytest.raises(view.Newer):
        view.read(sealed("sig view 1\nof a time when it did not say where to look\n"))
