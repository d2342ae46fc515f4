"""The audit of a whole log: form, chain, unique ids, rules, and whether a head kept elsewhere lies on its chain."""

from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.domain.state import MemoryState
from evcli.errors import Damaged, EvcliError, HistoryChanged
from evcli.eventlog.format import NO_HASH
from evcli.eventlog.position import Position
from evcli.eventlog.reading import LogReader
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
    reader.sync()
    ids: set[str] = set()
    faults: list[Fault] = []
    kept = {0: (NO_HASH.decode(), 0)}

    def note(event: Event) -> None:
        if event["id"] in ids:
            faults.append(Fault(number_of(event), reader.line_offset, f"id {event['id']} is not unique in the log"))
        ids.add(event["id"])
        if expect and expect[0] == number_of(event):
            kept[expect[0]] = (event["sha256"], reader.line_offset)

    try:
        replay(reader, MemoryState(), each=note)
    except Damaged as damage:
        return _damaged(reader, damage, faults)
    head = reader.at
    if not faults and expect and kept.get(expect[0], ("",))[0] != expect[1]:
        found, byte = kept.get(expect[0], ("", head.offset))
        why = f"its sha256 is {found[:12]}… here" if found else f"the log ends with event {head.number}, before it"
        changed = HistoryChanged(reader.path, expect, byte, why)
        return Report("damaged", head, reader.end.torn, [Fault(changed.line, changed.byte, changed.why)], changed)
    return _report(reader, head, faults)


def _damaged(reader: LogReader, damage: Damaged, faults: list[Fault]) -> Report:
    """The report of a log with a bad line: what was found up to there, and the faults of form and chain after it."""
    place = reader.at
    faults.append(Fault(damage.line, damage.byte, damage.why))
    for fault in survey(reader, place):
        if len(faults) >= MOST_FAULTS:
            break
        if fault.line != damage.line:
            faults.append(fault)
    report = _report(reader, place, faults)
    return report._replace(error=damage) if damage.byte == faults[0].byte else report


def _report(reader: LogReader, head: Position, faults: list[Fault]) -> Report:
    if not faults:
        return Report("torn" if reader.end.torn else "good", head, reader.end.torn, [], None)
    first = faults[0]
    before = reader.position_at(first.byte) if first.byte < head.offset else head
    return Report("damaged", before, 0, faults[:MOST_FAULTS], Damaged(reader.path, *first))
