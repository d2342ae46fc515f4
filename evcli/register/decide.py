"""Deciding: what somebody wants becomes events and their lines, if the rules accept it. Nothing is written here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, overload

import orjson

from evcli.domain.event import Event
from evcli.domain.overlay import Draft
from evcli.domain.state import State, happen
from evcli.errors import BadInput, Refused
from evcli.kinds import MODULES, TYPES, all_kinds
from evcli.log import Log, Position
from evcli.log.line import CLOSING_LENGTH, MAX_BATCH
from evcli.log.template import AnyPart, Shared, cast
from evcli.register.actor import Actor


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
    """What became of one intention: the event, and the record before and after it."""

    event: Event
    line: bytes
    before: Any
    after: Any
    recorded: bool
    """False when nothing was written now: a dry run, or an id that was recorded before."""


# Building the tuples directly takes a third of the time of calling their classes, and an import makes many.
_new = tuple.__new__


class Change(NamedTuple):
    """An intention that is accepted: the record it is about, before and after."""

    intention: Intention
    id: int
    before: Any
    after: Any


class Series(NamedTuple):
    """A series of events that is too long for one batch, such as an import."""

    correlation: str
    """The correlation id that all events of the series share."""
    since: int
    """The place up to which the caller knows the log: no other event of the series may come after it."""
    may_skip: Callable[[Intention, Refused], bool]
    """Whether an intention that is refused is left out, and the others go on; else nothing of the batch is written."""

    def is_recorded_by_others(self, log: Log) -> bool:
        """Whether an event of the series comes after what the caller knows."""
        from evcli.log.correlated import correlated

        return next(correlated(log, self.correlation, self.since), None) is not None


class Accepted(NamedTuple):
    """What the rules say to several intentions, one after another."""

    changes: list[Change]
    refused: dict[int, Refused]
    """The intentions that are left out, by their index; the others go on without them."""


class NotAccepted(Exception):
    """One of several intentions is refused, and must not be left out."""

    def __init__(self, index: int, why: Refused, refused: dict[int, Refused]) -> None:
        super().__init__(why.message)
        self.index, self.why, self.refused = index, why, refused


def accept(
    draft: Draft, intentions: Sequence[Intention], may_skip: Callable[[Intention, Refused], bool] | None = None
) -> Accepted:
    """What the rules accept, one intention after another, on `draft`, which is then the state after that.

    Raises:
        NotAccepted: an intention is refused, and `may_skip` does not say that it is left out.
    """
    if len(intentions) > 1:  # one asks for its key itself, as quickly
        claimed = ((TYPES[intention.type].kind, intention.data) for intention in intentions)
        for kind, keys in groupby(claimed, key=itemgetter(0)):
            draft.fetch(kind.name, (), [kind.claimed_key(data) for _, data in keys])
    changes, refused = list[Change](), dict[int, Refused]()
    for index, intention in enumerate(intentions):
        try:
            changes.append(_happen(draft, intention))
        except Refused as why:
            if may_skip is None or not may_skip(intention, why):
                raise NotAccepted(index, why, refused) from None
            refused[index] = why
    return Accepted(changes, refused)


def _happen(draft: Draft, intention: Intention) -> Change:
    """Let what is wanted happen on the draft, as an event of a log would. Raises Refused."""
    id = intention.about(draft)
    before, after = happen(draft, intention.type, id, draft.number + 1, intention.data)
    return _new(Change, (intention, id, before, after))


def refusal_alone(no: NotAccepted, state: State, intentions: Sequence[Intention]) -> Refused:
    """The refusal as it is on `state`, where none of the intentions before it has happened."""
    if no.index == 0:
        return no.why
    intention = intentions[no.index]
    try:
        change = _happen(Draft(state), intention)
    except Refused as alone:
        return alone
    # What refuses it is an earlier event of this very command, which is not there to speak of.
    kind = TYPES[intention.type].kind.name
    return Refused(f"{kind} {change.id} is listed more than once", "nothing was written")


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


def write_down(desk: Desk, changes: Sequence[Change]) -> list[bytes]:
    """The events that say so, at least one, as lines, each checked as a reader will.

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
    return lines


class Done(Sequence[Outcome]):
    """What became of several intentions: an outcome for each that was accepted, made when it is asked for."""

    def __init__(
        self,
        changes: Sequence[Change],
        lines: Sequence[bytes] = (),
        *,
        first: int = 0,
        refused: Mapping[int, Refused] | None = None,
        notices: Sequence[str] = (),
        was_there: bool = False,
    ) -> None:
        self.changes, self.lines = changes, lines
        self.first = first
        """The number of the first event."""
        self.refused = {} if refused is None else refused
        """The intentions that were left out, by their index."""
        self.recorded = False
        """Whether the events were written now."""
        self.was_there = was_there
        """Whether the event was recorded before, under the same id."""
        self.notices = list(notices)
        """Warnings for people: a clock that is behind, a torn tail put aside, a file that others may write."""

    def __len__(self) -> int:
        return len(self.changes)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> list[Outcome]: ...
    def __getitem__(self, index: int | slice) -> Outcome | list[Outcome]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        change, line = self.changes[index], self.lines[index]
        # The line was checked when it was made.
        return Outcome(orjson.loads(line), line, change.before, change.after, self.recorded)


def clock_notice(now: str, at: Position) -> str:
    """What people must know when this clock is behind the log: `now` is before the last recorded moment."""
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
