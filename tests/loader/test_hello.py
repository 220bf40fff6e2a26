"""A loader of one script: it asks the folder of its user, and refuses before any Python starts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sig.model import loader
from tests import wheels
from tests.cli import apps
from tests.cli.apps import YES, App
from tests.cli.test_run_environment import VARIABLES
from tests.loader.loaded import (
    NO_FILES,
    TAMPERED,
    Loaded,
    loaded,
    make_no_file,
    marks,
    refused,
)
from tests.native.conftest import program_of_checkout
from tests.world import Person, Ran, Seeds, World, contents, id_of, snapshot

HELLO = """\
import os, sys

import words

print(words.SAID, *sys.argv[1:])
"""
SPEAKS = """\
import json, os, sys

print(json.dumps({
    "argv": sys.argv, "orig_argv": sys.orig_argv, "file": __file__, "executable": sys.executable,
    "comm": open("/proc/self/comm").read(), "environment": dict(os.environ), "prefix": sys.prefix,
    "flags": [sys.flags.isolated, sys.flags.optimize, sys.flags.dev_mode], "name": __name__,
}))
"""


@pytest.fixture(scope="session")
def _hello(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice = world.person("alice")
    files = {"hello.py": HELLO, "words.py": 'SAID = "hello"\n'}
    yield loaded(apps.make(alice, files, "hello.py").signed()).built()
    world.close()


@pytest.fixture
def hello(_hello: Loaded, world: World) -> Loaded:
    """A copy that may be changed, with a loader of its own folder."""
    return _hello.again(world)


def test_it_runs_without_a_word_of_its_own(hello: Loaded) -> None:
    """And writes nothing into the folder."""
    before = snapshot(hello.person.folder)
    assert Ran(0, "hello a -c b\n", "") == hello.run("a", "-c", "b")
    assert before == snapshot(hello.person.folder)


@pytest.mark.parametrize("words", [["-c", "print(1)"], ["-m", "pip"], ["--help"], ["-", "--"]])
def test_all_words_are_the_scripts(hello: Loaded, words: list[str]) -> None:
    """It is no interpreter."""
    expected = Ran(0, " ".join(["hello", *words]) + "\n", "")
    assert expected == hello.run(*words) == hello.plain(*words)


@pytest.mark.parametrize(
    "words", [["-c", "print(1)"], ["-m", "pip"], ["-m", "platform"], ["-i"], ["-"]], ids=" ".join
)
def test_as_an_interpreter_it_is_that_of_its_own_script(
    untouched: Loaded, words: list[str]
) -> None:
    """`sys.executable` with other words is wrong usage: 112. Any Python takes them."""
    code = (
        f"import subprocess, sys; ran = subprocess.run([sys.executable, *{words!r}], text=True,"
        " input='print(1)', capture_output=True); print(ran.returncode, bool(ran.stdout));"
        " print(ran.stderr, file=sys.stderr)"
    )
    ran = untouched.run(code)
    assert (0, "112 False\n") == (ran.status, ran.stdout), ran
    assert "error: not run" in ran.stderr.splitlines()
    if words[-1] != "pip":  # which is not in this environment
        assert "0 True\n" == untouched.plain(code).stdout


def test_a_changed_script_is_refused_and_runs_again_once_it_is_signed(hello: Loaded) -> None:
    """With its own key, and without a new loader; the first line is that of its forerunner."""
    path = hello.place / "hello.py"
    program = hello.loader.read_bytes()
    path.write_text(HELLO + "print('more')\n")
    ran = refused(hello.run(), 111, f"sig lock {path} && sig attest {hello.list}")
    assert TAMPERED.format("hello.py") == ran.stderr.splitlines()[0]

    hello.signed()

    assert Ran(0, "hello\nmore\n", "") == hello.run()
    assert program == hello.loader.read_bytes()


def test_a_changed_module_is_refused_when_it_is_loaded(hello: Loaded) -> None:
    """By the very same sentence."""
    path = hello.place / "words.py"
    path.write_text('SAID = "evil"\n')
    ran = hello.run()
    assert (111, "") == (ran.status, ran.stdout)
    lines = ran.stderr.splitlines()
    assert (TAMPERED.format(path), "error: stopped") == (lines[0], lines[-1])
    assert f"hint: if you changed it yourself: sig lock {hello.place}/hello.py && sig attest" in (
        ran.stderr
    )


def test_another_attested_script_does_not_stand_in(hello: Loaded) -> None:
    """Neither by its digest alone, nor with its own lock."""
    other = hello.person.write("app/other.py", "print('other')\n")
    hello.person.sig("attest", "--ok", "--reviewed", "-m", "", str(other))
    script = hello.place / "hello.py"
    shutil.copy(other, script)
    refused(hello.run(), 111, "hello.py differs")
    assert "other\n" == hello.plain().stdout
    app = loaded(apps.App(hello.person, hello.place, hello.python, "other.py", "other")).signed()
    shutil.copy(app.list, hello.list)
    refused(hello.run(), 111, "it is a list of what a program may load")


def test_an_older_release_does_not_come_back(hello: Loaded) -> None:
    """Genuine, signed by its owner, and known to be old: in the folder, and in the loader."""
    script, old = hello.place / "hello.py", hello.list.read_bytes()
    script.write_text("print('second')\n")
    hello.signed()
    assert "second\n" == hello.run().stdout
    script.write_text(HELLO)
    hello.list.write_bytes(old)
    refused(hello.run(), 111, "it is release 1, and release 2 is known")
    assert "hello\n" == hello.plain().stdout


def test_a_folder_from_before_the_build_is_refused(hello: Loaded) -> None:
    """A backup that was put back knows less than the loader: 114, and what to do."""
    folder, backup = hello.person.folder, hello.person.home / "backup"
    shutil.copytree(folder, backup)
    hello.loader.unlink()
    hello.built()
    assert 0 == hello.run().status
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    refused(hello.run(), 114, "the configuration in", "is older than this loader")
    assert "hello\n" == hello.plain().stdout


def test_a_folder_of_another_owner_is_refused(hello: Loaded) -> None:
    """However new it is."""
    bob = hello.person.world.person("bob")
    for _ in range(9):
        assert 0 == bob.sig("config", "policy", '{"ok": 1}').status
    shutil.rmtree(hello.person.folder)
    shutil.copytree(bob.folder, hello.person.folder)
    refused(hello.run(), 114, "is not signed by", hello.person.fingerprint)


# --- marks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hello.lock", "hello.py"])
def test_what_is_marked_bad_does_not_start(hello: Loaded, name: str) -> None:
    """113, the list or the script."""
    marks(hello, hello.place / name)
    refused(hello.run(), 113, "marked bad")
    assert "hello\n" == hello.plain().stdout


def test_a_module_that_is_marked_bad_ends_it_when_it_is_loaded(hello: Loaded) -> None:
    """113 as well."""
    marks(hello, hello.place / "words.py")
    ran = hello.run()
    assert (113, "") == (ran.status, ran.stdout)
    assert "marked bad" in ran.stderr
    assert "hello\n" == hello.plain().stdout


def test_a_list_that_is_marked_bad_does_not_start(hello: Loaded) -> None:
    """That of the app, as `sig attest DIR` would sign it."""
    (digest,) = (line[:64] for line in hello.list.read_text().splitlines() if "  app" in line)
    marks(hello, Path(f"sha256:{digest}"))
    refused(hello.run(), 113, "app is marked bad")


def test_a_wheel_that_is_marked_bad_does_not_start(probe: Loaded) -> None:
    """Of what is installed only the list is known; the mark names that of the wheel."""
    code = "import requests; print(requests.__version__)"
    assert Ran(0, "2.32.3\n", "") == probe.run(code)
    marks(probe, wheels.wheel("requests==2.32.3"), "--tree")
    refused(probe.run(code), 113, "marked bad")
    assert "2.32.3\n" == probe.plain(code).stdout


def test_a_mark_by_who_does_not_count_is_none(hello: Loaded) -> None:
    """Until he counts."""
    bob = hello.person.world.person("bob")
    bob.write("hello.py", HELLO)
    bob.sig("attest", "--not-ok", "--reviewed", "-m", "evil", "hello.py")
    server = hello.person.world.serve(bob.folder / "repo")
    added = hello.person.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint)
    fetched = hello.person.sig("fetch")
    assert (0, 0) == (added.status, fetched.status), (added, fetched)
    assert 0 == hello.run().status
    hello.person.sig("trust", "add", bob.fingerprint)
    refused(hello.run(), 113, "marked bad")


# --- what is missing, damaged, or put in the way -------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"),
    [("hello.lock", 111), ("hello.py", 111), ("words.py", 111)],
)
def test_a_missing_file_is_refused(hello: Loaded, name: str, status: int) -> None:
    """It does not go on with less."""
    (hello.place / name).unlink()
    ran = hello.run()
    assert (status, "") == (ran.status, ran.stdout), ran
    assert name in ran.stderr


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 70, b"0" * 64 + b"  app\n"])
def test_a_lock_of_something_else_is_refused(hello: Loaded, content: bytes) -> None:
    """Damaged: 114; another list: 111 or 114, for its own are not known."""
    hello.list.write_bytes(content)
    assert hello.run().status in (111, 114)
    refused(hello.run(), hello.run().status)


@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("name", ["hello.py", "hello.lock", "hello.pack"])
def test_what_is_no_file_is_not_waited_for(hello: Loaded, name: str, kind: str) -> None:
    """111 or 114; a pack is only left out."""
    path = hello.place / name
    path.unlink(missing_ok=True)
    make_no_file(path, kind)
    ran = hello.run()
    if name == "hello.pack":
        assert Ran(0, "hello\n", "") == ran
    else:
        assert ran.status in (111, 114)
        refused(ran, ran.status)


def test_every_file_of_the_folder_is_needed_or_not(hello: Loaded) -> None:
    """Whatever is taken away or damaged: it runs as it should, or not at all."""
    folder, found = hello.person.folder, []
    for name, content in contents(folder).items():
        path = folder / name
        for damaged in (None, b"", content[: len(content) // 2], content[:-1] + b"\0"):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            ran = hello.run()
            if ran.status:
                refused(ran, ran.status)
                assert ran.status in (111, 114), (name, ran)
                found.append(name)
            else:
                assert Ran(0, "hello\n", "") == ran, (name, ran)
            path.write_bytes(content)
    assert {"config", "view", "generation", "version"} <= set(found)


def test_without_a_folder_nothing_runs(hello: Loaded) -> None:
    """Nor with another one in the environment."""
    other = hello.person.home / "other"
    shutil.move(hello.person.folder, other)
    refused(hello.run(env={"SIG_DIR": str(other)}), 114, "there is no folder at", "hint: sig setup")


# --- the file itself -----------------------------------------------------------------------------


def test_a_loader_that_lost_its_end_is_sig_verify(hello: Loaded) -> None:
    """As `strip` leaves it: it verifies its arguments, and runs nothing."""
    raw = hello.loader.read_bytes()
    end = int.from_bytes(raw[-24:-16], "little") + 24
    hello.loader.write_bytes(raw[:-end])
    ran = hello.run("hello.py")
    assert (1, "") == (ran.status, ran.stderr.replace("hint: sig verify hello.py\n", ""))
    assert "is unknown!" in ran.stdout


def test_a_damaged_end_is_refused(hello: Loaded) -> None:
    """One byte here or there, in the policy or its length."""
    raw = hello.loader.read_bytes()
    length = int.from_bytes(raw[-24:-16], "little")
    start = len(raw) - 24 - length
    newline = raw.index(b"\n", start)
    for at in (start, start + 5, newline, len(raw) - 24, len(raw) - 20, len(raw) - 5):
        changed = bytearray(raw)
        changed[at] ^= 0x11
        hello.loader.unlink()
        hello.loader.write_bytes(changed)
        hello.loader.chmod(0o755)
        refused(hello.run(), 114, "this loader cannot be used")


def test_it_is_found_by_no_name(hello: Loaded, tmp_path: Path) -> None:
    """Links, PATH, `exec -a`, a read-only folder: its own file says where it is."""
    expected = Ran(0, "hello x\n", "")
    link = tmp_path / "greet"
    link.symlink_to(hello.loader)
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / "hello.py").write_text("print('evil')\n")
    for words in (
        [str(link), "x"],
        ["sh", "-c", f"cd {evil}; exec {hello.loader} x"],
        ["bash", "-c", f"exec -a {evil}/hello {hello.loader} x"],
        ["sh", "-c", f"PATH={hello.place}:$PATH; cd {evil}; hello x"],
        ["sh", "-c", f"PATH={tmp_path}; greet x"],
    ):
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60)
        assert expected == Ran(done.returncode, done.stdout, done.stderr), words
    hello.place.chmod(0o555)
    try:
        assert expected == hello.run("x")
    finally:
        hello.place.chmod(0o755)


def test_a_copy_elsewhere_runs_nothing_else(hello: Loaded, tmp_path: Path) -> None:
    """Beside another script of its name, with the genuine lock or without."""
    shutil.copy(hello.loader, tmp_path)
    (tmp_path / "hello.py").write_text("print('evil')\n")
    for _ in range(2):
        done = subprocess.run([tmp_path / "hello"], capture_output=True, text=True, timeout=60)
        refused(Ran(done.returncode, done.stdout, done.stderr), 111)
        shutil.copy(hello.list, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_it_does_not_run_with_the_rights_of_another(hello: Loaded, tmp_path: Path) -> None:
    """A set-user-id copy, started by somebody else."""
    copy = tmp_path / "hello"
    shutil.copy(hello.loader, copy)
    copy.chmod(0o6755)
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [copy], capture_output=True, text=True, timeout=60, user=65534, group=65534, cwd="/"
    )
    refused(Ran(done.returncode, done.stdout, done.stderr), 114, "the rights of another")


@pytest.mark.parametrize(
    "env",
    [
        {"LD_PRELOAD": "evil.so", "LD_LIBRARY_PATH": "lib"},
        {"PYTHONPATH": "lib", "PYTHONHOME": "lib", "PYTHONSTARTUP": "lib/x.py"},
        {"PYTHONINSPECT": "1", "PYTHONOPTIMIZE": "2", "PYTHONVERBOSE": "1"},
        {"OPENSSL_CONF": "lib/x", "GCONV_PATH": "lib", "GLIBC_TUNABLES": "x", "LOCPATH": "lib"},
        {"SIG_DIR": "lib", "SIG_IMPORTS": "off", "SIGNETSECURITY": "OFF", "SIGNET_LOGLEVEL": "10"},
        {"SIG_RUN_LOADER": "lib", "SIG_LOADER": "0", "SIG_RUN_DIR": "lib"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_the_environment_changes_nothing(hello: Loaded, env: dict[str, str]) -> None:
    """It is neither asked nor passed on."""
    lib = hello.place / "lib"
    lib.mkdir()
    for name in ("json.py", "sitecustomize.py", "x.py", "encodings.py"):
        (lib / name).write_text(hello.evil)
    assert Ran(0, "hello\n", "") == hello.run(env=env)
    assert not hello.was_evil()


def test_no_variable_of_python_or_the_linker_is_passed_on(_speaks: Loaded) -> None:
    """All that this Python knows, and what the linker and OpenSSL go by."""
    told = subprocess.run(
        [_speaks.python, "--help-env"], capture_output=True, text=True, check=True, timeout=60
    )
    names = {*re.findall(r"\bPYTHON[A-Z0-9_]+", told.stdout), *VARIABLES.split()}
    assert len(names) > 40
    env = dict.fromkeys(names, "/nowhere")
    ran = _speaks.run(env=env)
    assert (0, "") == (ran.status, ran.stderr)
    said = json.loads(ran.stdout)
    assert set() == names & set(said["environment"])
    assert json.loads(_speaks.run().stdout) == said
    assert 0 != _speaks.plain(env=env).status


MISLEADS = {
    "pyvenv.cfg": "home = {farm}/bin\n",
    "../pyvenv.cfg": "home = {farm}/bin\n",
    "../v/pyvenv.cfg": "home = {farm}/bin\n",
    "hello._pth": "{farm}/lib/{library}\n",
    "python3._pth": "{farm}/lib/{library}\n",
}


@pytest.mark.parametrize("name", MISLEADS)
def test_what_misleads_an_interpreter_is_not_read(hello: Loaded, name: str) -> None:
    """Files beside a program from which it would learn where the standard library is."""
    library = f"python{wheels.version(str(hello.python))}"
    farm = apps.farm(hello.person.home / "farm", hello, {})
    first = farm / f"lib/{library}/encodings"  # before there is an `open`
    genuine = first.resolve()
    first.unlink()
    shutil.copytree(genuine, first)
    with (first / "__init__.py").open("a") as stream:
        stream.write(f"import posix\nposix.open({str(hello.mark)!r}, posix.O_CREAT)\n")
    (farm / "bin").mkdir()
    (farm / f"bin/{library}").symlink_to(wheels.SYSTEM)
    (hello.place / name).write_text(MISLEADS[name].format(farm=farm, library=library))
    assert Ran(0, "hello\n", "") == hello.run()
    assert not hello.was_evil()
    # An interpreter of that name, or that of the environment.
    if name.startswith("../v/"):
        interpreter = hello.python
    else:
        interpreter = hello.place / ("python3" if name.startswith("python3") else "hello")
        interpreter.unlink(missing_ok=True)
        interpreter.symlink_to(wheels.SYSTEM)
    script = hello.place / "hello.py"
    subprocess.run([interpreter, script], capture_output=True, timeout=60)
    assert hello.was_evil()


@pytest.mark.parametrize("level", ["error", "warning", "info", "debug", "loud", "/tmp/x"])
def test_a_level_says_more_or_less_and_checks_the_same(hello: Loaded, level: str) -> None:
    """SIG_LOADER_LOG is never a path."""
    ran = hello.run(env={"SIG_LOADER_LOG": level})
    assert (0, "hello\n") == (ran.status, ran.stdout)
    if level in ("error", "warning"):
        assert "" == ran.stderr
    elif level in ("info", "debug"):
        assert f"note: release 1 of hello, by {hello.person.fingerprint}\n" in ran.stderr
        assert (level == "debug") is ("sig: words " in ran.stderr)
    else:
        assert "note: SIG_LOADER_LOG is error, warning, info or debug\n" == ran.stderr
    (hello.place / "hello.py").write_text("print('evil')\n")
    refused(hello.run(env={"SIG_LOADER_LOG": level}), 111, "tampered")


# --- as a program --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _speaks(seeds: Seeds) -> Iterator[Loaded]:
    program_of_checkout()
    world = World(seeds)
    alice: Person = world.person("alice")
    made = apps.make(alice, {"speaks.py": SPEAKS}, "speaks.py")
    yield loaded(made.signed()).built()
    world.close()


def test_what_a_program_sees_of_itself(_speaks: Loaded) -> None:
    """Its own name, its own path, an environment without anybody's surprises."""
    env = {"LANG": "C.UTF-8", "EVIL": "1", "PATH": "/evil", "HOME": "/evil"}
    said = json.loads(_speaks.run("a", "b", env=env).stdout)
    loader = str(_speaks.loader)
    assert [loader, "a", "b"] == said["argv"]
    assert [loader, loader, "a", "b"] == said["orig_argv"]
    assert (str(_speaks.place / "speaks.py"), loader) == (said["file"], said["executable"])
    assert ("speaks\n", "__main__") == (said["comm"], said["name"])
    assert str(_speaks.prefix) == said["prefix"]
    assert [1, 0, False] == said["flags"]
    environment = said["environment"]
    assert ("1", "C.UTF-8") == (environment["SIG_LOADER"], environment["LANG"])
    assert "/usr/local/bin:/usr/bin:/bin" == environment["PATH"]
    assert "/evil" != environment["HOME"]
    assert "EVIL" not in environment


ASKS = """\
import json
import sig.runtime

print(json.dumps(sig.runtime.context()))
"""


def test_a_program_can_ask_what_it_runs_under(world: World) -> None:
    """Handed in, whatever `sig` lies beside it; under plain Python nobody was asked."""
    program_of_checkout()
    alice = world.person("alice")
    app = loaded(apps.make(alice, {"asks.py": ASKS}, "asks.py").signed()).built()
    (digest,) = (line[:64] for line in app.list.read_text().splitlines())
    known = {"app": "asks", "release": 1, "roots": {"app": f"sha256:{digest}"}}
    known |= {"closure": id_of(app.list.read_text()), "signers": [alice.fingerprint]}
    (app.place / "sig").mkdir()
    (app.place / "sig/__init__.py").write_text(app.evil)
    (app.place / "sig/runtime.py").write_text(app.evil + "def context(): return None\n")
    assert known | {"loader": str(app.loader), "policy": "enforce"} == json.loads(app.run().stdout)
    assert known | {"loader": None, "policy": "run"} == json.loads(App.run(app).stdout)
    assert not app.was_evil()
    assert "null\n" == app.plain().stdout
    shutil.rmtree(app.place / "sig")
    assert 1 == app.plain().status


def test_options_of_the_build_hold(_speaks: Loaded, world: World) -> None:
    """For the interpreter, and for what is passed."""
    options = ("--python-option=-O", "--python-option=-Xdev")
    app = _speaks.again(world, "--env", "EV*", "--env", "PATH", *options)
    said = json.loads(app.run(env={"EVIL": "1", "PATH": "/mine", "PYTHONPATH": "/x"}).stdout)
    assert ("1", "/mine") == (said["environment"]["EVIL"], said["environment"]["PATH"])
    assert [1, 1, True] == said["flags"]


def test_it_answers_for_itself_where_it_is_to(hello: Loaded) -> None:
    """`strict`: the loader's own file has to be attested too."""
    hello.loader.unlink()
    hello.built("--policy", "strict")
    refused(hello.run(), 111, f"sig attest {hello.loader}")
    assert 0 == hello.person.sig("attest", str(hello.loader), input=YES).status
    assert Ran(0, "hello\n", "") == hello.run()
    marks(hello, hello.loader)
    refused(hello.run(), 113, "marked bad")


def test_marshal_is_opened_by_the_build_alone(hello: Loaded) -> None:
    """--allow marshal."""
    script = hello.place / "hello.py"
    script.write_text(
        "import marshal\nexec(marshal.loads(marshal.dumps(compile('print(1)', 'x', 'exec'))))\n"
    )
    hello.signed()
    assert 1 == hello.run().status
    hello.loader.unlink()
    hello.built("--allow", "marshal")
    assert Ran(0, "1\n", "") == hello.run()


def test_a_moved_folder_works(hello: Loaded) -> None:
    """With its environment, and the same folder of the user."""
    place = hello.person.home / "moved"
    hello.place.rename(place)
    done = subprocess.run([place / "hello"], capture_output=True, text=True, timeout=60)
    assert Ran(0, "hello\n", "") == Ran(done.returncode, done.stdout, done.stderr)


def test_an_interpreter_that_was_updated_is_asked_anew(hello: Loaded) -> None:
    """As after an update of the system: it runs as it is, from the sources of its modules."""
    raw = hello.loader.read_bytes()
    made = loader.read(raw)
    assert made is not None
    python = made.policy.python._replace(state="1 1", version="3.0.0")
    magic = made.modules._replace(magic="00000000")
    policy = made.policy._replace(python=python)
    hello.loader.unlink()
    hello.loader.write_bytes(loader.write(made._replace(policy=policy, modules=magic)))
    hello.loader.chmod(0o755)
    assert Ran(0, "hello x\n", "") == hello.run("x")


def test_nobody_has_to_listen_to_a_refusal(hello: Loaded) -> None:
    """Whoever read the words has gone, or there is no place for them: the status is the same."""
    (hello.place / "hello.py").write_text("print('evil')\n")
    for words in ("2>&-", "2>/dev/full", "2> >(true)"):
        done = subprocess.run(["bash", "-c", f"{hello.loader} {words}"], timeout=60)
        assert 111 == done.returncode
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen([hello.loader], stderr=writing)
    os.close(writing)
    assert 111 == process.wait(60)


def test_a_warning_whose_list_is_not_here_is_told(hello: Loaded) -> None:
    """It counts for the whole alone; who runs the program should know."""
    bob = hello.person.world.person("bob")
    bob.write("tree/hello.py", HELLO)
    bob.write("tree/more.py", "")
    words = ("--scope", "hello.py", "-m", "")
    marked = bob.sig("attest", *words, bob.place / "tree")
    assert 0 == marked.status, marked
    for path in (bob.folder / "repo/objects").rglob("*"):
        if path.is_file():
            path.unlink()
    server = hello.person.world.serve(bob.folder / "repo")
    hello.person.sig("remote", "add", "bob", server.url, "--key", bob.fingerprint, "--trust")
    fetched = hello.person.sig("fetch")
    plain = hello.person.sig("verify", "hello.py", cwd=hello.place)
    assert "their list is not here" in plain.stderr, (fetched, plain)
    ran = hello.run()
    assert (0, "hello\n") == (ran.status, ran.stdout)
    assert "note: a warning about files of sha256:" in ran.stderr
    assert "their list is not here (sig fetch)\n" in ran.stderr
    assert "" == hello.run(env={"SIG_LOADER_LOG": "error"}).stderr
