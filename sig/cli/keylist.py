"""Keys as lines and as JSON, for `trust` and `key`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sig.cli import Context, output
from sig.model import instant
from sig.verbs import keys
from sig.verbs.keys import Known


def key_json(one: Known) -> dict[str, Any]:
    """A key in `trust --json` and `key --json`."""
    ends = one.certificate.expires_at
    return {
        "key": one.certificate.fingerprint,
        "uid": one.certificate.uid,
        "own": one.own,
        "trusted": one.trusted,
        "expires": None if ends is None else instant.write(ends),
        "revoked": one.certificate.revoked is not None,
    }


def document(listed: Iterable[Known]) -> None:
    """The JSON document of a list of keys."""
    output.document({"keys": [key_json(one) for one in listed]})


def signer(one: Known, *, full: bool = False) -> str:
    """``[D9886717] Hello World <hello@world.com>``."""
    return output.signer(one.certificate.fingerprint, one.certificate.uid, full=full)


def details(one: Known) -> None:
    """All that is known of a key, a line each."""
    certificate = one.certificate
    output.say(signer(one))
    output.say(f"    key       {certificate.fingerprint}")
    for uid in certificate.user_ids[1:]:
        output.say(f"    also      {output.theirs(uid)}")
    output.say(f"    made      {instant.write(certificate.created)}")
    ends = certificate.expires_at
    output.say(f"    expires   {'never' if ends is None else instant.write(ends)}")
    if certificate.revoked is not None:
        revoked = certificate.revoked
        output.say(f"    revoked   {instant.write(revoked.at)}: {output.theirs(revoked.why)}")
    output.say(f"    state     {one.state}")
    trusted = "yes, it is your own key" if one.own and one.trusted else "yes"
    output.say(f"    trusted   {trusted if one.trusted else 'no'}")


def show(context: Context, text: str) -> int:
    """All that is known of the key that `text` names."""
    workspace = context.workspace()
    certificate, _ = keys.find(workspace, text)
    one = keys.known(workspace, certificate)
    output.notes(context, workspace.notes)
    if context.json:
        document([one])
    else:
        details(one)
    return 0
