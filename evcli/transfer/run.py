"""One import: rows become intentions, and intentions events, batch by batch; running it again resumes it.

The id of a row's event is a hash of the cells of all rows up to it. So it can be computed without the log whether a row
is already recorded; a changed row, and every row after one, counts as new. If a row is recorded, all rows before it
are done too: recorded, or skipped on purpose. So the import resumes after the last recorded row; it does not decide
the earlier ones again, whose records may have changed since.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate

from evcli.domain.kind import Begins
from evcli.domain.overlay import Draft
from evcli.domain.refusals import Taken
from evcli.errors import EvcliError, Refused
from evcli.kinds import KINDS, TYPES
from evcli.log.line import MAX_BATCH
from evcli.log.replay import without_garbage_collection
from evcli.register.beginnings import Beginnings
from evcli.register.decide import Intention, NotAccepted, Series, accept
from evcli.register.register import Register
from evcli.register.series import recorded_ids, rehearsal
from evcli.transfer.fault import BadCell, Fault
from evcli.transfer.happened import Bad, Happened, Noted, Skipped, recorded, rehearsed
from evcli.transfer.identity import RowIds
from evcli.transfer.pending import Pending
from evcli.transfer.places import NOWHERE, Place, Places
from evcli.transfer.rows import Intake, Rows
from evcli.transfer.source import Source
from evcli.transfer.wanted import Wanted

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
        form: str | None,
        wanted: Wanted,
        *,
        skip_existing: bool = False,
        lock_wait: float,
    ) -> None:
        """Prepare an import.

        Args:
            register: where the events go.
            source: the input; read twice if a part of it is already recorded.
            form: csv or jsonl; as the source's name or first byte says, when None.
            wanted: what rows of the kind want.
            skip_existing: skip rows that begin a record whose unique field is in use.
            lock_wait: seconds to wait for other writers, for each batch.
        """
        self._register, self._source, self._form, self._wanted = register, source, form, wanted
        self._skips_existing, self._lock_wait = skip_existing, lock_wait
        self.rows = 0
        """Rows read, not counting empty ones."""
        self.already = 0
        """How many of these were recorded by an earlier run."""
        self.skipped = 0
        """How many of these were skipped, now or in an earlier run, because what they ask for is already the case."""
        self.events = 0
        """Events recorded in this run (or that would be, in a rehearsal), and the numbers of the first and the last."""
        self.first = self.last = 0
        self.place = NOWHERE
        """All rows up to this one are dealt with and durable."""
        self._correlation, self._since, self._frame = "", 0, register.frame + MEMBERS
        self._ids, self._room, self._is_stopped = RowIds(), MAX_BATCH, False
        self._pending = Pending()
        self._draft: Draft | None = None
        self._heading, self._places, self._notes = 0, Places(), dict[str, bool]()
        """`_notes`: what is to be noted, and whether that was done."""

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
        self._draft = rehearsal(self._register)
        yield from self.record()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _take_all(self) -> Iterator[Happened]:
        known, last = self._recorded_before()
        yield from self._noted()
        for lines, rows, fault in self._begin():
            if self._is_stopped:
                return
            if fault:
                self.rows += 1
                yield from self._stop_at(lines[0], fault)
                continue
            ids, sizes = self._ids.of(rows)
            done = min(last, len(rows))
            if done:
                last -= done
                already = sum(id in known for id in ids[:done])
                self.rows += done
                self.place = Place(self.rows, lines[done - 1], self._heading)
                self.already, self.skipped = self.already + already, self.skipped + done - already
            for start in range(done, len(rows), AT_ONCE):
                some = slice(start, start + AT_ONCE)
                yield from self._take(lines[some], rows[some], ids[some], sizes[some])
                if self._is_stopped:
                    return
        if not self._is_stopped:
            yield from self._flush()
            yield from self._noted()

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
        intake = Intake(self._source, self._form, self._wanted.columns, self._wanted.needed, self._note)
        rows = intake.rows()
        self._heading = intake.heading
        return rows

    def _recorded_before(self) -> tuple[dict[str, int], int]:
        """The ids of the recorded rows, and how many good rows there are up to the last of them."""
        last, at, ids = 0, 0, RowIds()
        known: dict[str, int] = {}
        for lines, rows, fault in self._begin():
            if fault:
                break  # nothing after it was recorded
            if not at:
                self._correlation = RowIds().of(rows[:1])[0][0]
                known, self._since = recorded_ids(self._register, self._correlation)
                if not known:
                    break
            for line, id in zip(lines, ids.of(rows)[0], strict=True):
                at += 1
                if id in known:
                    last = at
                    self._places.add(known[id], at, [line])
            if self._places.count == len(known):
                break
        self._source.rewind()
        return known, last

    def _note(self, message: str) -> None:
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
                accept(rehearsal(self._register), list(self._pending.intentions), self._may_skip)
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
        series = Series(self._correlation, self._since, self._may_skip)
        with ExitStack() as held:
            try:
                wanted = self._pending.intentions
                many, each = (wanted, ()) if isinstance(wanted, Beginnings) else (None, wanted)
                done = self._register.execute(*each, many=many, lock_wait=self._lock_wait, series=series, held=held)
            except NotAccepted as no:
                yield self._bad(no.index, no.why, no.refused, self._register.known.number + 1)
                return
            self._since = self._register.known.place
            self._count(done.first, len(done), done.refused)
            if done:
                yield recorded(done.first, done.changes, done.notices)
        yield from (Skipped(self._place(index), why) for index, why in done.refused.items())

    def _try(self, draft: Draft) -> Iterator[Happened]:
        first = draft.number + 1
        changes, refused = accept(draft, list(self._pending.intentions), lambda intention, why: True)
        for index, why in refused.items():
            if self._may_skip(self._pending.intentions[index], why):
                yield Skipped(self._place(index), why)
            else:
                yield self._bad(index, why, refused, first)
        self._count(first, len(changes), refused)
        if changes:
            yield rehearsed(first, changes, map(self._place, self._pending.kept(refused)))

    def _may_skip(self, intention: Intention, why: Refused) -> bool:
        return self._skips_existing and isinstance(why, Taken) and type(TYPES[intention.type]) is Begins

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
        if isinstance(why, Taken) and (place := self._place_of(why.event, refused, first)):
            kind = KINDS[why.kind]
            field = kind.fields[why.field]
            why.message = f"the {kind.name} of {place} already has that {field.label}"
            why.hint = f"no two live {kind.plural} share {field.one}"
            why.is_skippable = not self._pending.intentions[index].finds
        return Bad(self._place(index), "", why)

    def _place_of(self, event: int, refused: Collection[int], first: int) -> Place | None:
        """Where the row is that event `event` records; None if no row of this input does."""
        if event >= first:
            return self._place(self._pending.kept(refused)[event - first])
        found = self._places.of(event)
        return found and Place(found[0], found[1], self._heading)
