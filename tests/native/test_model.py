"""The nouns: the native core reads, refuses and writes what `sig.model` does, in the same words.

Both get thousands of documents, manifests, closures and packs that are nearly what they should be.
What may differ is the words of a text that is no document at all (W1 to W5), and paths with
characters that one of the two does not know yet. A document that one reads and the other refuses is
a failure.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from sig.errors import FormatError
from sig.imports import packs
from sig.imports.covered import Covered
from sig.imports.plan import Plan, Root
from sig.model import baked, closure, instant, limits, manifest, strict, wire
from sig.model.attestation import Malformed
from sig.model.manifest import Manifest
from sig.trust import policy as policies
from sig.verbs import covering
from tests import understood, vectors
from tests.native.mutants import mutant, value_mutant, written
from tests.soak import SOAK

ROUNDS = 100_000 if SOAK else 3_000
Answer = Any
REFUSED = "refused"


def asked(answers: Callable[[str], str], ask: str, **fields: Any) -> Answer:
    """What the native core answers."""
    packed = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in fields.items()
    }
    return json.loads(answers(json.dumps({"ask": ask, **packed})))


def ours(answer: Callable[[], Any]) -> Answer:
    """What Python answers, as JSON has it."""
    try:
        return json.loads(json.dumps(answer()))
    except FormatError as error:
        return {REFUSED: error.message}


def is_refused(answer: Answer) -> bool:
    return isinstance(answer, dict) and REFUSED in answer


def texts(folder: str, name: str = "text") -> list[bytes]:
    """All of a folder of vectors that is small enough to be mutated."""
    found = [vectors.read(path).one(name) for path in vectors.files(folder)]
    return [each for each in found if len(each) < 3000]


# --- documents -----------------------------------------------------------------------------------

POOL: list[Any] = [
    None, True, False, 0, 1, -1, 2**53 - 1, "", "x", "human", "tool:x", "0.0.1",
    "sha256:" + "a" * 64,
    "sha256:" + "b" * 64, "sha1:" + "a" * 40, "openpgp4fpr:AB", "app:x", "sha512:ab", "A" * 40,
    "A" * 64,
    "YQ==", "YR==", "YQ", "2026-01-31T23:59:59Z", "2026-02-30T00:00:00Z", [], {}, ["a"], [1],
    {"id": "x"},
    ["A"] * 40, {"url": "x"}, {"url": "x", "key": "A" * 40}, "ü\u2028\U0001f600\x7f", "é" * 5,
    "con", "type",
]  # fmt: skip


def understand(kind: str, raw: bytes) -> Answer:
    def answer() -> dict[str, Any]:
        canonical, said = getattr(understood, kind)(raw)
        return {"canonical": canonical.decode(), "understood": said}

    return ours(answer)


def reads(raw: bytes, config: bool) -> bool:
    """Whether W1 to W5 hold: only then its refusal is told in words of ours alone."""
    try:
        strict.read(raw, config=config)
    except FormatError:
        return False
    return True


def compare(answers: Callable[[str], str], kind: str, raw: bytes) -> bool:
    """Whether it was read, by both or by neither."""
    one, other = understand(kind, raw), asked(answers, kind, raw=raw)
    if is_refused(one) and is_refused(other) and not reads(raw, kind == "configuration"):
        return False
    if is_refused(one) and is_refused(other) and _of_several(one) and _of_several(other):
        return False
    assert one == other, raw
    return not is_refused(one)


def _of_several(refusal: Answer) -> bool:
    """Which of several is named depends on their order."""
    why = refusal[REFUSED]
    return why.startswith("the remote ") or " is written " in why


@pytest.mark.parametrize("kind", ["document", "statement", "configuration"])
def test_texts_are_read_or_refused_by_both(answers: Any, kind: str) -> None:
    """Mutants of every document of vectors/wire, read as each kind of document."""
    dice = random.Random(kind)
    seeds = texts("wire")
    read = [compare(answers, kind, mutant(dice, seeds)) for _ in range(ROUNDS)]
    assert any(read) and not all(read)


@pytest.mark.parametrize("kind", ["statement", "configuration"])
def test_values_are_understood_in_the_same_way(answers: Any, kind: str) -> None:
    """Fields of any kind where others should be."""
    dice = random.Random(kind)
    seeds = []
    for path in vectors.files("wire"):
        vector = vectors.read(path)
        if vector.head["as"] == kind and len(vector.one("text")) < 3000:
            try:
                seeds.append(json.loads(vector.one("text")))
            except ValueError:
                continue
    read = []
    for _ in range(ROUNDS):
        raw = written(dice, value_mutant(dice, seeds, POOL))
        read.append(compare(answers, kind, raw))
        if kind == "statement":
            compare_filed(answers, dice, raw)
    assert ROUNDS / 20 < sum(read) < ROUNDS


def compare_filed(answers: Callable[[str], str], dice: random.Random, raw: bytes) -> None:
    try:
        value = strict.read(raw)
    except FormatError:
        return
    place = dice.choice(
        ["sha256:" + "a" * 64, "x", f"app x {'A' * 40}", "manifest sha256:" + "b" * 64]
    )
    found = wire.filed_attestation(place, value)
    if isinstance(found, Malformed):
        one: Any = {"id": found.id, "key": found.key, "why": found.why}
    else:
        one = understood.said(found)
    assert one == asked(answers, "filed", raw=raw, filed=place)


def test_what_the_program_of_2016_wrote_is_the_same_to_both(answers: Any) -> None:
    """Its canonical bytes, and the statements in it."""
    found = [path for path in (vectors.VECTORS / "ancestor").rglob("*") if path.is_file()]
    documents = [path.read_bytes() for path in found if path.read_bytes()[:1] == b"{"]
    assert len(documents) == 4
    for raw in documents:
        assert compare(answers, "document", raw)
        for id, listed in json.loads(raw)["data"].get("attestations", {}).items():
            for one in listed:
                said = understood.said(wire.attestation(one))
                assert said == asked(answers, "filed", raw=json.dumps(one).encode(), filed=id)


def test_instants_are_the_same_moments(answers: Any) -> None:
    """In both directions, and what is none is none to both."""
    dice = random.Random("instants")
    for _ in range(ROUNDS // 3):
        at = dice.randrange(-62_135_596_800, 253_402_300_800)
        text = instant.write(at)
        assert text == asked(answers, "written", at=at)
        bent = mutant(dice, [text.encode()]).decode("utf-8", "replace")
        for each in (text, bent):
            found = asked(answers, "instant", text=each)
            try:
                assert instant.parse(each) == found
            except ValueError:  # told in other words by who asks
                assert is_refused(found)


def test_a_policy_is_the_same_to_both(answers: Any) -> None:
    """Or refused in the same words; and the stricter of two is."""
    dice = random.Random("policies")
    seeds: list[Any] = [
        {"ok": 2, "not-ok": 1, "criteria": ["a", "b"], "late": "refuse", "stale": "count"},
        {"ok": 1, "not-ok": 0, "criteria": [], "late": "count", "stale": "refuse"},
        {},
    ]
    pool = [*POOL, 2, "count", "refuse", ["b", "c"], [""]]
    fine: list[str] = []

    def listed(found: policies.Policy) -> list[Any]:
        return [found.ok, found.not_ok, sorted(found.criteria), found.late, found.stale]

    for _ in range(ROUNDS // 3):
        value = dice.choice(seeds) if dice.random() < 0.2 else value_mutant(dice, seeds, pool)
        if not isinstance(value, dict) or len([name for name in value if name not in seeds[0]]) > 1:
            continue  # which of two is named depends on their order
        text = json.dumps(value)
        try:
            strict.read(text.encode())
        except FormatError:
            continue
        expected = ours(lambda value=value: listed(policies.read(value)))
        assert expected == asked(answers, "policy", policy=text)
        if not is_refused(expected):
            fine.append(text)
            site, user = text, dice.choice(fine)
            made = policies.tightened(
                policies.read(json.loads(site)), policies.read(json.loads(user))
            )
            assert listed(made) == asked(answers, "tightened", site=site, user=user)
    assert len(fine) > ROUNDS // 30


# --- manifests -----------------------------------------------------------------------------------

LETTERS = (
    "aAbB./-_ *é\u0301ÉÅ\u212b\u212akK\\:~\u00a0\u2028\u202e\u1e9b\u0323\u0307"
    "ﬁ각\u1100\u1161\u11a8\U0001f600"
)


def listed(found: Manifest) -> dict[str, Any]:
    return {
        "text": found.text.decode(),
        "id": found.id,
        "files": [list(each) for each in found.files.items()],
    }


def compare_manifest(answers: Callable[[str], str], raw: bytes) -> bool:
    read = ours(lambda: listed(manifest.read(raw)))
    found = asked(answers, "manifest", raw=raw)
    if read != found and is_refused(found) and _newer(raw):
        return False
    assert read == found, raw
    canonical = ours(lambda: listed(manifest.read_canonical(raw)))
    assert canonical == asked(answers, "canonical", raw=raw), raw
    return not is_refused(read)


def _newer(raw: bytes) -> bool:
    """Whether a character in it is newer than this Python: it may be equal to others by now."""
    text = raw.decode("utf-8", "replace")
    return any(unicodedata.category(each) == "Cn" for each in text)


def random_manifest(dice: random.Random, letters: str = LETTERS, most: int = 6) -> bytes:
    lines = []
    for _ in range(dice.randrange(1, most)):
        path = "".join(dice.choice(letters) for _ in range(dice.randrange(1, 7)))
        digest = "".join(dice.choice("0123456789abcdef") for _ in range(64))
        lines.append(f"{digest}{dice.choice(('  ', '  ', '  ', ' *'))}{path}\n")
    if dice.random() < 0.5:
        lines.sort(key=lambda line: line[66:].encode())
    return "".join(lines).encode("utf-8", "surrogatepass")


def test_lists_of_files_are_read_or_refused_by_both(answers: Any) -> None:
    """Mutants of vectors/manifest, and paths of letters that are hard."""
    dice = random.Random("manifests")
    seeds = texts("manifest")
    read = [compare_manifest(answers, mutant(dice, seeds)) for _ in range(ROUNDS)]
    read += [compare_manifest(answers, random_manifest(dice)) for _ in range(ROUNDS)]
    assert ROUNDS / 20 < sum(read) < 2 * ROUNDS


def test_any_character_decomposes_to_the_same(answers: Any) -> None:
    """All there are: each beside its parts, and in other letters."""
    for start in range(0xA0, 0x110000, 0x400 if SOAK else 0x1100):
        for code in range(start, min(start + 0x400, 0x110000)):
            one = chr(code)
            if 0xD800 <= code < 0xE000 or unicodedata.category(one) in ("Cn", "Cc"):
                continue
            parts = unicodedata.normalize("NFD", one)
            if parts == one and code % 97:
                continue
            for other in {parts, one.lower(), unicodedata.normalize("NFC", one + "\u0301")} - {one}:
                raw = "".join(f"{'a' * 64}  {path}\n" for path in (one, other)).encode()
                compare_manifest(answers, raw)


def test_globs_leave_out_the_same(answers: Any) -> None:
    """Of paths of few letters, so that they meet."""
    dice = random.Random("globs")
    out = 0
    for _ in range(ROUNDS):
        globs = [random_glob(dice) for _ in range(dice.randrange(1, 4))]
        path = "/".join(
            "".join(dice.choice("aab.") for _ in range(dice.randrange(1, 4)))
            for _ in range(dice.randrange(1, 5))
        ) + dice.choice(("", "", "/"))
        expected = ours(lambda path=path, globs=globs: manifest.excluded(path, globs))
        assert expected == asked(answers, "excluded", globs=globs, path=path), (globs, path)
        out += expected is True
        signed = [random_glob(dice) for _ in range(dice.randrange(1, 4))]
        expected = ours(lambda globs=globs, signed=signed: manifest.beyond(globs, signed))
        assert expected == asked(answers, "beyond", asked=globs, signed=signed), (globs, signed)
    assert ROUNDS / 20 < out < ROUNDS


def random_glob(dice: random.Random) -> str:
    parts = [
        dice.choice(
            ("**", "*", "".join(dice.choice("aab*?.") for _ in range(dice.randrange(1, 5))))
        )
        for _ in range(dice.randrange(1, 4))
    ]
    return dice.choice(("", "", "/")) + "/".join(parts) + dice.choice(("", "", "/"))


# --- closures ------------------------------------------------------------------------------------


def test_lists_of_roots_are_read_or_refused_by_both(answers: Any) -> None:
    """Mutants of vectors/closure, and names of roots of hard letters."""
    dice = random.Random("closures")
    seeds = texts("closure")
    read = 0
    for number in range(ROUNDS):
        if number % 2:
            raw = mutant(dice, seeds)
        else:
            roots = {random_root(dice) for _ in range(dice.randrange(1, 4))}
            raw = "".join(f"{'a' * 64}  {root}\n" for root in sorted(roots)).encode()
        expected = ours(lambda raw=raw: {"text": closure.read(raw).text.decode()})
        assert expected == asked(answers, "closure", raw=raw), raw
        read += not is_refused(expected)
        name = "".join(dice.choice("aZ1-._ é\n") for _ in range(dice.randrange(5)))
        assert ours(lambda name=name: closure.normalised(name)) == asked(answers, "name", name=name)
    assert ROUNDS / 30 < read < ROUNDS


def random_root(dice: random.Random) -> str:
    kind = dice.choice(("app", "dist/", "dist/", "editable/", "python/"))
    if kind == "app" or dice.random() < 0.1:
        return kind
    name = dice.choice(("a", "b", "a-b", "a--b", "B", "é", "a_b", ""))
    version = dice.choice(("1", "1", "2", "1.0", "1-1", "1+x", "1_", ".1", "é", "A!b", "/1"))
    return f"{kind}{name}-{version}"


def test_terms_are_the_same_to_both(answers: Any) -> None:
    """Mutants of the words of vectors/closure."""
    dice = random.Random("terms")
    table = json.loads((vectors.VECTORS / "closure/terms.json").read_text())
    words = sorted({word for case in table for word in case["criteria"] if len(word) < 300})
    bytes_of = [word.encode() for word in words]
    said = 0
    for _ in range(ROUNDS):
        found = (
            dice.sample(words, dice.randrange(1, 4))
            if dice.random() < 0.5
            else ["app:a", "release:2"]
        )
        if dice.random() < 0.7:
            found.append(mutant(dice, bytes_of).decode("utf-8", "replace"))

        def answer(found: list[str] = found) -> Any:
            terms = closure.terms(found)
            return None if terms is None else [*terms[:3], [list(each) for each in terms.packs]]

        expected = ours(answer)
        assert expected == asked(answers, "terms", criteria=found), found
        said += isinstance(expected, list)
    assert ROUNDS / 50 < said < ROUNDS


def test_versions_are_allowed_by_both(answers: Any) -> None:
    """Specifiers and versions of small numbers, and mutants of them."""
    dice = random.Random("pythons")
    allowed = 0
    for _ in range(ROUNDS):
        numbers = [
            ".".join(str(dice.randrange(3)) for _ in range(dice.randrange(2, 5))) for _ in range(3)
        ]
        clauses = [
            dice.choice((">=", "<=", ">", "<", "==", "!=")) + number + dice.choice(("", "", ".*"))
            for number in numbers[: dice.randrange(1, 3)]
        ]
        specifier, version = ",".join(clauses), numbers[2] + dice.choice(("", "", "rc1", "+", "a"))
        if dice.random() < 0.2:
            specifier = mutant(dice, [specifier.encode()]).decode("utf-8", "replace")
        if dice.random() < 0.2:
            version = mutant(dice, [version.encode()]).decode("utf-8", "replace")
        expected = ours(lambda s=specifier, v=version: closure.allows(s, v))
        found = asked(answers, "allows", specifier=specifier, version=version)
        if is_refused(expected) and is_refused(found) and "is not a version" in expected[REFUSED]:
            assert "is not a version" in found[REFUSED]  # quoted in the words of each language
        else:
            assert expected == found, (specifier, version)
        allowed += expected is True
    assert ROUNDS / 50 < allowed < ROUNDS


# --- packs, and where files lie ------------------------------------------------------------------


def test_packs_are_read_or_refused_by_both(answers: Any) -> None:
    """Mutants of vectors/pack; nothing but what is in its one form is read."""
    dice = random.Random("packs")
    seeds = texts("pack", "pack")
    for number in range(ROUNDS):
        raw = seeds[number] if number < len(seeds) else mutant(dice, seeds)

        def answer(raw: bytes = raw) -> Any:
            found = packs.read(raw)
            codes = [[name, base64.b64encode(code).decode()] for name, code in found.codes.items()]
            return {"python": found.python, "tag": found.tag, "id": found.id, "codes": codes}

        assert ours(answer) == asked(answers, "pack", raw=raw), raw


def test_what_lies_beside_a_loader_is_read_or_refused_by_both(answers: Any) -> None:
    """Mutants of vectors/baked, as they are and under the digest that their first line has."""
    dice = random.Random("baked")
    seeds = [raw for raw in texts("baked", "file") if len(raw) < 4096]
    taken = 0
    for number in range(ROUNDS):
        raw = seeds[number] if number < len(seeds) else mutant(dice, seeds)
        if number >= len(seeds) and number % 8:
            line, newline, rest = raw.partition(b"\n")
            seal = hashlib.sha256(line + newline).hexdigest()
            raw = line + newline + f"sha256 {seal}\n".encode() + rest[72:]

        def answer(raw: bytes = raw) -> Any:
            found = baked.read(raw)
            return {
                "app": found.app,
                "certificates": baked.packed(found.certificates),
                "statements": [one.decode() for one in found.statements],
                "lists": list(found.lists),
            }

        expected = ours(answer)
        found = asked(answers, "baked", raw=raw)
        if is_refused(ours(lambda raw=raw: strict.read(raw.partition(b"\n")[0]) and None)):
            # What is wrong with a text each reader of JSON says in its own words.
            assert is_refused(expected) and is_refused(found), raw
        else:
            assert expected == found, raw
        taken += not is_refused(expected)
    assert taken > 12


NAMES = [
    "x", "y.py", "z.pyc", "__pycache__", "ä b", "x-1.0.data", "y.data", ".data", "purelib", "data",
    "platlib",
    "scripts", "headers", "bin", "Scripts", "include", "site", "python3.11", "lib", "lib64",
    "site-packages",
    "x-1.0.dist-info", ".dist-info", "RECORD", "INSTALLER", "x.so",
]  # fmt: skip


def random_tree(dice: random.Random) -> Manifest | None:
    paths = {
        "/".join(dice.choice(NAMES) for _ in range(dice.randrange(1, 6)))
        for _ in range(dice.randrange(1, 5))
    }
    try:
        return Manifest({path: dice.choice("ab") * 64 for path in paths})
    except FormatError:
        return None


def test_a_file_lies_where_both_look_for_it(answers: Any) -> None:
    """Roots beside and within each other; one path with two digests is refused by both."""
    dice = random.Random("places")
    covered = 0
    for _ in range(ROUNDS):
        roots, asking = [], []
        for number in range(dice.randrange(1, 4)):
            listed = random_tree(dice)
            if listed is None:
                continue
            name = dice.choice((f"dist/x{number}-1", f"editable/x{number}-1", f"app{number}"))
            base = dice.choice(("/e/lib/python3.11/site-packages", "/e", "/e/x", "/", "/f"))
            prefix = dice.choice(("", "/e", "/e/lib")) if name[0] == "d" else ""
            roots.append(Root(name, base, listed.text, prefix=prefix))
            raw = base64.b64encode(listed.text).decode()
            asking.append({"name": name, "base": base, "prefix": prefix, "raw": raw})
        if not roots:
            continue
        plan = Plan("x", ("call", "x", "y"), roots, argv0="x", stdlib=("/usr/lib/python3.11",))
        found = Covered(plan)
        answer = asked(answers, "covered", roots=asking)
        try:
            found.check()
        except ValueError as error:
            assert "is not the same in" in str(error) and "is not the same in" in answer[REFUSED]
            continue
        files = {}
        for place in found.places:
            files |= {place.path(below): digest for below, (digest, _) in place.files.items()}
            files |= {path: digest for path, (digest, _) in place.data.items()}
        assert sorted(files.items()) == [tuple(each) for each in answer]
        covered += 1
    assert covered > ROUNDS / 4


def test_lists_of_one_distribution_are_one_to_both(answers: Any) -> None:
    """What of a list an installer may not change."""
    dice = random.Random("distributions")
    for _ in range(ROUNDS):
        tree = random_tree(dice)
        if tree is not None:
            expected = sorted(map(list, covering.significant(tree)))
            assert expected == asked(answers, "significant", raw=tree.text), tree.text


def test_limits_are_those_of_python(answers: Any) -> None:
    """At the edge of each, which no mutant finds: one more is refused, in the same words."""
    for length, parts in ((limits.NAME, 1), (1, limits.PATH // 2), (2, limits.PATH // 3)):
        for more in (0, 1):
            path = "/".join(["n" * length] * parts) + "n" * more
            compare_manifest(answers, f"{'a' * 64}  {path}\n".encode())
    roots = "".join(f"{'a' * 64}  dist/x{n:05}-1\n" for n in range(limits.ROOTS + 1))
    for raw in (roots.encode(), roots[: len(roots) * limits.ROOTS // (limits.ROOTS + 1)].encode()):
        expected = ours(lambda raw=raw: {"text": closure.read(raw).text.decode()})
        assert expected == asked(answers, "closure", raw=raw)
    data = {"id": "sha256:" + "a" * 64, "ok": True, "reviewed": True, "x": ""}
    room = limits.STATEMENT - len(strict.canonical(data))
    for x in ("x" * room, "x" * (room + 1), "é" * (room // 6), "é" * (room // 6 + 1)):
        envelope = {"data": data | {"x": x}, "key": "A" * 40, "sig": ""}
        compare(answers, "statement", json.dumps(envelope).encode())
    for limit, name in ((limits.SIGNATURE, "sig"), (limits.TIMESTAMP, "tst")):
        for size in (limit, limit + 1, limit + 2, limit + 3, limit * 2):
            for text in (base64.b64encode(bytes(size)).decode(), "é" * (size * 4 // 3)):
                envelope = {"data": data, "key": "A" * 40, "sig": "", name: text}
                compare(answers, "statement", json.dumps(envelope).encode())
