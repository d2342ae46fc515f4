"""Reading the log: forward from a place, backward from the end, and to a place by bisection. Every reader comes here.

A reader takes no lock, so a writer may be at work beside it. What looks unfinished or wrong is therefore looked at a
second time, under a shared lock, before it is called so.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from io import BytesIO
from itertools import chain
from types import TracebackType
from typing import Self

from evcli.disk import sync
from evcli.domain.event import Event, number_of
from evcli.domain.text import is_unicode
from evcli.errors import Damaged, NewerLog, NotALog, OutcomeUnknown
from evcli.log import START, Position
from evcli.log.blocks import BLOCK, CHUNK, line_around, line_start
from evcli.log.file.end import End, find_end
from evcli.log.file.open import open_for_reading, shared_lock
from evcli.log.line import (
    FIRST_BYTES,
    MAX_LINE,
    BadLine,
    NewerLine,
    decode,
    decode_each,
    envelope,
    hash_of,
    place_after,
)
from evcli.log.lines import decode_many, place_after_many


class LogReader:
    """The log as it was when the reader was opened: what is appended later is not seen until `refresh`."""

    def __init__(self, path: str, locked: int | None = None) -> None:
        """Open the log at `path`; or read it through `locked`, the descriptor of a writer that holds the lock."""
        self.path = path
        self._is_locked = locked is not None
        self.descriptor = open_for_reading(path) if locked is None else locked
        self.at, self.line_offset, self.end = START, 0, End(0, 0)
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, when this reader opened it."""
        if not self._is_locked:
            os.close(self.descriptor)

    def refresh(self) -> None:
        """Look again where the log ends."""
        self.end = self._find_end()
        if self.end.torn:
            with self.alone() as alone:
                # Not alone: a writer is in the middle of this very line, and nothing is torn.
                self.end = self._find_end() if alone else self.end._replace(torn=0)

    def sync(self) -> None:
        """Make durable what is read here, before somebody is told to rely on it. Raises OutcomeUnknown."""
        try:
            sync(self.descriptor)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EINVAL):  # where nothing can be written, there is nothing to sync
                why = f"what is in the log may not be durable: the sync failed ({error.strerror})"
                raise OutcomeUnknown(self.path, why) from error

    def size(self) -> int:
        """How many bytes the file has, with what stands after the end."""
        return os.fstat(self.descriptor).st_size

    def read(self, size: int, offset: int) -> bytes:
        """`size` bytes from `offset` on, fewer at the end of the file; the last event has its newline in any case."""
        found = os.pread(self.descriptor, size, offset)
        newline = self.end.offset - 1
        if self.end.is_unterminated and offset <= newline < offset + size:
            return found[: newline - offset] + b"\n"
        return found

    def follows(self, position: Position) -> bool:
        """Whether the log still has, where it was, the event after which `position` stands."""
        if position.offset == 0:
            return True
        return os.pread(self.descriptor, 64, position.offset - 67) == position.sha256

    def events(self, start: Position = START, until: int | None = None, stop: int | None = None) -> Iterator[Event]:
        """The events after `start`, up to event `until` or byte `stop` (all, when None), with every check made.

        While they are read, `line_offset` is where the line of the last one begins; when they are done, `at` is the
        place after them, or before the bad line.

        Raises:
            Damaged: a line is not what was written; says which, where and why.
        """
        for events, lines in self.bundles(start, until, stop):
            offset = self.line_offset
            for line, event in zip(lines, events, strict=True):
                self.line_offset = offset
                yield event
                offset += len(line)

    def bundles(
        self, start: Position = START, until: int | None = None, stop: int | None = None
    ) -> Iterator[tuple[list[Event], list[bytes]]]:
        """The same, many at a time, with their lines; `line_offset` is where the first of them begins."""
        place = start
        for bundle in self._bundles(start.offset, stop):
            lines = bundle if until is None else bundle[: until - place.number]
            if not lines:
                break
            fault = None
            events = decode_many(lines, place)
            if events is None:
                events = []
                try:
                    events.extend(decode_each(lines, place))
                except BadLine as bad:
                    fault = bad
                    del lines[len(events) :]
            if events:
                self.line_offset = place.offset
                yield events, lines
                place = place_after_many(events, lines, place)
            if fault:
                self.at = place
                self._look_again(fault)
                yield from self.bundles(place, until, stop)
                return
        self.at = place

    def event_at(self, offset: int) -> Event:
        """The event whose line begins at byte `offset`, held against the line before it. Raises Damaged."""
        before = self.position_at(offset)
        return next(self.events(before, before.number + 1))

    def events_backward(self, end: Position) -> Iterator[Event]:
        """The events before `end`, newest first, checked as `events` are; reads a block or two ahead."""
        size = BLOCK
        while end.number:
            start = self._place_before(end, size)
            yield from reversed(list(self.events(start, stop=end.offset)))
            end = start
            size = CHUNK

    def last(self) -> Position:
        """The place after the last event, found from the end of the file. Raises Damaged when its line is bad."""
        return self.position_at(self.end.offset)

    def position_of(self, number: int, before: Position | None = None) -> Position:
        """The place after event `number`, found by bisection of what stands `before`. Raises Damaged on the way."""
        return self.bisect(lambda event: number_of(event) <= number, before)

    def bisect(self, holds: Callable[[Event], bool], before: Position | None = None) -> Position:
        """The place after the last event for which `holds`, which is true up to some event and for none after it."""
        low, high = 0, self.end.offset if before is None else before.offset
        stop = high
        while low < high:
            start, line = line_around(self.read, (low + high) // 2)
            if holds(self._envelope(line, start)):
                low = start + len(line)
            else:
                high = start
        # The search asked single lines, which can say anything of themselves. The two that decided are held against the
        # chain, so that a changed line does not move a moment.
        if low:
            before_last = self.position_at(line_around(self.read, low - 1)[0])
            next(self.events(before_last, before_last.number + 1))
        found = self.position_at(low)
        with suppress(NewerLog):  # it is proved, which is all that is asked of it
            next(self.events(found, found.number + 1, stop), None)
        return found

    def identity(self) -> str | None:
        """The hash of event 1, which tells this log from every other; None while it is empty, or no log."""
        first = line_around(self.read, 0)[1] if self.end.offset else b""
        return hash_of(first).decode(errors="replace") if first.startswith(FIRST_BYTES) else None

    def has_id(self, offset: int, id: str) -> bool:
        """Whether a line that begins at byte `offset` is that of the event with that id."""
        line = line_around(self.read, offset)[1] if offset < self.end.offset else b""
        with suppress(BadLine):
            return envelope(line)["id"] == id
        return False

    def find_ids(self, prefix: str, *, exact: bool = False, start: int = 0) -> list[Event]:
        """The first ten events after byte `start` whose id begins with `prefix`, or is it; decodes only those."""
        import orjson

        if not is_unicode(prefix):
            return []
        wanted = FIRST_BYTES + orjson.dumps(prefix)[1:-1] + (b'"' if exact else b"")
        found = []
        offset = start
        for line in self.lines(start):
            if line.startswith(wanted):
                found.append(self._envelope(line, offset))
                if len(found) == 10:
                    break
            offset += len(line)
        return found

    def lines(self, offset: int, stop: int | None = None) -> Iterator[bytes]:
        """The lines from `offset` to `stop`, newlines included; one that is too long is cut short, and the last."""
        return chain.from_iterable(self._bundles(offset, stop))

    def _bundles(self, offset: int, stop: int | None = None) -> Iterator[list[bytes]]:
        """The lines from `offset` to `stop`, as many at a time as one read brings; memory stays bounded."""
        rest = b""
        end = self.end.offset if stop is None else stop
        while offset < end:
            chunk = self.read(min(CHUNK, end - offset), offset)
            if not chunk:  # cut meanwhile: what is missing was taken back, or whoever reads `rest` will complain
                break
            offset += len(chunk)
            chunk = rest + chunk
            whole = chunk.rfind(b"\n") + 1
            rest = chunk[whole:]
            if whole:
                yield BytesIO(chunk[:whole]).readlines()  # splits at newlines only, much faster than bytes.split
            if len(rest) > MAX_LINE:
                break
        if rest:
            yield [rest[: MAX_LINE + 1]]

    def _look_again(self, bad: BadLine) -> None:
        """Raise Damaged for the line after `at`, unless with no writer at work it proves good, or gone."""
        from time import sleep

        for _ in range(250):
            with self.alone() as alone:
                if alone:
                    self.end = self._find_end()
                    try:
                        for line in self.lines(self.at.offset):
                            decode(line, self.at)
                            break
                    except BadLine as still_bad:
                        bad = still_bad
                        break
                    return
            sleep(0.02)
        if isinstance(bad, NewerLine):
            raise NewerLog(self.path, self.at.number + 1, self.at.offset, str(bad))
        raise self._damage(bad, self.at.number + 1, self.at.offset)

    def _damage(self, bad: BadLine, line: int, byte: int) -> Damaged:
        beginning = os.pread(self.descriptor, len(FIRST_BYTES) + 3, 0).removeprefix(b"\xef\xbb\xbf")
        if not beginning.startswith(FIRST_BYTES):
            return NotALog(self.path, f"this is not an evcli log: {bad}")
        return Damaged(self.path, line, byte, str(bad))

    def _find_end(self) -> End:
        return find_end(self.descriptor)

    def alone(self) -> AbstractContextManager[bool]:
        """While it lasts, no writer is at work; yields False when there is one already. Never waits."""
        return nullcontext(True) if self._is_locked else shared_lock(self.descriptor)

    def position_at(self, offset: int) -> Position:
        """The place at byte `offset`, where a line ends, from what that line says of itself."""
        if offset == 0:
            return START
        start, line = line_around(self.read, offset - 1)
        return place_after(self._envelope(line, start), line, offset)

    def _place_before(self, end: Position, size: int) -> Position:
        """A place where a line begins, about `size` bytes before `end`."""
        while end.offset > size:
            start = line_start(self.read, end.offset - size)
            if 0 < start < end.offset:
                return self.position_at(start)
            size *= 4
        return START

    def _envelope(self, line: bytes, offset: int) -> Event:
        try:
            return envelope(line)
        except BadLine as bad:
            raise self._damage(bad, self.line_number(offset), offset) from None

    def line_number(self, offset: int) -> int:
        """Which line of the file, from 1, holds byte `offset`."""
        pieces = (self.read(min(CHUNK, offset - at), at) for at in range(0, offset, CHUNK))
        return 1 + sum(piece.count(b"\n") for piece in pieces)
