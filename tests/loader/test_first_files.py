"""tests/imports/test_other_python.py, what of it is about one script, each through a loader: what
runs before there is a finder, of each version of Python that is here.

And vm.memfd_noexec as it can be set.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests import builds
from tests.builds import changed
from tests.cli.apps import App
from tests.imports.child import ENVIRONMENT, Ended
from tests.imports.test_other_python import *  # noqa: F403 - its tests
from tests.imports.test_other_python import EVIL, HELLO, Build, harmless, misleading, others
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Seeds, World

# Of other scripts than this one.
del test_a_script_runs_as_with_plain_python  # noqa: F821 - came with the star
del test_no_name_of_a_descriptor_is_left  # noqa: F821
del test_libpython_is_mapped_once  # noqa: F821
del test_a_module_of_the_standard_library_is_verified_when_it_is_loaded  # noqa: F821
del test_an_extension_module_is_verified_when_it_is_loaded  # noqa: F821
del test_a_dropped_module_does_not_exist  # noqa: F821
del test_data_of_the_standard_library_is_verified_with_its_package  # noqa: F821
del test_tests_of_the_standard_library_do_not_exist  # noqa: F821
del test_tracebacks_and_codecs_are_those_of_plain_python  # noqa: F821
del test_nothing_comes_past_the_finder  # noqa: F821
# What lies beside the program is read by nobody: below.
del test_what_misleads_an_interpreter_is_refused_or_not_read  # noqa: F821
del test_what_is_marked_bad_does_not_start  # noqa: F821 - tests/loader/test_other_python.py
del test_it_runs_where_copies_must_not_be_executed  # noqa: F821 - below


class LoadedBuild:
    """A build, and a loader of ``hello.py`` that was made for it."""

    def __init__(self, build: Build, app: Loaded) -> None:
        self.app = app
        self._build = build

    def __getattr__(self, name: str) -> object:
        return getattr(self._build, name)

    def run(
        self,
        script: Path,
        *,
        env: Mapping[str, str] = ENVIRONMENT,
        cwd: Path | None = None,
        before: Sequence[str | Path] = (),
    ) -> Ended:
        """``./hello``; of what it says of a refusal only the reason, as `sig`'s side has it."""
        assert HELLO == script.read_text()
        ran = subprocess.run(
            [*before, self.app.loader],
            env=dict(env),
            cwd=cwd or self.app.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        said = ran.stderr
        if ran.returncode == 111:
            first, why, hint, last = said.splitlines()
            assert first.startswith("SECURITY VIOLATION: '"), said
            assert hint.startswith("hint: sig lock --python "), said
            assert "error: not run" == last, said
            said = why + "\n"
        return Ended(ran.returncode, ran.stdout, said)


@pytest.fixture(scope="module", params=others(), ids=lambda path: Path(path).name)
def build(request: pytest.FixtureRequest, seeds: Seeds) -> Iterator[LoadedBuild]:
    """Each of them, attested, with a loader."""
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    program = builds.build(world.path / "build", request.param)
    alice.write("hello.py", HELLO)
    app = loaded(App(alice, alice.place, program, "hello.py", "hello").signed()).built()
    version = tuple(map(int, program.name.removeprefix("python").split(".")))
    yield LoadedBuild(Build(program, version, ""), app)
    world.close()


@pytest.fixture
def hello(build: LoadedBuild) -> Path:
    """The script of the loader."""
    return build.app.place / "hello.py"


MISLEADS = ("pyvenv.cfg", "../pyvenv.cfg", "pybuilddir.txt", "{}._pth", "Modules/Setup.local")


@pytest.mark.parametrize("name", MISLEADS)
def test_what_misleads_an_interpreter_is_not_read(
    build: LoadedBuild, hello: Path, tmp_path: Path, name: str
) -> None:
    """Files beside the program from which it would learn where its library is."""
    with changed(*misleading(build, tmp_path / "farm", name)):
        harmless(build.run(hello))
        if name in ("pyvenv.cfg", "../pyvenv.cfg"):
            assert EVIL in build.plain("-S", hello).out


@pytest.mark.parametrize("value", [0, 1, 2])
def test_it_runs_whatever_may_be_executed_in_memory(
    build: LoadedBuild, hello: Path, value: int
) -> None:
    """vm.memfd_noexec, in a process namespace of its own."""
    ask = [shutil.which("unshare") or "", "--pid", "--fork", "--mount-proc"]
    words = ["sh", "-c", f'echo {value} > /proc/sys/vm/memfd_noexec && exec "$@"', "sh"]
    able = ask[0] and subprocess.run([*ask, *words, "true"], capture_output=True).returncode == 0
    if not able:
        pytest.skip("no namespace of processes can be made here, or this kernel is too old")
    harmless(build.run(hello, before=[*ask, *words]))
