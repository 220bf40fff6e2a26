"""`sig setup`: make the folder for an own key."""

from __future__ import annotations

import json
import os
import shlex

import click

from sig.cli import Context, options, output
from sig.cli.questions import passphrase, yes_or_no
from sig.errors import NoKey, Refused
from sig.model import instant
from sig.verbs import config, trust
from sig.verbs import setup as verb
from sig.verbs.keys import digits_of
from sig.verbs.workspace import Workspace


@click.command()
@click.argument("keyid", metavar="[KEYID]", required=False)
@click.option("--from", "source", metavar="URL|FOLDER", help="Take over what this key published.")
@click.option("--new", "uid", metavar='"Name <mail>"', help="Make a new key in your GnuPG.")
@click.option("--yes", is_flag=True, help="Answer confirmations.")
@click.option("--passphrase-fd", type=int, metavar="N", help="Read the passphrase from N.")
@options
@click.pass_obj
def command(
    context: Context,
    keyid: str | None,
    source: str | None,
    uid: str | None,
    yes: bool,
    passphrase_fd: int | None,
) -> int:
    """Make the folder for an own key.

    Without KEYID: list your secret keys, one command each. The key stays in your GnuPG.
    """
    if keyid is not None and uid is not None:
        raise click.UsageError("name a key, or make a new one, not both")
    if source is not None and uid is not None:
        raise click.UsageError("a new key has published nothing that could be taken over")
    workspace = context.workspace()
    secret = passphrase(passphrase_fd)
    if uid is not None:
        if workspace.config.key is not None:
            raise Refused(f"{context.path}/ belongs to {workspace.config.key}")
        key = workspace.agent.generate(uid, secret)
    elif keyid is None:
        return _list(context, workspace, source)
    else:
        found = verb.find_secret_key(workspace, keyid)
        if digits_of(keyid) != found.fingerprint:
            workspace.note(f"{keyid} is {found.fingerprint}")
        key = found.fingerprint
    doubt = verb.doubt(workspace)
    seen = workspace.config
    if doubt is not None or (seen.key is None and seen.trust and not yes):
        _confirm(workspace, doubt, yes)
    made = verb.setup(workspace, key, passphrase=secret, source=source, seen=seen)
    if source is not None and not made.took_over:
        workspace.note(_nothing_new(source, made.found))
    output.notes(context, workspace.notes)
    if context.json:
        from sig.cli import keylist
        from sig.verbs.keys import known

        more = {} if source is None else {"found": made.found, "took_over": made.took_over}
        keys = [keylist.key_json(known(workspace, made.certificate))]
        output.document({"keys": keys, **more})
        return 0
    output.told(context, f"Initialized config directory at: {output.theirs(_folder(context))}")
    output.told(context, f"With public key fingerprint: {made.certificate.fingerprint}")
    if source is not None:
        number = made.took_over
        output.told(context, f"Took over {number} statement{'s' * (number != 1)}.")
    output.told(context, "Welcome to Signet! :)")
    return 0


def _nothing_new(source: str, found: int) -> str:
    if not found:
        return f"the repository at {source} has no statement of this key yet"
    return f"what this key stated at {source} was here already"


def _folder(context: Context) -> str:
    return os.path.join(os.path.abspath(context.path), "")


def _list(context: Context, workspace: Workspace, source: str | None) -> int:
    found = verb.candidates(workspace)
    if not found:
        raise NoKey("GnuPG has no secret key that can sign", hint='sig setup --new "Name <mail>"')
    if context.json:
        output.document(
            {
                "keys": [
                    {
                        "key": one.fingerprint,
                        "uid": one.uid,
                        "own": one.fingerprint == workspace.config.key,
                        "trusted": one.fingerprint in workspace.config.trust,
                        "expires": None if one.expires is None else instant.write(one.expires),
                        "revoked": False,
                    }
                    for one in found
                ]
            }
        )
        return 0
    more = "" if source is None else f" --from {output.theirs(shlex.quote(source))}"
    for one in found:
        output.say(f"sig setup {one.fingerprint}{more}  # {output.theirs(one.uid)}")
    return 0


def _confirm(workspace: Workspace, doubt: str | None, yes: bool) -> None:
    found, missing = trust.trusted(workspace)
    if doubt is None:
        output.note("this folder has no own key yet, and trusts:")
    else:
        output.note(f"{doubt}; it trusts:")
    for one in found:
        output.note(f"  {one.certificate.fingerprint} {output.theirs(one.certificate.uid)}")
    for key in missing:
        output.note(f"  {key}")
    if doubt is not None:
        policy = json.dumps(config.read(workspace)["policy"], sort_keys=True)
        output.note(f"and its policy is {policy}")
    if not yes and not yes_or_no("Sign this with your key"):
        raise Refused("nothing is signed")
