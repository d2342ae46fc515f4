"""The lock of a log, flock(2): a writer holds it while it writes, and a reader asks for it without waiting.

Anybody who may read a log can lock it, for reading too (`flock -s`), and keep writers out without end. So a writer
waits for a limited time, and then says who holds the lock.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from evcli.errors import Busy, CannotOpen

LOCK_POLL = 0.01
"""Seconds between two attempts to take the lock."""


def take_lock(path: str, descriptor: int, deadline: float, wait: float) -> None:
    """Take the writer's lock, by the deadline on the monotonic clock, which is `wait` seconds after the first attempt.

    Raises:
        Busy: others kept the lock.
        CannotOpen: the file system has no locks.
    """
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                from evcli.log.file.holders import holders

                raise Busy(path, wait, holders(descriptor)) from None
            time.sleep(LOCK_POLL)
        except OSError as error:
            raise CannotOpen(
                path, f"cannot be locked: {error.strerror}; nothing was written", "keep the log on a local file system"
            ) from error


@contextmanager
def shared_lock(descriptor: int) -> Iterator[bool]:
    """Hold a reader's lock if no writer is at work: yields whether it is held. Never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    except OSError:  # on a file system without locks, no evcli writer can be at work either
        yield True
        return
    try:
        yield True
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
