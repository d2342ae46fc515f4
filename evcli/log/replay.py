"""Replay: fold the events of a log into a state; an event that breaks a rule is damage, reported with its place.

Used for the present and for every past moment; this loop sets the speed of every fold.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from evcli.domain.event import Event
from evcli.domain.state import State, step
from evcli.errors import Damaged, Refused
from evcli.log import START, Position
from evcli.log.reader import Reader


def replay(
    reader: Reader,
    state: State,
    start: Position = START,
    until: int | None = None,
    each: Callable[[Sequence[Event], Sequence[int]], None] | None = None,
    stop: int | None = None,
) -> None:
    """Apply the events after `start`, up to event `until` or the place `stop` (None: all), to `state`.

    `each` receives them in chunks once they are applied, with the places where their lines begin. Afterwards
    `reader.at` is the position after them.

    Raises:
        Damaged: an event is not what was written, or breaks a rule; `reader.at` is the position before it.
    """
    number = start.number
    with without_garbage_collection():
        for events, places in reader.bundles(start, until, stop):
            state.prepare(events)
            first = number + 1
            try:
                for number, event in enumerate(events, first):
                    step(state, event, number)
            except Refused as refused:
                taken = number - first
                if each and taken:
                    each(events[:taken], places[:taken])
                reader.at = reader.position_at(places[taken])
                why = f"event {number} ({events[taken]['type']}) breaks a rule: {refused.message}"
                raise Damaged(reader.log.name, number, places[taken], why) from None
            if each:
                each(events, places[:-1])


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause the collector: a fold makes no cycles, only hundreds of thousands of objects to search for them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
