"""What differs between two moments, by which events: record by record, and field by field."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.kind import Kind
from evcli.kinds import KINDS, TYPES
from evcli.log.reader import Reader
from evcli.register.history import History


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

    @property
    def id(self) -> int:
        """The record's id."""
        id: int = (self.after or self.before).id
        return id

    def fields(self) -> Iterator[FieldChange]:
        """The fields whose values differ, in the kind's order, and whether the record has ended."""
        names = (*self.kind.own, self.kind.ended)
        record = self.after if self.is_backward else self.before
        changed_by: dict[str, Event] = {}
        for event in self.events:
            # The rules have held when these events were written; here only what they say of this record counts.
            data = {name: value for name, value in event["data"].items() if name != "reason"}
            after = TYPES[event["type"]].effect(record, self.id, number_of(event), data)
            changed_by |= dict.fromkeys((name for name in names if _value(record, name) != _value(after, name)), event)
            record = after
        for name in names:
            old, new = _value(self.before, name), _value(self.after, name)
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


def _value(record: Any, name: str) -> Any:
    return getattr(record, name, None)
