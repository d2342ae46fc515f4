"""Reading a list: its rows as cleaned values, each with the record that it is about."""

from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from evcli.domain.fields import Field, key_of
from evcli.domain.overlay import get_many, holders
from evcli.domain.state import State
from evcli.errors import BadInput, BadText, EvcliError
from evcli.sync.finding import ById, Columns, Finder
from evcli.sync.means import Means
from evcli.sync.plan import Plan
from evcli.transfer.reading import Reading as How
from evcli.transfer.rows import Intake
from evcli.transfer.source import Source

AT_ONCE = 5_000
"""How many records are looked up together."""

Cells = tuple[str, ...]


class Reading:
    """One pass over a list, which tells a plan of its rows, and then of the records that no row is about."""

    def __init__(self, state: State, means: Means, finder: Finder, plan: Plan) -> None:
        self._state, self._means, self._finder, self._plan = state, means, finder, plan
        own = tuple(means.fields)
        self._own, self._ended = own, means.kind.ended
        more = [name for name in (finder.column, means.kind.ended) if name and name not in own]
        self._columns = (*own, *dict.fromkeys(more))
        self._later: list[tuple[int, Cells, str]] = []
        """Rows whose record is looked for when those of all others are known."""

    def read(self, source: Source, how: How, notice: Callable[[str], None]) -> None:
        """Tell the plan of everything. Raises BadInput if the list cannot be read to its end, or has no rows."""
        needed = dict.fromkeys((*self._means.needed, self._means.kind.unique, self._finder.column))
        intake = Intake(source, self._columns, [name for name in needed if name], notice, how)
        for lines, rows, fault in intake.rows():
            if fault:
                self._plan.rows += 1
                self._plan.refuse(lines[0], fault.field, fault.error())
                continue
            for start in range(0, len(rows), AT_ONCE):
                self._take(lines[start : start + AT_ONCE], rows[start : start + AT_ONCE])
        self._take_later()
        if not self._plan.rows:
            raise BadInput(f"{source.name} has no rows: nobody is on it")
        self._take_unseen()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _take(self, lines: Sequence[int], rows: Sequence[Cells]) -> None:
        columns: Columns = dict(zip(self._columns, zip(*rows, strict=True), strict=True))
        if any(columns[self._ended]):
            lines, rows = self._without_ended(lines, rows)
            if not rows:
                return
            columns = dict(zip(self._columns, zip(*rows, strict=True), strict=True))
        try:
            cleaned = self._cleaned(columns)
        except BadText:
            lines, rows = self._without_bad(lines, rows)
            if not rows:
                return
            cleaned = self._cleaned(dict(zip(self._columns, zip(*rows, strict=True), strict=True)))
        self._look_up(lines, cleaned)

    def _without_ended(self, lines: Sequence[int], rows: Sequence[Cells]) -> tuple[Sequence[int], Sequence[Cells]]:
        """The rows that are not marked as ended, as an export of all records marks them: those are not there."""
        at, stays = self._columns.index(self._ended), list[bool]()
        for line, row in zip(lines, rows, strict=True):
            mark = row[at].strip()
            stays.append(not mark)
            if mark and not (mark.isascii() and mark.isdigit()) and mark.casefold() != "true":
                self._plan.rows += 1
                why = f'is "{mark}": neither empty nor the number of an event'
                self._plan.refuse(line, self._ended, BadInput(why))
        return list(compress(lines, stays)), list(compress(rows, stays))

    def _without_bad(self, lines: Sequence[int], rows: Sequence[Cells]) -> tuple[Sequence[int], Sequence[Cells]]:
        """The rows of which every cell can be cleaned."""
        stays = list[bool]()
        for line, row in zip(lines, rows, strict=True):
            fault: tuple[str, EvcliError] | None = None
            for name, cell in zip(self._columns, row, strict=True):
                try:
                    self._clean(name, [cell])
                except BadText as bad:
                    fault = name, BadInput(bad.why, bad.hint)
                    break
            stays.append(fault is None)
            if fault is not None:
                self._plan.rows += 1
                self._plan.refuse(line, *fault)
        return list(compress(lines, stays)), list(compress(rows, stays))

    def _cleaned(self, columns: Columns) -> Columns:
        return {name: self._clean(name, cells) for name, cells in columns.items()}

    def _clean(self, name: str, cells: Sequence[str]) -> Sequence[str]:
        """Cells of a column, cleaned. Raises BadText."""
        field: Field | None = self._means.fields.get(name)
        if field is None:
            return list(map(str.strip, cells))
        if name in self._means.needed or name == self._means.kind.unique:
            return field.clean_all(cells)
        return [field.clean(cell) if cell.strip() else "" for cell in cells]

    # --- records ------------------------------------------------------------------------------------------------------

    def _look_up(self, lines: Sequence[int], columns: Columns) -> None:
        keys, records, faults = self._finder.find(columns)
        rows: Sequence[Cells] = list(zip(*(columns[name] for name in self._own), strict=True))
        for at, fault in faults.items():
            self._plan.rows += 1
            self._plan.refuse(lines[at], "", fault)
        if isinstance(self._finder, ById):
            cells = columns[self._finder.column]
            later = [at for at, record in enumerate(records) if record is None and at not in faults]
            self._later += [(lines[at], rows[at], cells[at]) for at in later]
            faults |= dict.fromkeys(later)  # type: ignore[arg-type]  # only which they are counts
        if faults:
            stays = [at not in faults for at in range(len(lines))]
            lines, rows = list(compress(lines, stays)), list(compress(rows, stays))
            keys, records = list(compress(keys, stays)), list(compress(records, stays))
        self._plan.take(lines, rows, keys, records)

    def _take_later(self) -> None:
        """Rows without a record of that id: a record that no other row means may have the unique field."""
        seen: dict[str, int] = {}
        at, kind = self._own.index(self._means.kind.unique), self._means.kind
        for start in range(0, len(self._later), AT_ONCE):
            some = list[tuple[int, Cells]]()
            for line, row, cell in self._later[start : start + AT_ONCE]:
                if cell and cell in seen:
                    self._plan.rows += 1
                    why = f'{kind.name} "{cell}" is on the list twice: on line {seen[cell]}, too'
                    self._plan.refuse(line, "", BadInput(why))
                else:
                    seen[cell] = line
                    some.append((line, row))
            keys = [key_of(row[at]) for _, row in some]
            held = holders(self._state, kind.name, keys)
            free = [None if (record := held.get(key)) is None or self._is_another(record) else record for key in keys]
            self._plan.take([line for line, _ in some], [row for _, row in some], keys, free)

    def _is_another(self, record: Any) -> bool:
        return self._plan.has(record.id) or (isinstance(self._finder, ById) and record.id in self._finder.others)

    def _take_unseen(self) -> None:
        ids = list[int]()
        for id in self._plan.unseen():
            ids.append(id)
            if len(ids) == AT_ONCE:
                self._plan.take_unseen(get_many(self._state, self._means.kind.name, ids))
                ids.clear()
        self._plan.take_unseen(get_many(self._state, self._means.kind.name, ids))
