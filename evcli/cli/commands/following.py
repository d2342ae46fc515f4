"""`evcli log -f`: the last events, then new ones as they are appended."""

import select
import sys
from collections.abc import Callable, Iterable
from itertools import chain

from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.render import LOG_HEADER, log_row
from evcli.domain.event import Event
from evcli.errors import BadInput
from evcli.register.past import Position

LAST = 10
"""Default number of past events shown, as in tail(1)."""

PAUSE = 200
"""Milliseconds between two looks at the log."""


def check_it_can_go_on(session: Session, until: str | None) -> None:
    """Refuse options that an endless answer cannot support. Raises BadInput."""
    if until is not None:
        raise BadInput("--follow never ends, and --until sets an end", "leave one of them out")
    if session.output.form == "json":
        raise BadInput("--follow has no end, and a JSON array needs one", "--format jsonl prints one event per line")


def as_they_land(session: Session, past: Iterable[Event], end: Position, is_wanted: Callable[[Event], bool]) -> Answer:
    """The `past` events, and then those that land after `end`, each at once, until Ctrl-C or until stdout closes."""
    coming = session.register.follow(end, pause=_wait_while_somebody_listens, tell=session.output.warning)
    shown = chain(past, filter(is_wanted, coming))
    at_once = len(past) if isinstance(past, list) else 0
    return Answer(header=LOG_HEADER, rows=map(log_row, shown), records=shown, is_verbatim=True, live=at_once)


def _wait_while_somebody_listens() -> None:
    """Wait until the next look. Raises BrokenPipeError if the reader of stdout has closed it."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # poll always reports a closed reader, even with an empty mask
    if poll.poll(PAUSE):
        raise BrokenPipeError
