"""Replay: fold the events of a log into a state; an event that breaks a rule is damage, reported with its place.

Used for the present and for every past moment; this loop sets the speed of every fold.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from evcli.domain.event import Event
from evcli.domain.state import State, step
from evcli.errors import Damaged, Refused
from evcli.kinds.data import first_fault
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
            taken, why = first_fault(events) or (len(events), "")
            good = events[:taken]
            try:
                for number, event in enumerate(good, first):
                    step(state, event, number)
            except Refused as refused:
                good = events[: number - first]
                why = f"event {number} ({events[len(good)]['type']}) breaks a rule: {refused.message}"
            if each and good:
                each(good, places[: len(good)])
            if why:
                place = places[len(good)]
                reader.at = reader.position_at(place)
                raise Damaged(reader.log.name, first + len(good), place, why)


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
