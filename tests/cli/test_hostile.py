"""Text from others cannot forge a line, and nothing that is broken makes a traceback."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Told
from tests.world import (
    Forger,
    Person,
    Ran,
    World,
    command,
    read_all,
    snapshot,
    terminal,
    trusted_state,
)

# Cursor, colour, title, carriage return, backspace, 8-bit controls, bidi, line separators, status
# lines of gpg, a zero-width space, an unassigned character.
NASTY = (
    "Eve\x1b[2K\x1b[1A\x1b[32mok [00000000] Alice\r\n[GNUPG:] GOODSIG 0 Alice\x08\x07\x7f"
    "\x9b31m\u202eevil\u2066\u200b\u2028\u2029\x85\ufeff\U000e0041\u0378 <eve@example.org>"
)
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\u202e\u2066\ufeff\u0378\U000e0041]"
)


@pytest.fixture
def nasty(again: Told) -> Told:
    """Carol's place is taken by Eve, whose user id and comments are nasty."""
    eve = Forger(NASTY.encode())
    eve.publishes(
        again.world.path / "eve",
        [eve.says("unknown\n", comment=NASTY), eve.says("bad\n", ok=False, comment=NASTY)],
    )
    again.carols.folder = again.world.path / "eve"
    again.alice.sig("remote", "remove", "carol")
    added = again.alice.sig("remote", "add", "eve", again.carols.url, "-f")
    assert 0 == added.status, added
    assert_harmless(added.stdout + added.stderr)
    object.__setattr__(again, "carol", eve)
    return again


def assert_harmless(shown: str) -> None:
    """No control or hidden character but the newline, and no line begins with their words."""
    assert FORBIDDEN.search(shown) is None, ascii(shown)
    for line in shown.split("\n"):
        assert not line.startswith(("[GNUPG:]", "ok [00000000]")), line


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "unknown"),
        ("-v", "verify", "unknown", "bad"),
        ("show", "unknown"),
        ("run", "unknown"),
        ("key", "list"),
        ("key", "show", "{key}"),
        ("trust", "add", "{key}"),
        ("-v", "remote", "list"),
        ("fetch",),
        ("doctor",),
    ],
)
def test_what_others_wrote_is_shown_harmless(nasty: Told, words: Sequence[str]) -> None:
    """User ids and comments in every command that shows them: `\\uXXXX`, one line a line."""
    key = nasty.carol.fingerprint

    ran = nasty.alice.sig(*[word.format(key=key) for word in words])

    assert_harmless(ran.stdout + ran.stderr)
    if words[0] in ("verify", "show", "key"):
        assert "\\u001b[2K" in ran.stdout
        assert "\\u202e" in ran.stdout


def test_trusted_or_not_the_lines_are_the_same(nasty: Told) -> None:
    """Also on a terminal, and as a warning with its comment below."""
    nasty.alice.sig("trust", "add", nasty.carol.fingerprint)

    with terminal(nasty.alice, "--no-color", "verify", "bad") as (master, process):
        shown = read_all(master)
        assert 3 == process.wait(20)

    assert_harmless(shown)


def test_own_file_names_and_arguments_too(told: Told) -> None:
    """A file that was unpacked can have any name, and any argument can be pasted."""
    name = "x\x1b[31m\n[GNUPG:] GOODSIG\u202e"
    told.alice.write(name, "good\n")

    for words in (
        ("verify", name),
        ("show", name),
        ("verify", name + "missing"),
        ("run", name),
        ("attest", name, "--ok", "--not-reviewed", "-m", ""),
        ("trust", "add", name),
        ("fetch", name),
        ("remote", "add", name, name),
        ("remote", "add", "x", name),
        ("config", name),
        ("help", name),
        (name,),
        ("--" + name,),
        ("publish", "--check", name),
        ("key", "import", name),
        ("setup", name),
    ):
        ran = told.alice.sig(*words)
        assert_harmless(ran.stdout + ran.stderr)


def test_what_a_server_says_is_shown_harmless(again: Told) -> None:
    """The reason of a status line, a redirect, a body that is no repository."""
    again.server.answers["/repo.json"] = (200, ('{"\x1b[31m\u202e": ' + "1" * 10).encode())

    ran = again.alice.sig("fetch")

    assert_harmless(ran.stdout + ran.stderr)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX"},
    ],
)
def test_what_the_terminal_cannot_encode_is_shown_escaped(
    again: Told, environment: dict[str, str]
) -> None:
    """No traceback, the same exit status, and the words of others as `\\uXXXX`."""
    if not loads(again.alice, environment):
        pytest.skip("the path of the installation is not for Python in this locale")
    again.bob.sig("attest", "unknown", "--not-ok", "--reviewed", "-m", "tödlich \U0001f480 日本")
    again.alice.sig("fetch")
    path = again.alice.write("ünï", "unknown\n")

    ran = again.alice.sig("verify", path, env=environment)

    assert 3 == ran.status
    assert "t\\u00f6dlich" in ran.stdout or "tödlich" in ran.stdout or "t\udcf6dlich" in ran.stdout
    assert "is marked bad!" in ran.lines[-1]
    if environment.get("PYTHONIOENCODING") == "ascii":
        assert '    "t\\u00f6dlich \\ud83d\\udc80 \\u65e5\\u672c"' in ran.lines


def loads(person: Person, environment: dict[str, str]) -> bool:
    """Whether this Python loads what sig needs, before any of its commands runs.

    Where the path of the installation has an umlaut, an ASCII locale may be too much for Python
    itself: before 3.13 it does not start where a .pth file names that path, 3.13 looks for a folder
    whose name it cannot encode, and loads no extension module from there.
    """
    ran = subprocess.run(
        [sys.executable, "-c", "import sig, pysequoia"],
        cwd=person.place,
        env=person.environment | environment,
        stderr=subprocess.DEVNULL,
        timeout=60,
    )
    return ran.returncode == 0


# --- broken things -------------------------------------------------------------------------------


def test_a_reader_that_stops_is_no_bug(told: Told) -> None:
    """`sig … | head -1`: no traceback, no message, whatever the size."""
    for count in (1, 3000):
        words = shlex.join([*command(), "verify", *["good"] * count])
        ran = subprocess.run(
            ["bash", "-c", f"{words} | head -1; echo ${{PIPESTATUS[0]}} >&2"],
            cwd=told.alice.place,
            env=told.alice.environment,
            capture_output=True,
            timeout=60,
        )
        errors = [line for line in ran.stderr.decode().splitlines() if " files: " not in line]
        assert 1 == len(errors), ran.stderr
        assert errors[0] in "014"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("verify good >&-", 0),
        ("verify bad >&- 2>&-", 3),
        ("verify <&-", 1),
        ("verify unknown <&- >&- 2>&-", 1),
        ("attest unknown <&-", 1),
        ("key import - <&-", 1),
        ("verify good >/dev/full", 4),
        ("attest unknown </dev/null", 1),
    ],
)
def test_streams_that_are_closed_or_full_are_no_bug(told: Told, line: str, status: int) -> None:
    """The same exit status, no traceback, no talk of a bug; nothing is signed."""
    before = trusted_state(told.alice.folder)

    ran = subprocess.run(
        ["bash", "-c", f"{shlex.join(command())} {line}"],
        cwd=told.alice.place,
        env=told.alice.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )

    assert status == ran.returncode, ran
    assert b"Traceback" not in ran.stderr
    assert b"a bug" not in ran.stderr
    assert before == trusted_state(told.alice.folder)


def test_ctrl_c_is_130(told: Told) -> None:
    """While a question waits: nothing is signed, no traceback."""
    before = trusted_state(told.alice.folder)
    process = told.alice.start("attest", "good")
    assert process.stderr is not None
    asked = b""
    while not asked.endswith(b"(yes/no): "):
        asked += process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)

    assert 130 == process.returncode
    assert b"Traceback" not in stderr
    assert before == trusted_state(told.alice.folder)


def _garbage(folder: Path) -> None:
    (folder / "config").write_text("garbage\n")


def _not_ours(folder: Path) -> None:
    """A config that someone else signed."""
    mallory = Forger()
    data = {
        "key": mallory.fingerprint,
        "trust": [mallory.fingerprint],
        "policy": {"ok": 1, "not-ok": 0},
        "remotes": {},
        "version": "0.0.1",
    }
    import json

    (folder / "config").write_text(json.dumps(mallory.envelope(data)))


def _edited(folder: Path) -> None:
    """One digit of the policy."""
    text = (folder / "config").read_text()
    assert '"not-ok": 0' in text
    (folder / "config").write_text(text.replace('"not-ok": 0', '"not-ok": 9'))


def _newer(folder: Path) -> None:
    (folder / "version").write_text("2\n")


def _writable(folder: Path) -> None:
    (folder / "config").chmod(0o666)


def _folder_writable(folder: Path) -> None:
    folder.chmod(0o777)


def _linked(folder: Path) -> None:
    (folder / "config").rename(folder.parent / "elsewhere")
    (folder / "config").symlink_to(folder.parent / "elsewhere")


def _folder_for_a_file(folder: Path) -> None:
    (folder / "config").unlink()
    (folder / "config").mkdir()
    (folder / "config/x").write_text("")


def _fifo(folder: Path) -> None:
    (folder / "config").unlink()
    os.mkfifo(folder / "config", 0o600)


def _remote_damaged(folder: Path) -> None:
    (folder / "remotes/bob/repo.json").write_text("{}")


def _state_damaged(folder: Path) -> None:
    (folder / "remotes/bob/state").write_text("{")


def _is_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


@pytest.mark.parametrize(
    "damage",
    [
        *(_garbage, _not_ours, _edited, _newer, _writable, _folder_writable, _linked),
        *(_folder_for_a_file, _fifo, _is_a_file),
    ],
)
def test_a_folder_that_cannot_be_believed_answers_nothing(again: Told, damage: object) -> None:
    """Exit 4, reason or code `store`, in words without a traceback; nothing in it is touched."""
    alice = again.alice
    damage(alice.folder)
    before = snapshot(alice.folder)

    verified = alice.sig("verify", "good", "--json")
    assert (4, "error", "store") == (
        verified.status,
        verified.results[0]["verdict"],
        verified.results[0]["reason"],
    )
    assert "is ok." not in alice.sig("verify", "good").stdout
    for words in (
        (),
        ("attest", "unknown", "--ok", "--reviewed", "-m", ""),
        ("trust", "add", again.carol.fingerprint),
        ("fetch",),
    ):
        ran = alice.sig(*words, "--json")
        assert (4, "store") == (ran.status, ran.json["error"]["code"]), words
        words_only = alice.sig(*words)
        assert (4, "") == (words_only.status, words_only.stdout)
        assert words_only.stderr.startswith("error: ")
    after = snapshot(alice.folder)
    assert {name: after[name][2] for name in after} == {name: before[name][2] for name in before}


@pytest.mark.parametrize("damage", [_remote_damaged, _state_damaged])
def test_a_damaged_store_never_says_ok(again: Told, damage: object) -> None:
    """What depended on it is 4 or not ok; no traceback."""
    damage(again.alice.folder)

    for name in ("theirs", "bad"):
        ran = again.alice.sig("verify", name, "--json")
        assert ran.status in (1, 3, 4)
    for words in ((), ("fetch",), ("remote", "list"), ("doctor",)):
        again.alice.sig(*words)


@pytest.mark.parametrize("damage", ["garbage", "gone", "empty", "folder", "of another"])
def test_the_index_is_never_believed(again: Told, damage: str) -> None:
    """Whatever happens to it: the same answers, from the files."""
    alice = again.alice
    index = alice.folder / "index.sqlite"
    if damage == "garbage":
        index.write_bytes(os.urandom(4096))
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "of another":
        shutil.copyfile(again.bob.folder / "index.sqlite", index)
    else:
        index.unlink()
        if damage == "folder":
            index.mkdir()

    assert 0 == alice.sig("verify", "good", "theirs", "script.sh").status
    assert 3 == alice.sig("verify", "bad").status
    assert 1 == alice.sig("verify", "untrusted").status
    assert alice.sig().lines[-2:-1] != ["index     ok"]
    assert 0 == alice.sig("attest", "unknown", "--ok", "--reviewed", "-m", "").status
    if damage != "folder":
        assert "index     ok" in alice.sig().lines


def test_without_gpg_reading_goes_on(told: Told) -> None:
    """verify, show, fetch and trust need none; what signs says how to install it: 4, `gpg`."""
    environment = {"PATH": str(told.world.path)}

    assert 0 == told.alice.sig("verify", "good", "theirs", env=environment).status
    assert 3 == told.alice.sig("verify", "bad", env=environment).status
    assert 0 == told.alice.sig("key", "list", env=environment).status
    for words in (("attest", "good", "--ok", "--reviewed", "-m", ""), ("setup",)):
        ran = told.alice.sig(*words, env=environment)
        assert (4, "", "error: gpg is not installed\nhint: apt-get install gpg gpg-agent\n") == (
            ran.status,
            ran.stdout,
            ran.stderr,
        )
        json = told.alice.sig(*words, "--json", env=environment)
        assert "gpg" == json.json["error"]["code"]


AS_NOBODY = """
import contextlib, importlib, io, os, pkgutil, sys
sys.path[:] = {path!r}
import sig, sig.cli
for module in pkgutil.walk_packages(sig.__path__, "sig."):
    if module.name != "sig.__main__":
        importlib.import_module(module.name)
# What is imported on the way only.
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    for words in (["verify", "--json", sys.executable], ["verify", "/"], ["show", "/"]):
        sig.cli.status_of(["--dir", {alice!r}, *words])
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
sig.cli.main(sys.argv[1:])
"""


def as_nobody(person: Person, *words: str | Path, home: Path) -> Ran:
    """Run the command as somebody who owns nothing; an ordinary user stays who they are."""
    # Imported as ourselves: where the interpreter lies, others may not be allowed to read.
    ran = subprocess.run(
        [
            sys.executable,
            "-c",
            AS_NOBODY.format(path=sys.path, alice=str(person.folder)),
            *map(str, words),
        ],
        env=person.environment | {"HOME": str(home), "GNUPGHOME": str(home)},
        cwd=person.place,
        capture_output=True,
        timeout=60,
    )
    assert b"Traceback" not in ran.stderr, ran.stderr
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def test_what_an_ordinary_user_may_not_read_or_write(again: Told) -> None:
    """An unreadable file is 4; so is a folder that is somebody else's or cannot be written."""
    alice = again.alice
    for path in (again.world.path, alice.home, alice.place):
        path.chmod(0o755)
    secret = alice.write("secret", "secret\n")
    secret.chmod(0)
    home = again.world.path / "nobody"
    home.mkdir()
    home.chmod(0o555)

    unreadable = as_nobody(alice, "verify", "secret", home=home)
    assert (4, "") == (unreadable.status, unreadable.stdout)
    assert f"error: {secret}: Permission denied\n" in unreadable.stderr
    readonly = as_nobody(alice, "remote", "add", "x", "http://example.org/", home=home)
    assert (4, "") == (readonly.status, readonly.stdout)
    assert readonly.stderr.startswith("error: ")
    assert [] == list(home.iterdir())
    if os.geteuid() == 0:
        others = as_nobody(alice, "verify", "good", "--json", home=alice.home)
        assert (4, "store") == (others.status, others.results[0]["reason"])


def test_a_disk_that_is_full(again: Told) -> None:
    """No byte may be written: exit 4, and the folder is what it was."""
    if sys.platform != "linux":
        pytest.skip("needs a limit on the size of files")
    alice = again.alice
    before = trusted_state(alice.folder)

    words = shlex.join([*command(), "trust", "add", again.carol.fingerprint])
    full = f"trap '' XFSZ; ulimit -f 0; exec {words}"
    ran = subprocess.run(
        ["bash", "-c", full],
        env=alice.environment,
        cwd=alice.place,
        capture_output=True,
        timeout=60,
    )

    assert 4 == ran.returncode, ran
    assert b"Traceback" not in ran.stderr
    assert before == trusted_state(alice.folder)
    assert 0 == alice.sig("trust", "add", again.carol.fingerprint).status


def test_two_commands_at_once_lose_nothing(world: World, alice: Person) -> None:
    """Four attest in parallel: each is done or says that another is busy; all words are kept."""
    started = []
    for number in range(4):
        alice.write(f"f{number}", f"{number}\n")
        started.append(alice.start("attest", f"f{number}", "--ok", "--reviewed", "-m", ""))
    for process in started:
        _, stderr = process.communicate(timeout=60)
        assert 0 == process.returncode, stderr

    assert 0 == alice.sig("verify", *[f"f{number}" for number in range(4)]).status
    assert 4 == alice.read("repo/repo.json")["data"]["sequence"]
