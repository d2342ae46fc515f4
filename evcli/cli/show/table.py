"""Tables for a terminal, drawn by rich, piece by piece."""

import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIECE = 200
"""Rows measured and drawn at a time, so that the first screen of a long table appears at once."""


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
    room = max(width - 2 * len(widths), len(widths))
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
