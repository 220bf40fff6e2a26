"""`sig attest --python`, `sig lock` and `sig run` with interpreters that are not the system's."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builds, wheels
from tests.builds import changed, library
from tests.cli import apps
from tests.cli.apps import App
from tests.imports import libraries
from tests.world import TIMEOUT, Person, Ran, Seeds, World, id_of, snapshot

QUESTIONS = (
    "I have reviewed this Python (yes/no): "
    "It performs as expected and is free of major flaws (yes/no): "
    "Comment: "
)
HELLO = 'print("hello")\n'


def attest(person: Person, python: Path, *words: str, input: str = apps.YES) -> Ran:
    """``sig attest --python PYTHON``."""
    return person.sig("attest", "--python", python, *words, input=input)


def first(ran: Ran) -> str:
    """The line of a plan that names the interpreter."""
    return " ".join(ran.lines[0].split())


@pytest.fixture
def python(world: World) -> Path:
    """A build that may be changed."""
    return builds.build(world.path / "build", wheels.other())


@pytest.fixture
def hello(alice: Person, python: Path) -> App:
    """A script for that build, in no environment; nothing is signed."""
    alice.write("hello.py", HELLO)
    return App(alice, alice.place, python, "hello.py", "hello")


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


def test_an_environment_may_see_what_its_build_has(hello: App) -> None:
    """--system-site-packages: what both have counts where Python finds it first; all else of the
    build is there as well."""
    folder = hello.person.place / "v"
    words = ("-m", "venv", "--without-pip", "--system-site-packages", folder)
    subprocess.run([hello.python, *words], check=True, capture_output=True, timeout=TIMEOUT)
    wheels.pip(hello.python, "click", "idna")
    hello.person.write("hello.py", "import click, idna\nprint(click.__file__, idna.__file__)\n")
    app = dataclasses.replace(hello, python=folder / "bin/python")
    for name in ("click", "click-8.1.8.dist-info"):
        shutil.copytree(library(hello.python) / "site-packages" / name, app.site / name)
    told = apps.plan(app.lock())
    (left,) = [line for line in told if line.startswith("dist click 8.1.8 left out: ")]
    assert left.endswith(f"{library(hello.python)}/site-packages/click-8.1.8.dist-info")
    assert f" {app.site}/click-8.1.8.dist-info comes before " in left

    ran, same = app.signed().run(), app.plain()
    assert (0, same.stdout, "") == (ran.status, ran.stdout, ran.stderr)
    assert f"{app.site}/click/__init__.py {library(hello.python)}" in ran.stdout


# --- sig run ---


@pytest.fixture(scope="module")
def _signed(seeds: Seeds) -> Iterator[App]:
    """A script that does what it is told, with requests, in an environment of such a build."""
    world = World(seeds)
    alice = world.person("alice")
    program = builds.build(world.path / "build", wheels.other())
    needs = ("requests==2.32.3", "numpy")
    app = apps.make(alice, apps.PROBE_FILES, "probe.py", *needs, python=str(program))
    assert 0 == attest(alice, app.python).status
    yield app.signed()
    world.close()


@pytest.fixture
def probe(_signed: App) -> App:
    """For tests that leave everything as it was."""
    return _signed


def base(app: App) -> Path:
    """The program of the build of its environment."""
    return app.python.resolve()


def test_a_script_is_run_with_a_python_that_was_attested(world: World, hello: App) -> None:
    """The whole story: not before the Python is signed, then not before the list is."""
    assert 0 == hello.lock().status
    ran = hello.run()
    assert (111, "") == (ran.status, ran.stdout)
    assert f"hint: sig attest --python {hello.python}" in ran.stderr
    assert "is not attested" in ran.stderr
    assert "error: not run" == ran.stderr.splitlines()[-1]

    assert 0 == attest(hello.person, hello.python).status
    ran = hello.run()
    assert 111 == ran.status
    assert f"hint: sig attest {hello.list}" in ran.stderr
    assert 0 == hello.attest().status
    ran = hello.run()
    assert (0, "hello\n", "") == (ran.status, ran.stdout, ran.stderr)


def test_programs_with_libraries_run_as_with_plain_python(probe: App) -> None:
    """requests and numpy, their version, where they lie, and what they compute."""
    code = (
        "import sys, requests, numpy, ssl, hashlib; print(requests.__version__, requests.__file__,"
        " numpy.arange(6).reshape(2, 3) @ numpy.ones(3), numpy.linalg.det(numpy.eye(4)),"
        " ssl.OPENSSL_VERSION, hashlib.sha256(b'x').hexdigest(), sys.version, sys.prefix,"
        " sys.base_prefix)"
    )
    ours, theirs = probe.run(code), probe.plain(code)
    assert (0, "", theirs.stdout) == (ours.status, ours.stderr, ours.stdout)


WAITING = """
import faulthandler, sys, threading, time

faulthandler.dump_traceback_later(20, exit=True)

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "_hashlib":
            begun.set()
            time.sleep(1)

begun = threading.Event()
sys.meta_path.insert(0, Slow())
other = threading.Thread(target=__import__, args=("_hashlib",), daemon=True)
other.start()
begun.wait()
import numpy
other.join()
print(numpy.arange(3))
"""


def test_threads_that_import_do_not_wait_for_each_other(probe: App) -> None:
    """What hashes many bytes wants the module that another thread is about to import."""
    ours, theirs = probe.run(WAITING), probe.plain(WAITING)
    assert (0, "", theirs.stdout) == (ours.status, ours.stderr, ours.stdout), ours


def test_no_file_of_the_home_runs(probe: App) -> None:
    """tkinter looks for ~/.Tk.py, but not in an isolated Python."""
    code = "import tkinter\nprint(tkinter.Tk(useTk=False).tk is not None)\n"
    name = probe.person.home / ".Tk.py"
    assert (0, "True\n") == (probe.plain(code).status, probe.plain(code).stdout)
    name.write_text(probe.evil)
    try:
        ran = probe.person.sig("run", "--env", "HOME", probe.target, code, cwd=probe.place)
        assert (0, "True\n", False) == (ran.status, ran.stdout, probe.was_evil()), ran
        probe.plain(code)
        assert probe.was_evil()
    finally:
        name.unlink()


def test_a_process_that_it_starts_is_under_the_same_lock(probe: App) -> None:
    """multiprocessing by spawn: sys.executable is sig's, and knows such a Python as its parent."""
    code = (
        "import multiprocessing as m, work; c = m.get_context('spawn');"
        " p = c.Pool(2); print(p.map(work.square, [1, 2, 3])); p.close(); p.join()"
    )
    ran = probe.run(code)
    assert (0, "[1, 4, 9]\n", "") == (ran.status, ran.stdout, ran.stderr)


def test_a_changed_program_does_not_start(probe: App) -> None:
    """111, the file, and what to do; plain Python runs it."""
    with changed(base(probe), base(probe).read_bytes() + b"\0") as place:
        ran = probe.run("print(1)")
        assert (111, "") == (ran.status, ran.stdout)
        assert f"error: {place} is not the file that was attested\n" in ran.stderr
        assert f"hint: sig lock --python {probe.python} {probe.shown}" in ran.stderr
        assert "1\n" == probe.plain("print(1)").stdout


def test_another_libpython_does_not_start(probe: App) -> None:
    """The same for the library that is all of Python."""
    found = sorted(base(probe).parent.parent.glob("lib/libpython3.*.so.*"))
    if not found:
        pytest.skip("this build has none")
    evil = libraries.library(found[0].name, says="evil\n")
    with changed(found[0], evil) as place:
        ran = probe.run("print(1)")
        assert (111, "") == (ran.status, ran.stdout)
        assert f"error: {place} is not the file that was attested\n" in ran.stderr
        assert "evil" in probe.plain("print(1)").stdout


@pytest.mark.parametrize("name", ["encodings/__init__.py", "json/decoder.py", "os.py"])
def test_a_changed_file_of_the_standard_library_ends_the_run(probe: App, name: str) -> None:
    """Before anything runs where Python needs it first; else where it is loaded, and what came
    before has run."""
    path = library(base(probe)) / name
    # What is there before anything can be opened as usual.
    evil = f"\nimport posix\nposix.close(posix.open({str(probe.mark)!r}, 0o101, 0o644))\n"
    with changed(path, path.read_text() + evil):
        ran = probe.run("print(1, flush=True); import json; print(2)")
        assert not probe.was_evil()
        assert 111 == ran.status, ran
        assert f"error: {path} is not the file that " in ran.stderr
        assert ran.stdout == ("1\n" if name.startswith("json") else "")
        assert "1\n" in probe.plain("print(1, flush=True); import json; print(2)").stdout
        assert probe.was_evil() or name == "os.py"  # that one is frozen


@pytest.mark.parametrize("name", ["dropped.py", "site-packages/dropped.py", "dropped/__init__.py"])
def test_what_is_dropped_into_a_build_is_not_there(probe: App, name: str) -> None:
    """Not for the program, whatever lies there."""
    code = "import importlib.util as u; print(u.find_spec('dropped'))"
    with changed(library(base(probe)) / name, probe.evil):
        ran = probe.run(code)
        assert (0, "None\n", "") == (ran.status, ran.stdout, ran.stderr)


def test_a_python_that_is_marked_bad_is_not_run(hello: App) -> None:
    """Whoever signed it before; 113."""
    assert 0 == attest(hello.person, hello.python).status
    hello.signed()
    assert 0 == hello.run().status
    words = ("--not-ok", "--reviewed", "-m", "bad")
    assert 0 == attest(hello.person, hello.python, *words).status
    ran = hello.run()
    assert (113, "") == (ran.status, ran.stdout)
    assert "marked bad" in ran.stderr


def test_a_file_of_a_python_that_is_marked_bad_is_not_loaded(hello: App) -> None:
    """A warning about its bytes is enough: 113 where they are needed, and not before."""
    hello.person.write("hello.py", "print(1, flush=True)\nimport this\n")
    assert 0 == attest(hello.person, hello.python).status
    hello.signed()
    for path, told in ((library(hello.python) / "this.py", "1\n"), (hello.python, "")):
        words = ("attest", "--not-ok", "--reviewed", "-m", "bad", path)
        assert 0 == hello.person.sig(*words).status
        ran = hello.run()
        assert (113, told) == (ran.status, ran.stdout)
        assert f"{path} is marked bad" in ran.stderr


def test_a_list_that_is_not_here_is_told(hello: App) -> None:
    """Where the folder has lost the list of a Python it can be made again: 114 and how."""
    said = json.loads(attest(hello.person, hello.python).stdout.partition("\n")[2])
    hello.signed()
    digits = said["id"].removeprefix("sha256:")
    for place in ("repo/objects", "objects"):
        path = hello.person.folder / place / digits[:2] / digits[2:]
        path.unlink(missing_ok=True)
    ran = hello.run()
    assert (114, "") == (ran.status, ran.stdout), ran
    assert f"hint: sig lock --python {hello.python} {hello.shown}" in ran.stderr


@pytest.mark.parametrize(
    "variable", ["PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONSTARTUP"]
)
def test_no_variable_reaches_the_interpreter(probe: App, variable: str) -> None:
    """Those that we set are ours alone, and gone before the program starts."""
    place = str(probe.place / "nothing")
    code = (
        "import os, subprocess as s;"
        "print([n for n in os.environ if n.startswith(('PYTHON', 'LD_'))]);"
        "print(s.run(['env'], capture_output=True).stdout.count(b'LD_'))"
    )
    ran = probe.run(code, env={variable: place})
    assert (0, "[]\n0\n", "") == (ran.status, ran.stdout, ran.stderr)


def test_who_trusts_the_signer_needs_no_own_statement(world: World, hello: App) -> None:
    """The statement and the list of the build are published; another machine with the same build
    elsewhere fetches both."""
    assert 0 == attest(hello.person, hello.python).status
    bob = world.person("bob")
    server = world.serve(hello.person.folder / "repo")
    words = ("remote", "add", "alice", server.url, "--key", hello.person.fingerprint, "--trust")
    assert 0 == bob.sig(*words).status
    assert 0 == bob.sig("fetch").status
    other = builds.build(world.path / "elsewhere", wheels.other())
    bob.write("hello.py", HELLO)
    app = App(bob, bob.place, other, "hello.py", "hello")
    assert " ok [" in first(app.lock())
    app.signed()
    ran = app.run()
    assert (0, "hello\n", "") == (ran.status, ran.stdout, ran.stderr)
