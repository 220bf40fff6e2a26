"""`sig lock`, `sig attest NAME.lock`, `sig run`: the story of a script and its environment."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import GET, App
from tests.world import Person, Seeds, Server, World, contents, id_of, snapshot

QUESTIONS = (
    "I have reviewed this list (yes/no): "
    "It performs as expected and is free of major flaws (yes/no): "
    "Comment: "
)
# What each distribution of get.py's environment is, by its wheel.
WHEELS = ("certifi", "charset-normalizer", "idna", "requests==2.32.3", "urllib3")


@dataclass(frozen=True, slots=True)
class Signed:
    """get.py, signed by Alice, and what it asks."""

    app: App
    server: Server

    @property
    def told(self) -> str:
        """What it prints."""
        return "2.32.3\nhello\n"


def unsigned(world: World, alice: Person) -> App:
    """get.py beside its environment, as a user has it."""
    alice.write("get.py", GET)
    python = wheels.environment(alice.place / "v", wheels.system(), "requests==2.32.3")
    return App(alice, alice.place, python, "get.py", "get")


def serve(world: World) -> Server:
    """A web server with hello.txt."""
    folder = world.path / "www"
    folder.mkdir()
    (folder / "hello.txt").write_text("hello\n")
    return world.serve(folder)


@pytest.fixture(scope="module")
def _first(seeds: Seeds) -> Iterator[Signed]:
    world = World(seeds)
    yield Signed(unsigned(world, world.person("alice")).signed(), serve(world))
    world.close()


@pytest.fixture
def told(_first: Signed) -> Signed:
    """Signed; for tests that change nothing."""
    return _first


@pytest.fixture
def signed(_first: Signed, world: World) -> Signed:
    """A copy that may be changed."""
    return Signed(_first.app.again(world), _first.server)


@pytest.fixture
def app(world: World, alice: Person) -> App:
    """get.py and its environment, nothing signed."""
    return unsigned(world, alice)


def files_of(requirement: str, python: Path) -> tuple[str, str, int]:
    """Name, version and number of files of a distribution, by its wheel; RECORD is pip's."""
    path = wheels.wheel(requirement, wheels.version(str(python)))
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/", "/RECORD"))]
    name, version, *_ = path.name.split("-")
    return name.replace("_", "-"), version, len(names)


def roots(app: App) -> dict[str, str]:
    """The lines of the list: root -> digest."""
    found = {}
    for line in app.list.read_text().splitlines():
        digest, root = line.split("  ")
        found[root] = digest
    return found


def test_a_script_is_locked_signed_and_run(world: World, app: App) -> None:
    """The whole story, as in the guide: nothing runs before the list is signed."""
    url = serve(world).url
    locked = app.lock()
    assert (0, "") == (locked.status, locked.stderr)
    before = app.run(url)
    assert (111, "", "error: not run") == (
        before.status,
        before.stdout,
        before.stderr.splitlines()[-1],
    )

    assert ["sig", "attest", "get.lock"] == apps.next_of(locked)
    assert 0 == app.person.sig("attest", "get.lock", input=apps.YES).status

    ran = app.run(url)
    assert (0, "2.32.3\nhello\n", "") == (ran.status, ran.stdout, ran.stderr)
    same = app.plain(url)
    assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)


def test_a_plan_names_the_python_the_files_and_what_is_next(app: App) -> None:
    """A line for each root: how many files, and whether anybody who counts vouches for them."""
    told = apps.plan(app.lock())

    assert told[0].startswith(f"python {wheels.version(str(app.python))}.")
    assert told[0].endswith(" system")
    assert "app 1 file not attested" == told[1]
    for name, version, files in (files_of(one, app.python) for one in WHEELS):
        assert f"dist {name} {version} {files} files not attested" in told
    assert 5 == len([line for line in told if line.startswith("dist ")])
    assert "next sig attest get.lock" == told[-1]
    assert app.lock().lines[-1].startswith("next      sig attest ")


def test_a_list_has_a_line_for_each_root_and_no_place_of_this_machine(app: App) -> None:
    """The format of `sha256sum`; the digest of the app is that of its own list."""
    app.lock()

    found = roots(app)
    assert ["app", *sorted(root for root in found if root != "app")] == list(found)
    assert {root.removeprefix("dist/") for root in found if root != "app"} == {
        f"{name}-{version}" for name, version, _ in (files_of(one, app.python) for one in WHEELS)
    }
    manifest = f"{id_of(GET).removeprefix('sha256:')}  get.py\n"
    assert id_of(manifest) == "sha256:" + found["app"]
    assert str(app.place) not in app.list.read_text()


def test_locking_twice_changes_nothing(app: App) -> None:
    """The same bytes, the same plan; nothing is written into the environment."""
    first = app.lock()
    before = snapshot(app.prefix)
    data = app.list.read_bytes()

    again = app.lock()

    assert (first.stdout, data) == (again.stdout, app.list.read_bytes())
    assert before == snapshot(app.prefix)


def test_a_list_is_asked_for_as_a_list(app: App) -> None:
    """Its question says what was looked at; the statement names the app and the release."""
    app.lock()

    ran = app.attest("yes\nyes\nread all of it\n")

    assert (0, QUESTIONS) == (ran.status, ran.stderr)
    head, _, data = ran.stdout.partition("\n")
    assert head.startswith("Saved attestation for ") and head.endswith("get.lock:")
    found = json.loads(data)
    assert ["app:get", "release:1"] == [
        word for word in found["criteria"] if word.startswith(("app:", "release:"))
    ]
    assert (id_of(app.list.read_bytes()), True, True, "read all of it") == (
        found["id"],
        found["ok"],
        found["reviewed"],
        found["comment"],
    )


@pytest.mark.parametrize(
    ("answers", "status"), [("no\nyes\n\n", 1), ("yes\nno\n\n", 0), ("yes\n", 1), ("", 1)]
)
def test_what_is_not_reviewed_or_not_ok_does_not_run(
    app: App, world: World, answers: str, status: int
) -> None:
    """Only a yes to both lets it run; a no to the second is a warning: 113."""
    app.lock()

    assert status == app.attest(answers).status
    assert (111 if status else 113) == app.run(serve(world).url).status


def test_a_second_signature_is_the_next_release(signed: Signed) -> None:
    """And the one before, though genuine, runs no more: nobody is sent back to it."""
    app = signed.app
    old = contents(app.place)["get.lock"], GET
    app.person.write("get.py", GET + "print('more')\n")
    assert 111 == app.run(signed.server.url).status
    assert ["app 1 file not attested"] == [
        line for line in apps.plan(app.lock()) if "not attested" in line
    ]
    ran = app.attest()
    assert "release:2" in json.loads(ran.stdout.partition("\n")[2])["criteria"]
    assert signed.told + "more\n" == app.run(signed.server.url).stdout

    app.list.write_bytes(old[0])
    app.person.write("get.py", old[1])
    back = app.run(signed.server.url)
    assert (111, "", "error: not run") == (back.status, back.stdout, back.stderr.splitlines()[-1])


def test_a_list_that_does_not_fit_the_disk_is_not_signed(app: App) -> None:
    """Whoever signs it would sign what they do not have; nothing is asked or written."""
    app.lock()
    app.person.write("get.py", GET + "\n")
    before = snapshot(app.person.folder)

    ran = app.attest()

    assert (1, "") == (ran.status, ran.stdout)
    assert ran.stderr.startswith("error: ")
    assert before == snapshot(app.person.folder)
    app.lock()
    assert 0 == app.attest().status


def test_the_word_of_a_trusted_person_about_a_wheel_counts(world: World, app: App) -> None:
    """They never saw this machine: what pip unpacked is what they signed."""
    bob = world.person("bob")
    wheel = wheels.wheel("requests==2.32.3")
    shutil.copy(wheel, bob.place)
    ran = bob.sig("attest", "--tree", wheel.name, "--ok", "--reviewed", "-m", "")
    assert 0 == ran.status, ran
    server = world.serve(bob.folder / "repo")
    alice = app.person
    alice.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint, "-f")
    line = re.compile(r"dist requests 2\.32\.3 (\d+) files (.*)")

    def told() -> list[str]:
        return [found[2] for each in apps.plan(app.lock()) if (found := line.fullmatch(each))]

    assert ["not attested"] == told()

    alice.sig("trust", "add", bob.fingerprint)
    alice.sig("fetch")

    assert [f"ok [{bob.short}]"] == told()
    # The positive twin of a damaged one: it is not what was signed.
    path = app.site / "requests/api.py"
    genuine = path.read_text()
    path.write_text("")
    assert [f"ok [{bob.short}]"] != told()
    path.write_text(genuine)
    # Whoever wants to run it still has to sign the list of all.
    url = serve(world).url
    assert 111 == app.run(url).status
    assert 0 == app.lock().status
    assert 0 == app.attest().status
    assert "2.32.3\nhello\n" == app.run(url).stdout


def test_an_upgrade_is_not_covered(signed: Signed) -> None:
    """Nothing runs; the plan names the one thing that is new; a signature about it is enough."""
    app = signed.app
    wheels.pip(app.python, "requests==2.32.4")

    ran = app.run(signed.server.url)

    assert (111, "") == (ran.status, ran.stdout)
    assert "requests 2.32.4 is not covered" in ran.stderr
    assert "error: not run" == ran.stderr.splitlines()[-1]
    name, version, files = files_of("requests==2.32.4", app.python)
    assert [f"dist {name} {version} {files} files not attested"] == [
        line for line in apps.plan(app.lock()) if "not attested" in line
    ]
    assert 0 == app.attest().status
    assert "2.32.4\nhello\n" == app.run(signed.server.url).stdout


def test_an_environment_may_be_moved(signed: Signed) -> None:
    """No signature is asked for: no place is signed."""
    app = signed.app
    before = app.list.read_bytes()
    moved = app.prefix.rename(app.prefix.with_name("w")) / "bin/python"
    app = App(app.person, app.place, moved, app.target, app.name)

    told = apps.plan(app.lock())

    assert not [line for line in told if "not attested" in line]
    assert "next sig run get.py" == told[-1]
    assert [True] * 6 == [" ok" in line for line in told if line.startswith(("app ", "dist "))]
    assert before == app.list.read_bytes()
    assert signed.told == app.run(signed.server.url).stdout


def test_an_environment_that_is_gone_is_not_run(signed: Signed) -> None:
    """Neither is another Python's taken for it."""
    shutil.rmtree(signed.app.prefix)

    ran = signed.app.run(signed.server.url)

    assert ran.status in (111, 114)
    assert "error: not run" == ran.stderr.splitlines()[-1]


def test_strangers_lists_run_once_their_signer_is_trusted(world: World, app: App) -> None:
    """Bob wrote and signed; Alice has his files, and decides."""
    app.signed()
    carol = world.person("carol")
    server = world.serve(app.person.folder / "repo")
    carol.place.rmdir()
    wheels.copy(app.place, carol.place)
    moved = App(carol, carol.place, carol.place / "v/bin/python", app.target, app.name)
    carol.sig("remote", "add", "alice", server.url, "--key", app.person.fingerprint, "-f")
    url = serve(world).url
    assert 0 == moved.lock().status
    assert 111 == moved.run(url).status

    carol.sig("trust", "add", app.person.fingerprint)

    assert (0, "2.32.3\nhello\n") == (moved.run(url).status, moved.run(url).stdout)


def test_the_list_vouches_for_nothing_elsewhere(told: Signed) -> None:
    """A look at the list is no review of a file: neither the script nor a module is ok alone."""
    app = told.app
    for path in (app.place / "get.py", app.site / "requests/api.py"):
        assert 1 == app.person.sig("verify", path).status
    # Without its list the script is a file like any other.
    alone = app.person.world.path / "elsewhere"
    alone.mkdir(exist_ok=True)
    shutil.copy(app.place / "get.py", alone)
    ran = app.run(told.server.url, cwd=alone)
    assert (111, "") == (ran.status, ran.stdout)


def test_a_list_that_is_gone_runs_nothing(signed: Signed) -> None:
    """The script alone was never attested."""
    signed.app.list.unlink()

    ran = signed.app.run(signed.server.url)

    assert (111, "error: not run") == (ran.status, ran.stderr.splitlines()[-1])


@pytest.mark.parametrize("change", ["drop", "digest", "add", "order", "empty", "junk"])
def test_a_list_that_was_touched_runs_nothing(signed: Signed, change: str) -> None:
    """Any other byte is another list, and nobody signed that."""
    app = signed.app
    lines = app.list.read_text().splitlines(keepends=True)
    changed = {
        "drop": lines[:-1],
        "digest": [lines[0].replace(lines[0][:64], "0" * 64), *lines[1:]],
        "add": [*lines, "0" * 64 + "  dist/zzz-1.0\n"],
        "order": [lines[1], lines[0], *lines[2:]],
        "empty": [],
        "junk": ["hello\n"],
    }[change]
    app.list.write_text("".join(changed))

    ran = app.run(signed.server.url)

    assert ran.status in ((111, 114) if change in ("order", "empty", "junk") else (111,)), ran
    assert ("", "error: not run") == (ran.stdout, ran.stderr.splitlines()[-1])


def test_another_attested_script_does_not_stand_in(signed: Signed) -> None:
    """Each list is for its own app: neither its script nor the list itself replaces another."""
    app = signed.app
    alice = app.person
    other = App(alice, alice.place / "o", app.python, "other.py", "other")
    alice.write("o/other.py", f"{app.evil}print('other')\n")
    other.signed()
    assert ("other\n", True) == (other.run().stdout, app.was_evil())

    shutil.copy(other.place / "other.py", app.place / "get.py")
    app.refused(signed.server.url)
    shutil.copy(other.list, app.list)
    app.refused(signed.server.url)


def test_a_warning_about_any_part_stops_it(signed: Signed) -> None:
    """About the list, a file of the app, or a single file of a distribution, by whoever counts."""
    app = signed.app
    warn = ("attest", "--not-ok", "--reviewed", "-m", "backdoor")
    for path in (app.site / "requests/models.py", app.place / "get.py", app.list):
        assert signed.told == app.run(signed.server.url).stdout
        assert 0 == app.person.sig(*warn, path).status
        ran = app.run(signed.server.url)
        assert (113, "") == (ran.status, ran.stdout)
        assert ran.stderr.splitlines()[-1] in apps.STOPPED
        assert 0 == app.person.sig("withdraw", path).status
        if path == app.list:  # withdrawn: nobody vouches for it
            assert 111 == app.run(signed.server.url).status


def test_a_stranger_can_neither_vouch_nor_warn(world: World, signed: Signed) -> None:
    """What Mallory signs changes no answer."""
    app = signed.app
    mallory = world.person("mallory")
    server = world.serve(mallory.folder / "repo")
    for path in (app.site / "requests/models.py", app.place / "get.py", app.list):
        mallory.sig("attest", "--not-ok", "--reviewed", "-m", "", path)
    app.person.sig("remote", "add", "m", server.url, "--key", mallory.fingerprint, "-f")

    assert signed.told == app.run(signed.server.url).stdout


def test_a_run_writes_nothing(told: Signed) -> None:
    """Neither beside the script, nor into the environment, nor into the folder."""
    app = told.app
    places = (app.place, app.person.folder)
    before = [snapshot(place) for place in places]

    assert told.told == app.run(told.server.url).stdout

    assert before == [snapshot(place) for place in places]


def test_the_environment_is_found_wherever_one_stands(told: Signed) -> None:
    """The script by another path, from another folder; its name is as it was typed."""
    app = told.app
    elsewhere = app.person.home
    for typed in ("work/get.py", str(app.place / "get.py"), "./work/../work/get.py"):
        there = App(app.person, elsewhere, app.python, typed, app.name)
        assert told.told == there.run(told.server.url).stdout


def test_a_program_that_only_looks_like_a_python_is_not_started(world: World, app: App) -> None:
    """To lock is to read: what lies in an environment is not run, not even to ask its version."""
    app.python.unlink()
    app.python.write_text(f"#!/bin/sh\nprintf evil >'{app.mark}'\nexec {wheels.SYSTEM} \"$@\"\n")
    app.python.chmod(0o755)

    ran = app.lock()

    assert (False, 1) == (app.was_evil(), ran.status)
    app.plain(serve(world).url)
    assert app.was_evil()


def test_a_python_that_was_replaced_is_not_started(signed: Signed) -> None:
    """After the list was signed: it is neither run nor asked."""
    app = signed.app
    app.python.unlink()
    app.python.write_text(f"#!/bin/sh\nprintf evil >'{app.mark}'\nexec {wheels.SYSTEM} \"$@\"\n")
    app.python.chmod(0o755)

    ran = app.run(signed.server.url)

    assert not app.was_evil()
    assert ran.status in (0, 111)
    app.plain(signed.server.url)
    assert app.was_evil()


@pytest.mark.parametrize("words", [("lock",), ("lock", "--python", "v/bin/python")])
def test_lock_without_a_file_is_usage(told: Signed, words: tuple[str, ...]) -> None:
    """2, as everywhere."""
    assert 2 == told.app.person.sig(*words).status


def test_what_cannot_be_locked_writes_no_list(alice: Person) -> None:
    """A script or a Python that is not there."""
    alice.write("get.py", GET)
    for python, script in (("missing", "get.py"), (wheels.system(), "missing.py")):
        ran = alice.sig("lock", "--python", python, script)
        assert (True, "") == (ran.status in (1, 2, 4), ran.stdout), ran
        assert ran.stderr.startswith("error: ")
    assert ["get.py"] == [path.name for path in alice.place.iterdir()]


def test_a_lock_that_is_gone_is_told_and_nothing_runs(signed: Signed) -> None:
    """Who deletes the lock must not make it a script that is answered for by itself."""
    app = signed.app
    assert 0 == app.person.sig("attest", "get.py", "--ok", "--reviewed", "-m", "").status
    lock = app.place / "get.lock"
    text = lock.read_bytes()
    lock.unlink()
    ran = app.run(signed.server.url)
    assert (111, True, "error: not run") == (
        ran.status, "get.lock is gone" in ran.stderr, ran.stderr.splitlines()[-1],
    )  # fmt: skip
    lock.write_bytes(text)
    assert 0 == app.run(signed.server.url).status
    assert 0 == app.person.sig("lock", "--remove", "get.py").status
    assert not lock.exists()
    assert "get.lock" not in app.run(signed.server.url).stderr


def test_two_programs_in_one_folder_have_two_lists(signed: Signed) -> None:
    """A statement about one does not end that about the other."""
    app = signed.app
    app.person.write("other.py", "print('other')\n")
    python = app.place / "v/bin/python"
    assert 0 == app.person.sig("lock", "--python", python, "other.py").status
    words = ("--ok", "--reviewed", "-m", "")
    assert 0 == app.person.sig("attest", "other.lock", *words).status
    assert "other\n" == app.person.sig("run", "other.py").stdout
    assert 0 == app.run(signed.server.url).status
    assert 0 == app.person.sig("lock", "get.py").status
    assert (app.place / "get.lock").read_bytes() != (app.place / "other.lock").read_bytes()
    assert 0 == app.run(signed.server.url).status
