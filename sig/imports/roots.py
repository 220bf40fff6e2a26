"""The folders that a host declared, and whether a path leads there, however it is spelled.

Here: paths. Not here: what lies there (`state`), and what is done about it (`hosting`, whose rules
are cited).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator


class Roots:
    """The declared folders (I1), the longest first: one may lie below another."""

    def __init__(self, bases: Iterable[str]) -> None:
        self.bases = tuple(sorted(set(bases), key=lambda base: (-len(base), base)))
        self._prefixes = tuple(
            dict.fromkeys(
                (prefix.rstrip("/"), base.rstrip("/"))
                for base in self.bases
                for prefix in (base, os.path.realpath(base))
            )
        )
        self._folders: dict[str, str | None] = {}

    def forget(self) -> None:
        """Where links lead is looked up anew."""
        self._folders.clear()

    def where(self, path: str) -> str | None:
        """The path as its root is spelled, if it is that root or lies below it (I1)."""
        try:
            absolute = os.path.abspath(path)
            found = self._spelled(absolute)
            if found is None:
                real = os.path.realpath(path)
                found = self._spelled(real) if real != absolute else None
        except (OSError, ValueError):  # no path at all, or no current folder any more
            return None
        return found

    def file(self, path: str) -> str | None:
        """The same for a file; what was found out about a folder is kept."""
        folder, _, name = path.rpartition("/")
        if not folder.startswith("/") or name in ("", ".", ".."):
            return self.where(path)
        if folder not in self._folders:
            self._folders[folder] = self.where(folder)
        below = self._folders[folder]
        return None if below is None else f"{below}/{name}"

    def _spelled(self, path: str) -> str | None:
        for prefix, base in self._prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                return base + path[len(prefix) :]
        return None

    def tops(self, path: str) -> Iterator[tuple[str, str]]:
        """Each root that a path is or lies below, and what of that root it lies at or below."""
        for base in self.bases:
            if at_or_below(path, base):
                yield base, f"{base}/{path[len(base) + 1 :].partition('/')[0]}"


def at_or_below(path: str, base: str) -> bool:
    """Whether a path is this folder or would lie in it, both spelled alike."""
    return path == base or path.startswith(base.rstrip("/") + "/")
