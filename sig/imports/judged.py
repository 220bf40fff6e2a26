"""A plug-in that may be loaded: whose word lets it in, and the bytes that this word is about.

Here: what `sig.plugins` asks before it loads anything, and what it then loads. Not here: what is
believed of a plug-in (`sig.verbs.plugins`), and how it is loaded (`loading`, whose rules are
cited).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sig.errors import FormatError, SigError
from sig.imports.asking import ALWAYS, ONCE, Ask, question
from sig.imports.errors import Differs, MarkedBad, NotCovered, SigImportError, Unreadable
from sig.imports.opening import shown
from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Reason
from sig.repo.archive import held
from sig.verbs import plugins as judging
from sig.verbs.plugin import contents
from sig.verbs.plugins import ARCHIVE, FILE, FOLDER, Plugin
from sig.verbs.trees import list_verdict
from sig.verbs.workspace import Workspace, folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sig.model.configuration import Configuration

    Place = str | os.PathLike[str]


class _Trusting(Workspace):
    """A folder of attestations in which other keys count."""

    def __init__(
        self, path: Path, trust: Callable[[Configuration], frozenset[Fingerprint]]
    ) -> None:
        self._others = trust
        super().__init__(path)

    @property
    def config(self) -> Configuration:
        found = super().config
        return found._replace(trust=self._others(found))


class Judge:
    """Whose word counts in one call, and who is asked (L3, L4)."""

    def __init__(self, trust: Iterable[str] | None, ask: Ask | None, folder: Place | None) -> None:
        place = folder_of(folder)
        self.ask = ask
        self.store = self.all = self.counting = Workspace(place)
        if trust is not None:
            keys = frozenset(Fingerprint(key) for key in trust)
            self.all = _Trusting(place, lambda found: found.trust | keys)
            self.counting = _Trusting(
                place, lambda found: keys | (found.trust & frozenset(filter(None, [found.key])))
            )

    def plugin(self, path: str) -> Plugin:
        """What is believed of it; ok only with its files."""
        found = judging.judge(self.all, path)
        if self.counting is self.all or found.verdict.answer in (Answer.BAD, Answer.ERROR):
            return found
        found = judging.judge(self.counting, path)
        return found if found.files is None else self._warned(found, found.files)

    def _warned(self, found: Plugin, files: Manifest) -> Plugin:
        """The same, or bad by a word of the trust store about just this (L3)."""
        digests = {*files.files.values()}
        if found.verdict.id is not None:
            digests.add(found.verdict.id.removeprefix("sha256:"))
        listed = self.all.consistent(lambda: list_verdict(self.all, files.id))
        bad = judging.marked_bad(self.all, digests)
        if listed.answer is not Answer.BAD and not bad:
            return found
        told = listed.message if listed.answer is Answer.BAD else next(iter(bad.values()))
        verdict = found.verdict._replace(answer=Answer.BAD, reason=Reason.MARKED_BAD, message=told)
        return found._replace(verdict=verdict, files=None)

    def whole(self, base: str) -> Plugin | None:
        """The folder as one, where someone who counts stands behind all of it or warns of it."""
        try:
            named = judging.judge_all(self.counting, base)
        except SigError as error:
            raise Unreadable(shown(error.message), path=base, hint=error.hint) from error
        if len(named) == 1 and named[0].path == base:
            return self.plugin(base)
        return None

    def asked(self, plugin: Plugin) -> Plugin | None:
        """The plug-in with its files, if somebody lets it in (L4)."""
        if self.ask is None or plugin.verdict.answer not in (Answer.UNVERIFIED, Answer.UNKNOWN):
            return None
        looked_at = judging.seen(plugin.path)
        answer = self.ask(plugin, question(plugin, looked_at.manifest))
        if answer == ONCE:
            return plugin._replace(
                verdict=plugin.verdict._replace(id=looked_at.id), files=looked_at.manifest
            )
        if answer != ALWAYS:
            return None
        try:
            judging.attest(self.store, plugin, looked_at)
        except SigError as error:
            told = f"{plugin.path} is not covered: {error.message}"
            raise NotCovered(
                shown(told),
                path=plugin.path,
                verdict=plugin.verdict,
                reason=plugin.verdict.reason.value,
                hint=error.hint,
            ) from error
        for workspace in (self.store, self.all, self.counting):
            workspace.forget()
        again = self.plugin(plugin.path)
        return None if again.files is None else again


class Judged:
    """A plug-in that may be loaded. Raises SigImportError for any other."""

    def __init__(self, path: str, judge: Judge, whole: Plugin | None = None) -> None:
        self.path = path
        self.kind = judging.kind_of(path)
        self.members: Mapping[str, bytes] | None = None
        if not self.kind:
            raise Unreadable(f"{shown(path)} is no module, package or archive", path=path)
        try:
            self._data = b"" if self.kind == FOLDER else contents(path)  # L1
            if whole is not None:
                self.plugin = self._part(whole)
            else:
                found = judge.plugin(path)
                if found.files is None:
                    found = judge.asked(found) or found
                self.plugin = found
            if self.plugin.files is None:
                raise _refusal(self.plugin)
            self.files = self._files(self.plugin.files)
        except (SigError, OSError) as error:
            told = error.message if isinstance(error, SigError) else str(error)
            hint = getattr(error, "hint", None)
            raise Unreadable(shown(f"{path}: {told}"), path=path, hint=hint) from error

    def _part(self, whole: Plugin) -> Plugin:
        """What a folder that counts as a whole has of this."""
        name = os.path.basename(self.path)
        files = None
        verdict = whole.verdict
        if whole.files is not None and self.kind == FOLDER:
            part = {
                path.removeprefix(name + "/"): digest
                for path, digest in whole.files.files.items()
                if path.startswith(name + "/")
            }
            files = Manifest(part) if part else None
        elif whole.files is not None:
            id = Identifier.of_bytes(self._data)
            if whole.files.files.get(name) == id.removeprefix("sha256:"):
                verdict = verdict._replace(id=id)
                files = (
                    held(self._data).listed.manifest
                    if self.kind == ARCHIVE
                    else Manifest({name: id.removeprefix("sha256:")})
                )
        if files is None and verdict.answer is Answer.OK:
            verdict = verdict._replace(
                answer=Answer.UNVERIFIED, reason=Reason.DIFFERS, message="it is not as listed"
            )
        return Plugin(name.partition(".")[0], self.path, self.kind, verdict, files)

    def _files(self, files: Manifest) -> Manifest:
        """What is covered, once it is sure that just this was read (L1)."""
        if self.kind == FOLDER:
            return files
        if Identifier.of_bytes(self._data) != self.plugin.verdict.id:
            raise Differs(
                f"{shown(self.path)} changed while it was looked at",
                path=self.path,
                verdict=self.plugin.verdict,
                reason=Reason.DIFFERS.value,
            )
        if self.kind == FILE:
            self.members = {os.path.basename(self.path): self._data}
            return files
        inside = held(self._data)
        if inside.listed.manifest != files:
            raise FormatError("its members are not those that were listed")
        self.members = inside.files
        return files


def _refusal(plugin: Plugin) -> SigImportError:
    """Why it is not loaded."""
    verdict = plugin.verdict
    told = f"{plugin.path} is not covered: {verdict.message}"
    kind: type[SigImportError] = NotCovered
    hint = verdict.hint or f"sig plugin verify {plugin.path}"
    if verdict.answer is Answer.BAD:
        kind, told = MarkedBad, f"{plugin.path} is marked bad: {plugin.told or verdict.message}"
    elif verdict.answer is Answer.ERROR:
        kind, told = Unreadable, f"{plugin.path} cannot be looked at: {verdict.message}"
    elif verdict.reason is Reason.DIFFERS:
        kind, told = Differs, f"{plugin.path} {verdict.message}"
    return kind(
        shown(told),
        path=plugin.path,
        digest=(verdict.id or "").removeprefix("sha256:"),
        verdict=verdict,
        reason=verdict.reason.value,
        hint=shown(hint),
    )
