"""Encode many lines of one type that happen at one moment, byte for byte as `cast` does, with the checks of columns.

Most lines of an import are like that. The first one is decoded as a reader would; the others are the same bytes, but
for the parts that are checked here. What the fast checks do not accept is left to `cast`.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import orjson

from evcli.kinds import TYPES
from evcli.log import Position
from evcli.log.digest import sha256_for
from evcli.log.line import MAX_LINE, decode
from evcli.log.lines import are_ids
from evcli.log.template import Shared

_GAP = "\0"
"""Stands in the template where the lines differ: no text in an event can have this character."""


class Alike(NamedTuple):
    """What is specific to the lines."""

    type: str
    time: str
    """When all of them happened, never after they are recorded."""
    ids: Sequence[str]
    first: int
    """The id of the record that the first is about; the others are about the records after it."""
    data: Mapping[str, Sequence[str]]
    """The members of their data, each as a column."""


def cast_alike(shared: Shared, alike: Alike, before: Position) -> list[bytes] | None:
    """The lines, at least one, which continue the log at `before`; None if the fast checks cannot accept them.

    Raises:
        BadLine: they are not valid events.
    """
    number, count = before.number + 1, len(alike.ids)
    if not _are_good(shared, alike, number):
        return None
    columns: list[Iterable[bytes]] = [
        _encoded(alike.ids),
        map(
            b'"%b/%d"'.__mod__,
            zip(repeat(TYPES[alike.type].kind.name.encode()), range(alike.first, alike.first + count)),
        ),
        map(b'"%012d"'.__mod__, range(number, number + count)),
        *map(_encoded, alike.data.values()),
    ]
    parts = _template(shared, alike, number).split(orjson.dumps(_GAP))
    streams = [stream for part, column in zip(parts, columns, strict=False) for stream in (repeat(part), column)]
    lines, previous, sha256 = [], before.sha256, sha256_for(count)
    for body in map(b"".join, zip(*streams, repeat(parts[-1]), strict=False)):
        previous = sha256(previous + body).hexdigest().encode()
        lines.append(b'%b,"sha256":"%b"}\n' % (body, previous))
    decode(lines[0], before)
    return lines if max(map(len, lines)) <= MAX_LINE else None


def _are_good(shared: Shared, alike: Alike, number: int) -> bool:
    fields, count = TYPES[alike.type].fields, len(alike.ids)
    return (
        tuple(alike.data) == TYPES[alike.type].required == tuple(fields)
        and all(len(column) == count and fields[name].are_good(column) for name, column in alike.data.items())
        and are_ids(alike.ids)
        and alike.time <= shared.recorded
        and alike.first > 0
        and max(alike.first, number) + count <= 10**12
    )


def _template(shared: Shared, alike: Alike, number: int) -> bytes:
    """A line up to its hash, with a gap in place of what differs."""
    count = len(alike.ids)
    members: dict[str, Any] = {
        "specversion": "1.0", "id": _GAP, "source": shared.source, "type": alike.type, "subject": _GAP,
        "time": alike.time, "recordedtime": shared.recorded, "sequence": _GAP, "authtype": shared.actor_type,
        "authid": shared.actor, "correlationid": shared.correlation, "batch": f"{number}-{number + count - 1}",
        "data": dict.fromkeys(alike.data, _GAP),
    }  # fmt: skip
    if alike.time == shared.recorded:
        del members["recordedtime"]
    if shared.correlation is None:
        del members["correlationid"]
    if count == 1:
        del members["batch"]
    return orjson.dumps(members)[:-1]


def _encoded(texts: Sequence[str]) -> list[bytes]:
    """Each text as JSON, as orjson writes it."""
    joined = '"\n"'.join(texts)
    # JSON puts at least one backslash before what it escapes. If it escapes only what joins the texts here, they are
    # written as they are, and no newline is among them.
    if orjson.dumps(joined).count(b"\\") == 3 * (len(texts) - 1):
        return f'"{joined}"'.encode().split(b"\n")
    return list(map(orjson.dumps, texts))
