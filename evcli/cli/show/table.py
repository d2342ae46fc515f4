"""Tables for a terminal: how they write times; drawn by rich, piece by piece."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice, repeat
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evcli.cli.show.cells import Cell, Sentence, When, absolute
from evcli.cli.show.times import ago, local

_RECENT = timedelta(days=7)

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
        if not isinstance(cell, When):
            return absolute(cell)
        exact = local(cell)
        if self.offset and exact[19:] == self.offset:
            exact = exact[:19]
        if self._is_absolute(cell):
            return exact
        return f"{exact} ({ago(cell, self.now)})" if self.is_exact else ago(cell, self.now)

    def _is_absolute(self, cell: When) -> bool:
        age = self.now - datetime.fromisoformat(cell)
        return self.form == "absolute" or age < timedelta() or (self.form == "recent" and age >= _RECENT)


def draw(
    header: Sequence[str] | None,
    rows: Iterable[Sequence[str]],
    *,
    width: int,
    color: bool,
    encoding: str,
    live: int | None = None,
) -> Iterator[str]:
    """The table as text, in pieces; cells are shown in full, folded if the width is too small, and without markup.

    With `live`, that many rows are drawn at once, then each as it arrives: a cell wider than all before it widens its
    column from then on.
    """
    rows = iter(rows)
    widest: list[int] = []
    widths: list[int] = []
    size = PIECE if live is None else max(live, 1)
    is_first = True
    while piece := [list(row) for row in islice(rows, size)]:
        if is_first or live is not None:
            measured = [list(header), *piece] if header else piece
            widest = list(map(max, _widest(measured), widest or repeat(1)))
            widths = _fitted(widest, width)
        yield _draw(header if is_first else None, piece, widths, width, color, encoding)
        is_first = False
        size = PIECE if live is None else 1


def _widest(rows: list[list[str]]) -> list[int]:
    """The width of the widest cell of each column."""
    return [max(1, *(cell_len(row[at]) for row in rows)) for at in range(len(rows[0]))]


def _fitted(natural: list[int], width: int) -> list[int]:
    """The width of each column: that of its widest cell, with the widest columns narrowed until all fit."""
    widths = list(natural)
    room = max(width - 2 * (len(widths) - 1), len(widths))
    while sum(widths) > room:
        widest = max(range(len(widths)), key=widths.__getitem__)
        if widths[widest] == 1:
            break
        others = sorted(widths)[-2] if len(widths) > 1 else 1
        widths[widest] = max(1, min(widths[widest] - 1, max(others, widths[widest] - (sum(widths) - room))))
    return widths


def _draw(
    header: Sequence[str] | None, rows: list[list[str]], widths: list[int], width: int, color: bool, encoding: str
) -> str:
    is_unicode = encoding.lower().replace("-", "").startswith("utf")
    table = Table(
        box=box.SIMPLE_HEAD if is_unicode else box.ASCII2, safe_box=False, show_edge=False, pad_edge=False,
        show_header=header is not None, header_style="bold" if color else "", padding=(0, 1), collapse_padding=True,
    )  # fmt: skip
    for at, column_width in enumerate(widths):
        table.add_column(Text(header[at]) if header else "", width=column_width, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=False) for cell in row))
    buffer = io.StringIO()
    console = Console(
        file=buffer, width=max(width, sum(widths) + 2 * len(widths)), force_terminal=color, no_color=not color,
        color_system="standard" if color else None, markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip
    console.print(table)
    return "".join(line.rstrip(" ") + "\n" for line in buffer.getvalue().split("\n")[:-1])
