"""What an event answers, what answers it, and what else has its correlation id: by one search of the log's lines.

Lines are searched, not checked: callers must also read with a reader what they rely on.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from evcli.domain.event import Event
from evcli.log.line import FIRST_BYTES, id_in
from evcli.log.reader import FEW, MANY, Reader

# Within a JSON string, quotes are escaped by a backslash, so only the members themselves can match these.
_CAUSE = re.compile(rb'"causationid":("(?:[^"\\]|\\.)*"),').search
_NUMBER = re.compile(rb'"sequence":"([0-9]{12})",').search


class Related:
    """The events with one correlation id that were met so far: how many, and the numbers of the first and the last."""

    def __init__(self, correlation: str | None) -> None:
        self._member = b"" if correlation is None else b'"correlationid":' + orjson.dumps(correlation) + b","
        self.count = self.first = self.last = 0

    @property
    def is_any(self) -> bool:
        """Whether there is a correlation id."""
        return bool(self._member)

    def see(self, line: bytes) -> None:
        """Count a line if it has the correlation id."""
        if self._member and self._member in line and (found := _NUMBER(line)):
            number = int(found[1])
            self.first, self.last = min(self.first or number, number), max(self.last, number)
            self.count += 1


class Linked(NamedTuple):
    """The events around one, as places in the log."""

    causes: list[int]
    """What it answers, what that answers, and so on; each comes before the one that answers it."""
    missing: str | None
    """The id that the last of these, or else the event itself, answers, and that no event before it has."""
    effects: list[int]
    """What answers it, what answers that, and so on, in order; each comes after the one that it answers."""
    related: Related


def linked(reader: Reader, event: Event, place: int, until: int) -> Linked:
    """Search for what is linked to the event whose line begins at `place`, up to the place `until`."""
    related = Related(event.get("correlationid"))
    causes, missing = _before(reader, event.get("causationid"), place, related)
    effects, answered = list[int](), {orjson.dumps(event["id"])}
    for at, line in reader.lines(place, until):
        related.see(line)
        # A cause comes before what answers it, so one search finds all of them, and no circle is followed.
        if at > place and b'"causationid":' in line and (found := _CAUSE(line)) and found[1] in answered:
            answered.add(orjson.dumps(id_in(line)))
            effects.append(at)
    return Linked(causes, missing, effects, related)


def _before(reader: Reader, wanted: str | None, place: int, related: Related) -> tuple[list[int], str | None]:
    """Follow the causes back from `place`; the id that was not found, if any, comes second."""
    causes = list[int]()
    for at, line in _backward(reader, place) if related.is_any or wanted is not None else ():
        related.see(line)
        if wanted is not None and line.startswith(FIRST_BYTES + orjson.dumps(wanted)[1:]):
            causes.append(at)
            found = _CAUSE(line)
            wanted = orjson.loads(found[1]) if found else None
        if wanted is None and not related.is_any:
            break
    return causes, wanted


def _backward(reader: Reader, end: int) -> Iterator[tuple[int, bytes]]:
    """Each line before the place `end`, newest first, and where it begins."""
    step = FEW
    while end:
        start = reader.position_at(max(0, end - step)).place
        if start >= end:  # the line before `end` is longer than the step
            step *= 4
            continue
        yield from reversed(list(reader.lines(start, end)))
        end, step = start, min(step * 4, MANY)
