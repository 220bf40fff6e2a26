"""Folders and archives on the command line: `manifest`, `attest`, `verify`, `publish`, `fetch`."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.world import Person, World, id_of

OK = ("--ok", "--reviewed", "-m", "")
EXCLUDES = [".bzr", ".git", ".hg", ".jj", ".svn", "__pycache__"]


@pytest.fixture
def tree(alice: Person) -> Path:
    """A folder with two files, and with one of version control."""
    alice.write("tree/a.py", "a\n")
    alice.write("tree/sub/b.py", "b\n")
    alice.write("tree/.git/config", "x\n")
    return alice.place / "tree"


def line(content: str, path: str) -> str:
    """A line of `sha256sum`."""
    return f"{hashlib.sha256(content.encode()).hexdigest()}  {path}\n"


LIST = line("a\n", "a.py") + line("b\n", "sub/b.py")


def wheel(place: Path, extra: str = "") -> Path:
    """A small wheel."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("hello/__init__.py", "hello-1.0.dist-info/METADATA"):
            archive.writestr(name, f"{name}{extra}\n")
    return place


def test_manifest_prints_what_sha256sum_does(alice: Person, tree: Path) -> None:
    """And sha256sum finds the folder as the list says."""
    ran = alice.sig("manifest", "tree")
    assert (0, LIST, "") == (ran.status, ran.stdout, ran.stderr)
    (alice.place / "SUMS").write_text(ran.stdout)
    subprocess.run(["sha256sum", "-c", "--strict", "../SUMS"], cwd=tree, check=True)


def test_manifest_as_json(alice: Person, tree: Path) -> None:
    """Its id, what was left out, and the files."""
    ran = alice.sig("manifest", "tree", "--json", "--exclude", "sub")
    assert {
        "version": 1,
        "id": id_of(line("a\n", "a.py")),
        "exclude": sorted([*EXCLUDES, "sub"]),
        "files": [{"path": "a.py", "sha256": hashlib.sha256(b"a\n").hexdigest()}],
    } == ran.json


def test_manifest_of_a_file_and_of_archives(alice: Person) -> None:
    """A file by its name; a wheel and a source archive member by member, one within another too."""
    alice.write("f.txt", "f\n")
    assert line("f\n", "f.txt") == alice.sig("manifest", "f.txt").stdout
    made = wheel(alice.place / "hello.whl")
    inside = "".join(
        line(f"{name}\n", name) for name in ("hello-1.0.dist-info/METADATA", "hello/__init__.py")
    )
    assert inside == alice.sig("manifest", "hello.whl").stdout
    with tarfile.open(alice.place / "hello.tar.gz", "w:gz") as archive:
        archive.add(made, "hello-1.0/hello.whl")
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    whole = f"{digest}  hello-1.0/hello.whl\n"
    assert whole == alice.sig("manifest", "hello.tar.gz").stdout
    deep = alice.sig("manifest", "hello.tar.gz", "--deep").stdout
    assert whole in deep
    assert 3 == len(deep.splitlines())
    assert "hello-1.0/hello.whl!/hello/__init__.py" in deep


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("tree", "--deep"), 2, "--deep is for archives"),
        (("f", "--exclude", "x"), 2, "--exclude is for folders"),
        (("tree", "--exclude", "../x"), 2, "--exclude"),
        (("missing",), 4, "missing"),
        ((), 2, "FILE|DIR|ARCHIVE"),
    ],
)
def test_manifest_refuses(
    alice: Person, tree: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    """Usage, and what cannot be read."""
    alice.write("f", "f\n")
    ran = alice.sig("manifest", *words)
    assert (status, "") == (ran.status, ran.stdout)
    assert told in ran.stderr


def test_a_folder_is_asked_for_by_the_number_of_its_files(alice: Person, tree: Path) -> None:
    """The question of several files; the statement names the list and what was left out."""
    ran = alice.sig("attest", "tree", input="yes\nyes\n\n")
    assert ran.stderr.startswith("I have reviewed these 2 files (yes/no): ")
    assert "They perform as expected and are free of major flaws (yes/no): " in ran.stderr
    head, _, data = ran.stdout.partition("\n")
    assert "Saved attestation for tree:" == head
    assert {
        "id": id_of(LIST),
        "manifest": id_of(LIST),
        "exclude": EXCLUDES,
        "ok": True,
        "reviewed": True,
    } == json.loads(data)


def test_a_folder_is_verified_as_a_whole(alice: Person, tree: Path) -> None:
    """Ok, and then every path that differs."""
    alice.sig("attest", "tree", *OK)
    ran = alice.sig("verify", "tree")
    assert 0 == ran.status
    assert [
        f"identified folder as {id_of(LIST)}",
        f"ok [{alice.fingerprint[-8:]}] {alice.uid}",
        f"folder {tree} is ok.",
    ] == ran.stdout.splitlines()
    alice.write("tree/extra.py", "x\n")
    (tree / "a.py").write_text("evil\n")
    ran = alice.sig("verify", "tree/")
    assert 1 == ran.status
    assert [
        f"closest is {id_of(LIST)}",
        "changed a.py",
        "extra extra.py",
        f"folder {tree} is unknown!",
    ] == ran.stdout.splitlines()[1:]
    (found,) = alice.sig("verify", "--json", "tree").json["results"]
    assert ("unknown", "no-statement") == (found["verdict"], found["reason"])
    assert id_of(LIST) == found["closest"]
    wanted = [{"path": "a.py", "kind": "changed"}, {"path": "extra.py", "kind": "extra"}]
    assert wanted == found["differences"]


def test_a_folder_and_files_at_once(alice: Person, tree: Path) -> None:
    """A block each, one total and the worst status."""
    alice.sig("attest", "tree", *OK)
    ran = alice.sig("verify", "tree", "tree/a.py")
    assert (1, 2) == (ran.status, ran.stdout.count("identified "))
    assert "2 files: 1 ok, 0 marked bad, 0 not verified, 1 unknown, 0 unreadable" in ran.stderr


def test_a_list_in_a_file_is_verified(alice: Person, tree: Path) -> None:
    """`--manifest`: the folder where it lies, or another one."""
    alice.write("SHA256SUMS", LIST)
    alice.sig("attest", "tree", *OK)
    assert 0 == alice.sig("verify", "--manifest", "SHA256SUMS", "tree").status
    shutil.move(alice.place / "SHA256SUMS", tree)
    assert 0 == alice.sig("verify", "--manifest", "tree/SHA256SUMS").status
    (tree / "sub/b.py").unlink()
    ran = alice.sig("verify", "--manifest", "tree/SHA256SUMS")
    assert 1 == ran.status
    assert ["missing sub/b.py", f"folder {tree} is not verified."] == ran.stdout.splitlines()[-2:]
    assert 2 == alice.sig("verify", "--manifest", "tree/SHA256SUMS", "tree", "tree").status
    alice.write("no", "list\n")
    assert 4 == alice.sig("verify", "--manifest", "no", "tree").status


def test_an_archive_is_signed_with_the_list_of_its_files(alice: Person) -> None:
    """`--tree`: both in one statement; the folder that it is unpacked to is ok too."""
    made = wheel(alice.place / "hello.whl")
    inside = alice.sig("manifest", "hello.whl").stdout
    data = json.loads(alice.sig("attest", "--tree", "hello.whl", *OK).stdout.partition("\n")[2])
    assert {
        "id": id_of(made.read_bytes()),
        "manifest": id_of(inside),
        "aliases": ["sha512:" + hashlib.sha512(made.read_bytes()).hexdigest()],
        "ok": True,
        "reviewed": True,
    } == data
    assert 0 == alice.sig("verify", "hello.whl").status
    with zipfile.ZipFile(made) as archive:
        for name in archive.namelist():
            alice.write(f"unpacked/{name}", archive.read(name))
    assert 0 == alice.sig("verify", "unpacked").status
    alice.write("unpacked/hello/more.py", "x\n")
    ran = alice.sig("verify", "unpacked")
    assert (1, True) == (ran.status, "extra hello/more.py" in ran.stdout)


def test_an_archive_without_tree_is_its_own_bytes(alice: Person) -> None:
    """As in 2016."""
    made = wheel(alice.place / "hello.whl")
    data = json.loads(alice.sig("attest", "hello.whl", *OK).stdout.partition("\n")[2])
    assert {"id": id_of(made.read_bytes()), "ok": True, "reviewed": True} == data


def test_an_archive_that_differs_is_told_member_by_member(alice: Person) -> None:
    """Another build of the same name."""
    wheel(alice.place / "hello.whl")
    with zipfile.ZipFile(alice.place / "hello.whl", "a") as archive:
        archive.writestr("hello/data", "x")
    alice.sig("attest", "--tree", "hello.whl", *OK)
    with zipfile.ZipFile(alice.place / "other.whl", "w") as archive:
        archive.writestr("hello/__init__.py", "hello/__init__.py\n")
        archive.writestr("hello-1.0.dist-info/METADATA", "evil")
        archive.writestr("hello/data", "x")
    ran = alice.sig("verify", "other.whl")
    assert 1 == ran.status
    assert "changed hello-1.0.dist-info/METADATA" in ran.stdout.splitlines()
    assert ran.stdout.endswith(f"file {alice.place / 'other.whl'} is unknown!\n")


def test_one_bad_member_makes_an_archive_bad(alice: Person) -> None:
    """That is ok itself: whoever marked the member bad counts too."""
    wheel(alice.place / "hello.whl")
    alice.sig("attest", "--tree", "hello.whl", *OK)
    alice.write("evil.py", "hello/__init__.py\n")
    assert 0 == alice.sig("verify", "hello.whl").status
    alice.sig("attest", "evil.py", "--not-ok", "--reviewed", "-m", "steals")
    ran = alice.sig("verify", "hello.whl")
    assert (3, True) == (ran.status, ran.stdout.endswith("is marked bad!\n"))
    found = alice.sig("verify", "--json", "hello.whl").json["results"][0]
    assert found["message"].startswith("hello/__init__.py is marked bad")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--tree", "f"), "--tree is for archives"),
        (("--exclude", "x", "f"), "--exclude is for folders"),
        (("--exclude", "a//b", "tree"), "--exclude"),
    ],
)
def test_attest_refuses_options_that_mean_nothing(
    alice: Person, tree: Path, words: tuple[str, ...], told: str
) -> None:
    """Usage, and nothing is signed."""
    alice.write("f", "f\n")
    ran = alice.sig("attest", *words, *OK)
    assert (2, "", True) == (ran.status, ran.stdout, told in ran.stderr)


def test_a_warning_with_a_scope_marks_those_files(alice: Person, tree: Path) -> None:
    """One file of the folder is bad wherever it lies, the other is not."""
    assert 0 == alice.sig("attest", "tree", "--scope", "sub/b.py", "-m", "a back door").status
    alice.write("copy.py", "b\n")
    statuses = [alice.sig("verify", name).status for name in ("tree", "copy.py", "tree/a.py")]
    assert [3, 3, 1] == statuses
    said = json.loads(alice.sig("show", "copy.py", "--json").stdout)["results"][0]["statements"]
    assert [("not-ok", "a back door")] == [(one["state"], one["comment"]) for one in said]
    assert 0 == alice.sig("withdraw", "tree").status
    assert 1 == alice.sig("verify", "copy.py").status


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--scope", "c.py", "-m", ""), 1, "c.py is not in tree"),
        (("--scope", "a.py", "--ok"), 2, "--scope is for a warning"),
        (("--scope", "a.py", "--reviewed"), 2, "--scope is for a warning"),
    ],
)
def test_a_scope_that_means_nothing_is_refused(
    alice: Person, tree: Path, words: tuple[str, ...], status: int, told: str
) -> None:
    """Nothing is signed."""
    ran = alice.sig("attest", "tree", *words)
    assert (status, True) == (ran.status, told in ran.stderr)


def test_a_folder_with_a_link_is_not_signed(alice: Person, tree: Path) -> None:
    """It has no list; and it is told which path."""
    (tree / "link").symlink_to("a.py")
    ran = alice.sig("attest", "tree", *OK)
    assert (1, "") == (ran.status, ran.stdout)
    assert "link" in ran.stderr
    assert 4 == alice.sig("verify", "tree").status


def test_lists_are_published_and_fetched(world: World, alice: Person, tree: Path) -> None:
    """A second person names what differs with the list that came."""
    bob = world.person("bob")
    alice.sig("attest", "tree", *OK)
    alice.sig("publish", str(alice.place / "site"))
    name = f"objects/{id_of(LIST)[7:9]}/{id_of(LIST)[9:]}"
    assert LIST == (alice.place / "site" / name).read_text()
    server = world.serve(alice.place / "site")
    bob.sig("remote", "add", "alice", server.url, "--key", alice.fingerprint, "--trust")
    ran = bob.sig("fetch")
    assert f"GET {server.url}{name}... done." in ran.stdout.splitlines()
    shutil.copytree(tree, bob.place / "tree")
    assert 0 == bob.sig("verify", "tree").status
    (bob.place / "tree/a.py").write_text("evil\n")
    assert "changed a.py" in bob.sig("verify", "tree").stdout
    assert 1 == bob.sig("verify", "tree", "--offline").status


def test_trust_that_comes_later_hints_at_the_lists(world: World, alice: Person, tree: Path) -> None:
    """Lists are fetched of those who count: say so, once."""
    bob = world.person("bob")
    alice.sig("attest", "tree", *OK)
    server = world.serve(alice.folder / "repo")
    bob.sig("remote", "add", "alice", server.url)
    assert "objects" not in bob.sig("fetch").stdout
    ran = bob.sig("trust", "add", alice.fingerprint)
    assert ran.stderr.splitlines()[-1] == "hint: sig fetch"
    assert f"GET {server.url}objects/" in bob.sig("fetch").stdout
    bob.sig("trust", "remove", alice.fingerprint)
    assert "hint" not in bob.sig("trust", "add", alice.fingerprint).stderr


def test_a_second_machine_has_the_lists(world: World, alice: Person, tree: Path) -> None:
    """`setup --from` a folder or a URL: what is published from there is whole."""
    alice.sig("attest", "tree", *OK)
    alice.sig("publish", str(alice.place / "site"))
    server = world.serve(alice.place / "site")
    name = f"objects/{id_of(LIST)[7:9]}/{id_of(LIST)[9:]}"
    for number, source in enumerate((str(alice.place / "site"), server.url)):
        folder = str(alice.place / f"second{number}")
        ran = alice.sig("--dir", folder, "setup", alice.fingerprint, "--from", source)
        assert 0 == ran.status, ran
        assert LIST == (Path(folder) / "repo" / name).read_text()


def test_show_and_withdraw_know_folders(alice: Person, tree: Path) -> None:
    """Every statement about it; and an own one is taken back."""
    alice.sig("attest", "tree", *OK)
    ran = alice.sig("show", "tree")
    assert (0, f"identified folder as {id_of(LIST)}") == (ran.status, ran.stdout.splitlines()[0])
    assert f"folder {tree} is ok." == ran.stdout.splitlines()[-1]
    ran = alice.sig("withdraw", "tree")
    assert f"Withdrew what you said about {id_of(LIST)}." == ran.stdout.strip()
    assert 1 == alice.sig("verify", "tree").status
    assert 0 != alice.sig("withdraw", "tree").status


def test_a_pipe_is_read_once(alice: Person, tree: Path) -> None:
    """`sig verify <(…)`: what was read is not waited for again, to see whether it is an archive."""
    alice.sig("attest", "tree", *OK)
    fifo = alice.place / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", f"printf x > {shlex.quote(str(fifo))}"]):
        ran = alice.sig("verify", "fifo")
    assert (1, f"identified file as {id_of('x')}") == (ran.status, ran.stdout.splitlines()[0])


def test_doctor_finds_a_damaged_list_and_fetch_brings_it_again(
    world: World, alice: Person, tree: Path
) -> None:
    """It is named by its digest, so it is taken away and not put aside."""
    bob = world.person("bob")
    alice.sig("attest", "tree", *OK)
    server = world.serve(alice.folder / "repo")
    bob.sig("remote", "add", "alice", server.url, "--key", alice.fingerprint, "--trust")
    bob.sig("fetch")
    (place,) = [each for each in (bob.folder / "objects").rglob("*") if each.is_file()]
    place.write_text(LIST.replace("a.py", "b.py"))
    ran = bob.sig("doctor")
    assert (1, True) == (ran.status, f"objects/{place.parent.name}/{place.name}" in ran.stdout)
    bob.sig("doctor", "--fix")
    assert not place.exists()
    assert "objects/" in bob.sig("fetch").stdout
    assert LIST == place.read_text()
