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
D4  `marshal` gives the code that a loader was given by D2 in this thread just before, and what is
    frozen into Python. A pack is read by `bytecode`. It gives no other code, wherever the bytes are
    from, unless the plan says so. Values without code are no way to a module: they are given.
D5  There is one interpreter in a process. A further one would have finders of its own, so there is
    no module that makes any.

D4 and D5 are functions in the place of others, and no audit hook (docs/decisions/0011-marshal.md).

A program that brings its own loader, or runs what it reads, is not stopped: it was attested.
"""

from __future__ import annotations

import _frozen_importlib_external
import _imp
import errno
import marshal
import sys
from _frozen_importlib import FrozenImporter
from _thread import get_ident

from .finder import ExtensionLoader, Finder
from .opening import shown
from .paths import abspath, fsdecode, realpath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any

_external: Any = _frozen_importlib_external  # what no stub has
_parts: Any = _imp
_HEAD = 16  # bytes of a bytecode file, before its code
_UNREAD = "this is code that is not covered, so marshal does not give it"
# All that `marshal` makes but code: what holds others, and what does not.
_HOLDS = frozenset((tuple, list, dict, set, frozenset))
_LEAVES = frozenset(
    (type(None), bool, int, float, complex, str, bytes, type(...), type)  # type: StopIteration
)
_MAKERS = frozenset(("_interpreters", "_xxsubinterpreters", "_testcapi", "_testinternalcapi"))


def install(finder: Finder) -> None:
    """From here on a name stands for what is covered, and for nothing else."""
    others: list[Any] = [found for found in sys.meta_path if found is not _external.PathFinder]
    sys.meta_path[:] = [*others, finder]
    sys.path_hooks[:] = [finder.hook]
    sys.path_importer_cache.clear()
    sys.path[:] = finder.covered.shown()
    handed: dict[int, bytes] = {}  # thread -> the bytecode file that it was given last (D4)
    _files(finder, handed)
    _interpreter(None if finder.covered.plan.marshal else handed)
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
        path = abspath(fsdecode(given[-1]))
        found = finder.opening.find(path)
        if found is None:
            real = realpath(path)
            if finder.covered.ordinary(real):
                found_code: CodeType | tuple[CodeType, Any] = plain(*given[:-1], real)
                return found_code
            raise ImportError(f"{shown(path)} is not covered, so it is not run", path=path)
        data = finder.opening.module(found[0], str(given[0]) if with_name else "")
        code: CodeType = compile(data, given[-1], "exec", dont_inherit=True)
        return (code, given[-1]) if with_name else code

    module._get_code_from_file = code_from_file


def _files(finder: Finder, handed: dict[int, bytes]) -> None:
    plain_data = _external.FileLoader.get_data
    plain_module = _external.ExtensionFileLoader.create_module

    def get_data(loader: Any, path: Any) -> Any:
        text = abspath(fsdecode(path))
        ordinary = finder.covered.ordinary(text)
        data = plain_data(loader, text) if ordinary else verified(loader, path, text)
        if text.endswith(".pyc"):
            handed[get_ident()] = data
        return data

    def verified(loader: Any, path: Any, text: str) -> Any:
        found = finder.opening.find(text)
        if found is not None and text.endswith(".py"):
            return finder.opening.module(found[0], loader.name)
        if found is not None:
            return finder.opening.read(found[0])
        real = realpath(text)
        if finder.covered.ordinary(real):
            return plain_data(loader, real)
        raise FileNotFoundError(errno.ENOENT, "not covered", path)

    def create_module(loader: Any, spec: Any) -> Any:
        # The spec says what is loaded, whatever the loader was made for.
        text = abspath(spec.origin or loader.path)
        real = text
        if not finder.covered.ordinary(text):
            found = finder.opening.find(text)
            if found is not None:
                return ExtensionLoader(finder, spec.name, found[0]).create_module(spec)
            real = realpath(text)
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
        portions = [abspath(portion) for portion in loader._path]
        if any(map(finder.covered.folder, portions)) or plain is None:
            from .resources import Reader

            return Reader(finder.opening, portions)
        return plain(loader, fullname)

    kind.get_resource_reader = get_resource_reader


# --- D4, D5 --------------------------------------------------------------------------------------


def _interpreter(handed: dict[int, bytes] | None) -> None:
    """What Python makes of its own parts; without `handed` all bytes are unmarshalled."""
    builtin, dynamic = _parts.create_builtin, _parts.create_dynamic

    def create_builtin(spec: Any) -> Any:
        _alone(spec.name)
        module = builtin(spec)
        if spec.name in ours:  # a second one, with the functions that we have replaced
            vars(module).update(ours[spec.name])
        return module

    def create_dynamic(spec: Any, *file: Any) -> Any:
        _alone(spec.name)
        return dynamic(spec, *file)

    made: dict[str, Any] = {"create_builtin": create_builtin, "create_dynamic": create_dynamic}
    ours = {"_imp": made}
    if handed is not None:
        ours["marshal"] = _marshal(handed)
        if sys.hexversion >= 0x30B0000:
            made["get_frozen_object"] = _frozen_object()
    for name, functions in ours.items():
        vars(sys.modules[name]).update(functions)


def _alone(name: str) -> None:
    """D5. Of a name the last part counts: by it Python finds what to call in a file."""
    if name.rpartition(".")[2] in _MAKERS:
        told = f"No module named {name!r}: a run under a lock has one interpreter"
        raise ModuleNotFoundError(told, name=name)


def _marshal(handed: dict[int, bytes]) -> dict[str, Any]:
    plain, plain_load = marshal.loads, marshal.load

    def loads(data: Any, /, **more: Any) -> Any:
        whole = handed.pop(get_ident(), None)
        if type(whole) is bytes and type(data) is memoryview and data.obj is whole:
            return plain(memoryview(whole)[_HEAD:], **more)
        copy = memoryview(data).tobytes()  # the original may change
        value = plain(copy, **more)
        if _has_code(value) and not _is_frozen(copy):
            raise ValueError(_UNREAD)
        return value

    def load(file: Any, /, **more: Any) -> Any:
        value = plain_load(file, **more)
        if _has_code(value):
            raise ValueError(_UNREAD)
        return value

    for one in (loads, load):
        one.__module__, one.__qualname__ = "marshal", one.__name__
    return {"loads": loads, "load": load}


def _has_code(value: object) -> bool:
    """Whether what `marshal` has made holds code, or what we do not know."""
    seen: set[int] = set()
    left: list[Any] = [value]
    while left:
        one = left.pop()
        if type(one) not in _HOLDS:
            if type(one) not in _LEAVES:
                return True
        elif id(one) not in seen:  # a list may hold itself
            seen.add(id(one))
            left += one
            if type(one) is dict:
                left += one.values()
    return False


def _is_frozen(data: bytes) -> bool:
    """Whether an interpreter that shows its frozen modules (Python 3.11) has just this as one."""
    for name in getattr(_parts, "_frozen_module_names", list)():
        found = _parts.find_frozen(name, withdata=True)
        if found is not None and found[0] == data:
            return True
    return False


def _frozen_object() -> Any:
    plain = _parts.get_frozen_object

    def get_frozen_object(name: str, data: Any = None, /) -> Any:
        if data is not None:  # Python would take it for the bytes of this module
            raise ValueError(_UNREAD)
        return plain(name)

    return get_frozen_object
