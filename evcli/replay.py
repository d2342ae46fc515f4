"""Replay: events of a log become a state, and an event that breaks a rule becomes damage with a place.

Used for the present and for every past moment; the one loop whose speed is that of the whole fold.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evcli.domain.event import Event
from evcli.domain.state import State, step
from evcli.errors import Damaged, Refused
from evcli.eventlog.reading import START, LogReader, Position


def replay(
    reader: LogReader,
    state: State,
    start: Position = START,
    until: int | None = None,
    each: Callable[[Event], None] | None = None,
) -> None:
    """Take the events after `start`, up to event `until` (all, when None), into `state`; show each to `each`.

    Afterwards `reader.at` is the place after them.

    Raises:
        Damaged: an event is not what was written, or breaks a rule; `reader.at` is the place before it.
    """
    number = start.number
    with without_garbage_collection():
        for event in reader.events(start, until):
            number += 1
            try:
                step(state, event, number)
            except Refused as refused:
                reader.at = reader.position_at(reader.line_offset)
                why = f"event {number} ({event['type']}) breaks a rule: {refused.message}"
                raise Damaged(reader.path, number, reader.line_offset, why) from None
            if each:
                each(event)


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
