"""Replay: events of a log become a state, and an event that breaks a rule becomes damage with a place.

Used for the present and for every past moment; the one loop whose speed is that of the whole fold.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evcli.domain.event import Event
from evcli.domain.state import State, step
from evcli.errors import Damaged, Refused
from evcli.eventlog.position import START, Position
from evcli.eventlog.reading import LogReader


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
        for events, lines in reader.bundles(start, until):
            state.prepare(events)
            offset = reader.line_offset
            for line, event in zip(lines, events, strict=True):
                number += 1
                reader.line_offset = offset
                try:
                    step(state, event, number)
                except Refused as refused:
                    reader.at = reader.position_at(offset)
                    why = f"event {number} ({event['type']}) breaks a rule: {refused.message}"
                    raise Damaged(reader.path, number, offset, why) from None
                if each:
                    each(event)
                offset += len(line)


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
