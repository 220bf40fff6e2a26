"""What follows from a plan: which file a name stands for, what a path has to contain."""

from __future__ import annotations

from typing import Any

import pytest

from sig.imports.covered import _WRITTEN, EXTENSIONS, Covered
from sig.imports.plan import Plan, Root
from sig.model.wheel import WRITTEN

A, B = "a" * 64, "b" * 64


def text(*paths: str, digest: str = A) -> bytes:
    return "".join(f"{digest}  {path}\n" for path in sorted(paths)).encode()


def covered(*roots: Root, **changes: Any) -> Covered:
    given: dict[str, Any] = {
        "app": "main",
        "entry": ("file", "main.py"),
        "roots": roots,
        "argv0": "main.py",
        "stdlib": ["/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload"],
    }
    return Covered(Plan(**(given | changes)))


APP = Root("app", "/app", text("main.py", "a/__init__.py", "a/b.py", "data/x.txt"))
SITE = "/app/venv/lib/site-packages"


def dist(name: str, *paths: str, digest: str = A) -> Root:
    return Root(f"dist/{name}", SITE, text(*paths, digest=digest), prefix="/app/venv")


def test_what_an_installer_writes_is_nobodys() -> None:
    """In the wheel it is another file, or none; below other names it is the wheel's own."""
    info = "lib-1.dist-info"
    own = ["lib/RECORD", "lib/INSTALLER", f"{info}/METADATA", f"{info}/sub/RECORD", "RECORD"]
    written = [
        f"{info}/RECORD",
        f"{info}/INSTALLER",
        f"{info}/REQUESTED",
        f"{info}/direct_url.json",
        f"{info}/uv_build.json",
        f"{info}/uv_cache.json",
        f"{info}/RECORD.jws",
        f"{info}/RECORD.p7s",
        "lib/__pycache__/x.cpython-311.pyc",
        "lib-1.data/scripts/lib",
        "lib-1.data/headers/lib.h",
        "lib-1.data/other/x",
    ]
    place = covered(APP, dist("lib-1", *own, *written)).places[0]

    assert sorted(own) == sorted(place.files)


def test_a_run_knows_what_installers_write_as_the_rest_does() -> None:
    """It has the names itself. One that it did not know would be data of a program, although a list
    with it counts as one without it."""
    assert WRITTEN == _WRITTEN


def test_what_an_app_calls_as_an_installer_does_is_its_own() -> None:
    """Only a distribution was installed; bytecode is nobody's everywhere."""
    paths = ["main.py", "x.dist-info/RECORD", "x.data/purelib/y.py", "__pycache__.dist-info/RECORD"]
    place = covered(Root("app", "/app", text(*paths, "__pycache__/x.pyc"))).places[0]

    assert sorted(paths) == sorted(place.files)


def test_the_folders_of_a_wheel_lie_where_they_are_installed() -> None:
    """`purelib` and `platlib` beside the rest, `data` below the prefix, where no module is."""
    root = dist(
        "lib-1",
        "lib-1.data/purelib/one.py",
        "lib-1.data/platlib/p/two.py",
        "lib-1.data/data/s/x.py",
    )
    found = covered(APP, root)
    place = found.places[0]

    assert ["one.py", "p/two.py"] == sorted(place.files)
    assert ("/app/venv/s/x.py", (A, root)) == found.file("/app/venv/s/x.py")
    assert place.module("s", "x") is None and found.folder("/app/venv/s") is None
    assert found.file(f"{SITE}/lib-1.data/purelib/one.py") is None


def test_what_is_moved_takes_nobodys_place() -> None:
    """A wheel may have two folders of data; a file of the one may lie where the other was."""
    inner = "b.data/purelib/x.py"
    root = Root("dist/lib-1", SITE, f"{A}  a.data/purelib/{inner}\n{B}  {inner}\n".encode())
    place = covered(APP, root).places[0]

    assert {inner: (A, root), "x.py": (B, root)} == place.files


@pytest.mark.parametrize(
    "paths",
    [
        (("x.py",), ("x.py",)),
        (("l.data/purelib/x.py",), ("x.py",)),
        (("l.data/data/x",), ("m.data/data/x",)),
        (("m.data/data/lib/site-packages/x.py",), ("x.py",)),
    ],
)
def test_two_digests_for_one_path_are_refused(paths: tuple[tuple[str], tuple[str]]) -> None:
    """Whichever was taken, files of two releases would be mixed."""
    one, two = dist("one-1", *paths[0]), dist("two-1", *paths[1], digest=B)

    covered(APP, one, dist("two-1", *paths[1])).check()
    with pytest.raises(ValueError, match="is not the same in dist/"):
        covered(APP, one, two).check()


def test_nested_places_agree(tmp_path: object) -> None:
    """An app that lists files of the environment in its folder."""
    app = Root("app", "/app", text("main.py", "venv/lib/site-packages/x.py"))

    covered(app, dist("one-1", "x.py")).check()
    with pytest.raises(ValueError):
        covered(app, dist("one-1", "x.py", digest=B)).check()


def test_a_run_starts_in_a_file_of_the_app() -> None:
    """Not in one of a distribution that lies at the same place."""
    covered(APP).check()
    with pytest.raises(ValueError, match="not in the manifest of the app"):
        covered(APP, dist("lib-1", "x.py"), entry=("file", "x.py")).check()
    other = Root("dist/lib-1", "/app", text("x.py"))
    with pytest.raises(ValueError):
        covered(APP, other, entry=("file", "x.py")).check()


def test_which_file_a_module_is() -> None:
    """Package, extension module, source; never bytecode, never a folder."""
    native = EXTENSIONS[0]
    paths = [
        "p/__init__.py", f"p{native}", "p.py",
        f"q/__init__{native}", "q/__init__.py",
        f"r{native}", "r.py",
        "s.py", "s/data.txt",
        "t.pyc", "t/__init__.pyc", "u", "v/x/__init__.py", "w.cpython-10-other.so.1",
    ]  # fmt: skip
    place = covered(Root("app", "/app", text(*paths))).places[0]

    assert [
        ("p/__init__.py", ".py", True),
        (f"q/__init__{native}", native, True),
        (f"r{native}", native, False),
        ("s.py", ".py", False),
    ] == [place.module("", name) for name in "pqrs"]
    assert [None] * 4 == [place.module("", name) for name in "tuvw"]
    assert ("v/x/__init__.py", ".py", True) == place.module("v", "x")
    assert place.module("", "v/x") is None


def test_which_folders_there_are() -> None:
    """Those below which something is covered; a name that starts alike is another."""
    found = covered(Root("app", "/app", text("a/b/c.py", "a-b/x.py", "a.py", "ab/x.py", "main.py")))
    place = found.places[0]

    assert ["a", "a/b", "a-b", "ab", ""] == [
        folder
        for folder in ("a", "a/b", "a/b/c.py", "a-b", "ab", "b", "a/c", "")
        if place.there(folder)
    ]
    assert ["a-b", "a.py", "a", "ab", "main.py"] == place.children("")
    assert (["b"], ["c.py"], []) == tuple(place.children(name) for name in ("a", "a/b", "b"))
    assert (place, "a/b") == found.folder("/app/a/../a/b/")
    assert found.folder("/appa") is None and found.folder("/") is None


def test_the_order_in_which_names_are_looked_for() -> None:
    """App, standard library, editable ones, distributions, system; each folder once."""
    app = Root("app", "/app", text("main.py"), ("src", ""))
    editable = Root("editable/e-1", "/e", text("x.py"), ("lib",))
    found = covered(app, editable, dist("a-1", "a.py"), dist("b-1", "b.py"), system=["/sys"])

    assert [
        "/app/src",
        "/app",
        "/usr/lib/python3.11",
        "/usr/lib/python3.11/lib-dynload",
        "/e/lib",
        SITE,
        "/sys",
    ] == found.shown()


def test_what_plain_python_may_look_at() -> None:
    """The standard library without what was installed in it, and the folders of the system."""
    found = covered(APP, system=["/usr/lib/python3/dist-packages"])

    for path in (
        "/usr/lib/python3.11",
        "/usr/lib/python3.11/json",
        "/usr/lib/python3/dist-packages/x",
    ):
        assert found.ordinary(path), path
    for path in (
        "/usr/lib/python3.110",
        "/usr/lib/python3.11/site-packages",
        "/usr/lib/python3.11/x/../dist-packages/y",
        "/usr/lib/python3.11/../evil",
        "/usr/lib/python3/dist-packages/../x",
        "/usr/lib",
        "/app",
    ):
        assert not found.ordinary(path), path


def test_paths_have_one_spelling() -> None:
    """Whatever leads to a file, it is named as in the manifest; the typed name is the entry."""
    found = covered(APP, file="/home/me/bin/get")

    for path in ("/app/a/b.py", "/app//a/./b.py", "/app/x/../a/b.py", "//app/a/b.py"[1:]):
        assert ("/app/a/b.py", (A, APP)) == found.file(path)
    assert ("/app/main.py", (A, APP)) == found.file("/home/me/bin/get")
    for path in ("/app", "/app/a", "/app/A/b.py", "/app/a/b.py/", "/ap/a/b.py", "a/b.py"):
        assert found.file(path) is None or path.endswith("/")


def test_a_root_at_the_top_of_the_disk() -> None:
    """A folder like any other."""
    found = covered(Root("app", "/", text("main.py", "opt/x.py")))

    assert "/main.py" == found.entry()
    assert found.file("/opt/x.py") is not None and found.folder("/opt") is not None
    assert "/" == found.shown()[0]
