"""Undo, redo, revert and restore-to: the plan of each, made on the head that the register knows."""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from evcli.domain.event import Event, number_of
from evcli.domain.leading import Happened
from evcli.domain.overlay import Draft
from evcli.domain.refusals import Misplaced
from evcli.domain.undo import undo_of
from evcli.domain.way import Alone
from evcli.errors import Refused
from evcli.log.replay import without_garbage_collection
from evcli.register.register import Register
from evcli.undo import REDO, RESTORE_TO, REVERT, UNDO
from evcli.undo.batches import Plan, planned
from evcli.undo.courses import events_at
from evcli.undo.operations import last_operation, last_undo, taken_back
from evcli.undo.restoring import restoring
from evcli.undo.taking_back import taking_back

NewId = Callable[[], str]


class Way(NamedTuple):
    """A plan, and what it takes back."""

    plan: Plan
    taken: Sequence[Event] = ()
    """The events that it takes back, newest first, each by the event at the same place; of a restore-to none."""
    along: Sequence[int] = ()
    """The numbers of those among them that depend on others, and were not asked for."""
    gone: Sequence[tuple[int, int]] = ()
    """Events that were to be taken back but are already, each with the number of the event that did it."""
    parts: Sequence[Sequence[int]] = ()
    """Of an undone import that may have had several runs: the numbers of what each may have recorded."""
    still: Sequence[int] = ()
    """The numbers of late events that are taken back now: at the times before, they go on counting."""
    undated: Sequence[tuple[Event, Misplaced | None]] = ()
    """The events of a what-if that were put in at a time, and are not recorded as of then: where one is recorded now,
    with why it does not fit then."""


class AlreadyTakenBack(Refused):
    """Event `number` was taken back by event `by`."""

    code = "already-taken-back"

    def __init__(self, number: int, by: int) -> None:
        super().__init__(f"event {number} is already taken back, by event {by}; nothing was written")
        self.by = by


def undo(register: Register, new_id: NewId, reason: str | None = None, *, with_dependents: bool = False) -> Way:
    """The plan that takes back the newest operation in effect.

    Raises NothingLeft, Cannot, HasDependents, Refused, Damaged.
    """
    last = last_operation(register)
    correlation = last.interrupted or UNDO + new_id()
    way = _taken(register, last.numbers, correlation, reason, "undo of", with_dependents=with_dependents)
    return way._replace(parts=last.parts)


def redo(register: Register, new_id: NewId, reason: str | None = None) -> Way:
    """The plan that takes back the newest undo, if nothing else was recorded since.

    Raises NothingLeft, SomethingSince, Cannot, Refused, Damaged.
    """
    last = last_undo(register)
    correlation = last.interrupted or REDO + new_id()
    return _taken(register, last.numbers, correlation, reason, "redo: takes back", with_dependents=False)


def revert(
    register: Register,
    new_id: NewId,
    numbers: Collection[int],
    reason: str | None = None,
    *,
    with_dependents: bool = False,
) -> Way:
    """The plan that takes back these events, at least one, whatever happened since.

    Then the register is what it would be without any of them. Raises AlreadyTakenBack, if it is so already; Cannot,
    HasDependents, Refused, Damaged.
    """
    gone_by = taken_back(register, min(numbers) - 1)
    events = list(events_at(register, numbers))
    gone = [(number_of(event), gone_by[event["id"]]) for event in events if event["id"] in gone_by]
    correlation = REVERT + new_id()
    way = _taken(register, numbers, correlation, reason, "revert of", with_dependents=with_dependents)
    if not way.taken:
        raise AlreadyTakenBack(*gone[-1])
    return way._replace(gone=gone)


def restore_to(register: Register, new_id: NewId, to: int, reason: str | None = None) -> Way:
    """The plan that makes every record what it was after event `to`. Raises NoWay, InTheWay, Damaged."""
    with without_garbage_collection():
        steps, still = restoring(register, to)
    groups = with_reason(steps, reason or f"restore to event {to}")
    return Way(planned(register, groups, RESTORE_TO + new_id()), still=still)


def with_reason(groups: Sequence[Sequence[Happened]], reason: str) -> list[list[Happened]]:
    """The same steps, each with the reason why all of them are made."""
    aside = f"{reason[:1900]} (a stand-in, while others change)"

    def explained(one: Happened) -> Happened:
        why = aside if one.step.is_aside else reason
        return one._replace(step=one.step._replace(data=one.step.data | {"reason": why}))

    return [list(map(explained, group)) for group in groups]


def without_way_back(register: Register, plan: Plan) -> Happened | None:
    """The first event of a plan that nothing could take back; None if it can be undone, or redone."""
    alone = Alone(Draft(register.state))
    return next((one for one in plan.happened if undo_of(one.step.type, alone, one.before, one.after) is None), None)


def _taken(
    register: Register,
    numbers: Collection[int],
    correlation: str,
    reason: str | None,
    what: str,
    *,
    with_dependents: bool,
) -> Way:
    def why(event: Event) -> str:
        return reason or f"{what} event {number_of(event)}"

    with without_garbage_collection():
        taken = taking_back(register, numbers, why, with_dependents=with_dependents)
    return Way(planned(register, taken.groups, correlation), taken.events, taken.along, still=taken.still)
