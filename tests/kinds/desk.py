"""A desk: its fields are set by events of several sorts, some of them by more than one, and some may be missing."""

from typing import NamedTuple

from evcli.domain.fields import text
from evcli.domain.kind import Begins, Changes, Ends, Kind, Revives

CODE, FLOOR, ROOM, NOTE = (text(name, 20, "1", "2") for name in ("code", "floor", "room", "note"))


class Desk(NamedTuple):
    id: int
    room: str
    note: str | None
    code: str
    floor: str | None = None
    added: int = 0
    changed: int = 0
    removed: int | None = None


KIND = Kind(
    "desk",
    Desk,
    {
        "desk.moved": Changes("move", "Move a desk", {"floor": FLOOR, "room": ROOM}),
        "desk.rearranged": Changes("rearrange", "Rearrange a desk", {"room": ROOM}),
        "desk.added": Begins("add", "Add a desk", {"room": ROOM, "code": CODE, "note": NOTE.optional}),
        "desk.noted": Changes("note", "Note something", {"note": NOTE}),
        "desk.removed": Ends("remove", "Remove a desk"),
        "desk.returned": Revives("return", "Return a desk"),
    },
    unique="code",
    label="{code}",
)
