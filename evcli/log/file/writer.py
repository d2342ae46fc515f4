"""Writing to a locked log: append durably, and acknowledge only what is synced.

Durability depends on the order of the calls here. Under the lock: all lines in one write to an append-only descriptor;
a check of the byte count; one sync, never retried: after a failed sync the kernel may drop the data and report success
the next time (https://wiki.postgresql.org/wiki/Fsync_Errors). So a failed append is truncated away instead.
"""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress

from evcli.disk import keep_copy, sync, sync_folder, sync_name, write_new
from evcli.errors import Damaged, NotWritten, OutcomeUnknown
from evcli.log import Position
from evcli.log.file.blocks import CHUNK, read_whole
from evcli.log.file.end import End
from evcli.log.file.open import denied, network_warnings, warnings_about
from evcli.log.file.recovery import Durable, durable_now, put_aside, status_of
from evcli.log.file.view import View
from evcli.log.line import hash_of


class LogWriter:
    """A locked log: what `view` reads cannot change until this writer appends.

    It can be kept after an append: locked again, it goes on if `resume` finds that nothing has changed meanwhile.
    """

    def __init__(self, path: str, view: View, durable: Durable | None = None) -> None:
        self.path = path
        self.view = view
        self.descriptor = view.descriptor
        self.durable = durable
        """The log as this process synced it; None if it was never synced, or has changed since."""
        self.notices = warnings_about(path, view.descriptor)
        """Warnings about the file, and about what was done to it: a torn tail moved to a file."""
        self._is_warned_of = bool(self.notices)
        self._is_settled = False
        """Whether all that is in the log was found or made durable under this lock."""

    @property
    def can_be_kept(self) -> bool:
        """Whether the last thing done here was an append that succeeded, to a file that nothing is to be said of."""
        return self._is_settled and not self._is_warned_of

    def resume(self, found: os.stat_result) -> bool:
        """Go on with the log, locked again, if `found`, the status of what is at its path, is that of this file as it
        was synced; else False. So there is no other end to find, nothing to warn of, and nothing that needs a sync.
        """
        self.notices = []
        self._is_settled = self._is_durable(found)
        return self._is_settled

    def close(self) -> None:
        """Close the file, and so release the lock."""
        self.view.close()

    def ends_at(self, position: Position) -> bool:
        """Whether the log ends at that position, after the event that was there."""
        if self._is_settled and self.durable is not None:
            return position.sha256 == hash_of(self.durable.last)
        return self.view.ends_at(position)

    def append(self, lines: bytes, number: int) -> None:
        """Append `lines`, complete lines beginning with event `number`: durably, all or none.

        Raises:
            NotWritten: nothing was stored.
            OutcomeUnknown: a sync failed; what was written was removed again, if that succeeded.
        """
        if not self._is_settled:
            self._settle_what_a_crash_left()
        end = self.view.end.offset
        if end == 0:
            self._sync_name(_What(lines, number).not_written)
            self.notices += network_warnings(self.path, self.descriptor)
        self.durable, self._is_settled = None, False
        why = ""
        try:
            written = os.write(self.descriptor, lines)
            found = os.fstat(self.descriptor)
            if written != len(lines) or found.st_size != end + written:
                why = f"only {found.st_size - end} of {len(lines)} bytes fit"
        except OSError as error:
            why = error.strerror or str(error)
        if why:
            raise self._not_written(_What(lines, number), end, why)
        try:
            sync(self.descriptor)
        except OSError as error:
            raise self._not_synced(_What(lines, number), end, error) from error
        self.view.end = End(end + len(lines), 0)
        # What the file was before the sync: a change by somebody without the lock during it is not known to be synced.
        self.durable = Durable(status_of(found), lines[lines.rfind(b"\n", 0, -1) + 1 :])
        self._is_settled = True

    def _not_written(self, what: "_What", end: int, why: str) -> NotWritten | OutcomeUnknown:
        """Take back what was written after byte `end`: the error to raise, as `why` it failed."""
        if (failure := self._take_back(end)) is None:
            return NotWritten(f"{self.path}: {what.not_written}: {why}")
        return OutcomeUnknown(self.path, f"{what.unknown}: {why}; taking {what.them} back failed: {failure}")

    def _not_synced(self, what: "_What", end: int, error: OSError) -> OutcomeUnknown:
        """The same after a sync that failed."""
        if (failure := self._take_back(end)) is None:
            taken = f"{what.they} taken back"
        else:
            taken = f"taking {what.them} back failed too: {failure}"
        return OutcomeUnknown(self.path, f"{what.unknown}: the sync failed ({error.strerror}); {taken}")

    def replace(self, byte: int, pieces: Iterable[bytes]) -> str:
        """Replace the log with a new file of `pieces`, after a copy of the old one is synced; return the copy's path.

        The old file is untouched until the new one is complete and synced. `byte`, where the damage begins, is part of
        the copy's name. This writer cannot be used afterwards.

        Raises:
            NotWritten: the copy or the new file could not be written; the log is unchanged. A complete copy is kept.
            OutcomeUnknown: the new file is in place, but its folder could not be synced.
        """
        self.durable, self._is_settled, log = None, False, os.fstat(self.descriptor)
        whole = (read_whole(self.descriptor, CHUNK, at) for at in range(0, self.view.size(), CHUNK))
        copy = new = ""
        try:
            copy = keep_copy(f"{self.path}.damaged-{byte}", whole, log)
            new = write_new(f"{self.path}.repaired", pieces, log)
            os.rename(new, self.path)
        except OSError as error:
            if new:
                with suppress(OSError):
                    os.unlink(new)
            kept = f", and a copy of it is in {copy}" if copy else ""
            why, hint = denied(os.path.dirname(self.path), os.W_OK, error)
            raise NotWritten(f"{self.path} was not repaired: {why}; it is unchanged{kept}", hint) from error
        try:
            sync_name(self.path)
        except OSError as error:
            why = f"repaired, but the folder could not be synced ({error.strerror}); the old log is in {copy}"
            raise OutcomeUnknown(self.path, why) from error
        from evcli.log.file.rights import new_owner

        with suppress(OSError):
            self.notices += new_owner(self.path, log)
        return copy

    def sync(self) -> None:
        """Make the current contents of the log durable. Raises OutcomeUnknown."""
        self.durable, self._is_settled, synced = None, False, durable_now(self.descriptor)
        try:
            sync(self.descriptor)
        except OSError as error:
            why = f"what is in the log may not be durable: the sync failed ({error.strerror}); nothing was written"
            raise OutcomeUnknown(self.path, why) from error
        self.durable = synced

    def _sync_name(self, otherwise: str) -> None:
        """Make the log's name durable before its first event: a durable event in a lost file would be lost."""
        folder = os.path.dirname(self.path)
        try:
            if not sync_name(self.path):
                why = "its file system cannot sync a folder, so a power cut may take the name of this new log"
                self.notices.append(f"{folder}: {why}")
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
        if is_whole and self._is_durable():
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

    def _is_durable(self, found: os.stat_result | None = None) -> bool:
        """Whether the file is as this process synced it; `found` is its status, if it was just asked for."""
        try:
            found = found or os.fstat(self.descriptor)
            return self.durable is not None and self.durable.is_still(found, self.descriptor)
        except OSError:
            return False

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
            why, hint = denied(os.path.dirname(self.path), os.W_OK, error)
            raise NotWritten(
                f"{self.path} byte {end.size}: an unfinished append of {end.torn} bytes could not be moved to a file: "
                f"{why}; nothing was written",
                hint,
            ) from error

    def _take_back(self, end: int) -> str | None:
        try:
            os.ftruncate(self.descriptor, end)
            taken_back = durable_now(self.descriptor)
            sync(self.descriptor)
            self.durable = taken_back
        except OSError as error:
            return error.strerror or str(error)
        return None


class _What:
    """How a message calls the events that it is about."""

    def __init__(self, lines: bytes, number: int) -> None:
        count = lines.count(b"\n")
        what = f"events {number} to {number + count - 1}" if count > 1 else f"event {number}"
        was, they, self.them = ("were", "they", "them") if count > 1 else ("was", "it", "it")
        self.not_written = f"{what} {was} not written"
        self.unknown = f"{what} may or may not be stored"
        self.they = f"{they} {was}"
