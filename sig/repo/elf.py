"""What a program or library of Linux says of itself to ld.so: what it needs, and where to look.

Here: the fields, and the same file with no way to search. Not here: which file a needed name is
(`sig.repo.interpreter`), and what the loader of a running program does (`sig.imports.native`).

E1  64 bits, little end first; of any machine. What cannot be understood is refused: ValueError.
    Every count is bounded.
E2  ld.so reads the dynamic section from where it is mapped. It must lie there, too.
E3  Made fit to be mapped from memory: what is needed by a path is needed by its last part, RUNPATH,
    RPATH and audit libraries are gone, and so is what is not mapped (debug information). Nothing
    else changes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

_HEADER, _HEADERS = 56, 128
_ENTRIES = 4096
_NEEDED = 512
_NAME = 4096
_PATHS = 1 << 16

_LOAD, _DYNAMIC, _INTERPRETER, _HEADERS_THEMSELVES = 1, 2, 3, 6
_NULL, _NEED, _STRINGS, _SONAME, _RPATH, _RUNPATH = 0, 1, 5, 14, 15, 29
_AUDITS = (0x6FFFFEFB, 0x6FFFFEFC)  # DEPAUDIT, AUDIT
_FILTERS = (0x7FFFFFFD, 0x7FFFFFFF)  # AUXILIARY, FILTER
_NOTHING = 0x6000000D  # DT_LOOS, which ld.so passes over


class Elf(NamedTuple):
    """`interpreter` is the ld.so of a program, "" of a library; `end` where the last byte lies that
    is mapped; `entries` are offset, tag and value of the dynamic section, and `needed` the names in
    their order.
    """

    machine: int
    interpreter: str
    needed: tuple[str, ...]
    soname: str
    rpath: str
    runpath: str | None
    filters: bool
    end: int
    entries: tuple[tuple[int, int, int], ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The folders that it names itself, as they are spelled."""
        found = self.rpath if self.runpath is None else self.runpath
        return tuple(part for part in found.split(":") if part)


def read(at: Callable[[int, int], bytes], size: int) -> Elf:
    """What is in a file; `at(offset, length)` gives its bytes. Raises ValueError (E1, E2)."""
    headers, machine = _headers(at, size)
    loads: list[tuple[int, int, int]] = []  # address, end of what is of the file, offset
    dynamic: tuple[int, int, int] | None = None
    interpreter = ""
    end = mapped(at, size)
    for i in range(0, len(headers) - 55, _HEADER):
        kind = _number(headers, i, 4)
        offset, address = _number(headers, i + 8, 8), _number(headers, i + 16, 8)
        length = _number(headers, i + 32, 8)
        if kind == _LOAD:
            if offset + length > size:
                raise ValueError("its segments lie outside of the file")
            loads.append((address, address + length, offset))
        elif kind == _DYNAMIC:
            if dynamic is not None:
                raise ValueError("it has two dynamic sections")
            dynamic = address, length, offset
        elif kind == _INTERPRETER:
            if interpreter or not 1 < length <= _NAME or offset + length > size:
                raise ValueError("its interpreter is not named")
            interpreter = os.fsdecode(at(offset, length).partition(b"\0")[0])
    entries = () if dynamic is None else _entries(at, loads, *dynamic)
    single: dict[int, int] = {}
    for _, tag, value in entries:
        if tag in (_STRINGS, _SONAME, _RPATH, _RUNPATH) and single.setdefault(tag, value) != value:
            raise ValueError("its dynamic section says two things")
    needed = [value for _, tag, value in entries if tag == _NEED]
    if len(needed) > _NEEDED:
        raise ValueError(f"it needs more than {_NEEDED} libraries")

    def text(index: int, most: int) -> str:
        start, rest = _place(loads, single.get(_STRINGS, 0) + index, 1)
        found, zero, _ = at(start, min(rest, most + 1)).partition(b"\0")
        if not zero:
            raise ValueError("it has a name without an end")
        return os.fsdecode(found)

    return Elf(
        machine=machine,
        interpreter=interpreter,
        needed=tuple(text(value, _NAME) for value in needed),
        soname=text(single[_SONAME], _NAME) if _SONAME in single else "",
        rpath=text(single[_RPATH], _PATHS) if _RPATH in single else "",
        runpath=text(single[_RUNPATH], _PATHS) if _RUNPATH in single else None,
        filters=any(tag in _FILTERS for _, tag, _ in entries),
        end=end,
        entries=entries,
    )


def mapped(at: Callable[[int, int], bytes], size: int) -> int:
    """Where the last byte lies that ld.so looks at. Raises ValueError."""
    headers, _ = _headers(at, size)
    end = 64
    for i in range(0, len(headers) - 55, _HEADER):
        if _number(headers, i, 4) in (_LOAD, _DYNAMIC, _INTERPRETER, _HEADERS_THEMSELVES):
            end = max(end, _number(headers, i + 8, 8) + _number(headers, i + 32, 8))
    if end > size:
        raise ValueError("its segments lie outside of the file")
    return max(end, _number(at(0, 64), 32, 8) + len(headers))


def _headers(at: Callable[[int, int], bytes], size: int) -> tuple[bytes, int]:
    """Its program headers, and the machine."""
    head = at(0, 64)
    if len(head) < 64 or head[:7] != b"\x7fELF\2\1\1":
        raise ValueError("not an ELF file of 64 bits, little end first")
    if _number(head, 16, 2) not in (2, 3):
        raise ValueError("neither a program nor a library")
    offset, entry, count = _number(head, 32, 8), _number(head, 54, 2), _number(head, 56, 2)
    if entry != _HEADER or not 0 < count <= _HEADERS or offset + entry * count > size:
        raise ValueError("its program headers are not those of an ELF file")
    return at(offset, entry * count), _number(head, 18, 2)


def _entries(
    at: Callable[[int, int], bytes],
    loads: list[tuple[int, int, int]],
    address: int,
    length: int,
    offset: int,
) -> tuple[tuple[int, int, int], ...]:
    if length > _ENTRIES * 16 or _place(loads, address, length)[0] != offset:  # E2
        raise ValueError("its dynamic section is not where it is said to be")
    section = at(offset, length)
    found: list[tuple[int, int, int]] = []
    for i in range(0, len(section) - 15, 16):
        tag, value = _number(section, i, 8), _number(section, i + 8, 8)
        if tag == _NULL:
            return tuple(found)
        found.append((offset + i, tag, value))
    raise ValueError("its dynamic section has no end")


def without_search(data: bytearray, elf: Elf) -> None:
    """Makes what is mapped of a file fit to be mapped from memory (E3); `elf` is what `read` said.

    Raises ValueError for a filter: it stands for a library that ld.so would search for.
    """
    if elf.filters:
        raise ValueError("it is a filter of another library")
    del data[elf.end :]
    names = iter(elf.needed)
    for offset, tag, value in elf.entries:
        if tag == _NEED:
            slash = os.fsencode(next(names)).rfind(b"/")
            if slash >= 0:
                data[offset + 8 : offset + 16] = (value + slash + 1).to_bytes(8, "little")
        elif tag in (_RPATH, _RUNPATH, *_AUDITS):
            data[offset : offset + 8] = _NOTHING.to_bytes(8, "little")


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _place(loads: list[tuple[int, int, int]], address: int, length: int) -> tuple[int, int]:
    """The offset in the file of what is mapped at an address, and how much follows of it."""
    for start, end, offset in loads:
        if start <= address and address + length <= end:
            return offset + address - start, end - address
    raise ValueError("it names what is not in the file")
