"""Sparse trees put together by hand: by the plain reading of vectors/make_tree.py, and a forger."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.world import VECTORS, Forger


@cache
def gardener() -> ModuleType:
    """vectors/make_tree.py: which objects a set of entries is."""
    spec = importlib.util.spec_from_file_location("make_tree", VECTORS / "make_tree.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(value: object) -> bytes:
    """As it is signed, and as it stands in an object."""
    return json.dumps(value, sort_keys=True).encode()


def name_of(raw: bytes) -> str:
    """The name of an object."""
    return hashlib.sha256(raw).hexdigest()


def object_path(folder: Path, name: str) -> Path:
    """Where an object lies in a published folder."""
    return folder / "objects" / name[:2] / name[2:]


def put(folder: Path, raw: bytes) -> str:
    """Write an object; gives its name."""
    path = object_path(folder, name_of(raw))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return name_of(raw)


def plant(
    folder: Path, owner: Forger, statements: list[dict[str, Any]], sequence: int, **fields: Any
) -> str:
    """Publish a tree of these statements, and give the digest of its root.

    `fields` stand in the root instead of what is true.
    """
    listed = [text(one) for one in statements]
    also = [
        text({"alias": alias, "id": one["data"]["id"]})
        for one in statements
        for alias in one["data"].get("aliases", [])
    ]
    tree, objects = gardener().planted(sorted({*listed, *also}))
    certificate = put(folder, owner.certificate)
    holder = text({"cert": certificate, "key": owner.fingerprint})
    for raw in objects.values():
        put(folder, raw)
    data = {
        "type": "root",
        "version": "1",
        "sequence": sequence,
        "previous": {},
        "count": len(set(listed)),
        "tree": tree,
        "keys": put(folder, gardener().leaf(holder)),
        "deltas": [],
    } | fields
    (folder / "signet.json").write_bytes(text(owner.envelope(data)))
    (folder / "key.asc").write_bytes(owner.certificate)
    return hashlib.sha256(text(data)).hexdigest()
