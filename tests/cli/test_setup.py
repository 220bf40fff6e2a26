"""`sig setup`: a folder for an own key, a new key, a second machine, a folder that had none."""

from __future__ import annotations

import stat

from tests.world import Person, Ran, World, make_key, trusted_state


def words_of(ran: Ran) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    return ran.status, ran.stdout, ran.stderr


def welcome(person: Person) -> str:
    """What setup says."""
    return (
        f"Initialized config directory at: {person.folder}/\n"
        f"With public key fingerprint: {person.fingerprint}\n"
        "Welcome to Signet! :)\n"
    )


def test_every_secret_key_is_listed_with_its_command(world: World) -> None:
    """Without KEYID: one command each, to be copied; keys that cannot sign are left out."""
    person = world.person("alice", folder=False)
    other = make_key(person, "Work <work@example.org>")
    person.gpg("--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key",
               "Box <box@example.org>", "rsa2048", "encr", "never")  # fmt: skip

    ran = person.sig("setup")

    assert (0, "") == (ran.status, ran.stderr)
    assert {
        f"sig setup {person.fingerprint}  # {person.uid}",
        f"sig setup {other}  # Work <work@example.org>",
    } == set(ran.lines)
    assert not person.folder.exists()
    keys = person.sig("setup", "--json").json["keys"]
    assert {person.fingerprint, other} == {key["key"] for key in keys}
    assert {"key", "uid", "own", "trusted", "expires", "revoked"} == set(keys[0])


def test_the_folder_is_private_and_the_own_key_is_trusted(world: World) -> None:
    """0700 and 0600 whatever the umask; the secret key stays in GnuPG."""
    import os

    person = world.person("alice", folder=False)
    before = os.umask(0o022)
    try:
        assert (0, welcome(person), "") == words_of(person.sig("setup", person.fingerprint))
    finally:
        os.umask(before)

    for path in [person.folder, *person.folder.rglob("*")]:
        assert (0o700 if path.is_dir() else 0o600) == stat.S_IMODE(path.stat().st_mode), path
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()
    assert [person.signer] == person.sig("trust", "list").lines


def test_setup_again_is_no_harm(alice: Person) -> None:
    """The same key says the same; another key is refused and nothing changes."""
    alice.attests("f\n", name="f")
    before = trusted_state(alice.folder)
    other = make_key(alice, "Other <other@example.org>")

    assert (0, welcome(alice), "") == words_of(alice.sig("setup", alice.fingerprint))
    assert 0 == alice.sig("verify", "f").status
    after = trusted_state(alice.folder)
    refused = alice.sig("setup", other)

    assert {name: before[name] for name in before if name != "config"} == {
        name: after[name] for name in after if name != "config"
    }
    assert (1, "") == words_of(refused)[:2]
    assert f"belongs to {alice.fingerprint}" in refused.stderr
    assert after == trusted_state(alice.folder)


def test_a_new_key_is_made_in_the_own_gnupg(world: World) -> None:
    """`--new "Name <mail>"`: an Ed25519 key with which one can attest at once."""
    import os

    person = world.newcomer("dora")
    reader, writer = os.pipe()
    os.write(writer, b"a new passphrase\n")
    os.close(writer)

    ran = person.sig(
        "setup", "--new", person.uid, "--passphrase-fd", str(reader), pass_fds=[reader]
    )

    os.close(reader)
    assert 0 == ran.status, ran
    person.fingerprint = ran.lines[1].split()[-1]
    assert welcome(person) == ran.stdout
    listed = person.gpg("--with-colons", "--list-secret-keys").splitlines()
    assert [person.fingerprint] == [
        line.split(":")[9] for line in listed if line.startswith("fpr:")
    ]
    assert [person.signer] == person.sig("trust", "list").lines


def test_a_second_machine_takes_over_what_was_published(world: World, alice: Person) -> None:
    """`--from` a folder or a URL: the statements of the own key, and its sequence."""
    alice.attests("one\n")
    alice.attests("two\n", "--not-ok", "--reviewed")
    assert 0 == alice.sig("publish", world.path / "www").status
    url = world.serve(world.path / "www").url

    for sequence, source in enumerate((str(world.path / "www"), url), 4):
        laptop = world.newcomer("alice", key_of="alice")
        laptop.write("one", "one\n")
        laptop.write("two", "two\n")
        ran = laptop.sig("setup", laptop.fingerprint, "--from", source)
        assert 0 == ran.status, ran
        assert "Took over 2 statements." in ran.lines
        assert 0 == laptop.sig("verify", "one").status
        assert 3 == laptop.sig("verify", "two").status
        assert f"sequence {sequence}." in laptop.sig("publish", world.path / "www").stdout


def test_nothing_is_taken_over_from_another_key(world: World, alice: Person, bob: Person) -> None:
    """What is there is somebody else's: refused, and no folder is made."""
    bob.attests("one\n")
    laptop = world.newcomer("alice", key_of="alice")

    ran = laptop.sig("setup", laptop.fingerprint, "--from", bob.folder / "repo")

    assert (1, "") == words_of(ran)[:2]
    assert f"signed by {bob.fingerprint}" in ran.stderr
    assert not laptop.folder.exists()


def test_where_nothing_is_nothing_is_taken_over(world: World) -> None:
    """An empty folder, one that is not there, a host that answers 404: refused, as git does.

    The next step is the command without it.
    """
    laptop = world.person("alice", folder=False)
    empty = world.path / "empty"
    empty.mkdir()

    for source in (str(empty), str(empty / "missing"), world.serve(empty).url):
        ran = laptop.sig("setup", laptop.fingerprint, "--from", source)
        told = f"error: there is no repository at {source}, nothing is taken over\n"
        assert (1, "", f"{told}hint: sig setup {laptop.fingerprint}\n") == words_of(ran)
        code = laptop.sig("setup", laptop.fingerprint, "--from", source, "--json").json["error"]
        assert ("refused", f"sig setup {laptop.fingerprint}") == (code["code"], code["hint"])
        assert not laptop.folder.exists()


def test_it_says_how_much_was_found(world: World, alice: Person) -> None:
    """A repository without a statement, one with some, and once more where they are here."""
    www = world.path / "www"
    assert 0 == alice.sig("publish", www).status
    laptop = world.newcomer("alice", key_of="alice")
    words = ("setup", laptop.fingerprint, "--from", www)

    none = laptop.sig(*words)
    told = f"note: the repository at {www} has no statement of this key yet\n"
    assert (0, told) == (none.status, none.stderr)
    assert "Took over 0 statements." in none.lines
    alice.attests("one\n")
    alice.sig("publish", www)
    some = laptop.sig(*words)
    assert (0, "") == (some.status, some.stderr)
    assert "Took over 1 statement." in some.lines
    again = laptop.sig(*words)
    assert (0, f"note: what this key stated at {www} was here already\n") == (
        again.status,
        again.stderr,
    )
    json = laptop.sig(*words, "--json").json
    assert (1, 0) == (json["found"], json["took_over"])


def test_the_list_of_keys_keeps_the_place(world: World) -> None:
    """`sig setup --from URL` without KEYID: the commands that are listed have it too."""
    person = world.person("alice", folder=False)

    ran = person.sig("setup", "--from", "a place")

    line = f"sig setup {person.fingerprint} --from 'a place'  # {person.uid}"
    assert (0, [line]) == (ran.status, ran.lines)


def test_an_older_configuration_is_shown_and_signed_only_by_who_says_yes(
    world: World, alice: Person, bob: Person
) -> None:
    """A config of before Bob's trust was taken back: no verdict, one next command, a question."""
    bob.attests("theirs\n")
    alice.write("f", "theirs\n")
    alice.sig("remote", "add", "bob", world.serve(bob.folder / "repo").url, "-f")
    alice.sig("trust", "add", bob.fingerprint)
    config = alice.folder / "config"
    older = config.read_bytes()
    alice.sig("trust", "remove", bob.fingerprint)
    config.write_bytes(older)
    before = trusted_state(alice.folder)

    doubt = "config is an older one: it has sequence 3, and 4 was signed here"
    hint = f"hint: sig setup {alice.fingerprint}\n"
    verdict = alice.sig("verify", "f")
    assert (4, "") == words_of(verdict)[:2]
    assert f"error: {alice.place}/f: {doubt}\n{hint}" == verdict.stderr
    assert (4, "", f"error: {doubt}\n{hint}") == words_of(alice.sig("trust", "list"))
    doctor = alice.sig("doctor")
    assert f"problem  {doubt}" in doctor.lines
    assert f"next     sig setup {alice.fingerprint}" == doctor.lines[-1]
    question = (
        f"{doubt}; it trusts:\n"
        f"  {alice.fingerprint} {alice.uid}\n"
        f"  {bob.fingerprint} {bob.uid}\n"
        'and its policy is {"not-ok": 0, "ok": 1}\n'
        "Sign this with your key (yes/no): "
    )
    assert (1, "", f"{question}error: nothing is signed\n") == words_of(
        alice.sig("setup", alice.fingerprint, input="no\n")
    )
    assert before == trusted_state(alice.folder)
    assert (0, welcome(alice), question) == words_of(
        alice.sig("setup", alice.fingerprint, input="yes\n")
    )
    assert (0, welcome(alice), "") == words_of(alice.sig("setup", alice.fingerprint))
    assert (5, 0) == (alice.read("config")["data"]["sequence"], alice.sig("verify", "f").status)


def test_yes_signs_an_older_configuration_and_shows_it(alice: Person) -> None:
    """Nothing is asked, and nothing is accepted unseen."""
    older = (alice.folder / "config").read_bytes()
    alice.sig("config", "publish.url", "https://alice.example.org/")
    (alice.folder / "config").write_bytes(older)

    ran = alice.sig("setup", alice.fingerprint, "--yes")

    assert (0, welcome(alice)) == words_of(ran)[:2]
    assert (
        "config is an older one: it has sequence 1, and 2 was signed here; it trusts:\n"
        == (ran.stderr.splitlines(keepends=True)[0])
    )
    assert 3 == alice.read("config")["data"]["sequence"]


def test_from_a_host_that_is_not_there(world: World) -> None:
    """Exit 4, no folder; offline too."""
    laptop = world.person("alice", folder=False)

    for words in ((), ("--offline",)):
        ran = laptop.sig("setup", laptop.fingerprint, "--from", "http://127.0.0.1:1/", *words)
        assert (4, "") == words_of(ran)[:2]
        assert not laptop.folder.exists()


def test_a_folder_without_a_key_shows_whom_it_trusts_and_asks(world: World, bob: Person) -> None:
    """Signing it means to stand by what it says: yes signs, no and the end of the input do not."""
    alice = world.person("alice", folder=False)
    bob.attests("theirs\n")
    alice.write("f", "theirs\n")
    alice.sig("remote", "add", "bob", world.serve(bob.folder / "repo").url, "-f")
    alice.sig("trust", "add", bob.fingerprint)
    before = trusted_state(alice.folder)
    question = (
        "this folder has no own key yet, and trusts:\n"
        f"  {bob.fingerprint} {bob.uid}\n"
        "Sign this with your key (yes/no): "
    )

    assert (1, "", question + "error: nothing is signed\n") == words_of(
        alice.sig("setup", alice.fingerprint, input="no\n")
    )
    assert (1, "", question + "\nerror: no answer, nothing is signed\n") == words_of(
        alice.sig("setup", alice.fingerprint)
    )
    assert before == trusted_state(alice.folder)
    assert (0, welcome(alice), question) == words_of(
        alice.sig("setup", alice.fingerprint, input="yes\n")
    )
    assert alice.fingerprint == alice.read("config")["key"]
    assert {alice.signer, bob.signer} == set(alice.sig("trust", "list").lines)
    assert 0 == alice.sig("verify", "f").status


def test_yes_answers_that_confirmation(world: World, bob: Person) -> None:
    """--yes, for scripts."""
    alice = world.person("alice", folder=False)
    certificate = bob.gpg("--export", "--armor", bob.fingerprint)
    alice.sig("key", "import", "-", input=certificate)
    alice.sig("trust", "add", bob.fingerprint)

    assert (0, welcome(alice), "") == words_of(alice.sig("setup", alice.fingerprint, "--yes"))
