"""Turn errors of the database into CacheFailed: temporarily unavailable, or faulty."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from evcli.cache import CacheFailed

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
