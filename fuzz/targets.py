"""What is fuzzed: everything that reads bytes of strangers, or of a disk.

A target takes bytes and raises if a promise does not hold. Not only "no crash": what the tree of
errors does not know must not come out, what was read is written back to what reads the same, and
what counts as verified another engine must verify too.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "vectors"


@dataclass(frozen=True, slots=True)
class Target:
    """`run` is called with bytes; `seeds` make the first ones."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file of vectors/openpgp (vectors/README.md)."""

    name: str
    key: str
    signed: bytes
    sig: bytes
    certificates: tuple[bytes, ...]


@cache
def scenarios() -> tuple[Scenario, ...]:
    """All of vectors/openpgp."""
    found = []
    for path in sorted((VECTORS / "openpgp").glob("*.txt")):
        head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        data: dict[str, list[bytes]] = {"signed": [], "sig": [], "certificate": []}
        for line in body.splitlines():
            name, _, value = line.partition(":")
            data[name].append(base64.b64decode(value.strip()))
        (signed,), (sig,) = data["signed"], data["sig"]
        found.append(Scenario(path.stem, fields["key"], signed, sig, tuple(data["certificate"])))
    return tuple(found)


def _files(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(VECTORS.glob(pattern)) if path.is_file()]


def _documents() -> list[bytes]:
    return [raw for raw in _files("ancestor/**/*") if raw[:1] == b"{"] + [
        b'{"attestations": {}, "version": "0.0.1"}',
        b'[0, -1, 9007199254740991, true, null, "\\u00e9\\ud83d\\ude00\\u007f"]',
        b"[" * 33 + b"]" * 33,
    ]


def _envelopes() -> list[bytes]:
    found = []
    for raw in _documents():
        value = json.loads(raw)
        if type(value) is dict and "attestations" in value.get("data", {}):
            for listed in value["data"]["attestations"].values():
                found += [json.dumps(one).encode() for one in listed]
    return found + [_statement()]


def _statement(**more: object) -> bytes:
    data = {
        "id": "sha256:" + "0" * 64,
        "ok": True,
        "reviewed": True,
        "comment": 'é \\ " \x7f',
        "name": "x",
        "size": 3,
        "aliases": ["sha512:ab"],
        "method": "human",
        "criteria": ["safe-to-run"],
        "evidence": [{"id": "sha256:00", "url": "x"}],
        "expires": "2030-01-31T23:59:59Z",
        "needs": ["base"],
        **more,
    }
    return json.dumps({"data": data, "key": "A" * 40, "sig": "wsA="}, sort_keys=True).encode()


def _repositories() -> list[bytes]:
    statement = json.loads(_statement())
    data = {
        "attestations": {statement["data"]["id"]: [statement]},
        "version": "0.0.1",
        "sequence": 7,
        "previous": {"6": "0" * 64, "4": "1" * 64},
        "expires": "2030-01-31T23:59:59Z",
    }
    made = json.dumps({"data": data, "key": "B" * 64, "sig": "wsA="}, sort_keys=True).encode()
    return [*_documents(), made]


def _configurations() -> list[bytes]:
    data = {
        "trust": {"A" * 40: True, "B" * 64: False},
        "policy": {"ok": 2, "not-ok": 1, "criteria": ["x"], "late": "refuse", "stale": "count"},
        "remotes": {"bob": {"url": "https://example.org/", "key": "A" * 40, "note": "é"}},
        "publish": {"target": "/srv", "url": "https://example.org/"},
        "repo_dir": "repo/",
        "secret_keyring": None,
        "sequence": 3,
        "version": "0.0.1",
    }
    signed = {"data": data, "key": "A" * 40, "sig": "wsA="}
    return [
        *_documents(),
        json.dumps({"data": data}, sort_keys=True).encode(),
        json.dumps(signed, sort_keys=True).encode(),
    ]


# --- documents -----------------------------------------------------------------------------------


def read(raw: bytes) -> None:
    """The strict reader takes a part of what JSON is, and means the same by it."""
    from sig.errors import FormatError
    from sig.model import strict

    try:
        value = strict.read(raw)
    except FormatError:
        return
    assert value == json.loads(raw)
    if type(value) is dict:
        text = strict.canonical(value)
        assert text.isascii() and text == json.dumps(value, sort_keys=True).encode()
        assert strict.read(text) == value
        assert strict.canonical(strict.read(text)) == text


def attestation(raw: bytes) -> None:
    """An envelope that reads is written to one that reads the same."""
    from sig.errors import FormatError
    from sig.model import wire

    try:
        one = wire.read_attestation(raw)
    except FormatError:
        return
    text = wire.envelope(one.key, one.signed, one.sig, one.tst)
    again = wire.read_attestation(text)
    assert (again.key, again.signed, again.sig, again.tst) == (
        one.key,
        one.signed,
        one.sig,
        one.tst,
    )
    assert wire.envelope(again.key, again.signed, again.sig, again.tst) == text
    said = one.statement
    assert not (said.ok and said.withdrawn)
    assert said.ok is (one.statement.data["ok"] is True)
    # What a reader of 2016 would take for a full review is one.
    data = json.loads(raw)["data"]
    assert not (data.get("ok") is True and data.get("reviewed") is True and "base" in data)


def repository(raw: bytes) -> None:
    """A repository reads as a stream if it reads at once, and is written to the same statements."""
    from sig.errors import FormatError
    from sig.model import stream, strict, wire

    # Windows of the reader end anywhere.
    strict._WINDOW = 1 + len(raw) % 97
    try:
        found = stream.whole(raw)
    except FormatError:
        return
    finally:
        strict._WINDOW = 1 << 20
    assert found.signed == strict.canonical(strict.read(raw)["data"])
    text = wire.envelope(found.key, found.signed, found.sig)
    again = stream.whole(text)
    assert again.digest == found.digest and again.signed == found.signed
    assert {one.digest for one in again.attestations} == {one.digest for one in found.attestations}
    assert len(again.malformed) == len(found.malformed)
    for one in found.attestations:
        assert str(one.statement.id) in json.loads(raw)["data"]["attestations"]
    written = stream.data(
        found.attestations, sequence=found.sequence or 1, previous={}, expires=found.expires
    )
    back = stream.whole(wire.envelope(found.key, written, found.sig))
    assert back.signed == written and not back.malformed
    assert {one.digest for one in back.attestations} == {one.digest for one in found.attestations}


def configuration(raw: bytes) -> None:
    """A configuration that reads is written, once and for all."""
    from sig.errors import FormatError
    from sig.model import wire

    try:
        found, _, _ = wire.configuration(raw)
    except FormatError:
        return
    text = wire.configuration_data(found)
    again, signed, sig = wire.configuration(wire.unsigned(text))
    assert (signed, sig, again.key) == (text, None, None)
    assert (again.trust, again.sequence) == (found.trust, found.sequence)
    assert sorted(again.remotes) == sorted(found.remotes)
    assert wire.configuration_data(again) == text


def policy(raw: bytes) -> None:
    """A policy that reads is written to itself, and nothing tightens it but a stricter one."""
    from sig.errors import FormatError
    from sig.model import strict
    from sig.trust import policy as policies

    try:
        value = strict.read(raw)
        if type(value) is not dict:
            return
        found = policies.read(value)
    except FormatError:
        return
    assert policies.read(policies.write(found)) == found
    assert policies.tightened(found, found) == found
    both = policies.tightened(policies.Policy(ok=3, not_ok=0, late=False), found)
    assert both.ok >= max(3, found.ok) and both.not_ok == 0 and not both.late
    assert both.criteria >= found.criteria


def memory(raw: bytes) -> None:
    """What must not be forgotten is either read whole or said to be damaged."""
    from sig.errors import StoreError
    from sig.repo import layout
    from sig.repo import memory as memories

    kind, body = raw[:1], raw[1:]
    try:
        if kind == b"s":
            state = memories.read_publishes(body)
            assert state is not None
            assert memories.read_publishes(memories.write_publishes(state)) == state
        elif kind == b"k":
            kept = memories.read_kept(body)
            text = memories.write_kept(kept)
            assert memories.write_kept(memories.read_kept(text)) == text
        elif kind == b"m":
            met = memories.read_met(body)
            assert memories.read_met(memories.write_met(met)) == met
        else:
            states = layout.history(body)
            assert layout.history(layout.written_history(states)) == states
    except StoreError:
        return


def following(raw: bytes) -> None:
    """The state of a remote, and the part of it that a verdict reads."""
    from sig.errors import StoreError
    from sig.repo import remotes

    try:
        state = remotes.read(raw, "https://example.org/")
    except StoreError:
        return
    assert remotes.expires(raw) == state.expires
    assert remotes.read(remotes.write(state), "https://example.org/") == state


# --- native loaders ------------------------------------------------------------------------------


def loader(raw: bytes) -> None:
    """No loader, a sentence, or one that is written as it was read."""
    from sig.errors import FormatError
    from sig.model import loader as loaders

    try:
        found = loaders.read(raw)
    except FormatError as error:
        assert loaders.is_loader(raw) and len(error.message) < 400
        return
    assert (found is not None) is loaders.is_loader(raw)
    assert found is None or loaders.write(found) == raw


def baked(raw: bytes) -> None:
    """What lies beside a loader is refused with a sentence, or written as it was read; also with
    the digest that its first line has.
    """
    from sig.errors import FormatError
    from sig.model import baked as files

    line, newline, rest = raw.partition(b"\n")
    seal = f"sha256 {hashlib.sha256(line + newline).hexdigest()}\n".encode()
    for one in (raw, line + newline + seal + rest[len(seal) :]):
        try:
            found = files.read(one)
        except FormatError as error:
            assert len(error.message) < 400
            continue
        lists = list(found.lists.values())
        assert one == files.write(found.app, found.certificates, found.statements, lists)


def settings(raw: bytes) -> None:
    """A project's file says what each loader is to be, or is refused with a sentence."""
    from sig.errors import FormatError, UsageError
    from sig.repo.project import read_project
    from sig.verbs.settings import Settings, wanted

    try:
        found = wanted("", read_project(raw), Settings())
    except (FormatError, UsageError) as error:
        assert error.message
        return
    for one in found:
        assert one.name and "/" not in one.name and not one.name.startswith((".", "-"))
        assert one.output is None or ".." not in one.output.split("/")
        assert one.policy != "strict" or not (one.env or one.allow)


# --- OpenPGP -------------------------------------------------------------------------------------


def signature(raw: bytes) -> None:
    """One packet or none; what it says another library reads too."""
    import pysequoia

    from sig.errors import SignatureError
    from sig.gpg import packets

    try:
        claim = packets.read_signature(raw)
    except SignatureError:
        return
    framed = packets.packet(packets.SIGNATURE, claim.raw)
    again = packets.read_signature(framed)
    assert again == claim
    assert raw.endswith(claim.raw)
    try:
        theirs = pysequoia.Sig.from_bytes(framed)
    except Exception:
        return
    if theirs.created is not None:
        assert int(theirs.created.timestamp()) == claim.made_at


def certificate(raw: bytes) -> None:
    """What is kept of a certificate is kept again, and is no more than what was there."""
    import pysequoia

    from sig.errors import FormatError
    from sig.gpg import certificate as certificates

    try:
        found = certificates.read(raw)
    except FormatError:
        return
    for one in found:
        (again,) = certificates.read(one.raw)
        assert again.raw == one.raw
        kept = certificates.stored(one.raw)
        assert kept.raw == one.raw and kept.fingerprint == one.fingerprint
        assert certificates.merge(one, again).raw == one.raw
        assert len(one.raw) <= len(raw) + 4096
        theirs = pysequoia.Cert.from_bytes(one.raw)
        assert theirs.fingerprint.upper() == one.fingerprint
        _ = (one.user_ids, one.expires_at, one.revoked, one.armored())


def merging(raw: bytes) -> None:
    """The order of two copies does not matter, and a merge adds nothing twice."""
    from sig.errors import FormatError
    from sig.gpg import certificate as certificates

    size = int.from_bytes(raw[:2], "big")
    try:
        (one,) = certificates.read(raw[2 : 2 + size])
        (other,) = certificates.read(raw[2 + size :])
        if one.fingerprint != other.fingerprint:
            return
        both = certificates.merge(one, other)
    except (FormatError, ValueError):
        return
    assert certificates.merge(other, one).raw == both.raw
    assert certificates.merge(both, one).raw == both.raw
    (again,) = certificates.read(both.raw)
    assert again.raw == both.raw


def verifying(raw: bytes) -> None:
    """No mutant of a signature verifies unless another engine says so too.

    The first byte chooses the scenario, the rest is the signature.
    """
    from sig.errors import SignatureError
    from sig.gpg import certificate as certificates
    from sig.gpg import packets, verify

    if not raw:
        return
    index, sig = raw[0], raw[1:]
    known = _known()
    one, kept = known[index % len(known)]
    try:
        made = verify.check(one.signed, sig, certificates.Fingerprint(one.key), kept)
    except SignatureError:
        return
    claim = packets.read_signature(sig)
    assert made.made_at == claim.made_at
    if sig == one.sig or _same(claim, one.sig):
        return
    assert _other_engines_agree(one, sig), f"{one.name} {base64.b64encode(sig).decode()}"


@cache
def _known() -> list[tuple[Scenario, object]]:
    from sig.errors import SigError
    from sig.gpg import certificate as certificates
    from sig.model.fingerprint import Fingerprint

    found = []
    for one in scenarios():
        try:
            kept = None
            for copy in one.certificates:
                (met,) = certificates.read(copy, wanted=Fingerprint(one.key))
                kept = met if kept is None else certificates.merge(kept, met)
        except SigError:
            continue
        if kept is not None:
            found.append((one, kept))
    return found


def _same(claim: object, sig: bytes) -> bool:
    """Whether this is the genuine signature with another unhashed part or another encoding."""
    from sig.errors import SignatureError
    from sig.gpg import packets

    try:
        genuine = packets.read_signature(sig)
    except SignatureError:
        return False
    assert isinstance(claim, packets.SignaturePacket)
    return (claim.hashed, claim.values, claim.salt) == (
        genuine.hashed,
        genuine.values,
        genuine.salt,
    )


def _other_engines_agree(one: Scenario, sig: bytes) -> bool:
    import pysequoia

    for copy in one.certificates:
        try:
            cert = pysequoia.Cert.from_bytes(copy)
            said = pysequoia.verify(
                bytes=one.signed,
                store=lambda ids, cert=cert: [cert],
                signature=pysequoia.Sig.from_bytes(sig),
            )
            if said.valid_sigs:
                return True
        except Exception:  # noqa: S112  its only way to say no
            continue
    if shutil.which("gpgv") is None:
        return True
    with tempfile.TemporaryDirectory(prefix="sig-fuzz-") as name:
        folder = Path(name)
        (folder / "sig").write_bytes(sig)
        (folder / "text").write_bytes(one.signed)
        for copy in one.certificates:
            (folder / "keys").write_bytes(copy)
            told = subprocess.run(
                ["gpgv", "--homedir", "/nonexistent", "--status-fd", "1"]
                + ["--keyring", str(folder / "keys"), str(folder / "sig"), str(folder / "text")],
                capture_output=True,
            )
            if b"[GNUPG:] VALIDSIG " in told.stdout:
                return True
    return False


def status_lines(raw: bytes) -> None:
    """What gpg says is read, or refused in our words."""
    from sig.errors import GpgError
    from sig.gpg import agent

    class Told(agent.Agent):
        def _run(self, arguments: Iterable[str], stdin: bytes | None = None) -> bytes:
            return raw

    try:
        found = Told().generate("somebody", "")
        assert len(found) in (40, 64)
    except GpgError:
        pass
    words = agent._last_words(raw.decode("utf-8", "replace"))
    assert words and "\n" not in words


# --- trees ---------------------------------------------------------------------------------------


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


# --- names and words -----------------------------------------------------------------------------


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


# --- all of them ---------------------------------------------------------------------------------


def _certificate_seeds() -> list[bytes]:
    found = [copy for one in scenarios() for copy in one.certificates if len(copy) < 20_000]
    return found + [raw for raw in _files("ancestor/**/key.asc")]


def _pairs() -> list[bytes]:
    found = []
    for one in scenarios():
        copies = [copy for copy in one.certificates if len(copy) < 20_000]
        for first, second in zip(copies, copies[1:] or copies, strict=False):
            found.append(len(first).to_bytes(2, "big") + first + second)
    return found


def _memories() -> list[bytes]:
    envelope = json.loads(_statement())
    return [
        b's{"digest": "' + b"0" * 64 + b'", "sequence": 4}',
        b"k" + json.dumps({"kept": [envelope], "version": 1}).encode(),
        b"m" + b"0" * 32 + b" 1700000000\n",
        b"h1 " + b"0" * 64 + b"\n2 " + b"1" * 64 + b"\n",
    ]


def _followings() -> list[bytes]:
    value = {
        "url": "https://example.org/",
        "key": "A" * 40,
        "fetched": "2026-01-31T23:59:59Z",
        "expires": None,
        "behind-since": None,
        "sequence": 4,
        "validators": {"repo.json": {"etag": '"x"', "last-modified": None}},
    }
    return [json.dumps(value).encode()]


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


def _policies() -> list[bytes]:
    return [
        b'{"ok": 1, "not-ok": 0}',
        b'{"criteria": ["a"], "late": "refuse", "not-ok": 2, "ok": 3, "stale": "count"}',
    ]


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


def _loaders() -> list[bytes]:
    found = []
    for path in sorted((VECTORS / "loader").glob("*.txt")):
        text = path.read_text(encoding="utf-8").partition("\nfile: ")[2].partition("\n")[0]
        found.append(base64.b64decode(text))
    return [raw for raw in found if len(raw) < 4096]


def _baked() -> list[bytes]:
    found = []
    for path in sorted((VECTORS / "baked").glob("*.txt")):
        text = path.read_text(encoding="utf-8").partition("\nfile: ")[2].partition("\n")[0]
        found.append(base64.b64decode(text))
    return [raw for raw in found if len(raw) < 4096]


def _settings() -> list[bytes]:
    head = b'[project]\nname = "site"\n[project.scripts]\nwork = "a:b"\nmore = "a.b:c.d"\n'
    return [
        head,
        head + b'[tool.sig.loader]\nenv = ["PATH"]\npython-option = ["-u", "-Xdev"]\nallow = []\n',
        head + b'[[tool.sig.loader]]\nscript = "work"\noutput = "bin/"\npolicy = "strict"\n'
        b'[[tool.sig.loader]]\nscript = "more"\nname = "x"\n',
        head + b'[tool.sig.loader]\noutput = "../x"\n',
    ]


REGRESSIONS = Path(__file__).parent / "regressions"


def seeds(name: str) -> list[bytes]:
    """The first inputs of a target: its own, and what was found by it once."""
    found = [path.read_bytes() for path in sorted(REGRESSIONS.glob(f"{name}.*"))]
    return [*TARGETS[name].seeds(), *found]


TARGETS: dict[str, Target] = {
    "read": Target(read, _documents),
    "attestation": Target(attestation, _envelopes),
    "repository": Target(repository, _repositories),
    "configuration": Target(configuration, _configurations),
    "policy": Target(policy, _policies),
    "memory": Target(memory, _memories),
    "loader": Target(loader, _loaders),
    "baked": Target(baked, _baked),
    "settings": Target(settings, _settings),
    "following": Target(following, _followings),
    "signature": Target(signature, lambda: [one.sig for one in scenarios()]),
    "certificate": Target(certificate, _certificate_seeds),
    "merging": Target(merging, _pairs),
    "verifying": Target(
        verifying,
        lambda: [bytes((place,)) + one.sig for place, (one, _) in enumerate(_known())][:256],
    ),
    "status-lines": Target(
        status_lines, lambda: [b"[GNUPG:] KEY_CREATED P " + b"A" * 40 + b"\n", b"gpg: no\n"]
    ),
    "manifest": Target(manifest, _manifests),
    "globs": Target(globs, _globs),
    "zip": Target(zipped, lambda: _archives("zip")),
    "tar": Target(tarred, _tars),
    "zip-made": Target(zip_made, lambda: _random(60)),
    "tar-made": Target(tar_made, lambda: _random(40)),
    "compressed": Target(compressed, _packed),
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
