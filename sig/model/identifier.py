"""An identifier names exact bytes: ``sha256:`` and 64 lower-case hex digits."""

from __future__ import annotations

import errno
import hashlib
import re
from collections.abc import Callable
from typing import Protocol

_SMALL = 16 * 1024
_BLOCK = 256 * 1024
HEAD = 512  # of a file, for who wants to know what it is
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_OTHER = re.compile(r"[a-z0-9][a-z0-9+.-]{0,31}:[\x21-\x7e]{1,256}")


class Readable(Protocol):
    """A binary stream."""

    def readinto(self, buffer: bytearray, /) -> int | None:
        """Fill the buffer as far as there is something; how far, 0 at the end, None if there is
        nothing yet.
        """
        ...


class Identifier(str):
    """What a statement is about.

    `sha256:…` names bytes. Other schemes (`openpgp4fpr:…`) are kept and never match a file.
    Raises ValueError for what is neither (docs/spec/statement).
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Identifier:
        if text.startswith(("sha256:", "sha1:", "md5:")):
            if _SHA256.fullmatch(text) is None:
                raise ValueError("not sha256: and 64 lower-case hex digits")
        elif _OTHER.fullmatch(text) is None:
            raise ValueError("not an identifier")
        return super().__new__(cls, text)

    @property
    def names_bytes(self) -> bool:
        """Whether a file can have this identifier."""
        return self.startswith("sha256:")

    @classmethod
    def of_bytes(cls, data: bytes) -> Identifier:
        """The identifier of these bytes."""
        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @classmethod
    def of_stream(
        cls,
        stream: Readable,
        progress: Callable[[int], None] | None = None,
        head: bytearray | None = None,
    ) -> Identifier:
        """The identifier of everything left in a binary stream, read once.

        `progress` is called with the number of bytes so far. `head` is given the bytes that were
        read first, as far as they came at once. Raises BlockingIOError where more may come and the
        stream does not wait for it: what came is not everything.
        """
        digest = hashlib.sha256()
        # Most files are small, and to clear a large buffer costs more than to hash one.
        buffer = bytearray(_SMALL)
        view = memoryview(buffer)
        done = 0
        while read := _filled(stream, buffer):
            digest.update(view[:read])
            if head is not None and not done:
                head += view[: min(read, HEAD)]
            done += read
            if read == len(buffer) < _BLOCK:
                buffer = bytearray(4 * read)
                view = memoryview(buffer)
            if progress is not None:
                progress(done)
        # Not by `cls`, which would look whether a sha256 is one.
        return str.__new__(cls, "sha256:" + digest.hexdigest())


def everything(stream: Readable, most: int) -> bytes:
    """What is left in a binary stream, at most so many bytes. Raises BlockingIOError as above."""
    found = bytearray()
    buffer = bytearray(_SMALL)
    while len(found) < most and (read := _filled(stream, buffer)):
        found += buffer[:read]
    return bytes(found[:most])


def _filled(stream: Readable, buffer: bytearray) -> int:
    read = stream.readinto(buffer)
    if read is None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    return read


def filed_by_manifest(id: Identifier) -> str:
    """Under what a statement is filed besides its own id if it names this manifest of its content.

    No identifier: nobody can file a statement of theirs there.
    """
    return f"manifest {id}"


def filed_by_scope(key: str) -> str:
    """Under what the warnings of a key are filed that name single files of a tree."""
    return f"scope {key}"


def filed_by_app(name: str, key: str) -> str:
    """Under what the statements of a key are filed about what the program `name` may load."""
    return f"app {name} {key}"
