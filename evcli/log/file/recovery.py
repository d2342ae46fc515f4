"""Crash recovery: how a writer moves a torn tail out of the log before it appends anything."""

import os
from typing import NamedTuple

from evcli.disk import keep_copy
from evcli.log.file.blocks import read_whole
from evcli.log.file.end import End

CLOSING = 67
"""How many bytes a line has from its hash to its end."""


class Durable(NamedTuple):
    """A log as it was synced, as far as it takes to see that it has not changed since."""

    status: tuple[int, ...]
    """Which file, whose, with which mode, links and size, and when it was last changed, to the nanosecond."""
    last: bytes
    """Its last bytes, at least the last line's hash: a clock that ticks too slowly can miss a change."""

    def is_still(self, found: os.stat_result, descriptor: int) -> bool:
        """Whether the file, whose status is `found` now, is as it was. Raises OSError."""
        length = len(self.last)
        return status_of(found) == self.status and os.pread(descriptor, length, found.st_size - length) == self.last


def status_of(found: os.stat_result) -> tuple[int, ...]:
    """What tells a file from another one, and from itself after a change."""
    return *found[:7], found.st_ctime_ns  # mode, inode, device, links, owner, group, size


def durable_now(descriptor: int) -> Durable | None:
    """A description of the log, which is about to be synced; None if it cannot be determined."""
    try:
        found = os.fstat(descriptor)
        return Durable(status_of(found), os.pread(descriptor, CLOSING, max(0, found.st_size - CLOSING)))
    except OSError:
        return None


def put_aside(path: str, descriptor: int, end: End) -> str:
    """Copy the torn tail to a file next to the log, truncate the log before it, and return the copy's path.

    The copy and its folder are synced first. Raises OSError, with the tail still in place, if the copy cannot be made
    or the log cannot be truncated.
    """
    tail = read_whole(descriptor, end.torn, end.size)
    copy = keep_copy(f"{path}.torn-{end.size}", [tail], os.fstat(descriptor))
    try:
        os.ftruncate(descriptor, end.size)
    except OSError:
        os.unlink(copy)
        raise
    return copy
