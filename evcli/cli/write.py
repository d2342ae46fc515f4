"""Recording events and reporting them: what is stored is announced, what is announced is stored."""

import shlex
from collections.abc import Iterable
from typing import NamedTuple

from evcli.cli.done import answer_to
from evcli.cli.options import lock_wait_of, read_head
from evcli.cli.session import Session
from evcli.cli.show.cells import Cell
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import as_json, change_in_words, event_fields, happened_in_words
from evcli.cli.words import argument_of, typed
from evcli.domain.event import number_of
from evcli.domain.kind import Changes
from evcli.domain.refusals import Misplaced, Unchanged
from evcli.domain.undo import undo_of
from evcli.kinds import TYPES
from evcli.register.decide import Done, Intention, Outcome
from evcli.register.register import Register


class Writing(NamedTuple):
    """How to write: the options of every writing command."""

    dry_run: bool
    expect: str | None
    id: str | None
    lock_wait: float | None


def record(session: Session, intentions: list[Intention], writing: Writing) -> Answer:
    """Record the events, all or none; signals are held until the answer is shown."""
    head = None if writing.expect is None else read_head(writing.expect)
    lock_wait = lock_wait_of(writing.lock_wait)
    session.output.paged = False
    try:
        done = session.register.execute(
            *intentions,
            id=writing.id,
            expect=head,
            dry_run=writing.dry_run,
            lock_wait=lock_wait,
            held=session.held,
        )
    except Misplaced as no:
        from evcli.cli.said.occurred import explain

        explain(no, session.register.state, "--occurred")
        no.hint = no.hint and f"nothing was written; {no.hint}"
        raise
    except Unchanged as no:
        if intentions[0].time is not None:
            from evcli.cli.said.occurred import explain_unchanged

            explain_unchanged(session.register, no, intentions[0])
        raise
    session.output.warn_once(done.notices)
    if not done.recorded:
        return _answer(session, done)
    first, last = done.first, done.first + len(done) - 1
    stored, show = f"event {first} is stored", f"evcli show {first} shows it"
    if first < last:
        stored, show = f"events {first} to {last} are stored", f"evcli log --since {first - 1} shows them"
    return answer_to(lambda: _answer(session, done), stored, f"{show}; do not repeat the command")


def _answer(session: Session, done: Done) -> Answer:
    outcomes = list(done)
    kind = TYPES[outcomes[0].event["type"]].kind
    remarks = [("note", note) for note in _overtaken(done)]
    document = {
        "events": [outcome.event for outcome in outcomes],
        kind.plural: [as_json(outcome.after) for outcome in outcomes],
        "before": [as_json(outcome.before) for outcome in outcomes],
        "recorded": done.recorded,
        "began": done.began,
    }
    if not done.recorded and not done.was_there:
        session.note_rehearsal(done.first)
        rows = list[tuple[str, Cell]]()
        for event, _, before, after, _ in outcomes:
            rows.append(("change", change_in_words(TYPES[event["type"]], event["data"], before, after)))
            rows += event_fields(event)
        return fields(rows, document)._replace(remarks=remarks)
    lines = _lines(session, done) if session.output.chosen_form in ("table", "plain") else None
    records = [(number_of(outcome.event), *outcome.after) for outcome in outcomes]
    header = ("event", *kind.record._fields)
    remarks += [session.began] if done.began else []
    return Answer(header=header, rows=records, document=document, lines=lines, is_optional=True, remarks=remarks)


def _overtaken(done: Done) -> list[str]:
    """What is to be told of late events that did not last."""
    if not done.overtaken:
        return []
    from evcli.cli.said.occurred import overtaken_notes

    return list(overtaken_notes(done.overtaken))


def _lines(session: Session, done: Done) -> list[str]:
    if done.was_there:
        last = done.first + len(done) - 1
        return [f"already recorded as event{f's {done.first} to {last}' if last > done.first else f' {done.first}'}"]
    then = ""
    if (time := done.changes[0].intention.time) is not None:
        from evcli.cli.said.occurred import as_option

        then = f" {as_option(session, time)}"
    undo = [f"undo: evcli{session.log_words} {command}{then}" for command in undo_commands(session.register, done)]
    told = (sentence(each, change.intention.time) for each, change in zip(done, done.changes, strict=True))
    return [*told, *undo]


def sentence(outcome: Outcome, occurred: str | None = None) -> str:
    """What happened: `user 7 renamed: Ada King <ada@example.com>, was Ada (event 42)`; and when, if that was said."""
    event, before, after = outcome.event, outcome.before, outcome.after
    each = TYPES[event["type"]]
    was = ""
    if type(each) is Changes and len(each.fields) == 1 and each.says_fields and before is not None:
        old = getattr(before, *each.fields)
        was = "" if old is None or "{" in each.past else f", was {old}"
    then = ""
    if occurred is not None:
        from evcli.cli.show.times import local

        then = f", happened {local(occurred)}"
    return f"{happened_in_words(each, event['data'], after)}{was} (event {number_of(event)}{then})"


def undo_commands(register: Register, outcomes: Iterable[Outcome]) -> list[str]:
    """The commands, after `evcli`, that restore the previous state of these records; none for what has no way back.

    Records that need the same words share one command, if it takes several of them.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        each, id = TYPES[outcome.event["type"]], str(outcome.after.id)
        way = undo_of(each, register.state, outcome.before, outcome.after)
        if way is None:
            continue
        back, data = way
        argument = data.pop(argument_of(back), "")
        command = " ".join([each.kind.name, back.verb, *typed(back, data)])
        words = found.setdefault((command, id if back.required else ""), [])
        words.append(id)
        if argument:
            # Arguments that start with a dash follow --, so that they are not read as options.
            words += [*["--"] * argument.startswith("-"), shlex.quote(argument)]
    return [" ".join([command, *words]) for (command, _), words in found.items()]
