"""`sig run` against files that were changed, added and taken away: loader.md's R1 to R9.

Every attack is run twice (tests/cli/apps.py): by `sig run`, where it must not show, and by plain
Python, where it must. What is refused has a twin that runs: the same app before the attack.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App

REQUESTS = "import requests; print(requests.__version__)"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (REQUESTS, "2.32.3\n"),
        ("import helper, package.part; print(helper.VALUE, package.part.VALUE)", "genuine part\n"),
        ("import plugins.good; print(plugins.good.VALUE)", "good\n"),
        ("import charset_normalizer.md as m; print(m.__file__[-3:])", ".so\n"),
        ("import sys; print(sys.prefix == sys.exec_prefix)", "True\n"),
    ],
)
def test_what_is_covered_runs(untouched: App, code: str, told: str) -> None:
    """The twin of all that follow: as plain Python, to the letter."""
    ran, same = untouched.run(code), untouched.plain(code)

    assert (0, told, "") == (ran.status, ran.stdout, ran.stderr)
    assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)


# R3: covered, but missing or different.


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("probe.py", "pass"),
        ("helper.py", "import helper"),
        ("plugins/good.py", "import plugins.good"),
        ("package/__init__.py", "import package.part"),
        ("package/part.py", "from package import part"),
    ],
)
def test_a_changed_file_of_the_app_stops_it(probe: App, name: str, code: str) -> None:
    """With the time and size of what was signed, too; the name of the file is in the words."""
    path = probe.place / name
    assert (0, "") == (probe.run(code).status, probe.run(code).stderr)
    apps.kept(path, path.read_text() + probe.evil)

    probe.refused(code, names=name)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("requests/__init__.py", REQUESTS),
        ("requests/api.py", REQUESTS),
        ("urllib3/util/__init__.py", REQUESTS),
        ("idna/core.py", "import idna"),
        ("certifi/core.py", REQUESTS),
    ],
)
def test_a_changed_dependency_stops_it(probe: App, name: str, code: str) -> None:
    """Wherever in the environment."""
    path = probe.site / name
    apps.kept(path, path.read_text() + probe.evil)
    # Plain Python has bytecode for that time and size, and trusts it.
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)

    probe.refused(code, names=name)


def test_what_is_not_loaded_is_not_looked_at(probe: App) -> None:
    """A file's digest is checked when it is loaded: a changed neighbour stops nobody."""
    path = probe.place / "late.py"
    path.write_text(probe.evil)

    assert (0, "2.32.3\n") == (probe.run(REQUESTS).status, probe.run(REQUESTS).stdout)
    probe.refused("import late", names="late.py")


def test_a_violation_is_no_exception(probe: App) -> None:
    """The script cannot catch it and go on with less, nor can a thread; what it said is out."""
    (probe.place / "late.py").write_text(probe.evil)
    caught = "print('before')\ntry:\n    import late\nexcept BaseException:\n    print('after')\n"
    ran = probe.refused(caught, names="late.py")
    assert "before\n" == ran.stdout

    code = (
        "import threading\nprint('before', end='')\n"
        "def go():\n    try:\n        import late\n    except BaseException:\n        pass\n"
        "t = threading.Thread(target=go); t.start(); t.join()\nprint('after')\n"
    )
    assert "before" == probe.refused(code, names="late.py").stdout
    code = "import atexit\natexit.register(print, 'after')\nimport late"
    assert "" == probe.refused(code, names="late.py").stdout


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("app/package/__init__.py", "import package; print(getattr(package, 'VALUE', None))"),
        ("app/helper.py", "import helper"),
        ("requests/__init__.py", "import requests"),
        ("requests/models.py", REQUESTS),
        ("urllib3/contrib/__init__.py", "import urllib3.contrib"),
        ("certifi/cacert.pem", "import certifi"),
    ],
)
def test_a_missing_file_stops_it(probe: App, name: str, code: str) -> None:
    """111, not ModuleNotFoundError, and no empty namespace in place of a package."""
    path = probe.person.place / name if name.startswith("app/") else probe.site / name
    path.unlink()
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)

    ran = probe.run(code)

    assert (111, "") == (ran.status, ran.stdout)
    assert name.removeprefix("app/") in ran.stderr
    assert ran.stderr.splitlines()[-1] in apps.STOPPED
    assert "Traceback" not in ran.stderr


def test_a_deleted_init_is_no_namespace(probe: App) -> None:
    """A check that became an empty namespace said no more what it had said."""
    (probe.place / "package/__init__.py").unlink()
    code = (
        "import package\n"
        f"if not hasattr(package, 'VALUE'):\n    open({str(probe.mark)!r}, 'w').write('evil')\n"
    )

    probe.refused(code, names="package/__init__.py")


def test_a_folder_or_a_link_in_place_of_a_file(probe: App) -> None:
    """A link to other bytes is other bytes; a link to the same is fine; a folder is none."""
    path = probe.place / "helper.py"
    same = probe.person.home / "same.py"
    shutil.move(path, same)
    path.symlink_to(same)
    code = "import helper; print(helper.VALUE)"
    assert (0, "genuine\n") == (probe.run(code).status, probe.run(code).stdout)

    same.write_text(probe.evil + 'VALUE = "evil"\n')
    probe.refused(code, names="helper.py")

    path.unlink()
    (path / "__init__.py").parent.mkdir()
    (path / "__init__.py").write_text(probe.evil)
    assert probe.run(code).status in (111, 114)
    path.rmdir() if not any(path.iterdir()) else shutil.rmtree(path)
    (probe.place / "helper").mkdir()
    (probe.place / "helper/__init__.py").write_text(probe.evil)
    probe.refused(code, names="helper.py")


def test_a_package_in_front_of_a_module_changes_nothing(probe: App) -> None:
    """helper/ wins over helper.py in plain Python, and so does a library of that name."""
    (probe.place / "helper").mkdir()
    (probe.place / "helper/__init__.py").write_text(probe.evil + 'VALUE = "evil"\n')

    probe.harmless("import helper; print(helper.VALUE)", told="genuine\n")


def test_a_library_in_front_of_a_module_changes_nothing(probe: App) -> None:
    """late.so is found before late.py, and its first line runs."""
    apps.library(probe, probe.place / "late.so")

    probe.harmless(
        "try:\n    import late\nexcept ImportError:\n    pass\nelse:\n    print(late.VALUE)",
        told="genuine\n",
    )


def test_files_of_two_releases_do_not_mix(probe: App) -> None:
    """Each is genuine, and was signed by its author; together they were never looked at."""
    newer = wheels.wheel("requests==2.32.4", wheels.version(str(probe.python)))
    with zipfile.ZipFile(newer) as archive:
        (probe.site / "requests/compat.py").write_bytes(archive.read("requests/compat.py"))

    ran = probe.run(REQUESTS)

    assert (111, "") == (ran.status, ran.stdout)
    assert "requests/compat.py" in ran.stderr
    assert "2.32.3\n" == probe.plain(REQUESTS).stdout


def test_one_more_authority_in_the_bundle_stops_it(probe: App) -> None:
    """The bundle of certifi is read by C code, past every hook: it is hashed with its package."""
    bundle = probe.site / "certifi/cacert.pem"
    first = bundle.read_text().partition("-----END CERTIFICATE-----\n")
    code = f"{REQUESTS}\nimport ssl; ssl.create_default_context(cafile={str(bundle)!r})"
    assert 0 == probe.run(code).status
    bundle.write_text("".join(first) + "\n" + "".join(first[:2]))

    ran = probe.run(code)

    assert (111, "") == (ran.status, ran.stdout)
    assert "certifi/cacert.pem" in ran.stderr
    assert 0 == probe.plain(code).status


def test_data_of_the_app_is_checked_when_it_is_read_as_a_resource(probe: App) -> None:
    """By importlib.resources and by get_data."""
    codes = (
        "import importlib.resources as r\n"
        "print(r.files('package').joinpath('words.txt').read_text())",
        "import pkgutil; print(pkgutil.get_data('package', 'words.txt').decode())",
    )
    for code in codes:
        assert "hello\n\n" == probe.run(code).stdout
    (probe.place / "package/words.txt").write_text("evil\n")
    for code in codes:
        ran = probe.run(code)
        assert (111, "") == (ran.status, ran.stdout)
        assert "evil\n\n" == probe.plain(code).stdout


def test_an_extension_module_that_was_replaced_is_not_loaded(probe: App) -> None:
    """Its constructor runs as soon as it is mapped."""
    (path,) = probe.site.glob("charset_normalizer/md.*.so")
    apps.library(probe, path)

    probe.refused(
        "try:\n    import charset_normalizer.md\nexcept ImportError:\n    pass",
        names="charset_normalizer/md",
    )


# R1, R2: what is not covered does not exist.


@pytest.mark.parametrize(
    "name",
    [
        "app/json.py",
        "app/requests.py",
        "app/idna/__init__.py",
        "app/simplejson.py",
    ],
)
def test_a_stray_file_beside_the_script_changes_nothing(probe: App, name: str) -> None:
    """Plain Python looks beside the script first: before the standard library."""
    probe.person.write(name, probe.evil + "raise ImportError\n")

    probe.harmless(REQUESTS, told="2.32.3\n")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("simplejson", kind) for kind in ("py", "package", "so", "pyc")),
        *((name, "py") for name in ("chardet", "brotli", "socks", "zstandard", "_brotli")),
    ],
)
def test_what_is_looked_for_by_those_who_cope_without_it(probe: App, name: str, kind: str) -> None:
    """Optional features of what is covered are open doors: a file of that name is enough."""
    code = f"try:\n    import {name}\nexcept ImportError:\n    pass\n{REQUESTS}"
    if kind == "py":
        (probe.site / f"{name}.py").write_text(probe.evil + "raise ImportError\n")
    elif kind == "package":
        (probe.site / name).mkdir()
        (probe.site / name / "__init__.py").write_text(probe.evil + "raise ImportError\n")
    elif kind == "so":
        apps.library(probe, probe.site / f"{name}.so")
    else:
        source = probe.site / f"{name}.py"
        apps.forge(probe, source, probe.evil + "raise ImportError\n", "sourceless")

    probe.harmless(code, told="2.32.3\n")


def test_an_empty_folder_is_no_feature(probe: App) -> None:
    """A folder without a covered file is no namespace package, in the environment or the app."""
    code = (
        "try:\n    import feature\n"
        "except ModuleNotFoundError as error:\n    print(error, error.name)\n"
        f"else:\n    open({str(probe.mark)!r}, 'w').write('evil')\n"
    )
    for place in (probe.site, probe.place):
        (place / "feature").mkdir()
        probe.harmless(code, told="No module named 'feature' feature\n")
        (place / "feature").rmdir()


def test_a_namespace_has_no_more_portions(probe: App) -> None:
    """plugins is the app's; a dropped file in it, or a plugins elsewhere, is neither listed nor
    loaded."""
    (probe.place / "plugins/evil.py").write_text(probe.evil)
    (probe.site / "plugins").mkdir()
    (probe.site / "plugins/worse.py").write_text(probe.evil)
    code = (
        "import importlib, pkgutil, plugins\n"
        "for found in pkgutil.iter_modules(plugins.__path__):\n"
        "    print(found.name, importlib.import_module('plugins.' + found.name).VALUE)\n"
    )
    control = code.replace(".VALUE)", ")")
    assert "good good\n" == probe.run(code).stdout
    probe.harmless(control)
    for name in ("evil", "worse"):
        probe.harmless(
            f"try:\n    import plugins.{name}\nexcept ModuleNotFoundError:\n    print('none')",
            told="none\n",
        )


def test_a_dropped_dist_info_is_not_listed(probe: App) -> None:
    """Hosts load what entry points name; only covered distributions have any."""
    place = probe.site / "evil-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text("[hooks]\nevil = evil_hooks\n")
    (probe.site / "evil_hooks.py").write_text(probe.evil)
    code = (
        "import importlib.metadata as m\n"
        "for found in m.entry_points(group='hooks'):\n    found.load()\n"
        "print(sorted(d.metadata['Name'].lower() for d in m.distributions()))\n"
        "print(m.version('requests'), len(m.files('idna')) > 5)\n"
    )

    ran = probe.harmless(code)

    names = "['certifi', 'charset-normalizer', 'idna', 'requests', 'urllib3']"
    assert [names, "2.32.3 True"] == ran.stdout.replace("_", "-").splitlines()


def test_entry_points_added_to_a_covered_dist_info(probe: App) -> None:
    """It has no such file; the list of what it has is signed."""
    (place,) = probe.site.glob("requests-*.dist-info")
    (place / "entry_points.txt").write_text("[hooks]\nevil = evil_hooks\n")
    (probe.site / "evil_hooks.py").write_text(probe.evil)

    probe.harmless(
        "import importlib.metadata as m\n"
        "for found in m.entry_points(group='hooks'):\n    found.load()\n"
    )


def test_a_changed_dist_info_is_not_read(probe: App) -> None:
    """Its version is what others decide by."""
    (path,) = probe.site.glob("requests-*.dist-info/METADATA")
    path.write_text(path.read_text().replace("Version: 2.32.3", "Version: 9.9.9"))
    code = "import importlib.metadata as m; print(m.version('requests'))"

    ran = probe.run(code)

    assert (111, "") == (ran.status, ran.stdout)
    assert "9.9.9\n" == probe.plain(code).stdout


@pytest.mark.parametrize("where", ["insert", "append"])
def test_later_entries_of_the_path_add_nothing(probe: App, where: str) -> None:
    """Neither a folder, nor a zip with two members of one name, nor a .pth in it."""
    folder = probe.person.home / "more"
    folder.mkdir()
    (folder / "evil_one.py").write_text(probe.evil)
    with pytest.warns(UserWarning), zipfile.ZipFile(folder / "z.zip", "w") as archive:
        archive.writestr("evil_two.py", "")
        archive.writestr("evil_two.py", probe.evil)
    for place, name in ((folder, "evil_one"), (folder / "z.zip", "evil_two")):
        put = "0, " if where == "insert" else ""
        probe.harmless(
            f"import sys; sys.path.{where}({put}{str(place)!r})\n"
            f"try:\n    import {name}\nexcept ModuleNotFoundError:\n    print('none')",
            told="none\n",
        )


def test_runpy_finds_covered_modules_only(probe: App) -> None:
    """As `import` does."""
    (probe.place / "stray.py").write_text(probe.evil)
    code = (
        "import runpy\nprint(runpy.run_module('package.part')['VALUE'])\n"
        "try:\n    runpy.run_module('stray')\nexcept ImportError:\n    print('none')"
    )

    probe.harmless(code, told="part\nnone\n")


def test_reload_reads_and_checks_anew(probe: App) -> None:
    """A module that was swapped after it was loaded stops it at the reload."""
    path = probe.place / "helper.py"
    code = (
        "import helper, importlib\nprint(importlib.reload(helper).VALUE, flush=True)\n"
        f"open({str(path)!r}, 'w').write({probe.evil!r} + '# another size')\n"
        "importlib.reload(helper)\nprint('after')\n"
    )
    genuine = path.read_text()
    ran = probe.run(code)
    assert (111, "genuine\n", False) == (ran.status, ran.stdout, probe.was_evil())
    path.write_text(genuine)
    probe.plain(code)
    assert probe.was_evil()


# Bytecode beside sources is never read.


@pytest.mark.parametrize("kind", ["stale", "unchecked"])
@pytest.mark.parametrize("name", ["helper", "requests"])
def test_forged_bytecode_is_not_run(probe: App, kind: str, name: str) -> None:
    """Of the app and of a dependency; the source beside it is untouched."""
    place = probe.place / "helper.py" if name == "helper" else probe.site / "requests/__init__.py"
    apps.forge(probe, place, probe.evil + "VALUE = __version__ = 'evil'\n", kind)
    code = f"import {name} as m; print(getattr(m, 'VALUE', '') or m.__version__)"

    probe.harmless(code, told="genuine\n" if name == "helper" else "2.32.3\n")


def test_forged_bytecode_in_place_of_a_source_is_not_run(probe: App) -> None:
    """The source is missing, and that is the end of it."""
    path = probe.place / "helper.py"
    path.unlink()
    apps.forge(probe, path, probe.evil, "sourceless")

    probe.refused("import helper", names="helper.py")


def test_forged_bytecode_of_the_script_is_not_run(probe: App) -> None:
    """Children of multiprocessing import the script by its name."""
    apps.forge(probe, probe.place / "probe.py", probe.evil, "stale")

    probe.harmless("import probe; print('done')", told="done\n")


# Code that comes past the finder.

PAST = {
    "marshal": "import marshal; exec(marshal.loads(marshal.dumps(compile({!r}, 'x', 'exec'))))",
    "another interpreter": "import sys\nx = __import__("
    "'_interpreters' if sys.version_info >= (3, 13) else '_xxsubinterpreters')\n"
    "x.run_string(x.create(), {!r})",
}
CHILD = """
import multiprocessing
with multiprocessing.get_context({!r}).Pool(1) as pool:
    pool.apply(exec, ({!r},))
"""


@pytest.mark.parametrize("way", PAST)
def test_what_comes_past_the_finder_is_refused(probe: App, way: str) -> None:
    """An exception, as of a module that is not there; in each kind of child, too."""
    code = PAST[way].format(probe.evil)
    for one in (code, *(CHILD.format(kind, code) for kind in ("fork", "spawn", "forkserver"))):
        ran = probe.attacked(one)
        assert 1 == ran.status, ran
        # A tracker of resources may come behind it, when who started it is gone.
        ends = [line.endswith(("not give it", "has one interpreter")) for line in
                ran.stderr.splitlines()]  # fmt: skip
        assert any(ends), ran


# What site would run.


@pytest.mark.parametrize("name", ["zzz.pth", "usercustomize.py", "distutils-precedence.pth"])
def test_what_site_runs_is_not_run(probe: App, name: str) -> None:
    """.pth lines and customizations in the environment. (Debian has a sitecustomize of its own,
    which hides another but that of a PYTHONPATH.)"""
    line = f"import os; {probe.evil}" if name.endswith(".pth") else probe.evil
    (probe.site / name).write_text(line)
    if name == "usercustomize.py":  # environments have no user's folder unless they want one
        settings = probe.prefix / "pyvenv.cfg"
        settings.write_text(settings.read_text().replace("= false", "= true"))

    probe.harmless(REQUESTS, told="2.32.3\n")


def test_a_path_line_adds_nothing(probe: App) -> None:
    """A .pth that came after the list was signed makes no root."""
    folder = probe.person.home / "more"
    folder.mkdir()
    (folder / "evil_more.py").write_text(probe.evil)
    (probe.site / "more.pth").write_text(f"{folder}\n")

    probe.harmless(
        "try:\n    import evil_more\nexcept ModuleNotFoundError:\n    print('none')", told="none\n"
    )


def test_the_users_packages_are_not_searched(probe: App) -> None:
    """Neither by pyvenv.cfg, which anybody may rewrite, nor below HOME."""
    version = wheels.version(str(probe.python))
    place = probe.person.home / f".local/lib/python{version}/site-packages"
    place.mkdir(parents=True)
    (place / "usercustomize.py").write_text(probe.evil)
    settings = probe.prefix / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("= false", "= true"))

    probe.harmless(REQUESTS, told="2.32.3\n")


def test_pyvenv_cfg_does_not_choose_the_standard_library(probe: App) -> None:
    """``home`` leads plain Python to another one."""
    evil = apps.farm(probe.person.home / "farm", probe, {"json.py": probe.evil})
    (evil / "bin").mkdir()
    (evil / "bin/python3").symlink_to(wheels.SYSTEM)
    (probe.prefix / "pyvenv.cfg").write_text(
        f"home = {evil}/bin\ninclude-system-site-packages = false\n"
    )
    code = "try:\n    import json\n    json.dumps\nexcept Exception:\n    pass"

    ran = probe.run(code)

    assert not probe.was_evil()
    assert ran.status in (0, 111, 114), ran
    probe.plain(code)
    assert probe.was_evil()


def test_nothing_is_shown_that_moves_the_cursor(probe: App) -> None:
    """The path of what was refused is shown; a path may be anything."""
    name = "a\x1b[2J\u202eb"
    app = probe.person.write(f"{name}/x.py", "import y\n").parent
    (app / "y.py").write_text("pass\n")
    evil = App(probe.person, app, probe.python, "x.py", "x").signed()
    assert 0 == evil.run().status
    (app / "y.py").write_text(probe.evil)

    ran = evil.refused(names="y.py")

    assert not set("\x1b\u202e") & set(ran.stderr)


def test_the_script_may_be_anywhere_but_is_always_the_one_that_was_signed(probe: App) -> None:
    """Swapped by rename while it is started, many times: the signed one, or nothing."""
    path = probe.place / "probe.py"
    genuine = path.read_text()
    spare, evil = probe.place / "spare", probe.place / "other"
    for turn in range(8):
        spare.write_text(genuine)
        evil.write_text(probe.evil)
        process = probe.start("sig", "print('ok')")
        for _ in range(2000):
            evil.rename(path)
            evil.write_text(probe.evil)
            spare.rename(path)
            spare.write_text(genuine)
            if process.poll() is not None:
                break
        stdout, stderr = process.communicate(timeout=60)
        assert not probe.was_evil(), (turn, stderr)
        assert (process.returncode, stdout) in ((0, "ok\n"), (111, "")), stderr
    for path in (spare, evil, Path(probe.place / "probe.py")):
        path.unlink(missing_ok=True)
