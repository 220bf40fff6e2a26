"""Plug-ins for a host: judged, then loaded from what was judged.

    import sig.plugins

    tool = sig.plugins.load("plugins/tool.whl")
    found = sig.plugins.discover("plugins", "my-host.tools")

Both load what someone who counts signed, and raise one of `SigImportError` for the rest; a `Plugin`
says what is believed of it, and who said what. docs/guides/plugins has examples. The hook before
all that a host imports from a folder is `sig.imports.install`.
"""

from __future__ import annotations

from sig.imports.asking import ALWAYS, NO, ONCE
from sig.imports.errors import Differs, MarkedBad, NotCovered, SigImportError, Unreadable
from sig.imports.loading import Entry, Found, discover, load
from sig.verbs.plugins import Plugin

__all__ = [
    "ALWAYS",
    "NO",
    "ONCE",
    "Differs",
    "Entry",
    "Found",
    "MarkedBad",
    "NotCovered",
    "Plugin",
    "SigImportError",
    "Unreadable",
    "discover",
    "load",
]
