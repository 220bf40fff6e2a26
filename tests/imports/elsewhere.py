"""A run with an interpreter that is not the system's, as `sig run` starts it, with nothing signed.

`run` starts it in a process of its own; what it may load was listed before (`listed`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.imports.child import ENVIRONMENT, Ended, text
from tests.world import ROOT

TIMEOUT = 60
REFUSED = 111


def listed(program: Path) -> str:
    """The list of a build as it lies there."""
    from sig.repo import interpreter
    from sig.repo.python import python_of

    return interpreter.manifest_of(python_of(str(program))).text.decode()


def run(
    program: Path,
    files: str,
    script: Path,
    *arguments: str,
    bad: Mapping[str, str] | None = None,
    env: Mapping[str, str] = ENVIRONMENT,
    cwd: Path | None = None,
    before: Sequence[str | Path] = (),
    late: Mapping[Path, str] | None = None,
) -> Ended:
    """The script with this build, whose list is `files`; `before` are words of who watches it.

    `late` are files that are there when everything was looked at, and the interpreter starts.
    """
    given = {
        "program": str(program),
        "files": files,
        "script": str(script),
        "arguments": arguments,
        "bad": dict(bad or {}),
        "env": dict(env),
        "cwd": str(cwd or script.parent),
        "late": {str(path): content for path, content in (late or {}).items()},
    }
    ended = subprocess.run(
        [*before, sys.executable, "-m", "tests.imports.elsewhere"],
        input=json.dumps(given).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=TIMEOUT,
    )
    return Ended(ended.returncode, text(ended.stdout), text(ended.stderr))


def plain(program: Path, *words: str | Path, cwd: Path | None = None) -> Ended:
    """The same build without sig: what the danger is."""
    env = ENVIRONMENT | {"PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        [program, *words], capture_output=True, cwd=cwd, env=env, timeout=TIMEOUT
    )
    return Ended(ended.returncode, text(ended.stdout), text(ended.stderr))


def _start(given: Mapping[str, Any]) -> None:
    from sig.errors import SigError
    from sig.imports import interpreter
    from sig.imports.plan import PYTHON, Plan, Root
    from sig.model import manifest
    from sig.repo.interpreter import search
    from sig.repo.python import python_of
    from tests.imports.child import line

    python = python_of(given["program"])
    script = Path(given["script"])
    files = manifest.read_canonical(given["files"].encode())
    try:
        prepared = interpreter.prepare(python, files.files, given["bad"])
    except SigError as error:
        sys.stderr.write(f"error: {error.message}\n")
        sys.exit(REFUSED)
    own = line(script.name, script.read_bytes())
    plan = Plan(
        "main",
        ("file", script.name),
        [
            Root("app", str(script.parent), own),
            Root(PYTHON, python.base_prefix, files.text, search(python)),
        ],
        argv0=script.name,
        file=str(script),
        stdlib=(),
        executable="/nowhere/sig-child",
        bad=given["bad"],
        early=prepared.early,
    )
    for path, content in given["late"].items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(content)
    os.chdir(given["cwd"])
    interpreter.start(python, prepared, plan, given["arguments"], given["env"])


if __name__ == "__main__":
    _start(json.load(sys.stdin))
