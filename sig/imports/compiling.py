"""Sources to code: by the interpreter that will load it, and by nothing that nobody answers for.

Here: the process that compiles. Not here: what is compiled (`recording`), what it does with it
(`bytecode`).

C1  It gets sources as its input, runs none of them, and answers with codes.
C2  The system's Python runs nothing but `bytecode` and root's files. Any other runs as a program
    under a lock does, from verified copies and with the finder of its own standard library: that it
    is attested is asked before it starts.
C3  Of what is compiled each byte is of a source that was read and compared here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sig.errors import Changed, NotTrusted, Refused, SigError
from sig.imports import packing, packs, running
from sig.imports.bootstrap import FILE
from sig.imports.packs import Pack
from sig.imports.plan import PYTHON, Plan, Root
from sig.model import limits
from sig.model.identifier import Identifier
from sig.repo.python import Python, contents
from sig.verbs import covering
from sig.verbs import lock as locks

if TYPE_CHECKING:
    from sig.model.manifest import Manifest
    from sig.verbs.workspace import Workspace

_SECONDS = 600
# Until Python 3.10 the order in a set of constants depends on the seed.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


class Compiler(NamedTuple):
    """An interpreter that somebody answers for. `files` are those of one that is not the system's,
    and `bad` is as in a plan.
    """

    python: Python
    files: Manifest | None = None
    bad: Mapping[str, str] = {}


def compiler(workspace: Workspace, python: Python) -> Compiler:
    """The compiler for this Python (C2). Raises NotTrusted where nobody answers for it."""
    seen, build, line = locks.python_line(workspace, python)
    if line.state not in locks.FINE:
        raise NotTrusted(
            f"python {line.label} is {line.state}" + (f": {line.why}" if line.why else ""),
            hint=f"sig attest --python {python.asked}",
        )
    if build is None:
        return Compiler(seen)
    if build.files is None:
        raise NotTrusted(f"the list of {python.executable} is not in the folder", hint="sig fetch")
    bad = workspace.consistent(lambda: covering.bad_files(workspace, [build]))
    return Compiler(seen, build.files, bad)


def compiled(by: Compiler, wanted: Mapping[str, str]) -> Pack:
    """The pack of these sources, by digest and place.

    Raises Changed for a source or a file of the interpreter that is not what it should be, Refused
    where it cannot compile, FormatError for what would be too large.
    """
    asked = []
    for digest, path in sorted(wanted.items()):
        raw = _read(path, digest)
        asked += [b"%d\n" % len(raw), raw]
    answered = _system(by.python, asked) if by.files is None else _other(by, by.files, asked)
    try:
        said, _, rest = answered.partition(b"\n")
        codes = dict(zip(sorted(wanted), _answers(rest), strict=True))
    except ValueError as error:
        raise Refused(f"{by.python.executable} did not compile what it was given") from error
    found = packs.made(
        said.decode("ascii", "replace"), {key: codes[key] for key in codes if codes[key]}
    )
    if packs.unfit(found, by.python):
        raise Refused(f"packs are for releases of CPython, and this is {found.tag}")
    return found


def modules(by: Compiler, sources: Mapping[str, bytes]) -> tuple[str, dict[str, bytes]]:
    """The codes of our own modules, by this Python, and the magic number in its bytecode as 8 hex
    digits (C2). Raises Refused where it cannot compile them, Changed as `compiled` does.
    """
    python = by.python
    names = sorted(sources)
    asked = [part for name in names for part in (b"%d\n" % len(sources[name]), sources[name])]
    answered = (
        _system(python, asked, FILE) if by.files is None else _other(by, by.files, asked, FILE)
    )
    try:
        said, _, rest = answered.partition(b"\n")
        magic = said.decode("ascii").split(" ")[1]
        codes = dict(zip(names, _answers(rest), strict=True))
    except (ValueError, IndexError) as error:
        raise Refused(f"{python.executable} did not compile what it was given") from error
    for name, code in codes.items():
        if not code:
            raise Refused(f"{python.executable} cannot compile {name}: it may be too old")
    return magic, codes


def _read(path: str, digest: str) -> bytes:
    """C3."""
    raw = contents(path, limits.PACK)
    if raw is None or Identifier.of_bytes(raw) != f"sha256:{digest}":
        raise Changed(f"{path} is not what the lock says")
    return raw


def _answers(raw: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(raw):
        start = raw.index(b"\n", place) + 1
        place = start + int(raw[place:start])
        yield raw[start:place]


# --- the process ---------------------------------------------------------------------------------


def _program(name: str | None = None) -> str:
    serve = "serve()" if name is None else f"serve({name!r})"
    return f"{packing.source('bytecode').decode()}\n\n{serve}\n"


def _system(python: Python, asked: list[bytes], name: str | None = None) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - root's own, as a file
            [python.executable, "-s", "-S", "-B", "-c", _program(name)],
            input=b"".join(asked),
            stdout=subprocess.PIPE,
            cwd="/",
            env=_ENVIRONMENT,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"{python.executable} did not compile what it was given") from error
    return done.stdout


def _other(by: Compiler, files: Manifest, asked: list[bytes], name: str | None = None) -> bytes:
    from sig.imports import interpreter
    from sig.repo.interpreter import search

    prepared = interpreter.prepare(by.python, files.files, by.bad)
    plan = Plan(
        "sig",
        ("code", _program(name)),
        [Root(PYTHON, by.python.base_prefix, files.text, search(by.python))],
        argv0="sig",
        stdlib=(),
        bad=by.bad,
        early=prepared.early,
    )
    with tempfile.TemporaryFile() as sources, tempfile.TemporaryFile() as answers:
        sources.writelines(asked)
        sources.seek(0)

        def become() -> NoReturn:
            signal.alarm(_SECONDS)
            os.dup2(sources.fileno(), 0)
            os.dup2(answers.fileno(), 1)
            os.chdir("/")
            running.start(by.python, plan, (), _ENVIRONMENT, None, prepared)

        status = forked(become)
        if status:
            raise Refused(f"{by.python.executable} did not compile what it was given: {status}")
        answers.seek(0)
        return answers.read()


def forked(become: Callable[[], NoReturn]) -> int:
    """How a child ends that becomes a program."""
    child = os.fork()
    if child == 0:
        try:
            become()
        except Exception as error:
            told = error.message if isinstance(error, SigError) else str(error) or repr(error)
            os.write(2, f"error: {told}\n".encode("utf-8", "backslashreplace"))
        finally:
            os._exit(114)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for the program
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        signal.signal(signal.SIGINT, before)
