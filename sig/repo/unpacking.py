"""The bytes of an archive: read once, hashed on the way, unpacked within bounds.

Here: files and compressed streams as bytes that come one after the other, and how much of them may
come. Not here: what they mean (`zip`, `tar`), and which file it is (`archive`).

U1  Each byte is read once. What an archive is said to hold are the bytes that its digest is of.
U2  Of content no more is in memory than a block and what it was made from, whatever a header says.
U3  Members and unpacked bytes are counted before they are unpacked; archives within archives
    count together with the one that they are in.
U4  One compressed stream, whole, and no byte after it: readers differ about a second one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from sig.errors import Changed, FormatError
from sig.model import limits

BLOCK = 256 * 1024
_PIECE = 64 * 1024  # of compressed data: what it unpacks to fits a cache
TAIL = 20 + 56 + 22 + 0xFFFF  # bytes in which the end records of a zip lie, with a comment


class Seekable(Protocol):
    """A file, or what stands for one."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...


class Bounds(NamedTuple):
    """What an archive may be. Others than these are for tests."""

    members: int = limits.MEMBERS
    unpacked: int = limits.UNPACKED
    free: int = limits.UNPACKED_FREE
    ratio: int = limits.UNPACKED_RATIO
    nested: int = limits.NESTED
    nested_size: int = limits.NESTED_SIZE


USUAL = Bounds()


class Budget:
    """What an archive of `size` bytes and all archives in it may still unpack to (U3).

    Raises FormatError.
    """

    def __init__(self, size: int, bounds: Bounds) -> None:
        self._members = self._members_left = bounds.members
        self._most = self._left = min(bounds.unpacked, max(bounds.free, size * bounds.ratio))

    def members(self, count: int = 1) -> None:
        """So many more files and folders."""
        self._members_left -= count
        if self._members_left < 0:
            raise FormatError(f"more than {self._members} members")

    def bytes(self, count: int) -> None:
        """So many more unpacked bytes."""
        self._left -= count
        if self._left < 0:
            raise FormatError(f"unpacks to more than {self._most} bytes, too many for its size")


def read_at(file: Seekable, offset: int, count: int) -> bytes:
    """Bytes from anywhere in a file; Changed if there are fewer."""
    file.seek(offset)
    found = bytearray(count)
    view = memoryview(found)
    while view and (read := file.readinto(view)):
        view = view[read:]
    if view:
        raise Changed("became shorter while it was read")
    return bytes(found)


def blocks(file: Seekable, size: int, seen: Callable[[memoryview], object]) -> Iterator[memoryview]:
    """A file from its start, `size` bytes and no more. A block is gone when the next one comes."""
    file.seek(0)
    buffer = memoryview(bytearray(min(BLOCK, size)))
    left = size
    while left:
        read = file.readinto(buffer[:left])
        if not read:
            raise Changed("became shorter while it was read")
        left -= read
        seen(buffer[:read])
        yield buffer[:read]


class Stream:
    """Bytes that come in blocks, taken in other pieces."""

    def __init__(self, found: Iterator[memoryview]) -> None:
        self._found = found
        self._block = memoryview(b"")
        self.position = 0

    def _more(self) -> bool:
        while not self._block:
            block = next(self._found, None)
            if block is None:
                return False
            self._block = block
        return True

    def chunks(self, count: int, most: int = BLOCK) -> Iterator[memoryview]:
        """The next `count` bytes, at most `most` at once; FormatError if there are fewer."""
        while count:
            if not self._more():
                raise FormatError("is cut off")
            taken = self._block[: min(count, most)]
            self._block = self._block[len(taken) :]
            self.position += len(taken)
            count -= len(taken)
            yield taken

    def read(self, count: int) -> bytes:
        """The next `count` bytes; FormatError if there are fewer."""
        if len(self._block) >= count:
            taken = self._block[:count].tobytes()
            self._block = self._block[count:]
            self.position += count
            return taken
        found = bytearray()  # piece by piece: a block is gone when the next one comes
        for piece in self.chunks(count):
            found += piece
        return bytes(found)

    def peek(self, count: int) -> bytes:
        """The next `count` bytes, or as many as there are; they are still to come."""
        found = self._block.tobytes()
        while len(found) < count and (block := next(self._found, None)) is not None:
            found += block
        self._block = memoryview(found)
        return found[:count]

    def rest(self, most: int = BLOCK) -> Iterator[memoryview]:
        """All that is left, at most `most` bytes at once."""
        while self._more():
            taken = self._block[:most]
            self._block = self._block[most:]
            self.position += len(taken)
            yield taken


# --- compressed ----------------------------------------------------------------------------------


class _Machine(Protocol):
    """A decompressor of bz2 and lzma. It is asked again, with nothing, until it needs input."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: memoryview | bytes, max_length: int) -> bytes: ...


class _Inflater:
    """zlib's in the same form."""

    def __init__(self, bits: int) -> None:
        import zlib

        self._machine = zlib.decompressobj(bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._machine.eof

    @property
    def unused_data(self) -> bytes:
        return self._machine.unused_data

    def decompress(self, data: memoryview | bytes, max_length: int) -> bytes:
        machine = self._machine
        made = machine.decompress(machine.unconsumed_tail or data, max_length)
        # A full block may have left more inside, with nothing left to put in.
        self.needs_input = not machine.unconsumed_tail and len(made) < max_length
        return made


def inflated(stream: Stream, packed: int, size: int) -> Iterator[memoryview]:
    """The `size` bytes to which the next `packed` bytes of a stream inflate (U2, U4)."""
    left = size
    for made in _unpacked(_Inflater(-15), stream.chunks(packed, _PIECE), "compressed data"):
        left -= len(made)
        if left < 0:
            raise FormatError("unpacks to more bytes than is said of it")
        yield made
    if left:
        raise FormatError("unpacks to fewer bytes than is said of it")


def decompressed(stream: Stream, kind: str) -> Iterator[memoryview]:
    """All that a ``gzip``, ``bzip2`` or ``xz`` unpacks to (U2, U4)."""
    machine: _Machine
    if kind == "gzip":
        machine = _Inflater(31)
    elif kind == "bzip2":
        import bz2

        machine = bz2.BZ2Decompressor()
    else:
        import lzma

        machine = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)
    return _unpacked(machine, stream.rest(_PIECE), kind)


def _unpacked(machine: _Machine, pieces: Iterator[memoryview], kind: str) -> Iterator[memoryview]:
    for piece in pieces:
        if machine.eof:
            raise FormatError(f"has bytes after the end of its {kind}")
        given: memoryview | bytes = piece
        while not machine.eof:
            try:
                made = machine.decompress(given, BLOCK)
            except Exception as error:  # each library has its own, among them OSError
                raise _damaged(error, kind) from None
            if made:
                yield memoryview(made)
            if machine.needs_input:
                break
            given = b""
        if machine.unused_data:
            raise FormatError(f"has bytes after the end of its {kind}")
    if not machine.eof:
        raise FormatError(f"its {kind} is cut off")


def _damaged(error: Exception, kind: str) -> FormatError:
    if "emory usage limit" in str(error):
        return FormatError(f"its {kind} asks for more than {limits.XZ_MEMORY >> 20} MiB of memory")
    return FormatError(f"its {kind} is damaged")
