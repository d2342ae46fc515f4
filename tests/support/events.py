"""Events for tests: their members, their lines, and the places between them."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import orjson

from evcli.log import START, Position
from evcli.log.line import decode, encode, hash_of, place_after

NO_HASH = START.sha256
TIME = "2026-03-01T09:00:00.000000Z"
LATER = "2026-03-01T09:00:00.000001Z"
ORDER = (
    "specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "authtype", "authid",
    "correlationid", "causationid", "batch", "data",
)  # fmt: skip


def before(number: int, previous: bytes, recorded: str = "") -> Position:
    """The place before event `number`, of whose line before only the hash and the recorded moment are known."""
    return Position(number - 1, 0, previous, recorded, batch=None)


def creation(number: int, name: str = "", **changes: Any) -> dict[str, Any]:
    """The members of event `number`, in order, which creates the user of that id; `changes` replaces or adds some."""
    members: dict[str, Any] = {
        "specversion": "1.0", "id": f"event-{number}", "source": "evcli", "type": "user.created",
        "subject": f"user/{number}", "time": TIME, "sequence": f"{number:012}", "authtype": "user", "authid": "ann",
        "data": {"name": name or f"User {number}", "email": f"user{number}@example.com"}, **changes,
    }  # fmt: skip
    return {each: members[each] for each in (*ORDER, *(set(members) - set(ORDER))) if each in members}


def lines_of(events: Iterable[dict[str, Any]], place: Position = START) -> list[bytes]:
    """The lines of events given as their members, each following on the one before."""
    lines = []
    for members in events:
        line = encode(members, place)
        place = place_after(decode(line, place), line, place.place + len(line), place)
        lines.append(line)
    return lines


def place_at_end(lines: Iterable[bytes]) -> Position:
    """The place after good lines that begin a log."""
    place = START
    for line in lines:
        place = place_after(decode(line, place), line, place.place + len(line), place)
    return place


def batch_of(first: int, last: int, **changes: Any) -> Sequence[dict[str, Any]]:
    """The members of events that create users `first` to `last` as one batch."""
    return [creation(number, batch=f"{first}-{last}", **changes) for number in range(first, last + 1)]


def seal(body: bytes, previous: bytes = NO_HASH) -> bytes:
    """The line that `body` makes, with a good hash, as one who knows the format could forge it."""
    return body + b',"sha256":"' + sha256(previous + body).hexdigest().encode() + b'"}\n'


def forged(*events: dict[str, Any] | bytes, previous: bytes = NO_HASH) -> list[bytes]:
    """The lines of a good chain of any events, good or bad: their members, or a line's bytes up to the hash."""
    lines: list[bytes] = []
    for each in events:
        body = each if isinstance(each, bytes) else orjson.dumps(each)[:-1]
        lines.append(seal(body, hash_of(lines[-1]) if lines else previous))
    return lines
