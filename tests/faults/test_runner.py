"""The suite itself: a hanging test fails alone, how the runner was started is not felt, and every case has its test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SWEEP_SECONDS

from faults.casebook import CASES

TESTS = Path(__file__).parents[1]

# Starts pytest as `nohup pytest &` does, or a runner that blocks signals, with nothing that is usual.
UNUSUAL = """
import os, signal, sys
for name in ("HUP", "INT", "QUIT", "TERM", "CHLD", "ALRM", "TSTP", "USR1"):
    signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.umask(0o077)
os.environ |= dict(
    TZ="America/New_York", LC_ALL="C", COLUMNS="33", NO_COLOR="1", FORCE_COLOR="1", PAGER="false", TERM="dumb",
    EVCLI_LOG="/nowhere/log", EVCLI_ACTOR="mallory", EVCLI_CACHE="off", EVCLI_DEBUG="1", _EVCLI_COMPLETE="bash_source",
    XDG_CACHE_HOME="/nowhere/cache", XDG_DATA_HOME="/nowhere/data", HOME="/nowhere", PYTHONIOENCODING="latin-1",
)
os.close(0)
os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
"""

# What a test and its children find; the suite as a whole was run so by hand.
PROBE = """
import os, signal, subprocess, sys, time

CHILD = '''
import os, signal
names = "HUP INT QUIT TERM CHLD ALRM TSTP USR1".split()
ignored = [name for name in names if signal.getsignal(getattr(signal, "SIG" + name)) == signal.SIG_IGN]
set = sorted(name for name in os.environ if name.startswith(("EVCLI", "_EVCLI", "XDG", "NO_COLOR", "PAGER", "TERM")))
print(ignored, list(signal.pthread_sigmask(signal.SIG_BLOCK, ())), oct(os.umask(0)), set)
'''

def test_children_begin_as_usual():
    found = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    assert found == "[] [] 0o22 []\\n"
    assert subprocess.run(["false"]).returncode == 1, "with SIGCHLD ignored, every child ends with 0"

def test_the_world_is_neutral():
    assert time.tzname[0] == "UTC"
    assert os.environ["COLUMNS"] == "100"
"""


def nested(folder: Path, text: str, *words: str, starter: str = "") -> "subprocess.CompletedProcess[str]":
    """Run pytest over a file of these tests, with this suite's settings and conftest.py."""
    file = folder / "test_nested.py"
    file.write_text(text, encoding="utf-8")
    settings = ["-c", str(TESTS.parent / "pyproject.toml"), "-p", "conftest", "-p", "no:cacheprovider"]
    begin = [sys.executable, "-c", starter] if starter else [sys.executable, "-m", "pytest"]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    return subprocess.run(
        [*begin, *settings, *words, str(file)],
        env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_tests_do_not_feel_how_the_runner_was_started(tmp_path: Path) -> None:
    ran = nested(tmp_path, PROBE, starter=UNUSUAL)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout


@pytest.mark.parametrize("hangs", ["threading.Event().wait()", "subprocess.run(['sleep', '600'])"])
def test_a_hanging_test_fails_and_the_next_one_runs(hangs: str, tmp_path: Path) -> None:
    text = f"import subprocess, threading\n\ndef test_one():\n    {hangs}\n\ndef test_two():\n    pass\n"
    ran = nested(tmp_path, text, "-o", "timeout=1", starter=UNUSUAL)
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "Timeout" in ran.stdout


@pytest.mark.sweep
def test_a_sweep_has_its_own_limit(request: pytest.FixtureRequest) -> None:
    limit = request.node.get_closest_marker("timeout")
    assert limit is not None
    assert limit.args == (SWEEP_SECONDS,)


def test_every_test_has_a_limit(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("timeout")) < SWEEP_SECONDS


# Collects the ordinary run, as `pytest` without arguments does, and prints which cases its tests are marked to show.
COLLECTING = """
import json, sys
import pytest

class Cases:
    def pytest_collection_finish(self, session):
        marks = [mark for item in session.items for mark in item.iter_markers("case")]
        print("\\n" + json.dumps(sorted({number for mark in marks for number in mark.args})))

sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider"], plugins=[Cases()]))
"""


def test_every_case_is_shown_by_the_ordinary_run(request: pytest.FixtureRequest) -> None:
    marks = [mark for item in request.session.items for mark in item.iter_markers("case")]
    shown = {number for mark in marks for number in mark.args}
    if shown != set(CASES):  # a part of the suite was asked for: what is not collected here may show the others
        ran = subprocess.run([sys.executable, "-c", COLLECTING], cwd=TESTS.parent, capture_output=True, check=False)
        assert ran.returncode == 0, (ran.stdout + ran.stderr).decode()
        shown = set(json.loads(next(line for line in ran.stdout.splitlines() if line.startswith(b"["))))
    assert shown == set(CASES)
