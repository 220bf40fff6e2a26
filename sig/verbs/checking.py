"""Is what a remote served its owner's word, and how does it follow on what was served before?

Believes nothing that was downloaded, writes nothing. In this order:

C1  `repo.json` or `signet.json` reads, and is signed by the pinned key; on first use its key is
    pinned.
C2  `key.asc` has the certificate of that key, unless it is known; it is merged with the known copy.
C3  The owner's signature holds, stands, and is not in the future.
C4  Sequence and digest follow on the remembered ones (docs/spec/memory §1):
    same sequence and digest: unchanged; same sequence, other digest: fork; higher, but naming
    another earlier state than the remembered: fork; lower and named by the remembered state, or not
    named at all: behind, for a day; lower otherwise: rollback. None where one was met: rollback.
    Without a root where one was met: rollback.
C5  Every statement's own signature is verified; what fails is named and its neighbours stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sig.errors import FormatError, KeyNotFound, SignatureError
from sig.gpg import certificate as certificates
from sig.gpg import verify
from sig.gpg.certificate import Certificate
from sig.gpg.keys import Keys
from sig.model import instant, root, stream
from sig.model.attestation import Attestation, Malformed
from sig.model.fingerprint import Fingerprint
from sig.model.root import UnverifiedRoot
from sig.model.standing import Standing
from sig.model.stream import Document, Entry
from sig.repo import layout
from sig.repo.home import Home
from sig.repo.memory import Publishes
from sig.trust.decide import CLOCK_SKEW
from sig.verbs.ledger import Line, lines
from sig.verbs.workspace import KeyFiles, attest

ROLLBACK_AFTER = 24 * 60 * 60
# A statement is some fifty bytes a part. "[[],[],[]…" of 256 MiB, which anyone can serve unsigned,
# would take many minutes to read; what is within these takes as long as statements do.
PARTS = 1_000_000
BYTES_A_PART = 24
# Statements that are read before they are verified.
AT_ONCE = 128


class Refusal(Exception):
    """What was served is not taken. `result` and `reason` are the words of ``fetch --json``.

    `certificate` is the owner's, where it was learnt all the same: a revocation must get through.
    """

    def __init__(
        self,
        result: str,
        reason: str,
        message: str,
        *,
        hint: str | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        # All that __init__ wants: it comes back from another process.
        super().__init__(result, reason, message)
        self.result = result
        self.reason = reason
        self.message = message
        self.hint = hint
        self.certificate = certificate


@dataclass(frozen=True, slots=True)
class Checked:
    """A repository whose owner signed it, and what its statements proved to be.

    `lines` are for the index, `words` the verified warnings and withdrawals, `refused` counts the
    statements that proved nothing. `digest` names the state: where it has a root (`rooted`), that.
    """

    key: Fingerprint
    digest: str
    sequence: int | None
    previous: dict[int, str]
    expires: int | None
    certificate: Certificate
    lines: list[Line]
    words: list[Attestation]
    refused: int
    strangers: int
    rooted: bool = False


def check(
    raw: bytes,
    key_asc: bytes | None,
    pinned: Fingerprint | None,
    folder: Path,
    now: int,
) -> Checked:
    """Check what a remote served (C1, C2, C3, C5). Raises Refusal.

    `key_asc` is None where it did not change; `folder` is the user's, whose known certificates
    this may read in a process of its own.
    """
    try:
        check_parts(raw)
    except FormatError as error:
        raise Refusal("failed", "too-large", f"repo.json has {error.message}") from error
    known = Keys(KeyFiles(Home(folder)))
    try:
        document, certificate, signature_ends = _signed(raw, key_asc, pinned, known, now)
        gathered = _Gathered(certificate, known)
        # The index's lines and the verified words of one pass: the file may be large.
        found = lines(gathered.looked_at(document.entries()))
    except FormatError as error:
        told = f"repo.json is not a repository: {error.message}"
        raise Refusal("failed", "format", told) from error
    except OSError as error:
        told = f"repo.json cannot be put in order: {(error.strerror or 'error').lower()}"
        raise Refusal("failed", "too-large", told, hint="df -h") from error
    head = document.head
    ends = [end for end in (head.expires, signature_ends) if end is not None]
    return Checked(
        key=document.key,
        digest=document.state,
        sequence=head.sequence,
        previous=dict(head.previous),
        expires=min(ends, default=None),
        certificate=certificate,
        lines=found,
        words=gathered.words,
        refused=gathered.refused,
        strangers=gathered.strangers,
        rooted=head.root is not None,
    )


def check_root(
    raw: bytes, key_asc: bytes | None, pinned: Fingerprint | None, folder: Path, now: int
) -> tuple[UnverifiedRoot, Certificate, int | None]:
    """A root that its owner signed (C1 to C3), and when that ends. Raises Refusal."""
    try:
        found = root.read(raw)
    except FormatError as error:
        told = f"signet.json is not a root: {error.message}"
        raise Refusal("failed", "format", told) from error
    certificate = owner_certificate(found.key, key_asc, pinned, Keys(KeyFiles(Home(folder))))
    ends = [found.expires, owner_signature(found, certificate, now)]
    return found, certificate, min((end for end in ends if end is not None), default=None)


def check_tree(
    top: UnverifiedRoot,
    certificate: Certificate,
    expires: int | None,
    entries: Iterable[tuple[Entry, bool]],
    folder: Path,
) -> Checked:
    """The statements below a root that was checked (C5); only those that are new are verified.

    What `entries` raises is passed on: they may come from where they are read.
    """
    gathered = _Gathered(certificate, Keys(KeyFiles(Home(folder))))
    found = lines(gathered.look(entry) if new else entry for entry, new in entries)
    return Checked(
        key=top.key,
        digest=top.digest,
        sequence=top.sequence,
        previous=dict(top.previous),
        expires=expires,
        certificate=certificate,
        lines=found,
        words=gathered.words,
        refused=gathered.refused,
        strangers=gathered.strangers,
        rooted=True,
    )


def _signed(
    raw: bytes, key_asc: bytes | None, pinned: Fingerprint | None, known: Keys, now: int
) -> tuple[Document, Certificate, int | None]:
    """The reading of the file that its owner signed (C1 to C3), and when that signature ends.

    Where it is not laid out as it should be, nothing is signed as it lies there: then it is
    written anew, and what reads is asked for again. Raises Refusal, FormatError.
    """
    refused = None
    for document in stream.readings(raw, layout.spool):
        certificate = owner_certificate(document.key, key_asc, pinned, known)
        try:
            return document, certificate, owner_signature(document, certificate, now)
        except Refusal as refusal:
            refused = refusal
            if refusal.certificate is not None:
                break  # it is signed, by a key that does not count
    if refused is None:
        raise AssertionError("a file has a reading, or does not read")
    raise refused


class _Gathered:
    """C5: what the statements of a repository prove to be, as they pass by."""

    def __init__(self, certificate: Certificate, known: Keys) -> None:
        self._certificate = certificate
        self._known = known
        self.words: list[Attestation] = []
        self.refused = 0
        self.strangers = 0

    def looked_at(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """All of them, after each was looked at."""
        # Some are read, then some are verified: either is quicker while nothing else runs.
        while some := list(islice(entries, AT_ONCE)):
            yield from [self.look(entry) for entry in some]

    def look(self, entry: Entry) -> Entry:
        one = entry.found
        if isinstance(one, Malformed):
            self.refused += 1
            return entry
        own = one.key == self._certificate.fingerprint
        try:
            made = attest(one, self._certificate if own else self._known.get(one.key))
        except SignatureError as error:
            if error.state == "unknown-key":
                self.strangers += 1
            else:
                self.refused += 1
        else:
            if not made.statement.ok:
                self.words.append(made)
        return entry


def check_parts(raw: bytes) -> None:
    """Refuse what has more values than statements have, before it is read. Raises FormatError."""
    if sum(map(raw.count, (b",", b"[", b"{"))) > PARTS + len(raw) // BYTES_A_PART:
        raise FormatError("more parts than the statements of a file of its size")


def owner_certificate(
    key: Fingerprint, key_asc: bytes | None, pinned: Fingerprint | None, known: Keys
) -> Certificate:
    """C1 and C2."""
    if pinned is not None and key != pinned:
        raise Refusal(
            "refused",
            "key-changed",
            f"it is signed by {key}, and was pinned to {pinned}: ask its owner",
            hint="sig remote add NAME URL --key FINGERPRINT",
        )
    here = known.get(key)
    if key_asc is None:
        if here is None:
            raise Refusal("refused", "signature", f"the certificate of {key} is not known")
        return here
    try:
        (found,) = certificates.read(key_asc, wanted=key)
        return found if here is None else certificates.merge(here, found)
    except KeyNotFound as error:
        _some_certificate(key_asc)
        reason = "signature" if pinned is None else "key-changed"
        told = f"key.asc has no certificate of {key}, which signed the repository"
        raise Refusal("refused", reason, told) from error
    except FormatError as error:
        told = f"key.asc is not a certificate: {error.message}"
        raise Refusal("failed", "format", told) from error


def _some_certificate(key_asc: bytes) -> None:
    """The page of a captive portal is a failure; only another certificate is a change of key."""
    try:
        certificates.read(key_asc)
    except FormatError as error:
        told = f"key.asc is not a certificate: {error.message}"
        raise Refusal("failed", "format", told) from error


def owner_signature(
    document: Document | UnverifiedRoot, certificate: Certificate, now: int
) -> int | None:
    """C3. Gives when the signature expires, if at all."""
    try:
        made = verify.check(document.signed, document.sig, document.key, certificate)
    except SignatureError as error:
        told = f"its owner did not sign it: {error.message}"
        raise Refusal("refused", "signature", told) from error
    if made.standing is not Standing.SOUND:
        raise Refusal("refused", "signature", made.why, certificate=certificate)
    if made.made_at > now + CLOCK_SKEW:
        told = f"it is signed in the future, on {instant.write(made.made_at)}"
        raise Refusal("refused", "signature", told)
    return made.expires_at


def follows(
    checked: Checked,
    remembered: Publishes | None,
    earlier: dict[int, str],
    behind_since: int | None,
    now: int,
) -> str:
    """C4: ``new``, ``unchanged`` or ``behind``. Raises Refusal for a fork, rewrite or rollback.

    `earlier` is what the remembered document names as its own past.
    """
    if remembered is None:
        return "new"
    if checked.sequence is None:
        told = "it has no sequence any more, which its owner's states had"
        raise Refusal("refused", "rollback", told, hint=ACCEPT)
    if remembered.rooted and not checked.rooted:
        told = "it names no root any more, which its owner's states had"
        raise Refusal("refused", "rollback", told, hint=ACCEPT)
    if checked.sequence == remembered.sequence:
        if checked.digest == remembered.digest:
            return "unchanged"
        raise Refusal(
            "refused",
            "fork",
            f"there are two states {checked.sequence}, this is not the one that was met:"
            " ask its owner",
            hint=ACCEPT,
        )
    if checked.sequence > remembered.sequence:
        named = checked.previous.get(remembered.sequence)
        if named is not None and named != remembered.digest:
            raise Refusal(
                "refused",
                "fork",
                f"its past was rewritten: it names another state {remembered.sequence}"
                " than was met: ask its owner",
                hint=ACCEPT,
            )
        return "new"
    named = earlier.get(checked.sequence)
    if named is not None and named != checked.digest:
        raise Refusal(
            "refused",
            "rollback",
            f"it serves a state {checked.sequence} that is not in the past of"
            f" state {remembered.sequence}: ask its owner",
            hint=ACCEPT,
        )
    if behind_since is not None and now - behind_since > ROLLBACK_AFTER:
        raise Refusal(
            "refused",
            "rollback",
            f"it serves state {checked.sequence} since {instant.write(behind_since)}, and"
            f" state {remembered.sequence} was met before: ask its owner",
            hint=ACCEPT,
        )
    return "behind"


ACCEPT = "sig remote accept NAME"
