"""Which command an operation was, by the correlation id that its events share."""

from typing import NamedTuple

from evcli.domain.event import Event
from evcli.undo import COMMANDS


class Operation(NamedTuple):
    """All events of one correlation id."""

    correlation: str
    command: str | None
    """The command; None for any other one that recorded several events."""
    list: str | None
    """The name of the list that was synced."""

    @property
    def in_words(self) -> str:
        """`sync of people.csv`."""
        return f"sync of {self.list}" if self.list is not None else self.command or "one command"


def operation_of(event: Event) -> Operation | None:
    """The operation that an event is part of; None for an event without a correlation id."""
    correlation = event.get("correlationid")
    if correlation is None:
        return None
    named = correlation.partition(":")[0]
    if named in COMMANDS:
        return Operation(correlation, named, None)
    from evcli.register.series import is_of_a_row
    from evcli.sync.lists import name_in

    if (name := name_in(correlation)) is not None:
        return Operation(correlation, "sync", name)
    is_import = is_of_a_row(correlation) and is_of_a_row(event["id"])
    return Operation(correlation, "import" if is_import else None, None)
