"""The program loads where Unix-only modules do not exist."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import sig

UNIX_ONLY = ("fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty")

# Runs in a process of its own. Modules that Python itself needed to start are in sys.modules and
# are taken out; the standard library copes with their absence, as it does on Windows.
PROBE = """
import importlib, pkgutil, sys

blocked = set(sys.argv[1:])

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name in blocked:
            raise ModuleNotFoundError(f"{name} does not exist here", name=name)

# What others need, first: whether they are portable is theirs to say.
import click, cryptography, filelock, gnupg, platformdirs, pysequoia, requests, sqlite3, subprocess

sys.meta_path.insert(0, Blocker())
for name in blocked:
    sys.modules.pop(name, None)

import sig
names = [m.name for m in pkgutil.walk_packages(sig.__path__, "sig.") if m.name != "sig.__main__"]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_module_loads_without_unix_only_modules() -> None:
    """No part of sig fails to load on a system without fcntl, pwd and their kin."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *(set(UNIX_ONLY) - {"posix"})],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert "" == ran.stderr
    assert int(ran.stdout) > 20


def _at_top_level(tree: ast.Module) -> set[str]:
    """What is imported when a module loads: outside functions, in `if`, `try` and classes too."""
    found = set()
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
    return found


def test_no_module_imports_a_unix_only_module_at_its_top_level() -> None:
    """Unix-only modules are imported where they are used, so that the rest works without them."""
    root = Path(sig.__file__).parent
    found = {
        str(file.relative_to(root)): names
        for file in sorted(root.rglob("*.py"))
        if (names := _at_top_level(ast.parse(file.read_bytes())) & set(UNIX_ONLY))
    }

    assert {} == found


def test_no_pattern_uses_what_older_pythons_match_wrongly() -> None:
    """Until 3.11.5, possessive quantifiers and atomic groups matched what they must not.

    Guards docs/spec/manifest M2: the path `a/..` passed on 3.11.2.
    """
    for path in Path(sig.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.search(r"[*+?}]\+|\(\?>", node.value):
                    parsed = repr(re._parser.parse(node.value))
                    assert not re.search("POSSESSIVE|ATOMIC", parsed), f"{path}:{node.lineno}"
