"""A program is run by who signed all of it, and nobody can put another or an older in its place."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from sig.errors import FormatError
from sig.model import manifest
from sig.model.closure import Closure
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Answer, Reason
from sig.repo import objects
from sig.verbs import config, covering, trust
from sig.verbs.covering import same_distribution
from tests.verbs.forest import manifest_of, sha, tree_statement
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, file_id
from tests.verbs.programs import (
    APP,
    FILES,
    IDNA,
    INFO,
    INSTALLED,
    PYTHON,
    WHEEL,
    Asked,
    closure_of,
    lists_of,
    says,
)

CLOSURE = closure_of(FILES)
OLD = {**FILES, "app": {**APP, "get.py": b"old\n"}}
OTHER = {**FILES, "app": {"other.py": b"6\n"}}
GOOD = ("app:get", "release:1")
BAD_ROOT = {"app": "unknown", "dist/idna-3.10": "unknown", "dist/requests-2.32.3": "bad"}


@pytest.fixture
def asked(reader: Reader, web: Web) -> Asked:
    """Somebody without a key who asks."""
    return Asked(reader, web)


# --- which statement counts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        GOOD,
        (*GOOD, "python:>=3.11,<3.12"),
        (*GOOD, "python:==3.11.*"),
        (*GOOD, "safe-to-run", "apple:pie", "release-notes"),
        (*GOOD, "pack:cp311=sha256:" + "0" * 64),
        ("app:get", "release:9007199254740991"),
    ],
)
def test_an_ok_that_says_what_it_is_for_counts(
    asked: Asked, bob: Party, words: tuple[str, ...]
) -> None:
    """The twin of all that follow; other words are somebody else's."""
    says(bob, CLOSURE, *words)
    asked.read(bob)
    assert "ok" == asked.answer()
    assert "unknown" == asked.answer(closure_of(OLD))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "it does not say which program the list is of"),
        (("release:1",), "it does not say which program the list is of"),
        (("app:get",), "no release: among the criteria"),
        (("app:get", "release:0"), "not a number from 1"),
        (("app:get", "release:01"), "not a number from 1"),
        (("app:get", "release:1.0"), "not a number from 1"),
        (("app:get", "release:-1"), "not a number from 1"),
        (("app:get", "release:9007199254740992"), "larger than"),
        (("app:get", "release:" + "9" * 400), "not a number from 1"),
        (("app:get", "release:1", "release:2"), "more than one release:"),
        ((*GOOD, "python:"), "not like"),
        ((*GOOD, "python:3.11"), "not like"),
        ((*GOOD, "python:>=3.11", "python:<3.12"), "more than one python:"),
        ((*GOOD, "pack:x"), "not TAG=sha256:HEX"),
        ((*GOOD, "python:>=3.12"), "it is for Python >=3.12, and this is 3.11.2"),
        ((*GOOD, "python:<3.11"), "it is for Python <3.11"),
        ((*GOOD, "python:>=3.11,!=3.11.2"), "it is for Python"),
        (("app:other", "release:1"), "counts only for running that"),
        (("app:Get", "release:1"), "counts only for running that"),
        (("app:get.py", "release:1"), "counts only for running that"),
        (("app:get", "app:other", "release:1"), "counts only for running that"),
        (("app:get", "app:get2", "release:1"), "counts only for running that"),
        (("app:", "release:1"), "counts only for running that"),
        (("app:../get", "release:1"), "counts only for running that"),
        (("python-build",), "about a Python as a whole"),
        ((*GOOD, "python-build"), "about a Python as a whole"),
    ],
)
def test_an_ok_for_something_else_does_not(
    asked: Asked, bob: Party, words: tuple[str, ...], why: str
) -> None:
    """Another program's, one that cannot be read, one for other Pythons: each says why."""
    says(bob, CLOSURE, *words)
    asked.read(bob)
    assert ("unverified", Reason.NOT_COUNTED) == (asked.answer(), asked.verdict().reason)
    assert why in asked.why()
    assert 0 == asked.highest() or any("python:" in word for word in words)


def test_who_says_the_same_word_twice_says_nothing_else(asked: Asked, bob: Party) -> None:
    """A list of words with one twice is refused or read as it is, never as another."""
    says(bob, CLOSURE, "app:get", "app:get", "release:1")
    asked.read(bob)
    assert "unverified" == asked.answer()
    assert 0 == asked.highest()


@pytest.mark.parametrize("python", ["3.11", "3.11.2", "3.11.99", "3.11.0rc1", "3.11.2+"])
def test_all_versions_of_a_python_are_allowed_or_not(asked: Asked, bob: Party, python: str) -> None:
    """Also where only two numbers are known."""
    says(bob, CLOSURE, *GOOD, "python:>=3.11,<3.12")
    asked.read(bob)
    assert "ok" == asked.answer(python=python)
    for other in ("3.10.9", "3.12", "3.12.0a1", "2.7", "3.1"):
        assert "unverified" == asked.answer(python=other)


def test_of_two_numbers_it_is_not_known_to_be_the_third(asked: Asked, bob: Party) -> None:
    """Where one version is left out, one that may be it is not allowed."""
    says(bob, CLOSURE, *GOOD, "python:>=3.11,!=3.11.3")
    asked.read(bob)
    assert ("ok", "unverified") == (asked.answer(python="3.11.2"), asked.answer(python="3.11"))


def test_an_ok_about_the_bytes_of_the_lock_is_none_about_the_program(
    asked: Asked, bob: Party
) -> None:
    """Whoever looked at a text file, or at a folder with that list, said nothing of this program;
    nor does the closure make that file ok."""
    id = str(CLOSURE.id)
    bob.says(id)
    asked.read(bob)
    assert ("unverified", "ok") == (asked.answer(), asked.reader.answer(id))
    bob.offered.clear()
    tree_statement(bob, manifest.read_canonical(CLOSURE.text), at=NOW - 1)
    bob.says(file_id("archive"), manifest=id)
    asked.read(bob)
    assert "unverified" == asked.answer()
    bob.offered.clear()
    says(bob, CLOSURE, *GOOD, at=NOW)
    asked.read(bob)
    assert ("ok", "unverified") == (asked.answer(), asked.reader.answer(id))


def test_an_archive_that_holds_a_list_is_no_closure(asked: Asked, bob: Party) -> None:
    """Though its statement names the closure as what it holds, with all the right words."""
    bob.says(file_id("archive"), manifest=str(CLOSURE.id), criteria=list(GOOD))
    asked.read(bob)
    assert "unknown" == asked.answer()
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    assert "ok" == asked.answer()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"reviewed": False}, "not reviewed"),
        ({"expires": "2020-01-01T00:00:00Z"}, "expired"),
        ({"at": NOW + DAY}, "in the future"),
        ({"needs": ["something"]}, "it needs something"),
    ],
)
def test_an_ok_that_does_not_count_anyway_does_not(
    asked: Asked, bob: Party, fields: dict[str, Any], why: str
) -> None:
    """The right words make nothing better, and its release is not known by it."""
    says(bob, CLOSURE, "app:get", "release:7", **fields)
    asked.read(bob)
    assert "unverified" == asked.answer()
    assert why in asked.why()
    assert 0 == asked.highest()


def test_a_stranger_changes_nothing(asked: Asked, bob: Party, carol: Party) -> None:
    """Neither an ok, nor a warning, nor a higher release, nor an ok about a root."""
    says(carol, CLOSURE, *GOOD)
    asked.read(carol, counts=False)
    assert ("unverified", Reason.UNTRUSTED) == (asked.answer(), asked.verdict().reason)
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    assert "ok" == asked.answer()
    roots = asked.roots()

    says(carol, closure_of(OLD), "app:get", "release:100")
    says(carol, CLOSURE, *GOOD, ok=False, at=NOW)
    for files in FILES.values():
        tree_statement(carol, manifest_of(files), ok=False, at=NOW)
        for content in files.values():
            carol.says(sha(content), False)
    tree_statement(carol, manifest_of(WHEEL), ok=False)
    tree_statement(carol, manifest_of(APP), ok=False, scope=["helper.py"], at=NOW + 1)
    asked.read(carol, lists=[*lists_of(FILES), manifest_of(WHEEL)])
    assert ("ok", 1, {}) == (asked.answer(), asked.highest(), asked.bad())
    assert {"bad"}.isdisjoint(roots.values()) and {"bad"}.isdisjoint(asked.roots().values())


def test_a_stranger_who_is_trusted_later_counts_from_then_on(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """What they warned of and their releases with it; and no more when trust ends."""
    says(bob, CLOSURE, *GOOD)
    says(carol, closure_of(OLD), "app:get", "release:2")
    carol.says(sha(INSTALLED["requests/api.py"]), False)
    asked.read(bob)
    asked.read(carol, counts=False)
    assert ("ok", 1, {}) == (asked.answer(), asked.highest(), asked.bad())
    asked.reader.trust(carol)
    assert ("unverified", "ok") == (asked.answer(), asked.answer(closure_of(OLD)))
    assert (2, ["requests/api.py"]) == (asked.highest(), list(asked.bad()))
    trust.remove(asked.reader.workspace, carol.fingerprint)
    assert ("ok", 1, {}) == (asked.answer(), asked.highest(), asked.bad())


# --- releases ------------------------------------------------------------------------------------


def test_an_older_release_does_not_count(asked: Asked, bob: Party) -> None:
    """Though it is genuine, and newer by its time; it did until the newer was known."""
    old = closure_of(OLD)
    says(bob, old, *GOOD)
    asked.read(bob)
    assert "ok" == asked.answer(old)
    says(bob, CLOSURE, "app:get", "release:2", at=NOW - DAY - 1)
    asked.read(bob)
    assert ("ok", "unverified") == (asked.answer(), asked.answer(old))
    assert "it is release 1, and release 2 is known" == asked.why(old)


def test_the_newer_release_may_be_of_another_signer(asked: Asked, bob: Party, carol: Party) -> None:
    """It is one program: whoever counts says how far it is."""
    says(bob, CLOSURE, "app:get", "release:3")
    says(carol, closure_of(OLD), "app:get", "release:4")
    asked.read(bob)
    assert "ok" == asked.answer()
    asked.read(carol)
    assert ("unverified", "ok") == (asked.answer(), asked.answer(closure_of(OLD)))


def test_two_closures_of_one_release_both_count(asked: Asked, bob: Party, carol: Party) -> None:
    """As where two people signed for two machines; neither is older."""
    says(bob, CLOSURE, *GOOD)
    says(carol, closure_of(OLD), *GOOD)
    asked.read(bob, carol)
    assert ("ok", "ok") == (asked.answer(), asked.answer(closure_of(OLD)))


def test_another_apps_releases_are_its_own(asked: Asked, bob: Party) -> None:
    """A high release of one says nothing of another, and neither stands in for the other."""
    other = closure_of(OTHER)
    says(bob, CLOSURE, *GOOD)
    says(bob, other, "app:other", "release:9")
    asked.read(bob)
    assert ("ok", "ok") == (asked.answer(), asked.answer(other, "other"))
    assert ("unverified", "unverified") == (asked.answer(other), asked.answer(CLOSURE, "other"))
    assert (1, 9, 0) == (asked.highest(), asked.highest("other"), asked.highest("x"))


def test_one_closure_may_be_of_two_apps(asked: Asked, bob: Party) -> None:
    """The last word of a signer about it holds; of two signers each his own."""
    says(bob, CLOSURE, *GOOD)
    says(bob, CLOSURE, "app:other", "release:1", at=NOW)
    asked.read(bob)
    assert ("unverified", "ok") == (asked.answer(), asked.answer(app="other"))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_release_that_was_taken_back_is_not_known(
    asked: Asked, bob: Party, order: tuple[int, ...]
) -> None:
    """Then the one before counts again: whoever released it by mistake says so. In any order."""
    says(bob, closure_of(OLD), *GOOD)
    says(bob, CLOSURE, "app:get", "release:2")
    bob.offered.append(bob.withdrawal(str(CLOSURE.id), at=NOW))
    bob.offered[:] = [bob.offered[place] for place in order]
    asked.read(bob)
    assert ("ok", "unverified") == (asked.answer(closure_of(OLD)), asked.answer())
    assert 1 == asked.highest()


def test_the_newer_word_about_a_closure_says_its_release(asked: Asked, bob: Party) -> None:
    """Up and down."""
    for at, release in enumerate((5, 7, 2)):
        says(bob, CLOSURE, "app:get", f"release:{release}", at=NOW - 10 + at)
        asked.read(bob)
        assert (release, "ok") == (asked.highest(), asked.answer())


def test_a_warning_about_the_newest_leaves_the_one_before(asked: Asked, bob: Party) -> None:
    """The newest is bad, and no release any more."""
    says(bob, closure_of(OLD), *GOOD)
    says(bob, CLOSURE, "app:get", "release:2")
    says(bob, CLOSURE, "app:get", "release:3", ok=False, at=NOW)
    asked.read(bob)
    assert ("ok", "bad") == (asked.answer(closure_of(OLD)), asked.answer())
    assert 1 == asked.highest()


def test_of_one_second_only_what_counts_is_a_release(asked: Asked, bob: Party) -> None:
    """A statement that does not count gets no help from one that does."""
    says(bob, CLOSURE, *GOOD)
    says(bob, CLOSURE, "app:get", "release:8", reviewed=False)
    says(bob, CLOSURE, "app:get", "release:9", needs=["something"])
    says(bob, CLOSURE, "app:get", "release:5", expires="2020-01-01T00:00:00Z")
    asked.read(bob)
    assert (1, "ok") == (asked.highest(), asked.answer())
    says(bob, CLOSURE, "app:get", "release:2")
    asked.read(bob)
    assert (2, "ok") == (asked.highest(), asked.answer())


@pytest.mark.parametrize("about", ["file", "list of files", "nothing"])
def test_an_ok_about_something_else_may_say_a_release(asked: Asked, bob: Party, about: str) -> None:
    """It says that there is one, and nothing else: no roots come of it, and nothing fails."""
    listed = manifest_of({"x": b""})
    id = {"file": file_id("x"), "list of files": str(listed.id), "nothing": file_id("y")}[about]
    more: dict[str, Any] = {"manifest": id} if about == "list of files" else {}
    bob.says(id, criteria=["app:get", "release:4"], **more)
    says(bob, CLOSURE, *GOOD)
    asked.read(bob, lists=[*lists_of(FILES), listed])
    assert (4, "unverified") == (asked.highest(), asked.answer())
    assert set(CLOSURE.roots.values()) == set(asked.vouched())


def test_roots_of_earlier_releases_were_looked_at(asked: Asked, bob: Party, carol: Party) -> None:
    """By those who count; those of other programs and of strangers were not."""
    says(bob, closure_of(OLD), *GOOD)
    says(bob, closure_of(OTHER), "app:other", "release:1")
    strange = {"app": {"x": b"strange"}}
    says(carol, closure_of(strange), *GOOD)
    asked.read(carol, counts=False, lists=lists_of(strange))
    asked.read(bob, lists=lists_of(OLD, OTHER))
    found = asked.vouched()
    assert {manifest_of(files).id for files in OLD.values()} == set(found)
    assert {bob.fingerprint} == {line.key for lines in found.values() for line in lines}


# --- how many, and what else they must say -------------------------------------------------------


def test_two_signers_count_together_for_one_release(asked: Asked, bob: Party, carol: Party) -> None:
    """Each for himself says all that is needed; one for another Python does not help."""
    config.change(asked.reader.workspace, "policy", {"ok": 2})
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    assert ("unverified", Reason.BELOW_POLICY) == (asked.answer(), asked.verdict().reason)
    says(carol, CLOSURE, *GOOD, "python:>=3.12")
    asked.read(carol)
    assert "unverified" == asked.answer()
    says(carol, CLOSURE, *GOOD, "python:>=3.11", at=NOW)
    asked.read(carol)
    assert "ok" == asked.answer()
    assert "unverified" == asked.answer(python="3.10.1")


def test_two_signers_of_two_closures_are_not_two(asked: Asked, bob: Party, carol: Party) -> None:
    """Nor does the same signer count twice."""
    config.change(asked.reader.workspace, "policy", {"ok": 2})
    says(bob, CLOSURE, *GOOD)
    says(bob, CLOSURE, *GOOD, comment="again")
    says(carol, closure_of(OLD), *GOOD)
    asked.read(bob, carol)
    assert ("unverified", "unverified") == (asked.answer(), asked.answer(closure_of(OLD)))


def test_criteria_of_the_policy_must_be_said_too(asked: Asked, bob: Party) -> None:
    """Then an ok without them raises no release either."""
    config.change(asked.reader.workspace, "policy", {"criteria": ["safe-to-run"]})
    says(bob, CLOSURE, *GOOD, "safe-to-run")
    says(bob, closure_of(OLD), "app:get", "release:2")
    asked.read(bob)
    assert ("ok", "unverified", 1) == (
        asked.answer(), asked.answer(closure_of(OLD)), asked.highest()
    )  # fmt: skip
    assert "it does not say safe-to-run" == asked.why(closure_of(OLD))


# --- warnings ------------------------------------------------------------------------------------


def test_a_warning_about_the_closure_wins(asked: Asked, bob: Party, carol: Party) -> None:
    """Whatever words it has, or none, and however it is about those bytes."""
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    assert "ok" == asked.answer()
    carol.says(str(CLOSURE.id), False)
    asked.read(carol)
    assert "bad" == asked.answer()
    carol.offered.clear()
    carol.offered.append(carol.withdrawal(str(CLOSURE.id), at=NOW))
    asked.read(carol)
    assert "ok" == asked.answer()
    says(carol, CLOSURE, "app:other", "release:1", ok=False, at=NOW + 1)
    asked.read(carol)
    assert "bad" == asked.answer()


def test_a_warning_about_the_list_of_a_root_marks_that_root(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """Whoever signed the closure. An ok about it marks it ok, and the closure not."""
    says(bob, CLOSURE, *GOOD)
    tree_statement(carol, manifest_of(IDNA))
    asked.read(bob, carol)
    assert {"app": "unknown", "dist/idna-3.10": "ok", "dist/requests-2.32.3": "unknown"} == (
        asked.roots()
    )
    assert "ok" == asked.answer()
    tree_statement(carol, manifest_of(INSTALLED), ok=False)
    asked.read(carol)
    assert {**BAD_ROOT, "dist/idna-3.10": "ok"} == asked.roots()


def test_oks_about_all_roots_make_no_program(asked: Asked, bob: Party) -> None:
    """They could be another, or an older one."""
    for files in FILES.values():
        tree_statement(bob, manifest_of(files))
    asked.read(bob)
    assert {"ok"} == set(asked.roots().values())
    assert "unknown" == asked.answer()


@pytest.mark.parametrize("listed", [INSTALLED, WHEEL], ids=["as installed", "as built"])
def test_a_warning_about_the_archive_that_holds_a_root(
    asked: Asked, bob: Party, carol: Party, listed: dict[str, bytes]
) -> None:
    """By who says what is in it, or by another: it is that archive. Also where it holds the RECORD
    that pip replaced."""
    says(bob, CLOSURE, *GOOD)
    bob.says(file_id("wheel"), manifest=str(manifest_of(listed).id))
    asked.read(bob, lists=[*lists_of(FILES), manifest_of(listed)])
    assert "ok" == asked.roots()["dist/requests-2.32.3"]
    carol.says(file_id("wheel"), False)
    asked.read(carol)
    assert BAD_ROOT == asked.roots()


def test_an_archive_that_only_strangers_say_holds_it_is_another(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """Else anyone could tie a program to whatever is bad."""
    says(bob, CLOSURE, *GOOD)
    bob.says(file_id("bad"), False)
    carol.says(file_id("bad"), manifest=str(manifest_of(INSTALLED).id))
    asked.read(bob)
    asked.read(carol, counts=False)
    assert "unknown" == asked.roots()["dist/requests-2.32.3"]
    asked.reader.trust(carol)
    assert BAD_ROOT == asked.roots()


def test_a_warning_about_the_wheel_counts_as_soon_as_its_list_is_here(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """Also where the closure was signed and run long before."""
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    assert {"unknown"} == set(asked.roots().values())
    tree_statement(carol, manifest_of(WHEEL), ok=False)
    asked.read(carol, lists=[])
    assert {"unknown"} == set(asked.roots().values())  # which files are in it is not known yet
    asked.read(carol, lists=[manifest_of(WHEEL)])
    assert BAD_ROOT == asked.roots()
    found = covering.roots(asked.reader.workspace, CLOSURE)[2]
    assert CLOSURE.roots[found.name] == found.verdict.id == found.id


@pytest.mark.parametrize(
    "more",
    [
        {f"{INFO}/{name}": b"x" for name in ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER",
                                             "REQUESTED", "direct_url.json", "uv_cache.json",
                                             "uv_build.json")},
        {"requests-2.32.3.data/scripts/x": b"x", "requests-2.32.3.data/headers/x/y.h": b"x"},
        {"requests-2.32.3.data/data/bin/x": b"x", "requests-2.32.3.data/data/Scripts/x.exe": b"x",
         "requests-2.32.3.data/data/include/site/python3.11/x.h": b"x"},
        {"__pycache__/x.pyc": b"x", "requests/__pycache__/api.cpython-311.pyc": b"x",
         "requests/old.pyc": b"x"},
    ],
    ids=["dist-info", "scripts", "data", "bytecode"],
)  # fmt: skip
def test_what_installers_write_makes_no_other_distribution(
    asked: Asked, bob: Party, carol: Party, more: dict[str, bytes]
) -> None:
    """Who makes a bad wheel could put any of it in, so that nobody knows it where it is."""
    says(bob, CLOSURE, *GOOD)
    wheel = manifest_of({**INSTALLED, **more})
    tree_statement(carol, wheel, ok=False)
    asked.read(bob)
    asked.read(carol, lists=[wheel])
    assert BAD_ROOT == asked.roots()


@pytest.mark.parametrize("scheme", ["purelib", "platlib", "data/lib/python3.11/site-packages"])
def test_where_in_a_wheel_a_file_lies_makes_no_other_distribution(
    asked: Asked, bob: Party, carol: Party, scheme: str
) -> None:
    """It comes to lie in the folder of packages all the same; another content is another."""
    moved = {
        path if ".dist-info" in path else f"requests-2.32.3.data/{scheme}/{path}": content
        for path, content in INSTALLED.items()
    }
    says(bob, CLOSURE, *GOOD)
    good = {**moved, f"requests-2.32.3.data/{scheme}/requests/api.py": b"other"}
    tree_statement(carol, manifest_of(good), ok=False)
    asked.read(bob)
    asked.read(carol, lists=[manifest_of(good)])
    assert "unknown" == asked.roots()["dist/requests-2.32.3"]
    tree_statement(carol, manifest_of(moved), ok=False)
    asked.read(carol, lists=[manifest_of(moved)])
    assert BAD_ROOT == asked.roots()


@pytest.mark.parametrize(
    "other",
    [
        {**INSTALLED, "requests/api.py": b"another"},
        {**INSTALLED, "requests/more.py": b""},
        {path: content for path, content in INSTALLED.items() if path != "requests/api.py"},
        {**INSTALLED, "RECORD": b""},
        {**INSTALLED, "requests/scripts/x": b""},
        {**INSTALLED, f"x/{INFO}/RECORD": b""},
        {**INSTALLED, f"{INFO}/RECORD/x": b""},
        {**INSTALLED, "requests-2.32.3.data/data/share/x": b""},
        {**INSTALLED, "x.data/purelib/requests/api.py": b"another"},
        {**INSTALLED, **IDNA},
    ],
    ids=range(10),
)
def test_anything_else_makes_another_distribution(
    asked: Asked, bob: Party, carol: Party, other: dict[str, bytes]
) -> None:
    """One file more, less, or different: what is said of the one is not said of the other."""
    assert not same_distribution(manifest_of(other), manifest_of(INSTALLED))
    says(bob, CLOSURE, *GOOD)
    tree_statement(carol, manifest_of(other), ok=False)
    tree_statement(bob, manifest_of(WHEEL))
    asked.read(bob, lists=[*lists_of(FILES), manifest_of(WHEEL)])
    asked.read(carol, lists=[manifest_of(other)])
    assert "ok" == asked.roots()["dist/requests-2.32.3"]


def test_the_word_about_a_wheel_counts_for_what_is_installed(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """But a warning of anyone who counts about either wins."""
    says(bob, CLOSURE, *GOOD)
    tree_statement(bob, manifest_of(WHEEL))
    asked.read(bob, lists=[*lists_of(FILES), manifest_of(WHEEL)])
    assert "ok" == asked.roots()["dist/requests-2.32.3"]
    other = {**WHEEL, f"{INFO}/RECORD": b"of another wheel"}
    tree_statement(carol, manifest_of(other), ok=False)
    asked.read(carol, lists=[manifest_of(other)])
    assert BAD_ROOT == asked.roots()


def test_a_warning_about_one_file_marks_that_file(asked: Asked, bob: Party, carol: Party) -> None:
    """Its bytes, wherever they are listed; in a file of the app too. The root is not marked."""
    says(bob, CLOSURE, *GOOD)
    carol.says(sha(INSTALLED["requests/api.py"]), False)
    carol.says(sha(APP["helper.py"]), True)
    carol.says(sha(b"unknown"), False)
    asked.read(bob, carol)
    assert ({"requests/api.py": "marked bad by 1 trusted signer"}, "ok") == (
        {name: told.removeprefix("is ") for name, told in asked.bad().items()}, asked.answer()
    )  # fmt: skip
    assert {"bad"}.isdisjoint(asked.roots().values())
    carol.says(sha(APP["helper.py"]), False, at=NOW)
    asked.read(carol)
    assert {"requests/api.py", "helper.py"} == set(asked.bad())


@pytest.mark.parametrize("listed", [INSTALLED, WHEEL], ids=["as installed", "as built"])
def test_a_warning_about_files_of_a_list_marks_those_files(
    asked: Asked, bob: Party, carol: Party, listed: dict[str, bytes]
) -> None:
    """By their bytes, which lie in the list that the warning names; and that list is bad."""
    says(bob, CLOSURE, *GOOD)
    tree_statement(carol, manifest_of(listed), ok=False, scope=["requests/api.py"])
    asked.read(bob)
    assert {} == asked.bad()
    asked.read(carol, lists=[manifest_of(listed)])
    assert (["requests/api.py"], BAD_ROOT) == (list(asked.bad()), asked.roots())


def test_a_warning_about_files_elsewhere_marks_the_same_bytes_here(
    asked: Asked, bob: Party, carol: Party
) -> None:
    """A copy of the file in another program; other files of that stay what they are."""
    elsewhere = manifest_of({"vendored/api.py": INSTALLED["requests/api.py"], **APP})
    says(bob, CLOSURE, *GOOD)
    tree_statement(carol, elsewhere, ok=False, scope=["vendored/api.py"])
    asked.read(bob)
    asked.read(carol, lists=[elsewhere])
    assert ["requests/api.py"] == list(asked.bad())
    assert {"unknown"} == set(asked.roots().values())


# --- lists that are not here ---------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["gone", "empty", "another", "longer"])
def test_a_list_that_is_damaged_is_not_here(asked: Asked, bob: Party, damage: str) -> None:
    """Its root has no files, and the verdict stays; the next fetch brings it again."""
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    id = manifest_of(INSTALLED).id
    place = asked.reader.path / objects.name(id)
    good = place.read_bytes()
    if damage == "gone":
        place.unlink()
    else:
        text = {"empty": b"", "another": manifest_of(WHEEL).text, "longer": good + good}[damage]
        place.write_bytes(text)

    def files() -> list[bool]:
        found = covering.roots(asked.reader.workspace, CLOSURE)
        return [root.files is not None for root in found]

    assert [True, True, False] == files()
    assert "ok" == asked.answer()
    asked.read(bob)
    assert good == place.read_bytes()
    assert [True, True, True] == files()


def test_the_closure_itself_comes_again_too(asked: Asked, bob: Party) -> None:
    """And a warning does not need any list to be here."""
    says(bob, CLOSURE, *GOOD)
    asked.read(bob)
    place = asked.reader.path / objects.name(CLOSURE.id)
    place.write_bytes(b"damaged")
    assert {} == asked.vouched()
    asked.read(bob)
    assert CLOSURE.text == place.read_bytes()
    for one in (asked.reader.path / "objects").rglob("*"):
        if one.is_file():
            one.unlink()
    says(bob, CLOSURE, ok=False, at=NOW)
    tree_statement(bob, manifest_of(APP), ok=False)
    asked.read(bob, lists=[])
    assert ("bad", "bad") == (asked.answer(), asked.roots()["app"])


def test_a_closure_in_a_closure_lists_no_more_roots(asked: Asked, bob: Party) -> None:
    """A root is a list of files: `app` and `dist/idna-3.10` are names of files then."""
    inner = manifest.read_canonical(CLOSURE.text)
    outer = Closure({"app": inner.id, "dist/idna-3.10": manifest_of(IDNA).id})
    says(bob, outer, *GOOD)
    asked.read(bob, lists=[*lists_of(FILES), manifest.read_canonical(outer.text)])
    assert ("ok", "unknown") == (asked.answer(outer), asked.answer())
    found = covering.roots(asked.reader.workspace, outer)
    assert ["app", "dist/idna-3.10"] == [root.name for root in found]
    assert found[0].files is not None and set(CLOSURE.roots) == set(found[0].files.files)
    assert {manifest_of(IDNA).id, inner.id} == set(asked.vouched())


def test_one_list_may_be_that_of_many_roots(asked: Asked, bob: Party) -> None:
    """A closure that names itself cannot be made; one that names one list always can."""
    id = manifest_of(IDNA).id
    closure = Closure({f"dist/x{number}-1": id for number in range(50)})
    says(bob, closure, *GOOD)
    tree_statement(bob, manifest_of(IDNA), ok=False)
    asked.read(bob, lists=[manifest.read_canonical(closure.text), manifest_of(IDNA)])
    assert {"bad"} == set(asked.roots(closure).values())


def test_a_root_that_is_no_list_is_told(asked: Asked, bob: Party) -> None:
    """It never comes by a fetch; where it lies all the same, it is no list."""
    raw = b"this is no list\n"
    closure = Closure({"app": Identifier.of_bytes(raw)})
    says(bob, closure, *GOOD)
    asked.read(bob, lists=[manifest.read_canonical(closure.text)])
    asked.web.pages[bob.url + objects.name(Identifier.of_bytes(raw))] = raw
    asked.reader.fetch_all()
    assert [None] == [one.files for one in covering.roots(asked.reader.workspace, closure)]
    place = asked.reader.path / objects.name(Identifier.of_bytes(raw))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(raw)
    with pytest.raises(FormatError):
        covering.roots(asked.reader.workspace, closure)


# --- how long it takes ---------------------------------------------------------------------------


def stored(reader: Reader, lists: list[Manifest]) -> None:
    """Put lists into the folder."""
    for one in lists:
        place = reader.path / objects.name(one.id)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(one.text)


def wheel(name: str, files: int = 20) -> Manifest:
    """The list of a distribution."""
    made = {f"{name}/{number}.py": f"{name}{number}".encode() for number in range(files)}
    return manifest_of({**made, f"{name}-1.dist-info/METADATA": name.encode()})


def took(began: float) -> float:
    return time.process_time() - began


def test_a_closure_of_many_roots_is_judged_in_time(asked: Asked, bob: Party) -> None:
    """A thousand distributions of twenty files: more than anybody has."""
    lists = [wheel(f"x{number}") for number in range(1000)]
    closure = Closure({f"dist/x{number}-1": one.id for number, one in enumerate(lists)})
    says(bob, closure, *GOOD)
    asked.read(bob, lists=[manifest.read_canonical(closure.text)])
    stored(asked.reader, lists)
    workspace = asked.reader.workspace
    began = time.process_time()
    known = covering.releases(workspace, "get")
    assert Answer.OK is covering.closure_verdict(workspace, closure, known, PYTHON).answer
    found = covering.roots(workspace, closure)
    assert {} == covering.bad_files(workspace, found)
    assert took(began) < 6


def test_lists_of_whole_environments_take_no_time(asked: Asked, bob: Party) -> None:
    """Somebody who attests their site-packages each week has a list of it for each week, with all
    METADATA in it: none is of one of its distributions."""
    names = [f"x{number}" for number in range(60)]
    lists = [wheel(name, 50) for name in names]
    every = {path: digest for one in lists for path, digest in one.files.items()}
    weeks = [Manifest({**every, "week": f"{week:064x}"}) for week in range(60)]
    closure = Closure({f"dist/{name}-1": one.id for name, one in zip(names, lists, strict=True)})
    says(bob, closure, *GOOD)
    tree_statement(bob, weeks[0], ok=False)
    asked.read(bob, lists=[manifest.read_canonical(closure.text)])
    stored(asked.reader, [*lists, *weeks])
    began = time.process_time()
    assert {"unknown"} == {
        one.verdict.answer.value for one in covering.roots(asked.reader.workspace, closure)
    }
    assert took(began) < 3


def test_a_flood_of_words_about_one_closure_takes_its_time(asked: Asked, bob: Party) -> None:
    """Of strangers: each with a release, each of the same second."""
    says(bob, CLOSURE, *GOOD)
    carol = Party("carol")
    one = says(carol, CLOSURE, "app:get", "release:2")
    carol.offered.clear()
    for number in range(1500):
        criteria = ["app:get", f"release:{number + 2}"]
        carol.offered.append({**one, "data": {**one["data"], "criteria": criteria}})
    asked.read(bob)
    asked.read(carol, counts=False)
    began = time.process_time()
    assert (1, "ok") == (asked.highest(), asked.answer())
    assert took(began) < 5


@pytest.mark.parametrize("kind", ["names", "digests"])
def test_a_list_full_of_metadata_is_compared_once(asked: Asked, kind: str) -> None:
    """However many names of distributions stand in it, and in others beside it."""
    files = {f"y{number}.dist-info/METADATA": f"{number:064x}" for number in range(5000)}
    lists = []
    for other in range(8):
        more = {"x": f"{other:064x}"}
        if kind == "digests":
            more = {f"y{number}.dist-info/METADATA": f"{number + other:064x}"
                    for number in range(5000)}  # fmt: skip
        lists.append(Manifest({**files, **more}))
    closure = Closure({"app": lists[0].id})
    stored(asked.reader, [*lists, manifest.read_canonical(closure.text)])
    began = time.process_time()
    assert ["unknown"] == [
        one.verdict.answer.value for one in covering.roots(asked.reader.workspace, closure)
    ]
    assert took(began) < 3
