"""`evcli diff`: what changed between two moments, by which events, by whom and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evcli.cli.command import EXIT_CODES, Command, Parameter
from evcli.cli.options import about as about_kinds
from evcli.cli.options import as_of as as_of_option
from evcli.cli.options import last_asked
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer, with_recorded
from evcli.cli.show.cells import Cell, Happened, Sentence
from evcli.cli.show.output import JSON_PATCH
from evcli.cli.show.render import as_json, in_words, summary
from evcli.domain.event import Event, number_of
from evcli.errors import BadInput
from evcli.kinds import first_kind

if TYPE_CHECKING:
    from evcli.domain.kind import Kind
    from evcli.register.diff import Difference

BY = ("person", "field")


_HELP = f"""Show what changed between two moments, by which events, by whom and why.

With --as-of TIME: what was true at that time, as known at FROM and at TO, and which events made the difference.
With --as-of A..B: what was true at A and what at B, both as known at TO; with FROM, A as known at FROM.

With --format {JSON_PATCH}: operations of RFC 6902 that turn the document of evcli state --at FROM --json into that of
--at TO (with --as-of A at FROM, and --as-of B at TO); those about one record alone leave out the hash and the counts.
"""


def diff(session: Session, from_: str | None, to: str, as_of: str | None, by: str, **about: str | None) -> Answer:
    """`evcli diff`; `about_KIND` is the WHO of `--KIND`, the last of which counts."""
    if by not in BY:
        raise BadInput(f'--by "{by}" is not one of {", ".join(BY)}')
    register = session.opened()
    start, end = _numbers(session, from_, to, as_of)
    then = None
    if as_of is not None:
        from evcli.cli.as_of import two_times_asked

        then = two_times_asked(session, as_of)
    subject = _subject(session, about, max(start, end), then and max(then))
    if then is None:
        found = register.diff(start, end, subject)
    else:
        found = register.diff_as_of((then[0], start), (then[1], end), subject)
    if session.form == JSON_PATCH:
        from evcli.cli.patched import patch

        first, last = then or (None, None)
        return Answer(records=patch(register, (start, first), (end, last), found, is_whole=subject is None))
    sides = _sides(start, end, then)
    if not found:
        whom = "" if subject is None else f" about {subject[0].name} {subject[1]}"
        session.output.note(f"nothing changed{whom} {sides}")
    answer = Answer(title=sides)
    if session.output.form in ("json", "jsonl"):
        times = {} if then is None else {"as_of": dict(zip(("from", "to"), then, strict=True))}
        return answer._replace(document={"from": start, "to": end, **times, "changes": list(map(_as_json, found))})
    if by == "field":
        header = ("record", "field", "before", "after", "event", "time", "actor", "reason")
        answer = answer._replace(header=header, rows=(row for each in found for row in _by_field(each)))
        return with_recorded(answer, session.output.chosen_form)
    if session.output.chosen_form == "table":
        rows = (row for each in found for row in _with_events_below(each))
        return answer._replace(header=("record", "before", "after"), rows=rows)
    return answer._replace(header=("record", "before", "after", "events"), rows=map(_in_one_row, found))


def _numbers(session: Session, from_: str | None, to: str, as_of: str | None) -> tuple[int, int]:
    """The events after which the two states are, or what is known of other times."""
    by_time = "" if as_of else "--as-of"
    first = None if from_ is None else session.moment(from_)
    is_now = to == "@"
    end = session.register.head().number if is_now else session.moment(to, since=first, by_time=by_time).number
    if first is not None:
        return first.number, end
    head = session.register.head().number
    # Of two times the difference is asked as of one moment of knowledge; of one time, or none, what the last event did.
    return (end if as_of and ".." in as_of else max(0, head - 1)), end


def _sides(start: int, end: int, then: tuple[str, str] | None) -> str:
    if then is None:
        return f"from event {start} to event {end}"
    from evcli.cli.as_of import in_words

    return f"from {in_words(then[0], start)}, to {in_words(then[1], end)}"


def _subject(
    session: Session, about: Mapping[str, str | None], at: int, until: str | None
) -> "tuple[Kind, int] | None":
    """The one record to compare, called as it was at the later moment or before; None for all."""
    asked = last_asked(about)
    if asked is None:
        return None
    from evcli.cli.whom import record_at

    kind, who = asked
    state = session.register.at(at) if until is None else session.register.as_of(until, at)
    return kind, record_at(session, state, kind, who, until).id


def _record(each: "Difference") -> tuple[Cell, Cell, Cell]:
    kind = each.kind
    return f"{kind.name} {each.id}", in_words(kind, each.before), in_words(kind, each.after)


def _with_events_below(each: "Difference") -> Iterator[Sequence[Cell]]:
    yield _record(each)
    for event in each.events:
        yield "", "", Sentence(("  ", *_told(event)))


def _in_one_row(each: "Difference") -> Sequence[Cell]:
    told = (("; " if at else "", *_told(event)) for at, event in enumerate(each.events))
    return *_record(each), Sentence(part for parts in told for part in parts)


def _told(event: Event) -> tuple[str, ...]:
    """`event 6, 2024-06-28 16:45:00+00:00: user.destroyed by jonas (reason: contract ended)`."""
    said = summary(event)
    did = f": {event['type']} by {event['authid']}" + (f" ({said})" if said else "")
    return f"event {number_of(event)}, ", Happened.of(event), did


def _by_field(each: "Difference") -> Iterator[Sequence[Cell]]:
    for name, old, new, event in each.fields():
        who = (number_of(event), Happened.of(event), event["authid"], event["data"].get("reason"))
        yield f"{each.kind.name} {each.id}", name, old, new, *who


def _as_json(each: "Difference") -> dict[str, Any]:
    return {
        "kind": each.kind.name,
        "id": each.id,
        "before": as_json(each.before),
        "after": as_json(each.after),
        "events": each.events,
        "fields": [
            {"field": name, "before": old, "after": new, "event": number_of(event)}
            for name, old, new, event in each.fields()
        ],
    }


COMMANDS = {
    "diff": lambda: Command(
        diff,
        _HELP,
        [
            Parameter("from_", (), "[FROM]", "Default: @-.", is_moment=True),
            Parameter("to", (), "[TO]", "Default: @, now.", is_moment=True, default="@"),
            as_of_option("What was true then, or at A and at B of A..B."),
            Parameter(
                "by",
                ("--by",),
                "WHAT",
                "A row for each person (the default), or for each field.",
                among=lambda: BY,
                default=BY[0],
            ),
            *about_kinds(),
        ],
        [
            "evcli diff",
            "evcli diff 2026-03-01 2026-04-01",
            "evcli diff @-10 --by field",
            "evcli diff 2026-03-01 --as-of 2020-12-31",
            "evcli diff --as-of 2019-12-31..2020-12-31",
            f"evcli diff 0 --{first_kind().name} 7",
            "evcli diff 41 42 --format json-patch",
        ],
        EXIT_CODES,
        forms=(JSON_PATCH,),
        only_asks=True,
    ),
}
