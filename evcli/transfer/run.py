"""One import: rows of an input become intentions, and those events, batch by batch; run again, it goes on.

The id of a row's event is made of the cells of all rows up to and with it. So it is known without asking anybody
whether a row is recorded already, and a row that is changed, or stands after one that is, is another row. Of a recorded
row, all rows before it are dealt with too: recorded, or passed over on purpose. So the import goes on after the last
one that is recorded; it does not decide anew on those before it, whose users may be others by now.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

import orjson

from evcli.domain.overlay import Draft
from evcli.errors import BadInput, EvcliError, Refused, Taken
from evcli.kinds import KINDS
from evcli.log.line import MAX_BATCH
from evcli.register.decide import Change, Intention, accept
from evcli.register.series import SeriesRegister
from evcli.transfer.rows import BadCell, Fault, Row
from evcli.transfer.source import Source

MEMBERS = 32
"""How many bytes the names of an event's data take at most, with their quotes."""


def row_id(digest: bytes) -> str:
    """A UUID of version 8 (RFC 9562, section 5.8: its bits are the maker's own) from the first bytes of a hash."""
    digits = digest.hex()
    variant = "89ab"[digest[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


class Import:
    """One run over an input, and what it has come to so far."""

    def __init__(
        self,
        register: SeriesRegister,
        source: Source,
        rows: Callable[[], Iterator[Row]],
        wanted: Callable[[tuple[str, ...], str], Intention],
        *,
        lock_wait: float,
        is_there: Callable[[Intention, Refused], bool],
        bad: Callable[[int, str, EvcliError], None],
        recorded: Callable[[list[Change], list[str]], None],
        more: Callable[[], None],
    ) -> None:
        """An import that has not begun.

        Args:
            register: where the events go.
            source: what is read; it is read again from the beginning when its first row is recorded already.
            rows: begins to read the source's rows.
            wanted: what the row with these cells wants as the event with that id. May raise BadCell.
            lock_wait: seconds to wait for other writers, for each batch.
            is_there: whether that refusal only says that what the row wants is so already: then it is passed over.
            bad: is told of each bad row: its line, the field, and what is wrong. It may raise.
            recorded: is given what was recorded, and notices, after each batch, while signals are held.
            more: is called when a batch is dealt with and more rows follow.
        """
        self._register = register
        self._source = source
        self._begin = rows
        self._wanted = wanted
        self._lock_wait = lock_wait
        self._is_there = is_there
        self._bad = bad
        self._recorded = recorded
        self._more = more
        self.rows = 0
        """Rows that were read, empty ones not counted."""
        self.already = 0
        """Of these, recorded by an earlier run."""
        self.skipped = 0
        """Of these, passed over because what they want is so already; now, or in an earlier run."""
        self.events = 0
        """Events that were recorded now (or would be, in a rehearsal), the first's number and the last's."""
        self.first = self.last = 0
        self.line = 0
        """All rows up to this line are dealt with and durable."""
        self._correlation = ""
        self._since = 0
        self._frame = register.frame + MEMBERS
        self._pending: list[Intention] = []
        self._lines: list[int] = []
        self._left: set[int] = set()
        self._draft: Draft | None = None
        self._numbered: list[tuple[int, Sequence[int]]] = []
        self._known_lines: dict[int, int] = {}

    def record(self) -> None:
        """Record what is not recorded yet. Raises what `bad` raises, BadInput, and as `execute_batch`."""
        self._take_all()

    def rehearse(self) -> None:
        """Do the same without writing anything."""
        self._draft = self._register.rehearsal()
        self._take_all()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _take_all(self) -> None:
        known, last = self._recorded_before()
        digest, at, room = b"", 0, MAX_BATCH
        wanted, frame, pending, lines = self._wanted, self._frame, self._pending, self._lines
        for line, cells, fault in self._begin():
            self.rows += 1
            if fault:
                self._stop_at(line, fault)
                continue
            written = orjson.dumps(cells)
            digest = sha256(digest + written).digest()
            id = row_id(digest)
            at += 1
            if at <= last:
                self.already += id in known
                self.skipped += id not in known
                self.line = line
                continue
            try:
                intention = wanted(cells, id)
            except BadCell as bad:
                self._stop_at(line, bad.fault)
                continue
            room -= len(written) + frame
            if room < 0:
                self._flush()
                self._more()
                room = MAX_BATCH - len(written) - frame
            pending.append(intention)
            lines.append(line)
        self._flush()

    def _recorded_before(self) -> tuple[dict[str, int], int]:
        """The ids of the rows that are recorded, and how many good rows there are up to the last of them."""
        digest, last, found = b"", 0, 0
        known: dict[str, int] = {}
        for at, (line, cells, fault) in enumerate(self._begin(), 1):
            if fault:
                break  # nothing after it was recorded
            digest = sha256(digest + orjson.dumps(cells)).digest()
            id = row_id(digest)
            if at == 1:
                self._correlation = id
                known, self._since = self._register.recorded_ids(id)
            if id in known:
                found, last = found + 1, at
                self._known_lines[known[id]] = line
            if found == len(known):
                break
        self._source.rewind()
        return known, last

    def _stop_at(self, line: int, fault: Fault) -> None:
        if self._draft is not None:
            self._flush()  # so that bad rows are told in the order in which they stand
        elif self._pending:
            # A row before it may be bad too, in a way that only the rules know: then that one is the first.
            self._left.clear()
            accept(self._register.rehearsal(), self._pending, self._left_out)
        self._bad(line, fault.field, BadInput(fault.why, fault.hint))

    # --- batches ------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Record what waits, or try it out."""
        if not self._pending:
            return
        self._left.clear()
        if self._draft is None:
            self._since = self._register.execute_batch(
                self._pending,
                correlation=self._correlation,
                since=self._since,
                left_out=self._left_out,
                lock_wait=self._lock_wait,
                answer=self._after_batch,
            )
        else:
            number = self._draft.number + 1
            self._count(number, len(accept(self._draft, self._pending, self._left_out)))
        self._pending.clear()
        self._lines.clear()
        self._left.clear()

    def _after_batch(self, number: int, changes: list[Change], notices: list[str]) -> None:
        self._count(number, len(changes))
        self._recorded(changes, notices)

    def _count(self, number: int, events: int) -> None:
        lines = self._lines
        if self._left:
            lines = [line for index, line in enumerate(lines) if index not in self._left]
        if events:
            is_run = lines[-1] - lines[0] + 1 == events
            self._numbered.append((number, range(lines[0], lines[-1] + 1) if is_run else array("Q", lines)))
            self.first = self.first or number
            self.last = number + events - 1
            self.events += events
        self.skipped += len(self._left)
        self.line = self._lines[-1]

    def _left_out(self, index: int, refused: Refused, number: int) -> None:
        """Take note of a row that the rules refuse: passed over, or bad."""
        if not self._is_there(self._pending[index], refused):
            if isinstance(refused, Taken) and (line := self._line_of(refused.event, index, number)):
                kind = KINDS[refused.kind]
                field = kind.fields[refused.field]
                refused.message = f"the {kind.name} of line {line} has that {field.label} already"
                refused.hint = f"no two live {kind.plural} share {field.one}"
                refused.is_skippable = not self._pending[index].finds
            self._bad(self._lines[index], "", refused)
        self._left.add(index)

    def _line_of(self, event: int, index: int, number: int) -> int:
        """The line of the row that event `event` records; 0 when none of this input does."""
        accepted = [line for at, line in enumerate(self._lines[:index]) if at not in self._left]
        if event > number - 1 - len(accepted):
            return accepted[event - number + len(accepted)]
        for first, lines in self._numbered:
            if first <= event < first + len(lines):
                return lines[event - first]
        return self._known_lines.get(event, 0)
