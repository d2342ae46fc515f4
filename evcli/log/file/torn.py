"""Torn is not damaged: which bytes after the last good event a crash can have left.

Only one append is in flight at a time, so a crash leaves one unfinished piece at the end, or a batch with holes:
sectors that never reached the disk read as zeros. Anything else is damage. The rule is strict on purpose: a laxer one
classified acknowledged batches with one flipped bit as torn, and a writer would have truncated them.
"""

import re
from collections.abc import Iterator

from evcli.log import Position
from evcli.log.line import FIRST_BYTES, MAX_BATCH, BadLine, decode_alone, is_proved

SECTOR = 512

_CLOSED = re.compile(rb',"sha256":"([0-9a-f]{64})"\}\n?\Z').search


def is_torn(tail: bytes, begin: int, end: Position, *, is_unterminated: bool) -> bool:
    """Whether a crash can have left `tail`, which begins at byte `begin`, after the position `end`.

    With `is_unterminated`, the last event before it lacks its newline, and the tail begins where that should be.
    """
    if not 0 < len(tail) <= MAX_BATCH:
        return False
    if is_unterminated and (len(tail) == 1 or tail[0] == 0):
        tail, begin = tail[1:], begin + 1
    holes = list(_holes(tail, begin))
    if b"\0" in _without(tail, holes):
        return False
    pieces = list(_pieces(tail, holes))
    # The first piece is either not proved, or good but part of an incomplete batch.
    return all(_begins_as_a_line(piece, holes) for piece, holes in pieces) and _is_one_append(pieces, end)


_Span = tuple[int, int]


def _holes(tail: bytes, begin: int) -> Iterator[_Span]:
    """The file's sectors within the tail that are all zero, as spans of the tail."""
    start = 0
    while start < len(tail):
        stop = min(len(tail), start + SECTOR - (begin + start) % SECTOR)
        if not tail[start:stop].strip(b"\0"):
            yield start, stop
        start = stop


def _without(text: bytes, spans: list[_Span]) -> bytes:
    starts = [0, *(stop for _, stop in spans)]
    stops = [*(start for start, _ in spans), len(text)]
    return b"".join(text[start:stop] for start, stop in zip(starts, stops, strict=True))


def _pieces(tail: bytes, holes: list[_Span]) -> Iterator[tuple[bytes, list[_Span]]]:
    """The tail, split after each newline; each piece with its holes."""
    start = 0
    while start < len(tail):
        stop = tail.find(b"\n", start) + 1 or len(tail)
        within = [(max(a, start) - start, min(b, stop) - start) for a, b in holes if a < stop and b > start]
        yield tail[start:stop], within
        start = stop


def _begins_as_a_line(piece: bytes, holes: list[_Span]) -> bool:
    """Whether the piece matches the start of every line, as far as it goes: other text is never truncated."""
    length = min(len(piece), len(FIRST_BYTES))
    expected = bytearray(FIRST_BYTES[:length])
    for start, stop in holes:
        if start < length:
            expected[start : min(stop, length)] = bytes(min(stop, length) - start)
    return piece[:length] == expected


def _is_one_append(pieces: list[tuple[bytes, list[_Span]]], end: Position) -> bool:
    """Whether the complete lines among the pieces can be from one batch that was to follow the position `end`."""
    batch, last, whole = "", end.number, 0
    previous: bytes | None = end.sha256
    is_next = True
    for piece, holes in pieces:
        closed = _CLOSED(piece)
        if closed and not holes:
            line = piece.removesuffix(b"\n") + b"\n"
            try:
                event = decode_alone(line)
            except BadLine:
                return False
            number, named = int(event["sequence"]), event.get("batch", "")
            if number <= last or not named.startswith(f"{end.number + 1}-") or (batch and named != batch):
                return False
            if is_next and number != last + 1:
                return False
            if previous is not None and not is_proved(line, Position(number - 1, 0, previous, "")):
                return False
            batch, last, whole = named, number, whole + 1
        elif piece.endswith(b"\n") and not holes:
            return False
        is_next = not holes
        previous = closed[1] if closed else None
    # A complete, proved batch is not unfinished: only the newline before it is missing.
    return not batch.endswith(f"-{end.number + whole}")
