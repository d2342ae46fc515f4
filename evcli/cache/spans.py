"""Records as spans: what each was, from one event until the next about it, in the tables of an SQLite database.

One row for every event, and nothing in a row is ever changed: so a state after any event is a matter of looking up, and
stays the same while other processes add what happened later. Two more tables find records by what they are called; a
row of theirs ends when a record is called so no more. For each kind K of record:

    K_spans   the record's own fields, and the byte at which the event's line begins; by record and event
    K_keys    unique key, whether the record is destroyed, the event that ends this, the record, the event that began it
    K_names   name without regard to case, the event that ends this, the record, the event that began it
    K_live    the records that live after the last event that is here
    ids       id of an event, and the byte at which its line begins; filled when ids are first asked for
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any

from evcli.domain.event import Event, Kind
from evcli.domain.kinds import KINDS
from evcli.domain.state import Count
from evcli.domain.text import is_unicode

STILL = 1 << 60
"""The event that ends what has not ended."""


Put = tuple[tuple[str, Any, Any], int]
"""What one event did: kind of record, the record before and after; and the byte at which the event's line begins."""


class _Sql:
    """The statements for one kind of record."""

    def __init__(self, kind: Kind) -> None:
        spans, keys, names, live = (f"{kind.name}_{what}" for what in ("spans", "keys", "names", "live"))
        fields = kind.record._fields
        columns = ", ".join(f"{spans}.{field}" for field in fields)
        last = f"SELECT max(changed) FROM {spans} WHERE id = wanted.value AND changed <= ?"
        last_of = f"{spans}.id = wanted.value AND changed = ({last})"
        is_so = "until > ? AND since <= ?"
        self.make = (
            f"CREATE TABLE {spans} ({', '.join(fields)}, byte, PRIMARY KEY (id, changed)) WITHOUT ROWID",
            f"CREATE TABLE {keys} (key TEXT, gone INTEGER, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (key, gone, until, id)) WITHOUT ROWID",
            f"CREATE TABLE {names} (name TEXT, until INTEGER, id INTEGER, since INTEGER, "
            "PRIMARY KEY (name, until, id)) WITHOUT ROWID",
            f"CREATE TABLE {live} (id INTEGER PRIMARY KEY)",
        )
        self.add = f"INSERT INTO {spans} VALUES ({', '.join('?' for _ in fields)}, ?)"
        self.get = f"SELECT {columns} FROM {spans} WHERE id = ? AND changed <= ? ORDER BY changed DESC LIMIT 1"
        self.get_many = f"SELECT {columns} FROM json_each(?) AS wanted JOIN {spans} ON {last_of}"
        self.all = (
            "WITH RECURSIVE wanted (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM wanted WHERE value < ?) "
            f"SELECT {columns} FROM wanted CROSS JOIN {spans} ON {last_of}"
        )
        living = f"SELECT +id AS value FROM {live} ORDER BY id"  # the + lets spans be found by their key
        self.all_live = (
            f"SELECT {columns} FROM ({living}) AS wanted CROSS JOIN {spans} ON {last_of} "
            "WHERE (SELECT number FROM log) = ?"
        )
        self.last_id = f"SELECT max(id) FROM {spans}"
        self.created = f"SELECT min(changed) FROM {spans} WHERE id = ?"
        self.count_live = f"SELECT count(*) FROM ({self.all}) WHERE destroyed IS NULL"
        self.events = f"SELECT changed, byte FROM {spans} WHERE id = ? AND changed <= ? ORDER BY changed"
        self.holder = f"SELECT id FROM {keys} WHERE key = ? AND gone = 0 AND {is_so}"
        self.holders = (
            f"SELECT {keys}.key, {keys}.id FROM json_each(?) AS wanted "
            f"JOIN {keys} ON {keys}.key = wanted.value AND gone = 0 AND {is_so}"
        )
        by_key = f"SELECT id FROM {keys} WHERE key = ? AND {is_so}"
        self.called = f"{by_key} UNION SELECT id FROM {names} WHERE name = ? AND {is_so}"
        # Of words that were, or will be, no more is looked at than this: a guess need not be better.
        rows = "SELECT {0} AS word, id, until, since FROM {1} WHERE {0} {2} ? ORDER BY {0} {3}, id {3} LIMIT 5000"
        orders = ((">=", ""), ("<", "DESC"))
        self.words = [
            [f"SELECT word, id FROM ({rows.format(word, table, *order)}) WHERE {is_so}" for order in orders]
            for table, word in ((keys, "key"), (names, "name"))
        ]
        self.begin_key = f"INSERT INTO {keys} VALUES (?, ?, ?, ?, ?)"
        self.end_key = f"UPDATE {keys} SET until = ? WHERE key = ? AND gone = ? AND until = {STILL} AND id = ?"
        self.begin_name = f"INSERT INTO {names} VALUES (?, ?, ?, ?)"
        self.end_name = f"UPDATE {names} SET until = ? WHERE name = ? AND until = {STILL} AND id = ?"
        self.begin_life = f"INSERT INTO {live} VALUES (?)"
        self.end_life = f"DELETE FROM {live} WHERE id = ?"


_SQL = {name: _Sql(kind) for name, kind in KINDS.items()}


def make_tables(db: sqlite3.Connection) -> None:
    """Make the tables of all kinds, empty, whatever was there before."""
    for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        db.execute(f"DROP TABLE {table}")
    db.execute("CREATE TABLE ids (id TEXT, byte INTEGER, PRIMARY KEY (id, byte)) WITHOUT ROWID")
    db.execute("CREATE TABLE ids_known (byte INTEGER)")
    db.execute("INSERT INTO ids_known VALUES (0)")
    for sql in _SQL.values():
        for statement in sql.make:
            db.execute(statement)


class SpanState:
    """A State that is looked up: the records after event `number`, which the tables of `db` have."""

    def __init__(self, db: sqlite3.Connection, number: int, live_counts: Mapping[str, int] | None = None) -> None:
        self.number = number
        self._db = db
        self._live_counts = live_counts
        """How many records of each kind live, where that is known without counting: after the last event there is."""

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or destroyed, or None."""
        row = self._db.execute(_SQL[kind].get, (id, self.number)).fetchone()
        return None if row is None else KINDS[kind].record._make(row)

    def get_many(self, kind: str, ids: Iterable[int]) -> Iterator[Any]:
        """The records that there are with these ids."""
        return map(KINDS[kind].record._make, self._db.execute(_SQL[kind].get_many, (_array(ids), self.number)))

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        if not is_unicode(key):
            return None
        row = self._db.execute(_SQL[kind].holder, (key, self.number, self.number)).fetchone()
        return None if row is None else self.get(kind, row[0])

    def holders(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """For each of these unique keys that a live record has, that record."""
        ids = dict(self._db.execute(_SQL[kind].holders, (_array(keys), self.number, self.number)))
        records = {record.id: record for record in self.get_many(kind, ids.values())} if ids else {}
        return {key: records[id] for key, id in ids.items()}

    def events_about(self, kind: str, id: int) -> list[tuple[int, int]]:
        """Number of each event about one record up to this state's, and the byte at which its line begins."""
        return self._db.execute(_SQL[kind].events, (id, self.number)).fetchall()

    def last_id(self, kind: str) -> int:
        """The highest id that was given: ids are given in order, so it is found by halving."""
        sql = _SQL[kind]
        low, high = 0, self._db.execute(sql.last_id).fetchone()[0] or 0
        middle = high  # of the present, the first look is the last
        while low < high:
            if self._db.execute(sql.created, (middle,)).fetchone()[0] <= self.number:
                low = middle
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return low

    def count(self, kind: str) -> Count:
        """How many records of the kind there are."""
        last = self.last_id(kind)
        if self._live_counts is not None:
            live = self._live_counts[kind]
        elif last:
            live = self._db.execute(_SQL[kind].count_live, (last, self.number)).fetchone()[0]
        else:
            live = 0
        return Count(live, last - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or those that live, in order of id."""
        make = KINDS[kind].record._make
        if not live_only:
            if last := self.last_id(kind):
                yield from map(make, self._db.execute(_SQL[kind].all, (last, self.number)))
            return
        is_any = False
        for row in self._db.execute(_SQL[kind].all_live, (self.number, self.number)):
            is_any = True
            yield make(row)
        if not is_any:  # nobody lives, or these are not the records of the present (any more)
            yield from (record for record in self.records(kind) if record.destroyed is None)

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key or whose name, without regard to case, is `word`."""
        if not is_unicode(word):
            return iter(())
        rows = self._db.execute(_SQL[kind].called, (word, self.number, self.number) * 2)
        return (self.get(kind, id) for (id,) in rows)

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """What records are called, with the record, in order from `start` on; or backward, from just before `start`."""
        start = start.encode(errors="replace").decode()
        found = (
            self._db.execute(statements[backward], (start, self.number, self.number)) for statements in _SQL[kind].words
        )
        last = None
        for word, id in merge(*found, reverse=backward):
            if (word, id) != last:  # a record whose name is its key
                yield word, self.get(kind, id)
            last = (word, id)

    def prepare(self, events: Sequence[Event]) -> None:
        """Nothing to do: a draft over this one asks for many at once."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Never done: what happens goes into a draft, and then to `add`."""
        raise NotImplementedError


def _array(values: Iterable[object]) -> str:
    import orjson

    return orjson.dumps(list(values)).decode()


class _Words:
    """Which rows of a table of words begin and end, where each record has one word at a time."""

    def __init__(self) -> None:
        self._begun: list[list[Any]] = []
        self._open: dict[int, list[Any]] = {}
        self._ended: list[tuple[Any, ...]] = []

    def begin(self, id: int, number: int, *word: object) -> None:
        """From event `number` on, the record is called so."""
        row = self._open[id] = [*word, STILL, id, number]
        self._begun.append(row)

    def end(self, id: int, number: int, *word: object) -> None:
        """From event `number` on, it is called so no more."""
        row = self._open.pop(id, None)
        if row is None:
            self._ended.append((number, *word, id))
        else:
            row[-3] = number

    def settle(self, db: sqlite3.Connection, begin: str, end: str) -> None:
        """Write them; in order, so that rows that stand side by side in the file go in together."""
        self._ended.sort(key=_without_first)
        self._begun.sort()
        db.executemany(end, self._ended)
        db.executemany(begin, self._begun)


def _without_first(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[1:]


def add(db: sqlite3.Connection, kind: str, puts: Iterable[Put]) -> int:
    """Add what events made of records of a kind, in their order, to its tables; how many records more live now."""
    sql, unique_key, name_key = _SQL[kind], KINDS[kind].unique_key, KINDS[kind].name_key
    spans: list[tuple[Any, ...]] = []
    keys, names = _Words(), _Words()
    begun: set[int] = set()
    ended: set[int] = set()
    for (of_kind, before, record), byte in puts:
        if of_kind != kind:
            continue
        spans.append((*record, byte))
        id, number, is_gone = record.id, record.changed, record.destroyed is not None
        if before is None:
            keys.begin(id, number, unique_key(record), is_gone)
            names.begin(id, number, name_key(record))
            begun.add(id)
            continue
        was_gone = before.destroyed is not None
        key, old_key = unique_key(record), unique_key(before)
        if key != old_key or is_gone != was_gone:
            keys.end(id, number, old_key, was_gone)
            keys.begin(id, number, key, is_gone)
        name, old_name = name_key(record), name_key(before)
        if name != old_name:
            names.end(id, number, old_name)
            names.begin(id, number, name)
        if is_gone != was_gone:
            now, other = (ended, begun) if is_gone else (begun, ended)
            if id in other:  # what an earlier event of these did is undone
                other.remove(id)
            else:
                now.add(id)
    spans.sort(key=itemgetter(0))  # by id, which is the first field of every record
    db.executemany(sql.add, spans)
    keys.settle(db, sql.begin_key, sql.end_key)
    names.settle(db, sql.begin_name, sql.end_name)
    db.executemany(sql.end_life, [(id,) for id in ended])
    db.executemany(sql.begin_life, [(id,) for id in sorted(begun)])
    return len(begun) - len(ended)


def add_ids(db: sqlite3.Connection, ids: Iterable[tuple[str, int]]) -> None:
    """Add the ids of events, each with the byte at which the event's line begins."""
    db.executemany("INSERT INTO ids VALUES (?, ?)", sorted(ids))


def places_of(db: sqlite3.Connection, prefix: str, most: int, *, exact: bool) -> list[int]:
    """The bytes at which the lines of events begin whose id is `prefix`, or begins with it, in order."""
    # No id has the last of all characters, so this is the end of those that begin so.
    last = prefix if exact else prefix + "\U0010ffff"
    rows = db.execute("SELECT byte FROM ids WHERE id BETWEEN ? AND ? ORDER BY byte LIMIT ?", (prefix, last, most))
    return [byte for (byte,) in rows]
