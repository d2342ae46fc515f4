"""Records as spans in an SQLite database: a span is what a record was from one event about it until the next.

There is one row per event, and rows never change: so the state after any event can be looked up, and stays the same
while other processes append later events. Two more tables find records by unique key and by name; their rows get an end
when a record gives up the key or name. For each kind K of record:

    K_spans   the record's fields, and the byte at which the event's line begins; by record and event
    K_keys    unique key, whether the record has ended, the event that ends the row, the record, the event that began it
    K_names   case-folded name, the event that ends this row, the record, the event that began it
    K_live    the records that are live at the last cached event
    K_now     the number of the last event about each record
    K_words   a checksum of each current key and name, and the record; ordered by the checksum
    ids       id of an event, and the byte at which its line begins; filled when an id is first looked up
    id_sums   a checksum of that id, and the byte; ordered by the checksum

A disk can flip a bit, and a changed or lost row must not decide what is written. So each row of spans has a checksum,
and the present state is looked up a second time, in K_now or K_words, which share no page with the first tables.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from zlib import crc32

import orjson

from evcli.cache import CacheFailed
from evcli.domain.kind import Kind
from evcli.kinds import KINDS, all_kinds

STILL = 1 << 60
"""The end of a row that has not ended."""


Put = tuple[tuple[str, Any, Any], int]
"""The effect of one event: (kind, record before, record after), and the byte at which the event's line begins."""


class Sql:
    """The statements for one kind of record."""

    def __init__(self, kind: Kind) -> None:
        tables = [f'"{kind.name}_{each}"' for each in ("spans", "keys", "names", "live", "now", "words")]
        # No field of a record begins with _, and quoting keeps field names from clashing with SQL keywords.
        fields = ("id", *(f'"{field}"' for field in kind.own), "_began", "_changed", "_ended", "_byte", "_sum")
        self._writes(fields, *tables)
        self._reads_spans(", ".join(f"{tables[0]}.{field}" for field in fields), tables[0], tables[3], tables[4])
        self._looks_up(*tables[1:3], *tables[4:])

    def _writes(
        self, fields: Sequence[str], spans: str, keys: str, names: str, live: str, now: str, words: str
    ) -> None:
        self.make = (
            f"CREATE TABLE {spans} ({', '.join(fields)}, PRIMARY KEY (id, _changed)) WITHOUT ROWID",
            f"CREATE TABLE {keys} (key TEXT, gone INTEGER, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (key, gone, until, id)) WITHOUT ROWID",
            f"CREATE TABLE {names} (name TEXT, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (name, until, id)) WITHOUT ROWID",
            f"CREATE TABLE {live} (id INTEGER PRIMARY KEY)",
            f"CREATE TABLE {now} (id INTEGER PRIMARY KEY, changed INTEGER)",
            f"CREATE TABLE {words} (sum INTEGER, id INTEGER, PRIMARY KEY (sum, id)) WITHOUT ROWID",
        )
        self.add = f"INSERT INTO {spans} VALUES ({', '.join('?' for _ in fields)})"
        self.set_now = f"INSERT OR REPLACE INTO {now} VALUES (?, ?)"
        self.begin_word = f"INSERT OR REPLACE INTO {words} VALUES (?, ?)"
        self.end_word = f"DELETE FROM {words} WHERE sum = ? AND id = ?"
        self.begin_key = f"INSERT INTO {keys} VALUES (?, ?, ?, ?, ?)"
        self.end_key = f"UPDATE {keys} SET until = ? WHERE key = ? AND gone = ? AND until = {STILL} AND id = ?"
        self.begin_name = f"INSERT INTO {names} VALUES (?, ?, ?, ?)"
        self.end_name = f"UPDATE {names} SET until = ? WHERE name = ? AND until = {STILL} AND id = ?"
        self.begin_life = f"INSERT INTO {live} VALUES (?)"
        self.end_life = f"DELETE FROM {live} WHERE id = ?"

    def _reads_spans(self, columns: str, spans: str, live: str, now: str) -> None:
        last = f"SELECT max(_changed) FROM {spans} WHERE id = wanted.value AND _changed <= ?"
        last_of = f"{spans}.id = wanted.value AND _changed = ({last})"
        self.get = f"SELECT {columns} FROM {spans} WHERE id = ? AND _changed <= ? ORDER BY _changed DESC LIMIT 1"
        self.get_many = f"SELECT {columns} FROM json_each(?) AS wanted JOIN {spans} ON {last_of}"
        self.all = (
            "WITH RECURSIVE wanted (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM wanted WHERE value < ?) "
            f"SELECT {columns} FROM wanted CROSS JOIN {spans} ON {last_of}"
        )
        living = f"SELECT +id AS value FROM {live} ORDER BY id"  # the + makes SQLite find spans by their key
        self.all_live = (
            f"SELECT {columns} FROM ({living}) AS wanted CROSS JOIN {spans} ON {last_of} "
            "WHERE (SELECT number FROM log) = ?"
        )
        self.last_id = f"SELECT (SELECT max(id) FROM {spans}), (SELECT max(id) FROM {now})"
        self.first = f"SELECT {columns} FROM {spans} WHERE id = ? ORDER BY _changed LIMIT 1"
        self.count_live = f"SELECT count(*) FROM ({self.all}) WHERE _ended IS NULL"
        self.events = f"SELECT _changed, _byte FROM {spans} WHERE id = ? AND _changed <= ? ORDER BY _changed"

    def _looks_up(self, keys: str, names: str, now: str, words: str) -> None:
        is_so = "until > ? AND since <= ?"
        self.now = f"SELECT changed FROM {now} WHERE id = ?"
        self.now_many = f"SELECT {now}.id, changed FROM json_each(?) AS wanted JOIN {now} ON {now}.id = wanted.value"
        self.named = f"SELECT id FROM {words} WHERE sum = ?"
        self.named_many = f"SELECT sum, {words}.id FROM json_each(?) AS wanted JOIN {words} ON sum = wanted.value"
        self.holders = (
            f"SELECT {keys}.key, {keys}.id FROM json_each(?) AS wanted "
            f"JOIN {keys} ON {keys}.key = wanted.value AND gone = 0 AND {is_so}"
        )
        by_key = f"SELECT id FROM {keys} WHERE key = ? AND {is_so}"
        self.called = f"{by_key} UNION SELECT id FROM {names} WHERE name = ? AND {is_so}"
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


def make_tables(db: sqlite3.Connection) -> None:
    """Drop all tables, and create empty ones for all kinds."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        db.execute(f'DROP TABLE "{table}"')
    db.execute("CREATE TABLE ids (id TEXT, byte INTEGER, PRIMARY KEY (id, byte)) WITHOUT ROWID")
    db.execute("CREATE TABLE id_sums (sum INTEGER, byte INTEGER, PRIMARY KEY (sum, byte)) WITHOUT ROWID")
    db.execute("CREATE TABLE ids_known (byte INTEGER, sum INTEGER)")
    db.execute("INSERT INTO ids_known VALUES (0, ?)", (sum_of(0),))
    for kind in all_kinds():
        for statement in SQL[kind.name].make:
            db.execute(statement)


def sum_of(*values: object) -> int:
    """A checksum of plain values."""
    return crc32(orjson.dumps(values))


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


def add(db: sqlite3.Connection, kind: str, puts: Iterable[Put]) -> int:
    """Add the effects of events on records of a kind, in order; return the change in the number of live records."""
    sql, key_of, name_of = SQL[kind], KINDS[kind].key, KINDS[kind].name_key
    spans: list[tuple[Any, ...]] = []
    keys, names = _Words(), _Words()
    begun: set[int] = set()
    ended: set[int] = set()
    ours = [(before, record, byte) for (of_kind, before, record), byte in puts if of_kind == kind]
    for before, record, byte in ours:
        spans.append((*record, byte, sum_of(*record, byte)))
        id, number, is_gone = record.id, record[-2], record[-1] is not None
        if before is None:
            keys.begin(id, number, key_of(record), is_gone)
            names.begin(id, number, name_of(record))
            begun.add(id)
            continue
        was_gone = before[-1] is not None
        key, old_key = key_of(record), key_of(before)
        if key != old_key or is_gone != was_gone:
            keys.end(id, number, old_key, was_gone)
            keys.begin(id, number, key, is_gone)
        name, old_name = name_of(record), name_of(before)
        if name != old_name:
            names.end(id, number, old_name)
            names.begin(id, number, name)
        if is_gone != was_gone:
            now, other = (ended, begun) if is_gone else (begun, ended)
            if id in other:  # this undoes an earlier event of the same puts
                other.remove(id)
            else:
                now.add(id)
    spans.sort(key=itemgetter(0))  # by id, the first field of every record
    db.executemany(sql.add, spans)
    keys.settle(db, sql.begin_key, sql.end_key)
    names.settle(db, sql.begin_name, sql.end_name)
    first = {record.id: before for before, record, _ in reversed(ours)}
    _set_present(db, kind, first, {record.id: record for _, record, _ in ours})
    db.executemany(sql.end_life, [(id,) for id in ended])
    db.executemany(sql.begin_life, [(id,) for id in sorted(begun)])
    return len(begun) - len(ended)


def _set_present(db: sqlite3.Connection, kind: str, before: Mapping[int, Any], now: Mapping[int, Any]) -> None:
    """Update the second tables from the records in `before` (None for new ones) to those in `now`."""
    sql, of_kind = SQL[kind], KINDS[kind]
    begun: list[tuple[int, int]] = []
    ended: list[tuple[int, int]] = []
    for id, record in now.items():
        old = before[id]
        words = {sum_of(word) for word in of_kind.words(record)}
        old_words = set() if old is None else {sum_of(word) for word in of_kind.words(old)}
        begun += [(word, id) for word in words - old_words]
        ended += [(word, id) for word in old_words - words]
    db.executemany(sql.set_now, sorted((id, record[-2]) for id, record in now.items()))
    db.executemany(sql.end_word, sorted(ended))
    db.executemany(sql.begin_word, sorted(begun))


def add_ids(db: sqlite3.Connection, ids: Iterable[tuple[str, int]]) -> None:
    """Add event ids, each with the byte at which the event's line begins."""
    ids = list(ids)
    db.executemany("INSERT INTO ids VALUES (?, ?)", sorted(ids))
    db.executemany("INSERT INTO id_sums VALUES (?, ?)", sorted((sum_of(id), byte) for id, byte in ids))


def ids_known(db: sqlite3.Connection) -> int:
    """The byte up to which event ids are in the tables."""
    byte, sum = db.execute("SELECT byte, sum FROM ids_known").fetchone()
    if sum != sum_of(byte):
        raise CacheFailed("one of its rows was changed", is_faulty=True)
    return int(byte)


def set_ids_known(db: sqlite3.Connection, byte: int) -> None:
    """Record the byte up to which event ids are in the tables."""
    db.execute("UPDATE ids_known SET byte = ?, sum = ?", (byte, sum_of(byte)))


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
