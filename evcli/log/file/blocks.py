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
FAR = 256 * MAX_LINE
"""How far the beginning of a line is looked for: a file that is truncated to a greater size has gigabytes of zeros."""

Read = Callable[[int, int], bytes]
"""Read(size, offset) returns `size` bytes from byte `offset`."""


def read_whole(descriptor: int, size: int, offset: int) -> bytes:
    """`size` bytes from `offset` on, fewer only at the end of the file: one read may give less (read(2))."""
    found = os.pread(descriptor, size, offset)
    while len(found) < size and (more := os.pread(descriptor, size - len(found), offset + len(found))):
        found += more
    return found


def line_around(read: Read, offset: int) -> tuple[int, bytes]:
    """The start of the line that contains byte `offset`, and the line, newline included."""
    start = line_start(read, offset)
    size = BLOCK // 4
    while True:
        line, newline, _ = read(size, start).partition(b"\n")
        if newline or size > MAX_LINE:
            return start, line + newline
        size *= 4


def line_start(read: Read, offset: int) -> int:
    """Where the line that contains byte `offset` begins; of one much too long for a line, where it cannot be a line."""
    size, first = BLOCK // 4, max(0, offset - FAR)
    while offset > first:
        start = max(0, offset - size)
        newline = read(offset - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        offset, size = start, min(size * 4, CHUNK)
    return offset


def data_from(descriptor: int, offset: int, end: int) -> int:
    """The first byte from `offset` on that is not in a hole of the file, which has no newline; at most `end`."""
    try:
        return min(os.lseek(descriptor, offset, os.SEEK_DATA), end)
    except OSError as error:
        return end if error.errno == errno.ENXIO else offset
