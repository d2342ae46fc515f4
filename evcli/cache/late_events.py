"""The events of a cache that were recorded late, by record and by when they happened."""

import sqlite3
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple

from evcli.cache import CacheFailed
from evcli.cache.guard import failing_cache, made_of_rows
from evcli.cache.late import late_count, late_table
from evcli.cache.span import Span, must_be_chained, spans_about, unpacked
from evcli.cache.tables import SQL, number_known
from evcli.kinds import MODULES


class Row(NamedTuple):
    """An event about a record, as a cache knows it."""

    id: int
    """The record's id."""
    number: int
    late: str | None
    """When it happened, if it was recorded late."""
    after: Any
    """The record after it, in the order in which events were recorded."""
    place: int
    """The byte at which its line begins."""


class LateEvents:
    """What the tables of `db` know of late events up to event `number`. Every method raises CacheFailed."""

    def __init__(self, db: sqlite3.Connection, number: int, known: int, count: int) -> None:
        """`count` is how many late events there are up to event `known`, the last that the cache knows."""
        self._db, self.number, self._known, self._count = db, number, known, count
        self._is_checked = False

    def steps(self, kind: str, id: int) -> list[Row]:
        """The events about a record, in the order in which they were recorded."""
        with failing_cache():
            spans = spans_about(self._db, kind, id, self.number)
            _check_late(spans, self._db.execute(SQL[kind].late_of, (id, self.number)).fetchone()[0])
        return list(map(_row, spans))

    def records(self, kind: str) -> Iterator[tuple[int, list[Row]]]:
        """The id and all steps of every record that a late event is about, by id."""
        rows = ((unpacked(kind, row), late) for *row, late in self._rows(SQL[kind].of_late, self.number, self.number))
        for (id, late), found in groupby(rows, key=lambda each: (each[0].record[0], each[1])):
            spans = [span for span, _ in found]
            _check_late(spans, late)
            must_be_chained(spans)
            yield id, list(map(_row, spans))

    def between(self, start: str, until: str, after: int, *, backward: bool) -> Iterator[tuple[str, int, int]]:
        """Late events after event `after` that happened from `start` to `until`: when, which number, and its place.

        In the order in which they happened.
        """
        found = (self._of_kind(kind, start, until, after, backward=backward) for kind in MODULES)
        return merge(*found, reverse=backward)

    def count(self, start: str, until: str, after: int) -> int:
        """How many late events after event `after` happened from `start` to `until`."""
        which = "time BETWEEN ? AND ? AND number > ? AND number <= ?"
        with failing_cache():
            self._check()
            statements = (f"SELECT count(*) FROM {late_table(kind)} WHERE {which}" for kind in MODULES)  # noqa: S608
            counts = [self._db.execute(each, (start, until, after, self.number)).fetchone()[0] for each in statements]
        return sum(counts)

    def _of_kind(self, kind: str, start: str, until: str, after: int, *, backward: bool) -> Iterator[Any]:
        down = "DESC" * backward
        statement = (
            f"SELECT time, number FROM {late_table(kind)} WHERE time BETWEEN ? AND ? AND number > ? AND number <= ? "  # noqa: S608
            f"ORDER BY time {down}, number {down}"
        )
        for time, number in self._rows(statement, start, until, after, self.number):
            with failing_cache():
                found = self._db.execute(SQL[kind].at, (number,)).fetchone()
                row = None if found is None else _row(unpacked(kind, found))
            if row is None or row.late != time:
                raise CacheFailed("two of its tables disagree", is_faulty=True)
            yield time, number, row.place

    def _rows(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with failing_cache():
            self._check()
        yield from made_of_rows(self._db, statement, values, tuple)

    def _check(self) -> None:
        """Check that no late event is lost from the tables, unless another process has added some meanwhile."""
        if self._is_checked:
            return
        if late_count(self._db) != self._count and number_known(self._db) == self._known:
            raise CacheFailed("two of its tables disagree", is_faulty=True)
        self._is_checked = True


def _check_late(spans: Iterable[Span], late: int) -> None:
    if sum(span.late is not None for span in spans) != late:
        raise CacheFailed("two of its tables disagree", is_faulty=True)


def _row(span: Span) -> Row:
    return Row(span.record[0], span.record[-2], span.late, span.record, span.place)
