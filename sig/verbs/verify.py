"""Is it trusted? Reads, decides, and writes nothing."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from io import FileIO
from typing import TYPE_CHECKING, Any, NamedTuple

from sig.errors import StoreError
from sig.model.identifier import Identifier, Readable
from sig.model.verdict import Answer, Reason, Verdict

if TYPE_CHECKING:
    from sig.model.manifest import Difference
    from sig.verbs.workspace import Workspace

STDIN = "-"
# What an archive may start with; whether it is one is asked of `sig.repo.archive`.
_ARCHIVES = (b"PK", b"#!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


class Result(NamedTuple):
    """The answer for what was asked about: a path as given, ``-``, or an identifier.

    `differences` are between a folder or archive and the list of files `closest` to it; `told` is
    what people should read besides.
    """

    asked: str
    verdict: Verdict
    is_folder: bool = False
    differences: tuple[Difference, ...] = ()
    closest: Identifier | None = None
    told: str = ""


def identify(
    asked: str,
    stdin: Readable | None = None,
    progress: Callable[[str, int], None] | None = None,
    packed: set[str] | None = None,
) -> Identifier:
    """The identifier of a file, of standard input (``-``), or the identifier itself.

    Raises OSError where it cannot be read, ValueError for a malformed ``sha256:…`` and for one
    that is the name of a file too: an attacker may name a file, and either reading could be wrong.
    An `Identifier` is never a file. `progress` is called with `asked` and the bytes so far. To
    `packed` is added what begins like an archive, by the very bytes that were read.
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
        head = None if packed is None else bytearray()
        found = Identifier.of_stream(stream, tell, head)
        if packed is not None and head and _may_be_archive(head):
            # Not of a pipe: it was read, and would be waited for.
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                packed.add(asked)
        return found


def _may_be_archive(head: bytearray) -> bool:
    return head.startswith(_ARCHIVES) or head[257:262] == b"ustar"


def verify(
    workspace: Workspace,
    asked: Sequence[str],
    stdin: Readable | None = None,
    progress: Callable[[str, int], None] | None = None,
) -> list[Result]:
    """One answer for each thing that is asked about, in order; for a folder as a whole.

    What cannot be read, and a folder of ours that cannot be believed, are answers too
    (`Answer.ERROR`).
    """
    ids: list[Identifier | Verdict | None] = []
    packed: set[str] = set()
    for one in asked:
        try:
            ids.append(identify(one, stdin, progress, packed))
        except IsADirectoryError:
            ids.append(None)
        except (OSError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            ids.append(Verdict(None, Answer.ERROR, Reason.UNREADABLE, told))
    wanted = {one for one in ids if isinstance(one, Identifier)}
    verdicts = verdicts_of(workspace, wanted)
    results = []
    for name, found in zip(asked, ids, strict=True):
        if found is None:
            results.append(_folder(workspace, name, progress))
        elif isinstance(found, Verdict):
            results.append(Result(name, found))
        elif name in packed and verdicts[found].answer not in (Answer.BAD, Answer.ERROR):
            results.append(_archive(workspace, name, verdicts[found]))
        else:
            results.append(Result(name, verdicts[found]))
    return results


def _archive(workspace: Workspace, asked: str, verdict: Verdict) -> Result:
    # What reads archives takes long to load.
    from sig.verbs.trees import judged_archive

    return judged_archive(workspace, asked, verdict)


def _folder(workspace: Workspace, path: str, progress: Callable[[str, int], None] | None) -> Result:
    from sig.verbs.trees import judged_folder

    return judged_folder(workspace, path, progress)


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
