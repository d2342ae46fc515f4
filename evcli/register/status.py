"""What a log is, in short: how long it is, since when, and what is in it."""

from typing import NamedTuple

from evcli.domain.event import Event
from evcli.domain.state import Count
from evcli.kinds import MODULES
from evcli.log import Position
from evcli.register.past import Past


class Status(NamedTuple):
    """A short summary of a log."""

    size: int
    """Its size in bytes."""
    head: Position
    counts: dict[str, Count]
    first: Event | None
    last: Event | None
    cache: str | None
    """The cache's file, if a cache is used."""
    warnings: list[str]


def status(past: Past) -> Status:
    """The status of an opened log. Raises Damaged, LogCut."""
    state = past.at()
    head = past.position(state.number)
    return Status(
        size=past.log.length(),
        head=head,
        counts={kind: state.count(kind) for kind in MODULES},
        first=next(past.events(until=1), None),
        last=next(past.events_backward(head), None),
        cache=past.history.cache_path,
        warnings=[*past.log.warnings(), *past.log.network_warnings()],
    )
