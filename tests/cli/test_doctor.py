"""`sig doctor` and `sig demo`: what is wrong, what helps, and the whole story."""

from __future__ import annotations

import time

from tests.cli.conftest import Told
from tests.world import World, contents, make_key, snapshot, trusted_state


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


def test_the_demo_tells_the_whole_story_and_leaves_nothing(world: World) -> None:
    """In under half a minute, on keys of its own; HOME, GnuPG and folder stay as they are.

    Also where TMPDIR has a long name: the path of an agent's socket has at most 108 bytes.
    """
    person = world.newcomer("person")
    before = snapshot(person.home)
    temporary = world.path / ("t" * 60)
    temporary.mkdir()
    began = time.monotonic()

    ran = person.sig("demo", env={"TMPDIR": str(temporary)})

    assert 0 == ran.status, ran
    assert 30 > time.monotonic() - began
    for words in ("is ok.", "is not verified.", "is marked bad!", "Imported [", "Trusted: ["):
        assert words in ran.stdout
    assert before == snapshot(person.home)
    assert [] == list(temporary.iterdir())


def test_the_demo_needs_its_loopback_server(told: Told) -> None:
    """--offline opens no socket anywhere: with the demo it is a usage error."""
    ran = told.alice.sig("--offline", "demo")

    assert (2, "") == (ran.status, ran.stdout)
    assert "--offline" in ran.stderr
