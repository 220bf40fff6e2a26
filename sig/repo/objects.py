"""Files that are named by their own digest: manifests, and objects of the own tree
(docs/spec/manifest §4, tree §1).

repo/objects/ab/cdef…   those that own statements name, and the tree; published with the folder
objects/ab/cdef…        manifests that were fetched

Here: where such a file lies, and that what is read is what its name says. Which are wanted is a
verb's matter. An object is written once and never changed, so nothing is lost where one is damaged:
it counts as missing, and is fetched or made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from sig.model import limits
from sig.model.identifier import Identifier

if TYPE_CHECKING:
    from sig.repo.home import Home

PUBLISHED = "repo/"
_HEX = b"0123456789abcdef"


def name(id: Identifier) -> str:
    """The path of an object below a published folder: two digits, then the other 62."""
    digits = id.removeprefix("sha256:")
    return f"objects/{digits[:2]}/{digits[2:]}"


def identifier(name: str) -> Identifier:
    """That of the object of a tree with this name."""
    return Identifier(f"sha256:{name}")


def own(id: Identifier) -> str:
    """Where an object lies in the folder that is published."""
    return PUBLISHED + name(id)


def read(home: Home, id: Identifier) -> bytes | None:
    """The bytes with this digest, None where the folder does not have them. Raises StoreError."""
    for place in (own(id), name(id)):
        raw = home.read(place, limits.MANIFEST)
        if raw is not None and Identifier.of_bytes(raw) == id:
            return raw
    return None


def ids(home: Home) -> list[Identifier]:
    """Those that there are files for, the own ones first. What else lies there is not looked at."""
    return named((*home.tree(f"{PUBLISHED}objects"), *home.tree("objects")))


def lists(
    home: Home, wanted: Iterable[Identifier] | None = None
) -> Iterator[tuple[Identifier, bytes]]:
    """The lists of files among these, or among all; one that is damaged is none.

    A list begins with a digest (docs/spec/manifest §1), and nothing of a tree does: of that only
    the first byte is read.
    """
    for id in ids(home) if wanted is None else wanted:
        raw = read(home, id) if _may_be_list(home, id) else None
        if raw is not None:
            yield id, raw


def has_lists(home: Home) -> bool:
    """Whether there is any, as far as can be told without reading it."""
    return any(_may_be_list(home, id) for id in ids(home))


def _may_be_list(home: Home, id: Identifier) -> bool:
    known = False
    for place in (own(id), name(id)):
        start = home.part(place, 0, 1)
        if start and start in _HEX:
            return True
        known = known or bool(start)
    return not known  # of a commit that is not in place yet: whoever reads it will see


def named(files: Iterable[str]) -> list[Identifier]:
    """Those that files of these names are for, each once."""
    found = []
    for name in files:
        folder, *parts = name.removeprefix(PUBLISHED).split("/")
        if folder == "objects":
            with suppress(ValueError):
                found.append(Identifier(f"sha256:{''.join(parts)}"))
    return list(dict.fromkeys(found))


def has(home: Home, id: Identifier) -> bool:
    """Whether there is a file for it. Its content is checked when it is read."""
    return home.stat(own(id)) is not None or home.stat(name(id)) is not None
