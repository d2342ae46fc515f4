"""The plan that makes the register what it would be by a history that was only supposed.

An event that was put in at a time is recorded as having happened then, if it is part of the plan and fits there. What
answers a late event happens when that happened.
"""

from collections.abc import Callable, Mapping, Sequence

from evcli.domain.event import Event, Subject
from evcli.domain.fitting import must_last
from evcli.domain.kind import Begins
from evcli.domain.leading import Happened, leading
from evcli.domain.overlay import Draft
from evcli.domain.refusals import Misplaced
from evcli.domain.way import Act, Was, Would
from evcli.kinds import TYPES
from evcli.register.decide import Change, Intention
from evcli.register.register import Register
from evcli.undo import WHAT_IF
from evcli.undo.backdating import backdated
from evcli.undo.batches import planned
from evcli.undo.courses import courses, events_at, followed
from evcli.undo.plans import Way, with_reason
from evcli.what_if.supposed import PutIn, Supposed


def applying(register: Register, supposed: Supposed, new_id: Callable[[], str], reason: str) -> Way:
    """The events that make every record what it would be, on the head that the register knows.

    Each answers the first event about its record that is not what it was, if there is one. Raises NoWay, InTheWay,
    Damaged.
    """
    fork, end = supposed.fork, supposed.state.number

    def past(subject: Subject) -> Sequence[Was]:
        return [Was(each.type, each.before, each.after) for each in courses(register, [subject], fork)[subject]]

    def other(subject: Subject) -> Sequence[Would]:
        events = supposed.register.events_about(*subject, end, after=fork)
        were = followed(register.at(fork).get(*subject), events)
        return [Would(each.type, each.event["data"], each.before) for each in were]

    subjects = [(each.kind, (each.now or each.then).id) for each in supposed.differing]
    first = {
        subject: [_act(each.event) for each in events]
        for subject, events in supposed.put_in.items()
        if any(each.is_dated for each in events)
    }
    groups = leading(Draft(register.state), supposed.state, subjects, past, supposed.answers, other, first)
    answered = {supposed.answers[subject][0] for subject in subjects if subject in supposed.answers}
    back = backdated(register, groups, events_at(register, answered), {})
    placing = _Placing(register, supposed.put_in)
    dated = [list(map(placing.placed, group)) for group in back.groups]
    plan = planned(register, with_reason(dated, reason), WHAT_IF + new_id())
    return Way(plan, still=back.still, undated=placing.undated)


def _act(event: Event) -> Act:
    return TYPES[event["type"]], {name: value for name, value in event["data"].items() if name != "reason"}


class _Placing:
    """Lets steps of a plan, one after another, happen at the times at which events were put in, where they fit."""

    def __init__(self, register: Register, put_in: Mapping[Subject, Sequence[PutIn]]) -> None:
        self._left = {subject: [each.event for each in events if each.is_dated] for subject, events in put_in.items()}
        self._trial = register.trial() if any(self._left.values()) else None
        self._number = register.known.number
        self._misplaced: list[tuple[Event, Misplaced | None]] = []

    @property
    def undated(self) -> Sequence[tuple[Event, Misplaced | None]]:
        """The events that are not recorded as of their time; those that are recorded now, with why."""
        left = ((event, None) for events in self._left.values() for event in events)
        return sorted((*self._misplaced, *left), key=lambda each: each[0]["time"])

    def placed(self, one: Happened) -> Happened:
        """The step, with the time of the event that it is, if that was put in."""
        if self._trial is None:
            return one
        self._number, step = self._number + 1, one.step
        left = self._left.get((step.type.kind.name, step.id), [])
        event = next((each for each in left if _act(each) == (step.type, step.data)), None)
        time = step.time if event is None else event["time"]
        wanted = Intention(step.type.name, step.data, lambda _: step.id, type(step.type) is not Begins, time=time)
        fit = None
        if event is not None:
            left.remove(event)
            try:
                if (fit := self._trial.check(wanted, step.id, self._number)) is not None:
                    must_last(fit, one.before, one.after)
            except Misplaced as no:
                self._misplaced.append((event, no))
                wanted, fit = wanted._replace(time=None), None
        self._trial.happened(Change(wanted, step.id, one.before, one.after), self._number, fit)
        return one._replace(step=step._replace(time=wanted.time))
