"""Decode many lines at once: the checks of `decode`, made a column at a time.

Reading a log means checking it, and most of that time goes into many small checks. Here each check runs once for all
lines of a chunk. It accepts nothing that `decode` rejects: if any check fails or is undecided, the lines are decoded
one by one, which also finds the bad line and the reason.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import groupby
from operator import le
from typing import Any

import orjson

from evcli.domain.event import Event
from evcli.kinds import type_of
from evcli.log import Position
from evcli.log.digest import sha256_for
from evcli.log.line import CLOSING_LENGTH, FIRST_BYTES, MAX_BATCH, MAX_LINE, place_after
from evcli.log.members import AUTH_TYPES, LONGEST_ID, SHAPES, TIME_PATTERN, batch_fault, is_day, is_source

_TIMES = re.compile(f"(?:{TIME_PATTERN})*").fullmatch
_TIME_LENGTH = 27


def decode_many(lines: Sequence[bytes], before: Position) -> list[Event] | None:
    """The events in `lines`, which continue the log at `before`; None if the fast checks cannot accept them all."""
    chunk = b"".join(lines)
    # Every line begins with FIRST_BYTES, and no event contains a list: so none spans or shares lines.
    if not chunk.startswith(FIRST_BYTES) or chunk.count(b"\n" + FIRST_BYTES) != len(lines) - 1 or chunk[-1:] != b"\n":
        return None
    array = b"[" + chunk[:-1].replace(b"\n", b",") + b"]"
    try:
        events: list[Event] = orjson.loads(array)
        if len(events) != len(lines) or orjson.dumps(events) != array:
            return None
        if not _are_good(events, lines, before) or (b"[" in chunk and _have_lists(events)):
            return None
        return events
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, TypeError):
        return None  # not JSON, or a value that is not text where text is required


def place_after_many(events: Sequence[Event], lines: Sequence[bytes], place: int, before: Position) -> Position:
    """The position after consecutive events, at least one, that follow `before`, and whose `lines` end at `place`."""
    batch = events[-1].get("batch")
    if batch is None:
        return place_after(events[-1], lines[-1], place)
    for event, line in zip(events, lines, strict=True):
        if event.get("batch") == batch:
            before = place_after(event, line, place, before)
    return before


def _are_good(events: list[Any], lines: Sequence[bytes], before: Position) -> bool:
    shape = tuple(events[0])
    if shape not in SHAPES or list(map(tuple, events)).count(shape) != len(events):
        return False
    column: dict[str, Any] = dict(zip(shape, zip(*map(dict.values, events), strict=True), strict=True))
    moments = column.get("recordedtime") or column["time"]
    previous_hashes = [before.sha256, *(line[-67:-3] for line in lines)]
    sources = set(column["source"])
    sha256 = sha256_for(len(lines))
    return (
        set(column["specversion"]) == {"1.0"}
        and (sources == {before.source} if before.source else len(sources) == 1 and is_source(*sources))
        and set(column["authtype"]) <= set(AUTH_TYPES)
        and are_ids(column["id"])
        and are_ids(set(column["authid"]))
        and are_ids(column.get("correlationid", ("-",)))
        and are_ids(column.get("causationid", ("-",)))
        and are_times(column["time"])
        and ("recordedtime" not in column or (are_times(moments) and all(map(le, column["time"], moments))))
        and before.recorded <= moments[0]
        and list(moments) == sorted(moments)
        and list(column["sequence"]) == _sequence(before.number + 1, len(events))
        and (_are_batches(column["batch"], lines, before) if "batch" in column else not before.batch)
        and _are_about_records(column["type"], column["subject"])
        and set(map(type, column["data"])) == {dict}
        and max(map(len, lines)) <= MAX_LINE
        and list(column["sha256"])
        == [
            sha256(previous + line[:-CLOSING_LENGTH]).hexdigest()
            for previous, line in zip(previous_hashes, lines, strict=False)
        ]
    )


def _have_lists(events: list[Event]) -> bool:
    """Whether a list is among the data: the log alone does not refuse one, and it could join two lines to one event."""
    return any(type(value) is not str for event in events for value in event["data"].values())


def are_ids(texts: Any) -> bool:
    """Whether these, at least one, all pass the fast check for ids."""
    lengths = set(map(len, texts))
    return "".join(texts).isprintable() and min(lengths) > 0 and max(lengths) <= LONGEST_ID


def are_times(times: Collection[str]) -> bool:
    """Whether these all pass the fast check for times."""
    return (
        set(map(len, times)) == {_TIME_LENGTH}
        and _TIMES("".join(times)) is not None
        and all(map(is_day, {time[:10] for time in times}))
    )


def _are_batches(batches: Sequence[str], lines: Sequence[bytes], before: Position) -> bool:
    """Whether these lines continue the batch left open at `before`, and each later batch begins where one ends."""
    at, open_batch, size = 0, before.batch, before.batch_size
    for batch, same in groupby(batches):
        count = len(list(same))
        first = before.number + 1 + at
        size = sum(map(len, lines[at : at + count])) + (size if open_batch else 0)
        begins_well = batch == open_batch if open_batch else open_batch is None or str(batch).startswith(f"{first}-")
        if not begins_well or batch_fault(batch, first) or batch_fault(batch, first + count - 1) or size > MAX_BATCH:
            return False
        open_batch = "" if batch.endswith(f"-{first + count - 1}") else batch
        at += count
    return True


def _are_about_records(types: Sequence[str], subjects: Sequence[str]) -> bool:
    known = {type: type_of(type) for type in set(types)}
    begins = {type: f"{each.kind.name}/" for type, each in known.items() if each is not None}
    kinds = frozenset(begins.values())
    joined = "\n".join(subjects)
    return (
        len(begins) == len(known)
        and joined.count("\n") == len(subjects) - 1
        and _subjects(kinds)(joined) is not None
        and (len(kinds) == 1 or all(map(str.startswith, subjects, map(begins.__getitem__, types))))
    )


@lru_cache
def _subjects(begins: frozenset[str]) -> Any:
    return re.compile(rf"(?:(?:{'|'.join(sorted(begins))})[1-9][0-9]{{0,11}}(?:\n|\Z))+").fullmatch


def _sequence(number: int, length: int) -> list[str]:
    """The `sequence` of `length` events from `number` on; only the prefix of each thousand is formatted."""
    sequence: list[str] = []
    while len(sequence) < length:
        thousands, rest = divmod(number + len(sequence), 1000)
        beginning = f"{thousands:09}"
        sequence += [beginning + digits for digits in _last_digits()[rest : rest + length - len(sequence)]]
    return sequence


@lru_cache
def _last_digits() -> list[str]:
    return [f"{each:03}" for each in range(1000)]
