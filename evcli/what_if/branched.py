"""The history of a branch: up to its fork that of the trunk, with the trunk's cache; after it a fold, in memory."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.state import State
from evcli.log import Position
from evcli.log.branch import Branch
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.history import History

if TYPE_CHECKING:
    from evcli.cache.cache import Cache
    from evcli.register.past import Past


class BranchedHistory(History):
    """The states that a branch has been in. Ids are those of the trunk, so there may be gaps in them."""

    def __init__(self, trunk: "Past", branch: Branch, tip: State) -> None:
        """`tip` is the state after the last event of the branch."""
        super().__init__(uses_cache=False)
        self._trunk, self._branch, self._tip = trunk, branch, tip

    def at(self, reader: Reader, number: int | None = None) -> State:
        """The state after event `number` of the branch (None: the last one). Raises Damaged, LogCut."""
        fork = self._branch.fork
        if number is None or number >= self._tip.number:
            return Draft(self._tip)
        state = Draft(self._trunk.at(min(number, fork.number)), takes_any_id=True)
        if number <= fork.number:
            return state
        replay(reader, state, fork, number)
        return state

    def position(self, reader: Reader, number: int) -> Position:
        """The position after event `number`."""
        fork = self._branch.fork
        if number < fork.number:
            return self._trunk.position(number)
        return fork if number == fork.number else super().position(reader, number)

    def events_about(
        self, reader: Reader, kind: str, id: int, until: int, *, after: int = 0, backward: bool = False
    ) -> Iterator[Event]:
        """The events about one record, after event `after` and up to event `until`, oldest or newest first."""
        fork = self._branch.fork
        ours = [
            event
            for event in (reader.events(fork, until) if until > fork.number else ())
            if subject_of(event) == (kind, id) and number_of(event) > after
        ]
        theirs = self._trunk.events_about(kind, id, min(until, fork.number), after=after, backward=backward)
        if backward:
            yield from reversed(ours)
        yield from theirs
        if not backward:
            yield from ours

    def find_ids(self, reader: Reader, prefix: str, *, exact: bool = False, may_grow: bool = True) -> list[Event]:
        """The first ten events whose id starts with `prefix`, or equals it."""
        fork, trunk = self._branch.fork, self._trunk
        found = trunk.history.find_ids(trunk.reader, prefix, exact=exact, may_grow=may_grow)
        kept = [event for event in found if number_of(event) <= fork.number]
        return [*kept, *reader.find_ids(prefix, exact=exact, start=fork.place)][:10]

    def with_ids(self, reader: Reader, ids: Collection[str], *, may_grow: bool = True) -> list[Event]:
        """The events that have exactly one of these ids, oldest first."""
        return reader.with_ids(ids)

    def cache(self, reader: Reader, *, may_grow: bool = True, finds: bool = False) -> "Cache | None":
        """None: the trunk's cache knows other events."""
        return None

    def check(self, reader: Reader) -> None:
        """The trunk was checked when it was opened."""
