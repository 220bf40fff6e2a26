"""What went wrong on the network, in one short sentence of our own.

What lives here: how the errors of requests, urllib3, http.client, ssl and the system become a
`NetworkError`. What does not: deciding that something is wrong.

 9. No text of the server reaches a message.

(The numbers go on from room to room: `http` says where each is.)
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

from sig.errors import NetworkError
from sig.repo.transport import Limits

_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3})(?: |$)")  # of http.client


def status_words(status: int) -> str:
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"  # 9: our words, not the server's
    except ValueError:
        return f"{status}"


def too_large() -> NetworkError:
    return NetworkError("more bytes than are allowed here", reason="too-large")


def not_http() -> NetworkError:
    return NetworkError("the answer is not HTTP", reason="http")


def timed_out(seconds: float) -> str:
    return f"timed out after {seconds:g} s"


def of_proxy(error: NetworkError) -> NetworkError:
    """The same, said of the proxy."""
    return NetworkError("proxy: " + error.message, reason=error.reason)


def translated(error: BaseException, bounds: Limits, *, connecting: bool = False) -> NetworkError:
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
        return NetworkError(prefix + timed_out(seconds))
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
            if refused := _TUNNEL.match(str(cause)):  # 9: what follows are the proxy's words
                return NetworkError(prefix + status_words(int(refused[1])))
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
