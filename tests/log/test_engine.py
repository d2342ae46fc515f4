"""The log file for a writer: its lock, its one write and one sync, what failures leave, and what may be a log."""

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from support.calls import Calls
from support.errors import raising
from support.events import batch_of, creation, lines_of, place_at_end
from support.logs import append, locked_by_another, reading, replace, umask, writing

from evcli.disk import sync
from evcli.errors import Busy, CannotCreate, CannotOpen, EvcliError, NoFolder, NoLog, NotWritten, OutcomeUnknown
from evcli.log.file import begin, rights
from evcli.log.file.engine import FileLog
from evcli.log.file.open import own_path

ONE, TWO, THREE, FOUR = lines_of(creation(number) for number in range(1, 5))
BATCH = b"".join(lines_of(batch_of(2, 3), place_at_end([ONE])))
"""Two events after the first, as one."""


@pytest.fixture
def log(log_path: Path) -> Path:
    """A log of one event."""
    append(log_path, ONE, 1)
    return log_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, log_path: Path) -> Calls:
    """The calls that are made from now on."""
    return Calls(monkeypatch, log_path)


# --- appending --------------------------------------------------------------------------------------------------------


APPENDED = {
    # what the log holds, what is appended, and the calls before the write and its sync
    "an event": (ONE, TWO, ["fsync log"]),
    "a batch": (ONE, BATCH, ["fsync log"]),
    "no log": (None, ONE, ["fsync folder", "fsync folder above"]),
    "an empty file": (b"", ONE, ["fsync log", "fsync folder", "fsync folder above"]),
}


@pytest.mark.case(14)
@pytest.mark.parametrize(("before", "lines", "synced"), APPENDED.values(), ids=APPENDED)
def test_an_append_is_one_write_and_one_sync_on_what_is_durable(
    log_path: Path, calls: Calls, before: bytes | None, lines: bytes, synced: list[str]
) -> None:
    if before is not None:
        log_path.write_bytes(before)
    append(log_path, lines, 2 if before else 1)
    assert calls.made == [*synced, "write log", "fsync log"]
    assert log_path.read_bytes() == (before or b"") + lines


def test_each_new_folder_is_synced_into_the_one_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}") if Path("/proc/self/fd").exists() else "")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    log = tmp_path / "a" / "b" / "events.jsonl"
    append(log, ONE, 1, makes_folders=True)
    if not synced[0]:
        pytest.skip("this system does not tell which folder a descriptor is")
    assert synced[-1] == str(log), "the event itself is not synced last"
    assert {str(tmp_path), str(tmp_path / "a"), str(log.parent)} <= set(synced[:-1])


NOT_STORED, UNKNOWN = "not written", "may or may not be stored"
TAKEN_BACK = ["ftruncate log", "fsync log"]
Failure = tuple[list[str], int, type[EvcliError], int, list[str], list[str]]
"""The calls that fail, with which error; what is raised, its exit code and words; the calls after the write."""
FAILURES: list[Failure] = [
    *((["write log"], error, NotWritten, 14, [NOT_STORED], TAKEN_BACK)
      for error in (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)),
    *((["fsync log"], error, OutcomeUnknown, 15, [UNKNOWN], ["fsync log", *TAKEN_BACK])
      for error in (errno.EIO, errno.ENOSPC, errno.EDQUOT)),
    (["write log", "ftruncate log"], errno.EIO, OutcomeUnknown, 15, [UNKNOWN, "taking {} back failed"],
     ["ftruncate log"]),
]  # fmt: skip


@pytest.mark.case(1, 5, 6, 7)
@pytest.mark.parametrize("row", FAILURES)
@pytest.mark.parametrize(("lines", "what", "them"), [(TWO, "event 2", "it"), (BATCH, "events 2 to 3", "them")])
def test_a_failure_takes_the_lines_back_and_the_next_append_succeeds(
    log: Path, calls: Calls, row: Failure, lines: bytes, what: str, them: str
) -> None:
    failing, number, error, code, said, made = row
    for call in failing:
        calls.fail(call, number, after="write log", once=True)
    was = "" if error is OutcomeUnknown else "was " if lines == TWO else "were "
    words = [f"{what} {was}{said[0]}", *said[1:], os.strerror(number)]
    with raising(error, code, *(each.format(them) for each in words), hint="evcli log" * (error is OutcomeUnknown)):
        append(log, lines, 2)
    assert calls.made == ["fsync log", "write log", *made], "a sync that failed is not repeated for the same lines"
    assert log.read_bytes() == ONE
    append(log, lines, 2)
    assert log.read_bytes() == ONE + lines


@pytest.mark.case(2)
@pytest.mark.parametrize(
    ("stored", "claimed"), [*((fits, fits) for fits in (0, 1, 100, len(TWO) - 1)), (0, len(TWO)), (50, len(TWO))]
)
def test_a_write_that_stores_less_than_the_line_is_taken_back(
    log: Path, calls: Calls, stored: int, claimed: int
) -> None:
    def short(write: Callable[..., int], descriptor: int, data: bytes) -> int:
        write(descriptor, data[:stored])
        return claimed

    calls.instead["write log"] = short
    with raising(NotWritten, 14, f"event 2 was not written: only {stored} of {len(TWO)} bytes fit"):
        append(log, TWO, 2)
    assert log.read_bytes() == ONE


@pytest.mark.case(6)
def test_a_log_whose_syncs_keep_failing_stays_readable(log: Path, calls: Calls) -> None:
    calls.fail("fsync log", errno.EIO, after="write log")
    one = FileLog(str(log))
    for said in ("taking it back failed too", "nothing was written"):
        with pytest.raises(OutcomeUnknown, match=said), one.locked(0, may_create=False) as writer:
            writer.append(TWO, 2)
        with reading(log) as reader:
            assert reader.log.head().number == 1
    assert calls.made.count("write log") == 1, "written on what may come back"


CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
"""What file systems answer that cannot sync a folder."""


@pytest.mark.case(8)
@pytest.mark.parametrize(
    ("error", "is_good"),
    [(errno.EIO, False), (errno.ENOSPC, False), *((error, True) for error in CANNOT_SYNC)],
    ids=errno.errorcode.get,
)
def test_a_log_is_begun_only_if_its_folder_is_synced_or_cannot_be(
    log_path: Path, calls: Calls, error: int, is_good: bool
) -> None:
    calls.fail("fsync folder", error)
    if is_good:
        (notice,) = append(log_path, ONE, 1)
        assert notice.startswith(f"{log_path.parent}: its file system cannot sync a folder")
        assert append(log_path, TWO, 2) == [], "one warning a log"
    else:
        with raising(OutcomeUnknown, 15):
            append(log_path, ONE, 1)
    assert log_path.read_bytes() == (ONE + TWO if is_good else b"")
    assert ("write log" in calls.made) is is_good


def test_a_writer_may_append_more_than_once_while_it_holds_the_lock(log: Path) -> None:
    with writing(log) as writer:
        writer.append(TWO, 2)
        writer.append(THREE, 3)
    assert log.read_bytes() == ONE + TWO + THREE


def test_bytes_added_without_the_lock_are_noticed_and_not_acknowledged(log: Path) -> None:
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
def test_nothing_is_written_on_a_log_that_cannot_be_synced(log: Path, calls: Calls, lines: bytes) -> None:
    calls.fail("fsync log", errno.EIO)
    with raising(OutcomeUnknown, 15, "may not be durable", "nothing was written"):
        append(log, lines, 2)
    assert calls.made == ["fsync log"]
    assert log.read_bytes() == ONE
    assert [path.name for path in log.parent.iterdir()] == [log.name]


def replaced(log: Path) -> None:
    """The same bytes in another file."""
    replace(log, log.read_bytes())


def written_anew(log: Path) -> None:
    """The same bytes in the same file, written once more, a moment later."""
    time.sleep(0.02)  # the file system's clock has such steps
    log.write_bytes(log.read_bytes())


def written_by_another(log: Path) -> None:
    append_by(FileLog(str(log)), THREE, 3)


def cut(log: Path) -> None:
    os.truncate(log, len(ONE))


@pytest.mark.parametrize(
    ("happens", "number", "synced"),
    [
        (lambda log: None, 3, []),
        (written_by_another, 4, ["fsync log"]),
        (replaced, 3, ["fsync log"]),
        (written_anew, 3, ["fsync log"]),
        (cut, 2, ["fsync log"]),
    ],
    ids=["nothing", "an append by another", "another file", "a write of the same bytes", "a cut"],
)
def test_a_log_is_synced_again_only_if_it_changed_since_the_last_sync(
    log: Path, calls: Calls, happens: Callable[[Path], None], number: int, synced: list[str]
) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    happens(log)
    calls.mend()
    append_by(one, [TWO, THREE, FOUR][number - 2], number)
    assert calls.made == [*synced, "write log", "fsync log"]


def test_a_line_that_was_taken_back_leaves_nothing_to_sync(log: Path, calls: Calls) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    calls.fail("write log", errno.ENOSPC)
    with pytest.raises(NotWritten):
        append_by(one, THREE, 3)
    calls.mend()
    append_by(one, THREE, 3)
    assert calls.made == ["write log", "fsync log"]


def test_a_cut_of_a_torn_tail_that_was_not_synced_is_synced_first(log: Path, calls: Calls) -> None:
    one = FileLog(str(log))
    append_by(one, TWO, 2)
    with log.open("ab") as file:
        file.write(THREE[:50])
    calls.mend()
    calls.fail("fsync log", errno.EIO, after="ftruncate log")
    with pytest.raises(OutcomeUnknown, match="nothing was written"):
        append_by(one, THREE, 3)
    assert log.read_bytes() == ONE + TWO
    calls.mend()
    append_by(one, THREE, 3)
    assert calls.made == ["fsync log", "write log", "fsync log"]


# --- what a sync is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "is_refused", "expected"),
    [
        ("darwin", False, ["fcntl 3 51"]),
        ("darwin", True, ["fcntl 3 51", "fsync 3"]),
        ("linux", False, ["fsync 3"]),
    ],
)
def test_a_sync_reaches_the_disk_itself_on_macos_and_is_an_fsync_elsewhere(
    monkeypatch: pytest.MonkeyPatch, platform: str, is_refused: bool, expected: list[str]
) -> None:
    made: list[str] = []

    def full_sync(descriptor: int, command: int) -> None:
        made.append(f"fcntl {descriptor} {command}")
        if is_refused:
            raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda descriptor: made.append(f"fsync {descriptor}"))
    sync(3)
    assert made == expected


# --- the lock ---------------------------------------------------------------------------------------------------------


@pytest.mark.case(36)
def test_a_log_that_another_writer_locked_is_busy_and_unchanged(log: Path) -> None:
    busy = raising(Busy, 11, str(log), "is locked", "nothing was written", hint="--lock-wait")
    with locked_by_another(log), busy, writing(log):
        pass
    assert log.read_bytes() == ONE


@pytest.mark.case(36, 37)
def test_the_lock_is_tried_for_the_wait_by_the_monotonic_clock(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monotonic = 1000.0
    tries: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal monotonic
        monotonic += seconds
        tries.append(monotonic)

    monkeypatch.setattr(time, "monotonic", lambda: monotonic)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "sleep", sleep)
    with locked_by_another(log), pytest.raises(Busy, match=r"waited 10 s"), writing(log, 10):
        pass
    assert tries[-1] - 1000 == pytest.approx(10, abs=0.1)
    assert len(tries) >= 100, "it looked away for too long at a time"


def test_a_writer_gets_the_lock_as_soon_as_it_is_free(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked_by_another(log) as other:
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(other, fcntl.LOCK_UN))
        with writing(log, 10) as writer:
            writer.append(TWO, 2)
    assert log.read_bytes() == ONE + TWO


@pytest.mark.case(24)
def test_the_lock_is_held_until_its_block_ends_or_fails(log: Path) -> None:
    with writing(log):
        assert FileLog(str(log)).view, "a reading of the same process does not free the lock"
        with pytest.raises(Busy), writing(log):
            pass
    with pytest.raises(ZeroDivisionError), writing(log):
        raise ZeroDivisionError
    with writing(log):
        pass


@pytest.mark.case(36)
def test_readers_take_no_lock_and_need_none(log: Path) -> None:
    with locked_by_another(log), reading(log) as reader:
        assert reader.log.head().number == 1
    with reading(log), writing(log):
        pass


@pytest.mark.case(24, 39)
def test_a_child_process_inherits_neither_the_lock_nor_the_file(log: Path) -> None:
    with writing(log) as writer:
        assert not os.get_inheritable(writer.descriptor)
    with FileLog(str(log)) as file:
        assert not os.get_inheritable(file.view.descriptor)


@pytest.mark.case(40)
@pytest.mark.parametrize("error", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_for_writing(
    log: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with raising(CannotOpen, 14, "cannot be locked", "nothing was written", hint="local file system"), writing(log):
        pass
    assert log.read_bytes() == ONE
    with reading(log) as reader:
        assert len(list(reader.events())) == 1, "reading needs a lock"


@pytest.mark.case(38)
@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_log_that_goes_while_its_lock_is_waited_for_is_not_written(
    log: Path, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    old = log.with_name("old")
    with locked_by_another(log) as other:

        def go(seconds: float) -> None:
            log.rename(old)
            if is_replaced:
                log.write_bytes(ONE)
            fcntl.flock(other, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", go)
        if is_replaced:
            with writing(log, 10, may_create=False) as writer:
                writer.append(TWO, 2)
            assert log.read_bytes() == ONE + TWO, "the event is not in the file that now is the log"
        else:
            with pytest.raises(NoLog), writing(log, 10, may_create=False):
                pass
            assert not log.exists()
    assert old.read_bytes() == ONE, "the event went into a file that is the log no more"


# --- creating ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "is_good"), [("x" * 223, True), ("x" * 224, False), ("é" * 112, False)])
def test_a_log_whose_name_leaves_no_room_for_copies_is_refused_before_anything_is_made(
    tmp_path: Path, name: str, is_good: bool
) -> None:
    log = tmp_path / "new" / name
    if is_good:
        append(log, ONE, 1, makes_folders=True)
        with log.open("ab") as file:
            file.write(TWO[:50])
        assert "kept in" in append(log, TWO, 2)[0]
    else:
        with raising(NotWritten, 14, "its name has 224 bytes", "nothing was written"):
            append(log, ONE, 1, makes_folders=True)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.case(25, 30)
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_a_new_log_and_its_folders_are_its_owners_only_under_any_umask(tmp_path: Path, mask: int) -> None:
    log = tmp_path / "new" / "deeper" / "events.jsonl"
    if mask == 0o777:  # nobody could enter a folder made under this one
        (tmp_path / "new").mkdir(mode=0o700)
        log.parent.mkdir(mode=0o700)
    with umask(mask):
        append(log, ONE, 1, makes_folders=True)
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


@pytest.mark.case(25)
def test_a_log_is_not_created_unasked_or_below_a_file(log_path: Path, tmp_path: Path) -> None:
    with pytest.raises(NoLog), writing(log_path, may_create=False):
        pass
    assert not log_path.exists()
    (tmp_path / "notes").write_text("mine")
    with raising(NotWritten, 14, f"{tmp_path / 'notes'} is not a folder", "nothing was written"):
        append(tmp_path / "notes" / "events.jsonl", ONE, 1)
    assert (tmp_path / "notes").read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        ("new/events.jsonl", "new"),
        ("new/deeper/events.jsonl", "new/deeper"),
        ("link", "unmounted/disk"),
        ("a link to a folder/new/events.jsonl", "unmounted/new"),
    ],
)
@pytest.mark.parametrize("makes_folders", [False, True])
def test_folders_are_made_only_of_a_path_that_may_have_them_and_never_where_a_link_leads(
    tmp_path: Path, path: str, missing: str, makes_folders: bool
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "unmounted" / "disk" / "events.jsonl")
    (tmp_path / "a link to a folder").symlink_to("unmounted")
    before = sorted(tmp_path.iterdir())
    log = FileLog(str(tmp_path / path), makes_folders=makes_folders)
    if makes_folders and path.startswith("new"):
        log.check_beginning()
        assert sorted(tmp_path.iterdir()) == before
        append(tmp_path / path, ONE, 1, makes_folders=True)
        assert (tmp_path / path).read_bytes() == ONE
        return
    for way in (log.check_beginning, lambda: append(tmp_path / path, ONE, 1, makes_folders=makes_folders)):
        with pytest.raises(NoFolder, match="; nothing was written") as error:
            way()
        assert error.value.folder == str(tmp_path / missing)
        assert (f"{log.name} (a link to {tmp_path}/unmounted/" in error.value.message) == (path == "link")
        assert error.value.is_for_log
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / missing).mkdir(parents=True)
    append(tmp_path / path, ONE, 1)
    assert (tmp_path / path).read_bytes() == ONE


def test_a_folder_that_is_removed_meanwhile_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(begin, "check_place", lambda place: None)
    with raising(CannotCreate, 14, "cannot be created: No such file or directory; nothing was written"):
        append(tmp_path / "new" / "events.jsonl", ONE, 1)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("path", ["notes/events.jsonl", "notes/new/events.jsonl", "link/events.jsonl", "link/new/x"])
def test_what_stands_where_a_folder_would_be_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "link").symlink_to("notes")
    there = str(tmp_path / path.partition("/")[0])
    for makes_folders in (False, True):
        with raising(CannotCreate, 14, path, f" {there} is not a folder; nothing was written"):
            FileLog(str(tmp_path / path), makes_folders=makes_folders).check_beginning()
        with raising(CannotCreate, 14, path, f" {there} is not a folder; nothing was written"):
            append(tmp_path / path, ONE, 1, makes_folders=makes_folders)


@pytest.mark.parametrize("name", ["events.jsonl/", "new/", "new/.", "new/.."])
def test_the_name_of_a_folder_is_no_log(log: Path, tmp_path: Path, name: str) -> None:
    for way in (FileLog(f"{tmp_path}/{name}").check_beginning, lambda: append(f"{tmp_path}/{name}", TWO, 2)):
        with raising(CannotOpen, 14, f"{name} is the name of a folder; nothing was written"):
            way()
    assert (log.read_bytes(), list(tmp_path.iterdir())) == (ONE, [log])


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
@pytest.mark.parametrize("target", ["there.jsonl", "a/b"])
@pytest.mark.parametrize("is_absolute", [True, False])
def test_a_link_to_nothing_gets_its_log_where_it_points(tmp_path: Path, target: str, is_absolute: bool) -> None:
    link, log = tmp_path / "link", tmp_path / target
    link.symlink_to(log if is_absolute else target)
    log.parent.mkdir(exist_ok=True)
    assert own_path(str(link)) == str(log)
    with pytest.raises(NoLog):
        assert FileLog(str(link)).view
    append(link, ONE, 1)
    assert link.is_symlink()
    assert log.read_bytes() == ONE


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
    with raising(CannotOpen, 14, "is another user's link", "nothing was written"):
        append(link, TWO, 2)
    assert log.read_bytes() == ONE


@pytest.mark.case(29)
def test_only_a_second_hard_link_is_warned_of_and_written(log: Path, tmp_path: Path) -> None:
    with writing(log) as writer:
        assert writer.notices == []
    os.link(log, tmp_path / "second")
    (notice,) = append(log, TWO, 2)
    assert f"{log} has 2 hard links" in notice
    assert log.read_bytes() == ONE + TWO
    with reading(log) as reader:
        assert reader.log.warnings() == [notice], "who reads is not warned"


# --- what may be a log, and whose -------------------------------------------------------------------------------------


@pytest.mark.case(31)
def test_a_world_writable_log_is_refused_for_writing_and_read(log: Path) -> None:
    log.chmod(0o666)
    with raising(CannotOpen, 14, "is world-writable", hint=f"chmod o-w {log}"):
        append(log, TWO, 2)
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


def bind(path: Path) -> None:
    socket.socket(socket.AF_UNIX).bind(path.name)


NO_FILE: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir, "FIFO": os.mkfifo, "socket": bind, "device": lambda path: Path("/dev/null"),
    "link to a folder": lambda path: path.symlink_to(path.parent),
}  # fmt: skip


@pytest.mark.case(28)
@pytest.mark.parametrize(("what", "make"), NO_FILE.items(), ids=NO_FILE)
@pytest.mark.parametrize("may_create", [True, False])
def test_a_log_that_is_no_regular_file_is_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, make: Callable[[Path], Path | None], may_create: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's whole path must be short
    path = make(tmp_path / "log") or tmp_path / "log"
    is_a = f"is a {what.removeprefix('link to a ')}"
    with raising(CannotOpen, 14, f"{path.resolve()} {is_a}"), writing(path, may_create=may_create):
        pass
    with raising(CannotOpen, 14, f"{path} {is_a}"):
        assert FileLog(str(path)).view


def without_the_powers_of_root() -> list[str]:
    """How to start a process that permissions hold for."""
    if os.geteuid() != 0:
        return []
    if which("setpriv") is None:
        pytest.skip("permissions do not hold for root, and there is no setpriv to drop its powers")
    powers = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]


TRY = """
import sys
from evcli.errors import EvcliError
from evcli.log.file.engine import FileLog
try:
    if sys.argv[1] == "read":
        with FileLog(sys.argv[2]) as log:
            log.head()
    else:
        with FileLog(sys.argv[2]).locked(0, may_create=True) as writer:
            writer.append(sys.stdin.buffer.read(), 2)
except EvcliError as error:
    print(error.exit, error.message)
"""
DENIED = "Permission denied"
PERMISSIONS = {
    # the mode of the log, of its folder, and why a reader and a writer are refused
    "a log that may not be read": (
        0o000,
        0o700,
        f"cannot be opened: {DENIED}: {{me}} may not read it ({{whose}}, mode 0000)",
        f"cannot be opened: {DENIED}: {{me}} may not write to it ({{whose}}, mode 0000); nothing was written",
    ),
    "a log that may only be read": (
        0o400,
        0o700,
        "",
        f"cannot be opened: {DENIED}: {{me}} may not write to it ({{whose}}, mode 0400); nothing was written",
    ),
    "a folder that may not be entered": (
        0o600,
        0o600,
        f"cannot be opened: {DENIED}: {{me}} may not enter the folder {{folder}} ({{whose}}, mode 0600)",
        f"{DENIED}: {{me}} may not enter the folder {{folder}} ({{whose}}, mode 0600); nothing was written",
    ),
    "a folder that may not be written": (0o600, 0o500, "", ""),
    "no log in such a folder": (
        None,
        0o500,
        None,
        f"cannot be created: {DENIED}: {{me}} may not write to the folder {{folder}} ({{whose}}, mode 0500)"
        "; nothing was written",
    ),
}


@pytest.mark.case(32)
@pytest.mark.parametrize(("mode", "folder", "read", "written"), PERMISSIONS.values(), ids=PERMISSIONS)
def test_permissions_hold_for_readers_and_writers(
    tmp_path: Path, mode: int | None, folder: int, read: str | None, written: str
) -> None:
    log = tmp_path / "folder" / "events.jsonl"
    log.parent.mkdir()
    if mode is not None:
        append(log, ONE, 1)
        log.chmod(mode)
    log.parent.chmod(folder)
    me, group = rights.login(os.geteuid()), rights.group_name(log.parent.stat().st_gid)
    try:
        for what, why in (("read", read), ("write", written)):
            if why is None:
                continue
            command = [*without_the_powers_of_root(), sys.executable, "-c", TRY, what, str(log)]
            ran = subprocess.run(command, input=TWO, capture_output=True, check=True)
            said = ran.stdout.decode()
            assert said.startswith(f"14 {log} ") if why else said == "", said
            assert why.format(me=me, whose=f"owner {me}, group {group}", folder=log.parent) in said
    finally:
        log.parent.chmod(0o700)
    if mode is None:
        assert list(log.parent.iterdir()) == []
    else:
        assert log.read_bytes() == (ONE if written else ONE + TWO)


WITHOUT_STREAMS = """
import os
os.closerange(0, 3)
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
def test_a_log_opened_without_standard_streams_does_not_take_their_place(
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


# --- what cannot be examined -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "is_refused"),
    [
        *(("lstat", error, True) for error in (errno.EIO, errno.EACCES, errno.ENAMETOOLONG)),
        *(("lstat", error, False) for error in (errno.ENOENT, errno.ENOTDIR)),  # nothing is there, hence no link
        ("readlink", errno.EIO, True),
    ],
)
def test_a_log_that_cannot_be_looked_at_is_not_taken_for_a_plain_file(
    log: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int, is_refused: bool
) -> None:
    if call == "readlink":
        log.rename(log.with_name("elsewhere"))
        log.symlink_to("elsewhere")
    real = getattr(os, call)

    def failing(path: Any, *arguments: Any, **named: Any) -> Any:
        if path == str(log):
            raise OSError(error, os.strerror(error), path)
        return real(path, *arguments, **named)

    monkeypatch.setattr(os, call, failing)
    if not is_refused:
        assert own_path(str(log)) == str(log)
        return
    for look in (lambda: own_path(str(log)), lambda: append(log, TWO, 2)):
        where = "" if call == "readlink" else f"{log} cannot be examined: "
        with raising(CannotOpen, 14, f"{where}{os.strerror(error)}; nothing was written"):
            look()
    assert log.read_bytes() == ONE


def test_reads_that_give_less_than_there_is_lose_nothing(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As read(2) allows: no reader takes a short read for the end, and no writer truncates there."""
    many = lines_of(creation(number) for number in range(1, 60))
    torn = b'{"specversion":"1.0","id":"unfini'
    log.write_bytes(b"".join(many) + torn)
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, size, at: pread(descriptor, min(size, 700), at))
    with reading(log) as reader:
        assert reader.log.unfinished() == (len(torn), False)
        assert len(list(reader.events())) == len(list(reader.events_backward(reader.log.head()))) == 59
    with writing(log) as writer:
        writer.append(lines_of([creation(60)], place_at_end(many))[0], 60)
    assert log.read_bytes().count(b"\n") == 60
    assert log.read_bytes().startswith(b"".join(many))
    (copy,) = log.parent.glob("*.torn-*")
    assert copy.read_bytes() == torn


def test_a_change_that_leaves_the_size_is_seen(log: Path) -> None:
    with FileLog(str(log)) as file:
        file.wait(0)
        file.wait(0)
        with log.open("r+b") as changed:
            changed.write(log.read_bytes()[:-1] + b"x")
        os.utime(log)
        file.wait(0)
        assert file.unfinished() == (1, True)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EINVAL])
def test_a_file_system_that_cannot_be_written_needs_no_sync(
    log: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("evcli.log.file.view.sync", fail)
    with reading(log) as reader:
        reader.log.sync()
        assert reader.log.head().number == 1
