"""A file or standard input, read sequentially; what was read before `rewind` can be read twice."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO

from evcli.errors import BadInput

CHUNK = 1 << 18


class Source:
    """An open input. Data read before `rewind` can be read once more after it, even from a pipe."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.done = 0
        """How many bytes have been read since the beginning."""
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        self._can_seek = stat.S_ISREG(found.st_mode)
        self._start = os.lseek(descriptor, 0, os.SEEK_CUR) if self._can_seek else 0
        self.size = found.st_size - self._start if self._can_seek else None
        """The size of the input in bytes, or None if unknown."""
        self.is_checked = False
        """Whether it was read once to see that it is whole."""
        self._kept: IO[bytes] | None = None
        self._keeps = not self._can_seek

    def read(self) -> bytes:
        """The next bytes; none at the end. Raises BadInput."""
        data = self._kept.read(CHUNK) if self._kept and not self._keeps else b""
        if not data:
            try:
                data = os.read(self._descriptor, CHUNK)
            except OSError as error:
                raise unreadable(self.name, error) from error
            if self._keeps and data:
                if self._kept is None:
                    from tempfile import SpooledTemporaryFile

                    self._kept = SpooledTemporaryFile(1 << 20)  # noqa: SIM115  # closed with the process, like the input
                self._kept.write(data)
        self.done += len(data)
        return data

    def whole(self) -> IO[bytes]:
        """All of it as a file that can be read at any place: for a pipe, a copy that has no name. Raises BadInput."""
        if self._can_seek:
            return open(self._descriptor, "rb", buffering=0, closefd=False)  # no buffer: `rewind` moves the descriptor
        while self.read():
            pass
        return self._kept or BytesIO()

    def rewind(self) -> None:
        """Start again from the beginning; nothing more is buffered from now on."""
        self.done = 0
        if self._can_seek:
            os.lseek(self._descriptor, self._start, os.SEEK_SET)
        elif self._kept:
            self._kept.seek(0)
        self._keeps = False


def unreadable(name: str, error: OSError) -> BadInput:
    """The error for an input that cannot be opened or read."""
    return BadInput(f"{name or 'a file without a name'} cannot be read: {error.strerror}")


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """The input at `path`; `-` is standard input. Raises BadInput."""
    name = "stdin" if path == "-" else path
    try:
        descriptor = 0 if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        source = Source(name, descriptor)
    except OSError as error:
        raise unreadable(name, error) from error
    except ValueError:
        raise BadInput("the input's name contains NUL, which no file name can") from None
    try:
        yield source
    finally:
        if path != "-":
            os.close(descriptor)
