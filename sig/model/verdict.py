"""Answers: what is believed of a file, and why.

A `Verdict` refuses to be used as a bool: ``if verdict:`` would be true for every answer.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from sig.model.fingerprint import Fingerprint
from sig.model.identifier import Identifier


class Answer(Enum):
    """The verdict, in the words of ``--json``."""

    OK = "ok"
    BAD = "bad"
    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"
    ERROR = "error"


class Reason(Enum):
    """Why, in the words of ``--json``."""

    ENOUGH = "enough"
    MARKED_BAD = "marked-bad"
    UNTRUSTED = "untrusted"
    UNREVIEWED = "unreviewed"
    BELOW_POLICY = "below-policy"
    NOT_COUNTED = "not-counted"
    DIFFERS = "differs"
    NO_STATEMENT = "no-statement"
    UNREADABLE = "unreadable"
    STORE = "store"


class State(Enum):
    """What is to be said of one statement: the first in this order that holds."""

    UNKNOWN_KEY = "unknown-key"
    INVALID = "invalid"
    WEAK = "weak"
    KEY_REVOKED = "key-revoked"
    KEY_EXPIRED = "key-expired"
    FUTURE = "future"
    LATE = "late"
    STALE = "stale"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    UNTRUSTED = "untrusted"
    UNREVIEWED = "unreviewed"
    OUT_OF_SCOPE = "out-of-scope"
    OK = "ok"
    NOT_OK = "not-ok"


class Judged(NamedTuple):
    """One statement, its state, and whether it counted. `why` is for people.

    `newest` marks the word of its signer: the one line that stands for the signer in a summary.
    `ok`, `reviewed` and `signed_at` (seconds since 1970) are None where they could not be read.
    `manifest` lists the files of the folder or archive that it is about, if it names one.
    """

    key: str
    uid: str
    state: State
    counted: bool
    newest: bool
    ok: bool | None
    reviewed: bool | None
    comment: str
    signed_at: int | None
    sources: tuple[str, ...]
    why: str
    manifest: Identifier | None = None


class Verdict(NamedTuple):
    """What is believed of the bytes with this identifier, and every statement that was weighed.

    `hint` is the next command where the answer is `ERROR` and there is a better one than a look at
    the folder.
    """

    id: Identifier | None
    answer: Answer
    reason: Reason
    message: str
    statements: tuple[Judged, ...] = ()
    hint: str | None = None

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a bool: compare verdict.answer")

    @property
    def counted_keys(self) -> tuple[Fingerprint, ...]:
        """Whose word made this verdict."""
        return tuple(Fingerprint(line.key) for line in self.statements if line.counted)
