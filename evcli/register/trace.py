"""What an event answers, what answers it, and the operation that it is part of."""

from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.log.linked import linked
from evcli.register.past import Past


class Effect(NamedTuple):
    """An event that answers another, and the number of that one."""

    event: Event
    answers: int


class Trace(NamedTuple):
    """One event among those that are linked to it."""

    event: Event
    causes: list[Event]
    """What it answers, what that answers, and so on."""
    missing: str | None
    """The id that the last of these, or else the event itself, answers, and that no event before it has."""
    effects: list[Effect]
    """What answers it, what answers that, and so on, in order of number."""
    size: int
    """How many events have its correlation id: 0 if it has none."""
    first: int
    last: int


def trace(past: Past, number: int, until: int) -> Trace:
    """What is linked to event `number`, as the log was after event `until`. Raises Damaged."""
    place = past.position(number - 1).place
    event = past.event_at(place)
    found = linked(past.reader, event, place, past.position(until).place)
    numbers = {event["id"]: number}
    effects = []
    for each in map(past.event_at, found.effects):
        effects.append(Effect(each, numbers[each["causationid"]]))
        numbers[each["id"]] = number_of(each)
    related = found.related
    causes = list(map(past.event_at, found.causes))
    return Trace(event, causes, found.missing, effects, related.count, related.first, related.last)
