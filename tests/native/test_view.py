"""The text of a view and of a journal: the native core reads and refuses what Python does.

Both get heads that are nearly what they should be, with a digest that fits. What may differ is the
words of a refusal. A head that one reads and the other refuses, or reads otherwise, is a failure.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from sig.errors import FormatError, StoreError
from sig.model import strict, wheel, wire
from sig.model.configuration import Configuration
from sig.repo import view
from sig.repo.home import Home
from sig.verbs.configuring import check_newest
from tests import vectors
from tests.native.mutants import mutant
from tests.native.test_model import asked, is_refused
from tests.soak import SOAK

ROUNDS = 100_000 if SOAK else 4_000

KEY = "A" * 40
EXTRA = [
    f"counts {KEY} -",
    f"own {KEY} -",
    f"remote zz {KEY} 1 2",
    "remote a - - -",
    "source own 1",
    "source remote:zz 0",
    "gone sha256:00",
    "row a\town\t\t0\t{}",
    f"row against 00\tview\t\t0\tsha256:{'0' * 64}",
    f"base view.{'0' * 16} 0 0 0 {'0' * 64}",
    "more",
    "",
]


def sealed(text: bytes) -> bytes:
    return text + f"sha256 {sha256(text).hexdigest()}\n".encode()


def changed(dice: random.Random, seeds: list[bytes]) -> bytes:
    """The text of a head, without its end, with lines gone, doubled, moved or put in; or bytes."""
    if dice.random() < 0.4:
        return mutant(dice, seeds)
    lines = dice.choice(seeds).decode().split("\n")
    for _ in range(dice.choice((1, 1, 2, 3))):
        at = dice.randrange(len(lines))
        what = dice.randrange(6)
        if what == 0:
            del lines[at]
        elif what == 1:
            lines.insert(at, dice.choice(EXTRA))
        elif what == 2:
            lines.insert(dice.randrange(len(lines)), lines[at])
        elif what == 3:
            words = lines[at].split(" ")
            words[dice.randrange(len(words))] = dice.choice(["-", "0", "01", "x", KEY, "9" * 17])
            lines[at] = " ".join(words)
        elif what == 4:
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] += dice.choice([" ", "\r", "\t", " 1", "\x00", "é"])
        lines = lines or [""]
    return "\n".join(lines).encode()


def ours(raw: bytes, filed: list[str]) -> Any:
    """What Python reads of it."""
    try:
        head = view.read(raw)
    except view.Newer:
        return "newer"
    except FormatError as error:
        return {"refused": error.message}
    base = None
    if head.base is not None:
        root = head.base.root
        base = [head.base.name, head.base.depth, root.offset, root.length, root.digest]
    tail: list[list[str] | None] = []
    for each in filed:
        rows = head.tail.get(each)
        try:
            found = None if rows is None else view.lookup(head, [each], lambda *_: b"")[each]
        except FormatError as error:
            return {"refused": error.message}
        tail.append(None if found is None else [row.text.decode() for row in found])
    return {
        "commit": head.commit,
        "config": head.config,
        "counts": [[key, head.counts[key]] for key in sorted(head.counts)],
        "own": None if head.own is None else list(head.own),
        "remotes": [[one.name, one.key, one.sequence, one.expires] for one in head.remotes],
        "sources": [list(each) for each in head.sources.items()],
        "base": base,
        "tail": tail,
    }


def test_heads_that_are_nearly_right_are_read_alike(answers: Callable[[str], str]) -> None:
    """Refused by both or by none, and of one meaning."""
    dice = random.Random(5)
    heads = [vectors.read(path).data.get("view", [b""])[0] for path in vectors.files("view")]
    seeds = [raw[: raw.rindex(b"sha256 ")] for raw in heads if b"\nsha256 " in raw]
    seeds = [raw for raw in seeds if len(raw) < 4000]
    assert len(seeds) > 30
    read = 0
    for number in range(ROUNDS):
        text = seeds[number] if number < len(seeds) else changed(dice, seeds)
        raw = sealed(text) if dice.random() < 0.95 else text
        found = [line.split(b"\t")[0].partition(b" ")[2] for line in text.split(b"\n")[4:]]
        filed = [each.decode("ascii") for each in found if each.isascii()]
        expected, said = ours(raw, filed), asked(answers, "head", raw=raw, filed=filed)
        if is_refused(expected) or is_refused(said):
            assert is_refused(expected) and is_refused(said), (raw, expected, said)
        else:
            assert expected == said, raw
            read += expected != "newer"
    assert read > ROUNDS / 20


LINES = [
    b"a-1.dist-info/METADATA",
    b"x/a-1.dist-info/METADATA",
    b".dist-info/METADATA",
    b"x/.dist-info/METADATA",
    b"a.dist-info/METADATA.dist-info/METADATA",
    b"a-1.dist-info/METADATA ",
    b"a-1.dist-info/METADATA/x",
    b"a-1.dist-info/METADATA\r",
    b"\xff-1.dist-info/METADATA",
    b"/-1.dist-info/METADATA",
    b"a-1.dist-info/metadata",
    b"a-1.dist-info/RECORD",
    b"README",
]


def test_the_metadata_of_lists_is_read_alike(answers: Callable[[str], str]) -> None:
    """Of lists, and of what is nearly one."""
    dice = random.Random(11)
    found = 0

    def line() -> bytes:
        digest = b"%064x" % dice.choice((1, 2, 1 << 255))
        return digest + b"  " + dice.choice(LINES) + dice.choice((b"\n", b"\n", b"\n", b""))

    for _ in range(ROUNDS):
        raw = b"".join(line() for _ in range(dice.randrange(5)))
        if raw and dice.random() < 0.5:
            raw = mutant(dice, [raw])
        expected = wheel.metadata(raw).decode()
        assert expected == asked(answers, "metadata", raw=raw), raw
        found += bool(expected)
    assert found > ROUNDS / 10


def test_the_newest_configuration_is_told_alike(answers: Callable[[str], str]) -> None:
    """By what is remembered of it, in the same words."""
    dice = random.Random(13)
    folders = [vectors.read(path).data for path in vectors.files("view")]
    configs = sorted(
        {raw for data in folders for raw in data.get("config", []) if b"version" in raw}
    )
    seeds = sorted({raw for data in folders for raw in data.get("memory/config", [])})
    said = set()
    for number in range(ROUNDS):
        config = dice.choice([*configs, b""])
        raw = seeds[number % len(seeds)]
        if config and dice.random() < 0.7:
            found, signed, _ = wire.configuration(config)
            fields = {
                "key": dice.choice((found.key, KEY, KEY.lower(), None)),
                "sequence": dice.choice((found.sequence, 2, 3, 4, 0, "3", True, 1 << 53)),
                "digest": dice.choice((strict.digest(signed), "0" * 64, 7)),
            }
            raw = json.dumps(fields).encode()
        elif dice.random() < 0.5:
            raw = mutant(dice, seeds)
        found, signed, _ = wire.configuration(config) if config else (Configuration(), None, None)
        try:
            expected = None
            check_newest(raw, found, signed)
        except StoreError as error:
            key = (error.hint or "").removeprefix("sig setup").strip() or None
            expected = [error.message, key]
        assert expected == asked(answers, "newest", raw=raw, config=config), (raw, config)
        said.add(expected and expected[0].split(" ")[2])
    assert {None, "missing,", "not", "signed", "an", "another", "damaged:"} == said


def test_journals_that_are_nearly_right_are_read_alike(
    answers: Callable[[str], str], tmp_path: Path
) -> None:
    """Names and places, a newer one, damage."""
    dice = random.Random(7)
    commit = "00aa11bb22cc33dd"
    seeds = [
        f"1 {commit}\nend\n".encode(),
        f"1 {commit}\n{commit}.0 config\n- remotes/bob/state\nend\n".encode(),
        f"1 {commit}\n{commit}.12 keys/{KEY}.pgp\n{commit}.13 generation\nend\n".encode(),
    ]
    folder = tmp_path / "home"
    (folder / "pending").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    place = folder / "pending/commit"
    place.touch(0o600)
    read = 0
    for number in range(ROUNDS):
        raw = seeds[number] if number < len(seeds) else mutant(dice, seeds)
        place.write_bytes(raw)
        said = asked(answers, "journal", raw=raw)
        try:
            found = Home(folder)._unfinished()
        except StoreError as error:
            newer = "newer" in error.message
            assert said == ("Newer" if newer else "Damaged"), (raw, error.message)
            continue
        if said == "Damaged":
            # No name of ours has other characters.
            assert not raw.isascii(), raw
            continue
        assert [found.generation, dict(found.changes)] == said, raw
        read += 1
    assert read > ROUNDS / 20
