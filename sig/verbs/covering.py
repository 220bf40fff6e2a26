"""Who answers for a program: the closure that lists all it may load, and each root in it.

K1  A closure counts for one program: an ok about it says ``app:NAME`` of the one that is run, a
    release not lower than the highest known for that name, and a Python that this one is. Releases
    are known from statements that count by all else.
K2  Who signed the list answers for all roots in it, and for nothing elsewhere. Without that nothing
    is run: each root alone may be ok and still be another program, or an older one.
K3  A root has its own verdict besides, that of its list of files. Marked bad, it is not run,
    whoever signed the closure; so are one listed file, an archive that is said to hold these files,
    and a list that differs from the root's only in what installers write.

Reads and decides, and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sig.errors import FormatError
from sig.model import closure as closures
from sig.model import manifest
from sig.model.closure import Closure
from sig.model.identifier import Identifier, filed_by_app
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Judged, Verdict
from sig.model.wheel import HEADERS, PACKAGES, PROGRAMS, WRITTEN, metadata
from sig.repo import objects
from sig.trust.decide import Weighed, decide
from sig.verbs.scopes import scoped
from sig.verbs.trees import list_verdict, list_verdicts

if TYPE_CHECKING:
    from sig.model.attestation import Attestation
    from sig.verbs.workspace import Workspace

Name = tuple[str, bytes, int]
"""What names a statement: `Attestation.same`."""

# What an installer writes or changes beside the files of a wheel (docs/spec/closure §3).
_INSTALLERS = re.compile(
    rf"[^/]+\.dist-info/(?:{'|'.join(map(re.escape, sorted(WRITTEN)))})"
    rf"|[^/]+\.data/(?:scripts|headers|data/(?:{'|'.join(PROGRAMS)})|data/{HEADERS})/.*"
    r"|(?:.*/)?__pycache__/.*|.*\.pyc"
)
# Where a wheel may have what then lies in the folder of packages.
_PACKAGES = re.compile(rf"^[^/]+\.data/(?:purelib|platlib|data/{PACKAGES})/")


class Root(NamedTuple):
    """One root of a closure and what is believed of it by itself (K3).

    `files` is None where its list is not in the folder.
    """

    name: str
    id: Identifier
    files: Manifest | None
    verdict: Verdict


def closure_verdict(
    workspace: Workspace,
    closure: Closure,
    known: Releases,
    python: str,
    pack: tuple[str, Identifier] | None = None,
) -> Verdict:
    """What is believed of a closure, for running the program of which these releases are known with
    a Python of this version (K1, K2).

    With `pack`, only the oks count that name it, by tag and id: what they vouch for together.
    """
    weighed = workspace.weigh(workspace.rows([closure.id]).get(closure.id, ()))
    unfit: dict[Name, str] = {}
    for one in _oks(weighed):
        why = _unfit(one, known, python, pack)
        if why:
            unfit[one.same] = why
    return _decided(workspace, closure.id, weighed, known.app, unfit)


class Release(NamedTuple):
    """A release of a program in a statement that counts: its number, its closure, and who says so.

    0 and no closure where none is known.
    """

    number: int
    closure: Identifier | None
    judged: tuple[Judged, ...] = ()


class Releases(NamedTuple):
    """The releases of a program in statements that count, the highest first (K1)."""

    app: str
    all: tuple[Release, ...]

    @property
    def highest(self) -> int:
        """Its number, 0 where none is known."""
        return self.all[0].number if self.all else 0


def releases(workspace: Workspace, app: str) -> Releases:
    """What is known of the releases of a program."""
    trusted = sorted(workspace.config.trust)
    filed = workspace.rows([filed_by_app(app, key) for key in trusted])
    ids: set[Identifier] = set()
    for one in workspace.weigh(row for listed in filed.values() for row in listed):
        if one.attestation is not None and one.attestation.key in workspace.config.trust:
            ids.add(one.attestation.statement.id)
    found = []
    for name, rows in sorted(workspace.rows(sorted(ids)).items()):
        id, weighed = Identifier(name), workspace.weigh(rows)
        verdict = _decided(workspace, id, weighed, app, {})
        same: dict[tuple[str, int], dict[Name, Attestation]] = {}
        for ok in _oks(weighed):
            same.setdefault((ok.key, ok.signed_at), {})[ok.same] = ok
        for line in (line for line in verdict.statements if line.counted and line.ok):
            oks = same.pop((line.key, line.signed_at or 0), {})
            for ok in oks.values():
                said = _terms(ok)
                if said is None or said.app != app:
                    continue
                # What else this key said in that second must not stand for it.
                twins = {other: "it is another one" for other in oks if other != ok.same}
                alone = _decided(workspace, id, weighed, app, twins) if twins else verdict
                if _counts(alone, line):
                    found.append(Release(said.release, id, (line,)))
    found.sort(key=lambda one: one.number, reverse=True)
    return Releases(app, tuple(found))


def _counts(verdict: Verdict, line: Judged) -> bool:
    about = [one for one in verdict.statements if one.counted and one.ok]
    return (line.key, line.signed_at) in {(one.key, one.signed_at) for one in about}


def vouched(workspace: Workspace, known: Releases) -> dict[Identifier, tuple[Judged, ...]]:
    """The roots in the closures of these releases, whatever their number, and who says so.

    Nobody needs to look at those again. What is run is one closure all the same (K2).
    """
    found: dict[Identifier, tuple[Judged, ...]] = {}
    for one in known.all:
        for id in (roots_of(workspace, one.closure) or {}).values():
            found.setdefault(id, one.judged)
    return found


def roots_of(workspace: Workspace, id: Identifier | None) -> Mapping[str, Identifier] | None:
    """The roots of a closure by its id; None if it is not here.

    Or is none: whoever counts may say ``app:`` of anything.
    """
    raw = None if id is None else objects.read(workspace.home, id)
    try:
        return None if raw is None else closures.read(raw).roots
    except FormatError:
        return None


def _decided(
    workspace: Workspace,
    id: Identifier,
    weighed: Iterable[Weighed],
    app: str,
    unfit: Mapping[Name, str],
) -> Verdict:
    trusted, policy, now = workspace.config.trust, workspace.policy, workspace.now()
    return decide(id, weighed, trusted, policy, now, unfit, f"app:{app}")


def _oks(weighed: Iterable[Weighed]) -> Iterator[Attestation]:
    for one in weighed:
        if one.attestation is not None and one.attestation.statement.ok:
            yield one.attestation


def _terms(one: Attestation) -> closures.Terms | None:
    try:
        return closures.terms(one.statement.criteria)
    except FormatError:
        return None


def _unfit(
    one: Attestation, known: Releases, python: str, pack: tuple[str, Identifier] | None
) -> str:
    """Why an ok about the list does not count for this run, or nothing (K1)."""
    try:
        said = closures.terms(one.statement.criteria)
    except FormatError as error:
        return error.message
    if said is None:
        return "it does not say which program the list is of"
    if said.app != known.app:
        return f"it is about the program {said.app}"
    if said.release < known.highest:
        return f"it is release {said.release}, and release {known.highest} is known"
    if not closures.allows(said.python, python):
        return f"it is for Python {said.python}, and this is {python}"
    if pack is not None and pack not in said.packs:
        return f"it does not name the pack {pack[1]}"
    return ""


# --- roots ---------------------------------------------------------------------------------------


def roots(workspace: Workspace, closure: Closure) -> list[Root]:
    """Every root of a closure and what is believed of it (K3)."""
    verdicts = list_verdicts(workspace, set(closure.roots.values()))
    found = []
    for name, id in closure.roots.items():
        raw = objects.read(workspace.home, id)
        files = None if raw is None else manifest.read_canonical(raw)
        found.append(Root(name, id, files, verdicts[id]))
    return _with_equals(workspace, found)


def bad_files(workspace: Workspace, listed: Iterable[Root]) -> dict[str, str]:
    """Digests of listed files that are marked bad, and in which words (K3)."""
    places: dict[Identifier, str] = {}
    for root in listed:
        if root.files is not None:
            for path, digest in root.files.files.items():
                places.setdefault(Identifier(f"sha256:{digest}"), path)
    said = {Identifier(id) for id, rows in workspace.rows(list(places)).items() if rows}
    said |= set(scoped(workspace, list(places)))
    return {
        id.removeprefix("sha256:"): f"{places[id]} is {one.message}"
        for id, one in workspace.verdicts(sorted(said)).items()
        if one.answer is Answer.BAD
    }


def same_distribution(one: Manifest, other: Manifest) -> bool:
    """Whether two lists differ in nothing but what installers write."""
    return significant(one) == significant(other)


def significant(listed: Manifest) -> frozenset[tuple[str, str]]:
    """What a list has besides what installers write: the files that a program may load."""
    return frozenset(
        (_PACKAGES.sub("", path), digest)
        for path, digest in listed.files.items()
        if _INSTALLERS.fullmatch(path) is None
    )


def alike(workspace: Workspace, wanted: Iterable[Manifest]) -> dict[Manifest, list[Identifier]]:
    """The lists in the folder that may be of the same distributions as these.

    By the digests of METADATA in a list: all of them, so that a list of a whole environment is not
    compared with each distribution in it. Nothing else is compared yet.
    """
    asked = {one: metadata(one.text) for one in wanted}
    found: dict[bytes, list[Identifier]] = {digests: [] for digests in asked.values() if digests}
    if found:
        for id, raw in objects.lists(workspace.home):
            found.get(metadata(raw), []).append(id)
    return {one: found.get(digests, []) for one, digests in asked.items()}


def _with_equals(workspace: Workspace, listed: list[Root]) -> list[Root]:
    """The same, a root marked bad where another list of the same files is (K3)."""
    lists = [root.files for root in listed if root.files is not None]
    candidates = alike(workspace, lists)
    found = []
    for root in listed:
        one = root
        for id in () if root.files is None else candidates[root.files]:
            if id == root.id or one.verdict.answer is Answer.BAD:
                continue
            raw = objects.read(workspace.home, id)
            if raw is None or root.files is None:
                continue
            if not same_distribution(manifest.read_canonical(raw), root.files):
                continue
            other = list_verdict(workspace, id)
            if other.answer is Answer.BAD or one.verdict.answer is not Answer.OK:
                if other.answer in (Answer.BAD, Answer.OK):
                    one = one._replace(verdict=other._replace(id=root.id))
        found.append(one)
    return found
