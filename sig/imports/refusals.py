"""Why something below a host's roots is refused: which error it is, its words, and what to type.

Here: the errors that `hosting` promises (I2), made. Not here: their family (`errors`), and what is
refused.
"""

from __future__ import annotations

import os
import shlex
from typing import NoReturn

from sig.errors import SigError
from sig.imports.errors import Differs, MarkedBad, NotCovered, SigImportError, Unreadable
from sig.imports.opening import BAD, DIFFERENT, UNREADABLE, shown
from sig.model.identifier import Identifier
from sig.model.verdict import Answer, Reason
from sig.verbs.plugins import Plugin

KINDS: dict[int, type[SigImportError]] = {
    DIFFERENT: Differs,
    BAD: MarkedBad,
    UNREADABLE: Unreadable,
}
"""The error for each code of `opening`."""


def of(plugin: Plugin, name: str | None, digest: str = "") -> SigImportError:
    """A plug-in that is not covered. `digest` is that of what lies there, if it is known."""
    verdict, place = plugin.verdict, quoted(plugin.path)
    message, hint = verdict.message, verdict.hint
    kind: type[SigImportError] = NotCovered
    told = f"{plugin.path} is not covered: {message}"
    if plugin.told:
        told += f" ({plugin.told})"
    if verdict.answer is Answer.BAD:
        kind, hint = MarkedBad, f"sig show {place}"
        told = f"{plugin.path}: {message}" if plugin.told else f"{plugin.path} is {message}"
    elif verdict.answer is Answer.ERROR:
        kind, told = Unreadable, f"{plugin.path} cannot be looked at: {message}"
    elif verdict.reason is Reason.DIFFERS:
        kind, told, hint = Differs, f"{plugin.path} {message}", f"sig verify {place}"
    else:
        hint = f"sig attest {place}"
    return kind(
        shown(told),
        name=name,
        path=plugin.path,
        digest=digest or (verdict.id or "").removeprefix("sha256:"),
        verdict=verdict,
        reason=verdict.reason.value,
        hint=hint,
    )


def not_listed(
    path: str, plugin: Plugin | None, name: str | None, digest: str = ""
) -> SigImportError:
    """What a covered plug-in does not list, or what belongs to none that was decided upon."""
    why = (
        "it was not there when that was decided"
        if plugin is None
        else f"{plugin.path} does not list it"
    )
    return NotCovered(
        f"{shown(path)} is not covered: {shown(why)}",
        name=name,
        path=path,
        digest=digest or _digest_of(path),
        verdict=None if plugin is None else plugin.verdict,
        reason="not-listed",
        hint=f"sig attest {quoted(path if plugin is None else plugin.path)}",
    )


def marked(what: str, why: str, path: str, digest: str) -> MarkedBad:
    """Somebody who counts warns of these bytes."""
    return MarkedBad(
        shown(f"{what} is {why}"),
        path=path,
        digest=digest,
        reason=Reason.MARKED_BAD.value,
        hint=f"sig show sha256:{digest}",
    )


def failed(plugin: Plugin, error: SigError | OSError) -> SigImportError:
    """Why nobody could be asked, or the answer came to nothing."""
    return NotCovered(
        f"{shown(plugin.path)} is not covered: "
        f"{shown(error.message if isinstance(error, SigError) else str(error))}",
        path=plugin.path,
        verdict=plugin.verdict,
        reason=plugin.verdict.reason.value,
        hint=error.hint if isinstance(error, SigError) else None,
    )


def refuse(code: int, message: str) -> NoReturn:
    """For `Opening` and `Native`, which know a refusal by its code."""
    raise KINDS[code](message)


def quoted(path: str) -> str:
    """A path in a command that people are to type."""
    return shown(shlex.quote(path))


def _digest_of(path: str) -> str:
    """The digest of a file, for people; nothing where it is none or cannot be read."""
    try:
        if os.path.isfile(path):
            with open(path, "rb") as stream:
                return Identifier.of_stream(stream).removeprefix("sha256:")
    except OSError:  # it is refused all the same
        return ""
    return ""
