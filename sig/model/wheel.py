"""What installers make of a wheel, as names and places (docs/spec/closure §3).

Here: the words of it, said once for the rooms that go by them. Not here: what follows: where a file
of a wheel lies (`sig.repo.installed`), and in which files two lists of one distribution may differ
(`sig.verbs.covering`). The child of a run has the first of these itself, for it gets nothing but
what is packed for it (`sig.imports.covered`).
"""

from __future__ import annotations

DIRECT_URL = "direct_url.json"
"""Where an installer writes down what it was given, an editable folder among it."""
WRITTEN = frozenset(
    ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", DIRECT_URL)
    + ("uv_build.json", "uv_cache.json")
)
"""What an installer writes into a ``*.dist-info``; it is nobody's, also in a wheel."""

PROGRAMS = ("bin", "Scripts")
"""Folders of an environment where programs lie."""
HEADERS = r"include/(?:site/)?python3[^/]*"
"""The pattern of its folders with headers of C."""
PACKAGES = r"lib(?:64)?/python3[^/]*/(?:site|dist)-packages"
"""The pattern of its folders of packages."""
