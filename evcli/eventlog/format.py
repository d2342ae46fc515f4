"""One line <-> one event: the canonical form and the chain. The only code to read before touching a line's form.

A line is the event's members in a fixed order, exactly the bytes that orjson gives for them, closed by the hash of
the previous line's 64 hex digits and of this line's bytes before `,"sha256":`. Raw bytes are hashed, never a
re-encoding: orjson (as every JSON reader) takes duplicate members, rounds big numbers and forgets spaces, and a line
in which it did so would pass for another. Hence also the rule `dumps(loads(line)) == line`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from itertools import product
from typing import Any, Final, cast

import orjson

from evcli.domain.event import Event, recorded_moment
from evcli.domain.kinds import TYPES
from evcli.domain.text import text_fault

MAX_LINE: Final = 1 << 20
"""The longest line, in bytes, its newline included."""
MAX_DEPTH: Final = 32
LONGEST_ID: Final = 128
NO_HASH: Final = b"0" * 64
"""What stands for the previous line's hash before the first line."""
FIRST_BYTES: Final = b'{"specversion":"1.0","id":"'
"""How every line begins, and so every log."""

_CLOSING = b',"sha256":"'
CLOSING_LENGTH = len(_CLOSING) + 64 + len(b'"}\n')

_MEMBERS = (
    ("specversion", True), ("id", True), ("source", True), ("type", True), ("subject", True), ("time", True),
    ("recordedtime", False), ("sequence", True), ("authtype", True), ("authid", True), ("correlationid", False),
    ("causationid", False), ("data", True), ("sha256", True),
)  # fmt: skip
_OPTIONAL = [name for name, needed in _MEMBERS if not needed]
SHAPES = frozenset(
    tuple(name for name, needed in _MEMBERS if needed or chosen[_OPTIONAL.index(name)])
    for chosen in product((False, True), repeat=len(_OPTIONAL))
)

# Read back by orjson, whose own strings for member names these are then: comparing them is comparing addresses.
_PLAIN_SHAPE = tuple(orjson.loads(orjson.dumps(dict.fromkeys(name for name, needed in _MEMBERS if needed))))

TIME_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z"
_TIME = re.compile(TIME_PATTERN).fullmatch
_SUBJECT = re.compile(r"([a-z][a-z0-9-]*)/[1-9][0-9]{0,11}").fullmatch


class BadLine(ValueError):
    """These bytes are not the line that belongs here; the text says why, reading on after a place and a colon."""


def encode(members: dict[str, Any], previous: bytes, recorded: str) -> bytes:
    """The line, newline included, of an event given as its members without `sha256`, in order.

    `previous` and `recorded` are the hash and the recorded moment of the line before, as for `decode`.

    Raises:
        BadLine: the members do not make a valid event; nothing that this lets through can fail to be read.
    """
    try:
        body = orjson.dumps(members)[:-1]
    except orjson.JSONEncodeError as error:
        raise BadLine(f"not an event: {error}") from None
    line = body + _CLOSING + sha256(previous + body).hexdigest().encode() + b'"}\n'
    decode(line, int(members["sequence"]), previous, recorded)
    return line


def decode(line: bytes, number: int, previous: bytes, recorded: str) -> Event:
    """The event in `line`, newline included, when it is event `number` and follows on the line before.

    Of that line, `previous` is the hash (64 hex digits) and `recorded` the recorded moment ("" before the first).

    Makes every check that needs no other line than these two: length, form, members and their values, type and data,
    sequence, chain, recorded moments that never go back. Whether the event may happen is for the rules.

    Raises:
        BadLine: it is something else.
    """
    event = decode_alone(line)
    if event["sequence"] != f"{number:012}":
        raise BadLine(
            f"this line is event {event['sequence'].lstrip('0') or '0'}, but event {number} belongs here: "
            "lines were removed, repeated or moved"
        )
    found = sha256(previous + line[:-CLOSING_LENGTH]).hexdigest()
    if found != event["sha256"]:
        raise BadLine(f"this line is not what was written (expected sha256 {event['sha256'][:8]}…, found {found[:8]}…)")
    if (event.get("recordedtime") or event["time"]) < recorded:
        raise BadLine(f"its recorded moment {recorded_moment(event)} goes back: event {number - 1} has {recorded}")
    return event


def decode_each(lines: Iterable[bytes], number: int, previous: bytes, recorded: str) -> Iterator[Event]:
    """The events in consecutive `lines`, one by one; the arguments are for the first. Raises BadLine at a bad one."""
    for line in lines:
        event = decode(line, number, previous, recorded)
        yield event
        number += 1
        previous = hash_of(line)
        recorded = recorded_moment(event)


def decode_alone(line: bytes) -> Event:
    """The event in `line`, newline included, with every check that can be made without the line before it.

    Raises:
        BadLine: it is no line of a log.
    """
    if len(line) > MAX_LINE:
        raise BadLine(f"this line has more than {MAX_LINE:,} bytes, the longest a line may have")
    try:
        event: Event = orjson.loads(line)
        canonical = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) == line
    except orjson.JSONDecodeError:
        raise BadLine(_why_not_json(line)) from None
    except orjson.JSONEncodeError:
        canonical = False
    if not canonical:
        raise BadLine(_why_not_canonical(line))
    if type(event) is not dict or (tuple(event) != _PLAIN_SHAPE and tuple(event) not in SHAPES):
        raise BadLine(_why_not_an_event(event))

    if len(event) == len(_PLAIN_SHAPE):
        values = event.values()
    else:
        if not _optional_members_are_good(event):
            raise BadLine(_why_not_an_event(event))
        values = [event[name] for name in _PLAIN_SHAPE]  # type: ignore[literal-required, assignment]  # names, in order
    specversion, id, source, kind, subject, time, sequence, authtype, actor, data, closing = cast("Any", values)
    # This runs for every event of every fold: each check asks its cheapest sufficient question first.
    if (
        specversion != "1.0"
        or source != "evcli"
        or authtype != "user"
        or not ((type(id) is str and 0 < len(id) <= LONGEST_ID and id.isprintable()) or _is_id(id))
        or not ((type(actor) is str and 0 < len(actor) <= LONGEST_ID and actor.isprintable()) or _is_id(actor))
        or type(time) is not str
        or not _TIME(time)
        or not is_day(time[:10])
        or not (type(sequence) is str and len(sequence) == 12 and sequence.isascii() and sequence.isdigit())
        or not (type(closing) is str and is_hash(closing))
        or type(data) is not dict
    ):
        raise BadLine(_why_not_an_event(event))
    event_type = TYPES.get(kind) if type(kind) is str else None
    if event_type is None:
        raise BadLine(f"unknown event type {_shown(kind)}: this evcli cannot say what it did; a newer one may")
    if type(subject) is not str or not (match := _SUBJECT(subject)) or match[1] != event_type.kind:
        raise BadLine(f"not an event: subject {_shown(subject)} is not {event_type.kind}/ID")
    if fault := event_type.data_fault(data):
        raise BadLine(f"{kind}: {fault}")
    return event


def timestamp(moment: datetime) -> str:
    """A moment, given with its zone, as the log writes it: `2026-11-22T17:03:11.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def id_in(line: bytes) -> str:
    """The id in a line of the log, without reading the rest. Raises ValueError where no line of a log is."""
    # Inside a text of JSON, a quote has a backslash before it: so only the next member can look like this.
    id: str = orjson.loads(line[len(FIRST_BYTES) - 1 : line.index(b',"source":')])
    return id


def hash_of(line: bytes) -> bytes:
    """The 64 hex digits that `line`, newline included, gives as its own hash; meaningless if it is no event."""
    return line[-67:-3]


def is_hash(text: str) -> bool:
    """Whether `text` is 64 lower-case hex digits."""
    return len(text) == 64 and not text.strip("0123456789abcdef")


def _is_time(value: object) -> bool:
    return type(value) is str and _TIME(value) is not None and is_day(value[:10])


@lru_cache(maxsize=4096)
def is_day(text: str) -> bool:
    """Whether `2026-02-29` is a day that there was, or will be."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_id(value: object) -> bool:
    return not text_fault(value, LONGEST_ID)


def _optional_members_are_good(event: Event) -> bool:
    recorded = event.get("recordedtime", event["time"])
    return (
        (_is_time(recorded) and _is_time(event["time"]) and recorded >= event["time"])
        and _is_id(event.get("correlationid", "-"))
        and _is_id(event.get("causationid", "-"))
    )


# --- what to say of a bad line: only ever asked when there is one -----------------------------------------------------


def _why_not_json(line: bytes) -> str:
    if line == b"\n":
        return "not in canonical form: a blank line"
    if line.startswith(b"\xef\xbb\xbf"):
        return "not in canonical form: a byte order mark stands before the event"
    if b"\0" in line:
        return f"{line.count(0)} zero bytes stand where an event was, before good lines"
    return "not an event: not JSON"


def _why_not_canonical(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "not in canonical form: the line has no end"
    if line.endswith(b"\r\n"):
        return "not in canonical form: line endings were changed (CRLF)"
    if _depth(line) > MAX_DEPTH:
        return f"not an event: nested more than {MAX_DEPTH} deep"
    return "not in canonical form: other spacing, escapes or numbers, or a member twice"


def _depth(line: bytes) -> int:
    deepest = depth = 0
    for byte in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", line):
        depth += (byte in b"{[") - (byte in b"}]")
        deepest = max(deepest, depth)
    return deepest


def _why_not_an_event(value: object) -> str:
    if not isinstance(value, dict):
        return "not an event: not a JSON object"
    event = cast("dict[str, Any]", value)
    known = [name for name, _ in _MEMBERS]
    for name in event:
        if name not in known:
            return f"not an event: unknown member {_shown(name)}"
    for name, needed in _MEMBERS:
        if needed and name not in event:
            return f"not an event: member {name} is missing"
    if tuple(event) not in SHAPES:
        return "not in canonical form: members in another order"
    for name, fixed in (("specversion", "1.0"), ("source", "evcli"), ("authtype", "user")):
        if event[name] != fixed:
            return f"not an event: {name} is {_shown(event[name])}, not {_shown(fixed)}"
    for name in ("time", "recordedtime"):
        if name in event and not _is_time(event[name]):
            return f"not an event: {name} is {_shown(event[name])}, not a UTC time like 2026-11-22T17:03:11.000000Z"
    if event.get("recordedtime", event["time"]) < event["time"]:
        return "not an event: recordedtime is before time"
    for name in ("id", "authid", "correlationid", "causationid"):
        if name in event and (fault := text_fault(event[name], LONGEST_ID)):
            return f"not an event: {name}: {fault}"
    return "not an event: sequence is not 12 digits, data no object, or sha256 not 64 hex digits"


def _shown(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "…"
