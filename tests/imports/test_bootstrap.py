"""A run is what plain Python shows: each test compares both."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from sig.imports import packing
from tests.imports.child import ENVIRONMENT, Ended, Program, Python, sealed, write


def same(program: Program, *arguments: str, **more: object) -> None:
    """Exit status, stdout and stderr, to the letter."""
    assert program.plain(*arguments, **more) == program.run(*arguments, **more)


# --- what the program sees -----------------------------------------------------------------------


def test_main_has_the_names_that_plain_python_gives_it(program: Program) -> None:
    """Whatever looks at its own module finds the same."""
    program.files(
        {
            "main.py": '"""doc"""\n'
            "import sys, __main__\n"
            "for name, value in sorted(globals().items()):\n"
            "    if name not in ('__loader__', 'sys', '__main__'): print(name, value)\n"
            "print(__main__ is sys.modules['__main__'], __main__.__dict__ is globals())\n"
            "print(__loader__.get_source('__main__') == open(__file__).read())\n"
            "print(__loader__.get_filename('__main__'), __loader__.path)\n"
        }
    )
    same(program)


def test_arguments_are_the_programs(program: Program) -> None:
    """None is taken for the interpreter, and what sig gave it is not seen."""
    program.files({"main.py": "import sys\nprint(sys.argv)\n"})
    same(program)
    same(program, "-c", "x", "--", "-I", "ä \udcff", "")

    program.files({"main.py": "import sys\nprint(getattr(sys, 'orig_argv', None))\n"})
    del program.roots[1]
    ended = program.run("a", "-c")
    if program.python.version >= (3, 10):
        assert "['/nowhere/sig-child', 'main.py', 'a', '-c']\n" == ended.out


def test_what_site_adds_is_there(program: Program) -> None:
    """And the folders of the environment, but no file of it was run for them."""
    program.files(
        {
            "main.py": "import sys, builtins, sysconfig\n"
            "print(sorted(dir(builtins)))\n"
            "print(exit, quit, license, help)\n"
            "exit(4)\n"
        }
    )
    same(program)

    program.files({"main.py": "import sys; print(sys.prefix, sys.exec_prefix, sys.base_prefix)\n"})
    del program.roots[1]
    plain = program.plain().out.split()
    assert ["/venv", "/venv", plain[2]] == program.run(changes={"prefix": "/venv"}).out.split()
    assert plain == program.run().out.split()


def test_the_process_has_the_name_of_the_script(program: Program) -> None:
    """In `ps` and `top`, as far as the kernel keeps it."""
    program.files({"main.py": "print(open('/proc/self/comm').read(), end='')\n"})

    assert "main.py\n" == program.run().out
    long = "x/0123456789abcdefg"
    assert "0123456789abcde\n" == program.run(changes={"argv0": long}).out


def test_children_find_what_the_plan_says(program: Program) -> None:
    """Who starts sys.executable gets what may be started, and the mark that it needs."""
    program.files(
        {
            "main.py": "import os, sys, subprocess\n"
            "print(sys.executable, os.environ['SIG_MARK'], sys._base_executable, flush=True)\n"
            "subprocess.run(['/bin/sh', '-c', 'echo $SIG_MARK'])\n"
        }
    )
    ended = program.run(changes={"environment": {"SIG_MARK": "ä 1"}})

    assert "/nowhere/sig-child ä 1 /nowhere/sig-child\nä 1\n" == ended.out
    assert "KeyError: 'SIG_MARK'" in program.run(changes={"executable": ""}).err


def test_nothing_of_ours_can_be_imported(program: Program) -> None:
    """Neither sig, nor a module by a name that the program could have."""
    program.files(
        {
            "main.py": "import sys\n"
            "for name in ('sig', 'plan', 'covered', 'opening', 'finder', 'doors', 'bootstrap',\n"
            "             'metadata', 'resources', 'packing', 'native', 'code', 'source'):\n"
            "    assert name not in sys.modules, name\n"
            "    try: __import__(name)\n"
            "    except ModuleNotFoundError as error: assert error.name == name\n"
            "    else: assert name == 'code', name\n"
            "import __future__\n"
            "print(__future__.annotations.compiler_flag > 0)\n"
            "print({name.partition('.')[0] for name in sys.modules if 'sig_' in name})\n"
            "print(any('/proc/' in entry for entry in [*sys.path, *sys.path_importer_cache]))\n"
        }
    )
    ended = program.run()

    assert (0, "True\n{'_sig_imports'}\nFalse\n", "") == ended


def test_the_sealed_file_is_closed_and_its_number_free(program: Program) -> None:
    """Nothing is ever imported from a descriptor: a program that closes all of them and puts an
    upload there does not run it."""
    program.files(
        {
            "main.py": "import os, sys\n"
            "found = sorted(map(int, os.listdir('/proc/self/fd')))\n"
            "print(found[:3], len(found))\n"
            "os.closerange(3, 100)\n"
            "for number in range(3, 60):\n"
            "    os.open('upload.zip', os.O_RDONLY)\n"
            "import helper, json, resources_of_it\n"
        }
    )
    import zipfile

    with zipfile.ZipFile(program.app / "upload.zip", "w") as archive:
        for name in ("helper", "_sig_imports/native", "native", "resources_of_it", "json"):
            archive.writestr(f"{name}.py", "print('EVIL')")
    ended = program.run()

    assert ended.out == "[0, 1, 2] 4\n"
    assert "No module named 'helper'" in ended.err


def test_a_covered_sig_is_the_one_that_is_found(program: Program) -> None:
    """What the closure has under that name."""
    program.files({"main.py": "import sig\nprint(sig.x)\n", "sig.py": "x = 7\n"})

    assert "7\n" == program.run().out


# --- how it ends ---------------------------------------------------------------------------------

ENDS = {
    "end": "print(1)",
    "exit": "import sys; sys.exit(3)",
    "exit with text": "raise SystemExit('ä no')",
    "exit with None": "import sys; sys.exit()",
    "exit with a large number": "import sys; sys.exit(256 + 7)",
    "exit with a tuple": "raise SystemExit((1, 2))",
    "exception": "def f():\n    1 / 0\nf()",
    "chained": "try:\n    1 / 0\nexcept Exception as error:\n    raise ValueError('x') from error",
    "in its handler": "try:\n    1 / 0\nexcept Exception:\n    {}['x']",
    "import error": "import nowhere",
    "import error below": "import helper.nowhere",
    "import from": "from helper import nothing",
    "error in a module": "import bad_at_runtime",
    "syntax error": "x = = 1",
    "syntax error below": "import bad_syntax",
    "indentation": "if 1:\nx",
    "tabs": "if 1:\n        x = 1\n\tx = 2",
    "null byte below": "import null_byte",
    "coding": "# coding: nowhere\nprint(1)",
    "recursion": "def f(): f()\ntry: f()\nexcept RecursionError: print('deep')",
    "atexit": "import atexit, sys; atexit.register(print, 'bye'); sys.exit(2)",
    "atexit sees": "import atexit\natexit.register(lambda: print(sorted(globals())))",
    "atexit fails": "import atexit; atexit.register(lambda: 1 / 0)",
    "hook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0], a[2].tb_lineno)\n1 / 0",
    "hook sees": "import sys\n"
    "sys.excepthook = lambda *a: print(sys.exc_info()[0], sys.last_type)\n1/0",
    "hook fails": "import sys\ndef hook(*a): raise KeyError('x')\nsys.excepthook = hook\n1 / 0",
    "hook exits": "import sys\ndef hook(*a): sys.exit(9)\nsys.excepthook = hook\n1 / 0",
    "hook is gone": "import sys\ndel sys.excepthook\n1 / 0",
    "group": "import sys\nif sys.version_info > (3, 11): raise ExceptionGroup('g', [OSError(1)])",
    "thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(.1), print('late', __name__))).start()\nprint(1)",
    "thread fails": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='T')\n"
    "t.start(); t.join()",
    "thread exits": "import threading, sys\nt = threading.Thread(target=sys.exit)\nt.start()",
    "stdin": "import sys; print(sys.stdin.read())",
    "closed stdout": "import sys; sys.stdout.close(); sys.exit(5)",
    "broken stdout": "import os; os.close(1); print('x')",
    "warning": "import warnings; warnings.warn('careful')",
    "warning in a module": "import warns",
    "deprecated": "import warnings; warnings.warn('old', DeprecationWarning)",
    "unraisable": "class A:\n    def __del__(self): 1 / 0\nA()",
    "finalised": "class A:\n    def __del__(self): print('gone')\na = A()",
    "finalised in a cycle": "class A:\n    def __init__(self): self.me = self\n"
    "    def __del__(self): print('gone', self.name)\n"
    "def f(): return a\n"
    "a = A()\na.name = 'a'\nx = A()\nx.name = 'x'\ndel x\nimport gc\nprint(gc.collect() > 0)",
    "finalised elsewhere": "import codecs, sys, builtins, io, helper\n"
    "class A:\n    def __init__(self, name): self.name = name\n"
    "    def __del__(self): import_(self.name)\n"
    "def import_(name): sys.__stderr__.write(name)\n"
    "codecs.x = A('codecs ')\nhelper.x = A('helper ')\nio.x = A('io ')\n"
    "codecs.register(A('registered ').__init__)\ncodecs.Codec.x = A('class ')",
    "weak": "import weakref, helper\nweakref.finalize(helper, print, 'finalize')\n"
    "keep = weakref.ref(helper, lambda ref: print('dead'))\ndel helper",
    "main": "import sys, __main__\n"
    "print(sys.modules['__main__'] is __main__, vars() is vars(__main__))\n"
    "x = 1\nprint(__main__.x, sorted(vars()), repr(__main__)[:18])",
    "long texts": "print(copyright)\nprint(repr(credits)[:30])\nprint(repr(license)[:30])\n"
    "print(repr(exit), repr(quit), repr(help), copyright)",
    "a long text of its own": "import builtins\n"
    "builtins.credits = 'mine'\nprint(copyright, credits)",
    "environment": "import posix\nposix.environ[b'X'] = b'1'\nimport os\nprint(os.environ['X'])",
    "interrupt": "raise KeyboardInterrupt",
    "interrupt below": "import interrupted",
    "interrupt and atexit": "import atexit; atexit.register(print, 'bye')\n"
    "class A:\n    def __del__(self): print('gone')\na = A()\nraise KeyboardInterrupt",
    "killed": "import os; os.kill(os.getpid(), 15)",
    "os._exit": "import os; os._exit(6)",
    "generator exit": "raise GeneratorExit",
    "reload": "import helper, importlib; print(importlib.reload(helper) is helper)",
    "source": "import helper, inspect, sys; print(inspect.getsource(helper.f))\n"
    "import linecache; print(linecache.getline(helper.__file__, 1))\n"
    "print(inspect.getsource(sys.modules['__main__'])[:6])",
    "bom": "import bom, latin\nprint(bom.x, latin.x)",
    "circular": "import one\nprint(one.two.one.x)",
    "getattr": "import lazy\nprint(lazy.anything)\nfrom lazy import more\nprint(more)",
    "relative": "import importlib\nprint(importlib.import_module('.c', 'a.b').x)\nimport a.d",
    "pickle": "import pickle\nclass A: pass\nprint(pickle.loads(pickle.dumps(A())).__module__)",
    "modules": "import helper, a.b.c, json, zipfile\n"
    "for m in (helper, a, a.b, a.b.c, json, zipfile): print(m, m.__file__, m.__package__,"
    " getattr(m, '__path__', None), m.__spec__.origin, m.__spec__.has_location,"
    " m.__spec__.submodule_search_locations, m.__spec__.parent)",
    "find_spec": "import importlib.util as u\n"
    "for n in ('helper', 'a', 'a.b.c', 'nowhere', 'json', 'a.nowhere'):\n"
    "    s = u.find_spec(n); print(n, s and s.origin)",
    "find_spec below nothing": "import importlib.util as u; u.find_spec('nowhere.x')",
    "not a package": "import helper.x",
    "text of no file": "import sys; print('linecache' in sys.modules)\nexec('1 / 0')",
    "annotations": "def f(x: 1 + 1): pass\nprint(f.__annotations__)\nimport annotated",
}
FILES = {
    "helper.py": "def f():\n    return 1\n",
    "bad_at_runtime.py": "def f():\n    raise ValueError('x')\nf()\n",
    "bad_syntax.py": "def f(:\n",
    "null_byte.py": "x = 1\0\n",
    "interrupted.py": "raise KeyboardInterrupt\n",
    "warns.py": "import warnings\nwarnings.warn('here', stacklevel=1)\n"
    "warnings.warn('there', stacklevel=2)\n",
    "bom.py": b"\xef\xbb\xbfx = '\xc3\xa4'\n",
    "latin.py": b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    "annotated.py": "def f(x: 1 + 1): pass\nprint(f.__annotations__)\n",
    "one.py": "import two\nx = 1\n",
    "two.py": "import one\n",
    "lazy.py": "def __getattr__(name):\n    return 'lazy ' + name\n",
    "a/__init__.py": "",
    "a/b/__init__.py": "from . import c\n",
    "a/b/c.py": "x = 'abc'\n",
    "a/d.py": "from .b.c import x\nprint(x)\nfrom .. import y\n",
}


@pytest.mark.parametrize("name", ENDS)
def test_it_ends_as_plain_python_does(program: Program, name: str) -> None:
    """Status, output and tracebacks are the same, and no line is of ours."""
    program.files({"main.py": ENDS[name] + "\n", **FILES})
    plain, ended = (
        Ended(code, out, re.sub("0x[0-9a-f]+", "0x", err))
        for code, out, err in (program.plain(), program.run())
    )

    if name in _ONLY_LIKE:
        assert plain.code == ended.code
        assert plain.out == ended.out
        assert plain.err.splitlines()[-1].split()[0] == ended.err.splitlines()[-1].split()[0]
    else:
        assert plain == ended
    assert "_sig_imports" not in ended.err and "sig/imports" not in ended.err


# The text of a file is decoded as one string, not line by line: other words for the same mistake.
_ONLY_LIKE = {"coding"}


def test_an_interrupt_ends_it_as_it_ends_plain_python(program: Program) -> None:
    """The shell sees that it died of SIGINT, after its handlers ran."""
    program.files(
        {
            "main.py": "import atexit, sys, time\natexit.register(print, 'bye')\n"
            "print('here', flush=True)\ntime.sleep(60)\n"
        }
    )
    data = packing.pack(program.plan())
    descriptor = sealed(data)
    words = packing.command(program.python.path, descriptor, "main.py", ())
    for command in ((program.python.path, "main.py"), words):
        with subprocess.Popen(
            command,
            cwd=program.app,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[descriptor],
        ) as child:
            assert child.stdout is not None and child.stderr is not None
            assert b"here\n" == child.stdout.readline()
            child.send_signal(signal.SIGINT)
            assert b"bye\n" == child.stdout.read()
            assert child.stderr.read().endswith(b"\nKeyboardInterrupt\n")
        assert -signal.SIGINT == child.returncode
    os.close(descriptor)


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_it_starts_where_standard_streams_are_closed(
    program: Program, closed: tuple[int, ...], tmp_path: Path
) -> None:
    """The program gets None for them, and no descriptor of ours in their place."""
    told = tmp_path / "told"
    program.files(
        {
            "main.py": "import os, sys\n"
            f"f = os.open({str(told)!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)\n"
            "os.write(f, repr((f, sys.stdin is None, sys.stdout is None,"
            " sys.stderr is None)).encode())\n"
        }
    )
    descriptor = sealed(packing.pack(program.plan()))
    words = packing.command(program.python.path, descriptor, "main.py", ())
    found = []
    for command in ((program.python.path, "main.py"), words):
        shell = " ".join(f"{number}>&-" for number in closed)
        script = f'exec "$@" {shell}'
        subprocess.run(
            ["/bin/sh", "-c", script, "sh", *command],
            cwd=program.app,
            env=ENVIRONMENT,
            pass_fds=[descriptor],
            check=True,
        )
        found.append(told.read_text())
        told.unlink()
    os.close(descriptor)

    assert found[0] == found[1]


# --- console scripts -----------------------------------------------------------------------------

CALLS = {
    "result": "def main():\n    return 3\n",
    "text": "def main():\n    return 'no'\n",
    "none": "import sys\ndef main():\n    print(sys.argv, __name__)\n",
    "error": "def main():\n    1 / 0\n",
    "exit": "def main():\n    raise SystemExit(5)\n",
    "nothing": "",
    "import": "import nowhere\n",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_console_script_is_called(program: Program, name: str) -> None:
    """As the wrapper that an installer writes does it; of which no line is seen."""
    program.files({"app/__init__.py": "", "app/cli.py": CALLS[name]})
    wrapper = "import sys\nfrom app.cli import main\nsys.exit(main())\n"
    (program.app / "main.py").write_text(wrapper)
    plain = program.plain("x")
    ended = program.run("x", changes={"entry": ("call", "app.cli", "main"), "file": ""})

    assert (plain.code, plain.out) == (ended.code, ended.out)
    lines = re.sub(r'  File "\S*main.py".*\n    .*\n(    [~^ ]+\n)?', "", plain.err)
    if name in ("nothing", "import") and lines.startswith("Traceback"):
        assert lines.splitlines()[-1] == ended.err.splitlines()[-1]
    else:
        assert lines == ended.err


def test_what_is_called_may_be_an_attribute_of_an_attribute(program: Program) -> None:
    """`app.cli:Main.run`; its module is not `__main__`, and `__main__` has no file."""
    program.files(
        {
            "cli.py": "import __main__\n"
            "class M:\n    def run(): print(hasattr(__main__, '__file__'))\n"
        }
    )
    ended = program.run(changes={"entry": ("call", "cli", "M.run"), "file": ""})

    assert (0, "False\n", "") == ended


# --- refusals, and what is told ------------------------------------------------------------------


def test_a_script_that_is_another_by_now_is_not_run(program: Program) -> None:
    """It is opened once more by who runs it."""
    program.files({"main.py": "print(1)\n"})
    (program.app / "main.py").write_text("print('EVIL')\n")

    path = program.app / "main.py"
    assert "EVIL\n" == program.plain().out
    assert (
        111,
        "",
        f"error: {path} is not the file that app has\nerror: stopped\n",
    ) == program.run()


def test_another_attested_script_does_not_stand_in(program: Program, tmp_path: Path) -> None:
    """The name was typed through a link, which leads to another covered script by now."""
    program.files({"main.py": "print(1, __file__)\n", "other.py": "print('EVIL')\n"})
    link = tmp_path / "link.py"
    link.symlink_to(program.app / "other.py")

    ended = program.run(changes={"file": str(link)})
    assert (0, f"1 {link}\n", "") == ended


@pytest.mark.parametrize(
    "how",
    [
        "import helper",
        "try: import helper\nexcept BaseException: print('caught')",
        "try: import helper\nfinally: print('last')",
        "import threading\nt = threading.Thread(target=__import__, args=['helper'])\n"
        "t.start(); t.join(); print('after')",
        "import sys\nsys.stdout.flush = sys.exit\nimport helper",
        "import os\nos._exit = os.write = None\nimport helper",
        "import atexit\natexit.register(print, 'handler')\nimport helper",
        "import sys\nsys.stdout = None; del sys.stderr\nimport helper",
        "import sys\nsys.excepthook = lambda *a: print('hook')\nimport helper",
        "import signal, os\nsignal.signal(signal.SIGTERM, lambda *a: 1/0)\nimport helper",
        "import builtins\nbuiltins.open = builtins.compile = None\nimport helper",
    ],
)
def test_a_refusal_cannot_be_caught(program: Program, how: str) -> None:
    """The process ends, in threads too; what was printed before is there, nothing after."""
    program.files({"main.py": f"print('before', end='')\n{how}\nprint('after')\n", "helper.py": ""})
    (program.app / "helper.py").write_text("print('EVIL')\n")
    ended = program.run()

    assert 111 == ended.code
    assert ended.err.endswith("helper.py is not the file that app has\nerror: stopped\n")
    if "flush" not in how and "None" not in how:
        assert "before" == ended.out


def test_what_was_loaded_is_told(program: Program, tmp_path: Path) -> None:
    """A line a module on stderr; and a file at the end, also after an error."""
    program.files({"main.py": "import helper, lib.x, json\n1 / 0\n", "helper.py": ""})
    program.dist("lib-1.0", {"lib/__init__.py": "", "lib/x.py": ""})
    report = tmp_path / "report.json"
    ended = program.run(changes={"trace": True, "report": str(report)})

    lines = [line for line in ended.err.splitlines() if line.startswith("sig: ")]
    assert [
        f"sig: __main__ {program.app}/main.py",
        f"sig: helper {program.app}/helper.py",
        f"sig: lib {program.site}/lib/__init__.py",
        f"sig: lib.x {program.site}/lib/x.py",
    ] == [line.rsplit(" ", 3)[0] for line in lines]
    assert all(re.fullmatch(r"[0-9a-f]{12} \S+ \d+", line.split(" ", 3)[3]) for line in lines)
    assert ["app", "app", "dist/lib-1.0", "dist/lib-1.0"] == [line.split()[-2] for line in lines]
    found = json.loads(report.read_text())
    assert ["__main__", "helper", "lib", "lib.x"] == [one["name"] for one in found["modules"]]
    assert 64 == len(found["modules"][0]["sha256"])
    assert found["others"]["json"].endswith("json/__init__.py")
    assert ["app", "dist/lib-1.0"] == found["settled"]
    assert 1 == ended.code


def test_what_a_child_loads_is_not_told_for_its_parent(program: Program, tmp_path: Path) -> None:
    """A fork that ends as a program does would write over it."""
    program.files(
        {
            "main.py": "import os\nchild = os.fork()\n"
            "if child: os.waitpid(child, 0); import late\n",
            "late.py": "",
        }
    )
    report = tmp_path / "report.json"
    write(tmp_path, {"report.json": "old"})
    program.run(changes={"report": str(report)})
    assert ["__main__", "late"] == [
        one["name"] for one in json.loads(report.read_text())["modules"]
    ]

    (program.app / "late.py").write_text("")
    program.roots.clear()
    program.files({"main.py": "import os\nif os.fork(): os._exit(0)\n"})
    report.unlink()
    program.run(changes={"report": str(report)})
    assert not report.exists()


def test_a_trace_does_not_move_the_cursor(python: Python, tmp_path: Path) -> None:
    """A line is a line."""
    program = Program(python, tmp_path / "a\n\u202eb")
    program.files({"main.py": "import helper\n", "helper.py": ""})
    ended = program.run(changes={"trace": True})

    assert 2 == len(ended.err.splitlines())
    assert all("/a\\u000a\\u202eb/" in line for line in ended.err.splitlines())


def test_what_a_path_or_a_message_holds_does_not_move_the_cursor(program: Program) -> None:
    """Controls and what turns the direction of text are spelled out."""
    program.files({"main.py": "import helper\n", "helper.py": "print(1)\n"})
    digest = hashlib.sha256(b"print(1)\n").hexdigest()
    bad = {digest: "a\x1b[2J\u202eb\nc"}
    ended = program.run(changes={"bad": bad})

    expected = f"error: {program.app}/helper.py is marked bad: a\\u001b[2J\\u202eb\\u000ac\n"
    assert (113, "", expected + "error: stopped\n") == ended


def test_code_of_a_child_is_the_text_that_was_judged(program: Program) -> None:
    """No comment in it says how to read it, as in a file: that would be other code."""
    code = "# coding: utf-7\nprint('+ACc-, 1) +ACM-')\n"
    program.files({"main.py": code})
    assert "+ACc-, 1) +ACM-\n" == program.run(changes={"entry": ("code", code)}).out
    assert " 1\n" == program.run().out
