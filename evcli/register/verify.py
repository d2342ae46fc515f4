"""The audit of a whole log: format, chain, unique ids, rules, and whether a saved head lies on its chain."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.domain.state import MemoryState
from evcli.errors import Damaged, EvcliError, HistoryChanged, LogCut, NewerLog
from evcli.log import START, Position
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.faults import Fault, survey

MOST_FAULTS = 100
"""At most this many faults are listed; a log with more has one cause, and the first ones show it."""


class Report(NamedTuple):
    """The result of an audit: `good`, `torn` (good, with an unfinished append at the end), `damaged` or `newer`."""

    status: str
    head: Position
    """The position after the last event before the first fault."""
    torn: int
    """Bytes of an unfinished append after the last event."""
    faults: list[Fault]
    error: EvcliError | None
    """The first fault, the newer line, or the saved head that is not on the chain, as an error."""
    is_unterminated: bool = False
    """Whether the newline of the last event is missing."""
    marks: Mapping[int, str] = MappingProxyType({})
    """The hashes of the events that were asked for, by number, as far as there are such events."""


def audit(reader: Reader, expect: tuple[int, str] | None = None, marked: Collection[int] = ()) -> Report:
    """Read and check everything, changing nothing; `expect` is the number and hash of a saved head.

    The report has the hashes of the events whose numbers are `marked`.
    The log is synced first, so that the reported head is durable.
    """
    reader.log.sync()
    ids = Ids()
    marks = {0: START.sha256.decode()}
    numbers = sorted({*marked, expect[0]} if expect else {*marked})

    def note(events: Sequence[Event], _: Sequence[int]) -> None:
        ids.add(events)
        first = number_of(events[0])
        for number in numbers[bisect_left(numbers, first) : bisect_left(numbers, first + len(events))]:
            marks[number] = events[number - first]["sha256"]

    return _audited(reader, ids, note, expect, marks)._replace(marks=marks)


def _audited(
    reader: Reader,
    ids: "Ids",
    note: Callable[[Sequence[Event], Sequence[int]], None],
    expect: tuple[int, str] | None,
    marks: Mapping[int, str],
) -> Report:
    damage: Damaged | None = None
    try:
        damage = _replay(reader, note)
    except NewerLog as newer:
        # By all the rules this version knows, nothing is wrong; it cannot check the rest.
        return Report("newer", reader.at, 0, [], newer.with_traceback(None), reader.log.unfinished()[1])
    head = reader.at
    faults: list[Fault] = []
    if ids.may_repeat():
        try:
            faults += islice(_repeated(reader, ids, head), MOST_FAULTS)
        except Damaged as change:  # changed since it was replayed
            damage, head = change, reader.at
    if damage:
        return _damaged(reader, head, damage, faults)
    if not faults and expect and marks.get(expect[0]) != expect[1]:
        found = marks.get(expect[0])
        byte = reader.position_of(max(0, expect[0] - 1)).place if found else head.place
        why = f"its sha256 is {found[:12]}… here" if found else f"the log ends with event {head.number}, before it"
        changed = HistoryChanged(reader.log.name, expect, byte, why)
        return Report(
            "damaged", head, reader.log.unfinished()[0], [Fault(changed.line, changed.byte, changed.why)], changed
        )
    return _report(reader, head, faults)


class Ids:
    """Finds duplicate ids with eight bytes per event, where a set of the ids would take a hundred or more.

    Only hashes are kept. If two are equal, the ids themselves are read again, so a collision is harmless; and Python
    seeds its hash per process, so that nobody can craft a log full of collisions.
    """

    def __init__(self) -> None:
        self._hashes = array("q")

    def add(self, events: Sequence[Event]) -> None:
        """Add the ids of more events."""
        self._hashes.extend([hash(event["id"]) for event in events])

    def may_repeat(self) -> bool:
        """Whether two ids may be the same."""
        # A quarter at a time: a set of all would be the most memory that an audit takes.
        hashes = self._hashes
        return sum(len({each for each in hashes if each & 3 == rest}) for rest in range(4)) < len(hashes)

    def repeated(self, events: Iterator[Event]) -> Iterator[Event]:
        """Those of `events` (the ones that were added) whose id an earlier one has."""
        twice = {each for each, count in Counter(self._hashes).items() if count > 1}
        seen: set[str] = set()
        for event, each in zip(events, self._hashes, strict=False):  # fewer if the log was truncated meanwhile
            if each in twice:
                if event["id"] in seen:
                    yield event
                seen.add(event["id"])


def _replay(reader: Reader, each: Callable[[Sequence[Event], Sequence[int]], None]) -> Damaged | None:
    """Replay the log against the rules; return the damage, if any. The state is freed on return."""
    try:
        replay(reader, MemoryState(), each=each)
    except Damaged as damage:
        return damage.with_traceback(None)
    return None


def _repeated(reader: Reader, ids: Ids, end: Position) -> Iterator[Fault]:
    """The events before `end` whose id an earlier one has. Raises Damaged if the log was changed meanwhile."""
    for event in ids.repeated(reader.events(until=end.number)):
        yield Fault(number_of(event), reader.place, f"id {event['id']} is not unique in the log")


def _damaged(reader: Reader, place: Position, damage: Damaged, faults: list[Fault]) -> Report:
    """The report of a log with a bad line after `place`: the faults found before it, and format faults after it."""
    faults.append(Fault(damage.line, damage.byte, damage.why))
    for fault in survey(reader.log, place):
        if len(faults) >= MOST_FAULTS:
            break
        if fault.line != damage.line:
            faults.append(fault)
    report = _report(reader, place, faults)
    return report._replace(error=damage) if damage.byte == faults[0].byte else report


def _report(reader: Reader, head: Position, faults: list[Fault]) -> Report:
    if not faults:
        torn, is_unterminated = reader.log.unfinished()
        return Report("torn" if torn else "good", head, torn, [], None, is_unterminated)
    first = faults[0]
    before = reader.position_at(first.byte) if first.byte < head.place else head
    return Report("damaged", before, 0, faults[:MOST_FAULTS], Damaged(reader.log.name, *first))


def cut(report: Report, lost: LogCut) -> Report:
    """The report of a log that lost events its cache knows: a fault that its own lines cannot show."""
    return report._replace(status="damaged", faults=[Fault(lost.line, lost.byte, lost.why)], error=lost)


def changed_meanwhile(error: Damaged) -> Report:
    """The report of a log that was changed while it was being read."""
    return Report("damaged", START, 0, [Fault(error.line, error.byte, error.why)], error)
