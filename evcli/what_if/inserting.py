"""Where a history would have an event that happened at a time, in the order in which events were recorded."""

from collections.abc import Iterable
from contextlib import suppress

from evcli.domain.event import number_of
from evcli.domain.kind import Begins
from evcli.domain.state import State
from evcli.errors import Refused
from evcli.kinds import TYPES
from evcli.register.decide import Intention
from evcli.register.register import Register


def place_at(register: Register, time: str, intentions: Iterable[Intention]) -> int:
    """The number of the event after which to put in what happened at a time. Raises Damaged, LogCut.

    That is the last one recorded by then; or the last one about the same record that happened by then, if it was
    recorded later.
    """
    place = register.reader.seek(lambda position: position.recorded <= time).number
    head = register.head().number
    for intention in intentions:
        each = TYPES[intention.type]
        if type(each) is Begins:
            continue
        with suppress(Refused):
            id = _about(intention, register.at(place), register.at(head))
            events = register.events_about(each.kind.name, id, head, after=place)
            place = max((number_of(event) for event in events if event["time"] <= time), default=place)
    return place


def _about(intention: Intention, *states: State) -> int:
    """The id of the record that an intention is about in the first of these states that has it. Raises Refused."""
    for state in states[:-1]:
        with suppress(Refused):
            return intention.about(state)
    return intention.about(states[-1])
