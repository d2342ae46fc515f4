"""Which event set each field of a record, and the events that say so, as few of the log as hold them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from evcli.cache import CacheFailed
from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.kinds import TYPES
from evcli.log.reader import Reader
from evcli.register.history import History

About = Callable[[str, int, int, int], Iterator[Event]]
"""(kind, id, after, until): the events about one record, after an event and up to another, oldest first."""


class Setting(NamedTuple):
    """A field of a record, its value, and the event that set it: the last one that changed it."""

    name: str
    value: Any
    event: Event


def blame(history: History, reader: Reader, about: About, kind: Kind, id: int, until: int) -> list[Setting]:
    """Of a record that there is after event `until`: its fields in the kind's order, each with the event that set it.

    A field that never had another value was set by the event that began the record. Whether the record has ended comes
    last, once an event has set that. Raises Damaged, LogCut.
    """
    return settings(kind, id, of_one(history, reader, about, kind, id, 0, until)[2])


def settings(kind: Kind, id: int, events: Sequence[Event]) -> list[Setting]:
    """The same by all events about the record up to then, in the order in which they count."""
    record, setters = followed(kind, None, events)
    begun = dict.fromkeys(kind.own, events[0])
    return [Setting(name, getattr(record, name), event) for name, event in (begun | setters).items()]


def of_one(
    history: History, reader: Reader, about: About, kind: Kind, id: int, start: int, end: int
) -> tuple[Any, Any, Sequence[Event]]:
    """One record after two events, the earlier one first, and the events about it in between, oldest first.

    They lead from one to the other, or the cache that knows them is faulty, and is given up. Raises Damaged, LogCut.
    """
    before, after = (history.at(reader, number).get(kind.name, id) for number in (start, end))
    events = list(about(kind.name, id, start, end))
    if history.uses_cache and not leads(kind, before, after, events):
        history.give_up(CacheFailed("one of its rows is missing or wrong", is_faulty=True))
        return of_one(history, reader, about, kind, id, start, end)
    return before, after, events


def leads(kind: Kind, before: Any, after: Any, events: Iterable[Event]) -> bool:
    """Whether these events lead from a record (None: there is none) to what it is after them."""
    try:
        return bool(followed(kind, before, events)[0] == after)
    except TypeError:  # what began the record is missing
        return False


def followed(kind: Kind, record: Any, events: Iterable[Event]) -> tuple[Any, dict[str, Event]]:
    """The record after these events about it, and the last of them that changed each field, or that it has ended."""
    names = (*kind.own, kind.ended)
    changed_by: dict[str, Event] = {}
    for event, after in after_each(record, events):
        changed_by |= dict.fromkeys((name for name in names if value_of(record, name) != value_of(after, name)), event)
        record = after
    return record, changed_by


def after_each(record: Any, events: Iterable[Event]) -> Iterator[tuple[Event, Any]]:
    """These events about a record, each with the record after it."""
    for event in events:
        record = TYPES[event["type"]].after(record, event)
        yield event, record


def value_of(record: Any, name: str) -> Any:
    """The value of a field; None where there is no record."""
    return getattr(record, name, None)
