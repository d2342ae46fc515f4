"""`evcli user …`: what can happen to users, who they are, and who they were."""

import shlex
import signal
from collections.abc import Callable
from typing import Annotated, Any

import typer

from evcli.cli.events import as_json, event_fields, summary
from evcli.cli.options import At, DryRun, EventId, Expect, Limit, LockWait, Name, Who, read_head
from evcli.cli.output import Answer, Cell, fields
from evcli.cli.session import Session
from evcli.cli.times import local
from evcli.domain.event import Data, number_of
from evcli.domain.state import State
from evcli.domain.user import (
    CREATED,
    DESTROYED,
    EMAIL_CHANGED,
    RENAMED,
    RESTORED,
    USER,
    User,
    clean_email,
    clean_name,
    clean_reason,
)
from evcli.domain.who import find_user
from evcli.errors import AnswerLost, NoSuchUser, Refused
from evcli.register import LOCK_WAIT, Intention, Outcome

app = typer.Typer()

_EXIT = "Exit codes: evcli help exit-codes"


@app.command(
    "create",
    epilog=f"""
Examples:
  evcli user create "Ada Lovelace" --email ada@example.com
  evcli user create Ada --email ada@example.com --id "$(uuidgen)"
  evcli user create Ada --email ada@example.com --dry-run

{_EXIT}
""",
)
def create(
    ctx: typer.Context,
    name: Name,
    email: Annotated[str, typer.Option("--email", metavar="EMAIL", help="No other live user may have it.")],
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record a new user."""
    data = {"name": clean_name(name), "email": clean_email(email)}
    intention = Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False)
    _record(ctx.obj, intention, dry_run, expect, id, lock_wait)


@app.command(
    "rename",
    epilog=f"""
Examples:
  evcli user rename ada@example.com "Ada King"
  evcli user rename 7 "Ada King" --expect 42

{_EXIT}
""",
)
def rename(
    ctx: typer.Context,
    who: Who,
    name: Name,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user has another name now."""
    _record(ctx.obj, _about(who, RENAMED, {"name": clean_name(name)}), dry_run, expect, id, lock_wait)


@app.command(
    "change-email",
    epilog=f"""
Examples:
  evcli user change-email Ada ada@example.org
  evcli user change-email 7 ada@example.org --dry-run

{_EXIT}
""",
)
def change_email(
    ctx: typer.Context,
    who: Who,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="No other live user may have it.")],
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user has another e-mail now."""
    _record(ctx.obj, _about(who, EMAIL_CHANGED, {"email": clean_email(email)}), dry_run, expect, id, lock_wait)


@app.command(
    "destroy",
    epilog=f"""
Examples:
  evcli user destroy ada@example.com --reason "left the company"
  evcli user destroy 7

{_EXIT}
""",
)
def destroy(
    ctx: typer.Context,
    who: Who,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the event.")] = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user is one no more. Nothing is deleted, and evcli user restore takes it back."""
    data = {} if reason is None else {"reason": clean_reason(reason)}
    _record(ctx.obj, _about(who, DESTROYED, data), dry_run, expect, id, lock_wait)


@app.command(
    "restore",
    epilog=f"""
Examples:
  evcli user restore 7
  evcli user restore ada@example.com

{_EXIT}
""",
)
def restore(
    ctx: typer.Context,
    who: Who,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a destroyed user is one again."""
    _record(ctx.obj, _about(who, RESTORED, {}, destroyed_first=True), dry_run, expect, id, lock_wait)


@app.command(
    "list",
    epilog=f"""
Examples:
  evcli user list
  evcli user list --at 2026-03-03
  evcli user list --all --match example.com --format csv

{_EXIT}
""",
)
def list_users(
    ctx: typer.Context,
    at: At = None,
    all: Annotated[bool, typer.Option("--all", help="Destroyed users too.")] = False,
    match: Annotated[
        str | None, typer.Option("--match", metavar="TEXT", help="Only with TEXT in name or e-mail, in any case.")
    ] = None,
    limit: Limit = 0,
) -> None:
    """List the users there are, or were at a moment."""
    session: Session = ctx.obj
    with session.reader() as reader:
        state = session.register().at(reader, None if at is None else session.moment(at, reader))
    wanted = (match or "").casefold()
    users = [
        user
        for user in state.records(USER)
        if (all or user.destroyed is None) and (wanted in user.name.casefold() or wanted in user.email.casefold())
    ]
    users = users[: limit or None]
    if not users:
        session.output.note(f"no users{' match' if match else ''} at event {state.number}")
    session.output.show(Answer(header=User._fields, rows=users, records=map(as_json, users)))


@app.command(
    "show",
    epilog=f"""
Examples:
  evcli user show ada@example.com
  evcli user show 7 --at 2026-03-03 --json

{_EXIT}
""",
)
def show(ctx: typer.Context, who: Who, at: At = None) -> None:
    """Show one user, now or at a moment, with the events that made it so."""
    session: Session = ctx.obj
    register = session.register()
    with session.reader() as reader:
        number = None if at is None else session.moment(at, reader)
        state = register.at(reader, number)
        try:
            user = find_user(state, who)
        except NoSuchUser as unknown:
            raise _known_later(unknown, who, state, register.at(reader)) from None
        subject = f"{USER}/{user.id}"
        events = [event for event in reader.events(until=state.number) if event["subject"] == subject]
    rows: list[tuple[str, Cell]] = list(user._asdict().items())
    for event in events:
        said = summary(event)
        told = f"{local(event['time'])} {event['type']} by {event['authid']}" + (f" ({said})" if said else "")
        rows.append((f"event {number_of(event)}", told))
    session.output.show(fields(rows, {**user._asdict(), "events": events}))


def _known_later(unknown: NoSuchUser, who: str, state: State, now: State) -> NoSuchUser:
    """The same error; when there is such a user by now, it says since when."""
    try:
        user = find_user(now, who)
    except Refused:
        return unknown
    if user.created <= state.number:
        hint = f"user {user.id} was not called so then; evcli user show {user.id} --at {state.number}"
    else:
        first = user.created
        hint = f"user {user.id} was created by event {first}: try --at {first}, or evcli log --user {user.id}"
    return NoSuchUser(who, f"event {state.number}", hint)


def _about(who: str, type: str, data: Data, *, destroyed_first: bool = False) -> Intention:
    return Intention(type, data, about=lambda state: find_user(state, who, destroyed_first=destroyed_first).id)


def _record(
    session: Session, intention: Intention, dry_run: bool, expect: str | None, id: str | None, lock_wait: float
) -> None:
    """Have the register record the event, and answer while signals are held."""
    head = None if expect is None else read_head(expect)

    def answer(outcome: Outcome) -> None:
        for notice in outcome.notices:
            session.output.warning(notice)
        try:
            _tell(session, outcome, dry_run)
        except (BrokenPipeError, AnswerLost) as error:
            if not outcome.recorded:
                raise
            number = int(outcome.event["sequence"])
            raise AnswerLost(
                f"event {number} is stored, but the answer could not be shown ({error or 'stdout is closed'})",
                f"evcli show {number} shows it; do not repeat the command",
            ) from None
        finally:
            if outcome.recorded:  # what came meanwhile came too late: the event is stored and announced
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)

    session.register().execute(intention, id=id, expect=head, dry_run=dry_run, lock_wait=lock_wait, answer=answer)


def _tell(session: Session, outcome: Outcome, dry_run: bool) -> None:
    event, user = outcome.event, outcome.after
    document = {"events": [event], "users": [as_json(user)], "recorded": outcome.recorded}
    header = ("event", *User._fields)
    rows = [(int(event["sequence"]), *user)]
    if dry_run and outcome.line:
        session.output.note("dry run: nothing was written; this event would be")
        session.output.show(fields(event_fields(event), document))
        return
    text = _sentence(outcome) if outcome.recorded else f"already recorded as event {int(event['sequence'])}"
    if outcome.recorded:
        text += f"\nundo: evcli {_WAY_BACK[event['type']](outcome.before, user)}{session.way_back_options}"
    if session.output.quiet and session.output.form in (None, "table", "plain"):
        return
    session.output.show(Answer(header=header, rows=rows, document=document, text=text))


def _sentence(outcome: Outcome) -> str:
    event, before, user = outcome.event, outcome.before, outcome.after
    what, was = {
        CREATED: ("created", ""),
        RENAMED: ("renamed", f", was {before.name}" if before else ""),
        EMAIL_CHANGED: ("e-mail changed", f", was {before.email}" if before else ""),
        DESTROYED: ("destroyed", ""),
        RESTORED: ("restored", ""),
    }[event["type"]]
    return f"user {user.id} {what}: {user.name} <{user.email}>{was} (event {int(event['sequence'])})"


_WAY_BACK: dict[str, Callable[[Any, User], str]] = {
    CREATED: lambda before, user: f"user destroy {user.id}",
    RENAMED: lambda before, user: f"user rename {user.id} {shlex.quote(before.name)}",
    EMAIL_CHANGED: lambda before, user: f"user change-email {user.id} {shlex.quote(before.email)}",
    DESTROYED: lambda before, user: f"user restore {user.id}",
    RESTORED: lambda before, user: f"user destroy {user.id}",
}
