"""The sparse tree: a set of entries as objects that are named by their bytes (docs/spec/tree).

Here: entries, their positions, and objects as they are read. Not here: how a tree is made and
changed (`branches`), the signed root above it (`root`), where objects lie and how they travel.

E1  An entry of the one tree is an envelope, or an alias and an id that claims it; of the other, a
    key and the digest of its certificate. Its position is the sha256 of its id, alias or key, then
    that of its text: 128 hex digits.
E2  Alias entries follow from the envelopes, whatever else these say.
E3  All entries under a prefix are one leaf, by position, if that text is at most 64 KiB or has one
    entry; else a node. No leaf is empty but that of a tree without entries.
E4  A node names by the next digit what is under it where that is one leaf, and else by the next
    two digits what is under each two of them.
E5  An object is read only if it is the text that is written for its entries or names, and stands
    where its entries belong. What needs several objects to be seen (E3 and E4) is seen by `walk`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

from sig.errors import FormatError
from sig.model import limits, strict, wire
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint

DEPTH = 128
"""Digits of a position."""

Get = Callable[[str], bytes]
"""The object of this name: whatever there is, for `read` looks whether it is that."""

Put = Callable[[str, bytes], None]
"""Takes the name of an object, and the object."""

_ALIAS = re.compile(r"[^:]+:[0-9a-f]+")
_DIGITS = re.compile(r"[0-9a-f]{1,2}")
_LEAF = b'{"leaf": ['
_ENDS = b"]}"
_FRAME = len(_LEAF) + len(_ENDS)
_BETWEEN = b", "


class Kind(Enum):
    """Which of the two trees of a root an object belongs to: `tree` or `keys`."""

    STATEMENTS = "tree"
    KEYS = "keys"


class Alias(NamedTuple):
    """That a statement about `id` claims `alias` for the same bytes. It proves nothing."""

    alias: str
    id: str


class Holder(NamedTuple):
    """That the object `certificate` is the certificate of `key`."""

    key: Fingerprint
    certificate: str


Said = UnverifiedAttestation | Malformed | Alias | Holder


class Entry(NamedTuple):
    """One entry: where it stands, its canonical text, what it was filed under, and what it says."""

    position: str
    text: bytes
    name: str
    said: Said


class Leaf(NamedTuple):
    """All entries under a prefix, by position, and how long their text is."""

    entries: tuple[Entry, ...]
    size: int


class Node(NamedTuple):
    """The objects under a prefix, by the digits that follow it (E4)."""

    children: Mapping[str, str]


# --- entries -------------------------------------------------------------------------------------


def position(name: str, text: bytes) -> str:
    """E1, for an entry that is filed under an id, an alias or a key."""
    return place(name) + hashlib.sha256(text).hexdigest()


def place(name: str) -> str:
    """The first half of the positions of all that is filed under a name."""
    return hashlib.sha256(name.encode("utf-8")).hexdigest()


def envelopes(id: str, texts: Iterable[bytes]) -> dict[str, bytes]:
    """The entries of these envelopes about one id, in canonical form, and of their aliases."""
    found = {}
    for text in texts:
        found[position(id, text)] = text
        for alias in _aliases(text):
            entry = strict.encode(Alias(alias, id)._asdict()).encode("ascii")
            found[position(alias, entry)] = entry
    return found


def _aliases(text: bytes) -> list[str]:
    """E2: by the form of the text alone, so that two versions of a reader have one tree."""
    if b'"aliases": [' not in text:
        return []
    data = strict.read(text)["data"]
    listed = data.get("aliases")
    if type(listed) is not list:
        return []
    wanted = (one for one in listed if type(one) is str and _ALIAS.fullmatch(one))
    # A statement has room for a hundred thousand, and each is an entry.
    return [alias for alias, _ in zip(wanted, range(limits.ALIASES), strict=False)]


def holder(key: Fingerprint, certificate: str) -> dict[str, bytes]:
    """The entry of a key, whose certificate is the object of that name."""
    text = strict.encode({"cert": certificate, "key": key}).encode("ascii")
    return {position(key, text): text}


def leaf_text(texts: Iterable[bytes]) -> bytes:
    """The leaf of these entries, which are given by position."""
    return _LEAF + _BETWEEN.join(texts) + _ENDS


def node_text(children: Mapping[str, str]) -> bytes:
    """The node with these objects under it."""
    return strict.encode({"node": dict(children)}).encode("ascii")


def leaf_size(together: int, count: int) -> int:
    """How long a leaf is of so many entries, at least one, which are so long together."""
    return _FRAME + together + len(_BETWEEN) * (count - 1)


def joined_size(sizes: Collection[int]) -> int:
    """How long the one leaf would be that holds all of leaves that are so long."""
    return leaf_size(sum(sizes) - _FRAME * len(sizes), len(sizes))


def object_name(raw: bytes) -> str:
    """The name of an object: the sha256 of its bytes, 64 hex digits."""
    return hashlib.sha256(raw).hexdigest()


# --- one object ----------------------------------------------------------------------------------


def read(name: str, raw: bytes, prefix: str, kind: Kind, leaf: int = limits.LEAF) -> Leaf | Node:
    """The object of that name under a prefix, by E5. Raises FormatError.

    `leaf` is the size above which a leaf has one entry.
    """
    if len(raw) > limits.OBJECT:
        raise FormatError(f"an object is larger than {limits.OBJECT >> 20} MiB")
    if object_name(raw) != name:
        raise FormatError("an object has other bytes than its name says")
    value = strict.read(raw)
    if type(value) is dict and value.keys() == {"leaf"}:
        return _leaf(value["leaf"], raw, prefix, kind, leaf)
    if type(value) is dict and value.keys() == {"node"}:
        return _node(value["node"], raw, prefix)
    raise FormatError("an object is neither a leaf nor a node")


def is_node(raw: bytes) -> bool:
    """Whether an object that was read before is a node."""
    return not raw.startswith(_LEAF)


def _leaf(listed: Any, raw: bytes, prefix: str, kind: Kind, most: int) -> Leaf:
    if type(listed) is not list:
        raise FormatError("a leaf is not a list")
    if not listed and prefix:
        raise FormatError("a leaf is empty")
    if len(listed) > 1 and len(raw) > most:
        raise FormatError("a leaf is larger than 64 KiB and has several entries")
    found: list[Entry] = []
    for value in listed:
        entry = read_entry(value, kind)
        if not entry.position.startswith(prefix):
            raise FormatError("an entry stands where it does not belong")
        if found and entry.position <= found[-1].position:
            twice = entry.position == found[-1].position
            raise FormatError("an entry stands twice" if twice else "entries are not in order")
        if kind is Kind.KEYS and found and entry.name == found[-1].name:
            raise FormatError("a key stands twice")
        found.append(entry)
    if leaf_text(entry.text for entry in found) != raw:
        raise FormatError("an object is not in canonical form")
    return Leaf(tuple(found), len(raw))


def read_entry(value: Any, kind: Kind) -> Entry:
    """An entry of that tree (E1). Raises FormatError.

    An envelope whose statement breaks a rule by itself is one too: it has an id, and says nothing.
    """
    if type(value) is not dict:
        raise FormatError("an entry is not an object")
    text, name, said = (_of_statements if kind is Kind.STATEMENTS else _of_keys)(value)
    return Entry(position(name, text), text, name, said)


def _of_statements(value: dict[str, Any]) -> tuple[bytes, str, Said]:
    if "data" not in value:
        strict.check_names(value, ("alias", "id"), "entry ")
        alias, id = value["alias"], value["id"]
        if type(alias) is not str or type(id) is not str or _ALIAS.fullmatch(alias) is None:
            raise FormatError("an alias is not SCHEME:HEX of an id")
        return strict.encode(value).encode("ascii"), alias, Alias(alias, id)
    data = value["data"]
    if type(data) is not dict or type(data.get("id")) is not str:
        raise FormatError("an envelope has no id")
    strict.check_depth(data, limits.STATEMENT_DEPTH - 1)
    id = data["id"]
    found = wire.filed_attestation(id, value, depth_checked=True)
    if isinstance(found, Malformed):
        return strict.encode(value).encode("ascii"), id, found
    return wire.envelope(found.key, found.signed, found.sig, found.tst), id, found


def _of_keys(value: dict[str, Any]) -> tuple[bytes, str, Said]:
    strict.check_names(value, ("cert", "key"), "entry ")
    certificate = wire.digest(value["cert"], "cert")
    try:
        key = Fingerprint(value["key"])
    except ValueError as error:
        raise FormatError("the key is not a full fingerprint in upper-case hex") from error
    return strict.encode(value).encode("ascii"), key, Holder(key, certificate)


def _node(children: Any, raw: bytes, prefix: str) -> Node:
    if type(children) is not dict or not children:
        raise FormatError("a node is empty, or not an object")
    if len(prefix) % 2 or len(prefix) >= DEPTH:
        raise FormatError("a node stands where a leaf is due")
    for digits, name in children.items():
        if _DIGITS.fullmatch(digits) is None:
            raise FormatError("a node has a name that is not one or two hex digits")
        if len(digits) == 2 and digits[0] in children:
            raise FormatError("a node names a digit both alone and with the next")
        wire.digest(name, "what a node names")
    if node_text(children) != raw:
        raise FormatError("an object is not in canonical form")
    if len(children) == 1 and all(len(digits) == 1 for digits in children):
        raise FormatError("a node stands where one leaf holds all")
    return Node(children)


def check_node(sizes: Mapping[str, int | None], most: int = limits.LEAF) -> None:
    """E3 and E4, once it is known how long each leaf below a node is, None for a node.

    Raises FormatError.
    """
    for digit in "0123456789abcdef":
        under = [size for digits, size in sizes.items() if len(digits) == 2 and digits[0] == digit]
        if under and one_leaf(under, most):
            raise FormatError("a node names two digits where one leaf holds all under the first")
    if one_leaf(sizes.values(), most):
        raise FormatError("a node stands where one leaf holds all")


def one_leaf(sizes: Iterable[int | None], most: int = limits.LEAF) -> bool:
    """Whether what is in leaves that are so long (None for a node) is to be one leaf."""
    found: list[int] = []
    for size in sizes:
        if size is None:
            return False
        found.append(size)
    return len(found) == 1 or joined_size(found) <= most


# --- a tree --------------------------------------------------------------------------------------


def walk(
    root: str, get: Get, kind: Kind, *, name: str | None = None, leaf: int = limits.LEAF
) -> Iterator[Entry]:
    """The entries of a tree by position, every object of it read; with `name`, what is filed
    under that, by the objects on the way alone.

    What `get` raises is passed on. Raises FormatError for E5: then nothing of it was there.
    """
    yield from _walk(root, "", get, kind, "" if name is None else place(name), leaf)


def _walk(
    name: str, prefix: str, get: Get, kind: Kind, within: str, most: int
) -> Generator[Entry, None, int | None]:
    found = read(name, get(name), prefix, kind, most)
    if isinstance(found, Leaf):
        yield from (entry for entry in found.entries if entry.position.startswith(within))
        return found.size
    sizes: dict[str, int | None] = {}
    for digits, child in found.children.items():
        below = prefix + digits
        if below.startswith(within) or within.startswith(below):
            sizes[digits] = yield from _walk(child, below, get, kind, within, most)
    if len(sizes) == len(found.children):
        check_node(sizes, most)
    return None
