"""Turn errors of the database into CacheFailed: temporarily unavailable, or faulty."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from evcli.cache import CacheFailed

Made = TypeVar("Made")

_OUT_OF_REACH = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM,
}  # fmt: skip


@contextmanager
def failing_cache() -> Iterator[None]:
    """Raise CacheFailed for any database error in the block, and for values that evcli never stores."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        raise CacheFailed(str(error), is_faulty=code is None or code & 0xFF not in _OUT_OF_REACH) from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CacheFailed(f"it contains an invalid value ({error})", is_faulty=True) from error


def made_of_rows(
    db: sqlite3.Connection, statement: str, values: Sequence[object], make: Callable[[Sequence[Any]], Made]
) -> Iterator[Made]:
    """What `make` makes of each row that a query finds, one at a time. Raises CacheFailed."""
    with failing_cache():
        rows = db.execute(statement, values)
    while True:
        with failing_cache():
            row = rows.fetchone()
            if row is None:
                return
            made = make(row)
        yield made
