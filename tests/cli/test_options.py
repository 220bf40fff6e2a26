"""The first line: where the folder is, options before and after COMMAND, -q, -v, colour, help."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from sig.cli import COMMANDS
from tests.cli.conftest import Told
from tests.world import Person, World, typed

CODES = {
    *("usage", "no-key", "key-not-found", "key-ambiguous", "remote-exists", "remote-unknown"),
    *("changed", "refused", "network", "gpg", "store", "internal"),
}


@pytest.mark.parametrize(
    "words",
    [
        ("--dir", "{}", "verify", "good"),
        ("verify", "--dir", "{}", "good"),
        ("verify", "good", "--dir", "{}"),
        ("verify", "--dir={}", "good"),
    ],
)
def test_the_folder_is_named_before_or_after_the_command(
    told: Told, words: tuple[str, ...]
) -> None:
    """`--dir` wins over $SIG_DIR wherever it stands."""
    named = [word.format(told.alice.folder) for word in words]

    ran = told.alice.sig(*named, env={"SIG_DIR": "/nowhere", "HOME": "/nowhere"})

    assert 0 == ran.status


def test_the_folder_is_that_of_the_environment_else_of_the_home(told: Told, world: World) -> None:
    """--dir, else $SIG_DIR, else ~/.signet."""
    stranger = world.newcomer("stranger")

    elsewhere = {"SIG_DIR": str(told.alice.folder)}
    assert 0 == stranger.sig("verify", told.alice.place / "good", env=elsewhere).status
    assert 1 == stranger.sig("verify", told.alice.place / "good").status
    assert f"folder    {told.alice.folder}/ {told.alice.signer}" in (
        stranger.sig(env=elsewhere).lines
    )


@pytest.mark.parametrize("before", [True, False])
def test_json_is_asked_for_before_or_after_the_command(told: Told, before: bool) -> None:
    """Also of a command within a group."""
    words = ("--json", "trust", "list") if before else ("trust", "list", "--json")

    ran = told.alice.sig(*words)

    assert {"version", "keys"} == set(ran.json)


def test_quiet_says_only_what_is_not_ok(told: Told) -> None:
    """-q: nothing about an ok file, the whole block of another, no total, no notes."""
    fine = told.alice.sig("-q", "verify", "good", "theirs")
    mixed = told.alice.sig("verify", "-q", "good", "unknown")

    assert (0, "", "") == (fine.status, fine.stdout, fine.stderr)
    assert (1, "") == (mixed.status, mixed.stderr)
    assert [
        f"identified file as {told.id('unknown')}",
        f"file {told.alice.place}/unknown is unknown!",
    ] == mixed.lines


def test_quiet_commands_that_do_something_print_nothing_but_errors(again: Told) -> None:
    """-q where something is done: not a word; what was asked for is printed all the same."""
    alice = again.alice
    alice.write("new", "new\n")
    commands = [
        ("attest", "--ok", "--reviewed", "-m", "", "new"),
        ("withdraw", "new"),
        ("trust", "add", again.carol.short),
        ("trust", "remove", again.carol.short),
        ("publish", again.world.path / "www"),
        ("fetch",),
        ("remote", "rename", "carol", "c"),
    ]
    for words in commands:
        ran = alice.sig("-q", *words)
        assert (0, "", "") == (ran.status, ran.stdout, ran.stderr), words

    assert f"{alice.signer}\n{again.bob.signer}\n" == alice.sig("-q", "trust", "list").stdout
    failed = alice.sig("-q", "trust", "add", "12345678")
    assert (1, "", "error: Key not found: 12345678\nhint: sig fetch\n") == (
        failed.status,
        failed.stdout,
        failed.stderr,
    )


def test_quiet_fetch_still_says_what_failed(again: Told) -> None:
    """-q leaves out the requests and keeps the errors."""
    again.server.answers["/repo.json"] = 500

    ran = again.alice.sig("fetch", "-q")

    assert (4, "") == (ran.status, ran.stdout)
    assert ran.stderr.startswith("error: bob: 500 Internal Server Error; what was fetched on ")


def test_verbose_says_fingerprints_times_and_comments(told: Told) -> None:
    """-v: also full fingerprints, times, comments."""
    ran = told.alice.sig("-v", "verify", "theirs")

    (line,) = [line for line in ran.lines if line.startswith("ok ")]
    signer = re.escape(f"[{told.bob.fingerprint}] {told.bob.uid}")
    assert re.fullmatch(rf"ok {signer} \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line)
    assert '    "read it"' in ran.lines


def test_verbose_lists(told: Told) -> None:
    """-v: trust and remotes with the whole fingerprint, and how a remote is followed."""
    assert f"[{told.bob.fingerprint}] {told.bob.uid}" in told.alice.sig("-v", "trust", "list").lines
    listed = told.alice.sig("remote", "list", "-v").lines
    assert f'"bob" {told.server.url}' == listed[0]
    assert f"    key       {told.bob.fingerprint}" == listed[1]
    assert re.fullmatch(r"    fetched   \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", listed[2])
    assert "    sequence  2" == listed[3]


# --- colour --------------------------------------------------------------------------------------


def test_a_terminal_has_colour_unless_told_otherwise(told: Told) -> None:
    """Colour on a terminal; not with --no-color, $NO_COLOR or TERM=dumb; the words are the same."""
    plain = told.alice.sig("verify", "good").stdout
    environment = told.alice.environment

    status, shown = typed(told.alice, "verify", "good")
    assert (0, 2) == (status, shown.count("\x1b[32m"))
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert (0, plain) == typed(told.alice, "verify", "good", "--no-color")
    assert (0, plain) == typed(told.alice, "verify", "good", env=environment | {"NO_COLOR": "1"})
    assert (0, plain) == typed(told.alice, "verify", "good", env=environment | {"TERM": "dumb"})


def test_a_pipe_has_no_colour(told: Told) -> None:
    """Readable without, always."""
    assert "\x1b" not in told.alice.sig("verify", "good", "bad").stdout


# --- usage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("verify", "--frobnicate"),
        ("show",),
        ("show", "one", "two"),
        ("withdraw",),
        ("run",),
        ("trust",),
        ("trust", "frobnicate"),
        ("remote", "add", "name"),
        ("attest",),
        ("attest", "--passphrase-fd", "x", "f"),
        ("attest", "--passphrase-fd", "77", "f", "--ok", "--reviewed", "-m", ""),
        ("verify", "--files0-from", "-", "f"),
        ("verify", "sha256:abc"),
        ("trust", "add", "alice"),
        ("trust", "add", "1234567"),
        ("config", "colour"),
        ("config", "colour", "red"),
        ("config", "policy", "{"),
        ("help", "frobnicate"),
        ("completion", "tcsh"),
        ("publish",),
        ("publish", "--check"),
        ("publish", "https://example.org/"),
        ("setup", "12345678", "--new", "x"),
        ("setup", "--new", "x", "--from", "www"),
        ("-v", "verify", "-q", "f"),
        ("verify", "-qv", "f"),
        ("-v", "-q"),
        ("run", "-q", "-v", "f"),
    ],
)
def test_wrong_words_are_a_usage_error(told: Told, words: tuple[str, ...]) -> None:
    """Exit 2 (112 of run), `error: TEXT` on stderr, nothing on stdout; `usage` in JSON."""
    told.alice.write("f", "f\n")
    status = 112 if words[0] == "run" else 2

    ran = told.alice.sig(*words)
    assert (status, "") == (ran.status, ran.stdout)
    assert re.search(r"^error: \S", ran.stderr, re.MULTILINE)
    json = told.alice.sig(*words, "--json")
    if words[0] != "run":
        assert status == json.status
        assert (1, "usage") == (json.json["version"], json.json["error"]["code"])
        assert json.json["error"]["message"]


def test_without_words_on_a_terminal_verify_does_not_wait(told: Told) -> None:
    """`verify` without FILE reads stdin; on a terminal it is a usage error."""
    status, shown = typed(told.alice, "verify")

    assert 2 == status
    assert "error: name a file, or pipe one in\n" in shown


# --- help, version, completion -------------------------------------------------------------------


def test_help_explains_every_command(world: World) -> None:
    """`sig help` lists the commands, `sig help COMMAND` and `sig COMMAND --help` say the same."""
    person = world.newcomer("person")

    whole = person.sig("help")
    assert (0, "") == (whole.status, whole.stderr)
    assert whole.stdout == person.sig("--help").stdout == person.sig("-h").stdout
    listed = re.findall(r"^  ([a-z]+) {2,}", whole.stdout.partition("Commands:")[2], re.MULTILINE)
    assert list(COMMANDS) == listed
    for words in (["verify"], ["remote"], ["remote", "add"]):
        assert person.sig("help", *words).stdout == person.sig(*words, "--help").stdout
    assert not person.folder.exists()


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("help",), "help"),
        (("help", "remote", "add"), "help"),
        (("--help",), "help"),
        (("show", "-h"), "help"),
        (("remote", "add", "--help"), "help"),
        (("--version",), "release"),
        (("completion", "bash"), "script"),
    ],
)
def test_what_explains_is_one_document_too(
    world: World, words: tuple[str, ...], field: str
) -> None:
    """--json before or after them: the same text, in a field of its own."""
    person = world.newcomer("person")
    text = person.sig(*words).stdout

    for line in (("--json", *words), (*words, "--json")):
        ran = person.sig(*line)
        assert (0, "") == (ran.status, ran.stderr)
        assert {"version", field} == set(ran.json)
        assert text == f"{'sig ' if field == 'release' else ''}{ran.json[field]}\n"


def test_the_version_is_one_line(world: World) -> None:
    """`sig 0.1.0`, as the package says."""
    from sig import __version__

    ran = world.newcomer("person").sig("--version")

    assert (0, f"sig {__version__}\n", "") == (ran.status, ran.stdout, ran.stderr)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(world: World, shell: str) -> None:
    """A script that completes words, for each shell."""
    ran = world.newcomer("person").sig("completion", shell)

    assert 0 == ran.status
    assert "_SIG_COMPLETE" in ran.stdout


def test_completion_knows_the_commands(world: World) -> None:
    """What the script asks back is answered."""
    person = world.newcomer("person")
    asked = {"_SIG_COMPLETE": "bash_complete", "COMP_WORDS": "sig ver", "COMP_CWORD": "1"}

    ran = person.sig(env=asked)

    assert (0, ["plain,verify"]) == (ran.status, ran.lines)


def test_the_module_is_the_command(told: Told) -> None:
    """`python -m sig` does what `sig` does."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "sig", "verify", "unknown"],
        env=told.alice.environment | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=told.alice.place,
        capture_output=True,
    )

    assert 1 == ran.returncode


# --- JSON of errors ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status", "code", "hint"),
    [
        (("trust", "add", "12345678"), 1, "key-not-found", "sig fetch"),
        (("setup", "12345678"), 1, "key-not-found", "gpg --list-secret-keys"),
        (("remote", "remove", "nobody"), 1, "remote-unknown", "sig remote list"),
        (("fetch", "nobody"), 1, "remote-unknown", "sig remote list"),
        (("remote", "add", "BOB", "http://example.org/"), 1, "remote-exists", None),
        (("attest", "--ok", "--not-reviewed", "-m", "", "good"), 1, "refused", None),
        (("withdraw", "unknown"), 1, "refused", None),
        (("attest", "missing"), 4, "store", None),
        (("withdraw", "missing"), 4, "store", None),
        (("key", "import", "missing"), 4, "store", None),
        (("key", "import", "good"), 1, "refused", None),
        (("--offline", "fetch"), 4, "network", None),
        (("publish", "--check", "http://127.0.0.1:1/"), 4, "network", None),
    ],
)
def test_errors_are_one_document(
    told: Told, words: tuple[str, ...], status: int, code: str, hint: str | None
) -> None:
    """With --json: code, message and hint on stdout; without, words on stderr; one exit status."""
    json = told.alice.sig("--json", *words)
    assert (status, 1, code) == (json.status, json.json["version"], json.json["error"]["code"])
    assert {"code", "message", "hint"} == set(json.json["error"])
    assert code in CODES
    if hint is not None:
        assert hint == json.json["error"]["hint"]
    assert "error:" not in json.stderr
    words_only = told.alice.sig(*words)
    assert (status, "") == (words_only.status, words_only.stdout)
    assert f"error: {json.json['error']['message']}" in words_only.stderr.splitlines()


def test_who_has_no_key_is_told_to_make_a_folder(world: World) -> None:
    """`no-key`: what signs needs an own key; `sig setup` is the way."""
    person = world.newcomer("person")
    person.write("f", "f\n")

    for words in (
        ("attest", "f", "--ok", "--reviewed", "-m", ""),
        ("withdraw", "f"),
        ("publish", "www"),
        ("publish", "--check", "http://127.0.0.1:1/"),
    ):
        ran = person.sig(*words, "--json")
        assert (1, "no-key", "sig setup") == (
            ran.status,
            ran.json["error"]["code"],
            ran.json["error"]["hint"],
        ), words
    bare = person.sig("setup", "--json")
    assert (1, "no-key") == (bare.status, bare.json["error"]["code"])
    said = person.sig("setup")
    assert (
        1,
        "",
        'error: GnuPG has no secret key that can sign\nhint: sig setup --new "Name <mail>"\n',
    ) == (said.status, said.stdout, said.stderr)
    assert not person.folder.exists()


def test_no_hint_proposes_to_trust_a_key(told: Told) -> None:
    """No hint and no help text tells to trust: that is decided by people, for reasons."""
    for words in (("verify", "untrusted"), ("show", "untrusted"), ("run", "untrusted"), ("fetch",)):
        ran = told.alice.sig(*words)
        hints = [line for line in ran.stderr.splitlines() if line.startswith(("hint:", "note:"))]
        assert not [line for line in hints if "trust" in line]


def test_stdout_of_answers_stays_pure(told: Told) -> None:
    """A consumer of stdout never meets a note: they are on stderr, in a pipe too."""
    person: Person = told.world.newcomer("reader")

    ran = person.sig("verify", told.alice.place / "good")

    assert 1 == ran.status
    assert ran.stderr.startswith(f"note: there is no folder at {person.folder}/ yet")
    assert "note" not in ran.stdout
