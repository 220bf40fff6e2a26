"""The fuzzers' promises, over their seeds and some thousand mutants that are the same in every run.

Longer, and guided by coverage: make fuzz.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

FUZZ = Path(__file__).parent.parent / "fuzz"
MUTANTS = 500


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FUZZ / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


targets, run = _module("targets"), _module("run")


@pytest.mark.parametrize("name", targets.TARGETS)
def test_the_promise_of_a_fuzzer_holds(name: str) -> None:
    """What was found once is not found again, and nothing near the seeds is found."""
    chance = random.Random(name)
    seeds = targets.seeds(name)
    promise = targets.TARGETS[name].run
    for seed in seeds:
        promise(seed)
    for _ in range(MUTANTS):
        promise(run._mutant(chance, seeds))


def test_every_input_that_was_found_belongs_to_a_target() -> None:
    """A target that is renamed keeps what it found."""
    assert {path.name.partition(".")[0] for path in targets.REGRESSIONS.iterdir()} <= set(
        targets.TARGETS
    )
