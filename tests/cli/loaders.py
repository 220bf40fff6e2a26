"""A sig with a `sig-verify` beside it, as the wheel signet-sig-loader brings it.

That is one that can be told from the real one, and not started: what is tested with it is what is
made of it, byte for byte.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

import sig
from sig.model import loader
from sig.model.loader import Loader
from tests import wheels
from tests.world import TIMEOUT, Person, Ran, zygote

PROGRAM = f"\x7fELF, and not one that runs: sig-verify {sig.__version__}\n".encode()
PYTHON = wheels.SYSTEM


@dataclass(frozen=True, slots=True)
class Tool:
    """An environment with sig in it, and `native` beside its scripts."""

    path: Path

    @property
    def native(self) -> Path:
        """The program that its loaders are."""
        return self.path / "bin/sig-verify"

    def words(self, *words: str | Path) -> list[str | Path]:
        """The command."""
        return [self.path / "bin/python", "-P", "-m", "sig", *words]

    def sig(
        self,
        person: Person,
        *words: str | Path,
        input: str = "",
        cwd: Path | None = None,
        env: Mapping[str, str] = {},
    ) -> Ran:
        """``sig WORDS`` of a person; with variables `env` from the start of its Python on."""
        if env:
            done = subprocess.run(
                self.words(*words),
                input=input.encode(),
                capture_output=True,
                env=person.environment | env,
                cwd=cwd or person.place,
                timeout=TIMEOUT,
            )
            status, stdout, stderr = done.returncode, done.stdout, done.stderr
        else:
            status, stdout, stderr = zygote(self.path / "bin/python").run(
                list(map(str, words)), input.encode(), person.environment, cwd or person.place
            )
        ran = Ran(
            status,
            stdout.decode("utf-8", "surrogateescape"),
            stderr.decode("utf-8", "surrogateescape"),
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran

    def build(self, person: Person, *words: str | Path, **more: object) -> Ran:
        """``sig loader build WORDS`` with the system's Python."""
        return self.sig(person, "loader", "build", "--python", PYTHON, *words, **more)  # type: ignore[arg-type]


def tool(path: Path) -> Tool:
    """Made of the sig that is tested, be it a checkout or a wheel."""
    words = [sys.executable, "-m", "venv", "--without-pip", path]
    subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)
    (site,) = path.glob("lib/python*/site-packages")
    found = {str(Path(str(module.__file__)).parents[1]) for module in (sig, click)}
    (site / "sig.pth").write_text("\n".join(sorted(found)))
    (path / "bin/sig-verify").write_bytes(PROGRAM)
    return Tool(path)


def read(path: Path) -> Loader:
    """The loader in a file."""
    found = loader.read(path.read_bytes())
    assert found is not None, path
    return found
