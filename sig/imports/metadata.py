"""Installed distributions as far as they are covered: what `importlib.metadata` finds.

Here: names, versions, entry points and files. Not here: how a file is read (`opening`).

E1  A distribution is there if its METADATA is covered and lies where modules are searched. One that
    was dropped beside it is not.
E2  What is read of it was hashed. RECORD is the installer's: it is written anew, from what is
    covered, as it should be.
E3  Those in the folders of the system come last, and are listed as plain Python does.
"""

from __future__ import annotations

import binascii
import os
import pathlib
import re
from importlib.metadata import Distribution, DistributionFinder, MetadataPathFinder

from .covered import Covered, Place
from .opening import Opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class CoveredDistribution(Distribution):
    """One covered distribution: a folder `*.dist-info` in a place."""

    def __init__(self, opening: Opening, place: Place, folder: str) -> None:
        self._opening = opening
        self._place = place
        self._folder = folder
        self._site = place.path(os.path.dirname(folder))

    def read_text(self, filename: str | os.PathLike[str]) -> str | None:
        """The text of a file of its metadata; None where none is covered."""
        below = f"{self._folder}/{os.fspath(filename)}"
        if os.fspath(filename) == "RECORD":
            return self._record()
        if below not in self._place.files:
            return None
        data = self._opening.read(self._place.path(below))
        text = (data or b"").decode("utf-8")
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        """Where a file of it lies, after what is no code was hashed (O4)."""
        self._opening.settle(self._covering()[1])
        return pathlib.Path(self._site) / path

    def _covering(self) -> Any:
        return self._place.files[f"{self._folder}/METADATA"]

    def _record(self) -> str:
        root = self._covering()[1]
        lines = []
        found = {self._place.path(path): one[0] for path, one in self._place.of(root).items()}
        found.update((path, one[0]) for path, one in self._place.data.items() if one[1] is root)
        for path, digest in found.items():
            below = os.path.relpath(path, self._site)
            if "," in below or '"' in below:
                below = '"' + below.replace('"', '""') + '"'
            value = binascii.b2a_base64(bytes.fromhex(digest), newline=False).rstrip(b"=")
            value = value.replace(b"+", b"-").replace(b"/", b"_")
            lines.append(f"{below},sha256={value.decode()},\n")
        return "".join(lines)


def distributions(opening: Opening, context: Any = None) -> Iterator[Distribution]:
    """Those that a context asks for: by name, and by folders if it names any of its own."""
    if context is None:
        context = DistributionFinder.Context()
    own = vars(context).get("path")
    folders = None if own is None else {os.path.abspath(os.fspath(path)) for path in own}
    wanted = None if context.name is None else _normal(context.name)
    for place, folder in _infos(opening.covered):
        name = os.path.basename(folder).partition("-")[0]
        site = place.path(os.path.dirname(folder))
        if wanted in (None, _normal(name)) and (folders is None or site in folders):
            yield CoveredDistribution(opening, place, folder)
    covered = opening.covered
    system = [
        path for path in covered.plan.system if folders is None or os.path.abspath(path) in folders
    ]
    if system:  # E3
        plain = DistributionFinder.Context(name=context.name, path=system)
        yield from MetadataPathFinder.find_distributions(plain)


def in_folder(opening: Opening, folder: str, name: str | None) -> Iterator[Distribution]:
    """Those in one folder that is covered, for who has no search order of his own."""
    found = opening.covered.folder(folder)
    for place, info in () if found is None else _infos_in(*found):
        there = os.path.basename(info).partition("-")[0]
        if name is None or _normal(name) == _normal(there):
            yield CoveredDistribution(opening, place, info)


def _infos(covered: Covered) -> Iterator[tuple[Place, str]]:
    for place, folder in covered.search:
        if place is not None:
            yield from _infos_in(place, folder)


def _infos_in(place: Place, folder: str) -> Iterator[tuple[Place, str]]:
    before = folder and folder + "/"
    for child in place.children(folder):
        if child.endswith(".dist-info") and f"{before}{child}/METADATA" in place.files:
            yield place, before + child


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
