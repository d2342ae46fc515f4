"""What somebody wants to happen, and what became of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from evcli.domain.event import Event
from evcli.domain.state import State


class Intention(NamedTuple):
    """An event that somebody wants: not yet accepted, without time, number and hash."""

    type: str
    data: Mapping[str, str]
    about: Callable[[State], int]
    """Which record it is about: its id, from the state that the event would follow on. May raise Refused."""
    finds: bool = True
    """Whether the record must be there before (False for an event that creates it)."""
    id: str | None = None
    """The event's id, where whoever wants it names one."""
    time: str | None = None
    """When it happened, as the log writes times, where that was not just now."""


class Outcome(NamedTuple):
    """What became of an intention: the event, and the record before and after it."""

    event: Event
    line: bytes
    before: Any
    after: Any
    recorded: bool
    """False when nothing was written now: a dry run, or an id that was recorded before."""
    notices: list[str]
    """Warnings for people: a clock that is behind, a torn tail put aside, a file that others may write."""
