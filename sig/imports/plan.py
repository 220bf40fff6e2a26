"""What a run may load: decided by sig, carried out by the bootstrap in the child.

Here: the values, and their text. Not here: what follows from them (`covered`), or who decided.

A plan comes from a sealed file of our own. So its reader is strict and has no second version: what
it does not know is a bug, and a ValueError.

P1  Paths of the disk are bytes: what the kernel gave is what the child opens, in whatever locale.
P2  All other text is UTF-8.
"""

from __future__ import annotations

from .paths import fsdecode, fsencode, normpath

PYTHON = "python"
"""The name of the root that is an interpreter with its standard library."""

TYPE_CHECKING = False  # `typing` costs as much as the rest of a start
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIRST = b"sig-plan 1"
_PLAIN = frozenset(b"-./_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+:@,=")
_YES = {True: b"yes", False: b"no"}
_NO = {b"yes": True, b"no": False}
_DIGITS = frozenset("0123456789abcdef")


class Root:
    """What is loaded from one folder under one manifest.

    `name` is ``app``, ``editable/NAME-VERSION`` or ``dist/NAME-VERSION``. `base` is the absolute
    folder that the paths of the manifest are relative to; `prefix` is that of the environment,
    below which ``*.data/data`` lies, or empty. `search` are the folders of the manifest in which
    top-level modules lie, best first; empty text is the base itself. `manifest` is canonical text
    of `sha256sum`.

    Raises ValueError.
    """

    __slots__ = ("base", "manifest", "name", "prefix", "search")

    def __init__(
        self, name: str, base: str, manifest: bytes, search: Sequence[str] = ("",), prefix: str = ""
    ) -> None:
        self.name = name
        self.base = _folder(base)
        self.prefix = prefix and _folder(prefix)
        self.search = tuple(search)
        self.manifest = manifest
        if not name or not name.isprintable() or " " in name:
            raise ValueError(f"{name!r} is not the name of a root")
        for folder in self.search:
            if folder and not {"", ".", ".."}.isdisjoint(folder.split("/")):
                raise ValueError(f"{name}: {folder!r} is not a folder of a manifest")
        if manifest[64:66] != b"  " or manifest[-1:] != b"\n":
            raise ValueError(f"{name}: not a manifest")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Root) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((self.name, self.base))

    def __repr__(self) -> str:
        return f"<Root {self.name} at {self.base}>"


class Plan:
    """One run.

    `entry` is ``("file", PATH)``, a path of the first root's manifest, or ``("call", MODULE,
    ATTRIBUTE)``, or ``("code", TEXT)`` for a child that multiprocessing starts. `argv0` is the
    script as it was typed, `file` its absolute path or empty. `roots` stand in the order in which
    they are searched: app, editable ones, distributions; one of them may be `PYTHON`, which stands
    where `stdlib` does. `stdlib` and `system` are absolute folders that only root can write to.
    `prefix` becomes sys.prefix (empty: as it is), `executable` sys.executable (empty: there is
    none). `bad` maps digests to messages. `environment` is set for children. `report` is a file, or
    empty. `marshal` lets the program unmarshal any bytes. `early` is what is given of `PYTHON`
    besides: the name of an extension module, or nothing for a library that was mapped; the path of
    its file; that of its sealed copy.

    Raises ValueError.
    """

    __slots__ = (
        "app", "argv0", "bad", "context", "early", "entry", "environment", "executable", "file",
        "marshal", "prefix", "report", "roots", "stdlib", "system", "trace",
    )  # fmt: skip

    def __init__(
        self,
        app: str,
        entry: Sequence[str],
        roots: Sequence[Root],
        *,
        argv0: str,
        file: str = "",
        stdlib: Sequence[str],
        system: Sequence[str] = (),
        prefix: str = "",
        executable: str = "",
        bad: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        trace: bool = False,
        marshal: bool = False,
        report: str = "",
        early: Sequence[tuple[str, str, str]] = (),
        context: str = "",
    ) -> None:
        self.app = app
        self.entry = tuple(entry)
        self.roots = tuple(roots)
        self.argv0 = argv0
        self.file = file
        self.stdlib = tuple(map(_folder, stdlib))
        self.system = tuple(map(_folder, system))
        self.prefix = prefix and _folder(prefix)
        self.executable = executable
        self.bad = dict(bad or ())
        self.environment = dict(environment or ())
        self.trace = trace
        self.marshal = marshal
        self.report = report
        self.early = tuple([tuple(one) for one in early])
        self.context = context
        if not self.roots or len({root.name for root in self.roots}) != len(self.roots):
            raise ValueError("no root, or two of one name")
        fields = {"file": 2, "call": 3, "code": 2}
        if fields.get(self.entry[0]) != len(self.entry) or "" in self.entry:
            raise ValueError(f"{self.entry!r} is not where a run starts")
        if (
            self.entry[0] == "call"
            and not ".".join(self.entry[1:]).replace(".", "_").isidentifier()
        ):
            raise ValueError(f"{self.entry!r} is not what can be called")
        for path in (file, executable, report):
            if path and not path.startswith("/"):
                raise ValueError(f"{path!r} is not an absolute path")
        for digest in self.bad:
            if len(digest) != 64 or not _DIGITS.issuperset(digest):
                raise ValueError(f"{digest!r} is not a digest")
        whole = self.stdlib or PYTHON in [root.name for root in self.roots]
        if "\0" in argv0 or not argv0 or not whole:
            raise ValueError("a plan without argv0 or standard library")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((self.app, self.argv0, self.entry))

    def __repr__(self) -> str:
        return f"<Plan of {self.app} with {len(self.roots)} roots>"


def _values(value: Root | Plan) -> list[object]:
    return [getattr(value, name) for name in value.__slots__]


def _folder(path: str) -> str:
    """As it is compared later: absolute, and without what a path may have too much."""
    if not path.startswith("/") or "\0" in path:
        raise ValueError(f"{path!r} is not an absolute folder")
    return normpath(path).replace("//", "/")  # POSIX keeps two slashes at the start


# --- text ----------------------------------------------------------------------------------------


def write(plan: Plan) -> bytes:
    """The one text of a plan. Raises ValueError for text that is none."""
    lines = [
        _FIRST,
        _line(b"app", _text(plan.app)),
        _line(b"entry", *map(fsencode if plan.entry[0] == "file" else _text, plan.entry)),
    ]
    for word, path in (
        (b"argv0", plan.argv0),
        (b"file", plan.file),
        (b"prefix", plan.prefix),
        (b"executable", plan.executable),
        (b"report", plan.report),
    ):
        lines.append(_line(word, fsencode(path)))
    lines.append(_line(b"context", _text(plan.context)))
    lines.append(_line(b"trace", _YES[plan.trace]))
    lines.append(_line(b"marshal", _YES[plan.marshal]))
    lines.append(_line(b"stdlib", *map(fsencode, plan.stdlib)))
    lines.append(_line(b"system", *map(fsencode, plan.system)))
    lines += [_line(b"bad", _text(key), _text(value)) for key, value in sorted(plan.bad.items())]
    lines += [_line(b"early", _text(name), *map(fsencode, two)) for name, *two in plan.early]
    for name, value in sorted(plan.environment.items()):
        lines.append(_line(b"environment", fsencode(name), fsencode(value)))
    for root in plan.roots:
        words = [_text(root.name), fsencode(root.base), fsencode(root.prefix)]
        words += [b"%d" % len(root.manifest), *map(fsencode, root.search)]
        lines.append(_line(b"root", *words))
    return b"\n".join([*lines, b"\n"]) + b"".join([root.manifest for root in plan.roots])


def read(raw: bytes) -> Plan:
    """The plan of a text that `write` wrote. Raises ValueError for any other."""
    end = raw.find(b"\n\n")
    first, *lines = raw[:end].split(b"\n")
    if first != _FIRST or end < 0:
        raise ValueError("not a plan")
    manifests = memoryview(raw)[end + 2 :]  # may be megabytes: each is copied once
    one: dict[bytes, list[bytes]] = {}
    bad: dict[str, str] = {}
    environment: dict[str, str] = {}
    early: list[tuple[str, str, str]] = []
    roots: list[Root] = []
    start = 0
    for line in lines:
        word, *fields = [_decoded(field) for field in line.split(b" ")]
        if word == b"bad":
            digest, message = fields
            bad[digest.decode()] = message.decode()
        elif word == b"early":
            module, place, copy = fields
            early.append((module.decode(), fsdecode(place), fsdecode(copy)))
        elif word == b"environment":
            name, value = fields
            environment[fsdecode(name)] = fsdecode(value)
        elif word == b"root":
            name, base, prefix, length, *search = fields
            end = start + int(length)
            manifest = bytes(manifests[start:end])
            found = Root(
                name.decode(),
                fsdecode(base),
                manifest,
                [fsdecode(folder) for folder in search],
                fsdecode(prefix),
            )
            roots.append(found)
            start = end
        elif word in one:
            raise ValueError(f"a plan with two lines of {word!r}")
        else:
            one[word] = fields
    if start != len(manifests):
        raise ValueError("a plan with more or less than its manifests")

    def path(word: bytes) -> str:
        (field,) = one.pop(word)
        return fsdecode(field)

    try:
        kind, *others = one.pop(b"entry")
        (trace,), (marshal,) = one.pop(b"trace"), one.pop(b"marshal")
        (app,), (context,) = one.pop(b"app"), one.pop(b"context")
        plan = Plan(
            app.decode(),
            [kind.decode(), *map(fsdecode if kind == b"file" else bytes.decode, others)],
            roots,
            argv0=path(b"argv0"),
            file=path(b"file"),
            stdlib=[fsdecode(folder) for folder in one.pop(b"stdlib")],
            system=[fsdecode(folder) for folder in one.pop(b"system")],
            prefix=path(b"prefix"),
            executable=path(b"executable"),
            bad=bad,
            environment=environment,
            trace=_NO[trace],
            marshal=_NO[marshal],
            report=path(b"report"),
            early=early,
            context=context.decode(),
        )
    except KeyError as error:
        raise ValueError(f"a plan without {error}") from None
    if one:
        raise ValueError(f"a plan with {sorted(one)}")
    return plan


def _line(word: bytes, *fields: bytes) -> bytes:
    return b" ".join([word, *map(_encoded, fields)])


def _text(text: str) -> bytes:
    return text.encode()


def _encoded(field: bytes) -> bytes:
    if _PLAIN.issuperset(field):
        return field
    return b"".join([bytes((byte,)) if byte in _PLAIN else b"%%%02x" % byte for byte in field])


def _decoded(field: bytes) -> bytes:
    if b"%" not in field:
        return field
    first, *others = field.split(b"%")
    return first + b"".join([bytes((int(part[:2], 16),)) + part[2:] for part in others])
