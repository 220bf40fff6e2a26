"""A loader that only warns tells what is not verified and runs; what is marked bad it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli import apps
from tests.loader.loaded import TAMPERED, Loaded, loaded, marks
from tests.native.conftest import program_of_checkout
from tests.world import Ran, Seeds, World

WARN = ("--policy", "warn")
HELLO = """\
import sys

import words

print(words.SAID, *sys.argv[1:])
"""
LAST = "warning: run all the same: this loader only warns"


@pytest.fixture(scope="session")
def _lenient(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    files = {
        "hello.py": HELLO,
        "words.py": 'SAID = "hello"\n',
        "text.txt": "text\n",
        "child.py": "def told():\n    print('child', flush=True)\n",
    }
    yield loaded(apps.make(alice, files, "hello.py", "requests==2.32.3").signed()).built(*WARN)
    world.close()


@pytest.fixture
def lenient(_lenient: Loaded, world: World) -> Loaded:
    """A copy that may be changed, with a loader of its own folder."""
    return _lenient.again(world, *WARN)


def warned(ran: Ran, said: str, *told: str) -> list[str]:
    """It ran and said what it does, and told on stderr why it should not have."""
    assert (0, said) == (ran.status, ran.stdout), ran
    lines = ran.stderr.splitlines()
    assert lines and LAST == lines[-1], ran
    assert all(any(each in line for line in lines) for each in told), ran
    return lines


def test_what_is_verified_runs_without_a_word(lenient: Loaded) -> None:
    """As with any other policy; and the program can ask which it is."""
    assert Ran(0, "hello a\n", "") == lenient.run("a")
    script = lenient.place / "hello.py"
    script.write_text(
        "import json, sig.runtime\nprint(json.dumps(sig.runtime.context(), sort_keys=True))\n"
    )
    lenient.signed()
    ran = lenient.run()
    assert (0, "") == (ran.status, ran.stderr), ran
    said = json.loads(ran.stdout)
    assert ("warn", [lenient.person.fingerprint]) == (said["policy"], said["signers"])


def test_building_one_says_what_it_is(lenient: Loaded) -> None:
    """Whoever builds what somebody else has described sees it, and so does who inspects it."""
    lenient.loader.unlink()
    ran = lenient.build(*WARN)
    assert "note: a loader that only warns also runs what nobody answers for\n" in ran.stderr
    assert " warn" in ran.stdout
    ran = lenient.person.sig("loader", "inspect", str(lenient.loader))
    assert ["policy", "warn"] in [line.split() for line in ran.stdout.splitlines()]


def test_what_nobody_signed_is_told_and_runs(lenient: Loaded) -> None:
    """What to type stands there; and as soon as it is signed nothing is told any more."""
    script = lenient.place / "hello.py"
    script.write_text("print('new')\n")
    ran = lenient.person.sig("lock", "--python", lenient.python, "hello.py", cwd=lenient.place)
    assert 0 == ran.status, ran
    lines = warned(lenient.run(), "new\n", "warning: hello.lock is not verified")
    assert f"hint: sig attest {lenient.list}" in lines
    lenient.signed()
    assert Ran(0, "new\n", "") == lenient.run()


def test_changed_files_are_told_and_run_as_they_are(lenient: Loaded) -> None:
    """Script, module, data, what was installed; the sentence comes first, once for each."""
    app, site = lenient.place, lenient.python.parent.parent
    (module,) = site.glob("lib/python*/site-packages/requests/__version__.py")
    changed = {
        app / "hello.py": HELLO + "import requests\nprint(requests.__version__)\n",
        app / "words.py": 'SAID = open(__file__.replace("words.py", "text.txt")).read().strip()\n',
        app / "text.txt": "other",
        module: module.read_text().replace("2.32.3", "0.0.0"),
    }
    for path, text in changed.items():
        path.unlink()  # it may be a link to where it was installed once
        path.write_text(text)
    ran = lenient.run()
    named = {TAMPERED.format(one) for one in ("hello.py", "words.py", "text.txt", module)}
    lines = warned(ran, "other\n0.0.0\n")
    assert lines[0] == TAMPERED.format("hello.py")
    assert named == {line for line in lines if line.startswith("SECURITY")}
    assert 4 == len([line for line in lines if line.startswith("SECURITY")])
    assert f"sig lock {app}/hello.py && sig attest {lenient.list}" in ran.stderr


def test_many_changed_files_are_counted(lenient: Loaded) -> None:
    """Nobody reads a thousand lines."""
    site = lenient.python.parent.parent
    (folder,) = site.glob("lib/python*/site-packages/requests")
    files = sorted(folder.glob("*.py"))
    for path in files:
        text = path.read_text()
        path.unlink()
        path.write_text(text + "#\n")
    lines = warned(lenient.run(), "hello\n", f"warning: {len(files) - 10} more files of dist/")
    assert 10 == len([line for line in lines if line.startswith("SECURITY")])


def test_a_missing_file_is_told_and_is_missing(lenient: Loaded) -> None:
    """As in plain Python: who needs it fails, who does not goes on."""
    (lenient.place / "child.py").unlink()
    warned(lenient.run(), "hello\n", "warning: child.py is missing, and app has it")
    (lenient.place / "words.py").unlink()
    ran = lenient.run()
    assert 1 == ran.status, ran
    assert "warning: words.py is missing" in ran.stderr
    assert "ModuleNotFoundError: No module named 'words'" in ran.stderr


def test_what_is_not_listed_does_not_exist(lenient: Loaded) -> None:
    """Warning is about the word of somebody; what there is says the list."""
    (lenient.place / "hello.py").write_text("import more\n")
    (lenient.place / "more.py").write_text("print('evil')\n")
    ran = lenient.run()
    assert (1, "") == (ran.status, ran.stdout), ran
    assert "ModuleNotFoundError: No module named 'more'" in ran.stderr


@pytest.mark.parametrize("name", ["hello.lock", "hello.py", "words.py"])
def test_what_is_marked_bad_is_refused_as_ever(lenient: Loaded, name: str) -> None:
    """113: somebody who counts said no."""
    marks(lenient, lenient.place / name)
    ran = lenient.run()
    assert (113, "") == (ran.status, ran.stdout), ran
    assert "marked bad" in ran.stderr


@pytest.mark.parametrize("name", ["hello.py", "words.py"])
def test_changed_bytes_that_are_marked_bad_are_refused(lenient: Loaded, name: str) -> None:
    """The list knows others, and the mark is about these."""
    path = lenient.place / name
    path.write_text("print('evil')\n")
    marks(lenient, path)
    ran = lenient.run()
    assert (113, "") == (ran.status, ran.stdout), ran
    assert "marked bad" in ran.stderr


def test_what_cannot_be_told_is_refused_as_ever(lenient: Loaded) -> None:
    """114: a damaged folder, a lock that does not read; and 111 without a lock."""
    raw = lenient.list.read_bytes()
    lenient.list.write_bytes(b"none\n")
    assert 114 == lenient.run().status
    lenient.list.unlink()
    assert 111 == lenient.run().status
    lenient.list.write_bytes(raw)
    assert 0 == lenient.run().status
    view = lenient.person.folder / "view"
    view.write_bytes(view.read_bytes()[:-9])
    assert 114 == lenient.run().status


def test_a_swap_after_the_warning_is_refused(lenient: Loaded) -> None:
    """Run is what was looked at when it started, and nothing else."""
    script = lenient.place / "hello.py"
    script.write_text(
        "import os\npath = os.path.join(os.path.dirname(__file__), 'words.py')\n"
        "open(path, 'w').write('print(1)')\nimport words\n"
    )
    ran = lenient.run()
    assert (111, "") == (ran.status, ran.stdout), ran
    assert TAMPERED.format(lenient.place / "words.py") in ran.stderr


def test_children_are_started_without_the_warning(lenient: Loaded) -> None:
    """Once is enough; and they run what is there, too."""
    script = lenient.place / "hello.py"
    script.write_text(
        "import multiprocessing\nimport child\nif __name__ == '__main__':\n"
        "    multiprocessing.set_start_method('spawn')\n"
        "    one = multiprocessing.Process(target=child.told)\n    one.start()\n    one.join()\n"
        "    raise SystemExit(one.exitcode)\n"
    )
    ran = lenient.run()
    lines = warned(ran, "child\n")
    assert [TAMPERED.format("hello.py")] == [one for one in lines if one.startswith("SECURITY")]


def test_no_variable_makes_another_loader_warn(_lenient: Loaded, world: World) -> None:
    """It is the policy of a loader, and of none that was built without."""
    copy = loaded(_lenient.again(world))
    (copy.place / "hello.py").write_text("print('evil')\n")
    for value in ("warn", "warning"):
        more = {name: value for name in ("SIG_POLICY", "SIG_LOADER", "SIG_IMPORTS", "SIG_WARN")}
        ran = copy.run(env={**more, "SIG_LOADER_LOG": value})
        assert (111, "") == (ran.status, ran.stdout), ran


def test_a_baked_loader_does_not_only_warn(lenient: Loaded) -> None:
    """It is for others."""
    ran = lenient.build(*WARN, "--baked", "--signer", lenient.person.fingerprint)
    assert 2 == ran.status, ran
    assert "a baked loader is for others: its policy is enforce or strict" in ran.stderr
