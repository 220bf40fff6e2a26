"""Loaders of a project's commands: installed, editable, in both layouts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli import apps
from tests.cli.apps import App
from tests.cli.test_run_projects import plain, project, signed
from tests.native.conftest import program_of_checkout
from tests.soak import paired
from tests.world import Ran, World


def built(app: App, *words: str) -> Path:
    """``sig loader build FOLDER``: the loader of its one command."""
    program_of_checkout()
    signed(app)
    ran = app.person.sig("loader", "build", *words, app.target, cwd=app.place)
    assert 0 == ran.status, ran
    return app.place / "hello/hello"


def run(app: App, loader: Path, *words: str) -> Ran:
    done = subprocess.run(
        [loader, *words],
        env=app.person.environment,
        cwd=app.place,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("layout", "words"), paired(["src", "flat"], [(), ("--editable",)]))
def test_a_command_runs_as_pip_installed_it(
    world: World, layout: str, words: tuple[str, ...]
) -> None:
    """Output, status, the name in its usage, and the data beside its code."""
    app, package = project(world, layout, *words)
    loader = built(app)
    for given in (("greet", "you"), ("--help",), ("greet",), ("none",)):
        assert Ran(*plain(app, *given)) == run(app, loader, *given)

    path = (package if words else app.site / "hello_tool") / "cli.py"
    apps.kept(path, path.read_text() + app.evil)
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    ran = run(app, loader, "greet", "you")
    assert (111, "", False) == (ran.status, ran.stdout, app.was_evil()), ran
    assert f"SECURITY VIOLATION: '{path}' has been tampered with!" in ran.stderr
    plain(app, "greet", "you")
    assert app.was_evil()


@pytest.mark.parametrize("words", [(), ("--editable",)], ids=["installed", "editable"])
def test_what_was_dropped_does_not_exist(world: World, words: tuple[str, ...]) -> None:
    """Beside its code, in the project's folder, and in its environment."""
    app, package = project(world, "src", *words)
    loader = built(app)
    place = package if words else app.site / "hello_tool"
    for path in (place.parent / "json.py", app.site / "six.py", app.place / "hello/click.py"):
        path.write_text(app.evil)
    if words:
        (place.parent / "click").mkdir()
        (place.parent / "click/__init__.py").write_text(app.evil)
    ran = run(app, loader, "--help")
    assert (0, False) == (ran.status, app.was_evil()), ran


def test_a_path_line_that_was_changed_leads_nowhere(world: World) -> None:
    """Where the sources lie was looked for at the build."""
    app, package = project(world, "src", "--editable")
    loader = built(app)
    evil = app.person.home / "evil/hello_tool"
    shutil.copytree(package, evil)
    (evil / "cli.py").write_text(app.evil + "def main(): pass\n")
    (path,) = app.site.glob("__editable__*.pth")
    path.write_text(f"{evil.parent}\n")
    assert (7, False) == (run(app, loader, "greet", "you").status, app.was_evil())
    plain(app, "greet", "you")
    assert app.was_evil()


def test_folders_that_are_searched_elsewhere_need_a_new_loader(world: World) -> None:
    """They stand in the signed list; the loader says so, and one that is made anew runs."""
    app, _ = project(world, "src", "--editable")
    loader = built(app)
    shutil.move(app.place / "hello/src", app.place / "hello/lib")
    (path,) = app.site.glob("__editable__*.pth")
    path.write_text(f"{app.place}/hello/lib\n")
    signed(app)
    ran = run(app, loader, "greet", "you")
    assert (114, "") == (ran.status, ran.stdout), ran
    assert "is searched elsewhere than when this loader was made" in ran.stderr
    assert "hint: sig loader build" in ran.stderr
    again = app.person.sig("loader", "build", app.target, cwd=app.place)
    assert 0 == again.status, again
    assert 7 == run(app, loader, "greet", "you").status


def test_a_new_release_needs_no_new_loader(world: World) -> None:
    """Of another version, with another function for its command, reviewed and signed."""
    app, package = project(world, "src", "--editable")
    loader = built(app)
    settings = app.place / "hello/pyproject.toml"
    before = settings.read_text()
    settings.write_text(before.replace("cli:main", "cli:other").replace('"1.0"', '"1.1"'))
    refused = run(app, loader)
    assert (111, "") == (refused.status, refused.stdout)
    assert "SECURITY VIOLATION: 'pyproject.toml' has been tampered with!" in refused.stderr
    with (package / "cli.py").open("a") as stream:
        stream.write("\n\ndef other():\n    print('other')\n")
    from tests import wheels

    wheels.pip(app.python, "--editable", app.place / "hello")
    signed(app)
    assert Ran(0, "other\n", "") == run(app, loader)


def test_a_command_that_is_gone_is_told(world: World) -> None:
    """114: nothing is guessed."""
    app, _ = project(world, "src", "--editable")
    loader = built(app)
    settings = app.place / "hello/pyproject.toml"
    settings.write_text(settings.read_text().replace("hello = ", "greet = "))
    signed(app)
    ran = run(app, loader)
    assert (114, "") == (ran.status, ran.stdout), ran
    assert "it has no script hello" in ran.stderr
