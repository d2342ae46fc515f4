"""Recording events and answering for them: what is stored is announced, what is announced is stored."""

import shlex
import signal
from collections.abc import Callable
from typing import Any

from evcli.cli.options import read_head
from evcli.cli.session import Session
from evcli.cli.show.output import Answer, fields
from evcli.cli.show.render import as_json, event_fields
from evcli.domain.event import number_of
from evcli.errors import AnswerLost
from evcli.kinds.user import CREATED, DESTROYED, EMAIL_CHANGED, RENAMED, RESTORED, User
from evcli.register.decide import Intention, Outcome


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
        if not outcomes[0].recorded:
            _tell(session, outcomes, dry_run)
            return
        first, last = number_of(outcomes[0].event), number_of(outcomes[-1].event)
        done, show = f"event {first} is stored", f"evcli show {first} shows it"
        if first < last:
            done, show = f"events {first} to {last} are stored", f"evcli log --since {first - 1} shows them"
        answer_once_done(lambda: _tell(session, outcomes, dry_run), done, f"{show}; do not repeat the command")

    session.output.paged = False  # the lock is held until the answer is given
    register = session.register()
    register.execute_all(intentions, id=id, expect=head, dry_run=dry_run, lock_wait=lock_wait, answer=answer)


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
        lines += [f"undo: evcli{session.log_words} {way_back}" for way_back in ways_back]
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
    RENAMED: lambda before, user: f"user rename {user.id} {_word(before.name)}",
    EMAIL_CHANGED: lambda before, user: f"user change-email {user.id} {_word(before.email)}",
    DESTROYED: lambda before, user: f"user restore {user.id}",
    RESTORED: lambda before, user: f"user destroy {user.id}",
}


def _word(text: str) -> str:
    """Text as one word of a command line, which is no option however it begins."""
    return ("-- " if text.startswith("-") else "") + shlex.quote(text)
