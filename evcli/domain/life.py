"""The life of one record: its events where they happened, and the spans in which it held a unique key."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.domain.timeline import happenings, when

Place = tuple[str, int]
"""A place in the order in which events happened: a time, and an event's number."""

END_OF_TIME = "9999-12-31T23:59:59.999999Z"


class Step(NamedTuple):
    """An event that happened to the record, where it happened, and the record before and after it."""

    place: Place
    """The event's own; or, if the event had to wait until it could happen, that of the event that it waited for."""
    event: Event
    before: Any
    after: Any


class Hold(NamedTuple):
    """A span in which the record, which was live, had a unique key."""

    key: str
    since: Place
    until: Place | None
    """None: it still has it."""

    def has(self, place: Place) -> bool:
        """Whether the record had the key just before this place."""
        return self.since < place and (self.until is None or place <= self.until)


class Life:
    """What happened to one record, in the order in which it happened."""

    def __init__(self, kind: Kind, id: int, events: Iterable[Event]) -> None:
        """`events` are all about this record, in any order."""
        self.kind, self.id, self.events = kind, id, sorted(events, key=when)
        self.steps = list(_steps(kind, self.events))
        self._places = [step.place for step in self.steps]

    def at(self, place: Place) -> Any:
        """The record just before a place; None if nothing had begun it."""
        before = bisect_left(self._places, place)
        return self.steps[before - 1].after if before else None

    @property
    def last(self) -> Any:
        """The record after all that happened to it."""
        return self.steps[-1].after if self.steps else None

    @cached_property
    def claims(self) -> dict[Place, tuple[str | None, Event]]:
        """The unique keys that events claim at their own places, and the events."""
        return {
            step.place: (self.kind.key(step.after), step.event)
            for step in self.steps
            if self.kind.types[step.event["type"]].claims_key and step.place == when(step.event)
        }

    def holds(self) -> list[Hold]:
        """When the record had which unique key."""
        found: list[Hold] = []
        for step in self.steps:
            had, has = self._held(step.before), self._held(step.after)
            if had == has:
                continue
            if had is not None:
                found[-1] = found[-1]._replace(until=step.place)
            if has is not None:
                found.append(Hold(has, step.place, None))
        return found

    def _held(self, record: Any) -> str | None:
        return None if record is None or record[-1] is not None else self.kind.key(record)


def _steps(kind: Kind, events: list[Event]) -> Iterator[Step]:
    place: Place = "", 0
    for event, before, after in happenings(kind, events, END_OF_TIME):
        place = max(place, when(event))
        yield Step(place, event, before, after)
