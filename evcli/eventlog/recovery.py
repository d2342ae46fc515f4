"""What a crash leaves at the end of a log, how it is known, and how a writer puts it aside.

Torn is not damaged: one append at a time is in flight, so a crash can leave one unfinished piece after the last good
line, and that piece was never acknowledged. A line of several sectors may even have its newline while an earlier
sector never reached the disk and reads as zeros. Everything else that is wrong is damage, and nobody's to mend unasked.
"""

import os
from collections.abc import Iterable
from typing import NamedTuple

from evcli.errors import Damaged, NotALog
from evcli.eventlog.batch import MAX_BATCH, Batch, batch_path, find_batch
from evcli.eventlog.format import FIRST_BYTES, MAX_LINE
from evcli.eventlog.opening import sync, sync_folder

SECTOR = 512


class End(NamedTuple):
    """Where the good part of a file ends, as far as its last bytes can tell, and how many torn bytes follow."""

    offset: int
    torn: int
    batch: Batch | None = None
    """The batch that is announced beside the log: complete, or the torn bytes are its first part."""


class Durable(NamedTuple):
    """A log that was synced as it was: which file, its last change, where its last line ends, and that line's hash."""

    device: int
    inode: int
    changed: int
    end: int
    sha256: bytes


def durable_now(descriptor: int, end: End) -> Durable | None:
    """What was synced, if it was synced just now; None when that cannot be told."""
    try:
        found = os.fstat(descriptor)
        sha256 = os.pread(descriptor, 64, max(0, end.offset - 67))
    except OSError:
        return None
    return Durable(found.st_dev, found.st_ino, found.st_ctime_ns, end.offset, sha256)


def find_end(path: str, descriptor: int) -> End:
    """The end of the log; reads no more than the last line and the batch file.

    Raises:
        NotALog: see `_end_of_lines`.
        Damaged: the batch file cannot be this log's.
        CannotOpen: the batch file cannot be read.
    """
    while True:
        size = os.fstat(descriptor).st_size
        batch = find_batch(path)
        if os.fstat(descriptor).st_size == size:  # else the batch was written, or settled, in between
            break
    if batch is None or size <= batch.start:  # none of its lines is there
        return _end_of_lines(path, descriptor, size)
    could_be = batch.start < batch.end <= batch.start + MAX_BATCH and _begins_a_line(descriptor, batch.start)
    if could_be and batch.end <= size:
        lines = os.pread(descriptor, batch.end - batch.start, batch.start)
        # As in a torn tail, a sector that never reached the disk reads as zeros, with a good end after it.
        if batch.ends_in(lines) and not (batch.end == size and _has_zero_sector(lines, batch.start)):
            return _end_of_lines(path, descriptor, size)._replace(batch=batch)
    if not could_be or size > batch.end:  # the next writer settles a batch before it writes
        why = f"{batch_path(path)} says that an unfinished batch begins here, which cannot be"
        raise Damaged(
            path, 0, batch.start, why, f"nothing was changed; if {batch_path(path)} is not of this log, move it away"
        )
    return End(batch.start, size - batch.start, batch)


def _begins_a_line(descriptor: int, offset: int) -> bool:
    return offset == 0 or os.pread(descriptor, 1, offset - 1) == b"\n"


def _end_of_lines(path: str, descriptor: int, size: int) -> End:
    """The end of the log in the first `size` bytes of the file, as its last line tells it.

    What stands before it may still be damaged; whoever reads it will see.

    Raises:
        NotALog: the file holds one unfinished piece that no log begins with. It is never cut: it is somebody's notes.
    """
    if size == 0:
        return End(0, 0)
    piece = _last_piece(descriptor, size)
    start = size - len(piece)
    if len(piece) > MAX_LINE or (piece.endswith(b"\n") and not _has_zero_sector(piece, start)):
        return End(size, 0)
    if start and os.pread(descriptor, len(FIRST_BYTES), 0) != FIRST_BYTES:
        return End(size, 0)  # it is no log that this is the end of, as whoever reads its first line will see
    if start == 0 and not _could_begin_a_log(piece):
        raise NotALog(path, "this is not an evcli log: no log begins so, and it has no complete line")
    return End(start, len(piece))


def _last_piece(descriptor: int, size: int) -> bytes:
    """What follows the last newline (the file's very last byte not counted); more than one line limit of it at most."""
    length = 4096
    while True:
        tail = os.pread(descriptor, min(size, length), max(0, size - length))
        before = tail.rfind(b"\n", 0, len(tail) - 1)
        if before >= 0 or length >= min(size, MAX_LINE + 1):
            return tail[before + 1 :]
        length = min(length * 16, MAX_LINE + 1)


def _has_zero_sector(piece: bytes, offset: int) -> bool:
    if b"\0" not in piece:
        return False
    first = SECTOR - offset % SECTOR
    sectors = [piece[:first], *(piece[at : at + SECTOR] for at in range(first, len(piece), SECTOR))]
    return any(not sector.strip(b"\0") for sector in sectors)


def _could_begin_a_log(piece: bytes) -> bool:
    return all(found in (0, written) for found, written in zip(piece, FIRST_BYTES, strict=False))


def put_aside(path: str, descriptor: int, end: End) -> str:
    """Copy the torn tail to a file beside the log, cut it off, sync both; return the copy's path.

    The cut is synced before anything is appended: else a power cut could mix the old tail with the new line, and that
    would be damage. Raises OSError, the tail still there, when the copy cannot be made or the cut fails.
    """
    tail = os.pread(descriptor, end.torn, end.offset)
    copy = keep_copy(f"{path}.torn-{end.offset}", [tail])
    try:
        os.ftruncate(descriptor, end.offset)
    except OSError:
        os.unlink(copy)
        raise
    sync(descriptor)
    return copy


def keep_copy(path: str, pieces: Iterable[bytes]) -> str:
    """Write `pieces`, synced, to a new file of the owner's only, under `path` or the next free name after it."""
    name, attempt = path, 1
    while True:
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            break
        except FileExistsError:
            attempt += 1
            name = f"{path}-{attempt}"
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        sync(descriptor)
        sync_folder(os.path.dirname(name))
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(descriptor)
    return name
