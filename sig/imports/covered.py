"""Which file a name stands for, and what a path has to contain: the tables of a plan.

Here: what follows from a plan alone. Not here: the disk (`opening`), the import system (`finder`).

C1  One folder, one table: roots with the same base share a *place* (site-packages).
C2  Two roots never give one path two digests. Who makes a plan checks that before (`check`).
C3  What an installer writes is nobody's: RECORD and its like, `__pycache__`, wrappers of scripts.
C4  A wheel's `*.data/purelib` and `platlib` lie in the place, `data` below the prefix: no module.
C5  In a folder a package stands before an extension module, that before a source file (as in plain
    Python). Bytecode is never a module.
C6  A folder is there if a covered file lies below it.

Tables are made when the first name is looked up in a place: an environment of forty thousand files
costs a script nothing that imports none of them.
"""

from __future__ import annotations

from _imp import extension_suffixes

from .paths import fsdecode, normpath
from .plan import PYTHON, Plan, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Covering = tuple[str, Root]  # digest, and whose it is

EXTENSIONS: tuple[str, ...] = tuple(extension_suffixes())
_SUFFIXES = (*EXTENSIONS, ".py")
_SITES = frozenset(("site-packages", "dist-packages"))
# C3: `sig.model.wheel.WRITTEN`, which is not in the child.
_WRITTEN = frozenset(
    ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json")
    + ("uv_build.json", "uv_cache.json")
)


class Place:
    """A folder with all that is covered below it (C1)."""

    __slots__ = ("_files", "_sorted", "_tables", "_tops", "base", "data", "roots")

    base: str
    roots: list[Root]
    data: dict[str, Covering]
    """Absolute path -> what lies below the prefix (C4); complete once `files` was asked for."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.roots = []
        self.data = {}
        self._files: dict[str, Covering] | None = None
        self._sorted: list[str] | None = None
        self._tops: set[str] | None = None
        self._tables: dict[str, dict[str, Covering]] = {}

    def __repr__(self) -> str:
        return f"<Place {self.base}>"

    @property
    def files(self) -> dict[str, Covering]:
        """Path below the base -> what covers it. Raises ValueError (C2)."""
        if self._files is None:
            files: dict[str, Covering] = {}
            for root in self.roots:
                found = self._table(root)
                if not files.keys().isdisjoint(found):
                    for path in files.keys() & found.keys():
                        _agree(path, files[path], found[path])
                files.update(found)
                self._tables[root.name] = found
            self._files = files  # last: another thread may make the same table meanwhile
        return self._files

    def of(self, root: Root) -> dict[str, Covering]:
        """The part of `files` that one root covers."""
        return self._tables[root.name] if self.files is not None else {}

    def path(self, below: str) -> str:
        return f"{self.base.rstrip('/')}/{below}" if below else self.base

    def _table(self, root: Root) -> dict[str, Covering]:
        lines = fsdecode(root.manifest).split("\n")
        lines.pop()
        found = {line[66:]: (line[:64], root) for line in lines}
        installed = root.name.startswith("dist/")
        odd = [path for path in found if "__pycache__" in path]
        if installed:
            odd += [path for path in found if ".data/" in path or ".dist-info/" in path]
        moved: list[tuple[str, str, Covering]] = []
        for path in odd:
            top, _, rest = path.partition("/")
            written = installed and top[-10:] == ".dist-info" and rest in _WRITTEN
            if written or "__pycache__" in path.split("/"):
                found.pop(path, None)
            elif installed and top.endswith(".data") and path in found:
                kind, _, rest = rest.partition("/")
                moved.append((kind, rest, found.pop(path)))
        # Once all have left: what is moved may come to lie where another was.
        for kind, rest, covering in moved:
            if not rest:
                continue  # it names the folder itself, where no file can lie
            if kind in ("purelib", "platlib"):
                _agree(rest, found.setdefault(rest, covering), covering)
            elif kind == "data" and root.prefix:
                there = f"{root.prefix.rstrip('/')}/{rest}"
                _agree(there, self.data.setdefault(there, covering), covering)
        return found

    def module(self, folder: str, name: str) -> tuple[str, str, bool] | None:
        """The file of a module in a folder, its suffix, and whether it is a package (C5)."""
        if "/" in name:  # only by import_module: no name of a module, but one of a path
            return None
        files = self.files
        if not folder and name not in self._first_names():  # most are of the standard library
            return None
        stem = f"{folder}/{name}" if folder else name
        for suffix in _SUFFIXES:
            path = f"{stem}/__init__{suffix}"
            if path in files:
                return path, suffix, True
        for suffix in _SUFFIXES:
            path = stem + suffix
            if path in files:
                return path, suffix, False
        return None

    def _first_names(self) -> set[str]:
        """What lies in the folder itself, without what follows a dot."""
        if self._tops is None:
            self._tops = {path.partition("/")[0].partition(".")[0] for path in self.files}
        return self._tops

    def there(self, folder: str) -> bool:
        """Whether there is such a folder (C6)."""
        paths, start = self._first(folder)
        return start < len(paths) and paths[start].startswith(folder and folder + "/")

    def below(self, folder: str) -> list[str]:
        """The paths of all files below a folder."""
        paths, start = self._first(folder)
        before = folder and folder + "/"
        end = start
        while end < len(paths) and paths[end].startswith(before):
            end += 1
        return paths[start:end]

    def children(self, folder: str) -> list[str]:
        """The names in a folder, each once; none where there is no such folder."""
        length = len(folder) + 1 if folder else 0
        return list(dict.fromkeys(path[length:].partition("/")[0] for path in self.below(folder)))

    def _first(self, folder: str) -> tuple[list[str], int]:
        """All paths, sorted, and the number of the first that could lie below a folder."""
        if self._sorted is None:
            self._sorted = sorted(self.files)
        paths = self._sorted
        before = folder and folder + "/"
        low, high = 0, len(paths)
        while low < high:
            middle = (low + high) // 2
            if paths[middle] < before:
                low = middle + 1
            else:
                high = middle
        return paths, low


class Covered:
    """All places of a plan, and the order in which a top-level name is looked for.

    `search` holds a place and a folder in it, or None and a folder of stdlib or system. `python` is
    the root of an interpreter that is not the system's, and `library` its place.
    """

    __slots__ = (
        "_ordinary",
        "_prefixes",
        "_system",
        "library",
        "places",
        "plan",
        "python",
        "search",
    )

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        places: dict[str, Place] = {}
        app: list[tuple[Place | None, str]] = []
        library: list[tuple[Place | None, str]] = []
        others: list[tuple[Place | None, str]] = []
        self.python: Root | None = None
        for root in plan.roots:
            place = places.setdefault(root.base, Place(root.base))
            place.roots.append(root)
            found = app if root is plan.roots[0] else others
            if root.name == PYTHON:
                self.python = root
                found = library
            for folder in root.search:
                if (place, folder) not in found:
                    found.append((place, folder))
        self.library = None if self.python is None else places[self.python.base]
        # The longest base first: an environment may lie in the folder of the app.
        self.places = tuple(sorted(places.values(), key=lambda place: -len(place.base)))
        self.search = (
            *app,
            *((None, folder) for folder in plan.stdlib),
            *library,
            *others,
            *((None, folder) for folder in plan.system),
        )
        prefixes = {
            (root.prefix.rstrip("/") + "/", place)
            for place in self.places
            for root in place.roots
            if root.prefix
        }
        self._prefixes = tuple(prefixes)
        self._system = tuple(folder.rstrip("/") + "/" for folder in plan.system)
        self._ordinary = tuple(folder.rstrip("/") + "/" for folder in plan.stdlib)

    def shown(self) -> list[str]:
        """What sys.path says."""
        return [place.path(folder) if place else folder for place, folder in self.search]

    def file(self, path: str) -> tuple[str, Covering] | None:
        """The one spelling of an absolute path, and what covers it."""
        path = normpath(path)
        if path == self.plan.file and self.plan.entry[0] == "file":
            path = self.entry()  # whatever the link that was typed leads to by now
        for place, below in self._below(path):
            covering = place.files.get(below)
            if covering is not None:
                return path, covering
        for prefix, place in self._prefixes:
            if path.startswith(prefix) and place.files:
                covering = place.data.get(path)
                if covering is not None:
                    return path, covering
        return None

    def folder(self, path: str) -> tuple[Place, str] | None:
        """The place of an absolute path below which something is covered, and the folder in it."""
        for place, below in self._below(normpath(path)):
            if place.there(below):
                return place, below
        return None

    def ordinary(self, path: str) -> bool:
        """Whether an absolute path lies where only root can write, and plain Python looks."""
        if self.system(path):
            return True
        path = normpath(path) + "/"
        for folder in self._ordinary:
            if path.startswith(folder):
                return _SITES.isdisjoint(path[len(folder) :].split("/"))
        return False

    def system(self, path: str) -> bool:
        """Whether an absolute path lies in the folders of the system's packages."""
        return (normpath(path) + "/").startswith(self._system)

    def check(self) -> None:
        """All tables, made now. Raises ValueError (C2), also for an entry that is not covered."""
        data: dict[str, Covering] = {}
        for place in self.places:
            files = place.files  # completes its data, too
            for outer, folder in self._below(place.base):
                if outer is not place and outer.there(folder):  # else none of its files is in both
                    for below in outer.below(folder):
                        inner = below[len(folder) :].lstrip("/")
                        _agree(below, outer.files[below], files.get(inner))
            for path, covering in place.data.items():
                _agree(path, covering, data.setdefault(path, covering))
                for other, below in self._below(path):
                    _agree(path, covering, other.files.get(below))
        kind, path = self.plan.entry[:2]
        if kind == "file" and path not in self._app().of(self.plan.roots[0]):
            raise ValueError(f"{path!r} is not in the manifest of the app")

    def entry(self) -> str:
        """The file in which a run starts."""
        return self._app().path(self.plan.entry[1])

    def _app(self) -> Place:
        return next(place for place in self.places if place.base == self.plan.roots[0].base)

    def _below(self, path: str) -> Iterator[tuple[Place, str]]:
        for place in self.places:
            base = place.base.rstrip("/")
            if path == place.base:
                yield place, ""
            elif path.startswith(base) and path[len(base) : len(base) + 1] == "/":
                yield place, path[len(base) + 1 :]


def _agree(path: str, one: Covering, other: Covering | None) -> None:
    if other is not None and one[0] != other[0]:
        raise ValueError(f"{path!r} is not the same in {one[1].name} and {other[1].name}")  # C2
