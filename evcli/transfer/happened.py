"""What an import tells of its rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evcli.errors import EvcliError, Refused
from evcli.register.beginnings import Begun
from evcli.register.decide import Change
from evcli.transfer.places import Place

if TYPE_CHECKING:
    from evcli.domain.fitting import Overtaken


class Changed(NamedTuple):
    """What a row changes: the event that it asks for, and its record before and after it."""

    place: Place
    event: int
    type: str
    data: Mapping[str, str]
    before: Any
    after: Any
    time: str | None = None
    """When it happened, if the row says so."""


class Recorded(NamedTuple):
    """A batch was recorded; in a rehearsal, it would be."""

    first: int
    """The number of the first event."""
    ids: list[int]
    """The ids of the records that the events are about, one per event."""
    begins: bool
    """Whether every event begins a record."""
    notices: list[str]
    changed: Sequence[Changed] = ()
    """In a rehearsal, what every row would change."""
    type: str = ""
    """The type of all events; "" if they are of several types."""
    dated: int = 0
    """How many events happened on a date that their row says."""
    overtaken: "Sequence[Overtaken]" = ()
    """The late events that did not last, because of what happened after them."""


class Skipped(NamedTuple):
    """A row was skipped, because what it asks for is already the case."""

    place: Place
    why: Refused
    kind: str = ""
    record: Any = None
    """The record that is there, and its kind."""
    same_as: Place | None = None
    """Where an earlier row is that has the same unique field."""
    differs: Sequence[tuple[str, Any, str]] = ()
    """In what the record that is there differs from the row: the field, what the record has, and what the row says."""

    @property
    def line(self) -> int:
        """The line on which the row begins."""
        return self.place.line


class Bad(NamedTuple):
    """A bad row. Nothing of its batch is recorded, and nothing after it; a rehearsal continues."""

    place: Place
    field: str
    error: EvcliError
    is_skippable: bool = False
    """Whether it is bad only because what it asks for is already the case."""
    is_dated: bool = False
    """Whether it says when it happened."""

    @property
    def line(self) -> int:
        """The line on which the row begins."""
        return self.place.line


class HasDates(str):
    """The note that an ignored `column` has dates only."""

    column: str

    def __new__(cls, column: str) -> "HasDates":
        """The note about the column of that name."""
        note = super().__new__(cls, f'ignored column "{column}" has dates')
        note.column = column
        return note


class Noted(NamedTuple):
    """Something to report once about the input as a whole."""

    message: str


class Undone(NamedTuple):
    """A row is recorded, but its effect does not stand any more."""

    place: Place
    event: int
    """The event that records it."""
    kind: str
    id: int
    past: str
    """What happened to the record since: `destroyed`; and by which event."""
    by: int


Happened = Recorded | Skipped | Bad | Noted | Undone


def recorded(first: int, changes: Sequence[Change], notices: list[str]) -> Recorded:
    """What is told of these changes, whose first event has the number `first`."""
    if isinstance(changes, Begun):
        return Recorded(first, list(changes.ids), True, notices, type=changes.type)
    begins = not any(change.intention.finds for change in changes)
    types = {change.intention.type for change in changes}
    one = types.pop() if len(types) == 1 else ""
    dated = sum(change.intention.time is not None for change in changes)
    return Recorded(first, [change.id for change in changes], begins, notices, type=one, dated=dated)


def rehearsed(first: int, changes: Sequence[Change], places: Iterable[Place]) -> Recorded:
    """What is told of these changes, of rows at these places, that a rehearsal tried out."""
    changed = [
        Changed(
            place,
            event,
            change.intention.type,
            change.intention.data,
            change.before,
            change.after,
            change.intention.time,
        )
        for event, (place, change) in enumerate(zip(places, changes, strict=True), first)
    ]
    return recorded(first, changes, [])._replace(changed=changed)
