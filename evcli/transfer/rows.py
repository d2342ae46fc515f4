"""Reading other programs' output: a CSV or JSON Lines file as rows of named cells, in one pass.

A row is its cells in the order of the requested fields, "" where it has none. A faulty row is returned as a Fault in
its place, and reading continues; an error is raised only if the rest is unreadable. Whatever the input, memory holds
at most one chunk and the longest allowed row.
"""

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, StringIO
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from evcli.errors import BadInput
from evcli.transfer.csv_guard import unguarded
from evcli.transfer.source import Source, form_of, refuse_other_things

_QUOTES = 'check for an unclosed or unescaped quote (")'

LONGEST_ROW = 1 << 20
"""The longest row, in bytes."""

# The start of a text that a spreadsheet would have taken for a formula, had evcli not put a quote before it.
_GUARD = re.compile("'[=+\\-@\t\r\n\0]").search


class Fault(NamedTuple):
    """What is wrong with a row: the field ("" for the whole row), the reason, and a hint if there is one."""

    field: str
    why: str
    hint: str = ""
    filter: str = ""
    """A command line that makes the input readable, and what it does."""
    filter_does: str = ""


class BadCell(Exception):  # named for what is wrong, as in errors.py
    """A cell that cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Row(NamedTuple):
    """One row of the input: the line on which it begins, and its cells, or the fault instead."""

    line: int
    cells: tuple[str, ...]
    fault: Fault | None = None


# Building the tuple directly takes a third of the time of calling Row.
_new = tuple.__new__


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
        self._bad_bytes: dict[int, Fault] = {}
        self._offset = 0
        self._is_guarded = False

    def rows(self) -> Iterator[Row]:
        """All rows but the empty ones. Raises BadInput if the rest is unreadable."""
        source = self._source
        first = source.read()
        form = self._form or form_of(source.name, first)
        refuse_other_things(source.name, first)
        if first.startswith(codecs.BOM_UTF8):
            self._offset = len(codecs.BOM_UTF8)
            first = first[self._offset :]
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
        lines = 0
        for piece in pieces:
            try:
                text = piece.decode()
            except UnicodeDecodeError:
                text = piece.decode(errors="surrogateescape")
                self._note_bad_bytes(text, lines)
            self._is_guarded = self._is_guarded or _GUARD(text) is not None
            yield StringIO(text, newline="")
            self._offset += len(piece)
            lines += text.count("\n") + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)

    def _note_bad_bytes(self, text: str, lines: int) -> None:
        offset = self._offset
        for number, line in enumerate(StringIO(text, newline=""), lines + 1):
            written = line.encode(errors="surrogateescape")
            try:
                written.decode()
            except UnicodeDecodeError as error:
                self._bad_bytes[number] = _not_utf8(written, error, offset)
            offset += len(written)

    # --- CSV ----------------------------------------------------------------------------------------------------------

    def _csv_rows(self, pieces: Iterator[bytes]) -> Iterator[Row]:
        reader = csv.reader(chain.from_iterable(self._texts(pieces)), strict=True)
        header: list[str] | None = None
        nothing = ("",) * len(self._fields)
        choose: Callable[[list[str]], tuple[str, ...]] = tuple
        first, end = 1, 0
        while True:
            try:
                for cells in reader:
                    first, end = end + 1, reader.line_num
                    self._line = end
                    if header is None:
                        if cells:
                            header = self._header(cells, first, end)
                            choose = self._chooser(header)
                        continue
                    if self._bad_bytes and (fault := self._bad_bytes_in(first, end)):
                        yield Row(first, (), fault)
                    elif len(cells) == len(header):
                        cells.append("")
                        chosen = choose(cells)
                        if self._is_guarded:
                            chosen = tuple(map(unguarded, chosen))
                        if chosen != nothing:
                            yield _new(Row, (first, chosen, None))
                    elif cells:
                        yield Row(first, (), _miscounted(cells, header))
                break
            except csv.Error as error:
                first, end = end + 1, max(reader.line_num, end + 1)
                self._line = end
                fault = Fault("", f"is not CSV: {error}", _QUOTES)
                if header is None:
                    raise BadInput(f"{self._place(first)}: {fault.why}", fault.hint) from None
                yield Row(first, (), fault)
        if header is None:
            raise BadInput(f"{self._source.name} is empty", f"it needs a header with {' and '.join(self._needed)}")

    def _header(self, cells: list[str], first: int, end: int) -> list[str]:
        place = self._place(first)
        if fault := self._bad_bytes_in(first, end):
            raise BadInput(f"{place}: {fault.why}", fault.hint)
        header = [cell.strip().casefold() for cell in cells]
        for name in self._fields:
            if header.count(name) > 1:
                raise BadInput(f'{place}: the header has "{name}" {header.count(name)} times')
        if missing := [name for name in self._needed if name not in header]:
            hint = "the first line names the columns: " + ",".join(self._needed)
            for sign, called in ((";", "semicolons"), ("\t", "tabs")):
                if len(cells) == 1 and sign in cells[0]:
                    hint = f"its cells are separated by {called}; save it with commas instead"
            raise BadInput(f"{place}: the header has no column {' and no column '.join(missing)}", hint)
        if others := [cell.strip() for cell, name in zip(cells, header, strict=True) if name not in self._fields]:
            self._notice(f"ignored {_listed('column', others)}")
        return header

    def _chooser(self, header: list[str]) -> Callable[[list[str]], tuple[str, ...]]:
        """A function that picks the cells of the fields, in order, from a row with an empty cell appended."""
        return itemgetter(*(header.index(name) if name in header else len(header) for name in self._fields))

    def _bad_bytes_in(self, first: int, end: int) -> Fault | None:
        found = [self._bad_bytes.pop(line) for line in sorted(self._bad_bytes) if line <= end]
        return found[0] if found else None

    # --- JSON Lines ---------------------------------------------------------------------------------------------------

    def _json_rows(self, pieces: Iterator[bytes]) -> Iterator[Row]:
        passed_over: set[str] = set()
        for line in chain.from_iterable(map(BytesIO, pieces)):
            self._line += 1
            if not line.isspace():
                yield self._json_row(line, passed_over)
            self._offset += len(line)
        if not self._offset:
            raise BadInput(f"{self._source.name} is empty", "it needs an object on each line")

    def _json_row(self, line: bytes, passed_over: set[str]) -> Row:
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            return Row(self._line, (), self._why_not_json(line))
        if type(value) is not dict:
            hint = 'a row is like {"name":"Ada","email":"ada@example.com"}'
            array = ("jq -c '.[]' FILE", "takes the elements of an array") if type(value) is list else ()
            return Row(self._line, (), Fault("", "is not a JSON object", hint, *array))
        return self._object_row(value, passed_over)

    def _object_row(self, value: dict[str, Any], passed_over: set[str]) -> Row:
        members: dict[str, Any] = {}
        for name, content in value.items():
            field = name.strip().casefold()
            if field not in self._fields:
                if field not in passed_over:
                    passed_over.add(field)
                    self._notice(f"ignored {_listed('member', [name])}")
            elif field in members:
                return Row(self._line, (), Fault(field, "appears twice"))
            else:
                members[field] = content
        for field in self._needed:
            if field not in members:
                return Row(self._line, (), Fault(field, "is missing"))
        for field, content in members.items():
            if content is None or content is False:
                members[field] = ""
            elif not isinstance(content, str):
                return Row(self._line, (), Fault(field, f"is {orjson.dumps(content).decode()[:40]}, not a string"))
        return Row(self._line, tuple([members.get(field, "") for field in self._fields]))

    def _why_not_json(self, line: bytes) -> Fault:
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return _not_utf8(line, error, self._offset)
        return Fault("", "is not JSON", "each line must be a JSON object")


def _not_utf8(line: bytes, error: UnicodeDecodeError, offset: int) -> Fault:
    byte = line[error.start]
    likely = bytes([byte]).decode("cp1252", "ignore")
    guess = f' (in Windows-1252 it would be "{likely}")' if likely.isprintable() and likely else ""
    return Fault(
        "",
        f"byte {offset + error.start} of the input, 0x{byte:02X}, is not UTF-8{guess}",
        "",
        "iconv -f WINDOWS-1252 -t UTF-8 FILE",
        "reads a file of Windows-1252",
    )


def _miscounted(cells: list[str], header: list[str]) -> Fault | None:
    return Fault(
        "",
        f"has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but the header has {len(header)}",
        "quote cells that contain commas or newlines",
    )


def _listed(what: str, names: list[str]) -> str:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return f"{what}{'s' if len(names) > 1 else ''}: {shown}"
