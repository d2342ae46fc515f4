"""How to undo an event: another event, directly after it, that restores the record."""

from typing import Any

from evcli.domain.kind import EventType, Records
from evcli.domain.rules import after_of
from evcli.errors import Refused


def undo_of(each: EventType, records: Records, before: Any, after: Any) -> tuple[EventType, dict[str, str]] | None:
    """The type and data of the event that undoes one of type `each`; None if there is none.

    Args:
        each: the type of the event that turned `before` into `after`.
        records: the records after that event.
        before: the record before the event, or None if the event began it.
        after: the record after the event.
    """
    back = each.undo
    if back is None:
        return None
    old = {} if before is None else {name: getattr(before, name, None) for name in back.fields}
    data = {name: value for name, value in old.items() if value is not None}
    if any(name not in data for name in back.required) or back.data_fault(data):
        return None
    try:
        again = after_of(back, records, after, records.number + 1, data)
    except Refused:
        return None
    if before is not None and (again[1:-3] != before[1:-3] or (again[-1] is None) != (before[-1] is None)):
        return None
    return back, data
