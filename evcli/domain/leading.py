"""The events that lead from one state to another, record by record, in an order that the rules accept.

Records wait for each other's unique keys: one can go on once the record that holds its key has another, or has ended.
Where all wait, one of them holds a stand-in meanwhile, if its field has any.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from evcli.domain.event import Subject
from evcli.domain.fields import key_of
from evcli.domain.kind import Begins, Changes, Ends, EventType, Kind, Revives
from evcli.domain.overlay import Draft, records_of
from evcli.domain.refusals import InTheWay, Taken
from evcli.domain.state import State, happen
from evcli.domain.way import Act, Was, Would, way_of
from evcli.errors import Refused
from evcli.kinds import KINDS

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
    time: str | None = None
    """When it happens, in the log's time format, if that is known to fit; None means now."""


class Happened(NamedTuple):
    """A step that has happened on a draft: the record before and after it."""

    step: Step
    before: Any
    after: Any


def leading(
    draft: Draft,
    wanted: State,
    subjects: Iterable[Subject],
    past: Callable[[Subject], Sequence[Was]],
    answers: Mapping[Subject, Answered],
    other: Callable[[Subject], Sequence[Would]] | None = None,
    first: Mapping[Subject, Sequence[Act]] | None = None,
) -> list[list[Happened]]:
    """The events that make these records what they are in `wanted`; those of one group belong together.

    They have happened on `draft`. A record that `wanted` does not have ends.

    Args:
        draft: a draft of the state from which the events lead.
        wanted: the state to which they lead.
        subjects: the records that may differ.
        past: the events that have happened to a record, oldest first, up to the draft's state.
        answers: for each record, the event that its events answer.
        other: the events of a record in another history, which led to `wanted`.
        first: for some records, events that are preferred where they lead there.

    Raises:
        NoWay: a record cannot be brought there by what its kind declares.
        InTheWay: records wait for each other's unique keys, and none can hold other meanwhile.
    """
    subjects, ways = list(subjects), list[_Way]()
    goals = _looked_up(draft, wanted, subjects)
    for kind, id in subjects:
        goal, preferred = goals.get((kind, id)), (first or {}).get((kind, id), ())
        if acts := way_of(KINDS[kind], id, draft, goal, past, other, preferred):
            ways.append(_Way(KINDS[kind], id, acts, answers.get((kind, id))))
    return _Ordering(draft, ways, answers).groups


def _looked_up(draft: Draft, wanted: State, subjects: Sequence[Subject]) -> dict[Subject, Any]:
    """Look the records up in both states at once, because single look-ups are slow; what `wanted` has of them."""
    goals = dict[Subject, Any]()
    for name in {kind for kind, _ in subjects}:
        ids = [id for kind, id in subjects if kind == name]
        draft.fetch(name, ids, ())
        goals |= {(name, id): record for id, record in records_of(wanted, name, ids).items()}
    return goals


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

    def __init__(self, draft: Draft, ways: Iterable[_Way], answers: Mapping[Subject, Answered]) -> None:
        self.groups: list[list[Happened]] = []
        self._draft, self._answers = draft, answers
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
        answers = self._answers.get((name, id), waiting[0].answers)
        way = self._ways.setdefault((name, id), _Way(kind, id, (), answers))
        if not any(kind.unique in later.fields for later, _ in way.acts):
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
