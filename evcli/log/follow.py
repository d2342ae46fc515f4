"""Following the log: each event as it lands, also past a cut and past another file in the log's place.

Nothing is locked that a writer could feel: the file is looked at, and read when it has changed.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

import orjson

from evcli.domain.event import Event, number_of, recorded_moment
from evcli.errors import Damaged, NoLog
from evcli.log import START, Position
from evcli.log.reader import LogReader

REMEMBERED = 256
"""So many of the last places are kept in mind: among them is looked for the one at which the log was cut."""


def follow(
    reader: LogReader, start: Position, *, wait: Callable[[], None], tell: Callable[[str], None]
) -> Iterator[Event]:
    """The events after `start`, and then each that lands, with every check made. It never ends by itself.

    Between two looks at the file, `wait` is called; `tell` is given what happened to it, in words. After a cut, what
    follows the last event that is still there is new; of another log, one that begins with another event, all is.

    Raises:
        Damaged: what landed is not what should stand there.
        CannotOpen: what is now in the log's place cannot be read.
    """
    return _as_they_land(reader, _places_up_to(reader, start), _identity(reader), wait, tell)


def _as_they_land(
    reader: LogReader,
    known: deque[Position],
    identity: str | None,
    wait: Callable[[], None],
    tell: Callable[[str], None],
) -> Iterator[Event]:
    seen: tuple[int, ...] | None = ()
    while True:
        found = _look_at(reader.path)
        if found == seen and (found is None or reader.follows(known[-1])):
            wait()
            continue
        seen = found
        if found is None:
            tell(f"{reader.path} is gone; waiting until there is a log again")
            continue
        is_another = found[:2] != (_look_at(reader.descriptor) or ())[:2]
        if is_another and not _reopen(reader):
            seen = ()  # gone again
            continue
        reader.refresh()
        if is_another or not reader.follows(known[-1]):
            before, known_identity, identity = known[-1], identity, _identity(reader)
            _forget_what_is_gone(reader, known)
            if not known:
                known.append(reader.last() if identity == known_identity else START)
            tell(_what_happened(reader.path, is_another, before, known[-1]))
        try:
            for event in reader.events(known[-1]):
                known.append(_place_after(event, reader.line_offset))
                yield event
        except Damaged:
            if reader.follows(known[-1]):
                raise
            seen = ()  # cut while it was read: the bytes after the cut are others now
        identity = identity or _identity(reader)


def _look_at(file: str | int) -> tuple[int, ...] | None:
    """Which file it is, and what changes when it is written to; None when it is not there."""
    try:
        found = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _reopen(reader: LogReader) -> bool:
    """Let the reader read what is at its path now; False when that is gone again."""
    try:
        fresh = LogReader(reader.path)
    except NoLog:
        return False
    reader.descriptor, fresh.descriptor = fresh.descriptor, reader.descriptor
    fresh.close()
    return True


def _identity(reader: LogReader) -> str | None:
    """The hash of event 1, by which one log is told from another; None of an empty log."""
    first = next(reader.events(until=1), None)
    return first["sha256"] if first else None


def _places_up_to(reader: LogReader, end: Position) -> deque[Position]:
    places: deque[Position] = deque(maxlen=REMEMBERED)
    offset = end.offset
    for event in islice(reader.events_backward(end), REMEMBERED):
        length = _length(event)
        places.appendleft(_place_after(event, offset - length))
        offset -= length
    if offset == 0 and len(places) < REMEMBERED:
        places.appendleft(START)
    return places


def _forget_what_is_gone(reader: LogReader, known: deque[Position]) -> None:
    while known and not reader.follows(known[-1]):
        known.pop()


def _place_after(event: Event, offset: int) -> Position:
    """The place after an event whose line begins at byte `offset`."""
    sha256 = event["sha256"].encode()
    end = offset + _length(event)
    return Position(number_of(event), end, sha256, recorded_moment(event), batch=None, source=event["source"])


def _length(event: Event) -> int:
    return len(orjson.dumps(event)) + 1


def _what_happened(path: str, is_another: bool, before: Position, now: Position) -> str:
    what = "another file took its place" if is_another else "the log was cut"
    lost = "" if now == before else f", and event {before.number}, shown above, is no longer in the log"
    return f"{path}: {what}{lost}; going on after event {now.number}"
