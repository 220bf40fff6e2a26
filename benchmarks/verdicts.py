"""Verdicts about lists of files, in one process: the first, and each further.

python benchmarks/verdicts.py FOLDER ID…        prints milliseconds of processors of both.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sig.model import manifest
from sig.model.identifier import Identifier
from sig.model.verdict import Answer
from sig.repo import objects
from sig.verbs.trees import list_verdicts
from sig.verbs.workspace import Workspace


def main() -> int:
    workspace = Workspace(Path(sys.argv[1]))
    first, *others = map(Identifier, sys.argv[2:])
    times = [time.process_time()]

    def judge() -> None:
        """As a run does with the roots of a closure."""
        for ids in ([first], others):
            verdicts = list_verdicts(workspace, ids)
            for id in ids:
                text = objects.read(workspace.home, id)
                assert text is not None
                manifest.read_canonical(text)
                assert verdicts[id].answer is Answer.OK
            times.append(time.process_time())

    workspace.consistent(judge)
    print((times[1] - times[0]) * 1000, (times[2] - times[1]) * 1000 / max(len(others), 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
