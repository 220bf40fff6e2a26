"""What is in a native loader besides its policy: the program, and what its runs start with.

N1  The program is `sig-verify`, beside the scripts of sig: what the wheel signet-sig-loader brings.
    In a checkout it is the one of its own native/, which is built where it is not there. It is
    found in no other way: not by a search path, and not by a variable.
N2  It is a file of its own, a program of this system, and no loader yet.
N3  It is of the version of this sig, and says so: what one of them writes is read by the other.
N4  The modules are those that `packing` puts into the sealed file of a run, compiled by the very
    interpreter that will run them, and their sources.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable

from sig import __version__
from sig.errors import NotFound, Refused, SigError, StoreError
from sig.imports import compiling, packing
from sig.imports.compiling import Compiler
from sig.model import limits, loader
from sig.model.loader import Modules
from sig.repo.python import contents, python_of

PROGRAM = "sig-verify"
PACKAGE = "pip install signet-sig[loader]"


def program(say: Callable[[str], None]) -> bytes:
    """The program that a loader is (N1 to N3); `say` is told what takes long.

    Raises NotFound where there is none, Refused, StoreError.
    """
    place, root = _place()
    if root is not None and known() is None:
        say(f"building {PROGRAM}, once: tools/setup.sh loader")
        _built(root)
    raw = _read(place)
    if raw is None:
        raise NotFound(f"no {place}", hint=PACKAGE)
    return raw


def known() -> bytes | None:
    """The same where it is there and can be used."""
    try:
        return _read(_place()[0])
    except SigError:
        return None


def _place() -> tuple[str, str | None]:
    """Where it lies, and the checkout in which it can be built (N1)."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    place = os.path.join(_scripts(root), PROGRAM)
    if os.path.lexists(place):
        return place, None
    if os.path.isfile(f"{root}/tools/setup.sh") and os.path.isdir(f"{root}/native/verify"):
        return os.path.join(root, "native", "target", "release", PROGRAM), root
    return place, None


def _scripts(packages: str) -> str:
    """The folder of the scripts of what lies in `packages`: the user's own, or all others'."""
    user = sysconfig.get_preferred_scheme("user")
    if os.path.normpath(packages) == os.path.normpath(sysconfig.get_path("purelib", user)):
        return sysconfig.get_path("scripts", user)
    return sysconfig.get_path("scripts")


def _built(root: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - of our own checkout
            [os.path.join(root, "tools", "setup.sh"), "loader"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(f"{PROGRAM} could not be built", hint="make test") from error


def _read(place: str) -> bytes | None:
    """N2, N3."""
    if os.path.islink(place):
        raise Refused(f"{place} is a link")
    raw = contents(place, limits.LOADER - limits.LOADER_DATA)
    if raw is not None and loader.is_loader(raw):
        raise Refused(f"{place} is a loader already", hint=PACKAGE)
    if raw is not None and not raw.startswith(b"\x7fELF"):
        raise Refused(f"{place} is no program of this system")
    if raw is not None and f"{PROGRAM} {__version__}\n".encode() not in raw:
        raise Refused(f"{place} is not that of sig {__version__}", hint=PACKAGE)
    return raw


def modules(by: Compiler) -> Modules:
    """What a run with this Python starts with (N4). Raises Refused, Changed."""
    given = sources()
    magic, codes = compiling.modules(by, given)
    return Modules(magic, codes, given)


def sources() -> dict[str, bytes]:
    """The sources of what a run starts with, as this sig has them."""
    return {name: packing.source(name) for name in (loader.FIRST, *packing.MODULES)}


def is_ours(found: Modules, python: str) -> bool | None:
    """Whether these modules are those of this sig, compiled by this Python; None where only the
    sources are, and nobody can tell about the code.
    """
    if found.sources != sources():
        return False
    try:
        interpreter = python_of(python)
        return modules(Compiler(interpreter)) == found if interpreter.is_system else None
    except SigError:
        return None
