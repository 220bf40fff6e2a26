"""The sealed file that a run starts from: the bootstrap, the finder and the plan.

Here: sig's side. Not here: what is in the plan, who seals the file and becomes Python (`running`),
what the child does with it (`bootstrap`).

Z1  The file is a zip: stored, sorted, without comment, extra fields or times: one plan, one file.
    Before it stands a page of Python that knows where in it everything is, and closes it.
Z2  Python is given that page with `-c`. It runs a zip as well, to the same end, but imports half of
    importlib, runpy and zipimport for it: that takes longer than all of ours.
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
from sig.imports.bootstrap import FILE, PACKAGE
from sig.imports.covered import Covered
from sig.imports.plan import Plan, write

if TYPE_CHECKING:
    from sig.imports.packs import Pack

Places = dict[str, tuple[int, int]]
"""Where members lie: start and end, by name."""

MODULES = (
    "bytecode", "covered", "doors", "early", "finder", "metadata", "native", "opening", "plan",
    "resources",
)  # fmt: skip
"""What the bootstrap finds beside itself."""

_PAGE = 4096
# `{compiled}` and `{sources}` are where our modules lie, `{plan}` is where the plan does, `{pack}`
# where the table of a pack and the pack do, if there is one. A stub stands for `__future__`, which
# does nothing: the real one would be read from the disk. Python 3.13 has imported linecache to show
# the text of -c, and would for whatever the program compiles as `<string>`.
_HEAD = """\
import marshal, posix, sys
sys.modules.pop("linecache", None)
{elsewhere}from _frozen_importlib_external import MAGIC_NUMBER
known = MAGIC_NUMBER == {magic!r}
end, at = {compiled!r} if known else {sources!r}
data = memoryview(posix.pread(d, end, 0))
posix.close(d)
if len(data) != end:
    raise SystemExit("sig: the sealed file cannot be read")
codes = {{name: data[start:end] for name, start, end in at}}
first = codes.pop("bootstrap")
future = sys.modules["__future__"] = type(sys)("__future__")
future.annotations = None
scope = {{"__name__": {package!r}}}
exec(marshal.loads(first) if known else compile(first, {file!r}, "exec"), scope)
pack = [data[start:end] for start, end in {pack!r}]
scope["start"](globals(), bytes(data[slice(*{plan!r})]), codes, known, pack)
"""
_MAIN = f"""\
import posix, sys
d = int(sys.argv[0].rpartition("/")[2])
exec(compile(posix.pread(d, {_PAGE}, 0), {FILE!r}, "exec"))
"""
_1980 = 0x0021
_SAFE_PATH = 11  # the first Python 3 that has -P


# A Python that is not the system's finds the first modules in the zip, as long as it is open (Z6).
_ELSEWHERE = """\
for name in {names!r}:
    if name in posix.environ:
        posix.unsetenv(name)
        del posix.environ[name]
sys.path[:] = ["/proc/self/fd/%d" % d]
import os, site
"""
_HOME = "/proc/self/fd"
# Python 3.13 imports it to remember the text of -c; what would come with it is half of a library.
_LINECACHE = b"def _register_code(*given): pass\n"


def pack(
    plan: Plan, bytecode: Pack | None = None, library: Mapping[str, bytes] | None = None
) -> bytes:
    """The file from which a run of this plan starts, with the pack that was found for it.

    `library` are sources of the standard library, by their paths in it, for a Python that is not
    the system's (Z6).

    Raises Refused for a plan that contradicts itself: one path with two digests, a script that is
    not covered.
    """
    try:
        Covered(plan).check()
    except ValueError as error:  # where roots lie is for the environment to say
        raise Refused(f"what is to be run contradicts itself: {error}") from error
    members = {"plan": write(plan), "__main__.py": _MAIN.encode()}
    for name in ("bootstrap", *MODULES):
        source, code = _module(f"{__package__}.{name}")
        members[f"code/{name}"] = marshal.dumps(code)
        members[f"source/{name}"] = source
    if bytecode is not None:
        members["pack"] = bytecode.raw
        members["pack.at"] = marshal.dumps(dict(bytecode.at), 2)  # what every Python reads
    if library is not None:
        members |= {**library, "linecache.py": _LINECACHE}
    return _zip(members, library is not None)


def command(
    executable: str, descriptor: int, argv0: str, arguments: Sequence[str]
) -> tuple[str, ...]:
    """The words that start it, from an open descriptor of the file (Z2).

    `argv0` is for the program and stands in the plan: the interpreter must not see it (Z5).
    """
    if not os.path.isabs(executable):
        raise ValueError(f"{executable!r} is not the path of an interpreter")
    page = f"import posix;d={descriptor:d};exec(posix.pread(d,{_PAGE},0))"
    return (executable, "-I", "-S", "-B", "-c", page, *arguments)


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


def _zip(members: dict[str, bytes], elsewhere: bool) -> bytes:
    """Z1."""
    body, at = stored(members, _PAGE)
    head = _head(at, elsewhere).encode()
    if len(head) > _PAGE:
        raise ValueError("what stands before the zip is longer than a page")
    return head.ljust(_PAGE, b"\n") + body


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


def _head(at: Places, elsewhere: bool) -> str:
    """The page before the zip; what it reads ends with the last of what it needs."""

    def those(folder: str) -> tuple[int, list[tuple[str, int, int]]]:
        found = [(name[len(folder) :], *at[name]) for name in at if name.startswith(folder)]
        return max(at["plan"][1], found[-1][2]), found

    names = (b"LD_PRELOAD", b"PYTHONHOME", b"PYTHONPATH")
    return _HEAD.format(
        elsewhere=_ELSEWHERE.format(names=names) if elsewhere else "",
        magic=MAGIC_NUMBER,
        plan=at["plan"],
        pack=[at[name] for name in ("pack.at", "pack") if name in at],
        compiled=those("code/"),
        sources=those("source/"),
        file=FILE,
        package=PACKAGE,
    )
