"""Every member of a small closure, one by one: changed, gone, renamed, with another in front.

The program loads all that it has. Whatever happens to one file, nothing evil runs: it is refused
where plain Python would run it, and else runs as if nothing had happened.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import apps
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds, World

FILES = {
    "whole.py": """\
import importlib.metadata
import importlib.resources

import idna
import idna.codec
import idna.compat
import idna.intranges
import idna.package_data
import idna.uts46data
import tools
import tools.deep.part
import single

print(tools.SAID, tools.deep.part.SAID, single.SAID, idna.encode("ä.example.org").decode())
print(importlib.resources.files("tools").joinpath("words.txt").read_text(), end="")
print(importlib.metadata.version("idna"))
""",
    "tools/__init__.py": 'SAID = "tools"\n',
    "tools/deep/__init__.py": "",
    "tools/deep/part.py": 'SAID = "part"\n',
    "tools/words.txt": "words\n",
    "single.py": 'SAID = "single"\n',
}
# What a run does not load: nobody has to be stopped by it.
IDLE = {"idna/__main__.py", "idna/cli.py"}


@pytest.fixture(scope="module")
def _whole(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    yield loaded(apps.make(world.person("alice"), FILES, "whole.py", "idna").signed()).built()
    world.close()


@pytest.fixture
def whole(_whole: Loaded, world: World) -> Loaded:
    """A copy that may be changed."""
    return _whole.again(world)


def members(app: Loaded) -> list[Path]:
    """All files that are covered, but what belongs to who installed them."""
    installed = [
        path
        for path in sorted(app.site.rglob("*"))
        if path.is_file() and "idna" in str(path) and "__pycache__" not in path.parts
    ]
    ours = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
    installed = [path for path in installed if path.name not in ours]
    return [*(app.place / name for name in FILES), *installed]


def is_idle(app: Loaded, path: Path) -> bool:
    return str(path).removeprefix(f"{app.site}/") in IDLE


def test_the_whole_of_it_runs(whole: Loaded) -> None:
    """The twin of all that follow."""
    ran, same = whole.run(), whole.plain()
    assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)
    assert ran.stdout.startswith("tools part single xn--4ca.example.org\nwords\n3.")
    assert len(members(whole)) > 16


@pytest.mark.parametrize("way", ["changed", "gone", "renamed", "empty", "cut"])
def test_no_member_may_be_otherwise(whole: Loaded, way: str) -> None:
    """111 for whatever is loaded, and what is evil in plain Python is not run."""
    expected = whole.run()
    evil = 0
    for path in members(whole):
        content = path.read_bytes()
        if way == "changed":
            more = whole.evil.encode() if path.suffix == ".py" else b"more\n"
            path.write_bytes(more + content)
        elif way in ("gone", "renamed"):
            path.rename(path.with_name(f"{path.name}x"))
            if way == "gone":
                path.with_name(f"{path.name}x").unlink()
        else:
            path.write_bytes(b"" if way == "empty" else content[:-1])
        ran = whole.run()
        assert not whole.was_evil(), path
        was_empty = path.exists() and path.read_bytes() == content
        if was_empty or is_idle(whole, path):
            assert expected == ran, path
        else:
            # A distribution whose name cannot be read is not there.
            names = [path.name, "idna 3."] if path.name == "METADATA" else [path.name]
            assert 111 == ran.status, (path, ran)
            assert any(name in ran.stderr for name in names), (path, ran)
            assert "Traceback" not in ran.stderr
        if way == "changed" and path.suffix == ".py" and not is_idle(whole, path):
            shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
            whole.plain()
            evil += whole.was_evil()
            shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        path.with_name(f"{path.name}x").unlink(missing_ok=True)
        path.write_bytes(content)
    assert expected == whole.run()
    assert way != "changed" or evil > 8


@pytest.mark.parametrize("way", ["package", "bytecode", "library", "in front"])
def test_nothing_stands_in_front_of_a_member(whole: Loaded, way: str) -> None:
    """It runs as it is, whatever lies beside it."""
    expected = whole.run()
    for path in members(whole):
        if path.suffix != ".py" or path.name == "__init__.py":
            continue
        if way == "package":
            place = path.with_suffix("")
            if place.exists():
                continue
            place.mkdir()
            (place / "__init__.py").write_text(whole.evil)
        elif way == "bytecode":
            place = path.parent / "__pycache__"
            shutil.rmtree(place, ignore_errors=True)
            apps.forge(whole, path, whole.evil, "stale")
        elif way == "library":
            place = path.with_suffix(".so")
            place.write_bytes(b"\x7fELF")
        else:
            place = whole.place / f"{path.parent.name}.py"
            if place.exists() or (whole.place / path.parent.name).exists():
                continue
            place.write_text(whole.evil)
        assert expected == whole.run(), path
        assert not whole.was_evil(), path
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert expected == whole.run()
