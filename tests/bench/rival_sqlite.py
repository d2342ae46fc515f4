"""What people would use instead: a table in SQLite, by Python's own sqlite3. `python rival_sqlite.py CSV DATABASE`
imports a CSV file of users.

The table has the live users, with unique e-mails. It keeps no history, no hash, no time and no actor.
"""

import csv
import gc
import sqlite3
import sys
from collections.abc import Iterable
from pathlib import Path


def connect(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    """Open the database, with its table and unique index; `wal` is the mode for many small writes."""
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL)")
    connection.execute("CREATE UNIQUE INDEX by_email ON users (email)")
    return connection


def insert(connection: sqlite3.Connection, name: str, email: str) -> None:
    """One user, in a transaction of its own."""
    connection.execute("INSERT INTO users (name, email) VALUES (?, ?)", (name, email))


def insert_all(connection: sqlite3.Connection, rows: Iterable[list[str]]) -> None:
    """All users, in one transaction."""
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO users (name, email) VALUES (?, ?)", rows)
    connection.execute("COMMIT")


def count(path: Path) -> int:
    """How many users there are."""
    connection = sqlite3.connect(path)
    number: int = connection.execute("SELECT count(*) FROM users").fetchone()[0]
    connection.close()
    return number


def main(source: str, database: str) -> None:
    """Import a CSV file with the columns name and email."""
    gc.disable()
    connection = connect(Path(database))
    with open(source, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        insert_all(connection, rows)
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
