"""`sig verify` and `sig show`: answers, their JSON, and what may be asked about."""

from __future__ import annotations

import os
import re

import pytest

from sig.model.verdict import Answer, Reason, State
from tests.cli.conftest import Told
from tests.world import Forger, World, id_of

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
STATEMENT = {
    *("key", "uid", "state", "counted", "ok", "reviewed", "comment", "signed_at", "sources", "why"),
}


@pytest.mark.parametrize(
    ("name", "status", "verdict", "reason", "states"),
    [
        ("good", 0, "ok", "enough", ["ok"]),
        ("theirs", 0, "ok", "enough", ["ok"]),
        ("bad", 3, "bad", "marked-bad", ["not-ok"]),
        ("untrusted", 1, "unverified", "untrusted", ["untrusted"]),
        ("unknown", 1, "unknown", "no-statement", []),
    ],
)
def test_one_document_says_verdict_and_reason(
    told: Told, name: str, status: int, verdict: str, reason: str, states: list[str]
) -> None:
    """Exit status, verdict and reason say the same; every statement has all fields."""
    ran = told.alice.sig("verify", name, "--json")

    assert (status, "") == (ran.status, ran.stderr)
    assert {"version", "results"} == set(ran.json)
    (result,) = ran.results
    assert {"file", "id", "verdict", "reason", "message", "statements"} == set(result)
    assert f"{told.alice.place}/{name}" == result["file"]
    assert (told.id(name), verdict, reason) == (result["id"], result["verdict"], result["reason"])
    assert states == [one["state"] for one in result["statements"]]
    for one in result["statements"]:
        assert STATEMENT == set(one)
        assert re.fullmatch(INSTANT, one["signed_at"])
    assert ran.results == told.alice.sig("show", name, "--json").results


def test_a_statement_of_another_in_full(told: Told) -> None:
    """Key, user id, what was said, by which remote, and why it does not count."""
    (result,) = told.alice.sig("verify", "untrusted", "--json").results
    (one,) = result["statements"]

    assert "no trusted signer has attested it" == result["message"]
    assert {
        "key": told.carol.fingerprint,
        "uid": told.carol.uid,
        "state": "untrusted",
        "counted": False,
        "ok": True,
        "reviewed": True,
        "comment": "",
        "sources": ["carol"],
        "why": "the key is not trusted",
    } == {name: value for name, value in one.items() if name != "signed_at"}


def test_sources_are_remotes_and_own(told: Told) -> None:
    """Where a statement is from."""
    results = told.alice.sig("verify", "good", "theirs", "--json").results

    assert [["own"], ["bob"]] == [one["statements"][0]["sources"] for one in results]
    assert [True, True] == [one["statements"][0]["counted"] for one in results]


def test_the_words_of_the_json_are_the_documented_ones() -> None:
    """No verdict, reason or state but those that consumers know."""
    assert {"ok", "bad", "unverified", "unknown", "error"} == {one.value for one in Answer}
    assert {
        *("enough", "marked-bad", "untrusted", "unreviewed", "below-policy", "not-counted"),
        *("differs", "no-statement", "unreadable", "store"),
    } == {one.value for one in Reason}
    assert [
        *("unknown-key", "invalid", "weak", "key-revoked", "key-expired", "future", "late"),
        *("stale", "superseded", "withdrawn", "expired", "untrusted", "unreviewed"),
        *("out-of-scope", "ok", "not-ok"),
    ] == [one.value for one in State]


# --- what may be asked about ---------------------------------------------------------------------


def test_the_path_is_absolute_and_links_are_not_resolved(told: Told) -> None:
    """`file PATH` is where the user pointed, not where a link leads."""
    link = told.alice.place / "link"
    if not link.is_symlink():
        link.symlink_to("good")

    assert f"file {link} is ok." in told.alice.sig("verify", "link").lines
    assert f"file {link} is ok." in told.alice.sig("verify", "../work/./link").lines


def test_standard_input(told: Told) -> None:
    """Without FILE, and as `-`; it is called `-`."""
    expected = [f"identified file as {id_of('good' + chr(10))}", f"ok {told.alice.signer}"]

    for words in ((), ("-",)):
        ran = told.alice.sig("verify", *words, input="good\n")
        assert (0, [*expected, "file - is ok."]) == (ran.status, ran.lines)
    assert "-" == told.alice.sig("verify", "--json", input="x").results[0]["file"]


def test_an_identifier(told: Told) -> None:
    """`sha256:HEX`: for what is elsewhere; in any other spelling it is a usage error."""
    id = told.id("theirs")

    ran = told.alice.sig("verify", id)

    assert (0, f"file {id} is ok.") == (ran.status, ran.lines[-1])
    assert 2 == told.alice.sig("verify", id.upper().replace("SHA256", "sha256")).status
    assert 2 == told.alice.sig("verify", id[:-1]).status
    assert 4 == told.alice.sig("verify", "sha1:" + "0" * 40).status


def test_a_file_with_a_leading_dash_is_named_after_two(told: Told) -> None:
    """`--` ends the options."""
    told.alice.write("--json", "good\n")

    assert f"file {told.alice.place}/--json is ok." in (
        told.alice.sig("verify", "--", "--json").lines
    )


@pytest.mark.parametrize("name", ["missing", "missing/", "good/below"])
def test_what_cannot_be_read_is_an_answer_too(told: Told, name: str) -> None:
    """Exit 4, `error: PATH: why`; in JSON verdict `error`, reason `unreadable`."""
    ran = told.alice.sig("verify", name)
    json = told.alice.sig("verify", name, "--json")

    assert (4, "") == (ran.status, ran.stdout)
    assert ran.stderr.startswith(f"error: {os.path.abspath(told.alice.place / name)}: ")
    assert 4 == json.status
    (result,) = json.results
    assert (None, "error", "unreadable", []) == tuple(
        result[field] for field in ("id", "verdict", "reason", "statements")
    )


def test_without_a_folder_all_is_unknown(world: World) -> None:
    """And a note says so; verifying makes no folder."""
    person = world.newcomer("person")
    path = person.write("f", "f\n")

    ran = person.sig("verify", "f")

    assert (1, [f"identified file as {id_of('f' + chr(10))}", f"file {path} is unknown!"]) == (
        ran.status,
        ran.lines,
    )
    assert ran.stderr.startswith(f"note: there is no folder at {person.folder}/ yet")
    assert not person.folder.exists()


def test_of_those_that_do_not_count_five_are_shown(again: Told) -> None:
    """Then `… and N more`; `show` has them all."""
    crowd = [Forger(b"One of many <many@example.org>") for _ in range(17)]
    said = [one.says("crowd\n") for one in crowd]
    again.carols.folder = Forger().publishes(again.world.path / "crowd", said)
    again.alice.sig("remote", "remove", "carol")
    again.alice.sig("remote", "add", "crowd", again.carols.url, "-f")
    certificates = again.alice.write("crowd.pgp", b"".join(one.certificate for one in crowd))
    assert 0 == again.alice.sig("key", "import", certificates).status
    again.alice.write("crowd", "crowd\n")

    few = again.alice.sig("verify", "crowd")
    all_of_them = again.alice.sig("show", "crowd")

    assert 1 == few.status
    assert 5 == len([line for line in few.lines if line.startswith("untrusted ")])
    assert "… and 12 more" == few.lines[-2]
    assert 17 == len([line for line in all_of_them.lines if line.startswith("untrusted ")])
    assert 17 == len(again.alice.sig("verify", "crowd", "--json").results[0]["statements"])


# --- who counts ----------------------------------------------------------------------------------


def test_a_policy_of_two_needs_two(again: Told) -> None:
    """`below-policy`, 1; with a second word of someone trusted ok."""
    alice = again.alice
    assert 0 == alice.sig("config", "policy", '{"ok": 2}').status

    (result,) = alice.sig("verify", "theirs", "--json").results
    assert ("unverified", "below-policy") == (result["verdict"], result["reason"])
    assert 1 == alice.sig("verify", "theirs").status
    alice.sig("attest", "theirs", "--ok", "--reviewed", "-m", "")
    assert 0 == alice.sig("verify", "theirs").status


def test_what_was_not_reviewed_does_not_count(again: Told) -> None:
    """A statement that its signer did not review is shown and makes nothing ok."""
    again.bob.sig("attest", "unknown", "--not-ok", "--not-reviewed", "-m", "looks odd")
    again.alice.sig("fetch")

    ran = again.alice.sig("show", "unknown")

    assert "    says      not ok, not reviewed, " in ran.stdout
    assert 3 == again.alice.sig("verify", "unknown").status


def test_a_warning_stays_when_its_remote_goes(again: Told) -> None:
    """The remote removed, the warning of a trusted signer still counts; trust removed, no more."""
    alice = again.alice
    alice.sig("remote", "remove", "bob")

    assert 1 == alice.sig("verify", "theirs").status
    assert 3 == alice.sig("verify", "bad").status
    assert "    says      not ok, reviewed, " in alice.sig("show", "bad").stdout
    assert ", from memory" in alice.sig("show", "bad").stdout
    alice.sig("trust", "remove", again.bob.fingerprint)
    assert 1 == alice.sig("verify", "bad").status


def test_withdrawn_by_its_signer_and_fetched(again: Told) -> None:
    """What Bob takes back counts no longer after the next fetch."""
    again.bob.sig("withdraw", "theirs")
    assert 0 == again.alice.sig("verify", "theirs").status

    assert 0 == again.alice.sig("fetch").status

    (result,) = again.alice.sig("verify", "theirs", "--json").results
    assert ("unverified", "not-counted") == (result["verdict"], result["reason"])
    assert ["withdrawn"] == [one["state"] for one in result["statements"]]


def test_a_folder_that_is_refused_says_what_helps(again: Told) -> None:
    """The hint of the very error, and a look at the folder where there is none."""
    alice = again.alice
    config = alice.folder / "config"
    config.chmod(0o666)
    ran = alice.sig("verify", "good")
    assert (4, "", f"hint: chmod go-w {config}") == (
        ran.status,
        ran.stdout,
        ran.stderr.splitlines()[-1],
    )
    config.chmod(0o600)
    config.write_text("garbage")
    assert "hint: sig doctor" == alice.sig("verify", "good").stderr.splitlines()[-1]
