"""Finding lines in a file from any byte, by reading a few blocks around it."""

import errno
import os
import re
from collections.abc import Callable

from evcli.log.line import MAX_LINE

LINE_END = re.compile(rb',"sha256":"[0-9a-f]{64}"\}')
"""The end of every line, before its newline."""
CHUNK = 1 << 16
BLOCK = 1 << 14
Read = Callable[[int, int], bytes]
"""Read(size, offset) returns `size` bytes from byte `offset`."""
DataUntil = Callable[[int], int]
"""Returns the last byte up to `offset` before which the file has data, and not a hole."""


def read_whole(descriptor: int, size: int, offset: int) -> bytes:
    """`size` bytes from `offset` on, fewer only at the end of the file: one read may give less (read(2))."""
    found = os.pread(descriptor, size, offset)
    while len(found) < size and (more := os.pread(descriptor, size - len(found), offset + len(found))):
        found += more
    return found


def line_around(read: Read, offset: int, data_until: DataUntil) -> tuple[int, bytes]:
    """The start of the line that contains byte `offset`, and the line, newline included."""
    start = line_start(read, offset, data_until)
    size = BLOCK // 4
    while True:
        line, newline, _ = read(size, start).partition(b"\n")
        if newline or size > MAX_LINE:
            return start, line + newline
        size *= 4


def line_start(read: Read, offset: int, data_until: DataUntil) -> int:
    """Where the line that contains byte `offset` begins."""
    size, last = BLOCK // 4, offset
    while offset:
        start = max(0, offset - size)
        newline = read(offset - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        offset, size = start, min(size * 4, CHUNK)
        if last - offset > MAX_LINE:  # no line: a file that was truncated to a greater size has gigabytes of zeros
            offset = data_until(offset)
    return 0


def data_until(descriptor: int, offset: int) -> int:
    """The last byte up to `offset` before which the file has data, and not a hole, which has no newline."""
    at = last = 0
    while (at := data_from(descriptor, at, offset)) < offset:
        try:
            at = os.lseek(descriptor, at, os.SEEK_HOLE)
        except OSError:
            return offset
        last = min(at, offset)
    return last


def data_from(descriptor: int, offset: int, end: int) -> int:
    """The first byte from `offset` on that is not in a hole of the file, which has no newline; at most `end`."""
    try:
        return min(os.lseek(descriptor, offset, os.SEEK_DATA), end)
    except OSError as error:
        return end if error.errno == errno.ENXIO else offset
