"""The file engine: a log in one file, locked with flock for writing, and read without a lock."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import orjson

from evcli.errors import NoLog
from evcli.log import START, Log, Position, Seen
from evcli.log.file.lock import take_lock
from evcli.log.file.open import (
    found_at,
    network_warnings,
    open_for_reading,
    open_for_writing,
    own_path,
    warnings_about,
)
from evcli.log.file.recovery import Durable, durable_now
from evcli.log.file.view import View
from evcli.log.file.writer import LogWriter
from evcli.log.line import place_after


class FileLog(Log):
    """A log in the file at a path. Reading needs no lock, and sees the file as of the last look.

    Missing folders are an error, unless it `makes_folders`: where a path was mistyped, or a disk is not mounted, nobody
    would find the new log again.
    """

    def __init__(self, path: str, *, makes_folders: bool = False) -> None:
        self.name = self.path = path
        self._makes_folders = makes_folders
        self.notices: Sequence[str] = ()
        self._open: View | None = None
        self._seen: tuple[int, ...] | None = None
        """The file's identity and state at the last `wait`."""
        self._durable: Durable | None = None
        self._was_there = False
        """Whether a log was found at the path: then it is not begun again."""
        self._last = START
        """The position after the last append of this process."""
        self._kept: list[tuple[LogWriter, int]] = []
        """The writer of the last append, unlocked, and its process; more only if several threads append."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None
        while self._kept:
            self._kept.pop()[0].close()

    @property
    def view(self) -> View:
        """The open file. Raises NoLog, CannotOpen."""
        if self._open is None:
            self._open = View(self.name, open_for_reading(self.name))
            self._was_there = True
        return self._open

    @property
    def end(self) -> int:
        """The byte after the last event, as of the last look. Raises NoLog, CannotOpen."""
        return self.view.end.offset

    def length(self) -> int:
        """How many bytes the file has. Raises NoLog, CannotOpen."""
        self._was_there = False
        length = found_at(self.name).st_size
        self._was_there = True
        return length

    def head(self) -> Position:
        """The position after the last event. Raises NoLog, CannotOpen, Damaged."""
        if self._open is not None and self.wait(0) != "replaced":
            self._open.refresh()
        return self.view.head()

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The lines from byte `place` to byte `until`; see `Log`."""
        return self.view.lines(place, until)

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """The position after the last line before byte `until` for which `holds`; see `Log`."""
        return self.view.seek(holds, until)

    def check_beginning(self) -> None:
        """Check that there can be a log at the path. Raises NoFolder, CannotCreate, CannotOpen."""
        from evcli.log.file.begin import check_place, place_of

        check_place(place_of(self.name, makes_folders=self._makes_folders))

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float) -> Position:
        """Append under the lock, so that `decide` is called once; creates a missing log. See `Log`."""
        with self.locked(wait, may_create=not self._was_there) as writer:
            try:
                head = self._last if writer.ends_at(self._last) else writer.view.head()
                lines = decide(head)
                if not lines:
                    writer.sync()
                    return head
                writer.append(b"".join(lines), head.number + 1)
                self._was_there = True
                self._last = place_after(orjson.loads(lines[-1]), lines[-1], writer.view.end.offset)
                return self._last
            finally:
                self.notices = writer.notices

    def wait(self, seconds: float) -> Seen:
        """Check the file again after `seconds`; if another file has replaced it, that one is opened."""
        if seconds:
            time.sleep(seconds)
        if self._open is None:
            self._seen = None  # it may have changed since the last look
            try:
                self._open = View(self.name, open_for_reading(self.name))
            except NoLog:
                return "gone"
            return ""
        there = _file_at(self.name)
        if there is None:
            return "gone"
        if there == self._seen:
            return ""
        is_another = not _is_at(self.name, self.view.descriptor)
        try:
            fresh = View(self.name, open_for_reading(self.name)) if is_another else None
        except NoLog:
            return ""  # gone again: the next look reports it
        self._seen = there
        if fresh is None:
            self.view.refresh()
            return ""
        self._open = fresh  # the other view is closed with the last reader that uses it
        return "replaced"

    def settle(self, patience: float = 1.0) -> bool:
        """Check the file again while no writer is at work; False if one is for all of `patience`, in seconds."""
        return self.view.settle(patience)

    def sync(self) -> None:
        """Make the current contents durable. Raises OutcomeUnknown."""
        self.view.sync()

    def size(self) -> int:
        """The size of the file in bytes, including what follows the end of the log."""
        return self.view.size()

    def warnings(self) -> list[str]:
        """What is wrong with the file itself, and what a crash left at its end."""
        found = warnings_about(self.name, self.view.descriptor)
        end = self.view.end
        if end.torn:
            found.append(
                f"{self.name} byte {end.size}: {end.torn} bytes of an unfinished append follow the last event; the "
                "next write moves them to a file of their own; if events are missing now, the file was truncated since"
            )
        return found

    def unfinished(self) -> tuple[int, bool]:
        """The bytes of an unfinished append after the last event, and whether that event lacks its newline."""
        return self.view.end.torn, self.view.end.is_unterminated

    def network_warnings(self) -> list[str]:
        """A warning if the file is on another machine's disk."""
        return network_warnings(self.name, self.view.descriptor)

    @contextmanager
    def locked(self, wait: float, *, may_create: bool) -> Iterator[LogWriter]:
        """The log, with no other writer until the block ends; waits up to `wait` seconds for the lock.

        Until then, this log reads the locked file. After an append the file stays open, so that the next one need not
        search for what it can see to be unchanged.

        Raises:
            NoLog: there is no log, and it may not be created.
            Busy: another writer kept the lock.
            NotWritten, CannotOpen: it cannot be opened, created or locked.
        """
        deadline = time.monotonic() + wait
        writer = self._resumed(deadline, wait) or self._opened(deadline, wait, may_create=may_create)
        self._open = writer.view  # another may still be read from
        is_kept = False
        try:
            yield writer
            if writer.can_be_kept:
                with suppress(OSError):  # then it is closed, which also releases the lock
                    fcntl.flock(writer.descriptor, fcntl.LOCK_UN)
                    is_kept = True
        finally:
            self._durable, self._open = writer.durable, None
            if is_kept:
                self._kept.append((writer, os.getpid()))
            else:
                writer.close()

    def _resumed(self, deadline: float, wait: float) -> LogWriter | None:
        """The writer of the last append, locked again, if nothing was done to the log since; else None."""
        try:
            writer, process = self._kept.pop()  # in one step: two threads must not share a writer, and so a lock
        except IndexError:
            return None
        is_resumed = False
        try:
            if process == os.getpid():  # after a fork, parent and child share the lock of what is open in both
                take_lock(writer.path, writer.descriptor, deadline, wait)
                with suppress(OSError):  # a log that is gone is reported by whoever opens it
                    # Not followed if it is a link: where that leads is asked each time.
                    is_resumed = writer.resume(os.lstat(self.name))
        finally:
            if not is_resumed:
                writer.close()
        return writer if is_resumed else None

    def _opened(self, deadline: float, wait: float, *, may_create: bool) -> LogWriter:
        """A writer of the log, opened and locked."""
        place = None
        if may_create:
            from evcli.log.file.begin import open_or_create, place_of

            place = place_of(self.name, makes_folders=self._makes_folders)
        path = place.path if place else own_path(self.name)
        while True:
            descriptor, is_new = open_or_create(place) if place else (open_for_writing(path), False)
            is_at_path = False
            try:
                if is_new:
                    self._durable = durable_now(descriptor)  # it is empty, so nothing can be lost
                take_lock(path, descriptor, deadline, wait)
                is_at_path = _is_at(path, descriptor)  # if not, it was replaced while we waited for the lock
            finally:
                if not is_at_path:
                    with suppress(OSError):
                        os.close(descriptor)
            if is_at_path:
                return LogWriter(path, View(path, descriptor, is_locked=True), self._durable)


def _is_at(path: str, descriptor: int) -> bool:
    """Whether the open file is the one at `path`."""
    there = _file_at(path)
    return there is not None and there[:2] == (_file_at(descriptor) or ())[:2]


def _file_at(file: str | int) -> tuple[int, ...] | None:
    """The identity of the file at a path or descriptor, and what changes when it is written to; None if missing.

    Raises CannotOpen where something else is at the path.
    """
    try:
        found = found_at(file) if isinstance(file, str) else os.stat(file)
    except NoLog:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
