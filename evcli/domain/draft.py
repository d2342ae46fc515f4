"""A Draft: a State over another, in which events can happen without changing the one below.

So a new event is tried before it is written, and the events that a cache does not know yet are folded over it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import chain
from typing import Any, Protocol

from evcli.domain.event import Event
from evcli.domain.kinds import KINDS, TYPES
from evcli.domain.state import Count, State, place_of_word, words_among, words_of


class Below(State, Protocol):
    """A State that can be asked for many records at once, because asking it one by one is slow."""

    def get_many(self, kind: str, ids: Iterable[int]) -> Iterable[Any]:
        """The records that there are with these ids."""

    def holders(self, kind: str, keys: Iterable[str]) -> Mapping[str, Any]:
        """For each of these unique keys that a live record has, that record."""


class Draft:
    """What is put into it stays here, and the state below it is as before. What was asked below is remembered."""

    def __init__(self, below: State) -> None:
        self.number = below.number
        self._below = below
        self._layers = {name: _Layer(below.last_id(name), kind.unique_key) for name, kind in KINDS.items()}

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""
        layer = self._layers[kind]
        record = layer.changed.get(id)
        if record is None:
            record = layer.seen.get(id)
            if record is None and id <= layer.last_id_below:
                record = layer.seen[id] = self._below.get(kind, id)
        return record

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        holders = self._layers[kind].holders
        if key in holders:
            id = holders[key]
            return None if id is None else self.get(kind, id)
        record = self._below.holder(kind, key)
        if record is None:
            holders[key] = None
            return None
        holders[key] = record.id
        self._layers[kind].seen.setdefault(record.id, record)
        return self.get(kind, record.id)

    def last_id(self, kind: str) -> int:
        """The highest id that was ever given to this kind."""
        return self._layers[kind].last_id

    def count(self, kind: str) -> Count:
        """How many records of the kind there are."""
        layer = self._layers[kind]
        live = self._below.count(kind).live + layer.more_live
        return Count(live, layer.last_id - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or those that live, in order of id."""
        changed = self._layers[kind].changed
        unchanged = (each for each in self._below.records(kind, live_only=live_only) if each.id not in changed)
        ours = (changed[id] for id in sorted(changed) if not live_only or changed[id].destroyed is None)
        return merge(unchanged, ours, key=lambda record: record.id)

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key or whose name, without regard to case, is `word`; live ones first."""
        changed = self._layers[kind].changed
        ours = [record for record in changed.values() if word in words_of(KINDS[kind], record)]
        unchanged = (record for record in self._below.called(kind, word) if record.id not in changed)
        live = [record for record in ours if record.destroyed is None]
        return chain(live, unchanged, [record for record in ours if record.destroyed is not None])

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """What records are called, with the record, in order from `start` on; or backward, from just before `start`."""
        changed = self._layers[kind].changed
        below = self._below.words(kind, start, backward=backward)
        unchanged = ((word, record) for word, record in below if record.id not in changed)
        ours = words_among(kind, changed.values(), start, backward=backward)
        return merge(unchanged, ours, key=place_of_word, reverse=backward)

    def prepare(self, events: Sequence[Event]) -> None:
        """Ask below at once for the records that `events` are about, and for who has the keys that they claim."""
        get_many = getattr(self._below, "get_many", None)
        if get_many is None:
            return
        below: Below = self._below  # type: ignore[assignment]  # as just seen
        for kind, layer in self._layers.items():
            changed, seen, holders, last = layer.changed, layer.seen, layer.holders, layer.last_id_below
            claimed_key, begin = KINDS[kind].claimed_key, len(kind) + 1
            ids, keys = set(), []
            for event in events:
                if TYPES[event["type"]].kind == kind:
                    id = int(event["subject"][begin:])
                    if id <= last and id not in changed and id not in seen:
                        ids.add(id)
                    key = claimed_key(event["data"])
                    if key is not None and key not in holders:
                        keys.append(key)
            if ids:
                for record in below.get_many(kind, ids):
                    seen[record.id] = record
                    if record.destroyed is not None:  # should it be restored
                        keys.append(layer.unique_key(record))
            if keys:
                found = below.holders(kind, keys)
                for key in keys:
                    record = found.get(key)
                    holders[key] = None if record is None else record.id
                    if record is not None:
                        seen.setdefault(record.id, record)

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Keep `record` in the place of `before`, and its unique key while it lives."""
        layer = self._layers[kind]
        if before is None:
            layer.last_id = record.id
        elif before.destroyed is None:
            layer.holders[layer.unique_key(before)] = None
            layer.more_live -= 1
        if record.destroyed is None:
            layer.holders[layer.unique_key(record)] = record.id
            layer.more_live += 1
        layer.changed[record.id] = record


class _Layer:
    """What a draft has of one kind."""

    def __init__(self, last_id: int, unique_key: Callable[[Any], str]) -> None:
        self.changed: dict[int, Any] = {}
        self.seen: dict[int, Any] = {}
        """Records as they are below."""
        self.holders: dict[str, int | None] = {}
        """Of a key that was asked for or changed here: who has it."""
        self.last_id = self.last_id_below = last_id
        self.more_live = 0
        self.unique_key = unique_key
