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
def writing(
    path: Path | str, wait: float = 0, *, may_create: bool = True, makes_folders: bool = False
) -> Iterator[LogWriter]:
    """A writer that holds the lock of the log at `path`."""
    with FileLog(str(path), makes_folders=makes_folders).locked(wait, may_create=may_create) as writer:
        yield writer


def append(path: Path | str, lines: bytes, number: int, *, makes_folders: bool = False) -> list[str]:
    """Append lines, the first of which is event `number`; gives the writer's notices."""
    with writing(path, makes_folders=makes_folders) as writer:
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


def events_of(path: Path) -> tuple[list[Event], int, bool]:
    """The events that every way of reading shows, the torn bytes after them, and whether a newline is missing."""
    with reading(path) as reader:
        events = list(reader.events())
        shown, end = numbers(events), reader.at
        assert shown == list(range(1, len(events) + 1))
        assert list(reader.events_backward(end)) == events[::-1]
        assert reader.log.head() == reader.position_of(10**6) == end
        assert numbers(reader.find_ids("")) == shown[:10]
        assert reader.identity() == (events[0]["sha256"] if events else None)
        assert len(list(reader.lines(0))) == len(events)
        return events, *reader.log.unfinished()


def replace(log: Path, content: bytes, mode: int = 0o600) -> None:
    """Put another file in the log's place."""
    new = log.with_name("new")
    new.write_bytes(content)
    new.chmod(mode)
    new.replace(log)
