"""Reading a log of any engine: forward from a position, backward from the end, and by time.

Every event returned was checked here: its line, its hash, and the line before it.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from os.path import commonprefix
from typing import Self

import orjson

from evcli.domain.event import Event
from evcli.domain.text import is_unicode
from evcli.errors import Damaged, NewerLog, NotALog
from evcli.log import START, Log, Position
from evcli.log.line import FIRST_BYTES, BadLine, NewerLine, decode, decode_each, envelope, hash_of
from evcli.log.lines import decode_many, place_after_many

FEW = 1 << 14
"""How far the first step backward goes, in the unit of places (in a file, some dozen events); then ever further."""

MANY = 1 << 18
"""The longest step backward."""

PATIENCE = 5.0
"""Seconds to wait for a writer to finish before a line counts as damaged."""


class Reader:
    """Reads one log. While reading events, `place` and `end` are where the line of the current one begins and ends;
    after that, `at` is the position after the last one, or before a bad line.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.at, self.place, self.end = START, 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()

    def events(self, start: Position = START, until: int | None = None, stop: int | None = None) -> Iterator[Event]:
        """The events after `start`, up to event `until` or the place `stop` (None: all), fully checked.

        Raises:
            Damaged: a line is not what was written; says which, where and why.
            NewerLog: a line is proved, but needs a newer version of evcli.
        """
        for events, places in self.bundles(start, until, stop):
            for index, event in enumerate(events):
                self.place, self.end = places[index], places[index + 1]
                yield event

    def bundles(
        self, start: Position = START, until: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[list[Event], list[int]]]:
        """The same in chunks, with where each event begins and where the last one ends."""
        at = start
        for places, found in self.log.read(start.place, stop):
            lines = found if until is None else found[: until - at.number]
            if not lines:
                break
            fault = None
            events = decode_many(lines, at)
            if events is None:
                events = []
                try:
                    events.extend(decode_each(lines, at))
                except BadLine as bad:
                    fault = bad
            if events:
                del places[len(events) + 1 :]
                yield events, places
                at = place_after_many(events, lines[: len(events)], places[-1], at)
            if fault:
                self.at = at
                self._look_again(fault)
                yield from self.bundles(at, until, stop)
                return
        self.at = at

    def event_at(self, place: int) -> Event:
        """The event whose line begins at `place`, checked against the line before it. Raises Damaged."""
        before = self.position_at(place)
        return next(self.events(before, before.number + 1))

    def events_backward(self, end: Position) -> Iterator[Event]:
        """The events before `end`, newest first, checked like `events`; reads a few ahead."""
        step = FEW
        while end.number:
            # Any line's end will do, so none is searched for: that would read as much again.
            start = self.position_at(max(0, end.place - step))
            if start.place >= end.place:  # the line before `end` is longer than the step
                step *= 4
                continue
            try:
                block = list(self.events(start, stop=end.place))
            except Damaged:
                self._check_last_of(start)
                raise
            yield from reversed(block)
            end, step = start, min(step * 4, MANY)

    def position_at(self, place: int) -> Position:
        """The position at `place`, where a line ends, as that line claims. Raises Damaged."""
        return self.log.seek(lambda position: True, place)

    def position_of(self, number: int, before: Position | None = None) -> Position:
        """The position after event `number`, searched before the position `before`. Raises Damaged."""
        return self.seek(lambda position: position.number <= number, before)

    def seek(self, holds: Callable[[Position], bool], before: Position | None = None) -> Position:
        """The position after the last event for which `holds`, which is true up to some event and false after it."""
        stop = None if before is None else before.place
        found = self.log.seek(holds, stop)
        # The search relied on what single lines claim. The two lines that decided it are checked against the chain, so
        # that a changed line cannot move the result.
        if found.number:
            previous = self._previous(found)
            try:
                next(self.events(previous, previous.number + 1))
            except Damaged:
                self._check_last_of(previous)
                raise
        with suppress(NewerLog):  # a proved line is enough here
            next(self.events(found, found.number + 1, stop), None)
        return found

    def _check_last_of(self, start: Position) -> None:
        """Raise Damaged for the line before `start`, which was only asked what it says of itself, if it is bad."""
        if start.number:
            previous = self._previous(start)
            next(self.events(previous, previous.number + 1))

    def _previous(self, end: Position) -> Position:
        """The position before the line that ends at `end`."""
        return self.log.seek(lambda position: position.place < end.place, end.place)

    def follows(self, position: Position) -> bool:
        """Whether the log still has, at the same place, the event before `position`."""
        if position.number == 0:
            return True
        if position.place > self.log.end:
            return False
        with suppress(Damaged):
            return self.position_at(position.place).sha256 == position.sha256
        return False

    def identity(self) -> str | None:
        """The hash of event 1, which identifies the log; None if the log is empty or the file is not a log."""
        first = next(self.lines(0), (0, b""))[1]
        return hash_of(first).decode(errors="replace") if first.startswith(FIRST_BYTES) else None

    def has_id(self, place: int, id: str) -> bool:
        """Whether the line that begins at `place` is the event with that id."""
        line = next(self.lines(place), (0, b""))[1]
        with suppress(BadLine):
            return envelope(line)["id"] == id
        return False

    def find_ids(self, prefix: str, *, exact: bool = False, start: int = 0) -> list[Event]:
        """The first ten events after `start` whose id starts with `prefix`, or equals it; decodes only those."""
        if not is_unicode(prefix):
            return []
        wanted = FIRST_BYTES + orjson.dumps(prefix)[1:-1] + (b'"' if exact else b"")
        found: list[Event] = []
        for place, line in self.lines(start):
            if line.startswith(wanted):
                try:
                    found.append(envelope(line))
                except BadLine:
                    self.position_at(place + len(line))
                if len(found) == 10:
                    break
        return found

    def with_ids(self, ids: Collection[str], start: int = 0) -> list[Event]:
        """The events after `start` that have exactly one of these ids, oldest first; decodes only those."""
        wanted = {orjson.dumps(id)[1:-1] for id in ids}
        begun = FIRST_BYTES + orjson.dumps(commonprefix([*ids]))[1:-1]  # noqa: RUF071  # of texts, not of paths
        found: list[Event] = []
        for place, line in self.lines(start):
            # An id with these bytes in it has its quotes escaped, so they first occur after the id.
            if line.startswith(begun) and line[len(FIRST_BYTES) :].partition(b'","source":"')[0] in wanted:
                try:
                    found.append(envelope(line))
                except BadLine:
                    self.position_at(place + len(line))
        return found

    def lines(self, place: int, until: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Each line from `place` on, unchecked, and where it begins."""
        for places, lines in self.log.read(place, until):
            yield from zip(places, lines, strict=False)

    def _look_again(self, bad: BadLine) -> None:
        """Raise Damaged for the line after `at`, unless it is good, or gone, once no writer is at work."""
        self.log.settle(PATIENCE)
        line = next(self.lines(self.at.place), (0, b""))[1]
        if not line:
            return
        try:
            decode(line, self.at)
        except NewerLine as newer:
            raise NewerLog(self.log.name, self.at.number + 1, self.at.place, str(newer)) from None
        except BadLine as still_bad:
            if not self.at.number and not line.removeprefix(b"\xef\xbb\xbf").startswith(FIRST_BYTES):
                raise NotALog(self.log.name, f"this is not an evcli log: {still_bad}") from None
            raise Damaged(self.log.name, self.at.number + 1, self.at.place, str(still_bad)) from None
