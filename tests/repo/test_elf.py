"""What a program or library says of itself, and the same with no way to search."""

from __future__ import annotations

import os
import random

import pytest

from sig.repo import elf
from sig.repo.elf import Elf
from tests.imports.libraries import library


def read(data: bytes) -> Elf:
    return elf.read(lambda offset, length: data[offset : offset + length], len(data))


def fit(data: bytes) -> bytes:
    """The same, fit to be mapped from memory."""
    found = bytearray(data)
    elf.without_search(found, read(data))
    return bytes(found)


def test_a_library_says_what_it_needs() -> None:
    """Names in their order, its own, and the folders that it names."""
    found = read(library("libx.so", ["libb.so", "liba.so"], runpath="$ORIGIN:/opt/lib"))
    assert (("libb.so", "liba.so"), "libx.so") == (found.needed, found.soname)
    assert (("$ORIGIN", "/opt/lib"), "") == (found.paths, found.interpreter)


def test_a_runpath_makes_an_rpath_void() -> None:
    """As for ld.so."""
    assert ("/b",) == read(library("x", rpath="/a", runpath="/b")).paths
    assert ("/a",) == read(library("x", rpath="/a")).paths
    assert () == read(library("x", rpath="/a", runpath="")).paths


def test_a_program_names_its_linker() -> None:
    """The interpreter that runs this."""
    with open(os.path.realpath("/proc/self/exe"), "rb") as stream:
        found = read(stream.read())
    assert os.path.isfile(found.interpreter)
    assert found.needed


def test_a_copy_names_no_folder_and_needs_nothing_by_a_path() -> None:
    """E3: and everything else is as it was."""
    audits = [(0x6FFFFEFC, 1), (0x6FFFFEFB, 1)]  # DT_AUDIT, DT_DEPAUDIT
    needed = ["$ORIGIN/../lib/libpython3.12.so.1.0", "/opt/lib/liba.so", "/libb.so", "libc.so.6"]
    before = library("libx.so", needed, rpath="/a", runpath="/b", extra=audits)
    after = read(fit(before))
    assert ("libpython3.12.so.1.0", "liba.so", "libb.so", "libc.so.6") == after.needed
    assert ((), "libx.so") == (after.paths, after.soname)
    tags = {tag for _, tag, _ in after.entries}
    assert not tags & {15, 29, 0x6FFFFEFC, 0x6FFFFEFB}
    plain = library("libx.so", ["liba.so"])
    assert plain == fit(plain)


def test_what_is_not_mapped_is_not_copied() -> None:
    """E3: debug information."""
    plain = library("libx.so", ["liba.so"])
    assert plain == fit(plain + b"\1" * 10_000)


@pytest.mark.parametrize("tag", [0x7FFFFFFD, 0x7FFFFFFF])
def test_a_filter_is_refused(tag: int) -> None:
    """It stands for a library that ld.so would search for."""
    with pytest.raises(ValueError, match="filter"):
        fit(library("libx.so", extra=[(tag, 1)]))


@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\1\1\1" + bytes(80)]
)
def test_what_is_no_elf_file_is_refused(data: bytes) -> None:
    """E1."""
    with pytest.raises(ValueError, match="ELF"):
        read(data)


def test_whatever_is_changed_in_one_is_read_or_refused() -> None:
    """E1, E2: a ValueError and nothing else, and never a byte beyond the end."""
    plain = library("libx.so", ["liba.so", "/x/libb.so"], runpath="$ORIGIN")
    chance = random.Random(1)
    start = plain.index(b"libx.so") - 0x400
    for _ in range(3000):
        data = bytearray(plain)
        for _ in range(chance.randrange(1, 4)):
            place = chance.choice(
                (chance.randrange(64 + 3 * 56), chance.randrange(start, len(data)))
            )
            data[place] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        cut = bytes(data[: chance.choice((len(data), chance.randrange(len(data))))])
        try:
            assert len(fit(cut)) <= len(cut)
        except ValueError:
            continue
