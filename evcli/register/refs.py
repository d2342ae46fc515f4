"""REF -> event number: every way to name a moment in the log, and the search for it in the file.

    42  @  @-  @--  @-5  -5  id:PREFIX        events, by number or id
    2026-11-22  2026-11-22 17:03  today  yesterday 17:00  10m ago  3 days ago     times

All digits are always an event number. A time means the state after the last event recorded at or before it. A time
covers its own precision: a date the whole day, a time with seconds the whole second, so that a time copied from
evcli's output means the event it was printed for. `--since` takes the beginning, everything else the end.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, Protocol

from evcli.domain.event import Event, number_of
from evcli.errors import BadRef
from evcli.log import Position
from evcli.log.line import timestamp
from evcli.log.reader import Reader

FORMS = (
    "a moment is an event number, @, @-N, id:PREFIX, a date or time like 2026-11-22 17:03, 10m ago, today or yesterday"
)

NO_SUCH_ID = "no event id starts with that"

_PARENT = re.compile(r"@(?:(-+)|-([0-9]+))?").fullmatch
_BACK = re.compile(r"-([0-9]+)").fullmatch
_AGO = re.compile(r"([0-9]{1,6}) ?([a-z]+) ago").fullmatch
_NAMED_DAY = re.compile(r"(today|yesterday)(?:[ T]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?").fullmatch
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?([.,][0-9]{1,6})? ?(Z|z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
).fullmatch

_WRITTEN = "a date alone is the beginning of that day; without a zone, times are local"

_SECONDS = {
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip
_MONTHS = {"month": 1, "months": 1, "y": 12, "year": 12, "years": 12}


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
    """Whether it was a time in the future; the number is then the head."""
    at: Position | None = None
    """The position after that event, if it had to be found."""


class Span(NamedTuple):
    """The time that a written time covers: from its first microsecond to its last."""

    start: datetime
    end: datetime


def resolve(
    ref: str, reader: Reader, now: datetime, *, beginning: bool = False, find_ids: FindIds | None = None
) -> Moment:
    """The moment that `ref` names in the log; `find_ids` finds events by id (default: read the whole log).

    `now` is the current time, with a zone, for `ago`, `today` and `yesterday`, and to recognize the future. With
    `beginning` (for `--since`), a time means the last event before it, not the last one within it.

    Raises:
        BadRef: not a valid REF, or not an event of this log; says what is allowed.
        Damaged: the search met a bad line.
    """
    if not ref.strip():
        raise BadRef(ref, "is empty", FORMS)
    ref = ref.strip()
    if ref.isascii() and ref.isdigit():
        return Moment(_in_log(ref, reader, beginning=beginning), is_plain=True)
    if ref.startswith("@") or _BACK(ref):
        return Moment(_before_now(ref, reader), is_plain=False)
    if ref.startswith("id:"):
        return Moment(_by_id(ref, find_ids or reader.find_ids), is_plain=False)
    span = read_time(ref, now)
    limit = _limit(span.start if beginning else span.end)
    is_future = span.start > now
    if beginning:
        at = reader.seek(lambda position: position.recorded < limit)
    else:
        at = reader.seek(lambda position: position.recorded <= limit)
    return Moment(at.number, is_plain=False, is_future=is_future, at=at)


def read_time(text: str, now: datetime) -> Span:
    """The span that the written time `text` covers; without a zone it is local. Raises BadRef."""
    words = " ".join(text.split())
    try:
        if words == "now":
            return Span(now, now)
        if match := _AGO(words):
            then = _ago(int(match[1]), match[2], now, text)
            return Span(then, then)
        if match := _NAMED_DAY(words):
            day = now.astimezone().date() - timedelta(days=match[1] == "yesterday")
            return _day(day) if match[2] is None else _clock_time(day, match[2])
        if match := _TIME(words):
            return _written_time(match)
    except (ValueError, OverflowError) as error:
        raise BadRef(text, f"is not a valid time ({error})", FORMS) from None
    if any(character.isdigit() and not character.isascii() for character in text):
        raise BadRef(text, "has digits that are not ASCII; write 0 to 9", FORMS)
    raise BadRef(text, "is not a valid REF", FORMS)


def written_moment(text: str, now: datetime) -> datetime:
    """The first moment of an explicit date or time, such as 2026-11-22 but not `yesterday`.

    Raises:
        BadRef: `text` is not one, or no event can have happened then.
    """
    if not _TIME(" ".join(text.split())):
        raise BadRef(text, "is not a date or time like 2026-11-22 or 2026-11-22T17:03:11Z", _WRITTEN)
    start = read_time(text, now).start
    try:
        return start.astimezone(UTC)
    except OverflowError:
        raise BadRef(text, "is not a time that an event can have", _WRITTEN) from None


def _limit(moment: datetime) -> str:
    try:
        return timestamp(moment)
    except OverflowError:  # the zone's offset moves it before the first or after the last time that can be written
        return timestamp((datetime.min if moment.year == 1 else datetime.max).replace(tzinfo=UTC))


def _in_log(digits: str, reader: Reader, *, beginning: bool) -> int:
    head = reader.log.head().number
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
        raise BadRef(ref, "is not @, @-, @-- or @-N", FORMS)
    dashes, digits = (match[1], match[2]) if ref.startswith("@") else (None, match[1])
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


def _ago(count: int, unit: str, now: datetime, text: str) -> datetime:
    if unit in _SECONDS:
        return now - timedelta(seconds=count * _SECONDS[unit])
    if unit in _MONTHS:
        local = now.astimezone()
        months = local.year * 12 + local.month - 1 - count * _MONTHS[unit]
        first = local.replace(year=months // 12, month=months % 12 + 1, day=1, tzinfo=None)
        longest = ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).day
        return _utc(first.replace(day=min(local.day, longest)))
    raise BadRef(
        text, f'"{unit}" is not a unit of time', "units are s, m (minutes), h, d, w, months and years, as in 10m ago"
    )


def _utc(local: datetime) -> datetime:
    """A local time in UTC. A time that the clock skipped is as far after the gap as it is into it.

    Where the zone cannot be applied, on the first and last possible day, the time is taken as UTC.
    """
    try:
        seconds = local.replace(microsecond=0).timestamp()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=local.microsecond)
    except (ValueError, OverflowError):
        return local.replace(tzinfo=UTC)


def _day(day: date) -> Span:
    # If the clock is put back at midnight, the last moment of the day is the second of the two.
    return Span(_utc(datetime.combine(day, time.min)), _utc(datetime.combine(day, time.max).replace(fold=1)))


def _clock_time(day: date, text: str) -> Span:
    start = datetime.combine(day, time.fromisoformat(text if len(text) in (5, 8) else "0" + text))
    return _through_its_second(_utc(start), is_whole=text.count(":") == 2)


def _written_time(match: re.Match[str]) -> Span:
    day, minutes, seconds, fraction, zone = match.groups()
    if minutes is None:
        return _day(date.fromisoformat(day))
    if fraction and not seconds:
        raise ValueError("a fraction needs seconds")
    digits = "." + fraction[1:].ljust(6, "0") if fraction else ""
    start = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{digits}{_offset(zone)}")
    return _through_its_second(start if zone else _utc(start), is_whole=bool(seconds and not fraction))


def _offset(zone: str | None) -> str:
    if not zone:
        return ""
    if zone in ("Z", "z", "UTC"):
        return "+00:00"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _through_its_second(start: datetime, *, is_whole: bool) -> Span:
    return Span(start, start + timedelta(microseconds=999_999) if is_whole else start)
