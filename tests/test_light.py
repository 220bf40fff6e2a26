"""What `sig verify` loads: every module costs all users, every time."""

from __future__ import annotations

import subprocess
import sys

from tests.world import World

# What a verdict has no need of. `dataclasses` brings `inspect` with it.
HEAVY = ("requests", "gnupg", "cryptography", "subprocess", "click", "dataclasses", "filelock")

SCRIPT = """
import sys
import sig.cli
try:
    sig.cli.main(sys.argv[1:])
finally:
    sys.stderr.write(" ".join(sorted(sys.modules)))
"""


def test_a_verdict_loads_nothing_heavy(world: World) -> None:
    """Neither network, GnuPG, a second OpenPGP engine nor the command line library is loaded."""
    alice, bob = world.person("alice"), world.person("bob")
    alice.write("own", "own\n")
    alice.write("theirs", "theirs\n")
    alice.write("unknown", "unknown\n")
    assert 0 == alice.sig("attest", "own", "--ok", "--reviewed", "-m", "").status
    bob.attests("theirs\n", "--ok", "--reviewed", "-m", "")
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    assert 0 == alice.sig("trust", "add", bob.fingerprint).status
    for name, status in (("own", 0), ("theirs", 0), ("unknown", 1)):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "--dir", str(alice.folder), "verify", name],
            env=alice.environment,
            cwd=alice.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (status, True) == (done.returncode, bool(done.stdout)), done.stderr
        loaded = {module.partition(".")[0] for module in done.stderr.split()}
        assert set() == loaded & set(HEAVY)


def test_the_short_way_says_what_the_long_way_says(world: World) -> None:
    """Without an option the line is not read by click; the words and the status are the same."""
    alice = world.person("alice")
    alice.write("file", "text\n")
    alice.write("other", "unknown\n")
    assert 0 == alice.sig("attest", "file", "--ok", "--reviewed", "-m", "").status
    named = [("--dir", str(alice.folder)), ()]
    for words in (("file",), ("other",), ("file", "other"), ("missing",), ("file", "missing")):
        for before in named:
            short = alice.sig(*before, "verify", *words)
            long = alice.sig(*before, "--offline", "verify", *words)
            assert (long.status, long.stdout) == (short.status, short.stdout)
            assert long.stderr == short.stderr
