"""A folder as one thing: who stands behind the whole of it, and where it differs.

T1  The id of a folder is that of its manifest. An ok counts if the folder is what its list says
    but for what its signer left out. What the asker leaves out must be left out by the signer too,
    or not be there: a verifier may exclude less than the signer, never more.
T2  A statement of who counts about an archive that names this manifest speaks of the folder too,
    and so does all else that its signer said about that archive. An archive that is marked bad
    marks it bad.
T3  One listed file that is marked bad, at whatever path, marks the whole bad.
T4  Where nobody who counts stands behind the whole, the closest list that somebody does stand
    behind says what is different: every path is named.

Reads and decides, and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import Changed, FormatError, Refused, StoreError, UsageError
from sig.model import limits, manifest, wire
from sig.model.identifier import Identifier, filed_by_manifest
from sig.model.manifest import DEFAULT_EXCLUDES, Difference, Manifest, beyond, check_globs
from sig.model.verdict import Answer, Reason, Verdict
from sig.repo import objects
from sig.repo.archive import is_archive, members
from sig.repo.tree import digests, tree
from sig.verbs.scopes import scoped
from sig.verbs.verify import Result, identify

if TYPE_CHECKING:
    from sig.repo.index import Row
    from sig.verbs.workspace import Workspace

Name = tuple[str, bytes, int]
"""What names a statement: `Attestation.same`."""

# Of the lists in the folder so many bytes are compared, to find the closest (T4).
COMPARED = 256 << 20


class Compared(NamedTuple):
    """What is believed of a folder or archive. `closest` is the list that `differences` are
    against, `told` what people should read besides.
    """

    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    closest: Identifier | None = None
    told: str = ""


class _Folder:
    """A folder on the disk, listed with more or fewer excludes; each way once."""

    def __init__(
        self,
        path: str,
        progress: Callable[[int, int], None] | None,
        besides: frozenset[str] = frozenset(),
    ) -> None:
        self._path = path
        self._progress = progress
        self._besides = besides
        self._known: dict[frozenset[str], dict[str, str]] = {}

    def files(self, exclude: Iterable[str]) -> Mapping[str, str]:
        """What lies there, without what these globs name: digests by path, perhaps none.

        Raises Refused, FormatError, Changed, StoreError.
        """
        globs = frozenset(exclude)
        if globs not in self._known:
            found = digests(self._path, sorted(globs), progress=self._progress)
            for path in self._besides:
                found.pop(path, None)
            self._known[globs] = found
        return self._known[globs]

    def without(self, theirs: Iterable[str]) -> Mapping[str, str]:
        """What lies there, without what the asker may leave out beside a signer (T1)."""
        return self.files(set(DEFAULT_EXCLUDES).difference(beyond(DEFAULT_EXCLUDES, list(theirs))))


class Listed(NamedTuple):
    """What a folder or archive holds. `id` is what a statement about it is about.

    `exclude` are the globs that were left out of a folder, `aliases` other digests of an archive.
    """

    id: Identifier
    manifest: Manifest
    exclude: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def list_of(
    what: str,
    exclude: Sequence[str] = (),
    *,
    deep: bool = False,
    archives: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Listed:
    """What a folder or an archive holds, or a plain file by its name.

    `exclude` are globs besides the usual ones. Raises UsageError for globs and `deep` where they
    mean nothing, Refused and FormatError for what may not be in a tree or an archive, Changed,
    StoreError.
    """
    if os.path.isdir(what):
        if deep:
            raise UsageError("--deep is for archives")
        globs = tuple(sorted({*DEFAULT_EXCLUDES, *exclude}))
        try:
            check_globs(globs)
        except FormatError as error:
            raise UsageError(f"--exclude: {error.message}") from error
        found = listed(what, globs, progress)
        return Listed(found.id, found, globs)
    if exclude:
        raise UsageError("--exclude is for folders")
    if archives and is_archive(what):
        inside = members(what, deep=deep, progress=None if progress is None else _one(progress))
        aliases = (f"sha512:{inside.sha512}",)
        return Listed(Identifier(f"sha256:{inside.sha256}"), inside.manifest, (), aliases)
    if deep:
        raise UsageError("--deep is for archives")
    if what.startswith("sha256:"):
        raise UsageError(f"{what}: write ./{what} for the file")
    id = identify(what)
    name = os.path.basename(what)
    return Listed(id, Manifest.of([(name, id.removeprefix("sha256:"))]))


def _one(progress: Callable[[int, int], None]) -> Callable[[int], None]:
    return lambda done: progress(done, 1)


def listed(
    path: str,
    exclude: Sequence[str] = DEFAULT_EXCLUDES,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """The manifest of a folder. Raises Refused, FormatError, Changed, StoreError."""
    return tree(path, exclude, progress=progress)


def verify_folder(
    workspace: Workspace, path: str, progress: Callable[[int, int], None] | None = None
) -> Compared:
    """What is believed of a folder as a whole. Raises what `listed` does, and StoreError."""
    folder = _Folder(path, progress)
    found = Manifest.of(folder.files(DEFAULT_EXCLUDES).items())

    def read() -> Compared:
        judged = _compared(workspace, found, folder)
        if judged.verdict.answer in (Answer.OK, Answer.BAD) or judged.closest is not None:
            return judged
        nearest = _nearest(workspace, found)
        if nearest is None:
            return judged
        other = _compared(workspace, nearest, folder)
        if other.verdict.answer is Answer.OK:
            # Who signed that list leaves out more than the asker does by default.
            return other
        if other.verdict.answer is Answer.BAD:
            # For a file in that list. What lies in the folder was looked at already.
            different = tuple(manifest.differences(nearest, found))
            return judged._replace(differences=different, closest=nearest.id)
        return judged._replace(differences=other.differences, closest=nearest.id)

    return workspace.consistent(read)


def verify_list(
    workspace: Workspace,
    wanted: Manifest,
    path: str,
    besides: frozenset[str] = frozenset(),
    progress: Callable[[int, int], None] | None = None,
) -> Compared:
    """What is believed of a list of files, and whether a folder is what it says.

    Files in `besides` are not looked at. Raises what `listed` does, and StoreError.
    """
    folder = _Folder(path, progress, besides)

    def read() -> Compared:
        judged = _compared(workspace, wanted, folder)
        if judged.verdict.answer is Answer.BAD:
            return judged
        if judged.verdict.answer is not Answer.OK and judged.closest is None:
            there = folder.files(DEFAULT_EXCLUDES)
            different = tuple(manifest.differences(wanted, there, DEFAULT_EXCLUDES))
            judged = judged._replace(
                differences=different, closest=wanted.id if different else None
            )
        there = folder.files(DEFAULT_EXCLUDES)
        # What the list has was looked at already.
        others = {
            path: digest for path, digest in there.items() if wanted.files.get(path) != digest
        }
        return _with_files(workspace, others, judged)

    return workspace.consistent(read)


def beside(sums: str, folder: str, wanted: Manifest) -> frozenset[str]:
    """The path of a list below the folder, if it lies there and does not list itself."""
    here = os.path.relpath(os.path.realpath(sums), os.path.realpath(folder))
    place = here.replace(os.sep, "/")
    if place.startswith("../") or place in wanted.files:
        return frozenset()
    return frozenset({place})


def _count(different: Sequence[Difference]) -> str:
    kinds = [one.kind for one in different]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("changed", "missing", "extra"))


# --- who says so ---------------------------------------------------------------------------------


class _Words:
    """All that was said about a list of files, and about archives that are said to hold it (T2).

    Only who counts can say what an archive holds. `rows` is what is filed under both identifiers,
    for who has it.
    """

    def __init__(
        self, workspace: Workspace, id: Identifier, rows: Mapping[str, list[Row]] | None = None
    ) -> None:
        trusted = workspace.config.trust
        if rows is None:
            rows = workspace.rows([id, filed_by_manifest(id)])
        said = rows.get(filed_by_manifest(id), ())
        held = [row for row in said if wire.claimed_key(row.text) in trusted]
        found = workspace.weigh([*rows.get(id, ()), *held])
        self.archives = {
            one.attestation.statement.id
            for one in found
            if one.attestation is not None
            and one.attestation.statement.manifest == id != one.attestation.statement.id
            and one.attestation.key in trusted
        }
        more = workspace.rows(self.archives) if self.archives else {}
        found += workspace.weigh(
            row
            for listed in more.values()
            for row in listed
            if wire.claimed_key(row.text) in trusted
        )
        self.id = id
        self.all = found
        self.oks = [
            one.attestation
            for one in found
            if one.attestation is not None
            and one.attestation.key in trusted
            and one.attestation.statement.ok
        ]
        # Somebody looked at a file that happens to be this list, not at the files in it.
        self.unfit = {
            one.same: "it is about a file, not about the files that are listed in it"
            for one in self.oks
            if one.statement.id == id and one.statement.manifest != id
        }

    def verdict(
        self, workspace: Workspace, more: Mapping[Name, str] | None = None, purpose: str = ""
    ) -> Verdict:
        """What comes of it, but for oks that do not fit; `purpose` as for `decide`."""
        from sig.trust.decide import decide

        unfit = {**self.unfit, **(more or {})}
        trust, policy, now = workspace.config.trust, workspace.policy, workspace.now()
        return decide(self.id, self.all, trust, policy, now, unfit, purpose)


def list_verdict(workspace: Workspace, id: Identifier, purpose: str = "") -> Verdict:
    """What is believed of a list of files, whatever any folder is like (T2); `purpose` as for
    `sig.trust.decide`.
    """
    return _list_alone(workspace, _Words(workspace, id), purpose).verdict


def list_verdicts(workspace: Workspace, ids: Collection[Identifier]) -> dict[Identifier, Verdict]:
    """As `list_verdict`, of many: the index is opened once for all of them."""
    rows = workspace.rows([*ids, *map(filed_by_manifest, ids)])
    return {id: _list_alone(workspace, _Words(workspace, id, rows)).verdict for id in ids}


def _list_alone(workspace: Workspace, words: _Words, purpose: str = "") -> Compared:
    """The verdict about a list, whatever any folder is like (T2)."""
    verdict = words.verdict(workspace, None, purpose)
    if verdict.answer is not Answer.BAD and words.archives:
        ids = [Identifier(id) for id in sorted(words.archives)]
        for id, other in workspace.verdicts(ids).items():
            if other.answer is Answer.BAD:
                told = f"an archive of these files, {id}, is {other.message}"
                return Compared(other._replace(id=words.id, message=told), told=told)
    return Compared(verdict)


def _compared(workspace: Workspace, wanted: Manifest, folder: _Folder) -> Compared:
    """The verdict about a list where the folder should be what it says (T1)."""
    words = _Words(workspace, wanted.id)
    judged = _with_files(workspace, wanted.files, _list_alone(workspace, words))
    if judged.verdict.answer is not Answer.OK:
        return judged
    unfit: dict[Name, str] = {}
    best: tuple[Difference, ...] | None = None
    for one in words.oks:
        theirs = _globs(one.statement.exclude)
        try:
            different = tuple(manifest.differences(wanted, folder.without(theirs), theirs))
        except (Refused, FormatError) as error:
            # Where the signer left out less, there is something that no list can hold.
            unfit[one.same] = error.message
            continue
        if different:
            unfit[one.same] = _count(different)
            if best is None or len(different) < len(best):
                best = different
    if not unfit:
        return judged
    verdict = words.verdict(workspace, unfit)
    if verdict.answer in (Answer.OK, Answer.BAD):
        return Compared(verdict)
    why = _count(best) if best is not None else next(iter(unfit.values()))
    verdict = verdict._replace(answer=Answer.UNVERIFIED, reason=Reason.DIFFERS, message=why)
    return Compared(verdict, best or (), wanted.id, "" if best else why)


def _globs(exclude: Sequence[str]) -> Sequence[str]:
    """What a statement leaves out; nothing where it cannot be understood."""
    try:
        check_globs(exclude)
    except FormatError:
        return ()
    return exclude


def _with_files(workspace: Workspace, files: Mapping[str, str], judged: Compared) -> Compared:
    """The same, or bad where one of the files is marked bad (T3)."""
    if judged.verdict.answer is Answer.BAD:
        return judged
    places: dict[Identifier, str] = {}
    for path, digest in files.items():
        places.setdefault(Identifier(f"sha256:{digest}"), path)
    said = [Identifier(id) for id, rows in workspace.rows(list(places)).items() if rows]
    said += scoped(workspace, list(places))
    for id, one in workspace.verdicts(said).items():
        if one.answer is Answer.BAD:
            told = f"{places[id]} is {one.message}"
            return Compared(one._replace(id=judged.verdict.id, message=told), told=told)
    return judged


# --- where it differs ----------------------------------------------------------------------------


def _nearest(workspace: Workspace, found: Manifest) -> Manifest | None:
    """The list that somebody stands behind who counts, and that shares most with this one (T4)."""
    here = set(found.text.splitlines())
    best: tuple[int, bytes] | None = None
    for id, raw in _lists(workspace):
        there = raw.splitlines()
        shared = len(here.intersection(there))
        if 2 * shared < min(len(here), len(there)) or (best is not None and shared <= best[0]):
            continue
        if id == found.id:
            continue
        if _list_alone(workspace, _Words(workspace, id)).verdict.answer is Answer.OK:
            best = (shared, raw)
    return None if best is None else manifest.read_canonical(best[1])


def _lists(workspace: Workspace) -> Iterator[tuple[Identifier, bytes]]:
    """The manifests in the folder. One that is damaged is no explanation."""
    left = COMPARED
    for id, raw in objects.lists(workspace.home):
        left -= len(raw)
        if left < 0:
            workspace.note("not all lists of files were compared; there are too many")
            return
        yield id, raw


# --- archives ------------------------------------------------------------------------------------


def _archive(workspace: Workspace, path: str, verdict: Verdict) -> Compared:
    """The verdict about an archive, or bad where one of its members is (T3); else T4.

    An archive is ok by its own bytes alone: what is beside its members may run too.
    """
    inside = members(path)
    if f"sha256:{inside.sha256}" != verdict.id:
        raise Changed(f"{path} changed while it was read")

    def read() -> Compared:
        if verdict.answer is Answer.OK:
            return _with_files(workspace, inside.manifest.files, Compared(verdict))
        same = _list_alone(workspace, _Words(workspace, inside.manifest.id))
        if same.verdict.answer is Answer.OK:
            told = "its files are those of a list that counts; its own bytes are not attested"
            return Compared(verdict, (), inside.manifest.id, told)
        nearest = _nearest(workspace, inside.manifest)
        if nearest is None:
            return Compared(verdict)
        different = tuple(manifest.differences(nearest, inside.manifest))
        return Compared(verdict, different, nearest.id)

    return workspace.consistent(read)


# --- as answers ----------------------------------------------------------------------------------


def judged_folder(
    workspace: Workspace, path: str, progress: Callable[[str, int], None] | None = None
) -> Result:
    """The answer about a folder; what cannot be listed is an answer too."""
    tell = None if progress is None else _bytes_of(path, progress)
    return _answer(path, True, lambda: verify_folder(workspace, path, tell))


def judged_archive(workspace: Workspace, path: str, verdict: Verdict) -> Result:
    """The answer about an archive, whose bytes have this verdict.

    The members of one that is ok are looked at, whoever said what about it. Of another they only
    explain, and cannot make it better or worse.
    """
    if verdict.answer is not Answer.OK and not objects.has_lists(workspace.home):
        return Result(path, verdict)
    try:
        try:
            if is_archive(path):
                return _result(path, False, _archive(workspace, path, verdict))
        except FormatError as error:
            # It may be what somebody who counts signed all the same.
            workspace.note(f"the files in {path} cannot be listed: {error.message}")
        if identify(path) != verdict.id:
            # What was put in its place must not keep its members from being looked at.
            raise Changed(f"{path} changed while it was read")
        return Result(path, verdict)
    except (Refused, Changed, StoreError) as error:
        return Result(path, Verdict(verdict.id, Answer.ERROR, Reason.UNREADABLE, error.message))
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        return Result(path, Verdict(verdict.id, Answer.ERROR, Reason.UNREADABLE, told))


def judged_list(
    workspace: Workspace,
    sums: str,
    path: str | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Result:
    """The answer about a list of files and the folder that it is of.

    `sums` is what ``sha256sum`` printed, `path` the folder, by default the one that the list lies
    in. The list itself need not be in the list.
    """
    try:
        with open(sums, "rb") as stream:
            wanted = manifest.read(stream.read(limits.MANIFEST + 1))
    except FormatError as error:
        told = f"not a list of files: {error.message}"
        return Result(sums, Verdict(None, Answer.ERROR, Reason.UNREADABLE, told))
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        return Result(sums, Verdict(None, Answer.ERROR, Reason.UNREADABLE, told))
    place = path if path is not None else os.path.dirname(sums) or "."
    besides = beside(sums, place, wanted)
    tell = None if progress is None else _bytes_of(place, progress)
    return _answer(place, True, lambda: verify_list(workspace, wanted, place, besides, tell))


def _bytes_of(path: str, progress: Callable[[str, int], None]) -> Callable[[int, int], None]:
    return lambda done, files: progress(path, done)


def _answer(asked: str, is_folder: bool, judge: Callable[[], Compared]) -> Result:
    try:
        found = judge()
    except (FormatError, Refused, Changed) as error:
        verdict = Verdict(None, Answer.ERROR, Reason.UNREADABLE, error.message)
    except StoreError as error:
        verdict = Verdict(None, Answer.ERROR, Reason.STORE, error.message)
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        verdict = Verdict(None, Answer.ERROR, Reason.UNREADABLE, told)
    else:
        return _result(asked, is_folder, found)
    return Result(asked, verdict, is_folder)


def _result(asked: str, is_folder: bool, found: Compared) -> Result:
    return Result(asked, found.verdict, is_folder, found.differences, found.closest, found.told)
