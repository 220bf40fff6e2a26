"""The native core, asked from Python: small programs of native/core/examples, built once.

Where there is no cargo that is new enough their tests are skipped; `make test` says so loudly.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Program:
    """A program that answers each line with a line."""

    def __init__(self, path: Path) -> None:
        self._running = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def __call__(self, line: str) -> str:
        asked, answers = self._running.stdin, self._running.stdout
        assert asked is not None and answers is not None
        asked.write(line + "\n")
        asked.flush()
        said = answers.readline()
        assert said.endswith("\n"), f"no answer, and status {self._running.wait(10)}: {line}"
        return said[:-1]

    def close(self) -> None:
        """Ends it."""
        self._running.communicate()


@pytest.fixture(scope="session")
def answers() -> Iterator[Program]:
    """native/core/examples/answers.rs."""
    program = Program(_built("answers"))
    yield program
    program.close()


@pytest.fixture(scope="session")
def openpgp_answers() -> Iterator[Program]:
    """native/core/examples/openpgp_answers.rs."""
    program = Program(_built("openpgp_answers"))
    yield program
    program.close()


def _built(name: str) -> Path:
    """An example of the core."""
    return _made(("--package", "sig-core", "--example", name), f"examples/{name}")


def built(package: str) -> Path:
    """A program of the workspace, named like its package."""
    return _made(("--package", package), package)


@cache
def _made(what: tuple[str, ...], place: str) -> Path:
    build = ["build", "--quiet", "--locked", *what]
    run = subprocess.run([ROOT / "tools/setup.sh", "cargo", *build], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "native/target"))
    if not (folder / "debug" / place).exists():
        pytest.skip("cargo 1.85 or newer is not here")
    return folder / "debug" / place


@cache
def program_of_checkout() -> Path:
    """The program that loaders are made with, as it is given to people: static, optimised.

    That beside the sig that is tested, where a wheel brought one.
    """
    beside = Path(sys.executable).with_name("sig-verify")
    if beside.exists():
        return beside
    path = ROOT / "native/target/release/sig-verify"
    run = subprocess.run([ROOT / "tools/setup.sh", "loader"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    if not path.exists():
        pytest.skip("cargo 1.85 or newer is not here")
    return path
