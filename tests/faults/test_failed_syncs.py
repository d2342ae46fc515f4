"""Every command reports a sync that fails, whatever signal comes meanwhile."""

import errno
import os
import signal
import sys
from pathlib import Path

import pytest
from cli.support import Raw
from conftest import Cli

from faults.casebook import EVE, Kernel, nothing_lost, process, says

# evcli in a process in which the write to the log, or the sync after it, fails with EIO, and a signal comes with it.
FAILING = """
import errno, os, signal, sys
from evcli.cli.main import main

name, number, *words = sys.argv[1:]
write, fsync = os.write, os.fsync
written = []

def is_log(descriptor):
    return os.path.samestat(os.fstat(descriptor), os.stat(os.environ["EVCLI_LOG"]))

def fail():
    os.kill(os.getpid(), int(number))
    raise OSError(errno.EIO, os.strerror(errno.EIO))

def writing(descriptor, data):
    if is_log(descriptor):
        written.append(True)
        if name == "write":
            fail()
    return write(descriptor, data)

def syncing(descriptor):
    if written and name == "fsync" and is_log(descriptor):
        fail()
    return fsync(descriptor)

os.write, os.fsync = writing, syncing
code = main(words)
sys.stdout.flush()
os._exit(code)
"""

ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SEVERAL = ("user", "destroy", "1", "2")


def failing(log: Path, call: str, number: signal.Signals, *words: str) -> Raw:
    return process(*words, log=log, command=(sys.executable, "-c", FAILING, call, str(int(number))))


@pytest.fixture
def two(cli: Cli) -> bytes:
    """A log of two users."""
    cli.ok("user", "create", "Ada", "--email", "ada@example.com")
    cli.ok("user", "create", "Bob", "--email", "bob@example.com")
    return cli.log.read_bytes()


@pytest.mark.parametrize(
    "words",
    [("verify",), ("verify", "--json"), ("head",), ("head", "--at", "1"), ("repair",), ("repair", "--dry-run")],
    ids=" ".join,
)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_reader_that_vouches_for_the_log_reports_a_failed_sync(
    cli: Cli, two: bytes, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], error: int
) -> None:
    kernel = Kernel(monkeypatch, cli.log)
    kernel.failing["fsync log"] = error
    ran = cli(*words)
    says(ran, 15, "may not be durable", "the sync failed")
    assert ran.out == "", "what may be gone tomorrow is not shown as there"
    kernel.heal()
    nothing_lost(cli, two)


@pytest.fixture
def people(tmp_path: Path) -> str:
    """A file of two more."""
    file = tmp_path / "people.csv"
    file.write_text("name,email\nEve,eve@example.com\nZoe,zoe@example.com\n")
    return str(file)


@pytest.mark.parametrize("command", ["import", "sync"])
def test_nobody_says_that_nothing_was_written_where_that_is_not_known(
    cli: Cli, two: bytes, people: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    kernel = Kernel(monkeypatch, cli.log)
    kernel.failing |= dict.fromkeys(("write log", "ftruncate log"), errno.EIO)
    ran = cli(command, people)
    says(ran, 15, "may or may not be stored", "taking them back failed")
    assert "nothing was written" not in ran.err
    kernel.heal()
    nothing_lost(cli, two)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
@pytest.mark.parametrize("words", [EVE, SEVERAL, ("import",)], ids=["create", "destroy", "import"])
@pytest.mark.parametrize(
    ("call", "code", "said"), [("fsync", 15, "may or may not be stored: the sync failed"), ("write", 14, "not written")]
)
def test_a_signal_does_not_hide_that_a_call_failed(
    cli: Cli, two: bytes, people: str, number: signal.Signals, words: tuple[str, ...], call: str, code: int, said: str
) -> None:
    words = (*words, people) if words[0] == "import" else words
    ran = failing(cli.log, call, number, *words)
    says(ran, code, said, os.strerror(errno.EIO))
    nothing_lost(cli, two)
