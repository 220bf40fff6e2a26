"""The files of vectors/ that have header lines, an empty line and lines of data (its README)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent.parent / "vectors"


@dataclass
class Vector:
    """One file: its header, its lines of JSON, and its data by name, in the order of the lines."""

    head: dict[str, str]
    lines: list[Any]
    data: dict[str, list[bytes]]

    def one(self, name: str) -> bytes:
        """The only data of that name."""
        (found,) = self.data[name]
        return found

    @property
    def why(self) -> str:
        """How the message of a refusal starts; empty where programs say it in different words."""
        found = json.loads(self.head["why"])
        assert isinstance(found, str)
        return found


def files(folder: str) -> list[Path]:
    """The files of a folder, by name."""
    return sorted((VECTORS / folder).glob("*.txt"))


def read(path: Path) -> Vector:
    """The scenario in a file; all of its data that is no JSON is base64."""
    head, _, body = path.read_bytes().decode("utf-8").partition("\n\n")
    lines: list[Any] = []
    data: dict[str, list[bytes]] = {}
    for line in body.split("\n")[:-1]:
        if line.startswith("{"):
            lines.append(json.loads(line))
            continue
        name, _, text = line.partition(":")
        data.setdefault(name, []).append(base64.b64decode(text.strip(), validate=True))
    fields = dict(line.partition(":")[::2] for line in head.split("\n"))
    return Vector({name: value.strip() for name, value in fields.items()}, lines, data)
