"""`sig attest` and `sig withdraw`: what is asked, what is signed, and when nothing is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Told
from tests.world import Person, World, id_of, make_key, trusted_state, typed

REVIEWED = "I have reviewed this file (yes/no): "
FREE = "It performs as expected and is free of major flaws (yes/no): "
COMMENT = "Comment: "
OK = ("--ok", "--reviewed", "-m", "")


@pytest.mark.parametrize(
    ("words", "input", "asked", "said"),
    [
        ((), "yes\nyes\nfine\n", REVIEWED + FREE + COMMENT, (True, True, "fine")),
        ((), "yes\nno\nflawed\n", REVIEWED + FREE + COMMENT, (True, False, "flawed")),
        (("--ok",), "yes\n\n", REVIEWED + COMMENT, (True, True, None)),
        (("--reviewed", "-m", "x"), "yes\n", FREE, (True, True, "x")),
        (("--not-ok", "--not-reviewed"), "why\n", COMMENT, (False, False, "why")),
        (("--not-ok", "--reviewed", "-m", "x"), "", "", (True, False, "x")),
        (("--ok", "--reviewed", "--yes"), "", "", (True, True, None)),
        (("--yes",), "yes\nyes\n", REVIEWED + FREE, (True, True, None)),
    ],
)
def test_only_what_no_option_answers_is_asked(
    world: World,
    words: tuple[str, ...],
    input: str,
    asked: str,
    said: tuple[bool, bool, str | None],
) -> None:
    """Questions on stderr, answers from a pipe; --yes never answers what is stated."""
    alice = world.person("alice")
    alice.write("f", "f\n")

    ran = alice.sig("attest", "f", *words, "--json", input=input)

    assert (0, asked) == (ran.status, ran.stderr)
    reviewed, ok, comment = said
    data = {"id": id_of("f\n"), "ok": ok, "reviewed": reviewed}
    if comment is not None:
        data["comment"] = comment
    assert {
        "version": 1,
        "statements": [{"file": "f", "data": data, "key": alice.fingerprint}],
    } == ran.json


def test_only_yes_or_no_is_taken(world: World, alice: Person) -> None:
    """Anything else is asked again: `y`, `YES`, an empty line."""
    alice.write("f", "f\n")

    ran = alice.sig("attest", "f", "--ok", "-m", "", input="y\nYES\n\nja\nyes\n")

    assert 0 == ran.status
    assert (REVIEWED + "please answer yes or no\n") * 4 + REVIEWED == ran.stderr


@pytest.mark.parametrize("input", ["", "yes\n", "yes\nyes\n", "y\n"])
def test_the_end_of_the_input_signs_nothing(told: Told, input: str) -> None:
    """Wherever it comes: exit 1, and the folder is what it was."""
    before = trusted_state(told.alice.folder)

    ran = told.alice.sig("attest", "unknown", input=input)

    assert (1, "") == (ran.status, ran.stdout)
    assert ran.stderr.endswith("\nerror: no answer, nothing is signed\n")
    assert before == trusted_state(told.alice.folder)


def test_an_answer_without_a_newline_is_an_answer(world: World, alice: Person) -> None:
    """The last line of a pipe need not end."""
    alice.write("f", "f\n")

    assert 0 == alice.sig("attest", "f", "--ok", "-m", "", input="yes").status


@pytest.mark.parametrize("words", [("--ok", "--not-reviewed"), ("--not-reviewed",)])
def test_ok_needs_a_review(told: Told, words: tuple[str, ...]) -> None:
    """`Please review the file`, 1, whether it was answered or given; nothing is signed."""
    before = trusted_state(told.alice.folder)

    ran = told.alice.sig("attest", "unknown", *words, "--yes", input="yes\n")

    assert (1, "") == (ran.status, ran.stdout)
    assert "error: Please review the file" == ran.stderr.splitlines()[-1].removeprefix(FREE)
    assert before == trusted_state(told.alice.folder)


def test_several_files_are_signed_with_the_same_words(world: World, alice: Person) -> None:
    """One question for all, a block each, the total on stderr."""
    alice.write("one", "one\n")
    alice.write("two", "two\n")

    ran = alice.sig("attest", "one", "two", input="yes\nyes\nboth\n")

    assert 0 == ran.status
    assert (
        "I have reviewed these 2 files (yes/no): "
        "They perform as expected and are free of major flaws (yes/no): "
        "Comment: "
        "2 files attested.\n"
    ) == ran.stderr
    assert (
        "".join(
            f"Saved attestation for {name}:\n"
            + json.dumps(
                {"comment": "both", "id": id_of(name + "\n"), "ok": True, "reviewed": True},
                indent=2,
            )
            + "\n"
            for name in ("one", "two")
        )
        == ran.stdout
    )
    assert 0 == alice.sig("verify", "one", "two").status


@pytest.mark.parametrize("other", ["missing", "missing/"])
def test_all_or_none(told: Told, other: str) -> None:
    """One file that cannot be read: none is signed, and nothing was asked."""
    before = trusted_state(told.alice.folder)

    ran = told.alice.sig("attest", "unknown", other, *OK)

    assert (4, "") == (ran.status, ran.stdout)
    assert ran.stderr.startswith(f"error: {other}: ")
    assert before == trusted_state(told.alice.folder)


def test_no_name_is_signed_without_being_told(world: World, alice: Person) -> None:
    """`--name LABEL` is signed as it is given; else there is none."""
    alice.write("secret-project.py", "x = 1\n")

    plain = alice.sig("attest", "secret-project.py", *OK, "--json")
    named = alice.sig("attest", "secret-project.py", *OK, "--name", "lib/x.py", "--json")

    assert {"id", "ok", "reviewed"} == set(plain.json["statements"][0]["data"])
    assert "lib/x.py" == named.json["statements"][0]["data"]["name"]
    assert "secret-project" not in (alice.folder / "repo/repo.json").read_text()


def test_names_are_read_from_a_list_ended_by_nul(world: World, alice: Person) -> None:
    """--files0-from FILE or -: names with blanks and newlines too, for attest and verify."""
    names = ["a b", "new\nline", "-"]
    for name in names[:2]:
        alice.write(name, name)
    listed = alice.write("list", "\0".join(names[:2]) + "\0")

    assert 0 == alice.sig("attest", "--files0-from", listed, *OK).status
    from_file = alice.sig("verify", "--files0-from", listed)
    from_pipe = alice.sig("verify", "--files0-from", "-", input="a b\0new\nline")
    assert 0 == from_file.status == from_pipe.status
    assert from_file.stdout == from_pipe.stdout
    assert f"file {alice.place}/new\\u000aline is ok." in from_file.lines
    assert 2 == alice.sig("verify", "--files0-from", "-", input="").status
    assert 2 == alice.sig("verify", "--files0-from", "-", input="a b\0\0b").status
    assert 4 == alice.sig("verify", "--files0-from", "nowhere").status


def test_standard_input_can_be_attested(world: World, alice: Person) -> None:
    """`-`: what came through the pipe; the words then come from options."""
    ran = alice.sig("attest", "-", *OK, input="piped\n")

    assert 0 == ran.status
    assert "Saved attestation for standard input:" == ran.lines[0]
    assert 0 == alice.sig("verify", input="piped\n").status
    assert 1 == alice.sig("attest", "-", "--ok", input="piped\n").status


def test_an_identifier_can_be_attested(world: World, alice: Person) -> None:
    """`sha256:HEX`, where the file is elsewhere."""
    assert 0 == alice.sig("attest", id_of("far\n"), *OK).status
    assert 0 == alice.sig("verify", alice.write("near", "far\n")).status


def test_a_file_that_changed_after_the_question_is_refused(world: World, alice: Person) -> None:
    """What is signed is what was looked at: exit 1, `changed`, nothing signed."""
    path = alice.write("f", "read this\n")
    before = trusted_state(alice.folder)
    process = alice.start("attest", "f", "--json")
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(b"yes\nyes\n")
    process.stdin.flush()
    asked = b""
    while not asked.endswith(COMMENT.encode()):
        asked += process.stderr.read(1)
    path.write_text("sign that\n")
    stdout, _ = process.communicate(b"fine\n", timeout=30)

    assert 1 == process.returncode
    assert "changed" == json.loads(stdout)["error"]["code"]
    assert before == trusted_state(alice.folder)


def test_on_a_terminal_the_questions_are_the_same(world: World, alice: Person) -> None:
    """A person at a keyboard sees question, answer, question."""
    alice.write("f", "f\n")

    status, shown = typed(alice, "attest", "f", keys="yes\nyes\nfine\n")

    assert 0 == status
    for words in (REVIEWED, FREE, COMMENT, "Saved attestation for f:"):
        assert words in shown


# --- secrets -------------------------------------------------------------------------------------


def _spying(person: Person) -> tuple[dict[str, str | None], Path]:
    """A PATH whose gpg writes down its arguments and environment, and then is gpg."""
    import shutil

    folder = person.world.path / "bin"
    folder.mkdir()
    log = person.world.path / "seen"
    gpg = folder / "gpg"
    gpg.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >>{log}\nenv >>{log}\nexec {shutil.which("gpg")} "$@"\n'
    )
    gpg.chmod(0o755)
    return {"PATH": f"{folder}:{person.environment['PATH']}"}, log


def test_a_passphrase_comes_over_a_descriptor_and_is_seen_nowhere(world: World) -> None:
    """Never on a command line, in an environment, in the folder or in what is written; a wrong
    one, or none, is an answer of gpg: exit 4, and nothing is signed."""
    person = world.newcomer("person")
    passphrase = "correct horse battery"
    person.fingerprint = make_key(person, person.uid, passphrase=passphrase)
    environment, log = _spying(person)
    person.write("f", "f\n")

    def with_passphrase(words: tuple[str, ...], passphrase: str) -> tuple[int, str]:
        reader, writer = os.pipe()
        os.write(writer, passphrase.encode() + b"\n")
        os.close(writer)
        try:
            ran = person.sig(
                *words, "--passphrase-fd", str(reader), env=environment, pass_fds=[reader]
            )
        finally:
            os.close(reader)
        return ran.status, ran.stdout + ran.stderr

    status, shown = with_passphrase(("setup", person.fingerprint), passphrase)
    assert 0 == status, shown
    person.gpg("--version")
    from tests.world import stop_agent

    stop_agent(person.gnupg)
    before = trusted_state(person.folder)
    wrong = "incorrect donkey"
    status, more = with_passphrase(("attest", "f", *OK), wrong)
    assert 4 == status
    assert "error: gpg could not sign: " in more
    assert before == trusted_state(person.folder)
    none = person.sig("attest", "f", *OK, "--json", env=environment)
    assert (4, "gpg") == (none.status, none.json["error"]["code"])
    assert before == trusted_state(person.folder)
    status, rest = with_passphrase(("attest", "f", *OK), passphrase)
    assert 0 == status, rest

    seen = log.read_bytes() + (shown + more + rest + none.stdout + none.stderr).encode()
    seen += b"".join(trusted_state(person.folder).values())
    for secret in (passphrase, wrong):
        assert secret.encode() not in seen


def test_the_content_of_a_file_is_not_kept(world: World, alice: Person) -> None:
    """What is attested is its digest: none of its bytes is in the folder or on a command line."""
    environment, log = _spying(alice)
    content = "nobody-may-read-this-line\n"
    path = alice.write("f", content)

    assert 0 == alice.sig("attest", path, *OK, env=environment).status

    kept = b"".join(file.read_bytes() for file in alice.folder.rglob("*") if file.is_file())
    assert content.strip().encode() not in kept + log.read_bytes()


# --- withdraw ------------------------------------------------------------------------------------


def test_what_is_withdrawn_says_nothing_any_more(world: World, alice: Person) -> None:
    """Not ok any more, nor bad; a new statement can follow."""
    id = alice.attests("f\n", name="f")

    ran = alice.sig("withdraw", "f")

    assert (0, f"Withdrew what you said about {id}.\n", "") == (ran.status, ran.stdout, ran.stderr)
    assert 1 == alice.sig("verify", "f").status
    assert 1 == alice.sig("withdraw", "f").status
    assert 0 == alice.sig("attest", "f", *OK).status
    assert 0 == alice.sig("verify", "f").status
    json = alice.sig("withdraw", id, "--json").json
    assert [
        {
            "file": id,
            "data": {"id": id, "ok": False, "reviewed": False, "withdrawn": True},
            "key": alice.fingerprint,
        }
    ] == json["statements"]


def test_withdrawing_ends_an_own_warning(world: World, alice: Person) -> None:
    """`sig verify` no longer says bad."""
    alice.attests("f\n", "--not-ok", "--reviewed", name="f")
    assert 3 == alice.sig("verify", "f").status

    alice.sig("withdraw", "f")

    assert 1 == alice.sig("verify", "f").status


def test_there_must_be_something_to_withdraw(told: Told) -> None:
    """What others said is theirs."""
    ran = told.alice.sig("withdraw", "theirs")

    assert (1, "", f"error: there is no statement of yours about {told.id('theirs')}\n") == (
        ran.status,
        ran.stdout,
        ran.stderr,
    )


def test_the_newest_word_of_one_second_is_the_last(world: World, alice: Person) -> None:
    """Signing twice in a hurry never leaves two words of one second."""
    alice.attests("f\n", name="f")
    alice.sig("attest", "f", "--not-ok", "--reviewed", "-m", "no")
    assert 3 == alice.sig("verify", "f").status
    alice.sig("attest", "f", *OK)
    assert 0 == alice.sig("verify", "f").status
    assert 1 == len(alice.read("repo/repo.json")["data"]["attestations"])


def test_an_expired_own_key_signs_nothing(world: World) -> None:
    """gpg would not, and sig says why: exit 4, the folder as it was; reading goes on."""
    person = world.newcomer("person")
    person.fingerprint = make_key(person, person.uid, expires="seconds=2")
    assert 0 == person.sig("setup", person.fingerprint).status
    person.attests("f\n", name="f")
    before = trusted_state(person.folder)
    time.sleep(2.1)

    ran = person.sig("attest", "f", *OK)

    assert (4, "") == (ran.status, ran.stdout)
    assert f"error: the own key {person.fingerprint} expired on " in ran.stderr
    assert f"hint: gpg --quick-set-expire {person.fingerprint} 2y\n" in ran.stderr
    assert before == trusted_state(person.folder)
    assert 0 == person.sig("verify", "f").status
    assert [f"{person.fingerprint} expired {person.uid}"] == person.sig("key", "list").lines
