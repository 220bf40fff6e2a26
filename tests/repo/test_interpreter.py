"""The files of a build, as one list."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sig.errors import Refused
from sig.repo import interpreter
from sig.repo.python import Python, python_of
from tests import builds, wheels
from tests.builds import changed
from tests.imports.libraries import library


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a build."""
    return builds.build(tmp_path_factory.mktemp("builds") / "build", wheels.other())


@pytest.fixture
def python(program: Path) -> Python:
    """The same, described."""
    return python_of(str(program))


def paths(python: Python) -> set[str]:
    return set(interpreter.manifest_of(python).files)


def test_paths_are_those_below_the_prefix(program: Path, python: Python) -> None:
    """B1: wherever it lies, by whatever name it was asked for."""
    found = paths(python)
    prefix = program.parent.parent
    assert all((prefix / path).is_file() for path in found)
    (program.parent / "py").symlink_to(program.name)
    try:
        link = program.parent / "python3"
        link.symlink_to("py")
        assert paths(python_of(str(link))) == found
    finally:
        (program.parent / "py").unlink()
        link.unlink()


@pytest.mark.parametrize(
    "name",
    ["__pycache__/x.pyc", "test/x.py", "json/tests/x.py", "site-packages/x.py", "config-3/x.py"],
)
def test_what_does_not_belong_to_a_build_is_left_out(
    program: Path, python: Python, name: str
) -> None:
    """B1."""
    before = paths(python)
    with changed(builds.library(program) / name, ""):
        assert before == paths(python)
    with changed(builds.library(program) / "x.py", ""):
        assert before != paths(python)


def test_libraries_that_modules_need_belong_to_it(program: Path, python: Python) -> None:
    """B3: where ld.so would look, below the prefix; and what those need in turn."""
    prefix = program.parent.parent
    module = builds.library(program) / "lib-dynload/_x.so"
    before = paths(python)
    with (
        changed(module, library("_x.so", ["libone.so"], runpath="$ORIGIN/../../one")),
        changed(prefix / "lib/one/libone.so", library("libone.so", ["libtwo.so"])),
        changed(prefix / "lib/libtwo.so", library("libtwo.so")),
        changed(prefix / "lib/libthree.so", library("libthree.so")),
    ):
        found = paths(python)
    name = program.name
    assert {f"lib/{name}/lib-dynload/_x.so", "lib/libtwo.so", "lib/one/libone.so"} == found - before


def test_a_library_of_the_system_does_not(program: Path, python: Python) -> None:
    """B3."""
    before = paths(python)
    module = builds.library(program) / "lib-dynload/_x.so"
    with changed(module, library("_x.so", ["libc.so.6", "libm.so.6"])):
        assert paths(python) - before == {f"lib/{program.name}/lib-dynload/_x.so"}


def test_what_the_program_needs_lies_nowhere_else(
    program: Path, python: Python, tmp_path: Path
) -> None:
    """B3: what anybody could put there would run before Python."""
    elsewhere = tmp_path / "libfar.so"
    elsewhere.write_bytes(library("libfar.so"))
    made = library("", ["libfar.so"], runpath=str(tmp_path))
    with changed(program, made), pytest.raises(Refused, match="needs libfar.so"):
        paths(python)
    with changed(program, library("", ["libnowhere.so"])):
        with pytest.raises(Refused, match="needs libnowhere.so"):
            paths(python)


def test_a_link_stands_for_the_file_of_the_build_that_it_leads_to(
    program: Path, python: Python, tmp_path: Path
) -> None:
    """B4: Debian has such links. One that leads out of the build, to a folder or to nothing is no
    file of it."""
    folder = builds.library(program)
    before = interpreter.manifest_of(python).files
    outside = tmp_path / "outside.py"
    outside.write_text("")
    targets = {
        "one.py": Path("os.py"),
        "two.py": Path("one.py"),
        "json/three.py": folder / "this.py",
        "outside.py": outside,
        "folder": Path("json"),
        "site-packages/x.py": Path("../os.py"),
        "nothing.py": Path("nowhere"),
        "circle.py": Path("circle.py"),
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    try:
        found = interpreter.manifest_of(python).files
    finally:
        for name in targets:
            (folder / name).unlink()
    below = f"lib/{program.name}"
    assert {
        f"{below}/one.py": before[f"{below}/os.py"],
        f"{below}/two.py": before[f"{below}/os.py"],
        f"{below}/json/three.py": before[f"{below}/this.py"],
    } == dict(found.items() - before.items())


def test_a_copy_of_the_program_is_told_first(program: Path, tmp_path: Path) -> None:
    """Whatever else is odd about the library that it would use."""
    (builds.library(program) / "odd").symlink_to("/dev/null")
    subprocess.run([program, "-m", "venv", "--without-pip", "--copies", tmp_path / "v"], check=True)
    try:
        with pytest.raises(Refused, match="does not lie below"):
            paths(python_of(str(tmp_path / "v/bin/python3")))
    finally:
        (builds.library(program) / "odd").unlink()


def test_the_version_is_what_a_listed_header_says(program: Path, python: Python) -> None:
    """B5: not what an environment has noted, and not a header that was changed since."""
    files = interpreter.manifest_of(python).files
    assert 3 == len(interpreter.version(python, files).split("."))
    lied = python._replace(version="3.99.0")
    assert interpreter.version(python, files) == interpreter.version(lied, files)
    header = program.parent.parent / interpreter.header(python)
    with changed(header, '#define PY_VERSION "3.13.99"\n'):
        assert program.name.removeprefix("python") == interpreter.version(python, files)


def test_a_library_in_a_zip_is_not_listed(program: Path, python: Python) -> None:
    """What is in an archive has no digests of its own."""
    archive = program.parent.parent / "lib" / f"{program.name.replace('.', '')}.zip"
    before = paths(python)
    shutil.make_archive(str(archive.with_suffix("")), "zip", builds.library(program) / "json")
    try:
        assert before == paths(python_of(str(program)))
    finally:
        archive.unlink()
