"""What installers make of a wheel, as names and places (docs/spec/closure §3).

Here: the words of it, said once for the rooms that go by them, and which distributions a list of
files has. Not here: what follows: where a file of a wheel lies (`sig.repo.installed`), and in which
files two lists of one distribution may differ (`sig.verbs.covering`). The child of a run has the
first of these itself, for it gets nothing but what is packed for it (`sig.imports.covered`).
"""

from __future__ import annotations

import re

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

_METADATA = b".dist-info/METADATA"
_METADATA_LINE = re.compile(rb"[0-9a-f]{64}  (?:[^\n]*/)?[^/\n]+\.dist-info/METADATA")


def metadata(text: bytes) -> bytes:
    """The digests of METADATA in a list: one in that of a distribution, none in most others."""
    found = set()
    end = 0
    # A pattern that is tried at each line takes twenty times as long.
    while (place := text.find(_METADATA, end)) >= 0:
        end = place + len(_METADATA)
        if text[end : end + 1] in (b"\n", b""):  # the line ends here: each is looked at once
            start = text.rfind(b"\n", 0, place) + 1
            if _METADATA_LINE.fullmatch(text, start, end):
                found.add(text[start : start + 64])
    return b" ".join(sorted(found))
