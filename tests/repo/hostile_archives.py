"""Hostile archives, byte by byte, and beside each a twin that only lacks the attack.

    python -m tests.repo.hostile_archives FOLDER        writes NAME.hostile.EXT and NAME.twin.EXT

`Zip` and `Tar` write what they are told, be it true or not; nothing here is checked by what it is
meant to attack. `CASES` has them all.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

Numbers = dict[str, int]


@dataclass(frozen=True, slots=True)
class Case:
    """`why` is a part of the refusal. `deep`: only where archives in archives are listed."""

    name: str
    kind: str
    hostile: bytes
    why: str
    twin: bytes
    deep: bool = False


# --- zip -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. `central` and `local` replace numbers in one of the two headers."""

    name: str | bytes
    content: bytes = b"content"
    method: int = 8
    flags: int = 0
    mode: int = stat.S_IFREG | 0o644
    attributes: int = 0
    extra: bytes = b""
    central: Numbers = field(default_factory=dict)
    local: Numbers = field(default_factory=dict)
    local_name: bytes | None = None
    local_extra: bytes | None = None
    central_extra: bytes | None = None
    packed: bytes | None = None
    descriptor: bytes | Callable[[int, int, int], bytes] = b""
    before: bytes = b""

    @property
    def raw(self) -> bytes:
        return self.name if isinstance(self.name, bytes) else self.name.encode()


def deflated(content: bytes, level: int = 9) -> bytes:
    machine = zlib.compressobj(level, zlib.DEFLATED, -15)
    return machine.compress(content) + machine.flush()


def extra(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def descriptor(checksum: int, packed: int, size: int) -> bytes:
    return struct.pack("<4sLLL", b"PK\7\10", checksum, packed, size)


def folder(name: str, **more: object) -> Entry:
    made = Entry(name, b"", 0, mode=stat.S_IFDIR | 0o755, attributes=0x10)
    return replace(made, **more)


def zipped(
    *entries: Entry,
    before: bytes = b"",
    between: bytes = b"",
    comment: bytes = b"",
    after: bytes = b"",
    ending: Numbers | None = None,
    zip64: Numbers | None = None,
    order: Callable[[list[bytes]], list[bytes]] = list,
    count: int | None = None,
) -> bytes:
    """A zip. `between` stands before the directory; `ending` and `zip64` replace numbers there."""
    made = bytearray(before)
    directory: list[bytes] = []
    for one in entries:
        packed = one.packed
        if packed is None:
            packed = deflated(one.content) if one.method == 8 else one.content
        numbers = {
            "version": 20, "flags": one.flags, "method": one.method, "time": 0, "date": 33,
            "checksum": zlib.crc32(one.content), "packed": len(packed), "size": len(one.content),
        }  # fmt: skip
        made += one.before
        offset = len(made)
        here = {**numbers, **one.local}
        name = one.raw if one.local_name is None else one.local_name
        extra_here = one.extra if one.local_extra is None else one.local_extra
        made += struct.pack("<4s5H3L2H", b"PK\3\4", *here.values(), len(name), len(extra_here))
        made += name + extra_here + packed
        if callable(one.descriptor):
            made += one.descriptor(numbers["checksum"], numbers["packed"], numbers["size"])
        else:
            made += one.descriptor
        there = {
            **numbers, "disk": 0, "internal": 0,
            "attributes": one.mode << 16 | one.attributes, "offset": offset, "host": 3,
            **one.central,
        }  # fmt: skip
        extra_there = one.extra if one.central_extra is None else one.central_extra
        directory.append(
            struct.pack(
                "<4sBB5H3L5H2L", b"PK\1\2", 20, there["host"], there["version"], there["flags"],
                there["method"], there["time"], there["date"], there["checksum"], there["packed"],
                there["size"], len(one.raw), len(extra_there), 0, there["disk"],
                there["internal"], there["attributes"], there["offset"],
            )
            + one.raw
            + extra_there
        )  # fmt: skip
    made += between
    start = len(made)
    for piece in order(directory):
        made += piece
    length = len(made) - start
    number = len(directory) if count is None else count
    if zip64 is not None:
        record = {
            "length": 44, "by": 45, "version": 45, "disk": 0, "first": 0, "here": number,
            "count": number, "size": length, "start": start, "where": len(made), "other": 0,
            "disks": 1, **zip64,
        }  # fmt: skip
        *values, where, other, disks = (record[name] for name in (
            "length", "by", "version", "disk", "first", "here", "count", "size", "start",
            "other", "where", "disks"))  # fmt: skip
        made += struct.pack("<4sQ2H2L4Q", b"PK\6\6", *values)
        made += struct.pack("<4sLQL", b"PK\6\7", where, other, disks)
    end = {
        "disk": 0, "first": 0, "here": number, "count": number, "size": length, "start": start,
        "comment": len(comment), **(ending or {}),
    }  # fmt: skip
    made += struct.pack("<4s4H2LH", b"PK\5\6", *end.values()) + comment + after
    return bytes(made)


A, B = Entry("a/first.py", b"import this\n" * 9), Entry("b.txt", b"second", 0)
PLAIN = zipped(A, B)


def _zip_names() -> Iterator[tuple[str, str | bytes, str, str | bytes]]:
    yield "traversal", "../evil.py", "leaves its folder", "..evil.py"
    yield "traversal-inside", "x/../../evil.py", "leaves its folder", "x/..b/evil.py"
    yield "absolute", "/etc/evil", "absolute", "etc/evil"
    yield "drive", "C:/evil", "drive", "CC:/evil"
    yield "drive-relative", "c:evil", "drive", "cc:evil"
    yield "backslash", "..\\evil.py", "backslash", "..evil.py"
    yield "nul", "a.py\0.txt", "control character", "a.py.txt"
    yield "newline", f"x\n{'0' * 64}  evil", "control character", "x"
    yield "escape", "\x1b[2Ja", "control character", "[2Ja"
    yield "dot", "./x", "the part .", "x"
    yield "empty-part", "a//b", "empty part", "a/b"
    yield "no-name", "", "without a name", "x"
    yield "trailing-dot", "a.py.", "dot or a space", "a.py"
    yield "trailing-space", "a.py ", "dot or a space", "a.py"
    yield "long-name", "n" * 256, "longer than 255", "n" * 255
    yield "long-path", "n/" * 2048 + "n", "longer than 4096", "n/" * 2047 + "n"
    yield "standard-input", "-", "sha256sum", "--"
    yield "not-utf-8", b"\xff\xfe", "not marked as UTF-8", b"ff"
    yield "unmarked", "é".encode(), "not marked as UTF-8", b"e"


def _zip_cases() -> Iterator[Case]:
    def case(name: str, hostile: bytes, why: str, twin: bytes = PLAIN, deep: bool = False) -> Case:
        return Case(f"zip-{name}", "zip", hostile, why, twin, deep)

    def other(why: str, name: str, entry: Entry, twin: Entry = B) -> Case:
        return case(name, zipped(A, entry), why, zipped(A, twin))

    for name, path, why, good in _zip_names():
        yield other(why, name, Entry(path), Entry(good))
    utf8 = 1 << 11
    yield other("UTF-8", "not-utf-8-marked", Entry(b"\xc3", flags=utf8), Entry("é", flags=utf8))
    yield other("UTF-8", "surrogate", Entry(b"\xed\xb3\xbf", flags=utf8), Entry("�", flags=utf8))
    # twins
    for name, first, second in (
        ("twice", b"x", b"x"), ("case", b"x/Y", b"x/y"),
        ("composed", "é".encode(), "e\u0301".encode()), ("file-and-folder", b"x", b"x/y"),
        ("file-and-folder-in-capitals", b"x/y", b"X"),
    ):  # fmt: skip
        yield case(
            name,
            zipped(Entry(first, b"one", flags=utf8), A, Entry(second, b"two", flags=utf8)),
            "twice" if name == "twice" else "one name",
            zipped(Entry(first, b"one", flags=utf8), A, Entry(b"2" + second, b"2", flags=utf8)),
        )
    yield case("folder-over-file", zipped(A, Entry("x"), folder("x/")), "of one name",
               zipped(A, Entry("x"), folder("y/")))  # fmt: skip
    yield case("folder-twice", zipped(A, folder("x/"), folder("x/")), "twice",
               zipped(A, folder("x/"), folder("y/")))  # fmt: skip
    # the two headers of a member
    yield other("another name", "local-name", replace(B, local_name=b"c.txt"))
    yield other("another name", "local-name-longer", replace(B, local_name=b"b.txt\0"))
    yield other("other flags", "local-method", replace(B, local={"method": 8}))
    yield other("other flags", "local-flags", replace(B, local={"flags": utf8}))
    yield other("other sizes", "local-size", replace(B, local={"size": 5}))
    yield other("other sizes", "local-packed", replace(B, local={"packed": 5}))
    yield other("other sizes", "local-sizes-zero", replace(B, local={"packed": 0, "size": 0}))
    yield other("another checksum", "local-checksum", replace(B, local={"checksum": 0}))
    yield case("local-mark", PLAIN[::-1].replace(b"\4\3KP", b"\4\4KP", 1)[::-1], "does not start")
    yield other("checksum", "checksum",
                replace(B, local={"checksum": 1}, central={"checksum": 1}))  # fmt: skip
    yield other("folder with content", "checksum-of-folder", folder("x/", central={"checksum": 1}),
                folder("x/"))  # fmt: skip
    streamed = Entry("s", b"streamed" * 9, flags=8, descriptor=descriptor,
                     local={"checksum": 0, "packed": 0, "size": 0})  # fmt: skip
    for name, wrong in (
        ("checksum", lambda c, p, s: descriptor(c ^ 1, p, s)),
        ("packed", lambda c, p, s: descriptor(c, p + 1, s)),
        ("size", lambda c, p, s: descriptor(c, p, s + 1)),
        ("mark", lambda c, p, s: b"PK\7\7" + descriptor(c, p, s)[4:]),
        ("unmarked", lambda c, p, s: descriptor(c, p, s + 1)[4:]),
        ("large", lambda c, p, s: struct.pack("<4sLQQ", b"PK\7\10", c, p, s + (1 << 32))),
    ):
        yield other("other numbers behind it", f"descriptor-{name}",
                    replace(streamed, descriptor=wrong), streamed)  # fmt: skip
    yield other("belong to no member", "descriptor-missing", replace(streamed, descriptor=b""),
                replace(streamed, descriptor=lambda c, p, s: descriptor(c, p, s)[4:]))  # fmt: skip
    yield other("belong to no member", "descriptor-longer",
                replace(streamed, descriptor=lambda c, p, s: descriptor(c, p, s) + b"\0"),
                replace(streamed, descriptor=lambda c, p, s: struct.pack("<LQQ", c, p, s)),
                )  # fmt: skip
    yield other("does not say how long", "stored-without-length",
                replace(streamed, method=0),
                replace(streamed, method=0, local={}))  # fmt: skip
    inner = descriptor(0, 2, 3) + zipped(Entry("evil"))
    unknown = replace(streamed, content=inner, method=0, local_extra=extra(1, bytes(16)))
    known = extra(1, struct.pack("<QQ", len(inner), len(inner)))
    yield other("does not say how long", "stored-without-length-in-zip64", unknown,
                replace(unknown, local={"packed": 0xFFFFFFFF}, local_extra=known))  # fmt: skip
    # content
    yield other("fewer bytes", "shorter", replace(A, name="c", central={"size": 109},
                local={"size": 109}), replace(A, name="c"))  # fmt: skip
    yield other("more bytes than is said", "longer", replace(A, name="c", central={"size": 107},
                local={"size": 107}), replace(A, name="c"))  # fmt: skip
    yield other("after the end of its", "behind-deflated",
                Entry("c", b"x", packed=deflated(b"x") + b"hidden"),
                Entry("c", b"x", packed=deflated(b"x")))  # fmt: skip
    big = bytes(200_000)
    yield other("after the end of its", "far-behind-deflated",
                Entry("c", big, packed=deflated(big) + bytes(200_000)),
                Entry("c", big))  # fmt: skip
    yield other("cut off", "deflated-cut-off",
                Entry("c", b"x" * 99, packed=deflated(b"x" * 99)[:-1]),
                Entry("c", b"x" * 99))  # fmt: skip
    yield other("damaged", "deflated-damaged", Entry("c", b"x", packed=b"\xff\xff\xff"),
                Entry("c", b"x"))  # fmt: skip
    yield other("as long as it is said", "stored-longer",
                replace(B, central={"size": 5}, local={"size": 5}))  # fmt: skip
    for number, name in ((1, "shrink"), (9, "deflate64"), (12, "bzip2"), (14, "lzma"),
                         (93, "zstd"), (95, "xz"), (99, "encryption"), (77, "77")):  # fmt: skip
        yield other(f"packed by {name};", f"method-{name}",
                    Entry("c", b"x", method=number), Entry("c", b"x"))  # fmt: skip
    for flags, name in ((1, "encrypted"), (0x41, "strongly-encrypted"), (0x2000, "masked")):
        yield other("is encrypted", name, replace(B, flags=flags))
    yield other("is encrypted", "aes", replace(B, extra=extra(0x9901, b"\2\0AE\3\0\0")),
                replace(B, extra=extra(0x5455, b"\1\0\0\0\0")))  # fmt: skip
    for flags, name in ((1 << 5, "patch"), (1 << 4, "enhanced"), (1 << 15, "unknown")):
        yield other("flags that are not known", f"flags-{name}", replace(B, flags=flags),
                    replace(B, flags=6))  # fmt: skip
    # kinds
    for mode, what in ((stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "FIFO"),
                       (stat.S_IFCHR, "device"), (stat.S_IFBLK, "device"),
                       (stat.S_IFSOCK, "socket")):  # fmt: skip
        name = what.replace(" ", "-") + ("-block" if mode == stat.S_IFBLK else "")
        yield other(
            what, name, Entry("link", b"../../etc/passwd", mode=mode | 0o777), Entry("link")
        )
        yield other(what, f"{name}-of-dos",
                    Entry("link", b"/etc/passwd", mode=mode | 0o777, central={"host": 0}),
                    Entry("link", central={"host": 0}))  # fmt: skip
    yield other("file by its name", "folder-by-mode", Entry("x", mode=stat.S_IFDIR), Entry("x"))
    yield other("file by its name", "folder-by-attribute", Entry("x", mode=0, attributes=0x10),
                Entry("x", mode=0, attributes=0x20))  # fmt: skip
    yield other("file by its name", "file-by-mode", folder("x/", mode=stat.S_IFREG), folder("x/"))
    yield other("folder with content", "folder-with-content", folder("x/", content=b"hidden"),
                folder("x/"))  # fmt: skip
    yield other("folder with content", "folder-with-packed",
                folder("x/", method=8, packed=b"hidden"),
                folder("x/", method=8, packed=b"\3\0"))  # fmt: skip
    # extra fields
    yield other("second name", "unicode-name",
                replace(B, extra=extra(0x7075, b"\1" + bytes(4) + b"evil.txt")),
                replace(B, extra=extra(0x7075, b"\1" + bytes(4) + b"b.txt")))  # fmt: skip
    yield other("second name", "unicode-name-local",
                replace(B, local_extra=extra(0x7075, b"\1" + bytes(4) + b"evil.txt")))  # fmt: skip
    yield other("twice", "extra-twice", replace(B, extra=extra(0x5455, b"") * 2),
                replace(B, extra=extra(0x5455, b"")))  # fmt: skip
    yield other("cut off", "extra-cut-off", replace(B, extra=b"\x55\x54\x05\0\1"))
    yield other("cut off", "extra-cut-off-early", replace(B, extra=b"\x55\x54\x05"))
    yield other("newer program", "version", replace(B, central={"version": 47}),
                replace(B, central={"version": 46}))  # fmt: skip
    yield other("newer program", "version-local", replace(B, local={"version": 0x2014}),
                replace(B, local={"version": 45}))  # fmt: skip
    # where members lie
    yield case("before", zipped(A, before=b"MZ hidden"), "zip nor a tar", zipped(A))
    yield case("before-like-a-zip", zipped(A, before=b"PK\3\4 hidden\n"), "before its first", PLAIN)
    line = b"#!/usr/bin/env python3\n"
    yield case("before-two-lines", zipped(A, before=line + b"exec evil\n"), "before its first",
               zipped(A, before=line))  # fmt: skip
    yield case("before-long-line", zipped(A, before=b"#!" + b"x" * 253 + b"\n"), "before its first",
               zipped(A, before=b"#!" + b"x" * 252 + b"\n"))  # fmt: skip
    yield case("before-no-line", zipped(A, before=b"#!x"), "before its first",
               zipped(A, before=b"#!x\n"))  # fmt: skip
    yield case("put-before", line + PLAIN, "not where its end says", zipped(A, B, before=line))
    yield case("gap", zipped(A, replace(B, before=b"hidden")), "belong to no member")
    yield case("hidden-member", zipped(A, replace(B, before=zipped(Entry("x"))[:38])), "no member")
    yield case("gap-at-end", zipped(A, B, between=b"hidden"), "belong to no member")
    yield case("overlap", zipped(A, B, replace(B, name="c", central={"offset": 0})), "lies over")
    yield case("quoted", _quoted(), "lies over")
    yield case("same-bytes-twice", _shared(), "lies over")
    yield case(
        "offset-outside", zipped(A, replace(B, central={"offset": 1 << 30})), "belong to no member"
    )
    yield case("after", zipped(A, B, after=b"hidden"), "or bytes after it")
    yield case("comment-longer", zipped(A, B, ending={"comment": 5}), "no end")
    yield case("comment-shorter", zipped(A, B, comment=b"hello", ending={"comment": 4}), "no end",
               zipped(A, B, comment=b"hello"))  # fmt: skip
    yield case("two-ends", zipped(A, comment=zipped(B)), "second end", zipped(A, comment=b"PK\5\5"))
    yield case("two-ends-one-fits", zipped(A, comment=zipped(B) + b"!"), "second end",
               zipped(A, comment=b"!"))  # fmt: skip
    yield case("cut-off", PLAIN[:-1], "no end")
    yield case("no-members", zipped(), "no file", zipped(A))
    yield case("only-folders", zipped(folder("x/")), "no file", zipped(folder("x/"), A))
    # the directory
    yield case("count-less", zipped(A, B, count=1), "more members than its end")
    yield case("count-more", zipped(A, B, count=3), "fewer members than its end")
    yield case("count-here", zipped(A, B, ending={"here": 1}), "several disks")
    yield case("disk", zipped(A, B, ending={"disk": 1}), "several disks")
    yield case("disk-first", zipped(A, B, ending={"first": 1}), "several disks")
    yield case("directory-cut-off", zipped(A, B, order=lambda found: [found[0], found[1][:30]]),
               "fewer members than its end")  # fmt: skip
    yield case("directory-name-cut-off",
               zipped(A, B, order=lambda found: [found[0], found[1][:-1]]),
               "fewer members than its end")  # fmt: skip
    yield case("disk-of-member", zipped(A, replace(B, central={"disk": 1})), "another disk")
    yield case("directory-size", zipped(A, B, ending={"size": 60}), "not where its end says")
    yield case("directory-start", zipped(A, B, ending={"start": 3}), "not where its end says")
    huge = {"start": 0, "size": 0xFFFFFFFE}
    yield case("directory-large", zipped(A, ending=huge), "larger than 64 MiB")
    # zip64
    large = zipped(A, B, zip64={})
    for name, numbers in (("count", {"count": 1, "here": 1}), ("start", {"start": 0}),
                          ("size", {"size": 1}), ("where", {"where": 0}), ("disks", {"disks": 2}),
                          ("disk", {"disk": 1}), ("length", {"length": 45}),
                          ("other", {"other": 1})):  # fmt: skip
        yield case(f"zip64-{name}", zipped(A, B, zip64=numbers), "zip64 end do not fit", large)
    yield case("zip64-hidden",
               zipped(A, B, zip64={}, ending={"count": 1, "here": 1}), "zip64 end do not fit",
               zipped(A, B, zip64={}, ending={"count": 0xFFFF, "here": 0xFFFF, "size": 0xFFFFFFFF,
                                              "start": 0xFFFFFFFF}))  # fmt: skip
    sizes = struct.pack("<QQ", 6, 6)
    many = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF}
    good = replace(B, extra=extra(1, sizes), central=many, local=many)
    yield other("numbers are missing", "zip64-missing", replace(B, central=many), good)
    yield other("numbers are missing", "zip64-short",
                replace(good, central_extra=extra(1, sizes[:8])), good)  # fmt: skip
    yield other("stand for nothing", "zip64-unused", replace(good, central={}, local={}), good)
    yield other("other sizes", "zip64-local-unlike",
                replace(good, local_extra=extra(1, struct.pack("<QQ", 6, 7))), good)  # fmt: skip
    yield other("other sizes", "zip64-local-unlike-size",
                replace(good, local_extra=extra(1, struct.pack("<QQ", 7, 6))), good)  # fmt: skip
    yield other("other sizes", "zip64-local-long",
                replace(good, local_extra=extra(1, sizes + bytes(4))), good)  # fmt: skip
    # An end that starts where others stop to look, and in the last field before it another one.
    hidden = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 0, 0, 0, 0)
    hidden += struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    for length in (0, 0xFFFF):
        yield case(
            f"zip64-in-a-field-{length}",
            zipped(A, replace(B, central_extra=extra(0x5455, hidden)), comment=b"x" * length),
            "zip64 end do not fit",
            zipped(A, replace(B, central_extra=extra(0x5455, hidden + b"x")),
                   comment=b"x" * length),
        )  # fmt: skip
    yield other("other sizes", "zip64-local-short",
                replace(good, local_extra=extra(1, sizes[:8])), good)  # fmt: skip
    yield other("other sizes", "zip64-local-missing", replace(good, local_extra=b""),
                replace(good, local={}))  # fmt: skip
    # bombs
    yield case("bomb-by-word", zipped(replace(A, central={"size": 0xFFFFFFF0})), "too many")
    yield case("bomb", _bomb(), "too many")
    # two kinds at once
    yield case("zip-and-tar", _zip_and_tar(), "at once", zipped(Entry("t", bytes(600), 0)))
    # archives in archives
    inner = zipped(Entry("../evil"))
    yield case("deep", zipped(A, Entry("in.zip", inner)), "in.zip: ../evil: .*leaves", PLAIN, True)
    yield case("deep-marked", zipped(Entry("x!/y")), "ends in !", zipped(Entry("x!y")), True)
    yield case("deep-folder", zipped(A, folder("x!/")), "ends in !", zipped(A, folder("x/")), True)
    yield case("deep-depth", _within(4), "4 archives within", _within(3), True)
    yield case("deep-quine-of-bombs", _within(3, wide=True), "too many", _within(3), True)


def _quoted() -> bytes:
    """David Fifield's better bomb: each deflated member quotes the headers behind it."""
    kernel = deflated(bytes(20_000))
    last = Entry("z", bytes(20_000), packed=kernel)
    header = zipped(last)[: 30 + 1]
    block = struct.pack("<BHH", 0, len(header), len(header) ^ 0xFFFF)
    content = header + last.content
    first = Entry("y", content, packed=block)
    made = zipped(
        replace(first, central={"packed": 5 + 31 + len(kernel)},
                local={"packed": 5 + 31 + len(kernel)}),
        last,
    )  # fmt: skip
    return made


def _shared() -> bytes:
    """Two names for one place: the same bytes are a member twice."""
    two = replace(A, name="a/second.py")
    whole = bytearray(zipped(A, two))
    at = whole.index(b"PK\1\2")
    at = whole.index(b"PK\1\2", at + 1)
    whole[at + 42 : at + 46] = bytes(4)
    return bytes(whole)


@cache
def _bomb() -> bytes:
    """300 MB in 300 KB."""
    zeros = bytes(30 << 20)
    packed = deflated(zeros)
    return zipped(*(Entry(f"{n}", zeros, packed=packed) for n in range(10)))


def _zip_and_tar() -> bytes:
    """A stored member whose bytes make the start of the zip the header of a tar."""
    name = b"t"
    content = bytearray(_header(b"evil", 0)[31:] + bytes(600))
    made = bytearray(zipped(Entry(name, bytes(content), 0)))
    # The checksum of a tar's header sees the zip's header too, which has one of the content.
    for _ in range(100_000):
        block = made[:512]
        block[148:156] = b" " * 8
        content[148 - 31 : 156 - 31] = b"%06o\0 " % sum(block)
        made = bytearray(zipped(Entry(name, bytes(content), 0)))
        block = made[:512]
        said = int(bytes(block[148:154]), 8)
        block[148:156] = b" " * 8
        if said == sum(block):
            return bytes(made)
        content[300] = (content[300] + 1) % 256
    raise AssertionError("no such archive")


@cache
def _within(depth: int, wide: bool = False) -> bytes:
    made = zipped(Entry("0", bytes(30 << 20) if wide else b"innermost"))
    for level in range(depth):
        if wide:
            made = zipped(*(Entry(f"{level}-{n}", made) for n in range(3)))
        else:
            made = zipped(Entry(f"{level}.zip", made))
    return made


# --- tar -----------------------------------------------------------------------------------------

DIALECTS = {"ustar": b"ustar\x0000", "gnu": b"ustar  \0", "v7": bytes(8)}


def _header(
    name: bytes,
    size: int | bytes,
    kind: bytes = b"0",
    dialect: str = "ustar",
    link: bytes = b"",
    at: dict[int, bytes] | None = None,
    checksum: int = 0,
) -> bytes:
    made = bytearray(512)
    made[: len(name)] = name
    made[100:124] = b"0000644\x000000000\x000000000\0"
    made[124:136] = b"%011o\0" % size if isinstance(size, int) else size
    made[136:148] = b"00000000000\0"
    made[156:157] = kind
    made[157 : 157 + len(link)] = link
    made[257:265] = DIALECTS[dialect]
    for place, value in (at or {}).items():
        made[place : place + len(value)] = value
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % (sum(made) + checksum)
    return bytes(made)


def member(
    name: str | bytes,
    content: bytes = b"content",
    kind: bytes = b"0",
    *,
    size: int | bytes | None = None,
    dialect: str = "ustar",
    link: bytes = b"",
    at: dict[int, bytes] | None = None,
    checksum: int = 0,
) -> bytes:
    """A header and its content. `at` replaces bytes, `checksum` is what it is wrong by."""
    raw = name if isinstance(name, bytes) else name.encode()
    said = len(content) if size is None else size
    head = _header(raw, said, kind, dialect, link, at, checksum)
    return head + content + bytes(-len(content) % 512)


def pax(records: dict[str, str] | bytes, kind: bytes = b"x", dialect: str = "ustar") -> bytes:
    raw = records if isinstance(records, bytes) else b"".join(map(record, records.items()))
    return member("PaxHeaders/x", raw, kind, dialect=dialect)


def record(item: tuple[str, str]) -> bytes:
    text = b" %s=%s\n" % (item[0].encode(), item[1].encode())
    length = len(text)
    while length != len(str(length)) + len(text):
        length = len(str(length)) + len(text)
    return b"%d" % length + text


def long_name(name: bytes, kind: bytes = b"L", dialect: str = "gnu") -> bytes:
    return member("././@LongLink", name + b"\0", kind, dialect=dialect)


def tarred(*members: bytes, end: bytes = bytes(1024)) -> bytes:
    return b"".join(members) + end


F, G = member("p-1/first.py", b"import this\n" * 99), member("p-1/second", b"")
TAR = tarred(F, G)
GNU_F = member("p-1/first.py", b"import this\n" * 99, dialect="gnu")


def _tar_cases() -> Iterator[Case]:
    def case(name: str, hostile: bytes, why: str, twin: bytes = TAR, deep: bool = False) -> Case:
        return Case(f"tar-{name}", "tar", hostile, why, twin, deep)

    def other(why: str, name: str, hostile: bytes, twin: bytes = G) -> Case:
        return case(name, tarred(F, hostile), why, tarred(F, twin))

    for name, path, why, good in _zip_names():
        raw = path if isinstance(path, bytes) else path.encode()
        twin = good if isinstance(good, bytes) else good.encode()
        # A header ends a name at its first zero: there the rest is hidden. One `./` is usual.
        if len(raw) <= 100 and name not in ("nul", "dot", "no-name", "unmarked", "not-utf-8"):
            yield other(why, name, member(raw), member(twin))
        if name not in ("nul", "no-name", "unmarked", "not-utf-8", "dot"):
            yield other(why, f"pax-{name}", pax({"path": raw.decode()}) + member("x"),
                        pax({"path": twin.decode()}) + member("x"))  # fmt: skip
            yield other(why, f"gnu-{name}", long_name(raw) + member("x", dialect="gnu"),
                        long_name(twin) + member("x", dialect="gnu"))  # fmt: skip
    yield other("unknown form", "nul", member("a.py\0.txt"), member("a.py.txt"))
    yield other("the part .", "dots", member("././a"), member("./a"))
    yield other("not UTF-8", "not-utf-8", member(b"\xff"), member("ÿ"))
    yield other("not UTF-8", "pax-not-utf-8", pax(b"11 path=\xff\xff\n") + member("x"),
                pax("12 path=ÿ\n".encode()[:0] + record(("path", "ÿ"))) + member("x"))  # fmt: skip
    yield other("without a name", "no-name", member(""), member("x"))
    yield other("leaves its folder", "prefix", member("evil", at={345: b"x/.."}),
                member("evil", at={345: b"x/..x"}))  # fmt: skip
    yield other("absolute", "prefix-absolute", member("evil", at={345: b"/etc"}),
                member("evil", at={345: b"etc"}))  # fmt: skip
    yield other("twice", "twice", member("x", b"1") + member("x", b"2"),
                member("x", b"1") + member("y", b"2"))  # fmt: skip
    yield other("twice", "twice-by-dot", member("x", b"1") + member("./x", b"2"),
                member("x", b"1") + member("./y", b"2"))  # fmt: skip
    yield other("one name", "case", member("x/Y") + member("x/y"), member("x/Y") + member("x/z"))
    yield other("one name", "composed", member("é") + member("e\u0301"), member("é") + member("e"))
    yield other("one name", "file-and-folder", member("x") + member("x/y"),
                member("x") + member("xx/y"))  # fmt: skip
    yield other("twice", "folder-over-file", member("x") + member("x/", b"", b"5"),
                member("x") + member("y/", b"", b"5"))  # fmt: skip
    yield other("twice", "folder-twice", member("y/", b"", b"5") * 2, member("y/", b"", b"5"))
    # kinds
    for kind, what in ((b"1", "hard link"), (b"2", "symbolic link"), (b"3", "device"),
                       (b"4", "device"), (b"6", "FIFO"), (b"7", "contiguous"), (b"V", "volume"),
                       (b"M", "another volume"), (b"N", "old long name"), (b"X", "old extended"),
                       (b"D", "list of a folder"), (b"S", "holes"), (b"K", "a link"),
                       (b"Z", "unknown kind 'Z'")):  # fmt: skip
        name = what.replace(" ", "-").replace("'", "")
        yield other(what, f"{name}-{kind.decode()}",
                    member("link", b"", kind, link=b"../../etc/passwd"),
                    member("link"))  # fmt: skip
    holes = {386: b"00000000000\x0000000000001\0", 483: b"77777777777\0"}
    yield other("holes", "sparse-gnu", member("x", b"1", b"S", dialect="gnu", at=holes),
                member("x", b"1"))  # fmt: skip
    for key in ("GNU.sparse.major", "GNU.sparse.name", "GNU.sparse.map", "GNU.volume.label",
                "SCHILY.realsize", "SCHILY.filetype", "SUN.holesdata", "charset"):  # fmt: skip
        harmless = pax({"comment": "1", "SCHILY.dev": "1", "mtime": "1.5"})
        yield other("is not read", f"pax-{key}", pax({key: "1"}) + member("x"),
                    harmless + member("x"))  # fmt: skip
    yield other("folder with content", "folder-with-content", member("x/", b"hidden", b"5"),
                member("x/", b"", b"5"))  # fmt: skip
    yield other("folder by its name", "file-like-a-folder", member("x/"), member("x"))
    yield other("folder by its name", "file-like-a-folder-without-letter",
                pax({"path": "x"}) + member("y/", kind=b"\0"),
                pax({"path": "x"}) + member("y", kind=b"\0"))  # fmt: skip
    # two names, two sizes
    yield other("another size", "pax-size", pax({"size": "512"}) + member("x", bytes(512), size=0),
                pax({"size": "512"}) + member("x", bytes(512)))  # fmt: skip
    inside = member("hidden", b"evil")
    yield other("another size", "pax-size-hides",
                pax({"size": str(len(inside))}) + member("x", inside, size=0),
                pax({"size": str(len(inside))}) + member("x", inside))  # fmt: skip
    yield other("behind another", "pax-twice", pax({"path": "x"}) * 2 + member("x"),
                pax({"path": "x"}) + member("x"))  # fmt: skip
    yield other("behind another", "gnu-and-pax",
                long_name(b"x") + pax({"path": "y"}) + member("x"),
                pax({"path": "y"}) + member("x"))  # fmt: skip
    yield other("behind another", "pax-and-gnu",
                pax({"path": "y"}) + long_name(b"x") + member("x", dialect="gnu"),
                long_name(b"x") + member("x", dialect="gnu"))  # fmt: skip
    yield other("another dialect", "gnu-before-ustar", long_name(b"y") + member("x"),
                long_name(b"y") + member("x", dialect="gnu"))  # fmt: skip
    yield other("another dialect", "pax-before-gnu",
                pax({"path": "y"}) + member("x", dialect="gnu"),
                pax({"path": "y"}) + member("x"))  # fmt: skip
    yield other("another dialect", "pax-in-gnu", pax({"path": "y"}, dialect="gnu") + member("x"),
                pax({"path": "y"}) + member("x"))  # fmt: skip
    yield other("path, which is not read", "pax-global-path",
                pax({"path": "y"}, b"g") + member("x"),
                pax({"comment": "y"}, b"g") + member("x"))  # fmt: skip
    yield other("size, which is not read", "pax-global-size",
                pax({"size": "1"}, b"g") + member("x"),
                pax({"mtime": "1"}, b"g") + member("x"))  # fmt: skip
    yield other("behind another", "pax-global-between",
                pax({"path": "y"}) + pax({"comment": "y"}, b"g") + member("x"),
                pax({"comment": "y"}, b"g") + pax({"path": "y"}) + member("x"))  # fmt: skip
    yield other("a link", "pax-linkpath", pax({"linkpath": "/etc/passwd"}) + member("x"),
                pax({"path": "etc/passwd"}) + member("x"))  # fmt: skip
    yield other("ends behind", "pax-at-end", pax({"path": "y"}), member("x"))
    yield other("ends behind", "pax-global-at-end", pax({"comment": "y"}, b"g"), member("x"))
    yield other("damaged number", "owner", member("x", at={108: b"\x80\1" + bytes(6)}),
                member("x", at={108: b"\x80\0\0\0\x7f" + bytes(3)}))  # fmt: skip
    yield other("damaged number", "owner-below-zero", member("x", at={108: b"\xff" * 8}),
                member("x", at={108: b"\x80\0\0\0" + b"\xff" * 4}))  # fmt: skip
    yield other("damaged number", "rights", member("x", at={100: b"\x80" + bytes(7)}), member("x"))
    yield other("damaged number", "size-negative", member("x", b"", size=b"\xff" * 12), member("x"))
    yield other("damaged number", "size-huge", member("x", b"", size=b"\x80" + b"\xff" * 11),
                member("x", b"1", size=b"\x80" + bytes(10) + b"\1"))  # fmt: skip
    for name, field_ in (("python", b"0000000_011\0"), ("sign", b"+0000000011\0"),
                         ("decimal", b"00000000089\0"), ("hex", b"0x000000009\0"),
                         ("two", b"00007\x0000011\0"), ("empty", bytes(12))):  # fmt: skip
        yield other("damaged number", f"size-{name}", member("x", b"123456789", size=field_),
                    member("x", b"123456789", size=b"         11\0"))  # fmt: skip
    yield other("damaged number", "time", member("x", at={136: b"yesterday"}),
                member("x", at={136: b"\xff" * 12}))  # fmt: skip
    # extended headers
    for name, raw in (("zero", b"05 a=b\n"), ("short", b"5 a=b\n"), ("long", b"7 a=b\n"),
                      ("no-equals", b"6 abc\n"), ("no-key", b"5 =b\n"), ("no-end", b"6 a=bc"),
                      ("huge", b"9999999 a=b\n"), ("tail", b"6 a=b\n\0"), ("minus", b"-6 a=b\n"),
                      ("twice", b"6 a=b\n6 a=c\n"), ("nul", b"10 path=\0\n"),
                      ("empty-path", b"8 path=\n"), ("size", b"10 size=x\n"),
                      ("binary", b"21 hdrcharset=BINARY\n"), ("owner", b"9 uid=me\n"),
                      ("time", b"13 mtime=now\n")):  # fmt: skip
        yield other("extended header that is damaged", f"pax-record-{name}", pax(raw) + member("x"),
                    pax(b"6 a=b\n") + member("x"))  # fmt: skip
    yield other("an extended header of", "pax-large",
                pax({"comment": "x" * (64 << 10)}) + member("x"),
                pax({"comment": "x" * (63 << 10)}) + member("x"))  # fmt: skip
    yield other("an extended header of", "gnu-large",
                long_name(b"x" * (65 << 10)) + member("x", dialect="gnu"),
                long_name(b"x" * 255) + member("x", dialect="gnu"))  # fmt: skip
    yield other("long name that is damaged", "gnu-nul",
                long_name(b"x\0y") + member("x", dialect="gnu"),
                long_name(b"xy") + member("x", dialect="gnu"))  # fmt: skip
    yield other("long name that is damaged", "gnu-empty",
                long_name(b"") + member("x", dialect="gnu"),
                long_name(b"x") + member("x", dialect="gnu"))  # fmt: skip
    # headers
    yield other("damaged header", "checksum", member("x", checksum=1), member("x"))
    yield other("unknown form", "magic", member("x", at={257: b"ustar\x0099"}), member("x"))
    yield other("unknown form", "gnu-prefix", member("evil", dialect="gnu", at={345: b"x"}),
                member("evil", dialect="gnu"))  # fmt: skip
    yield other("unknown form", "v7-prefix", member("evil", dialect="v7", at={345: b"x"}),
                member("evil", dialect="v7"))  # fmt: skip
    yield other("unknown form", "star", member("x", at={508: b"tar\0"}), member("x"))
    # the end
    yield case("no-end", tarred(F, G, end=b""), "cut off")
    yield case("half-an-end", tarred(F, G, end=bytes(512)), "cut off")
    yield case("cut-off", TAR[:700], "cut off")
    yield case("lone-zeros", tarred(F, bytes(512), G), "zeros before its end")
    yield case("two-archives", TAR + tarred(member("evil")), "bytes after its end",
               TAR + bytes(10240))  # fmt: skip
    yield case("after", TAR + b"hidden", "bytes after its end", TAR + bytes(7))
    yield case("nothing-in-it", bytes(10240), "neither")
    yield case("only-folders", tarred(member("x/", b"", b"5")), "no file",
               tarred(member("./", b"", b"5"), member("./x/", b"", b"5"), F))  # fmt: skip
    yield case("bomb-by-word", tarred(member("x", b"", size=1 << 40)), "too many")
    # a zip at the end, for those who look there first
    yield case("tar-and-zip", _tar_and_zip(), "at once")
    yield case("deep", tarred(F, member("in.tar", tarred(member("x", b"", b"2")))),
               "in.tar: x: a symbolic link", TAR, True)  # fmt: skip


def _tar_and_zip() -> bytes:
    """The last member is a zip whose comment is the end of the tar."""
    evil = Entry("evil")
    head = len(F) + 512
    content = zipped(evil, before=bytes(head), ending={"comment": 0})[head:]
    padding = -len(content) % 512 + 1024
    whole = zipped(evil, before=bytes(head), ending={"comment": padding})[head:]
    return tarred(F, member("x", whole))


# --- compressed ----------------------------------------------------------------------------------

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda raw: gzip.compress(raw, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
ENDINGS = {"gzip": "tar.gz", "bzip2": "tar.bz2", "xz": "tar.xz"}


def _compressed_cases() -> Iterator[Case]:
    for kind, pack in PACKERS.items():

        def case(name: str, hostile: bytes, why: str, twin: bytes | None = None) -> Case:
            good = PACKERS[kind](TAR) if twin is None else twin  # noqa: B023  used at once
            return Case(f"{kind}-{name}", ENDINGS[kind], hostile, why, good)  # noqa: B023

        packed = pack(TAR)
        yield case("twice", packed + pack(tarred(member("evil"))), f"after the end of its {kind}")
        yield case("in-two", pack(TAR[:700]) + pack(TAR[700:]), f"after the end of its {kind}")
        yield case("after", packed + b"hidden", f"after the end of its {kind}")
        yield case("zeros-after", packed + bytes(512), f"after the end of its {kind}")
        yield case("far-after", packed + bytes(1 << 20), f"after the end of its {kind}")
        yield case("cut-off", packed[:-1], f"its {kind} is cut off")
        yield case("cut-off-early", packed[: len(packed) // 2], "cut off|no tar in it")
        middle = len(packed) - 6
        damaged = packed[:middle] + bytes((packed[middle] ^ 1,)) + packed[middle + 1 :]
        yield case("damaged", damaged, f"its {kind} is damaged")
        yield case("no-tar", pack(b"a text\n" * 99), "no tar in it")
        yield case("nothing", pack(b""), "no tar in it")
        yield case("zip", pack(PLAIN), "no tar in it")
        yield case("traversal", pack(tarred(F, member("../evil"))), "leaves its folder")
        yield case("bomb", _zeros(kind), "too many")
    yield Case("gzip-zeros-behind", "tar.gz", _zeros("gzip", inside=False), "too many",
               gzip.compress(TAR + bytes(1 << 20)))  # fmt: skip
    yield Case("gzip-extended-bomb", "tar.gz", _extended(5000), "too many", _extended(50))
    yield Case("xz-memory", "tar.xz", lzma.compress(TAR, filters=[
        {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 28}]), "128 MiB of memory",
        lzma.compress(TAR, preset=9))  # fmt: skip
    yield Case("gzip-and-zip", "tar.gz", _gzip_and_zip(), "at once", gzip.compress(TAR))


@cache
def _zeros(kind: str, inside: bool = True) -> bytes:
    """300 MB of zeros, in a member or behind the end."""
    size = 300 << 20
    machine = {
        "gzip": lambda: zlib.compressobj(1, zlib.DEFLATED, 31),
        "bzip2": lambda: bz2.BZ2Compressor(1),
        "xz": lambda: lzma.LZMACompressor(preset=0),
    }[kind]()
    made = io.BytesIO()
    made.write(machine.compress(_header(b"zeros", size) if inside else TAR))
    piece = bytes(1 << 20)
    for _ in range(size >> 20):
        made.write(machine.compress(piece))
    made.write(machine.compress(bytes(1024)))
    made.write(machine.flush())
    return made.getvalue()


@cache
def _extended(count: int) -> bytes:
    """So many members, each with 60 KB of remarks before it."""
    machine = zlib.compressobj(6, zlib.DEFLATED, 31)
    remark = pax({"comment": "x" * 60_000})
    made = b"".join(machine.compress(remark + member(f"{n}", b"")) for n in range(count))
    return made + machine.compress(bytes(1024)) + machine.flush()


def _gzip_and_zip() -> bytes:
    """A gzip that stores, and in the last of it a zip whose comment is what follows."""
    evil = Entry("evil")

    def made(comment: int, before: int) -> bytes:
        whole = zipped(evil, before=bytes(before), ending={"comment": comment})[before:]
        machine = zlib.compressobj(0, zlib.DEFLATED, 31)
        return machine.compress(tarred(F, member("x", whole))) + machine.flush()

    first = made(0, 0)
    before = first.index(b"PK\3\4")
    end = first.index(b"PK\5\6") + 22
    return made(len(first) - end, before)


def _others() -> Iterator[Case]:
    for name, raw, why in (
        ("empty", b"", "neither"), ("text", b"hello\n", "neither"),
        ("zeros", bytes(2000), "neither"),
        ("script", b"#!/bin/sh\necho hello\n", "no end of a zip"),
        ("zstd", b"\x28\xb5\x2f\xfd" + bytes(99), "a zstd file"),
        ("7z", b"7z\xbc\xaf\x27\x1c", "a 7z"),
        ("rar", b"Rar!\x1a\7\0", "a rar"), ("deb", b"!<arch>\ndebian", "an ar"),
        ("lzma", b"\x5d\0\0\x80\0", "an lzma"),
    ):  # fmt: skip
        yield Case(f"other-{name}", "bin", raw, why, PLAIN)


# --- any -----------------------------------------------------------------------------------------

Choose = Callable[[Sequence[Any]], Any]

_NAMES = ("a", "b/c", "b/", "A", "d/", "x.zip", "é", "e\u0301", "-x", "a!", "b/d", "PK")
_VALUES = (0, 1, 6, 7, 8, 12, 16, 20, 45, 63, 0xFFFF, 0xFFFFFFFF)
_SIZES = (b"", struct.pack("<Q", 6), struct.pack("<QQ", 6, 6), bytes(16), b"\1\0\0\0\0a", b"12345")
_DESCRIPTORS = (
    descriptor,
    descriptor,
    lambda c, p, s: descriptor(c, p, s)[4:],
    lambda c, p, s: struct.pack("<4sLQQ", b"PK\7\10", c, p, s),
    lambda c, p, s: struct.pack("<LQQ", c, p, s),
    lambda c, p, s: b"",
)


def any_zip(choose: Choose) -> bytes:
    """A zip that is nearly sound: `choose` picks one of some, mostly the first, for all in it."""

    def numbers(*fields: str) -> Numbers:
        count = choose((0, 0, 0, 0, 1, 1, 2))
        return {choose(fields): choose(_VALUES) for _ in range(count)}

    def fields() -> bytes:
        kind = choose((1, 1, 0, 0x7075, 0x5455, 0x9901))
        made = extra(kind, choose(_SIZES))
        return bytes(choose((made, made + extra(0x5455, b""), b"\0\0\0")))

    entries = []
    for _ in range(choose((1, 2, 1, 3))):
        name = choose(_NAMES)
        marked = 0 if name.isascii() else 0x800
        flags = choose((0, 0, 0, 8, 8, 2, 0x800)) | marked
        is_folder = name.endswith("/")
        contents = (b"123456", b"", b"PK\3\4" * 9, zipped(Entry("h")), b"x" * 300,
                    descriptor(1, 2, 3) + zipped(Entry("evil")))  # fmt: skip
        unknown = flags & 8 and choose((1, 1, 0))
        before = {"checksum": 0, "packed": 0, "size": 0} if unknown else {}
        both = ("version", "flags", "method", "checksum", "packed", "size")
        usual = stat.S_IFDIR | 0o755 if is_folder else stat.S_IFREG | 0o644
        entries.append(
            Entry(
                name,
                b"" if is_folder else choose(contents),
                choose((0, 8)),
                flags,
                choose((*[usual] * 9, 0, stat.S_IFLNK, stat.S_IFDIR)),
                0x10 if is_folder else choose((0, 0, 0, 0, 0x10)),
                descriptor=choose(_DESCRIPTORS) if flags & 8 else b"",
                local={**before, **numbers(*both)},
                central=numbers(*both, "disk", "attributes", "host", "offset"),
                local_extra=fields() if choose((0, 0, 1)) else None,
                central_extra=fields() if choose((0, 0, 1)) else None,
            )
        )
    return zipped(
        *entries,
        zip64=numbers("length", "here", "count", "size", "start", "where")
        if choose((0, 0, 0, 1))
        else None,
        ending=numbers("here", "count", "size", "start", "comment", "disk")
        if choose((0, 0, 0, 0, 0, 1))
        else None,
        comment=choose((b"", b"", b"", b"c", zipped(Entry("q")), b"PK\5\6")),
        before=choose((*[b""] * 9, b"#!x\n", b"#!x", b"PK\3\4")),
        order=choose((list, lambda found: found[::-1])),
    )


_TAR_NAMES = (
    "a",
    "b/c",
    "b/",
    "./a",
    "./",
    ".",
    "A",
    "d",
    "é",
    "x" * 100,
    "b/d",
    "",
    "z/" + "y" * 90,
)
_TEXTS = ("a", "q/r", "7", "512", "0", "é", "ISO-IR 10646 2000 UTF-8", "./a", "b/", "x/y\nz")
_KEYS = ("path", "path", "size", "comment", "mtime", "linkpath", "GNU.sparse.major", "hdrcharset",
         "SCHILY.xattr.user.x", "uid")  # fmt: skip
_TAR_SIZES = (0, 7, 512, 1024, b"\x80" + bytes(10) + b"\7", b"          7\0", b"7" + bytes(11),
              b"00000000007 ", b"000000000007")  # fmt: skip
_PLACES = (345, 346, 400, 500, 257, 263, 329, 100, 108, 136, 157, 265, 508)
_BYTES = (b"p", b"p/q", b"0", b"\x80\0\1", b" 7 \0", b"\xff" * 8, b"tar\0")


def any_tar(choose: Choose) -> bytes:
    """A tar that is nearly sound."""

    def one() -> bytes:
        kind = choose((b"0", b"0", b"0", b"\0", b"5", b"5", b"7", b"S", b"x", b"g", b"L", b"1"))
        content = choose((b"content", b"", bytes(512), member("evil"), bytes(1024), b"x" * 513))
        if kind == b"5" and choose((1, 1, 1, 0)):
            content = b""
        return member(
            choose(_TAR_NAMES),
            content,
            kind,
            dialect=choose(("ustar", "ustar", "gnu", "v7")),
            size=choose(_TAR_SIZES) if choose((0, 0, 0, 0, 0, 1)) else None,
            at={choose(_PLACES): choose(_BYTES)} if choose((0, 0, 0, 0, 0, 1)) else None,
        )

    def extended() -> bytes:
        if choose((0, 1)):
            name = choose((b"a", b"long/" + b"n" * 150, b"./q", b"b/", b"a\0b"))
            return long_name(name, dialect=choose(("gnu", "gnu", "ustar")))
        records = {choose(_KEYS): choose(_TEXTS) for _ in range(choose((1, 1, 2)))}
        return pax(records, choose((b"x", b"x", b"g")), choose(("ustar", "ustar", "gnu")))

    made = []
    for _ in range(choose((1, 1, 2, 3))):
        if choose((0, 0, 1)):
            made.append(extended())
        made.append(one())
    ends = (bytes(1024), bytes(1024), bytes(10240), bytes(512), bytes(1536) + b"x", b"")
    return tarred(*made, end=choose(ends))


@cache
def cases() -> tuple[Case, ...]:
    """All of them."""
    return (*_zip_cases(), *_tar_cases(), *_compressed_cases(), *_others())


def main() -> None:
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for one in cases():
        (target / f"{one.name}.hostile.{one.kind}").write_bytes(one.hostile)
        (target / f"{one.name}.twin.{one.kind}").write_bytes(one.twin)


if __name__ == "__main__":
    main()
