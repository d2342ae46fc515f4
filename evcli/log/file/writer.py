"""Writing to a locked log: append durably, and acknowledge only what is synced.

Durability depends on the order of the calls here. Under the lock: all lines in one write to an append-only descriptor;
a check of the byte count; one sync, never retried: after a failed sync the kernel may drop the data and report success
the next time (https://wiki.postgresql.org/wiki/Fsync_Errors). So a failed append is truncated away instead.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress

from evcli.disk import keep_copy, sync, sync_folder, write_new
from evcli.errors import Damaged, NotWritten, OutcomeUnknown
from evcli.log.file.blocks import CHUNK, read_whole
from evcli.log.file.end import End
from evcli.log.file.open import network_warnings, warnings_about
from evcli.log.file.recovery import Durable, durable_now, put_aside
from evcli.log.file.view import View


class LogWriter:
    """A locked log: what `view` reads cannot change until this writer appends."""

    def __init__(self, path: str, view: View, durable: Durable | None = None) -> None:
        self.path = path
        self.view = view
        self.descriptor = view.descriptor
        self.durable = durable
        """The log as this process synced it; None if it was never synced, or has changed since."""
        self.notices = warnings_about(path, view.descriptor)
        """Warnings about the file, and about what was done to it: a torn tail moved to a file."""

    def append(self, lines: bytes, number: int) -> None:
        """Append `lines`, complete lines beginning with event `number`: durably, all or none.

        Raises:
            NotWritten: nothing was stored.
            OutcomeUnknown: a sync failed; what was written was removed again, if that succeeded.
        """
        self._settle_what_a_crash_left()
        end = self.view.end.offset
        count = lines.count(b"\n")
        what = f"events {number} to {number + count - 1}" if count > 1 else f"event {number}"
        was, they, them = ("were", "they", "them") if count > 1 else ("was", "it", "it")
        if end == 0:
            self._sync_name(f"{what} {was} not written")
            self.notices += network_warnings(self.path, self.descriptor)
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
            if (failure := self._take_back(end)) is None:
                raise NotWritten(f"{self.path}: {what} {was} not written: {why}")
            why += f"; taking {them} back failed: {failure}"
            raise OutcomeUnknown(self.path, f"{what} may or may not be stored: {why}")
        try:
            sync(self.descriptor)
        except OSError as error:
            failure = self._take_back(end)
            taken = f"{they} {was} taken back" if failure is None else f"taking {them} back failed too: {failure}"
            why = f"{what} may or may not be stored: the sync failed ({error.strerror}); {taken}"
            raise OutcomeUnknown(self.path, why) from error
        self.view.end = End(end + len(lines), 0)
        self.durable = durable_now(self.descriptor, self.view.end)

    def replace(self, byte: int, pieces: Iterable[bytes]) -> str:
        """Replace the log with a new file of `pieces`, after a copy of the old one is synced; return the copy's path.

        The old file is untouched until the new one is complete and synced. `byte`, where the damage begins, is part of
        the copy's name. This writer cannot be used afterwards.

        Raises:
            NotWritten: the copy or the new file could not be written; the log is unchanged. A complete copy is kept.
            OutcomeUnknown: the new file is in place, but its folder could not be synced.
        """
        whole = (read_whole(self.descriptor, CHUNK, at) for at in range(0, self.view.size(), CHUNK))
        copy = new = ""
        try:
            copy = keep_copy(f"{self.path}.damaged-{byte}", whole)
            new = write_new(f"{self.path}.repaired", pieces, like=os.fstat(self.descriptor))
            os.rename(new, self.path)
        except OSError as error:
            if new:
                with suppress(OSError):
                    os.unlink(new)
            kept = f", and a copy of it is in {copy}" if copy else ""
            raise NotWritten(f"{self.path} was not repaired: {error.strerror}; it is unchanged{kept}") from error
        try:
            sync_folder(os.path.dirname(self.path))
        except OSError as error:
            why = f"repaired, but the folder could not be synced ({error.strerror}); the old log is in {copy}"
            raise OutcomeUnknown(self.path, why) from error
        return copy

    def sync(self) -> None:
        """Make the current contents of the log durable. Raises OutcomeUnknown."""
        try:
            sync(self.descriptor)
        except OSError as error:
            why = f"what is in the log may not be durable: the sync failed ({error.strerror}); nothing was written"
            raise OutcomeUnknown(self.path, why) from error
        self.durable = durable_now(self.descriptor, self.view.end)

    def _sync_name(self, otherwise: str) -> None:
        """Make the log's name durable before its first event: a durable event in a lost file would be lost."""
        folder = os.path.dirname(self.path)
        try:
            sync_folder(folder)
            with suppress(PermissionError):  # a parent folder that we may not read was not created by us
                sync_folder(os.path.dirname(folder))
        except OSError as error:
            why = f"{otherwise}: the folder of the log could not be synced ({error.strerror})"
            raise OutcomeUnknown(self.path, why) from error

    def _settle_what_a_crash_left(self) -> None:
        """Move a torn tail to a file and write a missing newline, or sync the log as it is.

        A killed writer may have appended a whole line, or truncated one, and died before its sync. If the disk lost
        that change after another line was appended, the log would be damaged.
        """
        end = self.view.end
        is_whole = not end.torn and not end.is_unterminated
        if is_whole and self.durable is not None and self.durable == durable_now(self.descriptor, end):
            return
        copy = self._put_torn_tail_aside() if end.torn else ""
        try:
            if end.is_unterminated:
                self._write_missing_newline()
            self.sync()
        except (NotWritten, OutcomeUnknown) as error:
            if copy:  # the next writer finds nothing unfinished, and so would not report it
                error.hint = f"{end.torn} bytes of an unfinished append are kept in {copy}; {error.hint}".removesuffix(
                    "; "
                )
            raise
        if copy:
            self.notices.append(
                f"an append was unfinished: its {end.torn} bytes were truncated at byte {end.size} and are kept in "
                f"{copy}; if events are missing now, the file was truncated since"
            )
        # Not searched again: if another process appends without the lock, the size after the write shows it.
        self.view.end = End(end.offset, 0)

    def _write_missing_newline(self) -> None:
        self.durable = None
        try:
            os.write(self.descriptor, b"\n")
        except OSError as error:
            why = f"the newline of the last event is missing and could not be written: {error.strerror}"
            raise NotWritten(f"{self.path}: {why}; nothing was written") from error

    def _put_torn_tail_aside(self) -> str:
        end = self.view.end
        self.durable = None
        try:
            return put_aside(self.path, self.descriptor, end)
        except OSError as error:
            if error.errno == errno.EPERM:  # truncating an append-only file (chattr +a) fails with this
                raise Damaged(
                    self.path,
                    self.view.position_at(end.offset).number + 1,
                    end.size,
                    f"an unfinished append of {end.torn} bytes cannot be truncated: {error.strerror}",
                    "nothing was written; if the log is append-only (lsattr shows a), remove that attribute: chattr -a",
                ) from error
            raise NotWritten(
                f"{self.path} byte {end.size}: an unfinished append of {end.torn} bytes could not be moved to a file: "
                f"{error.strerror}; nothing was written"
            ) from error

    def _take_back(self, end: int) -> str | None:
        try:
            os.ftruncate(self.descriptor, end)
            sync(self.descriptor)
            self.durable = durable_now(self.descriptor, self.view.end)
        except OSError as error:
            return error.strerror or str(error)
        return None
