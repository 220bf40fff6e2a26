"""Verify a script, then execute exactly the bytes that were verified.

1  The file is opened and read once. What is executed is that copy, never the path again.
2  The copy lies where nobody can change it: a sealed memfd on Linux, else a private file.
3  Only what has a ``#!`` line, or is Python by its name, is run; what else would interpret it?
4  Only FILE is answered for. A Python script keeps its name and does not find its neighbours: a
   file that lies beside it was not verified, and could stand in for a module that it imports.
5  A set-user-id program runs nothing for its caller.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sig.errors import NotTrusted, Refused, StoreError, UsageError
from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Verdict
from sig.repo.disk import opener
from sig.repo.sealed import sealed
from sig.verbs import zipapp
from sig.verbs.verify import verdicts_of

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

LARGEST = 256 << 20
_INTERPRETER_LINE = 256


@dataclass(frozen=True, slots=True)
class Script:
    """The bytes of a script, as they were read once."""

    path: str
    data: bytes
    id: Identifier


def read(path: str) -> Script:
    """Read a script (rule 1). Raises OSError, StoreError, Refused for what rule 3 leaves out."""
    with open(path, "rb", buffering=0, opener=opener) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path} is not a regular file")
        if status.st_size > LARGEST:
            raise StoreError(f"{path} is larger than {LARGEST >> 20} MiB")
        data = stream.read(LARGEST + 1)
        while more := stream.read(1 << 20):
            data += more
            if len(data) > LARGEST:
                raise StoreError(f"{path} is larger than {LARGEST >> 20} MiB")
    return Script(path, data, Identifier.of_bytes(data))


def interpreter(script: Script) -> tuple[str, ...]:
    """The program and its arguments that interpret a script (rule 3). Raises UsageError."""
    first, _, _ = script.data[:_INTERPRETER_LINE].partition(b"\n")
    if first.startswith(b"#!"):
        words = first[2:].strip().split(None, 1)
        if words:
            return tuple(os.fsdecode(word) for word in words)
    if script.path.endswith((".py", ".pyz")):
        return (sys.executable,)
    raise UsageError(f"{script.path} has no #! line and is not a Python file")


def is_python(script: Script) -> bool:
    """Whether Python runs it, so that a lock could answer for what it loads."""
    return _is_python(interpreter(script))


def _is_python(command: Sequence[str]) -> bool:
    """Whether these words start a Python that can be given ``-c`` after them."""
    name, *rest = command
    if os.path.basename(name) == "env" and len(rest) == 1:
        name, *rest = rest[0].removeprefix("-S ").split() or [""]
    version = os.path.basename(name).removeprefix("python").replace(".", "")
    if not os.path.basename(name).startswith("python") or version.strip("0123456789"):
        return False
    return all(word[:1] == "-" and not word[1:].strip("BEIOPSbdqsuv") for word in rest)


# What a Python runs in place of the path: the bytes of the descriptor, under the script's own name.
# `-c` puts the current folder first where modules are looked for; it goes (rule 4).
_START = """
def start():
    import sys
    if sys.path[:1] == [""]:
        del sys.path[0]
    descriptor, *sys.argv = sys.argv[1:]
    with open(int(descriptor), "rb") as stream:
        source = stream.read()
    scope = sys.modules["__main__"].__dict__
    del scope["start"]
    scope["__file__"] = sys.argv[0]
    exec(compile(source, sys.argv[0], "exec", dont_inherit=True), scope)
start()
"""


def verdict(workspace: Workspace, script: Script) -> Verdict:
    """What is believed of exactly these bytes."""
    return verdicts_of(workspace, [script.id])[script.id]


def execute(script: Script, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the script. Returns never; raises Refused, StoreError where it cannot be started."""
    command = interpreter(script)
    program = shutil.which(command[0])
    if program is None:
        raise StoreError(f"{command[0]}, which {script.path} asks for, is not here")
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
            data, start = script.data, _START
            if zipapp.is_zip(data):
                if _is_python(command):
                    data, start = zipapp.packed(script.path, data), zipapp.START
                else:
                    zipapp.check_other(script.path, data)
            descriptor = sealed(data, os.path.basename(script.path)[:200])
            os.set_inheritable(descriptor, True)
            words = [f"/proc/self/fd/{descriptor}"]
            if _is_python(command):
                words = ["-c", start, str(descriptor), script.path]
            os.execve(program, [*command, *words, *arguments], dict(environment))  # noqa: S606
        if zipapp.is_zip(script.data):
            zipapp.check_copy(script.path, script.data)
        _run_copy(script, program, command, arguments, environment)
    except OSError as error:
        raise StoreError(f"{program}: {error.strerror}") from error


def _run_copy(
    script: Script,
    program: str,
    command: Sequence[str],
    arguments: Sequence[str],
    environment: Mapping[str, str],
) -> NoReturn:
    import subprocess

    with tempfile.TemporaryDirectory(prefix="sig-") as folder:
        copy = Path(folder) / os.path.basename(script.path)
        copy.write_bytes(script.data)
        copy.chmod(0o500)
        done = subprocess.run(  # noqa: S603
            [program, *command[1:], str(copy), *arguments], env=dict(environment), check=False
        )
    code = done.returncode
    os._exit(128 - code if code < 0 else code)


def run(
    workspace: Workspace,
    path: str,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> NoReturn:
    """Verify the script at `path` and become it. Raises NotTrusted with the verdict's words.

    Answers for this file alone, not for what it loads (rule 4).
    """
    script = read(path)
    interpreter(script)
    found = verdict(workspace, script)
    if found.answer is not Answer.OK:
        raise NotTrusted(f"{path}: {found.message}")
    execute(script, arguments, os.environ if environment is None else environment)


def check(found: Verdict) -> int:
    """The exit status that `verify` would give."""
    return {Answer.OK: 0, Answer.BAD: 3, Answer.ERROR: 4}.get(found.answer, 1)
