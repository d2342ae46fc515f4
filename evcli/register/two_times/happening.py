"""What happened to records in the order in which it happened: of one record, of many, and between two points of view.

It is asked of a time and of an event: what had happened by then, as it is known after that event.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from evcli.domain.event import Event, Subject, number_of, subject_of
from evcli.domain.kind import Kind
from evcli.domain.timeline import happenings, when
from evcli.kinds import KINDS
from evcli.log import START
from evcli.log.reader import Reader
from evcli.register.changes import FEW, MANY, Change
from evcli.register.diff import Difference
from evcli.register.history import History
from evcli.register.setters import About, Setting, followed, of_one, settings
from evcli.register.two_times.as_of import events_as_of

AT_ONCE = 1000
"""Of more records than that, the events are found by one reading of the log rather than record by record."""


View = tuple[str, int]
"""A time, as stored, and the number of the event after which is asked what is known of it."""


class Happenings:
    """What happened to records, by all that is known after event `number`. It raises Damaged, LogCut."""

    def __init__(self, history: History, reader: Reader, about: About, number: int) -> None:
        self._history, self._reader, self._about, self.number = history, reader, about, number

    def events(self, kind: Kind, id: int) -> Sequence[Event]:
        """All events about one record, in the order in which they were recorded."""
        return of_one(self._history, self._reader, self._about, kind, id, 0, self.number)[2]

    def events_as_of(self, kind: Kind, id: int, until: str) -> list[Event]:
        """Those of them that had happened by a time, in that order."""
        return [event for event, _, _ in happenings(kind, self.events(kind, id), until)]

    def blame(self, kind: Kind, id: int, until: str) -> list[Setting]:
        """The fields of a record at a time, each with the event that set it; see `setters.blame`."""
        return settings(kind, id, self.events_as_of(kind, id, until))

    def changes(self, events: Iterable[Event], until: str) -> Iterator[Change]:
        """These events, each with its record before and after it in the order in which things happened to that record.

        An event that could not happen yet, as it does not fit where it happened, changes nothing.
        """
        waiting, size = iter(events), FEW
        while some := list(islice(waiting, size)):
            found: dict[int, tuple[Any, Any]] = {}
            for (kind, _), every in self.of_many(map(subject_of, some)).items():
                found |= {number_of(event): (old, new) for event, old, new in happenings(KINDS[kind], every, until)}
            yield from ((event, *found.get(number_of(event), (None, None))) for event in some)
            size = min(4 * size, MANY)

    def of_many(self, subjects: Iterable[Subject]) -> dict[Subject, Sequence[Event]]:
        """The events about each of these records."""
        wanted = set(subjects)
        if len(wanted) <= AT_ONCE and self._history.cache(self._reader) is not None:
            return {(kind, id): self.events(KINDS[kind], id) for kind, id in wanted}
        found: dict[Subject, list[Event]] = {subject: [] for subject in wanted}
        for event in Reader(self._reader.log).events(START, self.number):
            if (subject := subject_of(event)) in found:
                found[subject].append(event)
        return {**found}


def diff_as_of(
    history: History, reader: Reader, about: About, first: View, second: View, one: tuple[Kind, int] | None
) -> list[Difference]:
    """The records, or the one, that differ between two views, by kind and id, with the events that count in one only.

    A field's event is the one that set it in the view that is wider: of a later event, else of a later time.
    Raises Damaged, LogCut.
    """
    is_backward = second[::-1] < first[::-1]
    narrow, wide = (second, first) if is_backward else (first, second)
    of = Happenings(history, reader, about, max(first[1], second[1]))
    if one is not None:
        every = {(one[0].name, one[1]): of.events(*one)}
    else:
        every = of.of_many(_subjects(history, reader, narrow, wide))
    found = (_difference(KINDS[kind], every[kind, id], (narrow, wide), is_backward) for kind, id in sorted(every))
    return [each for each in found if each.events]


def _subjects(history: History, reader: Reader, narrow: View, wide: View) -> set[Subject]:
    """The records with events that count in one of the views only, and perhaps some more."""

    def between(view: View, start: str, after: int) -> set[Subject]:
        return {
            subject_of(event)
            for event in events_as_of(history, reader, *view, start=start, after=after, backward=False)
        }

    found = between(wide, "", narrow[1])
    earlier, later = sorted((narrow, wide))
    if earlier[0] < later[0]:
        found |= between(later, earlier[0], 0)
    return found


def _difference(kind: Kind, events: Sequence[Event], views: tuple[View, View], is_backward: bool) -> Difference:
    """A record as it is in the narrower and in the wider view."""
    narrow, wide = (
        list(happenings(kind, (event for event in events if number_of(event) <= number), until))
        for until, number in views
    )
    alone = {number_of(event) for event, _, _ in narrow} ^ {number_of(event) for event, _, _ in wide}
    between = sorted((event for event in events if number_of(event) in alone), key=when)
    _, set_in_narrow = followed(kind, None, [event for event, _, _ in narrow])
    _, set_in_wide = followed(kind, None, [event for event, _, _ in wide])
    before, after = (side[-1][2] if side else None for side in (narrow, wide))
    if is_backward:
        before, after = after, before
    return Difference(kind, before, after, between, is_backward, set_in_narrow | set_in_wide)
