"""Apps (tests/cli/apps.py) that are started by their loader, not by `sig run`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cli.apps import App
from tests.world import TIMEOUT, Ran, World


@dataclass(frozen=True, slots=True)
class Loaded(App):
    """An app with a loader beside its target: `./probe` in place of ``sig run probe.py``."""

    @property
    def loader(self) -> Path:
        """The program."""
        return self.place / self.name

    @property
    def shown(self) -> Path:
        """A loader may be started from anywhere."""
        return self.place / self.target

    def build(self, *words: str | Path) -> Ran:
        """``sig loader build --python PY TARGET``."""
        return self.person.sig(
            "loader", "build", "--python", self.python, *words, self.target, cwd=self.place
        )

    def built(self, *words: str | Path) -> Loaded:
        """Nothing goes wrong with it."""
        ran = self.build(*words)
        assert 0 == ran.status, ran
        return self

    def run(
        self, *words: str, env: Mapping[str, str] = {}, input: str = "", cwd: Path | None = None
    ) -> Ran:
        """``./probe WORDS``."""
        ran = subprocess.run(
            [self.loader, *words],
            input=input.encode(),
            env=self.person.environment | env,
            cwd=cwd or self.place,
            capture_output=True,
            timeout=TIMEOUT,
        )
        return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def commands(self, *words: str) -> dict[str, Sequence[str | Path]]:
        """Both, as words for a process that is started otherwise."""
        return {**App.commands(self, *words), "sig": [self.loader, *words]}

    def again(self, world: World, *words: str) -> Loaded:
        """A copy that may be changed, at another path, with a loader of its own; as `built`."""
        copy = loaded(App.again(self, world))
        copy.loader.unlink()
        return copy.built(*words)


def loaded(app: App) -> Loaded:
    """The same, to be started by its loader."""
    return Loaded(app.person, app.place, app.python, app.target, app.name)


# --- what is claimed of several ------------------------------------------------------------------

TAMPERED = "SECURITY VIOLATION: '{}' has been tampered with!"
NO_FILES = ("fifo", "folder", "link to nothing", "link in a circle")


def refused(ran: Ran, status: int, *told: str) -> Ran:
    """It ended so, and said that; in the end that nothing was run."""
    assert (status, "") == (ran.status, ran.stdout), ran
    lines = ran.stderr.splitlines()
    assert "error: not run" == lines[-1], ran
    assert all(any(each in line for line in lines) for each in told), ran
    assert "panicked" not in ran.stderr
    return ran


def marks(app: App, what: Path, *words: str) -> None:
    """Its owner says that something is not ok."""
    ran = app.person.sig(
        "attest", "--not-ok", "--reviewed", "-m", "evil", *words, str(what), cwd=app.place
    )
    assert 0 == ran.status, ran


def make_no_file(path: Path, kind: str) -> None:
    """Something of `NO_FILES` in the place of a file."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if kind == "link in a circle" else "nothing")
