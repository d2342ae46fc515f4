"""A log: a sequence of lines in a hash chain. What a line is, how lines are read, and the engines that store them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple


class Position(NamedTuple):
    """A point between two events: how many events come before it, and what the next event must continue."""

    number: int
    place: int
    """Where the engine finds what follows; 0 is the beginning. The unit is the engine's own (a file: bytes)."""
    sha256: bytes
    """The hash of event `number`, 64 hex digits."""
    recorded: str
    """The recorded time of event `number`; "" before the first."""
    batch: str | None = ""
    """The batch of event `number` if more of its events must follow; "" if none must, None if not known."""
    batch_size: int = 0
    """The size in bytes of the lines of that batch read so far."""
    source: str = ""
    """The `source` of every event of this log; "" if not known yet."""

    @property
    def head(self) -> str:
        """`NUMBER:SHA256`, the form in which a head is saved."""
        return f"{self.number}:{self.sha256.decode()}"


START = Position(0, 0, b"0" * 64, "")

Seen = Literal["", "gone", "replaced"]


class Log:
    """Lines in order, each with the hash of the one before. An engine stores them and does not interpret them."""

    name: str
    """The name that people see: a file's path."""
    path: str | None = None
    """The file that keeps it, beside which a cache may be; None where no file does."""
    notices: Sequence[str] = ()
    """Warnings from the last append: a file that others can write to, a torn tail that it moved to a file."""

    def head(self) -> Position:
        """The position after the current last line. Raises NoLog, Damaged."""
        raise NotImplementedError

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The lines from `place` to `until` (the end), in order, in chunks, unchecked; newlines included.

        Each chunk: where each line begins, then where the last one ends; and the lines. Raises NoLog.
        """
        raise NotImplementedError

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """The position after the last line before `until` (the end) for which `holds`, without reading every line.

        `holds` must be true up to some line and false for every line after it. It sees only what single lines claim, so
        a changed line can mislead it: the reader checks the result. Raises NoLog, Damaged.
        """
        raise NotImplementedError

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float) -> Position:
        """Append the lines that `decide` returns for the head: durably, all or none, contiguously.

        `decide` must be safe to call again: an engine without a lock does so if another writer was faster. If it
        returns no lines, the state it decided on is durable. `wait` is how many seconds to wait for the lock.

        Raises:
            What `decide` raises, with nothing written.
            Busy, NotWritten, CannotOpen: nothing was written.
            OutcomeUnknown: a sync failed.
        """
        raise NotImplementedError

    def wait(self, seconds: float) -> Seen:
        """Check the log again, after at most `seconds`; returns whether it is gone, or was replaced by another."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what is held open; the next use opens it again."""
        return

    # Only files need what follows; other engines keep these defaults.

    @property
    def end(self) -> int:
        """The place after the last line, without reading that line. Raises NoLog."""
        return self.head().place

    def length(self) -> int:
        """An upper bound for `end`, without opening the log. Raises NoLog."""
        return self.end

    def check_beginning(self) -> None:
        """Check that a log can be begun, where there is none. Raises NotWritten, as `append` would."""
        return

    def settle(self, patience: float = 1.0) -> bool:
        """Check the end again while no writer is at work, so that nothing up to `end` can be taken back.

        False if a writer is at work for all of `patience`, in seconds.
        """
        return True

    def sync(self) -> None:
        """Make the current contents durable. Raises OutcomeUnknown."""
        return

    def warnings(self) -> list[str]:
        """Warnings about how the log is stored."""
        return []

    def network_warnings(self) -> list[str]:
        """Warnings about the machine that stores it."""
        return []

    def unfinished(self) -> tuple[int, bool]:
        """The bytes of an unfinished append after the last line, and whether that line lacks its newline."""
        return 0, False
