"""Makes vectors/baked: files as they lie beside a baked loader, and files that are refused.

    python vectors/make_baked.py           writes all of them anew

What is expected is written here by hand, from docs/spec/loader; nothing of `sig` is imported. The
format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from make_manifest import remove_others, write

FOLDER = Path(__file__).parent / "baked"
KEY, OTHER = "0123456789ABCDEF0123456789ABCDEF01234567", "AB" * 32
LARGEST = 2**53 - 1
MIB = 1024 * 1024
GONE = object()


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def says(digit: str, key: str = KEY, **more: Any) -> dict[str, Any]:
    data = {"id": "sha256:" + digit * 64, "ok": True, "reviewed": True} | more
    return {"data": data, "key": key, "sig": base64_of(b"a signature")}


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


LISTS = sorted([b"0" * 64 + b"  hello.py\n", b"1" * 64 + b"  words.py\n"], key=sha256)


def named(lists: list[bytes]) -> list[list[Any]]:
    return [[sha256(one), len(one)] for one in lists]


SAID: dict[str, Any] = {
    "version": 1,
    "app": "hello",
    "certificates": {KEY: base64_of(b"a certificate")},
    "statements": [says("a"), says("b", ok=False)],
    "lists": named(LISTS),
}


def line(said: Any) -> bytes:
    return json.dumps(said, sort_keys=True).encode("ascii") + b"\n"


def file(head: bytes, lists: list[bytes] = LISTS) -> bytes:
    """A first line, its digest, and lists."""
    return head + f"sha256 {sha256(head)}\n".encode() + b"".join(lists)


def good(name: str, comment: str, lists: list[bytes] = LISTS, **changed: Any) -> None:
    said = SAID | {"lists": named(lists)} | changed
    head = {"comment": comment, "expect": "read", "app": said["app"]}
    data: dict[str, Any] = {"file": file(line(said), lists)}
    data |= {f"certificate {key}": base64.b64decode(one) for key, one in said["certificates"].items()}
    for number, one in enumerate(said["statements"], 1):
        data[f"statement {number}"] = line(one)[:-1]
    for number, one in enumerate(lists, 1):
        data[f"list {number}"] = one
    write(FOLDER, name, head, data)


def refused(name: str, comment: str, raw: bytes, why: str) -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why)}
    write(FOLDER, name, head, {"file": raw})


def bad(name: str, comment: str, why: str, **changed: Any) -> None:
    """A field that is refused, in a file that is else as it should be."""
    said = {key: value for key, value in (SAID | changed).items() if value is not GONE}
    refused(name, comment, file(line(said)), why)


def read() -> None:
    good("whole", "statements of two keys, two lists and a certificate")
    good("nothing", "nothing is said", [], certificates={}, statements=[])
    good("no-lists", "no list", [])
    good("no-statements", "lists alone", statements=[])
    good("empty-list", "a list of nothing", [b""])
    good("list-any", "bytes that are no list: who asks for it will see", [b"\xff\n\0"])
    good("name", "characters of the name", app="0a._-" + "x" * 59)
    good("keys", "keys of both lengths", certificates={KEY: base64_of(b"x"), OTHER: base64_of(b"\0" * 5000)})
    many = sorted((says(f"{number % 16:x}", comment=f"{number:03}") for number in range(200)), key=line)
    good("many", "two hundred statements", statements=many)
    good("text", "text outside ASCII", statements=[says("a", comment="Grüße ☃ 𝄞")])
    good("stamped", "an envelope with a time stamp", statements=[says("a") | {"tst": base64_of(b"a token")}])
    good("later", "a field of a statement that is not known", statements=[says("a", later=[1])])


def bytes_of_it() -> None:
    whole = file(line(SAID))
    head = len(line(SAID))
    cut, damaged = "it is cut", "it is damaged"
    refused("empty", "no byte", b"", cut)
    refused("line-alone", "without the digest of the first line", whole[:head], cut)
    refused("line-cut", "half a line", whole[: head // 2], cut)
    refused("digest-cut", "half a digest", whole[: head + 71], cut)
    refused("newline-more", "an empty line before it", b"\n" + whole, damaged)
    refused("digest-other", "another digest", whole[: head + 10] + b"x" + whole[head + 11 :], damaged)
    refused("digest-capital", "in capital letters", whole[:head] + whole[head : head + 72].upper() + whole[head + 72 :], damaged)
    refused("digest-newline", "the digest of the line without its end", line(SAID) + f"sha256 {sha256(line(SAID)[:-1])}\n".encode(), damaged)
    refused("line-changed", "one letter of what is said", whole.replace(b"hello", b"jello", 1), damaged)
    refused("sig-changed", "one letter of a signature", whole.replace(b'"sig": "', b'"sig": "Y', 1), damaged)
    long = "its lists are not as long as it says"
    refused("lists-more", "a byte more", whole + b"\n", long)
    refused("lists-less", "a byte less", whole[:-1], long)
    refused("lists-none", "no list", whole[: head + 72], long)
    huge = SAID | {"lists": [[digest, 64 * MIB] for digest, _ in SAID["lists"]]}
    refused("lists-largest", "lengths that no file has", file(line(huge)), long)
    other = f"the list {SAID['lists'][1][0]} has other bytes"
    refused("list-changed", "one byte of a list", whole[:-1] + b" ", other)
    refused("lists-swapped", "the one in the place of the other", file(line(SAID), LISTS[::-1]), f"the list {SAID['lists'][0][0]} has other bytes")


def forms() -> None:
    def form(name: str, comment: str, head: bytes, why: str) -> None:
        refused(f"json-{name}", comment, file(head), why)

    whole = line(SAID)
    form("none", "no JSON", b"\n", "")
    form("cut", "half an object", whole[:-2] + b"\n", "not JSON")
    form("utf-8", "not UTF-8", whole[:-1] + b"\xff\n", "not UTF-8")
    form("list", "a list", line([SAID]), "not an object")
    form("twice", "a field twice", b'{"app": "evil", ' + whole[1:], "a name stands twice in one object")
    form("large", "a number that no two programs read alike", line(SAID | {"version": LARGEST + 1}), "the number")
    one = "not in canonical form"
    form("space", "a space less", whole.replace(b'": ', b'":', 1), one)
    form("before", "a space before it", b" " + whole, one)
    form("return", "a carriage return behind it", whole[:-1] + b"\r\n", one)
    form("order", "in another order", json.dumps(SAID).encode() + b"\n", one)
    form("escaped", "a letter as an escape", whole.replace(b'"hello"', b'"\\u0068ello"'), one)
    within = says("a", comment="é")
    raw = json.dumps(SAID | {"statements": [within]}, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    form("within", "a statement in another form", raw, one)


ANY = {"null": None, "true": True, "number": 5, "list": [], "object": {}, "text": "\N{SNOWMAN}"}


def fields() -> None:
    for name in sorted(SAID):
        if name != "version":
            bad(f"gone-{name}", "a field is missing", f"no {name}", **{name: GONE})
    bad("more", "a field too much", "unknown field signer", signer=1)
    bad("more-twice", "two of them: the first is named", "unknown field a", b=1, a=1)
    bad("more-long", "a long name", f"unknown field {'x' * 64}", **{"x" * 70: 1})
    for name, value, said in [
        ("next", 2, " 2"), ("zero", 0, " 0"), ("text", "1", ""), ("true", True, ""), ("null", None, ""), ("gone", GONE, ""),
    ]:  # fmt: skip
        bad(f"version-{name}", "another version", f"the version{said} is not known", version=value)

    def each(name: str, why: str, values: dict[str, Any]) -> None:
        for kind, value in values.items():
            bad(f"{name}-{kind}", "not of its form", why, **{name: value})

    def without(*kinds: str) -> dict[str, Any]:
        return {kind: value for kind, value in ANY.items() if kind not in kinds}

    each("app", "app is not the name of an app", ANY | {"empty": "", "dot": ".a", "hyphen": "-a", "slash": "a/b", "long": "x" * 65, "newline": "a\n"})
    each("certificates", "certificates is not certificates by their fingerprints", without("object") | {
        "short": {KEY[8:]: "eA=="}, "lower": {KEY.lower(): "eA=="}, "empty": {KEY: ""}, "nothing": {KEY: None},
        "padding": {KEY: "eA"}, "bits": {KEY: "eB=="}, "space": {KEY: "eA== "}, "url": {KEY: "_-8="},
    })  # fmt: skip
    digest, size = SAID["lists"][0]
    second = SAID["lists"][1]
    each("lists", "lists is not a sorted list of digests and lengths", without("list") | {
        "unsorted": [second, [digest, size]], "twice": [[digest, size], [digest, size]], "one": [[digest]], "three": [[digest, size, 0], second],
        "short": [[digest[1:], size], second], "capital": [[digest.upper(), size], second], "scheme": [["sha256:" + digest, size], second],
        "negative": [[digest, -1], second], "true": [[digest, True], second], "words": [[digest, "1"], second],
        "large": [[digest, 64 * MIB + 1], second], "turned": [[size, digest], second],
    })  # fmt: skip
    each("statements", "statements is not a list", without("list"))
    order = "its statements are not in order"
    bad("statements-unsorted", "the other first", order, statements=[says("b"), says("a")])
    bad("statements-twice", "one twice", order, statements=[says("a"), says("a")])
    for kind, value, why in [
        ("null", None, "not an envelope"),
        ("more", says("b") | {"more": 1}, "an envelope has data, key and sig, and nothing else"),
        ("key", says("b", KEY.lower()), "the key is not a full fingerprint"),
        ("sig", says("b") | {"sig": "eA"}, "the signature is not canonical base64"),
        ("other", says("b") | {"data": {"trust": {}}}, "not a document with id"),
        ("both", says("b", withdrawn=True), "withdrawn and ok at once"),
        ("id", {**says("b"), "data": {"id": "x", "ok": True, "reviewed": True}}, "the id is not"),
    ]:  # fmt: skip
        bad(f"statement-{kind}", "an envelope that is refused", f"statement 2: {why}", statements=[says("a"), value])


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for part in (read, bytes_of_it, forms, fields):
        part()
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
