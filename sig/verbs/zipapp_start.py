"""What a Python runs in place of a zipapp: its modules, from memory.

Here: the code of the new process, which `zipapp` hands to it as text. It imports nothing of ours
and works from Python 3.9 on (`importlib.resources.files` from 3.10). Not here: what is in the
archive, and whether it may run.

Z1  What lies in the archive comes from the bytes that were verified. The path of the archive is for
    show: a path hook answers for it and for all below it, and nothing is opened there. It is not on
    sys.path, which children get: they would open it.
Z2  Sources only. Bytecode in an archive is not read, an extension module in it is not loaded.
Z3  What is not in the archive is found as plain Python finds it, but for the folder of the archive
    and the current one, which are not searched.
"""

from __future__ import annotations

import sys
from _frozen_importlib import ModuleSpec
from _frozen_importlib_external import PathFinder, decode_source
from _imp import extension_suffixes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType, ModuleType
    from typing import Any


class Archive:
    """The members of an archive, by path; `shown` is where it lies, in all spellings of that."""

    def __init__(self, shown: Iterable[str], files: dict[str, bytes], packages: str = "") -> None:
        self.shown = list(shown)
        self.files = files
        self.packages = packages
        self.folders = {""}
        for path in files:
            while path:
                path = path.rpartition("/")[0]
                self.folders.add(path)

    def below(self, path: object) -> str | None:
        """What a path is within the archive; None for one that leads elsewhere."""
        for start in self.shown if isinstance(path, str) else ():
            if path == start:
                return ""
            if isinstance(path, str) and path.startswith(start + "/"):
                parts = path[len(start) + 1 :].split("/")
                return "/".join(part for part in parts if part not in ("", "."))
        return None

    def path(self, below: str) -> str:
        return self.shown[0] + "/" + below if below else self.shown[0]

    def children(self, folder: str) -> list[str]:
        before = folder and folder + "/"
        found = [path[len(before) :] for path in self.files if path.startswith(before)]
        return list(dict.fromkeys(path.partition("/")[0] for path in found))

    # --- for sys.path_hooks and sys.meta_path ----------------------------------------------------

    def hook(self, path: str) -> Entry:
        """Z1."""
        below = self.below(path)
        if below is None:
            raise ImportError("not in the archive", path=path)
        return Entry(self, below)

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """A top-level module, as PathFinder would, were the archive on sys.path."""
        if path is not None:  # that has an entry of the hook
            return None
        found: ModuleSpec | None = PathFinder.find_spec(fullname, self.search())
        return found

    def search(self) -> list[str]:
        """Where top-level modules are looked for; a shiv's packages lie behind the library."""
        found = list(sys.path)
        if self.packages:
            ends = ("site-packages", "dist-packages")
            places = (at for at, path in enumerate(found) if path.rpartition("/")[2] in ends)
            found.insert(next(places, len(found)), self.path(self.packages))
        return [self.path(""), *found]

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """For `importlib.metadata`."""
        import re
        from importlib.metadata import Distribution

        archive = self

        class Packed(Distribution):
            def __init__(self, folder: str) -> None:
                self._folder = folder

            def read_text(self, filename: Any) -> str | None:
                data = archive.files.get(self._folder + "/" + str(filename))
                return None if data is None else data.decode("utf-8")

            def locate_file(self, path: Any) -> Any:
                from pathlib import Path

                return Path(archive.path(self._folder)).parent / path

        def plain(name: str) -> str:
            return re.sub(r"[-_.]+", "-", name).lower()

        own = vars(context).get("path")
        for entry in self.search() if own is None else own:
            folder = self.below(entry)
            for child in () if folder is None else self.children(folder):
                name = plain(child.partition("-")[0])
                wanted = context.name is None or plain(context.name) == name
                if wanted and child.endswith(".dist-info"):
                    yield Packed(folder + "/" + child if folder else child)


class Entry:
    """A folder of the archive as an entry of sys.path."""

    def __init__(self, archive: Archive, folder: str) -> None:
        self.archive = archive
        self.folder = folder
        self.path = archive.path(folder)

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        archive = self.archive
        name = fullname.rpartition(".")[2]
        stem = self.folder + "/" + name if self.folder else name
        for below, package in ((stem + "/__init__.py", True), (stem + ".py", False)):
            if below in archive.files:
                return _spec(archive, fullname, below, package)
        for suffix in extension_suffixes():
            if stem + suffix in archive.files or stem + "/__init__" + suffix in archive.files:
                told = fullname + " is an extension module, which is not loaded from an archive"
                raise ImportError(told, name=fullname, path=archive.path(stem + suffix))
        if stem not in archive.folders:
            return None
        found = ModuleSpec(fullname, None)
        found.submodule_search_locations = [archive.path(stem)]
        return found

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """For `pkgutil`."""
        before = self.folder and self.folder + "/"
        for child in sorted(self.archive.children(self.folder)):
            if before + child + "/__init__.py" in self.archive.files:
                yield prefix + child, True
            elif child.endswith(".py") and child != "__init__.py":
                yield prefix + child[:-3], False

    def invalidate_caches(self) -> None:
        pass


def _spec(archive: Archive, fullname: str, below: str, package: bool) -> ModuleSpec:
    loader: Any = Loader(archive, fullname, below)
    found = ModuleSpec(fullname, loader, origin=archive.path(below), is_package=package)
    found.has_location = True
    found.cached = None
    if package:
        found.submodule_search_locations = [archive.path(below.rpartition("/")[0])]
    return found


class Loader:
    """One module of the archive."""

    def __init__(self, archive: Archive, name: str, below: str) -> None:
        self.archive = archive
        self.name = name
        self.path = archive.path(below)
        self._below = below

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.get_code(self.name), module.__dict__)  # noqa: S102 - of the archive

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = compile(
            self.archive.files[self._below], self.path, "exec", dont_inherit=True
        )
        return code

    def get_source(self, fullname: str) -> str:
        try:
            return decode_source(self.archive.files[self._below])
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ImportError("source not available", name=fullname) from error

    def get_filename(self, fullname: str) -> str:
        return self.path

    def is_package(self, fullname: str) -> bool:
        return self._below.endswith("/__init__.py")

    def get_data(self, path: str) -> bytes:
        below = self.archive.below(path)
        if below is None or below not in self.archive.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.archive.files[below]

    def get_resource_reader(self, fullname: str) -> Reader:
        return Reader(Resource(self.archive, self._below.rpartition("/")[0]))


class Resource:
    """A file or folder of the archive, for `importlib.resources`."""

    def __init__(self, archive: Archive, below: str) -> None:
        self._archive = archive
        self._below = below

    @property
    def name(self) -> str:
        return self._below.rpartition("/")[2]

    def is_file(self) -> bool:
        return self._below in self._archive.files

    def is_dir(self) -> bool:
        return self._below in self._archive.folders

    def iterdir(self) -> Iterator[Resource]:
        return (self.joinpath(child) for child in self._archive.children(self._below))

    def joinpath(self, *names: str) -> Resource:
        below = self._below
        for name in names:
            for part in str(name).split("/"):
                if part == "..":
                    below = below.rpartition("/")[0]
                elif part not in ("", "."):
                    below = below + "/" + part if below else part
        return Resource(self._archive, below)

    __truediv__ = joinpath

    def read_bytes(self) -> bytes:
        if not self.is_file():
            raise FileNotFoundError(2, "No such file or directory", self._archive.path(self._below))
        return self._archive.files[self._below]

    def read_text(self, encoding: str | None = None, errors: str = "strict") -> str:
        with self.open("r", encoding=encoding or "utf-8", errors=errors) as stream:
            text: str = stream.read()
        return text

    def open(self, mode: str = "r", *given: Any, **named: Any) -> Any:
        import io

        stream = io.BytesIO(self.read_bytes())
        return stream if "b" in mode else io.TextIOWrapper(stream, *given, **named)


class Reader:
    """What `importlib.resources` asks of a loader."""

    def __init__(self, folder: Resource) -> None:
        self._folder = folder

    def files(self) -> Resource:
        return self._folder

    def open_resource(self, resource: str) -> Any:
        return self._folder.joinpath(resource).open("rb")

    def resource_path(self, resource: str) -> str:
        raise FileNotFoundError(resource)  # it has none; who asks takes a temporary copy

    def is_resource(self, path: str) -> bool:
        return self._folder.joinpath(path).is_file()

    def contents(self) -> Iterator[str]:
        return (child.name for child in self._folder.iterdir())


def start(shown: list[str], files: dict[str, bytes], folder: str, entry: str) -> None:
    """Run the archive: `entry` is what is called, or empty for its `__main__.py`.

    `folder` is where the packages of a shiv lie in it, or empty.
    """
    archive = Archive(shown, files, folder)
    finder: Any = archive
    finders: list[Any] = sys.meta_path
    sys.path_hooks.insert(0, archive.hook)
    sys.path_importer_cache.clear()
    at = finders.index(PathFinder) if PathFinder in finders else len(finders)
    finders.insert(at, finder)
    main = sys.modules["__main__"]
    if entry:
        _call(entry)
    spec = _spec(archive, "__main__", "__main__.py", False)
    loader: Any = spec.loader
    main.__spec__ = spec
    main.__loader__ = loader
    main.__file__ = loader.path
    main.__package__ = ""
    exec(loader.get_code("__main__"), main.__dict__)  # noqa: S102 - what a run is


def _call(entry: str) -> None:
    """``MODULE:ATTRIBUTE`` or a dotted name, as shiv reads it."""
    from importlib import import_module

    name, _, attribute = entry.partition(":")
    if not attribute:
        name, _, attribute = entry.rpartition(".")
    found: Any = import_module(name)
    for part in attribute.split("."):
        found = getattr(found, part)
    sys.exit(found())
