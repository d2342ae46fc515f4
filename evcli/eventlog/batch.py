"""Several events as one: all there or none, with the help of a file beside the log that says how far they reach.

Before the lines are written, `NAME.batch` says where they begin, where they end, and the last one's hash; it is synced
first and removed after the log's own sync. Whoever finds it looks whether the last line is there: if so, so are all.
"""

import os
import re
from contextlib import suppress
from typing import NamedTuple

from evcli.eventlog.opening import sync_folder

MAX_BATCH = 1 << 20
"""The longest batch, in bytes; what is longer is several."""

_WHOLE = re.compile(rb'\{"start":([0-9]{1,18}),"end":([0-9]{1,18}),"sha256":"([0-9a-f]{64})"\}\n?').fullmatch


class Batch(NamedTuple):
    """Lines that belong together: their first byte, the byte after their last, and the last one's hash."""

    start: int
    end: int
    sha256: bytes

    def is_complete(self, descriptor: int, size: int) -> bool:
        """Whether, in the first `size` bytes of the log, a line with that hash ends at `end`."""
        closing = b'"sha256":"' + self.sha256 + b'"}\n'
        return self.end <= size and os.pread(descriptor, len(closing), self.end - len(closing)) == closing


def batch_path(path: str) -> str:
    """Where the batch file of the log at `path` is: beside the log itself, not beside a link to it."""
    return (os.path.realpath(path) if os.path.islink(path) else path) + ".batch"


def find_batch(path: str) -> Batch | None:
    """The batch that was announced beside the log; None when there is none, or its file is not whole.

    A file that is not whole was not synced, so no line of its batch was written.
    """
    try:
        descriptor = os.open(batch_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        match = _WHOLE(os.read(descriptor, 200))
    finally:
        os.close(descriptor)
    return Batch(int(match[1]), int(match[2]), match[3]) if match else None


def announce(path: str, batch: Batch) -> None:
    """Write the batch file, readable by its owner only, and sync it with its folder. Raises OSError, no file left."""
    name = batch_path(path)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        content = b'{"start":%d,"end":%d,"sha256":"%b"}\n' % batch
        if os.write(descriptor, content) != len(content):
            raise OSError(28, os.strerror(28))
        os.fsync(descriptor)
        sync_folder(os.path.dirname(name))
    except OSError:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)


def forget(path: str) -> None:
    """Remove the batch file, durably: were it back after a power cut, what is appended now would pass for its half."""
    name = batch_path(path)
    with suppress(FileNotFoundError):
        os.unlink(name)
    sync_folder(os.path.dirname(name))
