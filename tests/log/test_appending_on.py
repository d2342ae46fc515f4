"""One append after another by the same log: the file stays open between them, and nothing done to it is overlooked."""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from support.calls import Calls
from support.events import batch_of, creation, lines_of
from support.logs import append, replace, split, writing

from evcli.errors import Busy, CannotOpen, EvcliError, NoLog, NotWritten, OutcomeUnknown
from evcli.log import Log, Position
from evcli.log.file.engine import FileLog
from evcli.log.file.recovery import status_of
from evcli.log.reader import Reader


def add(log: Log, count: int = 1) -> Position:
    """Append that many new events, as one."""

    def decide(head: Position) -> Sequence[bytes]:
        number = head.number + 1
        return lines_of([creation(number)] if count == 1 else batch_of(number, number + count - 1), head)

    return log.append(decide, 0)


def left_open(path: Path) -> int:
    """How many descriptors of this process lead to the file, or to one that was at its path."""
    links = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if os.path.lexists(each)]
    return sum(link.removesuffix(" (deleted)") == str(path) for link in links)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="this system does not tell what is open")


@pytest.fixture
def log(log_path: Path) -> Iterator[FileLog]:
    """A log of two events, both appended by it."""
    with FileLog(str(log_path)) as log:
        add(log)
        add(log)
        yield log


def numbers(path: Path) -> list[int]:
    """The numbers that its lines claim."""
    return [int(line[line.index(b'"sequence":"') + 12 :][:12]) for line in split(path)]


# --- nothing happened -------------------------------------------------------------------------------------------------


def test_the_next_append_opens_nothing_and_reads_the_last_line(
    log: FileLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    for module, name in ((os, "open"), (os, "pread"), (os, "lstat"), (os, "write"), (os, "fsync"), (fcntl, "flock")):
        real = getattr(module, name)

        def call(*arguments: object, name: str = name, real: Callable[..., object] = real) -> object:
            made.append(name)
            return real(*arguments)

        monkeypatch.setattr(module, name, call)
    add(log)
    assert made == ["flock", "lstat", "pread", "write", "fsync", "flock"]
    assert numbers(log_path) == [1, 2, 3]


def test_the_lock_is_free_between_two_appends(log: FileLog, log_path: Path) -> None:
    with writing(log_path):
        pass
    add(log)
    with writing(log_path):
        pass


def test_batches_and_single_events_follow_each_other(log: FileLog, log_path: Path) -> None:
    assert [add(log, count).number for count in (3, 1, 2, 2, 1)] == [5, 6, 8, 10, 11]
    assert numbers(log_path) == list(range(1, 12))
    assert FileLog(str(log_path)).head() == log.head()


@needs_proc
def test_closing_a_log_leaves_nothing_open_and_the_next_append_opens_it_again(log: FileLog, log_path: Path) -> None:
    assert left_open(log_path) == 1
    log.head()
    log.close()
    assert left_open(log_path) == 0
    add(log)
    assert left_open(log_path) == 1
    log.close()
    log.close()
    assert numbers(log_path) == [1, 2, 3]


@needs_proc
def test_a_log_that_is_forgotten_leaves_nothing_open(log_path: Path) -> None:
    log = FileLog(str(log_path))
    add(log)
    assert left_open(log_path) == 1
    del log
    assert left_open(log_path) == 0


def test_a_position_after_an_append_that_stored_nothing_is_that_of_the_last_event(log: FileLog) -> None:
    head = log.head()
    assert log.append(lambda found: (), 0) == head
    assert add(log).number == 3


# --- something happened between two appends ---------------------------------------------------------------------------


def replaced(path: Path) -> None:
    replace(path, path.read_bytes())


def folder_replaced(path: Path) -> None:
    old = path.parent.rename(f"{path.parent}-old")
    path.parent.mkdir()
    path.write_bytes((old / path.name).read_bytes())


def moved_and_linked(path: Path) -> None:
    """The same file, through a link: where that leads is asked each time."""
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def written_by_another(path: Path) -> None:
    add(FileLog(str(path)))


def cut(path: Path) -> None:
    os.truncate(path, len(split(path)[0]))


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def torn(path: Path) -> None:
    with path.open("ab") as file:
        file.write(split(path)[0][:90])


def newline_gone(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def last_line_exchanged(path: Path) -> None:
    """Another event 2 of the same length, with the times that the file had, as on a disk whose clock ticks slowly."""
    first, second = split(path)
    head = FileLog(str(path)).view.position_at(len(first))
    (other,) = lines_of([creation(2, name="Ucer 2")], head)
    assert len(other) == len(second)
    path.write_bytes(first + other)


HAPPENINGS: dict[str, tuple[Callable[[Path], None], list[int]]] = {
    "another file": (replaced, [1, 2, 3]),
    "another folder": (folder_replaced, [1, 2, 3]),
    "a link": (moved_and_linked, [1, 2, 3]),
    "an append by another": (written_by_another, [1, 2, 3, 4]),
    "a cut": (cut, [1, 2]),
    "a cut to nothing": (emptied, [1]),
    "a torn tail": (torn, [1, 2, 3]),
    "a lost newline": (newline_gone, [1, 2, 3]),
    "another last line": (last_line_exchanged, [1, 2, 3]),
}


@pytest.mark.parametrize("what", HAPPENINGS)
@pytest.mark.parametrize("is_clock_slow", [False, True])
def test_what_others_did_between_two_appends_is_seen_and_synced_before_the_next(
    what: str, is_clock_slow: bool, log: FileLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens, expected = HAPPENINGS[what]
    if is_clock_slow:  # a file system whose clock ticks once in the whole test
        monkeypatch.setattr("evcli.log.file.recovery.status_of", lambda found: found[:7])
        monkeypatch.setattr("evcli.log.file.writer.status_of", lambda found: found[:7])
        add(log)
        emptied(log_path)
        add(log)
        add(log)
    happens(log_path)
    calls = Calls(monkeypatch, log_path)
    add(log)
    assert numbers(log_path) == expected
    assert calls.made[-2:] == ["write log", "fsync log"]
    is_still_the_file = is_clock_slow and happens is moved_and_linked
    assert "fsync log" in calls.made[:-2] or is_still_the_file, "what others did may be lost, and this event not"
    assert FileLog(str(log_path)).head().number == expected[-1]
    old = Path(f"{log_path.parent}-old", log_path.name)
    assert not old.exists() or numbers(old) == [1, 2]


def test_a_log_that_is_gone_is_not_written_to(log: FileLog, log_path: Path) -> None:
    kept = log_path.rename(log_path.with_name("rotated"))
    with pytest.raises(NoLog):
        add(log)
    assert not log_path.exists()
    assert numbers(kept) == [1, 2]


def test_a_hard_link_is_warned_of_at_each_append_once_it_is_there(log: FileLog, log_path: Path) -> None:
    add(log)
    assert log.notices == []
    os.link(log_path, log_path.with_name("second"))
    for _ in range(2):
        add(log)
        assert ["hard links" in notice for notice in log.notices] == [True]
    log_path.with_name("second").unlink()
    for _ in range(2):
        add(log)
        assert log.notices == []


def test_a_log_that_anybody_may_write_to_meanwhile_is_refused(log: FileLog, log_path: Path) -> None:
    log_path.chmod(stat.S_IMODE(log_path.stat().st_mode) | stat.S_IWOTH)
    with pytest.raises(CannotOpen, match="world-writable"):
        add(log)
    assert numbers(log_path) == [1, 2]


def test_a_torn_tail_is_told_of_once(log: FileLog, log_path: Path) -> None:
    torn(log_path)
    add(log)
    assert ["unfinished" in notice for notice in log.notices] == [True]
    add(log)
    assert log.notices == []


def test_a_link_that_is_turned_to_another_log_is_followed_there(log_path: Path) -> None:
    link, other = log_path.with_name("link"), log_path.with_name("other")
    link.symlink_to(log_path)
    with FileLog(str(link)) as log:
        add(log)
        add(log)
        add(FileLog(str(other)))
        link.unlink()
        link.symlink_to(other)
        assert add(log).number == 2
    assert [numbers(log_path), numbers(other)] == [[1, 2], [1, 2]]


@pytest.mark.parametrize("at", range(7), ids=["mode", "inode", "device", "links", "owner", "group", "size"])
def test_a_change_of_one_part_of_a_files_status_is_seen_without_the_others(at: int) -> None:
    parts = list(range(100, 119))
    was = os.stat_result(parts)
    parts[at] += 1
    assert status_of(os.stat_result(parts)) != status_of(was)


@pytest.mark.parametrize("is_in_its_place", [False, True])
def test_the_head_is_that_of_the_file_whoever_in_this_process_wrote_it(
    is_in_its_place: bool, log: FileLog, log_path: Path
) -> None:
    """A writer that was lent out appends the event; in the place, and of the length, of one that somebody cut off."""
    if is_in_its_place:
        cut(log_path)
    first = len(split(log_path)[0])
    number = 2 if is_in_its_place else 3
    head = FileLog(str(log_path)).view.position_at(first if is_in_its_place else log_path.stat().st_size)
    (line,) = lines_of([creation(number, name=f"Ucer {number}")], head)
    with log.locked(0, may_create=False) as writer:
        writer.append(line, number)
    assert add(log).number == number + 1
    assert FileLog(str(log_path)).head() == log.head()
    assert split(log_path)[number - 1] == line
    assert len(list(Reader(FileLog(str(log_path))).events())) == number + 1


# --- something failed -------------------------------------------------------------------------------------------------


def refuse(head: Position) -> Sequence[bytes]:
    raise ZeroDivisionError


@needs_proc
@pytest.mark.parametrize(
    ("failing", "error"),
    [
        (["write log"], NotWritten),
        (["fsync log"], OutcomeUnknown),
        (["write log", "ftruncate log"], OutcomeUnknown),
        (["fsync log", "ftruncate log"], OutcomeUnknown),
    ],
)
def test_after_a_failed_append_the_log_is_opened_again_and_settled(
    failing: list[str], error: type[EvcliError], log: FileLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, log_path)
    for call in failing:
        calls.fail(call, errno.EIO, once=True)
    with pytest.raises(error):
        add(log)
    assert left_open(log_path) == 0
    calls.mend()
    is_taken_back = "ftruncate log" not in failing
    assert add(log).number == (4 if failing == ["fsync log", "ftruncate log"] else 3)
    assert calls.made == ["fsync log"] * (not is_taken_back) + ["write log", "fsync log"]
    calls.mend()
    add(log)
    assert calls.made == ["write log", "fsync log"]


def test_a_failed_sync_of_what_was_there_is_made_up_for_before_the_next_event(
    log: FileLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, log_path)
    calls.fail("fsync log", errno.EIO, once=True)
    with pytest.raises(OutcomeUnknown):
        log.append(lambda head: (), 0)
    calls.mend()
    add(log)
    assert calls.made == ["fsync log", "write log", "fsync log"]


@needs_proc
def test_a_decision_that_raises_frees_the_lock_and_leaves_nothing_open(log: FileLog, log_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            log.append(refuse, 0)
        with writing(log_path):
            pass
        assert left_open(log_path) == 0
    assert add(log).number == 3


@needs_proc
def test_a_log_that_is_busy_is_not_written_to_and_leaves_nothing_open(log: FileLog, log_path: Path) -> None:
    with writing(log_path), pytest.raises(Busy, match="waited 0 s"):
        add(log)
    assert left_open(log_path) == 0
    assert add(log).number == 3


def test_a_lock_that_cannot_be_released_is_given_up_with_the_file(
    log: FileLog, log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def stuck(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN:
            raise OSError(errno.EIO, "stuck")
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", stuck)
    assert add(log).number == 3
    append(log_path, lines_of([creation(4)], log.head())[0], 4)


# --- somebody else in the same process, or in a fork of it ------------------------------------------------------------


def test_an_append_within_an_append_is_kept_out_by_the_lock(log: FileLog, log_path: Path) -> None:
    def decide(head: Position) -> Sequence[bytes]:
        with suppress(Busy):
            add(log)
        return lines_of([creation(head.number + 1)], head)

    log.append(decide, 0)
    assert numbers(log_path) == [1, 2, 3]
    assert add(log).number == 4


def in_a_fork(work: Callable[[], object]) -> int:
    """The exit code of a fork: 0 when it did the work, 1 when it raised."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_and_its_parent_keep_each_other_out(log: FileLog, log_path: Path) -> None:
    def decide(head: Position) -> Sequence[bytes]:
        assert in_a_fork(lambda: add(log)) == 1, "both have the lock"
        return lines_of([creation(head.number + 1)], head)

    def while_the_fork_has_the_lock(head: Position) -> Sequence[bytes]:
        with pytest.raises(Busy):
            add(FileLog(str(log_path)))
        return lines_of([creation(head.number + 1)], head)

    log.append(decide, 0)
    assert in_a_fork(lambda: log.append(while_the_fork_has_the_lock, 0)) == 0
    assert add(log).number == 5
    assert numbers(log_path) == [1, 2, 3, 4, 5]


def test_a_fork_does_not_free_the_lock_of_its_parent(log: FileLog, log_path: Path) -> None:
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.read(go[0], 1)
        with suppress(Busy):
            add(log)
        log.close()
        os.write(ready[1], b"x")
        os._exit(0)

    def decide(head: Position) -> Sequence[bytes]:
        os.write(go[1], b"x")
        os.read(ready[0], 1)
        with pytest.raises(Busy):
            add(FileLog(str(log_path)))
        return lines_of([creation(head.number + 1)], head)

    log.append(decide, 0)
    os.waitpid(child, 0)
    assert numbers(log_path) == [1, 2, 3]
