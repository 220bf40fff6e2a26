"""Answers about files: a block a file, and the exit status that sums them up. No options here."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Sequence

from sig.cli import Context, output
from sig.cli.progress import progress
from sig.model import instant
from sig.model.verdict import Answer, Judged, State, Verdict
from sig.verbs.verify import STDIN, Result, verify

SHOWN_NOT_COUNTED = 5
LAST_WORDS = {
    Answer.OK: "is ok.",
    Answer.BAD: "is marked bad!",
    Answer.UNVERIFIED: "is not verified.",
    Answer.UNKNOWN: "is unknown!",
}
# Several files: the worst that people must see first, not the highest number.
_STATUS = ((Answer.BAD, 3), (Answer.ERROR, 4), (Answer.UNVERIFIED, 1), (Answer.UNKNOWN, 1))


def answer(
    context: Context, asked: Sequence[str], judge: Callable[..., list[Result]] = verify
) -> int:
    """Say what is believed of these; the exit status."""
    workspace = context.workspace()
    watch = progress(context)
    results = judge(workspace, asked, progress=None if watch is None else watch.read)
    if watch is not None:
        watch.clear()
    output.notes(context, workspace.notes)
    if context.json:
        output.document({"results": [result_json(result) for result in results]})
    else:
        for result in results:
            print_result(context, result)
        if len(results) > 1 and not context.quiet:
            print_total(results)
    # The interpreter ends with a search for circles through all that was loaded and made: a tenth
    # of the time that one answer takes.
    gc.freeze()
    return status(results)


def status(results: Sequence[Result]) -> int:
    """3 if any is bad, else 4, else 1, else 0."""
    answers = {result.verdict.answer for result in results}
    return next((code for answer, code in _STATUS if answer in answers), 0)


def shown_path(asked: str) -> str:
    """The absolute path, links not resolved; standard input and identifiers as they are."""
    if asked == STDIN or asked.startswith("sha256:"):
        return asked
    return os.path.abspath(asked)


def print_result(context: Context, result: Result) -> None:
    """The block of one file."""
    verdict = result.verdict
    path = output.theirs(shown_path(result.asked))
    if verdict.answer is Answer.ERROR:
        output.error_line(f"{path}: {verdict.message}")
        if verdict.id is not None:
            output.note(f"hint: {verdict.hint or 'sig doctor'}")
        return
    print_answer(context, result, kind(result), path)


def print_answer(context: Context, result: Result, kind: str, path: str) -> None:
    """The same of one that could be told; `path` is escaped already."""
    verdict = result.verdict
    if context.quiet and verdict.answer is Answer.OK:
        return
    output.say(f"identified {kind} as {verdict.id}")
    print_signers(context, verdict)
    print_differences(result)
    word = "ok" if verdict.answer is Answer.OK else verdict.answer.value
    told = f"{kind} {path} {LAST_WORDS[verdict.answer]}"
    output.say(output.colored(context, word, told))


def kind(result: Result) -> str:
    """What was asked about."""
    return "folder" if result.is_folder else "file"


def print_differences(result: Result) -> None:
    """Every path that differs from the closest list of files that somebody stands behind."""
    if result.told:
        output.say(output.theirs(result.told))
    if result.closest is None or not result.differences:
        return
    if result.closest != result.verdict.id:
        output.say(f"closest is {result.closest}")
    for one in result.differences:
        output.say(f"{one.kind} {output.theirs(one.path)}")


def print_signers(context: Context, verdict: Verdict) -> None:
    """Each signer's newest word; of those that do not count, five."""
    newest = [line for line in verdict.statements if line.newest]
    counted = [line for line in newest if line.counted]
    others = [line for line in newest if not line.counted]
    for line in counted + others[:SHOWN_NOT_COUNTED]:
        print_signer(context, line)
    if len(others) > SHOWN_NOT_COUNTED:
        output.say(f"… and {len(others) - SHOWN_NOT_COUNTED} more")


def print_signer(context: Context, line: Judged) -> None:
    """One signer's newest word."""
    state = output.colored(context, line.state.value)
    name = output.signer(line.key or "?", line.uid, full=context.verbose)
    when = f" {instant.write(line.signed_at)}" if context.verbose and line.signed_at else ""
    output.say(f"{state} {name}{when}")
    if line.comment and (context.verbose or line.state is State.NOT_OK):
        output.say(f'    "{output.theirs(line.comment)}"')


def print_total(results: Sequence[Result]) -> None:
    """`3 files: 1 ok, …` on stderr."""
    answers = [result.verdict.answer for result in results]
    words = {
        "ok": Answer.OK,
        "marked bad": Answer.BAD,
        "not verified": Answer.UNVERIFIED,
        "unknown": Answer.UNKNOWN,
        "unreadable": Answer.ERROR,
    }
    told = ", ".join(f"{answers.count(answer)} {word}" for word, answer in words.items())
    output.note(f"{len(results)} files: {told}")


def result_json(result: Result) -> dict[str, object]:
    """One result of `verify --json` and `show --json`."""
    verdict = result.verdict
    return {
        "file": shown_path(result.asked),
        "id": verdict.id,
        "verdict": verdict.answer.value,
        "reason": verdict.reason.value,
        "message": verdict.message,
        "statements": [output.judged_json(line) for line in verdict.statements],
        **(
            {
                "closest": result.closest,
                "differences": [{"path": one.path, "kind": one.kind} for one in result.differences],
            }
            if result.is_folder or result.closest
            else {}
        ),
    }
