"""The files of a program are those that git tracks, and nothing of its folder runs to list them."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sig.errors import FormatError, Refused, SigError, StoreError
from sig.repo import project
from sig.repo.project import Project, entry, own_files, read_project, search_folders

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and FIFOs are Unix's")
GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")
WORDS = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "protocol.file.allow=always")
PLAIN = {"get.py": b"1", "package/part.py": b"2"}


def git(folder: Path, *words: str) -> str:
    """What a user types, with no configuration but the repository's."""
    ran = subprocess.run(
        ["git", *WORDS, "-C", folder, *words],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """These files below a folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def repository(folder: Path, files: dict[str, bytes] = PLAIN) -> Path:
    """The same in git, all committed."""
    write(folder, files)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all")
    return folder


def of(files: dict[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a script and a package, without git."""
    return write(tmp_path / "app", PLAIN)


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """The same in git."""
    return repository(tmp_path / "app")


# --- with git ------------------------------------------------------------------------------------


@needs_git
def test_what_git_tracks_is_taken_as_it_lies_there(tracked: Path) -> None:
    """Committed or only added, changed or not, hidden or not; in a folder below it too."""
    new = {"get.py": b"changed", ".hidden": b"3", "ä.txt": b"4", "with space": b"5"}
    write(tracked, new)
    git(tracked, "add", "-f", ".hidden", "ä.txt", "with space")

    assert of({**PLAIN, **new}) == own_files(str(tracked), ["get.py"])
    assert of({"part.py": b"2"}) == own_files(str(tracked / "package"))


@needs_git
def test_what_git_does_not_track_is_not_taken(tracked: Path) -> None:
    """Whether it is ignored or new; but for the script itself, which is always taken."""
    write(tracked, {"new.py": b"x", "ignored.py": b"x", ".gitignore": b"ignored.py\n"})
    assert of(PLAIN) == own_files(str(tracked), ["get.py"])
    assert of({**PLAIN, "new.py": b"x"}) == own_files(str(tracked), ["new.py"])


@needs_git
def test_what_is_tracked_and_deleted_is_left_out(tracked: Path) -> None:
    """So is what a merge left in three versions, once, and what never belongs to a program."""
    (tracked / "package/part.py").unlink()
    assert of({"get.py": b"1"}) == own_files(str(tracked))
    files = {"get.lock": b"", "x.pack": b"", "x.pyc": b"", "__pycache__/y.py": b"", "y.log": b"6"}
    write(tracked, files)
    git(tracked, "add", "-f", *files)
    assert of({"get.py": b"1", "y.log": b"6"}) == own_files(str(tracked))
    assert of({"get.py": b"1"}) == own_files(str(tracked), exclude=["*.log"])


@needs_git
def test_what_git_tracks_and_is_no_file_is_refused_by_name(tracked: Path) -> None:
    """A link could lead anywhere. One that nobody tracks is nobody's matter."""
    os.mkfifo(tracked / "pipe")
    (tracked / "link").symlink_to("get.py")
    assert of(PLAIN) == own_files(str(tracked))
    git(tracked, "add", "link")
    with pytest.raises(Refused, match="link is a symbolic link"):
        own_files(str(tracked))
    assert of(PLAIN) == own_files(str(tracked), exclude=["link"])
    (tracked / "get.py").unlink()
    os.mkfifo(tracked / "get.py")
    with pytest.raises(Refused, match=r"get\.py is a FIFO"):
        own_files(str(tracked), exclude=["link"])


@needs_git
def test_a_folder_that_became_a_link_leads_nowhere(tracked: Path, tmp_path: Path) -> None:
    """What is tracked below it is not what lies at the other end."""
    shutil.move(tracked / "package", tmp_path / "elsewhere")
    (tracked / "package").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match="package is a symbolic link"):
        own_files(str(tracked))


@needs_git
def test_a_submodule_is_another_program(tracked: Path, tmp_path: Path) -> None:
    """Its files are tracked elsewhere; it is neither taken nor in the way."""
    other = repository(tmp_path / "other", {"part.py": b"x"})
    git(tracked, "submodule", "add", "-q", str(other), "sub")
    assert {"get.py", "package/part.py", ".gitmodules"} == set(own_files(str(tracked)))
    assert of({"part.py": b"x"}) == own_files(str(tracked / "sub"))


@needs_git
def test_a_repository_above_that_tracks_nothing_here_is_none(tmp_path: Path) -> None:
    """As where somebody keeps their home in git."""
    repository(tmp_path / "home", {"x": b""})
    folder = write(tmp_path / "home/app", {**PLAIN, ".env": b"secret"})
    assert of(PLAIN) == own_files(str(folder))


@needs_git
def test_a_worktree_is_a_repository(tracked: Path, tmp_path: Path) -> None:
    """Where ``.git`` is a file."""
    git(tracked, "worktree", "add", "-q", str(tmp_path / "other"))
    write(tmp_path / "other", {"new.py": b""})
    assert of(PLAIN) == own_files(str(tmp_path / "other"))


def _plant(folder: Path, mark: Path, kind: str) -> None:
    """Make a repository whose own files name a program: what leaves the mark."""
    evil = folder.parent / "evil"
    evil.write_text(f'#!/bin/sh\ntouch "{mark}"\n')
    evil.chmod(0o755)
    if kind == "fsmonitor":
        git(folder, "config", "core.fsmonitor", str(evil))
    elif kind == "include":
        write(folder, {".git/more": f"[core]\n\tfsmonitor = {evil}\n".encode()})
        git(folder, "config", "include.path", "more")
    elif kind == "worktree config":
        git(folder, "config", "core.repositoryFormatVersion", "1")
        git(folder, "config", "extensions.worktreeConfig", "true")
        write(folder, {".git/config.worktree": f"[core]\n\tfsmonitor = {evil}\n".encode()})
    elif kind == "alias":
        git(folder, "config", "alias.status", f"!{evil}")
        git(folder, "config", "alias.ls-files", f"!{evil}")
        git(folder, "config", "alias.st", f"!{evil}")
    elif kind == "pager":
        for name in ("core.pager", "pager.ls-files", "pager.st"):
            git(folder, "config", name, str(evil))
        git(folder, "config", "alias.st", f"!{evil}")
    elif kind == "hooks":
        for name in ("post-index-change", "fsmonitor-watchman", "pre-auto-gc", "post-checkout"):
            write(folder, {f".git/hooks/{name}": evil.read_bytes()})
            (folder / f".git/hooks/{name}").chmod(0o755)
        os.utime(folder / "get.py", (1, 1))  # so that the index is written
    elif kind == "filter":
        write(folder, {".git/info/attributes": b"* filter=x\n"})
        git(folder, "config", "filter.x.clean", str(evil))
        write(folder, {"get.py": b"2"})
        os.utime(folder / "get.py", (1, 1))
    else:
        assert "lazy fetch" == kind
        # What a sparse index leaves out is fetched when all files are listed.
        write(folder, {"out/b.py": b"b", "out/deep/c.py": b"c"})
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "more")
        git(folder, "sparse-checkout", "init", "--cone", "--sparse-index")
        git(folder, "sparse-checkout", "set", "package")
        digest = git(folder, "rev-parse", "HEAD:out").strip()
        (folder / ".git/objects" / digest[:2] / digest[2:]).unlink()
        git(folder, "config", "core.repositoryFormatVersion", "1")
        git(folder, "config", "extensions.partialClone", "origin")
        git(folder, "config", "remote.origin.promisor", "true")
        git(folder, "config", "remote.origin.url", f"file://{folder}")
        git(folder, "config", "remote.origin.uploadpack", str(evil))


@needs_git
@pytest.mark.parametrize(
    ("kind", "control"),
    [
        ("fsmonitor", ("status",)),
        ("include", ("status",)),
        ("worktree config", ("status",)),
        ("alias", ("st",)),
        ("pager", ("st",)),
        ("hooks", ("status",)),
        ("filter", ("status",)),
        ("lazy fetch", ("ls-files",)),
    ],
)
def test_nothing_that_the_folder_names_is_run(
    tracked: Path, tmp_path: Path, kind: str, control: tuple[str, ...]
) -> None:
    """Neither by what git is asked nor by what it asks itself; plain git runs it."""
    mark = tmp_path / "mark"
    _plant(tracked, mark, kind)
    mark.unlink(missing_ok=True)

    assert "get.py" in own_files(str(tracked))
    assert not mark.exists()

    subprocess.run(
        ["git", "-C", tracked, *control],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        timeout=60,
    )
    assert mark.exists()


@needs_git
def test_the_environment_does_not_choose_the_repository(
    tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor its index, nor its configuration, nor a program."""
    other = repository(tmp_path / "other", {"new.py": b""})
    write(tracked, {"new.py": b""})
    evil = tmp_path / "evil"
    evil.write_text(f'#!/bin/sh\ntouch "{tmp_path}/mark"\n')
    evil.chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    for name, value in {
        "GIT_DIR": f"{other}/.git",
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": f"{other}/.git/index",
        "GIT_CEILING_DIRECTORIES": str(tracked.parent),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(evil),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{evil}'",
        "GIT_CONFIG_GLOBAL": f"{tmp_path}/.gitconfig",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        "GIT_TRACE": f"{tmp_path}/mark",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_PAGER": str(evil),
    }.items():
        monkeypatch.setenv(name, value)
    assert of(PLAIN) == own_files(str(tracked))
    assert not (tmp_path / "mark").exists()


@needs_git
@pytest.mark.parametrize("path", [".", "", "./bin", "bin"])
def test_git_is_no_program_of_the_folder(
    tracked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Though somebody has the current folder in their path; a shell runs that one."""
    place = tracked / path / "git"
    write(place.parent, {"git": f'#!/bin/sh\ntouch "{tmp_path}/mark"\n'.encode()})
    place.chmod(0o755)
    monkeypatch.chdir(tracked)
    monkeypatch.setenv("PATH", f"{path}:{os.environ['PATH']}")
    assert of(PLAIN) == own_files(str(tracked))
    assert not (tmp_path / "mark").exists()
    subprocess.run(["git", "ls-files"], capture_output=True)
    assert (tmp_path / "mark").exists()


def test_a_git_that_cannot_be_started_is_none(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No program, or of another machine."""
    for content, mode in ((b"", 0o644), (b"\x7fELF", 0o755)):
        write(tmp_path, {"bin/git": content})
        (tmp_path / "bin/git").chmod(mode)
        monkeypatch.setenv("PATH", f"{tmp_path}/bin")
        assert of(PLAIN) == own_files(str(folder))


@needs_git
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_owner_is_listed_all_the_same(tracked: Path) -> None:
    """Git refuses those, because of programs that they may name; none of them is run here."""
    write(tracked, {"new.py": b""})
    for path in [tracked, *tracked.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    plain = subprocess.run(["git", "-C", tracked, "ls-files"], capture_output=True, text=True)
    assert "dubious ownership" in plain.stderr
    assert of(PLAIN) == own_files(str(tracked))


@needs_git
@pytest.mark.parametrize("damage", ["index", "config", "version"])
def test_where_git_cannot_tell_nothing_is_listed(tracked: Path, damage: str) -> None:
    """Else what it does not track would come in by an index that somebody damaged."""
    write(tracked, {"new.py": b""})
    if damage == "index":
        (tracked / ".git/index").write_bytes(b"DIRC" + bytes(100))
    elif damage == "config":
        (tracked / ".git/config").write_bytes(b"[core\n")
    else:
        git(tracked, "config", "core.repositoryFormatVersion", "1000")
    with pytest.raises(StoreError, match="git did not list the files of"):
        own_files(str(tracked))


@needs_git
def test_git_that_does_not_end_is_ended(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a FIFO in place of its index."""
    monkeypatch.setattr(project, "_GIT_SECONDS", 0.3)
    assert of(PLAIN) == own_files(str(tracked))
    (tracked / ".git/index").unlink()
    os.mkfifo(tracked / ".git/index")
    with pytest.raises(StoreError, match="git did not list"):
        own_files(str(tracked))


@needs_git
def test_a_name_that_is_not_utf_8_is_refused(tracked: Path) -> None:
    """No list could hold it; untracked it does not matter."""
    (Path(os.fsdecode(os.fsencode(tracked) + b"/x\xff.py"))).write_bytes(b"")
    assert of(PLAIN) == own_files(str(tracked))
    git(tracked, "add", "-A")
    with pytest.raises(FormatError, match="not UTF-8"):
        own_files(str(tracked))


@needs_git
def test_an_index_that_names_files_elsewhere_gets_none_of_them(
    tracked: Path, tmp_path: Path
) -> None:
    """Here a work tree that the configuration puts elsewhere."""
    write(tmp_path / "other", {"get.py": b"other", "secret": b"x"})
    git(tracked, "config", "core.worktree", str(tmp_path / "other"))
    try:
        found = own_files(str(tracked), ["get.py"])
    except SigError:
        return
    assert found.items() <= of(PLAIN).items()


def test_native_loaders_are_no_files_of_the_program(folder: Path) -> None:
    """With git and without; told by their end, where they may be run, and not by their name."""
    loader = b"\x7fELF" + b"sig loader 1\0\0\0\0"
    write(folder, {"hello": loader, "bin/other": b"sig loader 2\0\0\0\0", "data": loader})
    write(folder, {"ends": loader + b"x", "kept": loader})
    for name in ("hello", "bin/other", "ends", "kept"):
        (folder / name).chmod(0o755)
    wanted = of({**PLAIN, "data": loader, "ends": loader + b"x", "kept": loader})
    assert wanted == own_files(str(folder), ["kept"])
    if GIT is not None:
        repository(folder)
        assert wanted == own_files(str(folder), ["kept"])


# --- without git ---------------------------------------------------------------------------------


@pytest.fixture(params=["no program", "no repository"])
def bare(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Git is not there, or has nothing to say."""
    if request.param == "no program":
        monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    elif GIT is None:
        pytest.skip("git is not installed")
    return str(request.param)


def test_without_git_all_but_what_programs_write_is_taken(bare: str, folder: Path) -> None:
    """Caches, hidden files, environments, logs, databases and locks are left out at any depth."""
    write(folder, {"data.txt": b"3", "src/x.py": b"4", "v.py/x": b"5"})
    write(folder, dict.fromkeys(
        ("__pycache__/x.pyc", "package/__pycache__/x.pyc", ".env", ".git2", "package/.secret/key",
         "get.lock", "x.pack", "x.log", "x.sqlite3", "node_modules/x.js", "old.pyc",
         "v/pyvenv.cfg", "v/lib/x.py", "v 2/pyvenv.cfg", "v 2/bin/python"), b"no"
    ))  # fmt: skip
    found = own_files(str(folder), ["get.py"])
    assert of({**PLAIN, "data.txt": b"3", "src/x.py": b"4", "v.py/x": b"5"}) == found
    assert of(PLAIN) == own_files(str(folder), ["get.py"], ["*.txt", "/src/", "v.py"])


def test_the_script_is_taken_whatever_it_is_called(bare: str, folder: Path) -> None:
    """Though its name is one of those that are left out."""
    write(folder, {".get.log": b"x"})
    assert of({**PLAIN, ".get.log": b"x"}) == own_files(str(folder), [".get.log"])
    assert of(PLAIN) == own_files(str(folder))
    assert of({".get.log": b"x"}) == own_files(str(folder), [".get.log"], ["*"])


def test_links_within_an_environment_are_not_in_the_way(bare: str, folder: Path) -> None:
    """Every environment is full of them; a folder that only looks like one is read."""
    write(folder, {"v/pyvenv.cfg": b"", "w/x": b"6"})
    (folder / "v/python").symlink_to("/usr/bin/python3")
    assert of({**PLAIN, "w/x": b"6"}) == own_files(str(folder))
    (folder / "v/pyvenv.cfg").unlink()
    with pytest.raises(Refused, match="v/python is a symbolic link"):
        own_files(str(folder))
    (folder / "v/pyvenv.cfg").symlink_to("nothing")
    assert of({**PLAIN, "w/x": b"6"}) == own_files(str(folder))


@pytest.mark.parametrize("kind", ["link", "FIFO", "socket", "link to a folder", "script"])
def test_what_is_no_file_is_refused_by_name(bare: str, folder: Path, kind: str) -> None:
    """Nothing is waited for or followed; left out by a glob it is in nobody's way."""
    place = folder / "odd"
    keep = []
    if kind == "FIFO":
        os.mkfifo(place)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket is short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("odd")
        os.chdir(here)
    else:
        place.symlink_to("/etc" if kind == "link to a folder" else "/etc/passwd")
        keep = ["odd"] if kind == "script" else []
    with pytest.raises(Refused, match="odd is a"):
        own_files(str(folder), keep)
    if keep:
        with pytest.raises(Refused, match="odd is a"):
            own_files(str(folder), keep, ["odd"])
    else:
        assert of(PLAIN) == own_files(str(folder), exclude=["odd"])


def test_an_environment_with_an_odd_name_is_left_out(bare: str, folder: Path) -> None:
    """Globs have signs of their own."""
    for name in ("*", "v?", "[v]", "v**", "ä"):
        write(folder, {f"{name}/pyvenv.cfg": b"", f"{name}/x.py": b""})
    assert {"get.py"} <= set(own_files(str(folder))) <= set(PLAIN)


def test_too_much_is_refused(bare: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many entries as nobody has; a folder that is none."""
    from sig.model import limits

    monkeypatch.setattr(limits, "TREE_ENTRIES", 2)
    with pytest.raises(Refused, match="more than 2 files and folders"):
        own_files(str(folder))
    for place in ("nothing", "get.py"):
        with pytest.raises(SigError):
            own_files(str(folder / place))


def test_the_packages_of_a_project_are_in_src_if_it_has_one() -> None:
    """A folder of that name without Python is another."""
    assert ("src",) == search_folders(["src/x/__init__.py", "x.py"])
    assert ("",) == search_folders(["src/main.c", "x.py", "lib/src/x.py"])


# --- pyproject.toml ------------------------------------------------------------------------------

HEAD = b'[project]\nname = "hello"\n'


def test_a_project_has_a_name_and_scripts() -> None:
    """Attributes may be dotted; extras and spaces say nothing."""
    raw = HEAD + b'[project.scripts]\na = "x:main"\n"b c" = " x.y : Class.method [extra]"\n'
    scripts = {"a": ("x", "main"), "b c": ("x.y", "Class.method")}
    assert Project("hello", scripts) == read_project(raw)
    assert Project("ä", {}) == read_project('[project]\nname = "ä"\n'.encode())
    said = b'[project]\nname = "a"\n[tool.other]\nx = 1\n[tool.sig]\nloader = 1\n'
    assert Project("a", {}, {"loader": 1}) == read_project(said)
    assert Project("a", {}) == read_project(b'tool = 1\n[project]\nname = "a"\n')


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"\0",
        b"project = 1\n",
        b"[[project]]\nname = 'x'\n",
        b"[project]\n",
        b"[project]\nname = 1\n",
        b"[project]\nname = ['x']\n",
        b"project.name.x = 1\n",
        HEAD + b"scripts = 1\n",
        HEAD + b"scripts = ['x:main']\n",
        HEAD + b"[[project.scripts]]\na = 'x:main'\n",
        HEAD + b"[project.scripts]\na = 1\n",
        HEAD + b"[project.scripts]\na = {b = 'x:main'}\n",
        HEAD + b"name = 'twice'\n",
        HEAD + b"a = 2021-02-31\n",
    ],
)
def test_what_is_no_project_is_said_so(raw: bytes) -> None:
    """Whatever types it has."""
    with pytest.raises(FormatError, match=r"pyproject\.toml|MODULE:FUNCTION"):
        read_project(raw)


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"a = " + b"1" * 5_000,  # more digits than Python reads
        HEAD + b"a = " + b"[" * 100_000,
        HEAD + b"a = " + b"{a=" * 50_000,
        HEAD + b"a." * 400_000 + b"a = 1\n",
        b"[" + b"a." * 400_000 + b"a]\n" + HEAD,
        HEAD + b"x = {" + b"a." * 400_000 + b"a = 1}\n",
        HEAD + b'"a" . ' * 100_000 + b"a = 1\n",
        HEAD + b"#" * (1 << 20),
    ],
    ids=["digits", "arrays", "tables", "key", "header", "inline", "quoted", "size"],
)
def test_a_bomb_is_refused_at_once(raw: bytes) -> None:
    """Deep or long, whatever it would cost to read."""
    began = time.process_time()
    with pytest.raises(FormatError, match=r"pyproject\.toml"):
        read_project(raw)
    assert time.process_time() - began < 1


def test_the_worst_that_is_read_is_read_soon() -> None:
    """A megabyte of the longest keys, and a long line that is none."""
    line = b"a." * project._DOTS + b"%d = 1\n"
    began = time.process_time()
    read_project(HEAD + b"".join(line % number for number in range(1_040_000 // len(line))))
    assert "hello" == read_project(HEAD + b"x = '" + b"x" * 1_000_000 + b"'\n").name
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "x", "x:", ":main", "x:main:y", "x;y:main", "x y:main", "x:main()",
        "x:__import__('os')", "x:main\nimport os", "x.:main", ".x:main", "x..y:main", "x:.main",
        "x:main.", "x:a..b", "1x:main", "x:1", "x-y:main", "ö:main", "x:mäin",
        "x:\N{MATHEMATICAL BOLD SMALL M}ain", "x/y:main", "../x:main", "x:main,y", "[x]:main",
        "x:main]", "x\0:main", "x:main\\", None, 1, ["x:main"], b"x:main",
    ],
)  # fmt: skip
def test_what_is_no_module_and_attribute_is_refused(text: object) -> None:
    """Nothing but names goes into the line that starts it."""
    with pytest.raises(FormatError, match="is not MODULE:FUNCTION"):
        entry("a", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("os:system", ("os", "system")), ("a.b:c.d", ("a.b", "c.d")), ("_x:__y__", ("_x", "__y__"))],
)
def test_any_function_of_any_module_may_be_named(text: str, found: tuple[str, str]) -> None:
    """It is called without arguments, and what it is must be in the lock like all else."""
    assert found == entry("a", text)


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.sampled_from("ab.:_1 [\t\n;()ä\0-"), max_size=12) | st.text(max_size=12)


@given(_texts())
@example("a:b [x]\nimport os")
def test_an_entry_is_names_or_refused(text: str) -> None:
    """Each part is an identifier as it stands, in ASCII: it goes into code."""
    try:
        found = entry("a", text)
    except FormatError:
        return
    for dotted in found:
        assert dotted.isascii()
        assert all(part.isidentifier() for part in dotted.split("."))


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    """FIFOs and sockets would be in the way of who cleans up."""
    yield
    for path in tmp_path.rglob("*"):
        if not path.is_symlink() and (path.is_fifo() or path.is_socket()):
            path.unlink()
