"""`evcli user …`: what can happen to users, who they are, and who they were."""

from itertools import islice
from typing import Annotated

import typer

from evcli.cli.options import At, DryRun, EventId, Expect, Limit, LockWait, Name, Who, complete_users
from evcli.cli.session import Session
from evcli.cli.show.output import Answer, Cell, fields
from evcli.cli.show.render import as_json, summary
from evcli.cli.show.times import local
from evcli.cli.write import record
from evcli.domain.event import Data, number_of
from evcli.domain.find import find_user
from evcli.domain.state import State
from evcli.domain.text import composed
from evcli.errors import NoSuchUser, Refused
from evcli.kinds.user import (
    CREATED,
    DESTROYED,
    EMAIL_CHANGED,
    RENAMED,
    RESTORED,
    USER,
    User,
    because,
    clean_email,
    clean_name,
)
from evcli.register.decide import Intention
from evcli.register.register import LOCK_WAIT

app = typer.Typer()

Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the event.")]

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
    reason: Reason = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record a new user."""
    data = {"name": clean_name(name), "email": clean_email(email), **because(reason)}
    intention = Intention(CREATED, data, about=lambda state: state.last_id(USER) + 1, finds=False)
    record(ctx.obj, [intention], dry_run, expect, id, lock_wait)


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
    reason: Reason = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user has another name now."""
    record(
        ctx.obj, [_about(who, RENAMED, {"name": clean_name(name), **because(reason)})], dry_run, expect, id, lock_wait
    )


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
    reason: Reason = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user has another e-mail now."""
    data = {"email": clean_email(email), **because(reason)}
    record(ctx.obj, [_about(who, EMAIL_CHANGED, data)], dry_run, expect, id, lock_wait)


@app.command(
    "destroy",
    epilog=f"""
Examples:
  evcli user destroy ada@example.com --reason "left the company"
  evcli user destroy 7 8 9

{_EXIT}
""",
)
def destroy(
    ctx: typer.Context,
    who: Annotated[
        list[str], typer.Argument(metavar="WHO...", help="Ids, e-mails or names.", autocompletion=complete_users)
    ],
    reason: Reason = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a user is one no more; of several, all or none.

    Nothing is deleted, and evcli user restore takes it back.
    """
    record(ctx.obj, [_about(each, DESTROYED, because(reason)) for each in who], dry_run, expect, id, lock_wait)


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
    reason: Reason = None,
    dry_run: DryRun = False,
    expect: Expect = None,
    id: EventId = None,
    lock_wait: LockWait = LOCK_WAIT,
) -> None:
    """Record that a destroyed user is one again."""
    record(ctx.obj, [_about(who, RESTORED, because(reason), destroyed_first=True)], dry_run, expect, id, lock_wait)


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
        state = session.history.at(reader, None if at is None else session.moment(at, reader))
    wanted = composed(match or "").casefold()
    found = (
        user
        for user in state.records(USER, live_only=not all)
        if wanted in user.name.casefold() or wanted in user.email.casefold()
    )
    users = list(islice(found, limit or None))
    if not users:
        session.output.note(f"no users{' match' if match else ''} at event {state.number}")
    # A table for people leaves the column of destroying events out where it would be empty.
    columns = None if all or session.output.chosen_form != "table" else -1
    rows = [user[:columns] for user in users]
    session.output.show(Answer(header=User._fields[:columns], rows=rows, records=map(as_json, users)))


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
    history = session.history
    with session.reader() as reader:
        number = None if at is None else session.moment(at, reader)
        state = history.at(reader, number)
        try:
            user = find_user(state, who)
        except NoSuchUser as unknown:
            raise _known_later(unknown, who, state, history.at(reader)) from None
        events = list(history.events_about(reader, USER, user.id, state.number))
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
