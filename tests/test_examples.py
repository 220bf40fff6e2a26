"""The examples do what their pages show, with real keys."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import ROOT, TIMEOUT

HOST = ROOT / "examples/host"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """What make.py makes."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    room = Path(tempfile.mkdtemp(prefix="sig-", dir="/tmp"))
    ran = subprocess.run(
        [sys.executable, HOST / "make.py", room / "host"],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (0, "", "") == (ran.returncode, ran.stdout, ran.stderr), ran
    yield room / "host"
    shutil.rmtree(room, ignore_errors=True)


def run(
    place: Path, *words: str | Path, input: str = "", home: str = "alice"
) -> subprocess.CompletedProcess[str]:
    """A Python in the home of Alice."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "SIG_"}
    return subprocess.run(
        [sys.executable, *words],
        input=input,
        env=environment | {"HOME": str(place / home), "GNUPGHOME": str(place / home / ".gnupg")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def test_the_host_loads_the_good_one_and_says_why_it_leaves_the_others_out(place: Path) -> None:
    """Word for word what the page shows; plain Python runs the tampered one."""
    (block,) = re.findall(r"```console\n(.*?)```", (HOST / "README.md").read_text(), re.DOTALL)
    _, _, shown = block.partition("host.py /tmp/host/plugins\n")

    ran = run(place, HOST / "host.py", place / "plugins")

    assert (0, "") == (ran.returncode, ran.stderr), ran
    assert shown == ran.stdout.replace(str(place), "/tmp/host")
    code = f"import sys; sys.path[0] = {str(place / 'plugins')!r}; import tampered"
    plain = run(place, "-c", code)
    assert "evil code ran\n" == plain.stderr


def test_the_host_asks_and_shows_who_says_what(place: Path) -> None:
    """In the order of the names: mixed, revoked, tampered, unsigned."""
    ran = run(place, HOST / "host.py", place / "plugins", "--ask", input="no\nno\nno\nonce\n")

    lines = ran.stdout.splitlines()
    assert 0 == ran.returncode, ran
    assert "unsigned: who signed this?" == lines[-1].rpartition("(once/always/no): ")[2]
    assert "key-revoked Mallory <mallory@example.org>" in ran.stderr
    assert 4 == len([line for line in lines if "Load it once" in line])


def test_the_command_says_the_same(place: Path) -> None:
    """`sig plugin verify`, a line for each, and 1."""
    ran = run(place, "-m", "sig", "plugin", "verify", place / "plugins")

    assert 1 == ran.returncode, ran
    assert "5 plug-ins: 1 ok, 0 marked bad, 3 not verified, 1 unknown, 0 unreadable" in ran.stderr
