"""Who signed this: the native core answers as `sig.gpg` does, in word, number and byte.

Both get signatures and certificates that nobody would make: mutants of the vectors, packets of
several certificates in any order, certificates composed of whatever a key can be made to sign, and
numbers at the edges of the mathematics.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

from sig.errors import FormatError, KeyNotFound
from sig.gpg import packets
from tests.gpg.conftest import _SCENARIOS
from tests.native.agreement import Question, agree, different, merged, ours, theirs
from tests.native.composed import Composer, every_field, many_backs, many_names, neighbours
from tests.native.edges import edge_keys, edge_questions
from tests.soak import SOAK


def vectors(kind: str = "merged") -> Iterator[Question]:
    """Every scenario as it is."""
    for one in _SCENARIOS:
        yield Question(kind, one.head["key"], one.signed, one.sig, tuple(one.copies))


def mutant(data: bytes, dice: random.Random) -> bytes:
    """Bytes like these: bits, bytes, lengths, pieces."""
    one = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        where, what = dice.randrange(len(one) or 1), dice.randrange(9)
        if what < 4 and one:
            one[where] ^= 1 << dice.randrange(8)
        elif what == 4 and one:
            one[where] = dice.choice((0, 1, 2, 4, 6, 127, 128, 191, 192, 223, 224, 254, 255))
        elif what == 5:
            del one[where : where + dice.choice((1, 2, 16))]
        elif what == 6:
            one[where:where] = bytes(one[dice.randrange(len(one) or 1) :][:9])
        elif what == 7:
            one += bytes(one[: dice.randrange(len(one) or 1)])
        else:
            del one[where:]
    return bytes(one)


def test_the_vectors_get_the_same_answers(openpgp_answers: Any) -> None:
    """Also in the words for people, and in the bytes that are kept of a certificate."""
    assert agree(vectors(), openpgp_answers) > 60


def test_mutants_of_signatures_get_the_same_answers(openpgp_answers: Any) -> None:
    """A changed signature is refused by both in the same words, or taken by both."""
    dice = random.Random("signatures")

    def questions() -> Iterator[Question]:
        for _ in range(500 if SOAK else 6):
            for one in vectors():
                yield one._replace(sig=mutant(one.sig, dice))

    agree(questions(), openpgp_answers)


def pieces(data: bytes) -> list[bytes]:
    """The packets of a certificate, as they are framed."""
    found, at = [], 0
    while at < len(data):
        end = packets.frame(data, at)[2]
        found.append(data[at:end])
        at = end
    return found


def shuffled(copy: bytes, strangers: list[bytes], dice: random.Random) -> bytes:
    """The packets of a certificate in another order, some twice, some gone, some of others."""
    try:
        mine = pieces(copy)
    except FormatError:
        return mutant(copy, dice)
    for _ in range(dice.randrange(1, 4)):
        where = dice.randrange(len(mine) + 1)
        what = dice.randrange(5)
        if what == 0 and mine:
            mine.insert(where, dice.choice(mine))
        elif what == 1 and mine:
            mine.pop(where % len(mine))
        elif what == 2:
            mine.insert(where, dice.choice(strangers))
        elif what == 3 and mine:
            mine[where % len(mine)] = mutant(mine[where % len(mine)], dice)
        else:
            dice.shuffle(mine)
    return b"".join(mine)


def test_mutants_of_certificates_get_the_same_answers(openpgp_answers: Any) -> None:
    """As they are met and as they are kept; of bytes, and of packets with those of others."""
    dice = random.Random("certificates")
    all_of_them = [one for one in vectors() if one.copies]
    strangers = [one for each in all_of_them for copy in each.copies for one in framed(copy)]
    kept: dict[str, bytes] = {}
    for one in all_of_them:
        with contextlib.suppress(KeyNotFound):  # it names a subkey
            kept[one.key] = merged(one)[0].raw

    def questions() -> Iterator[Question]:
        for _ in range(200 if SOAK else 4):
            for one in all_of_them:
                change = dice.choice((lambda copy: mutant(copy, dice), wild))
                copies = list(one.copies)
                where = dice.randrange(len(copies))
                copies[where] = change(copies[where])
                yield one._replace(copies=tuple(copies))
                raw = kept.get(one.key, one.copies[0])
                yield one._replace(kind="stored", copies=(change(raw),))
                other = dice.choice(all_of_them).copies[0]
                yield one._replace(kind="read", copies=(copies[0] + wild(other),))

    def wild(copy: bytes) -> bytes:
        return shuffled(copy, strangers, dice)

    assert agree(questions(), openpgp_answers)


def framed(copy: bytes) -> list[bytes]:
    try:
        return pieces(copy)
    except FormatError:
        return []


def test_composed_certificates_get_the_same_answers(openpgp_answers: Any) -> None:
    """Whatever keys sign about each other, and when; merged, and as it is kept after that."""
    dice = random.Random("composed")
    composer = Composer(dice)

    def questions() -> Iterator[Question]:
        for _ in range(60_000 if SOAK else 500):
            question = composer.question()
            yield question
            if dice.random() < 0.3:
                yield question._replace(kind="stored", copies=question.copies[:1])

    assert agree(questions(), openpgp_answers) > 80


def test_signatures_with_many_names_get_the_same_answers(openpgp_answers: Any) -> None:
    """Who is tried, and when there are too many."""
    assert agree(many_names(), openpgp_answers) > 10


def test_subkeys_that_agreed_often_get_the_same_answers(openpgp_answers: Any) -> None:
    """A strong agreement is enough, wherever it stands, and without one there is no subkey."""
    assert agree(many_backs(), openpgp_answers) > 100


def test_files_of_several_certificates_get_the_same_answers(openpgp_answers: Any) -> None:
    """The one that is asked for is taken, whatever stands beside it."""
    assert agree(neighbours(), openpgp_answers) > 500


def test_every_field_gets_the_same_answers(openpgp_answers: Any) -> None:
    """What a signature may say, and whether a reader must know it."""
    assert agree(every_field(), openpgp_answers) > 1000


def test_numbers_at_the_edges_get_the_same_answers(openpgp_answers: Any) -> None:
    """Orders, signs, encodings of points, large and small exponents and moduli: what one library
    takes the other takes, in a signature, a self-signature and a back-signature."""
    wrong, counted = [], 0
    for way, key in edge_keys():
        for question in edge_questions(key):
            python, rust = ours(question), theirs(openpgp_answers(question.line))
            counted += len(python.said) > 2
            why = different(question, python, rust)
            if why:
                wrong.append(f"{way}: {why[:300]}")
    assert not wrong, "\n".join(wrong)
    assert counted > 60
