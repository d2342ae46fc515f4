"""Whether the data of events are what their kinds declare.

Asked when events are replayed or shown, not when their lines are read: the log checks form and chain only, so that data
of an earlier shape could be brought up to date first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from evcli.domain.event import Event
from evcli.kinds import TYPES


def fault_of(event: Event) -> str:
    """Why the data of an event are not valid for its type; "" if they are."""
    fault = TYPES[event["type"]].data_fault(event["data"])
    return f"{event['type']}: {fault}" if fault else ""


def first_fault(events: Sequence[Event]) -> tuple[int, str] | None:
    """The index of the first event whose data are not valid, and why; None if all are."""
    if are_good([event["type"] for event in events], [event["data"] for event in events]):
        return None
    return next(((index, why) for index, event in enumerate(events) if (why := fault_of(event))), None)


def are_good(types: Iterable[str], data: Sequence[Any]) -> bool:
    """Whether these dicts are valid data of events of these types, one for each: a column at a time."""
    alike: dict[tuple[str, tuple[str, ...]], list[Any]] = defaultdict(list)
    for name, shape, each in zip(types, map(tuple, data), data, strict=True):
        alike[name, shape].append(each)
    return all(TYPES[name].are_data(shape, same) for (name, shape), same in alike.items())
