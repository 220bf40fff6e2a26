"""The first lines of a run: they read the sealed file that they lie in, close it, and give what
is in it to the bootstrap.

Here: from the first line of Python to the first of `bootstrap`. Not here: who writes the file
(`packing`, and in a loader native/verify/src/loader/starting.rs).

A1  The file begins with a page of its own: where everything lies, marshalled in a form that every
    Python reads. These lines follow, and all else.
A2  Compiled modules run only in an interpreter of their bytecode, any other compiles the sources.
A3  A Python that is not the system's gets no -I: what led it to its first modules is gone before
    anything else happens (Z6 of `packing`).

Compiled, or as source: to compile even these lines takes longer than to run them.
"""

import _frozen_importlib_external
import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# As Python itself has it, on every system; no stub has it.
posix = vars(_frozen_importlib_external)["_os"]

TABLE = 4096
"""How long the page with the table is."""
LENGTH = 8192
"""How long these lines are at most, in either form, filled up with ends of lines."""

_NAME = "_sig_imports"
_FILE = "<frozen importlib._bootstrap_external>"  # as `bootstrap` has it


def begin(descriptor: int) -> None:
    """Becomes the program that lies in the file."""
    # Python 3.13 has imported it to show the text of -c, and would for what else is <string>.
    sys.modules.pop("linecache", None)
    table = marshal.loads(posix.pread(descriptor, TABLE, 0))  # noqa: S302 - sealed
    magic, known_end, end, compiled, sources, plan, packed, gone = table
    for name in gone:  # A3
        if name in posix.environ:
            posix.unsetenv(name)
            del posix.environ[name]
    if gone:
        sys.path[:] = [f"/proc/self/fd/{descriptor}"]
        import os  # noqa: F401 - from the file, as long as it is open
        import site  # noqa: F401 - the same
    known = magic == _frozen_importlib_external.MAGIC_NUMBER  # A2
    if known:
        end = known_end
    data = memoryview(posix.pread(descriptor, end, 0))
    posix.close(descriptor)
    if len(data) != end:
        raise SystemExit("sig: the sealed file cannot be read")
    codes = {name: data[start:end] for name, start, end in (compiled if known else sources)}
    first = codes.pop("bootstrap")
    # A stub, which does nothing: the real one would be read from the disk.
    future: Any = type(sys)("__future__")
    future.annotations = None
    sys.modules["__future__"] = future
    scope: dict[str, Any] = {"__name__": _NAME}
    code = marshal.loads(first) if known else compile(first, _FILE, "exec")  # noqa: S302 - sealed
    exec(code, scope)  # noqa: S102 - the same
    pack = [data[slice(*one)] for one in packed]
    scope["start"](bytes(data[slice(*plan)]), codes, known, pack)


if __name__ == "__main__":
    begin(globals()["d"])
