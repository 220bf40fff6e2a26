"""The documentation names what exists, and what the specification shows is true."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig.model import limits, root, stream, tree, wire
from sig.model.tree import Kind
from sig.repo import view
from sig.trust import policy

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "changelog.d").glob("*.md")])
SPEC = sorted((DOCS / "spec").glob("*.md"))

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(
    r"`((?:\.ci|benchmarks|changelog\.d|docs|fuzz|native|sig|tests|tools|vectors)/[\w./-]*)`"
)
CITED = re.compile(
    r"(docs/(?:concepts|decisions|guides|reference|spec)/[\w-]+)(?:\.md)?(?: §([\d.]*\d))?"
)
HOME = re.compile(r"(?:/home|/Users|/root|C:\\Users)[/\\]?[\w-]*")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    """Links between pages hold, in the source as it is."""
    targets = [link.split("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link]
    missing = [link for link in targets if link and not (page.parent / link).exists()]

    assert [] == missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """What stands in backticks below a folder of the project is there."""
    missing = [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()]

    assert [] == missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_page_names_the_home_of_anyone_but_the_examples(page: Path) -> None:
    """Examples live in the homes of demo, alice and bob, and nothing of a real machine is shown."""
    found = set(HOME.findall(page.read_text())) - {"/home/demo", "/home/alice", "/home/bob"}

    assert set() == found


def test_every_page_stands_in_the_navigation_once() -> None:
    """mkdocs.yml lists each page below docs/, and no other."""
    listed = re.findall(r"^ +- .*: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)

    assert sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")) == sorted(listed)


def test_what_the_code_cites_exists() -> None:
    """A page that a comment or docstring cites is there, with the section that it names."""
    missing = set()
    for file in [*(ROOT / "sig").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for page, section in CITED.findall(file.read_text()):
            target = ROOT / f"{page}.md"
            if not target.exists():
                missing.add(f"{_name(file)}: {page}")
            elif section and not re.search(
                rf"^##+ {re.escape(section)} ", target.read_text(), re.MULTILINE
            ):
                missing.add(f"{_name(file)}: {page} §{section}")

    assert set() == missing


@pytest.mark.parametrize("page", SPEC, ids=_name)
def test_a_page_of_the_specification_has_its_parts(page: Path) -> None:
    """Definition, example, conventions, then sections that are numbered from 1 on."""
    titles = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
    numbers = [title.split()[0] for title in titles[2:]]

    assert ["Example", "Conventions"] == titles[:2]
    assert [str(number) for number in range(1, len(numbers) + 1)] == numbers
    assert numbers


# --- the examples of the specification -----------------------------------------------------------


@pytest.fixture
def gnupg() -> Iterator[Path]:
    """A GNUPGHOME with the key that the page about envelopes shows, and nothing else."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    # The path of the agent's socket must stay short, so not below pytest's own folder.
    home = Path(tempfile.mkdtemp(prefix="sig-", dir="/tmp"))
    try:
        armor = next(
            block
            for block in _blocks(DOCS / "spec/envelope.md", "text")
            if "BEGIN PGP PUBLIC KEY BLOCK" in block
        )
        _gpg(home, "--import", input=armor.encode())
        yield home
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)


def _gpg(home: Path, *words: str | Path, input: bytes = b"") -> str:
    ran = subprocess.run(
        ["gpg", "--homedir", home, "--no-options", "--batch", "--status-fd", "1", *words],
        input=input,
        capture_output=True,
        check=True,
    )
    return ran.stdout.decode(errors="replace")


def _envelopes(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        if {"data", "key", "sig"} == value.keys():
            yield value
        for item in value.values():
            yield from _envelopes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _envelopes(item)


@pytest.mark.parametrize(("page", "count"), [("envelope", 1), ("repository", 3)])
def test_the_envelopes_that_the_specification_shows_verify(
    page: str, count: int, gnupg: Path, tmp_path: Path
) -> None:
    """Each is checked with gpg and json.dumps alone, in the way that the page itself tells."""
    shown = [
        envelope
        for block in _blocks(DOCS / "spec" / f"{page}.md", "json")
        for envelope in _envelopes(json.loads(block))
    ]

    assert count == len(shown)
    for envelope in shown:
        (tmp_path / "signed").write_text(json.dumps(envelope["data"], sort_keys=True))
        (tmp_path / "signed.sig").write_bytes(base64.b64decode(str(envelope["sig"])))
        told = _gpg(gnupg, "--verify", tmp_path / "signed.sig", tmp_path / "signed")
        valid = [line.split() for line in told.splitlines() if " VALIDSIG " in line]
        assert [envelope["key"]] == [line[-1] for line in valid]


def test_the_examples_of_the_specification_read() -> None:
    """The strict reader takes each, as the kind of document that its page is about."""
    (envelope,) = _blocks(DOCS / "spec/envelope.md", "json")
    (statement,) = _blocks(DOCS / "spec/statement.md", "json")
    repository, current = _blocks(DOCS / "spec/repository.md", "json")
    (config,) = _blocks(DOCS / "spec/folder.md", "json")

    shown = wire.read_attestation(envelope.encode())
    assert json.loads(statement) == shown.statement.data
    assert 2 == len(stream.whole(repository.encode()).attestations)
    whole = {**json.loads(repository), "data": json.loads(current)}
    assert 2 == stream.whole(json.dumps(whole).encode()).sequence
    configuration, _, signature = wire.configuration(config.encode())
    assert signature is None
    assert policy.Policy() == policy.read(configuration.policy)


def test_the_objects_that_the_specification_shows_are_those_of_a_tree() -> None:
    """Each is read as one, the leaf has the name that stands below it, and the root reads."""
    page = (DOCS / "spec/tree.md").read_text()
    shown, node, signed = _blocks(DOCS / "spec/tree.md", "json")
    (envelope,) = _blocks(DOCS / "spec/envelope.md", "json")
    leaf = shown.strip().encode()
    name = tree.object_name(leaf)

    assert f"`{name}`" in page
    alias, statement = tree.walk(name, {name: leaf}.__getitem__, Kind.STATEMENTS)
    assert (alias.position[:4], statement.position[:4]) == ("5785", "b488")
    raw = node.strip().encode()
    read = tree.read(tree.object_name(raw), raw, "", Kind.STATEMENTS)
    assert isinstance(read, tree.Node)
    found = root.read(json.dumps({**json.loads(envelope), "data": json.loads(signed)}).encode())
    assert (name, 1, 1) == (found.tree, found.sequence, len(found.deltas))


def test_the_view_that_the_specification_shows_is_that_of_a_vector() -> None:
    """It reads, and is of a whole folder that answers."""
    head, _ = _blocks(DOCS / "spec/view.md", "text")
    vector = (ROOT / "vectors/view/plain.txt").read_text()
    (held,) = re.findall(r"^view: (\S+)$", vector, re.MULTILINE)

    assert base64.b64decode(held).decode() == head
    assert 2 == len(view.read(head.encode()).counts)


def test_the_limits_that_the_specification_states_are_those_of_the_program() -> None:
    """docs/spec/limits and the constants say the same."""
    units = {"KiB": limits.KIB, "MiB": limits.MIB, "GiB": limits.GIB}
    stated = {}
    for what, number, unit in re.findall(
        r"^\| ([^|]+) \| (\d+) ?(KiB|MiB|GiB)?[^|]*\|$",
        (DOCS / "spec/limits.md").read_text(),
        re.MULTILINE,
    ):
        stated[what] = int(number) * units.get(unit, 1)

    assert stated == {
        "statement, signed bytes": limits.STATEMENT,
        "comment, UTF-8": limits.COMMENT,
        "signature packet, decoded": limits.SIGNATURE,
        "time-stamp token, decoded": limits.TIMESTAMP,
        "certificate, minimised and merged": limits.CERTIFICATE,
        "user ids of a certificate": limits.USER_IDS,
        "subkeys of a certificate": limits.SUBKEYS,
        "back-signature": limits.BACK_SIGNATURE,
        "back-signatures of a binding": limits.BACK_SIGNATURES,
        "policy of a loader": limits.LOADER_POLICY,
        "what lies beside a baked loader": limits.BAKED,
        "root": limits.ROOT,
        "object": limits.OBJECT,
        "leaf of several entries": limits.LEAF,
        "aliases of one statement, as entries of a tree": limits.ALIASES,
        "manifest": limits.MANIFEST,
        "delta": limits.DELTA,
        "`repo.json`": limits.REPOSITORY,
        "one value of a `repo.json`, with its white space; a line of a delta": limits.VALUE,
        "entries of `seen`": limits.SEEN,
        "nesting of a file": limits.DEPTH,
        "nesting of the data of a statement": limits.STATEMENT_DEPTH,
        "connecting": limits.CONNECT_SECONDS,
        "without a byte": limits.IDLE_SECONDS,
        "slowest": limits.SLOWEST_BYTES_PER_SECOND,
        "redirects": limits.REDIRECTS,
        "bytes of a path of a manifest": limits.PATH,
        "bytes of one part of it": limits.NAME,
        "globs of an `exclude`": limits.GLOBS,
        "bytes of a glob": limits.GLOB,
        "members of an archive, folders and archives in it included": limits.MEMBERS,
        "what an archive unpacks to": limits.UNPACKED,
        "… without regard to its size": limits.UNPACKED_FREE,
        "… and above that, times its size": limits.UNPACKED_RATIO,
        "directory of a zip": limits.DIRECTORY,
        "line before a zip, bytes": limits.SHEBANG,
        "extended header of a member of a tar": limits.TAR_HEADER,
        "memory that an xz asks for": limits.XZ_MEMORY,
        "archives within each other": limits.NESTED,
        "an archive in an archive": limits.NESTED_SIZE,
    }
