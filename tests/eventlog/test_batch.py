"""Batches: several events are all there or none, whatever happens to the writer, and readers never see half of one."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import evcli
from evcli.audit import audit
from evcli.errors import Damaged, EvcliError, NotWritten, OutcomeUnknown
from evcli.eventlog.batch import MAX_BATCH, Batch, batch_path, find_batch
from evcli.eventlog.file import FileLog, LogWriter
from evcli.eventlog.format import NO_HASH, encode, hash_of
from evcli.eventlog.reading import LogReader
from evcli.eventlog.recovery import SECTOR

TIME = "2026-03-01T09:00:00.000000Z"


def lines(first: int, last: int, before: bytes = b"") -> bytes:
    """The lines of events `first` to `last`, each creating a user, which follow on `before`."""
    made = b""
    for number in range(first, last + 1):
        members: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"id-{number}",
            "source": "evcli",
            "type": "user.created",
            "subject": f"user/{number}",
            "time": TIME,
            "sequence": f"{number:012}",
            "authtype": "user",
            "authid": "ann",
            "data": {"name": "Ada" * 20, "email": f"{number}@example.com"},
        }
        before = encode(members, hash_of(before) if before else NO_HASH, TIME if before else "")
        made += before
    return made


ONE = lines(1, 1)
THREE = lines(2, 4, ONE)
"""A batch of three events after ONE."""
FIVE = lines(5, 5, THREE)
FORTY = lines(2, 41, ONE)
"""A batch of forty, over many sectors."""


def announcement(start: int, end: int, last: bytes) -> bytes:
    """What the batch file says, as format.md has it."""
    return b'{"start":%d,"end":%d,"sha256":"%b"}\n' % (start, end, hash_of(last))


def put(log: Path, content: bytes, batch: bytes | None = None) -> None:
    """The log with that content, and the batch file with that one or without it."""
    log.write_bytes(content)
    log.chmod(0o600)
    if beside(log).exists():
        os.remove(beside(log))
    if batch is not None:
        beside(log).write_bytes(batch)


def beside(log: Path) -> Path:
    return log.with_name(log.name + ".batch")


def copies(log: Path) -> list[bytes]:
    return [copy.read_bytes() for copy in sorted(log.parent.glob("*.torn*"))]


def read(log: Path) -> str:
    """What is read, in short: `4 events`, `1 events, 17 torn`; the events are counted from both ends."""
    with LogReader(str(log)) as reader:
        count = sum(1 for _ in reader.events())
        assert sum(1 for _ in reader.events_backward(reader.at)) == count
        assert reader.last() == reader.at
        return f"{count} events" + (f", {reader.end.torn} torn" if reader.end.torn else "")


@contextmanager
def writing(log: Path) -> Iterator[LogWriter]:
    with FileLog(str(log)).locked(0, may_create=True) as writer:
        yield writer


def append(log: Path, what: bytes, number: int) -> list[str]:
    """Append, as a writer does that found the log as it is now; what it has to tell."""
    with writing(log) as writer:
        writer.append(what, number)
        return writer.notices


@pytest.fixture
def log(log_path: Path) -> Path:
    """A log of one event."""
    put(log_path, ONE)
    return log_path


class Calls:
    """The calls that change or sync files, in order; at some of them, something else can happen first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self.before: dict[str, Callable[[], None]] = {}
        self._log = log
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))
        monkeypatch.setattr(os, "unlink", self._watched("unlink", os.unlink))

    def fail(self, call: str, error: int, *, once: str = "") -> None:
        """From now on, or from `once` another call was made on, let the call fail."""

        def failing() -> None:
            if not once or once in self.made:
                raise OSError(error, os.strerror(error))

        self.before[call] = failing

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(what: int | str, *arguments: Any) -> Any:
            did = f"{name} {self._name(what)}"
            self.made.append(did)
            if did in self.before:
                self.before[did]()
            return real(what, *arguments)

        return call

    def _name(self, what: int | str) -> str:
        if isinstance(what, str):
            return what.rpartition(".")[2].partition("-")[0]
        found = os.fstat(what)
        if stat.S_ISDIR(found.st_mode):
            return "folder"
        for name, path in (("log", self._log), ("batch", beside(self._log))):
            if path.exists() and os.path.samestat(found, path.stat()):
                return name
        return "copy"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, log_path: Path) -> Calls:
    return Calls(monkeypatch, log_path)


STEPS = ["fsync log", "write batch", "fsync batch", "fsync folder", "write log", "fsync log", "unlink batch"]
"""What is done for a batch: what stood there is synced, then the batch is announced, written, synced, and forgotten."""


# --- how a batch is written -------------------------------------------------------------------------------------------


def test_a_batch_is_announced_durably_then_written_and_synced_at_once_then_forgotten(log: Path, calls: Calls) -> None:
    append(log, THREE, 2)
    assert calls.made == STEPS
    assert log.read_bytes() == ONE + THREE
    assert not beside(log).exists()


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_the_announcement_says_what_the_format_says_and_is_its_owners_only_whatever_the_umask(
    log: Path, calls: Calls, mask: int
) -> None:
    seen: list[tuple[bytes, int]] = []
    calls.before["write log"] = lambda: seen.append(
        (beside(log).read_bytes(), stat.S_IMODE(beside(log).stat().st_mode))
    )
    with writing(log) as writer:
        before = os.umask(mask)
        try:
            writer.append(THREE, 2)
        finally:
            os.umask(before)
    expected_mode = 0o600 & ~mask
    assert seen == [(announcement(len(ONE), len(ONE + THREE), THREE), expected_mode)]


def test_one_line_needs_no_announcement(log: Path, calls: Calls) -> None:
    append(log, lines(2, 2, ONE), 2)
    assert calls.made == ["fsync log", "write log", "fsync log"]


def test_a_first_batch_of_a_new_log_is_all_there(log_path: Path) -> None:
    append(log_path, lines(1, 3), 1)
    assert read(log_path) == "3 events"
    assert not beside(log_path).exists()


def test_the_announcement_lies_beside_the_log_itself_and_not_beside_a_link_to_it(log: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.jsonl"
    link.symlink_to(log)
    assert batch_path(str(link)) == str(beside(log))
    put(log, ONE + THREE[:-1], announcement(len(ONE), len(ONE + THREE), THREE))
    assert read(link) == f"1 events, {len(THREE) - 1} torn"
    append(link, THREE, 2)
    assert read(link) == read(log) == "4 events"
    assert os.listdir(tmp_path / "links") == ["link.jsonl"]


# --- what a crash leaves ----------------------------------------------------------------------------------------------


def test_of_a_batch_cut_anywhere_no_event_is_seen_and_of_a_whole_one_every_event(log: Path) -> None:
    said = announcement(len(ONE), len(ONE + THREE), THREE)
    for length in range(0, len(THREE), 5):
        put(log, ONE + THREE[:length], said)
        wanted = "1 events" + (f", {length} torn" if length else "")
        assert read(log) == wanted, f"of the first {length} bytes"
    put(log, ONE + THREE, said)
    assert read(log) == "4 events"


def test_of_a_log_that_begins_with_a_batch_cut_anywhere_nothing_is_seen(log: Path) -> None:
    batch = lines(1, 3)
    for length in range(0, len(batch), 7):
        put(log, batch[:length], announcement(0, len(batch), batch))
        assert read(log) == "0 events" + (f", {length} torn" if length else "")


@pytest.mark.parametrize("lines_there", [0.0, 0.2, 1.0, 1.5, 2.0, 2.9])
def test_the_next_writer_keeps_a_copy_of_half_a_batch_cuts_it_and_says_so(log: Path, lines_there: float) -> None:
    half = THREE[: int(len(THREE) / 3 * lines_there)]
    put(log, ONE + half, announcement(len(ONE), len(ONE + THREE), THREE))
    notices = append(log, lines(2, 2, ONE), 2)
    assert log.read_bytes() == ONE + lines(2, 2, ONE)
    assert copies(log) == ([half] if half else [])
    assert [str(len(half)) in notice and f"byte {len(ONE)}" in notice for notice in notices] == [True] * bool(half)
    assert not beside(log).exists()
    assert all(stat.S_IMODE(copy.stat().st_mode) == 0o600 for copy in log.parent.glob("*.torn*"))


def test_half_a_batch_is_copied_cut_and_synced_before_its_announcement_is_forgotten_and_anything_is_written(
    log: Path, calls: Calls
) -> None:
    put(log, ONE + THREE[:-1], announcement(len(ONE), len(ONE + THREE), THREE))
    append(log, lines(2, 2, ONE), 2)
    assert calls.made == [
        "write copy",
        "fsync copy",
        "fsync folder",
        "ftruncate log",
        "fsync log",
        "ftruncate batch",
        "fsync batch",
        "unlink batch",
        "fsync folder",
        "write log",
        "fsync log",
    ]


def test_a_whole_batch_is_synced_before_its_announcement_is_forgotten_and_anything_is_written(
    log: Path, calls: Calls
) -> None:
    put(log, ONE + THREE, announcement(len(ONE), len(ONE + THREE), THREE))
    append(log, FIVE, 5)
    assert calls.made == [
        "fsync log", "ftruncate batch", "fsync batch", "unlink batch", "fsync folder", "write log", "fsync log",
    ]  # fmt: skip
    assert read(log) == "5 events"
    assert copies(log) == []


def test_events_after_a_whole_batch_whose_announcement_came_back_are_kept(log: Path) -> None:
    put(log, ONE + THREE + FIVE, announcement(len(ONE), len(ONE + THREE), THREE))
    assert read(log) == "5 events"
    append(log, lines(6, 6, FIVE), 6)
    assert read(log) == "6 events"
    assert copies(log) == []


def test_a_torn_tail_after_a_whole_batch_is_all_that_is_cut(log: Path) -> None:
    put(log, ONE + THREE + FIVE[:50], announcement(len(ONE), len(ONE + THREE), THREE))
    assert read(log) == "4 events, 50 torn"
    append(log, FIVE, 5)
    assert log.read_bytes() == ONE + THREE + FIVE
    assert copies(log) == [FIVE[:50]]
    assert not beside(log).exists()


def test_a_batch_in_which_any_one_sector_never_reached_the_disk_is_an_unfinished_batch(log: Path) -> None:
    whole = ONE + FORTY
    first = len(ONE) // SECTOR + 1
    for sector in range(first, len(whole) // SECTOR + 1):
        at = sector * SECTOR
        image = whole[:at] + bytes(min(SECTOR, len(whole) - at)) + whole[at + SECTOR :]
        put(log, image, announcement(len(ONE), len(whole), FORTY))
        assert read(log) == f"1 events, {len(FORTY)} torn", f"with sector {sector} lost"
    append(log, THREE, 2)
    assert log.read_bytes() == ONE + THREE


def test_a_power_cut_that_takes_a_batch_and_the_unacknowledged_line_before_it_leaves_a_torn_tail(log: Path) -> None:
    """Killed between write and sync, a writer leaves a whole line that is not durable; a batch may follow on it."""
    before = lines(2, 2, ONE)
    batch = lines(3, 5, before)
    said = announcement(len(ONE + before), len(ONE + before + batch), batch)
    for length in range(0, len(before), 5):
        put(log, ONE + before[:length], said)
        assert read(log) == "1 events" + (f", {length} torn" if length else ""), f"of the first {length} bytes"
    append(log, lines(2, 2, ONE), 2)
    assert read(log) == "2 events"


WHOLE = announcement(len(ONE), len(ONE + THREE), THREE)
NOT_WHOLE = {
    "empty": b"",
    **{f"its first {length} bytes": WHOLE[:length] for length in range(1, len(WHOLE) - 2, 9)},
    "all but its last brace": WHOLE[:-2],
    "zeros": bytes(len(WHOLE)),
    "zeros at its end": WHOLE[:-20] + bytes(20),
    "a page of zeros": bytes(4096),
    "something after it": WHOLE + b"x",
    "twice": WHOLE * 2,
    "other spacing": WHOLE.replace(b":", b": "),
    "a negative start": WHOLE.replace(b'"start":', b'"start":-'),
    "a number too long for any file": WHOLE.replace(b'"end":', b'"end":1000000000000000000'),
    "a hash in upper case": WHOLE.replace(hash_of(THREE), hash_of(THREE).upper()),
    "a hash too short": WHOLE.replace(hash_of(THREE), hash_of(THREE)[:-1]),
    "Arabic digits": WHOLE.replace(b'"end":', '"end":٣'.encode()),
    "bytes that are no text": b"\xff\xfe\x00\x01",
}


@pytest.mark.parametrize("said", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_an_announcement_that_is_not_whole_says_nothing_and_goes_with_the_next_write(log: Path, said: bytes) -> None:
    put(log, ONE + THREE, said)
    assert find_batch(str(log)) is None
    assert read(log) == "4 events"
    assert beside(log).read_bytes() == said, "a reader touched it"
    assert append(log, FIVE, 5) == []
    assert read(log) == "5 events"
    assert not beside(log).exists()
    assert copies(log) == []


def test_a_torn_tail_beside_an_announcement_that_is_not_whole_is_a_torn_tail(log: Path) -> None:
    put(log, ONE + THREE[:-5], WHOLE[:-9])
    third = len(THREE) // 3
    assert read(log) == f"3 events, {third - 5} torn"
    append(log, lines(4, 4, lines(3, 3, lines(2, 2, ONE))), 4)
    assert read(log) == "4 events"
    assert not beside(log).exists()


FOREIGN: dict[str, tuple[bytes, bytes]] = {
    # what is odd, the log's content, what the file beside it says
    "it begins inside a line": (ONE + THREE, announcement(len(ONE) + 5, len(ONE + THREE) + 9, b"")),
    "it begins inside the last line": (ONE + THREE[:-1], announcement(len(ONE + THREE) - 9, len(ONE + THREE), ONE)),
    "the log goes on after its end": (ONE + THREE + FIVE, announcement(len(ONE), len(ONE + THREE), FIVE)),
    "the log goes on after its end, which is in a line": (
        ONE + THREE + FIVE,
        announcement(len(ONE), len(ONE + THREE) + 100, FIVE),
    ),
    "all of the log would be half of it": (ONE + THREE, announcement(0, len(ONE), b"0" * 80)),
    "it ends where it begins": (ONE + THREE, announcement(len(ONE), len(ONE), THREE)),
    "it ends before it begins": (ONE + THREE, announcement(len(ONE), 5, THREE)),
    "it ends at 0": (ONE + THREE, announcement(0, 0, THREE)),
}


@pytest.mark.parametrize(("content", "said"), FOREIGN.values(), ids=FOREIGN)
def test_an_announcement_that_cannot_be_this_logs_is_damage_and_nothing_is_cut(
    log: Path, content: bytes, said: bytes
) -> None:
    said = said.replace(b'sha256":""', b'sha256":"' + b"0" * 64 + b'"')
    put(log, content, said)
    assert find_batch(str(log)) is not None, "the row does not test what it says"
    with pytest.raises(Damaged) as reading:
        read(log)
    with pytest.raises(Damaged) as refused:
        append(log, FIVE, 5)
    for error in (reading.value, refused.value):
        assert error.exit == 12
        assert str(beside(log)) in error.message, "the file that is in the way is not named"
    assert log.read_bytes() == content
    assert beside(log).read_bytes() == said
    assert copies(log) == []


def test_more_than_a_batch_can_hold_is_never_taken_for_half_of_one(log: Path) -> None:
    content = ONE + b"x" * (MAX_BATCH + 1)
    put(log, content, announcement(len(ONE), len(ONE) + 2 * MAX_BATCH, THREE))
    with pytest.raises(Damaged):
        read(log)
    with pytest.raises(Damaged):
        append(log, FIVE, 5)
    assert log.read_bytes() == content


def test_half_a_batch_in_the_middle_of_a_damaged_log_leaves_the_damage_to_be_found(log: Path) -> None:
    spoiled = ONE.replace(b"ann", b"bob")
    put(log, spoiled + THREE[:-1], WHOLE)
    with pytest.raises(Damaged) as found:
        read(log)
    assert (found.value.line, found.value.byte) == (1, 0)


# What is beside the log under that name, and is no file of ours: a reader must neither hang nor say that it is a bug.
NO_FILE: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a FIFO": os.mkfifo,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
}

PROGRAM = """
import sys
from evcli.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("make", NO_FILE.values(), ids=NO_FILE)
def test_what_is_no_file_under_the_announcements_name_is_named_and_nobody_waits_for_it(
    log: Path, make: Callable[[Path], object]
) -> None:
    make(beside(log))
    environment = {**os.environ, "PYTHONPATH": str(Path(evcli.__file__).parents[1]), "EVCLI_LOG": str(log)}
    command = [sys.executable, "-c", PROGRAM, "verify"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert ran.returncode in (0, 12, 14), ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 0 or str(beside(log)) in ran.stderr, f"it is not named: {ran.stderr}"
    assert log.read_bytes() == ONE


# --- faults while a batch is written ----------------------------------------------------------------------------------

FAULTS: list[tuple[str, int, type[EvcliError]]] = [
    # the call that fails, with what, what is said
    ("write batch", errno.ENOSPC, NotWritten),
    ("fsync batch", errno.EIO, NotWritten),
    ("fsync folder", errno.EIO, NotWritten),
    ("write log", errno.ENOSPC, NotWritten),
    ("write log", errno.EFBIG, NotWritten),
    ("fsync log", errno.EIO, OutcomeUnknown),
]


@pytest.mark.parametrize(
    ("call", "error", "said"), FAULTS, ids=[f"{call} {errno.errorcode[error]}" for call, error, _ in FAULTS]
)
def test_of_a_batch_that_fails_nothing_stays_neither_lines_nor_announcement(
    log: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int, said: type[EvcliError]
) -> None:
    with monkeypatch.context() as patch:
        calls = Calls(patch, log)

        def once() -> None:
            if call != "fsync log" or "write log" in calls.made:  # the lines' own sync, not the one before them
                del calls.before[call]
                raise OSError(error, os.strerror(error))

        calls.before[call] = once
        with pytest.raises(said) as failed:
            append(log, THREE, 2)
        assert "events 2 to 4 " in failed.value.message, "it is not said of how many"
        assert call not in calls.before, "it was not made"
    assert log.read_bytes() == ONE
    assert not beside(log).exists()
    append(log, THREE, 2)
    assert read(log) == "4 events"


def test_a_batch_of_which_only_a_part_fits_is_taken_back(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[: len(THREE) // 2]))
        with pytest.raises(NotWritten) as failed:
            append(log, THREE, 2)
    assert f"{len(THREE) // 2} of {len(THREE)} bytes" in failed.value.message
    assert log.read_bytes() == ONE
    assert not beside(log).exists()


def test_a_batch_that_cannot_be_taken_back_is_taken_back_by_the_next_writer(log: Path, calls: Calls) -> None:
    calls.fail("fsync log", errno.EIO, once="write log")
    calls.fail("ftruncate log", errno.EIO)
    with pytest.raises(OutcomeUnknown):
        append(log, THREE, 2)
    # All lines are there, and their announcement says so: the batch may be stored, and all of it.
    assert read(log) == "4 events"
    calls.before.clear()
    append(log, FIVE, 5)
    assert read(log) == "5 events"
    assert not beside(log).exists()


def test_half_a_batch_that_cannot_be_taken_back_is_never_seen(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    half = len(THREE) // 2

    def failing(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def torn(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:half] if bytes(data) == THREE else data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", torn)
        patch.setattr(os, "ftruncate", failing)
        with pytest.raises(OutcomeUnknown):
            append(log, THREE, 2)
    assert beside(log).exists()
    assert read(log) == f"1 events, {half} torn"
    append(log, THREE, 2)
    assert read(log) == "4 events"
    assert copies(log) == [THREE[:half]]


def test_an_announcement_that_cannot_be_removed_afterwards_does_not_make_the_events_less_stored(
    log: Path, calls: Calls
) -> None:
    calls.fail("unlink batch", errno.EACCES)
    append(log, THREE, 2)
    assert beside(log).exists()
    assert read(log) == "4 events"
    with pytest.raises(NotWritten) as refused:
        append(log, FIVE, 5)
    assert str(beside(log)) in refused.value.message
    calls.before.clear()
    append(log, FIVE, 5)
    assert read(log) == "5 events"
    assert not beside(log).exists()


def killed_before(step: int, calls: Calls, log: Path) -> int:
    """Append the batch in a child process that is gone before its call number `step`; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:

        def reach() -> None:
            if len(calls.made) == step + 1:
                os._exit(9)

        calls.made.clear()
        calls.before = dict.fromkeys(STEPS, reach)
        append(log, THREE, 2)
    finally:
        os._exit(0)


def test_killed_before_any_call_a_batch_is_all_there_or_not_at_all(log: Path, calls: Calls) -> None:
    seen = []
    for step in range(len(STEPS) + 1):
        put(log, ONE)
        assert killed_before(step, calls, log) == (9 if step < len(STEPS) else 0)
        seen.append(read(log))
        append(log, *((THREE, 2) if seen[-1] == "1 events" else (FIVE, 5)))
        assert not beside(log).exists()
        with LogReader(str(log)) as reader:
            assert audit(reader).status == "good"
    assert seen == ["1 events"] * 5 + ["4 events"] * 3


# --- readers beside a writer ------------------------------------------------------------------------------------------


def test_readers_never_see_half_a_batch_not_even_while_it_is_being_written(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    early = LogReader(str(log))
    seen: list[str] = []

    def slowly(descriptor: int, data: bytes) -> int:
        if bytes(data) != THREE:
            return write(descriptor, data)
        for at in range(0, len(data), 40):
            write(descriptor, data[at : at + 40])
            early.refresh()
            seen.append(f"{sum(1 for _ in early.events())} events" + (", torn" if early.end.torn else ""))
            seen.append(read(log))
        return len(data)

    monkeypatch.setattr(os, "write", slowly)
    append(log, THREE, 2)
    early.close()
    assert len(seen) > 20
    assert set(seen[:-2]) == {"1 events"}, "half a batch was seen, or a batch in the making was called torn"
    assert seen[-2:] == ["4 events"] * 2, "all of it is there"


def test_readers_never_see_half_a_batch_that_is_being_taken_back(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, fsync, ftruncate, unlink = os.write, os.fsync, os.ftruncate, os.unlink
    seen: list[str] = []

    def looked(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            seen.append(read(log))
            result = real(*arguments)
            seen.append(read(log))
            return result

        return call

    def half(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[: len(data) // 2] if bytes(data) == THREE else data)

    for name, real in (("write", half), ("fsync", fsync), ("ftruncate", ftruncate), ("unlink", unlink)):
        monkeypatch.setattr(os, name, looked(real))
    with pytest.raises(NotWritten):
        append(log, THREE, 2)
    assert set(seen) == {"1 events"}


def test_a_batch_that_ends_between_two_looks_of_a_reader_is_seen_whole(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size is taken, then the announcement is looked for: what changes in between must not be mixed."""
    put(log, ONE + THREE[:-9], WHOLE)
    moments: Iterator[Callable[[], None]] = iter([lambda: put(log, ONE + THREE), lambda: put(log, ONE + THREE + FIVE)])

    def meanwhile(path: str) -> Batch | None:
        if happens := next(moments, None):
            happens()
        return find_batch(path)

    monkeypatch.setattr("evcli.eventlog.recovery.find_batch", meanwhile)
    assert read(log) == "5 events"


WRITER = """
import sys
from evcli.cli.main import main
for _ in range(6):
    for words in (["destroy", "1", "2", "3"], ["restore", "1"], ["restore", "2"], ["restore", "3"]):
        if code := main(["user", *words, "-q", "--lock-wait", "100"]):
            sys.exit(code)
"""


def test_beside_a_real_writer_of_batches_a_reader_sees_none_or_all_of_each(log: Path) -> None:
    put(log, lines(1, 3))
    environment = {**os.environ, "PYTHONPATH": str(Path(evcli.__file__).parents[1]), "EVCLI_LOG": str(log)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER], env=environment, stderr=subprocess.PIPE)
    try:
        is_running, readings = True, set()
        while is_running:
            is_running = writer.poll() is None
            with LogReader(str(log)) as reader:
                types = [event["type"] for event in reader.events()]
            readings.add(len(types))
            destroyed = types.count("user.destroyed")
            assert destroyed % 3 == 0, f"half a batch was seen among {len(types)} events"
        assert writer.returncode == 0, writer.stderr.read().decode() if writer.stderr else ""
    finally:
        writer.kill()
        writer.communicate()
    assert max(readings) == 3 + 6 * 6
