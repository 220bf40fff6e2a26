"""What is fuzzed: everything that reads bytes of strangers, or of a disk.

A target takes bytes and raises if a promise does not hold. Not only "no crash": what the tree of
errors does not know must not come out, what was read is written back to what reads the same, and
what counts as verified another engine must verify too.
"""

from __future__ import annotations

import sys
from pathlib import Path

if str(Path(__file__).parent) not in sys.path:
    sys.path.insert(0, str(Path(__file__).parent))

import of_documents
import of_loaders
import of_objects
import of_openpgp
import of_trees
import of_words
from fuzzer import Target

REGRESSIONS = Path(__file__).parent / "regressions"
TARGETS: dict[str, Target] = {
    **of_documents.TARGETS,
    **of_loaders.TARGETS,
    **of_objects.TARGETS,
    **of_openpgp.TARGETS,
    **of_trees.TARGETS,
    **of_words.TARGETS,
}


def seeds(name: str) -> list[bytes]:
    """The first inputs of a target: its own, and what was found by it once."""
    found = [path.read_bytes() for path in sorted(REGRESSIONS.glob(f"{name}.*"))]
    return [*TARGETS[name].seeds(), *found]
