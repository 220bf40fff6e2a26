"""Which Python runs is told without running it, and what is the system's is root's alone."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sig.errors import FormatError, NotFound, Refused, SigError, StoreError
from sig.repo import python as module
from sig.repo.python import Python, contents, is_system, python_of, system_folder
from tests.repo.kill import as_nobody

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux's folders")

ROOT = os.name == "posix" and os.geteuid() == 0
WHOLE = "         0          0 4294967295\n"
SYSTEM = "/usr/bin/python3"
HERE = os.path.join(sys.base_prefix, "bin", f"python3.{sys.version_info[1]}")

needs_system = pytest.mark.skipif(
    not os.path.exists(SYSTEM) or bool(is_system(SYSTEM)), reason="no system Python"
)
needs_root = pytest.mark.skipif(not ROOT, reason="only root becomes somebody else")

QUESTION = """
import json, os, site, sys
print(json.dumps([
    sys.prefix, sys.base_prefix, "%d.%d.%d" % sys.version_info[:3], sys.path,
    os.path.dirname(os.__file__),
]))
"""


def truth(interpreter: Path | str, *options: str) -> tuple[str, str, str, list[str], str]:
    """What an interpreter says of itself."""
    done = subprocess.run(
        [str(interpreter), "-I", *options, "-c", QUESTION],
        env={}, stdout=subprocess.PIPE, check=True, text=True, timeout=60,
    )  # fmt: skip
    prefix, base, version, path, library = json.loads(done.stdout)
    return prefix, base, version, [each for each in path if os.path.exists(each)], library


def installation(
    root: Path, version: str = "3.12", *, library: str = "lib", build: str = ""
) -> Path:
    """Files as an installation has them, none of which can be run."""
    name = f"python{version}"
    for folder in ("bin", f"{library}/{name}{build}/lib-dynload", "lib/unrelated"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / library / (name + build) / "os.py").write_text("")
    return program(root / "bin" / (name + build))


def program(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\x7fELF")
    place.chmod(0o755)
    return place


def environment(root: Path, interpreter: Path, text: str, *, name: str = "python3") -> Path:
    """As `venv` makes one, with links."""
    (root / "bin").mkdir(parents=True)
    (root / "bin" / name).symlink_to(interpreter)
    (root / "bin/python").symlink_to(name)
    (root / "pyvenv.cfg").write_text(text)
    return root / "bin/python"


# --- real ones -----------------------------------------------------------------------------------


@pytest.mark.parametrize("interpreter", [HERE, SYSTEM])
@pytest.mark.parametrize("options", [[], ["--copies"], ["--system-site-packages"],
                                     ["--copies", "--system-site-packages"]])  # fmt: skip
def test_an_environment_is_what_its_interpreter_says(
    tmp_path: Path, interpreter: str, options: list[str]
) -> None:
    """Links or copies, alone or with what is installed beside it, of the system or not."""
    if not os.path.exists(interpreter):
        pytest.skip(f"no {interpreter}")
    made = tmp_path / "made"
    words = ["-m", "venv", "--without-pip", *options, str(made)]
    subprocess.run([interpreter, *words], capture_output=True, check=True, env={}, timeout=60)
    asked = made / "bin/python"
    prefix, base, version, path, library = truth(asked)
    found = python_of(str(asked))

    assert str(asked) == found.asked
    assert os.path.realpath(asked) == found.executable
    assert (prefix, base, version) == (found.prefix, found.base_prefix, found.version)
    assert library == found.stdlib[0]
    assert path == [*found.stdlib, *found.site, *found.system_site]
    assert found.is_system is (interpreter == SYSTEM and "--copies" not in options)


@pytest.mark.parametrize("interpreter", [HERE, SYSTEM, sys.executable])
def test_an_installation_is_what_its_interpreter_says(interpreter: str) -> None:
    """Without an environment too, and for that of these tests."""
    if not os.path.exists(interpreter):
        pytest.skip(f"no {interpreter}")
    prefix, base, version, path, _ = truth(interpreter)
    found = python_of(interpreter)

    assert (prefix, base, version) == (found.prefix, found.base_prefix, found.version)
    # Folders that .pth files add lie elsewhere.
    own = (prefix, base, "/usr/local/lib/")
    assert [each for each in path if each.startswith(own)] == (
        [*found.stdlib, *found.site, *found.system_site]
    )


@needs_system
def test_the_system_python_of_debian() -> None:
    """What pip installs for the whole machine is not the system's; what apt installs is."""
    if not os.path.isdir("/usr/lib/python3/dist-packages"):
        pytest.skip("not Debian")
    found = python_of(SYSTEM)

    assert (True, "", "/usr") == (found.is_system, found.why_not, found.prefix)
    assert set(found.system_site) <= {
        "/usr/lib/python3/dist-packages",
        f"{found.stdlib[0]}/dist-packages",
    }
    assert all(each.startswith("/usr/local/lib/python3.") for each in found.site)
    assert all(map(system_folder, found.stdlib + found.system_site))


# --- by names alone ------------------------------------------------------------------------------


def test_nothing_that_is_not_the_systems_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file here is no program at all, and still everything is known."""
    monkeypatch.setattr(subprocess, "Popen", None)
    base = tmp_path / "base"
    real = installation(base)
    (base / "include/python3.12").mkdir(parents=True)
    (base / "include/python3.12/patchlevel.h").write_text('#define PY_VERSION "3.12.4"\n')
    (base / "lib/python3.12/site-packages").mkdir()
    (base / "bin/python").symlink_to("python3.12")
    config = f"home = {base}/bin\ninclude-system-site-packages = false\nversion = 3.12.3\n"
    asked = environment(tmp_path / "env", base / "bin/python", config)

    library = str(base / "lib/python3.12")
    installed = Python(
        asked=str(base / "bin/python"),
        executable=str(real),
        version="3.12.4",
        prefix=str(base),
        base_prefix=str(base),
        stdlib=(library, library + "/lib-dynload"),
        site=(library + "/site-packages",),
        system_site=(),
        is_system=False,
        why_not=f"{real} does not lie below /usr",
    )
    assert installed == python_of(str(base / "bin/python"))
    prefix = str(tmp_path / "env")
    assert python_of(str(asked)) == installed._replace(
        asked=str(asked), prefix=prefix, site=(prefix + "/lib/python3.12/site-packages",)
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("version = 3.12.3", "3.12.3"),  # venv
        ("version_info = 3.12.3.final.0", "3.12.3"),  # virtualenv
        ("version_info = 3.12.3", "3.12.3"),  # uv
        ("Version=3.12.0rc1+", "3.12.0rc1+"),
        ("version = 3.13.0", "3.12"),  # of another
        ("version = 3.12", "3.12"),
        ("version = x", "3.12"),
        ("", "3.12"),
    ],
)
def test_the_third_number_is_what_an_environment_has_noted(
    tmp_path: Path, text: str, version: str
) -> None:
    """Where no header files tell it; without a note two numbers are known."""
    asked = environment(tmp_path / "env", installation(tmp_path / "base"), f"home = x\n{text}\n")
    assert version == python_of(str(asked)).version


@pytest.mark.parametrize(
    "text", ['#define PY_VERSION "3.12.4"', '/* */\n#define\tPY_VERSION   "3.12.4"\n']
)
def test_header_files_know_better(tmp_path: Path, text: str) -> None:
    """An environment may have been made before an update."""
    base = tmp_path / "base"
    asked = environment(tmp_path / "env", installation(base), "version = 3.12.3\n")
    header = base / "include/python3.12/patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text(text)
    assert "3.12.4" == python_of(str(asked)).version
    for wrong in (
        '#define PY_VERSION "3.11.4"',
        '#define PY_VERSION "3.12.x"',
        "\xff",
        "x" * 99999,
    ):
        header.write_text(wrong)
        assert "3.12.3" == python_of(str(asked)).version
    header.unlink()
    os.mkfifo(header)
    assert "3.12.3" == python_of(str(asked)).version


def test_builds_of_others_have_their_own_folders(tmp_path: Path) -> None:
    """Free-threaded; standard library in lib64, with a zip; conda, whose environments are whole
    installations."""
    free = installation(tmp_path / "free", "3.13", build="t")
    installation(tmp_path / "free", "3.13")
    assert (str(tmp_path / "free/lib/python3.13t"), "3.13") == (
        python_of(str(free)).stdlib[0], python_of(str(free)).version
    )  # fmt: skip
    assert (
        str(tmp_path / "free/lib/python3.13")
        == (python_of(str(tmp_path / "free/bin/python3.13")).stdlib[0])
    )

    fedora = tmp_path / "fedora"
    asked = installation(fedora, library="lib64")
    for library in ("lib", "lib64"):
        (fedora / library / "python3.12/site-packages").mkdir(parents=True)
    (fedora / "lib64/python312.zip").write_bytes(b"")
    found = python_of(str(asked))
    names = ("lib64/python312.zip", "lib64/python3.12", "lib64/python3.12/lib-dynload")
    assert found.stdlib == tuple(f"{fedora}/{name}" for name in names)
    names = ("lib64/python3.12/site-packages", "lib/python3.12/site-packages")
    assert found.site == tuple(f"{fedora}/{name}" for name in names)

    conda = tmp_path / "conda/envs/x"
    asked = installation(conda)
    (conda / "conda-meta").mkdir()
    assert str(conda) == python_of(str(asked)).prefix == python_of(str(asked)).base_prefix


def test_lib64_that_is_a_link_is_no_second_folder(tmp_path: Path) -> None:
    """As `venv` makes it on 64 bits."""
    base = tmp_path / "base"
    asked = environment(tmp_path / "env", installation(base, library="lib64"), "x = y\n")
    (tmp_path / "env/lib/python3.12/site-packages").mkdir(parents=True)
    (tmp_path / "env/lib64").symlink_to("lib")
    assert 1 == len(python_of(str(asked)).site)


def test_a_program_without_a_version_is_the_one_whose_library_lies_there(tmp_path: Path) -> None:
    """If there is but one; or the one that the environment has noted."""
    base = tmp_path / "base"
    installation(base)
    plain = program(base / "bin/python")
    assert "3.12" == python_of(str(plain)).version
    installation(base, "3.13")
    with pytest.raises(Refused, match=r"could be python3.12 or python3.13"):
        python_of(str(plain))
    copy = program(tmp_path / "env/bin/python")
    (tmp_path / "env/pyvenv.cfg").write_text(f"home = {base}/bin\nversion = 3.13.1\n")
    found = python_of(str(copy))
    assert ("3.13.1", str(copy), str(base)) == (found.version, found.executable, found.base_prefix)


def test_what_is_installed_beside_an_environment_is_in_it_only_if_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's own folder only where the caller asks for it, too."""
    base = tmp_path / "base"
    real = installation(base)
    shared = base / "lib/python3.12/site-packages"
    mine = tmp_path / "home/.local/lib/python3.12/site-packages"
    for folder in (shared, mine):
        folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for number, (line, included) in enumerate(
        (("include-system-site-packages = TRUE", True), ("", True),
         ("Include-System-Site-Packages=true", True),
         ("include-system-site-packages = false", False),
         ("include-system-site-packages = yes", False))
    ):  # fmt: skip
        asked = environment(tmp_path / f"env{number}", real, f"home = {base}/bin\n{line}\n")
        own = str(tmp_path / f"env{number}/lib/python3.12/site-packages")
        assert (own, str(shared))[: 1 + included] == python_of(str(asked)).site
        assert (own, *((str(mine), str(shared)) if included else ())) == (
            python_of(str(asked), user_site=True).site
        )
    assert (str(shared),) == python_of(str(real)).site
    assert (str(mine), str(shared)) == python_of(str(real), user_site=True).site


def test_links_are_followed_as_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chains of them, relative ones, and ``..`` behind a folder that is one. The environment is
    that of the path which was asked for."""
    base, env = tmp_path / "base", tmp_path / "env"
    real = installation(base)
    asked = environment(env, real, f"home = {base}/bin\n")
    (env / "bin/python3").unlink()
    (env / "bin/python3").symlink_to("../../base/bin/../bin/python3.12")
    (tmp_path / "elsewhere").symlink_to(env / "bin")
    (tmp_path / "direct").symlink_to(asked)
    monkeypatch.chdir(env)

    paths = ("bin/python", "./bin//python3", "../elsewhere/../bin/python",
             f"{env}/bin/../../elsewhere/python", str(asked))  # fmt: skip
    for path in paths:
        found = python_of(path)
        assert (str(real), str(env)) == (found.executable, found.prefix), path
    # No pyvenv.cfg above it: as for Python, this is the installation and not the environment.
    assert str(base) == python_of(str(tmp_path / "direct")).prefix


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["pypy3.10", "python2.7", "python2", "graalpy", "ipython3", "python3.12-config", "bash",
     "python3.", "pythonw", "Python3.12", "python3.12\n", "python4", "python3.9999"],
)  # fmt: skip
def test_what_is_not_cpython_by_its_name_is_refused(tmp_path: Path, name: str) -> None:
    """By the name of the final file, whatever it was called; the twin is one."""
    installation(tmp_path)
    program(tmp_path / "bin" / name)
    (tmp_path / "bin/python3").symlink_to(name)
    (tmp_path / "bin/py").symlink_to("python3.12")

    with pytest.raises(Refused, match="is not CPython 3 by its name"):
        python_of(str(tmp_path / "bin/python3"))
    assert str(tmp_path) == python_of(str(tmp_path / "bin/py")).prefix


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    """A script (as pyenv's shims are) could run anything; and nothing is waited for."""
    place = installation(tmp_path)
    for text, why in (
        (b"#!/bin/sh\ntouch /x\n", "a script"),
        (b"", "no program"),
        (b"MZ", "no program"),
    ):
        place.write_bytes(text)
        with pytest.raises(Refused, match=why):
            python_of(str(place))
    program(place).chmod(0o644)
    with pytest.raises(Refused, match="is no program"):
        python_of(str(place))
    place.unlink()
    os.mkfifo(place, 0o755)
    with pytest.raises(Refused, match="is no program"):
        python_of(str(place))
    place.unlink()
    place.mkdir()
    with pytest.raises(Refused, match="is no program"):
        python_of(str(place))


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """A link to nothing, a circle of links, a file in place of a folder, no name at all."""
    place = tmp_path / "bin/python3.12"
    place.parent.mkdir()
    (tmp_path / "file").write_text("")
    for missing in (place, tmp_path / "file/bin/python3"):
        with pytest.raises(NotFound, match=f"no {missing}"):
            python_of(str(missing))
    place.symlink_to("nothing")
    with pytest.raises(NotFound, match="is a link to nothing"):
        python_of(str(place))
    place.unlink()
    place.symlink_to(place.name)
    with pytest.raises(Refused, match="in a circle"):
        python_of(str(place))
    for name in ("", "a\0b"):
        with pytest.raises(Refused, match="is no path"):
            python_of(name)
    with pytest.raises(SigError):
        python_of("x" * 5000)


def test_without_a_standard_library_it_is_no_python(tmp_path: Path) -> None:
    """Above it, in a folder of its version; one of another version is not its own."""
    asked = installation(tmp_path / "base", "3.12")
    (tmp_path / "base/lib/python3.12/os.py").rename(tmp_path / "base/lib/python3.12/os.pyc")
    installation(tmp_path / "base", "3.13")
    with pytest.raises(Refused, match="has no standard library"):
        python_of(str(asked))


@pytest.mark.parametrize(
    "place",
    ["bin/pyvenv.cfg", "pyvenv.cfg", "bin/python3.12._pth", "bin/pybuilddir.txt",
     "bin/Modules/Setup.local"],
)  # fmt: skip
def test_what_would_mislead_the_interpreter_is_refused(tmp_path: Path, place: str) -> None:
    """Each says from where the standard library comes, before anything of ours runs. The twin: an
    environment of copies, whose own `pyvenv.cfg` it is."""
    base = tmp_path / "base"
    asked = environment(tmp_path / "env", installation(base), f"home = {base}/bin\n")
    assert python_of(str(asked))
    (base / place).parent.mkdir(exist_ok=True)
    (base / place).write_text("home = /tmp/evil/bin\n")
    with pytest.raises(Refused, match=f"base/{place} lies beside the interpreter"):
        python_of(str(asked))
    (base / place).unlink()
    (base / place).symlink_to("nothing")
    with pytest.raises(Refused, match="lies beside the interpreter"):
        python_of(str(asked))

    copy = program(tmp_path / "copy/bin/python3.12")
    (tmp_path / "copy/pyvenv.cfg").write_text(f"home = {tmp_path}/other/bin\n")
    installation(tmp_path / "other")
    assert str(tmp_path / "other") == python_of(str(copy)).base_prefix
    (tmp_path / "link").symlink_to(copy)
    with pytest.raises(Refused, match="lies beside the interpreter"):
        python_of(str(tmp_path / "link"))


@pytest.mark.parametrize(
    "text", ["", "home = \n", "home = bin\n", "home = ../base/bin\n", "home\n"]
)
def test_a_copy_that_does_not_say_of_what_is_refused(tmp_path: Path, text: str) -> None:
    """Its standard library lies nowhere near."""
    installation(tmp_path / "base")
    copy = program(tmp_path / "env/bin/python3.12")
    (tmp_path / "env/pyvenv.cfg").write_text(text)
    with pytest.raises(FormatError, match="does not say where its Python is"):
        python_of(str(copy))


@pytest.mark.skipif(not os.path.exists(HERE), reason=f"no {HERE}")
@pytest.mark.parametrize(
    ("place", "text"),
    [("pyvenv.cfg", "home = {}/evil/bin\n"), ("bin/pyvenv.cfg", "home = {}/evil/bin\n"),
     ("bin/{}._pth", "{}/evil/lib/{}\n"), ("bin/pybuilddir.txt", "build\n")],
)  # fmt: skip
def test_a_real_interpreter_is_misled_by_what_is_refused(
    tmp_path: Path, place: str, text: str
) -> None:
    """Even as ``-I -S``: why P4 is there. A release that is not misled may be refused all the
    same."""
    name = os.path.basename(HERE)
    base, evil = tmp_path / "base", tmp_path / "evil"
    for root in (base, evil):
        (root / "bin").mkdir(parents=True)
        (root / "lib").mkdir()
        shutil.copy(os.path.realpath(HERE), root / "bin" / name)
    library = os.path.join(sys.base_prefix, "lib", name)
    (base / "lib" / name).symlink_to(library)
    (evil / "lib" / name).mkdir()
    for each in os.scandir(library):
        (evil / "lib" / name / each.name).symlink_to(each.path)
    (base / "bin/Lib").symlink_to(evil / "lib" / name)
    (base / "bin/build").mkdir()
    asked = tmp_path / "python3"  # named by its own path, it would be a copy in an environment
    asked.symlink_to(base / "bin" / name)

    def standard_library() -> str:
        done = subprocess.run(
            [str(base / "bin" / name), "-I", "-S", "-c", "import sys; print(sys.path)"],
            env={"LD_LIBRARY_PATH": os.path.join(sys.base_prefix, "lib")},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    assert f"'{base}/lib/{name}'" in standard_library()
    assert f"{base}/lib/{name}" == python_of(str(asked)).stdlib[0]
    (base / place.format(name)).write_text(text.format(tmp_path, name))
    with pytest.raises(Refused, match="lies beside the interpreter"):
        python_of(str(asked))
    if f"'{base}/lib/{name}'" in standard_library():
        pytest.skip("it is refused, and this release would not be misled")


def test_a_pyvenv_cfg_is_small_text_that_says_a_thing_once(tmp_path: Path) -> None:
    """Its two readers, C and Python, would take different lines of two."""
    asked = environment(tmp_path / "env", installation(tmp_path / "base"), "")
    config = tmp_path / "env/pyvenv.cfg"
    config.write_text("home = a\nHOME = b\n")
    with pytest.raises(FormatError, match="says 'home' twice"):
        python_of(str(asked))
    config.write_bytes(b"home = \xff\n")
    with pytest.raises(FormatError, match="is not UTF-8"):
        python_of(str(asked))
    config.write_bytes(b"x" * 70_000)
    with pytest.raises(Refused, match="is larger than 65536 bytes"):
        python_of(str(asked))
    config.unlink()
    os.mkfifo(config)
    with pytest.raises(Refused, match="is no regular file"):
        python_of(str(asked))
    config.unlink()
    config.symlink_to("/dev/zero")
    with pytest.raises(Refused, match="is no regular file"):
        python_of(str(asked))
    config.unlink()
    config.write_text("home = a\nhome = a\n")
    assert python_of(str(asked))


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from("home=/.\n 3.12version_info\0\x85é"), max_size=40)
)
def test_no_pyvenv_cfg_does_more_than_be_refused(raw: bytes | str) -> None:
    """Whatever stands in it: an answer, or one of our errors."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name, "base")
        asked = environment(Path(name, "env"), installation(base), "")
        copy = program(Path(name, "copy/bin/python3"))
        Path(name, "copy").joinpath("pyvenv.cfg").write_bytes(
            raw.encode() if isinstance(raw, str) else raw
        )
        shutil.copy(Path(name, "copy/pyvenv.cfg"), Path(name, "env/pyvenv.cfg"))
        for each in (asked, copy):
            try:
                found = python_of(str(each))
            except SigError:
                continue
            assert not found.is_system
            assert found.version.startswith("3.")


@needs_root
def test_a_file_without_permission_cannot_be_read(tmp_path: Path) -> None:
    """That is neither a refusal nor an answer."""

    def run() -> None:
        with pytest.raises(StoreError, match="no permission"):
            contents("/etc/shadow", 1 << 20)

    assert 0 == as_nobody(run)


# --- what is the system's ------------------------------------------------------------------------


@needs_system
def test_the_system_python_is_the_systems_through_any_link(tmp_path: Path) -> None:
    """It is the final file that counts: nobody but root can change where the last link leads."""
    (tmp_path / "python").symlink_to(SYSTEM)
    assert "" == is_system(SYSTEM) == is_system(str(tmp_path / "python"))
    assert "" == is_system(os.path.realpath(SYSTEM), uid_map=WHOLE)


@needs_root
@needs_system
def test_an_ordinary_user_gets_the_same_answer() -> None:
    """Nothing here needs rights."""

    def run() -> None:
        assert is_system(SYSTEM) == ""
        assert system_folder("/usr/lib")
        assert python_of(SYSTEM).is_system

    assert 0 == as_nobody(run)


@needs_root
def test_the_file_of_an_ordinary_user_is_not_the_systems(tmp_path: Path) -> None:
    """Asked as that user, with a link in either direction."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    try:

        def run() -> None:
            mine = program(place / "python3.11")
            (place / "python3").symlink_to(mine)
            assert "does not lie below /usr" in is_system(str(mine))
            assert "does not lie below /usr" in is_system(str(place / "python3"))
            assert not system_folder(str(place))

        assert 0 == as_nobody(run)
    finally:
        shutil.rmtree(place)


@needs_system
@pytest.mark.parametrize(
    "text", ["", "0 0 1\n", "0 1000 1\n", "0 0 65536\n", "0 100000 65536\n", WHOLE + WHOLE,
             "1 1 4294967295\n", "0 0 4294967294\n", "0 0 4294967295 0\n"]
)  # fmt: skip
def test_root_of_a_user_namespace_is_anybody(text: str) -> None:
    """Who may map users may own every file."""
    assert "user namespace" in is_system(SYSTEM, uid_map=text)
    assert not system_folder("/usr/lib", uid_map=text)
    assert system_folder("/usr/lib", uid_map=WHOLE)


@needs_system
def test_within_a_real_user_namespace_nothing_is_the_systems() -> None:
    """With the map that the kernel shows there; a system where this is not allowed skips it."""
    code = "import sys; sys.path.insert(0, sys.argv[1]);from sig.repo.python import *;" \
           "print(is_system('/usr/bin/python3'), system_folder('/usr/lib'))"  # fmt: skip
    words = ["unshare", "--user", "--map-root-user", sys.executable, "-c", code, os.getcwd()]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("no unshare")
    if done.returncode and "unshare" in done.stderr:
        pytest.skip(done.stderr)
    assert "it runs in a user namespace, where anybody may be root False\n" == done.stdout


@needs_system
def test_without_proc_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is not the system's."""

    def refuse(*given: object, **named: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no")

    monkeypatch.setattr("builtins.open", refuse)
    assert "uid_map cannot be read" in is_system(SYSTEM)


class _Status:
    """A status of a file in which something is otherwise."""

    def __init__(self, real: os.stat_result, **other: int) -> None:
        self.__dict__.update({name: getattr(real, name) for name in dir(real) if name[:3] == "st_"})
        self.__dict__.update(other)


@needs_system
@pytest.mark.parametrize("at", ["/", "/usr", "/usr/bin", "final"])
@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"st_uid": 1000}, "does not belong to root"),
        ({"st_uid": 65534}, "does not belong to root"),
        ({"st_mode": 0o002}, "can be written by others"),
        ({"st_mode": 0o1002}, "can be written by others"),
        ({"st_mode": 0o020, "st_gid": 50}, "can be written by a group"),
        ({"st_mode": 0o020, "st_gid": 0}, ""),
        ({"st_mode": 0o020, "st_gid": 0, "list": 1}, "can be written by a group"),
    ],
)
def test_whoever_may_write_to_it_or_above_it_owns_it(
    monkeypatch: pytest.MonkeyPatch, at: str, other: dict[str, int], why: str
) -> None:
    """Every folder from the top, and the file; a group of root alone is root, but not where an
    access list names others."""
    place = os.path.realpath(SYSTEM) if at == "final" else at
    real = os.lstat
    changed = {name: value for name, value in other.items() if name != "list"}

    def lstat(path: str, **named: object) -> object:
        found = real(path)
        if path != place:
            return found
        mode = found.st_mode | changed.get("st_mode", 0)
        return _Status(found, **{**changed, "st_mode": mode})

    monkeypatch.setattr(module, "_has_access_list", lambda path: path == place and "list" in other)
    monkeypatch.setattr(os, "lstat", lstat)
    reason = module._why_not_system(os.path.realpath(SYSTEM), lambda mode: True, "x", WHOLE)

    assert (f"{place} {why}" if why else "") == reason


@needs_root
def test_an_access_list_is_seen(tmp_path: Path) -> None:
    """A real one, where the disk has them."""
    place = tmp_path / "file"
    place.write_text("")
    assert not module._has_access_list(str(place))
    # Version 2: owner rw-, user 65534 rw-, group r--, mask rw-, others r--.
    entries = [(1, 6, 0xFFFFFFFF), (2, 6, 65534), (4, 4, 0xFFFFFFFF), (16, 6, 0xFFFFFFFF),
               (32, 4, 0xFFFFFFFF)]  # fmt: skip
    raw = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + rights.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, rights, who in entries
    )
    try:
        os.setxattr(place, "system.posix_acl_access", raw)
    except OSError as error:
        assert errno.ENOTSUP == error.errno
        pytest.skip(f"no access lists here: {error}")
    assert place.stat().st_mode & 0o020
    assert module._has_access_list(str(place))


def test_where_packages_are_installed_nothing_is_the_systems(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor in /usr/local, nor through a link to there."""
    monkeypatch.setattr(os.path, "realpath", lambda path, strict=False: path)
    for path, why in (("/usr/local/bin/python3.11", "below /usr/local"),
                      ("/usr/lib/python3/site-packages/x/bin/python3", "as a package"),
                      ("/usr/lib/python3/dist-packages/x/bin/python3", "as a package"),
                      ("/usrlocal/python3", "does not lie below"),
                      ("/home/usr/bin/python3", "does not lie below")):  # fmt: skip
        assert why in is_system(path, uid_map=WHOLE)
    assert not system_folder("/usr/lib/python3.11/site-packages", uid_map=WHOLE)
    assert not system_folder("/usr/local/lib/python3.11/dist-packages", uid_map=WHOLE)


@needs_system
def test_a_file_is_no_folder_and_what_is_missing_neither() -> None:
    """The reason says which."""
    assert "is not a regular file" in is_system("/usr/lib")
    assert not system_folder(os.path.realpath(SYSTEM))
    for path in ("/usr/bin/no such program", "/usr/bin/python3/x", "\0"):
        assert "cannot be resolved" in is_system(path)
        assert not system_folder(path)


@needs_system
def test_a_system_python_whose_library_is_not_the_systems_is_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To ask it would run that library."""
    monkeypatch.setattr(module, "_asked", lambda *given: pytest.fail("it was run"))
    monkeypatch.setattr(module, "system_folder", lambda path, **named: False)
    found = python_of(SYSTEM)
    assert not found.is_system
    assert "its standard library in" in found.why_not


@needs_system
def test_the_system_python_is_asked_in_an_empty_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a user left in the environment, or in this folder, has a word in it."""
    for name in ("os.py", "sitecustomize.py", "usercustomize.py", "encodings.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    expected = python_of(SYSTEM)
    for name, value in (("PYTHONPATH", str(tmp_path)), ("PYTHONHOME", str(tmp_path)),
                        ("PYTHONPLATLIBDIR", "evil"), ("LD_LIBRARY_PATH", str(tmp_path)),
                        ("LD_PRELOAD", str(tmp_path / "x.so"))):  # fmt: skip
        monkeypatch.setenv(name, value)

    assert expected == python_of(SYSTEM)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "answer",
    [b"", b"x", b"('3.11.2',)", b"('3.11.2', 1)", b"(1, '/usr', [])", b"('9.9.9', '/usr', [])",
     b"\xff", b"(" * 5000, b"('3.11.2\\n', '/usr', [])"],
)  # fmt: skip
@needs_system
def test_an_answer_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    """Root's mistakes end in a sentence."""
    real = subprocess.run

    def run(words: list[str], **named: object) -> object:
        if words[0] != os.path.realpath(SYSTEM):
            return real(words, **named)
        return subprocess.CompletedProcess(words, 0, stdout=answer)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Refused, match="says that it is|does not say"):
        python_of(SYSTEM)


@needs_system
def test_to_look_costs_nothing_worth_remembering() -> None:
    """So nothing is remembered, and nothing is out of date."""
    began = time.process_time()
    for _ in range(100):
        is_system(SYSTEM)
    assert time.process_time() - began < 1
