"""`sig doctor` and `sig demo`: what is wrong, what helps, and the whole story."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from sig.cli import Context, demo
from sig.imports import building
from tests.cli import loaders
from tests.cli.conftest import Told
from tests.native.conftest import program_of_checkout
from tests.world import Ran, World, contents, make_key, snapshot, trusted_state


def test_nothing_is_wrong(told: Told) -> None:
    """A line each, no problem, 0; looking writes nothing."""
    before = snapshot(told.alice.folder)

    ran = told.alice.sig("doctor")

    assert 0 == ran.status, ran
    assert ran.lines[0].startswith("ok       gpg 2.")
    assert {"ok", "warning", "next"} >= {line.split()[0] for line in ran.lines}
    assert before == snapshot(told.alice.folder)


def test_the_index_does_not_match_and_is_mended(again: Told) -> None:
    """The lines of the first page: the problem, `sig doctor --fix`, exit 1; then 0."""
    alice = again.alice
    (alice.folder / "index.sqlite").write_bytes(b"garbage")
    state = trusted_state(alice.folder)

    ran = alice.sig("doctor")

    assert 1 == ran.status
    assert "problem  the index does not match its files" in ran.lines
    assert "next     sig doctor --fix" == ran.lines[-1]
    fixed = alice.sig("doctor", "--fix")
    assert 0 == fixed.status, fixed
    assert not [line for line in fixed.lines if line.startswith("problem")]
    assert "index     ok" in alice.sig().lines
    assert state == trusted_state(alice.folder)


def test_a_key_that_ends_soon_is_a_warning(world: World) -> None:
    """`warning  key B32780D9 expires on …`, and what renews it; no problem, so 0."""
    person = world.newcomer("person")
    person.fingerprint = make_key(person, person.uid, expires="12d")
    assert 0 == person.sig("setup", person.fingerprint).status
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 12 * 86400))

    ran = person.sig("doctor")

    assert 0 == ran.status, ran
    assert f"warning  key {person.short} expires on {day}" in ran.lines
    assert ran.lines[-1].startswith("next     ")


def test_doctor_speaks_json(again: Told) -> None:
    """`"checks": [{"level", "message", "fix"}]`, the same exit status."""
    (again.alice.folder / "config").write_text("garbage")

    ran = again.alice.sig("doctor", "--json")

    assert 1 == ran.status
    checks = ran.json["checks"]
    assert {"level", "message", "fix"} == set(checks[0])
    assert ["problem"] == [one["level"] for one in checks if one["level"] != "ok"][:1]


def test_what_is_damaged_is_put_aside_and_never_thrown_away(again: Told) -> None:
    """--fix of a damaged remote: its file is kept under another name."""
    alice = again.alice
    damaged = alice.folder / "remotes/bob/repo.json"
    damaged.write_bytes(b"damaged beyond repair")

    assert 1 == alice.sig("doctor").status
    alice.sig("doctor", "--fix")

    assert b"damaged beyond repair" in contents(alice.folder).values()
    assert 0 == alice.sig("fetch").status
    assert 0 == alice.sig("verify", "theirs").status


def test_without_gpg_it_says_how_to_get_it(told: Told) -> None:
    """A problem with its command."""
    ran = told.alice.sig("doctor", env={"PATH": str(told.world.path)})

    assert 1 == ran.status
    assert "problem  gpg is not installed" in ran.lines
    assert "next     apt-get install gpg gpg-agent" == ran.lines[-1]


@pytest.mark.parametrize("loaders_here", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_the_demo_tells_the_whole_story_and_leaves_nothing(
    world: World, tmp_path: Path, loaders_here: bool
) -> None:
    """In under half a minute, on keys of its own; HOME, GnuPG and folder stay as they are.

    Also where TMPDIR has a long name: the path of an agent's socket has at most 108 bytes. Where no
    loader can be made one line says so, and the rest goes on.
    """
    person = world.newcomer("person")
    before = snapshot(person.home)
    temporary = world.path / ("t" * 60)
    temporary.mkdir()
    tool = loaders.tool(tmp_path / "v")
    tool.native.write_text("no program")
    if loaders_here:
        shutil.copy(program_of_checkout(), tool.native)
    began = time.monotonic()

    ran = tool.sig(person, "demo", env={"TMPDIR": str(temporary)})

    assert 0 == ran.status, ran
    assert 30 > time.monotonic() - began
    for words in ("is ok.", "is not verified.", "is marked bad!", "Imported [", "Trusted: ["):
        assert words in ran.stdout
    assert before == snapshot(person.home)
    assert [] == list(temporary.iterdir())
    left_out = [line for line in ran.lines if "LEFT OUT" in line]
    if loaders_here:
        assert [] == left_out
        assert_a_program_is_refused(ran)
    else:
        (line,) = left_out
        assert line.startswith("# LEFT OUT: a native program of the script: no sig-verify (pip ")
        assert "./hello" not in ran.stdout


def test_the_demo_says_in_one_line_that_it_makes_no_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And goes on: the whole of that is told in `make soak`."""
    monkeypatch.setattr(building, "known", lambda: None)

    assert not demo._Story(tmp_path, Context())._loader()

    (line,) = capsys.readouterr().out.strip().splitlines()
    assert line.startswith("# LEFT OUT: a native program of the script: no sig-verify (pip ")


def assert_a_program_is_refused(demo: Ran) -> None:
    """Built, run, tampered with, refused, signed anew, run, marked bad by who counts, refused."""
    shown = "\n".join(line for line in demo.lines if not line.startswith(("hint:", "pth ")))
    for told in (
        "\nloader hello ",
        "alice$ ./hello\nhello from the script\n",
        "alice$ ./hello\nSECURITY VIOLATION: 'hello.py' has been tampered with!\n",
        "error: not run\n# exit status 111\n",
        "alice$ ./hello\nhello from the script\nand one line more\n",
        "alice$ ./hello\nerror: hello.py is marked bad by 1 trusted signer\n"
        "error: not run\n# exit status 113\n",
    ):
        before, found, shown = shown.partition(told)
        assert found, (told, before)


def test_the_demo_needs_its_loopback_server(told: Told) -> None:
    """--offline opens no socket anywhere: with the demo it is a usage error."""
    ran = told.alice.sig("--offline", "demo")

    assert (2, "") == (ran.status, ran.stdout)
    assert "--offline" in ran.stderr
