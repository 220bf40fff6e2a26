"""`sig-python`: what a verified program has for `sys.executable`.

A program starts further Pythons by that name, and they must be under the same lock. So this is no
interpreter: it goes through the same decision as `sig run`, and starts what multiprocessing asks
for, or the program itself, and nothing else.

N1  It is started by a run of a program under a lock: the mark in the environment says which, and
    the parent process is one, as far as /proc shows. Anything else is refused.
N2  Of code only what `multiprocessing` writes to start a child, with literal arguments: spawn,
    forkserver, resource tracker. Of files only the program's own script.
N3  All is decided anew: what was marked bad meanwhile does not start.
N4  The environment is that of the parent, which may have changed it, but for what is never passed.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sig.errors import UsageError

if TYPE_CHECKING:
    from sig.imports.running import Decided
    from sig.verbs.lock import Program

# What subprocess and multiprocessing add from the flags of their own Python; ours are fixed.
_FLAGS = re.compile(r"-[BEIOPSbdqsuv]+|-[XW][\w.:=,-]+")
_CHILDREN = {
    "multiprocessing.spawn": "spawn_main",
    "multiprocessing.forkserver": "main",
    "multiprocessing.resource_tracker": "main",
}
_LITERAL = 1 << 20  # characters of code
# As it is spelled, in one line: it is compiled elsewhere, perhaps by another Python, and nothing in
# it may say how to read it.
_SPELLED = re.compile(r"from [a-z_.]+ import ([a-z_]+); ?\1\([^\x00-\x1f\x7f]*\)")


def path() -> str:
    """Where this program lies beside `sig`; nothing where it was not installed."""
    import sysconfig

    found = os.path.join(sysconfig.get_path("scripts"), "sig-python")
    return found if os.path.isfile(found) else ""


def mark(folder: str, program: Program, python: str, script: str | None) -> dict[str, str]:
    """What the environment of a run says to its children (N1). `script` is one of a project's."""
    return {
        "SIG_RUN_DIR": os.path.abspath(folder),
        "SIG_RUN_LOCK": program.lock,
        "SIG_RUN_FILE": os.path.join(program.folder, program.script),
        "SIG_RUN_PYTHON": python,
        "SIG_RUN_SCRIPT": script or "",
    }


def wanted(arguments: Sequence[str], script: str) -> tuple[tuple[str, ...], list[str]]:
    """Where a child starts, and its arguments (N2). Raises UsageError for what is not started."""
    rest = list(arguments)
    while rest and rest[0] not in ("-c", "-m") and _FLAGS.fullmatch(rest[0]):
        del rest[0]
    if rest[:1] == ["-c"] and len(rest) > 1 and _is_child(rest[1]):
        return ("code", rest[1]), rest[2:]
    if rest and not rest[0].startswith("-") and os.path.realpath(rest[0]) == script:
        return (), rest[1:]
    what = " ".join(rest[:2])[:200] or "nothing"
    raise UsageError(f"not started: {what!r} is neither this program nor a child of it")


def _is_child(code: str) -> bool:
    """Whether this is how multiprocessing starts a Python (N2)."""
    if len(code) > _LITERAL or _SPELLED.fullmatch(code) is None:
        return False
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if len(body) != 2:
        return False
    first, second = body
    if not isinstance(first, ast.ImportFrom) or not isinstance(second, ast.Expr):
        return False
    called = _CHILDREN.get(first.module or "")
    names = [(one.name, one.asname) for one in first.names]
    call = second.value
    if first.level or called is None or names != [(called, None)]:
        return False
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return False
    values = [*call.args, *(one.value for one in call.keywords)]
    return call.func.id == called and all(map(_is_literal, values))


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True


def is_run(process: int, executable: str, build: str = "") -> bool:
    """Whether a process is a run under a lock, as far as /proc shows (N1).

    `build` is the name of a Python that is not the system's.
    """
    from sig.imports import packing

    commands = [packing.command(executable, 0, "", (), own=own) for own in (False, True)]
    if build:
        commands = [packing.command_elsewhere(build, 0, ())]
    starts = [[os.fsencode(word) for word in command] for command in commands]
    try:
        theirs = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        program = os.readlink(f"/proc/{process}/exe")
    except OSError:  # it is gone, or another user's
        return False
    same = program == executable
    if build:  # a sealed copy, or the ld.so that maps one
        same = program.startswith("/memfd:") or theirs[1:2] == [b"--argv0"]
        theirs = theirs[2:3] + theirs[4:] if theirs[1:2] == [b"--argv0"] else theirs
    theirs = [re.sub(rb"\bd=[0-9]+;", b"d=0;", word) for word in theirs]
    return same and any(theirs[: len(words)] == words for words in starts)


def start(arguments: Sequence[str], given: Mapping[str, str]) -> Decided:
    """Become what was asked for (N1 to N4), or say why not. Raises SigError."""
    from sig.imports import running
    from sig.verbs import environment
    from sig.verbs import lock as locks
    from sig.verbs.workspace import Workspace

    try:
        said = {name: given[f"SIG_RUN_{name}"] for name in ("DIR", "LOCK", "FILE", "PYTHON")}
    except KeyError:
        raise UsageError("this is started by programs that sig runs, not by hand") from None
    entry, rest = wanted(arguments, os.path.realpath(said["FILE"]))
    workspace = Workspace(Path(said["DIR"]))
    app = os.path.basename(said["LOCK"]).removesuffix(locks.SUFFIX)
    program = locks.program_of(said["FILE"], app)
    python = locks.python_for(workspace, program.lock, said["PYTHON"])
    build = ""
    if not python.is_system:
        from sig.repo import interpreter

        build = interpreter.name(python)
    if not is_run(os.getppid(), python.executable, build):
        raise UsageError("this is started by programs that sig runs, and this one is not")
    options = running.Options(script=given.get("SIG_RUN_SCRIPT") or None)
    argv0 = "-c" if entry else said["FILE"]
    decided = running.decide(workspace, program, python, argv0, options, entry)
    if decided.plan is None:
        return decided
    pack = decided.packed.pack
    allowed = environment.inherited(given)
    running.start(python, decided.plan, rest, allowed, pack, decided.prepared)
