"""Fuzzers of documents: what others published, and what the folder holds."""

from __future__ import annotations

import json

from fuzzer import Target, a_statement, files_of


def _documents() -> list[bytes]:
    return [raw for raw in files_of("ancestor/**/*") if raw[:1] == b"{"] + [
        b'{"attestations": {}, "version": "0.0.1"}',
        b'[0, -1, 9007199254740991, true, null, "\\u00e9\\ud83d\\ude00\\u007f"]',
        b"[" * 33 + b"]" * 33,
    ]


def _envelopes() -> list[bytes]:
    found = []
    for raw in _documents():
        value = json.loads(raw)
        if type(value) is dict and "attestations" in value.get("data", {}):
            for listed in value["data"]["attestations"].values():
                found += [json.dumps(one).encode() for one in listed]
    return found + [a_statement()]


def _repositories() -> list[bytes]:
    statement = json.loads(a_statement())
    data = {
        "attestations": {statement["data"]["id"]: [statement]},
        "version": "0.0.1",
        "sequence": 7,
        "previous": {"6": "0" * 64, "4": "1" * 64},
        "expires": "2030-01-31T23:59:59Z",
    }
    made = json.dumps({"data": data, "key": "B" * 64, "sig": "wsA="}, sort_keys=True).encode()
    return [*_documents(), made]


def _configurations() -> list[bytes]:
    data = {
        "trust": {"A" * 40: True, "B" * 64: False},
        "policy": {"ok": 2, "not-ok": 1, "criteria": ["x"], "late": "refuse", "stale": "count"},
        "remotes": {"bob": {"url": "https://example.org/", "key": "A" * 40, "note": "é"}},
        "publish": {"target": "/srv", "url": "https://example.org/"},
        "repo_dir": "repo/",
        "secret_keyring": None,
        "sequence": 3,
        "version": "0.0.1",
    }
    signed = {"data": data, "key": "A" * 40, "sig": "wsA="}
    return [
        *_documents(),
        json.dumps({"data": data}, sort_keys=True).encode(),
        json.dumps(signed, sort_keys=True).encode(),
    ]


def read(raw: bytes) -> None:
    """The strict reader takes a part of what JSON is, and means the same by it."""
    from sig.errors import FormatError
    from sig.model import strict

    try:
        value = strict.read(raw)
    except FormatError:
        return
    assert value == json.loads(raw)
    if type(value) is dict:
        text = strict.canonical(value)
        assert text.isascii() and text == json.dumps(value, sort_keys=True).encode()
        assert strict.read(text) == value
        assert strict.canonical(strict.read(text)) == text


def attestation(raw: bytes) -> None:
    """An envelope that reads is written to one that reads the same."""
    from sig.errors import FormatError
    from sig.model import wire

    try:
        one = wire.read_attestation(raw)
    except FormatError:
        return
    text = wire.envelope(one.key, one.signed, one.sig, one.tst)
    again = wire.read_attestation(text)
    assert (again.key, again.signed, again.sig, again.tst) == (
        one.key,
        one.signed,
        one.sig,
        one.tst,
    )
    assert wire.envelope(again.key, again.signed, again.sig, again.tst) == text
    said = one.statement
    assert not (said.ok and said.withdrawn)
    assert said.ok is (one.statement.data["ok"] is True)
    # What a reader of 2016 would take for a full review is one.
    data = json.loads(raw)["data"]
    assert not (data.get("ok") is True and data.get("reviewed") is True and "base" in data)


def repository(raw: bytes) -> None:
    """A repository reads as a stream if it reads at once, and is written to the same statements."""
    from sig.errors import FormatError
    from sig.model import stream, strict, wire

    # Windows of the reader end anywhere.
    strict._WINDOW = 1 + len(raw) % 97
    try:
        found = stream.whole(raw)
    except FormatError:
        return
    finally:
        strict._WINDOW = 1 << 20
    assert found.signed == strict.canonical(strict.read(raw)["data"])
    text = wire.envelope(found.key, found.signed, found.sig)
    again = stream.whole(text)
    assert again.digest == found.digest and again.signed == found.signed
    assert {one.digest for one in again.attestations} == {one.digest for one in found.attestations}
    assert len(again.malformed) == len(found.malformed)
    for one in found.attestations:
        assert str(one.statement.id) in json.loads(raw)["data"]["attestations"]
    written = stream.data(
        found.attestations, sequence=found.sequence or 1, previous={}, expires=found.expires
    )
    back = stream.whole(wire.envelope(found.key, written, found.sig))
    assert back.signed == written and not back.malformed
    assert {one.digest for one in back.attestations} == {one.digest for one in found.attestations}


def configuration(raw: bytes) -> None:
    """A configuration that reads is written, once and for all."""
    from sig.errors import FormatError
    from sig.model import wire

    try:
        found, _, _ = wire.configuration(raw)
    except FormatError:
        return
    text = wire.configuration_data(found)
    again, signed, sig = wire.configuration(wire.unsigned(text))
    assert (signed, sig, again.key) == (text, None, None)
    assert (again.trust, again.sequence) == (found.trust, found.sequence)
    assert sorted(again.remotes) == sorted(found.remotes)
    assert wire.configuration_data(again) == text


def policy(raw: bytes) -> None:
    """A policy that reads is written to itself, and nothing tightens it but a stricter one."""
    from sig.errors import FormatError
    from sig.model import strict
    from sig.trust import policy as policies

    try:
        value = strict.read(raw)
        if type(value) is not dict:
            return
        found = policies.read(value)
    except FormatError:
        return
    assert policies.read(policies.write(found)) == found
    assert policies.tightened(found, found) == found
    both = policies.tightened(policies.Policy(ok=3, not_ok=0, late=False), found)
    assert both.ok >= max(3, found.ok) and both.not_ok == 0 and not both.late
    assert both.criteria >= found.criteria


def memory(raw: bytes) -> None:
    """What must not be forgotten is either read whole or said to be damaged."""
    from sig.errors import StoreError
    from sig.repo import layout
    from sig.repo import memory as memories

    kind, body = raw[:1], raw[1:]
    try:
        if kind == b"s":
            state = memories.read_publishes(body)
            assert state is not None
            assert memories.read_publishes(memories.write_publishes(state)) == state
        elif kind == b"k":
            kept = memories.read_kept(body)
            text = memories.write_kept(kept)
            assert memories.write_kept(memories.read_kept(text)) == text
        elif kind == b"m":
            met = memories.read_met(body)
            assert memories.read_met(memories.write_met(met)) == met
        else:
            states = layout.history(body)
            assert layout.history(layout.written_history(states)) == states
    except StoreError:
        return


def following(raw: bytes) -> None:
    """The state of a remote, and the part of it that a verdict reads."""
    from sig.errors import StoreError
    from sig.repo import remotes

    try:
        state = remotes.read(raw, "https://example.org/")
    except StoreError:
        return
    assert remotes.expires(raw) == state.expires
    assert remotes.read(remotes.write(state), "https://example.org/") == state


def _memories() -> list[bytes]:
    envelope = json.loads(a_statement())
    return [
        b's{"digest": "' + b"0" * 64 + b'", "sequence": 4}',
        b"k" + json.dumps({"kept": [envelope], "version": 1}).encode(),
        b"m" + b"0" * 32 + b" 1700000000\n",
        b"h1 " + b"0" * 64 + b"\n2 " + b"1" * 64 + b"\n",
    ]


def _followings() -> list[bytes]:
    value = {
        "url": "https://example.org/",
        "key": "A" * 40,
        "fetched": "2026-01-31T23:59:59Z",
        "expires": None,
        "behind-since": None,
        "sequence": 4,
        "validators": {"repo.json": {"etag": '"x"', "last-modified": None}},
    }
    return [json.dumps(value).encode()]


def _policies() -> list[bytes]:
    return [
        b'{"ok": 1, "not-ok": 0}',
        b'{"criteria": ["a"], "late": "refuse", "not-ok": 2, "ok": 3, "stale": "count"}',
    ]


TARGETS = {
    "read": Target(read, _documents),
    "attestation": Target(attestation, _envelopes),
    "repository": Target(repository, _repositories),
    "configuration": Target(configuration, _configurations),
    "policy": Target(policy, _policies),
    "memory": Target(memory, _memories),
    "following": Target(following, _followings),
}
