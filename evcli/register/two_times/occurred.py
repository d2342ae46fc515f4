"""When something happened, as people write it: a moment that has passed, and not a place in the log."""

from datetime import UTC, datetime

from evcli.errors import BadInput, BadRef
from evcli.log.line import timestamp
from evcli.register.times import FORMS, NotATime, Span, read_time

TIMES = "a TIME is a date or time like 2026-03-01 or 2026-03-01 17:03, 10m ago, today, yesterday 17:00"


class NotYet(BadInput):
    """Nothing can have happened in the future."""

    def __init__(self, text: str) -> None:
        super().__init__(f'"{text}" is in the future', "only what has happened can be recorded")


def place_in_log(words: str) -> str:
    """Why words that name an event are no time; "" for all others."""
    if words.isascii() and words.isdigit():
        return "is the number of an event, not a time"
    return "is a place in the log, not a time" if words.startswith(("@", "HEAD", "id:", "-")) else ""


def is_year(words: str) -> bool:
    """Whether these words may be meant as a year."""
    return words.isascii() and words.isdigit() and len(words) == 4 and words >= "1000"


def read_occurred(text: str, now: datetime) -> tuple[str, Span]:
    """The beginning of the time that `text` means, in the log's time format, and its span. Without a zone it is local.

    Raises:
        NotYet: it is after `now`.
        BadRef: it is no time, or none that an event can have; also for the number of an event, and `@`.
    """
    words = text.strip()
    if why := place_in_log(words):
        raise BadRef(text, why, f"for the beginning of the year write {words}-01-01" if is_year(words) else TIMES)
    try:
        span = read_time(text, now)
        start = span.start.astimezone(UTC)
    except NotATime as no:
        raise BadRef(text, "is not a time", TIMES if no.hint == FORMS else no.hint) from None
    except BadRef as bad:
        bad.hint = TIMES if bad.hint == FORMS else bad.hint
        raise
    except OverflowError:
        raise BadRef(text, "is not a time that an event can have", TIMES) from None
    if start > now:
        raise NotYet(text)
    return timestamp(start), span
