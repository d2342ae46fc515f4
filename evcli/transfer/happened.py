"""What an import tells while it runs."""

from collections.abc import Sequence
from typing import NamedTuple

from evcli.errors import EvcliError, Refused
from evcli.register.beginnings import Begun
from evcli.register.decide import Change


class Recorded(NamedTuple):
    """A batch was recorded; in a rehearsal, it would be."""

    first: int
    """The number of the first event."""
    ids: list[int]
    """The ids of the records that the events are about, one per event."""
    begins: bool
    """Whether every event begins a record."""
    notices: list[str]


class Skipped(NamedTuple):
    """A row was skipped, because what it asks for is already the case."""

    line: int
    why: Refused


class Bad(NamedTuple):
    """A bad row. Nothing of its batch is recorded, and nothing after it; a rehearsal continues."""

    line: int
    field: str
    error: EvcliError


class Noted(NamedTuple):
    """Something to report once about the input as a whole."""

    message: str


Happened = Recorded | Skipped | Bad | Noted


def recorded(first: int, changes: Sequence[Change], notices: list[str]) -> Recorded:
    """What is told of these changes, whose first event has the number `first`."""
    if isinstance(changes, Begun):
        return Recorded(first, list(changes.ids), True, notices)
    begins = not any(change.intention.finds for change in changes)
    return Recorded(first, [change.id for change in changes], begins, notices)
