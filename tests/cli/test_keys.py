"""KEY and its spellings, `sig trust` and `sig key`."""

from __future__ import annotations

import itertools
from hashlib import sha1

import pytest

from tests.cli.conftest import Told
from tests.world import Forger, Person, Ran, World, make_key, smith, trusted_state


def words_of(ran: Ran) -> tuple[int, str, str]:
    """Status, standard output and standard error."""
    return ran.status, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    "spelling",
    [
        lambda key: key,
        lambda key: key.lower(),
        lambda key: "0x" + key,
        lambda key: " ".join(key[at : at + 4] for at in range(0, 40, 4)),
        lambda key: key[-8:],
        lambda key: "0x" + key[-8:].lower(),
        lambda key: key[-9:],
        lambda key: key[-16:],
    ],
)
def test_a_key_is_a_fingerprint_or_its_last_digits(told: Told, spelling: object) -> None:
    """Spaces and 0x are fine; of a short one the full one is shown on stderr."""
    key = spelling(told.carol.fingerprint)
    digits = key.replace(" ", "").upper().removeprefix("0X")

    ran = told.alice.sig("key", "show", key)

    assert 0 == ran.status
    assert told.carol.signer == ran.lines[0]
    expected = "" if len(digits) == 40 else f"note: {key} is {told.carol.fingerprint}\n"
    assert expected == ran.stderr


@pytest.mark.parametrize("text", ["alice", "carol@example.org", "1234567", "", "0x", "G" * 40])
def test_a_name_is_no_key(told: Told, text: str) -> None:
    """A user id never chooses a key: anyone can have any name. Exit 2."""
    for words in (("trust", "add"), ("trust", "remove"), ("key", "show"), ("setup",)):
        ran = told.alice.sig(*words, text)
        assert (2, "") == (ran.status, ran.stdout)


@pytest.fixture(scope="session")
def twins() -> list[tuple[str, bytes]]:
    """Two certificates whose fingerprints end in the same eight digits.

    A fingerprint covers the second of the key's birth: among some 80 000 seconds two collide.
    """
    one, two = Forger(b"One <one@example.org>"), Forger(b"Two <two@example.org>")
    two.key.secret = one.key.secret
    body = bytearray(one.key.body)
    seen: dict[bytes, int] = {}
    for second in itertools.count(smith().BORN):
        body[1:5] = second.to_bytes(4, "big")
        ends = sha1(b"\x99" + len(body).to_bytes(2, "big") + body).digest()[-4:]  # noqa: S324
        if ends in seen:
            break
        seen[ends] = second
    one.born(seen[ends])
    two.born(second)
    return sorted((each.fingerprint, each.certificate) for each in (one, two))


def test_where_two_keys_end_alike_nothing_happens(
    again: Told, twins: list[tuple[str, bytes]]
) -> None:
    """All full fingerprints are listed, 1, the folder is what it was; a longer one is taken."""
    alice = again.alice
    both = alice.write("both.pgp", b"".join(certificate for _, certificate in twins))
    assert 0 == alice.sig("key", "import", both).status
    (one, _), (two, _) = twins
    short = one[-8:]
    assert short == two[-8:]
    before = trusted_state(alice.folder)
    names = {key: alice.sig("key", "show", key).lines[0].partition("] ")[2] for key in (one, two)}

    ran = alice.sig("trust", "add", short)

    assert (
        1,
        "",
        f"error: 2 keys end in {short}, nothing changed\n"
        f"  {one} {names[one]}\n"
        f"  {two} {names[two]}\n",
    ) == words_of(ran)
    json = alice.sig("trust", "add", short, "--json")
    assert (1, "key-ambiguous") == (json.status, json.json["error"]["code"])
    assert [{"key": key, "uid": names[key]} for key in (one, two)] == json.json["error"]["matches"]
    for words in (
        ("trust", "remove", short),
        ("key", "show", short),
        ("remote", "add", "x", "http://example.org/", "--key", short),
    ):
        assert (1, "") == words_of(alice.sig(*words))[:2]
    assert before == trusted_state(alice.folder)
    assert f"Trusted: [{short}] {names[one]}\n" == alice.sig("trust", "add", one).stdout
    assert one in alice.sig("-v", "trust", "list").stdout
    assert two not in alice.sig("-v", "trust", "list").stdout


# --- trust ---------------------------------------------------------------------------------------


def test_trust_is_added_and_removed(again: Told) -> None:
    """Twice is once; each says what holds now."""
    alice, carol = again.alice, again.carol

    assert (0, f"Trusted: {carol.signer}\n", "") == words_of(
        alice.sig("trust", "add", carol.fingerprint)
    )
    assert 0 == alice.sig("verify", "untrusted").status
    before = trusted_state(alice.folder)
    assert (0, f"Trusted: {carol.signer}\n", "") == words_of(
        alice.sig("trust", "add", carol.fingerprint)
    )
    assert before == trusted_state(alice.folder)
    assert (0, f"No longer trusted: {carol.signer}\n", "") == words_of(
        alice.sig("trust", "remove", carol.fingerprint)
    )
    assert 1 == alice.sig("verify", "untrusted").status
    assert (0, f"Not trusted: {carol.signer}\n", "") == words_of(
        alice.sig("trust", "remove", carol.fingerprint)
    )
    assert [alice.signer, again.bob.signer] == alice.sig("trust", "list").lines


def test_trust_and_key_speak_json(again: Told) -> None:
    """`"keys": [{"key", "uid", "own", "trusted", "expires", "revoked"}]`."""
    alice = again.alice

    def entry(person: Person, own: bool, trusted: bool) -> dict[str, object]:
        return {
            "key": person.fingerprint,
            "uid": person.uid,
            "own": own,
            "trusted": trusted,
            "expires": None,
            "revoked": False,
        }

    mine, bobs = entry(alice, True, True), entry(again.bob, False, True)
    assert {"version": 1, "keys": [mine, bobs]} == alice.sig("trust", "list", "--json").json
    assert [mine, bobs, entry(again.carol, False, False)] == (
        alice.sig("key", "list", "--json").json["keys"]
    )
    added = alice.sig("trust", "add", again.carol.short, "--json")
    assert (0, [entry(again.carol, False, True)]) == (added.status, added.json["keys"])
    assert [entry(again.carol, False, True)] == (
        alice.sig("trust", "show", again.carol.short, "--json").json["keys"]
    )
    assert [entry(again.carol, False, False)] == (
        alice.sig("trust", "remove", again.carol.short, "--json").json["keys"]
    )
    assert [mine] == alice.sig("setup", "--json").json["keys"]


def test_all_that_is_known_of_a_key(told: Told) -> None:
    """`key show` and `trust show` have the same lines."""
    shown = told.alice.sig("key", "show", told.bob.fingerprint)

    assert 0 == shown.status
    made = shown.lines[2].removeprefix("    made      ")
    assert [
        told.bob.signer,
        f"    key       {told.bob.fingerprint}",
        f"    made      {made}",
        "    expires   never",
        "    state     trusted",
        "    trusted   yes",
    ] == shown.lines
    assert shown.stdout == told.alice.sig("trust", "show", told.bob.fingerprint).stdout
    assert "    trusted   yes, it is your own key" in (
        told.alice.sig("key", "show", told.alice.fingerprint).lines
    )


def test_a_key_of_the_own_gnupg_can_be_trusted(again: Told) -> None:
    """It is met there, not yet in the folder; short and full."""
    alice = again.alice
    dora = make_key(alice, "Dora <dora@example.org>")

    assert (1, "") == words_of(alice.sig("key", "show", dora))[:2]
    ran = alice.sig("trust", "add", dora[-8:])

    assert (
        0,
        f"Trusted: [{dora[-8:]}] Dora <dora@example.org>\n",
        f"note: {dora[-8:]} is {dora}\n",
    ) == (words_of(ran))
    assert 0 == alice.sig("key", "show", dora).status


def test_a_folder_without_a_key_can_trust_and_fetch(world: World, bob: Person) -> None:
    """Unsigned, and it says so; verifying needs no key of one's own."""
    bob.attests("theirs\n")
    reader = world.newcomer("reader")
    reader.write("f", "theirs\n")
    unsigned = "note: this folder has no own key, so its configuration is not signed\n"

    added = reader.sig("remote", "add", "bob", world.serve(bob.folder / "repo").url)
    assert (0, "", unsigned) == words_of(added)
    assert 0 == reader.sig("fetch").status
    trusted = reader.sig("trust", "add", bob.fingerprint)
    assert (0, f"Trusted: {bob.signer}\n", unsigned) == words_of(trusted)
    assert 0 == reader.sig("verify", "f").status
    assert f"folder    {reader.folder}/ (no own key)" == reader.sig().lines[0]


# --- key -----------------------------------------------------------------------------------------


def test_importing_a_key_trusts_nobody(world: World, alice: Person) -> None:
    """From a file or a pipe, armored or binary, several at once."""
    bob, carol = world.person("bob", folder=False), world.person("carol", folder=False)
    armored = bob.gpg("--armor", "--export", bob.fingerprint)
    alice.write("bob.asc", armored)

    assert (0, f"Imported {bob.signer}.\n", "") == words_of(alice.sig("key", "import", "bob.asc"))
    from_pipe = alice.sig(
        "key", "import", "-", input=carol.gpg("--armor", "--export", carol.fingerprint)
    )
    assert (0, f"Imported {carol.signer}.\n", "") == words_of(from_pipe)
    assert f"{alice.signer}\n" == alice.sig("trust", "list").stdout
    states = {line.split()[0]: line.split()[1] for line in alice.sig("key", "list").lines}
    assert {
        alice.fingerprint: "own",
        bob.fingerprint: "known",
        carol.fingerprint: "known",
    } == states


def test_secret_keys_are_refused(world: World, alice: Person) -> None:
    """Nobody's secret key is taken into the folder."""
    bob = world.person("bob", folder=False)
    secret = bob.gpg("--armor", "--export-secret-keys", bob.fingerprint)
    before = trusted_state(alice.folder)

    ran = alice.sig("key", "import", "-", input=secret)

    assert (1, "") == words_of(ran)[:2]
    assert before == trusted_state(alice.folder)


def test_revoked_and_expired_keys_are_named_so(world: World, alice: Person) -> None:
    """`key list`: revoked, expired; `key show` says when and why."""
    forge = smith()
    old, gone = forge.Key(), forge.Key()
    certificates = (
        old.public
        + old.named(b"Old <old@example.org>", forge.BORN, expires=forge.YEAR)
        + gone.public
        + gone.revoke(forge.SUMMER, 2)
        + gone.named(b"Gone <gone@example.org>", forge.BORN)
    )
    alice.write("keys.pgp", certificates)
    imported = alice.sig("key", "import", "keys.pgp")
    assert 0 == imported.status, imported

    listed = alice.sig("key", "list").lines
    assert f"{old.fingerprint} expired Old <old@example.org>" in listed
    assert f"{gone.fingerprint} revoked Gone <gone@example.org>" in listed
    shown = alice.sig("key", "show", gone.fingerprint).lines
    assert any(line.startswith("    revoked   2020-07-01T00:00:00Z: ") for line in shown)
    before = trusted_state(alice.folder)
    refused = alice.sig("trust", "add", gone.fingerprint)
    assert (1, "") == words_of(refused)[:2]
    assert f"error: {gone.fingerprint} is revoked: " in refused.stderr
    assert before == trusted_state(alice.folder)
    json = {one["key"]: one for one in alice.sig("key", "list", "--json").json["keys"]}
    assert json[gone.fingerprint]["revoked"] is True
    assert "2020-12-31T00:00:00Z" == json[old.fingerprint]["expires"]
