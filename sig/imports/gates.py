"""The other ways to a file below a host's roots: by its path, past the finders.

Here: what of the standard library opens code by a path, and asks the hooks first. Not here: what
they answer (`hosting`). What is not here goes around, and the security model lists it.

J1  `io.open_code` opens the verified bytes: `runpy.run_path`, `zipimport` and all loaders of source
    read through it.
J2  Loaders of source that were made for a path below the roots read no bytecode, wherever it lies;
    the loader of bytecode alone loads nothing there.
J3  An extension module, or a library that `ctypes` opens by its path, is mapped from a sealed copy.
J4  `importlib.metadata` and the resources of a namespace package list what is covered.
J5  For every other path plain Python answers, after a look at the path.
"""

from __future__ import annotations

import _frozen_importlib_external
import _io
import io
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from sig.imports.errors import NotCovered
from sig.imports.finder import ExtensionLoader
from sig.imports.opening import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sig.imports.hosting import Hook

_external: Any = _frozen_importlib_external
_lock = threading.RLock()
_hooks: tuple[Hook, ...] = ()
_plain: list[tuple[Any, str, Any, Any]] = []  # holder, name, what was there, what is there now
_ABSENT = object()


def add(hook: Hook) -> None:
    """From here on it is asked. Raises ValueError where another one guards one of its roots."""
    global _hooks
    with _lock:
        for other in _hooks:
            for one, two in ((hook, other), (other, hook)):
                for base in one.roots:
                    if two.where(base) is not None:
                        raise ValueError(f"{shown(base)} is guarded by another hook")
        if not _hooks:
            _replace()
        _hooks = (*_hooks, hook)


def remove(hook: Hook) -> None:
    """It is not asked any more."""
    global _hooks
    with _lock:
        _hooks = tuple(one for one in _hooks if one is not hook)
        if not _hooks:
            _restore()


def _below(path: Any, *, folder: bool = False) -> tuple[Hook, str] | None:
    """The hook that answers for a file or a folder, and the path as its root is spelled."""
    try:
        text = os.fsdecode(path)
    except TypeError:  # no path: a descriptor
        return None
    for hook in _hooks:
        found = hook.where(text) if folder else hook.file(text)
        if found is not None:
            return hook, found
    return None


# --- putting in place ----------------------------------------------------------------------------


def _put(holder: Any, name: str, make: Callable[[Any], Any]) -> None:
    before = vars(holder).get(name, _ABSENT)
    now = make(getattr(holder, name))
    setattr(holder, name, now)
    _plain.append((holder, name, before, vars(holder)[name]))


def _replace() -> None:
    _put(_io, "open_code", _open_code)
    _put(io, "open_code", lambda _: _io.open_code)
    _put(_external.SourceLoader, "get_code", _get_code)
    _put(_external.SourcelessFileLoader, "get_code", _no_bytecode)
    _put(_external.ExtensionFileLoader, "create_module", _create_module)
    _put(_external.NamespaceLoader, "get_resource_reader", _get_resource_reader)
    _put(_external.PathFinder, "find_distributions", _find_distributions)


def _restore() -> None:
    """As it was; what somebody else has replaced since stays, and asks us for nothing."""
    while _plain:
        holder, name, before, now = _plain.pop()
        if vars(holder).get(name) is now:
            if before is _ABSENT:
                delattr(holder, name)
            else:
                setattr(holder, name, before)


# --- J1, J2 --------------------------------------------------------------------------------------


def _open_code(plain: Any) -> Any:
    def open_code(path: str) -> Any:
        found = _below(path)
        if found is None:
            return plain(path)
        hook, where = found
        if not os.path.lexists(where) or where.endswith(".pyc"):
            if hook.state.opening.find(where) is None:
                raise FileNotFoundError(2, "not covered", path)
        return io.BytesIO(hook.source(where))

    return open_code


def _get_code(plain: Any) -> Any:
    def get_code(self: Any, fullname: str) -> Any:
        found = None
        if (
            getattr(type(self), "get_data", None) is _external.FileLoader.get_data
        ):  # else it reads what it likes
            path = self.get_filename(fullname)
            found = _below(path)
        if found is None:
            return plain(self, fullname)
        hook, where = found
        return self.source_to_code(hook.source(where, fullname), path)

    return get_code


def _no_bytecode(plain: Any) -> Any:
    def get_code(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        if _below(path) is None:
            return plain(self, fullname)
        raise NotCovered(
            f"{shown(path)} is bytecode, which is not loaded",
            name=fullname,
            path=path,
            reason="not-listed",
        )

    return get_code


# --- J3 ------------------------------------------------------------------------------------------


def _create_module(plain: Any) -> Any:
    def create_module(self: Any, spec: Any) -> Any:
        found = _below(spec.origin) or _below(self.path)
        if found is None:
            return plain(self, spec)
        hook, where = found
        state = hook.state
        if state.opening.find(where) is not None:
            return ExtensionLoader(state.finder, spec.name, where).create_module(spec)
        if hook.policy != "warn":
            raise hook.refusal(where, spec.name)
        hook.source(where, spec.name)  # warns of it, or refuses it
        return plain(self, spec)

    return create_module


def plain_dlopen() -> Any:
    """That of `_ctypes`, which asks nobody. Raises ImportError."""
    import _ctypes

    found: Any = _ctypes.dlopen
    return getattr(found, "plain", found)


def libraries() -> None:
    """From here on `ctypes` asks the hooks: called when the first module from a root is loaded."""
    with _lock:
        if not _hooks or any(name == "dlopen" for _, name, _, _ in _plain):
            return
        try:
            import _ctypes
        except ImportError:  # nobody else can have it either
            return
        if hasattr(_ctypes, "dlopen"):
            _put(_ctypes, "dlopen", _dlopen)
            if "ctypes" in sys.modules:
                _put(sys.modules["ctypes"], "_dlopen", lambda _: _ctypes.dlopen)


def _dlopen(plain: Any) -> Any:
    def dlopen(name: Any, *mode: int) -> Any:
        text = os.fsdecode(name) if isinstance(name, (str, bytes, os.PathLike)) else ""
        found = _below(text) if "/" in text else None
        if found is None:
            return plain(name, *mode)
        hook, where = found
        if hook.policy == "warn" and hook.state.opening.find(where) is None:
            hook.source(where)
            return plain(name, *mode)
        return hook.native.dlopen(where, *mode)

    made: Any = dlopen
    made.plain = getattr(plain, "plain", plain)
    return made


# --- J4 ------------------------------------------------------------------------------------------


def _get_resource_reader(plain: Any) -> Any:
    def get_resource_reader(self: Any, fullname: str) -> Any:
        portions = [os.fspath(portion) for portion in self._path]
        for portion in portions:
            found = _below(portion, folder=True)
            if found is not None and found[0].policy != "warn":
                from sig.imports.resources import Reader

                hook = found[0]
                below = [hook.where(one) for one in portions]
                return Reader(hook.state.opening, [one for one in below if one is not None])
        return plain(self, fullname)

    return get_resource_reader


def _find_distributions(plain: Any) -> Any:
    def find_distributions(*given: Any, **named: Any) -> Iterator[Any]:
        from importlib.metadata import DistributionFinder

        context = given[0] if given else named.get("context")
        if context is None:
            context = DistributionFinder.Context()
        for path in context.path:
            found = _below(path, folder=True)
            if found is None or found[0].policy == "warn":
                here = DistributionFinder.Context(name=context.name, path=[path])
                yield from plain(here)
                continue
            if not found[0].away:
                from sig.imports.metadata import in_folder

                yield from in_folder(found[0].state.opening, found[1], context.name)

    return staticmethod(find_distributions)
