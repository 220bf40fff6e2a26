"""People, keys, statements and folders to measure with. Everything is made anew and thrown away.

All keys are made by GnuPG, of the kind that ``sig setup --new`` makes. The owners of remotes say a
lot, so their statements are signed by pysequoia in this process: 0.1 ms a signature.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysequoia

from sig.model import stream, strict, wire
from sig.model.attestation import UnverifiedAttestation

# Signatures of this very second must not look as if they came from the future.
_AGE = 60


class Owner:
    """Somebody who signs a repository; from a certificate with its secret key."""

    def __init__(self, key: pysequoia.Cert) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._signer = key.secrets.signer()
        # Written without its secrets.
        self.certificate = bytes(key)
        self.fingerprint = key.fingerprint.upper()

    @property
    def armored(self) -> bytes:
        """The text of its key.asc."""
        return str(pysequoia.armor(self.certificate, pysequoia.ArmorKind.PublicKey)).encode()

    def sign(self, data: bytes) -> bytes:
        """One detached binary signature."""
        made = pysequoia.sign(
            self._signer, data, mode=pysequoia.SignatureMode.DETACHED, armor=False
        )
        return bytes(made)

    def statement(self, digest: str) -> UnverifiedAttestation:
        """A reviewed ok about the bytes with this sha256."""
        data = {
            "id": f"sha256:{digest}",
            "ok": True,
            "reviewed": True,
            "comment": "read it twice",
        }
        signed = strict.canonical(data)
        return UnverifiedAttestation(
            wire.statement(data),
            wire.Fingerprint(self.fingerprint),
            signed,
            self.sign(signed),
        )

    def repository(self, statements: Iterable[UnverifiedAttestation], sequence: int = 1) -> bytes:
        """The text of its repo.json."""
        signed = stream.data(statements, sequence=sequence, previous={})
        return wire.envelope(self.fingerprint, signed, self.sign(signed))


@dataclass(frozen=True, slots=True)
class Site:
    """What one owner publishes, in a folder of that name."""

    name: str
    owner: Owner
    statements: Sequence[UnverifiedAttestation]


def digest(text: str) -> str:
    """A sha256 of nothing in particular."""
    return hashlib.sha256(text.encode()).hexdigest()


def owners(home: Path, count: int) -> list[Owner]:
    """People with keys of GnuPG, from a home that is not needed afterwards."""
    home.mkdir(mode=0o700)
    settings: dict[str, Any] = {
        "env": {**os.environ, "GNUPGHOME": str(home)},
        "check": True,
        "capture_output": True,
    }
    wanted = "%no-protection\n"
    for number in range(count):
        wanted += (
            "Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign cert\nExpire-Date: 0\n"
            f"Name-Real: owner{number}\nName-Email: owner{number}@example.org\n%commit\n"
        )
    subprocess.run(["gpg", "--batch", "--gen-key"], input=wanted.encode(), **settings)
    loopback = ["--pinentry-mode", "loopback", "--passphrase", ""]
    told = subprocess.run(["gpg", "--batch", *loopback, "--export-secret-keys"], **settings)
    subprocess.run(["gpgconf", "--kill", "all"], **settings)
    return [Owner(key) for key in pysequoia.Cert.split_bytes(told.stdout)]


def publish(root: Path, name: str, owner: Owner, digests: Iterable[str]) -> Site:
    """One statement of an owner about each digest, published below `root`."""
    statements = [owner.statement(each) for each in digests]
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "repo.json").write_bytes(owner.repository(statements))
    (folder / "key.asc").write_bytes(owner.armored)
    # Older than the fetch, as everything that is really served.
    for each in folder.iterdir():
        os.utime(each, (time.time() - _AGE,) * 2)
    return Site(name, owner, statements)


def small_files(folder: Path, count: int, size: int) -> list[Path]:
    """Files of random bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [folder / f"file-{number}" for number in range(count)]
    for each in found:
        each.write_bytes(os.urandom(size))
    return found


def file_digest(path: Path) -> str:
    """The sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def large_file(path: Path, size: int) -> Path:
    """A file of bytes that do not repeat soon. It is in the page cache afterwards."""
    chunk = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(chunk)
    return path


def gnupg_home(path: Path) -> str:
    """A GnuPG home with one Ed25519 key without passphrase; its fingerprint."""
    path.mkdir(mode=0o700)
    settings: dict[str, Any] = {
        "env": {**os.environ, "GNUPGHOME": str(path)},
        "check": True,
        "capture_output": True,
        "text": True,
    }
    subprocess.run(
        ["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "reader <reader@example.org>"]
        + ["ed25519", "sign", "never"],
        **settings,
    )
    told = subprocess.run(["gpg", "--batch", "--with-colons", "--list-keys"], **settings)
    return next(line.split(":")[9] for line in told.stdout.splitlines() if line.startswith("fpr"))


def add_remotes(folder: Path, sites: Sequence[Site], base: str, trusted: Sequence[str]) -> None:
    """Put these remotes and trusted keys into the configuration of a folder.

    By the same function as ``sig remote add``, a hundred at once instead of a hundred commands.
    """
    from sig.model.configuration import Remote
    from sig.verbs.configuring import change
    from sig.verbs.workspace import Workspace

    made = tuple(Remote(site.name, f"{base}{site.name}/") for site in sites)
    keys = frozenset(wire.Fingerprint(key) for key in trusted)
    change(
        Workspace(folder),
        lambda before: before._replace(remotes=(*before.remotes, *made), trust=before.trust | keys),
    )


def wheel(path: Path, size: int) -> int:
    """Write a wheel with so many bytes in it, packed to about half of them; gives its size."""
    each = 100_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(max(size // each, 1)):
            # Half of a byte is chance, so that it packs as code does.
            chance = random.Random(number).randbytes(each // 2)
            archive.writestr(f"package/module{number}.py", chance.hex()[:each])
    return path.stat().st_size
