"""The lines of an open log file: read from any byte, found by bisection, and the end of the log.

A reader takes no lock, so a writer may be at work at the same time. Whatever looks unfinished is therefore checked
again under a shared lock before it counts as such.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from io import BytesIO
from itertools import accumulate

from evcli.disk import sync
from evcli.domain.event import Event
from evcli.errors import Damaged, NotALog, OutcomeUnknown
from evcli.log import START, Position
from evcli.log.file.blocks import BLOCK, CHUNK, data_from, data_until, line_around, read_whole
from evcli.log.file.end import End, find_end
from evcli.log.file.lock import shared_lock
from evcli.log.line import FIRST_BYTES, MAX_LINE, BadLine, envelope, place_after

LOOK_AGAIN = 0.01
"""Seconds between two checks whether a writer is still at work."""


class View:
    """An open log file, up to its end as of the last look."""

    def __init__(self, path: str, descriptor: int, *, is_locked: bool = False) -> None:
        """Take over the descriptor, and close it with the view; `is_locked` while a writer has the view."""
        self.path = path
        self.descriptor = descriptor
        self.end = End(0, 0)
        self._is_locked = is_locked
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):  # an error here does not matter: everything acknowledged was synced before
                os.close(descriptor)  # also releases a writer's lock

    def __del__(self) -> None:
        self.close()

    def refresh(self) -> None:
        """Find the end of the log again."""
        self.end = find_end(self.descriptor)
        if self.end.torn:
            with self._alone() as is_alone:
                # If not alone, a writer is in the middle of this line, and nothing is torn.
                self.end = find_end(self.descriptor) if is_alone else self.end._replace(torn=0)

    def settle(self, patience: float) -> bool:
        """Find the end of the log again while no writer is at work; False if one is for all of `patience`.

        Lines read during an append may be taken back if its sync fails.
        """
        deadline = time.monotonic() + patience
        while True:
            with self._alone() as is_alone:
                if is_alone:
                    self.refresh()
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_AGAIN)

    def sync(self) -> None:
        """Make what was read here durable before callers rely on it. Raises OutcomeUnknown."""
        try:
            sync(self.descriptor)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EINVAL):  # a file system that cannot be written needs no sync
                why = f"what is in the log may not be durable: the sync failed ({error.strerror})"
                raise OutcomeUnknown(self.path, why) from error

    def _alone(self) -> AbstractContextManager[bool]:
        """While held, no writer is at work; yields False if one already is. Never waits."""
        return nullcontext(True) if self._is_locked else shared_lock(self.descriptor)

    def size(self) -> int:
        """The size of the file in bytes, including what follows the end of the log."""
        return os.fstat(self.descriptor).st_size

    def piece(self, size: int, offset: int) -> bytes:
        """`size` bytes from `offset`, fewer at the end of the file; a missing last newline is added."""
        found = os.pread(self.descriptor, size, offset)
        if len(found) < size and offset + len(found) < self.end.offset:  # one read may give less than there is
            found += read_whole(self.descriptor, size - len(found), offset + len(found))
        newline = self.end.offset - 1
        if self.end.is_unterminated and offset <= newline < offset + size:
            return found[: newline - offset] + b"\n"
        return found

    def lines(self, offset: int, stop: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The lines from `offset` to `stop`, one read's worth at a time; memory stays bounded.

        With them, where each begins and where the last one ends. A line that is too long is cut short, and the last one
        may be incomplete.
        """
        start, rest, left_out, size = offset, b"", 0, BLOCK // 4  # a single line is often all that is wanted
        end = self.end.offset if stop is None else stop
        while offset < end:
            chunk = self.piece(min(size, CHUNK, end - offset), offset)
            size *= 4
            if not chunk:  # truncated meanwhile: the caller will reject `rest`
                break
            offset += len(chunk)
            chunk = rest + chunk
            whole = chunk.rfind(b"\n") + 1
            rest = chunk[whole:]
            if whole:
                lines = BytesIO(chunk[:whole]).readlines()  # splits at newlines only, much faster than bytes.split
                places = list(accumulate(map(len, lines), initial=start))
                if left_out:
                    places[1:] = [place + left_out for place in places[1:]]
                    lines[0], left_out = lines[0][: MAX_LINE + 1], 0
                start = places[-1]
                yield places, lines
            if len(rest) > MAX_LINE + 1:
                left_out += len(rest) - (MAX_LINE + 1)
                rest = rest[: MAX_LINE + 1]
                left_out -= offset
                offset = data_from(self.descriptor, offset, end)
                left_out += offset
        if rest:
            yield [start, start + len(rest) + left_out], [rest]

    def ends_at(self, position: Position) -> bool:
        """Whether the log ends at that position, after the event that was there."""
        if not position.number or position.place != self.end.offset or self.end.is_unterminated:
            return False
        return os.pread(self.descriptor, 64, position.place - 67) == position.sha256

    def head(self) -> Position:
        """The position after the last event. Raises Damaged."""
        return self.position_at(self.end.offset)

    def position_at(self, offset: int) -> Position:
        """The position at byte `offset`, where a line ends, as that line claims. Raises Damaged."""
        if offset == 0:
            return START
        start, line = line_around(self.piece, offset - 1, self._data_until)
        return self._position_after(line, start)

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """The position after the last line before `until` for which `holds`; fastest near `until`."""
        found, high = START, self.end.offset if until is None else until
        # Try the last line, then lines at growing distances before it; once one holds, bisect.
        at, step = high - 1, BLOCK
        while found.place < high:
            if high - found.place <= BLOCK and at < high - 1:
                return self._seek_in_block(holds, found, high)
            start, line = line_around(self.piece, at, self._data_until)
            try:
                position = self._position_after(line, start)
            except Damaged:
                if until is not None or start + len(line) < self.end.offset:
                    raise
                high = start  # the last line; what comes before it may still be found
            else:
                found, high = (position, high) if holds(position) else (found, start)
            if found.place:
                at = (found.place + high) // 2
            else:
                at, step = max(0, high - step), step * 16
        return found

    def _seek_in_block(self, holds: Callable[[Position], bool], found: Position, high: int) -> Position:
        """The same among the few lines between `found`, for which it holds, and `high`, read at once."""
        pieces = self.lines(found.place, high)
        lines = [(line, start) for starts, some in pieces for start, line in zip(starts, some, strict=False)]
        low, high = 0, len(lines)  # `holds` is true before `low`, and false from `high` on
        at = high - 1
        while low < high:
            position = self._position_after(*lines[at])
            if holds(position):
                found, low = position, at + 1
            else:
                high = at
            at = (low + high) // 2
        return found

    def _position_after(self, line: bytes, start: int) -> Position:
        return place_after(self._envelope(line, start), line, start + len(line))

    def _envelope(self, line: bytes, offset: int) -> Event:
        try:
            return envelope(line)
        except BadLine as bad:
            beginning = os.pread(self.descriptor, len(FIRST_BYTES) + 3, 0).removeprefix(b"\xef\xbb\xbf")
            if not beginning.startswith(FIRST_BYTES):
                raise NotALog(self.path, f"this is not an evcli log: {bad}") from None
            raise Damaged(self.path, self.line_number(offset), offset, str(bad)) from None

    def _data_until(self, offset: int) -> int:
        return data_until(self.descriptor, offset)

    def line_number(self, offset: int) -> int:
        """The number, from 1, of the line that contains byte `offset`."""
        at, before = 0, 0
        while (at := data_from(self.descriptor, at, offset)) < offset:
            before += self.piece(min(CHUNK, offset - at), at).count(b"\n")
            at += CHUNK
        return 1 + before
