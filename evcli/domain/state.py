"""The state is a fold: begin with nothing, take the events one after another, let each change one record.

A State is where records live, not how they change; `step` is the only way in, for a new event as for an old one.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event
from evcli.domain.kinds import KINDS, TYPES


class State(Protocol):
    """The records after event `number`, by kind and id."""

    number: int

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind; 0 when none was."""

    def records(self, kind: str) -> Iterable[Any]:
        """All records of the kind, destroyed ones too, in order of id."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Keep `record` in the place of `before`, the record that had its id (None for a new one)."""


class MemoryState:
    """A State in dictionaries: the reference that every other State must agree with."""

    def __init__(self) -> None:
        self.number = 0
        self._tables = {name: _Table({}, {}, kind.unique_key) for name, kind in KINDS.items()}

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""
        return self._tables[kind].records.get(id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        records, holders, _ = self._tables[kind]
        id = holders.get(key)
        return None if id is None else records[id]

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind: ids have no gaps, so it is their count."""
        return len(self._tables[kind].records)

    def records(self, kind: str) -> Iterator[Any]:
        """All records of the kind, destroyed ones too, in order of id: the order in which they were put first."""
        return iter(self._tables[kind].records.values())

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Keep `record` in the place of `before`, and its unique key while it lives."""
        records, holders, unique_key = self._tables[kind]
        id = record.id
        records[id] = record
        old = None if before is None or before.destroyed is not None else unique_key(before)
        new = unique_key(record) if record.destroyed is None else None
        if old != new:
            if old is not None:
                del holders[old]
            if new is not None:
                holders[new] = id


class _Table(NamedTuple):
    records: dict[int, Any]
    holders: dict[str, int]
    unique_key: Callable[[Any], str]


class Draft:
    """A State that is tried out: what is put into it stays here, and the state below it is as before, until `settle`.

    Few questions reach the state below, which may be slower to ask than a dictionary.
    """

    def __init__(self, below: State) -> None:
        self.number = below.number
        self._below = below
        self._records: dict[str, dict[int, Any]] = {kind: {} for kind in KINDS}
        self._holders: dict[str, dict[str, int | None]] = {kind: {} for kind in KINDS}
        self._last_ids: dict[str, int] = {}
        self._puts: list[tuple[str, Any, Any]] = []
        self._ids_by: dict[tuple[str, str], dict[str, list[int]]] = {}

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""
        record = self._records[kind].get(id)
        if record is not None or id > self.last_id(kind):
            return record
        return self._below.get(kind, id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        holders = self._holders[kind]
        if key not in holders:
            holder = self._below.holder(kind, key)
            return None if holder is None else self.get(kind, holder.id)
        id = holders[key]
        return None if id is None else self.get(kind, id)

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind."""
        last_ids = self._last_ids
        if kind not in last_ids:
            last_ids[kind] = self._below.last_id(kind)
        return last_ids[kind]

    def records(self, kind: str) -> Iterator[Any]:
        """All records of the kind, destroyed ones too, in order of id."""
        for record in self._below.records(kind):
            yield self._records[kind].get(record.id, record)
        for id in range(self._below.last_id(kind) + 1, self.last_id(kind) + 1):
            yield self._records[kind][id]

    def having(self, kind: str, field: str, value: str) -> list[Any]:
        """The records, destroyed ones too, whose `field` is `value` without regard to case, in order of id.

        The first question about a field costs as much as reading all records; those after it, next to nothing.
        """
        ids = self._ids_by.get((kind, field))
        if ids is None:
            ids = self._ids_by[kind, field] = {}
            for record in self.records(kind):
                ids.setdefault(getattr(record, field).casefold(), []).append(record.id)
        wanted = value.casefold()
        found = [self.get(kind, id) for id in sorted(set(ids.get(wanted, ())))]
        return [record for record in found if getattr(record, field).casefold() == wanted]

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Keep `record` in the place of `before`, and its unique key while it lives."""
        unique_key = KINDS[kind].unique_key
        if before is None:
            self._last_ids[kind] = record.id
        elif before.destroyed is None:
            self._holders[kind][unique_key(before)] = None
        if record.destroyed is None:
            self._holders[kind][unique_key(record)] = record.id
        self._records[kind][record.id] = record
        self._puts.append((kind, before, record))
        if self._ids_by:
            self._index(kind, record)

    def _index(self, kind: str, record: Any) -> None:
        for (indexed, field), ids in self._ids_by.items():
            if indexed == kind:
                ids.setdefault(getattr(record, field).casefold(), []).append(record.id)

    def settle(self) -> None:
        """Do to the state below what was tried out here, one event after another. The draft is then used up."""
        below = self._below
        number = below.number
        for kind, before, record in self._puts:
            below.put(kind, before, record)
            number += 1
            below.number = number


def step(state: State, event: Event, number: int) -> None:
    """Let event `number`, whose form and type are already checked, change the state.

    Raises:
        Refused: the event breaks its type's rule; the state is as before.
    """
    kind, _, rule, apply = TYPES[event["type"]]
    id = int(event["subject"][len(kind) + 1 :])
    data = event["data"]
    before = state.get(kind, id)
    rule(state, id, before, data)
    state.put(kind, before, apply(before, id, number, data))
    state.number = number


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """The state after `events`, which follow on `state` (nothing, when not given). Raises Refused as `step` does."""
    state = MemoryState() if state is None else state
    for event in events:
        step(state, event, state.number + 1)
    return state
