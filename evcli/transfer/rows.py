"""Reading other programs' output: a CSV or JSON Lines file as rows of named cells, in one pass.

A row is its cells in the order of the requested fields, "" where it has none. Rows are returned many at a time; a
faulty one is returned alone, as a Fault in its place, and reading continues; an error is raised only if the rest is
unreadable. Whatever the input, memory holds at most one chunk and the longest allowed row.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, StringIO
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from evcli.errors import BadInput
from evcli.transfer.csv_guard import unguarded
from evcli.transfer.fault import Fault, not_utf8
from evcli.transfer.json_row import JsonRow
from evcli.transfer.source import Source, form_of, refuse_other_things

_QUOTES = 'check for an unclosed or unescaped quote (")'

LONGEST_ROW = 1 << 20
"""The longest row, in bytes."""

# The start of a text that a spreadsheet would have taken for a formula, had evcli not put a quote before it.
_GUARD = re.compile("'[=+\\-@\t\r\n\0]").search


# A comma and a space in the header, or before a quote that opens a cell.
_SPACED = re.compile(rb'\A[^"\n]*, |, +"[^",\r\n]').search

Columns = Callable[[list[Sequence[str]]], Sequence[Sequence[str]]]
"""Chooses some of the columns of an input."""


class Rows(NamedTuple):
    """At least one row of the input, without gaps: the lines on which they begin, and their cells.

    If there is a fault, it is that of the only row, which has no cells.
    """

    lines: Sequence[int]
    cells: Sequence[tuple[str, ...]]
    fault: Fault | None = None


class Intake:
    """One pass over a source."""

    def __init__(
        self,
        source: Source,
        form: str | None,
        fields: Sequence[str],
        needed: Sequence[str],
        notice: Callable[[str], None],
    ) -> None:
        """Read `source` as `form`, by default guessed from its name or first byte; `needed` fields must be present.

        `notice` is called with each ignored column, once.
        """
        self._source = source
        self._form = form
        self._fields = fields
        self._needed = needed
        self._notice = notice
        self._line = 0
        """The line on which the last row ends."""
        self._lines = 0
        """How many lines of CSV have been read, for which rows end somewhere; a row may wait for more of them."""
        self._bad_bytes: dict[int, Fault] = {}
        self._offset = 0
        self._is_guarded = False
        self._has_spaces = False
        """Whether a space may stand before a cell's quotes; otherwise a cell keeps its spaces, as in JSON."""
        self._nothing = ("",) * len(fields)
        self.heading = 0
        """How many lines come before row 1 where each row has one line: 1 for a header; known once `rows` is called."""

    def rows(self) -> Iterator[Rows]:
        """All rows but the empty ones. Raises BadInput if the rest is unreadable."""
        source = self._source
        first = source.read()
        form = self._form or form_of(source.name, first)
        refuse_other_things(source.name, first)
        if first.startswith(codecs.BOM_UTF8):
            self._offset = len(codecs.BOM_UTF8)
            first = first[self._offset :]
        self._has_spaces = _SPACED(first) is not None
        self.heading = int(form == "csv")
        pieces = self._pieces(chain([first], iter(source.read, b"")))
        return self._csv_rows(pieces) if form == "csv" else self._json_rows(pieces)

    def _place(self, line: int) -> str:
        return f"{self._source.name} line {line}"

    # --- bytes to lines -----------------------------------------------------------------------------------------------

    def _pieces(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The input in pieces of complete lines. Raises BadInput at a row that is too long."""
        rest, last, waiting = b"", 0, 0
        for chunk in chunks:
            whole = chunk.rfind(b"\n") + 1
            if whole:
                yield rest + chunk[:whole]
                rest = chunk[whole:]
            else:
                rest += chunk
            waiting = len(rest) if self._line != last else waiting + len(chunk)
            last = self._line
            if waiting > LONGEST_ROW:
                raise BadInput(
                    f"{self._place(self._line + 1)}: a row has more than {LONGEST_ROW:,} bytes",
                    _QUOTES,
                )
        if rest:
            yield rest

    def _texts(self, pieces: Iterator[bytes]) -> Iterator[StringIO]:
        """The same as text; lines with bytes that are not UTF-8 are noted."""
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

    # --- CSV ----------------------------------------------------------------------------------------------------------

    def _csv_rows(self, pieces: Iterator[bytes]) -> Iterator[Rows]:
        reader = csv.reader(chain.from_iterable(self._texts(pieces)), strict=True, skipinitialspace=self._has_spaces)
        header = self._first_row(reader)
        choose = self._chooser(header)
        is_over = False
        while not is_over:
            begins, found, end = list[int](), list[list[str]](), self._line
            stopped: Exception | None = None
            try:
                for cells in reader:
                    begins.append(end + 1)
                    found.append(cells)
                    self._line = end = reader.line_num
                    if end >= self._lines:
                        break  # and hand over what there is before more is read
                else:
                    is_over = True
            except (csv.Error, BadInput) as error:
                stopped = error
            for lines, rows, fault in self._sifted(begins, found, len(header)):
                yield from [Rows(lines, (), fault)] if fault else self._chosen(choose, lines, rows)
            if isinstance(stopped, csv.Error):
                self._line = max(reader.line_num, end + 1)
                yield Rows([end + 1], (), Fault("", f"is not CSV: {stopped}", _QUOTES))
            elif stopped is not None:
                raise stopped

    def _first_row(self, reader: Any) -> list[str]:
        """The header: the first row with cells. Raises BadInput."""
        end = 0
        try:
            for cells in reader:
                first, end = end + 1, reader.line_num
                self._line = end
                if cells:
                    return self._header(cells, first, end)
        except csv.Error as error:
            raise BadInput(f"{self._place(end + 1)}: is not CSV: {error}", _QUOTES) from None
        raise BadInput(f"{self._source.name} is empty", f"it needs a header with {' and '.join(self._needed)}")

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
                yield [first], [], fault or _miscounted(cells, width)
        if rows:
            yield lines, rows, None

    def _chosen(self, choose: Columns, lines: list[int], rows: list[list[str]]) -> Iterator[Rows]:
        """These rows with the cells of the fields only, but for the empty ones."""
        columns = choose([*zip(*rows, strict=True), ("",) * len(rows)])
        if self._is_guarded:
            columns = [list(map(unguarded, column)) for column in columns]
        cells = list(zip(*columns, strict=True))
        if self._nothing in cells:
            kept = [at for at, row in enumerate(cells) if row != self._nothing]
            lines, cells = [lines[at] for at in kept], [cells[at] for at in kept]
        if cells:
            yield Rows(lines, cells)

    def _header(self, cells: list[str], first: int, end: int) -> list[str]:
        place = self._place(first)
        if fault := self._bad_bytes_before(end + 1):
            raise BadInput(f"{place}: {fault.why}", fault.hint)
        header = [cell.strip().casefold() for cell in cells]
        for name in self._fields:
            if header.count(name) > 1:
                raise BadInput(f'{place}: the header has "{name}" {header.count(name)} times')
        if missing := [name for name in self._needed if name not in header]:
            hint = "the first line names the columns: " + ",".join(self._needed) + _nameless("; ", header)
            for sign, called in ((";", "semicolons"), ("\t", "tabs")):
                if len(cells) == 1 and sign in cells[0]:
                    hint = f"its cells are separated by {called}; save it with commas instead"
            raise BadInput(f"{place}: the header has no column {' and no column '.join(missing)}", hint)
        named = zip(cells, header, strict=True)
        if others := [cell.strip() for cell, name in named if name and name not in self._fields]:
            self._notice(f"ignored column{'s' if len(others) > 1 else ''}: {_some(others)}")
        if nameless := _nameless("ignored: ", header):
            self._notice(nameless)
        return header

    def _chooser(self, header: list[str]) -> Columns:
        """A function that picks the columns of the fields, in order, from those of the input and an empty one."""
        return itemgetter(*(header.index(name) if name in header else len(header) for name in self._fields))

    def _bad_bytes_before(self, after: int) -> Fault | None:
        found = [self._bad_bytes.pop(line) for line in sorted(self._bad_bytes) if line < after]
        return found[0] if found else None

    # --- JSON Lines ---------------------------------------------------------------------------------------------------

    def _json_rows(self, pieces: Iterator[bytes]) -> Iterator[Rows]:
        notes: list[str] = []
        row_in = JsonRow(self._fields, self._needed, notes.append).row
        for piece in pieces:
            lines, rows = list[int](), list[tuple[str, ...]]()
            for line in BytesIO(piece):
                self._line += 1
                row = () if line.isspace() else row_in(line, self._offset)
                self._offset += len(line)
                if rows and (
                    notes or isinstance(row, Fault)
                ):  # what this row notes is told after the rows before it are dealt with
                    yield Rows(lines, rows)
                    lines, rows = [], []
                while notes:
                    self._notice(notes.pop(0))
                if isinstance(row, Fault):
                    yield Rows([self._line], (), row)
                elif row:
                    lines.append(self._line)
                    rows.append(row)
            if rows:
                yield Rows(lines, rows)
        if not self._offset:
            raise BadInput(f"{self._source.name} is empty", "it needs an object on each line")


def _miscounted(cells: list[str], width: int) -> Fault:
    return Fault(
        "",
        f"has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but the header has {width}",
        "quote cells that contain commas or newlines",
    )


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")


def _nameless(before: str, header: Sequence[str]) -> str:
    """Which columns have no name, after `before`; "" if all have one."""
    columns = [str(number) for number, name in enumerate(header, 1) if not name]
    if not columns:
        return ""
    return f"{before}column{f's {_some(columns)} have' if len(columns) > 1 else f' {columns[0]} has'} no name"
