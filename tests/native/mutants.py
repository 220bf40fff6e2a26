"""What nobody would write: texts and values that are nearly what they should be."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

PIECES = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b" ", b"\n", b"\r", b"\t", b"\0", b"0", b"1",
    b"-",
    b".", b"e", b"/", b"*", b"  ", b" *", b"=", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u00e9",
    b"null",
    b"true", b"false", b"NaN", b"-0", b"1.0", b"1e3", b"9007199254740992", b"\xef\xbb\xbf",
    b"\xc3\xa9",
    b"e\xcc\x81", b"\xed\xa0\x80", b"\xff", b"\xc2\x85", b"\xe2\x80\xa8", b"..", b"sha256:", b"app",
)  # fmt: skip


def mutant(dice: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with some bytes changed, gone, put in, or of another seed."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(7)
        if kind == 0:
            data[at:at] = dice.choice(PIECES)
        elif kind == 1:
            del data[at : at + dice.choice((1, 1, 2, 9))]
        elif kind == 2 and at < len(data):
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 3 and at < len(data):
            data[at] = dice.randrange(256)
        elif kind == 4:
            other = dice.choice(seeds)
            start = dice.randrange(len(other) + 1)
            data[at : at + dice.randrange(33)] = other[start : start + dice.randrange(65)]
        elif kind == 5:
            data[at:at] = data[at : at + dice.randrange(40)]
        else:
            data[at : at + 1] = dice.choice(PIECES)
    return bytes(data)


def value_mutant(dice: random.Random, seeds: list[Any], pool: list[Any]) -> Any:
    """A value with some parts put in the place of others, of a pool or of other seeds."""
    made = copy.deepcopy(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 2, 3))):
        places = list(_places(made))
        if not places:
            return copy.deepcopy(dice.choice(pool))
        holder, at = dice.choice(places)
        kind = dice.randrange(6)
        if kind == 0:
            del holder[at]
        elif kind == 1 and isinstance(holder, dict):
            name = dice.choice(_names(seeds))
            holder[dice.choice((name, name.upper(), name + " ", name + "x"))] = holder.pop(at)
        elif kind == 2 and isinstance(holder, dict):
            holder[dice.choice(_names(seeds))] = copy.deepcopy(dice.choice(pool))
        elif kind == 3:
            holder[at] = [holder[at]]
        else:
            others = [each[place] for each, place in _places(dice.choice(seeds))]
            holder[at] = copy.deepcopy(dice.choice([*pool, *others]))
    return made


def _places(value: Any) -> Any:
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for at, inner in steps:
        yield value, at
        yield from _places(inner)


def _names(seeds: list[Any]) -> list[str]:
    found = {at for seed in seeds for _, at in _places(seed) if isinstance(at, str)}
    return sorted(found)


def written(dice: random.Random, value: Any) -> bytes:
    """A value as text, laid out in some way."""
    text = json.dumps(
        value,
        ensure_ascii=dice.random() < 0.5,
        indent=dice.choice((None, None, 1)),
        sort_keys=dice.random() < 0.5,
    )
    return text.encode("utf-8", "surrogatepass")
