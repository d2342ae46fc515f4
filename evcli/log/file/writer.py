"""Writing to a locked log: append durably, and answer only for what is synced.

The order of the calls here is the promise. Under the lock, the whole of the lines in one write to a descriptor that can
only append; a count that is checked; one sync, never repeated: after a failed sync the kernel may forget the data and
call the next one good (https://wiki.postgresql.org/wiki/Fsync_Errors). So a failure takes the lines back instead.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress

from evcli.disk import keep_copy, sync, sync_folder, write_new
from evcli.errors import Damaged, NotWritten, OutcomeUnknown
from evcli.log.file.blocks import CHUNK
from evcli.log.file.end import End
from evcli.log.file.open import network_warnings, warnings_about
from evcli.log.file.recovery import Durable, durable_now, put_aside
from evcli.log.file.view import View


class LogWriter:
    """A locked log: what is read through `view` stays so until this writer appends."""

    def __init__(self, path: str, view: View, durable: Durable | None = None) -> None:
        self.path = path
        self.view = view
        self.descriptor = view.descriptor
        self.durable = durable
        """The log as this process has synced it; None where it has changed something since, or never synced it."""
        self.notices = warnings_about(path, view.descriptor)
        """What people should know of the file, and of what was done to it: a torn tail put aside."""

    def append(self, lines: bytes, number: int) -> None:
        """Add `lines`, whole lines of which the first is event `number`, durably and all, or leave the log as it was.

        Raises:
            NotWritten: nothing was stored.
            OutcomeUnknown: a sync failed; what was written is taken back, as far as that went.
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
        """Put a new file with `pieces` in the log's place, once a synced copy of the old one is kept; the copy's path.

        The old file stays as it is until the new one is whole and synced. `byte`, where the damage begins, is part of
        the copy's name. Nothing more can be done with this writer then.

        Raises:
            NotWritten: the copy or the new file could not be made; the log is as it was. A copy that is whole stays.
            OutcomeUnknown: the new file is in place, and its folder could not be synced.
        """
        whole = (os.pread(self.descriptor, CHUNK, at) for at in range(0, self.view.size(), CHUNK))
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
            raise NotWritten(f"{self.path} was not repaired: {error.strerror}; it is as it was{kept}") from error
        try:
            sync_folder(os.path.dirname(self.path))
        except OSError as error:
            why = f"repaired, but the folder could not be synced ({error.strerror}); the old log is in {copy}"
            raise OutcomeUnknown(self.path, why) from error
        return copy

    def sync(self) -> None:
        """Make what is already in the log durable. Raises OutcomeUnknown."""
        try:
            sync(self.descriptor)
        except OSError as error:
            why = f"what is in the log may not be durable: the sync failed ({error.strerror}); nothing was written"
            raise OutcomeUnknown(self.path, why) from error
        self.durable = durable_now(self.descriptor, self.view.end)

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

    def _settle_what_a_crash_left(self) -> None:
        """Put a torn tail aside and write a missing newline, or make the log durable as it is.

        A writer that was killed may have left a whole line, or have cut one off, and died before its sync. Were the
        disk to lose that beneath a line that comes after it, the log would be damaged.
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
            if copy:  # the next writer finds nothing unfinished, and so would not tell
                error.hint = f"{end.torn} bytes of an unfinished append are kept in {copy}; {error.hint}".removesuffix(
                    "; "
                )
            raise
        if copy:
            self.notices.append(
                f"an append was unfinished: its {end.torn} bytes were truncated at byte {end.size} and are kept in "
                f"{copy}; if events are missed now, the file was cut since"
            )
        # Not looked for again: what somebody adds without the lock is noticed by the size that the write leaves.
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
            if error.errno == errno.EPERM:  # what a file that may only be appended to says to being cut
                raise Damaged(
                    self.path,
                    self.view.position_at(end.offset).number + 1,
                    end.size,
                    f"an unfinished append of {end.torn} bytes cannot be cut off: {error.strerror}",
                    "nothing was written; if the log may only be appended to (lsattr shows a), lift that: chattr -a",
                ) from error
            raise NotWritten(
                f"{self.path} byte {end.size}: an unfinished append of {end.torn} bytes could not be put aside: "
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
