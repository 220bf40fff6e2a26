"""Programs as they are written, by the names that they would have: `./get`, `./nump`.

`./manage`: tests/loader/test_django.py. The command of a project: tests/loader/test_projects.py.
"""

from __future__ import annotations

import pytest

from tests.cli import apps
from tests.loader.loaded import loaded
from tests.native.conftest import program_of_checkout
from tests.world import Ran, World

NUMP = """\
import numpy
import numpy.linalg

print(numpy.__version__)
print(*(round(one) for one in numpy.linalg.solve([[2, 0], [0, 3]], [4, 9])))
"""
EXAMPLES = {
    "get": (apps.GET, "requests==2.32.3", "2.32.3\nhello\n", "requests/api.py"),
    "nump": (NUMP, "numpy==2.3.5", "2.3.5\n2 3\n", "numpy/linalg/__init__.py"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_with_plain_python(world: World, name: str) -> None:
    """Until a file that it loads is another: then plain Python runs that, and this does not."""
    program_of_checkout()
    source, needs, told, loads = EXAMPLES[name]
    alice = world.person("alice")
    alice.write("web/hello.txt", "hello\n")
    url = world.serve(alice.place / "web").url
    app = loaded(apps.make(alice, {f"{name}.py": source}, f"{name}.py", needs).signed()).built()
    assert Ran(0, told, "") == app.run(url) == app.plain(url)

    path = app.site / loads
    path.write_text(app.evil + path.read_text())
    assert "" == app.refused(url, names=loads).stdout
