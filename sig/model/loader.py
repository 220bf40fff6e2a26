"""A native loader: the program `sig-verify`, and behind it what it says of itself
(docs/spec/loader).

Here: the bytes of the file, and the policy in them. Not here: how one is made
(`sig.imports.building`), and what it decides, which is native.

L1  The last 16 bytes say that a file is a loader. One of another version is none that can be read,
    and no other program either.
L2  The policy is one line of canonical JSON. Every field is there and of its form, and there is no
    other: what a reader does not know it cannot follow.
L3  A path is absolute, or relative to the folder of the loader's file where the loader may be moved
    with what it names. It is written in one way: no part of it is empty or ``.``, and ``..`` stands
    only at its start.
L4  Nothing in the file protects it. What is read here is what it says, and never believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeVar

from sig.errors import FormatError
from sig.model import baked, closure, limits, strict
from sig.model.configuration import remote_name
from sig.model.fingerprint import Fingerprint
from sig.model.strict import LARGEST_INTEGER

VERSION = 1
FOLDER, BAKED = "folder", "baked"
"""The mode in which the user's own folder decides, and that in which signers in the loader do."""
WARN, ENFORCE, STRICT = POLICIES = "warn", "enforce", "strict"
FIRST = "bootstrap"
"""The module that a run starts with."""

_BEGINS = b"sig loader "
_TRAILER = b"sig loader 1\0\0\0\0"
END = len(_TRAILER)
"""How many bytes at its end say that a file is a loader (L1)."""
_BEHIND = 8 + END  # a length and the trailer
_LARGEST_UID = 2**32 - 2


class Interpreter(NamedTuple):
    """The Python of a program, as it was found; paths by L3.

    `asked` and `prefix` lead through an environment to `executable`. `base` is the prefix of a
    build that is not the system's, "" for the system's. `system` and `site` are the folders of the
    system's packages and of what was installed. `state` is the size of the executable and when it
    was modified, in nanoseconds.
    """

    asked: str
    executable: str
    version: str
    prefix: str
    base: str
    stdlib: tuple[str, ...]
    system: tuple[str, ...]
    site: tuple[str, ...]
    state: str


class Editable(NamedTuple):
    """Where the sources of an editable install lie; `search` are folders of it, best first, ""
    for itself.
    """

    folder: str
    search: tuple[str, ...]


class Home(NamedTuple):
    """The home of a user."""

    uid: int
    path: str


class Folder(NamedTuple):
    """A folder that decides: `key` signs its configuration, of which `sequence` is the number, and
    `remotes` have those of their states. `home` is that of who built the loader.
    """

    folder: str
    key: Fingerprint
    sequence: int
    remotes: Mapping[str, int]
    home: Home


class Signers(NamedTuple):
    """Signers that decide, as many as the threshold: their certificates as they are stored."""

    signers: Mapping[Fingerprint, bytes]
    threshold: int


class Policy(NamedTuple):
    """What a loader goes by. `by` is who decides, `policy` is one of `POLICIES`."""

    app: str
    release: int
    program: str
    script: str
    call: str
    by: Folder | Signers
    python: Interpreter
    editable: Mapping[str, Editable]
    policy: str
    marshal: bool
    env: tuple[str, ...]
    options: tuple[str, ...]


class Modules(NamedTuple):
    """The bootstrap and what it finds beside itself, by name: compiled for interpreters with this
    `magic` (8 hex digits), and the sources.
    """

    magic: str
    compiled: Mapping[str, bytes]
    sources: Mapping[str, bytes]


class Loader(NamedTuple):
    """A loader: `program` without what stands behind it. Not every value can be written."""

    program: bytes
    policy: Policy
    modules: Modules


# --- the file ------------------------------------------------------------------------------------


def is_loader(raw: bytes) -> bool:
    """Whether a file that ends with these bytes, or is them, is a loader: perhaps one that is
    damaged, or of another version.
    """
    return len(raw) >= END and raw[-END:].startswith(_BEGINS)


def read(raw: bytes) -> Loader | None:
    """The loader in these bytes of a whole file; None where they are none (L1).

    Raises FormatError for one that is damaged, or that this program does not know.
    """
    if not is_loader(raw):
        return None
    if not raw.endswith(_TRAILER):
        raise FormatError("a loader of a version that is not known")
    length = int.from_bytes(raw[-_BEHIND:-END], "little")
    start = len(raw) - _BEHIND - length
    if start < 0 or length > limits.LOADER_DATA:
        raise FormatError("the length of what it says does not fit")
    if raw[:start].endswith(_TRAILER):
        raise FormatError("a loader behind another one")
    line, newline, rest = raw[start:-_BEHIND].partition(b"\n")
    if not newline:
        raise FormatError("policy: it does not end")
    try:
        policy, magic, listed = _policy(line)
    except FormatError as error:
        raise FormatError(f"policy: {error.message}") from error
    modules: list[dict[str, bytes]] = []
    place = 0
    for lengths in listed:
        found = {}
        for name, size in lengths.items():
            found[name] = rest[place : place + size]
            place += size
        modules.append(found)
    if place != len(rest):
        raise FormatError("its modules are not as long as its policy says")
    return Loader(raw[:start], policy, Modules(magic, *modules))


def write(loader: Loader) -> bytes:
    """The bytes of the whole file. Raises FormatError for what could not be read again."""
    line = strict.canonical(_fields(loader))
    _, compiled, sources = loader.modules
    behind = b"".join([line, b"\n", *_sorted(compiled), *_sorted(sources)])
    raw = b"".join([loader.program, behind, len(behind).to_bytes(8, "little"), _TRAILER])
    if read(raw) != loader:
        raise FormatError("policy: it cannot be said")
    return raw


def _sorted(modules: Mapping[str, bytes]) -> list[bytes]:
    return [modules[name] for name in sorted(modules)]


def _fields(loader: Loader) -> dict[str, Any]:
    policy, modules = loader.policy, loader.modules

    def lengths(of: Mapping[str, bytes]) -> list[list[str | int]]:
        return [[name, len(of[name])] for name in sorted(of)]

    return {
        **fields(policy),
        "version": VERSION,
        "modules": {
            "magic": modules.magic,
            "compiled": lengths(modules.compiled),
            "sources": lengths(modules.sources),
        },
    }


def fields(policy: Policy) -> dict[str, Any]:
    """What a policy says of itself, as JSON has it."""
    found = policy._asdict() | {
        "python": policy.python._asdict(),
        "editable": {root: one._asdict() for root, one in policy.editable.items()},
    }
    by = found.pop("by")
    if isinstance(by, Folder):
        more = {"mode": FOLDER, "remotes": dict(by.remotes), "home": by.home._asdict()}
    else:
        more = {"mode": BAKED, "signers": baked.packed(by.signers)}
    return {**found, **by._asdict(), **more}


# --- the policy ----------------------------------------------------------------------------------

_CALL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_MAGIC = re.compile(r"[0-9a-f]{8}")
_MODULE = re.compile(r"[a-z_]{1,64}")
_STATE = re.compile(r"(?:0|[1-9][0-9]{0,15}) (?:0|-?[1-9][0-9]{0,18})")
_VARIABLE = re.compile(r"[^\x00-\x1f\x7f*?\[\]=]{1,255}\*?")
_OPTION = re.compile(r"-u|-OO?|-[XW][ -~]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_Lengths = dict[str, int]
_T = TypeVar("_T")


class _NotOne(Exception):
    """A value is not of the form that its field has."""


def _policy(line: bytes) -> tuple[Policy, str, tuple[_Lengths, _Lengths]]:
    """The policy in a line (L2), the magic of its modules and how long they are."""
    if len(line) > limits.LOADER_POLICY:
        raise FormatError(f"longer than {limits.LOADER_POLICY >> 20} MiB")
    said = strict.document(line, VERSION)
    strict.known(said.get("mode"), "mode", FOLDER, BAKED)
    is_folder = said["mode"] == FOLDER
    forms = _FIELDS | (_OF_FOLDER if is_folder else _OF_BAKED)
    listed = _PARTS | ({"home": _HOME} if is_folder else {})
    strict.check_names(said, {*forms, *listed, "version", "mode"})
    for name, fields in sorted(listed.items()):
        if type(said[name]) is not dict:
            raise FormatError(f"{name} is not an object")
        strict.check_names(said[name], fields, f"{name}.")
    found = {name: _read(name, said[name], *forms[name]) for name in sorted(forms)}
    parts = {
        name: {key: _read(f"{name}.{key}", said[name][key], *form) for key, form in fields.items()}
        for name, fields in sorted(listed.items())
    }
    modules = parts.pop("modules")
    if modules["compiled"].keys() != modules["sources"].keys():
        raise FormatError("other modules are compiled than there are sources")
    of_mode = {name: found.pop(name) for name in (_OF_FOLDER if is_folder else _OF_BAKED)}
    by: Folder | Signers
    if is_folder:
        by = Folder(**of_mode, home=Home(**parts["home"]))
    else:
        by = Signers(**of_mode)
    policy = Policy(**found, python=Interpreter(**parts["python"]), by=by)
    _check(policy)
    return policy, modules["magic"], (modules["compiled"], modules["sources"])


def _check(policy: Policy) -> None:
    """What one field says of another."""
    if bool(policy.script) == bool(policy.call):
        raise FormatError("neither one script nor one call")
    if policy.python.base and not _is_build(policy.python):
        raise FormatError("the interpreter does not lie below its base")
    if policy.policy == STRICT and (policy.env or policy.marshal):
        raise FormatError("strict passes no variable and no code")
    if isinstance(policy.by, Signers) and policy.by.threshold > len(policy.by.signers):
        raise FormatError("fewer signers than its threshold")
    if isinstance(policy.by, Signers) and policy.python.base:
        raise FormatError("signers with a Python that is not the system's")
    if isinstance(policy.by, Signers) and policy.policy == WARN:
        raise FormatError("signers, and nothing is refused that they do not answer for")


def _is_build(python: Interpreter) -> bool:
    """Whether all of an interpreter lies below its base, and no packages are the system's."""
    base = python.base.rstrip("/") + "/"
    below = all(path.startswith(base) for path in (python.executable, *python.stdlib))
    return below and not python.system


def _read(name: str, value: Any, read: Callable[[Any], Any], what: str) -> Any:
    try:
        return read(value)
    except (_NotOne, FormatError, ValueError) as error:
        raise FormatError(f"{name} is not {what}") from error


# --- forms of values -----------------------------------------------------------------------------


def _no() -> NoReturn:
    raise _NotOne


def _of(kind: type[_T], value: Any) -> _T:
    """The same, where it is of this kind and of no other that counts as one."""
    if type(value) is not kind:
        _no()
    return value


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = _of(str, value)
        return text if pattern.fullmatch(text) else _no()

    return read


def _within(lowest: int, highest: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _of(int, value)
        return number if lowest <= number <= highest else _no()

    return read


def _list(one: Callable[[Any], str], least: int = 0) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        return tuple(map(one, value)) if len(_of(list, value)) >= least else _no()

    return read


def _or_empty(one: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: value if value == "" and type(value) is str else one(value)


def _path(value: Any) -> str:
    """L3."""
    text = _of(str, value)
    if not text or len(text.encode()) > limits.PATH or _CONTROL.search(text):
        _no()
    if text in ("/", "."):
        return text
    parts = text.split("/")
    if parts[0] == "":
        del parts[0]
    else:
        while parts and parts[0] == "..":
            del parts[0]
    return text if {"", ".", ".."}.isdisjoint(parts) else _no()


def _absolute(value: Any) -> str:
    text = _path(value)
    return text if text.startswith("/") else _no()


def _below(value: Any) -> str:
    """A path below a folder, which is not the folder."""
    text = _path(value)
    return _no() if text.startswith("/") or text.split("/")[0] in (".", "..") else text


def _version(value: Any) -> str:
    closure.allows("", _of(str, value))
    return str(value)


def _policies(value: Any) -> str:
    text = _of(str, value)
    return text if text in POLICIES else _no()


def _remotes(value: Any) -> dict[str, int]:
    number = _within(1, LARGEST_INTEGER)
    return {remote_name(name): number(one) for name, one in _of(dict, value).items()}


def _signers(value: Any) -> dict[Fingerprint, bytes]:
    return baked.certificates(value) or _no()


def _editables(value: Any) -> dict[str, Editable]:
    found = {}
    for root, said in _of(dict, value).items():
        if closure.parts(root)[0] != closure.DIST or _of(dict, said).keys() != {"folder", "search"}:
            _no()
        search = _list(_or_empty(_below), least=1)(said["search"])
        found[root] = Editable(_path(said["folder"]), search)
    return found


def _variables(value: Any) -> tuple[str, ...]:
    found = _list(_matching(_VARIABLE))(value)
    return found if list(found) == sorted(set(found)) else _no()


def _options(value: Any) -> tuple[str, ...]:
    found = _list(_matching(_OPTION))(value)
    return _no() if len(set(found)) != len(found) or {"-O", "-OO"} <= set(found) else found


def _lengths(value: Any) -> _Lengths:
    found: _Lengths = {}
    for pair in _of(list, value):
        if len(_of(list, pair)) != 2:
            _no()
        name = _matching(_MODULE)(pair[0])
        if found and name <= next(reversed(found)):
            _no()
        found[name] = _within(1, limits.LOADER_DATA)(pair[1])
    return found if FIRST in found else _no()


_Form = tuple[Callable[[Any], Any], str]
_PATH: _Form = (_path, "a path")
_ABSOLUTE: _Form = (_absolute, "an absolute path")
_FIELDS: dict[str, _Form] = {
    "app": (_matching(closure.APP_NAME), "the name of an app"),
    "release": (_within(0, LARGEST_INTEGER), "a number from 0 on"),
    "program": _PATH,
    "script": (_or_empty(_below), "a path below a folder"),
    "call": (_or_empty(_matching(_CALL)), "the name of a script"),
    "editable": (_editables, "roots dist/NAME-VERSION with folder and search"),
    "policy": (_policies, "warn, enforce or strict"),
    "marshal": (lambda value: _of(bool, value), "true or false"),
    "env": (_variables, "a sorted list of variables"),
    "options": (_options, "a list of -u, -O, -OO, -X… or -W…, each once"),
}
_FROM_1: _Form = (_within(1, LARGEST_INTEGER), "a number from 1 on")
_OF_FOLDER: dict[str, _Form] = {
    "folder": _ABSOLUTE,
    "key": (Fingerprint, "a fingerprint"),
    "sequence": _FROM_1,
    "remotes": (_remotes, "names of remotes with numbers from 1 on"),
}
_OF_BAKED: dict[str, _Form] = {
    "signers": (_signers, "certificates by their fingerprints"),
    "threshold": _FROM_1,
}
_HOME: dict[str, _Form] = {
    "path": _ABSOLUTE,
    "uid": (_within(0, _LARGEST_UID), "the number of a user"),
}
_PARTS: dict[str, dict[str, _Form]] = {
    "modules": {
        "compiled": (_lengths, f"a sorted list of names and lengths, {FIRST} among them"),
        "magic": (_matching(_MAGIC), "8 hex digits"),
        "sources": (_lengths, f"a sorted list of names and lengths, {FIRST} among them"),
    },
    "python": {
        "asked": _PATH,
        "base": (_or_empty(_absolute), "an absolute path"),
        "executable": _ABSOLUTE,
        "prefix": _PATH,
        "site": (_list(_path), "a list of paths"),
        "state": (_matching(_STATE), "a size and a time"),
        "stdlib": (_list(_absolute, least=1), "a list of absolute paths"),
        "system": (_list(_absolute), "a list of absolute paths"),
        "version": (_version, "a version of Python"),
    },
}
