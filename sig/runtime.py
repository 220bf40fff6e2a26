"""What this process runs under: asked by a program of itself.

In a program that `sig run` or a loader has started this module is another one, handed in with what
was decided (`sig.imports.bootstrap`, B5); it needs no sig among its distributions. What lies here
answers for all others.
"""

from __future__ import annotations

from typing import Any


def context() -> dict[str, Any] | None:
    """Who vouched for this program, by what policy, and what it is made of; None where nobody was
    asked.

    ``app`` and ``release``, None for one that says none; ``closure`` is the id of its list and
    ``roots`` those of what that lists; ``signers`` are the keys whose word counted; ``policy`` is
    ``run``, ``enforce`` or ``strict``, and ``loader`` the path of the loader, None for `sig run`.

    A variable of the environment is a hint that anybody can set; this cannot be had without having
    been decided. It says nothing to who runs code in this process.
    """
    return None
