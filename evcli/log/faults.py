"""Reading a log for its faults: all that breaks a rule of the format, line by line, and going on after each."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

from evcli.log import Position
from evcli.log.blocks import CHUNK
from evcli.log.line import MAX_LINE, BadLine, decode, decode_alone, place_after
from evcli.log.reader import LogReader


class Fault(NamedTuple):
    """What is wrong in one line: its number from 1, the byte from 0 where it begins, and the sentence."""

    line: int
    byte: int
    message: str


def survey(reader: LogReader, start: Position) -> Iterator[Fault]:
    """The faults of form and chain after `start`, a place where one was found before.

    After a fault, the next line is held against what the faulty one says of itself: one changed letter is one fault,
    a removed line is one fault, not one for every line that follows.
    """
    place: Position | None = start
    for line_number, (byte, line) in enumerate(cut_lines(reader, start.offset), start.number + 1):
        try:
            event = decode(line, place) if place else decode_alone(line)
            place = place_after(event, line, byte + len(line), place)
        except BadLine as bad:
            yield Fault(line_number, byte, str(bad))
            place = None
            with suppress(BadLine):
                place = place_after(decode_alone(line), line, byte + len(line))._replace(batch=None)


def cut_lines(reader: LogReader, offset: int, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Where each line from `offset` to `stop` (or the end) begins, and the line, cut short where it is too long."""
    start, line = offset, b""
    end = reader.end.offset if stop is None else stop
    while offset < end:
        chunk = reader.read(min(CHUNK, end - offset), offset)
        if not chunk:  # cut meanwhile: without this, it would be waited for for ever
            break
        for piece in BytesIO(chunk):
            line += piece[: max(0, MAX_LINE + 1 - len(line))]
            offset += len(piece)
            if piece.endswith(b"\n"):
                yield start, line
                start, line = offset, b""
    if line:
        yield start, line
