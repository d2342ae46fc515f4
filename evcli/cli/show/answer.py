"""What a command answers, before it is shown in one of the formats."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from evcli.cli.show.cells import Cell, Happened
from evcli.errors import EvcliError

MOST_NAMED = 20
"""At most this many rows or records are named to people one by one; programs are given all of them."""


class Answer(NamedTuple):
    """A command's answer, for all formats; `rows` and `records` may be lazy and are used at most once."""

    header: Sequence[str] = ()
    rows: Iterable[Sequence[Cell]] = ()
    """For plain, csv and table: one row per record."""
    document: Any = None
    """The JSON document; if None, the array of `records`."""
    records: Iterable[Any] = ()
    lines: Sequence[str] | None = None
    """Lines that plain and table show instead of rows."""
    title: str = ""
    """A line above the table."""
    whole: str = ""
    """The name of a column whose words are not broken in a table."""
    more: Sequence["Answer"] = ()
    """What follows in a table and in Markdown, each under its title; the other formats have all of it in theirs."""
    is_headed: bool = True
    """Whether a table shows its header (a list of fields does not)."""
    is_verbatim: bool = False
    """Whether jsonl writes each record as it is in the log, byte for byte."""
    is_export: bool = False
    """Whether this is an export: CSV keeps text unescaped, and JSON cut short by damage is left incomplete."""
    done: tuple[str, str] | None = None
    """What is done already, and what to do next where this answer to it cannot be shown."""
    is_optional: bool = False
    """Whether people who asked for quiet are not shown it."""
    remarks: Sequence[tuple[str, str]] = ()
    """Warnings and notes that follow it: `warning` or `note`, and the text."""
    error: EvcliError | None = None
    """What the command ends with once this is shown."""
    live: int | None = None
    """None if the answer ends; else the number of rows shown at once, after which each is shown as it arrives."""


def fields(pairs: Iterable[tuple[str, Cell]], document: Any) -> Answer:
    """An answer of one thing with named fields, one row per field."""
    return Answer(header=("field", "value"), rows=list(pairs), document=document, is_headed=False)


def with_recorded(answer: Answer, form: str) -> Answer:
    """The same; in plain and CSV a last column has when that was recorded which happened earlier."""
    if form not in ("plain", "csv"):
        return answer
    rows = ((*row, next((cell.recorded for cell in row if isinstance(cell, Happened)), None)) for row in answer.rows)
    return answer._replace(header=(*answer.header, "recorded"), rows=rows)
