"""A span as a value, checked. Each names the one before it of the same record: so a lost row is noticed."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from evcli.cache import CacheFailed
from evcli.cache.tables import SQL
from evcli.kinds import KINDS


class Span(NamedTuple):
    """A row of spans: what a record was from an event on."""

    record: Any
    place: int
    """The byte at which the event's line begins."""
    previous: int
    """The number of the event about the record before it; 0 if there was none."""
    late: str | None
    """When the event happened, if it was recorded late."""


def unpacked(kind: str, row: Sequence[Any]) -> Span:
    """The span in a row. Raises CacheFailed."""
    id, changed, live, packed, sum = row
    if crc32(packed) != sum:
        raise CacheFailed("one of its rows was changed", is_faulty=True)
    record_of = KINDS[kind].record
    values = orjson.loads(packed)
    length = len(record_of._fields)
    record = record_of._make(values[:length])
    if (record[0], record[-2], record[-1] is None) != (id, changed, live):
        raise CacheFailed("one of its rows was changed", is_faulty=True)
    place, previous, *late = values[length:]
    return Span(record, place, previous, late[0] if late else None)


def spans_about(db: sqlite3.Connection, kind: str, id: int, number: int) -> list[Span]:
    """All spans of a record up to event `number`, in order. Raises CacheFailed, sqlite3.Error."""
    found = [unpacked(kind, row) for row in db.execute(SQL[kind].events, (id, number))]
    must_be_chained(found)
    must_be_last(db, kind, number, {id: found[-1].record[-2] if found else 0})
    return found


def must_be_chained(spans: Sequence[Span]) -> None:
    """Check that no span is missing between these, the first of a record. Raises CacheFailed."""
    last = 0
    for span in spans:
        if span.previous != last:
            raise CacheFailed("one of its rows is missing", is_faulty=True)
        last = span.record[-2]


def must_be_last(db: sqlite3.Connection, kind: str, number: int, last: Mapping[int, int]) -> None:
    """Check that these are the last events about these records up to event `number`, 0 for none.

    Raises CacheFailed, sqlite3.Error.
    """
    sql, wanted = SQL[kind], orjson.dumps(list(last)).decode()
    for _ in range(2):  # another process may add the next event about one between the two questions
        after = {
            span.record[0]: span for span in (unpacked(kind, row) for row in db.execute(sql.after, (wanted, number)))
        }
        if any(span.previous != last[id] for id, span in after.items()):
            raise CacheFailed("one of its rows is missing", is_faulty=True)
        now = dict(db.execute(sql.now_many, (wanted,)))
        if all(now.get(id, 0) == each for id, each in last.items() if id not in after):
            return
    raise CacheFailed("two of its tables disagree", is_faulty=True)
