"""What somebody is asked about a plug-in that nobody who counts stands behind, and the answers.

Here: the words, for a host that asks of itself (`hosting`) and for `sig.plugins` (`loading`). Not
here: about what is asked, and what an answer does.
"""

from __future__ import annotations

from collections.abc import Callable

from sig.imports.opening import shown
from sig.model.manifest import Manifest
from sig.verbs.plugins import Plugin

ONCE, ALWAYS, NO = "once", "always", "no"

Ask = Callable[[Plugin, str], str]
"""Gets the plug-in and the question, and gives one of the answers."""


def question(plugin: Plugin, files: Manifest) -> str:
    """What is asked about a plug-in with these files."""
    many = f"{len(files)} files" if len(files) > 1 else "this file"
    return (
        f"{shown(plugin.path)} is not covered: {shown(plugin.verdict.message)}. Load it once, or "
        f"always, which signs that you reviewed {many} and found no major flaw?"
    )
