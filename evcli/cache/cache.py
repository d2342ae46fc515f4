"""The cache of one log: bound to it by identity, offset and hash, and caught up from it by the fold's own steps.

It may lag behind; whoever uses it folds the rest. What it takes in was checked as it was read and is durable in the
log before it is here, so a cache that knows more than its log says that the log was cut. SQLite syncs each commit with
its journal (https://sqlite.org/atomiccommit.html): a cut of the power leaves the cache as it was before or after one.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import sleep
from typing import Protocol

import orjson

from evcli import __version__
from evcli.cache.place import create, remove
from evcli.cache.spans import SpanState, add, add_ids, events_about, make_tables, places_of
from evcli.domain.draft import Draft
from evcli.domain.event import Event
from evcli.domain.kinds import KINDS
from evcli.errors import Damaged, LogCut, OutcomeUnknown
from evcli.eventlog.format import FIRST_BYTES
from evcli.eventlog.position import START, Position
from evcli.eventlog.reading import LogReader
from evcli.replay import replay

AT_ONCE = 20_000
"""So many events go into the tables together: rows that belong side by side then meet, and memory stays bounded."""

PAGES_KIB = 48 << 10
"""KiB of memory for pages of the file while a cache is built."""

VERSION = f"1 of {__version__}"
"""What a cache must say to be used: another release may check more, and checks an event when it enters."""

BUSY_SECONDS = 30.0
"""How long to wait while another process builds the cache: as long as building a large one takes."""


class Progress(Protocol):
    """Shows how far something long is."""

    def show(self, done: int, total: int | None, count: int) -> None:
        """So many bytes of so many are done, which were so many events."""

    def end(self) -> None:
        """It is done, or has failed."""


class Cache:
    """What is known of one log up to event `at`."""

    def __init__(self, path: str, reader: LogReader) -> None:
        """Open the cache file at `path` for the log that `reader` reads. Raises sqlite3.Error, LogCut, Damaged."""
        self.path = path
        self._db = sqlite3.connect(
            f"file:{_quoted(path)}?mode=rw", uri=True, isolation_level=None, timeout=BUSY_SECONDS
        )
        # The journal is SQLite's own default; said here because everything above relies on it.
        self._db.execute("PRAGMA journal_mode = DELETE")
        self._db.execute("PRAGMA synchronous = FULL")
        self.at = START
        self._live: dict[str, int] = {}
        self.is_bound = self._bind(reader)
        """Whether it is a cache of that log, as far as event `at`."""

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def state(self, number: int | None = None) -> SpanState:
        """The state after event `number`, which the cache knows; after the last that it knows, when None."""
        is_last = number is None or number == self.at.number
        return SpanState(self._db, self.at.number if number is None else number, dict(self._live) if is_last else None)

    def events_about(self, kind: str, id: int, until: int) -> list[tuple[int, int]]:
        """Number and first byte of each event about one record, up to event `until`, which the cache knows."""
        return events_about(self._db, kind, id, until)

    def find_ids(self, reader: LogReader, prefix: str, most: int, *, exact: bool) -> list[int]:
        """The bytes at which the lines of the first events begin whose id is `prefix`, or begins with it.

        Few ask for ids, so that they are taken in only then, and once. Raises sqlite3.Error when they cannot be.
        """
        (known,) = self._db.execute("SELECT byte FROM ids_known").fetchone()
        if known < self.at.offset:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                (known,) = self._db.execute("SELECT byte FROM ids_known").fetchone()
                add_ids(self._db, _ids_in(reader, known, self.at.offset))
                self._db.execute("UPDATE ids_known SET byte = max(byte, ?)", (self.at.offset,))
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        # Another process may have taken in more than this one knows.
        places = places_of(self._db, prefix, most, exact=exact)
        return [byte for byte in places if byte < self.at.offset]

    def caught_up(self, reader: LogReader, progress: Progress | None = None) -> "Cache | None":
        """Give this cache, with what the log has by now, if that could be taken in; None when it is of no use.

        A cache of another log, or of another release, begins anew. A log that is damaged is taken in up to the damage.
        """
        # A few events are not worth waiting for somebody who reads; a whole log is worth waiting for who builds.
        patience = 0 if self.is_bound else BUSY_SECONDS
        try:
            if _is_settled(reader):
                self._db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
                self._catch_up(reader, progress)
        except sqlite3.Error:
            self.at, self.is_bound = START, False
            with suppress(sqlite3.Error):
                self.is_bound = self._bind(reader)
        finally:
            if progress:
                progress.end()
            self._db.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        return self if self.is_bound else None

    def _catch_up(self, reader: LogReader, progress: Progress | None) -> None:
        if not self.is_bound:
            self._db.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self.is_bound = self._bind(reader)  # another process may have caught up meanwhile
            if not self.is_bound:
                make_tables(self._db)
                self.at, self._live = START, dict.fromkeys(KINDS, 0)
            self._take_in(reader, progress)
            self._note(reader)
            self._db.execute("COMMIT")
            self.is_bound = True
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _note(self, reader: LogReader) -> None:
        """Write down how far the cache is, and of which log."""
        self._db.execute("CREATE TABLE IF NOT EXISTS log (version, identity, number, byte, sha256, recorded, live)")
        self._db.execute("DELETE FROM log")
        live = ",".join(f"{kind}:{count}" for kind, count in self._live.items())
        row = (VERSION, reader.identity(), self.at.number, self.at.offset, self.at.sha256, self.at.recorded, live)
        self._db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _bind(self, reader: LogReader) -> bool:
        """Whether this is a cache of that log; then `at` is as far as it knows it. Raises LogCut."""
        try:
            row = self._db.execute("SELECT version, identity, number, byte, sha256, recorded, live FROM log").fetchone()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):  # empty, or of another time
                return False
            raise
        if row is None or row[0] != VERSION:
            return False
        _, identity, number, byte, sha256, recorded, live = row
        if byte > reader.end.offset:
            reader.refresh()  # it may only have grown since it was opened
        if number and reader.identity() not in (identity, None):
            return False
        if byte > reader.end.offset:
            raise LogCut(reader.path, number, byte, reader.end.offset, self.path)
        at = Position(number, byte, sha256, recorded)
        if not reader.follows(at):
            return False
        self.at = at
        self._live = {kind: int(count) for kind, _, count in (each.partition(":") for each in live.split(","))}
        return True

    def _take_in(self, reader: LogReader, progress: Progress | None) -> None:
        """Replay the rest of the log, and put what it does to records into the tables."""
        begin, end = self.at, reader.end.offset
        intake, places = Draft(self.state()), list[int]()

        def settle() -> None:
            for kind in KINDS:
                self._live[kind] += add(self._db, kind, zip(intake.puts, places, strict=True))
            intake.begin_over(SpanState(self._db, intake.number))
            places.clear()

        def each(_: Sequence[Event], offsets: Sequence[int]) -> None:
            places.extend(offsets)
            if len(places) >= AT_ONCE:
                settle()
                if progress:
                    progress.show(reader.line_offset - begin.offset, end - begin.offset, intake.number - begin.number)

        with suppress(Damaged):  # whoever asks for what follows reads it, and says so
            replay(reader, intake, self.at, each=each)
        settle()
        self.at = reader.at


def open_cache(path: str, reader: LogReader, *, may_build: bool) -> Cache | None:
    """The cache at `path`, as it was left; None when it is of no use and may not be built.

    Raises:
        LogCut: the cache knows more than the log that `reader` reads has.
    """
    for _ in range(2):
        try:
            cache = Cache(path, reader)
        except sqlite3.OperationalError:  # busy, or out of reach
            return None
        except sqlite3.DatabaseError:  # not a database, or one that is broken
            try:
                remove(path)
            except OSError:
                return None
            if not (may_build and create(path)):
                return None
            continue
        if cache.is_bound or may_build:
            return cache
        cache.close()
        return None
    return None


def last_known(path: str) -> tuple[int, int] | None:
    """The last event that the cache at `path` knows, and the byte after it; None when it knows none."""
    try:
        db = sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)
        try:
            known: tuple[int, int] | None = db.execute("SELECT number, byte FROM log WHERE number > 0").fetchone()
            return known
        finally:
            db.close()
    except sqlite3.Error:
        return None


def _ids_in(reader: LogReader, start: int, stop: int) -> Iterator[tuple[str, int]]:
    """The id of each event between two bytes, and the byte at which its line begins; the lines were checked before."""
    offset = start
    begin = len(FIRST_BYTES) - 1
    for line in reader.lines(start, stop):
        # Inside a text of JSON, a quote has a backslash before it: so only the next member can look like this.
        yield orjson.loads(line[begin : line.index(b',"source":')]), offset
        offset += len(line)


def _is_settled(reader: LogReader) -> bool:
    """Make sure that what the log has will stay: no writer is in the middle of a line, and all is on the disk.

    What is read beside a writer may be taken back when its sync fails; a cache that had it would cry wolf.
    """
    for _ in range(100):
        with reader.alone() as is_alone:
            if is_alone:
                reader.refresh()
                try:
                    reader.sync()
                except OutcomeUnknown:
                    return False
                return True
        sleep(0.01)
    return False


def _quoted(path: str) -> str:
    """A path as it stands in a URI."""
    plain = b"/._-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(chr(byte) if byte in plain else f"%{byte:02x}" for byte in os.fsencode(path))
