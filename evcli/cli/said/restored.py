"""What is said of a restore-to: its plan, what was written, and that it would end too many records."""

from typing import Any

from evcli.cli.said.undone import Told
from evcli.cli.session import Session
from evcli.domain.kind import Kind
from evcli.errors import EvcliError
from evcli.kinds import all_kinds
from evcli.sync.limit import Limit, TooManyEnd
from evcli.undo.plans import Way

HALF = Limit(50, is_percent=True)
"""How many of the live records may end where a date or time says which moment it is: it may mean another one."""


class Restored(Told):
    """The messages and the answer of `evcli restore-to`."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, "restore-to", "restored", "undo: evcli undo")
        self.to = 0
        """The event."""
        self.limit: Limit | None = None

    def _refusal(self, way: Way) -> EvcliError | None:
        """The error if too many records would end."""
        ends, live = self._ends(way), self._live()
        if self.limit is None or ends <= (most := self.limit.most(live)):
            return None
        why = f"the register at event {self.to:,} lacks {self._who(ends)}: they would be {self._ended()}"
        error = TooManyEnd(f"{why}, but at most {most:,} may be; nothing was written")
        percent = -(-100 * ends // live)
        error.hint = (
            f"is that the moment? if so, --max-destroy {percent}% allows it; evcli state --at {self.to} shows it"
        )
        return error

    def _planned(self, way: Way) -> str:
        ends, comes = self._ends(way), self._comes(way)
        told = f"; {self._who(ends)} would be {self._ended()}" if ends > self._live() - ends + comes else ""
        return super()._planned(way) + told

    def _ends(self, way: Way) -> int:
        """How many records that are live now would not be."""
        return sum(is_live and not lives for is_live, lives in self._fates(way))

    def _comes(self, way: Way) -> int:
        return sum(lives and not is_live for is_live, lives in self._fates(way))

    def _fates(self, way: Way) -> list[tuple[bool, bool]]:
        """Of each record: whether it is live, and whether it would be."""
        found: dict[tuple[str, int], tuple[bool, bool]] = {}
        for one in way.plan.happened:
            subject = one.step.type.kind.name, one.step.id
            is_live, _ = found.get(subject, (one.before is not None and one.before[-1] is None, False))
            found[subject] = is_live, one.after[-1] is None
        return list(found.values())

    def _counts(self) -> dict[Kind, int]:
        state = self._session.register.state
        return {kind: live for kind in all_kinds() if (live := state.count(kind.name).live)}

    def _live(self) -> int:
        return sum(self._counts().values())

    def _who(self, ends: int) -> str:
        kinds = list(self._counts())
        return f"{ends:,} of {self._live():,} {kinds[0].plural if len(kinds) == 1 else 'records'}"

    def _ended(self) -> str:
        kinds = list(self._counts())
        return kinds[0].ended if len(kinds) == 1 else "ended"

    # --- sentences ----------------------------------------------------------------------------------------------------

    def _again(self) -> str:
        return f"evcli restore-to {self.to}"

    def _nothing(self) -> str:
        return f"nothing to do: the register is what it was at event {self.to}"

    def _heading(self, way: Way) -> str:
        return f"restore-to event {self.to:,}"

    def _sentence(self, way: Way) -> str:
        return f"restored to event {self.to:,}"

    def _why_still(self, *, is_one: bool) -> str:
        return ""

    def _facts(self, way: Way) -> dict[str, Any]:
        return {"to": self.to, "still": list(way.still)}
