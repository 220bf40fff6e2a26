"""Where things lie in a folder, and the folder that is published (docs/spec/folder, repository).

config                 signed by the owner
keys/FPR.pgp           certificates that were met, minimised, one file a key
repo/repo.json         the own repository; publish this directory as it is
repo/key.asc           the own certificate
repo/signet.json       the own root, once a tree was published; its objects lie in repo/objects
remotes/NAME/repo.json what a remote offered last, as it was signed (`mirror`)
remotes/NAME/state     how it is followed (`remotes`)
remotes/NAME/manifests which manifests its statements name
objects/ab/cdef…       manifests that were fetched; the own ones lie below repo/ (`objects`)
memory/…               what must not be forgotten (`memory`)
index.sqlite           a view of all statements; can be deleted
view view.…            the statements of those who count, for programs without sig (`view`)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, TypeVar

from sig.errors import FormatError, StoreError
from sig.model import limits

if TYPE_CHECKING:
    from sig.model.repository import UnverifiedRepository
    from sig.model.stream import Document, Entry

_T = TypeVar("_T")

CONFIG = "config"
REPOSITORY = "repo/repo.json"
ROOT = "repo/signet.json"
CERTIFICATE = "repo/key.asc"
HISTORY = "memory/history"
PUBLISHED = "memory/published"
INDEX = "index.sqlite"
OLD_KEYBOX = "keyring.gpg"

OWN = "own"
KEPT = "kept"


def remote_repository(name: str) -> str:
    """The file of what a remote offered last."""
    return f"remotes/{name}/repo.json"


def remote_manifests(name: str) -> str:
    """The file of which keys name which manifests in what a remote offers: lines ``KEY ID``."""
    return f"remotes/{name}/manifests"


def remote_state(name: str) -> str:
    """The file of how a remote is followed."""
    return f"remotes/{name}/state"


def source_files(remotes: Iterable[str]) -> dict[str, str]:
    """Where statements lie: each source and its file."""
    found = {OWN: REPOSITORY, KEPT: "memory/kept"}
    # A remote named like one of ours would hide it; "remote:" cannot be part of a remote's name.
    return found | {f"remote:{name}": remote_repository(name) for name in remotes}


def history(raw: bytes | None) -> dict[int, str]:
    """The digests of the own earlier states by sequence. Lines ``SEQUENCE DIGEST``."""
    found: dict[int, str] = {}
    for line in (raw or b"").decode("ascii", "replace").splitlines():
        number, _, digest = line.partition(" ")
        if (
            not number.isdigit()
            or len(number) > 16
            or len(digest) != 64
            or digest.strip("0123456789abcdef")
        ):
            raise StoreError(f"{HISTORY} is damaged", hint="sig doctor")
        found[int(number)] = digest
    return found


def written_history(states: Mapping[int, str]) -> bytes:
    """The text of `history`."""
    return "".join(f"{number} {states[number]}\n" for number in sorted(states)).encode("ascii")


def repository(raw: bytes | None, what: str) -> UnverifiedRepository | None:
    """A repository in the folder. A file of ours that does not read is damage, not bad input."""
    if raw is None:
        return None
    from sig.model import stream  # no verdict from the index needs it

    try:
        return stream.whole(raw)
    except FormatError as error:
        raise StoreError(f"{what} is damaged: {error.message}", hint="sig doctor") from error


def read(raw: bytes, what: str, make: Callable[[Iterator[Entry]], _T]) -> tuple[Document, _T]:
    """What `make` makes of the statements of a repository in the folder. Raises StoreError."""
    from sig.model import stream

    try:
        return stream.read(raw, make, spool)
    except FormatError as error:
        raise StoreError(f"{what} is damaged: {error.message}", hint="sig doctor") from error


def spool() -> IO[bytes]:
    """Where the pieces of a large repository that is not in order are put (docs/spec/limits §1)."""
    import tempfile

    return tempfile.SpooledTemporaryFile(max_size=limits.SPOOL)


def past(sequence: int, states: Mapping[int, str]) -> dict[int, str]:
    """What the state with this sequence names of the earlier ones."""
    from sig.model.repository import previous_sequences

    return {at: states[at] for at in previous_sequences(sequence) if at in states}


def root_file(sequence: int) -> str:
    """Where a root lies that was published."""
    return f"repo/roots/{sequence}.json"
