"""One question to both implementations of `sig.gpg`, and what of the answers may differ.

docs/decisions/0012-native.md says what differs, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sig.errors import FormatError, KeyNotFound, SignatureError
from sig.gpg import certificate as certificates
from sig.gpg import mathematics, packets, verify
from sig.gpg.certificate import Certificate
from sig.model.fingerprint import Fingerprint


class Question(NamedTuple):
    """One request of native/core/examples/openpgp_answers.rs."""

    kind: str
    key: str
    signed: bytes
    sig: bytes
    copies: tuple[bytes, ...]

    @property
    def line(self) -> str:
        words = (self.signed, self.sig, *self.copies)
        return " ".join((self.kind, self.key, *(word.hex() or "-" for word in words)))


class Answer(NamedTuple):
    """`certificates` are what was kept of them, or why nothing was; `said` is of the signature."""

    kept: bool
    certificates: str
    said: tuple[str, ...]


def ours(question: Question) -> Answer:
    """What Python answers."""
    try:
        found = merged(question)
        kept, told = True, ",".join(f"{one.raw.hex()}:{one.uid.encode().hex()}" for one in found)
    except (FormatError, KeyNotFound) as error:
        found, kept, told = [], False, error.message
    certificate = next((one for one in found if one.fingerprint == question.key), None)
    try:
        made = verify.check(question.signed, question.sig, Fingerprint(question.key), certificate)
    except SignatureError as error:
        return Answer(kept, told, (error.state, error.message))
    times = (made.expires_at, made.key_end)
    said = (made.standing.value, made.why, made.signer, made.signing_key, str(made.made_at))
    return Answer(kept, told, said + tuple("None" if at is None else f"Some({at})" for at in times))


def merged(question: Question) -> list[Certificate]:
    """The certificates that Python makes of a question. Raises FormatError, KeyNotFound."""
    if question.kind == "read":
        return certificates.read(question.copies[0])
    if question.kind == "stored":
        return [certificates.stored(question.copies[0])]
    known = None
    for copy in question.copies:
        (met,) = certificates.read(copy, wanted=Fingerprint(question.key))
        known = met if known is None else certificates.merge(known, met)
    if known is None:
        raise FormatError("no OpenPGP certificate in it")
    return [known]


def theirs(line: str) -> Answer:
    """What Rust answered."""
    kept, told, *said = line.split("\t")
    return Answer(kept == "kept", told, tuple(said))


def different(question: Question, python: Answer, rust: Answer) -> str:
    """Why the two answers are not those of one program, "" if they are.

    1. Keys that are weak by their kind, DSA and the odd curves, are not computed in Rust. A subkey
       like that keeps no back-signature; of a primary key like that everything is kept, without
       the names, even where nothing in it holds. Both implementations call weak, or do not know,
       whatever such a key signs. Nothing else in the same bytes may be different for it.
    """
    counted = len(python.said) > 2 or len(rust.said) > 2
    said = python.said == rust.said or (not counted and _is_of_such_a_key(question))
    same = python[:2] == rust[:2]
    if not same and any(map(_is_uncomputed, _kept(python) + _kept(rust))):
        same = _computed(python) == _computed(rust)
    if said and same:
        return ""
    return f"{python.said}, but in Rust {rust.said}: {question.line}\n{python}\n{rust}"


def _kept(answer: Answer) -> list[str]:
    return answer.certificates.split(",") if answer.kept else []


def _computed(answer: Answer) -> list[str]:
    """The certificates that rule 1 is not about."""
    return [one for one in _kept(answer) if not _is_uncomputed(one)]


def _is_uncomputed(told: str) -> bool:
    """Whether a certificate that was kept has a key that Rust does not compute."""
    (block,) = packets.blocks(bytes.fromhex(told.partition(":")[0]))
    return any(_is_weak(one) for one in (block.key, *(one.key for one in block.subkeys)))


def _is_of_such_a_key(question: Question) -> bool:
    """Whether the key that is asked about is one that Rust does not compute."""
    for copy in question.copies:
        try:
            blocks = packets.blocks(copy)
        except FormatError:
            continue
        for key in (block.key for block in blocks if block.key):
            if mathematics.fingerprint(key).hex().upper() == question.key and _is_weak(key):
                return True
    return False


def _is_weak(key: packets.KeyPacket | None) -> bool:
    if key is not None and key.algorithm == packets.ECDSA:
        return key.values[0].hex() in ("2b8104000a",) or key.values[0].hex().startswith("2b240303")
    return key is not None and key.algorithm == packets.DSA


def agree(questions: Iterator[Question], program: Any) -> int:
    """Both are asked everything; how many signatures verified."""
    made, wrong = 0, []
    for question in questions:
        python, rust = ours(question), theirs(program(question.line))
        made += len(python.said) > 2
        why = different(question, python, rust)
        if why:
            wrong.append(why)
    assert not wrong, f"{len(wrong)} disagreements, of which the first:\n" + "\n".join(wrong[:3])
    return made
