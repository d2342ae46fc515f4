"""Cases 1 to 24, faults while an event is written: those that no test of the log, of signals or of a sweep shows."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise, product

import pytest
from cli.support import EVCLI
from conftest import Cli

from evcli.log.file.engine import FileLog
from faults.casebook import EVE, Kernel, limited, no_traceback, nothing_lost, process, says, torn_copies
from faults.common import needs, read

TAIL = b'{"specversion":"1.0","id":"half'


@pytest.mark.case(3)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_part_that_could_not_be_taken_back_is_put_aside_later(story: Cli, kernel: Kernel, error: int) -> None:
    size = story.log.stat().st_size
    kernel.part = 100, None
    kernel.failing["ftruncate log"] = error
    says(story(*EVE), 15, "event 9 may or may not be stored", "taking it back failed")
    assert story.log.stat().st_size == size + 100
    assert story.ok("head").out.startswith("8:")
    kernel.heal()
    says(story(*EVE), 0, "100 bytes", f"byte {size}")
    assert [len(copy) for copy in torn_copies(story.log)] == [100]


@pytest.mark.case(4)
@pytest.mark.parametrize("claimed", [10, 2000])
@pytest.mark.parametrize("stored", [0, 1, 100])
def test_a_write_that_claims_more_than_it_stored_is_noticed(
    story: Cli, kernel: Kernel, stored: int, claimed: int
) -> None:
    before = story.log.read_bytes()
    kernel.part = stored, claimed
    says(story(*EVE), 14, "event 9 was not written")
    assert story.log.read_bytes() == before


@pytest.mark.case(8)
@pytest.mark.parametrize("call", ["fsync folder", "fsync folder above"])
def test_a_failed_sync_of_either_folder_leaves_no_event(cli: Cli, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    kernel = Kernel(monkeypatch, cli.log)
    kernel.failing[call] = errno.EIO
    says(cli(*EVE), 15)
    kernel.heal()
    assert not cli.log.exists() or cli.log.read_bytes() == b""
    assert cli.ok(*EVE).out.startswith("user 1 created")


@needs("strace")
@pytest.mark.case(9)
@pytest.mark.parametrize("call", ["openat", "flock", "write", "fsync"])
def test_a_call_that_is_interrupted_is_made_again(story: Cli, call: str) -> None:
    trace = ("strace", "-qq", "-o", "/dev/null", "-P", str(story.log), "-e", f"trace={call}")
    ran = process(*EVE, log=story.log, command=(*trace, "-e", f"inject={call}:error=EINTR:when=1", *EVCLI))
    if b"ptrace" in ran.err and b"not permitted" in ran.err:
        pytest.skip("this system lets nobody trace a process")
    says(ran, 0)
    assert b"(event 9)" in ran.out


# evcli in a process that kills itself before or after the call of a name and number.
DYING = """
import fcntl, os, sys
from evcli.cli.main import main

name, place, when, *words = sys.argv[1:]
module = fcntl if name == "flock" else os
real, made = getattr(module, name), []

def dying(*arguments):
    made.append(name)
    if len(made) == int(place) and when == "before":
        os.kill(os.getpid(), 9)
    real(*arguments)
    if len(made) == int(place):
        os.kill(os.getpid(), 9)

setattr(module, name, dying)
main(words)
"""


@pytest.mark.case(10)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("call", "place"), [("flock", 1), ("fsync", 1), ("write", 1), ("fsync", 2)])
def test_an_event_is_whole_or_absent_after_a_kill_at_any_call(story: Cli, call: str, place: int, when: str) -> None:
    before = story.log.read_bytes()
    is_stored = (call, when) == ("write", "after") or place == 2
    ran = process(*EVE, log=story.log, command=(sys.executable, "-c", DYING, call, str(place), when))
    assert (ran.code, ran.out) == (-signal.SIGKILL, b"")
    assert story.log.read_bytes().startswith(before)
    assert story.log.read_bytes().count(b"\n") == 8 + is_stored
    story.ok("verify")
    # Sent again, it meets itself or is recorded: never twice.
    assert story(*EVE).code == is_stored
    assert story.log.read_bytes().count(b"\n") == 9


def without_sectors(line: bytes, start: int, sector: int) -> Iterator[bytes]:
    """What a power cut may leave of a line at byte `start` of a file: one or two of its sectors are zeros."""
    edges = [0, *range(sector - start % sector, len(line), sector), len(line)]
    pieces = [line[a:b] for a, b in pairwise(edges) if a < b]
    for lost in combinations_with_replacement(range(len(pieces)), 2):
        yield b"".join(bytes(len(piece)) if at in lost else piece for at, piece in enumerate(pieces))


@pytest.mark.case(15)
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("size", [10, 1500])
def test_a_line_without_some_sectors_is_torn_and_not_damage(story: Cli, size: int, sector: int) -> None:
    before = story.log.read_bytes()
    story.ok("user", "destroy", "2", "--reason", "é" * size)
    line = story.log.read_bytes()[len(before) :]
    for image in without_sectors(line, len(before), sector):
        story.log.write_bytes(before + image)
        assert read(story.log)[:2] == ("torn", 8)


@pytest.mark.case(16)
def test_a_recovery_that_a_power_cut_interrupts_is_done_again(story: Cli) -> None:
    before = story.log.read_bytes()
    kept = story.log.with_name(f"{story.log.name}.torn-{len(before)}")
    copies = (None, b"", TAIL[:5], bytes(len(TAIL)), TAIL)  # all that a copy can be before it is synced
    for copy, tail in product(copies, (TAIL, bytes(len(TAIL)), b"")):
        for old in story.log.parent.glob("*.torn*"):
            old.unlink()
        if copy is not None:
            kept.write_bytes(copy)
        story.log.write_bytes(before + tail)
        for words in (("verify",), EVE, ("verify",)):
            story.ok(*words)
        assert not tail or tail in torn_copies(story.log)
        assert story.log.read_bytes().startswith(before)


@pytest.mark.case(17)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("call", ["write copy", "fsync copy", "fsync folder", "ftruncate log", "fsync log"])
def test_a_fault_while_a_tail_is_put_aside_loses_nothing(story: Cli, kernel: Kernel, call: str, error: int) -> None:
    before = story.log.read_bytes()
    story.log.write_bytes(before + TAIL)
    kernel.failing[call] = error
    ran = story(*EVE)
    no_traceback(ran)
    assert ran.code in (12, 14, 15), ran.err
    assert story.log.read_bytes() in (before, before + TAIL)
    assert story.log.read_bytes() == before + TAIL or TAIL in torn_copies(story.log)


@pytest.mark.case(20)
@pytest.mark.parametrize("end", [">/dev/full", ">&-", '; echo $? >"$EVCLI_LOG.code"; } | true'])
def test_an_answer_that_cannot_be_shown_is_told_on_stderr(story: Cli, end: str) -> None:
    script = ("{ " if "}" in end else "") + f'"$@" {end}'
    ran = process(*EVE, log=story.log, command=("sh", "-c", script, "sh", *EVCLI))
    kept = story.log.with_name(story.log.name + ".code")
    assert (int(kept.read_text()) if kept.exists() else ran.code) == 16, ran.err
    no_traceback(ran)
    assert b"event 9 is stored" in ran.err
    assert story.log.read_bytes().count(b"\n") == 9


@pytest.mark.case(21)
@pytest.mark.parametrize("closed", ["0>&-", "1>&-", "2>&-", "0>&- 1>&- 2>&-"])
def test_no_message_lands_in_the_log_with_standard_streams_closed(story: Cli, closed: str) -> None:
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", *EVCLI)
    assert process(*EVE, log=story.log, command=shell).code == (16 if "1>&-" in closed else 0)
    assert process(*EVE, log=story.log, command=shell).code == 1
    assert story.log.read_bytes().count(b"\n") == 9


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("kind", "limit"), [(resource.RLIMIT_NOFILE, 3), (resource.RLIMIT_NOFILE, 4), (resource.RLIMIT_AS, 60 << 20)]
)
def test_the_log_stays_clean_without_descriptors_or_memory(story: Cli, kind: int, limit: int) -> None:
    before = story.log.read_bytes()
    ran = process(*EVE, log=story.log, command=limited(kind, limit))
    # So little may keep Python itself from starting, which says so in its own words; evcli says 14 or does it.
    now = story.log.read_bytes()
    assert now.startswith(before)
    assert now.count(b"\n") == 8 + (ran.code == 0)
    assert b"\x00" not in now


@pytest.mark.case(22)
def test_a_log_that_does_not_fit_the_memory_is_no_bug(story: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_left(*_: object) -> bytes:
        raise MemoryError

    before = story.log.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", nothing_left)
        says(story(*EVE), 14, "memory")
    assert story.log.read_bytes() == before


@pytest.mark.case(23)
@pytest.mark.parametrize("above", [0, 1, 20, -20])
def test_a_limit_on_the_size_of_a_file_is_a_full_disk(story: Cli, above: int) -> None:
    before = story.log.read_bytes()
    ran = process(*EVE, log=story.log, command=limited(resource.RLIMIT_FSIZE, len(before) + above))
    says(ran, 14, "event 9 was not written")
    assert story.log.read_bytes() == before


@pytest.mark.case(24)
def test_a_child_that_outlives_its_writer_does_not_hold_the_lock(story: Cli) -> None:
    with FileLog(str(story.log)).locked(0, may_create=False):
        child = subprocess.Popen(["sleep", "60"])
    try:
        nothing_lost(story, story.log.read_bytes())
    finally:
        child.kill()
        child.wait()
