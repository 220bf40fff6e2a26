"""What of an interpreter that is not the system's was there before the finder: put in order.

Here: the extension modules that our own need, and the names under which Python has loaded what it
needed first. Not here: what was given to it (`interpreter`, on sig's side).

Y1  What was given was verified and sealed by sig. Its descriptors are closed before the program
    starts, and every name in it that leads to a number of a descriptor is replaced by that of the
    file.
Y2  From then on those modules are like all others of the standard library: what else is imported of
    them is covered, and comes through the finder.
Y3  An extension module that only we have imported is not there yet, as far as the program sees.
Y4  Such an interpreter got no -I (`packing`, Z6). By that `tkinter` would run files of the home.
"""

from __future__ import annotations

import _imp
import os
import sys
from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from .finder import Finder
    from .plan import Plan, Root

_OURS = "/proc/self/fd/"
_DEPTH = 2  # classes within classes
_FUNCTION = type(lambda: None)


def load(plan: Plan, root: Root) -> dict[str, ModuleType]:
    """The extension modules that were given, by the path of their file; `root` is that of the
    interpreter. Others of ours import some of them.
    """
    found = {}
    for name, path, copy in plan.early:
        if name:
            spec = ModuleSpec(name, None, origin=copy)
            module = _imp.create_dynamic(spec)
            _imp.exec_dynamic(module)
            module.__file__ = path
            sys.modules[name] = found[path] = module
    for _, _, copy in plan.early:
        os.close(int(copy.rpartition("/")[2]))
    sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = root.base
    return found


def adopt(finder: Finder, plan: Plan, root: Root, given: dict[str, ModuleType]) -> None:
    """Y1 to Y4, when the finder is in place; `given` is what `load` gave."""
    library = f"{root.base.rstrip('/')}/{root.search[0]}/"
    there: Any = sys
    if hasattr(there, "_stdlib_dir"):  # Python 3.11: what is frozen has the name of a file, too
        before, there._stdlib_dir = there._stdlib_dir, library[:-1]
    else:
        before = None
    for name, module in sys.modules.copy().items():
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.startswith(_OURS):
            continue
        if before and file.startswith(before + "/"):
            path = library + file[len(before) + 1 :]
        else:
            path = library + file[len(_OURS) :].partition("/")[2]
        _move(finder, module, name, file, path)
    there = sys.modules["site"]
    there.PREFIXES[:] = [sys.prefix, sys.exec_prefix]
    finder.copies += [(path, copy) for _, path, copy in plan.early]
    for path, module in given.items():
        del sys.modules[module.__name__]  # Y3
        finder.early[path] = module
    finder.patches["tkinter"] = _without_profile


def _without_profile(tkinter: Any) -> None:
    """Y4. ``~/.Tk.py`` and the like."""
    tkinter.Tk.readprofile = lambda tk, base_name, class_name: None


def _move(finder: Finder, module: ModuleType, name: str, file: str, path: str) -> None:
    spec: Any = module.__spec__
    module.__file__ = path
    if hasattr(module, "__path__"):
        module.__path__ = [os.path.dirname(path)]
    if spec is not None and spec.origin == file:
        found = finder.loaded(name, path)
        module.__spec__, module.__loader__ = found, found.loader
        vars(module).pop("__cached__", None)
        _rename(vars(module), file, path, 0)
    elif spec is not None:  # frozen
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations = [os.path.dirname(path)]
        if spec.loader_state is not None:
            spec.loader_state.filename = path


def _rename(names: dict[str, Any], file: str, path: str, depth: int) -> None:
    """Of functions of a module, as far as tracebacks will show them."""
    for value in list(names.values()):
        within = [getattr(value, attribute) for attribute in _WITHIN.get(type(value), ())]
        for one in (value, *within):
            if type(one) is _FUNCTION and one.__code__.co_filename == file:
                one.__code__ = _renamed(one.__code__, file, path)
        if isinstance(value, type) and depth < _DEPTH:
            _rename(dict(vars(value)), file, path, depth + 1)


_WITHIN = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
}


def _renamed(code: Any, file: str, path: str) -> Any:
    inner = tuple(
        [
            _renamed(one, file, path) if getattr(one, "co_filename", None) == file else one
            for one in code.co_consts
        ]
    )
    return code.replace(co_filename=path, co_consts=inner)
