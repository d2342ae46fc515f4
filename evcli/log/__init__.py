"""An order of sealed lines: what a line is, how it is read, and whoever keeps it."""

from typing import NamedTuple


class Position(NamedTuple):
    """A place between two events: how many events and bytes stand before it, and what a next event must follow on."""

    number: int
    offset: int
    sha256: bytes
    """The hash of event `number`, 64 hex digits."""
    recorded: str
    """The recorded moment of event `number`; "" before the first."""
    batch: str | None = ""
    """The batch of event `number` when more events of it must follow; "" when none must, None when it is not known."""
    batch_start: int = 0
    """The byte at which the first line of that batch begins, as far as it was read."""
    source: str = ""
    """The `source` that every event of this log has; "" when it is not known yet."""

    @property
    def head(self) -> str:
        """`NUMBER:SHA256`, the form in which a head is kept elsewhere."""
        return f"{self.number}:{self.sha256.decode()}"


START = Position(0, 0, b"0" * 64, "")
