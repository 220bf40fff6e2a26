"""tests/cli/test_other_python.py, what of it is about runs, each through a loader."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sig.errors import FormatError
from sig.model import loader
from sig.model.fingerprint import Fingerprint
from tests import builds, wheels
from tests.builds import changed
from tests.cli import apps
from tests.cli.test_other_python import *  # noqa: F403 - its tests
from tests.cli.test_other_python import HELLO, attest, base, library
from tests.loader.loaded import Loaded, loaded, refused
from tests.native.conftest import program_of_checkout
from tests.world import Person, Ran, Seeds, World

# What needs no loader.
del test_a_python_is_signed_as_one_list_of_files  # noqa: F821 - came with the star
del test_the_list_of_a_python_has_what_it_runs_and_no_tests  # noqa: F821
del test_another_copy_of_a_build_needs_no_other_statement  # noqa: F821
del test_a_python_is_signed_alone_and_whole  # noqa: F821
del test_the_pythons_of_the_system_need_no_statement  # noqa: F821
del test_a_copy_of_the_program_in_an_environment_is_refused  # noqa: F821
del test_a_plan_says_who_answers_for_the_python  # noqa: F821
del test_a_folder_that_was_attested_is_no_python  # noqa: F821
del test_what_lies_in_a_build_besides_is_not_covered  # noqa: F821
del test_a_python_that_was_changed_is_another  # noqa: F821
del test_an_environment_may_see_what_its_build_has  # noqa: F821
# Below in another way: a loader is made when somebody answers for the Python.
del test_a_script_is_run_with_a_python_that_was_attested  # noqa: F821
del test_no_file_of_the_home_runs  # noqa: F821
del test_who_trusts_the_signer_needs_no_own_statement  # noqa: F821


@dataclass(frozen=True, slots=True)
class Built(Loaded):
    """An app whose loader is made when it is signed or started for the first time."""

    def signed(self) -> Built:
        """And nothing goes wrong."""
        Loaded.signed(self)
        if not self.loader.exists():
            self.built()
        return self

    def run(
        self, *words: str, env: Mapping[str, str] = {}, input: str = "", cwd: Path | None = None
    ) -> Ran:
        """``./hello WORDS``."""
        if not self.loader.exists():
            self.built()
        return Loaded.run(self, *words, env=env, input=input, cwd=cwd)


@pytest.fixture(scope="module")
def _signed(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    program = builds.build(world.path / "build", wheels.other())
    needs = ("requests==2.32.3", "numpy")
    app = apps.make(alice, apps.PROBE_FILES, "probe.py", *needs, python=str(program))
    assert 0 == attest(alice, app.python).status
    yield loaded(app.signed()).built()
    world.close()


@pytest.fixture
def hello(alice: Person, python: Path) -> Built:
    """A script for that build, in no environment; nothing is signed."""
    program_of_checkout()
    alice.write("hello.py", HELLO)
    return Built(alice, alice.place, python, "hello.py", "hello")


def test_no_loader_is_made_before_somebody_answers_for_the_python(hello: Built) -> None:
    """For sig would run it; then it runs as soon as the list of the program is signed, too."""
    ran = hello.build()
    assert 1 == ran.status
    assert " is not attested" in ran.stderr
    assert f"hint: sig attest --python {hello.python}" == ran.stderr.splitlines()[-1]
    assert 0 == attest(hello.person, hello.python).status
    ran = hello.run()
    assert 111 == ran.status
    assert f"hint: sig attest {hello.list}" in ran.stderr
    assert 0 == hello.attest().status
    assert Ran(0, "hello\n", "") == hello.run()


def test_a_python_that_is_attested_no_more_is_not_run(hello: Built) -> None:
    """111, and what to do; with the statement it runs again, and without a new loader."""
    said = attest(hello.person, hello.python)
    assert Ran(0, "hello\n", "") == hello.signed().run()
    id = json.loads(said.stdout.partition("\n")[2])["id"]
    assert 0 == hello.person.sig("withdraw", id, input="yes\n").status
    ran = hello.run()
    assert (111, "") == (ran.status, ran.stdout), ran
    assert " is not attested: " in ran.stderr
    assert f"hint: sig attest --python {hello.python}" in ran.stderr
    assert 0 == attest(hello.person, hello.python).status
    assert Ran(0, "hello\n", "") == hello.run()


def test_a_baked_loader_starts_no_such_python(hello: Built) -> None:
    """None is made, although it is attested; and one that says so is no loader."""
    assert 0 == attest(hello.person, hello.python).status
    assert Ran(0, "hello\n", "") == hello.signed().run()
    made = hello.loader.read_bytes()
    ran = hello.build("--baked", "--signer", hello.person.fingerprint)
    assert 1 == ran.status, ran
    assert f"{hello.python} is not the system's Python: " in ran.stderr
    assert "hint: sig loader build --python /usr/bin/python3" == ran.stderr.splitlines()[-1]
    assert (made, False) == (hello.loader.read_bytes(), (hello.place / "hello.sig").exists())

    found = loader.read(made)
    assert found is not None and found.policy.python.base
    key = Fingerprint(hello.person.fingerprint)
    signers = loader.Signers({key: b"x"}, 1)
    policy = found.policy._replace(by=signers)
    with pytest.raises(FormatError, match="signers with a Python that is not the system's"):
        loader.write(found._replace(policy=policy))
    systems = policy.python._replace(base="", executable="/usr/bin/python3")
    raw = loader.write(found._replace(policy=policy._replace(python=systems)))
    said = f'"base": "{policy.python.base}"'.encode()
    raw = raw.replace(b'"base": ""', said)
    executable = f'"executable": "{policy.python.executable}"'.encode()
    raw = raw.replace(b'"executable": "/usr/bin/python3"', executable)
    more = len(said) - 10 + len(executable) - 32
    length = int.from_bytes(raw[-24:-16], "little") + more
    hello.loader.unlink()
    hello.loader.write_bytes(raw[:-24] + length.to_bytes(8, "little") + raw[-16:])
    hello.loader.chmod(0o755)
    refused(hello.run(), 114, "signers with a Python that is not the system's")


def test_a_folder_that_was_attested_is_no_python_for_a_loader(hello: Built) -> None:
    """An ok about the same list of files that is not about a Python."""
    attest(hello.person, hello.python)
    assert 0 == hello.signed().run().status
    (noted,) = (hello.person.folder / "pythons").iterdir()
    id = noted.read_text().strip()
    tree = hello.person.place / "tree"
    digits = id.removeprefix("sha256:")
    listed = (hello.person.folder / "repo/objects" / digits[:2] / digits[2:]).read_text()
    for line in listed.splitlines():
        (tree / line[66:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(hello.python.parent.parent / line[66:], tree / line[66:])
    assert 0 == hello.person.sig("attest", tree, input=apps.YES).status
    ran = hello.run()
    assert (111, "") == (ran.status, ran.stdout), ran


def test_another_build_in_its_place_runs_when_it_is_attested(hello: Built) -> None:
    """As an update does: what changes in it needs no new loader."""
    attest(hello.person, hello.python)
    assert 0 == hello.signed().run().status
    before = hello.loader.read_bytes()
    place = library(hello.python) / "stat.py"  # one that is loaded first
    place.write_text(place.read_text() + "# another\n")
    ran = hello.run()
    assert (111, "") == (ran.status, ran.stdout), ran
    assert f"SECURITY VIOLATION: '{place}' has been tampered with!" == ran.stderr.splitlines()[0]
    assert f"hint: sig lock --python {hello.python} {hello.shown}" in ran.stderr
    assert 0 == hello.lock().status
    assert f"hint: sig attest --python {hello.python}" in hello.run().stderr
    assert 0 == attest(hello.person, hello.python).status
    assert Ran(0, "hello\n", "") == hello.run()
    assert before == hello.loader.read_bytes()


def test_what_is_noted_of_a_python_is_no_proof(hello: Built) -> None:
    """The folder's note which list a Python has leads to a list, and to nothing else."""
    attest(hello.person, hello.python)
    assert 0 == hello.signed().run().status
    (noted,) = (hello.person.folder / "pythons").iterdir()
    good = noted.read_text()
    for text, status in (
        ("", 114),
        ("sha256:\n", 114),
        ("../../config\n", 114),
        (f"sha256:{'0' * 64}\n", 114),
        (f"sha256:{hello.list.read_text()[:64]}\n", 111),  # the list of the app
        (good * 9, 114),
    ):
        noted.write_text(text)
        ran = hello.run()
        assert (status, "") == (ran.status, ran.stdout), (text, ran)
        assert "error: not run" == ran.stderr.splitlines()[-1]
    noted.unlink()
    assert 114 == hello.run().status
    noted.write_text(good)
    assert 0 == hello.run().status


def test_the_options_of_a_build_hold(probe: Loaded, world: World) -> None:
    """Those that the interpreter reads before our first line as well."""
    app = probe.again(world)
    code = (
        "import sys, warnings; print(sys.flags.optimize, sys.flags.dev_mode, sys.warnoptions,"
        " sys.flags.utf8_mode, sys._xoptions); warnings.warn('x')"
    )
    for options in (["-O", "-Werror::ResourceWarning"], ["-Xdev", "-u"], ["-OO", "-Xutf8"]):
        app.loader.unlink()
        app.built(*[f"--python-option={option}" for option in options])
        ran = app.run(code)
        assert 0 == ran.status, ran
        optimize = sum(option.count("O") for option in options if option in ("-O", "-OO"))
        assert str(optimize) == ran.stdout.partition(" ")[0]
        assert "UserWarning: x" in ran.stderr, ran
        assert "failed" not in ran.stderr, ran
    for option in ("-Wignore:words", "-Wignore:::work"):
        ran = app.build(f"--python-option={option}")
        assert 2 == ran.status, ran
        assert "more than an action and a category" in ran.stderr


def test_no_file_of_the_home_runs_by_a_loader(probe: Loaded, world: World) -> None:
    """tkinter looks for ~/.Tk.py, but not in an isolated Python."""
    app = probe.again(world, "--env", "HOME")
    code = "import tkinter\nprint(tkinter.Tk(useTk=False).tk is not None)\n"
    name = app.person.home / ".Tk.py"
    if "libtk" in app.plain(code).stderr:
        pytest.skip("there is no Tk here")
    name.write_text(app.evil)
    ran = app.run(code)
    assert (0, "True\n", False) == (ran.status, ran.stdout, app.was_evil()), ran
    app.plain(code)
    assert app.was_evil()


@pytest.mark.parametrize("value", [1, 2])
def test_its_children_run_where_copies_must_not_be_executed(probe: Loaded, value: int) -> None:
    """vm.memfd_noexec: the process that they are asked by is then one of the linker."""
    ask = [shutil.which("unshare") or "", "--pid", "--fork", "--mount-proc"]
    ask += ["sh", "-c", f'echo {value} > /proc/sys/vm/memfd_noexec && exec "$@"', "sh"]
    if not ask[0] or subprocess.run([*ask, "true"], capture_output=True).returncode:
        pytest.skip("no namespace of processes can be made here, or this kernel is too old")
    code = (
        "import multiprocessing as m, os, work; p = m.get_context('spawn').Pool(2);"
        " print(p.map(work.square, [1, 2, 3]), 'memfd' in os.readlink('/proc/self/exe'));"
        " p.close(); p.join()"
    )
    done = subprocess.run(
        [*ask, probe.loader, code], capture_output=True, text=True, cwd=probe.place, timeout=120
    )
    expected = Ran(0, f"[1, 4, 9] {value < 2}\n", "")
    assert expected == Ran(done.returncode, done.stdout, done.stderr)


LIBM = Path("/lib/x86_64-linux-gnu/libm.so.6")


@pytest.mark.skipif(not LIBM.exists(), reason="no libm where Debian has it")
def test_a_library_beside_libpython_is_never_loaded(probe: Loaded, tmp_path: Path) -> None:
    """Nor one in a folder below that, which ld.so prefers; plain Python falls for each."""
    lib = base(probe).parent.parent / "lib"
    if not list(lib.glob("libpython3.*.so.*")):
        pytest.skip("this build has none")
    # One that does what is asked of it, by way of the real one under another name.
    real = tmp_path / "libr.so.6"
    real.write_bytes(LIBM.read_bytes().replace(b"libm.so.6\0", b"libr.so.6\0"))
    made = tmp_path / LIBM.name
    apps.library(probe, made, name=LIBM.name, needs=[real])
    code = "import math, _struct; print(math.sqrt(4))"
    supported = [folder for folder in apps.hwcaps() if prefers(folder)]
    for folder in ("", *supported):
        place = lib / folder
        with changed(place / real.name, real.read_bytes()):
            with changed(place / made.name, made.read_bytes()):
                ran = probe.run(code)
                assert (Ran(0, "2.0\n", ""), False) == (ran, probe.was_evil()), folder
                probe.plain(code)
                assert probe.was_evil(), folder


def prefers(folder: str) -> bool:
    """Whether ld.so looks there on this machine."""
    said = subprocess.run(
        ["/lib64/ld-linux-x86-64.so.2", "--help"], capture_output=True, text=True, timeout=60
    )
    return f"{folder.rpartition('/')[2]} (supported" in said.stdout
