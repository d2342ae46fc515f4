"""The log file for a writer: its lock, its one write and one sync, what failures leave, and what may be a log."""

import errno
import fcntl
import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from support.events import batch_of, creation, lines_of, place_at_end
from support.logs import reading

from evcli.cli.hints import hint_for
from evcli.disk import sync
from evcli.errors import Busy, CannotOpen, NoLog, NotWritten, OutcomeUnknown
from evcli.log.file import engine as file_module
from evcli.log.file.engine import FileLog
from evcli.log.file.open import open_for_reading, own_path
from evcli.log.file.writer import LogWriter

ONE, TWO, THREE, FOUR = lines_of(creation(number) for number in range(1, 5))
BATCH = b"".join(lines_of(batch_of(2, 3), place_at_end([ONE])))
"""Two events after the first, as one."""


@contextmanager
def writing(path: Path, wait: float = 0, *, may_create: bool = True) -> Iterator[LogWriter]:
    with FileLog(str(path)).locked(wait, may_create=may_create) as writer:
        yield writer


def append(path: Path, lines: bytes, number: int) -> None:
    with writing(path) as writer:
        writer.append(lines, number)


@pytest.fixture(autouse=True)
def _every_sync_is_an_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a sync is another call; here it is the one that the tests watch, on every system."""

    def plain(descriptor: int) -> None:
        os.fsync(descriptor)

    if sys.platform == "darwin":
        monkeypatch.setattr(file_module, "sync", plain)


@pytest.fixture
def log(log_path: Path) -> Path:
    """A log of one event."""
    append(log_path, ONE, 1)
    return log_path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def lock_of_another(path: Path) -> Iterator[int]:
    """Another writer holds the lock while the block runs; gives its descriptor."""
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Calls:
    """The calls that change or sync files, in order, as `name what`; each can be made to do something else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self.instead: dict[str, Callable[..., Any]] = {}
        self._log = log
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def fail(self, call: str, error: int, *, once: str = "") -> None:
        """From now on, or from `once` another call was made on, let the call fail."""

        def failing(real: Callable[..., Any], *arguments: Any) -> Any:
            if once and once not in self.made:
                return real(*arguments)
            raise OSError(error, os.strerror(error))

        self.instead[call] = failing

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            did = f"{name} {self._what(descriptor)}"
            self.made.append(did)
            if did in self.instead:
                return self.instead[did](real, descriptor, *arguments)
            return real(descriptor, *arguments)

        return call

    def _what(self, descriptor: int) -> str:
        found = os.fstat(descriptor)
        if not stat.S_ISDIR(found.st_mode):
            return "log"
        return "folder" if os.path.samestat(found, os.stat(self._log.parent)) else "folder above"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, log_path: Path) -> Calls:
    """The calls that are made from now on."""
    return Calls(monkeypatch, log_path)


# --- appending --------------------------------------------------------------------------------------------------------


def test_an_event_is_one_write_and_one_sync_after_a_sync_of_what_stood_there(log: Path, calls: Calls) -> None:
    append(log, TWO, 2)
    assert calls.made == ["fsync log", "write log", "fsync log"]
    assert log.read_bytes() == ONE + TWO


def test_a_batch_is_one_write_and_one_sync_too(log: Path, calls: Calls) -> None:
    append(log, BATCH, 2)
    assert calls.made == ["fsync log", "write log", "fsync log"]
    assert log.read_bytes() == ONE + BATCH


@pytest.mark.case(14)
def test_the_logs_name_is_safe_before_its_first_event_is_written(log_path: Path, calls: Calls) -> None:
    append(log_path, ONE, 1)
    assert calls.made == ["fsync folder", "fsync folder above", "write log", "fsync log"]


def test_the_first_event_of_an_empty_file_syncs_its_name_too(log_path: Path, calls: Calls) -> None:
    log_path.write_bytes(b"")
    append(log_path, ONE, 1)
    assert calls.made == ["fsync log", "fsync folder", "fsync folder above", "write log", "fsync log"]


def test_each_new_folder_is_synced_into_the_one_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}") if Path("/proc/self/fd").exists() else "")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    log = tmp_path / "a" / "b" / "events.jsonl"
    append(log, ONE, 1)
    if not synced[0]:
        pytest.skip("this system does not tell which folder a descriptor is")
    assert synced[-1] == str(log), "the event itself is not synced last"
    assert {str(tmp_path), str(tmp_path / "a"), str(log.parent)} <= set(synced[:-1])


@pytest.mark.case(1)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG])
def test_a_failed_write_leaves_the_log_as_it_was_and_says_that_nothing_was_written(
    log: Path, calls: Calls, error: int
) -> None:
    calls.fail("write log", error)
    with pytest.raises(NotWritten) as failed:
        append(log, TWO, 2)
    assert log.read_bytes() == ONE
    assert failed.value.exit == 14
    assert "event 2 was not written" in failed.value.message
    assert os.strerror(error) in failed.value.message
    assert calls.made == ["fsync log", "write log", "ftruncate log", "fsync log"]


@pytest.mark.case(2)
@pytest.mark.parametrize("fits", [0, 1, 100, len(TWO) - 1])
def test_a_short_write_is_taken_back(log: Path, calls: Calls, fits: int) -> None:
    def short(write: Callable[..., int], descriptor: int, data: bytes) -> int:
        with log.open("ab") as file:
            return file.write(data[:fits])

    calls.instead["write log"] = short
    with pytest.raises(NotWritten) as failed:
        append(log, TWO, 2)
    assert log.read_bytes() == ONE
    assert f"{fits} of {len(TWO)} bytes" in failed.value.message
    assert "event 2" in failed.value.message
    assert (failed.value.exit, "was not written" in failed.value.message) == (14, True)


@pytest.mark.parametrize("stored", [b"", TWO[:50]])
def test_a_write_that_claims_more_than_it_stored_is_noticed_and_taken_back(
    log: Path, calls: Calls, stored: bytes
) -> None:
    def lying(write: Callable[..., int], descriptor: int, data: bytes) -> int:
        with log.open("ab") as file:
            file.write(stored)
        return len(data)

    calls.instead["write log"] = lying
    with pytest.raises(NotWritten):
        append(log, TWO, 2)
    assert log.read_bytes() == ONE


def test_a_failed_write_that_cannot_be_taken_back_is_an_unknown_outcome(log: Path, calls: Calls) -> None:
    calls.fail("write log", errno.EIO)
    calls.fail("ftruncate log", errno.EIO)
    with pytest.raises(OutcomeUnknown) as failed:
        append(log, TWO, 2)
    assert failed.value.exit == 15
    assert "event 2 may or may not be stored" in failed.value.message
    assert "taking it back failed" in failed.value.message


@pytest.mark.case(5, 7)
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_failed_sync_is_never_repeated_for_the_same_line_but_takes_it_back(
    log: Path, calls: Calls, error: int
) -> None:
    sizes: list[int] = []

    def failing_once(fsync: Callable[..., None], descriptor: int) -> None:
        sizes.append(os.fstat(descriptor).st_size)
        if len(sizes) == 2:
            raise OSError(error, os.strerror(error))

    calls.instead["fsync log"] = failing_once
    with pytest.raises(OutcomeUnknown) as failed:
        append(log, TWO, 2)
    assert sizes == [len(ONE), len(ONE + TWO), len(ONE)], "the sync after the failed one is of the log without the line"
    assert calls.made == ["fsync log", "write log", "fsync log", "ftruncate log", "fsync log"]
    assert log.read_bytes() == ONE
    assert failed.value.exit == 15
    assert "event 2 may or may not be stored" in failed.value.message
    assert os.strerror(error) in failed.value.message
    assert "evcli log" in hint_for(failed.value)


@pytest.mark.case(6)
def test_when_syncs_keep_failing_the_log_stays_readable_and_each_outcome_is_unknown(log: Path, calls: Calls) -> None:
    calls.fail("fsync log", errno.EIO, once="write log")
    one = FileLog(str(log))
    for said in ("taking it back failed too", "nothing was written"):
        with pytest.raises(OutcomeUnknown, match=said), one.locked(0, may_create=False) as writer:
            writer.append(TWO, 2)
        with reading(log) as reader:
            assert reader.log.head().number == 1
    assert calls.made.count("write log") == 1, "written on what may come back"


@pytest.mark.case(8)
def test_when_the_folder_cannot_be_synced_nothing_is_written(log_path: Path, calls: Calls) -> None:
    calls.fail("fsync folder", errno.EIO)
    with pytest.raises(OutcomeUnknown) as failed:
        append(log_path, ONE, 1)
    assert failed.value.exit == 15
    assert log_path.read_bytes() == b""
    assert "write log" not in calls.made


@pytest.mark.case(8)
def test_a_file_system_that_cannot_sync_folders_is_good_enough(log_path: Path, calls: Calls) -> None:
    calls.fail("fsync folder", errno.EINVAL)
    append(log_path, ONE, 1)
    assert log_path.read_bytes() == ONE


@pytest.mark.case(1, 6)
def test_after_any_failure_the_next_event_is_appended_where_it_belongs(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call, error in [("write log", errno.ENOSPC), ("fsync log", errno.EIO), ("ftruncate log", errno.EIO)]:
        with monkeypatch.context() as patch:
            calls = Calls(patch, log)
            calls.fail(call, error, once="write log")
            if call == "ftruncate log":
                calls.fail("write log", errno.EIO)
            with pytest.raises((NotWritten, OutcomeUnknown)):
                append(log, TWO, 2)
    append(log, TWO, 2)
    assert log.read_bytes() == ONE + TWO


def test_a_writer_may_append_more_than_once_while_it_holds_the_lock(log: Path) -> None:
    with writing(log) as writer:
        writer.append(TWO, 2)
        writer.append(THREE, 3)
    assert log.read_bytes() == ONE + TWO + THREE


def test_bytes_that_somebody_adds_without_the_lock_are_noticed_and_nothing_is_acknowledged(log: Path) -> None:
    with writing(log) as writer:
        with log.open("ab") as file:
            file.write(b"somebody without a lock\n")
        with pytest.raises((NotWritten, OutcomeUnknown), match="event 2"):
            writer.append(TWO, 2)
    assert log.read_bytes().startswith(ONE)
    assert TWO not in log.read_bytes()


# --- what another writer may have left unsynced -----------------------------------------------------------------------


def append_by(one: FileLog, lines: bytes, number: int) -> None:
    with one.locked(0, may_create=False) as writer:
        writer.append(lines, number)


@pytest.mark.parametrize("lines", [TWO, BATCH], ids=["one line", "a batch"])
def test_when_what_stands_there_cannot_be_synced_nothing_is_written_on_it(
    log: Path, calls: Calls, lines: bytes
) -> None:
    calls.fail("fsync log", errno.EIO)
    with pytest.raises(OutcomeUnknown, match="may not be durable") as failed:
        append(log, lines, 2)
    assert failed.value.exit == 15
    assert "nothing was written" in failed.value.message
    assert calls.made == ["fsync log"]
    assert log.read_bytes() == ONE
    assert [path.name for path in log.parent.iterdir()] == [log.name]


def test_what_the_same_log_synced_last_is_not_synced_again(log: Path, calls: Calls) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    calls.made.clear()
    append_by(one, THREE, 3)
    assert calls.made == ["write log", "fsync log"]


def test_what_another_one_wrote_is_synced_even_between_two_writes_of_ones_own(log: Path, calls: Calls) -> None:
    one, other = FileLog(str(log)), FileLog(str(log))
    append_by(one, TWO, 2)
    append_by(other, THREE, 3)
    calls.made.clear()
    append_by(one, FOUR, 4)
    assert calls.made == ["fsync log", "write log", "fsync log"]


def replaced(log: Path) -> None:
    """The same bytes in another file."""
    copy = log.with_name("copy")
    copy.write_bytes(log.read_bytes())
    copy.replace(log)


def written_anew(log: Path) -> None:
    """The same bytes in the same file, written once more, a moment later."""
    time.sleep(0.02)  # the file system's clock has such steps
    log.write_bytes(log.read_bytes())


def cut(log: Path) -> None:
    os.truncate(log, len(ONE))


@pytest.mark.parametrize(("happens", "number"), [(replaced, 3), (written_anew, 3), (cut, 2)])
def test_a_log_that_is_not_as_it_was_synced_is_synced_before_anything_is_written(
    log: Path, calls: Calls, happens: Callable[[Path], None], number: int
) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    happens(log)
    calls.made.clear()
    append_by(one, {2: TWO, 3: THREE}[number], number)
    assert calls.made == ["fsync log", "write log", "fsync log"]


def test_a_line_that_was_taken_back_for_good_leaves_nothing_to_sync(log: Path, calls: Calls) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    calls.fail("write log", errno.ENOSPC)
    with pytest.raises(NotWritten):
        append_by(one, THREE, 3)
    calls.instead.clear()
    calls.made.clear()
    append_by(one, THREE, 3)
    assert calls.made == ["write log", "fsync log"]


def test_after_a_torn_tail_was_cut_and_the_cut_not_synced_it_is_synced_first(log: Path, calls: Calls) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    with log.open("ab") as file:
        file.write(THREE[:50])
    calls.made.clear()
    calls.fail("fsync log", errno.EIO, once="ftruncate log")
    with pytest.raises(OutcomeUnknown, match="nothing was written"):
        append_by(one, THREE, 3)
    assert log.read_bytes() == ONE + TWO
    calls.instead.clear()
    calls.made.clear()
    append_by(one, THREE, 3)
    assert calls.made == ["fsync log", "write log", "fsync log"]


# --- what a sync is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_refused", [False, True])
def test_on_macos_a_sync_reaches_the_disk_itself_or_else_is_a_plain_one(
    monkeypatch: pytest.MonkeyPatch, is_refused: bool
) -> None:
    made: list[str] = []

    def full_sync(descriptor: int, command: int) -> None:
        made.append(f"fcntl {command}")
        if is_refused:
            raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda descriptor: made.append("fsync"))
    sync(3)
    assert made == (["fcntl 51", "fsync"] if is_refused else ["fcntl 51"])


def test_elsewhere_a_sync_is_an_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "fsync", made.append)
    sync(3)
    assert made == [3]


# --- the lock ---------------------------------------------------------------------------------------------------------


@pytest.mark.case(36)
def test_a_log_that_another_writer_has_locked_is_busy_and_stays_as_it_is(log: Path) -> None:
    with lock_of_another(log), pytest.raises(Busy) as busy, writing(log, 0):
        pass
    assert busy.value.exit == 11
    assert str(log) in busy.value.message
    assert "is locked" in busy.value.message
    assert "nothing was written" in busy.value.message
    assert "--lock-wait" in hint_for(busy.value)
    assert log.read_bytes() == ONE


@pytest.mark.case(36, 37)
def test_the_lock_is_tried_until_the_time_is_up_by_a_clock_that_nobody_sets(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monotonic = 1000.0
    tries: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal monotonic
        monotonic += seconds
        tries.append(monotonic)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", sleep)
    with lock_of_another(log), pytest.raises(Busy, match=r"waited 10 s"), writing(log, 10):
        pass
    assert tries[-1] - 1000 == pytest.approx(10, abs=0.1)
    assert len(tries) >= 100, "it looked away for too long at a time"


def test_a_writer_gets_the_lock_as_soon_as_it_is_free(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with lock_of_another(log) as other:
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(other, fcntl.LOCK_UN))
        with writing(log, 10) as writer:
            writer.append(TWO, 2)
    assert log.read_bytes() == ONE + TWO


@pytest.mark.case(24)
def test_the_lock_is_held_until_the_block_ends_and_then_free(log: Path) -> None:
    with writing(log), pytest.raises(Busy), writing(log, 0):
        pass
    with writing(log, 0):
        pass


def test_the_lock_is_freed_when_the_block_fails(log: Path) -> None:
    with pytest.raises(ZeroDivisionError), writing(log):
        raise ZeroDivisionError
    with writing(log, 0):
        pass


def test_the_lock_is_not_lost_when_the_same_process_reads_the_log(log: Path) -> None:
    with writing(log):
        assert FileLog(str(log)).view
        with pytest.raises(Busy), writing(log, 0):
            pass


@pytest.mark.case(36)
def test_readers_take_no_lock_and_need_none(log: Path) -> None:
    with lock_of_another(log), reading(log) as reader:
        assert reader.log.head().number == 1
    with reading(log), writing(log, 0):
        pass


@pytest.mark.case(24, 39)
def test_a_child_process_inherits_neither_the_lock_nor_the_file(log: Path) -> None:
    with writing(log) as writer:
        assert not os.get_inheritable(writer.descriptor)
    with FileLog(str(log)) as file:
        assert not os.get_inheritable(file.view.descriptor)


@pytest.mark.case(40)
@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_for_writing_with_advice(
    log: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(CannotOpen) as refused, writing(log):
        pass
    assert refused.value.exit == 14
    assert "nothing was written" in refused.value.message
    assert "cannot be locked" in refused.value.message
    assert "local file system" in refused.value.hint
    assert log.read_bytes() == ONE
    with reading(log) as reader:
        assert len(list(reader.events())) == 1, "reading needs a lock"


@pytest.mark.case(38)
def test_a_log_that_was_replaced_while_its_lock_was_waited_for_is_not_written_to(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = log.with_name("old")
    with lock_of_another(log) as other:

        def replace(seconds: float) -> None:
            log.rename(old)
            log.write_bytes(ONE)
            fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", replace)
        append_waiting = FileLog(str(log)).locked(10, may_create=False)
        with append_waiting as writer:
            writer.append(TWO, 2)
    assert log.read_bytes() == ONE + TWO, "the event is not in the file that now is the log"
    assert old.read_bytes() == ONE, "the event went into a file that is the log no more"


@pytest.mark.case(38)
def test_a_log_that_was_removed_while_its_lock_was_waited_for_is_gone(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lock_of_another(log) as other:

        def remove(seconds: float) -> None:
            log.unlink()
            fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", remove)
        with pytest.raises(NoLog), FileLog(str(log)).locked(10, may_create=False):
            pass
    assert not log.exists()


# --- creating ---------------------------------------------------------------------------------------------------------


@pytest.mark.case(25, 30)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_a_new_log_is_its_owners_only_and_so_are_new_folders_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    log = tmp_path / "new" / "deeper" / "events.jsonl"
    if mask == 0o777:  # nobody could enter a folder made under this one
        (tmp_path / "new").mkdir(mode=0o700)
        log.parent.mkdir(mode=0o700)
    with umask(mask):
        append(log, ONE, 1)
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(log.parent.parent.stat().st_mode) == 0o700
    assert log.read_bytes() == ONE


def test_a_new_log_is_its_owners_only_from_its_first_moment(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []

    def look(descriptor: int, mode: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fchmod", look)
    with umask(0o000):
        append(log_path, ONE, 1)
    assert all(mode == 0o600 for mode in [*modes, stat.S_IMODE(log_path.stat().st_mode)]), "others could open it before"


def test_the_rights_of_a_log_that_is_there_are_left_as_they_are(log: Path) -> None:
    log.chmod(0o664)
    append(log, TWO, 2)
    assert stat.S_IMODE(log.stat().st_mode) == 0o664


def test_a_missing_log_is_not_created_unless_that_is_asked_for(log_path: Path) -> None:
    with pytest.raises(NoLog), writing(log_path, may_create=False):
        pass
    assert not log_path.exists()


def test_of_two_creators_the_slower_one_takes_the_log_of_the_faster(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_was_faster(path: str) -> int:
        append_as_another(path)
        raise FileExistsError

    def append_as_another(path: str) -> None:
        Path(path).write_bytes(ONE)

    monkeypatch.setattr(file_module, "create", another_was_faster)
    append(log_path, TWO, 2)
    assert log_path.read_bytes() == ONE + TWO


@pytest.mark.case(25)
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(NotWritten) as refused:
        append(tmp_path / "notes" / "events.jsonl", ONE, 1)
    assert f"{tmp_path / 'notes'} is not a folder" in refused.value.message
    assert "nothing was written" in refused.value.message
    assert refused.value.exit == 14
    assert (tmp_path / "notes").read_text() == "mine"


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.case(27)
def test_a_link_of_ones_own_is_followed_to_where_the_log_really_is(log: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to(log)
    append(link, TWO, 2)
    assert log.read_bytes() == ONE + TWO
    assert link.is_symlink()


@pytest.mark.case(27)
def test_a_link_to_nothing_gets_its_log_where_it_points(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "there.jsonl"
    link.symlink_to(target)
    with pytest.raises(NoLog):
        assert FileLog(str(link)).view
    append(link, ONE, 1)
    assert link.is_symlink()
    assert target.read_bytes() == ONE


@pytest.mark.case(27)
def test_a_link_of_another_user_is_refused_and_its_target_untouched(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(log)
    if os.geteuid() == 0:
        os.chown(link, 12345, 12345, follow_symlinks=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(CannotOpen, match="is another user's link") as refused:
        append(link, TWO, 2)
    assert refused.value.exit == 14
    assert "nothing was written" in refused.value.message
    assert log.read_bytes() == ONE


@pytest.mark.case(29)
def test_a_second_hard_link_is_warned_of_and_written(log: Path, tmp_path: Path) -> None:
    os.link(log, tmp_path / "second")
    with writing(log) as writer:
        writer.append(TWO, 2)
    (notice,) = writer.notices
    assert f"{log} has 2 hard links" in notice
    assert log.read_bytes() == ONE + TWO
    with reading(log) as reader:
        assert reader.log.warnings() == [notice], "who reads is not warned"


def test_a_log_with_one_name_and_its_owners_rights_gives_no_warning(log: Path) -> None:
    with writing(log) as writer:
        assert writer.notices == []


# --- what may be a log, and whose -------------------------------------------------------------------------------------


@pytest.mark.case(31)
def test_a_log_that_everybody_may_write_is_refused_for_writing_and_read_with_a_warning(log: Path) -> None:
    log.chmod(0o666)
    with pytest.raises(CannotOpen, match="is world-writable") as refused:
        append(log, TWO, 2)
    assert refused.value.exit == 14
    assert f"chmod o-w {log}" in refused.value.hint
    assert log.read_bytes() == ONE
    with reading(log) as reader:
        assert reader.log.head().number == 1
        (warning,) = reader.log.warnings()
    assert "is world-writable" in warning


@pytest.mark.case(31)
@pytest.mark.parametrize("mode", [0o644, 0o660, 0o664])
def test_a_log_that_a_group_shares_is_written(log: Path, mode: int) -> None:
    log.chmod(mode)
    append(log, TWO, 2)
    assert log.read_bytes() == ONE + TWO
    assert stat.S_IMODE(log.stat().st_mode) == mode


@pytest.mark.case(28)
@pytest.mark.parametrize("what", ["folder", "FIFO", "socket", "device", "link to a folder"])
@pytest.mark.parametrize("may_create", [True, False])
def test_what_is_no_regular_file_is_refused_by_name_without_waiting(
    what: str, may_create: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole path must be short
    path, listener = tmp_path / "log", socket.socket(socket.AF_UNIX)
    if what == "folder":
        path.mkdir()
    elif what == "FIFO":
        os.mkfifo(path)
    elif what == "socket":
        listener.bind("log")
    elif what == "device":
        path = Path("/dev/null")
    else:
        path.symlink_to(tmp_path)
    with pytest.raises(CannotOpen) as written, FileLog(str(path)).locked(0, may_create=may_create):
        pass
    with pytest.raises(CannotOpen) as read:
        open_for_reading(str(path))
    for refused in (written, read):
        assert refused.value.exit == 14
        assert f" is a {what.removeprefix('link to a ')}" in refused.value.message
    listener.close()


def without_the_powers_of_root() -> list[str]:
    """How to start a process that permissions hold for."""
    if os.geteuid() != 0:
        return []
    if which("setpriv") is None:
        pytest.skip("permissions do not hold for root, and there is no setpriv to drop its powers")
    powers = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]


TRY = """
import json, sys
from evcli.errors import EvcliError
from evcli.log.file.engine import FileLog
what, path = sys.argv[1:]
try:
    if what == "read":
        with FileLog(path) as log:
            said = {"last": log.head().number}
    else:
        with FileLog(path).locked(0, may_create=True) as writer:
            writer.append(sys.stdin.buffer.read(), 2)
        said = {}
except EvcliError as error:
    said = {"exit": error.exit, "message": error.message}
print(json.dumps(said))
"""


def tried(what: str, path: Path, lines: bytes = b"") -> dict[str, Any]:
    """What a process says that reads or writes the log and that permissions hold for."""
    command = [*without_the_powers_of_root(), sys.executable, "-c", TRY, what, str(path)]
    ran = subprocess.run(command, input=lines, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def test_a_log_that_may_not_be_read_is_said_to_be_so(log: Path) -> None:
    log.chmod(0o000)
    said = tried("read", log)
    assert said["exit"] == 14
    assert f"{log} cannot be opened: Permission denied" in said["message"]


@pytest.mark.case(32)
def test_a_log_that_may_only_be_read_is_read_and_refused_for_writing(log: Path) -> None:
    log.chmod(0o400)
    assert tried("read", log) == {"last": 1}
    said = tried("write", log, TWO)
    assert said["exit"] == 14
    assert "Permission denied; nothing was written" in said["message"]
    assert log.read_bytes() == ONE


@pytest.mark.case(32)
def test_a_log_in_a_folder_that_may_not_be_written_is_read_and_appended_to(log: Path) -> None:
    log.parent.chmod(0o500)
    try:
        assert tried("read", log) == {"last": 1}
        assert tried("write", log, TWO) == {}
    finally:
        log.parent.chmod(0o700)
    assert log.read_bytes() == ONE + TWO


@pytest.mark.case(32)
def test_no_log_can_be_made_in_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    said = tried("write", folder / "events.jsonl", ONE)
    assert said["exit"] == 14
    assert "cannot be created: Permission denied; nothing was written" in said["message"]
    assert list(folder.iterdir()) == []


WITHOUT_STREAMS = """
import os
for number in (0, 1, 2):
    try:
        os.close(number)
    except OSError:
        pass
import sys
from evcli.log.file.engine import FileLog
result, path = sys.argv[1:]
with FileLog(path).locked(0, may_create=True) as writer:
    writing = writer.descriptor
    os.write(writer.descriptor, b"")
with FileLog(path) as log:
    reading = log.view.descriptor
with open(result, "w") as file:
    file.write(f"{writing} {reading}")
"""


@pytest.mark.case(21)
@pytest.mark.parametrize("is_there", [True, False])
def test_with_the_standard_streams_closed_the_log_gets_a_number_that_no_message_can_reach(
    log_path: Path, tmp_path: Path, is_there: bool
) -> None:
    if is_there:
        log_path.write_bytes(ONE)
    result = tmp_path / "result"
    shell = 'exec "$@" 0<&- 1>&- 2>&-'
    subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-c", WITHOUT_STREAMS, str(result), str(log_path)], check=True
    )
    assert all(int(number) >= 3 for number in result.read_text().split()), f"descriptors {result.read_text()}"
    assert log_path.read_bytes() == (ONE if is_there else b"")


# --- what cannot be looked at -----------------------------------------------------------------------------------------


@pytest.fixture
def unseen(log: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """Let a call fail with an error for the log's own path."""

    def fail(call: str, error: int) -> None:
        real = getattr(os, call)

        def failing(path: Any, *arguments: Any, **named: Any) -> Any:
            if path == str(log):
                raise OSError(error, os.strerror(error), path)
            return real(path, *arguments, **named)

        monkeypatch.setattr(os, call, failing)

    return fail


@pytest.mark.parametrize(
    "error", [errno.EIO, errno.EACCES, errno.ENAMETOOLONG], ids=lambda error: errno.errorcode[error]
)
def test_what_cannot_be_looked_at_is_not_taken_for_a_file_that_is_no_link(
    log: Path, unseen: Callable[[str, int], None], error: int
) -> None:
    unseen("lstat", error)
    with pytest.raises(CannotOpen) as refused:
        own_path(str(log))
    assert refused.value.exit == 14
    assert f"{log} cannot be examined: {os.strerror(error)}; nothing was written" in refused.value.message


@pytest.mark.parametrize("error", [errno.ENOENT, errno.ENOTDIR], ids=lambda error: errno.errorcode[error])
def test_where_nothing_is_there_is_no_link(log: Path, unseen: Callable[[str, int], None], error: int) -> None:
    unseen("lstat", error)
    assert own_path(str(log)) == str(log)


def test_a_link_that_cannot_be_read_is_not_taken_for_the_log(log: Path, unseen: Callable[[str, int], None]) -> None:
    log.rename(log.with_name("elsewhere"))
    log.symlink_to("elsewhere")
    unseen("readlink", errno.EIO)
    with pytest.raises(CannotOpen, match="Input/output error; nothing was written"):
        own_path(str(log))


def test_a_link_to_nothing_leads_to_where_the_log_will_be(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a/b")
    assert own_path(str(link)) == str(tmp_path / "a" / "b")


def test_no_writer_goes_on_where_the_log_cannot_be_looked_at(log: Path, unseen: Callable[[str, int], None]) -> None:
    unseen("lstat", errno.EIO)
    with pytest.raises(CannotOpen, match="cannot be examined"):
        append(log, TWO, 2)
    assert log.read_bytes() == ONE
