"""Replay: fold the events of a log into a state; an event that breaks a rule is damage, reported with its place.

Used for the present and for every past moment; this loop sets the speed of every fold.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from evcli.domain.event import Event
from evcli.domain.state import Foldable, happen_all
from evcli.errors import Damaged, Refused
from evcli.kinds.data import first_fault
from evcli.log import START, Position
from evcli.log.reader import Reader


def replay(
    reader: Reader,
    state: Foldable,
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
            taken, why = first_fault(events) or (len(events), "")
            good = events if not why else events[:taken]
            try:
                happen_all(state, good, number + 1)
            except Refused as refused:
                good = events[: state.number - number]
                why = f"event {state.number + 1} ({events[len(good)]['type']}) breaks a rule: {refused.message}"
            number += len(good)
            if each and good:
                each(good, places[: len(good)])
            if why:
                place = places[len(good)]
                reader.at = reader.position_at(place)
                raise Damaged(reader.log.name, number + 1, place, why)


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
