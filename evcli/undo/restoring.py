"""The plan that brings the whole register back to what it was at an earlier moment."""

from collections.abc import Sequence

from evcli.domain.event import Subject, number_of, subject_of
from evcli.domain.leading import Answered, Happened, leading
from evcli.domain.overlay import Draft
from evcli.domain.timeline import is_late
from evcli.domain.way import Was
from evcli.register.register import Register
from evcli.undo import TAKING_BACK
from evcli.undo.courses import Courses
from evcli.undo.operations import correlation_of


def restoring(register: Register, to: int) -> tuple[list[list[Happened]], list[int]]:
    """The events that make every record what it was after event `to`, on the head that the register knows.

    Each answers the last event about its record. Records that were not there then end. Also the numbers of the late
    events since, that go on counting when it is asked by when things happened. Raises NoWay, InTheWay, Damaged.
    """
    last: dict[Subject, Answered] = {}
    late: dict[str, int] = {}
    for event in register.events(register.position(to), register.known.number):
        last[subject_of(event)] = number_of(event), event["id"]
        if not is_late(event):
            continue
        if not correlation_of(event).startswith(TAKING_BACK) or late.pop(event.get("causationid", ""), None) is None:
            late[event["id"]] = number_of(event)

    known = Courses(register, to)

    def past(subject: Subject) -> Sequence[Was]:
        return [Was(each.type, each.before, each.after) for each in known.of([subject])[subject]]

    groups = leading(Draft(register.state), known.before, sorted(last), past, last)
    return groups, list(late.values()) if groups else []
