"""Files of kept heads: short text that only grows, a line at a time, each synced before it counts.

One is beside the log (`LOG.heads`), others are wherever somebody put them. What their lines say is not known here. A
crash can leave one unfinished line at the end: readers name it, the next writer removes it.
"""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import orjson

from evcli.disk import make_like, sync, sync_name
from evcli.errors import BadInput, CannotOpen, NotWritten, OutcomeUnknown
from evcli.log.file.blocks import read_whole
from evcli.log.file.lock import shared_lock, take_lock
from evcli.log.file.open import own_path

FIRST_BYTES = b'{"name":"'
"""With these, every line begins."""

LARGEST = 1 << 24
"""The size in bytes of a file that is no file of heads: some ten thousand of them."""


class Lines(NamedTuple):
    """The lines of a file of heads, without their newlines."""

    path: str
    lines: list[bytes]
    torn: int = 0
    """Bytes of an unfinished line after them."""
    is_unterminated: bool = False
    """Whether the last of them lacks its newline."""

    @property
    def end(self) -> int:
        """The byte after the last whole line."""
        return sum(len(line) + 1 for line in self.lines) - self.is_unterminated

    def place_of(self, index: int) -> int:
        """The byte at which a line begins."""
        return sum(len(line) + 1 for line in self.lines[:index])


def lines_of(path: str, log: str | None = None) -> Lines | None:
    """The lines of the file at `path`; None if there is none. With `log`, it is the one beside that log.

    Raises:
        CannotOpen: it cannot be read, is no regular file, or is not to be trusted beside a log.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if log else 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _cannot_open(path, error) from error
    try:
        _check(path, descriptor, log)
        # While a writer is at work, what looks unfinished is not.
        with shared_lock(descriptor) as is_alone:
            lines = _lines_in(path, descriptor)
            return lines if is_alone else lines._replace(torn=0)
    finally:
        os.close(descriptor)


def _lines_in(path: str, descriptor: int) -> Lines:
    """The lines of an open file. What a crash leaves of the last one is a beginning of it, or has holes of NUL."""
    size = os.fstat(descriptor).st_size
    if size > LARGEST:
        raise CannotOpen(path, f"has {size} bytes, too many for a file of kept heads")
    data = read_whole(descriptor, size, 0)
    *whole, rest = data.split(b"\n")
    if not whole and not rest:
        return Lines(path, [])
    last = rest or whole.pop()
    begun, hole, _ = last.partition(b"\0")  # no whole line has a NUL
    if _is_json(begun):
        torn = len(last) - len(begun) + (not rest) if hole else 0
        return Lines(path, [*whole, begun], torn, is_unterminated=bool(hole or rest))
    if (hole or rest) and all(byte in (0, due) for byte, due in zip(last, FIRST_BYTES, strict=False)):
        return Lines(path, whole, len(last) + (not rest))
    return Lines(path, [*whole, last], is_unterminated=bool(rest))


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _check(path: str, descriptor: int, log: str | None) -> None:
    """Raise CannotOpen for what is no file of heads, or beside a log could be anybody's."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise CannotOpen(path, "is not a regular file")
    if log is None:
        return
    of_log = os.stat(log)
    if (found.st_dev, found.st_ino) == (of_log.st_dev, of_log.st_ino) or found.st_nlink > 1:
        raise CannotOpen(path, "has other names (hard links), so that it may be another file")
    if found.st_mode & stat.S_IWOTH:
        raise CannotOpen(path, "is world-writable, so that nobody can vouch for it", f"chmod o-w {path}")
    is_of_group = bool(of_log.st_mode & stat.S_IWGRP) and found.st_gid == of_log.st_gid
    if found.st_uid not in (0, os.geteuid(), of_log.st_uid) and not is_of_group:
        raise CannotOpen(path, "belongs to somebody else")


class Appender:
    """A file of heads that is open and locked, so that nobody else adds to it."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor
        self.found = _lines_in(path, descriptor)
        self.is_done = False

    def append(self, line: bytes) -> None:
        """Add a line, durably, and remove what is unfinished.

        Raises:
            NotWritten: nothing was added.
            OutcomeUnknown: a sync failed.
        """
        end = self.found.end
        try:
            if self.found.torn:
                os.ftruncate(self._descriptor, end)
            # Also what a killed writer left unsynced: if that were lost after this line, the file would have a hole.
            sync(self._descriptor)
            if not self.found.lines:  # so the name of a file that has a line is durable, whoever began it
                sync_name(self.path)
        except OSError as error:
            raise NotWritten(f"{self.path}: {error.strerror}; the head was not kept there") from error
        data = b"\n" * self.found.is_unterminated + line + b"\n"
        why = "only a part could be written"
        try:
            is_whole = os.write(self._descriptor, data) == len(data)
        except OSError as error:
            is_whole, why = False, error.strerror or str(error)
        if not is_whole:
            self._take_back(end)
            raise NotWritten(f"{self.path}: {why}; the head was not kept there")
        try:
            sync(self._descriptor)
        except OSError as error:
            self._take_back(end)
            raise OutcomeUnknown(
                self.path, f"the sync failed ({error.strerror}): the head may or may not be kept there"
            ) from error
        self.is_done = True

    def _take_back(self, end: int) -> None:
        with suppress(OSError):  # a rest is torn, and the next writer removes it
            os.ftruncate(self._descriptor, end)
            sync(self._descriptor)


@contextmanager
def appending(path: str, log: str, wait: float, *, is_beside: bool) -> Iterator[Appender]:
    """The file of heads at `path`, locked until the block ends, and created if there is none.

    A new one beside the log has the log's mode and, where that is possible, its owner and group; elsewhere, only its
    owner may read it. One to which nothing is added is removed again.

    Raises:
        Busy: somebody else kept it locked for `wait` seconds.
        CannotOpen, NotWritten: it cannot be opened, created or locked.
    """
    path = path if is_beside else _file_named(path)
    deadline = time.monotonic() + wait
    while True:
        descriptor, is_new = _open(path, log if is_beside else None)
        try:
            _check(path, descriptor, log if is_beside else None)
            _refuse_links(path, descriptor)
            take_lock(path, descriptor, deadline, wait)
            if not _is_at(path, descriptor):  # removed or replaced while we waited for the lock
                continue
            appender = Appender(path, descriptor)
            try:
                yield appender
            finally:
                if is_new and not appender.is_done:
                    with suppress(OSError):
                        os.unlink(path)
            return
        finally:
            os.close(descriptor)


def _file_named(path: str) -> str:
    if not path or "\0" in path:
        raise BadInput("the file of heads has no valid name", "give a path")
    return own_path(path)


def _open(path: str, like: str | None) -> tuple[int, bool]:
    """A descriptor that adds to the file, and whether the file is new: then it is as private as the log `like`."""
    flags = os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags), False
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _cannot_open(path, error) from error
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _open(path, like)
    except OSError as error:
        raise _cannot_open(path, error) from error
    if like is not None:
        with suppress(OSError):
            make_like(descriptor, os.stat(like))
            os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o664 | 0o600)
    return descriptor, True


def _refuse_links(path: str, descriptor: int) -> None:
    """Raise CannotOpen for a file that has other names, to which a line would be added as well."""
    if os.fstat(descriptor).st_nlink > 1:
        raise CannotOpen(path, "has other names (hard links); nothing was written")


def _is_at(path: str, descriptor: int) -> bool:
    own = os.fstat(descriptor)
    with suppress(OSError):
        there = os.lstat(path)
        return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)
    return False


def _cannot_open(path: str, error: OSError) -> CannotOpen:
    if error.errno == errno.ELOOP:
        return CannotOpen(path, "is a link, not a file of kept heads")
    if isinstance(error, FileNotFoundError):
        return CannotOpen(path, "cannot be created: there is no such folder; nothing was written", "create it first")
    return CannotOpen(path, f"cannot be opened: {error.strerror}")
