"""`sig run` against the environment: what the child inherits is a short list of harmless names."""

from __future__ import annotations

import os
import pwd
import select
import subprocess
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests import wheels
from tests.cli import apps
from tests.cli.apps import App

REQUESTS = "import requests; print(requests.__version__)"
JSON = "import json; print(json.loads('[1]'))"
BOTH = "try:\n    import json\n    print(json.loads('[1]'))\nexcept AttributeError:\n    pass"

# What a child may be told at all, beside what its own children need to know.
MARK = "SIG_RUN_"
ALLOWED = {"DISPLAY", "HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "TERM", "TZ", "USER"}
ALLOWED |= {"XDG_RUNTIME_DIR"}
VARIABLES = """
    EVIL LD_LIBRARY_PATH LD_BIND_NOW GCONV_PATH LOCPATH NLSPATH GLIBC_TUNABLES MALLOC_CHECK_
    OPENSSL_MODULES OPENSSL_ENGINES SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    SSLKEYLOGFILE HTTPS_PROXY BASH_ENV ENV TMPDIR PYTHONUNBUFFERED PYTHONOPTIMIZE PYTHONDEBUG
    PYTHONHASHSEED PYTHONIOENCODING PYTHONUTF8 PYTHONTRACEMALLOC PYTHONFAULTHANDLER
    PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONSAFEPATH XDG_CONFIG_HOME VIRTUAL_ENV
    __PYVENV_LAUNCHER__
"""


def evil_path(app: App) -> dict[str, str]:
    """A folder with a json.py."""
    place = app.person.home / "path"
    place.mkdir()
    (place / "json.py").write_text(app.evil)
    return {"PYTHONPATH": str(place)}


def evil_site(app: App) -> dict[str, str]:
    """A folder with a sitecustomize.py."""
    place = app.person.home / "path"
    place.mkdir()
    (place / "sitecustomize.py").write_text(app.evil)
    return {"PYTHONPATH": str(place)}


def evil_home(app: App) -> dict[str, str]:
    """Another standard library."""
    farm = apps.farm(app.person.home / "farm", app, {"json.py": app.evil})
    return {"PYTHONHOME": str(farm)}


def evil_warnings(app: App) -> dict[str, str]:
    """A category of warnings is imported to be named."""
    place = app.person.home / "path"
    place.mkdir()
    (place / "evil_category.py").write_text(app.evil)
    return {"PYTHONWARNINGS": "ignore::evil_category.Evil", "PYTHONPATH": str(place)}


def evil_cache(app: App) -> dict[str, str]:
    """Bytecode elsewhere."""
    place = app.person.home / "cache"
    source = app.place / "helper.py"
    version = wheels.version(str(app.python)).replace(".", "")
    target = f"{place}{source.parent}/helper.cpython-{version}.pyc"
    apps.forge(app, source, app.evil, "stale", target)
    return {"PYTHONPYCACHEPREFIX": str(place)}


def evil_breakpoint(app: App) -> dict[str, str]:
    """A function to call at breakpoint()."""
    (app.site / "evil_stop.py").write_text(app.evil + "def stop():\n    pass\n")
    return {"PYTHONBREAKPOINT": "evil_stop.stop"}


def evil_user(app: App) -> dict[str, str]:
    """The user's packages, elsewhere."""
    version = wheels.version(str(app.python))
    place = app.person.home / f"base/lib/python{version}/site-packages"
    place.mkdir(parents=True)
    (place / "usercustomize.py").write_text(app.evil)
    settings = app.prefix / "pyvenv.cfg"
    settings.write_text(settings.read_text().replace("= false", "= true"))
    return {"PYTHONUSERBASE": str(app.person.home / "base")}


def evil_preload(app: App) -> dict[str, str]:
    """A library in every process."""
    apps.library(app, app.person.home / "evil.so")
    return {"LD_PRELOAD": str(app.person.home / "evil.so")}


def evil_audit(app: App) -> dict[str, str]:
    """One that watches the others."""
    apps.library(app, app.person.home / "evil.so")
    return {"LD_AUDIT": str(app.person.home / "evil.so")}


def evil_openssl(app: App) -> dict[str, str]:
    """OpenSSL's settings name libraries."""
    apps.library(app, app.person.home / "evil.so")
    place = app.person.home / "openssl.cnf"
    place.write_text(
        "openssl_conf = one\n[one]\nengines = two\n[two]\nevil = three\n"
        f"[three]\nengine_id = evil\ndynamic_path = {app.person.home}/evil.so\ninit = 0\n"
    )
    return {"OPENSSL_CONF": str(place)}


@pytest.mark.parametrize(
    ("attack", "code", "told"),
    [
        (evil_path, BOTH, "[1]\n"),
        (evil_site, JSON, "[1]\n"),
        (evil_home, BOTH, "[1]\n"),
        (evil_warnings, JSON, "[1]\n"),
        (evil_cache, "import helper; print(getattr(helper, 'VALUE', ''))", "genuine\n"),
        (evil_breakpoint, "breakpoint()", None),
        (evil_user, JSON, "[1]\n"),
        (evil_preload, JSON, "[1]\n"),
        (evil_audit, JSON, "[1]\n"),
        (evil_openssl, "import ssl; print(ssl.create_default_context() is None)", "False\n"),
    ],
    ids=lambda value: getattr(value, "__name__", "").removeprefix("evil_") or None,
)
def test_a_variable_changes_nothing(
    probe: App, attack: Callable[[App], dict[str, str]], code: str, told: str | None
) -> None:
    """It is not passed on; plain Python obeys it."""
    env = attack(probe)
    if told is not None:
        probe.harmless(code, env=env, told=told)
        return
    ran = probe.run(code, env=env)  # pdb, without anybody to talk to
    assert not probe.was_evil(), ran
    probe.plain(code, env=env)
    assert probe.was_evil()


def on_a_terminal(app: App, which: str, env: dict[str, str], keys: str, *words: str) -> None:
    """Run it where somebody types, to its end."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        app.commands(*words)[which],
        env=app.person.environment | env,
        cwd=app.place,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    os.write(master, keys.encode())
    with suppress(OSError):  # that is how it ends
        while select.select([master], [], [], 60)[0] and os.read(master, 4096):
            pass
    try:
        assert 0 == process.wait(5)
    finally:
        process.kill()
    os.close(master)


def test_nobody_types_into_a_script_that_has_ended(probe: App) -> None:
    """PYTHONINSPECT makes of a script that has ended a Python that reads commands."""
    keys = probe.evil + "\nexit()\n"
    start = probe.person.write("start.py", probe.evil)
    env = {"PYTHONINSPECT": "1", "PYTHONSTARTUP": str(start)}
    on_a_terminal(probe, "sig", env, keys, "print(1)")
    assert not probe.was_evil()
    on_a_terminal(probe, "plain", env, keys, "print(1)")
    assert probe.was_evil()


def test_the_child_has_a_short_list_of_variables(untouched: App) -> None:
    """Whatever the caller has: names that only inform; HOME and PATH of the system."""
    app = untouched
    evil = dict.fromkeys(VARIABLES.split(), "1")
    evil |= {"PATH": f"/evil:{os.environ['PATH']}", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    evil |= {"SIG_DIR": str(app.person.folder), "GNUPGHOME": str(app.person.gnupg)}

    ran = app.run("import os; print(dict(os.environ))", env=evil)

    assert 0 == ran.status, ran
    found = eval(ran.stdout)  # noqa: S307  our own
    assert set() == {name for name in found if not name.startswith(("LC_", MARK))} - ALLOWED
    assert ("UTC", "C.UTF-8") == (found["TZ"], found["LC_ALL"])
    assert "/evil" not in found["PATH"]
    assert pwd.getpwuid(os.getuid()).pw_dir == found["HOME"]


def test_no_variable_lowers_the_check(probe: App) -> None:
    """Not ours either."""
    (probe.place / "helper.py").write_text(probe.evil)
    names = "SIG_CHECK SIG_VERIFY SIG_INSECURE SIG_DISABLE SIG_ALLOW SIG_TEST PYTHONINSECURE DEBUG"
    for value in ("0", "1", "off"):
        probe.refused("import helper", env=dict.fromkeys(names.split(), value))


def test_the_flags_are_those_of_an_isolated_python(untouched: App) -> None:
    """No site, no user's site, no writing of bytecode; nothing of ours in what the script sees."""
    code = (
        "import sys\nf = sys.flags\n"
        "print(f.isolated, f.ignore_environment, f.no_site, f.no_user_site, "
        "f.dont_write_bytecode)\n"
        "print(f.optimize, f.inspect, f.interactive, sys.argv[0], __name__)\n"
        "print([name for name in globals() if not name.startswith('__')])\n"
        "print(exit, quit)\n"
    )
    ran, same = untouched.run(code), untouched.plain(code)

    assert (0, "1 1 1 1 1") == (ran.status, ran.stdout.splitlines()[0]), ran
    assert same.stdout.splitlines()[1:] == ran.stdout.splitlines()[1:]


def test_paths_and_names_are_those_of_plain_python(untouched: App) -> None:
    """What a script may ask about itself; only sys.executable and the search are ours."""
    code = (
        "import os, sys\nimport requests, helper\n"
        "print(__file__, sys.prefix, sys.exec_prefix, sys.base_prefix)\n"
        "print(requests.__file__, helper.__file__, requests.__path__)\n"
        "print(sys.argv[:1], sys.argv[2:], os.getcwd(), __builtins__ is not None)\n"
        "print(requests.__spec__.name, requests.__spec__.origin, __spec__, __package__)\n"
        "print(sys.modules['__main__'].__dict__ is globals(), sys.path[0])\n"
    )
    for words in ((), ("a", "--json", "-q", "--", "", "ä")):
        ran, same = untouched.run(code, *words), untouched.plain(code, *words)
        assert (same.status, same.stdout, same.stderr) == (ran.status, ran.stdout, ran.stderr)


def test_the_current_folder_is_not_searched(probe: App) -> None:
    """Nor the folder that the caller stands in; `python -c` and `-m` would."""
    place = probe.person.home / "here"
    place.mkdir()
    (place / "json.py").write_text(probe.evil)
    there = App(probe.person, place, probe.python, str(probe.place / "probe.py"), probe.name)

    assert "[1]\n" == there.run(JSON).stdout
    assert not probe.was_evil()


def test_what_the_name_of_the_program_says_changes_nothing(probe: App) -> None:
    """argv[0] is for show; the list is that of the file."""
    code = "import sys; print(sys.argv[0])"
    for typed in ("probe.py", "./probe.py", str(probe.place / "probe.py"), "../app/probe.py"):
        there = App(probe.person, probe.place, probe.python, typed, probe.name)
        assert f"{typed}\n" == there.run(code).stdout
