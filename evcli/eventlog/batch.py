"""Several events as one: all there or none, with the help of a file beside the log that says how far they reach.

Before the lines are written, `NAME.batch` says where they begin, where they end, and the last one's hash; it is synced
first and removed after the log's own sync. Whoever finds it looks whether the last line is there: if so, so are all.
"""

import errno
import os
import re
import stat
from contextlib import suppress
from typing import NamedTuple

from evcli.errors import CannotOpen
from evcli.eventlog.opening import link_at, sync, sync_folder, target_of

MAX_BATCH = 1 << 20
"""The longest batch, in bytes; what is longer is several."""

_WHOLE = re.compile(rb'\{"start":([0-9]{1,18}),"end":([0-9]{1,18}),"sha256":"([0-9a-f]{64})"\}\n?').fullmatch

_WHAT_IT_IS = "a file of that name says which events of the log belong together; if it is not evcli's, move it away"


class Batch(NamedTuple):
    """Lines that belong together: their first byte, the byte after their last, and the last one's hash."""

    start: int
    end: int
    sha256: bytes

    def ends_in(self, lines: bytes) -> bool:
        """Whether `lines`, what the log holds from `start` to `end`, end in a line with that hash."""
        return lines.endswith(b',"sha256":"' + self.sha256 + b'"}\n')


def batch_path(path: str) -> str:
    """Where the batch file of the log at `path` is: beside the log itself, not beside a link to it.

    Raises:
        CannotOpen: it cannot be told whether there is a link, or where it leads.
    """
    return (target_of(path) if link_at(path) else path) + ".batch"


def is_there(name: str) -> bool:
    """Whether there is a file of that name. Unlike os.path.lexists, raises OSError where that cannot be told."""
    try:
        os.lstat(name)
    except FileNotFoundError:
        return False
    return True


def find_batch(path: str) -> Batch | None:
    """The batch that was announced beside the log; None when there is none, or its file is not whole.

    A file that is not whole was not synced, so no line of its batch was written.

    Raises:
        CannotOpen: what has its name cannot be read, or is no file; or the name cannot be told.
    """
    name = batch_path(path)
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for a writer that never comes.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotOpen(name, f"cannot be opened: {error.strerror}; nothing was written", _WHAT_IT_IS) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise CannotOpen(name, "is not a regular file; nothing was written", _WHAT_IT_IS)
        match = _WHOLE(os.read(descriptor, 200))
    finally:
        os.close(descriptor)
    return Batch(int(match[1]), int(match[2]), match[3]) if match else None


def announce(name: str, batch: Batch) -> None:
    """Write the batch file `name`, readable by its owner only, and sync it with its folder. Raises OSError."""
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        content = b'{"start":%d,"end":%d,"sha256":"%b"}\n' % batch
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)
        sync_folder(os.path.dirname(name))
    except OSError:
        with suppress(OSError):  # what stays names a batch of which no line is there; the next writer settles it
            forget(name)
        raise
    finally:
        os.close(descriptor)


def forget(name: str) -> None:
    """Empty the batch file `name`, durably, and remove it: were it back after a power cut, it must not say anything.

    Else what is appended now, and acknowledged, would pass for the half of a batch. Raises OSError.
    """
    with suppress(FileNotFoundError):
        descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(descriptor, 0)
            sync(descriptor)
        finally:
            os.close(descriptor)
        os.unlink(name)
    sync_folder(os.path.dirname(name))
