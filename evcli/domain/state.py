"""The state is a fold: start empty, apply the events one after another; each changes one record.

A State stores records; it does not decide how they change. `happen` is the only way to change one, for new events and
for old ones.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event
from evcli.domain.kind import Begins, Data
from evcli.domain.rules import CHECKS, Check
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


class MemoryState:
    """A State in dictionaries: the reference for every other State."""

    def __init__(self) -> None:
        self.number = 0
        self._tables = _Tables()

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._tables[kind].records.get(id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        records, holders, _ = self._tables[kind]
        id = holders.get(key)
        return None if id is None else records[id]

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind: ids have no gaps, so it is their count."""
        return len(self._tables[kind].records)

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
        records, holders, key = self._tables[kind]
        id = record.id
        records[id] = record
        old = None if before is None or before[-1] is not None else key(before)
        new = key(record) if record[-1] is None else None
        if old != new:
            if old is not None:
                del holders[old]
            if new is not None:
                holders[new] = id


class _Table(NamedTuple):
    records: dict[int, Any]
    holders: dict[str, int]
    key: Callable[[Any], str | None]


class _Tables(dict[str, _Table]):
    """One table per kind, made on first use."""

    def __missing__(self, kind: str) -> _Table:
        table = self[kind] = _Table({}, {}, KINDS[kind].key)
        return table


def words_among(kind: str, records: Iterable[Any], start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
    """(word, record) pairs of these records, ascending from `start` on; backward: descending from just before it."""
    pairs = [(word, record) for record in records for word in KINDS[kind].words(record)]
    chosen = [(word, record) for word, record in pairs if (word < start if backward else word >= start)]
    return iter(sorted(chosen, key=place_of_word, reverse=backward))


def place_of_word(pair: tuple[str, Any]) -> tuple[str, int]:
    """The sort key of a pair: its word; records with the same word sort by id."""
    return pair[0], pair[1].id


class _Steps(dict[str, tuple[str, bool, Check]]):
    """For each event type: its kind, whether it begins a record, and its check."""

    def __missing__(self, type: str) -> tuple[str, bool, Check]:
        each = TYPES[type]
        made = self[type] = (each.kind.name, isinstance(each, Begins), CHECKS[each])
        return made


_STEPS = _Steps()


def happen(state: State, type: str, id: int, number: int, data: Data) -> tuple[Any, Any]:
    """Apply event `number` of that type to the record with that id; return the record before and after.

    Raises:
        Refused: the event breaks a rule; the state is unchanged.
    """
    kind, begins, check = _STEPS[type]
    before = None if begins else state.get(kind, id)  # the check makes sure that the id of a new record is new
    after = check(state, id, before, number, data)
    state.put(kind, before, after)
    state.number = number
    return before, after


def step(state: State, event: Event, number: int) -> tuple[Any, Any]:
    """Apply event `number`, whose form and type are already checked; return the record before and after.

    Raises:
        Refused: the event breaks a rule; the state is unchanged.
    """
    subject = event["subject"]
    return happen(state, event["type"], int(subject[subject.index("/") + 1 :]), number, event["data"])


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """The state after `events`, applied to `state` (by default an empty one). Raises Refused as `step` does."""
    state = MemoryState() if state is None else state
    for event in events:
        step(state, event, state.number + 1)
    return state
