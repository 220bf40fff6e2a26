"""`sig run manage.py`: a project of Django's own making, run verified; its migrations are files
that it looks for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App
from tests.world import Ran, Seeds, World

CHECKED = "System check identified no issues (0 silenced).\n"


def started(seeds: Seeds, python: str) -> Iterator[App]:
    """A new project, signed."""
    world = World(seeds)
    alice = world.person("alice")
    made = wheels.environment(alice.place / "v", python, "django")
    place = alice.place / "app"
    place.mkdir()
    subprocess.run(
        [made, "-m", "django", "startproject", "s", "."],
        cwd=place,
        env=alice.environment,
        check=True,
        timeout=60,
    )
    yield App(alice, place, made, "manage.py", "manage").signed()
    world.close()


@pytest.fixture(scope="module")
def _first(seeds: Seeds) -> Iterator[App]:
    """With the system's Python."""
    yield from started(seeds, wheels.system())


@pytest.fixture(scope="module")
def _elsewhere(seeds: Seeds) -> Iterator[App]:
    """With another."""
    yield from started(seeds, wheels.other())


ELSEWHERE = pytest.param("_elsewhere", id="other", marks=pytest.mark.soak)


@pytest.fixture(params=[pytest.param("_first", id="system"), ELSEWHERE])
def django(request: pytest.FixtureRequest) -> App:
    """Both; what a test changes for a while is as it was."""
    found: App = request.getfixturevalue(request.param)
    return found


def test_a_plan_names_the_project_and_its_distributions(_first: App) -> None:
    """manage.py and the five files of the package; three distributions."""
    told = apps.plan(_first.lock())

    assert [line for line in told if line.startswith("app 6 files ok")]
    names = [line.split()[1].lower() for line in told if line.startswith("dist ")]
    assert ["asgiref", "django", "sqlparse"] == names


def django_plain(app: App, *words: str) -> Ran:
    """The control, on a database of its own where one is written."""
    ours, kept = app.place / "db.sqlite3", app.place / "kept.sqlite3"
    if words != ("migrate",):
        return app.plain(*words)
    ours.rename(kept)
    ran = app.plain(*words)
    kept.rename(ours)
    return ran


def test_check_and_migrate_do_what_they_do(django: App) -> None:
    """Django's own lines; the database that it makes is no part of the app and disturbs nothing."""
    for words in (("check",), ("migrate",)):
        ran, same = django.run(*words), django_plain(django, *words)
        assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)
        assert 0 == ran.status
        assert words == ("migrate",) or CHECKED == ran.stdout
    assert 18 == ran.stdout.count("... OK\n")
    assert "not attested" not in django.lock().stdout
    (django.place / "db.sqlite3").unlink()


def test_it_tells_what_is_not_migrated(_first: App) -> None:
    """All of it, in lines and as an exit status."""
    for words, status in ((("showmigrations",), 0), (("migrate", "--check"), 1)):
        ran, same = _first.run(*words), _first.plain(*words)
        assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)
        assert status == ran.status
    (_first.place / "db.sqlite3").unlink()


def test_templates_and_settings_are_found(_first: App) -> None:
    """A page of the admin is rendered, with all that it includes."""
    code = (
        "from django.test import Client\n"
        "from django.conf import settings\nsettings.ALLOWED_HOSTS.append('testserver')\n"
        "page = Client().get('/admin/login/')\n"
        "print(page.status_code, b'csrfmiddlewaretoken' in page.content)"
    )
    ran = _first.run("shell", "-c", code)

    assert (0, "200 True\n") == (ran.status, ran.stdout), ran


def test_a_dropped_migration_is_not_listed(django: App) -> None:
    """Django lists the files of a folder and imports what it finds."""
    place = django.site / "django/contrib/auth/migrations"
    with apps.attack(place / "0099_evil.py", django.evil + "class Migration: pass\n"):
        ran = django.harmless("showmigrations", "auth")

    assert "0099" not in ran.stdout
    assert 12 == ran.stdout.count("[ ]")


def test_a_deleted_migration_is_a_violation(django: App) -> None:
    """A database without its last constraint would be made without a word."""
    place = django.site / "django/contrib/auth/migrations"
    (path,) = place.glob("0012_*.py")
    database, hidden = django.place / "db.sqlite3", place / "hidden"
    shutil.rmtree(place / "__pycache__")
    path.rename(hidden)
    database.unlink(missing_ok=True)
    try:
        ran = django.run("migrate")
        assert 111 == ran.status
        assert path.name in ran.stderr
        assert ran.stderr.splitlines()[-1] in apps.STOPPED
        assert not database.exists()
        assert 0 == django.plain("migrate").status
    finally:
        hidden.rename(path)
        database.unlink(missing_ok=True)


def test_a_dropped_command_is_not_found(_first: App) -> None:
    """Commands are files of a folder, too."""
    path = _first.site / "django/core/management/commands/evil.py"
    with apps.attack(path, _first.evil):
        ran = _first.run("evil")
        assert (False, 1) == (_first.was_evil(), ran.status)
        assert "Unknown command: 'evil'" in ran.stderr
        assert "    evil\n" not in _first.run("help").stdout
        _first.plain("evil")
        assert _first.was_evil()


def test_changed_settings_stop_it(_first: App) -> None:
    """Also those of a project that manage.py only names."""
    path = _first.place / "s/settings.py"
    with apps.attack(path, path.read_text() + _first.evil):
        _first.refused("check", names="s/settings.py")


def test_another_settings_module_is_not_found(_first: App) -> None:
    """DJANGO_SETTINGS_MODULE is not passed on, and what it names is not covered."""
    code = _first.evil + (_first.place / "s/settings.py").read_text()
    env = {"DJANGO_SETTINGS_MODULE": "evil_settings"}
    words = ("check", "--settings", "evil_settings")
    with apps.attack(_first.place / "evil_settings.py", code):
        _first.harmless("check", env=env, told=CHECKED)
        ran = _first.run(*words)
        assert (False, 1) == (_first.was_evil(), ran.status)
        _first.plain(*words)
        assert _first.was_evil()
