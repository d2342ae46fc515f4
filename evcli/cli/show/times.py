"""Times for people: stored in UTC, shown in local time with its offset, absolute or relative."""

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
    """A stored time in local time with its offset, `2026-11-22 17:03:11+01:00`: a valid REF, and exact.

    As stored where it has no local time, on the first and last day that can be written.
    """
    moment = datetime.fromisoformat(time)
    try:
        return moment.astimezone().isoformat(" ", "seconds")
    except (OverflowError, ValueError):
        return time


def local_time(moment: datetime) -> str:
    """The same of a moment with a zone."""
    return local(moment.isoformat())


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
