"""From pieces of text to pieces of complete lines, of which no row may be too long."""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

from evcli.errors import BadInput

LONGEST_ROW = 1 << 20
"""The longest row, in bytes."""

QUOTES = 'check for an unclosed or unescaped quote (")'


def newline_of(first: bytes) -> bytes:
    """What ends the lines of an input that begins so: CR alone, or LF with or without a CR."""
    return b"\r" if b"\r" in first and b"\n" not in first else b"\n"


def complete(name: str, chunks: Iterable[bytes], line: Callable[[], int], newline: bytes = b"\n") -> Iterator[bytes]:
    """The input in pieces of complete lines. Raises BadInput at a row that is too long.

    `line` is the line on which the last row ended that was read from the pieces so far.
    """
    rest, last, waiting = b"", 0, 0
    for chunk in chunks:
        whole = chunk.rfind(newline) + 1
        if whole:
            yield rest + chunk[:whole]
            rest = chunk[whole:]
        else:
            rest += chunk
        waiting = len(rest) if line() != last else waiting + len(chunk)
        last = line()
        if waiting > LONGEST_ROW:
            raise BadInput(f"{name} line {last + 1}: a row has more than {LONGEST_ROW:,} bytes", QUOTES)
    if rest:
        yield rest


def each(name: str, chunks: Iterable[bytes], newline: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each line with its number, from 1, and how many bytes are before it. Raises BadInput at one that is too long."""
    counted, offset = [0], 0
    for piece in complete(name, chunks, lambda: counted[0], newline):
        for line in BytesIO(piece if newline == b"\n" else piece.replace(newline, b"\n")):
            counted[0] += 1
            yield counted[0], offset, line
            offset += len(line)
