"""Fail if a page of the built documentation makes a browser ask anybody but its own host.

Links that a person may click are no matter; what a page loads by itself is.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {"src", "srcset", "poster", "data", "action"}
ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//[^'\")\s]*", re.IGNORECASE)


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name, value in attrs:
            loads = name in LOADS or (tag == "link" and name == "href")
            if tag == "link" and (given.get("rel") or "").lower() in {"canonical", "next", "prev"}:
                loads = False
            if loads and value and ELSEWHERE.match(value):
                self.found.append(f"<{tag} {name}={value!r}>")


def requests_of(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".css":
        return IN_STYLE.findall(text)
    page = Page()
    page.feed(text)
    return page.found + IN_STYLE.findall(text)


def main() -> int:
    site = Path(sys.argv[1])
    files = sorted([*site.rglob("*.html"), *site.rglob("*.css")])
    if not files:
        print(f"error: no pages in {site}", file=sys.stderr)
        return 1
    bad = [(file, found) for file in files for found in requests_of(file)]
    for file, found in bad:
        print(f"error: {file} asks a third party: {found}", file=sys.stderr)
    return 1 if bad else 0


sys.exit(main())
