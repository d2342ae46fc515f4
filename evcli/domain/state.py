"""The state is a fold: start empty, apply the events one after another; each changes one record.

A State stores records; it does not decide how they change. A step (evcli/domain/rules.py) is the only way to change
one, for new events and for old ones.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event
from evcli.domain.kind import Data
from evcli.domain.rules import Step, Table, step_of
from evcli.domain.table import Columns, Quick
from evcli.kinds import KINDS, TYPES

FEW = 50
"""Quick steps are generated for chunks of more events than this: for few, that takes longer than it saves."""


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

    @property
    def quick(self) -> Mapping[str, Quick]:
        """The quick steps, by type."""


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


def _declines(_: int, __: int, ___: Data) -> bool:
    """The quick step of a type that has none."""
    return False


class Declining(dict[str, Quick]):
    """The quick steps of a state that has none."""

    def __missing__(self, _: str) -> Quick:
        return _declines


_DECLINING = Declining()


class _QuickSteps(dict[str, Quick]):
    """The quick step of each type, made on first use."""

    def __init__(self, tables: Mapping[str, Columns]) -> None:
        super().__init__()
        self._tables = tables

    def __missing__(self, type: str) -> Quick:
        each = TYPES[type]
        made = self[type] = self._tables[each.kind.name].quick(each) or _declines
        return made


class MemoryState:
    """A State in memory: the reference for every other State."""

    def __init__(self) -> None:
        self.number = 0
        self._tables = _Tables()
        self.steps, self.quick = Steps(self._tables), _QuickSteps(self._tables)

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._tables[kind].get(id)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        table = self._tables[kind]
        id = table.held(key)
        return None if id is None else table.get(id)

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind: ids have no gaps, so it is their count."""
        return self._tables[kind].last_id()

    def are_free(self, kind: str, keys: Sequence[str]) -> bool:
        """Whether no live record has any of these unique keys."""
        return self._tables[kind].are_free(keys)

    def begin_all(self, kind: str, records: Sequence[Any], keys: Sequence[str]) -> None:
        """Put new records, of which each holds one of these keys, if the kind has any, and count their events."""
        self._tables[kind].begin_all(records, keys)
        self.number += len(records)

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        live = self._tables[kind].live()
        return Count(live, self.last_id(kind) - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        records = self._tables[kind].all()
        return (record for record in records if record[-1] is None) if live_only else records

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
        table.put(record.id, before, record, KINDS[kind].key(record) if record[-1] is None else None)


class _Tables(dict[str, Columns]):
    """One table per kind, made on first use."""

    def __missing__(self, kind: str) -> Columns:
        table = self[kind] = Columns(KINDS[kind])
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
    quick = state.quick if len(events) > FEW else _DECLINING
    ids = [int(event["subject"].partition("/")[2]) for event in events]
    for number, (id, event) in enumerate(zip(ids, events, strict=True), first):
        type, data = event["type"], event["data"]
        if not quick[type](id, number, data):
            state.number = number - 1
            state.steps[type](state, id, number, data)
    state.number = first - 1 + len(events)


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
