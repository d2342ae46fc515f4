"""What earlier runs recorded of an input's rows, and where this run goes on.

The events of a run, and of the runs that resume it, are a series. The ids of the first series are hashes of the input
alone; those of a later one begin with the number of the first event of the series before it, which never changes. So
the log alone says which series of an input there are, and which rows each of them has.

If a row is recorded, all rows before it are done too: recorded, or skipped on purpose. A row that is skipped leaves no
trace. So a series is finished if of the rows after its last one nothing was left to record, either when that one was
recorded or now.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

from evcli.domain.overlay import Draft
from evcli.domain.state import State
from evcli.register.decide import NotAccepted, accept
from evcli.register.register import Register
from evcli.register.series import Earlier, earlier_series
from evcli.transfer.fault import BadCell
from evcli.transfer.identity import RowIds
from evcli.transfer.places import Place
from evcli.transfer.rows import Rows
from evcli.transfer.skipping import is_already_so
from evcli.transfer.wanted import Wanted


class Before:
    """What earlier runs recorded of one input, and the series that this run goes on with."""

    def __init__(self) -> None:
        self.seed = 0
        """What the ids of this run begin with."""
        self.correlation, self.since = "", 0
        """The correlation id of this run's series, and the place up to which the log was searched for it."""
        self.done = self.already = 0
        """How many rows this run need not deal with, and how many of these are recorded."""
        self.is_resumed = False
        """Whether this run was to begin another series, but has to finish the last one."""
        self.numbers, self.records, self.types = array("Q"), array("Q"), list[str]()
        """For each recorded row, in order: number, record and type of the last event that records it."""
        self._rows, self._lines, self._heading = array("Q"), array("Q"), 0
        self._read = 0
        self._series = list[_Known]()

    def read(self, parts: Iterator[Rows], heading: int, register: Register, wanted: Wanted, *, again: bool) -> None:
        """Read the input's rows, below a heading of so many lines, as far as needed.

        `again`: this run is to begin another series.
        """
        self._heading = heading
        rest: _Rest | None = None
        correlation: Callable[[int], str] | None = None
        for lines, rows, fault in parts:
            if fault:  # no row after it was recorded
                rest = None
                break
            if correlation is None:
                correlation = partial(_first_id, rows[:1])
                self._search(register, correlation)
                if again and self._series:
                    rest = _Rest(register, wanted, self._series[-1].of.numbers[-1])
            known = self._look_up(lines, rows)
            if rest is not None:
                rest.look(rows[known:], begins=known > 0)
            if not (rest and rest.states) and all(each.rows == len(each.of.numbers) for each in self._series):
                break
        if correlation is not None and self._series:
            self._choose(correlation, again=again, is_finished=bool(rest and rest.states))

    def place(self, at: int) -> Place:
        """Where a recorded row is."""
        return Place(self._rows[at], self._lines[at], self._heading)

    def place_of(self, event: int) -> Place | None:
        """Where the row is that an event recorded; None if it recorded no row of this input."""
        at = self._by_event.get(event)
        return None if at is None else self.place(at)

    @cached_property
    def _by_event(self) -> dict[int, int]:
        return {number: at for at, number in enumerate(self.numbers)}

    def _search(self, register: Register, correlation: Callable[[int], str]) -> None:
        self.correlation = correlation(0)
        found, self.since = earlier_series(register, self.correlation, correlation)
        seeds = [0, *(each.numbers[0] for each in found)]
        self._series = [_Known(each, seed) for each, seed in zip(found, seeds, strict=False)]

    def _look_up(self, lines: Sequence[int], rows: Sequence[tuple[str, ...]]) -> int:
        """Find out which of these rows are recorded; return how many there are up to the last series' last row."""
        places = [[each.of.at.get(id) for id in each.ids.of(rows)[0]] for each in self._series]
        for row, (line, *found) in enumerate(zip(lines, *places, strict=True), self._read + 1):
            last: tuple[Earlier, int] | None = None
            for each, place in zip(self._series, found, strict=True):
                if place is not None:
                    last = each.of, place
                    each.rows, each.last, each.recorded = each.rows + 1, row, len(self.numbers) + 1
            if last is not None:
                of, place = last
                self._rows.append(row)
                self._lines.append(line)
                self.numbers.append(of.numbers[place])
                self.records.append(of.records[place])
                self.types.append(of.types[place])
        self._read += len(rows)
        return max(0, self._series[-1].last + len(rows) - self._read) if self._series else 0

    def _choose(self, correlation: Callable[[int], str], *, again: bool, is_finished: bool) -> None:
        last = self._series[-1]
        if again and is_finished:
            self.seed = last.of.numbers[0]
        else:  # the one that has come furthest; the newest of several, since they are in this order
            each = last if again else max(reversed(self._series), key=lambda each: each.last)
            self.seed, self.done, self.already, self.is_resumed = each.seed, each.last, each.recorded, again
        self.correlation = correlation(self.seed)
        self._series = []  # their ids need much memory


class _Known:
    """A series that the log has, and which rows of the input it has."""

    def __init__(self, of: Earlier, seed: int) -> None:
        self.of, self.seed, self.ids = of, seed, RowIds(seed)
        self.rows = self.last = self.recorded = 0
        """How many rows it has; how many the input has up to the last of them, and how many of these any series has."""


class _Rest:
    """The rows after the last one that a series has."""

    def __init__(self, register: Register, wanted: Wanted, last: int) -> None:
        """`last` is the number of the last event of the series."""
        self._wanted = wanted
        self._both = [register.at(last), register.state]
        self.states = self._both
        """The states, of when the series ended and of now, in which nothing is left to record of these rows."""

    def look(self, rows: Sequence[tuple[str, ...]], *, begins: bool) -> None:
        """Look at the next rows, or at the first ones, if the rows begin here."""
        states = self._both if begins else self.states
        self.states = [state for state in states if not self._is_left(rows, state)] if rows else states

    def _is_left(self, rows: Sequence[tuple[str, ...]], state: State) -> bool:
        """Whether something is left to record of these rows."""
        try:
            many = self._wanted.beginnings(rows, [""] * len(rows))
            intentions = [self._wanted.intention(row, "") for row in rows] if many is None else list(many)
            changes, _ = accept(Draft(state), intentions, is_already_so)
        except (BadCell, NotAccepted):
            return True
        return bool(changes)


def _first_id(rows: Sequence[tuple[str, ...]], seed: int) -> str:
    return RowIds(seed).of(rows)[0][0]
