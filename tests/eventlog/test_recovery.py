"""What a crash can leave at the end of a log: told from damage, put aside with a copy, and never somebody's notes."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evcli.audit import audit
from evcli.domain.user import CREATED, DESTROYED, USER
from evcli.errors import Damaged, EmailTaken, NotALog, NotWritten
from evcli.eventlog import file as file_module
from evcli.eventlog.file import FileLog
from evcli.eventlog.format import FIRST_BYTES, MAX_LINE
from evcli.eventlog.reading import LogReader
from evcli.eventlog.recovery import SECTOR, keep_copy
from evcli.intention import Intention
from evcli.register import Register

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def create(name: str) -> Intention:
    data = {"name": name, "email": f"{name}@example.com"}
    return Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False)


def register_at(path: Path, ids: str = "later") -> Register:
    counter = iter(range(1, 1000))
    return Register(FileLog(str(path)), actor="ann", clock=lambda: NOW, new_id=lambda: f"{ids}-{next(counter)}")


@pytest.fixture(autouse=True)
def _every_sync_is_an_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a sync is another call; here it is the one that the tests watch, on every system."""

    def plain(descriptor: int) -> None:
        os.fsync(descriptor)

    if sys.platform == "darwin":
        monkeypatch.setattr(file_module, "sync", plain)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three events; the last one is long and lies in five sectors."""
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    register = register_at(path, ids="id")
    register.execute(create("ada"))
    register.execute(create("bob"))
    register.execute(Intention(DESTROYED, {"reason": "x" * 2000}, about=lambda state: 1))
    return path.read_bytes()


def read(path: Path) -> str:
    """What is read in the file, in short: `3 events`, `2 events, 17 torn`, or the error and its line."""
    register = register_at(path)
    try:
        with LogReader(str(path)) as reader:
            number = register.at(reader).number
            return f"{number} events" + (f", {reader.end.torn} torn" if reader.end.torn else "")
    except NotALog:
        return "not a log"
    except Damaged as damage:
        return f"damaged in line {damage.line}"


def starts(log: bytes) -> list[int]:
    """Where the three lines begin, and where the last one ends."""
    first = log.index(b"\n") + 1
    second = log.index(b"\n", first) + 1
    return [0, first, second, len(log)]


def zeroed(log: bytes, start: int, end: int) -> bytes:
    return log[:start] + bytes(end - start) + log[end:]


def sector_zeroed(log: bytes, number: int, *, less: int = 0, by: int = 0) -> bytes:
    """The log after sector `number` (from 0) of its last line became zeros: less some bytes of it, or by some later."""
    start = starts(log)[2]
    sector = (start // SECTOR + number) * SECTOR
    return zeroed(log, max(start, sector) + less + by, sector + SECTOR + by)


def last_zeroed(log: bytes) -> bytes:
    """The log after all of its last line but the newline became zeros."""
    return zeroed(log, starts(log)[2], len(log) - 1)


Mutation = Callable[[bytes], bytes]

TABLE: list[tuple[str, Mutation, str]] = [
    # what happened to the file, what is done to its bytes, what must be read
    ("nothing", lambda log: log, "3 events"),
    ("it is empty", lambda log: b"", "0 events"),
    # no newline: torn
    ("the last newline is missing", lambda log: log[:-1], "2 events, {last-1} torn"),
    ("half of the last line", lambda log: log[:-1000], "2 events, {last-1000} torn"),
    ("one byte of the last line", lambda log: log[: starts(log)[2] + 1], "2 events, 1 torn"),
    ("some garbage without newline", lambda log: log + b"\xff\xfe garbage", "3 events, 10 torn"),
    ("a NUL", lambda log: log + b"\0", "3 events, 1 torn"),
    ("NULs up to a sector", lambda log: log + bytes(SECTOR - len(log) % SECTOR), "3 events, {to_sector} torn"),
    ("NULs of a page", lambda log: log + bytes(4096), "3 events, 4096 torn"),
    ("NULs of one line limit", lambda log: log + bytes(MAX_LINE), f"3 events, {MAX_LINE} torn"),
    ("garbage of one line limit", lambda log: log + b"x" * MAX_LINE, f"3 events, {MAX_LINE} torn"),
    ("half a line and NULs after it", lambda log: log[:-1000] + bytes(1000), "2 events, {last} torn"),
    ("NULs and half a line after them", lambda log: last_zeroed(log)[:-1] + b"x\"}", "2 events, {last+2} torn"),
    # a newline, but a sector that never reached the disk: torn
    ("the last line's first sector is zero", lambda log: sector_zeroed(log, 0), "2 events, {last} torn"),
    ("the last line's second sector is zero", lambda log: sector_zeroed(log, 1), "2 events, {last} torn"),
    ("the last line's third sector is zero", lambda log: sector_zeroed(log, 2), "2 events, {last} torn"),
    ("all of the last line but its newline is zero", last_zeroed, "2 events, {last} torn"),
    # a newline and no whole sector of zeros: damage
    ("a sector less a byte is zero", lambda log: sector_zeroed(log, 1, less=1), "damaged in line 3"),
    ("a sector's length is zero across two", lambda log: sector_zeroed(log, 1, by=9), "damaged in line 3"),
    ("a few NULs in the last line", lambda log: zeroed(log, len(log) - 200, len(log) - 190), "damaged in line 3"),
    ("garbage with newline", lambda log: log + b"garbage\n", "damaged in line 4"),
    ("two lines of garbage", lambda log: log + b"garbage\nmore\n", "damaged in line 4"),
    ("garbage with newline, then without", lambda log: log + b"garbage\nmore", "damaged in line 4"),
    ("a blank line", lambda log: log + b"\n", "damaged in line 4"),
    ("NULs of a page, then a newline, then more", lambda log: log + bytes(4096) + b"\nmore", "damaged in line 4"),
    ("an earlier line is zero", lambda log: zeroed(log, starts(log)[1], starts(log)[2] - 1), "damaged in line 2"),
    ("the first line is zero", lambda log: zeroed(log, 0, starts(log)[1] - 1), "not a log"),
    ("NULs beyond the line limit", lambda log: log + bytes(MAX_LINE + 1), "damaged in line 4"),
    ("garbage beyond the line limit", lambda log: log + b"x" * (MAX_LINE + 1), "damaged in line 4"),
    ("everything is zero, beyond the line limit", lambda log: bytes(2 * MAX_LINE), "not a log"),
    # no good line stands before it: torn only with the bytes that a first line begins with
    ("half of the first line", lambda log: log[:200], "0 events, 200 torn"),
    ("one byte of the first line", lambda log: log[:1], "0 events, 1 torn"),
    ("the beginning of any first line", lambda log: FIRST_BYTES, f"0 events, {len(FIRST_BYTES)} torn"),
    ("NULs only", lambda log: bytes(700), "0 events, 700 torn"),
    ("the first line with a sector of zeros", lambda log: log[:20] + bytes(1200) + b'"}\n', "0 events, 1223 torn"),
    ("the first line with its first sector zero", lambda log: bytes(SECTOR) + b'0"}\n', "0 events, 516 torn"),
    ("notes without newline", lambda log: b"Dear diary", "not a log"),
    ("notes with newline", lambda log: b"Dear diary\n", "not a log"),
    ("two lines of notes", lambda log: b"Dear diary\ntoday\n", "not a log"),
    ("notes whose last line is open", lambda log: b"Dear diary\ntoday", "not a log"),
    ("notes with a sector of zeros", lambda log: b"Dear diary" + bytes(2000) + b"\n", "not a log"),
    ("notes that begin as a log does not quite", lambda log: b'{"specversion":"0.3","id":"x', "not a log"),
    ("somebody else's JSON", lambda log: b'{"name":"Ada"}', "not a log"),
    ("a newline", lambda log: b"\n", "not a log"),
    ("a log after a byte order mark", lambda log: b"\xef\xbb\xbf" + log, "damaged in line 1"),
]  # fmt: skip


def expectation(text: str, log: bytes) -> str:
    last = starts(log)[3] - starts(log)[2]
    for word, number in {
        "{last-1}": last - 1,
        "{last+2}": last + 2,
        "{last-1000}": last - 1000,
        "{last}": last,
        "{to_sector}": SECTOR - len(log) % SECTOR,
    }.items():
        text = text.replace(word, str(number))
    return text


def torn_in(found: str) -> int:
    return int(found.split()[2]) if "torn" in found else 0


@pytest.mark.parametrize(("mutation", "found"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_after_this_happened_to_the_file_this_is_read(
    mutation: Mutation, found: str, log: bytes, log_path: Path
) -> None:
    log_path.write_bytes(mutation(log))
    assert read(log_path) == expectation(found, log)


@pytest.mark.parametrize(("mutation", "found"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_is_torn_is_cut_by_the_next_writer_and_what_is_damaged_is_left_as_it_is(
    mutation: Mutation, found: str, log: bytes, log_path: Path
) -> None:
    before = mutation(log)
    log_path.write_bytes(before)
    if "events" not in found:
        with pytest.raises(Damaged) as refused:
            register_at(log_path).execute(create("eve"))
        assert refused.value.exit == 12
        assert log_path.read_bytes() == before, "a damaged log, or somebody's notes, was changed"
        assert copies_beside(log_path) == []
        return
    outcome = register_at(log_path).execute(create("eve"))
    torn = torn_in(expectation(found, log))
    good, tail = before[: len(before) - torn], before[len(before) - torn :]
    assert log_path.read_bytes() == good + outcome.line
    assert [copy.read_bytes() for copy in copies_beside(log_path)] == ([tail] if torn else [])
    assert read(log_path) == f"{int(found.split(maxsplit=1)[0]) + 1} events"
    with LogReader(str(log_path)) as reader:
        assert audit(reader).status == "good"


def test_every_beginning_of_a_log_is_its_whole_lines_and_a_torn_tail(log: bytes, log_path: Path) -> None:
    ends = starts(log)
    for length in range(len(log) + 1):
        log_path.write_bytes(log[:length])
        whole = sum(end <= length for end in ends[1:])
        torn = length - ends[whole]
        wanted = f"{whole} events" + (f", {torn} torn" if torn else "")
        assert read(log_path) == wanted, f"of the first {length} bytes"


# --- what the next writer does with a torn tail -----------------------------------------------------------------------


def copies_beside(log_path: Path) -> list[Path]:
    return sorted(log_path.parent.glob("*.torn*"))


@pytest.fixture
def torn(log: bytes, log_path: Path) -> Path:
    """A log whose last line lacks its newline."""
    log_path.write_bytes(log[:-1])
    return log_path


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_copy_is_named_for_its_byte_and_its_owners_only_whatever_the_umask(
    torn: Path, log: bytes, mask: int
) -> None:
    with umask(mask):
        register_at(torn).execute(create("eve"))
    (copy,) = copies_beside(torn)
    assert copy.name == f"events.jsonl.torn-{starts(log)[2]}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes() == log[starts(log)[2] : -1]


def test_the_writer_says_how_many_bytes_it_cut_where_and_where_they_are(torn: Path, log: bytes) -> None:
    start = starts(log)[2]
    outcome = register_at(torn).execute(create("eve"))
    (notice,) = outcome.notices
    assert f"{len(log) - 1 - start} bytes" in notice
    assert f"byte {start}" in notice
    assert str(copies_beside(torn)[0]) in notice


def test_the_second_event_after_a_tail_was_cut_says_nothing_of_it(torn: Path) -> None:
    register = register_at(torn)
    register.execute(create("eve"))
    assert register.execute(create("dan")).notices == []


def test_no_copy_is_ever_overwritten(torn: Path, log: bytes) -> None:
    start = starts(log)[2]
    taken = torn.with_name(f"{torn.name}.torn-{start}")
    taken.write_text("an earlier one")
    torn.with_name(f"{torn.name}.torn-{start}-2").write_text("another one")
    register_at(torn).execute(create("eve"))
    assert taken.read_text() == "an earlier one"
    assert torn.with_name(f"{torn.name}.torn-{start}-2").read_text() == "another one"
    assert torn.with_name(f"{torn.name}.torn-{start}-3").read_bytes() == log[start:-1]


def test_a_link_planted_where_the_copy_goes_is_not_followed(torn: Path, log: bytes, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    torn.with_name(f"{torn.name}.torn-{starts(log)[2]}").symlink_to(victim)
    register_at(torn).execute(create("eve"))
    assert victim.read_text() == "mine"


def test_readers_pass_over_a_torn_tail_and_leave_it(torn: Path, log: bytes) -> None:
    with LogReader(str(torn)) as reader:
        assert audit(reader).status == "torn"
    assert torn.read_bytes() == log[:-1]
    assert copies_beside(torn) == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_command_that_writes_nothing_leaves_the_torn_tail(torn: Path, log: bytes, dry_run: bool) -> None:
    if dry_run:
        register_at(torn).execute(create("eve"), dry_run=True)
    else:
        with pytest.raises(EmailTaken):
            register_at(torn).execute(create("bob"))
    assert torn.read_bytes() == log[:-1]
    assert copies_beside(torn) == []


class Calls:
    """The calls that change or sync files, in order, as `name what`; some of them can be made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
        self.made: list[str] = []
        self.failing: dict[str, int] = {}
        self._log = log
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(descriptor: int, *arguments: Any) -> Any:
            did = f"{name} {self._what(descriptor)}"
            self.made.append(did)
            if did in self.failing:
                raise OSError(self.failing[did], os.strerror(self.failing[did]))
            return real(descriptor, *arguments)

        return call

    def _what(self, descriptor: int) -> str:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            return "folder"
        return "log" if os.path.samestat(found, os.stat(self._log)) else "copy"


def test_the_copy_is_safe_before_the_cut_and_the_cut_before_the_next_line(
    torn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, torn)
    register_at(torn).execute(create("eve"))
    assert calls.made == [
        "write copy",
        "fsync copy",
        "fsync folder",
        "ftruncate log",
        "fsync log",
        "write log",
        "fsync log",
    ]


@pytest.mark.parametrize("call", ["write copy", "fsync copy", "ftruncate log"])
def test_a_tail_that_cannot_be_put_aside_stays_where_it_is_and_nothing_is_written(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    calls = Calls(monkeypatch, torn)
    calls.failing[call] = errno.ENOSPC
    with pytest.raises(NotWritten) as failed:
        register_at(torn).execute(create("eve"))
    assert failed.value.exit == 14
    assert "nothing was written" in failed.value.message
    assert f"byte {starts(log)[2]}" in failed.value.message
    assert torn.read_bytes() == log[:-1]
    assert copies_beside(torn) == [], "a copy that is none was left"


def test_after_a_fault_while_putting_a_tail_aside_the_next_writer_finishes(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for call in ("write copy", "fsync copy", "fsync folder", "ftruncate log", "fsync log"):
        with monkeypatch.context() as patch:
            Calls(patch, torn).failing[call] = errno.EIO
            with pytest.raises(NotWritten):
                register_at(torn).execute(create("eve"))
        tail_is_somewhere = torn.read_bytes() == log[:-1] or any(
            copy.read_bytes() == log[starts(log)[2] : -1] for copy in copies_beside(torn)
        )
        assert tail_is_somewhere, f"the tail is lost when {call} fails"
        assert torn.read_bytes().startswith(log[: starts(log)[2]])
    register_at(torn).execute(create("eve"))
    assert read(torn) == "3 events"


def test_a_log_that_may_only_be_appended_to_keeps_its_tail_and_says_what_to_do(
    torn: Path, log: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(monkeypatch, torn)
    calls.failing["ftruncate log"] = errno.EPERM
    with pytest.raises(Damaged) as refused:
        register_at(torn).execute(create("eve"))
    assert refused.value.exit == 12
    assert (refused.value.line, refused.value.byte) == (3, starts(log)[2])
    assert "chattr -a" in refused.value.hint
    assert "nothing was written" in refused.value.hint
    assert torn.read_bytes() == log[:-1]
    assert copies_beside(torn) == []


def test_a_copy_is_written_whole_even_when_the_disk_takes_it_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:100]))
    kept = keep_copy(str(tmp_path / "copy"), [b"0123456789" * 50, b"0123456789" * 49])
    assert Path(kept).read_bytes() == b"0123456789" * 99
