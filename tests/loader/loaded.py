"""Apps (tests/cli/apps.py) that are started by their loader, not by `sig run`."""

from __future__ import annotations

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
