"""What the import system meets below a host's roots: an entry of the path, and the last word.

Here: names. Not here: what is covered (`covered`), and what a refusal is (`hosting`, whose rules
are cited).
"""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterable, Iterator
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from typing import TYPE_CHECKING, Any

from sig.imports.finder import Entry as CoveredEntry
from sig.model.verdict import Answer

if TYPE_CHECKING:
    from sig.imports.hosting import Hook
    from sig.imports.state import State
    from sig.verbs.plugins import Plugin

# Bytecode too: plain Python would run it, so there is something to be refused.
_SUFFIXES = (*EXTENSION_SUFFIXES, ".py", ".pyc")


class Entry:
    """The finder of one folder or archive at or below a root, for sys.path_importer_cache."""

    def __init__(self, hook: Hook, path: str) -> None:
        self.hook = hook
        self.path = path
        self._disk: FileFinder | None = None
        self._found: tuple[State | None, CoveredEntry | None] = None, None

    def __repr__(self) -> str:
        return f"<Entry of {self.path}>"

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        """A covered module. Raises SigImportError for what is refused at once (I3)."""
        if self.hook.away:
            return None
        state = self.hook.state
        name = fullname.rpartition(".")[2]
        entry = self._covered(state)
        spec = None if entry is None else entry.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            return spec
        if state.stopped:
            plugin = self._stopped(state, name)
            if plugin is not None and (
                self.hook.policy != "warn" or plugin.verdict.answer is Answer.BAD
            ):
                raise self.hook.refusal(plugin.path, fullname)
        if self.hook.policy == "warn":
            return self._plain(fullname) or spec
        return spec

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """What `pkgutil.iter_modules` lists: what is covered, and what may yet be let in."""
        entry = self._covered(self.hook.state)
        found = dict(() if entry is None else entry.iter_modules(prefix))
        if self.hook.policy != "enforce" and os.path.isdir(self.path):
            import pkgutil

            known: Any = pkgutil  # typeshed lacks the next
            for name, is_package in known.iter_importer_modules(self._finder(), prefix):
                found.setdefault(name, is_package)
        yield from sorted(found.items())

    def invalidate_caches(self) -> None:
        """As of any finder."""
        if self._disk is not None:
            self._disk.invalidate_caches()

    def candidate(self, name: str) -> str | None:
        """What lies here under the name of a module, whoever stands behind it."""
        if not name or "/" in name or "\0" in name:
            return None
        if not os.path.isdir(self.path):
            return self._member(name)
        place = os.path.join(self.path, name)
        if os.path.isdir(place):
            return place
        return next((place + one for one in _SUFFIXES if os.path.isfile(place + one)), None)

    def _member(self, name: str) -> str | None:
        archive = self.path
        while not os.path.lexists(archive):
            archive = os.path.dirname(archive)
        inner = f"{self.path[len(archive) + 1 :]}/{name}".lstrip("/")
        try:
            with zipfile.ZipFile(archive) as members:
                names = members.namelist()
        except Exception:  # whatever it is: there is nothing in it
            return None
        wanted = (f"{inner}.py", f"{inner}.pyc")
        if any(one in wanted or one.startswith(inner + "/") for one in names):
            return f"{archive}/{inner}"
        return None

    def _covered(self, state: State) -> CoveredEntry | None:
        if self._found[0] is not state:
            found = state.covered.folder(self.path)
            if found is None and self.hook.unpacked(self.path):
                state = self.hook.state
                found = state.covered.folder(self.path)
            self._found = state, None if found is None else CoveredEntry(state.finder, *found)
        return self._found[1]

    def _stopped(self, state: State, name: str) -> Plugin | None:
        """The plug-in that this name would come from, if it is refused at once."""
        plugin = state.plugin(self.path)
        if plugin is None:
            plugin = state.top_stopped.get((self.path, name))
        elif plugin.path not in state.stopped:
            return None
        return plugin if plugin is not None and self.candidate(name) is not None else None

    def _finder(self) -> FileFinder:
        """Plain machinery without bytecode (I6); what it opens goes through `gates`."""
        if self._disk is None:
            self._disk = FileFinder(
                self.path,
                (ExtensionFileLoader, EXTENSION_SUFFIXES),
                (SourceFileLoader, [".py"]),
            )
        return self._disk

    def _plain(self, fullname: str) -> ModuleSpec | None:
        if os.path.isdir(self.path):
            return self._finder().find_spec(fullname)
        if self.candidate(fullname.rpartition(".")[2]) is None or not self.hook.let_in(self.path):
            return None
        entry = self._covered(self.hook.state)
        return None if entry is None else entry.find_spec(fullname)


class Last:
    """The last of sys.meta_path: where nobody else has a name, says why it was refused (I3)."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """A module that somebody let in. Raises SigImportError."""
        if self.hook.away or self.hook.policy == "warn":
            return None
        name = fullname.rpartition(".")[2]
        for one in sys.path if path is None else path:
            entry = _entry(one)
            if entry is None or entry.hook is not self.hook:
                continue
            found = entry.candidate(name)
            if found is None:
                continue
            spec = self._later(fullname, path, target)
            if spec is not None:
                return spec
            if self.hook.asked(found):
                return entry.find_spec(fullname)
            raise self.hook.refusal(found, fullname)
        return None

    def _later(
        self, fullname: str, path: Iterable[str] | None, target: object
    ) -> ModuleSpec | None:
        """What a finder has that came after us (I1)."""
        after = False
        finders: list[Any] = list(sys.meta_path)
        for finder in finders:
            if after and hasattr(finder, "find_spec"):
                spec: ModuleSpec | None = finder.find_spec(fullname, path, target)
                if spec is not None:
                    return spec
            after = after or finder is self
        return None


def _entry(path: object) -> Entry | None:
    """Ours for an entry of a path; PathFinder has just asked for it."""
    if path == "":
        try:
            path = os.getcwd()
        except OSError:  # there is no current folder any more
            return None
    if not isinstance(path, str):
        return None
    found: object = sys.path_importer_cache.get(path)
    return found if isinstance(found, Entry) else None
