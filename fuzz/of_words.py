"""Fuzzers of names, words for a terminal, and files of the folder that were damaged."""

from __future__ import annotations

import os
import shutil
import tempfile
import unicodedata
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from fuzzer import Target


def names(raw: bytes) -> None:
    """The name of a remote becomes a folder, its URL is asked for: neither can lead elsewhere."""
    from sig.errors import UsageError
    from sig.model.configuration import remote_name
    from sig.repo.transport import check_url

    text = raw.decode("utf-8", "surrogateescape")
    try:
        name = remote_name(text)
        assert name == text and os.path.basename(name) == name and name not in (".", "..")
        assert name.isascii() and name.isprintable() and not set(name) & set('/\\:*?"<>| ')
    except ValueError:
        pass
    try:
        url = check_url(text)
    except UsageError:
        return
    assert check_url(url) == url
    assert url.isascii() and url.isprintable() and " " not in url and url.endswith("/")
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https") and parts.hostname
    assert not (parts.username or parts.password or parts.query or parts.fragment)
    assert not {".", ".."} & set(parts.path.split("/"))


def escaped(raw: bytes) -> None:
    """Nothing that moves a cursor, hides or reorders text, or cannot be encoded, comes out."""
    from sig.cli import output

    encoding = ("utf-8", "ascii", "iso-8859-15", "cp437")[raw[0] & 3] if raw else "utf-8"
    for text in (
        raw[1:].decode("utf-8", "surrogateescape"),
        raw[1:].decode("utf-16-le", "replace"),
    ):
        shown = output.escaped(text, encoding)
        shown.encode(encoding)
        assert "\n" not in shown and "\x1b" not in shown
        hidden = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
        assert not {unicodedata.category(character) for character in shown} & hidden
        assert output.escaped(shown, encoding) == shown


def _corrupted(mutants: bytes, whole: bytes) -> bytes:
    """`whole` with some bytes replaced: each four of `mutants` are a place and a value."""
    damaged = bytearray(whole)
    for at in range(0, len(mutants) - 3, 4):
        place = int.from_bytes(mutants[at : at + 3], "big") % len(damaged)
        damaged[place] = mutants[at + 3]
    return bytes(damaged)


def index(raw: bytes) -> None:
    """A damaged index gives exact answers or none."""
    from sig.repo.index import Index, IndexStale

    path, whole, ids, answer = _index()
    path.write_bytes(_corrupted(raw, whole))
    try:
        found = Index(path).lookup(ids, {"own": "1", "remote:bob": "2"})
    except IndexStale:
        return
    assert found == answer


@cache
def _index() -> tuple[Path, bytes, list[str], dict[str, list[object]]]:
    import atexit

    from sig.repo.index import Index, Row

    folder = Path(tempfile.mkdtemp(prefix="sig-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "index.sqlite"
    ids = [f"sha256:{number:064x}" for number in range(40)]
    rows = [Row(id, b'{"n": %d}' % place, "own", place) for place, id in enumerate(ids[:30])]
    more = [Row(id, b'{"m": 1}', "remote:bob", None, True) for id in ids[10:20]]
    made = Index(path)
    made.rebuild({"own": ("1", rows), "remote:bob": ("2", more)})
    answer = made.lookup(ids, {"own": "1", "remote:bob": "2"})
    return path, path.read_bytes(), ids, answer


def journal(raw: bytes) -> None:
    """A journal is followed whole, or the folder is damaged; no name in it leaves the folder."""
    from sig.errors import StoreError
    from sig.repo.home import Home

    path = _home()
    (path / "pending" / "commit").write_bytes(raw)
    home = Home(path)
    try:
        names = home.tree("")
        home.generation()
        home.read("config")
        home.stat("repo/repo.json")
    except StoreError:
        return
    for name in names:
        assert name and not name.startswith("/") and ".." not in name.split("/")


@cache
def _home() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="sig-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "pending").mkdir(mode=0o700)
    for name, content in (("config", b"{}"), ("version", b"1\n"), ("generation", b"00")):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    return folder


def _names() -> list[bytes]:
    return [
        b"bob",
        b"con.txt",
        b"https://example.org:8443/a/b%20c/",
        b"http://[::1]:80/",
        "https://bücher.example/".encode(),
        b"https://user:pass@example.org/?q#f",
    ]


def _words() -> list[bytes]:
    return [b"\0" + text.encode() for text in ("plain", "é…", "\x1b[31m", "a\u202eb", "\U000e0041")]


TARGETS = {
    "names": Target(names, _names),
    "escaped": Target(escaped, _words),
    "index": Target(index, lambda: [b"\0\1\2\3", b"\0\0\x12\xff" * 3]),
    "journal": Target(
        journal,
        lambda: [
            b"1 ab\nab.0 config\n- repo/repo.json\nend\n",
            b"1 ab\nab.0 ../x\nend\n",
            b"2 x\n",
        ],
    ),
}
