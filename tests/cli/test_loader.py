"""`sig loader`: what is made of a script, a project and its settings, and what never is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sig.model import loader
from sig.model.loader import Editable
from tests import wheels
from tests.cli import loaders
from tests.cli.loaders import PROGRAM, PYTHON, Tool, read
from tests.world import Person, Ran, World, contents, id_of, snapshot

HELLO = "print('hello')\n"
YES = "yes\nyes\n\n"
PROJECT = """\
[project]
name = "site"
scripts = {manage = "app:main", work = "app:work"}
"""


@pytest.fixture(scope="session", autouse=True)
def _system() -> None:
    wheels.system()  # or these tests are skipped


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Tool:
    """A sig with a program beside it; not to be changed."""
    return loaders.tool(tmp_path_factory.mktemp("tool") / "v")


@pytest.fixture
def hello(alice: Person) -> Path:
    """A script of Alice's in a folder of its own, and where its loader would be."""
    alice.write("app/hello.py", HELLO)
    return alice.place / "app/hello"


def build(tool: Tool, person: Person, *words: str | Path) -> Ran:
    """``sig loader build WORDS`` in the script's folder."""
    return tool.build(person, *words, cwd=person.place / "app")


def sequence(person: Person) -> int:
    """Of the configuration."""
    found: int = person.read("config")["data"]["sequence"]
    return found


# --- a script ------------------------------------------------------------------------------------


def test_a_loader_is_made_beside_its_script(tool: Tool, alice: Person, hello: Path) -> None:
    """With the lock, the plan of `sig lock`, and the one next command; then it is up to date."""
    before = sequence(alice)

    ran = build(tool, alice, "hello.py")

    assert (0, "") == (ran.status, ran.stderr), ran
    locked = alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent)
    assert ran.lines[:-2] == locked.lines[:-1]
    size = f"{hello.stat().st_size / 1e6:.1f} MB"
    assert [f"loader hello {size} enforce", "next      sig attest hello.lock"] == ran.lines[-2:]
    found = read(hello)
    assert PROGRAM == found.program
    assert 0o755 == hello.stat().st_mode & 0o7777
    policy = found.policy
    assert ("hello", 0, ".", "hello.py", "") == policy[:5]
    assert (str(alice.folder), before + 1, {}) == (
        policy.by.folder,
        policy.by.sequence,
        policy.by.remotes,
    )
    assert before + 1 == sequence(alice)
    assert (alice.fingerprint, "enforce", False, (), ()) == (
        policy.by.key, policy.policy, policy.marshal, policy.env, policy.options,
    )  # fmt: skip
    assert (str(PYTHON), os.path.realpath(PYTHON)) == policy.python[:2]
    status = os.stat(PYTHON)
    assert f"{status.st_size} {status.st_mtime_ns}" == policy.python.state
    assert os.getuid() == policy.by.home.uid

    state = snapshot(alice.folder)
    again = build(tool, alice, "hello.py")
    assert (0, "loader hello is up to date") == (again.status, again.lines[-2])
    assert (found, state) == (read(hello), snapshot(alice.folder))


def test_after_the_lock_is_signed_the_release_is_known(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """A loader that is made anew goes by it; it is what is next."""
    build(tool, alice, "hello.py")
    assert 0 == alice.sig("attest", "hello.lock", input=YES, cwd=hello.parent).status
    first = read(hello)

    ran = build(tool, alice, "hello.py")

    assert "next      ./hello" == ran.lines[-1]
    second = read(hello)
    assert (0, 1) == (first.policy.release, second.policy.release)
    assert second == first._replace(policy=first.policy._replace(release=1, by=second.policy.by))


def test_a_loader_is_no_file_of_its_program(tool: Tool, alice: Person, hello: Path) -> None:
    """Neither without git nor with it: a lock that is made after it is the same."""
    build(tool, alice, "hello.py")
    before = (hello.parent / "hello.lock").read_bytes()
    assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
    assert before == (hello.parent / "hello.lock").read_bytes()
    if shutil.which("git"):
        for words in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *words], cwd=hello.parent, check=True, env=alice.environment)
        assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
        assert before == (hello.parent / "hello.lock").read_bytes()


def test_name_and_output_say_where_it_lies(tool: Tool, alice: Person, hello: Path) -> None:
    """A name beside the script, a folder, or a file; paths lead to the program from there."""
    for folder in ("bin", "app/bin", "other"):
        (alice.place / folder).mkdir()
    for words, place, program in [
        (["--name", "hi"], "app/hi", "."),
        (["--output", "bin"], "app/bin/hello", ".."),
        (["--output", "bin/", "--name", "hi"], "app/bin/hi", ".."),
        (["--output", "../hi"], "hi", "app"),
        (["--output", "../other/hi"], "other/hi", str(hello.parent)),
        (["--output", alice.place / "bin"], "bin/hello", str(hello.parent)),
    ]:
        ran = build(tool, alice, *words, "hello.py")
        assert 0 == ran.status, ran
        assert program == read(alice.place / place).policy.program


def test_an_environment_in_the_programs_folder_is_named_relative_to_the_loader(
    tool: Tool, alice: Person
) -> None:
    """So all of it may be moved; sources of editable installs too, and nothing of the system."""
    alice.write("app/get.py", "import requests\n")
    python = wheels.environment(alice.place / "app/v", PYTHON, "requests==2.32.3")

    ran = tool.sig(alice, "loader", "build", "--python", python, "get.py", cwd=alice.place / "app")

    assert 0 == ran.status, ran
    found = read(alice.place / "app/get").policy.python
    (site,) = (alice.place / "app").glob("v/lib/python*/site-packages")
    assert ("v/bin/python", "v", (str(site.relative_to(alice.place / "app")),), ()) == (
        found.asked, found.prefix, found.site, found.system,
    )  # fmt: skip
    assert os.path.realpath(PYTHON) == found.executable
    # Through a link to the folder it is the same.
    (alice.place / "link").symlink_to("app")
    again = tool.sig(alice, "loader", "build", "link/get.py")
    assert "is up to date" in again.stdout, again
    # Elsewhere all of it is named by its place.
    (alice.place / "bin").mkdir()
    assert 0 == tool.sig(alice, "loader", "build", "app/get.py", "--output", "bin").status
    assert read(alice.place / "bin/get").policy.python.asked == str(python)


def test_options_are_in_the_policy_and_in_the_line(tool: Tool, alice: Person, hello: Path) -> None:
    """Each of them; another one makes it anew."""
    ran = build(
        tool, alice, "hello.py", "--env", "PATH", "--env", "DJANGO_*", "--allow", "marshal",
        "--python-option", "-u", "--python-option=-X dev", "--app", "greet",
    )  # fmt: skip
    assert 0 == ran.status, ran
    size = f"{hello.stat().st_size / 1e6:.1f} MB"
    told = f"loader hello {size} enforce, allows marshal, passes DJANGO_* PATH, with -u -Xdev"
    assert told == ran.lines[-2]
    policy = read(hello).policy
    assert ("greet", True, ("DJANGO_*", "PATH"), ("-u", "-Xdev")) == (
        policy.app, policy.marshal, policy.env, policy.options,
    )  # fmt: skip
    assert (hello.parent / "greet.lock").is_file()
    ran = build(tool, alice, "hello.py", "--app", "greet", "--policy", "strict")
    assert ran.lines[-2].endswith(" strict")
    assert loader.STRICT == read(hello).policy.policy


def test_a_strict_loader_is_attested_itself(tool: Tool, alice: Person, hello: Path) -> None:
    """That is what is next, until somebody who counts says that its bytes are ok."""
    build(tool, alice, "hello.py")
    alice.sig("attest", "hello.lock", input=YES, cwd=hello.parent)
    ran = build(tool, alice, "hello.py", "--policy", "strict")
    assert "next      sig attest hello" == ran.lines[-1]
    assert 0 == alice.sig("attest", "hello", input=YES, cwd=hello.parent).status
    ran = build(tool, alice, "hello.py", "--policy", "strict")
    assert ["loader hello is up to date", "next      ./hello"] == ran.lines[-2:]


def test_a_lock_that_is_there_stays_as_it_is(tool: Tool, alice: Person, hello: Path) -> None:
    """It is judged; where the script is another one by now, locking is what is next."""
    build(tool, alice, "hello.py")
    before = contents(hello.parent)["hello.lock"]
    alice.write("app/hello.py", HELLO * 2)
    alice.write("app/helper.py", "")
    ran = build(tool, alice, "hello.py")
    assert (0, "next      sig lock hello.py") == (ran.status, ran.lines[-1])
    assert before == contents(hello.parent)["hello.lock"]


def test_nothing_is_made_of_what_is_marked_bad(tool: Tool, alice: Person, hello: Path) -> None:
    """The plan says what; no loader, no signature, 3."""
    alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent)
    alice.sig("attest", "hello.lock", input="yes\nno\nevil\n", cwd=hello.parent)
    state = snapshot(alice.folder)
    ran = build(tool, alice, "hello.py")
    assert (3, "error: no loader is made of what is marked bad") == (ran.status, ran.stderr.strip())
    assert any("marked bad" in line for line in ran.lines)
    assert not hello.exists()
    assert state == snapshot(alice.folder)


# --- what it goes by -----------------------------------------------------------------------------


def test_it_is_made_anew_where_something_changed_and_nowhere_else(
    tmp_path: Path, alice: Person, hello: Path
) -> None:
    """The program, its modules, its mode, what it says; not by a newer state of the folder."""
    tool = loaders.tool(tmp_path / "v")
    build(tool, alice, "hello.py")

    def is_new() -> bool:
        before = sequence(alice)
        ran = build(tool, alice, "hello.py")
        assert 0 == ran.status, ran
        made = "is up to date" not in ran.stdout
        assert made is (sequence(alice) > before)
        assert (sequence(alice) == read(hello).policy.by.sequence) or not made
        assert 0o755 == hello.stat().st_mode & 0o7777
        return made

    assert not is_new()
    assert 0 == alice.sig("config", "policy", '{"ok": 2}').status
    assert not is_new()
    tool.native.write_bytes(PROGRAM + b"newer")
    assert is_new()
    assert not is_new()
    hello.chmod(0o4777)
    assert is_new()
    raw = hello.read_bytes()
    hello.write_bytes(raw.replace(b"enforce", b"ENFORCE"))
    assert is_new()
    hello.write_bytes(b"sig loader 9\0\0\0\0")
    assert is_new()
    hello.unlink()
    assert is_new()
    assert not is_new()


def test_states_of_remotes_are_in_the_policy(
    tool: Tool, alice: Person, bob: Person, world: World, hello: Path
) -> None:
    """As far as they were fetched; one that is not offered any more does not stay there."""
    bob.attests("a")
    url = world.serve(bob.folder / "repo").url
    assert 0 == alice.sig("remote", "add", "bob", url, "-f").status
    assert 0 == alice.sig("remote", "add", "never", f"{url}never/").status
    build(tool, alice, "hello.py")
    assert {"bob": 1} == read(hello).policy.by.remotes

    bob.attests("b")
    alice.sig("fetch", "bob")
    assert "is up to date" in build(tool, alice, "hello.py").stdout
    assert {"bob": 1} == read(hello).policy.by.remotes
    alice.sig("remote", "remove", "bob")
    assert "is up to date" not in build(tool, alice, "hello.py").stdout
    assert {} == read(hello).policy.by.remotes


def test_a_folder_from_before_the_build_makes_no_loader_in_its_place(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """It has a lower sequence: that it does is what the loader would refuse, too."""
    assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
    shutil.copytree(alice.folder, alice.home / "backup")
    build(tool, alice, "hello.py")
    made = hello.read_bytes()
    assert json.loads((alice.home / "backup/config").read_bytes())["data"]["sequence"] < (
        read(hello).policy.by.sequence
    )
    shutil.rmtree(alice.folder)
    shutil.copytree(alice.home / "backup", alice.folder)
    state = snapshot(alice.folder)

    ran = build(tool, alice, "hello.py")

    assert (1, made) == (ran.status, hello.read_bytes())
    assert "that is an older copy of it" in ran.stderr
    assert f"hint: rm {hello}" == ran.stderr.splitlines()[-1]
    assert state == snapshot(alice.folder)


def test_another_folder_in_its_place_is_no_older_one(
    tool: Tool, alice: Person, bob: Person, hello: Path
) -> None:
    """It has another key, whose numbers are its own: its owner makes the loader anew."""
    for number in range(3):
        alice.sig("config", "policy", json.dumps({"ok": 1 + number % 2}))
    build(tool, alice, "hello.py")
    before = read(hello).policy
    shutil.rmtree(alice.folder)
    alice.gpg("--import", input=bob.gpg("--armor", "--export-secret-keys").encode())
    assert 0 == alice.sig("setup", bob.fingerprint).status
    (hello.parent / "hello.lock").unlink()  # its lists went with the folder
    ran = build(tool, alice, "hello.py")
    after = read(hello).policy
    assert (0, bob.fingerprint, True) == (
        ran.status,
        after.by.key,
        after.by.sequence < before.by.sequence,
    )


# --- projects ------------------------------------------------------------------------------------


def a_project(person: Person, more: str = "", name: str = "app") -> Path:
    """A project with two scripts."""
    person.write(f"{name}/pyproject.toml", PROJECT + more)
    person.write(f"{name}/app.py", "def main(): print('main')\n\ndef work(): print('work')\n")
    return person.place / name


def test_a_project_has_a_loader_for_each_script(tool: Tool, alice: Person) -> None:
    """One lock, one signature; --script takes one of them."""
    folder = a_project(alice)
    before = sequence(alice)
    ran = build(tool, alice, ".")
    assert (0, ["manage", "work"]) == (
        ran.status, [line.split()[1] for line in ran.lines if line.startswith("loader ")],
    )  # fmt: skip
    for name in ("manage", "work"):
        policy = read(folder / name).policy
        assert ("site", "", name, before + 1) == (
            policy.app, policy.script, policy.call, policy.by.sequence,
        )  # fmt: skip
    assert before + 1 == sequence(alice)
    assert "next      sig attest site.lock" == ran.lines[-1]
    (folder / "work").unlink()
    ran = build(tool, alice, ".", "--script", "work", "--name", "w")
    assert (["w"], before + 2) == (
        [line.split()[1] for line in ran.lines if line.startswith("loader ")], sequence(alice),
    )  # fmt: skip
    ran = build(tool, alice, ".")
    assert "loader manage is up to date" in ran.lines
    assert (before + 1, before + 3) == tuple(
        read(folder / name).policy.by.sequence for name in ("manage", "work")
    )


def test_settings_of_a_project_hold_where_no_option_does(tool: Tool, alice: Person) -> None:
    """Several loaders, each with its own; places and the Python are of the project's folder."""
    folder = a_project(
        alice,
        """
[[tool.sig.loader]]
script = "manage"
output = "bin"
env = ["DJANGO_*"]
python = "v/bin/python"
[[tool.sig.loader]]
script = "work"
name = "worker"
policy = "strict"
python = "v/bin/python"
""",
    )
    wheels.environment(folder / "v", PYTHON)
    (folder / "bin").mkdir()
    ran = tool.sig(alice, "loader", "build", "app")
    assert 0 == ran.status, ran
    manage, worker = read(folder / "bin/manage").policy, read(folder / "worker").policy
    assert ("..", ("DJANGO_*",), "enforce", "../v/bin/python") == (
        manage.program, manage.env, manage.policy, manage.python.asked,
    )  # fmt: skip
    assert (".", (), "strict", "work") == (
        worker.program, worker.env, worker.policy, worker.call,
    )  # fmt: skip
    ran = tool.sig(alice, "loader", "build", "app", "--script", "work", "--policy", "enforce")
    assert (0, "enforce") == (ran.status, read(folder / "worker").policy.policy)


def test_an_editable_install_is_in_the_policy(tool: Tool, alice: Person) -> None:
    """Its sources, and the folders of them in which modules are looked for."""
    folder = a_project(alice)
    python = wheels.environment(folder / "v", PYTHON)
    alice.write("own/src/own.py", "")
    alice.write("own/pyproject.toml", '[project]\nname = "own"\nversion = "1.0"\n')
    (site,) = folder.glob("v/lib/python*/site-packages")
    info = site / "own-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1.0\n")
    (info / "RECORD").write_text("own-1.0.dist-info/METADATA,,\n__editable__.own-1.0.pth,,\n")
    url = {"url": (alice.place / "own").as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(url))
    (site / "__editable__.own-1.0.pth").write_text(f"{alice.place}/own/src\n")
    ran = tool.sig(alice, "loader", "build", "app", "--python", python)
    assert 0 == ran.status, ran
    found = read(folder / "manage").policy.editable
    assert {"dist/own-1.0": Editable(str(alice.place / "own"), ("src",))} == found


# --- refused -------------------------------------------------------------------------------------


def test_without_an_own_key_nothing_is_made(tool: Tool, world: World) -> None:
    """An unsigned configuration could be any; sig setup is named, and no lock is left."""
    bob = world.person("bob", folder=False)
    bob.write("app/hello.py", HELLO)
    ran = build(tool, bob, "hello.py")
    assert (1, "hint: sig setup") == (ran.status, ran.stderr.splitlines()[-1])
    assert ["hello.py"] == os.listdir(bob.place / "app")
    ran = build(tool, bob, "--json", "hello.py")
    assert "no-key" == ran.json["error"]["code"]


def test_a_python_that_nobody_attested_is_refused(tool: Tool, alice: Person, hello: Path) -> None:
    """Also by way of an environment: it would compile what a run starts with. No loader is made."""
    other = wheels.environment(alice.place / "v", wheels.other())
    for python in (wheels.other(), other):
        ran = tool.sig(alice, "loader", "build", "app/hello.py", "--python", python)
        assert 1 == ran.status, ran
        assert " is not attested" in ran.stderr
        assert f"hint: sig attest --python {python}" == ran.stderr.splitlines()[-1]
    assert ["hello.lock", "hello.py"] == sorted(os.listdir(hello.parent))


def test_usage(tool: Tool, alice: Person, hello: Path) -> None:
    """Words that are none, and what is never passed: 2, nothing written."""
    for words in (
        ["--env", "LD_PRELOAD"],
        ["--env", "*"],
        ["--python-option", "-c"],
        ["--python-option", "-Xpresite=evil"],
        ["--policy", "off"],
        ["--policy", "strict", "--env", "HOME"],
        ["--policy", "strict", "--allow", "marshal"],
        ["--allow", "everything"],
        ["--name", "../evil"],
        ["--name", "-c"],
        ["--output", "a b"],
        ["--output", "x.lock"],
        ["--script", "x"],
        ["--app", "a/b"],
    ):
        ran = build(tool, alice, *words, "hello.py")
        assert 2 == ran.status, (words, ran)
    assert ["hello.py"] == os.listdir(hello.parent)
    assert 2 == tool.build(alice, "app").status  # a folder without pyproject.toml


def test_nothing_but_a_loader_is_replaced(tool: Tool, alice: Person, hello: Path) -> None:
    """No file of another kind, no link, whatever it leads to, no folder."""
    made = [
        lambda: hello.write_text("mine"),
        lambda: hello.write_bytes(b""),
        lambda: hello.write_bytes(b"sig loader 1\0\0\0\0" + b"not at the end"),
        lambda: hello.symlink_to("hello.py"),
        lambda: hello.symlink_to("nothing"),
        lambda: hello.symlink_to("real"),
        lambda: hello.mkdir(),
        lambda: os.mkfifo(hello),
        lambda: hello.symlink_to("/dev/null"),
    ]
    assert 0 == build(tool, alice, "hello.py", "--name", "real").status
    state, before = snapshot(alice.folder), snapshot(hello.parent)
    for make in made:
        make()
        ran = build(tool, alice, "hello.py")
        assert 1 == ran.status, ran
        assert f"error: {hello} is there, and is " in ran.stderr
        assert state == snapshot(alice.folder)
        hello.rmdir() if hello.is_dir() and not hello.is_symlink() else hello.unlink()
        changed = {path: data for path, data in snapshot(hello.parent).items() if path != "."}
        assert changed == {path: data for path, data in before.items() if path != "."}


def test_a_script_without_a_suffix_is_not_replaced_by_its_loader(tool: Tool, alice: Person) -> None:
    """The name is taken: another one is asked for."""
    alice.write("app/hello", HELLO)
    ran = build(tool, alice, "hello")
    assert (1, HELLO) == (ran.status, (alice.place / "app/hello").read_text())
    assert "choose another --name" in ran.stderr
    assert 0 == build(tool, alice, "hello", "--name", "hi").status


def test_the_lock_of_another_tool_is_not_taken_for_one(tool: Tool, alice: Person) -> None:
    """Nor replaced: --app names another."""
    alice.write("app/poetry.py", HELLO)
    alice.write("app/poetry.lock", "# @generated by Poetry\n")
    ran = build(tool, alice, "poetry.py")
    assert (1, "# @generated by Poetry\n") == (
        ran.status, (alice.place / "app/poetry.lock").read_text(),
    )  # fmt: skip
    assert "was not made by sig lock" in ran.stderr
    assert not (alice.place / "app/poetry").exists()


def test_a_script_named_like_an_option_is_one(tool: Tool, alice: Person) -> None:
    """With a name and an app of its own."""
    alice.write("app/-c.py", HELLO)
    assert 2 == build(tool, alice, "--", "-c.py").status
    ran = build(tool, alice, "--app", "c", "--name", "c", "--", "-c.py")
    assert (0, "-c.py") == (ran.status, read(alice.place / "app/c").policy.script)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ('[tool.sig.loader]\nshell = "rm"', 1),
        ("[tool.sig.loader]\noutput = '../evil'", 1),
        ("[tool.sig.loader]\noutput = 'out/evil'", 1),
        ("[tool.sig.loader]\noutput = 'out'", 1),
        ("[tool.sig.loader]\noutput = 'pyproject.toml'\nscript = 'work'", 1),
        ("[tool.sig.loader]\noutput = '.bashrc'\nscript = 'work'", 2),
        ("[tool.sig.loader]\noutput = 'nowhere/'", 1),
        ("[tool.sig.loader]\noutput = 'one'", 2),
        ("[tool.sig.loader]\npython = 'evil/python3'", 1),
        ("[tool.sig.loader]\nenv = ['LD_PRELOAD']", 1),
        ("[tool.sig.loader]\npython-option = ['-Xpycache_prefix=/tmp']", 1),
        ("[tool.sig.loader]\napp = '../evil'", 2),
        ("[tool.sig.loader]\nx = " + "[" * 5000, 1),
        ("[tool.sig.loader]\n" + "a." * 600 + "b = 1", 1),
        ("[project.scripts]\nx = 'twice'", 1),
    ],
)  # fmt: skip
def test_a_hostile_project_writes_nothing_elsewhere(
    tool: Tool, alice: Person, more: str, status: int
) -> None:
    """Its file is a stranger's: each key is looked at, and nothing of it is run."""
    folder = a_project(alice, more + "\n")
    (folder / "out").symlink_to(alice.home)
    (folder / "evil").mkdir()
    shutil.copyfile("/bin/sh", folder / "evil/python3")
    state, home = snapshot(alice.folder), sorted(os.listdir(alice.home))
    before = contents(folder)
    python = () if "python = " in more else ("--python", PYTHON)
    ran = tool.sig(alice, "loader", "build", *python, "app")
    assert status == ran.status, ran
    assert (before, state) == (contents(folder), snapshot(alice.folder))
    assert home == sorted(os.listdir(alice.home))


def test_a_policy_that_becomes_too_long_is_refused_before_it_is_signed(
    tool: Tool, alice: Person
) -> None:
    """A file of less than a mebibyte can ask for a line of more."""

    def asks(count: int) -> Path:
        names = ",".join(f'"{number:0218}"' for number in range(count))
        return a_project(alice, f"[tool.sig.loader]\nenv = [{names}]\n")

    folder = asks(4_700)
    assert 0 == tool.build(alice, "app").status
    assert 1_000_000 < (folder / "work").stat().st_size
    asks(4_740)
    before, made = alice.read("config"), contents(folder)
    ran = tool.build(alice, "app")
    assert (1, "error: policy: longer than 1 MiB\n") == (ran.status, ran.stderr)
    assert (before, made) == (alice.read("config"), contents(folder))


def test_a_folder_in_the_place_of_a_script_is_refused(tool: Tool, alice: Person) -> None:
    """What it says of itself is another program than the one that was named."""
    alice.write("app/hello.py", HELLO)
    build(tool, alice, "hello.py")
    (alice.place / "app/hello.py").unlink()
    a_project(alice, name="app/hello.py")
    ran = build(tool, alice, "hello.py")
    assert (1, "is of a script" in ran.stderr) == (ran.status, True), ran


@pytest.mark.parametrize("name", ["a\nb", b"\xff", "a\x1b[31mb"])
def test_a_path_that_no_policy_can_say_is_refused_with_a_sentence(
    tool: Tool, alice: Person, name: str | bytes
) -> None:
    """A newline, an escape, what is no UTF-8."""
    folder = alice.place / os.fsdecode(name)
    folder.mkdir()
    (folder / "hello.py").write_text(HELLO)
    ran = tool.build(alice, "hello.py", cwd=folder)
    assert 1 == ran.status, ran
    assert "a loader" in ran.stderr and "\x1b" not in ran.stderr
    assert ["hello.py"] == os.listdir(folder)


def test_what_cannot_be_written_signs_nothing(tool: Tool, alice: Person, hello: Path) -> None:
    """Also for root: a folder of the kernel."""
    state = snapshot(alice.folder)
    assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
    locked = snapshot(alice.folder)
    ran = build(tool, alice, "hello.py", "--output", "/proc/sys/hello")
    assert 4 == ran.status, ran
    assert "/proc/sys/hello" in ran.stderr
    assert sequence(alice) == json.loads(state["config"][2] or b"")["data"]["sequence"]
    assert locked["config"] == snapshot(alice.folder)["config"]


def test_a_gpg_that_does_not_sign_leaves_nothing(tool: Tool, alice: Person, hello: Path) -> None:
    """Neither a loader nor a file that was begun."""
    shutil.rmtree(alice.gnupg / "private-keys-v1.d")
    ran = build(tool, alice, "hello.py")
    assert ran.status in (1, 4), ran
    assert ["hello.lock", "hello.py"] == sorted(os.listdir(hello.parent))


def test_a_folder_of_sig_below_the_program_is_no_part_of_it(tool: Tool, world: World) -> None:
    """It changes with every statement: the lock would never fit."""
    alice = world.person("alice")
    alice.write("app/hello.py", HELLO)
    shutil.copytree(alice.folder, alice.place / "app/state")
    words = ("--dir", alice.place / "app/state")
    assert 0 == build(tool, alice, *words, "hello.py").status
    place = alice.place / "app"
    assert 0 == alice.sig(*words, "attest", "hello.lock", input=YES, cwd=place).status
    ran = build(tool, alice, *words, "hello.py")
    assert (0, "next      ./hello") == (ran.status, ran.lines[-1])
    assert str(alice.place / "app/state") == read(place / "hello").policy.by.folder


# --- the program ---------------------------------------------------------------------------------


def test_the_program_is_found_beside_sig_and_nowhere_else(
    tmp_path: Path, alice: Person, hello: Path
) -> None:
    """By no search path and no variable; and it is a program that is no loader yet."""
    tool = loaders.tool(tmp_path / "v")
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "sig-verify").write_bytes(b"\x7fELF evil")
    (evil / "sig-verify").chmod(0o755)
    variables = {
        "PATH": f"{evil}:{alice.environment['PATH']}",
        "CARGO_TARGET_DIR": str(evil),
        "VIRTUAL_ENV": str(evil),
    }
    ran = tool.build(alice, "hello.py", cwd=hello.parent, env=variables)
    assert (0, PROGRAM) == (ran.status, read(hello).program)
    made = hello.read_bytes()
    for content, why in [(made, "is a loader already"), (b"#!/bin/sh\n", "is no program")]:
        tool.native.write_bytes(content)
        ran = build(tool, alice, "hello.py")
        assert (1, True) == (ran.status, why in ran.stderr), ran
    tool.native.unlink()
    tool.native.symlink_to(evil / "sig-verify")
    assert "is a link" in build(tool, alice, "hello.py").stderr
    assert made == hello.read_bytes()


# --- at once, and interrupted --------------------------------------------------------------------


def test_two_builds_at_once_are_one_after_the_other(tool: Tool, alice: Person, hello: Path) -> None:
    """One makes it, and the others find it; nothing else is left."""
    assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
    before = sequence(alice)
    running = [
        subprocess.Popen(
            tool.words("loader", "build", "hello.py"),
            cwd=hello.parent,
            env=alice.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    told = [one.communicate(timeout=60) for one in running]
    assert [0, 0, 0] == [one.returncode for one in running], told
    assert 2 == sum(b"is up to date" in out for out, _ in told)
    assert before + 1 == sequence(alice) == read(hello).policy.by.sequence
    assert ["hello", "hello.lock", "hello.py"] == sorted(os.listdir(hello.parent))


def test_a_build_that_is_killed_leaves_the_loader_of_before_or_the_new_one(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """At whatever moment: never a part of one; and the next makes it."""
    assert 0 == build(tool, alice, "hello.py").status
    for number in range(8):
        one = subprocess.Popen(
            tool.words("loader", "build", "hello.py", "--env", f"A{number}"),
            cwd=hello.parent,
            env=alice.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(0.1 * number)
        os.killpg(one.pid, signal.SIGKILL)
        one.wait()
        assert PROGRAM == read(hello).program
    ran = build(tool, alice, "hello.py", "--env", "LAST")
    assert (0, ("LAST",)) == (ran.status, read(hello).policy.env), ran
    # What is left of them is no file of the program.
    lock = (hello.parent / "hello.lock").read_bytes()
    assert 0 == alice.sig("lock", "--python", PYTHON, "hello.py", cwd=hello.parent).status
    assert lock == (hello.parent / "hello.lock").read_bytes()


# --- inspect -------------------------------------------------------------------------------------


def test_inspect_says_what_a_loader_says_of_itself_and_who_attests_it(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """Places as they are from where it lies; the file, as `sig verify` says it."""
    build(tool, alice, "hello.py", "--env", "PATH", "--python-option", "-u")
    ran = tool.sig(alice, "loader", "inspect", hello)
    assert 0 == ran.status, ran
    labels = dict(line.split(maxsplit=1) for line in ran.lines)
    found = read(hello).policy
    assert {
        "app": "hello, release 0 or later",
        "program": f"{hello}.py",
        "folder": f"{alice.folder}, sequence {found.by.sequence} or later",
        "policy": "enforce",
        "passes": "PATH",
        "options": "-u",
        "home": f"{found.by.home.path} of user {found.by.home.uid}",
        "native": f"{id_of(PROGRAM)}, that of this sig",
        "modules": f"{len(read(hello).modules.sources)} for {read(hello).modules.magic},"
        " those of this sig",
    }.items() <= labels.items()
    digest = id_of(hello.read_bytes())
    assert [f"identified file as {digest}", f"file {hello} is unknown!"] == ran.lines[-2:]
    alice.sig("attest", hello, input=YES)
    ran = tool.sig(alice, "loader", "inspect", hello)
    assert [f"ok {alice.signer}", f"file {hello} is ok."] == ran.lines[-2:]
    told = tool.sig(alice, "loader", "inspect", "--json", hello).json
    assert ("ok", digest) == (told["results"][0]["verdict"], told["results"][0]["id"])
    assert (["PATH"], True, True) == (
        told["loader"]["policy"]["env"],
        told["loader"]["native"]["ours"],
        told["loader"]["modules"]["ours"],
    )


def test_inspect_tells_whether_what_is_in_it_is_that_of_this_sig(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """Another program, other sources, or other code than these give."""
    build(tool, alice, "hello.py")
    good = read(hello)
    compiled = dict(good.modules.compiled) | {"bootstrap": b"evil"}
    sources = dict(good.modules.sources) | {"bootstrap": b"evil"}
    for changed, label in [
        (good._replace(program=b"\x7fELF evil"), "native"),
        (good._replace(modules=good.modules._replace(compiled=compiled)), "modules"),
        (good._replace(modules=good.modules._replace(sources=sources)), "modules"),
    ]:
        hello.write_bytes(loader.write(changed))
        ran = tool.sig(alice, "loader", "inspect", hello)
        (line,) = [line for line in ran.lines if line.startswith(label)]
        assert (0, True) == (ran.status, "not th" in line), ran


def test_inspect_refuses_what_is_no_loader_and_what_is_damaged(
    tool: Tool, alice: Person, hello: Path
) -> None:
    """1, and what is wrong; it runs none of it."""
    build(tool, alice, "hello.py")
    raw = hello.read_bytes()
    for content, why in [
        (HELLO.encode(), "hello is no loader"),
        (b"", "hello is no loader"),
        (raw[:-1], "hello is no loader"),
        (raw[:-1] + b"2", "a loader of a version that is not known"),
        (raw.replace(b'"version": 1}', b'"version": 2}'), "policy: the version 2 is not known"),
        (raw[len(PROGRAM) + 5 :], "the length of what it says does not fit"),
        (raw + raw[len(PROGRAM) :], "a loader behind another one"),
    ]:
        hello.write_bytes(content)
        ran = tool.sig(alice, "loader", "inspect", "hello", cwd=hello.parent)
        assert (1, True) == (ran.status, why in ran.stderr), ran
        assert "" == ran.stdout
    assert 1 == tool.sig(alice, "loader", "inspect", "nothing").status
    assert 1 == tool.sig(alice, "loader", "inspect", "app").status
    assert 1 == tool.sig(alice, "loader", "inspect", "/dev/zero").status


def test_inspect_shows_a_hostile_policy_as_text(tool: Tool, alice: Person, hello: Path) -> None:
    """It is a stranger's: it forges no line and colours nothing, and its Python is not started."""
    build(tool, alice, "hello.py")
    good = read(hello)
    evil = alice.write("evil/python3.11", f"#!/bin/sh\ntouch {alice.place}/mark\n")
    evil.chmod(0o755)
    policy = good.policy._replace(
        program="/a\u202eb\u2028file is ok.",
        python=good.policy.python._replace(executable=str(evil), asked=str(evil)),
    )
    hello.write_bytes(loader.write(good._replace(policy=policy)))
    ran = tool.sig(alice, "loader", "inspect", hello)
    assert 0 == ran.status, ran
    assert "\u202e" not in ran.stdout and "\u2028" not in ran.stdout
    assert "\\u202e" in ran.stdout
    assert not (alice.place / "mark").exists()


def test_both_say_what_they_say_as_json(tool: Tool, alice: Person, hello: Path) -> None:
    """One document; the plan of `sig lock`, and each loader."""
    told = build(tool, alice, "--json", "hello.py").json
    (one,) = told["loaders"]
    assert (str(hello), "new", id_of(hello.read_bytes()), "sig attest hello.lock") == (
        one["file"], one["result"], one["id"], told["next"],
    )  # fmt: skip
    assert ["python", "app"] == [line["kind"] for line in told["plan"]][:2]
    (one,) = build(tool, alice, "--json", "hello.py").json["loaders"]
    assert "unchanged" == one["result"]
