"""Fuzzers of lists, patterns and archives."""

from __future__ import annotations

import hashlib
import io
import os
import random
import struct
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import PureWindowsPath
from typing import Any

from fuzzer import Target


def manifest(raw: bytes) -> None:
    """A list that reads leads nowhere but below the folder, and is written once and for all."""
    from sig.errors import FormatError
    from sig.model import manifest
    from sig.model.identifier import Identifier

    try:
        found = manifest.read(raw)
    except FormatError:
        try:
            manifest.read_canonical(raw)
        except FormatError:
            return
        raise AssertionError("canonical, and not a manifest") from None
    text = found.text
    assert manifest.read_canonical(text) == found and found.id == Identifier.of_bytes(text)
    assert text.count(b"\n") == len(found) == raw.count(b"\n") > 0
    assert sorted(text.split(b"\n")[:-1], key=lambda line: line[66:]) == text.split(b"\n")[:-1]
    places = set()
    for path, digest in found.files.items():
        assert len(digest) == 64 and int(digest, 16) >= 0 and digest == digest.lower()
        parts = path.split("/")
        assert not {"", ".", ".."} & set(parts) and not any(part[-1] in ". " for part in parts)
        assert not os.path.isabs(path) and not PureWindowsPath(path).drive and "\\" not in path
        assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)
        assert os.path.normpath(path) == path and path != "-"
        # As a disk sees it that knows neither case nor composition, this and every folder above.
        seen = [unicodedata.normalize("NFD", part).encode().lower() for part in parts]
        places.add(b"/".join(seen))
    assert len(places) == len(found)
    for place in places:
        above = place.split(b"/")[:-1]
        assert not {b"/".join(above[: n + 1]) for n in range(len(above))} & places


def globs(raw: bytes) -> None:
    """A glob means what its slow and simple reading means, and a verifier leaves out no more."""
    from sig.errors import FormatError
    from sig.model.manifest import beyond, excluded

    # Of few letters, so that they meet: glob, path, glob of a verifier.
    text = "".join("ab./*?"[byte % 6] if byte < 0xFD else "\n" for byte in raw[:60])
    glob, path, other = (*text.split("\n"), "", "", "")[:3]
    path = path.replace("*", "c").replace("?", "d").strip("/")
    if not path or "//" in path:
        return
    try:
        left_out = excluded(path, [glob])
    except FormatError:
        return
    pieces = glob.strip("/").split("/")
    if "/" not in glob[:-1]:
        pieces.insert(0, "**")
    if pieces[-1] == "**":
        pieces.append("*")
    parts = path.split("/")
    ends = range(1, len(parts) + (not glob.endswith("/")))
    assert left_out is any(_matches(tuple(parts[:end]), tuple(pieces)) for end in ends)
    try:
        allowed = not beyond([other], [glob])
    except FormatError:
        return
    assert not allowed or left_out or not excluded(path, [other])


@cache
def _matches(path: tuple[str, ...], glob: tuple[str, ...]) -> bool:
    if not glob:
        return not path
    if glob[0] == "**":
        return _matches(path, glob[1:]) or (bool(path) and _matches(path[1:], glob))
    return bool(path) and _part(path[0], glob[0]) and _matches(path[1:], glob[1:])


@cache
def _part(name: str, glob: str) -> bool:
    if not glob:
        return not name
    if glob[0] == "*":
        return _part(name, glob[1:]) or (name != "" and _part(name[1:], glob))
    return name != "" and glob[0] in ("?", name[0]) and _part(name[1:], glob[1:])


def _listed(raw: bytes, deep: bool = False) -> dict[str, str] | None:
    """What an archive is said to hold, None if it is refused."""
    from sig.errors import FormatError
    from sig.repo import archive
    from sig.repo.unpacking import Bounds

    bounds = Bounds(members=500, unpacked=1 << 22)
    listing = archive._Listing(len(raw), deep, bounds)
    try:
        listing.add(io.BytesIO(raw), len(raw), "", 1)
        return dict(listing.manifest().files)
    except FormatError as error:
        assert error.message and "Error" not in error.message
        return None


def zipped(raw: bytes) -> None:
    """Of a zip that is listed, Python reads the same; so does who reads it from its start."""
    import zipfile

    found = _listed(raw)
    _listed(raw, deep=True)
    if found is None or raw[:2] not in (b"PK", b"#!"):
        return
    with zipfile.ZipFile(io.BytesIO(raw)) as opened:
        assert found == {
            one.filename: hashlib.sha256(opened.read(one)).hexdigest()
            for one in opened.infolist()
            if not one.is_dir()
        }
    assert found.keys() == _from_the_start(raw)


def _from_the_start(raw: bytes) -> set[str]:
    """The names of files in a zip for who does not know its directory, only the headers."""
    at = raw.index(b"\n") + 1 if raw[:2] == b"#!" else 0
    names = set()
    while raw[at : at + 4] == b"PK\3\4":
        flags, method = struct.unpack_from("<HH", raw, at + 6)
        packed, size, name, extra = struct.unpack_from("<LLHH", raw, at + 18)
        content = at + 30 + name + extra
        path = raw[at + 30 : at + 30 + name].decode()
        if method == 8:
            machine = zlib.decompressobj(-15)
            machine.decompress(raw[content:])
            at = len(raw) - len(machine.unused_data)
        else:
            if packed == 0xFFFFFFFF:
                fields = raw[content - extra : content]
                while fields[:2] != b"\1\0":
                    fields = fields[4 + int.from_bytes(fields[2:4], "little") :]
                packed = int.from_bytes(fields[12:20], "little")
            at = content + packed
        if flags & 8:
            # A mark is no proof: what fits is looked for, and the next header must follow.
            lengths = (16, 24, 12, 20) if raw[at : at + 4] == b"PK\7\10" else (12, 20)
            at = next(at + n for n in lengths if raw[at + n : at + n + 2] == b"PK")
        if not path.endswith("/"):
            names.add(path)
    assert raw[at : at + 4] in (b"PK\1\2", b"PK\6\6", b"PK\5\6")
    return names


def zip_made(raw: bytes) -> None:
    """The same of zips that are nearly sound: each byte chooses what one thing in it is."""
    from tests.repo.hostile_archives import any_zip

    try:
        made = any_zip(_chooser(raw))
    except struct.error:  # a number that has no room
        return
    zipped(made)


def tar_made(raw: bytes) -> None:
    """The same of tars."""
    from tests.repo.hostile_archives import any_tar

    tarred(b"\0" + any_tar(_chooser(raw)))


def _chooser(raw: bytes) -> Callable[[Sequence[Any]], Any]:
    left = iter(raw)
    return lambda some: some[next(left, 0) % len(some)]


def tarred(raw: bytes) -> None:
    """Of a tar that is listed, Python reads the same: no link, nothing skipped, nothing more.

    The first byte says how it is packed, and whether its checksums are made to fit.
    """
    import bz2
    import gzip
    import tarfile

    if not raw:
        return
    way, raw = raw[0], bytearray(raw[1:])
    if way & 1:
        for at in range(0, len(raw) - 511, 512):
            if raw[at + 257 : at + 262] == b"ustar":
                raw[at + 148 : at + 156] = b" " * 8
                raw[at + 148 : at + 156] = b"%06o\0 " % (sum(raw[at : at + 512]) & 0o777777)
    packed = bytes(raw)
    if way & 6 == 2:
        packed = gzip.compress(packed, 1, mtime=0)
    elif way & 6 == 4:
        packed = bz2.compress(packed, 1)
    found = _listed(packed, deep=bool(way & 8))
    if found is None or packed[:2] in (b"PK", b"#!"):
        return
    theirs = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as opened:
        for one in opened:
            if not one.isdir():
                content = opened.extractfile(one)
                assert one.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and content is not None
                path = one.name.removeprefix("./")
                assert path not in theirs
                theirs[path] = hashlib.sha256(content.read()).hexdigest()
    assert theirs == {path: digest for path, digest in found.items() if "!/" not in path}


def compressed(raw: bytes) -> None:
    """What is packed unpacks to the same as with Python, and has nothing behind it."""
    import bz2
    import gzip
    import lzma

    from sig.errors import FormatError
    from sig.repo.unpacking import Stream, decompressed

    kinds = {"gzip": gzip.decompress, "bzip2": bz2.decompress, "xz": lzma.decompress}
    for kind, unpack in kinds.items():
        size = 1 + len(raw) % 97
        pieces = (memoryview(raw[at : at + size]) for at in range(0, len(raw), size))
        made = bytearray()
        try:
            for piece in decompressed(Stream(pieces), kind):
                made += piece
                if len(made) > 1 << 22:
                    return
        except FormatError:
            continue
        assert unpack(raw) == made


def _manifests() -> list[bytes]:
    lines = [f"{number:064x}  {path}\n" for number, path in enumerate(("a/b", "a/c", "b", "é"))]
    return [
        "".join(lines).encode(),
        "".join(reversed(lines)).replace("  ", " *").encode(),
        "".join(lines).replace("é", "A/B").encode(),
        "".join(lines).replace("é", "a").encode(),
        f"{0:064x}  e\u0301\n{1:064x}  \u00e9\n".encode(),
        f"{0:064x}  ../a\n{1:064x}  C:/a\n{2:064x}  a./b\n".encode(),
    ]


def _globs() -> list[bytes]:
    lines = ["*.a\nb/a.a\na.a", "a/**/b\na/a/b/a\na/b", "a*b*a\nabba\nab*a", "/a/\na/b\n/a/b"]
    return [bytes("ab./*?".find(c) if c != "\n" else 0xFF for c in line) for line in lines]


@cache
def _archives(kind: str) -> tuple[bytes, ...]:
    from tests.repo.hostile_archives import cases

    found = {raw for one in cases() if one.kind.startswith(kind) for raw in (one.hostile, one.twin)}
    return tuple(sorted(raw for raw in found if len(raw) < 12_000))


def _tars() -> list[bytes]:
    return [bytes((n % 16,)) + raw for n, raw in enumerate(_archives("tar")) if raw[:1] != b"\x1f"]


def _random(length: int) -> list[bytes]:
    """The same in every run: seeds for what chooses."""
    chance = random.Random(length)
    return [bytes(length), *(chance.randbytes(length) for _ in range(200))]


def _packed() -> list[bytes]:
    import bz2
    import gzip
    import lzma

    text = b"a text, a text\n" * 9
    made = [gzip.compress(text, mtime=0), bz2.compress(text), lzma.compress(text)]
    return [*made, *(one + made[0] for one in made), *_archives("tar.")]


TARGETS = {
    "manifest": Target(manifest, _manifests),
    "globs": Target(globs, _globs),
    "zip": Target(zipped, lambda: _archives("zip")),
    "tar": Target(tarred, _tars),
    "zip-made": Target(zip_made, lambda: _random(60)),
    "tar-made": Target(tar_made, lambda: _random(40)),
    "compressed": Target(compressed, _packed),
}
