"""Reading forward, backward and by bisection: the same events whatever the sizes of the pieces, and not too much."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from hypothesis import given, settings
from hypothesis import strategies as st
from support.events import creation
from support.events import lines_of as lines_of_events
from support.logs import reading

from evcli.domain.event import Event, number_of
from evcli.errors import CannotOpen, Damaged, NoLog, NotALog
from evcli.log import START, Position
from evcli.log.file import engine, view
from evcli.log.file.blocks import CHUNK
from evcli.log.file.engine import FileLog
from evcli.log.file.open import open_for_reading
from evcli.log.line import MAX_LINE, hash_of, timestamp
from evcli.log.reader import Reader

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def lines_of(count: int, ids: list[str] | None = None, long_ones: int = 0) -> list[bytes]:
    """A chain of `count` lines, an hour apart; every `long_ones`-th has some 4,000 bytes. The rules are not asked."""
    events = []
    for number in range(1, count + 1):
        changes: dict[str, Any] = {"time": timestamp(FIRST + timedelta(hours=number))}
        if ids:
            changes["id"] = ids[number - 1]
        if long_ones and number % long_ones == 0:
            changes |= {"type": "user.destroyed", "data": {"reason": "é" * 2000}}
        events.append(creation(number, **{"id": f"id-{number}", **changes}))
    return lines_of_events(events)


def write(path: Path, lines: list[bytes]) -> Reader:
    path.write_bytes(b"".join(lines))
    log = FileLog(str(path))
    assert log.end <= path.stat().st_size  # it is open now
    return Reader(log)


def texts(reader: Reader) -> list[bytes]:
    return [line for _, line in reader.lines(0)]


def numbers(events: Iterator[Event]) -> list[int]:
    return [number_of(event) for event in events]


def linear(lines: list[bytes], number: int) -> Position:
    """The place after event `number`, counted out line by line."""
    if number == 0:
        return START
    return Position(
        number,
        sum(map(len, lines[:number])),
        hash_of(lines[number - 1]),
        timestamp(FIRST + timedelta(hours=number)),
        source="evcli",
    )


MIXED = lines_of(30, long_ones=4)
SIZES = [(1, 4), (7, 8), (100, 64), (512, 512), (4096, 1024), (1 << 18, 1 << 14)]


@pytest.fixture(params=SIZES, ids=lambda sizes: f"chunks of {sizes[0]}, blocks of {sizes[1]}")
def _sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of all sizes, so that lines lie across their borders in every way."""
    chunk, block = request.param
    monkeypatch.setattr(view, "CHUNK", chunk)
    monkeypatch.setattr(view, "BLOCK", block)


# --- the same events, whatever the sizes ------------------------------------------------------------------------------


@pytest.mark.usefixtures("_sizes")
class TestInPiecesOfEverySize:
    def test_forward_gives_every_event_once_in_order(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            assert numbers(reader.events()) == list(range(1, 31))
            assert reader.at == linear(MIXED, 30)

    def test_backward_gives_every_event_once_newest_first(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            assert numbers(reader.events_backward(reader.log.head())) == list(range(30, 0, -1))

    @pytest.mark.parametrize("number", [0, 1, 15, 29])
    def test_backward_begins_at_any_place(self, log_path: Path, number: int) -> None:
        with write(log_path, MIXED) as reader:
            assert numbers(reader.events_backward(linear(MIXED, number))) == list(range(number, 0, -1))

    def test_the_place_after_every_event_is_found(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            for number in range(31):
                assert reader.position_of(number) == linear(MIXED, number), f"after event {number}"

    def test_the_last_place_is_found_from_the_end(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            assert reader.log.head() == linear(MIXED, 30)

    def test_forward_between_any_two_places(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            for start, end in [(0, 0), (0, 30), (3, 4), (4, 17), (29, 30), (30, 30)]:
                place = linear(MIXED, start)
                wanted = list(range(start + 1, end + 1))
                assert numbers(reader.events(place, until=end)) == wanted, f"from {start} until event {end}"
                assert reader.at == linear(MIXED, end)
                assert numbers(reader.events(place, stop=linear(MIXED, end).place)) == wanted, f"{start} to {end}"
                assert reader.at == linear(MIXED, end)

    def test_a_bad_line_is_named_with_its_number_and_byte_from_either_side(self, log_path: Path) -> None:
        bad = [*MIXED[:19], MIXED[19].replace(b"\xc3\xa9", b"\xc3\xa8", 1), *MIXED[20:]]
        with write(log_path, bad) as reader:
            found = []
            with pytest.raises(Damaged) as forward:
                found += list(reader.events())
            assert (forward.value.line, forward.value.byte) == (20, linear(MIXED, 19).place)
            assert reader.at == linear(MIXED, 19), "the place before the bad line is known"
            with pytest.raises(Damaged) as backward:
                list(reader.events_backward(reader.log.head()))
            assert (backward.value.line, backward.value.byte) == (20, linear(MIXED, 19).place)

    def test_a_line_that_a_search_cannot_read_is_named_with_its_number_and_byte(self, log_path: Path) -> None:
        bad = [*MIXED[:14], b"x" * len(MIXED[14][:-1]) + b"\n", *MIXED[15:]]
        with write(log_path, bad) as reader, pytest.raises(Damaged) as damage:
            [reader.position_of(number) for number in range(31)]
        assert (damage.value.line, damage.value.byte) == (15, linear(MIXED, 14).place)

    def test_ids_are_found_by_their_beginning(self, log_path: Path) -> None:
        with write(log_path, MIXED) as reader:
            assert [number_of(event) for event in reader.find_ids("id-2")] == [2, *range(20, 29)]
            assert [number_of(event) for event in reader.find_ids("id-30")] == [30]


def test_lines_end_at_newlines_and_nowhere_else(log_path: Path) -> None:
    odd = [f"one{mark}two\r\n".encode() for mark in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r\0"]
    with write(log_path, [MIXED[0], *odd, b"\n", b"\n", MIXED[1]]) as reader:
        assert texts(reader) == [MIXED[0], *odd, b"\n", b"\n", MIXED[1]]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(content=st.lists(st.binary(max_size=30), max_size=12), chunk=st.integers(1, 40))
def test_lines_joined_again_are_the_bytes_of_the_file(
    content: list[bytes], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lines") / "log"
    whole = MIXED[0] + b"".join(piece.replace(b"\0", b"") + b"\n" for piece in content)
    path.write_bytes(whole)
    with pytest.MonkeyPatch.context() as patch, reading(path) as reader:
        patch.setattr(view, "CHUNK", chunk)
        lines = texts(reader)
    assert b"".join(lines) == whole
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)


def test_a_line_longer_than_the_limit_is_cut_off_before_it_fills_the_memory(log_path: Path) -> None:
    with write(log_path, [MIXED[0], b"x" * (5 << 20), b"\n"]) as reader:
        longest = max(map(len, texts(reader)))
        assert longest <= MAX_LINE + CHUNK + 1
        with pytest.raises(Damaged, match=r"line 2, byte .* more than 65,536 bytes"):
            list(reader.events())


# --- what a reader sees -----------------------------------------------------------------------------------------------


@pytest.mark.case(26)
def test_an_empty_file_is_a_log_without_events(log_path: Path) -> None:
    with write(log_path, []) as reader:
        assert numbers(reader.events()) == []
        assert numbers(reader.events_backward(reader.log.head())) == []
        assert reader.log.head() == reader.position_of(0) == START
        assert reader.log.head().head == "0:" + "0" * 64


@pytest.mark.case(25)
def test_a_missing_file_is_no_log(log_path: Path) -> None:
    with pytest.raises(NoLog) as missing:
        assert FileLog(str(log_path)).view
    assert missing.value.exit == 10
    assert str(log_path) in missing.value.message


@pytest.mark.case(25)
def test_a_missing_folder_or_a_file_in_its_place_is_no_log(log_path: Path) -> None:
    with pytest.raises(NoLog):
        assert FileLog(str(log_path / "events.jsonl")).view
    log_path.write_bytes(b"")
    with pytest.raises(NoLog):
        assert FileLog(str(log_path / "events.jsonl")).view


def test_a_head_is_the_number_and_the_hash_of_the_last_event(log_path: Path) -> None:
    with write(log_path, MIXED) as reader:
        assert reader.log.head().head == f"30:{hash_of(MIXED[-1]).decode()}"


def test_what_is_appended_later_is_seen_after_looking_again_only(log_path: Path) -> None:
    with write(log_path, MIXED[:10]) as reader:
        with log_path.open("ab") as file:
            file.write(b"".join(MIXED[10:12]))
        assert len(numbers(reader.events())) == 10
        assert reader.log.head().number == 12
        assert len(numbers(reader.events())) == 12


def test_a_log_that_is_cut_between_lines_while_it_is_read_ends_there(log_path: Path) -> None:
    with write(log_path, MIXED[:10]) as reader:
        os.truncate(log_path, linear(MIXED, 8).place)
        assert numbers(reader.events()) == list(range(1, 9))


def test_a_place_is_followed_only_by_the_log_that_still_has_its_event_there(log_path: Path) -> None:
    with write(log_path, MIXED) as reader:
        assert reader.follows(START)
        assert reader.follows(linear(MIXED, 12))
        assert not reader.follows(linear(MIXED, 12)._replace(sha256=b"0" * 64))
        assert not reader.follows(linear(MIXED, 12)._replace(place=linear(MIXED, 12).place + 1))
        os.truncate(log_path, linear(MIXED, 11).place)
        assert not reader.follows(linear(MIXED, 12))


def test_a_reader_closes_what_it_opened(log_path: Path) -> None:
    log_path.write_bytes(b"".join(MIXED))
    with FileLog(str(log_path)) as log:
        descriptor = log.view.descriptor
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_reader_that_cannot_begin_closes_what_it_opened(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    def noted(path: str) -> int:
        opened.append(open_for_reading(path))
        return opened[-1]

    def failing(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    log_path.write_bytes(MIXED[0])
    monkeypatch.setattr(engine, "open_for_reading", noted)
    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(OSError, match="Input/output error"):
        assert FileLog(str(log_path)).view
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


@pytest.mark.parametrize("what", ["folder", "fifo", "device"])
def test_what_is_no_regular_file_is_refused_by_name_without_waiting(what: str, log_path: Path) -> None:
    if what == "folder":
        log_path.mkdir()
    elif what == "fifo":
        os.mkfifo(log_path)
    path = "/dev/null" if what == "device" else str(log_path)
    with pytest.raises(CannotOpen) as refused:
        assert FileLog(path).view
    assert refused.value.exit == 14
    assert f"{path} is a {what.replace('fifo', 'FIFO')}" in refused.value.message


def test_a_file_of_something_else_is_said_to_be_no_log(log_path: Path) -> None:
    with write(log_path, [b"Dear diary,\n", b"today\n"]) as reader, pytest.raises(NotALog) as refused:
        list(reader.events())
    assert "this is not an evcli log" in refused.value.message
    assert refused.value.exit == 12


@pytest.mark.parametrize("member", ["sequence", "sha256"])
def test_a_last_line_that_no_writer_wrote_is_damage_and_not_a_crash(log_path: Path, member: str) -> None:
    strange = {"sequence": (b'"000000000002"', b'"two"'), "sha256": (hash_of(MIXED[1]), "é".encode() * 63 + b"a")}
    with write(log_path, [MIXED[0], MIXED[1].replace(*strange[member])]) as reader:
        with pytest.raises(Damaged):
            assert reader.log.head().head.count(":") == 1
        with pytest.raises(Damaged):
            reader.position_of(1)


# --- ids --------------------------------------------------------------------------------------------------------------

IDS = ["abc", "abd", 'q"uote', "back\\slash", "李明", "a\\u0041", "abc-2", "ABC"]


@pytest.mark.parametrize(
    ("prefix", "exact", "found"),
    [
        ("ab", False, [1, 2, 7]),
        ("abc", False, [1, 7]),
        ("abc", True, [1]),
        ('q"', False, [3]),
        ("q", False, [3]),
        ("back\\", False, [4]),
        ("back\\slash", True, [4]),
        ("李", False, [5]),
        ("a\\u0041", True, [6]),
        ("aA", False, []),
        ("abc-", True, []),
        ('abc"', False, []),
        ('abc","source', False, []),
        ("A", False, [8]),
    ],
)
def test_an_id_is_searched_as_it_is_meant_not_as_it_is_escaped(
    log_path: Path, prefix: str, exact: bool, found: list[int]
) -> None:
    with write(log_path, lines_of(len(IDS), IDS)) as reader:
        assert [number_of(event) for event in reader.find_ids(prefix, exact=exact)] == found


def test_of_many_ids_ten_are_enough(log_path: Path) -> None:
    with write(log_path, MIXED) as reader:
        assert [number_of(event) for event in reader.find_ids("id-")] == list(range(1, 11))


# --- a writer at work beside ------------------------------------------------------------------------------------------


@contextmanager
def writer_at_work(path: Path) -> Iterator[int]:
    """Somebody else holds the lock while the block runs."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_line_that_a_writer_is_just_writing_is_not_called_torn(log_path: Path) -> None:
    log_path.write_bytes(b"".join(MIXED[:3]) + MIXED[3][:200])
    with writer_at_work(log_path), reading(log_path) as reader:
        assert (reader.log.end, reader.log.unfinished()[0]) == (linear(MIXED, 3).place, 0)
        assert numbers(reader.events()) == [1, 2, 3]
    with reading(log_path) as reader:
        end = reader.log.end, reader.log.unfinished()[0]
        assert end == (linear(MIXED, 3).place, 200), "with no writer at work it is torn"


def test_a_line_that_looks_wrong_while_a_writer_is_at_work_is_looked_at_again(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_there = bytearray(MIXED[3])
    half_there[600:700] = b"x" * 100  # as a reader may see a page that is being written
    log_path.write_bytes(b"".join(MIXED[:3]) + half_there)
    with writer_at_work(log_path) as descriptor, reading(log_path) as reader:

        def the_writer_goes_on(seconds: float) -> None:
            log_path.write_bytes(b"".join(MIXED[:5]))
            fcntl.flock(descriptor, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", the_writer_goes_on)
        assert numbers(reader.events())[:4] == [1, 2, 3, 4]


def test_a_line_that_a_writer_takes_back_is_not_called_damage(log_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_path.write_bytes(b"".join(MIXED[:3]) + b"a failing write\n")
    with writer_at_work(log_path) as descriptor, reading(log_path) as reader:

        def the_writer_takes_it_back(seconds: float) -> None:
            os.ftruncate(descriptor, linear(MIXED, 3).place)
            fcntl.flock(descriptor, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", the_writer_takes_it_back)
        assert numbers(reader.events()) == [1, 2, 3]


def test_a_line_that_stays_wrong_is_damage_once_the_writer_is_done(
    log_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_path.write_bytes(b"".join(MIXED[:3]) + b"wrong\n")
    with writer_at_work(log_path) as descriptor, reading(log_path) as reader:
        monkeypatch.setattr(time, "sleep", lambda seconds: fcntl.flock(descriptor, fcntl.LOCK_UN))
        with pytest.raises(Damaged) as damage:
            list(reader.events())
    assert damage.value.line == 4


# --- how much is read -------------------------------------------------------------------------------------------------

MANY = 20_000
A_FEW_SEARCHES = 640 << 10
"""Bytes that a few bisections and a block ahead may take, however long the log is; here a tenth of it."""


@pytest.fixture(scope="module")
def many() -> list[bytes]:
    """Twenty thousand lines, an hour apart: about 6 MB."""
    return lines_of(MANY)


class Meter:
    """Counts the bytes that are read from files, by whichever module."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read = 0
        pread = os.pread

        def counting(descriptor: int, length: int, offset: int) -> bytes:
            found = pread(descriptor, length, offset)
            self.read += len(found)
            return found

        monkeypatch.setattr(os, "pread", counting)

        def refuse(*_: object) -> bytes:
            raise AssertionError("the log is read by other means than os.pread: these would not be counted")

        monkeypatch.setattr(os, "read", refuse)


def test_the_meter_counts_a_whole_reading(log_path: Path, monkeypatch: pytest.MonkeyPatch, many: list[bytes]) -> None:
    size = sum(map(len, many))
    with write(log_path, many) as reader:
        meter = Meter(monkeypatch)
        assert numbers(reader.events()) == list(range(1, MANY + 1))
    assert size <= meter.read <= size + 8192


@pytest.mark.parametrize("count", [1, 20])
def test_the_last_events_are_shown_without_reading_the_rest(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, many: list[bytes], count: int
) -> None:
    cli.log.write_bytes(b"".join(many))
    meter = Meter(monkeypatch)
    ran = cli.ok("log", "-n", str(count), "--format", "jsonl")
    assert ran.out.encode() == b"".join(reversed(many[-count:]))
    assert meter.read <= 64 << 10, f"{meter.read} of {sum(map(len, many))} bytes were read to show {count} events"


@pytest.mark.parametrize("reverse", [[], ["--reverse"]], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("days", [0, 2])
def test_the_events_since_a_date_are_found_without_reading_those_before(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, many: list[bytes], days: int, reverse: list[str]
) -> None:
    cli.log.write_bytes(b"".join(many))
    since = (FIRST + timedelta(hours=MANY) - timedelta(days=days)).date()
    expected = many[int((datetime.combine(since, datetime.min.time(), UTC) - FIRST) / timedelta(hours=1)) - 1 :]
    meter = Meter(monkeypatch)
    ran = cli.ok("log", "--since", str(since), "--format", "jsonl", *reverse)
    assert ran.out.encode() == b"".join(expected if reverse else reversed(expected))
    limit = sum(map(len, expected)) + A_FEW_SEARCHES
    assert meter.read <= limit, f"{meter.read} of {sum(map(len, many))} bytes were read to show {len(expected)} events"


def test_events_in_the_middle_are_shown_without_reading_the_ends(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, many: list[bytes]
) -> None:
    cli.log.write_bytes(b"".join(many))
    meter = Meter(monkeypatch)
    ran = cli.ok("log", "--since", "3000", "--until", "3010", "--format", "jsonl")
    assert ran.out.encode() == b"".join(reversed(many[3000:3010]))
    assert meter.read <= A_FEW_SEARCHES, f"{meter.read} of {sum(map(len, many))} bytes were read to show 10 events"


def test_the_head_is_found_without_reading_the_log(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, many: list[bytes]
) -> None:
    cli.log.write_bytes(b"".join(many))
    meter = Meter(monkeypatch)
    assert cli.ok("head").out.strip().endswith(hash_of(many[-1]).decode())
    assert meter.read <= 32 << 10


def test_a_search_by_time_looks_at_few_lines(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, many: list[bytes]
) -> None:
    with write(log_path, many) as reader:
        meter = Meter(monkeypatch)
        looked_at = 0

        def is_before(position: Position) -> bool:
            nonlocal looked_at
            looked_at += 1
            return position.recorded <= timestamp(FIRST + timedelta(hours=1234))

        assert reader.seek(is_before) == linear(many, 1234)
    assert looked_at <= 24, "bisection halves what is left each time"
    assert meter.read <= 24 * 16 << 10


def test_a_damaged_log_that_is_cut_while_its_lines_are_listed_does_not_keep_the_reader_for_ever(log_path: Path) -> None:
    log_path.write_bytes(b"".join(MIXED[:3]))
    with reading(log_path) as reader:
        os.truncate(log_path, len(MIXED[0]))
        assert texts(reader) == [MIXED[0]]
