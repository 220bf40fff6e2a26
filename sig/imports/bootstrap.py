"""The first of a run: what the sealed file that sig made (`packing`) does in a fresh Python.

Here: from the start of the interpreter to the first line of the program, and from its last line to
the end of the process. Not here: what the program imports (`finder`).

B1  Whatever the file holds was read into memory and its descriptor closed; every trace of its path
    goes. Who opens a file later gets that number, and nothing may be imported from it.
B2  Python's own finder is replaced before anything of the program is read.
B3  The program sees what plain Python shows: names, arguments, `__main__`, tracebacks, exit status.
    Our modules are found under one private name only.
B4  A refusal ends the process, in whatever thread, and whatever the program does about it: stdio is
    flushed, the reason told, no handler asked.
B5  What it runs under it can ask: ``sig.runtime`` is handed in, whatever lies on the disk.
B6  The garbage collector is not asked about what was there before the program: at the end it would
    look at all of that several times. `__main__` is made after that, or what a program leaves in
    it would not be collected either.

Runs on Python 3.9 and later; imports next to nothing that a bare start has not loaded already.
"""

from __future__ import annotations

import _frozen_importlib_external
import gc
import marshal
import sys
from _frozen_importlib import ModuleSpec
from _imp import is_frozen

if not is_frozen("os"):  # then it is found as long as plain Python finds (`paths`)
    import os  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any, NoReturn

_external: Any = _frozen_importlib_external  # what no stub has
posix = _external._os  # as Python itself has it, on every system

PACKAGE = "_sig_imports"
# What stands in our code as its file: so Python leaves our frames out of tracebacks of imports.
FILE = "<frozen importlib._bootstrap_external>"

_RUNTIME = "sig.runtime"
_COMM = 15
_LOADER = "SIG_LOADER"  # stands in the environment of a program that a loader has started
_SHELL = dict.fromkeys(map(ord, "@%+=:,./-_"), "a")
_exit: Callable[[int], NoReturn] = posix._exit
_write = posix.write
_first: ModuleType | None = None  # in whose namespace Python began: it is not let go
_loads = marshal.loads  # before what a program gets takes its place (`doors`)


class _Memory:
    """Our other modules, from memory."""

    def __init__(self, codes: dict[str, memoryview], compiled: bool) -> None:
        self._codes = codes
        self._compiled = compiled
        self.context = ""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:
        if fullname == _RUNTIME and self.context:
            given: Any = _Runtime(self.context)
            return ModuleSpec(fullname, given, origin="sealed")
        if not fullname.startswith(PACKAGE):
            return None
        name = fullname[len(PACKAGE) :]
        if name and name[1:] not in self._codes:
            return None
        loader: Any = self
        return ModuleSpec(fullname, loader, origin="sealed", is_package=not name)

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        data = self._codes.get(module.__name__[len(PACKAGE) + 1 :])
        if data is not None:
            if self._compiled:
                code = _loads(data)
            else:
                code = compile(data, FILE, "exec", dont_inherit=True)
            exec(code, module.__dict__)  # noqa: S102 - the same

    def load(self, name: str) -> Any:
        """One of them: as an import does, which asks several finders and takes longer."""
        fullname = f"{PACKAGE}.{name}"
        module: Any = sys.modules.get(fullname)
        if module is None:
            module = sys.modules[fullname] = type(sys)(fullname)
            module.__spec__ = self.find_spec(fullname)
            module.__package__, module.__loader__ = PACKAGE, self
            self.exec_module(module)
        return module

    def package(self, fullname: str) -> Any:
        """An empty one for B5, where no covered one has its name."""
        if fullname != _RUNTIME.partition(".")[0] or not self.context:
            return None
        empty: Any = _Runtime("")
        spec = ModuleSpec(fullname, empty, origin="sealed", is_package=True)
        spec.submodule_search_locations = []
        return spec


class _Runtime:
    """B5. What the program may ask about itself."""

    def __init__(self, said: str) -> None:
        self._said = said

    def create_module(self, spec: object) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        if said := self._said:

            def context() -> Any:
                """Who vouched for this program, by what policy, and what it is made of."""
                import json

                return json.loads(said)

            module.context = context


def start(
    text: bytes,
    codes: dict[str, memoryview],
    compiled: bool,
    pack: list[memoryview],
) -> None:
    """Becomes the program.

    `text` is the plan, `codes` are our modules, as marshalled code or as source. `pack` is empty,
    or the table of a pack and the pack.
    """
    memory = _Memory(codes, compiled)
    _forget()
    sys.meta_path.insert(0, memory)
    encoded = memory.load("paths").fsencode  # each before those that import it
    plan = memory.load("plan").read(text)
    covered = memory.load("covered").Covered(plan)
    given = None
    if covered.python is not None:
        given = memory.load("early").load(plan, covered.python)
    loads: list[tuple[str, str, str, str, int]] = []

    def told(*load: Any) -> None:
        loads.append(load)
        if plan.trace:
            name, path, digest, root, microseconds = load
            _tell(shown(f"sig: {name} {path} {digest[:12]} {root} {microseconds}") + "\n")

    shown = memory.load("opening").shown

    def refuse(code: int, message: str) -> NoReturn:
        before = after = ""
        if _LOADER in plan.environment and opening.tampered:
            before = f"SECURITY VIOLATION: '{opening.tampered}' has been tampered with!\n"
            after = shown(f"hint: if you changed it yourself: {_again(plan)}") + "\n"
        stop(code, message, before, after)

    opening = memory.load("opening").Opening(
        covered, refuse, told if plan.trace or plan.report else None
    )
    memory.context = plan.context
    finder = memory.load("finder").Finder(opening, memory.find_spec, memory.package)
    if pack:
        finder.bytecode = memory.load("bytecode").Bytecode(*pack)
        finder.opening.expect(len(pack[1]))  # code is about as long as its source
    doors = memory.load("doors")
    del sys.meta_path[0], sys.modules["__future__"]  # a stub of `packing`
    _dress(plan, encoded)  # before: what it needs is Python's own
    doors.install(finder)  # B2
    if given is not None:
        memory.load("early").adopt(finder, plan, covered.python, given)
    if plan.report:
        import atexit

        atexit.register(
            _report, posix.getpid(), plan.report, loads, opening
        )  # the first one registered runs last
    if plan.entry[0] == "file":
        path = plan.file or covered.entry()
        loader = memory.load("finder").SourceLoader(finder, "__main__", path)
        data, digest = opening.verified(covered.entry(), "__main__")
        packed = finder.bytecode and finder.bytecode.code(digest, path)
        scope = _main(path, loader)
        _run(packed or data, path, scope, 1)
    elif plan.entry[0] == "code":  # a child of the program: what multiprocessing starts it with
        scope = _main("", None)
        _run(plan.entry[1], "<string>", scope, 1)  # a text: bytes could say how to read them
    else:
        _, module, attribute = plan.entry
        first = attribute.partition(".")[0]
        source = f"import sys\nfrom {module} import {first}\nsys.exit({attribute}())\n"
        scope = _main(plan.file, None)
        _run(source.encode(), FILE, scope, 2)
    for name in ("__file__", "__cached__"):  # as plain Python does, before threads are waited for
        scope.pop(name, None)


def _forget() -> None:
    """B1, where Python itself has opened the file."""
    sys.path[:] = [entry for entry in sys.path if not entry.startswith("/proc/")]
    sys.path_importer_cache.clear()
    if "zipimport" in sys.modules:
        sys.modules["zipimport"]._zip_directory_cache.clear()


def _main(path: str, loader: object) -> dict[str, Any]:
    """B3, B6. The namespace of a `__main__` as plain Python makes it."""
    global _first
    gc.freeze()
    _first = sys.modules["__main__"]
    main = sys.modules["__main__"] = type(sys)("__main__")
    scope = vars(main)
    before = vars(_first)
    if "__annotations__" in before:  # not of every Python
        scope["__annotations__"] = {}
    before.clear()
    scope.update(__loader__=loader, __builtins__=sys.modules["builtins"])
    if path:
        scope.update(__file__=path, __cached__=None)
    return scope


def _dress(plan: Any, encoded: Callable[[str], bytes]) -> None:
    """B3. What `site` would have added, and what the caller's command line has put in the way."""
    if plan.prefix:
        sys.prefix = sys.exec_prefix = plan.prefix
    _builtins()
    sys.argv[0] = plan.argv0
    known: Any = sys
    known.executable = known._base_executable = plan.executable
    if hasattr(sys, "orig_argv"):  # Python 3.10
        sys.orig_argv[:] = [plan.executable or sys.orig_argv[0], *sys.argv]
    for name, value in plan.environment.items():
        if "os" in sys.modules:  # it has its own copy
            sys.modules["os"].environ[name] = value
        else:
            posix.putenv(encoded(name), encoded(value))
            posix.environ[encoded(name)] = encoded(value)
    try:
        descriptor = posix.open("/proc/self/comm", posix.O_WRONLY | posix.O_CLOEXEC)
        try:
            _write(descriptor, encoded(plan.argv0.rpartition("/")[2])[:_COMM])
        finally:
            posix.close(descriptor)
    except OSError:
        pass  # it is a name for people


def _builtins() -> None:
    """What `site` adds; it is imported itself, with `os`, by who asks for the long texts."""
    import _sitebuiltins
    import builtins

    known: Any = builtins
    for name in ("quit", "exit"):
        setattr(known, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    for name in ("copyright", "credits", "license"):
        setattr(known, name, _Text(name))
    known.help = _sitebuiltins._Helper()


class _Text:
    """One of the long texts, until somebody asks."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _found(self) -> Any:
        import builtins
        import site

        here = vars(builtins)
        kept = here.copy()
        site.setcopyright()
        found = here[self._name]
        for name, value in kept.items():
            if here[name] is not value and not isinstance(value, _Text):
                here[name] = value  # the program's own
        return found

    def __repr__(self) -> str:
        return repr(self._found())

    def __call__(self) -> None:
        self._found()()


# --- the program ---------------------------------------------------------------------------------


def _run(source: bytes | str | CodeType, path: str, names: dict[str, Any], ours: int) -> None:
    """Runs it, and ends as plain Python does; `ours` are the frames that are none of its own."""
    failed = None
    try:
        if isinstance(source, (bytes, str)):
            source = compile(source, path, "exec", dont_inherit=True)
        exec(source, names)  # noqa: S102 - what a run is
    except SystemExit:
        raise
    except BaseException as error:
        failed = error
    if failed is not None:  # not before: while it is handled it would be the context of others
        _fail(failed, ours)


def _fail(error: BaseException, ours: int) -> NoReturn:
    """What PyErr_Print does in C, and what `python script.py` does after it."""
    traceback = error.__traceback__
    while ours and traceback is not None:
        traceback, ours = traceback.tb_next, ours - 1
    error.__traceback__ = traceback
    kind = type(error)
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, traceback
    if sys.hexversion >= 0x30C0000:
        sys.last_exc = error  # type: ignore[attr-defined, unused-ignore]  # of Python 3.12
    hook: Any = getattr(sys, "excepthook", None)
    sys.audit("sys.excepthook", hook, kind, error, traceback)
    failed = None
    try:
        if hook is None:
            _tell("sys.excepthook is missing\n")
            hook = sys.__excepthook__
        hook(kind, error, traceback)
    except SystemExit:
        raise
    except BaseException as second:
        failed = second
    if failed is not None:
        inner = failed.__traceback__ and failed.__traceback__.tb_next
        _tell("Error in sys.excepthook:\n")
        sys.__excepthook__(type(failed), failed.with_traceback(inner), inner)
        _tell("\nOriginal exception was:\n")
        sys.__excepthook__(kind, error, traceback)
    if isinstance(error, KeyboardInterrupt):
        kept: Any = sys
        kept._sig_interrupted = _Interrupted()
    raise SystemExit(1)


class _Interrupted:
    """Dies of SIGINT, so that a shell sees it, when all else of the interpreter is gone: of what
    Python clears, the attributes of `sys` are the last."""

    def __init__(self) -> None:
        self._last = _flush, posix.kill, posix.getpid()  # our own names are cleared before

    def __del__(self) -> None:
        flush, kill, process = self._last
        flush()
        kill(process, 2)


# --- what is told --------------------------------------------------------------------------------


def stop(code: int, message: str, before: str = "", after: str = "") -> NoReturn:
    """Ends the process (B4), with whole lines before and after what is wrong."""
    try:
        _flush()
        _tell(f"{before}error: {message}\n{after}error: stopped\n")
    finally:
        _exit(code)


def _again(plan: Any) -> str:
    """What is typed where whoever owns the program has changed it."""
    app = plan.roots[0].base
    lock = f"{app.rstrip('/')}/{plan.app}.lock"
    return f"sig lock {_quoted(plan.file or app)} && sig attest {_quoted(lock)}"


def _quoted(path: str) -> str:
    """As `shlex.quote`, which would be imported for it."""
    plain = path.isascii() and path.translate(_SHELL).isalnum()
    return path if plain else "'" + path.replace("'", "'\"'\"'") + "'"


def _flush(sys: Any = sys) -> None:
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except BaseException:  # noqa: S110 - whatever it is: this is the end
            pass


def _tell(text: str) -> None:
    try:
        _write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:
        pass  # nobody listens


def _report(
    process: int, path: str, loads: list[tuple[str, str, str, str, int]], opening: Any
) -> None:
    """What was loaded, for who packs it or looks at it."""
    if posix.getpid() != process:  # a fork that ends as its parent will
        return
    names = ("name", "path", "sha256", "root", "microseconds")
    loads = loads.copy()  # what comes with the next line is ours
    modules = sys.modules.copy()
    import json

    ours = {load[0] for load in loads}
    others = {
        name: getattr(getattr(module, "__spec__", None), "origin", None)
        for name, module in modules.items()
        if name not in ours and not name.startswith(PACKAGE)
    }
    found = {
        "modules": [dict(zip(names, load)) for load in loads],  # noqa: B905 - of Python 3.10
        "others": others,
        "settled": sorted(opening.settled),
    }
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(found, stream, ensure_ascii=True, indent=1)
        stream.write("\n")
