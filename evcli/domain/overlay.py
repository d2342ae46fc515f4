"""A Draft: a State on top of another, which stays unchanged until the draft is settled.

A new event is tried on a draft before it is written, and events newer than the cache are folded onto a draft over it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.domain.state import Count, Declining, State, Steps, place_of_word, words_among
from evcli.kinds import KINDS, TYPES


class Below(State, Protocol):
    """A State that can be asked for many records at once, because single look-ups are slow."""

    def get_many(self, kind: str, ids: Iterable[int]) -> Iterable[Any]:
        """The existing records with these ids."""

    def are_live(self, kind: str, ids: Iterable[int]) -> bool:
        """Whether these records plainly are live; if not, one may have ended. Nothing may be decided by it alone."""

    def holders(self, kind: str, keys: Iterable[str]) -> Mapping[str, Any]:
        """The live record of each of these unique keys that has one."""


def records_of(state: State, kind: str, ids: Sequence[int]) -> dict[int, Any]:
    """The existing records with these ids, by id; unlike after single look-ups, a draft remembers none of them."""
    if isinstance(state, Draft):
        return state.records_of(kind, ids)
    if hasattr(state, "get_many"):
        many: Below = state  # type: ignore[assignment]  # as just checked
        return {record.id: record for record in many.get_many(kind, ids)}
    return {id: record for id in ids if (record := state.get(kind, id)) is not None}


def are_live(state: State, kind: str, ids: Sequence[int]) -> bool:
    """Whether these records plainly are live; if not, look at each. It is fast, and nothing may be decided by it."""
    if isinstance(state, Draft):
        return state.are_live(kind, ids)
    if hasattr(state, "are_live"):
        many: Below = state  # type: ignore[assignment]  # as just checked
        return many.are_live(kind, ids)
    return False


class Draft:
    """Changes stay in the draft; the state below is unchanged. Answers from below are remembered."""

    takes_any_id: bool

    def __init__(self, below: State, *, takes_any_id: bool = False) -> None:
        """With `takes_any_id`, records may begin with any id that none has; so too in drafts on top of this one."""
        self.number = below.number
        self._below = below
        self.takes_any_id = takes_any_id or (isinstance(below, Draft) and below.takes_any_id)
        self.puts: list[tuple[str, Any, Any]] = []
        """The changes, in order: kind, the record before, the record after."""
        self._layers = _Layers(below, self.puts, takes_any_id=self.takes_any_id)
        self.steps, self.quick = Steps(self._layers), Declining()

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        return self._layers[kind].get(id)

    def records_of(self, kind: str, ids: Sequence[int]) -> dict[int, Any]:
        """The existing records with these ids, by id."""
        changed = self._layers[kind].changed
        ours = {id: changed[id] for id in ids if id in changed}
        return records_of(self._below, kind, [id for id in ids if id not in ours]) | ours

    def are_live(self, kind: str, ids: Sequence[int]) -> bool:
        """Whether these records plainly are live."""
        changed = self._layers[kind].changed
        ours = [changed[id] for id in ids if id in changed]
        below = [id for id in ids if id not in changed]
        return all(each[-1] is None for each in ours) and (not below or are_live(self._below, kind, below))

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        layer = self._layers[kind]
        id = layer.held(key)
        return None if id is None else layer.get(id)

    def last_id(self, kind: str) -> int:
        """The highest id ever given to this kind."""
        return self._layers[kind].last_id()

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        layer, below = self._layers[kind], self._below.count(kind)
        live = below.live + layer.more_live
        return Count(live, below.live + below.ended + layer.begun - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        changed = self._layers[kind].changed
        unchanged = (each for each in self._below.records(kind, live_only=live_only) if each.id not in changed)
        ours = (changed[id] for id in sorted(changed) if not live_only or changed[id][-1] is None)
        from heapq import merge

        return merge(unchanged, ours, key=lambda record: record.id)

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        layer = self._layers[kind]
        changed, of_kind = layer.changed, KINDS[kind]
        if layer.by_word is None:
            layer.by_word = {}
            for record in changed.values():
                layer.index(record)
        ours = [changed[id] for id in layer.by_word.get(word, ())]
        unchanged = (record for record in self._below.called(kind, word) if record.id not in changed)
        return chain([record for record in ours if word in of_kind.words(record)], unchanged)

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        changed = self._layers[kind].changed
        below = self._below.words(kind, start, backward=backward)
        unchanged = ((word, record) for word, record in below if record.id not in changed)
        ours = words_among(kind, changed.values(), start, backward=backward)
        from heapq import merge

        return merge(unchanged, ours, key=place_of_word, reverse=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Fetch from below at once the records that `events` are about and the holders of the keys that they claim."""
        for kind in {TYPES[type].kind for type in {event["type"] for event in events}}:
            ours = [event for event in events if TYPES[event["type"]].kind is kind]
            claimed = {kind.claimed_key(event["data"]) for event in ours}
            self.fetch(kind.name, {int(event["subject"][kind.prefix :]) for event in ours}, claimed)

    def fetch(self, kind: str, ids: Iterable[int], keys: Iterable[str | None]) -> None:
        """Fetch from below, at once, the records with these ids and the holders of these unique keys."""
        below = self._below
        if isinstance(below, Draft):
            below.fetch(kind, ids, keys)
            return
        if not hasattr(below, "get_many"):
            return
        many: Below = below  # type: ignore[assignment]  # as just checked
        layer = self._layers[kind]
        changed, seen, holders, last = layer.changed, layer.seen, layer.holders, layer.last_id_below
        unseen = [id for id in ids if id <= last and id not in changed and id not in seen]
        unknown = [key for key in keys if key is not None and key not in holders]
        if unseen:
            for record in many.get_many(kind, unseen):
                seen[record.id] = record
                key = layer.key(record) if record[-1] is not None else None  # in case it is revived
                if key is not None and key not in holders:
                    unknown.append(key)
        if unknown:
            found = many.holders(kind, unknown)
            for key in unknown:
                record = found.get(key)
                holders[key] = None if record is None else record.id
                if record is not None:
                    seen.setdefault(record.id, record)

    def get_many(self, kind: str, ids: Iterable[int]) -> list[Any]:
        """The existing records with these ids; nothing is remembered of them."""
        changed, wanted = self._layers[kind].changed, list(ids)
        below = get_many(self._below, kind, [id for id in wanted if id not in changed])
        return [*below, *(changed[id] for id in wanted if id in changed)]

    def holders(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """The live record of each of these unique keys that has one; nothing is remembered of them."""
        layer, wanted = self._layers[kind], list(keys)
        known = {key: layer.get(id) for key in wanted if (id := layer.holders.get(key)) is not None}
        found = holders(self._below, kind, [key for key in wanted if key not in layer.holders])
        return known | {key: layer.changed.get(record.id, record) for key, record in found.items()}

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Replace `before` with `record`, and index its unique key while it is live."""
        layer = self._layers[kind]
        layer.put(record.id, before, record, layer.key(record) if record[-1] is None else None)

    def begin_over(self, below: State) -> None:
        """Restart over another state, which already includes all changes of this draft."""
        self.__init__(below)  # type: ignore[misc]  # reset everything

    def settle(self) -> None:
        """Apply the changes to the state below, one event after another. The draft cannot be used afterwards."""
        below, number = self._below, self._below.number
        for kind, before, record in self.puts:
            below.put(kind, before, record)
            number += 1
            below.number = number


def get_many(state: State, kind: str, ids: Iterable[int]) -> list[Any]:
    """The existing records of a state with these ids."""
    if hasattr(state, "get_many"):
        return list(state.get_many(kind, ids))
    return [record for id in ids if (record := state.get(kind, id)) is not None]


def holders(state: State, kind: str, keys: Iterable[str]) -> Mapping[str, Any]:
    """The live record of a state for each of these unique keys that has one."""
    if hasattr(state, "holders"):
        found: Mapping[str, Any] = state.holders(kind, keys)
        return found
    return {key: record for key in keys if (record := state.holder(kind, key)) is not None}


class _Layers(dict[str, "_Layer"]):
    """One layer per kind, made on first use."""

    def __init__(self, below: State, puts: list[tuple[str, Any, Any]], *, takes_any_id: bool) -> None:
        super().__init__()
        self._below, self._puts, self._takes_any_id = below, puts, takes_any_id

    def __missing__(self, kind: str) -> "_Layer":
        layer = self[kind] = _Layer(self._below, KINDS[kind], self._puts, takes_any_id=self._takes_any_id)
        return layer


class _Layer:
    """A draft's records of one kind."""

    def __init__(self, below: State, kind: Kind, puts: list[tuple[str, Any, Any]], *, takes_any_id: bool) -> None:
        self._below, self._kind, self._puts, self.takes_any_id = below, kind, puts, takes_any_id
        self.changed: dict[int, Any] = {}
        self.seen: dict[int, Any] = {}
        """Records fetched from below."""
        self.holders: dict[str, int | None] = {}
        """The holder of each key that was looked up or changed here."""
        self.last_id_below = self._last_id = below.last_id(kind.name)
        self.more_live = self.begun = 0
        self.key = kind.key
        self.by_word: dict[str, set[int]] | None = None
        """Changed records by every word they have, or had, in this draft; kept from the first look-up on."""

    def get(self, id: int) -> Any:
        record = self.changed.get(id)
        if record is None:
            record = self.seen.get(id)
            if record is None and id <= self.last_id_below:
                record = self.seen[id] = self._below.get(self._kind.name, id)
        return record

    def held(self, key: str) -> int | None:
        holders = self.holders
        if key not in holders:
            record = self._below.holder(self._kind.name, key)
            holders[key] = None if record is None else record.id
            if record is not None:
                self.seen.setdefault(record.id, record)
        return holders[key]

    def last_id(self) -> int:
        return self._last_id

    def put(self, id: int, before: Any, after: Any, key: str | None) -> None:
        if before is None:
            self._last_id = max(self._last_id, id)
            self.begun += 1
        elif before[-1] is None:
            if (old := self.key(before)) is not None:
                self.holders[old] = None
            self.more_live -= 1
        if key is not None:
            self.holders[key] = id
        if after[-1] is None:
            self.more_live += 1
        self.keep(id, before, after)

    def keep(self, id: int, before: Any, after: Any) -> None:
        self.changed[id] = after
        if self.by_word is not None:
            self.index(after)
        self._puts.append((self._kind.name, before, after))

    def index(self, record: Any) -> None:
        """Index the words of a changed record."""
        if self.by_word is not None:
            for word in self._kind.words(record):
                self.by_word.setdefault(word, set()).add(record.id)
