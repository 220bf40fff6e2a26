"""A folder, its list of files, and those who sign it, publish it and ask about it.

What the tests about folders and archives as one thing share: the story is in `parties`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sig.model.identifier import Identifier
from sig.model.manifest import DEFAULT_EXCLUDES, Manifest
from sig.repo import objects
from sig.verbs import trees, verify
from sig.verbs.attest import Claim
from sig.verbs.verify import Result
from tests.verbs.parties import Party, Reader, Web

FILES = {"a.py": b"a\n", "sub/b.py": b"b\n", "sub/deep/c.txt": b"c\n", "d.txt": b"d\n"}


def made(place: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def manifest_of(files: dict[str, bytes]) -> Manifest:
    """What stands for it."""
    return Manifest.of((name, hashlib.sha256(data).hexdigest()) for name, data in files.items())


def sha(data: bytes) -> str:
    """The identifier of some bytes."""
    return str(Identifier.of_bytes(data))


M = manifest_of(FILES)


def tree_statement(party: Party, manifest: Manifest = M, ok: bool = True, **fields: Any) -> Any:
    """Bob's word about a folder, as `attest` signs it."""
    fields.setdefault("exclude", list(DEFAULT_EXCLUDES))
    return party.says(str(manifest.id), ok, manifest=str(manifest.id), **fields)


def offered(web: Web, party: Party, lists: Iterable[Manifest] = ()) -> None:
    """What the party publishes, with these lists of files."""
    web.offer(party)
    for one in lists:
        web.pages[party.url + objects.name(one.id)] = one.text


def followed(reader: Reader, web: Web, *people: Party, lists: Iterable[Manifest] = ()) -> None:
    """The reader trusts these people and has what they published."""
    listed = list(lists)
    for party in people:
        offered(web, party, listed)
        reader.follow(party, counts=True)
    assert {"new"} == {one.result for one in reader.fetch_all()}


def asked(reader: Reader, folder: Path) -> Result:
    """The answer about the folder."""
    (found,) = verify.verify(reader.workspace, [str(folder)])
    return found


def differing(found: Result) -> dict[str, str]:
    """What differs, by path."""
    return {one.path: one.kind for one in found.differences}


def listed(reader: Reader, sums: Path, folder: Path | None = None) -> Result:
    """The answer about a list in a file."""
    return trees.judged_list(reader.workspace, str(sums), None if folder is None else str(folder))


def claim(folder: Path, *exclude: str) -> Claim:
    """What `sig attest DIR` looks at."""
    found = trees.list_of(str(folder), exclude)
    return Claim(str(folder), found.id, True, True, manifest=found.manifest, exclude=found.exclude)
