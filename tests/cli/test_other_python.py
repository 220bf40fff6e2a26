"""`sig attest --python`, `sig lock` and `sig run` with interpreters that are not the system's."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App
from tests.world import TIMEOUT, Person, Ran, World, id_of, snapshot

QUESTIONS = (
    "I have reviewed this Python (yes/no): "
    "It performs as expected and is free of major flaws (yes/no): "
    "Comment: "
)
HELLO = 'print("hello")\n'


def build(world: World) -> Path:
    """A copy of a build that is not the system's, which may be changed: its program.

    Without tests and installed packages, which nobody needs here.
    """
    program = Path(wheels.other()).resolve()
    prefix = program.parent.parent
    copy = world.path / "build"
    for name in ("bin", "lib"):
        (copy / name).mkdir(parents=True)
    shutil.copy(program, copy / "bin" / program.name)
    for path in (prefix / "lib").iterdir():
        if path.is_dir() and path.name == program.name:
            left_out = shutil.ignore_patterns("__pycache__", "test", "site-packages", "config-*")
            shutil.copytree(path, copy / "lib" / path.name, ignore=left_out, symlinks=True)
        elif path.name.startswith("libpython"):
            shutil.copy(path, copy / "lib" / path.name, follow_symlinks=False)
    header = f"include/{program.name}/patchlevel.h"
    if (prefix / header).exists():
        (copy / header).parent.mkdir(parents=True)
        shutil.copy(prefix / header, copy / header)
    (copy / "lib" / program.name / "site-packages").mkdir()
    # What is built for one place (pyenv) names its libpython by that: make it one for any place.
    here = f"{prefix}/lib".encode() + b"\0"
    movable = {copy / "bin" / program.name: b"$ORIGIN/../lib"}
    movable |= {path: b"$ORIGIN/../.." for path in copy.glob("lib/*/lib-dynload/*.so")}
    for path, there in movable.items():
        path.write_bytes(path.read_bytes().replace(here, there.ljust(len(here), b"\0")))
    return copy / "bin" / program.name


def attest(person: Person, python: Path, *words: str, input: str = apps.YES) -> Ran:
    """``sig attest --python PYTHON``."""
    return person.sig("attest", "--python", python, *words, input=input)


def first(ran: Ran) -> str:
    """The line of a plan that names the interpreter."""
    return " ".join(ran.lines[0].split())


@pytest.fixture
def python(world: World) -> Path:
    """A build that may be changed."""
    return build(world)


@pytest.fixture
def hello(alice: Person, python: Path) -> App:
    """A script for that build, in no environment; nothing is signed."""
    alice.write("hello.py", HELLO)
    return App(alice, alice.place, python, "hello.py", "hello")


def library(python: Path) -> Path:
    """The folder of its standard library."""
    return python.parent.parent / "lib" / python.name


# --- sig attest --python ---


def test_a_python_is_signed_as_one_list_of_files(alice: Person, python: Path) -> None:
    """Its own question, its own criterion, no name that nobody asked for; the list is that of
    sha256sum, relative to the prefix."""
    ran = attest(alice, python)
    assert (0, QUESTIONS) == (ran.status, ran.stderr)
    _, _, text = ran.stdout.partition("\n")
    said = json.loads(text)
    assert {"criteria": ["python-build"], "ok": True, "reviewed": True} | {
        key: said["id"] for key in ("id", "manifest")
    } == said

    digits = said["id"].removeprefix("sha256:")
    listed = alice.folder / "repo/objects" / digits[:2] / digits[2:]
    assert id_of(listed.read_bytes()) == said["id"]
    checked = subprocess.run(
        ["sha256sum", "--quiet", "--check", listed],
        cwd=python.parent.parent,
        capture_output=True,
        timeout=TIMEOUT,
    )
    assert (0, b"") == (checked.returncode, checked.stdout)


def test_the_list_of_a_python_has_what_it_runs_and_no_tests(alice: Person) -> None:
    """The program, libpython, the standard library with its extension modules and its version; no
    tests, no bytecode, nothing that was installed."""
    python = Path(wheels.other()).resolve()
    said = json.loads(attest(alice, python).stdout.partition("\n")[2])
    digits = said["id"].removeprefix("sha256:")
    text = (alice.folder / "repo/objects" / digits[:2] / digits[2:]).read_text()
    paths = {line[66:] for line in text.splitlines()}

    library = f"lib/{python.name}"
    assert {f"bin/{python.name}", f"{library}/os.py", f"{library}/encodings/utf_8.py"} <= paths
    assert any(path.startswith(f"{library}/lib-dynload/") for path in paths)
    needed = subprocess.run(["ldd", python], capture_output=True, text=True, timeout=TIMEOUT).stdout
    assert ("libpython" in needed) == any(path.startswith("lib/libpython") for path in paths)
    parts = {part for path in paths for part in path.split("/")[:-1]}
    assert not parts & {"test", "tests", "idle_test", "site-packages", "__pycache__"}
    tops = {path.removeprefix(library + "/").split("/")[0] for path in paths}
    assert not [top for top in tops if top.startswith("config-")]


def test_another_copy_of_a_build_needs_no_other_statement(
    world: World, alice: Person, python: Path
) -> None:
    """No path of this machine is in the list."""
    one = json.loads(attest(alice, python).stdout.partition("\n")[2])["id"]
    moved = world.path / "elsewhere"
    shutil.copytree(python.parent.parent, moved, symlinks=True)
    other = moved / "bin" / python.name
    assert one == json.loads(attest(alice, other).stdout.partition("\n")[2])["id"]


@pytest.mark.parametrize("words", [["hello.py"], ["--tree"], ["--exclude", "x"], ["--scope", "x"]])
def test_a_python_is_signed_alone_and_whole(hello: App, words: list[str]) -> None:
    """Nothing beside it, nothing left out."""
    ran = attest(hello.person, hello.python, *words)
    assert 2 == ran.status, ran
    assert "--python stands alone" in ran.stderr


def test_the_pythons_of_the_system_need_no_statement(alice: Person) -> None:
    """It says so, and signs nothing."""
    before = snapshot(alice.folder)
    ran = attest(alice, Path(wheels.system()))
    assert ran.status != 0
    assert "belongs to the operating system" in ran.stderr
    assert before == snapshot(alice.folder)


def test_a_copy_of_the_program_in_an_environment_is_refused(
    world: World, alice: Person, python: Path
) -> None:
    """It is no file of the build; nothing is signed."""
    words = (python, "-m", "venv", "--without-pip", "--copies", world.path / "v")
    subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)
    ran = attest(alice, world.path / "v/bin" / python.name)
    assert ran.status != 0
    assert "does not lie below" in ran.stderr
    assert "hint: name the Python that the environment was made with" in ran.stderr


# --- sig lock ---


def test_a_plan_says_who_answers_for_the_python(hello: App) -> None:
    """Not attested, then ok with the key, then marked bad; the next command is said."""
    python = hello.python.resolve()
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    ran = hello.lock()
    assert f"python {version} {python} not attested" == first(ran)
    assert ["sig", "attest", "--python", str(hello.python)] == apps.next_of(ran)

    assert 0 == attest(hello.person, hello.python).status
    ran = hello.lock()
    assert f"python {version} {python} ok [{hello.person.fingerprint[-8:]}]" == first(ran)
    assert ["sig", "attest", "hello.lock"] == apps.next_of(ran)

    assert 0 == attest(hello.person, hello.python, "--not-ok", "--reviewed", "-m", "").status
    ran = hello.lock()
    assert (3, f"python {version} {python} marked bad [{hello.person.fingerprint[-8:]}]") == (
        ran.status,
        first(ran),
    )


def test_a_folder_that_was_attested_is_no_python(hello: App) -> None:
    """The same files with the same id: a tree is not an interpreter."""
    said = attest(hello.person, hello.python)
    id = json.loads(said.stdout.partition("\n")[2])["id"]
    digits = id.removeprefix("sha256:")
    text = (hello.person.folder / "repo/objects" / digits[:2] / digits[2:]).read_text()
    tree = hello.person.place / "tree"
    for line in text.splitlines():
        (tree / line[66:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(hello.python.parent.parent / line[66:], tree / line[66:])
    # What was said of the Python is no word about the folder.
    assert 1 == hello.person.sig("verify", tree).status
    # And what is said of the folder takes the place of it.
    ran = hello.person.sig("attest", tree, input=apps.YES)
    assert (0, id) == (ran.status, json.loads(ran.stdout.partition("\n")[2])["id"])
    assert 0 == hello.person.sig("verify", tree).status
    assert first(hello.lock()).endswith(" not attested")


def test_what_lies_in_a_build_besides_is_not_covered(hello: App) -> None:
    """A dropped module is no other Python; the list that is ok still counts, without it."""
    attest(hello.person, hello.python)
    (library(hello.python) / "dropped.py").write_text(hello.evil)
    assert " ok [" in first(hello.lock())


def test_a_python_that_was_changed_is_another(hello: App) -> None:
    """One byte of one file."""
    attest(hello.person, hello.python)
    with (library(hello.python) / "this.py").open("a") as stream:
        stream.write("\n")
    assert first(hello.lock()).endswith(" not attested")
