"""What is fast, and against whom: every target side by side with another command, in one run.

    python benchmarks/run.py                 the table
    python benchmarks/run.py --only verify   one row
    python benchmarks/run.py --quick         small numbers: does it run, not how fast

Prints a Markdown table. Commands that are compared take turns; the median of each counts. All data
is made in a temporary folder, and nothing of the person who runs this is touched.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import files
import imports
import remotes
from served import NGINX
from world import QUICK, Bench, Row, Size, bench

ROWS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "verify": files.verify,
    "native": files.native,
    "many": files.many,
    "hash": files.hashing,
    "tree": files.tree,
    "wheel": files.wheel,
    "fetch": remotes.first_fetch,
    "unchanged": remotes.unchanged,
    "attest": files.attest,
    "verdicts": files.verdicts,
    "programs": imports.programs,
    "loaders": imports.loaders,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="What is fast, and against whom.")
    parser.add_argument("--quick", action="store_true", help="small numbers: a smoke test")
    parser.add_argument("--only", choices=list(ROWS), help="one row")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else Size()
    with tempfile.TemporaryDirectory(prefix="sig-bench-") as name, bench(Path(name), size) as world:
        if arguments.quick:
            print("Small numbers: they show that it runs, and nothing else.\n")
        print(machine(), flush=True)
        print("\n| what | ours | beside | ratio | target | met |")
        print("| --- | --- | --- | --- | --- | --- |", flush=True)
        failed = 0
        for name, function in ROWS.items():
            if arguments.only in (None, name):
                try:
                    for row in function(world):
                        print(row.line, flush=True)
                except Exception as error:
                    failed += 1
                    print(f"| {name} | failed: {type(error).__name__} | | | | **no** |", flush=True)
                    print(f"{name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def machine() -> str:
    """What it ran on, and how busy that was with other work."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')} · {model}, {os.cpu_count()} processors, load {load}"
        f" · {platform.system()} {platform.release()} · Python {platform.python_version()}"
        f" · remotes served by {'nginx' if NGINX else 'Python'}"
    )


if __name__ == "__main__":
    sys.exit(main())
