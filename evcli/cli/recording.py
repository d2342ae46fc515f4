"""Recording events and answering for them: what is stored is announced, what is announced is stored."""

import shlex
import signal
from collections.abc import Callable
from typing import Any

from evcli.cli.events import as_json, event_fields
from evcli.cli.options import read_head
from evcli.cli.output import Answer, fields
from evcli.cli.session import Session
from evcli.domain.event import number_of
from evcli.domain.user import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, User
from evcli.errors import AnswerLost
from evcli.intention import Intention, Outcome


def record(
    session: Session,
    intentions: list[Intention],
    dry_run: bool,
    expect: str | None,
    id: str | None,
    lock_wait: float,
) -> None:
    """Have the register record the events, all or none, and answer while signals are held."""
    head = None if expect is None else read_head(expect)

    def answer(outcomes: list[Outcome]) -> None:
        for notice in dict.fromkeys(notice for outcome in outcomes for notice in outcome.notices):
            session.output.warning(notice)
        is_stored = outcomes[0].recorded
        try:
            _tell(session, outcomes, dry_run)
        except Exception as error:
            if not is_stored:
                raise
            first, last = number_of(outcomes[0].event), number_of(outcomes[-1].event)
            events, show = f"event {first} is", f"evcli show {first} shows it"
            if first < last:
                events, show = f"events {first} to {last} are", f"evcli log --since {first - 1} shows them"
            why = str(error).removeprefix("the answer could not be shown: ")
            raise AnswerLost(
                f"{events} stored, but the answer could not be shown: {why}", f"{show}; do not repeat the command"
            ) from error
        finally:
            if is_stored:  # what came meanwhile came too late: the event is stored and announced
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)

    register = session.register()
    register.execute_all(intentions, id=id, expect=head, dry_run=dry_run, lock_wait=lock_wait, answer=answer)


def _tell(session: Session, outcomes: list[Outcome], dry_run: bool) -> None:
    is_stored = outcomes[0].recorded
    document = {
        "events": [outcome.event for outcome in outcomes],
        "users": [as_json(outcome.after) for outcome in outcomes],
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
        ways_back = (_WAY_BACK[outcome.event["type"]](outcome.before, outcome.after) for outcome in outcomes)
        lines = [_sentence(outcome) for outcome in outcomes]
        lines += [f"undo: evcli {way_back}{session.way_back_options}" for way_back in ways_back]
    else:
        lines = [f"already recorded as event {number_of(outcomes[0].event)}"]
    header = ("event", *User._fields)
    users = [(number_of(outcome.event), *outcome.after) for outcome in outcomes]
    session.output.show(Answer(header=header, rows=users, document=document, lines=lines))


def _sentence(outcome: Outcome) -> str:
    event, before, user = outcome.event, outcome.before, outcome.after
    what, was = {
        CREATED: ("created", ""),
        RENAMED: ("renamed", f", was {before.name}" if before else ""),
        EMAIL_CHANGED: ("e-mail changed", f", was {before.email}" if before else ""),
        DESTROYED: ("destroyed", ""),
        RESTORED: ("restored", ""),
    }[event["type"]]
    return f"user {user.id} {what}: {user.name} <{user.email}>{was} (event {number_of(event)})"


_WAY_BACK: dict[str, Callable[[Any, User], str]] = {
    CREATED: lambda before, user: f"user destroy {user.id}",
    RENAMED: lambda before, user: f"user rename {user.id} {shlex.quote(before.name)}",
    EMAIL_CHANGED: lambda before, user: f"user change-email {user.id} {shlex.quote(before.email)}",
    DESTROYED: lambda before, user: f"user restore {user.id}",
    RESTORED: lambda before, user: f"user destroy {user.id}",
}
