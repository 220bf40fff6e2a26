"""Work in other processes gives what it gives here."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sig.errors import StoreError
from sig.gpg import certificate as certificates
from sig.verbs.checking import Refusal
from sig.verbs.processes import Processes


def own_id(text: str) -> tuple[str, int]:
    """Called in another process."""
    sys.stdout.write(text)  # must not come between the answers
    return text.upper(), os.getpid()


def refuse() -> None:
    """Called in another process."""
    raise Refusal("refused", "fork", "there are two states", hint="ask")


def fail() -> None:
    """Called in another process."""
    raise StoreError("it is damaged", hint="sig doctor")


def die() -> int:
    """Called in another process, and ends it: once."""
    if os.environ.get("SIG_TEST_PARENT") != str(os.getpid()):
        os._exit(9)
    return 7


def test_answers_come_from_processes_that_are_used_again() -> None:
    """As many processes as there are processors, not one for each question."""
    with Processes() as processes:
        found: list[tuple[str, int]] = []

        def ask() -> None:
            for _ in range(5):
                found.append(processes.run(own_id, "word"))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 30 == len(found)
    assert {"WORD"} == {word for word, _ in found}
    pids = {pid for _, pid in found}
    assert os.getpid() not in pids
    assert len(pids) <= (os.cpu_count() or 1)


def test_refusals_and_errors_cross_whole() -> None:
    """Every field of them is there on this side."""
    with Processes() as processes:
        with pytest.raises(Refusal) as refused:
            processes.run(refuse)
        with pytest.raises(StoreError) as failed:
            processes.run(fail)
    one = refused.value
    assert ("refused", "fork", "there are two states", "ask") == (
        one.result,
        one.reason,
        one.message,
        one.hint,
    )
    assert ("it is damaged", "sig doctor") == (failed.value.message, failed.value.hint)


def test_a_process_that_dies_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function runs here instead."""
    monkeypatch.setenv("SIG_TEST_PARENT", str(os.getpid()))
    with Processes() as processes:
        assert 7 == processes.run(die)
        assert "AGAIN" == processes.run(own_id, "again")[0]


def test_a_certificate_crosses_with_what_is_proven_of_it() -> None:
    """Only its bytes do; the rest is made anew from them."""
    scenario = Path(__file__).parents[2] / "vectors/openpgp/gpg-ed25519.txt"
    raw = [
        base64.b64decode(line.partition(":")[2])
        for line in scenario.read_text().splitlines()
        if line.startswith("certificate:")
    ]
    (met,) = certificates.read(raw[0])
    assert met.primary.governing(1 << 40) is not None
    with Processes() as processes:
        (back,) = processes.run(certificates.read, raw[0])
    assert met == back


SCRIPT = """
import sys
from pathlib import Path
print("ran")
from sig.verbs.processes import Processes
with Processes() as processes:
    assert processes.run(max, 3, 4) == 4
"""


def test_the_script_that_uses_the_library_runs_once(tmp_path: Path) -> None:
    """It has no `if __name__ == "__main__"`, and needs none."""
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, timeout=60
    )
    assert ("ran\n", "", 0) == (done.stdout, done.stderr, done.returncode)
