"""What happened to each record, and who ever had a unique key: by the cache, the lines after it, and what is tried.

Nothing here sorts or folds the whole log. Lines that the cache does not know are read once, and then only new ones.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

from evcli.cache import CacheFailed
from evcli.domain.event import Event, Subject, subject_of
from evcli.domain.fitting import Fit, Overtaken, fit, overtaken
from evcli.domain.kind import Begins, EventType, Kind, Revives
from evcli.domain.life import Life
from evcli.domain.state import State
from evcli.kinds import KINDS, TYPES
from evcli.log import START, Position
from evcli.log.reader import Reader
from evcli.register.decide import Change, Intention
from evcli.register.history import History
from evcli.register.setters import leads

if TYPE_CHECKING:
    from evcli.cache.cache import Cache

NEVER = "~"
"""After every time: something happened to a record in another order than it was recorded in."""


class Claims:
    """Which records claimed each unique key, as the data of events name it; nearly every one is claimed by one only."""

    def __init__(self) -> None:
        self._by_kind = defaultdict[str, dict[str, int | set[int]]](dict)

    def add(self, type: str, id: int, data: Mapping[str, str]) -> None:
        """An event of that type, about that record, has these data."""
        kind = TYPES[type].kind
        if (key := kind.claimed_key(data)) is None:
            return
        of_kind = self._by_kind[kind.name]
        had = of_kind.setdefault(key, id)
        if had != id:
            of_kind[key] = {*self.of(kind.name, key), id}

    def of(self, kind: str, key: str) -> Collection[int]:
        """The records that claimed a key."""
        had = self._by_kind[kind].get(key, ())
        return (had,) if isinstance(had, int) else had


class Recorded:
    """What is recorded, up to the head that a register knows."""

    def __init__(self, history: History, reader: Reader) -> None:
        self._history, self._reader = history, reader
        self._begin_after(START)

    def _begin_after(self, known: Position) -> None:
        self._known = self._claimed_up_to = self._placed_up_to = known
        self._claims = Claims()
        """Which records claimed each unique key by an event that the cache does not know."""
        self._places = defaultdict[Subject, list[int]](list)
        """Where the events about each record are that the cache does not know."""
        self.latest: dict[Subject, str] = {}
        """When the last event happened, of records that began in a trial: what happened to them, happened in order."""

    def catch_up(self, state: State, at: Position) -> None:
        """Go on to the head `at`, where the state is `state`."""
        self.state, self._at = state, at
        cache = self._history.cache(self._reader, may_grow=False) if at.number else None
        known = START if cache is None else cache.at
        if known.number != self._known.number:
            self._begin_after(known)

    def took(self, trial: "Trial", before: Position, at: Position) -> None:
        """What was tried after `before` was recorded, up to `at`."""
        if self._claimed_up_to.number == before.number:
            for type, _, id, _, data in trial.tried:
                self._claims.add(type, id, data)
            self.latest |= trial.latest
            self._claimed_up_to = at

    def events(self, kind: Kind, id: int) -> list[Event]:
        """The events about a record, oldest first; of a faulty cache nothing counts."""
        for events, places in self._after(self._placed_up_to):
            for event, place in zip(events, places, strict=False):
                self._places[subject_of(event)].append(place)
        self._placed_up_to = self._at
        cache = self._cache()
        try:
            steps = [] if cache is None else cache.late(self._known.number).steps(kind.name, id)
            places = [*(step.place for step in steps), *self._places.get((kind.name, id), ())]
            events = [self._reader.event_at(place) for place in places]
            after = [step.after for step in steps]
            each = zip(events, [None, *after], after, strict=False)
            if not all(leads(kind, old, new, [event]) for event, old, new in each):
                raise CacheFailed("one of its rows names another line", is_faulty=True)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.events(kind, id)
        return events

    def read_claims(self) -> None:
        """Read the events that others recorded since the last trial."""
        for events, _ in self._after(self._claimed_up_to):
            for event in events:
                record = subject_of(event)
                self._claims.add(event["type"], record[1], event["data"])
                self.latest.pop(record, None)
        self._claimed_up_to = self._at

    def ever_had(self, kind: Kind, keys: Collection[str]) -> dict[str, set[int]]:
        """The ids of the records that ever had each of these unique keys, live or not."""
        self.read_claims()
        try:
            cache = self._cache()
            found = {} if cache is None else cache.state(self._known.number).ever_had(kind.name, keys)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.ever_had(kind, keys)
        return {key: {*found.get(key, ()), *self._claims.of(kind.name, key)} for key in keys}

    def _after(self, known: Position) -> Iterator[tuple[list[Event], list[int]]]:
        return self._reader.bundles(known, self._at.number) if known.number < self._at.number else iter(())

    def _cache(self) -> "Cache | None":
        """The cache that knows all events up to those that are known here; None if there is none."""
        return self._history.cache(self._reader, may_grow=False) if self._known.number else None

    def _give_up(self, failed: CacheFailed) -> None:
        self._history.give_up(failed)
        self.catch_up(self.state, self._at)


Tried = tuple[str, str | None, int, int, Mapping[str, str]]
"""Of an event that is tried: its type, when it happened (None: now), the id of its record, its number, its data."""


class Trial:
    """The same, and what is tried after it, one event after another; late ones must fit where they happened."""

    def __init__(self, recorded: Recorded, now: str) -> None:
        """`now` is when everything happens that does not say when, in the log's time format."""
        self._recorded, self.now = recorded, now
        self.tried: list[Tried] = []
        self.overtaken: dict[Subject, Overtaken] = {}
        """The records of which something that happened later says something else than a late event."""
        self.latest: dict[Subject, str] = {}
        """When the last event happened, of records that began here; `NEVER` after one that happened before another."""
        recorded.read_claims()
        self._claims = Claims()
        self._events = defaultdict[Subject, list[Event]](list)
        self._taken_in = 0  # how many of those tried are among `_events`
        self._had: dict[tuple[str, str], set[int]] = {}
        self._lives: dict[Subject, Life] = {}

    def prepare(self, intentions: Iterable[Intention]) -> None:
        """Ask at once who ever had the unique keys that late ones of these claim."""
        self._had, self._lives = {}, {}
        keys = defaultdict[str, set[str]](set)
        for intention in intentions:
            if intention.time is not None:
                kind = TYPES[intention.type].kind
                if (key := kind.claimed_key(intention.data)) is not None:
                    keys[kind.name].add(key)
        for name, wanted in keys.items():
            for key, ids in self._recorded.ever_had(KINDS[name], wanted).items():
                self._had[name, key] = ids

    def suppose(self, tried: Iterable[Tried]) -> list[Event]:
        """Let all of these happen, without a look at whether they fit; the events."""
        self.tried += tried
        for type, _, id, _, data in self.tried:
            self._claims.add(type, id, data)
        return list(map(self._event, self.tried))

    def check(self, intention: Intention, id: int, number: int) -> Fit | None:
        """How the intention, as event `number`, fits where it happened; None if it plainly does.

        Raises NotThen, BreaksLater.
        """
        each = TYPES[intention.type]
        if self._plainly_fits(each, intention, id):
            return None
        event = self._event((intention.type, intention.time, id, number, intention.data))
        return fit(self, each.kind, id, event)

    def _plainly_fits(self, each: EventType, intention: Intention, id: int) -> bool:
        """Whether the present's rules say it all: nothing happened to the record later, nor had another one its key."""
        kind, latest = each.kind, "" if type(each) is Begins else self._latest(each.kind.name, id)
        if each.rule or latest is None or str(intention.time) < latest or type(each) is Revives:
            return False
        key = kind.claimed_key(intention.data)
        return key is None or not {*self.ever_had(kind, key)} - {id}

    def _latest(self, kind: str, id: int) -> str | None:
        return self.latest.get((kind, id)) or self._recorded.latest.get((kind, id))

    def happened(self, change: Change, number: int, fit: Fit | None) -> None:
        """An intention was accepted as event `number`; `fit` is what `check` returned."""
        wanted, id = change.intention, change.id
        kind, time = TYPES[wanted.type].kind.name, wanted.time or self.now
        if fit is not None:
            self.overtaken.pop((kind, id), None)
            if (over := overtaken(fit, change.after)) is not None:
                self.overtaken[kind, id] = over
        latest = "" if change.before is None else self._latest(kind, id)
        if latest is not None:
            self.latest[kind, id] = time if time >= latest else NEVER
        self.tried.append((wanted.type, wanted.time, id, number, wanted.data))
        self._claims.add(wanted.type, id, wanted.data)

    def life(self, kind: Kind, id: int) -> Life:
        """What happened to a record; nothing, if there is none."""
        self._take_in()
        found = self._lives.get((kind.name, id))
        if found is None:
            tried = self._events.get((kind.name, id), ())
            found = self._lives[kind.name, id] = Life(kind, id, [*self._recorded.events(kind, id), *tried])
        return found

    def ever_had(self, kind: Kind, key: str) -> Collection[int]:
        """The ids of the records that may ever have had a unique key."""
        had = self._had.get((kind.name, key))
        if had is None:
            had = self._had[kind.name, key] = self._recorded.ever_had(kind, [key])[key]
        tried = self._claims.of(kind.name, key)
        return {*had, *tried} if tried else had

    def last_id(self, kind: str) -> int:
        """The highest id ever given to a kind."""
        self._take_in()
        return max(self._recorded.state.last_id(kind), *(id for name, id in self._events if name == kind), 0)

    def _take_in(self) -> None:
        for tried in self.tried[self._taken_in :]:
            kind, id = TYPES[tried[0]].kind.name, tried[2]
            self._events[kind, id].append(self._event(tried))
            self._lives.pop((kind, id), None)
        self._taken_in = len(self.tried)

    def _event(self, tried: Tried) -> Event:
        """As much of the event as says what happens, and when."""
        type, time, id, number, data = tried
        subject = f"{TYPES[type].kind.name}/{id}"
        said = {"type": type, "subject": subject, "time": time or self.now, "sequence": f"{number}", "data": data}
        return cast(Event, said)
