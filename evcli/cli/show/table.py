"""Tables for a terminal: how they write times, and how they are drawn, piece by piece."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from evcli.cli.show.cells import Cell, Happened, Sentence, When, absolute, recorded_after
from evcli.cli.show.cellwidth import lines_of, longest_word, width_of
from evcli.cli.show.times import ago, local

_RECENT = timedelta(days=7)

NARROW = 70
"""On a terminal of fewer columns, a table that does not fit becomes a block of lines for each record."""

MANY, PER_COLUMN = 7, 14
"""The same, where each of more columns than that has fewer characters than that."""

GAP = "  "

PIECE = 200
"""Rows measured and drawn at a time, so that the first screen of a long table appears at once."""


class Times(NamedTuple):
    """How times are written in a table."""

    now: datetime
    form: str = "absolute"
    """`absolute`, `relative`, or `recent`: relative when younger than a week."""
    is_exact: bool = False
    """Whether a relative time follows the absolute one, rather than taking its place."""
    offset: str = ""
    """The offset from UTC that the header says, so that a cell need not."""

    def under_header(self, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> "tuple[Times, list[str]]":
        """The same with the offset that all absolute times of the rows share, if they do; and a header that says it."""
        times = [
            (at, local(cell)[19:])
            for row in rows
            for at, cell in enumerate(row)
            if isinstance(cell, When) and self._is_absolute(cell)
        ]
        offsets = {offset for _, offset in times}
        offset = offsets.pop() if len(offsets) == 1 else ""
        columns = {at for at, _ in times} if offset else set[int]()
        return self._replace(offset=offset), [
            f"{name} ({offset})" if at in columns else name for at, name in enumerate(header)
        ]

    def write(self, cell: Cell) -> str:
        """A cell of the table."""
        if isinstance(cell, Sentence):
            return "".join(map(self.write, cell))
        if isinstance(cell, Happened) and cell.recorded:
            is_day = self._is_absolute(cell.recorded)
            then = recorded_after(cell, cell.recorded) if is_day else ago(cell.recorded, self.now)
            return f"{self._time(cell)}, recorded {then}"
        return self._time(cell) if isinstance(cell, When) else absolute(cell)

    def _time(self, cell: When) -> str:
        exact = local(cell)
        if self.offset and exact[19:] == self.offset:
            exact = exact[:19]
        if self._is_absolute(cell):
            return exact
        return f"{exact} ({ago(cell, self.now)})" if self.is_exact else ago(cell, self.now)

    def _is_absolute(self, cell: When) -> bool:
        age = self.now - datetime.fromisoformat(cell)
        return self.form == "absolute" or age < timedelta() or (self.form == "recent" and age >= _RECENT)


class Style(NamedTuple):
    """What a table is drawn with."""

    width: int
    """The width of the terminal."""
    color: bool = False
    encoding: str = "utf-8"
    whole: str = ""
    """The name of a column in which no word is broken."""

    @property
    def is_narrow(self) -> bool:
        """Whether a table that does not fit becomes a block for each record."""
        return self.width < NARROW

    def is_narrow_for(self, columns: int) -> bool:
        """The same of a table of so many columns: many would be too narrow for their words."""
        return self.is_narrow or (columns > MANY and self.width < columns * PER_COLUMN)

    @property
    def line(self) -> str:
        """What lines are made of."""
        return "─" if self.encoding.lower().replace("-", "").startswith("utf") else "-"

    def heading(self, text: str) -> str:
        """Text as a heading."""
        words = text.rstrip(" ")
        return f"\x1b[1m{words}\x1b[0m{text[len(words) :]}" if self.color and words else text


def draw(
    header: Sequence[str] | None, rows: Iterable[Sequence[str]], style: Style, *, live: int | None = None
) -> Iterator[str]:
    """The table as text, in pieces; cells are shown in full, in several lines if the width is too small.

    With `live`, that many rows are drawn at once, then each as it arrives: a cell wider than all before it widens its
    column from then on.
    """
    rows = iter(rows)
    size = PIECE if live is None else max(live, 1)
    piece = list(islice(rows, size))
    if not piece:
        return
    natural = _widest(header, piece)
    if header is not None and style.is_narrow_for(len(header)) and _total(natural) > style.width:
        yield from _blocks(header, chain(piece, rows), style)
        return
    words = _longest_words(header, piece)
    is_whole = [name == style.whole for name in header or natural]
    widths = _fitted(natural, words, is_whole, style.width)
    if header is not None:
        yield from (_row(map(style.heading, cells)) for cells in _lines(header, widths))
        yield style.line * _total(widths) + "\n"
    while piece:
        yield "".join(map(_row, chain.from_iterable(_lines(row, widths) for row in piece)))
        piece = list(islice(rows, PIECE if live is None else 1))
        if piece and live is not None:
            natural = list(map(max, _widest(None, piece), natural))
            words = list(map(max, _longest_words(None, piece), words))
            widths = _fitted(natural, words, is_whole, style.width)


def _widest(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> list[int]:
    """The width of the widest cell of each column."""
    return [max(1, *map(width_of, column)) for column in zip(*([header] if header else []), *rows, strict=True)]


def _longest_words(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(1, *map(longest_word, column)) for column in zip(*([header] if header else []), *rows, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _fitted(natural: list[int], words: list[int], is_whole: list[bool], width: int) -> list[int]:
    """The width of each column: that of its widest cell, but narrower, the widest columns first, until all fit.

    No column becomes narrower than its longest word while another one can; and none of those that are kept whole.
    """
    widths = list(natural)
    for least in (words, [word if whole else 1 for word, whole in zip(words, is_whole, strict=True)]):
        while (surplus := _total(widths) - width) > 0:
            may = sorted((at for at in range(len(widths)) if widths[at] > least[at]), key=widths.__getitem__)
            if not may:
                break
            others = widths[may[-2]] if len(may) > 1 else 0
            widest = widths[may[-1]]
            widths[may[-1]] = max(least[may[-1]], min(widest - 1, max(others, widest - surplus)))
    return widths


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell + " " * (width - width_of(cell)) for cell, width in zip(cells, widths, strict=True)]


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[list[str]]:
    """The lines of one row, of padded cells."""
    columns = [lines_of(cell, width) for cell, width in zip(row, widths, strict=True)]
    return (_padded(cells, widths) for cells in zip_longest(*columns, fillvalue=""))


def _row(cells: Iterable[str]) -> str:
    return GAP.join(cells).rstrip(" ") + "\n"


def _blocks(header: Sequence[str], rows: Iterable[Sequence[str]], style: Style) -> Iterator[str]:
    """A block of lines for each record, a line for each cell that is not empty."""
    label = max(map(width_of, header))
    width = max(style.width - label - len(GAP), 1)
    is_first = True
    for row in rows:
        # A row without a first cell goes on with the record above it.
        lines = [] if is_first or not row[0] else ["\n"]
        for name, cell in zip(header, row, strict=True):
            for at, line in enumerate(lines_of(cell, width) if cell else []):
                named = name if row[0] and at == 0 else ""
                lines.append(_row([style.heading(named) + " " * (label - width_of(named)), line]))
        is_first = False
        yield "".join(lines)
