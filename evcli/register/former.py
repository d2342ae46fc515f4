"""Which records ever had a name or a unique field, and when: candidates from the cache and from the log's lines, each
checked by its own events.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from evcli.cache import CacheFailed
from evcli.domain.event import number_of, subject_of
from evcli.domain.find import is_called, words_meant
from evcli.domain.kind import Kind
from evcli.domain.text import is_unicode
from evcli.kinds import TYPES
from evcli.log import START, Position
from evcli.log.line import BadLine, envelope
from evcli.log.reader import Reader
from evcli.register.history import History


class Had(NamedTuple):
    """A record that had what was asked for, and from which event until which (None: it still has it)."""

    id: int
    spans: list[tuple[int, int | None]]


def had(history: History, reader: Reader, kind: Kind, who: str, until: int, as_of: str | None = None) -> list[Had]:
    """Every record that `who`, a name or a value of the unique field, meant at any event up to `until`, by id.

    With `as_of`, only what had happened by that time counts, in the order in which it happened.
    A record that has ended has no unique field. Raises Damaged, LogCut.
    """
    wanted = words_meant(kind, who)
    if not wanted or not all(map(is_unicode, wanted.values())):
        return []
    known, ids = _looked_up(history, reader, kind, wanted, until)
    if known.number < until:
        ids |= _in_lines(reader, wanted, known, history.position(reader, until))
    found = (Had(id, _spans(_over_time(history, reader, kind, id, until, as_of), kind, wanted)) for id in sorted(ids))
    return [each for each in found if each.spans]


def _looked_up(
    history: History, reader: Reader, kind: Kind, wanted: dict[str, str], until: int
) -> tuple[Position, set[int]]:
    """Up to where the cache knows who had one of these words, and who did."""
    cache = history.cache(reader)
    if cache is None:
        return START, set()
    try:
        state = cache.state(min(until, cache.at.number))
        return cache.at, {id for word in wanted.values() for id in state.ever_called(kind.name, word)}
    except CacheFailed as failed:
        history.give_up(failed)
        return START, set()


def _in_lines(reader: Reader, wanted: dict[str, str], start: Position, end: Position) -> set[int]:
    """The ids of the records, of any kind, of the events between two positions that have one of these words."""
    # Only a line that has the word at all, as JSON writes it, is decoded.
    written = {orjson.dumps(word)[1:-1].decode().casefold() for word in wanted.values()}
    found = set[int]()
    for place, line in reader.lines(start.place, end.place):
        text = line.decode(errors="replace").casefold()
        if any(word in text for word in written):
            try:
                found.add(subject_of(envelope(line))[1])
            except BadLine:
                reader.position_at(place + len(line))
    return found


def _spans(over_time: Iterator[tuple[int, Any]], kind: Kind, wanted: dict[str, str]) -> list[tuple[int, int | None]]:
    """From which event until which a record had one of these words."""
    spans: list[tuple[int, int | None]] = []
    for number, record in over_time:
        words = {name: word for name, word in wanted.items() if name != kind.unique or record[-1] is None}
        has = is_called(kind, record, words)
        is_open = bool(spans) and spans[-1][1] is None
        if has and not is_open:
            spans.append((number, None))
        elif is_open and not has:
            spans[-1] = spans[-1][0], number
    return spans


def _over_time(
    history: History, reader: Reader, kind: Kind, id: int, until: int, as_of: str | None
) -> Iterator[tuple[int, Any]]:
    """The events about a record, by number, and the record after each."""
    events, record = history.events_about(reader, kind.name, id, until), None
    if as_of is not None:
        from evcli.domain.timeline import happenings

        yield from ((number_of(event), after) for event, _, after in happenings(kind, events, as_of))
        return
    for event in events:
        # The rules have held when these events were written; here only what they say of this record counts.
        record = TYPES[event["type"]].effect(record, id, number_of(event), event["data"])
        yield number_of(event), record
