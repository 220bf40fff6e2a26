"""`sig lock --pack` with an interpreter that is not the system's: its standard library is packed
too, and it compiles only where somebody answers for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig.imports import packs
from tests import builds, wheels
from tests.builds import changed, library
from tests.cli import apps
from tests.cli.apps import App
from tests.cli.test_other_python import attest, base
from tests.cli.test_packs import check, follow, noted, pack, pack_of
from tests.imports import libraries
from tests.imports.child import Python
from tests.imports.test_packs import packed
from tests.world import Forger, Seeds, World

LOADS = "import helper, odd, json, requests"
# Runs LOADS and tells how often code was compiled and loaded for it.
COUNT = f"""\
import sys
before, seen = {{*sys.modules}}, []
sys.addaudithook(lambda event, args: event == "compile" and seen.append(str(args[1])))
{LOADS}
files = {{module.__loader__.path for name, module in sys.modules.items() if name not in before
         and type(getattr(module, "__loader__", None)).__name__ == "SourceLoader"}}
print(files <= {{*seen}}, files.isdisjoint(seen), json.__file__ in files and len(files) > 100)
"""
SOURCES, PACKED = "True False True\n", "False True True\n"
FILES = apps.PROBE_FILES | {"odd.py": "# coding: cp1252\nVALUE = 'odd'\n"}


@pytest.fixture(scope="module")
def _told(seeds: Seeds) -> Iterator[App]:
    world = World(seeds)
    alice = world.person("alice")
    program = builds.build(world.path / "build", wheels.other())
    app = apps.make(alice, FILES, "probe.py", "requests==2.32.3", python=str(program))
    assert 0 == attest(alice, app.python).status
    assert SOURCES == app.signed().run(COUNT).stdout
    for ran in (pack(app, code=LOADS), app.attest()):
        assert 0 == ran.status, ran
    yield app
    world.close()


@pytest.fixture
def told(_told: App) -> App:
    """Signed with a pack; what a test changes for a while is as it was."""
    return _told


@pytest.fixture
def app(_told: App, world: World) -> App:
    """A copy whose folder may be changed, with the same build."""
    return _told.again(world)


def version(app: App) -> str:
    return app.plain("import platform; print(platform.python_version())").stdout.strip()


def header_of(app: App) -> Path:
    """The file that says the version of the build."""
    found = sorted(base(app).parent.parent.glob("include/*/patchlevel.h"))
    if not found:
        pytest.skip("this build has none")
    return found[0]


def evil_pack(app: App, path: Path, tag: str = "") -> bytes:
    """The pack of this app with evil code in place of that of a source."""
    real = packs.read(pack_of(app).read_bytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest in real.codes
    evil = packed(Python(str(base(app)), (3, 0), (), ""), {digest: app.evil + path.read_text()})
    said = real.python.replace(real.tag, tag or real.tag)
    return packs.made(said, real.codes | evil.codes).raw


# --- the story -----------------------------------------------------------------------------------


def test_the_standard_library_is_packed_too(told: App) -> None:
    """What was compiled at every start is not compiled any more: the program, what is installed,
    and what of the standard library they load."""
    real = packs.read(pack_of(told).read_bytes())
    assert f"cpython-{version(told)}" == real.tag
    there = [library(base(told)) / "json/decoder.py", told.site / "requests/api.py"]
    there += [told.place / "odd.py"]
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in there}
    assert digests <= set(real.codes)

    ran = noted(told, COUNT)
    assert (0, PACKED, "") == (ran.status, ran.stdout, ran.stderr)
    ran = check(told)
    assert (0, "") == (ran.status, ran.stderr) and ran.stdout.rstrip().endswith(" same")


def test_what_tells_what_was_loaded_is_not_packed(app: App) -> None:
    """The report is JSON, and is written when the program is over."""
    assert 0 == pack(app, code="import helper").status
    names = [app.place / name for name in ("probe.py", "helper.py")]
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in names}
    assert digests == set(packs.read(pack_of(app).read_bytes()).codes)


@pytest.mark.soak
def test_two_machines_make_one_pack(app: App, world: World) -> None:
    """Byte for byte, with a copy of the build at another place."""
    first = pack_of(app).read_bytes()
    build = builds.build(world.path / "elsewhere", wheels.other())
    program = app.prefix / "bin" / base(app).name
    for link in app.prefix.glob("bin/python*"):
        link.unlink()
    program.symlink_to(build)
    app.python.symlink_to(program.name) if app.python != program else None
    config = (app.prefix / "pyvenv.cfg").read_text()
    (app.prefix / "pyvenv.cfg").write_text(config.replace(str(base(app).parent), str(build.parent)))
    assert 0 == app.lock().status
    pack_of(app).unlink()
    assert 0 == pack(app, code=LOADS).status
    assert first == pack_of(app).read_bytes()


# --- what is not believed ------------------------------------------------------------------------


def test_evil_code_of_the_standard_library_counts_by_its_signature(app: App, world: World) -> None:
    """A stranger's is ignored, and is not signed by who compares; that of who is trusted runs: the
    control."""
    path = library(base(app)) / "json/decoder.py"
    raw = evil_pack(app, path)
    pack_of(app).write_bytes(raw)
    ran = noted(app, COUNT)
    assert (0, SOURCES, False) == (ran.status, ran.stdout, app.was_evil()), ran
    assert "probe.pack is not used: nobody who counts has signed it" in ran.stderr
    ran = app.attest()
    assert 1 == ran.status and "json/decoder.py" in ran.stderr and "Saved" not in ran.stdout, ran
    ran = check(app)
    assert 1 == ran.status and ran.stdout.endswith("/json/decoder.py\n"), ran
    assert not app.was_evil()

    follow(app, world, Forger(), raw, "--trust")
    assert (0, True) == (app.run("import json").status, app.was_evil())


def test_sources_of_the_standard_library_are_looked_at_all_the_same(told: App) -> None:
    """With their code at hand: one that is another, or gone, ends the run."""
    path = library(base(told)) / "json/decoder.py"
    with changed(path, told.evil + path.read_text()):
        told.refused("import json", names="json/decoder.py")
    hidden = path.with_name("hidden")
    path.rename(hidden)
    try:
        ran = told.run("import json")
        assert (111, "") == (ran.status, ran.stdout) and "decoder.py is missing" in ran.stderr
    finally:
        hidden.rename(path)
    assert PACKED == told.run(COUNT).stdout


def test_a_pack_is_for_one_version(app: App) -> None:
    """The last number counts: who has another is slower."""
    header = header_of(app)
    real = version(app)
    other = real.rpartition(".")[0] + ".99"
    with changed(header, header.read_text().replace(real, other)):
        assert 0 == attest(app.person, app.python).status
        assert 0 == app.lock().status
        ran = noted(app, COUNT)
        assert (0, SOURCES) == (ran.status, ran.stdout), ran
        assert f"it is for cpython-{real}, and this is cpython-{other}" in ran.stderr


@pytest.mark.soak
def test_the_interpreter_itself_decides_on_its_version(app: App, world: World) -> None:
    """Where the header says another one than it has, and where there is no header."""
    header = header_of(app)
    real = version(app)
    other = real.rpartition(".")[0] + ".99"
    kept = pack_of(app).read_bytes()
    lied = evil_pack(app, library(base(app)) / "json/decoder.py", f"cpython-{other}")
    with changed(header, header.read_text().replace(real, other)):
        assert 0 == attest(app.person, app.python).status
        assert 0 == app.lock().status
        assert "is not signed: it is for cpython-" in app.attest().stderr
        pack_of(app).write_bytes(lied)
        follow(app, world, Forger(), lied, "--trust")
        ran = noted(app, COUNT)
        assert (0, SOURCES, "", False) == (ran.status, ran.stdout, ran.stderr, app.was_evil()), ran
    pack_of(app).write_bytes(kept)
    hidden = header.with_name("hidden")
    header.rename(hidden)
    try:
        assert 0 == attest(app.person, app.python).status
        assert 0 == app.lock().status
        assert (0, 0) == (check(app).status, app.attest().status)
        assert PACKED == app.run(COUNT).stdout
        pack_of(app).write_bytes(lied)
        assert f"it is for cpython-{other}, and this is cpython-{real}" in app.attest().stderr
        assert (1, SOURCES) == (check(app).status, app.run(COUNT).stdout)
    finally:
        hidden.rename(header)


# --- who compiles --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["encodings/utf_8.py", "__future__.py", "sitecustomize.py"])
def test_what_lies_in_the_build_of_who_compiles_is_not_run(told: App, name: str) -> None:
    """A file that Python would run before it compiles the first source: refused or not there."""
    path = library(base(told)) / name
    before = path.read_text() if path.is_file() and not path.is_symlink() else ""
    # What is there before anything can be opened as usual.
    evil = f"\nimport posix\nposix.close(posix.open({str(told.mark)!r}, 0o101, 0o644))\n"
    with changed(path, before + evil):
        ran, signed = check(told), told.attest()
        assert not told.was_evil()
        if before:
            assert 1 == ran.status == signed.status, (ran, signed)
            assert f"error: {path} is not " in ran.stderr
        else:
            assert (0, 0) == (ran.status, signed.status), (ran, signed)
        told.plain("import __future__")
        assert told.was_evil()


def test_another_program_does_not_compile(told: App) -> None:
    """Nor another libpython: both are looked at before anything starts."""
    found = sorted(base(told).parent.parent.glob("lib/libpython3.*.so.*"))
    evil = libraries.library(found[0].name, says="evil\n") if found else b""
    for place, data in [(base(told), base(told).read_bytes() + b"\0"), (found and found[0], evil)]:
        if place:
            with changed(place, data):
                ran = check(told)
                assert (1, "") == (ran.status, ran.stdout)
                assert f"error: {place} is not the file that was attested\n" in ran.stderr


def test_only_a_python_that_somebody_answers_for_compiles(app: App) -> None:
    """One that is marked bad: nothing is compiled, and a lock is signed without its pack."""
    words = ("--not-ok", "--reviewed", "-m", "bad")
    assert 0 == attest(app.person, app.python, *words).status
    ran = check(app)
    assert 1 == ran.status and " is marked bad\n" in ran.stderr, ran
    ran = app.attest()
    assert 0 == ran.status and '"pack:' not in ran.stdout, ran
    assert "is not signed: python " in ran.stderr and " is marked bad" in ran.stderr
    assert 3 == pack(app, code=LOADS).status
