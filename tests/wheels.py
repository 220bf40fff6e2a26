"""Real wheels and real environments for tests, without a network.

    python = environment(alice.place / "v", SYSTEM, "requests==2.32.3")
    archive = wheel("numpy", python="3.13")

What may be asked for stands in tests/wheels.txt; ``make`` fetched it (tools/wheels.py). What lacks
is a failure that names the command, never a test that was left out.
An environment is made once a session, by venv and pip as a user would, and copied: it may be
changed. No program of its bin folder but its python is used, so nothing needs the path it was
made at.
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tools import wheels

SYSTEM = str(wheels.SYSTEM)
TIMEOUT = 120


@cache
def _room() -> Path:
    """A folder for this session."""
    room = Path(tempfile.mkdtemp(prefix="sig-wheels-"))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return room


def _lacks(names: str) -> None:
    pytest.fail(
        f"wheels for tests are not in {wheels.folder()}: {names}\n"
        "hint: make wheels    (once, with the network up)",
        pytrace=False,
    )


def system() -> str:
    """The system's Python, as ``python`` of `environment`; skips where there is none."""
    if wheels.system() is None:
        oldest, newest = (".".join(map(str, one)) for one in (wheels.OLDEST, wheels.NEWEST))
        pytest.skip(f"{SYSTEM} is not there, or none of {oldest} to {newest}")
    return SYSTEM


def other() -> str:
    """A Python that is not the system's, as ``python`` of `environment`; skips without one."""
    found = wheels.other()
    if found is None:
        pytest.skip("there is no Python but the system's")
    return str(found.program)


def wheel(requirement: str, python: str = "3.11") -> Path:
    """The wheel of ``NAME==VERSION``, or of NAME where one version is listed, for a Python."""
    listed = [one for one in wheels.requirements() if requirement in (one.name, str(one))]
    assert 1 == len(listed), f"{requirement} is not (one) in {wheels.LIST}: {listed}"
    found = wheels.find(listed[0], python)
    if found is None:
        _lacks(f"{requirement} for Python {python}")
    assert found is not None
    return found


@cache
def shelf(python: str) -> Path:
    """A folder with every listed wheel for a Python and nothing else, for ``--find-links``."""
    found = _room() / f"wheels-{python}"
    found.mkdir()
    lacking = []
    for one in wheels.requirements():
        path = wheels.find(one, python)
        if path is None:
            lacking.append(str(one))
        else:
            (found / path.name).symlink_to(path)
    if lacking:
        found.joinpath("lacking").write_text(", ".join(lacking))
    return found


@cache
def version(python: str) -> str:
    """The version of a program or an environment's python, as in ``3.11``."""
    words = (python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    ran = subprocess.run(words, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    return ran.stdout.strip()


def pip(python: str | Path, *words: str | Path) -> None:
    """``pip install WORDS`` into an environment, from the listed wheels alone."""
    found = shelf(version(os.path.realpath(python)))
    if (found / "lacking").exists():
        _lacks((found / "lacking").read_text())
    # The settings of whoever runs the tests are for the network.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"),
            *("install", "--quiet", "--no-index", "--find-links", found, *words),
        ],
        env=kept | {"PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert 0 == ran.returncode, ran.stderr


@cache
def _made(python: str, requirements: tuple[str, ...]) -> Path:
    """The environment that copies are made of."""
    found = Path(tempfile.mkdtemp(dir=_room())) / "venv"
    # Debian has venv without ensurepip; ours brings the pip.
    words = (python, "-m", "venv", "--without-pip", found)
    subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)
    if requirements:
        pip(found / "bin/python", *requirements)
    return found


def copy(source: Path, target: Path) -> Path:
    """A folder as it is: times, modes and links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", source, target], check=True, timeout=TIMEOUT)
    return target


def moved(prefix: Path, before: Path, after: Path) -> None:
    """What pip wrote into an environment about a project in `before` says `after`, as if it were
    installed there. Both are of the same length: so bytecode is right too."""
    assert len(str(before)) == len(str(after)), (before, after)
    hashes = {}
    (site,) = prefix.glob("lib/python*/site-packages")
    for path in (*prefix.glob("bin/*"), *site.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data, status = path.read_bytes(), path.stat()
        if bytes(before) not in data:
            continue
        new = data.replace(bytes(before), bytes(after))
        path.write_bytes(new)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        hashes[_recorded(data)] = _recorded(new)
    for path in site.glob("*.dist-info/RECORD"):
        text = path.read_text()
        for old, recorded in hashes.items():
            text = text.replace(old, recorded)
        path.write_text(text)


def _recorded(data: bytes) -> str:
    """The hash of a file as it stands in a RECORD."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f"sha256={digest.decode().rstrip('=')}"


def environment(folder: Path, python: str = SYSTEM, *requirements: str) -> Path:
    """Make an environment in `folder`, with what it needs installed: its python.

    `requirements` are pip's; what they depend on comes along.
    """
    assert not folder.exists(), folder
    return copy(_made(python, requirements), folder) / "bin/python"
