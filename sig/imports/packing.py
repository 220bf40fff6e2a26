"""The sealed zip that a run starts from: the bootstrap, the finder and the plan.

Here: sig's side. Not here: what is in the plan, who seals the zip and becomes Python (`running`),
what the child does with it (`bootstrap`).

Z1  The zip is stored, sorted, without comment, extra fields or times: one plan, one text.
Z2  It holds our modules as source, and compiled by the Python that sig runs in; a child of another
    version compiles the source itself.
Z3  Our code says that it is importlib's own file: Python leaves such frames out of tracebacks.
Z4  The interpreter is called by its own absolute path. By any other name CPython would look for its
    standard library, and for a `pyvenv.cfg`, beside the file of that name.
"""

from __future__ import annotations

import _imp
import marshal
import os
import struct
import zlib
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER, find_spec
from types import CodeType
from typing import Any

from sig.imports.bootstrap import FILE
from sig.imports.covered import Covered
from sig.imports.plan import Plan, write

MODULES = (
    "covered", "doors", "finder", "metadata", "native", "opening", "plan", "resources",
)  # fmt: skip
"""What the bootstrap finds beside itself."""

_STUB = f"""exec(compile(__loader__.get_data("bootstrap.py"), {FILE!r}, "exec"))\n"""
_UNCHECKED = 1  # pyc by hash, and Python does not compare it
_1980 = 0x0021


def pack(plan: Plan) -> bytes:
    """The zip from which a run of this plan starts.

    Raises ValueError for a plan that contradicts itself: one path with two digests, a script that
    is not covered.
    """
    Covered(plan).check()
    members = {"plan": write(plan), "__main__.py": _STUB.encode()}
    codes = {}
    for name in ("bootstrap", *MODULES):
        source, code = _module(f"{__package__}.{name}")
        members[f"{name}.py"] = source
        codes[name] = marshal.dumps(code)
    head = struct.pack("<4sI8x", MAGIC_NUMBER, _UNCHECKED)
    members["__main__.pyc"] = head + codes.pop("bootstrap")
    members["code"] = MAGIC_NUMBER + marshal.dumps(codes)
    members["names"] = " ".join(MODULES).encode()
    return _zip(members)


def command(
    executable: str, descriptor: int, argv0: str, arguments: Sequence[str]
) -> tuple[str, ...]:
    """The words that start it, from an open descriptor of the zip.

    `argv0` is for the program and stands in the plan: the interpreter must not see it (Z4).
    """
    if not os.path.isabs(executable):
        raise ValueError(f"{executable!r} is not the path of an interpreter")
    return (executable, "-I", "-S", "-B", f"/proc/self/fd/{descriptor}", *arguments)


def _module(name: str) -> tuple[bytes, CodeType]:
    """The source of one of our modules, and its code (Z3)."""
    spec = find_spec(name)
    assert isinstance(spec, ModuleSpec) and spec.origin is not None  # noqa: S101
    loader: Any = spec.loader
    code: CodeType = loader.get_code(name)
    fix: Any = _imp._fix_co_filename  # type: ignore[attr-defined]
    fix(code, FILE)
    source: bytes = loader.get_data(spec.origin)
    return source, code


def _zip(members: dict[str, bytes]) -> bytes:
    """Z1."""
    body = b""
    directory = b""
    for name, data in sorted(members.items()):
        sizes = (zlib.crc32(data), len(data), len(data), len(name), 0)
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, _1980, *sizes)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name.encode()
        body += b"PK\3\4" + common + name.encode() + data
    count = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end
