"""Reading forward, backward and by bisection: the same events whatever the sizes of the pieces, and not too much."""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from hypothesis import given, settings
from hypothesis import strategies as st
from support.calls import Meter
from support.errors import raising
from support.events import creation
from support.events import lines_of as lines_of_events
from support.logs import locked_by_another, numbers, reading

from evcli.domain.event import number_of
from evcli.errors import Damaged, NoLog
from evcli.log import START, Position
from evcli.log import reader as reader_module
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
    monkeypatch.setattr(reader_module, "FEW", block)
    monkeypatch.setattr(reader_module, "MANY", chunk)


# --- the same events, whatever the sizes ------------------------------------------------------------------------------


@pytest.fixture
def mixed(log_path: Path) -> Iterator[Reader]:
    """A reader of a log of short and long lines."""
    with write(log_path, MIXED) as reader:
        yield reader


@pytest.mark.usefixtures("_sizes")
class TestInPiecesOfEverySize:
    def test_forward_gives_every_event_once_in_order(self, mixed: Reader) -> None:
        assert numbers(mixed.events()) == list(range(1, 31))
        assert mixed.at == linear(MIXED, 30)

    @pytest.mark.parametrize("number", [0, 1, 15, 29, 30])
    def test_backward_from_any_place_gives_every_event_newest_first(self, mixed: Reader, number: int) -> None:
        assert numbers(mixed.events_backward(linear(MIXED, number))) == list(range(number, 0, -1))

    def test_the_place_after_every_event_and_the_last_one_is_found(self, mixed: Reader) -> None:
        for number in range(31):
            assert mixed.position_of(number) == linear(MIXED, number), f"after event {number}"
        assert mixed.log.head() == linear(MIXED, 30)

    def test_forward_between_any_two_places(self, mixed: Reader) -> None:
        for start, end in [(0, 0), (0, 30), (3, 4), (4, 17), (29, 30), (30, 30)]:
            place = linear(MIXED, start)
            wanted = list(range(start + 1, end + 1))
            assert numbers(mixed.events(place, until=end)) == wanted, f"from {start} until event {end}"
            assert mixed.at == linear(MIXED, end)
            assert numbers(mixed.events(place, stop=linear(MIXED, end).place)) == wanted, f"{start} to {end}"
            assert mixed.at == linear(MIXED, end)

    def test_a_bad_line_is_named_from_either_side(self, log_path: Path) -> None:
        bad = [*MIXED[:19], MIXED[19].replace(b"\xc3\xa9", b"\xc3\xa8", 1), *MIXED[20:]]
        with write(log_path, bad) as reader:
            with pytest.raises(Damaged) as forward:
                list(reader.events())
            assert (forward.value.line, forward.value.byte) == (20, linear(MIXED, 19).place)
            assert reader.at == linear(MIXED, 19), "the place before the bad line is known"
            with pytest.raises(Damaged) as backward:
                list(reader.events_backward(reader.log.head()))
            assert (backward.value.line, backward.value.byte) == (20, linear(MIXED, 19).place)

    def test_a_line_that_a_search_cannot_read_is_named(self, log_path: Path) -> None:
        bad = [*MIXED[:14], b"x" * len(MIXED[14][:-1]) + b"\n", *MIXED[15:]]
        with write(log_path, bad) as reader, pytest.raises(Damaged) as damage:
            [reader.position_of(number) for number in range(31)]
        assert (damage.value.line, damage.value.byte) == (15, linear(MIXED, 14).place)

    def test_ids_are_found_by_their_beginning(self, mixed: Reader) -> None:
        assert numbers(mixed.find_ids("id-2")) == [2, *range(20, 29)]
        assert numbers(mixed.find_ids("id-30")) == [30]


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


def test_a_line_longer_than_the_limit_does_not_fill_the_memory(log_path: Path) -> None:
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
@pytest.mark.parametrize("is_file", [False, True], ids=["no folder", "a file for the folder"])
@pytest.mark.parametrize("name", ["events.jsonl", "folder/events.jsonl"])
def test_a_missing_file_or_folder_is_no_log(tmp_path: Path, is_file: bool, name: str) -> None:
    if is_file:
        (tmp_path / "folder").write_bytes(b"")
    with raising(NoLog, 10, str(tmp_path / name)):
        assert FileLog(str(tmp_path / name)).view


def test_lines_appended_later_are_seen_only_after_another_look(log_path: Path) -> None:
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
    with write(log_path, MIXED[:10]) as reader:
        os.truncate(log_path, linear(MIXED, 8).place)
        assert texts(reader) == MIXED[:8]


def test_a_place_is_followed_only_if_its_event_is_still_there(mixed: Reader, log_path: Path) -> None:
    assert mixed.follows(START)
    assert mixed.follows(linear(MIXED, 12))
    assert not mixed.follows(linear(MIXED, 12)._replace(sha256=b"0" * 64))
    assert not mixed.follows(linear(MIXED, 12)._replace(place=linear(MIXED, 12).place + 1))
    os.truncate(log_path, linear(MIXED, 11).place)
    assert not mixed.follows(linear(MIXED, 12))


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


@pytest.mark.parametrize("member", ["sequence", "sha256"])
def test_a_last_line_that_no_writer_wrote_is_damage(log_path: Path, member: str) -> None:
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
        ("ab", False, [1, 2, 7]), ("abc", False, [1, 7]), ("abc", True, [1]), ('q"', False, [3]), ("q", False, [3]),
        ("back\\", False, [4]), ("back\\slash", True, [4]), ("李", False, [5]), ("a\\u0041", True, [6]),
        ("aA", False, []), ("abc-", True, []), ('abc"', False, []), ('abc","source', False, []), ("A", False, [8]),
    ],
)  # fmt: skip
def test_an_id_is_searched_as_it_is_not_as_it_is_escaped(
    log_path: Path, prefix: str, exact: bool, found: list[int]
) -> None:
    with write(log_path, lines_of(len(IDS), IDS)) as reader:
        assert numbers(reader.find_ids(prefix, exact=exact)) == found
        for others in ((), ("none", "李"), ("abc-2",)):
            also = [7] if "abc-2" in others else []
            exactly = [number for number in found if IDS[number - 1] == prefix]
            assert numbers(reader.with_ids([prefix, *others])) == sorted({*exactly, *also})


def test_a_search_for_ids_ends_after_ten(mixed: Reader) -> None:
    assert numbers(mixed.find_ids("id-")) == list(range(1, 11))


# --- a writer at work beside ------------------------------------------------------------------------------------------


def test_a_line_that_a_writer_is_just_writing_is_not_torn(log_path: Path) -> None:
    log_path.write_bytes(b"".join(MIXED[:3]) + MIXED[3][:200])
    with locked_by_another(log_path), reading(log_path) as reader:
        assert (reader.log.end, reader.log.unfinished()[0]) == (linear(MIXED, 3).place, 0)
        assert numbers(reader.events()) == [1, 2, 3]
    with reading(log_path) as reader:
        end = reader.log.end, reader.log.unfinished()[0]
        assert end == (linear(MIXED, 3).place, 200), "with no writer at work it is torn"


WRONG: dict[str, tuple[bytes, Callable[[Path], object], list[int]]] = {
    # the line as it is seen first, what the writer does before it frees the lock, and the events then; none: damage
    "it is finished": (
        MIXED[3][:600] + b"x" * 100 + MIXED[3][700:],  # as a reader may see a page that is being written
        lambda log: log.write_bytes(b"".join(MIXED[:5])),
        [1, 2, 3, 4],
    ),
    "it is taken back": (b"a failing write\n", lambda log: os.truncate(log, linear(MIXED, 3).place), [1, 2, 3]),
    "it stays": (b"wrong\n", lambda log: None, []),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_is_read_again_when_the_writer_is_done(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    line, goes_on, expected = WRONG[name]
    log_path.write_bytes(b"".join(MIXED[:3]) + line)
    with locked_by_another(log_path) as descriptor, reading(log_path) as reader:

        def go_on(seconds: float) -> None:
            goes_on(log_path)
            fcntl.flock(descriptor, fcntl.LOCK_UN)

        monkeypatch.setattr(time, "sleep", go_on)
        if expected:
            assert numbers(reader.events())[:4] == expected
        else:
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


def test_the_meter_counts_a_whole_reading(log_path: Path, monkeypatch: pytest.MonkeyPatch, many: list[bytes]) -> None:
    size = sum(map(len, many))
    with write(log_path, many) as reader:
        meter = Meter(monkeypatch)
        assert numbers(reader.events()) == list(range(1, MANY + 1))
    assert size <= meter.read <= size + 8192


def test_reading_backward_reads_nothing_twice(
    log_path: Path, monkeypatch: pytest.MonkeyPatch, many: list[bytes]
) -> None:
    with write(log_path, many) as reader:
        end = reader.log.head()
        meter = Meter(monkeypatch)
        backward = reader.events_backward(end)
        assert number_of(next(backward)) == MANY
        assert meter.read <= 32 << 10, "the first event needs little"
        assert numbers(islice(backward, MANY // 2)) == list(range(MANY - 1, MANY // 2 - 1, -1))
        assert meter.read <= 0.62 * sum(map(len, many)), "and half of them no more than some thousand more"
        assert numbers(backward) == list(range(MANY // 2 - 1, 0, -1))
    assert meter.read <= 1.08 * sum(map(len, many))


def since(days: int) -> tuple[str, int]:
    """The date of some days before the last event, and how many events come before it."""
    date = (FIRST + timedelta(hours=MANY) - timedelta(days=days)).date()
    begin = datetime.combine(date, datetime.min.time(), UTC)
    return str(date), int((begin - FIRST) / timedelta(hours=1)) - 1


TODAY, YESTERDAY_BUT_ONE = since(0), since(2)
SHOWN = {
    # the options of `log`, the events that it shows, and how many bytes it may read; None: their own and some searches
    "the last event": (["-n", "1"], MANY - 1, MANY, 64 << 10),
    "the last 20 events": (["-n", "20"], MANY - 20, MANY, 64 << 10),
    "since today": (["--since", TODAY[0]], TODAY[1], MANY, None),
    "since today, oldest first": (["--since", TODAY[0], "--reverse"], TODAY[1], MANY, None),
    "since a date": (["--since", YESTERDAY_BUT_ONE[0]], YESTERDAY_BUT_ONE[1], MANY, None),
    "since a date, oldest first": (
        ["--since", YESTERDAY_BUT_ONE[0], "--reverse"], YESTERDAY_BUT_ONE[1], MANY, None
    ),
    "in the middle": (["--since", "3000", "--until", "3010"], 3000, 3010, A_FEW_SEARCHES),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_some_events_are_shown_without_reading_the_others(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, many: list[bytes], name: str
) -> None:
    words, first, last, limit = SHOWN[name]
    cli.log.write_bytes(b"".join(many))
    expected = many[first:last]
    meter = Meter(monkeypatch)
    ran = cli.ok("log", *words, "--format", "jsonl")
    assert ran.out.encode() == b"".join(expected if "--reverse" in words else reversed(expected))
    most = limit or sum(map(len, expected)) + A_FEW_SEARCHES
    assert meter.read <= most, f"{meter.read} of {sum(map(len, many))} bytes were read to show {len(expected)} events"


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


def test_a_bad_line_with_the_id_that_is_sought_is_damage(log_path: Path) -> None:
    lines = lines_of(3)
    lines[1] = lines[1].replace(b'"User 2"', b' "User 2"')
    with write(log_path, lines) as reader, pytest.raises(Damaged, match="line 2"):
        reader.find_ids("id-2")
