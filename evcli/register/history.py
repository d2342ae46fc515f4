"""The history of a log: its state after any event, and the events about one record, with or without the cache.

Without a cache, a state is folded in memory from the beginning. With one, it is looked up, and only the events that the
cache lacks are folded on top. Both give the same answer; with the cache, a million events are as fast as ten.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evcli.cache import CacheFailed
from evcli.cache.location import claim_of, find_place, forget
from evcli.domain.event import Event, number_of, subject_of
from evcli.domain.overlay import Draft
from evcli.domain.state import Foldable, MemoryState, State
from evcli.domain.text import is_unicode
from evcli.errors import Damaged, LogCut, NewerLog
from evcli.log import START, Log, Position
from evcli.log.reader import Reader
from evcli.log.replay import replay

if TYPE_CHECKING:
    from evcli.cache.cache import Cache
    from evcli.cache.database import Progress

MOST_BEHIND = 100_000
"""Maximum lag of the cache in bytes, some hundred events: folding them costs less than a commit."""

CACHED_FROM = 300_000
"""A log of fewer bytes needs no cache: folding it is faster than opening one."""


class History:
    """The states a log has been in. Opens the cache on first use, unless it is disabled."""

    def __init__(
        self,
        *,
        uses_cache: bool = True,
        other_folder: Callable[[], str | None] | None = None,
        progress: "Progress | None" = None,
        warn: Callable[[str], None] = lambda warning: None,
    ) -> None:
        """`other_folder` returns the folder for caches that cannot be kept next to their logs; called only if needed.

        `warn` is called when a cache is abandoned; answers then come from the log and are the same.
        """
        self._warn = warn
        self.uses_cache = uses_cache
        self._other_folder = other_folder
        self._progress = progress
        self.most_behind = MOST_BEHIND
        """Maximum lag of the cache in bytes before it is caught up."""
        self._cache: Cache | None = None

    def at(self, reader: Reader, number: int | None = None) -> State:
        """The state after event `number` of the log that `reader` reads (None: the last one).

        Raises Damaged, LogCut.
        """
        cache = self.cache(reader)
        if cache is not None and number is not None and number <= cache.at.number:
            return self.backed(cache, reader.log, number)
        state: Foldable = MemoryState() if cache is None else Draft(self.backed(cache, reader.log))
        replay(reader, state, START if cache is None else cache.at, number)
        return state

    def backed(self, cache: "Cache", log: Log, number: int | None = None) -> State:
        """The cache's state after event `number` (None: the last it knows), backed by `log`.

        What the cache cannot answer, or answers wrongly, is folded from the log; the cache is then abandoned.
        """
        from evcli.cache.backed import BackedState

        def fold(failed: CacheFailed, number: int) -> State:
            self.give_up(failed)
            state = MemoryState()
            replay(Reader(log), state, START, number)
            return state

        return BackedState(cache.state(number), fold)

    def give_up(self, failed: CacheFailed) -> None:
        """Stop using the cache. A faulty one is set aside, and the next command builds another."""
        if not self.uses_cache:  # another part of the same cache, which is already abandoned
            return
        cache, self._cache, self.uses_cache = self._cache, None, False
        # Not closed here: a partial answer may still be in progress; its rest is then folded from the log.
        path = cache.path if cache is not None else failed.path
        what = f"the cache {path} cannot be used ({failed})"
        if failed.is_faulty:
            from evcli.cache.location import set_aside

            with suppress(OSError):
                what = f"the cache {path} is faulty ({failed}); it was moved to {set_aside(path)} and will be rebuilt"
        self._warn(what)

    def position(self, reader: Reader, number: int) -> Position:
        """The position after event `number`, for which `at` returned a state. What follows need not be good."""
        if number == reader.at.number and reader.follows(reader.at):
            return reader.at
        known = START if self._cache is None else self._cache.at
        try:
            return reader.position_of(number, known if number <= known.number else None)
        except (Damaged, NewerLog):  # of a later line, perhaps: then all lines up to this event are good
            forward = Reader(reader.log)
            deque(forward.events(START, number), maxlen=0)
            return forward.at

    def change(self, reader: Reader, number: int) -> tuple[Event, Any, Any]:
        """Event `number` (from 1), and its record before and after it. Raises Damaged, LogCut."""
        state = Draft(self.at(reader, number - 1))
        before_it = self.position(reader, number - 1)
        event = next(reader.events(before_it, number))
        kind, id = subject_of(event)
        before = state.get(kind, id)
        replay(reader, state, before_it, number)
        return event, before, state.get(kind, id)

    def events_about(
        self, reader: Reader, kind: str, id: int, until: int, *, after: int = 0, backward: bool = False
    ) -> Iterator[Event]:
        """The events about one record, after event `after` and up to event `until`, oldest or newest first."""
        cache = self.cache(reader)
        known = START if cache is None else cache.at
        looked_up: list[tuple[int, int]] = []
        if cache is not None:
            try:
                looked_up = cache.state(min(until, known.number)).events_about(kind, id)
            except CacheFailed as failed:
                self.give_up(failed)
                known = START
        places = [byte for number, byte in looked_up if number > after]
        if not backward:
            yield from map(reader.event_at, places)
        if known.number < until:
            subject = f"{kind}/{id}"
            unknown = reader.events_backward(self.position(reader, until)) if backward else reader.events(known, until)
            for event in unknown:
                if number_of(event) <= known.number:
                    break
                if event["subject"] == subject and number_of(event) > after:
                    yield event
        if backward:
            yield from map(reader.event_at, reversed(places))

    def find_ids(self, reader: Reader, prefix: str, *, exact: bool = False, may_grow: bool = True) -> list[Event]:
        """The first ten events whose id starts with `prefix`, or equals it."""
        cache = self.cache(reader, may_grow=may_grow)
        if cache is None or not is_unicode(prefix):
            return reader.find_ids(prefix, exact=exact)
        try:
            places, known = cache.find_ids(reader, prefix, 10, exact=exact, may_grow=may_grow)
        except CacheFailed as failed:
            self.give_up(failed)
            return reader.find_ids(prefix, exact=exact)
        return [*map(reader.event_at, places), *reader.find_ids(prefix, exact=exact, start=known)][:10]

    def with_ids(self, reader: Reader, ids: Collection[str], *, may_grow: bool = True) -> list[Event]:
        """The events that have exactly one of these ids, oldest first."""
        cache = self.cache(reader, may_grow=may_grow)
        if cache is None:
            return reader.with_ids(ids)
        try:
            found = [cache.find_ids(reader, id, 10, exact=True, may_grow=may_grow) for id in ids]
        except CacheFailed as failed:
            self.give_up(failed)
            return reader.with_ids(ids)
        known = min(until for _, until in found)
        places = sorted({place for places, _ in found for place in places if place < known})
        return [*map(reader.event_at, places), *reader.with_ids(ids, start=known)]

    def cache(self, reader: Reader, *, may_grow: bool = True, finds: bool = False) -> "Cache | None":
        """The cache, or None. If it is far behind, it is caught up first, unless `may_grow` is false.

        It must not grow under the log's lock: other writers are waiting. With `finds`, records will be looked up by
        key or name, perhaps under that lock: a cache that may grow is made ready for it.

        Raises:
            LogCut: it knows more than the log has.
        """
        cache = self._cache
        if cache is None:
            is_long = may_grow and reader.log.end >= CACHED_FROM and reader.identity() is not None
            cache = self._opened(reader, may_build=is_long)
        if cache is not None and may_grow:
            try:
                if reader.log.end - cache.at.place >= self.most_behind:
                    cache.catch_up(reader)
                if finds and cache.is_bound:
                    cache.need_words()
            except CacheFailed as failed:
                self.give_up(failed)
                return None
        return cache if cache is not None and cache.is_bound else None

    def is_behind(self, at: Position, most: int) -> bool:
        """Whether the cache is so far behind `at`, by `most` bytes, that it should be caught up."""
        known = START if self._cache is None else self._cache.at
        return self.uses_cache and at.place >= CACHED_FROM and at.place - known.place >= most

    @property
    def cache_path(self) -> str | None:
        """The cache's file, once the cache is used."""
        return self._cache.path if self._cache is not None and self._cache.is_bound else None

    def check(self, reader: Reader) -> None:
        """Check that the log still has everything its cache knows, if there is one; changes nothing. Raises LogCut.

        Usually the cache's header says where the last event that it knows is, and the log's own line proves the rest.
        """
        place = self._place(reader, may_build=False)
        if place is not None and not claim_of(place).is_kept(reader.log):
            self._open(place, reader)

    def check_missing(self, log: Log) -> None:
        """Check for a cache that knows a missing log, which therefore once existed; changes nothing. Raises LogCut."""
        may_be = self.uses_cache and log.path is not None
        place = find_place(log.name, self._other_folder, may_create=False) if may_be else None
        if place is not None:
            from evcli.cache.cache import last_known

            if known := last_known(place):
                raise LogCut(log.name, *known, 0, place)

    def _opened(self, reader: Reader, *, may_build: bool) -> "Cache | None":
        place = self._place(reader, may_build=may_build)
        if place is not None:
            self._open(place, reader)
        return self._cache

    def _place(self, reader: Reader, *, may_build: bool) -> str | None:
        """Where a cache is that is not open yet."""
        if self._cache is not None or not self.uses_cache or reader.log.path is None:
            return None
        return find_place(reader.log.name, self._other_folder, may_create=may_build)

    def _open(self, place: str, reader: Reader) -> None:
        from evcli.cache.cache import open_cache

        try:
            self._cache = open_cache(place, reader, self._progress)
        except CacheFailed as failed:  # do not wait twice for a cache that is out of reach
            failed.path = place
            self.give_up(failed)

    def forget(self, log: str) -> None:
        """Remove the caches of the log at that path: they know events that the log is about to lose. Raises OSError."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None
        forget(log, self._other_folder)
