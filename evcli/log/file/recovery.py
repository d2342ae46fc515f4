"""Crash recovery: how a writer moves a torn tail out of the log before it appends anything."""

import os
from typing import NamedTuple

from evcli.disk import keep_copy
from evcli.log.file.blocks import read_whole
from evcli.log.file.end import End


class Durable(NamedTuple):
    """A log as it was synced: which file, its last change, where its last line ends, and that line's hash."""

    device: int
    inode: int
    changed: int
    end: int
    sha256: bytes


def durable_now(descriptor: int, end: End) -> Durable | None:
    """A description of the log that was just synced; None if it cannot be determined."""
    try:
        found = os.fstat(descriptor)
        sha256 = os.pread(descriptor, 64, max(0, end.offset - 67))
    except OSError:
        return None
    return Durable(found.st_dev, found.st_ino, found.st_ctime_ns, end.offset, sha256)


def put_aside(path: str, descriptor: int, end: End) -> str:
    """Copy the torn tail to a file next to the log, truncate the log before it, and return the copy's path.

    The copy and its folder are synced first. Raises OSError, with the tail still in place, if the copy cannot be made
    or the log cannot be truncated.
    """
    tail = read_whole(descriptor, end.torn, end.size)
    copy = keep_copy(f"{path}.torn-{end.size}", [tail])
    try:
        os.ftruncate(descriptor, end.size)
    except OSError:
        os.unlink(copy)
        raise
    return copy
