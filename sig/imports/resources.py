"""Resources of covered packages: what `importlib.resources` and `pkgutil.get_data` give.

Here: folders and files as Traversables, in all the spellings of Python 3.9 to 3.14. Not here: how
a file is read (`opening`).

A1  What is listed is what is covered; any other file is not there.
A2  Bytes are those that were hashed.
A3  A path is given (`as_file`, `str`) after the file was hashed. Who opens it later opens what lies
    there by then.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.resources
import io
import os
import pathlib

from .opening import Opening

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any


class Resource:
    """A file or a folder, that may be in several places (of a namespace package)."""

    def __init__(self, opening: Opening, paths: Sequence[str]) -> None:
        self._opening = opening
        self._paths = tuple(map(os.path.normpath, paths))

    def __repr__(self) -> str:
        return f"<Resource {self._paths[0]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and self._paths == other._paths

    def __hash__(self) -> int:
        return hash(self._paths)

    @property
    def name(self) -> str:
        return os.path.basename(self._paths[0])

    @property
    def suffix(self) -> str:
        return pathlib.PurePath(self.name).suffix

    @property
    def stem(self) -> str:
        return pathlib.PurePath(self.name).stem

    @property
    def parent(self) -> Resource:
        return Resource(self._opening, [os.path.dirname(path) for path in self._paths])

    def is_file(self) -> bool:
        return self._file() is not None

    def is_dir(self) -> bool:
        return any(map(self._opening.covered.folder, self._paths))

    def exists(self) -> bool:
        return self.is_file() or self.is_dir()

    def iterdir(self) -> Iterator[Resource]:
        """All that is covered in it (A1)."""
        names: dict[str, None] = {}
        for path in self._paths:
            found = self._opening.covered.folder(path)
            if found is not None:
                names.update(dict.fromkeys(found[0].children(found[1])))
        if not names:
            raise self._missing(errno.ENOTDIR if self.is_file() else errno.ENOENT)
        return (self.joinpath(name) for name in names)

    def joinpath(self, *descendants: str | os.PathLike[str]) -> Resource:
        found = [os.path.normpath(os.path.join(path, *descendants)) for path in self._paths]
        there = [path for path in found if Resource(self._opening, [path]).exists()]
        return Resource(self._opening, there or found[:1])

    __truediv__ = joinpath

    def read_bytes(self) -> bytes:
        path = self._file()
        data = None if path is None else self._opening.read(path)
        if data is None:
            raise self._missing(errno.EISDIR if self.is_dir() else errno.ENOENT)
        return data

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        with self.open("r", encoding=encoding, errors=errors) as stream:
            text: str = stream.read()
        return text

    def open(self, mode: str = "r", *given: Any, **named: Any) -> Any:
        """A stream of the verified bytes, to be read only."""
        if mode.replace("t", "") not in ("r", "rb", "br"):
            raise ValueError(f"a resource is not opened with mode {mode!r}")
        stream = io.BytesIO(self.read_bytes())
        return stream if "b" in mode else io.TextIOWrapper(stream, *given, **named)

    def on_disk(self) -> bool:
        """Whether it can be opened by its path."""
        return self._opening.on_disk(self._paths[0])

    def __fspath__(self) -> str:
        """Where it lies; a file was hashed (A3), and so were those below a folder (O4)."""
        for folder in self._paths:
            found = self._opening.covered.folder(folder)
            if found is not None:
                place = found[0]
                roots = {place.files[below][1] for below in place.below(found[1])}
                for root in roots:
                    self._opening.settle(root, place.path(found[1]) + "/")
        path = self._file()
        if path is not None:
            self._opening.check(path)
        return self._paths[0]

    __str__ = __fspath__

    def _file(self) -> str | None:
        for path in self._paths:
            if self._opening.covered.file(path) is not None:
                return path
        return None

    def _missing(self, number: int) -> OSError:
        return OSError(number, os.strerror(number), self._paths[0])


class Reader:
    """What a loader's `get_resource_reader` gives; `paths` are the folders of a package."""

    def __init__(self, opening: Opening, paths: Sequence[str]) -> None:
        self._files = Resource(opening, paths)

    def files(self) -> Resource:
        return self._files

    def open_resource(self, resource: str) -> Any:
        return self._files.joinpath(resource).open("rb")

    def resource_path(self, resource: str) -> str:
        found = self._files.joinpath(resource)
        if not found.is_file():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), resource)
        return os.fspath(found)

    def is_resource(self, path: str) -> bool:
        return self._files.joinpath(path).is_file()

    def contents(self) -> Iterator[str]:
        return (found.name for found in self._files.iterdir())


@contextlib.contextmanager
def _as_file(resource: Resource) -> Iterator[pathlib.Path]:
    if resource.on_disk():
        yield pathlib.Path(os.fspath(resource))
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder) / resource.name
        _copy(resource, place)
        yield place


def _copy(resource: Resource, place: pathlib.Path) -> None:
    if resource.is_file():
        place.write_bytes(resource.read_bytes())
        return
    place.mkdir()
    for one in resource.iterdir():
        _copy(one, place / one.name)


# Otherwise a copy in a temporary folder: another path than plain Python gives, and no safer.
importlib.resources.as_file.register(Resource, _as_file)  # type: ignore[attr-defined]  # typeshed lacks it
