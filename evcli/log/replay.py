"""Replay: events of a log become a state, and an event that breaks a rule becomes damage with a place.

Used for the present and for every past moment; the one loop whose speed is that of the whole fold.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, count

from evcli.domain.event import Event
from evcli.domain.state import State, step
from evcli.errors import Damaged, Refused
from evcli.log import START, Position
from evcli.log.reader import LogReader


def replay(
    reader: LogReader,
    state: State,
    start: Position = START,
    until: int | None = None,
    each: Callable[[Sequence[Event], Sequence[int]], None] | None = None,
) -> None:
    """Take the events after `start`, up to event `until` (all, when None), into `state`.

    They are shown to `each` once they are taken, many at a time, with the bytes at which their lines begin. Meanwhile
    `reader.line_offset` is where the line of the one that is taken begins; afterwards `reader.at` is the place after
    them.

    Raises:
        Damaged: an event is not what was written, or breaks a rule; `reader.at` is the place before it.
    """
    number = start.number
    with without_garbage_collection():
        for events, lines in reader.bundles(start, until):
            state.prepare(events)
            first = number + 1
            *offsets, _ = accumulate(map(len, lines), initial=reader.line_offset)
            try:
                for number, event, reader.line_offset in zip(count(first), events, offsets, strict=False):
                    step(state, event, number)
            except Refused as refused:
                taken = number - first
                if each and taken:
                    each(events[:taken], offsets[:taken])
                reader.at = reader.position_at(offsets[taken])
                why = f"event {number} ({events[taken]['type']}) breaks a rule: {refused.message}"
                raise Damaged(reader.path, number, offsets[taken], why) from None
            if each:
                each(events, offsets)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause the collector: a fold makes no cycles, but hundreds of thousands of objects to look through for some."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
