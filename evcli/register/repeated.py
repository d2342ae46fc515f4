"""A command that is sent with an id, so that it can be sent again: its events are recorded once.

The first event gets that id, and the others ids derived from it. So the log itself says whether a command was recorded.
"""

from collections.abc import Sequence

import orjson

from evcli.domain.event import Event, number_of, recorded_moment, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.state import State, step
from evcli.domain.text import text_fault
from evcli.errors import BadText, IdTaken, Refused
from evcli.log.members import LONGEST_ID
from evcli.log.reader import Reader
from evcli.register.decide import Change, Done, Intention
from evcli.register.history import History


def named(intentions: Sequence[Intention], id: str) -> tuple[Intention, ...]:
    """The intentions as events ID, ID.2, ID.3 and so on. Raises BadText if no event can have one of these ids."""
    if fault := text_fault(id, LONGEST_ID):
        raise BadText("the event id", fault)
    count = len(intentions)
    ids = [id, *(f"{id}.{number}" for number in range(2, count + 1))]
    if (beyond := len(ids[-1]) - LONGEST_ID) > 0:
        why = f"has {len(id)} characters; at most {len(id) - beyond} are allowed for {count} events"
        raise BadText("the event id", why, f"the last of them has the id ID.{count}")
    return tuple(intention._replace(id=own) for intention, own in zip(intentions, ids, strict=True))


def recorded_before(history: History, reader: Reader, intentions: Sequence[Intention]) -> Done | None:
    """What the same command has recorded, if it was sent before; None if all of its ids are free.

    It is the same if its events have the same content, are about the same records, and were recorded together, without
    others, in the same order.

    Raises:
        IdTaken: an event that is not of the same command has one of the ids.
    """
    ids = [str(intention.id) for intention in intentions]
    found = history.with_ids(reader, ids, may_grow=False)
    if not found:
        return None
    taken = found[0]
    first, batch = number_of(taken), taken.get("batch")
    last = first + len(ids) - 1
    is_whole = [event["id"] for event in found] == ids and batch == (f"{first}-{last}" if last > first else None)
    changes, times = _changes(history, reader, intentions, first) if is_whole else (None, None)
    what, differs = f"{taken['type']} {taken['subject']}", "whose content differs"
    if changes is None:
        if len(ids) > 1 or batch:
            differs = "of a command with other content, another order or another number of events"
        raise IdTaken(taken["id"], first, what, differs)
    if times is not None:
        raise IdTaken(taken["id"], first, what, "which happened at another time", times)
    return Done(changes, [orjson.dumps(event) for event in found], first=first, was_there=True)


Times = tuple[str, str]
"""When an event happened, and when the one that is meant would have; "" is when it was recorded."""


def _changes(
    history: History, reader: Reader, intentions: Sequence[Intention], first: int
) -> tuple[list[Change] | None, Times | None]:
    """What the events from event `first` on changed, one per intention; None if one of them is not what was meant.

    With it, the times of the first of them that happened at another time than was meant.
    """
    state = Draft(history.at(reader, first - 1))
    before = history.position(reader, first - 1)
    recorded = before.recorded
    events = reader.events(before, first + len(intentions) - 1)
    changes, times = list[Change](), list[Times]()
    for number, (intention, event) in enumerate(zip(intentions, events, strict=True), first):
        if not _is_meant(intention, event, state):
            return None, None
        if not _happened_then(intention, event, recorded):
            times.append((event["time"] if "recordedtime" in event else "", intention.time or ""))
        recorded = recorded_moment(event)
        changes.append(Change(intention, subject_of(event)[1], *step(state, event, number)))
    return changes, next(iter(times), None)


def _is_meant(intention: Intention, event: Event, state: State) -> bool:
    """Whether the intention, on the state before the event, would have led to it."""
    if (event["type"], event["data"]) != (intention.type, intention.data):
        return False
    try:
        return not intention.finds or intention.about(state) == subject_of(event)[1]
    except Refused:
        return False


def _happened_then(intention: Intention, event: Event, recorded: str) -> bool:
    """Whether the event says that it happened when the intention does; `recorded` is the moment of the one before."""
    if intention.time is not None:
        return event["time"] == intention.time
    # A clock that was behind also records an event later than it happened, but then never later than the one before.
    return recorded_moment(event) in (event["time"], recorded)
