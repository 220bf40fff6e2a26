"""`sig run`: the script's exit status, its arguments, and what is refused with 110 + the code."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.conftest import Told
from tests.world import World


def test_the_script_has_its_arguments_streams_and_exit_status(told: Told) -> None:
    """Its own exit status; all that stands after FILE is its own, options too."""
    words = ("--json", "-q", "--dir", "x", "--", "-v", "--offline")

    ran = told.alice.sig("run", "script.sh", *words)

    assert (7, "") == (ran.status, ran.stderr)
    assert list(words) == ran.lines


def test_options_before_the_file_are_ours(told: Told, world: World) -> None:
    """--dir between run and FILE chooses the folder."""
    stranger = world.newcomer("stranger")
    script = told.alice.place / "script.sh"

    assert 7 == stranger.sig("run", "--dir", told.alice.folder, script).status
    assert 7 == stranger.sig("--dir", told.alice.folder, "run", script).status
    assert 111 == stranger.sig("run", script, "--dir", told.alice.folder).status


@pytest.mark.parametrize(
    ("name", "status", "last_but_one"),
    [
        ("untrusted", 111, "file {}/untrusted is not verified."),
        ("unknown", 111, "file {}/unknown is unknown!"),
        ("bad", 113, "file {}/bad is marked bad!"),
        ("missing", 114, "error: missing: No such file or directory"),
    ],
)
def test_what_is_refused(told: Told, name: str, status: int, last_but_one: str) -> None:
    """110 + the code of verify, all on stderr, `error: not run` last; the script's words do not
    change ours."""
    ran = told.alice.sig("run", name, "--json", "-q")

    assert (status, "") == (ran.status, ran.stdout)
    assert [last_but_one.format(told.alice.place), "error: not run"] == ran.stderr.splitlines()[-2:]


def test_a_fifo_in_the_place_of_a_script_is_not_waited_for(again: Told) -> None:
    """Nobody may ever write to it."""
    os.mkfifo(again.alice.place / "wait.py")

    ran = again.alice.sig("run", "wait.py")

    said = ["error: wait.py is not a regular file", "error: not run"]
    assert (111, "", said) == (ran.status, ran.stdout, ran.stderr.splitlines())


def test_a_folder_that_cannot_be_believed_runs_nothing(again: Told) -> None:
    """114, and the reason."""
    (again.alice.folder / "config").write_text("{")

    ran = again.alice.sig("run", "script.sh")

    assert (114, "") == (ran.status, ran.stdout)
    assert "error: not run" == ran.stderr.splitlines()[-1]


def test_usage_is_112(told: Told) -> None:
    """No FILE, or an option that does not exist."""
    for words in (("run",), ("run", "--frobnicate", "script.sh")):
        ran = told.alice.sig(*words)
        assert (112, "") == (ran.status, ran.stdout)
        assert "error: not run" == ran.stderr.splitlines()[-1]


def test_json_says_why_it_was_not_run(told: Told) -> None:
    """The document of `verify` on stdout; of what runs, stdout is the script's."""
    refused = told.alice.sig("run", "--json", "bad")

    assert (113, "error: not run\n") == (refused.status, refused.stderr)
    assert "marked-bad" == refused.results[0]["reason"]
    missing = told.alice.sig("--json", "run", "missing")
    assert (114, "store") == (missing.status, missing.json["error"]["code"])
    assert [] == told.alice.sig("--json", "run", "script.sh").lines[1:]


def test_python_runs_by_its_name(world: World) -> None:
    """A file whose name ends in .py needs no #! line; sys.argv and exit status are its own."""
    alice = world.person("alice")
    alice.attests("import sys\nprint(sys.argv[1:])\nsys.exit(9)\n", name="tool.py")

    ran = alice.sig("run", "tool.py", "--a", "b")

    assert (9, "['--a', 'b']\n") == (ran.status, ran.stdout)


def test_what_nothing_would_interpret_is_refused(told: Told) -> None:
    """A text that is ok but no script: 112, for it is the wrong word for `run`."""
    ran = told.alice.sig("run", "good")

    assert (112, "") == (ran.status, ran.stdout)
    assert ["error: good has no #! line and is not a Python file", "error: not run"] == (
        ran.stderr.splitlines()
    )


def test_the_bytes_that_run_are_those_that_were_verified(world: World) -> None:
    """The script replaces its own file and goes on as what it was."""
    alice = world.person("alice")
    alice.attests('#!/bin/sh\necho "echo evil" >"$1"\nsleep 0.1\necho genuine\n', name="s")

    ran = alice.sig("run", "s", alice.place / "s")

    assert (0, "genuine\n") == (ran.status, ran.stdout)
    assert 111 == alice.sig("run", "s").status


def test_an_interpreter_that_is_not_here(world: World) -> None:
    """114: could not; the script is fine."""
    alice = world.person("alice")
    alice.attests("#!/no/such/program\n", name="s")

    ran = alice.sig("run", "s")

    assert 114 == ran.status
    assert "error: /no/such/program, which s asks for, is not here" in ran.stderr.splitlines()
    assert "store" == json.loads(alice.sig("--json", "run", "s").stdout)["error"]["code"]
