"""TIME of `--as-of`, and A..B: what is meant, and what is said of it. It is about when events happened."""

import shlex
from datetime import datetime
from typing import Protocol

from evcli.cli.show.moment import happened_by
from evcli.cli.show.times import local
from evcli.errors import BadInput, BadRef
from evcli.register.past import ALWAYS
from evcli.register.refs import as_stored
from evcli.register.times import FORMS, NotATime, Span, read_time
from evcli.register.two_times.occurred import is_year, place_in_log

_FORMS = (
    "a time is a date or time like 2026-11-22 17:03, a period like 2024-02 or 2024-Q1, 10m ago, today or yesterday; "
    "--at takes an event, or the name of a kept head"
)


class Asker(Protocol):
    """The session, as far as it is needed here."""

    @property
    def now(self) -> datetime:
        """The time at which everything is asked."""

    def recorded(self, number: int | None) -> str:
        """When event `number` was recorded, or the last one."""

    def tell(self, *texts: str) -> None:
        """Print notes on what the answer will be about, each once."""


def time_asked(asker: Asker, typed: str, known: int | None = None) -> str:
    """The last moment, as stored, of the time that was typed; `known` is the event that `--at` named.

    How it was read is told on stderr. Raises BadInput, BadRef, Damaged.
    """
    words = typed.strip()
    if ".." in words:
        raise BadInput(f'--as-of "{words}" is a range: one time is needed here', "evcli log and evcli diff take A..B")
    span = _span(words, asker)
    is_future = span.start > asker.now
    asker.tell(*happened_by(words, span, known, is_future=is_future))
    until = as_stored(span.end)
    # Where the head was recorded later than this clock says, these two mean the head.
    return max(until, asker.recorded(known)) if words in ("now", "today") else until


def range_asked(asker: Asker, typed: str, known: int | None = None) -> tuple[str, str]:
    """The same of A..B, and the first moment of A before it; that is ALWAYS where only one time was typed."""
    first, dots, last = (each.strip() for each in typed.partition(".."))
    if not dots:
        return ALWAYS, time_asked(asker, typed, known)
    start = ALWAYS
    if first:
        span = _span(first, asker, beginning=True)
        asker.tell(*happened_by(first, span, known, beginning=True))
        start = as_stored(span.start)
    until = time_asked(asker, last or "now", known)
    if until < start:
        raise BadInput(f'--as-of "{typed.strip()}" ends before it begins', f"the other way round: {last}..{first}")
    return start, until


def two_times_asked(asker: Asker, typed: str) -> tuple[str, str]:
    """The last moments of A and of B in A..B; of one time alone, it twice."""
    first, dots, last = (each.strip() for each in typed.partition(".."))
    if not dots:
        until = time_asked(asker, typed)
        return until, until
    return time_asked(asker, first) if first else ALWAYS, time_asked(asker, last or "now")


def in_words(until: str, number: int) -> str:
    """A time as it is known after an event."""
    return f"{local(until)}, as known at event {number}" if until else "the beginning of time"


def option(until: str) -> str:
    """The option that asks for that time again."""
    return f"--as-of {shlex.quote(local(until))}"


def _span(words: str, asker: Asker, *, beginning: bool = False) -> Span:
    if not words:
        raise BadInput("--as-of is empty", _FORMS)
    if why := place_in_log(words):
        which, day = ("beginning", "01-01") if beginning else ("end", "12-31")
        year, at = f"for the {which} of the year write {words}-{day}", f"--at takes an event: --at {shlex.quote(words)}"
        raise BadInput(f'--as-of "{words}" {why}', year if is_year(words) else at)
    try:
        return read_time(words, asker.now)
    except BadRef as no:
        no.hint = _FORMS if no.hint == FORMS else no.hint
        if isinstance(no, NotATime):
            raise BadInput(f'--as-of "{words}" is not a time', no.hint) from None
        raise
