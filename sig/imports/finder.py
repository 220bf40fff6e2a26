"""Names to modules: the finder in place of PathFinder, and its loaders.

Here: the import system. Not here: which file a name stands for (`covered`), its bytes (`opening`).

F1  A covered name has one file; no other place is searched. The order of places is fixed at start:
    sys.path is for show, entries that come later add nothing.
F2  A name that is not covered does not exist, whatever lies on the disk. What only root can write,
    the standard library and the folders of the system's packages, is left to plain Python.
F3  A covered module is compiled from the bytes that were hashed. No bytecode is looked for on the
    disk, and none is written; a pack which was signed has that of these very bytes (`bytecode`).
F4  A namespace package is there only if a covered file lies below it, or in a folder of the system.
    The standard library has none.
F5  Who asks by a path (path hooks, and `doors`) gets the same answers: the covered file or none. A
    folder or an archive is not run.

Our frames are named as importlib's own, so that Python leaves them out of tracebacks as well
(`packing`).
"""

from __future__ import annotations

import _frozen_importlib
import _frozen_importlib_external
import errno
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import FileFinder, _LoaderBasics, decode_source
from _thread import allocate_lock

from .covered import Covered, Place
from .opening import Opening
from .paths import abspath, basename, dirname, realpath, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, ModuleType
    from typing import Any

    from .bytecode import Bytecode
    from .native import Native

_bootstrap: Any = _frozen_importlib  # what no stub has
_external: Any = _frozen_importlib_external
_CTYPES = ("ctypes", "_ctypes")
_LOCK = allocate_lock()


class Spec(ModuleSpec):
    """Without a place for bytecode (F3)."""

    cached = property(lambda spec: None, lambda spec, value: None)


class Loader(_LoaderBasics):
    """What both kinds of modules have in common."""

    def __init__(self, finder: Finder, name: str, path: str) -> None:
        self._finder = finder
        self.name = name
        self.path = path

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name} at {self.path}>"

    def get_filename(self, fullname: str | None = None) -> str:
        if fullname not in (None, self.name):
            raise ImportError(f"loader for {self.name} cannot handle {fullname}", name=fullname)
        return self.path

    def get_data(self, path: str) -> bytes:
        """The bytes of a covered file. Raises FileNotFoundError for any other."""
        data = self._finder.opening.read(system.fspath(path))
        if data is None:
            raise FileNotFoundError(errno.ENOENT, system.strerror(errno.ENOENT), path)
        return data

    def get_resource_reader(self, fullname: str) -> Any:
        from .resources import Reader

        return Reader(self._finder.opening, [dirname(self.path)])


class SourceLoader(Loader):
    """A covered source file."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        data, digest = self._finder.opening.verified(path, fullname)
        packed = self._finder.bytecode
        return (packed and packed.code(digest, path)) or self.source_to_code(data, path)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:
        code: CodeType = _bootstrap._call_with_frames_removed(
            compile, data, path, "exec", dont_inherit=True, optimize=_optimize
        )
        return code

    def get_source(self, fullname: str) -> str:
        path = self.get_filename(fullname)
        try:
            return decode_source(self.get_data(path))
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise ImportError("source not available", name=fullname, path=path) from error


class ExtensionLoader(Loader):
    """A covered extension module."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        def create() -> ModuleType:
            module: ModuleType = _bootstrap._call_with_frames_removed(
                self._finder.native().create, spec, self.path
            )
            return module

        return self._finder.opening.extension(self.path, self.name, create)

    def exec_module(self, module: ModuleType) -> None:
        _bootstrap._call_with_frames_removed(self._finder.native().execute, module)

    def is_package(self, fullname: str) -> bool:
        return basename(self.get_filename(fullname)).startswith("__init__.")

    def get_code(self, fullname: str) -> None:
        return None

    def get_source(self, fullname: str) -> None:
        return None


class EarlyLoader(ExtensionLoader):
    """A module that was mapped before there was a finder (`early`)."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._finder.early[self.path]

    def exec_module(self, module: ModuleType) -> None:
        pass


class Finder:
    """The finder of a closure, for sys.meta_path.

    `inner` finds modules of ours, by their whole name, where these are in no file; `last` is asked
    for what is not found otherwise.
    """

    def __init__(
        self,
        opening: Opening,
        inner: Callable[[str], ModuleSpec | None] = lambda fullname: None,
        last: Callable[[str], ModuleSpec | None] = lambda fullname: None,
    ) -> None:
        self.opening = opening
        self.covered: Covered = opening.covered
        self._inner = inner
        self._last = last
        self._loaders = _external._get_supported_file_loaders()
        self._plain: dict[str, FileFinder] = {}
        self._known: dict[str, tuple[Place | None, str] | None] = {}
        self._native: Native | None = None
        self._watched = False
        self.bytecode: Bytecode | None = None
        """That of a pack which counts (F3)."""
        self.patches: dict[str, Callable[[ModuleType], None]] = {}
        """What happens to a module of the standard library after it was loaded."""
        self.early: dict[str, ModuleType] = {}
        """Extension modules that are there already, by the paths of their files."""
        self.copies: list[tuple[str, str]] = []
        """Paths of files that are mapped already, and of their copies."""

    # --- names -----------------------------------------------------------------------------------

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        inner = self._inner(fullname)
        if inner is not None:
            return inner
        if path is None:
            if fullname == "__main__":  # of a folder that is to be run (F5)
                return None
            if fullname in _CTYPES and not self._watched:
                self._watched = True
                self.opening.watch(self.native().audit)
            where: Iterable[tuple[Place | None, str]] = self.covered.search
        else:
            where = self._all_below(path)
        name = fullname.rpartition(".")[2]
        portions: list[tuple[Place | None, str]] = []
        for place, folder in where:
            if place is None:
                found = self.plain(folder).find_spec(fullname)
                if found is None:
                    continue
                if found.loader is not None:
                    return self._patched(found) if fullname in self.patches else found
                if self.covered.system(folder):  # F4
                    portions += [(None, one) for one in found.submodule_search_locations or ()]
            else:
                spec = self.spec(fullname, place, folder, name)
                if spec is not None:
                    own = place is self.covered.library and fullname in self.patches
                    return self._patched(spec) if own else spec
                if place is self.covered.library and path is None:  # F4
                    continue
                portions.append((place, f"{folder}/{name}" if folder else name))
        # Only now is it asked whether something lies below: most names are found before.
        there = [
            place.path(folder) if place else folder
            for place, folder in portions
            if place is None or place.there(folder)
        ]
        if not there:
            return self._last(fullname)
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = _external._NamespacePath(fullname, there, self.find_spec)
        return spec

    def spec(self, fullname: str, place: Place, folder: str, name: str) -> ModuleSpec | None:
        found = place.module(folder, name)
        if found is None:
            return None
        below, suffix, package = found
        path = place.path(below)
        kind: Any = SourceLoader if suffix == ".py" else ExtensionLoader
        if path in self.early:
            kind = EarlyLoader
        spec = Spec(fullname, kind(self, fullname, path), origin=path, is_package=package)
        spec._set_fileattr = True  # type: ignore[attr-defined]  # typeshed lacks it
        if package:
            spec.submodule_search_locations = [dirname(path)]
        return spec

    def loaded(self, fullname: str, path: str) -> ModuleSpec:
        """The spec of a covered source file that was loaded before there was a finder."""
        package = path.endswith("/__init__.py")
        loader: Any = SourceLoader(self, fullname, path)
        spec = Spec(fullname, loader, origin=path, is_package=package)
        spec._set_fileattr = True  # type: ignore[attr-defined]  # typeshed lacks it
        if package:
            spec.submodule_search_locations = [dirname(path)]
        return spec

    def _patched(self, spec: ModuleSpec) -> ModuleSpec:
        loader: Any = spec.loader
        execute, patch = loader.exec_module, self.patches[spec.name]

        def exec_module(module: ModuleType) -> None:
            execute(module)
            patch(module)

        loader.exec_module = exec_module
        return spec

    # --- paths -----------------------------------------------------------------------------------

    def hook(self, path: str) -> FileFinder | Entry:
        """For sys.path_hooks. Raises ImportError for what is neither covered nor plain Python's."""
        where = self._below(path) if isinstance(path, str) else None
        if where is not None:
            place, folder = where
            if place is not None:
                return Entry(self, place, folder)
            if _external._path_isdir(folder):
                return self.plain(folder)
        raise ImportError("nothing is covered below it", path=path)

    def plain(self, folder: str) -> FileFinder:
        """What plain Python has for a folder that only root can write to (F2)."""
        found = self._plain.get(folder)
        if found is None:
            found = self._plain[folder] = FileFinder(folder, *self._loaders)
        return found

    def _below(self, path: str) -> tuple[Place | None, str] | None:
        try:
            path = abspath(path)
        except OSError:  # there is no current folder any more
            return None
        if path not in self._known:
            found: tuple[Place | None, str] | None = self.covered.folder(path)
            if found is None and self.covered.ordinary(path):
                found = None, path
            if found is None:
                try:
                    target = realpath(path)
                except ValueError:  # no path at all
                    return None
                return self._below(target) if target != path else None
            self._known[path] = found
        return self._known[path]

    def _all_below(self, path: Iterable[str]) -> Iterator[tuple[Place | None, str]]:
        for entry in path:
            found = self._below(entry) if isinstance(entry, str) else None
            if found is not None:
                yield found

    # --- what else asks a finder -----------------------------------------------------------------

    def find_distributions(self, context: Any = None) -> Iterator[Any]:
        """For `importlib.metadata`: covered ones, then those of the system."""
        from .metadata import distributions

        return distributions(self.opening, context)

    def invalidate_caches(self) -> None:
        for found in list(self._plain.values()):
            found.invalidate_caches()

    def native(self) -> Native:
        """The loader of libraries; there is one in a process."""
        if self._native is None:
            from .native import Native

            with _LOCK:
                if self._native is None:
                    made = Native(self.opening.read, self.opening.refuse, self.opening.copy)
                    for path, copy in self.copies:
                        made.mapped(path, copy)
                    self._native = made
        return self._native


class Entry:
    """A folder of the closure, for who walks a path: pkgutil, PathFinder."""

    def __init__(self, finder: Finder, place: Place, folder: str) -> None:
        self._finder = finder
        self._place = place
        self._folder = folder
        self.path = place.path(folder)

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        spec = self._finder.spec(fullname, self._place, self._folder, name)
        below = f"{self._folder}/{name}" if self._folder else name
        if spec is None and self._place.there(below):
            spec = ModuleSpec(fullname, None, is_package=True)
            spec.submodule_search_locations = [self._place.path(below)]
        return spec

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """What `pkgutil.iter_modules` lists: modules and packages, no namespaces."""
        names = {child.partition(".")[0] for child in self._place.children(self._folder)}
        for name in sorted(names - {"__init__"}):
            found = self._place.module(self._folder, name)
            if found is not None:
                yield prefix + name, found[2]

    def invalidate_caches(self) -> None:
        pass
