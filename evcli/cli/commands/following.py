"""`evcli log -f`: the last events, then new ones as they are appended."""

import select
import sys
from collections.abc import Iterable
from itertools import chain

from evcli.cli.chosen import Chosen
from evcli.cli.session import Session, endless
from evcli.cli.show.history import answer_of
from evcli.cli.show.output import Answer
from evcli.domain.event import Event
from evcli.errors import BadInput, NoLog
from evcli.register.past import Position
from evcli.register.register import Register

LAST = 10
"""Default number of past events shown, as in tail(1)."""

PAUSE = 200
"""Milliseconds between two looks at the log."""


def check_it_can_go_on(session: Session, until: str | None, as_of: str | None) -> None:
    """Refuse options that an endless answer cannot support. Raises BadInput."""
    if until is not None:
        raise BadInput("--follow never ends, and --until sets an end", "leave one of them out")
    if as_of is not None:
        raise BadInput(
            "--follow shows events as they are recorded, and --as-of as they happened", "leave one of them out"
        )
    if session.output.form == "json":
        raise BadInput("--follow has no end, and a JSON array needs one", "--format jsonl prints one event per line")
    if session.output.times == "relative":
        raise BadInput("--follow shows absolute times: a relative one would soon be wrong", "leave --times out")


def opened(session: Session) -> Register:
    """The register, once there is a log. Raises CannotOpen, NotALog, LogCut, and BrokenPipeError for Ctrl-C."""
    is_told = False
    with endless():
        while True:
            try:
                return session.opened()
            except NoLog as missing:
                if not is_told:
                    session.output.warning(f"{missing.message} yet; waiting for it")
                is_told = True
            _wait_while_somebody_listens()


def as_they_land(session: Session, past: Iterable[Event], end: Position, chosen: Chosen, *, patch: bool) -> Answer:
    """The `past` events, and then those that land after `end`, each at once, until Ctrl-C or until stdout closes."""
    if chosen.is_impossible:
        session.output.note(chosen.why_none())
    coming = session.register.follow(end, pause=_wait_while_somebody_listens, tell=session.output.warning)
    at_once = len(past) if isinstance(past, list) else 0
    return answer_of(session, chain(past, filter(chosen.has, coming)), patch=patch, live=at_once)


def _wait_while_somebody_listens() -> None:
    """Wait until the next look. Raises BrokenPipeError if the reader of stdout has closed it."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # poll always reports a closed reader, even with an empty mask
    if poll.poll(PAUSE):
        raise BrokenPipeError
