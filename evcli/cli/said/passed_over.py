"""What a moment by date or time passes over: events that happened by then, but were recorded later."""

import shlex
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from evcli.cli.show.times import local_time
from evcli.errors import Damaged, NewerLog
from evcli.register.past import ALWAYS, Past
from evcli.register.refs import Moment, as_stored

if TYPE_CHECKING:
    from evcli.register.times import Span

_DIFF = "evcli diff --as-of"
"""What asks the question of a report by when things happened: it compares the ends of two times."""


def passed_over(past: Past, moment: Moment, since: Moment | None, by_time: str) -> str:
    """How many late events a moment that is a time passes over, or two such, and which words count them; "" if none."""
    if moment.span is None:
        return ""
    start, when, asked = ALWAYS, "by then", f"{'..' * (by_time == _DIFF)}{moment.ref}"
    if since is not None and since.span is not None:
        first = _end_before(since.span) if by_time == _DIFF else since.ref
        start, when, asked = _after(since), "between", f"{first}..{moment.ref}"
    count = 0
    with suppress(Damaged, NewerLog):  # after the moment, which can be answered all the same
        count = past.passed_over(as_stored(moment.span.end), moment.number, start)
    if not count:
        return ""
    events, were, them = (f"{count} events", "were", "them") if count > 1 else ("1 event", "was", "it")
    does = "shows what changed" if by_time == _DIFF else f"counts {them}"
    return f"{events} happened {when} but {were} recorded later: {by_time} {shlex.quote(asked)} {does}"


def _end_before(span: "Span") -> str:
    """The time whose end is the beginning of that one: A of `diff --as-of A..B` means the end of A."""
    try:
        before = local_time(span.start - timedelta(seconds=1))
    except OverflowError:
        return ""
    return before[:10] if span.covers else before


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
