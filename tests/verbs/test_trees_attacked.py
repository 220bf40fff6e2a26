"""What an attacker tries on folders, archives and their lists of files, and does not get.

Mallory is followed and does not count; she publishes what she likes, and no honest program would
write some of it. Carol and Dave count, as Bob does.
"""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from sig.cli import Context
from sig.cli.answers import print_result
from sig.cli.fetch import fetched_json
from sig.errors import NetworkError, UsageError
from sig.model.identifier import Identifier
from sig.model.manifest import DEFAULT_EXCLUDES
from sig.repo import archive as archives
from sig.repo import objects
from sig.verbs import attest, manifests, published, remote, trees, verify, workspace
from sig.verbs.attest import Claim
from sig.verbs.verify import Result
from tests.repo import hostile_archives as hostile
from tests.verbs.forest import (
    FILES,
    M,
    asked,
    claim,
    differing,
    followed,
    listed,
    made,
    manifest_of,
    offered,
    sha,
    tree_statement,
)
from tests.verbs.parties import DAY, NOW, Party, Reader, Web, canonical, file_id

WHEEL = file_id("wheel")
EXPIRED = "2001-01-01T00:00:00Z"


@pytest.fixture
def alice(tmp_path: Path, web: Web) -> Reader:
    """Somebody with a key."""
    return Reader(tmp_path / "alice", web, owner=Party("alice"))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C raises, also where the tests were started with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def word(found: Result) -> str:
    """The one word of an answer."""
    return found.verdict.answer.value


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """An archive of these files."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def answer_for(reader: Reader, path: Path) -> str:
    """The one word for a file or an archive that lies there."""
    (found,) = verify.verify(reader.workspace, [str(path)])
    return word(found)


def met(reader: Reader, web: Web, stranger: Party) -> None:
    """The reader has what someone publishes who does not count."""
    web.offer(stranger)
    reader.follow(stranger)
    reader.fetch_all()


def published_anew(reader: Reader, web: Web, party: Party) -> None:
    """The reader has what someone whom they follow publishes now."""
    web.offer(party)
    reader.fetch_all()


def forged(mallory: Party, bob: Party, name: str) -> dict[str, Any]:
    """Mallory's statement that says it is Bob's, about a list that she made up."""
    return mallory.statement(name, manifest=name) | {"key": bob.fingerprint}


# --- the word of a stranger changes nothing ------------------------------------------------------


def test_a_stranger_who_links_a_bad_archive_changes_nothing(
    reader: Reader, web: Web, folder: Path
) -> None:
    """A folder that is ok stays ok, whatever archive a stranger says has the same files."""
    bob, carol, mallory = Party("bob"), Party("carol"), Party("mallory")
    tree_statement(bob)
    carol.says(file_id("malware.zip"), ok=False)
    followed(reader, web, bob, carol)
    assert "ok" == word(asked(reader, folder))
    mallory.says(file_id("malware.zip"), ok=True, manifest=str(M.id))
    met(reader, web, mallory)
    assert "ok" == word(asked(reader, folder))


@pytest.mark.parametrize(("ok", "answer"), [(True, "ok"), (False, "bad")])
def test_a_stranger_who_leaves_out_nothing_makes_no_error(
    reader: Reader, web: Web, folder: Path, ok: bool, answer: str
) -> None:
    """What those who count left out is not listed on a stranger's word, so a link there is none."""
    bob, mallory = Party("bob"), Party("mallory")
    tree_statement(bob, ok=ok)
    followed(reader, web, bob)
    made(folder, {".git/config": b"x"})
    (folder / ".git/link").symlink_to("config")
    assert answer == word(asked(reader, folder))
    tree_statement(mallory, exclude=[])
    met(reader, web, mallory)
    assert answer == word(asked(reader, folder))


def test_one_more_ok_makes_no_error(reader: Reader, web: Web, folder: Path) -> None:
    """Bob's ok about an archive with the same files does not spoil his ok about the folder."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob)
    made(folder, {".git/config": b"x"})
    (folder / ".git/link").symlink_to("config")
    assert "ok" == word(asked(reader, folder))
    bob.says(WHEEL, manifest=str(M.id))
    published_anew(reader, web, bob)
    assert "ok" == word(asked(reader, folder))


def test_a_stranger_does_not_decide_whether_members_are_looked_at(
    reader: Reader, web: Web, tmp_path: Path
) -> None:
    """An archive with a bad member has one answer, whether or not a stranger names a list."""
    path = zipped(tmp_path / "x.whl", {"evil.py": b"evil\n", "b.py": b"b\n"})
    id = sha(path.read_bytes())
    bob, carol, mallory = Party("bob"), Party("carol"), Party("mallory")
    bob.says(id)
    carol.says(sha(b"evil\n"), ok=False)
    followed(reader, web, bob, carol)
    before = answer_for(reader, path)
    mallory.says(id, manifest=str(M.id))
    met(reader, web, mallory)
    assert before == answer_for(reader, path)


def test_a_list_of_something_else_does_not_decide_whether_members_are_looked_at(
    reader: Reader, web: Web, tmp_path: Path
) -> None:
    """An archive with a bad member has one answer, whatever lists were fetched."""
    path = zipped(tmp_path / "x.whl", {"evil.py": b"evil\n"})
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob)
    carol.says(sha(b"evil\n"), ok=False)
    followed(reader, web, bob, carol)
    before = answer_for(reader, path)
    web.pages[bob.url + objects.name(M.id)] = M.text
    reader.fetch_all()
    assert (reader.path / objects.name(M.id)).exists()
    assert before == answer_for(reader, path)


# --- a warning is not lost -----------------------------------------------------------------------


def test_an_own_warning_about_an_archive_reaches_the_folder(
    alice: Reader, folder: Path, tmp_path: Path
) -> None:
    """It does although the ok that linked the two is left out of what is published."""
    path = zipped(tmp_path / "x.whl", FILES)
    found = trees.list_of(str(path))
    assert found.manifest is not None
    assert M.id == found.manifest.id
    attest.attest(alice.workspace, [Claim.of(str(path), found, True, True)])
    assert "ok" == word(asked(alice, folder))
    alice.clock.at += 10
    attest.attest(alice.workspace, [Claim(str(path), found.id, False, True, comment="steals")])
    assert "bad" == word(asked(alice, folder))


def test_a_warning_about_an_archive_survives_its_source(
    reader: Reader, web: Web, folder: Path
) -> None:
    """One that names the list stays with and without an index, and when its remote is removed."""
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob)
    carol.says(WHEEL, ok=False, manifest=str(M.id))
    followed(reader, web, bob, carol)
    assert "bad" == word(asked(reader, folder))
    carol.offered.clear()
    published_anew(reader, web, carol)
    assert "bad" == word(asked(reader, folder))
    (reader.path / "index.sqlite").unlink()
    assert "bad" == word(asked(reader, folder))
    remote.remove(reader.workspace, "carol")
    assert "bad" == word(asked(reader, folder))


def test_a_warning_about_a_folder_survives_its_source(
    reader: Reader, web: Web, folder: Path
) -> None:
    """It stays when its signer publishes it no more, and when their remote is removed."""
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob)
    tree_statement(carol, ok=False)
    followed(reader, web, bob, carol)
    carol.offered.clear()
    published_anew(reader, web, carol)
    assert "bad" == word(asked(reader, folder))
    remote.remove(reader.workspace, "carol")
    assert "bad" == word(asked(reader, folder))


def test_an_ok_that_disappears_takes_no_warning_along(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Carol's warning about the archive reaches the folder through Bob's ok, published or not."""
    bob, carol, dave = Party("bob"), Party("carol"), Party("dave")
    tree_statement(dave)
    bob.says(WHEEL, manifest=str(M.id), at=NOW - 3 * DAY)
    carol.says(WHEEL, ok=False)
    followed(reader, web, bob, carol, dave)
    bob.offered.clear()
    published_anew(reader, web, bob)
    assert "bad" == word(asked(reader, folder))
    (reader.path / "index.sqlite").unlink()
    assert "bad" == word(asked(reader, folder))


def test_an_ok_that_expired_takes_no_warning_along(reader: Reader, web: Web, folder: Path) -> None:
    """What an archive holds is true for ever, so Carol's warning reaches the folder."""
    bob, carol, dave = Party("bob"), Party("carol"), Party("dave")
    tree_statement(dave)
    bob.says(WHEEL, manifest=str(M.id), expires=EXPIRED)
    carol.says(WHEEL, ok=False)
    followed(reader, web, bob, carol, dave)
    assert "bad" == word(asked(reader, folder))


def test_a_link_in_the_folder_hides_no_warning_about_the_list(
    reader: Reader, web: Web, folder: Path
) -> None:
    """A list that is marked bad is bad, whether or not the folder beside it can be read."""
    bob = Party("bob")
    tree_statement(bob, ok=False)
    followed(reader, web, bob)
    sums = folder.parent / "SUMS"
    sums.write_bytes(M.text)
    assert "bad" == word(listed(reader, sums, folder))
    (folder / "link").symlink_to("a.py")
    assert "bad" == word(listed(reader, sums, folder))


# --- no ok that nobody gave ----------------------------------------------------------------------


def test_what_lies_in_the_folder_revives_no_older_ok(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Bob's newer word about the list holds, and what it does not leave out counts."""
    bob = Party("bob")
    tree_statement(bob, at=NOW - 3 * DAY)
    tree_statement(bob, at=NOW - 2 * DAY, exclude=[".git"])
    followed(reader, web, bob)
    assert "ok" == word(asked(reader, folder))
    made(folder, {"__pycache__/x.pyc": b"evil"})
    assert "ok" != word(asked(reader, folder))


def test_what_lies_in_the_folder_revives_no_warning(reader: Reader, web: Web, folder: Path) -> None:
    """A warning that its signer ended is ended, whatever lies in the folder."""
    bob = Party("bob")
    tree_statement(bob, ok=False, at=NOW - 3 * DAY)
    tree_statement(bob, at=NOW - 2 * DAY, exclude=[".git"])
    followed(reader, web, bob)
    assert "ok" == word(asked(reader, folder))
    made(folder, {"__pycache__/x.pyc": b"x"})
    assert "bad" != word(asked(reader, folder))


@pytest.mark.parametrize(
    "fields",
    [{}, {"manifest": str(manifest_of({"other": b"x"}).id)}],
    ids=["no list", "another list"],
)
def test_a_word_about_a_file_is_none_about_the_folder_that_it_lists(
    reader: Reader, web: Web, folder: Path, fields: dict[str, str]
) -> None:
    """Bob reviewed a file of checksums, and nobody the files that it lists."""
    bob = Party("bob")
    bob.says(str(M.id), at=NOW - 2 * DAY, **fields)
    followed(reader, web, bob)
    assert "ok" != word(asked(reader, folder))
    tree_statement(bob)
    published_anew(reader, web, bob)
    assert "ok" == word(asked(reader, folder))


def test_a_repository_cannot_file_below_a_list(reader: Reader, web: Web, folder: Path) -> None:
    """A statement about an archive counts where it is filed below the archive, and nowhere else."""
    bob = Party("bob")
    one = bob.statement(WHEEL, manifest=str(M.id))
    web.offer(bob, bob.repository(filed={f"manifest {M.id}": [one]}))
    reader.follow(bob, counts=True)
    reader.fetch_all()
    assert "unknown" == reader.answer(WHEEL)
    assert "ok" != word(asked(reader, folder))
    web.offer(bob, bob.repository(filed={WHEEL: [one]}))
    reader.fetch_all()
    assert "ok" == reader.answer(WHEEL)
    assert "ok" == word(asked(reader, folder))


def test_a_swap_behind_the_digest_hides_no_bad_member(
    reader: Reader, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that gives way to a text once its digest was taken is not ok."""
    path = zipped(tmp_path / "x.whl", {"evil.py": b"evil\n"})
    bob, carol = Party("bob"), Party("carol")
    bob.says(sha(path.read_bytes()), manifest=str(manifest_of({"evil.py": b"evil\n"}).id))
    carol.says(sha(b"evil\n"), ok=False)
    followed(reader, web, bob, carol)
    real = verify.verdicts_of

    def swapped(*given: Any) -> Any:
        path.write_bytes(b"a text")
        return real(*given)

    monkeypatch.setattr(verify, "verdicts_of", swapped)
    assert "ok" != answer_for(reader, path)
    assert b"a text" == path.read_bytes()


def test_globs_that_are_none_give_no_ok(reader: Reader, web: Web, folder: Path) -> None:
    """They are no crash, and leave out nothing."""
    bob = Party("bob")
    for number, bad in enumerate((["a//b"], [""], ["*"] * 65, ["x" * 256], ["../*"])):
        tree_statement(bob, exclude=bad, at=NOW - DAY - number)
    followed(reader, web, bob, lists=[M])
    assert "ok" == word(asked(reader, folder))
    made(folder, {"__pycache__/x": b"x"})
    assert "ok" != word(asked(reader, folder))


@pytest.mark.parametrize("files", [{}, {".git/x": b"x"}], ids=["empty", "all left out"])
def test_a_folder_without_files_is_never_ok(
    reader: Reader, web: Web, tmp_path: Path, files: dict[str, bytes]
) -> None:
    """There is no list of nothing, even where the empty file is ok."""
    bob = Party("bob")
    bob.says(sha(b""))
    followed(reader, web, bob)
    assert "ok" == reader.answer(sha(b""))
    place = tmp_path / "empty"
    place.mkdir()
    assert "error" == word(asked(reader, made(place, files)))


def test_an_ok_that_expired_gives_none_and_explains_nothing(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Its list is not what a folder is compared with."""
    bob = Party("bob")
    tree_statement(bob, expires=EXPIRED)
    followed(reader, web, bob, lists=[M])
    assert "ok" != word(asked(reader, folder))
    made(folder, {"z": b"z"})
    assert None is asked(reader, folder).closest


def test_only_what_all_the_needed_signers_leave_out_may_be_there(
    tmp_path: Path, web: Web, folder: Path
) -> None:
    """Where two must say so, what one of them alone left out counts."""
    site = tmp_path / "policy.json"
    site.write_bytes(canonical({"ok": 2}))
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob, exclude=[*DEFAULT_EXCLUDES, "docs"])
    tree_statement(carol, exclude=[*DEFAULT_EXCLUDES, "tests"])
    strict = Reader(tmp_path / "strict", web, site=site)
    followed(strict, web, bob, carol, lists=[M])
    assert "ok" == word(asked(strict, folder))
    made(folder, {"docs/x": b"x"})
    assert "ok" != word(asked(strict, folder))


def test_a_signer_who_leaves_out_less_takes_no_ok_away(
    reader: Reader, web: Web, folder: Path
) -> None:
    """Where one is enough, Carol's ok about a folder with docs outlives Bob's without."""
    bob, carol = Party("bob"), Party("carol")
    tree_statement(carol, exclude=[*DEFAULT_EXCLUDES, "docs"])
    followed(reader, web, carol, lists=[M])
    made(folder, {"docs/x": b"x"})
    assert "ok" == word(asked(reader, folder))
    tree_statement(bob)
    offered(web, bob, [M])
    reader.follow(bob, counts=True)
    reader.fetch_all()
    assert "ok" == word(asked(reader, folder))


# --- nobody makes us work, wait or fill the disk -------------------------------------------------


def test_a_forged_statement_fetches_no_list(reader: Reader, web: Web) -> None:
    """Fetched is what a key that counts really named, not what Mallory says that it did."""
    bob, mallory = Party("bob"), Party("mallory")
    bob.says()
    followed(reader, web, bob)
    junk = manifest_of({"junk": b"x" * 100})
    mallory.offered.append(forged(mallory, bob, str(junk.id)))
    offered(web, mallory, [junk])
    reader.follow(mallory)
    reader.fetch_all()
    assert not list((reader.path / "objects").rglob("*"))


def test_a_forged_statement_crowds_out_no_list(
    reader: Reader, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Mallory makes up takes no place among the lists that a folder is compared with."""
    bob, mallory = Party("bob"), Party("mallory")
    tree_statement(bob, exclude=[*DEFAULT_EXCLUDES, "docs"])
    followed(reader, web, bob, lists=[M])
    made(folder, {"docs/x": b"x"})
    assert "ok" == word(asked(reader, folder))
    many = (manifest_of({f"junk{number}": b"x", "z": b"z"}) for number in range(1_000_000))
    junk = next(one for one in many if one.id < M.id)
    mallory.offered.append(forged(mallory, bob, str(junk.id)))
    offered(web, mallory, [junk])
    reader.follow(mallory)
    reader.fetch_all()
    monkeypatch.setattr(trees, "COMPARED", len(M.text) + len(junk.text) - 1)
    assert "ok" == word(asked(reader, folder))


def test_a_forged_statement_keeps_no_fetch_waiting(reader: Reader, web: Web) -> None:
    """A host that would drip for ever is not asked for a list that Mallory made up."""
    bob, mallory, carol = Party("bob"), Party("aaron"), Party("carol")
    bob.says()
    tree_statement(carol)
    followed(reader, web, bob)
    junk = manifest_of({"junk": b"x"})
    mallory.offered.append(forged(mallory, bob, str(junk.id)))
    web.offer(mallory)
    drips = mallory.url + objects.name(junk.id)
    web.pages[drips] = NetworkError("it would drip")
    reader.follow(mallory)
    offered(web, carol, [M])
    reader.follow(carol, counts=True)
    reader.fetch_all()
    assert (reader.path / objects.name(M.id)).exists()
    assert drips not in web.asked


def test_strangers_do_not_multiply_how_often_a_folder_is_read(
    reader: Reader, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read a few times, whatever combinations of globs strangers leave out."""
    bob, mallory = Party("bob"), Party("mallory")
    tree_statement(bob)
    sizes = range(len(DEFAULT_EXCLUDES) + 1)
    subsets = [list(some) for size in sizes for some in combinations(DEFAULT_EXCLUDES, size)]
    for number, some in enumerate(subsets):
        tree_statement(mallory, exclude=some, at=NOW - 2 * DAY - number)
    followed(reader, web, bob)
    met(reader, web, mallory)
    times = counted(monkeypatch, trees, "digests")
    assert "ok" == word(asked(reader, folder))
    assert 1 <= len(times) <= 3


def test_strangers_do_not_multiply_the_signatures_that_are_verified(
    reader: Reader, web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said of archives that only a stranger links is not verified."""
    bob, mallory = Party("bob"), Party("mallory")
    tree_statement(bob)
    followed(reader, web, bob)
    for number in range(20):
        id = file_id(f"archive {number}")
        mallory.says(id, manifest=str(M.id))
        for older in range(10):
            mallory.says(id, at=NOW - 2 * DAY - older, comment=str(older))
    met(reader, web, mallory)
    times = counted(monkeypatch, workspace, "attest")
    assert "ok" == word(asked(reader, folder))
    assert 1 <= len(times) <= 50  # the one that counts, 20 links, and some air


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[str]:
    """A list with an entry for each call of that function from now on."""
    times: list[str] = []
    real: Callable[..., Any] = getattr(module, name)

    def call(*given: Any, **named: Any) -> Any:
        times.append(name)
        return real(*given, **named)

    monkeypatch.setattr(module, name, call)
    return times


def test_lists_that_are_missing_keep_no_others_away(
    reader: Reader, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest comes with a later fetch, though the first are not there."""
    # In the worst order, until it is turned round: chance must not decide.
    turned: list[bool] = []

    def shuffle(ids: list[Identifier]) -> None:
        ids.sort(reverse=bool(turned))
        turned.append(True)

    monkeypatch.setattr(manifests.random, "shuffle", shuffle)
    bob = Party("bob")
    many = sorted((manifest_of({f"f{number}": b"x"}) for number in range(6)), key=lambda m: m.id)
    for one in many:
        tree_statement(bob, one)
    offered(web, bob, many[3:])
    reader.follow(bob, counts=True)
    monkeypatch.setattr(manifests, "MOST", 3)
    for _ in range(4):
        reader.fetch_all()
    assert 3 == len([one for one in (reader.path / "objects").rglob("*") if one.is_file()])


def test_ctrl_c_ends_the_wait_for_a_list(reader: Reader, web: Web, interruptible: None) -> None:
    """It raises before the server that keeps the fetch waiting is let go."""
    bob = Party("bob")
    tree_statement(bob)
    web.offer(bob)
    go = threading.Event()

    def slow() -> bytes:
        # By then fetch waits for it; where it does not yet, the test passes all the same.
        go.wait(0.2)
        os.kill(os.getpid(), signal.SIGINT)
        # A fetch that waits for the server must end too, for the test to fail.
        if not go.wait(60):
            go.set()
        return M.text

    web.pages[bob.url + objects.name(M.id)] = slow
    reader.follow(bob, counts=True)
    try:
        with pytest.raises(KeyboardInterrupt):
            reader.fetch_all()
        assert not go.is_set()
    finally:
        go.set()


# A forked process starts with its own peak; one that is only started inherits that of the tests.
PEAK = """
import os, resource, sys
from sig.errors import FormatError
from sig.repo.archive import members
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
def used():
    before = peak()
    try:
        members(sys.argv[1])
    except FormatError as error:
        return peak() - before, error.message
    return peak() - before, "listed"
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
members(sys.argv[2])  # what is loaded and made once
print(*used())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in KiB on Linux")
def test_an_archive_of_long_names_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A tar of 3 MB whose names are 300 MB takes less than 256 MiB more."""
    place = b"/".join([b"d" * 250] * 15)
    header = hostile.member(place[:100], b"", dialect="gnu")
    with gzip.open(tmp_path / "large.tar.gz", "wb", compresslevel=6) as stream:
        for number in range(80_000):
            stream.write(hostile.long_name(place + b"/%05d" % number) + header)
        stream.write(bytes(1024))
    small = tmp_path / "small.tar.gz"
    small.write_bytes(gzip.compress(hostile.tarred(hostile.member("x", b"x"))))
    run = [sys.executable, "-c", PEAK, str(tmp_path / "large.tar.gz"), str(small)]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    used, said = done.stdout.strip().split(" ", 1)
    assert "the list of its files is larger than 64 MiB" == said
    assert int(used) < 256


def test_publish_does_not_wait_for_a_fifo_in_the_place_of_a_list(
    alice: Reader, folder: Path, tmp_path: Path
) -> None:
    """Who can write to the published folder cannot make publish hang."""
    attest.attest(alice.workspace, [claim(folder)])
    site = tmp_path / "site"
    place = site / objects.name(M.id)
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    thread = threading.Thread(
        target=lambda: published.publish(alice.workspace, str(site)), daemon=True
    )
    thread.start()
    thread.join(60)  # where it hangs, the test must end too
    hangs = thread.is_alive()
    if hangs:
        os.close(os.open(place, os.O_RDWR | os.O_NONBLOCK))
        thread.join(60)
    assert not hangs
    assert M.text == place.read_bytes()


def test_publish_reads_no_more_than_it_must_in_the_place_of_a_list(
    alice: Reader, folder: Path, tmp_path: Path
) -> None:
    """A file of 600 MB that is mostly a hole is replaced, and not held in memory."""
    attest.attest(alice.workspace, [claim(folder)])
    site = tmp_path / "site"
    place = site / objects.name(M.id)
    place.parent.mkdir(parents=True)
    with open(place, "wb") as stream:
        stream.truncate(600 << 20)
    tracemalloc.start()
    try:
        published.publish(alice.workspace, str(site))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 << 20
    assert M.text == place.read_bytes()


def test_verify_writes_nothing_and_asks_nobody(reader: Reader, web: Web, folder: Path) -> None:
    """A folder that differs is compared with what is there."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    (folder / "a.py").write_bytes(b"evil")
    web.asked.clear()
    before = files_of(reader)
    assert {"a.py": "changed"} == differing(asked(reader, folder))
    assert before == files_of(reader)
    assert [] == web.asked


def files_of(reader: Reader) -> dict[Path, tuple[int, int]]:
    """When each file of the reader was written, and its size."""
    found = {path: path.stat() for path in reader.path.rglob("*")}
    return {path: (status.st_mtime_ns, status.st_size) for path, status in found.items()}


# --- nothing ends the answers about the rest -----------------------------------------------------


def test_a_stray_file_among_the_lists_is_passed_over(
    reader: Reader, web: Web, folder: Path
) -> None:
    """What a file manager leaves there hides no list."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    (reader.path / "objects/DS_Store").write_bytes(b"x")
    (folder / "a.py").write_bytes(b"evil")
    assert {"a.py": "changed"} == differing(asked(reader, folder))


def test_an_archive_that_goes_away_ends_no_other_answer(
    reader: Reader, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is removed between its digest and its members leaves the other files answered."""
    path = zipped(tmp_path / "x.zip", {"b.py": b"b\n"})
    bob = Party("bob")
    bob.says(sha(path.read_bytes()), manifest=str(M.id))
    followed(reader, web, bob)
    real = trees.is_archive

    def gone(name: str) -> bool:
        path.unlink(missing_ok=True)
        return real(name)

    monkeypatch.setattr(trees, "is_archive", gone)
    other = tmp_path / "other"
    other.write_text("x")
    found = verify.verify(reader.workspace, [str(path), str(other)])
    assert [str(path), str(other)] == [one.asked for one in found]
    assert not path.exists()


def test_an_archive_that_is_cut_off_meanwhile_ends_no_run(
    reader: Reader, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that gets shorter while its members are read has an answer, too."""
    path = zipped(tmp_path / "x.zip", {"b.py": b"b\n"})
    bob = Party("bob")
    bob.says(sha(path.read_bytes()), manifest=str(M.id))
    followed(reader, web, bob)
    real = archives.read_at

    def cut(*given: Any) -> bytes:
        path.write_bytes(b"")
        return real(*given)

    monkeypatch.setattr(archives, "read_at", cut)
    assert 1 == len(verify.verify(reader.workspace, [str(path)]))
    assert b"" == path.read_bytes()


def test_a_file_that_is_named_like_an_identifier_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no crash, and with a folder before its name it is a file as any other."""
    monkeypatch.chdir(tmp_path)
    name = "sha256:" + "0" * 64
    Path(name).write_text("x")
    with pytest.raises(UsageError):
        trees.list_of(name)
    assert sha(b"x") == trees.list_of(f"./{name}").id


@pytest.mark.parametrize("name", ["", "docs/x", "__pycache__/x", "y"])
def test_index_and_files_agree_about_a_folder(
    reader: Reader, web: Web, folder: Path, name: str
) -> None:
    """The answer is the same in every field, with an index and without."""
    bob, carol = Party("bob"), Party("carol")
    bob.says(WHEEL, manifest=str(M.id))
    tree_statement(carol, exclude=[*DEFAULT_EXCLUDES, "docs"])
    followed(reader, web, bob, carol, lists=[M])
    if name:
        made(folder, {name: b"x"})
    one = asked(reader, folder)
    (reader.path / "index.sqlite").unlink()
    assert one == asked(reader, folder)


# --- people see what it is -----------------------------------------------------------------------


def test_the_bad_file_is_named(
    reader: Reader, web: Web, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asks about a folder is told which file in it is bad."""
    bob, carol = Party("bob"), Party("carol")
    tree_statement(bob)
    carol.says(sha(b"b\n"), ok=False)
    followed(reader, web, bob, carol)
    print_result(Context(), asked(reader, folder))
    assert "sub/b.py" in capsys.readouterr().out


def test_an_archive_with_the_same_files_says_so(
    reader: Reader, web: Web, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other bytes with the same members are not called close with nothing that differs."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    path = zipped(tmp_path / "x.zip", FILES)
    (found,) = verify.verify(reader.workspace, [str(path)])
    print_result(Context(), found)
    told = capsys.readouterr().out
    assert "same" in told or "closest" not in told


def test_what_is_extra_is_named_without_the_list(reader: Reader, web: Web, folder: Path) -> None:
    """A folder that is the list but for what was not left out needs no list to say so."""
    bob = Party("bob")
    tree_statement(bob, exclude=[".git"])
    followed(reader, web, bob)
    made(folder, {"sub/__pycache__/x.pyc": b"x"})
    assert not list((reader.path / "objects").rglob("*"))
    assert {"sub/__pycache__/x.pyc": "extra"} == differing(asked(reader, folder))


def test_a_file_that_is_only_compressed_is_no_note(
    reader: Reader, web: Web, tmp_path: Path
) -> None:
    """A log that was packed is an ordinary file."""
    bob = Party("bob")
    tree_statement(bob)
    followed(reader, web, bob, lists=[M])
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"hello"))
    desk = reader.workspace
    verify.verify(desk, [str(path)])
    assert [] == desk.notes


def test_a_list_that_did_not_come_is_told_with_the_reason(reader: Reader, web: Web) -> None:
    """So it is for programs, too."""
    bob = Party("bob")
    tree_statement(bob)
    web.offer(bob)
    reader.follow(bob, counts=True)
    (found,) = reader.fetch_all()
    (one,) = fetched_json(found)["manifests"]
    assert "404" in str(one)


def test_an_error_about_the_list_names_the_list(
    reader: Reader, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is the list, and not the folder that it is compared with."""
    print_result(Context(), listed(reader, folder / "nosuch", folder))
    assert "nosuch" in capsys.readouterr().err
