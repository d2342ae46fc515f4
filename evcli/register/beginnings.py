"""Many records that begin at once, decided and written a column at a time.

The rules are those of `accept`, and the lines those of `write_down`; what they do not plainly accept is left to them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import overload

from evcli.domain import columns
from evcli.domain.kind import EventType
from evcli.domain.state import State
from evcli.log import Position
from evcli.log.alike import Alike, cast_alike
from evcli.log.line import MAX_BATCH
from evcli.log.template import Shared
from evcli.register.decide import Change, Intention, write_down


class Beginnings(Sequence[Intention]):
    """Intentions, at least one, that each begin a record now, the next one; their data and ids are columns."""

    def __init__(self, type: EventType, data: Mapping[str, Sequence[str]], ids: Sequence[str]) -> None:
        """`data` has a column of cleaned text for each field of the type, all of which are required."""
        self.type, self.data, self.ids = type, data, ids

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Intention: ...
    @overload
    def __getitem__(self, index: slice) -> "Beginnings": ...
    def __getitem__(self, index: int | slice) -> "Intention | Beginnings":
        if isinstance(index, slice):
            return Beginnings(self.type, {name: each[index] for name, each in self.data.items()}, self.ids[index])
        data = {name: column[index] for name, column in self.data.items()}
        return Intention(self.type.name, data, self._next_id, False, self.ids[index])

    def __add__(self, other: "Beginnings") -> "Beginnings":
        """These, and then others of the same type."""
        data = {name: [*column, *other.data[name]] for name, column in self.data.items()}
        return Beginnings(self.type, data, [*self.ids, *other.ids])

    def accepted(self, state: State) -> "Begun | None":
        """The changes to `state`, if the rules plainly accept them all; it is unchanged so far."""
        found = columns.begun(state, self.type, self.data)
        return None if found is None else Begun(self, state, found)

    def _next_id(self, state: State) -> int:
        return state.last_id(self.type.kind.name) + 1


class Begun(Sequence[Change]):
    """The accepted beginnings of records."""

    def __init__(self, of: Beginnings, state: State, found: columns.Begun) -> None:
        self._of, self._state, self._found = of, state, found
        self.ids = range(found.records[0].id, found.records[-1].id + 1)
        """The ids of the records."""
        self.type = of.type.name
        """The type of the events."""

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | Sequence[Change]:
        if isinstance(index, slice):
            return [self[at] for at in range(len(self))[index]]
        return Change(self._of[index], self.ids[index], None, self._found.records[index])

    def write_down(self, at: Position, shared: Shared, now: str, new_id: Callable[[], str]) -> list[bytes]:
        """The lines of the events, as `write_down` makes them. Raises what it raises."""
        many = self._of
        lines = cast_alike(shared, Alike(many.type.name, now, many.ids, self.ids[0], many.data), at)
        if lines is None or sum(map(len, lines)) > MAX_BATCH:
            return write_down(self, at, shared, now, new_id)
        return lines

    def settle(self) -> None:
        """Apply the changes to the state."""
        columns.settle(self._state, self._of.type.kind.name, self._found)
