"""`sig run`: how a run ends, and its child processes, which are guarded as it is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App

# What differs from run to run, and by the few frames below the script's own.
VARIES = re.compile("0x[0-9a-f]+|repeated [0-9]+ more")
METHODS = ["fork", "spawn", "forkserver"]

POOL = """
import multiprocessing, work
with multiprocessing.get_context({method!r}).Pool(2) as pool:
    print(sum(pool.map(work.square, range(10))), pool.apply(work.late))
"""
EXECUTOR = """
import concurrent.futures, multiprocessing, work
context = multiprocessing.get_context({method!r})
with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
    print(sum(pool.map(work.square, range(10))), pool.submit(work.late).result())
"""
# Waits for a word before it makes a child.
WAITING = """
import concurrent.futures, multiprocessing, sys, work
print("ready", flush=True)
sys.stdin.readline()
context = multiprocessing.get_context({method!r})
try:
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        print(pool.submit(work.late).result(60))
except concurrent.futures.process.BrokenProcessPool:
    print("broken")
except AttributeError:
    pass
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("code", [POOL, EXECUTOR], ids=["pool", "executor"])
def test_children_work_as_under_plain_python(untouched: App, code: str, method: str) -> None:
    """Each way that multiprocessing starts them."""
    told = code.format(method=method)
    ran, same = untouched.run(told), untouched.plain(told)

    assert (0, "285 genuine\n", "") == (ran.status, ran.stdout, ran.stderr)
    assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)


def swapped(app: App, method: str, path: Path, which: str) -> tuple[int, str, str]:
    """Start, change a file once it is running, and let it make its child."""
    genuine = path.read_text()
    process = app.start(which, WAITING.format(method=method))
    assert process.stdin is not None and process.stdout is not None
    assert "ready\n" == process.stdout.readline(), process.communicate()
    path.write_text(genuine + app.evil)
    stdout, stderr = process.communicate("go\n", timeout=60)
    path.write_text(genuine)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize("method", METHODS)
def test_a_module_that_is_swapped_under_a_running_parent(probe: App, method: str) -> None:
    """The child loads it: it is refused there, and the parent sees that its child has died."""
    path = probe.place / "late.py"

    status, stdout, stderr = swapped(probe, method, path, "sig")

    assert not probe.was_evil(), stderr
    assert (0, "broken\n") == (status, stdout) or (111, "") == (status, stdout), stderr
    assert "late.py" in stderr
    swapped(probe, method, path, "plain")
    assert probe.was_evil()


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("name", ["probe.py", "work.py"])
def test_what_the_child_loads_again(probe: App, method: str, name: str) -> None:
    """The script itself and the module of its function: swapped, they do not run in the child."""
    path = probe.place / name

    status, stdout, stderr = swapped(probe, method, path, "sig")

    assert not probe.was_evil(), stderr
    # A fork server that does not come up is an exception in whoever asked for it.
    assert (status, stdout) in ((0, "broken\n"), (0, "genuine\n"), (111, ""), (1, "")), stderr
    if stdout != "genuine\n":
        assert name in stderr
    swapped(probe, method, path, "plain")
    assert probe.was_evil()


@pytest.mark.parametrize("method", METHODS)
def test_children_do_not_know_what_is_not_covered(probe: App, method: str) -> None:
    """A stray module beside the script, the environment's sitecustomize, a forged .pyc."""
    (probe.place / "json.py").write_text(probe.evil)
    (probe.site / "sitecustomize.py").write_text(probe.evil)
    apps.forge(probe, probe.place / "late.py", probe.evil + "VALUE = 'evil'", "stale")

    probe.harmless(EXECUTOR.format(method=method), told="285 genuine\n")


@pytest.mark.parametrize("kind", ["-c", "-m", "file"])
def test_a_child_that_is_made_by_hand_is_no_open_door(probe: App, kind: str) -> None:
    """sys.executable runs the spellings of multiprocessing and nothing else."""
    (probe.place / "stray.py").write_text(probe.evil)
    words = {"-c": ["-c", probe.evil], "-m": ["-m", "stray"], "file": ["stray.py"]}[kind]

    ran = probe.run(
        "import subprocess, sys\n"
        f"print(subprocess.run([sys.executable or '/none', *{words!r}]).returncode)"
    )

    assert not probe.was_evil(), ran


ENDS = {
    "nothing": "pass",
    "exit": "exit(3)",
    "sys.exit": "import sys; sys.exit(3)",
    "SystemExit": "raise SystemExit('x')",
    "SystemExit None": "raise SystemExit",
    "SystemExit object": "raise SystemExit(['a', 1])",
    "large": "raise SystemExit(1 << 40)",
    "exception": "1 / 0",
    "nested": "import helper\ndef f(): 1 / 0\ntry:\n    f()\nexcept Exception:\n    helper.no",
    "own": "class Odd(Exception): pass\nraise Odd('ä\\n')",
    "syntax": "eval('1 +')",
    "_exit": "import os; print('lost', end=''); os._exit(5)",
    "abort": "import resource, os; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "interrupted": "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    "thread": "import threading as t; t.Thread(target=lambda: 1 / 0, name='t').start()",
    "atexit": "import atexit; atexit.register(print, 'bye'); raise SystemExit(4)",
    "atexit fails": "import atexit; atexit.register(lambda: 1 / 0)",
    "excepthook": "import sys; sys.excepthook = lambda *a: print(a[0].__name__); 1 / 0",
    "missing": "import no_such_module",
    "from missing": "from helper import nothing",
    "warning": "import warnings; warnings.warn('careful')",
    "recursion": "def f(): f()\nf()",
    "stdin": "print(input())",
    "streams": "import sys; print(sys.stdin.encoding, sys.stdout.encoding, sys.stdout.errors)",
}


@pytest.mark.parametrize("name", ENDS)
def test_it_ends_as_under_plain_python(untouched: App, name: str) -> None:
    """Status, output and traceback, to the letter."""
    ran = untouched.run(ENDS[name], input="typed\n")
    same = untouched.plain(ENDS[name], input="typed\n")

    assert (same.status, same.stdout) == (ran.status, ran.stdout), ran
    assert VARIES.sub("*", same.stderr) == VARIES.sub("*", ran.stderr)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams(untouched: App, closed: str) -> None:
    """Descriptors 0 to 2 that are not there: nothing else gets their numbers."""
    note = untouched.person.world.path / "note"
    code = (
        "import os, sys\n"
        f"note = open({str(note)!r}, 'w')\n"
        "print(sys.stdin is None, sys.stdout is None, sys.stderr is None, file=note)\n"
        "import requests, charset_normalizer.md, late\nprint(late.VALUE, file=note)\n"
    )
    told = {}
    for which, words in untouched.commands(code).items():
        ran = subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", *words],
            env=untouched.person.environment,
            cwd=untouched.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        found = note.read_text() if note.exists() else ""
        told[which] = ran.returncode, ran.stdout, ran.stderr, found
        note.unlink(missing_ok=True)
    assert told["plain"] == told["sig"]


def test_a_reader_that_has_gone(untouched: App) -> None:
    """`sig run … | head -1`: as plain Python."""
    told = {}
    for which in ("plain", "sig"):
        process = untouched.start(which, "import sys\nfor i in range(100000): print(i)")
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told[which] = process.stderr.read(), process.wait(60)
        process.stderr.close()
        if process.stdin:
            process.stdin.close()
    assert told["plain"] == told["sig"]


def asleep(process: int) -> None:
    """Wait until a process waits: the line of its traceback depends on it."""
    found = ""
    while found != "SSS":
        time.sleep(0.02)
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        found = (found + state)[-3:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_is_the_scripts(untouched: App, number: signal.Signals) -> None:
    """The process that was started is the script: nothing of ours stands between."""
    code = (
        "import resource, time; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    told = {}
    for which in ("plain", "sig"):
        process = untouched.start(which, code)
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        asleep(process.pid)
        process.send_signal(number)
        told[which] = (*process.communicate(timeout=60), process.returncode)
    assert told["plain"] == told["sig"]
    assert -number == told["sig"][2]


def test_nothing_of_ours_stays_open(untouched: App) -> None:
    """The script's own first file has the number that it has under plain Python."""
    code = "import os\nf = os.open('/dev/null', 0)\nprint(f, sorted(os.listdir('/proc/self/fd')))"
    told = {}
    for which, words in untouched.commands(code).items():
        ran = subprocess.run(
            words,
            env=untouched.person.environment,
            cwd=untouched.place,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told[which] = ran.stdout
    assert told["plain"] == told["sig"]


CHILD = """
import os
print([name for name in os.environ if name.startswith(("PYTHON", "LD_"))])
print(len(os.listdir("/proc/self/fd")))
"""


def test_a_child_of_another_program_inherits_nothing_of_ours(untouched: App) -> None:
    """Neither a word in its environment that another program would obey, nor a descriptor."""
    code = (
        "import subprocess\n"
        f"subprocess.run([{wheels.SYSTEM!r}, '-S', '-c', {CHILD!r}], close_fds=False)"
    )
    ran, same = untouched.run(code), untouched.plain(code)

    assert (0, "[]\n4\n", "") == (same.status, same.stdout, same.stderr)
    assert (0, "[]\n4\n", "") == (ran.status, ran.stdout, ran.stderr)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_module_that_cannot_be_read_is_114(probe: App) -> None:
    """As somebody who may not: could not tell, and not run."""
    probe.run("import late")
    ran = probe.run(
        "import os\nos.chmod('late.py', 0)\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
        "import late\nprint('after')"
    )

    assert (114, "") == (ran.status, ran.stdout)
    assert "late.py" in ran.stderr
    assert "error: stopped" == ran.stderr.splitlines()[-1]
