"""Times as people write them, and the span of time that each covers. Without a zone, a time is local.

    2026-11-22  2026-11-22 17:03  2026-11-22T17:03:11+01:00  2024-02  2024-Q1  today  yesterday 17:00  10m ago

A written time covers its own precision: a date the whole day, a time with seconds the whole second, so that a time
copied from evcli's output means the event it was printed for.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from evcli.errors import BadRef
from evcli.register.zone import unknown_zone

FORMS = (
    "a moment is an event number, @, @-N, id:PREFIX, a date or time like 2026-11-22 17:03, a period like 2024-02 or "
    "2024-Q1, 10m ago, today, yesterday, or the name of a kept head"
)

_AGO = re.compile(r"([0-9]{1,6}) ?([a-z]+) ago").fullmatch
_NAMED_DAY = re.compile(r"(today|yesterday)(?:[ T]([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?))?").fullmatch
_PERIOD = re.compile(r"([0-9]{4})-?(?:(?<=-)(0[1-9]|1[0-2])|Q([1-4]))").fullmatch
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


class Span(NamedTuple):
    """The time that a written time covers: from its first microsecond to its last."""

    start: datetime
    end: datetime
    covers: str = ""
    """`day`, `month` or `quarter` if it covers one."""
    earlier: datetime | None = None
    """When the clock showed the written time before, if it showed it twice; the span is the later of the two."""


class UnknownZone(BadRef):
    """A local time cannot be read, since this machine does not know its zone."""

    code = "unknown-zone"

    def __init__(self, text: str, zone: str) -> None:
        super().__init__(
            text,
            f'is a local time, but the zone "{zone}" (TZ) is not known here',
            "write the time with its offset from UTC, as in 2026-11-22T17:03+01:00, or set TZ to a zone that exists",
        )


class NotATime(BadRef):
    """It is no time at all, right or wrong; `is_likely` if it is a date in an order that is not read."""

    def __init__(self, text: str, why: str, hint: str, *, is_likely: bool) -> None:
        super().__init__(text, why, hint)
        self.is_likely = is_likely


def read_time(text: str, now: datetime) -> Span:
    """The span that the written time `text` covers; without a zone it is local.

    A local time that the clock showed twice, when it was put back, is the later of the two.

    Raises:
        NotATime: it is not a time.
        BadRef: it is not a valid one, or one that the clock of the local zone never showed.
        UnknownZone: it is local, and the local zone is not known.
    """
    words = " ".join(text.split())
    if not words:
        raise BadRef(text, "is empty", FORMS)
    try:
        if words == "now":
            return Span(now, now)
        if match := _AGO(words):
            then = _ago(int(match[1]), match[2], now, text)
            return Span(then, then)
        if match := _NAMED_DAY(words):
            _check_zone(text)
            day = now.astimezone().date() - timedelta(days=match[1] == "yesterday")
            return _days(day, day, "day", text) if match[2] is None else _clock_time(day, match[2], text)
        if match := _PERIOD(words):
            _check_zone(text)
            return _period(int(match[1]), match[2], match[3], text)
        if match := _TIME(words):
            return _written_time(match, text)
    except (ValueError, OverflowError) as error:
        raise BadRef(text, f"is not a valid time ({error})", FORMS) from None
    if any(character.isdigit() and not character.isascii() for character in text):
        is_likely = not any(map(str.isalpha, words))
        raise NotATime(text, "has digits that are not ASCII; write 0 to 9", FORMS, is_likely=is_likely)
    date = _likely_date(words.lower())
    hint = date or _likely_day(words.lower()) or _likely_period(words.lower()) or FORMS
    raise NotATime(text, "is not a valid REF", hint, is_likely=bool(date))


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


_OTHER_ORDER = re.compile(
    r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})|([0-9]{4})[/.]?([0-9]{1,2})[/.]?([0-9]{1,2})"
).fullmatch
_WHOLE_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH_NAMES = [name[:3] for name in _WHOLE_NAMES]


def _likely_date(lower: str) -> str:
    """How to write the date that these words may mean; "" if they mean none. Never a guess between day and month."""
    if match := _OTHER_ORDER(lower):
        day, month, year, *other = match.groups()
        year, month, day = (year, month, day) if year else other
        return f"write {year}-{int(month):02}-{int(day):02}"
    parts = re.findall(r"[a-z]+|[0-9]+", lower)
    named = [part for part in parts if part[:3] in _MONTH_NAMES]
    numbers = [part for part in parts if part.isdigit()]
    if len(parts) == 3 and len(named) == 1 and len(numbers) == 2:
        year = next((number for number in numbers if len(number) == 4), "")
        day = next((number for number in numbers if len(number) < 3), "")
        if year and day:
            return f"write {year}-{_MONTH_NAMES.index(named[0][:3]) + 1:02}-{int(day):02}"
    if re.fullmatch(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}", lower):
        return "write the year, the month and the day: 2026-11-22"
    return ""


def _likely_day(lower: str) -> str:
    """The same of words that name a day."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "tomorrow", "week", "noon")
    if any(word in days for word in re.findall(r"[a-z]+", lower)):
        return "write the day, 2026-11-22, or how long ago: 3 days ago, 1 week ago; today, yesterday 17:00"
    return ""


def _likely_period(lower: str) -> str:
    """The same of words that name a month or a quarter with its year, or a day without one."""
    parts = re.findall(r"[a-z]+|[0-9]+", lower)
    if len(parts) == 3 and "q" in parts[:2]:
        at = parts.index("q")
        quarter, year = parts[at + 1], parts[0 if at else 2]
        return f"write {year}-Q{quarter}" if quarter in ("1", "2", "3", "4") and len(year) == 4 else ""
    if len(parts) != 2:
        return ""
    number, word = sorted(parts)
    month = next((at for at, name in enumerate(_WHOLE_NAMES, 1) if len(word) > 2 and name.startswith(word)), None)
    if month is None or not number.isdigit():
        return ""
    return f"write {number}-{month:02}" if len(number) == 4 else "write the year, the month and the day: 2026-11-22"


def _check_zone(text: str) -> None:
    if (zone := unknown_zone()) is not None:
        raise UnknownZone(text, zone)


def _ago(count: int, unit: str, now: datetime, text: str) -> datetime:
    if unit in _SECONDS:
        return now - timedelta(seconds=count * _SECONDS[unit])
    if unit in _MONTHS:
        _check_zone(text)
        local = now.astimezone()
        months = local.year * 12 + local.month - 1 - count * _MONTHS[unit]
        first = local.replace(year=months // 12, month=months % 12 + 1, day=1, tzinfo=None)
        longest = ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).day
        return _utc(first.replace(day=min(local.day, longest)))
    raise BadRef(
        text, f'"{unit}" is not a unit of time', "units are s, m (minutes), h, d, w, months and years, as in 10m ago"
    )


def _utc(local: datetime) -> datetime:
    """A local time in UTC, by its fold. A time that the clock skipped is as far after the gap as it is into it.

    Where the zone cannot be applied, on the first and last possible day, the time is taken as UTC.
    """
    try:
        seconds = local.replace(microsecond=0).timestamp()
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=local.microsecond)
    except (ValueError, OverflowError):
        return local.replace(tzinfo=UTC)


def _days(first: date, last: date, covers: str, text: str) -> Span:
    # If the clock is put back at midnight, the last moment of the day is the second of the two.
    start, end = datetime.combine(first, time.min), datetime.combine(last, time.max).replace(fold=1)
    span = Span(_utc(start), _utc(end), covers)
    if span.start - _utc(start.replace(fold=1)) >= timedelta(days=1):
        _refuse_skipped(start, text)  # the zone changed its side of the date line
    return span


def _period(year: int, month: str | None, quarter: str | None, text: str) -> Span:
    first, months = (int(month), 1) if month else (int(quarter or 1) * 3 - 2, 3)
    after = year * 12 + first - 1 + months
    # The day before the first of the next month; the last month that can be written has 31 days.
    is_last = after // 12 > 9999
    last = date.max if is_last else date(after // 12, after % 12 + 1, 1) - timedelta(days=1)
    return _days(date(year, first, 1), last, "month" if month else "quarter", text)


def _clock_time(day: date, written: str, text: str) -> Span:
    local = datetime.combine(day, time.fromisoformat(written if len(written) in (5, 8) else "0" + written))
    return _local_time(local, text, is_whole_second=written.count(":") == 2)


def _written_time(match: re.Match[str], text: str) -> Span:
    day, minutes, seconds, fraction, zone = match.groups()
    if minutes is None:
        _check_zone(text)
        first = date.fromisoformat(day)
        return _days(first, first, "day", text)
    if fraction and not seconds:
        raise ValueError("a fraction needs seconds")
    digits = "." + fraction[1:].ljust(6, "0") if fraction else ""
    is_whole_second = bool(seconds and not fraction)
    moment = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}{digits}{_offset(zone)}")
    if zone:
        return Span(moment, _last_of(moment, is_whole_second=is_whole_second))
    _check_zone(text)
    return _local_time(moment, text, is_whole_second=is_whole_second)


def _local_time(local: datetime, text: str, *, is_whole_second: bool) -> Span:
    """The span of a local time: the later one if the clock showed it twice. Raises BadRef if it never did."""
    first, second = _utc(local), _utc(local.replace(fold=1))
    if second < first:  # as PEP 495 has it for a time in a gap
        _refuse_skipped(local, text)
    return Span(second, _last_of(second, is_whole_second=is_whole_second), earlier=first if first < second else None)


def _refuse_skipped(local: datetime, text: str) -> None:
    """Refuse a local time in a gap, naming the times before and after the gap."""
    before, after = _utc(local.replace(fold=1)).timestamp(), _utc(local).timestamp()
    offset = datetime.fromtimestamp(before).astimezone().utcoffset()
    low, high = int(before), int(after)  # the clock was put forward after `low`, at `high` at the latest
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle).astimezone().utcoffset() == offset:
            low = middle
        else:
            high = middle
    last, next = (datetime.fromtimestamp(each).astimezone().isoformat(" ") for each in (low, high))
    raise BadRef(text, f"never was: the clock went from {last} to {next}", "take one of these two times")


def _offset(zone: str | None) -> str:
    if not zone:
        return ""
    if zone in ("Z", "z", "UTC"):
        return "+00:00"
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _last_of(start: datetime, *, is_whole_second: bool) -> datetime:
    return start + timedelta(microseconds=999_999) if is_whole_second else start
