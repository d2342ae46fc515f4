"""One import: rows become intentions, and intentions events, batch by batch; running it again resumes it.

The id of a row's event is a hash of the cells of all rows up to it. So it can be computed without the log whether a row
is already recorded; a changed row, and every row after one, counts as new. The import resumes after the last recorded
row; it does not decide the earlier ones again, whose records may have changed since, but tells which of them do not
stand any more.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from evcli.domain.overlay import Draft
from evcli.domain.refusals import Taken
from evcli.errors import EvcliError, Refused
from evcli.log.line import MAX_BATCH
from evcli.log.replay import without_garbage_collection
from evcli.register.beginnings import Beginnings
from evcli.register.decide import NotAccepted, Series, accept
from evcli.register.register import Register
from evcli.register.series import rehearsal
from evcli.transfer.before import Before
from evcli.transfer.fault import BadCell, Fault
from evcli.transfer.happened import Bad, Happened, Noted, Skipped, recorded, rehearsed
from evcli.transfer.identity import RowIds
from evcli.transfer.pending import Pending
from evcli.transfer.places import NOWHERE, Place, Places
from evcli.transfer.reading import USUAL, Reading
from evcli.transfer.rows import Intake, Rows
from evcli.transfer.skipping import Skipping
from evcli.transfer.source import Source
from evcli.transfer.undone import undone
from evcli.transfer.wanted import Wanted

if TYPE_CHECKING:
    from evcli.register.two_times.lives import Trial

AT_ONCE = 500
"""How many rows are looked at together: if one of them is not plain, all of them are taken one by one."""

MEMBERS = 32
"""The maximum size in bytes of the names of an event's data, with their quotes."""


class Import:
    """One run over an input, and its counts so far."""

    def __init__(
        self,
        register: Register,
        source: Source,
        wanted: Wanted,
        *,
        how: Reading = USUAL,
        skip_existing: bool = False,
        again: bool = False,
        lock_wait: float,
    ) -> None:
        """Prepare an import.

        Args:
            register: where the events go.
            source: the input; read twice if a part of it is already recorded.
            wanted: what rows of the kind want.
            how: what is known of the input.
            skip_existing: skip rows that begin a record whose unique field is in use; with `again`, also others that
                would change nothing.
            again: record all rows anew, as another series, once the last one is finished.
            lock_wait: seconds to wait for other writers, for each batch.
        """
        self._register, self._source, self._wanted, self._lock_wait = register, source, wanted, lock_wait
        self._how, self._again = how, again
        self.rows = self.already = self.skipped = 0
        """Rows read, not counting empty ones; how many of them an earlier run recorded; and how many were skipped, now
        or in an earlier run, because what they ask for is already the case."""
        self.events = self.first = self.last = 0
        """Events recorded in this run (or that would be, in a rehearsal), and the numbers of the first and the last."""
        self.place = NOWHERE
        """All rows up to this one are dealt with and durable."""
        self.before = Before()
        """What earlier runs recorded."""
        self._frame, self._room, self._is_stopped = register.frame + MEMBERS, MAX_BATCH, False
        self._pending, self._skipping = Pending(), Skipping(existing=skip_existing, again=again)
        self._draft: Draft | None = None
        self._trial: Trial | None = None
        self._heading, self._places, self._notes = 0, Places(), dict[str, bool]()

    @property
    def line(self) -> int:
        """The line on which the last row begins that is dealt with and durable, as all before it."""
        return self.place.line

    def record(self) -> Iterator[Happened]:
        """Record what is not recorded yet, up to the first bad row. Raises BadInput, and what `execute` raises.

        Signals are held from before a batch is written until the next item is requested.
        """
        with without_garbage_collection():
            try:
                yield from self._take_all()
            except EvcliError:
                yield from self._noted()
                raise

    def rehearse(self) -> Iterator[Happened]:
        """The same without writing anything."""
        self._draft, self._trial = rehearsal(self._register), self._register.trial()
        yield from self.record()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _take_all(self) -> Iterator[Happened]:
        before = self.before
        parts = self._begin()
        before.read(parts, self._heading, self._register, self._wanted, again=self._again)
        self._source.rewind()
        yield from self._noted()
        self.already, self.skipped, last = before.already, before.done - before.already, before.done
        ids_of = RowIds(before.seed).of
        for lines, rows, fault in self._begin():
            if self._is_stopped:
                return
            if fault:
                self.rows += 1
                yield from self._stop_at(lines[0], fault)
                continue
            ids, sizes = ids_of(rows)
            done = min(last, len(rows))
            if done:
                last -= done
                self.rows += done
                self.place = Place(self.rows, lines[done - 1], self._heading)
            for start in range(done, len(rows), AT_ONCE):
                some = slice(start, start + AT_ONCE)
                yield from self._take(lines[some], rows[some], ids[some], sizes[some])
                if self._is_stopped:
                    return
        if not self._is_stopped:
            yield from self._flush()
            yield from self._noted()
            state = self._draft or self._register.state
            yield from undone(before, self._wanted.kind, self._register, state, self._place_of)

    def _take(
        self, lines: Sequence[int], rows: Sequence[tuple[str, ...]], ids: Sequence[str], sizes: Sequence[int]
    ) -> Iterator[Happened]:
        """Add rows to the next batch, and record each batch that is full."""
        if (many := self._wanted.beginnings(rows, ids)) is not None:
            yield from self._take_many(lines, many, sizes)
            return
        for line, cells, id, size in zip(lines, rows, ids, sizes, strict=True):
            self.rows += 1
            try:
                intention = self._wanted.intention(cells, id)
            except BadCell as bad:
                yield from self._stop_at(line, bad.fault)
            else:
                self._room -= size + self._frame
                if self._room < 0:
                    yield from self._flush()
                    self._room = MAX_BATCH - size - self._frame
                self._pending.add(self.rows, [line], [intention])
            if self._is_stopped:
                return

    def _take_many(self, lines: Sequence[int], many: Beginnings, sizes: Sequence[int]) -> Iterator[Happened]:
        used, before = [0, *accumulate(size + self._frame for size in sizes)], self.rows
        start = least = 0
        while start < len(lines):
            end = max(start + least, bisect_right(used, used[start] + self._room) - 1)
            self.rows = before + min(end + 1, len(lines))  # the one after a full batch has been read, too
            self._room -= used[end] - used[start]
            if end > start:
                self._pending.add(before + start + 1, lines[start:end], many[start:end])
            if end < len(lines):
                yield from self._flush()
                if self._is_stopped:
                    return
                # The longest row is longer than a batch may be: it gets one of its own.
                self._room, least = MAX_BATCH, 1
            start = end

    def _begin(self) -> Iterator[Rows]:
        wanted = self._wanted
        intake = Intake(self._source, wanted.columns, wanted.needed, self._note, self._how)
        rows = intake.rows()
        self._heading = intake.heading
        return rows

    def _note(self, message: str) -> None:
        """Note this once, however often it is asked for."""
        self._notes.setdefault(message, False)

    def _noted(self) -> Iterator[Noted]:
        for message, is_done in self._notes.items():
            if not is_done:
                self._notes[message] = True
                yield Noted(message)

    def _stop_at(self, line: int, fault: Fault) -> Iterator[Happened]:
        if self._draft is not None:
            yield from self._flush()  # report bad rows in order
        elif self._pending:
            try:  # an earlier row may break a rule; that one is then reported first
                draft, wanted = rehearsal(self._register), list(self._pending.intentions)
                accept(draft, wanted, self._skipping.may_skip, self._register.trial())
            except NotAccepted as no:
                yield self._bad(no.index, no.why, no.refused, self._register.known.number + 1)
                return
        self._is_stopped = self._draft is None
        yield Bad(Place(self.rows, line, self._heading), fault.field, fault.error())

    # --- batches ------------------------------------------------------------------------------------------------------

    def _flush(self) -> Iterator[Happened]:
        """Record the pending rows, or try them out."""
        if self._pending:
            yield from self._write() if self._draft is None else self._try(self._draft)
            self._pending = Pending()

    def _write(self) -> Iterator[Happened]:
        series = Series(self.before.correlation, self.before.since, self._skipping.may_skip)
        with ExitStack() as held:
            try:
                wanted = self._pending.intentions
                many, each = (wanted, ()) if isinstance(wanted, Beginnings) else (None, wanted)
                done = self._register.execute(*each, many=many, lock_wait=self._lock_wait, series=series, held=held)
            except NotAccepted as no:
                yield self._bad(no.index, no.why, no.refused, self._register.known.number + 1)
                return
            self.before.since = self._register.known.place
            self._count(done.first, len(done), done.refused)
            if done:
                yield recorded(done.first, done.changes, done.notices)._replace(overtaken=done.overtaken)
        yield from (self._skip(index, why) for index, why in done.refused.items())

    def _try(self, draft: Draft) -> Iterator[Happened]:
        first = draft.number + 1
        changes, refused = accept(draft, list(self._pending.intentions), lambda intention, why: True, self._trial)
        self._count(first, len(changes), refused)
        for index, why in refused.items():
            if self._skipping.may_skip(self._pending.intentions[index], why):
                yield self._skip(index, why)
            else:
                yield self._bad(index, why, refused, first)
        if changes:
            found = rehearsed(first, changes, map(self._place, self._pending.kept(refused)))
            yield found._replace(overtaken=list(self._trial.overtaken.values()) if self._trial else ())

    def _skip(self, index: int, why: Refused) -> Skipped:
        """The result for the skipped row at `index` of a batch that is counted."""
        began = self._place_of(why.event) if isinstance(why, Taken) else None
        return self._skipping.skipped(self._pending.intentions[index], self._place(index), why, began)

    def _count(self, first: int, events: int, refused: Collection[int]) -> None:
        if refused:
            for number, at in enumerate(self._pending.kept(refused), first):
                place = self._place(at)
                self._places.add(number, place.row, [place.line])
        else:
            self._places.add(first, self._pending.first, self._pending.lines)
        if events:
            self.first = self.first or first
            self.last = first + events - 1
            self.events += events
        self.skipped += len(refused)
        self.place = self._place(len(self._pending) - 1)

    def _place(self, index: int) -> Place:
        return self._pending.place(index, self._heading)

    def _bad(self, index: int, why: Refused, refused: Collection[int], first: int) -> Bad:
        """The result for the refused row at `index`; `first` is the number of the first event of its batch."""
        self._is_stopped = self._draft is None
        intention = self._pending.intentions[index]
        from evcli.transfer.against import name_other

        place_of = partial(self._place_of, refused=refused, first=first, is_new=self._again)
        name_other(why, place_of)
        return Bad(
            self._place(index), "", why, self._skipping.could(intention, why), is_dated=intention.time is not None
        )

    def _place_of(
        self, event: int, refused: Collection[int] = (), first: int | None = None, *, is_new: bool = False
    ) -> Place | None:
        """Where the row is that event `event` records; None if no row of this input does.

        `first` is the number of the first event of the batch that is pending, of which some rows are refused.
        With `is_new`, what earlier runs recorded is no row of this one.
        """
        if first is not None and event >= first:
            return self._place(self._pending.kept(refused)[event - first])
        found = self._places.of(event)
        if found:
            return Place(*found, self._heading)
        return None if is_new else self.before.place_of(event)
