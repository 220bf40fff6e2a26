"""Fuzzers of OpenPGP: what is read, what verifies, and what other engines say."""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from fuzzer import Scenario, Target, files_of, scenarios


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


def _certificate_seeds() -> list[bytes]:
    found = [copy for one in scenarios() for copy in one.certificates if len(copy) < 20_000]
    return found + [raw for raw in files_of("ancestor/**/key.asc")]


def _pairs() -> list[bytes]:
    found = []
    for one in scenarios():
        copies = [copy for copy in one.certificates if len(copy) < 20_000]
        for first, second in zip(copies, copies[1:] or copies, strict=False):
            found.append(len(first).to_bytes(2, "big") + first + second)
    return found


TARGETS = {
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
}
