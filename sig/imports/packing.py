"""The sealed file that a run starts from: the bootstrap, the finder and the plan.

Here: sig's side. Not here: what is in the plan, who seals the file and becomes Python (`running`),
what the child does with it (`bootstrap`).

Z1  The file is a zip: stored, sorted, without comment, extra fields or times: one plan, one file.
    Before it stands where in it everything lies, and the lines that read that (`page`).
Z2  Python is given those lines with `-c`. For a zip that it is to run it would import half of
    importlib, runpy and zipimport: that takes longer than all of ours. The lines are compiled where
    they are for the very interpreter that sig runs in.
Z3  Our modules are there as source, and compiled by the Python that sig runs in. A child of another
    version compiles the source itself.
Z4  Our code says that it is importlib's own file: Python leaves such frames out of tracebacks.
Z5  The interpreter is called by its own absolute path. By any other name CPython would look for its
    standard library, and for a `pyvenv.cfg`, beside the file of that name.
Z6  A Python that is not the system's gets no -I: by PYTHONPATH it finds its first modules in the
    zip, and nowhere else. PYTHONHOME and its own name say that all else lies in /proc/self/fd,
    where nobody can make a file. These variables are gone before anything else happens.
"""

from __future__ import annotations

import _imp
import marshal
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from importlib.util import MAGIC_NUMBER, find_spec
from types import CodeType
from typing import TYPE_CHECKING, Any

from sig.errors import Refused
from sig.imports.bootstrap import FILE
from sig.imports.covered import Covered
from sig.imports.page import LENGTH, TABLE
from sig.imports.plan import Plan, write

if TYPE_CHECKING:
    from sig.imports.packs import Pack

Places = dict[str, tuple[int, int]]
"""Where members lie: start and end, by name."""

MODULES = (
    "bytecode", "covered", "doors", "early", "finder", "metadata", "native", "opening", "page",
    "paths", "plan", "resources",
)  # fmt: skip
"""What the bootstrap finds beside itself."""

_LINES = (
    f"import posix;d=%d;exec(posix.pread(d,{LENGTH},{TABLE}))",
    f"import posix,marshal;d=%d;exec(marshal.loads(posix.pread(d,{LENGTH},{TABLE})))",
)
_1980 = 0x0021
_SAFE_PATH = 11  # the first Python 3 that has -P


# What a Python that is not the system's is led by, and forgets at once (Z6).
_GONE = (b"LD_PRELOAD", b"PYTHONHOME", b"PYTHONPATH")
_HOME = "/proc/self/fd"
# Python 3.13 imports it to remember the text of -c; what would come with it is half of a library.
_LINECACHE = b"def _register_code(*given): pass\n"


def is_own(executable: str) -> bool:
    """Whether this is the file of the very interpreter that sig runs in (Z2)."""
    try:
        return os.readlink("/proc/self/exe") == os.path.realpath(executable)
    except OSError:
        return False


def pack(
    plan: Plan,
    bytecode: Pack | None = None,
    library: Mapping[str, bytes] | None = None,
    *,
    own: bool = False,
) -> bytes:
    """The file from which a run of this plan starts, with the pack that was found for it.

    `library` are sources of the standard library, by their paths in it, for a Python that is not
    the system's (Z6). `own` says that it is for the interpreter that sig runs in.

    Raises Refused for a plan that contradicts itself: one path with two digests, a script that is
    not covered.
    """
    try:
        Covered(plan).check()
    except ValueError as error:  # where roots lie is for the environment to say
        raise Refused(f"what is to be run contradicts itself: {error}") from error
    members = {"plan": write(plan)}
    for name in ("bootstrap", *MODULES):
        source, code = _module(f"{__package__}.{name}")
        members[f"code/{name}"] = marshal.dumps(code)
        members[f"source/{name}"] = source
    if bytecode is not None:
        members["pack"] = bytecode.raw
        members["pack.at"] = marshal.dumps(dict(bytecode.at), 2)  # what every Python reads
    if library is not None:
        members |= {**library, "linecache.py": _LINECACHE}
    return _zip(members, library is not None, own)


def command(
    executable: str, descriptor: int, argv0: str, arguments: Sequence[str], *, own: bool = False
) -> tuple[str, ...]:
    """The words that start it, from an open descriptor of the file (Z2), with `own` as in `pack`.

    `argv0` is for the program and stands in the plan: the interpreter must not see it (Z5).
    """
    if not os.path.isabs(executable):
        raise ValueError(f"{executable!r} is not the path of an interpreter")
    return (executable, "-I", "-S", "-B", "-c", _LINES[own] % descriptor, *arguments)


def source(name: str) -> bytes:
    """The source of one of our modules, as a child gets it."""
    return _module(f"{__package__}.{name}")[0]


def command_elsewhere(name: str, descriptor: int, arguments: Sequence[str]) -> tuple[str, ...]:
    """The words that start a Python that is not the system's: `name` is ``python3.12`` (Z6)."""
    safe = () if int(name.rstrip("t").rpartition(".")[2]) < _SAFE_PATH else ("-P",)
    words = command(f"{_HOME}/{name}", descriptor, "", arguments)
    return (words[0], "-s", *safe, *words[2:])


def environment_elsewhere(descriptor: int) -> dict[str, str]:
    """What is in its environment besides, until its first line (Z6)."""
    return {"PYTHONHOME": _HOME, "PYTHONPATH": f"{_HOME}/{descriptor}"}


def _module(name: str) -> tuple[bytes, CodeType]:
    """The source of one of our modules, and its code (Z3)."""
    spec: Any = find_spec(name)  # ours: it is there
    loader = spec.loader
    code: CodeType = loader.get_code(name)
    known: Any = _imp
    known._fix_co_filename(code, FILE)
    source: bytes = loader.get_data(spec.origin)
    return source, code


def _zip(members: dict[str, bytes], elsewhere: bool, own: bool) -> bytes:
    """Z1."""
    body, at = stored(members, TABLE + LENGTH)
    lines = members["code/page" if own else "source/page"]
    table = marshal.dumps(_table(at, elsewhere), 2)  # what every Python reads
    if len(table) > TABLE or len(lines) > LENGTH:
        raise ValueError("what stands before the zip is too long")
    return table.ljust(TABLE, b"\0") + lines.ljust(LENGTH, b"\n") + body


def stored(members: Mapping[str, bytes], before: int = 0) -> tuple[bytes, Places]:
    """A zip without what stands in the first `before` bytes of its file, and where in that file the
    members lie.
    """
    body: list[bytes] = []
    directory: list[bytes] = []
    at: Places = {}
    place = before
    for name, data in sorted(members.items()):
        sizes = (zlib.crc32(data), len(data), len(data), len(name), 0)
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, _1980, *sizes)
        directory += (
            b"PK\1\2" + struct.pack("<H", 20) + common,
            struct.pack("<HHHII", 0, 0, 0, 0, place),
        )
        directory.append(name.encode())
        body += b"PK\3\4" + common + name.encode(), data
        start = place + 30 + len(name)
        place = start + len(data)
        at[name] = start, place
    entries = b"".join(directory)
    count = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(entries), place, 0)
    return b"".join([*body, entries, b"PK\5\6", end]), at


def _table(at: Places, elsewhere: bool) -> Any:
    """What `page` reads first. What it reads of the file ends with the last of what it needs."""

    def those(folder: str) -> tuple[tuple[str, int, int], ...]:
        return tuple((name[len(folder) :], *at[name]) for name in at if name.startswith(folder))

    compiled, sources, plan = those("code/"), those("source/"), at["plan"]
    return (
        MAGIC_NUMBER,
        max(plan[1], compiled[-1][2]),
        max(plan[1], sources[-1][2]),
        compiled,
        sources,
        plan,
        tuple(at[name] for name in ("pack.at", "pack") if name in at),
        _GONE if elsewhere else (),
    )
