"""The vectors, and the smith that made them: keys that sign whatever they are told."""

from __future__ import annotations

import base64
import importlib.util
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from sig.errors import KeyNotFound
from sig.gpg import certificate as certificates
from sig.gpg.certificate import Certificate
from sig.model.fingerprint import Fingerprint

VECTORS = Path(__file__).parents[2] / "vectors"


def _smith() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_openpgp", VECTORS / "make_openpgp.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_openpgp"] = module
    spec.loader.exec_module(module)
    return module


class Scenario:
    """One file of vectors/openpgp, as vectors/README.md describes it."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        self.head = dict(line.split(": ", 1) for line in head.splitlines())
        self.signed = self.sig = b""
        self.copies: list[bytes] = []
        for line in body.splitlines():
            name, _, value = line.partition(":")
            data = base64.b64decode(value.strip(), validate=True)
            if name == "certificate":
                self.copies.append(data)
            elif name == "signed":
                self.signed = data
            elif name == "sig":
                self.sig = data
            else:
                raise AssertionError(line)

    def moment(self, name: str) -> int | None:
        """The instant in a header, None for ``none``."""
        text = self.head[name]
        return None if text == "none" else int(datetime.fromisoformat(text).timestamp())

    def certificate(self) -> Certificate | None:
        """All copies met, merged; another certificate, which must not serve, where none is of the
        key."""
        known, key = None, Fingerprint(self.head["key"])
        for copy in self.copies:
            try:
                (met,) = certificates.read(copy, wanted=key)
            except KeyNotFound:
                (met,) = certificates.read(copy)
            known = met if known is None else certificates.merge(known, met)
        return known


_SCENARIOS = [Scenario(path) for path in sorted((VECTORS / "openpgp").glob("*.txt"))]


@pytest.fixture(scope="session")
def smith() -> ModuleType:
    """vectors/make_openpgp.py: framing by hand, apart from the code under test."""
    return _smith()


@pytest.fixture(params=_SCENARIOS, ids=lambda one: one.name)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """Every file of vectors/openpgp in turn."""
    found: Scenario = request.param
    return found


@pytest.fixture(scope="session")
def scenarios() -> dict[str, Scenario]:
    """All of them, by name."""
    return {one.name: one for one in _SCENARIOS}
