"""What the rules of the domain refuse, and why: each with the data that the command line needs for a hint."""

from typing import TYPE_CHECKING, Any

from evcli.domain.event import Event, number_of
from evcli.errors import Refused

if TYPE_CHECKING:
    from evcli.domain.kind import Kind


class NoSuchRecord(Refused):
    """No record of the kind matches `who` at that moment; `last_id` is the highest id, if `who` is an id."""

    def __init__(self, kind: str, who: str, moment: str, hint: str = "", last_id: int = 0) -> None:
        super().__init__(f'no {kind} "{who}" at {moment}', hint)
        self.code = f"no-such-{kind}"
        self.kind, self.who, self.last_id = kind, who, last_id


class Ambiguous(Refused):
    """Several records match `who`; `candidates` are lines such as `3 Ada <ada@example.com>`."""

    def __init__(self, kind: str, plural: str, who: str, candidates: list[str]) -> None:
        shown = ", ".join(candidates[:10]) + (f" and {len(candidates) - 10} more" if len(candidates) > 10 else "")
        super().__init__(f'"{who}" could be any of {len(candidates)} {plural}: {shown}', "use the id")
        self.code = f"ambiguous-{kind}"


class Taken(Refused):
    """A live record, begun by event `event`, already has the unique field that another one is to get."""

    def __init__(self, kind: str, field: str, said: str, holder: int, name: str, begun: str, event: int) -> None:
        super().__init__(f'{said} is taken by {kind} {holder} "{name}" ({begun} by event {event})')
        self.code = f"{field}-taken"
        self.kind, self.field, self.said, self.holder, self.event = kind, field, said, holder, event
        self.record: Any = None
        """The record that has it."""


class RevivalBlocked(Taken):
    """The record cannot come back, because another one has taken its unique field since."""

    def __init__(
        self, kind: str, field: str, who: str, past: str, value: str, holder: int, holder_name: str, event: int
    ) -> None:
        super().__init__(kind, field, value, holder, holder_name, past, event)
        self.message = f'{kind} {who} cannot be {past}: {value} now belongs to {kind} {holder} "{holder_name}"'


class NotLive(Refused):
    """Only a live record can be changed or ended; event `event` ended this one."""

    def __init__(self, kind: str, id: int, name: str, ended: str, event: int) -> None:
        super().__init__(f'{kind} {id} "{name}" is already {ended} (event {event})')
        self.code, self.kind, self.id, self.event = ended, kind, id, event


class NotEnded(Refused):
    """Only an ended record can be revived."""

    def __init__(self, kind: str, id: int, name: str, ended: str, changed: int, verb: str) -> None:
        super().__init__(f'{kind} {id} "{name}" is not {ended} (its last event is {changed})')
        self.code, self.kind, self.id, self.verb = f"not-{ended}", kind, id, verb


class Unchanged(Refused):
    """An event that would change nothing; `said` is the value that the record already has."""

    code = "unchanged"

    def __init__(self, kind: str, id: int, said: str) -> None:
        super().__init__(f"{kind} {id} already has the {said}", "there is nothing to record")
        self.kind, self.id, self.said = kind, id, said


class NotTheNextId(Refused):
    """Ids are 1, 2, 3 … in order of creation, and are never reused."""

    code = "not-the-next-id"

    def __init__(self, kind: str, found: int, expected: int) -> None:
        super().__init__(f"{kind} id {found} is not the next one, {expected}")


class NoWay(Refused):
    """No events that the kind declares make the record `now` what it is to be, `wanted`."""

    code = "no-way"

    def __init__(self, kind: "Kind", now: Any, wanted: Any) -> None:
        record = wanted if now is None else now
        who = f"{kind.name} {record.id} ({kind.labelled(record)})"
        if wanted is None:
            super().__init__(f"{who} should not be there, and nothing ends it")
            return
        names = [name for name in (*kind.own, kind.ended) if getattr(now, name, None) != getattr(wanted, name)]
        told = (f"{name} {_told(getattr(now, name, None))} → {_told(getattr(wanted, name))}" for name in names)
        super().__init__(f"nothing that can happen to {who} leads to what it should be: {', '.join(told)}")


class InTheWay(Refused):
    """Other records, or a rule of the kind, are in the way of what should happen to this one."""

    code = "in-the-way"

    def __init__(self, kind: str, id: int) -> None:
        super().__init__(f"{kind} {id} and others are in each other's way, whichever changes first")


def _told(value: object) -> str:
    return "none" if value is None else f'"{value}"'


class Misplaced(Refused):
    """The late event `event` about record `id` does not fit where it happened, because of `why`.

    `other` is the event that stands against it, if one does, and `place` where the input says it that asks for both.
    """

    def __init__(self, id: int, event: Event, why: Refused, other: Event | None) -> None:
        super().__init__(f"this cannot have happened at {event['time']}: {why.message}")
        self.id, self.event, self.why, self.other = id, event, why, other
        self.place: object = None
        self.more = {} if other is None else {"event": number_of(other)}


class NotThen(Misplaced):
    """It cannot have happened then."""

    code = "not-then"


class BreaksLater(Misplaced):
    """What happened later, first of all `other`, could then not have happened."""

    code = "breaks-later"


class DoesNotLast(Misplaced):
    """It would make the unique field of its record what `said` says at present, but `other` happened after it.

    So this record and another one, which may have that field at present, could share it by the order of happening.
    """

    code = "does-not-last"

    def __init__(self, id: int, event: Event, said: str, other: Event | None) -> None:
        super().__init__(id, event, Refused("what happened later changed it again"), other)
        self.message, self.said = f"{said} would not last: {self.why.message}", said
