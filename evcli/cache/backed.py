"""A State answered from the cache and, once the cache fails, from a fold of the log."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from evcli.cache import CacheFailed
from evcli.domain.event import Event
from evcli.domain.state import Count, State

Answer = TypeVar("Answer")


class BackedState:
    """Asks `state`; if it raises CacheFailed, `fold` returns a state after the same event that cannot fail so."""

    def __init__(self, state: State, fold: Callable[[CacheFailed, int], State]) -> None:
        self.number = state.number
        self._state = state
        self._fold = fold

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._ask(lambda state: state.get(kind, id))

    def get_many(self, kind: str, ids: Iterable[int]) -> Iterable[Any]:
        """The existing records with these ids."""
        wanted = list(ids)

        def ask(state: State) -> list[Any]:
            if hasattr(state, "get_many"):
                return list(state.get_many(kind, wanted))
            return [record for id in wanted if (record := state.get(kind, id)) is not None]

        return self._ask(ask)

    def are_live(self, kind: str, ids: Iterable[int]) -> bool:
        """Whether these records plainly are live; if not, one may have ended. Nothing may be decided by it alone."""
        wanted = list(ids)
        return self._ask(lambda state: hasattr(state, "are_live") and bool(state.are_live(kind, wanted)))

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        return self._ask(lambda state: state.holder(kind, key))

    def holders(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """The live record of each of these unique keys that has one."""
        wanted = list(keys)

        def ask(state: State) -> dict[str, Any]:
            if hasattr(state, "holders"):
                return dict(state.holders(kind, wanted))
            return {key: record for key in wanted if (record := state.holder(kind, key)) is not None}

        return self._ask(ask)

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind."""
        return self._ask(lambda state: state.last_id(kind))

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        return self._ask(lambda state: state.count(kind))

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        return self._stream(lambda state: state.records(kind, live_only=live_only))

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        return iter(self._ask(lambda state: list(state.called(kind, word))))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        return self._stream(lambda state: state.words(kind, start, backward=backward))

    def prepare(self, events: Sequence[Event]) -> None:
        """Do nothing: a draft over this state fetches many records at once."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Never called: changes go into a draft."""
        raise NotImplementedError

    def _ask(self, question: Callable[[State], Answer]) -> Answer:
        try:
            return question(self._state)
        except CacheFailed as failed:
            self._state = self._fold(failed, self.number)
            return question(self._state)

    def _stream(self, question: Callable[[State], Iterator[Answer]]) -> Iterator[Answer]:
        """`_ask` for iterators: if the cache fails part-way, continue from the fold after the items already given."""
        given = 0
        try:
            for each in question(self._state):
                yield each
                given += 1
        except CacheFailed as failed:
            self._state = self._fold(failed, self.number)
            yield from islice(question(self._state), given, None)
