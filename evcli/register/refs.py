"""REF -> event number: every way to name a moment in the log, and the search for it in the file.

    42  @  @-  @--  @-5  -5  HEAD~5  id:PREFIX                                             events, by number or id
    2026-11-22  2026-11-22 17:03  2024-Q1  today  yesterday 17:00  10m ago  3 days ago     times
    Q1 review                                                                              the name of a kept head

All digits are always an event number. A time means the state after the last event recorded at or before it: `--since`
takes the beginning of what it covers, everything else the end.
"""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from evcli.domain.event import Event, number_of
from evcli.errors import BadRef, CannotOpen, Damaged
from evcli.log import Position
from evcli.log.line import timestamp
from evcli.log.reader import Reader

if TYPE_CHECKING:
    from evcli.register.times import Span

NO_SUCH_ID = "no event id starts with that"

_PARENT = re.compile(r"(?:@|HEAD)(?:([-~]+)|[-~]([0-9]+))?").fullmatch
_BACK = re.compile(r"-([0-9]+)").fullmatch


class FindIds(Protocol):
    """Finds the first ten events whose id starts with a prefix, or equals it."""

    def __call__(self, prefix: str, *, exact: bool = False) -> list[Event]:
        """Find them."""


class Moment(NamedTuple):
    """A resolved REF: the number of the last event recorded by then."""

    number: int
    is_plain: bool
    """Whether the REF was a plain number, so that there is nothing to report."""
    is_future: bool = False
    """Whether it was a time after this clock and after the last event; the number is then the head."""
    at: Position | None = None
    """The position after that event, if it had to be found."""
    span: "Span | None" = None
    """What the REF covers, if it was a time."""
    ref: str = ""
    """That REF, as it was typed."""
    is_beginning: bool = False
    """Whether the moment is before what it covers, rather than at its end."""


def resolve(
    ref: str, reader: Reader, now: datetime, *, beginning: bool = False, find_ids: FindIds | None = None
) -> Moment:
    """The moment that `ref` names in the log; `find_ids` finds events by id (default: read the whole log).

    `now` is the current time, with a zone, for `ago`, `today` and `yesterday`, and to recognize the future. With
    `beginning` (for `--since`), a time means the last event before it, not the last one within it. Where events were
    recorded later than `now`, by a clock that was ahead, `now` and `today` include them.

    Raises:
        BadRef: not a valid REF, or not an event of this log; says what is allowed.
        Damaged: the search met a bad line, or the log is not what a kept head says.
    """
    words = ref.strip()
    if words.isascii() and words.isdigit():
        return Moment(_in_log(words, reader, beginning=beginning), is_plain=True)
    if words.startswith(("@", "HEAD")) or _BACK(words):
        return Moment(_before_now(words, reader), is_plain=False)
    if words.startswith("id:"):
        return Moment(_by_id(words, find_ids or reader.find_ids), is_plain=False)
    from evcli.register.times import NotATime, read_time

    try:
        span = read_time(ref, now)
    except NotATime as no:
        at = _by_name(ref, reader, no)
        return Moment(at.number, is_plain=False, at=at)
    limit = as_stored(span.start if beginning else span.end)
    head = reader.log.head()
    if (words == "now" and head.recorded > limit) or (words in ("now", "today") and not beginning):
        at = head
    elif beginning:
        at = reader.seek(lambda position: position.recorded < limit)
    else:
        at = reader.seek(lambda position: position.recorded <= limit)
    is_future = span.start > now and at.number == head.number
    # An event that was recorded ahead of this clock is not within what is said of the time that was asked for.
    covers = None if at.recorded > limit else span
    return Moment(at.number, is_plain=False, is_future=is_future, at=at, span=covers, ref=words, is_beginning=beginning)


def as_stored(moment: datetime) -> str:
    """A moment as the log has it: the first or the last that can be written where it is beyond that."""
    try:
        return timestamp(moment)
    except OverflowError:  # the zone's offset moves it before the first or after the last time that can be written
        return timestamp((datetime.min if moment.year == 1 else datetime.max).replace(tzinfo=UTC))


def _in_log(digits: str, reader: Reader, *, beginning: bool) -> int:
    try:
        head = reader.log.head().number
    except Damaged as damage:  # of the last line: moments before it can still be answered
        if len(digits) <= 12 and 0 < int(digits) < damage.line:
            return int(digits)
        raise
    if len(digits.lstrip("0")) > 12 or int(digits) > head:
        is_year = len(digits) == 4 and digits >= "1000"
        hint = f"event numbers go from 0 (the empty register) to {head}"
        if is_year:
            hint = f"for the year write {digits}-{'01-01' if beginning else '12-31'}"
        raise BadRef(digits, f"there is no such event: the head is event {head}", hint)
    return int(digits)


def _before_now(ref: str, reader: Reader) -> int:
    head = reader.log.head().number
    match = _PARENT(ref) or _BACK(ref)
    if match is None:
        from evcli.register.times import FORMS

        raise BadRef(ref, "is not @, @-, @--, @-N or HEAD~N", FORMS)
    dashes, digits = (None, match[1]) if ref.startswith("-") else (match[1], match[2])
    back = len(dashes) if dashes else int(digits) if digits and len(digits) <= 12 else 10**12 if digits else 0
    if back > head:
        raise BadRef(ref, f"is before the beginning: the head is event {head}", f"@-{head} is the empty register")
    return head - back


def _by_id(ref: str, find_ids: FindIds) -> int:
    prefix = ref[3:]
    if not prefix:
        raise BadRef(ref, "an event id, or its beginning, must follow id:")
    found = find_ids(prefix, exact=True) or find_ids(prefix)
    if not found:
        raise BadRef(ref, NO_SUCH_ID)
    if len(found) > 1:
        several = ", ".join(f"{number_of(event)} ({event['id']})" for event in found[:3])
        raise BadRef(ref, f"several event ids start with that: {several}", "type more of the id")
    return number_of(found[0])


def _by_name(ref: str, reader: Reader, no: BadRef) -> Position:
    """The position of the head that is kept beside the log under that name. Raises `no` if there is none, Damaged."""
    from evcli.register.heads import heads_beside, position_of

    try:
        file = heads_beside(reader.log)
    except CannotOpen as closed:
        no.hint += f"; kept heads cannot be read: {closed.message}"
        raise no from None
    kept = file and file.named(ref)
    if file is None or kept is None:
        if file and file.heads:
            from difflib import get_close_matches

            from evcli.register.times import FORMS

            names = [each.name for each in file.heads]
            near = get_close_matches(ref.strip(), names, 1)
            if near:
                no.hint = f'did you mean the kept head "{near[0]}"?'
            elif no.hint == FORMS:  # which ends with the name of a kept head
                no.hint += f": {', '.join(names[-3:])}"
        raise no
    return position_of(kept, file.path, reader)
