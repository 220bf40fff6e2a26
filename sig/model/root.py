"""The signed root of a sparse tree, `signet.json` and `roots/N.json` (docs/spec/tree §4, §5).

Here: its fields, read and written, and which deltas it names. Not here: objects (`tree`), what is
in a delta (`delta`), and whether its signature holds.

R1  A root is of version 1. Fields that this program does not know are ignored, as in `repo.json`;
    one of ours in other letters is refused.
R2  A digest or the name of an object is 64 hex digits; the `id` of a delta an identifier.
R3  A delta leads from an earlier sequence to a later one, at most the root's own, within limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sig.errors import FormatError
from sig.model import instant, limits, strict, wire
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier

VERSION = "1"
# What one more request costs a follower, in bytes that it could have had instead.
_REQUEST = 4096


class Delta(NamedTuple):
    """What changed after the publish `start` up to `end`, as one file of `size` bytes.

    Whoever has any state from `start` on can use it: it says what is there at `end`.
    """

    start: int
    end: int
    id: Identifier
    size: int
    unpacked: int

    @property
    def name(self) -> str:
        """The name of the object that it is."""
        return self.id.removeprefix("sha256:")


class About(NamedTuple):
    """What a publisher says of itself. `licence` is that of the statements, in words of SPDX."""

    name: str = ""
    contact: str = ""
    licence: str = ""
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnverifiedRoot:
    """A root that reads well; its signature is not proved.

    `count` is the number of envelopes. `tree` and `keys` name the topmost objects of the two
    trees, `seen` and `handover` one object each, None where there is none.
    """

    key: Fingerprint
    signed: bytes
    sig: bytes
    digest: str
    sequence: int
    previous: Mapping[int, str]
    expires: int | None
    count: int
    tree: str
    keys: str
    deltas: tuple[Delta, ...]
    seen: str | None
    handover: str | None
    about: About | None


def read(raw: bytes) -> UnverifiedRoot:
    """The root in these bytes of a whole file. Raises FormatError."""
    if len(raw) > limits.ROOT:
        raise FormatError(f"a root is larger than {limits.ROOT >> 10} KiB")
    data, key, sig, _ = wire.parts(strict.read(raw), timestamps=False)
    wire.only(data, "type")
    if data["type"] != "root":
        told = data["type"][:64] if type(data["type"]) is str else "of no type"
        raise FormatError(f"not a root but {told}")
    strict.known(data.get("version"), "version", VERSION)
    wire.spelled(data, _FIELDS)
    for name in _NEEDED:
        if name not in data:
            raise FormatError(f"a root has no {name}")
    sequence = wire.sequence(data["sequence"])
    signed = strict.canonical(data)
    return UnverifiedRoot(
        key=key,
        signed=signed,
        sig=sig,
        digest=strict.digest(signed),
        sequence=sequence,
        previous=wire.previous(data["previous"], sequence),
        expires=wire.expiry(data["expires"]) if "expires" in data else None,
        count=_number(data["count"], "count"),
        tree=wire.digest(data["tree"], "tree"),
        keys=wire.digest(data["keys"], "keys"),
        deltas=_deltas(data["deltas"], sequence),
        seen=wire.digest(data["seen"], "seen") if "seen" in data else None,
        handover=wire.digest(data["handover"], "handover") if "handover" in data else None,
        about=_about(data["about"]) if "about" in data else None,
    )


_NEEDED = ("sequence", "previous", "count", "tree", "keys", "deltas")
_FIELDS = frozenset({*_NEEDED, "type", "version", "expires", "seen", "handover", "about"})
_OF_ABOUT = frozenset(About._fields)
_OF_DELTA = frozenset({"from", "to", "id", "size", "unpacked"})


def _number(value: Any, what: str, most: int = strict.LARGEST_INTEGER, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= most:
        raise FormatError(f"{what} is not a number from {least} to {most}")
    return value


def _deltas(value: Any, sequence: int) -> tuple[Delta, ...]:
    if type(value) is not list:
        raise FormatError("deltas is not a list")
    found = []
    for item in value:
        if type(item) is not dict or not _OF_DELTA <= item.keys():
            raise FormatError("a delta has from, to, id, size and unpacked")
        end = _number(item["to"], "to", most=sequence, least=1)
        try:
            id = Identifier(item["id"])
        except (ValueError, AttributeError):
            id = None
        if id is None or not id.names_bytes:
            raise FormatError("the id of a delta is not sha256: and 64 hex digits")
        found.append(
            Delta(
                start=_number(item["from"], "from", most=end - 1),
                end=end,
                id=id,
                size=_number(item["size"], "size", most=limits.DELTA),
                unpacked=_number(item["unpacked"], "unpacked", most=limits.DELTA_UNPACKED),
            )
        )
    return tuple(found)


def _about(value: Any) -> About:
    if type(value) is not dict:
        raise FormatError("about is not an object")
    wire.spelled(value, _OF_ABOUT)
    for name in ("name", "contact", "licence"):
        if type(value.get(name, "")) is not str:
            raise FormatError(f"{name} of about is not a text")
    mirrors = value.get("mirrors", [])
    if type(mirrors) is not list or any(type(url) is not str for url in mirrors):
        raise FormatError("mirrors is not a list of texts")
    known = {name: value[name] for name in ("name", "contact", "licence") if name in value}
    return About(**known, mirrors=tuple(mirrors))


def data(
    *,
    sequence: int,
    previous: Mapping[int, str],
    count: int,
    tree: str,
    keys: str,
    deltas: Iterable[Delta],
    expires: int | None = None,
    seen: str | None = None,
    handover: str | None = None,
    about: About | None = None,
) -> bytes:
    """The signed bytes of a root. Raises FormatError for one that would be too large."""
    said: dict[str, Any] = {
        "type": "root",
        "version": VERSION,
        "sequence": sequence,
        "previous": {str(at): value for at, value in previous.items()},
        "count": count,
        "tree": tree,
        "keys": keys,
        "deltas": [
            {"from": start, "to": end, "id": id, "size": size, "unpacked": unpacked}
            for start, end, id, size, unpacked in sorted(set(deltas))
        ],
    }
    if expires is not None:
        said["expires"] = instant.write(expires)
    if seen is not None:
        said["seen"] = seen
    if handover is not None:
        said["handover"] = handover
    if about is not None:
        said["about"] = {name: value for name, value in about._asdict().items() if value}
    signed = strict.canonical(said)
    # Its signature, however large, must still fit.
    if len(signed) > limits.ROOT - 2 * limits.SIGNATURE:
        raise FormatError("a root is too large to be signed")
    return signed


# --- which deltas there are, and which to take --------------------------------------------------


def runs(sequence: int) -> list[tuple[int, int]]:
    """The runs that a root names if all publishes up to it have deltas: from the longest on, of
    each length 2^k the two newest (a·2^k, (a+1)·2^k].
    """
    found = []
    for power in reversed(range(sequence.bit_length())):
        length = 1 << power
        last = sequence // length
        found += [(a * length, (a + 1) * length) for a in (last - 2, last - 1) if a >= 0]
    return found


def chain(deltas: Sequence[Delta], start: int, end: int) -> tuple[Delta, ...] | None:
    """Those that lead from the state `start` to `end` with the fewest bytes, in order; None where
    none do. Deltas may overlap: what stands in both is said by the later one.
    """
    best: dict[int, tuple[int, tuple[Delta, ...]]] = {start: (0, ())}
    for delta in sorted(deltas, key=lambda one: (one.end, one.start)):
        if not start < delta.end <= end:
            continue
        reached = [best[at] for at in best if delta.start <= at < delta.end]
        if not reached:
            continue
        cost, before = min(reached, key=lambda one: one[0])
        cost += delta.size + _REQUEST
        if delta.end not in best or cost < best[delta.end][0]:
            best[delta.end] = (cost, (*before, delta))
    return best[end][1] if end in best else None
