"""What a native loader is to be: the options of the command line, over a project's
``[tool.sig.loader]``.

G1  Each key of a table is an option by the same name, and nothing else is one. A key that is not
    known, or of another type, is refused by its name: it may be what somebody relied on.
G2  One table is for all scripts of a project, or for the one that it names; where there are several
    (``[[tool.sig.loader]]``) each names its script. ``app`` and ``python`` are those of a project.
G3  A project is not its builder: what its file says about places stays within its folder.
G4  Options of the interpreter are those that change how a program runs, and not which. Passed are
    the variables that `sig.verbs.environment` passes.
G5  ``strict`` passes nothing: no variable, and no code that is unmarshalled.
G6  Signers, a threshold and a release are those of a baked loader, which has at least one signer;
    they are the same for all loaders of a project, which share what lies beside them. What is for
    others does not only warn them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sig.errors import FormatError, UsageError
from sig.model import loader
from sig.model.strict import LARGEST_INTEGER
from sig.repo.project import PYPROJECT, Project
from sig.verbs import environment

MARSHAL = "marshal"
POLICIES = loader.POLICIES
ALLOWED = (MARSHAL,)
_TABLE = "tool.sig.loader"
_SUFFIXES = (".lock", ".pack", ".py", ".pyc")

# G4: of -X what can be told to be harmless, here and in versions that do not know it.
_X = {
    "cpu_count": r"=(?:default|[1-9][0-9]{0,5})",
    "dev": "",
    "disable_remote_debug": "",
    "faulthandler": "",
    "importtime": "",
    "int_max_str_digits": r"=(?:0|[1-9][0-9]{0,8})",
    "no_debug_ranges": "",
    "tracemalloc": r"(?:=[1-9][0-9]{0,3})?",
    "utf8": r"(?:=[01])?",
    "warn_default_encoding": "",
}
_X_REFUSED = {
    "frozen_modules": "it makes Python load other files",
    "perf": "it makes Python write to other files",
    "perf_jit": "it makes Python write to other files",
    "presite": "it makes Python load other files",
    "pycache_prefix": "it makes Python load other files",
}
# A category with a dot would be imported from its module before the program starts.
_WARNING = re.compile(
    r"(?:default|error|always|all|module|once|ignore)"
    r"(?::[ -9;-~]*(?::(?:[A-Za-z]*Warning)?(?::[A-Za-z0-9_.]*(?::[0-9]{0,6})?)?)?)?"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


class Settings(NamedTuple):
    """One loader, as far as it is said. `script` is one of a project's, `options` are those of the
    interpreter.
    """

    script: str | None = None
    name: str | None = None
    output: str | None = None
    app: str | None = None
    python: str | None = None
    env: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    policy: str | None = None
    allow: tuple[str, ...] = ()
    baked: bool = False
    signers: tuple[str, ...] = ()
    threshold: int | None = None
    release: int | None = None


# --- one value -----------------------------------------------------------------------------------


def checked_name(text: str) -> str:
    """The same, if a loader may have this name. Raises UsageError."""
    if _NAME.fullmatch(text) is None:
        raise UsageError(f"{text!r} is no name for a loader: letters, digits, dots, hyphens")
    if text.endswith(_SUFFIXES):
        raise UsageError(f"{text!r} is no name for a loader: it is that of another file")
    return text


def _variables(names: Sequence[str]) -> tuple[str, ...]:
    for one in names:
        why = environment.why_not(one)
        if not why and (not one.isprintable() or len(one) > 255):
            why = "not the name of a variable"
        if why:
            raise UsageError(f"{one}: {why}")
    return tuple(sorted(set(names)))


def _option(text: str) -> str:
    """As it is handed over: ``-X dev`` is ``-Xdev``."""
    if text in ("-u", "-O", "-OO"):
        return text
    kind, value = text[:2], text[2:].lstrip(" ")
    if kind == "-X":
        said = value.partition("=")[0]
        if said in _X_REFUSED:
            raise UsageError(f"{text}: {_X_REFUSED[said]}")
        if said not in _X or not re.fullmatch(re.escape(said) + _X[said], value):
            raise UsageError(f"{text}: not one of {', '.join(f'-X{one}' for one in _X)}")
    elif kind == "-W":
        if not _WARNING.fullmatch(value) or len(value) > 255:
            raise UsageError(f"{text}: not ACTION:MESSAGE:CATEGORY:MODULE:LINE of Python's own")
    else:
        raise UsageError(f"{text}: not -u, -O, -OO, -X… or -W…")
    return kind + value


def _options(given: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(map(_option, given)))
    if {"-O", "-OO"} <= set(found):
        raise UsageError("-O and -OO: take one of them")
    return found


def _policy(text: str) -> str:
    if text not in POLICIES:
        raise UsageError(f"{text!r} is none of {', '.join(POLICIES)}")
    return text


def _allowed(given: Sequence[str]) -> tuple[str, ...]:
    for one in given:
        if one not in ALLOWED:
            raise UsageError(f"{one!r} is none of what can be allowed: {', '.join(ALLOWED)}")
    return tuple(sorted(set(given)))


def _within(path: str) -> str:
    """G3."""
    if os.path.isabs(path) or ".." in path.split("/") or not path.isprintable():
        raise UsageError(f"{path!r} does not lie in the project's folder")
    return path


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": checked_name,
    "env": _variables,
    "options": _options,
    "policy": _policy,
    "allow": _allowed,
}


def _check_strict(said: Settings) -> None:
    """G5."""
    passed = (*said.env, *said.allow)
    if said.policy == loader.STRICT and passed:
        raise UsageError(f"strict passes no variable, and allows no code: {', '.join(passed)}")


def _check_baked(said: Settings) -> None:
    """G6."""
    if said.baked and not said.signers:
        raise UsageError("a baked loader needs a signer")
    if said.baked and said.policy == loader.WARN:
        raise UsageError("a baked loader is for others: its policy is enforce or strict")
    given = {"signer": said.signers, "threshold": said.threshold, "release": said.release}
    for name, value in given.items():
        if value and not said.baked:
            raise UsageError(f"{name} is for a baked loader")


# --- which there are -----------------------------------------------------------------------------


def wanted(file: str, project: Project | None, given: Settings) -> list[Settings]:
    """The loaders of a script, or of a project, the options `given` over its tables. Each has a
    name, and those of a project their script.

    Raises UsageError, FormatError for a table.
    """
    said = given
    for field, check in _CHECKS.items():
        said = said._replace(**{field: _given(field, check, getattr(given, field))})
    if project is None:
        if said.script is not None:
            raise UsageError("--script is for a project")
        _check_strict(said)
        _check_baked(said)
        return [said._replace(name=said.name or _of_script(file.removesuffix(".py")))]
    found = []
    for one in _chosen(project, said):
        if not _NAME.fullmatch(one.script or ""):
            raise UsageError(
                f"a loader cannot start {one.script!r}: letters, digits, dots, hyphens"
            )
        over = {key: value for key, value in said._asdict().items() if value}
        found.append(one._replace(**over))
        _check_strict(found[-1])
        _check_baked(found[-1])
    if given.name is not None and len(found) > 1:
        raise UsageError(f"--name is for one loader, and these are {len(found)}")
    return [one._replace(name=one.name or _of_script(one.script or "")) for one in found]


def _given(field: str, check: Callable[[Any], Any], value: Any) -> Any:
    """What the command line says of one field, checked."""
    try:
        return check(value) if value else value
    except UsageError as error:
        option = {"env": "--env ", "options": "--python-option "}.get(field, "")
        raise UsageError(f"{option}{error.message}") from error


def _of_script(script: str) -> str:
    """The name of a loader that got none."""
    try:
        return checked_name(script)
    except UsageError as error:
        raise UsageError(f"{error.message} (--name NAME)") from error


def _chosen(project: Project, said: Settings) -> list[Settings]:
    """The table of each loader that is to be made (G2)."""
    listed = _tables(project)
    if said.script is not None and said.script not in project.scripts:
        raise UsageError(f"{PYPROJECT} has no script {said.script}")
    named = [one for one in listed if one.script is not None]
    if named:
        asked = [one for one in named if said.script in (None, one.script)]
        return asked or [Settings(script=said.script)]
    scripts = sorted(project.scripts) if said.script is None else [said.script]
    if not scripts:
        raise UsageError(f"{PYPROJECT} has no [project.scripts]; name a script")
    plain = listed[0] if listed else Settings()
    if plain.name is not None and len(scripts) > 1:
        raise FormatError(f"{PYPROJECT}: {_TABLE}.name: it is for one script, and name which")
    return [plain._replace(script=one) for one in scripts]


# --- tables --------------------------------------------------------------------------------------

_TEXTS = ("script", "name", "output", "app", "python", "policy")
_LISTS = {"env": "env", "python-option": "options", "allow": "allow", "signer": "signers"}
_NUMBERS = ("threshold", "release")
_SAME = ("app", "python", "baked", "signers", "threshold", "release")


def _tables(project: Project) -> list[Settings]:
    """What a project says of its loaders; nothing where it says nothing. Raises FormatError."""
    said = project.settings
    if said is None:
        return []
    if type(said) is not dict:
        raise FormatError(f"{PYPROJECT}: tool.sig is no table")
    for key in said:
        if key != "loader":
            raise FormatError(f"{PYPROJECT}: tool.sig: unknown key {key!r}")
    listed = said.get("loader", [])
    found = [_table(one, project) for one in (listed if type(listed) is list else [listed])]
    if len(found) > 1:
        if any(one.script is None for one in found):
            raise FormatError(f"{PYPROJECT}: {_TABLE}: one of several names no script")
        for key in _SAME:
            if len({getattr(one, key) for one in found}) > 1:
                shown = "signer" if key == "signers" else key
                raise FormatError(f"{PYPROJECT}: {_TABLE}.{shown}: it is the same for all of them")
    return found


def _table(said: object, project: Project) -> Settings:
    """G1."""
    if type(said) is not dict:
        raise FormatError(f"{PYPROJECT}: {_TABLE} is no table")
    found: dict[str, Any] = {}
    for key, value in said.items():
        if key in _TEXTS:
            if type(value) is not str or not value:
                raise FormatError(f"{PYPROJECT}: {_TABLE}.{key} is no text")
            found[key] = value
        elif key in _LISTS:
            if type(value) is not list or not all(type(one) is str and one for one in value):
                raise FormatError(f"{PYPROJECT}: {_TABLE}.{key} is no list of texts")
            found[_LISTS[key]] = tuple(value)
        elif key in _NUMBERS:
            if type(value) is not int or not 1 <= value <= LARGEST_INTEGER:
                raise FormatError(f"{PYPROJECT}: {_TABLE}.{key} is no number from 1 on")
            found[key] = value
        elif key == "baked":
            if type(value) is not bool:
                raise FormatError(f"{PYPROJECT}: {_TABLE}.{key} is neither true nor false")
            found[key] = value
        else:
            raise FormatError(f"{PYPROJECT}: {_TABLE}: unknown key {key!r}")
    for field, check in {**_CHECKS, "output": _within}.items():
        if field in found:
            key = next((one for one, other in _LISTS.items() if other == field), field)
            found[field] = _checked(key, check, found[field])
    one = Settings(**found)
    _checked("policy", _check_strict, one)
    if one.script is not None and one.script not in project.scripts:
        raise FormatError(f"{PYPROJECT}: {_TABLE}.script: no {one.script!r} in project.scripts")
    return one


def _checked(key: str, check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except UsageError as error:
        raise FormatError(f"{PYPROJECT}: {_TABLE}.{key}: {error.message}") from error
