"""The records that late events are about, and those events, up to an event: from the cache, and else from the log.

A late event is one that was recorded after it happened. Of all other events, the order in which they happened is the
order in which they were recorded; so only records with late events have to be looked at one by one.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from evcli.cache import CacheFailed
from evcli.domain.event import Event, Subject, number_of, subject_of
from evcli.domain.text import is_unicode
from evcli.domain.timeline import is_late, when
from evcli.log import START
from evcli.log.reader import Reader
from evcli.register.history import History

if TYPE_CHECKING:
    from evcli.cache.late_events import LateEvents, Row
    from evcli.cache.spans import SpanState


class Course(NamedTuple):
    """All events about one record, of which at least one is late, in the order in which they were recorded."""

    steps: "Sequence[Row]"
    """What the cache knows of them."""
    events: Sequence[Event]
    """The others."""


class Late:
    """The late events of a log up to event `number`, and their records."""

    def __init__(self, history: History, reader: Reader, number: int) -> None:
        self._history, self._reader, self.number = history, Reader(reader.log), number
        self._cached: LateEvents | None = None
        self._spans: SpanState | None = None
        self._rest: dict[Subject, list[Event]] = {}
        """By record, the events that the cache does not know; without a cache, only those of records with late ones."""
        self._read()

    def _read(self) -> None:
        cache = self._history.cache(self._reader)
        known = START if cache is None else cache.at
        last = min(self.number, known.number)
        self._cached = None if cache is None else cache.late(last)
        self._spans = None if cache is None else cache.state(last)
        self._rest = {}
        if known.number >= self.number:
            return
        wanted = None
        if cache is None:
            wanted = {event["subject"] for event in self._reader.events(known, self.number) if is_late(event)}
            if not wanted:
                return
        for event in self._reader.events(known, self.number):
            if wanted is None or event["subject"] in wanted:
                self._rest.setdefault(subject_of(event), []).append(event)

    def course(self, kind: str, id: int) -> Course | None:
        """The events about a record; None if none of them is late. Raises Damaged."""
        try:
            steps = [] if self._cached is None else self._cached.steps(kind, id)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.course(kind, id)
        return _course(steps, self._rest.get((kind, id), ()))

    def courses(self, kind: str) -> Iterator[tuple[int, Course]]:
        """The id and the events of every record that a late event is about, by id. Raises Damaged."""
        last = 0
        try:
            for id, course in self._courses(kind):
                yield id, course
                last = id
        except CacheFailed as failed:
            self._give_up(failed)
            yield from ((id, course) for id, course in self._courses(kind) if id > last)

    def _courses(self, kind: str) -> Iterator[tuple[int, Course]]:
        cached = iter(()) if self._cached is None else self._cached.records(kind)
        ours = sorted(id for of_kind, id in self._rest if of_kind == kind)
        mine = frozenset(ours)
        known = ((id, steps) for id, steps in cached if id not in mine)
        for id, steps in merge(known, ((id, None) for id in ours), key=lambda each: each[0]):
            course = self.course(kind, id) if steps is None else _course(steps, ())
            if course is not None:
                yield id, course

    def events(self, course: Course) -> list[Event]:
        """The events of a record's course. Raises Damaged."""
        events = [self._reader.event_at(step.place) for step in course.steps]
        return [*events, *course.events]

    def ever_called(self, kind: str, word: str) -> set[int]:
        """The ids of records that may have had this key or name at some time, among them all with late events."""
        found: set[int] = set()
        try:
            if self._spans is not None and is_unicode(word):
                found = self._spans.ever_called(kind, word)
        except CacheFailed as failed:
            self._give_up(failed)
        return found | {id for of_kind, id in self._rest if of_kind == kind}

    def between(self, start: str, until: str, after: int, *, backward: bool) -> Iterator[Event]:
        """Late events after event `after` that happened from `start` to `until`, as they happened. Raises Damaged."""
        last: tuple[str, int] | None = None
        try:
            for event in self._between(start, until, after, backward=backward):
                yield event
                last = when(event)
        except CacheFailed as failed:
            self._give_up(failed)
            for event in self._between(start, until, after, backward=backward):
                if last is None or (when(event) < last if backward else when(event) > last):
                    yield event

    def _between(self, start: str, until: str, after: int, *, backward: bool) -> Iterator[Event]:
        rest = [event for events in self._rest.values() for event in events if is_late(event)]
        ours = [event for event in rest if start <= event["time"] <= until and number_of(event) > after]
        ours.sort(key=when, reverse=backward)
        if self._cached is None:
            return iter(ours)
        places = self._cached.between(start, until, after, backward=backward)
        known = (self._reader.event_at(place) for _, _, place in places)
        return merge(known, ours, key=when, reverse=backward)

    def count(self, start: str, until: str, after: int) -> int:
        """How many late events after event `after` happened from `start` to `until`. Raises Damaged."""
        try:
            known = 0 if self._cached is None else self._cached.count(start, until, after)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.count(start, until, after)
        rest = (event for events in self._rest.values() for event in events if is_late(event))
        return known + sum(start <= event["time"] <= until and number_of(event) > after for event in rest)

    def _give_up(self, failed: CacheFailed) -> None:
        self._history.give_up(failed)
        self._read()


def _course(steps: "Sequence[Row]", events: Sequence[Event]) -> Course | None:
    is_any = any(step.late is not None for step in steps) or any(map(is_late, events))
    return Course(steps, events) if is_any else None
