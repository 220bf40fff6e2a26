"""One question to both implementations of `sig.gpg`, and what of the answers may differ.

docs/decisions/0012-native.md says what differs, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sig.errors import FormatError, SignatureError
from sig.gpg import certificate as certificates
from sig.gpg import packets, verify
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
    except FormatError as error:
        found, kept, told = [], False, error.message
    certificate = found[0] if found else None
    try:
        made = verify.check(question.signed, question.sig, Fingerprint(question.key), certificate)
    except SignatureError as error:
        return Answer(kept, told, (error.state, error.message))
    times = (made.expires_at, made.key_end)
    said = (made.standing.value, made.why, made.signer, made.signing_key, str(made.made_at))
    return Answer(kept, told, said + tuple("None" if at is None else f"Some({at})" for at in times))


def merged(question: Question) -> list[Certificate]:
    """The certificates that Python makes of a question. Raises FormatError."""
    if question.kind == "read":
        return certificates.read(question.copies[0])
    if question.kind == "stored":
        return [certificates.stored(question.copies[0])]
    known = None
    for copy in question.copies:
        found = certificates.read(copy)
        if len(found) != 1:
            raise FormatError("not one certificate")
        known = found[0] if known is None else certificates.merge(known, found[0])
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
       the names. Both implementations call weak, or do not know, whatever such a key signs.
    """
    if python == rust:
        return ""
    counts = (len(python.said) > 2, len(rust.said) > 2)
    primaries, subkeys = _uncomputed(question)
    if primaries and counts == (False, False):  # 1
        return ""
    if (primaries or subkeys) and (python.kept, python.said) == (rust.kept, rust.said):  # 1
        return ""
    return f"{python.said}, but in Rust {rust.said}: {question.line}\n{python}\n{rust}"


def _uncomputed(question: Question) -> tuple[bool, bool]:
    primaries = subkeys = False
    for copy in question.copies:
        try:
            blocks = packets.blocks(copy)
        except FormatError:
            continue
        for block in blocks:
            primaries |= block.key is not None and _is_uncomputed(block.key)
            subkeys |= any(_is_uncomputed(one.key) for one in block.subkeys if one.key)
    return primaries, subkeys


def _is_uncomputed(key: packets.KeyPacket) -> bool:
    if key.algorithm == packets.ECDSA:
        return key.values[0].hex() in ("2b8104000a",) or key.values[0].hex().startswith("2b240303")
    return key.algorithm == packets.DSA


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
