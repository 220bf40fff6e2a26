"""A closure is one list for one program, and its terms are said in one way."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet  # pytest brings it

from sig.errors import FormatError
from sig.model import closure, limits
from sig.model.closure import Closure, Terms, allows, criteria, parts, root_name, terms
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from tests import vectors

A, B, C = (Identifier.of_bytes(text) for text in (b"a", b"b", b"c"))
HEX = A.removeprefix("sha256:")

NAMES = st.from_regex(r"[a-z0-9]{1,4}(-[a-z0-9]{1,3}){0,2}", fullmatch=True)
VERSIONS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9.!+_]{0,5}[A-Za-z0-9])?", fullmatch=True)
IDS = st.binary(max_size=3).map(Identifier.of_bytes)


@st.composite
def closures(draw: st.DrawFn) -> Closure:
    """Of some distributions, editable or not, with an app or without one."""
    roots: dict[str, Identifier] = {}
    for name, version in draw(st.dictionaries(NAMES, VERSIONS, max_size=5)).items():
        kinds = draw(st.sampled_from([["dist"], ["editable"], ["editable", "dist"]]))
        roots |= {root_name(kind, name, version): draw(IDS) for kind in kinds}
    if not roots or draw(st.booleans()):
        roots["app"] = draw(IDS)
    return Closure(roots)


# --- the list ------------------------------------------------------------------------------------


def test_the_text_is_a_manifest_of_roots_sorted_by_their_names() -> None:
    """In whatever order they are given: `sha256sum -c` could check it, and its id is that of a
    manifest."""
    given = {"editable/x-1": C, "dist/requests-2.32.3": B, "app": A}
    made = Closure(given)

    assert b"".join(
        b"%s  %s\n" % (id.removeprefix("sha256:").encode(), name.encode())
        for name, id in sorted(given.items())
    ) == made.text  # fmt: skip
    assert ["app", "dist/requests-2.32.3", "editable/x-1"] == list(made.roots)
    assert given == made.roots
    assert Identifier.of_bytes(made.text) == made.id
    assert made.id == Manifest({name: id[7:] for name, id in given.items()}).id
    assert 3 == len(made)
    assert made == Closure(dict(reversed(given.items()))) == closure.read(made.text)
    assert hash(made) == hash(closure.read(made.text))
    assert made != Closure({"app": A})


@settings(deadline=None)
@given(closures())
def test_what_is_written_is_read_as_the_same(made: Closure) -> None:
    """And every root is taken apart into what it was made of."""
    again = closure.read(made.text)

    assert made == again
    assert list(made.roots.items()) == list(again.roots.items())
    for root in made.roots:
        assert root == root_name(*parts(root))


@settings(deadline=None)
@given(closures(), st.data())
def test_any_other_text_is_another_closure_or_none(made: Closure, data: st.DataObject) -> None:
    """One byte changed, cut, or put in: never the same list."""
    at = data.draw(st.integers(0, len(made.text)))
    gone = data.draw(st.integers(0, 2))
    other = made.text[:at] + data.draw(st.binary(max_size=2)) + made.text[at + gone :]
    try:
        read = closure.read(other)
    except FormatError:
        return
    assert read.text == other
    assert (read == made) is (other == made.text)


def test_a_closure_is_valid_or_not_made_and_does_not_change() -> None:
    """Whoever holds one need not ask again."""
    given = {"app": A}
    made = Closure(given)
    given["dist/../x"] = B
    with pytest.raises(TypeError):
        made.roots["dist/../x"] = B
    with pytest.raises(AttributeError):
        made.roots = given
    with pytest.raises(AttributeError):
        del made.roots

    assert {"app": A} == made.roots


@pytest.mark.parametrize(
    "root",
    [
        "App", "apps", "app/x", "x", "python", "dist", "dist/x", "dist/x-", "dist/-1", "DIST/x-1",
        "dists/x-1", "dist/x-1/y", "dist/x/y-1", "dist//x-1", "./dist/x-1", "dist/../x-1",
        "editable/x", "editables/x-1", "python/x-1",
        # a name in any but its one spelling
        "dist/X-1", "dist/a_b-1", "dist/a.b-1", "dist/a--b-1", "dist/-a-1", "dist/é-1",
        "dist/a b-1", "dist/\u0661-1",
        # a version with what could end a name, a path or a line
        "dist/x-1 ", "dist/x-1.", "dist/x- 1", "dist/x-1~1", "dist/x-1:2", "dist/x-é", "dist/x-1*",
        "dist/x-\u0661", "dist/x-.1", "dist/x-1_", "dist/x-!",
    ],
)  # fmt: skip
def test_what_is_no_root_is_refused_by_its_name(root: str) -> None:
    """In what is made as in what is read, with the twin beside it."""
    raw = f"{HEX}  {root}\n".encode()
    for refused in (
        lambda: Closure({"app": A, root: B}),
        lambda: closure.read(raw),
        lambda: closure.read(b"".join(sorted([raw, f"{HEX}  dist/x-1.0\n".encode()]))),
    ):
        with pytest.raises(FormatError, match=re.escape(root)):
            refused()
    for fine in ("app", "dist/x-1", "editable/a-b-1.0.post1", "dist/2-1!2.0_1+cu118"):
        assert A == closure.read(f"{HEX}  {fine}\n".encode()).roots[fine]


@pytest.mark.parametrize(
    ("roots", "why"),
    [
        (["dist/x-1", "dist/x-2"], "dist/x-1 and dist/x-2: two versions of x"),
        (["dist/x-1", "dist/x-1.0"], "two versions of x"),
        (["editable/x-1", "editable/x-2"], "two versions of x"),
        (["dist/x-1", "editable/x-2"], "dist/x-1 and editable/x-2: two versions of x"),
        (["dist/x-1rc1", "dist/x-1RC1"], "one name on some disks"),
    ],
)
def test_a_distribution_has_one_version(roots: list[str], why: str) -> None:
    """Files of two releases never mix. An editable one has two roots of one version."""
    with pytest.raises(FormatError, match=why):
        Closure(dict.fromkeys(roots, A))
    assert 3 == len(Closure(dict.fromkeys(["editable/x-1", "dist/x-1", "dist/x-y-2"], A)))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no file"),
        (f"{HEX}  app".encode(), "line 1: does not end"),
        (f"{HEX} *app\n".encode(), "not the one form"),
        (f"{HEX}  dist/x-1\n{HEX}  app\n".encode(), "not the one form"),
        (f"{HEX}  app\n{HEX}  app\n".encode(), "line 2: app: stands twice"),
        (f"{HEX}  app\n{HEX[:-1]}g  dist/x-1\n".encode(), "line 2: not 64"),
        (f"{HEX}  app\r\n".encode(), "control"),
        (f"{HEX}  app\n# nothing else\n".encode(), "line 2: not 64"),
    ],
)
def test_a_list_in_another_form_is_refused(raw: bytes, why: str) -> None:
    """There is one text for one list, and at least one root."""
    with pytest.raises(FormatError, match=why):
        closure.read(raw)


def test_a_root_is_named_by_the_digest_of_its_manifest() -> None:
    """Not by anything else that is an identifier."""
    with pytest.raises(FormatError, match="app: openpgp4fpr:00 is not the id of a manifest"):
        Closure({"app": Identifier("openpgp4fpr:00")})


def test_there_are_at_most_10_000_roots() -> None:
    """As many are read in a moment; one more is refused."""
    roots = {f"dist/x{number}-1": A for number in range(limits.ROOTS)}
    assert limits.ROOTS == len(closure.read(Closure(roots).text))
    with pytest.raises(FormatError, match="more than 10000 roots"):
        Closure({**roots, "app": A})


# --- names of roots ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "normal"),
    [("Django", "django"), ("zope.interface", "zope-interface"), ("a_-._b", "a-b"), ("0", "0"),
     ("ruamel.yaml.clib", "ruamel-yaml-clib"), ("A" * 255, "a" * 255)],
)  # fmt: skip
def test_a_name_has_one_spelling(name: str, normal: str) -> None:
    """That of PEP 503."""
    assert normal == closure.normalised(name)
    assert ("dist", normal, "1.0") == parts(root_name("dist", name, "1.0"))


@pytest.mark.parametrize("name", ["", "-", "_a", "a.", "a b", "é", "a/b", "..", "a\n", "a" * 256])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Leading and trailing separators too: normalised, they would be one with the version's."""
    with pytest.raises(FormatError, match="not the name of a distribution"):
        root_name("dist", name, "1")


def test_the_version_is_what_follows_the_last_dash() -> None:
    """So none has one; what PEP 440 writes with a dash, the name of a wheel writes with _."""
    assert "dist/a-1-2.0_1" == root_name("dist", "a-1", "2.0-1")
    assert ("dist", "a-1", "2.0_1") == parts("dist/a-1-2.0_1")
    assert "app" == root_name("app")
    assert ("app", "", "") == parts("app")
    for kind, name, version in (("app", "x", "1"), ("", "x", "1"), ("python", "x", "1"),
                                ("dist", "x", ""), ("dist", "", "1"), ("dist", "x", "1/2"),
                                ("dist", "x", "1\n")):  # fmt: skip
        with pytest.raises(FormatError):
            root_name(kind, name, version)


# --- what is signed with it ----------------------------------------------------------------------

SPECIFIERS = st.lists(
    st.tuples(
        st.sampled_from([">=", "<=", ">", "<", "==", "!="]),
        st.lists(st.integers(0, 4), min_size=2, max_size=3),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def written(clauses: list[tuple[str, list[int], bool]]) -> str:
    return ",".join(
        f"{operator}{'.'.join(map(str, asked))}{'.*' if star and operator in ('==', '!=') else ''}"
        for operator, asked, star in clauses
    )


TERMS = st.builds(
    Terms,
    app=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
    release=st.integers(1, 2**53 - 1),
    python=st.just("") | SPECIFIERS.map(written),
    packs=st.dictionaries(
        st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,9}", fullmatch=True), IDS, max_size=3
    ).map(lambda found: tuple(found.items())),
)


@given(TERMS, st.randoms(use_true_random=False))
def test_terms_are_said_and_understood(said: Terms, chance) -> None:
    """Words of others between them, and any order of the kinds, make no difference."""
    words = criteria(said)
    mixed = [*words, "safe-to-run", "app", "release", "APP:x", "apps:y", ":", "", "x:release:2"]
    chance.shuffle(mixed)
    found = terms(mixed)

    assert said == terms(words)
    assert found is not None
    assert said[:3] == found[:3]
    assert dict(said.packs) == dict(found.packs)


def test_the_words_are_those_of_the_page() -> None:
    """One example, letter by letter."""
    said = Terms("hello", 3, ">=3.11,<3.14", (("cpython-311", A),))
    assert ("app:hello", "release:3", "python:>=3.11,<3.14", f"pack:cpython-311={A}") == (
        criteria(said)
    )
    assert ("app:hello", "release:1") == criteria(Terms("hello", 1))


def test_without_an_app_the_words_are_about_something_else() -> None:
    """A statement on a file may have any words."""
    assert terms([]) is None
    assert terms(["safe-to-run", "release:0", "python:x", "pack:", "App:x"]) is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["app:a", "app:b", "release:1"], "more than one app:"),
        (["app:a", "app:a", "release:1"], "more than one app:"),
        (["app:a"], "no release:"),
        (["app:a", "release:1", "release:1"], "more than one release:"),
        (["app:a", "release:1", "release:2"], "more than one release:"),
        (["app:a", "release:1", "python:>=3.9", "python:>=3.9"], "more than one python:"),
        (["app:", "release:1"], "not the name of an app"),
        (["app:-a", "release:1"], "not the name of an app"),
        (["app:.a", "release:1"], "not the name of an app"),
        (["app:a/b", "release:1"], "not the name of an app"),
        (["app:é", "release:1"], "not the name of an app"),
        (["app: a", "release:1"], "not the name of an app"),
        (["app:a\n", "release:1"], "not the name of an app"),
        (["app:" + "a" * 65, "release:1"], "not the name of an app"),
        (["app:a", "release:"], "not a number"),
        (["app:a", "release:0"], "not a number"),
        (["app:a", "release:01"], "not a number"),
        (["app:a", "release:+1"], "not a number"),
        (["app:a", "release:-1"], "not a number"),
        (["app:a", "release:1.0"], "not a number"),
        (["app:a", "release:1e3"], "not a number"),
        (["app:a", "release:1_0"], "not a number"),
        (["app:a", "release: 1"], "not a number"),
        (["app:a", "release:1\n"], "not a number"),
        (["app:a", "release:\u0661"], "not a number"),
        (["app:a", "release:9007199254740992"], "larger than"),
        (["app:a", "release:" + "9" * 5000], "not a number"),
        (["app:a", "release:1", "python:"], "not like >=3.11"),
        (["app:a", "release:1", "python:3.11"], "not like >=3.11"),
        (["app:a", "release:1", "pack:"], "not TAG=sha256:HEX"),
        (["app:a", "release:1", f"pack:={A}"], "not TAG=sha256:HEX"),
        (["app:a", "release:1", f"pack:x/y={A}"], "not TAG=sha256:HEX"),
        (["app:a", "release:1", "pack:x=openpgp4fpr:00"], "not TAG=sha256:HEX"),
        (["app:a", "release:1", f"pack:x={HEX}"], "not TAG=sha256:HEX"),
        (["app:a", "release:1", f"pack:x={A}", f"pack:x={B}"], "stands twice"),
    ],
)
def test_what_could_be_understood_in_two_ways_is_refused(words: list[str], why: str) -> None:
    """Twice is refused even where both say the same: only one of two readers would look."""
    for order in (words, [*words[::-1], "other"]):
        with pytest.raises(FormatError, match=why):
            terms(order)
    assert Terms("a" * 64, 2**53 - 1) == terms(["app:" + "a" * 64, f"release:{2**53 - 1}"])


@pytest.mark.parametrize(
    "said",
    [Terms("", 1), Terms("a", 0), Terms("a", 2**53), Terms("a", 1, "3"), Terms("a:b c", 1),
     Terms("a", True), Terms("a", 1, "", (("x", B), ("x", C))), Terms("a", 1, "", (("x=y", B),))],
)  # fmt: skip
def test_terms_that_nobody_could_read_are_not_said(said: Terms) -> None:
    """Whoever makes them otherwise than by reading learns it before anything is signed."""
    with pytest.raises(FormatError):
        criteria(said)


# --- which Pythons -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specifier", "yes", "no"),
    [
        ("", ["3.11.2", "3.9", "2.7"], []),
        (">=3.11,<3.14", ["3.11", "3.11.0", "3.13.99", "3.12"], ["3.10.9", "3.14", "3.14.0rc1"]),
        ("==3.11.*", ["3.11", "3.11.0", "3.11.9"], ["3.1", "3.1.1", "3.12.0", "3.110.0"]),
        ("!=3.11.*", ["3.12.0", "3.10"], ["3.11", "3.11.3"]),
        ("==3.11.2", ["3.11.2", "3.11.2+"], ["3.11", "3.11.3", "3.11.20"]),
        ("==3.11", ["3.11.0"], ["3.11.2", "3.11"]),
        ("!=3.11.2", ["3.11.3", "3.12"], ["3.11.2", "3.11"]),
        (">3.11", ["3.11.1", "3.12"], ["3.11", "3.11.0"]),
        ("<=3.11", ["3.11.0", "3.10"], ["3.11.1", "3.11"]),
        (">=3.11.4", ["3.11.4", "3.12"], ["3.11", "3.11.3"]),
        ("<3.11.4", ["3.11.3", "3.10"], ["3.11", "3.11.4"]),
        (">=3.9", ["3.10", "3.100.0"], ["3.8.99"]),
        ("==3.11.2.*", ["3.11.2"], ["3.11", "3.11.3"]),
        ("!=3.11.2.*", ["3.11.3", "3.12"], ["3.11", "3.11.2"]),
        (">=3.11,!=3.12.*,<3.14", ["3.11.1", "3.13"], ["3.12", "3.12.9"]),
    ],
)
def test_versions_are_compared_as_numbers(specifier: str, yes: list[str], no: list[str]) -> None:
    """3.9 is older than 3.10."""
    assert [] == [version for version in yes if not allows(specifier, version)]
    assert [] == [version for version in no if allows(specifier, version)]


@pytest.mark.parametrize(
    "specifier",
    ["3.11", ">=", ">=3", "~=3.11", "===3.11", ">=3.11,", ",>=3.11", ">=3.11 ,<3.14", ">= 3.11",
     ">=3.11, <3.14", ">=3.11.*", "<3.11.*", "==3.*", ">=03.11", ">=3.011", ">=3.11rc1", ">=v3.11",
     ">=3.11;x", ">=3.1.1.1.1", ">=3.1111111", ">=\u0663.11", "==3.11.*\n", ">=3.11,>=3.11" * 9,
     ",".join([">=3.9"] * 17), "," * 10**6, ">=3." + "1" * 10**6],
)  # fmt: skip
def test_what_is_no_specifier_is_refused(specifier: str) -> None:
    """Whatever the version: nothing is allowed by what nobody understands."""
    for version in ("3.11.2", "2.7"):
        with pytest.raises(FormatError, match="not like >=3.11,<3.14"):
            allows(specifier, version)
    assert allows(",".join([">=3.9"] * 16), "3.9")


@pytest.mark.parametrize("version", ["", "3", "3.", "3.x", "03.1", "3.11.2 ", "3.11-dev", "v3.11",
                                     "3.1.1.1.1", "3.11.2.dev0", "3.11\n"])  # fmt: skip
def test_what_is_no_version_is_refused(version: str) -> None:
    """Also where all are allowed."""
    for specifier in ("", ">=3.9"):
        with pytest.raises(FormatError, match="not a version of Python"):
            allows(specifier, version)


@settings(max_examples=300, deadline=None)
@given(SPECIFIERS, st.lists(st.integers(0, 4), min_size=3, max_size=3))
@example([("!=", [3, 1, 4], False)], [3, 1, 4])
def test_a_specifier_means_what_pip_means(
    clauses: list[tuple[str, list[int], bool]], version: list[int]
) -> None:
    """On its own ground: whole versions, without suffixes."""
    text = ".".join(map(str, version))

    assert SpecifierSet(written(clauses)).contains(text) is (allows(written(clauses), text))


@settings(max_examples=300, deadline=None)
@given(SPECIFIERS, st.integers(0, 4), st.integers(0, 4))
def test_what_is_known_to_two_numbers_is_allowed_if_all_of_these_are(
    clauses: list[tuple[str, list[int], bool]], major: int, minor: int
) -> None:
    """Never more than that; and for one condition, never less."""
    specifier = written(clauses)
    short = allows(specifier, f"{major}.{minor}")
    each = [allows(specifier, f"{major}.{minor}.{micro}") for micro in [*range(7), 999_998]]

    assert short is all(each)


def test_nothing_here_takes_long() -> None:
    """Words of a statement are a stranger's: a megabyte of each kind is refused at once."""
    import time

    long = "a-" * (1 << 19)
    began = time.process_time()
    for refused in (
        lambda: parts(f"dist/{long}!"),
        lambda: root_name("dist", long, "1"),
        lambda: root_name("dist", "x", long + "/"),
        lambda: terms(["app:" + long, "release:1"]),
        lambda: terms(["app:a", "release:1", f"pack:{long}={A}"]),
        lambda: allows(">=3." + "1." * (1 << 19), "3.11"),
        lambda: allows("", "3." + "1" * (1 << 20)),
    ):
        with pytest.raises(FormatError) as caught:
            refused()
        assert len(caught.value.message) < 600
    assert time.process_time() - began < 1


def test_the_digest_of_a_root_is_that_of_its_manifest_whole() -> None:
    """What stands in the list is what `sha256sum` prints for the manifest's text."""
    manifest = Manifest({"a.py": hashlib.sha256(b"1").hexdigest()})
    assert hashlib.sha256(manifest.text).hexdigest() in Closure({"app": manifest.id}).text.decode()


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", vectors.files("closure"), ids=lambda path: path.stem)
def test_a_vector_is_read_or_refused_as_it_says(path: Path) -> None:
    """Each file of vectors/closure, with the very words of a refusal."""
    vector = vectors.read(path)
    text = vector.one("text")
    if vector.head["expect"] == "closure":
        assert (text, vector.head["id"]) == (closure.read(text).text, closure.read(text).id)
        return
    with pytest.raises(FormatError) as caught:
        closure.read(text)
    assert vector.why == caught.value.message


def table(name: str) -> list[dict[str, Any]]:
    """A table of vectors/closure."""
    found: list[dict[str, Any]] = json.loads((vectors.VECTORS / f"closure/{name}.json").read_text())
    return found


@pytest.mark.parametrize("case", table("terms"), ids=lambda case: " ".join(case["criteria"])[:60])
def test_criteria_say_what_the_vectors_say(case: dict[str, Any]) -> None:
    """The terms of a closure, nothing, or why they are refused."""
    if "refused" in case:
        with pytest.raises(FormatError) as caught:
            terms(case["criteria"])
        assert caught.value.message.startswith(case["refused"])
    elif case["terms"] is None:
        assert terms(case["criteria"]) is None
    else:
        said = terms(case["criteria"])
        assert said is not None
        assert case["terms"] == said._asdict() | {"packs": [list(each) for each in said.packs]}


@pytest.mark.parametrize("case", table("pythons"))
def test_versions_are_allowed_as_the_vectors_say(case: dict[str, Any]) -> None:
    """Or what is asked for is refused."""
    if "refused" in case:
        with pytest.raises(FormatError, match=re.escape(case["refused"])):
            allows(case["specifier"], case["version"])
    else:
        assert case["allows"] is allows(case["specifier"], case["version"])
