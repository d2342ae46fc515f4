"""The database of a cache: opened, and the row that says which log it is of and how far it knows it."""

import os
import sqlite3
from typing import NamedTuple, Protocol

from evcli import __version__
from evcli.cache.tables import sum_of
from evcli.kinds import MODULES
from evcli.log import START, Position
from evcli.log.reader import Reader

VERSION = f"8 of {__version__}"
"""A cache must have this version to be used: another release may check more, and checks events only on entry."""


class Progress(Protocol):
    """Shows the progress of a long task."""

    def show(self, done: int, total: int | None, count: int) -> None:
        """`done` of `total` bytes are done, which held `count` events."""

    def end(self) -> None:
        """The task is done, or has failed."""


class Known(NamedTuple):
    """How far a cache knows its log, how many records of each kind are live at that point, and how many events late."""

    at: Position
    live: dict[str, int]
    late: int


def nothing() -> Known:
    """What a new cache knows."""
    return Known(START, dict.fromkeys(MODULES, 0), 0)


def connect(path: str, timeout: float) -> sqlite3.Connection:
    """Open the database at `path`; wait up to `timeout` seconds for other processes. Raises sqlite3.Error."""
    plain = b"/._-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    quoted = "".join(chr(byte) if byte in plain else f"%{byte:02x}" for byte in os.fsencode(path))
    return sqlite3.connect(
        f"file:{quoted}?mode=rw", uri=True, isolation_level=None, timeout=timeout, check_same_thread=False
    )


def write_down(db: sqlite3.Connection, reader: Reader, known: Known) -> None:
    """Store how far the cache is, and which log it belongs to."""
    live = ",".join(f"{kind}:{count}" for kind, count in known.live.items())
    at = known.at
    db.execute("CREATE TABLE IF NOT EXISTS log (version, identity, number, byte, sha256, recorded, live, late, sum)")
    db.execute("DELETE FROM log")
    row = (VERSION, reader.identity(), at.number, at.place, at.sha256.decode(), at.recorded, live, known.late)
    db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, sum_of(*row)))
    # What `claim_of` reads. SQLite numbers versions of the schema only to notice changes; here it never changes.
    db.execute(f"PRAGMA user_version = {_signed(at.place & 0xFFFFFFFF)}")
    db.execute(f"PRAGMA schema_version = {_signed(int(at.sha256[:8], 16))}")


def _signed(number: int) -> int:
    """The same 32 bits as a signed number, which is what these pragmas take."""
    return number - (1 << 32) if number >> 31 else number
