"""How much is enough: the policy that a verdict is measured by, and its defaults.

Read from and written to the `policy` of a configuration (docs/reference/configuration):

P1  A missing field has its default; so a folder of 2016, which knows `ok` and `not-ok` only, reads.
P2  An unknown field or a bad value is refused by name: a policy is never guessed.
P3  Of two policies the stricter of each field holds: a user cannot loosen what the site asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sig.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHOICES = {"count": True, "refuse": False}
_MEANING = {True: "count", False: "refuse"}
_LARGEST = 2**53 - 1


class Policy(NamedTuple):
    """`ok` signers must say ok, and at most `not_ok` may say the opposite.

    `criteria` are words that a statement must carry to count as ok. `late` and `stale` say whether
    an ok counts that was first met after the end of its key, or whose every source is out of date.
    Neither touches a warning: that always counts.
    """

    ok: int = 1
    not_ok: int = 0
    criteria: frozenset[str] = frozenset()
    late: bool = True
    stale: bool = False


def read(data: Mapping[str, Any]) -> Policy:
    """The policy of a configuration. Raises FormatError that names the field."""
    for name in data:
        if name not in {"ok", "not-ok", "criteria", "late", "stale"}:  # P2
            raise FormatError(f"policy: unknown field {name[:64]!r}")
    return Policy(
        ok=_number(data.get("ok", 1), "ok", 1),
        not_ok=_number(data.get("not-ok", 0), "not-ok", 0),
        criteria=_words(data.get("criteria", [])),
        late=_choice(data.get("late", "count"), "late"),
        stale=_choice(data.get("stale", "refuse"), "stale"),
    )


def write(policy: Policy) -> dict[str, Any]:
    """The JSON of a policy, every field of it: what it was when it was written stays readable."""
    return {
        "ok": policy.ok,
        "not-ok": policy.not_ok,
        "criteria": sorted(policy.criteria),
        "late": _MEANING[policy.late],
        "stale": _MEANING[policy.stale],
    }


def tightened(site: Policy, user: Policy) -> Policy:
    """The stricter of each field (P3)."""
    return Policy(
        ok=max(site.ok, user.ok),
        not_ok=min(site.not_ok, user.not_ok),
        criteria=site.criteria | user.criteria,
        late=site.late and user.late,
        stale=site.stale and user.stale,
    )


def _number(value: Any, name: str, least: int) -> int:
    # true is not 1: a bool is an int to Python.
    if type(value) is not int or not least <= value <= _LARGEST:
        raise FormatError(f"policy: {name} is not a number from {least} on")
    return value


def _words(value: Any) -> frozenset[str]:
    if type(value) is not list or any(type(word) is not str or not word for word in value):
        raise FormatError("policy: criteria is not a list of words")
    return frozenset(value)


def _choice(value: Any, name: str) -> bool:
    if type(value) is not str or value not in _CHOICES:
        raise FormatError(f"policy: {name} is neither count nor refuse")
    return _CHOICES[value]
