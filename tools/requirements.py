"""Print the requirements of dependency groups of pyproject.toml, one a line, for any pip."""

import sys
import tomllib
from pathlib import Path


def main() -> None:
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        groups = tomllib.load(file)["dependency-groups"]
    wanted = sys.argv[1:]
    for name in wanted:  # grows while it is read: a group may include others
        for item in groups[name]:
            if isinstance(item, str):
                print(item)
            else:
                wanted.append(item["include-group"])


main()
