"""What a statement means: each field, each rule, and that a warning stands whatever is odd."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.model import wire
from sig.model.statement import KNOWN_FIELDS

ID = "sha256:" + "a" * 64
BASE = "sha256:" + "b" * 64
OK = {"id": ID, "ok": True, "reviewed": True}
PARTIAL = {"id": ID, "ok": True, "reviewed": False}
WARNING = {"id": ID, "ok": False, "reviewed": True}

# Each breaks one rule in a statement that is otherwise sound.
ODD: list[dict[str, Any]] = [
    {"reviewed": None},
    {"reviewed": 1},
    {"reviewed": "true"},
    {"reviewed": True, "base": BASE},
    {"reviewed": True, "scope": ["a"]},
    {"reviewed": True, "method": "tool:lint"},
    {"reviewed": True, "method": "model:m"},
    {"base": "sha256:b"},
    {"base": "sha512:" + "b" * 128},
    {"base": None},
    {"scope": "a"},
    {"scope": [1]},
    {"scope": {}},
    {"method": "Human"},
    {"method": "tool:"},
    {"method": "tool"},
    {"method": "robot:x"},
    {"method": 1},
    {"criteria": "x"},
    {"criteria": [None]},
    {"aliases": "sha512:aa"},
    {"aliases": ["sha512"]},
    {"aliases": ["sha512:"]},
    {"aliases": [":aa"]},
    {"aliases": ["sha512:AA"]},
    {"aliases": ["sha512:zz"]},
    {"aliases": [1]},
    {"comment": 7},
    {"comment": None},
    {"comment": "a" * (64 * 1024 + 1)},
    {"comment": "ü" * (32 * 1024 + 1)},
    {"needs": "x"},
    {"needs": [1]},
    {"expires": 7},
    {"expires": "2026-01-31"},
    {"expires": "2026-02-30T00:00:00Z"},
    {"name": 1},
    {"size": -1},
    {"size": True},
    {"size": "1"},
    {"manifest": "sha256:x"},
    {"manifest": None},
    {"exclude": ["*.pyc"]},  # without a manifest
    {"exclude": "*", "manifest": BASE},
    {"evidence": {}},
    {"evidence": ["x"]},
    {"evidence": [{"url": "x"}]},
    {"evidence": [{"id": 1}]},
    {"evidence": [{"id": "x", "other": "y"}]},
    {"withdrawn": 1},
    {"withdrawn": "true"},
]


def without_none(data: dict[str, Any]) -> dict[str, Any]:
    """`reviewed: None` stands for a missing field here; null in another field is tried as null."""
    return {name: value for name, value in data.items() if name != "reviewed" or value is not None}


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_breaks_a_rule_is_malformed(odd: dict[str, Any]) -> None:
    """docs/spec/statement §2."""
    with pytest.raises(FormatError):
        wire.statement(without_none(OK | {"reviewed": False} | odd))


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_warning_stands_whatever_is_odd_in_it(odd: dict[str, Any]) -> None:
    """docs/spec/statement §3: with a sound id and `ok` false, and what is odd is named."""
    found = wire.statement(without_none(WARNING | {"reviewed": False} | odd))
    assert (True, False, False) == (found.negative, found.positive, found.withdrawn)
    assert found.odd


def test_a_warning_with_everything_odd_stands() -> None:
    """docs/spec/statement §3."""
    data = {name: [None] for name in KNOWN_FIELDS} | {"id": ID, "ok": False, "unknown": 1}
    found = wire.statement(data)
    assert found.negative
    assert data == found.data
    assert ("", "human", None, None, (), (), (), None) == (
        found.comment,
        found.method,
        found.base,
        found.scope,
        found.criteria,
        found.aliases,
        found.needs,
        found.expires,
    )


@pytest.mark.parametrize(
    "id",
    [
        None,
        7,
        [],
        {},
        "",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "SHA256:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:" + "g" * 64,
        "sha1:" + "a" * 40,
        "sha1:" + "a" * 64,
        "md5:" + "a" * 32,
        "a" * 64,
        "sha256" + "a" * 64,
        "openpgp4fpr:",
        "x: y",
        "x:" + "a" * 257,
    ],
)
def test_without_a_sound_id_there_is_no_statement(id: Any) -> None:
    """Not even a warning: of what?"""
    for data in (OK, WARNING):
        with pytest.raises(FormatError):
            wire.statement(data | {"id": id})
        with pytest.raises(FormatError):
            wire.statement({name: value for name, value in data.items() if name != "id"})


def test_another_scheme_is_kept_and_names_no_bytes() -> None:
    """docs/spec/statement §2."""
    found = wire.statement(OK | {"id": "openpgp4fpr:0123ABCD"})
    assert not found.id.names_bytes
    assert wire.statement(OK).id.names_bytes


@pytest.mark.parametrize("ok", [None, 0, 1, "false", "true", [], {}])
def test_ok_is_true_or_false(ok: Any) -> None:
    """0 is not false, and no warning; 1 is not true."""
    with pytest.raises(FormatError):
        wire.statement(OK | {"ok": ok})
    with pytest.raises(FormatError):
        wire.statement({"id": ID, "reviewed": True})


def test_a_withdrawal_is_neither_positive_nor_negative() -> None:
    """docs/spec/statement §2; what is odd in it makes it malformed, for it takes a warning away."""
    data = {"id": ID, "ok": False, "reviewed": False, "withdrawn": True}
    found = wire.statement(data)
    assert (False, False, True) == (found.negative, found.positive, found.withdrawn)
    for odd in ({"ok": True}, {"reviewed": True}, {"comment": 7}, {"needs": 1}, {"base": "x"}):
        with pytest.raises(FormatError):
            wire.statement(data | odd)


def test_a_statement_that_is_not_withdrawn_says_so_too() -> None:
    """`withdrawn` false is as none."""
    assert wire.statement(OK | {"withdrawn": False}).positive
    assert wire.statement(WARNING | {"withdrawn": False}).negative


def test_every_field_is_read() -> None:
    """The positive twin of all above."""
    data = PARTIAL | {
        "comment": "ü" * (32 * 1024),
        "name": "pkg:pypi/x@1",
        "size": 0,
        "aliases": ["sha512:" + "a" * 128, "blake3:aa"],
        "manifest": BASE,
        "exclude": ["*.pyc"],
        "base": BASE,
        "scope": ["a", "b/c"],
        "method": "tool:lint",
        "criteria": ["safe-to-run"],
        "evidence": [{"id": "sha256:x"}, {"id": "x", "url": "https://example.org"}],
        "expires": "2026-01-31T23:59:59Z",
        "needs": ["base", "platform"],
        "platform": "windows",
    }
    found = wire.statement(data)
    assert (data, None, ("platform",)) == (found.data, found.odd, found.unknown_needs)
    assert (("a", "b/c"), BASE, "tool:lint", ("safe-to-run",)) == (
        found.scope,
        found.base,
        found.method,
        found.criteria,
    )
    assert (1769903999, ("sha512:" + "a" * 128, "blake3:aa")) == (found.expires, found.aliases)
    assert ("tool:lint", BASE) == found.topic


def test_only_a_human_who_read_all_has_reviewed() -> None:
    """A reader of 2016 would take the others for a full review."""
    assert wire.statement(OK).reviewed
    assert wire.statement(OK | {"method": "human"}).reviewed
    parts: list[dict[str, Any]] = [{"base": BASE}, {"scope": []}, {"method": "tool:x"}]
    for partial in parts:
        assert not wire.statement(PARTIAL | partial).reviewed


@settings(deadline=None)
@given(st.booleans(), st.booleans(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_2016_wrote_means_the_same(ok: bool, reviewed: bool, comment: str) -> None:
    """Four fields, and nothing else in their topic."""
    data = {"id": ID, "ok": ok, "reviewed": reviewed, "comment": comment}
    found = wire.statement(data)
    assert (ok, not ok, reviewed, comment, ("human", None), None) == (
        found.positive,
        found.negative,
        found.reviewed,
        found.comment,
        found.topic,
        found.odd,
    )
