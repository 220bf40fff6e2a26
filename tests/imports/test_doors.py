"""Code that comes past the finder: bytecode from anywhere, and another interpreter in the process.

Each attack runs in plain Python first.
"""

from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.imports.child import ENVIRONMENT, Program, Python, write
from tests.world import ROOT

EVIL = "print('EVIL')\n"
REFUSED = "this is code that is not covered, so marshal does not give it"
ALONE = "a run under a lock has one interpreter"


def compiled(python: Python, folder: Path, source: str = EVIL) -> bytes:
    """A bytecode file of this Python, as `py_compile` writes it: head and code."""
    write(folder, {"evil_source.py": source})
    subprocess.run(
        [python.path, "-I", "-c", "import py_compile; py_compile.compile('evil_source.py', 'x')"],
        cwd=folder,
        env=ENVIRONMENT,
        check=True,
    )
    os.unlink(folder / "evil_source.py")
    data = (folder / "x").read_bytes()
    os.unlink(folder / "x")
    return data


def put(program: Program, body: str) -> None:
    """A program with forged bytecode beside it."""
    program.files({"main.py": body})
    data = compiled(program.python, program.app)
    write(program.app, {"evil.pyc": data, "evil.code": data[16:]})
    with zipfile.ZipFile(program.app / "evil.zip", "w") as archive:
        archive.writestr("evil.pyc", data)


READ = "code = open('evil.code', 'rb').read()\n"

# --- D1, D2: what was judged is what is opened ----------------------------------------------------

SWAP = (
    "import importlib.util as u, importlib.machinery as m, os, runpy, string, _struct, sys\n"
    "def link(name, real):\n"
    "    os.symlink(real, 'link' + name)\n"
    "    plain, asked = os.path.realpath, []\n"
    "    def swapped(path, **more):\n"
    "        found = plain(path, **more)\n"
    "        if str(path).endswith('link' + name): asked.append(path)\n"
    "        if len(asked) == turn and os.path.islink(path): os.replace('evil' + name, path)\n"
    "        return found\n"
    "    turn = int(sys.argv[1])\n"
    "    if turn: os.path.realpath = swapped\n"
    "    else: os.replace('evil' + name, 'link' + name)\n"
    "def load(spec): spec.loader.exec_module(u.module_from_spec(spec))\n"
)
LINKS = {
    "a source": "link('.py', string.__file__); load(u.spec_from_file_location('x', 'link.py'))",
    "bytecode": "link('.pyc', string.__cached__)\nload(u.spec_from_file_location('x', 'link.pyc'))",
    "a script": "link('.py', string.__file__); runpy.run_path('link.py')",
}


@pytest.mark.parametrize("way", LINKS)
def test_a_link_that_changes_after_it_was_followed_leads_nowhere_else(
    program: Program, way: str
) -> None:
    """It led to a file of the system, which is plain Python's; that file is what is opened."""
    put(program, SWAP + LINKS[way] + "\n")
    kind = "pyc" if way == "bytecode" else "py"
    files = {"evil.py": EVIL.encode(), "evil.pyc": (program.app / "evil.pyc").read_bytes()}
    write(program.app, files)
    assert "EVIL" in program.plain("0").out
    found = []
    for turn in range(1, 5):  # whenever it is asked where the link leads
        write(program.app, files)
        os.unlink(program.app / f"link.{kind}")
        ended = program.run(str(turn))
        found.append(ended[:2])
        assert "EVIL" not in ended.out
    assert (0, "") in found


UPWARDS = {
    "a source": "load(u.spec_from_file_location('x', path(string.__file__)))",
    "bytecode": "load(u.spec_from_file_location('x', path(string.__cached__)))",
    "a loader": "m.SourceFileLoader('x', path(string.__file__)).load_module('x')",
    "an extension module": "load(u.spec_from_file_location('_struct', path(_struct.__file__)))",
}


@pytest.mark.parametrize("way", UPWARDS)
def test_a_path_leads_where_it_was_judged_to_lead(program: Program, way: str) -> None:
    """`link/../../usr/lib/…` looks like a file of the system, and is another one for the kernel."""
    put(
        program,
        "import importlib.util as u, importlib.machinery as m, os, runpy, string, _struct\n"
        "here = os.getcwd()\n"
        "def path(name): return here + '/link' + '/..' * here.count('/') + '/..' + name\n"
        "def load(spec): spec.loader.exec_module(u.module_from_spec(spec))\n"
        "print(string.__file__, string.__cached__, getattr(_struct, '__file__', ''))\n"
        f"{UPWARDS[way]}\n",
    )
    files = program.plain().out.split()
    if way == "an extension module" and len(files) < 3:
        pytest.skip("it is built into this Python")
    depth = str(program.app).count("/") + 2
    deep = program.app / "d" / "/".join("d" * depth)
    deep.mkdir(parents=True)
    (program.app / "link").symlink_to(deep)
    top = deep
    for _ in range(depth - 1):
        top = top.parent
    write(top, {files[0][1:]: EVIL, files[1][1:]: (program.app / "evil.pyc").read_bytes()})
    if len(files) > 2:
        write(top, {files[2][1:]: "EVIL is no library"})
    plain = program.plain()
    assert "EVIL" in plain.out or "file too short" in plain.err, plain
    ended = program.run()

    assert "EVIL" not in ended.out and "too short" not in ended.err
    assert 0 == ended.code, ended.err


# --- D4: bytecode --------------------------------------------------------------------------------

BYTECODE = {
    "loads": READ + "import marshal; exec(marshal.loads(code))",
    "loads of what can change": READ + "import marshal; exec(marshal.loads(bytearray(code)))",
    "loads of a view": READ + "import marshal; exec(marshal.loads(memoryview(code)))",
    "loads of an array": READ
    + "import marshal, array; exec(marshal.loads(array.array('B', code)))",
    "loads by its other name": READ + "from marshal import loads; exec(loads(code))",
    "load": "import marshal; exec(marshal.load(open('evil.code', 'rb')))",
    "load of memory": READ + "import io, marshal; exec(marshal.load(io.BytesIO(code)))",
    "a code within": READ
    + "import marshal; exec(marshal.loads(b'(\\x01\\x00\\x00\\x00' + code)[0])",
    "what importlib has": READ
    + "import _frozen_importlib_external as e; exec(e._compile_bytecode(code))",
    "what importlib has, a view": READ + "import _frozen_importlib_external as e\n"
    "exec(e._compile_bytecode(memoryview(b'x' * 16 + code)[16:]))",
    "what zipimport has": READ + "import zipimport; exec(zipimport.marshal.loads(code))",
    "an archive": "import sys, zipimport\n"
    "sys.path_hooks.insert(0, zipimport.zipimporter); sys.path.insert(0, 'evil.zip')\n"
    "zipimport.zipimporter('evil.zip').load_module('evil')",
    "pkgutil": "import pkgutil; exec(pkgutil.read_code(open('evil.pyc', 'rb')))",
    "another marshal": READ
    + "import sys; del sys.modules['marshal']\nimport marshal; exec(marshal.loads(code))",
    "marshal made by hand": READ + "import _imp; from importlib.machinery import ModuleSpec\n"
    "exec(_imp.create_builtin(ModuleSpec('marshal', None)).loads(code))",
    "the parts of another _imp": READ + "import sys; from importlib.machinery import ModuleSpec\n"
    "del sys.modules['_imp']; import _imp\n"
    "exec(_imp.create_builtin(ModuleSpec('marshal', None)).loads(code))",
    "marshal by its loader": READ + "import importlib.machinery as m, importlib.util as u\n"
    "made = u.module_from_spec(m.BuiltinImporter.find_spec('marshal'))\n"
    "m.BuiltinImporter.exec_module(made); exec(made.loads(code))",
    "marshal anew": READ + "import importlib, marshal; importlib.reload(marshal)\n"
    "exec(marshal.loads(code))",
    "marshal after the other attempt": READ + "import marshal, string\n"
    "try: string.__loader__.get_data(string.__cached__)\nexcept OSError: pass\n"
    "exec(marshal.loads(code))",
    "a loader with bytes of its own": "import importlib.machinery as m, importlib.util as u\n"
    "class Own(m.SourcelessFileLoader):\n"
    "    def get_data(self, path): return open(path, 'rb').read()\n"
    "spec = u.spec_from_file_location('evil', 'evil.pyc', loader=Own('evil', 'evil.pyc'))\n"
    "spec.loader.exec_module(u.module_from_spec(spec))",
    "a loader that adds its own": "import importlib.machinery as m, importlib.util as u\n"
    "import string\n"
    "class Own(m.SourcelessFileLoader):\n"
    "    def get_data(self, path):\n"
    "        try: super().get_data(string.__cached__)\n"
    "        except OSError: pass\n"
    "        return open(path, 'rb').read()\n"
    "spec = u.spec_from_file_location('evil', 'evil.pyc', loader=Own('evil', 'evil.pyc'))\n"
    "spec.loader.exec_module(u.module_from_spec(spec))",
    "a thread": READ + "import marshal, threading\n"
    "t = threading.Thread(target=lambda: exec(marshal.loads(code))); t.start(); t.join()",
}


@pytest.mark.parametrize("way", BYTECODE)
def test_bytecode_from_anywhere_is_refused(program: Program, way: str) -> None:
    """Nobody vouched for it, and no digest of a source is in it."""
    body = BYTECODE[way].replace("; exec", "\nexec") + "\n"
    put(program, body)
    assert "EVIL" in program.plain().out
    ended = program.run()

    assert "EVIL" not in ended.out
    assert REFUSED in ended.err, ended.err


def test_what_is_frozen_is_not_what_is_handed_over(program: Program) -> None:
    """`_imp.get_frozen_object` would take any bytes for those of a frozen module."""
    put(program, READ + "import _imp\nexec(_imp.get_frozen_object('evil', code))\n")
    ended = program.run()
    if program.python.version < (3, 11):  # it takes none
        assert "TypeError" in program.plain().err and "TypeError" in ended.err
    else:
        assert "EVIL\n" == program.plain().out
        assert (1, "") == ended[:2]
        assert REFUSED in ended.err


HELD = {
    "a list": "[code]",
    "a tuple": "(1, (code,))",
    "a key": "{code: 1}",
    "a value": "{'x': [{1: code}]}",
    "a set": "{1, code}",
    "a frozen set": "[frozenset((1, code))]",
    "twice": "[[], code, code]",
}


@pytest.mark.parametrize("how", HELD)
def test_code_does_not_hide_in_a_value(program: Program, how: str) -> None:
    """Whatever `marshal` makes is looked at, keys and itself included."""
    program.files(
        {
            "main.py": "import io, marshal\n"
            "code = compile('print(\"EVIL\")', 'x', 'exec')\n"
            f"data = marshal.dumps({HELD[how]})\n"
            "def run(value):\n"
            "    if isinstance(value, dict): value = [*value, *value.values()]\n"
            "    if hasattr(value, 'co_code'): exec(value)\n"
            "    elif not isinstance(value, (int, str)): [*map(run, value)]\n"
            "ways = (lambda: marshal.loads(data), lambda: marshal.load(io.BytesIO(data)))\n"
            "for way in ways:\n"
            "    try: run(way())\n"
            "    except ValueError as error: print(error)\n"
        }
    )
    assert program.plain().out.startswith("EVIL\n")
    assert (0, f"{REFUSED}\n{REFUSED}\n", "") == program.run()


def test_values_are_given(program: Program) -> None:
    """Rich keeps the meaning of a style so, pstats what it has counted; a list may hold itself."""
    program.files(
        {
            "main.py": "import io, marshal\n"
            "many = [None, True, ..., 1 << 99, -1, 0.5, 2j, 'text', b'bytes', (), [], {}, set(),\n"
            "        frozenset((1, 2)), {'a': {'b': [('c', {3})]}}, StopIteration, 'text']\n"
            "data = marshal.dumps(many)\n"
            "for one in (data, bytearray(data), memoryview(data), data + b'more'):\n"
            "    print(marshal.loads(one) == many)\n"
            "stream = io.BytesIO(data + marshal.dumps('next'))\n"
            "print(marshal.load(stream) == many, marshal.load(stream))\n"
            "print(marshal.loads(b'\\xdb\\x01\\0\\0\\0r\\0\\0\\0\\0'))  # [[...]]\n"
            "for bad in (b'', b'(', b'?', b'[\\xff\\xff\\xff\\xff'):\n"
            "    try: marshal.loads(bad)\n"
            "    except (EOFError, ValueError, TypeError) as error: print(repr(error))\n"
            "import cProfile, pstats\n"
            "profile = cProfile.Profile(); profile.runcall(sorted, many[4:6])\n"
            "profile.dump_stats('counted')\n"
            "print(pstats.Stats('counted').total_calls)\n"
        }
    )
    plain = program.plain()
    assert (0, "") == (plain.code, plain.err)
    assert plain == program.run()


def test_a_refusal_is_what_marshal_raises_for_bytes_that_it_does_not_take(
    program: Program,
) -> None:
    """So a cache of bytecode, such as that of Jinja or of pytest, falls back to the source."""
    put(
        program,
        "import marshal\n"
        "try: code = marshal.load(open('evil.code', 'rb'))\n"
        "except (EOFError, ValueError, TypeError) as error: print(error)\n"
        "else: exec(code)\n",
    )
    assert "EVIL\n" == program.plain().out
    assert (0, f"{REFUSED}\n", "") == program.run()


def test_marshal_is_what_it_was_but_for_that(program: Program) -> None:
    """Names, what is written, what is wrong by itself."""
    program.files(
        {
            "main.py": "import marshal, pickle, sys\n"
            "print(marshal.dumps([1]), marshal.version)\n"
            "for one in (marshal.loads, marshal.load):\n"
            "    print(one.__name__, one.__module__, one.__qualname__, callable(one))\n"
            "    print(pickle.loads(pickle.dumps(one)) is one)\n"
            "for arguments in ((), (1,), ('text',), (b'', 1, 2)):\n"
            "    try: marshal.loads(*arguments)\n"
            "    except TypeError as error: print(type(error))\n"
        }
    )
    plain, ended = program.plain(), program.run()
    assert plain == ended


def test_what_python_and_the_program_load_by_themselves_is_let_through(program: Program) -> None:
    """Bytecode of the system, frozen modules, covered bytecode that a loader is told to load."""
    data = compiled(program.python, program.folder, "print('covered')\n")
    program.files(
        {
            "main.py": "import importlib, importlib.machinery as m, sys, zipimport, runpy\n"
            "import __hello__, decimal, json.decoder, xml.dom.minidom, concurrent.futures\n"
            "m.SourcelessFileLoader('x', 'covered.pyc').load_module('x')\n"
            "spec = importlib.util.spec_from_file_location('y', 'covered.pyc')\n"
            "spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
            "importlib.reload(json.decoder); importlib.reload(zipimport)\n"
            "m.SourceFileLoader('string', runpy.__file__).load_module('string')\n"
            "print('done')\n",
            "covered.pyc": data,
        }
    )
    ended = program.run()

    assert 0 == ended.code, ended.err
    assert "covered\ncovered\ndone\n" == ended.out.replace("Hello world!\n", "")


def test_covered_bytecode_that_was_changed_is_not_the_one(program: Program) -> None:
    """It is let through because it was verified a moment ago, not by its name."""
    data = compiled(program.python, program.folder, "print('covered')\n")
    evil = compiled(program.python, program.folder)
    program.files(
        {
            "main.py": "import importlib.machinery as m\n"
            "m.SourcelessFileLoader('x', 'covered.pyc').load_module('x')\n",
            "covered.pyc": data,
        }
    )
    write(program.app, {"covered.pyc": evil})
    assert "EVIL\n" == program.plain().out
    assert (111, "") == program.run()[:2]


def test_the_bytes_of_a_frozen_module_are_read(program: Program) -> None:
    """They are in the interpreter: nobody has them but who asked it. One more, and they are not."""
    if program.python.version < (3, 11):
        pytest.skip("this Python does not show them")
    program.files(
        {
            "main.py": "import _imp, marshal\n"
            "data = _imp.find_frozen('__hello__', withdata=True)[0]\n"
            "for one in (data, bytes(data), bytearray(data), bytes(data) + b'x'):\n"
            "    try: print(type(marshal.loads(one)).__name__)\n"
            "    except (ValueError, EOFError) as error: print(type(error).__name__)\n"
        }
    )
    ended = program.run()

    found = ended.out.split()
    assert 0 == ended.code, ended.err
    if program.python.version >= (3, 13):  # before, most are no bytes but C
        assert ["code"] * 3 == found[:3]
    assert found[3] in ("ValueError", "EOFError")


def test_a_run_may_be_told_to_read_any_bytes(program: Program) -> None:
    """By its plan, which nothing of the run can change; no word of `sig run` says so."""
    put(program, READ + "import marshal\nexec(marshal.loads(code))\n")
    assert (0, "EVIL\n", "") == program.run(changes={"marshal": True})
    assert (1, "") == program.run(env=ENVIRONMENT | {"SIG_MARSHAL": "yes", "SIG_ALLOW": "marshal"})[
        :2
    ]


def test_threads_load_bytecode_of_the_system_at_once(program: Program) -> None:
    """Which bytes were handed out is kept for each of them."""
    names = (
        "decimal fractions statistics csv html.parser http.client ftplib smtplib imaplib poplib"
        " wave colorsys difflib doctest pdb cgitb calendar gettext optparse configparser plistlib"
        " sched shelve sqlite3 tarfile zipfile textwrap timeit trace turtle uuid xmlrpc.client"
    )
    program.files(
        {
            "main.py": "import importlib, sys, threading\n"
            "sys.setswitchinterval(1e-6)\n"
            "def load(name):\n"
            "    try: importlib.import_module(name)\n"
            "    except ModuleNotFoundError: pass\n"
            "    except BaseException as error: print(name, repr(error))\n"
            f"threads = [threading.Thread(target=load, args=[n]) for n in {names!r}.split()]\n"
            "for one in threads: one.start()\n"
            "for one in threads: one.join()\n"
        }
    )
    ended = program.run()
    assert (0, "") == ended[:2], ended


# --- D5: another interpreter ---------------------------------------------------------------------

INSIDE = "import sys; sys.path.insert(0, %r); import evil"
MAKE = {
    "_xxsubinterpreters": "import _xxsubinterpreters as x; x.run_string(x.create(), CODE)",
    "_interpreters": "import _interpreters as x; x.run_string(x.create(), CODE)",
    "_testcapi": "import _testcapi as x; x.run_in_subinterp(CODE)",
    "_testinternalcapi": "import _testinternalcapi as x\n"
    "x.exec_interpreter(x.create_interpreter(), CODE)",
    "by its file": "import importlib.machinery as m, importlib.util as u, glob, sysconfig\n"
    "(path,) = glob.glob(sysconfig.get_config_var('DESTSHARED') + '/_*interpreters.*.so')\n"
    "name = 'a.' + path.rpartition('/')[2].partition('.')[0]\n"
    "spec = u.spec_from_file_location(name, path)\n"
    "x = u.module_from_spec(spec); spec.loader.exec_module(x); x.run_string(x.create(), CODE)",
    "below the loaders": "import importlib.machinery as m, glob, sysconfig, _imp\n"
    "(path,) = glob.glob(sysconfig.get_config_var('DESTSHARED') + '/_*interpreters.*.so')\n"
    "name = path.rpartition('/')[2].partition('.')[0]\n"
    "x = _imp.create_dynamic(m.ModuleSpec(name, None, origin=path)); _imp.exec_dynamic(x)\n"
    "x.run_string(x.create(), CODE)",
    "test.support": "from test.support import interpreters\n"
    "one = interpreters.create(); getattr(one, 'exec', getattr(one, 'run', None))(CODE)",
}


@pytest.mark.parametrize("way", MAKE)
def test_another_interpreter_is_refused(program: Program, way: str) -> None:
    """It would have finders of its own, and no hook."""
    program.files({"main.py": f"CODE = {INSIDE % str(program.app)!r}\n{MAKE[way]}\n"})
    write(program.app, {"evil.py": EVIL})
    plain = program.plain()
    if "EVIL" not in plain.out:  # this Python has no such module
        assert any(one in plain.err for one in ("ImportError", "NotFound", "Attribute")), plain
        pytest.skip("this Python has it under another name")
    ended = program.run()

    assert (1, "") == ended[:2]
    assert "ModuleNotFoundError" in ended.err and ALONE in ended.err, ended.err


def test_each_python_has_one_of_them(program: Program) -> None:
    """The control of the test above: some way works everywhere in plain Python."""
    body = f"CODE = {INSIDE % str(program.app)!r}\n"
    write(program.app, {"evil.py": EVIL})
    found = []
    for way, code in MAKE.items():
        (program.app / "main.py").write_text(f"{body}{code}\n")
        if "EVIL" in program.plain().out:
            found.append(way)
    assert found


def test_who_can_do_without_another_interpreter_does(program: Program) -> None:
    """The modules are not there, as where Python was built without them: no end of the process."""
    program.files(
        {
            "main.py": "import importlib\n"
            "for name in ('_interpreters', '_xxsubinterpreters', '_testcapi'):\n"
            "    try: importlib.import_module(name)\n"
            "    except ModuleNotFoundError as error: print(error.name == name)\n"
            "import concurrent.futures, queue, threading, multiprocessing\n"
            "try: from concurrent.futures import InterpreterPoolExecutor\n"
            "except ImportError: print('none')\n"
            "try: import test.support as support\n"
            "except ModuleNotFoundError as error: assert error.name in ('test', 'test.support')\n"
            "else: support.gc_collect()\n"
        }
    )
    assert (0, "True\nTrue\nTrue\nnone\n", "") == program.run()


# --- what is not stopped -------------------------------------------------------------------------

DOCUMENTED = {
    "a text": "exec(open('evil.py').read())",
    "a tree": "import ast; exec(compile(ast.parse(open('evil.py').read()), 'x', 'exec'))",
    "a code that is changed": "code = compile('print(1)', 'x', 'exec')\n"
    "exec(code.replace(co_consts=('EVIL', None)))",
    "a code by its type": "import sys; code = compile('print(1)', 'x', 'exec')\n"
    "names = 'argcount posonlyargcount kwonlyargcount nlocals stacksize flags code consts names'\n"
    "names += ' varnames filename name qualname firstlineno linetable exceptiontable freevars'\n"
    "if sys.version_info < (3, 11):\n"
    "    names = names.replace('qualname ', '').replace(' exceptiontable', '')\n"
    "if sys.version_info < (3, 10): names = names.replace('linetable', 'lnotab')\n"
    "values = {n: getattr(code, 'co_' + n) for n in (names + ' cellvars').split()}\n"
    "values['consts'] = ('EVIL', None)\n"
    "exec(type(code)(*values.values()))",
    "pickle": "import pickle\n"
    "class P:\n"
    "    def __reduce__(self): return exec, (open('evil.py').read(),)\n"
    "pickle.loads(pickle.dumps(P()))",
    "a loader of its own": "import importlib.util, sys\n"
    "class First:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == 'evil': return importlib.util.spec_from_loader(name, self)\n"
    "    def create_module(self, spec): return None\n"
    "    def exec_module(self, module): exec(open('evil.py').read(), vars(module))\n"
    "sys.meta_path.insert(0, First())\nimport evil",
    "ctypes with addresses": READ + "import ctypes\n"
    "read = ctypes.pythonapi.PyMarshal_ReadObjectFromString\n"
    "read.restype = ctypes.py_object; read.argtypes = (ctypes.c_char_p, ctypes.c_ssize_t)\n"
    "exec(read(code, len(code)))",
    "what our own objects hold": READ + "import marshal\n"
    "held = [one.cell_contents for one in getattr(marshal.loads, '__closure__', ())]\n"
    "held.append(marshal.loads)\n"
    "loads = next(one for one in held if type(one) is type(len) and one.__name__ == 'loads')\n"
    "exec(loads(code))",
    "the source of an archive": "import zipimport\n"
    "zipimport.zipimporter('source.zip').load_module('evil')",
}


@pytest.mark.parametrize("way", DOCUMENTED)
def test_documented(program: Program, way: str) -> None:
    """Covered code that means to run what is not covered does. Where this falls, the security
    model can say less."""
    put(program, DOCUMENTED[way] + "\n")
    write(program.app, {"evil.py": EVIL})
    with zipfile.ZipFile(program.app / "source.zip", "w") as archive:
        archive.writestr("evil.py", EVIL)
    assert "EVIL" in program.plain().out
    ended = program.run()
    assert "EVIL" in ended.out, ended.err


def test_every_way_stands_in_the_security_model() -> None:
    """Each with the word that its test shows."""
    page = (ROOT / "docs" / "security-model.md").read_text()
    table = page.partition("**Past the finder.**\n")[2].partition("\n## ")[0]
    rows: dict[str, list[str]] = {}
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith(("| way", "| ---")):
            way, word, _ = (cell.strip() for cell in line.strip("|").split("|"))
            rows.setdefault(word, []).append(way)
    assert {*DOCUMENTED, "native code"} == set(rows["documented"])
    assert 4 == len(rows["refused"])
