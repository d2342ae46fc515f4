"""How a writer puts aside what a crash left at the end of a log, before it appends anything."""

import os
import stat
from collections.abc import Iterable
from typing import NamedTuple

from evcli.eventlog.ending import End
from evcli.eventlog.opening import sync, sync_folder


class Durable(NamedTuple):
    """A log that was synced as it was: which file, its last change, where its last line ends, and that line's hash."""

    device: int
    inode: int
    changed: int
    end: int
    sha256: bytes


def durable_now(descriptor: int, end: End) -> Durable | None:
    """What was synced, if it was synced just now; None when that cannot be told."""
    try:
        found = os.fstat(descriptor)
        sha256 = os.pread(descriptor, 64, max(0, end.offset - 67))
    except OSError:
        return None
    return Durable(found.st_dev, found.st_ino, found.st_ctime_ns, end.offset, sha256)


def put_aside(path: str, descriptor: int, end: End) -> str:
    """Copy the torn tail to a file beside the log and truncate the log before it; return the copy's path.

    The copy and its folder are synced first. Raises OSError, the tail still there, when the copy cannot be made or the
    log cannot be truncated.
    """
    tail = os.pread(descriptor, end.torn, end.size)
    copy = keep_copy(f"{path}.torn-{end.size}", [tail])
    try:
        os.ftruncate(descriptor, end.size)
    except OSError:
        os.unlink(copy)
        raise
    return copy


def keep_copy(path: str, pieces: Iterable[bytes]) -> str:
    """Write `pieces` to a new file beside the log, and sync it and its folder; the file's path. Raises OSError."""
    name = write_new(path, pieces)
    try:
        sync_folder(os.path.dirname(name))
    except BaseException:
        os.unlink(name)
        raise
    return name


def write_new(path: str, pieces: Iterable[bytes], like: os.stat_result | None = None) -> str:
    """Write `pieces`, synced, to a new file under `path` or the next free name after it; the file's path.

    It is the owner's only, unless it is to have the owner and mode of `like`. Raises OSError; then nothing is left.
    """
    name, attempt = path, 1
    while True:
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            attempt += 1
            name = f"{path}-{attempt}"
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        if like is not None:
            os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        sync(descriptor)
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)
    return name
