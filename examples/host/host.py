"""A host that greets in as many ways as it has plug-ins that count.

python host.py PLUGINS [--ask]
"""

from __future__ import annotations

import sys
from pathlib import Path

import sig.plugins


def ask(plugin: sig.plugins.Plugin, question: str) -> str:
    """Show who says what, and take a word: once, always or no."""
    for one in plugin.verdict.statements:
        print(f"  {one.state.value} {one.uid} {one.comment!r}", file=sys.stderr)
    return input(f"  {question} (once/always/no): ")


def main() -> None:
    folder = Path(sys.argv[1])
    asked = ask if "--ask" in sys.argv[2:] else None
    for path in sorted(folder.iterdir()):
        try:
            greeter = sig.plugins.load(path, ask=asked)
        except sig.plugins.SigImportError as error:
            print(f"{path.name}: left out, {error.message}")
        else:
            print(f"{path.name}: {greeter.greet()}")


if __name__ == "__main__":
    main()
