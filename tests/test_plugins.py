"""`sig.plugins`: a host loads what was judged, from the bytes that were judged, and nothing else.

Each host is a Python of its own with sig in it. An attack leaves a file, the mark; beside the
refusal stands plain Python, which runs it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.imports.libraries import MACHINE, extension
from tests.world import ROOT, TIMEOUT, Person, World, id_of, trusted_state

OK = ("--ok", "--reviewed", "-m", "")
INFO = "hello-1.0.dist-info"
WHEEL = {
    "hello/__init__.py": """\
import importlib.resources, pkgutil
from hello import part

VALUE = part.VALUE
TEXT = importlib.resources.files("hello").joinpath("data.txt").read_text()
SAME = pkgutil.get_data("hello", "data.txt").decode()
with importlib.resources.as_file(importlib.resources.files("hello") / "data.txt") as path:
    ON_DISK = path.read_text()


def tool():
    return "tool"
""",
    "hello/part.py": "VALUE = 1\n",
    "hello/data.txt": "data",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n",
    f"{INFO}/entry_points.txt": "[host.tools]\nfirst = hello:tool\nsecond = hello.part:VALUE\n",
    f"{INFO}/RECORD": "",
}
SHOWN = "print(m.VALUE, m.TEXT, m.SAME, m.ON_DISK)"


@pytest.fixture
def mark(alice: Person) -> Path:
    """What evil code leaves."""
    return alice.world.path / "evil"


def archive(person: Person, name: str, files: Mapping[str, str] = WHEEL) -> Path:
    """A zip or wheel that nobody signed."""
    path = person.place / name
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for inner, content in files.items():
            made.writestr(inner, content)
    return path


def tree(person: Person, name: str, files: Mapping[str, str] = WHEEL) -> Path:
    """A folder that nobody signed."""
    for inner, content in files.items():
        person.write(f"{name}/{inner}", content)
    return person.place / name


def signed(person: Person, *files: Path, words: Sequence[str] = ()) -> None:
    """Ok and reviewed."""
    ran = person.sig("attest", *OK, *words, *files)
    assert 0 == ran.status, ran


def host(person: Person, code: str, *, env: Mapping[str, str] = {}) -> str:
    """What a host prints that imports `sig.plugins as p`."""
    ran = subprocess.run(
        [sys.executable, "-c", "import sig.plugins as p, sys, os\n" + textwrap.dedent(code)],
        env=person.environment | env,
        cwd=person.place,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert (0, "") == (ran.returncode, ran.stderr), ran
    return ran.stdout


def refused(person: Person, path: str | Path, more: str = "") -> dict[str, Any]:
    """How `load` refuses it."""
    found: dict[str, Any] = json.loads(
        host(
            person,
            f"""
            import json
            try:
                p.load({os.fspath(path)!r}{more})
            except p.SigImportError as e:
                print(json.dumps([type(e).__name__, e.reason, e.message, e.hint or ""]))
            """,
        )
    )
    return dict(zip(("kind", "reason", "message", "hint"), found, strict=True))


def follows(person: Person, other: Person) -> None:
    """From now on, what the other published counts."""
    url = person.world.serve(other.folder / "repo").url
    ran = person.sig("remote", "add", other.name, url, "-f", "--key", other.fingerprint, "--trust")
    assert 0 == ran.status, ran


# --- load ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hello-1.0-py3-none-any.whl", "hello.zip", "wheel/"])
def test_archives_and_unpacked_ones_load(alice: Person, name: str) -> None:
    """Modules, data by each way, from memory or from the disk; the same module the second time."""
    path = tree(alice, name[:-1]) if name.endswith("/") else archive(alice, name)
    signed(alice, path)

    told = host(alice, f"m = p.load({name!r}); {SHOWN}; print(m is p.load({name!r}), m.__file__)")

    assert f"1 data data data\nTrue {path}/hello/__init__.py\n" == told


@pytest.mark.parametrize("kind", ["package", "file", "zip"])
def test_packages_and_modules_load_by_their_name(alice: Person, kind: str) -> None:
    """A folder with __init__.py, a file, and a zip of a package's files."""
    if kind == "package":
        path = tree(
            alice, "plug/tool", {"__init__.py": "import tool.part as part\n", "part.py": ""}
        )
    elif kind == "file":
        path = alice.write("plug/tool.py", "part = 1\n")
    else:
        path = archive(alice, "plug/tool.zip", {"__init__.py": "from . import part", "part.py": ""})
    signed(alice, path)

    assert "tool True\n" == host(
        alice, f"m = p.load({str(path)!r}); print(m.__name__, hasattr(m, 'part'))"
    )


def test_what_counts_for_nobody_is_refused_with_the_reason(world: World, alice: Person) -> None:
    """The family says which kind, and nothing of the plug-in ran."""
    bob = world.person("bob")
    path = {}
    for name in ("unsigned", "tampered", "mixed", "bad"):
        path[name] = tree(
            alice, f"plug/{name}", {"__init__.py": f"# {name}\n", "more.py": f"#{name}"}
        )
    signed(alice, path["tampered"], path["mixed"], path["bad"])
    (path["tampered"] / "more.py").write_text("evil()\n")
    (path["mixed"] / "more.py").unlink()
    (path["mixed"] / "other.py").write_text("")
    bob.attests("# bad\n", "--not-ok", "--reviewed", name="bad.py")
    follows(alice, bob)
    before = trusted_state(alice.folder)
    for name, kind, reason, message in (
        ("unsigned", "NotCovered", "no-statement", "is not covered: nobody has attested it"),
        ("tampered", "Differs", "differs", "differs from a list that counts: more.py changed"),
        ("mixed", "Differs", "differs", "other.py extra"),
        ("bad", "MarkedBad", "marked-bad", "__init__.py is marked bad by 1 trusted signer"),
    ):
        found = refused(alice, path[name])
        assert (kind, reason) == (found["kind"], found["reason"]), found
        assert message in found["message"], found
        assert f"sig plugin verify {path[name]}" == found["hint"]
    for name in ("nowhere", "text.txt"):
        alice.write("text.txt", "")
        assert "Unreadable" == refused(alice, name)["kind"]
    assert before == trusted_state(alice.folder)


def test_an_archive_is_ok_by_its_own_bytes_alone(alice: Person, mark: Path) -> None:
    """One byte more, and the same list, are another archive."""
    path = archive(alice, "hello.zip")
    signed(alice, path, words=["--tree"])
    with zipfile.ZipFile(path, "a") as made:
        made.comment = b"more"

    assert "NotCovered" == refused(alice, path)["kind"]


# --- from what was judged ------------------------------------------------------------------------


def test_what_is_swapped_after_it_was_judged_does_not_run(alice: Person, mark: Path) -> None:
    """An archive and a file run from the bytes that were read, a folder's files are compared."""
    evil = f"open({str(mark)!r}, 'w')\n"
    wheel = archive(
        alice, "hello.zip", {"hello.py": "def late():\n    import later\n", "later.py": ""}
    )
    folder = tree(
        alice, "tool", {"__init__.py": "def late():\n    import tool.part\n", "part.py": ""}
    )
    signed(alice, wheel, folder)

    told = host(
        alice,
        f"""
        import zipfile
        h, t = p.load("hello.zip"), p.load("tool")
        os.remove("hello.zip")
        with zipfile.ZipFile("hello.zip", "w") as made:
            made.writestr("later.py", {evil!r})
        open("tool/part.py", "w").write({evil!r})
        h.late()
        try:
            t.late()
        except p.Differs as error:
            print(error.message)
        """,
    )

    assert f"{folder}/part.py is not the file that {folder} has\n" == told
    assert not mark.exists()


def test_what_is_not_listed_does_not_exist(alice: Person, mark: Path) -> None:
    """A module, a namespace and bytecode that were dropped beside what is covered."""
    evil = f"open({str(mark)!r}, 'w')\n"
    path = tree(alice, "tool", {"__init__.py": "", "part.py": "VALUE = 1\n"})
    words = ("--exclude", "extra*", "--exclude", "space", "--exclude", "*.pyc")
    signed(alice, path, words=words)
    compiled = alice.write("part.py", evil)
    subprocess.run([sys.executable, "-m", "py_compile", compiled], check=True, timeout=TIMEOUT)
    (pyc,) = (alice.place / "__pycache__").glob("part.*.pyc")
    compiled.unlink()
    (path / "__pycache__").mkdir()
    shutil.copy(pyc, path / "__pycache__")
    shutil.copy(pyc, path / "extra.pyc")
    alice.write("tool/extra_one.py", evil)
    alice.write("tool/space/inner.py", evil)
    code = """
    m = p.load("tool")
    import tool.part
    assert tool.part.VALUE == 1 and getattr(tool.part, "__cached__", None) is None
    for name in ("tool.extra_one", "tool.extra", "tool.space", "tool.space.inner"):
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            print(type(error).__name__)
    """

    assert "NotCovered\n" * 4 == host(alice, code)
    assert not mark.exists()
    subprocess.run(
        [sys.executable, "-c", "import tool.extra_one"],
        cwd=alice.place,
        check=True,
        timeout=TIMEOUT,
    )
    assert mark.exists()


@pytest.mark.parametrize("name", ["json", "click_free", "taken"])
def test_a_plugin_takes_no_name_of_another(alice: Person, name: str) -> None:
    """Neither of the standard library, nor of what the host has or could import."""
    files = {f"{name}.py": "", "own_name.py": ""}
    signed(alice, archive(alice, "plug/own_name.zip", files))
    alice.write("lib/click_free.py", "")
    code = """
    import types
    sys.modules["taken"] = types.ModuleType("taken")
    try:
        p.load("plug/own_name.zip")
    except p.NotCovered as error:
        print(error.reason, "own_name" in sys.modules)
    """

    env = {"PYTHONPATH": str(alice.place / "lib")}
    assert "name-taken False\n" == host(alice, code, env=env)


def test_a_host_that_searches_the_folder_itself_gets_the_verified_one(alice: Person) -> None:
    """The plug-in is not taken for the host's own module."""
    signed(alice, tree(alice, "plug/tool", {"__init__.py": "VALUE = 2\n"}))
    code = "sys.path.insert(0, 'plug'); print(p.load('plug/tool').VALUE, type(sys.meta_path[0]))"

    assert "2 <class 'sig.imports.loading.Loaded'>\n" == host(alice, code)


def test_a_plugin_that_fails_leaves_nothing(alice: Person) -> None:
    """Its own error comes through, and the name is free again."""
    path = alice.write("tool.py", "import os\nraise KeyError('mine')\n")
    signed(alice, path)
    code = """
    before = list(sys.meta_path)
    try:
        p.load("tool.py")
    except KeyError as error:
        print(error, "tool" in sys.modules, before == sys.meta_path)
    """

    assert "'mine' False True\n" == host(alice, code)


def test_another_state_of_a_loaded_plugin_is_refused(alice: Person) -> None:
    """Files of two versions never mix, though both are ok."""
    path = tree(alice, "tool", {"__init__.py": "", "part.py": "VALUE = 1\n"})
    signed(alice, path)
    again = tree(alice, "again/tool", {"__init__.py": "", "part.py": "VALUE = 2\n"})
    signed(alice, again)
    code = """
    import shutil
    p.load("tool")
    shutil.copy("again/tool/part.py", "tool/part.py")
    try:
        p.load("tool")
    except p.Differs as error:
        print(error.message)
    """

    assert f"{path} was loaded before, from other files\n" == host(alice, code)


def test_several_modules_are_named(alice: Person) -> None:
    """Where none has the name of the plug-in."""
    path = archive(alice, "pack.zip", {"one.py": "VALUE = 1\n", "two.py": "VALUE = 2\n"})
    signed(alice, path)

    assert f"{path} has several modules: one, two" == refused(alice, path)["message"]
    code = "print(p.load('pack.zip', module='two').VALUE, p.load('pack.zip', module='one').VALUE)"
    assert "2 1\n" == host(alice, code)
    assert "does not list it" in refused(alice, path, ", module='os'")["message"]


def test_a_wheel_is_laid_out_as_an_installer_would(alice: Person) -> None:
    """What lies in purelib and platlib is beside the rest."""
    files = {**WHEEL, "hello-1.0.data/purelib/hello/more.py": "VALUE = 5\n"}
    signed(alice, archive(alice, "hello-1.0-py3-none-any.whl", files))
    code = "p.load('hello-1.0-py3-none-any.whl'); import hello.more; print(hello.more.VALUE)"

    assert "5\n" == host(alice, code)


@pytest.mark.skipif(sys.platform != "linux" or not MACHINE, reason="libraries are mapped on Linux")
@pytest.mark.parametrize("kind", ["zip", "folder", "file"])
def test_extension_modules_run_from_sealed_memory(alice: Person, kind: str) -> None:
    """From an archive without a file of it on the disk; what the host does with ctypes stays."""
    name = "fast" + sysconfig.get_config_var("EXT_SUFFIX")
    (alice.place / name).write_bytes(extension("fast", returns=42))
    if kind == "zip":
        with zipfile.ZipFile(alice.place / "hello.zip", "w") as made:
            made.write(alice.place / name, f"hello/{name}")
            made.writestr("hello/__init__.py", "from .fast import value\n")
        path = alice.place / "hello.zip"
    elif kind == "folder":
        path = tree(alice, "hello", {"__init__.py": "from .fast import value\n"})
        shutil.copy(alice.place / name, path)
    else:
        (alice.place / "plug").mkdir()
        path = Path(shutil.copy(alice.place / name, alice.place / "plug"))
    signed(alice, path)
    (alice.place / name).unlink()
    code = f"""
    import ctypes, _ctypes
    before = _ctypes.dlopen
    m = p.load({str(path)!r})
    print(m.value(), before is _ctypes.dlopen)
    found = [line for line in open("/proc/self/maps") if "fast" in line]
    print(bool(found), all("memfd:" in line for line in found))
    """

    assert "42 True\nTrue True\n" == host(alice, code)


# --- whose word counts ---------------------------------------------------------------------------


def test_trust_says_whose_ok_counts(world: World, alice: Person, bob: Person) -> None:
    """In place of the trust store: a key that does not count there may, one that does may not."""
    alices, bobs = alice.write("one.py", "x = 1\n"), alice.write("two.py", "x = 2\n")
    carols = alice.write("three.py", "x = 3\n")
    carol = world.person("carol")
    signed(alice, alices)
    bob.attests(bobs.read_bytes(), *OK[:2], name="two.py")
    carol.attests(carols.read_bytes(), *OK[:2], name="three.py")
    follows(alice, carol)
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    only = f", trust=[{bob.fingerprint!r}]"

    assert "1\n" == host(alice, f"print(p.load('one.py'{only}).x)")  # her own word
    assert "2\n" == host(alice, f"print(p.load('two.py'{only}).x)")
    assert "NotCovered" == refused(alice, "two.py")["kind"]
    assert "3\n" == host(alice, "print(p.load('three.py').x)")
    assert "NotCovered" == refused(alice, "three.py", only)["kind"]
    assert "two.py has 1\n" == host(
        alice, "\ntry:\n    p.load('one.py', trust=['B32780D9'])\nexcept ValueError:\n"
        "    print('two.py has 1')"
    )  # fmt: skip


def test_trust_takes_no_warning_away(world: World, alice: Person, bob: Person) -> None:
    """Of the store, about the file, one in an archive, or the archive that a folder came from."""
    carol = world.person("carol")
    wheel = archive(alice, "hello-1.0-py3-none-any.whl")
    folder = tree(alice, "folder")
    module = alice.write("one.py", "x = 1\n")
    for path in (wheel, module):
        shutil.copy(path, bob.place)
        shutil.copy(path, carol.place)
    signed(bob, bob.place / wheel.name, words=["--tree"])
    signed(bob, bob.place / module.name)
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    only = f", trust=[{bob.fingerprint!r}]"
    for path in (wheel, folder, module):
        assert "True\n" == host(alice, f"print(bool(p.load({str(path)!r}{only})))")

    warned = ("--not-ok", "--reviewed", "-m", "no")
    assert 0 == carol.sig("attest", *warned, "--tree", wheel.name).status
    assert 0 == carol.sig("attest", *warned, module.name).status
    follows(alice, carol)

    for path in (wheel, folder, module):
        assert "MarkedBad" == refused(alice, path, only)["kind"], path


ASK = """
def ask(plugin, question):
    print(plugin.name, plugin.verdict.answer.value, question.partition("?")[0])
    print([(one.key[-8:], one.state.value, one.comment) for one in plugin.verdict.statements])
    return {!r}
try:
    print(p.load("tool.py", ask=ask).x)
except p.SigImportError as error:
    print(type(error).__name__)
"""


def test_ask_shows_who_says_what_and_takes_an_answer(world: World, alice: Person) -> None:
    """Once is for this time, no is no; both leave no trace."""
    bob = world.person("bob")
    path = alice.write("tool.py", "x = 1\n")
    bob.attests(path.read_bytes(), *OK[:2], "-m", "works", name="tool.py")
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    before = trusted_state(alice.folder)
    for answer, last in (("once", "1"), ("no", "NotCovered"), ("perhaps", "NotCovered")):
        first, says, end = host(alice, ASK.format(answer)).splitlines()
        assert first.startswith(f"tool unverified {path} is not covered: no trusted signer has")
        assert "always, which signs that you reviewed this file and found no major flaw" in first
        assert f"[('{bob.short}', 'untrusted', 'works')]" == says
        assert last == end
    assert before == trusted_state(alice.folder)


def test_always_is_an_own_word_like_any_other(alice: Person) -> None:
    """It is signed, counts from then on, and for nothing but these bytes."""
    path = alice.write("tool.py", "x = 1\n")

    assert "1" == host(alice, ASK.format("always")).splitlines()[-1]

    assert "1\n" == host(alice, "print(p.load('tool.py').x)")
    (said,) = alice.read("repo/repo.json")["data"]["attestations"][id_of(path.read_bytes())]
    assert (True, True) == (said["data"]["ok"], said["data"]["reviewed"])
    path.write_text("x = 2\n")
    assert "NotCovered" == refused(alice, path)["kind"]


def test_always_without_an_own_key_says_what_to_do(world: World) -> None:
    """And loads nothing."""
    dave = world.newcomer("dave")
    dave.write("tool.py", "x = 1\n")
    code = """
    try:
        p.load("tool.py", ask=lambda plugin, question: p.ALWAYS)
    except p.NotCovered as error:
        print(error)
    """

    told = f"{dave.place}/tool.py is not covered: this folder has no own key; hint: sig setup\n"
    assert told == host(dave, code)


def test_what_is_marked_bad_is_not_asked_about(world: World, alice: Person, bob: Person) -> None:
    """No answer lets it in."""
    alice.write("tool.py", "x = 1\n")
    bob.attests("x = 1\n", "--not-ok", "--reviewed")
    follows(alice, bob)

    assert "MarkedBad\n" == host(alice, ASK.format("always"))


def test_what_changes_while_it_is_asked_is_not_loaded(alice: Person, mark: Path) -> None:
    """Yes once is about what was shown."""
    evil = f"open({str(mark)!r}, 'w')\n"
    tree(alice, "tool", {"__init__.py": "", "part.py": "x = 1\n"})
    archive(alice, "pack.zip", {"pack.py": "VALUE = 1\n"})
    archive(alice, "evil.zip", {"pack.py": evil})
    code = f"""
    def ask(plugin, question):
        if plugin.name == "tool":
            open("tool/part.py", "w").write({evil!r})
        else:
            os.replace("evil.zip", "pack.zip")
        return p.ONCE
    p.load("tool", ask=ask)
    try:
        import tool.part
    except p.SigImportError as error:
        print(type(error).__name__)
    print(p.load("pack.zip", ask=ask).VALUE)
    """

    assert "Differs\n1\n" == host(alice, code)
    assert not mark.exists()


# --- discover ------------------------------------------------------------------------------------

FIND = """
found = p.discover("plug", "host.tools"{})
print([(one.name, one.value, os.path.basename(one.plugin.path)) for one in found.entries])
print([(type(one).__name__, os.path.basename(one.path)) for one in found.refused])
print("hello" in sys.modules, *[one.load() for one in found.entries][:1])
"""


@pytest.mark.parametrize("kind", ["archive", "folder"])
def test_entry_points_of_covered_distributions_only(alice: Person, mark: Path, kind: str) -> None:
    """A distribution that was dropped beside them is not there, and nothing runs before `load`."""
    if kind == "archive":
        signed(alice, archive(alice, "plug/hello-1.0-py3-none-any.whl"))
    else:
        signed(alice, tree(alice, "plug/hello"), words=["--exclude", "evil*"])
    evil = f"open({str(mark)!r}, 'w')\n"
    dropped = {
        "METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
        "entry_points.txt": "[host.tools]\nevil = evil:run\n",
    }
    for name, content in dropped.items():
        alice.write(f"plug/evil-1.dist-info/{name}", content)
        if kind == "folder":
            alice.write(f"plug/hello/evil-1.dist-info/{name}", content)
    alice.write("plug/evil.py", evil)

    first, refused, last = host(alice, FIND.format("")).splitlines()

    name = "hello" if kind == "folder" else "hello-1.0-py3-none-any.whl"
    entries = [("first", "hello:tool", name), ("second", "hello.part:VALUE", name)]
    assert str(entries) == first
    assert str([("NotCovered", "evil-1.dist-info"), ("NotCovered", "evil.py")]) == refused
    assert last.startswith("False <function tool at")
    assert not mark.exists()
    code = """
import evil, importlib.metadata
print([one.name for one in importlib.metadata.entry_points(group="host.tools")])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=alice.environment | {"PYTHONPATH": str(alice.place / "plug")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert "evil" in ran.stdout and mark.exists()


def test_who_stands_behind_the_whole_folder_answers_for_each(alice: Person) -> None:
    """One statement about the folder; what was added or changed since is refused."""
    archive(alice, "plug/hello-1.0-py3-none-any.whl")
    tree(alice, "plug/more", {"__init__.py": ""})
    signed(alice, alice.place / "plug")

    first, refused, _ = host(alice, FIND.format("")).splitlines()
    assert "hello:tool" in first
    assert "[]" == refused

    alice.write("plug/more/evil.py", "")
    first, refused, *_ = host(alice, FIND.format("")).splitlines()
    assert "[]" == first


def test_an_entry_point_of_another_module_is_refused(alice: Person) -> None:
    """What a covered distribution names must be its own."""
    points = "[host.tools]\nfirst = os:system\n"
    signed(alice, archive(alice, "plug/a.zip", {**WHEEL, f"{INFO}/entry_points.txt": points}))
    code = """
    (one,) = p.discover("plug", "host.tools").entries
    try:
        one.load()
    except p.NotCovered as error:
        print(error.message.partition(": ")[2])
    """

    assert f"{alice.place}/plug/a.zip does not list it\n" == host(alice, code)


def test_what_was_installed_is_imported_through_the_hook_too(alice: Person) -> None:
    """An unpacked wheel by its own folder, an archive by its path, as plain Python does."""
    signed(alice, archive(alice, "hello-1.0-py3-none-any.whl"), words=["--tree"])
    signed(alice, archive(alice, "whole.zip", {"whole.py": "VALUE = 4\n"}))
    for name in ("hello-1.0-py3-none-any.whl", "whole.zip"):
        ran = alice.sig("plugin", "install", name, "--into", "plug")
        assert 0 == ran.status, ran
    alice.write("plug/hello/evil.py", "")
    code = """
    import sig.imports
    sig.imports.install(["plug"], policy="enforce")
    sys.path += ["plug/hello", "plug/whole.zip"]
    import whole
    print(whole.VALUE)
    try:
        import hello
    except sig.imports.errors.Differs as error:
        print(type(error).__name__)
    """

    assert "4\nDiffers\n" == host(alice, code)
    (alice.place / "plug/hello/evil.py").unlink()
    code = code.replace("import whole\n", "import whole, hello\n").partition("    try:")[0]
    assert "4\n" == host(alice, code + "    assert hello.VALUE == 1\n")


# --- the guide -----------------------------------------------------------------------------------


def test_the_examples_of_the_guide_do_what_they_say(
    world: World, alice: Person, bob: Person
) -> None:
    """Each block of docs/guides/plugins in a host of its own."""
    text = (ROOT / "docs/guides/plugins.md").read_text()
    greeting, tool, ask, commands = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    alice.write("good.py", "def greet():\n    return 'hello'\n")
    alice.write("other.py", "def greet():\n    return 'evil'\n")
    bob.attests((alice.place / "good.py").read_bytes(), *OK[:2], name="good.py")
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    points = {f"{INFO}/entry_points.txt": "[my-host.commands]\nfirst = hello:tool\n"}
    signed(alice, archive(alice, "plug/hello.zip", WHEEL | points))

    def ran(block: str, code: str) -> str:
        return host(alice, block + "\n" + textwrap.dedent(code))

    left = f"left out: {alice.place}/good.py is not covered: no trusted signer has attested it\n"
    assert left == ran(greeting, "print(greeting('good.py'))")
    key = tool.replace("38012069C685C670ECBFF55EC8A35A4E7DC1304D", bob.fingerprint)
    assert "hello\n" == ran(key, "print(tool('good.py').greet())")
    answered = """
    import io
    sys.stdin, sys.stderr = io.StringIO("once\\n"), sys.stdout
    print(load("good.py").greet())
    """
    shown = ran(ask, answered)
    assert f"untrusted {bob.uid} ''" == shown.splitlines()[0]
    assert shown.endswith("(once/always/no): hello\n")
    assert "tool\n" == ran(commands, "print(commands('plug')['first']())")
