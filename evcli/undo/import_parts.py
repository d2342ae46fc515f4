"""Which events of an import are one operation.

A list that has grown continues its import under the same correlation id. It is another operation if a command came
between that ended before: one with a correlation id, or one by whoever imported. Other single events may be recorded
between two batches of one run.
"""

from evcli.domain.event import number_of
from evcli.log.correlated import Batch, batches
from evcli.log.line import MAX_BATCH
from evcli.register.register import Register
from evcli.undo.courses import events_at


def parts_around(register: Register, correlation: str, number: int) -> list[list[int]]:
    """The numbers of the events of the operation with event `number`, of an import with that correlation id.

    What follows a batch that was not full begins another part: mostly another run, but one that skips rows leaves such
    batches, too. Raises Damaged, LogCut.
    """
    found = list(batches(register.log, correlation, 0))
    first = next(at for at, batch in enumerate(found) if batch.first <= number <= batch.last)
    end = first + 1
    while first and not _is_other(register, found[first - 1], found[first]):
        first -= 1
    while end < len(found) and not _is_other(register, found[end - 1], found[end]):
        end += 1
    parts, is_full = list[list[int]](), False
    for batch in found[first:end]:
        if not is_full:
            parts.append([])
        parts[-1] += range(batch.first, batch.last + 1)
        is_full = batch.size > MAX_BATCH // 2
    return parts


def _is_other(register: Register, before: Batch, after: Batch) -> bool:
    """Whether a command that ended stands between two batches of an import."""
    if before.last + 1 == after.first:
        return False
    importers = {event["authid"] for event in events_at(register, (before.last, after.first))}
    for event in register.events_backward(register.position(after.first - 1)):
        if number_of(event) <= before.last:
            return False
        if "correlationid" in event or event["authid"] in importers:
            return True
    return False
