"""Makes vectors/tree: sparse trees with all their objects, and objects that are refused.

    python vectors/make_tree.py           writes all of them anew

What is expected is made here by the plainest reading of docs/spec/tree; nothing of `sig` is
imported. The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).parent / "tree"
WRITTEN: set[Path] = set()
LEAF = 64 * 1024
HEX = "0123456789abcdef"
ALICE, BOB = "A" * 40, "B" * 64
CERTIFICATE = hashlib.sha256(b"a certificate").hexdigest()


def text(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode("ascii")


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


# --- entries -----------------------------------------------------------------------------------


def an_id(number: int) -> str:
    return "sha256:" + sha256(b"file %d" % number)


def envelope(id: str, key: str = ALICE, **more: object) -> bytes:
    data = {"id": id, "ok": True, "reviewed": True, **more}
    return text({"data": data, "key": key, "sig": "wsA="})


def alias(name: str, id: str) -> bytes:
    return text({"alias": name, "id": id})


def holder(key: str, certificate: str = CERTIFICATE) -> bytes:
    return text({"cert": certificate, "key": key})


def position(entry: bytes) -> str:
    value = json.loads(entry)
    name = value["data"]["id"] if "data" in value else value.get("alias") or value["key"]
    return sha256(name.encode()) + sha256(entry)


# --- trees -------------------------------------------------------------------------------------


def leaf(*entries: bytes) -> bytes:
    return b'{"leaf": [' + b", ".join(entries) + b"]}"


def node(children: dict[str, str]) -> bytes:
    return text({"node": children})


def is_leaf(under: list[bytes]) -> bool:
    return len(under) == 1 or len(leaf(*under)) <= LEAF


def planted(entries: list[bytes], prefix: str = "") -> tuple[str, dict[str, bytes]]:
    """The name of the object of all these, and that and all objects below it (§2)."""
    listed = sorted(entries, key=position)
    made: dict[str, bytes] = {}
    if is_leaf(listed):
        raw = leaf(*listed)
    else:
        children = {}
        for first in HEX:
            under = [one for one in listed if position(one).startswith(prefix + first)]
            if not under:
                continue
            if is_leaf(under):
                made[children.setdefault(first, sha256(leaf(*under)))] = leaf(*under)
                continue
            for second in HEX:
                digits = first + second
                part = [one for one in under if position(one).startswith(prefix + digits)]
                if part:
                    children[digits], below = planted(part, prefix + digits)
                    made |= below
        raw = node(children)
    return sha256(raw), made | {sha256(raw): raw}


def filler(number: int, size: int) -> bytes:
    """A statement that is so long."""
    room = size - len(envelope(an_id(number), comment=""))
    return envelope(an_id(number), comment="x" * room)


# --- files -------------------------------------------------------------------------------------


def write(name: str, head: dict[str, str], data: list[tuple[str, bytes]]) -> None:
    """One file: header lines, an empty line, lines of base64."""
    place = FOLDER / f"{name}.txt"
    assert place not in WRITTEN, name
    WRITTEN.add(place)
    lines = [f"{field}: {value}" for field, value in head.items()]
    lines += ["", *(f"{field}: {base64.b64encode(raw).decode()}" for field, raw in data)]
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")


def large_tree(name: str, comment: str, given: list[bytes], named: list[str]) -> None:
    """A tree whose root is a node with these names of a digit 7."""
    root, objects = planted(given)
    assert named == [one for one in json.loads(objects[root])["node"] if one[0] == "7"], name
    tree(name, comment, given)


def tree(name: str, comment: str, given: list[bytes], also: list[bytes] | None = None) -> None:
    """A tree of the entries that are `given` to who makes one, and `also` what follows of them."""
    root, objects = planted(sorted({*given, *(also or [])}))
    kind = "keys" if given and "cert" in json.loads(given[0]) else "tree"
    count = len({*given, *(also or [])})
    head = {"comment": comment, "expect": "tree", "kind": kind, "entries": str(count), "root": root}
    data = [("given", one) for one in given] + [("follows", one) for one in also or []]
    if sum(map(len, given)) > LEAF // 2:
        data = []  # they stand in its objects
    write(name, head, data + [("object", objects[one]) for one in sorted(objects)])


def refused(name: str, comment: str, why: str, raw: bytes, prefix: str = "", kind: str = "tree") -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why), "kind": kind}
    write(name, head | {"prefix": prefix}, [("object", raw)])


def refused_tree(name: str, comment: str, why: str, *objects: bytes) -> None:
    """The first is the root."""
    head = {"comment": comment, "expect": "refused-tree", "why": json.dumps(why), "kind": "tree"}
    write(name, head | {"root": sha256(objects[0])}, [("object", raw) for raw in objects])


def trees() -> None:
    one, two, three = (envelope(an_id(number)) for number in range(3))
    tree("empty", "no entry at all: the one leaf that may be empty", [])
    tree("one", "one statement", [one])
    tree("three", "three statements", [one, two, three])
    tree("turned", "the same in another order, and one of them twice", [three, one, two, one])
    tree(
        "signers",
        "statements of two signers about one file, one of them with a time stamp",
        [one, envelope(an_id(0), BOB), text({**json.loads(one), "tst": "AAAA"})],
    )
    tree(
        "malformed",
        "a statement that breaks a rule by itself is an entry all the same",
        [one, envelope(an_id(1), ok=1), envelope("about nothing")],
    )
    letters = "é \\ \" \x7f \U0001f40d \n"
    tree("letters", "a text with letters that are written escaped", [envelope(an_id(0), comment=letters)])
    claims = ["sha512:" + "ab" * 64, "blake3:00", an_id(1)]
    tree(
        "aliases",
        "two statements that claim aliases, one of them the same; one alias is the id of another file",
        [envelope(an_id(0), aliases=claims), envelope(an_id(2), aliases=claims[:1]), two],
        [*(alias(one, an_id(0)) for one in claims), alias(claims[0], an_id(2))],
    )
    tree(
        "aliases-odd",
        "what is no alias is no entry, and a statement that breaks a rule has aliases too",
        [
            envelope(an_id(0), aliases=["x:00", "x:0G", "x", ":00", "x:", 3, ["x:01"], "a b:00"]),
            envelope(an_id(1), ok=1, aliases=["x:02"]),
            envelope(an_id(2), aliases={"x:03": "x:04"}),
            envelope(an_id(3), evidence={"aliases": ["x:05"]}),
        ],
        [alias("x:00", an_id(0)), alias("a b:00", an_id(0)), alias("x:02", an_id(1))],
    )
    many = [f"x:{number:04x}" for number in range(66)]
    tree(
        "aliases-many",
        "of one statement the first 64 that are aliases, in the order of its list",
        [envelope(an_id(0), aliases=["no alias", *reversed(many)])],
        [alias(one, an_id(0)) for one in many[2:]],
    )
    frame = len(leaf()) + 2
    tree("leaf-fits", "two statements that fill a leaf", [filler(0, 40_000), filler(1, LEAF - 40_000 - frame)])
    tree("leaf-does-not-fit", "one byte more", [filler(0, 40_000), filler(1, LEAF - 40_000 - frame + 1)])
    large = [filler(1001, LEAF + 1), filler(1002, 2 * LEAF), one, two, three]
    tree("large-one", "one entry has a leaf, however large", large[:1])
    tree("large", "two of them, with small ones beside them", large)
    full = [one for one in map(an_id, range(900)) if sha256(one.encode())[0] == "7"]
    large_tree(
        "digit-fits",
        "a digit under which one leaf holds all is named alone",
        [filler(1001, LEAF), *(envelope(one) for one in full)],
        ["7"],
    )
    crowded = [one for one in map(an_id, range(900)) if sha256(one.encode())[:2] in ("70", "7a", "7f")]
    large_tree(
        "digit-does-not-fit",
        "under one digit there is too much for a leaf, and little under each two",
        [envelope(one, comment="x" * (LEAF // len(crowded))) for one in crowded],
        ["70", "7a", "7f"],
    )
    tree(
        "one-id",
        "more about one file than a leaf holds: nodes with one name each, down to where texts differ",
        [envelope(an_id(0), comment="x" * 9000 + str(number)) for number in range(9)],
    )
    tree("keys", "two keys with their certificates", [holder(ALICE), holder(BOB)])
    tree(
        "keys-many", "more than a leaf holds",
        [holder(sha256(b"key %d" % number).upper()) for number in range(400)],
    )  # fmt: skip


def objects() -> None:
    one, two = sorted((envelope(an_id(0)), envelope(an_id(1))), key=position)
    sound = leaf(one, two)
    text_form = "an object is not in canonical form"
    neither = "an object is neither a leaf nor a node"
    for name, comment, why, raw in [
        ("not-json", "a page of a hotel", "not JSON", b"<html></html>"),
        ("nothing", "no byte", "not JSON", b""),
        ("cut-off", "cut off", "not JSON", sound[:-1]),
        ("two-values", "something behind it", "not JSON", sound + sound),
        ("not-utf-8", "a byte of Latin-1", "not UTF-8", b'{"leaf": ["\xe9"]}'),
        ("mark", "a byte order mark", "starts with a byte order mark", b"\xef\xbb\xbf" + sound),
        ("list", "a list", neither, b"[]"),
        ("other", "another name", neither, b'{"leaves": []}'),
        ("both", "leaf and node at once", neither, b'{"leaf": [], "node": {}}'),
        ("capital", "a name in capitals", neither, b'{"LEAF": []}'),
        ("newline", "a line feed at its end", text_form, sound + b"\n"),
        ("spaces", "no spaces", text_form, sound.replace(b", ", b",")),
        ("order-of-names", "names of an entry in another order", text_form,
         leaf(json.dumps(dict(reversed(json.loads(one).items()))).encode())),
        ("escapes", "a letter escaped that needs none", text_form, sound.replace(b"reviewed", b"r\\u0065viewed")),
        ("twice-named", "a name twice in an entry", "a name stands twice", sound.replace(b'"ok"', b'"reviewed"')),
        ("surrogate", "half a letter", "a text has a lone surrogate",
         leaf(envelope(an_id(0), comment="\ud800"))),
        ("deep", "a statement nested deeper than 16", "nested too deeply",
         leaf(envelope(an_id(0), x=json.loads("[" * 16 + "]" * 16)))),
        ("leaf-object", "a leaf that is no list", "a leaf is not a list", b'{"leaf": {}}'),
        ("entry-null", "an entry that is nothing", "an entry is not an object", leaf(b"null")),
        ("entry-text", "an entry that is a text", "an entry is not an object", leaf(b'"x"')),
        ("entry-empty", "an entry without names", "no entry alias", leaf(b"{}")),
        ("entry-key", "a key in the tree of statements", "unknown field entry cert", leaf(holder(ALICE))),
        ("data-list", "an envelope around a list", "an envelope has no id", leaf(text({"data": []}))),
        ("no-id", "an envelope without an id", "an envelope has no id", leaf(text({"data": {"ok": True}}))),
        ("id-number", "an id that is a number", "an envelope has no id", leaf(text({"data": {"id": 1}}))),
        ("alias-more", "an alias with more to it", "unknown field entry x", leaf(text({"alias": "x:00", "id": "", "x": 0}))),
        ("alias-alone", "an alias of nothing", "no entry id", leaf(text({"alias": "x:00"}))),
        ("alias-form", "capitals in an alias", "an alias is not SCHEME:HEX of an id", leaf(alias("x:0A", an_id(0)))),
        ("alias-id", "an alias of a number", "an alias is not SCHEME:HEX of an id", leaf(text({"alias": "x:00", "id": 1}))),
        ("turned", "entries in another order", "entries are not in order", leaf(two, one)),
        ("twice", "an entry twice", "an entry stands twice", leaf(one, one)),
        ("leaf-too-large", "two entries, and one byte more than a leaf has", "a leaf is larger than 64 KiB",
         leaf(*sorted([filler(0, 40_000), filler(1, LEAF - 40_000 - len(leaf()) - 1)], key=position))),
        ("node-list", "a node that is no object", "a node is empty, or not an object", b'{"node": []}'),
        ("node-empty", "a node without names", "a node is empty, or not an object", b'{"node": {}}'),
        ("node-digits", "three digits", "a node has a name that is not one or two hex digits", node({"012": CERTIFICATE})),
        ("node-capital", "a digit in capitals", "a node has a name that is not one or two hex digits", node({"A": CERTIFICATE})),
        ("node-no-digit", "no digit", "a node has a name that is not one or two hex digits", node({"g": CERTIFICATE})),
        ("node-no-name", "an empty name", "a node has a name that is not one or two hex digits", b'{"node": {"": "%s"}}' % CERTIFICATE.encode()),
        ("node-both", "a digit alone and with the next", "a node names a digit both alone and with the next",
         node({"0": CERTIFICATE, "01": CERTIFICATE})),
        ("node-digest", "a name that is cut", "what a node names is not a digest", node({"0": CERTIFICATE[1:]})),
        ("node-identifier", "an identifier in place of a digest", "what a node names is not a digest",
         node({"0": "sha256:" + CERTIFICATE})),
        ("node-null", "nothing under a digit", "what a node names is not a digest", b'{"node": {"0": null}}'),
        ("node-turned", "names in another order", text_form,
         b'{"node": {"1": "%s", "0": "%s"}}' % ((CERTIFICATE.encode(),) * 2)),
        ("node-one", "one leaf under one digit", "a node stands where one leaf holds all", node({"0": CERTIFICATE})),
    ]:  # fmt: skip
        refused(f"object-{name}", comment, why, raw)
    many = {"0": CERTIFICATE, "1": CERTIFICATE}
    at = position(one)
    refused("object-leaf-empty", "an empty leaf under a digit", "a leaf is empty", leaf(), "0")
    other = HEX[HEX.index(at[1]) - 1]
    refused("object-elsewhere", "an entry of another prefix", "an entry stands where it does not belong", leaf(one), at[0] + other)
    refused("object-second-elsewhere", "the second of two", "an entry stands where it does not belong", sound, at[:1])
    due = "a node stands where a leaf is due"
    refused("object-node-odd", "a node under one digit", due, node(many), "0")
    refused("object-node-deep", "a node below all digits", due, node(many), at)
    for name, comment, why, raw in [
        ("envelope", "a statement in the tree of keys", "unknown field entry data", leaf(one)),
        ("alias", "an alias in the tree of keys", "unknown field entry alias", leaf(alias("x:00", an_id(0)))),
        ("short", "a short key", "the key is not a full fingerprint", leaf(holder(ALICE[:8]))),
        ("lower", "a key in small letters", "the key is not a full fingerprint", leaf(holder(ALICE.lower()))),
        ("certificate", "no digest of a certificate", "cert is not a digest", leaf(holder(ALICE, "x"))),
        ("twice", "two certificates of one key", "a key stands twice",
         leaf(*sorted([holder(ALICE), holder(ALICE, CERTIFICATE[::-1])], key=position))),
    ]:  # fmt: skip
        refused(f"object-keys-{name}", comment, why, raw, kind="keys")


def not_the_one() -> None:
    """Each object reads by itself, and together they are no tree."""
    ids = sorted(map(an_id, range(900)), key=lambda one: sha256(one.encode()))

    def under(digits: str) -> list[str]:
        return [one for one in ids if sha256(one.encode()).startswith(digits)]

    def name(raw: bytes) -> str:
        return sha256(raw)

    small = {digits: leaf(envelope(under(digits)[0])) for digits in ("0", "1", "20", "21", "30")}
    all_in_one = "a node stands where one leaf holds all"
    under_first = "a node names two digits where one leaf holds all under the first"
    refused_tree(
        "tree-node-for-leaf", "two small leaves that are one", all_in_one,
        node({one: name(small[one]) for one in "01"}), small["0"], small["1"],
    )  # fmt: skip
    large = leaf(envelope(under("f")[0], comment="x" * LEAF))
    refused_tree(
        "tree-digits-for-digit", "two small leaves that are one under their first digit", under_first,
        node({**{one: name(small[one]) for one in ("20", "21")}, "f": name(large)}),
        small["20"], small["21"], large,
    )  # fmt: skip
    refused_tree(
        "tree-digits-alone", "one leaf under two digits, and nothing else under the first", under_first,
        node({"30": name(small["30"]), "f": name(large)}), small["30"], large,
    )  # fmt: skip
    inner = node({"00": name(small["0"]), "01": name(small["1"])})
    refused_tree(
        "tree-node-under-digit", "a node under one digit", "a node stands where a leaf is due",
        node({"0": name(inner), "f": name(large)}), inner, large,
    )  # fmt: skip
    chain = node({"40": name(node({"1": name(small["0"]), "2": name(small["1"])}))})
    refused_tree(
        "tree-elsewhere", "entries that stand under another digit", "an entry stands where it does not belong",
        chain, node({"1": name(small["0"]), "2": name(small["1"])}), small["0"], small["1"],
    )  # fmt: skip
    empty = leaf()
    refused_tree(
        "tree-empty-leaf", "an empty leaf under a digit", "a leaf is empty",
        node({"0": name(empty), "f": name(large)}), empty, large,
    )  # fmt: skip


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    trees()
    objects()
    not_the_one()
    for place in set(FOLDER.glob("*.txt")) - WRITTEN:
        place.unlink()
