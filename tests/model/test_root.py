"""The root of a sparse tree: what is read of it, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import limits, root, strict, wire
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.repository import previous_sequences
from sig.model.root import About, Delta

KEY = Fingerprint("0123456789ABCDEF" * 2 + "01234567")
ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
ID = Identifier(f"sha256:{ONE}")
DELTA = {"from": 3, "to": 4, "id": ID, "size": 10, "unpacked": 100}
DATA: dict[str, Any] = {
    "type": "root",
    "version": "1",
    "sequence": 4,
    "previous": {"3": ONE},
    "count": 7,
    "tree": TWO,
    "keys": THREE,
    "deltas": [DELTA],
}


def enveloped(data: object, **more: object) -> bytes:
    """A root around these data, its signature no signature."""
    return json.dumps({"data": data, "key": KEY, "sig": "wsA=", **more}).encode()


def test_what_is_written_is_read() -> None:
    """With all that may be in it, and with no more than must be."""
    given = {
        "sequence": 9,
        "previous": {8: ONE, 5: TWO},
        "count": 0,
        "tree": ONE,
        "keys": TWO,
        "deltas": (Delta(0, 8, ID, 5, 6), Delta(8, 9, ID, 0, 0)),
        "expires": 1_800_000_000,
        "seen": THREE,
        "handover": ONE,
        "about": About("Bob", "bob@example.org", "CC0-1.0", ("https://example.org/signet/",)),
    }
    signed = root.data(**given)  # type: ignore[arg-type]
    found = root.read(wire.envelope(KEY, signed, b"x"))

    assert given == {name: getattr(found, name) for name in given}
    assert (KEY, signed, b"x") == (found.key, found.signed, found.sig)
    assert strict.digest(signed) == found.digest
    least = root.read(
        wire.envelope(
            KEY,
            root.data(sequence=1, previous={}, count=1, tree=ONE, keys=TWO, deltas=[]),
            b"x",
        )
    )
    assert (None,) * 4 == (least.expires, least.seen, least.handover, least.about)
    assert ((), {}) == (least.deltas, least.previous)


def test_deltas_have_one_order() -> None:
    """However they were given, and twice."""
    some = [Delta(a, b, ID, 0, 0) for a, b in ((3, 4), (0, 2), (2, 4), (0, 4))]

    def data(deltas: list[Delta]) -> bytes:
        return root.data(sequence=4, previous={}, count=0, tree=ONE, keys=TWO, deltas=deltas)

    assert data(some) == data([*reversed(some), *some])


def test_what_a_newer_program_adds_is_ignored() -> None:
    """In the root, in what its owner says of itself, and in a delta; it stays in what is signed."""
    data = DATA | {
        "x": [1],
        "about": {"name": "Bob", "x": 1},
        "deltas": [{**DELTA, "x": None}],
    }
    found = root.read(enveloped(data))

    assert (About("Bob"), (Delta(3, 4, ID, 10, 100),)) == (found.about, found.deltas)
    assert strict.canonical(data) == found.signed


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "handover"}, "not a root but handover"),
        ({"type": 1}, "not a root but of no type"),
        ({"id": ID}, "not a document with type"),
        ({"attestations": {}}, "not a document with type"),
        ({"version": "2"}, "the version 2 is not known"),
        ({"version": 1}, "the version is not known"),
        ({"Tree": ONE}, "a name stands twice in one object"),
        ({"Expires": "2030-01-31T23:59:59Z"}, "Expires is written expires"),
        ({"sequence": 0}, "sequence is not a number from 1 on"),
        ({"sequence": True}, "sequence is not a number from 1 on"),
        ({"previous": {"4": ONE}}, "previous names a state that is not an earlier one"),
        ({"previous": []}, "previous is not a map"),
        ({"expires": "soon"}, "expires is not an instant"),
        ({"count": -1}, "count is not a number from 0"),
        ({"count": "7"}, "count is not a number from 0"),
        ({"tree": ID}, "tree is not a digest"),
        ({"keys": None}, "keys is not a digest"),
        ({"seen": [ONE]}, "seen is not a digest"),
        ({"handover": ONE.upper().replace("1", "A")}, "handover is not a digest"),
        ({"about": []}, "about is not an object"),
        ({"about": {"name": 1}}, "name of about is not a text"),
        ({"about": {"Name": ""}}, "Name is written name"),
        ({"about": {"mirrors": "https://example.org/"}}, "mirrors is not a list of texts"),
        ({"about": {"mirrors": [1]}}, "mirrors is not a list of texts"),
        ({"deltas": {}}, "deltas is not a list"),
        ({"deltas": [[]]}, "a delta has from, to, id, size and unpacked"),
        ({"deltas": [{"from": 3}]}, "a delta has from, to, id, size and unpacked"),
        ({"deltas": [{**DELTA, "to": 5}]}, "to is not a number from 1 to 4"),
        ({"deltas": [{**DELTA, "from": 4}]}, "from is not a number from 0 to 3"),
        ({"deltas": [{**DELTA, "from": -1}]}, "from is not a number from 0 to 3"),
        ({"deltas": [{**DELTA, "id": ONE}]}, "the id of a delta"),
        ({"deltas": [{**DELTA, "id": 1}]}, "the id of a delta"),
        ({"deltas": [{**DELTA, "id": "openpgp4fpr:00"}]}, "the id of a delta"),
        ({"deltas": [{**DELTA, "size": limits.DELTA + 1}]}, "size is not a number"),
        ({"deltas": [{**DELTA, "unpacked": limits.DELTA_UNPACKED + 1}]}, "unpacked is not a"),
        *(({name: ...}, f"a root has no {name}") for name in list(DATA)[2:]),
        ({"type": ...}, "not a document with type"),
        ({"version": ...}, "the version is not known"),
    ],
)
def test_a_root_that_breaks_a_rule_is_refused(change: dict[str, Any], why: str) -> None:
    """As a whole, by name of the rule. `...` takes a field away."""
    data = {name: item for name, item in (DATA | change).items() if item is not ...}
    with pytest.raises(FormatError) as caught:
        root.read(enveloped(data))
    assert caught.value.message.startswith(why)


def test_a_root_is_an_envelope_and_nothing_else() -> None:
    """No time stamp, nothing behind it, and no more than 256 KiB."""
    sound = enveloped(DATA)
    assert 4 == root.read(sound + b"\n").sequence
    for raw in (
        enveloped(DATA, tst="AAAA"),
        enveloped([DATA]),
        json.dumps(DATA).encode(),
        sound + b"{}",
        sound[:-1],
        b"",
        b"<html></html>",
    ):
        with pytest.raises(FormatError):
            root.read(raw)
    assert 4 == root.read(sound + b" " * (limits.ROOT - len(sound))).sequence
    with pytest.raises(FormatError, match="larger than 256 KiB"):
        root.read(sound + b" " * (limits.ROOT - len(sound) + 1))


def test_a_root_that_could_not_be_signed_is_not_written() -> None:
    """Room is left for the largest signature."""

    def data(contact: str) -> bytes:
        about = About(contact=contact)
        return root.data(
            sequence=1, previous={}, count=0, tree=ONE, keys=TWO, deltas=[], about=about
        )

    room = limits.ROOT - 2 * limits.SIGNATURE - len(data("x")) + 1
    signed = data("x" * room)
    raw = wire.envelope(KEY, signed, b"x" * limits.SIGNATURE)
    assert limits.ROOT // 2 < len(raw) <= limits.ROOT
    assert signed == root.read(raw).signed
    with pytest.raises(FormatError, match="too large to be signed"):
        data("x" * (room + 1))


def test_the_root_of_a_billionth_publish_has_room_for_all_it_names() -> None:
    """Its past and its runs grow with the logarithm."""
    sequence = 1_000_000_000
    signed = root.data(
        sequence=sequence,
        previous=dict.fromkeys(previous_sequences(sequence), ONE),
        count=sequence,
        tree=ONE,
        keys=TWO,
        deltas=[
            Delta(a, b, ID, limits.DELTA, limits.DELTA_UNPACKED) for a, b in root.runs(sequence)
        ],
    )

    assert len(signed) < 16 * limits.KIB


# --- which deltas --------------------------------------------------------------------------------


def test_runs_are_the_two_newest_of_each_length() -> None:
    """Of lengths that are powers of two, where their multiples begin and end."""
    assert [(0, 1)] == root.runs(1)
    assert [(0, 2), (0, 1), (1, 2)] == root.runs(2)
    assert [(0, 8), (4, 8), (8, 12), (8, 10), (10, 12), (11, 12), (12, 13)] == root.runs(13)


@given(st.integers(1, 5000), st.data())
def test_runs_lead_from_any_state_in_few_steps(sequence: int, data: st.DataObject) -> None:
    """From the first one on without a hole, in a number that grows with the logarithm."""
    start = data.draw(st.integers(0, sequence - 1))
    deltas = [Delta(a, b, ID, b - a, b - a) for a, b in root.runs(sequence)]
    taken = root.chain(deltas, start, sequence)

    assert taken is not None
    assert len(taken) <= 2 * sequence.bit_length()
    at = start
    for delta in taken:
        assert delta.start <= at < delta.end
        at = delta.end
    assert sequence == at


def test_a_chain_is_the_one_of_fewest_bytes() -> None:
    """One more file costs something too; what leads nowhere is no chain."""
    step, run = Delta(3, 4, ID, 100, 0), Delta(0, 4, ID, 100_000, 0)
    both = Delta(2, 4, ID, 200, 0)

    assert (step,) == root.chain([run, step, both], 3, 4)
    assert (both,) == root.chain([run, step, both, Delta(2, 3, ID, 90, 0)], 2, 4)
    assert (run,) == root.chain([run, step], 1, 4)
    assert root.chain([step], 1, 4) is None
    assert root.chain([run], 1, 5) is None
    assert () == root.chain([run], 4, 4)
