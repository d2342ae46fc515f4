"""Ctrl-C and kill around the write: before it nothing is stored, after it the event is stored and announced."""

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

# A real process that sends itself a signal at one point of a command: when it takes the event's id (under the lock,
# before the write), or at one call on the log itself.
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


def run(log: Path, where: str, number: signal.Signals, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "EVCLI_LOG": str(log), "EVCLI_ACTOR": "ann"}
    command = [sys.executable, "-c", DRIVER, where, str(int(number)), *(words or COMMAND)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.case(11)
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize("where", ["before write", "after write", "before fsync", "after fsync"])
def test_a_signal_between_the_write_and_the_answer_waits_and_the_event_is_stored_and_announced(
    log_path: Path, where: str, number: signal.Signals
) -> None:
    ran = run(log_path, where, number)
    assert ran.returncode == 0, f"it ended with {ran.returncode}: {ran.stderr}"
    assert "user 1 created: Ada <ada@example.com> (event 1)" in ran.stdout
    assert log_path.read_bytes().count(b"\n") == 1


@pytest.mark.case(11)
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_signal_before_the_write_ends_the_command_with_nothing_stored(log_path: Path, number: signal.Signals) -> None:
    log_path.write_bytes(b"")
    ran = run(log_path, "id", number)
    assert ran.returncode == 128 + number
    assert ran.stdout == ""
    assert "interrupted; nothing was written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert log_path.read_bytes() == b""


def test_a_signal_that_its_parent_ignores_is_ignored(log_path: Path) -> None:
    environment = {**os.environ, "EVCLI_LOG": str(log_path), "EVCLI_ACTOR": "ann"}
    command = [sys.executable, "-c", DRIVER, "id", str(int(signal.SIGHUP)), *COMMAND]
    shell = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *command]  # as nohup does
    ran = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert log_path.read_bytes().count(b"\n") == 1


@pytest.mark.case(11)
@pytest.mark.skipif(which("strace") is None, reason="strace, which sends the signal at a system call, is not there")
@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("call", "is_stored"), [("flock", False), ("write", True), ("fsync", True)], ids=["flock", "write", "fsync"]
)
def test_the_command_itself_stores_and_answers_or_does_neither_at_whichever_system_call_the_signal_comes(
    log_path: Path, number: signal.Signals, call: str, is_stored: bool
) -> None:
    log_path.write_bytes(b"")
    trace = ["strace", "-qq", "-o", "/dev/null", "-P", str(log_path), "-e", f"trace={call}"]
    inject = ["-e", f"inject={call}:signal={number.name.removeprefix('SIG')}:when=1"]
    environment = {**os.environ, "EVCLI_LOG": str(log_path), "EVCLI_ACTOR": "ann"}
    evcli = [sys.executable, "-m", "evcli", *COMMAND]
    ran = subprocess.run([*trace, *inject, *evcli], env=environment, capture_output=True, text=True, check=False)
    if "ptrace" in ran.stderr and "Operation not permitted" in ran.stderr:
        pytest.skip("this system lets nobody trace a process")
    if is_stored:
        assert ran.returncode == 0, ran.stderr
        assert "user 1 created" in ran.stdout
        assert log_path.read_bytes().count(b"\n") == 1
    else:
        assert ran.returncode == 128 + number, ran.stderr
        assert ran.stdout == ""
        assert log_path.read_bytes() == b""


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_a_held_signal_is_delivered_when_the_block_ends(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda number, frame: came.append(number))
    try:
        with held_signals():
            # To this thread: a test runner may have others, which hold nothing.
            signal.pthread_kill(threading.get_ident(), number)
            assert came == [], "it was delivered in the block"
        assert came == [number]
    finally:
        signal.signal(number, before)


def test_signals_that_were_held_already_stay_held() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        with held_signals():
            pass
        assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, set())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_signals_are_let_through_again_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), held_signals():
        raise ZeroDivisionError
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, set()) & set(ENDING)
