"""`importlib.metadata` knows what is covered, and what only root could install."""

from __future__ import annotations

import hashlib

from tests.imports.child import Program, write

DROPPED = {
    "evil-9.dist-info/METADATA": "Metadata-Version: 2.1\nName: evil\nVersion: 9\n",
    "evil-9.dist-info/entry_points.txt": "[plugins]\nrun = evil:main\n",
    "evil-9.dist-info/RECORD": "",
    "evil.py": "print('EVIL')\ndef main(): pass\n",
    "old.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: old\nVersion: 1\n",
}
PLUGINS = (
    "import sys\nfrom importlib.metadata import entry_points\n"
    "if sys.version_info < (3, 10): found = entry_points().get('plugins', ())\n"
    "else: found = entry_points(group='plugins')\n"
    "print(sorted(one.name for one in found))\n"
    "for one in found: one.load()\n"
)


def test_a_dropped_distribution_has_no_entry_points(program: Program) -> None:
    """It would be loaded by whoever looks for plug-ins."""
    program.files({"main.py": PLUGINS})
    program.dist(
        "lib-1.0",
        {
            "lib.py": "def main(): pass\n",
            "lib-1.0.dist-info/entry_points.txt": "[plugins]\na = lib:main\n",
        },
    )
    write(program.site, DROPPED)
    assert "EVIL" in program.plain().out

    assert (0, "['a']\n", "") == program.run()


def test_what_is_told_of_a_covered_distribution(program: Program) -> None:
    """Name, version, requirements, files with their digests: all but what the installer wrote."""
    program.files(
        {
            "main.py": "from importlib import metadata as m\n"
            "d = m.distribution('My_Lib')\n"
            "print(m.version('my-lib'), m.version('MY.lib'), m.metadata('my.lib')['Name'])\n"
            "print(m.requires('my-lib'), d.read_text('top_level.txt').split())\n"
            "print(d.read_text('RECORD').count('\\n'), end=' ')\n"
            "print(d.read_text('INSTALLER'), d.read_text('x'))\n"
            "print(d.read_text('direct_url.json'), d.read_text('../my_lib.py'))\n"
            "for f in sorted(m.files('my-lib'), key=str): print(f, f.hash.mode, f.hash.value)\n"
            "print(m.files('my-lib')[0].locate().exists(), d.locate_file('my_lib.py'))\n"
            "print([x.metadata['Name'] for x in m.distributions()])\n"
            "print([x.metadata['Name'] for x in m.distributions(name='my.lib')])\n"
            "print([x.metadata['Name'] for x in m.distributions(path=['/nowhere'])])\n"
            f"print([x.metadata['Name'] for x in m.distributions(path=[{str(program.site)!r}])])\n"
            "try: m.version('evil')\n"
            "except m.PackageNotFoundError: print('not found')\n"
        }
    )
    info = "My_Lib-1.0.dist-info"
    program.dist(
        "My_Lib-1.0",
        {
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: My-Lib\nVersion: 1.0\n"
            "Requires-Dist: x\n",
            f"{info}/top_level.txt": "my_lib\r\n",
            f"{info}/RECORD": "wheel's own",
            f"{info}/WHEEL": "",
            "my_lib.py": "x = 1",
            "a, b/x.txt": "",
            "My_Lib-1.0.data/data/share/man": "man",
        },
    )
    write(program.folder / "venv", {"share/man": "man"})
    write(program.site, {**DROPPED, f"{info}/INSTALLER": "pip", f"{info}/RECORD": "pip's",
                         f"{info}/direct_url.json": "{}"})  # fmt: skip
    ended = program.run()

    lines = ended.out.splitlines()
    assert ["1.0 1.0 My-Lib", "['x'] ['my_lib']", "6 None None", "None None"] == lines[:4], (
        ended.err
    )
    files = ["../../share/man", *(f"{info}/{x}" for x in ("METADATA", "WHEEL", "top_level.txt"))]
    assert [*files, "a, b/x.txt", "my_lib.py"] == [
        line.split(" sha256 ")[0] for line in lines[4:10]
    ]
    import base64

    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1").digest()).decode().rstrip("=")
    assert f"my_lib.py sha256 {digest}" == lines[9]
    assert [
        f"True {program.site}/my_lib.py",
        "['My-Lib']",
        "['My-Lib']",
        "[]",
        "['My-Lib']",
        "not found",
    ] == lines[10:], ended.err


def test_changed_metadata_ends_the_run(program: Program) -> None:
    """An entry point that was added to a covered distribution is not read."""
    program.files({"main.py": PLUGINS})
    program.dist("lib-1.0", {"lib.py": "", "lib-1.0.dist-info/entry_points.txt": "[plugins]\n"})
    write(program.site, DROPPED)
    write(program.site, {"lib-1.0.dist-info/entry_points.txt": "[plugins]\nrun = evil:main\n"})
    assert "EVIL" in program.plain().out

    path = f"{program.site}/lib-1.0.dist-info/entry_points.txt"
    expected = f"error: {path} is not the file that dist/lib-1.0 has\nerror: stopped\n"
    assert (111, "", expected) == program.run()


def test_metadata_that_an_installer_did_not_bring_is_not_read(program: Program) -> None:
    """A file that was added to the folder of a covered distribution."""
    program.files({"main.py": PLUGINS})
    program.dist("lib-1.0", {"lib.py": ""})
    write(program.site, DROPPED)
    write(program.site, {"lib-1.0.dist-info/entry_points.txt": "[plugins]\nrun = evil:main\n"})

    assert (0, "[]\n", "") == program.run()


def test_distributions_of_the_system_are_listed(program: Program, tmp_path: object) -> None:
    """After the covered ones, as plain Python lists them."""
    system = write(
        program.folder / "system",
        {
            "sys-2.dist-info/METADATA": "Metadata-Version: 2.1\nName: sys\nVersion: 2\n",
            "lib-3.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: lib\nVersion: 3\n",
        },
    )
    program.files(
        {
            "main.py": "from importlib import metadata as m, invalidate_caches\n"
            "print([x.version for x in m.distributions()], m.version('sys'), m.version('lib'))\n"
            "print([x.version for x in m.distributions(path=['/nowhere'])])\n"
            "invalidate_caches()\n"
        }
    )
    program.dist("lib-1.0", {"lib.py": ""})
    ended = program.run(changes={"system": [str(system)]})

    lists, nothing = ended.out.splitlines()
    assert (0, "[]") == (ended.code, nothing), ended.err
    assert lists in ("['1.0', '2', '3'] 2 1.0", "['1.0', '3', '2'] 2 1.0")


def test_packages_and_the_distributions_that_bring_them(program: Program) -> None:
    """From Python 3.10 on, what `packages_distributions` says is of what is covered."""
    program.files(
        {
            "main.py": "from importlib import metadata as m\n"
            "print(getattr(m, 'packages_distributions', lambda: {'lib': ['lib']})()['lib'])\n"
        }
    )
    top = {"lib-1.0.dist-info/top_level.txt": "lib"}  # Python 3.10 looks nowhere else
    program.dist("lib-1.0", {"lib/__init__.py": "", **top})
    write(program.site, DROPPED)
    assert (0, "['lib']\n", "") == program.run()
