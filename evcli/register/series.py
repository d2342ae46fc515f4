"""A series of events that is too long for one batch, such as an import, and can be resumed."""

from evcli.domain.overlay import Draft
from evcli.errors import NoLog
from evcli.log.correlated import correlated
from evcli.register.register import Register

MOST_BEHIND = 64 << 20
"""Maximum lag of the cache during a series: the next command catches it up, and memory stays bounded."""


def recorded_ids(register: Register, correlation: str) -> tuple[dict[str, int], int]:
    """The ids of all events of a series, with their numbers, and the place up to which the log was searched.

    They are durable on return, so that callers can rely on them. Raises NotWritten if no log is there, and none can be.
    """
    is_there = _catch_up(register)
    register.history.most_behind = MOST_BEHIND
    if not is_there:
        register.log.check_beginning()
        return {}, 0
    log = register.log
    found = {id: number for number, id in correlated(log, correlation, 0)}
    if found:
        log.sync()
    return found, log.end


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
