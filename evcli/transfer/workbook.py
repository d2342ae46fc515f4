"""A workbook (.xlsx) as rows of the fields' cells: those of its first visible sheet, whose rows are the lines."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from evcli.errors import BadInput
from evcli.transfer.fault import Fault
from evcli.transfer.form import may_be_workbook, refuse_other_things
from evcli.transfer.found import Rows
from evcli.transfer.package import AGAIN, Package, package_of
from evcli.transfer.reading import Reading
from evcli.transfer.refusals import NeedsPackage, OtherForm
from evcli.transfer.source import CHUNK, Source
from evcli.transfer.tabular import Tabular

if TYPE_CHECKING:
    from evcli.transfer.sheet import Row

_AT_ONCE, _CELLS_AT_ONCE = 1000, 100_000
"""How many rows and cells are handed over together, at most."""

_PARTS = re.compile(rb"\[Content_Types\]\.xml|docProps/|xl/")
"""The names of the parts with which workbooks begin."""

_FORMULA = "open it in a spreadsheet program and correct the cell, or save it with the values"


def package_in(source: Source, first: bytes, form: str | None) -> Package | None:
    """The workbook that the input is, which begins with `first`; None if it is something else.

    Raises:
        OtherForm: it is a workbook, but is to be read as another `form`.
        BadInput: it is to be read as a workbook, but is none, or is cut off.
    """
    name = source.name
    is_meant = form == "xlsx" or name.casefold().endswith((".xlsx", ".xlsm"))
    if may_be_workbook(first):
        package = package_of(name, source.whole())
        if package is None and (is_meant or _PARTS.search(first)):
            raise BadInput(f"{name} is cut off or damaged: it is not a whole workbook", AGAIN)
        if package and package.is_workbook:
            if form not in (None, "xlsx"):
                raise OtherForm(f"{name} is a workbook (.xlsx)", "xlsx")
            return package
    if form == "xlsx":
        refuse_other_things(name, first)
        raise BadInput(f"{name} is not a workbook (.xlsx)", "if no form is asked for, it is read as what it is")
    return None


class Workbook:
    """One pass over the sheet of a workbook."""

    def __init__(
        self, source: Source, package: Package, fields: Sequence[str], needed: Sequence[str],
        notice: Callable[[str], None], how: Reading,
    ) -> None:  # fmt: skip
        self._source, self._package, self._notice = source, package, notice
        self._table = Tabular(source.name, fields, needed, notice, how)
        self._first = self._last = 0
        """The columns of the header, from 1."""
        self._is_told = False
        """Whether it was noted that there are other cells."""

    def rows(self) -> tuple[Iterator[Rows], int]:
        """All rows but the empty ones, and the number of the row that is the header. Raises BadInput, NeedsPackage."""
        source = self._source
        try:
            from evcli.transfer.sheet import Sheet
        except ImportError:
            what = "is a workbook (.xlsx), which needs the package openpyxl"
            raise NeedsPackage(f"{source.name} {what}", "openpyxl", "xlsx") from None
        sheet = Sheet(source.name, self._package, source.whole(), is_checked=source.is_checked)
        source.is_checked = True
        if sheet.count > 1:
            self._notice(f'sheet "{sheet.title}" of {sheet.count}')
        rows = sheet.rows()
        for row in rows:
            if named := [column for column, text in row.texts.items() if text.strip()]:
                self._first, self._last = min(named), max(named)
                self._table.begin(self._cells(row), row.number, keeps_names=False, called=self._called)
                return self._found(rows), row.number
        raise self._table.empty()

    def _called(self, number: int) -> str:
        """What a column of the header is called, of which the first one is 1."""
        return _letter(self._first + number - 1)

    def _cells(self, row: "Row") -> list[str]:
        return [row.texts.get(column, "") for column in range(self._first, self._last + 1)]

    def _found(self, rows: "Iterable[Row]") -> Iterator[Rows]:
        lines, cells, size = list[int](), list[list[str]](), 0
        most = min(_AT_ONCE, 1 + _CELLS_AT_ONCE // (self._last - self._first + 1))
        file = self._source.whole()
        for row in rows:
            fault = self._fault(row)
            if lines and (fault or len(lines) == most or size > CHUNK):
                self._source.done = file.tell()
                yield from self._handed_over(lines, cells)
                lines, cells, size = [], [], 0
            if fault:
                yield Rows([row.number], (), fault)
            else:
                lines.append(row.number)
                cells.append(self._cells(row))
                size += sum(map(len, row.texts.values()))
        if lines:
            yield from self._handed_over(lines, cells)

    def _handed_over(self, lines: list[int], cells: list[list[str]]) -> Iterator[Rows]:
        if found := self._table.chosen(lines, [*zip(*cells, strict=True)]):
            yield found

    def _fault(self, row: "Row") -> Fault | None:
        """What is wrong with a row; a cell that holds no field does not matter."""
        for column, why in row.wrong.items():
            if (field := self._table.uses.get(column - self._first)) is not None:
                return Fault(field, f"{why} (cell {_letter(column)}{row.number})", _FORMULA)
        for column, text in row.texts.items():
            if not (self._is_told or self._first <= column <= self._last) and text.strip():
                self._notice(f"ignored: cells beside the header's columns, as {_letter(column)}{row.number}")
                self._is_told = True
        return None


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column)
