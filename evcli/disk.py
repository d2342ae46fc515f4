"""Disk operations: sync a file or a folder, write a whole new file, and block signals meanwhile.

Independent of logs. Signals that would end the program are blocked between an event's write and its answer: otherwise
Ctrl-C could leave a stored event that was never acknowledged. kill -9 cannot be blocked; the log recovers from it.
"""

import errno
import fcntl
import os
import signal
import stat
import sys
from _signal import pthread_sigmask  # type: ignore[import-not-found]  # signal's own makes an enum of each number
from collections.abc import Iterable
from contextlib import suppress

_NO_SUCH_THING = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
"""What a file system answers that cannot sync a folder; a failed sync has another errno."""

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def sync(descriptor: int) -> None:
    """Sync a file to the disk. On macOS, fsync alone leaves the data in the drive's own cache."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass
    os.fsync(descriptor)


def sync_folder(folder: str) -> bool:
    """Make the names in `folder` durable: a synced file in an unsynced folder can lose its name to a power cut.

    Returns False where the file system cannot do that. Raises OSError.
    """
    return _sync_open_folder(_open_folder(folder))


def sync_name(path: str) -> bool:
    """Make the name of a file durable, as `sync_folder` does, also in a folder that may be written but not read."""
    try:
        descriptor = _open_folder(os.path.dirname(path))
    except PermissionError:
        os.sync()  # of everything: a folder that cannot be opened cannot be synced alone
        return True
    return _sync_open_folder(descriptor)


def _open_folder(folder: str) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _sync_open_folder(descriptor: int) -> bool:
    try:
        sync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_THING:
            raise
        return False
    finally:
        os.close(descriptor)
    return True


def make_folders(folder: str) -> None:
    """Create `folder` and its missing parents (mode 0700), and sync each folder in which one was created."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    make_folders(parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
    sync_folder(parent)


def keep_copy(path: str, pieces: Iterable[bytes], like: os.stat_result) -> str:
    """Write `pieces` to a new file, sync it and its folder, and return the file's path; see `write_new`."""
    name = write_new(path, pieces, like)
    try:
        sync_name(name)
    except BaseException:
        os.unlink(name)
        raise
    return name


def write_new(path: str, pieces: Iterable[bytes], like: os.stat_result) -> str:
    """Write `pieces` to a new file at `path` or the next free name after it, sync it, and return its path.

    Until it is whole, only its owner can access it; then whoever can access the file that it is made `like`. If it
    raises OSError, no file is left.
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
        make_like(descriptor, like)
        sync(descriptor)
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)
    return name


def make_like(descriptor: int, like: os.stat_result) -> bool:
    """Give an open file the owner, group and mode of another one; returns whether it has that group now.

    A user can give a file to a group that he is in, but not to another user: the owner is kept where that is allowed.
    Nobody gets access who had none: without the group, the group gets none, and all others what the group had too.
    """
    own = os.fstat(descriptor)
    for owner in (like.st_uid, own.st_uid):
        if (own.st_uid, own.st_gid) == (owner, like.st_gid):
            break
        with suppress(OSError):  # not allowed, or an id that a container does not know
            os.fchown(descriptor, owner, like.st_gid)
            break
    has_group = os.fstat(descriptor).st_gid == like.st_gid
    mode = stat.S_IMODE(like.st_mode)
    os.fchmod(descriptor, mode if has_group else mode & (0o700 | (mode >> 3 & 0o7)))
    return has_group


class held_signals:  # noqa: N801  # it is used like a function
    """Block INT, TERM and HUP in this thread; they are delivered when the block ends.

    If the block raises, they are dropped: the error must be reported, not the Ctrl-C that came meanwhile.
    """

    def __enter__(self) -> None:
        self._before = pthread_sigmask(signal.SIG_BLOCK, _ENDING)

    def __exit__(self, error: object, *_: object) -> None:
        if error is not None:
            drop_signals()
        pthread_sigmask(signal.SIG_SETMASK, self._before)


def drop_signals() -> None:
    """Discard the pending signals of `held_signals`."""
    for number in _ENDING & signal.sigpending():
        with suppress(ValueError):  # only the main thread can set handlers, and only there do signals become exceptions
            signal.signal(number, signal.signal(number, signal.SIG_IGN))
