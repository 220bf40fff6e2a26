"""Programs and libraries: the native core reads, refuses and makes fit what `sig.repo.elf` does.

Both get thousands of files that are nearly what they should be.
"""

from __future__ import annotations

import base64
import json
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sig.repo import elf
from tests.imports.libraries import library
from tests.native.test_model import ROUNDS, asked

AUDITS = [(0x6FFFFEFC, 1), (0x6FFFFEFB, 1)]
VALUES = (
    0,
    1,
    2,
    5,
    14,
    15,
    29,
    56,
    64,
    0x6FFFFEFB,
    0x7FFFFFFD,
    0x7FFFFFFF,
    2**32,
    2**63,
    2**64 - 1,
)


def ours(raw: bytes) -> Any:
    """What Python answers."""

    def shown(text: str) -> str:
        return base64.b64encode(os.fsencode(text)).decode()

    try:
        said = elf.read(lambda offset, length: raw[offset : offset + length], len(raw))
    except ValueError as error:
        return {"refused": str(error)}
    data = bytearray(raw)
    try:
        elf.without_search(data, said)
        fit: Any = base64.b64encode(data).decode()
    except ValueError as error:
        fit = {"refused": str(error)}
    found = {
        "machine": said.machine,
        "interpreter": shown(said.interpreter),
        "needed": [shown(name) for name in said.needed],
        "soname": shown(said.soname),
        "paths": [shown(path) for path in said.paths],
        "end": said.end,
        "fit": fit,
    }
    return json.loads(json.dumps(found))


def seeds() -> list[bytes]:
    return [
        library(
            "libx.so", ["libb.so", "/opt/lib/liba.so"], runpath="$ORIGIN:/opt/lib", extra=AUDITS
        ),
        library("x", rpath="/a::/b", says="x", exports={"one": 1}),
        library("x", ["$ORIGIN/../lib/y", "/z", "w/"], rpath="/a", runpath=""),
        library(extra=[(0x7FFFFFFD, 1)]),
    ]


def mutant(dice: random.Random, given: list[bytes]) -> bytes:
    """One with other numbers in its headers or its dynamic section, or with its end cut off."""
    data = bytearray(dice.choice(given))
    for _ in range(dice.choice((1, 1, 2, 4))):
        size = dice.choice((1, 2, 4, 8))
        at = dice.randrange(len(data) - 8)
        at = dice.choice((at, at % 400, at - at % 8))
        value = dice.choice(
            (dice.choice(VALUES), dice.randrange(len(data) + 64), dice.getrandbits(64))
        )
        data[at : at + size] = struct.pack("<Q", value)[:size]
    if dice.random() < 0.1:
        del data[dice.randrange(len(data)) :]
    return bytes(data)


def test_what_is_there_is_read_alike(answers: Callable[[str], str]) -> None:
    """The interpreter that runs this, the C library, and what a test makes."""
    files = {Path(os.path.realpath("/proc/self/exe"))}
    with open("/proc/self/maps", encoding="utf-8") as stream:
        files |= {
            Path(line.split()[-1]) for line in stream if line.rstrip().endswith((".so", ".6"))
        }
    for raw in [*seeds(), *(path.read_bytes() for path in sorted(files))]:
        assert ours(raw) == asked(answers, "elf", raw=raw)


def test_what_is_nearly_one_is_read_or_refused_alike(answers: Callable[[str], str]) -> None:
    """In the same words."""
    dice = random.Random(5)
    given = seeds()
    read = 0
    for _ in range(ROUNDS):
        raw = mutant(dice, given)
        expected = ours(raw)
        assert expected == asked(answers, "elf", raw=raw), base64.b64encode(raw)
        read += "refused" not in expected
    assert ROUNDS // 10 < read < ROUNDS
