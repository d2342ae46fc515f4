"""Cases 1 to 24: faults while an event is written. What swept them all has files of its own; here each has its name."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from itertools import pairwise
from shutil import which

import pytest
from cli.support import tell_the_story, untouched
from conftest import Cli

from evcli.log.file.engine import FileLog
from faults.casebook import (
    EVE,
    PACKAGE,
    Kernel,
    forged,
    names,
    no_traceback,
    nothing_lost,
    process,
    says,
    torn_copies,
)  # fmt: skip


@pytest.fixture
def kernel(story: Cli, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The calls that are made from now on, over a log of eight events."""
    return Kernel(monkeypatch, story.log)


@pytest.fixture
def story(cli: Cli) -> Cli:
    """evcli over a log of eight events."""
    tell_the_story(cli)
    return cli


REFUSALS = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG]


@pytest.mark.case(1)
@pytest.mark.parametrize("error", REFUSALS, ids=names(REFUSALS))
def test_case_01_a_write_that_fails_writes_nothing_and_says_so(story: Cli, kernel: Kernel, error: int) -> None:
    before = story.log.read_bytes()
    kernel.fail("write log", error)
    says(story(*EVE), 14, "event 9 was not written", os.strerror(error))
    assert story.log.read_bytes() == before
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(2)
@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_case_02_a_write_of_which_only_a_part_fits_is_taken_back(story: Cli, kernel: Kernel, length: int) -> None:
    before = story.log.read_bytes()
    kernel.short("write log", length)
    says(story(*EVE), 14, "event 9 was not written", "bytes fit")
    assert story.log.read_bytes() == before
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(3)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_case_03_a_part_that_cannot_be_taken_back_is_put_aside_by_the_next_write(
    story: Cli, kernel: Kernel, error: int
) -> None:
    before = story.log.read_bytes()
    kernel.short("write log", 100)
    kernel.fail("ftruncate log", error)
    says(story(*EVE), 15, "event 9 may or may not be stored", "taking it back failed")
    assert len(story.log.read_bytes()) == len(before) + 100
    assert story.ok("head").out.startswith("8:")
    kernel.heal()
    ran = story.ok(*EVE)
    assert "100 bytes" in ran.err
    assert f"byte {len(before)}" in ran.err
    assert [len(copy) for copy in torn_copies(story.log)] == [100]
    nothing_lost(story, before)


@pytest.mark.case(4)
@pytest.mark.parametrize("stored", [0, 1, 100])
def test_case_04_a_write_that_claims_more_than_it_stored_is_noticed(story: Cli, kernel: Kernel, stored: int) -> None:
    before = story.log.read_bytes()
    whole = len(forged()) + 1000
    for claimed in (whole, 10):
        kernel.short("write log", stored, says=claimed)
        says(story(*EVE), 14, "event 9 was not written")
        assert story.log.read_bytes() == before
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(4)
def test_case_04_zeros_of_the_right_length_are_never_chained_on_to(story: Cli) -> None:
    before = story.log.read_bytes()
    story.log.write_bytes(before + bytes(300))
    assert story.ok("head").out.startswith("8:")
    assert "300 bytes" in story.ok(*EVE).err
    assert torn_copies(story.log) == [bytes(300)]
    nothing_lost(story, before)


SYNC_FAULTS = [errno.EIO, errno.ENOSPC, errno.EDQUOT]


@pytest.mark.case(5)
@pytest.mark.parametrize("error", SYNC_FAULTS, ids=names(SYNC_FAULTS))
def test_case_05_a_sync_that_fails_once_is_not_tried_again_and_nothing_is_acknowledged(
    story: Cli, kernel: Kernel, error: int
) -> None:
    before = story.log.read_bytes()
    kernel.fail("fsync log", error, times=1, once="write log")
    ran = story(*EVE)
    says(ran, 15, "event 9 may or may not be stored", "evcli log")
    assert ran.out == "", "it was acknowledged"
    assert kernel.made[kernel.made.index("write log") :] == ["write log", "fsync log", "ftruncate log", "fsync log"]
    assert story.log.read_bytes() == before
    nothing_lost(story, before)


@pytest.mark.case(6)
def test_case_06_when_every_sync_fails_each_outcome_is_unknown_and_the_log_stays_readable(
    story: Cli, kernel: Kernel
) -> None:
    """First those of the line and of taking it back, then, in the next command, that of what stands in the log."""
    before = story.log.read_bytes()
    kernel.fail("fsync log", errno.EIO, once="write log")
    for said in ("event 9 may or may not be stored", "nothing was written"):
        says(story(*EVE), 15, said)
        assert story.ok("log", "-n", "1").out.startswith("8\t")
    assert kernel.made.count("write log") == 1
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(7)
def test_case_07_after_a_sync_that_failed_the_file_has_no_byte_of_the_line_that_the_cache_may_lose(
    story: Cli, kernel: Kernel
) -> None:
    """A real write-back failure drops pages that never were on the disk: none of ours may be among those that count."""
    before = story.log.read_bytes()
    kernel.fail("fsync log", errno.EIO, times=1, once="write log")
    says(story(*EVE), 15)
    assert kernel.made[-2:] == ["ftruncate log", "fsync log"]
    assert story.log.read_bytes() == before, "the line was not taken back to where it began"
    nothing_lost(story, before)


@pytest.mark.case(8)
@pytest.mark.parametrize("which", [1, 2, 3])
def test_case_08_a_folder_that_cannot_be_synced_on_creation_leaves_the_outcome_unknown_and_no_event(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    """The sync of the name comes before the write, so the event is not there; the name may be."""
    fsync, seen = os.fsync, [0]

    def failing(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            seen[0] += 1
            if seen[0] == which:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        ran = cli(*EVE)
    if seen[0] < which:
        assert ran.code == 0, "there are so many folders to be synced"
        return
    says(ran, 15)
    assert not cli.log.exists() or cli.log.read_bytes() == b""
    assert cli.ok(*EVE).out.startswith("user 1 created")


@pytest.mark.case(8)
def test_case_08_a_file_system_that_cannot_sync_folders_is_good_enough(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(monkeypatch, cli.log)
    kernel.fail("fsync folder", errno.EINVAL)
    cli.ok(*EVE)
    assert "fsync folder" in kernel.made


needs_strace = pytest.mark.skipif(which("strace") is None, reason="strace, which makes system calls fail, is not there")


@pytest.mark.case(9)
@needs_strace
@pytest.mark.parametrize("call", ["openat", "flock", "write", "fsync"])
def test_case_09_a_call_that_is_interrupted_is_made_again(story: Cli, call: str) -> None:
    before = story.log.read_bytes()
    trace = ("strace", "-qq", "-o", "/dev/null", "-P", str(story.log), "-e", f"trace={call}")
    inject = ("-e", f"inject={call}:error=EINTR:when=1")
    ran = process(*EVE, log=story.log, command=(*trace, *inject, sys.executable, "-m", "evcli"))
    if b"ptrace" in ran.err and b"not permitted" in ran.err:
        pytest.skip("this system lets nobody trace a process")
    says(ran, 0)
    assert b"(event 9)" in ran.out
    nothing_lost(story, before)


DIER = """
import os, signal, sys
from evcli.cli.main import main

name, place, when, number, *words = sys.argv[1:]
import fcntl
made = 0
module = fcntl if name == "flock" else os
real = getattr(module, name)

def dying(*arguments):
    global made
    made += 1
    if made == int(place) and when == "before":
        os.kill(os.getpid(), int(number))
    result = real(*arguments)
    if made == int(place) and when == "after":
        os.kill(os.getpid(), int(number))
    return result

setattr(module, name, dying)
code = main(words)
sys.stdout.flush()
os._exit(code)
"""


@pytest.mark.case(10)
@pytest.mark.parametrize(
    ("call", "place", "when", "is_stored"),
    [("flock", 1, "before", False), ("flock", 1, "after", False),
     ("fsync", 1, "before", False), ("fsync", 1, "after", False),
     ("write", 1, "before", False), ("write", 1, "after", True),
     ("fsync", 2, "before", True), ("fsync", 2, "after", True)],
)  # fmt: skip
def test_case_10_killed_at_a_call_the_event_is_whole_or_not_there(
    story: Cli, call: str, place: int, when: str, is_stored: bool
) -> None:
    before = story.log.read_bytes()
    command = (sys.executable, "-c", DIER, call, str(place), when, str(int(signal.SIGKILL)))
    ran = process(*EVE, log=story.log, command=command)
    assert (ran.code, ran.out) == (-signal.SIGKILL, b"")
    now = story.log.read_bytes()
    assert now.startswith(before)
    assert now.count(b"\n") == 8 + is_stored
    story.ok("verify")
    # Sent again, it meets itself or is recorded: never twice.
    assert story(*EVE).code == (1 if is_stored else 0)
    assert story.log.read_bytes().count(b"\n") == 9


@pytest.mark.case(11)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize(
    ("call", "place", "is_stored"), [("flock", 1, False), ("fsync", 1, True), ("write", 1, True), ("fsync", 2, True)]
)
def test_case_11_a_signal_before_the_write_ends_it_and_one_after_it_waits_for_the_answer(
    story: Cli, call: str, place: int, is_stored: bool, number: signal.Signals
) -> None:
    before = story.log.read_bytes()
    command = (sys.executable, "-c", DIER, call, str(place), "before", str(int(number)))
    ran = process(*EVE, log=story.log, command=command)
    if is_stored:
        says(ran, 0)
        assert b"(event 9)" in ran.out
    else:
        says(ran, 128 + number, "interrupted; nothing was written")
        assert ran.out == b""
    assert story.log.read_bytes().count(b"\n") == 8 + is_stored
    nothing_lost(story, before)


@pytest.mark.case(12)
def test_case_12_killed_after_any_byte_of_the_write_the_tail_is_torn_cut_and_kept(story: Cli) -> None:
    before = story.log.read_bytes()
    story.ok(*EVE)
    line = story.log.read_bytes()[len(before) :]
    for length in range(0, len(line), 9):
        for copy in story.log.parent.glob("*.torn*"):
            copy.unlink()
        story.log.write_bytes(before + line[:length])
        assert story.ok("head").out.startswith("8:")
        ran = story.ok("user", "create", "Zoe", "--email", "zoe@example.com")
        assert torn_copies(story.log) == ([line[:length]] if length else [])
        assert (f"{length} bytes" in ran.err) is bool(length)
    nothing_lost(story, before)


@pytest.mark.case(13)
def test_case_13_of_writers_that_are_killed_at_any_time_every_acknowledged_event_is_stored(cli: Cli) -> None:
    """A short one of its kind: the storm has a file of its own."""
    program = (
        "import itertools, os, sys\nfrom evcli.cli.main import main\n"
        "for n in itertools.count():\n"
        "    email = f'{os.getpid()}-{n}@example.com'\n"
        "    main(['user', 'create', 'x', '--email', email, '--lock-wait', '60', '--json'])\n"
    )
    environment = {**os.environ, **PACKAGE}
    writers = [
        subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) for _ in range(3)
    ]
    acknowledged: list[bytes] = []
    for writer in writers:
        assert writer.stdout is not None
        acknowledged += [writer.stdout.readline() for _ in range(4)]
        writer.kill()
    for writer in writers:
        acknowledged += writer.communicate()[0].splitlines()
    import json

    ids = set()
    for answer in acknowledged:
        with suppress(ValueError):  # the last answer may have been cut short with its writer
            ids.add(json.loads(answer)["events"][0]["id"])
    stored = [json.loads(line)["id"] for line in cli.log.read_bytes().splitlines()]
    assert len(ids) >= 12
    assert ids <= set(stored)
    assert len(set(stored)) == len(stored)
    nothing_lost(cli, cli.log.read_bytes()[: cli.log.read_bytes().rindex(b"\n") + 1])


@pytest.mark.case(14)
def test_case_14_the_name_of_a_first_log_is_durable_before_its_first_event(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(monkeypatch, cli.log)
    cli.ok(*EVE)
    written = kernel.made.index("write log")
    assert kernel.made[:written].count("fsync folder") >= 2, "the folder, and the one above it"
    assert kernel.made[written:] == ["write log", "fsync log"]


def images(line: bytes, start: int, sector: int) -> list[bytes]:
    """What a power cut may leave of `line` at byte `start`: any one or two of its sectors never reached the disk."""
    edges = [0, *range(sector - start % sector, len(line), sector), len(line)]
    pieces = [line[a:b] for a, b in pairwise(edges) if a < b]
    found = []
    for first in range(len(pieces)):
        for second in range(first, len(pieces)):
            lost = {first, second}
            found.append(b"".join(bytes(len(piece)) if at in lost else piece for at, piece in enumerate(pieces)))
    return found


@pytest.mark.case(15)
@pytest.mark.parametrize("sector", [512, 4096])
@pytest.mark.parametrize("size", [10, 1500])
def test_case_15_a_line_of_which_sectors_never_reached_the_disk_is_torn_and_never_damage(
    story: Cli, size: int, sector: int
) -> None:
    before = story.log.read_bytes()
    story.ok("user", "destroy", "2", "--reason", "é" * size)
    line = story.log.read_bytes()[len(before) :]
    for image in images(line, len(before), sector):
        story.log.write_bytes(before + image)
        ran = story("verify")
        assert ran.code == 0, ran.err
        assert story.ok("head").out.startswith("8:")
    nothing_lost(story, before)


@pytest.mark.case(16)
def test_case_16_a_recovery_that_a_power_cut_interrupts_is_done_again(story: Cli) -> None:
    before = story.log.read_bytes()
    tail = b'{"specversion":"1.0","id":"half'
    kept = story.log.with_name(f"{story.log.name}.torn-{len(before)}")
    for copy in (None, b"", tail[:5], bytes(len(tail)), tail):  # the copy in any state that was not synced yet
        for log in (before + tail, before + bytes(len(tail)), before):
            for old in story.log.parent.glob("*.torn*"):
                old.unlink()
            if copy is not None:
                kept.write_bytes(copy)
            story.log.write_bytes(log)
            story.ok("verify")
            story.ok(*EVE)
            story.ok("verify")
            assert log == before or log[len(before) :] in torn_copies(story.log)
            assert story.log.read_bytes().startswith(before)
    nothing_lost(story, before)


RECOVERY = ["write torn", "fsync torn", "fsync folder", "ftruncate log", "fsync log"]


@pytest.mark.case(17)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EACCES], ids=["EIO", "ENOSPC", "EACCES"])
@pytest.mark.parametrize("call", RECOVERY)
def test_case_17_a_fault_while_a_torn_tail_is_put_aside_loses_neither_events_nor_tail(
    story: Cli, kernel: Kernel, call: str, error: int
) -> None:
    before, tail = story.log.read_bytes(), b'{"specversion":"1.0","id":"half'
    story.log.write_bytes(before + tail)
    kernel.fail(call, error)
    ran = story(*EVE)
    assert ran.code in (12, 14, 15), ran.err
    no_traceback(ran)
    assert story.log.read_bytes() in (before, before + tail)
    assert story.log.read_bytes() == before + tail or tail in torn_copies(story.log)
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(18)
def test_case_18_a_disk_that_is_full_for_the_copy_leaves_the_tail_where_it_is(story: Cli, kernel: Kernel) -> None:
    before, tail = story.log.read_bytes(), b'{"specversion":"1.0","id":"half'
    story.log.write_bytes(before + tail)
    kernel.fail("write torn", errno.ENOSPC)
    with untouched(story.log.parent):
        says(story(*EVE), 14, f"byte {len(before)}", f"{len(tail)} bytes", "nothing was written")
    kernel.heal()
    nothing_lost(story, before)


@pytest.mark.case(19)
def test_case_19_the_order_of_the_calls_is_the_one_of_which_each_mutant_lacks_something(
    story: Cli, kernel: Kernel
) -> None:
    """That the suite fails for each mutant is shown with the mutants; this is the order they change."""
    story.log.write_bytes(story.log.read_bytes() + b'{"specversion":"1.0","id":"half')
    story.ok(*EVE)
    made = [call for call in kernel.made if call != "flock log"]
    assert kernel.made[-len(made) - 1] == "flock log", "the lock comes before all of them"
    assert made == [*RECOVERY, "write log", "fsync log"]


@pytest.mark.case(20)
@pytest.mark.parametrize(
    "script",
    ['"$@" >/dev/full', '"$@" >&-', '{ "$@"; echo $? >"$EVCLI_LOG.code"; } | true'],
    ids=["full", "closed", "pipe"],
)
def test_case_20_an_answer_that_cannot_be_shown_leaves_the_event_stored_and_told_on_stderr(
    story: Cli, script: str
) -> None:
    before = story.log.read_bytes()
    ran = process(*EVE, log=story.log, command=("sh", "-c", script, "sh", sys.executable, "-m", "evcli"))
    kept = story.log.with_name(story.log.name + ".code")
    code = int(kept.read_text()) if kept.exists() else ran.code
    assert code == 16, ran.err
    no_traceback(ran)
    assert b"event 9 is stored" in ran.err
    assert story.log.read_bytes().count(b"\n") == 9
    nothing_lost(story, before)


@pytest.mark.case(21)
@pytest.mark.parametrize("closed", ["0>&-", "1>&-", "2>&-", "0>&- 1>&- 2>&-"])
def test_case_21_with_standard_streams_closed_at_the_start_no_message_lands_in_the_log(story: Cli, closed: str) -> None:
    before = story.log.read_bytes()
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "evcli")
    ran = process(*EVE, log=story.log, command=shell)
    assert ran.code == (16 if "1>&-" in closed else 0)
    refused = process(*EVE, log=story.log, command=shell)
    assert refused.code == 1
    assert story.log.read_bytes().count(b"\n") == 9
    nothing_lost(story, before)


def limited(kind: int, limit: int) -> str:
    """A line of Python that sets a limit, then becomes evcli."""
    return (
        f"import os, resource, sys; resource.setrlimit({kind}, ({limit}, {limit})); "
        "os.execv(sys.executable, [sys.executable, '-m', 'evcli', *sys.argv[1:]])"
    )


@pytest.mark.case(22)
@pytest.mark.parametrize(
    ("kind", "limit"),
    [(resource.RLIMIT_NOFILE, 3), (resource.RLIMIT_NOFILE, 4), (resource.RLIMIT_AS, 60 << 20)],
    ids=["no descriptors", "one descriptor", "no memory"],
)
def test_case_22_without_descriptors_or_memory_the_log_stays_clean(story: Cli, kind: int, limit: int) -> None:
    before = story.log.read_bytes()
    ran = process(*EVE, log=story.log, command=(sys.executable, "-c", limited(kind, limit)))
    # So little may keep Python itself from starting, which says so in its own words; evcli says 14 or does it.
    now = story.log.read_bytes()
    assert now.startswith(before)
    assert now.count(b"\n") == 8 + (ran.code == 0)
    assert b"\x00" not in now
    nothing_lost(story, before)


@pytest.mark.case(22)
def test_case_22_a_log_that_does_not_fit_the_memory_ends_in_words_and_not_as_a_bug(
    story: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = story.log.read_bytes()

    def nothing_left(*_: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", nothing_left)
        ran = story(*EVE)
    assert ran.code == 14, ran.err
    no_traceback(ran)
    assert "memory" in ran.err
    assert story.log.read_bytes() == before
    nothing_lost(story, before)


@pytest.mark.case(23)
@pytest.mark.parametrize("above", [0, 1, 20, -20])
def test_case_23_a_limit_on_the_files_size_is_a_full_disk(story: Cli, above: int) -> None:
    before = story.log.read_bytes()
    command = (sys.executable, "-c", limited(resource.RLIMIT_FSIZE, len(before) + above))
    ran = process(*EVE, log=story.log, command=command)
    says(ran, 14, "event 9 was not written")
    assert story.log.read_bytes() == before
    nothing_lost(story, before)


@pytest.mark.case(24)
def test_case_24_a_child_or_a_thread_of_a_writer_holds_neither_its_lock_nor_its_file(story: Cli) -> None:
    before = story.log.read_bytes()
    program = "import glob, os; print([os.path.realpath(name) for name in glob.glob('/proc/self/fd/*')])"
    with FileLog(str(story.log)).locked(0, may_create=False):
        child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert str(story.log) not in child.stdout
        codes: list[int] = []

        def other() -> None:
            from evcli.errors import Busy

            try:
                with FileLog(str(story.log)).locked(0, may_create=False):
                    codes.append(0)
            except Busy as busy:
                codes.append(busy.exit)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert codes == [11], "a thread of the same process took the lock too"
    nothing_lost(story, before)


@pytest.mark.case(24)
def test_case_24_a_child_that_outlives_its_writer_does_not_keep_the_log_locked(story: Cli) -> None:
    before = story.log.read_bytes()
    with FileLog(str(story.log)).locked(0, may_create=False):
        child = subprocess.Popen(["sleep", "60"])
    try:
        nothing_lost(story, before)
    finally:
        child.kill()
        child.wait()
