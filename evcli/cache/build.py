"""Building the cache: replay the log with the fold's own steps, and write the resulting records to the tables."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from evcli.cache.database import Known, Progress, connect, nothing, write_down
from evcli.cache.late import late_count
from evcli.cache.location import APPLICATION, create, remove
from evcli.cache.spans import SpanState
from evcli.cache.tables import IDS_KNOWN, WORDS_KNOWN, add, add_ids, live_now, make_tables, set_now
from evcli.cache.words import add_words, need_words
from evcli.disk import sync, sync_folder
from evcli.domain.event import Event
from evcli.domain.kind import Kind
from evcli.domain.overlay import Draft
from evcli.domain.packed import PackedState
from evcli.domain.packed import _Table as PackedTable
from evcli.domain.packed import _Tables as PackedTables
from evcli.domain.state import Steps
from evcli.errors import Damaged, NewerLog
from evcli.kinds import KINDS, MODULES
from evcli.log.line import id_in
from evcli.log.reader import Reader
from evcli.log.replay import replay

AT_ONCE = 20_000
"""How many events are inserted together, so that adjacent rows are written together, and memory stays bounded."""

AT_ONCE_WHEN_NEW = 1_000
"""The same while a cache is built, where every row is the last of its table: more would only be slower to handle."""

PAGES_KIB = 8 << 10
"""KiB of memory for pages of the file while a cache is built."""


def build(path: str, reader: Reader, progress: Progress | None) -> bool:
    """Build a cache of the log in a separate file, and replace `path` with it; return whether that was done.

    Processes that use the old file continue with it. If another process is already building one, nothing is done.

    Raises sqlite3.Error, OSError; `path` is then unchanged.
    """
    new = path + ".new"
    db = _emptied(new)
    if db is None:
        return False
    try:
        make_tables(db)
        write_down(db, reader, take_in(db, nothing(), reader, progress))
        db.execute("COMMIT")
    finally:
        db.close()
    descriptor = os.open(new, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(new, path)
    sync_folder(os.path.dirname(path))
    return True


def _emptied(new: str) -> sqlite3.Connection | None:
    """A database in an empty file at `new`, locked; None if another process has it, or if it cannot be created."""
    for _ in range(2):
        if not create(new):
            return None
        db = connect(new, timeout=0)
        try:
            # An unfinished file is never used: no journal, and no sync before the end.
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute("BEGIN EXCLUSIVE")
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return db
        except sqlite3.OperationalError:  # locked
            db.close()
            return None
        except sqlite3.DatabaseError:  # left behind by a killed process
            pass
        db.close()
        remove(new)
    return None


def take_in(
    db: sqlite3.Connection, known: Known, reader: Reader, progress: Progress | None, stop: int | None = None
) -> Known:
    """Replay the rest of the log up to `stop`, or up to damage, and write the results to the tables."""
    begin, end = known.at, reader.log.end if stop is None else stop
    if begin.number:
        need_words(db, begin.number, progress)
    shown = 0
    at_once = AT_ONCE if begin.number else min(AT_ONCE, AT_ONCE_WHEN_NEW)
    state = _Growing(SpanState(db, begin.number, known.live)) if begin.number else _Recorded()
    places, times = list[int](), list[str | None]()

    def settle() -> None:
        for kind in MODULES:
            add(db, kind, zip(state.puts, places, times, strict=True))
        state.settled(db, known.live)
        places.clear()
        times.clear()

    def each(events: Sequence[Event], begins: Sequence[int]) -> None:
        nonlocal shown
        places.extend(begins)
        times.extend([event["time"] if "recordedtime" in event else None for event in events])
        if len(places) >= at_once:
            last, count = places[-1], state.number - begin.number
            settle()
            if progress and count >= shown + AT_ONCE:
                shown = count
                progress.show(last - begin.place, end - begin.place, count)

    with suppress(Damaged, NewerLog):  # reported to whoever reads the lines that follow
        replay(reader, state, begin, each=each, stop=end)
    settle()
    if not begin.number:
        set_now(db, 0)
    return Known(reader.at, {kind: live_now(db, kind) for kind in MODULES}, late_count(db))


class _Recorded(PackedState):
    """The fold from the beginning, in memory, so that nothing is looked up in tables that are still growing."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[tuple[str, Any, Any]] = []
        """The changes since they were last stored."""
        self._tables = _RecordedTables(self.puts)
        self.steps = Steps(self._tables)

    def settled(self, db: sqlite3.Connection, live: dict[str, int]) -> None:
        """The changes are stored."""
        self.puts.clear()


class _RecordedTables(PackedTables):
    def __init__(self, puts: list[tuple[str, Any, Any]]) -> None:
        super().__init__(hash)
        self._puts = puts

    def __missing__(self, kind: str) -> PackedTable:
        table = self[kind] = _RecordedTable(KINDS[kind], self._puts)
        return table


class _RecordedTable(PackedTable):
    def __init__(self, kind: Kind, puts: list[tuple[str, Any, Any]]) -> None:
        super().__init__(kind, hash)
        self._kind, self._puts = kind.name, puts

    def keep(self, id: int, before: Any, after: Any) -> None:
        super().keep(id, before, after)
        self._puts.append((self._kind, before, after))


class _Growing(Draft):
    """The fold from where an existing cache ends; its rows are verified, whoever wrote them."""

    def settled(self, db: sqlite3.Connection, live: dict[str, int]) -> None:
        """The spans of the changes are stored: store what else follows from them, and continue over them."""
        for kind in MODULES:
            add_words(db, kind, [(before, record) for of_kind, before, record in self.puts if of_kind == kind])
        set_now(db, self._below.number)
        WORDS_KNOWN.set(db, self.number)
        self.begin_over(SpanState(db, self.number, live))


def take_in_ids(db: sqlite3.Connection, reader: Reader, start: int, stop: int) -> None:
    """Store the ids of the events between two bytes, whose lines were checked before."""
    ids = _ids_in(reader, start, stop)
    while some := list(islice(ids, AT_ONCE)):
        add_ids(db, some)
    IDS_KNOWN.set(db, max(stop, IDS_KNOWN.get(db)))


def _ids_in(reader: Reader, start: int, stop: int) -> Iterator[tuple[str, int]]:
    return ((id_in(line), place) for place, line in reader.lines(start, stop))
