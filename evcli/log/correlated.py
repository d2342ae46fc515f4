"""Finding the events of series: those of one share a correlation id. And those that answer others."""

import re
import sys
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import orjson

from evcli.log import Log
from evcli.log.line import id_in

# Within a JSON string, quotes are escaped by a backslash, so only the members themselves can match these.
_ABOUT = re.compile(rb'"type":"([^"]+)","subject":"[^"/]+/([0-9]{1,12})",').search
_BATCH = re.compile(rb',"batch":"([0-9]{1,12})-([0-9]{1,12})",').search
_SEQUENCE = b'"sequence":"'


class Found(NamedTuple):
    """An event of a series: its number and id, its type, and the id of the record that it is about.

    Type and record are "" and 0 where a damaged line does not say them.
    """

    series: int
    """Which series it belongs to, counted from 0."""
    number: int
    id: str
    type: str
    record: int


def correlated(
    log: Log, correlation: str, place: int, following: Callable[[int], str] | None = None
) -> Iterator[Found]:
    """Each event after `place` of the series with that correlation id, and of those that follow this series.

    `following` returns the correlation id of the series after the one whose first event has this number.

    Lines are searched, not checked: callers that rely on them must also read them with a reader.
    """
    wanted = [_member(correlation)]
    for _, lines in log.read(place):
        for line in lines:
            for series, member in enumerate(wanted):
                if member in line and (found := _event(series, line)):
                    if following is not None and series == len(wanted) - 1:
                        wanted.append(_member(following(found.number)))
                    yield found
                    break


class Batch(NamedTuple):
    """A batch: the numbers of its first and its last event, and how many bytes its lines have."""

    first: int
    last: int
    size: int


def batches(log: Log, correlation: str, place: int) -> Iterator[Batch]:
    """The batches after `place` of the series with that correlation id; an event alone is one, too. Unchecked, too."""
    member, now = _member(correlation), Batch(0, 0, 0)
    for _, lines in log.read(place):
        for line in lines:
            if member not in line or (own := _batch(line)) is None:
                continue
            if own.first == now.first:
                now = now._replace(size=now.size + own.size)
                continue
            if now.size:
                yield now
            now = own
    if now.size:
        yield now


class Answer(NamedTuple):
    """An event that answers another: its number and id, the id of that event, and its own correlation id."""

    number: int
    id: str
    answered: str
    correlation: str


def answering(log: Log, place: int, prefixes: Collection[str]) -> Iterator[Answer]:
    """Each event after `place` that answers another and has a correlation id with one of these prefixes.

    Lines are searched, not checked, as by `correlated`.
    """
    begun = [b'"correlationid":' + orjson.dumps(prefix)[:-1] for prefix in prefixes]
    for _, lines in log.read(place):
        for line in lines:
            if b',"causationid":"' in line and any(member in line for member in begun) and (found := _answer(line)):
                yield found


def _answer(line: bytes) -> Answer | None:
    try:
        event = orjson.loads(line)
        return Answer(int(event["sequence"]), event["id"], event["causationid"], event["correlationid"])
    except (ValueError, KeyError):
        return None


def _member(correlation: str) -> bytes:
    return b'"correlationid":' + orjson.dumps(correlation) + b","


def _batch(line: bytes) -> Batch | None:
    """The batch of the event in a line, with this line's size; None if it is too damaged to be one."""
    at = line.find(_SEQUENCE) + len(_SEQUENCE)
    try:
        first, last = found.groups() if (found := _BATCH(line)) else (line[at : at + 12],) * 2
        return Batch(int(first), int(last), len(line))
    except ValueError:
        return None


def _event(series: int, line: bytes) -> Found | None:
    """The event in a line; None if it is too damaged to be one."""
    at, about = line.find(_SEQUENCE) + len(_SEQUENCE), _ABOUT(line)
    try:
        type, record = (sys.intern(about[1].decode()), int(about[2])) if about else ("", 0)
        return Found(series, int(line[at : at + 12]), id_in(line), type, record)
    except ValueError:
        return None


def last_about(log: Log, types: Collection[str], records: Collection[int], place: int) -> dict[int, Found]:
    """The last event after `place` of one of these types about each of these records, by record. Unchecked, too."""
    named = [b'"type":' + orjson.dumps(type) + b"," for type in types]
    found = dict[int, Found]()
    for _, lines in log.read(place):
        for line in lines:
            if any(member in line for member in named) and (event := _event(0, line)) and event.record in records:
                found[event.record] = event
    return found
