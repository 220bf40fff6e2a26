"""What makes another program of one is never passed, whatever anybody asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sig.errors import UsageError
from sig.verbs.environment import NEVER, PASSED, PATH, home, inherited, passed, why_not

VECTORS = Path(__file__).parent.parent.parent / "vectors/environment/variables.json"

# Those that Python, ld.so, glibc and OpenSSL read, as their manuals name them.
EVIL = (
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_BIND_NOW", "LD_", "DYLD_INSERT_LIBRARIES",
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONBREAKPOINT", "PYTHON",
    "PYTHONINSPECT", "PYTHONPYCACHEPREFIX", "PYTHONUSERBASE", "PYTHONEXECUTABLE", "PYTHON_GIL",
    "_PYTHON_SYSCONFIGDATA_NAME", "_PYTHON_PROJECT_BASE", "__PYVENV_LAUNCHER__",
    "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "OPENSSL_CONF_INCLUDE",
    # The unsecure variables of glibc (sysdeps/generic/unsecvars.h), TMPDIR excepted.
    "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH",
    "MALLOC_TRACE", "MALLOC_CHECK_", "MALLOC_ARENA_MAX", "NIS_PATH", "NLSPATH",
    "RESOLV_HOST_CONF", "RES_OPTIONS", "TZDIR", "MUSL_LOCPATH",
    "SIG_RUN_DIR", "SIG_RUN_LOCK", "SIG_RUN_X",
)  # fmt: skip
GOOD = {
    "LANG": "C", "LC_ALL": "C", "LC_": "x", "TERM": "xterm", "TZ": "UTC", "USER": "u",
    "LOGNAME": "u", "SHELL": "/bin/sh", "PWD": "/", "DISPLAY": ":0", "XDG_RUNTIME_DIR": "/run",
}  # fmt: skip


def is_evil(name: str) -> bool:
    """Said again, without patterns."""
    starts = ("LD_", "DYLD_", "PYTHON", "_PYTHON_", "OPENSSL_", "MALLOC_", "SIG_RUN_")
    return name.startswith(starts) or name in EVIL


def test_a_variable_goes_where_the_table_says() -> None:
    """The loader has the same lists in another language, and reads this table too."""
    rows = json.loads(VECTORS.read_bytes())
    assert {"passed", "named", "never"} == {row["goes"] for row in rows}
    for name, goes in ((row["name"], row["goes"]) for row in rows):
        given = {name: "v"}
        assert (goes == "passed") == (name in passed(given))
        assert (goes != "never") == (name in inherited(given))
        if goes == "never":
            assert why_not(name) and why_not(name + "*")
        else:
            assert given.items() <= passed(given, [name]).items()
    patterns = {one.rstrip("*") for one in (*PASSED, *NEVER)}
    assert patterns <= {row["name"] for row in rows if row["goes"] != "named"}


def test_only_what_is_named_is_passed() -> None:
    """And PATH and HOME, which are the system's, whatever they were."""
    given = {**GOOD, **dict.fromkeys(EVIL, "evil"), "PATH": "/evil", "HOME": "/evil", "X": "1",
             "LANGUAGE": "x", "lang": "x", "TERMINFO": "x", "TZ2": "x", "XLC_ALL": "x"}  # fmt: skip
    assert {**GOOD, "PATH": PATH, "HOME": home()} == passed(given)
    assert {"PATH": PATH, "HOME": home()} == passed({})


def test_more_is_passed_by_name() -> None:
    """Or by how it starts; PATH and HOME too."""
    given = {"DJANGO_A": "1", "DJANGO_": "2", "DJANGO": "3", "PATH": "/mine", "HOME": "/h", "A": ""}
    always = {"PATH": PATH, "HOME": home()}
    assert {**always, "DJANGO_A": "1", "DJANGO_": "2"} == passed(given, ["DJANGO_*"])
    assert {**always, "A": "", "DJANGO": "3"} == passed(given, ["A", "DJANGO"])
    assert {"PATH": "/mine", "HOME": "/h"} == passed(given, ["PATH", "HOME"])
    assert always == passed(given, ["a", "DJANG", "JANGO*"])


@pytest.mark.parametrize("name", EVIL)
def test_what_could_make_another_program_is_refused_by_name(name: str) -> None:
    """Also as the start of names; beside it what is only similar."""
    for asked in (name, name + "*"):
        with pytest.raises(UsageError, match="could make another program"):
            passed({}, ["A", asked])
    others = ["X" + name, name.lower()]
    assert others == list(passed(dict.fromkeys([*others, name], "x"), others))[2:]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "*",
        "**",
        "A**",
        "?*",
        "*A",
        "A*B",
        "[A-Z]*",
        "[!x]*",
        "A?",
        "A=1",
        "=",
        "A=*",
        "A]",
        "\0",
    ],
)
def test_other_patterns_are_refused(name: str) -> None:
    """`?*` would be all there is, though nobody named it."""
    with pytest.raises(UsageError, match="not the name of a variable"):
        passed({"A": "1"}, [name])


def _names() -> st.SearchStrategy[str]:
    """Names that are evil, nearly are, or are not."""
    ends = st.text(st.sampled_from("AZ_*\n"), max_size=3)
    return st.one_of(
        st.sampled_from(EVIL),
        st.builds("{}{}".format, st.sampled_from(EVIL), ends),
        st.builds(lambda name, at: name[:at], st.sampled_from(EVIL), st.integers(0, 12)),
        st.builds(lambda name: name.rstrip("*"), st.sampled_from(NEVER)),
        st.text(min_size=1, max_size=8),
    )


def _asked() -> st.SearchStrategy[str]:
    """What may stand behind --env."""
    return _names() | st.builds("{}*".format, _names()) | st.text("LDPYTHON_*?[]!-^=\n", max_size=8)


@given(st.dictionaries(_names(), st.just("x"), max_size=20), st.lists(_asked(), max_size=5))
@example(dict.fromkeys(EVIL, "x"), ["L*", "P*", "_*", "O*", "G*", "M*", "N*", "H*", "R*", "T*"])
@example(dict.fromkeys(EVIL, "x"), ["[L]D_*"])
@example({"LD_\n": "x", "PYTHON\nX": "x"}, ["L*", "P*"])
def test_nothing_evil_ever_passes(environment: dict[str, str], more: list[str]) -> None:
    """Whatever is asked for: it is refused, or left out. What passes is as it was."""
    try:
        found = passed(environment, more)
    except UsageError:
        return
    assert not [name for name in found if is_evil(name)]
    assert {"PATH", "HOME"} <= set(found)
    for name in set(found) - {"PATH", "HOME"}:
        assert environment[name] == found[name]


@given(st.dictionaries(_names(), st.just("x"), max_size=20))
def test_a_child_inherits_all_but_that(environment: dict[str, str]) -> None:
    """Its parent was verified, and says what else it needs."""
    kept = {name: value for name, value in environment.items() if not is_evil(name)}
    assert kept == inherited(environment)


def test_all_that_is_evil_is_in_the_list() -> None:
    """The twin of `is_evil`: the two lists are one."""
    assert {name for name in (*EVIL, *GOOD, "X") if is_evil(name)} == set(EVIL)
    assert {} == inherited(dict.fromkeys(EVIL, "x"))
    assert not set(PASSED) & set(NEVER)


@pytest.mark.skipif(os.name != "posix", reason="of Unix")
def test_home_is_that_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever HOME says; / for who has no account."""
    import pwd

    monkeypatch.setenv("HOME", "/evil")
    assert pwd.getpwuid(os.getuid()).pw_dir == home()
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    assert "/" == home()
