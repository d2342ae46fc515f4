"""What happened to each record, and who ever had a unique key: by the cache, the lines after it, and what is tried.

Nothing here sorts or folds the whole log. Lines that the cache does not know are read once, and then only new ones.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import cast

from evcli.cache import CacheFailed
from evcli.domain.event import Event, subject_of
from evcli.domain.fitting import Overtaken, fit, overtaken
from evcli.domain.kind import Begins, Kind
from evcli.domain.life import Life
from evcli.domain.state import State
from evcli.errors import Refused
from evcli.kinds import KINDS, TYPES
from evcli.log import START, Position
from evcli.log.reader import Reader
from evcli.register.decide import Change, Intention
from evcli.register.history import History
from evcli.register.setters import leads

Record = tuple[str, int]
"""The name of a kind, and the id of a record."""
Key = tuple[str, str]
"""The name of a kind, and a unique key."""


class Recorded:
    """What is recorded, up to the head that a register knows."""

    def __init__(self, history: History, reader: Reader) -> None:
        self._history, self._reader = history, reader
        self._begin_after(START)

    def _begin_after(self, known: Position) -> None:
        self._known = self._at = known
        self._places = defaultdict[Record, list[int]](list)
        """Where the events about each record are that the cache does not know."""
        self._claimed = defaultdict[Key, set[int]](set)
        """Which records claimed each unique key by them."""

    def catch_up(self, state: State, at: Position) -> None:
        """Read the events up to `at`, where the state is `state`. Raises Damaged."""
        self.state = state
        cache = self._history.cache(self._reader, may_grow=False) if at.number else None
        known = START if cache is None else cache.at
        if known.number != self._known.number:
            self._begin_after(known)
        if self._at.number < at.number:
            for events, places in self._reader.bundles(self._at, at.number):
                for event, place in zip(events, places, strict=False):
                    kind, id = subject_of(event)
                    self._places[kind, id].append(place)
                    key = TYPES[event["type"]].kind.claimed_key(event["data"])
                    if key is not None:
                        self._claimed[kind, key].add(id)
            self._at = at

    def events(self, kind: Kind, id: int) -> list[Event]:
        """The events about a record, oldest first. They lead to it, or the cache is faulty, and given up."""
        cache = self._history.cache(self._reader, may_grow=False) if self._known.number else None
        try:
            known = [] if cache is None else cache.state(self._known.number).events_about(kind.name, id)
            places = [*(place for _, place in known), *self._places.get((kind.name, id), ())]
            events = [self._reader.event_at(place) for place in places]
            if cache is not None and not leads(kind, id, None, self.state.get(kind.name, id), events):
                raise CacheFailed("one of its rows is missing or wrong", is_faulty=True)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.events(kind, id)
        return events

    def ever_had(self, kind: Kind, keys: Collection[str]) -> dict[str, set[int]]:
        """The ids of the records that ever had each of these unique keys, live or not."""
        cache = self._history.cache(self._reader, may_grow=False) if self._known.number else None
        try:
            found = {} if cache is None else cache.state(self._known.number).ever_had(kind.name, keys)
        except CacheFailed as failed:
            self._give_up(failed)
            return self.ever_had(kind, keys)
        return {key: found.get(key, set()) | self._claimed.get((kind.name, key), set()) for key in keys}

    def _give_up(self, failed: CacheFailed) -> None:
        self._history.give_up(failed)
        self.catch_up(self.state, self._at)


Tried = tuple[str, str | None, int, int, Mapping[str, str]]
"""Of an event that is tried: its type, when it happened (None: now), the id of its record, its number, its data."""


class Trial:
    """The same, and what is tried after it, one event after another; late ones must fit where they happened."""

    def __init__(self, recorded: Recorded, now: str) -> None:
        """`now` is when everything happens that does not say when, in the log's time format."""
        self._recorded, self._now = recorded, now
        self.overtaken: dict[Record, Overtaken] = {}
        """The records of which something that happened later says something else than a late event."""
        self._events = defaultdict[Record, list[Event]](list)
        self._claimed = defaultdict[Key, set[int]](set)
        self._new: list[Tried] = []
        self._had: dict[Key, set[int]] = {}
        self._lives: dict[Record, Life] = {}
        self._fit: tuple[Life, Event] | None = None

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

    def check(self, intention: Intention, id: int, number: int) -> None:
        """Raise NotThen or BreaksLater if the intention, as event `number`, does not fit where it happened."""
        each = TYPES[intention.type]
        if type(each) is Begins and each.rule is None and each.apply is None:
            # Most rows of an import: nothing else can have happened to the record, nor to another one with its key.
            key = each.kind.claimed_key(intention.data)
            if key is None or not self.ever_had(each.kind, key):
                return
        event = self._event((intention.type, intention.time, id, number, intention.data))
        found = fit(self, each.kind, id, event)
        if isinstance(found, Refused):
            raise found
        self._fit = found, event

    def happened(self, change: Change, number: int) -> None:
        """An intention was accepted as event `number`."""
        wanted, id = change.intention, change.id
        if self._fit is not None:
            life, event = self._fit
            record, over = (life.kind.name, id), overtaken(life, event, change.after)
            self.overtaken.pop(record, None)
            if over is not None:
                self.overtaken[record] = over
            self._fit = None
        self._new.append((wanted.type, wanted.time, id, number, wanted.data))

    def life(self, kind: Kind, id: int) -> Life:
        """What happened to a record; nothing, if there is none."""
        self._take_in()
        found = self._lives.get((kind.name, id))
        if found is None:
            tried = self._events.get((kind.name, id), ())
            found = self._lives[kind.name, id] = Life(kind, id, [*self._recorded.events(kind, id), *tried])
        return found

    def ever_had(self, kind: Kind, key: str) -> set[int]:
        """The ids of the records that may ever have had a unique key."""
        self._take_in()
        had = self._had.get((kind.name, key))
        if had is None:
            had = self._had[kind.name, key] = self._recorded.ever_had(kind, [key])[key]
        tried = self._claimed.get((kind.name, key))
        return had | tried if tried else had

    def last_id(self, kind: str) -> int:
        """The highest id ever given to a kind."""
        self._take_in()
        return max(self._recorded.state.last_id(kind), *(id for name, id in self._events if name == kind), 0)

    def _take_in(self) -> None:
        for tried in self._new:
            type, _, id, _, data = tried
            kind = TYPES[type].kind
            self._events[kind.name, id].append(self._event(tried))
            self._lives.pop((kind.name, id), None)
            if (key := kind.claimed_key(data)) is not None:
                self._claimed[kind.name, key].add(id)
        self._new.clear()

    def _event(self, tried: Tried) -> Event:
        """As much of the event as says what happens, and when."""
        type, time, id, number, data = tried
        subject = f"{TYPES[type].kind.name}/{id}"
        said = {"type": type, "subject": subject, "time": time or self._now, "sequence": f"{number}", "data": data}
        return cast(Event, said)
