"""The plan that makes the register what it would be by a history that was only supposed."""

from collections.abc import Callable, Sequence

from evcli.domain.leading import leading
from evcli.domain.overlay import Draft
from evcli.domain.way import Subject, Was, Would
from evcli.register.batches import planned
from evcli.register.courses import courses, followed
from evcli.register.operations import WHAT_IF
from evcli.register.register import Register
from evcli.register.undoing import Way, with_reason
from evcli.register.what_if import Supposed


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
    groups = leading(Draft(register.state), supposed.state, subjects, past, supposed.answers, other)
    return Way(planned(register, with_reason(groups, reason), WHAT_IF + new_id()))
