"""An entry of a diary: it has no unique field and no end, and notes on it are events that change no field."""

from typing import NamedTuple

from evcli.domain.fields import text
from evcli.domain.kind import Begins, Changes, Kind

TITLE, NOTE = text("title", 80, "Monday", "Tuesday"), text("note", 500, "It rained", "It rained again")


class Entry(NamedTuple):
    id: int
    title: str
    begun: int
    changed: int
    closed: int | None


TYPES = {
    "entry.begun": Begins("begin", "Begin an entry", {"title": TITLE}),
    "entry.noted": Changes("note", "Add a note to an entry", {"note": NOTE}, apply=lambda entry, _: entry),
}
KIND = Kind("entry", Entry, TYPES, label="{title}", plural="entries")
