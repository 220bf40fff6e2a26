"""Fetching over HTTP(S): requests below, our own bounds around it.

What lives here: one GET with its redirects, and every way in which a hostile server could make
it endless, huge, slow, or point it at the reader's own network. What does not: what the bytes
mean, and which URL a remote may have (`transport.check_url`).

The rules, with their numbers at the checks:

 1. The body is bounded twice: by `limit` once decoded, and by about as much on the wire. Both
    are counted while it arrives, so a bomb costs no memory.
 2. An announced length above the limit is refused before a byte of the body is read, and a
    wrong one is an error: shorter would be a truncation, longer is a lie.
 3. Everything that arrives (status line, interim answers, header, chunk framing, trailers, a
    proxy's answer) passes one counter with one clock: `idle_seconds` without a byte, or less
    than the slowest rate over a window, ends it.
 4. Redirects are followed here and not by requests, which reads their bodies: at most
    `redirects`, to https, and to http only where the first URL is http.
 5. A redirect leads to the public internet only, or to where the first URL is: a loopback,
    link-local or private address is taken only if the first connection went to one of the same
    kind. The address counts as connected, so a name that changes its mind between two
    look-ups gains nothing: every address is looked at before it is connected, and the peer of
    the socket again before a byte is sent, for a kept connection too.
 6. Through a proxy the connected address is the proxy's. There only addresses written in the
    URL and ``localhost`` can be refused; names are the proxy's to resolve and to forbid.
 7. Nothing identifies the reader: one user agent, no cookies, nothing from ``.netrc``, no
    credentials of a URL. Proxies and ``REQUESTS_CA_BUNDLE`` of the environment are honoured.
 8. "Not modified" is taken only by who asked for it.
 9. No text of the server reaches a message.

The first URL is connected wherever its name leads: a remote on the reader's own network is
allowed, and nothing tells its name from one that was turned there on purpose. The look-up of
a name is bounded by the system's resolver only. An ETag is sent back as it came, so a server
can recognize it: who minds passes no validators.
"""

from __future__ import annotations

import io
import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin, urlsplit

from sig import __version__
from sig.errors import NetworkError
from sig.model import limits
from sig.repo.transport import Limits, Progress, Response, Validators

if TYPE_CHECKING:
    import requests

USER_AGENT = f"sig/{__version__}"

Place = Literal["public", "loopback", "link-local", "private", "nowhere"]
Resolve = Callable[[str, int], list[tuple[Any, ...]]]

_READ = 16 * limits.KIB
_MOVED = (301, 302, 303, 307, 308)
_REDIRECT_HOST = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def place_of(address: str) -> Place:
    """Where an IP address is; that of an embedded IPv4 address where it carries one."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in ipaddress.IPv6Network("64:ff9b::/96"):  # NAT64
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast or ip.is_unspecified:
        return "nowhere"
    if ip.is_global and not ip.is_reserved and not getattr(ip, "is_site_local", False):
        return "public"
    return "private"


def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


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
        resolve: Resolve = _resolve,
    ) -> None:
        self._bounds = bounds or Limits()
        self._place = place
        self._resolve = resolve
        self._free: list[_Line] = []  # append and pop are atomic
        self._closed = False

    def __enter__(self) -> HttpTransport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all kept connections; a `get` that runs closes its own at its end."""
        self._closed = True
        while self._free:
            self._free.pop().session.close()

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
            line = _Line(self._bounds, self._place, self._resolve)
        try:
            return line.get(url, limit, validators, progress)
        finally:
            self._free.append(line)
            if self._closed:
                self.close()


class _Line:
    """One session, used by one `get` at a time."""

    def __init__(self, bounds: Limits, place: Callable[[str], Place], resolve: Resolve) -> None:
        self.bounds = bounds
        self.watch = _Watch(bounds, 0)
        self.place = place
        self.resolve = resolve
        self.home: Place = "public"
        self.hop = 0
        self.reused = False
        self.asked = False
        self.reader: _Reader | None = None
        self.session = _session(self)

    def get(
        self,
        url: str,
        limit: int,
        validators: Validators | None,
        progress: Progress | None,
    ) -> Response:
        headers = _conditions(validators)
        first = _target(url)
        for hop in range(self.bounds.redirects + 1):
            self.hop = hop
            named = self._named(url)
            if hop == 0:
                self.home = named or "public"  # 5: corrected by `admit` once connected
            elif named is not None and not self.allows(named):
                raise _elsewhere()
            with closing(self._ask(url, headers, limit)) as answer:
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
                    raise NetworkError(_status(status), reason="http")
                body = _body(answer, limit, progress, self.bounds)
                if self.watch.surplus:  # 2
                    raise NetworkError("the server sent more than it announced")
                return Response(body, _validators(answer), url)
        raise NetworkError(f"more than {self.bounds.redirects} redirects", reason="http")

    def _ask(self, url: str, headers: dict[str, str], limit: int) -> requests.Response:
        bounds = self.bounds
        for attempt in (1, 2):
            self.reused = self.asked = False
            self.reader = None
            self.watch = _Watch(bounds, limit)
            try:
                return self.session.get(
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,  # 4
                    timeout=(bounds.connect_seconds, bounds.idle_seconds),
                )
            except Exception as error:
                if self.reader is not None:
                    self.reader.close()  # urllib3 forgets it when it finds a header invalid
                if isinstance(error, NetworkError):
                    raise
                # A kept connection may have been closed while the request was on its way.
                if attempt == 1 and self.reused and not self.watch.received:
                    continue
                raise _translated(error, bounds, connecting=not self.asked) from error
        raise AssertionError("unreachable")

    def _named(self, url: str) -> Place | None:
        """Where the URL itself says that it is, if it does."""
        host = (urlsplit(url).hostname or "").removesuffix(".")
        if host == "localhost" or host.endswith(".localhost"):
            return "loopback"
        try:
            return self.place(host if ":" in host else socket.inet_ntoa(socket.inet_aton(host)))
        except (OSError, ValueError):
            return None

    def allows(self, place: Place) -> bool:
        return self.hop == 0 or place == "public" or (place == self.home and place != "nowhere")

    def admit(self, peer: str) -> None:
        """5: called with the peer of each socket before a byte goes to it."""
        place = self.place(peer)
        if self.hop == 0:
            self.home = place
        elif not self.allows(place):
            raise _elsewhere()

    def connect(self, host: str, port: int, *, checked: bool) -> socket.socket:
        """A connected socket to one of the addresses of `host` that may be connected."""
        try:
            found = self.resolve(host.strip("[]"), port)
        except (socket.gaierror, UnicodeError) as error:
            gone = getattr(error, "errno", socket.EAI_NONAME) in _NO_SUCH_NAME
            message = "name not found" if gone else "the name could not be looked up"
            raise NetworkError(message if checked else "proxy: " + message) from error
        addresses = [
            entry for entry in found if not checked or self.allows(self.place(entry[4][0]))
        ]
        if found and not addresses:
            raise _elsewhere()
        end = time.monotonic() + self.bounds.connect_seconds
        failure: OSError = TimeoutError()
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            # A dead address leaves time for the next one.
            patience = (end - time.monotonic()) / (len(addresses) - tried)
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as error:
                failure = error
                continue
            try:
                sock.settimeout(max(patience, 0.001))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(address)
                if checked:
                    self.admit(sock.getpeername()[0])
                sock.settimeout(self.bounds.connect_seconds)
                return sock
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
        refusal = _translated(failure, self.bounds, connecting=True)
        if not checked:
            refusal = NetworkError("proxy: " + refusal.message)
        raise refusal from failure


_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def _session(line: _Line) -> requests.Session:
    """A session whose connections obey `line`. Made here, so that requests loads when needed."""
    from http.client import HTTPResponse
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Answer(HTTPResponse):
        """3: reads through the counter of the running request."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            raw = self.fp.detach()
            self.fp = line.reader = _Reader(_Meter(raw, sock, line.watch))

        def begin(self) -> None:
            super().begin()
            line.watch.in_header = False

    class Guarded:
        sock: Any
        proxy: Any
        _dns_host: str
        port: int

        def _new_conn(self) -> socket.socket:
            return line.connect(self._dns_host, self.port, checked=self.proxy is None)

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock is not None and self.proxy is None:
                line.admit(self.sock.getpeername()[0])
            line.asked = True
            super().request(*args, **kwargs)  # type: ignore[misc]

    class Plain(Guarded, HTTPConnection):
        response_class = Answer

    class Secure(Guarded, HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

        def _get_conn(self, *args: Any, **kwargs: Any) -> Any:
            return _kept(line, super()._get_conn(*args, **kwargs))

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

        def _get_conn(self, *args: Any, **kwargs: Any) -> Any:
            return _kept(line, super()._get_conn(*args, **kwargs))

    pools = {"http": PlainPool, "https": SecurePool}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
            if proxy.lower().startswith("socks"):
                raise NetworkError("SOCKS proxies are not supported")
            manager = super().proxy_manager_for(proxy, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # 4: even with allow_redirects=False the original prepares the next request, and
            # reads (and unpacks) the whole body of this answer for it.
            return None

    session = Session()
    session.headers.clear()
    session.headers.update(
        {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}  # 7
    )
    # 7: an auth of our own that adds nothing keeps .netrc and URLs from being asked for one.
    session.auth = lambda request: request
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = Adapter(pool_connections=16, pool_maxsize=1)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _kept(line: _Line, connection: Any) -> Any:
    line.reused = connection.sock is not None
    return connection


class _Watch:
    """3: counts the bytes of one answer, and the time that they take."""

    def __init__(self, bounds: Limits, limit: int) -> None:
        self.bounds = bounds
        # 1: chunk framing and compression of what does not compress cost a little.
        self.budget = bounds.header + limit + limit // 8 + 64 * limits.KIB
        self.received = 0
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
        return NetworkError(_timed_out(self.bounds.idle_seconds))

    def count(self, size: int) -> None:
        self.received += size
        self._in_window += size
        # The reader reads ahead, by less than its buffer.
        if self.in_header and self.received > self.bounds.header + io.DEFAULT_BUFFER_SIZE:
            raise NetworkError("the header of the answer is too large", reason="too-large")
        if self.received > self.budget:
            raise _too_large()

    def _too_slow(self) -> NetworkError:
        rate = self.bounds.slowest_bytes_per_second
        amount = f"{rate / limits.KIB:g} KiB" if rate >= limits.KIB else f"{rate:g} bytes"
        return NetworkError(f"the server sends less than {amount}/s")


class _Meter(io.RawIOBase):
    """A socket's bytes, seen by a watch."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, watch: _Watch) -> None:
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


class _Reader(io.BufferedReader):
    """2: tells the watch, when it is closed, whether more came than was read."""

    def __init__(self, meter: _Meter) -> None:
        super().__init__(meter)
        self._meter = meter

    def close(self) -> None:
        if not self.closed:
            self._meter.finished = True  # so that a look into the buffer does not wait for more
            self._meter.watch.surplus = bool(self.peek(1))
        super().close()


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
    if not _REDIRECT_HOST.fullmatch(parts.netloc) or port == 0:
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


def _elsewhere() -> NetworkError:
    return NetworkError("a redirect into a private network is not followed", reason="http")


def _status(status: int) -> str:
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"  # 9: our words, not the server's
    except ValueError:
        return f"{status}"


def _too_large() -> NetworkError:
    return NetworkError("more bytes than are allowed here", reason="too-large")


def _body(
    answer: requests.Response, limit: int, progress: Progress | None, bounds: Limits
) -> bytes:
    """1, 2: the decoded body, never holding more than `limit` and a bit of it."""
    total = _announced(answer)
    if total is not None and total > limit:
        raise _too_large()
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
            raise _too_large()
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
        raise NetworkError("the answer is not HTTP", reason="http")
    if len(length) > 18:
        raise _too_large()
    return int(length)


def _raw(answer: requests.Response, bounds: Limits) -> Iterator[bytes]:
    try:
        while piece := answer.raw.read(_READ, decode_content=False):
            yield piece
    except NetworkError:
        raise
    except ValueError as error:  # http.client trusts the size of a chunk
        raise NetworkError("the answer is not HTTP", reason="http") from error
    except Exception as error:
        raise _translated(error, bounds) from error


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


def _timed_out(seconds: float) -> str:
    return f"timed out after {seconds:g} s"


def _translated(error: BaseException, bounds: Limits, *, connecting: bool = False) -> NetworkError:
    """9: one short sentence for whatever went wrong below."""
    from http.client import HTTPException, IncompleteRead, RemoteDisconnected

    import requests.exceptions
    import urllib3.exceptions

    causes = list(_causes(error))

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((cause for cause in causes if isinstance(cause, kinds)), None)

    for cause in causes:
        if isinstance(cause, NetworkError):
            return cause
    if first(requests.exceptions.InvalidURL, urllib3.exceptions.ProxySchemeUnknown):
        return NetworkError("the URL, or that of the proxy, is malformed")
    through = first(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError)
    prefix = "proxy: " if through else ""
    if found := first(ssl.SSLCertVerificationError):
        why = _plain(getattr(found, "verify_message", "") or str(found))
        return NetworkError(f"{prefix}certificate not trusted: {why}")
    if found := first(TimeoutError, urllib3.exceptions.TimeoutError):
        connecting = connecting or bool(first(urllib3.exceptions.ConnectTimeoutError))
        seconds = bounds.connect_seconds if connecting else bounds.idle_seconds
        return NetworkError(prefix + _timed_out(seconds))
    if found := first(ssl.SSLError):
        why = (getattr(found, "reason", None) or "").replace("_", " ").lower()
        return NetworkError(f"{prefix}no TLS connection" + (f": {_plain(why)}" if why else ""))
    if first(ConnectionRefusedError):
        return NetworkError(f"{prefix}connection refused")
    if first(urllib3.exceptions.IncompleteRead, IncompleteRead):
        return NetworkError(f"{prefix}the answer ended early")
    if first(RemoteDisconnected):
        return NetworkError(f"{prefix}the server closed the connection without an answer")
    if first(ConnectionError):
        return NetworkError(f"{prefix}the server broke off the connection")
    if first(HTTPException, urllib3.exceptions.InvalidHeader):
        return NetworkError(f"{prefix}the answer is not HTTP", reason="http")
    for cause in causes:
        if isinstance(cause, OSError) and not isinstance(cause, requests.RequestException):
            why = cause.strerror or str(cause)
            return NetworkError(prefix + _plain(why[:1].lower() + why[1:]))
    return NetworkError(f"{prefix}the request failed")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it carries: the libraries wrap them in several ways."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < 100:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None)]
            waiting += [cause.__cause__, cause.__context__]


def _plain(text: str) -> str:
    text = "".join(character if " " <= character <= "~" else "?" for character in text)
    return text.strip().removesuffix(".")[:200]
