"""What a native loader is to be: options over `[tool.sig.loader]`, each value looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given as of_any
from hypothesis import strategies as st

from sig.errors import FormatError, UsageError
from sig.repo.project import Project, read_project
from sig.verbs.settings import Settings, wanted

SCRIPTS = '[project.scripts]\nmanage = "site.app:main"\nwork = "site.work:main"\n'


def project(text: str = "", scripts: str = SCRIPTS) -> Project:
    """A project with two scripts."""
    return read_project(f'[project]\nname = "site"\n{scripts}{text}'.encode())


def of(text: str, **given: Any) -> list[Settings]:
    """The loaders of a project with this table."""
    return wanted("", project(text), Settings(**given))


def refused(text: str, scripts: str = SCRIPTS, **given: Any) -> str:
    """Why a project's file is refused."""
    with pytest.raises(FormatError) as caught:
        wanted("", project(text, scripts), Settings(**given))
    return caught.value.message


def usage(**given: Any) -> str:
    """Why options for a script are."""
    with pytest.raises(UsageError) as caught:
        wanted("hello.py", None, Settings(**given))
    return caught.value.message


# --- which there are -----------------------------------------------------------------------------


def test_a_script_has_one_loader_of_its_name() -> None:
    """Without its suffix; an option names it otherwise."""
    assert [Settings(name="hello")] == wanted("hello.py", None, Settings())
    assert [Settings(name="other")] == wanted("hello.py", None, Settings(name="other"))
    assert [Settings(name="hello")] == wanted("hello", None, Settings())


def test_a_project_without_a_table_has_a_loader_for_each_script() -> None:
    """By the names of [project.scripts]; --script takes one of them."""
    assert [("manage", "manage"), ("work", "work")] == [(o.script, o.name) for o in of("")]
    assert ["work"] == [one.name for one in of("", script="work")]


def test_one_table_is_for_all_scripts_or_for_the_one_that_it_names() -> None:
    """And options go over it."""
    for_all = of('[tool.sig.loader]\nenv = ["PATH"]\npython-option = ["-u"]\n')
    assert [("manage", ("PATH",), ("-u",)), ("work", ("PATH",), ("-u",))] == [
        (one.name, one.env, one.options) for one in for_all
    ]
    table = '[tool.sig.loader]\nscript = "work"\nname = "worker"\npolicy = "strict"\n'
    assert [("work", "worker", "strict")] == [(o.script, o.name, o.policy) for o in of(table)]
    (over,) = of(table, policy="enforce", env=("HOME",), name="w")
    assert ("w", "enforce", ("HOME",)) == (over.name, over.policy, over.env)


def test_several_tables_are_several_loaders() -> None:
    """Each names its script, and two may be of one."""
    tables = """
[[tool.sig.loader]]
script = "work"
[[tool.sig.loader]]
script = "work"
name = "loud"
python-option = ["-Xdev"]
[[tool.sig.loader]]
script = "manage"
allow = ["marshal"]
"""
    assert ["work", "loud", "manage"] == [one.name for one in of(tables)]
    assert ["work", "loud"] == [one.name for one in of(tables, script="work")]
    assert ["work"] == [o.name for o in of('[[tool.sig.loader]]\nscript="manage"', script="work")]


def test_options_that_are_for_one_are_refused_for_several() -> None:
    """--name; --script where there is no project, or no such script."""
    with pytest.raises(UsageError, match="--name is for one loader, and these are 2"):
        of("", name="x")
    with pytest.raises(UsageError, match=r"has no script nothing"):
        of("", script="nothing")
    with pytest.raises(UsageError, match=r"has no \[project.scripts\]"):
        wanted("", project("", ""), Settings())
    assert "--script is for a project" == usage(script="work")


def test_a_script_whose_name_no_loader_can_have_is_named_otherwise() -> None:
    """What is typed to start it must not be an option, or lie elsewhere."""
    for name in ("-c.py", ".hidden.py", "a b.py", "hello.lock.py", "ü.py", "x" * 65):
        with pytest.raises(UsageError, match="is no name for a loader.*--name"):
            wanted(name, None, Settings())
        assert "c" == wanted(name, None, Settings(name="c"))[0].name
    for name in ("-c", "../evil", "a/b", ".", "json.py", "get.lock", "get.pack", "a\n"):
        assert "is no name for a loader" in usage(name=name)
    odd = '[project.scripts]\n"../evil" = "site:main"\n'
    with pytest.raises(UsageError, match="a loader cannot start '../evil'"):
        wanted("", project("", odd), Settings(name="x"))


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        "-u", "-O", "-OO", "-Xdev", "-Xfaulthandler", "-Ximporttime", "-Xint_max_str_digits=0",
        "-Xint_max_str_digits=5000", "-Xno_debug_ranges", "-Xtracemalloc", "-Xtracemalloc=25",
        "-Xutf8", "-Xutf8=0", "-Xwarn_default_encoding", "-Xcpu_count=2", "-Xdisable_remote_debug",
        "-Werror", "-Wignore::DeprecationWarning", "-Wignore:a message:UserWarning:module.part:12",
        "-Wdefault::", "-Wonce:x",
    ],
)  # fmt: skip
def test_an_option_of_the_interpreter_is_handed_over_as_it_is(given: str) -> None:
    """Also with a space behind its letter."""
    (found,) = wanted("a.py", None, Settings(options=(given, given)))
    assert (given,) == found.options
    spaced = f"{given[:2]} {given[2:]}"
    if given[:2] in ("-X", "-W"):
        assert (given,) == wanted("a.py", None, Settings(options=(spaced,)))[0].options


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("-Xfrozen_modules=off", "load other files"),
        ("-Xfrozen_modules", "load other files"),
        ("-Xpycache_prefix=/tmp", "load other files"),
        ("-Xpresite=evil", "load other files"),
        ("-X presite=evil", "load other files"),
        ("-Xperf", "write to other files"),
        ("-Xperf_jit", "write to other files"),
        ("-Xgil=0", "not one of -X"),
        ("-X", "not one of -X"),
        ("-Xdev=1", "not one of -X"),
        ("-Xdev ", "not one of -X"),
        ("-Xutf8=2", "not one of -X"),
        ("-Xtracemalloc=99999", "not one of -X"),
        ("-Xdev\n", "not one of -X"),
        ("-W", "not ACTION"),
        ("-Werror::evil.Category", "not ACTION"),
        ("-Werror::Evil", "not ACTION"),
        ("-Wevil", "not ACTION"),
        ("-Werror:é", "not ACTION"),
        ("-Werror:" + "x" * 300, "not ACTION"),
        ("-Wi", "not ACTION"),
        *((one, "not -u") for one in ("-c", "-m", "-I", "-S", "-B", "-E", "-i", "-s", "-x", "-q")),
        *((one, "not -u") for one in ("", "u", "-uO", "-OOO", "--check-hash-based-pycs", "-", "x")),
    ],
)  # fmt: skip
def test_an_option_that_could_run_other_code_is_refused_by_name(given: str, why: str) -> None:
    """What is not known to be harmless is not handed over."""
    told = usage(options=(given,))
    assert told.startswith(f"--python-option {given}: ") and why in told


def test_options_that_contradict_each_other_are_refused() -> None:
    """-O and -OO; each else once."""
    assert "-O and -OO" in usage(options=("-O", "-OO"))


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "LD_*", "PYTHONPATH", "PYTHON*", "OPENSSL_CONF", "*", "", "A=B", "A*B", "A\nB"],
)
def test_a_variable_that_is_never_passed_is_refused(name: str) -> None:
    """As `sig run --env` refuses it; and what no policy can hold."""
    assert usage(env=("HOME", name)).startswith(f"--env {name}: ")
    told = refused(f"[tool.sig.loader]\nenv = [{json.dumps(name)}]")
    assert told.startswith("pyproject.toml: tool.sig.loader.env")


def test_variables_are_sorted_and_each_is_there_once() -> None:
    """One set, one policy."""
    (found,) = wanted("a.py", None, Settings(env=("PATH", "DJANGO_*", "PATH")))
    assert ("DJANGO_*", "PATH") == found.env


def test_warning_is_for_oneself() -> None:
    """A table can say it, and no baked loader has it."""
    (one,) = of('[tool.sig.loader]\nscript = "work"\npolicy = "warn"')
    assert "warn" == one.policy
    with pytest.raises(UsageError, match="for others"):
        of('[tool.sig.loader]\npolicy = "warn"', baked=True, signers=("A" * 40,))


def test_strict_passes_nothing() -> None:
    """No variable and no code, whether an option or a table says so."""
    assert "strict passes no variable" in usage(policy="strict", env=("HOME",))
    assert "strict passes no variable" in usage(policy="strict", allow=("marshal",))
    with pytest.raises(UsageError, match="strict"):
        of('[tool.sig.loader]\nenv = ["HOME"]', policy="strict")
    assert "strict" in refused('[tool.sig.loader]\nenv = ["HOME"]\npolicy = "strict"')


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[tool.sig]\nloder = 1", "tool.sig: unknown key 'loder'"),
        ("[tool]\nsig = 1", "tool.sig is no table"),
        ("[tool.sig]\nloader = 1", "tool.sig.loader is no table"),
        ("[tool.sig]\nloader = [1]", "tool.sig.loader is no table"),
        ("[tool.sig.loader]\nEnv = []", "tool.sig.loader: unknown key 'Env'"),
        ("[tool.sig.loader]\npython_option = []", "tool.sig.loader: unknown key 'python_option'"),
        ("[tool.sig.loader]\nsigners = 'x'", "tool.sig.loader: unknown key 'signers'"),
        ("[tool.sig.loader.work]\nenv = []", "tool.sig.loader: unknown key 'work'"),
        *(
            (f"[tool.sig.loader]\n{key} = {value}", f"tool.sig.loader.{key} is no text")
            for key in ("script", "name", "output", "app", "python", "policy")
            for value in ("1", "true", "[]", "{}", '""', "1.5", "1979-05-27")
        ),
        *(
            (f"[tool.sig.loader]\n{key} = {value}", f"tool.sig.loader.{key} is no list of texts")
            for key in ("env", "python-option", "allow", "signer")
            for value in ("1", "true", '"PATH"', "{}", "[1]", '[""]', '[["PATH"]]', '["A", 1]')
        ),
        *(
            (f"[tool.sig.loader]\n{key} = {value}", f"tool.sig.loader.{key} is no number from 1 on")
            for key in ("threshold", "release")
            for value in ("0", "-1", "true", '"1"', "1.0", "[1]", "9223372036854775808")
        ),
        *(
            (f"[tool.sig.loader]\nbaked = {value}", "loader.baked is neither true nor false")
            for value in ("0", "1", '"true"', "[true]")
        ),
        ("[tool.sig.loader]\nscript = 'x'", "tool.sig.loader.script: no 'x' in project.scripts"),
        ("[tool.sig.loader]\nname = 'x'", "tool.sig.loader.name: it is for one script"),
        ("[tool.sig.loader]\nname = '../x'", "tool.sig.loader.name: '../x' is no name"),
        ("[tool.sig.loader]\npolicy = 'off'", "tool.sig.loader.policy: 'off' is none of"),
        ("[tool.sig.loader]\nallow = ['all']", "tool.sig.loader.allow: 'all' is none of"),
        ("[tool.sig.loader]\npython-option = ['-c']", "tool.sig.loader.python-option: -c: not"),
        *(
            (f"[tool.sig.loader]\noutput = '{path}'", "tool.sig.loader.output: ")
            for path in ("/etc/cron.d/x", "../x", "a/../../x", "..", "~/../..")
        ),
        ("[[tool.sig.loader]]\n[[tool.sig.loader]]", "one of several names no script"),
        (
            "[[tool.sig.loader]]\nscript='work'\n[[tool.sig.loader]]\nenv=[]",
            "one of several names no script",
        ),
        *(
            (
                f"[[tool.sig.loader]]\nscript='work'\n{key}='x'\n[[tool.sig.loader]]\nscript='manage'",
                f"tool.sig.loader.{key}: it is the same for all of them",
            )
            for key in ("app", "python")
        ),
        *(
            (
                f"[[tool.sig.loader]]\nscript='work'\n{key}={value}\n"
                "[[tool.sig.loader]]\nscript='manage'",
                f"tool.sig.loader.{key}: it is the same for all of them",
            )
            for key, value in {
                "baked": "true", "signer": "['A']", "threshold": "1", "release": "1",
            }.items()
        ),
    ],
)  # fmt: skip
def test_a_table_is_refused_by_the_name_of_its_key(text: str, why: str) -> None:
    """What is not known, and what is of another type or form."""
    told = refused(text)
    assert told.startswith("pyproject.toml: ") and why in told


def test_settings_of_other_tools_are_theirs() -> None:
    """And an empty table says nothing."""
    for text in ("[tool.other]\nsig = 1", "[tool.sig]", "[tool.sig.loader]", ""):
        assert ["manage", "work"] == [one.name for one in of(text)]


KEYS = st.sampled_from(
    [
        "script",
        "name",
        "output",
        "app",
        "python",
        "policy",
        "env",
        "python-option",
        "allow",
        "loader",
    ]
)
WORDS = st.sampled_from(["work", "manage", "strict", "marshal", "-u", "PATH", "a/b", "", "\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@of_any(VALUES)
def test_any_settings_are_read_or_refused_with_a_sentence(said: Any) -> None:
    """What is read has a name that a loader may have, and passes nothing that is not looked at."""
    scripts = {"manage": ("app", "main"), "work": ("app", "work")}
    try:
        found = wanted("", Project("site", scripts, {"loader": said}), Settings())
    except (FormatError, UsageError) as error:
        assert error.message
        return
    for one in found:
        assert one.script in scripts and one.name and "/" not in one.name
        assert not (one.policy == "strict" and (one.env or one.allow))
