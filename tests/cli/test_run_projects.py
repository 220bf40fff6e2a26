"""`sig run FOLDER`: a project's command from [project.scripts], installed and editable."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App
from tests.soak import SOAK
from tests.world import BASE, World

PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "hello-tool"
version = "1.0"
dependencies = ["click>=8.1"]

[project.scripts]
hello = "hello_tool.cli:main"

[tool.setuptools.package-data]
hello_tool = ["*.txt"]
"""
SOURCE = """\
import importlib.metadata
import importlib.resources
import sys
from pathlib import Path

import click


@click.group()
def main():
    "Greets."


@main.command()
@click.argument("name")
def greet(name):
    "Greet NAME."
    click.echo(Path(__file__).with_name("greeting.txt").read_text().strip() + " " + name)
    words = importlib.resources.files("hello_tool").joinpath("greeting.txt")
    click.echo(words.read_text(), nl=False)
    click.echo(importlib.metadata.version("hello-tool"))
    click.echo([found.value for found in importlib.metadata.entry_points(name="hello")])
    click.echo(Path(sys.argv[0]).name)
    click.get_current_context().exit(7)
"""
LAYOUTS = {"src": "src/hello_tool", "flat": "hello_tool"}


def project(world: World, layout: str, *words: str, python: str | None = None) -> tuple[App, Path]:
    """A project, installed into its environment: what is run, and the folder of its package."""
    alice = world.person("alice")
    first = _first(layout, words, python or wheels.system())
    alice.place.rmdir()
    wheels.copy(first, alice.place)
    wheels.moved(alice.place / "v", first, alice.place)
    app = App(alice, alice.place, alice.place / "v/bin/python", "hello", "hello")
    return app, alice.place / "hello" / LAYOUTS[layout]


@cache
def _first(layout: str, words: tuple[str, ...], python: str) -> Path:
    """The place that copies are made of: pip takes longer than all that is asked about it."""
    room = Path(tempfile.mkdtemp(prefix="sig-", dir=BASE))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    place = room / "alice/work"
    package = place / "hello" / LAYOUTS[layout]
    package.mkdir(parents=True)
    (place / "hello/pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(SOURCE)
    (package / "greeting.txt").write_text("hello\n")
    made = wheels.environment(place / "v", python, "click")
    wheels.pip(made, *words, place / "hello")
    if "--editable" not in words:
        for rest in (place / "hello/build", Path(f"{package}.egg-info")):
            shutil.rmtree(rest, ignore_errors=True)
    return place


def signed(app: App) -> App:
    """Locked, and signed with the commands that the plans propose."""
    locked = app.lock()
    assert 0 == locked.status, locked
    words = apps.next_of(locked)
    if "--python" in words:
        ran = app.person.sig(*words[1:], input=apps.YES, cwd=app.place)
        assert 0 == ran.status, ran
        words = apps.next_of(app.lock())
    assert ["sig", "attest"] == words[:2]
    ran = app.person.sig(*words[1:], input=apps.YES, cwd=app.place)
    assert 0 == ran.status, ran
    return app


def plain(app: App, *words: str) -> tuple[int, str, str]:
    """The command that pip made."""
    import subprocess

    ran = subprocess.run(
        [app.prefix / "bin/hello", *words],
        env=app.person.environment,
        cwd=app.place,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout, ran.stderr


WAYS = [("src", (), wheels.system), ("flat", ("--editable",), wheels.system)]
WAYS += [("src", ("--editable",), wheels.other)]
MORE_WAYS = [("src", ("--editable",), wheels.system), ("flat", (), wheels.system)]
MORE_WAYS += [("src", (), wheels.other)]


@pytest.mark.parametrize(("layout", "words", "python"), WAYS + (MORE_WAYS if SOAK else []))
def test_a_command_runs_as_pip_installed_it(
    world: World, layout: str, words: tuple[str, ...], python: Callable[[], str]
) -> None:
    """Its plan says what the project is; then output, status, the name in its usage, and the data
    beside its code are those of plain Python."""
    app, _ = project(world, layout, *words, python=python())
    told = apps.plan(app.lock())
    mine = [line for line in told if re.match(r"dist hello[-_]tool 1\.0 \d+ files ", line)]
    assert [line for line in told if line.startswith("dist click 8.1.8 ")]
    assert [line for line in told if re.match(r"app \d+ files not attested", line)]
    assert words or 1 == len(mine)
    assert 111 == app.run("--help").status
    signed(app)

    all_of_them = (("greet", "you"), ("--help",), ("greet",), ("greet", "--help"), ("none",))
    for given in all_of_them if python is wheels.system else all_of_them[:2]:
        ran = app.run(*given)
        assert plain(app, *given) == (ran.status, ran.stdout, ran.stderr)
        assert given != ("--help",) or ran.stdout.startswith("Usage: hello [OPTIONS]")
        assert given != ("greet", "you") or 7 == ran.status


@pytest.mark.parametrize("words", [(), ("--editable",)], ids=["installed", "editable"])
@pytest.mark.parametrize("name", ["cli.py", "greeting.txt"])
def test_a_changed_file_of_the_project_stops_it(
    world: World, words: tuple[str, ...], name: str
) -> None:
    """In the folder that Python loads it from: the installed copy, or the project itself. Data
    counts as code does."""
    app, package = project(world, "src", *words)
    signed(app)
    path = (package if words else app.site / "hello_tool") / name
    assert 7 == app.run("greet", "you").status

    apps.kept(path, path.read_text() + app.evil if name == "cli.py" else "evil\n")
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)

    ran = app.run("greet", "you")
    assert (111, False) == (ran.status, app.was_evil()), ran
    assert name in ran.stderr
    assert ran.stderr.splitlines()[-1] in apps.STOPPED
    assert 7 == plain(app, "greet", "you")[0]
    assert app.was_evil() or name == "greeting.txt"


def test_the_project_that_an_installed_copy_was_made_of_does_not_run(world: World) -> None:
    """Whichever of the two is taken: never other bytes than those of the list."""
    app, package = project(world, "src")
    signed(app)
    path = package / "cli.py"
    path.write_text(path.read_text() + app.evil)

    ran = app.run("greet", "you")

    assert not app.was_evil()
    assert ran.status in (7, 111)


@pytest.mark.parametrize("words", [(), ("--editable",)], ids=["installed", "editable"])
def test_a_dropped_module_of_the_project_does_not_exist(
    world: World, words: tuple[str, ...]
) -> None:
    """Beside its code, in the project's folder, and in its environment."""
    app, package = project(world, "src", *words)
    signed(app)
    place = package if words else app.site / "hello_tool"
    for path in (place.parent / "click.py", place.parent / "json.py", app.site / "six.py"):
        if not path.exists():
            path.write_text(app.evil)
    (place.parent / "click").mkdir(exist_ok=True)
    if words:
        (place.parent / "click/__init__.py").write_text(app.evil)

    ran = app.run("--help")

    assert (0, False) == (ran.status, app.was_evil()), ran


def test_a_path_line_that_was_changed_leads_nowhere(world: World) -> None:
    """The folder of an editable install is fixed when the list is made, not by a .pth of today."""
    app, package = project(world, "src", "--editable")
    signed(app)
    evil = app.person.home / "evil/hello_tool"
    shutil.copytree(package, evil)
    (evil / "cli.py").write_text(app.evil + SOURCE)
    (path,) = app.site.glob("__editable__*.pth")
    path.write_text(f"{evil.parent}\n")

    ran = app.run("greet", "you")

    assert not app.was_evil(), ran
    assert ran.status in (7, 111)
    assert 7 == plain(app, "greet", "you")[0]
    assert app.was_evil()


@pytest.mark.parametrize("way", ["an old copy", "a stub in front", "installed as it is"])
def test_a_path_line_does_not_say_which_files_of_the_project_have_a_name(
    world: World, way: str
) -> None:
    """In which folders of it modules are looked for is signed: each file in them is covered, but
    an old one, or a test's, is not what a name stands for."""
    editable = () if way == "installed as it is" else ("--editable",)
    app, package = project(world, "src", *editable)
    old = app.place / "hello/old/hello_tool"
    shutil.copytree(package, old)
    (old / "cli.py").write_text(app.evil + SOURCE)
    stub = app.place / "hello/tests/stubs/click.py"
    stub.parent.mkdir(parents=True)
    stub.write_text(app.evil + "raise ImportError('a stub')\n")
    signed(app)
    assert 7 == app.run("greet", "you").status
    assert not app.was_evil()
    if editable:
        (path,) = app.site.glob("__editable__*.pth")
    else:  # nobody signed how it was installed
        path = app.site / "__editable__.hello_tool.pth"
        (info,) = app.site.glob("hello_tool-*.dist-info")
        with (info / "RECORD").open("a") as stream:
            stream.write(f"{path.name},,\n")
    if way == "a stub in front":
        path.write_text(f"{stub.parent}\n{path.read_text()}")
    else:
        path.write_text(f"{old.parent}\n")

    ran = app.run("greet", "you")

    assert (111, False) == (ran.status, app.was_evil()), ran
    assert "hello-tool 1.0 is installed as editable" in ran.stderr
    assert "error: not run" == ran.stderr.splitlines()[-1]
    if way == "an old copy":  # plain Python looks in folders of the project last
        plain(app, "greet", "you")
        assert app.was_evil()


def test_sources_that_are_moved_into_those_of_another_root_are_told(world: World) -> None:
    """Where they lie is said by a file that nobody signed; one path cannot be of two roots."""
    app, _ = project(world, "src", "--editable")
    alice = app.person
    alice.write(
        "lib/pyproject.toml", PROJECT.replace("hello-tool", "lib").partition("[project.s")[0]
    )
    alice.write("lib/src/libx.py", "A = 1\n")
    alice.write("hello/lib/src/libx.py", "A = 2\n")
    wheels.pip(app.python, "--editable", alice.place / "lib")
    signed(app)
    assert 7 == app.run("greet", "you").status
    for found in (
        *app.site.glob("__editable__.lib-*.pth"),
        *app.site.glob("lib-*/direct_url.json"),
    ):
        text = found.read_text()
        assert f"{alice.place}/lib" in text
        found.write_text(text.replace(f"{alice.place}/lib", f"{alice.place}/hello/lib"))

    ran = app.run("greet", "you")

    assert (111, "") == (ran.status, ran.stdout), ran
    assert "'lib/src/libx.py' is not the same in app and editable/lib-1.0" in ran.stderr
    assert "error: not run" == ran.stderr.splitlines()[-1]


@pytest.mark.parametrize("gone", [False, True], ids=["lock there", "lock gone"])
def test_a_project_in_the_place_of_a_script_is_told(world: World, gone: bool) -> None:
    """Its name would be that of its own file, and not what was typed: another program of the same
    signer, with all its files."""
    alice = world.person("alice")
    system = Path(wheels.system())
    alice.write("one/one.py", "print('one')\n")
    one = App(alice, alice.place / "one", system, "one.py", "one").signed()
    two = App(alice, alice.place, system, "two", "two")
    alice.write("two/pyproject.toml", PROJECT)
    alice.write("two/hello_tool/__init__.py", "")
    alice.write("two/hello_tool/cli.py", f"def main():\n    {two.evil}")
    signed(two)
    path = {"PATH": f"{system.parent}:{os.defpath}"}
    assert (0, True) == (two.run(env=path).status, two.was_evil())
    assert (0, "one\n") == (one.run(env=path).status, one.run(env=path).stdout)

    (one.place / "one.py").unlink()
    shutil.copytree(alice.place / "two", one.place / "one.py")
    if gone:
        one.list.unlink()
    ran = one.run(env=path)

    assert (111, "", False) == (ran.status, ran.stdout, one.was_evil()), ran
    assert f"one.py is a folder, and {one.list} is of a script" in ran.stderr
    # By its own name it runs wherever it lies.
    ran = alice.sig("run", "--app", "hello-tool", "one.py", cwd=one.place, env=path)
    assert (0, True) == (ran.status, one.was_evil()), ran
    ran = alice.sig("run", "--app", "one", "one.py", cwd=one.place, env=path)
    assert (True, False) == (ran.status > 110, one.was_evil()), ran


def test_a_project_without_a_command_runs_none(world: World) -> None:
    """Nothing is guessed."""
    app, _ = project(world, "src")
    path = app.place / "hello/pyproject.toml"
    path.write_text(path.read_text().replace('hello = "hello_tool.cli:main"', ""))
    if 0 == app.lock().status:
        signed(app)

    ran = app.run("greet", "you")

    assert (True, "") == (ran.status in (111, 112), ran.stdout), ran
    assert "error: not run" == ran.stderr.splitlines()[-1]
