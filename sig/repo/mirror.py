"""What a remote offered last, as it lies in the folder: one document, perhaps with objects.

remotes/NAME/repo.json           the document as its owner signed it: a repository, or a root
remotes/NAME/objects/ab/cdef…    the objects below a root

Here: which of the two it is, and its statements. That they are the owner's was decided when they
came; each statement is verified when it counts. What does not read is damage, for it read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from sig.errors import FormatError, StoreError
from sig.model import limits, root, stream, tree
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.root import UnverifiedRoot
from sig.model.stream import Entry
from sig.model.tree import Get, Kind
from sig.repo import layout, objects

_T = TypeVar("_T")

Read = Callable[[str, int], bytes | None]
"""Gives a file of the folder, at most so many bytes."""


class Offered(NamedTuple):
    """One signed state, and what it names as its past."""

    key: Fingerprint
    state: str
    sequence: int | None
    previous: Mapping[int, str]


def object_file(remote: str, name: str) -> str:
    """Where an object of a remote lies."""
    return f"remotes/{remote}/{objects.name(objects.identifier(name))}"


def objects_of(read: Read, remote: str) -> Get:
    """The objects of a remote. Raises StoreError for one that is missing or damaged."""

    def get(name: str) -> bytes:
        raw = read(object_file(remote, name), limits.OBJECT)
        if raw is None or tree.object_name(raw) != name:
            told = f"{remote} is damaged: the object {name} is missing or has other bytes"
            raise StoreError(told, hint="sig doctor")
        return raw

    return get


def root_of(raw: bytes | None) -> UnverifiedRoot | None:
    """The root that a document is; None where it is a repository, or nothing."""
    # A repository begins with its attestations, whose name comes before all of a root's but one.
    if raw is None or len(raw) > limits.ROOT or raw.startswith(b'{"data": {"attestations": '):
        return None
    try:
        return root.read(raw)
    except FormatError:
        return None


def offered(raw: bytes, what: str) -> Offered:
    """What a document says of itself. Raises StoreError."""
    found = root_of(raw)
    if found is not None:
        return Offered(found.key, found.digest, found.sequence, found.previous)
    document, _ = layout.read(raw, what, stream.skim)
    head = document.head
    return Offered(document.key, document.state, head.sequence, head.previous)


def read(raw: bytes, remote: str, files: Read, make: Callable[[Iterator[Entry]], _T]) -> _T:
    """What `make` makes of the statements that a remote offered. Raises StoreError."""
    found = root_of(raw)
    if found is None:
        return layout.read(raw, remote, make)[1]
    try:
        return make(_entries(found, objects_of(files, remote)))
    except FormatError as error:
        raise StoreError(f"{remote} is damaged: {error.message}", hint="sig doctor") from error


def _entries(top: UnverifiedRoot, get: Get) -> Iterator[Entry]:
    for _, text, name, said in tree.walk(top.tree, get, Kind.STATEMENTS):
        if isinstance(said, UnverifiedAttestation | Malformed):
            yield Entry(name, text, said)
