"""Many lines made at once, byte for byte as `encode` makes them, and checked as thoroughly, in a third of the time.

What the lines of one command have in common is made once, as a mould, and the first line that comes out of it is read
back as a reader will read it. Of the others, the parts that differ are checked. It is never more generous than
`encode`: where a part is not plainly good, all lines are read back, which also says what is wrong with which.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

import orjson

from evcli.domain.kinds import TYPES
from evcli.eventlog.bulk import are_ids, are_times
from evcli.eventlog.format import MAX_LINE, BadLine, decode, decode_each


class Part(NamedTuple):
    """What one event says for itself; `time` is when it happened, at the latest when it is recorded."""

    type: str
    time: str
    id: str
    record: int
    data: Mapping[str, str]


AnyPart = tuple[str, str, str, int, Mapping[str, str]]
"""A Part, or a tuple of the same, which is made in less time."""

_Mould = tuple[bytes, bytes, bytes, Callable[[Mapping[str, object]], str]]
"""What stands between id, record, time, number and data; and what finds the faults of such data."""


class Shared(NamedTuple):
    """What all events of one command say: who does it, when it is recorded, and what shows that they belong."""

    actor: str
    recorded: str
    correlation: str | None


def cast(shared: Shared, parts: Sequence[AnyPart], number: int, previous: bytes, recorded: str) -> list[bytes]:
    """The lines of events `number`, `number` + 1, …; `previous` and `recorded` are for the first, as for `decode`.

    Raises:
        BadLine: one is not a valid event; nothing that this lets through can fail to be read.
    """
    try:
        return _cast(shared, parts, number, previous, recorded)
    except (orjson.JSONEncodeError, UnicodeEncodeError) as error:
        raise BadLine(f"not an event: {error}") from None


def _cast(shared: Shared, parts: Sequence[AnyPart], number: int, previous: bytes, recorded: str) -> list[bytes]:
    # This runs for every row of an import.
    dumps, now = orjson.dumps, shared.recorded
    moulds: dict[tuple[str, bool], _Mould] = {}
    cast_type, cast_late = "", False
    lines: list[bytes] = []
    is_plain = True
    before = previous
    for at, (type, time, id, record, data) in enumerate(parts, number):
        is_late = time != now
        is_first = False
        if type != cast_type or is_late != cast_late:
            is_first = (type, is_late) not in moulds
            if is_first:
                moulds[type, is_late] = _mould(shared, type, is_late)
            source, moment, actor, data_fault = moulds[type, is_late]
            cast_type, cast_late = type, is_late
        body = b'{"specversion":"1.0","id":%b%b%d","time":"%b%b%012d%b%b' % (
            dumps(id), source, record, time.encode(), moment, at, actor, dumps(data),
        )  # fmt: skip
        line = b'%b,"sha256":"%b"}\n' % (body, sha256(before + body).hexdigest().encode())
        if is_first:
            decode(line, at, before, recorded if at == number else now)
        elif data_fault(data):
            is_plain = False
        before = line[-67:-3]
        lines.append(line)
    _, times, ids, records, _ = zip(*parts, strict=True)
    if not (
        is_plain
        and are_ids(ids)
        and are_times(set(times))
        and max(times) <= now
        and min(records) > 0
        and max(records) < 10**12
        and number + len(lines) <= 10**12
        and max(map(len, lines)) <= MAX_LINE
    ):
        for _ in decode_each(lines, number, previous, recorded):
            pass
    return lines


def _mould(shared: Shared, type: str, is_late: bool) -> _Mould:
    late = {"recordedtime": shared.recorded} if is_late else {}
    by = {"authid": shared.actor}
    if shared.correlation is not None:
        by["correlationid"] = shared.correlation
    return (
        _members({"source": "evcli", "type": type}) + b',"subject":"' + TYPES[type].kind.encode() + b"/",
        b'"' + _members(late) + b',"sequence":"',
        b'"' + _members({"authtype": "user", **by}) + b',"data":',
        TYPES[type].data_fault,
    )


def _members(members: dict[str, str]) -> bytes:
    return b"," + orjson.dumps(members)[1:-1] if members else b""
