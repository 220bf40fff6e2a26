"""`sig lock --pack`: bytecode that is signed with a lock, and all that is not believed of one.

Whether a pack was used shows in what Python tells about itself: code is compiled, or it is loaded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig.imports import packs, recording, running
from sig.verbs import lock as locks
from sig.verbs.workspace import Workspace
from tests.cli import apps
from tests.cli.apps import App
from tests.imports.child import Python
from tests.imports.test_packs import packed
from tests.world import Forger, Ran, Seeds, World, id_of

LOADS = "import helper, package.part, plugins.good, requests"
# Runs LOADS and tells how often code was compiled and loaded for it.
COUNT = f"""\
import sys
seen = []
sys.addaudithook(lambda event, args: event == "compile" and seen.append(str(args[1])))
{LOADS}
files = {{module.__loader__.path for name, module in sys.modules.items() if name != "__main__"
         and type(getattr(module, "__loader__", None)).__name__ == "SourceLoader"}}
print(files <= {{*seen}} and len(files) > 50, files.isdisjoint(seen), helper.VALUE)
"""
SOURCES, PACKED = "True False genuine\n", "False True genuine\n"


def pack_of(app: App) -> Path:
    return app.list.with_suffix(".pack")


def pack(app: App, *words: str, code: str = LOADS) -> Ran:
    """``sig lock --pack``."""
    words = ("lock", "--pack", *words, app.target, "--", code)
    return app.person.sig(*words, cwd=app.place)


def check(app: App) -> Ran:
    """``sig lock --pack --check``."""
    return app.person.sig("lock", "--pack", "--check", app.target, cwd=app.place)


def noted(app: App, code: str = COUNT) -> Ran:
    """``sig run -v``."""
    return app.person.sig("run", "-v", app.target, code, cwd=app.place)


@pytest.fixture(scope="module")
def _packed(seeds: Seeds) -> Iterator[App]:
    world = World(seeds)
    alice = world.person("alice")
    # Not the bytes of late.py: code is found by the digest of its source.
    files = apps.PROBE_FILES | {"helper.py": 'VALUE = "genuine"  # here\n'}
    app = apps.make(alice, files, "probe.py", "requests==2.32.3").signed()
    for ran in (pack(app), app.attest()):
        assert 0 == ran.status, ran
    yield app
    world.close()


@pytest.fixture
def told(_packed: App) -> App:
    """Signed with a pack; for tests that change nothing."""
    return _packed


@pytest.fixture
def app(_packed: App, world: World) -> App:
    """A copy that may be changed."""
    return _packed.again(world)


# --- the story -----------------------------------------------------------------------------------


def test_the_story(probe: App) -> None:
    """Lock and sign, record and sign, and what was compiled is not compiled again."""
    assert SOURCES == probe.run(COUNT).stdout
    ran = pack(probe, code=f"print('recorded'); {LOADS}")
    assert (0, "") == (ran.status, ran.stderr), ran
    first, line, following = ran.lines
    assert "recorded" == first
    assert line.startswith("pack probe.pack ") and line.endswith(" MB cpython-" + _version(probe))
    assert ["sig", "attest", "probe.lock"] == following.split()[1:]
    assert SOURCES == probe.run(COUNT).stdout  # it is there, and nobody signed it

    ran = probe.attest()
    assert f'"pack:cpython-{_version(probe)}={id_of(pack_of(probe).read_bytes())}"' in ran.stdout
    assert (0, PACKED, "") == (noted(probe).status, noted(probe).stdout, noted(probe).stderr)
    assert PACKED == probe.run(COUNT).stdout


def _version(app: App) -> str:
    told = app.plain("import platform; print(platform.python_version())").stdout.strip()
    return told


def test_a_check_compares_and_runs_nothing(told: App) -> None:
    """Exit status 0, in words and as JSON."""
    ran = check(told)
    assert (0, "") == (ran.status, ran.stderr) and ran.stdout.rstrip().endswith(" same")

    ran = told.person.sig("lock", "--pack", "--check", "--json", told.target, cwd=told.place)
    found = ran.json
    pack = packs.read(pack_of(told).read_bytes())
    assert (0, [], 0) == (ran.status, found["different"], found["unknown"])
    assert (str(pack.id), pack.tag, len(pack.codes), len(pack.raw)) == (
        found["id"], found["tag"], found["modules"], found["bytes"]
    )  # fmt: skip


def test_two_machines_make_one_pack(app: App, world: World) -> None:
    """Byte for byte: another place, another run."""
    first = pack_of(app).read_bytes()
    pack_of(app).unlink()
    assert 0 == pack(app).status
    assert first == pack_of(app).read_bytes()
    for place in (app.place, app.prefix, world.path):
        assert os.fsencode(place) not in first


def test_what_is_printed_does_not_mix_with_json(app: App) -> None:
    """The program's own words go to stderr then."""
    ran = pack(app, "--json", code="print('recorded')")
    assert (0, "sig attest probe.lock") == (ran.json["status"], ran.json["next"])
    assert "recorded\n" in ran.stderr


def test_a_run_that_fails_is_packed_and_told(app: App) -> None:
    """It loaded what it loaded."""
    ran = pack(app, code=f"{LOADS}; sys.exit(3)")
    assert (0, "note: the run that was recorded ended with 3\n") == (ran.status, ran.stderr)
    assert 0 == check(app).status


def test_a_run_that_does_not_say_what_it_loaded_makes_no_pack(app: App) -> None:
    """Killed, or gone without an end: one sentence."""
    pack_of(app).unlink()
    ran = pack(app, code="import os; os._exit(7)")
    assert 1 == ran.status, ran
    assert "ended with 7 and did not say what it had loaded" in ran.stderr
    assert not pack_of(app).exists()


def test_only_what_is_signed_is_recorded(probe: App) -> None:
    """A pack is made of a verified run: no other is started."""
    (probe.place / "helper.py").write_text(probe.evil)
    ran = pack(probe)
    assert (0, False) != (ran.status, probe.was_evil()) and "helper.py" in ran.stderr
    assert not pack_of(probe).exists() and not probe.was_evil()

    assert 0 == probe.lock().status  # changed, so nobody has signed it
    ran = pack(probe)
    assert 1 == ran.status and "sig attest" in ran.stderr, ran
    assert not probe.was_evil() and not pack_of(probe).exists()


def test_a_run_cannot_say_what_is_not_listed(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes its own report: what is not in the lock, or no source, is not packed for that."""
    evil = app.place / "more.py"
    evil.write_text(app.evil)
    there = {hashlib.sha256((app.place / name).read_bytes()).hexdigest(): name
             for name in ("helper.py", "more.py", "package/words.txt")}  # fmt: skip
    monkeypatch.setattr(recording, "_loaded", lambda *_: (0, {*there, "../x", "", "f" * 64}))
    workspace = Workspace(app.person.folder)
    program = locks.program_of(str(app.place / app.target))
    python = locks.python_for(workspace, program.lock)
    plan = running.decide(workspace, program, python, app.target, running.Options()).plan
    assert plan is not None
    made = recording.record(workspace, program, python, plan, (), {})

    assert ["helper.py"] == [there[digest] for digest in made.pack.codes]


@pytest.mark.parametrize(
    "words",
    [
        ("--check",),
        ("--script", "x"),
        ("--pack", "--exclude", "x"),
        ("--pack", "--remove"),
        ("--pack", "--check", "--script", "x"),
    ],
)
def test_options_that_mean_nothing_are_usage_errors(told: App, words: tuple[str, ...]) -> None:
    """None is ignored."""
    assert 2 == told.person.sig("lock", *words, told.target, cwd=told.place).status


# --- what is not believed ------------------------------------------------------------------------


def evil_pack(app: App, name: str = "helper.py") -> bytes:
    """The pack of this app, with evil code in place of that of a source."""
    real = packs.read(pack_of(app).read_bytes())
    digest = hashlib.sha256((app.place / name).read_bytes()).hexdigest()
    python = Python("/usr/bin/python3", (3, 0), (), "")
    evil = packed(python, {digest: app.evil + "VALUE = 'evil'\n"})
    return packs.made(real.python, real.codes | evil.codes).raw


def said_of(app: App, raw: bytes, release: int = 9) -> dict[str, object]:
    """What somebody would sign about the lock with this pack."""
    tag = packs.read(raw).tag
    return {
        "manifest": id_of(app.list.read_bytes()),
        "criteria": sorted([f"app:{app.name}", f"release:{release}", f"pack:{tag}={id_of(raw)}"]),
    }


def follow(app: App, world: World, forger: Forger, raw: bytes, *words: str, **more: int) -> None:
    """Alice follows somebody who has signed this pack."""
    statement = forger.says(app.list.read_bytes(), **said_of(app, raw, **more))
    server = world.serve(forger.publishes(world.path / "mallory", [statement]))
    added = app.person.sig(
        "remote", "add", "mallory", server.url, "--key", forger.fingerprint, "-f", *words
    )
    assert 0 == added.status, added


def test_who_is_trusted_decides(app: App, world: World) -> None:
    """The control of what follows: evil code that counts is run."""
    raw = evil_pack(app)
    pack_of(app).write_bytes(raw)
    follow(app, world, Forger(), raw, "--trust")

    assert (0, "evil\n") == (app.run("import helper; print(helper.VALUE)").status,
                             app.run("import helper; print(helper.VALUE)").stdout)  # fmt: skip
    assert app.was_evil()


def test_a_pack_that_a_stranger_signed_is_ignored(app: App, world: World) -> None:
    """The lock is signed by Alice, the pack by nobody who counts: the sources run."""
    raw = evil_pack(app)
    pack_of(app).write_bytes(raw)
    follow(app, world, Forger(), raw)

    ran = noted(app)
    assert (0, SOURCES, False) == (ran.status, ran.stdout, app.was_evil())
    assert "probe.pack is not used: nobody who counts has signed it" in ran.stderr
    assert "" == app.run(COUNT).stderr  # said only where it is asked for


def test_a_changed_pack_is_ignored(app: App) -> None:
    """Evil bytecode in its place; then one bit, the end cut off, rubbish, nothing."""
    real = pack_of(app).read_bytes()
    changed = bytearray(real)
    changed[len(real) // 2] ^= 1
    for raw in (evil_pack(app), bytes(changed), real[:-1], b"PK\3\4", os.urandom(4096), b""):
        pack_of(app).write_bytes(raw)
        ran = noted(app)
        assert (0, SOURCES) == (ran.status, ran.stdout), ran
        assert "note: probe.pack is not used: " in ran.stderr
        assert not app.was_evil()
    pack_of(app).write_bytes(real)
    assert PACKED == app.run(COUNT).stdout  # the control


@pytest.mark.parametrize("kind", ["folder", "fifo", "link to nothing", "unreadable", "huge"])
def test_what_is_no_file_is_ignored(app: App, kind: str) -> None:
    """And nobody waits for it."""
    place = pack_of(app)
    place.unlink()
    if kind == "folder":
        place.mkdir()
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "link to nothing":
        place.symlink_to("nothing")
    elif kind == "huge":
        with place.open("wb") as stream:
            stream.truncate(1 << 40)
    else:
        place.symlink_to("/proc/self/mem")
    assert (0, SOURCES) == (app.run(COUNT).status, app.run(COUNT).stdout)
    if kind != "link to nothing":
        assert "not used" in noted(app).stderr


def test_a_link_to_the_pack_is_as_good(app: App, world: World) -> None:
    """Its bytes decide, not its place."""
    there = world.path / "elsewhere"
    pack_of(app).rename(there)
    pack_of(app).symlink_to(there)
    assert PACKED == app.run(COUNT).stdout


def test_a_pack_for_another_python_is_ignored(app: App, world: World) -> None:
    """Trusted and signed: it is for who has that Python."""
    real = packs.read(evil_pack(app))
    raw = packs.made("cpython-3.11.99 a70d0d0a", real.codes).raw
    pack_of(app).write_bytes(raw)
    follow(app, world, Forger(), raw, "--trust")

    ran = noted(app)
    assert (0, SOURCES, False) == (ran.status, ran.stdout, app.was_evil())
    assert "it is for cpython-3.11.99, and this is cpython-" in ran.stderr


def test_a_tag_is_not_another_one(app: App, world: World) -> None:
    """Signed under the tag of one Python, a pack does not count as that of another."""
    raw = evil_pack(app)
    pack_of(app).write_bytes(raw)
    forger = Forger()
    said = said_of(app, raw)
    said["criteria"] = [f"app:{app.name}", f"pack:cpython-3.12.1={id_of(raw)}", "release:9"]
    statement = forger.says(app.list.read_bytes(), **said)
    server = world.serve(forger.publishes(world.path / "mallory", [statement]))
    words = ("remote", "add", "m", server.url, "--key", forger.fingerprint, "-f", "--trust")
    assert 0 == app.person.sig(*words).status

    assert (0, SOURCES, False) == (app.run(COUNT).status, app.run(COUNT).stdout, app.was_evil())


def test_where_two_must_sign_one_is_not_enough(app: App, world: World) -> None:
    """Both signed the lock and one of them a pack: nobody else has looked at that."""
    raw = evil_pack(app)
    real = pack_of(app).read_bytes()
    pack_of(app).write_bytes(raw)
    follow(app, world, Forger(), raw, "--trust", release=1)
    assert 0 == app.person.sig("config", "policy", '{"ok": 2, "not-ok": 0}').status

    ran = noted(app)
    assert (0, SOURCES, False) == (ran.status, ran.stdout, app.was_evil()), ran
    pack_of(app).write_bytes(real)
    assert SOURCES == app.run(COUNT).stdout  # nor that of Alice alone
    assert 0 == app.person.sig("config", "policy", '{"ok": 1, "not-ok": 0}').status
    assert PACKED == app.run(COUNT).stdout


def test_a_pack_that_is_marked_bad_is_ignored(app: App) -> None:
    """Whoever signed it with the lock."""
    marked = app.person.sig(
        "attest", "--not-ok", "--reviewed", "-m", "not its sources", pack_of(app)
    )
    assert 0 == marked.status, marked
    ran = noted(app)
    assert (0, SOURCES) == (ran.status, ran.stdout)
    assert "not used: it is marked bad" in ran.stderr


def test_the_sources_are_looked_at_all_the_same(app: App) -> None:
    """With the code at hand: a file that is gone or another one stops the run."""
    path = app.place / "helper.py"
    before = path.read_text()
    apps.kept(path, before + app.evil)
    app.refused("import helper", names="helper.py")
    path.unlink()
    ran = app.run("import helper")
    assert (111, "") == (ran.status, ran.stdout) and "helper.py is missing" in ran.stderr
    path.write_text(before)
    assert PACKED == app.run(COUNT).stdout


def test_after_an_upgrade_the_pack_is_slower_and_harmless(app: App) -> None:
    """Another helper, signed: its source runs, and its neighbours have still their code."""
    old = pack_of(app).read_bytes()
    (app.place / "helper.py").write_text('VALUE = "newer"\n')
    assert 0 == app.lock().status
    ran = app.attest()
    assert 0 == ran.status and "pack:" not in ran.stdout
    assert "probe.pack is not signed: it is of sources that the lock does not list" in ran.stderr
    ran = noted(app)
    assert "True False newer\n" == ran.stdout and "not used" in ran.stderr

    ran = check(app)
    assert (1, "1 of sources that the lock does not list\n") == (ran.status, ran.stdout)
    assert (0, 0, 0) == (pack(app).status, app.attest().status, check(app).status)
    assert "False True newer\n" == app.run(COUNT).stdout
    pack_of(app).write_bytes(old)  # a rollback of it alone
    assert "True False newer\n" == app.run(COUNT).stdout


# --- what is not signed --------------------------------------------------------------------------


def test_an_evil_pack_is_not_signed(app: App) -> None:
    """It lay beside the lock: it is compiled anew and compared, and the source is named."""
    pack_of(app).write_bytes(evil_pack(app))
    ran = app.attest()
    assert 1 == ran.status and "probe.pack has other code than helper.py" in ran.stderr, ran
    assert "Saved" not in ran.stdout
    assert (1, "different helper.py\n") == (check(app).status, check(app).stdout)
    ran = app.person.sig("lock", "--pack", "--check", "--json", app.target, cwd=app.place)
    assert (1, [str(app.place / "helper.py")]) == (ran.status, ran.json["different"])
    assert not app.was_evil()


def test_what_is_no_pack_is_not_signed(app: App) -> None:
    """In another form, or with more in it than the lock lists."""
    real = packs.read(pack_of(app).read_bytes())
    pack_of(app).write_bytes(real.raw + b"\0")
    ran = app.attest()
    assert 0 != ran.status and "Saved" not in ran.stdout

    pack_of(app).write_bytes(packs.made(real.python, real.codes | {"0" * 64: b"N"}).raw)
    ran = app.attest()
    assert 0 == ran.status and '"pack:' not in ran.stdout and "is not signed" in ran.stderr
    pack_of(app).write_bytes(packs.made("cpython-3.11.99 a70d0d0a", real.codes).raw)
    ran = app.attest()
    assert 0 == ran.status and '"pack:' not in ran.stdout and "is not signed" in ran.stderr
    pack_of(app).write_bytes(packs.made(real.python[:-1] + "e", real.codes).raw)
    assert 1 == app.attest().status  # another magic number than this Python has


def test_a_pack_is_compiled_from_verified_sources(app: App) -> None:
    """A source that was changed under it is refused, not compiled."""
    apps.kept(app.site / "requests/api.py", (app.site / "requests/api.py").read_text() + "#")
    ran = check(app)
    assert 0 != ran.status and "requests/api.py is not what the lock says" in ran.stderr
    assert 0 != app.attest().status


# --- as without it -------------------------------------------------------------------------------

TOLD = """\
import inspect, traceback, requests, helper, package.part, logging
print(inspect.getsource(requests.get)[:30], requests.get.__code__.co_filename, helper.__file__)
print(inspect.getsourcefile(package.part), helper.__spec__.cached, __loader__)
try:
    requests.get("nowhere://x")
except Exception:
    traceback.print_exc()
requests.get("nowhere://x")
"""


def test_nothing_tells_that_there_was_a_pack(app: App) -> None:
    """Sources, names of files, tracebacks with their lines: as without it."""
    assert 0 == pack(app, code=LOADS).status and 0 == app.attest().status
    assert PACKED == app.run(COUNT).stdout
    with_pack = app.run(TOLD)
    pack_of(app).unlink()
    without = app.run(TOLD)

    assert (without.status, without.stdout, without.stderr) == (
        with_pack.status, with_pack.stdout, with_pack.stderr
    )  # fmt: skip
    assert 1 == without.status and f'File "{app.site}/requests/sessions.py", line' in without.stderr


def test_children_have_it_too(app: App) -> None:
    """What multiprocessing starts goes through the same decision."""
    code = (
        "import multiprocessing, work\n"
        "with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    print(pool.map(work.square, [3]))\n"
    )
    assert 0 == pack(app, code="import work").status and 0 == app.attest().status
    ran = app.run(code)
    assert (0, "[9]\n", "") == (ran.status, ran.stdout, ran.stderr)
