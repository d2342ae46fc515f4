"""Whether a late event fits where it happened: the history with the event put in there must break no rule that it kept.

A record depends on others only through unique keys, and through what its kind's own rules ask. So only the event's own
record is folded anew, and those that ever had a key that it would then have had; of another record's events only their
keys are looked at, not what a rule of its kind would ask of this one.

What broke a rule before, where it happened, is not the late event's fault: a clock was behind, or nobody checked yet.
"""

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

from evcli.domain.event import Event, number_of
from evcli.domain.kind import Kind
from evcli.domain.life import Hold, Life, Place
from evcli.domain.refusals import BreaksLater, DoesNotLast, NoSuchRecord, NotEnded, NotLive, NotThen, Taken
from evcli.domain.rules import step_of
from evcli.domain.timeline import when
from evcli.errors import Refused
from evcli.kinds import KINDS


class Lives(Protocol):
    """What happened to every record, without the late event."""

    def life(self, kind: Kind, id: int, /) -> Life:
        """What happened to a record; nothing, if there is none."""

    def ever_had(self, kind: Kind, key: str, /) -> Collection[int]:
        """The ids of the records that may ever have had a unique key."""

    def last_id(self, kind: str, /) -> int:
        """The highest id ever given to a kind."""


class Overtaken(NamedTuple):
    """A late event that did not last: what happened after it is what was true in the end."""

    kind: Kind
    record: Any
    """The record at present, which the order of recording makes."""
    last: Any
    """The record that the order of happening makes."""
    by: Event
    """The event that happened after it."""


class Fit(NamedTuple):
    """A late event that fits where it happened, and the life of its record without it and with it."""

    event: Event
    old: Life
    new: Life


def fit(lives: Lives, kind: Kind, id: int, event: Event) -> Fit:
    """Fit a late event in where it happened. Raises NotThen, BreaksLater."""
    old = lives.life(kind, id)
    new = Life(kind, id, [*old.events, event])
    if (why := _Then(lives, new, event).refusal()) is not None:
        raise NotThen(id, event, why, _cause(lives, new, event, why))
    broken = dict([*_own(lives, new, old, when(event)), *_others(lives, new, old)])
    if broken:
        later, why = broken[min(broken)]
        raise BreaksLater(id, event, why, later)
    return Fit(event, old, new)


def may_happen(lives: Lives, life: Life, event: Event) -> bool:
    """Whether an event of a life breaks no rule at its own place."""
    return _Then(lives, life, event).refusal() is None


def must_last(found: Fit, before: Any, after: Any) -> None:
    """Check that by both orders the record has the same unique key in the end, if it had before the late event.

    `before` and `after` are the record at present, without the event and with it. Otherwise another record could get
    the key that this one has by the order of happening only. Raises DoesNotLast.
    """
    event, old, new = found
    kind, key = new.kind, new.kind.key
    if key(new.last) == key(after) or key(old.last) != key(before):
        return
    later = (step for step in reversed(new.steps) if step.place > when(event))
    by = next((step.event for step in later if key(step.before) != key(step.after)), None)
    raise DoesNotLast(after.id, event, f"{kind.fields[kind.unique].label} {getattr(after, kind.unique)}", by)


def overtaken(found: Fit, record: Any) -> Overtaken | None:
    """What happened after a late event that fits, if the record, as it now is, says something else. None if not."""
    event, life = found.event, found.new
    kind, last = life.kind, life.last
    # Whether it has ended never differs: in the end, everything has happened that was recorded.
    differs = [name for name in kind.own if getattr(last, name) != getattr(record, name)]
    later = [
        step for step in life.steps
        if step.place > when(event) and any(getattr(step.before, name) != getattr(step.after, name) for name in differs)
    ]  # fmt: skip
    return Overtaken(kind, record, last, later[-1].event) if later else None


Broken = tuple[Place, tuple[Event, Refused]]
"""The place of an event, the event, and the rule that it breaks."""


def _own(lives: Lives, new: Life, old: Life, since: Place) -> Iterator[Broken]:
    """The record's events after a place that break a rule in its new life, but break none in its old one."""
    for event in new.events:
        if when(event) > since:
            why = _Then(lives, new, event).refusal()
            if why is not None and _Then(lives, old, event).refusal() is None:
                yield when(event), (event, why)


def _others(lives: Lives, new: Life, old: Life) -> Iterator[Broken]:
    """The events of other records that claim a key while this record has it in its new life, but not in its old one."""
    kind = new.kind
    for hold in new.holds():
        had = [each for each in old.holds() if each.key == hold.key]
        if any(covers(each, hold) for each in had):
            continue
        for other in (lives.life(kind, id) for id in lives.ever_had(kind, hold.key) if id != new.id):
            for place, (key, event) in other.claims.items():
                if key == hold.key and hold.has(place) and _Then(lives, other, event).refusal() is None:
                    why = _Then(lives, other, event, instead=new).refusal()
                    if why is not None:
                        yield place, (event, why)


def covers(old: Hold, new: Hold) -> bool:
    """Whether one span lies within another."""
    if old.until is None:
        return old.since <= new.since
    return old.since <= new.since and new.until is not None and new.until <= old.until


class _Then:
    """The records just before an event at its own place: a table for its step, and what a kind's rule may ask of them.

    Ids are given as events are recorded, so that `last_id` is the present one.
    """

    def __init__(self, lives: Lives, life: Life, event: Event, *, instead: Life | None = None) -> None:
        """`instead` takes the place of the life that the same record has in `lives`."""
        self._lives, self._life, self._event, self._instead = lives, life, event, instead
        self._place, self._before = when(event), life.at(when(event))
        self.number = number_of(event) - 1

    def refusal(self) -> Refused | None:
        """Why the event may not happen; None if it may."""
        kind, id, event = self._life.kind, self._life.id, self._event
        step = step_of(kind.types[event["type"]], _Table(self, kind.name, id))
        try:
            step(self, id, self.number + 1, event["data"])
        except Refused as why:
            return why.with_traceback(None)
        return None

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        if (kind, id) == (self._life.kind.name, self._life.id):
            return self._before
        if self._instead is not None and (kind, id) == (self._instead.kind.name, self._instead.id):
            return self._instead.at(self._place)
        return self._lives.life(KINDS[kind], id).at(self._place)

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        return next(self._holders(KINDS[kind], key), None)

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind."""
        return self._lives.last_id(kind)

    def held(self, key: str) -> int | None:
        """The id of another live record that has the key."""
        own = self._life.id
        return next((each.id for each in self._holders(self._life.kind, key) if each.id != own), None)

    def _holders(self, kind: Kind, key: str) -> Iterator[Any]:
        """The live records that have a unique key, by id."""
        changed = (life for life in (self._life, self._instead) if life is not None and life.kind is kind)
        ids = {*self._lives.ever_had(kind, key), *(life.id for life in changed)}
        records = (self.get(kind.name, id) for id in sorted(ids))
        return (each for each in records if each is not None and _holds(kind, each, key))


class _Table:
    """The same for the step of an event, which changes nothing."""

    takes_any_id = False

    def __init__(self, then: _Then, kind: str, id: int) -> None:
        self._get, self.held, self._id = partial(then.get, kind), then.held, id

    def get(self, id: int) -> Any:
        return self._get(id)

    def last_id(self) -> int:
        return self._id - 1

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        """Nothing changes."""

    def keep(self, id: int, before: Any, after: Any) -> None:
        """Nothing changes."""


def _holds(kind: Kind, record: Any, key: str) -> bool:
    return record[-1] is None and kind.key(record) == key


def _cause(lives: Lives, life: Life, event: Event, why: Refused) -> Event | None:
    """The event by which the late one cannot happen at its place, if one says it."""
    kind, place = life.kind, when(event)
    before = life.at(place)
    if isinstance(why, Taken):
        holder = lives.life(kind, why.holder)
        key = kind.key(holder.at(place))
        since = next(hold.since for hold in holder.holds() if hold.key == key and hold.has(place))
        return next(step.event for step in holder.steps if step.place == since)
    if isinstance(why, NoSuchRecord):
        return life.steps[0].event if life.steps else None
    number = before[-1] if isinstance(why, NotLive) else before[-2] if isinstance(why, NotEnded) else 0
    return next((step.event for step in life.steps if number_of(step.event) == number), None)
