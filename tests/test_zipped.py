"""Zipped apps, made by the real tools: run from the verified bytes, whatever lies in a cache.

Each attack is shown twice, as in tests/cli/apps.py: plain Python falls for it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import wheels
from tests.repo.hostile_archives import cases
from tests.world import ROOT, TIMEOUT, Person, Ran, Seeds, World

PYTHON = "/usr/bin/env python3"
OK = ("--ok", "--reviewed", "-m", "")
FILES = {
    "__main__.py": """\
import sys
from hello import greet, words

print(greet(), words(), sys.argv[1:])
print(__name__, __file__.endswith("app.pyz/__main__.py"))
sys.exit(7)
""",
    "hello/__init__.py": """\
import importlib.resources, pkgutil


def greet():
    import hello.part as part

    return part.TEXT


def words():
    found = importlib.resources.files("hello").joinpath("words.txt").read_text().strip()
    with importlib.resources.as_file(importlib.resources.files("hello") / "words.txt") as path:
        assert path.read_text().strip() == found
    assert pkgutil.get_data("hello", "words.txt").decode().strip() == found
    assert ["part"] == [one.name for one in pkgutil.iter_modules(__path__)]
    return found
""",
    "hello/part.py": 'TEXT = "hello"\n',
    "hello/words.txt": "some words\n",
    "space/inner/one.py": "ONE = 1\n",
}
TRIED = """\
try:
    {}
except ImportError as error:
    print(error)
"""


@pytest.fixture
def mark(alice: Person) -> Path:
    """What evil code leaves."""
    return alice.world.path / "evil"


def zipapp(
    person: Person, files: Mapping[str, str] = FILES, python: str = PYTHON, name: str = "app.pyz"
) -> Path:
    """What ``python -m zipapp`` makes of these files; nobody has signed it."""
    for path, content in files.items():
        person.write(f"source-{name}/{path}", content)
    words = [sys.executable, "-m", "zipapp", f"source-{name}", "-o", name]
    words += ["-p", python] if python else []
    subprocess.run(words, cwd=person.place, check=True, timeout=TIMEOUT)
    return person.place / name


def attested(person: Person, file: Path) -> Path:
    """The same, signed."""
    ran = person.sig("attest", *OK, file)
    assert 0 == ran.status, ran
    return file


def plain(person: Person, file: Path, *words: str, env: Mapping[str, str] = {}) -> Ran:
    """The control: Python without sig."""
    ran = subprocess.run(
        ["python3", file, *words],
        env=person.environment | env,
        cwd=person.place,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


# --- zipapps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("python", [PYTHON, "/usr/bin/env -S python3 -B", ""])
def test_a_zipapp_runs_as_plain_python_runs_it(alice: Person, python: str) -> None:
    """Arguments, exit status, modules, resources; with a #! line or by its name alone."""
    file = attested(alice, zipapp(alice, python=python))

    ran = alice.sig("run", "app.pyz", "-v", "x")

    assert (7, "hello some words ['-v', 'x']\n__main__ True\n") == (ran.status, ran.stdout), ran
    assert plain(alice, file, "-v", "x").stdout == ran.stdout
    assert "note: only app.pyz itself is answered for" in ran.stderr


def test_namespaces_and_metadata_in_a_zipapp(alice: Person) -> None:
    """A folder without __init__.py, and the distributions that lie in it."""
    main = """\
import importlib.metadata
from space.inner.one import ONE
print(ONE, importlib.metadata.version("Some_Thing"))
(found,) = importlib.metadata.entry_points(group="greetings")
print(found.load().__name__)
"""
    info = "some_thing-1.5.dist-info"
    more = {
        "__main__.py": main,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: some-thing\nVersion: 1.5\n",
        f"{info}/entry_points.txt": "[greetings]\none = hello.part\n",
    }
    attested(alice, zipapp(alice, FILES | more))

    ran = alice.sig("run", "app.pyz")

    assert (0, "1 1.5\nhello.part\n") == (ran.status, ran.stdout), ran


def test_what_nobody_signed_is_not_run(alice: Person) -> None:
    """The twin of all others."""
    zipapp(alice)

    ran = alice.sig("run", "app.pyz")

    assert (111, "") == (ran.status, ran.stdout)
    assert "error: not run" == ran.stderr.splitlines()[-1]


def test_nothing_beside_it_is_imported(alice: Person, mark: Path) -> None:
    """Neither from its folder nor from the current one, and `python -c` would take the latter."""
    attested(alice, zipapp(alice, {"__main__.py": TRIED.format("import wave, nothing_there")}))
    for name in ("wave", "nothing_there"):
        alice.write(f"{name}.py", f"open({str(mark)!r}, 'w')\n")

    ran = alice.sig("run", "app.pyz")

    assert (0, "No module named 'nothing_there'\n") == (ran.status, ran.stdout), ran
    assert not mark.exists()
    words = ("python3", "-c", "import nothing_there")
    subprocess.run(words, cwd=alice.place, check=True, timeout=TIMEOUT)
    assert mark.exists()


def test_pythonpath_leads_where_it_does_for_every_script(alice: Person) -> None:
    """What is not in the archive is the machine's; the archive comes first."""
    attested(alice, zipapp(alice, {"__main__.py": "import part, more\n", "part.py": "print(1)\n"}))
    alice.write("lib/part.py", "print('from PYTHONPATH')\n")
    alice.write("lib/more.py", "print(2)\n")

    ran = alice.sig("run", "app.pyz", env={"PYTHONPATH": str(alice.place / "lib")})

    assert (0, "1\n2\n") == (ran.status, ran.stdout), ran


def test_a_swap_after_the_start_changes_nothing(alice: Person, mark: Path) -> None:
    """Plain Python opens the archive again for each module, at the places that it had."""
    main = """\
import os, sys
os.replace(sys.argv[1], sys.argv[2])
import late
import importlib.metadata
list(importlib.metadata.entry_points())
try:
    import package.optional
except ModuleNotFoundError:
    print("none")
"""
    evil = f"open({str(mark)!r}, 'w')\n"
    genuine = "print('genuine')\n".ljust(len(evil) - 1) + "\n"
    files = {"__main__.py": main, "late.py": genuine, "package/__init__.py": ""}
    file = attested(alice, zipapp(alice, files))
    more = {"late.py": evil, "package/optional.py": evil}
    other = zipapp(alice, files | more, name="other.pyz")
    kept = file.read_bytes(), other.read_bytes()

    ran = alice.sig("run", "app.pyz", other, file)

    assert (0, "genuine\nnone\n") == (ran.status, ran.stdout), ran
    assert not mark.exists()
    file.write_bytes(kept[0])
    other.write_bytes(kept[1])
    plain(alice, file, str(other), str(file))
    assert mark.exists()


def test_the_path_of_the_archive_leads_to_nothing_on_the_disk(alice: Person, mark: Path) -> None:
    """Who puts a folder of the archive on sys.path, by whatever spelling, gets the verified one."""
    main = """\
import os, sys
os.replace(sys.argv[1], sys.argv[2])
sys.path.insert(0, os.path.join(os.path.realpath(os.path.dirname(__file__)), ".", "vendor"))
import inner
"""
    files = {"__main__.py": main, "vendor/inner.py": "print('genuine')\n"}
    file = attested(alice, zipapp(alice, files))
    evil = f"open({str(mark)!r}, 'w')\n"
    other = zipapp(alice, files | {"vendor/inner.py": evil}, name="other.pyz")
    (alice.place / "link.pyz").symlink_to(file)

    ran = alice.sig("run", "link.pyz", other, file)

    assert (0, "genuine\n") == (ran.status, ran.stdout), ran
    assert not mark.exists()


def test_children_do_not_open_the_archive_again(alice: Person, mark: Path) -> None:
    """What multiprocessing spawns finds no module of it; plain Python's child opens it by path."""
    main = """\
import multiprocessing, os, sys
import work
if __name__ == "__main__":
    os.replace(sys.argv[1], sys.argv[2])
    child = multiprocessing.get_context("spawn").Process(target=work.run)
    sys.stderr = open(os.devnull, "w")
    os.dup2(sys.stderr.fileno(), 2)
    child.start()
    child.join()
    print(child.exitcode)
"""
    evil = f"open({str(mark)!r}, 'w')\n"
    file = attested(alice, zipapp(alice, {"__main__.py": main, "work.py": "def run(): pass\n"}))
    other = zipapp(
        alice, {"__main__.py": main, "work.py": evil + "def run(): pass\n"}, name="o.pyz"
    )
    kept = file.read_bytes(), other.read_bytes()

    ran = alice.sig("run", "app.pyz", other, file)

    assert (0, "1\n") == (ran.status, ran.stdout), ran
    assert not mark.exists()
    file.write_bytes(kept[0])
    other.write_bytes(kept[1])
    assert "0\n" == plain(alice, file, str(other), str(file)).stdout
    assert mark.exists()


def test_an_archive_that_reads_in_two_ways_is_refused(alice: Person) -> None:
    """Also if it was signed; those of another kind than zip are no Python at all."""
    files = {
        alice.write(f"{case.name}.pyz", case.hostile): case
        for case in cases()
        if case.kind == "zip" and not case.deep and len(case.hostile) <= 1 << 20
    }
    assert 0 == alice.sig("attest", *OK, *files).status
    for file, case in files.items():
        ran = alice.sig("run", file.name)

        assert (True, "") == (ran.status in (111, 114), ran.stdout), (case.name, ran)
        assert ["error: not run"] == ran.stderr.splitlines()[-1:], case.name


@pytest.mark.parametrize(
    ("files", "python", "why"),
    [
        ({"__main__.py": "", "PEX-INFO": "{}"}, PYTHON, "is a pex, which unpacks itself"),
        ({"__main__.py": ""}, "/bin/cat", "its #! line starts no plain Python"),
    ],
)
def test_what_cannot_be_protected_is_refused(
    alice: Person, files: dict[str, str], python: str, why: str
) -> None:
    """By what is in it, and by who would run it."""
    attested(alice, zipapp(alice, files, python))

    ran = alice.sig("run", "app.pyz")

    assert (111, "") == (ran.status, ran.stdout)
    assert why in ran.stderr
    assert "error: not run" == ran.stderr.splitlines()[-1]


OTHER = "/usr/bin/env -S python3 -X utf8"


def test_what_only_others_read_is_refused_too(alice: Person, mark: Path) -> None:
    """An archive with two members of one name, whose #! line starts a Python in another way. What
    is no archive is run, though it may end like one."""
    evil = f"open({str(mark)!r}, 'w')\n"
    file = zipapp(alice, {"__main__.py": evil, "b.py": "", "c.py": ""}, OTHER)
    file.write_bytes(file.read_bytes().replace(b"c.py", b"b.py"))
    attested(alice, file)

    ran = alice.sig("run", "app.pyz")

    assert (111, False) == (ran.status, mark.exists()), ran
    assert "its #! line starts no plain Python" in ran.stderr
    subprocess.run([*OTHER.split(), file], check=True, timeout=60)
    assert mark.exists()
    script = alice.write("end.sh", b"#!/bin/sh\necho run\nexit\nPK\5\6")
    attested(alice, script)
    ran = alice.sig("run", "end.sh")
    assert (0, "run\n") == (ran.status, ran.stdout), ran


def test_an_archive_without_a_start_is_refused(alice: Person) -> None:
    """As plain Python does; an extension module is named when something asks for it."""
    with zipfile.ZipFile(alice.place / "a.pyz", "w") as archive:
        archive.writestr("hello.py", "")
    attested(alice, alice.place / "a.pyz")
    assert "error: a.pyz has no __main__.py" in alice.sig("run", "a.pyz").stderr.splitlines()

    suffix = "abi3.so"
    attested(
        alice, zipapp(alice, {"__main__.py": TRIED.format("import fast"), f"fast.{suffix}": ""})
    )
    ran = alice.sig("run", "app.pyz")
    told = "fast is an extension module, which is not loaded from an archive\n"
    assert (0, told) == (ran.status, ran.stdout), ran


# --- shiv ----------------------------------------------------------------------------------------

TOOL = """\
import importlib.metadata, importlib.resources, os, sys
import click
import hello.part


@click.command()
@click.argument("name")
def main(name):
    text = importlib.resources.files("hello").joinpath("words.txt").read_text().strip()
    click.echo(f"{hello.part.TEXT} {name}, {text}, click {importlib.metadata.version('click')}")
    sys.exit(5)
"""
SAID = "hello world, some words, click 8.1.8\n"


@pytest.fixture(scope="session")
def shiv() -> Iterator[Path]:
    """An environment with shiv, and a tool of ours in it."""
    seeds = Seeds()
    world = World(seeds)
    python = wheels.environment(world.path / "v", wheels.system(), "click==8.1.8", "setuptools")
    wheels.pip(python, "--no-deps", "shiv")
    app = world.path / "site"
    for name in ("click", "click-8.1.8.dist-info"):
        (found,) = (world.path / "v").glob(f"lib/*/site-packages/{name}")
        wheels.copy(found, app / name)
    for name, content in {**FILES, "hello/tool.py": TOOL}.items():
        if name.startswith("hello/"):
            (app / name).parent.mkdir(exist_ok=True)
            (app / name).write_text(content)
    made = world.path / "tool.pyz"
    words = [python, "-m", "shiv", "--site-packages", app, "-e", "hello.tool:main", "-o", made]
    words += ["--compile-pyc", "--reproducible"]
    subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT)
    yield made
    world.close()
    seeds.close()


@pytest.fixture
def tool(alice: Person, shiv: Path) -> Path:
    """The tool, signed by Alice."""
    return attested(alice, alice.write("tool.pyz", shiv.read_bytes()))


def poison(alice: Person, tool: Path, mark: Path, root: Path) -> None:
    """Let plain Python fill the cache, and put evil code there."""
    ran = plain(alice, tool, "world", env={"SHIV_ROOT": str(root)})
    assert (5, SAID) == (ran.status, ran.stdout), ran
    (part,) = root.glob("tool.pyz_*/site-packages/hello/part.py")
    part.write_text(f"open({str(mark)!r}, 'w')\nTEXT = 'evil'\n")
    (part.parent.parent / "evil.pth").write_text(f"import os; open({str(mark)!r}, 'w')\n")


def test_a_shiv_runs_without_its_cache(alice: Person, tool: Path) -> None:
    """What it calls runs from the archive, with its resources and metadata; nothing is unpacked."""
    ran = alice.sig("run", "tool.pyz", "world")

    assert (5, SAID) == (ran.status, ran.stdout), ran
    assert not (alice.home / ".shiv").exists()


def test_a_poisoned_cache_of_a_shiv_is_not_looked_at(alice: Person, tool: Path, mark: Path) -> None:
    """At its usual place; plain Python runs what lies there, at every start."""
    poison(alice, tool, mark, alice.home / ".shiv")

    ran = alice.sig("run", "tool.pyz", "world")

    assert (5, SAID) == (ran.status, ran.stdout), ran
    assert not mark.exists()
    assert "evil world" in plain(alice, tool, "world").stdout
    assert mark.exists()


@pytest.mark.parametrize("name", ["SHIV_ROOT", "SHIV_PREPEND_PYTHONPATH", "SHIV_ENTRY_POINT"])
def test_variables_of_shiv_lead_nowhere(alice: Person, tool: Path, mark: Path, name: str) -> None:
    """Neither to another cache, nor to a folder, nor to another start."""
    root = alice.place / "root"
    poison(alice, tool, mark, root)
    mark.unlink(missing_ok=True)
    evil = f"open({str(mark)!r}, 'w')\n"
    alice.write("lib/click.py", evil)
    alice.write("lib/this.py", evil)
    env = {
        "SHIV_ROOT": {"SHIV_ROOT": str(root)},
        "SHIV_PREPEND_PYTHONPATH": {"SHIV_PREPEND_PYTHONPATH": str(alice.place / "lib")},
        "SHIV_ENTRY_POINT": {
            "SHIV_ENTRY_POINT": "evil:main",
            "PYTHONPATH": str(alice.write("path/evil.py", evil).parent),
        },
    }[name]

    ran = alice.sig("run", "tool.pyz", "world", env=env)

    assert (5, SAID) == (ran.status, ran.stdout), ran
    assert not mark.exists()
    plain(alice, tool, "world", env=env)
    assert mark.exists()


def test_a_shiv_that_starts_otherwise_is_refused(alice: Person, tool: Path) -> None:
    """A preamble and a script of its bin folder are run by its bootstrap alone."""
    for changed in ('"preamble": "first.py"', '"script": "run"'):
        made = alice.place / "changed.pyz"
        name = changed.split('"')[1]
        with zipfile.ZipFile(tool) as old, zipfile.ZipFile(made, "w") as new:
            for one in old.namelist():
                data = old.read(one)
                if one == "environment.json":
                    text, count = re.subn(f'"{name}": null', changed, data.decode())
                    assert 1 == count, text
                    data = text.encode()
                new.writestr(one, data)
        attested(alice, made)

        ran = alice.sig("run", made)

        assert (111, "") == (ran.status, ran.stdout)
        assert "is a shiv without an entry point of its own, or with a preamble" in ran.stderr


def test_without_sealed_memory_a_shiv_is_refused(alice: Person, tool: Path) -> None:
    """A private copy would unpack itself; of a zipapp it runs."""
    attested(alice, zipapp(alice))
    code = """
import os, pathlib, sys
del os.memfd_create
import sig
workspace = sig.Workspace(pathlib.Path(sys.argv[1]))
try:
    sig.run(workspace, sys.argv[2], ["world"])
except sig.SigError as error:
    print(error.message)
"""
    for name, told in (
        ("app.pyz", "hello some words ['world']\n__main__ True\n"),
        (
            "tool.pyz",
            "tool.pyz unpacks itself, and only Linux with /proc can run it without that\n",
        ),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", code, alice.folder, name],
            cwd=alice.place,
            env=alice.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert told == ran.stdout, ran
    assert not (alice.home / ".shiv").exists()


def test_what_shiv_needs_natively_goes_under_a_lock(alice: Person) -> None:
    """The recipe for what an archive cannot hold: the same packages, installed, locked and run."""
    alice.write("app/get.py", "import requests\nprint(requests.__version__)\n")
    python = wheels.environment(alice.place / "v", wheels.system(), "requests==2.32.3")
    ran = alice.sig("lock", "--python", python, "app/get.py")
    assert 0 == ran.status, ran
    assert 0 == alice.sig("attest", "app/get.lock", input="yes\nyes\n\n").status

    ran = alice.sig("run", "app/get.py")

    assert (0, "2.32.3\n") == (ran.status, ran.stdout), ran


def test_the_library_runs_a_zipapp_as_well(alice: Person) -> None:
    """`sig.run` is the same door."""
    attested(alice, zipapp(alice))
    words = "import sig; sig.run(sig.Workspace(sig.Path(FOLDER)), 'app.pyz', ['x'])"
    words = words.replace("sig.Path(FOLDER)", f"__import__('pathlib').Path({str(alice.folder)!r})")
    ran = subprocess.run(
        [sys.executable, "-c", words],
        cwd=alice.place,
        env=alice.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (7, "hello some words ['x']\n__main__ True\n") == (ran.returncode, ran.stdout), ran
    assert os.path.exists(alice.place / "app.pyz")
