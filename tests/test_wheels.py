"""The wheels that tests install: pinned, fetched once, installed without a network."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests import wheels

ROOT = Path(__file__).parent.parent


def fetch(place: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """tools/wheels.py with a cache at `place`, and without any network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "SIG_TEST_CACHE": str(place)}
    return subprocess.run(
        [sys.executable, ROOT / "tools/wheels.py", *words],
        env=kept | offline | more,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_wheel_is_found_by_its_hash() -> None:
    """Its bytes are the listed ones, and of several those for the Python that is asked for."""
    version = wheels.version(os.path.realpath(sys.executable))
    for name in ("requests==2.32.3", "numpy"):
        found = wheels.wheel(name, version)
        digest = hashlib.sha256(found.read_bytes()).hexdigest()
        assert digest in (ROOT / "tests/wheels.txt").read_text()
    assert f"-cp{version.replace('.', '')}-" in found.name


def test_an_environment_is_a_copy_that_works(tmp_path: Path) -> None:
    """One may be damaged, the next is whole; what a package needs came along."""
    python = wheels.environment(tmp_path / "v", wheels.system(), "requests==2.32.3")
    (damaged,) = (tmp_path / "v").glob("lib/*/site-packages/requests/__init__.py")
    damaged.write_text("raise SystemExit(3)\n")
    words = ("-c", "import requests; print(requests.__version__, requests.__file__)")
    assert 3 == subprocess.run([python, *words], timeout=60).returncode

    again = wheels.environment(tmp_path / "w", wheels.system(), "requests==2.32.3")
    ran = subprocess.run([again, *words], capture_output=True, text=True, timeout=60)
    assert ran.stdout.startswith(f"2.32.3 {tmp_path}/w/lib/")


def test_nothing_is_fetched_where_all_is_there(tmp_path: Path) -> None:
    """And nothing is said; the twin of the next."""
    for path in wheels.wheel("idna").parent.glob("*.whl"):
        (tmp_path / path.name).symlink_to(path)

    ran = fetch(tmp_path)

    assert (0, "", "") == (ran.returncode, ran.stdout, ran.stderr)


def test_an_empty_cache_without_a_network_is_an_error(tmp_path: Path) -> None:
    """Of the command, with what lacks; nothing half done stays behind."""
    ran = fetch(tmp_path / "cache")

    assert 1 == ran.returncode
    assert "error: not fetched: requests==2.32.3 requests==2.32.4 " in ran.stderr
    assert "hint: is the network up? (pip config list)" == ran.stderr.splitlines()[-1]
    assert [] == list((tmp_path / "cache").iterdir())


def test_a_forged_wheel_is_missing(tmp_path: Path) -> None:
    """Other bytes under a listed name are neither installed nor left alone."""
    for path in wheels.wheel("idna").parent.glob("*.whl"):
        (tmp_path / path.name).symlink_to(path)
    forged = tmp_path / wheels.wheel("idna").name
    forged.unlink()
    forged.write_bytes(b"PK")

    ran = fetch(tmp_path)

    assert 1 == ran.returncode
    assert "error: not fetched: idna==3.20" in ran.stderr


def test_tests_without_their_wheels_fail_and_name_the_command(tmp_path: Path) -> None:
    """A test that is left out would be taken for one that passed."""
    wheels.system()
    (tmp_path / "test_one.py").write_text(
        "from tests import wheels\n\n\ndef test_one(tmp_path):\n"
        "    wheels.environment(tmp_path / 'v', wheels.system(), 'requests==2.32.3')\n"
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            tmp_path / "test_one.py",
        ],
        env=os.environ | {"SIG_TEST_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert 1 == ran.returncode
    assert f"wheels for tests are not in {tmp_path}/cache: requests==2.32.3, " in ran.stdout
    assert "hint: make wheels " in ran.stdout
    assert "make wheels" in (ROOT / "CONTRIBUTING.md").read_text()
