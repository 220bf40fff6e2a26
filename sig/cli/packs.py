"""Packs: what `sig lock --pack` and `sig attest NAME.lock` say about them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sig.cli import Context, output
from sig.errors import NotFound, NotTrusted, Refused
from sig.imports import packs, recording, running
from sig.imports.compiling import compiler
from sig.verbs import lock as locks
from sig.verbs.environment import passed

if TYPE_CHECKING:
    from sig.imports.packs import Pack
    from sig.model.identifier import Identifier
    from sig.repo.python import Python
    from sig.verbs.lock import Program
    from sig.verbs.workspace import Workspace

DIFFERENT = 1


def record(
    context: Context,
    workspace: Workspace,
    program: Program,
    python: Python,
    asked: str,
    arguments: Sequence[str],
    script: str | None,
) -> int:
    """Run it once, write the pack."""
    from sig.cli.run import explain

    decided = running.decide(workspace, program, python, asked, running.Options(script=script))
    output.notes(context, workspace.notes)
    if decided.plan is None:
        explain(context, decided)
        return decided.status
    allowed = passed(context.environment)
    made = recording.record(
        workspace,
        program,
        python,
        decided.plan,
        arguments,
        allowed,
        decided.prepared,
        context.json,
    )
    lock = os.path.relpath(program.lock)
    if context.json:
        told = {"status": made.status, "next": f"sig attest {lock}"}
        output.document({**_json(program, made.pack), **told})
        return 0
    if made.status:
        output.note(f"note: the run that was recorded ended with {made.status}")
    output.say(f"{_line(context, program, made.pack)} {made.pack.tag}")
    output.told(context, f"next      sig attest {output.theirs(lock)}")
    return 0


def check(context: Context, workspace: Workspace, program: Program, python: Python) -> int:
    """Compile it anew, name what differs."""
    pack = packs.opened(packs.beside(program.lock))
    if pack is None:
        raise NotFound(f"no {os.path.relpath(packs.beside(program.lock))}")
    found = recording.compared(workspace, program, compiler(workspace, python), pack)
    same = not found.different and not found.unknown
    if context.json:
        told = {"different": list(found.different), "unknown": found.unknown}
        output.document({**_json(program, pack), **told})
    elif same:
        output.told(context, f"{_line(context, program, pack)} same")
    else:
        for path in found.different:
            word = output.colored(context, "bad", "different")
            output.say(f"{word} {output.theirs(os.path.relpath(path))}")
        if found.unknown:
            output.say(f"{found.unknown} of sources that the lock does not list")
    return 0 if same else DIFFERENT


def to_sign(
    context: Context, workspace: Workspace, file: str
) -> tuple[tuple[str, Identifier], ...]:
    """The pack that is signed with a lock: one that is there, and is what it should be.

    Raises Refused for one whose code is not that of its sources; one that is of other sources, or
    for another Python, is left out and a note says so.
    """
    lock = os.path.abspath(file)
    place = packs.beside(lock)
    if not os.path.lexists(place):
        return ()
    app = os.path.basename(lock).removesuffix(locks.SUFFIX)
    program = locks.Program(os.path.dirname(lock), "", app, lock)
    python = locks.python_for(workspace, lock)
    name = os.path.relpath(place)
    pack = packs.opened(place)
    why = "it is gone"
    if pack is not None:
        try:
            why = _why_not(workspace, program, python, pack, name)
        except (NotTrusted, recording.Another) as error:
            why = error.message
        if not why:
            return ((pack.tag, pack.id),)
    if not context.quiet:
        told = output.escaped(name, sys.stderr.encoding)
        output.note(f"note: {told} is not signed: {why} (sig lock --pack)")
    return ()


def _why_not(workspace: Workspace, program: Program, python: Python, pack: Pack, name: str) -> str:
    """Why a pack is not signed with its lock, or nothing. Raises as `to_sign` does, NotTrusted
    where nobody answers for this Python, Another.
    """
    by = compiler(workspace, python)
    why = packs.unfit(pack, by.python)
    if why:
        return why
    found = recording.compared(workspace, program, by, pack)
    if found.different:
        others = f" and {len(found.different) - 1} more" if len(found.different) > 1 else ""
        raise Refused(
            f"{name} has other code than {os.path.relpath(found.different[0])}{others}",
            hint=f"sig lock --pack --check {program.app}",
        )
    return "it is of sources that the lock does not list" if found.unknown else ""


def _line(context: Context, program: Program, pack: Pack) -> str:
    count = len(pack.codes)
    place = output.theirs(os.path.relpath(packs.beside(program.lock)))
    return f"pack {place} {count} module{'s' * (count != 1)} {len(pack.raw) / 1e6:.1f} MB"


def _json(program: Program, pack: Pack) -> dict[str, object]:
    return {
        "pack": packs.beside(program.lock),
        "id": str(pack.id),
        "tag": pack.tag,
        "modules": len(pack.codes),
        "bytes": len(pack.raw),
    }
