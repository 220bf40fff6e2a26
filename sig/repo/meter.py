"""Counting what a server sends, while it sends it.

What lives here: the counter of one answer, and the stream that everything passes on its way
from the socket. What does not: what the bytes mean, and the decoded body.

 3. Everything that arrives (status line, interim answers, header, chunk framing, trailers, a
    proxy's answer) passes one counter with one clock: more than the header, the body's limit
    and a bit for framing, `idle_seconds` without a byte, or less than the slowest rate over a
    window, ends it.
10. So do too small pieces: a chunk of one byte, or one byte a read, costs us far more than it
    costs the server, up to minutes before the limit. A piece is a line (of the header, the
    chunk framing, the trailers) or a read of the socket.
11. Chunks are framed as RFC 9112 §7.1 says. Through a proxy the answers of all http servers come
    over one connection. http.client takes ``+4``, ``1_0`` or a bare line feed for a size, and any
    two bytes for the end of a chunk: where the proxy reads another end than we do, one server
    writes the beginning of another's answer. So what http.client was lenient with is refused; and
    where already the header leaves in doubt what frames the body, the connection is not kept.

It also tells whether more came than was asked for, which rule 2 of `http` needs.
"""

from __future__ import annotations

import io
import re
import socket
import time
from typing import Any

from sig.errors import NetworkError
from sig.model import limits
from sig.repo.failure import not_http, timed_out, too_large
from sig.repo.transport import Limits

# At its end white space is allowed, for old servers; 16 digits are more than any limit.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[\t -~\x80-\xff]*)?\r\n")


class Watch:
    """3: counts the bytes of one answer, and the time that they take."""

    def __init__(self, bounds: Limits, limit: int) -> None:
        self.bounds = bounds
        # Chunk framing and compression of what does not compress cost a little.
        self.budget = bounds.header + limit + limit // 8 + 64 * limits.KIB
        self.received = 0
        self.pieces = 0
        self.in_header = True
        self.surplus = False
        self._mark: float | None = None
        self._in_window = 0
        self._rate_is_next = False

    def patience(self) -> float:
        """How long the next read may wait."""
        bounds = self.bounds
        enough = bounds.slowest_bytes_per_second * bounds.slow_window_seconds
        now = time.monotonic()
        if self._mark is None:  # the clock starts with the first wait for the answer
            self._mark = now
        left = self._mark + bounds.slow_window_seconds - now
        if left <= 0:
            if self._in_window < enough:
                raise self._too_slow()
            self._mark, self._in_window, left = now, 0, bounds.slow_window_seconds
        self._rate_is_next = self._in_window < enough and left < bounds.idle_seconds
        return max(left if self._rate_is_next else bounds.idle_seconds, 0.001)

    def late(self) -> NetworkError:
        if self._rate_is_next:
            return self._too_slow()
        return NetworkError(timed_out(self.bounds.idle_seconds))

    def count(self, size: int) -> None:
        self.received += size
        self._in_window += size
        # The reader reads ahead, by less than its buffer.
        if self.in_header and self.received > self.bounds.header + io.DEFAULT_BUFFER_SIZE:
            raise NetworkError("the header of the answer is too large", reason="too-large")
        if self.received > self.budget:
            raise too_large()
        self.piece()

    def piece(self) -> None:
        """10: to be told of each line too; a read tells it itself."""
        self.pieces += 1
        if self.pieces > limits.PIECES + self.received // limits.PIECE:
            raise NetworkError("the server sends its answer in too small pieces")

    def _too_slow(self) -> NetworkError:
        rate = self.bounds.slowest_bytes_per_second
        amount = f"{rate / limits.KIB:g} KiB" if rate >= limits.KIB else f"{rate:g} bytes"
        return NetworkError(f"the server sends less than {amount}/s")


class Meter(io.RawIOBase):
    """A socket's bytes, seen by a watch."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, watch: Watch) -> None:
        self._raw = raw
        self._sock = sock
        self.watch = watch
        self.finished = False

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int:
        if self.finished:
            return 0
        self._sock.settimeout(self.watch.patience())
        try:
            size = self._raw.readinto(buffer) or 0
        except TimeoutError as error:
            raise self.watch.late() from error
        self.watch.count(size)
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class Reader(io.BufferedReader):
    """Tells the watch of each line, and when it is closed, whether more came than was read.

    Once chunks are expected it looks at what http.client reads: size, data, line end, size, …
    """

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter)
        self._meter = meter
        self._chunks = False
        self._left = 0  # of the data of a chunk

    def expect_chunks(self) -> None:
        self._chunks = True

    def readline(self, size: int | None = -1, /) -> bytes:
        self._meter.watch.piece()  # 10
        line = super().readline(size)
        if self._chunks and line:
            if not line.endswith(b"\n") and len(line) != size:
                return b""  # "0" and the end of the connection is no last chunk
            if (match := _CHUNK.fullmatch(line)) is None:  # 11
                raise not_http()
            self._left = int(match[1], 16)
            self._chunks = self._left > 0  # what follows the last one are trailers
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self._chunks:
            if self._left:
                self._left -= len(data)
            elif data not in (b"\r\n", b"\r", b""):  # 11
                raise not_http()
        return data

    def close(self) -> None:  # 2 of http
        if not self.closed:
            self._meter.finished = True  # so that a look into the buffer does not wait for more
            self._meter.watch.surplus = bool(self.peek(1))
        super().close()
