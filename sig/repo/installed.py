"""What is installed in an environment, without importing any of it (docs/spec/closure).

Here: distributions with the files that their installer noted, where the files of a wheel lie, and
what adds further folders. Not here: whether anybody vouches for them, and which of them a program
loads. An environment is data of whoever may write there: everything is bounded, nothing is run.

I1  A distribution is a ``NAME-VERSION.dist-info`` whose METADATA says the same name and version,
    and whose RECORD lists its files. Two of one name in one folder are refused: which files are
    whose would be a matter of luck. Of two in two folders the first counts, as for Python: in an
    environment that sees what is installed outside of it each has its own pip, to begin with. What
    does not count, or is installed in another way, is listed with a reason, and has no files.
I2  What the installer made is nobody's: `INSTALLER`, `RECORD` and the like, bytecode, programs in
    ``bin``, headers. No wheel can vouch for it, and no program loads it from there.
I3  A file of a wheel lies in the site folder, those of ``X.data/purelib`` and ``platlib`` too,
    those of ``X.data/data`` below the prefix; ``vectors/places`` is the table. No path leaves the
    prefix.
I4  Links are followed, as Python follows them: installers share files in this way, and it is the
    content that is attested. Only regular files are read, and what changes meanwhile is refused.
I5  ``.pth`` files are read, never obeyed: those of editable installs say where sources lie, if they
    are of a form that is known; all others are listed.
I6  An environment is read once for all that is decided about a program and done with it
    (`environment`). It says where files are looked for, never that they are believed: one that was
    changed since is another than its list has, whenever it is loaded.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

from sig.errors import Changed, FormatError, NotFound, Refused, SigError
from sig.model import closure, limits, strict
from sig.model.manifest import Difference, Manifest, check_paths, told
from sig.model.wheel import DIRECT_URL, HEADERS, PACKAGES, PROGRAMS, WRITTEN
from sig.repo.disk import failed
from sig.repo.python import Python, contents, opened

_BLOCK = 1 << 18
_INFO = ".dist-info"
_DATA = ".data"
_HEADERS = re.compile(f"{HEADERS}/")
_SITE = re.compile(f"(.*)/{PACKAGES}")

_OLD = {
    ".egg-info": "it was installed by an old setuptools (egg-info)",
    ".egg-link": "it was installed by an old setuptools (egg-link)",
    ".egg": "it was installed by an old setuptools (egg)",
}


class Distribution(NamedTuple):
    """One that is installed. `name` and `version` are as its METADATA has them.

    `base` is the site folder, `info` the name of its folder there, `prefix` the environment. With a
    `why_not` its files are not known (I1).
    """

    name: str
    version: str
    base: str
    info: str
    prefix: str
    why_not: str = ""

    @property
    def root(self) -> str:
        """What a closure calls it. Raises FormatError."""
        return closure.root_name(closure.DIST, self.name, self.version)

    def paths(self) -> tuple[str, ...]:
        """Its files as its RECORD has them, as paths of a manifest, sorted (I2, I3).

        Raises Refused for what leaves the prefix and for one whose files are not known,
        FormatError, StoreError.
        """
        return tuple(sorted(_recorded(self)))


# --- which there are -----------------------------------------------------------------------------


def distributions(python: Python) -> list[Distribution]:
    """All that is installed in the site folders of an environment, in their order and by name.

    Raises Refused for two of one name in one folder and for more than anybody has, StoreError for
    what cannot be read.
    """
    found: list[Distribution] = []
    named: dict[str, Distribution] = {}
    for base in python.site:
        prefix = _prefix(base)
        for entry in _entries(base, tuple([_INFO, *_OLD])):
            if len(found) == limits.ROOTS:
                raise Refused(f"more than {limits.ROOTS} distributions in {base}")
            if not entry.endswith(_INFO):
                found.append(_old(base, entry, prefix))
                continue
            each, sure = _distribution(base, entry, prefix)
            found.append(each)
            if sure:
                other = named.setdefault(closure.normalised(each.name), each)
                one, two = (os.path.join(every.base, every.info) for every in (other, each))
                if other.base != base:
                    found[-1] = each._replace(why_not=f"{told(one)} comes before {told(two)}")
                elif other is not each:
                    raise Refused(f"{told(one)} and {told(two)}: two installations of {each.name}")
    return found


def _entries(base: str, endings: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    try:
        with os.scandir(base) as entries:
            for count, entry in enumerate(entries):
                if count == limits.SITE_ENTRIES:
                    raise Refused(f"more than {limits.SITE_ENTRIES} files and folders in {base}")
                if entry.name.endswith(endings):
                    found.append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        failed(error, base)
    return sorted(found)


def _prefix(base: str) -> str:
    found = _SITE.fullmatch(base)
    return found[1] if found and found[1] else base


def _old(base: str, entry: str, prefix: str) -> Distribution:
    ending = next(each for each in _OLD if entry.endswith(each))
    name, _, rest = entry.removesuffix(ending).partition("-")
    return Distribution(name, rest.partition("-")[0], base, entry, prefix, _OLD[ending])


def _distribution(base: str, info: str, prefix: str) -> tuple[Distribution, bool]:
    """And whether it is known which distribution it is."""
    stem = info.removesuffix(_INFO)
    name, _, version = stem.rpartition("-")
    folder = os.path.join(base, info)
    try:
        name, version = _metadata(os.path.join(folder, "METADATA"))
        made = Distribution(name, version, base, info, prefix)
        if not _agrees(stem, name, version):
            raise FormatError(f"its METADATA says {told(name)!r}, version {told(version)!r}")
        _ = made.root
    except SigError as error:
        return Distribution(name, version, base, info, prefix, error.message), False
    if not os.path.isfile(os.path.join(folder, "RECORD")):
        return made._replace(why_not="it has no RECORD of its files"), True
    return made, True


_HEADER = re.compile(r"([!-9;-~]+):(.*)")


def _metadata(place: str) -> tuple[str, str]:
    """Name and Version, each said once, in what stands before the first empty line (I1)."""
    raw = contents(place, limits.METADATA, until=(b"\n\n", b"\n\r\n"))
    if raw is None:
        raise NotFound("it has no METADATA")
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    try:
        lines = head.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise FormatError("its METADATA is not UTF-8") from None
    said: dict[str, str] = {}
    last = ""
    for number, line in enumerate(lines, 1):
        if line[:1] in (" ", "\t") and last not in ("", "name", "version"):
            continue
        found = _HEADER.fullmatch(line)
        if "\r" in line or (found is None and (line or number < len(lines))):
            # Where its readers stop, others would go on.
            raise FormatError(f"line {number} of its METADATA is no field")
        if found is None:
            continue
        last = found[1].lower()
        if last in ("name", "version"):
            if last in said:
                raise FormatError(f"its METADATA says {found[1]} twice")
            said[last] = found[2].strip(" \t")
    if len(said) != 2:
        raise FormatError("its METADATA says no name or no version")
    return said["name"], said["version"]


def _agrees(stem: str, name: str, version: str) -> bool:
    """Whether a folder is named by this name and version, in any of their spellings."""
    normal, wanted = closure.normalised(name), _plain(version)
    for at, character in enumerate(stem):
        if character == "-" and _plain(stem[at + 1 :]) == wanted:
            try:
                return closure.normalised(stem[:at]) == normal
            except FormatError:
                return False
    return False


def _plain(version: str) -> str:
    return re.sub(r"[-_+]", "_", version).lower()


# --- their files ---------------------------------------------------------------------------------


def place(distribution: Distribution, path: str) -> str | None:
    """Where a file of its wheel lies on this disk (I3), None for what is the installer's (I2).

    `path` is one of a manifest.
    """
    if "__pycache__" in path.split("/"):
        return None
    top, _, rest = path.partition("/")
    if top.endswith(_INFO) and rest in WRITTEN:
        return None
    if not rest or not top.endswith(_DATA):
        return os.path.join(distribution.base, path)
    scheme, _, rest = rest.partition("/")
    if rest and scheme in ("purelib", "platlib"):
        return os.path.join(distribution.base, rest)
    if rest and scheme == "data" and distribution.prefix:
        return os.path.join(distribution.prefix, rest)
    return None


def manifest_of(
    distribution: Distribution,
    *,
    progress: Callable[[int], None] | None = None,
) -> Manifest:
    """The manifest of its files as they lie here; for one that no wheel is at hand of.

    `progress` is called with the bytes so far. Raises Refused, FormatError, Changed, StoreError,
    which name the file.
    """
    hashing = _Hashing(progress)
    found: dict[str, str] = {}
    for path, there in sorted(_recorded(distribution).items()):
        digest = hashing.digest(there)
        if digest is None:
            raise Refused(f"{told(there)} is missing, and {distribution.info}/RECORD lists it")
        found[path] = digest
    if not found:
        raise Refused(f"{os.path.join(distribution.base, distribution.info)} lists no file")
    return Manifest(found)


def compare(
    distribution: Distribution,
    manifest: Manifest,
    *,
    progress: Callable[[int], None] | None = None,
) -> list[Difference]:
    """Where what is installed is not the wheel of this manifest, sorted by path; empty if it is.

    A file that no RECORD lists is not looked for: nothing is loaded that no manifest lists. Raises
    as `manifest_of` does; FormatError also for two files of the wheel in one place.
    """
    hashing = _Hashing(progress)
    wanted: dict[str, str] = {}
    differences: list[Difference] = []
    for path, digest in manifest.files.items():
        there = place(distribution, path)
        if there is None:
            continue
        if there in wanted:
            if wanted[there] != digest:
                raise FormatError(f"{told(path)}: another file of the wheel lies in its place")
            continue
        wanted[there] = digest
        found = hashing.digest(there)
        if found != digest:
            differences.append(Difference(path, "missing" if found is None else "changed"))
    for path, there in _recorded(distribution).items():
        if there not in wanted:
            differences.append(Difference(path, "extra"))
    return sorted(differences)


def _recorded(distribution: Distribution) -> dict[str, str]:
    """Path of a manifest -> place, for the files that RECORD lists and are its own (I2, I3)."""
    where = os.path.join(distribution.base, distribution.info)
    if distribution.why_not:
        raise Refused(f"{told(where)}: {distribution.why_not}")
    base, prefix = (folder.rstrip("/") + "/" for folder in (distribution.base, distribution.prefix))
    data = distribution.info.removesuffix(_INFO) + _DATA
    normal = os.path.normpath(base) + "/" == base
    found: dict[str, str] = {}
    for given in _record(os.path.join(where, "RECORD")):
        if normal and not _odd(given):  # most lines: what follows would come to the same
            if not given.endswith(".pyc") and "__pycache__" not in given.split("/"):
                found[given] = base + given
            continue
        there = os.path.normpath(os.path.join(base, given))
        if there.startswith(base):
            path = there.removeprefix(base)
            top, slash, _ = path.partition("/")
            if slash and top.endswith(_DATA):
                # In a wheel it would stand for a file elsewhere.
                raise Refused(f"{told(there)}: no place of a file that a wheel brings")
            ours = place(distribution, path) is not None
        elif there.startswith(prefix):
            below = there.removeprefix(prefix)
            path = f"{data}/data/{below}"
            ours = below.split("/")[0] not in PROGRAMS and _HEADERS.match(below) is None
            ours = ours and "__pycache__" not in below.split("/")
        else:
            raise Refused(f"{told(given)!r} in {told(where)}/RECORD leaves {prefix[:-1]}")
        if ours and not path.endswith(".pyc"):
            found[path] = there
    if found:
        check_paths(found)
    return found


def _odd(given: str) -> bool:
    """Whether a line of RECORD may be anything but a file at just this path of the site folder."""
    return (
        given[0] in "./"
        or given[-1] == "/"
        or "/." in given
        or "//" in given
        or ".dist-info/" in given
        or ".data/" in given
    )


def _record(place: str) -> list[str]:
    raw = contents(place, limits.RECORD)
    if raw is None:
        raise Refused(f"no {told(place)}")
    found: list[str] = []
    try:
        lines = csv.reader(io.StringIO(raw.decode("utf-8"), newline=""), strict=True)
        for fields in lines:
            if len(fields) != 3 or not fields[0] or "\0" in fields[0]:
                raise FormatError(f"{told(place)}: line {lines.line_num} is not path, digest, size")
            found.append(fields[0])
            if len(found) > limits.TREE_ENTRIES:
                raise Refused(f"more than {limits.TREE_ENTRIES} lines in {told(place)}")
    except UnicodeDecodeError:
        raise FormatError(f"{told(place)} is not UTF-8") from None
    except csv.Error as error:
        raise FormatError(f"{told(place)}: line {lines.line_num}: {error}") from error
    return found


class _Hashing:
    """Digests of files, one after the other; how much there is is bounded (I4)."""

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self._progress = progress
        self._done = 0
        self._room = limits.TREE_BYTES
        self._buffer = bytearray(_BLOCK)

    def digest(self, place: str) -> str | None:
        """64 hex digits, None if nothing lies there."""
        with opened(place) as descriptor:
            if descriptor is None:
                return None
            before = os.fstat(descriptor)
            self._room -= before.st_size
            if self._room < 0:
                raise Refused(f"{told(place)}: more than {limits.TREE_BYTES >> 30} GiB until here")
            digest = hashlib.sha256()
            view, left = memoryview(self._buffer), before.st_size
            # Once more than its size says: it may have grown.
            while (read := os.readv(descriptor, [view])) and read <= left:
                digest.update(view[:read])
                left -= read
                self._done += read
                if self._progress is not None:
                    self._progress(self._done)
            if read or left or _stamp(before) != _stamp(os.fstat(descriptor)):
                raise Changed(f"{told(place)} changed while it was read")
            return digest.hexdigest()


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


# --- editable installs, and what else adds folders -----------------------------------------------


class Editable(NamedTuple):
    """A distribution whose sources lie elsewhere.

    `project` is the folder that was installed, "" if it is not noted. `sources` are (name, place):
    a package of this name and its folder, or a module and its file without the suffix; or "" and a
    folder in which modules are looked for. All are absolute, and may be missing. `hooks` are those
    of the distribution's own paths that serve only to lead there: what stands in them is true on
    one machine only. With a `why_not` not all sources are known.
    """

    name: str
    version: str
    distribution: Distribution
    project: str
    sources: tuple[tuple[str, str], ...]
    hooks: tuple[str, ...]
    why_not: str = ""


class Environment(NamedTuple):
    """What is installed, by one reading (I6).

    `editables` are those of the `distributions` whose sources lie elsewhere, `other_pth` all other
    ``.pth`` files that Python would obey, each with what it would do (I5).
    """

    distributions: tuple[Distribution, ...]
    editables: tuple[Editable, ...]
    other_pth: tuple[tuple[str, str], ...]


def environment(python: Python) -> Environment:
    """Read the environment of an interpreter. Raises as `distributions` does."""
    found = tuple(distributions(python))
    edited = tuple(each for each in map(_editable, found) if each is not None)
    return Environment(found, edited, tuple(_other_pth(python, edited)))


def _other_pth(python: Python, edited: Iterable[Editable]) -> Iterator[tuple[str, str]]:
    known = {
        os.path.join(each.distribution.base, path)
        for each in edited
        if not each.why_not
        for path in each.hooks
    }
    for base in python.site:
        for name in _pth_names(base):
            file = os.path.join(base, name)
            if file not in known and (reason := _would(file)):
                yield file, reason


def _pth_names(base: str) -> list[str]:
    names = _entries(base, (".pth",))
    if len(names) > limits.PTH_FILES:
        raise Refused(f"more than {limits.PTH_FILES} .pth files in {base}")
    return names


def _would(file: str) -> str:
    try:
        lines = list(_lines(file))
    except SigError as error:
        return f"cannot be read: {error.message}"
    for is_import, line in lines:
        if is_import:
            return f"runs code: {told(line)}"
    return f"adds {told(lines[0][1])}{' and others' if len(lines) > 1 else ''}" if lines else ""


def _lines(file: str) -> Iterator[tuple[bool, str]]:
    """The lines that count, as site.py has it, and whether they are code."""
    raw = contents(file, limits.ENVIRONMENT_SETTINGS)
    try:
        text = (raw or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError(f"{told(file)} is not UTF-8") from None
    for line in text.splitlines():
        if line.startswith(("import ", "import\t")):
            yield True, line.rstrip()
        elif line.strip() and not line.startswith("#"):
            yield False, os.path.join(os.path.dirname(file), line.rstrip())


def _editable(each: Distribution) -> Editable | None:
    if each.why_not:
        return None
    project = ""
    sources: list[tuple[str, str]] = []
    hooks: list[str] = []
    why_not = ""
    try:
        project, said = _direct(os.path.join(each.base, each.info, DIRECT_URL))
        paths = frozenset(each.paths())
        links = sorted(path for path in paths if path.endswith(".pth") and "/" not in path)
        if not said and not any(path.startswith("__editable__") for path in links):
            return None
        for link in links:
            _follow(each, link, paths, sources, hooks)
        if not sources:
            why_not = "it is editable, and no .pth file of its own says where it lies"
    except SigError as error:
        why_not = error.message
    return Editable(each.name, each.version, each, project, tuple(sources), tuple(hooks), why_not)


def _direct(place: str) -> tuple[str, bool]:
    """The folder that was installed, and whether as editable (direct_url.json)."""
    raw = contents(place, limits.ENVIRONMENT_SETTINGS)
    said: Any = strict.read(raw) if raw is not None else None
    if not isinstance(said, dict) or not isinstance(said.get("dir_info"), dict):
        return "", False
    from urllib.parse import unquote, urlsplit

    try:
        url = urlsplit(str(said.get("url")))
    except ValueError:
        return "", said["dir_info"].get("editable") is True
    folder = unquote(url.path) if url.scheme == "file" and url.netloc in ("", "localhost") else ""
    if not folder.startswith("/") or not folder.isprintable():
        folder = ""
    return os.path.normpath(folder) if folder else "", said["dir_info"].get("editable") is True


_FINDER = re.compile(r"import (__editable___[A-Za-z0-9_]{1,200}_finder); ?\1\.install\(\)")
_STRING = r"""(?:'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*")"""
_PAIR = rf"{_STRING}: ?{_STRING}"
_MAPPING = re.compile(
    rf"^MAPPING(?:: [^=\n]{{1,64}})? ?= ?(\{{(?:{_PAIR}(?:, ?{_PAIR})*)?\}})$", re.M
)


def _follow(
    distribution: Distribution,
    link: str,
    paths: Collection[str],
    sources: list[tuple[str, str]],
    hooks: list[str],
) -> None:
    """What a ``.pth`` file of an editable install says (I5)."""
    for is_import, line in _lines(os.path.join(distribution.base, link)):
        if not is_import:
            if not line.isprintable():
                raise FormatError(f"{told(link)} says {told(line)!r}, which is no folder")
            sources.append(("", os.path.normpath(line)))
            continue
        found = _FINDER.fullmatch(line)
        finder = f"{found[1]}.py" if found is not None else ""
        if finder not in paths:
            raise Refused(f"{told(link)} runs code that is not known: {told(line)}")
        sources += _mapping(os.path.join(distribution.base, finder))
        hooks.append(finder)
    hooks.append(link)


def _mapping(place: str) -> list[tuple[str, str]]:
    """The table of setuptools' finder: a literal of texts alone, which is read and not run."""
    import ast

    raw = contents(place, limits.FINDER)
    try:
        text = (raw or b"").decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise FormatError(f"{told(place)} is not UTF-8") from None
    found = _MAPPING.findall(text)
    if len(found) != 1:
        raise FormatError(f"{told(place)} has not the one table of setuptools")
    try:
        pairs = ast.literal_eval(found[0])
    except (ValueError, SyntaxError):
        raise FormatError(f"{told(place)} has not the one table of setuptools") from None
    for module, there in pairs.items():
        good = all(part.isidentifier() for part in module.split("."))
        if not good or not os.path.isabs(there) or not there.isprintable():
            raise FormatError(f"{told(place)}: {told(module)!r} in {told(there)!r}")
    return [(module, os.path.normpath(there)) for module, there in pairs.items()]
