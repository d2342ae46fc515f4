"""`evcli state`: the whole register at a moment."""

import typer

from evcli.cli.options import At
from evcli.cli.session import Session
from evcli.cli.show.output import Answer
from evcli.cli.show.render import as_json
from evcli.cli.show.times import local
from evcli.kinds.user import USER, User

app = typer.Typer()


@app.command(
    "state",
    epilog="""
Examples:
  evcli state
  evcli state --at 2026-03-03
  evcli state --at @-5 --json

Exit codes: evcli help exit-codes
""",
)
def state(ctx: typer.Context, at: At = None) -> None:
    """Show the whole register, now or at a moment."""
    session: Session = ctx.obj
    with session.reader() as reader:
        state = session.history.at(reader, None if at is None else session.moment(at, reader))
        place = session.history.place(reader, state.number)
    users = list(state.records(USER))
    live = [user for user in users if user.destroyed is None]
    document = {
        "number": place.number,
        "sha256": place.sha256.decode(),
        "time": place.recorded or None,
        "live": len(live),
        "destroyed": len(users) - len(live),
        "users": [as_json(user) for user in users] if session.output.form in ("json", "jsonl") else None,
    }
    moment = f"event {place.number} ({local(place.recorded)})" if place.number else "event 0 (the empty register)"
    title = f"{moment}: {len(live)} live, {len(users) - len(live)} destroyed"
    if session.output.chosen_form in ("plain", "csv"):
        session.output.note(title)
    session.output.show(
        Answer(header=User._fields[:-1], rows=[user[:-1] for user in live], document=document, title=title)
    )
