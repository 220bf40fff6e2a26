"""A loader beside `python3 hello.py`: the table of docs/guides/loader, row by row.

How it ends, its signals, its streams and its children: tests/loader/test_processes.py. What it sees
of itself: tests/loader/test_hello.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.loader.loaded import Loaded

LOCALES = [
    {},
    {"LANG": "C"},
    {"LANG": "C.UTF-8"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "C.UTF-8", "LANG": "nowhere"},
    {"LANG": "xx_XX.ISO-8859-1"},
]
STREAMS = """
import locale, sys
print(sys.stdin.encoding, sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors)
print(sys.getfilesystemencoding(), locale.getpreferredencoding(False), sys.flags.utf8_mode)
try:
    print(locale.setlocale(locale.LC_ALL, ""))
except locale.Error as error:
    print(error)
print(ascii(sys.argv[2:]))
"""


@pytest.mark.parametrize("env", LOCALES, ids=str)
def test_language_and_characters_are_those_of_the_caller(
    untouched: Loaded, env: dict[str, str]
) -> None:
    """Encodings, errors, the locale, and words that are no text in it."""
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        assert name not in untouched.person.environment or name == "LANG"
    told = {}
    for which, words in untouched.commands(STREAMS).items():
        done = subprocess.run(
            [*words, "ä", b"\xff\xfe"],
            env={**untouched.person.environment, "LANG": "", **env},
            cwd=untouched.place,
            capture_output=True,
            timeout=60,
        )
        told[which] = done.returncode, done.stdout, done.stderr
    assert told["plain"] == told["sig"]


def test_it_is_one_process_with_one_name(untouched: Loaded) -> None:
    """What was started is what runs: `ps` shows its name, and job control reaches it."""
    code = "import sys, time; print('ready', flush=True); sys.stdin.readline(); print('end')"
    process = untouched.start("sig", code)
    assert process.stdin is not None and process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    shown = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(process.pid)], capture_output=True, text=True, timeout=60
    )
    assert "probe\n" == shown.stdout
    assert process.pid == os.getpgid(process.pid) == os.getsid(process.pid)
    process.send_signal(signal.SIGSTOP)
    state = Path(f"/proc/{process.pid}/stat")
    for _ in range(500):
        if state.read_text().rpartition(")")[2].split()[0] == "T":
            break
        time.sleep(0.01)
    else:
        pytest.fail("it does not stop")
    process.send_signal(signal.SIGCONT)
    assert ("end\n", "") == process.communicate("go\n", timeout=60)
    assert 0 == process.returncode


@pytest.mark.parametrize("moment", [0, 0.0005, 0.002, 0.005, 0.02])
def test_it_may_be_stopped_as_soon_as_it_starts(untouched: Loaded, moment: float) -> None:
    """At whatever point of it."""
    process = untouched.start("sig", "print('ran')")
    time.sleep(moment)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.05)
    process.send_signal(signal.SIGCONT)
    assert ("ran\n", "") == process.communicate(timeout=60)
    assert 0 == process.returncode


def test_signals_stay_as_the_caller_has_them(untouched: Loaded) -> None:
    """Blocked and ignored ones, as nohup and others hand on."""
    code = (
        "import signal\n"
        "print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))\n"
        "print([signal.getsignal(n) for n in (signal.SIGHUP, signal.SIGUSR1, signal.SIGXFSZ)])\n"
        "print(open('/proc/self/status').read().partition('SigBlk')[2].split()[:5])\n"
    )

    def hand_on() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, (signal.SIGUSR1, signal.SIGTERM))

    told = {}
    for which, words in untouched.commands(code).items():
        done = subprocess.run(
            words,
            env=untouched.person.environment,
            cwd=untouched.place,
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=hand_on,
        )
        told[which] = done.returncode, done.stdout, done.stderr
    assert told["plain"] == told["sig"]
    assert "SIGUSR1" in told["sig"][1]


def test_limits_and_the_rest_are_inherited(untouched: Loaded) -> None:
    """umask, niceness, limits, the current folder, the terminal's group."""
    code = (
        "import os, resource\n"
        "print(oct(os.umask(0)), os.nice(0), os.getcwd())\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE), os.getppid() > 1)\n"
    )
    told = {}
    for which, words in untouched.commands(code).items():
        done = subprocess.run(
            ["sh", "-c", 'umask 027; ulimit -n 99; exec nice -n 3 "$@"', "sh", *words],
            env=untouched.person.environment,
            cwd=untouched.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        told[which] = done.returncode, done.stdout, done.stderr
    assert told["plain"] == told["sig"]
    assert told["sig"][1].startswith("0o27 ")
