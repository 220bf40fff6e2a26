"""A lock says what there is, the same everywhere, and is signed only while that is still true."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from sig.errors import FormatError, NotFound, Refused, SigError, StoreError, UsageError
from sig.model.closure import Closure
from sig.model.manifest import Manifest
from sig.repo import objects
from sig.verbs import lock as locks
from sig.verbs.lock import program_of
from tests.verbs.forest import manifest_of, tree_statement
from tests.verbs.parties import Party, Reader, Web, fetched_since
from tests.verbs.places import Place
from tests.verbs.programs import published, says

API = {"requests/__init__.py": b"", "requests/api.py": b"1\n"}
PROJECT = b'[project]\nname = "tool"\n[project.scripts]\ntool = "tool:main"\n'


@pytest.fixture
def desk(tmp_path: Path, web: Web, bob: Party) -> Reader:
    """Bob's folder."""
    return Reader(tmp_path / "desk", web, bob)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """get.py and requests."""
    found = Place(tmp_path / "place")
    found.write("get.py", b"import requests\n")
    found.write("helper.py", b"1\n")
    found.install("requests", "2.32.3", API)
    return found


# --- what is in it -------------------------------------------------------------------------------


def test_a_lock_has_a_line_for_each_root(place: Place, desk: Reader) -> None:
    """The program's files and its distributions; where any of it lies is not in it."""
    plan = place.lock(desk)
    found = place.read()
    assert plan.closure == found
    assert ["app", "dist/requests-2.32.3"] == list(found.roots)
    workspace = desk.workspace
    texts = [objects.read(workspace.home, id) or b"" for id in found.roots.values()]
    assert manifest_of({"get.py": b"import requests\n", "helper.py": b"1\n"}).text == texts[0]
    assert b"requests/api.py" in texts[1] and b"RECORD" not in texts[1]
    for text in (found.text, *texts):
        assert b"/place" not in text and b"site-packages" not in text


def test_it_is_the_same_at_another_path_and_on_another_machine(
    place: Place, desk: Reader, tmp_path: Path, web: Web
) -> None:
    """Byte for byte, and again the next time, whatever runs and installers wrote meanwhile."""
    place.lock(desk)
    first = place.read()
    other = place.copy(tmp_path / "else/where")
    (other.site / "requests-2.32.3.dist-info/RECORD").unlink()
    other.install("requests", "2.32.3", API | {
        "requests/__pycache__/api.cpython-311.pyc": b"x",
        "requests-2.32.3.dist-info/REQUESTED": b"",
        "requests-2.32.3.dist-info/direct_url.json": b'{"url": "https://x.example.org/a.whl"}',
    })  # fmt: skip
    other.write("__pycache__/get.cpython-311.pyc", b"x")
    other.write("get.log", b"x")
    stranger = Reader(tmp_path / "stranger", web)
    other.lock(stranger)
    assert first == other.read()
    for _ in range(2):
        place.lock(desk)
        assert first == place.read()


def test_what_is_no_part_of_a_program_is_left_out_and_said(place: Place, desk: Reader) -> None:
    """pip, which installs others, what has no RECORD, and what old tools left."""
    place.install("pip", "24.0", {"pip/__init__.py": b""})
    place.install("odd", "1", {})
    (place.site / "odd-1.dist-info/RECORD").unlink()
    (place.site / "old-1.0.egg-info").mkdir()
    (place.site / "~equests-2.31.dist-info").mkdir()
    plan = place.lock(desk)
    assert ["app", "dist/requests-2.32.3"] == list(place.read().roots)
    left = {line.label: line.why for line in plan.lines if line.state == "left out"}
    assert {"pip 24.0", "odd 1", "old 1.0", "~equests 2.31"} == set(left)
    assert "it installs others" == left["pip 24.0"]
    place.sign(desk)  # nor in the way


def test_a_pth_file_is_told_and_not_obeyed(place: Place, desk: Reader, tmp_path: Path) -> None:
    """Neither code nor a folder comes in by it."""
    mark = tmp_path / "mark"
    (place.site / "evil.pth").write_text(f"import os; open({str(mark)!r}, 'w')\n")
    (place.site / "more.pth").write_text(f"{tmp_path}\n")
    (place.site / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w')\n")
    plan = place.lock(desk)
    told = {line.label: line.why for line in plan.lines if line.state == "not run"}
    assert {"evil.pth", "more.pth"} == set(told)
    assert "runs code" in told["evil.pth"]
    assert ["app", "dist/requests-2.32.3"] == list(place.read().roots)
    assert not mark.exists()
    subprocess.run([place.bin / "python", "-c", ""], check=True, timeout=60)
    assert mark.exists()


def test_excluded_files_are_left_out(place: Place, desk: Reader) -> None:
    """Of the program; the script itself never is."""
    place.lock(desk, exclude=["help*", "*.py"])
    assert [("get.py",)] == _names(desk, place, "app")


def _names(desk: Reader, place: Place, *roots: str, lock: str = "get") -> list[tuple[str, ...]]:
    """The paths in the lists of these roots."""
    found = []
    for root in roots:
        text = objects.read(desk.workspace.home, place.read(lock).roots[root]) or b""
        found.append(tuple(line[66:].decode() for line in text.splitlines()))
    return found


def test_two_distributions_of_one_name_make_no_lock(place: Place, desk: Reader) -> None:
    """Which is loaded would be a matter of luck."""
    place.install("Requests", "2.31.0", API)
    with pytest.raises(Refused, match="two installations of"):
        place.lock(desk)
    assert not (place.app / "get.lock").exists()


# --- the list of the wheel -----------------------------------------------------------------------


def _installed(place: Place, desk: Reader) -> dict[str, str]:
    place.lock(desk)
    text = objects.read(desk.workspace.home, place.read().roots["dist/requests-2.32.3"]) or b""
    return {line[66:].decode(): line[:64].decode() for line in text.splitlines()}


def test_the_list_of_a_wheel_that_is_ok_is_taken(
    place: Place, desk: Reader, web: Web, carol: Party
) -> None:
    """So who attested it answers for it on every machine; a stranger's list is not looked at."""
    own = _installed(place, desk)
    good = Manifest({**own, "requests-2.32.3.dist-info/RECORD": "0" * 64})
    other = Manifest({**own, "requests-2.32.3.dist-info/RECORD": "1" * 64})
    different = Manifest({**own, "requests/api.py": "2" * 64})
    for one in (good, other, different):
        carol.says("sha256:" + "3" * 64, manifest=str(one.id), ok=True)
    carol.offered.clear()
    tree_statement(carol, good)
    tree_statement(carol, different)
    tree_statement(carol, other, ok=False, reviewed=False)
    published(web, carol, [good, other, different])
    desk.follow(carol)
    desk.fetch_all()
    assert own == _installed(place, desk)

    desk.trust(carol)
    desk.fetch_all()
    plan = place.lock(desk)
    assert good.id == place.read().roots["dist/requests-2.32.3"]
    assert ["marked bad"] == [line.state for line in plan.lines if line.kind == "dist"]
    carol.offered.append(carol.withdrawal(str(other.id), at=desk.clock()))
    published(web, carol)
    desk.fetch_all()
    plan = place.lock(desk)
    assert good.id == place.read().roots["dist/requests-2.32.3"]
    assert ["ok"] == [line.state for line in plan.lines if line.kind == "dist"]
    place.sign(desk)


@pytest.mark.parametrize("ok", [True, False])
def test_of_several_lists_it_is_always_the_same(
    place: Place, desk: Reader, web: Web, carol: Party, ok: bool
) -> None:
    """The least, of those that are ok if any is, in whatever order they came."""
    own = _installed(place, desk)
    lists = [
        Manifest({**own, "requests-2.32.3.dist-info/RECORD": f"{number:064x}"})
        for number in range(6)
    ]
    for one in lists:
        tree_statement(carol, one, reviewed=ok)
    published(web, carol, lists)
    desk.follow(carol, counts=True)
    desk.fetch_all()
    wanted = min([*lists, *([] if ok else [Manifest(own)])], key=lambda one: one.id)
    for _ in range(2):
        place.lock(desk)
        assert wanted.id == place.read().roots["dist/requests-2.32.3"]


def test_a_damaged_list_is_written_again(place: Place, desk: Reader) -> None:
    """The folder keeps lists by their digests; what is there and damaged is not there."""
    place.lock(desk)
    id = place.read().roots["app"]
    file = desk.path / objects.name(id)
    good = file.read_bytes()
    file.write_bytes(b"damaged")
    with pytest.raises(Refused, match="the list of app is not in the folder") as caught:
        place.release(desk)
    assert caught.value.hint is not None and caught.value.hint.startswith("sig lock --python ")
    place.lock(desk)
    assert good == file.read_bytes()
    place.sign(desk)


# --- editable installs ---------------------------------------------------------------------------

FINDER = "MAPPING: dict[str, str] = {}\nopen('/ran', 'w')\n"
CALL = "import __editable___lib_finder; __editable___lib_finder.install()\n"


@pytest.mark.parametrize("form", ["path", "src", "table", "table of src", "module"])
def test_the_sources_of_an_editable_install_are_a_root(
    place: Place, desk: Reader, form: str
) -> None:
    """In each form that tools write; what leads to them is of this machine, and is left out."""
    lib = place.folder / "lib"
    src = "src/" if "src" in form else ""
    for path in ("pyproject.toml", f"{src}lib/__init__.py", f"{src}one.py"):
        (lib / path).parent.mkdir(parents=True, exist_ok=True)
        (lib / path).write_text("")
    if form in ("path", "src"):
        place.edit("lib", "1.0", lib, f"{lib}/{src}\n")
    else:
        table = {"lib": f"{lib}/{src}lib", "one": f"{lib}/{src}one"}
        table = {"one": f"{lib}/one.py"} if form == "module" else table
        place.edit("lib", "1.0", lib, CALL, FINDER.format(table))
    plan = place.lock(desk)
    assert ["app", "dist/lib-1.0", "dist/requests-2.32.3", "editable/lib-1.0"] == (
        list(place.read().roots)
    )
    files = {"pyproject.toml", f"{src}lib/__init__.py", f"{src}one.py"}
    sources, installed = _names(desk, place, "editable/lib-1.0", "dist/lib-1.0")
    info = ("lib-1.0.dist-info/METADATA", "lib-1.0.dist-info/direct_url.json")
    assert (files, info) == (set(sources), installed)
    (source,) = locks.sources(plan.program, plan.environment).values()
    assert (str(lib), (src.rstrip("/"),)) == source[1:3]
    # It is signed only while the sources are what was locked.
    place.release(desk)
    (lib / f"{src}one.py").write_text("changed")
    with pytest.raises(Refused, match=rf"no longer fits: editable/lib-1\.0: {src}one\.py changed"):
        place.release(desk)
    (lib / f"{src}one.py").unlink()
    with pytest.raises(Refused, match=rf"editable/lib-1\.0: {src}one\.py missing"):
        place.release(desk)
    (lib / f"{src}one.py").write_text("")
    (lib / "more.py").write_text("")
    place.sign(desk)


def test_sources_that_went_or_were_installed_otherwise_are_not_signed(
    place: Place, desk: Reader
) -> None:
    """As something else than what was locked."""
    lib = place.folder / "lib"
    lib.mkdir()
    (lib / "lib.py").write_text("")
    place.edit("lib", "1.0", lib, f"{lib}\n")
    place.lock(desk)
    place.uninstall("lib", "1.0")
    with pytest.raises(Refused, match=r"dist/lib-1\.0: not installed"):
        place.release(desk)
    place.install("lib", "1.0", {})
    with pytest.raises(Refused, match=r"editable/lib-1\.0: not installed"):
        place.release(desk)
    place.edit("lib", "1.0", lib, f"{lib}\n")
    shutil.rmtree(lib)
    with pytest.raises(SigError):
        place.release(desk)
    lib.mkdir()
    with pytest.raises(Refused, match=r"editable/lib-1\.0: lib\.py missing"):
        place.release(desk)
    (lib / "lib.py").write_text("")
    place.release(desk)


@pytest.mark.parametrize("way", ["path", "table"])
def test_a_project_that_is_installed_as_editable_is_the_app(
    place: Place, desk: Reader, way: str
) -> None:
    """Once, by whatever path it was installed."""
    place.write("pyproject.toml", PROJECT)
    place.write("src/tool/__init__.py", b"")
    link = place.folder / "link"
    link.symlink_to(place.app)
    table = CALL.replace("lib", "tool"), FINDER.format({"tool": f"{link}/src/tool"})
    place.edit("tool", "1.0", link, *((f"{link}/src\n",) if way == "path" else table))
    plan = place.lock(desk, "")
    roots = ["app", "dist/requests-2.32.3", "dist/tool-1.0"]
    assert roots == list(place.read("tool").roots)
    (source,) = locks.sources(plan.program, plan.environment).values()
    assert ("app", ("src",)) == (source.root, source.search)
    info = ("tool-1.0.dist-info/METADATA", "tool-1.0.dist-info/direct_url.json")
    assert [info] == _names(desk, place, "dist/tool-1.0", lock="tool")
    assert "src/tool/__init__.py" in _names(desk, place, "app", lock="tool")[0]
    place.sign(desk, "tool")
    place.write("src/tool/__init__.py", b"changed")
    with pytest.raises(Refused, match=r"app: src/tool/__init__\.py changed"):
        place.release(desk, "tool")


@pytest.mark.parametrize(
    ("pth", "finder", "why"),
    [
        ("import evil\n", "", "runs code that is not known"),
        (CALL, "MAPPING = evil()\n", "has not the one table"),
        (CALL, FINDER.replace("{}", "{{'lib': '{}/other'}}"), "under another name"),
        (
            CALL,
            FINDER.replace("{}", "{{'lib': '{}/lib', 'x': '/usr/lib/x'}}"),
            "not all of it lies",
        ),
        ("{}\n/usr/lib\n", "", "not all of it lies in"),
        ("{}/../elsewhere\n", "", "not all of it lies in"),
        ("# nothing\n", "", "no .pth file of its own says where it lies"),
    ],
)
def test_an_editable_install_whose_sources_are_not_all_known_makes_no_lock(
    place: Place, desk: Reader, pth: str, finder: str, why: str
) -> None:
    """What is loaded could come from anywhere; it is named, and nothing of it is run."""
    lib = place.folder / "lib"
    lib.mkdir()
    (lib / "lib.py").write_text("")
    place.edit("lib", "1.0", lib, pth.replace("{}", str(lib)), finder.replace("{}", str(lib))
               .replace("{{", "{").replace("}}", "}"))  # fmt: skip
    with pytest.raises(Refused, match=why) as caught:
        place.lock(desk)
    assert "lib 1.0" in caught.value.message
    assert not (place.app / "get.lock").exists()
    assert not os.path.exists("/ran")


# --- signing it ----------------------------------------------------------------------------------


def _change(place: Place, what: str) -> None:
    site = place.site
    if what == "script changed":
        place.write("get.py", b"changed")
    elif what == "module changed":
        place.write("helper.py", b"changed")
    elif what == "module gone":
        (place.app / "helper.py").unlink()
    elif what == "module is a folder":
        (place.app / "helper.py").unlink()
        (place.app / "helper.py").mkdir()
    elif what == "distribution changed":
        (site / "requests/api.py").write_bytes(b"changed")
    elif what == "distribution's file gone":
        (site / "requests/api.py").unlink()
    elif what == "upgraded":
        place.uninstall("requests", "2.32.3")
        place.install("requests", "2.33.0", API)
    elif what == "uninstalled":
        place.uninstall("requests", "2.32.3")
    elif what == "without RECORD":
        (site / "requests-2.32.3.dist-info/RECORD").unlink()
    else:
        assert "metadata changed" == what
        place.install("requests", "2.32.3", {"requests-2.32.3.dist-info/METADATA": b"Name: requests"
                                             b"\nVersion: 2.32.3\nx: y\n"})  # fmt: skip


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("script changed", "app: get.py changed"),
        ("module changed", "app: helper.py changed"),
        ("module gone", "app: helper.py missing"),
        ("module is a folder", "app: helper.py missing"),
        ("distribution changed", "dist/requests-2.32.3: requests/api.py changed"),
        ("distribution's file gone", "dist/requests-2.32.3: requests/api.py missing"),
        ("upgraded", "dist/requests-2.32.3: 2.33.0 is installed"),
        ("uninstalled", "dist/requests-2.32.3: not installed"),
        ("without RECORD", "dist/requests-2.32.3: not installed"),
        ("metadata changed", "requests-2.32.3.dist-info/METADATA changed"),
    ],
)
def test_a_lock_that_does_not_fit_is_not_signed(
    place: Place, desk: Reader, what: str, why: str
) -> None:
    """Whoever signs it would sign what they do not have. It says what, and how to go on; nothing
    is written."""
    place.lock(desk)
    before = desk.state
    _change(place, what)
    with pytest.raises(Refused, match="no longer fits") as caught:
        place.release(desk)
    assert why in caught.value.message
    assert f"sig lock --python {place.bin}/python get" == caught.value.hint
    assert [] == fetched_since(before, desk.state)
    if what == "distribution's file gone":
        with pytest.raises(Refused, match="is missing, and .*RECORD lists it"):
            place.lock(desk)
    else:
        place.lock(desk)
        place.sign(desk)


def test_what_is_there_besides_is_nobodys_matter(place: Place, desk: Reader) -> None:
    """The twin: more files, more distributions, what installers and runs write."""
    place.lock(desk)
    place.write("more.py", b"")
    place.install("more", "1", {"more.py": b""})
    place.install("requests", "2.32.3", {**API, "requests/__pycache__/x.pyc": b"",
                                         "requests-2.32.3.dist-info/REQUESTED": b""})  # fmt: skip
    os.utime(place.site / "requests/api.py", (1, 1))
    place.sign(desk)


@pytest.mark.parametrize("content", [b"", b"junk\n", b"\xff", b"0" * 64 + b"  app\n" * 2])
def test_what_is_no_lock_is_not_signed(place: Place, desk: Reader, content: bytes) -> None:
    """Also one of which nobody has the lists."""
    place.lock(desk)
    (place.app / "get.lock").write_bytes(content)
    with pytest.raises(FormatError):
        place.release(desk)
    (place.app / "get.lock").write_bytes(b"0" * 64 + b"  app\n")
    with pytest.raises(Refused, match="the list of app is not in the folder"):
        place.release(desk)


def test_a_lock_at_another_place_does_not_fit_there(place: Place, desk: Reader) -> None:
    """Nor is a lock by another name that of the same program: that is another one."""
    place.lock(desk)
    (place.folder / "empty").mkdir()
    shutil.copy(place.app / "get.lock", place.folder / "empty/get.lock")
    with pytest.raises(SigError):
        locks.release(desk.workspace, str(place.folder / "empty/get.lock"))
    shutil.copy(place.app / "get.lock", place.app / "other.lock")
    place.lock(desk, "helper.py")
    assert ("app:helper" in place.release(desk, "helper").claim.criteria) is True
    shutil.copy(place.app / "get.lock", place.app / "no name.lock")
    with pytest.raises(SigError):
        place.release(desk, "no name")


def test_what_is_signed_says_which_program_release_and_python(place: Place, desk: Reader) -> None:
    """And lists all roots with it."""
    place.lock(desk)
    found = place.release(desk)
    first, second, *_ = place.python.version.split(".")
    python = f"python:>={first}.{second},<{first}.{int(second) + 1}"
    assert {"app:get", "release:1", python} == set(found.claim.criteria)
    assert (1, 0, ()) == (found.number, found.before, found.news)
    assert place.read().id == found.claim.id
    assert set(place.read().roots.values()) == {one.id for one in found.claim.lists}


def test_news_are_what_is_new_since_the_last_release(place: Place, desk: Reader) -> None:
    """By root, and by file where a root was there before."""
    place.lock(desk)
    place.sign(desk)
    place.write("get.py", b"changed")
    place.write("more.py", b"")
    (place.app / "helper.py").unlink()
    place.install("idna", "3.10", {"idna.py": b""})
    place.uninstall("requests", "2.32.3")
    place.lock(desk)
    found = place.release(desk)
    assert (
        "changed app",
        "changed app: get.py",
        "gone app: helper.py",
        "new app: more.py",
        "new dist/idna-3.10",
        "gone dist/requests-2.32.3",
    ) == found.news
    assert (2, 1) == (found.number, found.before)


def test_news_are_told_without_the_lists_of_the_last_release(place: Place, desk: Reader) -> None:
    """As far as they go; and none where the closure itself is not here, or is none."""
    place.lock(desk)
    place.sign(desk)
    old = place.read()
    place.write("get.py", b"changed")
    place.lock(desk)
    for folder in ("objects", "repo/objects"):
        (desk.path / folder / objects.name(old.roots["app"]).removeprefix("objects/")).unlink(
            missing_ok=True
        )
    assert ("changed app",) == place.release(desk).news
    for folder in ("objects", "repo/objects"):
        (desk.path / folder / objects.name(old.id).removeprefix("objects/")).unlink(missing_ok=True)
    assert ((), 2) == (place.release(desk).news, place.release(desk).number)


def test_each_release_has_the_next_number(place: Place, desk: Reader) -> None:
    """Whoever made the one before; going back to an old list is a new release too."""
    numbers = []
    for content in (b"1", b"2", b"1"):
        place.write("get.py", content)
        place.lock(desk)
        numbers.append(place.sign(desk).number)
    assert [1, 2, 3] == numbers


def test_who_signs_the_same_list_signs_the_same_release(
    place: Place, desk: Reader, web: Web, carol: Party, tmp_path: Path
) -> None:
    """Else the first signature counted no more by the second, and two could never count together.
    A list of another release is a later one."""
    place.lock(desk)
    assert [1, 1] == [place.sign(desk).number, place.sign(desk).number]
    says(carol, place.read(), "app:get", "release:7")
    published(web, carol)
    desk.follow(carol, counts=True)
    desk.fetch_all()
    found = place.release(desk)
    assert (7, 7, ()) == (found.number, found.before, found.news)
    place.write("get.py", b"changed")
    place.lock(desk)
    assert (8, 7) == (place.release(desk).number, place.release(desk).before)
    same = Closure({**place.read().roots, "dist/zzz-1": place.read().roots["app"]})
    says(carol, same, "app:get", "release:8")
    place.sign(desk)
    published(web, carol)
    desk.fetch_all()
    assert (8, ()) == (place.release(desk).number, place.release(desk).news)


def test_a_stranger_does_not_number_releases(
    place: Place, desk: Reader, web: Web, carol: Party
) -> None:
    """Once trusted they do; and after the last number there is none."""
    place.lock(desk)
    place.sign(desk)
    place.write("get.py", b"changed")
    place.lock(desk)
    says(carol, Closure({"app": place.read().id}), "app:get", "release:9007199254740991")
    published(web, carol)
    desk.follow(carol)
    desk.fetch_all()
    assert 2 == place.release(desk).number
    desk.trust(carol)
    with pytest.raises(Refused, match="release 9007199254740991 of get is known, and is the last"):
        place.release(desk)


# --- where its Python is -------------------------------------------------------------------------


def test_the_python_is_the_one_it_was_locked_with(
    place: Place, desk: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the place of the lock; another that is named goes first; without either that of PATH."""
    monkeypatch.setenv("PATH", os.path.dirname(os.path.realpath(place.bin / "python")))
    place.lock(desk)
    lock = place.program().lock
    assert str(place.bin / "python") == locks.python_for(desk.workspace, lock).asked
    other = place.copy(tmp_path / "other")
    found = locks.python_for(desk.workspace, lock, str(other.bin / "python"))
    assert str(other.bin / "python") == found.asked
    assert "/" in locks.python_for(desk.workspace, str(other.app / "get.lock")).asked
    assert str(place.bin) not in (
        locks.python_for(desk.workspace, str(other.app / "get.lock")).asked
    )
    place.copy(tmp_path / "third").lock(desk)
    assert str(place.bin / "python") == locks.python_for(desk.workspace, lock).asked


def test_without_a_hint_it_is_the_first_of_path(
    place: Place, desk: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named by hand too; where there is none that is said."""
    lock = place.program().lock
    (place.bin / "python3").symlink_to("python")
    monkeypatch.setenv("PATH", str(place.bin))
    assert str(place.bin / "python3") == locks.python_for(desk.workspace, lock).asked
    assert str(place.bin / "python") == locks.python_for(desk.workspace, lock, "python").asked
    with pytest.raises(NotFound, match="there is no python9 here"):
        locks.python_for(desk.workspace, lock, "python9")
    monkeypatch.setenv("PATH", str(place.app))
    with pytest.raises(NotFound, match="there is no python3 here"):
        locks.python_for(desk.workspace, lock)


def test_a_python_that_is_gone_is_said(place: Place, desk: Reader) -> None:
    """Another is never taken in its place without a word."""
    place.lock(desk)
    lock = place.program().lock
    (place.bin / "python").unlink()
    with pytest.raises(NotFound, match="that it was locked with is gone") as caught:
        locks.python_for(desk.workspace, lock)
    assert "sig lock --python PYTHON get" == caught.value.hint


@pytest.mark.parametrize("hint", [b"", b"\n", b"\0", b"\xff\n", b"/\0\n", b"../x\n", b"x" * 5000])
def test_a_damaged_hint_is_no_other_python(place: Place, desk: Reader, hint: bytes) -> None:
    """It is an error, in words."""
    place.lock(desk)
    (file,) = (desk.path / "locks").iterdir()
    file.write_bytes(hint)
    with pytest.raises(SigError):
        locks.python_for(desk.workspace, place.program().lock)


# --- what it is called ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "app", "name"),
    [("get.py", None, "get"), ("get", None, "get"), ("get.sh", None, "get.sh"),
     ("a-b_c.d.py", None, "a-b_c.d"), ("get.py.py", None, "get.py"), ("get.py", "x", "x"),
     ("ä.py", "x", "x")],
)  # fmt: skip
def test_a_program_is_called_as_its_file_or_as_it_is_told(
    tmp_path: Path, script: str, app: str | None, name: str
) -> None:
    """Its lock lies beside it."""
    (tmp_path / script).touch()
    found = program_of(str(tmp_path / script), app)
    assert (str(tmp_path), script, name, f"{tmp_path}/{name}.lock") == tuple(found)


@pytest.mark.parametrize(
    ("script", "app"),
    [("ä.py", None), (" .py", None), (".py", None), (".get.py", None), ("-x.py", None),
     ("a b.py", None), ("a\nb.py", None), ("x" * 65, None), ("get.py", "../x"), ("get.py", "a/b"),
     ("get.py", ".."), ("get.py", "/x"), ("get.py", "x:y"), ("get.py", "x\n")],
)  # fmt: skip
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, script: str, app: str | None) -> None:
    """It stands in what is signed, and in the name of a file."""
    (tmp_path / script).touch()
    with pytest.raises(UsageError, match="is no name for a program") as caught:
        program_of(str(tmp_path / script), app)
    assert "--app NAME" in str(caught.value.hint)


def test_a_project_is_called_as_it_calls_itself(tmp_path: Path) -> None:
    """Whatever its folder is called; a name that is none needs another."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "pyproject.toml").write_bytes(PROJECT)
    assert (str(folder), "", "tool", f"{folder}/tool.lock") == tuple(program_of(str(folder)))
    assert "x" == program_of(str(folder) + "/", "x").app
    (folder / "pyproject.toml").write_bytes(b'[project]\nname = "../../evil"\n')
    with pytest.raises(UsageError, match="no name for a program"):
        program_of(str(folder))
    assert f"{folder}/x.lock" == program_of(str(folder), "x").lock


def test_what_is_no_program_is_said(tmp_path: Path, deadline: None) -> None:
    """A folder without a project, a file that is not there, one that nobody ends writing."""
    with pytest.raises(UsageError, match=r"has no pyproject\.toml; name a script"):
        program_of(str(tmp_path))
    for missing in ("missing.py", "missing/"):
        with pytest.raises(NotFound, match="no "):
            program_of(str(tmp_path / missing))
    os.mkfifo(tmp_path / "pyproject.toml")
    os.mkfifo(tmp_path / "x.lock")
    for path, act in ((tmp_path, program_of), (tmp_path / "x.lock", locks.read),
                      (tmp_path / "pyproject.toml", program_of)):  # fmt: skip
        with pytest.raises(SigError):
            act(str(path))
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "pyproject.toml").symlink_to("/dev/zero")
    with pytest.raises(SigError):
        program_of(str(tmp_path))


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "FIFO", "link", "link to nothing", "socket", "device"])
def test_what_is_no_file_is_not_replaced(
    place: Place, desk: Reader, kind: str, deadline: None
) -> None:
    """Nothing is waited for, nothing is written, here or at the end of a link."""
    lock = place.app / "get.lock"
    target = place.folder / "target"
    if kind == "folder":
        lock.mkdir()
    elif kind == "FIFO":
        os.mkfifo(lock)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(place.app)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("get.lock")
        os.chdir(here)
    else:
        if kind == "link":
            target.write_bytes(b"")
        lock.symlink_to("/dev/null" if kind == "device" else target)
    before = desk.state
    with pytest.raises(Refused, match=r"get\.lock is there, and is not a lock"):
        place.lock(desk)
    assert [] == fetched_since(before, desk.state)
    assert os.path.lexists(lock) and not (lock.is_file() and not lock.is_symlink())
    assert (b"" if kind == "link" else None) == (target.read_bytes() if target.exists() else None)
    if kind in ("FIFO", "socket"):
        lock.unlink()


@pytest.mark.parametrize(
    "content",
    [
        b"# This file is automatically @generated by Poetry\n[[package]]\n",
        b"version = 1\nrequires-python = '>=3.11'\n",
        b'{"_meta": {}}\n',
        b"0" * 64 + b"  a.py\n",
        b"0" * 64 + b"  application\n",
    ],
)
def test_the_lock_of_another_program_is_not_replaced(
    place: Place, desk: Reader, content: bytes
) -> None:
    """As a project called uv or poetry has one."""
    lock = place.app / "get.lock"
    lock.write_bytes(content)
    before = desk.state
    with pytest.raises(Refused, match="is there, and was not made by sig lock") as caught:
        place.lock(desk)
    assert f"sig lock --app NAME {place.app}/get.py" == caught.value.hint
    assert (content, []) == (lock.read_bytes(), fetched_since(before, desk.state))


@pytest.mark.parametrize(
    "content", [b"", b"0" * 64 + b"  app\n", b"0" * 64 + b"  dist/x-1\n", b"0" * 64 + b"  app\nx"]
)
def test_an_own_lock_is_replaced_whole(place: Place, desk: Reader, content: bytes) -> None:
    """Also a damaged one, and nothing is left beside it; who has it open reads the old one."""
    lock = place.app / "get.lock"
    lock.write_bytes(content)
    with lock.open("rb") as stream:
        place.lock(desk)
        assert content == stream.read()
    assert place.read().text == lock.read_bytes()
    assert {"get.py", "helper.py", "get.lock"} == {one.name for one in place.app.iterdir()}


def test_a_write_that_fails_leaves_the_old_lock(
    place: Place, desk: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it; what another process has there is left alone."""
    place.lock(desk)
    lock = place.app / "get.lock"
    before = lock.read_bytes()
    place.write("get.py", b"changed")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with pytest.raises(StoreError, match="No space left on device"):
            locks.write(str(lock), b"new", "lock")
    assert before == lock.read_bytes()
    assert {"get.py", "helper.py", "get.lock"} == {one.name for one in place.app.iterdir()}
    theirs = place.app / f"get.lock.{os.getpid()}.new"
    theirs.symlink_to("/etc/passwd")
    with pytest.raises(StoreError, match="exists"):
        locks.write(str(lock), b"new", "lock")
    assert (True, before) == (theirs.is_symlink(), lock.read_bytes())
    theirs.unlink()
    locks.write(str(lock), b"new", "lock")
    assert b"new" == lock.read_bytes()


def test_a_folder_that_may_not_be_written_is_told() -> None:
    """As somebody who is not root."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o555)
        child = os.fork()
        if child == 0:
            try:
                if os.getuid() == 0:
                    os.setgroups([])
                    os.setgid(65534)
                    os.setuid(65534)
                locks.write(str(folder / "get.lock"), b"x", "lock")
            except StoreError as error:
                os._exit(7 if "Permission denied" in error.message else 8)
            except BaseException:
                os._exit(9)
            os._exit(0)
        assert 7 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert [] == list(folder.iterdir())
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
