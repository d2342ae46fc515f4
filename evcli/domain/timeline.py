"""One record in the order in which things happened to it, which need not be the order in which they were recorded.

An event with a `recordedtime` was recorded late: it happened before that (Fowler's two times, of 2005). Events happen
in the order of their `time`, those of one time in the order of their numbers.

A log may hold events that do not fit where they happened: one that a clock behind recorded may be before the event that
began its record. Such an event waits until it can happen. So in the end everything has happened that was recorded.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from evcli.domain.event import Event, number_of
from evcli.domain.kind import Begins, EventType, Kind, Revives

Happening = tuple[Event, Any, Any]
"""An event, and its record before and after it, in the order in which events happened."""


def when(event: Event) -> tuple[str, int]:
    """The sort key of an event in the order in which events happened."""
    return event["time"], number_of(event)


def is_late(event: Event) -> bool:
    """Whether the event was recorded later than it happened."""
    return "recordedtime" in event


def happenings(kind: Kind, events: Iterable[Event], until: str) -> Iterator[Happening]:
    """What happened to a record up to a time, by all events about it, in any order.

    Of a record's rules only those of the roles are looked at: whether it is there, and live or ended.
    """
    record: Any = None
    waiting: list[Event] = []
    for event in sorted((event for event in events if event["time"] <= until), key=when):
        waiting.append(event)
        while (next_one := next((each for each in waiting if _can(_type(kind, each), record)), None)) is not None:
            waiting.remove(next_one)
            before, record = record, _type(kind, next_one).after(record, next_one)
            yield next_one, before, record


def record_as_of(kind: Kind, events: Iterable[Event], until: str) -> Any:
    """The record at a time, by all events about it; None if nothing had begun it by then."""
    record = None
    for _, _, after in happenings(kind, events, until):
        record = after
    return record


def _type(kind: Kind, event: Event) -> EventType:
    return kind.types[event["type"]]


def _can(each: EventType, record: Any) -> bool:
    if type(each) is Begins or record is None:
        return type(each) is Begins and record is None
    return (record[-1] is None) is not (type(each) is Revives)
