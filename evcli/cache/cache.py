"""The cache of one log: bound to it by identity, offset and hash, and caught up from it by the fold's own steps.

It may lag behind; readers fold the rest. It stores only events that were checked and are durable in the log, so if a
cache knows more than its log, the log was truncated. SQLite syncs each commit with its journal
(https://sqlite.org/atomiccommit.html): a power failure leaves the cache as it was before or after a commit.
"""

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from evcli.cache import CacheFailed
from evcli.cache.database import VERSION, Known, connect, nothing, write_down
from evcli.cache.guard import failing_cache
from evcli.cache.location import copy_of_a_repair, is_there
from evcli.cache.spans import SpanState
from evcli.cache.tables import IDS_KNOWN, places_of, row_of_log
from evcli.cache.words import need_words
from evcli.errors import Damaged, LogCut, OutcomeUnknown
from evcli.log import Position
from evcli.log.reader import Reader

if TYPE_CHECKING:
    from evcli.cache.database import Progress
    from evcli.cache.late_events import LateEvents

BUSY_SECONDS = 2.0
"""Seconds to wait for another process to commit; a new cache is built in a separate file, so nobody waits for that."""


class Cache:
    """What is known of one log up to event `at`."""

    def __init__(self, path: str, progress: "Progress | None" = None) -> None:
        """The cache at `path`, existing or not: nothing is known until it is opened."""
        self.path = path
        self._progress = progress
        self._known = nothing()
        self._db: sqlite3.Connection | None = None

    @property
    def at(self) -> Position:
        """The position after the last event that the cache knows."""
        return self._known.at

    @property
    def is_bound(self) -> bool:
        """Whether this is a cache of the log and knows any of its events."""
        return self._known.at.number > 0

    @property
    def db(self) -> sqlite3.Connection:
        """The database of a bound cache."""
        assert self._db is not None, "the cache is not bound"  # noqa: S101
        return self._db

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def state(self, number: int | None = None) -> SpanState:
        """The state after event `number`, which the cache must know (None: the last that it knows)."""
        if number is None or number == self.at.number:
            return SpanState(self.db, self.at.number, dict(self._known.live), self._progress)
        return SpanState(self.db, number, None, self._progress)

    def late(self, number: int) -> "LateEvents":
        """The events up to event `number`, which the cache must know, that were recorded late, and their records."""
        from evcli.cache.late_events import LateEvents

        return LateEvents(self.db, number, self.at.number, self._known.late)

    def find_ids(self, reader: Reader, prefix: str, most: int, *, exact: bool, may_grow: bool) -> tuple[list[int], int]:
        """Where events begin whose id is `prefix`, or starts with it; and the byte up to which the search is complete.

        Ids are rarely looked up, so they are stored only on the first lookup.
        """
        with failing_cache():
            known = IDS_KNOWN.get(self.db)
            if known < self.at.place and may_grow:
                with suppress(sqlite3.OperationalError):  # busy, or the disk is full: the rest is searched in the log
                    known = self._grow_ids(reader)
            known = min(known, self.at.place)  # another process may have stored more than this one knows
            places, others = places_of(self.db, prefix, most, exact=exact)
        if any(reader.has_id(byte, prefix) for byte in others if byte < known):
            raise CacheFailed("two of its tables disagree", is_faulty=True)
        return [byte for byte in places if byte < known], known

    def _grow_ids(self, reader: Reader) -> int:
        from evcli.cache.build import take_in_ids

        self.db.execute("BEGIN IMMEDIATE")
        try:
            take_in_ids(self.db, reader, IDS_KNOWN.get(self.db), self.at.place)
            self.db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise
        return self.at.place

    def need_words(self) -> None:
        """Make sure that records can be looked up by key and name. Raises CacheFailed."""
        with failing_cache():
            need_words(self.db, self.at.number, self._progress)

    def catch_up(self, reader: Reader) -> None:
        """Store what was appended since, if it cannot be taken back; otherwise the cache stays behind.

        A cache of another log or another release is rebuilt. A damaged log is stored up to the damage.
        """
        from evcli.cache.build import build  # most commands only read

        try:
            if not reader.log.settle():
                return
            reader.log.sync()
            if self.is_bound:
                self._catch_up(reader)
            elif build(self.path, reader, self._progress):
                self.close()
                self.open(reader)
        except OutcomeUnknown:
            return  # a cache must not know events that the disk may lose
        except (sqlite3.Error, OSError):
            if self.is_bound:
                with suppress(sqlite3.Error):
                    self._bind(reader)
        finally:
            if self._progress:
                self._progress.end()

    def _catch_up(self, reader: Reader) -> None:
        from evcli.cache.build import take_in

        end = reader.log.end
        # Catching up is not worth waiting for a reader.
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                if self._bind(reader):  # another process may have caught up meanwhile
                    stop = min(end, reader.log.end)  # later lines may still be taken back
                    known = take_in(self.db, self._known, reader, self._progress, stop)
                    write_down(self.db, reader, known)
                    self.db.execute("COMMIT")
                    self._known = known
            finally:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")

    def open(self, reader: Reader) -> None:
        """Open the file for the log that `reader` reads. Raises sqlite3.Error, LogCut."""
        self._db = connect(self.path, BUSY_SECONDS)
        # This is SQLite's default; set explicitly because everything above relies on it.
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = FULL")
        self._bind(reader)

    def _bind(self, reader: Reader) -> bool:
        """Bind this cache to the log and read how far it goes; False if it belongs to another. Raises LogCut."""
        self._known = nothing()
        try:
            version = self.db.execute("SELECT version FROM log").fetchone()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):  # empty, or from another version
                return False
            raise
        if version != (VERSION,):
            return False
        _, identity, number, byte, sha256, recorded, live, late = row_of_log(self.db)
        if byte > reader.log.end:
            with suppress(Damaged):
                reader.log.head()  # perhaps the log has only grown since it was opened
        if reader.identity() not in (identity, None):
            return False
        at = Position(number, byte, sha256.encode(), recorded, batch=None)
        if not reader.follows(at):  # truncated; or truncated, and grown past that place again
            copy = copy_of_a_repair(reader.log.name)
            raise LogCut(reader.log.name, number, byte, reader.log.end, self.path, copy)
        counts = (each.partition(":") for each in live.split(","))
        self._known = Known(at, {kind: int(count) for kind, _, count in counts}, late)
        return self.is_bound


def open_cache(path: str, reader: Reader, progress: "Progress | None" = None) -> Cache:
    """The cache at `path` as it is, or one that is yet to be built.

    Raises:
        LogCut: the cache knows more events than the log that `reader` reads.
        CacheFailed: it cannot be used.
    """
    cache = Cache(path, progress)
    try:
        if is_there(path):
            with failing_cache():
                cache.open(reader)
    except BaseException:
        cache.close()
        raise
    return cache


def last_known(path: str) -> tuple[int, int] | None:
    """The last event that the cache at `path` knows, and the byte after it; None if it knows none."""
    try:
        db = connect(path, BUSY_SECONDS)
        try:
            known: tuple[int, int] | None = db.execute("SELECT number, byte FROM log WHERE number > 0").fetchone()
            return known
        finally:
            db.close()
    except sqlite3.Error:
        return None
