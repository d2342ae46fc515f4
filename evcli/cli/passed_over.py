"""What a moment by date or time passes over: events that happened by then, but were recorded later."""

import shlex
from contextlib import suppress
from datetime import timedelta

from evcli.errors import Damaged, NewerLog
from evcli.register.past import ALWAYS, Past
from evcli.register.refs import Moment, as_stored


def passed_over(past: Past, moment: Moment, since: Moment | None, by_time: str) -> str:
    """How many late events a moment that is a time passes over, or two such, and which words count them; "" if none."""
    if moment.span is None:
        return ""
    start, when, asked = ALWAYS, "by then", moment.ref
    if since is not None and since.span is not None:
        start, when, asked = _after(since), "between", f"{since.ref}..{moment.ref}"
    count = 0
    with suppress(Damaged, NewerLog):  # after the moment, which can be answered all the same
        count = past.passed_over(as_stored(moment.span.end), moment.number, start)
    if not count:
        return ""
    events, were, them = (f"{count} events", "were", "them") if count > 1 else ("1 event", "was", "it")
    return f"{events} happened {when} but {were} recorded later: {by_time} {shlex.quote(asked)} counts {them}"


def _after(moment: Moment) -> str:
    """The first moment after one that is a time, as stored."""
    if moment.span is None:
        return ALWAYS
    if moment.is_beginning:
        return as_stored(moment.span.start)
    try:
        return as_stored(moment.span.end + timedelta(microseconds=1))
    except OverflowError:
        return as_stored(moment.span.end)
