"""Makes vectors/policy/policies.json: policies that are read, refused, and the stricter of two.

    python vectors/make_policy.py

What is expected is written here by hand, from docs/reference/configuration; nothing of `sig` is
imported. The format of the file stands in vectors/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "policy"
DEFAULT = {"ok": 1, "not-ok": 0, "criteria": [], "late": "count", "stale": "refuse"}
OF_2016 = {"ok": 2, "not-ok": 1}
LARGEST = 2**53 - 1

READ: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    (DEFAULT, {}),
    (OF_2016, OF_2016),
    ({"ok": LARGEST, "not-ok": LARGEST}, {"ok": LARGEST, "not-ok": LARGEST}),
    ({"criteria": ["b", "a", "b", "é"]}, {"criteria": ["a", "b", "é"]}),
    ({"late": "refuse", "stale": "count"}, {"late": "refuse", "stale": "count"}),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"fresh": "24h"}, "policy: unknown field 'fresh'"),
    ({"OK": 1}, "policy: unknown field 'OK'"),
    ({"not_ok": 0}, "policy: unknown field 'not_ok'"),
    ({"": 1}, "policy: unknown field ''"),
    ({"x" * 70: 1}, f"policy: unknown field '{'x' * 64}'"),
    ({"it's": 1}, 'policy: unknown field "it\'s"'),
    *(
        ({"ok": value}, "policy: ok is not a number from 1 on")
        for value in (0, -1, True, False, None, "1", [1], {})
    ),
    *(
        ({"not-ok": value}, "policy: not-ok is not a number from 0 on")
        for value in (-1, True, False, None, "0", [], {})
    ),
    *(
        ({"criteria": value}, "policy: criteria is not a list of words")
        for value in (None, "a", {}, {"a": 1}, [""], ["a", 1], [["a"]], [None])
    ),
    *(
        ({name: value}, f"policy: {name} is neither count nor refuse")
        for name in ("late", "stale")
        for value in (None, True, 1, "", "Count", "counts", ["count"])
    ),
]
# The site's, the user's, and what holds.
TIGHTENED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {}, {}),
    ({"ok": 2}, {}, {"ok": 2}),
    ({}, {"ok": 2}, {"ok": 2}),
    ({"ok": 3, "not-ok": 1}, {"ok": 2, "not-ok": 2}, {"ok": 3, "not-ok": 1}),
    ({"not-ok": 1}, {"not-ok": 0}, {}),
    ({"criteria": ["a"]}, {"criteria": ["b", "a"]}, {"criteria": ["a", "b"]}),
    ({"late": "refuse"}, {"stale": "count"}, {"late": "refuse"}),
    ({"stale": "count"}, {"stale": "count", "late": "refuse"}, {"stale": "count", "late": "refuse"}),
]  # fmt: skip


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made: list[dict[str, Any]] = [{"policy": said, "read": DEFAULT | read} for said, read in READ]
    made += [{"policy": said, "refused": why} for said, why in REFUSED]
    made += [
        {"site": site, "user": user, "read": DEFAULT | both} for site, user, both in TIGHTENED
    ]
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in made)
    (FOLDER / "policies.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
