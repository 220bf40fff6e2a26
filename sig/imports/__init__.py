"""The second door: what a guarded Python does instead of searching its path.

Here: what stands between a name and the bytes that are run (`finder`, `opening`), the bootstrap of
a run, and how both are packed. Not here: whether anything is believed. That was decided before, and
a `plan` says what came of it.

`install` puts the same finder before what a host loads from its folders of plug-ins (`hosting`).

What goes into the child imports only the standard library, its neighbours only relatively, and
works from Python 3.9 on.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sig.imports.asking import Ask
    from sig.imports.hosting import Hook

__all__ = ["install"]


def install(
    roots: Iterable[str | os.PathLike[str]],
    policy: str = "enforce",
    folder: str | os.PathLike[str] | None = None,
    ask: Ask | None = None,
    trace: bool | None = None,
) -> Hook:
    """Stands before what this process imports from below `roots`, from now on.

    `policy` is ``enforce``, ``ask`` or ``warn``; $SIG_IMPORTS makes it stricter, and a word there
    that is none of these is ``enforce``. `folder` is that of the attestations, by default $SIG_DIR
    or ~/.signet. `ask` is called with a `Plugin` and a question, and answers ``once``, ``always``
    or ``no``; without it nothing is asked and all is enforced. `trace` tells on stderr of each
    module that is loaded, by default where $SIG_IMPORT_TRACE is 1.

    Not looked at: what was imported before, and the ways around that the security model lists.

    Raises ValueError for a policy that is none, a root that is no folder, that holds what runs the
    host or that another hook guards; StoreError.
    """
    if isinstance(roots, (str, os.PathLike)):
        roots = [roots]
    bases = [os.path.abspath(os.fsdecode(root)) for root in roots]
    below = {*bases, *map(os.path.realpath, bases)}
    kept = list(sys.path)
    # What decides is not looked for where it decides about: plug-ins may be on the path already.
    sys.path[:] = [entry for entry in kept if not _is_below(entry, below)]
    try:
        from sig.imports import hosting

        return hosting.install(bases, policy, folder, ask, trace)
    finally:
        sys.path[:] = kept


def _is_below(entry: str, bases: set[str]) -> bool:
    return any(
        path == base or path.startswith(base.rstrip("/") + "/")
        for path in (os.path.abspath(entry), os.path.realpath(entry))
        for base in bases
    )
