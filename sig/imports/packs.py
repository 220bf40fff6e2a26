"""Packs of bytecode: what one holds, its one form, and whether one counts for a run
(docs/spec/closure §8).

Here: the noun, and the decision. Not here: how one is made (`recording`), and what a run does with
it (`bytecode`).

P1  A pack is a zip in one form: stored, sorted, without times, comments or extra fields. What is
    not exactly what would be written of its members is none: a reader of another mind, which goes
    by the directory or by the last of two names, finds the same.
P2  A member's name is the digest of the source that it was compiled from. No path is in it: code of
    a source is code of it wherever that lies, and a pack cannot say what a module is.
P3  A pack counts if the statements that name its digest are by themselves enough for the closure:
    where a policy asks for two signers, one is not enough for what nobody else has looked at. A
    pack that is marked bad does not count.
P4  A pack that does not count is as one that is not there: the sources are compiled.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, Refused, StoreError
from sig.imports.packing import stored
from sig.model import limits
from sig.model.identifier import Identifier
from sig.model.verdict import Answer
from sig.repo.python import contents
from sig.verbs import covering

if TYPE_CHECKING:
    from sig.repo.python import Python
    from sig.verbs.lock import Plan
    from sig.verbs.workspace import Workspace

SUFFIX = ".pack"
_PYTHON = "python"
_MEMBERS = 65535
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ANY = "*"
_FREE_THREADED = re.compile(r"python3\.[0-9]+t")
_SAID = re.compile(rb"([A-Za-z0-9][A-Za-z0-9._+-]{0,63}) [0-9a-f]{8}\n")


class Pack(NamedTuple):
    """A pack: its bytes, and where in them everything lies. `python` is the interpreter that it is
    for, as it says of itself (`sig.imports.bytecode.python`).
    """

    raw: bytes
    python: str
    at: Mapping[str, tuple[int, int]]

    @property
    def tag(self) -> str:
        """The name of that interpreter in a statement."""
        return self.python.partition(" ")[0]

    @property
    def id(self) -> Identifier:
        """What stands in a statement."""
        return Identifier.of_bytes(self.raw)

    @property
    def codes(self) -> dict[str, bytes]:
        """Digest of a source -> its code, marshalled."""
        return {
            name: self.raw[start:end] for name, (start, end) in self.at.items() if name != _PYTHON
        }


def made(python: str, codes: Mapping[str, bytes]) -> Pack:
    """The pack of these codes, by the digests of their sources. Raises FormatError."""
    if any(_DIGEST.fullmatch(name) is None for name in codes):
        raise FormatError("a pack has digests of sources and nothing else")
    if len(codes) >= _MEMBERS:
        raise FormatError(f"a pack has more than {_MEMBERS} members, which needs zip64")
    said = f"{python}\n".encode()
    if _SAID.fullmatch(said) is None:
        raise FormatError(f"{python!r} is no interpreter that a pack is for")
    raw, at = stored({**codes, _PYTHON: said})
    if len(raw) > limits.PACK:
        raise FormatError(f"a pack is larger than {limits.PACK >> 20} MiB")
    return Pack(raw, python, MappingProxyType(at))


def read(raw: bytes) -> Pack:
    """The pack of these bytes, and of no others (P1). Raises FormatError."""
    members: dict[str, bytes] = {}
    place = 0
    while raw.startswith(b"PK\3\4", place):
        head = raw[place : place + 30]
        if len(head) < 30:
            break
        start = place + 30 + int.from_bytes(head[26:28], "little")
        end = start + int.from_bytes(head[18:22], "little")
        members[raw[place + 30 : start].decode("ascii", "replace")] = raw[start:end]
        place = end
    python = members.pop(_PYTHON, b"").decode("ascii", "replace").removesuffix("\n")
    try:
        found = made(python, members)
    except FormatError as error:
        raise FormatError("not a pack") from error
    if found.raw != raw:
        raise FormatError("not a pack in its one form")
    return found


# --- whether one counts --------------------------------------------------------------------------


class Found(NamedTuple):
    """The pack beside a lock, if it counts; else why not, "" where there is none."""

    pack: Pack | None
    why: str = ""


def beside(lock: str) -> str:
    """Where the pack of a lock lies."""
    return lock.removesuffix(".lock") + SUFFIX


def opened(path: str) -> Pack | None:
    """The pack at a path, None if nothing is there. Raises FormatError, Refused, StoreError."""
    raw = contents(path, limits.PACK)
    return None if raw is None else read(raw)


def counted(workspace: Workspace, judged: Plan) -> Found:
    """The pack of a program that was decided upon, if it counts for its run (P3, P4)."""
    path = beside(judged.program.lock)
    try:
        pack = opened(path)
    except (FormatError, Refused, StoreError) as error:
        return Found(None, error.message)
    if pack is None:
        return Found(None)
    why = unfit(pack, judged.python)
    if why:
        return Found(None, why)
    verdict = workspace.consistent(
        lambda: covering.closure_verdict(
            workspace, judged.closure, judged.known, judged.python.version, (pack.tag, pack.id)
        )
    )
    if verdict.answer is not Answer.OK:
        return Found(None, "nobody who counts has signed it with this lock")
    if workspace.verdicts([pack.id])[pack.id].answer is Answer.BAD:
        return Found(None, "it is marked bad")
    return Found(pack)


def unfit(pack: Pack, python: Python) -> str:
    """Why a pack is not for this interpreter, or nothing.

    Where the third number of its version is not known, any is allowed here: whether it is the very
    one, the interpreter itself decides (`bytecode`).
    """
    own = tag(python)
    fits = re.escape(own).replace(re.escape(_ANY), "[0-9]+")
    return "" if re.fullmatch(fits, pack.tag) else f"it is for {pack.tag}, and this is {own}"


def tag(python: Python) -> str:
    """The tag that a pack for an interpreter has."""
    numbers = python.version + (f".{_ANY}" if python.version.count(".") < 2 else "")
    threads = any(_FREE_THREADED.fullmatch(os.path.basename(each)) for each in python.stdlib)
    return f"cpython-{numbers}{'t' if threads else ''}"
