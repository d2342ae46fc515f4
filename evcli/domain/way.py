"""The way of one record from what it is to what it should be: the shortest that its kind's declaration offers.

It ends or comes back, and the fields that differ are set. A kind may have types with an effect of their own, which only
taking back the record's events can undo: then as few of these are taken back as there are until the rest is plain.
Where another history leads to what it should be, events of that one may come after them.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from evcli.domain.event import Subject
from evcli.domain.kind import Changes, Ends, EventType, Kind, Revives, said
from evcli.domain.refusals import NoWay
from evcli.domain.rules import after_of
from evcli.domain.state import State
from evcli.domain.undo import undo_of
from evcli.errors import Refused


class Was(NamedTuple):
    """An event that did happen to a record: its type, and the record before and after it."""

    type: EventType
    before: Any
    after: Any


Act = tuple[EventType, dict[str, str]]
"""The type and the data of an event of one record's way."""


class Would(NamedTuple):
    """An event that would have happened to a record in another history: its data, and the record before it."""

    type: EventType
    data: dict[str, str]
    before: Any


class Alone:
    """The records as a rule sees them, without what another record may hold meanwhile: keys are looked at later."""

    def __init__(self, state: State) -> None:
        self.number = state.number
        self.get, self.last_id = state.get, state.last_id

    def holder(self, kind: str, key: str) -> Any:
        """Nobody."""


def way_of(
    kind: Kind,
    id: int,
    state: State,
    wanted: Any,
    past: Callable[[Subject], Sequence[Was]],
    other: Callable[[Subject], Sequence[Would]] | None = None,
    first: Sequence[Act] = (),
) -> list[Act]:
    """The events of one record; none if nothing is left to do. `other` are those of another history. Raises NoWay.

    Those of `first` are preferred, if they lead there.
    """
    now, alone = state.get(kind.name, id), Alone(state)
    if is_there(now, wanted):
        return []
    if first and _lead(first, id, now, wanted, alone):
        return list(first)
    if (direct := _direct(kind, id, now, wanted, alone)) is not None:
        return direct
    back, forth = _ways_back(past((kind.name, id))), _ways_forth(other((kind.name, id)) if other else ())
    reached, waiting = {said(now)}, deque([(now, list[Act]())])
    while waiting:  # the nearest first
        record, acts = waiting.popleft()
        undoing = (undo_of(was.type, alone, was.before, record) for was in back.get(said(record), ()))
        for act in (*filter(None, undoing), *forth.get(said(record), ())):
            there = _after(act, id, record, alone)
            if there is None or said(there) in reached:
                continue
            if (direct := _direct(kind, id, there, wanted, alone)) is not None:
                return [*acts, act, *direct]
            reached.add(said(there))
            waiting.append((there, [*acts, act]))
    raise NoWay(kind, now, wanted)


def _lead(acts: Sequence[Act], id: int, record: Any, wanted: Any, records: Alone) -> bool:
    """Whether these events lead from the one record to the other."""
    for act in acts:
        if (record := _after(act, id, record, records)) is None:
            return False
    return is_there(record, wanted)


def _after(act: Act, id: int, record: Any, records: Alone) -> Any:
    """The record after an event; None if that may not happen."""
    (each, data), number = act, records.number + 1
    if record is None:
        return each.effect(None, id, number, data)
    try:
        return after_of(each, records, record, number, data)
    except Refused:
        return None


def _ways_back(past: Sequence[Was]) -> dict[Any, list[Was]]:
    """By what a record was at some moment: the events that made it so, and that can be taken back then."""
    found: dict[Any, list[Was]] = {}
    for was in past:
        found.setdefault(said(was.after), []).append(was)
    return found


def _ways_forth(other: Sequence[Would]) -> dict[Any, list[Act]]:
    """By what a record was at some moment of another history: the events that happened to it then."""
    found: dict[Any, list[Act]] = {}
    for each in other:
        found.setdefault(said(each.before), []).append((each.type, each.data))
    return found


def _direct(kind: Kind, id: int, now: Any, wanted: Any, records: Alone) -> list[Act] | None:
    """The events that revive, change and end a record, as far as needed; None if they do not lead there."""
    record, acts = now, list[Act]()
    goal = record if wanted is None else wanted

    def act(each: EventType | None) -> None:
        nonlocal record
        if each is None:
            raise Refused("no such type")
        data = {name: value for name in each.fields if (value := getattr(goal, name, None)) is not None}
        if why := each.data_fault(data):
            raise Refused(why)
        number = records.number + 1
        record = (
            each.effect(None, id, number, data) if record is None else after_of(each, records, record, number, data)
        )
        acts.append((each, data))

    try:
        if record is None:
            act(kind.begins)
        if wanted is not None:
            if record[-1] is not None and not is_same(record, wanted):
                act(kind.one(Revives))
            for each in _changes(kind, record, wanted):
                act(each)
        if record[-1] is None and (wanted is None or wanted[-1] is not None):
            act(kind.one(Ends))
    except Refused:
        return None
    return acts if is_there(record, wanted) else None


def _changes(kind: Kind, record: Any, wanted: Any) -> Iterator[EventType]:
    """The types that set what differs, as few fields at a time as there are types for."""
    differ = {name for name in kind.own if getattr(record, name) != getattr(wanted, name)}
    plain = (each for each in kind.types.values() if type(each) is Changes and each.says_fields)
    for each in sorted(plain, key=lambda each: len(each.fields)):
        if differ & each.fields.keys():
            differ -= each.fields.keys()
            yield each


def is_same(one: Any, other: Any) -> bool:
    """Whether a record is the same at two moments but for the numbers of its events; None if it is not there."""
    return bool(said(one) == said(other))


def is_there(record: Any, wanted: Any) -> bool:
    """Whether a record is what is wanted; one that is not wanted at all must have ended."""
    return (record is None or record[-1] is not None) if wanted is None else is_same(record, wanted)
