"""CSV as rows of the fields' cells."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from itertools import chain
from typing import Any

from evcli.errors import BadInput
from evcli.transfer.csv_guard import unguarded
from evcli.transfer.dialect import DELIMITERS, dialect_of
from evcli.transfer.fault import Fault, not_utf8
from evcli.transfer.found import Rows
from evcli.transfer.lines import QUOTES, complete, newline_of
from evcli.transfer.naming import Missing, Twice, assign
from evcli.transfer.reading import Reading
from evcli.transfer.refusals import NoSuchColumn, NotOneColumn
from evcli.transfer.tabular import Tabular, at

# The start of a text that a spreadsheet would have taken for a formula, had evcli not put a quote before it.
_GUARD = re.compile("'[=+\\-@\t\r\n\0]").search


class CsvRows:
    """One pass over the CSV of an input."""

    def __init__(
        self, name: str, fields: Sequence[str], needed: Sequence[str], notice: Callable[[str], None], how: Reading
    ) -> None:
        self._name, self._fields, self._needed, self._how = name, fields, needed, how
        self._line = 0
        """The line on which the last row ends."""
        self._lines = 0
        """How many lines have been read, for which rows end somewhere; a row may wait for more of them."""
        self._bad_bytes: dict[int, Fault] = {}
        self._offset = 0
        self._is_guarded = False
        self._table = Tabular(name, fields, needed, notice, how)
        self._delimiter = ","
        self._skipped = 0
        """How many lines come before the header."""

    def rows(self, first: bytes, rest: Iterator[bytes], offset: int) -> tuple[Iterator[Rows], int]:
        """All rows but the empty ones, of an input that begins with `first`, after so many other bytes.

        Also, how many lines come before row 1 where each row has one line.
        """
        dialect = dialect_of(first, self._is_header, self._how.delimiter)
        self._delimiter, self._skipped = dialect.delimiter, dialect.lines
        self._line = self._lines = dialect.lines
        self._offset = offset + dialect.bytes
        chunks = chain([first[dialect.bytes :]], rest)
        pieces = complete(self._name, chunks, lambda: self._line, newline_of(first))
        reader = csv.reader(
            chain.from_iterable(self._texts(pieces)),
            strict=True, delimiter=dialect.delimiter, skipinitialspace=dialect.has_spaces,
        )  # fmt: skip
        return self._rows(reader), 1 + dialect.lines

    def _is_header(self, cells: Sequence[str]) -> bool:
        try:
            assign(cells, self._fields, self._needed, self._how.columns)
        except (Missing, NoSuchColumn):
            return False
        except (Twice, NotOneColumn):
            return True
        return True

    def _texts(self, pieces: Iterator[bytes]) -> Iterator[StringIO]:
        """The pieces as text; lines with bytes that are not UTF-8 are noted."""
        for piece in pieces:
            try:
                text = piece.decode()
            except UnicodeDecodeError:
                text = piece.decode(errors="surrogateescape")
                self._note_bad_bytes(text, self._lines)
            self._is_guarded = self._is_guarded or _GUARD(text) is not None
            self._lines += text.count("\n") + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)
            yield StringIO(text, newline="")
            self._offset += len(piece)

    def _note_bad_bytes(self, text: str, lines: int) -> None:
        offset = self._offset
        for number, line in enumerate(StringIO(text, newline=""), lines + 1):
            written = line.encode(errors="surrogateescape")
            try:
                written.decode()
            except UnicodeDecodeError as error:
                self._bad_bytes[number] = not_utf8(written, error, offset)
            offset += len(written)

    def _rows(self, reader: Any) -> Iterator[Rows]:
        header = self._first_row(reader)
        keeps_names = self._delimiter == "," and not self._skipped
        self._table.begin(header, self._header_line, keeps_names=keeps_names)
        is_over = False
        while not is_over:
            begins, found, end = list[int](), list[list[str]](), self._line
            stopped: Exception | None = None
            try:
                for cells in reader:
                    begins.append(end + 1)
                    found.append(cells)
                    self._line = end = reader.line_num + self._skipped
                    if end >= self._lines:
                        break  # and hand over what there is before more is read
                else:
                    is_over = True
            except (csv.Error, BadInput) as error:
                stopped = error
            for lines, rows, fault in self._sifted(begins, found, len(header)):
                yield from [Rows(lines, (), fault)] if fault else self._chosen(lines, rows)
            if isinstance(stopped, csv.Error):
                self._line = max(reader.line_num + self._skipped, end + 1)
                yield Rows([end + 1], (), Fault("", f"is not CSV: {stopped}", QUOTES))
            elif stopped is not None:
                raise stopped

    def _first_row(self, reader: Any) -> list[str]:
        """The header: the first row with cells. Raises BadInput."""
        end = self._skipped
        try:
            for cells in reader:
                first, end = end + 1, reader.line_num + self._skipped
                self._line = end
                if cells:
                    if fault := self._bad_bytes_before(end + 1):
                        raise at(self._table.place(first), fault.error())
                    self._header_line = first
                    header: list[str] = cells
                    return header
        except csv.Error as error:
            raise BadInput(f"{self._table.place(end + 1)}: is not CSV: {error}", QUOTES) from None
        raise self._table.empty()

    def _sifted(
        self, begins: list[int], found: list[list[str]], width: int
    ) -> Iterator[tuple[list[int], list[list[str]], Fault | None]]:
        """These rows in runs, and the faulty ones between them."""
        if found and not self._bad_bytes and list(map(len, found)).count(width) == len(found):
            yield begins, found, None
            return
        lines, rows = list[int](), list[list[str]]()
        for first, after, cells in zip(begins, [*begins[1:], self._line + 1], found, strict=False):
            fault = self._bad_bytes_before(after)
            if fault is None and len(cells) == width:
                lines.append(first)
                rows.append(cells)
            elif fault or cells:
                if rows:
                    yield lines, rows, None
                    lines, rows = [], []
                yield [first], [], fault or self._miscounted(cells, width)
        if rows:
            yield lines, rows, None

    def _chosen(self, lines: list[int], rows: list[list[str]]) -> Iterator[Rows]:
        """These rows with the cells of the fields only, but for the empty ones."""
        columns: list[Sequence[str]] = [*zip(*rows, strict=True)]
        if self._is_guarded:
            columns = [list(map(unguarded, column)) for column in columns]
        if found := self._table.chosen(lines, columns):
            yield found

    def _bad_bytes_before(self, after: int) -> Fault | None:
        found = [self._bad_bytes.pop(line) for line in sorted(self._bad_bytes) if line < after]
        return found[0] if found else None

    def _miscounted(self, cells: list[str], width: int) -> Fault:
        return Fault(
            "",
            f"has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but the header has {width}",
            f"quote cells that contain {DELIMITERS.get(self._delimiter, self._delimiter)} or newlines",
        )
