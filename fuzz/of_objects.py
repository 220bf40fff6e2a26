"""Fuzzers of what a sparse tree is made of: objects, roots and deltas."""

from __future__ import annotations

import gzip
import hashlib
import json
import re

from fuzzer import VECTORS, Target, a_statement

KEY = "A" * 40


def object_(raw: bytes) -> None:
    """An object that reads is the one that is made of its entries, and stands in no second way."""
    from sig.errors import FormatError
    from sig.model import branches, tree

    name = hashlib.sha256(raw).hexdigest()
    # Of leaves that hold little, so that nodes and what is above a limit are near.
    for kind in tree.Kind:
        for prefix in ("", "0"):
            try:
                found = tree.read(name, raw, prefix, kind, leaf=2000)
            except FormatError as error:
                assert error.message and "Error" not in error.message
                continue
            if isinstance(found, tree.Node):
                assert raw == tree.node_text(found.children) and not prefix
                assert raw == json.dumps(json.loads(raw), sort_keys=True).encode()
                continue
            positions = [one.position for one in found.entries]
            assert positions == sorted(set(positions))
            assert all(at.startswith(prefix) and len(at) == tree.DEPTH for at in positions)
            assert raw == tree.leaf_text(one.text for one in found.entries)
            assert found.size == len(raw)
            if not prefix:
                made: dict[str, bytes] = {}
                entries = {one.position: one.text for one in found.entries}
                assert branches.build(entries, made.__setitem__, leaf=2000) == name
                assert made == {name: raw}
                assert list(tree.walk(name, made.__getitem__, kind)) == list(found.entries)


def a_tree(raw: bytes) -> None:
    """What is read as a whole tree is the tree of what was read, byte for byte."""
    from sig.errors import FormatError
    from sig.model import branches, tree

    # One object a line, the root first. Line 7 is named in lines before it as #7: so a mutant of a
    # leaf is still what the nodes above it name.
    names: dict[bytes, str] = {}
    objects: dict[str, bytes] = {}
    for number, line in reversed(list(enumerate(raw.split(b"\n")))):
        part = re.sub(rb"#[0-9]+", lambda one: names.get(one[0], one[0].decode()).encode(), line)
        root = names[b"#%d" % number] = hashlib.sha256(part).hexdigest()
        objects[root] = part
    asked: list[str] = []

    def get(name: str) -> bytes:
        asked.append(name)
        if name not in objects:
            raise FormatError("missing")
        return objects[name]

    try:
        found = list(tree.walk(root, get, tree.Kind.STATEMENTS, leaf=2000))
    except FormatError:
        return
    made: dict[str, bytes] = {}
    entries = {one.position: one.text for one in found}
    assert branches.build(entries, made.__setitem__, leaf=2000) == root
    assert len(asked) == len(set(asked)) == len(made) and made.keys() == set(asked)
    for one in found[:3]:
        same = [other for other in found if other.position[:64] == one.position[:64]]
        kind = tree.Kind.STATEMENTS
        assert same == list(tree.walk(root, made.__getitem__, kind, name=one.name, leaf=2000))


def root(raw: bytes) -> None:
    """A root that reads is written to what reads the same, but for what nobody knows yet."""
    from sig.errors import FormatError
    from sig.model import root as roots
    from sig.model import strict, wire

    try:
        found = roots.read(raw)
    except FormatError:
        return
    assert found.signed == strict.canonical(json.loads(raw)["data"])
    fields = ("sequence", "previous", "expires", "count", "tree", "keys", "deltas")
    said = {name: getattr(found, name) for name in (*fields, "seen", "handover", "about")}
    again = roots.read(wire.envelope(found.key, roots.data(**said), found.sig))
    assert sorted(set(found.deltas)) == list(again.deltas)
    for name in said.keys() - {"deltas"}:
        assert getattr(again, name) == said[name] or name == "about"
    for delta in found.deltas:
        assert 0 <= delta.start < delta.end <= found.sequence
        taken = roots.chain(found.deltas, delta.start, delta.end)
        assert taken is not None and taken[-1].end == delta.end


def delta(raw: bytes) -> None:
    """A delta that reads is written to one that says the same; lines alone are read as packed."""
    from sig.errors import FormatError
    from sig.model import delta as deltas

    for packed, unpacked in ((raw, 1 << 20), (gzip.compress(raw, 1), len(raw))):
        try:
            if packed is raw:
                unpacked = len(gzip.decompress(raw)) if len(raw) < 1 << 20 else unpacked
        except (OSError, EOFError, ValueError):
            pass
        except Exception as error:  # zlib.error is no child of any of these
            assert type(error).__name__ == "error"
        try:
            found = list(deltas.read(packed, unpacked))
        except FormatError as error:
            assert error.message
            continue
        said, certificates = {}, {}
        for one in found:
            if isinstance(one, deltas.Statements):
                said[one.id] = [entry.text for entry in one.entries]
            else:
                certificates[one.key] = one.certificate
        written, size = deltas.write(said, certificates)
        assert (size, gzip.decompress(written)) == (unpacked, gzip.decompress(packed))
        assert list(deltas.read(written, size)) == found


def _objects() -> list[bytes]:
    statement = json.dumps(json.loads(a_statement()), sort_keys=True)
    alias = json.dumps({"alias": "sha512:ab", "id": "sha256:" + "0" * 64})
    holder = json.dumps({"cert": "1" * 64, "key": KEY})
    return [
        *(f'{{"leaf": [{one}]}}'.encode() for one in (statement, alias, holder)),
        json.dumps({"node": {"0": "1" * 64, "1a": "2" * 64, "1b": "3" * 64}}).encode(),
        b'{"leaf": []}',
    ]


def _trees() -> list[bytes]:
    """Small trees of leaves that hold little: their objects, the root first."""
    from sig.model import branches, tree

    found = []
    for count in (1, 9, 20):
        entries: dict[str, bytes] = {}
        for number in range(count):
            id = "sha256:" + f"{number % 15:064x}"
            text = json.dumps(json.loads(a_statement(id=id, size=number)), sort_keys=True)
            entries |= tree.envelopes(id, [text.encode()])
        made: dict[str, bytes] = {}
        branches.build(entries, made.__setitem__, leaf=2000)
        raw = b"\n".join(reversed(made.values()))
        for number, name in enumerate(reversed(made)):
            raw = raw.replace(name.encode(), b"#%d" % number)
        found.append(raw)
    return [one for one in found if len(one) < 16 * 1024] + _objects()


def _roots() -> list[bytes]:
    data = {
        "type": "root",
        "version": "1",
        "sequence": 4,
        "previous": {"3": "1" * 64},
        "count": 7,
        "tree": "2" * 64,
        "keys": "3" * 64,
        "expires": "2030-01-31T23:59:59Z",
        "deltas": [
            {"from": a, "to": b, "id": "sha256:" + "4" * 64, "size": 10, "unpacked": 100}
            for a, b in ((0, 4), (2, 4), (3, 4))
        ],
        "about": {"name": "Bob", "mirrors": ["https://example.org/"]},
    }
    return [json.dumps({"data": data, "key": KEY, "sig": "wsA="}).encode()]


def _deltas() -> list[bytes]:
    id = "sha256:" + "0" * 64
    statement = json.loads(a_statement())
    lines = [
        {"certificate": "eA==", "key": KEY},
        {"id": id, "statements": [statement]},
        {"id": "sha256:" + "1" * 64, "statements": []},
    ]
    raw = b"".join(json.dumps(one, sort_keys=True).encode() + b"\n" for one in lines)
    return [raw, gzip.compress(raw, mtime=0)]


def _bad_objects() -> list[bytes]:
    import base64

    found = []
    for path in sorted((VECTORS / "tree").glob("object-*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [base64.b64decode(one[8:]) for one in lines if one.startswith("object: ")]
    return [one for one in found if len(one) < 16 * 1024]


TARGETS = {
    "object": Target(object_, lambda: [*_objects(), *_bad_objects()]),
    "tree": Target(a_tree, _trees),
    "root": Target(root, _roots),
    "delta": Target(delta, _deltas),
}
