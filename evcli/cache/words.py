"""The words that find a record, its unique key and its name: filled from the spans when they are first needed.

Most commands on a new cache look no record up by a word, and sorting words takes longer than all else in a cache.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from evcli.cache import CacheFailed
from evcli.cache.span import unpacked
from evcli.cache.tables import SQL, STILL, WORDS_KNOWN, number_known, sum_of
from evcli.kinds import KINDS, all_kinds
from evcli.log.replay import without_garbage_collection

if TYPE_CHECKING:
    from evcli.cache.database import Progress

AT_ONCE = 5_000
"""How many changes are written together, so that adjacent rows are, and memory stays bounded."""

PAGES_KIB = 48 << 10
"""KiB of memory for pages of the file while words are filled in: their rows come in any order."""

Change = tuple[Any, Any]
"""A record before an event about it (None: there was none), and after it."""


def need_words(db: sqlite3.Connection, number: int, progress: "Progress | None" = None) -> None:
    """Fill in the words of all spans unless they are there, up to event `number`. Raises CacheFailed, sqlite3.Error."""
    if _are_known(db, number):
        return
    if db.in_transaction:
        _fill(db, progress)
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        if not _are_known(db, number):  # another process may have been faster
            _fill(db, progress)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if progress:
            progress.end()


def _are_known(db: sqlite3.Connection, number: int) -> bool:
    known = WORDS_KNOWN.get(db)
    if 0 < known < number:
        raise CacheFailed("two of its tables disagree", is_faulty=True)
    return known > 0


def _fill(db: sqlite3.Connection, progress: "Progress | None") -> None:
    number, count = number_known(db), 0
    db.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
    with without_garbage_collection():
        for kind in all_kinds():
            changes: list[Change] = []
            for before, record in _changes(db, kind.name, number):
                # All changes of a record together: so no row that is already written gets an end.
                if before is None and len(changes) >= AT_ONCE:
                    add_words(db, kind.name, changes)
                    count, changes = count + len(changes), []
                    if progress:
                        progress.show(count, number, count)
                changes.append((before, record))
            add_words(db, kind.name, changes)
            count += len(changes)
    if count != number:  # a lost span would otherwise be missing from every table of words
        raise CacheFailed("one of its rows is missing", is_faulty=True)
    WORDS_KNOWN.set(db, number)


def _changes(db: sqlite3.Connection, kind: str, number: int) -> Iterator[Change]:
    """What each event changed, by record."""
    last: Any = None
    for row in db.execute(SQL[kind].by_record, (number,)):
        record = unpacked(kind, row).record
        yield (last if last is not None and last.id == record.id else None), record
        last = record


def add_words(db: sqlite3.Connection, kind: str, changes: Iterable[Change]) -> None:
    """Add the words of a kind that these changes begin, and end those that they end; the changes are in order."""
    sql, key_of, name_of = SQL[kind], KINDS[kind].key, KINDS[kind].name_key
    keys, names = _Words(), _Words()
    first: dict[int, Any] = {}
    now: dict[int, Any] = {}
    for before, record in changes:
        id, number, is_gone = record.id, record[-2], record[-1] is not None
        first.setdefault(id, before)
        now[id] = record
        key, name = key_of(record), name_of(record)
        if before is None:
            keys.begin(id, number, key, is_gone)
            names.begin(id, number, name)
            continue
        was_gone, old_key, old_name = before[-1] is not None, key_of(before), name_of(before)
        if key != old_key or is_gone != was_gone:
            keys.end(id, number, old_key, was_gone)
            keys.begin(id, number, key, is_gone)
        if name != old_name:
            names.end(id, number, old_name)
            names.begin(id, number, name)
    keys.settle(db, sql.begin_key, sql.end_key)
    names.settle(db, sql.begin_name, sql.end_name)
    _set_present(db, kind, first, now)


class _Words:
    """The rows of a table of words to begin and to end, where each record has one word at a time."""

    def __init__(self) -> None:
        self._begun: list[list[Any]] = []
        self._open: dict[int, list[Any]] = {}
        self._ended: list[tuple[Any, ...]] = []

    def begin(self, id: int, number: int, *word: object) -> None:
        """The record has this word from event `number` on; a word of None is ignored."""
        if word[0] is None:
            return
        row = self._open[id] = [*word, STILL, id, number]
        self._begun.append(row)

    def end(self, id: int, number: int, *word: object) -> None:
        """The record no longer has this word from event `number` on."""
        if word[0] is None:
            return
        row = self._open.pop(id, None)
        if row is None:
            self._ended.append((number, *word, id))
        else:
            row[-3] = number

    def settle(self, db: sqlite3.Connection, begin: str, end: str) -> None:
        """Write the rows, sorted, so that rows adjacent in the file are written together."""
        self._ended.sort(key=_without_first)
        self._begun.sort()
        db.executemany(end, self._ended)
        db.executemany(begin, self._begun)


def _without_first(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[1:]


def _set_present(db: sqlite3.Connection, kind: str, before: dict[int, Any], now: dict[int, Any]) -> None:
    """Update the checksums of current words from the records in `before` (None for new ones) to those in `now`."""
    of_kind = KINDS[kind]
    begun: list[tuple[int, int]] = []
    ended: list[tuple[int, int]] = []
    for id, record in now.items():
        old = before[id]
        words = {sum_of(word) for word in of_kind.words(record)}
        old_words = set() if old is None else {sum_of(word) for word in of_kind.words(old)}
        begun += [(word, id) for word in words - old_words]
        ended += [(word, id) for word in old_words - words]
    db.executemany(SQL[kind].end_word, sorted(ended))
    db.executemany(SQL[kind].begin_word, sorted(begun))
