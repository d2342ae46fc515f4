"""Torn or damaged: what is read in a file after a crash, or after a change, and what the next writer does."""

from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from support.errors import raising
from support.events import batch_of, creation, forged, lines_of, place_at_end
from support.logs import events_of, reading
from support.registers import create, register_at

from evcli.errors import Damaged, NewerLog, NotALog
from evcli.log.file.torn import SECTOR
from evcli.log.line import FIRST_BYTES, MAX_BATCH, hash_of
from evcli.register.verify import audit

LONG = "\U0001f600" * 200
"""A name for which a line holds a whole sector, wherever it begins."""


class Layout:
    """Two good lines, and what may follow: a long line and one after it, or a batch of four and one after that."""

    def __init__(self, pad: int = 1) -> None:
        reason = {"name": "bob", "email": "bob@example.com", "reason": "r" * pad}
        two = lines_of([creation(1), creation(2, data=reason)])
        place = place_at_end(two)
        self.good = b"".join(two)
        destroyed = creation(3, type="user.destroyed", subject="user/1", data={"reason": "x" * 2000})
        self.long, self.after_long = lines_of([destroyed, creation(4, subject="user/3")], place)
        *self.batch, self.after_batch = lines_of([*batch_of(3, 6, name=LONG), creation(7)], place)

    def upto(self, count: int) -> int:
        """The byte after the first `count` lines of the batch."""
        return len(self.good + b"".join(self.batch[:count]))


def zeroed(content: bytes, start: int, stop: int) -> bytes:
    return content[:start] + bytes(stop - start) + content[stop:]


def hole(content: bytes, start: int, nth: int = 0) -> bytes:
    """The content with the first sector of the file that begins at byte `start` or later, or the nth after it, zero."""
    at = -(-start // SECTOR) * SECTOR + nth * SECTOR
    assert content[at : at + SECTOR].count(b"\n") == 0, "the hole is to leave each newline"
    assert at + SECTOR <= len(content)
    return zeroed(content, at, at + SECTOR)


def pad_for(event: int, rest: int) -> Layout:
    """The layout in which the batch's line `event` ends `rest` bytes after the beginning of a sector."""
    return next(layout for layout in map(Layout, range(1, 600)) if layout.upto(event) % SECTOR == rest)


L = Layout()
GOOD, LAST, AFTER = L.good, L.long, L.after_long
B1, B2, B3, B4 = L.batch
ONE, TWO = GOOD.splitlines(keepends=True)
WHOLE = GOOD + LAST
BATCH = b"".join(L.batch)
TO_SECTOR = SECTOR - len(WHOLE) % SECTOR
CUT = len(GOOD) + SECTOR - len(GOOD) % SECTOR + SECTOR
"""The beginning of a sector within the last line."""
EDGE = pad_for(2, 30)
"""The second line of the batch has its hash in two sectors."""
NARROW = next(layout for layout in map(Layout, range(1, 600)) if len(layout.good) % SECTOR == SECTOR - 10)
"""The first sector has ten bytes of the batch."""
EDGE_HOLE = (EDGE.upto(2) // SECTOR - 1) * SECTOR


EARLIER = "2026-03-01T08:59:59.999999Z"
REASON = {"name": "a", "email": "a@example.com", "reason": LONG * 10}
HUGE = b"".join(lines_of(batch_of(3, 4, data=REASON), place_at_end([ONE, TWO])))
"""A batch of two lines of 8 KiB."""


def changed(line: bytes) -> bytes:
    """The line with one bit of its actor flipped: canonical, and not what was written."""
    assert line.count(b'"authid":"ann"') == 1
    return line.replace(b'"authid":"ann"', b'"authid":"ann"'.replace(b"nn", b"no"))


def other(number: int, batch: str, previous: bytes) -> bytes:
    """A line of another batch, or another place in it, that continues the line before it all the same."""
    return forged(creation(number, LONG, batch=batch), previous=hash_of(previous))[0]


def proved(**changes: str) -> bytes:
    """A proved first line of the batch, with these members changed."""
    return forged(creation(3, LONG, batch="3-6", **changes), previous=hash_of(TWO))[0]


def spaced(line: bytes) -> bytes:
    return line.replace(b'"source":', b'"source": ')


class Case(NamedTuple):
    """What is in the file, what is read of it, how many bytes are torn, and what is said."""

    name: str
    content: bytes
    read: str
    torn: int = 0
    said: str = ""


def torn_after(events: int, good: bytes, tail: bytes, name: str) -> Case:
    """The tail after these good bytes is torn, all of it."""
    return Case(name, good + tail, f"{events} events", len(tail), f"{len(tail)} bytes were truncated at byte")


EVENT_3 = "damaged in line 3"
CHANGED = "not what was written"
MOVED = "lines were removed, repeated or moved"

TORN = [
    torn_after(2, GOOD, LAST[:-1000], "half a line"),
    torn_after(2, GOOD, LAST[:1], "one byte of a line"),
    torn_after(2, GOOD, LAST[:-2], "a line without its brace"),
    torn_after(2, GOOD, FIRST_BYTES + b"\xff\xfe garbage", "a beginning, then no text"),
    torn_after(3, WHOLE, bytes(1), "a NUL"),
    torn_after(3, WHOLE, bytes(TO_SECTOR), "NULs up to a sector"),
    torn_after(3, WHOLE, bytes(70_000), "NULs"),
    torn_after(3, WHOLE, bytes(MAX_BATCH), "NULs, as many as a batch"),
    torn_after(3, WHOLE, FIRST_BYTES + b"x" * (MAX_BATCH - len(FIRST_BYTES)), "a line as long as a batch"),
    torn_after(2, GOOD, (WHOLE[:CUT] + bytes(700))[len(GOOD) :], "half a line up to a sector, then NULs"),
    torn_after(2, GOOD, hole(WHOLE, len(GOOD))[len(GOOD) :], "a line without its first whole sector"),
    torn_after(2, GOOD, hole(WHOLE, len(GOOD), 2)[len(GOOD) :], "a line without a sector inside"),
    torn_after(2, GOOD, zeroed(LAST, 0, SECTOR - len(GOOD) % SECTOR), "a line without the part of the first sector"),
    torn_after(2, GOOD, zeroed(LAST, len(LAST) - len(WHOLE) % SECTOR, len(LAST)), "a line without its last sector"),
    torn_after(0, b"", ONE[:100], "half of the first line"),
    torn_after(0, b"", FIRST_BYTES, "as every log begins"),
    torn_after(0, b"", bytes(700), "NULs only"),
    torn_after(0, b"", bytes(SECTOR) + LAST[SECTOR:-5], "the first sector, never written"),
    # of a batch
    torn_after(2, GOOD, B1, "a whole line of a batch"),
    torn_after(2, GOOD, B1[:-1], "a whole line of a batch without newline"),
    torn_after(2, GOOD, B1 + B2 + B3, "a batch without its last line"),
    torn_after(2, GOOD, BATCH[:-200], "a batch cut in its last line"),
    torn_after(2, GOOD, BATCH[:-2], "a batch without its last brace"),
    torn_after(2, GOOD, B1 + B2[:1], "a batch cut after one byte of a line"),
    torn_after(2, GOOD, hole(GOOD + BATCH, len(GOOD))[len(GOOD) :], "a batch with a hole in its first line"),
    torn_after(2, GOOD, hole(GOOD + BATCH, L.upto(1))[len(GOOD) :], "a batch with a hole in its second line"),
    torn_after(2, GOOD, hole(GOOD + BATCH, L.upto(3))[len(GOOD) :], "a batch with a hole in its last line"),
    torn_after(2, GOOD, hole(hole(GOOD + BATCH, len(GOOD)), L.upto(2))[len(GOOD) :], "a batch with two holes"),
    torn_after(2, GOOD, hole(GOOD + B1 + B2 + B3, L.upto(1))[len(GOOD) :], "a batch with a hole and no end"),
    torn_after(
        2, GOOD, zeroed(GOOD + BATCH, L.upto(1) // SECTOR * SECTOR, (L.upto(1) // SECTOR + 1) * SECTOR)[len(GOOD) :],
        "a batch with a hole over two lines",
    ),
    torn_after(
        2, EDGE.good, zeroed(EDGE.good + b"".join(EDGE.batch), EDGE_HOLE, EDGE_HOLE + SECTOR)[len(EDGE.good) :],
        "a batch with a hole over a hash",
    ),
    torn_after(
        2, NARROW.good, bytes(10) + b"".join(NARROW.batch)[10:], "a batch with a hole where its first line begins"
    ),
    torn_after(2, GOOD, HUGE[: HUGE.index(b"\n") + 1], "a line of 8 KiB of a batch"),
    torn_after(2, GOOD, hole(GOOD + HUGE, len(GOOD) + HUGE.index(b"\n") + 1)[len(GOOD) :], "8 KiB with an early hole"),
    torn_after(6, GOOD + BATCH, L.after_batch[:50], "half a line after a batch"),
    torn_after(6, GOOD + BATCH, bytes(50), "NULs after a batch"),
    # after, or in the place of, a newline that is missing
    Case("the newline is missing", WHOLE[:-1], "3 events, no newline"),
    Case("the newline of a batch is missing", (GOOD + BATCH)[:-1], "6 events, no newline"),
    Case("the only newline is missing", ONE[:-1], "1 events, no newline"),
    Case("a NUL for the newline", WHOLE[:-1] + b"\0", "3 events, no newline", 1, "1 bytes were"),
    Case("another byte for the newline", WHOLE[:-1] + b"x", "3 events, no newline", 1, "1 bytes were"),
    Case("a carriage return for the newline", WHOLE[:-1] + b"\r", "3 events, no newline", 1, "1 bytes were"),
    Case("another byte for the newline of a batch", (GOOD + BATCH)[:-1] + b"\x8a", "6 events, no newline", 1, "1 byte"),
    Case("no newline, then half a line", WHOLE[:-1] + AFTER[:50], "3 events, no newline", 50, "50 bytes were"),
    Case("a NUL, then half a line", WHOLE[:-1] + b"\0" + AFTER[:50], "3 events, no newline", 51, "51 bytes were"),
    Case("NULs for the newline", WHOLE[:-1] + bytes(600), "3 events, no newline", 600, "600 bytes were"),
    Case("a NUL, then a line with a hole", hole(GOOD[:-1] + b"\0" + LAST, len(GOOD)), "2 events, no newline",
         len(LAST) + 1, "bytes were"),
    Case("no newline, then half a batch", GOOD[:-1] + B1 + B2, "2 events, no newline", len(B1 + B2), "bytes were"),
]  # fmt: skip

DAMAGED = [
    # condition 1: no more than a batch
    Case("NULs, one more than a batch", WHOLE + bytes(MAX_BATCH + 1), "damaged in line 4"),
    Case("a line longer than a batch", WHOLE + FIRST_BYTES + b"x" * (MAX_BATCH - 26), "damaged in line 4"),
    Case("everything is zero", bytes(2 * MAX_BATCH), "not a log"),
    # condition 2: NULs in holes only
    Case("a sector less its first byte", zeroed(WHOLE, CUT + 1, CUT + SECTOR), EVENT_3),
    Case("a sector less its last byte", zeroed(WHOLE, CUT, CUT + SECTOR - 1), EVENT_3),
    Case("a sector's length over two", zeroed(WHOLE, CUT + 9, CUT + 9 + SECTOR), EVENT_3),
    Case("a few NULs in a line", zeroed(WHOLE, len(WHOLE) - 200, len(WHOLE) - 190), EVENT_3),
    Case("half a sector, then NULs", WHOLE[: CUT + 10] + bytes(700), EVENT_3),
    Case("NULs and a newline", WHOLE + bytes(600) + b"\n", "damaged in line 4", 0, "zero bytes"),
    Case("a hole in a line and good ones after it", hole(WHOLE, len(GOOD)) + AFTER, EVENT_3),
    Case("an earlier line is zero", zeroed(WHOLE, len(ONE), len(GOOD) - 1), "damaged in line 2"),
    Case("the first line is zero", zeroed(WHOLE, 0, len(ONE) - 1), "not a log"),
    # condition 3: every piece begins as a line
    Case("notes without newline", WHOLE + b"call Ada", "damaged in line 4"),
    Case("notes with newline", WHOLE + b"call Ada\n", "damaged in line 4"),
    Case("a blank line", WHOLE + b"\n", "damaged in line 4", 0, "a blank line"),
    Case("two lines of notes", WHOLE + b"call\nAda", "damaged in line 4"),
    Case("somebody else's JSON", WHOLE + b'{"name":"Ada"}', "damaged in line 4"),
    Case("another version", WHOLE + b'{"specversion":"1.1","id":"', "damaged in line 4"),
    Case("notes after half a batch", GOOD + B1 + B2 + b"call Ada", "damaged in line 5"),
    Case("notes before half a batch", GOOD + b"call Ada\n" + B1 + B2, EVENT_3),
    Case("notes behind a few NULs of a hole", NARROW.good + bytes(10) + b"call Ada", EVENT_3),
    Case("other byte for the newline, then half a line", WHOLE[:-1] + b"x" + AFTER[:50], EVENT_3),
    Case("other byte for the newline, then NULs", WHOLE[:-1] + b"x" + bytes(600), EVENT_3),
    Case("two bytes for the newline", WHOLE[:-1] + b"\0\0x", EVENT_3),
    Case("notes only", b"Dear diary", "not a log", 0, "this is not an evcli log"),
    Case("lines of notes only", b"Dear diary,\ntoday\n", "not a log", 0, "this is not an evcli log"),
    Case("notes as long as a sector, then NULs", b"Dear diary" + bytes(2000), "not a log"),
    Case("a newline only", b"\n", "not a log"),
    Case("a log after a byte order mark", b"\xef\xbb\xbf" + WHOLE, "damaged in line 1", 0, "byte order mark"),
    # condition 4: whole lines are of one batch, in order, and prove it
    Case("a changed line", GOOD + changed(LAST), EVENT_3, 0, CHANGED),
    Case("a changed line without newline", GOOD + changed(LAST)[:-1], EVENT_3),
    Case("a changed first line of a batch", GOOD + changed(B1) + B2 + B3 + B4, EVENT_3, 0, CHANGED),
    Case("a changed line in a batch without end", GOOD + B1 + changed(B2) + B3, "damaged in line 4", 0, CHANGED),
    Case("a changed last line of a batch", GOOD + B1 + B2 + B3 + changed(B4), "damaged in line 6", 0, CHANGED),
    Case("a changed last line without newline", GOOD + B1 + B2 + B3 + changed(B4)[:-1], "damaged in line 6"),
    Case("a changed line after one with a hole", hole(GOOD + B1, len(GOOD)) + changed(B2) + B3, EVENT_3),
    Case("a changed line after the hole of another", hole(GOOD + B1 + B2, len(GOOD)) + changed(B3), EVENT_3),
    Case("half a line with a newline", GOOD + LAST[:100] + b"\n", EVENT_3),
    Case("half a line of a batch with a newline", GOOD + B1 + B2[:100] + b"\n" + B3[:50], "damaged in line 4"),
    Case("another spacing in half a batch", GOOD + spaced(B1) + B2, EVENT_3),
    Case("a line of a batch that begins later", GOOD + other(3, "2-4", TWO), EVENT_3),
    Case("a line of another batch in half a batch", GOOD + B1 + other(4, "3-7", B1), "damaged in line 4"),
    Case("a line of no batch in half a batch", GOOD + B1 + forged(creation(4), previous=hash_of(B1))[0],
         "damaged in line 4"),
    Case("another batch after a hole", hole(GOOD + B1, len(GOOD)) + other(4, "4-6", B1), EVENT_3),
    Case("half a batch whose moment goes back", GOOD + proved(time=EARLIER), EVENT_3, 0, "goes back"),
    Case("half a batch of another source", GOOD + proved(source="/theirs"), EVENT_3, 0, "its source is"),
    Case("half a batch of an unknown type", GOOD + proved(type="bike.created"), "newer in line 3"),
    Case("another batch after a hole over a hash",
         zeroed(EDGE.good + b"".join(EDGE.batch[:2]), EDGE_HOLE, EDGE_HOLE + SECTOR) + other(5, "3-9", B1),
         "damaged in line 4"),
    Case("another spacing at the end of half a batch", GOOD + B1 + spaced(B2), "damaged in line 4"),
    Case("a line left out of half a batch", GOOD + B1 + other(5, "3-6", B1), "damaged in line 4", 0, MOVED),
    Case("the first line left out of half a batch", GOOD + other(4, "3-6", TWO), EVENT_3, 0, MOVED),
    Case("two lines of half a batch swapped", GOOD + B2 + B1, EVENT_3, 0, MOVED),
    Case("a line of half a batch twice", GOOD + B1 + B1, "damaged in line 4", 0, MOVED),
    Case("a falling number after a hole over a hash",
         zeroed(EDGE.good + b"".join(EDGE.batch[:2]), EDGE_HOLE, EDGE_HOLE + SECTOR) + EDGE.batch[0],
         "damaged in line 4"),
    Case("half a line after half a batch, and lines", GOOD + B1 + B2[:50] + b"\n" + AFTER, "damaged in line 4"),
    Case("two good lines on one", GOOD + LAST[:-1] + AFTER, EVENT_3),
    Case("a NUL for a newline, then a good line", GOOD + LAST[:-1] + b"\0" + AFTER, EVENT_3),
    Case("a newline gone before a whole batch", GOOD[:-1] + BATCH, "damaged in line 2"),
    Case("a NUL for the newline before a whole batch", GOOD[:-1] + b"\0" + BATCH, "damaged in line 2"),
    Case("a newline gone before a whole batch, then half a line", GOOD[:-1] + BATCH + B1[:50], "damaged in line 2"),
]  # fmt: skip

EACH = [pytest.param(case, id=case.name) for case in (*TORN, *DAMAGED)]


def read(path: Path) -> tuple[str, int, str]:
    """What is read in the file, in short, the torn bytes, and what is said when it is damaged."""
    try:
        events, torn, is_unterminated = events_of(path)
        return f"{len(events)} events" + (", no newline" if is_unterminated else ""), torn, ""
    except NotALog as refused:
        return "not a log", 0, refused.message
    except NewerLog as newer:
        return f"newer in line {newer.line}", 0, newer.message
    except Damaged as damage:
        return f"damaged in line {damage.line}", 0, damage.message


@pytest.mark.case(4, 12, 26, 45)
@pytest.mark.parametrize("case", EACH)
def test_a_log_is_read_as_the_table_says_and_only_what_is_torn_is_cut(case: Case, log_path: Path) -> None:
    log_path.write_bytes(case.content)
    found, torn, said = read(log_path)
    assert (found, torn) == (case.read, case.torn)
    if "events" not in case.read:
        assert case.said in said
        with raising(NewerLog if "newer" in case.read else Damaged, 17 if "newer" in case.read else 12):
            register_at(log_path).execute(create("eve"))
        assert log_path.read_bytes() == case.content
        assert list(log_path.parent.glob("*torn*")) == []
        return
    done = register_at(log_path).execute(create("eve"))
    good, tail = case.content[: len(case.content) - case.torn], case.content[len(case.content) - case.torn :]
    newline = b"\n" if "no newline" in case.read else b""
    assert log_path.read_bytes() == good + newline + done[0].line
    assert [copy.read_bytes() for copy in log_path.parent.glob("*torn*")] == ([tail] if tail else [])
    assert [case.said in notice and f"byte {len(good)} " in notice for notice in done.notices] == [True] * bool(tail)
    with reading(log_path) as reader:
        assert audit(reader).status == "good"


@pytest.mark.case(12, 26)
def test_every_beginning_of_a_log_is_whole_lines_and_a_torn_tail(log_path: Path) -> None:
    content = WHOLE + AFTER
    ends = [0, len(ONE), len(GOOD), len(WHOLE), len(content)]
    for length in range(len(content) + 1):
        log_path.write_bytes(content[:length])
        whole = sum(end <= length + 1 for end in ends[1:])
        is_missing = length + 1 in ends[1:]
        wanted = f"{whole} events" + (", no newline" if is_missing else "")
        torn = 0 if is_missing else length - ends[whole]
        assert read(log_path)[:2] == (wanted, torn), f"of the first {length} bytes"


def test_the_table_holds_what_it_says() -> None:
    assert len({case.name for case in (*TORN, *DAMAGED)}) == len(TORN) + len(DAMAGED)
    assert orjson.loads(changed(LAST))["authid"] == "ano"
    assert bytes(SECTOR) in zeroed(EDGE.good + b"".join(EDGE.batch), EDGE_HOLE, EDGE_HOLE + SECTOR)
