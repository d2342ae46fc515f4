"""A log in memory: the reference implementation for every engine, as MemoryState is for states."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from time import sleep

from evcli.errors import Damaged
from evcli.log import START, Log, Position, Seen
from evcli.log.line import BadLine, envelope, place_after


class MemoryLog(Log):
    """One writer's or reader's view of a list of lines; several views of one list act as several processes."""

    def __init__(self, lines: list[bytes] | None = None) -> None:
        self.name = "memory"
        self.lines = [] if lines is None else lines

    @property
    def end(self) -> int:
        """The number of lines."""
        return len(self.lines)

    def head(self) -> Position:
        """The position after the last line."""
        return self._after(self.end)

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """All lines at once."""
        if lines := self.lines[place:until]:
            yield list(range(place, place + len(lines) + 1)), lines

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """Find the position by bisection."""
        end = self.end if until is None else until
        return self._after(bisect_left(range(end), 1, key=lambda line: not holds(self._after(line + 1))))

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float = 0) -> Position:
        """Append as an engine without a lock does: decide again if another writer was faster."""
        while True:
            head = self.head()
            lines = decide(head)
            if self.head() == head:
                self.lines += lines
                return self.head()

    def wait(self, seconds: float) -> Seen:
        """Sleep: no cached view of the log needs refreshing."""
        sleep(seconds)
        return ""

    def _after(self, number: int) -> Position:
        if not number:
            return START
        line = self.lines[number - 1]
        try:
            return place_after(envelope(line), line, number)
        except BadLine as bad:
            raise Damaged(self.name, number, number - 1, str(bad)) from None
