"""Human text and --json from one value; answers on stdout, everything else on stderr.

Text from others (user ids, comments, names, URLs) is never written as it came: what could move
the cursor, colour the terminal, reorder or hide text, and what the terminal cannot encode is
shown as ``\\uXXXX``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from sig.cli import Context
    from sig.model.verdict import Judged

# Controls, format characters (bidi among them), separators of lines, and what has no meaning here.
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})
_COLORS = {"ok": "32", "not-ok": "31", "bad": "31", "error": "31", "warning": "33", "problem": "31"}


def escaped(text: str, encoding: str | None = None) -> str:
    """`text`, safe to be put into a line (see the top of this file)."""
    if text.isascii() and text.isprintable():
        return text
    import unicodedata

    shown = []
    for character in text:
        if unicodedata.category(character) in _HIDDEN or not _can(character, encoding):
            units = character.encode("utf-16-be", "surrogatepass")
            shown += [f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)]
        else:
            shown.append(character)
    return "".join(shown)


def _can(character: str, encoding: str | None) -> bool:
    try:
        character.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write(stream: TextIO, line: str) -> None:
    # Our own words have "…" and the like; what the terminal cannot encode must not raise.
    try:
        stream.write(line + "\n")
    except UnicodeEncodeError:
        stream.write(escaped(line, stream.encoding) + "\n")


def say(line: str = "") -> None:
    """A line of the answer."""
    _write(sys.stdout, line)


def told(context: Context, line: str) -> None:
    """A line about what was done; nobody asked for it with -q."""
    if not context.quiet:
        say(line)


def explained(context: Context, text: str) -> None:
    """The help of a command."""
    document({"help": text}) if context.json else say(text)


def note(line: str) -> None:
    """A line beside the answer."""
    _write(sys.stderr, line)


def notes(context: Context, told: Sequence[str]) -> None:
    """Notes of a workspace, on stderr."""
    if not context.quiet:
        for text in told:
            note(f"note: {escaped(text, sys.stderr.encoding)}")


def theirs(text: str) -> str:
    """Text from others on stdout."""
    return escaped(text, sys.stdout.encoding)


def colored(context: Context, word: str, line: str | None = None) -> str:
    """`line` (or the word) in the colour of `word`, on a terminal that wants colour."""
    text = word if line is None else line
    code = _COLORS.get(word)
    if code is None or context.no_color or os.environ.get("NO_COLOR"):
        return text
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def written(value: Any) -> str:
    """JSON for people. ASCII only, and U+007F is a control too, which JSON leaves as it is."""
    return json.dumps(value, indent=2, sort_keys=True).replace("\x7f", "\\u007f")


def document(value: Mapping[str, Any]) -> None:
    """The one JSON document of --json."""
    text = json.dumps({"version": 1, **value}, indent=1)
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")


def error_line(text: str) -> None:
    """`error: TEXT` on stderr."""
    note(f"error: {escaped(text, sys.stderr.encoding)}")


def failure(
    context: Context,
    code: str,
    message: str,
    hint: str | None,
    *,
    usage: str | None = None,
    matches: Sequence[tuple[str, str]] = (),
) -> None:
    """An error in words, or as the JSON document."""
    if context.json:
        told: dict[str, Any] = {"code": code, "message": message, "hint": hint}
        if matches:
            told["matches"] = [{"key": key, "uid": uid} for key, uid in matches]
        document({"error": told})
        return
    if usage:
        note(usage)
    error_line(message)
    for key, uid in matches:
        note(f"  {key} {escaped(uid, sys.stderr.encoding)}")
    if hint:
        note(f"hint: {hint}")


def signer(key: str, uid: str, *, full: bool = False) -> str:
    """``[D9886717] Hello World <hello@world.com>``, with -v the whole fingerprint."""
    name = theirs(uid)
    shown = key if full else key[-8:]
    return f"[{theirs(shown)}] {name}" if name else f"[{theirs(shown)}]"


def judged_json(line: Judged) -> dict[str, Any]:
    """A statement in `verify --json` and `show --json`."""
    from sig.model import instant

    return {
        "key": line.key,
        "uid": line.uid,
        "state": line.state.value,
        "counted": line.counted,
        "ok": line.ok,
        "reviewed": line.reviewed,
        "comment": line.comment,
        "signed_at": None if line.signed_at is None else instant.write(line.signed_at),
        "sources": list(line.sources),
        "why": line.why,
    }
