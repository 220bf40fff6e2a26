"""What a name stands for, whatever lies on the disk: with plain Python beside it where that runs
what was put there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.imports.child import ENVIRONMENT, Program, own, write
from tests.soak import SOAK

EVIL = "print('EVIL')\n"


def evil(program: Program, **more: object) -> None:
    """The control: plain Python runs it."""
    assert "EVIL" in program.plain(**more).out


# --- R1, R2: one file a name, and no other name --------------------------------------------------


def test_an_uncovered_module_does_not_exist(program: Program) -> None:
    """Beside the script, in the environment, as a package, a namespace, a library."""
    program.files(
        {
            "main.py": "import importlib, sys\n"
            "for name in ('beside', 'installed', 'package', 'package.inner', 'space',"
            " 'space.inner', 'lib.more', 'a.more', 'lib.space', 'library', 'Helper', 'HELPER'):\n"
            "    try: importlib.import_module(name)\n"
            "    except ModuleNotFoundError as error: print(error.name)\n"
            "    else: print('EVIL', name)\n",
            "helper.py": "",
            "a/__init__.py": "",
        }
    )
    program.dist("lib-1.0", {"lib/__init__.py": ""})
    write(program.app, {"beside.py": EVIL, "space/inner.py": EVIL, "a/more.py": EVIL})
    write(program.site, {"installed.py": EVIL, "package/__init__.py": "", "package/inner.py": ""})
    write(program.site, {"lib/more.py": EVIL, "lib/space/x.py": EVIL, "library.so": b"\x7fELF"})
    evil(program)
    ended = program.run()

    assert 0 == ended.code, ended.err
    assert (
        "beside installed package package space space lib.more a.more lib.space library"
        " Helper HELPER"
    ).split() == ended.out.split()


def test_a_stray_module_of_the_standard_library_changes_nothing(program: Program) -> None:
    """A `random.py` or `json.py` that was put beside the script."""
    program.files({"main.py": "import random, json\nprint(random.__file__, json.__file__)\n"})
    write(program.app, {"random.py": EVIL, "json/__init__.py": EVIL})
    evil(program)
    ended = program.run()

    stdlib = program.python.stdlib[0]
    assert f"{stdlib}/random.py {stdlib}/json/__init__.py\n" == ended.out


def test_a_covered_module_hides_the_standard_library(program: Program) -> None:
    """That of the app, as plain Python has it; that of a distribution does not."""
    program.files({"main.py": "import json, random\nprint(json.x, random.x)\n", "json.py": "x = 1"})
    program.dist("lib-1.0", {"json/__init__.py": "x = 2", "random.py": "x = 3"})
    ended = program.run()

    assert (1, "") == ended[:2]
    assert "module 'random' has no attribute 'x'" in ended.err
    (program.app / "main.py").write_text("import json\nprint(json.x)\n")
    assert "1\n" == program.plain().out


def test_sys_path_is_for_show(program: Program) -> None:
    """Entries that come later add nothing, ones that go take nothing: folders, archives, `.pth`."""
    program.files(
        {
            "main.py": "import sys, site, os\n"
            "sys.path[:0] = ['', '.', 'evil', 'evil.zip', os.path.abspath('evil')]\n"
            "sys.path_hooks[:0] = []\n"
            "site.addsitedir('evil')\n"
            "try: import other\n"
            "except ModuleNotFoundError: print('no other')\n"
            "sys.path.clear()\n"
            "import helper, lib, string\nprint(helper.x, lib.x)\n",
            "helper.py": "x = 1\n",
        }
    )
    program.dist("lib-1.0", {"lib.py": "x = 2\n"})
    write(program.app, {"evil/other.py": EVIL, "evil/x.pth": "import sys; print('PTH')\n"})
    with zipfile.ZipFile(program.app / "evil.zip", "w") as archive:
        archive.writestr("other.py", EVIL)
    evil(program)
    ended = program.run()

    assert "EVIL" not in ended.out
    assert ended.out.endswith("no other\n1 2\n")


def test_an_edited_path_of_a_package_leads_to_what_is_covered(program: Program) -> None:
    """A folder that was added is looked up like any other."""
    program.files(
        {
            "main.py": "import os, a\n"
            "a.__path__[:0] = ['evil', os.path.abspath('evil'), b'evil', 7, 'b']\n"
            "a.__path__[:0] = ['/proc/self/cwd/evil']\n"
            "import a.inner\nprint(a.inner.__file__)\n"
            "try: import a.other\n"
            "except ModuleNotFoundError: print('no other')\n"
            "a.__path__[:] = []\n"
            "try: import a.last\n"
            "except ModuleNotFoundError: print('no last')\n",
            "a/__init__.py": "",
            "a/last.py": "",
            "b/inner.py": "",
        }
    )
    write(program.app, {"evil/other.py": EVIL, "evil/inner.py": EVIL})
    ended = program.run()

    assert (0, f"{program.app}/b/inner.py\nno other\nno last\n", "") == ended


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONPATH": "evil"},
        {"PYTHONSTARTUP": "evil/other.py"},
        {"PYTHONHOME": "/nowhere"},
        {"PYTHONPLATLIBDIR": "evil"},
        {"PYTHONWARNINGS": "error::other.Other"},
        {"PYTHONPYCACHEPREFIX": "evil"},
        {"PYTHONBREAKPOINT": "other.main"},
        {"PYTHONEXECUTABLE": "/nowhere"},
    ],
)
def test_the_environment_decides_nothing(program: Program, environment: dict[str, str]) -> None:
    """The caller cleans it; should it not, Python is told to ignore its own."""
    program.files(
        {"main.py": "import helper, string\nprint(helper.x)\nbreakpoint\n", "helper.py": "x=1"}
    )
    write(program.app, {"evil/other.py": EVIL, "evil/sitecustomize.py": EVIL})
    write(program.app, {"evil/usercustomize.py": EVIL, "evil/string.py": EVIL})

    assert (0, "1\n", "") == program.run(env=ENVIRONMENT | environment)


def test_the_current_folder_is_not_looked_at(program: Program, tmp_path: Path) -> None:
    """Neither at start nor after a change of it; what is covered is found from everywhere."""
    program.files(
        {
            "main.py": "import os\nos.chdir('/')\nimport helper\n"
            "os.chdir(os.path.dirname(__file__) + '/evil')\n"
            "import string, second\nprint(helper.x + second.x)\nimport other\n",
            "helper.py": "x = 1\n",
            "second.py": "x = 2\n",
        }
    )
    write(program.app, {"evil/other.py": EVIL, "evil/string.py": EVIL})
    for folder in (program.app / "evil", tmp_path):
        ended = program.run(cwd=folder)
        assert "3\n" == ended.out
        assert "ModuleNotFoundError: No module named 'other'" in ended.err


def test_a_name_that_is_a_path_is_no_name(program: Program) -> None:
    """`import_module` takes any text."""
    program.files(
        {
            "main.py": "import importlib\n"
            "for name in ('a/inner', 'a/../helper', './helper', '/helper', 'a.', '..helper',\n"
            "             'helper.py', 'helper/', '\\0', 'a/__init__', 'lib-1.0.dist-info', ''):\n"
            "    try: importlib.import_module(name)\n"
            "    except (ImportError, ValueError, TypeError): pass\n"
            "    else: print(name)\n",
            "helper.py": "",
            "a/__init__.py": "",
            "a/inner.py": "",
        }
    )
    assert (0, "", "") == program.run()


def test_hooks_of_the_program_are_its_own(program: Program) -> None:
    """Another finder in sys.meta_path, before or behind ours, is asked as in plain Python."""
    program.files(
        {
            "main.py": "import sys\nfrom importlib.machinery import ModuleSpec\n"
            "class Mine:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name == 'made': return ModuleSpec(name, self)\n"
            "    def create_module(self, spec): pass\n"
            "    def exec_module(self, module): module.x = 1\n"
            "sys.meta_path.append(Mine())\nimport made\nprint(made.x)\n"
            "import helper\n",
            "helper.py": "",
        }
    )
    assert (0, "1\n", "") == program.run()


# --- R3, R7, R8: the file it stands for ----------------------------------------------------------


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def _zero(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "changed": (lambda path: path.write_text(EVIL), "is not the file that app has"),
    "longer": (lambda path: path.write_text(path.read_text() + "#"), "is not the file that app"),
    "empty": (lambda path: path.write_text(""), "is not the file that app has"),
    "deleted": (Path.unlink, "is missing, and app has it"),
    "its folder deleted": (lambda path: shutil.rmtree(path.parent), "is missing, and app has it"),
    "a link to nowhere": (_link, "is missing, and app has it"),
    "a folder": (_folder, "is not a regular file"),
    "a FIFO": (_fifo, "is not a regular file"),
    "a device": (_zero, "is not a regular file"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("below", ["a/__init__.py", "a/inner.py"])
def test_a_covered_file_that_is_not_as_it_was_ends_the_run(
    program: Program, change: str, below: str
) -> None:
    """It does not become another module of the name, nor none: that would answer a check, too."""
    program.files(
        {
            "main.py": "try: import a.inner\nexcept BaseException: print('caught')\nprint('on')\n",
            "a/__init__.py": "#",
            "a/inner.py": "print('fine')\n",
        }
    )
    program.dist("lib-1.0", {"a/__init__.py": EVIL, "a/inner.py": EVIL})
    assert "fine\non\n" == program.run().out
    how, why = CHANGES[change]
    how(program.app / below)
    path = program.app / ("a/__init__.py" if "folder deleted" in change else below)

    ended = program.run()

    assert (111, "") == ended[:2]
    assert ended.err.startswith(f"error: {path} {why}") and ended.err.endswith("\nerror: stopped\n")


def test_a_deleted_init_does_not_make_a_namespace(program: Program) -> None:
    """The check that it held would be gone, and the rest be there."""
    program.files(
        {
            "main.py": "try:\n    from checks import strict\n"
            "except ImportError:\n    strict = False\n"
            "print('EVIL' if not strict else 'strict')\n",
            "checks/__init__.py": "strict = True\n",
            "checks/other.py": "",
        }
    )
    (program.app / "checks/__init__.py").unlink()
    evil(program)

    assert 111 == program.run().code


def test_a_link_inside_an_environment_is_followed(program: Program, tmp_path: Path) -> None:
    """Content decides: of uv's caches, of a folder that was moved."""
    program.files(
        {
            "main.py": "import helper, a.inner\nprint(helper.__file__, a.inner.__file__)\n",
            "helper.py": "x = 1\n",
            "a/__init__.py": "",
            "a/inner.py": "",
        }
    )
    shutil.move(program.app / "a", tmp_path / "a")
    (program.app / "a").symlink_to(tmp_path / "a")
    shutil.move(program.app / "helper.py", tmp_path / "h")
    (program.app / "helper.py").symlink_to(tmp_path / "h")
    ended = program.run()

    assert (0, f"{program.app}/helper.py {program.app}/a/inner.py\n", "") == ended
    (program.app / "a").unlink()
    (program.app / "a").symlink_to(write(tmp_path / "b", {"__init__.py": EVIL}))
    assert 111 == program.run().code


def test_an_unreadable_file_is_another_refusal(program: Program) -> None:
    """Nobody knows whether it is the right one. (A file of /proc whose bytes are not given.)"""
    program.files({"main.py": "import helper\n", "helper.py": ""})
    (program.app / "helper.py").unlink()
    (program.app / "helper.py").symlink_to("/proc/self/mem")

    expected = f"error: {program.app}/helper.py cannot be read: Input/output error\n"
    assert (114, "", expected + "error: stopped\n") == program.run()


def test_a_file_of_somebody_else_is_unreadable(tmp_path: Path) -> None:
    """Who has no right to read it is told so. (Root reads everything: somebody else runs it.)"""
    program = Program(own(), tmp_path / "program")
    program.files({"main.py": "import helper\n", "helper.py": ""})
    for folder in (program.folder, *program.folder.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    (program.app / "helper.py").chmod(0)
    ended = program.run(**({"user": 65534} if os.getuid() == 0 else {}))

    expected = f"error: {program.app}/helper.py cannot be read: Permission denied\n"
    assert (114, "", expected + "error: stopped\n") == ended


def test_a_file_that_is_marked_bad_ends_the_run(program: Program) -> None:
    """When it is loaded; and before anything else is said about it."""
    program.files({"main.py": "print(1, flush=True)\nimport helper\n", "helper.py": "x = 1\n"})
    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    ended = program.run(changes={"bad": {digest: "steals keys"}})

    expected = f"error: {program.app}/helper.py is marked bad: steals keys\nerror: stopped\n"
    assert (113, "1\n", expected) == ended
    digest = hashlib.sha256(EVIL.encode()).hexdigest()
    (program.app / "helper.py").write_text(EVIL)
    assert 113 == program.run(changes={"bad": {digest: ""}}).code


@pytest.mark.parametrize("kind", ["stale", "unchecked", "sourceless", "prefix", "legacy"])
def test_bytecode_is_neither_read_nor_written(program: Program, kind: str) -> None:
    """Of whatever kind, wherever it lies."""
    script = "import helper\n"
    if kind == "prefix":
        script = "import sys\nsys.pycache_prefix = 'cache'\nimport helper\n"
    program.files({"main.py": script, "helper.py": "print('fine')\n"})
    path = program.app / "helper.py"
    status = path.stat()
    path.write_text(EVIL)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    target = {
        "sourceless": program.app / "gone.pyc",
        "legacy": program.app / "helper.pyc",
        "prefix": program.app / "cache" / str(program.app)[1:] / f"helper.{program.python.tag}.pyc",
    }.get(kind, program.app / "__pycache__" / f"helper.{program.python.tag}.pyc")
    mode = "UNCHECKED_HASH" if kind in ("unchecked", "prefix") else "TIMESTAMP"
    make = (
        "import py_compile as p\n"
        f"p.compile({str(path)!r}, {str(target)!r}, {str(path)!r},"
        f" invalidation_mode=p.PycInvalidationMode.{mode})"
    )
    subprocess.run([program.python.path, "-c", make], check=True)
    path.write_text("print('fine')\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = sorted(program.app.rglob("*"))
    if kind == "sourceless":
        (program.app / "main.py").write_text("import gone\n")
        evil(program)
        program.roots.clear()
        program.files({"main.py": "import gone\n", "gone.pyc": target.read_bytes()})
        assert "No module named 'gone'" in program.run().err
        return
    if kind in ("unchecked", "prefix"):
        evil(program)

    assert (0, "fine\n", "") == program.run()
    assert before == sorted(program.app.rglob("*"))


def test_a_reload_looks_again(program: Program) -> None:
    """The bytes are hashed each time."""
    program.files(
        {
            "main.py": "import helper, importlib\nimportlib.reload(helper)\nprint(1, flush=True)\n"
            "open(helper.__file__, 'w').write('print(\"EVIL\")')\nimportlib.reload(helper)\n",
            "helper.py": "",
        }
    )
    ended = program.run()
    assert (111, "1\n") == ended[:2]


def test_a_swap_between_check_and_use_never_wins(program: Program) -> None:
    """One opening: what is run is what was hashed, or nothing."""
    rounds = 10_000 if SOAK else 1_000
    program.files(
        {
            "main.py": "import helper, importlib, os, sys, threading\n"
            "over = False\n"
            "def swap():\n"
            "    while not over:\n"
            "        os.replace('evil.py', 'helper.py'); os.link('evil', 'evil.py')\n"
            "        os.replace('good.py', 'helper.py'); os.link('good', 'good.py')\n"
            "pid = os.fork()\n"
            "if not pid:\n    swap()\n"
            "import signal\n"
            "ran = refused = 0\n"
            f"for _ in range({rounds // 20}):\n"
            "    child = os.fork()\n"
            "    if not child:\n"
            "        os.dup2(os.open('/dev/null', os.O_WRONLY), 2)\n"
            "        for _ in range(20): importlib.reload(helper)\n"
            "        os._exit(0)\n"
            "    code = os.waitpid(child, 0)[1] >> 8\n"
            "    ran += code == 0; refused += code == 111\n"
            "os.kill(pid, signal.SIGKILL)\n"
            f"print(ran + refused == {rounds // 20}, refused > 0)\n",
            "helper.py": "x = 1\n",
        }
    )
    write(program.app, {"good": "x = 1\n", "evil": "import os; os._exit(9)\n"})
    for name in ("good", "evil"):
        os.link(program.app / name, program.app / f"{name}.py")
    ended = program.run()

    assert (0, "True True\n", "") == ended


# --- R4: namespaces ------------------------------------------------------------------------------


def test_a_namespace_is_there_if_something_below_it_is_covered(program: Program) -> None:
    """Portions of several roots make one; an empty folder makes none, nor does an uncovered one."""
    program.files(
        {
            "main.py": "import space.one, space.two, space.deep.er\n"
            "print(list(space.__path__), space.__spec__.loader is not None, space.__file__,"
            " type(space.__path__).__name__, type(space.__loader__).__name__)\n"
            "for name in ('space.evil', 'empty', 'evil', 'space.empty'):\n"
            "    try: __import__(name)\n"
            "    except ModuleNotFoundError: pass\n"
            "    else: print('EVIL')\n",
            "space/one.py": "",
        }
    )
    program.dist("lib-1.0", {"space/two.py": "", "space/deep/er.py": "", "other/data.txt": ""})
    write(program.app, {"evil/x.py": ""})
    for folder in ("empty", "space/empty"):
        (program.app / folder).mkdir()
    (program.site / "space/evil").mkdir()
    evil(program)
    ended = program.run()

    plain = program.plain()
    assert (0, plain.out.splitlines()[0] + "\n", "") == ended


def test_a_portion_of_a_namespace_cannot_be_added(program: Program) -> None:
    """Wherever plain Python would find one."""
    program.files(
        {
            "main.py": "import space.one, sys\nsys.path.insert(0, 'more')\nimport space.two\n",
            "space/one.py": "",
        }
    )
    write(program.app, {"space/two.py": EVIL, "more/space/two.py": EVIL})
    write(program.site, {"space/two.py": EVIL})
    evil(program)

    assert "No module named 'space.two'" in program.run().err


# --- what only root can write --------------------------------------------------------------------


def test_packages_of_the_system_are_found_last(program: Program, tmp_path: Path) -> None:
    """As plain Python finds them: modules, packages, namespaces, below those that are covered."""
    system = write(
        tmp_path / "system",
        {"late.py": "x = 's'", "lib.py": "x = 's'", "pack/__init__.py": "", "pack/inner.py": "",
         "space/two.py": "", "only/x.py": ""},
    )  # fmt: skip
    program.files(
        {
            "main.py": "import late, lib, pack.inner, space.one, space.two, only.x\n"
            "print(late.x, lib.x, pack.inner.__file__, len(space.__path__), only.x)\n"
            "import pkgutil\n"
            "names = {m.name for m in pkgutil.iter_modules()}\n"
            "print(sorted(names & {'late', 'lib', 'pack'}))\n",
            "space/one.py": "",
        }
    )
    program.dist("lib-1.0", {"lib.py": "x = 'd'"})
    ended = program.run(changes={"system": [str(system)]})

    first, second = ended.out.splitlines()
    assert first.startswith(f"s d {system}/pack/inner.py 2 <module 'only.x'")
    assert "['late', 'lib', 'pack']" == second


def test_the_standard_library_has_no_namespaces_and_no_site_packages(
    program: Program, tmp_path: Path
) -> None:
    """A folder below it that is no package is not one; nor are packages that were installed."""
    stdlib = write(
        tmp_path / "stdlib",
        {"good.py": "x = 1", "folder/x.py": EVIL, "site-packages/evil.py": EVIL,
         "pack/__init__.py": "", "pack/site-packages/evil.py": EVIL},
    )  # fmt: skip
    program.files(
        {
            "main.py": "import good, pack\n"
            "import importlib.machinery as m, sys\n"
            "for name in ('folder', 'folder.x', 'evil', 'site-packages', 'site-packages.evil'):\n"
            "    try: __import__(name)\n"
            "    except ModuleNotFoundError: pass\n"
            "    else: print('EVIL')\n"
            "stdlib = good.__file__[:-7]\n"
            "for path in (pack.__path__[0] + '/site-packages', stdlib + 'site-packages'):\n"
            "    print(m.PathFinder.find_spec('evil', [path]))\n"
            "    pack.__path__ = [path]\n"
            "    try: import pack.evil\n"
            "    except ModuleNotFoundError: pass\n"
        }
    )
    ended = program.run(changes={"stdlib": [*program.python.stdlib, str(stdlib)]})
    assert (0, "None\nNone\n", "") == ended


# --- F5: by a path -------------------------------------------------------------------------------


def test_a_path_finder_finds_what_is_covered(program: Program) -> None:
    """Who asks PathFinder, or walks sys.path himself, gets no other answer."""
    program.files(
        {
            "main.py": "import sys, pkgutil\nfrom importlib.machinery import PathFinder\n"
            "def of(spec): return spec and (spec.origin, type(spec.loader).__name__)\n"
            "print(of(PathFinder.find_spec('helper')))\n"
            "print(of(PathFinder.find_spec('evil')), of(PathFinder.find_spec('evil', ['evil'])))\n"
            "print(of(PathFinder.find_spec('bisect'))[0].rpartition('/')[2])\n"
            "print(pkgutil.get_importer('evil'), pkgutil.get_importer(sys.path[0]) is not None)\n"
            "print(PathFinder.find_spec('a.x', __import__('a').__path__).origin)\n",
            "helper.py": "",
            "a/__init__.py": "",
            "a/x.py": "",
        }
    )
    write(program.app, {"evil/evil.py": EVIL, "evil.py": EVIL})
    ended = program.run()

    assert (
        f"('{program.app}/helper.py', 'SourceLoader')\nNone None\nbisect.py\nNone True\n"
        f"{program.app}/a/x.py\n"
    ) == ended.out, ended.err


def test_a_module_by_its_path_is_the_covered_one(program: Program) -> None:
    """`spec_from_file_location`, as plug-ins are loaded."""
    program.files(
        {
            "main.py": "import importlib.util as u, string, os\n"
            "def load(path):\n"
            "    spec = u.spec_from_file_location('m', path)\n"
            "    module = u.module_from_spec(spec)\n"
            "    spec.loader.exec_module(module)\n"
            "    return module\n"
            "print(load('plug/in.py').x, load(os.path.abspath('plug/in.py')).__file__)\n"
            "print(load(string.__file__).digits)\n"
            "e = '/tmp/../' + os.getcwd() + '/e.py'\n"
            "for path in ('plug/evil.py', 'evil.pyc', 'evil.so', e):\n"
            "    try: load(path)\n"
            "    except (ImportError, OSError) as error: print(error)\n"
            "print(u.spec_from_file_location('m', 'x.txt'))\n"
            "open('plug/in.py', 'w').write('x = 2')\n"
            "load('plug/in.py')\n",
            "plug/in.py": "x = 1",
        }
    )
    write(program.app, {"plug/evil.py": EVIL, "evil.pyc": EVIL, "evil.so": EVIL, "e.py": EVIL})
    ended = program.run()

    assert 111 == ended.code
    lines = ended.out.splitlines()
    assert [f"1 {program.app}/plug/in.py", "0123456789"] == lines[:2]
    assert "None" == lines.pop()
    for name, line in zip(("evil.py", "evil.pyc", "evil.so", "e.py"), lines[2:], strict=True):
        assert "not covered" in line and name in line


def test_a_loader_by_hand_is_no_way_around(program: Program) -> None:
    """Those of importlib, and what `imp` made of them until Python 3.12."""
    program.files(
        {
            "main.py": "import importlib.machinery as m, importlib.util as u, sys, warnings\n"
            "warnings.simplefilter('ignore')\n"
            "def run(loader): loader.load_module('x')\n"
            "ways = [lambda: run(m.SourceFileLoader('x', 'evil.py')),\n"
            "        lambda: run(m.SourcelessFileLoader('x', 'evil.pyc')),\n"
            "        lambda: run(m.ExtensionFileLoader('x', 'evil.so')),\n"
            "        lambda: run(m.FileFinder('.', (m.SourceFileLoader, ['.py']))"
            ".find_spec('evil').loader)]\n"
            "try: import imp\n"
            "except ImportError: pass\n"
            "else: ways += [lambda: imp.load_source('x', 'evil.py'),\n"
            "        lambda: imp.load_module('evil', *imp.find_module('evil', ['.'])),\n"
            "        lambda: imp.load_compiled('x', 'evil.pyc'),\n"
            "        lambda: imp.load_package('x', 'package')]\n"
            "for way in ways:\n"
            "    try: way()\n"
            "    except (ImportError, OSError) as error: pass\n"
            "    else: print('EVIL', way)\n"
            "run(m.SourceFileLoader('x', 'helper.py'))\n"
            "print(sys.modules['x'].x)\n"
            "sys.dont_write_bytecode = False\n"
            "open('helper.py', 'w').write('print(\"EVIL\")')\n"
            "run(m.SourceFileLoader('x', 'helper.py'))\n",
            "helper.py": "x = 1\n",
        }
    )
    write(
        program.app, {"evil.py": EVIL, "evil.pyc": b"", "evil.so": b"", "package/__init__.py": EVIL}
    )
    evil(program)
    write(program.app, {"helper.py": "x = 1\n"})  # the control wrote to it
    ended = program.run()

    assert (111, "1\n") == ended[:2], ended


def test_an_extension_module_is_judged_by_what_its_spec_loads(program: Program) -> None:
    """Not by the file that its loader was made for."""
    program.files(
        {
            "main.py": "import importlib.machinery as m, os\n"
            "spec = m.ModuleSpec('x', None, origin='evil.so')\n"
            "try: m.ExtensionFileLoader('x', os.__file__).create_module(spec)\n"
            "except ImportError as error: print('not covered' in str(error))\n"
        }
    )
    write(program.app, {"evil.so": b""})
    assert (0, "True\n") == program.run()[:2]


def test_runpy_runs_what_is_covered(program: Program) -> None:
    """Modules by name, files by path; no other file, no folder, no archive."""
    program.files(
        {
            "main.py": "import runpy, sys, os, string\n"
            "runpy.run_module('pack', run_name='__main__')\n"
            "print(runpy.run_path('tool', run_name='named')['x'])\n"
            "print(runpy.run_path(os.path.abspath('tool'))['__file__'])\n"
            "for path in ('evil.py', 'folder', 'evil.zip', 'covered', '/nowhere', '.'):\n"
            "    try: runpy.run_path(path)\n"
            "    except ImportError: print('no', path)\n"
            "for name in ('evil', 'nowhere'):\n"
            "    try: runpy.run_module(name)\n"
            "    except ImportError: print('no', name)\n"
            "print(sys.modules['__main__'].__file__)\n"
            "runpy.run_path(string.__file__)\n"
            "open('tool', 'w').write('print(\"EVIL\")')\n"
            "runpy.run_path('tool')\n",
            "__main__.py": EVIL,
            "pack/__init__.py": "",
            "pack/__main__.py": "print('pack', __name__, __package__)\n",
            "tool": "x = __name__\n",
            "covered/__main__.py": "print('covered')\n",
        }
    )
    write(program.app, {"evil.py": EVIL, "folder/__main__.py": EVIL})
    with zipfile.ZipFile(program.app / "evil.zip", "w") as archive:
        archive.writestr("__main__.py", EVIL)
    ended = program.run()

    assert 111 == ended.code, ended.err
    assert [
        "pack __main__ pack",
        "named",
        f"{program.app}/tool",
        *(f"no {path}" for path in "evil.py folder evil.zip covered /nowhere .".split()),
        *(f"no {name}" for name in "evil nowhere".split()),
        f"{program.app}/main.py",
    ] == ended.out.splitlines(), ended.err


def test_loaders_answer_with_verified_bytes(program: Program) -> None:
    """`get_data` gives what is covered, and nothing else; no loader answers for another module."""
    program.files(
        {
            "main.py": "import a, a.x, os\n"
            "loader = a.__loader__\n"
            "print(loader.get_data(a.__path__[0] + '/data.txt'), loader.is_package('a'))\n"
            "print(a.x.__loader__.is_package('a.x'), loader.get_code('a').co_filename)\n"
            "print(repr(loader.get_source('a')), loader.get_filename('a'), loader.get_filename())\n"
            "for path in ('uncovered.txt', a.__path__[0] + '/uncovered.txt', '/etc/passwd',\n"
            "             a.__path__[0], a.__path__[0] + '/../../x'):\n"
            "    try: loader.get_data(path)\n"
            "    except FileNotFoundError as error: print(error.errno)\n"
            "for call in (loader.get_filename, loader.get_code, loader.get_source):\n"
            "    try: call('other')\n"
            "    except ImportError as error: print(error.name)\n"
            "print(a.__spec__.cached, hasattr(a, '__cached__') and a.__cached__)\n"
            "open('a/data.txt', 'w').write('EVIL')\n"
            "loader.get_data(os.path.abspath('a/data.txt'))\n",
            "a/__init__.py": "'\xe4'",
            "a/x.py": "",
            "a/data.txt": "data",
        }
    )
    write(program.app, {"uncovered.txt": "", "a/uncovered.txt": ""})
    ended = program.run()

    assert 111 == ended.code
    path = f"{program.app}/a/__init__.py"
    assert [
        "b'data' True",
        f"False {path}",
        f"\"'\xe4'\" {path} {path}",
        *["2"] * 5,
        *["other"] * 3,
    ] == ended.out.splitlines()[:-1], ended.err
    assert ended.out.splitlines()[-1] in ("None None", "None False")


# --- extension modules ---------------------------------------------------------------------------


def module(program: Program) -> Path:
    """The file of one that no Python has built in: Debian has most of them."""
    return min(Path(program.python.stdlib[1]).glob("resource.*.so"))  # not that of a debug build


def test_an_extension_module_is_mapped_from_the_bytes_that_were_hashed(program: Program) -> None:
    """One of the standard library's, which a distribution brings under another name."""
    there = module(program)
    data = there.read_bytes()
    program.files(
        {
            "main.py": "import pack.resource as j, sys\n"
            "print(j.__name__, j.__file__, j.__spec__.origin, j.__package__, end=' ')\n"
            "print(j.RUSAGE_SELF)\n"
            "own, name = j.__loader__, 'pack.resource'\n"
            "print(own.is_package(name), own.get_code(name), own.get_source(name),"
            " type(own).__name__)\n"
        }
    )
    name = f"pack/{there.name}"
    program.dist("pack-1.0", {name: data, "pack/data.txt": "x"})
    ended = program.run(changes={"trace": True})

    path = f"{program.site}/{name}"
    assert [
        f"pack.resource {path} {path} pack 0",
        "False None None ExtensionLoader",
    ] == ended.out.splitlines(), ended.err
    assert f"sig: pack.resource {path} " in ended.err
    (program.site / "pack/data.txt").write_text("y")
    assert (111, "") == program.run()[:2]
    (program.site / "pack/data.txt").write_text("x")
    (program.site / name).write_bytes(data + b"!")
    ended = program.run()
    expected = f"error: {path} is not the file that dist/pack-1.0 has\nerror: stopped\n"
    assert (111, "", expected) == ended


def test_an_extension_module_beside_a_covered_source_file_is_not_there(program: Program) -> None:
    """Plain Python would prefer it."""
    there = module(program)
    program.files({"main.py": "import helper\nprint(helper.x)\n", "helper.py": "x = 1\n"})
    write(program.app, {there.name.replace("resource", "helper"): there.read_bytes()})

    assert "PyInit_helper" in program.plain().err
    assert (0, "1\n", "") == program.run()


def test_ctypes_maps_what_is_covered(program: Program) -> None:
    """A library that lies about is none."""
    there = module(program)
    program.files(
        {
            "main.py": "import ctypes, os\n"
            "print(ctypes.CDLL(os.path.abspath('good.so')).PyInit_resource is not None)\n"
            "ctypes.CDLL(None).getpid()\n"
            "try: ctypes.CDLL(os.path.abspath('evil.so'))\n"
            "except OSError as error: print('not covered' in str(error))\n",
            "good.so": there.read_bytes(),
        }
    )
    write(program.app, {"evil.so": there.read_bytes()})

    assert (0, "True\nTrue\n", "") == program.run()


# --- threads and children ------------------------------------------------------------------------


def test_threads_import_at_once(program: Program) -> None:
    """One module, run once; a refusal in one of them ends all."""
    names = [f"m{number}" for number in range(40)]
    program.files(
        {
            "main.py": "import threading, sys\n"
            "sys.setswitchinterval(1e-6)\n"
            f"names = {names!r}\n"
            "def work(k):\n"
            "    for name in names[k:] + names[:k]: __import__(name)\n"
            "threads = [threading.Thread(target=work, args=(k,)) for k in range(0, 40, 4)]\n"
            "for t in threads: t.start()\n"
            "for t in threads: t.join()\n"
            "import counter\nprint(counter.n)\n"
            "open('late.py', 'w').write('EVIL')\n"
            "threading.Thread(target=__import__, args=('late',)).start()\n"
            "threading.Event().wait(30)\n",
            "counter.py": "n = 0\n",
            "late.py": "",
            **{f"{name}.py": "import counter, m0, m39\ncounter.n += 1\n" for name in names},
            "data.txt": "x",
        }
    )
    ended = program.run()
    assert (111, "40\n") == ended[:2], ended.err


def test_a_forked_child_is_guarded_too(program: Program) -> None:
    """It has the finder of its parent, and ends by itself."""
    program.files(
        {
            "main.py": "import os\n"
            "child = os.fork()\n"
            "if not child:\n    import helper\n    os._exit(0)\n"
            "print(os.waitpid(child, 0)[1] >> 8)\n",
            "helper.py": "",
        }
    )
    assert "0\n" == program.run().out
    (program.app / "helper.py").write_text(EVIL)
    ended = program.run()
    assert (0, "111\n") == ended[:2]


def test_multiprocessing_forks(program: Program) -> None:
    """Pools work, and their workers import what is covered."""
    program.files(
        {
            "main.py": "import multiprocessing as m\nimport helper\n"
            "if __name__ == '__main__':\n"
            "    with m.get_context('fork').Pool(2) as pool: print(pool.map(helper.f, [1, 2]))\n",
            "helper.py": "def f(x):\n    import later\n    return x + later.x\n",
            "later.py": "x = 1\n",
        }
    )
    assert (0, "[2, 3]\n", "") == program.run()


def test_what_a_spawned_child_does_with_the_main_script(program: Program) -> None:
    """multiprocessing.spawn runs it by its path as `__mp_main__`: the verified bytes."""
    program.files(
        {
            "main.py": "import sys, os\n"
            "if __name__ == '__main__':\n"
            "    from multiprocessing import spawn\n"
            "    data = spawn.get_preparation_data('x')\n"
            "    print(data['init_main_from_path'])\n"
            "    del sys.modules['__main__'].__file__\n"
            "    spawn._fixup_main_from_path(data['init_main_from_path'])\n"
            "    print(sys.modules['__main__'].__name__, sys.modules['__main__'].__file__)\n"
            "    open('main.py', 'w').write('EVIL')\n"
            "    spawn._fixup_main_from_path(data['init_main_from_path'] + '/../main.py')\n"
            "    spawn.old_main_modules\n"
        }
    )
    ended = program.run()
    path = program.app / "main.py"
    assert [str(path), f"__mp_main__ {path}"] == ended.out.splitlines()[:2]
    assert 111 == ended.code or "is not covered" in ended.err


# --- odd files and names -------------------------------------------------------------------------


def test_packages_and_modules_of_one_name_are_told_apart_as_in_plain_python(
    program: Program,
) -> None:
    """A package before a module; a covered module before an uncovered package."""
    program.files(
        {
            "main.py": "import both, single\nprint(both.x, single.x)\n",
            "both/__init__.py": "x = 'package'\n",
            "both.py": "x = 'module'\n",
            "single.py": "x = 'module'\n",
        }
    )
    plain = program.plain()
    assert (0, "package module\n", "") == program.run() == plain
    write(program.app, {"single/__init__.py": "x = 'EVIL'\n"})
    evil(program)
    assert "package module\n" == program.run().out


def test_names_that_are_not_ascii(program: Program) -> None:
    """As Python normalises identifiers, and as the disk has them."""
    program.files(
        {"main.py": "import gr\xfcn, \u6f22\nprint(gr\xfcn.x + \u6f22.x)\n",
         "gr\xfcn.py": "x = 1\n",
         "\u6f22.py": "x = 2\n"}
    )  # fmt: skip
    assert (0, "3\n", "") == program.run() == program.plain()


def test_a_src_folder_is_searched_and_its_parent_is_not(program: Program) -> None:
    """What a root says is searched, in that order, and nothing else of it."""
    program.files(
        {
            "main.py": "import pack, both\nprint(pack.x, both.x)\nimport setup\n",
            "src/pack/__init__.py": "x = 1\n",
            "src/both.py": "x = 'src'\n",
            "other/both.py": "x = 'other'\n",
            "setup.py": EVIL,
        },
        search=("src", "other"),
    )
    ended = program.run()
    assert "1 src\n" == ended.out
    assert "No module named 'setup'" in ended.err


def test_nothing_is_found_twice_by_two_ways(program: Program) -> None:
    """The script is importable by its own name, as in plain Python: once as itself."""
    program.files({"main.py": "import main, __main__\nprint(main is __main__, main.__name__)\n"})
    assert program.plain() == program.run()
