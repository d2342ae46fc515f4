"""What can still be found in a damaged file: anything that looks like an event's line, wherever it is."""

import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from evcli.domain.event import Event
from evcli.log import Position
from evcli.log.file.blocks import CHUNK, LINE_END
from evcli.log.file.view import View
from evcli.log.line import FIRST_BYTES, MAX_BATCH, MAX_LINE, BadLine, decode_alone

_SEQUENCE = re.compile(rb',"sequence":"([0-9]{12})"')


class Found(NamedTuple):
    """Something that looks like an event's line: the number it claims, its first byte, and the byte after it."""

    number: int
    start: int
    stop: int


class Gone(NamedTuple):
    """A line of the file that a repair leaves out: its number, first byte, and its event, if it has one."""

    line: int
    byte: int
    event: Event | None


def candidates(view: View, begin: int) -> list[Found]:
    """Everything from byte `begin` on that looks like an event's line, ordered by the numbers."""
    return sorted(_candidates(view, begin))


def line_of(view: View, found: Found) -> bytes:
    """The line that was found, with a newline."""
    return view.piece(found.stop - found.start, found.start) + b"\n"


def kept(view: View, good: Position, found: Sequence[Found]) -> Iterator[bytes]:
    """The bytes of a repaired log: the file up to `good`, then the lines that were found."""
    for at in range(0, good.place, CHUNK):
        yield view.piece(min(CHUNK, good.place - at), at)
    for at in range(0, len(found), 1000):
        yield b"".join(line_of(view, each) for each in found[at : at + 1000])


def left_out(view: View, good: Position, found: Sequence[Found]) -> tuple[list[Gone], int]:
    """The lines after `good` that contain no kept event, and their size in bytes."""
    starts = sorted(each.start for each in found)
    gone, size, number = list[Gone](), 0, good.number
    for places, lines in view.lines(good.place, view.size()):
        for byte, end, line in zip(places, places[1:], lines, strict=False):
            number += 1
            at = bisect_left(starts, byte)
            if line.strip() and not (at < len(starts) and starts[at] < end):
                gone.append(Gone(number, byte, _readable(line)))
                size += end - byte
    return gone, size


def _readable(line: bytes) -> Event | None:
    with suppress(BadLine):
        return decode_alone(line)
    return None


def _candidates(view: View, begin: int) -> Iterator[Found]:
    offset, rest = begin, b""
    size = view.size()
    while offset < size:
        chunk = os.pread(view.descriptor, min(MAX_BATCH, size - offset), offset)
        if not chunk:
            break
        text, at = rest + chunk, offset - len(rest)
        offset += len(chunk)
        last = 0
        for match in LINE_END.finditer(text):
            for start in _starts(text, max(last, match.end() - MAX_LINE), match.start()):
                if sequence := _SEQUENCE.search(text, start, match.start()):
                    yield Found(int(sequence[1]), at + start, at + match.end())
            last = match.end()
        rest = text[max(last, len(text) - MAX_LINE) :]


def _starts(text: bytes, begin: int, end: int) -> Iterator[int]:
    """Where a line may begin between two places in the text: after a newline, or at the text every line begins with."""
    start = text.find(b"{", begin, end)
    while start >= 0:
        if start == begin or text[start - 1 : start] == b"\n" or text.startswith(FIRST_BYTES, start):
            yield start
        start = text.find(b"{", start + 1, end)
