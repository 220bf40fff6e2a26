"""A fast server of a folder on loopback, which writes down every request it answers.

nginx where it is installed, else Python's own server, in a process of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

_CONFIG = """
daemon off;
master_process off;
pid tmp/nginx.pid;
error_log stderr error;
events {{ worker_connections 256; }}
http {{
    log_format plain "$request_method $request_uri $status $body_bytes_sent";
    access_log requests plain;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    types {{ application/json json; text/plain asc; }}
    server {{
        listen 127.0.0.1:{port};
        root "{root}";
    }}
}}
"""

_PYTHON = """
import functools, http.server, os, sys
port, root, log = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "a", buffering=1)
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_request(self, code="-", size="-"):
        sent = 0
        if int(code) == 200:
            sent = os.path.getsize(self.translate_path(self.path))
        log.write(f"{self.command} {self.path} {int(code)} {sent}\\n")
    def log_message(self, *words):
        pass
handler = functools.partial(Handler, directory=root)
http.server.ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the server's log; `sent` are the bytes of the body."""

    method: str
    path: str
    status: int
    sent: int


class Server:
    """Serves `root` from `url` for the time of a with statement; `work` is its own empty folder."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        self._log = work / "requests"
        self.url = ""

    def __enter__(self) -> Server:
        (self._work / "tmp").mkdir(parents=True)
        for _ in range(5):  # someone else may take the port between the look and the use
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self._process = subprocess.Popen(
                self._command(port), stdin=subprocess.DEVNULL, cwd=self._work
            )
            if self._answers(port):
                self.url = f"http://127.0.0.1:{port}/"
                return self
            self._stop()
        raise RuntimeError("the server does not start")

    def __exit__(self, *_: object) -> None:
        self._stop()

    def requests(self) -> list[Request]:
        """What was answered since the last call."""
        time.sleep(0.1)  # the line is written after the answer
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        with self._log.open("r+" if self._log.exists() else "w") as log:
            log.truncate(0)
        found = [line.strip("\0").split(" ") for line in lines]
        return [Request(words[0], words[1], int(words[2]), int(words[3])) for words in found]

    def _command(self, port: int) -> list[str]:
        if NGINX is None:
            return [sys.executable, "-c", _PYTHON, str(port), str(self._root), str(self._log)]
        config = self._work / "nginx.conf"
        config.write_text(_CONFIG.format(port=port, root=self._root))
        return [NGINX, "-p", str(self._work), "-e", "stderr", "-c", str(config)]

    def _answers(self, port: int) -> bool:
        end = time.monotonic() + 10
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return True
            time.sleep(0.02)
        return False

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
