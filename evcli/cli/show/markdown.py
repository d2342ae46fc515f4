"""Answers as Markdown: a table of GitHub Flavored Markdown, of which no cell can be anything but text."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from evcli.cli.show.answer import Answer
from evcli.cli.show.cells import Cell, marked
from evcli.cli.show.safe import safe

_MARKUP = re.compile(r"([\\`*_\[\]<>&|~$]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
"""What could begin markup within a line, or a link without any."""


def markdown(answer: Answer, level: int = 1) -> Iterator[str]:
    """The answer, and what follows it, each under a heading if it has a title."""
    if answer.title:
        yield f"{'#' * level} {_text(answer.title)}\n\n"
    yield from _body(answer)
    for each in answer.more:
        yield "\n"
        yield from markdown(each, level + (level == 1))


def _body(answer: Answer) -> Iterator[str]:
    if answer.lines is not None:
        text = "".join(safe(line) + "\n" for line in answer.lines)
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield f"{fence}text\n{text}{fence}\n"
        return
    rows = iter(answer.rows)
    first = next(rows, None)
    if first is None:
        yield "None.\n"
        return
    header = [name.replace("_", " ") for name in answer.header]
    yield _row(header) + "|" + " --- |" * len(header) + "\n"
    yield from map(_row, chain([first], rows))


def _row(cells: Sequence[Cell]) -> str:
    return "| " + " | ".join(_text(marked(cell)) for cell in cells) + " |\n"


def _text(text: str) -> str:
    return _MARKUP.sub(r"\\\1", safe(text))
