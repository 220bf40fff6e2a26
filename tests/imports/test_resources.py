"""Files beside modules: what is listed is what is covered, and what is read was hashed."""

from __future__ import annotations

import pytest

from tests.imports.child import Program, write

PACKAGE = {
    "pack/__init__.py": "",
    "pack/module.py": "",
    "pack/text.txt": "\xe4\r\nb",
    "pack/sub/inner.txt": "inner",
    "pack/sub/__init__.py": "",
    "pack/folder/deep/x.txt": "x",
}
STRAY = {"pack/evil.txt": "EVIL", "pack/evil.py": "print('EVIL')\n", "pack/folder/evil": "EVIL"}


def test_resources_of_a_package(program: Program) -> None:
    """`files` and all that hangs on it, as far as it is covered."""
    program.files(
        {
            "main.py": "import os, sys, pathlib\nfrom importlib import resources as r\n"
            "f = r.files('pack')\n"
            "print(sorted(x.name for x in f.iterdir()))\n"
            "print(f.is_dir(), (f / 'sub').is_dir(), (f / 'text.txt').is_file(), f.is_file())\n"
            "print((f / 'text.txt').read_bytes(), repr((f / 'text.txt').read_text('utf-8')))\n"
            "print(f.joinpath('folder', 'deep', 'x.txt').read_text(encoding='utf-8'))\n"
            "print(f.joinpath('folder/deep/x.txt').open('rb').read(), (f / 'sub').name)\n"
            "with (f / 'sub/inner.txt').open(encoding='utf-8') as s: print(s.read())\n"
            "for p in ('evil.txt', 'folder/evil', 'nowhere', '../../../etc/passwd'):\n"
            "    x = f / p\n"
            "    print(x.is_file(), x.is_dir(), end=' ')\n"
            "    try: x.read_bytes()\n"
            "    except FileNotFoundError: print('missing')\n"
            "try: (f / 'text.txt').open('w')\n"
            "except ValueError: print('read only')\n"
            "try: f.read_bytes()\n"
            "except IsADirectoryError: print('a folder')\n"
            "try: list((f / 'text.txt').iterdir())\n"
            "except NotADirectoryError: print('a file')\n"
            "with r.as_file(f / 'text.txt') as p: print(p, isinstance(p, pathlib.Path))\n"
            "print(str(f / 'sub') == os.fspath(f / 'sub') == str(pathlib.Path(f, 'sub')))\n"
            "g = r.files('pack')\n"
            "print(f == g, f / 'sub' == f.joinpath('sub'), len({f, g}))\n"
            "print((f / 'text.txt').suffix, (f / 'text.txt').stem, (f / 'sub').parent == f)\n"
        }
        | PACKAGE
    )
    write(program.app, STRAY)
    ended = program.run()

    assert [
        "['__init__.py', 'folder', 'module.py', 'sub', 'text.txt']",
        "True True True False",
        "b'\\xc3\\xa4\\r\\nb' '\xe4\\nb'",
        "x",
        "b'x' sub",
        "inner",
        *["False False missing"] * 4,
        "read only",
        "a folder",
        "a file",
        f"{program.app}/pack/text.txt True",
        "True",
        "True True 1",
        ".txt text True",
    ] == ended.out.splitlines(), ended.err


def test_the_old_functions(program: Program) -> None:
    """As far as the version has them."""
    program.files(
        {
            "main.py": "import warnings\nwarnings.simplefilter('ignore')\n"
            "import importlib.resources as r\n"
            "def call(name, *given):\n"
            "    f = getattr(r, name, None)\n"
            "    return f(*given) if f else None\n"
            "if hasattr(r, 'read_text'):\n"
            "    assert r.read_text('pack', 'text.txt') == '\\xe4\\nb'\n"
            "    assert r.read_binary('pack', 'text.txt') == b'\\xc3\\xa4\\r\\nb'\n"
            "    assert r.open_binary('pack.sub', 'inner.txt').read() == b'inner'\n"
            "    assert r.open_text('pack.sub', 'inner.txt').read() == 'inner'\n"
            "    assert r.is_resource('pack', 'text.txt')\n"
            "    assert not r.is_resource('pack', 'evil.txt')\n"
            "    assert not r.is_resource('pack', 'sub')\n"
            "    assert 'text.txt' in r.contents('pack')\n"
            "    assert 'evil.txt' not in r.contents('pack')\n"
            "    with r.path('pack', 'text.txt') as p: assert p.name == 'text.txt', p\n"
            "    for name in ('read_text', 'read_binary', 'open_binary'):\n"
            "        try: call(name, 'pack', 'evil.txt')\n"
            "        except FileNotFoundError: pass\n"
            "        else: raise SystemExit(name)\n"
        }
        | PACKAGE
    )
    write(program.app, STRAY)
    assert (0, "", "") == program.run()


def test_resources_of_a_namespace(program: Program) -> None:
    """Of all its covered portions, and of no other."""
    program.files(
        {
            "main.py": "import sys, space\nfrom importlib import resources as r\n"
            "if sys.version_info >= (3, 10):\n"
            "    f = r.files('space')\n"
            "    print(sorted(x.name for x in f.iterdir()), (f / 'one.txt').read_text(),"
            " (f / 'two.txt').read_text(), (f / 'both/b').read_text())\n"
            "    print((f / 'evil.txt').is_file())\n"
            "else:\n"
            "    print(\"['both', 'one.txt', 'two.txt'] 1 2 b\\nFalse\")\n"
            "print(space.__loader__.get_resource_reader('space').open_resource('two.txt').read())\n",
            "space/one.txt": "1",
            "space/both/a": "a",
        }
    )
    program.dist("lib-1.0", {"space/two.txt": "2", "space/both/b": "b"})
    write(program.app, {"space/evil.txt": "EVIL"})
    write(program.site, {"space/evil.txt": "EVIL"})

    assert (0, "['both', 'one.txt', 'two.txt'] 1 2 b\nFalse\nb'2'\n", "") == program.run()


@pytest.mark.parametrize(
    "how",
    [
        "from importlib.resources import files\nfiles('pack').joinpath('text.txt').read_bytes()",
        "from importlib.resources import files\nstr(files('pack') / 'text.txt')",
        "from importlib.resources import files\nstr(files('pack'))",
        "from importlib.resources import files, as_file\nas_file(files('pack') / 'text.txt')"
        ".__enter__()",
        "import pkgutil\npkgutil.get_data('pack', 'text.txt')",
        "import pack\npack.__loader__.get_resource_reader('pack').open_resource('text.txt')",
        "import pack\npack.__loader__.get_resource_reader('pack').resource_path('text.txt')",
    ],
)
def test_a_resource_that_was_changed_ends_the_run(program: Program, how: str) -> None:
    """By whatever way it is asked for; here after the root was looked at."""
    program.files(
        {"main.py": f"import pack\nopen('pack/text.txt', 'w').write('EVIL')\n{how}\nprint('on')\n"}
        | PACKAGE
    )
    ended = program.run()

    if how.endswith("files('pack'))"):  # a folder: its files were hashed before (R9)
        assert (0, "on\n", "") == ended
    else:
        assert (111, "") == ended[:2], ended.err


def test_data_is_hashed_before_the_first_module_of_its_root_runs(program: Program) -> None:
    """Libraries open it behind our back."""
    program.files({"main.py": "print(1, flush=True)\nimport lib\n"})
    program.dist("lib-1.0", {"lib.py": "print(open(__file__[:-3] + '.pem').read())\n",
                             "lib.pem": "good", "other/x.txt": "", "other.py": "",
                             "lib-1.0.data/data/etc/lib.conf": "conf"})  # fmt: skip
    write(program.folder / "venv", {"etc/lib.conf": "conf"})
    program.dist("more-1.0", {"more.py": "", "more.txt": ""})
    assert (0, "1\ngood\n", "") == program.run()

    (program.site / "more.txt").unlink()  # of a root of which nothing is loaded
    (program.site / "other.py").unlink()  # code: when it is loaded
    assert (0, "1\ngood\n", "") == program.run()
    for path, text in (
        (program.site / "lib.pem", "EVIL"),
        (program.site / "other/x.txt", "EVIL"),
        (program.site / "lib-1.0.dist-info/METADATA", "EVIL"),
        (program.folder / "venv/etc/lib.conf", "EVIL"),
    ):
        before = path.read_text()
        path.write_text(text)
        expected = f"error: {path} is not the file that dist/lib-1.0 has\nerror: stopped\n"
        assert (111, "1\n", expected) == program.run()
        path.write_text(before)
    assert (0, "1\ngood\n", "") == program.run()


def test_data_is_hashed_before_its_path_is_given(program: Program) -> None:
    """Where no module of its root was loaded: by metadata, and of a namespace package."""
    files = {"space/x.pem": "good"}
    for way in (
        "from importlib.metadata import files\n"
        "print([f for f in files('lib') if 'x.pem' in str(f)][0].locate().read_text())\n",
        "import os, space\n"
        "f = space.__loader__.get_resource_reader('space').files()\n"
        "print(open(os.path.join(f, 'x.pem')).read())\n",
    ):
        program.roots.clear()
        program.files({"main.py": way}).dist("lib-1.0", files)
        assert (0, "good\n", "") == program.run()
        (program.site / "space/x.pem").write_text("EVIL")
        assert (111, "") == program.run()[:2]


def test_a_large_file_is_hashed_when_it_is_opened(program: Program) -> None:
    """Not before: it may never be. Also after it was looked at once, and by a relative path."""
    large = b"x" * ((4 << 20) + 1)
    program.files(
        {
            "main.py": "import lib, os, sys\n"
            "path = os.path.join(os.path.dirname(lib.__file__), 'large.bin')\n"
            "if 'use' in sys.argv:\n"
            "    for k in range(3):\n"
            "        with open(path, 'rb') as f: assert f.read(1) == b'x'\n"
            "    os.chdir(os.path.dirname(path))\n"
            "    with open('large.bin', 'rb') as f: pass\n"
            "    os.close(os.open(b'./large.bin', os.O_RDONLY))\n"
            "    print('used', flush=True)\n"
            "    with open(path, 'r+b') as f: f.seek(9); f.write(b'!')\n"
            "    how = sys.argv[2]\n"
            "    if how == 'open': open(path)\n"
            "    if how == 'os.open': os.open('large.bin', os.O_RDONLY)\n"
            "    if how == 'bytes': open(b'large.bin')\n"
            "    if how == 'Path': __import__('pathlib').Path(path).read_bytes()\n"
            "    if how == 'FileIO': __import__('io').FileIO(__import__('pathlib').Path(path))\n"
            "    if how == 'get_data': lib.__loader__.get_data(path)\n"
            "    if how == 'link':\n"
            "        os.makedirs('x/y'); os.symlink('x/y', 'link'); open('link/../../large.bin')\n"
            "    if how == 'write': open(path, 'wb').close()\n"
            "print('on')\n",
        }
    )
    program.dist("lib-1.0", {"lib.py": "", "large.bin": large})
    for how in ("open", "os.open", "bytes", "Path", "FileIO", "get_data", "link"):
        assert (111, "used\n") == program.run("use", how)[:2], how
        (program.site / "large.bin").write_bytes(large)
    assert (0, "used\non\n", "") == program.run("use", "write")
    (program.site / "large.bin").write_bytes(large)
    assert (0, "on\n", "") == program.run()
    (program.site / "large.bin").unlink()
    assert 111 == program.run().code


def test_pkgutil_lists_what_is_covered(program: Program) -> None:
    """All of sys.path, one package, everything below it."""
    program.files(
        {
            "main.py": "import pkgutil, pack, sys\n"
            "print([(m.name, m.ispkg) for m in pkgutil.iter_modules(pack.__path__)])\n"
            "print([m.name for m in pkgutil.walk_packages(pack.__path__, 'pack.')])\n"
            "top = [m.name for m in pkgutil.iter_modules()]\n"
            "names = ('main', 'pack', 'lib', 'evil', 'string', 'folder')\n"
            "print([name for name in names if name in top])\n"
            "print(list(pkgutil.iter_modules(['evil', '/nowhere'])))\n"
            "get = pkgutil.get_data\n"
            "print(get('pack', 'text.txt'), get('pack.sub', 'inner.txt'))\n"
            "try: pkgutil.get_data('pack', 'evil.txt')\n"
            "except FileNotFoundError: print('missing')\n"
            "print(pkgutil.resolve_name('pack.sub:__name__'))\n"
        }
        | PACKAGE
    )
    program.dist("lib-1.0", {"lib.py": ""})
    write(program.app, {**STRAY, "evil/evil.py": "", "evil.py": "", "folder/__init__.py": ""})
    ended = program.run()

    assert [
        "[('module', False), ('sub', True)]",
        "['pack.module', 'pack.sub']",
        "['main', 'pack', 'lib', 'string']",
        "[]",
        "b'\\xc3\\xa4\\r\\nb' b'inner'",
        "missing",
        "pack.sub",
    ] == ended.out.splitlines(), ended.err


def test_a_path_is_extended_by_what_is_covered(program: Program) -> None:
    """`pkgutil.extend_path`; a `.pkg` file names folders, and these are looked up like others."""
    init = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    program.files({"main.py": "import pack.one, pack.two\ntry: import pack.evil\n"
                   "except ModuleNotFoundError: print('no evil')\n",
                   "pack/__init__.py": init, "pack/one.py": ""})  # fmt: skip
    program.dist("lib-1.0", {"pack/two.py": ""})
    write(program.app, {"pack.pkg": f"{program.folder}/evil\n", "pack/evil.py": "print('EVIL')"})
    write(program.folder, {"evil/evil.py": "print('EVIL')"})
    assert "EVIL" in program.plain().out

    assert (0, "no evil\n", "") == program.run()
