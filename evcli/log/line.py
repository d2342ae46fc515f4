"""One line <-> one event: the canonical form and the chain. Read this before changing the format of a line.

A line is the event's members in a fixed order, ending with the hash of the previous line's 64 hex digits and of this
line's bytes before `,"sha256":`. Raw bytes are hashed, never a re-encoding: orjson (like every JSON reader) accepts
duplicate members, rounds big numbers and ignores spaces, so different lines could parse to the same event. Hence the
rule `dumps(loads(line)) == line`; and the only numbers are integers that every JSON reader keeps exactly, so that no
line depends on how a library writes a float.

A line is *proved* if it is canonical, has the next number and continues the chain; it is *good* if it also keeps every
other rule. A proved line with content unknown to this version is *newer*, not damaged.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson

from evcli.domain.event import Event, number_of, recorded_moment
from evcli.kinds import type_of
from evcli.log import Position
from evcli.log.digest import sha256
from evcli.log.members import (
    AUTH_TYPES,
    LONGEST_ID,
    MAX_DEPTH,
    MEMBERS,
    PLAIN_SHAPE,
    SHAPES,
    is_hash,
    is_id,
    is_sequence,
    is_source,
    is_time,
    numbers_fault,
    optional_members_are_good,
    shown,
    value_fault,
)

MAX_LINE: Final = 1 << 16
"""The maximum length of a line in bytes, newline included."""
MAX_BATCH: Final = 1 << 20
"""The maximum total size of a batch in bytes; a longer import is several batches."""
FIRST_BYTES: Final = b'{"specversion":"1.0","id":"'
"""The first bytes of every line, and so of every log."""

_SUBJECT = re.compile(r"([a-z][a-z0-9-]*)/[1-9][0-9]{0,11}").fullmatch
_CLOSING = b',"sha256":"'
CLOSING_LENGTH = len(_CLOSING) + 64 + len(b'"}\n')


class BadLine(ValueError):
    """These bytes are not a valid next line; the text says why, to follow a place and a colon."""


class NewerLine(BadLine):
    """A proved line with a type or members unknown to this version."""


class _UnknownLine(BadLine):
    """A canonical line with a type or members unknown to this version; it may still be damaged."""


def encode(members: dict[str, Any], before: Position) -> bytes:
    """The line, newline included, of an event at that place, given its members in order without `sha256`.

    Raises:
        BadLine: the members are not a valid event; everything that this accepts can be read back.
    """
    try:
        body = orjson.dumps(members)[:-1]
    except orjson.JSONEncodeError as error:
        raise BadLine(f"not an event: {error}") from None
    line = body + _CLOSING + sha256(before.sha256 + body).hexdigest().encode() + b'"}\n'
    decode(line, before)
    return line


def decode(line: bytes, before: Position) -> Event:
    """The event in `line`, newline included, which must continue the log at `before`.

    Makes every check that needs nothing else: length, form, members and their values, type, sequence, chain, batch,
    a single source, recorded moments that never go back. Whether the event may happen is for the rules.

    Raises:
        NewerLine: it is proved, but has content unknown to this version.
        BadLine: it is invalid in any other way.
    """
    try:
        event = decode_alone(line)
    except _UnknownLine as unknown:
        _prove(orjson.loads(line), line, before)
        raise NewerLine(str(unknown)) from None
    _prove(event, line, before)
    if (event.get("recordedtime") or event["time"]) < before.recorded:
        raise BadLine(
            f"its recorded moment {recorded_moment(event)} goes back: event {before.number} has {before.recorded}"
        )
    if event["source"] != before.source and before.source:
        raise BadLine(f"its source is {shown(event['source'])}, but that of the log is {shown(before.source)}")
    batch = event.get("batch", "")
    if before.batch:
        if batch != before.batch:
            raise BadLine(f"it is in the middle of batch {before.batch}, but not part of it")
        if before.batch_size + len(line) > MAX_BATCH:
            raise BadLine(f"batch {batch} has more than {MAX_BATCH:,} bytes, the most a batch may have")
    elif batch and before.batch is not None and not batch.startswith(f"{before.number + 1}-"):
        raise BadLine(f"it belongs to batch {batch}, which does not begin here")
    return event


def decode_each(lines: Iterable[bytes], before: Position) -> Iterator[Event]:
    """The events in consecutive `lines`, one by one. Raises BadLine at the first bad one."""
    for line in lines:
        event = decode(line, before)
        yield event
        before = place_after(event, line, before.place + len(line), before)


def is_proved(line: bytes, before: Position) -> bool:
    """Whether `line`, newline included, is canonical, has the next number and continues the chain."""
    try:
        event = _canonical(line)
        _prove(event, line, before)
    except BadLine:
        return False
    return numbers_fault(event) == ""


def place_after(event: Event, line: bytes, place: int, before: Position | None = None) -> Position:
    """The position after `event`, whose line ends at `place`; `before` is the position before it, if known."""
    batch, size = event.get("batch", ""), 0
    if batch and batch.endswith(f"-{number_of(event)}"):
        batch = ""
    elif batch:
        size = len(line) + (before.batch_size if before and before.batch == batch else 0)
    return Position(number_of(event), place, hash_of(line), recorded_moment(event), batch, size, event["source"])


def envelope(line: bytes) -> Event:
    """The members of `line`, newline included, even if it is newer. Raises BadLine if it is not an event."""
    try:
        return decode_alone(line)
    except _UnknownLine:
        event: Event = orjson.loads(line)
        if not (
            is_sequence(event.get("sequence"))
            and all(is_time(event[name]) for name in ("time", "recordedtime") if name in event)
            and {"time", "source", "sha256"} <= event.keys()
        ):
            raise
        return event


def _prove(event: Event, line: bytes, before: Position) -> None:
    number = before.number + 1
    if event.get("sequence") != f"{number:012}":
        named = str(event.get("sequence")).lstrip("0") or "0"
        raise BadLine(
            f"this line is event {named}, but event {number} belongs here: lines were removed, repeated or moved"
        )
    found = sha256(before.sha256 + line[:-CLOSING_LENGTH]).hexdigest()
    if line[-CLOSING_LENGTH:] != b'%b%b"}\n' % (_CLOSING, found.encode()):
        named = str(event.get("sha256"))
        raise BadLine(f"this line is not what was written (expected sha256 {named[:8]}…, found {found[:8]}…)")


def decode_alone(line: bytes) -> Event:
    """The event in `line`, newline included, after every check that does not need the previous line.

    Raises:
        BadLine: it is not a line of a log.
    """
    event = _canonical(line)
    if tuple(event) != PLAIN_SHAPE and tuple(event) not in SHAPES:
        raise _why_not_an_event(event)

    if len(event) == len(PLAIN_SHAPE):
        values = event.values()
    else:
        if not optional_members_are_good(event):
            raise _why_not_an_event(event)
        values = [event[name] for name in PLAIN_SHAPE]  # type: ignore[literal-required, assignment]  # names, in order
    specversion, id, source, kind, subject, time, sequence, auth_type, actor, data, closing = cast("Any", values)
    # This runs for every event of every fold: the cheapest sufficient check comes first.
    if (
        specversion != "1.0"
        or not (source == "evcli" or is_source(source))
        or not (auth_type == "user" or auth_type in AUTH_TYPES)
        or not ((type(id) is str and 0 < len(id) <= LONGEST_ID and id.isprintable()) or is_id(id))
        or not ((type(actor) is str and 0 < len(actor) <= LONGEST_ID and actor.isprintable()) or is_id(actor))
        or not is_time(time)
        or not is_sequence(sequence)
        or not (type(closing) is str and is_hash(closing))
        or type(data) is not dict
    ):
        raise _why_not_an_event(event)
    event_type = type_of(kind)
    if event_type is None:
        raise _why_not_an_event(event)
    if type(subject) is not str or not (match := _SUBJECT(subject)) or match[1] != event_type.kind.name:
        raise BadLine(f"not an event: subject {shown(subject)} is not {event_type.kind.name}/ID")
    return event


def _canonical(line: bytes) -> Event:
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
    if type(event) is not dict:
        raise BadLine("not an event: not a JSON object")
    return event


def timestamp(moment: datetime) -> str:
    """A time-zone-aware moment in the log's format: `2026-11-22T17:03:11.000000Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def id_in(line: bytes) -> str:
    """The id in a line of the log, without parsing the rest. Raises ValueError if it is not a line of a log."""
    # Inside a JSON string, a quote is escaped: so only the next member can match this.
    id: str = orjson.loads(line[len(FIRST_BYTES) - 1 : line.index(b',"source":')])
    return id


def hash_of(line: bytes) -> bytes:
    """The 64 hex digits of `line`'s own `sha256`, newline included; meaningless if it is not an event."""
    return line[-67:-3]


# --- why a line is bad: only called when one is found -----------------------------------------------------------------


def _why_not_json(line: bytes) -> str:
    if line == b"\n":
        return "not in canonical form: a blank line"
    if line.startswith(b"\xef\xbb\xbf"):
        return "not in canonical form: a byte order mark precedes the event"
    if b"\0" in line:
        return f"{line.count(0)} zero bytes replace an event, before good lines"
    return "not an event: not JSON"


def _why_not_canonical(line: bytes) -> str:
    if not line.endswith(b"\n"):
        return "not in canonical form: its newline is missing"
    if line.endswith(b"\r\n"):
        return "not in canonical form: line endings were changed (CRLF)"
    if _depth(line) > MAX_DEPTH:
        return f"not an event: nested more than {MAX_DEPTH} deep"
    return "not in canonical form: other spacing, escapes or numbers, or a repeated member"


def _depth(line: bytes) -> int:
    deepest = depth = 0
    for byte in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", line):
        depth += (byte in b"{[") - (byte in b"}]")
        deepest = max(deepest, depth)
    return deepest


def _why_not_an_event(event: Event) -> BadLine:
    members = cast("dict[str, Any]", event)
    known = [name for name, _ in MEMBERS]
    if fault := numbers_fault(event):
        return BadLine(fault)
    for name in members:
        if name not in known:
            return _UnknownLine(f"member {shown(name)} is not supported by this version; try a newer evcli")
    if "type" in members and type_of(members["type"]) is None:
        return _UnknownLine(f"event type {shown(members['type'])} is not supported by this version; try a newer evcli")
    for name, needed in MEMBERS:
        if needed and name not in members:
            return BadLine(f"not an event: member {name} is missing")
    if tuple(members) not in SHAPES:
        return BadLine("not in canonical form: members in another order")
    return BadLine(f"not an event: {value_fault(members)}")
