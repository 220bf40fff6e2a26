"""Do we believe it? Statements, trusted keys, a policy and an instant make a verdict.

No I/O, no clock, no mathematics: whether a signature was made by a key is proved before
(`sig.gpg`), and shows in the type. Every function here depends on its arguments only, so the
verdict of a moment in the past can be had again.

R1  *About.* A statement counts for the id that stands in its signed data, or for an alias there;
    never for where it was filed. One about an archive counts for the tree that it says is in it,
    where the tree is asked for; a warning that names files of a tree counts for those. A second
    sha256 is no digest of the same bytes: what is named by such an alias is not ok by it. Asked by
    alias, all that the signer said about that id is read.
R2  *Once.* Envelopes of equal key, signed bytes and time are one statement. It has the sources of
    all and stands by the best signature; a further copy takes nothing away.
R3  *State.* The first that holds, in the order of `State`. It is for people; what counts follows
    from all conditions, by R5 and R6.
R4  *Word of a signer*, over all statements of one key about one id, trusted or not:
    a   the newer ends the older; in one second a warning is newest, then a withdrawal, then an ok;
    b   a warning is ended by a newer warning that stands or a newer reviewed ok of its topic, or a
        newer withdrawal. An ok or withdrawal that ends a warning is sound, not in the future, and
        needs nothing that we do not know; where the policy refuses what is late, it is not late,
        or is remembered from before that. A withdrawal that once counted and is remembered ends
        warnings too, unless its key was stolen;
    c   all else is ended by whatever is newer in its topic and by a newer withdrawal, also of a
        stolen key: a thief can only take away, and no older ok is revived by what happens to a
        newer one. An ok or withdrawal in the future ends nothing;
    d   what was ended stays so when the newer one expires, goes stale or fails a policy.
R5  *Ok* counts if its key is trusted, it was reviewed, its signature is sound, and nothing of R3
    holds but `late` or `stale` where the policy counts them. What only memory has does not count.
R6  *A warning* counts if its key is trusted, it was not ended, and its signature is sound, or fell
    with a stolen key, or counted once and is remembered. It never expires, and is never too early,
    too late or too old.
R7  *One certificate, one voice*, and who warns says not ok, whatever else he says.
R8  *Answer.* Bad if more warn than the policy bears; else ok if enough say ok; else unknown if
    nobody said anything; else unverified.

The rules of statements are those of docs/spec/statement, of signatures those of
docs/spec/envelope.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from sig.model.identifier import filed_by_manifest, filed_by_scope
from sig.model.standing import Standing
from sig.model.verdict import Answer, Judged, Reason, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from sig.model.attestation import Attestation, Malformed, UnverifiedAttestation
    from sig.model.fingerprint import Fingerprint
    from sig.model.identifier import Identifier
    from sig.model.statement import Statement
    from sig.trust.policy import Policy

# A clock may be this wrong; what is signed further ahead is `future` (docs/spec/envelope §6).
CLOCK_SKEW = 600

# The best signature of one statement, where several were made in the same second (R2).
_BEST = {
    Standing.SOUND: 0,
    Standing.REVOKED_HARD: 1,
    Standing.EXPIRED: 2,
    Standing.REVOKED_SOFT: 3,
}
PYTHON = "python-build"
"""The criterion of a statement about an interpreter (docs/spec/closure §7)."""

_NOTHING: Mapping[tuple[str, bytes, int], str] = MappingProxyType({})
_WARNING, _WITHDRAWAL, _OK = 2, 1, 0  # R4a: which is newer in one second


class Weighed(NamedTuple):
    """One statement with all that is known about it.

    `id` is where it was filed; `refused` and `why` say why there is no `attestation`, and
    `unverified` is what is shown then. `sources` are names of remotes and ``own``, none for what
    only memory has. `first_met` is in seconds since 1970. `stale`: every source of it is past its
    expiry. `kept`: remembered from when it counted; a caller keeps every warning, every
    withdrawal, and whatever ended an older word, also if its sources are gone.
    """

    id: str
    key: str
    uid: str
    attestation: Attestation | None
    refused: State | None
    why: str
    unverified: UnverifiedAttestation | Malformed
    sources: tuple[str, ...]
    first_met: int | None
    stale: bool
    kept: bool


class _Word:
    """One verified statement while it is judged: its copies united (R2), then R3 to R6."""

    __slots__ = (
        "attestation",
        "counts",
        "ended",
        "first_met",
        "future",
        "kept",
        "key",
        "late",
        "rank",
        "sources",
        "stale",
        "state",
        "statement",
        "uid",
        "unnamed",
        "why",
    )

    def __init__(self, copies: list[tuple[Weighed, Attestation]], unnamed: str, now: int) -> None:
        one, found = copies[0]
        self.uid = one.uid
        self.sources = one.sources
        self.first_met = one.first_met
        self.stale = one.stale
        self.kept = one.kept
        if len(copies) > 1:
            found = min((attestation for _, attestation in copies), key=_best)
            offered = [each for each, _ in copies if each.sources]
            met = [each.first_met for each, _ in copies if each.first_met is not None]
            self.uid = max(each.uid for each, _ in copies)
            self.sources = tuple(sorted({name for each in offered for name in each.sources}))
            self.first_met = min(met, default=None)
            # What only memory has says nothing about how old the sources are.
            self.stale = all(each.stale for each in offered or (each for each, _ in copies))
            self.kept = any(each.kept for each, _ in copies)
        said = found.statement
        self.attestation = found
        self.key = found.key
        self.statement = said
        self.unnamed = unnamed
        self.rank = _OK if said.ok else _WITHDRAWAL if said.withdrawn else _WARNING
        self.future = found.signed_at > now + CLOCK_SKEW
        self.late = (
            self.first_met is not None
            and found.key_end is not None
            and self.first_met > found.key_end
        )
        self.ended = ""
        self.state = State.INVALID
        self.counts = False
        self.why = ""

    @property
    def stands(self) -> bool:
        """Whether a warning with this signature counts (R6), whoever signed it."""
        standing = self.attestation.standing
        return standing is Standing.SOUND or standing is Standing.REVOKED_HARD or self.kept

    def ends_warnings(self, policy: Policy) -> bool:
        """R4b, for what is newer than the warning and, but for withdrawals, in its topic."""
        if self.rank == _WARNING:
            return self.stands
        if self.future or self.statement.unknown_needs:
            return False
        standing = self.attestation.standing
        late = self.late and not self.kept and not policy.late
        sound = standing is Standing.SOUND and not late
        if self.rank == _WITHDRAWAL:
            return sound or (self.kept and standing is not Standing.REVOKED_HARD)
        return sound and _reviewed(self.statement)

    @property
    def ends_others(self) -> bool:
        """R4c, for what is newer and, but for withdrawals, in the same topic."""
        return self.stands and (self.rank == _WARNING or not self.future)


def _best(found: Attestation) -> tuple[object, ...]:
    expires, end = found.signature_expires, found.key_end
    return (
        _BEST[found.standing],
        (expires is not None, -(expires or 0)),
        (end is not None, -(end or 0)),
        (len(found.sig), found.sig, found.why),
    )


def _reviewed(statement: Statement) -> bool:
    # `wire` makes no reviewed statement beside a base, a scope or another method. A partial review
    # must not pass for a full one whoever made the value.
    return (
        statement.reviewed
        and statement.base is None
        and statement.scope is None
        and statement.method == "human"
    )


# --- R1, R2: which statements there are ----------------------------------------------------------


def _words(
    id: Identifier, weighed: Iterable[Weighed], now: int
) -> tuple[list[_Word], list[tuple[Weighed, State, str]]]:
    """Every verified statement about the id once, and what is shown of the rest."""
    same: dict[tuple[str, bytes, int], list[tuple[Weighed, Attestation]]] = {}
    other: list[tuple[Weighed, Attestation]] = []
    refused: list[tuple[Weighed, State, str]] = []
    for one in weighed:
        found = one.attestation
        if found is None:
            refused.append((one, one.refused or State.INVALID, one.why))
        elif found.statement.id == id or id in found.statement.aliases or _holds(one, id):
            same.setdefault(found.same, []).append((one, found))
        else:
            other.append((one, found))
    if other:
        named = {
            (copies[0][1].key, copies[0][1].statement.id)
            for copies in same.values()
            if copies[0][1].statement.id != id
        }
        for one, found in other:
            if (found.key, found.statement.id) in named:
                same.setdefault(found.same, []).append((one, found))
            elif one.id == id:
                # The program of 2016 believed these.
                why = "it is about another file than it is filed under"
                refused.append((one, State.INVALID, why))
    words = [_Word(copies, _unnamed(id, copies[0][1].statement), now) for copies in same.values()]
    return words, refused


def _holds(one: Weighed, id: Identifier) -> bool:
    """Whether it is about an archive that holds the tree that is asked for, or warns of files of
    which this is one (R1).

    It must have been found as that: a file is never asked for by what an archive holds. Whether
    the manifest has these bytes at a path in the scope was looked up by who found it.
    """
    said = None if one.attestation is None else one.attestation.statement
    if said is None or said.manifest is None:
        return False
    if one.id == filed_by_scope(one.key):
        return said.negative and bool(said.scope)
    return said.manifest == id and one.id == filed_by_manifest(id)


def _unnamed(id: Identifier, statement: Statement) -> str:
    """Why an ok of this statement does not reach the id that was asked for (R1), or nothing."""
    if statement.id == id or statement.manifest == id:
        return ""
    if id not in statement.aliases:
        return "it does not name this digest"
    if id.startswith("sha256:"):
        return "it is about other bytes and names this digest as an alias"
    return ""


def _refused(
    id: Identifier, shown: list[tuple[Weighed, State, str]], words: list[_Word]
) -> list[Judged]:
    """What was refused, once each. Nothing of it is proved, so it is the word of nobody."""
    verified = {(word.key, word.attestation.signed) for word in words}
    lines: dict[tuple[object, ...], Judged] = {}
    for one, state, why in sorted(shown, key=lambda each: (each[2], each[0].uid)):
        said = getattr(one.unverified, "statement", None)
        signed = getattr(one.unverified, "signed", None)
        about = one.id == id or (said is not None and (said.id == id or id in said.aliases))
        # A broken copy of a statement that is here is not another statement.
        if not about or (one.key, signed) in verified:
            continue
        key = (state, one.key, signed, why if signed is None else "")
        before = lines.get(key)
        lines[key] = Judged(
            key=one.key,
            uid=one.uid,
            state=state,
            counted=False,
            newest=False,
            ok=None if said is None else said.ok,
            reviewed=None if said is None else said.reviewed,
            comment="" if said is None else said.comment,
            signed_at=None,
            sources=tuple(sorted({*one.sources, *(before.sources if before else ())})),
            why=before.why if before else why,
        )
    return list(lines.values())


# --- R4: the word of a signer --------------------------------------------------------------------


def _end(words: list[_Word], policy: Policy) -> None:
    """Mark what newer words of the same signer about the same id ended.

    One pass from the newest to the oldest: ten thousand statements of one key must not cost the
    square of that.
    """
    words.sort(key=lambda word: (word.attestation.signed_at, word.rank), reverse=True)
    topics: set[tuple[str, str | None]] = set()
    warned: set[tuple[str, str | None]] = set()
    taken_back = taken_back_warnings = False
    at = 0
    while at < len(words):
        moment = (words[at].attestation.signed_at, words[at].rank)
        after = at
        while after < len(words) and moment == (
            words[after].attestation.signed_at,
            words[after].rank,
        ):
            word = words[after]
            warning = word.rank == _WARNING
            if taken_back_warnings if warning else taken_back:
                word.ended = "taken back by its signer"
            elif word.statement.topic in (warned if warning else topics):
                word.ended = "ended by a newer statement of the same signer"
            after += 1
        # Of one second and kind none is newer (R4a): they end only what comes after them here.
        for word in words[at:after]:
            if word.rank == _WITHDRAWAL:
                taken_back = taken_back or word.ends_others
                taken_back_warnings = taken_back_warnings or word.ends_warnings(policy)
            else:
                if word.ends_others:
                    topics.add(word.statement.topic)
                if word.ends_warnings(policy):
                    warned.add(word.statement.topic)
        at = after


def _form(words: list[_Word], policy: Policy) -> None:
    """The word of every signer about every id."""
    said: dict[tuple[str, str], list[_Word]] = {}
    for word in words:
        said.setdefault((word.key, word.statement.id), []).append(word)
    for own in said.values():
        if len(own) > 1:
            _end(own, policy)


def ended(
    id: Identifier, weighed: Iterable[Weighed], policy: Policy, now: int
) -> frozenset[tuple[str, bytes, int]]:
    """Which statements about the id newer words of their signers ended (R4), by `same`."""
    words, _ = _words(id, weighed, now)
    _form(words, policy)
    return frozenset(word.attestation.same for word in words if word.ended)


# --- R3, R5, R6: state, and whether it counts ----------------------------------------------------


def _out_of_scope(word: _Word, policy: Policy, purpose: str) -> str:
    """Why a reviewed ok is not what is asked for, or nothing."""
    said = word.statement
    if word.unnamed:
        return word.unnamed
    if said.needs and said.unknown_needs:
        return f"it needs {', '.join(said.unknown_needs)}, which this program does not know"
    if policy.criteria:
        missing = policy.criteria.difference(said.criteria)
        if missing:
            return f"it does not say {', '.join(sorted(missing))}"
    for criterion in said.criteria:
        if criterion.startswith("app:") and criterion != purpose:
            return "it is a list of what a program may load, and counts only for running that"
        if criterion == PYTHON and purpose != PYTHON:
            return "it is about a Python as a whole, and counts only for running programs with it"
    if purpose == PYTHON and PYTHON not in said.criteria:
        return "it does not say that this is a Python"
    return ""


def _judge(
    word: _Word,
    trusted: AbstractSet[Fingerprint],
    policy: Policy,
    now: int,
    unfit: Mapping[tuple[str, bytes, int], str],
    purpose: str,
) -> None:
    """Set the state, whether the statement counts by itself, and the reason for people."""
    found, said = word.attestation, word.statement
    ok, sound = said.ok, found.standing is Standing.SOUND
    # What holds · state · does it keep the statement from counting · why.
    held: list[tuple[State, bool, str]] = []
    if not sound:
        name = State.KEY_EXPIRED if found.standing is Standing.EXPIRED else State.KEY_REVOKED
        held.append((name, not (word.rank == _WARNING and word.stands), found.why))
    if word.future:
        held.append((State.FUTURE, ok, "signed in the future"))
    if word.late:
        held.append((State.LATE, ok and not policy.late, "first met after the end of its key"))
    if ok and not word.sources:
        held.append((State.STALE, True, "no source has it any more"))
    if word.stale:
        held.append((State.STALE, ok and not policy.stale, "all its sources are out of date"))
    if word.ended:
        held.append((State.SUPERSEDED, True, word.ended))
    if said.withdrawn:
        held.append((State.WITHDRAWN, True, "takes back what its signer said before"))
    if ok and _expired(found, now):
        held.append((State.EXPIRED, True, "it has expired"))
    if word.key not in trusted:
        held.append((State.UNTRUSTED, True, "the key is not trusted"))
    if ok and not _reviewed(said):
        partial = said.base is not None or said.scope is not None
        why = "only a part of it was reviewed" if partial else "it was not reviewed by a human"
        held.append((State.UNREVIEWED, True, why))
    if ok and (
        scope := _out_of_scope(word, policy, purpose) or (unfit and unfit.get(found.same, ""))
    ):
        held.append((State.OUT_OF_SCOPE, True, scope))
    if not held:
        word.state = State.OK if ok else State.NOT_OK
        word.counts = True
        return
    word.state = held[0][0]
    # The state may be one that the policy bears; people want what stands in the way.
    stops = next((why for _, blocks, why in held if blocks), None)
    word.counts = stops is None
    word.why = held[0][2] if stops is None else stops


def _expired(found: Attestation, now: int) -> bool:
    said, signature = found.statement.expires, found.signature_expires
    return (said is not None and said <= now) or (signature is not None and signature <= now)


# --- R7, R8: the verdict -------------------------------------------------------------------------


def decide(
    id: Identifier,
    weighed: Iterable[Weighed],
    trusted: AbstractSet[Fingerprint],
    policy: Policy,
    now: int,
    unfit: Mapping[tuple[str, bytes, int], str] = _NOTHING,
    purpose: str = "",
) -> Verdict:
    """What is believed of the bytes with this identifier, and every statement about it.

    `purpose` is the criterion that says what an ok has to be for: ``app:NAME`` where the bytes are
    the list of all that this program may load, `PYTHON` where they are that of an interpreter. An
    ok about such a list counts for nothing else. An ok in `unfit` (by `same`) does not count for
    what was asked, for the reason given there; it ends what is older all the same.

    `trusted` are the keys that count at `now`, in seconds since 1970. Order and repetition of
    `weighed` do not matter. The lines of the verdict come in the order: counted warnings, counted
    oks, what else trusted keys said, the rest. Each key has one line that is its `newest`.
    """
    words, shown = _words(id, weighed, now)
    if len(words) > 1:
        _form(words, policy)
    for word in words:
        _judge(word, trusted, policy, now, unfit, purpose)

    warners = {word.key for word in words if word.counts and word.rank == _WARNING}
    voices: dict[str, set[str]] = {}
    for word in words:
        if word.counts and word.rank == _OK:
            if word.key in warners:  # R7
                word.counts = False
                word.why = "the same signer marks it bad"
            else:
                said = word.statement
                # A tree and all archives that hold it are one thing.
                about = id if said.manifest == id else said.id
                voices.setdefault(about, set()).add(word.key)
    # Ids that share an alias: signers of the one do not make up for those that the other lacks.
    oks = max(map(len, voices.values()), default=0)

    lines = _lines(words, _refused(id, shown, words) if shown else [], trusted)
    if len(warners) > policy.not_ok:  # R8
        answer, reason = Answer.BAD, Reason.MARKED_BAD
        message = f"marked bad by {len(warners)} trusted signer{'s' * (len(warners) != 1)}"
    elif oks >= policy.ok:
        answer, reason = Answer.OK, Reason.ENOUGH
        message = "1 trusted signer says ok" if oks == 1 else f"{oks} trusted signers say ok"
    elif not lines:
        answer, reason = Answer.UNKNOWN, Reason.NO_STATEMENT
        message = "nobody has attested it"
    else:
        answer = Answer.UNVERIFIED
        if oks or warners:
            reason = Reason.BELOW_POLICY
            message = f"{oks} of {policy.ok} needed signers say ok"
        elif any(word.state is State.UNREVIEWED for word in words):
            reason, message = Reason.UNREVIEWED, "no trusted signer has reviewed it"
        elif any(word.key in trusted for word in words):
            reason, message = Reason.NOT_COUNTED, "nothing that trusted signers said of it counts"
        elif any(word.state is State.UNTRUSTED for word in words):
            reason, message = Reason.UNTRUSTED, "no trusted signer has attested it"
        else:
            reason, message = Reason.NOT_COUNTED, "nothing that was said of it counts"
    return Verdict(id, answer, reason, message, lines)


def _place(word: _Word) -> tuple[object, ...]:
    """Per signer first comes what decided, then what is in force, then the newest."""
    return (
        (not word.counts, word.counts and word.rank != _WARNING, bool(word.ended)),
        word.future or word.attestation.standing is not Standing.SOUND,
        (-word.attestation.signed_at, -word.rank, word.key, word.attestation.signed),
    )


def _lines(
    words: list[_Word], refused: list[Judged], trusted: AbstractSet[Fingerprint]
) -> tuple[Judged, ...]:
    """Every statement as it is shown, in the order of `decide`."""
    if len(words) > 1:
        words.sort(key=_place)
    seen: set[str] = set()
    ordered: list[tuple[tuple[object, ...], Judged]] = []
    for place, word in enumerate(words):
        newest = word.key not in seen
        seen.add(word.key)
        if word.counts:
            rank = 0 if word.rank == _WARNING else 1
        else:
            rank = 2 if word.key in trusted else 3
        said = word.statement
        line = Judged(
            word.key,
            word.uid,
            word.state,
            word.counts,
            newest,
            said.ok,
            said.reviewed,
            said.comment,
            word.attestation.signed_at,
            word.sources,
            word.why,
            said.manifest,
        )
        ordered.append(((rank, not newest, place), line))
    ordered.sort(key=lambda each: each[0])
    lines = [line for _, line in ordered]
    if refused:
        refused.sort(
            key=lambda line: (
                (line.key, line.state.value, line.why, line.comment, line.uid),
                (str(line.ok), str(line.reviewed), line.sources),
            )
        )
        # Anyone can claim a key in what proves nothing: it must not hide the key's own words.
        for line in refused:
            newest = line.key not in seen
            seen.add(line.key)
            lines.append(_as_newest(line) if newest else line)
    return tuple(lines)


def _as_newest(line: Judged) -> Judged:
    return Judged(
        line.key,
        line.uid,
        line.state,
        line.counted,
        True,
        line.ok,
        line.reviewed,
        line.comment,
        line.signed_at,
        line.sources,
        line.why,
    )
