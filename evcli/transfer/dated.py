"""A column of dates that is not named for what it is: its heading says that it has when each record began."""

from collections.abc import Sequence

from evcli.transfer.dates import looks_like_date
from evcli.transfer.happened import HasDates
from evcli.transfer.headings import folded

_BEGINNINGS = (
    "joined", "joindate", "joiningdate", "datejoined", "membersince", "startdate", "hiredate", "datehired", "created",
    "registered", "datum", "eintritt", "beitritt", "mitgliedseit", "datedentree", "dateentree", "dateembauche",
    "fechadealta", "fechaalta", "fechadeingreso",
)  # fmt: skip
"""How the headings of such columns begin, as they are compared."""

_LOOKED_AT = 100
"""So many rows are looked at, at most."""


def column_of_dates(header: Sequence[str], others: Sequence[int], columns: Sequence[Sequence[str]]) -> HasDates | None:
    """The first of these `others` that probably says when records began, by its heading and its first cells."""
    likely = (at for at in others if folded(header[at]).startswith(_BEGINNINGS))
    return next((HasDates(header[at].strip()) for at in likely if _has_dates(columns[at][:_LOOKED_AT])), None)


def _has_dates(cells: Sequence[str]) -> bool:
    said = [cell for cell in cells if cell.strip()]
    return bool(said) and all(map(looks_like_date, said))
