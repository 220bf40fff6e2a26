"""What stands beside a baked loader: what its signers said of a program, gathered from the folder.

B1  Who counts are the signers that are named, and enough is their threshold. The owner's own trust
    and policy do not matter; the policy of the machine does.
B2  Written is all that they say of the list of the program, and of everything else of which one of
    them says that it is not ok: roots, archives of them, lists of the same files, single files,
    packs. An ok elsewhere is not needed: who signed the list answers for the roots in it.
B3  What only memory has of an ok is not written: it would count again.
B4  It is read again before it is written: by this file alone the program must be ok.
B5  It takes the place of nothing but such a file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError, NotFound, Refused, StoreError, UsageError
from sig.model import baked, limits, loader, manifest, wire
from sig.model import closure as closures
from sig.model.attestation import Malformed
from sig.model.configuration import Configuration
from sig.model.identifier import Identifier, filed_by_manifest, filed_by_scope
from sig.model.verdict import Answer
from sig.repo import layout, objects
from sig.repo.index import Row
from sig.repo.python import contents
from sig.trust.policy import Policy
from sig.verbs import covering, keys
from sig.verbs import lock as locks
from sig.verbs.workspace import Workspace, read_row

if TYPE_CHECKING:
    from sig.gpg.certificate import Certificate
    from sig.model.closure import Closure
    from sig.model.fingerprint import Fingerprint
    from sig.model.loader import Loader
    from sig.trust.decide import Weighed
    from sig.verbs.covering import Root
    from sig.verbs.settings import Settings

_OWN = "own"


class Signers(Workspace):
    """A folder in which these signers count, and as many as the threshold are enough (B1)."""

    def __init__(
        self, workspace: Workspace, signers: Collection[Fingerprint], threshold: int
    ) -> None:
        super().__init__(workspace.home.path, now=workspace.now, site=workspace.site)
        self.notes = workspace.notes
        self.signers = frozenset(signers)
        self.threshold = threshold

    @property
    def config(self) -> Configuration:
        """The folder's, but for who counts."""
        return super().config._replace(trust=self.signers)

    @property
    def policy(self) -> Policy:
        """As many as the threshold, or what the machine asks for besides."""
        return self._tightened(Policy(ok=self.threshold))


class _Written(Signers):
    """The same by the words of one file alone (B4)."""

    def __init__(self, asked: Signers, statements: Iterable[bytes]) -> None:
        super().__init__(asked, asked.signers, asked.threshold)
        self._filed: dict[str, list[Row]] = {}
        for text in sorted(statements):
            said = wire.read_attestation(text)
            for id in (said.statement.id, *wire.also_filed(said.key, said.statement)):
                self._filed.setdefault(id, []).append(Row(id, text, _OWN, None))

    def rows(self, ids: Collection[str]) -> Mapping[str, list[Row]]:
        """Those of the file."""
        return {id: self._filed[id] for id in ids if id in self._filed}


def asked(workspace: Workspace, said: Settings) -> tuple[Signers, list[Certificate]]:
    """Who is to count for a loader, and their certificates.

    Raises UsageError, KeyNotFound, KeyAmbiguous; Refused for a key that is revoked.
    """
    found: dict[Fingerprint, Certificate] = {}
    for text in said.signers:
        certificate, _ = keys.find(workspace, text)
        if certificate.revoked is not None and certificate.revoked.hard:
            raise Refused(f"{certificate.fingerprint} is revoked: {certificate.revoked.why}")
        found[certificate.fingerprint] = certificate
    threshold = said.threshold or len(found)
    if not 1 <= threshold <= len(found):
        raise UsageError(f"a threshold of {threshold}, and signers are {len(found)}")
    return Signers(workspace, found, threshold), [found[key] for key in sorted(found)]


# --- what is written -----------------------------------------------------------------------------


class File(NamedTuple):
    """What lies beside a loader: its place, its bytes, what is in it, and whether it was new."""

    place: str
    raw: bytes
    found: baked.Baked
    is_new: bool = False


def place_of(path: str, app: str) -> str:
    """Where the file of a loader at this path lies."""
    return os.path.join(os.path.dirname(path), app + baked.SUFFIX)


def gathered(
    asked: Signers, lock: str, closure: Closure, made: Mapping[str, tuple[Loader, Identifier]]
) -> list[File]:
    """The files of these loaders of one program, by their places, with the identifiers of what they
    are (B2 to B4). Nothing is written. `lock` is where the closure was read.

    Raises Refused where the signers do not say that it is ok, or a list is missing.
    """
    first, _ = next(iter(made.values()))
    app = first.policy.app
    for one, _ in made.values():
        _check(asked, one, lock, closure)
    statements, lists = _gathered(asked, closure, [id for _, id in made.values()])
    news: dict[Fingerprint, bytes] = {}
    for one, _ in made.values():
        if isinstance(one.policy.by, loader.Signers):
            for key, known in one.policy.by.signers.items():
                certificate = asked.certificate(key)
                if certificate is not None and certificate.raw != known:
                    news[key] = certificate.raw
    raw = baked.write(app, news, statements, lists)
    found = baked.read(raw)
    for one, _ in made.values():
        _check(_Written(asked, statements), one, lock, closure)
    return [File(place, raw, found) for place in sorted({place_of(path, app) for path in made})]


def _check(asked: Signers, made: Loader, lock: str, closure: Closure) -> None:
    """That this loader would run the program, but for what it finds on the disk."""
    policy = made.policy
    known = covering.releases(asked, policy.app)
    if policy.release > known.highest:
        known = known._replace(all=(covering.Release(policy.release, None), *known.all))
    name = os.path.basename(lock)
    verdict = covering.closure_verdict(asked, closure, known, policy.python.version)
    roots = covering.roots(asked, closure)
    for what, one in [(name, verdict), *((root.name, root.verdict) for root in roots)]:
        if one.answer is Answer.BAD:
            raise Refused(f"{what} is {one.message}")
    for why in covering.bad_files(asked, roots).values():
        raise Refused(why)
    if verdict.answer is not Answer.OK:
        said = (line for line in verdict.statements if line.newest and line.ok and line.why)
        why = next((line.why for line in said if line.key in asked.signers), verdict.message)
        # Who said ok has to wait for the others.
        said_so = any(line.counted and line.key == asked.config.key for line in verdict.statements)
        hint = "sig fetch" if said_so else f"sig attest {os.path.relpath(lock)}"
        raise Refused(f"{name} is not verified: {why}", hint=hint)


def _gathered(
    asked: Signers, closure: Closure, loaders: Sequence[Identifier]
) -> tuple[set[bytes], list[bytes]]:
    """Envelopes, and the texts of lists (B2)."""
    about = _said(asked, [closure.id, *loaders])
    texts = {text for listed in about.values() for text in listed}
    roots = covering.roots(asked, closure)
    lists: dict[Identifier, bytes] = {}
    for root in roots:
        if root.files is None:
            raise Refused(f"the list of {root.name} is not in the folder", hint="sig fetch")
        lists[root.id] = root.files.text
    alike = _alike(asked, roots)
    archives = {id: _archives(asked, id) for id in (*lists, *alike)}
    files = _files(roots)
    wanted = {*lists, *alike, *files, *(one for each in archives.values() for one in each)}
    against = {
        id: listed
        for id, listed in _said(asked, sorted(wanted | _packs(about.values()))).items()
        if not all(wire.read_attestation(text).statement.ok for text in listed)
    }
    for id, listed in against.items():
        texts |= listed
        for named, each in archives.items():
            if id in each:  # what says that these files are in it, too
                filed = filed_by_manifest(named)
                texts |= _said(asked, [filed]).get(filed, set())
    lists |= {
        id: text for id, text in alike.items() if id in against or archives[id] & against.keys()
    }
    texts.update(_scoped(asked, {*lists, *files}))
    for text in texts:
        said = wire.read_attestation(text).statement
        if said.negative and said.scope and said.manifest is not None:
            lists.setdefault(said.manifest, _list(asked, said.manifest))
    return texts, list(lists.values())


def _said(asked: Signers, ids: Sequence[str]) -> dict[str, set[bytes]]:
    """What signers said that is filed under these, as envelopes (B3)."""
    found: dict[str, set[bytes]] = {}
    for id, rows in asked.rows(ids).items():
        mine = [row for row in rows if _key(row) in asked.signers]
        for row, one in zip(mine, asked.weigh(mine), strict=True):
            if _is_proved(one) and not (row.source == layout.KEPT and _is_ok(one)):
                found.setdefault(id, set()).add(row.text)
    return found


def _key(row: Row) -> str:
    one = read_row(row)
    return "" if isinstance(one, Malformed) else one.key


def _is_proved(one: Weighed) -> bool:
    return one.attestation is not None


def _is_ok(one: Weighed) -> bool:
    return one.attestation is not None and one.attestation.statement.ok


def _alike(asked: Signers, roots: Iterable[Root]) -> dict[Identifier, bytes]:
    """Lists of the same files as one of these roots, which are another."""
    wanted = [root.files for root in roots if root.files is not None]
    own = {root.id for root in roots}
    found = {}
    for files, ids in covering.alike(asked, wanted).items():
        for id in ids:
            raw = None if id in own else objects.read(asked.home, id)
            if raw is not None and covering.same_distribution(manifest.read_canonical(raw), files):
                found[id] = raw
    return found


def _archives(asked: Signers, id: Identifier) -> set[Identifier]:
    """Archives of which a signer says that they hold this list."""
    filed = filed_by_manifest(id)
    texts = _said(asked, [filed]).get(filed, set())
    return {wire.read_attestation(text).statement.id for text in texts}


def _files(roots: Iterable[Root]) -> set[Identifier]:
    listed = (root.files.files.values() for root in roots if root.files is not None)
    return {Identifier(f"sha256:{digest}") for each in listed for digest in each}


def _packs(about: Iterable[set[bytes]]) -> set[Identifier]:
    found = set()
    for text in (text for each in about for text in each):
        try:
            said = closures.terms(wire.read_attestation(text).statement.criteria)
        except FormatError:
            continue
        found |= {id for _, id in said.packs} if said is not None else set()
    return found


def _scoped(asked: Signers, ids: Collection[Identifier]) -> Iterator[bytes]:
    """Warnings about files of a list, where they mean one of these, and what ended them."""
    for filed, texts in _said(
        asked, [filed_by_scope(key) for key in sorted(asked.signers)]
    ).items():
        for text in texts:
            said = wire.read_attestation(text).statement
            raw = None if said.manifest is None else objects.read(asked.home, said.manifest)
            if raw is None or said.scope is None:
                continue  # it counts for the whole alone
            listed = manifest.read_canonical(raw).files
            meant = {Identifier(f"sha256:{listed[path]}") for path in said.scope if path in listed}
            if not meant.isdisjoint(ids):
                yield text
                key = filed.rpartition(" ")[2].encode()
                yield from (
                    other
                    for other in _said(asked, [said.id]).get(said.id, ())
                    if wire.claimed_key(other).encode() == key
                )


def _list(asked: Signers, id: Identifier) -> bytes:
    raw = objects.read(asked.home, id)
    if raw is None:
        raise Refused(f"the list {id} of a warning is not in the folder", hint="sig fetch")
    return raw


# --- writing it ----------------------------------------------------------------------------------


def check_place(place: str) -> None:
    """Whether a file may be written there (B5). Raises Refused, StoreError."""
    if not os.path.lexists(place):
        return
    if os.path.islink(place) or not os.path.isfile(place):
        raise Refused(f"{place} is there, and is not a regular file")
    raw = contents(place, 2 * limits.BAKED)
    if raw is not None and not baked.is_baked(raw):
        raise Refused(f"{place} is there, and is not what lies beside a loader")


def write(files: Iterable[File]) -> list[File]:
    """Writes those that are not there as they should be; which were is told."""
    made = []
    for one in files:
        check_place(one.place)
        is_new = contents(one.place, 2 * limits.BAKED) != one.raw
        if is_new:
            locks.write(one.place, one.raw, "file of a loader")
        made.append(one._replace(is_new=is_new))
    return made


def update(workspace: Workspace, path: str, made: Loader, id: Identifier) -> File:
    """Write what lies beside a loader anew, from the folder as it is now.

    Raises Refused for a loader that goes by a folder, or where its signers do not say that the
    program is ok; NotFound, FormatError, StoreError.
    """
    by = made.policy.by
    if not isinstance(by, loader.Signers):
        raise Refused(f"{path} goes by the folder {by.folder}: nothing lies beside it")
    place = os.path.realpath(path)
    folder = os.path.join(os.path.dirname(place), made.policy.program)
    lock = os.path.normpath(os.path.join(folder, made.policy.app + locks.SUFFIX))
    if not os.path.lexists(lock):
        raise NotFound(f"no {lock}", hint="sig lock")
    closure = locks.read(lock)
    asked = Signers(workspace, by.signers, by.threshold)
    files = asked.consistent(lambda: gathered(asked, lock, closure, {place: (made, id)}))
    (written,) = write(files)
    return written


def beside(path: str, made: Loader) -> tuple[str, baked.Baked | str]:
    """Where the file of a loader lies, and what is in it, or what is wrong with it."""
    place = place_of(os.path.realpath(path), made.policy.app)
    try:
        raw = contents(place, 2 * limits.BAKED)
        found = None if raw is None else baked.read(raw)
    except (FormatError, Refused, StoreError) as error:
        return place, error.message.removeprefix(f"{place} is ")
    if found is None:
        return place, "missing"
    if found.app != made.policy.app:
        return place, f"it is about the program {found.app}"
    return place, found
