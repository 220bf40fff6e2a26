"""The own repository where others see it: read the target first, merge what the own key put there.

P1  What another key signed is never replaced.
P2  The own last state, or one before it, is replaced by the folder's state as it is.
P3  Another state of the own key (second machine, restored backup) is merged, and the sequence goes
    on above both: two machines of one owner never look like a fork.
P4  Files go up so that a reader who comes between sees a state that verifies: objects first, then
    key.asc, then the root, then repo.json.
P5  A root that is public is never overwritten: of two who publish at once, one is told.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sig.errors import (
    Conflict,
    FormatError,
    NetworkError,
    Refused,
    SignatureError,
    StoreError,
    UsageError,
)
from sig.gpg import certificate as certificates
from sig.gpg import verify
from sig.gpg.certificate import Certificate
from sig.model import limits, root, stream, tree, wire
from sig.model.attestation import Malformed, UnverifiedAttestation
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.manifest import read_canonical
from sig.model.repository import UnverifiedRepository
from sig.model.root import UnverifiedRoot
from sig.model.tree import Kind
from sig.repo import layout, objects
from sig.repo.disk import opener
from sig.repo.transport import check_url
from sig.verbs import manifests, own, planting
from sig.verbs.checking import check_parts
from sig.verbs.signer import Signer

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace


_Get = Callable[[str, int], bytes]
"""A public file, at most so many bytes of it. Raises FileNotFoundError where there is none."""


@dataclass(frozen=True, slots=True)
class Public:
    """What is public of a key's repository, its owner's signature verified.

    `lists` are the manifests that lie there and not here, and that the key's own statements name;
    `root` is the one that the repository names, None where it is not there.
    """

    repository: UnverifiedRepository
    certificate: Certificate
    root: UnverifiedRoot | None = None
    lists: Mapping[Identifier, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """What `publish` did: how many statements are public now, how many of them are new there."""

    target: str
    sequence: int
    statements: int
    new: int
    took_over: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What `publish --check` found: the public sequence and the folder's, None without one."""

    url: str
    public: int | None
    folder: int | None
    same: bool


def _checked(raw: bytes, key_asc: bytes, key: Fingerprint, known: Certificate | None) -> Public:
    """The repository of exactly this key. Raises Refused (P1), FormatError."""
    check_parts(raw)
    refused: SignatureError | None = None
    for document in stream.readings(raw, layout.spool):
        if document.key != key:
            raise Refused(f"the repository there is signed by {document.key}, not by {key}")
        certificate = _certificate(key_asc, key, known)
        try:
            # First: anyone may have put a file there that takes long to read.
            verify.check(document.signed, document.sig, document.key, certificate)
        except SignatureError as error:
            refused = error
            continue
        return Public(stream.whole_of(document), certificate)
    told = "" if refused is None else f": {refused.message}"
    raise Refused(f"the repository there is not signed by its key{told}") from refused


def _certificate(key_asc: bytes, key: Fingerprint, known: Certificate | None) -> Certificate:
    """What is public of it, with what is known. Raises FormatError."""
    (certificate,) = certificates.read(key_asc, wanted=key)
    return certificate if known is None else certificates.merge(known, certificate)


def read_own(workspace: Workspace, source: str, key: Fingerprint) -> Public | None:
    """What `key` published at a URL or in a folder; None where nothing is there.

    Raises Refused where another key did, NetworkError, StoreError.
    """
    if "://" in source:
        return _read_url(workspace, check_url(source), key)
    return read_folder(workspace, Path(source), key)


def _read_url(workspace: Workspace, url: str, key: Fingerprint) -> Public | None:
    transport = workspace.transport()

    def get(name: str, limit: int) -> bytes:
        try:
            return transport.get(url + name, limit=limit).body or b""
        except NetworkError as error:
            if error.reason == "http" and error.message.startswith("404"):
                raise FileNotFoundError(name) from error
            raise

    try:
        return _read(workspace, key, get)
    except FormatError as error:
        raise Refused(f"what is at {url} is not a repository: {error.message}") from error
    except FileNotFoundError as error:
        raise NetworkError(f"404 Not Found: {url}{error}", reason="http") from error


def read_folder(workspace: Workspace, target: Path, key: Fingerprint) -> Public | None:
    """What `key` published in a folder; None where nothing is there."""

    def get(name: str, limit: int) -> bytes:
        try:
            return _bounded(target / name, limit)
        except FileNotFoundError:
            if name != "key.asc":
                raise
            known = workspace.certificate(key)
            return b"" if known is None else known.armored()

    try:
        return _read(workspace, key, get)
    except FormatError as error:
        raise Refused(
            f"{target / 'repo.json'} is not a repository: {error.message}",
            hint="publish to an empty folder",
        ) from error
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}") from error


def _read(workspace: Workspace, key: Fingerprint, get: _Get) -> Public | None:
    """What is public, by the repository, or by the tree where that is newer or alone."""
    found: Public | None = None
    with suppress(FileNotFoundError):
        raw = get("repo.json", limits.REPOSITORY)
        found = _checked(raw, get("key.asc", limits.KEY_FILE), key, workspace.certificate(key))
    with suppress(FileNotFoundError):
        top = _root(get, key)
        if found is not None and found.repository.root == top.digest:
            found = replace(found, root=top)
        elif found is None or (found.repository.sequence or 0) < top.sequence:
            # Of a publish that was killed before repo.json, perhaps of another machine.
            found = _tree(workspace, top, get)
    return None if found is None else _with_lists(workspace, found, get)


def _root(get: _Get, key: Fingerprint) -> UnverifiedRoot:
    """P1 for the root: of exactly this key, and not proved yet."""
    try:
        found = root.read(get("signet.json", limits.ROOT))
    except FormatError as error:
        raise Refused(
            f"signet.json there is not a root: {error.message}", hint="publish to an empty folder"
        ) from error
    if found.key != key:
        raise Refused(f"the root there is signed by {found.key}, not by {key}")
    return found


def _tree(workspace: Workspace, top: UnverifiedRoot, get: _Get) -> Public:
    """The statements below a root, as a repository. Raises Refused, FormatError."""
    key_asc, known = get("key.asc", limits.KEY_FILE), workspace.certificate(top.key)
    certificate = _certificate(key_asc, top.key, known)
    try:
        verify.check(top.signed, top.sig, top.key, certificate)
    except SignatureError as error:
        raise Refused(f"the root there is not signed by its key: {error.message}") from error

    def read(name: str) -> bytes:
        return get(objects.name(objects.identifier(name)), limits.OBJECT)

    said = [one.said for one in tree.walk(top.tree, read, Kind.STATEMENTS)]
    repository = UnverifiedRepository(
        key=top.key,
        signed=top.signed,
        sig=top.sig,
        digest=top.digest,
        sequence=top.sequence,
        previous=top.previous,
        expires=top.expires,
        root=top.digest,
        attestations=tuple(one for one in said if isinstance(one, UnverifiedAttestation)),
        malformed=tuple(one for one in said if isinstance(one, Malformed)),
    )
    return Public(repository, certificate, top)


def _with_lists(workspace: Workspace, public: Public, get: _Get) -> Public:
    """With the lists of files that are there and not here. One that cannot be had is left."""
    own_words = [one for one in public.repository.attestations if one.key == public.repository.key]
    lists: dict[Identifier, bytes] = {}
    waiting = [one.statement.manifest for one in own_words if one.statement.manifest is not None]
    while waiting:
        id = waiting.pop()
        if id in lists:
            continue
        raw = objects.read(workspace.home, id)
        if raw is None:
            try:
                raw = get(objects.name(id), limits.MANIFEST)
            except (NetworkError, OSError, Refused):
                continue
            try:
                if Identifier.of_bytes(raw) != id or not read_canonical(raw):
                    continue
            except FormatError:  # not to be kept where lists are read
                continue
            lists[id] = raw
        waiting += manifests.roots_of(raw)
    return replace(public, lists=lists)


def _bounded(path: Path, limit: int) -> bytes:
    with open(path, "rb", opener=opener) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise Refused(f"{path} is not a regular file", hint="publish to an empty folder")
        raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise Refused(f"{path} is larger than {limit >> 20} MiB", hint="publish to an empty folder")
    return raw


def taken_over(
    workspace: Workspace, signer: Signer, public: Public, *, planted: bool = False
) -> tuple[dict[str, bytes | None], int]:
    """The files of the own repository with what is public taken in (P3), and how many were new.

    The statements of others that the target lists are left: this key did not say them. With
    `planted`, or where a tree is public, they are those of a tree.
    """
    planted = planted or public.repository.root is not None
    current = own.repository(workspace)
    mine = () if current is None else current.attestations
    here = {(one.key, one.signed) for one in mine}
    theirs = [
        one
        for one in own.verified(workspace, _of_key(public, signer), signer)
        if (one.key, one.signed) not in here
    ]
    statements = own.without_ended(
        workspace,
        signer,
        [*mine, *map(own.unverified, theirs)],
        {one.statement.id for one in theirs},
    )
    states = own.states_of(workspace, current)
    there = public.repository
    above = max([there.sequence or 0, *states])
    if there.sequence is not None:
        # Followers met what is public. What this folder signed beside it is not named as its past.
        named = there.previous if public.root is None else public.root.previous
        public_states = dict(named) | {there.sequence: there.state}
        common = max((at for at in public_states if states.get(at) == public_states[at]), default=0)
        states = {at: states[at] for at in states if at <= common} | public_states
    if current is None and above == (there.sequence or 0) and not planted:
        # A second machine: the public state is this folder's state, without a new signature.
        files: dict[str, bytes | None] = {
            **signer.changes(),
            layout.REPOSITORY: wire.envelope(there.key, there.signed, there.sig),
        }
        if there.sequence is not None:
            files[layout.HISTORY] = layout.written_history(states)
    else:
        files = own.next_repository(
            workspace, signer, statements, above=above, states=states, planted=planted
        )
    from sig.verbs.remembering import kept_file

    matter = workspace.config.trust | {signer.key}
    files |= {objects.own(id): raw for id, raw in public.lists.items()}
    return files | kept_file(workspace, theirs, matter=set(matter)), len(theirs)


def _of_key(public: Public, signer: Signer) -> list[UnverifiedAttestation]:
    return [one for one in public.repository.attestations if one.key == signer.key]


def publish(
    workspace: Workspace, target: str | None = None, passphrase: str | None = None
) -> Published:
    """Bring the own repository to a folder. Raises Refused (P1), UsageError, NoKey, StoreError."""
    chosen = target or workspace.config.publish.get("target")
    if not chosen:
        raise UsageError("name a folder to publish to, or set it: sig config publish.target FOLDER")
    if "://" in chosen:
        raise UsageError(f"{chosen}: only a folder can be published to; copy it to the host")
    place = Path(os.path.abspath(os.path.expanduser(chosen)))
    with workspace.writing():
        signer = Signer(workspace, passphrase)
        there = read_folder(workspace, place, signer.key)
        current = own.repository(workspace)
        took = 0
        if there is not None and (
            not _is_ours(workspace, current, there.repository)
            or _loses(workspace, signer, current, there.repository)
        ):
            files, took = taken_over(workspace, signer, there, planted=True)
            workspace.commit(files)
        elif current is None or current.sequence is None or not _has_tree(workspace, current):
            _plant(workspace, signer, current)
        elif signer.changes():
            workspace.commit(signer.changes())
        rooted = None if there is None else there.root
        try:
            read = _put_all(workspace, place, rooted)
        except planting.Damaged:
            _plant(workspace, signer, own.repository(workspace), anew=True)
            read = _put_all(workspace, place, rooted)
        before = (
            set() if there is None else {own.name(one) for one in there.repository.attestations}
        )
        names = sorted(own.name(one) for one in read.attestations)
        text = "\n".join([f"{read.sequence} {read.state}", *names, ""])
        workspace.commit(
            {
                layout.PUBLISHED: text.encode(),
                layout.root_file(read.sequence or 0): workspace.home.read(layout.ROOT),
            }
        )
    return Published(
        target=f"{place}{os.sep}",
        sequence=read.sequence or 0,
        statements=len(read.attestations),
        new=len({own.name(one) for one in read.attestations} - before),
        took_over=took,
    )


def _plant(
    workspace: Workspace,
    signer: Signer,
    current: UnverifiedRepository | None,
    *,
    anew: bool = False,
) -> None:
    """The next state of the folder, with a tree of what it says already."""
    states = own.states_of(workspace, current)
    files = own.next_repository(
        workspace,
        signer,
        () if current is None else current.attestations,
        above=max(states, default=0),
        states=states,
        planted=True,
        anew=anew,
    )
    workspace.commit(files)


def _put_all(
    workspace: Workspace, place: Path, rooted: UnverifiedRoot | None
) -> UnverifiedRepository:
    """Bring the state of the folder to the target, which has the root `rooted`; gives that state.

    Raises Conflict, Damaged, StoreError.
    """
    raw = workspace.home.read(layout.REPOSITORY, limits.REPOSITORY) or b""
    signed = workspace.home.read(layout.ROOT, limits.ROOT) or b""
    read = stream.whole(raw)
    named = [one.statement.manifest for one in read.attestations]
    lists = manifests.published(workspace, [id for id in named if id is not None])
    known = own.states_of(workspace, read)
    complete = rooted is not None and known.get(rooted.sequence) == rooted.digest
    put(
        place,
        chain(
            lists.items(),
            planting.published(workspace, place if complete else None),
            [
                (f"roots/{read.sequence}.json", signed),
                ("key.asc", workspace.home.read(layout.CERTIFICATE) or b""),
                ("signet.json", signed),
                ("repo.json", raw),
            ],
        ),
    )
    return read


def _has_tree(workspace: Workspace, current: UnverifiedRepository) -> bool:
    """Whether the folder has the tree of this very state."""
    found = planting.current(workspace.home)
    return found is not None and found.digest == current.root


def _is_ours(
    workspace: Workspace, current: UnverifiedRepository | None, there: UnverifiedRepository
) -> bool:
    """P2: whether the target has the folder's state or one before it."""
    if current is None:
        return False
    if there.state == current.state:
        return True
    if there.sequence is None:
        # What the program of 2016 wrote has no past; ours holds all of it or it is merged.
        here = {(one.key, one.signed) for one in current.attestations}
        return all((one.key, one.signed) in here for one in there.attestations)
    return own.states_of(workspace, current).get(there.sequence) == there.state


def _loses(
    workspace: Workspace,
    signer: Signer,
    current: UnverifiedRepository | None,
    there: UnverifiedRepository,
) -> bool:
    """Whether the target has own words that the folder lost, though it signed that state (P2)."""
    mine = () if current is None else current.attestations
    here = {(one.key, one.signed) for one in mine}
    listed = [
        one
        for one in there.attestations
        if one.key == signer.key and (one.key, one.signed) not in here
    ]
    missing = list(map(own.unverified, own.verified(workspace, listed, signer)))
    ids = {one.statement.id for one in missing}
    left = own.without_ended(workspace, signer, [*mine, *missing], ids)
    return any((one.key, one.signed) not in here for one in left)


def put(place: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write files into a folder that a web server reads: each whole, by rename, in order (P4).

    Raises StoreError, Conflict (P5).
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, data in files:
            target = place / name
            _make_folders(place, target.parent)
            for left in target.parent.glob(f".{target.name}.????????"):
                # Of a publish that was killed.
                left.unlink(missing_ok=True)
            with suppress(OSError):
                there = target.lstat()
                same = stat.S_ISREG(there.st_mode) and there.st_size == len(data)
                if same and target.read_bytes() == data:
                    continue
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                os.chmod(temporary, 0o644)
                if name.startswith("roots/"):
                    _create(temporary, target)
                else:
                    os.replace(temporary, target)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise
            _flush(target.parent)
        _flush(place)
    except OSError as error:
        raise StoreError(f"{place}: {error.strerror}") from error


def _create(temporary: str, target: Path) -> None:
    """Put a file where there must be none (P5)."""
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise Conflict(
            f"{target} is another root than the folder's: somebody published meanwhile",
            hint="sig publish",
        ) from error
    except OSError:  # a file system without links: the last moment to look
        if target.exists():
            raise
        os.replace(temporary, target)
    else:
        os.unlink(temporary)


def _make_folders(place: Path, wanted: Path) -> None:
    """Folders below the published one, which a web server may enter whatever the umask says."""
    if wanted != place and not wanted.is_dir():
        _make_folders(place, wanted.parent)
        with suppress(FileExistsError):
            wanted.mkdir()
            wanted.chmod(0o755)


def _flush(place: Path) -> None:
    """Names on disk: what names an object must not be there before it."""
    if os.name == "posix":
        folder = os.open(place, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def compare(workspace: Workspace, url: str | None = None) -> Compared:
    """What is public beside what the folder has. Raises UsageError, NetworkError, Refused."""
    chosen = url or workspace.config.publish.get("url")
    if not chosen:
        raise UsageError("name a URL, or set it: sig config publish.url URL")
    from sig.errors import NoKey

    key = workspace.config.key
    if key is None:
        raise NoKey("this folder has no own key", hint="sig setup")
    public = _read_url(workspace, check_url(chosen), key)
    current = workspace.consistent(lambda: own.repository(workspace))
    return Compared(
        url=check_url(chosen),
        public=None if public is None else public.repository.sequence,
        folder=None if current is None else current.sequence,
        same=public is not None
        and current is not None
        and public.repository.state == current.state,
    )
