"""The state is a fold: begin with nothing, take the events one after another, let each change one record.

A State is where records live, not how they change; `step` is the only way in, for a new event as for an old one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event, Kind
from evcli.kinds import KINDS, TYPES


class Count(NamedTuple):
    """How many records of a kind there are."""

    live: int
    destroyed: int


class State(Protocol):
    """The records after event `number`, by kind and id."""

    number: int

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind; 0 when none was. Ids have no gaps."""

    def count(self, kind: str) -> Count:
        """How many records of the kind there are."""

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or those that live, in order of id."""

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key or whose name, without regard to case, is `word`."""

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """What records are called, with the record, in order from `start` on; or backward, from just before `start`."""

    def prepare(self, events: Sequence[Event]) -> None:
        """Get ready what `events`, which follow, will ask for; a State that is quick without it does nothing."""

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

    def count(self, kind: str) -> Count:
        """How many records of the kind there are: each that lives holds one key."""
        table = self._tables[kind]
        return Count(len(table.holders), len(table.records) - len(table.holders))

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or those that live, in order of id: the order in which they were put first."""
        records = self._tables[kind].records.values()
        return (record for record in records if record.destroyed is None) if live_only else iter(records)

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key or whose name, without regard to case, is `word`."""
        return (record for record in self.records(kind) if word in words_of(KINDS[kind], record))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """What records are called, with the record, in order from `start` on; or backward, from just before `start`."""
        return words_among(kind, self.records(kind), start, backward=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Nothing to do: all is in memory."""

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


def words_of(kind: Kind, record: Any) -> set[str]:
    """What the record is called, without regard to case: its unique key, and its name."""
    return {kind.unique_key(record), kind.name_key(record)}


def words_among(kind: str, records: Iterable[Any], start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
    """What these records are called, with the record, in order from `start` on; or backward, from just before it."""
    pairs = [(word, record) for record in records for word in words_of(KINDS[kind], record)]
    chosen = [(word, record) for word, record in pairs if (word < start if backward else word >= start)]
    return iter(sorted(chosen, key=place_of_word, reverse=backward))


def place_of_word(pair: tuple[str, Any]) -> tuple[str, int]:
    """By what words are put in order; two records with the same one, by their ids."""
    return pair[0], pair[1].id


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
