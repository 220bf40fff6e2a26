"""One plug-in at a time: judged, and loaded from what was judged.

Here: `load` and `discover`, which `sig.plugins` offers. Not here: what is believed of a plug-in
(`sig.verbs.plugins`), who lets it in (`judged`), and the hook before all that a host imports from a
folder (`hosting`).

L1  A module and an archive are read once, before they are judged, and run from those bytes. Of a
    folder each file is compared with the list that was judged, when it is loaded.
L2  A plug-in's top-level names are its own while it is loaded: below them there is what its list
    has, and nothing else. It gets no name that the standard library or the host has.
L3  `trust` says whose ok counts, in place of the trust store. Warnings of both count.
L4  Yes once is about exactly what was looked at. Yes always is an own word, signed like any other,
    and then the verdict is asked for again. What is marked bad is not asked about.
L5  Refusals are of the family in `errors`. A plug-in that fails to load leaves no name behind.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from sig.imports.asking import Ask
from sig.imports.covered import Covered
from sig.imports.errors import Differs, NotCovered, SigImportError, Unreadable
from sig.imports.finder import Finder
from sig.imports.judged import Judge, Judged
from sig.imports.native import Native
from sig.imports.opening import UNREADABLE, Opening, shown
from sig.imports.plan import Plan, Root
from sig.imports.refusals import KINDS
from sig.model.manifest import Manifest
from sig.model.verdict import Reason
from sig.verbs import plugins as judging
from sig.verbs.plugins import FILE, FOLDER, Plugin
from sig.verbs.zipapp_start import Archive as Members
from sig.verbs.zipapp_start import Reader, Resource

if TYPE_CHECKING:
    from sig.imports.judged import Place

# A name of this form has the files of a wheel where an installer would put them.
_ROOT = "dist/plug-in"
# The standard library is the host's affair.
_NOWHERE = "/dev/null/none"
_LOCK = threading.RLock()


def load(
    path: Place,
    trust: Iterable[str] | None = None,
    ask: Ask | None = None,
    folder: Place | None = None,
    module: str | None = None,
) -> ModuleType:
    """The module of a plug-in: a folder, a single file, a zip or a wheel.

    `trust` are full fingerprints whose ok counts in place of the trust store's; the own key counts
    besides, if it does there. No warning of the trust store is taken away. `ask` is called with the
    `Plugin` and a question where the verdict is neither ok nor bad, and answers ``once``,
    ``always`` or ``no``. `folder` is that of the attestations, by default $SIG_DIR or ~/.signet.
    `module` names one of several top-level modules.

    What was loaded already from the same files is given again. Raises SigImportError, what the
    plug-in itself raises, and ValueError for a fingerprint that is none.
    """
    found = Judged(os.path.abspath(os.fsdecode(path)), Judge(trust, ask, folder))
    return Loaded(found).module(module)


class Entry(NamedTuple):
    """An entry point of a covered distribution; `load` gives what it names."""

    name: str
    group: str
    value: str
    plugin: Plugin
    load: Callable[[], Any]


class Found(NamedTuple):
    """Entry points, and why other plug-ins were left out."""

    entries: tuple[Entry, ...]
    refused: tuple[SigImportError, ...]


def discover(
    place: Place,
    group: str,
    trust: Iterable[str] | None = None,
    ask: Ask | None = None,
    folder: Place | None = None,
) -> Found:
    """The entry points of a group in the plug-ins of a folder, of covered distributions only.

    Nothing is imported until an entry is loaded. `trust`, `ask` and `folder` as for `load`. Raises
    StoreError where the folder cannot be listed, ValueError.
    """
    entries: list[Entry] = []
    refused: list[SigImportError] = []
    judge = Judge(trust, ask, folder)
    base = os.path.abspath(os.fsdecode(place))
    whole = judge.whole(base)
    for name in sorted(os.listdir(base)) if os.path.isdir(base) else ():
        path = os.path.join(base, name)
        if not judging.kind_of(path):
            continue
        try:
            entries += Loaded(Judged(path, judge, whole)).entries(group)
        except SigImportError as error:
            refused.append(error)
    return Found(tuple(entries), tuple(refused))


# --- loading -------------------------------------------------------------------------------------


def _refusing(plugin: Plugin) -> Callable[[int, str], NoReturn]:
    """For `Opening`, which knows the plug-in by the name of its root."""

    def refuse(code: int, message: str) -> NoReturn:
        raise KINDS[code](
            message.replace(_ROOT, shown(plugin.path)),
            path=plugin.path,
            verdict=plugin.verdict,
            reason=(Reason.UNREADABLE if code == UNREADABLE else Reason.DIFFERS).value,
            hint=shown(f"sig plugin verify {plugin.path}"),
        )

    return refuse


class _Memory(Opening):
    """The members of an archive, and a module that was read (L1)."""

    def __init__(self, covered: Covered, judged: Judged) -> None:
        super().__init__(covered, _refusing(judged.plugin))
        digests = judged.files.files
        self._members = {digests[path]: data for path, data in (judged.members or {}).items()}

    def _bytes(self, path: str, digest: str, root: str) -> bytes:
        return self._members[digest]

    def _data(self, path: str, digest: str, root: str, *, later: bool = False) -> bool:
        return True  # its bytes are what was hashed

    def _check(self, path: str, digest: str, root: str) -> None:
        raise FileNotFoundError(f"{shown(path)} lies in an archive")


class _Native(Native):
    """What the host does with `ctypes` is its own affair."""

    def guard(self) -> None:
        if self._real is None:
            self._real = self._below()


class Loaded(Finder):
    """The finder of one plug-in, for sys.meta_path."""

    def __init__(self, judged: Judged) -> None:
        self.path = judged.path
        self.plugin = judged.plugin
        self.files = judged.files
        base, below = _layout(judged)
        moved = Manifest({below + path: one for path, one in judged.files.files.items()})
        root = Root(_ROOT, base, moved.text)
        tables = Covered(Plan("-", ("code", "-"), [root], argv0="-", stdlib=[_NOWHERE]))
        if judged.members is None:
            super().__init__(Opening(tables, _refusing(judged.plugin)))
        else:
            super().__init__(_Memory(tables, judged))
        (self._place,) = tables.places
        try:
            names = {child.partition(".")[0] for child in self._place.children("")}
        except ValueError as error:
            raise Unreadable(shown(f"{self.path}: {error}"), path=self.path) from error
        self.modules = sorted(
            name for name in names if name.isidentifier() and self._place.module("", name)
        )
        spaces = (name for name in names if name.isidentifier() and self._has_code(name))
        self.names = frozenset(self.modules).union(spaces)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {shown(self.path)}>"

    def _has_code(self, folder: str) -> bool:
        return any(path.endswith(judging.MODULES) for path in self._place.below(folder))

    # --- names -----------------------------------------------------------------------------------

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.names:
            return None
        spec = self._found(fullname, path)
        if spec is None:  # L2
            raise NotCovered(
                f"{shown(fullname)} is not covered: {shown(self.path)} does not list it",
                name=fullname,
                path=self.path,
                verdict=self.plugin.verdict,
                reason="not-listed",
            )
        return spec

    def _found(self, fullname: str, path: Iterable[str] | None) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        there = []
        for folder in [""] if path is None else self._folders(path):
            spec = self.spec(fullname, self._place, folder, name)
            if spec is not None:
                return spec
            below = f"{folder}/{name}" if folder else name
            if self._place.there(below):
                there.append(self._place.path(below))
        if not there:
            return None
        found = ModuleSpec(fullname, None, is_package=True)
        found.submodule_search_locations = there
        return found

    def _folders(self, path: Iterable[str]) -> Iterator[str]:
        for entry in path:
            found = self.covered.folder(os.path.abspath(entry)) if isinstance(entry, str) else None
            if found is not None:
                yield found[1]

    def spec(self, fullname: str, place: Any, folder: str, name: str) -> ModuleSpec | None:
        found = super().spec(fullname, place, folder, name)
        if found is not None and isinstance(self.opening, _Memory):
            loader: Any = found.loader
            loader.get_resource_reader = self._resources
        return found

    def _resources(self, fullname: str) -> Reader:
        files = {
            below: self.opening._bytes("", digest, "")
            for below, (digest, _) in self._place.files.items()
        }
        folder = fullname.replace(".", "/")
        if not any(path.startswith(folder + "/__init__.") for path in files):
            folder = folder.rpartition("/")[0]
        return Reader(Resource(Members([self._place.base], files), folder))

    def native(self) -> Native:
        if self._native is None:
            copy = None if isinstance(self.opening, _Memory) else self.opening.copy
            self._native = _Native(self.opening.read, self.opening.refuse, copy)
        return self._native

    # --- what it is asked for --------------------------------------------------------------------

    def module(self, name: str | None = None) -> ModuleType:
        """Its one module, that of its own name, or the one that is named."""
        own = self.plugin.name.partition(".")[0].partition("-")[0]
        candidates = [one for one in self.modules if one.lower() == own.lower()] or self.modules
        if name is None and len(candidates) != 1:
            told = (
                f"has several modules: {', '.join(self.modules)}" if candidates else "has no module"
            )
            raise NotCovered(shown(f"{self.path} {told}"), path=self.path, reason="not-listed")
        return self.imported(candidates[0] if name is None else name)

    def imported(self, name: str) -> ModuleType:
        """One of its modules, by its whole name (L2, L5)."""
        if name.partition(".")[0] not in self.names:
            told = f"{name} is not covered: {self.path} does not list it"
            raise NotCovered(shown(told), name=name, path=self.path, reason="not-listed")
        with _LOCK:
            before = self._placed()
            if before is None:
                self._take()
                sys.meta_path.insert(0, self)
        try:
            return importlib.import_module(name)
        except BaseException:
            if before is None:
                with _LOCK:
                    self._leave()
            raise

    def _placed(self) -> Loaded | None:
        """What is in place of this plug-in already (L2)."""
        for one in sys.meta_path:
            if isinstance(one, Loaded) and one.path == self.path:
                if one.files == self.files:
                    return one
                raise Differs(
                    f"{shown(self.path)} was loaded before, from other files",
                    path=self.path,
                    verdict=self.plugin.verdict,
                    reason=Reason.DIFFERS.value,
                )
        return None

    def _take(self) -> None:
        """Raises NotCovered where one of its names is another's (L2)."""
        for name in sorted(self.names):
            whose = self._whose(name)
            if whose:
                raise NotCovered(
                    shown(f"{self.path} has a module {name}, and so has {whose}"),
                    name=name,
                    path=self.path,
                    verdict=self.plugin.verdict,
                    reason="name-taken",
                )

    def _leave(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for loaded in list(sys.modules):
            if loaded.partition(".")[0] in self.names:
                del sys.modules[loaded]

    def _whose(self, name: str) -> str:
        if name in sys.stdlib_module_names or name in sys.builtin_module_names:
            return "the standard library"
        if name in sys.modules:
            return "what is loaded"
        for one in sys.meta_path:
            if isinstance(one, Loaded):
                if name in one.names:
                    return one.path
                continue
            try:
                spec = one.find_spec(name, None)
            except ImportError:  # of a guarded folder: it says that there is none
                continue
            if spec is not None and not self._holds(spec):
                return "the host"
        return ""

    def _holds(self, spec: ModuleSpec) -> bool:
        """Whether plain Python found just this plug-in, whose folder the host searches too."""
        places = [spec.origin] if spec.has_location and spec.origin else []
        places += spec.submodule_search_locations or []
        return bool(places) and all(
            os.path.abspath(place) == self.path
            or os.path.abspath(place).startswith(self.path + os.sep)
            for place in places
        )

    def entries(self, group: str) -> Iterator[Entry]:
        """The entry points of a group, of distributions that are covered."""
        from sig.imports.metadata import distributions

        for distribution in distributions(self.opening):
            for one in distribution.entry_points:
                if one.group == group:
                    yield Entry(one.name, group, one.value, self.plugin, self._loading(one))

    def _loading(self, entry: Any) -> Callable[[], Any]:
        def load() -> Any:
            module, _, attribute = entry.value.partition("[")[0].strip().partition(":")
            found: Any = self.imported(module.strip())
            for part in filter(None, attribute.strip().split(".")):
                found = getattr(found, part)
            return found

        return load


def _layout(judged: Judged) -> tuple[str, str]:
    """Where the top-level modules of a plug-in lie, and its files below that.

    Of a package that is its parent, in which it alone is covered.
    """
    folder, name = os.path.split(judged.path)
    if judged.kind == FILE:
        return folder, ""
    package = any(
        path in judged.files.files
        for path in ("__init__.py", *(f"__init__{one}" for one in judging.MODULES))
    )
    if not package:
        return judged.path, ""
    if judged.kind == FOLDER:
        return folder, name + "/"
    return judged.path, name.partition(".")[0].partition("-")[0] + "/"


__all__ = ["Entry", "Found", "discover", "load"]
