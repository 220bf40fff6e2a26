"""What was decided about a host's plug-ins at one time, as tables for finders.

Here: which plug-in a path belongs to, what of it is covered, and what is refused at once. Not here:
when that is decided, and what is done about it (`hosting`, whose rules are cited).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from sig.errors import FormatError
from sig.imports import refusals
from sig.imports.archives import Archive
from sig.imports.covered import Covered
from sig.imports.errors import SigImportError
from sig.imports.hosted import HostFinder, HostOpening
from sig.imports.plan import Root
from sig.imports.roots import at_or_below
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Reason
from sig.verbs import plugins as judging
from sig.verbs.plugins import Plugin

if TYPE_CHECKING:
    from sig.imports.hosting import Hook


class State:
    """What was decided at one time; it does not change, but for what was `loaded`."""

    def __init__(
        self,
        hook: Hook,
        plugins: Iterable[Plugin],
        archives: dict[str, Archive],
        loaded: set[str],
        inner: Mapping[str, Plugin] = MappingProxyType({}),
    ) -> None:
        self.hook = hook
        self.plugins: dict[str, Plugin] = {}
        self.loaded = loaded
        self.archives: dict[str, Archive] = {}
        roots: list[Root] = []
        given = {plugin.path: plugin for plugin in plugins}
        self.inner = inner  # archives that are files of a plug-in
        for plugin in (*given.values(), *inner.values()):
            root = None
            if plugin.files is not None:
                base = next(base for base in hook.roots if at_or_below(plugin.path, base))
                try:
                    root = _root(plugin, plugin.files, base, given)
                except FormatError as error:
                    wrong = plugin.verdict._replace(
                        answer=Answer.ERROR, reason=Reason.UNREADABLE, message=error.message
                    )
                    plugin = plugin._replace(verdict=wrong, files=None)
            if root is not None:
                roots.append(root)
                if plugin.kind == judging.ARCHIVE:
                    known = archives.get(root.name)
                    self.archives[root.name] = (
                        known
                        if known is not None and known.files == plugin.files
                        else Archive(plugin)
                    )
            if plugin.path not in inner:
                self.plugins[plugin.path] = plugin
        everything = {**inner, **self.plugins}
        self.archive_paths = [
            path for path, one in everything.items() if one.kind == judging.ARCHIVE
        ]
        self.names = {_name(path): plugin for path, plugin in everything.items()}
        self.stopped = {  # I3: refused at once
            path: plugin
            for path, plugin in self.plugins.items()
            if plugin.files is None
            and (
                plugin.verdict.answer in (Answer.BAD, Answer.ERROR)
                or plugin.verdict.reason is Reason.DIFFERS
            )
        }
        self.top_stopped = {
            (os.path.dirname(path), os.path.basename(path).partition(".")[0]): plugin
            for path, plugin in self.stopped.items()
        }
        self.covered = Tables(roots)
        self.opening = HostOpening(self)
        self.finder = HostFinder(self)

    def plugin(self, path: str) -> Plugin | None:
        """The plug-in that a path below the roots belongs to."""
        for base, top in self.hook.places.tops(path):
            return self.plugins.get(top) or self.plugins.get(base)
        return None

    def refusal(self, path: str, name: str | None, digest: str = "") -> SigImportError:
        """Why what lies at a path is refused."""
        plugin = self.plugin(path)
        if plugin is None or plugin.files is not None:
            return refusals.not_listed(path, plugin, name, digest)
        return refusals.of(plugin, name, digest)


class Tables(Covered):
    """A place for each declared folder, with all plug-ins in it that are covered."""

    __slots__ = ()

    def __init__(self, roots: Iterable[Root]) -> None:
        # What a plan has, but for what only a run has: there may be no root at all.
        plan: Any = SimpleNamespace(
            roots=tuple(roots), stdlib=(), system=(), bad={}, file="", entry=("code", "")
        )
        super().__init__(plan)


def _name(path: str) -> str:
    """The name of a plug-in's root: its path, without what the name of a root cannot have."""
    return "".join(
        one if one.isprintable() and one not in " %" else f"%{ord(one):02x}" for one in path
    )


def _root(plugin: Plugin, files: Manifest, base: str, others: Mapping[str, Plugin]) -> Root | None:
    """A plug-in as a root whose paths are relative to the declared folder. Raises FormatError."""
    below = plugin.path[len(base) + 1 :]
    if not below:  # of a plug-in in it whose list stays, that one holds (I4)
        kept = {os.path.basename(path) for path in others if os.path.dirname(path) == base}
        left = {path: one for path, one in files.files.items() if path.split("/")[0] not in kept}
        if not left:
            return None
        files = Manifest(left)
    elif plugin.kind != judging.FILE:
        # Checked again: a folder may have a name that would make two lines of one.
        files = Manifest({f"{below}/{path}": one for path, one in files.files.items()})
    return Root(_name(plugin.path), base, files.text)
