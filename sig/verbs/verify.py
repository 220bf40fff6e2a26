"""Is it trusted? Reads, decides, and writes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from io import FileIO
from typing import TYPE_CHECKING, Any, NamedTuple

from sig.errors import StoreError
from sig.model.identifier import Identifier, Readable
from sig.model.verdict import Answer, Reason, Verdict

if TYPE_CHECKING:
    from sig.verbs.workspace import Workspace

STDIN = "-"


class Result(NamedTuple):
    """The answer for what was asked about: a path as given, ``-``, or an identifier."""

    asked: str
    verdict: Verdict


def identify(
    asked: str,
    stdin: Readable | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> Identifier:
    """The identifier of a file, of standard input (``-``), or the identifier itself.

    Raises OSError where it cannot be read, ValueError for a malformed ``sha256:…`` and for one
    that is the name of a file too: an attacker may name a file, and either reading could be wrong.
    An `Identifier` is never a file. `progress` is called with `asked` and the bytes so far.
    """
    tell = None if progress is None else partial(progress, asked)
    if isinstance(asked, Identifier):
        return asked
    if asked == STDIN:
        given: Any = sys.stdin.buffer if stdin is None else stdin
        return Identifier.of_stream(given, tell)
    if asked.startswith("sha256:"):
        if os.path.lexists(asked):
            raise ValueError(f"a file has this name; write ./{asked} for the file")
        return Identifier(asked)
    with FileIO(asked) as stream:  # which refuses folders
        return Identifier.of_stream(stream, tell)


def verify(
    workspace: Workspace,
    asked: Sequence[str],
    stdin: Readable | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> list[Result]:
    """One answer for each thing that is asked about, in order.

    What cannot be read, and a folder that cannot be believed, are answers too (`Answer.ERROR`).
    """
    ids: list[Identifier | Verdict] = []
    for one in asked:
        try:
            ids.append(identify(one, stdin, progress))
        except (OSError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            ids.append(Verdict(None, Answer.ERROR, Reason.UNREADABLE, told))
    wanted = {one for one in ids if isinstance(one, Identifier)}
    verdicts = verdicts_of(workspace, wanted)
    return [
        Result(name, verdicts[one] if isinstance(one, Identifier) else one)
        for name, one in zip(asked, ids, strict=True)
    ]


def verdicts_of(workspace: Workspace, ids: Iterable[Identifier]) -> dict[Identifier, Verdict]:
    """What is believed of the bytes with these identifiers, all from one state of the folder."""
    wanted = sorted(ids)

    def read() -> dict[Identifier, Verdict]:
        _ = workspace.config  # a folder that cannot be believed is refused before it is asked
        return workspace.verdicts(wanted)

    try:
        if not workspace.home.exists:
            workspace.note(
                f"there is no folder at {workspace.home.path}/ yet; sig remote add makes it"
            )
        return workspace.consistent(read)
    except StoreError as error:
        told = Verdict(None, Answer.ERROR, Reason.STORE, error.message, hint=error.hint)
        return {id: told._replace(id=id) for id in wanted}
