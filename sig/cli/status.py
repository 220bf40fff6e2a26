"""A bare `sig`: where things stand, and the one next command."""

from __future__ import annotations

import os

from sig.cli import Context, keylist, output
from sig.model import instant
from sig.verbs.status import Standing, standing


def status(context: Context) -> int:
    """Print where things stand."""
    workspace = context.workspace()
    found = standing(workspace)
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"status": _json(found)})
        return 0
    folder = output.theirs(os.path.join(os.path.abspath(context.path), ""))
    if not found.exists:
        output.say(f"folder    {folder} (not made yet)")
        output.say(f"next      {found.next}")
        return 0
    own = f" {keylist.signer(found.own)}" if found.own is not None else " (no own key)"
    output.say(f"folder    {folder}{own}")
    output.say(f"trusted   {_number(found.trusted, 'key')}")
    fetched = f", fetched {instant.day(found.fetched)}" if found.fetched is not None else ""
    output.say(f"remotes   {found.remotes}{fetched}")
    if found.own is not None:
        more = f", {found.unpublished} not published" if found.unpublished else ""
        output.say(f"attested  {_number(found.attested, 'file')}{more}")
    output.say(f"index     {found.index}")
    if found.next:
        output.say(f"next      {found.next}")
    return 0


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _json(found: Standing) -> dict[str, object]:
    return {
        "folder": found.exists,
        "key": None if found.own is None else found.own.certificate.fingerprint,
        "trusted": found.trusted,
        "remotes": found.remotes,
        "fetched_at": None if found.fetched is None else instant.write(found.fetched),
        "attested": found.attested,
        "unpublished": found.unpublished,
        "index": found.index,
        "next": found.next,
    }
