"""Fetching over HTTP(S): requests below, our own bounds around it.

What lives here: one GET with its redirects, and what an answer must be. With the rooms below it
is against every way in which a hostile server could make it endless, huge, slow, or point it at
the reader's own network. What does not: what the bytes mean, which URL a remote may have
(`transport.check_url`), and, in these rooms, the rules of

- `connection`: where a connection may lead (5, 6), and what is sent (7);
- `meter`: what is counted while it arrives, and the framing (3, 10, 11);
- `failure`: the words for what went wrong (9).

The rules kept here, with their numbers at the checks:

 1. The body is bounded by `limit` once decoded. It is counted while it arrives, so a bomb costs
    no memory; its bytes on the wire are counted by `meter`.
 2. An announced length above the limit is refused before a byte of the body is read, and a
    wrong one is an error: shorter would be a truncation, longer is a lie.
 4. Redirects are followed here and not by requests, which reads their bodies: at most
    `redirects`, to https, and to http only where the first URL is http.
 8. "Not modified" is taken only by who asked for it.

An ETag is sent back as it came, so a server can recognize it: who minds passes no validators.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from sig.errors import NetworkError
from sig.model import limits
from sig.repo.connection import Line, Place, Resolve, place_of, resolve
from sig.repo.failure import not_http, status_words, too_large, translated
from sig.repo.transport import Limits, Progress, Response, Validators

if TYPE_CHECKING:
    import requests

_READ = 16 * limits.KIB
_MOVED = (301, 302, 303, 307, 308)
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


class HttpTransport:
    """The `Transport` of http and https URLs.

    Connections are kept and reused until `close`. For use from several threads: a session of
    requests is not safe for that, so each running `get` has one for itself and gives it back;
    there are as many as ever ran at once.

    `place` and `resolve` say where an address is and which addresses a name has.
    """

    def __init__(
        self,
        bounds: Limits | None = None,
        *,
        place: Callable[[str], Place] = place_of,
        resolve: Resolve = resolve,
    ) -> None:
        self._bounds = bounds or Limits()
        self._place = place
        self._resolve = resolve
        self._free: list[Line] = []  # append and pop are atomic
        self._closed = False

    def __enter__(self) -> HttpTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all kept connections; a `get` that runs closes its own at its end."""
        self._closed = True
        while self._free:
            self._free.pop().close()

    def get(
        self,
        url: str,
        *,
        limit: int,
        validators: Validators | None = None,
        progress: Progress | None = None,
    ) -> Response:
        """See `sig.repo.transport.Transport.get`."""
        if self._closed:
            raise RuntimeError("the transport is closed")
        try:
            line = self._free.pop()
        except IndexError:
            line = Line(self._bounds, self._place, self._resolve)
        try:
            return self._get(line, url, limit, validators, progress)
        finally:
            self._free.append(line)
            if self._closed:
                self.close()

    def _get(
        self,
        line: Line,
        url: str,
        limit: int,
        validators: Validators | None,
        progress: Progress | None,
    ) -> Response:
        headers = _conditions(validators)
        first = _target(url)
        for hop in range(self._bounds.redirects + 1):
            line.lead(url, hop)
            with closing(line.ask(url, headers, limit)) as answer:
                status = answer.status_code
                if status in _MOVED:
                    url = _next(url, answer.headers.get("location"), first)
                    continue
                if status == 304 and validators is not None and headers:  # 8
                    if "transfer-encoding" not in answer.headers:  # http.client would wait for it
                        answer.raw.read(1)  # there is none; this gives the connection back
                    new = _validators(answer)
                    kept = Validators(
                        new.etag or validators.etag, new.last_modified or validators.last_modified
                    )
                    return Response(None, kept, url)
                if status != 200:
                    raise NetworkError(status_words(status), reason="http")
                body = _body(answer, limit, progress, self._bounds)
                if line.watch.surplus:  # 2
                    raise NetworkError("the server sent more than it announced")
                return Response(body, _validators(answer), url)
        raise NetworkError(f"more than {self._bounds.redirects} redirects", reason="http")


def _conditions(validators: Validators | None) -> dict[str, str]:
    headers = {}
    if validators and validators.etag and _printable(validators.etag):
        headers["If-None-Match"] = validators.etag
    if validators and validators.last_modified and _printable(validators.last_modified):
        headers["If-Modified-Since"] = validators.last_modified
    return headers


def _validators(answer: requests.Response) -> Validators:
    etag, modified = answer.headers.get("etag"), answer.headers.get("last-modified")
    etag = etag if etag and _printable(etag) else None
    modified = modified if modified and _printable(modified) else None
    return Validators(etag, modified)


def _printable(value: str) -> bool:
    return (
        len(value) <= limits.VALIDATOR
        and value == value.strip()
        and all(" " <= character <= "~" for character in value)
    )


def _target(url: str) -> str:
    """The scheme of a URL that may be fetched: http(s), a host, no user."""
    if len(url) > 4 * limits.URL or not _visible(url):
        raise NetworkError("the URL is malformed", reason="http")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NetworkError("the URL is malformed", reason="http") from error
    if parts.scheme not in ("http", "https"):
        raise NetworkError("not an http or https URL", reason="http")
    if not _HOST.fullmatch(parts.netloc) or port == 0:  # 7: no user either
        raise NetworkError("the URL is malformed", reason="http")
    return parts.scheme


def _visible(url: str) -> bool:
    return all("!" <= character <= "~" and character != "\\" for character in url)


def _next(url: str, location: str | None, first: str) -> str:
    """4: where a redirect leads, if it may be followed."""
    if not location:
        raise NetworkError("a redirect to nowhere", reason="http")
    try:
        if not _visible(location):  # urljoin would leave some of it out
            raise ValueError
        url = urljoin(url, location).partition("#")[0]
        scheme = _target(url)
    except (ValueError, NetworkError) as error:
        raise NetworkError("a redirect to what is not a web address", reason="http") from error
    if scheme != "https" and first == "https":
        raise NetworkError("a redirect from https to http is not followed", reason="http")
    return url


def _body(
    answer: requests.Response, limit: int, progress: Progress | None, bounds: Limits
) -> bytes:
    """1, 2: the decoded body, never holding more than `limit` and a bit of it."""
    total = _announced(answer)
    if total is not None and total > limit:
        raise too_large()
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        pieces, total = _unpacked(_raw(answer, bounds), limit), None
    elif encoding in ("identity", ""):
        pieces = _raw(answer, bounds)
    else:
        raise NetworkError("the answer has an unknown content encoding", reason="format")
    body = io.BytesIO()
    for piece in pieces:
        if body.tell() + len(piece) > limit:
            raise too_large()
        body.write(piece)
        if progress is not None:
            progress(body.tell(), total)
    return body.getvalue()


def _announced(answer: requests.Response) -> int | None:
    framing = answer.headers.get("transfer-encoding", "chunked").strip().lower()
    if framing != "chunked":  # what else there is would be taken for the body
        raise NetworkError("the answer has an unknown transfer encoding", reason="http")
    length = answer.headers.get("content-length")
    if length is None or "transfer-encoding" in answer.headers:
        return None
    if not (length.isascii() and length.isdigit()):
        raise not_http()
    if len(length) > 18:
        raise too_large()
    return int(length)


def _raw(answer: requests.Response, bounds: Limits) -> Iterator[bytes]:
    try:
        while piece := answer.raw.read(_READ, decode_content=False):
            yield piece
    except NetworkError:
        raise
    except ValueError as error:  # http.client trusts the size of a chunk
        raise not_http() from error
    except Exception as error:
        raise translated(error, bounds) from error


def _unpacked(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """The content of one gzip member, in pieces of bounded size.

    One member and nothing after it: a server that compresses sends just that, and a row of
    empty members would cost time without ever coming near the limit.
    """
    packed = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    empty = True
    try:
        for piece in pieces:
            empty = False
            if packed.eof:
                raise zlib.error("data after the end")
            while piece:
                yield packed.decompress(piece, 64 * limits.KIB)
                piece = packed.unconsumed_tail
            if packed.unused_data:
                raise zlib.error("data after the end")
    except zlib.error as error:
        raise NetworkError("the compressed answer is damaged", reason="format") from error
    if not packed.eof and not empty:
        raise NetworkError("the answer ended early")
