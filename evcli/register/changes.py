"""What each of many events changed: its record before and after it."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.state import step
from evcli.log.reader import Reader
from evcli.register.history import History

FEW, MANY = 64, 1 << 14
"""How many events are looked at together: few at first, so that the first answer comes soon; then ever more."""

Change = tuple[Event, Any, Any]
"""An event, and its record before and after it."""


def changes(history: History, reader: Reader, events: Iterable[Event], *, at_once: bool = False) -> Iterator[Change]:
    """The change that each of these events made; with `at_once`, each before the next event is asked for.

    They are consecutive or not, oldest or newest first. Raises Damaged, LogCut.
    """
    waiting, size = iter(events), 1 if at_once else FEW
    while some := list(islice(waiting, size)):
        numbers = list(map(number_of, some))
        cache = history.cache(reader)
        known = 0 if cache is None else cache.at.number
        folded = _folded(history, reader, [number for number in numbers if number > known])
        for number, event in zip(numbers, some, strict=True):
            subject = subject_of(event)
            if number > known:
                before, after = folded[number]
            else:
                before, after = (history.at(reader, at).get(*subject) for at in (number - 1, number))
            yield event, before, after
        size = min(4 * size, MANY) if not at_once else 1


def _folded(history: History, reader: Reader, numbers: list[int]) -> dict[int, tuple[Any, Any]]:
    """Of each of these events, by number: its record before and after it, by one fold over all of them."""
    if not numbers:
        return {}
    wanted, first, last = frozenset(numbers), min(numbers), max(numbers)
    history.at(reader, last)  # the rules hold up to there, or this says which event breaks one
    state = Draft(history.at(reader, first - 1))
    found = {}
    for event in reader.events(history.position(reader, first - 1), last):
        changed = step(state, event, number_of(event))
        if number_of(event) in wanted:
            found[number_of(event)] = changed
    return found
