"""Deciding: turn intentions into events and their lines, if the rules accept them. Nothing is written here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from evcli.domain.event import Event
from evcli.domain.overlay import Draft
from evcli.domain.state import State, happen
from evcli.errors import BadInput, HeadMoved, Refused
from evcli.kinds import MODULES, TYPES, all_kinds
from evcli.log import Log, Position
from evcli.log.line import CLOSING_LENGTH, MAX_BATCH
from evcli.log.template import AnyPart, Shared, cast
from evcli.register.actor import Actor

if TYPE_CHECKING:
    from evcli.domain.fitting import Fit, Overtaken


class Intention(NamedTuple):
    """A requested event: not yet accepted; no time, number or hash yet."""

    type: str
    data: Mapping[str, str]
    about: Callable[[State], int]
    """Returns the id of the record it is about, given the state before the event. May raise Refused."""
    finds: bool = True
    """Whether the record must already exist (False for an event that creates it)."""
    id: str | None = None
    """The event's id, if the caller chose one."""
    time: str | None = None
    """When it happened, in the log's time format; None means now."""
    answers: str | None = None
    """The id of the event that it answers, if it answers one: an undo names what it takes back."""
    fits: bool = False
    """Whether it is known to fit when it happened, on this head."""


class Outcome(NamedTuple):
    """The result of one intention: the event, and the record before and after it."""

    event: Event
    line: bytes
    before: Any
    after: Any
    recorded: bool
    """False if nothing was written now: a dry run, or an id that was already recorded."""


# Building the tuples directly takes a third of the time of calling their classes, and an import makes many.
_new = tuple.__new__


class Change(NamedTuple):
    """An accepted intention, and the record before and after it."""

    intention: Intention
    id: int
    before: Any
    after: Any


class Trial(Protocol):
    """What intentions are tried on besides a draft, where some say when they happened: these must fit there."""

    def prepare(self, intentions: Sequence[Intention], /) -> None:
        """Look up at once what these ask for."""

    def check(self, intention: Intention, id: int, number: int, /) -> "Fit | None":
        """How the intention, as event `number`, fits where it happened; None if it plainly does.

        Raises NotThen, BreaksLater.
        """

    def happened(self, change: Change, number: int, fit: "Fit | None", /) -> None:
        """An intention was accepted as event `number`; `fit` is what `check` returned."""


class Series:
    """A series of events that is too long for one batch, such as an import."""

    def __init__(self, correlation: str, since: int, may_skip: Callable[[Intention, Refused], bool]) -> None:
        """Continue a series.

        Args:
            correlation: the correlation id that all events of the series share.
            since: the caller has read the log up to this place: no other event of the series may come after it.
            may_skip: whether to skip a refused intention and go on; if not, nothing of the batch is written.
        """
        self.correlation, self.since, self.may_skip = correlation, since, may_skip

    def is_recorded_by_others(self, log: Log) -> bool:
        """Whether the log has events of the series that the caller has not read."""
        from evcli.log.correlated import correlated

        return next(correlated(log, self.correlation, self.since), None) is not None


Head = tuple[int, str | None]
"""An expected or saved head: the number, and the hash if it is known."""


def check_head(at: Position, expect: Head | None) -> None:
    """Raise HeadMoved if the head, `at`, is not the expected one."""
    if expect is not None and (expect[0] != at.number or expect[1] not in (None, at.sha256.decode())):
        expected = f"{expect[0]}:{expect[1]}" if expect[1] else str(expect[0])
        raise HeadMoved(at.head, expected, min(expect[0], at.number))


Accepted = tuple[Sequence[Change], dict[int, Refused]]
"""The changes that the rules accept, and the skipped intentions by index."""


class NotAccepted(Exception):
    """An intention was refused and must not be skipped."""

    def __init__(self, index: int, why: Refused, refused: dict[int, Refused]) -> None:
        super().__init__(why.message)
        self.index, self.why, self.refused = index, why, refused


def accept(
    draft: Draft,
    intentions: Sequence[Intention],
    may_skip: Callable[[Intention, Refused], bool] | None = None,
    trial: Trial | None = None,
) -> Accepted:
    """Apply the intentions to `draft`, one after another, and return what the rules accept.

    With a `trial`, those that say when they happened must also fit there.

    Raises:
        NotAccepted: an intention is refused, and `may_skip` does not allow skipping it.
    """
    if len(intentions) > 1:  # prefetch the keys; a single intention fetches its own just as fast
        claimed = ((TYPES[intention.type].kind, intention.data) for intention in intentions)
        for kind, keys in groupby(claimed, key=itemgetter(0)):
            draft.fetch(kind.name, (), [kind.claimed_key(data) for _, data in keys])
    if trial is not None:
        trial.prepare(intentions)
    changes, refused = list[Change](), dict[int, Refused]()
    for index, intention in enumerate(intentions):
        try:
            changes.append(_happen(draft, intention, trial))
        except Refused as why:
            if may_skip is None or not may_skip(intention, why):
                raise NotAccepted(index, why, refused) from None
            refused[index] = why.with_traceback(None)  # whose frames would hold this dictionary, and it them
    return changes, refused


def _happen(draft: Draft, intention: Intention, trial: Trial | None) -> Change:
    """Apply the intention to the draft, as replaying its event would. Raises Refused."""
    id, number = intention.about(draft), draft.number + 1
    fit = (
        None if trial is None or intention.time is None or intention.fits else _fit(draft, intention, id, number, trial)
    )
    before, after = happen(draft, intention.type, id, number, intention.data)
    change = _new(Change, (intention, id, before, after))
    if trial is not None:
        trial.happened(change, number, fit)
    return change


def _fit(draft: Draft, intention: Intention, id: int, number: int, trial: Trial) -> "Fit | None":
    """How an intention that says when it happened fits there. The present's rules speak first. Raises Refused."""

    def at_present() -> tuple[Any, Any]:
        return happen(Draft(draft), intention.type, id, number, intention.data)

    try:
        found = trial.check(intention, id, number)
    except Refused:
        at_present()
        raise
    if found is not None:
        from evcli.domain.fitting import must_last

        must_last(found, *at_present())
    return found


def refusal_alone(
    no: NotAccepted, state: State, intentions: Sequence[Intention], trial: Trial | None = None
) -> Refused:
    """The refusal as it would be on `state`, without the effects of the earlier intentions."""
    if no.index == 0:
        return no.why
    intention = intentions[no.index]
    try:
        change = _happen(Draft(state), intention, trial)
    except Refused as alone:
        return alone
    # Refused because of an earlier event of this command, which was never recorded: a message must not refer to it.
    kind = TYPES[intention.type].kind.name
    return Refused(f"{kind} {change.id} is listed more than once", "nothing was written")


def frame(actor: Actor, source: str) -> int:
    """The maximum size in bytes of an event's line without its data, if ids are UUIDs and `actor` is the actor."""
    uuid, time, digits = "0" * 36, "0" * 27, "0" * 12
    type = max((name for kind in all_kinds() for name in kind.types), key=len)
    members = {
        "specversion": "1.0", "id": uuid, "source": source, "type": type,
        "subject": f"{max(MODULES, key=len)}/{digits}",
        "time": time, "recordedtime": time, "sequence": digits, "authtype": actor.type,
        "authid": actor.id, "correlationid": uuid, "batch": f"{digits}-{digits}", "data": "",
    }  # fmt: skip
    return len(orjson.dumps(members)) + CLOSING_LENGTH


def write_down(
    changes: Sequence[Change], at: Position, shared: Shared, now: str, new_id: Callable[[], str]
) -> list[bytes]:
    """Turn at least one change into event lines that follow `at`, each checked as a reader will check it.

    They happen now, in the log's time format, unless an intention says when.

    Raises:
        BadInput: the lines exceed a batch, or an event would have happened in the future.
    """
    parts: list[AnyPart] = []
    answered: dict[int, str] = {}
    for (type, data, _, _, id, time, answers, _), record, _, _ in changes:
        if time is not None and time > now:
            raise BadInput(f"an event cannot have happened in the future: {time} is after {now}")
        if answers is not None:
            answered[len(parts)] = answers
        parts.append((type, time or now, id or new_id(), record, data))
    lines = _cast_answers(shared, parts, answered, at) if answered else cast(shared, parts, at)
    size = sum(map(len, lines))
    if size > MAX_BATCH:
        raise BadInput(f"{len(lines)} events at once are {size:,} bytes, but a batch holds at most {MAX_BATCH:,}")
    return lines


def _cast_answers(shared: Shared, parts: list[AnyPart], answered: dict[int, str], at: Position) -> list[bytes]:
    from evcli.log.answers import cast_answers

    return cast_answers(shared, parts, answered, at)


class Done:
    """The results of several intentions: one outcome per accepted intention, built on access."""

    def __init__(
        self,
        changes: Sequence[Change],
        lines: Sequence[bytes] = (),
        *,
        first: int = 0,
        refused: Mapping[int, Refused] | None = None,
        notices: Sequence[str] = (),
        was_there: bool = False,
        overtaken: "Sequence[Overtaken]" = (),
    ) -> None:
        self.changes, self.lines = changes, lines
        self.first = first
        """The number of the first event."""
        self.refused = {} if refused is None else refused
        """The skipped intentions, by index."""
        self.recorded = False
        """Whether the events were written now."""
        self.was_there = was_there
        """Whether the event had already been recorded under the same id."""
        self.overtaken = overtaken
        """The late events that did not last, because of what happened after them."""
        self.notices = list(notices)
        """Warnings for people: a clock that is behind, a torn tail moved to a file, a log that others can write to."""

    @property
    def began(self) -> bool:
        """Whether the first event of a log was written now, in a new file or an empty one."""
        return self.recorded and self.first == 1

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Outcome]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Outcome:
        change, line = self.changes[index], self.lines[index]
        # The line was checked when it was built.
        return Outcome(orjson.loads(line), line, change.before, change.after, self.recorded)


def clock_notice(now: str, at: Position) -> str:
    """The warning for a clock that is behind the log: `now` is before the last recorded time."""
    behind = datetime.fromisoformat(at.recorded) - datetime.fromisoformat(now)
    return (
        f"this clock is {behind} behind event {at.number}: the event keeps time {now} and is recorded at "
        f"{at.recorded}, so that recorded moments never go back"
    )
