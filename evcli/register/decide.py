"""Deciding: what somebody wants becomes events and their lines, if the rules accept it. Nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from evcli.domain.event import Event
from evcli.domain.overlay import Draft
from evcli.domain.state import State, happen
from evcli.errors import BadInput, Refused
from evcli.kinds import MODULES, TYPES, all_kinds
from evcli.log import Position
from evcli.log.line import CLOSING_LENGTH, MAX_BATCH
from evcli.log.template import AnyPart, Shared, cast


class Intention(NamedTuple):
    """An event that somebody wants: not yet accepted, without time, number and hash."""

    type: str
    data: Mapping[str, str]
    about: Callable[[State], int]
    """Which record it is about: its id, from the state that the event would follow on. May raise Refused."""
    finds: bool = True
    """Whether the record must be there before (False for an event that creates it)."""
    id: str | None = None
    """The event's id, where whoever wants it names one."""
    time: str | None = None
    """When it happened, as the log writes times, where that was not just now."""


class Outcome(NamedTuple):
    """What became of an intention: the event, and the record before and after it."""

    event: Event
    line: bytes
    before: Any
    after: Any
    recorded: bool
    """False when nothing was written now: a dry run, or an id that was recorded before."""
    notices: list[str]
    """Warnings for people: a clock that is behind, a torn tail put aside, a file that others may write."""


LeftOut = Callable[[int, Refused, int], None]
"""Is told which of the intentions is refused, why, and the number its event would have had; it raises, or else the
others go on without that one."""


# Building the tuples directly takes a third of the time of calling their classes, and an import makes many.
_new = tuple.__new__


class Change(NamedTuple):
    """An intention that is accepted: the record it is about, before and after."""

    intention: Intention
    id: int
    before: Any
    after: Any


def accept(draft: Draft, intentions: Sequence[Intention], left_out: LeftOut) -> list[Change]:
    """The changes that the rules accept, one after another, on `draft`, which is then the state after them."""
    if len(intentions) > 1:  # one asks for its key itself, as quickly
        claimed = ((TYPES[intention.type].kind, intention.data) for intention in intentions)
        for kind, keys in groupby(claimed, key=itemgetter(0)):
            draft.fetch(kind.name, (), [kind.claimed_key(data) for _, data in keys])
    changes = []
    for index, intention in enumerate(intentions):
        try:
            changes.append(_take(draft, intention))
        except Refused as refused:
            left_out(index, refused, draft.number + 1)
    return changes


def _take(draft: Draft, intention: Intention) -> Change:
    """Let what is wanted happen on the draft, as an event of a log would. Raises Refused."""
    id = intention.about(draft)
    before, after = happen(draft, intention.type, id, draft.number + 1, intention.data)
    return _new(Change, (intention, id, before, after))


def all_or_none(state: State, intentions: Sequence[Intention]) -> LeftOut:
    """For `accept`: the first refusal ends it, told as it is on `state`, where none of the others has happened."""

    def stop(index: int, refused: Refused, number: int) -> None:
        if index == 0:
            raise refused
        # What refuses it may be an earlier event of this very command, which is not there to speak of.
        intention = intentions[index]
        change = _take(Draft(state), intention)
        kind = TYPES[intention.type].kind.name
        raise Refused(f"{kind} {change.id} is listed more than once", "nothing was written") from None

    return stop


class Actor(NamedTuple):
    """Who does it, and what that is: one of AUTH_TYPES."""

    id: str
    type: str = "user"


class Desk(NamedTuple):
    """What the events of one command share: who does it, when, after which event, and what shows that they belong."""

    actor: Actor
    source: str
    now: str
    at: Position
    new_id: Callable[[], str]
    correlation: str | None = None


def frame(actor: Actor, source: str) -> int:
    """How many bytes of an event's line at most are not its data, when ids are UUIDs and `actor` does it."""
    uuid, time, digits = "0" * 36, "0" * 27, "0" * 12
    type = max((name for kind in all_kinds() for name in kind.types), key=len)
    members = {
        "specversion": "1.0", "id": uuid, "source": source, "type": type,
        "subject": f"{max(MODULES, key=len)}/{digits}",
        "time": time, "recordedtime": time, "sequence": digits, "authtype": actor.type,
        "authid": actor.id, "correlationid": uuid, "batch": f"{digits}-{digits}", "data": "",
    }  # fmt: skip
    return len(orjson.dumps(members)) + CLOSING_LENGTH


class Batch(NamedTuple):
    """Lines for the log, each checked as a reader will, and what to say of them."""

    lines: list[bytes]
    before: Position
    moment: str
    """When they are recorded."""
    notices: list[str]

    @property
    def number(self) -> int:
        """The number of the first event."""
        return self.before.number + 1


def write_down(desk: Desk, changes: Sequence[Change]) -> Batch:
    """The events that say so, at least one, as lines.

    Raises:
        BadInput: they are more than a batch holds, or one is to have happened later than now.
    """
    actor, source, now, at, new_id, correlation = desk
    moment = max(now, at.recorded)
    parts: list[AnyPart] = []
    for (type, data, _, _, id, time), record, _, _ in changes:
        if time is not None and time > now:
            raise BadInput(f"an event cannot have happened at {time}: it is {now}")
        parts.append((type, time or now, id or new_id(), record, data))
    lines = cast(Shared(actor.id, actor.type, source, moment, correlation), parts, at)
    size = sum(map(len, lines))
    if size > MAX_BATCH:
        raise BadInput(f"{len(lines)} events at once are {size:,} bytes, and a batch holds {MAX_BATCH:,}")
    return Batch(lines, at, moment, [_clock_notice(now, at)] if now < at.recorded else [])


def outcomes(batch: Batch, changes: Sequence[Change], *, recorded: bool) -> list[Outcome]:
    """The events of the batch, each with what it does."""
    # The lines were checked when they were cast.
    return [
        Outcome(orjson.loads(line), line, before, after, recorded, [] if at else batch.notices)
        for at, (line, (_, _, before, after)) in enumerate(zip(batch.lines, changes, strict=True))
    ]


def _clock_notice(now: str, at: Position) -> str:
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
