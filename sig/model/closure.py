"""All that a program may load, as one list of roots, and the words that are signed with it
(docs/spec/closure).

Here: the list, the names in it, and the criteria of a statement about one. Not here: where the
files of a root lie (`sig.repo.installed`), and whether anybody is believed.

C1  The text is a manifest in its one form. Its digests are those of the manifests of the roots: a
    list of lists. Nothing in it says where a root lies, so one list is that of many machines.
C2  A root is ``app``, ``editable/NAME-VERSION`` or ``dist/NAME-VERSION``, and nothing else. NAME is
    a distribution's, lower case, with ``-`` for each run of ``-_.``; VERSION is the whole of what
    follows the last ``-``: one root is read in one way.
C3  A distribution has one version. Installed as editable it has two roots, the sources and what was
    installed, both of that version.
C4  The words of the signer: ``app:NAME`` and ``release:N``, each once and together; ``python:``
    once or not at all; ``pack:`` once for each tag. A word that starts like one of these is one of
    these or refused. All other words are somebody else's.
C5  What is known of a Python's version to two numbers is known to be allowed only if all versions
    of these two are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, NoReturn

from sig.errors import FormatError
from sig.model import limits, manifest
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest, told
from sig.model.strict import LARGEST_INTEGER

APP = "app"
EDITABLE = "editable"
DIST = "dist"

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.!+_]*[A-Za-z0-9])?")
_GIVEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")  # as its maker spells it


class Closure:
    """The roots of a program, valid (C1–C3) or not made at all; `roots` maps name to identifier of
    the manifest, in the order of the text.

    Two are equal if their texts are. Raises FormatError, which names the root.
    """

    __slots__ = ("_text", "roots")

    _text: bytes
    roots: Mapping[str, Identifier]

    def __init__(self, roots: Mapping[str, Identifier]) -> None:
        for name, id in roots.items():
            if not id.names_bytes:
                raise FormatError(f"{told(name)}: {told(id)} is not the id of a manifest")
        listed = Manifest({name: id.removeprefix("sha256:") for name, id in roots.items()})
        _check_roots(listed.files)
        ordered = {name: roots[name] for name in listed.files}
        object.__setattr__(self, "roots", MappingProxyType(ordered))
        object.__setattr__(self, "_text", listed.text)

    @property
    def text(self) -> bytes:
        """What is written to ``NAME.lock``."""
        return self._text

    @property
    def id(self) -> Identifier:
        """What is attested: the identifier of its text."""
        return Identifier.of_bytes(self._text)

    def __len__(self) -> int:
        return len(self.roots)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Closure) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"<Closure of {len(self)} roots, {self.id}>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a closure does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a closure does not change")


def read(raw: bytes) -> Closure:
    """The closure of this text, and of no other (C1). Raises FormatError."""
    listed = manifest.read_canonical(raw)
    return Closure({path: Identifier("sha256:" + digest) for path, digest in listed.files.items()})


# --- roots ---------------------------------------------------------------------------------------


def normalised(name: str) -> str:
    """The one spelling of a distribution's name (C2). Raises FormatError for what is no name."""
    if len(name) > limits.NAME or _GIVEN.fullmatch(name) is None:
        raise FormatError(f"{told(name)!r} is not the name of a distribution")
    return re.sub(r"[-_.]+", "-", name).lower()


def root_name(kind: str, name: str = "", version: str = "") -> str:
    """``KIND/NAME-VERSION``, or ``app``, however the name is spelled.

    A version may have ``-`` only as the name of a wheel has it: as ``_``. Raises FormatError.
    """
    if kind == APP and not name and not version:
        return APP
    if kind not in (EDITABLE, DIST):
        raise FormatError(f"{told(kind)!r} is no kind of root")
    made = f"{kind}/{normalised(name)}-{version.replace('-', '_')}"
    parts(made)
    return made


def parts(root: str) -> tuple[str, str, str]:
    """Kind, name and version of a root; the last two are "" for the app. Raises FormatError."""
    if root == APP:
        return APP, "", ""
    kind, _, rest = root.partition("/")
    name, _, version = rest.rpartition("-")
    if kind not in (EDITABLE, DIST) or not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise FormatError(f"{told(root)}: not app, editable/NAME-VERSION or dist/NAME-VERSION")
    return kind, name, version


def _check_roots(roots: Mapping[str, str]) -> None:
    if len(roots) > limits.ROOTS:
        raise FormatError(f"more than {limits.ROOTS} roots")
    versions: dict[str, tuple[str, str]] = {}
    for root in roots:
        kind, name, version = parts(root)
        if kind == APP:
            continue
        first = versions.setdefault(name, (version, root))
        if first[0] != version:  # C3
            raise FormatError(f"{told(first[1])} and {told(root)}: two versions of {name}")


# --- what is signed with it ----------------------------------------------------------------------

APP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_PREFIXES = ("app:", "release:", "python:", "pack:")


class Terms(NamedTuple):
    """Which program a closure is of, which release of it, for which Pythons.

    `packs` are (tag, identifier) of bytecode for one interpreter. Made by `terms`; one that was
    made otherwise is checked by `criteria`.
    """

    app: str
    release: int
    python: str = ""
    packs: tuple[tuple[str, Identifier], ...] = ()


def terms(criteria: Sequence[str]) -> Terms | None:
    """What the criteria of a statement say about a closure (C4); None if they say nothing.

    Raises FormatError, which names the word.
    """
    named: dict[str, list[str]] = {prefix: [] for prefix in _PREFIXES}
    for word in criteria:
        prefix = word[: word.find(":") + 1]
        if prefix in named:
            named[prefix].append(word.removeprefix(prefix))
    if not named["app:"]:
        return None
    python = _once(named, "python:") if named["python:"] else None
    if python is not None:
        _clauses(python)
    return Terms(
        app=_app(_once(named, "app:")),
        release=_release(_once(named, "release:")),
        python=python or "",
        packs=_packs(named["pack:"]),
    )


def criteria(said: Terms) -> tuple[str, ...]:
    """The words for these terms. Raises FormatError for what no words say."""
    words = [f"app:{said.app}", f"release:{said.release}"]
    if said.python:
        words.append(f"python:{said.python}")
    words += [f"pack:{tag}={id}" for tag, id in said.packs]
    if terms(words) != said:
        raise FormatError(f"{told(repr(tuple(said)))} cannot be said")
    return tuple(words)


def _once(named: Mapping[str, list[str]], prefix: str) -> str:
    found = named[prefix]
    if len(found) != 1:
        how = "more than one" if found else "no"
        raise FormatError(f"{how} {prefix} among the criteria of a closure")
    return found[0]


def _app(name: str) -> str:
    if APP_NAME.fullmatch(name) is None:
        raise FormatError(f"app:{told(name)}: not the name of an app")
    return name


def _release(number: str) -> int:
    if len(number) > 16 or re.fullmatch(r"[1-9][0-9]*", number) is None:
        raise FormatError(f"release:{told(number)}: not a number from 1")
    if int(number) > LARGEST_INTEGER:
        raise FormatError(f"release:{number}: larger than {LARGEST_INTEGER}")
    return int(number)


def _packs(words: Sequence[str]) -> tuple[tuple[str, Identifier], ...]:
    found: dict[str, Identifier] = {}
    for word in words:
        tag, _, text = word.partition("=")
        try:
            id = Identifier(text)
        except ValueError:
            id = None
        if id is None or not id.names_bytes or _TAG.fullmatch(tag) is None:
            raise FormatError(f"pack:{told(word)}: not TAG=sha256:HEX")
        if tag in found:
            raise FormatError(f"pack:{tag}: stands twice")
        found[tag] = id
    return tuple(found.items())


# --- which Pythons -------------------------------------------------------------------------------

_NUMBER = r"(?:0|[1-9][0-9]{0,5})"
_RELEASE = rf"{_NUMBER}(?:\.{_NUMBER}){{1,3}}"
_CLAUSE = re.compile(rf"(>=|<=|==|!=|>|<)({_RELEASE})(\.\*)?")
_PYTHON = re.compile(rf"({_RELEASE})(?:(?:a|b|rc){_NUMBER})?\+?")
_CLAUSES = 16

_Version = tuple[int, ...]
_COMPARED: dict[str, Callable[[_Version, _Version], bool]] = {
    ">=": lambda version, asked: version >= asked,
    "<=": lambda version, asked: version <= asked,
    ">": lambda version, asked: version > asked,
    "<": lambda version, asked: version < asked,
    "==": lambda version, asked: version == asked,
    "!=": lambda version, asked: version != asked,
}


def allows(specifier: str, version: str) -> bool:
    """Whether a Python of this version is one of those that are asked for; "" asks for none.

    A specifier is one to 16 of ``>=X.Y``, ``<=``, ``>``, ``<``, ``==``, ``!=`` with a comma between
    them; the last two also with ``.*`` behind. Numbers are compared, what is missing is 0; what
    says that a version is not released yet (``3.14.0rc1``) does not count. Of a version of two
    numbers, see C5. Raises FormatError for what is no specifier or no version.
    """
    found = _PYTHON.fullmatch(version)
    if found is None:
        raise FormatError(f"{told(version)!r} is not a version of Python")
    numbers = _numbers(found[1])
    return not specifier or all(
        _allows(operator, asked, any_below, numbers)
        for operator, asked, any_below in _clauses(specifier)
    )


def _allows(operator: str, asked: _Version, any_below: bool, version: _Version) -> bool:
    if any_below:
        # Only with == and !=. What is not known of the version could be what is asked for.
        same = _filled(version, 4)[: len(asked)] == asked
        if len(version) < len(asked) and version == asked[: len(version)]:
            return False  # C5
        return same is (operator == "==")
    compared = _COMPARED[operator]
    lowest, wanted = _filled(version, 4), _filled(asked, 4)
    if len(version) > 2:
        return compared(lowest, wanted)
    # C5: for the first of them, the last, and whether one between them is it.
    highest = version + (10**6, 0)
    if operator == "!=":
        return not lowest <= wanted <= highest
    return compared(lowest, wanted) and compared(highest, wanted)


def _filled(version: _Version, length: int) -> _Version:
    return version + (0,) * (length - len(version))


def _numbers(text: str) -> _Version:
    return tuple(map(int, text.split(".")))


def _clauses(specifier: str) -> list[tuple[str, _Version, bool]]:
    clauses = specifier.split(",", _CLAUSES)
    made = []
    for clause in clauses:
        found = _CLAUSE.fullmatch(clause)
        if len(clauses) > _CLAUSES or found is None or (found[3] and found[1] not in ("==", "!=")):
            raise FormatError(f"python:{told(specifier)}: not like >=3.11,<3.14")
        made.append((found[1], _numbers(found[2]), found[3] is not None))
    return made
