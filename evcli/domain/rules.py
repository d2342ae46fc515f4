"""Whether an event may happen, and the record it results in: the rules that all kinds share, and each kind's own."""

from collections.abc import Callable
from typing import Any, Protocol

from evcli.domain.kind import Begins, Changes, Data, Ends, EventType, Kind, Records, Revives
from evcli.domain.refusals import NoSuchRecord, NotEnded, NotLive, NotTheNextId, RevivalBlocked, Taken, Unchanged
from evcli.errors import Refused


class Table(Protocol):
    """The records of one kind, as a step asks for them and changes them."""

    takes_any_id: bool
    """Whether a record may begin with any id that no record has, instead of the next one only."""

    def get(self, id: int, /) -> Any:
        """The record with that id, live or ended, or None."""

    def held(self, key: str, /) -> int | None:
        """The id of the live record whose unique key is `key`, or None."""

    def last_id(self) -> int:
        """The highest id ever given to this kind, or 0."""

    def put(self, id: int, before: Any, after: Any, key: str | None, /) -> None:
        """Replace `before` (None for a new record) with `after`, which now holds `key`; None if it holds none."""

    def keep(self, id: int, before: Any, after: Any, /) -> None:
        """Replace `before`, which is live, with `after`, which is live and has the same key."""


Step = Callable[[Records, int, int, Data], tuple[Any, Any]]
"""(the records, the id, the event's number, its data): the record before and after the event, which has happened.

Raises Refused if it may not happen; nothing is changed then.
"""


def step_of(each: EventType, table: Table) -> Step:
    """How an event of that type happens in the table of its kind."""
    # A fold runs `step` for every event, so whatever the declaration says is looked up once, here.
    kind, effect, rule, key_of = each.kind, each.effect, each.rule, each.kind.key
    get, held, last_id, put, keep = table.get, table.held, table.last_id, table.put, table.keep
    role, only, has_code = type(each), each.says_fields, rule is not None or each.apply is not None
    begins, ends, revives = role is Begins, role is Ends, role is Revives
    takes_any_id = table.takes_any_id
    only_at = kind.record._fields.index(next(iter(each.fields))) if only else 0
    claims = each.claims_key
    keeps_key = role is Changes and each.apply is None and not claims

    def step(records: Records, id: int, number: int, data: Data) -> tuple[Any, Any]:
        before: Any = None
        if begins:
            if id != last_id() + 1 and not (takes_any_id and get(id) is None):
                raise NotTheNextId(kind.name, id, last_id() + 1)
        else:
            before = get(id)
            if before is None or (before[-1] is None) is revives:
                raise _not_in_that_state(each, records, id, before)
        if has_code and "reason" in data:
            data = {field: value for field, value in data.items() if field != "reason"}
        if rule is not None:
            rule(before, data, records)
        after = effect(before, id, number, data)
        if only and before[only_at] == after[only_at] and before[1:-3] == after[1:-3]:
            raise _unchanged(each, id, data)
        if keeps_key:
            keep(id, before, after)
            return before, after
        key = None if ends and not claims else key_of(after)
        if claims and key is not None and (holder := held(key)) is not None and holder != id:
            raise _taken(each, after, get(holder))
        put(id, before, after, None if ends else key)
        return before, after

    return step


def after_of(each: EventType, records: Records, before: Any, number: int, data: Data) -> Any:
    """The record after event `number` of that type, which turns `before` into it, without changing the records.

    Raises:
        Refused: the event may not happen.
    """
    return step_of(each, _Asked(records, each.kind, before))(records, before.id, number, data)[1]


class _Asked:
    """A table for one step, which changes nothing."""

    takes_any_id = False

    def __init__(self, records: Records, kind: Kind, before: Any) -> None:
        self._records, self._kind, self._before = records, kind.name, before

    def get(self, id: int) -> Any:
        return self._before if id == self._before.id else self._records.get(self._kind, id)

    def held(self, key: str) -> int | None:
        holder = self._records.holder(self._kind, key)
        return None if holder is None else int(holder.id)

    def last_id(self) -> int:
        return self._records.last_id(self._kind)

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        """Nothing changes."""

    def keep(self, id: int, before: Any, after: Any) -> None:
        """Nothing changes."""


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
    taken = Taken(kind.name, kind.unique, said, holder.id, name_of(kind, holder), kind.began, holder[-3])
    taken.record = holder
    return taken


def name_of(kind: Kind, record: Any) -> str:
    """How a message refers to the record: by its name, if it has one, else by its label."""
    return str(getattr(record, kind.called)) if kind.called else kind.labelled(record)
