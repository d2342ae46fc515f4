"""What is said of events that happened earlier: when, why one does not fit there, and what happened after it."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED
from evcli.cli.show.render import in_words
from evcli.cli.show.times import local, local_time
from evcli.cli.words import command_of
from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.fitting import Overtaken
from evcli.domain.kind import Revives
from evcli.domain.overlay import Draft
from evcli.domain.refusals import (
    DoesNotLast,
    Misplaced,
    NoSuchRecord,
    NotEnded,
    NotLive,
    NotThen,
    NoWay,
    Taken,
    Unchanged,
)
from evcli.domain.state import MemoryState, State
from evcli.errors import BadInput
from evcli.kinds import TYPES
from evcli.register.decide import Intention
from evcli.register.register import Register
from evcli.register.two_times.occurred import read_occurred

FIRST_LIKELY = 1900
"""The first year of which it is not said that it is meant: 0202 and 1203 are slips for 2020 and 2013."""


def occurred(session: Session, text: str) -> str:
    """The time that `--occurred` means, in the log's time format. Raises BadInput."""
    try:
        time, span = read_occurred(text, session.output.now)
    except BadInput as bad:
        bad.message = f"--occurred {bad.message}"
        raise
    if span.earlier is not None:
        first, second = local_time(span.earlier), local_time(span.start)
        session.output.preface(f'"{text}" was twice, at {first} and at {second}; the later one is meant')
    if span.start.year < FIRST_LIKELY:
        session.output.preface(f'"{text}" is in the year {span.start.year}')
    return time


def as_option(session: Session, time: str) -> str:
    """The option that means exactly this time, which is in the log's time format: as a local date if it can be."""
    shown = local(time)
    words = (shown[:10], shown, time)
    exact = next(text for text in words if read_occurred(text, session.output.now)[0] == time)
    return f"--occurred {shlex.quote(exact)}"


def explain(error: Misplaced, state: State, by: str) -> None:
    """Let the refusal of a late event say when it cannot have happened, and because of which event, in local time.

    `state` is the present one; `by` is what said that the event is a late one: `--occurred`.
    """
    match error:
        case NotThen():
            error.message = _not_then(error)
        case DoesNotLast():
            error.message = _does_not_last(error)
        case _:
            error.message = _breaks_later(error)
    ways = [_way_out(error, state, by), _later_that_day(error)]
    if error.other is not None and error.place is None:
        ways.append(f"evcli show {number_of(error.other)} shows that event")
    error.hint = "; ".join(filter(None, ways))


def _way_out(error: Misplaced, state: State, by: str) -> str:
    """What to do instead; "" if nothing is known.

    A record that had the unique field then, but has ended since, may be the same one.
    """
    kind, why = TYPES[error.event["type"]].kind, error.why
    if isinstance(error, DoesNotLast):
        if error.place is not None:
            return "rows are taken in the order of the file: sort them by date"
        return f"without {by} it changes now"
    if not isinstance(why, Taken) or not isinstance(error, NotThen):
        return ""
    holder, back = state.get(kind.name, why.holder), kind.one(Revives)
    if holder is None or holder[-1] is None or back is None:
        return ""
    who = f"{kind.name} {why.holder}"
    return f"if {who} is the same {kind.name}, evcli {kind.name} {back.verb} {why.holder} brings it back"


def explain_unchanged(register: Register, error: Unchanged, wanted: Intention) -> None:
    """Let the refusal of a late event that would change nothing say since which event everything is so."""
    settings = register.blame(TYPES[wanted.type].kind, error.id, register.known.number)
    event = max((setting.event for setting in settings if setting.name in wanted.data), key=number_of)
    error.message += f" since event {number_of(event)}, of {local(event['time'])}"
    error.hint = "there is nothing to record; the date of an event cannot be changed once it is recorded"


def _later_that_day(error: Misplaced) -> str:
    """Of a date alone, on which an event about the same record stands against it later: a time after that event."""
    event, other = error.event, error.other
    if other is None or other["subject"] != event["subject"] or other["time"] <= event["time"]:
        return ""
    then, after = local(event["time"]), local_time(datetime.fromisoformat(other["time"]) + timedelta(seconds=1))
    if then[:10] != after[:10] or then[11:19] != "00:00:00":
        return ""
    return f"a date alone means its beginning: '{after[:19]}' is after that event"


def overtaken_notes(found: Sequence[Overtaken]) -> Iterator[str]:
    """That what happened later says something else of records than what was recorded last."""
    for over in found[:MOST_NAMED]:
        kind, by = over.kind, f"event {number_of(over.by)} of {local(over.by['time'])}"
        yield (
            f"{kind.name} {over.record.id} is {in_words(kind, over.record)} now, since this was recorded last; "
            f"--as-of now says {in_words(kind, over.last)}, by {by}{_repeated(over)}"
        )
    if len(found) > MOST_NAMED:
        yield f"and {len(found) - MOST_NAMED:,} more, of which --as-of now says something else"


def _repeated(over: Overtaken) -> str:
    """The commands that record anew, as of now, what happened last; "" if there are none."""
    from evcli.domain.way import way_of

    id = over.record.id
    try:
        acts = way_of(over.kind, id, _now(over), over.last, lambda subject: ())
    except NoWay:
        return ""
    return f"; {', then '.join(command_of(each, id, data) for each, data in acts)} records that again, now"


def _now(over: Overtaken) -> Draft:
    """The record at present, in a state without others."""
    state = Draft(MemoryState())
    state.put(over.kind.name, None, over.record)
    return state


def _not_then(error: Misplaced) -> str:
    why, other = error.why, error.other
    kind, then = TYPES[error.event["type"]].kind, local(error.event["time"])
    who = f"{kind.name} {error.id}"
    by = "" if other is None else f" by {_named(other, error.place)}"
    match why:
        case NoSuchRecord():
            return f"{who} was not there on {then}: it was {kind.began}{by}"
        case NotLive():
            return f"{who} was already {kind.ended} on {then},{by}"
        case NotEnded():
            return f"{who} was not {kind.ended} on {then}"
        case Taken():
            return f"{why.said} was {kind.name} {why.holder}'s on {then},{by}"
        case Unchanged():
            return f"{who} already had the {why.said} on {then}"
    return f"this cannot have happened on {then}: {why.message}"


def _breaks_later(error: Misplaced) -> str:
    why, other = error.why, error.other
    if other is None:
        return error.message
    each = TYPES[other["type"]]
    who = f"{each.kind.name} {subject_of(other)[1]}"
    past = each.name.partition(".")[2].replace("-", " ") if "{" in each.past else each.past
    match why:
        case NotLive():
            said = f"{who} would have been {each.kind.ended} already"
        case NotEnded():
            said = f"{who} would not have been {each.kind.ended}"
        case Taken():
            said = f"{why.said} would have been {each.kind.name} {why.holder}'s"
        case Unchanged():
            said = f"{who} would already have had the {why.said}"
        case _:
            said = why.message
    return (
        f"this cannot have happened on {local(error.event['time'])}: {_named(other, error.place)} ({who} {past}), "
        f"could not have happened after it: {said}"
    )


def _does_not_last(error: DoesNotLast) -> str:
    by = error.why.message if error.other is None else f"{_named(error.other, error.place)}, changed it again"
    return f"{error.said} on {local(error.event['time'])} would not last: {by}"


def _named(event: Event, place: object) -> str:
    """An event, which may be asked for only, by an input: `event 9, of 2026-03-01 09:00:00+01:00`."""
    said = f"event {number_of(event)}" if place is None else f"the event of {place}"
    return f"{said}, of {local(event['time'])}"
