"""Many lines at once: the checks of `decode`, made a column at a time.

Reading a log is checking it, and most of that time goes into asking small questions one by one. Here each question is
asked once of all lines of a chunk. It is never more generous than `decode`: where an answer is not plainly yes, there
is no answer, and the lines are decoded one by one, which also says what is wrong with which.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import sha256
from operator import le
from typing import Any

import orjson

from evcli.domain.event import Event
from evcli.domain.kinds import TYPES
from evcli.eventlog.format import (
    CLOSING_LENGTH,
    FIRST_BYTES,
    LONGEST_ID,
    MAX_LINE,
    SHAPES,
    TIME_PATTERN,
    is_day,
)

_TIMES = re.compile(f"(?:{TIME_PATTERN})*").fullmatch
_TIME_LENGTH = 27


def decode_many(lines: Sequence[bytes], number: int, previous: bytes, recorded: str) -> list[Event] | None:
    """The events in `lines`, when all are plainly good as events `number`, `number` + 1, …; None when one may not be.

    Of the line before the first, `previous` is the hash (64 hex digits) and `recorded` the recorded moment.
    """
    chunk = b"".join(lines)
    # Every line begins as an event does, and no event holds a list: so no event can hide in, or reach over, two lines.
    if not chunk.startswith(FIRST_BYTES) or chunk.count(b"\n" + FIRST_BYTES) != len(lines) - 1 or chunk[-1:] != b"\n":
        return None
    array = b"[" + chunk[:-1].replace(b"\n", b",") + b"]"
    try:
        events: list[Event] = orjson.loads(array)
        if len(events) != len(lines) or orjson.dumps(events) != array:
            return None
        return events if _are_good(events, lines, number, previous, recorded) else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, TypeError):
        return None  # no JSON, or something that is no text where text belongs


def _are_good(events: list[Any], lines: Sequence[bytes], number: int, previous: bytes, recorded: str) -> bool:
    shape = tuple(events[0])
    if shape not in SHAPES or list(map(tuple, events)).count(shape) != len(events):
        return False
    column: dict[str, Any] = dict(zip(shape, zip(*map(dict.values, events), strict=True), strict=True))
    moments = column.get("recordedtime") or column["time"]
    previous_hashes = [previous, *(line[-67:-3] for line in lines)]
    return (
        set(column["specversion"]) == {"1.0"}
        and set(column["source"]) == {"evcli"}
        and set(column["authtype"]) == {"user"}
        and are_ids(column["id"])
        and are_ids(set(column["authid"]))
        and are_ids(column.get("correlationid", ("-",)))
        and are_ids(column.get("causationid", ("-",)))
        and are_times(column["time"])
        and ("recordedtime" not in column or (are_times(moments) and all(map(le, column["time"], moments))))
        and recorded <= moments[0]
        and list(moments) == sorted(moments)
        and list(column["sequence"]) == _sequence(number, len(events))
        and _are_about_records(column["type"], column["subject"])
        and _are_data(column["type"], column["data"])
        and max(map(len, lines)) <= MAX_LINE
        and list(column["sha256"])
        == [
            sha256(before + line[:-CLOSING_LENGTH]).hexdigest()
            for before, line in zip(previous_hashes, lines, strict=False)
        ]
    )


def are_ids(texts: Any) -> bool:
    """Whether these are plainly good ids, at least one."""
    lengths = set(map(len, texts))
    return "".join(texts).isprintable() and min(lengths) > 0 and max(lengths) <= LONGEST_ID


def are_times(times: Collection[str]) -> bool:
    """Whether these are plainly good times."""
    return (
        set(map(len, times)) == {_TIME_LENGTH}
        and _TIMES("".join(times)) is not None
        and all(map(is_day, {time[:10] for time in times}))
    )


def _are_about_records(types: Sequence[str], subjects: Sequence[str]) -> bool:
    if not set(types) <= TYPES.keys():
        return False
    kinds = {TYPES[type].kind for type in set(types)}
    joined = "\n".join(subjects)
    return len(kinds) == 1 and joined.count("\n") == len(subjects) - 1 and _subjects(kinds.pop())(joined) is not None


@lru_cache
def _subjects(kind: str) -> Any:
    return re.compile(rf"(?:{kind}/[1-9][0-9]{{0,11}}(?:\n|\Z))+").fullmatch


def _are_data(types: Sequence[str], data: Sequence[Any]) -> bool:
    fault_of = {type: TYPES[type].data_fault for type in set(types)}
    return set(map(type, data)) == {dict} and not any(
        fault_of[type](each) for type, each in zip(types, data, strict=True)
    )


def _sequence(number: int, length: int) -> list[str]:
    """The sequence of event `number` and of those after it; only the beginning of each thousand is formatted."""
    sequence: list[str] = []
    while len(sequence) < length:
        thousands, rest = divmod(number + len(sequence), 1000)
        beginning = f"{thousands:09}"
        sequence += [beginning + digits for digits in _last_digits()[rest : rest + length - len(sequence)]]
    return sequence


@lru_cache
def _last_digits() -> list[str]:
    return [f"{each:03}" for each in range(1000)]
