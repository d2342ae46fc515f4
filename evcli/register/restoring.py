"""The plan that brings the whole register back to what it was at an earlier moment."""

from collections.abc import Sequence

from evcli.domain.event import number_of, subject_of
from evcli.domain.leading import Answered, Happened, leading
from evcli.domain.overlay import Draft
from evcli.domain.way import Subject, Was
from evcli.register.courses import courses
from evcli.register.register import Register


def restoring(register: Register, to: int) -> list[list[Happened]]:
    """The events that make every record what it was after event `to`, on the head that the register knows.

    Each answers the last event about its record. Records that were not there then end. Raises NoWay, InTheWay, Damaged.
    """
    last: dict[Subject, Answered] = {}
    for event in register.events(register.position(to), register.known.number):
        last[subject_of(event)] = number_of(event), event["id"]

    def past(subject: Subject) -> Sequence[Was]:
        return [Was(each.type, each.before, each.after) for each in courses(register, [subject], to)[subject]]

    return leading(Draft(register.state), register.at(to), sorted(last), past, last)
