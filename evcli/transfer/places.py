"""Where the rows of an input are: the number of each row, the line on which it begins, and its event."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """Where a row is: its number, without the header and empty rows, and the line on which it begins."""

    row: int
    line: int
    heading: int
    """How many lines come before row 1 where each row has one line: 1 for a header, 0 if there is none."""

    def __format__(self, digits: str) -> str:
        """In words; `digits` is how to format the numbers."""
        if self.line == self.row + self.heading:
            return f"line {self.line:{digits}}"
        return f"row {self.row:{digits}} (line {self.line:{digits}})"


NOWHERE = Place(0, 0, 0)


class Places:
    """The rows that events record. Both are added in order; those that follow each other closely share an entry."""

    def __init__(self) -> None:
        self._events, self._rows, self._lines, self._counts = array("Q"), array("Q"), array("Q"), array("Q")
        self.count = 0
        """How many events are known."""

    def add(self, event: int, row: int, lines: Sequence[int]) -> None:
        """Events from `event` on record rows from `row` on, which begin on these lines."""
        if not lines:
            return
        if lines[-1] - lines[0] + 1 == len(lines):
            self._add(event, row, lines[0], len(lines))
        else:
            for at, line in enumerate(lines):
                self._add(event + at, row + at, line, 1)

    def _add(self, event: int, row: int, line: int, count: int) -> None:
        self.count += count
        after = self._counts[-1] if self._counts else 0
        if after and (event, row, line) == (
            self._events[-1] + after, self._rows[-1] + after, self._lines[-1] + after,
        ):  # fmt: skip
            self._counts[-1] += count
            return
        self._events.append(event)
        self._rows.append(row)
        self._lines.append(line)
        self._counts.append(count)

    def of(self, event: int) -> tuple[int, int] | None:
        """The row that the event records, and its line; None if it records no row of this input."""
        at = bisect_right(self._events, event) - 1
        if at < 0 or event - self._events[at] >= self._counts[at]:
            return None
        further = event - self._events[at]
        return self._rows[at] + further, self._lines[at] + further
