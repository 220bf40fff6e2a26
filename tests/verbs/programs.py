"""Programs and what they may load, as lists alone, and those who sign them: no disk, no Python.

story = Story(reader, web)
story.signs(bob, story.closure(), release=2)
story.read(bob)
assert "ok" == story.answer()
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sig.model import manifest
from sig.model.closure import Closure
from sig.model.identifier import Identifier
from sig.model.manifest import Manifest
from sig.model.verdict import Judged, Verdict
from sig.repo import objects
from sig.verbs import covering
from tests.verbs.forest import manifest_of
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, fetched_since

APP = {"get.py": b"import requests\n", "helper.py": b"1\n"}
INFO = "requests-2.32.3.dist-info"
INSTALLED = {
    "requests/__init__.py": b"2\n",
    "requests/api.py": b"3\n",
    f"{INFO}/METADATA": b"Name: requests\nVersion: 2.32.3\n",
    f"{INFO}/WHEEL": b"4\n",
}
# As it was built: with what the installer will write anew.
WHEEL = {**INSTALLED, f"{INFO}/RECORD": b"of the wheel"}
IDNA = {"idna/core.py": b"5\n", "idna-3.10.dist-info/METADATA": b"Name: idna\nVersion: 3.10\n"}
FILES = {"app": APP, "dist/idna-3.10": IDNA, "dist/requests-2.32.3": INSTALLED}
PYTHON = "3.11.2"


def closure_of(files: dict[str, dict[str, bytes]]) -> Closure:
    """The closure of roots with these files."""
    return Closure({name: manifest_of(one).id for name, one in files.items()})


def lists_of(*several: dict[str, dict[str, bytes]]) -> list[Manifest]:
    """What is published of such closures: they, and the lists of their roots."""
    found = [manifest.read_canonical(closure_of(files).text) for files in several]
    return [*found, *(manifest_of(one) for files in several for one in files.values())]


def says(
    party: Party, closure: Closure, *words: str, ok: bool = True, at: int = NOW - DAY, **fields: Any
) -> Any:
    """A statement about a closure, as `sig attest NAME.lock` makes it."""
    id = str(closure.id)
    return party.says(id, ok, at, manifest=id, criteria=sorted(words), **fields)


def published(web: Web, party: Party, lists: Iterable[Manifest] = ()) -> None:
    """What they said until now, and these lists."""
    web.offer(party)
    for one in lists:
        web.pages[party.url + objects.name(one.id)] = one.text


class Asked:
    """A reader who asks about closures. To ask changes nothing in their folder."""

    def __init__(self, reader: Reader, web: Web) -> None:
        self.reader = reader
        self.web = web

    def read(
        self, *people: Party, lists: Iterable[Manifest] | None = None, counts: bool = True
    ) -> None:
        """Fetch what these people published, for the first time or again."""
        known = {one.name for one in self.reader.workspace.config.remotes}
        for party in people:
            published(self.web, party, lists_of(FILES) if lists is None else lists)
            if party.name not in known:
                self.reader.follow(party, counts=counts)
        assert {"failed"}.isdisjoint(one.result for one in self.reader.fetch_all())

    def verdict(
        self, closure: Closure | None = None, app: str = "get", python: str = PYTHON
    ) -> Verdict:
        """Of a closure."""
        before = self.reader.state
        asked = closure_of(FILES) if closure is None else closure
        workspace = self.reader.workspace
        found = workspace.consistent(
            lambda: covering.closure_verdict(
                workspace, asked, covering.releases(workspace, app), python
            )
        )
        assert [] == fetched_since(before, self.reader.state)
        return found

    def answer(self, closure: Closure | None = None, app: str = "get", python: str = PYTHON) -> str:
        """The one word for a closure."""
        return self.verdict(closure, app, python).answer.value

    def why(self, closure: Closure | None = None, app: str = "get", python: str = PYTHON) -> str:
        """Why the first statement does not count."""
        return self.verdict(closure, app, python).statements[0].why

    def highest(self, app: str = "get") -> int:
        """The highest release that is known."""
        return covering.releases(self.reader.workspace, app).highest

    def vouched(self, app: str = "get") -> dict[Identifier, tuple[Judged, ...]]:
        """The roots in releases that are known."""
        workspace = self.reader.workspace
        return covering.vouched(workspace, covering.releases(workspace, app))

    def roots(self, closure: Closure | None = None) -> dict[str, str]:
        """The one word for each root."""
        before = self.reader.state
        asked = closure_of(FILES) if closure is None else closure
        found = covering.roots(self.reader.workspace, asked)
        assert [] == fetched_since(before, self.reader.state)
        assert [(name, id) for name, id in asked.roots.items()] == [
            (one.name, one.id) for one in found
        ]
        return {one.name: one.verdict.answer.value for one in found}

    def bad(self, closure: Closure | None = None) -> dict[str, str]:
        """What is said of files that are marked bad, by the path in the message."""
        workspace = self.reader.workspace
        listed = covering.roots(workspace, closure_of(FILES) if closure is None else closure)
        found = covering.bad_files(workspace, listed)
        for digest in found:
            Identifier(f"sha256:{digest}")
        return {told.partition(" ")[0]: told.partition(" ")[2] for told in found.values()}
