"""The configuration: what 2016 wrote reads, what is unknown is kept, no name is a path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sig.errors import FormatError
from sig.model import strict, wire
from sig.model.configuration import Configuration, Remote, remote_name
from sig.model.fingerprint import Fingerprint

KEY = Fingerprint("0123456789ABCDEF0123456789ABCDEF01234567")
ALICE = "2BFAEC78CA0748860DD021404DDF9A42E3F2AA1B"
BOB = "38012069C685C670ECBFF55EC8A35A4E7DC1304D"
ANCESTOR = Path(__file__).parents[2] / "vectors" / "ancestor"
DATA: dict[str, Any] = {"trust": {}, "policy": {}, "remotes": {}, "version": "0.0.1"}


def read(data: Any) -> Configuration:
    """What an unsigned configuration of this data says."""
    return wire.configuration(json.dumps({"data": data}).encode())[0]


def test_the_configuration_of_2016_is_read() -> None:
    """For ever; and written again it says the same to that program."""
    raw = (ANCESTOR / "home" / "config").read_bytes()
    found, signed, sig = wire.configuration(raw)
    assert (ALICE, None) == (found.key, found.sequence)
    assert {ALICE, BOB} == found.trust
    assert (Remote("bob", "http://127.0.0.1:8765/"),) == found.remotes
    assert {"ok": 1, "not-ok": 0} == found.policy
    assert sig
    assert signed == wire.configuration_data(found)


def test_an_unsigned_configuration_has_neither_key_nor_signature() -> None:
    """Of a folder that cannot sign."""
    found, signed, sig = wire.configuration(wire.unsigned(strict.canonical(DATA)))
    assert (None, None, strict.canonical(DATA)) == (found.key, sig, signed)


def test_everything_reads_back() -> None:
    """Fields that this program does not know are kept, beside those that it writes."""
    data = DATA | {
        "sequence": 7,
        "trust": {ALICE: True, BOB: True},
        "policy": {"ok": 2},
        "remotes": {"Bob": {"url": "http://b/", "key": BOB, "later": [1]}},
        "publish": {"target": "/srv"},
        "later": {"a": 1},
    }
    found = read(data)
    assert (7, (Remote("Bob", "http://b/", Fingerprint(BOB)),)) == (found.sequence, found.remotes)
    written = json.loads(wire.configuration_data(found))
    assert data | {"repo_dir": "repo/", "secret_keyring": None} == written


def test_trust_that_is_not_true_is_none() -> None:
    """true is not 1."""
    assert {ALICE} == read(DATA | {"trust": {ALICE: True, BOB: False}}).trust
    assert frozenset() == read(DATA | {"trust": {ALICE: 1, BOB: "true"}}).trust


def test_a_remote_is_found_whatever_the_case() -> None:
    """On some file systems both are one folder."""
    found = read(DATA | {"remotes": {"Bob": {"url": "http://b/"}}})
    assert found.remotes[0] == found.remote("bOB")
    assert found.remote("alice") is None


@pytest.mark.parametrize(
    "data",
    [
        {"version": "0.0.1"},
        DATA | {"version": "0.0.2"},
        DATA | {"version": None},
        DATA | {"id": "x"},
        DATA | {"attestations": {}},
        DATA | {"type": "root"},
        DATA | {"trust": []},
        DATA | {"trust": {ALICE[-8:]: True}},
        DATA | {"trust": {ALICE.lower(): True}},
        DATA | {"policy": None},
        DATA | {"remotes": []},
        DATA | {"remotes": {"bob": "http://b/"}},
        DATA | {"remotes": {"bob": {}}},
        DATA | {"remotes": {"bob": {"url": 1}}},
        DATA | {"remotes": {"bob": {"url": "http://b/", "key": BOB[-8:]}}},
        DATA | {"remotes": {"../bob": {"url": "http://b/"}}},
        DATA | {"remotes": {"bob": {"url": "a"}, "BOB": {"url": "b"}}},
        DATA | {"publish": 1},
        DATA | {"sequence": 0},
        DATA | {"sequence": True},
        [],
        None,
    ],
)
def test_a_configuration_that_breaks_a_rule_is_refused(data: Any) -> None:
    """Whom to trust is never guessed."""
    with pytest.raises(FormatError):
        read(data)


def test_a_configuration_with_half_a_signature_is_refused() -> None:
    """Either it is signed or it is not."""
    for more in ({"key": KEY}, {"sig": "YQ=="}, {"key": KEY, "sig": "YQ==", "tst": "YQ=="}):
        with pytest.raises(FormatError):
            wire.configuration(json.dumps({"data": DATA} | more).encode())


@pytest.mark.parametrize(
    "name",
    ["a", "hello-world", "A.b_c-9", "9", "a" * 64, "con-1", "com", "com10", "nullify", "a..b"],
)
def test_a_remote_may_have_this_name(name: str) -> None:
    """The twin of those below."""
    assert name == remote_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/a",
        "-a",
        ".a",
        "_a",
        "a" * 65,
        "a b",
        "a\n",
        "a\0",
        "a:b",
        "é",
        "e\u0301",
        "\u00e9",
        "\u0130",
        "а",
        "CON",
        "con",
        "Con.txt",
        "nul",
        "nul.a.b",
        "AUX.",
        "prn",
        "com1",
        "COM0",
        "lpt9.x",
        "a.",
        "a..",
    ],
)
def test_a_remote_may_not_have_that_name(name: str) -> None:
    """It becomes the name of a folder: no path, no device, no twin in another spelling."""
    with pytest.raises(ValueError):
        remote_name(name)
