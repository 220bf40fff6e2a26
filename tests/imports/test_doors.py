"""Other ways to code than a name: each attack runs in plain Python first."""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.imports.child import ENVIRONMENT, Program, Python, write

EVIL = "print('EVIL')\n"


def compiled(python: Python, folder: Path, source: str = EVIL) -> bytes:
    """A bytecode file of this Python, as `py_compile` writes it: head and code."""
    write(folder, {"evil_source.py": source})
    subprocess.run(
        [python.path, "-I", "-c", "import py_compile; py_compile.compile('evil_source.py', 'x')"],
        cwd=folder,
        env=ENVIRONMENT,
        check=True,
    )
    os.unlink(folder / "evil_source.py")
    data = (folder / "x").read_bytes()
    os.unlink(folder / "x")
    return data


def put(program: Program, body: str) -> None:
    """A program with forged bytecode beside it."""
    program.files({"main.py": body})
    data = compiled(program.python, program.app)
    write(program.app, {"evil.pyc": data, "evil.code": data[16:]})
    with zipfile.ZipFile(program.app / "evil.zip", "w") as archive:
        archive.writestr("evil.pyc", data)


# --- D1, D2: what was judged is what is opened ----------------------------------------------------

SWAP = (
    "import importlib.util as u, importlib.machinery as m, os, runpy, string, _struct, sys\n"
    "def link(name, real):\n"
    "    os.symlink(real, 'link' + name)\n"
    "    plain, asked = os.path.realpath, []\n"
    "    def swapped(path, **more):\n"
    "        found = plain(path, **more)\n"
    "        if str(path).endswith('link' + name): asked.append(path)\n"
    "        if len(asked) == turn and os.path.islink(path): os.replace('evil' + name, path)\n"
    "        return found\n"
    "    turn = int(sys.argv[1])\n"
    "    if turn: os.path.realpath = swapped\n"
    "    else: os.replace('evil' + name, 'link' + name)\n"
    "def load(spec): spec.loader.exec_module(u.module_from_spec(spec))\n"
)
LINKS = {
    "a source": "link('.py', string.__file__); load(u.spec_from_file_location('x', 'link.py'))",
    "bytecode": "link('.pyc', string.__cached__)\nload(u.spec_from_file_location('x', 'link.pyc'))",
    "a script": "link('.py', string.__file__); runpy.run_path('link.py')",
}


@pytest.mark.parametrize("way", LINKS)
def test_a_link_that_changes_after_it_was_followed_leads_nowhere_else(
    program: Program, way: str
) -> None:
    """It led to a file of the system, which is plain Python's; that file is what is opened."""
    put(program, SWAP + LINKS[way] + "\n")
    kind = "pyc" if way == "bytecode" else "py"
    files = {"evil.py": EVIL.encode(), "evil.pyc": (program.app / "evil.pyc").read_bytes()}
    write(program.app, files)
    assert "EVIL" in program.plain("0").out
    found = []
    for turn in range(1, 5):  # whenever it is asked where the link leads
        write(program.app, files)
        os.unlink(program.app / f"link.{kind}")
        ended = program.run(str(turn))
        found.append(ended[:2])
        assert "EVIL" not in ended.out
    assert (0, "") in found


UPWARDS = {
    "a source": "load(u.spec_from_file_location('x', path(string.__file__)))",
    "bytecode": "load(u.spec_from_file_location('x', path(string.__cached__)))",
    "a loader": "m.SourceFileLoader('x', path(string.__file__)).load_module('x')",
    "an extension module": "load(u.spec_from_file_location('_struct', path(_struct.__file__)))",
}


@pytest.mark.parametrize("way", UPWARDS)
def test_a_path_leads_where_it_was_judged_to_lead(program: Program, way: str) -> None:
    """`link/../../usr/lib/…` looks like a file of the system, and is another one for the kernel."""
    put(
        program,
        "import importlib.util as u, importlib.machinery as m, os, runpy, string, _struct\n"
        "here = os.getcwd()\n"
        "def path(name): return here + '/link' + '/..' * here.count('/') + '/..' + name\n"
        "def load(spec): spec.loader.exec_module(u.module_from_spec(spec))\n"
        "print(string.__file__, string.__cached__, getattr(_struct, '__file__', ''))\n"
        f"{UPWARDS[way]}\n",
    )
    files = program.plain().out.split()
    if way == "an extension module" and len(files) < 3:
        pytest.skip("it is built into this Python")
    depth = str(program.app).count("/") + 2
    deep = program.app / "d" / "/".join("d" * depth)
    deep.mkdir(parents=True)
    (program.app / "link").symlink_to(deep)
    top = deep
    for _ in range(depth - 1):
        top = top.parent
    write(top, {files[0][1:]: EVIL, files[1][1:]: (program.app / "evil.pyc").read_bytes()})
    if len(files) > 2:
        write(top, {files[2][1:]: "EVIL is no library"})
    plain = program.plain()
    assert "EVIL" in plain.out or "file too short" in plain.err, plain
    ended = program.run()

    assert "EVIL" not in ended.out and "too short" not in ended.err
    assert 0 == ended.code, ended.err
