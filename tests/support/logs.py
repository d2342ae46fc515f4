"""Logs for tests, as they are on the disk."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evcli.domain.event import Event, number_of
from evcli.log.file.engine import FileLog
from evcli.log.file.writer import LogWriter
from evcli.log.reader import Reader


@contextmanager
def reading(path: Path | str) -> Iterator[Reader]:
    """A reader of the log at `path`, which is opened now."""
    with FileLog(str(path)) as log:
        assert log.view.end.offset >= 0
        yield Reader(log)


@contextmanager
def writing(path: Path | str, wait: float = 0, *, may_create: bool = True) -> Iterator[LogWriter]:
    """A writer that holds the lock of the log at `path`."""
    with FileLog(str(path)).locked(wait, may_create=may_create) as writer:
        yield writer


def append(path: Path | str, lines: bytes, number: int) -> list[str]:
    """Append lines, the first of which is event `number`; gives the writer's notices."""
    with writing(path) as writer:
        writer.append(lines, number)
        return writer.notices


@contextmanager
def locked_by_another(path: Path) -> Iterator[int]:
    """Another writer holds the lock while the block runs; gives its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """The process has this umask while the block runs."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def numbers(events: Iterable[Event]) -> list[int]:
    """The numbers of events."""
    return [number_of(event) for event in events]


def split(log: Path | bytes) -> list[bytes]:
    """The lines of a log, newlines included."""
    content = log if isinstance(log, bytes) else log.read_bytes()
    return content.splitlines(keepends=True)
