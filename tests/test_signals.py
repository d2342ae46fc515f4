"""Signals around the write: before it nothing is stored; after it the event is stored and the answer is printed."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from shutil import which

import pytest

from evcli.disk import held_signals

COMMAND = ["user", "create", "Ada", "--email", "ada@example.com"]
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

# A process that sends itself a signal at one point of a command: when it makes the event's id (under the lock, before
# the write), or at one call on the log itself.
DRIVER = """
import os, signal, stat, sys
from evcli.cli.main import main

where, number, *words = sys.argv[1:]

def send():
    os.kill(os.getpid(), int(number))

def sending(real, after):
    def call(descriptor, *arguments):
        is_log = stat.S_ISREG(os.fstat(descriptor).st_mode) and descriptor > 2
        if is_log and not after:
            send()
        result = real(descriptor, *arguments)
        if is_log and after:
            send()
        return result
    return call

def new_id():
    if where == "id":
        send()
    return "the-id"

when, _, name = where.partition(" ")
if name:
    setattr(os, name, sending(getattr(os, name), after=when == "after"))
code = main(words, new_id=new_id)
sys.stdout.flush()
os._exit(code)
"""


def run(log: Path, wrapper: list[str], evcli: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EVCLI_LOG": str(log), "EVCLI_ACTOR": "ann"}
    command = [*wrapper, sys.executable, *evcli, *COMMAND]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.case(11)
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("where", "is_stored"),
    [
        ("id", False), ("before write", True), ("after write", True), ("before fsync", True), ("after fsync", True),
        ("strace flock", False), ("strace write", True), ("strace fsync", True),
    ],
)  # fmt: skip
def test_signal_either_stores_and_answers_or_does_neither(
    log_path: Path, where: str, is_stored: bool, number: signal.Signals
) -> None:
    log_path.write_bytes(b"")
    if where.startswith("strace"):
        if which("strace") is None:
            pytest.skip("strace, which sends the signal at a system call, is not installed")
        call = where.removeprefix("strace ")
        inject = f"inject={call}:signal={number.name.removeprefix('SIG')}:when=1"
        trace = ["strace", "-qq", "-o", "/dev/null", "-P", str(log_path), "-e", f"trace={call}", "-e", inject]
        ran = run(log_path, trace, ["-m", "evcli"])
        if "ptrace" in ran.stderr and "Operation not permitted" in ran.stderr:
            pytest.skip("this system forbids tracing a process")
    else:
        ran = run(log_path, [], ["-c", DRIVER, where, str(int(number))])
    assert "Traceback" not in ran.stderr
    if is_stored:
        assert ran.returncode == 0, ran.stderr
        assert "user 1 created: Ada <ada@example.com> (event 1)" in ran.stdout
        assert log_path.read_bytes().count(b"\n") == 1
    else:
        assert (ran.returncode, ran.stdout) == (128 + number, ""), ran.stderr
        assert "interrupted; nothing was written" in ran.stderr
        assert log_path.read_bytes() == b""


@pytest.mark.case(11)
def test_signal_that_the_parent_ignores_is_ignored(log_path: Path) -> None:
    nohup = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]
    ran = run(log_path, nohup, ["-c", DRIVER, "id", str(int(signal.SIGHUP))])
    assert ran.returncode == 0, ran.stderr
    assert log_path.read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_held_signal_is_delivered_when_the_block_ends(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, frame: came.append(number))
    try:
        with held_signals():
            # To this thread: the other threads of a test runner hold no signals.
            signal.pthread_kill(threading.get_ident(), number)
            assert came == [], "it was delivered in the block"
        assert came == [number]
    finally:
        signal.signal(number, before)


def test_signal_that_was_held_before_stays_held() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with held_signals():
            pass
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_held_signal_is_dropped_when_the_block_fails(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, frame: came.append(number))

    def fail() -> None:
        signal.pthread_kill(threading.get_ident(), number)
        raise ZeroDivisionError

    try:
        with pytest.raises(ZeroDivisionError), held_signals():
            fail()
        assert came == []
    finally:
        signal.signal(number, before)


def test_signals_are_delivered_again_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), held_signals():
        raise ZeroDivisionError
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, set()) & set(ENDING)
