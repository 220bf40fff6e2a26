"""tests/cli/test_run_django.py, each through a loader: `./manage`; and the server that reloads."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.test_run_django import *  # noqa: F403 - all of its tests
from tests.cli.test_run_django import started
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds


@pytest.fixture(scope="module")
def _first(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    for app in started(seeds, wheels.system()):
        yield loaded(app).built()


@pytest.fixture
def django(_first: Loaded) -> Loaded:
    """What a test changes for a while is as it was."""
    return _first


def answered(port: int) -> int:
    """The status of the first page."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
        return int(page.status)


def test_the_server_reloads_and_refuses_what_was_changed(_first: Loaded) -> None:
    """Its reloader starts `sys.executable`, which is the loader, with the words of the program; an
    edit of the settings is seen by it, and is not run."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = _first.place / "s/settings.py"
    urls = _first.place / "s/urls.py"
    process = subprocess.Popen(
        [_first.loader, "runserver", f"127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_first.person.environment,
        cwd=_first.place,
        text=True,
        start_new_session=True,
    )
    try:
        found = 0
        for _ in range(600):
            with suppress(OSError):
                found = answered(port)
                break
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        assert 200 == found
        os.utime(urls)  # of another time, and with the same bytes: it comes up again
        time.sleep(3)
        for _ in range(300):
            with suppress(OSError):
                found = answered(port)
                break
            time.sleep(0.1)
        assert process.poll() is None
        with apps.attack(settings, settings.read_text() + _first.evil):
            assert 111 == process.wait(60)
            assert not _first.was_evil()
            _first.plain("check")
            assert _first.was_evil()
        assert process.stderr is not None
        assert "s/settings.py" in process.stderr.read()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        if process.stderr is not None:
            process.stderr.close()
        (_first.place / "db.sqlite3").unlink(missing_ok=True)
