"""A tree of files as one list of digests and paths (docs/spec/manifest).

Here: the text, which paths it can hold, what differs between two trees, and what a glob leaves out.
Not here: how a folder is hashed (`sig.repo.tree`), and how an archive is listed
(`sig.repo.archive`).

M1  The text is what `sha256sum` prints, ``HEX  PATH`` and a line feed, at least one file, at most
    64 MiB. What is written is sorted by the bytes of the path: one tree, one text, one id.
M2  A path leads to one place below the folder, on every system: its parts stand between ``/``, none
    is empty or ends in a dot or a space, none is longer than 255 bytes, all together at most 4096.
    It does not start as a drive does, and is not ``-``, which `sha256sum -c` takes for its input.
M3  It is text of one line: no control character, no backslash, no lone surrogate.
M4  No two paths are equal but for the case of ASCII letters and for how Unicode composes
    characters, and no file is the folder of another: a disk would hold only one of them.
M5  A glob leaves out files on purpose. It never hides a file that is listed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from sig.errors import FormatError
from sig.model import limits
from sig.model.identifier import Identifier

DEFAULT_EXCLUDES = (".bzr", ".git", ".hg", ".jj", ".svn", "__pycache__")
"""What a signer leaves out unless told otherwise: folders of version control, and bytecode."""

_DIGITS = b"0123456789abcdef"
_TOLD = 200  # characters of a path in a message


class Manifest:
    """The files of a tree, valid (M1–M4) or not made at all; `files` maps path to 64 hex digits.

    Two are equal if their texts are. Raises FormatError, which names the path.
    """

    __slots__ = ("_text", "files")

    _text: bytes
    files: Mapping[str, str]

    def __init__(self, files: Mapping[str, str]) -> None:
        _check_digests(files)
        check_paths(files)
        ordered = {path: files[path] for path in sorted(files)}  # as their bytes of UTF-8 do
        lines = [f"{digest}  {path}\n" for path, digest in ordered.items()]
        text = "".join(lines).encode()
        if len(text) > limits.MANIFEST:
            _too_large()
        self._set(ordered, text)

    def _set(self, ordered: dict[str, str], text: bytes) -> None:
        object.__setattr__(self, "files", MappingProxyType(ordered))
        object.__setattr__(self, "_text", text)

    @classmethod
    def of(cls, entries: Iterable[tuple[str, str]]) -> Manifest:
        """The manifest of these paths and digests, in whatever order they come."""
        files: dict[str, str] = {}
        count = 0
        for path, digest in entries:
            files[path] = digest
            count += 1
            if len(files) != count:
                raise FormatError(f"{told(path)}: stands twice")
        return cls(files)

    @property
    def text(self) -> bytes:
        """What is written, and what `sha256sum -c` checks (M1)."""
        return self._text

    @property
    def id(self) -> Identifier:
        """The name of the tree: the identifier of its text."""
        return Identifier.of_bytes(self.text)

    def __len__(self) -> int:
        return len(self.files)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Manifest) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"<Manifest of {len(self)} files, {self.id}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a manifest does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a manifest does not change")


# --- reading -------------------------------------------------------------------------------------


def read(raw: bytes) -> Manifest:
    """A list that `sha256sum` wrote: in any order, also with `` *``. Raises FormatError."""
    return Manifest(_read(raw))


def read_canonical(raw: bytes) -> Manifest:
    """A manifest that is named by its digest: only the one text of its tree. Raises FormatError."""
    files = _read(raw)
    check_paths(files)
    paths = list(files)
    if paths != sorted(paths) or raw.count(b" *") and Manifest(files).text != raw:
        raise FormatError("not the one form of a manifest: sorted by path, two spaces")
    # Then it is the text that would be made of it: made once more, it costs as much as all of this.
    found = object.__new__(Manifest)
    found._set(files, raw)
    return found


def _read(raw: bytes) -> dict[str, str]:
    if len(raw) > limits.MANIFEST:
        _too_large()
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise FormatError(f"line {number}: not UTF-8") from None
    if lines.pop():
        # What was cut off could have been a longer path.
        raise FormatError(f"line {len(lines) + 1}: does not end")
    digests = [line[:64] for line in lines]
    paths = [line[66:] for line in lines]
    # Two characters in this place also mean that 64 stand before them.
    if not {line[64:66] for line in lines} <= {"  ", " *"} or not _hex("".join(digests)):
        _refuse_line(lines)
    files = dict(zip(paths, digests, strict=True))
    if len(files) != len(lines):
        seen: set[str] = set()
        for number, path in enumerate(paths, 1):
            if path in seen:
                raise FormatError(f"line {number}: {told(path)}: stands twice")
            seen.add(path)
    return files


def _refuse_line(lines: Sequence[str]) -> NoReturn:
    for number, line in enumerate(lines, 1):
        if line.startswith("\\"):
            raise FormatError(f"line {number}: a path with a backslash or a line feed")
        if len(line[:64]) != 64 or not _hex(line[:64]):
            raise FormatError(f"line {number}: not 64 lower-case hex digits, two spaces and a path")
        if line[64:66] not in ("  ", " *"):
            raise FormatError(f"line {number}: not two spaces after the digest")
    raise AssertionError("a line was refused, and none is at fault")


def _hex(text: str) -> bool:
    return text.isascii() and not text.encode("ascii").translate(None, _DIGITS)


def _check_digests(files: Mapping[str, str]) -> None:
    if not all(len(digest) == 64 for digest in files.values()) or not _hex("".join(files.values())):
        for path, digest in files.items():
            if len(digest) != 64 or not _hex(digest):
                raise FormatError(f"{told(path)}: its digest is not 64 lower-case hex digits")


def _too_large() -> NoReturn:
    raise FormatError(f"a manifest larger than {limits.MANIFEST >> 20} MiB")


# --- paths ---------------------------------------------------------------------------------------

# M3: the controls of ASCII and of Latin-1 (C0, DEL, C1), backslash, surrogates.
_FORBIDDEN = r"\x00-\x1f\x7f-\x9f\\\ud800-\udfff"
# No possessive quantifier or atomic group: until 3.11.5 Python let `a/..` pass through those.
_PART = rf"[^/{_FORBIDDEN}]*[^/. {_FORBIDDEN}]"
_DEEP = 32
_PATH = re.compile(rf"(?![A-Za-z]:|-\Z){_PART}(?:/{_PART})*")  # M2, M3


def check_paths(files: Collection[str], folders: Collection[str] = ()) -> None:
    """M2 to M4 for the paths of one tree, each of which stands once. Raises FormatError.

    `folders` are those that an archive lists beside its files: no file may stand in the place of
    one, while two that differ in case alone are one folder.
    """
    if not files:
        # Its text would be that of the empty file, and who vouches for one for the other.
        raise FormatError("there is no file in it")
    for paths in (files, folders):
        if not all(map(_PATH.fullmatch, paths)):
            for path in paths:
                if _PATH.fullmatch(path) is None and (path != "-" or paths is files):
                    raise FormatError(f"{told(path)}: {_why(path)}")
        if max(map(len, paths), default=0) * 4 <= limits.NAME:  # bytes of UTF-8
            continue
        lines = "\n".join(paths).encode("utf-8")
        if max(map(len, lines.split(b"\n"))) > limits.PATH:
            _refuse_length(paths, limits.PATH, "path", "\n")
        if max(map(len, lines.replace(b"/", b"\n").split(b"\n"))) > limits.NAME:
            _refuse_length(paths, limits.NAME, "name", "/")
    _check_twins(files, folders)


def _refuse_length(paths: Collection[str], limit: int, what: str, between: str) -> NoReturn:
    for path in paths:
        if max(len(part.encode("utf-8")) for part in path.split(between)) > limit:
            raise FormatError(f"{told(path)}: a {what} longer than {limit} bytes")
    raise AssertionError(f"a {what} was too long, and none is at fault")


def _why(path: str) -> str:
    """Which rule of M2 or M3 a path breaks."""
    parts = path.split("/")
    if not path:
        return "a path without a name"
    if path.startswith("/"):
        return "an absolute path"
    if "" in parts:
        return "a path with an empty part"
    if "." in parts or ".." in parts:
        return "a path that leaves its folder" if ".." in parts else "a path with the part ."
    if re.search(r"[\ud800-\udfff]", path):
        return "a path that is not UTF-8"
    if "\\" in path:
        return "a path with a backslash"
    if re.search(f"[{_FORBIDDEN}]", path):
        return "a path with a control character"
    if path == "-":
        return "a name that sha256sum -c takes for its input"
    if re.match("[A-Za-z]:", path):
        return "a path that starts like a drive"
    return "a name that ends in a dot or a space, which Windows drops"


def _keys(paths: Collection[str]) -> bytes:
    """The paths, a line each; what is equal in this is one place on some disk (M4).

    Decomposed first: so `Å` in one character and `a` with a ring are equal, as they are through
    `A` with a ring.
    """
    lines = "\n".join(paths)
    if not lines.isascii():
        import unicodedata

        lines = unicodedata.normalize("NFD", lines)
    return lines.encode("utf-8").lower()  # of bytes: the letters of ASCII alone


def _check_twins(files: Collection[str], folders: Collection[str]) -> None:
    # With the least byte between parts all that is below a path follows it at once.
    keys = _keys(files).replace(b"/", b"\0").split(b"\n")
    if folders:
        below = _keys(folders).replace(b"/", b"\0").split(b"\n")
        keys += {key + b"\0" for key in below}  # two of one name are one
    if not _maybe_twins(keys):
        return
    keys.sort()
    before = keys[0]
    for key in keys[1:]:
        # Never an end of `key` that is longer than it: what follows is of the same name or below.
        if key.startswith(before) and (len(key) == len(before) or key[len(before)] == 0):
            _refuse_twins(files, folders, before, key)
        before = key


def _maybe_twins(keys: Sequence[bytes]) -> bool:
    """Whether two are equal, or one is the folder of another; also where that takes too long."""
    there = set(keys)
    if len(there) != len(keys):
        return True
    folders = there
    for _ in range(_DEEP):
        folders = {folder.rpartition(b"\0")[0] for folder in folders}
        folders.discard(b"")
        if not folders:
            return False
        if not folders.isdisjoint(there):
            return True
    return True


def _refuse_twins(
    files: Collection[str], folders: Collection[str], first: bytes, second: bytes
) -> NoReturn:
    named: dict[bytes, list[str]] = {first: [], second: []}
    for path in files:
        named.get(_keys((path,)).replace(b"/", b"\0"), []).append(path)
    for path in folders:
        named.get(_keys((path,)).replace(b"/", b"\0") + b"\0", []).append(path + "/")
    one, other = (*named[first], *(named[second] if second != first else ()))[:2]
    if first == second:
        raise FormatError(f"{told(one)} and {told(other)}: one name on some disks")
    raise FormatError(f"{told(one)} and {told(other)}: a file and a folder of one name")


def told(path: str) -> str:
    """A path in a message: not longer than a line or two."""
    return path if len(path) <= _TOLD else f"{path[:_TOLD]}…"


# --- differences ---------------------------------------------------------------------------------


class Difference(NamedTuple):
    """A path where two trees differ; `kind` is ``changed``, ``missing`` or ``extra``."""

    path: str
    kind: str


def differences(
    attested: Manifest | Mapping[str, str],
    found: Manifest | Mapping[str, str],
    exclude: Sequence[str] = (),
) -> list[Difference]:
    """Where `found` is not what was attested, sorted by path.

    What `exclude` names may be extra; it is never forgiven for being missing or changed (M5).
    Mappings, so that a folder from which all files went can be compared too.
    """
    wanted = attested.files if isinstance(attested, Manifest) else attested
    there = found.files if isinstance(found, Manifest) else found
    told = [
        Difference(path, "missing" if path not in there else "changed")
        for path, digest in wanted.items()
        if there.get(path) != digest
    ]
    told += [
        Difference(path, "extra")
        for path in there
        if path not in wanted and not (exclude and excluded(path, exclude))
    ]
    return sorted(told)


# --- what is left out ----------------------------------------------------------------------------


def excluded(path: str, globs: Sequence[str]) -> bool:
    """Whether one of the globs (docs/spec/manifest §6) names this file, or a folder above it.

    A path that ends in ``/`` is a folder; so who walks a tree need not enter it. Raises
    FormatError for what is not a glob.
    """
    names, patterns = _compiled(tuple(globs))
    parts = path.split("/")
    if not names.isdisjoint(parts):
        return True
    return any(pattern.names(parts) for pattern in patterns)


def check_globs(globs: Sequence[str]) -> None:
    """Raises FormatError if one is not a glob, or there are too many."""
    _compiled(tuple(globs))


def beyond(asked: Sequence[str], signed: Sequence[str]) -> list[str]:
    """Those of a verifier's globs that could leave out more than the signer's do.

    A glob leaves out no more if the signer has the same one, or if it has no wildcard and the
    signer's leave out what it names.
    """
    check_globs(asked)
    check_globs(signed)
    anywhere = [glob for glob in signed if not _anchored(glob)]
    found = []
    for glob in asked:
        if glob in signed:
            continue
        covering = signed if _anchored(glob) else anywhere
        if "*" in glob or "?" in glob or not excluded(glob.removeprefix("/"), covering):
            found.append(glob)
    return found


def may_exclude(asked: Sequence[str], signed: Sequence[str]) -> bool:
    """Whether a verifier may leave out `asked` where the signer left out `signed`: less, or as
    much, never more. `beyond` names what is too much.
    """
    return not beyond(asked, signed)


_GLOB_PART = rf"(?!\.{{1,2}}(?:/|\Z))[^/{_FORBIDDEN}]+"
_GLOB = re.compile(rf"/?{_GLOB_PART}(?:/{_GLOB_PART})*/?")


def _anchored(glob: str) -> bool:
    return "/" in glob[:-1]


@lru_cache(maxsize=64)
def _compiled(globs: tuple[str, ...]) -> tuple[frozenset[str], tuple[_Glob, ...]]:
    """Plain names at any depth, and all other globs."""
    if len(globs) > limits.GLOBS:
        raise FormatError(f"more than {limits.GLOBS} globs")
    for glob in globs:
        if _GLOB.fullmatch(glob) is None or len(glob.encode("utf-8")) > limits.GLOB:
            raise FormatError(f"{told(glob)}: not a glob")
    names = frozenset(glob for glob in globs if not set(glob) & set("*?/"))
    return names, tuple(_Glob(glob) for glob in globs if glob not in names)


class _Glob:
    """One glob, ready to be asked about the parts of a path.

    Each `*`, of characters or of folders, takes as little as it can and never takes more
    afterwards: that finds whatever there is to be found, and no glob makes it slow.
    """

    __slots__ = ("_folder", "_groups")

    def __init__(self, glob: str) -> None:
        parts = glob.strip("/").split("/")
        if not _anchored(glob):
            parts.insert(0, "**")
        while parts[-1:] == ["**"]:
            parts[-1] = "*"  # what lies directly below; what lies below that is named with it
        self._folder = glob.endswith("/")
        # One group for each `**`: the parts that follow it.
        self._groups: list[list[_Part]] = [[]]
        for part in parts:
            if part == "**":
                self._groups.append([])
            else:
                self._groups[-1].append(_Part(part))

    def names(self, parts: Sequence[str]) -> bool:
        """Whether it names this file, or a folder above it; the last part of a folder is empty.

        That empty part stands for whatever is in the folder: ``*`` alone names all of that.
        """
        most = len(parts) - self._folder
        first, *others = self._groups
        if len(first) > most or not all(map(_Part.fits, first, parts)):
            return False
        at = len(first)
        for group in others:
            last = most - len(group)
            while at <= last and not all(map(_Part.fits, group, parts[at : at + len(group)])):
                at += 1
            if at > last:
                return False
            at += len(group)
        return True


class _Part:
    """What stands between two slashes of a glob."""

    __slots__ = ("_first", "_last", "_length", "_middle", "_open")

    def __init__(self, part: str) -> None:
        pieces = [
            re.compile(
                "".join("." if character == "?" else re.escape(character) for character in piece),
                re.DOTALL,
            )
            for piece in re.split(r"\*+", part)
        ]
        self._open = len(pieces) > 1
        self._first, *self._middle = pieces[:-1] if self._open else pieces
        self._last = pieces[-1]
        self._length = len(part) - len(part[: part.rfind("*") + 1])

    def fits(self, name: str) -> bool:
        """Whether this is such a name."""
        if not self._open:
            return self._first.fullmatch(name) is not None
        found = self._first.match(name)
        for piece in self._middle:
            if found is None:
                return False
            found = piece.search(name, found.end())
        if found is None:
            return False
        # Each character of a piece is one of the name.
        start = len(name) - self._length
        return start >= found.end() and self._last.fullmatch(name, start) is not None
