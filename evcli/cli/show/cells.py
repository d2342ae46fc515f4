"""The cells of an answer, and how each is written for programs and in a pipe."""

from evcli.cli.show.safe import safe
from evcli.cli.show.times import local


class When(str):
    """A stored time in a cell: local time with its offset for people, as stored for programs."""


class Sentence(tuple[str, ...]):
    """Several texts and times in one cell."""


Cell = str | int | Sentence | None


def stored(cell: Cell) -> str | int | None:
    """A cell for programs: times are as they are stored, in UTC."""
    return "".join(cell) if isinstance(cell, Sentence) else cell


def absolute(cell: Cell) -> str:
    """A cell that stays true however long it is displayed: times are absolute."""
    if isinstance(cell, Sentence):
        return "".join(map(absolute, cell))
    return "" if cell is None else local(cell) if isinstance(cell, When) else safe(str(cell))
