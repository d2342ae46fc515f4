"""The lines of events that answer others, each with the id of the event that it answers; one by one, by `encode`.

A template cannot hold what differs from line to line, and an import, which is why there are templates, answers nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from evcli.domain.event import Event
from evcli.kinds import TYPES
from evcli.kinds.data import fault_of
from evcli.log import Position
from evcli.log.line import BadLine, encode, place_after
from evcli.log.template import AnyPart, Shared


def cast_answers(
    shared: Shared, parts: Sequence[AnyPart], answered: Mapping[int, str], before: Position
) -> list[bytes]:
    """The lines of the events, which continue the log at `before`; several are one batch.

    Args:
        shared: what they have in common.
        parts: what each of them has of its own.
        answered: the ids of the events that they answer, by index: not all of them need answer one.
        before: the position that they continue.

    Raises:
        BadLine: one is not a valid event; everything that this accepts can be read back.
    """
    first, last = before.number + 1, before.number + len(parts)
    batch, lines, at = f"{first}-{last}" if len(parts) > 1 else None, list[bytes](), before
    for index, part in enumerate(parts):
        members = _members(shared, part, first + index, answered.get(index), batch)
        line, event = encode(members, at), cast(Event, members)
        if fault := fault_of(event):
            raise BadLine(fault)
        at = place_after(event, line, at.place + len(line), at)
        lines.append(line)
    return lines


def _members(shared: Shared, part: AnyPart, number: int, cause: str | None, batch: str | None) -> dict[str, Any]:
    type, time, id, record, data = part
    optional = {"correlationid": shared.correlation, "causationid": cause, "batch": batch}
    return {
        "specversion": "1.0",
        "id": id,
        "source": shared.source,
        "type": type,
        "subject": f"{TYPES[type].kind.name}/{record}",
        "time": time,
        **({"recordedtime": shared.recorded} if time != shared.recorded else {}),
        "sequence": f"{number:012}",
        "authtype": shared.actor_type,
        "authid": shared.actor,
        **{name: value for name, value in optional.items() if value is not None},
        "data": data,
    }
