"""What has happened to records since a moment: the events about each, with the record before and after them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from evcli.domain.event import Event, Subject, number_of, subject_of
from evcli.domain.kind import Begins, EventType
from evcli.domain.overlay import records_of
from evcli.kinds import TYPES
from evcli.register.register import Register

WORTH_READING = 400
"""So many events are read in the time in which those about one record are looked up."""


class Past(NamedTuple):
    """An event, and the record before and after it."""

    number: int
    event: Event
    type: EventType
    before: Any
    after: Any


def courses(register: Register, subjects: Collection[Subject], after: int) -> dict[Subject, list[Past]]:
    """For each of these records the events about it after event `after`, up to the head that the register knows.

    Raises Damaged, LogCut.
    """
    return Courses(register, after).of(subjects)


class Courses:
    """What has happened to records after event `after`, up to the head that the register knows; looked up once."""

    def __init__(self, register: Register, after: int) -> None:
        self._register, self._after = register, after
        self.before = register.at(after)
        """The state after that event."""
        self._known = dict[Subject, list[Past]]()

    def of(self, subjects: Collection[Subject]) -> dict[Subject, list[Past]]:
        """For each of these records the events about it. Raises Damaged, LogCut."""
        if new := set(subjects) - self._known.keys():
            self._look_up(new)
        return {subject: self._known[subject] for subject in subjects}

    def _look_up(self, wanted: Collection[Subject]) -> None:
        found = self._events(wanted)
        for name in {kind for kind, _ in wanted}:
            begun = {id for (kind, id), events in found.items() if kind == name and not _is_beginning(events[:1])}
            before = records_of(self.before, name, sorted(begun))
            for id in (id for kind, id in wanted if kind == name):
                self._known[name, id] = list(followed(before.get(id), found[name, id]))

    def _events(self, wanted: Collection[Subject]) -> dict[Subject, list[Event]]:
        register, after, end = self._register, self._after, self._register.known.number
        found: dict[Subject, list[Event]] = {subject: [] for subject in wanted}
        if end - after <= WORTH_READING * len(wanted):
            for event in register.events(register.position(after), end):
                if (subject := subject_of(event)) in found:
                    found[subject].append(event)
        else:
            for kind, id in wanted:
                found[kind, id] += register.events_about(kind, id, end, after=after)
        return found


def _is_beginning(events: Sequence[Event]) -> bool:
    return any(type(TYPES[event["type"]]) is Begins for event in events)


def followed(record: Any, events: Iterable[Event]) -> Iterator[Past]:
    """The events about one record, oldest first, with what each made of it."""
    for event in events:
        each = TYPES[event["type"]]
        after = each.after(record, event)
        yield Past(number_of(event), event, each, record, after)
        record = after


def events_at(register: Register, numbers: Iterable[int]) -> Iterator[Event]:
    """The events with these numbers, in ascending order; those without gaps between them are read in one go."""
    for _, run in groupby(enumerate(sorted(numbers)), lambda each: each[1] - each[0]):
        own = [number for _, number in run]
        yield from register.events(register.position(own[0] - 1), own[-1])
