"""Makes vectors/pack: files that are a pack in its one form, and files that are nearly one.

    python vectors/make_pack.py           writes all of them anew

What is expected is written here by hand, from docs/spec/closure §8; nothing of `sig` is imported.
The format of the files stands in vectors/README.md.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

from make_manifest import remove_others, write

FOLDER = Path(__file__).parent / "pack"
SAID = "cpython-3.11.2 a70d0d0a"
ONE, TWO, THREE = sorted(hashlib.sha256(text).hexdigest() for text in (b"a", b"b", b"c"))
NO_PACK, NOT_ONE_FORM = "not a pack", "not a pack in its one form"

Members = list[tuple[str, bytes]]
PYTHON = ("python", f"{SAID}\n".encode())
CODES: Members = [(ONE, b"code of one"), (TWO, b""), (THREE, bytes(range(256)))]
GOOD: Members = [*CODES, PYTHON]


def packed(members: Members, **more: Any) -> bytes:
    """A zip of these members in this order; `more` says what is otherwise than it should be."""
    body, directory = b"", b""
    for name, data in members:
        at = len(body) + more.get("before", 0)
        common = struct.pack(
            "<HHHHHIIIHH",
            more.get("version", 20),
            more.get("flags", 0),
            more.get("method", 0),
            more.get("time", 0),
            more.get("date", 33),
            zlib.crc32(data) ^ more.get("checksum", 0),
            len(data),
            len(data) + more.get("size", 0),
            len(name),
            len(more.get("extra", b"")),
        )
        extra = more.get("extra", b"")
        body += b"PK\3\4" + common + name.encode() + extra + data + more.get("between", b"")
        comment = more.get("member_comment", b"")
        directory += b"PK\1\2" + struct.pack("<H", more.get("made_by", 20)) + common
        directory += struct.pack("<HHHII", len(comment), 0, 0, more.get("mode", 0), at)
        directory += more.get("listed_as", {}).get(name, name).encode() + extra + comment
    count, comment = len(members), more.get("comment", b"")
    gap = more.get("gap", b"")
    end = struct.pack(
        "<HHHHIIH",
        more.get("disk", 0), 0, count, count + more.get("count", 0), len(directory),
        len(body) + len(gap) + more.get("before", 0), len(comment),
    )  # fmt: skip
    return body + gap + directory + b"PK\5\6" + end + comment


def pack(name: str, comment: str, raw: bytes, codes: Members, said: str = SAID) -> None:
    head = {"comment": comment, "expect": "pack", "python": said}
    head["id"] = "sha256:" + hashlib.sha256(raw).hexdigest()
    data = {"pack": raw} | {f"code {digest}": code for digest, code in codes}
    write(FOLDER, name, head, data)


def refused(name: str, comment: str, raw: bytes, why: str = NOT_ONE_FORM) -> None:
    head = {"comment": comment, "expect": "refused", "why": json.dumps(why)}
    write(FOLDER, name, head, {"pack": raw})


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    good = packed(GOOD)
    pack("pack", "three codes", good, CODES)
    pack("no-code", "of a run that loaded nothing", packed([PYTHON]), [])
    threads = "cpython-3.13.0t f30d0d0a"
    pack("tag", "of a build with letters", packed([("python", f"{threads}\n".encode())]), [], threads)

    refused("empty", "no byte", b"", NO_PACK)
    refused("empty-zip", "a zip without members", packed([]), NO_PACK)
    refused("cut-off", "without its last byte", good[:-1])
    refused("cut-off-head", "within the first header", good[:20], NO_PACK)
    refused("cut-off-directory", "without its directory", good[: good.index(b"PK\1\2")])
    refused("behind", "a byte more", good + b"\0")
    refused("before", "a line before it, and offsets that say so", b"#!/bin/sh\n" + packed(GOOD, before=10), NO_PACK)
    refused("offsets", "offsets for what does not stand there", packed(GOOD, before=10))
    refused("two-zips", "a second zip is what a reader from the end finds", good + packed([PYTHON]))
    refused("gap", "a byte between members and directory", packed(GOOD, gap=b"\0"))
    refused("between", "bytes between the members", packed(GOOD, between=b"PK"), NO_PACK)
    refused("comment", "a comment of the zip", packed(GOOD, comment=b"evil"))
    refused("member-comment", "a comment of a member", packed(GOOD, member_comment=b"evil"))
    refused("extra", "an extra field", packed(GOOD, extra=b"\1\0\1\0x"), NO_PACK)
    refused("mode", "a Unix mode", packed(GOOD, mode=0o100644 << 16))
    refused("made-by", "made on Unix", packed(GOOD, made_by=20 | 3 << 8))
    refused("version", "for a reader of another version", packed(GOOD, version=10))
    refused("flags", "sizes behind the member", packed(GOOD, flags=8))
    refused("utf-8", "the flag of names in UTF-8", packed(GOOD, flags=1 << 11))
    refused("method", "said to be deflated", packed(GOOD, method=8))
    refused("time", "a time", packed(GOOD, time=1))
    refused("date", "another day", packed(GOOD, date=34))
    refused("checksum", "wrong checksums", packed(GOOD, checksum=1))
    refused("sizes", "another size unpacked than packed", packed(GOOD, size=1))
    refused("disk", "the second disk", packed(GOOD, disk=1))
    refused("count", "one member more than there are", packed(GOOD, count=1))
    refused("listed-as", "another name in the directory than before the member", packed(GOOD, listed_as={ONE: "0" * 64}))
    refused("unsorted", "in another order", packed([*CODES[::-1], PYTHON]))
    refused("python-first", "in another order", packed([PYTHON, *CODES]))
    refused("twice", "one name with two contents", packed([(ONE, b"evil"), *GOOD]))
    refused("twice-same", "one name with one content twice", packed([(TWO, b""), *CODES[1:], PYTHON]))
    refused("python-twice", "two interpreters", packed([*GOOD, ("python", b"x 00000000\n")]))
    refused("no-python", "for no interpreter", packed(CODES), NO_PACK)
    for name, line in {
        "python-empty": "",
        "python-no-magic": "cpython-3.11.2\n",
        "python-short": "cpython-3.11.2 a70d0d\n",
        "python-capitals": "cpython-3.11.2 A70D0D0A\n",
        "python-no-tag": " a70d0d0a\n",
        "python-two-spaces": "cpython-3.11.2  a70d0d0a\n",
        "python-two-lines": f"{SAID}\n{SAID}\n",
        "python-long-tag": "c" * 65 + " a70d0d0a\n",
        "python-slash": "c/3 a70d0d0a\n",
        "python-letters": "cpython-é a70d0d0a\n",
    }.items():
        refused(name, "no line of an interpreter", packed([*CODES, ("python", line.encode())]), NO_PACK)
    no_end = packed([*CODES, ("python", SAID.encode())])
    refused("python-no-end", "the line of an interpreter does not end", no_end)
    for name, member in {
        "path": "../evil.py",
        "module": "json",
        "short": "a" * 63,
        "long": "a" * 65,
        "capitals": "A" * 64,
        "no-name": "",
    }.items():
        refused(f"member-{name}", "no digest of a source", packed([(member, b""), PYTHON]), NO_PACK)
    remove_others(FOLDER)


if __name__ == "__main__":
    main()
