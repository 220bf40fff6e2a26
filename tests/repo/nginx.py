"""A real nginx on a free port of 127.0.0.1, serving a folder for the time of a test."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAM = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")

_CONFIG = """
daemon off;
master_process off;
pid tmp/nginx.pid;
error_log stderr error;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    types {{ text/html html; application/json json; text/plain asc; }}
    default_type application/octet-stream;
    gzip_types application/json text/plain;
    gzip_min_length 100;
    server {{
        listen 127.0.0.1:{port};
        root "{root}";
        {extra}
    }}
}}
"""


class Nginx:
    """Serves `root`; `extra` goes into its server block. `work` is an empty folder for its own.

    Its ETag is the modification time in seconds and the size: two versions of equal size within
    one second look unchanged to it.
    """

    def __init__(self, root: Path, work: Path, extra: str = "") -> None:
        self.root = root
        self._work = work
        self._extra = extra
        self.url = ""

    def __enter__(self) -> Nginx:
        assert PROGRAM is not None
        (self._work / "tmp").mkdir(parents=True)
        config = self._work / "nginx.conf"
        for _ in range(5):  # someone else may take the port between the look and the use
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            config.write_text(_CONFIG.format(port=port, root=self.root, extra=self._extra))
            with (self._work / "stderr").open("wb") as stderr:
                self._process = subprocess.Popen(
                    [PROGRAM, "-p", str(self._work), "-e", "stderr", "-c", str(config)],
                    stdin=subprocess.DEVNULL,
                    stderr=stderr,
                )
            if self._answers(port):
                self.url = f"http://127.0.0.1:{port}/"
                return self
            self._stop()
        raise RuntimeError((self._work / "stderr").read_text())

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _answers(self, port: int) -> bool:
        end = time.monotonic() + 10
        while time.monotonic() < end and self._process.poll() is None:
            if (self._work / "tmp" / "nginx.pid").exists():  # written once it listens
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    return True
            time.sleep(0.01)
        return False

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
