"""What a fuzzer is, and the vectors that several begin with."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "vectors"


@dataclass(frozen=True, slots=True)
class Target:
    """`run` is called with bytes; `seeds` make the first ones."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file of vectors/openpgp (vectors/README.md)."""

    name: str
    key: str
    signed: bytes
    sig: bytes
    certificates: tuple[bytes, ...]


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of vectors/openpgp."""
    found = []
    for path in sorted((VECTORS / "openpgp").glob("*.txt")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        data: dict[str, list[bytes]] = {"signed": [], "sig": [], "certificate": []}
        for line in body.splitlines():
            name, _, value = line.partition(":")
            data[name].append(base64.b64decode(value.strip()))
        (signed,), (sig,) = data["signed"], data["sig"]
        found.append(Scenario(path.stem, fields["key"], signed, sig, tuple(data["certificate"])))
    return tuple(found)


def files_of(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(VECTORS.glob(pattern)) if path.is_file()]


def a_statement(**more: object) -> bytes:
    data = {
        "id": "sha256:" + "0" * 64,
        "ok": True,
        "reviewed": True,
        "comment": 'é \\ " \x7f',
        "name": "x",
        "size": 3,
        "aliases": ["sha512:ab"],
        "method": "human",
        "criteria": ["safe-to-run"],
        "evidence": [{"id": "sha256:00", "url": "x"}],
        "expires": "2030-01-31T23:59:59Z",
        "needs": ["base"],
        **more,
    }
    return json.dumps({"data": data, "key": "A" * 40, "sig": "wsA="}, sort_keys=True).encode()
