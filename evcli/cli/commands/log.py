"""`evcli log`, `show`, `diff`: the events, one event in full, and what changed between two moments."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import chain, islice
from typing import Annotated

import typer

from evcli.cli.options import ByType, Ref, Since, Until, complete_moments
from evcli.cli.session import Session
from evcli.cli.show.output import Answer, Cell, fields
from evcli.cli.show.render import LOG_HEADER, as_json, event_fields, in_words, log_row
from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.find import find
from evcli.errors import BadRef
from evcli.kinds import KINDS
from evcli.register.past import Past, Position

app = typer.Typer()

_EXIT = "Exit codes: evcli help exit-codes"


@app.command(
    "log",
    epilog=f"""
Examples:
  evcli log -n 20
  evcli log --since yesterday --type 'user.d*'
  evcli log --user ada@example.com --reverse
  evcli log --format jsonl | jq .data
  evcli log -f --type user.created

{_EXIT}
""",
)
def log(
    ctx: typer.Context,
    limit: Annotated[
        int | None,
        typer.Option("-n", metavar="N", min=0, show_default=False, help="At most N; 0 means all. With -f, default 10."),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Oldest first.")] = False,
    since: Since = None,
    until: Until = None,
    type: ByType = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Only by this actor.")] = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Oldest first, then new events as they come, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the events, newest first."""
    session: Session = ctx.obj
    if follow:
        from evcli.cli.commands.following import LAST, check_it_can_go_on, show_as_they_land

        check_it_can_go_on(session, until)
        # As in journalctl: --since asks for everything since then.
        limit = LAST if limit is None and since is None else limit
    with session.opened() as register:
        first = 0 if since is None else session.moment(since, beginning=True).number
        end = register.head() if until is None else register.position(session.moment(until))

        subject: tuple[str, int] | None = None
        if session.about is not None:
            name, who = session.about
            subject = name, find(register.at(), KINDS[name], who).id

        def is_wanted(event: Event) -> bool:
            return (
                (type is None or fnmatchcase(event["type"], type))
                and (subject is None or subject_of(event) == subject)
                and (actor is None or event["authid"] == actor)
            )

        def events(*, backward: bool) -> Iterator[Event]:
            if subject is not None:
                about = register.events_about(*subject, end.number, after=first, backward=backward)
                return filter(is_wanted, about)
            found = _newest_first(register, first, end) if backward else _oldest_first(register, first, end)
            return filter(is_wanted, found)

        if follow:
            past: Iterable[Event] = (
                list(islice(events(backward=True), limit))[::-1] if limit else events(backward=False)
            )
            show_as_they_land(session, past, end, is_wanted)
            return
        chosen: Iterator[Event] = islice(events(backward=not reverse), limit or None)
        first_one = next(chosen, None)
        if first_one is None:
            session.output.note("no matching events" if end.number else "the log is empty")
        else:
            chosen = chain([first_one], chosen)
        session.output.show(Answer(header=LOG_HEADER, rows=map(log_row, chosen), records=chosen, is_verbatim=True))


def _newest_first(register: Past, first: int, end: Position) -> Iterator[Event]:
    for event in register.events_backward(end):
        if number_of(event) <= first:
            return
        yield event


def _oldest_first(register: Past, first: int, end: Position) -> Iterator[Event]:
    return register.events(register.position(first), stop=end) if first < end.number else iter(())


@app.command(
    "show",
    epilog=f"""
Examples:
  evcli show
  evcli show 42 --json
  evcli show id:1b4e28ba

{_EXIT}
""",
)
def show(ctx: typer.Context, ref: Ref = "@") -> None:
    """Show one event in full, and the change that it made."""
    session: Session = ctx.obj
    with session.opened() as register:
        number = session.moment(ref).number
        if number == 0:
            raise BadRef(ref, "is the empty register, before the first event", "events are counted from 1")
        event, before, after = register.change(number)
    kind = KINDS[subject_of(event)[0]]
    rows: list[tuple[str, Cell]] = [
        *event_fields(event),
        ("before", in_words(kind, before)),
        ("after", in_words(kind, after)),
    ]
    session.output.show(fields(rows, {"event": event, "before": as_json(before), "after": as_json(after)}))


@app.command(
    "diff",
    epilog=f"""
Examples:
  evcli diff
  evcli diff 2026-03-01 2026-04-01
  evcli diff @-10

{_EXIT}
""",
)
def diff(
    ctx: typer.Context,
    from_: Annotated[
        str | None,
        typer.Argument(metavar="[FROM]", show_default=False, help="Default: @-.", autocompletion=complete_moments),
    ] = None,
    to: Annotated[
        str,
        typer.Argument(metavar="[TO]", show_default=False, help="Default: @, now.", autocompletion=complete_moments),
    ] = "@",
) -> None:
    """Show what changed between two moments."""
    session: Session = ctx.obj
    with session.opened() as register:
        head = register.head().number
        start = max(0, head - 1) if from_ is None else session.moment(from_).number
        end = head if to == "@" else session.moment(to).number
        changes = register.diff(start, end)
    if not changes:
        session.output.note(f"nothing changed from event {start} to event {end}")
    document = {
        "from": start,
        "to": end,
        "changes": [
            {"kind": kind, "id": (new or old).id, "before": as_json(old), "after": as_json(new)}
            for kind, old, new in changes
        ],
    }
    rows = [
        (f"{kind} {(new or old).id}", in_words(KINDS[kind], old), in_words(KINDS[kind], new))
        for kind, old, new in changes
    ]
    title = f"from event {start} to event {end}"
    session.output.show(Answer(header=("record", "before", "after"), rows=rows, document=document, title=title))
