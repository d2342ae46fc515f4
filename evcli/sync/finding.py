"""Which record a row of a list is about: by the unique field, by name, or by id.

Records are looked up many at once, and nothing is remembered of them: a list may be as long as the register.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from evcli.domain.fields import key_of
from evcli.domain.find import label
from evcli.domain.kind import Kind
from evcli.domain.overlay import get_many, holders
from evcli.domain.refusals import Ambiguous, NoSuchRecord
from evcli.domain.state import State
from evcli.errors import EvcliError

MOST = 50
"""How many records that may have the same name are looked at together: two that have it are too many."""

_BITS = 40
_ID = (1 << _BITS) - 1


class Found(NamedTuple):
    """Of each row: the key by which an ended record of it is found, its record, or why it is none."""

    keys: Sequence[str]
    records: Sequence[Any]
    """Live ones, or None; where a row names its record, also ended ones."""
    faults: dict[int, EvcliError]


Columns = dict[str, Sequence[str]]
"""The cleaned cells of some rows, by column."""


class ByUnique:
    """By the field that no two live records share."""

    column = ""
    """The column that a list must have besides the kind's fields."""

    def __init__(self, state: State, kind: Kind) -> None:
        self._state, self._kind = state, kind

    def key_of(self, record: Any) -> str | None:
        """By what a row finds this record, which has ended."""
        key: str | None = self._kind.key(record)
        return key

    def find(self, columns: Columns) -> Found:
        """The records of these rows."""
        keys = list(map(key_of, columns[self._kind.unique]))
        return Found(keys, list(map(holders(self._state, self._kind.name, keys).get, keys)), {})


class ByName:
    """By what records are called, without regard to case."""

    column = ""

    def __init__(self, state: State, kind: Kind) -> None:
        self._state, self._kind = state, kind
        live = state.records(kind.name, live_only=True)
        self._index = array("Q", sorted(_hash(str(kind.name_key(record))) | record.id for record in live))
        """The live records: a hash of what each is called, and its id."""

    def key_of(self, record: Any) -> str | None:
        """By what a row finds this record, which has ended."""
        key: str | None = self._kind.name_key(record)
        return key

    def find(self, columns: Columns) -> Found:
        """The records of these rows; a name that several have is a fault, unless one has the unique field, too."""
        kind, faults = self._kind, dict[int, EvcliError]()
        names = list(map(str.casefold, columns[kind.called]))
        keys = list(map(key_of, columns[kind.unique]))
        held = holders(self._state, kind.name, keys)
        records = [
            record if (record := held.get(key)) is not None and kind.name_key(record) == name else None
            for name, key in zip(names, keys, strict=True)
        ]
        maybe = {at: self._ids(names[at]) for at, record in enumerate(records) if record is None}
        first = {id for ids in maybe.values() for id in ids[:MOST]}
        every = {record.id: record for record in get_many(self._state, kind.name, first)}
        for at, ids in maybe.items():
            called = self._called(names[at], ids, every)
            records[at] = called[0] if called else None
            if len(called) > 1:
                who = columns[kind.called][at]
                faults[at] = Ambiguous(kind.name, kind.plural, who, [label(kind, each) for each in called])
        return Found(names, records, faults)

    def _ids(self, name: str) -> Sequence[int]:
        """The ids of the live records whose names have this name's hash."""
        start = bisect_left(self._index, _hash(name))
        end = bisect_right(self._index, _hash(name) | _ID, start)
        return [entry & _ID for entry in self._index[start:end]]

    def _called(self, name: str, ids: Sequence[int], first: Mapping[int, Any]) -> list[Any]:
        """The records of these ids that have this name, or some of them if several have it."""
        kind = self._kind
        found = [first[id] for id in ids[:MOST] if kind.name_key(first[id]) == name]
        for start in range(MOST, len(ids), MOST):
            if len(found) > 1:
                break
            more = get_many(self._state, kind.name, ids[start : start + MOST])
            found += [record for record in more if kind.name_key(record) == name]
        return found


def _hash(name: str) -> int:
    """Bits of a name's hash above those of an id."""
    return hash(name) << _BITS & (1 << 64) - 1


class ById:
    """By an id in a column of the list. A row without one is found by the unique field, or is new."""

    def __init__(
        self,
        state: State,
        kind: Kind,
        column: str,
        id_of: Callable[[str], int | None],
        others: Collection[int] = (),
    ) -> None:
        """`id_of` gives the id of the record that a cell of `column` means, if any. It may raise BadInput.

        No row without one is about one of the records `others`.
        """
        self._state, self._kind, self._id_of = state, kind, id_of
        self.column, self.others = column, others

    def key_of(self, record: Any) -> str | None:
        """No row finds an ended record by anything but its id."""
        return None

    def find(self, columns: Columns) -> Found:
        """The records of these rows; None where a row has no id."""
        kind, faults = self._kind, dict[int, EvcliError]()
        ids = list[int | None]()
        for at, cell in enumerate(columns[self.column]):
            ids.append(None)
            try:
                ids[at] = self._id_of(cell) if cell else None
            except EvcliError as no:
                faults[at] = no
        wanted = {id for id in ids if id is not None}
        every = {record.id: record for record in get_many(self._state, kind.name, wanted)}
        for at, id in enumerate(ids):
            if id is not None and id not in every:
                last = self._state.last_id(kind.name)
                faults[at] = NoSuchRecord(kind.name, str(id), f"event {self._state.number}", "", last)
        records = [None if id is None else every.get(id) for id in ids]
        return Found(list(map(key_of, columns[kind.unique])), records, faults)


Finder = ByUnique | ByName | ById
