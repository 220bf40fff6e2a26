"""The sealed file, and how it is started."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sig.errors import Refused
from sig.imports import bootstrap, packing, page
from sig.imports.plan import read
from tests.imports import child
from tests.imports.child import ENVIRONMENT, Program, Python, sealed, write


def test_the_file_is_a_plain_zip(program: Program) -> None:
    """Anybody can look into it: stored, sorted, without times or comment, always the same."""
    program.files({"main.py": "print(1)\n"})
    data = packing.pack(program.plan())

    assert data == packing.pack(program.plan())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert sorted(names) == names and b"" == archive.comment
        for entry in archive.infolist():
            assert zipfile.ZIP_STORED == entry.compress_type
            assert (b"", b"") == (entry.extra, entry.comment)
        assert program.plan() == read(archive.read("plan"))
        for name in packing.MODULES:
            path = Path(packing.__file__).with_name(f"{name}.py")
            assert path.read_bytes() == archive.read(f"source/{name}")


LOOKS_ROUND = (
    "import os, sys\n"
    "print(sys.argv, [x for x in sys.path if 'fd' in x], __file__, __spec__, __package__)\n"
    "print(len(os.listdir('/proc/self/fd')), list(sys.path_importer_cache))\n"
    "print(sorted(globals()), __import__('__future__').annotations.optional)\n"
    "try: import covered\n"
    "except ModuleNotFoundError: 1 / 0\n"
)


def test_nothing_of_the_file_is_found_any_more(program: Program) -> None:
    """Its descriptor is closed, and no path leads to it."""
    program.files({"main.py": LOOKS_ROUND})
    ended = program.run("a")

    assert 1 == ended.code and ended.err.endswith("ZeroDivisionError: division by zero\n")
    assert f"['main.py', 'a'] [] {program.app}/main.py None None\n4 []\n" in ended.out


def test_compiled_lines_leave_no_more_than_their_text(tmp_path: Path) -> None:
    """They are for the interpreter that these tests run in, and for no other file."""
    found = child._look(sys.executable)
    assert found is not None and packing.is_own(found.path)
    (tmp_path / "python").symlink_to(found.path)
    assert packing.is_own(str(tmp_path / "python"))
    assert not packing.is_own("/bin/sh") and not packing.is_own("/nowhere")
    program = Program(found, tmp_path / "program").files({"main.py": LOOKS_ROUND})
    ends = []
    for own in (True, False):
        descriptor = sealed(packing.pack(program.plan(), own=own))
        words = packing.command(found.path, descriptor, "main.py", ("a",), own=own)
        assert own == ("marshal" in words[5])
        ends.append(program._run(words, pass_fds=[descriptor]))
        os.close(descriptor)

    assert ends[0] == ends[1] == program.run("a")
    assert f"['main.py', 'a'] [] {program.app}/main.py None None\n4 []\n" in ends[0].out


def test_the_lines_know_what_the_bootstrap_is_called() -> None:
    """They import nothing of ours."""
    assert (page._NAME, page._FILE) == (bootstrap.PACKAGE, bootstrap.FILE)


def test_a_plan_that_contradicts_itself_is_not_packed(program: Program) -> None:
    """It is seen before anything is started."""
    program.files({"main.py": ""})
    with pytest.raises(Refused, match="not in the manifest of the app"):
        packing.pack(program.plan(entry=("file", "other.py")))


@pytest.mark.parametrize("way", ["a folder", "the search path"])
def test_the_interpreter_is_called_by_its_own_path(
    python: Python, tmp_path: Path, way: str
) -> None:
    """By the name of the script CPython would take the standard library that lies beside it."""
    version = f"python{python.version[0]}.{python.version[1]}"
    home = write(tmp_path / "home", {"bin/get": ""})
    (home / "bin/get").chmod(0o755)
    library = home / "lib" / version
    library.mkdir(parents=True)
    for entry in Path(python.stdlib[0]).iterdir():
        (library / entry.name).symlink_to(entry)
    name = "get" if way == "the search path" else str(home / "bin/get")
    words = (name, "-I", "-S", "-c", "import sys; print(sys.prefix)")
    environment = ENVIRONMENT | {"PATH": f"{home}/bin"}
    ended = subprocess.run(words, executable=python.path, capture_output=True, env=environment)
    assert f"{home}\n".encode() in ended.stdout  # the control

    words = packing.command(python.path, 50, name, ("-x", "y"))
    assert python.path == words[0]
    assert ("-I", "-S", "-B", "-c") == words[1:5]
    assert ("-x", "y") == words[6:]
    for relative in ("python3", "./python3", ""):
        with pytest.raises(ValueError):
            packing.command(relative, 3, name, ())


def test_a_file_that_is_cut_off_starts_nothing(program: Program) -> None:
    """Sealed, it cannot be; if it is, half a program does not run."""
    program.files({"main.py": "print(1)\n"})
    data = packing.pack(program.plan())
    for size in (page.TABLE + page.LENGTH, len(data) // 4):
        descriptor = sealed(data[:size])
        words = packing.command(program.python.path, descriptor, "main.py", ())
        ended = program._run(words, pass_fds=[descriptor])
        os.close(descriptor)
        assert (1, "", "sig: the sealed file cannot be read\n") == ended
