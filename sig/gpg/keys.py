"""The certificates that were met: a folder, one file a key. Read here, written by who owns it.

1. A file is named by the whole fingerprint and nothing else: a name can never be a path.
2. A file holds the certificate that its name says, or the folder is damaged.
3. Names that are not ours are not ours: skipped, never opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from sig.errors import FormatError, StoreError
from sig.gpg.certificate import Certificate, merge, stored
from sig.model import limits
from sig.model.fingerprint import Fingerprint

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".pgp"
_SHORTEST = 8


def file_name(fingerprint: Fingerprint) -> str:
    """The name of a certificate's file in the folder. Its content is `Certificate.raw`."""
    return Fingerprint(fingerprint) + _SUFFIX  # 1


class Files(Protocol):
    """Where the files of certificates are: a folder, or one whose changes are not in place yet."""

    def names(self) -> list[str]:
        """The names of all files, in any order. Raises StoreError."""
        ...

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None if it is missing. Raises StoreError."""
        ...


class Folder:
    """The files of a plain folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """The names in the folder; none where there is no folder."""
        try:
            return os.listdir(self._path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"the folder of keys cannot be read: {error.strerror}") from error

    def read(self, name: str) -> bytes | None:
        """The bytes of a file."""
        try:
            with open(os.path.join(self._path, name), "rb") as file:
                return file.read(limits.CERTIFICATE + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{name} cannot be read: {error.strerror}") from error


class Keys:
    """The certificates in a folder, each read once. A folder that is not there holds none."""

    def __init__(self, files: Path | Files) -> None:
        self._files: Files = Folder(files) if isinstance(files, PurePath) else files
        self._read: dict[Fingerprint, Certificate] = {}

    def get(self, fingerprint: Fingerprint) -> Certificate | None:
        """The known certificate, None if it is not known. Raises StoreError if it is damaged."""
        known = self._read.get(fingerprint)
        if known is None:
            known = self._load(fingerprint)
            if known is not None:
                self._read[fingerprint] = known
        return known

    def fingerprints(self) -> list[Fingerprint]:
        """What is known, sorted. Raises StoreError if the folder cannot be read."""
        found = []
        for name in self._files.names():
            if name.endswith(_SUFFIX):
                try:
                    found.append(Fingerprint(name.removesuffix(_SUFFIX)))
                except ValueError:  # 3
                    continue
        return sorted(found)

    def __iter__(self) -> Iterator[Certificate]:
        """Every known certificate, by fingerprint. Raises StoreError for a damaged one."""
        for fingerprint in self.fingerprints():
            certificate = self.get(fingerprint)
            if certificate is not None:
                yield certificate

    def find(self, text: str) -> tuple[Fingerprint, ...]:
        """The known keys that `text` names: a fingerprint in any usual spelling, or its last eight
        or more digits. More than one: nothing may be done with any."""
        digits = "".join(text.split()).upper().removeprefix("0X")
        if len(digits) < _SHORTEST or not set(digits) <= set("0123456789ABCDEF"):
            return ()
        known = self.fingerprints()
        if digits in known:
            return (Fingerprint(digits),)
        return tuple(one for one in known if one.endswith(digits))

    def merged(self, met: Certificate) -> tuple[Certificate, bool]:
        """`met` together with the known copy, in memory, and whether that changes anything.

        Raises FormatError if the result is too large: the known copy stays.
        """
        known = self.get(met.fingerprint)
        if known is None:
            return met, True
        both = merge(known, met)
        return both, both.raw != known.raw

    def _load(self, fingerprint: Fingerprint) -> Certificate | None:
        name = file_name(fingerprint)
        raw = self._files.read(name)
        if raw is None:
            return None
        try:
            certificate = stored(raw)
        except FormatError as error:
            raise StoreError(f"{name} is damaged: {error.message}") from error
        if certificate.fingerprint != fingerprint:  # 2
            raise StoreError(f"{name} holds another key")
        return certificate
