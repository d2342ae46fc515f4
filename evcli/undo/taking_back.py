"""The plan that takes events back, newest first, each by the event that its kind declares for that.

A later event depends on one that is taken back if it could not have happened without it, if it set a field that this
one set, or if its record now holds the unique key that must be given back, or has ended. It is refused, or taken back,
too. Two later events of which one took the other back count for nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

from evcli.domain.event import Event, Subject, in_short, number_of, subject_of
from evcli.domain.fields import one
from evcli.domain.kind import Ends, Revives
from evcli.domain.leading import Happened, Step
from evcli.domain.overlay import Draft
from evcli.domain.refusals import Taken
from evcli.domain.rules import after_of
from evcli.domain.state import happen
from evcli.domain.timeline import is_late
from evcli.domain.undo import undo_of
from evcli.domain.way import Alone
from evcli.errors import Refused
from evcli.kinds import KINDS
from evcli.log.correlated import Answer
from evcli.register.register import Register
from evcli.undo import TAKING_BACK
from evcli.undo.courses import Courses, Past, events_at
from evcli.undo.operations import answers_after, correlation_of, left_of

_NAMED = 3
"""At most so many events are named in a refusal."""


class Cannot(Refused):
    """Nothing that the kind declares undoes the event."""

    code = "cannot-be-undone"

    def __init__(self, event: Event) -> None:
        kind = subject_of(event)[0]
        super().__init__(f"{_told(event)} cannot be taken back: nothing that can happen to {one(kind)} undoes it")


class HasDependents(Refused):
    """Later events depend on those that are to be taken back: `numbers` are theirs."""

    code = "has-dependents"

    def __init__(self, dependents: Sequence[tuple[Event, int]]) -> None:
        """`dependents` are the later events, each with the number of the one that it depends on."""
        targets = {target for _, target in dependents}
        on = "" if len(targets) == 1 else ", on event {}"
        named = ", ".join(_told(event) + on.format(target) for event, target in dependents[:_NAMED])
        more = len(dependents) - _NAMED
        named += f" and {more:,} more" if more > 0 else ""
        depend = "a later event depends" if len(dependents) == 1 else f"{len(dependents):,} later events depend"
        what = f"event {dependents[0][1]}" if len(targets) == 1 else "these"
        super().__init__(f"{depend} on {what}: {named}; nothing was written")
        self.numbers = [number_of(event) for event, _ in dependents]


class TakenBack(NamedTuple):
    """What a plan takes back, newest first, and the events that do it; those of one group belong together."""

    events: list[Event]
    along: list[int]
    """The numbers of those that were not asked for, but depend on others."""
    groups: list[list[Happened]]
    still: Sequence[int] = ()
    """The numbers of late events among them that go on counting when it is asked by when things happened."""


def taking_back(
    register: Register, numbers: Collection[int], reason: Callable[[Event], str], *, with_dependents: bool
) -> TakenBack:
    """The plan after which none of these events, at least one, counts on the head that the register knows.

    Args:
        register: where they are.
        numbers: their numbers.
        reason: the reason of the event that takes one back.
        with_dependents: whether later events that depend on them are taken back, too.

    Raises:
        Cannot: nothing undoes one of them.
        HasDependents: later events depend on them, and are not to be taken back.
        Refused: a rule of the kind rejects it.
    """
    asked, along, surely = list(events_at(register, numbers)), list[Event](), set[int]()
    since = min(numbers) - 1
    known, answers = Courses(register, since), answers_after(register, since)
    while wanted := frozenset(left_of(answers, asked, along, surely)):
        taken = [event for event in (*asked, *along) if number_of(event) in wanted]
        attempt = _Attempt(register, known, answers, taken, reason)
        if not attempt.dependents:
            going_along = sorted(map(number_of, along), reverse=True)
            return TakenBack(attempt.taken, going_along, *_dated(register, attempt))
        surely |= attempt.dependents.keys()
        others = list(events_at(register, attempt.dependents.keys() - numbers))
        if others and not with_dependents:
            raise HasDependents([(event, attempt.dependents[number_of(event)]) for event in others])
        along += others
    return TakenBack([], [], [])


def _dated(register: Register, attempt: "_Attempt") -> tuple[list[list[Happened]], Sequence[int]]:
    groups = [[each] for each in attempt.happened]
    if not any(map(is_late, attempt.taken)):
        return groups, ()
    from evcli.undo.backdating import backdated

    return backdated(register, groups, attempt.taken, attempt.courses)


def _told(event: Event) -> str:
    return f"event {number_of(event)} ({in_short(event)})"


class _Attempt:
    """An attempt to take back exactly these events: what it leads to, or on which later events it founders."""

    def __init__(
        self,
        register: Register,
        known: Courses,
        answers: Sequence[Answer],
        events: Sequence[Event],
        reason: Callable[[Event], str],
    ) -> None:
        self._known, self._reason = known, reason
        self._wanted = frozenset(map(number_of, events))
        self._draft = Draft(register.state)
        self.happened: list[Happened] = []
        self.taken: list[Event] = []
        self.dependents = dict[int, int]()
        """Later events, each with the newest one on which it depends."""
        self._answers = self._netted(answers)
        subjects = set(map(subject_of, events))
        self.courses = known.of(subjects)
        self._fetch(subjects)
        self._look_at_fields()
        if not self.dependents:
            self._try()

    def _netted(self, answers: Sequence[Answer]) -> dict[str, str]:
        """The ids of events that will be in effect, each with the id of the one that it takes back, which counts for
        nothing, too.
        """
        gone, found = set[str](), dict[str, str]()
        for each in reversed(answers):
            if each.id not in gone and each.number not in self._wanted:
                gone.add(each.answered)
                found[each.id] = each.answered
        return found

    def _fetch(self, subjects: Iterable[Subject]) -> None:
        for name in {kind for kind, _ in subjects}:
            self._draft.fetch(name, [id for kind, id in subjects if kind == name], ())

    def _depends(self, target: int, dependents: Iterable[int]) -> None:
        for number in dependents:
            self.dependents[number] = max(target, self.dependents.get(number, 0))

    # --- dependents about the same record -----------------------------------------------------------------------------

    def _look_at_fields(self) -> None:
        for course in self.courses.values():
            if not all(past.number in self._wanted for past in course):
                for index, past in enumerate(course):
                    if past.number in self._wanted:
                        self._depends(past.number, self._dependents(past, course[index + 1 :]))

    def _dependents(self, past: Past, later: Sequence[Past]) -> list[int]:
        """The numbers of the later events about the same record that depend on one, and are not taken back."""
        found, record = list[int](), past.before
        # What is brought back set all that it said, also what was so already.
        fields = _changed(past) | (_said(past) if correlation_of(past.event).startswith(TAKING_BACK) else set())
        for each in self._in_effect(later):
            if each.number in self._wanted:
                continue
            after = self._without(each, record)
            if after is None or fields & (_changed(each) | _said(each)):
                found.append(each.number)
            else:
                record = after
        return found

    def _in_effect(self, later: Sequence[Past]) -> list[Past]:
        """These events but for pairs of which one takes the other back."""
        ids = {each.event["id"] for each in later}
        pairs = {id: answered for each in later if (answered := self._answers.get(id := each.event["id"])) in ids}
        gone = {*pairs, *pairs.values()}
        return [each for each in later if each.event["id"] not in gone]

    def _without(self, each: Past, record: Any) -> Any:
        """The record after an event, if it had been this one before it; None if the event could not have happened."""
        if record is None:
            return None
        try:
            return after_of(each.type, Alone(self._draft), record, each.number, each.event["data"])
        except Refused:
            return None

    # --- taking them back, one after another --------------------------------------------------------------------------

    def _try(self) -> None:
        pasts = [past for course in self.courses.values() for past in course if past.number in self._wanted]
        for past in sorted(pasts, reverse=True, key=lambda past: past.number):
            kind, id = past.type.kind, int(past.after.id)
            now = self._draft.get(kind.name, id)
            if blocking := self._blocking(past, now):
                self._depends(past.number, blocking)
                continue
            before = _before(past, now)
            way = undo_of(past.type, Alone(self._draft), before, now)
            if way is None and self.dependents:  # perhaps only because of an event that could not be taken back before
                continue
            if way is None:
                raise Cannot(past.event)
            try:
                self._happen(past, Step(way[0], id, way[1] | {"reason": self._reason(past.event)}))
            except Taken as taken:
                holder = kind.name, taken.holder
                acquired = self._acquired(holder, kind.key(before), past.number)
                if not acquired and not self.dependents:
                    raise
                self._depends(past.number, acquired)

    def _happen(self, past: Past, step: Step) -> None:
        step = step._replace(answers=(past.number, past.event["id"]))
        draft = self._draft
        self.happened.append(Happened(step, *happen(draft, step.type.name, step.id, draft.number + 1, step.data)))
        self.taken.append(past.event)

    def _blocking(self, past: Past, now: Any) -> list[int]:
        """The number of the later event that ended the record, or brought it back, so that nothing can be undone."""
        back = past.type.undo
        if back is None or (now[-1] is None) is not (type(back) is Revives):
            return []
        role = Revives if type(back) is Revives else Ends
        course = self.courses[past.type.kind.name, past.after.id]
        later = self._in_effect([each for each in course if each.number > past.number])
        return [each.number for each in later if type(each.type) is role and each.number not in self._wanted][-1:]

    def _acquired(self, holder: Subject, key: str | None, after: int) -> list[int]:
        """The number of the event after event `after` by which the holder of that key has got it."""
        key_of = KINDS[holder[0]].key
        course = [past for past in self._known.of([holder])[holder] if past.number > after]

        def holds(record: Any) -> bool:
            return record is not None and record[-1] is None and key_of(record) == key

        acquiring = (past for past in self._in_effect(course) if holds(past.after) and not holds(past.before))
        return [past.number for past in acquiring if past.number not in self._wanted][-1:]


def _changed(past: Past) -> set[str]:
    """The fields that an event changed."""
    own = past.type.kind.own
    if past.before is None:
        return set(own)
    return {name for name in own if getattr(past.before, name) != getattr(past.after, name)}


def _said(past: Past) -> set[str]:
    """The fields that an event set, also to what they were."""
    return set(past.event["data"]) if past.type.says_fields else set()


def _before(past: Past, now: Any) -> Any:
    """The record as it is now, but with what the event changed as it was before it; None if it began the record."""
    if past.before is None:
        return None
    ended = past.type.kind.ended
    old = {name: getattr(past.before, name) for name in (*_changed(past), ended)}
    return now._replace(**old)
