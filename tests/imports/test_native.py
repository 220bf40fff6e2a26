"""Extension modules and libraries: what is mapped was verified, and nothing is searched for.

Each attack has its control: the same folder under a plain Python, where it works. The libraries are
made by `libraries`: those of the attacker say so on standard output when they are mapped.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sig.imports import native
from tests import wheels
from tests.imports.libraries import COUNTS, MACHINE, extension, library
from tests.soak import SOAK

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not MACHINE, reason="sealed memory and ELF: Linux, x86-64 or aarch64"
)

# A library of every glibc that no Python has mapped at its start.
SYSTEM = "libanl.so.1"
NATIVE = Path(native.__file__)

DRIVER = """
import hashlib, importlib.util, json, os, sys
from importlib import machinery
told = json.loads(sys.argv[1])
site, code = told["site"], told["code"]
sys.path.insert(0, site)

def load():
    spec = importlib.util.spec_from_file_location("native", told["native"])
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found

def read(path):
    path = os.path.abspath(path)
    if path not in told["covered"]:
        return None
    with open(path, "rb") as file:
        data = file.read()
    if hashlib.sha256(data).hexdigest() != told["covered"][path]:
        refuse(111, path + " is different")
    after(path)
    return data

def copy(path, make):
    path = os.path.abspath(path)
    if path not in told["covered"]:
        return None
    with open(path, "rb") as file:
        made = make(file.fileno(), os.fstat(file.fileno()).st_size)
    data = os.pread(made, 1 << 30, 0)
    if hashlib.sha256(data).hexdigest() != told["covered"][path]:
        refuse(111, path + " is different")
    after(path)
    return made

def after(path):
    pass

def refuse(code, message):
    sys.stdout.flush()
    os.write(2, ("error: " + message + "\\n").encode())
    os._exit(code)

def install(native):
    class Loader(machinery.ExtensionFileLoader):
        def create_module(self, spec):
            return native.create(spec, self.path)

        def exec_module(self, module):
            native.execute(module)

    def hook(path):
        if not path.startswith(site):
            raise ImportError
        return machinery.FileFinder(
            path,
            (Loader, machinery.EXTENSION_SUFFIXES),
            (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        )

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    sys.addaudithook(native.audit)

def mapped(word):
    with open("/proc/self/maps") as file:
        return sorted({line.split(None, 5)[5].strip() for line in file if word in line})

if told["guarded"]:
    module = load()
    native = module.Native(read, refuse, copy if told["copy"] else None)
    install(native)
exec(compile(code, "<test>", "exec"))
"""


class Ran:
    """What a program printed, and how it ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout.splitlines()
        self.err = done.stderr

    def __repr__(self) -> str:
        return f"{self.code} {self.out} {self.err}"


class Place:
    """A folder of libraries; some are covered, as a manifest would have them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.covered: dict[str, str] = {}
        self.python = sys.executable
        self.copy = False  # whether bytes are verified in the copy, or before they are copied

    def put(self, name: str, data: bytes | str) -> Path:
        """A covered file."""
        path = self.drop(name, data)
        self.covered[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        return path

    def drop(self, name: str, data: bytes | str) -> Path:
        """A file that nobody signed."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def plain(self, code: str, **more: object) -> Ran:
        """Runs a program without a guard: the control."""
        return self.run(code, guarded=False, **more)

    def run(
        self,
        code: str,
        *,
        guarded: bool = True,
        python: str = sys.executable,
        options: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        limit: int = 0,
    ) -> Ran:
        """Runs a program that loads its libraries through `Native`."""
        told = {
            "site": str(self.path),
            "native": str(NATIVE),
            "covered": self.covered,
            "copy": self.copy,
            "guarded": guarded,
            "code": code,
        }
        words = [python, "-I", "-S", "-B", *options, "-c", DRIVER, json.dumps(told)]
        if limit:
            words = ["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh", *words]
        return Ran(
            subprocess.run(
                words,
                capture_output=True,
                text=True,
                env={**os.environ, **(env or {})},
                cwd=cwd or self.path,
                timeout=60,
            )
        )


@pytest.fixture(params=["read", "copy"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    place = Place(tmp_path / "site")
    place.copy = request.param == "copy"
    return place


def pythons() -> list[str]:
    """The oldest and the newest that it may have to work on; in a soak every one, with this."""
    found = {sys.version_info[1]: sys.executable}
    shelf = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for minor in range(9, 15):
        name = f"python3.{minor}"
        for other in (shutil.which(name), *sorted(shelf.glob(f"*/bin/{name}"))):
            if other is None or minor in found:
                continue
            if not subprocess.run([other, "-c", ""], capture_output=True).returncode:
                found[minor] = str(other)
    if not SOAK:
        found = {minor: found[minor] for minor in {min(found), max(found)}}
    return list(found.values())


PYTHONS = pythons()


def libc() -> str:
    """The C library of this process."""
    with open("/proc/self/maps") as file:
        return next(line.split()[-1] for line in file if "libc.so" in line or "libc-2" in line)


# --- modules -------------------------------------------------------------------------------------


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("options", [(), ("-O",)])
def test_a_module_is_what_it_would_have_been(
    place: Place, python: str, options: tuple[str, ...]
) -> None:
    """One and two phases, in a package, with a library: values, names and places are the same."""
    place.put("pack/__init__.py", "")
    place.put("pack/inner.so", extension("inner", ["libdep.so.1"], calls="dep", runpath="$ORIGIN"))
    place.put("pack/libdep.so.1", library("libdep.so.1", exports={"dep": 7}))
    place.put("old.so", extension("old", single=True, returns=COUNTS))
    code = (
        "import old, pack.inner as inner\n"
        "for one in (old, inner):\n"
        "    spec = one.__spec__\n"
        "    print(one.value(), one.__name__, one.__file__, one.__package__, repr(one))\n"
        "    print(spec.origin, spec.name, spec.has_location, spec.cached)\n"
        "    print(sorted(vars(one)), sorted(sys.modules) if one is old else '')\n".replace(
            "sorted(sys.modules)", "one.__name__ in sys.modules"
        )
    )

    plain, ours = (place.run(code, python=python, options=options, guarded=g) for g in (0, 1))

    assert (0, plain.out) == (ours.code, ours.out), ours
    assert str(place.path / "pack/inner.so") in ours.out[3]


def test_nothing_of_the_folder_is_mapped_and_no_descriptor_stays(place: Place) -> None:
    """What is mapped is sealed memory."""
    place.put("one.so", extension("one", ["libdep.so.1"], calls="dep", runpath="$ORIGIN"))
    place.put("libdep.so.1", library("libdep.so.1", exports={"dep": 7}))
    code = (
        "import _ctypes\nbefore = os.listdir('/proc/self/fd')\nimport one\n"
        "print(one.value(), before == os.listdir('/proc/self/fd'))\n"
        "print(*mapped(site))\nprint(*mapped('memfd'))\n"
        "print([line.split()[1] for line in open('/proc/self/maps') if '[stack]' in line])"
    )

    assert place.plain(code).out[1].split() == [
        str(place.path / "libdep.so.1"),
        str(place.path / "one.so"),
    ]
    assert place.run(code).out == [
        "7 True",
        "",
        "/memfd:libdep.so.1 (deleted) /memfd:needed (deleted) /memfd:one.so (deleted)",
        "['rw-p']",
    ]


@pytest.mark.parametrize("single", [False, True])
def test_a_module_is_mapped_once(place: Place, single: bool) -> None:
    """Imported again, reloaded, or under another path to the same name: one copy, one state."""
    place.put("one.so", extension("one", single=single, returns=COUNTS, says="mapped"))
    code = (
        "import importlib, one\nprint(one.value())\n"
        "print(importlib.reload(one) is one, one.value())\n"
        "del sys.modules['one']\nimport one as again\nprint(again.value(), again.__file__)\n"
        "spec = importlib.util.spec_from_file_location('one', again.__file__)\n"
        "if told['guarded']: spec.loader.create_module = lambda s: native.create(s, s.origin)\n"
        "print(importlib.util.module_from_spec(spec).value(), len(mapped('one.so')))"
    )

    plain, ours = place.plain(code), place.run(code)

    assert (0, plain.out) == (ours.code, ours.out), ours
    assert plain.out[:2] == ["mapped", "1"]


def test_two_modules_of_one_name_are_two(place: Place) -> None:
    """Neither ld.so nor CPython takes one for the other, whatever descriptor they came by."""
    for number in range(20):
        place.put(f"p{number}/__init__.py", "")
        place.put(f"p{number}/same.so", extension("same", single=bool(number % 2), returns=number))
    code = "\n".join(f"import p{n}.same; print(p{n}.same.value())" for n in range(20))

    assert place.run(code).out == [str(number) for number in range(20)]


def test_two_guards_do_not_mix(place: Place) -> None:
    """A second one in the process has its own copies, and the hook of the first lets it."""
    place.put("one.so", extension("one", returns=1, single=True))
    place.put("two/one.so", extension("one", returns=2, single=True))
    code = (
        "import one; print(one.value())\ndel sys.modules['one']\n"
        "other = module.Native(read, refuse)\n"
        "path = site + '/two/one.so'\n"
        "spec = machinery.ModuleSpec('one', None, origin=path)\n"
        "print(other.create(spec, path).value(), spec.origin)"
    )

    assert place.run(code).out == ["1", f"2 {place.path}/two/one.so"]


def test_what_a_module_lacks_is_an_import_error(place: Place) -> None:
    """As CPython says it, with the path of the file."""
    place.put("lacks.so", extension("lacks", calls="nowhere_to_be_found"))
    place.put("other.so", extension("another"))
    code = (
        "for name in ('lacks', 'other', 'lacks', 'other'):\n"
        "    try: __import__(name)\n"
        "    except ImportError as e: print(str(e), e.name, e.path, type(e))\n"
        "print(len(os.listdir('/proc/self/fd')), len(mapped('other.so')))"
    )

    plain, ours = place.plain(code), place.run(code)

    assert plain.out == ours.out
    assert "nowhere_to_be_found" in ours.out[0] and "PyInit_other" in ours.out[1]


def test_threads_share_one_copy(place: Place) -> None:
    """Twenty modules that need one library, imported at once."""
    place.put("libdep.so.1", library("libdep.so.1", says="dep", exports={"dep": COUNTS}))
    for number in range(20):
        place.put(
            f"m{number}.so",
            extension(f"m{number}", ["libdep.so.1"], calls="dep", runpath="$ORIGIN"),
        )
    code = (
        "import threading, time\nfound = []\n"
        "def after(path): time.sleep(0.02)\n"
        "def work(n): found.append(__import__('m%d' % n).value())\n"
        "all = [threading.Thread(target=work, args=(n,)) for n in range(20)]\n"
        "[t.start() for t in all]; [t.join() for t in all]\n"
        "print(sorted(found) == list(range(1, 21)))"
    )

    assert place.run(code).out == ["dep", "True"]


def test_a_refusal_that_is_survived_leaves_nothing_behind(place: Place) -> None:
    """In a host a refusal is an exception: nothing stays open, and others can be loaded."""
    place.put("bad.so", extension("bad", ["libdep.so.1", "libno.so.1"], runpath="$ORIGIN"))
    place.put("libdep.so.1", library("libdep.so.1", says="dep"))
    place.put("one.so", extension("one", ["libdep.so.1"], runpath="$ORIGIN"))
    code = (
        "def refuse(code, message): raise ImportError(message)\n"
        "native._refuse = refuse\nnative.guard()\nbefore = os.listdir('/proc/self/fd')\n"
        "for _ in range(3):\n"
        "    try: import bad\n"
        "    except ImportError as e: print(str(e).split(' ')[1:3])\n"
        "print(before == os.listdir('/proc/self/fd'), flush=True)\nimport one; print(one.value())"
    )

    assert place.run(code).out == ["['needs', 'libno.so.1,']"] * 3 + ["True", "dep", "42"]


def test_a_child_can_load_whatever_its_parent_was_loading(place: Place) -> None:
    """A thread that is not in the child does not hold its locks."""
    place.put("one.so", extension("one"))
    place.put("two.so", extension("two", returns=2))
    code = (
        "import threading, time, warnings\nwarnings.simplefilter('ignore')\n"
        "inside, go = threading.Event(), threading.Event()\n"
        "def after(path):\n"
        "    if 'one' in path: inside.set(); go.wait(30)\n"
        "thread = threading.Thread(target=__import__, args=('one',))\n"
        "thread.start(); inside.wait(30)\n"
        "if not os.fork():\n"
        "    import two; os._exit(two.value())\n"
        "status = os.wait()[1]; go.set(); thread.join()\n"
        "print(os.WEXITSTATUS(status))"
    )

    assert place.run(code).out == ["2"]


# --- what is mapped is what was verified ---------------------------------------------------------


SWAP = "import os; os.replace(site + '/evil', site + '/one.so')"


def test_a_file_that_is_swapped_after_the_check_is_not_mapped(place: Place) -> None:
    """The bytes that were hashed are the bytes that run."""
    place.put("one.so", extension("one", returns=1))
    place.drop("evil", extension("one", says="evil", returns=666))
    check = "hashlib.sha256(open(site + '/one.so', 'rb').read()).hexdigest()"
    control = f"assert {check} in told['covered'].values()\n{SWAP}\nimport one; print(one.value())"
    code = f"def after(path):\n    {SWAP}\nimport one; print(one.value())"

    assert place.plain(control).out == ["evil", "666"]
    place.put("one.so", extension("one", returns=1))
    place.drop("evil", extension("one", says="evil", returns=666))
    assert place.run(code).out == ["1"]
    assert place.run("import one").code == 111


# What is called with the name of a copy, once, when ld.so is about to map it.
MAPPED = (
    "import _imp\n"
    "_open, _create, met = native._open, _imp.create_dynamic, []\n"
    "def once(name):\n"
    "    if name and '/proc' in name and not met: met.append(name); mapped(name)\n"
    "def open_(name, mode): once(name); return _open(name, mode)\n"
    "def create_(spec, *_): once(spec.origin); return _create(spec)\n"
    "native._open, _imp.create_dynamic = open_, create_\nimport one"
)


@pytest.fixture(params=["by CPython", "by us"])
def module(request: pytest.FixtureRequest, place: Place) -> Callable[..., Place]:
    """Puts an extension module there that CPython maps itself (N8), or that needs a library."""

    def put(**how: Any) -> Place:
        if request.param == "by us":
            place.put("libdep.so.1", library("libdep.so.1"))
            place.put("one.so", extension("one", ["libdep.so.1"], runpath="$ORIGIN", **how))
        else:
            place.put("one.so", extension("one", **how))
        return place

    return put


def test_the_copy_is_sealed_and_compared(place: Place, module: Callable[..., Place]) -> None:
    """Another process of the user can open the descriptor of the copy: too late, or noticed."""
    module(returns=1, says="mapped")
    late = (
        "def mapped(name):\n"
        "    for way in (lambda f: os.pwrite(f, b'x', 0), lambda f: os.ftruncate(f, 0),\n"
        "                lambda f: os.ftruncate(f, 1 << 20)):\n"
        "        try: way(os.open(name, os.O_RDWR)); print('written', flush=True)\n"
        "        except PermissionError: print('sealed', flush=True)\n"
    ) + MAPPED
    early = (
        "write = os.write\n"
        "def changed(f, data):\n"
        "    done = write(f, data)\n"
        "    if f > 2: os.pwrite(f, {0}, {1})\n"
        "    return done\n"
        "os.write = changed\nimport one"
    )

    assert place.run(late).out == ["sealed"] * 3 + ["mapped"]
    for at in ("0x2001", "len(data)", "len(data) - 1"):
        ran = place.run(early.format(r"b'\xcc'", at))
        assert (111 if place.copy else 114, []) == (ran.code, ran.out), ran
        if not place.copy:
            assert "error: the copy of one.so was changed by another process\n" == ran.err


def test_a_module_that_needs_no_library_of_ours_does_without_ctypes(place: Place) -> None:
    """It costs a start; and a library of the system still is named by its path (N8)."""
    place.put("one.so", extension("one", returns=1))
    place.put("two.so", extension("two", ["libutil.so.1", "libc.so.6"], returns=2))
    place.put("libdep.so.1", library("libdep.so.1"))
    place.put("three.so", extension("three", ["libdep.so.1"], runpath="$ORIGIN", returns=3))
    code = (
        "import one, two; print(one.value(), two.value(), '_ctypes' in sys.modules)\n"
        "import three; print(three.value(), '_ctypes' in sys.modules)\n"
        "for name in 'one', 'two', 'three': del sys.modules[name]\n"
        "import one, two, three; print(one.value(), two.value(), three.value())"
    )

    ran = place.run(code)

    assert ran.out == ["1 2 False", "3 True", "1 2 3"], ran


def test_a_module_that_fails_to_begin_stays_mapped(place: Place) -> None:
    """Whatever it raises: what was mapped is not mapped once more (N6)."""
    place.put("one.so", extension("one", returns=1, says="mapped"))
    code = (
        "import _imp\nplain = _imp.create_dynamic\n"
        "def fails(spec, *_):\n"
        "    found = plain(spec)\n"
        "    if '/proc' not in spec.origin: return found\n"
        "    raise kind('it does not begin')\n"
        "for kind in ValueError, KeyboardInterrupt, ImportError:\n"
        "    _imp.create_dynamic = fails\n"
        "    try: import one\n"
        "    except BaseException as error: print(type(error).__name__, flush=True)\n"
        "_imp.create_dynamic = plain\n"
        "import one\nprint(len(mapped('one.so')), native._under_way)"
    )

    ran = place.run(code)

    assert ran.out == ["mapped", "ValueError", "KeyboardInterrupt", "ImportError", "1 {}"], ran


def test_a_module_that_needs_the_loader_itself_does_not_get_a_second_one(place: Place) -> None:
    """It is mapped by the kernel, and ld.so would not know it again by its path."""
    loader = {62: "ld-linux-x86-64.so.2", 183: "ld-linux-aarch64.so.1"}[MACHINE]
    place.put("one.so", extension("one", [loader], returns=1))
    code = (
        "import one; print(one.value())\n"
        f"maps = [line for line in open('/proc/self/maps') if {loader!r} in line]\n"
        "print(len([line for line in maps if 'x' in line.split()[1]]))"
    )

    assert place.run(code).out == ["1", "1"]


def test_threads_that_load_one_file_get_one_copy(place: Place) -> None:
    """The second one waits for nothing, and neither closes what the other still needs (N6)."""
    place.put("one.so", extension("one", single=True, returns=1))
    code = (
        "import _imp, glob, threading\n"
        "create, seen, both = _imp.create_dynamic, [], threading.Barrier(2)\n"
        "def create_(spec, *_):\n"
        "    if '/proc' not in spec.origin: return create(spec)\n"
        "    seen.append(spec.origin); both.wait(30); return create(spec)\n"
        "_imp.create_dynamic = create_\n"
        "def load():\n"
        "    spec = machinery.ModuleSpec('one', None, origin=site + '/one.so')\n"
        "    values.append(native.create(spec, site + '/one.so').value())\n"
        "import fcntl\nvalues = []\n"
        "threads = [threading.Thread(target=load) for _ in range(2)]\n"
        "for one in threads: one.start()\n"
        "for one in threads: one.join()\n"
        "left = [f for f in map(os.path.realpath, glob.glob('/proc/self/fd/*')) if 'memfd' in f]\n"
        "print(values, len(set(seen)), left, native._under_way)"
    )

    assert place.run(code).out == ["[1, 1] 1 [] {}"]


def test_a_number_of_a_descriptor_that_comes_again_is_no_other_library(place: Place) -> None:
    """What was loaded by the path of a descriptor is taken for what lies there now: not ours."""
    place.put("one.so", extension("one", returns=1, single=True))
    place.put("two.so", extension("two", returns=2, single=True))
    naive = (
        "def naive(name):\n"
        "    with open(site + '/' + name + '.so', 'rb') as file: data = file.read()\n"
        "    f = os.memfd_create('x'); os.write(f, data)\n"
        "    spec = machinery.ModuleSpec(name, None, origin='/proc/self/fd/%d' % f)\n"
        "    try: return __import__('_imp').create_dynamic(spec).value()\n"
        "    finally: os.close(f)\n"
        "print(naive('one'))\nprint(naive('two'))"
    )
    code = (
        "import one; print(one.value())\nos.closerange(3, 1 << 16)\n"
        "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(40)]\n"
        "import two; print(two.value())\ndel sys.modules['one']\n"
        "import one; print(one.value(), one.__file__)"
    )

    assert "PyInit_two" in place.plain(naive).err, "taken for the first"
    assert place.run(code).out == ["1", "2", f"1 {place.path}/one.so"]


UPLOADS = "for _ in range(64): os.open(evil, os.O_RDONLY)"


@pytest.mark.parametrize("how, out", [(UPLOADS, []), ("os.dup2(os.open(evil, 0), f)", ["evil"])])
def test_descriptors_that_are_closed_during_a_load_stop_it(
    place: Place, module: Callable[..., Place], how: str, out: list[str]
) -> None:
    """Another thread closes all and opens its uploads meanwhile: they do not get our number. Who
    aims at it is noticed, too late."""
    module(says="mapped", returns=1)
    evil = place.drop("upload", extension("one", says="evil", returns=666))
    code = (
        f"evil = {str(evil)!r}\n"
        "def mapped(name):\n"
        "    f = int(name.rsplit('/')[-1]); os.close(f)\n"
        f"    {how}\n"
    ) + MAPPED

    ran = place.run(code)

    assert (114, out) == (ran.code, ran.out), ran


def test_few_descriptors_are_enough(place: Place) -> None:
    """And where there are none, it says so."""
    place.put("libdep.so.1", library("libdep.so.1", exports={"dep": 7}))
    place.put("one.so", extension("one", ["libdep.so.1"], calls="dep", runpath="$ORIGIN"))
    none = (
        "import _ctypes\nnative.guard()\nkept = []\n"
        "native._read = {path: open(path, 'rb').read() for path in told['covered']}.get\n"
        "native._copy = None\n"
        "try:\n    while True: kept.append(os.dup(1))\nexcept OSError: os.close(kept.pop())\n"
        "import one"
    )

    assert place.run("import one; print(one.value())", limit=12).out == ["7"]
    ran = place.run(none, limit=64)
    assert (114, []) == (ran.code, ran.out)
    assert ran.err.startswith("error: no sealed memory for libdep.so.1: Too many open files"), ran


@pytest.mark.parametrize(
    "how, why",
    [
        ("def memfd_create(*_): raise OSError(38, '')", "Function not implemented"),
        ("def memfd_create(*_): raise OSError(1, '')", "Operation not permitted"),
        ("memfd_create = None; del os.memfd_create", "this Python has no memfd_create"),
    ],
)
def test_without_sealed_memory_nothing_is_loaded(place: Place, how: str, why: str) -> None:
    """The error of the system, in one sentence; never the file by its path instead."""
    place.put("one.so", extension("one", says="mapped"))
    tail = "os.memfd_create = memfd_create\n" if "def" in how else ""

    ran = place.run(f"{how}\n{tail}import one")

    assert (114, []) == (ran.code, ran.out)
    assert ran.err.startswith(f"error: no sealed memory for one.so: {why}"), ran
    assert 1 == ran.err.count("\n")


@pytest.mark.parametrize(
    "why", ["failed to map segment from shared object", "cannot open shared object file"]
)
def test_memory_that_cannot_be_mapped_is_no_import_error(
    place: Place, module: Callable[..., Place], why: str
) -> None:
    """A program would take the module for one that is not installed."""
    module()
    code = (
        "import _imp, fcntl\nnative.guard(); real = native._real\n"
        "def fails(name, mode):\n"
        f"    if name and '/proc' in name: raise OSError(name + ': {why}')\n"
        "    return real(name, mode)\n"
        "create_dynamic = _imp.create_dynamic\n"
        "def create(spec, *_):\n"
        f"    if '/fd/' in spec.origin: raise ImportError(spec.origin + ': {why}')\n"
        "    return create_dynamic(spec)\n"
        "native._real, _imp.create_dynamic = fails, create\nimport one"
    )

    ran = place.run(code)

    assert 114 == ran.code, ran
    assert ran.err.startswith(f"error: {place.path}/one.so cannot be mapped from memory: "), ran


def test_an_older_linux_is_not_asked_for_more_than_it_has(place: Place) -> None:
    """MFD_NOEXEC_SEAL came with 6.3; without it the copy is as good."""
    place.put("one.so", extension("one", returns=5))
    code = (
        "create = os.memfd_create\n"
        "def older(name, flags):\n"
        "    print(flags)\n"
        "    if flags & 8: raise OSError(22, '')\n"
        "    return create(name, flags)\n"
        "os.memfd_create = older\nimport one; print(one.value())"
    )

    assert place.run(code).out == ["11", "3", "5"]


@pytest.mark.parametrize("value", [1, 2])
def test_it_works_where_memory_may_not_be_executable(place: Place, value: int) -> None:
    """vm.memfd_noexec forbids to start programs from such memory, not to map libraries."""
    place.put("one.so", extension("one", returns=5))
    shell = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "sh", "-c"]
    knob = f"echo {value} >/proc/sys/vm/memfd_noexec"
    if shutil.which("unshare") is None or subprocess.run([*shell, knob]).returncode:
        pytest.skip("vm.memfd_noexec cannot be set for a few processes only")
    told = {
        "site": str(place.path), "native": str(NATIVE), "covered": place.covered,
        "copy": place.copy, "guarded": True, "code": "import one; print(one.value())",
    }  # fmt: skip
    words = [sys.executable, "-I", "-S", "-c", DRIVER, json.dumps(told)]

    ran = subprocess.run(
        [*shell, f'{knob} && exec "$@"', "sh", *words], capture_output=True, text=True
    )

    assert (0, "5\n") == (ran.returncode, ran.stdout), ran.stderr


# --- ld.so searches for nothing ------------------------------------------------------------------


def test_a_dropped_library_of_a_system_name_is_not_taken(place: Place) -> None:
    """ld.so looks into RUNPATH before it looks at the system."""
    place.put("one.so", extension("one", [SYSTEM], runpath="$ORIGIN/libs"))
    evil = place.drop(f"libs/{SYSTEM}", library(SYSTEM, says="evil"))
    code = f"import one; print(one.value())\nprint({str(evil)!r} in mapped({SYSTEM!r}))"

    assert place.plain(code).out == ["evil", "42", "True"]
    assert place.run(code).out == ["42", "False"]


@pytest.mark.parametrize("where", ["LD_LIBRARY_PATH", "hwcaps", "absolute", "rpath"])
def test_folders_that_ld_so_would_search_decide_nothing(
    place: Place, tmp_path: Path, where: str
) -> None:
    """Neither those of the environment, nor of the processor, nor of the machine of the build."""
    libs = str(tmp_path / "build")
    runpath = {"absolute": libs, "hwcaps": "$ORIGIN"}.get(where)
    rpath = libs if where == "rpath" else None
    needed = ["libdep.so.1", SYSTEM] if where == "hwcaps" else [SYSTEM]
    place.put("one.so", extension("one", needed, runpath=runpath, rpath=rpath))
    place.put("libdep.so.1", library("libdep.so.1", says="ours"))
    for name in ("libdep.so.1", SYSTEM):
        for level in (2, 3, 4):
            at = f"glibc-hwcaps/x86-64-v{level}/{name}"
            place.drop(at, library(name, says=f"evil {name}"))
        place.drop(f"../build/{name}", library(name, says=f"evil {name}"))
    env = {"LD_LIBRARY_PATH": libs} if where == "LD_LIBRARY_PATH" else {}
    code = "import one; print(one.value())"

    if where != "hwcaps" or os.uname().machine == "x86_64":
        assert f"evil {SYSTEM}" in place.plain(code, env=env).out
    assert place.run(code, env=env).out == ["ours", "42"][where != "hwcaps" :]


@pytest.mark.parametrize("runpath", [".", "libs:", "libs", ":$ORIGIN/nothing", "./libs"])
def test_a_relative_runpath_is_nowhere(place: Place, runpath: str) -> None:
    """Not the folder that the program is started in."""
    place.put("one.so", extension("one", ["libdep.so.1"], runpath=runpath))
    for folder in ("", "libs/"):
        place.put(f"{folder}libdep.so.1", library("libdep.so.1", says="mapped"))

    assert place.plain("import one; print(one.value())").out == ["mapped", "42"]
    ran = place.run("import one")
    assert (114, []) == (ran.code, ran.out)


def test_a_library_that_nobody_signed_does_not_exist(place: Place) -> None:
    """One that is needed is named."""
    one = place.put("one.so", extension("one", ["libdep.so.1"], runpath="$ORIGIN"))
    place.drop("libdep.so.1", library("libdep.so.1", says="evil"))

    assert place.plain("import one").out == ["evil"]
    ran = place.run("import one")
    assert (114, []) == (ran.code, ran.out)
    assert (
        f"error: {one} needs libdep.so.1, which is neither covered nor of the system\n" == ran.err
    )


def test_a_library_that_was_changed_stops_it(place: Place) -> None:
    """As a module that was changed would."""
    place.put("one.so", extension("one", ["libdep.so.1"], runpath="$ORIGIN"))
    place.put("libdep.so.1", library("libdep.so.1", says="good"))
    place.drop("libdep.so.1", library("libdep.so.1", says="evil"))

    assert place.plain("import one").out == ["evil"]
    ran = place.run("import one")
    assert (111, []) == (ran.code, ran.out)


@pytest.mark.parametrize(
    "needed, soname, why",
    [
        ("libdep.so.1", "libother.so.1", "calls itself libother.so.1, not libdep.so.1"),
        ("libdep.so.1", "", "calls itself nothing, not libdep.so.1"),
        ("./libdep.so.1", "libdep.so.1", "needs ./libdep.so.1 by its path"),
        ("$ORIGIN/libdep.so.1", "libdep.so.1", "needs $ORIGIN/libdep.so.1 by its path"),
    ],
)
def test_a_library_of_another_name_is_refused(
    place: Place, needed: str, soname: str, why: str
) -> None:
    """ld.so would not know it, and would search."""
    place.put("one.so", extension("one", [needed], runpath="$ORIGIN"))
    place.put("libdep.so.1", library(soname, says="mapped"))

    assert place.plain("import one").out == ["mapped"]
    ran = place.run("import one")
    assert (114, []) == (ran.code, ran.out)
    assert ran.err.endswith(f" {why}\n"), ran


def test_a_filter_is_refused(place: Place) -> None:
    """ld.so would search for the library that it stands before."""
    data = library("libdep.so.1", ["libevil.so.1"], runpath="$ORIGIN")
    # The entry of NEEDED becomes one of AUXILIARY.
    start = data.index((1).to_bytes(8, "little"), 0x3000)
    data = data[:start] + (0x7FFFFFFD).to_bytes(8, "little") + data[start + 8 :]
    place.put("libdep.so.1", data)
    place.put("one.so", extension("one", ["libdep.so.1"], runpath="$ORIGIN"))
    place.drop("libevil.so.1", library("libevil.so.1", says="evil"))

    assert place.plain("import one").out == ["evil"]
    ran = place.run("import one")
    assert (114, []) == (ran.code, ran.out)
    assert "is a filter of another library" in ran.err


# --- as ld.so would have done it -----------------------------------------------------------------


def same(place: Place, code: str) -> list[str]:
    """What a program prints, with and without the guard."""
    plain, ours = place.plain(code), place.run(code)
    assert (0, plain.out) == (ours.code, ours.out), (plain, ours)
    return ours.out


@pytest.mark.parametrize("tag", ["rpath", "runpath"])
def test_a_library_is_found_beside_the_one_that_needs_it(place: Place, tag: str) -> None:
    """$ORIGIN is the folder of the covered file, not of its copy. Only an RPATH is inherited."""
    paths = "/nowhere:${ORIGIN}/../libs:$ORIGIN/more"
    needed = ["liba.so.1"] if tag == "rpath" else ["liba.so.1", "libb.so.1"]
    place.put("pack/__init__.py", "")
    place.put("pack/one.so", extension("one", needed, calls="a", **{tag: paths}))
    place.put("libs/liba.so.1", library("liba.so.1", ["libb.so.1"], exports={"a": "b"}))
    place.put("pack/more/libb.so.1", library("libb.so.1", exports={"b": 7}))

    assert ["7"] == same(place, "import pack.one; print(pack.one.value())")


LIBS = "$ORIGIN/libs"


@pytest.mark.parametrize(
    "rpath, runpath, own",
    [(None, LIBS, None), (LIBS, LIBS, None), (LIBS, None, "$ORIGIN/nothing")],
)
def test_a_runpath_is_not_inherited(
    place: Place, rpath: str | None, runpath: str | None, own: str | None
) -> None:
    """What a library needs is not searched for in the folders of who needs the library; nor is an
    RPATH beside a RUNPATH anything, on either side."""
    needs = ["liba.so.1"]
    place.put("one.so", extension("one", needs, calls="a", rpath=rpath, runpath=runpath))
    data = library("liba.so.1", ["libb.so.1"], exports={"a": "b"}, runpath=own)
    place.put("libs/liba.so.1", data)
    place.put("libs/libb.so.1", library("libb.so.1", exports={"b": 7}))

    assert "libb.so.1: cannot open" in place.plain("import one").err
    assert "liba.so.1 needs libb.so.1, which is neither" in place.run("import one").err


def test_constructors_run_in_the_order_of_ld_so(place: Place) -> None:
    """What is needed comes first; the same for a diamond and for what two modules share."""
    graph = {"a": "cd", "b": "de", "c": "f", "d": "f", "e": "", "f": ""}
    for name, needed in graph.items():
        soname = f"lib{name}.so.1"
        needs = [f"lib{one}.so.1" for one in needed]
        place.put(soname, library(soname, needs, says=name, runpath="$ORIGIN"))
    needs = ["liba.so.1", SYSTEM, "libb.so.1"]
    place.put("one.so", extension("one", needs, says="one", runpath="$ORIGIN"))
    place.put("two.so", extension("two", ["libe.so.1", "liba.so.1"], says="two", rpath="$ORIGIN"))

    assert sorted(same(place, "import one, two")) == [*"abcdef", "one", "two"]
    same(place, "import two, one")


def test_libraries_may_need_each_other(place: Place) -> None:
    """A cycle is mapped in one breath."""
    place.put("liba.so.1", library("liba.so.1", ["libb.so.1"], runpath="$ORIGIN", says="a",
                                   exports={"a": "b", "a2": 3}))  # fmt: skip
    place.put("libb.so.1", library("libb.so.1", ["liba.so.1"], runpath="$ORIGIN", says="b",
                                   exports={"b": "a2"}))  # fmt: skip
    place.put("one.so", extension("one", ["liba.so.1"], calls="a", runpath="$ORIGIN"))

    assert same(place, "import one; print(one.value())")[-1] == "3"


def test_a_library_may_lack_what_its_sibling_has(place: Place) -> None:
    """A symbol is looked up in all that came together, in ld.so's order."""
    place.put("liba.so.1", library("liba.so.1", exports={"a": "b"}))
    place.put("libb.so.1", library("libb.so.1", exports={"b": 1}))
    place.put("libc1.so.1", library("libc1.so.1", exports={"b": 2}))
    needs = ["liba.so.1", "libb.so.1", "libc1.so.1"]
    place.put("one.so", extension("one", needs, calls="a", runpath="$ORIGIN"))
    place.put("two.so", extension("two", needs[:1] + needs[:0:-1], calls="a", runpath="$ORIGIN"))

    assert ["1"] == same(place, "import one; print(one.value())")
    assert ["2"] == same(place, "import two; print(two.value())")


@pytest.mark.parametrize("flags", ["os.RTLD_NOW", "os.RTLD_NOW | os.RTLD_GLOBAL"])
def test_symbols_are_local_unless_the_program_says_otherwise(place: Place, flags: str) -> None:
    """sys.setdlopenflags means what it meant."""
    place.put("liba.so.1", library("liba.so.1", exports={"a": 5}))
    place.put("one.so", extension("one", ["liba.so.1"], calls="a", runpath="$ORIGIN"))
    place.put("two.so", extension("two", calls="a"))
    code = (
        f"sys.setdlopenflags({flags})\nimport one\n"
        "try:\n    import two; print(two.value())\nexcept ImportError as e: print(e)"
    )

    assert ("5" in same(place, code)) == ("GLOBAL" in flags)


def test_what_is_mapped_already_is_not_mapped_again(place: Place) -> None:
    """A name that the system's library has since the start, or another module brought."""
    place.put("libc.so.6", library("libc.so.6", says="never"))
    place.put("one.so", extension("one", ["libc.so.6"], runpath="$ORIGIN"))

    assert ["42"] == same(place, "import one; print(one.value())")


def test_a_covered_library_stands_before_one_of_the_system(place: Place) -> None:
    """As its RUNPATH says; whoever made the wheel meant that one."""
    place.put(SYSTEM, library(SYSTEM, says="mine"))
    place.put("one.so", extension("one", [SYSTEM], runpath="$ORIGIN"))

    assert ["mine", "42"] == same(place, "import one; print(one.value())")


# --- ctypes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("python", PYTHONS)
def test_ctypes_gets_copies_of_covered_libraries(place: Place, python: str) -> None:
    """By an absolute path, by one that is relative to the current folder, with what they need."""
    place.put("libs/libb.so.1", library("libb.so.1", exports={"b": 7}))
    needs = ["libb.so.1"]
    liba = place.put("libs/liba.so.1", library("liba.so.1", needs, runpath="$ORIGIN",
                                              exports={"a": "b"}))  # fmt: skip
    code = (
        "import ctypes, ctypes.util\n"
        f"print(ctypes.CDLL({str(liba)!r}).a())\n"
        "print(ctypes.CDLL('libs/liba.so.1').a(), ctypes.cdll['libs/../libs/liba.so.1'].a())\n"
        "print(ctypes.CDLL('liba.so.1').a())\n"
        "print(ctypes.pythonapi.Py_IsInitialized(), bool(ctypes.CDLL(None).getpid()))\n"
        "print(ctypes.CDLL('libc.so.6').getpid() == os.getpid())\n"
        f"print(ctypes.CDLL({SYSTEM!r})._name)\n"
    )

    plain, ours = (place.run(code, python=python, guarded=g) for g in (False, True))

    assert (0, plain.out) == (ours.code, ours.out), ours
    assert ours.out[:2] == ["7", "7 7"]
    assert place.run(code + "print(*mapped(site))", python=python).out[-1] == ""


def test_ctypes_does_not_get_what_nobody_signed(place: Place) -> None:
    """It does not exist: OSError, as programs expect it of a library that is not there."""
    evil = place.drop("libevil.so", library("libevil.so", says="evil"))
    place.drop(SYSTEM, library(SYSTEM, says="evil too"))
    code = (
        "import ctypes\n"
        f"for name in ({str(evil)!r}, './libevil.so', 'libevil.so'):\n"
        "    try: ctypes.CDLL(name)\n"
        "    except OSError as e: print(e)\n"
        f"ctypes.CDLL({SYSTEM!r})"
    )
    env = {"LD_LIBRARY_PATH": str(place.path)}

    assert place.plain(code, env=env).out[::2] == ["evil", "evil too"][:1] or True
    assert {"evil", "evil too"} <= set(place.plain(code, env=env).out)
    assert place.run(code, env=env).out == [
        f"{name}: not covered, and no library of the system"
        for name in (evil, "./libevil.so", "libevil.so")
    ]


@pytest.mark.parametrize("first", ["", "import ctypes\n", "import _ctypes\n"])
def test_who_comes_past_the_replacement_meets_the_hook(place: Place, first: str) -> None:
    """The function of CPython itself would open the file by its path: refused, covered or not."""
    place.put("libgood.so", library("libgood.so", says="good"))
    evil = place.drop("libevil.so", library("libevil.so", says="evil"))
    code = (
        f"{first}import ctypes, _ctypes\n"
        "real = native._real if told['guarded'] else _ctypes.dlopen\n"
        f"for name in ({str(evil)!r}, site + '/libgood.so', b'./libevil.so', site + '/link'):\n"
        "    try: real(name, 2)\n"
        "    except OSError as e: print('no')\n"
        f"real({SYSTEM!r}, 2); real(native._default('libm.so.6'), 2) if told['guarded'] else 0\n"
        "real(None, 2); real('', 2); real('libc.so.6', 2)\n"
        "print(*mapped(site))"
    )

    (place.path / "link").symlink_to(os.path.realpath(libc()))
    place.drop(f"env/{SYSTEM}", library(SYSTEM, says="evil too"))
    env = {"LD_LIBRARY_PATH": str(place.path / "env")}

    assert place.plain(code, env=env).out[:3] == ["evil", "good", "evil too"]
    assert place.run(code, env=env).out == ["no"] * 4 + [""]


def test_a_library_of_ctypes_is_there_for_modules_too(place: Place) -> None:
    """Packages map their libraries first, and their modules need them by name."""
    liba = place.put("far/liba.so.1", library("liba.so.1", exports={"a": 5}, says="a"))
    place.put("one.so", extension("one", ["liba.so.1"], calls="a"))
    place.put("two.so", extension("two", calls="a"))
    code = (
        f"import ctypes\nctypes.CDLL({str(liba)!r}, ctypes.RTLD_GLOBAL)\n"
        "import one, two; print(one.value(), two.value())"
    )

    assert ["a", "5 5"] == same(place, code)


# --- the system ----------------------------------------------------------------------------------


def test_only_what_root_alone_may_change_is_a_system_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below /usr or /lib, not /usr/local, all the way; where it lies decides, not its name."""
    real = os.path.realpath(libc())
    link, copy = tmp_path / "link", tmp_path / "copy"
    link.symlink_to(real)
    shutil.copy(real, copy)
    lstat = os.lstat

    def seen(path: str = "", mode: int = 0, owner: int = 0, name: str | Path = link) -> str | None:
        def changed(each: str | Path) -> os.stat_result:
            made_up = os.path.basename(each) == "libmade.so.1"
            found = list(lstat(real if made_up else each))
            if os.fspath(each) == path:
                found[0] |= mode
                found[4] = owner
            return os.stat_result(found)

        monkeypatch.setattr(native, "_roots", {})
        with monkeypatch.context() as patch:
            patch.setattr(os, "lstat", changed)
            return native._system(str(name))

    assert seen() == real
    assert None is seen(name=copy)
    assert None is seen(name="/usr/lib")
    assert "/usr/lib/libmade.so.1" == seen(name="/usr/lib/libmade.so.1")
    assert None is seen(name="/usr/local/lib/libmade.so.1")
    for folder in (real, os.path.dirname(real), "/usr", "/"):
        assert None is seen(folder, owner=1000)
        assert None is seen(folder, mode=0o020)
        assert None is seen(folder, mode=0o002)


def raising(code: int, message: str) -> NoReturn:
    raise ImportError(f"{code} {message}")


def test_a_system_file_is_of_this_machine_and_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of other machines are passed by; a link of another name would make ld.so search."""
    real = os.path.realpath(libc())
    guard = native.Native(lambda path: None, raising)

    assert real == guard._suits(libc(), "libc.so.6")
    with pytest.raises(ImportError, match="114 .* calls itself libc.so.6, not libx.so.1"):
        guard._suits(libc(), "libx.so.1")
    guard._machine = 62 + 183 - MACHINE
    assert None is guard._suits(libc(), "libc.so.6")


def test_a_runpath_may_name_a_folder_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """What root has put there is found; other folders are asked for covered files only."""
    asked: list[str] = []
    suited: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return data if path == "/site/one.so" else None

    data = library(needed=["libx.so.1"], runpath="/opt/x:/usr/lib/private")
    guard = native.Native(read, raising)

    def suits(self: native.Native, path: str, name: str) -> str | None:
        suited.append(path)
        return path

    monkeypatch.setattr(native.Native, "_suits", suits)
    monkeypatch.setattr(native.Native, "_mapped", lambda self, name: False)
    group = native._Group(guard)
    try:
        group.add("/site/one.so", None)
        group.complete()
    finally:
        group.close()

    assert asked[1:] == ["/opt/x/libx.so.1", "/usr/lib/private/libx.so.1"]
    assert suited == group.spelled[1:] == ["/usr/lib/private/libx.so.1"]


def test_an_extension_module_of_the_system_is_loaded_where_it_lies(place: Place) -> None:
    """Packages of the system have some; what is neither that nor covered is none."""
    evil = place.drop("evil.so", extension("evil", says="evil"))
    code = (
        "import glob, sysconfig\n"
        "path = sorted(glob.glob(sysconfig.get_path('platstdlib') + '/lib-dynload/_q*.so'))[0]\n"
        "name = os.path.basename(path).split('.')[0]\n"
        "made = native.create(machinery.ModuleSpec(name, None, origin=path), path)\n"
        "native.execute(made); print(made.__name__ == name, *mapped('memfd'))\n"
        "import evil"
    )

    assert place.plain("import evil").out == ["evil"]
    ran = place.run(code, python=wheels.system())
    assert (114, ["True"]) == (ran.code, ran.out), ran
    assert f"error: {evil} is not covered\n" == ran.err


def test_the_folders_of_ldconfig_are_read(tmp_path: Path) -> None:
    """Files that are included, comments, and nonsense without an end."""
    conf = tmp_path / "ld.so.conf"
    conf.write_text("include conf.d/*.conf\n# /no\n/one # comment\nhwcap 0 x\ninclude ld.so.conf\n")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/b.conf").write_text("/three\n")
    (tmp_path / "conf.d/a.conf").write_text("  /two\t\n\nrelative\n")
    (tmp_path / "conf.d/.c.conf").write_text("/never\n")

    found = list(native._listed(str(conf), 0))

    assert ["/two", "/three", "/one"] == list(dict.fromkeys(found))


# --- ELF -----------------------------------------------------------------------------------------


def parsed(data: bytes) -> native._Elf:
    descriptor = os.memfd_create("parsed")
    try:
        os.write(descriptor, data)
        return native._Elf(descriptor)
    finally:
        os.close(descriptor)


def test_what_is_read_is_what_was_written() -> None:
    """Names and folders of a library."""
    elf = parsed(library("libx.so.1", ["a.so", "b.so"], rpath="/r", runpath="$ORIGIN:/x"))

    assert ("libx.so.1", ["a.so", "b.so"]) == (elf.soname, elf.needed)
    assert ("/r", "$ORIGIN:/x", MACHINE) == (elf.rpath, elf.runpath, elf.machine)


def test_libraries_of_this_machine_are_understood() -> None:
    """Every extension module of this Python and what it has mapped."""
    with open("/proc/self/maps") as file:
        found = {line.split(None, 5)[-1].strip() for line in file if ".so" in line}
    found |= set(map(str, Path(os.__file__).parent.joinpath("lib-dynload").glob("*.so")))
    for path in found:
        if os.path.exists(path):
            data = Path(path).read_bytes()
            if data[:4] == b"\x7fELF":
                parsed(data)


def put(data: bytes, at: int, value: int, size: int = 8) -> bytes:
    return data[:at] + value.to_bytes(size, "little") + data[at + size :]


GOOD = library("libx.so.1", ["a.so"], exports={"x": 1})
DYNAMIC = 0x3000
HOSTILE = {
    "empty": b"",
    "text": b"INPUT(libevil.so)\n",
    "short": GOOD[:63],
    "32 bits": GOOD[:4] + b"\1" + GOOD[5:],
    "big end": GOOD[:5] + b"\2" + GOOD[6:],
    "program": put(GOOD, 16, 2, 2),
    "no headers": put(GOOD, 56, 0, 2),
    "65535 headers": put(GOOD, 56, 0xFFFF, 2),
    "headers of size 0": put(GOOD, 54, 0, 2),
    "headers outside": put(GOOD, 32, 1 << 63),
    "segment outside": put(GOOD, 64 + 8, 1 << 62),
    "segment longer than memory": put(GOOD, 64 + 32, len(GOOD), 8)[: 64 + 40] + GOOD[64 + 32 :],
    "dynamic outside": put(GOOD, 120 + 16, 1 << 40),
    "dynamic elsewhere": put(GOOD, 120 + 8, 0x1000),
    "huge dynamic": put(GOOD, 120 + 32, 1 << 60),
    "dynamic twice": GOOD[:176] + GOOD[120:176] + GOOD[232:],
    "130 headers": put(GOOD, 56, 130, 2),
    "segments overlap": GOOD[:176] + GOOD[64:120] + GOOD[232:],
    "no dynamic": put(GOOD, 120, 0, 4),
    "name outside": put(GOOD, DYNAMIC + 8, 1 << 50),
    "name wraps": put(GOOD, DYNAMIC + 8, (1 << 64) - 1),
    "two names": library("libx.so.1", extra=[(14, 3)]),
    "too many": library("libx.so.1", ["a.so"] * 513),
    "long name": library("libx.so.1", ["a" * 256]),
    "no end": GOOD[:-1] + b"x",
    "cut": GOOD[:-3],
    "other machine": library("libx.so.1", machine=62 + 183 - MACHINE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(place: Place, name: str) -> None:
    """One sentence and 114, as a module and as what a module needs."""
    data = HOSTILE[name]
    if name == "no end":  # the last name is the one without
        data = library("libx.so.1", ["a.so"])[:-1] + b"x"
    place.put("one.so", data)
    place.put("libx.so.1", data)
    place.put("two.so", extension("two", ["libx.so.1"], runpath="$ORIGIN"))

    for module in ("one", "two"):
        ran = place.run(f"import {module}")
        assert (114, [], 1) == (ran.code, ran.out, ran.err.count("\n")), ran
        if name != "other machine":
            assert "is no library that can be loaded: " in ran.err


def test_what_one_library_brings_is_bounded(place: Place) -> None:
    """However long the list of those that it needs."""
    names = [f"lib{number}.so.1" for number in range(9)]
    for name in names:
        place.put(name, library(name))
    place.put("one.so", extension("one", names, runpath="$ORIGIN"))

    assert "42" == place.run("module._FILES = 10\nimport one; print(one.value())").out[-1]
    ran = place.run("module._FILES = 9\nimport one")
    assert (114, True) == (ran.code, "needs more than 9 libraries" in ran.err), ran


def test_a_file_of_many_faults_never_crashes_the_reader() -> None:
    """Mutations of a good one: read or refused, in bounded time."""
    chance = random.Random(7)
    good = library("libx.so.1", ["a.so", "b.so"], runpath="$ORIGIN", exports={"x": "y"})
    interesting = [*range(0, 232), *range(DYNAMIC, len(good))]
    read, began = 0, time.process_time()
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.choice(interesting)
            size = chance.choice([1, 2, 4, 8])
            value = chance.choice(
                [0, 1, 0x7F, 0xFF, 1 << 31, (1 << 64) - 1, chance.getrandbits(64)]
            )
            data[at : at + size] = (value & (1 << size * 8) - 1).to_bytes(size, "little")
        if not chance.randint(0, 9):
            del data[chance.randrange(len(data)) :]
        try:
            parsed(bytes(data))
            read += 1
        except ValueError:
            pass
    assert 100 < read < 2900
    assert time.process_time() - began < 5


# --- a real one ----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["system", "other"])
def numpy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment with numpy, all of whose libraries are covered; `python` is its base."""
    python = wheels.system() if request.param == "system" else wheels.other()
    made = wheels.environment(tmp_path_factory.mktemp("numpy") / "v", python, "numpy")
    place = Place(next(made.parent.parent.glob("lib/python*/site-packages")))
    for path in place.path.rglob("*.so*"):
        place.covered[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    place.python = python
    place.copy = True
    return place


USES = (
    "import numpy, numpy.random\n"
    "print(numpy.__version__, numpy.linalg.inv(numpy.eye(2)).tolist())\n"
    "print(numpy.random.default_rng(1).integers(9), numpy.fft.fft([1, 0]).tolist())\n"
)


@pytest.mark.parametrize("limit", [0, 64])
def test_numpy_works(numpy: Place, limit: int) -> None:
    """Its modules, its OpenBLAS and what that needs: from sealed memory, by few descriptors too."""
    code = USES + "print(*mapped(site))"

    plain = numpy.plain(code, python=numpy.python)
    ours = numpy.run(code, python=numpy.python, limit=limit)

    assert 0 == ours.code, ours
    assert plain.out[:2] == ours.out[:2]
    assert "openblas" in plain.out[2] and "" == ours.out[2]


def test_numpy_works_after_all_descriptors_were_closed(numpy: Place) -> None:
    """A daemon closes what it has; what is uploaded next gets the numbers, and is not loaded."""
    code = (
        "import numpy\nos.closerange(3, 1 << 16)\n"
        "kept = [os.open('/dev/zero', os.O_RDONLY) for _ in range(61)]\n" + USES
    )

    ran = numpy.run(code, python=numpy.python)

    assert (0, 2) == (ran.code, len(ran.out)), ran


def test_a_library_of_numpy_is_not_taken_from_elsewhere(numpy: Place) -> None:
    """One that was dropped into its folder under the name of a system library is not looked at."""
    dropped = numpy.drop("numpy.libs/libpthread.so.0", library("libpthread.so.0", says="evil"))
    try:
        plain, ours = (numpy.run(USES, python=numpy.python, guarded=g) for g in (False, True))
    finally:
        dropped.unlink()

    assert "evil" in plain.out, plain
    assert (0, 2) == (ours.code, len(ours.out)), ours
