"""The log file for a writer: lock it, append to it, and answer only for what is synced.

The order of the calls here is the promise. Under the lock, the whole of the lines in one write to a descriptor that can
only append; a count that is checked; one sync, never repeated: after a failed sync the kernel may forget the data and
call the next one good (https://wiki.postgresql.org/wiki/Fsync_Errors). So a failure takes the lines back instead.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from evcli.errors import Busy, CannotOpen, Damaged, NoLog, NotWritten, OutcomeUnknown
from evcli.eventlog.batch import Batch, announce, batch_path, forget, is_there
from evcli.eventlog.format import hash_of
from evcli.eventlog.opening import (
    create,
    network_warnings,
    open_for_writing,
    own_path,
    sync,
    sync_folder,
    warnings_about,
)
from evcli.eventlog.reading import CHUNK, LogReader
from evcli.eventlog.recovery import Durable, End, durable_now, keep_copy, put_aside

LOCK_POLL = 0.01
"""Seconds between two tries for the lock."""


class FileLog:
    """One log file, named by its path. Reading needs no lock; writing happens inside `locked`."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._durable: Durable | None = None

    def reader(self) -> LogReader:
        """Read the log as it is now. Raises NoLog, CannotOpen, NotALog."""
        return LogReader(self.path)

    @contextmanager
    def locked(self, wait: float, *, may_create: bool) -> Iterator["LogWriter"]:
        """The log, with no other writer until the block ends; tries for `wait` seconds.

        Raises:
            NoLog: nothing is there, and it may not be created.
            Busy: another writer kept the lock.
            NotWritten, CannotOpen: it cannot be opened, made or locked.
        """
        path = own_path(self.path)
        deadline = time.monotonic() + wait
        while True:
            descriptor = _open_or_create(path) if may_create else open_for_writing(path)
            try:
                _lock(path, descriptor, deadline, wait)
                if _is_still_at(path, descriptor):
                    writer = LogWriter(path, descriptor, self._durable)
                    try:
                        yield writer
                    finally:
                        self._durable = writer.durable
                    return
            finally:
                with suppress(OSError):  # whatever it says, what was answered for was synced before
                    os.close(descriptor)  # and with it the lock


class LogWriter:
    """A locked log: what is read through `reader` stays so until this writer appends."""

    def __init__(self, path: str, descriptor: int, durable: Durable | None = None) -> None:
        self.path = path
        self.descriptor = descriptor
        self.batch_file = batch_path(path)  # once, and before anything is written: later nobody could be told
        self.durable = durable
        """The log as this process has synced it; None where it has changed something since, or never synced it."""
        self.reader = LogReader(path, descriptor)
        self.notices = warnings_about(path, descriptor)
        """What people should know of the file, and of what was done to it: a torn tail put aside."""

    def append(self, lines: bytes, number: int) -> None:
        """Add `lines`, whole lines of which the first is event `number`, durably and all, or leave the log as it was.

        Raises:
            NotWritten: nothing was stored.
            OutcomeUnknown: a sync failed; what was written is taken back, as far as that went.
        """
        self._settle_what_a_crash_left()
        end = self.reader.end.offset
        count = lines.count(b"\n")
        is_batch = count > 1
        what = f"events {number} to {number + count - 1}" if is_batch else f"event {number}"
        was, they, them = ("were", "they", "them") if is_batch else ("was", "it", "it")
        if end == 0:
            self._sync_name(f"{what} {was} not written")
            self.notices += network_warnings(self.path, self.descriptor)
        if is_batch:
            self._announce(Batch(end, end + len(lines), hash_of(lines)), f"{what} {was} not written")
        self.durable = None
        try:
            written = os.write(self.descriptor, lines)
            size = os.fstat(self.descriptor).st_size
            why = (
                ""
                if written == len(lines) and size == end + written
                else f"only {size - end} of {len(lines)} bytes fit"
            )
        except OSError as error:
            why = error.strerror or str(error)
        if why:
            if (failure := self._take_back(end, is_batch)) is None:
                raise NotWritten(f"{self.path}: {what} {was} not written: {why}")
            why += f"; taking {them} back failed: {failure}"
            raise OutcomeUnknown(self.path, f"{what} may or may not be stored: {why}")
        try:
            sync(self.descriptor)
        except OSError as error:
            failure = self._take_back(end, is_batch)
            taken = f"{they} {was} taken back" if failure is None else f"taking {them} back failed too: {failure}"
            why = f"{what} may or may not be stored: the sync failed ({error.strerror}); {taken}"
            raise OutcomeUnknown(self.path, why) from error
        self.reader.end = End(end + len(lines), 0)
        self.durable = durable_now(self.descriptor, self.reader.end)
        if is_batch:
            self._forget_batch()

    def cut(self, offset: int) -> str:
        """Cut the log at byte `offset`, after keeping a synced copy of all of it beside it; the copy's path.

        Raises:
            NotWritten: the copy could not be made, or the log not be cut; it is as it was. A copy that is whole stays.
            OutcomeUnknown: it was cut, and the sync failed.
        """
        size = self.reader.size()
        whole = (os.pread(self.descriptor, CHUNK, at) for at in range(0, size, CHUNK))
        copy = ""
        try:
            copy = keep_copy(f"{self.path}.damaged-{offset}", whole)
            forget(self.batch_file)  # before the cut: a batch that is cut while its file is there reads as none of it
            self.durable = None
            os.ftruncate(self.descriptor, offset)
        except OSError as error:
            # Nobody knows what a disk has done that fails in a cut, so the copy is not for us to remove.
            kept = f", and a copy of it is in {copy}" if copy else ""
            raise NotWritten(f"{self.path} was not cut: {error.strerror}; it is as it was{kept}") from error
        try:
            sync(self.descriptor)
        except OSError as error:
            why = f"the log was cut, but the sync failed ({error.strerror}); all of it as it was is in {copy}"
            raise OutcomeUnknown(self.path, why) from error
        self.reader.refresh()
        return copy

    def sync(self) -> None:
        """Make what is already in the log durable. Raises OutcomeUnknown."""
        try:
            sync(self.descriptor)
        except OSError as error:
            why = f"what is in the log may not be durable: the sync failed ({error.strerror}); nothing was written"
            raise OutcomeUnknown(self.path, why) from error
        self.durable = durable_now(self.descriptor, self.reader.end)

    def _sync_name(self, otherwise: str) -> None:
        """Make the log's name durable before its first event: whoever finds an event can then rely on the name."""
        folder = os.path.dirname(self.path)
        try:
            sync_folder(folder)
            with suppress(PermissionError):  # a folder above that may not be read was not made by us
                sync_folder(os.path.dirname(folder))
        except OSError as error:
            why = f"{otherwise}: the folder of the log could not be synced ({error.strerror})"
            raise OutcomeUnknown(self.path, why) from error

    def _announce(self, batch: Batch, otherwise: str) -> None:
        try:
            announce(self.batch_file, batch)
        except OSError as error:
            raise NotWritten(f"{self.path}: {otherwise}: {self.batch_file}: {error.strerror}") from error

    def _forget_batch(self) -> None:
        """Remove the file of a batch that is all there; one that stays says so too, and goes with the next write."""
        with suppress(OSError):
            os.unlink(self.batch_file)

    def _settle_what_a_crash_left(self) -> None:
        """Put a torn tail or half a batch aside, or make the log durable as it is; then forget the batch.

        A writer that was killed may have left a whole line, or have cut one off, and died before its sync. Were the
        disk to lose that beneath a line that comes after it, the log would be damaged.
        """
        end = self.reader.end
        try:
            has_batch_file = is_there(self.batch_file)
        except OSError as error:
            why = f"{self.batch_file} cannot be looked at: {error.strerror}; nothing was written"
            raise NotWritten(why) from error
        if end.torn:
            self._put_torn_tail_aside()
        elif self.durable is None or self.durable != durable_now(self.descriptor, end):
            self.sync()
        if has_batch_file:
            try:
                forget(self.batch_file)
            except OSError as error:
                why = f"{self.batch_file} cannot be removed: {error.strerror}; nothing was written"
                raise NotWritten(why) from error
        if end.torn or has_batch_file:
            self.reader.refresh()

    def _put_torn_tail_aside(self) -> None:
        end = self.reader.end
        self.durable = None
        try:
            copy = put_aside(self.path, self.descriptor, end)
        except OSError as error:
            if error.errno == errno.EPERM:  # what a file that may only be appended to says to being cut
                raise Damaged(
                    self.path,
                    self.reader.at.number + 1,
                    end.offset,
                    f"an unfinished append of {end.torn} bytes cannot be cut off: {error.strerror}",
                    "nothing was written; if the log may only be appended to (lsattr shows a), lift that: chattr -a",
                ) from error
            raise NotWritten(
                f"{self.path} byte {end.offset}: an unfinished append of {end.torn} bytes could not be put aside: "
                f"{error.strerror}; nothing was written"
            ) from error
        self.notices.append(
            f"{end.torn} bytes of an append that a crash left unfinished were cut from byte {end.offset} on; "
            f"they were never acknowledged, and are kept in {copy}"
        )

    def _take_back(self, end: int, is_batch: bool) -> str | None:
        try:
            os.ftruncate(self.descriptor, end)
            sync(self.descriptor)
            self.durable = durable_now(self.descriptor, self.reader.end)
            if is_batch:
                forget(self.batch_file)
        except OSError as error:
            return error.strerror or str(error)
        return None


def _open_or_create(path: str) -> int:
    while True:
        try:
            return open_for_writing(path)
        except NoLog:
            try:
                return create(path)
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


def _is_still_at(path: str, descriptor: int) -> bool:
    """Whether the locked file is still the one at `path`: it may have been replaced while the lock was waited for."""
    try:
        there, ours = os.stat(path), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
