"""What is in a native loader: the program, from where it may come, and the modules."""

from __future__ import annotations

import marshal
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

import sig
from sig.imports import building, packing
from sig.imports.bootstrap import FILE
from sig.imports.compiling import Compiler
from sig.model import loader
from sig.repo.python import python_of
from tests import wheels

ASK = """
import sys
from sig.errors import SigError
from sig.imports import building
try:
    found = building.program(lambda told: print("told", told))
except SigError as error:
    print("error", error.message, error.hint)
else:
    print("found", found)
print(building.known())
"""
VERSION = f"sig-verify {sig.__version__}\n".encode()
BUILT, BESIDE = b"\x7fELF built " + VERSION, b"\x7fELF beside " + VERSION
# Stands in for cargo: what it would build, and where.
SETUP = f"""\
#!/bin/sh
cd "$(dirname "$0")/.."
echo "$@" >asked
[ -e no-cargo ] && exit 0
[ -e broken ] && exit 101
mkdir -p native/target/release
printf '\\177ELF built sig-verify {sig.__version__}\\n' >native/target/release/sig-verify
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A source tree of sig, and an environment in which it is installed as editable."""
    root = tmp_path / "checkout"
    shutil.copytree(
        Path(str(sig.__file__)).parent, root / "sig", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name, content in {"tools/setup.sh": SETUP, "native/verify/Cargo.toml": ""}.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text(content)
    (root / "tools/setup.sh").chmod(0o755)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "v"], check=True)
    (site,) = tmp_path.glob("v/lib/python*/site-packages")
    (site / "sig.pth").write_text(f"{root}\n{Path(str(click.__file__)).parents[1]}\n")
    return root


def ask(checkout: Path) -> list[str]:
    """What is found from there."""
    ran = subprocess.run(
        [checkout.parent / "v/bin/python", "-P", "-c", ASK],
        capture_output=True,
        text=True,
        cwd=checkout.parent,
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout.splitlines()


def test_in_a_checkout_the_program_is_built_where_it_is_not_there(checkout: Path) -> None:
    """Once, with a line that says so."""
    told = ask(checkout)
    assert [
        "told building sig-verify, once: tools/setup.sh loader",
        f"found {BUILT!r}",
        f"{BUILT!r}",
    ] == told
    assert "loader" == (checkout / "asked").read_text().strip()
    assert f"found {BUILT!r}" == ask(checkout)[0]


def test_without_cargo_the_package_is_named(checkout: Path) -> None:
    """And where it does not build, that."""
    (checkout / "no-cargo").write_text("")
    place = checkout / "native/target/release/sig-verify"
    assert f"error no {place} pip install signet-sig[loader]" == ask(checkout)[1]
    (checkout / "no-cargo").rename(checkout / "broken")
    assert "error sig-verify could not be built make test" == ask(checkout)[1]


def test_the_program_beside_the_scripts_comes_first(checkout: Path) -> None:
    """Then nothing is built; and outside of a checkout it is the only one."""
    beside = checkout.parent / "v/bin/sig-verify"
    beside.write_bytes(BESIDE)
    assert [f"found {BESIDE!r}", f"{BESIDE!r}"] == ask(checkout)
    assert not (checkout / "asked").exists()
    beside.unlink()
    (checkout / "tools/setup.sh").unlink()
    assert f"error no {beside} pip install signet-sig[loader]" == ask(checkout)[0]


def test_what_is_no_program_of_its_own_is_refused(checkout: Path) -> None:
    """A link, a folder, a script, a loader, what is too large."""
    beside = checkout.parent / "v/bin/sig-verify"
    beside.symlink_to("/bin/true")
    assert "is a link" in ask(checkout)[0]
    beside.unlink()
    beside.mkdir()
    assert "is no regular file" in ask(checkout)[0]
    beside.rmdir()
    for content, why in [
        (b"#!/bin/sh\n", "is no program of this system"),
        (b"", "is no program of this system"),
        (b"\x7fELF" + b"sig loader 1\0\0\0\0", "is a loader already"),
        (b"\x7fELF" + b"sig loader 7\0\0\0\0", "is a loader already"),
    ]:
        beside.write_bytes(content)
        assert why in ask(checkout)[0]
        assert "None" == ask(checkout)[1]
    with beside.open("wb") as stream:
        stream.truncate(1 << 30)
    assert "is larger than" in ask(checkout)[0]


def test_a_program_of_another_version_is_refused(checkout: Path) -> None:
    """Who upgrades sig alone is told what else to upgrade; in a checkout it is built anew."""
    beside = checkout.parent / "v/bin/sig-verify"
    for version in ("0.0.1", f"{sig.__version__}1", f"{sig.__version__}.dev1"):
        beside.write_bytes(f"\x7fELF sig-verify {version}\n".encode())
        why = f"error {beside} is not that of sig {sig.__version__}"
        assert [f"{why} pip install signet-sig[loader]", "None"] == ask(checkout)
    beside.unlink()
    old = checkout / "native/target/release/sig-verify"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"\x7fELF sig-verify 0.0.1\n")
    assert f"found {BUILT!r}" == ask(checkout)[1]


def test_what_is_installed_for_one_user_has_its_program_beside_that_users_scripts(
    tmp_path: Path,
) -> None:
    """`pip install --user`: not where everybody's are."""
    packages = tmp_path / ".local/lib" / f"python{'.'.join(map(str, sys.version_info[:2]))}"
    site = packages / "site-packages"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(str(sig.__file__)).parent, site / "sig", ignore=ignored)
    (site / "others.pth").write_text(f"{Path(str(click.__file__)).parents[1]}\n")
    words = [sys._base_executable, "-c", ASK]  # type: ignore[attr-defined]
    place = tmp_path / ".local/bin/sig-verify"

    def told() -> list[str]:
        environment = {"HOME": str(tmp_path)}
        ran = subprocess.run(words, capture_output=True, text=True, cwd="/", env=environment)
        assert 0 == ran.returncode, ran.stderr
        return ran.stdout.splitlines()

    assert f"error no {place} pip install signet-sig[loader]" == told()[0]
    place.parent.mkdir()
    place.write_bytes(BESIDE)
    assert f"found {BESIDE!r}" == told()[0]


def test_modules_are_those_of_a_run_compiled_by_the_systems_python() -> None:
    """Each with its source, under the name that keeps it out of tracebacks; always the same."""
    python = python_of(wheels.system())
    found = building.modules(Compiler(python))
    assert {loader.FIRST, *packing.MODULES} == found.sources.keys() == found.compiled.keys()
    assert all(found.sources[name] == packing.source(name) for name in found.sources)
    assert found == building.modules(Compiler(python))
    asked = "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"
    ran = subprocess.run([python.executable, "-I", "-c", asked], capture_output=True, text=True)
    assert ran.stdout.strip() == found.magic
    if bytes.fromhex(found.magic) == packing.MAGIC_NUMBER:
        for raw in found.compiled.values():
            assert FILE == marshal.loads(raw).co_filename  # noqa: S302 - made a moment ago


def test_modules_that_are_others_are_told() -> None:
    """Other sources, other code; and where nobody can compile them, that."""
    python = python_of(wheels.system())
    good = building.modules(Compiler(python))
    assert building.is_ours(good, python.executable) is True
    evil = {**good.compiled, loader.FIRST: b"evil"}
    assert building.is_ours(good._replace(compiled=evil), python.executable) is False
    assert building.is_ours(good._replace(magic="00000000"), python.executable) is False
    other = {**good.sources, loader.FIRST: b"evil"}
    assert building.is_ours(good._replace(sources=other), python.executable) is False
    assert building.is_ours(good, "/nowhere/python3") is None
    assert building.is_ours(good, "/bin/sh") is None
