"""Names of files and keys on a command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from sig.model.identifier import everything


def names_from(files: Sequence[str], files0_from: str | None) -> list[str]:
    """The files that are named, on the command line or in a list ended by NUL, not both."""
    if files0_from is None:
        return list(files)
    if files:
        raise click.UsageError("name files, or give --files0-from, not both")
    if files0_from == "-":
        given: Any = sys.stdin.buffer
        raw = everything(given, sys.maxsize)
    else:
        with open(files0_from, "rb") as stream:
            raw = stream.read()
    names = [os.fsdecode(name) for name in raw.split(b"\0")]
    if names[-1] == "":
        names.pop()
    if not names or "" in names:
        raise click.UsageError(f"{files0_from}: no names, or an empty one")
    return names
