"""What everybody does with a disk: sync a file, sync a folder, write a new file whole; and hold signals meanwhile.

Knows nothing of logs. Signals that would end the program wait while an event is between its write and its answer:
otherwise Ctrl-C could leave an event stored that nobody was told of. kill -9 cannot be held; the log itself meets it.
"""

import errno
import fcntl
import os
import signal
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def sync(descriptor: int) -> None:
    """Return when the file's content is on the disk. On macOS, fsync alone leaves it in the drive's own cache."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
        except OSError:
            pass
    os.fsync(descriptor)


def sync_folder(folder: str) -> None:
    """Make the names in `folder` durable: a synced file in an unsynced folder can lose its name to a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync a folder, and say so with this
            raise
    finally:
        os.close(descriptor)


def make_folders(folder: str) -> None:
    """Make `folder` and what is missing above it (mode 0700), and sync each folder in which one was made."""
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


@contextmanager
def held_signals() -> Iterator[None]:
    """INT, TERM and HUP that come to this thread while the block runs are delivered when it ends.

    When it ends with an error, they are dropped: that error must be told, not that somebody pressed Ctrl-C meanwhile.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        yield
    except BaseException:
        drop_signals()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def drop_signals() -> None:
    """Forget the signals of `held_signals` that have come and wait."""
    for number in _ENDING & signal.sigpending():
        with suppress(ValueError):  # only the main thread may, and only there do they become exceptions
            signal.signal(number, signal.signal(number, signal.SIG_IGN))
