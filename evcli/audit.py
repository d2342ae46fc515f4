"""The audit of a whole log: form, chain, unique ids, rules, and whether a head kept elsewhere lies on its chain."""

from contextlib import suppress
from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.domain.state import MemoryState
from evcli.errors import Damaged, EvcliError, HistoryChanged
from evcli.eventlog.file import sync
from evcli.eventlog.format import NO_HASH
from evcli.eventlog.reading import LogReader, Position
from evcli.eventlog.survey import Fault, survey
from evcli.replay import replay

MOST_FAULTS = 100
"""So many faults are listed at the most; a log with more has one cause, and the first ones show it."""


class Report(NamedTuple):
    """What an audit found: `good`, `torn` (good, with an unfinished append at the end) or `damaged`."""

    status: str
    head: Position
    """The place after the last event before the first fault."""
    torn: int
    """Bytes of an unfinished append after the last event."""
    faults: list[Fault]
    error: EvcliError | None
    """The first fault, or the head that is not on the chain, as an error."""


def audit(reader: LogReader, expect: tuple[int, str] | None = None) -> Report:
    """Read everything and check everything, changing nothing; `expect` is the number and hash of a head kept elsewhere.

    The log is synced first, so that a head that is handed to somebody is durable.
    """
    with suppress(OSError):  # a read-only file system has nothing to sync
        sync(reader.descriptor)
    ids: set[str] = set()
    faults: list[Fault] = []
    kept = {0: NO_HASH.decode()}

    def note(event: Event) -> None:
        if event["id"] in ids:
            faults.append(Fault(number_of(event), reader.line_offset, f"id {event['id']} is not unique in the log"))
        ids.add(event["id"])
        if expect and expect[0] == number_of(event):
            kept[expect[0]] = event["sha256"]

    try:
        replay(reader, MemoryState(), each=note)
    except Damaged as damage:
        return _damaged(reader, damage, faults)
    head = reader.at
    error: Damaged | None = None
    if faults:
        error = Damaged(reader.path, *faults[0])
    elif expect and kept.get(expect[0]) != expect[1]:
        found = kept.get(expect[0])
        why = (
            f"the log ends with event {head.number}, before it"
            if found is None
            else f"its sha256 is {found[:12]}… here"
        )
        error = HistoryChanged(reader.path, expect, head.offset if found is None else None, why)
        faults.append(Fault(error.line, error.byte, error.why))
    status = "damaged" if error else "torn" if reader.end.torn else "good"
    return Report(status, head, reader.end.torn, faults[:MOST_FAULTS], error)


def _damaged(reader: LogReader, damage: Damaged, faults: list[Fault]) -> Report:
    """The report of a log with a bad line: what was found up to there, and the faults of form and chain after it."""
    place = reader.at
    faults.append(Fault(damage.line, damage.byte, damage.why))
    for fault in survey(reader, place):
        if len(faults) == MOST_FAULTS:
            break
        if fault.line != damage.line:
            faults.append(fault)
    return Report("damaged", place, 0, faults, damage)
