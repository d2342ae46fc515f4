"""A State that is looked up in the tables of a cache, after any event in the cache.

Only the tables of the present state ever change: so a state stays the same while other processes append later events.
The present state is looked up twice: a disk can flip a bit, and a changed or lost row must not decide what is written.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from typing import TYPE_CHECKING, Any

import orjson

from evcli.cache import CacheFailed
from evcli.cache.guard import failing_cache, made_of_rows
from evcli.cache.span import must_be_last, spans_about, unpacked
from evcli.cache.tables import SQL, sum_of
from evcli.cache.words import need_words
from evcli.domain.event import Event
from evcli.domain.state import Count
from evcli.domain.text import is_unicode
from evcli.kinds import KINDS

if TYPE_CHECKING:
    from evcli.cache.database import Progress


class SpanState:
    """The records after event `number`, looked up in the tables of `db`.

    Every method raises CacheFailed if the database cannot answer, or its answer is inconsistent.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        number: int,
        live_counts: Mapping[str, int] | None = None,
        progress: "Progress | None" = None,
    ) -> None:
        """`live_counts`: if `number` is the last cached event, how many records of each kind are live.

        `progress` shows how words are filled in.
        """
        self._progress = progress
        self.number = number
        self._db = db
        self._live_counts = live_counts
        self._has_words = False

    def get(self, kind: str, id: int) -> Any:
        """The record with that id, live or ended, or None."""
        with failing_cache():
            row = self._db.execute(SQL[kind].get, (id, self.number)).fetchone()
            record = None if row is None else _record(kind, row)
            if self._live_counts is not None:
                now = self._db.execute(SQL[kind].now, (id,)).fetchone()
                self._must_agree(now == (None if record is None else (record[-2],)))
            else:
                must_be_last(self._db, kind, self.number, {id: 0 if record is None else record[-2]})
            return record

    def get_many(self, kind: str, ids: Iterable[int]) -> list[Any]:
        """The existing records with these ids."""
        ids = list(ids)
        if not ids:
            return []
        wanted = _array(ids)
        with failing_cache():
            rows = self._db.execute(SQL[kind].get_many, (wanted, self.number)).fetchall()
            records = [_record(kind, row) for row in rows]
            if self._live_counts is not None:
                now = dict(self._db.execute(SQL[kind].now_many, (wanted,)))
                self._must_agree(now == {record.id: record[-2] for record in records})
            else:
                must_be_last(
                    self._db, kind, self.number, dict.fromkeys(ids, 0) | {each.id: each[-2] for each in records}
                )
            return records

    def are_live(self, kind: str, ids: Iterable[int]) -> bool:
        """Whether the tables of the present say that these records are live. Nothing may be decided by it alone."""
        ids = list(ids)
        with failing_cache():
            said = self._db.execute(SQL[kind].count_live_of, (_array(ids),)).fetchone()
            return bool(said == (len(ids), self.number))

    def holder(self, kind: str, key: str) -> Any:
        """The live record whose unique key is `key`, or None."""
        if not is_unicode(key):
            return None
        with failing_cache():
            self._need_words()
            # Most keys that are looked up alone are new to the register: then one statement says so.
            is_new = self._db.execute(SQL[kind].ever_a_key, (key, sum_of(key))).fetchone() is None
        return None if is_new else self.holders(kind, [key]).get(key)

    def holders(self, kind: str, keys: Iterable[str]) -> dict[str, Any]:
        """The live record of each of these unique keys that has one."""
        keys = list(keys)
        with failing_cache():
            self._need_words()
            rows = self._db.execute(SQL[kind].holders, (_array(keys), self.number, self.number)).fetchall()
            ids = dict(rows)
            records = {record.id: record for record in self.get_many(kind, ids.values())} if ids else {}
            found = {key: records.get(id) for key, id in ids.items()}
            key_of = KINDS[kind].key
            for key, record in found.items():
                if record is None or record[-1] is not None or key_of(record) != key:
                    raise CacheFailed("one of its rows was changed", is_faulty=True)
            if self._live_counts is not None:
                named = {id for _, id in self._db.execute(SQL[kind].named_many, (_array(map(sum_of, keys)),))}
                wanted, second = set(keys), {}
                for record in [*records.values(), *self.get_many(kind, named - records.keys())]:
                    held = key_of(record) if record[-1] is None and record.id in named else None
                    if held is not None and held in wanted:
                        second[held] = record
                self._must_agree(found == second)
            return found

    def _need_words(self) -> None:
        if not self._has_words:  # and once they are there, they stay
            need_words(self._db, self.number, self._progress)
            self._has_words = True

    def events_about(self, kind: str, id: int) -> list[tuple[int, int]]:
        """The number of each event about a record up to this state, and the byte at which its line begins."""
        with failing_cache():
            found = spans_about(self._db, kind, id, self.number)
        return [(span.record[-2], span.place) for span in found]

    def places(self, kind: str, numbers: Collection[int]) -> dict[int, int]:
        """The bytes at which the lines of events begin, by number: of those that are about records of the kind."""
        with failing_cache():
            found = [unpacked(kind, row) for row in self._db.execute(SQL[kind].places, (_array(numbers),))]
        return {span.record[-2]: span.place for span in found}

    def last_id(self, kind: str) -> int:
        """The highest id given by then: ids are given in order, so it is found by bisection."""
        sql = SQL[kind]
        with failing_cache():
            # A single statement reads one snapshot: both tables have the same last record, whatever is added meanwhile.
            last, last_now = self._db.execute(sql.last_id).fetchone()
            if last != last_now:
                raise CacheFailed("two of its tables disagree", is_faulty=True)
            low, high = 0, last or 0
            if self._live_counts is not None and self._is_present():
                return high
            middle = high
            while low < high:
                first = _record(kind, self._db.execute(sql.first, (middle,)).fetchone())
                if first[-3] != first[-2]:
                    raise CacheFailed("one of its rows is missing", is_faulty=True)
                if first[-3] <= self.number:
                    low = middle
                else:
                    high = middle - 1
                middle = (low + high + 1) // 2
            return low

    def count(self, kind: str) -> Count:
        """How many records of the kind exist."""
        last = self.last_id(kind)
        if self._live_counts is not None:
            live = self._live_counts[kind]
        elif last:
            with failing_cache():
                live = self._db.execute(SQL[kind].count_live, (last, self.number)).fetchone()[0]
        else:
            live = 0
        return Count(live, last - live)

    def records(self, kind: str, *, live_only: bool = False) -> Iterator[Any]:
        """All records of the kind, or only the live ones, in order of id."""
        if not live_only:
            if last := self.last_id(kind):
                yield from self._records(kind, SQL[kind].all, (last, self.number))
            return
        is_any = False
        for record in self._records(kind, SQL[kind].all_live, (self.number, self.number)):
            is_any = True
            yield record
        if not is_any:  # no record is live, or this state is not the present one (any more)
            yield from (record for record in self.records(kind) if record[-1] is None)

    def _records(self, kind: str, statement: str, values: tuple[int, int]) -> Iterator[Any]:
        return made_of_rows(self._db, statement, values, partial(_record, kind))

    def called(self, kind: str, word: str) -> Iterator[Any]:
        """The records whose unique key, or whose case-folded name, is `word`."""
        if not is_unicode(word):
            return iter(())
        with failing_cache():
            self._need_words()
            ids = {id for (id,) in self._db.execute(SQL[kind].called, (word, self.number, self.number) * 2)}
            records = sorted(self.get_many(kind, ids))
            if len(records) != len(ids) or any(word not in KINDS[kind].words(record) for record in records):
                raise CacheFailed("one of its rows was changed", is_faulty=True)
            if self._live_counts is not None:
                named = {id for (id,) in self._db.execute(SQL[kind].named, (sum_of(word),))}
                others = [each for each in self.get_many(kind, named - ids) if word in KINDS[kind].words(each)]
                self._must_agree(not others and ids <= named)
            return iter(records)

    def ever_called(self, kind: str, word: str) -> set[int]:
        """The ids of the records of which a row says that they ever had this word, also after this state."""
        with failing_cache():
            self._need_words()
            return {id for (id,) in self._db.execute(SQL[kind].ever_called, (word, word))}

    def ever_had(self, kind: str, keys: Iterable[str]) -> dict[str, set[int]]:
        """The ids of the records of which a row says that they had each of these unique keys, live or not, at any time.

        A key that none had is missing.
        """
        found: dict[str, set[int]] = {}
        with failing_cache():
            self._need_words()
            for key, id in self._db.execute(SQL[kind].ever_had, (_array(keys),)):
                found.setdefault(key, set()).add(id)
        return found

    def words(self, kind: str, start: str, *, backward: bool = False) -> Iterator[tuple[str, Any]]:
        """(word, record) pairs in ascending order from `start` on; backward: descending from just before `start`."""
        start = start.encode(errors="replace").decode()
        with failing_cache():
            self._need_words()
            found = [
                self._db.execute(statements[backward], (start, self.number, self.number))
                for statements in SQL[kind].words
            ]
        pairs = merge(*found, reverse=backward)
        last = None
        while True:
            with failing_cache():
                pair = next(pairs, None)
                if pair is None:
                    return
                if pair == last:  # the record's name is also its key
                    continue
                record = self.get(kind, pair[1])
                if record is None or pair[0] not in KINDS[kind].words(record):
                    raise CacheFailed("two of its tables disagree", is_faulty=True)
            yield pair[0], record
            last = pair

    def prepare(self, events: Sequence[Event]) -> None:
        """Do nothing: a draft over this state fetches many records at once."""

    def put(self, kind: str, before: Any, record: Any) -> None:
        """Never called: changes go into a draft, and then to `add`."""
        raise NotImplementedError

    def _is_present(self) -> bool:
        """Whether the tables of the present are at this state: another process may have added events since."""
        return bool(self._db.execute("SELECT number FROM log").fetchone() == (self.number,))

    def _must_agree(self, agrees: bool) -> None:
        if not agrees and self._is_present():
            raise CacheFailed("two of its tables disagree", is_faulty=True)


def _record(kind: str, row: tuple[Any, ...]) -> Any:
    return unpacked(kind, row).record


def _array(values: Iterable[object]) -> str:
    return orjson.dumps(list(values)).decode()
