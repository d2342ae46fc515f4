"""A sheet of a workbook (.xlsx) as rows of texts, by openpyxl, which is an extra."""

from array import array
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple
from warnings import catch_warnings, simplefilter

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE, is_datetime
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.escape import unescape
from openpyxl.worksheet._reader import DATA_TAG, FORMULA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from evcli.errors import BadInput
from evcli.transfer.lines import LONGEST_ROW
from evcli.transfer.package import AGAIN, Package, whole

MOST_ROWS = 1 << 20
MOST_COLUMNS = 1 << 14
"""The rows and columns that a sheet may have."""

MOST_TEXTS = 1 << 23
MOST_SHARED = 1 << 30
"""How many texts the cells of a workbook may share, and the bytes of their part."""
_IN_MEMORY = 1 << 24
"""So many bytes of these texts are kept in memory, more in a temporary file."""

_MIDNIGHT = time()
_TEXT, _TEXTS, _RUN = (f"{{{SHEET_MAIN_NS}}}{tag}" for tag in ("t", "si", "r"))


class Row(NamedTuple):
    """A row that is in the file: its number, and by column, from 1, the texts of the cells that are not empty."""

    number: int
    texts: dict[int, str]
    wrong: dict[int, str]
    """Why a cell has no value."""


class Sheet:
    """The first visible sheet of a workbook."""

    def __init__(self, name: str, package: Package, file: Any, *, is_checked: bool) -> None:
        """Open the sheet of the workbook `name`. Raises BadInput.

        Unless it `is_checked`, the file is read to its end, so that nothing is recorded of half a file.
        """
        self._name, self._package, self._number, self._of_dates = name, package, 0, dict[int, bool]()
        with whole(name), catch_warnings():
            simplefilter("ignore")  # of what the file has besides, such as styles
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            reader.archive = package
            reader.read_manifest()
            reader.read_workbook()
            apply_stylesheet(package, reader.wb)
            self._book: Any = reader.wb
            sheets = [
                (sheet, relation.target)
                for sheet, relation in reader.parser.find_sheets()
                if relation.Type.endswith("/worksheet") and relation.target in package.NameToInfo
            ]
            self.count = len(sheets)
            """How many sheets there are."""
            visible = [(str(sheet.name), target) for sheet, target in sheets if sheet.state == "visible"]
            if not visible:
                raise BadInput(f"{name} has no sheet that can be read", AGAIN)
            self.title, self._path = visible[0]
            shared = reader.package.find(SHARED_STRINGS)  # type: ignore[no-untyped-call]
            texts = "" if shared is None else shared.PartName.removeprefix("/")
            for path in () if is_checked else filter(None, (self._path, texts)):
                package.check(path)
            self._shared = _Shared(name, package, texts, self._too_long)

    def rows(self) -> Iterator[Row]:
        """The rows that are in the file, in order. Raises BadInput."""
        book = self._book
        with whole(self._name), self._package.part(self._path, self._too_long) as part:
            parser = WorkSheetParser(
                part, self._shared, data_only=True, epoch=book.epoch,
                date_formats=book._date_formats, timedelta_formats=book._timedelta_formats,
            )  # fmt: skip
            data: Any = None
            for event, element in iterparse(part, events=("start", "end")):
                if event == "start":
                    data = element if element.tag == DATA_TAG else data
                elif element.tag == ROW_TAG:
                    row = self._row(parser, element)
                    del data[:]
                    part.taken()
                    if row.texts:
                        yield row
                elif element.tag == DATA_TAG:
                    return

    def _too_long(self) -> BadInput:
        """The error for the row after the last one."""
        return BadInput(f"{self._name} line {self._number + 1}: a row has more than {LONGEST_ROW:,} bytes")

    def _row(self, parser: Any, element: Any) -> Row:
        number = int(element.get("r") or self._number + 1)
        if not self._number < number <= MOST_ROWS:
            raise ValueError
        parser.row_counter = number
        parser.col_counter = self._shared.taken = 0
        row = Row(number, {}, {})
        with catch_warnings():
            simplefilter("ignore")  # of a date out of range, which is an error of its cell
            for each in element:
                cell = parser.parse_cell(each)
                column = cell["column"]
                if not 0 < column <= MOST_COLUMNS:
                    raise ValueError
                if text := self._text(cell):
                    row.texts[column] = text
                if cell["data_type"] == "e":
                    row.wrong[column] = f"is {text}, an error in the workbook"
                elif cell["value"] is None and each.get("t") != "str" and each.find(FORMULA_TAG) is not None:
                    row.texts[column] = "="
                    row.wrong[column] = "is a formula whose value was not saved"
        self._number = number
        return row

    def _text(self, cell: Any) -> str:
        """What a cell says."""
        value = cell["value"]
        match value:
            case None:
                return ""
            case str():
                return _unescaped(value)
            case bool():
                return "true" if value else "false"
            case float() if value.is_integer():
                return str(int(value))
            case datetime():
                if value.time() == _MIDNIGHT and self._is_date(cell["style_id"]):
                    return value.date().isoformat()
                return value.isoformat(sep=" ")
            case date() | time():
                return value.isoformat()
        return str(value)

    def _is_date(self, style: int) -> bool:
        """Whether cells of this style show a date without a time."""
        if style not in self._of_dates:
            number = self._book._cell_styles[style].numFmtId
            own = number - BUILTIN_FORMATS_MAX_SIZE
            form = BUILTIN_FORMATS.get(number) if own < 0 else self._book._number_formats[own]
            self._of_dates[style] = is_datetime(form) == "date"
        return self._of_dates[style]


class _Shared:
    """The texts that cells share. There may be many, so the memory that they take is bounded."""

    def __init__(self, name: str, package: Package, path: str, too_long: Callable[[], BadInput]) -> None:
        """Read those in the part at `path`, if there is one; `too_long` is the error for a row that is."""
        self._name, self._too_long, self._ends = name, too_long, array("Q", [0])
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # closed when the sheet is let go of
        self.taken = 0
        """How many bytes have been asked for since this was set to 0."""
        if path:
            package.limit(path, MOST_SHARED)
            self._read(package, path)

    def _read(self, package: Package, path: str) -> None:
        root: Any = None
        with package.part(path, lambda: self._refusal(f"a text has more than {LONGEST_ROW:,} bytes")) as part:
            for event, element in iterparse(part, events=("start", "end")):
                if root is None:
                    root = element
                elif event == "end" and element.tag == _TEXTS:
                    written = _plain(element).encode()
                    self._file.write(written)
                    self._ends.append(self._ends[-1] + len(written))
                    del root[:]
                    part.taken()
                    if len(self._ends) > MOST_TEXTS:
                        raise self._refusal(f"it has more than {MOST_TEXTS:,} texts")

    def __getitem__(self, index: int) -> str:
        """A text. Raises BadInput if too many bytes were asked for."""
        if index < 0:
            raise IndexError
        start, end = self._ends[index], self._ends[index + 1]
        self.taken += end - start
        if self.taken > LONGEST_ROW:
            raise self._too_long()
        self._file.seek(start)
        return self._file.read(end - start).decode()

    def _refusal(self, why: str) -> BadInput:
        return BadInput(f"{self._name}: {why}")


def _plain(element: Any) -> str:
    """The text of an element: its own and that of its runs, without a guide to pronunciation."""
    parts = [each.text if each.tag == _TEXT else each.findtext(_TEXT) for each in element if each.tag in (_TEXT, _RUN)]
    return "".join(part or "" for part in parts)


def _unescaped(text: str) -> str:
    """A text of which characters were written as `_x000D_`."""
    if "_x" not in text:
        return text
    found = unescape(text)
    return text if any("\ud800" <= letter <= "\udfff" for letter in found) else found
