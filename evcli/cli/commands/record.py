"""`evcli KIND VERB …`: the commands of every kind of record, generated from its declaration."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from evcli.cli.command import EXIT_CODES, Command, Group
from evcli.cli.session import Session
from evcli.cli.show.cells import Cell, Happened, Sentence
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import as_json, summary
from evcli.cli.words import Words, commands
from evcli.cli.write import Writing, record
from evcli.domain.event import number_of
from evcli.domain.kind import EventType, Kind
from evcli.domain.refusals import NoSuchRecord
from evcli.domain.text import composed
from evcli.kinds import KINDS


def group(name: str) -> Group:
    """`evcli KIND …`"""
    kind = KINDS[name]
    every = commands(kind)
    # Words are built lazily: the group's help needs only these two examples.
    first, second = (words()[2][0] for words in islice(every.values(), 2))
    return Group(
        {verb: _builder(kind, verb, words) for verb, words in every.items()},
        f"Record changes to {kind.plural}, and query them.",
        [first, f"evcli {name} list --at 2026-03-03", second],
        EXIT_CODES,
    )


def _builder(kind: Kind, verb: str, words: Callable[[], Words]) -> Callable[[], Command]:
    def run(session: Session, **values: Any) -> Answer:
        if verb in kind.verbs:
            return _write(session, kind.verbs[verb], values)
        return {"list": list_records, "show": show}[verb](session, kind, values)

    return lambda: Command(run, *words(), EXIT_CODES, only_asks=verb not in kind.verbs)


def _write(session: Session, each: EventType, values: dict[str, Any]) -> Answer:
    """Record the events from the arguments."""
    from evcli.cli.intentions import intentions

    time = None
    if values["occurred"] is not None:
        from evcli.cli.said.occurred import occurred

        time = occurred(session, values["occurred"])
    try:
        wanted = intentions(each, values, time)
        return record(session, wanted, Writing(values["dry_run"], values["expect"], values["id"], values["lock_wait"]))
    except NoSuchRecord as unknown:
        from evcli.cli.whom import former_hint

        unknown.hint = former_hint(session, each.kind, unknown.who) or unknown.hint
        raise


def list_records(session: Session, kind: Kind, values: dict[str, Any]) -> Answer:
    """`evcli KIND list`"""
    is_chosen = values["columns"] is not None or values["wide"]
    if is_chosen:
        from evcli.cli.columns import columns_of

        names = columns_of(kind, values["columns"], wide=values["wide"])
    is_all, wanted = values.get("all", False), composed(values.get("match") or "").casefold()
    register = session.opened()
    state, until = session.asked(values["at"], values["as_of"])
    places = [kind.record._fields.index(name) for name in kind.own]
    found = (
        record
        for record in state.records(kind.name, live_only=not is_all)
        if not wanted or any(wanted in str(record[at]).casefold() for at in places if record[at] is not None)
    )
    records = list(islice(found, values["limit"] or None))
    if not records:
        session.output.note(f"no {kind.plural}{' match' if wanted else ''} at {session.in_words(state, until)}")
    if is_chosen:
        from evcli.cli.columns import answer_of

        hides_empty = values["wide"] and session.output.chosen_form == "table"
        return answer_of(register, kind, names, records, state.number, hides_empty=hides_empty)
    # A table on screen leaves out the column of the ending event if it would be empty.
    columns = None if is_all or session.output.chosen_form != "table" else -1
    rows = [record[:columns] for record in records]
    return Answer(header=kind.record._fields[:columns], rows=rows, records=map(as_json, records))


def show(session: Session, kind: Kind, values: dict[str, Any]) -> Answer:
    """`evcli KIND show`"""
    from evcli.cli.whom import record_at

    register = session.opened()
    state, until = session.asked(values["at"], values["as_of"])
    record = record_at(session, state, kind, values["who"], until)
    if until is None:
        events = list(register.events_about(kind.name, record.id, state.number))
    else:
        events = register.happenings(state.number).events_as_of(kind, record.id, until)
    rows: list[tuple[str, Cell]] = list(record._asdict().items())
    for event in events:
        said = summary(event)
        when, told = Happened.of(event), f" {event['type']} by {event['authid']}" + (f" ({said})" if said else "")
        rows.append((f"event {number_of(event)}", Sentence((when, ":" if when.recorded else "", told))))
    return fields(rows, {**record._asdict(), "events": events})
