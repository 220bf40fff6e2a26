"""Connections, and where they may lead: requests, made to obey.

What lives here: one session of requests, the addresses that it connects, and the rules that
hold for every request. What does not: what an answer means, and what is counted of it.

 5. A redirect leads to the public internet only, or to where the first URL is: a loopback,
    link-local or private address is taken only if the first connection went to one of the same
    kind. The address counts as connected, so a name that changes its mind between two
    look-ups gains nothing: every address is looked at before it is connected, and the peer of
    the socket again before a byte is sent, for a kept connection too.
 6. Through a proxy the connected address is the proxy's. There only addresses written in the
    URL and ``localhost`` can be refused; names are the proxy's to resolve and to forbid.
 7. Nothing identifies the reader: one user agent, no cookies, nothing from ``.netrc``, no
    credentials of a URL. Proxies and ``REQUESTS_CA_BUNDLE`` of the environment are honoured.

The first URL is connected wherever its name leads: a remote on the reader's own network is
allowed, and nothing tells its name from one that was turned there on purpose. The look-up of
a name is bounded by the system's resolver only. TLS is that of requests.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from sig import __version__
from sig.errors import NetworkError
from sig.repo.failure import of_proxy, translated
from sig.repo.meter import Meter, Reader, Watch
from sig.repo.transport import Limits

if TYPE_CHECKING:
    from http.client import HTTPResponse

    import requests

USER_AGENT = f"sig/{__version__}"

Place = Literal["public", "loopback", "link-local", "private", "nowhere"]
Resolve = Callable[[str, int], list[tuple[Any, ...]]]


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


def resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    return list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class Line:
    """One session of requests, used by one `get` at a time.

    For each hop of a `get`: `lead` to its URL, then `ask`.
    """

    def __init__(self, bounds: Limits, place: Callable[[str], Place], resolve: Resolve) -> None:
        self.bounds = bounds
        self.watch = Watch(bounds, 0)
        self.place = place
        self.resolve = resolve
        self.hop = 0
        self.home: Place = "public"
        self.reused = False
        self.asked = False
        self.answer: HTTPResponse | None = None
        self.session = _session(self)

    def close(self) -> None:
        self.session.close()

    def lead(self, url: str, hop: int) -> None:
        """Where the next connections go: the `hop`-th redirect to `url`, or 0 for its own URL.

        Raises NetworkError if the URL itself says that it is where it may not lead.
        """
        self.hop = hop
        named = self._named(url)
        if hop == 0:
            self.home = named or "public"  # 5: corrected by `admit` once connected
        elif named is not None and not self.allows(named):
            raise _elsewhere()

    def ask(self, url: str, headers: dict[str, str], limit: int) -> requests.Response:
        """The answer to one GET, its body unread, which is to be closed; `watch` counts it."""
        bounds = self.bounds
        for attempt in (1, 2):
            self.reused = self.asked = False
            self.answer = None
            self.watch = Watch(bounds, limit)
            try:
                return self.session.get(
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,  # 4 of http
                    timeout=(bounds.connect_seconds, bounds.idle_seconds),
                )
            except Exception as error:
                if self.answer is not None:
                    self.answer.close()  # urllib3 forgets it when it finds a header invalid
                if isinstance(error, NetworkError):
                    raise
                # A kept connection may have been closed while the request was on its way.
                if attempt == 1 and self.reused and not self.watch.received:
                    continue
                raise translated(error, bounds, connecting=not self.asked) from error
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
            refusal = NetworkError("name not found" if gone else "the name could not be looked up")
            raise (refusal if checked else of_proxy(refusal)) from error
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
        refusal = translated(failure, self.bounds, connecting=True)
        raise (refusal if checked else of_proxy(refusal)) from failure


_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def _session(line: Line) -> requests.Session:
    """A session whose connections obey `line`. Made here, so that requests loads when needed."""
    from http.client import HTTPResponse
    from http.cookiejar import DefaultCookiePolicy

    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Answer(HTTPResponse):
        """3, 11: reads through the counter of the running request, and what checks the framing."""

        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            line.answer = self
            self.fp = self.reader = Reader(Meter(self.fp.detach(), sock, line.watch))

        def begin(self) -> None:
            super().begin()
            line.watch.in_header = False
            if self.chunked:
                self.reader.expect_chunks()
                # 11: RFC 9112 §6.1, where it ends is not agreed on.
                if self.version < 11 or "content-length" in self.headers:
                    self.will_close = True

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

        def _tunnel(self) -> None:
            try:
                super()._tunnel()  # type: ignore[misc]
            except Exception as error:
                raise of_proxy(translated(error, line.bounds)) from error

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
            # 4 of http: even with allow_redirects=False the original prepares the next request,
            # and reads (and unpacks) the whole body of this answer for it.
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


def _kept(line: Line, connection: Any) -> Any:
    line.reused = connection.sock is not None
    return connection


def _elsewhere() -> NetworkError:
    return NetworkError("a redirect into a private network is not followed", reason="http")
