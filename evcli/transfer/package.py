"""The file of a workbook: a ZIP archive of XML parts, of which only small ones are in memory whole."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EINVAL
from typing import IO, Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from evcli.errors import BadInput
from evcli.transfer.lines import LONGEST_ROW
from evcli.transfer.source import CHUNK, unreadable

LARGEST = 1 << 23
"""The largest part that is read whole, in bytes: the list of sheets, or the styles."""

_IS_WORKBOOK = re.compile(r"xl/workbook[0-9]*\.xml").fullmatch

# What openpyxl and the parsers below it raise for a file that is not what it should be.
_BROKEN = (
    ArithmeticError, AttributeError, BadZipFile, EOFError, LookupError, ParseError, RuntimeError, TypeError, ValueError,
    struct.error, zlib.error,
)  # fmt: skip
_OF_CONTENT = (None, EINVAL)
"""Of an OSError: it is raised by openpyxl, or for a place before the beginning of the file."""
AGAIN = "download or copy it again, or open it and save it as a new workbook (.xlsx)"


@contextmanager
def whole(name: str) -> Iterator[None]:
    """Raise BadInput for whatever shows that the workbook `name` is damaged."""
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_CONTENT:
            raise unreadable(name, error) from error
        raise _damaged(name) from None
    except _BROKEN:
        raise _damaged(name) from None


def _damaged(name: str) -> BadInput:
    return BadInput(f"{name} is damaged: it is not a workbook as Excel writes it", AGAIN)


class Part:
    """A part that is read as a stream, in bounded memory: from one `taken` row or text to the next is not far."""

    def __init__(self, file: IO[bytes], too_long: Callable[[], BadInput]) -> None:
        self._file, self._too_long, self._waiting = file, too_long, 0

    def read(self, size: int = 1 << 14, /) -> bytes:
        """The next bytes. Raises BadInput after too many since the last row."""
        data = self._file.read(size)
        self._waiting += len(data)
        if self._waiting > LONGEST_ROW + size:
            raise self._too_long()
        return data

    def taken(self) -> None:
        """Note that what was read is dealt with."""
        self._waiting = 0


class Package(ZipFile):
    """The archive of a workbook."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        super().__init__(file)
        self._name = name

    @property
    def is_workbook(self) -> bool:
        """Whether it is that of a workbook that is written in XML."""
        return any(map(_IS_WORKBOOK, self.namelist()))

    def read(self, name: Any, pwd: bytes | None = None) -> bytes:
        """A small part. Raises BadInput if it is large."""
        self.limit(name, LARGEST)
        return super().read(name, pwd)

    def limit(self, path: str, most: int) -> None:
        """Raise BadInput if the part has more bytes than that."""
        if self.getinfo(path).file_size > most:
            raise BadInput(f"{self._name} has too much in {path}: more than {most:,} bytes", AGAIN)

    def check(self, path: str) -> None:
        """Read a part to its end, where its checksum is. Raises BadZipFile."""
        with self.open(path) as file:
            while file.read(CHUNK):
                pass

    @contextmanager
    def part(self, path: str, too_long: Callable[[], BadInput]) -> Iterator[Part]:
        """A part of any size."""
        with self.open(path) as file:
            yield Part(file, too_long)


def package_of(name: str, file: IO[bytes]) -> Package | None:
    """The archive that a file is; None if it is none, or not whole. Raises BadInput if it cannot be read."""
    try:
        return Package(name, file)
    except OSError as error:
        if error.errno not in _OF_CONTENT:
            raise unreadable(name, error) from error
    except _BROKEN:
        pass
    return None
