"""Reading a log for its faults: all that breaks a rule of the format, line by line, and going on after each."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.eventlog.format import BadLine, decode, decode_alone, hash_of
from evcli.eventlog.reading import LogReader, Position


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
    for byte, line in reader.cut_lines(offset):
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
