"""The way back from an import: the one command that undoes all of its events, if there is one."""

from evcli.cli.show.answer import MOST_NAMED
from evcli.kinds import TYPES
from evcli.transfer.happened import Recorded

AT_ONCE = 500
"""So many records fit into one batch, whatever their actor and source are called."""


class WayBack:
    """What is known of the events of an import."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._types = set[str]()
        self._first = self._last = self._count = 0

    def take(self, batch: Recorded) -> None:
        """Add the events of a batch that was recorded."""
        self._types.add(batch.type)
        self._ids += batch.ids[: MOST_NAMED - len(self._ids)]
        self._first = self._first or batch.first
        self._last = batch.first + len(batch.ids) - 1
        self._count += len(batch.ids)

    def line(self, log: str) -> str:
        """What to tell people; "" if no one command undoes all events. `log` are the words that name the log."""
        each = TYPES.get(next(iter(self._types))) if len(self._types) == 1 else None
        # Events of one type are about as many records, and their order does not matter when they are undone.
        back = each and each.undo
        if not back or back.required or back.apply:
            return ""
        command = f"evcli{log} {back.kind.name} {back.verb}"
        if self._count <= MOST_NAMED:
            return f"undo: {command} {' '.join(map(str, self._ids))}"
        if self._last - self._first + 1 != self._count:
            return ""  # other writers' events are between them
        events = f"evcli{log} log --since {self._first - 1} --until {self._last} --format plain"
        return f"to take them back: {events} | cut -f5 | cut -d/ -f2 | xargs -n {AT_ONCE} {command}"
