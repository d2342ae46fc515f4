"""Times for people: stored in UTC, shown in local time, absolute or relative."""

from datetime import datetime

_UNITS = (
    ("year", 31_557_600),
    ("month", 2_629_800),
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)


def local(time: str) -> str:
    """A stored time in local time, `2026-11-22 17:03:11`: a valid REF."""
    moment = datetime.fromisoformat(time)
    try:
        moment = moment.astimezone()
    except (OverflowError, ValueError):  # near the first or last date that Python can represent
        return time
    return moment.replace(tzinfo=None).isoformat(" ", "seconds")


def ago(time: str, now: datetime) -> str:
    """A stored time relative to `now`: `2 hours ago`; a future time as in `local`."""
    seconds = (now - datetime.fromisoformat(time)).total_seconds()
    if seconds < 0:
        return local(time)
    for unit, length in _UNITS:
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now" if seconds < 1 else f"{int(seconds)} second{'s' if seconds >= 2 else ''} ago"
