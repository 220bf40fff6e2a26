"""Writes docs/reference/ from the program itself, so that the pages cannot say something else.

    python tools/reference.py           writes the pages
    python tools/reference.py --check   says which differ, exit status 1 if one does

commands    the help text of every command, as `sig help` prints it
exit-codes  from the tree of errors and the words of a verdict
json        the fields of every document; tests/cli compares them with real ones
errors      from the tree of errors
words       what commands say, by running them: real gpg, real keys, a real server

Other pages of that folder are written by hand.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.environ["COLUMNS"] = "80"

import click  # noqa: E402

from sig import errors  # noqa: E402
from sig.cli import COMMANDS, INTERRUPTED, RUN_OFFSET, Context  # noqa: E402
from sig.cli.words import group  # noqa: E402
from sig.model.verdict import Answer, Reason, State  # noqa: E402

FOLDER = ROOT / "docs/reference"
MADE = "<!-- made by tools/reference.py; edit that, or what it reads -->"
WIDTH = 78  # what click makes of a terminal of 80

# --- commands ------------------------------------------------------------------------------------


def _helps() -> Iterator[tuple[str, str]]:
    settings: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    top = click.Context(
        group, info_name="sig", obj=Context(), **{**group.context_settings, **settings}
    )
    yield "sig", group.get_help(top)
    for name in COMMANDS:
        command = group.get_command(top, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=top, obj=top.obj, **settings)
        yield f"sig {name}", command.get_help(context)
        if isinstance(command, click.Group):
            for word in command.list_commands(context):
                inner = command.get_command(context, word)
                assert inner is not None
                within = click.Context(
                    inner, info_name=word, parent=context, obj=top.obj, **settings
                )
                yield f"sig {name} {word}", inner.get_help(within)


def commands() -> str:
    """The page of help texts."""
    text = f"""# Commands

{MADE}

What `sig help COMMAND` prints.
The options of `sig` stand before or after COMMAND; in `sig run`, all after FILE is the script's.
"""
    for name, told in _helps():
        text += f"\n## {name}\n\n```text\n{told.rstrip()}\n```\n"
    return text


# --- exit codes ----------------------------------------------------------------------------------


def _classes() -> list[type[errors.SigError]]:
    found = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.SigError) and one is not errors.SigError
    ]
    return sorted(found, key=lambda one: (one.status, one.code, one.__name__))


def _codes(status: int) -> str:
    found = sorted({one.code for one in _classes() if one.status == status} - {"internal"})
    return ", ".join(f"`{code}`" for code in found)


def exit_codes() -> str:
    """The page of exit statuses."""
    return f"""# Exit codes

{MADE}

| code | of `sig verify` | of other commands | `error.code` with `--json` |
| --- | --- | --- | --- |
| 0 | every file is ok | done | |
| 1 | not verified or unknown | refused or failed, nothing changed | {_codes(1)} |
| 2 | usage | usage | {_codes(2)} |
| 3 | marked bad by someone who counts | | |
| 4 | could not tell | could not: disk, network, gpg; or a bug | {_codes(4)}, `internal` |
| {INTERRUPTED} | interrupted | interrupted | |

Several files: 3 if any is bad, else 4, else 1, else 0.

`sig show` answers with 0 whatever the answer is, and with 4 where there is none.

`sig fetch`: 1 if what a remote signed or its key was refused, else 4 if one could not be had.
The rest is taken in both.

`sig publish --check`: 0 if what is public is the state of this folder, else 1.

`sig doctor`: 1 with a problem, 0 with none.

## Of sig run

The script's own status is passed through once it runs.
What is refused ends with {RUN_OFFSET} and the code, and its last line is `error: not run`:

| code | meaning |
| --- | --- |
| {RUN_OFFSET + 1} | not verified or unknown |
| {RUN_OFFSET + 2} | usage: also what has no `#!` line and is not Python |
| {RUN_OFFSET + 3} | marked bad by someone who counts |
| {RUN_OFFSET + 4} | could not tell, or could not start it |
"""


# --- JSON ----------------------------------------------------------------------------------------

_KEY = {
    "key": "fingerprint",
    "uid": "its first user id; text from others",
    "own": "whether it is the folder's own key",
    "trusted": "whether it counts",
    "expires": "instant, null for never",
    "revoked": "whether it is",
}
_RESULT = {
    "file": "absolute path, `-` or the identifier that was asked about",
    "id": "`sha256:…`, null if it could not be read",
    "verdict": "see Verdicts",
    "reason": "see Verdicts",
    "message": "one sentence for people",
    "statements": "every statement about it",
    "closest": "of folders and archives only: the list of files that it was compared with, or null",
    "differences": "of folders and archives only: each `path` with its `kind`, `changed`, `missing`"
    " or `extra`",
}
# The documents of --json: where they come from, and their fields in order.
DOCUMENTS: dict[str, dict[str, str]] = {
    "`results` of `verify`, `show` and a refusing `run`": _RESULT,
    "`statements` of a result": {
        "key": "fingerprint of the signer",
        "uid": "first user id of the key; text from others",
        "state": "see States",
        "counted": "whether it made the verdict",
        "ok": "what was said; null if it could not be read",
        "reviewed": "what was said; null if it could not be read",
        "comment": "what was said; text from others",
        "signed_at": "instant; null if it could not be read",
        "sources": "remotes and `own`; empty for what only memory has",
        "why": "for people: why it counts or not",
    },
    "`statements` of `attest` and `withdraw`": {
        "file": "as it was named",
        "data": "what was signed",
        "key": "the own key",
    },
    "`keys` of `setup`, `trust` and `key`": _KEY,
    "`setup --from`, beside `keys`": {
        "found": "how many statements of the own key are there",
        "took_over": "how many of them this folder had not",
    },
    "`remotes` of `remote` and `fetch`": {
        "name": "its name",
        "url": "where it is",
        "key": "the pinned fingerprint; null before the first fetch",
        "sequence": "of the state that was taken last; null without one",
        "fetched_at": "instant of the last good fetch; null if there was none",
        "result": "see Results of fetch",
        "reason": "see Results of fetch; null where there is none",
        "message": "`fetch` only: one sentence for people",
        "disappeared": "`fetch` only: statements that are there no more, as sentences",
        "manifests": "`fetch` only: lists of files that were asked for: `id`, `url`, `outcome`, and"
        " `why` one did not come",
    },
    "`manifest`": {
        "id": "of the folder or archive: what a statement about it is about",
        "exclude": "globs of what was left out",
        "files": "each `path` with its `sha256` in hex",
    },
    "`lock`, and a refusing `run` of what has a lock": {
        "lock": "its absolute path",
        "app": "what the program is called",
        "id": "of the closure: what a statement about it is about",
        "verdict": "about the closure, for this program; see Verdicts",
        "reason": "see Verdicts",
        "message": "one sentence for people",
        "plan": "a line for the interpreter, for each root, and for what is left out",
        "next": "the one next command; null where something is marked bad",
        "error": "`run` only: why it is not run; see Error codes",
    },
    "`loader build`": {
        "lock": "its absolute path",
        "app": "what the program is called",
        "id": "of the closure: what a statement about it is about",
        "verdict": "about the closure, for this program; see Verdicts",
        "reason": "see Verdicts",
        "message": "one sentence for people",
        "plan": "as of `lock`",
        "loaders": "what is there now; empty where something is marked bad",
        "files": "with `--baked`: what lies beside them, as of `loader update`",
        "next": "the one next command; null where something is marked bad",
    },
    "`files` of `loader build` and `loader update`": {
        "file": "its absolute path",
        "bytes": "how large it is",
        "statements": "how many are in it",
        "result": "`new` or `unchanged`",
    },
    "`loader update`": {"files": "what lies beside the loader"},
    "`loaders` of `loader build`": {
        "file": "its absolute path",
        "id": "what a statement about it is about",
        "bytes": "how large it is",
        "result": "`new` or `unchanged`",
        "policy": "what it goes by",
    },
    "`loader inspect`": {
        "loader": "what the file says of itself",
        "results": "what is believed of the file, as of `verify`",
    },
    "`loader` of `loader inspect`": {
        "file": "its absolute path",
        "bytes": "how large it is",
        "policy": "what it goes by; text from others",
        "native": "its program: the `id` of that, and whether it is `ours`, that of this sig; null"
        " where this sig has none",
        "modules": "what its runs start with: `names`, `magic`, and whether they are `ours`; null"
        " where only the sources are known to be",
    },
    "`lock --pack`": {
        "pack": "its absolute path",
        "id": "of the pack: what a statement about its lock names",
        "tag": "the interpreter that it is for",
        "modules": "how many sources it has the code of",
        "bytes": "how large it is",
        "status": "how the run ended that was recorded",
        "next": "the one next command",
    },
    "`lock --pack --check`": {
        "pack": "its absolute path",
        "id": "of the pack",
        "tag": "the interpreter that it is for",
        "modules": "how many sources it has the code of",
        "bytes": "how large it is",
        "different": "paths of sources whose code is another",
        "unknown": "how many codes are of sources that the lock does not list",
    },
    "`plugins` of `plugin`": {
        "name": "its name",
        "path": "where it lies, absolute",
        "kind": "`folder`, `file` or `archive`",
        "id": "what a statement about it is about; null if it could not be read",
        "verdict": "see Verdicts",
        "reason": "see Verdicts",
        "message": "one sentence for people",
        "told": "what people should read besides; empty where there is nothing",
        "files": "how many are covered; null unless the verdict is ok",
        "statements": "as of a result",
    },
    "`plugin install`": {
        "results": "what was downloaded or read, as of `verify`",
        "plugins": "what lies in the folder now; empty if it is not ok",
        "replaced": "names in the folder that gave way to it",
    },
    "`plan` of `lock` and `run`": {
        "kind": "`python`, `app`, `editable`, `dist` or `pth`",
        "label": "name and version",
        "files": "how many its list has; null without a list",
        "state": "`ok`, `system`, `not attested`, `marked bad`, `left out` or `not run`",
        "why": "for people: why it is left out or not run",
        "keys": "fingerprints of those whose word made it ok or bad",
    },
    "`publish`": {
        "target": "the folder",
        "sequence": "of the state that is public now",
        "statements": "how many are in it",
        "new": "how many were not there before",
        "took_over": "how many came from there into this folder",
    },
    "`publish --check`": {
        "target": "the URL",
        "sequence": "of this folder; null without a statement",
        "public": "the sequence there; null if nothing is there",
        "same": "whether they are one state",
    },
    "`config` of `config`": {
        "policy": "the folder's own policy",
        "publish.target": "if it is set",
        "publish.url": "if it is set",
    },
    "`checks` of `doctor`": {
        "level": "`ok`, `warning` or `problem`",
        "message": "one sentence for people",
        "fix": "the command that helps; null where there is none",
    },
    "`status` of a bare `sig`": {
        "folder": "whether there is one",
        "key": "the own key; null without one",
        "trusted": "how many keys count",
        "remotes": "how many are followed",
        "fetched_at": "the oldest of their last fetches; null if there was none",
        "attested": "how many files",
        "unpublished": "how many of them the last publish did not bring out",
        "index": "`ok`, `not made yet` or `out of date`",
        "next": "the one next command",
    },
    "`help`, `--version` and `completion`": {
        "help": "the text, of `help` and `--help`",
        "release": "the version of the program, of `--version`",
        "script": "for the shell, of `completion`",
    },
    "`error` of every command": {
        "code": "see Error codes",
        "message": "one sentence for people",
        "hint": "the next command; null where there is none",
        "matches": "of `key-ambiguous` only: the keys, `key` and `uid` each",
    },
}
_VERDICTS = {
    Answer.OK: [Reason.ENOUGH],
    Answer.BAD: [Reason.MARKED_BAD],
    Answer.UNVERIFIED: [
        Reason.UNTRUSTED,
        Reason.UNREVIEWED,
        Reason.BELOW_POLICY,
        Reason.NOT_COUNTED,
        Reason.DIFFERS,
    ],
    Answer.UNKNOWN: [Reason.NO_STATEMENT],
    Answer.ERROR: [Reason.UNREADABLE, Reason.STORE],
}
_STATES = {
    State.UNKNOWN_KEY: "the certificate of its key was never met",
    State.INVALID: "the signature or the statement proves nothing",
    State.WEAK: "an algorithm that is not good enough",
    State.KEY_REVOKED: "the key was revoked",
    State.KEY_EXPIRED: "the key was not valid when it was signed",
    State.FUTURE: "signed more than ten minutes ahead of this clock",
    State.LATE: "first met after the end of its key",
    State.STALE: "every source of it is past its expiry",
    State.SUPERSEDED: "its signer said something newer",
    State.WITHDRAWN: "takes back what its signer said before",
    State.EXPIRED: "past the date that its signer set",
    State.UNTRUSTED: "the key is not trusted",
    State.UNREVIEWED: "ok, and nobody looked at all of it",
    State.OUT_OF_SCOPE: "it lacks what the policy asks for, or was made for a part",
    State.OK: "says ok",
    State.NOT_OK: "says not ok",
}
_RESULTS = {
    "new": {"": "taken"},
    "unchanged": {"": "as before", "behind": "an older state than was met; it is ignored"},
    "failed": {
        "network": "it was not reached, was too slow or broke off",
        "http": "a status other than success",
        "too-large": "larger than any repository may be",
        "format": "what was there is no repository or no certificate",
    },
    "refused": {
        "signature": "its owner did not sign it",
        "key-changed": "another key than the pinned one",
        "rollback": "an older state, off the path or for too long",
        "fork": "another state of a sequence that was met",
    },
}


def json() -> str:
    """The page of documents."""
    assert set(_VERDICTS) == set(Answer)
    assert {reason for reasons in _VERDICTS.values() for reason in reasons} == set(Reason)
    assert list(_STATES) == list(State)
    text = f"""# JSON

{MADE}

With `--json` a command prints one document on standard output, `{{"version": 1, …}}`.
Fields are only ever added.
An instant is `YYYY-MM-DDThh:mm:ssZ`.
What people wrote (user ids, comments) is as they wrote it: never print it to a terminal unescaped.

An error is a document too, `{{"version": 1, "error": {{…}}}}`, with the exit code of the error.
When `sig run` runs the script, it prints none.
"""
    for name, fields in DOCUMENTS.items():
        text += f"\n## {name.replace('`', '')}\n\n| field | |\n| --- | --- |\n"
        text += "".join(f"| `{field}` | {meaning} |\n" for field, meaning in fields.items())
    text += "\n## Verdicts\n\n| `verdict` | `reason` |\n| --- | --- |\n"
    for answer, reasons in _VERDICTS.items():
        told = ", ".join(f"`{reason.value}`" for reason in reasons)
        text += f"| `{answer.value}` | {told} |\n"
    text += "\n## States\n\nThe first that holds:\n\n| `state` | |\n| --- | --- |\n"
    text += "".join(f"| `{state.value}` | {meaning} |\n" for state, meaning in _STATES.items())
    text += "\n## Results of fetch\n\n| `result` | `reason` | |\n| --- | --- | --- |\n"
    for result, why in _RESULTS.items():
        for reason, meaning in why.items():
            text += f"| `{result}` | {f'`{reason}`' if reason else ''} | {meaning} |\n"
    text += "\n## Error codes\n\n| `code` | exit code | |\n| --- | --- | --- |\n"
    meanings: dict[str, list[str]] = {}
    statuses = {}
    for one in _classes():
        if one.code != "internal":
            meanings.setdefault(one.code, []).append(_meaning(one))
            statuses[one.code] = one.status
    for code, told_all in sorted(meanings.items()):
        text += f"| `{code}` | {statuses[code]} | {' '.join(told_all)} |\n"
    return text + "| `internal` | 4 | A bug. |\n"


def _meaning(one: type[errors.SigError]) -> str:
    first, _, _ = (one.__doc__ or "").partition("\n")
    return re.sub(r"``?([^`]+)``?", r"`\1`", first)


# --- errors --------------------------------------------------------------------------------------


def errors_page() -> str:
    """The page of the tree of errors."""
    drawn = inspect.cleandoc(errors.__doc__ or "")
    tree = "\n".join(
        line.removeprefix("    ")
        for line in drawn.splitlines()
        if re.match(r" +(SigError|[│├└])", line)
    )
    text = f"""# Errors

{MADE}

What the library raises, and what commands tell with the exit code and the word of `--json`.
Messages are lower case without a full stop; `hint` is the one next command.

```text
{tree}
```

| class | exit code | `code` | |
| --- | --- | --- | --- |
"""
    for one in _classes():
        text += f"| `{one.__name__}` | {one.status} | `{one.code}` | {_meaning(one)} |\n"
    return text


# --- words ---------------------------------------------------------------------------------------

INSTANT = "2026-11-20T20:44:16Z"


class Stage:
    """Alice and Bob of `vectors/`, who type commands; every fact that changes is replaced."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.text = ""
        self.alice = self._person("alice")
        self.bob = self._person("bob")
        self.elsewhere = world.newcomer("carol")
        self.server = world.serve(self.bob.folder / "repo")
        self.url = "http://bob.example.org/signet/"

    def _person(self, name: str) -> Any:
        from tests.world import VECTORS

        person = self.world.newcomer(name)
        person.gpg("--import", VECTORS / f"ancestor/{name}.secret.asc")
        listed = person.gpg("--with-colons", "--list-secret-keys")
        person.fingerprint = next(
            line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")
        )
        return person

    def section(self, title: str, *sentences: str) -> None:
        """A heading, and what is to be said below it."""
        self.text += f"\n## {title}\n"
        if sentences:
            self.say(*sentences)

    def say(self, *sentences: str) -> None:
        """Something between blocks."""
        self.text += "\n" + "".join(f"{one}\n" for one in sentences)

    def tool(self) -> Any:
        """A sig that has a program to make loaders of."""
        from tests.cli import loaders

        return loaders.tool(self.world.path / "tool")

    def block(self, *typed: str, by: Any = None, **more: Any) -> None:
        """Run commands and show what they say; of a `tool` where it is named by `ran`."""
        self.text += "\n```console\n"
        for line in typed:
            self.text += self._ran(line, by or self.alice, **more)
        self.text += "```\n"

    def _ran(self, line: str, person: Any, **more: Any) -> str:
        import shlex

        filled = line.replace(self.url, self.server.url)
        for other in (self.alice, self.bob):
            filled = filled.replace(f"{other.name.upper()}'S KEY", other.fingerprint)
            line = line.replace(f"{other.name.upper()}'S KEY", other.fingerprint)
        words = shlex.split(filled)[1:]
        tool = more.pop("ran", None)
        ran = tool.sig(person, *words, **more) if tool else person.sig(*words, **more)
        shown = "$ " + line + (f"  # {ran.status}" if ran.status else "") + "\n"
        shown += ran.stdout
        stderr = ran.stderr
        shown += "".join(f"2> {one}\n" for one in stderr.splitlines())
        return self.replaced(shown)

    def replaced(self, text: str) -> str:
        """`text` with the addresses, days and paths of the examples."""
        text = text.replace(self.server.url, self.url)
        text = text.replace(str(self.world.path / "www"), "/var/www/signet")
        for person, home in ((self.alice, "/home/alice"), (self.elsewhere, "/home/demo")):
            text = text.replace(str(person.place), home).replace(str(person.home), home)
        text = text.replace(str(self.world.path), "/home/alice/..")
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", INSTANT, text)
        text = re.sub(r"python 3\.\d+\.\d+ system", "python 3.11.2 system", text)
        text = re.sub(r"python:>=3\.\d+,<3\.\d+", "python:>=3.11,<3.12", text)
        text = re.sub(r"lib/python3\.\d+/", "lib/python3.11/", text)
        text = re.sub(r"3\.\d+\.\d+ /usr/bin/python3\.\d+", "3.11.2 /usr/bin/python3.11", text)
        text = _loader(text)
        return re.sub(r"(?<=on |ed )20\d\d-\d\d-\d\d", INSTANT[:10], text)


def _loader(text: str) -> str:
    """What the lines of a loader have of this machine, and of the sources of this day."""
    text = re.sub(r"(?m)^(loader .*) \d+\.\d MB", r"\1 4.5 MB", text)
    text = re.sub(r"(?m)^(home +)\S+ of user \d+", r"\1/home/alice of user 1000", text)
    text = re.sub(r"(?m)^(modules +)\d+ for [0-9a-f]{8}", r"\g<1>11 for a70d0d0a", text)
    # What it holds leads to places of this run: its digest is another each time.
    found = re.compile(
        r"(?m)^identified file as (sha256:[0-9a-f]{64})\n(?=.*\n?file \S*/cmd/(?:tool|given) )"
    )
    for digest in found.findall(text):
        text = text.replace(digest, "sha256:" + "5eed" * 16)
    return text


def words() -> str:
    """The page of what commands say."""
    from tests.world import Seeds, World

    seeds = Seeds()
    world = World(seeds)
    try:
        return _words(Stage(world))
    finally:
        world.close()
        seeds.close()


def _words(stage: Stage) -> str:
    alice, bob = stage.alice, stage.bob
    stage.text = f"""# What commands say

{MADE}

Every sentence below was printed by the command above it.
Lines after `2>` are on standard error, all others on standard output.
The number after `#` is the exit code, where it is not 0.
In scripts use the exit code and [`--json`](json.md); these words are for people, and stay.
"""
    for person in (alice, bob):
        for name, content in (
            ("hello.txt", "hello\n"),
            ("test.txt", "test\n"),
            ("new.txt", "new\n"),
        ):
            person.write(name, content)
    alice.write("script.sh", "#!/bin/sh\necho hello\n")
    bob.write("bad.sh", "#!/bin/sh\nrm -rf ~\n")
    alice.write("bad.sh", "#!/bin/sh\nrm -rf ~\n")

    stage.section("Before there is a folder", "Looking makes none.")
    stage.block("sig", "sig verify hello.txt", "sig trust list", "sig fetch")
    stage.block("sig attest hello.txt", "sig publish /var/www/signet")
    stage.say("Where GnuPG has no secret key:")
    stage.block("sig setup", by=stage.elsewhere)

    stage.section("setup", "Without KEYID it lists the secret keys, one command each.")
    stage.block("sig setup", "sig setup E3F2AA1B", "sig setup ALICE'S KEY")
    stage.block("sig setup 12345678", "sig setup alice", "sig")
    stage.say("Where nothing is, nothing is taken over:")
    stage.block("sig setup ALICE'S KEY --from backup")

    stage.section("attest", "Several files are signed with the same words, all or none.")
    stage.block(
        'sig attest hello.txt --ok --reviewed -m "read it"',
        'sig attest hello.txt test.txt --ok --reviewed -m ""',
    )
    stage.say("Questions are on standard error; here the answers came through a pipe:")
    stage.block("sig attest new.txt", input="yes\nno\nit deletes files\n")
    stage.block("sig attest script.sh test.txt", input="maybe\nyes\nyes\n\n")
    stage.say("And when nothing is signed:")
    stage.block("sig attest hello.txt", input="yes\n")
    stage.block(
        "sig attest hello.txt --ok --not-reviewed",
        "sig attest missing.txt",
        "sig attest",
    )

    stage.section("verify", "A block for each file, and a total on standard error.")
    stage.block("sig verify hello.txt", "sig -v verify hello.txt", "sig verify new.txt")
    stage.block("sig -q verify hello.txt new.txt", "sig verify hello.txt missing.txt")
    stage.block("sig verify", input="hello\n")
    stage.block("sig verify sha256:12")

    stage.section(
        "show", "It answers with 0 whatever the answer is: it was asked what was said, not whether."
    )
    stage.block("sig show new.txt", "sig show missing.txt")

    stage.section("withdraw")
    stage.block("sig withdraw new.txt", "sig verify new.txt", "sig show new.txt")
    stage.block("sig withdraw new.txt", "sig withdraw missing.txt")

    stage.section("run", "All on standard error, for standard output is the script's.")
    stage.block("sig run script.sh", "sig run new.txt", "sig run hello.txt", "sig run missing.sh")

    for name, content in (("a.py", "a\n"), ("b.py", "b\n"), ("sub/c.py", "c\n")):
        alice.write(f"hello/{name}", content)
    stage.section("manifest", "A folder is one thing: the list of its files.")
    stage.block("sig manifest hello", "sig manifest hello.txt", "sig manifest missing")
    stage.block('sig attest hello --ok --reviewed -m ""', "sig verify hello")
    alice.write("hello/a.py", "changed\n")
    alice.write("hello/more.py", "more\n")
    stage.say("What differs is named where a list that counts comes close:")
    stage.block("sig verify hello", "sig show hello")
    alice.write("SHA256SUMS", alice.sig("manifest", "hello").stdout)
    stage.block("sig verify --manifest SHA256SUMS hello", "sig verify --manifest test.txt hello")
    (alice.place / "hello/link").symlink_to("a.py")
    stage.block("sig attest hello", "sig verify hello")

    _environment(alice.place / "v")
    (alice.place / "app").mkdir()
    alice.write("app/hello.py", "import greet\n\nprint(greet.WORD)\n")
    stage.section(
        "lock", "One line a root, with the files in it; the next command last.",
        "The version of Python is that of the machine.",
    )  # fmt: skip
    stage.block("sig lock --python v/bin/python app/hello.py", "sig run app/hello.py")
    stage.block('sig attest app/hello.lock --ok --reviewed -m "read it"')
    stage.block("sig lock --python v/bin/python app/hello.py", "sig run app/hello.py")
    stage.say("What differs is not loaded, and a program that loads it ends:")
    alice.write(f"{_site(alice.place / 'v')}/greet.py", "WORD = 'evil'\n")
    stage.block("sig run app/hello.py", "sig attest app/hello.lock")
    stage.say("A next release shows what is new, and the one before is not run any more:")
    stage.block(
        "sig lock --python v/bin/python app/hello.py",
        'sig attest app/hello.lock --ok --reviewed -m ""',
        "sig run app/hello.py",
    )
    stage.say("An upgrade, a script that changed, and what somebody who counts warns about:")
    _environment(alice.place / "v", "2.0")
    stage.block("sig run app/hello.py")
    _environment(alice.place / "v", "1.0")
    alice.write(f"{_site(alice.place / 'v')}/greet.py", "WORD = 'evil'\n")
    alice.write("app/hello.py", "print('other')\n")
    stage.block("sig run app/hello.py")
    alice.write("app/hello.py", "import greet\n\nprint(greet.WORD)\n")
    alice.sig("attest", _site(alice.place / "v") / "greet.py", "--not-ok", "--reviewed", "-m", "")
    stage.block("sig run app/hello.py")
    stage.say("What is no program:")
    stage.block("sig lock missing.py", "sig lock app", "sig run --python x hello.txt")

    _environment(alice.place / "w")
    alice.write("cmd/tool.py", "print('tool')\n")
    tool = stage.tool()
    stage.section(
        "loader", "What `sig lock` says, then each loader; here one of a stand-in for `sig-verify`."
    )
    stage.block("sig loader build --python w/bin/python cmd/tool.py", ran=tool)
    stage.block('sig attest cmd/tool.lock --ok --reviewed -m "read it"')
    stage.block("sig loader build cmd/tool.py", "sig loader build cmd/tool.py", ran=tool)
    stage.block("sig loader build cmd/tool.py --policy strict", ran=tool)
    alice.sig("attest", "cmd/tool", "--ok", "--reviewed", "-m", "")
    stage.block("sig loader build cmd/tool.py --policy strict", ran=tool)
    stage.block("sig loader inspect cmd/tool", "sig loader inspect cmd/tool.py", ran=tool)
    stage.say("A project has one for each script, with what its file says:")
    table = '[[tool.sig.loader]]\nscript = "say"\nenv = ["LANGUAGE"]\npython-option = ["-u"]\n'
    said = '[project]\nname = "site"\n[project.scripts]\nsay = "site_app:say"\n'
    alice.write("site/pyproject.toml", said + table)
    alice.write("site/site_app.py", "")
    stage.block("sig loader build --python w/bin/python site", ran=tool)
    alice.write("site/pyproject.toml", said + table.replace("env", "variables"))
    stage.block("sig loader build --python w/bin/python site", ran=tool)
    stage.say("For others, with who counts in it and what they said beside it:")
    stage.block(
        f"sig loader build cmd/tool.py --name given --baked --signer {alice.short}",
        "sig loader update cmd/given",
        "sig loader inspect cmd/given",
        "sig loader update cmd/tool",
        "sig loader build cmd/tool.py --name given --baked",
        f"sig loader build cmd/tool.py --signer {alice.short}",
        f"sig loader build cmd/tool.py --baked --signer {alice.short} --threshold 2",
        f"sig loader build cmd/tool.py --baked --signer {alice.short} --release 2",
        ran=tool,
    )
    stage.say("What is not replaced, not passed, and not made:")
    alice.write("cmd/other", "mine\n")
    stage.block(
        "sig loader build cmd/tool.py --name other",
        "sig loader build cmd/tool.py --env LD_PRELOAD",
        "sig loader build cmd/tool.py --python-option -Xpycache_prefix=/tmp",
        "sig loader build cmd/tool.py --policy strict --env HOME",
        "sig --dir empty loader build --python w/bin/python cmd/tool.py",
        "sig loader build missing.py",
        ran=tool,
    )
    stage.say("And of what somebody who counts warns about:")
    alice.sig("attest", "cmd/tool.lock", "--not-ok", "--reviewed", "-m", "")
    stage.block("sig loader build cmd/tool.py", ran=tool)

    stage.section(
        "plugin",
        "What is not ok is not unpacked; what is unpacked counts by the list of its files.",
    )
    _zip(alice.place / "greet.zip", {"greet/__init__.py": "", "greet/words.txt": "hello\n"})
    _zip(alice.place / "whole.zip", {"whole.py": ""})
    _zip(alice.place / "evil.zip", {"../evil.py": ""})
    stage.block("sig plugin install greet.zip --into plugins")
    stage.block('sig attest --tree greet.zip --ok --reviewed -m ""')
    stage.block("sig plugin install greet.zip --into plugins", "sig plugin verify plugins")
    stage.block("sig plugin install greet.zip --into plugins")
    stage.block("sig plugin install greet.zip --into plugins", input="no\n")
    stage.block("sig plugin install greet.zip --into plugins --yes")
    stage.say("One whose bytes alone were signed stays an archive; one that leads elsewhere:")
    stage.block('sig attest whole.zip evil.zip --ok --reviewed -m ""')
    stage.block("sig plugin install whole.zip --into plugins")
    stage.block("sig plugin install evil.zip --into plugins", "sig plugin install a.txt --into x")
    stage.say("What differs, and what nobody signed:")
    alice.write("plugins/greet/greet/words.txt", "evil\n")
    alice.write("plugins/more.py", "print()\n")
    stage.block("sig plugin list plugins", "sig plugin verify plugins", "sig plugin verify x")
    stage.block("sig --offline plugin install https://example.org/greet.zip --into plugins")

    assert 0 == bob.sig("setup", bob.fingerprint).status
    assert 0 == bob.sig("attest", "test.txt", "--ok", "--reviewed", "-m", "works").status
    assert 0 == bob.sig("attest", "bad.sh", "--not-ok", "--reviewed", "-m", "deletes all").status
    stage.section("remote and fetch", "What is done is done without a word.")
    stage.block(
        f"sig remote add bob {stage.url}",
        f"sig remote add bob {stage.url}",
        "sig remote list",
        "sig -v remote list",
        "sig fetch",
        "sig fetch",
        "sig -v remote list",
    )
    stage.block(
        "sig remote rename bob robert",
        "sig remote rename robert bob",
        "sig remote remove robert",
        "sig fetch robert",
        "sig remote add ../bob http://example.org/",
        "sig remote add con http://example.org/",
        "sig remote add eve ftp://example.org/",
        "sig remote add eve http://alice:word@example.org/",
        "sig remote add eve http://example.org/ --trust",
    )
    stage.say("What fails, and what is refused:")
    stage.server.answers["/repo.json"] = 500
    stage.block("sig fetch")
    stage.server.answers["/repo.json"] = (200, b"<html>please sign in</html>")
    stage.block("sig fetch")
    older = (bob.folder / "repo/repo.json").read_bytes()
    stage.server.answers["/repo.json"] = (200, older.replace(b"works", b"WORKS"))
    stage.block("sig fetch")
    stage.server.answers.clear()
    assert 0 == bob.sig("attest", "hello.txt", "--ok", "--reviewed", "-m", "").status
    assert 0 == alice.sig("fetch").status
    stage.server.answers["/repo.json"] = (200, older)
    stage.say("An older state than was met, as caches serve it:")
    stage.block("sig fetch")
    stage.server.answers.clear()
    mallory = world_forger().publishes(stage.world.path / "other", [])
    stage.server.folder = mallory
    stage.say("Another key:")
    text = stage.text
    stage.block("sig fetch")
    fingerprint = world_forger().fingerprint
    stage.text = text + stage.text[len(text) :].replace(fingerprint, "F" * 40)
    stage.server.folder = bob.folder / "repo"
    stage.say("With `--offline`:")
    stage.block("sig --offline fetch")

    stage.section("trust")
    stage.block(
        "sig trust list",
        "sig trust add 7DC1304D",
        "sig trust add BOB'S KEY",
        "sig -v trust list",
        "sig verify bad.sh",
        "sig trust show 7DC1304D",
        "sig trust remove BOB'S KEY",
        "sig trust remove BOB'S KEY",
        "sig trust add 12345678",
        "sig trust add bob@example.org",
    )

    stage.section("key", "Certificates that are known, trusted or not.")
    alice.write("bob.asc", bob.gpg("--armor", "--export", bob.fingerprint))
    stage.block(
        "sig key import bob.asc",
        "sig key import hello.txt",
        "sig key import missing.asc",
        "sig key list",
        "sig key show E3F2AA1B",
        "sig key show 7DC1304D",
    )

    www = stage.world.path / "www"
    stage.section("publish and config")
    stage.block("sig publish", "sig publish https://example.org/")
    assert 0 == alice.sig("config", "publish.target", www).status
    stage.text += f"\n```console\n{stage.replaced(f'$ sig config publish.target {www}')}\n```\n"
    stage.block("sig publish", "sig publish", "sig", "sig config")
    stage.block(
        """sig config policy '{"ok": 2, "not-ok": 0}'""",
        "sig config policy",
        "sig config --unset policy",
        "sig config publish.url",
        "sig config colour",
        """sig config policy '{"ok": 0}'""",
    )
    stage.say("What somebody else published is never replaced:")
    shutil.rmtree(www)
    shutil.copytree(bob.folder / "repo", www)
    stage.block("sig publish")
    shutil.rmtree(www)

    stage.section("A folder without a key", "It can trust, fetch and verify.")
    stage.block(
        f"sig remote add bob {stage.url} --key BOB'S KEY --trust", "sig", by=stage.elsewhere
    )
    stage.block("sig attest x", by=stage.elsewhere)

    stage.section("A folder that cannot be believed", "Every answer is an error, and nothing runs.")
    config = alice.folder / "config"
    genuine = config.read_bytes()
    config.write_bytes(genuine.replace(b'"not-ok": 0', b'"not-ok": 9'))
    stage.block("sig verify hello.txt", "sig", "sig run script.sh")
    config.write_bytes(b"{")
    stage.block("sig trust list")
    config.write_bytes(genuine)
    stage.say("An older configuration is followed by nobody, until its owner saw it and signs it:")
    assert 0 == alice.sig("config", "publish.url", "https://alice.example.org/").status
    newest = config.read_bytes()
    config.write_bytes(genuine)
    stage.block("sig verify hello.txt", "sig setup ALICE'S KEY", input="no\n")
    config.write_bytes(newest)
    stage.say("And one that a newer program made is read by none that is older:")
    (alice.folder / "version").write_text("2\n")
    stage.block("sig verify hello.txt")
    (alice.folder / "version").write_text("1\n")

    stage.section("Without gpg", "Reading needs none.")
    nowhere = {"PATH": str(stage.world.path)}
    stage.block("sig verify hello.txt", 'sig attest hello.txt --ok --reviewed -m ""', env=nowhere)
    return stage.text


def _site(place: Path) -> Path:
    """Where packages are in an environment."""
    (found,) = place.glob("lib/python3.*/site-packages")
    return found


def _environment(place: Path, version: str = "1.0") -> None:
    """An environment of the system's Python with one small distribution."""
    if not place.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", place], check=True)
    site = _site(place)
    for old in site.glob("greet-*"):
        shutil.rmtree(old)
    info = site / f"greet-{version}.dist-info"
    info.mkdir()
    (site / "greet.py").write_text("WORD = 'hello'\n")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: greet\nVersion: {version}\n")
    listed = ["greet.py", f"{info.name}/METADATA", f"{info.name}/RECORD"]
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed))


def _zip(place: Path, files: dict[str, str]) -> None:
    """A zip that is the same each time."""
    import zipfile

    with zipfile.ZipFile(place, "w") as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content)


def world_forger() -> Any:
    """Mallory, the same each time."""
    global _forger
    if _forger is None:
        from tests.world import Forger

        _forger = Forger()
    return _forger


_forger: Any = None

# --- all of them ---------------------------------------------------------------------------------

PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "exit-codes.md": exit_codes,
    "json.md": json,
    "errors.md": errors_page,
    "words.md": words,
}


def main() -> int:
    """Write or compare."""
    differ = []
    for name, made in PAGES.items():
        path = FOLDER / name
        text = made()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            differ.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                print(f"wrote {path.relative_to(ROOT)}")
    if "--check" in sys.argv and differ:
        print(f"differ: {', '.join(differ)}; run python tools/reference.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
