"""What a kind's declaration offers to bring one of its records to what a list says."""

from collections.abc import Mapping
from typing import Any

from evcli.domain.fields import Field, key_of
from evcli.domain.find import label
from evcli.domain.kind import Changes, Ends, EventType, Kind, Revives
from evcli.errors import Refused

Values = Mapping[str, str]
"""A row of a list: the cleaned text of each of its fields; "" where an optional one has none."""


class Means:
    """The event types of a kind that a plan may use, and the fields that they set."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.begins, self.revives = kind, kind.begins, kind.one(Revives)
        ends = kind.one(Ends)
        self.ends = None if ends is None or ends.required else ends
        """How records that are not on a list end; None if they cannot."""
        plain = [each for each in kind.types.values() if type(each) is Changes and each.says_fields]
        self._changes = sorted(plain, key=lambda each: len(each.fields))
        setting = [self.begins, *self._changes]
        self.fields: dict[str, Field] = {name: kind.fields[name] for each in setting for name in each.fields}
        """The fields of a list, in order."""
        self._is_whole_at_once = self.fields.keys() <= self.begins.fields.keys()
        """Whether the event that begins a record sets all fields of a list."""
        self.needed = self.begins.required
        """Those that every list must have."""
        self.compared = tuple(name for name in self.fields if name in kind.own)
        """Those that a record has, too."""

    def beginning(self, values: Values) -> dict[str, str]:
        """The data of the event that begins a record like this row."""
        return {name: values[name] for name in self.begins.fields if values[name]}

    def changes_at_once(self, id: int, values: Values) -> list[tuple[EventType, dict[str, str]]]:
        """The events that a record needs right after it began, because that event could not set all of the row."""
        if self._is_whole_at_once:
            return []
        return self.changes(self.begins.effect(None, id, 0, self.beginning(values)), values)

    def changes(self, record: Any, values: Values) -> list[tuple[EventType, dict[str, str]]]:
        """The events, with their data, that make a record like this row; none if it is. Raises Refused."""
        differ = [name for name in self.compared if values[name] not in ("", getattr(record, name))]
        found = list[tuple[EventType, dict[str, str]]]()
        for each in self._changes:
            if not any(name in each.fields for name in differ):
                continue
            data = {name: values[name] or getattr(record, name) for name in each.fields}
            found.append((each, {name: text for name, text in data.items() if text}))
            differ = [name for name in differ if name not in each.fields]
        if differ:
            field, kind = self.kind.fields[differ[0]], self.kind
            raise Refused(
                f'{kind.name} {label(kind, record)} has the {field.label} "{getattr(record, differ[0])}", '
                f'not "{values[differ[0]]}", and nothing changes {field.one} of {kind.plural}'
            )
        return found

    def moves(self, record: Any, values: Values) -> bool:
        """Whether becoming like this row gives the record another unique key."""
        return bool(self.kind.key(record) != self.key(values))

    def key(self, values: Values) -> str:
        """The unique key of a row."""
        return key_of(values[self.kind.unique])

    def change_of_key(self, record: Any, key: str) -> tuple[EventType, dict[str, str]]:
        """The event that gives a record the text `key` as its unique field, where a kind has one that does."""
        each = next(each for each in self._changes if self.kind.unique in each.fields)
        data = {name: key if name == self.kind.unique else getattr(record, name) for name in each.fields}
        return each, {name: text for name, text in data.items() if text}
