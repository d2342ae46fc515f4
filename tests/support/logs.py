"""Logs for tests, as they are on the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evcli.log.file.engine import FileLog
from evcli.log.reader import Reader


@contextmanager
def reading(path: Path | str) -> Iterator[Reader]:
    """A reader of the log at `path`, which is opened now."""
    with FileLog(str(path)) as log:
        assert log.view.end.offset >= 0
        yield Reader(log)
