"""Fetching over HTTP, against servers that lie, drip, flood and point elsewhere."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import os
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from sig.errors import NetworkError, UsageError
from sig.model import limits
from sig.repo.connection import USER_AGENT, place_of
from sig.repo.http import HttpTransport
from sig.repo.transport import Limits, Response, Transport, Validators, check_url
from tests.repo import nginx
from tests.repo.evil_server import (
    Behaviour,
    EvilServer,
    Visit,
    answer,
    chunked,
    drip,
    endless,
    gzip_bomb,
    head,
    raw,
    redirect,
    silence,
    tunnel,
)

MIB = limits.MIB
QUICK = Limits(
    idle_seconds=5,
    slowest_bytes_per_second=2048,
    slow_window_seconds=0.15,
)

# 127.0.0.1 stands for the reader's own machine, 127.0.0.2 for the public internet.
PLACES = {"127.0.0.2": "public", "127.0.0.3": "private", "127.0.0.4": "link-local"}


def pretended(address: str) -> Any:
    return PLACES.get(address) or place_of(address)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.endswith("CA_BUNDLE"):
            monkeypatch.delenv(name)


@pytest.fixture
def evil() -> Iterator[EvilServer]:
    with EvilServer() as server:
        yield server


@pytest.fixture
def public() -> Iterator[EvilServer]:
    with EvilServer("127.0.0.2") as server:
        yield server


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    with HttpTransport(place=pretended) as transport:
        yield transport


def refused(
    behaviour: Behaviour,
    *,
    limit: int = 1000,
    bounds: Limits | None = None,
    validators: Validators | None = None,
) -> tuple[str, str]:
    """The reason and the words of the refusal of what a server does."""
    with EvilServer() as server, HttpTransport(bounds) as transport:
        server.routes["/x"] = behaviour
        with pytest.raises(NetworkError) as caught:
            transport.get(server.url + "x", limit=limit, validators=validators)
    return caught.value.reason, caught.value.message


def got(behaviour: Behaviour, *, limit: int = 1000, bounds: Limits | None = None) -> Response:
    with EvilServer() as server, HttpTransport(bounds) as transport:
        server.routes["/x"] = behaviour
        return transport.get(server.url + "x", limit=limit)


# --- what an honest server sends ------------------------------------------------------------


def test_body_and_validators_are_returned(evil: EvilServer, transport: Transport) -> None:
    evil.routes["/x"] = answer(b"text", 'ETag: "1"', "Last-Modified: Sat, 21 Nov 2026 09:00:00 GMT")
    expected = Response(b"text", Validators('"1"', "Sat, 21 Nov 2026 09:00:00 GMT"), evil.url + "x")
    assert expected == transport.get(evil.url + "x", limit=4)


def test_an_empty_answer_is_an_answer() -> None:
    """Whether emptiness is a repository is for who reads it."""
    assert b"" == got(answer(b"")).body
    assert b"" == got(chunked()).body
    assert b"" == got(raw(head("Connection: close"))).body
    assert b"" == got(answer(b"", "Content-Encoding: gzip")).body


def test_a_captive_portal_is_returned_as_it_is() -> None:
    """Nothing is believed here, so nothing is refused for what it says."""
    page = b"<html>please log in</html>"
    assert page == got(answer(page, "Content-Type: text/html")).body


def test_an_answer_without_length_ends_with_the_connection() -> None:
    assert b"text" == got(raw(b"HTTP/1.0 200 OK\r\n\r\ntext")).body


def test_a_chunked_answer_is_put_together() -> None:
    assert b"some text" == got(chunked(b"some", b" text"), limit=9).body


def test_a_packed_answer_is_unpacked() -> None:
    body = os.urandom(1000) + bytes(100_000)
    packed = gzip.compress(body)
    for name in ("gzip", "x-gzip", "GZIP"):
        assert body == got(answer(packed, f"Content-Encoding: {name}"), limit=len(body)).body


def test_a_small_packed_answer_dripping_fast_enough_is_whole() -> None:
    """A twin of the slow ones: pauses are no fault."""

    def behave(visit: Visit) -> None:
        visit.send(head("Transfer-Encoding: chunked"))
        for _ in range(6):
            visit.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
            visit.pause(0.05)
        visit.send(b"0\r\n\r\n")

    assert 6 * 1024 == len(got(behave, limit=MIB, bounds=QUICK).body or b"")


def test_progress_is_told(evil: EvilServer, transport: Transport) -> None:
    body = os.urandom(100_000)
    evil.routes["/plain"] = answer(body)
    evil.routes["/packed"] = answer(gzip.compress(body), "Content-Encoding: gzip")
    told: list[tuple[int, int | None]] = []
    transport.get(evil.url + "plain", limit=MIB, progress=lambda *now: told.append(now))
    assert [(100_000, 100_000)] == told[-1:]
    assert len(told) > 3 and told == sorted(told)
    told.clear()
    transport.get(evil.url + "packed", limit=MIB, progress=lambda *now: told.append(now))
    assert [(100_000, None)] == told[-1:]


def test_connections_are_kept_until_close(evil: EvilServer) -> None:
    evil.routes["/x"] = answer(b"text")
    with HttpTransport() as transport:
        for _ in range(5):
            transport.get(evil.url + "x", limit=10)
        assert 1 == evil.connections
    with pytest.raises(RuntimeError):
        transport.get(evil.url + "x", limit=10)


def test_threads_share_a_transport(evil: EvilServer, transport: Transport) -> None:
    for name in range(8):
        evil.routes[f"/{name}"] = answer(bytes([name]) * 50_000)

    def fetch(name: int) -> bytes | None:
        return transport.get(f"{evil.url}{name % 8}", limit=50_000).body

    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(fetch, range(80)))
    assert [bytes([name % 8]) * 50_000 for name in range(80)] == bodies
    assert evil.connections <= 8


def test_importing_it_loads_no_http_library() -> None:
    code = (
        "import sys, sig.repo.http; print([m for m in ('requests', 'urllib3') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == run.stdout


# --- a kept connection that is gone ---------------------------------------------------------


def test_a_kept_connection_closed_meanwhile_is_replaced(
    evil: EvilServer, transport: Transport
) -> None:
    def once(visit: Visit) -> bool:
        answer(b"text")(visit)
        return False

    evil.routes["/x"] = once
    for _ in range(3):
        assert b"text" == transport.get(evil.url + "x", limit=10).body
    assert 3 == evil.connections


def test_a_kept_connection_closed_under_the_request_is_replaced(
    evil: EvilServer, transport: Transport
) -> None:
    """The server closes an idle connection at the moment in which the request leaves."""
    evil.routes["/x"] = lambda visit: visit.number == 1 and answer(b"text")(visit)
    for _ in range(3):
        assert b"text" == transport.get(evil.url + "x", limit=10).body
    assert 3 == evil.connections


def test_silence_on_a_kept_connection_is_not_waited_for_twice(evil: EvilServer) -> None:
    evil.routes["/x"] = lambda visit: (answer(b"text") if visit.number == 1 else silence())(visit)
    with HttpTransport(Limits(idle_seconds=0.15)) as transport:
        transport.get(evil.url + "x", limit=10)
        with pytest.raises(NetworkError, match=r"^timed out after 0\.15 s$"):
            transport.get(evil.url + "x", limit=10)
    assert (1, 2) == (evil.connections, len(evil.visits))


def test_a_fresh_connection_without_an_answer_is_an_error() -> None:
    expected = ("network", "the server closed the connection without an answer")
    assert expected == refused(raw(b""))


# --- arbitrary answers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("404 Not Found", "404 Not Found"),
        ("500 Internal Server Error", "500 Internal Server Error"),
        ("511 Network Authentication Required", "511 Network Authentication Required"),
        ("204 No Content", "204 No Content"),
        ("206 Partial Content", "206 Partial Content"),
        ("300 Multiple Choices", "300 Multiple Choices"),
        ("304 Not Modified", "304 Not Modified"),
        ("401 Unauthorized", "401 Unauthorized"),
        ("404 \x1b[31mok\x07 \x9b2J", "404 Not Found"),
        ("799 \x1b]0;title\x07", "799"),
    ],
)
def test_another_status_is_named_in_our_words(status: str, words: str) -> None:
    """And nothing that a server writes there reaches a terminal."""
    assert ("http", words) == refused(raw(head("Content-Length: 0", status=status)))


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"HTTP/7.1 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 \x1b[31m\r\n\r\n",
        head("Content-Length: -5"),
        head("Content-Length: 4, 5") + b"text",
        head("Content-Length: +4") + b"text",
        head("Content-Length: \xb2") + b"text",
        head("Transfer-Encoding: chunked") + b"zz\r\ntext\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"-5\r\ntext\r\n0\r\n\r\n",
        head(*(f"A{number}: b" for number in range(200))),
    ],
)
def test_what_is_not_http_is_refused(garbage: bytes) -> None:
    reason, words = refused(raw(garbage))
    assert words in ("the answer is not HTTP", "the answer ended early")
    assert reason in ("http", "network")


@pytest.mark.parametrize("length", ["-5", "4, 5", "+4", "\xb2"])
def test_a_refused_header_leaves_no_answer_open(
    monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    """Nor to be closed when it is collected, where Python 3.13 tells of a failure."""
    begun: list[HTTPResponse] = []
    begin = HTTPResponse.begin

    def noted(self: HTTPResponse) -> None:
        begun.append(self)
        begin(self)

    monkeypatch.setattr(HTTPResponse, "begin", noted)
    refused(raw(head(f"Content-Length: {length}") + b"text"))
    assert [True] == [one.closed for one in begun]


def test_an_unknown_encoding_is_refused() -> None:
    for name in ("br", "zstd", "deflate", "gzip, gzip", "\x1b[31m"):
        expected = ("format", "the answer has an unknown content encoding")
        assert expected == refused(answer(b"text", f"Content-Encoding: {name}"))
    expected = ("http", "the answer has an unknown transfer encoding")
    assert expected == refused(raw(head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"))


# --- framing --------------------------------------------------------------------------------

CHUNKED = head("Transfer-Encoding: chunked")
NOT_HTTP = ("http", "the answer is not HTTP")
EARLY = ("network", "the answer ended early")
TEN = b"0123456789abcdef"


@pytest.mark.parametrize(
    "chunks",
    [
        b"1_0\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"+10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b" 10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"\x0b10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10\x0c\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10\r\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"0x10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10 10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10\n" + TEN + b"\r\n0\r\n\r\n",
        b"10;\n" + TEN + b"\r\n0\r\n\r\n",
        b"10;a\rb\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10;a\0b\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"00000000000000010\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"10\r\n" + TEN + b"??0\r\n\r\n",
        b"10\r\n" + TEN + b"\n\n0\r\n\r\n",
        b"10\r\n" + TEN + b"\n\r0\r\n\r\n",
        b"8\r\n01234567\r\n8\r\n89abcdef??0\r\n\r\n",
        b"10\r\n" + TEN + b"\r\n-0\r\n\r\n",
        b"10\r\n" + TEN + b"\r\n0_0\r\n\r\n",
        b"10\r\n" + TEN + b"\r\n0\n\r\n",
    ],
)
def test_chunks_of_another_form_are_refused(chunks: bytes) -> None:
    """Two programs that read them may find two ends."""
    assert NOT_HTTP == refused(raw(CHUNKED + chunks))


@pytest.mark.parametrize(
    "chunks",
    [
        b"10\r\n" + TEN + b"\r\n0\r\n\r\n",
        b"0000000000000010\r\n" + TEN + b"\r\n0000\r\n\r\n",
        b"10 \t\r\n" + TEN + b"\r\n0 \r\n\r\n",
        b"10;a=b;c\r\n" + TEN + b"\r\n0;d\r\n\r\n",
        b'10 ; a="\xe9"\r\n' + TEN + b"\r\n0\r\n\r\n",
        b"6\r\n012345\r\na\r\n6789abcdef\r\n0\r\n\r\n",
        b"6\r\n012345\r\nA\r\n6789abcdef\r\n0\r\n\r\n",
        b"10\r\n" + TEN + b"\r\n0\r\nA: b\r\n+1: trailer\r\n\r\n",
    ],
)
def test_chunks_of_the_right_form_are_taken(chunks: bytes) -> None:
    """The twin, with what the form leaves free; white space at the end is for old servers."""
    assert TEN == got(raw(CHUNKED + chunks)).body


def test_chunks_may_hold_line_ends_and_sizes() -> None:
    """The twin: what is data is not looked at, wherever reads of it begin and end."""
    body = b"\r\n0\r\n\r\n" * 20_000 + b"??"
    for size in (1, 2, 3, 7, 16_384, 50_000):
        pieces = [body[at : at + size] for at in range(0, len(body), size)][:40_000]
        assert b"".join(pieces) == got(chunked(*pieces), limit=MIB).body


@pytest.mark.parametrize("end", [b"", b"0", b"0\r", b"0;a"])
def test_chunks_without_a_last_one_are_no_answer(end: bytes) -> None:
    """The connection ended within its line: perhaps it was a longer number."""
    assert EARLY == refused(raw(CHUNKED + b"4\r\ntext\r\n" + end))
    for cut in (b"4\r\ntext", b"4\r\ntext\r", b"4", b"4\r"):
        assert EARLY == refused(raw(CHUNKED + cut))


@pytest.mark.parametrize(
    "first",
    [
        CHUNKED + b"4\r\ntext??0\r\n\r\n",
        CHUNKED + b"4\r\ntext\r\n0_0\r\n\r\n",
        head("Transfer-Encoding: chunked", "Content-Length: 999") + b"4\r\ntext\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"4\r\ntext\r\n0\r\n\r\n",
    ],
)
def test_an_answer_whose_end_is_in_doubt_forges_no_other(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    """Through a proxy two servers share a connection; the proxy still sends the answer of one."""
    monkeypatch.setenv("http_proxy", evil.url)

    def sends(visit: Visit) -> bool:
        visit.send(first)
        return True

    evil.routes["http://mallory.example/x"] = sends
    evil.routes["http://alice.example/x"] = lambda visit: answer(
        b"text" if visit.number == 1 else b"forged"
    )(visit)
    with contextlib.suppress(NetworkError):
        assert b"text" == transport.get("http://mallory.example/x", limit=100).body
    assert b"text" == transport.get("http://alice.example/x", limit=100).body


def test_chunked_answers_share_a_connection(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: nothing is in doubt."""
    monkeypatch.setenv("http_proxy", evil.url)
    evil.routes["http://bob.example/x"] = chunked(b"some", b" text")
    evil.routes["http://alice.example/x"] = chunked(b"text")
    assert b"some text" == transport.get("http://bob.example/x", limit=100).body
    assert b"text" == transport.get("http://alice.example/x", limit=100).body
    assert 1 == evil.connections


# --- too much -------------------------------------------------------------------------------


def test_the_limit_is_exact() -> None:
    assert b"x" * 1000 == got(answer(b"x" * 1000), limit=1000).body
    assert b"x" * 1000 == got(chunked(b"x" * 1000), limit=1000).body
    for behaviour in (answer(b"x" * 1001), chunked(b"x" * 1000, b"x")):
        assert ("too-large", "more bytes than are allowed here") == refused(behaviour)


def test_an_announced_length_above_the_limit_is_refused_unread() -> None:
    """The body never comes, so whoever waits for it times out instead."""
    for length in ("1001", "9" * 30, "9" * 5000):
        assert "too-large" == refused(silence(head(f"Content-Length: {length}")))[0]


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (head("Connection: close"), b"x" * 1000),
        (head("Transfer-Encoding: chunked"), b"400\r\n" + b"x" * 1024 + b"\r\n"),
        (head("Transfer-Encoding: chunked"), b"1;" + b"x" * 10_000 + b"\r\nx\r\n"),
        (head("Transfer-Encoding: chunked") + b"0\r\n", b"a: b\r\n"),
        (head("Transfer-Encoding: chunked"), b"0" * 1000),
        (head("Transfer-Encoding: chunked", "Content-Encoding: gzip"), b"1\r\n\x1f\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\na: ", b"b" * 1000),
        (b"HTTP/1.1 200 ", b"x" * 1000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\na: b\r\n"),
        (b"", b"\x00"),
    ],
)
def test_what_never_ends_is_ended(start: bytes, again: bytes) -> None:
    """Body, chunk, extension, trailer, header, header line, interim answer: none is endless."""
    begun = time.monotonic()
    reason, _ = refused(endless(start, again), limit=100_000)
    assert reason in ("too-large", "http", "format")
    assert time.monotonic() - begun < 3


def test_a_bomb_costs_no_memory() -> None:
    bomb = gzip_bomb(256 * MIB)
    assert len(bomb) < MIB
    behaviour = answer(bomb, "Content-Encoding: gzip")
    tracemalloc.start()
    try:
        assert "too-large" == refused(behaviour, limit=MIB)[0]
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


def test_a_bomb_as_body_of_a_redirect_is_not_read(evil: EvilServer, transport: Transport) -> None:
    """requests would unpack it whole, to keep the connection."""
    evil.routes["/y"] = answer(b"text")
    start = head("Location: /y", "Transfer-Encoding: chunked", status="302 Found")
    evil.routes["/x"] = endless(start, b"400\r\n" + b"x" * 1024 + b"\r\n")
    assert b"text" == transport.get(evil.url + "x", limit=4).body


def test_a_bomb_as_body_of_an_error_is_not_read() -> None:
    behaviour = endless(head("Connection: close", status="404 Not Found"), b"x" * 1000)
    assert ("http", "404 Not Found") == refused(behaviour)


@pytest.mark.parametrize("damage", ["cut", "flipped", "doubled", "trailed", "no gzip"])
def test_damaged_packing_is_refused(damage: str) -> None:
    packed = gzip.compress(os.urandom(100))
    packed = {
        "cut": packed[:-5],
        "flipped": packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:],
        "doubled": packed + packed,
        "trailed": packed + b"\0",
        "no gzip": b"text",
    }[damage]
    reason, words = refused(answer(packed, "Content-Encoding: gzip"))
    assert ("network" if damage == "cut" else "format") == reason
    assert words in ("the compressed answer is damaged", "the answer ended early")


# --- too small pieces -----------------------------------------------------------------------

CRUMBS = ("network", "the server sends its answer in too small pieces")


@pytest.mark.parametrize(
    "again",
    [
        b"1\r\nx\r\n",
        b"0000000000001;a\r\nx\r\n",
        b"40\r\n" + b"x" * 64 + b"\r\n",
        b"0\r\n" + b"a\n" * 8000,
    ],
)
def test_crumbs_for_a_large_body_are_ended(again: bytes) -> None:
    """Else each chunk, or line after the last one, costs us more than it costs the server."""
    begun = time.process_time()
    start = head("Transfer-Encoding: chunked")
    assert CRUMBS == refused(endless(start, again), limit=limits.REPOSITORY)
    assert time.process_time() - begun < 5


@pytest.mark.usefixtures("trusting")
def test_one_byte_at_a_time_for_a_large_body_is_ended(secure: EvilServer) -> None:
    """Over TLS each record is a read of its own; over TCP it is one if the network says so."""

    def behave(visit: Visit) -> None:
        visit.send(head(f"Content-Length: {limits.REPOSITORY}"))
        while True:
            visit.send(b"x")

    secure.routes["/x"] = behave
    with HttpTransport() as transport, pytest.raises(NetworkError) as caught:
        transport.get(secure.url + "x", limit=limits.REPOSITORY)
    assert CRUMBS == (caught.value.reason, caught.value.message)


def test_crumbs_of_a_small_document_are_taken() -> None:
    """The twin: a program that writes a document word for word, or byte for byte."""
    body = os.urandom(50_000)
    assert body == got(chunked(*(body[at : at + 1] for at in range(50_000))), limit=MIB).body
    body = os.urandom(500_000)
    pieces = (body[at : at + 7] for at in range(0, 500_000, 7))
    assert body == got(chunked(*pieces), limit=MIB).body


def test_small_chunks_of_a_large_body_are_taken() -> None:
    """The twin: a chunk for each line of an endless list is no fault."""
    block = b"200\r\n" + b"x" * 512 + b"\r\n"

    def behave(visit: Visit) -> bool:
        visit.send(head("Transfer-Encoding: chunked"))
        for _ in range(1000):
            visit.send(block * 128)
        visit.send(b"0\r\n\r\n")
        return True

    assert 512 * 128_000 == len(got(behave, limit=limits.REPOSITORY).body or b"")


# --- lying lengths --------------------------------------------------------------------------


def test_a_body_shorter_than_announced_is_an_error() -> None:
    """Else a truncated file would be taken for a whole one."""
    expected = ("network", "the answer ended early")
    assert expected == refused(raw(head("Content-Length: 9") + b"text"))
    assert expected == refused(raw(head("Content-Length: 9")))
    assert expected == refused(raw(head("Transfer-Encoding: chunked") + b"9\r\ntext"))
    assert expected == refused(raw(head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n"))


def test_a_body_longer_than_announced_is_an_error() -> None:
    expected = ("network", "the server sent more than it announced")
    assert expected == refused(raw(head("Content-Length: 4") + b"text and more"))
    assert expected == refused(raw(head("Content-Length: 0") + b"text"))
    body = b"x" * 100_000
    assert expected == refused(raw(head("Content-Length: 99999") + body), limit=MIB)
    chunks = head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n0\r\n\r\nmore"
    assert expected == refused(raw(chunks))


def test_what_follows_an_answer_is_not_the_next_one(evil: EvilServer, transport: Transport) -> None:
    """A second answer sent unasked is dropped with its connection."""

    def twice(visit: Visit) -> bool:
        answer(b"text")(visit)
        visit.pause(0.05)
        answer(b"forged")(visit)
        return True

    evil.routes["/x"] = twice
    evil.routes["/y"] = answer(b"other")
    assert b"text" == transport.get(evil.url + "x", limit=10).body
    time.sleep(0.1)
    assert b"other" == transport.get(evil.url + "y", limit=10).body
    assert 2 == evil.connections


# --- too slow -------------------------------------------------------------------------------

IDLE = ("network", "timed out after 0.15 s")
SLOW = ("network", "the server sends less than 2 KiB/s")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 2",
        b"HTTP/1.1 200 OK\r\nA: b\r\n",
        head("Content-Length: 10"),
        head("Content-Length: 10") + b"text",
        head("Transfer-Encoding: chunked") + b"4\r\ntext\r\n0\r\n",
    ],
)
def test_silence_is_ended(start: bytes) -> None:
    bounds = Limits(idle_seconds=0.15)
    assert IDLE == refused(silence(start), bounds=bounds)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (head("Content-Length: 900"), b"x"),
        (head("Transfer-Encoding: chunked"), b"1\r\nx\r\n"),
        (head("Transfer-Encoding: chunked") + b"0\r\n", b"a"),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\na: ", b"b"),
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_a_drip_is_ended(start: bytes, piece: bytes) -> None:
    """Wherever it drips, and though it is never silent for long."""
    begun = time.monotonic()
    assert SLOW == refused(drip(start, piece, 0.03), bounds=QUICK, limit=MIB)
    assert time.monotonic() - begun < 2


def test_a_burst_buys_no_slow_window() -> None:
    """The rate is that of each window, not of the whole."""
    behaviour = drip(head("Content-Length: 200000") + b"x" * 100_000, b"x", 0.03)
    assert SLOW == refused(behaviour, bounds=QUICK, limit=MIB)


def test_a_silent_listener_times_out() -> None:
    """A full backlog: the connection is never made, and all addresses share the time."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        held = [socket.socket() for _ in range(3)]
        for sock in held:
            sock.setblocking(False)
            sock.connect_ex(address)
        begun = time.monotonic()
        names = {"twice.example": ["127.0.0.1", "127.0.0.1"]}
        with HttpTransport(Limits(connect_seconds=0.2), resolve=resolver(names)) as transport:
            with pytest.raises(NetworkError, match=r"^timed out after 0\.2 s$"):
                transport.get(f"http://twice.example:{address[1]}/", limit=1)
        assert time.monotonic() - begun < 1
        for sock in held:
            sock.close()


# --- not there ------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.socket() as unused, HttpTransport() as transport:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NetworkError, match=r"^connection refused$") as caught:
            transport.get(f"http://127.0.0.1:{unused.getsockname()[1]}/", limit=1)
    assert "network" == caught.value.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "\x1b[31m"), "name not found"),
        (socket.gaierror(socket.EAI_AGAIN, ""), "the name could not be looked up"),
        (UnicodeError("label too long"), "name not found"),
    ],
)
def test_a_name_without_address(error: Exception, words: str) -> None:
    def resolve(host: str, port: int) -> list[Any]:
        raise error

    with HttpTransport(resolve=resolve) as transport:
        with pytest.raises(NetworkError, match=f"^{words}$"):
            transport.get("http://example.org/", limit=1)


def test_a_dead_address_leaves_the_others(evil: EvilServer) -> None:
    """The first address of a name refuses, the second answers."""
    evil.routes["/x"] = answer(b"text")
    names = {"two.example": ["127.0.0.9", "127.0.0.1"]}
    with HttpTransport(resolve=resolver(names)) as transport:
        assert b"text" == transport.get(f"http://two.example:{evil.port}/x", limit=10).body


def test_a_reset_connection_is_an_error() -> None:
    def reset(visit: Visit) -> None:
        visit.send(head("Content-Length: 10") + b"text")
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        visit.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        visit.connection.close()

    reason, words = refused(reset)
    assert "network" == reason
    assert words in ("the server broke off the connection", "the answer ended early")


# --- not modified ---------------------------------------------------------------------------


def test_conditions_are_sent_and_not_modified_is_taken(
    evil: EvilServer, transport: Transport
) -> None:
    evil.routes["/x"] = raw(head(status="304 Not Modified"))
    known = Validators('"1"', "Sat, 21 Nov 2026 09:00:00 GMT")
    assert Response(None, known, evil.url + "x") == transport.get(
        evil.url + "x", limit=10, validators=known
    )
    assert '"1"' == evil.visits[0].headers["if-none-match"]
    assert "Sat, 21 Nov 2026 09:00:00 GMT" == evil.visits[0].headers["if-modified-since"]


def test_not_modified_keeps_the_connection_and_waits_for_no_body(
    evil: EvilServer, transport: Transport
) -> None:
    """Nor where its header promises one."""
    evil.routes["/x"] = answer(b"", status="304 Not Modified")
    evil.routes["/y"] = silence(head("Transfer-Encoding: chunked", status="304 Not Modified"))
    evil.routes["/z"] = silence(head("Content-Length: 9", status="304 Not Modified"))
    for path in "xxyz":
        response = transport.get(evil.url + path, limit=10, validators=Validators('"1"'))
        assert None is response.body
    assert 2 == evil.connections


def test_new_validators_of_not_modified_are_kept(evil: EvilServer, transport: Transport) -> None:
    evil.routes["/x"] = raw(head('ETag: "2"', status="304 Not Modified"))
    known = Validators('"1"', "Sat, 21 Nov 2026 09:00:00 GMT")
    expected = Validators('"2"', "Sat, 21 Nov 2026 09:00:00 GMT")
    assert expected == transport.get(evil.url + "x", limit=9, validators=known).validators


@pytest.mark.parametrize("validators", [None, Validators(), Validators("\n", "x" * 2000)])
def test_not_modified_without_a_question_is_an_error(validators: Validators | None) -> None:
    """Else a server could make a reader believe that nothing is there."""
    behaviour = raw(head(status="304 Not Modified"))
    assert ("http", "304 Not Modified") == refused(behaviour, validators=validators)


@pytest.mark.parametrize("value", ["\x1b[31m", "x" * 2000, "\xe9", ""])
def test_a_validator_that_cannot_be_sent_back_is_dropped(value: str) -> None:
    response = got(answer(b"text", f"ETag: {value}", f"Last-Modified: {value}"))
    assert Response(b"text", Validators(), response.url) == response


# --- redirects ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["301 A", "302 B", "303 C", "307 D", "308 E"])
def test_redirects_are_followed(evil: EvilServer, transport: Transport, status: str) -> None:
    evil.routes["/a/x"] = redirect("../b/x?token=1#part", status)
    evil.routes["/b/x?token=1"] = answer(b"text")
    expected = Response(b"text", Validators(), evil.url + "b/x?token=1")
    assert expected == transport.get(evil.url + "a/x", limit=10)


def test_five_redirects_and_not_six(evil: EvilServer, transport: Transport) -> None:
    for number in range(6):
        evil.routes[f"/{number}"] = redirect(f"/{number + 1}")
    evil.routes["/6"] = answer(b"text")
    assert b"text" == transport.get(evil.url + "1", limit=10).body
    with pytest.raises(NetworkError, match=r"^more than 5 redirects$"):
        transport.get(evil.url + "0", limit=10)


def test_a_redirect_loop_ends(evil: EvilServer, transport: Transport) -> None:
    evil.routes["/x"] = redirect("/x")
    with pytest.raises(NetworkError, match=r"^more than 5 redirects$"):
        transport.get(evil.url + "x", limit=10)
    assert 6 == len(evil.visits)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://example.org/x",
        "gopher://example.org/x",
        "javascript:alert(1)",
        "data:,text",
        "http://user:password@example.org/",
        "http://user@example.org/",
        "http://[::1",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org\t/",
        "http://ex\xe4mple.org/",
        "http://example.org/\x1b[31m",
        "http://example.org/" + "x" * 10_000,
        "",
        None,
    ],
)
def test_a_redirect_to_what_is_no_web_address_is_refused(location: str | None) -> None:
    reason, words = refused(redirect(location))
    assert "http" == reason
    assert words in ("a redirect to what is not a web address", "a redirect to nowhere")


def test_credentials_are_never_sent(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not those of .netrc, nor cookies; not on the first request, nor after a redirect."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password s\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    evil.routes["/x"] = answer(b"", "Set-Cookie: a=b", "Location: /y", status="302 Found")
    evil.routes["/y"] = answer(b"", "Set-Cookie: c=d; Path=/")
    transport.get(evil.url + "x", limit=10)
    transport.get(evil.url + "x", limit=10)
    assert ["/x", "/y", "/x", "/y"] == evil.paths
    expected = {
        "host": f"127.0.0.1:{evil.port}",
        "user-agent": USER_AGENT,
        "accept": "*/*",
        "accept-encoding": "gzip",
    }
    for visit in evil.visits:
        visit.headers.pop("connection", None)
        assert expected == visit.headers


def test_a_url_with_a_password_is_not_asked_for(evil: EvilServer, transport: Transport) -> None:
    for url in (f"http://me:secret@127.0.0.1:{evil.port}/", "file:///etc/passwd", "http://", "x"):
        with pytest.raises(NetworkError) as caught:
            transport.get(url, limit=10)
        assert "secret" not in caught.value.message
    assert [] == evil.visits


# --- where redirects lead -------------------------------------------------------------------

ELSEWHERE = "^a redirect into a private network is not followed$"


def resolver(names: dict[str, list[str]]) -> Callable[[str, int], list[tuple[Any, ...]]]:
    """Addresses of made-up names; a list of several entries under "NAME!" is taken in turn."""

    def resolve(host: str, port: int) -> list[tuple[Any, ...]]:
        if turns := names.get(host + "!"):
            addresses = [turns.pop(0) if len(turns) > 1 else turns[0]]
        else:
            addresses = names.get(host, [host])
        return [
            entry
            for address in addresses
            for entry in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        ]

    return resolve


def test_a_redirect_to_a_public_place_is_followed(
    evil: EvilServer, public: EvilServer, transport: Transport
) -> None:
    """The twin of all the refusals: from the own machine, and from public to public."""
    public.routes["/y"] = answer(b"text")
    public.routes["/x"] = redirect(public.url + "y")
    evil.routes["/x"] = redirect(public.url + "x")
    assert public.url + "y" == transport.get(evil.url + "x", limit=10).url
    assert public.url + "y" == transport.get(public.url + "x", limit=10).url


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "0.0.0.0",
        "0",
        "127.0.0.3",
        "127.0.0.4",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
    ],
)
def test_a_redirect_from_public_to_a_private_place_is_refused(
    evil: EvilServer, public: EvilServer, transport: Transport, host: str
) -> None:
    evil.routes["/secret"] = answer(b"text")
    public.routes["/x"] = redirect(f"http://{host}:{evil.port}/secret")
    with pytest.raises(NetworkError, match=ELSEWHERE) as caught:
        transport.get(public.url + "x", limit=10)
    assert "http" == caught.value.reason
    assert 0 == evil.connections


def test_a_redirect_within_the_own_place_is_followed(
    evil: EvilServer, transport: Transport
) -> None:
    """A remote on loopback may redirect to loopback, by any of its names."""
    evil.routes["/y"] = answer(b"text")
    evil.routes["/x"] = redirect(f"http://localhost:{evil.port}/y")
    assert b"text" == transport.get(evil.url + "x", limit=10).body


def test_a_remote_named_on_an_own_network_may_redirect_within_it(evil: EvilServer) -> None:
    """What its name says does not matter, but where it was connected; also when kept."""
    names = {"intranet.example": ["127.0.0.1"]}
    evil.routes["/y"] = answer(b"text")
    evil.routes["/x"] = redirect(f"http://localhost:{evil.port}/y")
    with HttpTransport(resolve=resolver(names)) as transport:
        intranet = f"http://intranet.example:{evil.port}/"
        assert b"text" == transport.get(intranet + "x", limit=10).body
        assert b"text" == transport.get(intranet + "y", limit=10).body
        assert b"text" == transport.get(intranet + "x", limit=10).body


def test_an_ipv6_address_is_fetched_from(transport: Transport) -> None:
    try:
        server = EvilServer("::1")
    except OSError:
        pytest.skip("no IPv6 here")
    with server:
        server.routes["/y"] = answer(b"text")
        server.routes["/x"] = redirect(server.url + "y")
        assert server.url + "y" == transport.get(server.url + "x", limit=10).url


@pytest.mark.parametrize("place", ["127.0.0.3", "127.0.0.4"])
def test_a_redirect_to_another_kind_of_private_place_is_refused(
    evil: EvilServer, transport: Transport, place: str
) -> None:
    """A server of the local network points neither at this machine nor at a metadata service."""
    with EvilServer(place) as private:
        private.routes["/x"] = redirect(evil.url)
        evil.routes["/x"] = redirect(private.url)
        for url in (private.url, evil.url):
            with pytest.raises(NetworkError, match=ELSEWHERE):
                transport.get(url + "x", limit=10)
        assert (["/x"], ["/x"]) == (evil.paths, private.paths)


def test_a_name_that_leads_to_a_private_place_is_not_connected(
    evil: EvilServer, public: EvilServer
) -> None:
    names = {"public.example": ["127.0.0.2"], "inner.example": ["127.0.0.1"]}
    public.routes["/x"] = redirect(f"http://inner.example:{evil.port}/")
    with HttpTransport(place=pretended, resolve=resolver(names)) as transport:
        with pytest.raises(NetworkError, match=ELSEWHERE):
            transport.get(f"http://public.example:{public.port}/x", limit=10)
    assert 0 == evil.connections


def test_of_several_addresses_the_public_one_is_taken(public: EvilServer) -> None:
    names = {"public.example": ["127.0.0.2"], "both.example": ["127.0.0.1", "127.0.0.2"]}
    public.routes["/y"] = answer(b"text")
    public.routes["/x"] = redirect(f"http://both.example:{public.port}/y")
    with (
        EvilServer("127.0.0.1") as other,
        HttpTransport(place=pretended, resolve=resolver(names)) as transport,
    ):
        body = transport.get(f"http://public.example:{public.port}/x", limit=10).body
        assert b"text" == body
        assert 0 == other.connections


def test_a_name_that_changes_its_mind_is_not_followed() -> None:
    """DNS rebinding: public when first asked, this machine when asked again."""
    names = {"flip.example!": ["127.0.0.2", "127.0.0.1"]}
    with (
        EvilServer("127.0.0.2") as public,
        HttpTransport(place=pretended, resolve=resolver(names)) as transport,
    ):
        public.routes["/x"] = redirect("/y")
        with pytest.raises(NetworkError, match=ELSEWHERE):
            transport.get(f"http://flip.example:{public.port}/x", limit=10)
        assert ["/x"] == public.paths


def test_the_peer_counts_and_not_what_was_looked_up(evil: EvilServer, public: EvilServer) -> None:
    """0.0.0.0 passes here for public, but the socket arrives at this machine."""
    public.routes["/x"] = redirect(f"http://odd.example:{evil.port}/")
    names = {"odd.example": ["0.0.0.0"]}

    def place(address: str) -> Any:
        return "public" if address == "0.0.0.0" else pretended(address)

    with HttpTransport(place=place, resolve=resolver(names)) as transport:
        with pytest.raises(NetworkError, match=ELSEWHERE):
            transport.get(public.url + "x", limit=10)
    assert [] == evil.visits


def test_a_kept_connection_is_no_way_in(evil: EvilServer, public: EvilServer) -> None:
    """A connection made when its URL was the remote's own is not lent to a redirect."""
    names = {"inner.example": ["127.0.0.1"]}
    inner = f"http://inner.example:{evil.port}/"
    evil.routes["/own"] = evil.routes["/secret"] = answer(b"text")
    public.routes["/x"] = redirect(inner + "secret")
    with HttpTransport(place=pretended, resolve=resolver(names)) as transport:
        assert b"text" == transport.get(inner + "own", limit=10).body
        with pytest.raises(NetworkError, match=ELSEWHERE):
            transport.get(public.url + "x", limit=10)
        assert b"text" == transport.get(inner + "own", limit=10).body
    assert ["/own", "/own"] == evil.paths


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("93.184.216.34", "public"),
        ("2606:2800:220:1::1", "public"),
        ("::ffff:93.184.216.34", "public"),
        ("64:ff9b::5db8:d822", "public"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%2", "link-local"),
        ("2002:a9fe:a9fe::", "link-local"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("198.18.0.1", "private"),
        ("192.0.2.1", "private"),
        ("240.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("0.1.2.3", "private"),
        ("fc00::1", "private"),
        ("fec0::1", "private"),
        ("2001:db8::1", "private"),
        ("::127.0.0.1", "private"),
        ("0.0.0.0", "nowhere"),
        ("::", "nowhere"),
        ("224.0.0.1", "nowhere"),
        ("239.255.255.250", "nowhere"),
        ("ff02::1", "nowhere"),
    ],
)
def test_where_an_address_is(address: str, place: str) -> None:
    assert place == place_of(address)


# --- TLS ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, and its key."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[EvilServer]:
    with EvilServer(certificate=certificate) as server:
        yield server


@pytest.fixture
def trusting(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))


@pytest.mark.usefixtures("trusting")
def test_tls_with_a_certificate_of_the_environment(
    secure: EvilServer, transport: Transport
) -> None:
    secure.routes["/x"] = answer(b"text")
    for _ in range(2):
        assert b"text" == transport.get(secure.url + "x", limit=10).body
    assert 1 == secure.connections


def test_an_unknown_certificate_is_refused(secure: EvilServer, transport: Transport) -> None:
    secure.routes["/x"] = answer(b"text")
    with pytest.raises(NetworkError, match=r"^certificate not trusted: self.signed certificate$"):
        transport.get(secure.url + "x", limit=10)
    assert [] == secure.visits


@pytest.mark.usefixtures("trusting")
def test_a_certificate_of_another_name_is_refused(secure: EvilServer) -> None:
    names = {"other.example": ["127.0.0.1"]}
    with HttpTransport(resolve=resolver(names)) as transport:
        with pytest.raises(NetworkError, match=r"^certificate not trusted: .*other\.example"):
            transport.get(f"https://other.example:{secure.port}/x", limit=10)


def test_a_missing_certificate_bundle_is_named(
    secure: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/\x1b[31mca.pem")
    with pytest.raises(NetworkError) as caught:
        transport.get(secure.url + "x", limit=10)
    assert "/nonexistent/" in caught.value.message
    assert caught.value.message.isprintable()


def test_no_tls_where_tls_is_expected(transport: Transport) -> None:
    def talk(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.recv(10_000)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(talk, listener)
        with pytest.raises(NetworkError, match=r"^no TLS connection: wrong version number$"):
            transport.get(f"https://127.0.0.1:{listener.getsockname()[1]}/", limit=10)


def test_a_tls_handshake_that_never_comes_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with HttpTransport(Limits(connect_seconds=0.2)) as transport:
            with pytest.raises(NetworkError, match=r"^timed out after 0\.2 s$"):
                transport.get(f"https://127.0.0.1:{listener.getsockname()[1]}/", limit=10)


@pytest.mark.usefixtures("trusting")
def test_silence_and_drips_over_tls_are_ended(secure: EvilServer) -> None:
    secure.routes["/silent"] = silence(head("Content-Length: 10"))
    secure.routes["/slow"] = drip(head("Content-Length: 900"), b"x", 0.03)
    with HttpTransport(QUICK) as transport:
        with pytest.raises(NetworkError, match=r"KiB/s$"):
            transport.get(secure.url + "slow", limit=MIB)
    with HttpTransport(Limits(idle_seconds=0.15)) as transport:
        with pytest.raises(NetworkError, match=r"^timed out after 0\.15 s$"):
            transport.get(secure.url + "silent", limit=MIB)


@pytest.mark.usefixtures("trusting")
def test_a_redirect_from_https_to_http_is_refused(
    evil: EvilServer, secure: EvilServer, transport: Transport
) -> None:
    secure.routes["/x"] = redirect(evil.url + "y")
    with pytest.raises(NetworkError, match=r"^a redirect from https to http is not followed$"):
        transport.get(secure.url + "x", limit=10)
    assert 0 == evil.connections


@pytest.mark.usefixtures("trusting")
def test_a_redirect_from_http_to_https_is_followed(
    evil: EvilServer, secure: EvilServer, transport: Transport
) -> None:
    secure.routes["/y"] = answer(b"text")
    evil.routes["/x"] = redirect(secure.url + "y")
    assert b"text" == transport.get(evil.url + "x", limit=10).body


# --- proxies --------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", evil.url)
    monkeypatch.setenv("http_proxy", evil.url)
    evil.routes["http://example.org/x"] = answer(b"text")
    assert b"text" == transport.get("http://example.org/x", limit=10).body


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "[::1]", "0x7f.1"])
def test_a_redirect_through_a_proxy_to_a_written_private_place_is_refused(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", evil.url)
    evil.routes["http://example.org/x"] = redirect(f"http://{host}/")
    with pytest.raises(NetworkError, match=ELSEWHERE):
        transport.get("http://example.org/x", limit=10)
    assert ["http://example.org/x"] == evil.paths


def test_a_redirect_past_the_proxy_to_a_private_place_is_refused(
    evil: EvilServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the proxy is not asked for is checked as connected."""
    monkeypatch.setenv("http_proxy", evil.url)
    monkeypatch.setenv("no_proxy", "inner.example")
    evil.routes["http://example.org/x"] = redirect(f"http://inner.example:{evil.port}/")
    names = {"inner.example": ["127.0.0.1"]}
    with HttpTransport(place=pretended, resolve=resolver(names)) as transport:
        with pytest.raises(NetworkError, match=ELSEWHERE):
            transport.get("http://example.org/x", limit=10)
    assert ["http://example.org/x"] == evil.paths


@pytest.mark.usefixtures("trusting")
def test_https_through_a_proxy_is_verified_and_bounded(
    evil: EvilServer, secure: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", evil.url)
    evil.routes[f"127.0.0.1:{secure.port}"] = tunnel(secure.port)
    evil.routes["other.example:443"] = tunnel(secure.port)
    secure.routes["/x"] = answer(b"text")
    assert b"text" == transport.get(secure.url + "x", limit=10).body
    with pytest.raises(NetworkError, match="more bytes"):
        transport.get(secure.url + "x", limit=3)
    with pytest.raises(NetworkError, match="certificate not trusted"):
        transport.get("https://other.example/x", limit=10)


def test_a_proxy_that_refuses_is_named(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", evil.url)
    evil.routes["example.org:443"] = answer(b"", status="403 \x1b[31mForbidden")
    with pytest.raises(NetworkError) as caught:
        transport.get("https://example.org/x", limit=10)
    assert "proxy: 403 Forbidden" == caught.value.message


def test_an_endless_answer_of_a_proxy_is_ended(
    evil: EvilServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", evil.url)
    # Until Python 3.11 http.client has no bound of its own there; later it counts the lines.
    words = "^proxy: (the header of the answer is too large|the answer is not HTTP)$"
    for start, again in (
        (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
        (b"HTTP/1.1 200 OK\r\na: ", b"b" * 1000),
        (b"HTTP/1.1 200 ", b"x" * 1000),
        (b"", b"\x00"),
    ):
        evil.routes["example.org:443"] = endless(start, again)
        with pytest.raises(NetworkError, match=words):
            transport.get("https://example.org/x", limit=10)


def test_silence_and_drips_of_a_proxy_are_ended(
    evil: EvilServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And told of the proxy, not of the server."""
    monkeypatch.setenv("https_proxy", evil.url)
    evil.routes["silent.example:443"] = silence(b"HTTP/1.1 200 OK\r\n")
    evil.routes["slow.example:443"] = drip(b"HTTP/1.1 200 OK\r\na: ", b"b", 0.03)
    evil.routes["gone.example:443"] = raw(b"")
    with HttpTransport(Limits(idle_seconds=0.15)) as transport:
        with pytest.raises(NetworkError, match=r"^proxy: timed out after 0\.15 s$"):
            transport.get("https://silent.example/x", limit=10)
        with pytest.raises(NetworkError, match=r"^proxy: the server closed the connection"):
            transport.get("https://gone.example/x", limit=10)
    with HttpTransport(QUICK) as transport:
        with pytest.raises(NetworkError, match=r"^proxy: .* less than 2 KiB/s$"):
            transport.get("https://slow.example/x", limit=10)


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://127.0.0.1:1", "^proxy: connection refused$"),
        ("socks5://127.0.0.1:1", "^SOCKS proxies are not supported$"),
        ("http://me:secret@", "^the request failed$"),
        ("http://me:secret@[1", "malformed$"),
        ("gopher://127.0.0.1", "^the URL, or that of the proxy, is malformed$"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_an_error(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(NetworkError, match=words) as caught:
        transport.get("http://example.org/x", limit=10)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("host", [".example.org", "a" * 64 + ".org", "[::1.2]", "1.2.3.4.5"])
def test_a_host_that_cannot_be_is_an_error(host: str) -> None:
    def resolve(host: str, port: int) -> list[tuple[Any, ...]]:
        host.encode("idna")
        raise socket.gaierror(socket.EAI_NONAME, "")

    with HttpTransport(resolve=resolve) as transport:
        with pytest.raises(NetworkError, match=r"malformed$|^name not found$"):
            transport.get(f"http://{host}/", limit=10)


# --- a real server --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("www")
    (folder / "repo.json").write_bytes(b'{"data": {}}' + b" " * 100_000)
    (folder / "object").write_bytes(os.urandom(100_000))
    (folder / "sub").mkdir()
    (folder / "sub" / "index.html").write_text("page")
    return folder


@pytest.fixture(scope="module")
def nginx_url(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if nginx.PROGRAM is None:
        pytest.skip("nginx is not installed")
    work = tmp_path_factory.mktemp("nginx")
    packed = f"location /gz/ {{ gzip on; alias {folder}/; }}"
    with nginx.Nginx(folder, work, packed) as running:
        yield running.url


@pytest.mark.parametrize("path", ["repo.json", "object", "gz/repo.json"])
def test_an_unchanged_file_is_not_sent_again(
    nginx_url: str, transport: Transport, path: str
) -> None:
    first = transport.get(nginx_url + path, limit=MIB)
    assert first.body is not None and first.validators.etag and first.validators.last_modified
    assert first.validators.etag.startswith("W/") == path.startswith("gz/")
    again = transport.get(nginx_url + path, limit=MIB, validators=first.validators)
    assert None is again.body
    by_time = Validators(None, first.validators.last_modified)
    assert None is transport.get(nginx_url + path, limit=MIB, validators=by_time).body


def test_a_changed_file_is_sent_again(nginx_url: str, folder: Path, transport: Transport) -> None:
    path = folder / "changing"
    path.write_bytes(b"one")
    first = transport.get(nginx_url + "changing", limit=10)
    path.write_bytes(b"two and more")
    again = transport.get(nginx_url + "changing", limit=20, validators=first.validators)
    assert b"two and more" == again.body
    assert first.validators.etag != again.validators.etag


def test_a_packed_file_is_bounded_by_what_it_unpacks_to(
    nginx_url: str, folder: Path, transport: Transport
) -> None:
    body = (folder / "repo.json").read_bytes()
    assert body == transport.get(nginx_url + "gz/repo.json", limit=len(body)).body
    with pytest.raises(NetworkError) as caught:
        transport.get(nginx_url + "gz/repo.json", limit=len(body) - 1)
    assert "too-large" == caught.value.reason


def test_a_missing_file_and_a_folder(nginx_url: str, transport: Transport) -> None:
    with pytest.raises(NetworkError, match=r"^404 Not Found$"):
        transport.get(nginx_url + "missing", limit=10)
    response = transport.get(nginx_url + "sub", limit=10)
    assert (b"page", nginx_url + "sub/") == (response.body, response.url)


def test_many_threads_fetch_from_a_real_server(
    nginx_url: str, folder: Path, transport: Transport
) -> None:
    body = (folder / "object").read_bytes()
    barrier = threading.Barrier(8)

    def fetch(_: int) -> bool:
        barrier.wait(5)
        return body == transport.get(nginx_url + "object", limit=len(body)).body

    with ThreadPoolExecutor(8) as pool:
        assert [True] * 16 == list(pool.map(fetch, range(16)))


# --- the URL of a remote --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://world.com/signet/", "http://world.com/signet/"),
        ("http://world.com/signet", "http://world.com/signet/"),
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG/Path", "https://example.org/Path/"),
        ("http://example.org:8080/a", "http://example.org:8080/a/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("http://localhost/", "http://localhost/"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a/"),
        ("http://[2001:DB8:0::1]/", "http://[2001:db8::1]/"),
        ("http://my_host.example.org./~me/a%20b/", "http://my_host.example.org./~me/a%20b/"),
        ("http://m\xfcnchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://xn--mnchen-3ya.example/", "http://xn--mnchen-3ya.example/"),
    ],
)
def test_a_url_is_kept_in_one_form(url: str, expected: str) -> None:
    assert expected == check_url(url)
    assert expected == check_url(expected)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "/var/www",
        "file:///etc/passwd",
        "ftp://example.org/",
        "http:/example.org/",
        "http:example.org",
        "http://",
        "http:///path",
        "http://:80/",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://@example.org/",
        "http://example.org/?a=b",
        "http://example.org/?",
        "http://example.org/#",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://example.org:a/",
        "http://example.org:80:80/",
        "http://exa mple.org/",
        "http://example.org/a b",
        "http://example.org/\n",
        "http://example.org\\/",
        "http://example.org/\x1b[31m",
        "http://example.org/\u202e",
        "http://example.org/\xfc",
        "http://example.org/%zz",
        "http://example.org/a/../b",
        "http://example.org/a/%2E%2e/b",
        "http://example.org/./",
        "http://-example.org/",
        "http://example..org/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 127 + "org/",
        "http://\u202eexample.org/",
        "http://ex\u2215ample.org/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.a]/",
        "http://example.org/" + "a" * 3000,
    ],
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert caught.value.message.isprintable()
    assert "secret" not in caught.value.message
