"""Programs under a lock, to measure with: installed from the wheels of the tests and signed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import pytest
from measure import Command

from sig.imports import packing, running
from sig.repo.sealed import sealed
from sig.verbs import lock as locks
from sig.verbs.workspace import Workspace
from tests import wheels

Sig = Callable[..., Command]


class Program:
    """One script with its environment, locked, signed, recorded and signed with its pack."""

    def __init__(self, folder: Path, home: Path, sig: Sig, code: str, *requirements: str) -> None:
        self.home = home
        self._sig = sig
        self.script = folder / f"{folder.name}.py"
        self.code = code
        folder.mkdir(parents=True)
        self.script.write_text(code + "\n")
        try:
            self.python = wheels.environment(folder / "v", wheels.system(), *requirements)
        except (pytest.fail.Exception, pytest.skip.Exception) as error:
            raise RuntimeError(str(error)) from None
        for words in (
            ("lock", "--python", self.python, self.script),
            self._attest,
            ("lock", "--pack", self.script),
            self._attest,
        ):
            command = sig(*words, home=home)
            done = subprocess.run(command.words, env=command.environment, capture_output=True)
            if done.returncode:
                raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
        # As an installed environment has it.
        subprocess.run(
            [self.python, "-I", "-c", code], check=True, env={}, stdout=subprocess.DEVNULL
        )

    @property
    def _attest(self) -> tuple[str | Path, ...]:
        return ("attest", "--ok", "--reviewed", "-m", "", self.script.with_suffix(".lock"))

    @property
    def site(self) -> Path:
        """Where its distributions are."""
        (found,) = self.python.parent.parent.glob("lib/python*/site-packages")
        return found

    def plain(self, environment: Mapping[str, str], code: str | None = None) -> Command:
        """The same code in ``python -I -S`` with the bytecode that lies there."""
        start = f"import sys; sys.path.append({str(self.site)!r})\n"
        program = start + (self.code if code is None else code)
        return Command([os.path.realpath(wheels.system()), "-I", "-S", "-c", program], environment)

    def child(self, environment: Mapping[str, str], *, pack: bool = True) -> Command:
        """What `sig run` becomes: from its first moment on, without what was before."""
        workspace = Workspace(self.home)
        program = locks.program_of(str(self.script))
        python = locks.python_for(workspace, program.lock)
        decided = running.decide(workspace, program, python, self.script.name, running.Options())
        if decided.plan is None or decided.packed.pack is None:
            raise RuntimeError(f"not run: {decided.why or decided.packed.why}")
        pack_taken = decided.packed.pack if pack else None
        own = packing.is_own(python.executable)
        descriptor = sealed(packing.pack(decided.plan, pack_taken, own=own), "sig")
        words = packing.command(python.executable, descriptor, self.script.name, (), own=own)
        return Command(words, environment, descriptors=(descriptor,))

    def loader(self) -> Path:
        """The loader of it, made now; what it does not start with is not measured."""
        command = self._sig("loader", "build", "--python", self.python, self.script, home=self.home)
        done = subprocess.run(command.words, env=command.environment, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
        return self.script.with_suffix("")

    def libraries(self) -> list[Path]:
        """The libraries of its own that it loads."""
        maps = "print(open('/proc/self/maps').read())"
        command = self.plain({}, f"{self.code}\n{maps}")
        told = subprocess.run(command.words, env={}, capture_output=True, check=True).stdout
        paths = {Path(line.split(None, 5)[5]) for line in told.decode().splitlines()
                 if str(self.site) in line}  # fmt: skip
        return sorted(paths)

    def copied(self, environment: Mapping[str, str], *, nothing: bool = False) -> Command:
        """To copy and hash those; or what that takes where there are none."""
        script = str(Path(__file__).with_name("copied.py"))
        paths = [] if nothing else map(str, self.libraries())
        start = [os.path.realpath(wheels.system()), "-I", "-S", script]
        return Command([*start, *paths], environment)


def megabytes(paths: list[Path]) -> float:
    """Together."""
    return sum(path.stat().st_size for path in paths) / 1e6
