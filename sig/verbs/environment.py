"""What a verified program gets of the environment that it was started in.

An allow-list: what is harmless is named, for nobody can name all that is not. Whoever starts the
program chooses its environment, and one variable is enough to run other code in it.

V1  Passed are language, terminal, time zone, who and where one is. ``PATH`` is that of the system,
    ``HOME`` that of the user's account.
V2  More is passed by name, with ``*`` for the rest of one; but never what makes the dynamic linker,
    the C library, OpenSSL or Python load or do something else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from sig.errors import UsageError

PASSED = (
    "LANG",
    "LC_*",
    "TERM",
    "TZ",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "DISPLAY",
    "XDG_RUNTIME_DIR",
)
NEVER = (
    "LD_*",
    "DYLD_*",
    "PYTHON*",
    "_PYTHON_*",
    "__PYVENV_LAUNCHER__",
    "OPENSSL_*",
    # What glibc itself takes from nobody where it must not be misled; musl has one of its own.
    "GCONV_PATH",
    "LOCPATH",
    "MUSL_LOCPATH",
    "NLSPATH",
    "TZDIR",
    "GLIBC_TUNABLES",
    "MALLOC_*",
    "GETCONF_DIR",
    "HOSTALIASES",
    "RESOLV_HOST_CONF",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "NIS_PATH",
    "SIG_RUN_*",
)
PATH = "/usr/local/bin:/usr/bin:/bin"
_GIVEN = re.compile(r"[^*?\[\]=\0]+\*?")  # no other pattern: `?*` would be all there is


def passed(environment: Mapping[str, str], more: Sequence[str] = ()) -> dict[str, str]:
    """What of an environment goes to a verified program (V1, V2). Raises UsageError for a name in
    `more` that is never passed.
    """
    for name in more:
        why = why_not(name)
        if why:
            raise UsageError(f"--env {name}: {why}")
    found = {"PATH": PATH, "HOME": home()}
    for name, value in environment.items():
        if (_named(name, more) or _named(name, PASSED)) and not _named(name, NEVER):
            found[name] = value
    return found


def why_not(name: str) -> str:
    """Why a variable of this name, or those that begin so, are never passed (V2); "" if they can
    be.
    """
    if _GIVEN.fullmatch(name) is None:
        return "not the name of a variable, nor the start of one and *"
    if _named(name.rstrip("*"), NEVER):
        return "it could make another program of what was verified"
    return ""


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What a child of a verified program gets of its parent's environment: all but V2."""
    return {name: value for name, value in environment.items() if not _named(name, NEVER)}


def home() -> str:
    """The home of the user's account, whatever ``HOME`` says; / where there is none."""
    if os.name != "posix":
        return os.path.expanduser("~")
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return "/"


def _named(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
