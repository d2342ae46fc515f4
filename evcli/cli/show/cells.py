"""The cells of an answer, and how each is written for programs and in a pipe."""

from typing import Self

from evcli.cli.show.safe import safe
from evcli.cli.show.times import local
from evcli.domain.event import Event, recorded_moment


class When(str):
    """A stored time in a cell: local time with its offset for people, as stored for programs."""


class Happened(When):
    """When an event happened, and when it was recorded if that was later.

    A column of such times says only when they happened; in plain and CSV another column has the rest.
    """

    recorded: "When | None"

    def __new__(cls, time: str, recorded: str) -> Self:
        """A time at which something happened, and the one at which it was recorded."""
        made = super().__new__(cls, time)
        made.recorded = When(recorded) if recorded != time else None
        return made

    @classmethod
    def of(cls, event: Event) -> Self:
        """The times of an event."""
        return cls(event["time"], recorded_moment(event))


class Sentence(tuple[str, ...]):
    """Several texts and times in one cell."""


Cell = str | int | Sentence | None


def stored(cell: Cell) -> str | int | None:
    """A cell for programs: times are as they are stored, in UTC."""
    return "".join(map(_stored_marked, cell)) if isinstance(cell, Sentence) else cell


def _stored_marked(part: str) -> str:
    return f"{part}, recorded {part.recorded}" if isinstance(part, Happened) and part.recorded else part


def absolute(cell: Cell) -> str:
    """A cell that stays true however long it is displayed: times are absolute."""
    if isinstance(cell, Sentence):
        return "".join(map(marked, cell))
    return "" if cell is None else local(cell) if isinstance(cell, When) else safe(str(cell))


def marked(cell: Cell) -> str:
    """The same, and of what happened earlier than it was recorded also when that was."""
    if isinstance(cell, Happened) and cell.recorded:
        return f"{local(cell)}, recorded {recorded_after(cell, cell.recorded)}"
    return absolute(cell)


def recorded_after(time: str, recorded: str) -> str:
    """When something was recorded, as far as the time at which it happened does not say it: the day, or the time."""
    first, then = local(time), local(recorded)
    if first[:10] != then[:10]:
        return then[:10]
    return then[11:19] if first[19:] == then[19:] else then[11:]
