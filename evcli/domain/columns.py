"""The rules for many records that begin at once: what is asked of each event is asked once of a whole column."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from evcli.domain.kind import EventType
from evcli.domain.overlay import Draft
from evcli.domain.state import MemoryState, State

_new = tuple.__new__

Columns = Mapping[str, Sequence[str]]
"""The data of at least one event of the same type: for each of its members, the values in order."""


class Begun(NamedTuple):
    """Records that begin, one after another, and the unique keys that they hold; none if their kind has none."""

    records: Sequence[Any]
    keys: Sequence[Any]


def begun(state: State, each: EventType, data: Columns) -> Begun | None:
    """The records that begin with events of this type and these data, the next ones after `state`.

    None if the rules do not plainly accept all of them; the state is unchanged.
    """
    kind = each.kind
    if each.rule is not None:
        return None
    records = _records(each, data, state.last_id(kind.name) + 1, state.number + 1)
    if not kind.unique:
        return Begun(records, ())
    keys = list(map(kind.key, records))
    are_new = len(set(keys)) == len(keys) and _are_free(state, kind.name, keys)
    return Begun(records, keys) if are_new else None


def settle(state: State, kind: str, begun: Begun) -> None:
    """Put these records, which begin with the next events, into the state."""
    if isinstance(state, MemoryState):
        state.begin_all(kind, *begun)
        return
    for record in begun.records:
        state.put(kind, None, record)
        state.number += 1


def _are_free(state: State, kind: str, keys: Sequence[Any]) -> bool:
    if isinstance(state, MemoryState):
        return state.are_free(kind, keys)
    if isinstance(state, Draft):
        state.fetch(kind, (), keys)
    return not any(state.holder(kind, key) for key in keys)


def _records(each: EventType, data: Columns, first: int, number: int) -> list[Any]:
    effect, count = each.effect, len(next(iter(data.values())))
    ids, numbers = range(first, first + count), range(number, number + count)
    if each.apply is not None:
        rows = (dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True))
        return [effect(None, id, at, row) for id, at, row in zip(ids, numbers, rows, strict=True)]
    # Where each field of a record comes from is what the effect itself does with objects that stand for the columns.
    columns: list[tuple[Any, Iterable[Any]]] = [(object(), column) for column in (ids, numbers, *data.values())]
    id, at, *values = (mark for mark, _ in columns)
    made = effect(None, id, at, dict(zip(data, values, strict=True)))
    sources = [next((column for mark, column in columns if mark is cell), repeat(cell)) for cell in made]
    return list(map(_new, repeat(each.kind.record), zip(*sources, strict=False)))
