"""The policy: strict in what it reads, and never looser than the site's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError
from sig.trust.policy import Policy, read, tightened, write
from tests import vectors

POLICIES = st.builds(
    Policy,
    ok=st.integers(1, 9),
    not_ok=st.integers(0, 9),
    criteria=st.frozensets(st.sampled_from(["reproduced", "publisher", "safe-to-run"])),
    late=st.booleans(),
    stale=st.booleans(),
)


def test_an_empty_policy_is_the_default() -> None:
    """P1: one ok is enough, one warning is too much, late counts, stale does not."""
    assert Policy(1, 0, frozenset(), True, False) == read({})


def test_the_policy_of_2016_reads() -> None:
    """P1: that program wrote these two fields."""
    assert Policy(ok=2, not_ok=1) == read({"ok": 2, "not-ok": 1})


def test_every_field_is_read() -> None:
    """Each name of the JSON means what the reference says."""
    found = read({"criteria": ["reproduced"], "late": "refuse", "stale": "count"})
    assert Policy(criteria=frozenset({"reproduced"}), late=False, stale=True) == found


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ({"ok": 0}, "ok"),
        ({"ok": -1}, "ok"),
        ({"ok": True}, "ok"),
        ({"ok": 1.0}, "ok"),
        ({"ok": "1"}, "ok"),
        ({"ok": None}, "ok"),
        ({"ok": 2**53}, "ok"),
        ({"not-ok": -1}, "not-ok"),
        ({"not-ok": False}, "not-ok"),
        ({"not_ok": 1}, "not_ok"),
        ({"OK": 1}, "OK"),
        ({"criteria": "reproduced"}, "criteria"),
        ({"criteria": [1]}, "criteria"),
        ({"criteria": [""]}, "criteria"),
        ({"criteria": None}, "criteria"),
        ({"late": True}, "late"),
        ({"late": "ignore"}, "late"),
        ({"late": ["count"]}, "late"),
        ({"stale": "Count"}, "stale"),
        ({"trust": 1}, "trust"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(data: dict[str, Any], name: str) -> None:
    """P2: a policy that could be misread is no policy."""
    with pytest.raises(FormatError, match=name):
        read(data)


@settings(deadline=None)
@given(POLICIES)
def test_what_is_written_reads_back(policy: Policy) -> None:
    """No field is lost on paper."""
    assert policy == read(write(policy))


@settings(deadline=None)
@given(POLICIES, POLICIES)
def test_neither_of_two_policies_is_loosened(site: Policy, user: Policy) -> None:
    """P3: each field of the result is at least as strict as both."""
    both = tightened(site, user)
    for each in (site, user):
        assert both.ok >= each.ok
        assert both.not_ok <= each.not_ok
        assert both.criteria >= each.criteria
        assert both.late <= each.late
        assert both.stale <= each.stale
    assert both == tightened(user, site)
    assert site == tightened(site, site)


def test_the_default_of_a_user_does_not_loosen_a_strict_site() -> None:
    """P3, the case that matters: no user policy at all."""
    site = Policy(ok=3, criteria=frozenset({"reproduced"}), late=False)
    assert site == tightened(site, Policy())


@pytest.mark.parametrize(
    "case", json.loads((vectors.VECTORS / "policy/policies.json").read_text("utf-8"))
)
def test_a_policy_is_read_or_refused_as_the_vectors_say(case: dict[str, Any]) -> None:
    """P1 to P3, as the native core has them too."""
    if "refused" in case:
        with pytest.raises(FormatError) as caught:
            read(case["policy"])
        assert case["refused"] == caught.value.message
    elif "policy" in case:
        assert case["read"] == write(read(case["policy"]))
    else:
        assert case["read"] == write(tightened(read(case["site"]), read(case["user"])))
