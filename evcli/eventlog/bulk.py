"""Many lines at once: the checks of `decode`, made a column at a time.

Reading a log is checking it, and most of that time goes into asking small questions one by one. Here each question is
asked once of all lines of a chunk. It is never more generous than `decode`: where an answer is not plainly yes, there
is no answer, and the lines are decoded one by one, which also says what is wrong with which. Writing many lines is
making them all, and then reading them so.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
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
    BadLine,
    decode_each,
    is_day,
    sealed,
)

_TIMES = re.compile(f"(?:{TIME_PATTERN})*").fullmatch
_TIME_LENGTH = 27


class Mould:
    """What many lines have in common: everything but id, record, number and data."""

    def __init__(self, type: str, time: str, recorded: str | None, actor: str, correlation: str | None) -> None:
        """The mould of events of `type`, recorded at `recorded` when that is not `time`."""
        kind = TYPES[type].kind
        moments = {"time": time} if recorded is None else {"time": time, "recordedtime": recorded}
        shared = {"authid": actor} if correlation is None else {"authid": actor, "correlationid": correlation}
        self._after_id = _members({"source": "evcli", "type": type}) + f',"subject":"{kind}/'.encode()
        self._after_record = b'"' + _members(moments) + b',"sequence":"'
        self._after_number = b'"' + _members({"authtype": "user", **shared}) + b',"data":'

    def body(self, id: str, record: int, number: int, data: Mapping[str, str]) -> bytes:
        """What stands before the hash in the line of such an event. Raises BadLine where JSON cannot hold it."""
        try:
            return b'{"specversion":"1.0","id":%b%b%d%b%012d%b%b' % (
                orjson.dumps(id), self._after_id, record, self._after_record, number, self._after_number,
                orjson.dumps(data),
            )  # fmt: skip
        except orjson.JSONEncodeError as error:
            raise BadLine(f"not an event: {error}") from None


def _members(members: dict[str, str]) -> bytes:
    try:
        return b"," + orjson.dumps(members)[1:-1]
    except orjson.JSONEncodeError as error:
        raise BadLine(f"not an event: {error}") from None


def seal_many(
    bodies: Iterable[bytes], number: int, previous: bytes, recorded: str
) -> tuple[list[bytes], Sequence[Event]]:
    """The lines of consecutive events, of which `bodies` are what stands before their hashes, and the events as read.

    The other arguments are as for `decode_many`, which checks each line here.

    Raises:
        BadLine: one is not a valid event; nothing that this lets through can fail to be read.
    """
    lines = []
    before = previous
    for body in bodies:
        line = sealed(body, before)
        lines.append(line)
        before = line[-67:-3]
    return lines, decode_many(lines, number, previous, recorded) or list(decode_each(lines, number, previous, recorded))


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
    shapes = set(map(tuple, events))
    if len(shapes) != 1 or not shapes <= SHAPES:
        return False
    column: dict[str, Any] = dict(zip(shapes.pop(), zip(*map(dict.values, events), strict=True), strict=True))
    moments = column.get("recordedtime") or column["time"]
    previous_hashes = [previous, *(line[-67:-3] for line in lines)]
    return (
        set(column["specversion"]) == {"1.0"}
        and set(column["source"]) == {"evcli"}
        and set(column["authtype"]) == {"user"}
        and _are_ids(column["id"])
        and _are_ids(set(column["authid"]))
        and _are_ids(column.get("correlationid", ("-",)))
        and _are_ids(column.get("causationid", ("-",)))
        and _are_times(column["time"])
        and ("recordedtime" not in column or (_are_times(moments) and all(map(le, column["time"], moments))))
        and recorded <= moments[0]
        and list(moments) == sorted(moments)
        and list(column["sequence"]) == [f"{each:012}" for each in range(number, number + len(events))]
        and _are_about_records(column["type"], column["subject"])
        and not any(map(_data_fault, column["type"], column["data"]))
        and max(map(len, lines)) <= MAX_LINE
        and list(column["sha256"])
        == [
            sha256(before + line[:-CLOSING_LENGTH]).hexdigest()
            for before, line in zip(previous_hashes, lines, strict=False)
        ]
    )


def _are_ids(texts: Any) -> bool:
    return "".join(texts).isprintable() and min(map(len, texts)) > 0 and max(map(len, texts)) <= LONGEST_ID


def _are_times(times: Sequence[str]) -> bool:
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


def _data_fault(type: str, data: Any) -> bool:
    return data.__class__ is not dict or TYPES[type].data_fault(data) != ""
