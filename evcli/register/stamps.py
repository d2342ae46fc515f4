"""When, by whom and why events happened, for many events by their numbers: the columns beside records in a list.

With the cache, their lines are looked up, those that are near each other in one go; without, the log is read once.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from evcli.cache import CacheFailed
from evcli.domain.event import Event, number_of
from evcli.log import START, Position
from evcli.log.reader import Reader
from evcli.register.history import History

if TYPE_CHECKING:
    from evcli.cache.cache import Cache

NEAR = 4_000
"""How far apart lines may begin that are read in one go, in bytes: reading those between costs less than a search."""


class Stamp(NamedTuple):
    """When an event happened, who did it, and why if that was said."""

    time: str
    by: str
    reason: str | None


class Stamps:
    """The stamps of the events about records of a kind, up to event `until`."""

    def __init__(self, history: History, reader: Reader, kind: str, until: int) -> None:
        self._history, self._reader, self._kind, self._until = history, Reader(reader.log), kind, until
        self._all: Mapping[int, Stamp] | None = None
        """Of all these events, once there is no cache."""
        self._late: Mapping[int, Stamp] | None = None
        """Of those that the cache did not know when it was first asked."""
        self._known = 0
        """The last event that is looked up in the cache."""

    def of(self, numbers: Collection[int]) -> Mapping[int, Stamp]:
        """The stamps of events with these numbers, about records of the kind. Raises Damaged."""
        cache = None if self._all is not None else self._history.cache(self._reader)
        if cache is not None:
            if self._late is None:
                self._known = cache.at.number
                self._late = self._read(cache.at) if self._known < self._until else {}
            late = {number: self._late[number] for number in numbers if number > self._known}
            try:
                return late | self._looked_up(cache, [number for number in numbers if number <= self._known])
            except CacheFailed as failed:
                self._history.give_up(failed)
        if self._all is None:
            self._all = self._read(START)
        return self._all

    def _read(self, start: Position) -> dict[int, Stamp]:
        subject, events = f"{self._kind}/", self._reader.events(start, self._until)
        return {number_of(event): _stamp(event) for event in events if event["subject"].startswith(subject)}

    def _looked_up(self, cache: "Cache", numbers: Collection[int]) -> dict[int, Stamp]:
        places = cache.state(self._known).places(self._kind, numbers)
        found: dict[int, Stamp] = {}
        for first, last in _runs(sorted(places.items())):
            before = self._reader.position_at(first)
            for event in self._reader.events(before, last):
                if (number := number_of(event)) in places:
                    found[number] = _stamp(event)
        if found.keys() != set(numbers):
            raise CacheFailed("one of its rows is missing", is_faulty=True)
        return found


def _runs(places: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Events whose lines are near each other: the byte at which the first begins, and the number of the last."""
    start, last, at = 0, 0, 0
    for number, place in places:
        if last and place - at > NEAR:
            yield start, last
            last = 0
        if not last:
            start = place
        last, at = number, place
    if last:
        yield start, last


def _stamp(event: Event) -> Stamp:
    return Stamp(event["time"], event["authid"], event["data"].get("reason"))
