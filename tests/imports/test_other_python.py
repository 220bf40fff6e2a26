"""Interpreters that are not the system's: nothing runs before the finder that was not verified."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import builds
from tests.builds import changed, library
from tests.imports import libraries
from tests.imports.child import Ended, pythons
from tests.imports.elsewhere import listed, plain, run

EVIL = "evil was here"
HELLO = 'print("hello")\n'
# What Python imports by itself or for our bootstrap, in one version or another; and what it would,
# did somebody put it there.
FIRST = (
    "encodings/__init__", "encodings/aliases", "encodings/utf_8", "encodings/latin_1", "codecs",
    "io", "abc", "os", "site", "stat", "posixpath", "genericpath", "_collections_abc",
    "_sitebuiltins", "zipimport", "linecache", "importlib/__init__", "importlib/util", "types",
    "warnings", "runpy", "sitecustomize", "usercustomize", "_bootlocale", "readline",
    "__future__", "marshal", "posix", "errno", "_sha2", "_sha256", "fcntl", "_ctypes", "zlib",
)  # fmt: skip


class Build(NamedTuple):
    """A build that may be changed, with its list from before."""

    program: Path
    version: tuple[int, int]
    files: str

    @property
    def prefix(self) -> Path:
        return self.program.parent.parent

    @property
    def library(self) -> Path:
        return library(self.program)

    @property
    def dynload(self) -> Path:
        return self.library / "lib-dynload"

    def extension(self, name: str) -> Path:
        """The file of an extension module."""
        (found,) = self.dynload.glob(f"{name}.*.so")
        return found

    def run(self, script: Path, *arguments: str, **more: object) -> Ended:
        return run(self.program, self.files, script, *arguments, **more)

    def plain(self, *words: str | Path, cwd: Path | None = None) -> Ended:
        return plain(self.program, *words, cwd=cwd)


@functools.cache
def others() -> list[str]:
    """One of each version that is not the system's."""
    return [one.path for one in pythons() if not one.path.startswith("/usr/bin/")]


@pytest.fixture(scope="module", params=others(), ids=lambda path: Path(path).name)
def build(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Each of them."""
    program = builds.build(tmp_path_factory.mktemp("builds") / "build", request.param)
    version = tuple(map(int, program.name.removeprefix("python").split(".")))
    return Build(program, version, listed(program))


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A script."""
    script = tmp_path / "app" / "hello.py"
    script.parent.mkdir()
    script.write_text(HELLO)
    return script


def evil(before: str = "") -> str:
    """A module that says so, and is what it was besides."""
    said = f"import posix\nposix.write(1, b'{EVIL}\\n')\n"
    # `from __future__` has to stay the first line.
    return before + "\n" + said if "from __future__" in before else said + before


def refused(ended: Ended, path: Path) -> None:
    """Nothing ran, and the file is named."""
    assert (111, "") == (ended.code, ended.out), ended
    assert f"error: {path} is not the file that was attested\n" == ended.err


def harmless(ended: Ended) -> None:
    """It ran as if nothing were there."""
    assert (0, "hello\n", "") == ended, ended


def test_a_script_runs_as_with_plain_python(build: Build, tmp_path: Path) -> None:
    """Prefixes, path, names of modules and of their files, variables, descriptors."""
    script = tmp_path / "look.py"
    script.write_text(
        "import sys, os, sysconfig, encodings.idna, json, zlib\n"
        "print(sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)\n"
        "print(sys.path, sys.argv, sys.flags.no_site, sys.flags.dont_write_bytecode)\n"
        "print(getattr(sys, '_stdlib_dir', ''), sysconfig.get_path('stdlib'))\n"
        "for name in ('os', 'codecs', 'encodings', 'encodings.utf_8', 'json', 'zlib', 'io'):\n"
        "    module = sys.modules[name]\n"
        "    print(name, module.__file__, getattr(module, '__path__', ''), module.__package__)\n"
        "print([name for name in os.environ if name.startswith(('PYTHON', 'LD_'))])\n"
        "print(encodings.idna.ToASCII('x'), os.fspath.__name__, os.walk.__code__.co_name)\n"
    )
    ours, theirs = build.run(script, "a"), build.plain("-s", "-S", "-B", script, "a")
    expected = theirs.out.replace("['" + str(script) + "'", "['look.py'")
    # Plain Python has an archive in its path that is not there.
    expected = re.sub(r"'[^']*/python3[0-9]+\.zip', ", "", expected)
    assert (0, "") == (ours.code, ours.err)
    assert expected.replace("['PYTHONDONTWRITEBYTECODE']", "[]") == ours.out


def test_no_name_of_a_descriptor_is_left(build: Build, tmp_path: Path) -> None:
    """No module, function, spec or open file leads to what was given to Python (Y1)."""
    script = tmp_path / "look.py"
    script.write_text(
        "import sys, posix\n"
        "def inside(value, seen):\n"
        "    if id(value) in seen: return False\n"
        "    seen.add(id(value))\n"
        "    if isinstance(value, str): return '/proc/' in value and 'fd' in value\n"
        "    if isinstance(value, (list, tuple)): return any(inside(x, seen) for x in value)\n"
        "    if isinstance(value, type(inside)): return inside(value.__code__.co_filename, seen)\n"
        "    if isinstance(value, type) and value.__module__ != 'builtins':\n"
        "        return any(inside(x, seen) for x in list(vars(value).values()))\n"
        "    if type(value).__name__ in ('ModuleSpec', 'Spec', 'SimpleNamespace'):\n"
        "        return any(inside(x, seen) for x in vars(value).values())\n"
        "    return False\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith(('_sig_imports', '__main__')): continue\n"
        "    for key, value in list(vars(module).items()):\n"
        "        if inside(value, set()): print(name, key, value)\n"
        "print(sys.path_importer_cache, [p for p in sys.path if 'proc' in p])\n"
        "print([n for n in ('fcntl', '_ctypes', '_sha2', '_sha256', 'linecache')"
        " if n in sys.modules])\n"
        "print(len(posix.listdir('/proc/self/fd')) <= 4)\n"
    )
    assert (0, "{} []\n[]\nTrue\n", "") == build.run(script)


@pytest.mark.parametrize("name", FIRST)
def test_what_python_imports_first_is_verified(build: Build, hello: Path, name: str) -> None:
    """A module that Python or our bootstrap imports before there is a finder: in the standard
    library it is refused where it is needed, and is not there where it is not listed."""
    place = build.library / f"{name}.py"
    before = place.read_text() if place.exists() else ""
    with changed(place, evil(before)):
        ended = build.run(hello)
        if ended.code:
            refused(ended, place)
        else:
            harmless(ended)
    if before and name in ("encodings/__init__", "encodings/aliases", "encodings/utf_8"):
        refused(ended, place)


@pytest.mark.parametrize("name", ["encodings/__init__", "encodings/utf_8"])
def test_plain_python_falls_for_it(build: Build, hello: Path, name: str) -> None:
    """The control of the one before."""
    place = build.library / f"{name}.py"
    with changed(place, evil(place.read_text())):
        assert f"{EVIL}\nhello\n" == build.plain("-S", hello).out


def test_an_archive_of_the_standard_library_is_not_used(build: Build, hello: Path) -> None:
    """python312.zip comes before the folder for plain Python, and was not there when it was
    listed."""
    archive = build.prefix / "lib" / f"{build.program.name.replace('.', '')}.zip"
    try:
        with zipfile.ZipFile(archive, "w") as made:
            for name in FIRST:
                place = build.library / f"{name}.py"
                made.writestr(f"{name}.py", evil(place.read_text() if place.exists() else ""))
        harmless(build.run(hello))
        assert EVIL in build.plain("-S", hello).out
    finally:
        archive.unlink()


def test_nothing_beside_the_program_or_in_the_folder_is_imported(
    build: Build, hello: Path, tmp_path: Path
) -> None:
    """Neither beside the interpreter nor where it is started."""
    here = tmp_path / "here"
    for name in FIRST:
        for folder in (here, build.program.parent):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.py").write_text(evil())
    try:
        harmless(build.run(hello, cwd=here))
        assert EVIL in build.plain("-c", "import linecache", cwd=here).out
    finally:
        for path in build.program.parent.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != build.program:
                path.unlink()


MISLEADS = ("pyvenv.cfg", "../pyvenv.cfg", "pybuilddir.txt", "{}._pth", "Modules/Setup.local")


def misleading(build: Build, farm: Path, name: str) -> tuple[Path, str]:
    """A file beside the program by which its library would lie in `farm`, an evil one."""
    shutil.copytree(build.library, farm / "lib" / build.program.name, symlinks=True)
    place = farm / "lib" / build.program.name / "encodings/__init__.py"
    place.write_text(evil(place.read_text()))
    text = {
        "pyvenv.cfg": f"home = {farm}/bin\n",
        "../pyvenv.cfg": f"home = {farm}/bin\n",
        "pybuilddir.txt": os.path.relpath(farm / "lib", build.program.parent),
        "{}._pth": f"{farm}/lib/{build.program.name}\n",
        "Modules/Setup.local": "",
    }[name]
    return build.program.parent / name.format(build.program.name), text


@pytest.mark.parametrize("name", MISLEADS)
def test_what_misleads_an_interpreter_is_refused_or_not_read(
    build: Build, hello: Path, tmp_path: Path, name: str
) -> None:
    """Files beside the program from which it learns where its library is: refused where they are
    seen, and not read where they come after that."""
    beside, text = misleading(build, tmp_path / "farm", name)
    with changed(beside, text):
        ended = build.run(hello)
        assert (0, "") != (ended.code, ended.out), ended
        if name != "../pyvenv.cfg":  # that is an environment, of a Python elsewhere
            assert "lies beside the interpreter, which would believe it" in ended.err
        if name in ("pyvenv.cfg", "../pyvenv.cfg"):
            assert EVIL in build.plain("-S", hello).out
    try:
        harmless(build.run(hello, late={beside: text}))
    finally:
        beside.unlink()
        if beside.parent.name == "Modules":
            beside.parent.rmdir()


def test_nothing_but_the_systems_files_is_opened_before_the_finder(
    build: Build, hello: Path, tmp_path: Path
) -> None:
    """As the kernel sees it: from the start of the interpreter until our bootstrap has done its
    work, all that is opened is in memory or root's."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace")
    log = tmp_path / "log"
    calls = "trace=open,openat,openat2,execve,execveat,stat,newfstatat,access,readlink"
    ended = build.run(hello, before=[strace, "-o", log, "-e", calls])
    assert "hello\n" == ended.out, ended
    lines = log.read_text().splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith(("execve", "execveat")))
    end = next(i for i, line in enumerate(lines) if "/proc/self/comm" in line and i > start)
    paths = re.findall(r'^\w+\((?:AT_FDCWD, )?"([^"]+)"', "\n".join(lines[start + 1 : end]), re.M)
    allowed = ("/proc/", "/etc/", "/usr/lib/", "/usr/share/", "/lib/", "/lib64/")
    assert paths
    assert [] == [path for path in paths if not path.startswith(allowed)]
    assert [] == [path for path in paths if path.startswith("/usr/local/")]


# --- libraries ---


@pytest.mark.parametrize("name", ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"])
@pytest.mark.parametrize("folder", ["", "glibc-hwcaps/x86-64-v2/", "glibc-hwcaps/x86-64-v3/"])
def test_a_library_beside_libpython_is_not_mapped(
    build: Build, hello: Path, name: str, folder: str
) -> None:
    """ld.so looks in the folder that the program names, before the system's; our copies name
    none."""
    dropped = libraries.library(name, says=EVIL + "\n")
    with changed(build.prefix / "lib" / f"{folder}{name}", dropped):
        harmless(build.run(hello))
        if (folder, name) == ("", "libc.so.6"):
            # It is mapped; that it lacks all that a libc has is the end of plain Python.
            assert "hello\n" != build.plain("-S", hello).out


def test_the_program_is_the_one_that_was_attested(build: Build, hello: Path) -> None:
    """One byte at its end."""
    with changed(build.program, build.program.read_bytes() + b"\0") as place:
        refused(build.run(hello), place)


def test_libpython_is_the_one_that_was_attested(build: Build, hello: Path) -> None:
    """Exchanged for one that says so when it is mapped."""
    found = sorted((build.prefix / "lib").glob("libpython3.*.so.*"))
    if not found:
        pytest.skip("this build has none")
    made = libraries.library(found[0].name, says=EVIL + "\n")
    with changed(found[0], made) as place:
        refused(build.run(hello), place)
        assert EVIL in build.plain("-S", hello).out


@pytest.mark.parametrize("name", ["fcntl", "_ctypes", "_sha2", "_sha256"])
def test_modules_that_the_finder_needs_are_the_ones_that_were_attested(
    build: Build, hello: Path, name: str
) -> None:
    """They are mapped before there is a finder."""
    if not list(build.dynload.glob(f"{name}.*.so")):
        pytest.skip("built in, or not there")
    place = build.extension(name)
    with changed(place, libraries.extension(name, says=EVIL + "\n")):
        refused(build.run(hello), place)


def test_libpython_is_mapped_once(build: Build, tmp_path: Path) -> None:
    """By its path, by its name and as part of the program it is the same."""
    found = sorted((build.prefix / "lib").glob("libpython3.*.so.*"))
    if not found:
        pytest.skip("this build has none")
    script = tmp_path / "look.py"
    script.write_text(
        "import ctypes\n"
        "def place(library): return ctypes.cast(library.Py_GetVersion, ctypes.c_void_p).value\n"
        f"one, other = ctypes.PyDLL({str(found[0])!r}), ctypes.PyDLL({found[0].name!r})\n"
        "print(place(one) == place(other) == place(ctypes.pythonapi))\n"
    )
    assert (0, "True\n", "") == build.plain("-S", script) == build.run(script)


def test_what_is_marked_bad_does_not_start(build: Build, hello: Path) -> None:
    """A digest of the program, of libpython or of a first module."""
    for path in (build.program, build.library / "encodings/utf_8.py"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        ended = build.run(hello, bad={digest: "marked bad by somebody"})
        assert "" == ended.out
        assert f"error: {path} is marked bad: marked bad by somebody\n" == ended.err


# --- once the finder is there ---


def test_a_module_of_the_standard_library_is_verified_when_it_is_loaded(
    build: Build, tmp_path: Path
) -> None:
    """What comes before it is loaded and runs; then the process ends."""
    script = tmp_path / "late.py"
    script.write_text("import json\nprint(json.loads('1'), flush=True)\nimport this\n")
    with changed(build.library / "this.py", evil()) as place:
        ended = build.run(script)
        assert (111, "1\n") == (ended.code, ended.out)
        assert ended.err == f"error: {place} is not the file that python has\nerror: stopped\n"
        assert EVIL in build.plain("-S", script).out


def test_an_extension_module_is_verified_when_it_is_loaded(build: Build, tmp_path: Path) -> None:
    """The same for native code."""
    script = tmp_path / "late.py"
    script.write_text("print(1, flush=True)\nimport _bisect\n")
    with changed(build.extension("_bisect"), libraries.extension("_bisect", says=EVIL)) as place:
        ended = build.run(script)
        assert (111, "1\n") == (ended.code, ended.out)
        assert ended.err == f"error: {place} is not the file that python has\nerror: stopped\n"
        assert EVIL in build.plain("-S", script).out


@pytest.mark.parametrize(
    "path", ["dropped.py", "dropped/__init__.py", "site-packages/dropped.py", "json/dropped.py"]
)
def test_a_dropped_module_does_not_exist(build: Build, tmp_path: Path, path: str) -> None:
    """In the standard library or in what lies in it; nor does an empty package."""
    script = tmp_path / "look.py"
    name = "json.dropped" if "json" in path else "dropped"
    script.write_text(
        f"try:\n    import {name}\nexcept ModuleNotFoundError as error:\n    print(error)\n"
    )
    with changed(build.library / path, evil()):
        assert (0, f"No module named {name!r}\n", "") == build.run(script)
        assert f"{EVIL}\n" == build.plain(script).out


def test_data_of_the_standard_library_is_verified_with_its_package(
    build: Build, tmp_path: Path
) -> None:
    """Before the first module of the package runs, and only then."""
    script = tmp_path / "data.py"
    script.write_text("print('hello', flush=True)\nimport pydoc_data.topics\n")
    (place,) = (build.library / "pydoc_data").glob("*.css")
    with changed(place, "changed"):
        ended = build.run(script)
        assert (111, "hello\n") == (ended.code, ended.out)
        assert f"error: {place} is not the file that python has\n" in ended.err


def test_tests_of_the_standard_library_do_not_exist(build: Build, tmp_path: Path) -> None:
    """They are not listed, so they are not there."""
    script = tmp_path / "look.py"
    script.write_text("try:\n    import test.support\nexcept ImportError as e:\n    print(e)\n")
    with changed(build.library / "test/__init__.py", ""):
        with changed(build.library / "test/support/__init__.py", evil()):
            assert (0, "No module named 'test'\n", "") == build.run(script)
            assert f"{EVIL}\n" == build.plain(script).out


def test_tracebacks_and_codecs_are_those_of_plain_python(build: Build, tmp_path: Path) -> None:
    """Frames in modules that Python loaded first have the names of their files."""
    script = tmp_path / "fails.py"
    script.write_text("import os\nprint('\\xe4'.encode('idna'))\nos.makedirs('/proc/nothing/x')\n")
    ours, theirs = build.run(script), build.plain("-S", script)
    assert (theirs.code, theirs.out) == (ours.code, ours.out)
    assert theirs.err == ours.err


@pytest.mark.parametrize("name", ["C", "POSIX", "C.UTF-8"])
def test_it_starts_in_any_locale(build: Build, hello: Path, name: str) -> None:
    """The codec of the locale is among the first modules."""
    harmless(build.run(hello, env={"PATH": "/usr/bin:/bin", "LC_ALL": name}))


def test_it_runs_where_copies_must_not_be_executed(build: Build, hello: Path) -> None:
    """vm.memfd_noexec=2, in a process namespace of its own."""
    unshare = shutil.which("unshare")
    ask = [unshare or "", "--pid", "--fork", "--mount-proc"]
    words = ["sh", "-c", 'echo 2 > /proc/sys/vm/memfd_noexec && exec "$@"', "sh"]
    able = unshare and subprocess.run([*ask, *words, "true"], capture_output=True).returncode == 0
    if not able:
        pytest.skip("no namespace of processes can be made here, or this kernel is too old")
    harmless(build.run(hello, before=[*ask, *words]))


def test_nothing_comes_past_the_finder(build: Build, tmp_path: Path) -> None:
    """Neither bytecode nor another interpreter, which the build has. Its frozen modules and its
    extension modules are as in plain Python."""
    (tmp_path / "helper.py").write_text(f"print({EVIL!r})\n")
    script = tmp_path / "attack.py"
    script.write_text(
        "import marshal, sys, __hello__, _struct\n"
        "data = marshal.dumps(compile(open('helper.py').read(), 'x', 'exec'))\n"
        "try: exec(marshal.loads(data))\n"
        "except ValueError as error: print(error)\n"
        "for name in ('_interpreters', '_xxsubinterpreters'):\n"
        "    try: x = __import__(name)\n"
        "    except ModuleNotFoundError as error: print(error); continue\n"
        "    x.run_string(x.create(), open('helper.py').read())\n"
        "__path__ = [_struct.__file__.rpartition('/')[0]]\n"
        "sys.modules['pack'] = sys.modules['__main__']\n"
        "for name in ('pack._interpreters', 'pack._xxsubinterpreters'):\n"
        "    try: x = __import__(name, None, None, ['*'])\n"
        "    except ModuleNotFoundError as error: continue\n"
        "    x.run_string(x.create(), open('helper.py').read())\n"
    )
    assert 3 == build.plain(script, cwd=tmp_path).out.count(EVIL)
    ended = build.run(script, cwd=tmp_path)

    assert (0, "") == (ended.code, ended.err), ended
    first, *others = ended.out.replace("Hello world!\n", "").splitlines()
    assert "this is code that is not covered, so marshal does not give it" == first
    told = "No module named {!r}: a run under a lock has one interpreter"
    names = ("_interpreters", "_xxsubinterpreters")
    have = [name for name in names if list(build.dynload.glob(f"{name}.*.so"))]
    assert [told.format(name) for name in have] == [one for one in others if "lock" in one]
