"""Hosts with odd settings: it runs, or it is one sentence and 114; never a panic.

Each with the system's Python, and with one that is not.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builds, wheels
from tests.cli import apps
from tests.cli.apps import App
from tests.loader.loaded import Loaded, loaded
from tests.native.conftest import program_of_checkout
from tests.world import Ran, Seeds, World

HELLO = "print('hello')\n"
NO_LIMIT = resource.RLIM_INFINITY


@pytest.fixture(scope="module", params=["system", "other"])
def hello(request: pytest.FixtureRequest, seeds: Seeds) -> Iterator[Loaded]:
    """A loader of one line."""
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    if request.param == "system":
        app = apps.make(alice, {"hello.py": HELLO}, "hello.py")
    else:
        python = builds.build(world.path / "build", wheels.other())
        alice.write("app/hello.py", HELLO)
        app = App(alice, alice.place / "app", python, "hello.py", "hello")
    yield loaded(app.signed()).built()
    world.close()


def limited(hello: Loaded, *limits: tuple[int, int]) -> Ran:
    """Started with less."""

    def less() -> None:
        for kind, most in limits:
            resource.setrlimit(kind, (most, most))

    done = subprocess.run(
        [hello.loader],
        env=hello.person.environment,
        cwd=hello.place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=less,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def runs_or_says_why(ran: Ran) -> bool:
    """Whether it ran; else there is a sentence, and nothing else happened."""
    if ran == Ran(0, "hello\n", ""):
        return True
    assert (114, "") == (ran.status, ran.stdout), ran
    lines = ran.stderr.splitlines()
    assert "error: not run" == lines[-1], ran
    assert 1 == len([line for line in lines[:-1] if line.startswith("error: ")]), ran
    assert all(line.startswith(("error: ", "hint: ")) for line in lines), ran
    return False


def test_without_room_for_files_nothing_runs(hello: Loaded) -> None:
    """ulimit -f 0: what is in memory is a file, too. No signal ends it."""
    ran = limited(hello, (resource.RLIMIT_FSIZE, 0))
    assert not runs_or_says_why(ran)
    assert "nothing can be sealed here: file too large" in ran.stderr


@pytest.mark.parametrize("most", [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20])
def test_with_few_descriptors_it_runs_or_says_why(hello: Loaded, most: int) -> None:
    """ulimit -n."""
    ran = limited(hello, (resource.RLIMIT_NOFILE, most))
    ran_well = ran.status == 0
    # What Python itself makes of too few is its own.
    if ran_well or ran.status == 114:
        assert runs_or_says_why(ran) == ran_well
    else:
        assert "panicked" not in ran.stderr, ran
    if most == 20:
        assert ran_well, ran


def test_with_little_memory_it_runs_or_says_why(hello: Loaded) -> None:
    """ulimit -v, from what no program starts with on: a signal is the kernel's or Python's own."""
    told = set()
    for most in [*range(1, 12), *range(12, 60, 4), 80, 120, 400]:
        ran = limited(hello, (resource.RLIMIT_AS, most << 20))
        assert "panicked" not in ran.stderr, ran
        assert "memory allocation of" not in ran.stderr, ran
        if ran.status in (0, 114):
            runs_or_says_why(ran)
            told |= {line for line in ran.stderr.splitlines() if line.startswith("error: ")}
    assert 0 == ran.status, ran
    assert told <= {"error: there is not enough memory", "error: not run"} | {
        line for line in told if "memory" in line
    }


def test_more_processes_are_not_needed(hello: Loaded) -> None:
    """ulimit -u 0: it becomes its program."""
    assert runs_or_says_why(limited(hello, (resource.RLIMIT_NPROC, 0)))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_with_closed_streams_it_runs_as_python_does(hello: Loaded, closed: str) -> None:
    """Nothing else takes their numbers."""
    found = []
    for words in ([hello.loader], [hello.python, "hello.py"]):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *words],
            cwd=hello.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        found.append(Ran(done.returncode, done.stdout, done.stderr))
    assert found[0] == found[1]
    assert 0 == found[0].status, found


def inside(words: list[str], program: Path) -> subprocess.CompletedProcess[str]:
    """In mounts of its own; skips where there can be none."""
    unshare = shutil.which("unshare")
    ask = [unshare or "", "--mount"]
    if not unshare or subprocess.run([*ask, "true"], capture_output=True).returncode:
        pytest.skip("no namespace of mounts can be made here")
    script = " && ".join([*words, f'exec "{program}"'])
    return subprocess.run([*ask, "sh", "-c", script], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("word", ["umount -l /proc", "mount -t tmpfs none /proc"])
def test_without_proc_nothing_runs(hello: Loaded, word: str) -> None:
    """It would not know itself: 114."""
    done = inside([word], hello.loader)
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert not runs_or_says_why(ran)
    assert "/proc" in ran.stderr


def test_without_devices_it_runs(hello: Loaded) -> None:
    """It opens none of them; Python has its random numbers from the kernel."""
    done = inside(["mount -t tmpfs none /dev"], hello.loader)
    assert runs_or_says_why(Ran(done.returncode, done.stdout, done.stderr))


def test_a_full_disk_is_not_noticed(hello: Loaded) -> None:
    """It writes nothing: neither beside itself nor in a folder for what is temporary."""
    words = []
    for place in ("/dev/shm", "/var/tmp"):
        words.append(f"mount -t tmpfs -o size=4k none {place}")
        words.append(f"(cat /dev/zero > {place}/x 2> /dev/null || true)")
    words += ["export TMPDIR=/var/tmp", "cd /var/tmp"]
    done = inside(words, hello.loader)
    assert runs_or_says_why(Ran(done.returncode, done.stdout, done.stderr))


def test_a_reader_of_errors_that_is_full_changes_no_status(hello: Loaded) -> None:
    """What it says cannot be written, and it ends as it would."""
    script = hello.place / "hello.py"
    script.write_text("print('evil')\n")
    try:
        with open("/dev/full", "wb") as full:
            done = subprocess.run([hello.loader], stdout=full, stderr=full, timeout=60)
        assert 111 == done.returncode
    finally:
        script.write_text(HELLO)
