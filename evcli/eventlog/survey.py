"""Reading a log for its faults: all that breaks a rule of the format, line by line, and going on after each."""

import os
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.eventlog.format import MAX_LINE, BadLine, decode, decode_alone, hash_of
from evcli.eventlog.position import Position
from evcli.eventlog.reading import CHUNK, LogReader


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
    number, offset, previous, recorded = start
    line_number = number
    known = True
    for byte, line in cut_lines(reader, offset):
        line_number += 1
        event: Event | None = None
        try:
            event = decode(line, number + 1, previous, recorded) if known else decode_alone(line)
        except BadLine as bad:
            yield Fault(line_number, byte, str(bad))
            with suppress(BadLine):
                event = decode_alone(line)
        known = event is not None
        if event is not None:
            number, previous = number_of(event), hash_of(line)
            recorded = event.get("recordedtime") or event["time"]


def cut_lines(reader: LogReader, offset: int) -> Iterator[tuple[int, bytes]]:
    """Where each line after `offset` begins, and the line, cut short where it is too long."""
    start, line = offset, b""
    end = reader.end.offset
    while offset < end:
        chunk = os.pread(reader.descriptor, min(CHUNK, end - offset), offset)
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
