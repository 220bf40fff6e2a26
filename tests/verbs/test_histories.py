"""Random histories of one signer: his words come, go and come back, and his key ends in every way.

What must hold is said apart from the code under test, by what was ever met instead of what is
known now (docs/spec/memory §2).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sig.model.verdict import Answer
from sig.verbs import keys, remote
from tests.soak import SOAK
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, armored, retired

# The few tell of a memory that leaves one of its rules out.
SEEDS = range(600) if SOAK else (5, 7, 22, 23, 47, 91, 103, 151)
STEPS = 14
OK, WITHDRAWAL, WARNING = range(3)
KINDS: list[dict[str, Any]] = [
    {"ok": True},
    {"ok": True, "comment": "again"},
    {"ok": True, "reviewed": False},
    {"ok": True, "expires": "2027-01-01T00:00:00Z"},
    {"ok": False},
    {"ok": False, "comment": "and more"},
    {},
]
DENIALS: list[dict[str, int]] = [{"flags": 1}, {"digest": 2}, {"expires": 1}]


class Word(NamedTuple):
    """What Bob said: its envelope, its time, its rank within one second, and whether it is full."""

    envelope: dict[str, Any]
    at: int
    rank: int
    full: bool

    def newer(self, other: Word) -> bool:
        return (self.at, self.rank) > (other.at, other.rank)


class History:
    """Bob, trusted, and two who serve his words as well; what the reader met, and what it ended."""

    def __init__(self, seed: int, path: Path) -> None:
        self.chance = random.Random(seed)
        self.web = Web()
        self.bob = Party("bob")
        self.parties = {one.name: one for one in (self.bob, Party("carol"), Party("dave"))}
        self.reader = Reader(path, self.web)
        self.words: list[Word] = []
        self.served: dict[str, set[int]] = {}
        self.end: int | None = None
        self.stolen = False
        self.able = {0: True}  # from when on the certificate says that the key could sign, or not
        self.known: set[int] = set()
        self.counted: set[int] = set()
        self.ended: set[int] = set()
        self.fetch(self.bob, set())

    # --- what happens ----------------------------------------------------------------------------

    def happen(self) -> None:
        """Something, by chance."""
        what = self.chance.choice([self.publish] * 6 + [self.remove, self.retire, self.deny])
        what()
        if self.chance.random() < 0.01:
            self.steal()

    def publish(self) -> None:
        party = self.chance.choice(list(self.parties.values()))
        if party is self.bob and self.stolen:
            return  # what is served under that key is refused
        listed = {one for one in self.served.get(party.name, ()) if self.chance.random() < 0.6}
        if self.chance.random() < 0.7:
            listed.add(self.say())
        if self.words and self.chance.random() < 0.6:
            listed.add(self.chance.randrange(len(self.words)))
        self.fetch(party, listed)

    def fetch(self, party: Party, listed: set[int]) -> None:
        at = NOW - 20 * DAY if party is self.bob else NOW - DAY  # before all that ends his key
        said = [self.words[one].envelope for one in sorted(listed)]
        self.web.offer(party, party.repository(said, at=at))
        if party.name not in self.served:
            self.reader.follow(party, counts=party is self.bob)
        assert ("new", None) == self.reader.came(party.name)
        self.served[party.name] = listed
        self.known |= listed

    def say(self) -> int:
        kind = dict(self.chance.choice(KINDS))
        at = NOW - self.chance.randint(1, 12) * DAY + self.chance.choice([0, 0, 0, 5])
        if kind:
            said = self.bob.statement(at=at, **kind)
            rank = OK if kind["ok"] else WARNING
        else:
            said, rank = self.bob.withdrawal(at=at), WITHDRAWAL
        self.words.append(Word(said, at, rank, rank == OK and kind.get("reviewed", True)))
        return len(self.words) - 1

    def remove(self) -> None:
        if not self.served:
            return
        name = self.chance.choice(sorted(self.served))
        remote.remove(self.reader.workspace, name)
        gone = self.served.pop(name)
        staying = {one for listed in self.served.values() for one in listed}
        for one in gone - staying:
            # The user took it away; what it had ended stays ended.
            if self.words[one].rank == OK and one not in self.enders():
                self.known.discard(one)

    def retire(self) -> None:
        if self.end is None and self.chance.random() < 0.5:
            self.end = NOW - self.chance.randint(1, 12) * DAY + 2
            keys.import_keys(self.reader.workspace, retired(self.bob, self.end))

    def steal(self) -> None:
        self.stolen = True
        self.take(self.bob.key.revoke(NOW - 15 * DAY, 2) + self.bob.key.named(self.bob.uid))

    def deny(self) -> None:
        """The certificate says that the key could not sign for some days."""
        start = NOW - self.chance.randint(1, 12) * DAY - 2
        end = start + self.chance.choice([1, 3, 6]) * DAY
        how = dict(self.chance.choice(DENIALS))
        if "expires" in how:
            how["expires"] = start + 1 - self.bob.key.created
        if self.able.keys() & {start, end}:
            return
        self.able |= {start: False, end: True}
        uid = self.bob.uid
        self.take(self.bob.key.named(uid, start, **how) + self.bob.key.named(uid, end))

    def take(self, packets: bytes) -> None:
        keys.import_keys(self.reader.workspace, armored(self.bob.key.public + packets))

    # --- what must hold --------------------------------------------------------------------------

    def counts(self, word: Word) -> bool:
        """Whether it counts if it is met now."""
        if not self.able[max(at for at in self.able if at <= word.at)]:
            return False
        if self.stolen:
            return word.rank == WARNING
        return self.end is None or word.at < self.end

    def enders(self) -> set[int]:
        """Words that counted and are newer than an ok that was known beside them."""
        return {
            new
            for new in self.counted
            for old in self.ended
            if self.words[new].newer(self.words[old])
        }

    def look(self) -> None:
        """Note what is met now, and compare it with the verdicts."""
        here = {one for listed in self.served.values() for one in listed}
        now = {one for one in here if self.counts(self.words[one])}
        self.counted |= now
        self.ended |= {
            old
            for old in self.known
            if self.words[old].rank == OK
            and any(self.words[new].newer(self.words[old]) for new in now)
        }
        warned = any(
            self.words[one].rank == WARNING
            and not any(
                self.words[other].newer(self.words[one])
                and (self.words[other].rank != OK or self.words[other].full)
                for other in self.counted
            )
            for one in self.counted
        )
        for verdict in (self.reader.verdict(), self.reader.without_index()):
            assert verdict.answer is Answer.BAD or not warned
            for line in verdict.statements:
                same = [
                    number
                    for number, word in enumerate(self.words)
                    if (word.at, word.rank) == (line.signed_at, OK)
                    and word.envelope["data"].get("comment", "") == line.comment
                ]
                if line.counted and line.ok:
                    assert not set(same) <= self.ended


@pytest.mark.parametrize("seed", SEEDS)
def test_no_history_revives_an_ok_or_silences_a_warning(tmp_path: Path, seed: int) -> None:
    """Whatever is served, dropped, removed, retired, revoked or denied, in whatever order."""
    history = History(seed, tmp_path / "reader")
    for _ in range(STEPS):
        history.happen()
        history.look()
