"""`sig run` with numpy: extension modules, the libraries that they need, and where those are
looked for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import apps
from tests.cli.apps import App
from tests.world import Seeds, World

FFT = "import numpy.fft; print(numpy.fft.fft([1, 0]).real.tolist())"
ALGEBRA = "import numpy.linalg; print(round(numpy.linalg.det([[2, 0], [0, 3]])))"


@pytest.fixture(scope="module")
def _first(seeds: Seeds) -> Iterator[App]:
    world = World(seeds)
    alice = world.person("alice")
    yield apps.make(alice, {"probe.py": apps.PROBE}, "probe.py", "numpy").signed()
    world.close()


@pytest.fixture
def numpy(_first: App, world: World) -> App:
    """An app with numpy: a copy that may be changed."""
    return _first.again(world)


def needed(path: Path) -> list[str]:
    """The names in a library that look like those of others: more than it needs, not less."""
    found = re.findall(rb"\0(lib[\w.+-]+\.so[.\d]*|ld-linux[\w.-]+)(?=\0)", path.read_bytes())
    return sorted({name.decode() for name in found})


def searched(path: Path) -> list[Path]:
    """Where its RUNPATH leads."""
    found = re.findall(rb"\0(\$ORIGIN[^\0]*)(?=\0)", path.read_bytes())
    words = [word for value in found for word in value.decode().split(":")]
    return [Path(word.replace("$ORIGIN", str(path.parent))).resolve() for word in words]


def test_numpy_works(_first: App) -> None:
    """Its libraries are found, and its numbers are right: the twin of all that follow."""
    for code, told in ((FFT, "[1.0, 1.0]\n"), (ALGEBRA, "6\n")):
        ran, same = _first.run(code), _first.plain(code)
        assert (0, told, "") == (ran.status, ran.stdout, ran.stderr)
        assert told == same.stdout


def test_modules_are_those_of_their_files(_first: App) -> None:
    """__file__, __spec__ and tracebacks name the files, not a descriptor."""
    code = (
        "import numpy.linalg._umath_linalg as m, numpy\n"
        "print(m.__file__, m.__spec__.origin, m.__name__, numpy.__file__)\n"
        "try:\n    numpy.linalg.inv([[0]])\nexcept Exception:\n"
        "    import traceback; traceback.print_exc()\n"
    )
    ran, same = _first.run(code), _first.plain(code)
    assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)


def test_64_descriptors_are_enough(_first: App) -> None:
    """As many as a small `ulimit -n` leaves: none stays open for a file that was loaded."""
    code = (
        f"import numpy.random\n{FFT}\n{ALGEBRA}\nimport os; print(len(os.listdir('/proc/self/fd')))"
    )
    told = {}
    for which, words in _first.commands(code).items():
        ran = subprocess.run(
            ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *words],
            env=_first.person.environment,
            cwd=_first.place,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (0, "") == (ran.returncode, ran.stderr), which
        told[which] = ran.stdout.splitlines()
    assert told["plain"][:2] == told["sig"][:2] == ["[1.0, 1.0]", "6"]
    assert int(told["sig"][2]) <= int(told["plain"][2]) + 4


@pytest.mark.parametrize("upload", [False, True])
def test_descriptors_that_were_closed_and_used_again(numpy: App, upload: bool) -> None:
    """What daemons do at their start; whatever was opened in their place is nobody's code."""
    numpy.person.write("upload", "")
    evil = numpy.person.place / "upload"
    evil.unlink()
    import zipfile

    with zipfile.ZipFile(evil, "w") as archive:
        for name in ("numpy/fft/__init__", "numpy/fft/_pocketfft", "numpy/random/__init__", "json"):
            archive.writestr(f"{name}.py", numpy.evil)
    again = f"kept = [open({str(evil)!r}, 'rb') for _ in range(40)]\n" if upload else ""
    code = (
        "import os, sys, numpy\nassert 'numpy.fft' not in sys.modules\n"
        f"os.closerange(3, 64)\n{again}{FFT}\nimport json, numpy.random\n"
        "print(numpy.random.__name__)\n"
    )

    ran = numpy.run(code)

    assert (False, 0, "[1.0, 1.0]\nnumpy.random\n", "") == (
        numpy.was_evil(),
        ran.status,
        ran.stdout,
        ran.stderr,
    )


def test_an_evil_library_in_every_place_that_is_searched(numpy: App) -> None:
    """Beside what asks, in each RUNPATH, and in the glibc-hwcaps of all of these."""
    asking = [path for path in numpy.site.rglob("*.so*") if path.is_file()]
    genuine = {path.name for path in asking}
    places = {path.parent for path in asking}
    names = set()
    for path in asking:
        places.update(searched(path))
        names.update(needed(path))
    assert any(place.name == "numpy.libs" for place in places)
    assert any(name.startswith("libscipy_openblas") for name in names)
    apps.library(numpy, numpy.person.home / "evil.so")
    for place in places:
        for below in ("", *apps.hwcaps()):
            (place / below).mkdir(parents=True, exist_ok=True)
            for name in names:
                target = place / below / name
                if not target.exists():
                    shutil.copyfile(numpy.person.home / "evil.so", target)
    assert genuine & names

    for code, told in ((FFT, "[1.0, 1.0]\n"), (ALGEBRA, "6\n")):
        ran = numpy.run(code)
        assert (False, 0, told, "") == (numpy.was_evil(), ran.status, ran.stdout, ran.stderr)


def test_a_better_library_for_this_processor(numpy: App) -> None:
    """glibc-hwcaps stand before the folder itself: plain Python loads what was dropped there."""
    (blas,) = numpy.site.glob("numpy.libs/libscipy_openblas*.so")
    # It works as the genuine one: that stands beside it, under another name.
    other = blas.name.replace("openblas", "evilblas")
    place = blas.parent / apps.hwcaps()[-1]
    place.mkdir(parents=True)
    for path in blas.parent.glob("*.so*"):
        shutil.copyfile(path, place / path.name)
    data = (place / blas.name).read_bytes().replace(blas.name.encode(), other.encode())
    (place / other).write_bytes(data)
    (place / blas.name).unlink()
    apps.library(numpy, place / blas.name, name=blas.name, needs=[place / other])

    numpy.harmless(ALGEBRA, told="6\n")


@pytest.mark.parametrize("pattern", ["numpy/fft/_pocketfft_umath*.so", "numpy.libs/*openblas*.so"])
def test_a_library_that_was_replaced_is_not_loaded(numpy: App, pattern: str) -> None:
    """An extension module, and one that such a module needs."""
    (path,) = numpy.site.glob(pattern)
    apps.library(numpy, path, name=path.name if ".libs" in pattern else "")
    if ".libs" in pattern:  # symbols are missing: plain Python fails before a line of it runs
        ran = numpy.run(ALGEBRA)
        assert (111, "", False) == (ran.status, ran.stdout, numpy.was_evil())
        assert path.name in ran.stderr
        return

    numpy.refused(
        f"try:\n    {FFT.partition(';')[0]}\nexcept ImportError:\n    pass", names=path.name
    )


@pytest.mark.parametrize("pattern", ["numpy/fft/_pocketfft_umath*.so", "numpy.libs/*openblas*.so"])
def test_a_library_that_is_missing(numpy: App, pattern: str) -> None:
    """111, and nothing is taken in its place."""
    (path,) = numpy.site.glob(pattern)
    path.unlink()

    ran = numpy.run(f"{FFT}\n{ALGEBRA}")

    assert (111, "") == (ran.status, ran.stdout)
    assert path.name in ran.stderr


def test_a_library_for_ctypes_must_be_covered(numpy: App) -> None:
    """The script may open what it has; what was dropped is refused."""
    (path,) = numpy.site.glob("numpy/fft/_pocketfft_umath*.so")
    evil = path.parent / "libevil.so"
    apps.library(numpy, evil)
    caught = (
        "import ctypes\ntry:\n    ctypes.CDLL({!r})\nexcept OSError:\n    pass\nprint('went on')"
    )

    ran = numpy.run(caught.format(str(evil)))

    assert not numpy.was_evil(), ran
    assert ran.status in (0, 111)
    numpy.plain(caught.format(str(evil)))
    assert numpy.was_evil()
    assert 0 == numpy.run("import ctypes; ctypes.CDLL(None); ctypes.CDLL('libc.so.6')").status


def test_the_last_bytes_of_a_library_count(numpy: App) -> None:
    """Not only its head: one byte appended is another file."""
    (path,) = numpy.site.glob("numpy/fft/_pocketfft_umath*.so")
    with path.open("ab") as stream:
        stream.write(b"\0")

    assert 111 == numpy.run(FFT).status
    assert "[1.0, 1.0]\n" == numpy.plain(FFT).stdout
