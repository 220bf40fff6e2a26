"""Bytecode of a pack: compiled in one process, run in another of the same interpreter
(docs/spec/closure §8).

Here: what runs in that interpreter, on both sides. Not here: which sources are compiled
(`recording`), and whether anybody signed the pack (`packs`): that is decided before a run, and what
is here then came in its sealed file.

B1  Code is found by the digest of the source that was read and hashed a moment ago, and is of
    nothing else: what a module is, where it lies and whether it is as it should be is decided
    without the pack.
B2  Only for the very interpreter that compiled it, and not where this one was told to optimize.
B3  It has the name of the file that it was found in, as if it had been compiled here.
B4  One source has one code, byte for byte, in whatever process and after whatever else. What a
    process could leave its mark on: `marshal` notes of which object it holds more than one
    reference, so here it holds one more of each; and a text of one letter is the same object
    everywhere, so all of these are interned before.

Runs on Python 3.9 and later; imports next to nothing.
"""

from __future__ import annotations

import _warnings
import marshal
import sys
from _frozen_importlib_external import MAGIC_NUMBER
from _imp import _fix_co_filename  # type: ignore[attr-defined]  # typeshed lacks it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

_loads = marshal.loads  # before what a program gets takes its place (`doors`)
_NAME = "<pack>"  # until B3
_Code = type((lambda: None).__code__)
_KINDS = {"alpha": "a", "beta": "b", "candidate": "rc"}


def python() -> str:
    """This interpreter, as a pack names the one that it is for: its tag and its magic number."""
    release = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[3] != "final":
        release += f"{_KINDS[sys.version_info[3]]}{sys.version_info[4]}"
    return f"{sys.implementation.name}-{release}{sys.abiflags} {MAGIC_NUMBER.hex()}"


# --- in a run ------------------------------------------------------------------------------------


class Bytecode:
    """The code in a pack. `at` is a table, marshalled: digest of a source -> where in `pack`;
    ``python`` -> where it says which interpreter it is for.
    """

    def __init__(self, at: memoryview, pack: memoryview) -> None:
        self._pack = pack
        self._at: dict[str, tuple[int, int]] = _loads(at)
        start, end = self._at.pop("python")
        if bytes(pack[start:end]) != python().encode() + b"\n" or sys.flags.optimize:  # B2
            self._at = {}

    def code(self, digest: str, path: str) -> CodeType | None:
        """The code of the source with this digest, which lies at `path`; None if there is none."""
        where = self._at.get(digest)
        if where is None:
            return None
        try:
            code = _loads(self._pack[where[0] : where[1]])
        except (ValueError, EOFError, TypeError):  # then the source is compiled
            return None
        if type(code) is not _Code:
            return None
        _fix_co_filename(code, path)  # B3
        return code


# --- compiling -----------------------------------------------------------------------------------


def dumped(source: bytes, optimize: int = 0, name: str = _NAME) -> bytes:
    """The code of a source (B4). Raises what `compile` does."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=optimize)
    held: list[object] = []
    _hold(code, held)
    return marshal.dumps(code)


def _hold(value: Any, held: list[object]) -> None:
    held.append(value)
    if type(value) is _Code:
        for name in dir(value):
            if name.startswith("co_") and name != "co_lnotab":  # made when it is asked for
                _hold(getattr(value, name), held)
    elif type(value) in (tuple, frozenset):
        for each in value:
            _hold(each, held)


def intern() -> None:
    """What is to be done once in a process, before `dumped` (B4)."""
    for each in range(256):
        sys.intern(chr(each))


def serve(name: str = _NAME) -> None:
    """Compiles what comes in and ends: sources in, codes out, each after its length and a line end.

    First out is the line of `python`. What does not compile has no code: 0 bytes.
    """
    intern()
    _warnings.filters.insert(0, ("ignore", None, Warning, None, 0))  # about sources: not here
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    answers.write(python().encode() + b"\n")
    while line := asked.readline():
        source = asked.read(int(line))
        try:
            code = dumped(source, 0, name)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            code = b""
        answers.write(b"%d\n" % len(code) + code)
    answers.flush()
