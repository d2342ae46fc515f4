"""Where a log ends: after its last good event, and what the bytes after that are.

Usually the last line is enough. If not, the last two batches' worth of lines are read: a crash leaves no more. Lines
before them may still be damaged; readers will notice, and no writer writes without having read the log.
"""

import os
from io import BytesIO
from typing import NamedTuple

import orjson

from evcli.log import START, Position
from evcli.log.file.blocks import LINE_END, read_whole
from evcli.log.file.torn import is_torn
from evcli.log.line import (
    MAX_BATCH,
    MAX_LINE,
    BadLine,
    decode,
    envelope,
    is_proved,
    place_after,
)
from evcli.log.lines import decode_many, place_after_many


class End(NamedTuple):
    """The end of the readable events, and what follows them."""

    offset: int
    """The byte after the last event and its newline; a missing newline is counted too."""
    torn: int
    """The size in bytes of the unfinished append that follows, or that replaces a missing newline."""
    is_unterminated: bool = False
    """Whether the newline of the last event is missing, or is another byte."""

    @property
    def size(self) -> int:
        """The size of the events in bytes of the file."""
        return self.offset - self.is_unterminated


def find_end(descriptor: int) -> End:
    """The end of the log; if damage follows the last good event, the end of the file."""
    size = os.fstat(descriptor).st_size
    if size == 0 or _ends_well(descriptor, size):
        return End(size, 0)
    # A torn tail is at most one batch; before it come the last good line and the one that gives that line's position.
    begin = max(0, size - MAX_BATCH - 2 * MAX_LINE)
    window = read_whole(descriptor, size - begin, begin)
    good = _first_place(window, begin)
    return End(size, 0) if good is None else _end_in(window, begin, good)


def _ends_well(descriptor: int, size: int) -> bool:
    """Whether the file ends in a line and its newline, so that nothing in it can be torn (it may be damaged)."""
    length = 4096
    while True:
        tail = read_whole(descriptor, min(size, length), max(0, size - length))
        before = tail.rfind(b"\n", 0, len(tail) - 1)
        if before >= 0 or length >= min(size, MAX_LINE + 1):
            break
        length *= 16
    line = tail[before + 1 :]
    if not line.endswith(b"\n") or b"\0" in line:
        return False
    if b',"batch":"' not in line:
        return True
    try:
        event = orjson.loads(line)
        batch, number = str(event["batch"]), int(event["sequence"])
    except (ValueError, KeyError, TypeError):
        return True  # not an event
    if not batch.endswith(f"-{number}"):
        return False
    # The last event is complete; a sector before it may not be.
    return b"\0" not in read_whole(descriptor, min(size, MAX_BATCH), max(0, size - MAX_BATCH))


def _first_place(window: bytes, begin: int) -> Position | None:
    """A position between two lines in the first part of the window, or None."""
    if begin == 0:
        return START
    start = window.find(b"\n") + 1
    stop = window.find(b"\n", start) + 1
    return _place_at(window, begin, stop) if 0 < start < stop else None


def _place_at(window: bytes, begin: int, at: int) -> Position | None:
    """The position at an index of the window where a line ends, as that line claims."""
    if begin + at == 0:
        return START
    start = window.rfind(b"\n", 0, max(0, at - 1)) + 1
    line = window[start:at]
    try:
        return place_after(envelope(line), line, begin + at) if start or not begin else None
    except BadLine:
        return None


def _end_in(window: bytes, begin: int, good: Position) -> End:
    size = begin + len(window)
    damaged = End(size, 0)
    good, rest = _after_good_lines(window, begin, good)
    if rest and is_proved(rest, good):
        return damaged
    is_unterminated = False
    if line := _line_without_newline(window, good.place - begin, good):
        try:
            event = decode(line, good)
        except BadLine:
            return End(good.place + len(line), 0, is_unterminated=True)
        good = place_after(event, line, good.place + len(line), good)
        is_unterminated = True
    if good.batch:  # and its last event is missing
        start = good.place - good.batch_size
        before_batch = _place_at(window, begin, start - begin) if start >= begin else None
        if before_batch is None:
            return damaged
        good, is_unterminated = before_batch, False
    end = End(good.place, size - good.place + is_unterminated, is_unterminated)
    tail = window[end.size - begin :]
    return end if not tail or is_torn(tail, end.size, good, is_unterminated=is_unterminated) else damaged


def _after_good_lines(window: bytes, begin: int, good: Position) -> tuple[Position, bytes]:
    """The position after the good lines that follow `good`, and the first complete bad line, if there is one."""
    lines = BytesIO(window[good.place - begin :])
    while some := [line for line in lines.readlines(MAX_LINE) if line.endswith(b"\n")]:
        events = decode_many(some, good)
        if events is not None:
            good = place_after_many(events, some, good.place + sum(map(len, some)), good)
            continue
        for line in some:
            try:
                event = decode(line, good)
            except BadLine:
                return good, line
            good = place_after(event, line, good.place + len(line), good)
    return good, b""


def _line_without_newline(window: bytes, at: int, good: Position) -> bytes:
    """The next line with a newline added, if only its newline is missing; else b""."""
    for match in LINE_END.finditer(window, at, at + MAX_LINE):
        line = window[at : match.end()] + b"\n"
        if is_proved(line, good):
            return line
    return b""
