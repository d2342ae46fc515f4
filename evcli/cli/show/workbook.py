"""An export as a workbook (.xlsx), by XlsxWriter, which is an extra."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from itertools import chain
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

from evcli.cli.show.cells import stored
from evcli.cli.show.output import Answer
from evcli.errors import BadInput, NotWritten
from evcli.transfer.csv_guard import guarded

MOST_ROWS = 1_048_575
"""The rows of a sheet below its header."""

_CHUNK = 1 << 16


def check_it_can_be_made() -> None:
    """Raise BadInput if XlsxWriter is not installed."""
    if find_spec("xlsxwriter") is None:
        raise BadInput(
            "a workbook (.xlsx) needs the package XlsxWriter, which is not installed",
            'pip install "evcli[xlsx]", or write CSV for Excel: --excel FILE.csv',
        )


def workbook(answer: Answer, what: str, origin: Mapping[str, str | int | None] | None) -> Iterator[bytes]:
    """A workbook with the records `what` in its first sheet, and what is said of them in another; memory is bounded.

    Raises NotWritten, and whatever the records' source raises.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import XlsxWriterException

    with TemporaryDirectory() as folder, TemporaryFile() as file:
        book = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        try:
            _fill(book, answer, what)
            if origin is not None:
                sheet = book.add_worksheet("as of")
                for at, pair in enumerate(origin.items()):
                    for column, value in enumerate(pair):
                        sheet.write_string(at, column, "" if value is None else str(value))
            book.close()
        except XlsxWriterException as error:
            raise NotWritten(f"the workbook was not written: {error}") from error
        file.seek(0)
        while piece := file.read(_CHUNK):
            yield piece


def _fill(book: Any, answer: Answer, what: str) -> None:
    """Write the sheet of records. Numbers are numbers, and all else is text, also what looks like a formula."""
    head = book.add_format({"bold": True})
    as_text = book.add_format({"quote_prefix": True})  # it stays text when somebody edits it
    sheet = book.add_worksheet(what)
    sheet.freeze_panes(1, 0)
    for at, row in enumerate(chain([answer.header], answer.rows)):
        if at > MOST_ROWS:
            raise NotWritten(f"a sheet has at most {MOST_ROWS:,} rows; nothing was written", "export CSV instead")
        for column, cell in enumerate(map(stored, row)):
            if isinstance(cell, str):
                form = head if at == 0 else as_text if guarded(cell) != cell else None
                sheet.write_string(at, column, cell, form)
            elif cell is not None:
                sheet.write_number(at, column, cell)
