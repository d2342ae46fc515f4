"""The state is a fold: start empty, apply the events one after another; each changes one record.

A State stores records; it does not decide how they change. A step (evcli/domain/rules.py) is the only way to change
one, for new events and for old ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event
from evcli.domain.kind import Data, Kind
from evcli.domain.rules import Step, Table, step_of
from evcli.kinds import KINDS, TYPES


class Count(NamedTuple):
    """How many records of a kind exist."""

    live: int
    ended: int


class State(Protocol):
    """The records after event `number`, by kind and id."""

    number: int

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind, or 0. Ids have no gaps."""

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""

    def prepare(self, events: Sequence[Event]) -> None:
        """Prefetch what the next `events` will look up; a State with fast look-ups does nothing."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Replace `before`, the record with the same id (None for a new one), with `record`."""


class Foldable(State, Protocol):
    """A State to which events can happen."""

    steps: "Steps"


class Steps(dict[str, Step]):
    """How each type of event happens in a state, made on first use from its tables, by kind.

    It knows the tables only, not the state: with a reference back, a state would outlive its last use.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        super().__init__()
        self._tables = tables

    def __missing__(self, type: str) -> Step:
        each = TYPES[type]
        made = self[type] = step_of(each, self._tables[each.kind.name])
        return made


class MemoryState:
    """A State in dictionaries: the reference for every other State."""

    def __init__(self) -> None:
        self.number = 0
        self._tables = _Tables()
        self.steps = Steps(self._tables)

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._tables[kind].records.get(id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        table = self._tables[kind]
        id = table.holders.get(key)
        return None if id is None else table.records[id]

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind: ids have no gaps, so it is their count."""
        return len(self._tables[kind].records)

    def are_free(self, kind: str, keys: Iterable[str]) -> bool:
        """Whether no live record has any of these unique keys."""
        return self._tables[kind].holders.keys().isdisjoint(keys)

    def begin_all(self, kind: str, records: Sequence[Any], keys: Sequence[str]) -> None:
        """Put new records, of which each holds one of these keys, if the kind has any, and count their events."""
        table = self._tables[kind]
        ids = [record.id for record in records]
        table.records.update(zip(ids, records, strict=True))
        table.holders.update(zip(keys, ids, strict=bool(keys)))
        self.number += len(ids)

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        live = sum(1 for _ in self.records(kind, live_only=True))
        return Count(live, self.last_id(kind) - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id: the order of insertion."""
        records = self._tables[kind].records.values()
        return (record for record in records if record[-1] is None) if live_only else iter(records)

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        return (record for record in self.records(kind) if word in KINDS[kind].words(record))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        return words_among(kind, self.records(kind), start, backward=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Do nothing: everything is in memory."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Replace `before` with `record`, and index its unique key while it is live."""
        table = self._tables[kind]
        table.put(record.id, before, record, table.key(record) if record[-1] is None else None)


class _Table:
    def __init__(self, kind: Kind) -> None:
        self.records: dict[int, Any] = {}
        self.holders: dict[str, int] = {}
        self.get = self.records.get
        self.held = self.holders.get
        self.last_id = self.records.__len__  # ids have no gaps
        self.key = kind.key

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        self.records[id] = after
        old = None if before is None or before[-1] is not None else self.key(before)
        if old != key:
            if old is not None:
                del self.holders[old]
            if key is not None:
                self.holders[key] = id

    def keep(self, id: int, _: Any, after: Any) -> None:
        self.records[id] = after


class _Tables(dict[str, _Table]):
    """One table per kind, made on first use."""

    def __missing__(self, kind: str) -> _Table:
        table = self[kind] = _Table(KINDS[kind])
        return table


def words_among(kind: str, records: Iterable[Any], start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
    """(word, record) pairs of these records, ascending from `start` on; backward: descending from just before it."""
    pairs = [(word, record) for record in records for word in KINDS[kind].words(record)]
    chosen = [(word, record) for word, record in pairs if (word < start if backward else word >= start)]
    return iter(sorted(chosen, key=place_of_word, reverse=backward))


def place_of_word(pair: tuple[str, Any]) -> tuple[str, int]:
    """The sort key of a pair: its word; records with the same word sort by id."""
    return pair[0], pair[1].id


def happen(state: Foldable, type: str, id: int, number: int, data: Data) -> tuple[Any, Any]:
    """Apply event `number` of that type to the record with that id; return the record before and after.

    Raises:
        Refused: the event breaks a rule; the state is unchanged.
    """
    changed = state.steps[type](state, id, number, data)
    state.number = number
    return changed


def happen_all(state: Foldable, events: Sequence[Event], first: int) -> None:
    """Apply consecutive events, whose form and types are already checked; the first of them has the number `first`.

    Raises:
        Refused: an event breaks a rule; the state is the one before it, and `state.number` says which one it is.
    """
    # This loop sets the speed of every fold.
    state.number = first - 1
    steps = state.steps
    ids = [int(event["subject"].partition("/")[2]) for event in events]
    for number, (id, event) in enumerate(zip(ids, events, strict=True), first):
        steps[event["type"]](state, id, number, event["data"])
        state.number = number


def step(state: Foldable, event: Event, number: int) -> tuple[Any, Any]:
    """Apply event `number`, whose form and type are already checked; return the record before and after.

    Raises:
        Refused: the event breaks a rule; the state is unchanged.
    """
    return happen(state, event["type"], int(event["subject"].partition("/")[2]), number, event["data"])


def fold(events: Iterable[Event], state: Foldable | None = None) -> Foldable:
    """The state after `events`, applied to `state` (by default an empty one). Raises Refused as `step` does."""
    state = MemoryState() if state is None else state
    happen_all(state, list(events), state.number + 1)
    return state
