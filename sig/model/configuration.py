"""What the owner of a folder decided: trust, policy, remotes (docs/spec/folder)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sig.model.fingerprint import Fingerprint

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789"]
)


def remote_name(text: str) -> str:
    """`text`, if a remote may have that name. It becomes the name of a folder.

    Raises ValueError for anything that a file system could read otherwise (docs/reference/names).
    """
    if _NAME.fullmatch(text) is None:
        raise ValueError("use letters, digits and . _ -, at most 64, the first a letter or digit")
    if text.split(".")[0].lower() in _DEVICES or text.endswith("."):
        raise ValueError("the name means a device or another file on Windows")
    return text


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Remote(NamedTuple):
    """Someone's repository: where it is, and the key it was pinned to by its user, if by anyone."""

    name: str
    url: str
    key: Fingerprint | None = None


class Configuration(NamedTuple):
    """The `data` of `config`. `key` is the own key; None where the folder has none.

    `sequence` is None in a folder that the program of 2016 wrote. `data` keeps every field,
    those that this program does not know too.
    """

    key: Fingerprint | None = None
    sequence: int | None = None
    trust: frozenset[Fingerprint] = frozenset()
    policy: Mapping[str, Any] = _NOTHING
    remotes: tuple[Remote, ...] = ()
    publish: Mapping[str, Any] = _NOTHING
    data: Mapping[str, Any] = _NOTHING

    def remote(self, name: str) -> Remote | None:
        """The remote of that name; case does not matter."""
        wanted = name.lower()
        return next((remote for remote in self.remotes if remote.name.lower() == wanted), None)
