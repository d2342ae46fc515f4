"""The arguments and options that several commands share, each defined once."""

import re
from typing import Annotated

import typer

from evcli.errors import BadInput
from evcli.register.register import LOCK_WAIT


def complete_moments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Candidates for a REF; see `evcli.cli.candidates.moments`."""
    from evcli.cli.candidates import moments

    return moments(ctx, incomplete)


def _types(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    from evcli.cli.candidates import event_types

    return event_types(incomplete)


At = Annotated[
    str | None,
    typer.Option("--at", metavar="REF", help="As of this moment (evcli help refs).", autocompletion=complete_moments),
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
ByType = Annotated[
    str | None,
    typer.Option(
        "--type", metavar="GLOB", help="Only types matching a glob, e.g. '*.destroyed'.", autocompletion=_types
    ),
]
LockWait = Annotated[
    float,
    typer.Option(
        "--lock-wait", metavar="SECONDS", min=0, show_default=False, help="Wait for other writers; default 10."
    ),
]

_HEAD = re.compile(r"([0-9]{1,12})(?::([0-9a-f]{64}))?").fullmatch


def read_head(text: str, *, needs_hash: bool = False) -> tuple[int, str | None]:
    """A saved head: its number, and its hash if present. Raises BadInput."""
    match = _HEAD(text.strip())
    if match is None or (needs_hash and match[2] is None):
        form = "NUMBER:SHA256, as evcli head prints it" if needs_hash else "an event number, or NUMBER:SHA256"
        raise BadInput(f'--expect "{text}" is not {form}')
    return int(match[1]), match[2]


def lock_wait_of(seconds: float | None) -> float:
    """How long to wait for the lock; `seconds` is the option's value. Raises BadInput."""
    if seconds is None:
        return LOCK_WAIT
    if not seconds >= 0:
        raise BadInput(f"--lock-wait {seconds} must be a non-negative number of seconds")
    return seconds
