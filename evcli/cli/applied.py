"""What is said of a history that was supposed and is applied: its plan, and what was written."""

from typing import Any

from evcli.cli.session import Session
from evcli.cli.show.supposed import document_of
from evcli.cli.undone import Told
from evcli.register.undoing import Way
from evcli.register.what_if import Supposed


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

    def _facts(self, way: Way) -> dict[str, Any]:
        return {name: value for name, value in document_of(self._supposed).items() if name != "number"}
