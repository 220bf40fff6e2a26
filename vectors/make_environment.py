"""Makes vectors/environment/variables.json: which variables a verified program gets.

    python vectors/make_environment.py

What is expected is written here by hand, from the manuals of Python, ld.so, glibc, musl and
OpenSSL; nothing of `sig` is imported. The format of the file stands in vectors/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "environment"

PASSED = (
    "LANG", "LC_", "LC_ALL", "LC_CTYPE", "TERM", "TZ", "USER", "LOGNAME", "SHELL", "PWD", "DISPLAY",
    "XDG_RUNTIME_DIR",
)  # fmt: skip
NEVER = (
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_BIND_NOW", "LD_", "DYLD_INSERT_LIBRARIES", "DYLD_",
    "PYTHON", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONBREAKPOINT",
    "PYTHONINSPECT", "PYTHONPYCACHEPREFIX", "PYTHONUSERBASE", "PYTHONEXECUTABLE", "PYTHON_GIL",
    "_PYTHON_", "_PYTHON_SYSCONFIGDATA_NAME", "_PYTHON_PROJECT_BASE", "__PYVENV_LAUNCHER__",
    "OPENSSL_", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "OPENSSL_CONF_INCLUDE",
    "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH",
    "MALLOC_", "MALLOC_TRACE", "MALLOC_CHECK_", "MALLOC_ARENA_MAX", "NIS_PATH", "NLSPATH",
    "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR", "MUSL_LOCPATH",
    "SIG_RUN_", "SIG_RUN_DIR", "SIG_RUN_LOCK",
)  # fmt: skip
NAMED = (
    "A", "TMPDIR", "LANGUAGE", "lang", "LC", "XLC_ALL", "TERMINFO", "TZ2", "PWD_", "OLDPWD",
    "XDG_RUNTIME_DIRS", "LD", "DYLD", "PYTHO", "_PYTHON", "XPYTHONPATH", "pythonpath",
    "__PYVENV_LAUNCHER__X", "OPENSSL", "SSL_CERT_FILE", "GCONV_PATHS", "TZDIRS", "MALLOC", "SIG_RUN",
    "SIG_LOADER", "BASH_ENV", "http_proxy", "DJANGO_SETTINGS_MODULE",
)  # fmt: skip


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    kinds = {"passed": PASSED, "named": NAMED, "never": NEVER}
    made = [
        {"name": name, "goes": goes} for goes, names in kinds.items() for name in sorted(names)
    ]
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in made)
    (FOLDER / "variables.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
