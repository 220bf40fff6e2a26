"""A zipapp that is run: what of it runs, handed to a fresh Python without a path to be opened.

Plain Python opens a zipapp again for each module, and some zipapps unpack themselves into a cache
that they believe from then on. Here both are left out:

B1  Members are read from the bytes that were verified, by `sig.repo.archive`: an archive that two
    programs could read in two ways is refused.
B2  They are handed over in a sealed copy, and the new process (`zipapp_start`) opens no path for
    them.
B3  A shiv is started without its own bootstrap, which runs what lies in its cache: its packages
    come from the archive, and what it calls is what the archive says. Variables do not change it.
B4  Other archives that unpack themselves are refused by what is in them: a pex.
"""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sig.errors import FormatError, Refused
from sig.repo.archive import held
from sig.repo.unpacking import TAIL

_MAIN = "__main__.py"
_SHIV = "environment.json"
_PACKAGES = "site-packages"
_PEX = "PEX-INFO"
# Whatever Python it is reads this version of marshal.
_FORMAT = 2

# What Python is given with `-c`. It puts the current folder first where modules are looked for; it
# goes, and the descriptor is closed before anything of the archive runs.
START = """
def start():
    import marshal, sys
    if sys.path[:1] == [""]:
        del sys.path[0]
    descriptor, *sys.argv = sys.argv[1:]
    with open(int(descriptor), "rb") as stream:
        source, *given = marshal.load(stream)
    scope = {"__name__": "sig"}
    exec(compile(source, "<sig>", "exec", dont_inherit=True), scope)
    del sys.modules["__main__"].__dict__["start"]
    scope["start"](*given)
start()
"""


def is_zip(data: bytes) -> bool:
    """Whether some Python would run these bytes as an archive, whatever else they are."""
    return data.startswith(b"PK\3\4") or b"PK\5\6" in data[-TAIL:]


def packed(path: str, data: bytes) -> bytes:
    """What the new process needs of the archive that lies at `path` (B1, B2).

    Raises FormatError and Refused, which name the path.
    """
    try:
        files = dict(held(data).files)
    except FormatError as error:
        raise FormatError(f"{path}: {error.message}") from error
    if _PEX in files:
        raise Refused(  # B4
            f"{path} is a pex, which unpacks itself and runs what it finds there",
            hint="sig lock",
        )
    folder, entry = "", ""
    if _SHIV in files and "_bootstrap/__init__.py" in files:
        folder, entry = _PACKAGES, _shiv(path, files)
    elif _MAIN not in files:
        raise Refused(f"{path} has no {_MAIN}")
    source = Path(__file__).with_name("zipapp_start.py").read_bytes()
    place = os.path.abspath(path)
    shown = list(dict.fromkeys([place, os.path.realpath(place)]))
    return marshal.dumps((source, shown, files, folder, entry), _FORMAT)


def check_other(path: str, data: bytes) -> None:
    """Raises Refused for an archive that something runs which is no Python that we know: it would
    open the archive again, and run what a bootstrap in it finds in a cache.
    """
    try:
        found = _MAIN in held(data).files
    except FormatError:
        # Others may read what we do not; or it is no archive. A name stands in one as it is.
        found = _MAIN.encode() in data
    if found:
        raise Refused(f"{path} is a zipapp, and its #! line starts no plain Python")


def check_copy(path: str, data: bytes) -> None:
    """Raises Refused for what unpacks itself, where a copy has to be run in plain Python (B3)."""
    try:
        files = held(data).files
    except FormatError as error:
        raise FormatError(f"{path}: {error.message}") from error
    if _PEX in files or _SHIV in files:
        raise Refused(f"{path} unpacks itself, and only Linux with /proc can run it without that")


def _shiv(path: str, files: Mapping[str, bytes]) -> str:
    """What a shiv calls (B3)."""
    try:
        said: Any = json.loads(files[_SHIV])
    except ValueError as error:
        raise FormatError(f"{path}: its {_SHIV} is damaged") from error
    entry = said.get("entry_point") if isinstance(said, dict) else None
    if not isinstance(entry, str) or said.get("script") or said.get("preamble"):
        raise Refused(f"{path} is a shiv without an entry point of its own, or with a preamble")
    name, _, attribute = entry.partition(":")
    if not all(part.isidentifier() for part in f"{name}.{attribute or name}".split(".")):
        raise FormatError(f"{path}: {_SHIV} names no entry point")
    return entry
