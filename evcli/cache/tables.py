"""Records as spans in an SQLite database: a span is what a record was from one event about it until the next.

There is one row per event, its key is the event's number, and rows never change: so the state after any event can be
looked up, and stays the same while other processes append later events. For each kind K of record:

    K_spans   the event, the record's id, whether it is live, its fields, the byte at which the event's line begins, the
              event about the record before it, and when it happened if it was recorded late
    K_of      the same rows, by record
    K_now     the last event about each record, and whether the record is live
    K_keys    unique key, whether the record has ended, the event that ends the row, the record, the event that began it
    K_names   case-folded name, the event that ends this row, the record, the event that began it; ordered by name and
              record, as candidates for completion are: thousands may share a name, and none is read to sort them
    K_words   a checksum of each current key and name, and the record; ordered by the checksum
    K_late    the events that were recorded late, again: see late.py
    ids       id of an event, and the byte at which its line begins; filled when an id is first looked up
    id_sums   a checksum of that id, and the byte; ordered by the checksum

Keys, names and words are filled from the spans when a record is first looked up by one (words.py): rows of K_keys and
K_names get an end when a record gives up the key or name.

A disk can flip a bit, and a changed or lost row must not decide what is written. So each row of spans has a checksum,
and the present state is looked up a second time, in K_now or K_words, which share no page with the first tables.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any
from zlib import crc32

import orjson

from evcli.cache import CacheFailed
from evcli.cache.late import add_late, late_table, make_late
from evcli.domain.kind import Kind
from evcli.kinds import KINDS, all_kinds

STILL = 1 << 60
"""The end of a row that has not ended."""


Put = tuple[tuple[str, Any, Any], int, str | None]
"""The effect of one event: (kind, record before, record after), the byte at which the event's line begins, and when it
happened if it was recorded late.
"""


class Sql:
    """The statements for one kind of record."""

    def __init__(self, kind: Kind) -> None:
        spans, of, now, keys, names, words = (
            f'"{kind.name}_{each}"' for each in ("spans", "of", "now", "keys", "names", "words")
        )
        self._writes(spans, of, now)
        self._writes_words(keys, names, words)
        self._reads_spans(spans, now, late_table(kind.name))
        self._looks_up(keys, names, now, words)

    def _writes(self, spans: str, of: str, now: str) -> None:
        self.make = (
            f"CREATE TABLE {spans} (changed INTEGER PRIMARY KEY, id INTEGER, live INTEGER, row BLOB, sum INTEGER)",
            f"CREATE TABLE {now} (id INTEGER PRIMARY KEY, changed INTEGER, live INTEGER)",
        )
        self.add = f"INSERT INTO {spans} VALUES (?, ?, ?, ?, ?)"
        self.index = f"CREATE INDEX {of} ON {spans} (id, changed, live)"
        last = f"SELECT id, max(changed), live FROM {spans}"  # of the row with the highest `changed`: so SQLite has it
        self.set_now = f"INSERT OR REPLACE INTO {now} {last} WHERE changed > ? GROUP BY id"
        self.set_all_now = f"INSERT INTO {now} {last} GROUP BY id"
        self.live_now = f"SELECT count(*) FROM {now} WHERE live"

    def _writes_words(self, keys: str, names: str, words: str) -> None:
        self.make_words = (
            f"CREATE TABLE {keys} (key TEXT, gone INTEGER, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (key, gone, until, id)) WITHOUT ROWID",
            f"CREATE TABLE {names} (name TEXT, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (name, id, until)) WITHOUT ROWID",
            f"CREATE TABLE {words} (sum INTEGER, id INTEGER, PRIMARY KEY (sum, id)) WITHOUT ROWID",
        )
        self.begin_word = f"INSERT OR REPLACE INTO {words} VALUES (?, ?)"
        self.end_word = f"DELETE FROM {words} WHERE sum = ? AND id = ?"
        self.begin_key = f"INSERT INTO {keys} VALUES (?, ?, ?, ?, ?)"
        self.end_key = f"UPDATE {keys} SET until = ? WHERE key = ? AND gone = ? AND until = {STILL} AND id = ?"
        self.begin_name = f"INSERT INTO {names} VALUES (?, ?, ?, ?)"
        self.end_name = f"UPDATE {names} SET until = ? WHERE name = ? AND until = {STILL} AND id = ?"

    def _reads_spans(self, spans: str, now: str, late: str) -> None:
        columns = f"{spans}.id, {spans}.changed, {spans}.live, row, sum"
        last = f"SELECT max(changed) FROM {spans} WHERE id = wanted.value AND changed <= ?"
        last_of = f"{spans}.changed = ({last})"
        self.get = f"SELECT {columns} FROM {spans} WHERE id = ? AND changed <= ? ORDER BY changed DESC LIMIT 1"
        self.get_many = f"SELECT {columns} FROM json_each(?) AS wanted CROSS JOIN {spans} ON {last_of}"
        self.places = f"SELECT {columns} FROM json_each(?) AS wanted JOIN {spans} ON {spans}.changed = wanted.value"
        self.all = (
            "WITH RECURSIVE wanted (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM wanted WHERE value < ?) "
            f"SELECT {columns} FROM wanted CROSS JOIN {spans} ON {last_of}"
        )
        living = f"SELECT id AS value FROM {now} WHERE live ORDER BY id"
        self.all_live = (
            f"SELECT {columns} FROM ({living}) AS wanted CROSS JOIN {spans} ON {last_of} "
            "WHERE (SELECT number FROM log) = ?"
        )
        self.last_id = f"SELECT (SELECT max(id) FROM {spans}), (SELECT max(id) FROM {now})"
        self.late_of = f"SELECT count(*) FROM {late} WHERE id = ? AND number <= ?"
        self.first = f"SELECT {columns} FROM {spans} WHERE id = ? ORDER BY changed LIMIT 1"
        self.count_live = f"SELECT count(*) FROM ({self.all}) WHERE live"
        self.events = f"SELECT {columns} FROM {spans} WHERE id = ? AND changed <= ? ORDER BY changed"
        next_of = f"{spans}.changed = (SELECT min(changed) FROM {spans} WHERE id = wanted.value AND changed > ?)"
        self.after = f"SELECT {columns} FROM json_each(?) AS wanted CROSS JOIN {spans} ON {next_of}"
        self.at = f"SELECT {columns} FROM {spans} WHERE changed = ?"
        self.of_late = (
            f"SELECT {columns}, wanted.count FROM "
            f"(SELECT id, count(*) AS count FROM {late} WHERE number <= ? GROUP BY id) AS wanted "
            f"CROSS JOIN {spans} ON {spans}.id = wanted.id AND changed <= ? ORDER BY {spans}.id, changed"
        )
        self.by_record = f"SELECT {columns} FROM {spans} WHERE changed <= ? ORDER BY id, changed"

    def _looks_up(self, keys: str, names: str, now: str, words: str) -> None:
        is_so = "until > ? AND since <= ?"
        self.now = f"SELECT changed FROM {now} WHERE id = ?"
        self.now_many = f"SELECT {now}.id, changed FROM json_each(?) AS wanted JOIN {now} ON {now}.id = wanted.value"
        self.count_live_of = (
            f"SELECT count(*), (SELECT number FROM log) FROM json_each(?) AS wanted "
            f"JOIN {now} ON {now}.id = wanted.value WHERE live"
        )
        self.named = f"SELECT id FROM {words} WHERE sum = ?"
        self.named_many = f"SELECT sum, {words}.id FROM json_each(?) AS wanted JOIN {words} ON sum = wanted.value"
        self.holders = (
            f"SELECT {keys}.key, {keys}.id FROM json_each(?) AS wanted "
            f"JOIN {keys} ON {keys}.key = wanted.value AND gone = 0 AND {is_so}"
        )
        by_key = f"SELECT id FROM {keys} WHERE key = ? AND {is_so}"
        self.ever_a_key = f"SELECT 1 FROM {keys} WHERE key = ? UNION ALL SELECT 1 FROM {words} WHERE sum = ? LIMIT 1"
        self.called = f"{by_key} UNION SELECT id FROM {names} WHERE name = ? AND {is_so}"
        self.ever_had = (
            f"SELECT {keys}.key, {keys}.id FROM json_each(?) AS wanted JOIN {keys} ON {keys}.key = wanted.value"
        )
        self.ever_called = f"SELECT id FROM {keys} WHERE key = ? UNION SELECT id FROM {names} WHERE name = ?"
        # The limit bounds the rows read that are not valid at this event: a suggestion need not be exact.
        rows = "SELECT {0} AS word, id, until, since FROM {1} WHERE {0} {2} ? ORDER BY {0} {3}, id {3} LIMIT 5000"
        orders = ((">=", ""), ("<", "DESC"))
        self.words = [
            [f"SELECT word, id FROM ({rows.format(word, table, *order)}) WHERE {is_so}" for order in orders]
            for table, word in ((keys, "key"), (names, "name"))
        ]


class _Statements(dict[str, Sql]):
    """The statements of each kind, made on first use."""

    def __missing__(self, kind: str) -> Sql:
        sql = self[kind] = Sql(KINDS[kind])
        return sql


SQL = _Statements()


class UpTo:
    """How far a part of the cache goes that is filled in when it is needed: a table of one row, with its checksum."""

    def __init__(self, table: str, unit: str) -> None:
        self._get = f"SELECT {unit}, sum FROM {table}"
        self._set = f"UPDATE {table} SET {unit} = ?, sum = ?"
        self._make = f"CREATE TABLE {table} ({unit} INTEGER, sum INTEGER)", f"INSERT INTO {table} VALUES (0, ?)"

    def make(self, db: sqlite3.Connection) -> None:
        """Create the table; nothing is filled in yet."""
        create, insert = self._make
        db.execute(create)
        db.execute(insert, (sum_of(0),))

    def get(self, db: sqlite3.Connection) -> int:
        """How far it goes; 0 if nothing is filled in. Raises CacheFailed."""
        known, sum = db.execute(self._get).fetchone()
        if sum != sum_of(known):
            raise CacheFailed("one of its rows was changed", is_faulty=True)
        return int(known)

    def set(self, db: sqlite3.Connection, known: int) -> None:
        """Record how far it goes."""
        db.execute(self._set, (known, sum_of(known)))


IDS_KNOWN = UpTo("ids_known", "byte")
"""The byte up to which event ids are in the tables."""
WORDS_KNOWN = UpTo("words_known", "number")
"""The number of the event up to which words are."""


def make_tables(db: sqlite3.Connection) -> None:
    """Drop all tables, and create empty ones for all kinds."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        db.execute(f'DROP TABLE "{table}"')
    db.execute("CREATE TABLE ids (id TEXT, byte INTEGER, PRIMARY KEY (id, byte)) WITHOUT ROWID")
    db.execute("CREATE TABLE id_sums (sum INTEGER, byte INTEGER, PRIMARY KEY (sum, byte)) WITHOUT ROWID")
    IDS_KNOWN.make(db)
    for kind in all_kinds():
        for statement in SQL[kind.name].make + SQL[kind.name].make_words:
            db.execute(statement)
        make_late(db, kind.name)
    WORDS_KNOWN.make(db)


def sum_of(*values: object) -> int:
    """A checksum of plain values."""
    return crc32(orjson.dumps(values))


def row_of_log(db: sqlite3.Connection) -> tuple[Any, ...]:
    """The row that says how far the cache is, without its checksum. Raises CacheFailed, sqlite3.Error."""
    *row, sum = db.execute("SELECT * FROM log").fetchone()
    if sum != sum_of(*row):
        raise CacheFailed("the row that binds it to its log was changed", is_faulty=True)
    return tuple(row)


def number_known(db: sqlite3.Connection) -> int:
    """The number of the last event in the tables."""
    return int(row_of_log(db)[2])


def add(db: sqlite3.Connection, kind: str, puts: Iterable[Put]) -> None:
    """Add the effects of events on records of a kind."""
    rows, late = [], []
    for (of_kind, before, record), byte, time in puts:
        if of_kind != kind:
            continue
        if time is None:
            packed = orjson.dumps((*record, byte, before[-2] if before else 0))
        else:
            packed = orjson.dumps((*record, byte, before[-2] if before else 0, time))
            late.append((record[-2], record[0], time))
        rows.append((record[-2], record[0], record[-1] is None, packed, crc32(packed)))
    db.executemany(SQL[kind].add, rows)
    add_late(db, kind, late)


def set_now(db: sqlite3.Connection, number: int) -> None:
    """Bring the tables of the present, which are at event `number`, up to the spans."""
    for kind in all_kinds():
        sql = SQL[kind.name]
        if number:
            db.execute(sql.set_now, (number,))
        else:
            db.execute(sql.index)
            db.execute(sql.set_all_now)


def live_now(db: sqlite3.Connection, kind: str) -> int:
    """How many records of a kind are live at the last event."""
    return int(db.execute(SQL[kind].live_now).fetchone()[0])


def add_ids(db: sqlite3.Connection, ids: Iterable[tuple[str, int]]) -> None:
    """Add event ids, each with the byte at which the event's line begins."""
    ids = list(ids)
    db.executemany("INSERT INTO ids VALUES (?, ?)", sorted(ids))
    db.executemany("INSERT INTO id_sums VALUES (?, ?)", sorted((sum_of(id), byte) for id, byte in ids))


def places_of(db: sqlite3.Connection, prefix: str, most: int, *, exact: bool) -> tuple[list[int], list[int]]:
    """The bytes, in order, at which the lines of events begin whose id starts with, or exactly is, `prefix`.

    Also the bytes at which, according to the second table, that exact id may be: the caller must check them.
    """
    # No id contains the last code point, so this is the upper bound of the ids with that prefix.
    last = prefix if exact else prefix + "\U0010ffff"
    rows = db.execute("SELECT id, byte FROM ids WHERE id BETWEEN ? AND ? ORDER BY byte LIMIT ?", (prefix, last, most))
    found = rows.fetchall()
    second = "SELECT count(*) FROM id_sums WHERE sum = ? AND byte = ?"
    if any(db.execute(second, (sum_of(id), byte)).fetchone() != (1,) for id, byte in found):
        raise CacheFailed("two of its tables disagree", is_faulty=True)
    places = [byte for _, byte in found]
    others = db.execute("SELECT byte FROM id_sums WHERE sum = ?", (sum_of(prefix),)) if exact else ()
    return places, [byte for (byte,) in others if byte not in places]
