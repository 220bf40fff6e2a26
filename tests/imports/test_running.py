"""A program is run only as it was signed, and only what was signed goes into its plan."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from sig.errors import FormatError, NotFound, Refused, SigError, UsageError
from sig.imports import launcher, running
from sig.imports.running import Decided, Options
from sig.model.closure import Closure
from sig.repo import installed, objects
from sig.repo.python import Python, contents
from sig.verbs import lock as locks
from tests.verbs.forest import sha, tree_statement
from tests.verbs.parties import Party, Reader, Web, fetched_since
from tests.verbs.places import Place
from tests.verbs.programs import published, says

API = {"requests/__init__.py": b"", "requests/api.py": b"1\n"}
PROJECT = (
    b'[project]\nname = "tool"\n[project.scripts]\ntool = "tool.cli:main"\nmore = "tool:run.it"\n'
)
NONE = Options()


@pytest.fixture
def web() -> Web:
    """Nothing is on it yet."""
    return Web()


@pytest.fixture
def desk(tmp_path: Path, web: Web) -> Reader:
    """Bob's folder."""
    return Reader(tmp_path / "desk", web, Party("bob"))


@pytest.fixture
def place(tmp_path: Path, desk: Reader) -> Place:
    """get.py with requests, locked and signed."""
    found = Place(tmp_path / "place")
    found.write("get.py", b"import requests\n")
    found.write("helper.py", b"2\n")
    found.install("requests", "2.32.3", API)
    found.lock(desk)
    found.sign(desk)
    return found


@pytest.fixture
def tool(tmp_path: Path, desk: Reader) -> Place:
    """A project with two scripts, locked and signed."""
    found = Place(tmp_path / "tools")
    found.write("pyproject.toml", PROJECT)
    found.write("src/tool/__init__.py", b"")
    found.lock(desk, "")
    found.sign(desk, "tool")
    return found


def decided(
    desk: Reader,
    place: Place,
    target: str = "get.py",
    options: Options = NONE,
    python: Python | None = None,
    app: str | None = None,
) -> Decided:
    """`sig run TARGET`, but for starting it; that writes nothing."""
    before = desk.state
    program = place.program(target, app)
    found = running.decide(
        desk.workspace, program, place.python if python is None else python, target, options
    )
    assert [] == fetched_since(before, desk.state)
    assert (found.plan is None) == bool(found.why) == bool(found.status)
    return found


def no(found: Decided) -> tuple[int, str]:
    """Why it is not run."""
    assert found.plan is None
    return found.status, found.why


def test_what_was_signed_goes_into_the_plan(desk: Reader, place: Place) -> None:
    """And where it lies here; the same script with an app, from another folder, is the same."""
    plan = decided(desk, place).plan
    assert plan is not None
    python = place.python
    assert ("get", "get.py", str(place.app / "get.py")) == (plan.app, plan.argv0, plan.file)
    assert ("file", "get.py") == plan.entry
    assert ["app", "dist/requests-2.32.3"] == [root.name for root in plan.roots]
    assert [str(place.app), str(place.site)] == [root.base for root in plan.roots]
    assert ["", str(place.folder / "v")] == [root.prefix for root in plan.roots]
    texts = [objects.read(desk.workspace.home, id) for id in place.read().roots.values()]
    assert texts == [root.manifest for root in plan.roots]
    assert (python.stdlib, (), str(place.folder / "v"), {}) == (
        tuple(plan.stdlib), tuple(plan.system), plan.prefix, plan.bad
    )  # fmt: skip
    assert plan.environment == launcher.mark(
        str(desk.path), place.program(), str(place.bin / "python"), None
    )
    again = decided(desk, place, app="get").plan
    assert again is not None and again.roots == plan.roots


def test_an_environment_is_read_once(
    desk: Reader, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the plan is what was decided about: no other may stand there by then."""
    place.edit("lib", "1.0", place.app, f"{place.app}\n")
    (place.site / "other.pth").write_text("/elsewhere\n")
    place.lock(desk)
    place.sign(desk)
    read: list[str] = []

    def counted(path: str, *given: Any, **named: Any) -> bytes | None:
        read.append(path)
        return contents(path, *given, **named)

    monkeypatch.setattr(installed, "contents", counted)
    assert decided(desk, place).plan is not None
    assert {"METADATA", "RECORD", "direct_url.json", "other.pth"} <= set(
        map(os.path.basename, read)
    )
    assert sorted(set(read)) == sorted(read)


def test_what_was_not_signed_is_not_run(desk: Reader, place: Place, web: Web) -> None:
    """No lock, one that nobody signed, one whose signature was taken back or whose signer warns."""
    lock = place.app / "get.lock"
    good = lock.read_bytes()
    assert decided(desk, place).plan is not None
    lock.write_bytes(good.replace(good[:8], b"00000000"))
    assert (1, True) == (no(decided(desk, place))[0], "get.lock is not verified" in
                         no(decided(desk, place))[1])  # fmt: skip
    assert f"sig attest {lock}" == decided(desk, place).hint
    lock.unlink()
    with pytest.raises(SigError, match=r"no .*get\.lock"):
        decided(desk, place)
    lock.write_bytes(good[:-1])
    with pytest.raises(FormatError):
        decided(desk, place)
    lock.write_bytes(good)
    carol = Party("carol")
    says(carol, place.read(), ok=False)
    published(web, carol)
    desk.follow(carol)
    desk.fetch_all()
    assert decided(desk, place).plan is not None
    desk.trust(carol)
    assert (3, "get.lock is marked bad by 1 trusted signer") == no(decided(desk, place))


def test_another_program_does_not_stand_in(desk: Reader, place: Place) -> None:
    """Its lock by this name, or its script under this lock, though both are signed; nor an older
    lock of this one."""
    place.write("other.py", b"import requests\n")
    old = (place.app / "get.lock").read_bytes()
    place.lock(desk, "other.py")
    place.sign(desk, "other")
    assert decided(desk, place, "other.py").plan is not None
    shutil.copy(place.app / "other.lock", place.app / "get.lock")
    assert (1, True) == (no(decided(desk, place))[0], "not verified" in
                         no(decided(desk, place))[1])  # fmt: skip
    place.write("more.py", b"")
    place.lock(desk)
    place.sign(desk)
    assert decided(desk, place).plan is not None
    (place.app / "get.lock").write_bytes(old)
    assert 1 == no(decided(desk, place))[0]


def test_what_the_script_is_shows_before_it_runs(desk: Reader, place: Place) -> None:
    """Changed, bad, no file, not there. What else is changed shows when it is loaded."""
    place.write("helper.py", b"changed")
    (place.site / "requests/api.py").write_bytes(b"changed")
    assert decided(desk, place).plan is not None
    script = place.write("get.py", b"changed")
    found = decided(desk, place)
    assert (1, "get.py differs from what get.lock says") == no(found)
    assert f"sig lock --python {place.bin}/python get.py" == found.hint
    script.unlink()
    script.symlink_to("/proc/self/mem")
    with pytest.raises(SigError):
        decided(desk, place)
    script.unlink()
    with pytest.raises(NotFound):
        decided(desk, place)


def test_what_is_marked_bad_is_named_and_not_run(desk: Reader, place: Place, web: Web) -> None:
    """A root stops it; a file stops what loads it, and the script is loaded at once."""
    carol = Party("carol")
    desk.follow(carol, counts=True)

    def warned() -> Decided:
        published(web, carol)
        desk.fetch_all()
        return decided(desk, place)

    carol.says(sha(API["requests/api.py"]), False)
    plan = warned().plan
    assert plan is not None and ["requests/api.py is marked bad by 1 trusted signer"] == list(
        plan.bad.values()
    )
    carol.says(sha(b"import requests\n"), False)
    assert (3, "get.py is marked bad by 1 trusted signer") == no(warned())
    carol.offered.clear()
    carol.says(str(place.read().roots["dist/requests-2.32.3"]), False)
    assert (3, "dist requests 2.32.3 is marked bad") == no(warned())
    carol.offered.clear()
    carol.says(str(place.read().roots["app"]), False)
    assert (3, "app is marked bad") == no(warned())


@pytest.mark.parametrize("what", ["uninstalled", "upgraded", "left out"])
def test_what_is_not_installed_is_told(desk: Reader, place: Place, what: str) -> None:
    """By name and version; more that is installed is nobody's matter."""
    place.install("more", "1", {})
    assert decided(desk, place).plan is not None
    place.uninstall("requests", "2.32.3")
    told = "requests 2.32.3 is not installed"
    if what == "upgraded":
        place.install("requests", "2.33.0", API)
        told = "requests 2.33.0 is not covered"
    elif what == "left out":
        (place.site / "requests-2.32.3.egg-info").mkdir()
    found = decided(desk, place)
    assert (1, told) == no(found)
    assert f"sig lock --python {place.bin}/python get.py" == found.hint


def test_a_version_with_a_hyphen_is_that_version(desk: Reader, tmp_path: Path) -> None:
    """A closure spells it as the name of a wheel does."""
    place = Place(tmp_path / "other")
    place.write("get.py", b"")
    place.install("a-b", "1.0-1", {})
    place.lock(desk)
    assert "dist/a-b-1.0_1" in place.read().roots
    place.sign(desk)
    assert decided(desk, place).plan is not None
    place.uninstall("a-b", "1.0-1")
    place.install("a-b", "1.0-2", {})
    assert (1, "a-b 1.0-2 is not covered") == no(decided(desk, place))


def test_a_list_that_is_not_here_is_told(desk: Reader, place: Place) -> None:
    """That could not be looked at: it is no verdict."""
    for name, id in place.read().roots.items():
        kept = {}
        for file in (desk.path / objects.name(id), desk.path / objects.own(id)):
            if file.exists():
                kept[file] = file.read_bytes()
                file.unlink()
        assert (4, f"the list of {name} is not in the folder") == no(decided(desk, place))
        for file, raw in kept.items():
            file.write_bytes(raw)
    assert decided(desk, place).plan is not None


def test_an_interpreter_that_nobody_answers_for_is_not_started(desk: Reader, place: Place) -> None:
    """Whatever else is signed; nor one that the lock is not for."""
    python = place.python
    found = decided(desk, place, python=python._replace(version="3.99.1"))
    assert (1, True) == (found.status, "get.lock is not verified" in found.why)
    other = python._replace(is_system=False, why_not="it is somebody's", executable="/tmp/python")
    found = decided(desk, place, python=other)
    assert 1 == found.status and "not attested" in found.why
    assert f"sig attest --python {place.bin}/python" == found.hint


# --- projects ------------------------------------------------------------------------------------


def test_another_python_than_the_systems_starts_from_copies_alone(
    desk: Reader, place: Place
) -> None:
    """Where none were made, nothing is started."""
    plan = decided(desk, place).plan
    assert plan is not None
    with pytest.raises(ValueError, match="is not the system's, and nothing was prepared"):
        running.start(place.python._replace(is_system=False), plan, (), {})


def test_a_project_starts_by_one_of_its_scripts(desk: Reader, tool: Place) -> None:
    """By what its file says, which is in the lock; it is called as the script."""
    found = decided(desk, tool, "", Options(script="more"))
    assert found.plan is not None
    assert (("call", "tool", "run.it"), "more", "") == (
        found.plan.entry, found.plan.argv0, found.plan.file
    )  # fmt: skip
    assert ("src",) == tuple(found.plan.roots[0].search)
    for script, why in ((None, "name one of its scripts: more, tool"), ("x", "has no script x")):
        with pytest.raises(UsageError, match=why):
            decided(desk, tool, "", Options(script=script))


@pytest.mark.parametrize(
    "content",
    [PROJECT.replace(b"tool.cli:main", b"os:system"), b"", None, b"\xff", PROJECT + b"\n"],
)
def test_a_project_whose_file_is_another_is_not_run(
    desk: Reader, tool: Place, content: bytes | None
) -> None:
    """Not a line of it is believed that is not in the lock."""
    (tool.app / "pyproject.toml").unlink()
    if content is not None:
        tool.write("pyproject.toml", content)
    with pytest.raises(SigError):
        running.decide(
            desk.workspace,
            tool.program("")._replace(app="tool", lock=str(tool.app / "tool.lock"))
            if content == PROJECT + b"\n"
            else locks.Program(str(tool.app), "", "tool", str(tool.app / "tool.lock")),
            tool.python,
            "tool",
            Options(script="tool"),
        )


@pytest.mark.parametrize("kind", ["FIFO", "folder", "zeros"])
def test_a_project_file_that_is_none_is_not_waited_for(
    desk: Reader, tool: Place, kind: str, deadline: None
) -> None:
    """Also where it was swapped after it was looked at."""
    file = tool.app / "pyproject.toml"
    file.unlink()
    if kind == "FIFO":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")
    program = locks.Program(str(tool.app), "", "tool", str(tool.app / "tool.lock"))
    with pytest.raises(Refused, match="is no regular file"):
        running.decide(desk.workspace, program, tool.python, "tool", Options(script="tool"))


def test_a_script_has_no_scripts_and_must_be_in_its_lock(desk: Reader, place: Place) -> None:
    """A file that was signed as part of it may be named as its script; any other may not."""
    with pytest.raises(UsageError, match="--script is for a project"):
        decided(desk, place, options=Options(script="x"))
    place.write("stray.py", b"")
    with pytest.raises(NotFound, match=r"stray\.py is not in .*get\.lock"):
        decided(desk, place, "stray.py", app="get")
    assert decided(desk, place, "helper.py", app="get").plan is not None


def test_a_closure_without_an_app_runs_nothing(desk: Reader, place: Place) -> None:
    """Though it is signed."""
    roots = {name: id for name, id in place.read().roots.items() if name != "app"}
    closure = Closure(roots)
    (place.app / "get.lock").write_bytes(closure.text)
    place.sign(desk)
    with pytest.raises(FormatError, match="has no app"):
        decided(desk, place)


# --- editable installs ---------------------------------------------------------------------------


def test_sources_of_an_editable_install_lie_where_it_says(
    desk: Reader, place: Place, tmp_path: Path
) -> None:
    """Now, not when it was signed: by their digests it does not matter. Installed otherwise they
    are not there."""
    lib = place.folder / "lib"
    (lib / "src").mkdir(parents=True)
    (lib / "src/lib.py").write_text("")
    place.edit("lib", "1.0", lib, f"{lib}/src\n")
    place.lock(desk)
    place.sign(desk)

    def root(name: str) -> tuple[str, tuple[str, ...]]:
        plan = decided(desk, place).plan
        assert plan is not None
        return next((one.base, tuple(one.search)) for one in plan.roots if one.name == name)

    assert (str(lib), ("src",)) == root("editable/lib-1.0")
    assert (str(place.site), ("",)) == root("dist/lib-1.0")
    shutil.move(lib, tmp_path / "moved")
    place.edit("lib", "1.0", tmp_path / "moved", f"{tmp_path}/moved/src\n")
    assert (str(tmp_path / "moved"), ("src",)) == root("editable/lib-1.0")
    place.uninstall("lib", "1.0")
    place.install("lib", "1.0", {"lib.py": b""})
    assert (1, "lib 1.0 is not installed as editable") == no(decided(desk, place))
    place.uninstall("lib", "1.0")
    assert (1, "lib 1.0 is not installed") == no(decided(desk, place))


def test_an_editable_install_that_is_not_in_the_lock_does_not_exist(
    desk: Reader, place: Place
) -> None:
    """Whatever it is like; to lock anew it must be known."""
    place.edit("odd", "1.0", place.folder, "import odd\n")
    assert decided(desk, place).plan is not None
    place.release(desk)
    with pytest.raises(Refused, match=r"odd 1\.0: .* runs code that is not known"):
        place.lock(desk)


def test_a_child_of_a_program_is_decided_like_it(desk: Reader, place: Place) -> None:
    """Only where it starts is another; what was marked bad meanwhile does not start."""
    child = ("code", "from multiprocessing.spawn import spawn_main; spawn_main()")
    program, python = place.program(), place.python
    found = running.decide(desk.workspace, program, python, "-c", Options(), child)
    assert found.plan is not None and child == found.plan.entry
    bob = desk.owner
    assert bob is not None
    place.sign(desk, ok=False)
    found = running.decide(desk.workspace, program, python, "-c", Options(), child)
    assert (3, None) == (found.status, found.plan)


def test_the_word_about_a_wheel_alone_runs_nothing(desk: Reader, place: Place, web: Web) -> None:
    """Each root ok, and nobody signed the lock."""
    carol = Party("carol")
    other = Reader(place.folder / "other", web)
    for id in place.read().roots.values():
        raw = objects.read(desk.workspace.home, id)
        assert raw is not None
        from sig.model import manifest

        tree_statement(carol, manifest.read_canonical(raw))
        web.pages[carol.url + objects.name(id)] = raw
    web.offer(carol)
    other.follow(carol, counts=True)
    other.fetch_all()
    found = decided(other, place)
    assert ["ok", "ok"] == [line.state for line in found.judged.lines[1:]]
    assert (1, True) == (found.status, "get.lock is not verified" in found.why)
