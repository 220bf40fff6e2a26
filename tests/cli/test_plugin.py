"""`sig plugin`: verified before it is written, unpacked from the verified bytes, never mixed."""

from __future__ import annotations

import os
import re
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.repo.hostile_archives import Case, cases
from tests.soak import some
from tests.world import Person, World, contents, id_of, trusted_state, typed

OK = ("--ok", "--reviewed", "-m", "")
WHEEL = {
    "hello/__init__.py": "VALUE = 1\n",
    "hello/data.txt": "data\n",
    "hello-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n",
    "hello-1.0.dist-info/RECORD": "",
}


def archive(person: Person, name: str, files: Mapping[str, str] = WHEEL) -> Path:
    """A zip or wheel that nobody signed."""
    path = person.place / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for inner, content in files.items():
            made.writestr(inner, content)
    return path


def attested(person: Person, *files: Path | str, words: tuple[str, ...] = ("--tree",)) -> None:
    """Signed, with the lists of their files."""
    ran = person.sig("attest", *OK, *words, *files)
    assert 0 == ran.status, ran


def installed(person: Person) -> dict[str, bytes]:
    """All that lies in the folder of plug-ins, hidden files too."""
    return contents(person.place / "plug")


# --- install -------------------------------------------------------------------------------------


def test_a_wheel_is_unpacked_and_counts_afterwards(alice: Person) -> None:
    """It lies as its list says, in a folder of its own, and `verify` finds it ok by that list."""
    file = archive(alice, "hello-1.0-py3-none-any.whl")
    attested(alice, file)

    ran = alice.sig("plugin", "install", file, "--into", "plug")

    place = alice.place / "plug/hello"
    assert [
        f"identified file as {id_of(file.read_bytes())}",
        f"ok {alice.signer}",
        f"file {file} is ok.",
        f"Installed hello: {place}/",
    ] == ran.lines, ran
    assert {name: text.encode() for name, text in WHEEL.items()} == contents(place)
    assert ["hello"] == os.listdir(alice.place / "plug")
    shown = alice.sig("plugin", "verify", "plug")
    assert (0, f"folder {place} is ok.") == (shown.status, shown.lines[-1]), shown
    assert [f"folder hello 4 files ok [{alice.short}]"] == (
        alice.sig("plugin", "list", "plug").lines
    )


def test_it_comes_over_http_with_our_own_transport(alice: Person, bob: Person) -> None:
    """By its URL, with a line for the request; what is not there is 4, and nothing is made."""
    file = archive(bob, "hello.zip", {"__init__.py": "VALUE = 2\n"})
    attested(bob, file)
    server = alice.world.serve(bob.place)
    repository = alice.world.serve(bob.folder / "repo").url
    words = ("remote", "add", "bob", repository, "-f", "--key", bob.fingerprint, "--trust")
    assert 0 == alice.sig(*words).status

    ran = alice.sig("plugin", "install", f"{server.url}hello.zip", "--into", "plug")

    assert f"GET {server.url}hello.zip... done." == ran.lines[0], ran
    assert f"file {server.url}hello.zip is ok." in ran.lines
    assert {"hello/__init__.py": b"VALUE = 2\n"} == installed(alice)
    missing = alice.sig("plugin", "install", f"{server.url}none.zip", "--into", "other")
    assert (4, [f"GET {server.url}none.zip... failed."]) == (missing.status, missing.lines)
    assert not (alice.place / "other").exists()
    before = len(server.requests)
    offline = alice.sig(
        "--offline", "plugin", "install", f"{server.url}hello.zip", "--into", "other"
    )
    assert (4, before) == (offline.status, len(server.requests)), offline
    assert "error: --offline: no connection is made" in offline.stderr


def test_a_module_is_a_plugin(alice: Person) -> None:
    """One file, which lies there as it is."""
    attested(alice, alice.write("tool.py", "VALUE = 3\n"), words=())

    ran = alice.sig("plugin", "install", "tool.py", "--into", "plug")

    assert (0, {"tool.py": b"VALUE = 3\n"}) == (ran.status, installed(alice)), ran
    assert [f"file tool 1 file ok [{alice.short}]"] == alice.sig("plugin", "list", "plug").lines


@pytest.mark.parametrize(
    ("name", "words", "files", "why"),
    [
        ("hello-1.0-py3-none-any.whl", (), WHEEL, "nobody who counts signed the list of its files"),
        (
            "hello-1.0-py3-none-any.whl",
            ("--tree",),
            {**WHEEL, "hello-1.0.data/purelib/more.py": ""},
            "it has files that an installer would put elsewhere",
        ),
    ],
)
def test_an_archive_stays_whole_where_nobody_could_verify_it_unpacked(
    alice: Person, name: str, words: tuple[str, ...], files: Mapping[str, str], why: str
) -> None:
    """Who signed the bytes alone signed no list; what lies there is ok all the same."""
    file = archive(alice, name, files)
    attested(alice, file, words=words)

    ran = alice.sig("plugin", "install", file, "--into", "plug")

    assert (0, {name: file.read_bytes()}) == (ran.status, installed(alice)), ran
    assert f"note: it is not unpacked: {why}" in ran.stderr
    assert 0 == alice.sig("plugin", "verify", "plug").status


def test_what_is_not_ok_is_not_even_unpacked(world: World, alice: Person, bob: Person) -> None:
    """The words and codes of `verify`; no folder is made, nothing that verdicts rest on changes."""
    unknown = archive(alice, "unknown.zip")
    bad = archive(alice, "bad.zip", {"bad.py": ""})
    member = archive(alice, "member.zip", {"member.py": "evil\n", "other.py": ""})
    attested(alice, bad, member)
    for path, content in (("bad.zip", bad.read_bytes()), ("member.py", b"evil\n")):
        bob.attests(content, "--not-ok", "--reviewed", name=path)
    repository = world.serve(bob.folder / "repo").url
    words = ("remote", "add", "bob", repository, "-f", "--key", bob.fingerprint, "--trust")
    assert 0 == alice.sig(*words).status
    before = trusted_state(alice.folder)
    for file, status, reason, last in (
        (unknown, 1, "no-statement", "is unknown!"),
        (bad, 3, "marked-bad", "is marked bad!"),
        (member, 3, "marked-bad", "is marked bad!"),
    ):
        ran = alice.sig("plugin", "install", file, "--into", "plug", "--yes")
        assert (status, f"file {file} {last}") == (ran.status, ran.lines[-1]), ran
        ran = alice.sig("plugin", "install", file, "--into", "plug", "--json")
        assert (status, reason) == (ran.status, ran.results[0]["reason"])
        assert [] == ran.json["plugins"]
    for words in (("none.zip",), ("../x",), ("plug-ins/",)):
        assert 4 == alice.sig("plugin", "install", *words, "--into", "plug").status
    assert not (alice.place / "plug").exists()
    assert before == trusted_state(alice.folder)


def _hostile() -> list[Case]:
    return [one for one in cases() if not one.deep and len(one.hostile) < 1 << 20]


def test_no_hostile_archive_leaves_anything(alice: Person) -> None:
    """Signed by someone who counts, by its bytes; its twin is installed, and is ok afterwards."""
    hostile = [alice.write(f"{one.name}.hostile.zip", one.hostile) for one in _hostile()]
    attested(alice, *hostile, words=())
    (alice.place / "in").mkdir()
    outside = contents(alice.world.path)
    for one, file in zip(_hostile(), hostile, strict=True):
        ran = alice.sig("plugin", "install", file, "--into", "in/plug", "--yes")
        assert 1 == ran.status, (one.name, ran)
        assert re.search(f"{one.why}|is no module", ran.stderr), (one.name, ran)
    assert [] == os.listdir(alice.place / "in")
    # The index may follow, and nothing else changes.
    changed = outside.items() ^ contents(alice.world.path).items()
    assert set() == {name for name, _ in changed if "index.sqlite" not in name}

    twins = some((one for one in _hostile() if len(one.twin) < 1 << 20), 5)
    files = [alice.write(f"{one.name}-twin.zip", one.twin) for one in twins]
    attested(alice, *files)
    for one, file in zip(twins, files, strict=True):
        ran = alice.sig("plugin", "install", file, "--into", "plug")
        assert 0 == ran.status, (one.name, ran)
    assert 0 == alice.sig("plugin", "verify", "plug").status


# --- another version -----------------------------------------------------------------------------


def second(person: Person) -> Path:
    """Another version, with a file more and one less."""
    info = "hello-2.0.dist-info/METADATA"
    files = {"hello/__init__.py": "VALUE = 2\n", "hello/new.py": "", info: "Name: hello\n"}
    return archive(person, "hello-2.0-py3-none-any.whl", files)


def test_another_version_takes_the_place_and_is_never_mixed(alice: Person) -> None:
    """After a question or with --yes; whatever form either of them has."""
    first, then = archive(alice, "hello-1.0-py3-none-any.whl"), second(alice)
    attested(alice, first, then)
    words = ("plugin", "install", then, "--into", "plug")
    assert 0 == alice.sig("plugin", "install", first, "--into", "plug").status
    before = installed(alice)

    for answer, why in (("", "no answer, nothing is installed"), ("no\n", "nothing is installed")):
        ran = alice.sig(*words, input=answer)
        assert (1, True) == (ran.status, f"error: {why}\n" in ran.stderr), ran
        assert before == installed(alice)
    question = "Let hello-2.0-py3-none-any.whl take the place of hello in plug (yes/no): "
    assert question in alice.sig(*words, input="no\n").stderr
    assert 0 == alice.sig(*words, input="yes\n").status
    with zipfile.ZipFile(then) as made:
        new = {f"hello/{name}": made.read(name) for name in made.namelist()}
    assert new == installed(alice)
    assert 0 == alice.sig(*words[:2], first, "--into", "plug", "--yes").status
    assert before == installed(alice)

    # Of its bytes alone: it stays whole, and the folder goes.
    whole = archive(alice, "hello-3.0-py3-none-any.whl", {**WHEEL, "hello/x.py": ""})
    attested(alice, whole, words=())
    assert 0 == alice.sig(*words[:2], whole, "--into", "plug", "--yes").status
    assert {whole.name: whole.read_bytes()} == installed(alice)
    assert 0 == alice.sig(*words, "--yes").status
    assert new == installed(alice)
    assert ["hello"] == os.listdir(alice.place / "plug")


def test_two_that_install_at_once_leave_one_of_both(alice: Person) -> None:
    """One of them may be refused; what lies there is whole, and nothing else."""
    files = archive(alice, "hello-1.0-py3-none-any.whl"), second(alice)
    attested(alice, *files)
    whole = []
    for file in files:
        assert 0 == alice.sig("plugin", "install", file, "--into", "plug", "--yes").status
        whole.append(installed(alice))
    statuses: list[int] = []

    def work(file: Path) -> None:
        for _ in range(4):
            process = alice.start("plugin", "install", file, "--into", "plug", "--yes")
            process.communicate()
            statuses.append(process.returncode)

    threads = [threading.Thread(target=work, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {0} <= set(statuses) <= {0, 1}, statuses
    assert installed(alice) in whole


def test_what_lies_there_and_is_no_plugin_is_left_alone(alice: Person) -> None:
    """A text of the same name stays; of a link to a folder the link goes, not the folder."""
    file = archive(alice, "hello-1.0-py3-none-any.whl")
    attested(alice, file)
    alice.write("plug/hello.txt", "mine\n")
    alice.write("elsewhere/keep.txt", "mine\n")
    (alice.place / "plug/hello").symlink_to(alice.place / "elsewhere")

    ran = alice.sig("plugin", "install", file, "--into", "plug", "--yes")

    assert 0 == ran.status, ran
    assert not (alice.place / "plug/hello").is_symlink()
    assert b"mine\n" == (alice.place / "elsewhere/keep.txt").read_bytes()
    assert b"mine\n" == installed(alice)["hello.txt"]


# --- list and verify -----------------------------------------------------------------------------


def test_each_plugin_is_listed_and_verified(world: World, alice: Person, bob: Person) -> None:
    """A line each, a block each, and the exit status that sums them up."""
    for name in ("good", "tampered", "mixed"):
        alice.write(f"plug/{name}/__init__.py", f"# {name}\n")
        alice.write(f"plug/{name}/more.py", f"# more of {name}\n")
        attested(alice, alice.place / "plug" / name, words=())
    alice.write("plug/unsigned.py", "print()\n")
    alice.write("plug/bad.py", "evil\n")
    alice.write("plug/tampered/more.py", "evil()\n")
    (alice.place / "plug/mixed/more.py").unlink()
    alice.write("plug/mixed/less.py", "")
    bob.attests("evil\n", "--not-ok", "--reviewed", name="bad.py")
    repository = world.serve(bob.folder / "repo").url
    words = ("remote", "add", "bob", repository, "-f", "--key", bob.fingerprint, "--trust")
    assert 0 == alice.sig(*words).status

    shown = alice.sig("plugin", "list", "plug")
    differs = "differs from a list that counts"
    assert (
        0,
        [
            f"file bad marked bad [{bob.short}]: marked bad by 1 trusted signer",
            f"folder good 2 files ok [{alice.short}]",
            f"folder mixed not verified: {differs}: less.py extra, more.py missing",
            f"folder tampered not verified: {differs}: more.py changed",
            "file unsigned unknown: nobody has attested it",
        ],
    ) == (shown.status, shown.lines)
    ran = alice.sig("plugin", "verify", "plug")
    assert 3 == ran.status
    assert "5 plug-ins: 1 ok, 1 marked bad, 2 not verified, 1 unknown, 0 unreadable" in ran.stderr
    assert f"{differs}: more.py changed" in ran.lines
    for name, status, last in (
        ("good", 0, "is ok."),
        ("bad.py", 3, "is marked bad!"),
        ("mixed", 1, "is not verified."),
        ("tampered", 1, "is not verified."),
        ("unsigned.py", 1, "is unknown!"),
    ):
        path = alice.place / "plug" / name
        ran = alice.sig("plugin", "verify", path)
        assert (status, True) == (ran.status, ran.lines[-1].endswith(f"{path} {last}")), ran
    documents = alice.sig("plugin", "verify", "plug", "--json").json["plugins"]
    assert ["bad", "good", "mixed", "tampered", "unsigned"] == [one["name"] for one in documents]
    assert ["marked-bad", "enough", "differs", "differs", "no-statement"] == (
        [one["reason"] for one in documents]
    )


def test_a_plugin_without_its_init_is_not_taken_for_a_folder_of_plugins(alice: Person) -> None:
    """What is left of it is still not what was signed."""
    alice.write("plug/one/__init__.py", "# one\n")
    alice.write("plug/one/part.py", "# part\n")
    attested(alice, alice.place / "plug/one", words=())
    (alice.place / "plug/one/__init__.py").unlink()

    ran = alice.sig("plugin", "verify", "plug/one")

    assert (1, f"folder {alice.place}/plug/one is not verified.") == (ran.status, ran.lines[-1])


def test_nothing_there_is_not_ok(alice: Person) -> None:
    """1 for no plug-in, 4 for no folder, 2 for what is none."""
    (alice.place / "plug").mkdir()
    alice.write("text.txt", "")
    assert 1 == alice.sig("plugin", "verify", "plug").status
    assert 4 == alice.sig("plugin", "verify", "nowhere").status
    assert 2 == alice.sig("plugin", "verify", "text.txt").status
    assert 2 == alice.sig("plugin", "install", "text.txt").status


def test_quiet_says_only_what_is_not_ok(alice: Person) -> None:
    """And the question is on a terminal, too."""
    attested(alice, alice.write("tool.py", "x\n"), words=())

    assert ("", "") == (
        (ran := alice.sig("-q", "plugin", "install", "tool.py", "--into", "plug")).stdout,
        ran.stderr,
    )
    status, shown = typed(alice, "plugin", "install", "tool.py", "--into", "plug", keys="yes\n")
    assert (0, True) == (status, "take the place of tool.py in plug (yes/no): " in shown)
