"""What a transport is: one `get`, bounded, and the rules for the URL of a remote.

Here live the protocol, its values and its limits. How bytes travel does not: one file a
transport (`http.py`). A transport believes nothing and checks no signature; it promises only
that what it returns is the whole answer and not more than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from sig.errors import UsageError
from sig.model import limits

Progress = Callable[[int, int | None], None]
"""Bytes so far (decoded), and all bytes where the server told."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask later whether anything changed. Opaque, from the remote."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: the whole body, or None where it did not change since `validators`."""

    body: bytes | None
    validators: Validators
    url: str
    """Where it came from at last, after redirects."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how far a transport goes; sizes of bodies are the caller's `limit`."""

    redirects: int = limits.REDIRECTS
    connect_seconds: float = limits.CONNECT_SECONDS
    idle_seconds: float = limits.IDLE_SECONDS
    slowest_bytes_per_second: float = limits.SLOWEST_BYTES_PER_SECOND
    slow_window_seconds: float = limits.SLOW_WINDOW_SECONDS
    header: int = limits.HEADER


class Transport(Protocol):
    """Fetches bytes from a remote. One object may be used by several threads."""

    def get(
        self,
        url: str,
        *,
        limit: int,
        validators: Validators | None = None,
        progress: Progress | None = None,
    ) -> Response:
        """What is at `url`, at most `limit` bytes of it once decoded.

        `validators` are those of the last answer from there; only with them the body may be
        None. An empty body is an answer like any other.

        Raises `sig.errors.NetworkError`, with `reason` ``too-large`` above the limit, ``http``
        for a status other than success, for a redirect that is not followed and for an answer
        that is not HTTP, ``format`` for a content encoding that cannot be undone, and
        ``network`` for the rest: it was not reached, too slow, or broke off.
        """
        ...


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_V6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")


def check_url(url: str) -> str:
    """The URL of a remote as it is kept: lower-case scheme and host, "/" at its end.

    A name in other letters becomes its ASCII form (``xn--…``). Nothing is looked up.
    Raises `UsageError` for what is not a plain http or https URL: another scheme, no host, a
    user or password (which would be kept and shown), a query or fragment (a remote is a folder:
    names are put at its end), ``.`` or ``..`` as a part of its path.
    """
    if len(url) > limits.URL:
        raise UsageError("the URL is too long")
    if any(character <= " " or character == "\x7f" or character == "\\" for character in url):
        raise UsageError("the URL contains a blank, a control character or a backslash")
    if not _SCHEME.match(url) or "://" not in url:
        raise UsageError("not a URL; it starts with http:// or https://")
    if "?" in url or "#" in url:
        raise UsageError("the URL of a remote has no query and no fragment")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError("not a URL: its host or port is malformed") from error
    if parts.scheme not in ("http", "https"):
        raise UsageError("only http and https URLs are accepted")
    if "@" in parts.netloc:
        raise UsageError("the URL contains a user or a password")
    if port == 0:
        raise UsageError("not a URL: its host or port is malformed")
    host = _host(parts.netloc)
    if not _PATH.fullmatch(parts.path) or _BROKEN_ESCAPE.search(parts.path):
        raise UsageError("the path of the URL contains what must be written as %XX")
    folders = parts.path.lower().replace("%2e", ".").split("/")
    if "." in folders or ".." in folders:
        raise UsageError('the path of the URL contains "." or ".."')
    place = host if port is None else f"{host}:{port}"
    path = parts.path if parts.path.endswith("/") else parts.path + "/"
    return f"{parts.scheme}://{place}{path}"


def _host(netloc: str) -> str:
    if netloc.startswith("["):
        return _v6(netloc)
    host = netloc.partition(":")[0].lower()
    if not host.isascii():
        host = _ascii(host)
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UsageError("the URL has no valid host")
    return host


def _v6(netloc: str) -> str:
    from ipaddress import IPv6Address

    host, bracket, port = netloc.partition("]")
    host += bracket
    try:
        if not _V6.fullmatch(host) or (port and not port.startswith(":")):
            raise ValueError(host)
        return f"[{IPv6Address(host[1:-1])}]"
    except ValueError as error:
        raise UsageError("the URL has no valid host") from error


def _ascii(host: str) -> str:
    import idna  # comes with requests; slow to import and seldom needed

    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise UsageError("the URL has no valid host") from error
