"""Recording events and answering for them: what is stored is announced, what is announced is stored."""

import shlex
import signal
from collections.abc import Callable, Sequence
from typing import NamedTuple

from evcli.cli.options import read_head
from evcli.cli.session import Session
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import as_json, event_fields
from evcli.cli.words import argument_of, option_of
from evcli.domain.event import number_of, subject_of
from evcli.domain.kind import Begins, Changes
from evcli.domain.undo import undo_of
from evcli.errors import AnswerLost
from evcli.kinds import TYPES
from evcli.register.decide import Intention, Outcome
from evcli.register.register import LOCK_WAIT, Register


class Writing(NamedTuple):
    """How to write: the options that every writing command takes."""

    dry_run: bool = False
    expect: str | None = None
    id: str | None = None
    lock_wait: float | None = None


def record(session: Session, intentions: list[Intention], writing: Writing) -> None:
    """Have the register record the events, all or none, and answer while signals are held."""
    head = None if writing.expect is None else read_head(writing.expect)
    register = session.register()

    def answer(outcomes: list[Outcome]) -> None:
        for notice in dict.fromkeys(notice for outcome in outcomes for notice in outcome.notices):
            session.output.warning(notice)
        if not outcomes[0].recorded:
            _tell(session, register, outcomes, writing.dry_run)
            return
        first, last = number_of(outcomes[0].event), number_of(outcomes[-1].event)
        done, show = f"event {first} is stored", f"evcli show {first} shows it"
        if first < last:
            done, show = f"events {first} to {last} are stored", f"evcli log --since {first - 1} shows them"
        answer_once_done(
            lambda: _tell(session, register, outcomes, writing.dry_run), done, f"{show}; do not repeat the command"
        )

    session.output.paged = False  # signals are held until the answer is given
    lock_wait = LOCK_WAIT if writing.lock_wait is None else writing.lock_wait
    register.execute_all(
        intentions, id=writing.id, expect=head, dry_run=writing.dry_run, lock_wait=lock_wait, answer=answer
    )


def answer_once_done(show: Callable[[], None], done: str, hint: str) -> None:
    """Show the answer to something that is done, and let nothing that comes too late say otherwise.

    Raises:
        AnswerLost: it could not be shown; says what is `done`.
    """
    try:
        show()
    except Exception as error:
        why = (error.strerror if isinstance(error, OSError) else str(error)) or ""
        why = why.removeprefix("the answer could not be shown: ")
        raise AnswerLost(f"{done}, but the answer could not be shown: {why}", hint) from error
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)


def _tell(session: Session, register: Register, outcomes: Sequence[Outcome], dry_run: bool) -> None:
    is_stored = outcomes[0].recorded
    kind = TYPES[outcomes[0].event["type"]].kind
    document = {
        "events": [outcome.event for outcome in outcomes],
        kind.plural: [as_json(outcome.after) for outcome in outcomes],
        "recorded": is_stored,
    }
    if dry_run and outcomes[0].line:
        session.output.note("dry run: nothing was written; this would be")
        rows = [field for outcome in outcomes for field in event_fields(outcome.event)]
        session.output.show(fields(rows, document))
        return
    if session.output.quiet and session.output.chosen_form in ("table", "plain"):
        return
    if is_stored:
        lines = [sentence(outcome) for outcome in outcomes]
        commands = (undo_command(register, outcome) for outcome in outcomes)
        lines += [f"undo: evcli{session.log_words} {command}" for command in commands if command]
    else:
        lines = [f"already recorded as event {number_of(outcomes[0].event)}"]
    header = ("event", *kind.record._fields)
    rows_ = [(number_of(outcome.event), *outcome.after) for outcome in outcomes]
    session.output.show(Answer(header=header, rows=rows_, document=document, lines=lines))


def sentence(outcome: Outcome) -> str:
    """What happened: `user 7 renamed: Ada King <ada@example.com>, was Ada (event 42)`."""
    event, before, after = outcome.event, outcome.before, outcome.after
    each = TYPES[event["type"]]
    kind, past = each.kind, each.past
    subject, number = f"{kind.name} {subject_of(event)[1]}", f"(event {number_of(event)})"
    if "{" in past:
        return f"{subject} {past.format_map(after._asdict() | event['data'])} {number}"
    was = ""
    if type(each) is Changes and len(each.fields) == 1 and each.says_fields and before is not None:
        old = getattr(before, *each.fields)
        was = "" if old is None else f", was {old}"
    return f"{subject} {past}: {kind.labelled(after)}{was} {number}"


def undo_command(register: Register, outcome: Outcome) -> str:
    """The command, after `evcli`, that gives back the record as it was before; "" when none does."""
    each = TYPES[outcome.event["type"]]
    found = undo_of(each, register.state, outcome.before, outcome.after)
    if found is None:
        return ""
    back, data = found
    words = [] if type(back) is Begins else [str(outcome.after.id)]
    options: list[str] = []
    for name, value in data.items():
        if name == argument_of(back):
            words.append(value)
        else:
            options += [option_of(name), shlex.quote(value)]
    dashes = ["--"] if any(word.startswith("-") for word in words) else []
    # A word that begins with a dash stands after --, and so is no option.
    head, *rest = words or [""]
    return " ".join([each.kind.name, back.verb, *options, head, *dashes, *map(shlex.quote, rest)]).rstrip()
