"""A plug-in that is an archive: read once, and served from memory.

B1  The archive's own digest is that of the bytes that were read; nothing of the path again.
B2  A member is what the list of the archive says, whatever another reader of zips would find.
"""

from __future__ import annotations

import io
import threading
import zipfile
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING

from sig.imports.errors import Differs, Unreadable
from sig.imports.opening import shown
from sig.model.verdict import Reason
from sig.repo.disk import opener

if TYPE_CHECKING:
    from sig.verbs.plugins import Plugin


class Archive:
    """The members of one archive, by the paths that they seem to have below it."""

    def __init__(self, plugin: Plugin) -> None:
        self.files = plugin.files
        self._plugin = plugin
        self._zip: zipfile.ZipFile | None = None
        self._lock = threading.Lock()

    def member(self, path: str, digest: str) -> bytes:
        """The bytes of one. Raises Differs, Unreadable."""
        below = path[len(self._plugin.path) + 1 :]
        try:
            with self._lock:
                data = self._opened().read(below)
        except (OSError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as e:
            raise self._unreadable(f"{below}: {e}") from e
        if sha256(data).hexdigest() != digest:  # B2
            raise Differs(
                f"{shown(path)} is not the file that was attested",
                path=path,
                digest=sha256(data).hexdigest(),
                verdict=self._plugin.verdict,
                reason=Reason.DIFFERS.value,
            )
        return data

    def _opened(self) -> zipfile.ZipFile:
        if self._zip is None:
            plugin = self._plugin
            with open(plugin.path, "rb", buffering=0, opener=opener) as stream:
                data = stream.read() or b""  # of a FIFO in its place, too
            found = sha256(data).hexdigest()
            if f"sha256:{found}" != plugin.verdict.id:  # B1
                raise Differs(
                    f"{shown(plugin.path)} is not the archive that was looked at",
                    path=plugin.path,
                    digest=found,
                    verdict=plugin.verdict,
                    reason=Reason.DIFFERS.value,
                )
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        return self._zip

    def _unreadable(self, why: str) -> Unreadable:
        return Unreadable(
            f"{shown(self._plugin.path)} cannot be read: {shown(why)}",
            path=self._plugin.path,
            verdict=self._plugin.verdict,
            reason=Reason.UNREADABLE.value,
        )
