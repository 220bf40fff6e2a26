"""A web server on loopback that does what a hostile one would: on real sockets, one thread each.

`EvilServer.routes` maps a path (of a proxy: the whole target) to a behaviour, a function of one
`Visit`. The behaviours here are building blocks; a test may write its own. Nothing here sleeps
longer than the server lives.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Visit:
    """One request as it came, and the socket to answer on."""

    server: EvilServer
    connection: socket.socket
    number: int
    """The how many-th request of its connection, from 1."""
    peer: tuple[str, int]
    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def pause(self, seconds: float) -> None:
        if self.server.stopping.wait(seconds):
            raise ConnectionAbortedError("the server stops")


Behaviour = Callable[[Visit], "bool | None"]
"""True keeps the connection for another request."""


class EvilServer:
    """Listens from `__enter__` to `__exit__`; `visits` are the requests that came."""

    def __init__(
        self, address: str = "127.0.0.1", *, certificate: tuple[Path, Path] | None = None
    ) -> None:
        self.address = address
        self.routes: dict[str, Behaviour] = {}
        self.visits: list[Visit] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._context: ssl.SSLContext | None = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*certificate)
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):  # gone, or not HTTP
                    outer._serve(self.request, self.client_address)

        class Server(socketserver.ThreadingTCPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
            daemon_threads = True
            block_on_close = False
            allow_reuse_address = True
            request_queue_size = 64

        self._server = Server((address, 0), Handler)
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{scheme}://{host}:{self.port}/"

    @property
    def paths(self) -> list[str]:
        return [visit.target for visit in self.visits]

    def __enter__(self) -> EvilServer:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        self.connections += 1
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection, connection.makefile("rb") as stream:
            number = 0
            while line := stream.readline().decode("latin-1"):
                number += 1
                method, target, _ = line.split(" ")
                headers = {}
                while (field := stream.readline().decode("latin-1").strip()) != "":
                    name, _, value = field.partition(":")
                    headers[name.lower()] = value.strip()
                visit = Visit(self, connection, number, peer, method, target, headers)
                self.visits.append(visit)
                behaviour = self.routes.get(target, answer(b"not here", status="404 Not Found"))
                if not behaviour(visit):
                    with contextlib.suppress(OSError):
                        connection.shutdown(socket.SHUT_WR)
                    return


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> Behaviour:
    """What an honest server does."""

    def behave(visit: Visit) -> bool:
        visit.send(head(f"Content-Length: {len(body)}", *headers, status=status) + body)
        return True

    return behave


def head(*headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def raw(data: bytes) -> Behaviour:
    """These bytes and the end."""
    return lambda visit: visit.send(data)


def redirect(location: str | None, status: str = "302 Found") -> Behaviour:
    return answer(b"moved", *([] if location is None else [f"Location: {location}"]), status=status)


def chunked(*pieces: bytes) -> Behaviour:
    def behave(visit: Visit) -> bool:
        visit.send(head("Transfer-Encoding: chunked"))
        for piece in pieces:
            visit.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        visit.send(b"0\r\n\r\n")
        return True

    return behave


def endless(start: bytes, again: bytes) -> Behaviour:
    """`start`, then `again` for ever, as fast as it is taken."""

    def behave(visit: Visit) -> None:
        visit.send(start)
        block = again * (16384 // len(again) + 1)
        while not visit.server.stopping.is_set():
            visit.send(block)

    return behave


def drip(start: bytes, piece: bytes, pause: float) -> Behaviour:
    """`start`, then `piece` again and again with pauses."""

    def behave(visit: Visit) -> None:
        visit.send(start)
        while True:
            visit.send(piece)
            visit.pause(pause)

    return behave


def silence(start: bytes = b"") -> Behaviour:
    """`start`, and then nothing while the connection stays open."""

    def behave(visit: Visit) -> None:
        visit.send(start)
        visit.pause(60)

    return behave


def gzip_bomb(size: int) -> bytes:
    """`size` zero bytes, packed."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    packed = b"".join(packer.compress(block) for _ in range(size >> 20))
    return packed + packer.flush()


def tunnel(port: int) -> Behaviour:
    """What a proxy does on CONNECT: to a port of 127.0.0.1, whatever was asked for."""

    def behave(visit: Visit) -> None:
        with socket.create_connection(("127.0.0.1", port)) as inner:
            visit.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(inner, visit.connection), daemon=True)
            back.start()
            _pump(visit.connection, inner)
            back.join(1)

    return behave


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
