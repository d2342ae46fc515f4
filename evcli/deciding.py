"""Deciding: what somebody wants becomes events and their lines, if the rules accept it. Nothing is written here."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import orjson

from evcli.domain.kinds import TYPES
from evcli.domain.state import Draft, State
from evcli.errors import BadInput, Refused
from evcli.eventlog.batch import MAX_BATCH
from evcli.eventlog.bulk import encode_many
from evcli.eventlog.format import CLOSING_LENGTH, hash_of
from evcli.eventlog.reading import Position
from evcli.intention import Intention, Outcome

LeftOut = Callable[[int, Refused, int], None]
"""Is told which of the intentions is refused, why, and the number its event would have had; it raises, or else the
others go on without that one."""


class Change(NamedTuple):
    """An intention that is accepted: the record it is about, before and after."""

    intention: Intention
    id: int
    before: Any
    after: Any


def accept(draft: Draft, intentions: Sequence[Intention], left_out: LeftOut) -> list[Change]:
    """The changes that the rules accept, one after another, on `draft`, which is then the state after them."""
    changes = []
    for index, intention in enumerate(intentions):
        kind, _, rule, apply = TYPES[intention.type]
        try:
            id = intention.about(draft)
            before = draft.get(kind, id)
            rule(draft, id, before, intention.data)
        except Refused as refused:
            left_out(index, refused, draft.number + 1)
            continue
        after = apply(before, id, draft.number + 1, intention.data)
        draft.put(kind, before, after)
        draft.number += 1
        changes.append(Change(intention, id, before, after))
    return changes


def all_or_none(state: State, intentions: Sequence[Intention]) -> LeftOut:
    """For `accept`: the first refusal ends it, told as it is on `state`, where none of the others has happened."""

    def stop(index: int, refused: Refused, number: int) -> None:
        if index == 0:
            raise refused
        # What refuses it may be an earlier event of this very command, which is not there to speak of.
        intention = intentions[index]
        kind, _, rule, _ = TYPES[intention.type]
        id = intention.about(state)
        rule(state, id, state.get(kind, id), intention.data)
        raise Refused(f"{kind} {id} is named more than once", "nothing was written") from None

    return stop


class Desk(NamedTuple):
    """What the events of one command share: who does it, when, after which event, and what shows that they belong."""

    actor: str
    now: str
    at: Position
    new_id: Callable[[], str]
    correlation: str | None = None


def frame(actor: str) -> int:
    """How many bytes of an event's line at most are not its data, when ids are UUIDs and `actor` does it."""
    uuid, time, digits = "0" * 36, "0" * 27, "0" * 12
    members = {
        "specversion": "1.0", "id": uuid, "source": "evcli", "type": max(TYPES, key=len),
        "subject": f"{max((type.kind for type in TYPES.values()), key=len)}/{digits}", "time": time,
        "recordedtime": time, "sequence": digits, "authtype": "user", "authid": actor, "correlationid": uuid, "data": "",
    }  # fmt: skip
    return len(orjson.dumps(members)) + CLOSING_LENGTH


def write_down(desk: Desk, changes: Sequence[Change], *, recorded: bool) -> list[Outcome]:
    """The events that say so, with their lines: what a batch can hold, and every line checked as a reader will.

    Raises:
        BadInput: they are more than a batch holds, or one is to have happened later than now.
    """
    if not changes:
        return []
    actor, now, at, new_id, correlation = desk
    shared = {} if correlation is None else {"correlationid": correlation}
    moment = max(now, at.recorded)
    number = at.number
    events: list[dict[str, Any]] = []
    for intention, id, _, _ in changes:
        number += 1
        time = intention.time or now
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": intention.id or new_id(),
            "source": "evcli",
            "type": intention.type,
            "subject": f"{TYPES[intention.type].kind}/{id}",
            "time": time,
        }
        if time != moment:
            if time > now:
                raise BadInput(f"event {number} cannot have happened at {time}: it is {now}")
            event["recordedtime"] = moment
        event["sequence"] = f"{number:012}"
        event["authtype"] = "user"
        event["authid"] = actor
        if shared:
            event["correlationid"] = correlation
        event["data"] = dict(intention.data)
        events.append(event)
    lines = encode_many(events, at.sha256, at.recorded)
    size = sum(map(len, lines))
    if size > MAX_BATCH:
        raise BadInput(f"{len(lines)} events at once are {size:,} bytes, and a batch holds {MAX_BATCH:,}")
    outcomes = []
    for event, line, change in zip(events, lines, changes, strict=True):
        event["sha256"] = hash_of(line).decode()
        outcomes.append(Outcome(cast("Any", event), line, change.before, change.after, recorded, []))
    if now < at.recorded:
        outcomes[0].notices.append(_clock_notice(now, at))
    return outcomes


def _clock_notice(now: str, at: Position) -> str:
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
