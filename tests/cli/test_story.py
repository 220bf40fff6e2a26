"""What the first commands print, byte for byte, with real keys, real gpg and a real web server."""

from __future__ import annotations

import re
import time

import pytest

from tests.world import Person, Ran, World, id_of


@pytest.fixture(autouse=True)
def _from_the_start(world: World) -> None:
    """Every command of these stories starts as a user starts it."""
    world.fresh = True


def today() -> str:
    """The day in UTC, as it is shown."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def test_the_first_commands_say_what_they_always_said(world: World, bob: Person) -> None:
    """From a key to a folder, a statement, a remote and trust: the transcript of the first page."""
    alice = world.person("alice", folder=False)
    script = alice.write("signet.py", "print('hello')\n")
    their = bob.attests("works\n", "--ok", "--reviewed", "-m", "works")
    server = world.serve(bob.folder / "repo")
    url = server.url
    test = alice.write("test.txt", "works\n")

    made = alice.sig("setup", alice.short)
    assert 0 == made.status
    assert (
        f"Initialized config directory at: {alice.folder}/\n"
        f"With public key fingerprint: {alice.fingerprint}\n"
        "Welcome to Signet! :)\n"
    ) == made.stdout
    assert f"note: {alice.short} is {alice.fingerprint}\n" == made.stderr

    signed = alice.sig("attest", "./signet.py", input="yes\nyes\nMy first attestation!\n")
    assert 0 == signed.status
    assert (
        "Saved attestation for ./signet.py:\n"
        "{\n"
        '  "comment": "My first attestation!",\n'
        f'  "id": "{id_of(script.read_bytes())}",\n'
        '  "ok": true,\n'
        '  "reviewed": true\n'
        "}\n"
    ) == signed.stdout
    assert (
        "I have reviewed this file (yes/no): "
        "It performs as expected and is free of major flaws (yes/no): "
        "Comment: "
    ) == signed.stderr

    checked = alice.sig("verify", "./signet.py")
    assert (0, "") == (checked.status, checked.stderr)
    assert (
        f"identified file as {id_of(script.read_bytes())}\n"
        f"ok {alice.signer}\n"
        f"file {script} is ok.\n"
    ) == checked.stdout

    added = alice.sig("remote", "add", "hello-world", url)
    assert (0, "", "") == (added.status, added.stdout, added.stderr)

    fetched = alice.sig("fetch")
    assert 0 == fetched.status
    assert (
        f"GET {url}repo.json... done.\nGET {url}key.asc... done.\nImported {bob.signer}.\n"
    ) == fetched.stdout
    assert "1 remote: 1 new, 0 unchanged, 0 failed, 0 refused\n" == fetched.stderr

    not_yet = alice.sig("verify", "./test.txt")
    assert (1, "") == (not_yet.status, not_yet.stderr)
    assert (
        f"identified file as {their}\nuntrusted {bob.signer}\nfile {test} is not verified.\n"
    ) == not_yet.stdout

    trusted = alice.sig("trust", "add", bob.short)
    assert (0, f"Trusted: {bob.signer}\n") == (trusted.status, trusted.stdout)
    assert f"note: {bob.short} is {bob.fingerprint}\n" == trusted.stderr

    now = alice.sig("verify", "./test.txt")
    assert (0, "") == (now.status, now.stderr)
    assert f"identified file as {their}\nok {bob.signer}\nfile {test} is ok.\n" == now.stdout


def test_a_warning_by_who_counts_is_shown_with_its_comment(world: World, alice: Person) -> None:
    """`file PATH is marked bad!`, the signer's `not-ok` and the comment below; exit 3."""
    id = alice.attests("bad\n", "--not-ok", "--reviewed", "-m", "deletes your home")

    bad = alice.sig("verify", "attested.txt")

    assert (3, "") == (bad.status, bad.stderr)
    assert (
        f"identified file as {id}\n"
        f"not-ok {alice.signer}\n"
        '    "deletes your home"\n'
        f"file {alice.place}/attested.txt is marked bad!\n"
    ) == bad.stdout


def test_what_nobody_spoke_of_is_unknown(alice: Person) -> None:
    """`file PATH is unknown!`, exit 1."""
    path = alice.write("f", "nobody\n")

    unknown = alice.sig("verify", path)

    assert (1, "") == (unknown.status, unknown.stderr)
    assert f"identified file as {id_of('nobody' + chr(10))}\nfile {path} is unknown!\n" == (
        unknown.stdout
    )


def test_where_things_stand(world: World, alice: Person, bob: Person) -> None:
    """A bare `sig`: folder, trusted, remotes, attested, index and the one next command."""
    bob.attests("theirs\n")
    url = world.serve(bob.folder / "repo").url
    alice.sig("remote", "add", "bob", url, "-f", "--key", bob.fingerprint, "--trust")
    alice.attests("one\n", name="one")
    alice.sig("publish", world.path / "www")
    alice.write("two", "two\n")
    alice.write("three", "three\n")
    assert 0 == alice.sig("attest", "--ok", "--reviewed", "-m", "", "two", "three").status

    stands = alice.sig()

    assert (0, "") == (stands.status, stands.stderr)
    assert (
        f"folder    {alice.folder}/ {alice.signer}\n"
        "trusted   2 keys\n"
        f"remotes   1, fetched {today()}\n"
        "attested  3 files, 2 not published\n"
        "index     ok\n"
        "next      sig publish\n"
    ) == stands.stdout

    assert 0 == alice.sig("publish", world.path / "www").status
    assert "attested  3 files\n" in alice.sig().stdout


def test_the_next_command_leads_from_nothing_to_the_first_statement(world: World) -> None:
    """Whoever types `sig` only, and then what it says, arrives."""
    person = world.person("alice", folder=False)

    before = person.sig()
    assert (0, "") == (before.status, before.stderr)
    assert f"folder    {person.folder}/ (not made yet)\nnext      sig setup\n" == before.stdout
    assert not person.folder.exists()

    listed = person.sig("setup")
    assert (0, f"sig setup {person.fingerprint}  # {person.uid}\n") == (
        listed.status,
        listed.stdout,
    )
    assert 0 == person.sig(*listed.stdout.partition("#")[0].split()[1:]).status
    assert person.sig().stdout.endswith("index     ok\nnext      sig attest FILE\n")


def test_every_statement_is_shown_with_who_when_and_why(
    world: World, alice: Person, bob: Person
) -> None:
    """`sig show`: key, says, comment, counted; it answers with 0 whatever the answer is."""
    id = bob.attests("works\n", "--ok", "--reviewed", "-m", "works")
    alice.sig("remote", "add", "hello-world", world.serve(bob.folder / "repo").url, "-f")
    test = alice.write("test.txt", "works\n")

    shown = alice.sig("show", "./test.txt")

    assert (0, "") == (shown.status, shown.stderr)
    at = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown.stdout)
    assert at is not None
    assert (
        f"identified file as {id}\n"
        f"untrusted {bob.signer}\n"
        f"    key       {bob.fingerprint}\n"
        f"    says      ok, reviewed, {at[0]}, from hello-world\n"
        '    comment   "works"\n'
        "    counted   no: the key is not trusted\n"
        f"file {test} is not verified.\n"
    ) == shown.stdout
    assert shown.stdout.replace(f"file {test}", f"file {id}") == alice.sig("show", id).stdout


def test_lists_of_trust_remotes_and_keys(world: World, alice: Person, bob: Person) -> None:
    """`trust list`, `remote list` and `key list` have one line each."""
    bob.attests("works\n")
    url = world.serve(bob.folder / "repo").url
    alice.sig("remote", "add", "hello-world", url, "-f")

    assert (0, f"{alice.signer}\n", "") == tuple_of(alice.sig("trust", "list"))
    assert (0, f'"hello-world" {url}\n', "") == tuple_of(alice.sig("remote", "list"))
    assert (
        0,
        f"{alice.fingerprint} own {alice.uid}\n{bob.fingerprint} known {bob.uid}\n",
        "",
    ) == tuple_of(alice.sig("key", "list"))
    alice.sig("trust", "add", bob.fingerprint)
    assert f"{bob.fingerprint} trusted {bob.uid}" in alice.sig("key", "list").lines


def tuple_of(ran: Ran) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    return ran.status, ran.stdout, ran.stderr


def test_a_second_fetch_and_one_that_fails(world: World, alice: Person, bob: Person) -> None:
    """`unchanged`, `failed`, what still counts, the total, and exit 4."""
    bob.attests("works\n")
    carol = world.person("carol")
    carol.attests("too\n")
    steady, broken = world.serve(bob.folder / "repo"), world.serve(carol.folder / "repo")
    alice.sig("remote", "add", "a", steady.url)
    alice.sig("remote", "add", "bob", broken.url)
    assert 0 == alice.sig("fetch").status
    broken.answers["/repo.json"] = 404

    again = alice.sig("fetch")

    assert 4 == again.status
    assert (
        f"GET {steady.url}repo.json... unchanged.\n"
        f"GET {steady.url}key.asc... unchanged.\n"
        f"GET {broken.url}repo.json... failed.\n"
    ) == again.stdout
    assert (
        f"error: bob: 404 Not Found; what was fetched on {today()} still counts\n"
        "2 remotes: 0 new, 1 unchanged, 1 failed, 0 refused\n"
    ) == again.stderr
    # The rest was taken and is told apart: 304 is an answer, 404 is none.
    # The first fetch found out that there is no tree.
    assert [404, 200, 200, 304, 304] == steady.statuses


def test_publish_and_compare(world: World, alice: Person) -> None:
    """`Published 3 statements (1 new) to …, sequence 4.` and what is behind."""
    www = world.path / "www"
    alice.attests("one\n")
    alice.attests("two\n")
    assert (
        f"Published 2 statements (2 new) to {www}/, sequence 3.\n"
        == alice.sig("publish", www).stdout
    )
    alice.attests("three\n")
    server = world.serve(www)

    behind = alice.sig("publish", "--check", server.url)
    assert (1, f"{server.url} has sequence 3, this folder 4.\n", "") == tuple_of(behind)
    assert (0, f"Published 3 statements (1 new) to {www}/, sequence 4.\n", "") == tuple_of(
        alice.sig("publish", www)
    )
    same = alice.sig("publish", "--check", server.url)
    assert (0, f"{server.url} has sequence 4, as this folder.\n", "") == tuple_of(same)


def test_what_is_not_verified_does_not_run(world: World, alice: Person, bob: Person) -> None:
    """`sig run`: the signers, the last line and `error: not run`, all on stderr; exit 111."""
    content = "#!/bin/sh\necho ran\n"
    bob.attests(content)
    alice.sig("remote", "add", "bob", world.serve(bob.folder / "repo").url, "-f")
    script = alice.write("test.sh", content)

    refused = alice.sig("run", "./test.sh")

    assert (111, "") == (refused.status, refused.stdout)
    assert (
        f"untrusted {bob.signer}\nfile {script} is not verified.\nerror: not run\n"
    ) == refused.stderr


def test_a_key_that_nobody_met(alice: Person) -> None:
    """`error: Key not found: 12345678` and where keys come from; exit 1."""
    assert (1, "", "error: Key not found: 12345678\nhint: sig fetch\n") == tuple_of(
        alice.sig("trust", "add", "12345678")
    )


def test_several_files_have_a_block_each_and_a_total(world: World, alice: Person) -> None:
    """The total stands on stderr; 3 if any is bad, else 4, else 1, else 0."""
    alice.attests("good\n", name="good")
    alice.attests("bad\n", "--not-ok", "--reviewed", name="bad")
    alice.write("unknown", "unknown\n")
    bob = world.person("bob")
    bob.attests("untrusted\n")
    alice.write("untrusted", "untrusted\n")
    alice.sig("remote", "add", "bob", world.serve(bob.folder / "repo").url, "-f")

    three = alice.sig("verify", "good", "untrusted", "unknown")
    assert 1 == three.status
    assert "3 files: 1 ok, 0 marked bad, 1 not verified, 1 unknown, 0 unreadable\n" == three.stderr
    assert 3 == three.stdout.count("identified file as ")
    assert 4 == alice.sig("verify", "good", "missing").status
    all_of_them = alice.sig("verify", "good", "missing", "bad", "untrusted", "unknown")
    assert 3 == all_of_them.status
    assert (
        f"error: {alice.place}/missing: No such file or directory\n"
        "5 files: 1 ok, 1 marked bad, 1 not verified, 1 unknown, 1 unreadable\n"
    ) == all_of_them.stderr
    assert 0 == alice.sig("verify", "good", "./good").status
