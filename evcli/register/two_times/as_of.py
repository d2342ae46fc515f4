"""What was true at a time, as it is known after an event: everything in the order in which it happened.

A record that no late event is about is what it was after the last event recorded by then. Each other record is folded
anew from its own events. So nothing sorts the whole log.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import takewhile
from typing import Any

from evcli.domain.event import Event, number_of, recorded_moment
from evcli.domain.overlay import get_many
from evcli.domain.state import Count, State, words_among
from evcli.domain.timeline import is_late, record_as_of, when
from evcli.errors import Damaged, NewerLog
from evcli.kinds import KINDS
from evcli.log import START
from evcli.log.reader import Reader
from evcli.register.history import History
from evcli.register.two_times.late import Course, Late


class AsOfState:
    """The register at the time `until`, as it is known after event `number`."""

    def __init__(self, history: History, reader: Reader, until: str, number: int) -> None:
        """Raises Damaged, LogCut."""
        self.number, self._until = number, until
        self._recorded = _last(reader, lambda recorded: recorded <= until, number)
        """The last event that was recorded by then."""
        self._base = history.at(reader, self._recorded)
        self._late = Late(history, reader, number)

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        course = self._late.course(kind, id)
        return self._base.get(kind, id) if course is None else self._of(kind, id, course)

    def get_many(self, kind: str, ids: Iterable[int]) -> list[Any]:
        """The existing records with these ids."""
        return [record for id in ids if (record := self.get(kind, id)) is not None]

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        of_kind = KINDS[kind]
        return next((each for each in self.called(kind, key) if each[-1] is None and of_kind.key(each) == key), None)

    def last_id(self, kind: str) -> int:
        """The highest id of a record that there was."""
        # What was recorded by then had happened by then, too: so every record of the base was there.
        late = (id for id, course in self._late.courses(kind) if self._of(kind, id, course) is not None)
        return max(self._base.last_id(kind), *late, 0)

    def count(self, kind: str) -> Count:
        """How many records of the kind there were."""
        late = {id: self._of(kind, id, course) for id, course in self._late.courses(kind)}
        live, ended = self._base.count(kind)
        instead = get_many(self._base, kind, late)
        live -= sum(record[-1] is None for record in instead)
        ended -= sum(record[-1] is not None for record in instead)
        there = [record for record in late.values() if record is not None]
        gone = sum(record[-1] is not None for record in there)
        return Count(live + len(there) - gone, ended + gone)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        base = ((record.id, 1, record) for record in self._base.records(kind, live_only=live_only))
        late = ((id, 0, self._of(kind, id, course)) for id, course in self._late.courses(kind))
        last = 0
        for id, _, record in merge(base, late, key=lambda each: each[:2]):
            if id != last and record is not None and not (live_only and record[-1] is not None):
                yield record
            last = id

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        candidates = {record.id for record in self._base.called(kind, word)} | self._late.ever_called(kind, word)
        of_kind = KINDS[kind]
        found = self.get_many(kind, sorted(candidates))
        return (record for record in found if word in of_kind.words(record))

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        return words_among(kind, self.records(kind), start, backward=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Do nothing: a draft over this state fetches many records at once."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Never called: changes go into a draft."""
        raise NotImplementedError

    def _of(self, kind: str, id: int, course: Course) -> Any:
        """A record that late events are about."""
        if not course.events and _are_in_order(course):
            by_then = [step for step in course.steps if self._is_by_then(step.number, step.late)]
            return by_then[-1].after if by_then else None
        return record_as_of(KINDS[kind], self._late.events(course), self._until)

    def _is_by_then(self, number: int, late: str | None) -> bool:
        return number <= self._recorded if late is None else late <= self._until


def _are_in_order(course: Course) -> bool:
    """Whether a record's events are known to have happened in the order in which they were recorded."""
    last: str | None = ""
    for step in course.steps:
        # Only what was recorded as it happened, and when is not known here, can have happened after a later late event.
        if step.late is not None and (last is None or step.late < last):
            return False
        last = step.late
    return True


def _last(reader: Reader, holds: Callable[[str], bool], number: int) -> int:
    """The last event up to event `number` of whose recorded moment `holds` is true. Raises Damaged.

    If a line is not good, those up to that event are read in order: one after it does not matter.
    """
    try:
        return min(number, reader.seek(lambda position: holds(position.recorded)).number)
    except (Damaged, NewerLog):
        events = Reader(reader.log).events(START, number)
        return sum(1 for _ in takewhile(lambda event: holds(recorded_moment(event)), events))


def events_as_of(
    history: History,
    reader: Reader,
    until: str,
    number: int,
    *,
    start: str,
    after: int,
    backward: bool,
) -> Iterator[Event]:
    """The events after event `after` and up to event `number` that happened from `start` to `until`, as they happened.

    Those of one time are in the order of their numbers; with `backward`, all are the other way round. Raises Damaged.
    """
    first = max(after, _last(reader, lambda recorded: recorded < start, number))
    last = _last(reader, lambda recorded: recorded <= until, number)
    timely = iter(()) if last <= first else _timely(history, reader, first, last, backward=backward)
    late = Late(history, Reader(reader.log), number).between(start, until, after, backward=backward)
    return merge(timely, late, key=when, reverse=backward)


def _timely(history: History, reader: Reader, first: int, last: int, *, backward: bool) -> Iterator[Event]:
    """The events after event `first` and up to `last` that were recorded as they happened."""
    if backward:
        for event in reader.events_backward(history.position(reader, last)):
            if number_of(event) <= first:
                return
            if not is_late(event):
                yield event
        return
    yield from (event for event in reader.events(history.position(reader, first), last) if not is_late(event))


def passed_over(history: History, reader: Reader, until: str, after: int, start: str) -> int:
    """How many events happened from `start` to `until`, but were recorded late, after event `after`. Raises Damaged."""
    return Late(history, reader, reader.log.head().number).count(start, until, after)


def state_as_of(history: History, reader: Reader, until: str, number: int) -> State:
    """The register at the time `until`, as it is known after event `number`. Raises Damaged, LogCut."""
    return AsOfState(history, reader, until, number)
