"""A program to be run by each interpreter that is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.child import Program, Python, pythons


@pytest.fixture(params=pythons(), ids=str)
def python(request: pytest.FixtureRequest) -> Python:
    """Each version of Python that this machine has."""
    found: Python = request.param
    return found


@pytest.fixture
def program(python: Python, tmp_path: Path) -> Program:
    """A program that has no file yet."""
    return Program(python, tmp_path / "program")
