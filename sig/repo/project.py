"""The files of one's own program: a script's folder, or a project with pyproject.toml.

A1  Taken are the files that git tracks, and without git all but what `EXCLUDED` names; the script
    itself always. What is tracked and not there is left out. Nothing of the folder is run: git is
    asked with a configuration of its own and without hooks.
A2  Environments that lie in the folder, as a folder with ``pyvenv.cfg`` shows, are no part of it,
    nor are locks, packs, native loaders and what lies beside these, which are about it.
A3  What ``pyproject.toml`` says is read from the bytes that were hashed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sig.errors import FormatError, StoreError
from sig.model import limits
from sig.model.manifest import DEFAULT_EXCLUDES, excluded
from sig.repo.disk import NOT_LINKS
from sig.repo.tree import digests, files

EXCLUDED = (
    *DEFAULT_EXCLUDES,
    ".*",
    "*.pyc",
    "*.lock",
    "*.pack",
    "*.log",
    "*.sqlite3",
    "node_modules",
)
"""What is left out of a folder that git does not know: caches, secrets, and what programs write."""

PYPROJECT = "pyproject.toml"
_GIT_SECONDS = 60
_DOTTED = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_ENTRY = re.compile(rf"\s*({_DOTTED})\s*:\s*({_DOTTED})\s*", re.ASCII)
_DOTS = 1024  # of one line: tomllib takes the square of the parts of a key


class Project(NamedTuple):
    """What a ``pyproject.toml`` says: a name, the module and attribute of each script, and what it
    has for ``[tool.sig]``, whatever that is.
    """

    name: str
    scripts: Mapping[str, tuple[str, str]]
    settings: object = None


def read_project(raw: bytes) -> Project:
    """The meaning of a ``pyproject.toml`` (A3). Raises FormatError."""
    import tomllib

    if len(raw) > limits.STATEMENT:
        raise FormatError(f"{PYPROJECT} is larger than {limits.STATEMENT >> 20} MiB")
    if any(line.count(b".") > _DOTS for line in raw.split(b"\n")):
        raise FormatError(f"{PYPROJECT} has a line of more than {_DOTS} dots")
    try:
        said = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also of a number that is too long to read
        raise FormatError(f"{PYPROJECT}: {error}") from error
    project = said.get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise FormatError(f"{PYPROJECT} has no [project] with a name")
    listed = project.get("scripts", {})
    if not isinstance(listed, dict):
        raise FormatError(f"{PYPROJECT}: project.scripts is no table")
    scripts = {name: entry(name, text) for name, text in listed.items()}
    tools = said.get("tool")
    return Project(project["name"], scripts, tools.get("sig") if type(tools) is dict else None)


def entry(name: str, text: object) -> tuple[str, str]:
    """The module and the attribute of a script, ``package.module:function``. Raises FormatError."""
    found = _ENTRY.fullmatch(text.partition("[")[0]) if isinstance(text, str) else None
    if found is None:
        raise FormatError(f"the script {name!r} is not MODULE:FUNCTION")
    return found[1], found[2]


def own_files(folder: str, keep: Iterable[str] = (), exclude: Sequence[str] = ()) -> dict[str, str]:
    """Path and sha256 in hex of every file of the program in a folder (A1, A2).

    `keep` are taken whatever else says no, `exclude` are globs of what is left out besides. Raises
    Refused, FormatError, Changed, StoreError.
    """
    kept = list(keep)
    tracked = _tracked(folder)
    if tracked is None:
        left_out = (*EXCLUDED, *_environments(folder), *exclude)
        found = digests(folder, sorted(set(left_out)))
        missing = [path for path in kept if path not in found]
        found |= _there(folder, missing) if missing else {}
    else:
        globs = (*DEFAULT_EXCLUDES, "*.pyc", "*.lock", "*.pack", *exclude)
        wanted = [path for path in tracked if path in kept or not excluded(path, globs)]
        found = _there(folder, [*wanted, *kept])
    return {
        path: digest
        for path, digest in found.items()
        if path in kept or not _is_about(os.path.join(folder, path))
    }


def search_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """The folder in which a project keeps its packages: ``src``, where it has one, or itself."""
    if any(path.startswith("src/") and path.endswith(".py") for path in paths):
        return ("src",)
    return ("",)


def _is_about(place: str) -> bool:
    """Whether a file that may be run is a native loader, or one lies beside a loader (A2)."""
    from sig.model import baked, loader  # not for a run, which looks at no such file

    try:
        status = os.lstat(place)
        is_beside = place.endswith(baked.SUFFIX)
        if not stat.S_ISREG(status.st_mode) or not (is_beside or status.st_mode & 0o111):
            return False
        descriptor = os.open(place, NOT_LINKS)
        try:
            if is_beside:
                return baked.is_baked(os.pread(descriptor, 64, 0))
            return loader.is_loader(
                os.pread(descriptor, loader.END, max(0, status.st_size - loader.END))
            )
        finally:
            os.close(descriptor)
    except OSError:  # it is listed, and whoever loads it will see
        return False


def _there(folder: str, paths: Iterable[str]) -> dict[str, str]:
    found = files(folder, dict.fromkeys(paths))
    return {path: digest for path, digest in found.items() if digest is not None}


def _tracked(folder: str) -> list[str] | None:
    """The files that git tracks below the folder; None where there is no git, or none of its."""
    import subprocess

    # Not by a relative name: that could be a program of the folder.
    path = filter(os.path.isabs, os.environ.get("PATH", os.defpath).split(os.pathsep))
    environment = {"PATH": os.pathsep.join(path), "LC_ALL": "C", "HOME": "/"}
    # A repository's own configuration can name programs that git would run: to find out what
    # changed, and to fetch what it lacks (of a sparse index the folders that are left out).
    environment |= {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
    safe = (
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
        "submodule.recurse=false",
        "safe.directory=*",
    )
    words = ["git", *(word for one in safe for word in ("-c", one)), "-C", folder]
    try:
        done = subprocess.run(  # noqa: S603 - git, that of the user
            [*words, "ls-files", "-z", "--cached", "--", "."],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except OSError:  # it is not there, or no program
        return None
    except subprocess.TimeoutExpired as error:
        raise StoreError(f"git did not list the files of {folder}") from error
    if done.returncode != 0:
        told = done.stderr.decode("utf-8", "replace").strip().splitlines()
        if any("not a git repository" in line for line in told):
            return None
        # What it does not track must not come in because it cannot tell.
        why = told[0][:200] if told else f"it ended with {done.returncode}"
        raise StoreError(f"git did not list the files of {folder}: {why}")
    try:
        found = [path for path in done.stdout.decode("utf-8").split("\0") if path]
    except UnicodeDecodeError:
        raise FormatError(f"{folder}: a file whose name is not UTF-8") from None
    return found or None


def _environments(folder: str) -> list[str]:
    """A glob for each environment in the folder (A2)."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for one in entries:
                if one.is_dir(follow_symlinks=False) and os.path.lexists(
                    os.path.join(one.path, "pyvenv.cfg")
                ):
                    found.append("/" + re.sub(r"[*?]", "?", one.name) + "/")
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}") from error
    return found
