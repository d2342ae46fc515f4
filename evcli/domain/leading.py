"""The events that lead from one state to another, record by record, in an order that the rules accept.

The way of a record is the shortest that its kind's declaration offers: end or revive it, and change the fields that
differ. A kind may have types with an effect of their own, which only taking back the record's events can undo: then as
many of these are taken back, newest first, as are needed until there is such a way.

Records wait for each other's unique keys: one can go on once the record that holds its key has another, or has ended.
Where all wait, one of them holds a stand-in meanwhile, if its field has any.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from evcli.domain.fields import key_of
from evcli.domain.kind import Begins, Changes, Ends, EventType, Kind, Revives
from evcli.domain.overlay import Draft
from evcli.domain.refusals import InTheWay, NoWay, Taken
from evcli.domain.rules import after_of
from evcli.domain.state import State, happen
from evcli.domain.undo import undo_of
from evcli.errors import Refused
from evcli.kinds import KINDS

Subject = tuple[str, int]
"""A record: the name of its kind, and its id."""
Answered = tuple[int, str]
"""An event that is answered: its number and its id."""


class Step(NamedTuple):
    """An event that is to happen."""

    type: EventType
    id: int
    """The record that it is about."""
    data: dict[str, str]
    answers: Answered | None = None
    is_aside: bool = False
    """Whether it only gives the record a stand-in for its unique key, which another record needs first."""


class Happened(NamedTuple):
    """A step that has happened on a draft: the record before and after it."""

    step: Step
    before: Any
    after: Any


class Was(NamedTuple):
    """An event that did happen to a record: its type, and the record before and after it."""

    type: EventType
    before: Any
    after: Any


Act = tuple[EventType, dict[str, str]]
"""The type and the data of an event of one record's way."""


def leading(
    draft: Draft,
    wanted: State,
    subjects: Iterable[Subject],
    past: Callable[[Subject], Sequence[Was]],
    answers: Mapping[Subject, Answered],
) -> list[list[Happened]]:
    """The events that make these records what they are in `wanted`; those of one group belong together.

    They have happened on `draft`. A record that `wanted` does not have ends.

    Args:
        draft: a draft of the state from which the events lead.
        wanted: the state to which they lead.
        subjects: the records that may differ.
        past: the events that have happened to a record, oldest first, up to the draft's state.
        answers: for each record, the event that its events answer.

    Raises:
        NoWay: a record cannot be brought there by what its kind declares.
        InTheWay: records wait for each other's unique keys, and none can hold other meanwhile.
    """
    ways = [
        _Way(KINDS[kind], id, acts, answers.get((kind, id)))
        for kind, id in subjects
        if (acts := _way(KINDS[kind], id, draft, wanted.get(kind, id), past))
    ]
    for kind in {way.kind for way in ways}:
        draft.fetch(kind.name, [way.id for way in ways if way.kind is kind], ())
    groups = _Ordering(draft, ways).groups
    for way in ways:
        kind, now, then = way.kind, draft.get(way.kind.name, way.id), wanted.get(way.kind.name, way.id)
        if not _is(now, then):
            raise NoWay(kind, now, then)
    return groups


def is_same(one: Any, other: Any) -> bool:
    """Whether a record is the same at two moments but for the numbers of its events; None if it is not there."""
    if one is None or other is None:
        return one is other
    return bool(one[1:-3] == other[1:-3]) and (one[-1] is None) == (other[-1] is None)


def _is(record: Any, wanted: Any) -> bool:
    """Whether a record is what is wanted; one that is not wanted at all must have ended."""
    return (record is None or record[-1] is not None) if wanted is None else is_same(record, wanted)


# --- the way of one record --------------------------------------------------------------------------------------------


class Alone:
    """The records as a rule sees them, without what another record may hold meanwhile: keys are looked at later."""

    def __init__(self, state: State) -> None:
        self.number = state.number
        self.get, self.last_id = state.get, state.last_id

    def holder(self, kind: str, key: str) -> Any:
        """Nobody."""


def _way(kind: Kind, id: int, state: State, wanted: Any, past: Callable[[Subject], Sequence[Was]]) -> list[Act]:
    """The events of one record; none if nothing is left to do. Raises NoWay."""
    now, alone = state.get(kind.name, id), Alone(state)
    if _is(now, wanted):
        return []
    if (direct := _direct(kind, id, now, wanted, alone)) is not None:
        return direct
    back = _ways_back(past((kind.name, id)))
    reached, waiting = {_own(now)}, deque([(now, list[Act]())])
    while waiting:  # the nearest first
        record, acts = waiting.popleft()
        for was in back.get(_own(record), ()):
            if _own(was.before) in reached or (act := undo_of(was.type, alone, was.before, record)) is None:
                continue
            there = after_of(act[0], alone, record, alone.number + 1, act[1])
            if (direct := _direct(kind, id, there, wanted, alone)) is not None:
                return [*acts, act, *direct]
            reached.add(_own(was.before))
            waiting.append((there, [*acts, act]))
    raise NoWay(kind, now, wanted)


def _ways_back(past: Sequence[Was]) -> dict[Any, list[Was]]:
    """By what a record was at some moment: the events that made it so, and that can be taken back then."""
    found: dict[Any, list[Was]] = {}
    for was in past:
        found.setdefault(_own(was.after), []).append(was)
    return found


def _own(record: Any) -> Any:
    return None if record is None else (record[1:-3], record[-1] is None)


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
    return acts if _is(record, wanted) else None


def _changes(kind: Kind, record: Any, wanted: Any) -> Iterator[EventType]:
    """The types that set what differs, as few fields at a time as there are types for."""
    differ = {name for name in kind.own if getattr(record, name) != getattr(wanted, name)}
    plain = (each for each in kind.types.values() if type(each) is Changes and each.says_fields)
    for each in sorted(plain, key=lambda each: len(each.fields)):
        if differ & each.fields.keys():
            differ -= each.fields.keys()
            yield each


# --- their order ------------------------------------------------------------------------------------------------------


class _Way:
    """The events of one record that are still to happen."""

    def __init__(self, kind: Kind, id: int, acts: Sequence[Act], answers: Answered | None) -> None:
        self.kind, self.id, self.acts, self.answers = kind, id, deque(acts), answers

    @property
    def place(self) -> tuple[int, str, int]:
        """The sort key: first those that end, which frees their keys, and last those that begin, in order of id."""
        role = type(self.acts[0][0])
        return (Ends, Changes, Revives, Begins).index(role), self.kind.name, self.id


class _Ordering:
    """Lets each way happen on a draft as far as it can, and then those that waited for it."""

    def __init__(self, draft: Draft, ways: Iterable[_Way]) -> None:
        self.groups: list[list[Happened]] = []
        self._draft = draft
        self._ready = deque(sorted(ways, key=lambda way: way.place))
        self._ways = {(way.kind.name, way.id): way for way in self._ready}
        self._waiting: dict[Subject, list[_Way]] = {}
        """Ways by the record that holds the key that they need."""
        self._refused: list[tuple[_Way, Refused]] = []
        self._drain()
        most = len(self._ways) + sum(len(way.acts) for way in self._ways.values())
        while self._is_waiting() and most:
            self._step_aside()
            most -= 1
        if left := next((way for way in self._ways.values() if way.acts), None):
            raise InTheWay(left.kind.name, left.id)

    def _is_waiting(self) -> bool:
        """Whether a way waits for a key; one that was woken elsewhere does not any more."""
        waiting = ((holder, [way for way in ways if way.acts]) for holder, ways in self._waiting.items())
        self._waiting = {holder: ways for holder, ways in waiting if ways}
        return bool(self._waiting)

    def _drain(self, group: list[Happened] | None = None) -> None:
        """Let all happen that can; in one group, or each way in a group of its own."""
        while self._ready:
            way = self._ready.popleft()
            own = [] if group is None else group
            before = len(own)
            self._go(way, own)
            if len(own) == before:
                continue
            if group is None:
                self.groups.append(own)
            self._ready.extend(self._waiting.pop((way.kind.name, way.id), ()))
            self._ready.extend(other for other, _ in self._refused)
            self._refused.clear()

    def _go(self, way: _Way, group: list[Happened]) -> None:
        while way.acts:
            each, data = way.acts[0]
            try:
                self._happen(Step(each, way.id, data, way.answers), group)
            except Taken as taken:
                self._waiting.setdefault((way.kind.name, taken.holder), []).append(way)
                return
            except Refused as no:
                self._refused.append((way, no))
                return
            way.acts.popleft()

    def _happen(self, step: Step, group: list[Happened]) -> None:
        draft = self._draft
        group.append(Happened(step, *happen(draft, step.type.name, step.id, draft.number + 1, step.data)))

    def _step_aside(self) -> None:
        """Let the holder of a key that another one needs hold a stand-in, until it can have its own or another."""
        (name, id), waiting = min(self._waiting.items(), key=lambda each: each[0])
        kind, record = KINDS[name], self._draft.get(name, id)
        stand_in, each = kind.fields[kind.unique].stand_in, next(_setting(kind, kind.unique), None)
        if stand_in is None or each is None:
            raise InTheWay(name, id)
        free = next(text for n in count(1) if self._draft.holder(name, key_of(text := stand_in(n))) is None)
        way = self._ways.setdefault((name, id), _Way(kind, id, (), None))
        answers = way.answers or waiting[0].answers
        if not any(kind.unique in later.fields for later, _ in way.acts):
            way.answers = answers
            way.acts.appendleft((each, _data(each, record)))
        group: list[Happened] = []
        self._happen(Step(each, id, _data(each, record) | {kind.unique: free}, answers, is_aside=True), group)
        self._ready.extend((*self._waiting.pop((name, id)), way))
        self._drain(group)
        self.groups.append(group)


def _setting(kind: Kind, field: str) -> Iterator[EventType]:
    return (each for each in kind.types.values() if type(each) is Changes and each.says_fields and field in each.fields)


def _data(each: EventType, record: Any) -> dict[str, str]:
    return {name: value for name in each.fields if (value := getattr(record, name)) is not None}
