"""The events that a command is to take back, drop or change: each is named by a REF that is one event, not a moment."""

import shlex
from contextlib import suppress

from evcli.cli.session import Session
from evcli.errors import BadRef

_FORMS = "an event is named by its number, @ (the last one), @-1 or id:…"


def event_named(session: Session, ref: str) -> int:
    """The number of the event that `ref` names in the opened log. Raises BadRef, also for a moment; Damaged."""
    number = _number(session, ref)
    if not number:
        raise BadRef(ref, "is the empty register, before the first event", "events are counted from 1")
    return number


def events_named(session: Session, ref: str) -> range:
    """The numbers of the events that `ref` names: one, or with A..B those after event A up to B.

    Raises BadRef, Damaged.
    """
    start, dots, end = ref.partition("..")
    if not dots:
        number = event_named(session, ref)
        return range(number, number + 1)
    first, last = _number(session, start or "0"), _number(session, end or "@")
    if last <= first:
        hint = f"did you mean {in_numbers(last, first)}?" if last < first else ""
        raise BadRef(ref, "has no events: A..B are those after A up to B", hint)
    return range(first + 1, last + 1)


def in_numbers(first: int, last: int) -> str:
    """A range of events as A..B."""
    return f"{first}..{last}"


def _number(session: Session, ref: str) -> int:
    words = ref.strip()
    if (words.isascii() and words.isdigit()) or words.startswith(("@", "HEAD", "-", "id:")):
        return session.moment(ref).number
    hint = _FORMS
    with suppress(BadRef):
        session.register.moment(ref, session.output.now)
        hint += f"; evcli log --until {shlex.quote(ref)} -1 shows the last event before it"
    raise BadRef(ref, "is not an event", hint)
