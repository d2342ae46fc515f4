"""Collecting the faults of a log: every line that breaks a rule of the format; checking goes on after each."""

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from evcli.kinds.data import fault_of
from evcli.log import Log, Position
from evcli.log.line import BadLine, decode, decode_alone, place_after


class Fault(NamedTuple):
    """A fault in one line: its number from 1, the byte from 0 where it begins, and the message."""

    line: int
    byte: int
    message: str


def survey(log: Log, start: Position) -> Iterator[Fault]:
    """The faults of format and chain after `start`, a position where a fault was found before.

    After a fault, the next line is checked against what the faulty one claims: one changed letter is one fault, and a
    removed line is one fault, not one for every line that follows.
    """
    at: Position | None = start
    number = start.number
    for places, lines in log.read(start.place):
        for place, end, line in zip(places, places[1:], lines, strict=False):
            number += 1
            try:
                event = decode(line, at) if at else decode_alone(line)
                if fault := fault_of(event):
                    raise BadLine(fault)
                at = place_after(event, line, end, at)
            except BadLine as bad:
                yield Fault(number, place, str(bad))
                at = None
                with suppress(BadLine):
                    at = place_after(decode_alone(line), line, end)._replace(batch=None)
