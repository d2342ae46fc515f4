"""Dates in another form than ISO 8601. Which form it is has to be told: 03.04.2024 may be in March or in April."""

import re
from datetime import datetime

from evcli.errors import BadInput

_PROBE = datetime(1999, 12, 31, 23, 58, 59)
_DATE = re.compile(r"\s*([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?)?\s*").fullmatch
_ISO = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]).*").fullmatch


def check_form(form: str) -> None:
    """Raise BadInput if a date in this form (as for strptime) does not tell the whole day."""
    try:
        is_whole = datetime.strptime(_PROBE.strftime(form), form).date() == _PROBE.date()
    except ValueError:
        is_whole = False
    if not is_whole:
        raise BadInput(f'"{form}" is not the form of a date with its day, month and year', "31.12.2024 is %d.%m.%Y")


def in_iso(date: str, form: str) -> str:
    """A date in the given form, or as real dates of a workbook are read, in that of evcli. Raises BadInput."""
    try:
        found = datetime.strptime(date.strip(), form)
    except ValueError:
        # Beside dates with the day before the month, as 2024-31-01, this one would be a guess.
        if _ISO(date) and (_ISO(probe := _PROBE.strftime(form)) is None or probe.startswith(f"{_PROBE.date()}")):
            return date.strip()
        raise BadInput(f'"{date.strip()}" is not a date in the form {form}') from None
    if not any(code in form for code in ("%H", "%I", "%M", "%S", "%T", "%X", "%c", "%R", "%f")):
        return found.date().isoformat()
    return found.isoformat(sep=" ")


def looks_like_date(cell: str) -> bool:
    """Whether a cell has nothing but a date."""
    return bool(_ISO(cell) or forms_of(cell))


def forms_of(date: str) -> list[str]:
    """The forms that this date may have, besides ISO 8601; never a guess between day and month."""
    match = _DATE(date)
    if match is None:
        return []
    sign, first, second, last = match[2], match[1], match[3], match[4]
    time = " %H:%M:%S" if match[6] else " %H:%M" if match[5] else ""
    if len(first) == 4:
        orders = [("%Y", "%m", "%d"), ("%Y", "%d", "%m")]
        is_fitting = [int(second) <= 12, int(last) <= 12 < int(second)]
    else:
        year = "%Y" if len(last) == 4 else "%y"
        orders = [("%d", "%m", year), ("%m", "%d", year)]
        is_fitting = [int(second) <= 12, int(first) <= 12]
    return [sign.join(order) + time for order, fits in zip(orders, is_fitting, strict=True) if fits]
