"""Progress of what takes longer than a second: one line on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time

from sig.cli import Context

_AFTER = 1.0
_EVERY = 0.1


class Progress:
    """A line on stderr that is written over. Calls of several threads may come at once.

    `read` and `fetched` are what verbs call as they go; both count bytes.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = 0.0
        self._bytes: dict[str, int] = {}
        self._shown = False

    def read(self, name: str, done: int) -> None:
        """So many bytes of this file were read."""
        self._bytes[name] = done
        self._show("files")

    def listed(self, done: int, files: int) -> None:
        """So many bytes of so many files of a folder or archive were read."""
        self._line(f"{files} files, {done / 2**20:.1f} MiB")

    def fetched(self, url: str, done: int, total: int | None) -> None:
        """So many bytes came from this URL."""
        self._bytes[url] = done
        self._show("requests")

    def signed(self, done: int, total: int) -> None:
        """So many statements were signed."""
        self._line(f"signed {done} of {total}")

    def _show(self, what: str) -> None:
        size = sum(list(self._bytes.values())) / 2**20
        self._line(f"{len(self._bytes)} {what}, {size:.1f} MiB")

    def _line(self, text: str) -> None:
        now = time.monotonic()
        if now - self._start < _AFTER or now - self._last < _EVERY:
            return
        self._last = now
        self._shown = True
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, before another is written."""
        if self._shown:
            self._shown = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress(context: Context) -> Progress | None:
    """Progress where someone watches; None in a pipe, with -q, and on a terminal that cannot."""
    import os

    if context.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    return Progress()
