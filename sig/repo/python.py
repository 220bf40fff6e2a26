"""Which Python runs, and where its parts lie (docs/spec/closure).

Here: from the path of an interpreter to its file, its version, its standard library and the folders
in which packages are installed; and what is the operating system's. Not here: the packages
(`sig.repo.installed`), and whether anybody vouches for an interpreter.

P1  An interpreter that is not the system's is never run to learn something about it: all is told by
    names and text files, as it would find them itself. What they say decides only where things are
    looked for, never that they are believed.
P2  *System* is what finally lies below /usr, not below /usr/local nor where an installer of
    packages writes; it and every folder above it belongs to root, and nobody else may write there,
    be it by an access list; and root is root of the machine, not of a user namespace. Only there
    updates need no signature. Root's own mistakes are not looked for.
P3  A system interpreter is asked, as ``PY -I -S`` in an empty environment, and only if its standard
    library is the system's too: then nothing but root's files runs.
P4  The environment is that of the path as it was asked for, as for Python itself: the folder above
    ``bin`` that has a `pyvenv.cfg`. Where another lies beside the file that is finally run or above
    it, or one more of the files from which an interpreter learns, before its first line, where its
    standard library is (``python3.11._pth``, `pybuilddir.txt`, `Modules/Setup.local`), it is
    refused. Whoever starts one must not let it see another name than that of this file: it would
    look for them beside that name, or in the current folder.
P5  CPython, by its name ``python3.11`` and so on; no other Python keeps its files alike. A script
    in place of an interpreter (pyenv's shims) is refused: what it would run is not known.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from sig.errors import FormatError, NotFound, Refused
from sig.model import limits
from sig.model.manifest import told
from sig.repo.disk import OPEN, failed

_NAME = re.compile(r"python(?:3(?:\.([0-9]{1,3}))?)?([dmt]{0,3})")
_LIBRARY = re.compile(r"python3\.([0-9]{1,3})(t?)")
_LIBRARIES = ("lib", "lib64")  # Fedora and its like have the standard library in the second
_CHUNK = 1 << 20
_UP = 64  # folders above an interpreter
_ANSWER = 64 * 1024
_SECONDS = 20


class Python(NamedTuple):
    """An interpreter. Folders are absolute; those of `stdlib` exist.

    `version` has two numbers where the third is not known. `site` are the folders of what was
    installed, in the order in which Python looks; `system_site` those of the operating system's own
    packages. `why_not` says why it is not the system's, "" if it is.
    """

    asked: str
    executable: str
    version: str
    prefix: str
    base_prefix: str
    stdlib: tuple[str, ...]
    site: tuple[str, ...]
    system_site: tuple[str, ...]
    is_system: bool
    why_not: str


def python_of(path: str, *, user_site: bool = False) -> Python:
    """The interpreter that this path names; a name without a folder is one of this folder.

    `user_site` adds the user's own folder of packages where Python would look there. Raises
    NotFound if there is nothing, Refused for what is no CPython (P5) or has beside it what would
    mislead it (P4), FormatError for one that is not understood, StoreError for what cannot be read.
    """
    asked = _absolute(path)
    executable = _final(asked)
    where = os.path.dirname(executable)
    minor, build = _check(asked, executable)
    environment = os.path.dirname(os.path.dirname(asked))
    settings = _settings(environment)
    _check_alone(executable, environment if settings is not None else None)
    copied = settings is not None and _same(where, os.path.dirname(asked))
    home = settings.get("home") if settings is not None else None
    if copied and (home is None or not os.path.isabs(home)):
        raise FormatError(f"{environment}/pyvenv.cfg does not say where its Python is")
    start = home if copied and home else where
    said = _said(settings) if settings is not None else ""
    found = _library(executable, start, minor or said[2:].partition(".")[0], build, said)
    why_not = is_system(executable)
    if not why_not:
        why_not = _strange(found.folders)
    if not why_not:
        found = _asked(executable, found)  # P3
        why_not = _strange(found.folders)
    prefix = found.prefix if settings is None else environment
    own: tuple[str, ...] = ()
    site, system_site = _sites(found, not why_not)
    mine = os.path.normpath(os.path.expanduser(f"~/.local/lib/{found.name}/site-packages"))
    if user_site and os.path.isabs(mine):
        site = _existing([mine]) + site
    if settings is not None:
        own = _existing(
            f"{prefix}/{library}/{found.name}/site-packages" for library in found.libraries
        ) or (f"{prefix}/lib/{found.name}/site-packages",)
        # Where the line is missing all are included, as site.py has it.
        if settings.get("include-system-site-packages", "true").lower() != "true":
            site, system_site = (), ()
    return Python(
        asked=asked,
        executable=executable,
        version=found.version,
        prefix=prefix,
        base_prefix=found.prefix,
        stdlib=found.folders,
        site=own + site,
        system_site=system_site,
        is_system=not why_not,
        why_not=why_not,
    )


# --- what is the system's ------------------------------------------------------------------------

_WHOLE_MACHINE = ["0", "0", "4294967295"]  # all users, each of them himself


def is_system(path: str, *, uid_map: str | None = None) -> str:
    """Why this file is not the operating system's own (P2), "" if it is.

    Some system calls; nothing is remembered, because a folder may change hands. `uid_map` is the
    text of /proc/self/uid_map, for who has it.
    """
    final, why = _resolved(path)
    if why:
        return why
    if {"site-packages", "dist-packages"} & set(final.split("/")):
        return f"{final} was installed as a package"
    return _why_not_system(final, stat.S_ISREG, "a regular file", uid_map)


def system_folder(path: str, *, uid_map: str | None = None) -> bool:
    """Whether this folder is the operating system's own (P2).

    Debian's dist-packages is, where pip writes only if root forces it to; site-packages, where it
    always writes, never.
    """
    final, why = _resolved(path)
    if why or "site-packages" in final.split("/"):
        return False
    return not _why_not_system(final, stat.S_ISDIR, "a folder", uid_map)


def _resolved(path: str) -> tuple[str, str]:
    try:
        return os.path.realpath(path, strict=True), ""
    except (OSError, ValueError) as error:
        return "", f"{path} cannot be resolved: {_words(error)}"


def _why_not_system(final: str, kind: Callable[[int], bool], what: str, uid_map: str | None) -> str:
    if uid_map is None:
        try:
            with open("/proc/self/uid_map", encoding="ascii") as stream:
                uid_map = stream.read(4096)
        except (OSError, ValueError):
            return "/proc/self/uid_map cannot be read, so it is not known who root is"
    if uid_map.split() != _WHOLE_MACHINE:
        return "it runs in a user namespace, where anybody may be root"
    if not final.startswith("/usr/"):
        return f"{final} does not lie below /usr"
    if final.startswith("/usr/local/"):
        return f"{final} lies below /usr/local"
    place = "/"
    for part in ["", *final.split("/")[1:]]:
        place = os.path.join(place, part)
        try:
            status = os.lstat(place)
            if status.st_uid != 0:
                return f"{place} does not belong to root"
            if status.st_mode & 0o002:
                return f"{place} can be written by others"
            # With an access list these bits are the most that anybody named in it may do.
            if status.st_mode & 0o020 and (status.st_gid != 0 or _has_access_list(place)):
                return f"{place} can be written by a group"
            if place != final and not stat.S_ISDIR(status.st_mode):
                return f"{place} is no folder"  # it was one a moment ago
        except OSError as error:
            return f"{place} cannot be looked at: {_words(error)}"
    return "" if kind(status.st_mode) else f"{final} is not {what}"


def _has_access_list(place: str) -> bool:
    try:
        return bool(os.getxattr(place, "system.posix_acl_access", follow_symlinks=False))
    except OSError as error:
        return error.errno not in (errno.ENODATA, errno.ENOTSUP)


def _strange(folders: Iterable[str]) -> str:
    for folder in folders:
        if not system_folder(folder if os.path.isdir(folder) else os.path.dirname(folder)):
            return f"its standard library in {folder} is not the system's"
    return ""


# --- the file ------------------------------------------------------------------------------------


@contextmanager
def opened(place: str) -> Iterator[int | None]:
    """A descriptor of a regular file, also through links; None if there is none.

    Raises Refused for what is no regular file, StoreError for what cannot be read, within too.
    """
    try:
        descriptor = os.open(place, OPEN)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except (OSError, ValueError) as error:
        _unreadable(error, place)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused(f"{told(place)} is no regular file")
        yield descriptor
    except OSError as error:
        _unreadable(error, place)
    finally:
        os.close(descriptor)


def contents(place: str, limit: int, *, until: Sequence[bytes] = ()) -> bytes | None:
    """The bytes of a file, also through links; None if there is none.

    With `until` it is read only as far as one of these stands in it. Raises Refused also for one
    larger than `limit`; as `opened` does.
    """
    with opened(place) as descriptor:
        if descriptor is None:
            return None
        raw = bytearray()
        while chunk := os.read(descriptor, min(limit + 1 - len(raw), _CHUNK)):
            raw += chunk
            if any(mark in raw for mark in until):
                break
            if len(raw) > limit:
                raise Refused(f"{told(place)} is larger than {limit} bytes")
        return bytes(raw)


def _unreadable(error: OSError | ValueError, place: str) -> NoReturn:
    if not isinstance(error, OSError):  # a path that no system has
        raise Refused(f"{told(place)!r} is no path") from error
    if error.errno == errno.ELOOP:
        raise Refused(f"{place} is a link that leads in a circle") from error
    error.filename = None
    failed(error, place)


def _absolute(path: str) -> str:
    if not path or "\0" in path:
        raise Refused(f"{path!r} is no path of a Python")
    whole = os.path.join(os.getcwd(), path)
    if ".." in whole.split("/"):  # through a link it leads elsewhere than it seems
        folder = os.path.realpath(os.path.dirname(whole))
        return os.path.join(folder, os.path.basename(whole))
    return os.path.normpath(whole)


def _final(asked: str) -> str:
    try:
        return os.path.realpath(asked, strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        link = os.path.islink(asked)
        raise NotFound(f"{asked} is a link to nothing" if link else f"no {asked}") from error
    except OSError as error:
        _unreadable(error, asked)


def _check(asked: str, executable: str) -> tuple[str, str]:
    """P5; its second number and the letters of its build, as far as the name says them."""
    through = "" if asked == executable else f" (as {asked})"
    named = _NAME.fullmatch(os.path.basename(executable))
    if named is None:
        raise Refused(f"{executable}{through} is not CPython 3 by its name, like python3.11")
    try:
        descriptor = os.open(executable, OPEN)
        try:
            status = os.fstat(descriptor)
            regular = stat.S_ISREG(status.st_mode)
            head = os.read(descriptor, 4) if regular else b""
        finally:
            os.close(descriptor)
    except OSError as error:
        _unreadable(error, executable)
    if not regular or not status.st_mode & 0o111:
        raise Refused(f"{executable}{through} is no program")
    if head != b"\x7fELF":
        what = "a script" if head[:2] == b"#!" else "no program of this system"
        raise Refused(
            f"{executable}{through} is {what}, not an interpreter",
            hint="name the Python itself, as sys.executable says it",
        )
    return named[1] or "", named[2]


def _check_alone(executable: str, environment: str | None) -> None:
    """P4."""
    where, name = os.path.split(executable)
    beside = ["pyvenv.cfg", name + "._pth", "pybuilddir.txt", "Modules/Setup.local"]
    places = [os.path.join(where, each) for each in beside]
    if environment is None or not _same(os.path.dirname(where), environment):
        places.append(os.path.join(os.path.dirname(where), "pyvenv.cfg"))
    for place in places:
        if os.path.lexists(place):
            raise Refused(f"{place} lies beside the interpreter, which would believe it")


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _settings(environment: str) -> Mapping[str, str] | None:
    """What the `pyvenv.cfg` of an environment says, None if there is none."""
    place = os.path.join(environment, "pyvenv.cfg")
    raw = contents(place, limits.ENVIRONMENT_SETTINGS)
    if raw is None:
        return None
    try:
        lines = raw.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise FormatError(f"{place} is not UTF-8") from None
    found: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        key, value = key.strip().lower(), value.strip()
        # Of two lines its two readers take different ones.
        if equals and found.setdefault(key, value) != value:
            raise FormatError(f"{place} says {key!r} twice")
    return found


# --- the standard library ------------------------------------------------------------------------


class _Library(NamedTuple):
    prefix: str
    name: str  # of its folder: python3.11, python3.13t
    version: str
    folders: tuple[str, ...]
    libraries: tuple[str, ...]  # lib, or lib64 and lib


def _library(executable: str, start: str, minor: str, build: str, said: str) -> _Library:
    """As Python looks for it: upwards from the interpreter (P1)."""
    folder = os.path.realpath(start)
    for _ in range(_UP):
        for library in _LIBRARIES:
            names = [
                name
                for name in _pythons(os.path.join(folder, library), minor, "t" in build)
                if os.path.isfile(os.path.join(folder, library, name, "os.py"))
            ]
            if len(names) > 1:
                raise Refused(
                    f"{executable} could be {' or '.join(sorted(names))}",
                    hint="name the Python with its version, like python3.11",
                )
            if names:
                return _library_at(folder, library, names[0], said)
        if folder == "/":
            break
        folder = os.path.dirname(folder)
    raise Refused(f"{executable} has no standard library in lib/python3.* above it")


def _library_at(prefix: str, library: str, name: str, said: str) -> _Library:
    base = f"{prefix}/{library}".replace("//", "/")
    others = [f"{prefix}/{other}/{name}/lib-dynload" for other in _LIBRARIES if other != library]
    zipped = f"{base}/{name.replace('.', '')}.zip"
    folders = (
        *((zipped,) if os.path.isfile(zipped) else ()),
        f"{base}/{name}",
        *_existing([f"{base}/{name}/lib-dynload", *others])[:1],
    )
    libraries = ("lib",) if library == "lib" else (library, "lib")
    return _Library(prefix, name, _version(prefix, name, said), folders, libraries)


def _pythons(folder: str, minor: str, free_threaded: bool) -> Iterator[str]:
    if minor:
        yield f"python3.{int(minor)}{'t' if free_threaded else ''}"
        return
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count == limits.SITE_ENTRIES:
                    raise Refused(f"more than {limits.SITE_ENTRIES} files and folders in {folder}")
                found = _LIBRARY.fullmatch(entry.name)
                if found is not None and bool(found[2]) is free_threaded:
                    yield entry.name
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        _unreadable(error, folder)


_VERSION = re.compile(r"3\.([0-9]{1,3})\.[0-9]{1,4}(?:(?:a|b|rc)[0-9]{1,3})?\+?")
PATCHLEVEL = re.compile(rb'^#define[ \t]+PY_VERSION[ \t]+"([0-9a-z.+]{1,32})"', re.MULTILINE)
"""The line of ``patchlevel.h`` with the version."""


def _said(settings: Mapping[str, str]) -> str:
    """The version that a `pyvenv.cfg` says: venv's, virtualenv's or uv's, "" if none."""
    for key in ("version", "version_info"):
        text = settings.get(key, "")
        if text.count(".") > 2:  # 3.11.7.final.0
            text = ".".join(text.split(".")[:3])
        if _VERSION.fullmatch(text):
            return text
    return ""


def _version(prefix: str, name: str, said: str) -> str:
    """The third number stands in the header files, which CPython as built by pyenv, conda and
    python-build-standalone brings along; else an environment has noted it when it was made."""
    short = name.removeprefix("python").removesuffix("t")
    try:
        raw = contents(f"{prefix}/include/{name}/patchlevel.h", limits.ENVIRONMENT_SETTINGS)
    except Refused:
        raw = None
    found = PATCHLEVEL.search(raw) if raw else None
    for version in (found[1].decode("ascii") if found else "", said):
        if _VERSION.fullmatch(version) and version.startswith(short + "."):
            return version
    return short


# What a system interpreter is asked (P3). Text that every Python 3 can print and read.
_QUESTION = (
    "import sys; print(ascii(('%d.%d.%d' % sys.version_info[:3],"
    " sys.base_prefix, [each for each in sys.path if each])))"
)


def _asked(executable: str, computed: _Library) -> _Library:
    import ast
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - root's own (P2), as a file
            [executable, "-I", "-S", "-B", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            timeout=_SECONDS,
            check=True,
        )
        version, prefix, folders = ast.literal_eval(done.stdout[:_ANSWER].decode("ascii"))
        known = isinstance(version, str) and _VERSION.fullmatch(version) is not None
    except OSError as error:
        _unreadable(error, executable)
    except (subprocess.SubprocessError, ValueError, SyntaxError, TypeError) as error:
        raise Refused(f"{executable} does not say where its parts are") from error
    if not known or not version.startswith(computed.name.removeprefix("python").rstrip("t") + "."):
        raise Refused(f"{executable} says that it is {version!r}")
    existing = _existing(map(str, folders), files=True)
    return computed._replace(version=version, prefix=str(prefix), folders=existing)


# --- where packages are --------------------------------------------------------------------------

_DEBIAN = "/usr/lib/python3/dist-packages"


def _sites(found: _Library, system: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Without an environment: folders of what was installed, and of the system's packages."""
    debian = found.prefix == "/usr" and os.path.isdir(_DEBIAN)
    if debian:
        site = _existing([f"/usr/local/lib/{found.name}/dist-packages"])
        own = _existing([_DEBIAN, f"/usr/lib/{found.name}/dist-packages"])
    else:
        # As Fedora has it; pip writes to all of these where root lets it.
        bases = ["/usr/local", "/usr"] if found.prefix == "/usr" else [found.prefix]
        site = _existing(
            f"{base}/{library}/{found.name}/site-packages"
            for base in bases
            for library in found.libraries
        )
        own = ()
    if not system:
        return site + own, ()
    trusted = tuple(folder for folder in own if system_folder(folder))
    return site + tuple(folder for folder in own if folder not in trusted), trusted


def _existing(folders: Iterable[str], *, files: bool = False) -> tuple[str, ...]:
    """Those that exist, and no folder under two names."""
    found: dict[str, str] = {}
    for folder in folders:
        if os.path.isdir(folder) or (files and os.path.isfile(folder)):
            found.setdefault(os.path.realpath(folder), folder)
    return tuple(found.values())


def _words(error: OSError | ValueError) -> str:
    code = getattr(error, "errno", None)
    return os.strerror(code).lower() if code else str(error)
