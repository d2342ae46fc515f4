"""What is said of a history that was supposed and is applied: its plan, and what was written."""

from typing import Any

from evcli.cli.said.occurred import explain
from evcli.cli.said.undone import Told
from evcli.cli.session import Session
from evcli.cli.show.answer import MOST_NAMED
from evcli.cli.show.supposed import document_of
from evcli.cli.show.times import local
from evcli.domain.event import Event
from evcli.domain.refusals import Misplaced
from evcli.undo.plans import Way
from evcli.what_if.supposed import Supposed


class Applied(Told):
    """The messages and the answer of `evcli what-if --apply`."""

    def __init__(self, session: Session, supposed: Supposed) -> None:
        super().__init__(session, "what-if", "applied", "undo: evcli undo")
        self._supposed = supposed

    def _nothing(self) -> str:
        return "nothing to do: nothing would be different"

    def _heading(self, way: Way) -> str:
        return "what-if"

    def _sentence(self, way: Way) -> str:
        count = len(self._supposed.differing)
        return f"applied to {count:,} {'record' if count == 1 else 'records'}"

    def _remarks(self, way: Way) -> list[tuple[str, str]]:
        """What `--as-of` does not count, though it was supposed."""
        notes = [self._undated(event, why) for event, why in way.undated[:MOST_NAMED]]
        if (more := len(way.undated) - MOST_NAMED) > 0:
            notes.append(f"nor are {more:,} more inserted events")
        return [*super()._remarks(way), *(("note", note) for note in notes)]

    def _facts(self, way: Way) -> dict[str, Any]:
        facts = {name: value for name, value in document_of(self._supposed).items() if name != "number"}
        return facts | {"still": list(way.still)}

    def _undated(self, event: Event, why: Misplaced | None) -> str:
        what = f"{event['type']} of {event['subject'].replace('/', ' ')}"
        if why is None:
            return f"{what} on {local(event['time'])} is not recorded: it makes no difference now"
        explain(why, self._session.register.state, "--occurred")
        return f"{what} is recorded as happening now: {why.message}"
