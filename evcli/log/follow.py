"""Following the log: each event as it is appended, even if the log is truncated or replaced."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from evcli.domain.event import Event, number_of, recorded_moment
from evcli.errors import Damaged, NotALog
from evcli.log import START, Position, Seen
from evcli.log.reader import Reader

REMEMBERED = 256
"""How many recent positions are remembered, to find the one at which the log was truncated."""


def follow(
    reader: Reader, start: Position, *, pause: Callable[[], None], tell: Callable[[str], None]
) -> Iterator[Event]:
    """The events after `start`, then new ones as they are appended, fully checked. It never ends by itself.

    `pause` is called between two looks at the log; `tell` receives messages about what happened to it. After a
    truncation, everything after the last surviving event is new; in another log (its first event differs), all events.
    A new line that is bad is told, and waited for until it is repaired.

    Raises:
        NotALog: the log was replaced by something else.
        CannotOpen: the log was replaced by something that cannot be read.
    """
    known = _last_positions(reader, start)
    return _as_they_land(reader, known, reader.identity(), pause, tell)


def _as_they_land(
    reader: Reader,
    known: deque[Position],
    identity: str | None,
    pause: Callable[[], None],
    tell: Callable[[str], None],
) -> Iterator[Event]:
    seen: Seen = ""
    told = ""
    while True:
        if seen == "replaced" or not reader.follows(known[-1]):
            with suppress(Damaged):
                reader.log.head()  # another log of the same size and time shows only when it is read
            before, known_identity, identity = known[-1], identity, reader.identity()
            while known and not reader.follows(known[-1]):
                known.pop()
            if not known:
                known.append(reader.log.head() if identity == known_identity else START)
            tell(_what_happened(reader.log.name, seen, before, known[-1]))
        try:
            for event in reader.events(known[-1]):
                known.append(_position_after(event, reader.end))
                yield event
        except NotALog:
            raise
        except Damaged as damage:
            seen = ""
            if reader.follows(known[-1]):  # else truncated while it was read: the following lines have changed
                if told != (told := damage.message):
                    tell(f"{told}; waiting until it is repaired")
                pause()
                seen = _next_look(reader, known[-1], pause, tell)
            continue
        identity = identity or reader.identity()
        seen = _next_look(reader, known[-1], pause, tell)


def _next_look(reader: Reader, last: Position, pause: Callable[[], None], tell: Callable[[str], None]) -> Seen:
    """Wait until something happens to the log after the `last` event; returns what."""
    is_gone = False
    while True:
        seen = reader.log.wait(0)
        if seen == "gone":
            if not is_gone:
                tell(f"{reader.log.name} is gone; waiting for a new log")
            is_gone = True
        elif seen or is_gone or reader.log.end != last.place or not reader.follows(last):
            return seen
        pause()


def _last_positions(reader: Reader, end: Position) -> deque[Position]:
    first = reader.position_of(max(0, end.number - REMEMBERED), end)
    known = deque([first], maxlen=REMEMBERED)
    known.extend(_position_after(event, reader.end) for event in reader.events(first, stop=end.place))
    return known


def _position_after(event: Event, place: int) -> Position:
    sha256 = event["sha256"].encode()
    return Position(number_of(event), place, sha256, recorded_moment(event), batch=None, source=event["source"])


def _what_happened(name: str, seen: Seen, before: Position, now: Position) -> str:
    what = "it was replaced by another file" if seen == "replaced" else "the log was truncated"
    lost = "" if now == before else f", and event {before.number}, shown above, is no longer in the log"
    return f"{name}: {what}{lost}; continuing after event {now.number}"
