"""The engine of a file: a log that is named by its path, locked with flock, and read without a lock."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import orjson

from evcli.errors import Busy, CannotOpen, NoLog
from evcli.log import Log, Position, Seen
from evcli.log.file.end import End
from evcli.log.file.open import (
    create,
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

LOCK_POLL = 0.01
"""Seconds between two tries for the lock."""


class FileLog(Log):
    """One log file, named by its path. Reading needs no lock, and sees the file as it was at the last look."""

    def __init__(self, path: str) -> None:
        self.name = path
        self.notices: Sequence[str] = ()
        self._open: View | None = None
        self._seen: tuple[int, ...] | None = None
        """The file as `wait` saw it last."""
        self._durable: Durable | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def view(self) -> View:
        """The open file. Raises NoLog, CannotOpen."""
        if self._open is None:
            self._open = View(self.name, open_for_reading(self.name))
        return self._open

    @property
    def end(self) -> int:
        """The byte after the last event, as far as was looked. Raises NoLog, CannotOpen."""
        return self.view.end.offset

    def length(self) -> int:
        """How many bytes the file has. Raises NoLog, CannotOpen."""
        return found_at(self.name).st_size

    def head(self) -> Position:
        """The position after the last event. Raises NoLog, CannotOpen, Damaged."""
        if self._open is not None:
            self._open.refresh()
        return self.view.head()

    def read(self, place: int = 0, until: int | None = None) -> Iterator[tuple[list[int], list[bytes]]]:
        """The lines from byte `place` to byte `until`; see `Log`."""
        return self.view.lines(place, until)

    def seek(self, holds: Callable[[Position], bool], until: int | None = None) -> Position:
        """The position after the last line before byte `until` for which `holds`; see `Log`."""
        return self.view.seek(holds, until)

    def append(self, decide: Callable[[Position], Sequence[bytes]], wait: float) -> Position:
        """Append under the lock, so that `decide` is asked once; begins a log that was not there. See `Log`."""
        with self.locked(wait, may_create=self._open is None) as writer:
            try:
                head = writer.view.head()
                lines = decide(head)
                if not lines:
                    writer.sync()
                    return head
                writer.append(b"".join(lines), head.number + 1)
                return place_after(orjson.loads(lines[-1]), lines[-1], writer.view.end.offset)
            finally:
                self.notices = writer.notices

    def wait(self, seconds: float) -> Seen:
        """Look at the file again after so many seconds; one that took its place is opened."""
        if seconds:
            time.sleep(seconds)
        if self._open is None:
            self._seen = None  # what it is now could be newer than what was looked at
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
            return ""  # gone again: the next look tells
        self._seen = there
        if fresh is None:
            self.view.refresh()
            return ""
        self.close()
        self._open = fresh
        return "replaced"

    def settle(self, patience: float = 1.0) -> bool:
        """Look at the file again while no writer is at work; False where one is for all of `patience`, in seconds."""
        return self.view.settle(patience)

    def sync(self) -> None:
        """Make durable what is there. Raises OutcomeUnknown."""
        self.view.sync()

    def size(self) -> int:
        """How many bytes the file has, with what follows the end of the log."""
        return self.view.size()

    def warnings(self) -> list[str]:
        """What is wrong with the file itself, and what a crash left at its end."""
        found = warnings_about(self.name, self.view.descriptor)
        end = self.view.end
        if end.torn:
            found.append(
                f"{self.name} byte {end.size}: {end.torn} bytes of an unfinished append follow the last event; the "
                "next write moves them to a file of their own; if events are missed now, the file was cut since"
            )
        return found

    def unfinished(self) -> tuple[int, bool]:
        """How many bytes of an unfinished append follow the last event, and whether that one has no newline."""
        return self.view.end.torn, self.view.end.is_unterminated

    def network_warnings(self) -> list[str]:
        """Whether the file is on another machine's disk."""
        return network_warnings(self.name, self.view.descriptor)

    @contextmanager
    def locked(self, wait: float, *, may_create: bool) -> Iterator[LogWriter]:
        """The log, with no other writer until the block ends; tries for `wait` seconds.

        Until then, this log reads the locked file.

        Raises:
            NoLog: nothing is there, and it may not be created.
            Busy: another writer kept the lock.
            NotWritten, CannotOpen: it cannot be opened, made or locked.
        """
        path = own_path(self.name)
        deadline = time.monotonic() + wait
        while True:
            descriptor, is_new = _open_or_create(path) if may_create else (open_for_writing(path), False)
            try:
                if is_new:
                    self._durable = durable_now(descriptor, End(0, 0))  # nothing that could be lost is in it
                _lock(path, descriptor, deadline, wait)
                if _is_at(path, descriptor):  # else it was replaced while the lock was waited for
                    self.close()
                    self._open = View(path, descriptor, is_locked=True)
                    writer = LogWriter(path, self._open, self._durable)
                    try:
                        yield writer
                    finally:
                        self._durable, self._open = writer.durable, None
                    return
            finally:
                with suppress(OSError):  # whatever it says, what was answered for was synced before
                    os.close(descriptor)  # and with it the lock


def _open_or_create(path: str) -> tuple[int, bool]:
    while True:
        try:
            return open_for_writing(path), False
        except NoLog:
            try:
                return create(path), True
            except FileExistsError:
                continue


def _lock(path: str, descriptor: int, deadline: float, wait: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy(path, wait, _holder(descriptor)) from None
            time.sleep(LOCK_POLL)
        except OSError as error:
            raise CannotOpen(
                path, f"cannot be locked: {error.strerror}; nothing was written", "keep the log on a local file system"
            ) from error


def _holder(descriptor: int) -> str:
    """Which process holds the lock, where the system tells (Linux, proc(5)): `process 1234`; else ""."""
    found = os.fstat(descriptor)
    file = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            holders = [words[4] for words in map(str.split, locks) if words[1] == "FLOCK" and words[5] == file]
    except (OSError, IndexError):
        return ""
    return f"process {holders[0]}" if holders else ""


def _is_at(path: str, descriptor: int) -> bool:
    """Whether the open file is the one at `path`."""
    there = _file_at(path)
    return there is not None and there[:2] == (_file_at(descriptor) or ())[:2]


def _file_at(file: str | int) -> tuple[int, ...] | None:
    """Which file is at a path, or open, and what changes when it is written to; None when none is there."""
    try:
        found = os.stat(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
