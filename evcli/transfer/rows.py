"""Reading other programs' output: an input as rows of named cells, in one pass.

The stages: bytes as they are stored (source.py) are unpacked (unpacked.py) and brought to UTF-8 (decoded.py); the form
(form.py) says how to find cells (csv_rows.py) or objects (objects.py, scim.py, directory.py) in the text. A workbook is
no text: its parts (package.py) have a sheet (sheet.py), whose rows (workbook.py) are treated as those of CSV
(tabular.py). What columns and members are called decides which of them are fields (naming.py, members.py).

A row is its cells in the order of the requested fields, "" where it has none. Rows are returned many at a time; a
faulty one is returned alone, as a Fault in its place, and reading continues; an error is raised only if the rest is
unreadable. Whatever the input, memory holds at most one chunk, the longest allowed row, and what is around a JSON list.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from evcli.transfer.decoded import in_utf8
from evcli.transfer.form import form_of, may_be_workbook, refuse_other_things
from evcli.transfer.found import Rows
from evcli.transfer.lines import newline_of
from evcli.transfer.reading import USUAL, Reading
from evcli.transfer.source import Source
from evcli.transfer.unpacked import begun, pieces

__all__ = ["Intake", "Rows"]

_ENOUGH = 4096
"""So many bytes, or lines, tell how to read an input."""
_ENOUGH_LINES = 3


class Intake:
    """One pass over a source."""

    def __init__(
        self,
        source: Source,
        fields: Sequence[str],
        needed: Sequence[str],
        notice: Callable[[str], None],
        how: Reading = USUAL,
    ) -> None:
        """Read these fields of `source`, of which those `needed` must be present; `how` is what is known of the input.

        `notice` is called with what was taken for what, and with each ignored column, once.
        """
        self._source, self._fields, self._needed, self._notice = source, fields, needed, notice
        self._how = how
        self.heading = 0
        """How many lines come before row 1 where each row has one line: 1 for a header; known once `rows` is called."""

    def rows(self) -> Iterator[Rows]:
        """All rows but the empty ones. Raises BadInput if the rest is unreadable."""
        name, how = self._source.name, self._how
        first, chunks = begun(iter(self._source.read, b""))
        if may_be_workbook(first) or how.form == "xlsx":
            from evcli.transfer.workbook import Workbook, package_in

            if package := package_in(self._source, first, how.form):
                book = Workbook(self._source, package, self._fields, self._needed, self._notice, how)
                rows, self.heading = book.rows()
                return rows
        texts, offset = in_utf8(name, pieces(self._source, chunks), how.encoding)
        first = next(texts, b"")
        while len(first) < _ENOUGH and first.count(b"\n") < _ENOUGH_LINES and (more := next(texts, b"")):
            first += more
        refuse_other_things(name, first)
        form = how.form or form_of(name, first)
        if form == "csv":
            from evcli.transfer.csv_rows import CsvRows

            csv = CsvRows(name, self._fields, self._needed, self._notice, how)
            rows, self.heading = csv.rows(first, texts, offset)
            return rows
        return self._objects(form, first, texts, offset)

    def _objects(self, form: str, first: bytes, rest: Iterator[bytes], offset: int) -> Iterator[Rows]:
        from evcli.transfer.members import Members

        name, how, notice = self._source.name, self._how, self._notice
        chunks, newline = chain([first], rest), newline_of(first)
        members = Members(
            self._fields, self._needed, how.columns, notice,
            ignores_others=form not in ("jsonl", "json"), numbers=how.numbers,
        )  # fmt: skip
        if form in ("jsonl", "json"):
            from evcli.transfer.objects import Elements, on_lines

            is_array = form == "json"
            return members.rows(
                Elements(name).objects(chunks, offset) if is_array else on_lines(name, chunks, newline, offset)
            )
        if form == "scim":
            from evcli.transfer.scim import people

            return members.rows(people(name, chunks, offset, how.columns.values(), notice))
        from evcli.transfer.directory import addresses, ldif, passwd

        if form == "ldif":
            return members.rows(ldif(name, chunks, newline, notice))
        if form == "passwd":
            return members.rows(passwd(name, chunks, how.email_domain, notice))
        return members.rows(addresses(name, chunks, newline))
