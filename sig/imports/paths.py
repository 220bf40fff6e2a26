"""What is asked of the system for every file, without `os`: to import that takes a small script
longer than the rest of what it starts from.

P1  A path that is absolute and has no empty, `.` or `..` part is its own absolute path, and is
    found so by its look. For any other `os.path` is asked.
P2  `os` is imported late only where Python has it in itself: its import then asks no finder of
    ours. A Python that reads it from the disk imports it first (`bootstrap`).
"""

from __future__ import annotations

import _frozen_importlib_external
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_external: Any = _frozen_importlib_external  # what no stub has
system = _external._os
"""`posix`, or what another system has in its place."""

_CODEC = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
_SLASH = _external.path_separators == "/"  # the one that P1 knows


def _plain(path: Any) -> bool:
    """P1."""
    if type(path) is not str or path[:1] != "/" or not _SLASH:
        return False
    parts = path + "/"
    return not ("//" in parts or "/./" in parts or "/../" in parts)


def abspath(path: Any) -> Any:
    """`os.path.abspath`."""
    if _plain(path):
        return path
    import os

    return os.path.abspath(path)


def normpath(path: str) -> str:
    """`os.path.normpath`."""
    if _plain(path):
        return path
    import os

    return os.path.normpath(path)


def realpath(path: Any) -> Any:
    """`os.path.realpath`."""
    import os

    return os.path.realpath(path)


def dirname(path: str) -> str:
    """`os.path.dirname`."""
    if _plain(path):
        return path.rpartition("/")[0] or "/"
    import os

    return os.path.dirname(path)


def basename(path: str) -> str:
    """`os.path.basename`."""
    if _SLASH:
        return path.rpartition("/")[2]
    import os

    return os.path.basename(path)


def fsdecode(path: Any) -> str:
    """`os.fsdecode`."""
    path = system.fspath(path)
    return path.decode(*_CODEC) if isinstance(path, bytes) else path


def fsencode(path: Any) -> bytes:
    """`os.fsencode`."""
    path = system.fspath(path)
    return path.encode(*_CODEC) if isinstance(path, str) else path
