"""Whether an event may happen, and the record it results in: the rules that all kinds share, and each kind's own."""

from collections.abc import Callable
from typing import Any

from evcli.domain.kind import Begins, Data, EventType, Kind, Records, Revives
from evcli.domain.refusals import NoSuchRecord, NotEnded, NotLive, NotTheNextId, RevivalBlocked, Taken, Unchanged
from evcli.errors import Refused

Check = Callable[[Records, int, Any, int, Data], Any]
"""(the records, the id, the record with that id or None, the event's number, its data): the record afterwards.

Raises Refused if the event may not happen.
"""


class _Checks(dict[EventType, Check]):
    """The check of each type, made on first use."""

    def __missing__(self, each: EventType) -> Check:
        made = self[each] = _check_of(each)
        return made


CHECKS = _Checks()


def _check_of(each: EventType) -> Check:
    # A fold runs `check` for every event, so the declaration is looked up once, here.
    kind, role, effect, rule, key_of = each.kind, type(each), each.effect, each.rule, each.kind.key
    name, begins, revives, only = kind.name, role is Begins, role is Revives, each.says_fields
    only_at = kind.record._fields.index(next(iter(each.fields))) if only else 0
    claims = bool(kind.unique) and (begins or revives or kind.unique in each.fields)
    has_code = rule is not None or each.apply is not None

    def check(records: Records, id: int, before: Any, number: int, data: Data) -> Any:
        if begins:
            if id != records.last_id(name) + 1:
                raise NotTheNextId(name, id, records.last_id(name) + 1)
        elif before is None or (before[-1] is None) is revives:
            raise _not_in_that_state(each, records, id, before)
        if has_code and "reason" in data:
            data = {field: value for field, value in data.items() if field != "reason"}
        if rule is not None:
            rule(before, data, records)
        after = effect(before, id, number, data)
        if only and before[only_at] == after[only_at] and before[1:-3] == after[1:-3]:
            raise _unchanged(each, id, data)
        if claims:
            key = key_of(after)
            holder = records.holder(name, key) if key is not None else None
            if holder is not None and holder.id != id:
                raise _taken(each, after, holder)
        return after

    return check


def _unchanged(each: EventType, id: int, data: Data) -> Refused:
    said = (f'{field.label} "{data[name]}"' for name, field in each.fields.items() if name in data)
    return Unchanged(each.kind.name, id, " and the ".join(said))


def _not_in_that_state(each: EventType, records: Records, id: int, before: Any) -> Refused:
    kind = each.kind
    if before is None:
        return NoSuchRecord(kind.name, str(id), f"event {records.number}")
    name = name_of(kind, before)
    if before[-1] is None:
        return NotEnded(kind.name, id, name, kind.ended, before[-2], each.verb)
    return NotLive(kind.name, id, name, kind.ended, before[-1])


def _taken(each: EventType, after: Any, holder: Any) -> Refused:
    kind, value = each.kind, getattr(after, each.kind.unique)
    if type(each) is Revives:
        who = f'{after.id} "{name_of(kind, after)}"'
        past = each.past
        return RevivalBlocked(kind.name, kind.unique, who, past, value, holder.id, name_of(kind, holder), holder[-3])
    said = f"{kind.fields[kind.unique].label} {value}"
    return Taken(kind.name, kind.unique, said, holder.id, name_of(kind, holder), kind.began, holder[-3])


def name_of(kind: Kind, record: Any) -> str:
    """How a message refers to the record: by its name, if it has one, else by its label."""
    return str(getattr(record, kind.called)) if kind.called else kind.labelled(record)
