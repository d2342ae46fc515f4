"""A place between two events of a log, and what the next event must follow on."""

from typing import NamedTuple

from evcli.domain.event import Event, number_of, recorded_moment
from evcli.eventlog.format import NO_HASH, hash_of


class Position(NamedTuple):
    """A place between two events: how many events and bytes stand before it, and what a next event must follow on."""

    number: int
    offset: int
    sha256: bytes
    """The hash of event `number`, 64 hex digits."""
    recorded: str
    """The recorded moment of event `number`; "" before the first."""

    @property
    def head(self) -> str:
        """`NUMBER:SHA256`, the form in which a head is kept elsewhere."""
        return f"{self.number}:{self.sha256.decode()}"


START = Position(0, 0, NO_HASH, "")


def place_after(event: Event, line: bytes, offset: int) -> Position:
    """The place after `event`, whose line ends at byte `offset`."""
    return Position(number_of(event), offset, hash_of(line), recorded_moment(event))
