"""What must not be forgotten: words of keys that matter (docs/spec/memory §2).

1  A warning or withdrawal that counts when it is met is kept apart from its source: no revocation,
   expiry or disappearance makes it silent. Only its signer ends it, or the user who ends the trust.
2  What was ended stays ended, also when the newer word falls with its key or disappears, and a
   stranger serves the older one again. So a word that ended another is kept too, and one that
   disappears from all sources. Kept for this, an ok counts no more than it would.
3  Only what counts when it is met is kept, for what is kept is believed to have counted once: a
   word of a key that has ended, of the future, or too late for the policy would gain by it.
4  Kept are words of trusted keys and of keys that a remote is pinned to; others could fill a disk.
5  What newer words of the same signer ended is dropped, once the newer one is kept itself.
6  A key that does not count has 4 MiB, and one that counts 64 MiB for its oks: warnings first, and
   what is remembered already before news.
7  When a certificate arrives or changes, what it proves is met in that moment.
8  What is kept was proved once. Where the certificate of today does not prove it any more (its key
   is told to have been unable to sign, or is crowded out), it stands like a word of a stolen key.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from sig.errors import SignatureError, StoreError
from sig.model import limits, wire
from sig.model.attestation import Attestation, UnverifiedAttestation
from sig.model.identifier import Identifier
from sig.model.standing import Standing
from sig.repo import layout, memory
from sig.repo.index import IndexStale, Row
from sig.trust.decide import CLOCK_SKEW, Weighed, ended
from sig.verbs.workspace import attest, read_row

if TYPE_CHECKING:
    from sig.gpg.certificate import Certificate
    from sig.model.fingerprint import Fingerprint
    from sig.trust.policy import Policy
    from sig.verbs.ledger import Line
    from sig.verbs.workspace import Workspace


ROOM_OF_OTHERS = 4 * 1024 * 1024
# Of a key that counts: oks that ended others. Its warnings have no bound.
ROOM_OF_OKS = 64 * 1024 * 1024
# So many identifiers are looked up at once: their rows are in memory together.
AT_ONCE = 16384


def keys_that_matter(workspace: Workspace) -> set[Fingerprint]:
    """Rule 4."""
    from sig.repo import remotes

    found = set(workspace.config.trust)
    if workspace.config.key is not None:
        found.add(workspace.config.key)
    for remote in workspace.config.remotes:
        state = remotes.read(workspace.home.read(layout.remote_state(remote.name)), remote.url)
        found |= {key for key in (remote.key, state.key) if key is not None}
    return found


def counts_now(one: Attestation, now: int, policy: Policy) -> bool:
    """Rule 3: whether this word, met now, takes part in what its signer says."""
    if one.standing not in (Standing.SOUND, Standing.REVOKED_HARD):
        return False
    if one.statement.negative:
        return True
    late = one.key_end is not None and now > one.key_end
    return one.signed_at <= now + CLOCK_SKEW and (policy.late or not late)


# --- which words there are -----------------------------------------------------------------------


def words_of(
    workspace: Workspace,
    certificates: Mapping[Fingerprint, Certificate],
    changes: Mapping[str, bytes | None] | None = None,
    owners: Mapping[str, Fingerprint] | None = None,
) -> list[Attestation]:
    """Every word in the folder that these certificates prove (rule 7).

    `changes` are committed with the certificates. `owners` are the signers of new documents, whose
    own words in these are not looked for: they were met with the document.
    """
    from sig.repo import mirror
    from sig.verbs.ledger import source_lines

    after = workspace.home.after(changes or {})
    found: list[Attestation] = []
    for source, name in workspace.source_files().items():
        if source == layout.KEPT:
            continue
        # What is damaged says nothing until it is there again, and is met then.
        with suppress(StoreError):
            raw = after(name, limits.REPOSITORY)
            mine = None if owners is None else owners.get(source)
            keys = certificates.keys() - {mine}
            if raw is None:
                continue
            if mirror.root_of(raw) is None and not any(key.encode() in raw for key in keys):
                continue
            for line in source_lines(source, raw, after):
                if line.met is not None and line.key in keys:
                    found += _proved([wire.read_attestation(line.text)], certificates.get)
    return found


def renewed(
    workspace: Workspace, fetched: Mapping[str, Iterable[Line]], keys: Collection[Fingerprint]
) -> Iterator[UnverifiedAttestation]:
    """Of these new lines the words of these keys that meet another of their signer about the same.

    The other may be here, among the lines, or both; what is here already is not looked at again.
    """
    listed: dict[str, list[Line]] = {}
    for line in (line for lines in fetched.values() for line in lines):
        if line.met is not None and line.key in keys:
            listed.setdefault(line.id, []).append(line)
    for id, rows in _rows(workspace, listed):
        here = {row.text for row in rows}
        for key in {line.key for line in listed[id]}:
            texts = {line.text for line in listed[id] if line.key == key}
            name = key.encode()
            if not texts <= here and (len(texts) > 1 or any(name in text for text in here)):
                yield from map(wire.read_attestation, texts)


def believed(workspace: Workspace, one: UnverifiedAttestation, why: str) -> Attestation | None:
    """A remembered word that nothing proves today (rule 8); None where it is not in memory."""
    raw = workspace.home.read(memory.KEPT, limits.REPOSITORY)
    # Not by the index, which is never believed.
    if raw is None or wire.envelope(one.key, one.signed, one.sig, one.tst) not in raw:
        return None
    from sig.gpg import packets

    try:
        made_at = packets.read_signature(one.sig).made_at
    except SignatureError:
        return None  # of a program that read it otherwise
    return Attestation(
        statement=one.statement,
        key=one.key,
        signed=one.signed,
        sig=one.sig,
        signed_at=made_at,
        signature_expires=None,
        standing=Standing.REVOKED_HARD,
        why=why,
        key_end=None,
        tst=one.tst,
    )


def left_behind(
    workspace: Workspace, source: str, words: Iterable[Attestation]
) -> list[Attestation]:
    """Of the words of a source that goes, those that ended a word which stays (rule 2)."""
    mine = list(words)
    rows = workspace.rows({one.statement.id for one in mine})
    staying = {
        (one.key, row.id)
        for listed in rows.values()
        for row in listed
        if row.source != source
        for one in [read_row(row)]
    }
    return [one for one in mine if (one.key, one.statement.id) in staying]


def _rows(workspace: Workspace, ids: Iterable[str]) -> Iterator[tuple[str, list[Row]]]:
    """The rows that are filed under each of these, few of them in memory at a time.

    Damage to one source is not another's fault: without the index it is passed by.
    """
    asked = sorted(ids)
    stamps = workspace.stamps()
    for at in range(0, len(asked), AT_ONCE):
        try:
            yield from workspace.index.lookup(asked[at : at + AT_ONCE], stamps).items()
        except IndexStale:
            break
    else:
        return
    from sig.verbs.ledger import source_rows

    found: dict[str, list[Row]] = {id: [] for id in asked[at:]}
    for source, name in workspace.source_files().items():
        with suppress(StoreError):
            for row in source_rows(workspace, source, name):
                if row.id in found:
                    found[row.id].append(row)
    yield from found.items()


def _proved(
    statements: Iterable[UnverifiedAttestation],
    certificate_of: Callable[[Fingerprint], Certificate | None],
) -> Iterator[Attestation]:
    for one in statements:
        try:
            yield attest(one, certificate_of(one.key))
        except SignatureError:
            continue


# --- which of them are kept ----------------------------------------------------------------------


def kept_after_fetch(
    workspace: Workspace,
    changes: Mapping[str, bytes | None],
    fetched: Mapping[str, Iterable[Line]],
    words: Iterable[Attestation],
    gone: Collection[Attestation],
    pinned: Iterable[Fingerprint],
) -> dict[str, bytes | None]:
    """The file of remembered words after a fetch, if it changes.

    `changes` are the files that it brings, `fetched` the lines of new documents by their source,
    `words` the verified warnings and withdrawals in these, `pinned` the keys that signed them.
    """
    from sig.gpg import certificate as certificates
    from sig.gpg.keys import file_name
    from sig.repo import remotes

    matter = keys_that_matter(workspace) | set(pinned)
    arriving = {
        key: certificates.stored(raw)
        for key in matter
        if (raw := changes.get(f"keys/{file_name(key)}")) is not None
    }
    owners = {}
    for source in fetched:
        state = changes.get(layout.remote_state(source.removeprefix("remote:")))
        key = remotes.read(state, "").key
        if key is not None:
            owners[source] = key

    def proof(key: Fingerprint) -> Certificate | None:
        return arriving.get(key) or workspace.certificate(key)

    # Not of keys that a remote is only pinned to: every first fetch would look for all of it again.
    # What the folder has of such a key is remembered once it is trusted.
    counting = {*workspace.config.trust, workspace.config.key}
    trusted = {key for key in matter if key in counting}
    met = [*words, *_proved(renewed(workspace, fetched, trusted), proof)]
    if here := {key: one for key, one in arriving.items() if key in trusted}:
        met += words_of(workspace, here, changes, owners)
    if not met and not gone:
        return {}
    return kept_file(workspace, met, gone, matter, proof=proof)


def kept_with(
    workspace: Workspace,
    certificates: Iterable[Certificate],
    changes: Mapping[str, bytes | None] | None = None,
    *,
    trusted: bool = False,
) -> dict[str, bytes | None]:
    """The file of remembered words when these certificates are taken in, if it changes (rule 7).

    With `trusted` their keys count from now on; else those are looked at that matter already.
    `changes` are other files of the same commit.
    """
    matter = keys_that_matter(workspace)
    taken = {one.fingerprint: one for one in certificates if trusted or one.fingerprint in matter}

    def proof(key: Fingerprint) -> Certificate | None:
        return taken.get(key) or workspace.certificate(key)

    met = words_of(workspace, taken, changes) if taken else []
    return kept_file(workspace, met, trusted=taken.keys() if trusted else (), proof=proof)


def kept_file(
    workspace: Workspace,
    met: Iterable[Attestation],
    gone: Collection[Attestation] = (),
    matter: Collection[Fingerprint] = (),
    *,
    trusted: Collection[Fingerprint] = (),
    proof: Callable[[Fingerprint], Certificate | None] | None = None,
) -> dict[str, bytes | None]:
    """The file of remembered words after these were `met` and those are `gone`, if it changes.

    `matter` and `trusted` are keys that are pinned or count from now on; `proof` gives their
    certificates where the folder has not the newest. The folder is asked for what positive words
    of `met` ended.
    """
    from sig.verbs.own import unverified

    matters = keys_that_matter(workspace).union(matter, trusted)
    proof = workspace.certificate if proof is None else proof
    raw = workspace.home.read(memory.KEPT, limits.REPOSITORY)
    before = [one for one in memory.read_kept(raw) if one.key in matters]
    news: dict[Identifier, list[Attestation]] = {}
    leaving = {one.same for one in gone if one.key in matters}
    for one in (*met, *gone):
        if one.key in matters:
            news.setdefault(one.statement.id, []).append(one)
    wanted: list[UnverifiedAttestation] = []
    remembered: dict[Identifier, list[Attestation]] = {}
    for known in before:
        proved = list(_proved([known], proof)) if known.statement.id in news else []
        remembered.setdefault(known.statement.id, []).extend(proved)
        if not proved:
            # Not touched, or its certificate is missing for a while: no reason to forget it.
            wanted.append(known)
    for id, beside in _beside(workspace, news, proof):
        words = [*news[id], *beside]
        for one in _kept(id, remembered.get(id, []), words, leaving, workspace):
            wanted.append(unverified(one))
    if not wanted and raw is None:
        return {}
    text = memory.write_kept(_affordable(workspace, wanted, before, trusted))
    return {} if text == raw else {memory.KEPT: text}


def _beside(
    workspace: Workspace,
    news: Mapping[Identifier, list[Attestation]],
    proof: Callable[[Fingerprint], Certificate | None],
) -> Iterator[tuple[Identifier, list[Attestation]]]:
    """Each identifier, and what the folder has about it by the signers of positive words."""
    asked = {
        id: keys
        for id, words in news.items()
        if (keys := {one.key for one in words if one.statement.ok})
    }
    yield from ((id, []) for id in news.keys() - asked.keys())
    for name, rows in _rows(workspace, asked):
        id = Identifier(name)
        here = {wire.envelope(one.key, one.signed, one.sig, one.tst) for one in news[id]}
        found: list[Attestation] = []
        for text in {row.text for row in rows if not row.malformed} - here:
            if any(key.encode() in text for key in asked[id]):
                one = wire.read_attestation(text)
                if one.key in asked[id] and one.statement.id == id:
                    found += _proved([one], proof)
        yield id, found


def _kept(
    id: Identifier,
    remembered: list[Attestation],
    news: list[Attestation],
    leaving: Collection[tuple[str, bytes, int]],
    workspace: Workspace,
) -> list[Attestation]:
    """What is remembered about one identifier from now on (rules 1 to 3, and 5)."""
    policy, now = workspace.policy, workspace.now()
    known = {one.same for one in remembered}
    # Met now: where late words do not count, they must not end what is remembered.
    weighed = [*_weighed(remembered, None), *_weighed(news, now)]
    over = ended(id, weighed, policy, now)
    beaten = {
        (one.key, one.statement.topic)
        for one in (*remembered, *news)
        if one.same in over and (one.statement.ok or one.same in known)
    }
    kept = {one.same: one for one in remembered}
    for one in news:
        said = one.statement
        ended_one = one.same not in over and (one.key, said.topic) in beaten
        if not said.ok or one.same in leaving or ended_one:
            if counts_now(one, now, policy):
                kept.setdefault(one.same, one)
    over = ended(id, _weighed(kept.values(), None), policy, now)
    return [one for same, one in kept.items() if same not in over]


def _weighed(words: Iterable[Attestation], met: int | None) -> Iterator[Weighed]:
    """For the rules of `sig.trust`: remembered, or first met now."""
    from sig.verbs.own import as_weighed

    for one in words:
        yield as_weighed(one)._replace(first_met=met, kept=met is None)


def _affordable(
    workspace: Workspace,
    wanted: Iterable[UnverifiedAttestation],
    before: Iterable[UnverifiedAttestation],
    trusted: Iterable[Fingerprint],
) -> list[UnverifiedAttestation]:
    """Rule 6."""
    counts = {workspace.config.key, *workspace.config.trust, *trusted}
    old = {one.digest for one in before}
    room: dict[Fingerprint, int] = {}
    found = []
    for one in sorted(wanted, key=lambda one: (one.statement.ok, one.digest not in old)):
        if one.key not in counts or one.statement.ok:
            most = ROOM_OF_OKS if one.key in counts else ROOM_OF_OTHERS
            left = room.get(one.key, most) - len(one.signed) - len(one.sig)
            if left < 0:
                continue
            room[one.key] = left
        found.append(one)
    return found
