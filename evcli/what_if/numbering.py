"""Which events those of a supposed history are: they are numbered anew after the first difference from the log."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection


class Numbering:
    """The events of a history that leaves the log after event `fork`, by their numbers in it."""

    def __init__(self, fork: int, changed: Collection[int] = ()) -> None:
        """`changed` are the numbers, in the log, of the events that are others in it."""
        self.changed = changed
        self.put_in: list[int] = []
        """The numbers, in this history, of the events that the log does not have; ascending."""
        self.missing: list[int] = []
        """The numbers, in the log, of the events that this history does not have; ascending."""
        self._fork = fork

    def in_log(self, number: int) -> int | None:
        """The number in the log of event `number` of this history; None if it was put in."""
        before = bisect_left(self.put_in, number)
        if before < bisect_right(self.put_in, number):
            return None
        found = number - before
        for missing in self.missing:
            if missing > found:
                break
            found += 1
        return found
