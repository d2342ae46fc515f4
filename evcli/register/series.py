"""A series of events that is too long for one batch, such as an import; it can be resumed, and followed by another."""

import re
from array import array
from collections.abc import Callable

from evcli.domain.overlay import Draft
from evcli.errors import NoLog
from evcli.log.correlated import correlated
from evcli.register.register import Register

_ROW_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}").fullmatch

MOST_BEHIND = 64 << 20
"""Maximum lag of the cache during a series: the next command catches it up, and memory stays bounded."""


class Earlier:
    """The events of a series that the log has, in columns, because there may be many."""

    def __init__(self) -> None:
        self.at = dict[str, int]()
        """Where in the columns the event with each id is."""
        self.numbers, self.records, self.types = array("Q"), array("Q"), list[str]()
        """The number of each event, the id of the record that it is about, and its type."""


def earlier_series(register: Register, correlation: str, following: Callable[[int], str]) -> tuple[list[Earlier], int]:
    """The series with that correlation id and those that follow it, and the place up to which the log was searched.

    `following` returns the correlation id of the series after the one whose first event has this number.

    They are durable on return, so that callers can rely on them. Raises NotWritten if no log is there, and none can be.
    """
    is_there = _catch_up(register)
    register.history.most_behind = MOST_BEHIND
    if not is_there:
        register.log.check_beginning()
        return [], 0
    log, found = register.log, list[Earlier]()
    for series, number, id, type, record in correlated(log, correlation, 0, following):
        if series == len(found):
            found.append(Earlier())
        each = found[series]
        each.at[id] = len(each.numbers)
        each.numbers.append(number)
        each.records.append(record)
        each.types.append(type)
    if found:
        log.sync()
    return found, log.end


def is_of_a_row(id: str) -> bool:
    """Whether an id has the form of a row's, and of an import's correlation id: that of a UUID of version 8."""
    return _ROW_ID(id) is not None


def rehearsal(register: Register) -> Draft:
    """A draft of the state at the head, for trying things out."""
    register.check()
    _catch_up(register)
    return Draft(register.state)


def _catch_up(register: Register) -> bool:
    """Bring the register up to the end of its log; False if there is none. Raises LogCut if there used to be one."""
    try:
        register.catch_up()
    except NoLog:
        if register.known.number:
            raise
        register.history.check_missing(register.log)
        return False
    return True
