"""Mending a damaged log, when asked: keep a full copy, cut at the first bad line, lose nothing that was good before it.

What follows a bad line cannot be kept: each line vouches for the one before it, and past a break none can be trusted.
The copy has it all, for whoever wants to look.
"""

from collections.abc import Callable
from typing import NamedTuple

from evcli.audit import audit
from evcli.domain.event import Event
from evcli.errors import Damaged, NotALog, NothingToRepair, NotWritten
from evcli.eventlog.file import LogWriter
from evcli.eventlog.format import BadLine, decode_alone
from evcli.eventlog.position import Position
from evcli.eventlog.reading import LogReader
from evcli.eventlog.signals import held_signals
from evcli.eventlog.survey import cut_lines


class Gone(NamedTuple):
    """One line that a repair cuts: its number and first byte, and the event in it, where it still can be read."""

    line: int
    byte: int
    event: Event | None


class Plan(NamedTuple):
    """What a repair would do, or did."""

    fault: Damaged
    """The first bad line, where the log is cut."""
    head: Position
    """The place after the last event that stays."""
    gone: list[Gone]
    gone_bytes: int


def plan(reader: LogReader) -> Plan:
    """What a repair would cut, changing nothing.

    Raises:
        NothingToRepair: the log is good, or has but an unfinished append, which the next write puts aside.
        NotALog: it never was a log, and is not to be emptied.
    """
    report = audit(reader)
    if not isinstance(report.error, Damaged):
        raise NothingToRepair(reader.path, report.head.head, report.torn)
    if isinstance(report.error, NotALog):
        raise report.error
    fault = report.faults[0]
    head = reader.position_at(fault.byte)
    lines = enumerate(cut_lines(reader, fault.byte), fault.line)
    gone = [Gone(number, byte, _readable(line)) for number, (byte, line) in lines]
    return Plan(report.error, head, gone, reader.size() - fault.byte)


def mend(
    writer: LogWriter,
    answer: Callable[[Plan, str], None] = lambda planned, copy: None,
    *,
    forget: Callable[[str], None] = lambda path: None,
) -> tuple[Plan, str]:
    """Do what `plan` says, under the lock; the plan, and the path of the copy of the whole file as it was.

    `answer` is given them while signals are held, so that a cut is announced if it is made. Before that, `forget`
    is to remove what is kept of the log at a path: it would know more than the log has then. May raise OSError.

    Raises:
        NothingToRepair, NotALog: as `plan` does.
        NotWritten: the copy could not be made, or the log not be cut; it is as it was.
        OutcomeUnknown: the cut could not be synced.
    """
    planned = plan(writer.reader)
    with held_signals():
        try:
            forget(writer.path)
        except OSError as error:
            why = f"{writer.path} was not cut: its cache cannot be removed: {error.strerror}; it is as it was"
            raise NotWritten(why) from error
        copy = writer.cut(planned.head.offset)
        answer(planned, copy)
    return planned, copy


def _readable(line: bytes) -> Event | None:
    try:
        return decode_alone(line)
    except BadLine:
        return None
