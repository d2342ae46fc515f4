"""What CSV and sheets have in common: a header names the columns, and the cells of some of them are the fields'."""

from collections.abc import Callable, Sequence
from operator import itemgetter

from evcli.errors import BadInput
from evcli.transfer.found import Rows
from evcli.transfer.naming import Assigned, Missing, Twice, assign, joined
from evcli.transfer.reading import Reading
from evcli.transfer.refusals import NoColumnFor

_Choose = Callable[[list[Sequence[str]]], Sequence[Sequence[str]]]
"""Chooses some of the columns of an input."""


class Tabular:
    """The columns of an input, of which some hold fields."""

    def __init__(
        self, name: str, fields: Sequence[str], needed: Sequence[str], notice: Callable[[str], None], how: Reading
    ) -> None:
        self._name, self._fields, self._needed, self._notice, self._how = name, fields, needed, notice, how
        self._nothing = ("",) * len(fields)
        self._choose: _Choose = list
        self._ignored = list[int]()
        """The columns that hold no field, while they may have the dates for which there is no column."""
        self._header: Sequence[str] = ()
        self.uses: dict[int, str] = {}
        """The field that each column holds, or a part of it."""

    def place(self, line: int) -> str:
        """Where a line is, in words."""
        return f"{self._name} line {line}"

    def empty(self) -> BadInput:
        """The error for an input without a header."""
        return BadInput(f"{self._name} is empty", f"it needs a header with {' and '.join(self._needed)}")

    def begin(self, header: Sequence[str], line: int, *, keeps_names: bool, called: Callable[[int], str] = str) -> None:
        """Take the header, which is on this line. Raises BadInput if a needed field has no column.

        With `keeps_names`, a column `Name` is read as it always was (naming.py). `called` gives what the column of a
        number, from 1, is called if it has no name.
        """
        found = self._assigned(header, line, keeps_names, called)
        self._choose = _chooser(found, len(header))
        for field, columns in [*zip(self._fields, found.columns, strict=True), *self._instead(found)]:
            self.uses |= dict.fromkeys(columns, field)
        if found.said:
            self._notice(found.said)
        if others := [name for name in (header[at].strip() for at in found.others) if name]:
            self._notice(f"ignored column{'s' if len(others) > 1 else ''}: {_some(others)}")
        if "date" in self._fields and not found.columns[self._fields.index("date")]:
            self._header, self._ignored = header, found.others
        if nameless := _nameless("ignored: ", header, called):
            self._notice(nameless)

    def _assigned(self, header: Sequence[str], line: int, keeps_names: bool, called: Callable[[int], str]) -> Assigned:
        place = self.place(line)
        try:
            return assign(header, self._fields, self._needed, self._how.columns, keeps_names=keeps_names)
        except Twice as error:
            raise BadInput(f"{place}: the header has {error.message}") from None
        except Missing as error:
            hint = "the first line names the columns: " + ",".join(self._needed) + _nameless("; ", header, called)
            raise NoColumnFor(f"{place}: the header has {error.message}", hint, error.fields) from None
        except BadInput as error:
            raise at(place, error) from None

    def _instead(self, found: Assigned) -> list[tuple[str, tuple[int, ...]]]:
        return [(self._fields[field], columns) for field, columns in found.instead.items()]

    def chosen(self, lines: list[int], columns: list[Sequence[str]]) -> Rows | None:
        """The rows on these lines with the cells of the fields only, but for the empty ones."""
        if self._ignored:
            from evcli.transfer.dated import column_of_dates

            if note := column_of_dates(self._header, self._ignored, columns):
                self._notice(note)
            self._ignored = []
        cells = list(zip(*self._choose([*columns, ("",) * len(lines)]), strict=True))
        if self._nothing in cells:
            kept = [at for at, row in enumerate(cells) if row != self._nothing]
            lines, cells = [lines[at] for at in kept], [cells[at] for at in kept]
        return Rows(lines, cells) if cells else None


def _chooser(assigned: Assigned, width: int) -> _Choose:
    """A function that picks the columns of the fields, in order, from those of the input and an empty one."""
    if assigned.is_plain:
        return itemgetter(*(columns[0] if columns else width for columns in assigned.columns))

    def column(every: list[Sequence[str]], columns: tuple[int, ...]) -> Sequence[str]:
        if len(columns) < 2:
            return every[columns[0] if columns else width]
        return [joined(parts) for parts in zip(*(every[at] for at in columns), strict=True)]

    def choose(every: list[Sequence[str]]) -> list[Sequence[str]]:
        found = [column(every, columns) for columns in assigned.columns]
        for at, columns in assigned.instead.items():
            found[at] = [
                cell if cell.strip() else other for cell, other in zip(found[at], column(every, columns), strict=True)
            ]
        return found

    return choose


def at(place: str, error: BadInput) -> BadInput:
    """The error, whose message begins with the place."""
    error.message = f"{place}: {error.message}"
    return error


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")


def _nameless(before: str, header: Sequence[str], called: Callable[[int], str]) -> str:
    """Which columns have no name, after `before`; "" if all have one."""
    columns = [called(number) for number, name in enumerate(header, 1) if not name.strip()]
    if not columns:
        return ""
    return f"{before}column{f's {_some(columns)} have' if len(columns) > 1 else f' {columns[0]} has'} no name"
