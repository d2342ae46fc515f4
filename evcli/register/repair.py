"""Repair, when asked: keep the whole file, then put what the hashes prove of it in its place.

Each line vouches for the one before it. So whatever happened to the file (other line ends, a byte order mark, blank or
foreign lines, lines twice or in another order), the chain is followed from the first event through all of it, and what
continues it is what was written. Where two different lines do, nobody can say which, and nothing is repaired.
"""

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from evcli.disk import held_signals
from evcli.domain.event import Event
from evcli.domain.packed import PackedState
from evcli.domain.state import step
from evcli.errors import Damaged, NewerLog, NotALog, NothingToRepair, NotWritten, Refused
from evcli.log import START, Position
from evcli.log.blocks import CHUNK, LINE_END
from evcli.log.faults import cut_lines
from evcli.log.file.engine import LogWriter
from evcli.log.line import (
    FIRST_BYTES,
    MAX_BATCH,
    MAX_LINE,
    BadLine,
    NewerLine,
    decode,
    decode_alone,
    hash_of,
    is_proved,
    place_after,
)
from evcli.log.reader import LogReader
from evcli.log.replay import replay
from evcli.register.verify import audit


class Gone(NamedTuple):
    """One line of the file that a repair leaves out: its number, first byte, and the event in it, if it has one."""

    line: int
    byte: int
    event: Event | None


class Plan(NamedTuple):
    """What a repair would do, or did."""

    fault: Damaged
    """The first bad line."""
    good: Position
    """The place in the damaged file up to which it stays as it is."""
    found: list[tuple[int, int]]
    """Where the lines that follow are found, in their order: the first byte, and the one after the last."""
    head: Position
    """The place after the last event, in the repaired file."""
    gone: list[Gone]
    gone_bytes: int


def plan(reader: LogReader) -> Plan:
    """What a repair would keep and leave out, changing nothing.

    Raises:
        NothingToRepair: the log is good, or has only an unfinished append, which the next write puts aside.
        NotALog: no line of a log is in it.
        NewerLog: a proved line is newer than this version.
        Damaged: two different lines continue the same event.
    """
    report = audit(reader)
    if isinstance(report.error, NewerLog):
        raise report.error
    if not isinstance(report.error, Damaged):
        raise NothingToRepair(reader.path, report.head.head, report.torn)
    good, found, head = _follow_chain(reader, report.head)
    if isinstance(report.error, NotALog) and not head.number:
        raise report.error
    gone, gone_bytes = _left_out(reader, good, found)
    return Plan(report.error, good, found, head, gone, gone_bytes)


def mend(
    writer: LogWriter, held: ExitStack | None = None, *, forget: Callable[[str], None] = lambda path: None
) -> tuple[Plan, str]:
    """Do what `plan` says, under the lock; the plan, and the path of the copy of the whole file as it was.

    From before anything is changed until `held` is closed, signals are held, so that a repair is announced if it is
    made; without it, until this returns. `forget` removes what is kept of the log at a path: it would know more than
    the log has then. May raise OSError.

    Raises:
        NothingToRepair, NotALog, NewerLog, Damaged: as `plan` does.
        NotWritten: the copy or the repaired log could not be made; the log is as it was.
        OutcomeUnknown: the new name could not be synced.
    """
    planned = plan(writer.reader)
    with ExitStack() as own:
        (held or own).enter_context(held_signals())
        try:
            forget(writer.path)
        except OSError as error:
            why = f"{writer.path} was not repaired: its cache cannot be removed: {error.strerror}; it is as it was"
            raise NotWritten(why) from error
        return planned, writer.replace(planned.good.offset, _kept(writer.reader, planned))


def _kept(reader: LogReader, planned: Plan) -> Iterator[bytes]:
    for at in range(0, planned.good.offset, CHUNK):
        yield reader.read(min(CHUNK, planned.good.offset - at), at)
    lines: list[bytes] = []
    for start, stop in planned.found:
        lines.append(reader.read(stop - start, start) + b"\n")
        if len(lines) == 1000:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)


def _follow_chain(reader: LogReader, good: Position) -> tuple[Position, list[tuple[int, int]], Position]:
    """Up to where the file stays, where the lines after that are found, and the head then.

    Raises NewerLog, and Damaged where two different lines continue the same event.
    """
    state, ids = PackedState(), set[str]()

    def note(events: Sequence[Event], _: Sequence[int]) -> None:
        ids.update(event["id"] for event in events)

    replay(reader, state, START, good.number, each=note)
    candidates = sorted(_candidates(reader, good.offset))
    place = good
    found: list[tuple[int, int]] = []
    whole = 0
    whole_place = before = reader.position_of(int(good.batch.partition("-")[0]) - 1) if good.batch else good
    for number, group in groupby(candidates, key=itemgetter(0)):
        if number > place.number + 1:
            break
        is_next = number == place.number + 1
        previous = place if is_next else reader.position_of(number - 1, good)
        lines = {reader.read(stop - start, start) + b"\n": (start, stop) for _, start, stop in group}
        proved = [line for line in lines if is_proved(line, previous)]
        known = [] if is_next else [reader.position_of(number, good).sha256]
        if len({*known, *map(hash_of, proved)}) > 1:
            raise _fork(reader, number, lines[proved[-1]][0])
        if not is_next:
            continue
        if not proved:
            break
        start, stop = lines[proved[0]]
        try:
            event = _accepted(proved[0], place, state, ids)
        except NewerLine as newer:
            raise NewerLog(reader.path, reader.line_number(start), start, str(newer)) from None
        if event is None:
            break
        found.append((start, stop))
        place = place_after(event, proved[0], place.offset + len(proved[0]), place)
        if not place.batch:
            before, whole, whole_place = good, len(found), place
    return before, found[:whole], whole_place


def _fork(reader: LogReader, number: int, byte: int) -> Damaged:
    why = f"two different lines continue event {number - 1}, and nothing says which one was recorded"
    hint = "nothing was changed; a backup or a head kept elsewhere can tell: remove the other line by hand"
    return Damaged(reader.path, reader.line_number(byte), byte, why, hint)


def _accepted(line: bytes, place: Position, state: PackedState, ids: set[str]) -> Event | None:
    """The event in a proved line, taken into the state; None when it breaks a rule. Raises NewerLine."""
    try:
        event = decode(line, place)
        if event["id"] in ids:
            return None
        step(state, event, place.number + 1)
    except NewerLine:
        raise
    except (BadLine, Refused):
        return None
    ids.add(event["id"])
    return event


_SEQUENCE = re.compile(rb',"sequence":"([0-9]{12})"')


def _candidates(reader: LogReader, begin: int) -> Iterator[tuple[int, int, int]]:
    """Whatever looks like an event's line from byte `begin` on: the number it says, its first byte, and its end."""
    offset, rest = begin, b""
    size = reader.size()
    while offset < size:
        chunk = os.pread(reader.descriptor, min(MAX_BATCH, size - offset), offset)
        if not chunk:
            break
        text, at = rest + chunk, offset - len(rest)
        offset += len(chunk)
        last = 0
        for match in LINE_END.finditer(text):
            for start in _starts(text, max(last, match.end() - MAX_LINE), match.start()):
                if sequence := _SEQUENCE.search(text, start, match.start()):
                    yield int(sequence[1]), at + start, at + match.end()
            last = match.end()
        rest = text[max(last, len(text) - MAX_LINE) :]


def _starts(text: bytes, begin: int, end: int) -> Iterator[int]:
    """Where a line may begin between two places in the text: at a line's first byte, or as every line begins."""
    start = text.find(b"{", begin, end)
    while start >= 0:
        if start == begin or text[start - 1 : start] == b"\n" or text.startswith(FIRST_BYTES, start):
            yield start
        start = text.find(b"{", start + 1, end)


def _left_out(reader: LogReader, good: Position, found: list[tuple[int, int]]) -> tuple[list[Gone], int]:
    """The lines of the file after `good` in which no event begins that is kept, and how many bytes they have."""
    starts = sorted(start for start, _ in found)
    lines = cut_lines(reader, good.offset, reader.size())
    gone, size = [], 0
    for number, ((byte, line), (end, _)) in enumerate(pairwise(chain(lines, [(reader.size(), b"")])), good.number + 1):
        at = bisect_left(starts, byte)
        if not line.strip() or (at < len(starts) and starts[at] < end):
            continue
        gone.append(Gone(number, byte, _readable(line)))
        size += end - byte
    return gone, size


def _readable(line: bytes) -> Event | None:
    with suppress(BadLine):
        return decode_alone(line)
    return None
