"""The arguments and options that several commands take, each described once."""

import re
from typing import Annotated

import typer

from evcli.errors import BadInput


def complete_users(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Candidates for a WHO; see `evcli.cli.commands.completion.users`."""
    from evcli.cli.commands.completion import users

    return users(ctx, incomplete)


def complete_moments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Candidates for a REF; see `evcli.cli.commands.completion.moments`."""
    from evcli.cli.commands.completion import moments

    return moments(ctx, incomplete)


def _types(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from evcli.cli.commands.completion import event_types

    return event_types(incomplete)


Name = Annotated[str, typer.Argument(metavar="NAME", help="In quotes, when it has several words.")]
Who = Annotated[str, typer.Argument(metavar="WHO", help="A user's id, e-mail or name.", autocompletion=complete_users)]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="REF", help="At which moment (evcli help refs).", autocompletion=complete_moments),
]
Ref = Annotated[
    str, typer.Argument(metavar="[REF]", show_default=False, help="Default: @, now.", autocompletion=complete_moments)
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="REF", help="Only events after it.", autocompletion=complete_moments)
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="REF", help="Only events up to it.", autocompletion=complete_moments)
]
ByUser = Annotated[
    str | None, typer.Option("--user", metavar="WHO", help="Only about this user.", autocompletion=complete_users)
]
ByType = Annotated[
    str | None, typer.Option("--type", metavar="GLOB", help="Only of such types: 'user.*ed'.", autocompletion=_types)
]
Limit = Annotated[int, typer.Option("-n", metavar="N", min=0, show_default=False, help="At most N; 0 is all.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the event that would be written; write nothing.")]
Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="HEAD", help="Only if the head is still N (or N:SHA256); else exit 13."),
]
EventId = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="The event's id: sent twice, it is recorded once.")
]
LockWait = Annotated[
    float,
    typer.Option(
        "--lock-wait", metavar="SECONDS", min=0, show_default=False, help="Wait for other writers; default 10."
    ),
]

_HEAD = re.compile(r"([0-9]{1,12})(?::([0-9a-f]{64}))?").fullmatch


def read_head(text: str, *, needs_hash: bool = False) -> tuple[int, str | None]:
    """A head as somebody kept it: its number, and its hash if it has one. Raises BadInput."""
    match = _HEAD(text.strip())
    if match is None or (needs_hash and match[2] is None):
        form = "NUMBER:SHA256, as evcli head prints it" if needs_hash else "an event number, or NUMBER:SHA256"
        raise BadInput(f'--expect "{text}" is not {form}')
    return int(match[1]), match[2]
