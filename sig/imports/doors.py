"""The finder in place of PathFinder, and the other ways to a module shut.

Here: what of the standard library asks by a path, and from now on gets the finder's answers (F5).
Not here: the answers (`finder`).

D1  `runpy.run_path` runs the verified bytes of a covered file, also for the children of
    `multiprocessing`. It runs no other file, no folder and no archive.
D2  The loaders of files, which `spec_from_file_location`, `imp` and FileFinder use, give the
    verified bytes of a covered file, and are plain where plain Python's files are (F2). For them
    there are no others. What was judged is what is opened: a link may change, and what `..` leads
    to behind one is not what it looks like.
D3  The resources of a package are those that are covered, also of a namespace package.

A program that brings its own loader, or runs what it reads, is not stopped: it was attested.
"""

from __future__ import annotations

import _frozen_importlib_external
import errno
import os
import sys
from _frozen_importlib import FrozenImporter

from .finder import ExtensionLoader, Finder
from .opening import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

_external: Any = _frozen_importlib_external  # what no stub has


def install(finder: Finder) -> None:
    """From here on a name stands for what is covered, and for nothing else."""
    others: list[Any] = [found for found in sys.meta_path if found is not _external.PathFinder]
    sys.meta_path[:] = [*others, finder]
    sys.path_hooks[:] = [finder.hook]
    sys.path_importer_cache.clear()
    sys.path[:] = finder.covered.shown()
    _files(finder)
    _namespaces(finder)
    finder.patches["runpy"] = lambda module: _runpy(finder, module)
    if sys.hexversion < 0x30A0000:
        finder.patches["importlib._common"] = _common
    for name, patch in finder.patches.items():
        if name in sys.modules:
            patch(sys.modules[name])
    _frozen(finder)


def _frozen(finder: Finder) -> None:
    """What Python holds in itself never comes to our finder."""
    kind: Any = FrozenImporter
    plain = kind.exec_module

    def exec_module(module: ModuleType) -> None:
        plain(module)
        patch = finder.patches.get(module.__name__)
        if patch is not None:
            patch(module)

    kind.exec_module = staticmethod(exec_module)


def _runpy(finder: Finder, module: Any) -> None:
    plain = module._get_code_from_file
    with_name = plain.__code__.co_argcount == 2  # until Python 3.12, which gives the name back, too

    def code_from_file(*given: Any) -> CodeType | tuple[CodeType, Any]:
        path = os.path.abspath(os.fsdecode(given[-1]))
        found = finder.opening.find(path)
        if found is None:
            real = os.path.realpath(path)
            if finder.covered.ordinary(real):
                found_code: CodeType | tuple[CodeType, Any] = plain(*given[:-1], real)
                return found_code
            raise ImportError(f"{shown(path)} is not covered, so it is not run", path=path)
        data = finder.opening.module(found[0], str(given[0]) if with_name else "")
        code: CodeType = compile(data, given[-1], "exec", dont_inherit=True)
        return (code, given[-1]) if with_name else code

    module._get_code_from_file = code_from_file


def _files(finder: Finder) -> None:
    plain_data = _external.FileLoader.get_data
    plain_module = _external.ExtensionFileLoader.create_module

    def get_data(loader: Any, path: Any) -> Any:
        text = os.path.abspath(os.fsdecode(path))
        if finder.covered.ordinary(text):
            return plain_data(loader, text)
        found = finder.opening.find(text)
        if found is not None and text.endswith(".py"):
            return finder.opening.module(found[0], loader.name)
        if found is not None:
            return finder.opening.read(found[0])
        real = os.path.realpath(text)
        if finder.covered.ordinary(real):
            return plain_data(loader, real)
        raise FileNotFoundError(errno.ENOENT, "not covered", path)

    def create_module(loader: Any, spec: Any) -> Any:
        # The spec says what is loaded, whatever the loader was made for.
        text = os.path.abspath(spec.origin or loader.path)
        real = text
        if not finder.covered.ordinary(text):
            found = finder.opening.find(text)
            if found is not None:
                return ExtensionLoader(finder, spec.name, found[0]).create_module(spec)
            real = os.path.realpath(text)
            if not finder.covered.ordinary(real):
                raise ImportError(f"{shown(text)} is not covered", name=spec.name, path=loader.path)
        origin, spec.origin = spec.origin, real
        try:
            return plain_module(loader, spec)
        finally:
            spec.origin = origin

    _external.FileLoader.get_data = get_data
    _external.ExtensionFileLoader.create_module = create_module


def _common(module: ModuleType) -> None:
    """Python 3.9 asks no reader for `importlib.resources.files`."""
    common: Any = module
    plain = common.from_package

    def from_package(package: Any) -> Any:
        loader = package.__spec__.loader
        if hasattr(loader, "get_resource_reader"):
            reader = loader.get_resource_reader(package.__spec__.name)
            if hasattr(reader, "files"):
                return reader.files()
        return plain(package)

    common.from_package = from_package


def _namespaces(finder: Finder) -> None:
    kind: Any = _external._NamespaceLoader
    plain = getattr(kind, "get_resource_reader", None)

    def get_resource_reader(loader: Any, fullname: str) -> Any:
        portions = [os.path.abspath(portion) for portion in loader._path]
        if any(map(finder.covered.folder, portions)) or plain is None:
            from .resources import Reader

            return Reader(finder.opening, portions)
        return plain(loader, fullname)

    kind.get_resource_reader = get_resource_reader
