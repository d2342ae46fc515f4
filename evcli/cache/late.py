"""The events that were recorded later than they happened, in a table of their own: in most logs there are few or none.

    K_late      the event's number, the record's id, and when the event happened
    K_late_of   the same, by record
    K_late_at   the same, by when it happened

That an event is late is also in its row of spans: these tables only find the records and times to look at.
"""

import sqlite3
from collections.abc import Sequence

from evcli.kinds import MODULES


def late_table(kind: str) -> str:
    """The name of the table for that kind of record."""
    return f'"{kind}_late"'


def make_late(db: sqlite3.Connection, kind: str) -> None:
    """Create the table for a kind of record."""
    table = late_table(kind)
    db.execute(f"CREATE TABLE {table} (number INTEGER PRIMARY KEY, id INTEGER, time TEXT)")
    db.execute(f'CREATE INDEX "{kind}_late_of" ON {table} (id, number)')
    db.execute(f'CREATE INDEX "{kind}_late_at" ON {table} (time, number)')


def add_late(db: sqlite3.Connection, kind: str, rows: Sequence[tuple[int, int, str]]) -> None:
    """Add late events about records of a kind: the number of each, the id of its record, and when it happened."""
    if rows:
        db.executemany(f"INSERT INTO {late_table(kind)} VALUES (?, ?, ?)", rows)  # noqa: S608  # a name from our table


def late_count(db: sqlite3.Connection) -> int:
    """How many events were recorded late, of all kinds."""
    counts = (db.execute(f"SELECT count(*) FROM {late_table(kind)}") for kind in MODULES)  # noqa: S608  # the same
    return sum(int(found.fetchone()[0]) for found in counts)
