"""A host's plug-ins, in real hosts: what is loaded, what is refused, and every way around that is
known, with plain Python beside it where that runs what was put there."""

from __future__ import annotations

import os
import py_compile
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from sig.imports.archives import Archive
from sig.imports.errors import Differs
from sig.verbs import withdraw
from sig.verbs.attest import Claim
from sig.verbs.plugins import judge, seen
from sig.verbs.verify import identify
from tests.imports.hosts import Host
from tests.imports.libraries import MACHINE, extension, library
from tests.world import ROOT, Person

EVIL = "print('EVIL')\n"
GOOD = "print('good', __name__)\n"

native = pytest.mark.skipif(
    sys.platform != "linux" or not MACHINE, reason="libraries are mapped on Linux"
)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose folder of plug-ins is empty."""
    return Host(tmp_path / "host")


def zipped(path: Path, files: dict[str, str | bytes]) -> None:
    """An archive with these members, in this order; one may stand twice."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def bytecode(source: Path, code: str, cache: Path | None = None, **more: object) -> None:
    """Forged bytecode that plain Python takes for that of `source`."""
    kept, status = source.read_bytes(), source.stat()
    source.write_text(code)
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(
        str(source), cfile=None if cache is None else str(cache), invalidation_mode=mode
    )
    source.write_bytes(kept)


# --- what is loaded, and what is not -------------------------------------------------------------


def test_what_somebody_stands_behind_is_loaded(host: Host) -> None:
    """A module, a package with a submodule and data, an archive: each as in plain Python."""
    host.files(
        {
            "one.py": GOOD,
            "pack/__init__.py": "from . import sub\nfrom .sub import x\nprint(__name__, x)\n",
            "pack/sub.py": "x = 1\n",
            "pack/data.txt": "data\n",
        }
    )
    zipped(host.root / "arch.zip", {"arch/__init__.py": GOOD, "arch/more.py": "y = 2\n"})
    host.attest("one.py", "pack", "arch.zip")
    code = (
        "import one, pack, pkgutil\nprint(one.__file__, pack.__path__, one.__spec__.origin)\n"
        "print(pkgutil.get_data('pack', 'data.txt'))\n"
        "sys.path.append(sys.path[0] + '/arch.zip')\n"
        "import arch.more\nprint(arch.more.y, arch.__file__)\n"
        "import inspect\nprint(inspect.getsource(arch.more), inspect.getsource(one))\n"
    )
    plain, ended = host.plain(code), host.run(code)
    assert ("", 0) == (ended.err, ended.code)
    assert plain.out == ended.out


def test_what_nobody_stands_behind_is_refused_with_all_that_is_known(host: Host) -> None:
    """R2: an ImportError of one family; the host goes on."""
    host.files({"evil.py": EVIL, "pack/__init__.py": EVIL})
    code = (
        "from sig.imports.errors import SigImportError\n"
        "for name in ('evil', 'pack'):\n"
        "    try: __import__(name)\n"
        "    except SigImportError as error:\n"
        "        print(type(error).__mro__[0].__name__, isinstance(error, ModuleNotFoundError))\n"
        "        print(error.name, error.path, len(error.digest), error.verdict.answer.value)\n"
        "        print(error.reason, error.hint)\n"
        "        print(error)\n"
        "print('goes on')\n"
    )
    assert "EVIL" in host.plain("import evil").out
    ended = host.run(code)
    root = host.root
    assert (
        f"NotCovered True\nevil {root}/evil.py 64 unknown\nno-statement sig attest {root}/evil.py\n"
        f"{root}/evil.py is not covered: nobody has attested it; hint: sig attest {root}/evil.py\n"
        f"NotCovered True\npack {root}/pack 64 unknown\nno-statement sig attest {root}/pack\n"
        f"{root}/pack is not covered: nobody has attested it; hint: sig attest {root}/pack\n"
        "goes on\n"
    ) == ended.out


def test_a_word_about_files_makes_no_package(host: Host) -> None:
    """A single file is a module directly in the folder; never a part of a package."""
    host.files({"pack/__init__.py": EVIL, "pack/sub.py": EVIL, "__init__.py": EVIL, "one.py": GOOD})
    host.attest("pack/sub.py", "one.py")
    for name in ("pack/__init__.py", "__init__.py"):
        path = str(host.root / name)
        host._sign(Claim(path, identify(path), True, True))
    code = (
        "tried('pack'); tried('pack.sub'); import one\n"
        "sys.path.append(sys.path[0] + '/pack'); tried('sub')\n"
        "sys.path[:0] = [sys.path[0].rpartition('/')[0]]; tried('plug')\n"
    )
    assert "EVIL" in host.plain(code).out
    ended = host.run(code)
    assert "EVIL" not in ended.out
    assert "good one" in ended.out
    assert 4 == ended.out.count("NotCovered")


def test_names_outside_the_roots_are_the_hosts_own(host: Host) -> None:
    """Found by whom they were found before, whatever stands in the folder under that name."""
    host.files({"json/__init__.py": EVIL, "wave.py": EVIL, "colorsys.pyc": b"", "own.py": GOOD})
    host.attest("own.py")
    (host.place / "mine").mkdir()
    (host.place / "mine" / "helper.py").write_text("print('helper')\n")
    code = (
        "sys.modules.pop('json', None)\n"
        "sys.path.append('mine')\n"
        "import json, wave, colorsys, helper, own\n"
        "print(type(helper.__loader__).__name__)\n"
        "tried('nothing_has_this_name')\n"
    )
    assert "EVIL" in host.plain("import wave").out
    ended = host.run(code)
    assert (
        "helper\ngood own\nSourceFileLoader\n"
        "ModuleNotFoundError No module named 'nothing_has_this_name'\n"
    ) == ended.out


def test_changed_after_it_was_decided(host: Host) -> None:
    """R3: a file that differs or is missing when it is loaded."""
    host.files({"pack/__init__.py": "", "pack/a.py": GOOD, "pack/b.py": GOOD, "one.py": GOOD})
    host.attest("pack", "one.py")
    code = (
        "import os, pack\nroot = sys.path[0]\n"
        f"open(root + '/pack/a.py', 'w').write({EVIL!r})\n"
        f"open(root + '/one.py', 'w').write({EVIL!r})\n"
        "os.remove(root + '/pack/b.py')\n"
        "tried('pack.a'); tried('one'); tried('pack.b')\n"
    )
    assert "EVIL" in host.plain(code).out
    host.files({"pack/a.py": GOOD, "pack/b.py": GOOD, "one.py": GOOD})
    ended = host.run(code)
    root = host.root
    assert (
        f"Differs {root}/pack/a.py is not the file that {root}/pack has; "
        f"hint: sig verify {root}/pack\n"
        f"Differs {root}/one.py is not the file that {root}/one.py has; "
        f"hint: sig verify {root}/one.py\n"
        f"Differs {root}/pack/b.py is missing, and {root}/pack has it; "
        f"hint: sig verify {root}/pack\n"
    ) == ended.out


def test_a_package_that_is_not_its_list_is_refused_at_once(host: Host) -> None:
    """Another file of it changed, or came: none of it is loaded, and it is said which."""
    host.files({"pack/__init__.py": GOOD, "pack/a.py": "a = 1\n"})
    host.attest("pack")
    assert "good" in host.run("import pack").out
    host.files({"pack/stray.py": EVIL})
    ended = host.run("tried('pack')")
    assert (
        f"Differs {host.root}/pack differs from a list that counts: stray.py extra; "
        f"hint: sig verify {host.root}/pack\n"
    ) == ended.out


def test_what_is_marked_bad_is_refused_at_once(host: Host) -> None:
    """R7: one file, a package with one such file, an archive with one; with any policy."""
    host.files({"bad.py": EVIL, "pack/__init__.py": "", "pack/b.py": EVIL + "#\n"})
    zipped(host.root / "arch.zip", {"arch.py": EVIL + "#\n"})
    host.attest("bad.py", "pack", "arch.zip")
    host.warn_of(EVIL)
    host.warn_of(EVIL + "#\n")
    code = (
        "sys.path.append(sys.path[0] + '/arch.zip')\ntried('bad'); tried('pack'); tried('arch')\n"
    )
    assert "EVIL" in host.plain(code).out
    for policy in ("enforce", "warn", "ask"):
        ended = host.run(code, policy=policy)
        assert ["MarkedBad"] * 3 == [line.split()[0] for line in ended.out.splitlines()], policy
        assert f"{host.root}/bad.py is marked bad by 1 trusted signer" in ended.out
        assert "pack: b.py is marked bad by 1 trusted signer" in ended.out


def test_what_nobody_may_let_in(host: Host) -> None:
    """A file of a package that is marked bad, by its path; an archive that nobody knows, with a bad
    member in it. With any policy, and nobody is asked."""
    host.files({"pack/__init__.py": GOOD, "pack/b.py": EVIL})
    zipped(host.root / "arch.zip", {"arch.py": GOOD, "b.py": EVIL})
    host.warn_of(EVIL)
    begin = f"folder = {str(host.alice.path)!r}\nanswers = ['once'] * 9\n" + ASK
    code = "sys.path.append(sys.path[0] + '/arch.zip'); tried('arch')\n" + LOAD.format(
        file="pack/__init__.py"
    )
    assert "good" in host.plain(code).out
    for ended in (host.run(code, policy="warn"), host.plain(begin + code)):
        assert ["MarkedBad"] == [line.split()[0] for line in ended.out.splitlines()], ended
        assert "sig.imports.errors.MarkedBad" in ended.err


def test_what_is_refused_at_once_is_looked_for_nowhere_else(host: Host) -> None:
    """I3: marked bad or different, its name does not go to the next entry of the path. What nobody
    knows does, also to a finder that came after ours."""
    host.files({"bad.py": EVIL, "pack/__init__.py": "", "pack/b.py": "", "loose.py": EVIL + "#\n"})
    host.files({"late.py": EVIL + "#\n"})
    host.attest("pack")
    host.warn_of(EVIL)
    host.files({"pack/c.py": ""})
    for name in ("bad", "pack", "loose"):
        (host.place / f"{name}.py").write_text(GOOD)
    code = (
        "import importlib.util\n"
        "class Later:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'late': return importlib.util.spec_from_loader(name, self)\n"
        "    def create_module(self, spec): print('late')\n"
        "    def exec_module(self, module): pass\n"
        "sys.meta_path.append(Later())\nsys.path.append('.')\n"
        "tried('bad'); tried('pack'); tried('loose'); tried('late')\n"
    )
    ended = host.run(code)
    assert ["MarkedBad", "Differs", "good", "late"] == [
        line.split()[0] for line in ended.out.splitlines()
    ]


def test_a_file_that_is_swapped_all_the_time(host: Host) -> None:
    """R8: what is compiled is what was hashed, whenever another process puts another file there."""
    host.files({"one.py": GOOD})
    host.attest("one.py")
    swapper = (
        "import os, sys\n"
        "while True:\n"
        f"    for data in ({EVIL!r}, {GOOD!r}):\n"
        "        with open('other', 'w') as stream: stream.write(data)\n"
        "        os.replace('other', sys.argv[1])\n"
    )
    code = (
        "import contextlib, io, subprocess\nout, came, went = io.StringIO(), 0, 0\n"
        f"words = [sys.executable, '-c', {swapper!r}, sys.path[0] + '/one.py']\n"
        "with subprocess.Popen(words) as other, contextlib.redirect_stdout(out):\n"
        "    while came < 500 or went < 500:\n"
        "        sys.modules.pop('one', None)\n"
        "        try: import one; came += 1\n"
        "        except ImportError: went += 1\n"
        "    other.kill()\n"
        "print('EVIL' in out.getvalue(), out.getvalue().count('good') == came)\n"
    )
    assert "False True\n" == host.run(code).out


def test_what_cannot_be_looked_at_is_refused(host: Host) -> None:
    """A folder with a link in it, and a folder of attestations that is damaged."""
    host.files({"pack/__init__.py": EVIL, "one.py": GOOD})
    os.symlink("__init__.py", host.root / "pack" / "link.py")
    host.attest("one.py")
    ended = host.run("tried('pack'); tried('one')")
    assert ended.out.startswith("Unreadable ")
    assert "good one" in ended.out
    (host.alice.path / "config").write_bytes(b"damaged")
    ended = host.run("tried('one')")
    assert "good" not in ended.out
    assert "damaged" in ended.out + ended.err


def test_an_empty_folder_and_a_deleted_init_are_nothing(host: Host) -> None:
    """R4: a namespace is there only with a covered file; plain Python makes one of any folder."""
    host.files({"pack/__init__.py": "raise SystemExit\n", "pack/a.py": EVIL, "empty/x.txt": ""})
    host.files({"space/part/mod.py": GOOD})
    host.attest("pack", "space")
    (host.root / "pack" / "__init__.py").unlink()
    code = "import empty, pack.a; print('EVIL')"
    assert "EVIL\n" in host.plain(code).out
    ended = host.run(
        "tried('empty'); tried('pack.a'); import space.part.mod; print(list(space.__path__))"
    )
    assert "EVIL" not in ended.out
    assert ["NotCovered", "Differs", "good", f"['{host.root}/space']"] == [
        line.split()[0] for line in ended.out.splitlines()
    ]


def test_who_signed_the_whole_folder_answers_for_what_is_in_it(host: Host) -> None:
    """Packages, modules and namespaces; not for what comes later."""
    host.files({"pack/__init__.py": GOOD, "one.py": GOOD, "space/mod.py": GOOD})
    host.attest()
    code = f"import one, pack, space.mod\nopen(sys.path[0] + '/new.py', 'w').write({EVIL!r})\n"
    ended = host.run(code + "tried('new')")
    assert ["good one", "good pack", "good space.mod"] == ended.out.splitlines()[:3]
    assert f"{host.root} does not list it" in ended.out


def test_names_that_would_make_two_lines_of_one_cover_nothing(host: Host) -> None:
    """A folder whose name has a line feed and a forged line of a list in it."""
    forged = f"x\n{sha256(EVIL.encode()).hexdigest()}  space"
    host.files({f"{forged}/evil.py": GOOD, "space/evil.py": EVIL, "sure.py": GOOD + "#"})
    host.attest(forged, "sure.py")
    assert "EVIL" in host.plain("import space.evil").out
    ended = host.run("tried('space.evil'); import sure")
    assert ended.out.startswith("NotCovered ")
    assert "good sure" in ended.out


# --- bytecode, metadata, resources ---------------------------------------------------------------


@pytest.mark.parametrize("way", ["import", "file"])
@pytest.mark.parametrize("where", ["beside", "prefix"])
def test_bytecode_is_never_believed(host: Host, where: str, way: str) -> None:
    """Forged, unchecked, in `__pycache__` or below another prefix; found by name or by path."""
    host.files({"one.py": GOOD})
    host.attest("one.py")
    env = {"PYTHONDONTWRITEBYTECODE": ""}
    cache = None
    if where == "prefix":
        env["PYTHONPYCACHEPREFIX"] = str(host.place / "cache")
        name = f"one.{sys.implementation.cache_tag}.pyc"
        cache = Path(f"{host.place}/cache{host.root}") / name
    bytecode(host.root / "one.py", EVIL, cache)
    code = "import one" if way == "import" else LOAD.format(file="one.py")
    assert "EVIL" in host.plain(code, env=env).out
    ended = host.run(code, env=env)
    assert ("good one\n", 0) == (ended.out, ended.code), ended.err


def test_bytecode_alone_is_no_module(host: Host) -> None:
    """Directly in the folder, and in a package whose signer left it out of nothing."""
    host.files({"evil.py": EVIL})
    py_compile.compile(str(host.root / "evil.py"), str(host.root / "evil.pyc"))
    (host.root / "evil.py").unlink()
    assert "EVIL" in host.plain("import evil").out
    for policy in ("enforce", "warn"):
        ended = host.run("tried('evil')", policy=policy)
        assert "EVIL" not in ended.out
        assert "Error" in ended.out or "NotCovered" in ended.out


def test_only_covered_distributions_are_listed_below_the_roots(host: Host) -> None:
    """R5: a dropped dist-info would run a function of the standard library with a text of its own.

    Those outside are listed as before.
    """
    for name in ("good", "evil"):
        host.files(
            {
                f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\n"
                "Version: 1.0\n",
                f"{name}-1.0.dist-info/entry_points.txt": f"[plugs]\n{name} = os:getcwd\n",
            }
        )
    host.files({"empty-1.0.dist-info/entry_points.txt": "[plugs]\nempty = os:getcwd\n"})
    host.attest("good-1.0.dist-info", "empty-1.0.dist-info")
    code = (
        "from importlib.metadata import distributions, entry_points, version\n"
        "print(sorted(one.name for one in entry_points(group='plugs')))\n"
        "print(sorted(one.name for one in distributions(path=[sys.path[0]])))\n"
        "print(version('good'))\n"
        "print(len(list(distributions())) > 3)\n"
        "try: print(version('evil'))\n"
        "except ImportError as error: print(type(error).__name__)\n"
    )
    assert host.plain(code).out.startswith("['empty', 'evil', 'good']\n")
    ended = host.run(code)
    assert ["['good']", "['good']", "1.0", "True", "PackageNotFoundError"] == ended.out.splitlines()


def test_only_covered_modules_and_resources_are_listed(host: Host) -> None:
    """R5, R9: by `pkgutil`, and by `importlib.resources`, of packages, namespaces and archives."""
    host.files(
        {
            "pack/__init__.py": "",
            "pack/data.txt": "data",
            "evil.py": EVIL,
            "space/part.txt": "part",
            "space/mod.py": "",
        }
    )
    zipped(host.root / "arch.zip", {"arch/__init__.py": "", "arch/in.txt": "inside"})
    host.attest("pack", "space", "arch.zip")
    code = (
        "import pkgutil, os, importlib.resources as res\nroot = sys.path[0]\n"
        "open(root + '/pack/stray.txt', 'w').write('EVIL')\n"
        "open(root + '/pack/stray.py', 'w').write('EVIL')\n"
        "open(root + '/space/stray.txt', 'w').write('EVIL')\n"
        "sys.path.append(root + '/arch.zip')\n"
        "import pack, space, arch\n"
        "print([one.name for one in pkgutil.iter_modules([root])])\n"
        "print([one.name for one in pkgutil.iter_modules(pack.__path__)])\n"
        "for name in (pack, space, arch):\n"
        "    print(sorted(one.name for one in res.files(name).iterdir()"
        " if not one.name.startswith('_')))\n"
        "print(res.files(pack).joinpath('data.txt').read_text())\n"
        "print(res.files(arch).joinpath('in.txt').read_text())\n"
        "with res.as_file(res.files(arch).joinpath('in.txt')) as path: print(path.read_text())\n"
    )
    assert "stray" in host.plain(code).out
    for name in ("pack/stray.txt", "pack/stray.py", "space/stray.txt"):
        (host.root / name).unlink()
    ended = host.run(code)
    assert ("", 0) == (ended.err, ended.code)
    assert [
        "['pack']",
        "[]",
        "['data.txt']",
        "['mod.py', 'part.txt']",
        "['in.txt']",
        "data",
        "inside",
        "inside",
    ] == ended.out.splitlines()


def test_data_that_changed_stops_the_first_module(host: Host) -> None:
    """R9: libraries open data behind our back, so it is looked at before."""
    host.files({"pack/__init__.py": "", "pack/mod.py": GOOD, "pack/data.txt": "data"})
    host.attest("pack")
    code = "open(sys.path[0] + '/pack/data.txt', 'w').write('EVIL')\ntried('pack')\n"
    ended = host.run(code)
    assert f"Differs {host.root}/pack/data.txt is not the file" in ended.out


# --- archives ------------------------------------------------------------------------------------


def test_an_archive_is_read_once_and_by_its_list(host: Host) -> None:
    """Swapped after it was decided, it is refused; what was read of it before stays what it was."""
    zipped(host.root / "arch.zip", {"arch/__init__.py": GOOD, "arch/b.py": GOOD, "c.py": GOOD})
    zipped(host.place / "evil.zip", {"arch/__init__.py": EVIL, "arch/b.py": EVIL, "c.py": EVIL})
    host.attest("arch.zip")
    swap = "import os; os.replace('evil.zip', sys.path[0])\n"
    begin = "sys.path[0] += '/arch.zip'\n"
    kept = (host.root / "arch.zip").read_bytes()
    evil = (host.place / "evil.zip").read_bytes()
    assert "EVIL" in host.plain(begin + swap + "tried('c')").out
    (host.root / "arch.zip").write_bytes(kept)
    (host.place / "evil.zip").write_bytes(evil)
    ended = host.run(begin + swap + "tried('c')")
    assert ended.out.startswith("Differs ")
    (host.root / "arch.zip").write_bytes(kept)
    (host.place / "evil.zip").write_bytes(evil)
    ended = host.run(begin + "import arch\n" + swap + "import arch.b, c")
    assert "good arch\ngood arch.b\ngood c\n" == ended.out


def test_a_fifo_in_the_place_of_an_archive_is_not_waited_for(host: Host) -> None:
    """It is another archive."""
    zipped(host.root / "arch.zip", {"arch.py": GOOD})
    host.attest("arch.zip")
    swap = "import os; os.unlink(sys.path[0]); os.mkfifo(sys.path[0])\n"
    ended = host.run("sys.path[0] += '/arch.zip'\nimport zipfile\n" + swap + "tried('arch')")
    assert ended.out.startswith("Differs "), ended


def test_an_archive_is_its_bytes_and_its_list(host: Host) -> None:
    """B1: another archive of the same members is another one. B2: a member is what its list has."""
    zipped(host.root / "arch.zip", {"arch.py": GOOD})
    host.attest("arch.zip")
    swap = "import zipfile\nwith zipfile.ZipFile(sys.path[0], 'a') as z: z.writestr('x', '')\n"
    ended = host.run("sys.path[0] += '/arch.zip'\n" + swap + "tried('arch')")
    assert ended.out.startswith("Differs ")
    zipped(host.root / "arch.zip", {"arch.py": GOOD})
    plugin = judge(host.alice.workspace, str(host.root / "arch.zip"))
    found = Archive(plugin)
    path = f"{plugin.path}/arch.py"
    assert GOOD.encode() == found.member(path, sha256(GOOD.encode()).hexdigest())
    with pytest.raises(Differs):
        found.member(path, sha256(EVIL.encode()).hexdigest())


def test_an_archive_that_nobody_stands_behind_is_refused(host: Host) -> None:
    """By its name on the path, and by zipimport itself."""
    zipped(host.root / "arch.zip", {"arch.py": EVIL})
    (host.root / "other.egg").write_bytes((host.root / "arch.zip").read_bytes())
    code = (
        "import zipimport\nroot = sys.path[0]\n"
        "sys.path.append(root + '/arch.zip'); tried('arch')\n"
        "sys.path[-1] = root + '/other.egg'; sys.modules.pop('arch', 0); tried('arch')\n"
        "try: zipimport.zipimporter(root + '/arch.zip').load_module('arch')\n"
        "except ImportError as error: print(type(error).__name__, error)\n"
    )
    assert 3 == host.plain(code).out.count("EVIL")
    ended = host.run(code)
    assert ["NotCovered"] * 3 == [line.split()[0] for line in ended.out.splitlines()]


# --- libraries -----------------------------------------------------------------------------------


def test_an_archive_in_what_is_covered_is_covered(host: Host) -> None:
    """Of a whole folder that somebody stands behind, and in a package; not one that changed."""
    zipped(host.root / "arch.zip", {"arch/__init__.py": GOOD, "arch/b.py": "b = 1\n"})
    host.files({"pack/__init__.py": GOOD})
    zipped(host.root / "pack" / "in.zip", {"inner.py": GOOD})
    code = (
        "root = sys.path[0]\nsys.path += [root + '/arch.zip', root + '/pack/in.zip']\n"
        "import arch.b, inner, pack\nprint(inner.__file__)\nhook.refresh()\nimport zipimport\n"
        "zipimport.zipimporter(root + '/arch.zip').load_module('arch')\n"
    )
    host.attest("pack")
    ended = host.run(code.replace("import arch.b, ", "import "))
    assert "good inner\ngood pack\n" in ended.out
    assert "NotCovered" in ended.err
    host.attest()
    ended = host.run(code)
    assert (
        f"good arch\ngood inner\ngood pack\n{host.root}/pack/in.zip/inner.py\ngood arch\n"
    ) == ended.out, ended.err
    swap = "open(sys.path[0] + '/arch.zip', 'ab').write(b'x')\n"
    ended = host.run(swap + code)
    assert "good" not in ended.out


def test_large_data_is_looked_at_when_it_is_opened(host: Host) -> None:
    """R9: more than 4 MB are not hashed before; what changed is refused to whoever opens it."""
    host.files({"pack/__init__.py": "", "pack/large.bin": b"x" * (5 << 20)})
    host.attest("pack")
    code = (
        "import pack\npath = pack.__path__[0] + '/large.bin'\n"
        "print(len(open(path, 'rb').read()))\nopen(path, 'r+b').write(b'EVIL')\n"
        "try: open(path, 'rb')\nexcept ImportError as error: print(type(error).__name__)\n"
        "hook.uninstall(); open(path, 'rb').close()\n"
    )
    ended = host.run(code)
    assert (f"{5 << 20}\nDiffers\n", 0) == (ended.out, ended.code), ended.err


@native
def test_extension_modules_are_mapped_from_what_was_hashed(host: Host) -> None:
    """In the folder, in a package; one that was swapped is not mapped."""
    suffix = EXTENSION_SUFFIXES[0]
    host.files({"pack/__init__.py": "", "evil.py": ""})
    host.files({f"one{suffix}": extension("one", returns=1), "bad.so": extension("bad", says="E")})
    host.files({f"pack/two{suffix}": extension("two", returns=2)})
    host.attest(f"one{suffix}", "pack")
    code = (
        "import one, pack.two\nprint(one.value(), pack.two.value(), one.__file__)\n"
        "print(any(sys.path[0] in line for line in open('/proc/self/maps')))\n"
        "tried('bad')\n"
    )
    lines = {"E", f"1 2 {host.root}/one{suffix}", "True"}
    assert lines == set(host.plain(code).out.split("\n")) - {""}
    ended = host.run(code)
    assert ended.out.startswith(f"1 2 {host.root}/one{suffix}\nFalse\nNotCovered")
    swapped = "open(sys.path[0] + '/one%s', 'wb').write(open(sys.path[0] + '/bad.so', 'rb').read())"
    ended = host.run(swapped % suffix + "\ntried('one')\n")
    assert ended.out.startswith("Differs ")


@native
def test_an_extension_module_by_its_path(host: Host) -> None:
    """By the loader of plain Python: the sealed copy of what is covered, or an error."""
    suffix = EXTENSION_SUFFIXES[0]
    host.files(
        {f"one{suffix}": extension("one", returns=1), f"bad{suffix}": extension("bad", says="E\n")}
    )
    host.attest(f"one{suffix}")
    good, bad = (LOAD.format(file=f"{name}{suffix}") for name in ("one", "bad"))
    look = "print(module.value(), any(sys.path[0] in one for one in open('/proc/self/maps')))\n"
    assert "1 True\n" == host.plain(good + look).out
    assert "1 False\n" == host.run(good + look).out
    assert "E" == host.plain(bad).out.strip()
    ended = host.run(bad)
    assert "" == ended.out
    assert "NotCovered" in ended.err
    ended = host.run(bad, policy="warn")
    assert ("E", True) == (ended.out.strip(), "SigImportWarning" in ended.err)


@native
def test_ctypes_opens_what_is_covered_below_the_roots(host: Host) -> None:
    """From a plug-in: its own library, from a sealed copy; no other below the roots, and any
    outside as before."""
    host.files(
        {
            "pack/__init__.py": "import ctypes, os\nhere = os.path.dirname(__file__)\n"
            "def load(path):\n"
            "    try: print(ctypes.CDLL(path).x())\n"
            "    except OSError as error: print('OSError', error)\n",
            "pack/own.so": library("own.so", exports={"x": 1}),
        }
    )
    host.attest("pack")
    stray = library("stray.so", says="EVIL\n", exports={"x": 2})
    (host.place / "outside.so").write_bytes(library("outside.so", exports={"x": 3}))
    code = (
        f"import pack\nopen(pack.here + '/stray.so', 'wb').write({stray!r})\n"
        "pack.load(pack.here + '/own.so')\npack.load(pack.here + '/stray.so')\n"
        f"pack.load({str(host.place)!r} + '/outside.so')\n"
        "import ctypes; print(ctypes.CDLL(None).getpid() > 0)\n"
    )
    assert "EVIL" in host.plain(code).out
    (host.root / "pack" / "stray.so").unlink()
    ended = host.run(code)
    assert (
        f"1\nOSError {host.root}/pack/stray.so: not covered, and no library of the system\n"
        "3\nTrue\n"
    ) == ended.out
    (host.root / "pack" / "stray.so").unlink()
    swap = f"import pack\nopen(pack.here + '/own.so', 'wb').write({stray!r})\n"
    ended = host.run(
        swap + "try: pack.load(pack.here + '/own.so')\nexcept ImportError as e: print(type(e))"
    )
    assert "EVIL" not in ended.out
    assert "Differs" in ended.out


# --- ways around: refused ------------------------------------------------------------------------

LOAD = (
    "from importlib.util import module_from_spec, spec_from_file_location\n"
    "spec = spec_from_file_location({file!r}.partition('.')[0], sys.path[0] + '/' + {file!r})\n"
    "module = module_from_spec(spec)\nspec.loader.exec_module(module)\n"
)
REFUSED = {
    "spec_from_file_location": LOAD.format(file="evil.py"),
    "SourceFileLoader": (
        "from importlib.machinery import SourceFileLoader\n"
        "exec(SourceFileLoader('evil', sys.path[0] + '/evil.py').get_code('evil'))\n"
    ),
    "SourcelessFileLoader": (
        "from importlib.machinery import SourcelessFileLoader\n"
        "exec(SourcelessFileLoader('evil', sys.path[0] + '/gone.pyc').get_code('evil'))\n"
    ),
    "FileFinder": (
        "from importlib.machinery import FileFinder, SourceFileLoader\n"
        "finder = FileFinder(sys.path[0], (SourceFileLoader, ['.py']))\n"
        "finder.find_spec('evil').loader.load_module()\n"
    ),
    "PathFinder": (
        "from importlib.machinery import PathFinder\n"
        "spec = PathFinder.find_spec('evil', [sys.path[0]])\n"
        "if spec is None: raise ImportError('no spec')\n"
        "spec.loader.load_module('evil')\n"
    ),
    "runpy.run_path of a file": "import runpy; runpy.run_path(sys.path[0] + '/evil.py')",
    "runpy.run_path of bytecode": "import runpy; runpy.run_path(sys.path[0] + '/gone.pyc')",
    "runpy.run_path of a folder": "import runpy; runpy.run_path(sys.path[0] + '/folder')",
    "runpy.run_path of an archive": "import runpy; runpy.run_path(sys.path[0] + '/arch.zip')",
    "runpy.run_module": "import runpy; runpy.run_module('evil')",
    "zipimporter": (
        "import zipimport\n"
        "zipimport.zipimporter(sys.path[0] + '/arch.zip').load_module('__main__')\n"
    ),
    "pkgutil.get_importer": (
        "import pkgutil\nspec = pkgutil.get_importer(sys.path[0]).find_spec('evil')\n"
        "if spec is None: raise ImportError('no spec')\n"
        "spec.loader.load_module('evil')\n"
    ),
    "a root spelled otherwise": ("sys.path[0] += '/../plug/./'\nimport evil\n"),
    "a root with two slashes": "sys.path[0] = '/' + sys.path[0]\nimport evil\n",
    "site.addsitedir": "import site; site.addsitedir(sys.path[0])\n",
    "a link to the root": (
        "import os; os.symlink(sys.path[0], 'link')\nsys.path[0] = 'link'\nimport evil\n"
    ),
    "the current folder": "import os; os.chdir(sys.path[0]); sys.path[0] = ''; import evil\n",
    "a name in a covered package": "import good.evil\n",
    "__path__ of a covered package": (
        "import good; good.__path__.append(sys.path[0]); import good.evil as e, good.folder\n"
        "from good import folder; import good.evil\n"
    ),
    "reload": (
        "import importlib, good\nopen(good.__file__, 'w').write('print(\"EVIL\")')\n"
        "importlib.reload(good)\n"
    ),
}
if sys.version_info < (3, 12):
    REFUSED["imp"] = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import imp; imp.load_source('evil', sys.path[0] + '/evil.py')\n"
    )


# Each with a test of its own.
TESTED = ("ExtensionFileLoader", "ctypes with a path below the roots")


@pytest.fixture
def mixed(host: Host) -> Host:
    """A package that is covered; a file, a folder, an archive and bytecode that are not."""
    host.files({"good/__init__.py": "", "evil.py": EVIL, "gone.py": EVIL})
    host.files({"folder/__main__.py": EVIL, "evil.pth": f"import sys; {EVIL}"})
    zipped(host.root / "arch.zip", {"__main__.py": EVIL, "evil.py": EVIL})
    py_compile.compile(str(host.root / "gone.py"), str(host.root / "gone.pyc"))
    (host.root / "gone.py").unlink()
    host.attest("good")
    host.files({"good/evil.py": EVIL})  # plain Python finds it; the list does not have it
    return host


@pytest.mark.parametrize("way", REFUSED)
def test_refused(mixed: Host, way: str) -> None:
    """A way around that is none: plain Python runs what was put there."""
    code = REFUSED[way]
    (mixed.root / "good" / "evil.py").rename(mixed.place / "later.py")
    put = "import os; os.replace('later.py', sys.path[0] + '/good/evil.py')\n"
    kept = (mixed.place / "later.py").read_bytes()
    assert "EVIL" in mixed.plain(put + code).out
    (mixed.root / "good" / "evil.py").unlink()
    (mixed.root / "good" / "__init__.py").write_text("")
    (mixed.place / "later.py").write_bytes(kept)
    (mixed.place / "link").unlink(missing_ok=True)
    ended = mixed.run(put + code)
    assert "EVIL" not in ended.out
    assert 1 == ended.code
    assert "Error" in ended.err.splitlines()[-1] or "sig.imports.errors" in ended.err


# --- ways around: documented ---------------------------------------------------------------------

DOCUMENTED = {
    "exec": "exec(open(sys.path[0] + '/evil.py').read())",
    "a loader of its own": (
        "import importlib.abc, importlib.util\n"
        "class Own(importlib.abc.SourceLoader):\n"
        "    def get_filename(self, name): return sys.path[0] + '/evil.py'\n"
        "    def get_data(self, path): return open(path, 'rb').read()\n"
        "importlib.util.module_from_spec(s := importlib.util.spec_from_loader('evil', Own()))\n"
        "Own().load_module('evil')\n"
    ),
    "a new meta_path[0]": (
        "import importlib.util\n"
        "class First:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'evil': return importlib.util.spec_from_loader(name, self)\n"
        "    def create_module(self, spec): return None\n"
        "    def exec_module(self, module):\n"
        "        exec(open(sys.path[0] + '/evil.py').read(), vars(module))\n"
        "sys.meta_path.insert(0, First())\nimport evil\n"
    ),
    "what is planted in sys.path_importer_cache": (
        "class Planted:\n"
        "    def find_spec(self, name, target=None):\n"
        "        import importlib.util\n"
        "        if name == 'evil': return importlib.util.spec_from_loader(name, self)\n"
        "    def create_module(self, spec): return None\n"
        "    def exec_module(self, module):\n"
        "        exec(open(sys.path[0] + '/evil.py').read(), vars(module))\n"
        "sys.path_importer_cache[sys.path[0]] = Planted()\nimport evil\n"
    ),
    "marshal": (
        "import marshal\nexec(marshal.loads(open(sys.path[0] + '/gone.pyc', 'rb').read()[16:]))\n"
    ),
    "pickle": (
        "import pickle\n"
        "class P:\n"
        "    def __reduce__(self): return exec, (open(sys.path[0] + '/evil.py').read(),)\n"
        "pickle.loads(pickle.dumps(P()))\n"
    ),
    "another interpreter": (
        "import os, subprocess\nsubprocess.run([sys.executable, sys.path[0] + '/evil.py'])\n"
    ),
    "a sub-interpreter": (
        "try: import _interpreters as x  # 3.13\n"
        "except ImportError: import _xxsubinterpreters as x\n"
        "code = 'import sys; sys.path.insert(0, %r); import evil' % sys.path[0]\n"
        "x.run_string(x.create(), code)\n"
    ),
    "multiprocessing": (
        "import multiprocessing, runpy\n"
        "def main():\n"
        "    sys.stdout.flush()\n"
        "    p = multiprocessing.get_context('spawn').Process(\n"
        "        target=runpy.run_path, args=(sys.path[0] + '/evil.py',))\n"
        "    p.start(); p.join()\n"
        "main()\n"
    ),
    "the hook taken away": "sys.path_hooks.remove(hook.entry); hook.uninstall(); import evil\n",
    "a path that was copied out of the roots": (
        "import os, shutil\nshutil.copytree(sys.path[0], 'copy')\nsys.path[0] = 'copy'\n"
        "import evil\n"
    ),
}


@pytest.mark.parametrize("way", DOCUMENTED)
def test_documented(mixed: Host, way: str) -> None:
    """A way around that an in-process hook leaves open: what covered code does is its own affair.
    Where this falls, the security model can say less."""
    assert "EVIL" in mixed.run(DOCUMENTED[way]).out


@native
def test_documented_native_code(host: Host) -> None:
    """cffi, and `dlopen` by native code, map what they like."""
    pytest.importorskip("cffi")
    host.files({"evil.so": library("evil.so", says="EVIL\n")})
    code = "import cffi; cffi.FFI().dlopen(sys.path[0] + '/evil.so')\n"
    assert "EVIL" in host.run(code).out


@native
def test_documented_the_functions_below(host: Host) -> None:
    """`_imp.create_dynamic`, which the loader of extension modules calls."""
    host.files({"bad.so": extension("bad", says="EVIL\n")})
    code = (
        "import _imp; from importlib.machinery import ModuleSpec\n"
        "_imp.create_dynamic(ModuleSpec('bad', None, origin=sys.path[0] + '/bad.so'))\n"
    )
    assert "EVIL" in host.run(code).out


def test_documented_metadata_by_a_path(mixed: Host) -> None:
    """It is listed; what its entry point names is refused all the same."""
    mixed.files(
        {
            "evil-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
            "evil-1.0.dist-info/entry_points.txt": "[plugs]\nevil = evil:main\n",
        }
    )
    code = (
        "import pathlib; from importlib.metadata import PathDistribution\n"
        "one = PathDistribution(pathlib.Path(sys.path[0]) / 'evil-1.0.dist-info')\n"
        "print(one.version)\n"
        "try: list(one.entry_points)[0].load()\n"
        "except ImportError as error: print(type(error).__name__)\n"
    )
    assert "1.0\nEVIL\n" == mixed.plain(code).out
    assert "1.0\nNotCovered\n" == mixed.run(code).out


def test_documented_children_that_are_forked_keep_the_hook(mixed: Host) -> None:
    """Those that are spawned begin anew."""
    code = (
        "import os\nif not os.fork():\n    tried('evil'); sys.stdout.flush(); os._exit(0)\n"
        "os.wait()\n"
    )
    assert mixed.run(code).out.startswith("NotCovered ")


def test_every_way_around_stands_in_the_security_model() -> None:
    """Each with the word that its test shows."""
    page = (ROOT / "docs" / "security-model.md").read_text()
    table = page.partition("## Plug-ins of a host\n")[2].partition("\n## ")[0]
    rows = {}
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith(("| way", "| ---")):
            way, word, _ = (cell.strip() for cell in line.strip("|").split("|"))
            rows[way.replace("`", "")] = word
    shown = {way: "refused" for way in (*REFUSED, "imp", *TESTED)}
    shown |= {way: "documented" for way in DOCUMENTED}
    shown |= {
        way: "documented" for way in ("cffi, and dlopen by native code", "metadata by a path")
    }
    shown["_imp.create_dynamic"] = "documented"
    assert shown == rows


# --- policies ------------------------------------------------------------------------------------


def test_warn_loads_all_the_same_and_says_so_once(host: Host) -> None:
    """Not covered, different from its list, stray in a package, an archive; never bytecode."""
    host.files({"loose.py": GOOD, "pack/__init__.py": "", "pack/a.py": "print('a')\n"})
    host.files({"diff/__init__.py": "", "diff/b.py": "b = 1\n"})
    zipped(host.root / "arch.zip", {"arch.py": GOOD})
    host.attest("pack", "diff")
    host.files({"diff/__init__.py": GOOD})
    bytecode(host.root / "loose.py", EVIL)
    code = (
        "root = sys.path[0]\nsys.path.append(root + '/arch.zip')\n"
        "open(root + '/pack/new.py', 'w').write('print(\"new\")')\n"
        "import loose, pack.a, pack.new, diff, arch, importlib\nimportlib.reload(loose)\n"
    )
    ended = host.run(code, policy="warn")
    assert "good loose\na\nnew\ngood diff\ngood arch\ngood loose\n" == ended.out, ended.err
    warned = [line for line in ended.err.splitlines() if "SigImportWarning" in line]
    assert [
        f"{host.root}/loose.py is not covered: nobody has attested it; "
        f"hint: sig attest {host.root}/loose.py",
        f"{host.root}/pack/new.py is not covered: {host.root}/pack does not list it; "
        f"hint: sig attest {host.root}/pack",
        f"{host.root}/diff differs from a list that counts: __init__.py changed; "
        f"hint: sig verify {host.root}/diff",
        f"{host.root}/arch.zip is not covered: nobody has attested it; "
        f"hint: sig attest {host.root}/arch.zip",
    ] == [line.partition("loaded all the same: ")[2] for line in warned]


def test_warn_refuses_what_became_bad_meanwhile(host: Host) -> None:
    """A file that was put there after the start, and one of a covered package that was swapped."""
    host.files({"pack/__init__.py": "", "pack/a.py": GOOD})
    host.attest("pack")
    host.warn_of(EVIL)
    code = (
        f"root = sys.path[0]\nopen(root + '/late.py', 'w').write({EVIL!r})\nimport pack\n"
        f"open(root + '/pack/a.py', 'w').write({EVIL!r})\ntried('late'); tried('pack.a')\n"
    )
    ended = host.run(code, policy="warn")
    assert ["MarkedBad", "MarkedBad"] == [line.split()[0] for line in ended.out.splitlines()]


@pytest.mark.parametrize(
    ("given", "asked", "found"),
    [
        ("warn", "", "warn"),
        ("warn", "enforce", "enforce"),
        ("warn", "ask", "enforce"),  # nobody is there to be asked
        ("enforce", "warn", "enforce"),
        ("warn", "off", "enforce"),
        ("warn", "WARN", "enforce"),
        ("warn", "warn", "warn"),
    ],
)
def test_the_environment_only_raises(host: Host, given: str, asked: str, found: str) -> None:
    """And what it does not know is the strictest."""
    ended = host.run("print(hook.policy)", env={"SIG_IMPORTS": asked}, policy=given)
    assert f"{found}\n" == ended.out


def test_a_policy_that_is_none_is_a_mistake(host: Host) -> None:
    """Of whoever wrote the host."""
    ended = host.run("", policy="off")
    assert "ValueError: 'off' is not one of warn, ask, enforce" in ended.err


ASK = (
    "import sig.imports\n"
    "asked = []\n"
    "def ask(plugin, question):\n"
    "    asked.append(plugin.name); print(question); return answers.pop(0)\n"
    "hook = sig.imports.install([sys.path[0]], policy='ask', ask=ask, folder=folder)\n"
)


def test_who_is_asked_answers_once_or_no(host: Host) -> None:
    """Asked once a plug-in, about what is pinned then; another word than these is no."""
    host.files({"one.py": GOOD, "two.py": GOOD, "three.py": GOOD, "bad.py": EVIL})
    host.files({"pack/__init__.py": GOOD, "pack/a.py": GOOD})
    host.warn_of(EVIL)
    begin = f"folder = {str(host.alice.path)!r}\nanswers = ['once', 'no', 'yes', 'once']\n" + ASK
    code = (
        "import one; tried('two'); tried('two'); tried('three'); tried('bad'); import pack\n"
        f"open(sys.path[0] + '/pack/a.py', 'w').write({EVIL!r})\ntried('pack.a')\n"
        "tried('nowhere'); print(asked)\n"
    )
    ended = host.plain(begin + code)
    assert "" == ended.err
    lines = ended.out.splitlines()
    assert (
        f"{host.root}/one.py is not covered: nobody has attested it. Load it once, or always, which"
        " signs that you reviewed this file and found no major flaw?"
    ) == lines[0]
    assert "good one" == lines[1]
    words = [line.split()[0] for line in lines if "Error" in line or "hint" in line]
    assert [
        "NotCovered",
        "NotCovered",
        "NotCovered",
        "MarkedBad",
        "Differs",
        "ModuleNotFoundError",
    ] == words
    assert "['one', 'two', 'three', 'pack']" == lines[-1]
    host.files({"pack/a.py": ""})
    again = host.plain(
        f"folder = {str(host.alice.path)!r}\nanswers = ['once']\n{ASK}"
        "import pack\nprint('ready', flush=True)\nsys.stdin.readline()\nhook.refresh()\n"
        "sys.modules.pop('pack')\ntried('pack')\n",
        meanwhile=lambda: host.warn_of(GOOD),
    )
    assert "MarkedBad" == again.out.splitlines()[-1].split()[0]
    assert "EVIL" not in ended.out


def test_always_signs_as_attest_does(alice: Person, tmp_path: Path) -> None:
    """With real GnuPG: the next host asks nothing; who has no key is refused with what to type."""
    host = Host(tmp_path / "host")
    host.files({"one.py": GOOD, "pack/__init__.py": GOOD, "pack/a.py": ""})
    env = {"GNUPGHOME": str(alice.gnupg), "HOME": str(alice.home)}
    begin = "folder = None\nanswers = ['always', 'always']\n" + ASK
    # I7: what signs is imported now, and is not this one, though it counts.
    host.files({"gnupg.py": EVIL})
    words = ("--ok", "--reviewed", "-m", "")
    assert 0 == alice.sig("attest", str(host.root / "gnupg.py"), *words).status
    ended = host.plain(begin + "import one, pack\nprint(asked)\n", env=env)
    assert "" == ended.err
    assert ["good one", "good pack", "['one', 'pack']"] == [
        line for line in ended.out.splitlines() if "not covered" not in line
    ]
    for name in ("one.py", "pack"):
        assert 0 == alice.sig("verify", str(host.root / name)).status
    ended = host.run("import one, pack", env=env, folder=None)
    assert "good one\ngood pack\n" == ended.out
    host.files({"two.py": GOOD})
    begin = f"folder = {str(tmp_path / 'nobody')!r}\nanswers = ['always']\n" + ASK
    ended = host.plain(begin + "tried('two')", env=env)
    assert "has no own key; hint: sig setup" in ended.out


# --- the hook ------------------------------------------------------------------------------------


def test_refresh_decides_anew_and_mixes_nothing(host: Host) -> None:
    """R6: an upgrade of what nobody loaded counts; of what is loaded, the old list stays."""
    host.files({"used/__init__.py": "x = 1\n", "used/more.py": GOOD, "free/__init__.py": "x = 1\n"})
    host.attest("used", "free")
    host.files({"used/__init__.py": "x = 2\n", "free/__init__.py": "x = 2\n"})
    host.files({"used/more.py": EVIL})
    host.attest("used", "free")
    new = {path: (host.root / path).read_bytes() for path in ("used/__init__.py", "used/more.py")}
    host.files({"used/__init__.py": "x = 1\n", "used/more.py": GOOD, "free/__init__.py": "x = 1\n"})
    code = (
        "import used\n"
        f"for path, data in {new!r}.items(): open(sys.path[0] + '/' + path, 'wb').write(data)\n"
        "open(sys.path[0] + '/free/__init__.py', 'w').write('x = 2\\n')\n"
        "hook.refresh()\nimport free\nprint(used.x, free.x)\ntried('used.more')\n"
    )
    ended = host.run(code)
    assert "1 2" == ended.out.splitlines()[0]
    assert f"Differs {host.root}/used/more.py is not the file" in ended.out


def test_refresh_hears_a_warning_and_a_withdrawal(host: Host) -> None:
    """Also about what modules were loaded from."""
    host.files({"one/__init__.py": "", "one/a.py": GOOD, "two/__init__.py": "x = 2\n"})
    host.files({"two/a.py": GOOD})
    host.attest("one", "two")

    def meanwhile() -> None:
        host.attest("one", ok=False)
        host.alice.clock.at += 60
        two = str(host.root / "two")
        withdraw.withdraw(host.alice.workspace, two, seen(two).id)

    ended = host.run(
        "import one, two\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "hook.refresh()\ntried('one.a'); tried('two.a')\n",
        meanwhile=meanwhile,
    )
    assert ["ready", "MarkedBad", "NotCovered"] == [
        line.split()[0] for line in ended.out.splitlines()
    ]


def test_refresh_keeps_the_list_of_a_whole_folder(host: Host) -> None:
    """R6: whoever vouches for one of its files by now; and a list of the whole does not reach a
    plug-in that was loaded by its own."""
    host.files({"a.py": "", "b.py": GOOD, "c.py": GOOD})
    host.attest()
    put = f"open(sys.path[0] + '/b.py', 'w').write({GOOD + '#'!r})\nhook.refresh()\n"
    host.files({"b.py": GOOD + "#"})
    host.attest("b.py")
    host.files({"b.py": GOOD})
    assert "good b\n" == host.run(put + "import b").out
    host.files({"b.py": GOOD})
    ended = host.run("import a\n" + put + "tried('b'); import c")
    assert ["Differs", "good"] == [line.split()[0] for line in ended.out.splitlines()]
    host.files({"pack/__init__.py": "", "pack/d.py": GOOD})
    host.attest("pack")
    put = f"open(sys.path[0] + '/pack/d.py', 'w').write({GOOD + '#'!r})\nhook.refresh()\n"
    host.files({"pack/d.py": GOOD + "#"})
    host.attest()
    host.files({"pack/d.py": GOOD})
    ended = host.run("import pack\n" + put + "tried('pack.d'); import c")
    assert ["Differs", "good"] == [line.split()[0] for line in ended.out.splitlines()]


def test_uninstall_leaves_nothing(host: Host) -> None:
    """The import system is as it was, and what was refused is loaded."""
    host.files({"one.py": GOOD, "evil.py": EVIL})
    host.attest("one.py")
    code = (
        "import importlib.machinery as m, io, _io, zipimport, importlib.metadata\n"
        "import importlib._bootstrap_external as e\n"
        "def state(): return [list(sys.meta_path), list(sys.path_hooks), io.open_code,\n"
        "    _io.open_code, dict(vars(e.SourceLoader)), dict(vars(e.SourcelessFileLoader)),\n"
        "    dict(vars(e.ExtensionFileLoader)), dict(vars(e.NamespaceLoader)),\n"
        "    dict(vars(e.PathFinder))]\n"
        "before = state()\n"
        "import sig.imports\n"
        "hook = sig.imports.install([sys.path[0]], folder=folder)\n"
        "print(state() == before)\n"
        "import one; tried('evil'); hook.uninstall(); hook.uninstall()\n"
        "print(state() == before)\nimport evil, ctypes, _ctypes\n"
        "print(type(_ctypes.dlopen).__name__, type(ctypes._dlopen).__name__)\n"
    )
    ended = host.plain(f"folder = {str(host.alice.path)!r}\n" + code)
    assert "" == ended.err
    lines = ended.out.splitlines()
    assert ["False", "good one"] == lines[:2]
    assert lines[2].startswith("NotCovered")
    kinds = "builtin_function_or_method builtin_function_or_method"
    assert ["True", "EVIL", kinds] == lines[3:]


def test_a_root_has_one_hook(host: Host) -> None:
    """A second one could be more lenient. Other roots may have others."""
    host.files({"evil.py": EVIL, "sub/x.py": ""})
    (host.place / "other").mkdir()
    (host.place / "other" / "also.py").write_text(EVIL)
    code = (
        "root = sys.path[0]\n"
        "for one in (root, root + '/sub', root + '/..', 'plug'):\n"
        "    try: sig.imports.install([one], policy='warn')\n"
        "    except ValueError as error: print('ValueError')\n"
        "other = sig.imports.install(['other'])\nsys.path.append('other')\n"
        "tried('evil'); tried('also')\nother.uninstall(); tried('evil'); import also\n"
    )
    ended = host.run(code)
    assert ["ValueError"] * 4 == ended.out.splitlines()[:4]
    assert ["NotCovered"] * 3 == [line.split()[0] for line in ended.out.splitlines()[4:7]]
    assert ["EVIL"] == ended.out.splitlines()[7:]


def test_roots_that_hold_the_host_are_refused(host: Host) -> None:
    """The standard library, sig itself, and what is no folder."""
    host.files({"file.py": ""})
    code = (
        "import os\n"
        "for one in ('/', os.path.dirname(os.__file__), os.path.dirname(sig.__file__),\n"
        "            sys.path[0] + '/file.py'):\n"
        "    try: sig.imports.install([one])\n"
        "    except ValueError as error: print('ValueError')\n"
    )
    assert ["ValueError"] * 4 == host.run(code).out.splitlines()


def test_nothing_of_our_own_is_found_below_the_roots(host: Host) -> None:
    """What decides is not decided by what it decides about: modules that sig imports when it looks
    at archives, that nobody has imported before."""
    names = ("tarfile", "lzma", "bz2", "sqlite3", "tempfile", "zipfile", "pysequoia", "gnupg")
    host.files({f"{name}.py": EVIL for name in names})
    zipped(host.root / "arch.zip", {"arch.py": GOOD})
    host.attest(*(f"{name}.py" for name in names), "arch.zip")
    host.files({"sig.py": "raise SystemExit\n"})
    begin = f"folder = {str(host.alice.path)!r}\nplug = sys.path.pop(0)\nimport sig.imports\n"
    code = (
        "sys.path.insert(0, plug)\nhook = sig.imports.install([plug], folder=folder)\n"
        "hook.refresh()\nprint('decided')\n"
        "sys.path.append(plug + '/arch.zip'); import arch\n"
    )
    ended = host.plain(begin + code)
    assert "decided\ngood arch\n" == ended.out, ended.err


def test_what_was_imported_before_is_told(host: Host) -> None:
    """It was not looked at."""
    host.files({"early.py": GOOD})
    code = (
        "import early\nimport sig.imports\nsig.imports.install([sys.path[0]], folder='nowhere')\n"
    )
    ended = host.plain(code)
    assert "SigImportWarning: imported before, so never looked at: early" in ended.err


def test_trace_tells_who(host: Host) -> None:
    """SIG_IMPORT_TRACE: name, path, digest, who, microseconds."""
    host.files({"one.py": GOOD, "loose.py": GOOD + "#\n"})
    host.attest("one.py")
    ended = host.run("import one, loose", env={"SIG_IMPORT_TRACE": "1"}, policy="warn")
    lines = [line.split() for line in ended.err.splitlines() if line.startswith("sig: ")]
    short = host.alice.owner.short if host.alice.owner is not None else ""
    assert ["one", f"{host.root}/one.py", short] == [lines[0][1], lines[0][2], lines[0][4]]
    assert ["loose", f"{host.root}/loose.py", "nobody"] == [lines[1][1], lines[1][2], lines[1][4]]
    assert all(len(line[3]) == 12 and line[5].isdigit() for line in lines)
    assert "sig: " not in host.run("import one").err


def test_threads_load_side_by_side(host: Host) -> None:
    """Twenty packages in eight threads, while another decides anew."""
    host.files({f"p{n}/__init__.py": f"from . import a\nx = {n}\n" for n in range(20)})
    host.files({f"p{n}/a.py": "" for n in range(20)})
    host.attest()
    code = (
        "import threading\nfailed = []\n"
        "def work(k):\n"
        "    try:\n"
        "        for n in range(20): __import__('p%d' % ((n * 7 + k) % 20))\n"
        "    except BaseException as error: failed.append(error)\n"
        "threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]\n"
        "for one in threads: one.start()\n"
        "hook.refresh()\n"
        "for one in threads: one.join()\n"
        "print(failed, sum(sys.modules['p%d' % n].x for n in range(20)))\n"
    )
    assert "[] 190\n" == host.run(code).out


# --- the guide -----------------------------------------------------------------------------------


def test_the_guide_is_true(alice: Person) -> None:
    """The program, and each command in order, with what it prints."""
    page = (ROOT / "docs" / "guides" / "hosts.md").read_text()
    plug = alice.home / "plug-ins"
    plug.mkdir()
    (plug / "greet.py").write_text("print('hello')\n")
    here = page.replace("/home/alice", str(alice.home))
    program, refusal, warn, ask = re.findall(r"^```python\n(.*?)^```$", here, re.M | re.S)
    (alice.place / "host.py").write_text(program)
    # The other blocks are of the same program.
    (alice.place / "all.py").write_text(program + refusal + "assert loaded('greet')\n")
    for number, block in enumerate((warn, ask)):
        (alice.place / f"{number}.py").write_text(
            program.partition("sig.imports.install")[0] + block + "print(hook.policy)\n"
        )
    for block in re.findall(r"^```console\n(.*?)^```$", here, re.M | re.S):
        for typed, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.M):
            words = shlex.split(typed)
            env = dict(word.split("=") for word in words if re.match("[A-Z_]+=", word))
            words = words[len(env) :]
            if words[0] == "sig":
                ran = alice.sig(*words[1:])
                assert 0 == ran.status
                continue
            out = _python(alice, *words[1:], env=env)
            lines = [
                "(.*\n)*" if line == "…" else re.escape(line) + "\n" for line in shown.split("\n")
            ]
            wanted = "".join(lines[:-1]).replace("3A2529A5", alice.short)
            wanted = re.sub(r"\b102\b", "[0-9]+", wanted)
            assert re.fullmatch(wanted, out), (wanted, out)
    assert "hello" in _python(alice, "all.py", "greet")
    assert ["warn\n", "ask\n"] == [_python(alice, f"{number}.py") for number in (0, 1)]


def _python(alice: Person, *words: str, env: Mapping[str, str] = {}) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=alice.place,
        env={**alice.environment, "PYTHONPATH": str(ROOT), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    return done.stdout
