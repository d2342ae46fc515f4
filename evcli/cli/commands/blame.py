"""`evcli blame`: of each field of a record, the event that set it, when, by whom and why."""

from typing import TYPE_CHECKING, Any

from evcli.cli.command import EXIT_CODES, Command
from evcli.cli.options import AS_OF, AT, KIND, kind_of
from evcli.cli.session import Session
from evcli.cli.show.answer import Answer, with_recorded
from evcli.cli.show.cells import Cell, Happened
from evcli.cli.whom import record_at
from evcli.cli.words import example_of, who_of
from evcli.domain.event import number_of, recorded_moment
from evcli.kinds import first_kind

if TYPE_CHECKING:
    from evcli.register.setters import Setting

_HEADER = ("field", "value", "event", "time", "actor", "type", "reason")


def blame(session: Session, who: str, at: str | None, as_of: str | None, kind: str | None) -> Answer:
    """`evcli blame`"""
    chosen = kind_of(kind)
    register = session.opened()
    state, until = session.asked(at, as_of)
    record = record_at(session, state, chosen, who, until)
    if until is None:
        found = register.blame(chosen, record.id, state.number)
    else:
        found = register.happenings(state.number).blame(chosen, record.id, until)
    document: dict[str, Any] = {
        "kind": chosen.name,
        "id": record.id,
        "number": state.number,
        "fields": list(map(_as_json, found)),
    }
    if until is not None:
        document["as_of"] = until
    title = f"{chosen.name} {record.id}, as of {session.in_words(state, until)}"
    answer = Answer(header=_HEADER, rows=map(_row, found), document=document, title=title, whole="type")
    return with_recorded(answer, session.output.chosen_form)


def _row(each: "Setting") -> tuple[Cell, ...]:
    event = each.event
    who = (Happened.of(event), event["authid"], event["type"], event["data"].get("reason"))
    return each.name, each.value, number_of(event), *who


def _as_json(each: "Setting") -> dict[str, Any]:
    event = each.event
    return {
        "field": each.name,
        "value": each.value,
        "event": number_of(event),
        "type": event["type"],
        "time": event["time"],
        "recorded": recorded_moment(event),
        "actor": event["authid"],
        "reason": event["data"].get("reason"),
    }


def _blame() -> Command:
    kind = first_kind()
    example = example_of(kind)
    return Command(
        blame,
        "Show which event set each field of a record, when, by whom and why.\n\n"
        f"{kind.ended.capitalize()} is one of them once an event has set it, or taken it back.",
        [who_of(kind), AT, AS_OF, KIND],
        [f"evcli blame {example}", "evcli blame 7 --at 2026-03-03", "evcli blame 7 --json | jq '.fields[0]'"],
        EXIT_CODES,
        only_asks=True,
    )


COMMANDS = {"blame": _blame}
