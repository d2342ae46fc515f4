"""What differs between two moments, by which events: record by record, and field by field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evcli.domain.event import Event, subject_of
from evcli.domain.kind import Kind
from evcli.kinds import KINDS
from evcli.log.reader import Reader
from evcli.register.history import History
from evcli.register.setters import About, followed, of_one, value_of


class FieldChange(NamedTuple):
    """One field that differs, and the last event in between that changed it."""

    name: str
    before: Any
    after: Any
    event: Event


class Difference(NamedTuple):
    """A record that differs: as it was at both moments, None if it did not exist, and the events about it in between.

    The events are those between the two moments, oldest first, also where the later moment comes first.
    """

    kind: Kind
    before: Any
    after: Any
    events: Sequence[Event]
    is_backward: bool
    setters: Mapping[str, Event] | None = None
    """The event that set each field, where that does not follow from these events."""

    @property
    def id(self) -> int:
        """The record's id."""
        id: int = (self.after or self.before).id
        return id

    def fields(self) -> Iterator[FieldChange]:
        """The fields whose values differ, in the kind's order, and whether the record has ended."""
        earlier = self.after if self.is_backward else self.before
        changed_by = self.setters
        if changed_by is None:
            _, changed_by = followed(self.kind, earlier, self.events)
        for name in (*self.kind.own, self.kind.ended):
            old, new = value_of(self.before, name), value_of(self.after, name)
            if old != new:
                yield FieldChange(name, old, new, changed_by[name])


def diff(history: History, reader: Reader, start: int, end: int) -> list[Difference]:
    """The records that differ between the states after two events, by kind and id. Raises Damaged, LogCut."""
    before, after = history.at(reader, start), history.at(reader, end)
    about: dict[tuple[str, int], list[Event]] = {}
    for event in reader.events(reader.position_of(min(start, end)), max(start, end)):
        about.setdefault(subject_of(event), []).append(event)
    return [
        Difference(KINDS[kind], before.get(kind, id), after.get(kind, id), events, start > end)
        for (kind, id), events in sorted(about.items(), key=lambda each: each[0])
    ]


def diff_of_one(
    history: History, reader: Reader, about: About, kind: Kind, id: int, start: int, end: int
) -> list[Difference]:
    """The same of one record, by the events about it alone."""
    earlier, later, events = of_one(history, reader, about, kind, id, *sorted((start, end)))
    before, after = (later, earlier) if start > end else (earlier, later)
    return [Difference(kind, before, after, events, start > end)] if events else []
