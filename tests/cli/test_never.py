"""What never happens: reading writes nothing and opens no socket; --offline opens none anywhere.

The command is watched from inside by an audit hook, which Python calls before every file, process
and socket, and which cannot be removed; and, where that is possible, run without any network.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Told
from tests.world import Person, Ran, World, command, read_all, snapshot, terminal, trusted_state

WATCH = """
import os, sys
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
CHANGES = {{
    "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.chmod",
    "os.chown", "os.truncate", "os.utime", "os.mkfifo", "shutil.copyfile", "tempfile.mkstemp",
    "tempfile.mkdtemp",
}}

def hook(event, arguments):
    if event.startswith("socket.") or event.startswith("subprocess.") or event in CHANGES:
        os.write(log, (event + " " + repr(arguments)[:200] + "\\n").encode())
    elif event == "sqlite3.connect":
        os.write(log, (event + " " + repr(arguments)[:200] + "\\n").encode())
    elif event == "open":
        path, mode, flags = arguments
        if flags is not None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            os.write(log, ("open " + repr(path) + "\\n").encode())

sys.addaudithook(hook)
"""


def watched(person: Person, *words: str | Path, **more: object) -> tuple[Ran, list[str]]:
    """Run a command and give what it changed, started or connected to."""
    place = person.world.path / "watch"
    place.mkdir(exist_ok=True)
    log = place / "log"
    log.unlink(missing_ok=True)
    (place / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    ran = person.sig(
        *words,
        env={"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        **more,
    )
    assert log.exists(), "the watch did not start"
    return ran, log.read_text().splitlines()


READING: list[Sequence[str]] = [
    ("verify", "good", "bad", "untrusted", "unknown"),
    ("-v", "--json", "verify", "theirs"),
    ("show", "bad"),
    (),
    ("trust", "list"),
    ("key", "list"),
    ("remote", "list"),
    ("config",),
]


@pytest.mark.parametrize("words", READING)
def test_reading_writes_nothing_opens_no_socket_starts_nothing(
    told: Told, words: Sequence[str]
) -> None:
    """Not a file, not a time of change, no process, no socket; the index is opened to read."""
    before = snapshot(told.alice.folder)

    ran, events = watched(told.alice, *words)

    assert ran.status in (0, 3)
    assert [] == [event for event in events if not event.startswith("sqlite3.connect")]
    for event in events:
        assert "mode=ro" in event, event
    assert before == snapshot(told.alice.folder)


def test_the_watch_sees_what_it_must(again: Told) -> None:
    """Its twin: what writes and fetches is noticed, so that seeing nothing means something."""
    _, wrote = watched(again.alice, "trust", "add", again.carol.fingerprint)
    _, fetched = watched(again.alice, "fetch")

    assert any(event.startswith(("open ", "os.rename")) for event in wrote)
    assert any(event.startswith("socket.connect") for event in fetched)


def test_verify_writes_nothing_in_a_home_that_cannot_be_written(told: Told, world: World) -> None:
    """A folder on a read-only medium answers as any other; so does one without an index."""
    reader = world.newcomer("reader")
    shutil.copytree(told.alice.folder, reader.folder)
    (reader.folder / "index.sqlite").unlink()
    before = snapshot(reader.home)

    ran, events = watched(reader, "verify", told.alice.place / "good")

    assert 0 == ran.status
    assert [] == [event for event in events if event.startswith(("open", "socket", "os."))]
    assert before == snapshot(reader.home)


def test_a_new_home_stays_empty(world: World) -> None:
    """No folder, no cache, no configuration is made by looking."""
    person = world.newcomer("person")
    path = person.write("f", "f\n")
    before = snapshot(person.home)

    for words in (("verify", path), ("show", path), (), ("trust", "list"), ("fetch",), ("help",)):
        person.sig(*words)

    assert before == snapshot(person.home)


OFFLINE: list[tuple[int, Sequence[str]]] = [
    (4, ("fetch",)),
    (4, ("fetch", "bob")),
    (4, ("remote", "add", "x", "http://127.0.0.1:1/", "-f")),
    (4, ("remote", "accept", "bob")),
    (4, ("publish", "--check", "http://127.0.0.1:1/")),
    (0, ("publish", "www")),
    (0, ("verify", "good")),
    (0, ("attest", "unknown", "--ok", "--reviewed", "-m", "")),
    (0, ("trust", "add", "{carol}")),
]


@pytest.mark.parametrize(("status", "words"), OFFLINE)
def test_offline_opens_no_socket_anywhere(again: Told, status: int, words: Sequence[str]) -> None:
    """What needs the network says so and ends with 4; everything else works."""
    filled = [word.format(carol=again.carol.fingerprint) for word in words]
    before = trusted_state(again.alice.folder)

    ran, events = watched(again.alice, "--offline", *filled)

    assert status == ran.status, ran
    assert [] == [event for event in events if event.startswith("socket.")]
    assert [] == again.server.requests
    if status == 4:
        assert "error: --offline: no connection is made\n" in ran.stderr
        if words[0] != "remote" or words[1] != "add":
            assert before == trusted_state(again.alice.folder)


def test_without_any_network_all_but_fetching_works(again: Told) -> None:
    """In a machine of its own without one: attest, verify, trust, publish."""
    prefix = ["unshare", "--net", "--map-root-user"]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("unshare cannot take the network away here")
    alice = again.alice

    for status, words in (
        (0, ("verify", "good")),
        (0, ("attest", "unknown", "--ok", "--reviewed", "-m", "")),
        (0, ("publish", "www")),
        (0, ()),
        (4, ("fetch", "bob")),
        (0, ("verify", "unknown")),
    ):
        ran = alice.sig(*words, prefix=prefix)
        assert status == ran.status, ran


def test_a_failed_fetch_does_not_stop_later_commands(again: Told) -> None:
    """A remote that never answers again: its statements still count, other commands go on."""
    again.server.answers["/repo.json"] = 503
    assert 4 == again.alice.sig("fetch").status

    assert 0 == again.alice.sig("verify", "theirs").status
    assert 3 == again.alice.sig("verify", "bad").status
    again.server.answers.clear()
    assert 0 == again.alice.sig("fetch").status


def test_nothing_private_is_sent(again: Told) -> None:
    """A request tells a server no name, no key, no cookie: what is asked for, and by sig."""
    again.alice.sig("fetch")

    for request in again.server.requests:
        assert set(request.headers) <= {
            *("host", "user-agent", "accept", "accept-encoding", "connection", "if-none-match"),
            "if-modified-since",
        }, request
        told = json.dumps([request.path, request.headers])
        for private in ("alice", again.alice.short, again.world.path.name):
            assert private.lower() not in told.lower()


# --- progress ------------------------------------------------------------------------------------


def test_progress_is_for_terminals(told: Told) -> None:
    """What takes longer than a second says so on a terminal, and clears it before the answer."""
    with terminal(told.alice, "--no-color", "verify", stdin=subprocess.PIPE) as (master, process):
        for _ in range(8):
            process.stdin.write(bytes(1 << 20))
            process.stdin.flush()
            time.sleep(0.2)
        process.stdin.close()
        shown = read_all(master)
        assert 1 == process.wait(20)

    before, _, answer = shown.rpartition("\r\x1b[K")
    assert before
    assert answer.endswith("file - is unknown!\n")


def test_no_progress_in_a_pipe(again: Told) -> None:
    """Not a byte on stderr."""
    again.server.hold()
    process = again.alice.start("fetch", "bob")
    try:
        assert again.server.held.wait(20)
        time.sleep(1.5)
    finally:
        again.server.resume()
    stdout, stderr = process.communicate(timeout=30)

    assert 0 == process.returncode
    assert b"1 remote: 0 new, 1 unchanged, 0 failed, 0 refused\n" == stderr
    assert b"\r" not in stdout


def test_the_command_under_test_is_the_installed_one() -> None:
    """Of the environment that runs the tests, so that a wheel is tested where it was installed."""
    assert Path(command()[0]).exists()
