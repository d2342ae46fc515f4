"""Batches: several events are all there or none, whatever happens to the writer."""

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.calls import Calls
from support.events import LATER, batch_of, creation, forged, lines_of, place_at_end
from support.logs import append, events_of, numbers, reading
from support.registers import create, register_at

import evcli
from evcli.domain.event import number_of
from evcli.errors import Damaged, NotWritten, OutcomeUnknown
from evcli.log import Position
from evcli.log.file.engine import FileLog
from evcli.log.line import MAX_BATCH, BadLine, decode_each, hash_of
from evcli.log.lines import decode_many
from evcli.log.reader import Reader
from evcli.register.verify import audit

ONE = lines_of([creation(1)])[0]
AFTER_ONE = place_at_end([ONE])
BATCH = lines_of(batch_of(2, 4), AFTER_ONE)
THREE = b"".join(BATCH)
"""A batch of three events after ONE."""
FIVE = lines_of([creation(5)], place_at_end([ONE, *BATCH]))[0]


def read(log: Path) -> str:
    """What every way of reading shows, in short: `4 events`, `1 events, 17 torn`."""
    events, torn, is_unterminated = events_of(log)
    return f"{len(events)} events" + (f", {torn} torn" if torn else "") + (", no newline" if is_unterminated else "")


@pytest.fixture
def log(log_path: Path) -> Path:
    """A log of one event."""
    log_path.write_bytes(ONE)
    log_path.chmod(0o600)
    return log_path


# --- all or none ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [b"", ONE], ids=["a new log", "after an event"])
def test_a_batch_cut_at_any_byte_is_all_there_or_not_at_all(log: Path, first: bytes) -> None:
    count = first.count(b"\n")
    batch = THREE if first else b"".join(lines_of(batch_of(1, 3)))
    for length in range(len(batch) + 1):
        log.write_bytes(first + batch[:length])
        if length >= len(batch) - 1:
            wanted = f"{count + 3} events" + (", no newline" if length < len(batch) else "")
        else:
            wanted = f"{count} events" + (f", {length} torn" if length else "")
        assert read(log) == wanted, f"of the first {length} bytes"


@pytest.mark.parametrize("kept", [1, 2])
def test_half_a_batch_is_not_found_by_its_time(log: Path, kept: int) -> None:
    late = lines_of(batch_of(2, 4, time=LATER), AFTER_ONE)
    log.write_bytes(ONE + b"".join(late[:kept]))
    with reading(log) as reader:
        assert reader.seek(lambda position: position.recorded <= LATER).number == 1


def test_batches_may_follow_on_each_other(log: Path) -> None:
    more = lines_of([*batch_of(5, 6), *batch_of(7, 9), creation(10)], place_at_end([ONE, *BATCH]))
    log.write_bytes(ONE + THREE + b"".join(more))
    assert read(log) == "10 events"
    log.write_bytes(ONE + THREE + b"".join(more[:3]))
    assert read(log) == f"6 events, {len(more[2])} torn"


# --- the ways in which a batch is broken ------------------------------------------------------------------------------


def of(batch: str, *numbers: int) -> list[dict[str, Any]]:
    return [creation(number, batch=batch) for number in numbers]


NO_BATCH = ["2-2", "2-1", "0-4", "+2-4", "2 -4", "2-4\n", "٢-4", "2-1000000000000", "2-", "", 24, None]
BROKEN: dict[str, tuple[list[dict[str, Any]], int, str]] = {
    # the events after the first, the line that breaks the batch, and what is said of it
    "an event that is not of it": ([*of("2-4", 2), creation(3)], 3, "in the middle of batch 2-4, but not part of it"),
    "another batch begins inside": (
        [*of("2-4", 2), *of("3-4", 3, 4)],
        3,
        "in the middle of batch 2-4, but not part of it",
    ),
    "another end": ([*of("2-4", 2), *of("2-5", 3)], 3, "in the middle of batch 2-4, but not part of it"),
    "its last event is of no batch": (
        [*of("2-4", 2, 3), creation(4)],
        4,
        "in the middle of batch 2-4, but not part of it",
    ),
    "FIRST is not this event": (of("1-4", 2, 3, 4), 2, "belongs to batch 1-4, which does not begin here"),
    "FIRST is a later event": (of("3-4", 2), 2, "event 2 is not in batch 3-4"),
    "a number outside": ([*of("2-3", 2, 3), *of("2-3", 4)], 4, "event 4 is not in batch 2-3"),
    "a leading zero in FIRST": (of("02-4", 2, 3, 4), 2, "not FIRST-LAST"),
    "a leading zero in LAST": (of("2-04", 2, 3, 4), 2, "not FIRST-LAST"),
    **{f"the batch {each!r}": ([creation(2, batch=each)], 2, "not FIRST-LAST with FIRST < LAST") for each in NO_BATCH},
}


def slowly(lines: list[bytes], place: Position) -> int | str:
    """How many events are taken one by one; or why the first bad one is bad."""
    try:
        return len(list(decode_each(lines, place)))
    except BadLine as bad:
        return str(bad)


@pytest.mark.parametrize(("events", "line", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_batch_is_damage_and_stays(log: Path, events: list[dict[str, Any]], line: int, said: str) -> None:
    lines = forged(*events, previous=hash_of(ONE))
    assert said in str(slowly(lines, AFTER_ONE))
    assert slowly(lines[: line - 2], AFTER_ONE) == line - 2, "the row breaks it earlier than it says"
    assert decode_many(lines, AFTER_ONE) is None
    last = number_of(events[-1])  # type: ignore[arg-type]  # an event without its hash
    lines += forged(creation(last + 1), previous=hash_of(lines[-1]))
    before = ONE + b"".join(lines)
    log.write_bytes(before)
    with reading(log) as reader, pytest.raises(Damaged, match=f"line {line}, byte") as damage:
        list(reader.events())
    assert said in damage.value.message
    with pytest.raises(Damaged):
        register_at(log).execute(create("x"), create("y"))
    assert log.read_bytes() == before
    assert os.listdir(log.parent) == [log.name]


@pytest.mark.parametrize("split", [1, 2])
def test_a_batch_continues_in_another_reading(split: int) -> None:
    place = place_at_end([ONE, *BATCH[:split]])
    assert (place.batch, place.batch_size) == ("2-4", sum(map(len, BATCH[:split])))
    events = decode_many(BATCH[split:], place)
    assert events == list(decode_each(BATCH[split:], place)) != []
    for other in (
        forged(creation(2 + split), previous=place.sha256),
        forged(*of("2-5", 2 + split), previous=place.sha256),
    ):
        assert decode_many(other, place) is None
        assert "in the middle of batch 2-4" in str(slowly(other, place))


def test_a_batch_may_continue_where_the_line_before_is_unknown() -> None:
    place = place_at_end([ONE, *BATCH[:1]])._replace(batch=None, batch_size=0)
    assert decode_many(BATCH[1:], place) == list(decode_each(BATCH[1:], place))
    assert decode_many(forged(*of("4-5", 3, 4, 5), previous=place.sha256), place) is None
    wrong = forged(*of("2-5", 3), *of("2-4", 4), previous=hash_of(BATCH[0]))
    assert decode_many(wrong, place) is None
    assert "in the middle of batch 2-5" in str(slowly(wrong, place))


@pytest.mark.parametrize("start", [1, 2, 3])
def test_a_reader_that_begins_inside_a_batch_checks_the_rest(log: Path, start: int) -> None:
    log.write_bytes(ONE + THREE + FIVE)
    with reading(log) as reader:
        place = reader.position_of(start)
        assert numbers(reader.events(place)) == list(range(start + 1, 6))
        assert reader.at == place_at_end([ONE, *BATCH, FIVE])
        assert [reader.position_of(number).number for number in range(6)] == list(range(6))
        inside = len(ONE) + len(b"".join(BATCH[: start - 1]))
        assert number_of(reader.event_at(inside)) == start + 1
    spoiled = forged(creation(4), previous=hash_of(BATCH[1]))
    log.write_bytes(ONE + b"".join(BATCH[:2]) + spoiled[0] + FIVE)
    if start < 4:
        with reading(log) as reader, pytest.raises(Damaged, match="line 4"):
            list(reader.events(place))


# --- how long a batch may be ------------------------------------------------------------------------------------------


def sized(total: int) -> list[bytes]:
    """A batch after ONE whose lines have `total` bytes; the last line fills what is missing."""

    def events(count: int, last: str) -> list[dict[str, Any]]:
        reasons = ["\U0001f600" * 2000] * (count - 1) + [last]
        data = [{"name": "a", "email": "a@example.com", "reason": reason} for reason in reasons]
        return [creation(at, batch=f"2-{count + 1}", data=each) for at, each in enumerate(data, 2)]

    count = total // 8341 + 1
    wide, narrow = divmod(total - len(b"".join(forged(*events(count, "x")))) + 1, 4)
    assert 0 < wide < 1997
    return forged(*events(count, "\U0001f600" * wide + "x" * narrow), previous=hash_of(ONE))


def test_a_batch_may_have_a_mebibyte_and_no_byte_more(log: Path) -> None:
    longest, too_long = sized(MAX_BATCH), sized(MAX_BATCH + 1)
    assert (len(b"".join(longest)), len(b"".join(too_long))) == (1 << 20, (1 << 20) + 1)
    assert decode_many(longest, AFTER_ONE) == list(decode_each(longest, AFTER_ONE))
    assert decode_many(too_long, AFTER_ONE) is None
    assert "has more than 1,048,576 bytes" in str(slowly(too_long, AFTER_ONE))
    for lines, split in ((longest, 60), (too_long, 60)):
        place = place_at_end([ONE, *lines[:split]])
        assert (decode_many(lines[split:], place) is None) == (lines is too_long)
    log.write_bytes(ONE + b"".join(longest))
    assert read(log) == f"{len(longest) + 1} events"
    log.write_bytes(ONE + b"".join(longest)[:-2])
    assert read(log) == f"1 events, {MAX_BATCH - 2} torn"
    log.write_bytes(ONE + b"".join(too_long))
    with reading(log) as reader, pytest.raises(Damaged, match=f"line {len(too_long) + 1}, byte"):
        list(reader.events())


# --- how a batch is written -------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, log_path: Path) -> Calls:
    return Calls(monkeypatch, log_path)


@pytest.mark.parametrize("count", [2, 40, 1000])
def test_a_new_log_of_a_batch_is_one_write_and_three_syncs(log_path: Path, calls: Calls, count: int) -> None:
    register_at(log_path).execute(*(create(f"x{number}") for number in range(count)))
    assert calls.made == ["fsync folder", "fsync folder above", "write log", "fsync log"]
    assert read(log_path) == f"{count} events"


# --- faults while a batch is written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("can_take_back", [True, False])
def test_a_batch_that_fits_only_in_part_is_not_shown(log: Path, calls: Calls, can_take_back: bool) -> None:
    half = len(THREE) // 2
    calls.instead["write log"] = lambda write, descriptor, data: write(descriptor, bytes(data)[:half])
    if not can_take_back:
        calls.fail("ftruncate log", errno.EIO)
    with pytest.raises(NotWritten if can_take_back else OutcomeUnknown, match=f"{half} of {len(THREE)} bytes"):
        append(log, THREE, 2)
    calls.mend()
    assert read(log) == "1 events" + ("" if can_take_back else f", {half} torn")
    append(log, THREE, 2)
    assert read(log) == "4 events"


@pytest.mark.parametrize("step", range(4))
def test_a_batch_of_a_killed_writer_is_all_there_or_not(log: Path, calls: Calls, step: int) -> None:
    child = os.fork()
    if not child:
        with suppress(BaseException):
            calls.killed_at = step
            append(log, THREE, 2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (9 if step < 3 else 0)
    assert read(log) == ("1 events" if step < 2 else "4 events")
    append(log, *((THREE, 2) if step < 2 else (FIVE, 5)))
    assert read(log) == ("4 events" if step < 2 else "5 events")
    with reading(log) as reader:
        assert audit(reader).status == "good"


# --- readers beside a writer ------------------------------------------------------------------------------------------


def test_readers_never_see_half_a_batch_being_written(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    early = FileLog(str(log))
    seen: list[tuple[int, int]] = []

    def slowly(descriptor: int, data: bytes) -> int:
        for at in range(0, len(data), 40):
            write(descriptor, data[at : at + 40])
            early.wait(0)
            seen.append((len(list(Reader(early).events())), early.unfinished()[0]))
            with reading(log) as late:
                seen.append((len(list(late.events())), late.log.unfinished()[0]))
        return len(data)

    monkeypatch.setattr(os, "write", slowly)
    append(log, THREE, 2)
    early.close()
    assert len(seen) > 20
    assert set(seen[:-2]) == {(1, 0)}, "half a batch was seen, or a batch in the making was called torn"
    assert seen[-2:] == [(4, 0)] * 2


WRITER = """
import sys
from evcli.cli.main import main
for _ in range(6):
    for words in (["destroy", "1", "2", "3"], ["restore", "1"], ["restore", "2"], ["restore", "3"]):
        if code := main(["user", *words, "-q", "--lock-wait", "100"]):
            sys.exit(code)
"""


def test_a_batch_of_a_real_writer_is_seen_whole_or_not_at_all(log: Path) -> None:
    log.write_bytes(b"".join(lines_of(creation(number) for number in range(1, 4))))
    environment = {**os.environ, "PYTHONPATH": str(Path(evcli.__file__).parents[1]), "EVCLI_LOG": str(log)}
    writer = subprocess.Popen([sys.executable, "-c", WRITER], env=environment, stderr=subprocess.PIPE)
    try:
        is_running, most = True, 0
        while is_running:
            is_running = writer.poll() is None
            with reading(log) as reader:
                types = [event["type"] for event in reader.events()]
            most = max(most, len(types))
            assert types.count("user.destroyed") % 3 == 0, f"half a batch was seen among {len(types)} events"
        assert writer.returncode == 0, writer.stderr.read().decode() if writer.stderr else ""
    finally:
        writer.kill()
        writer.communicate()
    assert most == 3 + 6 * 6
