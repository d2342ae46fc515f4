"""Repair, on request: keep a copy of the file, then replace it with what the hash chain proves of it.

Each line vouches for the one before it. So whatever happened to the file (other line endings, a byte order mark, blank
or foreign lines, duplicate or reordered lines), the chain is followed from the first event through the whole file, and
a line that continues it is what was written. If two different lines do, neither can be trusted: nothing is repaired.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from evcli.disk import held_signals
from evcli.domain.event import Event
from evcli.domain.state import MemoryState, step
from evcli.errors import Damaged, NewerLog, NotALog, NothingToRepair, NotWritten, Refused
from evcli.kinds.data import fault_of
from evcli.log import START, Position
from evcli.log.file.engine import FileLog
from evcli.log.file.salvage import Found, Gone, candidates, kept, left_out, line_of
from evcli.log.line import BadLine, NewerLine, decode, hash_of, is_proved, place_after
from evcli.log.reader import Reader
from evcli.log.replay import replay
from evcli.register.past import Past
from evcli.register.verify import audit


class Plan(NamedTuple):
    """What a repair would do, or did."""

    fault: Damaged
    """The first bad line."""
    good: Position
    """The position in the damaged file up to which it is kept unchanged."""
    found: list[Found]
    """Where the following lines were found, in order."""
    head: Position
    """The position after the last event of the repaired file."""
    gone: list[Gone]
    gone_bytes: int


def plan(past: Past) -> Plan:
    """Work out what a repair would keep and leave out; changes nothing.

    Raises:
        NothingToRepair: the log is good, or ends in an unfinished append, which the next write moves to a file.
        LogCut: the log is good, but lost events that its cache knows; no repair can bring them back.
        NotALog: the file has no line of a log.
        NewerLog: a proved line needs a newer version of evcli.
        Damaged: two different lines continue the same event.
    """
    log = _file(past)
    report = audit(Reader(log))
    if isinstance(report.error, NewerLog):
        raise report.error
    if not isinstance(report.error, Damaged):
        past.history.check(past.reader)
        raise NothingToRepair(log.name, report.head.head, report.torn)
    good, found, head = _follow_chain(log, report.head)
    if isinstance(report.error, NotALog) and not head.number:
        raise report.error
    return Plan(report.error, good, found, head, *left_out(log.view, good, found))


def repair(past: Past, wait: float, held: ExitStack | None = None) -> tuple[Plan, str]:
    """Do what `plan` says, under the lock; return the plan and the path of the copy of the original file.

    Signals are held from before the first change until `held` is closed (without it, until this returns), so that a
    repair that is made is also announced. The log's cache is removed: it would know more than the log. `wait` is how
    many seconds to wait for the lock.

    Raises:
        NothingToRepair, LogCut, NotALog, NewerLog, Damaged: as `plan` does.
        NotWritten: the copy or the repaired log could not be written; the log is unchanged.
        OutcomeUnknown: the new name could not be synced.
        NoLog, Busy, CannotOpen: see there.
    """
    log = _file(past)
    with ExitStack() as own, log.locked(wait, may_create=False) as writer:
        planned = plan(past)
        (held or own).enter_context(held_signals())
        try:
            past.history.forget(writer.path)
        except OSError as error:
            why = f"{writer.path} was not repaired: its cache cannot be removed: {error.strerror}; it is unchanged"
            raise NotWritten(why) from error
        copy = writer.replace(planned.good.place, kept(log.view, planned.good, planned.found))
        log.notices = writer.notices
        return planned, copy


def _file(past: Past) -> FileLog:
    if not isinstance(past.log, FileLog):
        raise NotWritten(f"{past.log.name} is not a file; nothing was changed")
    return past.log


def _follow_chain(log: FileLog, good: Position) -> tuple[Position, list[Found], Position]:
    """The position up to which the file is kept, where the lines after it were found, and the new head.

    Raises NewerLog, and Damaged if two different lines continue the same event.
    """
    reader, state, ids = Reader(log), MemoryState(), set[str]()

    def note(events: Sequence[Event], _: Sequence[int]) -> None:
        ids.update(event["id"] for event in events)

    replay(reader, state, START, good.number, each=note)
    at, found, whole = good, list[Found](), 0
    whole_at = before = reader.position_of(int(good.batch.partition("-")[0]) - 1, good) if good.batch else good
    for number, group in groupby(candidates(log.view, good.place), key=attrgetter("number")):
        if number > at.number + 1:
            break
        lines = {line_of(log.view, each): each for each in group}
        proved = _proved(log, lines, number, at, good)
        if number <= at.number:
            continue
        if not proved:
            break
        try:
            event = _accepted(proved, at, state, ids)
        except NewerLine as newer:
            start = lines[proved].start
            raise NewerLog(log.name, log.view.line_number(start), start, str(newer)) from None
        if event is None:
            break
        found.append(lines[proved])
        at = place_after(event, proved, at.place + len(proved), at)
        if not at.batch:
            before, whole, whole_at = good, len(found), at
    return before, found[:whole], whole_at


def _proved(log: FileLog, lines: dict[bytes, Found], number: int, at: Position, good: Position) -> bytes:
    """The line that the hashes prove to be event `number`, or b"". Raises Damaged if there are several."""
    reader, is_next = Reader(log), number == at.number + 1
    previous = at if is_next else reader.position_of(number - 1, good)
    proved = [line for line in lines if is_proved(line, previous)]
    known = [] if is_next else [reader.position_of(number, good).sha256]
    if len({*known, *map(hash_of, proved)}) > 1:
        why = f"two different lines continue event {number - 1}, and nothing says which one was recorded"
        hint = "nothing was changed; compare a backup or a saved head, and remove the wrong line by hand"
        byte = lines[proved[-1]].start
        raise Damaged(log.name, log.view.line_number(byte), byte, why, hint)
    return proved[0] if proved else b""


def _accepted(line: bytes, place: Position, state: MemoryState, ids: set[str]) -> Event | None:
    """Apply the event in a proved line to the state; None if it breaks a rule. Raises NewerLine."""
    try:
        event = decode(line, place)
        if event["id"] in ids or fault_of(event):
            return None
        step(state, event, place.number + 1)
    except NewerLine:
        raise
    except (BadLine, Refused):
        return None
    ids.add(event["id"])
    return event
