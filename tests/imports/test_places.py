"""Who runs a program and who makes its closure agree where the files of a wheel lie."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.imports.covered import Covered, Place
from sig.imports.plan import Plan, Root
from sig.model.manifest import Manifest
from sig.repo.installed import Distribution, place

VECTORS = Path(__file__).parent.parent.parent / "vectors/places/places.json"
A = hashlib.sha256(b"a").hexdigest()
METADATA = "x-1.0.dist-info/METADATA"


def covered(base: str, prefix: str, paths: list[str]) -> tuple[Covered, Place]:
    """The tables of a plan with one distribution of these files."""
    listed = Manifest(dict.fromkeys([METADATA, *paths], A))
    root = Root("dist/x-1.0", base, listed.text, prefix=prefix)
    plan = Plan("x", ("call", "x", "y"), (root,), argv0="x", stdlib=("/usr/lib/python3.11",))
    found = Covered(plan)
    return found, found.places[0]


@pytest.mark.parametrize("case", json.loads(VECTORS.read_text()), ids=lambda case: case["path"])
def test_the_table_of_places_is_what_a_run_covers(
    case: dict[str, Any],
) -> None:
    """What has a place is covered there and nowhere else; data is no module."""
    found, where = covered(case["base"], case["prefix"], [case["path"]])
    files = {where.path(below) for below in where.files} - {where.path(METADATA)}
    if case["path"] == METADATA:
        files.add(where.path(METADATA))

    assert ({case["place"]} - {None} if not case["data"] else set()) == files
    assert ([case["place"]] if case["data"] else []) == list(where.data)
    if case["place"] is not None:
        there = found.file(case["place"])
        assert there is not None
        assert (case["place"], A) == (there[0], there[1][0])


NAMES = st.sampled_from(
    ["x", "y.py", "z.pyc", "__pycache__", "ä b", "x-1.0.data", "y.data", ".data", "purelib", "data",
     "platlib", "scripts", "x-1.0.dist-info", "RECORD", "INSTALLER", "x.so"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.lists(NAMES, min_size=1, max_size=4).map("/".join), max_size=4))
def test_any_file_lies_where_both_look_for_it(paths: list[str]) -> None:
    """Also where no table has thought of it."""
    paths = [path for path in paths if not (path.count("/") == 1 and ".data/" in path)]
    one = Distribution("x", "1.0", "/env/lib/python3.11/site-packages", "x-1.0.dist-info", "/env")
    try:
        _, where = covered(one.base, one.prefix, paths)
    except FormatError:
        return
    files = {where.path(below) for below in where.files} | set(where.data)

    assert {place(one, path) for path in [METADATA, *paths]} - {None} == files
