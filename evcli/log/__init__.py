"""A log: an order of sealed lines. What a line is, how lines are read, and the engines that keep them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol


class Position(NamedTuple):
    """A point between two events: how many events come before it, and what the next event must follow on."""

    number: int
    place: int
    """Where the engine finds what follows; 0 is the beginning. Only the engine knows what it counts (a file: bytes)."""
    sha256: bytes
    """The hash of event `number`, 64 hex digits."""
    recorded: str
    """The recorded moment of event `number`; "" before the first."""
    batch: str | None = ""
    """The batch of event `number` when more events of it must follow; "" when none must, None when it is not known."""
    batch_size: int = 0
    """How many bytes the lines of that batch have, as far as it was read."""
    source: str = ""
    """The `source` that every event of this log has; "" when it is not known yet."""

    @property
    def head(self) -> str:
        """`NUMBER:SHA256`, the form in which a head is kept elsewhere."""
        return f"{self.number}:{self.sha256.decode()}"


START = Position(0, 0, b"0" * 64, "")

Seen = Literal["", "gone", "replaced"]


class Log(Protocol):
    """Lines in order, each sealed onto the one before. An engine keeps them; what they mean is not its business."""

    name: str
    """What people know the log by: a file's path."""
    notices: Sequence[str] = ()
    """What the last append had to say: a file that others may write, a torn tail that it put aside."""

    def head(self) -> Position:
        """The position after the last line, as the log is now. Raises NoLog, Damaged."""

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The lines from `place` to `until` (the end), in order, some at a time, unchecked; newlines included.

        Each time: where each of the lines begins, then where the last one ends; and the lines. Raises NoLog.
        """

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """The position after the last line before `until` (the end) for which `holds`, without reading all of them.

        `holds` must be true up to some line and false for every line after it. It is asked what single lines say of
        themselves, so a changed line can mislead it: the reader checks what was found. Raises NoLog, Damaged.
        """

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float) -> Position:
        """Append the lines that `decide` returns for the head: durably, all or none, nothing in between.

        `decide` changes nothing that cannot be decided again: an engine without a lock calls it once more when another
        writer was faster. Where it returns no line, what it was decided on is durable. `wait` is how many seconds to
        try for the lock.

        Raises:
            What `decide` raises, with nothing written.
            Busy, NotWritten, CannotOpen: nothing was written.
            OutcomeUnknown: a sync failed.
        """

    def wait(self, seconds: float) -> Seen:
        """Look at the log again, after so many seconds at most; says whether it is gone, or another took its place."""

    def close(self) -> None:
        """Let go of what is held open; the next use opens it again."""
        return

    # What only a file has more to say about; other engines leave these as they are.

    @property
    def end(self) -> int:
        """The place after the last line, without a look at that line. Raises NoLog."""
        return self.head().place

    def length(self) -> int:
        """About the same, without opening the log: never less. Raises NoLog."""
        return self.end

    def settle(self, patience: float = 1.0) -> bool:
        """Look at the log again while no writer is at work, so that nothing up to `end` is taken back any more.

        False where a writer is at work for all of `patience`, in seconds.
        """
        return True

    def sync(self) -> None:
        """Make durable what is there. Raises OutcomeUnknown."""
        return

    def warnings(self) -> list[str]:
        """What people should know about how the log is kept."""
        return []

    def network_warnings(self) -> list[str]:
        """What they should know of the machine that keeps it."""
        return []

    def unfinished(self) -> tuple[int, bool]:
        """How many bytes of an unfinished append follow the last line, and whether that one has no newline yet."""
        return 0, False
